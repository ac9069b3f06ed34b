"""Charts with subcharts: aliases, conditions, tags, exports, imports, globals, nulls, versions, libraries, archives."""
import gzip, io, json, tarfile

NAMES = ["a", "b", "c", "d", "sub", "x.y"]
KEYS = ["k", "m", "n", "t", "exports", "global", "tags", "enabled", "a", "b", "one", "two"]


def scalar(rng):
    return rng.choice([None, True, False, 0, 1, 7, -3, 1.5, 1e21, "", "x", "yes", "1", "é", 12345678901234567890, [], [1, "a"], [{"q": 1}], {}])


def table(rng, depth=2, keys=KEYS):
    out = {}
    for _ in range(rng.randint(0, 4)):
        key = rng.choice(keys)
        nested = depth > 0 and rng.random() < 0.5
        out[key] = table(rng, depth - 1, keys) if nested else scalar(rng)
    return out


def values(rng, children, depth):
    out = table(rng)
    for child in children:
        if rng.random() < 0.6:
            out[child] = table(rng) if rng.random() < 0.99 else scalar(rng)
            if isinstance(out[child], dict) and depth > 0 and rng.random() < 0.4:
                out[child][rng.choice(NAMES)] = table(rng)
    if rng.random() < 0.5:
        out["global"] = table(rng) if rng.random() < 0.93 else scalar(rng)
    if rng.random() < 0.3:
        out["exports"] = {rng.choice(["data", "e"]): table(rng) for _ in range(2)}
    if rng.random() < 0.3:
        out["tags"] = {rng.choice(["front", "back"]): rng.choice([True, False, True, False, "no"]) for _ in range(2)}
    return out


