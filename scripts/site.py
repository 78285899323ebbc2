#!/usr/bin/env python3
"""Gathers the articles and the pages of docs/ into one catalogue for docc: site.py CATALOGUE.

Links between files become links of the site; what lies outside of it is named without a link.
"""
import pathlib
import re
import shutil
import sys

# Pages of docs/ in the order of the start page; those that are not named come last.
TOPICS = {
    "The verbs": ["commands", "outputs", "repair", "large-checkpoints", "exit-codes", "errors", "json", "python"],
    "What is read and written": ["layouts", "pairs", "containers", "packed"],
    "What was measured": ["measured", "splice", "performance", "faults", "faults-quantised", "oracle", "interop", "released", "robustness"],
}
ROOT = pathlib.Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def linked(text, pages):
    """The text with links to other pages by their names."""
    def link(match):
        words, target = match.groups()
        path = pathlib.PurePath(target.split("#")[0])
        if target.startswith("http") or path.suffix == ".svg":
            return match[0]
        name = path.stem
        return f"[{words}](doc:{name})" if path.suffix == ".md" and name in pages else words
    return re.sub(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)", link, text)


def main():
    out = pathlib.Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(DOCS / "Graft.docc", out)
    for file in [*DOCS.glob("*.md"), *DOCS.glob("*.svg")]:
        shutil.copy(file, out)
    pages = {file.stem for file in out.glob("*.md")}
    for file in out.glob("*.md"):
        file.write_text(linked(file.read_text(), pages))
    listed = [name for names in TOPICS.values() for name in names]
    others = sorted(file.stem for file in DOCS.glob("*.md") if file.stem not in listed)
    start = out / "Graft.md"
    groups = TOPICS | ({"More": others} if others else {})
    start.write_text(start.read_text() + "".join(
        f"\n### {title}\n\n" + "".join(f"- <doc:{name}>\n" for name in names) for title, names in groups.items()))


main()
