#!/usr/bin/env python3
"""Prints the most memory that conversions of large tensors need: bench-memory.py GRAFT FOLDER [GIB]

A Qwen3-Next model of two layers with random values, whose largest tensor is 0.4 times as large as
the model, is regrouped, cast, quantised, dequantised, put into every container and taken out again.
Parts that need torch (distributed checkpoints) or gguf-py (K-quants) are left out without it, which
is said. The exit code is 1 where a conversion needs more than 256 MiB. Needs about six times GIB on
the disk of FOLDER.
"""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 256
CONFIG = os.path.join(HERE, "..", "fixtures", "huggingface", "qwen3_next", "bf16", "config.json")
EXPERTS, HEAD = 64, 256


def config(gib, **changes):
    """A model whose matrices grow with the square root of the size."""
    with open(CONFIG) as file:
        value = json.load(file)
    width = max(1, round((gib / 2) ** 0.5 * 32)) * 256
    value |= {
        "num_hidden_layers": 2, "full_attention_interval": 2, "hidden_size": width,
        "linear_key_head_dim": HEAD, "linear_value_head_dim": HEAD,
        "linear_num_key_heads": width // HEAD, "linear_num_value_heads": 2 * width // HEAD,
        "num_experts": EXPERTS, "moe_intermediate_size": 8 * width // EXPERTS // 4 * 4,
        "shared_expert_intermediate_size": 256, "intermediate_size": 256,
    }
    return value | changes


def shapes(config):
    """The stored tensors of a Qwen3-Next model."""
    width, vocabulary = config["hidden_size"], config["vocab_size"]
    heads, keys = config["linear_num_value_heads"], config["linear_num_key_heads"] * HEAD
    values = heads * HEAD
    yield "model.embed_tokens.weight", [vocabulary, width]
    yield "lm_head.weight", [vocabulary, width]
    yield "model.norm.weight", [width]
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        yield name + "input_layernorm.weight", [width]
        yield name + "post_attention_layernorm.weight", [width]
        if (layer + 1) % config["full_attention_interval"]:
            yield name + "linear_attn.in_proj_qkvz.weight", [2 * keys + 2 * values, width]
            yield name + "linear_attn.in_proj_ba.weight", [2 * heads, width]
            yield name + "linear_attn.conv1d.weight", [2 * keys + values, 1, 4]
            yield name + "linear_attn.out_proj.weight", [width, values]
            yield name + "linear_attn.norm.weight", [HEAD]
            yield name + "linear_attn.A_log", [heads]
            yield name + "linear_attn.dt_bias", [heads]
        else:
            head, queries = config["head_dim"], config["num_attention_heads"]
            stored = config["num_key_value_heads"]
            yield name + "self_attn.q_proj.weight", [2 * queries * head, width]
            yield name + "self_attn.k_proj.weight", [stored * head, width]
            yield name + "self_attn.v_proj.weight", [stored * head, width]
            yield name + "self_attn.o_proj.weight", [width, queries * head]
            yield name + "self_attn.q_norm.weight", [head]
            yield name + "self_attn.k_norm.weight", [head]
        yield name + "mlp.gate.weight", [config["num_experts"], width]
        yield name + "mlp.shared_expert_gate.weight", [1, width]
        for place, size in [("shared_expert", config["shared_expert_intermediate_size"])] + [
                (f"experts.{expert}", config["moe_intermediate_size"])
                for expert in range(config["num_experts"])]:
            yield f"{name}mlp.{place}.gate_proj.weight", [size, width]
            yield f"{name}mlp.{place}.up_proj.weight", [size, width]
            yield f"{name}mlp.{place}.down_proj.weight", [width, size]


