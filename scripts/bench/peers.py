#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times graft-bench and its peers in turns, task by task, on one thread of each: peers.py GRAFT GRAFT_BENCH FOLDER.

Ratios are of processor time; one above 1 says that Graft takes less. Needs torch, transformers and safetensors; rows of
llama.cpp need llama_cpp (llama-cpp-python), rows of mlx-lm need mlx_lm, that of Megatron megatron-core as well. Keeps the
models it writes in FOLDER.
"""

import argparse
import importlib.util
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import models
import torch
from measure import Report, Serving, command, ratios, rounds, row
from torch.nn.functional import linear

TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


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


def kernels():
    """Each task of graft-bench with torch's form of it and the goal for the ratio."""
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


def transformer(path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    yield f"prefill {path} 512 1", prefill(model, 512), 1.5
    yield f"decode {path} 16 1", decode(model, 16), 1.0


def timed(peer):
    """Processor time of this process for one call."""
    start = time.process_time()
    peer()
    return time.process_time() - start


def compare(report, serving, peer, tasks, count):
    for task, other, goal in tasks:
        times = rounds(count, {"own": lambda: serving.time(task), "peer": lambda: timed(other)})
        words = [word.rsplit("/")[-1] for word in task.split()]
        report.add(row(f"{' '.join(words)}, {peer}", ratios(times, "peer", "own"), goal))


class Llama:
    """llama.cpp on one thread through its C interface, so that nothing but the model is timed."""

    def __init__(self, path):
        import llama_cpp

        self.api = llama_cpp
        llama_cpp.llama_log_set(SILENT(llama_cpp), None)
        settings = llama_cpp.llama_model_default_params()
        # Of these types Q8_0 alone has code for AMX, which ended the process wherever it was tried.
        settings.use_extra_bufts = False
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), settings)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_ubatch, context.n_threads, context.n_threads_batch = 1024, 512, 512, 1, 1
        self.context = llama_cpp.llama_init_from_model(self.model, context)

    def feed(self, tokens):
        array = (self.api.llama_token * len(tokens))(*tokens)
        if self.api.llama_decode(self.context, self.api.llama_batch_get_one(array, len(tokens))):
            sys.exit("llama.cpp failed")
        self.api.llama_get_logits_ith(self.context, -1)

    def forget(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def prefill(self, count):
        self.forget()
        self.feed([t * 7919 % 32000 for t in range(count)])

    def decode(self, count):
        self.forget()
        self.feed([t * 7919 % 32000 for t in range(8)])
        for t in range(8, count + 8):
            self.feed([t * 7919 % 32000])


SINK = []


def SILENT(api):
    """A log that keeps nothing; it must live as long as the library."""
    SINK.append(api.llama_log_callback(lambda level, text, data: None))
    return SINK[-1]


def gguf(graft, model, kind):
    """The model as a file of llama.cpp; made once."""
    path = model.parent / f"llama-{kind}"
    how = ["--dtype", kind, "--allow", "lossy"] if kind in TYPES else ["--quantise", kind]
    if not path.exists():
        subprocess.run([graft, "convert", str(model), str(path), "--to", "gguf-qwen35", *how, "--no-manifest", "--quiet"], check=True)
    return path


def llama(report, serving, graft, model, count):
    """The same weights in the types of llama.cpp; prefill against its best one, decode type against type."""
    files = {}
    for kind in ("bf16", "f16", "q8_0", "q4_k_m"):
        files[kind] = gguf(graft, model, kind)
    peers = {kind: Llama(next(path.glob("*.gguf"))) for kind, path in files.items()}
    tasks = {f"own {kind}": lambda kind=kind: serving.time(f"prefill {files[kind]} 512 1") for kind in ("bf16", "q8_0", "q4_k_m")}
    tasks |= {kind: lambda kind=kind: timed(lambda: peers[kind].prefill(512)) for kind in peers}
    times = rounds(count, tasks)
    best = min(peers, key=lambda kind: statistics.median(times[kind]))
    report.add(row(f"prefill 512, BF16, llama.cpp {best}, its best", ratios(times, best, "own bf16"), 1.3))
    for kind in ("q8_0", "q4_k_m"):
        report.add(row(f"prefill 512, {kind}, llama.cpp {kind}", ratios(times, kind, f"own {kind}"), 1.0))
    for kind in ("bf16", "q8_0", "q4_k_m"):
        tasks = {"own": lambda: serving.time(f"decode {files[kind]} 32 1"), "peer": lambda: timed(lambda: peers[kind].decode(32))}
        report.add(row(f"decode, {kind}, llama.cpp {kind}", ratios(rounds(count, tasks), "peer", "own"), 1.0))


def loading(report, graft, model, folder):
    """Copies of a checkpoint, wall and processor time together as processor time of all threads."""
    script = ("import sys, transformers as t; m = t.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype='auto');"
              "m.save_pretrained(sys.argv[2], max_shard_size='300MB')")
    output = folder / "copy"

    def run(arguments):
        seconds, _ = command(arguments)
        shutil.rmtree(output)
        return seconds

    times = rounds(3, {
        "own": lambda: run([graft, "convert", str(model), str(output), "--max-shard-size", "300MB", "--quiet", "--no-manifest"]),
        "peer": lambda: run([sys.executable, "-c", script, str(model), str(output)])})
    report.add(row("re-shard 863 MB, transformers load and save", ratios(times, "peer", "own"), 10))


LLAMA_QUANTIZE = """
import ctypes, sys, time
import llama_cpp.llama_cpp as llama
silent = llama.llama_log_callback(lambda level, text, data: None)
llama.llama_log_set(silent, None)
params = llama.llama_model_quantize_default_params()
params.nthread, params.ftype = 1, int(sys.argv[3])
start = time.process_time()
assert llama.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), ctypes.byref(params)) == 0
print(time.process_time() - start)
"""


def blocks(report, graft, model, folder):
    """A file of BF16 quantised for llama.cpp, against its own routine on one thread, without the start of Python."""
    source = next(gguf(graft, model, "bf16").glob("*.gguf"))
    output = folder / "blocks"

    def own(kind):
        seconds, _ = command([graft, "convert", str(source), str(output), "--quantise", kind, "-j", "1", "--quiet", "--no-manifest"])
        shutil.rmtree(output)
        return seconds

    def peer(number):
        output.mkdir()
        arguments = [sys.executable, "-c", LLAMA_QUANTIZE, str(source), str(output / "model.gguf"), str(number)]
        seconds = float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()[-1])
        shutil.rmtree(output)
        return seconds

    for kind, number in (("q8_0", 7), ("q6_k", 18), ("q5_k_m", 17), ("q4_k_m", 15), ("iq4_nl", 25)):
        times = rounds(3, {"own": lambda: own(kind), "peer": lambda: peer(number)})
        report.add(row(f"quantise 863 MB, {kind}, llama.cpp", ratios(times, "peer", "own"), 1.0))


