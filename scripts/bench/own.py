#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times Graft against what the machine can do: own.py GRAFT GRAFT_BENCH FOLDER [--large]. One thread, processor time, medians.

Writes models of about 3 GB into FOLDER, with --large 26 GB more, and leaves them there for the next run.
"""

import argparse
import shutil
import statistics
import struct
import subprocess
import time
from pathlib import Path

import models
import sparse
from measure import Report, Serving, command, ratios, row, rounds

TENSORS = 300_000


def products(report, serving):
    """Products of matrices against the inner loop alone, and stored types against F32."""
    names = {"peak": 10}
    for m, k, n in ((512, 1024, 1024), (512, 1024, 4096), (128, 1024, 4096), (512, 4096, 1024)):
        for kind in ("f32", "bf16"):
            names[f"gemm {kind} {m} {k} {n} 1"] = 2e-9 * m * k * n
    times = rounds(9, {name: lambda name=name: serving.time(name) for name in names})
    peaks = [names["peak"] / time for time in times["peak"]]
    for name, work in names.items():
        if name.startswith("gemm f32"):
            shares = [work / time / peak for time, peak in zip(times[name], peaks)]
            report.add(row(f"{name[:-2]}, share of the peak", shares, 0.75))
            other = name.replace("f32", "bf16")
            report.add(row(f"{other[:-2]}, against F32", ratios(times, name, other), 0.97))


def decoding(report, serving, path, size):
    """Bytes that a token reads, over the rate of plain reading."""
    tasks = {name: lambda name=name: serving.time(name) for name in ("read 512 1", f"decode {path} 8 1", f"decode {path} 24 1")}
    times = rounds(9, tasks)
    read = [512 * 2**20 / time for time in times["read 512 1"]]
    tokens = [(b - a) / 16 for a, b in zip(times[f"decode {path} 8 1"], times[f"decode {path} 24 1"])]
    report.add(row(f"decode, {path.name}, bytes touched over plain reading", [size / t / r for t, r in zip(tokens, read)], 0.9))


def replacement(report, serving, plain, changed):
    """What an M²RNN layer in place of one GDN layer costs."""
    tasks = {path.name: lambda path=path: serving.time(f"prefill {path} 512 1") for path in (plain, changed)}
    times = rounds(9, tasks)
    report.add(row(f"prefill of 512 tokens, {changed.name} over {plain.name}", ratios(times, changed.name, plain.name), 1.05, "at most"))
    print(f"  {512 / statistics.median(times[plain.name]):.0f} and {512 / statistics.median(times[changed.name]):.0f} tokens/s", flush=True)


def choosing(report, serving, folder):
    """Attention to chosen blocks against attention to everything: whole layers, and what grows with the context alone."""
    chosen, dense = (models.make(BENCH, "qwen4_exp", models.choosing(budget), folder / f"budget-{budget}") for budget in (512, 8192))
    tasks = {"chosen": f"prefill {chosen} 4096 1", "dense": f"prefill {dense} 4096 1", "short": f"prefill {dense} 512 1"}
    times = rounds(5, {name: lambda task=task: serving.time(task) for name, task in tasks.items()})
    report.add(row("prefill of 4096 tokens, a layer of attention to chosen blocks over its dense form", ratios(times, "dense", "chosen"), 2.0))
    beyond = {name: [a - 8 * b for a, b in zip(times[name], times["short"])] for name in ("chosen", "dense")}
    report.add(row("the same beyond eight prompts of 512 tokens", ratios(beyond, "dense", "chosen"), 2.0))


def headers(report, graft, folder):
    """Start, and a model of many tensors of one value each."""
    start = [1e3 * command([graft, "--version"])[0] for _ in range(21)]
    report.add(row("start, graft --version", start, 4, "at most", "ms"))
    small = "fixtures/trained/pytiny"
    report.add(row(f"inspect {small}", [1e3 * command([graft, "inspect", small])[0] for _ in range(21)], 7, "at most", "ms"))
    path = models.many(BENCH, TENSORS, folder / "many")
    times = [command([graft, "inspect", str(path)])[0] for _ in range(9)]
    report.add(row(f"inspect, {TENSORS} tensors", times, 0.5, "at most", "s"))
    path, count = sparse.fp8(folder / "fp8", 48)
    times = [command([graft, "inspect", str(path)])[0] for _ in range(9)]
    report.add(row(f"inspect, Qwen3-Next-80B in FP8, {count} tensors", times, 0.6, "at most", "s"))


def building(report, folder):
    """A release build from nothing on all cores; what is downloaded for it is there before."""
    scratch = str(folder / "build")
    shutil.rmtree(scratch, ignore_errors=True)
    swift = ["--quiet", "--scratch-path", scratch]
    subprocess.run(["swift", "package", *swift, "resolve"], check=True, stdout=subprocess.DEVNULL)
    start = time.monotonic()
    subprocess.run(["swift", "build", *swift, "-c", "release", "--product", "graft"], check=True, stdout=subprocess.DEVNULL)
    report.add(row("clean release build, elapsed", [time.monotonic() - start], 120, "at most", "s"))
    shutil.rmtree(scratch)


def resident(path):
    with open(path / "model.safetensors", "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
    return (path / "model.safetensors").stat().st_size - 8 - length


def main():
    global BENCH
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft")
    parser.add_argument("bench")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--large", action="store_true", help="the 7B mixture of experts and a clean build too")
    parser.add_argument("--json")
    options = parser.parse_args()
    BENCH, folder = options.bench, options.folder
    folder.mkdir(parents=True, exist_ok=True)
    report = Report("Graft against the machine", {"threads": 1})
    serving = Serving(BENCH)
    headers(report, options.graft, folder)
    products(report, serving)
    qwen = models.make(BENCH, "qwen3_5", models.qwen(), folder / "qwen3_5-432m")
    decoding(report, serving, qwen, resident(qwen))
    small = [models.make(BENCH, "lm-engine", models.paper_400m(changed), folder / name)
             for changed, name in ((False, "paper-400m"), (True, "paper-400m-1l"))]
    replacement(report, serving, *small)
    choosing(report, serving, folder)
    if options.large:
        large = [models.make(BENCH, "lm-engine", models.paper_7b(changed), folder / name)
                 for changed, name in ((False, "paper-7b"), (True, "paper-7b-1l"))]
        replacement(report, serving, *large)
        building(report, folder)
    serving.close()
    if options.json:
        report.save(options.json)


if __name__ == "__main__":
    main()
