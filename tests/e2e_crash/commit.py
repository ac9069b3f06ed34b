"""Kills `hydrate --commit=with-sources` at random moments, while somebody saves files and stages others.

usage: commit.py HYDRATE [KILLS [SEED]] [--push]

With --push, what is committed is pushed, and the remote has to agree in the end as well.

Works in a clone of the repository that this file is in. After each kill, what stands must be sound as it is (no commit mixes the two
trees that are rendered, nothing that a user commits now could take back what is committed), and after the next run all of HEAD, index and
disk must have the tree that was wanted. Nothing that was saved or staged may be missing.
"""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
HYDRATE = os.path.abspath(sys.argv[1])
PUSHES = "--push" in sys.argv
if PUSHES:
    sys.argv.remove("--push")
PUSH = ["--push"] if PUSHES else []
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
TREES = ("manifests", "clusters")
PORTS = ("components/tempo/values.yaml", "components/loki/values.yaml", "components/grafana/values.yaml", "components/thanos/values.yaml")


class Scene:
    """A clone, with an environment that has nothing of the machine's in it."""

    def __init__(self, home):
        self.home = home
        self.root = home / "work"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
            "HYDRATE_CACHE_DIR": str(home / "cache"), "HYDRATE_CACHE_KEY": "k" * 32,
        }
        (home / ".gitconfig").write_text("[user]\n\tname = U\n\temail = u@example.org\n[gc]\n\tauto = 0\n")
        top = subprocess.run(["git", "rev-parse", "--show-toplevel"], cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run(["git", "clone", "-q", top, str(self.root)], check=True, env=os.environ)
        self.saved, self.staged, self.stop = {}, [], False
        if PUSHES:
            origin = home / "origin.git"
            self.git("init", "-q", "--bare", str(origin))
            self.git("checkout", "-q", "-B", "main")
            self.git("remote", "set-url", "origin", str(origin))
            self.git("push", "-q", "-u", "origin", "main")

    def git(self, *arguments, index=None, check=True):
        environment = dict(self.environment, **({"GIT_INDEX_FILE": str(index)} if index else {}))
        done = subprocess.run(["git", *arguments], cwd=self.root, env=environment, capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def start(self, *arguments):
        return subprocess.Popen([HYDRATE, "-q", "-e", "k3d", *arguments], cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *arguments):
        process = self.start(*arguments)
        said = process.communicate()[1]
        assert process.returncode == 0, f"hydrate {' '.join(arguments)}: {process.returncode}: {said}"

    def change(self, state):
        """State B has other ports, a component more and one less."""
        for path in PORTS:
            file = self.root / path
            text = file.read_text()
            old, new = ("4317", "4318"), ("4398", "4399")
            for a, b in zip(old, new):
                text = text.replace(a, b) if state == "B" else text.replace(b, a)
            file.write_text(text)
        extra, kept, away = self.root / "components/zz-extra", self.root / "components/node-exporter", self.home / "away"
        if state == "B":
            (extra / "raw").mkdir(parents=True, exist_ok=True)
            (extra / "component.yaml").write_text("namespace: observability\n")
            (extra / "raw/a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: zz}\n")
            if kept.exists():
                kept.rename(away)
        else:
            shutil.rmtree(extra, ignore_errors=True)
            if away.exists():
                away.rename(kept)

    def trees(self, revision="HEAD"):
        return tuple(self.git("rev-parse", *(f"{revision}:{tree}" for tree in TREES)).split())

    def indexed(self):
        """The trees as they are in the index, which may be locked; files of the user's below them left out."""
        copy = self.home / "index"
        shutil.copyfile(self.root / ".git/index", copy)
        tree = self.git("write-tree", index=copy)
        return self.trees(tree)

    def edit(self):
        """Saves files of its own where hydrate writes, as editors do, and stages others."""
        dirs = ["manifests/k3d", "manifests/k3d/loki", "manifests/k3d/tempo", "manifests/k3d/node-exporter", "clusters/k3d"]
        number = 0
        while not self.stop:
            number += 1
            try:
                path = self.root / random.choice(dirs) / f"user-{number % 40}.txt"
                beside = path.with_name(path.name + "~")
                beside.write_text(str(number))
                beside.rename(path)
                self.saved[path] = str(number)
            except FileNotFoundError:
                pass  # The directory is not there in this state.
            time.sleep(0.002)

    def stage(self):
        number = 0
        while not self.stop:
            number += 1
            name = f"staged/{number}.txt"
            (self.root / "staged").mkdir(exist_ok=True)
            (self.root / name).write_text("x")
            if subprocess.run(["git", "add", name], cwd=self.root, env=self.environment, capture_output=True).returncode == 0:
                self.staged.append(name)
            time.sleep(0.01)


def main():
    random.seed(SEED)
    print(f"{KILLS} kills, seed {SEED}")
    with tempfile.TemporaryDirectory() as home:
        play(Scene(pathlib.Path(home)))


def play(scene):
    known = {}
    for state in "BA":
        scene.change(state)
        begin = time.time()
        scene.run("--commit=with-sources", *PUSH)
        known[state] = scene.trees()
        longest = time.time() - begin
    first = scene.git("rev-parse", "HEAD")
    threads = [threading.Thread(target=scene.edit), threading.Thread(target=scene.stage)]
    for thread in threads:
        thread.start()
    figures = {"runs": 0, "killed": 0, "of them after the commit": 0, "refused by the next command at first": 0}
    try:
        # Some are done before they are killed.
        while figures["killed"] < KILLS and figures["runs"] < 4 * KILLS:
            number = figures["runs"]
            figures["runs"] += 1
            before, after = "AB" if number % 2 == 0 else "BA"
            scene.change(after)
            process = scene.start("--commit=with-sources", *PUSH)
            time.sleep(random.random() * longest * 1.1)
            how = random.choice(["hydrate", "group", "interrupt"])
            try:
                if how == "hydrate":
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL if how == "group" else signal.SIGINT)
            except ProcessLookupError:
                pass
            process.communicate()
            figures["killed"] += process.returncode != 0
            check(scene, known, number, how, before, after, figures)
    finally:
        scene.stop = True
        for thread in threads:
            thread.join()
    missing = [name for name in scene.staged if name not in set(scene.git("ls-files", "staged").split())]
    lost = [path for path, text in scene.saved.items() if not path.exists() or path.read_text() != text]
    mixed = [one for one in scene.git("rev-list", f"{first}..HEAD").split() if scene.trees(one) not in known.values()]
    scene.git("fsck", "--strict")
    print(", ".join(f"{count} {what}" for what, count in figures.items()))
    print(f"{len(scene.saved)} files saved, {len(lost)} lost; {len(scene.staged)} staged, {len(missing)} lost; {len(mixed)} commits mixed")
    sys.exit(1 if missing or lost or mixed else 0)


def check(scene, known, number, how, before, after, figures):
    place = f"kill {number} ({how})"
    head = scene.trees()
    assert head in known.values(), f"a mixed tree is committed after {place}"
    # A git that has lost its caller may still be at work; it is done in no time.
    for _ in range(200):
        head, index = scene.trees(), scene.indexed()
        if index == head or (head == known[before] and index == known[after]):
            break
        time.sleep(0.01)
    else:
        raise AssertionError(f"the index takes back what is committed after {place}")
    figures["of them after the commit"] += head == known[after]
    checked = subprocess.run([HYDRATE, "check", "-q", "-e", "k3d"], cwd=scene.root, env=scene.environment, capture_output=True, text=True)
    assert checked.returncode in (0, 1, 2), checked.stderr
    committed = subprocess.run([HYDRATE, "commit", "-q", "-e", "k3d", "--with-sources", *PUSH], cwd=scene.root, env=scene.environment, capture_output=True, text=True)
    figures["refused by the next command at first"] += committed.returncode != 0
    is_refused = any(words in committed.stderr for words in ("run `hydrate -e k3d`", "is not what environment k3d renders to"))
    assert committed.returncode == 0 or is_refused, f"after {place}: {committed.stderr}"
    scene.run("--commit=with-sources", *PUSH)
    assert scene.trees() == known[after], f"not what was wanted after {place}"
    assert scene.indexed() == known[after], f"the index is not at HEAD after {place}"
    if PUSHES:
        assert scene.git("ls-remote", "origin", "main").split()[0] == scene.git("rev-parse", "HEAD"), f"the remote is elsewhere after {place}"
    changed = scene.git("status", "--porcelain", "-uno", "--", *TREES)
    assert not changed, f"after {place}: {changed}"


main()
