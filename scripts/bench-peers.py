#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times graft-bench and torch in turns, task by task, on one thread; prints medians of processor time and ratios.

A ratio above 1 says that Graft takes less time. Needs torch; with --model also transformers.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import torch
from torch.nn.functional import linear

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


class Graft:
    """A graft-bench that answers tasks with its processor time."""

    def __init__(self, path):
        self.process = subprocess.Popen([path, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, task):
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            sys.exit(f"graft-bench failed at: {task}")
        return float(answer[0])


def product(kind, m, k, n):
    x = torch.randn(m, k).to(TYPES[kind])
    weight = torch.randn(n, k).to(TYPES[kind])
    return lambda: linear(x, weight)


def elementwise(name, count):
    x = torch.randn(count)
    function = {"tanh": torch.tanh, "silu": torch.nn.functional.silu, "softplus": torch.nn.functional.softplus}[name]
    return lambda: function(x)


def m2rnn(heads, width_k, width_v, steps):
    """As lm-engine's torch form: all outer products first, every state kept, one product with q at the end."""
    q, k = (torch.randn(1, steps, heads, width_k) for _ in range(2))
    v, forget = torch.randn(1, steps, heads, width_v), torch.full((1, steps, heads), 0.9)
    weight = torch.randn(1, heads, width_v, width_v) * 0.1

    def run():
        outer = k[..., None] * v[..., None, :]
        states = torch.empty(1, steps, heads, width_k, width_v)
        state = torch.zeros(1, heads, width_k, width_v)
        for t in range(steps):
            keep = forget[:, t, :, None, None]
            state = keep * state + (1 - keep) * torch.tanh(state @ weight + outer[:, t])
            states[:, t] = state
        return (q[..., None, :] @ states).squeeze(-2)

    return run


def gated_delta(heads, width_k, width_v, steps):
    """The chunked rule of transformers."""
    from transformers.models.qwen3_next.modeling_qwen3_next import torch_chunk_gated_delta_rule as rule

    q, k = torch.randn(1, steps, heads, width_k), torch.randn(1, steps, heads, width_k)
    v = torch.randn(1, steps, heads, width_v)
    g, beta = torch.full((1, steps, heads), -0.1), torch.full((1, steps, heads), 0.9)
    return lambda: rule(q, k, v, g=g, beta=beta, use_qk_l2norm_in_kernel=True)


def prefill(model, tokens):
    ids = (torch.arange(tokens) * 7919 % model.config.vocab_size)[None]
    return lambda: model(ids, use_cache=True, logits_to_keep=1)


def decode(model, tokens):
    ids = (torch.arange(tokens + 8) * 7919 % model.config.vocab_size)[None]

    def run():
        cache = model(ids[:, :8], use_cache=True, logits_to_keep=1).past_key_values
        for t in range(8, tokens + 8):
            cache = model(ids[:, t : t + 1], past_key_values=cache, use_cache=True).past_key_values

    return run


def tasks(path):
    """Each task of graft-bench with the peer's form of it and the goal for the ratio."""
    for m, k, n in ((512, 1024, 1024), (512, 1024, 4096), (128, 1024, 4096), (512, 4096, 1024)):
        yield f"gemm f32 {m} {k} {n} 1", product("f32", m, k, n), 1.0
        yield f"gemm bf16 {m} {k} {n} 1", product("bf16", m, k, n), 6.5
    yield "gemm f32 1 1024 65536 1", product("f32", 1, 1024, 65536), 1.0
    yield "gemm bf16 1 1024 131072 1", product("bf16", 1, 1024, 131072), 1.0
    for name in ("tanh", "silu", "softplus"):
        yield f"map {name} 65536", elementwise(name, 65536), 1.0
    yield "m2rnn 84 64 16 2048", m2rnn(84, 64, 16, 2048), 14
    yield "gdn 2 256 512 2048", gated_delta(2, 256, 512, 2048), 2.4
    yield "gdn 32 128 128 2048", gated_delta(32, 128, 128, 2048), 5.5
    if path:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
        yield f"prefill {path} 512 1", prefill(model, 512), 1.5
        yield f"decode {path} 16 1", decode(model, 16), 1.0


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bench", help="the graft-bench to run")
    parser.add_argument("--model", help="a Hugging Face checkpoint to run in both")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="only tasks that begin with this")
    parser.add_argument("--json", help="a file for the numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    graft = Graft(options.bench)
    rows = []
    print(f"| task | Graft ms | torch {torch.__version__} ms | ratio | spread | goal |\n|---|---|---|---|---|---|")
    for task, peer, goal in tasks(options.model):
        if not task.startswith(options.only):
            continue
        graft.time(task), peer()
        pairs = []
        for _ in range(options.rounds):
            own = graft.time(task)
            start = time.process_time()
            peer()
            pairs.append((own, time.process_time() - start))
        ratios = sorted(other / own for own, other in pairs)
        own, other = (statistics.median(times) for times in zip(*pairs))
        row = {"task": task, "graft": own, "torch": other, "ratio": statistics.median(ratios), "goal": goal,
               "lowest": ratios[0], "highest": ratios[-1]}
        rows.append(row)
        print(f"| {task} | {own * 1e3:.2f} | {other * 1e3:.2f} | {row['ratio']:.2f} "
              f"| {row['lowest']:.2f} to {row['highest']:.2f} | {goal} |", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"torch": torch.__version__, "processor": torch.backends.cpu.get_cpu_capability(), "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
