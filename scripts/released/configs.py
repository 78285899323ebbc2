# SPDX-License-Identifier: Apache-2.0
"""Configs of released models, from their sizes."""

INTERVAL = 4
VOCABULARY = 248320
PLAIN = ("norm", "layernorm", "mlp.gate", "shared_expert_gate", "conv1d", "A_log", "dt_bias", "in_proj_a", "in_proj_b", "in_proj_ba",
         "lm_head", "embed_tokens", "mtp.fc", "visual")


def fp8(modules):
    return {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8", "weight_block_size": [128, 128],
            "modules_to_not_convert": modules}


def kinds(layers):
    return ["full_attention" if i % INTERVAL == INTERVAL - 1 else "linear_attention" for i in range(layers)]


def rope(theta=10_000_000):
    return {"mrope_interleaved": True, "mrope_section": [11, 11, 10], "rope_type": "default", "rope_theta": theta,
            "partial_rotary_factor": 0.25}


def tower(depth, hidden, heads, inner, out, kind):
    return {"deepstack_visual_indexes": [], "depth": depth, "hidden_act": "gelu_pytorch_tanh", "hidden_size": hidden,
            "in_channels": 3, "initializer_range": 0.02, "intermediate_size": inner, "model_type": kind, "num_heads": heads,
            "num_position_embeddings": 2304, "out_hidden_size": out, "patch_size": 16, "spatial_merge_size": 2,
            "temporal_patch_size": 2}


def gated(hidden, layers, heads, kv, keys, values):
    """What all models of Qwen say of attention and Gated DeltaNet."""
    return {"attention_bias": False, "attention_dropout": 0.0, "head_dim": 256, "hidden_act": "silu", "hidden_size": hidden,
            "initializer_range": 0.02, "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": keys,
            "linear_num_value_heads": values, "linear_value_head_dim": 128, "max_position_embeddings": 262144,
            "num_attention_heads": heads, "num_hidden_layers": layers, "num_key_value_heads": kv, "rms_norm_eps": 1e-06,
            "use_cache": True}


def qwen3_5(layers, hidden, heads, kv, values, vision, inner=None, experts=None, tied=False, fp8=False, mtp_apart=False):
    kind = "qwen3_5_moe" if experts else "qwen3_5"
    text = gated(hidden, layers, heads, kv, 16, values) | {
        "attn_output_gate": True, "dtype": "bfloat16", "eos_token_id": 248044, "full_attention_interval": INTERVAL,
        "layer_types": kinds(layers), "mamba_ssm_dtype": "float32", "model_type": kind + "_text", "mtp_num_hidden_layers": 1,
        "mtp_use_dedicated_embeddings": False, "rope_parameters": rope(), "vocab_size": VOCABULARY}
    if tied:
        text["tie_word_embeddings"] = True
    if experts:
        count, each, width = experts
        text |= {"num_experts": count, "num_experts_per_tok": each, "moe_intermediate_size": width,
                 "shared_expert_intermediate_size": width, "router_aux_loss_coef": 0.001}
    else:
        text["intermediate_size"] = inner
    name = "Qwen3_5MoeForConditionalGeneration" if experts else "Qwen3_5ForConditionalGeneration"
    config = {"architectures": [name], "image_token_id": 248056, "model_type": kind, "text_config": text,
              "tie_word_embeddings": tied, "video_token_id": 248057, "vision_config": tower(*vision, hidden, kind),
              "vision_end_token_id": 248054, "vision_start_token_id": 248053}
    if fp8:
        config["quantization_config"] = None  # the tensors say which modules it names
    if mtp_apart:
        config["experts of mtp apart"] = True
    return config


