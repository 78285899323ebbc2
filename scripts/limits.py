#!/usr/bin/env python3
"""Gives graft files that ask for far too much, and prints what each costs as a table.

usage: limits.py path/to/graft [--seconds N] [--megabytes N]

The exit code is 1 where a file is not refused, or read, as it should be, or costs more than the
bounds, which are generous: they tell a hang and an unchecked allocation from a slow machine.
"""

import argparse
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
HEADER_LIMIT = 100_000_000


def safetensors(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


def many_tensors(count):
    entries = ",".join(
        f'"model.layers.{i}.weight":{{"dtype":"U8","shape":[1],"data_offsets":[{i},{i + 1}]}}'
        for i in range(count))
    return safetensors(("{" + entries + "}").encode(), bytes(count))


def header_of(size):
    start = b'{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    return safetensors(start + b" " * (size - len(start)), b"\0")


def archive(entries, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=9) as file:
        for name, content in entries:
            file.writestr(name, content)
    return bytearray(buffer.getvalue())


def patched(content, signature, offset, form, *values):
    """The bytes with numbers overwritten behind the last occurrence of a signature."""
    place = content.rindex(signature) + offset
    content[place:place + struct.calcsize(form)] = struct.pack(form, *values)
    return content


DIRECTORY = b"PK\x01\x02"


def array(text, data=b""):
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def state_dict(value, storage=bytes(4)):
    return archive([("a/data.pkl", value), ("a/byteorder", "little"), ("a/data/0", storage)])


STORAGE = (b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000"
           b"X\x03\x00\x00\x00cpuK\x01tQ")


def tensor_of(shape):
    """A pickle of {"w": a tensor with a shape and strides of zero}."""
    numbers = b"".join(b"\x8a\x08" + struct.pack("<q", extent) for extent in shape)
    strides = b"K\x00" * len(shape)
    return (b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + b"K\x00("
            + numbers + b"t(" + strides + b"t\x89}tRs.")


def memo_bomb():
    """A list of 60 000 numbers that is the argument of 60 000 calls."""
    numbers = b"(" + b"K\x01" * 60_000 + b"tq\x00"
    return b"\x80\x02" + numbers + b"ctorch\nSize\nq\x01" + b"h\x01h\x00\x85R0" * 60_000 + b"}."


def doubling():
    """Lists that hold the list before them ten times, 100 deep."""
    return b"\x80\x02]q\x00" + b"".join(
        b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1])
        for i in range(100)) + b"."


def gguf(values=b"", tensors=b"", tensor_count=0, value_count=0):
    return b"GGUF" + struct.pack("<IQQ", 3, tensor_count, value_count) + values + tensors


def key(name, kind):
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind)


def config(**changes):
    with open(os.path.join(FIXTURES, "huggingface/qwen3_next/bf16/config.json")) as file:
        values = json.load(file)
    values.pop("layer_types", None)
    values.update(changes)
    return json.dumps(values).encode()


def weights():
    with open(os.path.join(FIXTURES, "huggingface/qwen3_next/bf16/model.safetensors"), "rb") as file:
        return file.read()


def tokenizer(**changes):
    """A tokenizer.json, and the weights and config of a model whose vocabulary holds its tokens."""
    with open(os.path.join(FIXTURES, "tokenizers/qwen35/tokenizer.json")) as file:
        values = json.load(file)
    values.update(changes)
    files = {"tokenizer.json": json.dumps(values).encode()}
    for name in ["config.json", "model.safetensors"]:
        with open(os.path.join(FIXTURES, "trained/qwen3_5-python", name), "rb") as file:
            files[name] = file.read()
    return files


def classes(pattern):
    """A Split by this pattern as the only step before the vocabulary."""
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def longer(positions):
    """The config of the trained Qwen3.5 with that many positions."""
    values = json.loads(tokenizer()["config.json"])
    values.get("text_config", values)["max_position_embeddings"] = positions
    return json.dumps(values).encode()


