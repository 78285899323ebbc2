# SPDX-License-Identifier: Apache-2.0
"""The tensors of released models: name, shape and type, from a config.

A norm that multiplies with its weight is marked, so that the file can hold ones: readers tell such norms from those around
zero by their values.
"""

from collections import namedtuple

Tensor = namedtuple("Tensor", "name shape kind ones values", defaults=("BF16", False, None))
BLOCK = 128


def with_scales(tensors, scale_type):
    """FP8 in blocks: matrices of the layers, but not routers, gates and small projections."""
    for tensor in tensors:
        if not is_fp8(tensor):
            yield tensor
            continue
        yield tensor._replace(kind="F8_E4M3")
        yield Tensor(tensor.name + "_scale_inv", [-(-extent // BLOCK) for extent in tensor.shape], scale_type)


def is_fp8(tensor):
    module = tensor.name.removesuffix(".weight").split(".")[-1]
    kept = ("in_proj_a", "in_proj_b", "in_proj_ba", "gate", "shared_expert_gate")
    return (".layers." in tensor.name and "visual" not in tensor.name and len(tensor.shape) == 2
            and tensor.name.endswith(".weight") and module not in kept)


def plain_modules(tensors):
    """What modules_to_not_convert lists: every module that has no scale."""
    names = {tensor.name for tensor in tensors}
    plain = (name for name in names if name + "_scale_inv" not in names and not name.endswith("_scale_inv"))
    return sorted({name.removesuffix(".weight").removesuffix(".bias") for name in plain})


def norms(prefix, width, *names, ones=False):
    for name in names:
        yield Tensor(f"{prefix}{name}.weight", [width], ones=ones)


def mlp(prefix, width, inner):
    yield Tensor(prefix + "gate_proj.weight", [inner, width])
    yield Tensor(prefix + "up_proj.weight", [inner, width])
    yield Tensor(prefix + "down_proj.weight", [width, inner])


def experts(prefix, width, inner, count, apart):
    if apart:
        for expert in range(count):
            yield from mlp(f"{prefix}experts.{expert}.", width, inner)
    else:
        yield Tensor(prefix + "experts.gate_up_proj", [count, 2 * inner, width])
        yield Tensor(prefix + "experts.down_proj", [count, width, inner])


def feed_forward(prefix, c, apart):
    width = c["hidden_size"]
    if "num_experts" not in c:
        yield from mlp(prefix, width, c["intermediate_size"])
        return
    yield Tensor(prefix + "gate.weight", [c["num_experts"], width])
    yield Tensor(prefix + "shared_expert_gate.weight", [1, width])
    yield from mlp(prefix + "shared_expert.", width, c["shared_expert_intermediate_size"])
    yield from experts(prefix, width, c["moe_intermediate_size"], c["num_experts"], apart)


def attention(prefix, c):
    """Attention with a gate beside each query, as Qwen has it."""
    width, heads, kv, dim = (c[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim"))
    yield Tensor(prefix + "q_proj.weight", [2 * heads * dim, width])
    yield Tensor(prefix + "k_proj.weight", [kv * dim, width])
    yield Tensor(prefix + "v_proj.weight", [kv * dim, width])
    yield Tensor(prefix + "o_proj.weight", [width, heads * dim])
    yield from norms(prefix, dim, "q_norm", "k_norm")


def delta(prefix, c, joined=False, decay="BF16"):
    width, heads = c["hidden_size"], c["linear_num_value_heads"]
    keys, values = c["linear_num_key_heads"] * c["linear_key_head_dim"], heads * c["linear_value_head_dim"]
    if joined:
        yield Tensor(prefix + "in_proj_qkvz.weight", [2 * keys + 2 * values, width])
        yield Tensor(prefix + "in_proj_ba.weight", [2 * heads, width])
    else:
        yield Tensor(prefix + "in_proj_qkv.weight", [2 * keys + values, width])
        yield Tensor(prefix + "in_proj_z.weight", [values, width])
        yield Tensor(prefix + "in_proj_b.weight", [heads, width])
        yield Tensor(prefix + "in_proj_a.weight", [heads, width])
    yield Tensor(prefix + "conv1d.weight", [2 * keys + values, 1, c["linear_conv_kernel_dim"]])
    yield Tensor(prefix + "dt_bias", [heads])
    yield Tensor(prefix + "A_log", [heads], decay)
    yield Tensor(prefix + "norm.weight", [c["linear_value_head_dim"]], decay, ones=True)
    yield Tensor(prefix + "out_proj.weight", [width, values])


def vision(prefix, v):
    width, merged = v["hidden_size"], v["hidden_size"] * v["spatial_merge_size"] ** 2

    def linear(name, rows, columns):
        yield Tensor(f"{prefix}{name}.weight", [rows, columns])
        yield Tensor(f"{prefix}{name}.bias", [rows])

    def norm(name):
        yield Tensor(f"{prefix}{name}.weight", [width], ones=True)
        yield Tensor(f"{prefix}{name}.bias", [width])

    patch = [v["in_channels"], v["temporal_patch_size"], v["patch_size"], v["patch_size"]]
    yield Tensor(prefix + "patch_embed.proj.weight", [width, *patch])
    yield Tensor(prefix + "patch_embed.proj.bias", [width])
    yield Tensor(prefix + "pos_embed.weight", [v["num_position_embeddings"], width])
    for block in range(v["depth"]):
        yield from norm(f"blocks.{block}.norm1")
        yield from norm(f"blocks.{block}.norm2")
        yield from linear(f"blocks.{block}.attn.qkv", 3 * width, width)
        yield from linear(f"blocks.{block}.attn.proj", width, width)
        yield from linear(f"blocks.{block}.mlp.linear_fc1", v["intermediate_size"], width)
        yield from linear(f"blocks.{block}.mlp.linear_fc2", width, v["intermediate_size"])
    yield from norm("merger.norm")
    yield from linear("merger.linear_fc1", merged, merged)
    yield from linear("merger.linear_fc2", v["out_hidden_size"], merged)


def qwen_layers(prefix, c, apart, joined=False, decay="BF16"):
    for i in range(c["num_hidden_layers"]):
        layer = f"{prefix}layers.{i}."
        yield from norms(layer, c["hidden_size"], "input_layernorm", "post_attention_layernorm")
        if i % c["full_attention_interval"] == c["full_attention_interval"] - 1:
            yield from attention(layer + "self_attn.", c)
        else:
            yield from delta(layer + "linear_attn.", c, joined, decay)
        yield from feed_forward(layer + "mlp.", c, apart)


def qwen_mtp(c, apart):
    width = c["hidden_size"]
    yield Tensor("mtp.fc.weight", [width, 2 * width])
    yield from norms("mtp.", width, "norm", "pre_fc_norm_embedding", "pre_fc_norm_hidden")
    yield from norms("mtp.layers.0.", width, "input_layernorm", "post_attention_layernorm")
    yield from attention("mtp.layers.0.self_attn.", c)
    yield from feed_forward("mtp.layers.0.mlp.", c, apart)


def ends(c, prefix="model."):
    yield Tensor(prefix + "embed_tokens.weight", [c["vocab_size"], c["hidden_size"]])
    if not c.get("tie_word_embeddings"):
        yield Tensor("lm_head.weight", [c["vocab_size"], c["hidden_size"]])


def qwen3_5(config, experts_apart):
    c, prefix = config["text_config"], "model.language_model."
    decay = "F32" if config.get("tie_word_embeddings") else "BF16"
    yield from ends(c, prefix)
    yield from norms(prefix, c["hidden_size"], "norm")
    yield from qwen_layers(prefix, c, experts_apart, decay=decay)
    yield from vision("model.visual.", config["vision_config"])
    yield from qwen_mtp(c, experts_apart or "num_experts" in c)


def qwen3_next(c):
    yield from ends(c)
    yield from norms("model.", c["hidden_size"], "norm")
    yield from qwen_layers("model.", c, True, joined=True)
    yield from qwen_mtp(c, True)


def hyper(prefix, c, inject=True):
    wide, rank = c["hc_count"] * c["hidden_size"], c["hc_lowrank"]
    yield Tensor(prefix + "hc_norm.weight", [wide])
    yield Tensor(prefix + "input_mix_weight_down.weight", [rank, wide])
    yield Tensor(prefix + "input_mix_weight_up.weight", [wide, rank])
    if inject:
        yield Tensor(prefix + "block_inject_weight.weight", [c["hc_count"], wide])


def sparse_attention(prefix, c):
    yield from attention(prefix, c)
    heads = c["indexer_n_heads"] + c["indexer_kv_heads"]
    yield Tensor(prefix + "indexer.index_qk_proj.weight", [heads * c["indexer_head_dim"], c["hidden_size"]])
    yield from norms(prefix + "indexer.", c["indexer_head_dim"], "q_layernorm", "k_layernorm")


def is_prime(number):
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def ngram_sizes(c):
    """The rows of each head: primes one after the other."""
    sizes, number = [], c["ngram_vocab_size_base"] - 1
    while len(sizes) < (c["ngram_size"] - 1) * c["heads_per_ngram"]:
        number += 1
        if is_prime(number):
            sizes.append(number)
    return sizes


def multipliers(c, seed=1234):
    """The odd numbers that hash tokens, from the seed and the mixing steps of SplitMix64."""
    gamma, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    half = max(1, ((2**63 - 1) // c["vocab_size"]) // 2)

    def mixed(value):
        value = (value + gamma) & mask
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        return value ^ (value >> 31)

    return [2 * (mixed((seed + gamma * (j + 1)) & mask) % half) + 1 for j in range(c["ngram_size"])]


def ngrams(prefix, c):
    width, wide, deep = c["hidden_size"], c["hc_count"] * c["hidden_size"], c["ple_embed_dim"]
    sizes = ngram_sizes(c)
    heads, multiple = len(sizes), c["make_ngram_vocab_size_divisible_by"]
    rows = -(-sum(sizes) // multiple) * multiple
    offsets = [sum(sizes[:head]) for head in range(heads)]
    table = prefix + "ple_embedding."
    for name, values in (("layer_multipliers", multipliers(c)), ("ngram_heads_vocab_sizes", sizes), ("ngram_heads_offsets", offsets)):
        yield Tensor(table + name, [len(values)], "I64", False, values)
    for part in range(c["split_ngram_parts"]):
        yield Tensor(f"{table}ngram_embedding.shard_{part}.weight", [rows // c["split_ngram_parts"], deep // heads])
    yield Tensor(prefix + "key_proj.weight", [wide, deep])
    yield Tensor(prefix + "value_proj.weight", [width, deep])
    yield from norms(prefix, wide, "norm_key", "norm_query", "norm_conv")
    yield Tensor(prefix + "conv1d.weight", [wide, 1, c["ple_conv_kernel_size"]])


def qwen4_exp(config):
    c, prefix = config["text_config"], "model.language_model."
    yield from ends(c, prefix)
    yield from hyper(prefix + "hyper_connection_mixer.", c, inject=False)
    for i, kind in enumerate(c["layer_types"]):
        layer = f"{prefix}layers.{i}."
        yield from hyper(layer + "attn_hyper_connection.", c)
        yield from hyper(layer + "mlp_hyper_connection.", c)
        if kind == "full_attention":
            yield from sparse_attention(layer + "self_attn.", c)
        else:
            yield from delta(layer + "linear_attn.", c, decay="F32")
        yield from feed_forward(layer + "mlp.", c, False)
        if i + 1 in c["ple_layer_ids"]:
            yield from ngrams(layer + "ple.", c)
    width = c["hidden_size"]
    yield Tensor("mtp.fc_embedding.weight", [width, width])
    yield Tensor("mtp.fc_hidden.weight", [width, width])
    yield Tensor("mtp.pre_fc_norm_embedding.weight", [width])
    yield Tensor("mtp.pre_fc_norm_hidden.weight", [c["hc_count"] * width])
    yield from hyper("mtp.layers.0.attn_hyper_connection.", c)
    yield from hyper("mtp.layers.0.mlp_hyper_connection.", c)
    yield from sparse_attention("mtp.layers.0.self_attn.", c)
    yield from feed_forward("mtp.layers.0.mlp.", c, False)
    yield from hyper("mtp.hyper_connection_mixer.", c, inject=False)
    yield from vision("model.visual.", config["vision_config"])


def olmo_hybrid(c):
    width, heads = c["hidden_size"], c["linear_num_value_heads"]
    keys, values = c["linear_num_key_heads"] * c["linear_key_head_dim"], heads * c["linear_value_head_dim"]
    yield from ends(c)
    yield from norms("model.", width, "norm", ones=True)
    for i, kind in enumerate(c["layer_types"]):
        layer = f"model.layers.{i}."
        if kind == "full_attention":
            yield from norms(layer, width, "post_attention_layernorm", "post_feedforward_layernorm", ones=True)
            for name in "qkvo":
                yield Tensor(f"{layer}self_attn.{name}_proj.weight", [width, width])
            yield from norms(layer + "self_attn.", width, "q_norm", "k_norm", ones=True)
        else:
            yield from norms(layer, width, "input_layernorm", "post_attention_layernorm", ones=True)
            mixer = layer + "linear_attn."
            for name, rows in (("q", keys), ("k", keys), ("v", values)):
                yield Tensor(f"{mixer}{name}_proj.weight", [rows, width])
                yield Tensor(f"{mixer}{name}_conv1d.weight", [rows, 1, c["linear_conv_kernel_dim"]])
            for name in "ab":
                yield Tensor(f"{mixer}{name}_proj.weight", [heads, width])
            yield Tensor(mixer + "g_proj.weight", [values, width])
            yield Tensor(mixer + "A_log", [heads])
            yield Tensor(mixer + "dt_bias", [heads])
            yield from norms(mixer, c["linear_value_head_dim"], "o_norm", ones=True)
            yield Tensor(mixer + "o_proj.weight", [width, values])
        yield from mlp(layer + "mlp.", width, c["intermediate_size"])


def latent(prefix, c, out):
    """Latent attention, with or without a latent query."""
    width, heads, rank = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"]
    nope, rope, values = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    if c["q_lora_rank"]:
        yield Tensor(prefix + "q_a_proj.weight", [c["q_lora_rank"], width])
        yield from norms(prefix, c["q_lora_rank"], "q_a_layernorm", ones=True)
        yield Tensor(prefix + "q_b_proj.weight", [heads * (nope + rope), c["q_lora_rank"]])
    else:
        yield Tensor(prefix + "q_proj.weight", [heads * (nope + rope), width])
    yield Tensor(prefix + "kv_a_proj_with_mqa.weight", [rank + rope, width])
    yield from norms(prefix, rank, "kv_a_layernorm", ones=True)
    yield Tensor(prefix + "kv_b_proj.weight", [heads * (nope + values), rank])
    yield Tensor(f"{prefix}{out}.weight", [width, heads * values])


def channel_delta(prefix, width, heads, dim, taps, decay_shape):
    """What Kimi Delta Attention has in both layouts."""
    inner = heads * dim
    for name in "qkv":
        yield Tensor(f"{prefix}{name}_proj.weight", [inner, width])
        yield Tensor(f"{prefix}{name}_conv1d.weight", [inner, 1, taps])
    yield Tensor(prefix + "b_proj.weight", [heads, width])
    yield Tensor(prefix + "A_log", decay_shape, "F32")
    yield Tensor(prefix + "dt_bias", [inner], "F32")
    yield from norms(prefix, dim, "o_norm", ones=True)
    yield Tensor(prefix + "o_proj.weight", [width, inner])


def kimi_linear(c):
    width, mixer = c["hidden_size"], c["linear_attn_config"]
    heads, dim = mixer["num_heads"], mixer["head_dim"]
    yield from ends(c)
    yield from norms("model.", width, "norm", ones=True)
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        yield from norms(layer, width, "input_layernorm", "post_attention_layernorm", ones=True)
        if i + 1 in mixer["full_attn_layers"]:
            yield from latent(layer + "self_attn.", c, "o_proj")
        else:
            yield from channel_delta(layer + "self_attn.", width, heads, dim, mixer["short_conv_kernel_size"], [1, 1, heads, 1])
            for gate in "fg":
                yield Tensor(f"{layer}self_attn.{gate}_a_proj.weight", [dim, width])
                yield Tensor(f"{layer}self_attn.{gate}_b_proj.weight", [heads * dim, dim])
        if i < c["first_k_dense_replace"]:
            yield from mlp(layer + "mlp.", width, c["intermediate_size"])
            continue
        block, inner = layer + "block_sparse_moe.", c["moe_intermediate_size"]
        yield Tensor(block + "gate.weight", [c["num_experts"], width])
        yield Tensor(block + "gate.e_score_correction_bias", [c["num_experts"]], "F32")
        for expert in range(c["num_experts"]):
            for name, shape in (("w1", [inner, width]), ("w2", [width, inner]), ("w3", [inner, width])):
                yield Tensor(f"{block}experts.{expert}.{name}.weight", shape)
        yield from mlp(block + "shared_experts.", width, inner * c["num_shared_experts"])


def bailing_hybrid(c):
    width, heads, dim, group = c["hidden_size"], c["num_attention_heads"], c["head_dim"], c["layer_group_size"]
    yield Tensor("model.word_embeddings.weight", [c["vocab_size"], width])
    yield Tensor("lm_head.weight", [c["vocab_size"], width])
    yield from norms("model.", width, "norm", ones=True)
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        yield from norms(layer, width, "input_layernorm", "post_attention_layernorm", ones=True)
        if i % group == group - 1:
            yield from latent(layer + "attention.", c, "dense")
            yield Tensor(layer + "attention.g_proj.weight", [heads, width])
        else:
            yield from channel_delta(layer + "attention.", width, heads, dim, c["short_conv_kernel_size"], [heads])
            for gate in "fg":
                yield Tensor(f"{layer}attention.{gate}_proj.weight", [heads * dim, width])
        if i < c["first_k_dense_replace"]:
            yield from mlp(layer + "mlp.", width, c["intermediate_size"])
            continue
        yield Tensor(layer + "mlp.gate.weight", [c["num_experts"], width])
        yield Tensor(layer + "mlp.gate.expert_bias", [c["num_experts"]], "F32")
        yield from experts(layer + "mlp.", width, c["moe_intermediate_size"], c["num_experts"], True)
        yield from mlp(layer + "mlp.shared_experts.", width, c["moe_shared_expert_intermediate_size"] * c["num_shared_experts"])


def jet_nemotron(c):
    width, heads, kv = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
    jet, dim = c["efficient_attention_config"]["jet"], width // heads
    keys = jet["num_heads"] * jet["head_dim"]
    values = int(keys * jet["expand_v"])
    yield from ends(c)
    yield from norms("model.", width, "norm", ones=True)
    for i, kind in enumerate(c["layer_types"]):
        layer, mixer = f"model.layers.{i}.", f"model.layers.{i}.self_attn."
        yield from norms(layer, width, "input_layernorm", "post_attention_layernorm", ones=True)
        yield from mlp(layer + "mlp.", width, c["intermediate_size"])
        if kind != "jet":
            for name, rows in (("q", heads * dim), ("k", kv * dim), ("v", kv * dim)):
                yield Tensor(f"{mixer}{name}_proj.weight", [rows, width])
                yield Tensor(f"{mixer}{name}_proj.bias", [rows])
            yield Tensor(mixer + "o_proj.weight", [width, heads * dim])
            continue
        for name, rows in (("q", keys), ("k", keys), ("v", values), ("g", values), ("a", jet["num_heads"]), ("b", jet["num_heads"])):
            yield Tensor(f"{mixer}{name}_proj.weight", [rows, width])
        yield Tensor(mixer + "A_log", [jet["num_heads"]])
        yield Tensor(mixer + "dt_bias", [jet["num_heads"]])
        made, inner = mixer + "dynamic_conv1d.kernel_generator.", values // jet["dconv_generator_reduction"]
        yield Tensor(made + "w1.weight", [inner, width])
        yield Tensor(made + "w2.weight", [values * jet["conv_size"], inner])
        yield Tensor(made + "w2.bias", [values * jet["conv_size"]])
        yield from norms(mixer, int(jet["head_dim"] * jet["expand_v"]), "o_norm", ones=True)
        yield Tensor(mixer + "o_proj.weight", [width, values])


def lm_engine(c):
    width = c["hidden_size"]
    yield Tensor("transformer.wte.weight", [c["vocab_size"], width])
    yield Tensor("lm_head.weight", [c["vocab_size"], width])
    yield from norms("transformer.", width, "ln_f", ones=True)
    for i, (mixer, block) in enumerate(zip(c["sequence_mixer_blocks"], c["mlp_blocks"])):
        layer = f"transformer.h.{i}."
        yield from norms(layer, width, "ln_1", "ln_2", ones=True)
        yield from lm_engine_mixer(layer + "sequence_mixer.", mixer, width)
        inner, feed = block["intermediate_size"], layer + "mlp_block."
        if block["mlp_type"] == "MLP":
            yield Tensor(feed + "c_fc.weight", [2 * inner, width])
            yield Tensor(feed + "c_proj.weight", [width, inner])
            continue
        count, shared = block["num_experts"], block["shared_intermediate_size"]
        yield Tensor(feed + "gate.weight", [count, width])
        yield Tensor(feed + "c_fc.weight", [count, 2 * inner, width])
        yield Tensor(feed + "c_proj.weight", [count, width, inner])
        yield Tensor(feed + "c_fc_shared.weight", [2 * shared, width])
        yield Tensor(feed + "c_proj_shared.weight", [width, shared])


def lm_engine_mixer(prefix, m, width):
    kind = m["sequence_mixer_type"]
    if kind == "softmax_attention":
        yield Tensor(prefix + "c_attn.weight", [3 * width, width])
        yield Tensor(prefix + "c_proj.weight", [width, width])
    elif kind == "gated_deltanet":
        keys, values, heads = m["num_k_heads"] * m["k_head_dim"], m["num_v_heads"] * m["v_head_dim"], m["num_v_heads"]
        yield Tensor(prefix + "qkv_proj.weight", [2 * keys + values, width])
        yield Tensor(prefix + "ab_proj.weight", [2 * heads + values, width])
        yield Tensor(prefix + "qkv_conv1d.weight", [2 * keys + values, 1, m["kernel_size"]])
        yield Tensor(prefix + "decay_gate.A_log", [heads], "F32")
        yield Tensor(prefix + "decay_gate.dt_bias", [heads], "F32")
        yield from norms(prefix, m["v_head_dim"], "o_norm", ones=True)
        yield Tensor(prefix + "o_proj.weight", [width, values])
    elif kind == "m2rnn":
        heads, dim, key = m["num_v_heads"], m["v_head_dim"], m["k_head_dim"]
        joined = (m["num_q_heads"] + m["num_k_heads"]) * key + heads * dim
        yield Tensor(prefix + "input_projection.weight", [joined + m["num_f_heads"] + m["num_g_heads"] * dim, width])
        yield Tensor(prefix + "conv1d.weight", [joined, 1, m["kernel_size"]])
        yield Tensor(prefix + "state_weight", [m["num_weight_heads"], dim, dim])
        yield Tensor(prefix + "D", [heads, dim])
        yield Tensor(prefix + "decay_gate.A_log", [heads], "F32")
        yield Tensor(prefix + "decay_gate.dt_bias", [heads], "F32")
        yield from norms(prefix, heads * dim, "g_norm", ones=True)
        yield Tensor(prefix + "output_projection.weight", [width, heads * dim])
    elif kind == "mamba2":
        heads, inner = m["num_heads"], m["intermediate_size"]
        joined = inner + 2 * m["num_groups"] * m["state_size"]
        yield Tensor(prefix + "conv1d.weight", [joined, 1, m["conv_kernel_size"]])
        yield Tensor(prefix + "conv1d.bias", [joined])
        yield Tensor(prefix + "in_proj.weight", [inner + joined + heads, width])
        yield Tensor(prefix + "decay_gate.A_log", [heads], "F32")
        yield Tensor(prefix + "decay_gate.dt_bias", [heads], "F32")
        yield from norms(prefix, inner, "norm", ones=True)
        yield Tensor(prefix + "out_proj.weight", [width, inner])
        yield Tensor(prefix + "D", [heads])
    else:
        dim, gates = m["state_head_dim"], 3 if kind == "gru" else 1
        heads = m["num_weight_heads"]
        yield Tensor(prefix + "input_projection.weight", [(gates + 1) * heads * dim, width])
        yield Tensor(prefix + "conv1d.weight", [heads * dim, 1, m["kernel_size"]])
        yield Tensor(prefix + "state_weight", [gates * heads, dim, dim])
        yield Tensor(prefix + "output_projection.weight", [width, heads * dim])
        yield from norms(prefix, heads * dim, "norm", ones=True)
