#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how time and memory grow and draws it: growth.py GRAFT GRAFT_BENCH FOLDER PICTURE [--gib 0.1 1].

Small models, so that lengths and not sizes are seen; processor time of one thread, the lowest of three rounds.
The largest conversion needs twice its size on the disk of FOLDER.
"""

import argparse
import json
import shutil
from pathlib import Path

import conversion
import models
import picture
import sparse
from measure import Serving, command

LENGTHS = [128 << i for i in range(9)]


class Curves:
    def __init__(self, options):
        self.graft, self.bench, self.folder, self.panels = options.graft, options.bench, options.folder, []

    def add(self, title, across, up, points):
        self.panels.append((title, across, up, points))
        print(f"| {title}, {up} | " + ", ".join(f"{picture.short(a)}: {b:.3g}" for a, b in points) + " |", flush=True)

    def model(self, name, **changes):
        return models.make(self.bench, "qwen3_5", models.tiny(**changes), self.folder / name)

    def lowest(self, task):
        serving = Serving(self.bench)
        serving.time(task)
        seconds = min(serving.time(task) for _ in range(3))
        peak = serving.peak()
        serving.close()
        return seconds, peak

    def lengths(self):
        path = self.model("tiny")
        found = [(length, *self.lowest(f"prefill {path} {length} 1")) for length in LENGTHS]
        self.add("prefill", "tokens", "seconds", [(a, b) for a, b, _ in found])
        self.add("prefill, memory of the process", "tokens", "MiB", [(a, c) for a, _, c in found])

    def sizes(self):
        for what, counts in (("gdn", (1, 2, 4, 8, 16, 32)), ("m2rnn", (4, 8, 16, 32, 64, 128))):
            shape = "128 128 1024" if what == "gdn" else "64 16 1024"
            self.add({"gdn": "gated delta rule", "m2rnn": "M²RNN"}[what], "heads", "seconds",
                     [(count, self.lowest(f"{what} {count} {shape}")[0]) for count in counts])
        self.add("prefill of 256 tokens, depth", "layers", "seconds", [
            (count, self.lowest(f"prefill {self.model(f'layers-{count}', num_hidden_layers=count)} 256 1")[0]) for count in (4, 8, 16, 32, 64)])
        self.add("prefill of 256 tokens, experts", "experts, 2 per token", "seconds", [
            (count, self.lowest(f"prefill {self.experts(count)} 256 1")[0]) for count in (4, 16, 64, 256)])

    def experts(self, count):
        template = json.loads(Path("fixtures/huggingface/qwen3_next/bf16/config.json").read_text())
        sizes = {"num_experts": count, "num_experts_per_tok": 2, "hidden_size": 128, "moe_intermediate_size": 64,
                 "shared_expert_intermediate_size": 64}
        return models.make(self.bench, "qwen3_next", template | sizes, self.folder / f"experts-{count}")

    def headers(self):
        points = []
        for count in (30, 300, 3000, 30_000, 300_000):
            path = models.many(self.bench, count, self.folder / f"many-{count}")
            points.append((count, min(command([self.graft, "inspect", str(path)])[0] for _ in range(5))))
        self.add("inspect", "tensors", "seconds", points)

    def quantised(self):
        """Plans of sparse FP8 checkpoints of the shape of Qwen3-Next, whose config lists modules."""
        points, spliced = [], []
        for layers in (1, 6, 24, 96):
            path, count = sparse.fp8(self.folder / f"fp8-{layers}", layers)
            output = str(self.folder / "output")
            points.append((count, min(command([self.graft, "convert", str(path), "--explain", "--quiet"])[0] for _ in range(3))))
            splice = [self.graft, "splice", str(path), output, "--dry-run", "--layer", "0", "--init", "zero", "--quiet"]
            spliced.append((count, min(command(splice)[0] for _ in range(3))))
        self.add("convert --explain, FP8", "tensors", "seconds", points)
        self.add("splice --dry-run, FP8", "tensors", "seconds", spliced)

    def tensors(self):
        points = []
        output = self.folder / "output"
        for count in (3000, 30_000, 300_000):
            path = models.many(self.bench, count, self.folder / f"many-{count}")
            arguments = [self.graft, "convert", str(path), str(output), "--quiet", "--no-manifest", "-j", "1"]
            points.append((count, command(arguments)[0]))
            shutil.rmtree(output)
        self.add("convert", "tensors", "seconds", points)

    def conversions(self, sizes):
        points = []
        model, output = self.folder / "model", self.folder / "output"
        for gib in sizes:
            conversion.make(model, gib)
            arguments = [self.graft, "convert", str(model), str(output), "--quiet", "--no-manifest", "--max-shard-size", "1GB"]
            seconds = []
            for _ in range(1 if gib > 4 else 3):
                seconds.append(command(arguments)[0])
                shutil.rmtree(output)
            points.append((gib, min(seconds)))
            shutil.rmtree(model)
        self.add("convert, cut anew", "GiB", "seconds", points)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft")
    parser.add_argument("bench")
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture")
    parser.add_argument("--gib", nargs="*", type=float, default=[0.1, 0.5, 2, 4, 16])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    curves = Curves(options)
    curves.lengths()
    curves.sizes()
    curves.headers()
    curves.quantised()
    curves.tensors()
    if options.gib:
        curves.conversions(options.gib)
    picture.write(options.picture, curves.panels)


if __name__ == "__main__":
    main()