def cases():
    """What is tried: words, files by name, the path given to graft, the exit codes that are right.

    The path of a weight file alone has no config, so that a file that is read ends with 66, or 0 where its integers are
    taken for packed weights.
    """
    weight = "model.safetensors"
    yield "300 000 tensors in a header of 23 MB", {weight: many_tensors(300_000)}, weight, [0, 66]
    yield "a header of exactly 100 000 000 bytes", {weight: header_of(HEADER_LIMIT)}, weight, [66]
    yield "a header of one byte more", {weight: header_of(HEADER_LIMIT + 1)}, weight, [65]
    yield "a header that says 2^63 bytes", {weight: struct.pack("<Q", 1 << 63) + b"{}"}, weight, [65]
    for name, shape, offsets in [
            ("a shape of 2^63 - 1 twice", [2**63 - 1] * 2, [0, 1]),
            ("offsets up to 2^64 - 1", [1], [0, 2**64 - 1])]:
        header = json.dumps({"w": {"dtype": "U8", "shape": shape, "data_offsets": offsets}}).encode()
        yield name, {weight: safetensors(header, b"\0")}, weight, [65]
    yield ("JSON nested 10 000 000 deep",
           {weight: safetensors(b'{"a":' + b"[" * 10_000_000)}, weight, [65])
    yield "the same as config.json", {weight: weights(), "config.json": b"[" * 10_000_000}, "", [65]

    pt = "model.pt"
    deep = b"\x80\x02" + b"]" * 10_000_000 + b"a" * 9_999_999 + b"."
    yield "a pickle of lists nested 10 000 000 deep", {pt: state_dict(deep)}, pt, [69]
    yield "a pickle of 10 000 000 tuples in each other", {
        pt: state_dict(b"\x80\x02)" + b"\x85" * 10_000_000 + b".")}, pt, [69]
    yield "a pickle that recalls 10 times 10 times … 10^100 values", {
        pt: state_dict(doubling())}, pt, [69]
    yield "a pickle that gives 60 000 numbers to 60 000 calls", {pt: state_dict(memo_bomb())}, pt, [65]
    yield "a pickle that stores 40 000 000 values to recall", {
        pt: state_dict(b"\x80\x04N" + b"\x94" * 40_000_000 + b".")}, pt, [65]
    yield "a pickle of 129 MiB of NONE", {pt: state_dict(b"\x80\x02" + b"N" * (129 << 20))}, pt, [65]
    yield "a text of 2^63 bytes in a pickle", {
        pt: state_dict(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"x.")}, pt, [65]
    yield "a tensor of 2^62 by 2^62 elements of one float", {
        pt: state_dict(tensor_of([1 << 62, 1 << 62]))}, pt, [65]
    yield "a tensor of 2^40 times the same float", {pt: state_dict(tensor_of([1 << 40]))}, pt, [69]

    bomb = archive([("w.npy", array("{'descr': '|u1', 'fortran_order': False, 'shape': (1073741696,), }"
                                    .ljust(117), bytes(1073741696)))], zipfile.ZIP_DEFLATED)
    npz = "weights.npz"
    yield "1 GiB of zeros deflated to 1 MB", {npz: bomb}, npz, [66]
    small = archive([("w.npy", bytes(100_000))], zipfile.ZIP_DEFLATED)
    yield "a deflated entry that says 2^31 bytes", {
        npz: patched(small, DIRECTORY, 24, "<I", 1 << 31)}, npz, [65]
    entries = archive([(f"{i}.npy", bytes(10)) for i in range(2000)])
    yield "a directory that says 65 534 entries", {
        npz: patched(entries, b"PK\x05\x06", 8, "<HH", 65534, 65534)}, npz, [65]
    yield "100 000 empty entries", {npz: archive([(f"{i}.txt", b"") for i in range(100_000)])}, npz, [66]
    for shape in ["(9223372036854775807, 9223372036854775807)", "(4611686018427387904, 4, 0)",
                  "(99999999999999999999,)"]:
        text = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }"
        yield f"an array of numpy of shape {shape}", {npz: archive([("w.npy", array(text))])}, npz, [65]

    gg = "model.gguf"
    yield "GGUF with 2^63 metadata values", {gg: gguf(value_count=1 << 63)}, gg, [65]
    yield "GGUF with 2^64 - 1 tensors", {gg: gguf(tensor_count=2**64 - 1)}, gg, [65]
    yield "GGUF with an array of 2^61 numbers", {
        gg: gguf(key("a", 9) + struct.pack("<IQ", 10, 1 << 61) + bytes(64), value_count=1)}, gg, [65]
    yield "GGUF with an array of 2^60 texts", {
        gg: gguf(key("a", 9) + struct.pack("<IQ", 8, 1 << 60) + bytes(64), value_count=1)}, gg, [65]
    yield "GGUF with a text of 2^64 - 1 bytes", {
        gg: gguf(key("a", 8) + struct.pack("<Q", 2**64 - 1), value_count=1)}, gg, [65]
    extents = struct.pack("<Q", 1) + b"w" + struct.pack("<IQQIQ", 2, 1 << 62, 1 << 62, 0, 0)
    yield "GGUF with a tensor of 2^62 by 2^62", {gg: gguf(tensors=extents, tensor_count=1)}, gg, [65]
    texts = struct.pack("<IQ", 8, 3_000_000) + (struct.pack("<Q", 1) + b"x") * 3_000_000
    yield "GGUF with 3 000 000 texts", {gg: gguf(key("a", 9) + texts, value_count=1)}, gg, [66, 69]

    model = {weight: weights(), "config.json": config()}
    for words, recipe in [("lists", b"- " * 16_000 + b"x\n"), ("brackets", b"splice: " + b"[" * 16_000),
                          ("braces", b"splice: " + b"{a: " * 16_000)]:
        yield f"a recipe of {words} nested 16 000 deep", model | {"recipe.yaml": recipe}, "recipe", [65]
    many = {"type": "TemplateProcessing", "pair": [],
            "single": [{"SpecialToken": {"id": "s", "type_id": 0}}] * 20_000
            + [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"s": {"id": "s", "ids": [5] * 20_000, "tokens": ["s"]}}}
    for words, changes in [
            ("a template of 400 000 000 tokens", {"post_processor": many}),
            ("a class of 8 000 000 letters", {"pre_tokenizer": classes("[" + "a" * 8_000_000 + "]")}),
            ("groups nested 100 000 deep", {"pre_tokenizer": classes("(" * 100_000 + "a" + ")" * 100_000)}),
            ("a repetition of repetitions, 10^27 states",
             {"pre_tokenizer": classes("(" * 9 + "a" + "{1000})" * 9)})]:
        yield f"a tokenizer with {words}", tokenizer(**changes), "generate", [65, 69]
    # What a prompt needs before the first token, by numbers that no weight of these layers shows.
    yield ("positions of 2^62 in the config: `generate`",
           tokenizer() | {"config.json": longer(2**62)}, "generate", [0, 65, 69])
    yield "1 000 000 000 tokens to generate", tokenizer(), "tokens", [64, 65, 69]

    for words, changes in [
            ("1 000 000 000 layers", {"num_hidden_layers": 10**9}),
            ("20 000 layers", {"num_hidden_layers": 20_000}),
            ("1 000 000 000 experts", {"num_experts": 10**9}),
            ("100 000 experts", {"num_experts": 100_000}),
            ("9 223 372 036 854 775 807 as every size",
             {name: 2**63 - 1 for name in ["hidden_size", "vocab_size", "head_dim",
                                           "num_attention_heads", "moe_intermediate_size"]})]:
        for verb in ["inspect", "convert", "verify"]:
            yield (f"a config with {words}: `{verb}`",
                   {weight: weights(), "config.json": config(**changes)}, verb, [65])


