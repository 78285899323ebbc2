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
"""Hybrid models of mlx-lm (0.30.6 or newer) in which some linear layers are M2RNN layers.

Graft writes this file beside a checkpoint whose config has the key `m2rnn`: an object, or a list of objects, that each
name some `layers` and their options. The rest of the model is mlx-lm's own, by the `model_type` of the config.

    model, tokenizer = mlx_lm.load(path, trust_remote_code=True)
"""

import importlib
import importlib.metadata

import mlx.core as mx
import mlx.nn as nn

MLX_LM = f"mlx-lm {importlib.metadata.version('mlx-lm')}"

try:
    from mlx_lm.models.cache import ArraysCache
except ImportError as error:
    raise ImportError(f"m2rnn: {MLX_LM} has no cache for recurrent layers; 0.30.6 to 0.32.2 have one") from error

ACTIVATIONS = {
    "identity": lambda x: x,
    "celu": nn.celu,
    "elu": nn.elu,
    "gelu": nn.gelu,
    "gelu_tanh": nn.gelu_approx,
    "hard_shrink": lambda x: mx.where(mx.abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: mx.clip(x + 3, 0, 6) / 6,
    "hard_swish": nn.hardswish,
    "hard_tanh": lambda x: mx.clip(x, -1, 1),
    "leaky_relu": nn.leaky_relu,
    "log_sigmoid": nn.log_sigmoid,
    "mish": nn.mish,
    "relu": nn.relu,
    "relu6": nn.relu6,
    "relu_squared": lambda x: nn.relu(x).square(),
    "rrelu": lambda x: nn.leaky_relu(x, (1 / 8 + 1 / 3) / 2),
    "selu": nn.selu,
    "sigmoid": mx.sigmoid,
    "silu": nn.silu,
    "soft_shrink": lambda x: mx.where(mx.abs(x) > 0.5, x - 0.5 * mx.sign(x), 0),
    "soft_sign": nn.softsign,
    "softplus": nn.softplus,
    "tanh": mx.tanh,
    "tanh_shrink": lambda x: x - mx.tanh(x),
}

NEEDED = {
    "layers", "k_head_dim", "v_head_dim", "num_q_heads", "num_k_heads", "num_v_heads", "num_f_heads", "num_g_heads",
    "num_weight_heads", "use_residual", "kernel_size", "activation_function", "add_bias", "normalization_function",
}
TRAINING = {"gradient_clipping", "A_init_min", "A_init_max", "dt_init_min", "dt_init_max", "dt_init_floor"}


def check_options(options):
    """Refuses options of a version that this file was not written for."""
    wrong = sorted((NEEDED - options.keys()) | (options.keys() - NEEDED - TRAINING))
    if wrong:
        raise ValueError(
            f"m2rnn: graft_m2rnn_mlx.py and config.json are of different versions, in {', '.join(wrong)}; "
            "`graft convert` writes both anew"
        )


class CausalConvolution(nn.Module):
    """A causal convolution of each channel by itself, the newest input last, and an activation."""

    def __init__(self, channels, taps, bias, activation):
        super().__init__()
        self.activation = activation
        self.weight = mx.zeros((channels, taps))
        if bias:
            self.bias = mx.zeros((channels,))
        if activation == "prelu":
            self.slope = mx.full((1,), 0.25)

    def __call__(self, x):
        """The outputs [B, T, C] of inputs [B, taps - 1 + T, C]."""
        x = mx.conv1d(x, self.weight[..., None], groups=self.weight.shape[0])
        x = x + self.bias if "bias" in self else x
        if "slope" in self:
            return mx.maximum(x, 0) + self.slope * mx.minimum(x, 0)
        return ACTIVATIONS[self.activation](x)


class DecayGate(nn.Module):
    """How much of the state each head keeps, between 0 and 1, in float32."""

    def __init__(self, heads):
        super().__init__()
        self.A_log = mx.zeros((heads,))
        self.dt_bias = mx.zeros((heads,))

    def __call__(self, x):
        x, rate = x.astype(mx.float32), mx.exp(self.A_log.astype(mx.float32))
        return mx.exp(-rate * nn.softplus(x + self.dt_bias.astype(mx.float32)))


@mx.compile
def step(state, weight, q, k, v, keep):
    """The output [B, N, V] of a position, and the state [B, N, K, V] after it."""
    new = mx.tanh(state @ weight + k[..., None] * v[..., None, :])
    state = keep * state + (1 - keep) * new
    return (q[..., None, :] @ state).squeeze(-2), state


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
        self.widths = [q * self.key_dim, k * self.key_dim, v * self.value_dim]
        channels, bias, values = sum(self.widths), options["add_bias"], self.heads * self.value_dim
        self.input_projection = nn.Linear(hidden_size, channels + f + g * self.value_dim, bias=bias)
        self.taps = options["kernel_size"] or 0
        if self.taps:
            self.conv = CausalConvolution(channels, self.taps, bias, options["activation_function"])
        self.decay_gate = DecayGate(self.heads)
        self.state_weight = mx.zeros((w, self.value_dim, self.value_dim))
        if options["use_residual"]:
            self.D = mx.zeros((self.heads, self.value_dim))
        if options["normalization_function"] is not None:
            norm = {"rmsnorm": nn.RMSNorm, "layernorm": nn.LayerNorm}[options["normalization_function"]]
            self.g_norm = norm(values, eps=1e-5)
        self.output_projection = nn.Linear(values, hidden_size, bias=False)

    @property
    def history(self):
        """How many earlier positions the convolution sees."""
        return max(self.taps - 1, 0)

    def __call__(self, inputs, mask=None, cache=None):
        """The output [B, T, H]; where `mask` is false a state stays as it is.

        `cache` holds the state and, where the convolution sees earlier positions, its last inputs.
        """
        channels = sum(self.widths)
        x, f, g = mx.split(self.input_projection(inputs), [channels, channels + self.counts[3]], axis=-1)
        if mask is not None:
            x = mx.where(mask[..., None], x, 0)
        x = self.convolve(x, cache)
        y, state = self.recur(x, f, mask, None if cache is None else cache[0])
        if cache is not None:
            cache[0] = state
            cache.advance(inputs.shape[1])
        y = nn.silu(g) * y.astype(g.dtype)
        return self.output_projection(self.g_norm(y) if "g_norm" in self else y)

    def convolve(self, x, cache):
        positions = x.shape[1]
        if self.history:
            before = None if cache is None else cache[1]
            if before is None:
                before = mx.zeros((x.shape[0], self.history, x.shape[2]), x.dtype)
            x = mx.concatenate([before, x], axis=1)
            if cache is not None:
                cache[1] = self.last_inputs(x, positions, cache.lengths)
        return self.conv(x) if self.taps else x

    def last_inputs(self, x, positions, lengths):
        """Those that the next position sees, of rows that may end in padding."""
        if lengths is None:
            return mx.contiguous(x[:, -self.history :])
        ends = mx.clip(lengths, 0, positions)
        return mx.take_along_axis(x, (ends[:, None] + mx.arange(self.history))[..., None], axis=1)

    def recur(self, x, f, mask, state):
        """Values of the recurrence [B, T, N V] and the last states [B, N, K, V], in float32."""
        rows, positions, _ = x.shape
        inputs = mx.split(x.astype(mx.float32), [self.widths[0], sum(self.widths[:2])], axis=-1)
        q, k, v = (
            mx.repeat(part.reshape(rows, positions, count, -1), self.heads // count, axis=2)
            for part, count in zip(inputs, self.counts)
        )
        keep = self.decay_gate(mx.repeat(f, self.heads // self.counts[3], axis=-1))
        if mask is not None:
            keep = mx.where(mask[..., None], keep, 1)
        weight = mx.repeat(self.state_weight.astype(mx.float32), self.heads // self.counts[5], axis=0)
        if state is None:
            state = mx.zeros((rows, self.heads, self.key_dim, self.value_dim))
        outputs = []
        for t in range(positions):
            y, state = step(state, weight, q[:, t], k[:, t], v[:, t], keep[:, t, :, None, None])
            outputs.append(y)
        y = mx.stack(outputs, axis=1)
        y = y + v * self.D if "D" in self else y
        return y.reshape(rows, positions, -1), state


class M2RNNAttention(nn.Module):
    """An M2RNN layer in the place of a Gated DeltaNet layer."""

    def __init__(self, hidden_size, options):
        super().__init__()
        self.m2rnn = M2RNN(hidden_size, options)

    def __call__(self, x, mask=None, cache=None):
        return self.m2rnn(x, mask, cache)

    def make_cache(self):
        return ArraysCache(size=2 if self.m2rnn.history else 1)


class WithM2RNN:
    """Puts M2RNN layers where the config names them; a model of mlx-lm comes after it."""

    def __init__(self, args, groups, hidden_size):
        super().__init__(args)
        for options in groups:
            check_options(options)
            for index in options["layers"]:
                layer = self.layers[index]
                if not hasattr(layer, "linear_attn"):
                    raise ValueError(f"m2rnn: layer {index} of mlx-lm's model has attention, not Gated DeltaNet")
                layer.linear_attn = M2RNNAttention(hidden_size, options)

    def make_cache(self):
        caches = super().make_cache()
        mixers = [getattr(layer, "linear_attn", None) for layer in self.layers]
        return [m.make_cache() if isinstance(m, M2RNNAttention) else c for m, c in zip(mixers, caches)]

    @property
    def quant_predicate(self):
        """M2RNN layers are not quantised; what else is, the model says."""
        inner = model_predicate(self, "quant_predicate")
        return lambda path, module: ".m2rnn." not in path and inner(path, module)

    @property
    def cast_predicate(self):
        """Decay gates stay in float32."""
        inner = model_predicate(self, "cast_predicate")
        return lambda path: ".decay_gate." not in path and inner(path)

    def shard(self, group=None):
        raise ValueError("m2rnn: layers of this model are not split over machines; run it in a pipeline")


def model_predicate(model, name):
    """A predicate that a model of mlx-lm may have."""
    return getattr(super(WithM2RNN, model), name, None) or (lambda *_: True)


class ModelArgs:
    """The arguments of mlx-lm's model, and the options of M2RNN layers."""

    # Of Gated DeltaNet layers where the config has none, because M2RNN layers replaced all of them.
    sizes = {
        "linear_num_key_heads": 1, "linear_num_value_heads": 1, "linear_key_head_dim": 1, "linear_value_head_dim": 1,
        "linear_conv_kernel_dim": 1, "linear_allow_neg_eigval": False,
    }

    def __init__(self, family, args, groups, hidden_size):
        self.family, self.args, self.groups, self.hidden_size = family, args, groups, hidden_size

    @classmethod
    def from_dict(cls, config):
        name = config["model_type"]
        try:
            family = importlib.import_module(f"mlx_lm.models.{name}")
        except ImportError as error:
            raise ImportError(f"m2rnn: {MLX_LM} has no model {name}; another version may have it") from error
        text = config.get("text_config", config)
        if "linear_num_value_heads" not in text:
            text = text | cls.sizes
        config = config | {"text_config": text} if "text_config" in config else text
        groups = text.get("m2rnn") or []
        groups = groups if isinstance(groups, list) else [groups]
        return cls(family, family.ModelArgs.from_dict(config), groups, text["hidden_size"])


def Model(args):
    """The model of a family with M2RNN layers, as mlx-lm asks a program file for it."""
    family = type("Model", (WithM2RNN, args.family.Model), {})
    return family(args.args, args.groups, args.hidden_size)
