#!/usr/bin/env python3
"""Ends graft at random moments and looks at what it leaves behind.

usage: soak.py path/to/graft [--kills N] [--seed N] [--only NAME…]

Each part makes a checkpoint of some MB, spoils the run in one way and then checks the promises of
the README: the destination is absent or complete and verified, the source is what it was, the next
run succeeds, and nothing else is left in the directory once it has.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")


class Broken(Exception):
    """A promise that was not kept."""


def require(condition, what):
    if not condition:
        raise Broken(what)


def digest(path):
    """The hash of a file, or of all names and files below a directory."""
    if os.path.isfile(path):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    parts = [(name, digest(os.path.join(path, name))) for name in sorted(os.listdir(path))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def enlarge(source, target, megabytes):
    """Copies a checkpoint and gives it so large a vocabulary that writing takes time."""
    shutil.copytree(source, target)
    path = os.path.join(target, "model.safetensors")
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    with open(os.path.join(target, "config.json")) as file:
        config = json.load(file)
    rows, width = config["vocab_size"], config["hidden_size"]
    wanted = megabytes * 1_000_000 // (width * 4)
    config["vocab_size"] = wanted
    names = [name for name in header if name != "__metadata__"]
    position, blocks = 0, []
    for name in sorted(names, key=lambda name: header[name]["data_offsets"][0]):
        entry = header[name]
        begin, end = entry["data_offsets"]
        block = data[begin:end]
        if name.split(".")[-2] in ("wte", "lm_head"):
            block = (block * (wanted // rows + 1))[: (end - begin) // rows * wanted]
            entry["shape"] = [wanted, width]
        entry["data_offsets"] = [position, position + len(block)]
        position += len(block)
        blocks.append(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))
    with open(os.path.join(target, "config.json"), "w") as file:
        json.dump(config, file)
    with contextlib.suppress(FileNotFoundError):
        os.remove(os.path.join(target, "reference.safetensors"))


class Soak:
    def __init__(self, graft, folder, seed):
        self.graft = graft
        self.folder = folder
        self.random = random.Random(seed)
        self.source = os.path.join(folder, "source")
        enlarge(os.path.join(FIXTURES, "options", "gdn-small"), self.source, 24)
        self.before = digest(self.source)
        self.convert = ["convert", self.source, "DST", "--dtype", "bf16", "--allow", "lossy",
                        "--max-shard-size", "4MB"]
        self.splice = ["splice", self.source, "DST", "--layer", "0"]
        self.expected = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, arguments, destination, **options):
        words = [destination if word == "DST" else word for word in arguments]
        return subprocess.Popen([self.graft] + words, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)

    def run(self, arguments, destination, **options):
        process = self.start(arguments, destination, **options)
        output, errors = process.communicate(timeout=120)
        return process.returncode, output, errors

    def duration(self, arguments):
        """How long a run takes that nobody disturbs; its output is what all others are held to."""
        destination = self.path("undisturbed")
        started = time.monotonic()
        code, _, errors = self.run(arguments, destination)
        seconds = time.monotonic() - started
        require(code == 0, f"an undisturbed run failed: {errors}")
        self.expected[arguments[0]] = self.contents(destination)
        shutil.rmtree(destination)
        return seconds

    def contents(self, destination):
        """The hashes of an output; the manifest says where it came from and is left out."""
        return {name: digest(os.path.join(destination, name))
                for name in sorted(os.listdir(destination)) if name != "graft.json"}

    def check_destination(self, arguments, destination):
        """Absent, or complete and the same as that of an undisturbed run."""
        if not os.path.lexists(destination):
            return False
        require(self.contents(destination) == self.expected[arguments[0]],
                f"{destination} is there and not complete")
        code, _, errors = self.run(["inspect", "DST", "--audit"], destination)
        require(code == 0, f"{destination} does not pass the audit: {errors}")
        return True

    def check_source(self):
        require(digest(self.source) == self.before, "the source is not what it was")

    def check_leftovers(self, folder, allowed):
        left = sorted(set(os.listdir(folder)) - set(allowed))
        require(not left, f"left behind: {left}")

    # The parts, each a promise or several.

    def kills(self, arguments, count):
        """kill -9 at any moment, then another run."""
        seconds = self.duration(arguments)
        complete = 0
        for number in range(count):
            folder = self.path("kills")
            os.makedirs(folder)
            destination = os.path.join(folder, "out")
            # Some runs are disturbed more than once before they may finish.
            for _ in range(self.random.choice([1, 1, 1, 3])):
                process = self.start(arguments, destination)
                time.sleep(self.random.uniform(0, seconds * 1.1))
                process.kill()
                process.communicate()
                self.check_source()
                if self.check_destination(arguments, destination):
                    complete += 1
                    break
            else:
                code, _, errors = self.run(arguments, destination)
                require(code == 0, f"kill {number}: the next run failed: {errors}")
                require(self.check_destination(arguments, destination), "no output")
            left = sorted(set(os.listdir(folder)) - {"out"})
            require(all(name == "out.graft-partial" for name in left),
                    f"left behind under names that do not say so: {left}")
            shutil.rmtree(folder)
        return f"{count} kills in runs of {seconds:.2f} s, {complete} after the output had appeared"

    def signals(self, arguments, number, count=10):
        """A signal that asks: the output is removed and the exit code says which it was."""
        seconds = self.duration(arguments)
        ended = 0
        for _ in range(count):
            folder = self.path("signals")
            os.makedirs(folder)
            destination = os.path.join(folder, "out")
            process = self.start(arguments, destination)
            time.sleep(self.random.uniform(0.05, max(0.06, seconds * 0.9)))
            process.send_signal(number)
            process.communicate(timeout=30)
            require(process.returncode in (0, 128 + number),
                    f"exit code {process.returncode} after {number.name}")
            ended += process.returncode != 0
            there = self.check_destination(arguments, destination)
            require(there or process.returncode != 0, "exit code 0 and no output")
            self.check_leftovers(folder, ["out"])
            self.check_source()
            shutil.rmtree(folder)
        require(ended > 0, f"no run was ended by {number.name}")
        return f"{count} times {number.name}, {ended} before the end, nothing left"

    @contextlib.contextmanager
    def mounted(self, *options):
        """A small file system of its own; None where this process may not mount."""
        folder = self.path("mounted")
        os.makedirs(folder, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", folder]
        if subprocess.run(command, capture_output=True).returncode != 0:
            yield None
            return
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)

    def full_disk(self, arguments):
        """Room for a part: one clear message, nothing left, and success where there is room."""
        self.duration(arguments)
        tried = 0
        for size in ["64k", "1m", "5m", "11m"]:
            with self.mounted(f"size={size}") as folder:
                if folder is None:
                    return "skipped: this process may not mount"
                destination = os.path.join(folder, "out")
                code, _, errors = self.run(arguments, destination)
                require(code == 74, f"exit code {code} on a full disk of {size}: {errors}")
                require("No space left" in errors or "no room" in errors, errors)
                require(not os.path.lexists(destination), "an output on a full disk")
                self.check_leftovers(folder, [])
                tried += 1
        with self.mounted("size=200m") as folder:
            destination = os.path.join(folder, "out")
            code, _, errors = self.run(arguments, destination)
            require(code == 0 and self.check_destination(arguments, destination), errors)
        self.check_source()
        return f"{tried} sizes that are too small, one that is not"

    def read_only(self, arguments):
        """A file system that takes nothing: refused at once."""
        with self.mounted("size=1m,ro") as folder:
            if folder is None:
                return "skipped: this process may not mount"
            code, _, errors = self.run(arguments, os.path.join(folder, "out"))
            require(code == 73, f"exit code {code}: {errors}")
            require("Read-only" in errors and folder in errors, errors)
        return "refused with exit code 73"

    def vanished(self, arguments, count=10):
        """The source is removed, or cut, while it is read."""
        seconds = self.duration(arguments)
        failed = 0
        for number in range(count):
            folder = self.path("vanished")
            source, destination = os.path.join(folder, "in"), os.path.join(folder, "out")
            shutil.copytree(self.source, source)
            words = [source if word == self.source else word for word in arguments]
            process = self.start(words, destination)
            time.sleep(self.random.uniform(0, seconds * 0.8))
            if number % 2:
                os.truncate(os.path.join(source, "model.safetensors"), 8192)
            else:
                shutil.rmtree(source)
            _, errors = process.communicate(timeout=60)
            code = process.returncode
            require(code in (0, 65, 66, 74), f"exit code {code}: {errors}")
            if code != 0:
                failed += 1
                require(errors.startswith("graft"), f"no message: {errors}")
                require(not os.path.lexists(destination), "an output of a vanished source")
                self.check_leftovers(folder, ["in"])
            else:
                self.check_destination(arguments, destination)
            shutil.rmtree(folder)
        return f"{count} times, {failed} failed with a message and left nothing"

    def two_at_once(self, arguments, count=10):
        """Two processes and one destination: one wins, the other says so."""
        self.duration(arguments)
        for _ in range(count):
            folder = self.path("two")
            os.makedirs(folder)
            destination = os.path.join(folder, "out")
            processes = [self.start(arguments, destination) for _ in range(2)]
            errors = [process.communicate(timeout=120)[1] for process in processes]
            codes = sorted(process.returncode for process in processes)
            require(codes == [0, 73], f"exit codes {codes}: {errors}")
            loser = next(e for p, e in zip(processes, errors) if p.returncode == 73)
            require(destination in loser, f"the message does not name the output: {loser}")
            require(self.check_destination(arguments, destination), "no output")
            self.check_leftovers(folder, ["out"])
            shutil.rmtree(folder)
        self.check_source()
        return f"{count} pairs, one won each time"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("graft")
    parser.add_argument("--kills", type=int, default=100, help="per command")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    # A shell ignores SIGINT for what it starts in the background, and so would all runs.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    broken = 0
    with tempfile.TemporaryDirectory(prefix="graft-soak-") as folder:
        soak = Soak(os.path.abspath(options.graft), folder, options.seed)
        parts = []
        for arguments in [soak.convert, soak.splice]:
            parts += [
                ("kills", lambda a: soak.kills(a, options.kills), arguments),
                ("sigint", lambda a: soak.signals(a, signal.SIGINT, options.rounds), arguments),
                ("sigterm", lambda a: soak.signals(a, signal.SIGTERM, options.rounds), arguments),
                ("full-disk", soak.full_disk, arguments),
                ("read-only", soak.read_only, arguments),
                ("vanished", lambda a: soak.vanished(a, options.rounds), arguments),
                ("two-at-once", lambda a: soak.two_at_once(a, options.rounds), arguments),
            ]
        for name, part, arguments in parts:
            if options.only and name not in options.only:
                continue
            try:
                print(f"{arguments[0]} {name}: {part(arguments)}", flush=True)
            except Broken as promise:
                broken += 1
                print(f"{arguments[0]} {name}: BROKEN: {promise}", flush=True)
                for left in ["kills", "signals", "vanished", "two", "undisturbed"]:
                    shutil.rmtree(soak.path(left), ignore_errors=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
