#!/usr/bin/env python3
"""The Makefile's platform targets, without a cluster: what they would run, what they say when tools are missing, and that Secrets are made once."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# What each target runs, in this order, as `make -n` shows it.
RUNS = {
    "up": ["k3d cluster create", "gateway-api", "manifests/k3d/cilium", "manifests/k3d/coredns", "source-controller.crds.yaml", "secrets.sh", "order.sh", "gitops.sh credentials", "apply --server-side --force-conflicts --field-manager=platform -f clusters/k3d", "grafana.local"],
    "down": ["k3d cluster delete platform"],
    "phase1": ["k3d cluster create --config environments/k3d/cluster.yaml", "gateway-api", "daemonset/cilium", "deployment/coredns"],
    "phase2": ["manifests/k3d/00-namespaces", "kustomize-controller.crds.yaml", "manifests/k3d/flux"],
    "phase3": ["manifests/k3d/00-namespaces", "secrets.sh", "manifests/k3d/00-crds", "order.sh", "rollout status"],
    "phase4": ["gitops.sh ready clusters/k3d", "gitops.sh credentials clusters/k3d flux-system kubectl --context k3d-platform", "-f clusters/k3d", "wait --for=condition=Ready"],
    "gateway-install": ["gateway-api", "--for=condition=Established"],
    "cilium-install": ["grep -L '^kind: Cilium'", "rollout status", "ciliumnetworkpolicies.cilium.io", "-k manifests/k3d/cilium"],
    "coredns-update": ["-k manifests/k3d/coredns", "rollout restart deployment/coredns"],
    "secrets": ["secrets.sh kubectl --context k3d-platform"],
    "status": ["get nodes", "get gateways,httproutes"],
    "gitops-setup": ["gitops.sh ready clusters/k3d", "gitops.sh credentials clusters/k3d flux-system"],
    "gitops-enable": ["gitops.sh ready clusters/k3d", "-f clusters/k3d", "gitrepositories --all", "kustomizations --all"],
    "gitops-status": ["get gitrepositories,kustomizations", "get events"],
    "validate": ["validate.py manifests/k3d"],
    "hydrate": ["hydrate -e k3d"],
    "diff": ["diff -e k3d"],
    "check": ["check -e k3d --references"],
}
# The tools that each target asks for before it does anything.
NEEDS = {
    "up": ["docker", "k3d", "kubectl", "git"],
    "down": ["docker", "k3d"],
    "phase1": ["docker", "k3d", "kubectl"],
    **{name: ["kubectl"] for name in ("phase2", "phase3", "phase4", "gateway-install", "cilium-install", "coredns-update", "secrets", "status", "gitops-setup", "gitops-enable", "gitops-status")},
    "validate": ["python3", "promtool", "amtool"],
    "validate-storage": ["python3"],
    **{name: ["cargo"] for name in ("build", "hydrate", "diff", "check", "fmt", "clippy", "test", "bench", "conformance", "schema")},
}
PLAIN = "awk basename bash cat cut dirname env find grep make mkdir od printf rm sed sh test touch tr tsort xargs".split()

# A kubectl that keeps Secrets as files: enough for secrets.sh.
KUBECTL = r"""#!/bin/sh
shift 2
case "$*" in
*"get secret"*)
    file=$STATE/$2-$5
    [ -f "$file" ] || exit 1
    case "$*" in
    *access-key*) sed -n 's/.*access-key: \([^,}]*\).*/\1/p' "$file" ;;
    *secret-key*) sed -n 's/.*secret-key: \([^,}]*\).*/\1/p' "$file" ;;
    esac ;;
*apply*)
    text=$(cat)
    name=$(printf '%s\n' "$text" | sed -n 's/^metadata: {name: \([^,]*\), namespace: \([^}]*\)}/\2-\1/p')
    printf '%s\n' "$text" >"$STATE/$name" ;;
