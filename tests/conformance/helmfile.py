#!/usr/bin/env python3
"""Record what the real helmfiles answer to the fixtures of tests/helmfile, or check that they still do.

usage: helmfile.py record|check [--v0 HELMFILE --helm3 HELM --v1 HELMFILE --helm4 HELM --kustomize KUSTOMIZE] [NAME…]

A fixture is one text file. Lines `=== path` begin its files; `=== commands` are the command lines, with variables of the environment
before them. Then follow the answers, `=== v1` (helmfile 1.7 with helm 4) and `=== v0` (0.166 with helm 3): for each command a line
`$ command`, what it printed, `+++ path` before each file that it wrote, and `! STATUS` with the error where it failed. `(as v1)` is the same answer
twice, `(does not read it)` stands where a version is left out by a line `only v1` among the commands. Every run has a copy of the files, and of tests/helmfile/charts.
"""
import argparse, concurrent.futures, os, pathlib, re, shlex, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "target/peers"
FIXTURES = ROOT / "tests/helmfile"
parser = argparse.ArgumentParser()
parser.add_argument("action", choices=["record", "check"])
parser.add_argument("--v0", default=PEERS / "helmfile0")
parser.add_argument("--v1", default=PEERS / "helmfile1")
parser.add_argument("--helm3", default=PEERS / "helm3")
parser.add_argument("--helm4", default=PEERS / "helm4")
parser.add_argument("--kustomize", default=PEERS / "kustomize")
parser.add_argument("names", nargs="*")
options = parser.parse_args()
TOOLS = {"v1": (options.v1, options.helm4), "v0": (options.v0, options.helm3)}


def hide(text, patterns):
    for pattern, name in patterns.items():
        text = re.sub(pattern, name, text, flags=re.M)
    return text


def sections(text):
    parts = re.split(r"(?m)^=== (.+)\n", text)
    return list(zip(parts[1::2], parts[2::2]))


def snapshot(directory):
    return {path.relative_to(directory): path.read_text() for path in sorted(directory.rglob("*")) if path.is_file()}


def answer(version, files, commands):
    only = [line[5:].strip() for line in commands if line.startswith("only ")]
    if only and version not in only:
        return ["(does not read it)\n"]
    helmfile, helm = (os.path.abspath(tool) for tool in TOOLS[version])
    answers = []
    for command in (line for line in commands if not line.startswith("only ")):
        with tempfile.TemporaryDirectory() as scratch:
            # Two levels, as helmfile names releases of directories after their paths.
            scratch = pathlib.Path(scratch).resolve()
            work, home = scratch / "work", scratch / "home"
            home.mkdir()
            for name, content in files:
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                (work / name).write_text(content)
            shutil.copytree(FIXTURES / "charts", work / "charts", dirs_exist_ok=True)
            words = shlex.split(command)
            variables = [word for word in words if re.match(r"^[A-Z_]+=", word)]
            arguments = words[len(variables):]
            env = {"PATH": f"{os.path.dirname(os.path.abspath(options.kustomize))}:{os.environ['PATH']}", "HOME": str(home), "HELMFILE_UPGRADE_NOTICE_DISABLED": "true"}
            env |= dict(word.split("=", 1) for word in variables)
            before = snapshot(work)
            run = subprocess.run([helmfile, "-b", helm, *arguments], cwd=work, env=env, capture_output=True, text=True, timeout=60)
            # The name of an output directory has a digest of the helmfile's path in it; those of temporary directories are random,
            # and an error tells how long the arguments are, paths of the machine among them.
            hidden = lambda text: hide(text, {r"helmfile-[0-9a-f]{8}": "helmfile-DIGEST", r"/tmp/(chartify|helmfile)\d+": "TEMPORARY", r"\(\d+ bytes\)$": "(N bytes)"})
            shown = lambda text: hidden(text).replace(str(work), "ROOT").replace(helm, "helm").replace(str(scratch), "SCRATCH").replace(os.path.basename(scratch), "SCRATCH")
            out = [f"$ {command}\n{shown(run.stdout)}"]
            for path, content in snapshot(work).items():
                if before.get(path) != content:
                    out.append(f"+++ {hidden(str(path))}\n{shown(content)}")
            if run.returncode != 0:
                out.append(f"! {run.returncode}\n{error(shown(run.stderr))}")
            answers.append("".join(out))
    return answers


def error(text):
    """The error at the end, without the log lines before it."""
    lines = [line for line in text.splitlines() if line.strip()]
    panic = [line for line in lines if line.startswith("panic:")]
    start = next((at for at, line in enumerate(lines) if line.startswith(("in ./", "in ", "err: ", "Error", "error", "failed"))), max(len(lines) - 1, 0))
    return "\n".join(panic or lines[start:][:12]) + "\n"


def renew(path):
    old = path.read_text()
    answers, files, commands = {}, [], []
    for name, content in sections(old):
        if name == "commands":
            commands = content.splitlines()
        elif name not in TOOLS:
            files.append((name, content))
    for version in TOOLS:
        answers[version] = answer(version, files, commands)
    if len(answers["v0"]) == len(answers["v1"]):
        answers["v0"] = [old if old != new else old.split("\n")[0] + "\n(as v1)\n" for old, new in zip(answers["v0"], answers["v1"])]
    answers = {version: "".join(parts) for version, parts in answers.items()}
    new = [*files, ("commands", "".join(line + "\n" for line in commands)), *answers.items()]
    new = "".join(f"=== {name}\n{content if content.endswith(chr(10)) or not content else content + chr(10)}" for name, content in new)
    if options.action == "record":
        path.write_text(new)
    return path.name if new != old else None


paths = [path for path in sorted(FIXTURES.glob("*.txt")) if not options.names or any(name in path.name for name in options.names)]
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    changed = [name for name in pool.map(renew, paths) if name]
for name in changed:
    print(f"{name} has another answer")
print(f"helmfile: {len(paths)} fixtures, {len(changed)} changed")
sys.exit(1 if changed and options.action == "check" else 0)
