#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Graft writes is loaded and run by other programs, what they write is read by Graft; prints a table.

    python scripts/interop.py GRAFT [--lm-engine CHECKOUT] [--report docs/interop.md]

Run it with the python of an environment that holds the programs; fixtures/scripts/README.md says how to make one. A
program that is not there is named in the table; anything that fails makes the exit code 1.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES, SCRIPTS = ROOT / "fixtures", ROOT / "fixtures/scripts"
READS, WRITES = "reads what Graft writes", "writes what Graft reads"
PACKAGES = {
    "transformers": "transformers",
    "mlx-lm": "mlx-lm",
    "mlx": "mlx",
    "torch": "torch",
    "triton": "triton",
    "numpy": "numpy",
    "gguf-py": "gguf",
    "llama.cpp": "xllamacpp",
    "flash-linear-attention": "flash-linear-attention",
}


@dataclass
class Case:
    """A fixture that Graft converts or splices, and the script with which a program tries the result."""

    program: str
    source: str
    graft: tuple  # a verb and options that come after source and target
    script: str
    options: tuple = ()
    layout: tuple = ()  # a conversion that comes before

    def run(self, shop):
        source, target = FIXTURES / self.source, shop.place()
        reference = source / "reference.safetensors"
        verb, *options = self.graft
        if self.layout:
            converted = shop.place()
            shop.graft("convert", source, converted, *self.layout)
            source = converted
        done = shop.graft(verb, source, target, *options)
        if done.returncode == 0 and verb == "splice":  # another function: what Graft computes is the reference
            tokens, reference = reference, shop.place()
            done = shop.graft("logits", target, "--tokens", tokens, "--output", reference)
        if done.returncode == 0:
            done = shop.python(SCRIPTS / self.script, target, reference, *self.options)
        said = [self.source, *(["convert", *self.layout, "then"] if self.layout else []), *self.graft]
        shop.add(self.program, READS, " ".join(map(str, said)).replace(" ", ", ", 1), done)


@dataclass
class Composed:
    """A text-only copy of a fixture that gets back what it lost, and the class that loads all of it."""

    program: str
    source: str
    form: str

    def run(self, shop):
        source, copy, target = FIXTURES / self.source, shop.place(), shop.place()
        reference = source / "reference.safetensors"
        done = shop.graft("convert", source, copy, "--form", self.form, "--allow", "vision", "--mtp", "drop")
        if done.returncode == 0:
            done = shop.graft("compose", copy, source, target)
        if done.returncode == 0:
            done = shop.python(SCRIPTS / "check_transformers_load.py", target, reference, "--auto", "image-text")
        shop.add(self.program, READS, f"{self.source}, {self.form}, compose", done)


@dataclass
class Claimed:
    """A sentence of a layout file that a program loads its checkpoints as they are."""

    layout: str
    program: str
    form: str

    def run(self, shop):
        known = HELD.get((self.layout, self.program, self.form)) or HELD.get((self.layout, self.program, ""))
        if known is None:
            return shop.add(self.program, READS, f"{self.layout} {self.form}".strip(), Nothing("no case holds it"))
        source, options, script, *others = known
        if script == LLAMA and importlib.util.find_spec("llama_cpp") is None:
            return shop.skip(self.program, "not tried: llama-cpp-python is not installed")
        if self.program == "lm-engine":
            others = ["--lm-engine", shop.options.lm_engine]
        target = shop.place()
        form = ("--form", self.form) if self.form else ()
        done = shop.graft("convert", FIXTURES / source, target, "--to", self.layout, *form, *options)
        if done.returncode == 0:
            said = json.loads(shop.graft("inspect", target, "--json").stdout)["uses"]["loads_in"]
            if self.program not in [one["program"] for one in said]:
                done = Nothing(f"inspect does not say that {self.program} loads it")
            else:
                done = shop.python(SCRIPTS / script, target, FIXTURES / source / "reference.safetensors", *others)
        shop.add(self.program, READS, f"{self.layout} {self.form}".strip() + ", as inspect says", done)