def size(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def blocks(count, width):
    """Values that are finite in every type: small positive ones; few, so that they deflate fast."""
    block = bytearray(1 << 20)
    block[width - 1::width] = bytes([0x3c] * (len(block) // width))
    block[::4096] = os.urandom(len(block) // 4096)
    for start in range(0, count, len(block)):
        yield block[:min(len(block), count - start)]


def make(folder, value, quantised=False):
    """Writes a checkpoint in BF16, or in FP8 with scales for blocks of 128 by 128."""
    os.makedirs(folder)
    if quantised:
        value = value | {"quantization_config": {
            "quant_method": "fp8", "weight_block_size": [128, 128], "fmt": "e4m3",
            "activation_scheme": "dynamic", "modules_to_not_convert": ["lm_head"]}}
    header, end = {}, 0
    for name, shape in shapes(value):
        is_small = quantised and (name.endswith("_proj.weight") or "qkvz" in name)
        kinds = [(name, "F8_E4M3" if is_small else "BF16", shape)]
        if is_small:
            kinds.append((name + "_scale_inv", "F32", [-(-extent // 128) for extent in shape]))
        for name, kind, shape in kinds:
            start, end = end, end + size(shape) * {"F8_E4M3": 1, "BF16": 2, "F32": 4}[kind]
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder + "/config.json", "w") as file:
        json.dump(value, file)
    with open(folder + "/model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for entry in header.values():
            start, end = entry["data_offsets"]
            for block in blocks(end - start, {"F8_E4M3": 1, "BF16": 2, "F32": 4}[entry["dtype"]]):
                file.write(block)


def deflate(source, target):
    """The same arrays in a compressed archive."""
    os.makedirs(os.path.dirname(target))
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(
            target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            with old.open(name) as file, new.open(name, "w", force_zip64=True) as copy:
                shutil.copyfileobj(file, copy, 1 << 20)


def requantise(source, target, kind):
    """The same GGUF file with blocks of another type, whose bytes mean nothing."""
    import numpy
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter

    reader, kind = GGUFReader(source), GGMLQuantizationType[kind]
    elements, count = GGML_QUANT_SIZES[kind]
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            part = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=part)
    for tensor in reader.tensors:
        shape = [int(extent) for extent in reversed(tensor.shape)]
        if tensor.tensor_type.name == "Q8_0" and shape[-1] % elements == 0:
            zeros = numpy.zeros([*shape[:-1], shape[-1] // elements * count], numpy.uint8)
            writer.add_tensor(tensor.name, zeros, raw_dtype=kind)
        else:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def start(command):
    """The exit code and peak of a command; a process of its own, since a peak is inherited."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024,
                      usage.ru_utime + usage.ru_stime]))


class Bench:
    def __init__(self, graft, folder, gib):
        self.graft = os.path.abspath(graft)
        self.folder = folder
        self.gib = gib
        self.failed = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def measure(self, words, *command):
        run = subprocess.run([sys.executable, __file__, "--start", self.graft, *command],
                             capture_output=True, text=True)
        code, peak, seconds = json.loads(run.stdout)
        wrong = code != 0 or peak > LIMIT
        self.failed += wrong
        print(f"| {words} | {peak:.0f} MiB | {seconds:.1f} s |{' WRONG' if wrong else ''}", flush=True)
        if code:
            sys.exit(f"{' '.join(command)}: {run.stderr}")

    def convert(self, words, source, target, *options):
        """Measures a conversion; what is not named as a target is removed."""
        self.measure(words, "convert", self.path(source), self.path(target or "out"), "-q", *options)
        if not target:
            shutil.rmtree(self.path("out"))

    def remove(self, *names):
        for name in names:
            shutil.rmtree(self.path(name))

    def run(self):
        make(self.path("next"), config(self.gib))
        self.convert("regrouped: qwen3_next to qwen3_5_moe", "next", "moe", "--to", "qwen3_5_moe")
        self.convert("regrouped: qwen3_5_moe to qwen3_next", "moe", None, "--to", "qwen3_next")
        self.measure("compared by what tensors are: diff", "diff", self.path("next"), self.path("moe"))
        self.remove("moe")
        self.convert("cast: BF16 to F32", "next", "wide", "--dtype", "f32")
        self.convert("cast: F32 to BF16", "wide", None, "--dtype", "bf16", "--allow", "lossy")
        self.remove("wide")
        self.measure("audited: inspect --audit", "inspect", self.path("next"), "--audit")
        self.containers()
        self.megatron()
        self.gguf()
        make(self.path("fp8"), config(self.gib), quantised=True)
        self.convert("FP8, moved by blocks to qwen3_5_moe", "fp8", None, "--to", "qwen3_5_moe")
        self.convert("FP8, dequantised to BF16", "fp8", None, "--dtype", "bf16", "--allow", "lossy")

    def containers(self):
        self.convert("safetensors to torch", "next", "torch", "--container", "torch")
        self.convert("torch to qwen3_5_moe", "torch", None, "--to", "qwen3_5_moe")
        self.remove("torch")
        self.convert("safetensors to npz", "next", "npz", "--container", "npz")
        shutil.copytree(self.path("npz"), self.path("deflated"),
                        ignore=shutil.ignore_patterns("*.npz", "graft.json"))
        os.rename(self.path("deflated"), self.path("deflated-npz"))
        deflate(self.path("npz/weights.npz"), self.path("deflated/weights.npz"))
        for name in os.listdir(self.path("deflated-npz")):
            os.rename(self.path("deflated-npz/" + name), self.path("deflated/" + name))
        self.remove("npz", "deflated-npz")
        self.convert("deflated npz to safetensors", "deflated", None, "--container", "safetensors")
        self.convert("deflated npz to qwen3_5_moe", "deflated", None, "--to", "qwen3_5_moe")
        self.remove("deflated")
        if importlib.util.find_spec("torch") is None:
            return print("| left out without torch: distributed checkpoints | | |")
        exchange = [sys.executable, os.path.join(HERE, "exchange.py"), "--rank"]
        ranks = [subprocess.Popen(exchange + [rank, self.path("next"), self.path("dcp")],
                                  stderr=subprocess.DEVNULL) for rank in "01"]
        if any([process.wait() for process in ranks]):
            sys.exit("torch did not save a distributed checkpoint")
        shutil.copy(self.path("next/config.json"), self.path("dcp"))
        self.convert("distributed over 2 ranks to safetensors", "dcp", None, "--container", "safetensors")
        self.convert("distributed over 2 ranks to qwen3_5_moe", "dcp", None, "--to", "qwen3_5_moe")
        self.remove("dcp")

    def megatron(self):
        self.convert("BF16 to Megatron's directory", "next", "mcore", "--to", "mcore-gpt")
        self.convert("Megatron's directory to qwen3_next", "mcore", None, "--to", "qwen3_next")
        self.convert("Megatron's GPTModel to its HybridModel", "mcore", None, "--to", "mcore-hybrid")
        self.remove("mcore")

    def gguf(self):
        self.convert("BF16 to GGUF", "next", "gguf", "--to", "gguf-qwen3next", "--max-shard-size", "1TB")
        self.convert("GGUF to qwen3_next", "gguf", None, "--to", "qwen3_next")
        self.remove("gguf")
        self.convert("quantised to Q8_0", "next", "q8", "--to", "gguf-qwen3next", "--dtype", "q8_0",
                     "--allow", "lossy", "--max-shard-size", "1TB")
        self.convert("Q8_0, dequantised to BF16", "q8", None, "--to", "qwen3_next", "--dtype", "bf16",
                     "--allow", "lossy")
        self.convert("Q8_0, dequantised to F32", "q8", None, "--to", "qwen3_next", "--dtype", "f32")
        if importlib.util.find_spec("gguf") is None:
            print("| left out without gguf-py: K-quants | | |")
        else:
            os.makedirs(self.path("blocks"))
            for kind in ["Q4_K", "Q6_K"]:
                path = self.path("blocks/model.gguf")
                requantise(self.path("q8/model.gguf"), path, kind)
                self.convert(f"{kind}, dequantised to BF16", "blocks", None, "--to", "qwen3_next",
                             "--dtype", "bf16", "--allow", "lossy")
                os.remove(path)
        self.remove("q8")


def main():
    if sys.argv[1:2] == ["--start"]:
        return start(sys.argv[2:])
    graft, folder, gib = sys.argv[1], sys.argv[2], float((sys.argv[3:] or ["2"])[0])
    shutil.rmtree(folder, ignore_errors=True)
    bench = Bench(graft, folder, gib)
    print("| conversion | peak memory | processor time |\n|---|---|---|")
    bench.run()
    shutil.rmtree(folder)
    sys.exit(1 if bench.failed else 0)


if __name__ == "__main__":
    main()
