#!/usr/bin/env python3
"""Generate kustomizations and compare what hydrate and the real kustomize make of them.

usage: tests/conformance/kustomize_cases.py HYDRATE KUSTOMIZE [--cases N] [--seed S] [--helm HELM] [--only CASE] [--keep DIRECTORY]

KUSTOMIZE is a kustomize, or a kubectl (then the flags that kubectl does not have are left out). Each case is made from its number
alone, so that `--only NUMBER` makes it again. Compared are standard output and whether the tool failed. A case that differs is made as
small as it goes and printed; with `--keep`, its files are kept as well, in the form of the fixtures under crates/kustomize/tests/kustomize. Cases for
which the real tool crashes or has two answers are counted apart.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SCALARS = ["a", "b-c", "x", "v1", "1", "1.0", "1.50", "true", "no", "y", "0x1F", "07", "1e3", "null", "~", "", "a b", "a: b", "- a", "#x", "1_000",
           "é", "$(V)", "it's", '"q"', "a,b", "2024-01-01", "nginx:1.2", "é: ü", "x #y", "true ", "=", "*a", "&b", "!c", "%d", "@e", "l1\nl2\n", "1:30"]
KEYS = ["app", "tier", "env", "a.b/c", "x-y", "n1", "track"]
NAMES = ["web", "db", "cache", "api"]
KINDS = {
    "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "Service": "v1", "ConfigMap": "v1", "Secret": "v1", "CronJob": "batch/v1",
    "Job": "batch/v1", "ServiceAccount": "v1", "Role": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1", "ClusterRoleBinding": "rbac.authorization.k8s.io/v1", "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1", "Namespace": "v1", "PersistentVolumeClaim": "v1", "HorizontalPodAutoscaler": "autoscaling/v2",
    "Pod": "v1", "Widget": "example.test/v1", "PodDisruptionBudget": "policy/v1",
}
WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Pod"]


def paths(value, prefix=()):
    """The paths of all fields and items below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*prefix, key), inner
        yield from paths(inner, (*prefix, key))


class Raw(str):
    """Text that is written as it stands."""


class Writer:
    """Writes values as YAML in the styles people use."""

    def __init__(self, rand):
        self.rand = rand

    def scalar(self, value):
        if isinstance(value, Raw):
            return str(value)
        if value is None:
            return self.rand.choice(["null", "~"])
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (int, float)):
            return str(value)
        single = "'" + value.replace("'", "''") + "'"
        double = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        if "\n" in value:
            return double
        plain = value and all(c.isalnum() or c in "-./_" for c in value) and value[0].isalpha() and value.lower() not in (
            "true", "false", "null", "yes", "no", "on", "off", "y", "n")
        return self.rand.choice([value, value, value, single, double]) if plain else self.rand.choice([single, double])

    def flow(self, value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.scalar(k)}: {self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.flow(v) for v in value) + "]"
        return self.scalar(value)

    def block(self, value, indent=0):
        pad = " " * indent
        lines = []
        if isinstance(value, dict) and value:
            for k, v in value.items():
                head = f"{pad}{self.scalar(k)}:"
                if isinstance(v, (dict, list)) and v and self.rand.random() > 0.12:
                    lines.append(head)
                    deeper = indent + (0 if isinstance(v, list) and self.rand.random() < 0.7 else 2)
                    lines += self.block(v, deeper)
                elif isinstance(v, str) and not isinstance(v, Raw) and "\n" in v and self.rand.random() < 0.7:
                    lines.append(head + " |" + ("" if v.endswith("\n") else "-"))
                    lines += [(pad + "  " + line) if line else "" for line in v.rstrip("\n").split("\n")]
                else:
                    lines.append(f"{head} {self.flow(v)}" + (" # c" if self.rand.random() < 0.015 else ""))
            return lines
        if isinstance(value, list) and value:
            for item in value:
                if isinstance(item, (dict, list)) and item and self.rand.random() > 0.15:
                    inner = self.block(item, indent + 2)
                    inner[0] = pad + "- " + inner[0].lstrip()
                    lines += inner
                else:
                    lines.append(f"{pad}- {self.flow(item)}")
            return lines
        return [pad + self.flow(value)]

    def text(self, value):
        return "\n".join(self.block(value)) + "\n"


