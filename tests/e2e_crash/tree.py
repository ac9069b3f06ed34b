"""Kills runs that write the tree at random moments, while somebody saves files there and stages them.

usage: tree.py HYDRATE [KILLS [SEED]]

Three kinds of runs are killed, each KILLS times where files can be exchanged and KILLS times where they cannot: a render, `--adopt` over a
tree that somebody else has made, and the recovery from a kill before. After each kill a run for another environment passes by; then the
trees must be wholly the old ones or the new ones, whatever was saved after the kill must stand, and nothing may be left beside them.
Until then `check` may not take a half tree for a tree.
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

HYDRATE = os.path.abspath(sys.argv[1])
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 300
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 32)
COMPONENTS, OBJECTS, OTHERS = 5, 6, 24
NO_EXCHANGE = {"HYDRATE_TEST_NO_EXCHANGE": "1"}
STRACE = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=renameat2", "-e", "inject=renameat2:error=EINVAL"]


class Scene:
    """A project in a repository of its own, with an environment that has nothing of the machine's in it."""

    def __init__(self, home, exchange):
        self.home, self.root = home, home / "work"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
            "HYDRATE_CACHE_DIR": str(home / "cache"), "HYDRATE_CACHE_KEY": "k" * 32,
        }
        self.root.mkdir()
        self.git("init", "-q")
        self.saved, self.staged, self.stop = {}, [], False
        self.before = []
        for component in range(COMPONENTS):
            templates = self.root / f"components/c{component}/templates"
            templates.mkdir(parents=True)
            for number in range(OBJECTS):
                text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x{number}}}\ndata: {{word: {{{{ values.word }}}}}}\n"
                # In state B the odd ones are gone, so that files come and go.
                text = f"{{% if values.word == 'A' or {number} % 2 == 0 %}}\n{text}{{% endif %}}\n"
                (templates / f"{number}.yaml.j2").write_text(text)
            # Objects of the same name in several components: namespaces keep them apart.
            (templates.parent / "component.yaml").write_text(f"namespace: n{component}\nsources: [{{jinja: templates}}]\n")
        (self.root / "environments").mkdir()
        (self.root / "environments/other.yaml").write_text("components: [none-of-them-*]\n")
        self.change("A")
        killed = self.start(HYDRATE_TEST_KILL_BEFORE="1")
        killed.communicate()
        # Builds for development die at a change to the disk whose number is given.
        self.has_switches = killed.returncode == -signal.SIGKILL
        if not exchange:
            self.do_without_exchange()

    def do_without_exchange(self):
        """A build for development has a switch; for others strace refuses the call."""
        if self.has_switches:
            self.environment |= NO_EXCHANGE
        elif shutil.which("strace"):
            self.before = STRACE
        else:
            sys.exit("exchanging files cannot be refused here: give a build for development (target/debug/hydrate), or install strace")

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.root, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def start(self, *arguments, env="dev", **variables):
        command = [*self.before, HYDRATE, "-q", "-e", env, *arguments]
        environment = self.environment | variables
        return subprocess.Popen(command, cwd=self.root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *arguments, env="dev", expected=(0,)):
        process = self.start(*arguments, env=env)
        said = process.communicate()[1]
        assert process.returncode in expected, f"hydrate -e {env} {' '.join(arguments)}: {process.returncode}: {said}"
        return process.returncode, said

    def change(self, state):
        """The branch is in the files of the hand-over, so that clusters/ changes with the manifests."""
        text = f"values: {{word: {state}}}\nhandover: flux\ngit: {{url: 'https://git.example.org/x', branch: {state}}}\n"
        (self.root / "environments/dev.yaml").write_text(text)

    def tree(self):
        """What stands in both trees, the user's own files left out."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for top in ("manifests/dev", "clusters/dev") for path in walk(self.root / top) if not path.name.startswith("user-")
        }

    def put(self, tree):
        """Makes the trees be these, file by file, as `git checkout` would."""
        now = self.tree()
        for path in now.keys() - tree.keys():
            (self.root / path).unlink()
        for path, content in tree.items():
            if now.get(path) != content:
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(content)

    def left_over(self):
        kept = [path for path in walk(self.root / ".git/hydrate") if "writes" in path.parts]
        beside = [name for top in ("manifests", "clusters") for name in os.listdir(self.root / top) if name.startswith(".hydrate")]
        return [str(path) for path in kept] + beside

    def journal(self):
        return next((self.root / ".git/hydrate").glob("writes/*/journal.json"), None)

    def edit(self):
        """Saves files where hydrate writes, by a rename over the old one as editors do, in place, and as new ones."""
        number = 0
        while not self.stop:
            number += 1
            directory = self.root / random.choice([f"manifests/dev/c{number % COMPONENTS}", "manifests/dev", "clusters/dev"])
            path = directory / f"user-{number % 300}"
            try:
                if number % 3:
                    beside = path.with_name(path.name + "~")
                    beside.write_text(str(number))
                    beside.rename(path)
                else:
                    path.write_text(str(number))
                self.saved[path] = str(number)
            except FileNotFoundError:
                directory.mkdir(parents=True, exist_ok=True)
            time.sleep(0.004)

    def stage(self):
        while not self.stop:
            names = [str(path.relative_to(self.root)) for path in random.sample(list(self.saved), min(5, len(self.saved)))]
            if names and subprocess.run(["git", "add", *names], cwd=self.root, env=self.environment, capture_output=True).returncode == 0:
                self.staged += names
            time.sleep(0.05)


def walk(top):
    return [pathlib.Path(directory) / name for directory, _, names in os.walk(top) for name in names]


class Campaign:
    """One kind of run, killed again and again."""

    def __init__(self, kind, scene):
        self.kind, self.scene = kind, scene
        self.figures = {"killed": 0, "in the middle": 0, "old": 0, "new": 0, "with a file of hydrate's edited": 0}
        self.trees = {}
        for state in "ABA":
            scene.change(state)
            scene.run()
            self.trees[state] = scene.tree()
        # A tree of somebody else's: the files are the same or not, nothing says that they are hydrate's, and the index lists more.
        foreign = {path: content for path, content in self.trees["A"].items() if not path.endswith(".hydrated")}
        head = b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        others = [b"other-%d" % number for number in range(OTHERS)]
        entries = b"".join(b"- %s\n" % name for name in [*others, *(b"c%d" % number for number in range(COMPONENTS))])
        foreign["manifests/dev/kustomization.yaml"] = head + b"namespace: theirs\nresources:\n" + entries
        # What the adopted kustomizations list, the new ones list too: other content, and the same names.
        self.trees["foreign"] = {path: content.replace(b"word: A", b"word: theirs") for path, content in foreign.items()}
        scene.put(self.trees["foreign"])
        scene.run("--adopt")
        self.trees["adopted"] = scene.tree()
        index = self.trees["adopted"]["manifests/dev/kustomization.yaml"]
        assert all(b"- %s\n" % name in index for name in others) and b"namespace: theirs" in index, index
        scene.put(self.trees["A"])
        self.longest, self.writing = self.measure()
        # How many changes to the disk a run makes at most, as far as is known.
        self.changes = 300

    def measure(self):
        """How long a run takes, and how long it writes."""
        begin, writing = time.time(), None
        self.scene.change("B")
        process = self.scene.start()
        while process.poll() is None:
            if writing is None and self.scene.journal():
                writing = time.time()
        end = time.time()
        process.communicate()
        self.scene.put(self.trees["A"])
        return end - begin, max(end - (writing or end), 0.002)

    def play(self):
        threads = [threading.Thread(target=self.scene.edit), threading.Thread(target=self.scene.stage)]
        for thread in threads:
            thread.start()
        try:
            number = 0
            while self.figures["killed"] < KILLS:
                number += 1
                # A recovery has to be begun by a kill in the middle, and to be killed itself before it is done.
                assert number < (20 if self.kind == "recovery" else 4) * KILLS + 100, f"runs end before they are killed: {self.figures}"
                self.kill_one(number)
        finally:
            self.scene.stop = True
            for thread in threads:
                thread.join()
        return self.report()

    def kill_one(self, number):
        scene = self.scene
        if self.kind == "adopt":
            before, after, arguments = "foreign", "adopted", ["--adopt"]
            scene.change("A")
        else:
            before, after, arguments = *("AB" if number % 2 else "BA"), []
            scene.change(after)
        scene.put(self.trees[before])
        killed = self.kill(*arguments)
        if self.kind == "recovery":
            killed = scene.journal() is not None and self.kill(env=random.choice(["dev", "other"]))
        self.figures["killed"] += killed
        half = scene.tree()
        middle = scene.journal() is not None
        self.figures["in the middle"] += middle
        # A tree that was killed in the middle of being written is told, and no other.
        checked, said = scene.run("check", expected=(0, 1, 2))
        place = f"{self.kind}, kill {number}"
        assert (checked == 1) == middle, f"{place}: check says {checked}: {said}"
        assert middle or half in (self.trees[before], self.trees[after]), f"{place}: a half tree without a journal"
        edited = self.edit_one(half) if random.random() < 0.3 else None
        scene.run(env="other")
        found, wanted = scene.tree(), [self.trees[before], self.trees[after]]
        if edited:
            path, content = edited
            assert found.pop(path, None) == content, f"{place}: what was saved in {path} is lost"
            wanted = [{name: content for name, content in tree.items() if name != path} for tree in wanted]
        assert found in wanted, f"{place}: a mixed tree: {differences(found, wanted)}"
        self.figures["new" if found == wanted[1] else "old"] += 1
        assert not scene.left_over(), f"{place}: remains: {scene.left_over()}"
        if number % 5:
            return
        scene.put(self.trees[before])
        scene.run(*arguments)
        assert scene.tree() == self.trees[after], f"{place}: the next run does not write what is wanted"

    def edit_one(self, half):
        """Somebody saves one of hydrate's own files between the kill and the next run, with content that is none of hydrate's."""
        path = random.choice([path for path in half if not path.endswith(".hydrated")])
        content = f"saved by hand, {random.random()}\n".encode()
        beside = self.scene.root / (path + "~")
        beside.write_bytes(content)
        beside.rename(self.scene.root / path)
        self.figures["with a file of hydrate's edited"] += 1
        return path, content

    def kill(self, *arguments, env="dev"):
        """At any moment of the run, while it writes, or before some change that it makes; whether it was killed before it was done."""
        how = random.choice(["any", "writing", "change"] if self.scene.has_switches else ["any", "writing"])
        change = random.randint(1, self.changes)
        process = self.scene.start(*arguments, env=env, **({"HYDRATE_TEST_KILL_BEFORE": str(change)} if how == "change" else {}))
        if how == "change":
            process.communicate()
            if process.returncode >= 0:
                self.changes = max(40, min(self.changes, change))
            return process.returncode < 0
        if how == "writing":
            while process.poll() is None and not self.scene.journal():
                pass
        time.sleep(random.random() * (self.writing if how == "writing" else self.longest))
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.communicate()
        return process.returncode < 0

    def report(self):
        scene = self.scene
        lost = [path for path, text in scene.saved.items() if not path.exists() or path.read_text() != text]
        indexed = set(subprocess.check_output(["git", "ls-files"], cwd=scene.root, env=scene.environment, text=True).split())
        missing = set(scene.staged) - indexed
        figures = ", ".join(f"{count} {what}" for what, count in self.figures.items())
        print(f"  {self.kind}: {figures}; {len(scene.saved)} files saved, {len(lost)} lost; {len(set(scene.staged))} staged, {len(missing)} lost", flush=True)
        assert self.figures["old"] > KILLS // 20 or self.kind == "recovery", "both outcomes are to be seen"
        assert self.figures["new"] > KILLS // 20, "both outcomes are to be seen"
        return not lost and not missing


def differences(found, wanted):
    return [[path for path in sorted(found.keys() | tree.keys()) if found.get(path) != tree.get(path)][:6] for tree in wanted]


def main():
    random.seed(SEED)
    print(f"{KILLS} kills of each kind, seed {SEED}", flush=True)
    fine = True
    for exchange in (True, False):
        print("where files can be exchanged:" if exchange else "where they cannot:", flush=True)
        for kind in ("render", "adopt", "recovery"):
            with tempfile.TemporaryDirectory() as home:
                fine &= Campaign(kind, Scene(pathlib.Path(home), exchange)).play()
    sys.exit(0 if fine else 1)


main()
