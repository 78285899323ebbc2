#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what `graft splice --init calibrate` needs at real layer sizes: calibrate.py GRAFT GRAFT_BENCH FOLDER [--sizes 1024x16].

Two Qwen3-Next layers of that hidden size and number of value heads of 128, random weights, a vocabulary of bytes; fitted on 65 536
bytes of this repository's Python files with the default options. The error of the layer is that on held-out sequences.
"""

import argparse
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import models

BYTES = 65536


def config(hidden, heads):
    """Layers of Gated DeltaNet with 16 key heads and small MLPs, which the fit only reads through."""
    template = json.loads(Path("fixtures/huggingface/qwen3_next/bf16/config.json").read_text())
    return template | {
        "hidden_size": hidden, "num_hidden_layers": 2, "full_attention_interval": 4, "mlp_only_layers": [0, 1],
        "intermediate_size": 256, "vocab_size": 256, "max_position_embeddings": 4096, "linear_num_key_heads": 16,
        "linear_key_head_dim": 128, "linear_num_value_heads": heads, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
    }


def tokens(folder):
    """The first bytes of the Python files, in the order of their names."""
    sources = sorted(Path("fixtures/scripts").glob("*.py")) + sorted(Path("formats/code").rglob("*.py")) + sorted(Path("scripts").rglob("*.py"))
    path = folder / "python.bin"
    path.write_bytes(b"".join(source.read_bytes() for source in sources)[:BYTES])
    return path


def measured(arguments):
    """The printed document, and seconds on the clock and of processor, and MiB of a command."""
    start = time.monotonic()
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(arguments)}")
    return json.loads(text), time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def report(document):
    """What fitting the layer found, wherever the document says it."""
    if isinstance(document, dict) and "relative_error_closed_form" in document:
        return document
    parts = document.values() if isinstance(document, dict) else document if isinstance(document, list) else []
    return next((found for found in map(report, parts) if found), None)


def fit(graft, bench, folder, hidden, heads, steps):
    source = models.make(bench, "qwen3_next", config(hidden, heads), folder / f"calibrate-{hidden}x{heads}")
    output = folder / f"calibrate-{hidden}x{heads}-fitted"
    shutil.rmtree(output, ignore_errors=True)
    options = [] if steps is None else ["--steps", str(steps)]
    found, wall, processor, memory = measured(
        [graft, "splice", str(source), str(output), "--layer", "0", "--init", "calibrate", "--tokens", str(tokens(folder)), "--bytes",
         "--no-manifest", "--json", "--no-progress", *options])
    shutil.rmtree(output)
    return found, wall, processor, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft")
    parser.add_argument("bench")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["1024x16", "2048x16", "2048x32"], help="hidden size x value heads")
    parser.add_argument("--steps", type=int, help="of optimisation; as `graft splice` has them by default")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| hidden × value heads | minutes | of processor | MiB | steps | error before | after the closed form | in the end |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for size in options.sizes:
        found, wall, processor, memory = fit(options.graft, options.bench, options.folder, *map(int, size.split("x")), options.steps)
        fitted = report(found)
        errors = " | ".join(f"{fitted[key]:.3g}" for key in ("relative_error_before", "relative_error_closed_form", "relative_error"))
        print(f"| {size} | {wall / 60:.1f} | {processor / 60:.1f} | {memory:.0f} | {fitted['steps']} | {errors} |", flush=True)


if __name__ == "__main__":
    main()
