#!/usr/bin/env python3
"""Measure `hydrate helm template` against the real helm, or record what the real helm says.

usage: helm.py check|record --helm3 HELM --helm4 HELM [--hydrate HYDRATE] [NAME…]

Goes over the cases in tests/charts/*.txt and over the charts in components/*/chart. A case is one text file: sections
`-- PATH --` make the chart, `-- args --` holds further arguments, and `== v3 ==` and `== v4 ==` what each helm answers.
`check` compares the real helm's answer of today with hydrate's, stdout byte for byte, and where helm refuses, its
`Error:` text must be in hydrate's stderr. `record` writes the answers into the cases, for `cargo test` to replay offline.
"""
import argparse, glob, os, re, shlex, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
parser = argparse.ArgumentParser()
parser.add_argument("action", choices=["check", "record"])
parser.add_argument("--helm3", default=f"{ROOT}/target/peers/helm3")
parser.add_argument("--helm4", default=f"{ROOT}/target/peers/helm4")
parser.add_argument("--hydrate", default=f"{ROOT}/target/release/hydrate")
parser.add_argument("names", nargs="*")
options = parser.parse_args()
HELMS = {"v3": options.helm3, "v4": options.helm4}
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "HYDRATE_"))}


def split(text):
    """The chart's files, the arguments, and the input part of a case as it is written."""
    given = re.split(r"(?m)^== v[34] ==$", text)[0]
    parts = re.split(r"(?m)^-- (\S+) --\n", given)[1:]
    files = dict(zip(parts[::2], parts[1::2]))
    return files, shlex.split(files.pop("args", "").replace('"', '\\"')), given


def run(command, directory, level):
    env = dict(CLEAN, HYDRATE_HELM_COMPAT=level)
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def answer(code, out, err):
    """What is recorded: stdout, or the error without what differs from run to run."""
    if code == 0:
        return out.decode()
    return "! " + error_text(err) + "\n"


def error_text(err):
    """Helm's error; of a panic the message."""
    panic = re.search(r"^panic: (.*)", err, re.M)
    return panic.group(1).strip() if panic else err[err.find("Error: "):].replace(os.getcwd(), "").strip()


def case(path):
    with open(path) as f:
        text = f.read()
    files, args, given = split(text)
    bad = []
    with tempfile.TemporaryDirectory() as directory:
        for name, content in files.items():
            where = f"{directory}/chart/{name}"
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "w") as f:
                f.write(content)
        recorded = {}
        for level, helm in HELMS.items():
            inside = f"{directory}/chart"
            wanted = run([helm, "template", "rel", ".", *args], inside, level)
            recorded[level] = answer(*wanted).replace(directory, "DIR")
            if options.action == "check":
                got = run([options.hydrate, "helm", "template", "rel", ".", *args], inside, level)
                bad += differences(level, wanted, got)
    if options.action == "record":
        with open(path, "w") as f:
            f.write(given)
            for level in ("v4", "v3"):
                same = level == "v3" and recorded["v3"] == recorded["v4"]
                f.write(f"== {level} ==\n" + ("(as v4)\n" if same else recorded[level]))
    return bad


def differences(level, wanted, got):
    if wanted[0] == 0:
        return [] if got[0] == 0 and got[1] == wanted[1] else [f"{level}: stdout differs" if got[0] == 0 else f"{level}: refused: {got[2][:300]}"]
    error = error_text(wanted[2])
    if got[0] == 0:
        return [f"{level}: must refuse: {error}"]
    plain = lambda text: "\n".join(line.strip() for line in text.strip().splitlines())
    return [] if plain(error) in plain(got[2]) else [f"{level}: other words: {error!r}, not {got[2][:400]!r}"]


def component(chart):
    bad = []
    for level, helm in HELMS.items():
        flags = ["template", "rel", chart, "--include-crds", "--namespace", "ns", "--kube-version", "1.33.0"]
        bad += differences(level, run([helm, *flags], ROOT, level), run([options.hydrate, "helm", *flags], ROOT, level))
    return bad


failed = total = 0
jobs = [(os.path.basename(p)[:-4], case, p) for p in sorted(glob.glob(f"{ROOT}/tests/charts/*.txt"))]
if options.action == "check":
    jobs += [(c, component, c) for c in sorted(glob.glob(f"{ROOT}/components/*/chart"))]
for name, work, argument in jobs:
    if options.names and not any(n in name for n in options.names):
        continue
    total += 1
    for line in work(argument):
        failed += 1
        print(f"{name}: {line}")
print(f"helm: {total} cases, {failed} differences")
sys.exit(1 if failed else 0)
