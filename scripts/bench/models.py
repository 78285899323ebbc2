# SPDX-License-Identifier: Apache-2.0
"""Configs of the models that are timed. Weights are random, so that sizes alone matter."""

import json
import subprocess
from pathlib import Path

QWEN = json.loads(Path(__file__).with_name("qwen3_5-432m.json").read_text())


def qwen(**changes):
    """The 432M Qwen3.5, or one of other sizes; every fourth layer is attention."""
    config = QWEN | changes
    layers = config["num_hidden_layers"]
    kinds = ["full_attention" if i % 4 == 3 else "linear_attention" for i in range(layers)]
    return config | {"layer_types": kinds}


def tiny(**changes):
    """A small Qwen3.5 for growth curves."""
    sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4, "vocab_size": 512, "head_dim": 32,
             "num_attention_heads": 4, "num_key_value_heads": 2, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
             "linear_key_head_dim": 32, "linear_value_head_dim": 32}
    rope = QWEN["rope_parameters"] | {"mrope_section": [2, 1, 1]}
    return qwen(**(sizes | {"rope_parameters": rope} | changes))


def paper(hidden, layers, attention, heads, mlp, m2rnn_heads=0):
    """The hybrids of arXiv 2603.14360; with `m2rnn_heads` the variant whose first layer is M²RNN."""
    softmax = {"sequence_mixer_type": "softmax_attention", "num_attention_heads": hidden // 64, "num_key_value_heads": hidden // 64,
               "add_bias": False}
    gdn = {"sequence_mixer_type": "gated_deltanet", "k_head_dim": 256, "v_head_dim": 512, "num_k_heads": heads, "num_v_heads": heads,
           "use_gate": True, "allow_neg_eigval": False, "kernel_size": 4}
    count = m2rnn_heads
    m2rnn = {"sequence_mixer_type": "m2rnn", "k_head_dim": 64, "v_head_dim": 16, "num_q_heads": 1, "num_k_heads": 1,
             "num_v_heads": count, "num_f_heads": count, "num_g_heads": count, "num_weight_heads": count, "use_residual": True,
             "kernel_size": 4, "activation_function": "silu", "add_bias": False, "gradient_clipping": 1.0,
             "normalization_function": "rmsnorm"}
    mixers = [softmax if i in attention else gdn for i in range(layers)]
    if count:
        mixers[0] = m2rnn
    return {"model_type": "gpt_base", "vocab_size": 100352, "max_position_embeddings": 4096, "hidden_size": hidden,
            "num_layers": layers, "normalization_function": "rmsnorm", "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
            "position_embedding_type": "nope", "init_method": "normal", "use_depth_scaled_init": True,
            "sequence_mixer_blocks": mixers, "mlp_blocks": [mlp] * layers, "tie_word_embeddings": False}


def choosing(budget):
    """One layer of attention to chosen blocks, as wide as in Qwen3.8-Flash-Next, and as little as possible around it."""
    rope = {"rope_type": "default", "rope_theta": 1e7, "partial_rotary_factor": 0.25}
    return {"model_type": "qwen4_exp_text", "architectures": ["Qwen4ExpForCausalLM"], "vocab_size": 64, "hidden_size": 2560,
            "num_hidden_layers": 1, "layer_types": ["full_attention"], "num_attention_heads": 24, "num_key_value_heads": 2,
            "head_dim": 256, "hc_count": 2, "hc_lowrank": 1, "indexer_n_heads": 4, "indexer_kv_heads": 1,
            "indexer_head_dim": 128, "indexer_compress_ratio": 4, "indexer_budget": budget, "num_experts": 1,
            "num_experts_per_tok": 1, "moe_intermediate_size": 1, "shared_expert_intermediate_size": 1,
            "output_gate_type": "sigmoid", "rope_parameters": rope, "max_position_embeddings": 8192, "eos_token_id": 3,
            "ple_layer_ids": [], "tie_word_embeddings": True}


DENSE = {"mlp_type": "MLP", "intermediate_size": 2752, "activation_function": "swiglu", "add_bias": False}
MOE = {"mlp_type": "MoE", "intermediate_size": 256, "activation_function": "swiglu", "add_bias": False,
       "shared_intermediate_size": 1024, "num_experts": 128, "num_experts_per_tok": 8, "shared_expert_gating": False,
       "normalized_topk": True}


def paper_400m(m2rnn=False):
    return paper(1024, 24, {4, 12, 20}, 2, DENSE, 84 if m2rnn else 0)


def paper_7b(m2rnn=False):
    return paper(1536, 40, {4, 12, 20, 28, 36}, 3, MOE, 132 if m2rnn else 0)


def many(bench, tensors, folder):
    """A Qwen3-Next of about that many tensors, each of a few values."""
    template = json.loads(Path("fixtures/huggingface/qwen3_next/bf16/config.json").read_text())
    experts = min(512, max(tensors // 12, 1))
    sizes = {"num_hidden_layers": max(tensors // (3 * experts + 12), 1), "num_experts": experts, "num_experts_per_tok": 1,
             "hidden_size": 4, "moe_intermediate_size": 2, "shared_expert_intermediate_size": 2, "vocab_size": 8}
    return make(bench, "qwen3_next", template | sizes, folder)


def make(bench, layout, config, folder):
    """Writes a checkpoint where there is none yet."""
    folder = Path(folder)
    if not (folder / "model.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = folder.parent / (folder.name + ".json")
        source.write_text(json.dumps(config))
        subprocess.run([bench, "make", layout, str(source), str(folder)], check=True)
    return folder
