#!/usr/bin/env python3
"""Runs whole commands on checkpoints with mutated files, under limits of the system.

usage: fuzz-commands.py path/to/graft [--seconds N] [--seed N] [--run N]

Every run must end with an exit code of docs/exit-codes.md and a message, leave nothing of an output behind
where it fails, and change no other file. What does not lies in .build/fuzz/commands afterwards, and
--seed with --run does it again; the exit code is 1 then.
"""

import argparse
import collections
import os
import random
import re
import resource
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FIXTURES, FOUND = os.path.join(ROOT, "fixtures"), os.path.join(ROOT, ".build/fuzz/commands")
MODELS = ["huggingface/qwen3_next/bf16", "huggingface/qwen3_next/fp8-per-tensor", "huggingface/qwen3_5/text-bf16",
          "huggingface/qwen3_5/fp8-multimodal", "huggingface/qwen3_5_moe/fp8-fused", "huggingface/olmo_hybrid/bf16",
          "lm-engine/gdn-hybrid", "lm-engine/m2rnn-1l", "fla/gdn-hybrid", "options/tied", "containers/dcp/lm-engine"]
MADE = [["--container", "torch"], ["--container", "npz"], ["--container", "gguf", "--to", "gguf-qwen3next"],
        ["--max-shard-size", "100kB"], ["--to", "mlx-qwen3_next"]]
TARGETS = [["--container", name] for name in ("safetensors", "torch", "npz")] + [["--to", name] for name in (
    "qwen3_next", "qwen3_5", "qwen3_5_moe", "olmo_hybrid", "lm-engine", "fla", "mlx-qwen3_next", "mlx-qwen3_5",
    "gguf-qwen3next", "gguf-qwen35moe")] + [["--dtype", "f32"], ["--dtype", "bf16", "--allow", "lossy"], ["--explain"],
                                            ["--max-shard-size", "50kB"], ["--dry-run"], ["--no-manifest"]]
