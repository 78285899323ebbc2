#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Megatron-Core loads what Graft writes, Graft reads what Megatron-Core wrote; prints a table.

    python scripts/megatron-core.py GRAFT REFERENCES [--megatron CHECKOUT]

Each reference is a directory NAME that Megatron wrote, mostly beside NAME.hf with the same model in the form of the hub and
its logits. For each of them
    to the hub      graft convert, then graft verify against the logits, or against NAME where there are none
    from the hub    graft convert of NAME.hf; Megatron loads every tensor and object that it saved itself, and they are equal
    there and back  Megatron loads what graft made of NAME over the form of the hub, and its tensors are those of NAME,
                    bit by bit and in their types
The second and third are asked of megatron-core 0.16.1, and of the checkout where one is given. Rows that pad the vocabulary
hold arbitrary numbers and are left out. Needs the packages torch and megatron-core 0.16.1, no GPU.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

# Values of a norm that Megatron stores less one cannot all be computed back in F32.
ROUNDED = ("out_norm.weight", 1.2e-7)
ROWS = ("embedding.word_embeddings.weight", "output_layer.weight")
HUB = ("qwen3_5_moe", "qwen3_5", "qwen3_next")
BESIDE = ("optimizer.", "chained_", "rng_state", "rerun_state", "common_state")


def iteration(path):
    """The directory of the newest iteration."""
    tracker = Path(path) / "latest_checkpointed_iteration.txt"
    if not tracker.exists():
        return Path(path)
    text = tracker.read_text().strip()
    return path / (text if text == "release" else f"iter_{int(text):07d}")


# With Megatron: a process of its own for each version.


def stored(path):
    """Everything that a directory says it holds, by key."""
    with open(iteration(path) / ".metadata", "rb") as file:
        return pickle.load(file).state_dict_metadata


def is_tensor(value):
    return type(value).__name__ == "TensorStorageMetadata"


def read(path):
    """The tensors of the model in a directory, by torch alone: 0.16.1 cannot load all that later versions save."""
    import torch
    from torch.distributed import checkpoint

    tensors = {key: torch.empty(value.size, dtype=value.properties.dtype)
               for key, value in stored(path).items() if is_tensor(value) and not key.startswith(BESIDE)}
    checkpoint.load(tensors, storage_reader=checkpoint.FileSystemReader(str(iteration(path))), no_dist=True)
    return tensors


def load(reference, path):
    """What Megatron finds at a path for everything that it saved at another, by its own loader with its own strictness."""
    import torch
    from megatron.core import dist_checkpointing
    from megatron.core.dist_checkpointing import ShardedObject, ShardedTensor

    wanted, found = {}, stored(path)
    for key, value in stored(reference).items():
        if key.startswith(BESIDE):
            continue
        if is_tensor(value):
            size = [found[key].size[0]] + list(value.size[1:]) if key in ROWS else value.size
            type = found[key].properties.dtype if key in found else value.properties.dtype
            wanted[key] = ShardedTensor.from_rank_offsets(key, torch.zeros(size, dtype=type))
        else:
            name, shard = key.rsplit("/shard_", 1)
            index, count = map(int, shard.split("_"))
            wanted[key] = ShardedObject(name, None, (count,), (index,))
    loaded = dist_checkpointing.load(wanted, str(iteration(path)))
    return {key: value for key, value in loaded.items() if torch.is_tensor(value)}


def compare(reference, path, rounds):
    """How many tensors Megatron finds equal, norms that are stored less one to within a rounding where that is allowed;
    raises what differs."""
    before, after = read(reference), load(reference, path)
    for key, value in before.items():
        other = after[key]
        if key in ROWS:
            rows = min(len(value), len(other))
            value, other = value[:rows], other[:rows]
        limit = ROUNDED[1] if rounds and key.endswith(ROUNDED[0]) else 0
        distance = (value.float() - other.float()).abs().max().item() if value.numel() else 0
        if value.dtype != other.dtype and not limit or value.shape != other.shape or distance > limit:
            raise ValueError(f"{key}: {tuple(value.shape)} of {value.dtype} and {tuple(other.shape)} of {other.dtype}, "
                             f"{distance:.2g} apart")
    return len(before)


