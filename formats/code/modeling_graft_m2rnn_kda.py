# Copyright 2026 the Graft authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Hybrids of transformers (5.24 or newer) with Kimi Delta Attention in which some of its layers are M2RNN layers.

Graft writes this file beside a checkpoint whose config has the key `m2rnn`. The layer is the one of
modeling_graft_m2rnn.py, the rest of the model is transformers' own.

    model = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True)
"""

import importlib.util

from transformers import BailingHybridForCausalLM, KimiLinearForCausalLM

from .modeling_graft_m2rnn import M2RNNAttention, StrictlyLoaded, by_sequence, replaced_layers


class InPlaceOfKDA(StrictlyLoaded):
    """Puts M2RNN layers where the config names them; a class of transformers comes after it."""

    def __init__(self, config, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        options = dict(replaced_layers(config))
        for index, (kind, layer) in enumerate(zip(config.layer_types, self.model.layers)):
            if kind != "linear_attention" and index in options:
                raise ValueError(f"m2rnn: layer {index} is not a linear_attention layer")
            if index in options:
                layer.self_attn = M2RNNAttention(config.hidden_size, options[index], index)
            # Without fla's kernels transformers runs Kimi Delta Attention across the ends of sequences.
            elif kind == "linear_attention" and not importlib.util.find_spec("fla"):
                layer.self_attn.forward = by_sequence(layer.self_attn.forward)


class M2RNNKimiLinearForCausalLM(InPlaceOfKDA, KimiLinearForCausalLM):
    """Kimi Linear with M2RNN layers."""

    _keep_in_fp32_modules_strict = {*KimiLinearForCausalLM._keep_in_fp32_modules_strict, "decay_gate"}


class M2RNNBailingHybridForCausalLM(InPlaceOfKDA, BailingHybridForCausalLM):
    """Ling 3.0 with M2RNN layers."""

    _keep_in_fp32_modules_strict = {*BailingHybridForCausalLM._keep_in_fp32_modules_strict, "decay_gate"}
