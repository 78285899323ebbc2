# SPDX-License-Identifier: Apache-2.0
"""What all benchmarks share: rounds in turns, processor time of commands, and the table of goals."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass


@dataclass
class Row:
    """A ratio beside its goal, if it has one; `sense` says on which side of the goal it should lie."""

    what: str
    ratio: float
    lowest: float
    highest: float
    goal: float | None
    sense: str  # "at least" or "at most"
    unit: str = "×"

    @property
    def text(self):
        spread = f"{self.lowest:.2f} to {self.highest:.2f}" if self.lowest != self.highest else ""
        start = f"| {self.what} | {self.ratio:.2f} {self.unit} | {spread} |"
        if self.goal is None:
            return f"{start} | |"
        met = self.ratio >= self.goal if self.sense == "at least" else self.ratio <= self.goal
        sign = "≥" if self.sense == "at least" else "≤"
        return f"{start} {sign} {self.goal:g} {self.unit} | {'yes' if met else 'no'} |"


def row(what, ratios, goal, sense="at least", unit="×"):
    return Row(what, statistics.median(ratios), min(ratios), max(ratios), goal, sense, unit)


class Report:
    """Prints rows as Markdown as they come and keeps them for a JSON file."""

    def __init__(self, title, facts):
        self.title, self.facts, self.rows = title, facts | {"load": os.getloadavg()[0]}, []
        print(f"\n{title}; {', '.join(f'{key} {value}' for key, value in self.facts.items())}\n")
        print("| task | measured | spread | goal | met |\n|---|---|---|---|---|", flush=True)

    def add(self, new):
        self.rows.append(new)
        print(new.text, flush=True)

    def save(self, path):
        with open(path, "w") as file:
            json.dump({"title": self.title, "facts": self.facts, "rows": [asdict(row) for row in self.rows]}, file, indent=1)


class Serving:
    """A graft-bench that answers tasks with its processor time."""

    def __init__(self, path):
        self.process = subprocess.Popen([path, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, task):
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            sys.exit(f"graft-bench failed at: {task}")
        return float(answer[0])

    def peak(self):
        """The most memory the process has had, in MiB."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rounds(count, tasks):
    """Runs tasks in turns; the list of results of each. The first round warms up and is left out."""
    results = {name: [] for name in tasks}
    for number in range(count + 1):
        for name, task in tasks.items():
            value = task()
            if number:
                results[name].append(value)
    return results


def ratios(results, above, below):
    return [a / b for a, b in zip(results[above], results[below])]


def command(arguments, **environment):
    """Seconds of processor time and peak memory in MiB of a command."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execvpe(arguments[0], arguments, os.environ | environment)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"failed: {' '.join(arguments)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