@dataclass
class Nothing:
    """What stands for a run that there was not."""

    stderr: str
    stdout: str = ""
    returncode: int = 1


LOAD, MLX, LLAMA, FLA = "check_transformers_load.py", "check_mlx_load.py", "check_llama_load.py", "check_fla_load.py"
WIDE = ("--dtype", "f32", "--allow", "lossy")
SEEN = ("--auto", "image-text")
# The fixture that holds what a layout file says, the options of convert, the script and its options.
HELD = {
    ("qwen3_next", "transformers", ""): ("huggingface/qwen3_next/bf16", (), LOAD),
    ("qwen3_5", "transformers", "text"): ("huggingface/qwen3_5/text-bf16", (), LOAD),
    ("qwen3_5", "transformers", "multimodal"): ("huggingface/qwen3_5/multimodal-mixed", (), LOAD, *SEEN),
    ("qwen3_5_moe", "transformers", "text, experts fused"): ("huggingface/qwen3_5_moe/text-f32", (), LOAD),
    ("qwen3_5_moe", "transformers", "text, experts apart"): ("huggingface/qwen3_5_moe/text-f32", (), LOAD),
    ("qwen3_5_moe", "transformers", "multimodal, experts fused"): ("huggingface/qwen3_5_moe/multimodal-fused-mixed", (), LOAD, *SEEN),
    ("olmo_hybrid", "transformers", ""): ("huggingface/olmo_hybrid/bf16", (), LOAD),
    ("mlx-qwen3_next", "mlx-lm", ""): ("huggingface/qwen3_next/bf16", WIDE, MLX),
    ("mlx-qwen3_5", "mlx-lm", "text"): ("huggingface/qwen3_5/text-bf16", WIDE, MLX),
    ("mlx-qwen3_5_moe", "mlx-lm", "text"): ("huggingface/qwen3_5_moe/text-f32", WIDE, MLX),
    ("mlx-olmo_hybrid", "mlx-lm", ""): ("huggingface/olmo_hybrid/rope-noneg-f32", WIDE, MLX),
    ("lm-engine", "lm-engine", ""): ("lm-engine/gdn-hybrid", (), "check_lm_engine_load.py"),
    ("fla", "flash-linear-attention", ""): ("fla/hybrid", (), FLA),
    ("gguf-qwen35", "llama.cpp", "llama.cpp"): ("huggingface/qwen3_5/text-bf16", WIDE, LLAMA),
    ("gguf-qwen3next", "llama.cpp", "gate and up of the experts apart"): ("huggingface/qwen3_next/bf16", WIDE, LLAMA),
}


def claims():
    """What layout files say of programs, one by one."""
    for path in sorted((ROOT / "formats").glob("*.json")):
        layout = json.loads(path.read_text())
        for one in layout.get("loads", []):
            for form in one.get("forms", [""]):
                yield Claimed(layout["layout"], one["program"], form)


@dataclass
class Saved:
    """A fixture that a program loads, in some layout, and saves, and that Graft then verifies."""

    program: str
    source: str
    graft: tuple

    def run(self, shop):
        source, between, target = FIXTURES / self.source, shop.place(), shop.place()
        done = shop.graft("convert", source, between, *self.graft)
        if done.returncode == 0:
            done = shop.python(SCRIPTS / "save_with.py", self.program, between, target)
        if done.returncode == 0:
            done = shop.graft("verify", target, "--reference", source / "reference.safetensors")
        shop.add(self.program, WRITES, f"{self.source}, {' '.join(self.graft)}", done)


