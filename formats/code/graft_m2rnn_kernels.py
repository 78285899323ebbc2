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
"""Fused kernels of the M2RNN recurrence and its gradients, in Triton.

    S_t = f_t S_{t-1} + (1 - f_t) tanh(S_{t-1} W + k_t v_t^T)        y_t = q_t^T S_t

The rows of a state never mix, so a program takes ROWS rows of one head of one sequence and walks over the positions
with them in registers. What it adds to y, and to the gradients of inputs that rows or heads share, is one part of a
sum; parts are kept for a segment of positions and summed by a second kernel, always in the same order. The forward pass
keeps the state before every CHUNK positions, and the backward pass computes the states of a chunk again.

Whatever the type of the inputs, states, sums and products are those of float32. Products go through the matrix unit in
parts: two of F16 where both factors are bounded, which keeps 22 bits, and three of BF16 where one is a gradient, which
keeps all.
"""

import os

import torch

try:
    import triton
    import triton.language as tl
except ImportError as error:
    raise ImportError("the fused kernels of M2RNN need triton") from error

ROWS = 16  # of a tile of the matrix unit
CHUNK = 16  # positions from one kept state to the next
ROOM = 2**28  # bytes for the parts of sums
WIDEST = 128  # columns of a state whose weight fits on the chip

INTERPRETED = tl.constexpr(os.environ.get("TRITON_INTERPRET") == "1")


@triton.jit
def power_of_two(x):
    if INTERPRETED:
        return tl.exp2(x)
    return tl.inline_asm_elementwise("ex2.approx.ftz.f32 $0, $1;", "=r,r", [x], tl.float32, True, 1)


@triton.jit
def reciprocal(x):
    if INTERPRETED:
        return 1.0 / x
    return tl.inline_asm_elementwise("rcp.approx.ftz.f32 $0, $1;", "=r,r", [x], tl.float32, True, 1)


@triton.jit
def tanh(x):
    """Within 4e-7 of the result: 1 - 2 / (e^2x + 1), and where that cancels a polynomial."""
    size = tl.abs(x)
    big = 1.0 - 2.0 * reciprocal(power_of_two(size * 2.8853900817779268) + 1.0)
    sign = x.to(tl.int32, bitcast=True) & -2147483648
    big = (big.to(tl.int32, bitcast=True) | sign).to(tl.float32, bitcast=True)
    square = x * x
    small = x + x * square * (-0.33331901 + square * (0.13278022 - square * 0.047811814))
    return tl.where(size < 0.4, small, big)


@triton.jit
def dot(a, b, start):
    if INTERPRETED:  # which takes the bits of BF16 for integers
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, start)


@triton.jit
def magnitude(x, least):
    """The largest power of two that is not above all of |x|, and its inverse."""
    bits = tl.maximum(tl.max(tl.max(tl.abs(x), axis=1), axis=0), least).to(tl.int32, bitcast=True) & 0x7F800000
    return bits.to(tl.float32, bitcast=True), (0x7F000000 - bits).to(tl.float32, bitcast=True)


@triton.jit
def halves(x):
    """Two F16 values, first + second / 2048 = x to 22 bits, for x between 2^-14 and 2^15."""
    first = x.to(tl.float16)
    return first, ((x - first.to(tl.float32)) * 2048.0).to(tl.float16)


@triton.jit
def bounded_product(a, b1, b2):
    """a b with the parts of b, where neither leaves the range of F16."""
    a1, a2 = halves(a)
    nothing = tl.zeros((a.shape[0], b1.shape[1]), tl.float32)
    return dot(a1, b2, dot(a2, b1, nothing)) * (1.0 / 2048.0) + dot(a1, b1, nothing)


@triton.jit
def cut(x):
    """The first eight bits of the significand as BF16, and what is left."""
    bits = x.to(tl.int32, bitcast=True)
    head = (bits >> 16).to(tl.int16).to(tl.bfloat16, bitcast=True)
    return head, x - (bits & -65536).to(tl.float32, bitcast=True)


