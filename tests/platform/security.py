"""Pods against the Pod Security Standard that their namespace enforces, and against what this platform asks of all of them."""

RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
# Containers that write to their own root file system, or have to: every other one has it read-only.
WRITES_TO_ITS_ROOT = {
    ("cilium", "cilium-agent"),
    ("cilium", "clean-state"),
    ("cilium", "install-cni"),
    ("cilium-envoy", "cilium-envoy"),
}


def check(tree, report, _arguments):
    enforced = {item.name: item.labels.get("pod-security.kubernetes.io/enforce") for item in tree.of("Namespace")}
    for name, level in enforced.items():
        report.expect(level in ("restricted", "baseline", "privileged"), f"Namespace {name}", "enforces no Pod Security Standard")
    for pod in tree.pods():
        if enforced.get(pod.namespace) == "restricted":
            restricted(report, pod)
        for container in pod.containers():
            everywhere(report, pod, container)


def restricted(report, pod):
    spec, place = pod.spec, pod.owner
    own = spec.get("securityContext") or {}
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        report.expect(not spec.get(key), place, f"`{key}` is forbidden in `{pod.namespace}`")
    for volume in spec.get("volumes") or []:
        kinds = set(volume) - {"name"}
        report.expect(kinds <= RESTRICTED_VOLUMES, place, f"the volume `{volume['name']}` is of a kind that `{pod.namespace}` forbids: {sorted(kinds)}")
    for container in pod.containers():
        name = container["name"]
        context = container.get("securityContext") or {}
        seccomp = (context.get("seccompProfile") or own.get("seccompProfile") or {}).get("type")
        added = (context.get("capabilities") or {}).get("add") or []
        report.expect(context.get("runAsNonRoot", own.get("runAsNonRoot")) is True, place, f"{name} may run as root in `{pod.namespace}`")
        report.expect(context.get("runAsUser", own.get("runAsUser")) != 0, place, f"{name} runs as root in `{pod.namespace}`")
        report.expect(seccomp in ("RuntimeDefault", "Localhost"), place, f"{name} has no seccomp profile")
        report.expect(context.get("allowPrivilegeEscalation") is False, place, f"{name} may gain privileges")
        report.expect(set(added) <= {"NET_BIND_SERVICE"}, place, f"{name} adds the capabilities {added}")
        report.expect(not any("hostPort" in port for port in container.get("ports") or []), place, f"{name} takes a port of the node")


def everywhere(report, pod, container):
    context = container.get("securityContext") or {}
    place = f"{pod.owner}, container {container['name']}"
    if (pod.owner.name, container["name"]) not in WRITES_TO_ITS_ROOT and not context.get("privileged"):
        report.expect(context.get("readOnlyRootFilesystem") is True, place, "has a root file system that it may write to")
    one_time = pod.owner.kind == "Job"
    if not context.get("privileged") and not one_time and container not in (pod.spec.get("initContainers") or []):
        report.expect("memory" in ((container.get("resources") or {}).get("limits") or {}), place, "has no limit of memory")
    tokens = pod.spec.get("automountServiceAccountToken")
    report.expect(tokens is not None, place, "does not say whether it gets a token of the API server")
