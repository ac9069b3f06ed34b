"""References between objects: what is named exists, what is selected is selected, what is sent arrives at a port."""

import functools
import re

import yaml

from tree import selects

NAMESPACES_OF_THE_CLUSTER = {"kube-system", "default", "kube-public", "kube-node-lease"}
PRIORITIES_OF_THE_CLUSTER = {"system-node-critical", "system-cluster-critical"}
ROLES_OF_THE_CLUSTER = {"cluster-admin", "admin", "edit", "view"}
CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "GatewayClass", "CustomResourceDefinition",
                  "CiliumClusterwideNetworkPolicy", "StorageClass"}


def check(tree, report, _arguments):
    for test in (identities, namespaces, pods, volumes, services, policies, cilium_policies, budgets, bindings, routes, urls):
        test(tree, report)


def exists(tree, kind, namespace, name):
    return (kind, namespace, name) in made_elsewhere(tree.root.resolve().parent.parent) or tree.find(kind, namespace, name) is not None


@functools.lru_cache(maxsize=None)
def made_elsewhere(root):
    """What components say is made by `make secrets` and not by them: `external: [Kind/name]`, in their own namespace."""
    made = set()
    for path in root.glob("components/*/component.yaml"):
        component = yaml.safe_load(path.read_text())
        for entry in component.get("external") or []:
            kind, name = entry.split("/")
            made.add((kind, component["namespace"], name))
    return made


def identities(tree, report):
    """No object is there twice."""
    seen = {}
    for item in tree.objects:
        key = (item.group, item.kind, item.namespace, item.name)
        report.expect(key not in seen, item, f"is also in {seen.get(key)}")
        seen[key] = item.component


def namespaces(tree, report):
    known = {item.name for item in tree.of("Namespace")} | NAMESPACES_OF_THE_CLUSTER
    for item in tree.objects:
        if item.kind in CLUSTER_SCOPED:
            report.expect(not item.namespace, item, "is cluster-scoped and has a namespace")
        else:
            report.expect(item.namespace in known, item, f"its namespace `{item.namespace}` does not exist")


def pods(tree, report):
    """What a pod names, and what every pod of the platform has."""
    priorities = {item.name for item in tree.of("PriorityClass")} | PRIORITIES_OF_THE_CLUSTER
    for pod in tree.pods():
        place, spec = pod.owner, pod.spec
        account = spec.get("serviceAccountName")
        report.expect(account and exists(tree, "ServiceAccount", pod.namespace, account), place, f"ServiceAccount `{account}` does not exist")
        priority = spec.get("priorityClassName")
        report.expect(priority is None or priority in priorities, place, f"PriorityClass `{priority}` does not exist")
        selector = pod.owner.data["spec"].get("selector")
        report.expect(selector is None or selects(selector, pod.labels), place, "its selector does not match its own pods")
        for label in ("app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/version"):
            report.expect(label in pod.labels, place, f"the label {label} is missing from its pods")
        names = [name for name, _ in pod.ports() if name]
        report.expect(len(names) == len(set(names)), place, "two ports have the same name")
        for container in pod.containers():
            containers(report, pod, container)
            environment(tree, report, pod, container)


def containers(report, pod, container):
    place = f"{pod.owner}, container {container['name']}"
    image = container["image"]
    pinned = re.fullmatch(r"[a-z0-9.-]+\.[a-z]+/[a-z0-9._/-]+:v?[0-9][A-Za-z0-9._-]*(@sha256:[0-9a-f]{64})?", image)
    report.expect(pinned, place, f"the image `{image}` is not pinned by version in a named registry")
    one_time = pod.owner.kind == "Job" or (container in (pod.spec.get("initContainers") or []) and container.get("restartPolicy") != "Always")
    if not one_time:
        report.expect("livenessProbe" in container, place, "has no liveness probe")
    privileged = (container.get("securityContext") or {}).get("privileged")
    if not privileged:
        report.expect("requests" in (container.get("resources") or {}) or one_time, place, "has no resource requests")
        dropped = ((container.get("securityContext") or {}).get("capabilities") or {}).get("drop")
        report.expect(dropped == ["ALL"], place, "does not drop all capabilities")
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports") or []}
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        target = ((container.get(probe) or {}).get("httpGet") or {}).get("port")
        if isinstance(target, str):
            report.expect(target in ports, place, f"its {probe} names the port `{target}`, which it does not have")