@triton.jit
def thirds(x):
    """Three BF16 values whose sum is x."""
    first, rest = cut(x)
    second, rest = cut(rest)
    third, rest = cut(rest)
    return first, second, third


@triton.jit
def product(a1, a2, a3, b1, b2, b3):
    """a b for parts of any size; what is left out is below the rounding of float32.

    The matrix unit cuts sums off where others round, so that nothing may be summed there for long.
    """
    nothing = tl.zeros((a1.shape[0], b1.shape[1]), tl.float32)
    third = dot(a2, b2, dot(a1, b3, dot(a3, b1, nothing)))
    second = dot(a1, b2, dot(a2, b1, nothing))
    return dot(a1, b1, nothing) + (second + third)


@triton.jit
def extent(bounds, b, T, first, last):
    """The first token of a sequence, and how many of its positions are in a segment."""
    if bounds is None:
        start = b.to(tl.int64) * T
        length = T
    else:
        start = tl.minimum(tl.maximum(tl.load(bounds + b).to(tl.int64), 0), T)
        length = (tl.minimum(tl.load(bounds + b + 1).to(tl.int64), T) - start).to(tl.int32)
    return start, tl.maximum(tl.minimum(length, last) - first, 0)


@triton.jit
def fetch(q, k, v, f, mask, q_row, k_row, v_row, f_row, t, in_rows, in_columns):
    """The inputs of a position, and whether it is one."""
    q_t = tl.load(q + t * q_row, mask=in_rows, other=0.0)
    k_t = tl.load(k + t * k_row, mask=in_rows, other=0.0)
    v_t = tl.load(v + t * v_row, mask=in_columns, other=0.0)
    f_t = tl.load(f + t * f_row)
    real = 1
    if mask is not None:
        real = tl.load(mask + t).to(tl.int32)
    return q_t, k_t, v_t, f_t, real


@triton.jit
def candidate(state, k_t, v_t, w1, w2, back):
    """tanh(S W + k v^T) for a scaled state and the parts of a scaled W; `back` undoes both."""
    return tanh(bounded_product(state, w1, w2) * back + k_t[:, None] * v_t[None, :])