def qwen3_next(fp8):
    config = gated(2048, 48, 16, 2, 16, 32) | {
        "architectures": ["Qwen3NextForCausalLM"], "bos_token_id": 151643, "decoder_sparse_step": 1, "eos_token_id": 151645,
        "full_attention_interval": INTERVAL, "intermediate_size": 5120, "mlp_only_layers": [], "model_type": "qwen3_next",
        "moe_intermediate_size": 512, "norm_topk_prob": True, "num_experts": 512, "num_experts_per_tok": 10,
        "output_router_logits": False, "partial_rotary_factor": 0.25, "rope_scaling": None, "rope_theta": 10_000_000,
        "router_aux_loss_coef": 0.001, "shared_expert_intermediate_size": 512, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16", "transformers_version": "4.57.0.dev0", "use_sliding_window": False, "vocab_size": 151936}
    return config | ({"quantization_config": None} if fp8 else {})


def qwen4_exp():
    text = gated(2560, 48, 24, 2, 16, 48) | {
        "bos_token_id": 248044, "dtype": "bfloat16", "eos_token_id": 248044, "full_attention_interval": INTERVAL, "hc_count": 4,
        "hc_lowrank": 320, "heads_per_ngram": 8, "indexer_budget": 2048, "indexer_compress_ratio": 4, "indexer_head_dim": 128,
        "indexer_kv_heads": 1, "indexer_n_heads": 4, "layer_types": kinds(48), "make_ngram_vocab_size_divisible_by": 128,
        "mamba_ssm_dtype": "float32", "model_type": "qwen4_exp_text", "moe_intermediate_size": 640,
        "mtp": {"hybrid": True, "layer_types": ["full_attention"], "mtp_use_hidden_state_from_layer": None,
                "num_hidden_layers": 1, "rope_theta": 10_000_000},
        "mtp_num_hidden_layers": 1, "mtp_use_dedicated_embeddings": False, "ngram_size": 3, "ngram_vocab_size_base": 20_000_000,
        "num_experts": 512, "num_experts_per_tok": 10, "output_gate_type": "sigmoid", "output_router_logits": False,
        "pad_token_id": None, "partial_rotary_factor": 0.25, "ple_conv_kernel_size": 4, "ple_embed_dim": 2560, "ple_layer_ids": [2],
        "rope_parameters": rope(), "router_aux_loss_coef": 0.001, "shared_expert_intermediate_size": 640,
        "split_ngram_parts": 128, "tie_word_embeddings": False, "vocab_size": VOCABULARY}
    return {"architectures": ["Qwen4ExpForConditionalGeneration"], "image_token_id": 248056, "model_type": "qwen4_exp",
            "text_config": text, "tie_word_embeddings": False, "video_token_id": 248057,
            "vision_config": tower(27, 1152, 16, 4304, 2560, "qwen4_exp"), "vision_end_token_id": 248054,
            "vision_start_token_id": 248053}


def olmo_hybrid():
    return {"architectures": ["OlmoHybridForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": None,
            "dtype": "bfloat16", "eos_token_id": 100257, "hidden_act": "silu", "hidden_size": 3840, "initializer_range": 0.02,
            "intermediate_size": 11008, "layer_types": kinds(32), "linear_allow_neg_eigval": True, "linear_conv_kernel_dim": 4,
            "linear_key_head_dim": 96, "linear_num_key_heads": 30, "linear_num_value_heads": 30, "linear_value_head_dim": 192,
            "max_position_embeddings": 65536, "model_type": "olmo_hybrid", "num_attention_heads": 30, "num_hidden_layers": 32,
            "num_key_value_heads": 30, "pad_token_id": 100277, "rms_norm_eps": 1e-06, "rope_parameters": None,
            "tie_word_embeddings": False, "use_cache": True, "vocab_size": 100352}


KIMI_FULL = [4, 8, 12, 16, 20, 24, 27]


def kimi_linear():
    gated = {"full_attn_layers": KIMI_FULL, "kda_layers": [i for i in range(1, 28) if i not in KIMI_FULL], "head_dim": 128,
             "num_heads": 32, "short_conv_kernel_size": 4}
    return {"architectures": ["KimiLinearForCausalLM"], "bos_token_id": 163584, "dtype": "bfloat16", "eos_token_id": 163586,
            "first_k_dense_replace": 1, "head_dim": 72, "hidden_act": "silu", "hidden_size": 2304, "initializer_range": 0.02,
            "intermediate_size": 9216, "kv_lora_rank": 512, "linear_attn_config": gated, "mla_use_nope": True,
            "model_max_length": 1048576, "model_type": "kimi_linear", "moe_intermediate_size": 1024, "moe_layer_freq": 1,
            "moe_renormalize": True, "moe_router_activation_func": "sigmoid", "num_attention_heads": 32, "num_expert_group": 1,
            "num_experts": 256, "num_experts_per_token": 8, "num_hidden_layers": 27, "num_key_value_heads": 32,
            "num_nextn_predict_layers": 0, "num_shared_experts": 1, "pad_token_id": 163839, "q_lora_rank": None,
            "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-05, "rope_scaling": None, "rope_theta": 10000.0,
            "routed_scaling_factor": 2.446, "tie_word_embeddings": False, "topk_group": 1, "use_cache": True,
            "use_grouped_topk": True, "v_head_dim": 128, "vocab_size": 163840}


LING_TINY = {"hidden_size": 1536, "intermediate_size": 4608, "num_hidden_layers": 24, "num_attention_heads": 16,
             "num_key_value_heads": 16, "layer_group_size": 4, "q_lora_rank": 256, "first_k_dense_replace": 1, "num_experts": 128,
             "moe_intermediate_size": 512, "moe_shared_expert_intermediate_size": 512}
LING_FLASH = {"hidden_size": 2560, "intermediate_size": 6144, "num_hidden_layers": 42, "num_attention_heads": 32,
              "num_key_value_heads": 32, "layer_group_size": 6, "q_lora_rank": None, "first_k_dense_replace": 2, "num_experts": 512,
              "moe_intermediate_size": 768, "moe_shared_expert_intermediate_size": 768}


def bailing_hybrid(sizes):
    return {"architectures": ["BailingMoeV3ForCausalLM"], "attention_bias": False, "dtype": "bfloat16",
            "gated_attention_proj_granularity_type": "head_wise", "head_dim": 128, "hidden_act": "silu", "initializer_range": 0.02,
            "kda_lower_bound": -5.0, "kda_safe_gate": True, "kv_lora_rank": 512, "max_position_embeddings": 131072,
            "model_type": "bailing_hybrid", "moe_router_enable_expert_bias": True, "n_group": 8, "no_kda_lora": True,
            "norm_topk_prob": True, "num_experts_per_tok": 8, "num_shared_experts": 1, "qk_nope_head_dim": 128,
            "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06, "rope_interleave": True, "rope_theta": 6_000_000,
            "routed_scaling_factor": 2.5, "score_function": "sigmoid", "short_conv_kernel_size": 4, "tie_word_embeddings": False,
            "topk_group": 4, "use_cache": True, "v_head_dim": 128, "vocab_size": 157184} | sizes


JET_2B = {"hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12, "max_position_embeddings": 131072,
          "map": "JJJJJJJJJJJJJJAJJJJASSJJJJJJ", "heads": (12, 96, 2.6666666667), "window": 1152}
JET_4B = {"hidden_size": 2048, "intermediate_size": 11008, "num_attention_heads": 16, "max_position_embeddings": 32768,
          "map": "JJJJJSJJJJJJJJJJSAJSASSJJSJSJJJJAJJJ", "heads": (16, 128, 2), "window": 2048}


def jet_nemotron(sizes):
    own = dict(sizes)
    layers, (heads, dim, expand), window = (own.pop(key) for key in ("map", "heads", "window"))
    jet = {"conv_size": 4, "dconv_generator_reduction": 8, "dconv_implementation": "triton", "expand_v": expand, "head_dim": dim,
           "mode": "chunk", "norm_eps": "1e-5", "num_heads": heads}
    return {"architectures": ["JetNemotronForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
            "efficient_attention_config": {"jet": jet, "swa": {"window_size": window}}, "eos_token_id": 151643,
            "hidden_act": "silu", "initializer_range": 0.02, "max_window_layers": len(layers), "model_type": "jet_nemotron",
            "layer_types": [{"J": "jet", "S": "swa", "A": "attn"}[mark] for mark in layers], "num_hidden_layers": len(layers),
            "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_scaling": None, "rope_theta": 1000000.0,
            "tie_word_embeddings": True, "torch_dtype": "bfloat16", "use_cache": True, "use_mrope": False,
            "vocab_size": 151936} | own


DECAY = {"A_init_min": 0, "A_init_max": 16, "dt_init_min": 0.001, "dt_init_max": 0.1, "dt_init_floor": 0.0001}
PAPER = {
    "400m": {"hidden": 1024, "layers": 24, "attention": 16, "gdn": 2, "m2rnn": 84, "recurrent": 85, "mamba2": (64, 216, 1216), "most": 3},
    "7b": {"hidden": 1536, "layers": 40, "attention": 24, "gdn": 3, "m2rnn": 132, "recurrent": 128, "mamba2": (32, 192, 2048), "most": 5},
}


def paper_mixers(size):
    """The mixers of each model by its name."""
    layers, most = PAPER[size]["layers"], PAPER[size]["most"]
    attention = {4 + 8 * i for i in range(most)}
    made = {}
    for name, kind in (("gated-deltanet", "gated_deltanet"), ("m2rnn", "m2rnn"), ("mamba2", "mamba2")):
        made[name] = [kind] * layers
        made["hybrid-" + name] = ["softmax_attention" if i in attention else kind for i in range(layers)]
        if name != "m2rnn":
            made[f"hybrid-{name}-m2rnn-1l"] = ["m2rnn" if i == 0 else one for i, one in enumerate(made["hybrid-" + name])]
            made[f"hybrid-{name}-m2rnn-{most}l"] = ["m2rnn" if i + 1 in attention else one for i, one in enumerate(made["hybrid-" + name])]
    for name, kind in (("rnn", "rnn"), ("gru", "gru"), ("softmax-attention", "softmax_attention")):
        made[name] = [kind] * layers
    return made


def paper(size, mixers):
    sizes = PAPER[size]
    heads, recurrent = sizes["m2rnn"], sizes["recurrent"]
    count, state, inner = sizes["mamba2"]
    simple = {"state_head_dim": 16, "num_input_heads": recurrent, "num_weight_heads": recurrent, "add_bias": False,
              "normalization_function": "rmsnorm", "gradient_clipping": 1, "kernel_size": 4, "activation_function": "silu"}
    blocks = {
        "gated_deltanet": DECAY | {"k_head_dim": 256, "v_head_dim": 512, "num_k_heads": sizes["gdn"], "num_v_heads": sizes["gdn"],
                                   "use_gate": True, "allow_neg_eigval": False, "kernel_size": 4, "attention_multiplier": None},
        "m2rnn": DECAY | {"k_head_dim": 64, "v_head_dim": 16, "num_q_heads": 1, "num_k_heads": 1, "num_v_heads": heads,
                          "num_f_heads": heads, "num_g_heads": heads, "num_weight_heads": heads, "use_residual": True,
                          "activation_function": "silu", "normalization_function": "rmsnorm", "kernel_size": 4, "add_bias": False,
                          "gradient_clipping": 1},
        "softmax_attention": {"num_attention_heads": sizes["attention"], "num_key_value_heads": sizes["attention"], "add_bias": False,
                              "head_dim": None, "softmax_dropout": 0, "dropout": 0, "attention_gate": False,
                              "exclusive_self_attention": False, "sliding_window": None, "attention_multiplier": None,
                              "attention_multiplier_method": "1 / sqrt(head_dim)"},
        "mamba2": DECAY | {"activation_function": "silu", "add_bias": False, "use_conv_bias": True, "num_heads": count,
                           "state_size": state, "intermediate_size": inner, "conv_kernel_size": 4, "num_groups": 1,
                           "chunk_size": 256, "normalization_function": "rmsnorm"},
        "rnn": simple,
        "gru": simple | {f"num_{gate}_{kind}_heads": recurrent for gate in ("forget", "reset") for kind in ("input", "weight")},
    }
    mlp = {"activation_function": "swiglu", "add_bias": False, "dropout": 0}
    if size == "400m":
        mlp |= {"mlp_type": "MLP", "intermediate_size": 2752}
    else:
        mlp |= {"mlp_type": "MoE", "intermediate_size": 256, "shared_intermediate_size": 1024, "num_experts": 128,
                "num_experts_per_tok": 8, "shared_expert_gating": False, "normalized_topk": True}
    return {"model_type": "gpt_base", "architectures": ["GPTBaseForCausalLM"], "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
            "normalization_function": "rmsnorm", "position_embedding_type": "nope", "hidden_size": sizes["hidden"],
            "num_layers": sizes["layers"], "init_method": "normal", "bos_token_id": 100257, "eos_token_id": 100257,
            "pad_token_id": 100256, "vocab_size": 100352, "max_position_embeddings": 4096, "rope_theta": 10000, "rope_scaling": None,
            "rope_dim": None, "embedding_dropout": 0, "embedding_init_method": "normal", "use_depth_scaled_init": True,
            "router_aux_loss_coef": 0.001, "tie_word_embeddings": False, "m_emb": None, "m_width": None, "m_residual": None,
            "sequence_mixer_blocks": [{"sequence_mixer_type": kind} | blocks[kind] for kind in mixers],
            "mlp_blocks": [mlp] * sizes["layers"]}
