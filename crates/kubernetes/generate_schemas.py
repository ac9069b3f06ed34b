#!/usr/bin/env python3
"""Writes src/data/schemas.txt, src/data/served.txt and src/data/lifecycle.txt: the types of Kubernetes' own kinds, release by release.

usage: generate_schemas.py        needs Go, whose module proxy has the published sources of Kubernetes

Fields, lists and required fields come from `api/openapi-spec/swagger.json`, values of enumerations from the constants of k8s.io/api, and when an API
version is deprecated, removed and replaced from its `APILifecycle…` functions. How the texts are to be read is said in src/schemas.rs.
"""

import collections
import json
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
# The last patch of each release at the time of writing.
RELEASES = {30: "30.14", 31: "31.14", 32: "32.13", 33: "33.13", 34: "34.4", 35: "35.4", 36: "36.3", 37: "37.0"}
PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis.", "io.k8s.apimachinery.pkg.")
# Types with a reading of their own, by short name.
SPECIAL = {
    "api.resource.Quantity": "q",
    "util.intstr.IntOrString": "o",
    "meta.v1.Time": "t",
    "meta.v1.MicroTime": "u",
    "meta.v1.FieldsV1": "a",
    "meta.v1.Patch": "a",
    "runtime.RawExtension": "a",
    "apiextensions.v1.JSON": "a",
    "apiextensions.v1.JSONSchemaPropsOrStringArray": "a",
    "apiextensions.v1.JSONSchemaPropsOrArray": ">apiextensions.v1.JSONSchemaProps",
    "apiextensions.v1.JSONSchemaPropsOrBool": "|apiextensions.v1.JSONSchemaProps",
}
# Enumerations of the API that are open, or that nobody writes: what validates them is not a list of values.
OPEN = {"ResourceName", "SecretType", "StorageMedium", "FinalizerName", "KeyUsage", "PodConditionType", "NodeConditionType", "HTTPProtocol", "GRPCProbeMode", "AddressType"}
# What the sources of k8s.io/api do not say, of groups that live elsewhere or are gone from them.
OLDER = [
    "apiextensions.k8s.io/v1beta1 CustomResourceDefinition 16 22 apiextensions.k8s.io/v1 CustomResourceDefinition",
    "apiregistration.k8s.io/v1beta1 APIService 19 22 apiregistration.k8s.io/v1 APIService",
    "policy/v1beta1 PodSecurityPolicy 21 25",
    "v1 ComponentStatus 19 -",
    "v1 Endpoints 33 - discovery.k8s.io/v1 EndpointSlice",
]
# Required by the schema, and not missed by the API server, which takes the empty value or has a default.
LENIENT = {
    "apps.v1.StatefulSetSpec/serviceName",
    "batch.v1.SuccessPolicy/rules",
    "networking.v1.NetworkPolicySpec/podSelector",
    "apiextensions.v1.CustomResourceDefinitionVersion/served",
    "batch.v1.PodFailurePolicy/rules",
    "batch.v1.PodFailurePolicyOnPodConditionsPattern/status",
    "rbac.v1.RoleRef/apiGroup",
    "scheduling.v1.PriorityClass/value",
    "core.v1.HTTPHeader/value",
    "core.v1.ISCSIVolumeSource/lun",
    "core.v1.ISCSIPersistentVolumeSource/lun",
    "core.v1.LimitRangeSpec/limits",
    "core.v1.PreferredSchedulingTerm/preference",
    "core.v1.ScaleIOVolumeSource/secretRef",
    "core.v1.Sysctl/value",
    "discovery.v1.ForZone/name",
    "storage.v1.CSIDriver/spec",
    "storage.v1.TokenRequest/audience",
}
COMPARED = {"core.v1.NodeSelector", "core.v1.NodeSelectorTerm", "core.v1.NodeSelectorRequirement", "core.v1.LocalVolumeSource"}
# Types of which nobody has compared with the API server what it misses: mostly those that controllers write.
UNCOMPARED = re.compile(
    r"Status$|Condition$|alpha|beta|^(resource|authentication|authorization|certificates|events|storagemigration)\."
    r"|^core.v1.(\w*Event\w*|Node\w+|ContainerState\w*|\w*Binding|Attached\w*|\w*Health|DaemonEndpoint|\w*IP|LinuxContainerUser|EphemeralContainer"
    r"|\w*NodeConfigSource|ContainerExtended\w*|\w*PersistentVolumeSource|PhotonPersistentDisk\w*|PodCertificateProjection|SleepAction)$"
    r"|^(discovery.v1.ForNode|meta.v1.FieldSelector\w*|meta.v1.GroupResource|networking.v1.(IPAddress\w*|ParentReference))$"
    r"|^(storage.v1.(CSINode\w*|CSIStorageCapacity|StorageHealth|Volume\w*)|admissionregistration.v1.(Expression\w*|Mutation)|apps.v1.ControllerRevision)$"
)


