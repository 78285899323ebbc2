#!/usr/bin/env python3
"""Sends the fixtures through all containers and back, and to the libraries that own these.

usage: exchange.py path/to/graft [--libraries torch numpy mlx gguf llama.cpp] [--only TEXT]

Every fixture goes from safetensors to torch, npz and back, and those of layouts that llama.cpp knows
also to GGUF with F32 and with BF16 weights: all bytes must come back. Libraries that are installed
read what graft wrote, and graft reads what they write; one that is named must be installed.
llama.cpp is that of xllamacpp. The exit code is 1 where a byte or a logit differs.
"""

import argparse
import glob
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
MODULES = {"torch": "torch", "numpy": "numpy", "mlx": "mlx", "gguf": "gguf", "llama.cpp": "xllamacpp"}
LAYOUTS = {"qwen3_5": "gguf-qwen35", "qwen3_5_moe": "gguf-qwen35moe", "qwen3_next": "gguf-qwen3next"}


class Difference(Exception):
    """Something that did not come back as it was."""


def require(condition, what):
    if not condition:
        raise Difference(what)


def stored(folder):
    """The tensors of a checkpoint in safetensors: types, shapes and bytes by name."""
    tensors = {}
    for path in glob.glob(os.path.join(folder, "model*.safetensors")):
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
            data = file.read()
        header.pop("__metadata__", None)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            tensors[name] = (entry["dtype"], tuple(entry["shape"]), data[begin:end])
    return tensors


def contents(path):
    with open(path, "rb") as file:
        return file.read()


