#!/usr/bin/env python3
"""Prints which share of the lines of some modules the tests ran: coverage.py BINARY PROFILE FOLDER MODULE…

Reads what `swift test --enable-code-coverage` measured, with llvm-cov of the toolchain, and writes
FOLDER/MODULE.txt with every line that no test ran.
"""

import os
import shutil
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


def tool():
    """llvm-cov of the toolchain that measured, because formats differ between releases."""
    beside = os.path.join(os.path.dirname(os.path.realpath(shutil.which("swift") or "")), "llvm-cov")
    return beside if os.path.exists(beside) else "llvm-cov"


def measured(binary, profile, module):
    """How often each line of code ran, by file."""
    folder = os.path.join(ROOT, "Sources", module)
    text = subprocess.run(
        [tool(), "export", "-format=lcov", "-instr-profile", profile, binary, folder],
        check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = {}
    for record in text.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            path = value
        elif kind == "DA":
            line, count = value.split(",")[:2]
            place = lines.setdefault(path, {})
            place[int(line)] = max(place.get(int(line), 0), int(count))
    return lines


def listing(lines):
    """The lines that no test ran, as a compiler would name them."""
    for path, counts in sorted(lines.items()):
        with open(path) as file:
            text = file.read().splitlines()
        for line in sorted(line for line, count in counts.items() if count == 0):
            yield f"{os.path.relpath(path, ROOT)}:{line}: {text[line - 1].strip()}"


def main():
    binary, profile, folder = sys.argv[1:4]
    os.makedirs(folder, exist_ok=True)
    for module in sys.argv[4:]:
        lines = measured(binary, profile, module)
        counts = [count for file in lines.values() for count in file.values()]
        share = 100 * sum(count > 0 for count in counts) / len(counts)
        report = os.path.join(folder, f"{module}.txt")
        with open(report, "w") as file:
            file.writelines(f"{line}\n" for line in listing(lines))
        print(f"{module}: {share:.1f} % of {len(counts)} lines; the others are in {report}")


if __name__ == "__main__":
    main()
