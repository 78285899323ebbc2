# SPDX-License-Identifier: Apache-2.0
"""Sizes of released models: what each config says, and what is known of the files.

The numbers are facts that are published with the models. `tensors` and `parameters` are those that somebody counted in the
released files, where that is public; else the script counts those of the class of transformers.
"""

from dataclasses import dataclass, field

import configs
import tensors


@dataclass
class Model:
    """A model as it is released: its config, and every tensor by name, shape and type."""

    name: str
    config: dict
    list_tensors: object  # a function of the config
    layout: str
    map: str  # the layers as inspect shows them
    fp8: bool = False
    scale_type: str = "BF16"
    files: int = 1
    published: dict = field(default_factory=dict)
    inspected: bool = False  # and no more
    unknown: str = ""  # a mixer that Graft carries and does not know

    def tensors(self):
        made = list(self.list_tensors(self.config))
        return list(tensors.with_scales(made, self.scale_type)) if self.fp8 else made


def hybrid(layers, every=4):
    """The map of a model in which every so manieth layer is attention."""
    return "".join("A" if i % every == every - 1 else "G" for i in range(layers))


def qwen3_5(name, layers, files=1, published=None, fp8=False, **sizes):
    config = configs.qwen3_5(layers=layers, fp8=fp8, **sizes)
    apart = fp8
    made = lambda config: tensors.qwen3_5(config, experts_apart=apart)
    layout = "qwen3_5_moe" if sizes.get("experts") else "qwen3_5"
    return Model(name, config, made, layout, hybrid(layers), fp8, "BF16", files, published or {})


def models():
    small, middle, large = (12, 768, 12, 3072), (24, 1024, 16, 4096), (27, 1152, 16, 4304)
    tied = dict(tied=True)
    yield qwen3_5("Qwen3.5-0.8B", 24, 1, dict(tensors=488), hidden=1024, inner=3584, heads=8, kv=2, values=16, vision=small, **tied)
    yield qwen3_5("Qwen3.5-2B", 24, 1, hidden=2048, inner=6144, heads=8, kv=2, values=16, vision=middle, **tied)
    yield qwen3_5("Qwen3.5-4B", 32, 2, dict(tensors=738, parameters=4_659_865_088), hidden=2560, inner=9216, heads=16, kv=4,
                  values=32, vision=middle, **tied)
    yield qwen3_5("Qwen3.5-9B", 32, 4, hidden=4096, inner=12288, heads=16, kv=4, values=32, vision=large)
    yield qwen3_5("Qwen3.5-27B", 64, 11, hidden=5120, inner=17408, heads=24, kv=4, values=48, vision=large)
    yield qwen3_5("Qwen3.5-35B-A3B", 40, 14, hidden=2048, experts=(256, 8, 512), heads=16, kv=2, values=32, vision=large,
                  published=dict(parameters=35_951_822_704), mtp_apart=True)
    yield qwen3_5("Qwen3.5-122B-A10B", 48, 39, hidden=3072, experts=(256, 8, 1024), heads=32, kv=2, values=64, vision=large)
    yield qwen3_5("Qwen3.5-397B-A17B", 60, 94, hidden=4096, experts=(512, 10, 1024), heads=32, kv=2, values=64, vision=large)
    dense = dict(hidden=5120, inner=17408, heads=24, kv=4, values=48, vision=large)
    yield qwen3_5("Qwen3.6-27B", 64, 15, dict(tensors=1199, parameters=27_781_427_952), **dense)
    yield qwen3_5("Qwen3.6-35B-A3B-FP8", 40, 14, dict(tensors=64_196), fp8=True, hidden=2048, experts=(256, 8, 512), heads=16, kv=2,
                  values=32, vision=large)
    yield qwen3_5("Qwen3.8-27B-FP8", 64, 66, dict(tensors=1606), fp8=True, **dense)
    for fp8 in (False, True):
        published = dict(tensors=151_479) if fp8 else {}
        yield Model("Qwen3-Next-80B-A3B-Instruct" + "-FP8" * fp8, configs.qwen3_next(fp8), tensors.qwen3_next, "qwen3_next",
                    hybrid(48), fp8, "F32", 8 if fp8 else 41, published)
    yield Model("Qwen3.8-Flash-Next", configs.qwen4_exp(), tensors.qwen4_exp, "qwen4_exp", hybrid(48), files=60)
    yield Model("Olmo-Hybrid-7B", configs.olmo_hybrid(), tensors.olmo_hybrid, "olmo_hybrid", hybrid(32), files=3)
    kimi = "".join("L" if layer in configs.KIMI_FULL else "K" for layer in range(1, 28))
    yield Model("Kimi-Linear-48B-A3B-Instruct", configs.kimi_linear(), tensors.kimi_linear, "kimi_linear", kimi, files=20,
                published=dict(tensors=20_493, parameters=49_122_681_728))
    for name, sizes, files in (("Ling-3.0-tiny", configs.LING_TINY, 4), ("Ling-3.0-flash", configs.LING_FLASH, 26)):
        made = hybrid(sizes["num_hidden_layers"], sizes["layer_group_size"]).replace("A", "L").replace("G", "K")
        yield Model(name, configs.bailing_hybrid(sizes), tensors.bailing_hybrid, "bailing_hybrid", made, files=files)
    for name, sizes in (("Jet-Nemotron-2B", configs.JET_2B), ("Jet-Nemotron-4B", configs.JET_4B)):
        made = sizes["map"].replace("J", "j").replace("S", "s")
        yield Model(name, configs.jet_nemotron(sizes), tensors.jet_nemotron, "jet_nemotron", made, inspected=True)
    yield from paper()


def paper():
    """The 26 models of arXiv 2603.14360, as the configs of lm-engine name them."""
    marks = {"gated_deltanet": "G", "m2rnn": "M", "softmax_attention": "A", "mamba2": "m", "rnn": "r", "gru": "g"}
    for size in ("400m", "7b"):
        for name, mixers in configs.paper_mixers(size).items():
            unknown = [kind for kind in dict.fromkeys(mixers) if kind in ("mamba2", "rnn", "gru")]
            yield Model(f"lm-engine {size} {name}", configs.paper(size, mixers), tensors.lm_engine, "lm-engine",
                        "".join(marks[kind] for kind in mixers), unknown=unknown[0] if unknown else "")