class Exchange:
    def __init__(self, graft, folder, libraries):
        self.graft = graft
        self.folder = folder
        self.libraries = libraries
        self.number = 0

    def new(self, name="out"):
        self.number += 1
        return os.path.join(self.folder, f"{self.number}-{name}")

    def convert(self, source, *options):
        """A new checkpoint made of another one."""
        target = self.new()
        run = subprocess.run([self.graft, "convert", source, target, "-q", *options],
                             capture_output=True, text=True)
        require(run.returncode == 0, f"{source} {' '.join(options)}: {run.stderr}")
        return target

    def expect_same(self, source, target):
        before, after = stored(source), stored(target)
        require(before.keys() == after.keys(), f"names differ: {before.keys() ^ after.keys()}")
        for name in before:
            require(before[name] == after[name], f"{name} is not what it was")
        require(contents(source + "/config.json") == contents(target + "/config.json"),
                "config.json is not what it was")

    # Through the containers and back.

    def containers(self, source):
        """safetensors, torch, npz and back, each of them read by its library."""
        if stored(source).keys() != stored(self.convert(source)).keys():
            # A dialect that is read only: its successor is sent.
            source = self.convert(source)
        expected = stored(source)
        steps = ["torch", "npz"]
        # Neither numpy nor mlx has values of 8 bits.
        if any(kind.startswith("F8") for kind, _, _ in expected.values()):
            steps = ["torch"]
        current = source
        for container in steps:
            current = self.convert(current, "--container", container)
            self.read(container, current, expected)
        self.expect_same(source, self.convert(current, "--container", "safetensors"))
        return " → ".join(["safetensors", *steps, "safetensors"])

    def through_gguf(self, source, kind):
        """The same with GGUF between all of them; without tensors that it has no place for."""
        layout = self.layout(source)
        gguf = LAYOUTS[layout]
        options = ["--form", "text"] if "multimodal" in source else []
        # Tensors of multi-token prediction keep their type whatever is asked for.
        options += ["--dtype", kind, "--allow", "lossy", "--mtp", "drop"] if kind != "keep" else []
        first = self.convert(source, "--allow", "extra", *options)
        there = self.convert(first, "--to", gguf)
        current = there
        for container in ["npz", "torch"]:
            current = self.convert(current, "--to", layout, "--container", container)
            current = self.convert(current, "--to", gguf)
            require(contents(current + "/model.gguf") == contents(there + "/model.gguf"),
                    f"the GGUF file is another one after {container}")
        self.expect_same(first, self.convert(current, "--to", layout))
        if "gguf" in self.libraries:
            self.check_gguf(there + "/model.gguf", stored(first))
        kinds = {kind for kind, _, data in stored(first).values() if data}
        return f"safetensors ({', '.join(sorted(kinds))}) → GGUF → npz → GGUF → torch → GGUF → safetensors"

    def of_llama(self, source):
        """A file of llama.cpp as a checkpoint of transformers with F32 weights."""
        layouts = {gguf: layout for layout, gguf in LAYOUTS.items()}
        return self.convert(source, "--dtype", "f32", "--to", layouts[self.layout(source)])

    def layout(self, path):
        return json.loads(self.run("inspect", path, "--json"))["layout"]

    def run(self, *words):
        run = subprocess.run([self.graft, *words], capture_output=True, text=True)
        require(run.returncode == 0, f"{words}: {run.stderr}")
        return run.stdout

    # What graft wrote, read by others.

    def read(self, container, folder, expected):
        if container == "torch" and "torch" in self.libraries:
            found = {}
            for path in glob.glob(folder + "/pytorch_model*.bin"):
                found |= self.of_torch(path)
            require(found == expected, "torch reads something else")
        if container == "npz":
            for library in [name for name in ["numpy", "mlx"] if name in self.libraries]:
                found = {}
                for path in glob.glob(folder + "/weights*.npz"):
                    found |= getattr(self, "of_" + library)(path)
                require(found == expected, f"{library} reads something else")

    def of_torch(self, path):
        import torch

        kinds = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16",
                 torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
                 torch.float8_e8m0fnu: "F8_E8M0", torch.int64: "I64", torch.uint8: "U8"}
        return {name: (kinds[tensor.dtype], tuple(tensor.shape),
                       tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
                for name, tensor in torch.load(path, weights_only=True, mmap=True).items()}

    def of_numpy(self, path):
        """numpy shows bfloat16 as two bytes without a meaning."""
        import numpy

        kinds = {"float32": "F32", "void16": "BF16", "float16": "F16", "int64": "I64", "uint8": "U8"}
        with numpy.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        return {name: (kinds[array.dtype.name], array.shape, array.tobytes())
                for name, array in arrays.items()}

    def of_mlx(self, path):
        import mlx.core
        import numpy

        mlx.core.set_default_device(mlx.core.cpu)
        kinds = {mlx.core.float32: "F32", mlx.core.bfloat16: "BF16", mlx.core.float16: "F16",
                 mlx.core.int64: "I64", mlx.core.uint8: "U8"}
        return {name: (kinds[array.dtype], tuple(array.shape),
                       numpy.array(array.reshape(-1).view(mlx.core.uint8)).tobytes())
                for name, array in mlx.core.load(path).items()}

    def check_gguf(self, path, original):
        """gguf-py sees the bytes of tensors that only have another name."""
        from gguf import GGUFReader

        places = {"token_embd": "model.embed_tokens", "output": "lm_head"}
        compared = 0
        for tensor in GGUFReader(path).tensors:
            stem = tensor.name.removesuffix(".weight")
            if stem.endswith("ssm_out") or stem not in places and not stem.endswith("attn_k"):
                continue
            name = places.get(stem) or f"model.layers.{stem.split('.')[1]}.self_attn.k_proj"
            if name + ".weight" not in original:
                continue
            kind, shape, data = original[name + ".weight"]
            require(kind == tensor.tensor_type.name and shape == tuple(reversed(tensor.shape.tolist()))
                    and data == tensor.data.tobytes(), f"gguf-py sees something else in {tensor.name}")
            compared += 1
        require(compared > 1, "gguf-py sees no tensor")

    # What others wrote, read by graft.

    def written_by_others(self, source):
        expected = stored(source)
        for library in [name for name in ["torch", "numpy", "mlx"] if name in self.libraries]:
            for path in getattr(self, "write_with_" + library)(source, expected):
                shutil.copy(source + "/config.json", os.path.dirname(path))
                target = self.convert(path, "--container", "safetensors")
                require(stored(target) == expected, f"{path} is read as something else")
                yield f"{library}: {os.path.basename(path)}"

    def place(self, name):
        folder = self.new()
        os.makedirs(folder)
        return os.path.join(folder, name)

    def write_with_torch(self, source, expected):
        import torch
        from safetensors.torch import load_file

        tensors = load_file(source + "/model.safetensors")
        shared = torch.cat([tensor.reshape(-1) for tensor in tensors.values()])
        parts = shared.split([tensor.numel() for tensor in tensors.values()])
        views = {name: part.view(tensors[name].shape) for name, part in zip(tensors, parts)}
        columns = {name: tensor.t().contiguous().t() if tensor.ndim == 2 else tensor
                   for name, tensor in tensors.items()}
        for name, content, options in [
                ("plain.pt", tensors, {}), ("protocol-5.pt", tensors, {"pickle_protocol": 5}),
                ("nested.pth", {"model": views, "step": 3}, {}), ("columns.bin", columns, {}),
                ("legacy.pt", views, {"_use_new_zipfile_serialization": False})]:
            path = self.place(name)
            torch.save(content, path, **options)
            yield path

    def distributed(self, source):
        """torch.distributed.checkpoint, every tensor cut by rows over two processes."""
        folder = self.new()
        ranks = [subprocess.Popen([sys.executable, __file__, "--rank", rank, source, folder],
                                  stderr=subprocess.PIPE, text=True) for rank in "01"]
        for process in ranks:
            errors = process.communicate()[1]
            require(process.returncode == 0, f"torch did not save: {errors[-400:]}")
        shutil.copy(source + "/config.json", folder)
        pieces = [name for name in os.listdir(folder) if name.endswith(".distcp")]
        self.expect_same(source, self.convert(folder, "--container", "safetensors"))
        return f"torch.distributed.checkpoint: {len(pieces)} files"

    def write_with_numpy(self, source, expected):
        import numpy

        arrays = {name: numpy.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[kind]).reshape(shape)
                  for name, (kind, shape, data) in expected.items()}
        for name, save in [("stored.npz", numpy.savez), ("deflated.npz", numpy.savez_compressed)]:
            path = self.place(name)
            save(path, **arrays)
            yield path

    def write_with_mlx(self, source, expected):
        import mlx.core

        mlx.core.set_default_device(mlx.core.cpu)
        arrays = mlx.core.load(source + "/model.safetensors")
        path = self.place("mlx.npz")
        mlx.core.savez(path, **arrays)
        yield path
        path = self.place("model.safetensors")
        mlx.core.save_safetensors(path, arrays)
        yield path

    def split_by_gguf(self, source):
        """A GGUF file that gguf-py wrote again, cut into several."""
        from gguf import GGUFReader, GGUFValueType, GGUFWriter

        reader = GGUFReader(source)
        path = self.place("model.gguf")
        writer = GGUFWriter(path, reader.fields["general.architecture"].contents(),
                            split_max_tensors=7)
        for field in reader.fields.values():
            if not field.name.startswith("GGUF.") and field.name != "general.architecture":
                part = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
                writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=part)
        for tensor in reader.tensors:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        parts = os.listdir(os.path.dirname(path))
        require(len(parts) > 2, "gguf-py wrote one file")
        layout = self.layout(source)
        for target in [os.path.dirname(path), os.path.join(os.path.dirname(path), sorted(parts)[0])]:
            alike = [contents(self.convert(path, "--to", layout) + "/model.gguf")
                     for path in [source, target]]
            require(alike[0] == alike[1], f"{target} is read as something else")
        return f"{len(parts)} files"

    # Logits of llama.cpp.

    def through_llama(self, source):
        """A file of llama.cpp becomes a checkpoint of transformers and a GGUF file again; llama.cpp
        must load that and compute the recorded logits."""
        there = self.of_llama(source)
        shutil.copytree(os.path.join(FIXTURES, "gguf", "tokenizer"), there, dirs_exist_ok=True)
        back = self.convert(there, "--to", self.layout(source))
        run = subprocess.run([sys.executable, __file__, "--llama", back + "/model.gguf",
                              source.removesuffix(".gguf") + ".reference.safetensors"],
                             capture_output=True, text=True)
        require(run.returncode == 0, run.stdout[-400:] + run.stderr[-400:])
        return run.stdout.strip().splitlines()[-1]