@dataclass
class Made:
    """A random checkpoint that a program writes with its own logits, and that Graft then verifies."""

    program: str
    name: str
    script: str
    options: tuple

    def run(self, shop):
        target = shop.place()
        done = shop.python(SCRIPTS / self.script, target, self.name, *self.options)
        if done.returncode == 0:
            made = target / self.name
            done = shop.graft("verify", made, "--reference", made / "reference.safetensors")
        shop.add(self.program, WRITES, self.name, done)


@dataclass
class Exchanged:
    """Containers that go to a library and back, byte by byte."""

    program: str
    library: str
    only: str

    def run(self, shop):
        script = ROOT / "scripts/exchange.py"
        done = shop.python(script, shop.options.graft, "--libraries", self.library, "--only", self.only)
        shop.add(self.program, f"{READS} and {WRITES}", self.only, done)


@dataclass
class Travelling:
    """A script that runs the program files which go along with checkpoints."""

    program: str
    name: str
    script: str

    def run(self, shop):
        done = shop.python(SCRIPTS / self.script)
        if done.returncode == 2:
            return shop.skip(self.program, f"not tried: {done.stderr.strip()}")
        shop.add(self.program, "runs what goes along", self.name, done)


def cases(options):
    load, mlx = "check_transformers_load.py", "check_mlx_load.py"
    names = "qwen3_next/bf16", "qwen3_5/text-bf16", "qwen3_5_moe/text-f32", "olmo_hybrid/rope-noneg-f32"
    next_, five, moe, olmo = (f"huggingface/{name}" for name in names)
    wide, apart = ("--dtype", "f32"), ("--form", "text, experts apart")
    yield Case("transformers", next_, ("convert", "--to", "qwen3_5_moe", *apart), load)
    yield Case("transformers", moe, ("convert", "--to", "qwen3_next"), load)
    yield Case("transformers", olmo, ("convert", "--to", "olmo_hybrid", "--max-shard-size", "100KB"), load)
    yield Case("transformers", five, ("splice", "--layer", "1"), load)
    yield Composed("transformers", "huggingface/qwen3_5/multimodal-mixed", "text")
    yield Composed("transformers", "huggingface/qwen3_5_moe/multimodal-fused-mixed", "text, experts apart")
    yield from claims()
    yield Travelling("triton", "graft_m2rnn_kernels.py", "check_m2rnn_kernel.py")
    for source, layout in ((next_, "qwen3_5_moe"), (five, "qwen3_5"), (moe, "qwen3_next")):
        yield Saved("transformers", source, ("--to", layout))
    for source, layout in ((next_, "qwen3_next"), (five, "qwen3_5"), (moe, "qwen3_5_moe"), (olmo, "olmo_hybrid")):
        yield Case("mlx-lm", source, ("convert", "--to", f"mlx-{layout}", *wide), mlx)
        yield Saved("mlx-lm", source, ("--to", f"mlx-{layout}", *wide))
    for source, layout in ((next_, "qwen3_next"), (five, "qwen3_5"), (moe, "qwen3_5_moe"), (olmo, "olmo_hybrid")):
        before = ("--to", f"mlx-{layout}", *wide, "--mtp", "drop")
        yield Case("mlx-lm", source, ("splice", "--layer", "0"), mlx, layout=before)
    for program, library in (("torch", "torch"), ("numpy", "numpy"), ("mlx", "mlx")):
        yield Exchanged(program, library, "options/gdn-small")
    yield Exchanged("gguf-py", "gguf", "gguf/qwen")
    yield Exchanged("llama.cpp", "llama.cpp", "gguf/qwen")
    checkout = ("--lm-engine", options.lm_engine)
    yield Case("lm-engine", "lm-engine/gdn-hybrid", ("splice", "--layer", "0"), "check_lm_engine_load.py", checkout)
    yield Case("lm-engine", "options/f16", ("convert", *wide), "check_lm_engine_load.py", checkout)
    yield Made("lm-engine", "everything", "make_lm_engine_reference.py", checkout)
    for source in ("hybrid", "tied", "bare", "gdn-hybrid"):
        shards = ("convert", "--to", "fla", "--max-shard-size", "40KB")
        yield Case("flash-linear-attention", f"fla/{source}", shards, "check_fla_load.py")
    yield Case("flash-linear-attention", "fla/hybrid", ("splice", "--layer", "1"), "check_fla_load.py")
    yield Case("flash-linear-attention", "fla/gdn-hybrid", ("splice", "--layer", "0"), "check_fla_load.py")