def environment(tree, report, pod, container):
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if field in source:
                reference(tree, report, pod, kind, source[field]["name"], source[field].get("optional"), [source[field]["key"]])
    for source in container.get("envFrom") or []:
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if field in source:
                reference(tree, report, pod, kind, source[field]["name"], source[field].get("optional"), [])


def reference(tree, report, pod, kind, name, optional, keys):
    report.expect(optional or exists(tree, kind, pod.namespace, name), pod.owner, f"{kind} `{name}` does not exist")
    found = tree.find(kind, pod.namespace, name)
    for key in keys if found and not optional else []:
        report.expect(key in (found.data.get("data") or {}), pod.owner, f"{kind} `{name}` has no key `{key}`")


def volumes(tree, report):
    for pod in tree.pods():
        names = {volume["name"] for volume in pod.spec.get("volumes") or []}
        templates = {claim["metadata"]["name"] for claim in pod.owner.data["spec"].get("volumeClaimTemplates") or []}
        used = set()
        for container in pod.containers():
            for mount in container.get("volumeMounts") or []:
                used.add(mount["name"])
                report.expect(mount["name"] in names | templates, pod.owner, f"{container['name']} mounts `{mount['name']}`, which is no volume")
        report.expect(names <= used, pod.owner, f"no container mounts {sorted(names - used)}")
        for volume in pod.spec.get("volumes") or []:
            volume_source(tree, report, pod, volume)


def volume_source(tree, report, pod, volume):
    sources = [volume] + [source for source in (volume.get("projected") or {}).get("sources") or []]
    for source in sources:
        if "configMap" in source:
            config = source["configMap"]
            reference(tree, report, pod, "ConfigMap", config["name"], config.get("optional"), [item["key"] for item in config.get("items") or []])
        if "secret" in source:
            secret = source["secret"]
            reference(tree, report, pod, "Secret", secret.get("secretName") or secret.get("name"), secret.get("optional"), [])
    if "persistentVolumeClaim" in volume:
        claim = volume["persistentVolumeClaim"]["claimName"]
        report.expect(exists(tree, "PersistentVolumeClaim", pod.namespace, claim), pod.owner, f"PersistentVolumeClaim `{claim}` does not exist")
    # A file that is mounted by itself must be there under that name.
    for container in pod.containers():
        for mount in container.get("volumeMounts") or []:
            if mount["name"] == volume["name"] and mount.get("subPath") and "configMap" in volume and not volume["configMap"].get("items"):
                reference(tree, report, pod, "ConfigMap", volume["configMap"]["name"], False, [mount["subPath"]])


def selected(tree, namespace, selector):
    return [pod for pod in tree.pods() if pod.namespace == namespace and selects(selector, pod.labels)]


