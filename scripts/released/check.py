#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds Graft to released models at full size: sparse files of their names, shapes and configs, without weights.

    python scripts/released/check.py GRAFT [--only TEXT] [--python PYTHON] [--report docs/released.md]

Of each model: layer map, counts of tensors and parameters, towers and layers of multi-token prediction as inspect says
them; a dry run into every layout that holds it; seconds of processor time and memory of each command, within bounds. Counts are those that
were published, else those of the class of transformers where PYTHON has it. The exit code is 1 where anything is unlike.
"""

import argparse
import concurrent.futures
import json
import math
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import models
import sparse
import tensors

MOST_SECONDS, MOST_MEGABYTES = 30, 1500
MARKS = {"gdn": "G", "attention": "A", "kda": "K", "mla": "L", "m2rnn": "M"}


def measured(command):
    """Exit code, output, errors, seconds of processor time and megabytes of a command."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        for file in (out, err):
            file.seek(0)
        return (child.returncode, out.read().decode(), err.read().decode(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


class Run:
    """A command with what it cost, started from a small process: one that holds a long list would count as its memory."""

    pool = None

    def __init__(self, *command):
        done = self.pool.submit(measured, [str(part) for part in command]).result()
        self.code, self.output, self.error, self.seconds, self.megabytes = done


class Case:
    """A model on disk, and what is unlike what is known of it."""

    def __init__(self, options, model, folder):
        self.options, self.model, self.folder, self.faults = options, model, folder, []
        self.tensors = model.tensors()
        self.config = {key: value for key, value in model.config.items() if " " not in key}
        if self.config.get("quantization_config", False) is None:
            self.config["quantization_config"] = models.configs.fp8(tensors.plain_modules(self.tensors))
        sparse.write(folder, self.config, self.tensors, model.files)
        self.runs = []

    def graft(self, *arguments):
        done = Run(self.options.graft, *arguments)
        self.runs.append(done)
        if done.seconds > MOST_SECONDS or done.megabytes > MOST_MEGABYTES:
            self.faults.append(f"{arguments[0]} took {done.seconds:.1f} s and {done.megabytes:.0f} MB")
        return done

    def expect(self, what, found, expected):
        if found != expected:
            self.faults.append(f"{what}: {found} instead of {expected}")

    def stored(self, prefix=""):
        """Numbers of tensors and parameters below a prefix; scales are no parameters."""
        own = [t for t in self.tensors if t.name.startswith(prefix)]
        return {"tensors": len(own), "parameters": sum(math.prod(t.shape) for t in own if not t.name.endswith("_scale_inv"))}

    def check(self):
        done = self.graft("inspect", self.folder, "--json")
        if done.code:
            self.faults.append(f"inspect exits {done.code}: {' '.join(done.error.split())[:600]}")
            return []
        said = json.loads(done.output)
        self.check_facts(said)
        self.check_counts(said)
        return self.check_targets()

    def check_facts(self, said):
        self.expect("layout", said["layout"], self.model.layout)
        self.expect("layer map", "".join(MARKS.get(layer["mixer"], layer["mixer"][0]) for layer in said["layers"]), self.model.map)
        self.expect("findings", said["findings"], [])
        self.expect("unknown keys", said["unknown_keys"], [])
        self.expect("unused tensors", said["unused"], [])

    def check_counts(self, said):
        counted, everything = self.model.published, self.stored()
        self.expect("tensors of the table", everything["tensors"], counted.get("tensors", everything["tensors"]))
        self.expect("parameters of the table", everything["parameters"], counted.get("parameters", everything["parameters"]))
        self.expect("tensors", len(said["tensors"]) if isinstance(said["tensors"], list) else said["tensors"], everything["tensors"])
        self.expect("parameters", said["parameters"], everything["parameters"])
        for part, prefix in (("mtp", "mtp."), ("vision", "model.visual.")):
            found, expected = said[part], self.stored(prefix)
            self.expect(part, found and found["parameters"], expected["parameters"])
        if self.options.python and self.model.layout not in ("lm-engine", "jet_nemotron"):
            self.check_class()

    def check_class(self):
        done = Run(self.options.python, Path(__file__).with_name("classes.py"), self.folder)
        own = self.stored()["parameters"] - self.stored("mtp.")["parameters"] - buffers(self.tensors)
        self.expect("parameters of the class", done.output.strip() or done.error[-300:], str(own))

    def check_targets(self):
        """The layouts that hold the model, each with a dry run; those that cannot must name the mixer that Graft does not know."""
        if self.model.inspected:
            done = self.graft("convert", self.folder, self.folder.parent / "out", "--to", "qwen3_next")
            self.expect("exit code", done.code, 69)
            if "can be inspected and no more" not in done.error:
                self.faults.append("the refusal does not say that the model is inspected only: " + " ".join(done.error.split()))
            return []
        done = self.graft("convert", self.folder, "--explain", "--json")
        if done.code:
            self.faults.append(f"--explain exits {done.code}: {' '.join(done.error.split())[:300]}")
            return []
        taken = []
        for target in json.loads(done.output)["to"]:
            left = self.left_out(target)
            if self.model.unknown and target["layout"] == "qwen3_next" and self.model.unknown not in json.dumps(target["reasons"]):
                self.faults.append(f"the refusal does not name {self.model.unknown}")
            if left is None:
                continue
            if self.model.fp8 and target["layout"] not in ("qwen3_5", "qwen3_5_moe", "qwen3_next"):
                left += ["--dtype", "bf16", "--allow", "lossy"]
            run = self.graft("convert", self.folder, self.folder.parent / "out", "--to", target["layout"], "--dry-run", *left)
            if run.code:
                self.faults.append(f"dry run to {target['layout']} exits {run.code}: {' '.join(run.error.split())[:400]}")
            else:
                taken.append(target["layout"] + "*" * ("vision" in left or "--mtp" in left))
        return taken

    def left_out(self, target):
        """The options with which a layout holds the model; none where it cannot."""
        options = []
        for reason in target["reasons"]:
            if self.model.fp8 and "quantised weight" in reason["what"]:
                continue
            if "has no place for some tensors" not in reason["what"]:
                return None
            options += ["--mtp", "drop"] if "multi-token" in reason["found"] else ["--allow", "vision"]
        return options


def buffers(tensors):
    """What the class keeps as buffers: whole numbers, and the biases by which experts are chosen."""
    return sum(math.prod(tensor.shape) for tensor in tensors if tensor.kind == "I64" or tensor.name.endswith(("expert_bias", "e_score_correction_bias")))


def page(rows, options):
    yield "# Released models at full size\n"
    yield f"Written by `make released` on {platform.machine()} with {os.cpu_count()} cores. Each row is a checkpoint as it is published, in"
    yield "names, shapes, types, number of files and config, but without weights: sparse files, built from the sizes in"
    yield "`scripts/released/`. Held are the layer map, the counts of tensors and parameters, the vision tower and the layers of"
    yield "multi-token prediction, and a dry run into every layout that can hold the model (`*` without tower or multi-token"
    yield "prediction). Counts in bold are published; the other numbers of parameters are those of the class of transformers,"
    yield "those of lm-engine and Jet-Nemotron of the table alone. Seconds of processor time and memory are the most that any of the commands took.\n"
    yield "| model | map | tensors | parameters | mtp | vision | dry runs | s | MB | |\n|---|---|--:|--:|--:|--:|---|--:|--:|---|"
    yield from rows


def row(case, targets):
    model, stored = case.model, case.stored()
    number = lambda value: f"{value:,}".replace(",", " ")
    bold = lambda key, value: f"**{number(value)}**" if key in model.published else number(value)
    part = lambda prefix: number(case.stored(prefix)["parameters"]) if case.stored(prefix)["tensors"] else ""
    most = max(run.seconds for run in case.runs), max(run.megabytes for run in case.runs)
    counts = [
        bold("tensors", stored["tensors"]), bold("parameters", stored["parameters"]), part("mtp."), part("model.visual.")]
    into = "none: inspected only" if model.inspected else ", ".join(targets) + (f"; elsewhere {model.unknown} is refused" if model.unknown else "")
    cells = [model.name, short(model.map), *counts, into, f"{most[0]:.1f}", f"{most[1]:.0f}", "yes" if not case.faults else "NO"]
    return "| " + " | ".join(cells) + " |"


def short(map):
    """A map as runs: (GGGA)×12."""
    for length in range(1, len(map) // 2 + 1):
        if len(map) % length == 0 and map[:length] * (len(map) // length) == map:
            return f"{map[:length]}×{len(map) // length}"
    return map


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("graft", type=Path)
    parser.add_argument("--only", default="", help="models whose name holds this")
    parser.add_argument("--python", help="a python that has transformers")
    parser.add_argument("--report", type=Path, help="a page to write")
    options = parser.parse_args()
    rows, failed = [], False
    Run.pool = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork"))
    Run("true")
    for model in models.models():
        if options.only not in model.name:
            continue
        with tempfile.TemporaryDirectory(prefix="graft-released-") as folder:
            case = Case(options, model, Path(folder) / "model")
            targets = case.check()
        rows.append(row(case, targets))
        print(rows[-1], *case.faults, sep="\n    ", flush=True)
        failed |= bool(case.faults)
    if options.report:
        options.report.write_text("\n".join(page(rows, options)) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
