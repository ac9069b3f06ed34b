#!/usr/bin/env python3
"""Generates charts that nobody wrote, renders each with the real helms and with hydrate, and shows what differs.

usage: generate.py --hydrate HYDRATE --helm3 HELM --helm4 HELM [--count N] [--seed S] [--keep DIR] [KIND…]

Kinds are the files of cases/: each makes charts of its kind out of a random number generator, so a seed names a run. N is the
number of cases of all kinds together; each is rendered at both levels. Compared are the exit status, stdout byte for byte,
and, where helm refuses, whether the text of its error is in hydrate's stderr. What COMPATIBILITY.md names is counted, not shown.

A helm whose name ends in `-probe` (helm-probe/build makes them) is started once and asked for all cases. --keep writes
what differs to a folder, a case a directory.
"""
import argparse, base64, importlib, json, os, random, re, shutil, subprocess, sys, tempfile, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
KINDS = sorted(file.stem for file in (HERE / "cases").glob("[a-z]*.py"))
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "HYDRATE_", "KUBE")) and k != "TZ"}


# So many times helm is asked again where it answered something else: where it goes over a map, its answers differ from run to run.
AGAIN = 60


class Program:
    """A program that is started for each command line."""

    def __init__(self, path, **environment):
        self.path, self.environment = path, dict(CLEAN, **environment)

    def run(self, directory, args):
        done = subprocess.run([*self.path, *args], cwd=directory, env=self.environment, capture_output=True, timeout=120)
        return done.returncode, done.stdout, done.stderr


class Probe(Program):
    """A helm that answers one command line after the other; each thread has one of its own."""

    def __init__(self, path, **environment):
        super().__init__(path, HELM_PROBE="1", **environment)
        self.mine = threading.local()

    def run(self, directory, args):
        if getattr(self.mine, "left", 0) == 0:
            self.mine.process = subprocess.Popen(self.path, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.mine.left = 2000
        process = self.mine.process
        self.mine.left -= 1
        process.stdin.write(json.dumps({"Dir": str(directory), "Args": args}).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if self.mine.left == 0 or not line:
            process.kill()
            process.wait()
            self.mine.left = 0
        if not line:
            return 2, b"", b"panic: the process died"
        answer = json.loads(line)
        return answer["RC"], base64.b64decode(answer["Out"] or ""), base64.b64decode(answer["Err"] or "")


def helm(path, home):
    path = os.path.abspath(path)
    kind = Probe if path.endswith("-probe") else Program
    return kind([path], HOME=home)


def write(directory, files):
    for name, content in files.items():
        file = Path(directory) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)


def error_text(err):
    """Helm's error: what follows `Error: `, or the first line of a panic."""
    text = err.decode("utf-8", "replace")
    panic = re.search(r"^panic: (.*)", text, re.M)
    if panic:
        return panic.group(1).split(" [recovered]")[0].strip()
    return text[text.find("Error: "):].strip()


def difference(case, directory, wanted, got):
    """What differs, in a word; nothing where all is well."""
    if (wanted[0] == 0) != (got[0] == 0):
        return "must refuse" if wanted[0] else "refused"
    if got[0] not in (0, 1):
        return f"exit {got[0]}"
    if wanted[0] == 0:
        return "stdout" if wanted[1] != got[1] else None
    error = error_text(wanted[2]).replace(str(directory), "DIR")
    if wanted[0] == 2 or "0xc0" in error:  # a panic, or an address in it
        return None
    ours = got[2].decode("utf-8", "replace").replace(str(directory), "DIR")
    # Lines of a message after the first one are indented, and control characters are shown escaped.
    shown = lambda text: re.sub(r"\\u\{[0-9a-f]+\}|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufeef\U00010000-\U0010ffff\n]|[\u2028\u2029\u200b-\u200f\u202a-\u202e]", "?", text)
    plain = lambda text: [line.strip() for line in shown(text).strip().split("\n")]
    return None if "\n".join(plain(error)) in "\n".join(plain(ours)) else "text"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hydrate", required=True)
    parser.add_argument("--helm3", required=True)
    parser.add_argument("--helm4", required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    parser.add_argument("--show", type=int, default=20, help="so many differences of a kind are shown")
    parser.add_argument("kinds", nargs="*")
    options = parser.parse_args()
    kinds = options.kinds or KINDS
    scratch = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    home = f"{scratch.name}/home"
    helms = {"v4": helm(options.helm4, home), "v3": helm(options.helm3, home)}
    hydrate = os.path.abspath(options.hydrate)
    ours = {level: Program([hydrate, "helm"], HYDRATE_HELM_COMPAT=level, HOME=home, HYDRATE_CACHE_DIR=f"{home}/cache") for level in helms}
    failed = 0
    for kind in kinds:
        module = importlib.import_module(f"cases.{kind}")
        known = getattr(module, "known", lambda *_: False)
        began, total, wrong, named, refused = time.time(), 0, 0, 0, 0
        lock = threading.Lock()

        def one(number):
            nonlocal total, wrong, named, refused
            seed = f"{kind}-{options.seed}-{number}"
            case = module.case(random.Random(seed))
            directory = Path(scratch.name) / f"{kind}{number}"
            write(directory / "c", case["files"])
            args = ["template", "rel", "c", *case.get("args", [])]
            try:
                for level, theirs in helms.items():
                    wanted, got = theirs.run(directory, args), ours[level].run(directory, args)
                    what = difference(case, directory, wanted, got)
                    if what and any(difference(case, directory, theirs.run(directory, args), got) is None for _ in range(AGAIN)):
                        # Go goes over a map in another order each time: helm gives this answer as well.
                        what = None
                    with lock:
                        total += 1
                        refused += wanted[0] != 0
                        if what and known(case, level, wanted, got):
                            named += 1
                        elif what:
                            wrong += 1
                            if wrong <= options.show:
                                print(f"{seed} {level}: {what}", *shown(wanted, got), sep="\n    ")
                            if options.keep:
                                kept = Path(options.keep) / f"{seed}-{level}"
                                shutil.copytree(directory, kept, dirs_exist_ok=True)
                                write(kept, {"args": " ".join(args), "helm.out": wanted[1], "helm.err": wanted[2], "ours.out": got[1], "ours.err": got[2]})
            finally:
                shutil.rmtree(directory)

        share = max(1, options.count // len(kinds))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, range(share)))
        failed += wrong
        print(f"{kind}: {total} comparisons, {refused} refused by helm, {wrong} differ, {named} as COMPATIBILITY.md says; {time.time() - began:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


def shown(wanted, got):
    """The lines that differ, or the errors."""
    texts = []
    for code, out, err in (wanted, got):
        text = out.decode("utf-8", "replace") if code == 0 else error_text(err) or err.decode("utf-8", "replace")
        texts.append((text.split("\nerror: ")[0] if code else text).split("\n"))
    if wanted[0] == got[0] == 0:
        longest = max(map(len, texts))
        pairs = zip(*(text + ["(end)"] * (longest - len(text)) for text in texts))
        texts = list(zip(*[pair for pair in pairs if pair[0] != pair[1]][:4]))
    return [f"{name} {' ~ '.join(text)[:500]!r}" for name, text in zip(("helm:   ", "hydrate:"), texts)]


if __name__ == "__main__":
    main()
