#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Megatron-Core loads what Graft writes, Graft reads what Megatron-Core wrote; prints a table.

    python scripts/megatron-core.py GRAFT REFERENCES [--megatron CHECKOUT]

Each reference is a directory NAME that Megatron wrote, mostly beside NAME.hf with the same model in the form of the hub and
its logits. For each of them
    to the hub      graft convert, then graft verify against the logits, or against NAME where there are none
    from the hub    graft convert of NAME.hf; Megatron loads every tensor and object that it saved itself, and they are equal
    there and back  Megatron loads what graft made of NAME over the form of the hub, and its tensors are those of NAME
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


def load(reference, path):
    """What Megatron finds at a path for everything that it saved at another, by its own loader with its own strictness."""
    import torch
    from megatron.core import dist_checkpointing
    from megatron.core.dist_checkpointing import ShardedObject, ShardedTensor

    with open(iteration(reference) / ".metadata", "rb") as file:
        metadata = pickle.load(file)
    wanted = {}
    for key, value in metadata.state_dict_metadata.items():
        if key.startswith(BESIDE):
            continue
        if type(value).__name__ == "TensorStorageMetadata":
            size = [rows_of(path, key)] + list(value.size[1:]) if key in ROWS else value.size
            wanted[key] = ShardedTensor.from_rank_offsets(key, torch.zeros(size, dtype=value.properties.dtype))
        else:
            name, shard = key.rsplit("/shard_", 1)
            index, count = map(int, shard.split("_"))
            wanted[key] = ShardedObject(name, None, (count,), (index,))
    found = dist_checkpointing.load(wanted, str(iteration(path)))
    return {key: value for key, value in found.items() if torch.is_tensor(value)}


def rows_of(path, key):
    with open(iteration(path) / ".metadata", "rb") as file:
        return pickle.load(file).state_dict_metadata[key].size[0]


def compare(reference, path):
    """How many tensors Megatron finds equal; raises what differs."""
    import torch

    before, after = load(reference, reference), load(reference, path)
    for key, value in before.items():
        other = after[key]
        if key in ROWS:
            rows = min(len(value), len(other))
            value, other = value[:rows], other[:rows]
        limit = ROUNDED[1] if key.endswith(ROUNDED[0]) else 0
        distance = (value.float() - other.float()).abs().max().item() if value.numel() else 0
        if value.dtype != other.dtype and not limit or value.shape != other.shape or distance > limit:
            raise SystemExit(f"{key}: {tuple(value.shape)} and {tuple(other.shape)}, {distance:.2g} apart")
    return len(before)


def child(reference, path):
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import torch
    import megatron.core

    port = 20000 + os.getpid() % 20000
    torch.distributed.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=0, world_size=1)
    print(compare(Path(reference), Path(path)), "tensors,", megatron.core.__version__)


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
            raise RuntimeError((done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no words"])
        return done.stdout

    def convert(self, source, *options):
        self.number += 1
        target = Path(self.folder) / str(self.number)
        self.run(self.graft, "convert", source, target, "-q", *options)
        return target

    def megatron(self, version, reference, path):
        words = self.run(sys.executable, __file__, "--child", reference, path, **self.versions[version])
        return words.strip().splitlines()[-1]

    def inspect(self, path, key):
        return json.loads(self.run(self.graft, "inspect", path, "--json"))[key]

    def check(self, reference):
        """The rows of the table for one reference."""
        hub = reference.with_name(reference.name + ".hf")
        made = {}

        def to_hub():
            layouts = [self.inspect(hub, "layout")] if hub.exists() else HUB
            for layout in layouts:
                try:
                    made["hub"] = self.convert(reference, "--to", layout)
                    break
                except RuntimeError:
                    if layout == layouts[-1]:
                        raise
            other = ["--reference", hub / "reference.safetensors", "--gate", "f32"] if hub.exists() else [reference]
            self.run(self.graft, "verify", made["hub"], *other)
            return "logits within the gate f32" if hub.exists() else "the same as before"

        yield "to the hub", to_hub
        options = ["--to", self.inspect(reference, "layout")]
        for version in self.versions:
            def from_hub(version=version):
                return self.megatron(version, reference, self.convert(hub, *options))

            def and_back(version=version):
                return self.megatron(version, reference, self.convert(made["hub"], *options))

            if hub.exists():
                yield f"from the hub, {version}", from_hub
            yield f"there and back, {version}", and_back


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graft")
    parser.add_argument("references", type=Path)
    parser.add_argument("--megatron", help="a checkout of Megatron-LM")
    options = parser.parse_args()
    names = sorted(path for path in options.references.glob("*") if (iteration(path) / ".metadata").exists())
    if not names:
        raise SystemExit(f"no directories that Megatron wrote in {options.references}")
    failed = False
    print("| reference | direction | result |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(options.graft, folder, options.megatron)
        for reference in names:
            try:
                steps = list(shop.check(reference))
            except RuntimeError as error:
                steps = [("inspect", lambda error=error: (_ for _ in ()).throw(error))]
            for name, step in steps:
                try:
                    result = step()
                except (RuntimeError, KeyError) as error:
                    result, failed = f"FAILED: {error}", True
                print(f"| {reference.name} | {name} | {result} |", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
