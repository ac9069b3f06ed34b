#!/usr/bin/env python3
"""Compares hydrate-sops with the real `sops` (3.13), in both directions.

usage: sops.py record             encrypts and decrypts the files below crates/sops/tests/recorded anew with `sops`
       sops.py check [COUNT]      what each of the two encrypts, the other one decrypts to the same: those files and COUNT generated ones (300)

`sops` is the one in PATH, or what SOPS names. The key is the throw-away key beside the recorded files.
"""
import json, os, pathlib, random, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDED = ROOT / "crates/sops/tests/recorded"
SOPS = os.environ.get("SOPS", "sops")
FORMATS = {"yaml": "yaml", "json": "json", "env": "dotenv", "ini": "ini", "bin": "binary"}
KEYS = (RECORDED / "throw-away-key.txt").read_text()
RECIPIENT = next(line.split()[-1] for line in KEYS.splitlines() if "public key" in line)
ENVIRONMENT = {**os.environ, "SOPS_AGE_KEY": "\n".join(line for line in KEYS.splitlines() if not line.startswith("#")), "HOME": "/nonexistent"}


def run(command):
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def sops(command, format, file, options=()):
    return run([SOPS, *command, *options, "--input-type", format, "--output-type", format, str(file)])


def cases():
    for directory in sorted(path for path in RECORDED.iterdir() if path.is_dir()):
        plain = next(directory.glob("plain.*"))
        yield directory, plain, FORMATS[plain.suffix[1:]], (directory / "options").read_text().split("\n")[:-1]


def record():
    for directory, plain, format, options in cases():
        status, encrypted, said = sops(["--encrypt"], format, plain, ["--age", RECIPIENT, *options])
        assert status == 0, (plain, said)
        file = directory / f"encrypted{plain.suffix}"
        file.write_bytes(encrypted)
        status, decrypted, said = sops(["--decrypt"], format, file)
        assert status == 0, (plain, said)
        (directory / f"decrypted{plain.suffix}").write_bytes(decrypted)


def text(rng):
    # None of several lines begins with white space: below a list, what sops writes for it cannot be read.
    return rng.choice([
        "", "x", "two words", " led by a space", "ends with one ", "yes", "null", "12", "1.5", "0o7", "2024-01-01", "a: b", "# no comment", "- item", "<<", "ENC[x]",
        "one\ntwo\n", "one\ntwo", "tab\there", "quote ' and \"", "\u00fc\u65e5\U0001f600", "\u2028", "a\\nb", "`", "%", "@", "!x", "&a", "*a", "{", "[", "long " * 40,
        "".join(rng.choice("abc :#-'\"\n\\{}[],&*!|>%@`") for _ in range(rng.randrange(1, 12))).lstrip("\n "),
    ])


def value(rng, depth):
    kind = rng.randrange(10)
    if depth > 0 and kind < 2:
        return {key(rng, at): value(rng, depth - 1) for at in range(rng.randrange(4))}
    if depth > 0 and kind < 4:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return rng.choice([text(rng), text(rng), text(rng), rng.randrange(-10**6, 10**18), rng.random() * 10 ** rng.randrange(-9, 22), True, False, None])


def key(rng, at):
    return rng.choice(["a", "data", "stringData", "name_unencrypted", "x y", "\u00fc", "'", "a: b", "#", "true", "1", "~", "longer_key", "db_secret"]) + (str(at) if at else "")


def generated(rng, directory, number):
    format = rng.choice(["yaml", "yaml", "yaml", "json", "dotenv", "binary"])
    file = directory / f"{number}.{format}"
    if format in ("yaml", "json"):
        tree = {key(rng, at): value(rng, 3) for at in range(rng.randrange(1, 6))}
        tree.pop("sops", None)
        written = json.dumps(tree, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))
        if format == "yaml" and rng.random() < 0.3:
            written += "\n---\n" + json.dumps({key(rng, at): value(rng, 2) for at in range(rng.randrange(1, 3))})
        file.write_text(written)
    elif format == "dotenv":
        line = lambda at: rng.choice(["# " + text(rng).replace("\n", " "), f"K{at}=" + text(rng).replace("\n", "\\n")])
        file.write_text("".join(line(at) + "\n" for at in range(rng.randrange(1, 6))))
    else:
        file.write_bytes(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))))
    options = rng.choice([[], [], ["--encrypted-regex=^(data|stringData)"], ["--unencrypted-regex=^a"], ["--encrypted-suffix=_secret"], ["--encrypted-regex=a", "--mac-only-encrypted"]])
    return file, format, [] if format == "binary" else options


def check(count):
    subprocess.run(["cargo", "build", "--quiet", "-p", "hydrate-sops", "--example", "sops_file"], check=True, cwd=ROOT)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    ours = str(target / "debug/examples/sops_file")
    rng = random.Random(int(os.environ.get("SEED", "1")))
    failed = both = refused = 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        files = [(plain, format, options) for _, plain, format, options in cases()]
        files += [generated(rng, scratch, number) for number in range(count)]
        for plain, format, options in files:
            mine, theirs = scratch / "mine", scratch / "theirs"
            status, encrypted, said = run([ours, "encrypt", format, str(plain), f"--age={RECIPIENT}", *options])
            theirs_status, their_encrypted, their_said = sops(["--encrypt"], format, plain, ["--age", RECIPIENT, *options])
            if status or theirs_status:
                refused += 1
                if bool(status) != bool(theirs_status):
                    failed += 1
                    print(f"only one of them encrypts {plain}: ours says {said!r}, sops {their_said!r}\n{plain.read_bytes()[:600]!r}")
                continue
            mine.write_bytes(encrypted)
            theirs.write_bytes(their_encrypted)
            answers = {
                "sops of ours": sops(["--decrypt"], format, mine),
                "ours of ours": run([ours, "decrypt", format, str(mine)]),
                "ours of sops": run([ours, "decrypt", format, str(theirs)]),
                "sops of sops": sops(["--decrypt"], format, theirs),
            }
            if len({(status, out) for status, out, _ in answers.values()}) != 1:
                failed += 1
                print(f"differ over {plain} {options}: {plain.read_bytes()[:600]!r}")
                for name, answer in answers.items():
                    print(f"  {name}: {answer[0]} {answer[1][:400]!r} {answer[2][-300:]!r}")
                continue
            both += 1
            again = scratch / "again"
            again.write_bytes(answers["ours of ours"][1])
            status, updated, said = run([ours, "update", format, str(again), str(theirs)])
            if status or updated != their_encrypted:
                failed += 1
                print(f"an update without a change changes the file of {plain}: {said}{answers['ours of ours'][1][:500]!r}")
    print(f"{both} files decrypted to the same by both, {refused} refused by both, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["record"]:
        record()
    elif sys.argv[1:2] == ["check"]:
        sys.exit(check(int(sys.argv[2]) if len(sys.argv) > 2 else 300))
    else:
        sys.exit(__doc__)