class Case:
    """A tree of kustomizations, its command line, and what it was made of."""

    def __init__(self, number, seed, kubectl, helm):
        self.rand = random.Random(f"{seed}/{number}")
        self.files = {}
        self.kubectl, self.helm = kubectl, helm
        self.writer = Writer(self.rand)
        self.objects = []  # (kind, name, namespace)
        self.contents = {}  # what is known of them
        self.flags = []
        self.needs_helm = False
        base = self.layer("base", [], True)
        layers = [base]
        for name in ["mid", "top"]:
            if self.rand.random() < 0.55:
                below = [layers[-1]]
                layers.append(self.layer(name, below, self.rand.random() < 0.3))
        self.entry = layers[-1]
        self.choose_flags()

    def one(self, items):
        return self.rand.choice(items)

    def chance(self, p):
        return self.rand.random() < p

    def some(self, items, most):
        items = list(items)
        return self.rand.sample(items, self.rand.randint(1, min(most, len(items))))

    def word(self):
        return self.one(SCALARS) if self.chance(0.4) else self.one(SCALARS[:4])

    def value(self):
        """A value in an object: mostly text, sometimes not."""
        r = self.rand.random()
        if r < 0.7:
            return self.word()
        return self.one([1, 0, 2.50, True, None, Raw("1.10"), Raw("0o7"), Raw("1e3"), Raw("yes"), [], {}, ["a", "b"], {"k": "v"}, Raw("07"), Raw("0x1F")])

    def pairs(self, most=2):
        return {k: self.word() for k in self.some(KEYS, most)}

    def place(self, of, scalar=False):
        """The path of something that an object has; or has not, now and then."""
        known = [(p, v) for p, v in paths(self.contents.get(of, {})) if not scalar or not isinstance(v, (dict, list)) and v not in (None, "")]
        known = [(p, v) for p, v in known if p[0] not in ("apiVersion", "kind")] or [(("metadata", "name"), of[1])]
        return self.one(known)[0]

    def pointer(self, of):
        if self.chance(0.06):
            return self.one(["/metadata/labels/app", "/spec/x", "/spec/list/-1", "/data/new", "/metadata/annotations", "/metadata/labels/a.b~1c"])
        place = list(self.place(of))
        if self.chance(0.12):
            place[-1] = "-" if isinstance(place[-1], int) else self.one(KEYS)
        return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in place)

    # Objects.

    def containers(self):
        out = []
        for name in self.some(["app", "side", "init"], 2):
            c = {"name": name, "image": self.one(["nginx", "nginx:1.7", "reg.io/a/nginx@sha256:" + "0" * 64, "db:1", "reg.io:5000/app:v1"])}
            if self.chance(0.4):
                c["env"] = [{"name": n, "value": self.word()} for n in self.some(["A", "B", "C"], 2)]
            if self.chance(0.3):
                c.setdefault("env", []).append({"name": "R", "valueFrom": {self.one(["configMapKeyRef", "secretKeyRef"]): {"name": self.one(NAMES), "key": "k"}}})
            if self.chance(0.3):
                c["envFrom"] = [{self.one(["configMapRef", "secretRef"]): {"name": self.one(NAMES)}}]
            if self.chance(0.3):
                c["args"] = [self.word() for _ in range(self.rand.randint(1, 3))]
            if self.chance(0.2):
                c["ports"] = [{"containerPort": p} for p in self.some([80, 443, 8080], 2)]
            if self.chance(0.15):
                c["volumeMounts"] = [{"name": "v", "mountPath": p} for p in self.some(["/a", "/b"], 2)]
            out.append(c)
        return out

    def pod(self):
        spec = {"containers": self.containers()}
        if self.chance(0.2):
            spec["volumes"] = [{"name": "v", self.one(["configMap", "emptyDir"]): {"name": self.one(NAMES)}}]
        if self.chance(0.2):
            spec["serviceAccountName"] = self.one(NAMES)
        if self.chance(0.2):
            spec["initContainers"] = self.containers()
        if self.chance(0.15):
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": self.pairs()}, "topologyKey": "x"}]}}
        if self.chance(0.1):
            spec["topologySpreadConstraints"] = [{"labelSelector": {"matchLabels": self.pairs()}}]
        return spec

    def template(self):
        t = {}
        if self.chance(0.5):
            t["metadata"] = {"labels": self.pairs()}
            if self.chance(0.3):
                t["metadata"]["annotations"] = self.pairs()
        t["spec"] = self.pod() if self.chance(0.9) else {}
        return t

    def object(self, kind, name, namespace):
        meta = {"name": name}
        if namespace:
            meta["namespace"] = namespace
        if self.chance(0.35):
            meta["labels"] = self.pairs() if self.chance(0.95) else self.one([{}, None])
        if self.chance(0.3):
            meta["annotations"] = self.pairs() if self.chance(0.95) else self.one([{}, None])
        o = {"apiVersion": KINDS[kind], "kind": kind, "metadata": meta}
        selector = {"matchLabels": self.pairs()} if self.chance(0.5) else ({} if self.chance(0.2) else None)
        if kind in ("Deployment", "StatefulSet", "DaemonSet"):
            o["spec"] = {"template": self.template()}
            if selector is not None:
                o["spec"]["selector"] = selector
            if self.chance(0.4):
                o["spec"]["replicas"] = self.one([1, 3])
            if kind == "StatefulSet":
                o["spec"]["serviceName"] = self.one(NAMES)
                if self.chance(0.6):
                    o["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": n}} for n in self.some(["d", "e"], 2)]
        elif kind == "Job":
            o["spec"] = {"template": self.template()}
        elif kind == "CronJob":
            o["spec"] = {"jobTemplate": {"spec": {"template": self.template()}}}
        elif kind == "Pod":
            o["spec"] = self.pod()
        elif kind == "Service":
            o["spec"] = {"ports": [{"port": 80, "targetPort": self.one([80, "http"])}]}
            if self.chance(0.6):
                o["spec"]["selector"] = self.pairs()
        elif kind in ("ConfigMap", "Secret"):
            if self.chance(0.9):
                o["data"] = {k: self.one([self.word(), Raw("1.10"), Raw("true"), 5]) for k in self.some(["k", "l", "m", "n"], 3)}
            if self.chance(0.05):
                o["binaryData"] = {"b": "AAA="}
            if self.chance(0.1):
                o["data"] = {"conf.json": '{"a": {"b": "c"}, "l": [1, 2]}', "conf.yaml": "a:\n  b: c\nl:\n- x\n"}
        elif kind in ("RoleBinding", "ClusterRoleBinding"):
            o["roleRef"] = {"apiGroup": "rbac.authorization.k8s.io", "kind": self.one(["Role", "ClusterRole"]), "name": self.one(NAMES)}
            o["subjects"] = [{"kind": "ServiceAccount", "name": self.one([*NAMES, "default"]), **({"namespace": self.one(["ns1", "ns2"])} if self.chance(0.6) else {})}]
        elif kind in ("Role", "ClusterRole"):
            o["rules"] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": [self.one(NAMES)]}]
        elif kind == "Ingress":
            o["spec"] = {"rules": [{"host": "a.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": self.one(NAMES), "port": {"number": 80}}}}]}}]}
            if self.chance(0.3):
                o["spec"]["tls"] = [{"secretName": self.one(NAMES), "hosts": ["a.test"]}]
        elif kind == "NetworkPolicy":
            o["spec"] = {"podSelector": {"matchLabels": self.pairs()} if self.chance(0.7) else {}, "ingress": [{"from": [{"podSelector": {"matchLabels": self.pairs()}}]}]}
        elif kind == "PodDisruptionBudget":
            o["spec"] = {"minAvailable": 1, "selector": {"matchLabels": self.pairs()}}
        elif kind == "HorizontalPodAutoscaler":
            o["spec"] = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": self.one(WORKLOADS[:2]), "name": self.one(NAMES)}, "minReplicas": 1, "maxReplicas": 3}
        elif kind == "PersistentVolumeClaim":
            o["spec"] = {"volumeName": self.one(NAMES)}
        elif kind == "Widget":
            o["spec"] = {"x": self.value(), "ref": {"name": self.one(NAMES)}, "list": [{"name": n, "v": self.value()} for n in self.some("pqr", 2)], "m": {"a": self.value()}}
        return o

    def documents(self, prefix):
        docs = []
        for _ in range(self.rand.randint(1, 3)):
            kind = self.one(list(KINDS)) if self.chance(0.6) else self.one(["Deployment", "Service", "ConfigMap", "StatefulSet"])
            name, namespace = self.one(NAMES), self.one([None, None, None, "ns1", "ns2"])
            if (kind, name, namespace) in self.objects and self.chance(0.97):
                continue
            self.objects.append((kind, name, namespace))
            docs.append(self.object(kind, name, namespace))
            self.contents[kind, name] = docs[-1]
        return docs

    # Kustomizations.

    def layer(self, name, below, with_objects):
        k = {}
        if self.chance(0.3):
            k["apiVersion"], k["kind"] = "kustomize.config.k8s.io/v1beta1", "Kustomization"
        resources = [f"../{b}" for b in below]
        if with_objects:
            docs = self.documents(name)
            if docs:
                if len(docs) == 1 and self.chance(0.05):
                    docs = [{"apiVersion": "v1", "kind": "List", "items": docs}]
                self.files[f"{name}/r.yaml"] = "---\n".join(self.writer.text(d) for d in docs)
                resources.append("r.yaml")
        if resources:
            k["resources"] = resources
        if self.chance(0.15):
            self.files[f"{name}-c/kustomization.yaml"] = self.writer.text(
                {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", **self.features(f"{name}-c")})
            k["components"] = [f"../{name}-c"]
        k.update(self.features(name))
        self.files[f"{name}/" + self.one(["kustomization.yaml"] * 8 + ["kustomization.yml", "Kustomization"])] = self.writer.text(k)
        return name

    def features(self, name):
        k = {}
        makers = [m for m in dir(self) if m.startswith("make_")]
        for maker in self.some(makers, 2):
            value = getattr(self, maker)(name)
            if value is not None:
                k[maker.removeprefix("make_")] = value
        for maker in ["make_labels", "make_patches", "make_replacements", "make_commonLabels"]:
            if self.chance(0.22):
                k[maker.removeprefix("make_")] = getattr(self, maker)(name)
        items = list(k.items())
        self.rand.shuffle(items)
        return dict(items)

    def target(self):
        kind, name, namespace = self.one(self.objects) if self.objects and self.chance(0.9) else ("Deployment", "web", None)
        t = {}
        if self.chance(0.85):
            t["kind"] = kind
        if self.chance(0.4):
            t["name"] = self.one([name, name, name, ".*", "w.*", "^" + name])
        if self.chance(0.1) and namespace:
            t["namespace"] = namespace
        if self.chance(0.1):
            t["group"] = KINDS[kind].split("/")[0] if "/" in KINDS[kind] else ""
        if self.chance(0.08):
            t["version"] = KINDS[kind].split("/")[-1]
        if self.chance(0.1):
            t["labelSelector"] = self.one(["app=a", "app", "!app", "app in (a,x)", "app!=a", "tier=x,app=a"])
        if self.chance(0.05):
            t["annotationSelector"] = self.one(["env", "env=a"])
        return t or {"kind": kind}

    def spec(self):
        return {k: v for k, v in {
            "path": self.one(["spec/x", "spec/m", "spec/template/metadata/labels", "metadata/labels", "spec/list/v", "spec/list[]/v", "data", "metadata/annotations", "spec/ref/name"]),
            "kind": self.one([None, "Widget", "Deployment", "ConfigMap"]), "create": self.one([None, True, False])}.items() if v is not None}

    def make_labels(self, _):
        out = []
        for _ in range(self.rand.randint(1, 2)):
            label = {"pairs": self.pairs()}
            if self.chance(0.35):
                label["includeSelectors"] = self.chance(0.8)
            if self.chance(0.35):
                label["includeTemplates"] = self.chance(0.9)
            if self.chance(0.1):
                label["fields"] = [self.spec()]
            out.append(label)
        return out

    def make_commonLabels(self, _):
        return self.pairs()

    def make_commonAnnotations(self, _):
        return self.pairs()

    def make_namePrefix(self, _):
        return self.one(["p-", "a", "x.", "1-"])

    def make_nameSuffix(self, _):
        return self.one(["-s", "z", "-2"])

    def make_namespace(self, _):
        return self.one(["ns1", "ns2", "prod", "123", "true"])

    def make_images(self, _):
        out = []
        for _ in range(self.rand.randint(1, 2)):
            image = {"name": self.one(["nginx", "db", "reg.io/a/nginx", "reg.io:5000/app", "ng.nx", "*", "nginx:1.7"])}
            image.update(self.one([{"newTag": "2.0"}, {"newName": "o.io/n"}, {"digest": "sha256:" + "1" * 64}, {"newName": "q", "newTag": "v3"}, {"tagSuffix": "-x"}, {"newTag": "t", "digest": "sha256:1"}]))
            out.append(image)
        return out

    def make_replicas(self, _):
        known = [name for kind, name, _ in self.objects if kind in ("Deployment", "StatefulSet")] or ["web"]
        return [{"name": self.one(known), "count": self.one([0, 2, 5])}]

    def merge_patch(self):
        if not self.objects:
            return "{}"
        kind, name, namespace = self.one(self.objects)
        p = {"apiVersion": KINDS[kind], "kind": kind, "metadata": {"name": name}}
        if namespace and self.chance(0.9):
            p["metadata"]["namespace"] = namespace
        for field in ["labels", "annotations"]:
            if self.chance(0.35):
                p["metadata"][field] = {k: self.one([self.word(), self.word(), None]) for k in self.some(KEYS, 2)}
        if kind in ("Deployment", "StatefulSet", "DaemonSet", "Job") and self.chance(0.7):
            c = {"name": self.one(["app", "side", "new"])}
            if self.chance(0.6):
                c["image"] = self.word()
            if self.chance(0.4):
                c["env"] = [{"name": self.one("ABZ"), "value": self.word()}]
            if self.chance(0.1):
                c["$patch"] = self.one(["delete", "replace"])
            p["spec"] = {"template": {"spec": {"containers": [c]}}}
            if self.chance(0.4):
                p["spec"]["template"]["metadata"] = {"labels": {k: self.word() for k in self.some(KEYS, 2)}}
            if self.chance(0.3):
                p["spec"]["replicas"] = self.one([2, None, Raw("1.0")])
            if self.chance(0.2):
                p["spec"]["selector"] = {"matchLabels": self.pairs()}
        elif kind in ("ConfigMap", "Secret"):
            p["data"] = {k: self.one([self.word(), self.word(), None, Raw("2.10"), Raw("07")]) for k in self.some(["k", "l", "z"], 2)}
        elif kind == "Widget":
            p["spec"] = {"x": self.value(), "m": {self.one("ab"): self.value()}}
            if self.chance(0.3):
                p["spec"]["list"] = self.one([[], None, [{"name": "p", "v": 1}]])
        elif kind == "Service":
            p["spec"] = {"selector": {k: self.one([self.word(), None]) for k in self.some(KEYS, 2)}}
        if self.chance(0.06):
            p["$patch"] = self.one(["delete", "replace", "merge"])
        return self.writer.text(p)

    def json_patch(self, of):
        ops = []
        for _ in range(self.rand.randint(1, 2)):
            op = self.one(["add", "add", "add", "add", "replace", "replace", "remove", "copy", "move"] + ["test"] * self.chance(0.2))
            o = {"op": op, "path": self.pointer(of)}
            if op in ("add", "replace", "test"):
                o["value"] = self.value()
            if op in ("copy", "move"):
                o["from"] = self.pointer(of)
            ops.append(o)
        return self.writer.text(ops)

    def patch_text(self, name, text):
        if self.chance(0.3):
            path = f"patch{self.rand.randint(0, 99)}.yaml"
            self.files[f"{name}/{path}"] = text
            return {"path": path}
        return {"patch": text}

    def make_patches(self, name):
        out = []
        for _ in range(self.rand.randint(1, 2)):
            if self.chance(0.65):
                entry = self.patch_text(name, self.merge_patch())
                if self.chance(0.25):
                    entry["target"] = self.target()
                if self.chance(0.1):
                    entry["options"] = {self.one(["allowNameChange", "allowKindChange"]): True}
            else:
                kind, wanted, _ = self.one(self.objects) if self.objects else ("Deployment", "web", None)
                target = self.target() if self.chance(0.1) else {"kind": kind, "name": wanted}
                entry = {**self.patch_text(name, self.json_patch((kind, wanted))), "target": target}
            out.append(entry)
        return out

    def make_patchesStrategicMerge(self, _):
        return [self.merge_patch()]

    def make_patchesJson6902(self, _):
        if not self.objects:
            return None
        kind, name, _ = self.one(self.objects)
        api = KINDS[kind]
        target = {"version": api.split("/")[-1], "kind": kind, "name": name}
        if "/" in api:
            target["group"] = api.split("/")[0]
        return [{"target": target, "patch": self.json_patch((kind, name))}]

    def field_path(self, of, scalar=False):
        if self.chance(0.05):
            return self.one(["metadata.labels.app", "metadata.labels.[a.b/c]", "data.conf\\.json.a.b", "data.conf\\.yaml.a.b", "spec.list.*.v", "spec.list.-.v", "data", "spec.m"])
        if self.chance(0.25):
            return self.one(["metadata.name", "metadata.labels", "metadata.labels.app", "metadata.annotations.env", "metadata.namespace", "metadata.labels.tier"])
        parts, here = [], self.contents.get(of, {})
        for part in self.place(of, scalar):
            here = here[part] if isinstance(here, (dict, list)) and (isinstance(here, list) or part in here) else {}
            if isinstance(part, int):
                name = here.get("name") if isinstance(here, dict) else None
                parts.append(self.one(["*"] * (not scalar) + [str(part)] + ([f"[name={name}]"] * 3 if name else [])))
            else:
                parts.append((self.one([f"[{part}]", part.replace(".", "\\.")])) if "." in part else part)
        return ".".join(parts)

    def options(self, target):
        o = {}
        if self.chance(0.5):
            o["delimiter"] = self.one([":", "-", ".", "/"])
        if self.chance(0.4):
            o["index"] = self.one([0, 1, 2, -1])
        if target and self.chance(0.5):
            o["create"] = self.chance(0.9)
        return o

    def make_replacements(self, name):
        out = []
        for _ in range(self.rand.randint(1, 2)):
            r = {}
            if self.chance(0.12):
                r["sourceValue"] = self.word()
            else:
                kind, source, _ = self.one(self.objects) if self.objects else ("ConfigMap", "web", None)
                r["source"] = {"kind": kind, "name": source}
                if self.chance(0.85):
                    r["source"]["fieldPath"] = self.field_path((kind, source), self.chance(0.7))
                if self.chance(0.2):
                    r["source"]["options"] = self.options(False)
            r["targets"] = []
            for _ in range(self.rand.randint(1, 2)):
                kind, target, _ = self.one(self.objects) if self.objects else ("ConfigMap", "web", None)
                t = {"select": {"kind": kind, "name": target} if self.chance(0.8) else self.one([{"kind": kind}, {"name": target}])}
                if self.chance(0.15):
                    t["reject"] = [{"name": self.one(NAMES)}]
                t["fieldPaths"] = [self.field_path((kind, target)) for _ in range(self.rand.randint(1, 2))]
                if self.chance(0.7):
                    t["options"] = self.options(True)
                    if self.chance(0.7):
                        t["options"] = {**t["options"], "create": True}
                        t["options"].pop("delimiter", None)
                r["targets"].append(t)
            out.append(r)
        if self.chance(0.1):
            self.files[f"{name}/rep.yaml"] = self.writer.text(out)
            return [{"path": "rep.yaml"}]
        return out

    def make_vars(self, _):
        kind, name, _ = self.one(self.objects) if self.objects else ("ConfigMap", "web", None)
        v = {"name": self.one("VW"), "objref": {"kind": kind, "name": name, "apiVersion": KINDS[kind]}}
        if self.chance(0.5):
            v["fieldref"] = {"fieldpath": ".".join(str(part) for part in self.place((kind, name), True))}
        return [v]

    def generator(self, name, kind):
        g = {"name": self.one([*NAMES, "gen"])}
        if self.chance(0.7):
            g["literals"] = [f"{k}={self.word()}" for k in self.some(["k", "l", "z"], 2)]
        if self.chance(0.2):
            self.files[f"{name}/f.txt"] = self.one(["x\ny\n", "", "a: 1\n", "no newline", "tab\there\n", "trail  \n"])
            g["files"] = [self.one(["f.txt", "q=f.txt"])]
        if self.chance(0.15):
            self.files[f"{name}/e.env"] = "A=1\nB=x y\n#c\nC=\n"
            g["envs"] = ["e.env"]
        known = [n for k, n, _ in self.objects if k == kind]
        if known and self.chance(0.6):
            g["name"], g["behavior"] = self.one(known), self.one(["merge", "merge", "replace", "create"] if self.chance(0.2) else ["merge", "replace"])
        elif g["name"] in known:
            g["name"] = f"g{len(known)}"
        if self.chance(0.04):
            g["namespace"] = self.one(["ns1", "ns2"])
        if self.chance(0.35):
            g["options"] = {k: v for k, v in {"disableNameSuffixHash": self.one([None, True]), "labels": self.one([None, self.pairs()]), "annotations": self.one([None, self.pairs()]),
                                              "immutable": self.one([None, None, True])}.items() if v is not None}
        return g

    def make_configMapGenerator(self, name):
        g = self.generator(name, "ConfigMap")
        self.objects.append(("ConfigMap", g["name"], g.get("namespace")))
        return [g]

    def make_secretGenerator(self, name):
        g = self.generator(name, "Secret")
        if self.chance(0.3):
            g["type"] = "kubernetes.io/tls"
        self.objects.append(("Secret", g["name"], g.get("namespace")))
        return [g]

    def make_generatorOptions(self, _):
        return {"disableNameSuffixHash": self.chance(0.5), "labels": self.pairs(), "annotations": self.pairs(1)}

    def make_buildMetadata(self, _):
        return self.some(["originAnnotations", "transformerAnnotations", "managedByLabel"], 2)

    def make_sortOptions(self, _):
        return self.one([{"order": "fifo"}, {"order": "legacy"}, {"order": "legacy", "legacySortOptions": {"orderFirst": ["Secret"], "orderLast": ["Namespace", "Deployment"]}}] + [{"order": "x"}] * self.chance(0.1))

    def make_configurations(self, name):
        self.files[f"{name}/conf.yaml"] = self.writer.text(self.one([
            {"commonLabels": [{"path": "spec/m", "kind": "Widget", "create": True}]},
            {"nameReference": [{"kind": "ConfigMap", "fieldSpecs": [{"path": "spec/ref/name", "kind": "Widget"}]}]},
            {"namePrefix": [{"path": "spec/x", "kind": "Widget"}]}, {"images": [{"path": "spec/x", "kind": "Widget"}]},
            {"varReference": [{"path": "spec/x", "kind": "Widget"}, {"path": "metadata/labels"}]}, {"namespace": [{"path": "spec/ns", "create": True}]},
            {"replicas": [{"path": "spec/x", "kind": "Widget", "create": True}]}, {"commonAnnotations": [{"path": "spec/m", "create": True, "kind": "Widget"}]}]))
        return ["conf.yaml"]

    def plugin(self, name, configs, file):
        config = self.one(configs)
        config = {"apiVersion": "builtin", "kind": config[0], "metadata": {"name": "t"}, **config[1]}
        text = self.writer.text(config)
        if self.chance(0.5):
            return [text]
        self.files[f"{name}/{file}"] = text
        return [file]

    def make_transformers(self, name):
        return self.plugin(name, [
            ("LabelTransformer", {"labels": self.pairs(), "fieldSpecs": [{"path": "metadata/labels", "create": True}, self.spec()]}),
            ("AnnotationsTransformer", {"annotations": self.pairs(), "fieldSpecs": [{"path": "metadata/annotations", "create": True}]}),
            ("PrefixTransformer", {"prefix": "t-", "fieldSpecs": [{"path": "metadata/name"}]}), ("SuffixTransformer", {"suffix": "-t", "fieldSpecs": [{"path": "metadata/name"}]}),
            ("NamespaceTransformer", {"metadata": {"name": "t", "namespace": "tn"}, "setRoleBindingSubjects": self.one(["none", "allServiceAccounts", "defaultOnly"]), "unsetOnly": self.chance(0.4),
                                      "fieldSpecs": [{"path": "metadata/namespace", "create": True}]}),
            ("ImageTagTransformer", {"imageTag": {"name": "nginx", "newTag": "v9"}, "fieldSpecs": [{"path": "spec/x"}, {"path": "spec/template/spec/containers[]/image"}]}),
            ("PatchTransformer", {"patch": self.merge_patch()}), ("PatchJson6902Transformer", {"target": self.target(), "jsonOp": self.json_patch(("Deployment", "web"))}),
            ("ReplicaCountTransformer", {"replica": {"name": "web", "count": 4}, "fieldSpecs": [{"path": "spec/replicas", "create": True}]}),
            ("ValueAddTransformer", {"value": "va", "targets": [{"fieldPath": "spec/x"}, {"fieldPath": "metadata/labels/app"}]}),
            ("ReplacementTransformer", {"replacements": [{"source": {"kind": "ConfigMap", "fieldPath": "metadata.name"}, "targets": [{"select": {"kind": "Widget"}, "fieldPaths": ["spec.x"]}]}]}),
        ], "tr.yaml")

    def make_generators(self, name):
        self.objects.append(("ConfigMap", "plug", None))
        return self.plugin(name, [("ConfigMapGenerator", {"metadata": {"name": "plug"}, "literals": ["a=" + self.word()]}),
                                  ("SecretGenerator", {"metadata": {"name": "plug"}, "literals": ["a=" + self.word()], "type": "Opaque"})], "gen.yaml")

    def make_validators(self, name):
        return self.plugin(name, [("LabelTransformer", {"labels": self.pairs(1), "fieldSpecs": [{"path": "metadata/labels", "create": True}]}),
                                  ("PrefixTransformer", {"prefix": "", "fieldSpecs": []})], "val.yaml")

    def make_openapi(self, name):
        if not name.startswith(self.one(["base", "mid", "top"])):
            return None
        self.files[f"{name}/schema.json"] = ('{"definitions": {"t.Widget": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"list": {"type": "array", "items": '
                                             '{"type": "object"}, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}}, "x-kubernetes-group-version-kind": '
                                             '[{"group": "example.test", "version": "v1", "kind": "Widget"}]}}}')
        return {"path": "schema.json"}

    def make_crds(self, name):
        self.files[f"{name}/crd.json"] = ('{"example.test/v1.Widget": {"Schema": {"properties": {"kind": {"type": "string"}, "apiVersion": {}, "metadata": {}, "spec": {"$ref": "example.test/v1.WidgetSpec"}}}, '
                                          '"Dependencies": []}, "example.test/v1.WidgetSpec": {"Schema": {"properties": {"ref": {"x-kubernetes-object-ref-api-version": "v1", '
                                          '"x-kubernetes-object-ref-kind": "ConfigMap", "$ref": "k8s.io/api/core/v1.ObjectReference"}}}}}')
        return ["crd.json"]

    def make_helmCharts(self, name):
        if not self.helm or self.chance(0.5):
            return None
        self.needs_helm = True
        chart = f"{name}/charts/x"
        self.files[f"{chart}/Chart.yaml"] = "{apiVersion: v2, name: x, version: 0.1.0}\n"
        self.files[f"{chart}/values.yaml"] = self.one(["{}\n", "a: 1\nm: {k: v}\n", "a: [x]\nm:\n  k: 1.10\n"])
        self.files[f"{chart}/templates/a.yaml"] = ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\n"
                                                   "data:\n  a: {{ .Values.a | toJson | quote }}\n  m: {{ toJson .Values.m | quote }}\n  v: {{ .Capabilities.KubeVersion.Version }}\n")
        entry = {"name": "x"}
        for key, choices in {"releaseName": ["rel", "web"], "namespace": ["ns1"], "valuesInline": [{"a": 2}, {"m": {"j": True}}, {"m": None}, {"n": 1.5}],
                             "valuesMerge": ["merge", "override", "replace", "bad"], "nameTemplate": ["nt", "{{ \"q\" | upper | lower }}"], "kubeVersion": ["1.29.0", "v1.30"],
                             "includeCRDs": [True], "apiVersions": [["a/v1"]], "skipHooks": [True], "skipTests": [True]}.items():
            if self.chance(0.25 if key != "releaseName" else 0.7):
                entry[key] = self.one(choices)
        return [entry]

    def choose_flags(self):
        true = lambda: self.one(["", "=true", "=1", "=T", "=TRUE", "=t", "=True"])
        if self.needs_helm:
            self.flags += ["--enable-helm" + true(), "--helm-command", self.helm]
        if self.chance(0.08):
            self.flags += self.one([["--load-restrictor", "LoadRestrictionsNone"], ["--load-restrictor=LoadRestrictionsRootOnly"], ["--load-restrictor", "none"], ["--load-restrictor="], ["--load-restrictor", "rootOnly"],
                                    ["--reorder", "none"], ["--reorder=legacy"], ["--reorder", "x"], ["--enable-managedby-label" + true()], ["--enable-managedby-label=false"],
                                    ["--enable-managedby-label=maybe"], ["--as-current-user" + true()], ["-e", "A=b"], ["-eA=b"], ["--env", "A"], ["--env=A=b", "-e", "C"], ["--network"], ["--network=0"],
                                    ["--network-name", "-x"], ["--mount", "type=bind,src=/,dst=/x"], ["--mount="], ["--enable-alpha-plugins" + true()], ["--enable-helm=F"], ["--unknown"], ["-z"],
                                    ["--enable-helm", "--enable-helm=false"], ["--helm-kube-version", "1.30"], ["--helm-api-versions", "a/v1", "--helm-api-versions=b"], ["--env"], ["-o", ""], ["--output="]])
            if not self.kubectl and self.chance(0.1):
                self.flags += self.one([["--stack-trace"], ["--stack-trace=false"], ["--enable-exec"], ["--enable-exec=1"], ["--enable-star"]])
        if self.kubectl:
            self.flags = [f for f in self.flags if not f.startswith(("--reorder", "--stack"))]


def write(files, root):
    for path, text in files.items():
        target = pathlib.Path(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def answers(files, entry, flags, tools):
    """What each tool says: (failed, stdout, stderr)."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as root:
        write(files, root)
        out = []
        for tool in tools:
            try:
                run = subprocess.run([*tool, *flags, entry], cwd=root, capture_output=True, timeout=60, env={**os.environ, "HOME": root})
                out.append((run.returncode != 0, run.stdout, run.stderr.decode(errors="replace")))
            except subprocess.TimeoutExpired:
                out.append((True, b"", "no end within 60 s"))
        return out


def verdict(ours, real):
    """How two answers differ; None where they do not."""
    if "panic:" in real[2] or "fatal error:" in real[2]:
        return "the real tool crashes" if not ours[0] else None
    if ours[0] != real[0]:
        return "refused" if ours[0] else "accepted"
    return "output" if not ours[0] and ours[1] != real[1] else None


def smaller(files, entry, flags, tools, kind):
    """The case with every line left out that the difference does not need."""
    def still(candidate, flags=flags):
        ours, real = answers(candidate, entry, flags, tools)
        return verdict(ours, real) == kind
    if still(files, []):
        flags = []
    for path in list(files):
        rest = {p: t for p, t in files.items() if p != path}
        if still(rest, flags):
            files = rest
    changed = True
    while changed:
        changed = False
        for path in list(files):
            size = max(1, len(files[path].splitlines()) // 2)
            while size:
                at = 0
                while at < len(lines := files[path].splitlines(True)):
                    rest = {**files, path: "".join(lines[:at] + lines[at + size:])}
                    if still(rest, flags):
                        files, changed = rest, True
                    else:
                        at += size
                size //= 2
    return files, flags


def run(number, options, tools, kubectl):
    case = Case(number, options.seed, kubectl, options.helm)
    ours, real = answers(case.files, case.entry, case.flags, tools)
    return case, verdict(ours, real), real


parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2][7:])
parser.add_argument("hydrate", type=pathlib.Path)
parser.add_argument("kustomize", type=pathlib.Path)
parser.add_argument("--cases", type=int, default=10_000)
parser.add_argument("--seed", default="1")
parser.add_argument("--helm", help="a real helm 3 for helmCharts")
parser.add_argument("--only", type=int)
parser.add_argument("--keep", type=pathlib.Path)
parser.add_argument("--show", type=int, default=20, help="differences made small and printed")
parser.add_argument("--whole", action="store_true", help="print cases as they were made")
parser.add_argument("--jobs", type=int, default=2)
options = parser.parse_args()
KUBECTL = "kubectl" in options.kustomize.name
SCRATCH = os.environ.get("TMPDIR")
TOOLS = [[options.hydrate.resolve(), "kustomize", "build"], [options.kustomize.resolve(), *(["kustomize"] if KUBECTL else ["build"])]]
numbers = [options.only] if options.only is not None else range(options.cases)
differ, refused, crashed, shown = [], 0, 0, 0
with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
    for number, (case, kind, real) in zip(numbers, pool.map(lambda n: run(n, options, TOOLS, KUBECTL), numbers)):
        refused += real[0]
        if kind == "the real tool crashes":
            crashed += 1
            continue
        if kind is None:
            continue
        again = [answers(case.files, case.entry, case.flags, TOOLS[1:])[0][1] for _ in range(3)]
        if any(a != real[1] for a in again):
            crashed += 1
            continue
        differ.append(number)
        if shown >= options.show:
            continue
        shown += 1
        files, flags = (case.files, case.flags) if options.whole else smaller(case.files, case.entry, case.flags, TOOLS, kind)
        ours, real = answers(files, case.entry, flags, TOOLS)
        print(f"#### case {number}: {kind}: build {' '.join(flags)} {case.entry}")
        for path, text in files.items():
            print(f"=== {path}\n{text}", end="" if text.endswith("\n") else "\n")
        for name, answer in [("hydrate", ours), ("real", real)]:
            print(f"--- {name}{' failed' if answer[0] else ''}\n{answer[2][:600] if answer[0] else answer[1].decode(errors='replace')}")
        sys.stdout.flush()
        if options.keep:
            first = next(p for p in files if p.startswith(case.entry + "/") and "ustomization" in p)
            parts = [(first, files[first]), *((p, t) for p, t in files.items() if p != first), ("stderr", real[2]) if real[0] else ("stdout", real[1].decode())]
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"case-{number}.txt").write_text("".join(f"=== {p}\n{t}" + ("" if t.endswith("\n") or not t else "\n") for p, t in parts))
print(f"{len(numbers)} cases: {len(differ)} differ; kustomize refused {refused}; left out, as kustomize crashes or has two answers: {crashed}")
print("differ:", *differ[:200])
sys.exit(bool(differ))
