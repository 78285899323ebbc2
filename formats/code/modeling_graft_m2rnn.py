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
"""Hybrid models of transformers (5.17 or newer) in which some linear layers are M2RNN layers.

Graft writes this file beside a checkpoint whose config has the key `m2rnn`: an object, or a list of
objects, that each name some `layers` and their options. The rest of the model is transformers' own.

    model = AutoModelForCausalLM.from_pretrained(path, trust_remote_code=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = ".m2rnn." in name   # train the new layers alone
"""

import importlib.util

import torch
import torch.nn.functional as F
from torch import nn
from transformers import (
    OlmoHybridForCausalLM,
    Qwen3_5ForCausalLM,
    Qwen3_5ForConditionalGeneration,
    Qwen3_5MoeForCausalLM,
    Qwen3_5MoeForConditionalGeneration,
    Qwen3NextForCausalLM,
)

ACTIVATIONS = {
    "identity": lambda x: x,
    "celu": F.celu,
    "elu": F.elu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hard_shrink": F.hardshrink,
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
    "hard_tanh": F.hardtanh,
    "leaky_relu": F.leaky_relu,
    "log_sigmoid": F.logsigmoid,
    "mish": F.mish,
    "relu": F.relu,
    "relu6": F.relu6,
    "relu_squared": lambda x: F.relu(x).square(),
    "rrelu": F.rrelu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "soft_shrink": F.softshrink,
    "soft_sign": F.softsign,
    "softplus": F.softplus,
    "tanh": torch.tanh,
    "tanh_shrink": F.tanhshrink,
}


class ClippedGradient(torch.autograd.Function):
    """The identity, whose gradient is clipped element by element."""

    @staticmethod
    def forward(ctx, x, bound):
        ctx.bound = bound
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clamp(-ctx.bound, ctx.bound), None


class CausalConvolution(nn.Module):
    """A causal convolution of each channel by itself, the newest input last, and an activation."""

    def __init__(self, channels, taps, bias, activation):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(channels, taps))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.slope = nn.Parameter(torch.full((1,), 0.25)) if activation == "prelu" else None
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x):
        channels, taps = self.weight.shape
        x = F.conv1d(F.pad(x, (taps - 1, 0)), self.weight.unsqueeze(1), self.bias, groups=channels)
        return F.prelu(x, self.slope) if self.slope is not None else ACTIVATIONS[self.activation](x)


class DecayGate(nn.Module):
    """How much of the state each head keeps, between 0 and 1, in float32."""

    def __init__(self, heads):
        super().__init__()
        self.A_log = nn.Parameter(torch.zeros(heads))
        self.dt_bias = nn.Parameter(torch.zeros(heads))

    def forward(self, x):
        return torch.exp(-self.A_log.float().exp() * F.softplus(x.float() + self.dt_bias.float()))


