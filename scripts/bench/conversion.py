#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares conversions with cp, in processor time of one thread and peak memory: conversion.py GRAFT GRAFT_BENCH FOLDER GIB [GIB ...]

A model of an embedding, a head and no layers, with random bytes, is cut anew, cast and cut anew with hashes, that also by the
clock and on all cores; a Qwen3-Next is regrouped; cp copies the same files in the same round. Needs twice the largest size on the disk of FOLDER, which is emptied.
"""

import argparse
import json
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import models
from measure import Report, command, row, rounds

QUIETLY = ["--quiet", "-j", "1"]  # threads that write one file wait for each other in the system, which counts too
HIDDEN = 1024
CONFIG = {
    "model_type": "gpt_base", "max_position_embeddings": 1, "hidden_size": HIDDEN, "num_layers": 0,
    "normalization_function": "rmsnorm", "initializer_range": 0.02, "position_embedding_type": "nope", "init_method": "normal",
    "use_depth_scaled_init": False, "sequence_mixer_blocks": [], "mlp_blocks": [], "tie_word_embeddings": False,
}


def make(model, gib):
    """Halves of about the size, and between them a norm; values are finite whatever bytes are drawn."""
    rows = int(gib * 2**30 / 8 / HIDDEN)
    shapes = {"lm_head.weight": [rows, HIDDEN], "transformer.ln_f.weight": [HIDDEN], "transformer.wte.weight": [rows, HIDDEN]}
    header, end = {}, 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * HIDDEN * (shape[0] if len(shape) == 2 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    block = bytearray(os.urandom(1 << 24))
    block[3::4] = bytes(b & 0xBF for b in block[3::4])
    model.mkdir(parents=True)
    (model / "config.json").write_text(json.dumps(CONFIG | {"vocab_size": rows}))
    with open(model / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for start in range(0, end, len(block)):
            file.write(block[: min(len(block), end - start)])


def copies(graft, model, output, gib):
    """What is compared with cp; goals hold without waiting for the disk, which cp does not do either."""
    plainly = [graft, "convert", str(model), str(output)]
    convert = plainly + QUIETLY
    return {
        "cut anew": (convert + ["--max-shard-size", "1GB", "--no-manifest"], 0.9 if gib >= 1 else 1.0),
        "F32 to BF16": (convert + ["--dtype", "bf16", "--allow", "lossy", "--no-manifest"], 0.8),
        "cut anew, with hashes": (convert + ["--max-shard-size", "1GB"], 1.6),
        "cut anew, with hashes, all cores": (plainly + ["--quiet", "--max-shard-size", "1GB"], None),
    }


def measure(report, graft, folder, gib, environment):
    model, output = folder / "model", folder / "output"
    make(model, gib)
    cases = copies(graft, model, output, gib)
    compare(report, f"{gib:g} GiB", model, output, cases, 1 if gib > 4 else 5, environment)
    shutil.rmtree(model)


def compare(report, size, model, output, cases, count, environment):
    def run(arguments):
        start = time.monotonic()
        seconds, peak = command(arguments, **environment)
        elapsed = time.monotonic() - start
        shutil.rmtree(output)
        return seconds, peak, elapsed

    tasks = {name: lambda arguments=arguments: run(arguments) for name, (arguments, _) in cases.items()}
    tasks["cp"] = lambda: run(["cp", "--reflink=never", "-r", str(model), str(output)])
    results = rounds(count, tasks)
    for name, (_, goal) in cases.items():
        times = [own[0] / cp[0] for own, cp in zip(results[name], results["cp"])]
        report.add(row(f"{size}, {name}, over cp", times, goal, "at most"))
        if "hashes" in name:
            elapsed = [own[2] / cp[2] for own, cp in zip(results[name], results["cp"])]
            report.add(row(f"{size}, {name}, over cp by the clock", elapsed, None))
        report.add(row(f"{size}, {name}, peak memory", [peak for _, peak, _ in results[name]], 64, "at most", "MiB"))


def regrouping(report, graft, bench, folder, environment):
    """Projections of queries, keys, values and gates, interleaved by head on one side and not on the other."""
    sizes = {"hidden_size": 2048, "num_hidden_layers": 8, "num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 512,
             "shared_expert_intermediate_size": 512, "linear_num_key_heads": 32, "linear_num_value_heads": 64,
             "linear_key_head_dim": 128, "linear_value_head_dim": 128, "vocab_size": 32000, "full_attention_interval": 8}
    template = json.loads(Path("fixtures/huggingface/qwen3_next/bf16/config.json").read_text())
    model, output = models.make(bench, "qwen3_next", template | sizes, folder / "regrouped"), folder / "output"
    cases = {"regrouped": ([graft, "convert", str(model), str(output), *QUIETLY, "--to", "qwen3_5_moe", "--no-manifest"], 1.3)}
    compare(report, f"{sum(f.stat().st_size for f in model.iterdir()) / 2**30:.1f} GiB", model, output, cases, 5, environment)
    shutil.rmtree(model)


def splice(report, graft, bench, folder, gib, environment):
    """One layer of a large model in shards, of which the others are linked; the function gap is that of one token."""
    output, token = folder / "output", folder / "token.txt"
    token.write_text("1")
    config = models.paper_400m()
    config = config | {"vocab_size": int(gib * 2**30 / 4 / HIDDEN), "num_layers": 2, "mlp_blocks": config["mlp_blocks"][:2],
                       "sequence_mixer_blocks": config["sequence_mixer_blocks"][:2]}
    model = models.make(bench, "lm-engine", config, folder / "model")
    sharded = folder / "sharded"
    command([graft, "convert", str(model), str(sharded), "--quiet", "--max-shard-size", "1GB", "--no-manifest"], **environment)
    shutil.rmtree(model)
    times = []
    for _ in range(3):
        start = time.monotonic()
        command([graft, "splice", str(sharded), str(output), "--layer", "0", "--tokens", str(token), "--quiet", "--no-manifest"])
        times.append(time.monotonic() - start)
        shutil.rmtree(output)
    report.add(row(f"splice of one layer of {gib:g} GiB, gap of one token, wall time", times, 2, "at most", "s"))


def unsynchronised(folder):
    """The environment in which fsync does nothing, where there is a compiler for that."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        return {}
    library = folder / "unsynchronised.so"
    source = "int fsync(int f) { return 0; } int fdatasync(int f) { return 0; }"
    subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)], input=source, text=True, check=True)
    return {"LD_PRELOAD": str(library)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft", type=os.path.abspath)
    parser.add_argument("bench", type=os.path.abspath)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sizes", nargs="+", type=float)
    parser.add_argument("--json")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    folder = options.folder.resolve()
    environment = unsynchronised(folder)
    report = Report("Conversion against cp", {"fsync": "off" if environment else "on", "threads": 1})
    regrouping(report, options.graft, options.bench, folder, environment)
    for gib in options.sizes:
        measure(report, options.graft, folder, gib, environment)
    splice(report, options.graft, options.bench, folder, max(options.sizes), environment)
    shutil.rmtree(folder)
    if options.json:
        report.save(options.json)


if __name__ == "__main__":
    main()