@triton.jit
def forward_kernel(
    q, k, v, w, f, mask, bounds, before, after, parts, marks,
    q_row, k_row, v_row, f_row, T, first, last, sequences, tokens,
    N: tl.constexpr, K: tl.constexpr, V: tl.constexpr,
    PER_Q: tl.constexpr, PER_K: tl.constexpr, PER_V: tl.constexpr, PER_F: tl.constexpr, PER_W: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr,
):
    block, n, b = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    rows, columns, depths = block * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH), tl.arange(0, WIDTH)
    in_rows, in_columns = (rows < K) | (K % ROWS == 0), (columns < V) | (V == WIDTH)
    inside = in_rows[:, None] & in_columns[None, :]
    square = ((depths < V) | (V == WIDTH))[:, None] & in_columns[None, :]
    w += (n // PER_W) * V * V
    weight = tl.load(w + depths[:, None] * V + columns[None, :], mask=square, other=0.0).to(tl.float32)
    most, inverse = magnitude(weight, 1e-30)
    w1, w2 = halves(weight * inverse)
    start, count = extent(bounds, b, T, first, last)
    token = tl.minimum(start + first, tokens - 1)
    place = rows[:, None] * V + columns[None, :]
    head = (b.to(tl.int64) * N + n) * K * V
    if before is None:
        state = tl.zeros((ROWS, WIDTH), tl.float32)
    else:
        state = tl.load(before + head + place, mask=inside, other=0.0).to(tl.float32)
    size, inverse = magnitude(state, 1.0)  # no later state is larger
    scale, unscale = 8192.0 * inverse, size * (1.0 / 8192.0)
    back = most * unscale
    state *= scale
    q += token * q_row + (n // PER_Q) * K + rows
    k += token * k_row + (n // PER_K) * K + rows
    v += token * v_row + (n // PER_V) * V + columns
    f += token * f_row + n // PER_F
    if mask is not None:
        mask += token
    parts += ((block * sequences + b).to(tl.int64) * (last - first) * N + n) * V + columns
    if marks is not None:
        marks += ((start // CHUNK + b + first // CHUNK) * N + n) * K * V + place
    final = tl.maximum(count - 1, 0)
    q_a, k_a, v_a, f_a, real_a = fetch(q, k, v, f, mask, q_row, k_row, v_row, f_row, 0, in_rows, in_columns)
    for t in range(0, count, 2):
        if marks is not None:
            if t % CHUNK == 0:
                tl.store(marks, state * unscale, mask=inside)
                marks += N * K * V
        # Two positions a turn: the inputs of each are on their way while the other is computed, without copies.
        q_b, k_b, v_b, f_b, real_b = fetch(
            q, k, v, f, mask, q_row, k_row, v_row, f_row, tl.minimum(t + 1, final), in_rows, in_columns
        )
        keep = tl.where(real_a != 0, f_a, 1.0)
        state = keep * state + ((1.0 - keep) * scale) * candidate(state, k_a, v_a, w1, w2, back)
        tl.store(parts, tl.sum((q_a * unscale)[:, None] * state, axis=0), mask=in_columns)
        q_a, k_a, v_a, f_a, real_a = fetch(
            q, k, v, f, mask, q_row, k_row, v_row, f_row, tl.minimum(t + 2, final), in_rows, in_columns
        )
        live = t + 1 < count
        keep = tl.where(live & (real_b != 0), f_b, 1.0)
        state = keep * state + ((1.0 - keep) * scale) * candidate(state, k_b, v_b, w1, w2, back)
        tl.store(parts + N * V, tl.sum((q_b * unscale)[:, None] * state, axis=0), mask=in_columns & live)
        parts += 2 * N * V
    tl.store(after + head + place, state * unscale, mask=inside)


@triton.jit
def backward_kernel(
    q, k, v, w, f, mask, bounds, grad_y, grad_state, marks, states,
    q_parts, k_parts, v_parts, f_parts, w_parts,
    q_row, k_row, v_row, f_row, T, first, last, sequences, tokens, bound,
    N: tl.constexpr, K: tl.constexpr, V: tl.constexpr,
    PER_Q: tl.constexpr, PER_K: tl.constexpr, PER_V: tl.constexpr, PER_F: tl.constexpr, PER_W: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr, CHUNK: tl.constexpr, STAGES: tl.constexpr,
):
    block, n, b = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    rows, columns, depths = block * ROWS + tl.arange(0, ROWS), tl.arange(0, WIDTH), tl.arange(0, WIDTH)
    in_rows, in_columns = (rows < K) | (K % ROWS == 0), (columns < V) | (V == WIDTH)
    inside = in_rows[:, None] & in_columns[None, :]
    square = ((depths < V) | (V == WIDTH))[:, None] & in_columns[None, :]
    w += (n // PER_W) * V * V
    weight = tl.load(w + depths[:, None] * V + columns[None, :], mask=square, other=0.0).to(tl.float32)
    turned = tl.load(w + depths[:, None] + columns[None, :] * V, mask=square, other=0.0).to(tl.float32)
    most, inverse = magnitude(weight, 1e-30)
    w1, w2 = halves(weight * inverse)
    u1, u2, u3 = thirds(turned)
    start, count = extent(bounds, b, T, first, last)
    token = tl.minimum(start + first, tokens - 1)
    place = rows[:, None] * V + columns[None, :]
    grad_state += (b.to(tl.int64) * N + n) * K * V + place
    grad = tl.load(grad_state, mask=inside, other=0.0)
    w_parts += ((block * sequences + b).to(tl.int64) * N + n) * V * V + depths[:, None] * V + columns[None, :]
    grad_w = tl.load(w_parts, mask=square, other=0.0)
    q += token * q_row + (n // PER_Q) * K + rows
    k += token * k_row + (n // PER_K) * K + rows
    v += token * v_row + (n // PER_V) * V + columns
    f += token * f_row + n // PER_F
    if mask is not None:
        mask += token
    grad_y += (token * N + n) * V + columns
    span = last - first
    own = (b.to(tl.int64) * span * N + n) * K + rows
    shared = (block * sequences + b).to(tl.int64) * span * N + n
    q_parts += own
    k_parts += own
    v_parts += shared * V + columns
    f_parts += shared
    chunks = tl.cdiv(count, CHUNK)
    marks += ((start // CHUNK + b + first // CHUNK) * N + n) * K * V + place
    marks += (chunks - 1).to(tl.int64) * (N * K * V)
    TILE: tl.constexpr = ROWS * WIDTH
    program = (b * N + n) * tl.num_programs(0) + block
    states += program.to(tl.int64) * (2 * CHUNK) * TILE
    turned_states = states + tl.arange(0, ROWS)[None, :] * WIDTH + depths[:, None]
    states += tl.arange(0, ROWS)[:, None] * WIDTH + columns[None, :]
    for c in range(chunks):
        base = (chunks - 1 - c) * CHUNK
        final = tl.minimum(base + CHUNK, count) - 1
        state = tl.load(marks, mask=inside, other=0.0)
        marks -= N * K * V
        size, inverse = magnitude(state, 1.0)
        scale, unscale = 8192.0 * inverse, size * (1.0 / 8192.0)
        back = most * unscale
        q_a, k_a, v_a, f_a, real_a = fetch(q, k, v, f, mask, q_row, k_row, v_row, f_row, base, in_rows, in_columns)
        here = states
        for t in range(base, final + 1, 2):
            q_b, k_b, v_b, f_b, real_b = fetch(
                q, k, v, f, mask, q_row, k_row, v_row, f_row, tl.minimum(t + 1, final), in_rows, in_columns
            )
            keep = tl.where(real_a != 0, f_a, 1.0)
            new = candidate(state * scale, k_a, v_a, w1, w2, back)
            tl.store(here, state)
            tl.store(here + CHUNK * TILE, new)
            state = keep * state + (1.0 - keep) * new
            q_a, k_a, v_a, f_a, real_a = fetch(
                q, k, v, f, mask, q_row, k_row, v_row, f_row, tl.minimum(t + 2, final), in_rows, in_columns
            )
            keep = tl.where((t + 1 <= final) & (real_b != 0), f_b, 1.0)
            new = candidate(state * scale, k_b, v_b, w1, w2, back)
            tl.store(here + TILE, state)
            tl.store(here + (CHUNK + 1) * TILE, new)
            state = keep * state + (1.0 - keep) * new
            here += 2 * TILE
        tl.debug_barrier()
        for j in tl.range(0, final - base + 1, num_stages=STAGES):
            t = final - j
            q_t, k_t, v_t, f_t, real = fetch(q, k, v, f, mask, q_row, k_row, v_row, f_row, t, in_rows, in_columns)
            y_t = tl.load(grad_y + t.to(tl.int64) * (N * V), mask=in_columns, other=0.0)
            old = tl.load(states + (t - base) * TILE)
            turned_old = tl.load(turned_states + (t - base) * TILE)
            new = tl.load(states + (t - base + CHUNK) * TILE)
            keep = tl.where(real != 0, f_t, 1.0)
            grad += q_t[:, None] * y_t[None, :]
            if bound is not None:
                grad = tl.where(real != 0, tl.clamp(grad, -bound, bound), grad)
            inner = (1.0 - keep) * grad * (1.0 - new * new)
            change = tl.sum(tl.sum(grad * (old - new), axis=1), axis=0)
            i1, i2, i3 = thirds(inner)
            grad = keep * grad + product(i1, i2, i3, u1, u2, u3)
            o1, o2, o3 = thirds(turned_old)
            grad_w += product(o1, o2, o3, i1, i2, i3)
            row = t.to(tl.int64) * N
            tl.store(q_parts + row * K, tl.sum(state * y_t[None, :], axis=1), mask=in_rows)
            tl.store(k_parts + row * K, tl.sum(inner * v_t[None, :], axis=1), mask=in_rows)
            tl.store(v_parts + row * V, tl.sum(inner * k_t[:, None], axis=0), mask=in_columns)
            tl.store(f_parts + row, tl.where(real != 0, change, 0.0))
            state = old
        tl.debug_barrier()
    tl.store(grad_state, grad, mask=inside)
    tl.store(w_parts, grad_w, mask=square)


@triton.jit
def sum_kernel(
    parts, out, bounds, T, first, last, rows,
    BLOCKS: tl.constexpr, GROUPS: tl.constexpr, PER: tl.constexpr, SIZE: tl.constexpr,
    HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
):
    """out[token, g, c]: the sum over all blocks and over the heads of group g."""
    row, at = tl.program_id(0), tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    span = last - first
    b, i = row // span, row % span
    start, count = extent(bounds, b, T, first, last)
    if i < count:
        inside = at < GROUPS * SIZE
        total = tl.zeros((WIDTH,), tl.float32)
        for s in range(0, BLOCKS * PER, HEIGHT):
            item = s + tl.arange(0, HEIGHT)
            source = ((item // PER).to(tl.int64) * rows + row) * (GROUPS * PER * SIZE) + (item % PER) * SIZE
            source = source[:, None] + ((at // SIZE) * (PER * SIZE) + at % SIZE)[None, :]
            present = (item < BLOCKS * PER)[:, None] & inside[None, :]
            total += tl.sum(tl.load(parts + source, mask=present, other=0.0), axis=0)
        out += (start + first + i) * (GROUPS * SIZE)
        tl.store(out + at, total.to(out.dtype.element_ty), mask=inside)


@triton.jit
def step_kernel(
    q, k, v, w, f, g, A_log, dt_bias, D, before, after, out,
    q_row, k_row, v_row, f_row, g_row,
    N: tl.constexpr, K: tl.constexpr, V: tl.constexpr,
    PER_Q: tl.constexpr, PER_K: tl.constexpr, PER_V: tl.constexpr, PER_F: tl.constexpr, PER_W: tl.constexpr,
    ROWS: tl.constexpr, WIDTH: tl.constexpr,
):
    """One position of a layer, from the decay gate to the output gate."""
    n, b = tl.program_id(0), tl.program_id(1)
    columns, depths = tl.arange(0, WIDTH), tl.arange(0, WIDTH)
    in_columns = columns < V
    at_weight = w + (n // PER_W) * V * V + depths[:, None] * V + columns[None, :]
    weight = tl.load(at_weight, mask=(depths < V)[:, None] & in_columns[None, :], other=0.0).to(tl.float32)
    w1, w2, w3 = thirds(weight)
    v_t = tl.load(v + b * v_row + (n // PER_V) * V + columns, mask=in_columns, other=0.0).to(tl.float32)
    x = tl.load(f + b * f_row + n // PER_F).to(tl.float32) + tl.load(dt_bias + n).to(tl.float32)
    x = tl.maximum(x, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(x)))  # softplus
    keep = tl.exp(-tl.exp(tl.load(A_log + n).to(tl.float32)) * x)
    head = (b.to(tl.int64) * N + n) * K * V
    y = tl.zeros((WIDTH,), tl.float32)
    for first in range(0, K, ROWS):
        rows = first + tl.arange(0, ROWS)
        in_rows = rows < K
        q_t = tl.load(q + b * q_row + (n // PER_Q) * K + rows, mask=in_rows, other=0.0).to(tl.float32)
        k_t = tl.load(k + b * k_row + (n // PER_K) * K + rows, mask=in_rows, other=0.0).to(tl.float32)
        place = head + rows[:, None] * V + columns[None, :]
        inside = in_rows[:, None] & in_columns[None, :]
        state = tl.load(before + place, mask=inside, other=0.0).to(tl.float32)
        s1, s2, s3 = thirds(state)
        new = tanh(product(s1, s2, s3, w1, w2, w3) + k_t[:, None] * v_t[None, :])
        state = keep * state + (1.0 - keep) * new
        tl.store(after + place, state, mask=inside)
        y += tl.sum(q_t[:, None] * state, axis=0)
    if D is not None:
        y += v_t * tl.load(D + n * V + columns, mask=in_columns, other=0.0).to(tl.float32)
    g_t = tl.load(g + b * g_row + n * V + columns, mask=in_columns, other=0.0).to(tl.float32)
    y = y * g_t / (1.0 + tl.exp(-g_t))
    tl.store(out + (b * N + n) * V + columns, y.to(out.dtype.element_ty), mask=in_columns)


class Sizes:
    """Shapes of a call, and how its work is cut."""

    def __init__(self, q, k, v, w, f, bounds, longest):
        self.counts = [q.shape[2], k.shape[2], v.shape[2], f.shape[2], w.shape[0]]
        self.N, self.K, self.V = max(self.counts), q.shape[3], v.shape[3]
        if any(self.N % count for count in self.counts):
            raise ValueError(f"m2rnn: head counts {self.counts} do not fit {self.N} heads")
        self.T = q.shape[1]
        self.tokens = q.shape[0] * q.shape[1]
        self.sequences, self.longest = (q.shape[0], self.T) if bounds is None else (len(bounds) - 1, longest)
        self.blocks = triton.cdiv(self.K, ROWS)
        self.marks = self.tokens // CHUNK + self.sequences
        self.bounds = bounds
        self.width = max(16, triton.next_power_of_2(self.V))
        self.warps = max(1, self.width // 32)
        self.grid = (self.blocks, self.N, self.sequences)

    def registers(self):
        """So few that three warps find room on each scheduler; left alone the compiler makes it two."""
        return {"maxnreg": 168} if self.width == 16 and torch.version.cuda and not INTERPRETED else {}

    def constants(self):
        per = {f"PER_{name}": self.N // count for name, count in zip("QKVFW", self.counts)}
        return dict(N=self.N, K=self.K, V=self.V, ROWS=ROWS, WIDTH=self.width, CHUNK=CHUNK, **per)

    def segments(self, floats):
        """Pairs of positions between which parts of so many floats per position find room."""
        span = max(ROOM // (4 * floats * self.sequences) // CHUNK, 1) * CHUNK
        return [(first, min(first + span, self.longest)) for first in range(0, self.longest, span)]

    def span(self, segments):
        return max((last - first for first, last in segments), default=0)

    def sum(self, parts, out, first, last, blocks, groups, size):
        rows, width = (last - first) * self.sequences, triton.next_power_of_2(min(groups * size, 512))
        per = self.N // groups
        height = max(1, min(triton.next_power_of_2(blocks * per), 2048 // width))
        with torch.cuda.device_of(out):
            sum_kernel[(rows, triton.cdiv(groups * size, width))](
                parts, out, self.bounds, self.T, first, last, rows,
                BLOCKS=blocks, GROUPS=groups, PER=per, SIZE=size, HEIGHT=height, WIDTH=width,
            )


def row(x):
    """The distance of two tokens in memory."""
    return x.stride(1)


def readable(x):
    """x, or a copy, so that heads lie side by side and tokens at one distance."""
    x = x.float()
    dense = x.stride(-1) == 1 and (x.dim() < 4 or x.stride(2) == x.shape[3])
    return x if dense and (x.shape[0] == 1 or x.stride(0) == x.shape[1] * x.stride(1)) else x.contiguous()


@torch.library.custom_op("graft::m2rnn", mutates_args=())
def scan(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, w: torch.Tensor, f: torch.Tensor,
    state: torch.Tensor | None, mask: torch.Tensor | None, bounds: torch.Tensor | None,
    longest: int, bound: float | None, keep: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    s = Sizes(q, k, v, w, f, bounds, longest)
    q, k, v, f = readable(q), readable(k), readable(v), readable(f)
    w, state = w.contiguous(), None if state is None else state.contiguous()
    y = v.new_empty(q.shape[0], q.shape[1], s.N, s.V, dtype=torch.float32)
    after = q.new_empty(s.sequences, s.N, s.K, s.V, dtype=torch.float32)
    marks = q.new_empty(s.marks if keep else 0, s.N, s.K, s.V, dtype=torch.float32)
    segments = s.segments(s.blocks * s.N * s.V)
    parts = q.new_empty(s.blocks, s.sequences * s.span(segments), s.N, s.V, dtype=torch.float32)
    if not segments:
        after.zero_() if state is None else after.copy_(state)
    for first, last in segments:
        with torch.cuda.device_of(q):
            forward_kernel[s.grid](
                q, k, v, w, f, mask, s.bounds, state, after, parts, marks if keep else None,
                row(q), row(k), row(v), row(f), s.T, first, last, s.sequences, s.tokens,
                **s.constants(), num_warps=s.warps, num_stages=1,
            )
        s.sum(parts, y, first, last, s.blocks, s.N, s.V)
        state = after
    return y, after, marks


@scan.register_fake
def _(q, k, v, w, f, state, mask, bounds, longest, bound, keep):
    s = Sizes(q, k, v, w, f, bounds, longest)
    return (
        v.new_empty(q.shape[0], q.shape[1], s.N, s.V, dtype=torch.float32),
        q.new_empty(s.sequences, s.N, s.K, s.V, dtype=torch.float32),
        q.new_empty(s.marks if keep else 0, s.N, s.K, s.V, dtype=torch.float32),
    )


@torch.library.custom_op("graft::m2rnn_backward", mutates_args=())
def scan_backward(
    grad_y: torch.Tensor, grad_after: torch.Tensor | None,
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, w: torch.Tensor, f: torch.Tensor,
    mask: torch.Tensor | None, bounds: torch.Tensor | None, marks: torch.Tensor,
    longest: int, bound: float | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    s = Sizes(q, k, v, w, f, bounds, longest)
    grads = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in (q, k, v, f)]
    q, k, v, f, w = readable(q), readable(k), readable(v), readable(f), w.contiguous()
    grad_y = grad_y.float().contiguous()
    wide = dict(dtype=torch.float32, device=q.device)
    grad_state = torch.zeros(s.sequences, s.N, s.K, s.V, **wide)
    if grad_after is not None:
        grad_state.copy_(grad_after)
    w_parts = torch.zeros(s.blocks * s.sequences, s.N, s.V, s.V, **wide)
    states = torch.empty(s.blocks * s.N * s.sequences, 2 * CHUNK, ROWS, s.width, **wide)
    segments = s.segments(s.N * (2 * s.K + s.blocks * (s.V + 1)))
    rows = s.sequences * s.span(segments)
    # blocks, groups and size of each sum
    shapes = [(1, s.counts[0], s.K), (1, s.counts[1], s.K), (s.blocks, s.counts[2], s.V), (s.blocks, s.counts[3], 1)]
    parts = [torch.empty(blocks * rows * s.N * size, **wide) for blocks, _, size in shapes]
    for first, last in reversed(segments):
        with torch.cuda.device_of(q):
            backward_kernel[s.grid](
                q, k, v, w, f, mask, s.bounds, grad_y, grad_state, marks, states, *parts, w_parts,
                row(q), row(k), row(v), row(f), s.T, first, last, s.sequences, s.tokens, bound,
                **s.constants(), STAGES=3 if s.width == 16 else 1, num_warps=s.warps, num_stages=1, **s.registers(),
            )
        for part, grad, shape in zip(parts, grads, shapes):
            s.sum(part, grad, first, last, *shape)
    grad_w = w_parts.sum(0).unflatten(0, (s.counts[4], -1)).sum(1).to(w.dtype)
    return (*grads, grad_w, grad_state)


@scan_backward.register_fake
def _(grad_y, grad_after, q, k, v, w, f, mask, bounds, marks, longest, bound):
    s = Sizes(q, k, v, w, f, bounds, longest)
    grads = [torch.empty_like(x, memory_format=torch.contiguous_format) for x in (q, k, v, f, w)]
    return (*grads, q.new_empty(s.sequences, s.N, s.K, s.V, dtype=torch.float32))


def remember(ctx, inputs, output):
    q, k, v, w, f, state, mask, bounds, ctx.longest, ctx.bound, keep = inputs
    ctx.state_type = None if state is None else state.dtype
    ctx.save_for_backward(q, k, v, w, f, mask, bounds, output[2])
    ctx.set_materialize_grads(False)


def differentiate(ctx, grad_y, grad_after, _):
    q, k, v, w, f, mask, bounds, marks = ctx.saved_tensors
    if grad_y is None:
        grad_y = v.new_zeros(*q.shape[:2], marks.shape[1], v.shape[3])
    inputs = q, k, v, w, f, mask, bounds, marks
    dq, dk, dv, df, dw, ds = scan_backward(grad_y, grad_after, *inputs, ctx.longest, ctx.bound)
    return dq, dk, dv, dw, df, None if ctx.state_type is None else ds.to(ctx.state_type), *[None] * 5


scan.register_autograd(differentiate, setup_context=remember)


def m2rnn(q, k, v, w, f, state=None, mask=None, bounds=None, longest=None, bound=None):
    """y [B, T, N, V] and the states [sequences, N, K, V] after the last positions, both in float32.

    q [B, T, Nq, K], k [B, T, Nk, K], v [B, T, Nv, V], f [B, T, Nf] and w [Nw, V, V], whose numbers of heads divide the
    largest, N. Where `mask` [B, T] is false a state stays as it is. `bounds` are the ends of sequences that lie one
    after the other in a batch of one row, beginning with 0, and `longest` is the length of the longest of them. `bound`
    clips the gradient of each state, from y and from the state after it together.
    """
    if mask is not None:
        mask = mask.to(torch.uint8).contiguous()
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (q, k, v, w, f, state))
    longest = q.shape[1] if bounds is None or longest is None else longest
    y, after, _ = scan(q, k, v, w, f, state, mask, bounds, longest, bound, keep)
    return y, after


@torch.library.custom_op("graft::m2rnn_step", mutates_args=())
def step(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, w: torch.Tensor, f: torch.Tensor, g: torch.Tensor,
    A_log: torch.Tensor, dt_bias: torch.Tensor, D: torch.Tensor | None, state: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """silu(g) (y + D v) [B, 1, N, V] for one position, and the state after it; f is the input of the decay gate."""
    s = Sizes(q, k, v, w, A_log[None, None], None, 1)
    after, out = torch.empty_like(state, dtype=torch.float32), g.new_empty(q.shape[0], 1, s.N, s.V)
    rows = max(16, min(64, triton.next_power_of_2(s.K)))
    q, k, v, f, g = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k, v, f, g))
    constants = {**s.constants(), "PER_F": s.N // f.shape[2], "ROWS": rows}
    del constants["CHUNK"]
    with torch.cuda.device_of(q):
        step_kernel[(s.N, q.shape[0])](
            q, k, v, w.contiguous(), f, g, A_log, dt_bias, D, state.contiguous(), after, out,
            q.stride(0), k.stride(0), v.stride(0), f.stride(0), g.stride(0), **constants, num_warps=2, num_stages=1,
        )
    return out, after


@step.register_fake
def _(q, k, v, w, f, g, A_log, dt_bias, D, state):
    return g.new_empty(q.shape[0], 1, len(A_log), v.shape[3]), torch.empty_like(state, dtype=torch.float32)
