"""The order of application, simulated: a namespace before its content, a component after what it needs."""

from pathlib import Path

import yaml

from references import CLUSTER_SCOPED, NAMESPACES_OF_THE_CLUSTER


def check(tree, report, _arguments):
    root = tree.root.resolve().parent.parent
    components = {item.component for item in tree.objects} - {"00-namespaces"}
    needs = {name: read_needs(root, name) for name in components}
    applied = set(NAMESPACES_OF_THE_CLUSTER) | {item.name for item in tree.of("Namespace") if item.component == "00-namespaces"}
    done = set()
    for name in sequence(needs, report):
        for item in (item for item in tree.objects if item.component == name):
            if item.kind not in CLUSTER_SCOPED:
                report.expect(item.namespace in applied, item, f"comes before its namespace `{item.namespace}`")
            if item.group == "cilium.io":
                report.expect(name == "cilium" or "cilium" in reachable(needs, name), item, "is applied before Cilium's operator has brought its CRD")
            if item.kind == "Namespace":
                applied.add(item.name)
        done.add(name)
    report.expect(done == components, "order", f"never applied: {sorted(components - done)}")
    for pod in tree.pods():
        name = pod.spec.get("priorityClassName")
        owner = next((item.component for item in tree.of("PriorityClass") if item.name == name), None)
        if owner and owner != pod.owner.component:
            report.expect(owner in reachable(needs, pod.owner.component), pod.owner, f"is applied before the PriorityClass `{name}` of {owner}")


def read_needs(root, name):
    path = root / "components" / name / "component.yaml"
    return (yaml.safe_load(path.read_text()).get("needs") or []) if Path(path).is_file() else []


def reachable(needs, name):
    found, open_names = set(), list(needs.get(name, []))
    while open_names:
        one = open_names.pop()
        if one not in found:
            found.add(one)
            open_names.extend(needs.get(one, []))
    return found


def sequence(needs, report):
    """The components in an order that their needs allow."""
    done = []
    while len(done) < len(needs):
        ready = sorted(name for name in needs if name not in done and all(one in done for one in needs[name] if one in needs))
        if not report.expect(ready, "order", f"a cycle among {sorted(set(needs) - set(done))}"):
            return done
        done.extend(ready)
    return done