RECIPE = "# One layer.\nsplice:\n  - layers: [0]\n    init: zero\n    k_head_dim: 8\n    v_head_dim: 4\n    heads: 4\n"
NUMBERS = [0, -1, 1, 3, 255, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
VALUES = [b"null", b"true", b"[]", b"{}", b'""', b"1.5", b"1e308", b"NaN", b"Infinity", b"-Infinity", b'"\\ud800"']
VERDICTS = {"verify", "diff", "inspect"}
CODES = {0, 64, 65, 66, 69, 73, 74}


def texts_within(data):
    """The range of a file that is JSON or other text: the header of safetensors, all of a text."""
    if data[:1] in b"{[#s" or data[8:9] != b"{":
        return 0, len(data)
    return 8, min(len(data), 8 + struct.unpack("<Q", data[:8])[0])


def places(data):
    """Where lengths and counts are likely: the start, after signatures and behind names."""
    found = [0, 4, 8, 16] + [m.end() + d for m in re.finditer(rb"PK\x01\x02|PK\x03\x04|PK\x05\x06|NUMPY", data)
                             for d in range(0, 44, 2)]
    return found + [m.start() - 8 for m in re.finditer(rb"[a-z_]{3,}[.a-z0-9_]*", data[:20_000]) if m.start() >= 8]


def mutate(data, draw):
    """The bytes with one change at a place where a reader decides something, and the change's name."""
    start, end = texts_within(data)
    kind = draw.choice(["number", "number", "value", "value", "bracket", "length", "length", "cut", "repeat", "remove", "byte", "words"])
    result = data
    if kind in ("number", "value", "words"):
        pattern = {"number": rb"-?\d+(\.\d+)?(e-?\d+)?", "words": rb'"[^"\n]{1,60}"'}.get(
            kind, rb'(?<=: )[^,\n\[{}]+|(?<=:)"[^"\n]*"|(?<=:)\d+|\[[^\[\]]*\]')
        matches = list(re.finditer(pattern, data[start:end]))
        if matches:
            old, other = draw.choice(matches), draw.choice(matches).group()
            new = {"number": str(draw.choice(NUMBERS)).encode(), "words": other,
                   "value": draw.choice(VALUES + [other])}[kind]
            result = data[:start + old.start()] + new + data[start + old.end():]
    elif kind == "length":
        place, width = min(draw.choice(places(data)), max(0, len(data) - 8)), draw.choice("BHIQ")
        number = struct.pack("<" + width, draw.choice(NUMBERS) % (1 << 8 * struct.calcsize(width)))
        result = data[:place] + number + data[place + len(number):]
    else:
        a = start + draw.randrange(max(1, end - start)) if draw.random() < 0.8 else draw.randrange(len(data) + 1)
        b = min(len(data), a + draw.choice([1, 2, 8, 64, 1000]))
        result = {"cut": lambda: data[:a], "remove": lambda: data[:a] + data[b:],
                  "repeat": lambda: data[:b] + data[a:b] * draw.choice([1, 3, 100, 5000]) + data[b:],
                  "byte": lambda: data[:a] + bytes([draw.randrange(256)]) + data[a + 1:],
                  "bracket": lambda: data[:a] + draw.choice([b"[", b"{", b"]", b"}", b'{"a":', b"- ", b"(", b"(?:"])
                  * draw.choice([1, 2, 20, 200, 16_000, 100_000]) + data[a:]}[kind]()
    # A header that grew is read as a whole where its length says so.
    if start == 8 and kind != "length" and len(result) != len(data) and draw.random() < 0.8:
        result = struct.pack("<Q", end - 8 + len(result) - len(data)) + result[8:] if end - 8 + len(result) >= len(data) else result
    return result, kind


def bases(graft, folder):
    """Sound checkpoints, one for each layout and container, with a tokenizer, a recipe and a reference."""
    for name in MODELS:
        shutil.copytree(os.path.join(FIXTURES, name), os.path.join(folder, name.replace("/", "-")))
    for i, options in enumerate(MADE):
        subprocess.run([graft, "convert", os.path.join(FIXTURES, MODELS[0]), os.path.join(folder, f"made-{i}"), "--quiet"]
                       + options, check=True)
        shutil.copy(os.path.join(FIXTURES, MODELS[0], "reference.safetensors"), os.path.join(folder, f"made-{i}"))
    for name in sorted(os.listdir(folder)):
        tokenizer = os.path.join(FIXTURES, "tokenizers", "qwen35" if "qwen3_5" in name else "granite")
        for file in os.listdir(tokenizer):
            shutil.copy(os.path.join(tokenizer, file), os.path.join(folder, name))
        with open(os.path.join(folder, name, "recipe.yaml"), "w") as file:
            file.write(RECIPE)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def chosen(draw, sound):
    """A command and the file it reads that is worth a mutation most, if there is one."""
    verb = draw.choice(["inspect", "audit", "convert", "convert", "convert", "splice", "splice", "verify", "diff", "generate"])
    return verb, {
        "inspect": (["inspect", "model"] + draw.choice([[], ["--json"], ["--hash", "--html", "page"]]), None),
        "audit": (["inspect", "--audit", "model"], None),
        "convert": (["convert", "model", "out"] + draw.choice(TARGETS), None),
        "splice": (["splice", "model", "out", "--recipe", "model/recipe.yaml"] + draw.choice([["--dry-run"], ["--dry-run"], []]), "recipe.yaml"),
        "verify": (["verify", "model"] + draw.choice([["--reference", "model/reference.safetensors"], [sound]]), "reference.safetensors"),
        "diff": (["diff", "model", sound], None),
        "generate": (["generate", "model", "--text", "Q@Z~7 Ü", "--count", "3"], "tokenizer.json")}[verb]


def listing(folder):
    return {os.path.join(at, name): (s.st_size, s.st_mtime_ns) for at, _, names in os.walk(folder) for name in names
            for s in [os.lstat(os.path.join(at, name))]}


def limited(draw):
    """What the process is given before it starts, and in words."""
    size, files = draw.choice([1 << 30] * 6 + [4096, 100_000]), draw.choice([256] * 6 + [24, 12])
    closed = draw.choice([()] * 8 + [(0,), (1,), (2,), (0, 1), (0, 1, 2)])

    def prepare():
        for limit, value in ((resource.RLIMIT_AS, 2 << 30), (resource.RLIMIT_FSIZE, size), (resource.RLIMIT_CPU, 60),
                             (resource.RLIMIT_NOFILE, files), (resource.RLIMIT_CORE, 0)):
            resource.setrlimit(limit, (value, value))
        for descriptor in closed:
            os.close(descriptor)
    return prepare, closed, f"ulimit -v 2097152; ulimit -n {files}; ulimit -f {size // 1024}; closed {list(closed)}"


def judge(verb, ended, closed, before, folder):
    """What is wrong with how a command ended, or None."""
    code, errors = ended.returncode, ended.stderr
    if code not in CODES and not (code == 1 and verb in VERDICTS):
        return f"exit code {code}"
    if b"Fatal error" in errors or (code > 1 and 2 not in closed and not errors.startswith(b"graft ") and not errors.startswith(b"Error: ")):
        return f"exit code {code} with the message {errors[:80]!r}"
    # An output is complete before the report of it cannot be written.
    left = [name for name in os.listdir(folder) if name.startswith("out") and not (name == "out" and 1 in closed)]
    if code and left:
        return f"exit code {code}, and {left} is left"
    after = listing(folder)
    changed = [path for path, state in before.items() if after.get(path) != state]
    return f"changed {changed}" if changed else None


def run(graft, models, seed, number, counts, folder):
    draw = random.Random(f"{seed}/{number}")
    base, other = draw.choice(models), draw.choice(models)
    model = os.path.join(folder, "model")
    shutil.copytree(base, model)
    verb, (command, favourite) = chosen(draw, draw.choice([base, base, other]))
    kinds = []
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        names = sorted(os.listdir(model))
        name = favourite if favourite in names and draw.random() < 0.5 else draw.choice(names)
        path = os.path.join(model, name)
        if draw.random() < 0.03:
            os.remove(path)
            kinds.append(f"{name} away")
            if not os.listdir(model):
                break
            continue
        with open(path, "rb") as file:
            data, kind = mutate(file.read(), draw)
        with open(path, "wb") as file:
            file.write(data)
        kinds.append(f"{kind} in {name}")
        counts[kind] += 1
    prepare, closed, limits = limited(draw)
    before = listing(folder)
    try:
        ended = subprocess.run([graft] + command + ["-j", "2"], cwd=folder, capture_output=True, preexec_fn=prepare, timeout=300,
                               env=os.environ | {"SWIFT_BACKTRACE": "enable=no"}, stdin=subprocess.DEVNULL)
        wrong = judge(command[0], ended, closed, before, folder)
    except subprocess.TimeoutExpired:
        ended, wrong = None, "five minutes have passed"
    counts[f"{verb}: {ended.returncode if ended else 'no end'}"] += 1
    if wrong:
        words = f"{wrong}: graft {shlex.join(command)} ({os.path.basename(base)}; {', '.join(kinds)}; {limits})"
        kept = os.path.join(FOUND, f"{seed}-{number}")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, symlinks=True)
        with open(os.path.join(kept, "what"), "w") as file:
            file.write(words + "\n" + (ended.stderr.decode(errors="replace") if ended else ""))
        print(f"run {number}: {words}", flush=True)
    return bool(wrong)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("graft")
    parser.add_argument("--seconds", type=float, default=60, help="how long new runs are begun")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--run", type=int, help="only the run with this number")
    options = parser.parse_args()
    print(f"== commands, seed {options.seed}", flush=True)
    counts, failed, number, graft = collections.Counter(), 0, options.run or 0, os.path.abspath(options.graft)
    with tempfile.TemporaryDirectory(prefix="graft-fuzz-") as work:
        models = bases(graft, os.path.join(work, "bases"))
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            folder = os.path.join(work, "run")
            os.mkdir(folder)
            failed += run(graft, models, options.seed, number, counts, folder)
            shutil.rmtree(folder)
            number += 1
            if options.run is not None:
                break
    print(f"{number - (options.run or 0)} runs, {failed} wrong; " + ", ".join(f"{a} {b}" for a, b in sorted(counts.items())))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
