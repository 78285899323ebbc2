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
import weakref

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
from transformers.utils import logging

try:
    from transformers import LaraMiniForCausalLM, Qwen4ExpForCausalLM, Qwen4ExpForConditionalGeneration
except ImportError:  # an older transformers
    LaraMiniForCausalLM = Qwen4ExpForCausalLM = Qwen4ExpForConditionalGeneration = nn.Module
try:
    from .graft_m2rnn_kernels import INTERPRETED, WIDEST, m2rnn, step
except ImportError:  # triton is missing
    m2rnn = step = None
try:
    from causal_conv1d import causal_conv1d_fn, causal_conv1d_update
except ImportError:
    causal_conv1d_fn = causal_conv1d_update = None
try:
    from fla.modules.activations import swiglu
except ImportError:
    swiglu = None

logger = logging.get_logger(__name__)

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

OPTIONS = {
    "layers", "k_head_dim", "v_head_dim", "num_q_heads", "num_k_heads", "num_v_heads", "num_f_heads", "num_g_heads",
    "num_weight_heads", "use_residual", "kernel_size", "activation_function", "add_bias", "normalization_function",
    "gradient_clipping",
}
INITIAL = {"A_init_min", "A_init_max", "dt_init_min", "dt_init_max", "dt_init_floor"}


def check_options(options):
    """Refuses options of a version that this file was not written for."""
    wrong = sorted((OPTIONS - options.keys()) | (options.keys() - OPTIONS - INITIAL))
    if wrong:
        raise ValueError(
            f"m2rnn: modeling_graft_m2rnn.py and config.json are of different versions, in {', '.join(wrong)}; "
            "`graft convert` writes both anew"
        )


class ClippedGradient(torch.autograd.Function):
    """The identity, whose gradient is clipped element by element."""

    @staticmethod
    def forward(ctx, x, bound):
        ctx.bound = bound
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clamp(-ctx.bound, ctx.bound), None


class Sequences:
    """The sequences that lie one after the other in the only row of a padding-free batch."""

    last = lambda: None, 0  # the bounds whose values were looked at last, and the longest of their sequences

    def __init__(self, bounds, longest, shape):
        if shape[0] != 1:
            raise ValueError(f"m2rnn: a padding-free batch has one row, not {shape[0]}")
        if bounds.dim() != 1 or len(bounds) < 2 or bounds.is_floating_point():
            raise ValueError(f"m2rnn: cu_seq_lens_q must be integers in a row, not {bounds.dtype} {list(bounds.shape)}")
        self.bounds, self.tokens = bounds, shape[1]
        self.longest = int(longest or self.tokens) if torch.compiler.is_compiling() else self.measure(longest)

    def measure(self, longest):
        """The length of the longest sequence; compares all with the batch, for which it waits once for all layers."""
        bounds, known = Sequences.last
        if bounds() is self.bounds:
            return known
        bounds = self.bounds.tolist()
        lengths = [end - start for start, end in zip(bounds, bounds[1:])]
        if bounds[0] != 0 or bounds[-1] != self.tokens or min(lengths) < 0:
            batch = f"from 0 to the {self.tokens} tokens of the batch"
            raise ValueError(f"m2rnn: cu_seq_lens_q {bounds} does not rise {batch}")
        if longest is not None and int(longest) < max(lengths):
            raise ValueError(f"m2rnn: max_length_q is {int(longest)}, but a sequence has {max(lengths)} tokens")
        Sequences.last = weakref.ref(self.bounds), max(lengths)
        return max(lengths)

    def numbers(self):
        """The number of the sequence of each token [1, T]."""
        tokens = torch.arange(self.tokens, device=self.bounds.device, dtype=self.bounds.dtype)
        return torch.bucketize(tokens, self.bounds[1:], right=True, out_int32=True)[None]


