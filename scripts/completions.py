#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks real shells what they offer after the last word of a line: completions.py GRAFT [SHELL ...].

Without shells: zsh and fish, those of them that are installed. Exit code 1 where one offers something else than it
should. Lines name fixtures and are completed in their folder. (Tests of the project ask bash.)
"""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MLX = ["mlx-bailing_hybrid", "mlx-kimi_linear", "mlx-olmo_hybrid", "mlx-qwen3_5", "mlx-qwen3_5_moe", "mlx-qwen3_next", "mlx-qwen4_exp"]
# What is typed, and what is offered: all of it, or, behind a plus sign, at least that.
CASES = [
    ("conv", ["convert"]),
    ("convert --to gguf-qwen35m", ["gguf-qwen35moe"]),
    ("convert --to ml", ["mlx", *MLX]),
    ("convert --to jet", []),
    ("convert --allow lossy,co", ["lossy,code"]),
    ("convert --to qwen3_5 --form mul", ["multimodal"]),
    ("convert --to qwen3_5_moe --form te", ["text, experts apart", "text, experts fused"]),
    ("convert --quantise mlx-n", ["mlx-nvfp4"]),
    ("convert --container torch_", ["torch_dist"]),
    ("convert --allow lo", ["lossy"]),
    ("splice options/gdn-small out --layer ", ["0", "1", "all", "auto"]),
    ("splice lm-engine/gdn-hybrid out --layer 1,", ["1,0", "1,1", "1,3"]),
    ("splice a b --init d", ["donor"]),
    ("inspect --from olmo", ["olmo_hybrid"]),
    ("inspect --assume norm-offset=1", ["norm-offset=1"]),
    ("verify x --gate b", ["bf16"]),
    ("inspect trained/pyti", ["trained/pytiny"]),
]

ZSH = r"""
PS1='ready '; fpath=("$FOLDER" $fpath)
autoload -Uz compinit; compinit -u -D
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)[[:space:]]* ]]; then builtin compadd "$@"; return $?; fi
  local -a hits; builtin compadd -A hits "$@"
  local prefix=$IPREFIX; local place=${@[(i)-p]}
  (( place < ${@[(i)(-|--)]} )) && prefix+=${@[place+1]}
  for hit in "${hits[@]}"; do print -r -- "$prefix$hit" >> "$ANSWER"; done
}
finished() { print -r -- END >> "$ANSWER"; zle -I; BUFFER= }
zle -N finished; bindkey '^X' finished; bindkey '^I' complete-word; bindkey '^U' kill-whole-line
"""
FISH = r"""
source $FOLDER/graft.fish
function answer; complete -C (commandline -cp) > $ANSWER; echo END >> $ANSWER; commandline ''; end
bind \cx answer
"""


class Shell:
    """An interactive shell in a terminal of its own."""

    def __init__(self, name, graft, folder):
        self.name, self.answer = name, folder / "answer"
        script = subprocess.run([graft, "--generate-completion-script", name], capture_output=True, text=True, check=True)
        (folder / {"zsh": "_graft", "fish": "graft.fish"}[name]).write_text(script.stdout)
        (folder / "start").write_text({"zsh": ZSH, "fish": FISH}[name])
        (folder / "graft").symlink_to(Path(graft).resolve())
        path = f"{folder}:{os.environ['PATH']}"
        own = {"PATH": path, "FOLDER": str(folder), "ANSWER": str(self.answer), "TERM": "xterm", "HOME": str(folder), "LANG": "C.UTF-8"}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(FIXTURES)
            os.execvpe(name, {"zsh": ["zsh", "-f", "-i"], "fish": ["fish", "--no-config", "-i"]}[name], {**os.environ, **own})
        self.type(f"source {folder}/start\n")
        time.sleep(1)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def offers(self, line):
        """The words that are offered behind a line, without what is said of them."""
        self.answer.write_text("")
        self.type(f"graft {line}" + {"zsh": "\t\x18", "fish": "\x18"}[self.name])
        for _ in range(300):
            while select.select([self.terminal], [], [], 0.05)[0]:
                os.read(self.terminal, 65536)
            lines = self.answer.read_text().splitlines()
            if "END" in lines:
                words = [word.split("\t")[0].rstrip("/ ") for word in lines[: lines.index("END")]]
                return sorted({word.replace("\\", "") for word in words if word})
        raise SystemExit(f"{self.name} does not answer after: graft {line}")

    def end(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)


def main():
    graft = sys.argv[1]
    shells = sys.argv[2:] or [name for name in ("zsh", "fish") if shutil.which(name)]
    wrong = 0
    for name in shells:
        with tempfile.TemporaryDirectory() as folder:
            shell = Shell(name, graft, Path(folder))
            for line, expected in CASES:
                found = shell.offers(line)
                if found != sorted(expected):
                    wrong += 1
                    print(f"{name}: graft {line}\n  expected  {sorted(expected)}\n  offered   {found}")
            shell.end()
        print(f"{name}: {len(CASES)} lines")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
