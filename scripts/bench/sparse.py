# SPDX-License-Identifier: Apache-2.0
"""Checkpoints as large as released ones that take no room on a disk: a header, and a hole for the values."""

import json
import struct
from pathlib import Path

SIZES = {"num_experts": 512, "hidden_size": 128, "moe_intermediate_size": 128, "shared_expert_intermediate_size": 128,
         "vocab_size": 128, "num_experts_per_tok": 10, "head_dim": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
         "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 64, "linear_value_head_dim": 64}


def layer(i, c):
    """The name, shape and whether FP8 of the tensors of one layer of Qwen3-Next."""
    width, inner, shared = c["hidden_size"], c["moe_intermediate_size"], c["shared_expert_intermediate_size"]
    keys = c["linear_num_key_heads"] * c["linear_key_head_dim"]
    values = c["linear_num_value_heads"] * c["linear_value_head_dim"]
    heads, kv = (c[name] * c["head_dim"] for name in ("num_attention_heads", "num_key_value_heads"))
    prefix = f"model.layers.{i}."
    yield prefix + "input_layernorm.weight", [width], False
    yield prefix + "post_attention_layernorm.weight", [width], False
    if i % 4 == 3:
        for name, rows in (("q", 2 * heads), ("k", kv), ("v", kv)):
            yield f"{prefix}self_attn.{name}_proj.weight", [rows, width], True
        yield prefix + "self_attn.o_proj.weight", [width, heads], True
        for name in "qk":
            yield f"{prefix}self_attn.{name}_norm.weight", [c["head_dim"]], False
    else:
        mixer = prefix + "linear_attn."
        yield mixer + "in_proj_qkvz.weight", [2 * keys + 2 * values, width], True
        yield mixer + "in_proj_ba.weight", [2 * c["linear_num_value_heads"], width], False
        yield mixer + "conv1d.weight", [2 * keys + values, 1, c["linear_conv_kernel_dim"]], False
        for name in ("dt_bias", "A_log"):
            yield mixer + name, [c["linear_num_value_heads"]], False
        yield mixer + "norm.weight", [c["linear_value_head_dim"]], False
        yield mixer + "out_proj.weight", [width, values], True
    yield prefix + "mlp.gate.weight", [c["num_experts"], width], False
    yield prefix + "mlp.shared_expert_gate.weight", [1, width], False
    modules = [(f"experts.{expert}", inner) for expert in range(c["num_experts"])] + [("shared_expert", shared)]
    for module, rows in modules:
        for name, shape in (("gate", [rows, width]), ("up", [rows, width]), ("down", [width, rows])):
            yield f"{prefix}mlp.{module}.{name}_proj.weight", shape, True


def fp8(folder, layers):
    """Writes a checkpoint and returns its path and the number of its tensors."""
    template = json.loads(Path("fixtures/huggingface/qwen3_next/bf16/config.json").read_text())
    config = template | SIZES | {"num_hidden_layers": layers}
    config.pop("layer_types", None)
    config["full_attention_interval"] = 4
    tensors = [("model.embed_tokens.weight", [config["vocab_size"], config["hidden_size"]], False)]
    tensors += [entry for i in range(layers) for entry in layer(i, config)]
    tensors += [("model.norm.weight", [config["hidden_size"]], False),
                ("lm_head.weight", [config["vocab_size"], config["hidden_size"]], False)]
    plain = [name.removesuffix(".weight") for name, _, is_fp8 in tensors if not is_fp8]
    config["quantization_config"] = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
                                     "weight_block_size": [128, 128], "modules_to_not_convert": plain}
    header, position = {}, 0
    for name, shape, is_fp8 in tensors:
        parts = [(name, "F8_E4M3" if is_fp8 else "BF16", shape, 1 if is_fp8 else 2)]
        if is_fp8:
            parts.append((name + "_scale_inv", "F32", [-(-extent // 128) for extent in shape], 4))
        for part, kind, extents, size in parts:
            for extent in extents:
                size *= extent
            header[part] = {"dtype": kind, "shape": extents, "data_offsets": [position, position + size]}
            position += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + position)
    return folder, len(header)