QUANTISE = """
import json, pathlib, sys, time
import mlx.core as mx
from mlx_lm.utils import load_model, quantize_model, save_model
mx.set_default_device(mx.cpu)
source, output, bits, mode = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
text = json.loads((source / "config.json").read_text())
start = time.process_time()
model, config = load_model(source, lazy=True, model_config=dict(model_type="qwen3_5", text_config=text))
model, config = quantize_model(model, config, None, bits, mode=mode)
save_model(output, model)
print(time.process_time() - start)
"""


def quantising(report, graft, model, folder):
    """Weights packed for mlx-lm, against the steps of mlx_lm.convert without the start of Python."""
    output = folder / "quantised"

    def own(kind):
        seconds, _ = command([graft, "convert", str(model), str(output), "--to", "mlx-qwen3_5", "--quantise", kind, "--quiet",
                              "--no-manifest"])
        shutil.rmtree(output)
        return seconds

    def peer(bits, mode):
        arguments = [sys.executable, "-c", QUANTISE, str(model), str(output), str(bits), mode]
        seconds = float(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()[-1])
        shutil.rmtree(output)
        return seconds

    for kind, bits, mode in (("mlx-4bit", 4, "affine"), ("mlx-8bit", 8, "affine"), ("mlx-mxfp4", 4, "mxfp4"),
                             ("mlx-nvfp4", 4, "nvfp4")):
        times = rounds(5, {"own": lambda: own(kind), "peer": lambda: peer(bits, mode)})
        report.add(row(f"quantise 863 MB, {kind}, mlx-lm", ratios(times, "peer", "own"), 1.0))