def measure(command):
    """The exit code, seconds of processor time, peak MB and messages of a command.

    A small process of its own starts the command, because the peak of a process begins with that of
    the one that started it.
    """
    starter = subprocess.run([sys.executable, __file__, "--start"] + command, capture_output=True)
    code, seconds, megabytes = json.loads(starter.stdout)
    return code, seconds, megabytes, starter.stderr


def start(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime,
                      usage.ru_maxrss / 1000]))


def main():
    if sys.argv[1:2] == ["--start"]:
        return start(sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("graft")
    parser.add_argument("--seconds", type=float, default=60, help="the most processor time that a file may take")
    parser.add_argument("--megabytes", type=float, default=3500, help="the most that it may need")
    options = parser.parse_args()
    graft = os.path.abspath(options.graft)
    failed = 0
    print("| file | size | exit code | processor time | peak memory |\n|---|---|---|---|---|")
    for words, files, place, codes in cases():
        with tempfile.TemporaryDirectory(prefix="graft-limits-") as folder:
            model = os.path.join(folder, "model")
            os.makedirs(model)
            for name, content in files.items():
                with open(os.path.join(model, name), "wb") as file:
                    file.write(content)
            out = os.path.join(folder, "out")
            verbs = {"convert": ["convert", model, out], "verify": ["verify", model, model],
                     "recipe": ["splice", model, out, "--recipe", os.path.join(model, "recipe.yaml")],
                     "generate": ["generate", model, "--text", "def", "--count", "1"],
                     "tokens": ["generate", model, "--text", "def", "--count", "1000000000"]}
            command = ([graft] + verbs[place] if place in verbs else [graft, "inspect", model if place == "inspect" else
                             os.path.join(model, place)])
            size = sum(len(content) for content in files.values())
            code, seconds, megabytes, errors = measure(command)
            wrong = (code not in codes or seconds > options.seconds
                     or megabytes > options.megabytes)
            failed += wrong
            print(f"| {words} | {size / 1e6:.1f} MB | {code} | {seconds:.2f} s "
                  f"| {megabytes:.0f} MB |{' WRONG' if wrong else ''}", flush=True)
            if wrong:
                print(errors.decode(errors="replace")[:400], file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
