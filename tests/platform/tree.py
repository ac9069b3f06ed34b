"""The rendered tree as objects."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Report:
    """What was checked, what was wrong with it, and what could not be checked here."""

    def __init__(self):
        self.passed = 0
        self.findings = []
        self.notes = []

    def counts(self):
        return self.passed, len(self.findings)

    def expect(self, holds, place, message):
        """Counts a check; the message is only for one that failed."""
        if holds:
            self.passed += 1
        else:
            self.findings.append(f"{place}: {message}")
        return holds


@dataclass
class Object:
    component: str
    path: Path
    data: dict

    @property
    def kind(self):
        return self.data["kind"]

    @property
    def group(self):
        api = self.data["apiVersion"]
        return api.split("/")[0] if "/" in api else ""

    @property
    def name(self):
        return self.data["metadata"]["name"]

    @property
    def namespace(self):
        return self.data["metadata"].get("namespace", "")

    @property
    def labels(self):
        return self.data["metadata"].get("labels") or {}

    def __str__(self):
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.component}: {self.kind} {place}{self.name}"


@dataclass
class Pod:
    """A pod template and who makes it."""

    owner: Object
    spec: dict
    labels: dict
    annotations: dict

    @property
    def namespace(self):
        return self.owner.namespace

    def containers(self):
        return (self.spec.get("initContainers") or []) + (self.spec.get("containers") or [])

    def ports(self):
        """(name, number) of every port of every container."""
        return [(port.get("name"), port["containerPort"]) for container in self.containers() for port in container.get("ports") or []]


@dataclass
class Tree:
    root: Path
    objects: list = field(default_factory=list)

    @classmethod
    def read(cls, root):
        """Every object under a directory. A component is a directory of it; kustomization.yaml is kustomize's own."""
        tree = cls(root)
        for path in sorted(root.rglob("*.yaml")):
            if path.name == "kustomization.yaml":
                continue
            component = path.relative_to(root).parts[0]
            with path.open(encoding="utf-8") as file:
                documents = [document for document in yaml.load_all(file, Loader) if document]
            tree.objects.extend(Object(component, path, document) for document in documents)
        return tree

    def of(self, *kinds):
        return [item for item in self.objects if item.kind in kinds]

    def find(self, kind, namespace, name):
        return next((item for item in self.objects if (item.kind, item.namespace, item.name) == (kind, namespace, name)), None)

    def pods(self):
        """Every pod template of the tree; the same ones, so that they can be told apart, while the tree is the same."""
        key = tuple(id(item) for item in self.objects)
        if getattr(self, "_pods", (None, None))[0] == key:
            return self._pods[1]
        found = []
        for item in self.of("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"):
            spec = item.data["spec"]
            template = spec["jobTemplate"]["spec"]["template"] if item.kind == "CronJob" else spec["template"]
            metadata = template.get("metadata") or {}
            found.append(Pod(item, template["spec"], metadata.get("labels") or {}, metadata.get("annotations") or {}))
        self._pods = (key, found)
        return found

    def files(self, wanted):
        """(object, key, text) of the entries of all ConfigMaps for which wanted(object, key) holds."""
        for item in self.of("ConfigMap"):
            for key, text in (item.data.get("data") or {}).items():
                if wanted(item, key):
                    yield item, key, text


def selects(selector, labels):
    """Whether a label selector matches these labels. The empty selector matches everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions") or []:
        value, among = labels.get(rule["key"]), rule.get("values") or []
        holds = {
            "In": value in among,
            "NotIn": value not in among,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }[rule["operator"]]
        if not holds:
            return False
    return True
