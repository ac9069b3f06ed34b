#!/usr/bin/env python3
"""Records what the real helm and kustomize make of the charts and kustomizations in components/: their digests, in recorded.tsv.

HELM4=… HELM3=… KUBECTL=… python3 tests/platform/record.py

`cargo test --test platform` renders the same with hydrate and compares; so the bytes of the real tools are held without having them. Run it after
every change to a chart, its values or a kustomization. For what differs, compare the outputs themselves with `make conformance`.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
HELMS = (("v4", "HELM4"), ("v3", "HELM3"))


def sources():
    """(component, namespace, kind, settings) of every helm and kustomize source."""
    for path in sorted(ROOT.glob("components/*/component.yaml")):
        component = yaml.safe_load(path.read_text())
        for source in component["sources"]:
            for kind, settings in source.items():
                if kind in ("helm", "kustomize"):
                    yield path.parent.name, component.get("namespace", "default"), kind, settings


def output(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def main():
    lines = ["# level\targuments of hydrate, from the root of the repository\tSHA-256 of what the real tool prints"]
    for name, namespace, kind, settings in sources():
        if kind == "kustomize":
            path = f"components/{name}/{settings.replace('${env}', 'k3d')}"
            lines.append(f"-\tkustomize build {path}\t{hashlib.sha256(output(os.environ['KUBECTL'], 'kustomize', path)).hexdigest()}")
            continue
        chart = os.path.normpath(f"components/{name}/{settings['chart']}")
        values = [f"components/{name}/{value.replace('${env}', 'k3d').rstrip('?')}" for value in settings["values"]]
        files = " ".join(f"--values {value}" for value in values if (ROOT / value).exists())
        arguments = f"template {settings['release']} {chart} --namespace {namespace} --kube-version 1.33.1 {files}".strip()
        for level, variable in HELMS:
            lines.append(f"{level}\thelm {arguments}\t{hashlib.sha256(output(os.environ[variable], *arguments.split())).hexdigest()}")
    (ROOT / "tests/platform/recorded.tsv").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