def module(path, version):
    """The directory of a Go module's sources."""
    answer = subprocess.run(["go", "mod", "download", "-json", f"{path}@{version}"], check=True, capture_output=True, cwd="/").stdout
    return pathlib.Path(json.loads(answer)["Dir"])


def short(name):
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)


def shape(schema):
    """How a value is written: see src/schemas.rs."""
    if "$ref" in schema:
        name = short(schema["$ref"].rpartition("/")[2])
        return SPECIAL.get(name, ">" + name)
    kind, form = schema.get("type"), schema.get("format")
    if kind == "array":
        return "*" + shape(schema["items"])
    if kind == "object":
        return "%" + shape(schema["additionalProperties"]) if isinstance(schema.get("additionalProperties"), dict) else "a"
    return {"string": "y" if form == "byte" else "s", "boolean": "b", "integer": "i" if form == "int32" else "l", "number": "d"}.get(kind, "a")


def enumerations(sources):
    """The values of fields that are enumerations, by type and field, and whether a pointer leads to them: then the empty text is none of them."""
    found = {}
    shared = {}
    for package in sorted({file.parent for file in sources.glob("*/*/*.go")}, key=lambda path: (path.parts[-2:] != ("core", "v1"), path)):
        text = "".join(file.read_text() for file in sorted(package.glob("*.go")) if not file.name.endswith("_test.go") and not file.name.startswith(("zz_", "generated")))
        names = set(re.findall(r"^type (\w+) string$", text, re.M)) - OPEN
        values = collections.defaultdict(list)
        written = re.findall(r'^\s*(?:const\s+)?\w+\s+(\w+)\s*=\s*"([^"]*)"', text, re.M) + re.findall(r'^\s*(?:const\s+)?\w+\s*=\s*(\w+)\("([^"]*)"\)', text, re.M)
        for name, value in written:
            if name in names and value and value not in values[name]:
                values[name].append(value)
        if package.parts[-2:] == ("core", "v1"):
            shared = {f"{prefix}.{name}": all_values for name, all_values in values.items() for prefix in ("v1", "core", "corev1", "apiv1")}
        structs = {name: body for name, body in re.findall(r"^type (\w+) struct \{\n(.*?)^\}", text, re.M | re.S)}
        where = ".".join(package.parts[-2:])
        for struct, body in structs.items():
            if struct.endswith(("Status", "Condition")):
                continue
            bodies = [body] + [structs.get(inline, "") for inline in re.findall(r'^\s+(\w+)\s+`json:",inline"', body, re.M)]
            for one in bodies:
                for pointer, kind, key in re.findall(r'^\s+\w+\s+(\*|\[\])?([\w.]+)\s+`json:"(\w+)[",]', one, re.M):
                    if all_values := values.get(kind) or shared.get(kind):
                        found[f"{where}.{struct}", key] = (pointer != "", all_values)
    return found


def types(release):
    """What one release says: the fields of types, and the kinds that it serves."""
    document = json.loads((module("k8s.io/kubernetes", f"v1.{release}") / "api/openapi-spec/swagger.json").read_text())
    values = enumerations(module("k8s.io/api", f"v0.{release}"))
    fields, kinds = {}, {}
    for name, schema in document["definitions"].items():
        name = short(name)
        if name in SPECIAL:
            continue
        fields[name] = {}
        required = set(schema.get("required", []))
        for key, value in schema.get("properties", {}).items():
            text = shape(value)
            if value.get("x-kubernetes-list-type") == "map":
                text += "{" + ",".join(value["x-kubernetes-list-map-keys"]) + "}"
            elif value.get("x-kubernetes-list-type") == "set":
                text += "{}"
            if (name, key) in values:
                pointer, all_values = values[name, key]
                text += ("~" if pointer else "=") + ",".join(all_values)
            if key in required and f"{name}/{key}" not in LENIENT and (not UNCOMPARED.search(name) or name in COMPARED):
                text += "!"
            fields[name][key] = text
    for path, item in document["paths"].items():
        for call in item.values():
            if isinstance(call, dict) and call.get("x-kubernetes-action") == "post" and "{name}" not in path:
                gvk = call["x-kubernetes-group-version-kind"]
                version = "/".join(part for part in (gvk["group"], gvk["version"]) if part)
                body = next(p for p in call["parameters"] if p["in"] == "body")["schema"]["$ref"].rpartition("/")[2]
                kinds[version, gvk["kind"]] = (short(body), "N" if "/namespaces/{namespace}/" in path else kinds.get((version, gvk["kind"]), (0, "C"))[1])
    return fields, kinds


