"""Policies of both ends agree: who may send to a port is one from whom that port may be sent to, and the other way round."""

from references import peer_pods, selected
from tree import selects


def check(tree, report, _arguments):
    pods = [pod for pod in tree.pods() if not pod.spec.get("hostNetwork")]
    for item in tree.of("NetworkPolicy"):
        spec = item.data["spec"]
        own = [pod for pod in selected(tree, item.namespace, spec["podSelector"]) if pod in pods] if spec["podSelector"] else []
        for direction, field in (("egress", "to"), ("ingress", "from")):
            for rule in spec.get(direction) or []:
                peers = [pod for peer in rule.get(field) or [] for pod in peer_pods(tree, item, peer) if pod in pods]
                for port in [one["port"] for one in rule.get("ports") or []]:
                    for near in own:
                        for far in peers:
                            agreed(tree, report, item, direction, near, far, port)
    for item in tree.of("CiliumNetworkPolicy"):
        for rule in item.data["spec"].get("ingress") or []:
            for near in selected(tree, item.namespace, item.data["spec"]["endpointSelector"]):
                for far in cilium_peers(tree, item, rule):
                    for port in cilium_ports(rule):
                        agreed(tree, report, item, "ingress", near, far, port)


def agreed(tree, report, item, direction, near, far, port):
    """The far end allows what the near end's policy allows, if the far end has the port at all."""
    sender, receiver = (near, far) if direction == "egress" else (far, near)
    if port not in [number for _, number in receiver.ports()]:
        return
    allowed = ingress(tree, sender, receiver, port) if direction == "egress" else egress(tree, sender, receiver, port)
    verb = "may send to" if direction == "egress" else "may be sent to by"
    report.expect(allowed, item, f"{near.owner.name} {verb} {far.owner.name} at port {port}, but not by the policies of {far.owner.name}")


def ports_hold(rule, port):
    ports = rule.get("ports")
    return not ports or any(one.get("port") in (None, port) for one in ports)


def plain(tree, receiver, sender, port, direction, field):
    """(whether any NetworkPolicy is about this end, whether one allows it)"""
    concerned = False
    here, there = (receiver, sender) if direction == "ingress" else (sender, receiver)
    for policy in tree.of("NetworkPolicy"):
        spec = policy.data["spec"]
        if policy.namespace != here.namespace or not selects(spec["podSelector"], here.labels) or direction.title() not in spec["policyTypes"]:
            continue
        concerned = True
        for rule in spec.get(direction) or []:
            if ports_hold(rule, port) and any(there is pod for peer in rule.get(field) or [] for pod in peer_pods(tree, policy, peer)):
                return True, True
    return concerned, False


def ingress(tree, sender, receiver, port):
    concerned, allowed = plain(tree, receiver, sender, port, "ingress", "from")
    for policy in tree.of("CiliumNetworkPolicy"):
        if policy.namespace == receiver.namespace and selects(policy.data["spec"]["endpointSelector"], receiver.labels):
            for rule in policy.data["spec"].get("ingress") or []:
                concerned = True
                inside = "cluster" in (rule.get("fromEntities") or [])
                if port in cilium_ports(rule) and (inside or any(sender is pod for pod in cilium_peers(tree, policy, rule))):
                    return True
    return allowed or not concerned


def egress(tree, sender, receiver, port):
    concerned, allowed = plain(tree, receiver, sender, port, "egress", "to")
    return allowed or not concerned


def cilium_peers(tree, policy, rule):
    found = []
    for peer in rule.get("fromEndpoints") or []:
        labels = dict(peer.get("matchLabels") or {})
        namespace = labels.pop("k8s:io.kubernetes.pod.namespace", policy.namespace)
        found += selected(tree, namespace, {"matchLabels": labels})
    return found


def cilium_ports(rule):
    return [int(one["port"]) for ports in rule.get("toPorts") or [] for one in ports["ports"]]