class Shop:
    def __init__(self, options, folder):
        self.options, self.folder, self.rows, self.places = options, Path(folder), [], 0

    def graft(self, *arguments):
        return run([self.options.graft, *arguments])

    def python(self, script, *arguments):
        return run([sys.executable, script, *arguments])

    def place(self):
        """A path that is free."""
        self.places += 1
        return self.folder / f"{self.places}"

    def add(self, program, direction, case, done):
        said = (done.stdout.strip() or done.stderr.strip()).splitlines() or [""]
        passed = done.returncode == 0
        self.rows.append((program, direction, case, "yes" if passed else "NO"))
        print(f"{program} {direction}: {case}: {'yes' if passed else 'NO'}  {said[-1]}", flush=True)
        if not passed:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")

    def skip(self, program, why):
        if not any(row[0] == program for row in self.rows):
            self.rows.append((program, "", "", why))
            print(f"{program}: {why}", flush=True)


def run(command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def version(program, options):
    """None where the program is not there."""
    if program == "lm-engine":
        done = run(["git", "-C", options.lm_engine or "/nonexistent", "rev-parse", "--short=8", "HEAD"])
        return done.stdout.strip() or ("a checkout" if options.lm_engine else None)
    try:
        return importlib.metadata.version(PACKAGES[program])
    except importlib.metadata.PackageNotFoundError:
        return None


def absent(program, options):
    if program == "flash-linear-attention" and not has_gpu():
        return "not tried: its kernels need a GPU"
    if version(program, options) is None:
        return "not tried: no checkout given" if program == "lm-engine" else "not tried: not installed"
    return None


def has_gpu():
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def page(shop):
    yield "# Checkpoints that other programs read and write\n"
    yield f"Written by `make interop` on {platform.machine()} with Python {platform.python_version()}. A program reads"
    yield "what Graft writes where it loads the checkpoint strictly and gives the recorded logits, or finds the same"
    yield "bytes in every tensor; Graft reads what a program writes where `graft verify` passes its f32 gate on the"
    yield "recorded logits; triton runs the kernels that go along with spliced checkpoints as float64 does."
    yield "Rows of programs that are not there are kept from the page before: those of"
    yield "flash-linear-attention need a GPU.\n"
    yield "| program | version | direction | checkpoint | |\n|---|---|---|---|---|"
    for program, direction, case, result in shop.rows:
        row = f"| {program} | {version(program, shop.options) or ''} | {direction} | {case and f'`{case}`'} | {result} |"
        yield from (not case and former(program, shop.options.report)) or [row]


def former(program, report):
    """The rows that a page has already of a program that was there when they were written."""
    lines = report.read_text().splitlines() if report.exists() else []
    return [line for line in lines if line.startswith(f"| {program} |") and "not tried" not in line]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft", type=Path)
    parser.add_argument("--lm-engine", help="a checkout of lm-engine")
    parser.add_argument("--only", nargs="+", choices=[*PACKAGES, "lm-engine"], help="these programs alone")
    parser.add_argument("--report", type=Path, help="a page to write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="graft-interop-") as folder:
        shop = Shop(options, folder)
        for case in cases(options):
            if options.only and case.program not in options.only:
                continue
            why = absent(case.program, options)
            shop.skip(case.program, why) if why else case.run(shop)
    if options.report:
        options.report.write_text("\n".join(page(shop)) + "\n")
    sys.exit(1 if any(row[-1] == "NO" for row in shop.rows) else 0)


if __name__ == "__main__":
    main()
