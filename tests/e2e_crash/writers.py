"""Many writers push to one bare repository at once, some of them killed, some pushes refused. Usage: writers.py HYDRATE [WRITERS] [SEED] [--branches]

At the end nothing is lost, nothing is there twice, the history is a line, and every commit passes `hydrate check` in a fresh clone.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ENVIRONMENTS = ["dev", "stage", "prod"]


def git(directory, *arguments, check=True):
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"git {' '.join(arguments)} in {directory}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def component(number):
    return f"c{number:02}"


def values(root, number, env, word):
    write(f"{root}/components/{component(number)}/{env}/values.yaml", f"word: {word}\n")


def scene(home, writers, with_branches):
    origin, first = f"{home}/origin.git", f"{home}/first"
    git(home, "init", "-q", "--bare", "-b", "main", origin)
    # Every seventh push or so is refused.
    hook = f"{origin}/hooks/pre-receive"
    write(hook, "#!/bin/sh\n[ -e refuse ] || exit 0\nn=$(od -An -N1 -tu1 /dev/urandom)\n[ $((n % 7)) -ne 0 ] || { echo 'not now' >&2; exit 1; }\n")
    os.chmod(hook, 0o755)
    git(home, "init", "-q", "-b", "main", first)
    git(first, "remote", "add", "origin", origin)
    branch = '"environments/${env}"' if with_branches else ""
    write(f"{first}/hydrate.yaml", f"commit: {{branch: {branch}}}\n" if with_branches else "commit: {sources: include}\n")
    for env in ENVIRONMENTS:
        write(f"{first}/environments/{env}.yaml", "{}\n")
    for number in range(writers):
        for env in ENVIRONMENTS:
            values(first, number, env, "old")
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {component(number)}\ndata:\n  word: {{{{ values.word }}}}\n"
        write(f"{first}/components/{component(number)}/templates/cm.yaml.j2", text)
    git(first, "add", "-A")
    git(first, "commit", "-qm", "sources")
    git(first, "push", "-q", "-u", "origin", "main")
    return origin, first


def killed_or_done(command, directory, rng, may_kill):
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    if may_kill and rng.random() < 0.3:
        time.sleep(rng.uniform(0.02, 1.5))
        # The whole group: hydrate and the git that it waits for.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    text, _ = process.communicate()
    return process.returncode, text


def writer(hydrate, home, number, rng, with_branches, said):
    clone, env = f"{home}/clone{number}", ENVIRONMENTS[number % len(ENVIRONMENTS)]
    git(home, "clone", "-q", f"{home}/origin.git", clone)
    values(clone, number, env, f"new{number}")
    if with_branches:
        git(clone, "commit", "-qam", f"change {component(number)}")
        for _ in range(400):
            if subprocess.run(["git", "push", "-q", "origin", "main"], cwd=clone, capture_output=True).returncode == 0:
                break
            git(clone, "pull", "-q", "--rebase")
            time.sleep(rng.uniform(0, 0.3))
    command = [hydrate, "-e", env, "--commit", "--push"] if with_branches else [hydrate, "-e", env, "--commit=with-sources", "--push"]
    for attempt in range(40):
        code, text = killed_or_done(command, clone, rng, attempt < 3)
        said.append((number, code, text))
        if code == 0:
            return
    said.append((number, None, "never done"))


def check_all(hydrate, home, origin, writers, with_branches):
    wrong = []
    clone = f"{home}/fresh"
    git(home, "clone", "-q", origin, clone)
    git(clone, "fsck", "--strict")
    git(origin, "fsck", "--strict")
    branches = [f"environments/{env}" for env in ENVIRONMENTS] if with_branches else ["main"]
    for branch in branches:
        commits = git(clone, "rev-list", "--reverse", f"origin/{branch}").split()
        if git(clone, "rev-list", "--merges", f"origin/{branch}"):
            wrong.append(f"{branch}: the history is no line")
        if with_branches:
            continue
        for place, commit in enumerate(commits[1:]):
            git(clone, "checkout", "-q", commit)
            # The first commits bring the environments, one each.
            about = sorted(ENVIRONMENTS)[: place + 1] if place < len(ENVIRONMENTS) else ["all"]
            done = subprocess.run([hydrate, "check", *[word for env in about for word in ("-e", env)]], cwd=clone, capture_output=True, text=True)
            if done.returncode != 0:
                wrong.append(f"{commit}: {done.stdout}{done.stderr}")
        for number in range(writers):
            touching = git(clone, "log", "--format=%H", f"origin/{branch}", "--", f"components/{component(number)}").split()
            if len(touching) != 2:
                wrong.append(f"{component(number)} has {len(touching)} commits")
    git(clone, "checkout", "-q", "main")
    git(clone, "pull", "-q")
    for number in range(writers):
        env = ENVIRONMENTS[number % len(ENVIRONMENTS)]
        place = f"origin/environments/{env}:{component(number)}" if with_branches else f"origin/main:manifests/{env}/{component(number)}"
        text = git(clone, "show", f"{place}/configmap-{component(number)}.yaml", check=False)
        if f"new{number}" not in text:
            wrong.append(f"{component(number)}: {text!r}")
    if with_branches:
        done = subprocess.run([hydrate, "check", "-e", "all"], cwd=clone, capture_output=True, text=True)
        print(done.stdout, done.stderr)
        if done.returncode != 0:
            wrong.append(f"check: {done.stdout}{done.stderr}")
    return wrong


def main():
    with_branches = "--branches" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--branches"]
    hydrate = os.path.abspath(arguments[0])
    writers = int(arguments[1]) if len(arguments) > 1 else 20
    seed = int(arguments[2]) if len(arguments) > 2 else 1
    home = tempfile.mkdtemp(prefix="writers-")
    for name in [name for name in os.environ if name.startswith("GIT_") or name == "CI"]:
        del os.environ[name]
    os.environ.update(HOME=home, TMPDIR=home, GIT_CONFIG_NOSYSTEM="1", HYDRATE_CACHE_DIR=f"{home}/cache")
    write(f"{home}/.gitconfig", "[user]\n\tname = U\n\temail = u@example.org\n[core]\n\tfsync = none\n[gc]\n\tauto = 0\n")
    origin, first = scene(home, writers, with_branches)
    done = subprocess.run([hydrate, "-q", "-e", "all", "--commit", "--push"], cwd=first, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    write(f"{origin}/refuse", "")
    said = []
    start = time.monotonic()
    threads = [
        threading.Thread(target=writer, args=(hydrate, home, number, random.Random(seed * 1000 + number), with_branches, said)) for number in range(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - start
    os.unlink(f"{origin}/refuse")
    killed = sum(1 for _, code, _ in said if code is not None and code < 0)
    refused = sum(1 for _, code, text in said if code == 1 and "not now" in text)
    other = [(number, code, text) for number, code, text in said if code is None or (code > 0 and "not now" not in text)]
    wrong = check_all(hydrate, home, origin, writers, with_branches)
    for number, code, text in other:
        print(f"writer {number} ended with {code}:\n{text}")
    for line in wrong:
        print(line)
    print(f"{writers} writers, {len(said)} runs in {took:.1f} s: {killed} killed, {refused} refused by the remote, {len(other)} failed otherwise; {len(wrong)} faults")
    if wrong or any(code is None for _, code, _ in other):
        print(f"left in {home}")
        raise SystemExit(1)
    shutil.rmtree(home)


main()