def dependency(rng, name, version, repeated):
    entry = {"name": name, "version": rng.choice([version] * 5 + [">=0", "*", "^0.1", "~0.2", "9.9.9"])}
    if rng.random() < 0.4 or repeated and rng.random() < 0.8:
        entry["alias"] = rng.choice(["one", "two", "three", "four", "five", "six", "a", "b-b"])
    called = entry.get("alias", name)
    if rng.random() < 0.3:
        entry["condition"] = rng.choice([f"{called}.enabled", f"{name}.enabled", "global.enabled", f"{called}.k,{called}.enabled", "enabled", " a.enabled"])
    if rng.random() < 0.25:
        entry["tags"] = rng.sample(["front", "back", "none"], rng.randint(1, 2))
    if rng.random() < 0.35:
        entry["import-values"] = [imported(rng) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.1:
        entry["repository"] = "https://example.org/charts"
    if rng.random() < 0.05:
        entry["enabled"] = rng.choice([True, False])
    return entry


def imported(rng):
    if rng.random() < 0.5:
        return rng.choice(["data", "e", "missing", "a.b"])
    entry = {"child": rng.choice(["t", "global", "exports.data", "m", "k", "a", "one.t", "missing"]), "parent": rng.choice([".", "in", "t", "in.deep", "global", "a", ""])}
    if rng.random() < 0.02:
        entry.pop(rng.choice(["child", "parent"]))
    if rng.random() < 0.02:
        entry["child"] = rng.choice([1, 1e21, True, None, ["t"]])
    return entry if rng.random() < 0.97 else rng.choice([1, None, ["data"], True])


TEMPLATES = [
    "v: {{ toJson .Values }}\n",
    "n: {{ .Chart.Name }} {{ .Chart.IsRoot }} {{ .Template.Name }} {{ .Template.BasePath }}\n",
    "d: {{ toJson .Chart.Dependencies }}\n",
    "s: {{ range $k, $v := .Subcharts }}{{ $k }}={{ toJson $v.Values | b64enc }};{{ end }}\n",
    'g: {{ toJson .Values.global }}\nh: {{ .Values.k | default "none" | quote }}\n',
    'i: {{ include "who" . | quote }}\n',
    "c: {{ .Chart.Version }} {{ .Chart.AppVersion }} {{ .Chart.Type }}\no: {{ toJson .Chart.Annotations }}\n",
    "f: {{ range $k, $_ := .Files }}{{ $k }} {{ end }}\n",
    "w: |\n{{ toYaml .Values | indent 2 }}\n",
    "{{- range $k, $v := .Values }}\n{{ $k | quote }}: {{ kindOf $v }} {{ $v | toString | quote | b64enc }}\n{{- end }}\n",
    "r: {{ len .Chart.Dependencies }} {{ kindOf .Chart }}\n",
]


def chart(rng, name, depth, files, prefix):
    version = rng.choice(["0.1.0", "0.2.3", "1.0.0"])
    meta = {"apiVersion": "v2" if rng.random() < 0.93 else "v1", "name": name, "version": version}
    if rng.random() < 0.15:
        meta["appVersion"] = rng.choice([1, 1.10, "2", True, 12345678901234567890, 1e7, 0.1, "x"])
    if rng.random() < 0.1:
        meta["annotations"] = {"a": rng.choice(["x", 1, True, 2.50, 18446744073709551615])}
    if rng.random() < 0.04 and prefix:
        meta["type"] = "library"
    children = [] if depth == 0 else [rng.choice(NAMES) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    dependencies = []
    for number, child in enumerate(dict.fromkeys(children)):
        inner = {}
        inner_version = chart(rng, child, depth - 1, inner, "x/")
        place(rng, files, f"{prefix}charts/{child}", child, inner)
        declared = rng.choice([0, 1, 1, 1, 2])
        for again in range(declared):
            dependencies.append(dependency(rng, child, inner_version, again > 0))
    if rng.random() < 0.2:
        rng.shuffle(dependencies)
    if dependencies or rng.random() < 0.05:
        if meta["apiVersion"] == "v1" or rng.random() < 0.05:
            files[f"{prefix}requirements.yaml"] = json.dumps({"dependencies": dependencies})
        else:
            meta["dependencies"] = dependencies
    files[f"{prefix}Chart.yaml"] = json.dumps(meta)
    if rng.random() < 0.9:
        files[f"{prefix}values.yaml"] = json.dumps(values(rng, children, depth), ensure_ascii=False)
    files[f"{prefix}templates/_h.tpl"] = '{{ define "who" }}' + name + " {{ .Values.k }}{{ end }}"
    files[f"{prefix}templates/a.yaml"] = "".join(rng.sample(TEMPLATES, rng.randint(1, 4)))
    if rng.random() < 0.1:
        files[f"{prefix}crds/crd.yaml"] = f"kind: CustomResourceDefinition\nmetadata: {{name: {name}}}\n"
    if dependencies and rng.random() < 0.03:
        files[f"{prefix}requirements.yaml"] = json.dumps({"dependencies": dependencies[1:] + [dependency(rng, "a", "0.1.0", True)][:rng.randint(0, 1)]})
    if rng.random() < 0.02:
        files[f"{prefix}Chart.lock"] = rng.choice(["digest: x\ngenerated: 2020-01-01T00:00:00Z\n", "generated: never\n", "dependencies: 5\n", "digest: 1\ndependencies: [{name: a}]\n"])
    return version


def place(rng, files, folder, name, inner):
    """Puts a chart into charts/, as a directory or packed."""
    inner = {file[2:] if file.startswith("x/") else file: content for file, content in inner.items()}
    if rng.random() < 0.15:
        files[f"{folder}-0.tgz"] = pack(name, inner)
    else:
        files.update({f"{folder}/{file}": content for file, content in inner.items()})


def pack(name, files):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for file, content in files.items():
            content = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(f"{name}/{file}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def case(rng):
    files = {}
    chart(rng, "top", rng.choice([1, 2, 2, 3]), files, "")
    args = []
    if rng.random() < 0.4:
        files["extra.yaml"] = json.dumps(values(rng, NAMES, 2), ensure_ascii=False)
        args += ["-f", "c/extra.yaml"]
    for _ in range(rng.choice([0, 0, 1, 2])):
        path = ".".join(rng.choice(NAMES[:5] + ["global", "one", "two"]) for _ in range(rng.randint(0, 2)))
        path = f"{path}.{rng.choice(['enabled', 'k', 't', 'm', 'front'])}".lstrip(".")
        args += ["--set", f"{path}={rng.choice(['true', 'false', 'null', '1', 'x', ''])}"]
    if rng.random() < 0.3:
        args.append("--include-crds")
    return {"files": files, "args": args}


MISTAKES = (b"error unpacking subchart", b"type mismatch on", b"failed parsing --set", b"cannot load Chart.lock", b"validation:", b"panic")


def known(case, level, wanted, got):
    """Of several mistakes another one may be reported first; an import that is no text is an error where Helm 3 panics."""
    if wanted[0] == 0 or got[0] == 0:
        return False
    return all(any(text in err for text in MISTAKES) for err in (wanted[2], got[2]))
