#!/usr/bin/env python3
"""Does the validator find what is wrong? Each case spoils a copy of the tree in one way and names the finding that must come of it."""

import argparse
import copy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import agreement
import configs
import handover
import order
import references
import schemas
import security
import signals
from tree import Object, Report, Tree


def one(tree, kind, name):
    return next(item for item in tree.objects if item.kind == kind and item.name == name).data


def pod(tree, kind, name):
    return one(tree, kind, name)["spec"]["template"]["spec"]


def edit(tree, name, key, old, new):
    data = next(item for item in tree.of("ConfigMap") if key in (item.data.get("data") or {}) and item.name.startswith(name)).data["data"]
    assert old in data[key], f"{name}, {key}: {old} is not there to be spoiled"
    data[key] = data[key].replace(old, new)


def remove(tree, kind, name):
    tree.objects = [item for item in tree.objects if (item.kind, item.name) != (kind, name)]


def twice(tree):
    item = next(item for item in tree.objects if item.kind == "Service" and item.name == "grafana")
    tree.objects.append(Object("elsewhere", item.path, copy.deepcopy(item.data)))


def told(tree, name):
    """What Flux is told about one unit."""
    return next(item for item in handover.read(tree) if item["kind"] == "Kustomization" and item["metadata"]["name"] == name)["spec"]