def ranges(by_release):
    """Runs of releases in which a value is the same: (first, last, value)."""
    runs = []
    for release, value in sorted(by_release.items()):
        if runs and runs[-1][2] == value and runs[-1][1] == release - 1:
            runs[-1][1] = release
        else:
            runs.append([release, release, value])
    return runs


def span(first, last):
    """`` for all releases, `@34-36` for some."""
    return "" if (first, last) == (min(RELEASES), max(RELEASES)) else f"@{first}-{last}"


def lifecycle(sources):
    """By API version and kind, the releases in which it was deprecated and removed, with what replaces it."""
    lines = {}
    for file in sorted(sources.glob("*/*/zz_generated.prerelease-lifecycle.go")):
        text = file.read_text()
        register = (file.parent / "register.go").read_text()
        group = re.search(r'GroupName\s*=\s*"([^"]*)"', register)[1]
        version = "/".join(part for part in (group, file.parent.name) if part)
        facts = collections.defaultdict(dict)
        for kind, fact, body in re.findall(r"^func \(in \*(\w+)\) APILifecycle(\w+)\(\).*?\{\n(.*?)^\}", text, re.M | re.S):
            facts[kind][fact] = body
        for kind, found in sorted(facts.items()):
            minor = lambda fact: re.search(r"return 1, (\d+)", found[fact])[1] if fact in found else ""
            new = re.search(r'Group: "([^"]*)", Version: "([^"]*)", Kind: "([^"]*)"', found.get("Replacement", ""))
            replacement = f"{'/'.join(part for part in new.groups()[:2] if part)} {new[3]}" if new else ""
            if "Deprecated" in found and not kind.endswith(("List", "Options")):
                # Where no release is named that removes it, nothing is: a replacement is still told.
                lines[version, kind] = f"{version} {kind} {minor('Deprecated')} {minor('Removed') or '-'} {replacement}".rstrip()
    return lines


def main():
    by_type, by_kind = collections.defaultdict(lambda: collections.defaultdict(dict)), collections.defaultdict(dict)
    for release, version in RELEASES.items():
        fields, kinds = types(version)
        for name, all_fields in fields.items():
            by_type[name]
            for key, text in all_fields.items():
                by_type[name][key][release] = text
        for kind, value in kinds.items():
            by_kind[kind][release] = value
    # Only what can be reached from a kind that can be written.
    reached, todo = set(), {value[0] for releases in by_kind.values() for value in releases.values()}
    while todo:
        name = todo.pop()
        reached.add(name)
        for releases in by_type[name].values():
            for text in releases.values():
                target = re.search(r"[>|]([\w.-]+)", text)
                if target and target[1] not in reached:
                    todo.add(target[1])
    lines = []
    for name in sorted(reached):
        fields = [f"{key}:{text}{span(first, last)}" for key, releases in sorted(by_type[name].items()) for first, last, text in ranges(releases)]
        lines.append(" ".join([name, *fields]))
    data = HERE / "src" / "data"
    (data / "schemas.txt").write_text("\n".join(lines) + "\n")
    served = [f"{kind} {version} {name} {scope} {first}-{last}" for (version, kind), releases in sorted(by_kind.items(), key=lambda item: item[0][::-1]) for first, last, (name, scope) in ranges(releases)]
    (data / "served.txt").write_text("\n".join(served) + "\n")
    ends = {tuple(line.split()[:2]): line for line in OLDER}
    for version in RELEASES.values():
        ends |= lifecycle(module("k8s.io/api", f"v0.{version}"))
    (data / "lifecycle.txt").write_text("\n".join(line for _, line in sorted(ends.items())) + "\n")


if __name__ == "__main__":
    main()
