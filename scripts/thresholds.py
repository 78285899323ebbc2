#!/usr/bin/env python3
"""Holds a graft binary to benchmarks/thresholds.json: thresholds.py GRAFT

Counts the calls of malloc for each generated token, and the most memory that conversions of a model
take whose largest tensors are 32 MiB. Takes seconds; the exit code is 1 where a number is larger than
its threshold. Allocations are counted with glibc only.
"""

import json
import os
import platform
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
FIXTURES = os.path.join(ROOT, "fixtures")
DENSE = os.path.join(FIXTURES, "huggingface", "qwen3_5", "text-bf16")
MEBIBYTE = 2**20


def allocations(graft, folder, model):
    """Calls of malloc for one more token: the difference of a long and a short run."""
    library = os.path.join(folder, "allocations.so")
    if not os.path.exists(library):
        source = os.path.join(ROOT, "scripts", "allocations.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", library], check=True)
    short, long = (calls(graft, folder, library, model, count) for count in (16, 216))
    return (long - short) / 200


def calls(graft, folder, library, model, count):
    found = os.path.join(folder, "calls")
    prompt = os.path.join(FIXTURES, "trained", "pytiny", "reference.safetensors")
    subprocess.run(
        [graft, "generate", os.path.join(FIXTURES, model), "--tokens", prompt, "--count", str(count), "-q", "-j", "1"],
        env={**os.environ, "LD_PRELOAD": library, "GRAFT_ALLOCATIONS": found}, check=True)
    with open(found) as file:
        return int(file.read())


def peak(graft, model, target, *options):
    """The most MiB that a conversion had in memory, from a process of its own that waits for it."""
    command = [graft, "convert", model, target, *options, "-q", "--no-manifest", "-j", "2"]
    child = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); " \
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run([sys.executable, "-c", child, *command], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout) * (1 if platform.system() == "Darwin" else 1024) / MEBIBYTE


def large_model(place):
    """A fixture whose MLPs are so wide that a matrix has 32 MiB, as a file with holes."""
    os.mkdir(place)
    with open(os.path.join(DENSE, "config.json")) as file:
        config = json.load(file)
    width, wide = config["intermediate_size"], 32 * MEBIBYTE // 2 // config["hidden_size"]
    config |= {"intermediate_size": wide, "num_hidden_layers": 3, "layer_types": config["layer_types"][:3]}
    with open(os.path.join(place, "config.json"), "w") as file:
        json.dump(config, file)
    with open(os.path.join(DENSE, "model.safetensors"), "rb") as file:
        data = file.read()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {name: entry for name, entry in json.loads(data[8:start]).items() if belongs(name)}
    write(os.path.join(place, "model.safetensors"), data[start:], tensors, width, wide)


def belongs(name):
    return name != "__metadata__" and not any(f".layers.{layer}." in name for layer in (3, 4))


def write(path, data, tensors, width, wide):
    header, contents, end = {}, [], 0
    for name, entry in tensors.items():
        shape = [wide if ".mlp." in name and extent == width else extent for extent in entry["shape"]]
        first, last = entry["data_offsets"]
        size = (last - first) // width * wide if shape != entry["shape"] else last - first
        header[name] = {**entry, "shape": shape, "data_offsets": [end, end + size]}
        contents.append((end, data[first:last] if shape == entry["shape"] else b""))
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for place, some in contents:
            file.seek(8 + len(text) + place)
            file.write(some)
        file.truncate(8 + len(text) + end)


def measure(graft, folder):
    if platform.libc_ver()[0] == "glibc":
        for model in ("trained/pytiny", "trained/qwen3_5-python"):
            yield f"allocations per token, {model}", allocations(graft, folder, model)
    model = os.path.join(folder, "model")
    large_model(model)
    for name, options in (("", []), (" as F16", ["--dtype", "f16", "--allow", "lossy"])):
        target = os.path.join(folder, "mlx" + name)
        yield f"MiB of memory, 288 MiB to mlx-qwen3_5{name}", peak(graft, model, target, "--to", "mlx-qwen3_5", *options)


def main():
    graft = os.path.abspath(sys.argv[1])
    with open(os.path.join(ROOT, "benchmarks", "thresholds.json")) as file:
        thresholds = json.load(file)
    with tempfile.TemporaryDirectory(prefix="graft-thresholds-") as folder:
        found = list(measure(graft, folder))
    for name, value in found:
        verdict = "within" if value <= thresholds[name] else "OVER"
        print(f"{verdict} {thresholds[name]}: {value:.1f} {name}")
    sys.exit(any(value > thresholds[name] for name, value in found))


if __name__ == "__main__":
    main()
