#!/usr/bin/env python3
"""Compares random command lines of kustomize with the real one.

usage: tests/conformance/kustomize_commands.py HYDRATE KUSTOMIZE [--count N] [--seed S]

Compared are whether it fails, stdout, the files written, and whether kustomize's error is in hydrate's. Helps are not compared.
"""
import argparse, os, pathlib, random, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument("hydrate", type=os.path.abspath)
parser.add_argument("kustomize", type=os.path.abspath)
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--seed", default="1")
options = parser.parse_args()
R = random.Random(options.seed)

FILES = {"k/kustomization.yaml": "resources: [a.yaml]\nnameSuffix: -x\n", "k/a.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n"}
SWITCHES = ["enable-helm", "enable-alpha-plugins", "enable-exec", "network", "as-current-user", "helm-debug", "stack-trace", "enable-managedby-label", "nope", "help"]
SHORT = {"output": "o", "env": "e"}
VALUED = {"output": ["", "out/x.yaml", "out", "none/x"], "load-restrictor": ["", "LoadRestrictionsNone", "LoadRestrictionsRootOnly", "x"], "reorder": ["legacy", "none", "x", ""],
          "network-name": ["x", ""], "mount": ["a=b", "a,b", ""], "env": ["A=b", "A", 'a"b'], "helm-api-versions": ["a", "a,b", ""], "helm-command": ["helm", ""], "helm-kube-version": ["1.30", "x", ""]}


def flag():
    if R.random() < 0.45:
        name = R.choice(SWITCHES)
        return [R.choice([f"--{name}", f"--{name}", f"--{name}=" + R.choice(["1", "T", "false", "True", "yes", "", "F"])])]
    name = R.choice(sorted(VALUED))
    value = R.choice(VALUED[name])
    if name in SHORT and R.random() < 0.5:
        return R.choice([[f"-{SHORT[name]}", value], [f"-{SHORT[name]}{value}"], [f"-{SHORT[name]}={value}"]])
    return R.choice([[f"--{name}", value], [f"--{name}={value}"]])


def line():
    flags = [word for _ in range(R.choice([0, 1, 1, 2, 3])) for word in flag()]
    command = ["build"] if R.random() < 0.9 else R.choice([["version"], ["build", "build"], [], ["x"]])
    if command == ["version"]:
        return command
    places = R.choice([["k"], ["k"], ["k"], ["./k"], ["none"], [], ["k", "k"], ["k/"]])
    words = R.choice([command + flags + places, command + places + flags, flags + command + places])
    if R.random() < 0.05:
        words.insert(R.randint(0, len(words)), R.choice(["--", "-z", "---x", "--=", "-"]))
    return words


def run(command, args):
    with tempfile.TemporaryDirectory() as root:
        for name, text in FILES.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        out = pathlib.Path(root, "out")
        out.mkdir()
        done = subprocess.run(command + args, cwd=root, env={"PATH": os.environ["PATH"], "HOME": root}, capture_output=True, stdin=subprocess.DEVNULL)
        files = {path.name: path.read_text() for path in sorted(out.iterdir())}
        return done.returncode != 0, done.stdout.decode(), files, done.stderr.decode().replace(root, "ROOT")


same = wrong = 0
for _ in range(options.count):
    args = line()
    theirs, ours = run([options.kustomize], args), run([options.hydrate, "kustomize"], args)
    error = theirs[3].split("Error: ", 1)[-1].split("\n")[0]
    is_help = "Usage:" in theirs[1] and "Usage:" in ours[1]
    if ours[0] == theirs[0] and (is_help or ours[:3] == theirs[:3]) and (not theirs[0] or error in ours[3]):
        same += 1
    else:
        wrong += 1
        print(args, "kustomize:", theirs, "hydrate:", ours, flush=True)
print(f"{same} same, {wrong} different")
sys.exit(wrong != 0)