class CausalConvolution(nn.Module):
    """A causal convolution of each channel by itself, the newest input last, and an activation."""

    def __init__(self, channels, taps, bias, activation):
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.empty(channels, taps))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        self.slope = nn.Parameter(torch.full((1,), 0.25)) if activation == "prelu" else None
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x, sequences=None):
        """The outputs of all positions of x [B, C, T]; sequences of a row do not see each other."""
        if causal_conv1d_fn is not None and self.fits(x):
            numbers = None if sequences is None else sequences.numbers()
            return causal_conv1d_fn(x, self.weight, self.bias, seq_idx=numbers, activation=self.fused)
        return self.activate(self.convolve(x) if sequences is None else self.convolve_each(x, sequences.numbers()))

    def advance(self, x, inputs):
        """The output of one position x [B, C, 1]; `inputs` are those before it, and become those up to it."""
        if causal_conv1d_update is not None and self.fits(x):
            return causal_conv1d_update(x, inputs, self.weight, self.bias, self.fused)
        x = torch.cat([inputs, x], dim=-1)
        inputs.copy_(x[..., 1:])
        return self.activate(self.convolve(x))[..., -1:]

    @property
    def fused(self):
        return None if self.activation == "identity" else self.activation

    def fits(self, x):
        """Whether causal_conv1d computes it."""
        return x.is_cuda and self.activation in ("silu", "identity") and 2 <= self.weight.shape[1] <= 4

    def activate(self, x):
        return F.prelu(x, self.slope) if self.slope is not None else ACTIVATIONS[self.activation](x)

    def convolve(self, x):
        channels, taps = self.weight.shape
        return F.conv1d(F.pad(x, (taps - 1, 0)), self.weight.unsqueeze(1), self.bias, groups=channels)

    def convolve_each(self, x, numbers):
        """Tap by tap, without those inputs that belong to another sequence."""
        taps = self.weight.shape[1]
        total = x * self.weight[:, -1:]
        for distance in range(1, min(taps, x.shape[-1])):
            same = numbers[:, distance:] == numbers[:, :-distance]
            total = total + F.pad(x[..., :-distance] * same, (distance, 0)) * self.weight[:, -1 - distance, None]
        return total if self.bias is None else total + self.bias[:, None]


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

    def heads_of(self, x):
        """Queries [B, T, Nq, K], keys and values of the convolution's output [B, T, C]."""
        return [part.unflatten(-1, (count, -1)) for part, count in zip(x.split(self.widths, dim=-1), self.counts)]

    def mix(self, x, f, g, state=None, mask=None, sequences=None):
        """The output [B, T, H] and the states [sequences, N, K, V] after the last positions.

        `state` is the one before the first position; where `mask` is false a state stays as it is.
        """
        q, k, v = self.heads_of(x)
        f = self.decay_gate(f.repeat_interleave(self.heads // self.counts[3], dim=-1))
        y, state = self.recur(q, k, v, f, state, mask, sequences)
        if self.D is not None:
            y = y + v.repeat_interleave(self.heads // self.counts[2], dim=-2) * self.D
        y = y.to(g.dtype).flatten(-2)
        return self.project_out(swiglu(g, y) if swiglu is not None and g.is_cuda else F.silu(g) * y), state

    def advance(self, x, f, g, state):
        """The same for one position, in one kernel."""
        gate = self.decay_gate
        y, state = step(*self.heads_of(x), self.state_weight, f, g, gate.A_log, gate.dt_bias, self.D, state)
        return self.project_out(y.flatten(-2)), state

    def project_out(self, y):
        return self.output_projection(y if self.g_norm is None else self.g_norm(y))

    def recur(self, q, k, v, f, state, mask, sequences):
        """Values of the recurrence [B, T, N, V] and the last states, in float32."""
        rows = q.shape[0] if sequences is None else len(sequences.bounds) - 1
        expected = [rows, self.heads, self.key_dim, self.value_dim]
        if state is not None and list(state.shape) != expected:
            raise ValueError(f"m2rnn: the state has the shape {list(state.shape)}, not {expected}")
        if fused(q, self.value_dim):
            bounds, longest = (None, None) if sequences is None else (sequences.bounds, sequences.longest)
            return m2rnn(q, k, v, self.state_weight, f, state, mask, bounds, longest, self.bound)
        q, k, v = (x.float().repeat_interleave(self.heads // x.shape[2], dim=2) for x in (q, k, v))
        weight = self.state_weight.float().repeat_interleave(self.heads // self.counts[5], dim=0)
        if sequences is None:
            return self.loop(q, k, v, f, weight, state, mask)
        bounds = sequences.bounds.tolist()
        ends = [
            self.loop(q[:, a:b], k[:, a:b], v[:, a:b], f[:, a:b], weight, None if state is None else state[i : i + 1])
            for i, (a, b) in enumerate(zip(bounds, bounds[1:]))
        ]
        return torch.cat([y for y, _ in ends], dim=1), torch.cat([state for _, state in ends])

    def loop(self, q, k, v, f, weight, state, mask=None):
        """One position after the other."""
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
        return torch.stack(outputs, dim=1) if outputs else torch.zeros_like(v), state


def fused(x, columns):
    """Whether the fused kernels compute with this tensor; where they do not, that is said once."""
    reason = None
    if m2rnn is None:
        reason = "triton is not installed"
    elif not x.is_cuda and not INTERPRETED:
        reason = "there is no GPU in use"
    elif columns > WIDEST:
        reason = f"values have {columns} channels, more than {WIDEST}"
    elif x.is_cuda and torch.cuda.get_device_capability(x.device) < (8, 0):
        if x.dtype == torch.bfloat16:
            name = torch.cuda.get_device_name(x.device)
            raise ValueError(f"m2rnn: {name} does not compute in bfloat16; load the model with dtype=torch.float32")
        reason = f"{torch.cuda.get_device_name(x.device)} is older than they need"
    if reason is not None and not torch.compiler.is_compiling():
        logger.warning_once(f"M2RNN runs slowly, one position after the other, without its fused kernels: {reason}")
    return reason is None


class M2RNNAttention(nn.Module):
    """An M2RNN layer in the place of a Gated DeltaNet layer."""

    def __init__(self, hidden_size, options, layer_idx):
        super().__init__()
        self.layer_idx = layer_idx
        self.m2rnn = M2RNN(hidden_size, options)

    def forward(
        self, hidden_states, cache_params=None, attention_mask=None, cu_seq_lens_q=None, max_length_q=None, cache=None,
        **kwargs,
    ):
        # transformers 5.17 calls the argument cache_params, 5.24 cache
        cache_params = cache if cache_params is None else cache_params
        mask = None if attention_mask is None else attention_mask.bool()
        x, f, g = self.m2rnn.project(hidden_states)
        x = x.transpose(1, 2) if mask is None else (x * mask.unsqueeze(-1)).transpose(1, 2)
        if cache_params is None:
            sequences = None
            if cu_seq_lens_q is not None:
                sequences = Sequences(cu_seq_lens_q, max_length_q, hidden_states.shape)
            x = x if self.m2rnn.conv is None else self.m2rnn.conv(x, sequences)
            return self.m2rnn.mix(x.transpose(1, 2), f, g, None, mask, sequences)[0]
        y, state = self.resume(x, f, g, cache_params, mask)
        cache_params.update_recurrent_state(state, self.layer_idx)
        return y

    def resume(self, x, f, g, cache_params, mask):
        """The output and the state after it, from what the cache holds."""
        layer, conv, positions = cache_params.layers[self.layer_idx], self.m2rnn.conv, x.shape[-1]
        state = layer.recurrent_states[0] if cache_params.has_previous_state(self.layer_idx, 0) else None
        alone = state is not None and positions == 1 and mask is None and not layer.record_past
        if alone and conv is not None:
            x = conv.advance(x, layer.conv_states[0])
        else:
            x = cache_params.update_conv_state(x, self.layer_idx, conv_kernel_size=max(self.m2rnn.taps, 1))
            x = x if conv is None else conv(x)
        x = x[..., -positions:].transpose(1, 2)
        if alone and fused(x, self.m2rnn.value_dim) and not torch.is_grad_enabled():
            return self.m2rnn.advance(x, f, g, state)
        return self.m2rnn.mix(x, f, g, state, mask)


def by_sequence(forward):
    """The forward pass of a linear layer, one sequence of a padding-free batch after the other."""

    def separated(hidden_states, attention_mask=None, cu_seq_lens_q=None, **kwargs):
        caches = {name: kwargs.pop(name, None) for name in ("cache_params", "cache")}
        given = {name: cache for name, cache in caches.items() if cache is not None}
        if cu_seq_lens_q is None or given:
            return forward(hidden_states, attention_mask=attention_mask, **given, **kwargs)
        if hidden_states.shape[0] != 1:
            raise ValueError("a padding-free batch has one row")
        bounds = cu_seq_lens_q.tolist()
        outputs = [forward(hidden_states[:, a:b], **kwargs) for a, b in zip(bounds, bounds[1:])]
        return torch.cat(outputs, dim=1)

    return separated


def ending_ngrams(layer):
    """The forward pass of a layer whose n-grams, and the convolution over them, end with each sequence.

    transformers lets both reach back into the sequence before, in a padding-free batch.
    """
    forward, mixed, bounds = layer.forward, layer.ple.forward, []

    def embedded(hidden_states, input_ids, cache=None, **kwargs):
        if not bounds or cache is not None:
            return mixed(hidden_states, input_ids, cache, **kwargs)
        pairs = zip(bounds[0], bounds[0][1:])
        return torch.cat([mixed(hidden_states[:, a:b], input_ids[:, a:b], None) for a, b in pairs], dim=1)

    def separated(*args, cu_seq_lens_q=None, **kwargs):
        bounds[:] = [] if cu_seq_lens_q is None else [cu_seq_lens_q.tolist()]
        return forward(*args, cu_seq_lens_q=cu_seq_lens_q, **kwargs)

    layer.forward, layer.ple.forward = separated, embedded


class StrictlyLoaded:
    """Refuses a checkpoint whose M2RNN layers are not all that the config says."""

    _keep_in_fp32_modules_strict = {"decay_gate"}

    @classmethod
    def from_pretrained(cls, *args, **kwargs):
        wants_info = kwargs.pop("output_loading_info", False)
        model, info = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        wrong = sorted(key for key in [*info["missing_keys"], *info["unexpected_keys"]] if ".m2rnn." in key)
        if wrong:
            raise ValueError(f"m2rnn: tensors do not fit the config: {', '.join(wrong)}")
        return (model, info) if wants_info else model


def replaced_layers(config):
    """The index and the options of each M2RNN layer."""
    groups = getattr(config, "m2rnn", None) or []
    for options in groups if isinstance(groups, list) else [groups]:
        check_options(options)
        yield from ((index, options) for index in options["layers"])


class WithM2RNN(StrictlyLoaded):
    """Puts M2RNN layers where the config names them; a class of transformers comes after it."""

    def __init__(self, config, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        model = getattr(self.model, "language_model", self.model)
        for index, options in replaced_layers(model.config):
            if model.config.layer_types[index] != "linear_attention":
                raise ValueError(f"m2rnn: layer {index} is not a linear_attention layer")
            model.layers[index].linear_attn = M2RNNAttention(model.config.hidden_size, options, index)
        for layer in model.layers:
            mixer = getattr(layer, "linear_attn", None)
            # Without fla's kernels transformers runs Gated DeltaNet across the ends of sequences.
            plain = mixer is not None and not isinstance(mixer, M2RNNAttention)
            if plain and not importlib.util.find_spec("fla"):
                mixer.forward = by_sequence(mixer.forward)
            if getattr(layer, "ple", None) is not None:
                ending_ngrams(layer)


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


class M2RNNLaraMiniForCausalLM(WithM2RNN, LaraMiniForCausalLM):
    """Lara-4-Mini with M2RNN layers."""


class M2RNNQwen4ExpForCausalLM(TextOfMultimodal, Qwen4ExpForCausalLM):
    """Qwen3.8-Flash-Next with M2RNN layers."""


class M2RNNQwen4ExpForConditionalGeneration(WithM2RNN, Qwen4ExpForConditionalGeneration):
    """Qwen3.8-Flash-Next with vision and M2RNN layers."""