def child():
    """Compares the pairs of directories that standard input names; prints a line for each."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import torch
    import megatron.core

    with tempfile.TemporaryDirectory() as folder:
        torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=0, world_size=1)
        for line in json.load(sys.stdin):
            try:
                result = [True, f"{compare(Path(line[0]), Path(line[1]), line[2])} tensors, {megatron.core.__version__}"]
            except Exception as error:
                result = [False, f"{type(error).__name__}: {error}"]
            print(json.dumps(result), flush=True)


# With Graft.


class Shop:
    def __init__(self, graft, folder, checkout):
        self.graft, self.folder, self.number = graft, folder, 0
        self.versions = {"0.16.1": {}}
        if checkout:
            self.versions["checkout"] = {"PYTHONPATH": checkout}

    def run(self, *words, **environment):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                              env={**os.environ, **environment})
        if done.returncode:
            raise RuntimeError(" ".join((done.stderr or done.stdout).split())[-300:] or "no words")
        return done.stdout

    def convert(self, source, *options):
        self.number += 1
        target = Path(self.folder) / str(self.number)
        self.run(self.graft, "convert", source, target, "-q", *options)
        return target

    def megatron(self, version, pairs):
        """What Megatron says of pairs of directories, in one process."""
        done = subprocess.run([sys.executable, __file__, "--child"], input=json.dumps(pairs), capture_output=True,
                              text=True, env={**os.environ, **self.versions[version]})
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        return lines + [[False, " ".join(done.stderr.split())[-300:]]] * (len(pairs) - len(lines))

    def inspect(self, path, key):
        return json.loads(self.run(self.graft, "inspect", path, "--json"))[key]

    def to_hub(self, reference):
        """What Graft makes of a reference for the hub; raises where its logits or tensors are others."""
        hub = reference.with_name(reference.name + ".hf")
        layouts = [self.inspect(hub, "layout")] if hub.exists() else HUB
        for layout in layouts:
            try:
                made = self.convert(reference, "--to", layout)
                break
            except RuntimeError:
                if layout == layouts[-1]:
                    raise
        other = ["--reference", hub / "reference.safetensors", "--gate", "f32"] if hub.exists() else [reference]
        self.run(self.graft, "verify", made, *other)
        return made, "logits within the gate f32" if hub.exists() else "the same as before"

    def check(self, reference):
        """The rows of the table for one reference that need no Megatron, and the pairs to compare with it."""
        rows, pairs = [], []
        hub = reference.with_name(reference.name + ".hf")
        try:
            made, words = self.to_hub(reference)
            rows.append(("to the hub", True, words))
            options = ["--to", self.inspect(reference, "layout")]
            if hub.exists():
                pairs.append(("from the hub", str(reference), str(self.convert(hub, *options)), True))
            pairs.append(("there and back", str(reference), str(self.convert(made, *options)), False))
        except (RuntimeError, KeyError) as error:
            rows.append(("Graft", False, str(error)))
        return rows, pairs


def main():
    if sys.argv[1:2] == ["--child"]:
        return child()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graft")
    parser.add_argument("references", type=Path)
    parser.add_argument("--megatron", help="a checkout of Megatron-LM")
    options = parser.parse_args()
    names = sorted(path for path in options.references.glob("*") if (iteration(path) / ".metadata").exists())
    if not names:
        raise SystemExit(f"no directories that Megatron wrote in {options.references}")
    rows, pairs = [], []
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(options.graft, folder, options.megatron)
        for reference in names:
            (own, more) = shop.check(reference)
            rows += [(reference.name, *row) for row in own]
            pairs += [(reference.name, *pair) for pair in more]
        for version in shop.versions:
            results = shop.megatron(version, [pair[2:] for pair in pairs])
            rows += [(pair[0], f"{pair[1]}, {version}", *result) for pair, result in zip(pairs, results)]
    print("| reference | direction | result |\n|---|---|---|")
    for name, direction, passed, words in sorted(rows, key=lambda row: row[0]):
        print(f"| {name} | {direction} | {words if passed else 'FAILED: ' + words} |")
    sys.exit(not all(row[2] for row in rows))


if __name__ == "__main__":
    main()