# (what is done to the tree, which check finds it, a part of what it says)
CASES = [
    (lambda t: one(t, "Service", "grafana")["spec"].update(typo=1), schemas, "typo"),
    (lambda t: one(t, "HTTPRoute", "grafana")["spec"].update(hostnames=["not a host"]), schemas, "hostnames.0"),
    (twice, references, "is also in grafana"),
    (lambda t: remove(t, "ServiceAccount", "loki"), references, "ServiceAccount `loki` does not exist"),
    (lambda t: remove(t, "ConfigMap", "tempo"), references, "ConfigMap `tempo` does not exist"),
    (lambda t: remove(t, "Service", "alertmanager"), references, "names Service observability/alertmanager, which does not exist"),
    (lambda t: remove(t, "PersistentVolumeClaim", "grafana"), references, "PersistentVolumeClaim `grafana` does not exist"),
    (lambda t: remove(t, "ReferenceGrant", "hubble"), references, "no ReferenceGrant in `kube-system`"),
    (lambda t: remove(t, "ClusterRole", "beyla"), references, "ClusterRole `beyla` does not exist"),
    (lambda t: remove(t, "Namespace", "node-agents"), references, "its namespace `node-agents` does not exist"),
    (lambda t: one(t, "Service", "loki")["spec"]["selector"].update({"app.kubernetes.io/name": "loky"}), references, "no pod has the labels"),
    (lambda t: one(t, "Service", "loki")["spec"]["ports"][0].update(targetPort="htp"), references, "have no port `htp`"),
    (lambda t: one(t, "HTTPRoute", "prometheus")["spec"]["rules"][0]["backendRefs"][0].update(port=1), references, "has no port 1"),
    (lambda t: one(t, "Namespace", "observability")["metadata"]["labels"].pop("platform/gateway-routes"), references, "does not take routes"),
    (lambda t: one(t, "NetworkPolicy", "loki")["spec"]["ingress"][0]["ports"][0].update(port=3101), references, "which nobody there listens on"),
    (lambda t: pod(t, "StatefulSet", "loki")["containers"][0].update(image="docker.io/grafana/loki:latest"), references, "is not pinned"),
    (lambda t: pod(t, "StatefulSet", "loki")["containers"][0].pop("livenessProbe"), references, "has no liveness probe"),
    (lambda t: pod(t, "DaemonSet", "beyla")["volumes"].append({"name": "x", "emptyDir": {}}), references, "no container mounts ['x']"),
    (lambda t: one(t, "NetworkPolicy", "tempo")["spec"]["ingress"].pop(), agreement, "otel-collector may send to tempo at port 4317"),
    (lambda t: pod(t, "StatefulSet", "loki")["securityContext"].pop("runAsNonRoot"), security, "loki may run as root"),
    (lambda t: pod(t, "StatefulSet", "loki")["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), security, "forbids: ['hostPath']"),
    (lambda t: pod(t, "DaemonSet", "beyla")["containers"][0]["securityContext"].pop("readOnlyRootFilesystem"), security, "that it may write to"),
    (lambda t: edit(t, "loki", "loki.yaml", "auth_enabled", "auth_enable"), configs, "auth_enable"),
    (lambda t: edit(t, "tempo", "tempo.yaml", "send_exemplars", "send_exemplar"), configs, "send_exemplar"),
    (lambda t: edit(t, "thanos", "objstore.yml", "insecure", "insecur"), configs, "insecur"),
    (lambda t: edit(t, "beyla", "beyla.yaml", "unmatched: heuristic", "unmatched: guess"), configs, "guess"),
    (lambda t: edit(t, "otel-collector", "config.yaml", "exporters: [otlp/tempo, spanmetrics]", "exporters: [otlp/temp, spanmetrics]"), configs, "uses `otlp/temp`"),
    (lambda t: edit(t, "fluent-bit", "fluent-bit.yaml", "match: hubble", "match: bubble"), configs, "nothing has a tag like `bubble`"),
    (lambda t: edit(t, "grafana", "datasources.yaml", "datasourceUid: tempo", "datasourceUid: temp"), configs, "names the datasource `temp`"),
    (lambda t: edit(t, "coredns", "Corefile", "reload", "relaod"), configs, "no plugin `relaod`"),
    (lambda t: edit(t, "prometheus", "prometheus.yml", "rule_files", "rule_file"), configs, "rule_file not found"),
    (lambda t: edit(t, "alertmanager", "alertmanager.yml", "receiver: none", "receiver: nobody"), configs, "nobody"),
    (lambda t: edit(t, "cilium-dashboard-hubble", "cilium-hubble.json", "/d/incident", "/d/accident"), configs, "links to /d/accident"),
    (lambda t: edit(t, "loki-rules", "loki-loki.yaml", "loki_discarded_samples_total", "loki_discarded_sample_total"), signals, "asks for `loki_discarded_sample_total`"),
    (lambda t: edit(t, "loki-rules", "loki-loki.yaml", "sum by (reason)", "sum by reason)"), signals, "promtool says"),
    (lambda t: edit(t, "loki-rules", "loki-loki.yaml", "alert: LokiDown", "alert: TempoDown"), signals, "is also in"),
    (lambda t: edit(t, "loki", "logs.yaml", "|~ \"^panic", "}|~ \"^panic"), signals, "is no LogQL"),
    (lambda t: remove(t, "Namespace", "observability"), order, "comes before its namespace `observability`"),
    (lambda t: told(t, "loki").update(interval="10"), handover, "does not match"),
    (lambda t: told(t, "loki")["dependsOn"].append({"name": "loky"}), handover, "depends on `loky`, which does not exist"),
    (lambda t: told(t, "loki").update(path="./manifests/k3d/loky"), handover, "there is no directory ./manifests/k3d/loky"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", nargs="?", default="manifests/k3d", type=Path)
    parser.add_argument("--versions", default="1.33")
    arguments = parser.parse_args()
    arguments.allow_missing_tools = False
    whole = Tree.read(arguments.tree)
    missed = []
    for number, (spoil, check, expected) in enumerate(CASES):
        tree = Tree(whole.root, copy.deepcopy(whole.objects))
        report = Report()
        try:
            spoil(tree)
            # Schemas are slow: one kind is enough.
            if check is schemas:
                tree.objects = [item for item in tree.objects if item.kind in ("Service", "HTTPRoute")]
            check.check(tree, report, arguments)
        except (AssertionError, StopIteration, KeyError) as error:
            missed.append(f"case {number}, `{expected}`: {error!r}")
            continue
        if not any(expected in finding for finding in report.findings):
            missed.append(f"case {number}: nobody said `{expected}`")
    for line in missed:
        print(f"  {line}")
    print(f"selftest: {len(CASES) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