def save_distributed(rank, source, folder):
    """One of two processes that save a checkpoint together."""
    import torch.distributed
    import torch.distributed.checkpoint
    from safetensors.torch import load_file
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}.meeting", rank=int(rank), world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    tensors = {name: distribute_tensor(tensor, mesh, [Shard(0)])
               for name, tensor in load_file(source + "/model.safetensors").items()}
    state = {"model": tensors, "step": torch.tensor(7)}
    torch.distributed.checkpoint.save(state, checkpoint_id=folder)
    torch.distributed.destroy_process_group()


def compare_with_llama(path, reference):
    """Log probabilities after some prefixes of a prompt against those of a reference file."""
    import numpy
    import xllamacpp

    with open(reference, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    arrays = {name: numpy.frombuffer(data[slice(*header[name]["data_offsets"])], kind)
              for name, kind in [("input_ids", "<i8"), ("logits", "<f4")]}
    ids = arrays["input_ids"].tolist()
    logits = arrays["logits"].reshape(len(ids), -1).astype(numpy.float64)
    expected = logits - numpy.log(numpy.exp(logits).sum(-1, keepdims=True))
    parameters = xllamacpp.CommonParams()
    parameters.model.path = path
    parameters.n_ctx, parameters.n_gpu_layers, parameters.warmup = 256, 0, False
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(parameters)
    worst = compared = 0
    for count in [1, 2, 3, len(ids) // 2, len(ids)]:
        answer = server.handle_completions({
            "prompt": ids[:count], "n_predict": 1, "temperature": -1, "cache_prompt": False,
            "n_probs": logits.shape[1]})
        chosen = answer["choices"][0]["logprobs"]
        if chosen is None:  # The end of the text, for which it tells none.
            continue
        words = chosen["content"][0]["top_logprobs"]
        require(len(words) == logits.shape[1], "llama.cpp has another vocabulary")
        compared += 1
        worst = max(worst, *(abs(word["logprob"] - expected[count - 1, word["id"]]) for word in words))
    print(f"largest difference of a log probability {worst:.2g}")
    sys.exit(0 if worst < 1e-4 and compared > 2 else 1)


def checkpoints():
    """All fixtures that are checkpoints in safetensors."""
    for folder, _, names in sorted(os.walk(FIXTURES)):
        if "config.json" in names and any(
                name.startswith("model") and name.endswith(".safetensors") for name in names):
            yield folder


def parts(exchange):
    """What is tried, in words, and how."""
    for folder in checkpoints():
        if "/inspect/" not in folder:
            yield folder, lambda folder=folder: exchange.containers(folder)
    for name in ["qwen3_next/bf16", "qwen3_5/text-bf16", "qwen3_5/multimodal-mixed"]:
        folder = os.path.join(FIXTURES, "huggingface", name)
        for kind in ["keep", "f32", "bf16"]:
            yield folder, lambda folder=folder, kind=kind: exchange.through_gguf(folder, kind)
    files = sorted(glob.glob(os.path.join(FIXTURES, "gguf", "qwen*.gguf")))
    for path in files:
        for kind in ["f32", "bf16"]:
            yield path, lambda path=path, kind=kind: exchange.through_gguf(
                exchange.of_llama(path), kind)
    plain = os.path.join(FIXTURES, "options", "gdn-small")
    yield plain, lambda: "; ".join(exchange.written_by_others(plain))
    if "torch" in exchange.libraries:
        for name in ["gdn-small", "bf16-all"]:
            folder = os.path.join(FIXTURES, "options", name)
            yield folder, lambda folder=folder: exchange.distributed(folder)
    for path in files:
        if "gguf" in exchange.libraries:
            yield path, lambda path=path: "cut by gguf-py: " + exchange.split_by_gguf(path)
        if "llama.cpp" in exchange.libraries:
            yield path, lambda path=path: "llama.cpp: " + exchange.through_llama(path)


def main():
    if sys.argv[1:2] == ["--llama"]:
        return compare_with_llama(*sys.argv[2:])
    if sys.argv[1:2] == ["--rank"]:
        return save_distributed(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("graft")
    parser.add_argument("--libraries", nargs="*", choices=list(MODULES))
    parser.add_argument("--only", default="", help="fixtures whose path contains this")
    options = parser.parse_args()
    found = [name for name, module in MODULES.items() if importlib.util.find_spec(module)]
    libraries = found if options.libraries is None else options.libraries
    if set(libraries) - set(found):
        sys.exit(f"not installed: {', '.join(sorted(set(libraries) - set(found)))}")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="graft-exchange-") as folder:
        exchange = Exchange(os.path.abspath(options.graft), folder, libraries)
        for name, part in parts(exchange):
            if options.only not in name:
                continue
            try:
                words = part()
            except Difference as difference:
                failed += 1
                words = f"DIFFERS: {difference}"
            print(f"{os.path.relpath(name, FIXTURES)}: {words}", flush=True)
            for left in os.listdir(folder):
                path = os.path.join(folder, left)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    others = sorted(set(MODULES) - set(libraries))
    print(f"libraries: {', '.join(libraries) or 'none'}"
          + (f"; not installed: {', '.join(others)}" if others else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
