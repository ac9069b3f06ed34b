#!/usr/bin/env python3
"""Renew the recorded answers under crates/kustomize/tests/kustomize with the real kustomize.

usage: tests/conformance/kustomize.py KUBECTL [DIRECTORY]

A fixture is one text file. Lines `=== path` begin the files of the input, the build runs in the directory of the first one. The last
section is the answer: `=== stdout`, or `=== stderr` where kustomize refuses; there the directory of the run is written as ROOT.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

KUBECTL = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2] / "crates/kustomize/tests/kustomize")


def sections(text):
    """The sections of a fixture: path to content, in order."""
    parts = re.split(r"^=== (.+)\n", text, flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def renew(path):
    """Runs one fixture and rewrites its answer; gives whether that changed."""
    old = path.read_text()
    files = [(name, content) for name, content in sections(old) if name not in ("stdout", "stderr")]
    with tempfile.TemporaryDirectory() as root:
        root = pathlib.Path(root).resolve()
        for name, content in files:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        run = subprocess.run([KUBECTL, "kustomize", (root / files[0][0]).parent], capture_output=True, text=True)
        answer = ("stdout", run.stdout) if run.returncode == 0 else ("stderr", run.stderr.replace(str(root), "ROOT").rstrip("\n") + "\n")
    new = "".join(f"=== {name}\n{content}" for name, content in [*files, answer])
    path.write_text(new)
    return new != old


paths = sorted(ROOT.rglob("*.txt"))
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    changed = sum(pool.map(renew, paths))
print(f"{len(paths)} fixtures, {changed} changed")