def services(tree, report):
    for item in tree.of("Service"):
        selector = item.data["spec"].get("selector")
        if not report.expect(selector, item, "selects nothing"):
            continue
        found = selected(tree, item.namespace, {"matchLabels": selector})
        if not report.expect(found, item, f"no pod has the labels {selector}"):
            continue
        ports = {port for pod in found for pair in pod.ports() for port in pair}
        for port in item.data["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            report.expect(target in ports, item, f"its pods have no port `{target}`")
    for item in tree.of("StatefulSet"):
        name = item.data["spec"]["serviceName"]
        report.expect(exists(tree, "Service", item.namespace, name), item, f"its Service `{name}` does not exist")


def peer_pods(tree, policy, peer):
    """The pods that a peer of a NetworkPolicy means."""
    spaces = {policy.namespace}
    if "namespaceSelector" in peer:
        known = {item.name: {"kubernetes.io/metadata.name": item.name, **item.labels} for item in tree.of("Namespace")}
        known.update({name: {"kubernetes.io/metadata.name": name} for name in NAMESPACES_OF_THE_CLUSTER - {"default"}})
        spaces = {name for name, labels in known.items() if selects(peer["namespaceSelector"], labels)}
    chosen = [pod for pod in tree.pods() if pod.namespace in spaces]
    return [pod for pod in chosen if selects(peer.get("podSelector") or {}, pod.labels)]


def policies(tree, report):
    """A NetworkPolicy selects pods, its peers exist, and the ports it opens are ports of those who answer."""
    for item in tree.of("NetworkPolicy"):
        spec = item.data["spec"]
        own = selected(tree, item.namespace, spec["podSelector"])
        report.expect(own or not spec["podSelector"], item, "selects no pod")
        for direction, field in (("ingress", "from"), ("egress", "to")):
            for rule in spec.get(direction) or []:
                peers = []
                for peer in rule.get(field) or []:
                    found = peer_pods(tree, item, peer)
                    report.expect(found, item, f"its {direction} names {peer}, which is no pod of the platform")
                    peers.extend(found)
                open_ports(report, item, direction, own if direction == "ingress" else peers, rule.get("ports") or [])


def open_ports(report, item, direction, answering, ports):
    known = {port for pod in answering for pair in pod.ports() for port in pair}
    for port in ports:
        report.expect(port["port"] in known, item, f"its {direction} opens port {port['port']}, which nobody there listens on")


def cilium_policies(tree, report):
    for item in tree.of("CiliumNetworkPolicy"):
        spec = item.data["spec"]
        own = selected(tree, item.namespace, spec["endpointSelector"])
        report.expect(own, item, "selects no pod")
        known = {port for pod in own for pair in pod.ports() for port in pair}
        for rule in spec.get("ingress") or []:
            for peer in rule.get("fromEndpoints") or []:
                labels = dict(peer.get("matchLabels") or {})
                namespace = labels.pop("k8s:io.kubernetes.pod.namespace", item.namespace)
                report.expect(selected(tree, namespace, {"matchLabels": labels}), item, f"its ingress names {peer}, which is no pod of the platform")
            for ports in rule.get("toPorts") or []:
                for port in ports["ports"]:
                    report.expect(int(port["port"]) in known, item, f"its ingress opens port {port['port']}, which its pods do not have")


def budgets(tree, report):
    for item in tree.of("PodDisruptionBudget"):
        report.expect(selected(tree, item.namespace, item.data["spec"]["selector"]), item, "selects no pod")
    for pod in tree.pods():
        replicas = pod.owner.data["spec"].get("replicas", 1)
        if pod.owner.kind in ("Deployment", "StatefulSet") and replicas > 1:
            covered = any(item.namespace == pod.namespace and selects(item.data["spec"]["selector"], pod.labels) for item in tree.of("PodDisruptionBudget"))
            report.expect(covered, pod.owner, f"has {replicas} replicas and no PodDisruptionBudget")


def bindings(tree, report):
    for item in tree.of("ClusterRoleBinding", "RoleBinding"):
        role = item.data["roleRef"]
        namespace = item.namespace if role["kind"] == "Role" else ""
        known = role["name"] in ROLES_OF_THE_CLUSTER or exists(tree, role["kind"], namespace, role["name"])
        report.expect(known, item, f"{role['kind']} `{role['name']}` does not exist")
        for subject in item.data["subjects"]:
            if subject["kind"] == "ServiceAccount":
                report.expect(exists(tree, "ServiceAccount", subject["namespace"], subject["name"]), item, f"ServiceAccount {subject['namespace']}/{subject['name']} does not exist")


def routes(tree, report):
    for item in tree.of("Gateway"):
        report.expect(exists(tree, "GatewayClass", "", item.data["spec"]["gatewayClassName"]), item, "its GatewayClass does not exist")
    for item in tree.of("HTTPRoute"):
        for parent in item.data["spec"]["parentRefs"]:
            gateway = tree.find("Gateway", parent.get("namespace", item.namespace), parent["name"])
            if report.expect(gateway, item, f"Gateway `{parent['name']}` does not exist"):
                attached(tree, report, item, gateway, parent)
        for rule in item.data["spec"]["rules"]:
            for backend in rule.get("backendRefs") or []:
                route_backend(tree, report, item, backend)


def attached(tree, report, item, gateway, parent):
    listeners = [one for one in gateway.data["spec"]["listeners"] if one["name"] == parent.get("sectionName", one["name"])]
    report.expect(listeners, item, f"{gateway} has no listener `{parent.get('sectionName')}`")
    namespace = tree.find("Namespace", "", item.namespace)
    for listener in listeners:
        allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {"from": "Same"}
        same = item.namespace == gateway.namespace
        holds = {"All": True, "Same": same, "Selector": namespace and selects(allowed.get("selector") or {}, namespace.labels)}[allowed["from"]]
        report.expect(holds, item, f"{gateway} does not take routes from the namespace `{item.namespace}`")


def route_backend(tree, report, item, backend):
    namespace = backend.get("namespace", item.namespace)
    service = tree.find("Service", namespace, backend["name"])
    if not report.expect(service, item, f"its backend, Service {namespace}/{backend['name']}, does not exist"):
        return
    ports = [port["port"] for port in service.data["spec"]["ports"]]
    report.expect(backend["port"] in ports, item, f"its backend {service} has no port {backend['port']}")
    if namespace != item.namespace:
        granted = any(
            grant.namespace == namespace
            and any(one["namespace"] == item.namespace and one["kind"] == item.kind for one in grant.data["spec"]["from"])
            and any(one.get("name", service.name) == service.name and one["kind"] == "Service" for one in grant.data["spec"]["to"])
            for grant in tree.of("ReferenceGrant")
        )
        report.expect(granted, item, f"no ReferenceGrant in `{namespace}` lets it point there")


# A Service by its name in the cluster, with a port: in configuration files, arguments and environment variables.
ADDRESS = re.compile(r"(?<![\w.-])((?:[a-z0-9-]+\.)?[a-z0-9][a-z0-9-]*)\.([a-z0-9-]+)\.svc(?:\.cluster\.local\.?)?(?::(\d+))?(?![\w-])")
SRV = re.compile(r"_([a-z0-9-]+)\._tcp\.([a-z0-9-]+)\.([a-z0-9-]+)\.svc")


def texts(tree):
    for item, _, text in tree.files(lambda _item, key: not key.endswith(".json")):
        yield item, text
    for pod in tree.pods():
        for container in pod.containers():
            yield pod.owner, "\n".join(map(str, (container.get("args") or []) + [one["value"] for one in container.get("env") or [] if "value" in one]))


def urls(tree, report):
    """Every Service that a configuration names exists, with that port."""
    for item, text in texts(tree):
        for port, name, namespace in SRV.findall(text):
            service = tree.find("Service", namespace, name)
            if report.expect(service, item, f"names Service {namespace}/{name}, which does not exist"):
                report.expect(port in [one["name"] for one in service.data["spec"]["ports"]], item, f"{service} has no port named `{port}`")
        for host, namespace, port in ADDRESS.findall(SRV.sub("", text)):
            if namespace.startswith("$") or "$" in host:
                continue
            name = host.split(".")[-1]
            service = tree.find("Service", namespace, name)
            if report.expect(service, item, f"names Service {namespace}/{name}, which does not exist") and port:
                spec = service.data["spec"]
                known = [one["port"] for one in spec["ports"]]
                # Behind a headless Service a pod answers on its own ports.
                if spec.get("clusterIP") == "None":
                    known += [number for pod in selected(tree, namespace, {"matchLabels": spec["selector"]}) for _, number in pod.ports()]
                report.expect(int(port) in known, item, f"names {service} with port {port}, which it does not have")
