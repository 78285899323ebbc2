#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares conversions with cp, in processor time and peak memory: bench-conversion.py GRAFT FOLDER GIB [GIB ...]

A model of an embedding, a head and no layers, with random bytes, is cut anew, cast and cut anew with hashes; cp copies the
same files in the same round. Needs twice the largest size on the disk of FOLDER.
"""

import json
import os
import shutil
import statistics
import struct
import sys
from pathlib import Path

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


def run(command):
    """Seconds of processor time and peak memory in MiB of a command."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execvp(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"failed: {command}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(graft, folder, gib):
    model, output = folder / "model", folder / "output"
    make(model, gib)
    convert = [graft, "convert", str(model), str(output), "--quiet"]
    cases = {
        "cp": ["cp", "--reflink=never", "-r", str(model), str(output)],
        "cut anew": convert + ["--max-shard-size", "1GB", "--no-manifest"],
        "F32 to BF16": convert + ["--dtype", "bf16", "--allow", "lossy", "--no-manifest"],
        "cut anew, with hashes": convert + ["--max-shard-size", "1GB"],
    }
    times, peaks = {name: [] for name in cases}, {name: 0.0 for name in cases}
    for _ in range(1 if gib > 4 else 5):
        for name, command in cases.items():
            seconds, peak = run(command)
            times[name].append(seconds)
            peaks[name] = max(peaks[name], peak)
            shutil.rmtree(output)
    shutil.rmtree(model)
    for name in cases:
        ratios = [a / b for a, b in zip(times[name], times["cp"])]
        print(f"| {gib:g} GiB, {name} | {statistics.median(ratios):.2f} | {statistics.median(times[name]):.2f} s | {peaks[name]:.0f} MiB |")


def main():
    graft, folder = sys.argv[1], Path(sys.argv[2])
    print("| conversion | × cp, processor time | processor time | peak memory |\n|---|---|---|---|")
    for gib in map(float, sys.argv[3:]):
        shutil.rmtree(folder, ignore_errors=True)
        measure(os.path.abspath(graft), folder, gib)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
