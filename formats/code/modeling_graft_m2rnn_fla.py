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
"""Gated DeltaNet of flash-linear-attention (0.6.0 or newer) in which some layers are M2RNN layers.

Graft writes this file beside a checkpoint whose config has the key `m2rnn`. The layer is the one for transformers, in
modeling_graft_m2rnn.py, the rest of the model is fla's own.

    model = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True)

transformers prefers classes that were registered to those beside a checkpoint. So these are registered in the place of
fla's, which they extend; a program that imports fla before it loads its first such checkpoint imports them by itself:

    get_class_from_dynamic_module("modeling_graft_m2rnn_fla.M2RNNGatedDeltaNetForCausalLM", path)
"""

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from .modeling_graft_m2rnn import M2RNN, Sequences, StrictlyLoaded, fused, replaced_layers

try:
    from fla.layers import GatedDeltaNet
    from fla.models import GatedDeltaNetConfig, GatedDeltaNetForCausalLM
except ImportError as error:
    raise ImportError("m2rnn: this checkpoint needs flash-linear-attention, with its models, 0.6.0 or newer") from error


class M2RNNMixer(nn.Module):
    """An M2RNN layer in the place of a Gated DeltaNet layer of fla."""

    def __init__(self, hidden_size, options, layer_idx):
        super().__init__()
        self.layer_idx = layer_idx
        self.m2rnn = M2RNN(hidden_size, options)

    def forward(self, hidden_states, attention_mask=None, past_key_values=None, cu_seqlens=None, **kwargs):
        positions = hidden_states.shape[1]
        state, inputs = self.kept(past_key_values)
        mask = None
        if attention_mask is not None and positions > 1:
            mask = attention_mask[:, -positions:].bool()
        x, f, g = self.m2rnn.project(hidden_states)
        x = (x if mask is None else x * mask.unsqueeze(-1)).transpose(1, 2)
        if cu_seqlens is None:
            x, inputs = self.convolve(x, inputs)
            y, state = self.mix(x.transpose(1, 2), f, g, state, mask)
        else:
            if state is not None:
                raise ValueError("m2rnn: sequences in one row do not go on from a cache")
            sequences = Sequences(cu_seqlens, None, hidden_states.shape)
            x = x if self.m2rnn.conv is None else self.m2rnn.conv(x, sequences)
            y, state = self.m2rnn.mix(x.transpose(1, 2), f, g, None, mask, sequences)[0], None
        if past_key_values is not None:
            past_key_values.update(
                recurrent_state=state, conv_state=inputs, layer_idx=self.layer_idx, offset=positions
            )
        return y, None, past_key_values

    def kept(self, cache):
        """The state and the last inputs of the convolution that a cache holds."""
        held = cache[self.layer_idx] if cache is not None and len(cache) > self.layer_idx else None
        return (None, None) if held is None else (held["recurrent_state"], held["conv_state"])

    def convolve(self, x, inputs):
        """Outputs of the convolution of x [B, C, T] after earlier inputs, and the inputs that the next position sees."""
        conv, positions = self.m2rnn.conv, x.shape[-1]
        if conv is None:
            return x, None
        if inputs is None:
            inputs = x.new_zeros(*x.shape[:2], self.m2rnn.taps - 1)
        x = torch.cat([inputs, x], dim=-1)
        return conv(x)[..., -positions:], x[..., positions:]

    def mix(self, x, f, g, state, mask):
        alone = state is not None and x.shape[1] == 1 and not torch.is_grad_enabled()
        if alone and fused(x, self.m2rnn.value_dim):
            return self.m2rnn.advance(x, f, g, state)
        return self.m2rnn.mix(x, f, g, state, mask)


class M2RNNGatedDeltaNetConfig(GatedDeltaNetConfig):
    """The config of Gated DeltaNet, with the key `m2rnn`."""

    def __init__(self, **kwargs):  # of its own, or transformers makes one that sets keys in another order than fla needs
        super().__init__(**kwargs)


class M2RNNGatedDeltaNetForCausalLM(StrictlyLoaded, GatedDeltaNetForCausalLM):
    """Gated DeltaNet of fla with M2RNN layers."""

    config_class = M2RNNGatedDeltaNetConfig

    def __init__(self, config):
        super().__init__(config)
        for index, options in replaced_layers(config):
            layer = self.model.layers[index]
            if not isinstance(layer.attn, GatedDeltaNet):
                raise ValueError(f"m2rnn: layer {index} has attention, not Gated DeltaNet")
            layer.attn = M2RNNMixer(config.hidden_size, options, index)


AutoConfig.register(M2RNNGatedDeltaNetConfig.model_type, M2RNNGatedDeltaNetConfig, exist_ok=True)
AutoModelForCausalLM.register(M2RNNGatedDeltaNetConfig, M2RNNGatedDeltaNetForCausalLM, exist_ok=True)