MEGATRON = """
import pickle, resource, sys, tempfile, torch, warnings
warnings.filterwarnings("ignore")
if not torch.cuda.is_available():
    torch.cuda.current_device = lambda: "cpu"
    torch.cuda.synchronize = torch.cuda.empty_cache = lambda *_, **__: None
    torch.Tensor.cuda = lambda self, *_, **__: self
from megatron.core import dist_checkpointing as checkpoints
source, output = sys.argv[1], sys.argv[2]
metadata = pickle.load(open(source + "/.metadata", "rb")).state_dict_metadata
meeting = tempfile.mkdtemp()
torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}/file", rank=0, world_size=1)
def used():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
start = used()
tensors = {key: checkpoints.ShardedTensor.from_rank_offsets(key, torch.empty(value.size, dtype=value.properties.dtype))
           for key, value in metadata.items() if hasattr(value, "size")}
loaded = checkpoints.load(dict(tensors), source)
checkpoints.save({key: checkpoints.ShardedTensor.from_rank_offsets(key, value) for key, value in loaded.items()
                  if key in tensors}, output)
print(used() - start)
"""


def distributing(report, graft, bench, folder):
    """A directory of Megatron of 2 GiB to the hub, against Megatron's load and save alone without the start of Python; cp is
    what nobody can do without."""
    model = models.make(bench, "qwen3_5", models.qwen(num_hidden_layers=64), folder / "qwen3_5-1100m")
    source, output = folder / "megatron", folder / "from-megatron"
    if not source.exists():
        command([graft, "convert", str(model), str(source), "--to", "mcore-gpt", "--quiet"])

    def own():
        seconds, _ = command([graft, "convert", str(source), str(output), "--to", "qwen3_5", "--quiet", "--no-manifest"])
        shutil.rmtree(output)
        return seconds

    def peer():
        output.mkdir()
        arguments = [sys.executable, "-c", MEGATRON, str(source / "iter_0000000"), str(output)]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        shutil.rmtree(output)
        return float(done.stdout.split()[-1])

    def copy():
        seconds, _ = command(["cp", "-r", str(source), str(output)])
        shutil.rmtree(output)
        return seconds

    times = rounds(3, {"own": own, "peer": peer, "copy": copy})
    report.add(row("2 GiB from Megatron to the hub, megatron-core load and save", ratios(times, "peer", "own"), 5))
    report.add(row("the same against cp, the floor", ratios(times, "own", "copy"), None))


@torch.inference_mode()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft")
    parser.add_argument("bench")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="torch transformers llama blocks loading quantising megatron",
                        help="which peers")
    parser.add_argument("--json", help="a file for the numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    serving = Serving(options.bench)
    facts = {"torch": torch.__version__, "instructions": torch.backends.cpu.get_cpu_capability()}
    report = Report("Graft against its peers", facts)
    model = models.make(options.bench, "qwen3_5", models.qwen(), options.folder / "qwen3_5-432m")
    if "torch" in options.only:
        compare(report, serving, "torch", kernels(), options.rounds)
    if "transformers" in options.only:
        compare(report, serving, "transformers F32", transformer(model), options.rounds)
    if "llama" in options.only and importlib.util.find_spec("llama_cpp"):
        llama(report, serving, options.graft, model, options.rounds)
    if "blocks" in options.only and importlib.util.find_spec("llama_cpp"):
        blocks(report, options.graft, model, options.folder)
    if "loading" in options.only:
        loading(report, options.graft, model, options.folder)
    if "quantising" in options.only and importlib.util.find_spec("mlx_lm"):
        quantising(report, options.graft, model, options.folder)
    if "megatron" in options.only and importlib.util.find_spec("megatron"):
        distributing(report, options.graft, options.bench, options.folder)
    if options.json:
        report.save(options.json)


if __name__ == "__main__":
    main()
