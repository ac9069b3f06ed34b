#!/usr/bin/env python3
"""Record what the real helmfile makes of values in HCL, or check that it still does.

usage: helmfile_hcl.py record|check --v0 HELMFILE --helm3 HELM --v1 HELMFILE --helm4 HELM [NAME…]

A fixture of crates/helmfile/tests/hcl is one text file. Lines `=== path` begin the files, which are read in their order; then follow the
answers, `=== v1` and `=== v0`: the values as JSON, or `! ` and helmfile's error. `(as v1)` is the same answer twice.
"""
import argparse, base64, json, os, pathlib, re, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "target/peers"
parser = argparse.ArgumentParser()
parser.add_argument("action", choices=["record", "check"])
parser.add_argument("--v0", default=PEERS / "helmfile0")
parser.add_argument("--v1", default=PEERS / "helmfile1")
parser.add_argument("--helm3", default=PEERS / "helm3")
parser.add_argument("--helm4", default=PEERS / "helm4")
parser.add_argument("names", nargs="*")
options = parser.parse_args()
TOOLS = {"v1": (options.v1, options.helm4), "v0": (options.v0, options.helm3)}
STATE = """environments:
  default:
    values: [FILES]
---
releases:
- name: one
  chart: ./chart
  values:
  - json: {{ .Values | toJson | b64enc }}
"""


def sections(text):
    parts = re.split(r"(?m)^=== (.+)\n", text)
    return list(zip(parts[1::2], parts[2::2]))


def answer(version, files):
    helmfile, helm = map(os.path.abspath, TOOLS[version])
    with tempfile.TemporaryDirectory() as directory:
        for name, content in files:
            pathlib.Path(directory, name).write_text(content)
        pathlib.Path(directory, "helmfile.yaml.gotmpl").write_text(STATE.replace("FILES", ", ".join(name for name, _ in files)))
        pathlib.Path(directory, "chart").mkdir()
        pathlib.Path(directory, "chart/Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 0.1.0\n")
        env = {"PATH": os.environ["PATH"], "HOME": directory, "HELMFILE_UPGRADE_NOTICE_DISABLED": "true"}
        run = subprocess.run([helmfile, "-b", helm, "build"], cwd=directory, env=env, capture_output=True, text=True, timeout=120)
        if run.returncode == 0:
            encoded = re.search(r"json: (\S+)", run.stdout).group(1)
            values = json.loads(base64.b64decode(encoded))
            return json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
        error = next((line for line in run.stderr.splitlines() if "panic:" in line), run.stderr.strip().split("\n")[0])
        return "! " + error.replace(os.path.realpath(directory), "ROOT").replace(directory, "ROOT").strip() + "\n"


changed = 0
paths = sorted((ROOT / "crates/helmfile/tests/hcl").glob("*.txt"))
for path in paths:
    if options.names and not any(name in path.name for name in options.names):
        continue
    old = path.read_text()
    files = [(name, content) for name, content in sections(old) if name not in TOOLS]
    answers = {version: answer(version, files) for version in TOOLS}
    if answers["v0"] == answers["v1"]:
        answers["v0"] = "(as v1)\n"
    new = "".join(f"=== {name}\n{content}" for name, content in [*files, *answers.items()])
    if new != old:
        changed += 1
        print(f"{path.name} has another answer")
    if options.action == "record":
        path.write_text(new)
print(f"hcl: {len(paths)} fixtures, {changed} changed")
sys.exit(1 if changed and options.action == "check" else 0)