class M2RNN(nn.Module):
    """The recurrence S_t = f_t S_{t-1} + (1 - f_t) tanh(S_{t-1} W + k_t v_t^T) with y_t = q_t^T S_t."""

    def __init__(self, hidden_size, options):
        super().__init__()
        self.key_dim, self.value_dim = options["k_head_dim"], options["v_head_dim"]
        self.counts = [options[f"num_{name}_heads"] for name in ("q", "k", "v", "f", "g", "weight")]
        q, k, v, f, g, w = self.counts
        self.heads = max(q, k, v, f, w)
        if g != self.heads or any(self.heads % count for count in self.counts):
            raise ValueError(f"m2rnn: head counts {self.counts} do not fit {self.heads} heads")
        self.bound = options["gradient_clipping"]
        self.widths = [q * self.key_dim, k * self.key_dim, v * self.value_dim]
        channels, bias, values = sum(self.widths), options["add_bias"], self.heads * self.value_dim
        self.input_projection = nn.Linear(hidden_size, channels + f + g * self.value_dim, bias=bias)
        self.taps = options["kernel_size"] or 0
        self.conv = (
            CausalConvolution(channels, self.taps, bias, options["activation_function"]) if self.taps else None
        )
        self.decay_gate = DecayGate(self.heads)
        self.state_weight = nn.Parameter(torch.eye(self.value_dim).repeat(w, 1, 1))
        self.D = nn.Parameter(torch.ones(self.heads, self.value_dim)) if options["use_residual"] else None
        norms = {"rmsnorm": nn.RMSNorm, "layernorm": nn.LayerNorm}
        norm = options["normalization_function"]
        self.g_norm = norms[norm](values, eps=1e-5) if norm is not None else None
        self.output_projection = nn.Linear(values, hidden_size, bias=False)

    def project(self, hidden_states):
        """Inputs of the convolution [B, T, C], of the decay gate and of the output gate."""
        return self.input_projection(hidden_states).split(
            [sum(self.widths), self.counts[3], self.counts[4] * self.value_dim], dim=-1
        )

    def mix(self, x, f, g, state=None, mask=None):
        """The output [B, T, H] and the state [B, N, K, V] after the last position.

        `state` is the one before the first position; where `mask` is false a state stays as it is.
        """
        q, k, v = (
            part.unflatten(-1, (count, -1)).repeat_interleave(self.heads // count, dim=-2)
            for part, count in zip(x.split(self.widths, dim=-1), self.counts)
        )
        f = self.decay_gate(f.repeat_interleave(self.heads // self.counts[3], dim=-1))
        y, state = self.recur(q.float(), k.float(), v.float(), f, state, mask)
        if self.D is not None:
            y = y + v * self.D
        y = y.to(g.dtype).flatten(-2) * F.silu(g)
        return self.output_projection(y if self.g_norm is None else self.g_norm(y)), state

    def recur(self, q, k, v, f, state, mask):
        """One position after the other, in float32."""
        weight = self.state_weight.float().repeat_interleave(self.heads // self.counts[5], dim=0)
        if state is None:
            state = q.new_zeros(q.shape[0], self.heads, self.key_dim, self.value_dim)
        outputs = []
        for t in range(q.shape[1]):
            keep = f[:, t, :, None, None]
            new = torch.tanh(state @ weight + k[:, t, :, :, None] * v[:, t, :, None, :])
            new = keep * state + (1 - keep) * new
            if self.bound is not None:
                new = ClippedGradient.apply(new, self.bound)
            state = new if mask is None else torch.where(mask[:, t, None, None, None], new, state)
            outputs.append((q[:, t, :, None, :] @ state).squeeze(-2))
        return torch.stack(outputs, dim=1), state


class M2RNNAttention(nn.Module):
    """An M2RNN layer in the place of a Gated DeltaNet layer."""

    def __init__(self, hidden_size, options, layer_idx):
        super().__init__()
        self.layer_idx = layer_idx
        self.m2rnn = M2RNN(hidden_size, options)

    def forward(self, hidden_states, cache_params=None, attention_mask=None, **kwargs):
        mask = None if attention_mask is None else attention_mask.bool()
        x, f, g = self.m2rnn.project(hidden_states)
        x = x.transpose(1, 2) if mask is None else (x * mask.unsqueeze(-1)).transpose(1, 2)
        state = None
        if cache_params is not None:
            if cache_params.has_previous_state(self.layer_idx, 0):
                state = cache_params.layers[self.layer_idx].recurrent_states[0]
            x = cache_params.update_conv_state(x, self.layer_idx, conv_kernel_size=max(self.m2rnn.taps, 1))
        x = x if self.m2rnn.conv is None else self.m2rnn.conv(x)
        x = x[..., -hidden_states.shape[1] :].transpose(1, 2)
        y, state = self.m2rnn.mix(x, f, g, state, mask)
        if cache_params is not None:
            cache_params.update_recurrent_state(state, self.layer_idx)
        return y


def by_sequence(forward):
    """The forward pass of a linear layer, one sequence of a padding-free batch after the other."""

    def separated(hidden_states, cache_params=None, attention_mask=None, cu_seq_lens_q=None, **kwargs):
        if cu_seq_lens_q is None or cache_params is not None:
            return forward(hidden_states, cache_params=cache_params, attention_mask=attention_mask, **kwargs)
        if hidden_states.shape[0] != 1:
            raise ValueError("a padding-free batch has one row")
        bounds = cu_seq_lens_q.tolist()
        outputs = [forward(hidden_states[:, a:b], **kwargs) for a, b in zip(bounds, bounds[1:])]
        return torch.cat(outputs, dim=1)

    return separated


class WithM2RNN:
    """Puts M2RNN layers where the config names them; a class of transformers comes after it."""

    _keep_in_fp32_modules_strict = {"decay_gate"}

    def __init__(self, config, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        model = getattr(self.model, "language_model", self.model)
        groups = getattr(model.config, "m2rnn", None) or []
        for options in groups if isinstance(groups, list) else [groups]:
            for index in options["layers"]:
                if model.config.layer_types[index] != "linear_attention":
                    raise ValueError(f"m2rnn: layer {index} is not a linear_attention layer")
                model.layers[index].linear_attn = M2RNNAttention(model.config.hidden_size, options, index)
        for layer in model.layers:
            mixer = getattr(layer, "linear_attn", None)
            # Without fla's kernels transformers runs Gated DeltaNet across the ends of sequences.
            if isinstance(mixer, M2RNNAttention) or (mixer is not None and not importlib.util.find_spec("fla")):
                mixer.forward = by_sequence(mixer.forward)

    @classmethod
    def from_pretrained(cls, *args, **kwargs):
        wants_info = kwargs.pop("output_loading_info", False)
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        wrong = sorted(key for key in [*info["missing_keys"], *info["unexpected_keys"]] if ".m2rnn." in key)
        if wrong:
            raise ValueError(f"m2rnn: tensors do not fit the config: {', '.join(wrong)}")
        return (model, info) if wants_info else model


class TextOfMultimodal(WithM2RNN):
    """A text model whose tensors may have the names they have in a multimodal one."""

    @classmethod
    def from_pretrained(cls, *args, **kwargs):
        kwargs.setdefault("key_mapping", {r"^model\.language_model\.": "model."})
        return super().from_pretrained(*args, **kwargs)


class M2RNNQwen3NextForCausalLM(WithM2RNN, Qwen3NextForCausalLM):
    """Qwen3-Next with M2RNN layers."""


class M2RNNOlmoHybridForCausalLM(WithM2RNN, OlmoHybridForCausalLM):
    """OLMo-Hybrid with M2RNN layers."""


class M2RNNQwen3_5ForCausalLM(TextOfMultimodal, Qwen3_5ForCausalLM):
    """Qwen3.5 with M2RNN layers."""


class M2RNNQwen3_5ForConditionalGeneration(WithM2RNN, Qwen3_5ForConditionalGeneration):
    """Qwen3.5 with vision and M2RNN layers."""


class M2RNNQwen3_5MoeForCausalLM(TextOfMultimodal, Qwen3_5MoeForCausalLM):
    """Qwen3.5 MoE with M2RNN layers."""


class M2RNNQwen3_5MoeForConditionalGeneration(WithM2RNN, Qwen3_5MoeForConditionalGeneration):
    """Qwen3.5 MoE with vision and M2RNN layers."""
