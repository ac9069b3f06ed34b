#!/usr/bin/env python3
"""Records what the real helm and kustomize print for the frozen charts and kustomizations: recorded/, by cases.tsv.

HELM4=… HELM3=… KUBECTL=… python3 tests/platform/record.py

`cargo test --test platform` renders the same with hydrate and compares; so the bytes of the real tools are held without having them. What is in frozen/ is the
platform as it was once; only a new case, or a new version of a tool, needs new answers.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HELMS = {"v4": "HELM4", "v3": "HELM3"}


def command(name, arguments):
    """The real tool's command line for a case."""
    tool, *rest = arguments.split()
    if tool == "kustomize":
        return [os.environ["KUBECTL"], "kustomize", *rest[1:]]
    return [os.environ[HELMS[name.split(".")[-2]]], *rest]


def main():
    for line in (HERE / "cases.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, arguments = line.split("\t")
        done = subprocess.run(command(name, arguments), cwd=HERE / "frozen", capture_output=True, check=True)
        (HERE / "recorded" / name).write_bytes(done.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