esac
"""


def run(*command, **options):
    """Runs a command as if from a terminal: what the make around this was told is none of its business."""
    options.setdefault("env", {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def dry_runs():
    for target, wanted in RUNS.items():
        done = run("make", "-n", target)
        place = 0
        for one in wanted:
            at = done.stdout.find(one, place)
            yield done.returncode == 0 and at >= 0, f"make -n {target} does not run `{one}`, or not in its place"
            place = max(at, place)


def missing_tools(directory):
    """With nothing but what every machine has, a target names what it wants and stops."""
    tools = Path(directory, "bin")
    tools.mkdir()
    for name in PLAIN:
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    for target, wanted in NEEDS.items():
        done = run("make", target, f"HYDRATE={directory}/hydrate", env={"PATH": str(tools), "HOME": directory})
        yield done.returncode != 0, f"make {target} succeeds without its tools"
        for name in wanted:
            yield f"missing: {name} " in done.stderr, f"make {target} does not say that {name} is missing: {done.stderr}"
        yield "Nothing was changed" in done.stderr, f"make {target} does not say that nothing was changed"


def secrets(directory):
    """Secrets are made when they are missing, and never again."""
    state = Path(directory, "state")
    state.mkdir()
    stub = Path(directory, "kubectl")
    stub.write_text(KUBECTL)
    stub.chmod(0o755)
    command = ["environments/k3d/secrets.sh", str(stub), "--context", "k3d-platform"]
    first = run(*command, env={**os.environ, "STATE": str(state)})
    before = {path.name: path.read_text() for path in state.iterdir()}
    second = run(*command, env={**os.environ, "STATE": str(state)})
    after = {path.name: path.read_text() for path in state.iterdir()}
    yield first.returncode == 0 and second.returncode == 0, f"secrets.sh fails: {first.stderr}{second.stderr}"
    yield set(before) == {"observability-grafana-admin", "object-storage-object-storage-identities", *(f"observability-{name}-object-storage" for name in ("thanos", "loki", "tempo"))}, f"made: {sorted(before)}"
    yield before == after, "a second run changes Secrets"
    shown = first.stdout + first.stderr + second.stdout + second.stderr
    values = [word for text in before.values() for word in text.replace("}", " ").replace('"', " ").split() if len(word) == 40]
    yield len(values) >= 7 and not any(value in shown for value in values), "a value is shown"


# A kubectl that has one Secret if it is told so, and notes what it is asked to apply.
CLUSTER = r"""#!/bin/sh
case "$*" in
*"get secret"*) [ -n "${HAVE:-}" ] ;;
*"create secret"*) cat >/dev/null; printf '%s\n' "$*" ;;
*apply*) cat >>"$STATE" ;;
esac
"""


def gitops(directory):
    """Phase 4 refuses before it changes anything: without clusters/, with the example's address, without credentials that are needed."""
    clusters, state, stub = Path(directory, "clusters", "k3d"), Path(directory, "applied"), Path(directory, "cluster")
    stub.write_text(CLUSTER)
    stub.chmod(0o755)
    script = "environments/k3d/gitops.sh"

    def asked(*arguments, **variables):
        done = run(script, arguments[0], str(clusters), *arguments[1:], env={"PATH": os.environ["PATH"], "STATE": str(state), **variables})
        return done.returncode, done.stdout + done.stderr

    def repository(url, secret):
        clusters.mkdir(parents=True, exist_ok=True)
        (clusters / ".hydrated").touch()
        (clusters / "gitrepository-k3d.yaml").write_text(f"spec:\n  url: {url}\n" + ("  secretRef:\n    name: platform\n" if secret else ""))

    code, said = asked("ready")
    yield code == 1 and "is missing: write `handover: flux`" in said, f"ready without clusters/: {said}"
    repository("https://git.example.org/platform/hydrate", False)
    code, said = asked("ready")
    yield code == 1 and "names the example's repository" in said, f"ready with the example: {said}"
    repository("https://git.somewhere.org/platform", False)
    yield asked("ready") == (0, ""), "ready with an address"
    code, said = asked("credentials", "flux-system", str(stub), GIT_PASSWORD="hidden")
    yield code == 0 and "no credentials are needed" in said and not state.exists(), f"credentials of a public repository: {said}"
    repository("https://git.somewhere.org/platform", True)
    code, said = asked("credentials", "flux-system", str(stub))
    yield code == 1 and "flux-system/platform is missing: set GIT_PASSWORD" in said, f"credentials that are missing: {said}"
    code, said = asked("credentials", "flux-system", str(stub), HAVE="1")
    yield code == 0 and "is there already" in said and not state.exists(), f"credentials that are there: {said}"
    code, said = asked("credentials", "flux-system", str(stub), GIT_PASSWORD="hidden", GIT_USERNAME="me")
    made = state.read_text() if state.exists() else ""
    yield code == 0 and "create secret generic platform" in made and "username=me" in made and "hidden" not in said + made, f"credentials: {said}{made}"


def main():
    failed = passed = 0
    with tempfile.TemporaryDirectory() as directory:
        for results in (dry_runs(), missing_tools(directory), secrets(directory), gitops(directory)):
            for holds, message in results:
                passed, failed = passed + bool(holds), failed + (not holds)
                if not holds:
                    print(f"  {message}")
    print(f"targets: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
