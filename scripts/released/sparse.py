# SPDX-License-Identifier: Apache-2.0
"""Safetensors files that take no room: headers, and holes for the values."""

import json
import math
import struct

BYTES = {"BF16": 2, "F32": 4, "F8_E4M3": 1, "I64": 8}
ONE = {"BF16": b"\x80\x3f", "F32": struct.pack("<f", 1)}


def size(tensor):
    return math.prod(tensor.shape) * BYTES[tensor.kind]


def divided(tensors, files):
    """The tensors of each file: about equal shares of the bytes."""
    total, done, made = sum(map(size, tensors)), 0, [[]]
    for tensor in tensors:
        if done * files >= total * len(made) and made[-1]:
            made.append([])
        made[-1].append(tensor)
        done += size(tensor)
    return made


def write_file(path, tensors):
    header, position = {"__metadata__": {"format": "pt"}}, 0
    for tensor in tensors:
        header[tensor.name] = {"dtype": tensor.kind, "shape": tensor.shape, "data_offsets": [position, position + size(tensor)]}
        position += size(tensor)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + position)
        for tensor in tensors:
            if tensor.ones or tensor.values:
                file.seek(8 + len(text) + header[tensor.name]["data_offsets"][0])
                file.write(ONE[tensor.kind] * math.prod(tensor.shape) if tensor.ones else struct.pack(f"<{len(tensor.values)}q", *tensor.values))


def write(folder, config, tensors, files):
    """Writes a checkpoint as it is published: files, index, config."""
    folder.mkdir(parents=True)
    parts = divided(tensors, files)
    names = ["model.safetensors"] if len(parts) == 1 else [f"model-{i + 1:05}-of-{len(parts):05}.safetensors" for i in range(len(parts))]
    for name, part in zip(names, parts):
        write_file(folder / name, part)
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    if len(parts) > 1:
        index = {"metadata": {"total_size": sum(map(size, tensors))},
                 "weight_map": {tensor.name: name for name, part in zip(names, parts) for tensor in part}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
