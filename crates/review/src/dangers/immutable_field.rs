//! `immutable-field`

use hydrate_yaml::node::Node;

use crate::difference::FieldChange;
use crate::object::Object;
use crate::path::Step;
use crate::value::is_true;
use crate::view::brief;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "immutable-field",
    level: Level::Danger,
    title: "A field changes that cannot be changed",
    text: "The API server refuses the whole object, and the component is never ready: selectors of workloads, claim templates of StatefulSets, templates of Jobs, the address of a Service, `roleRef` of bindings, \
           specs of claims and volumes, parameters of StorageClasses, the scope of a CRD, data of what is `immutable: true`.\n\n\
           The object has to be deleted first (with `--cascade=orphan` its pods live on), or to get another name. What is replaced anyway is not told: Jobs with `ttlSecondsAfterFinished` and hooks, and objects \
           that say so (`kustomize.toolkit.fluxcd.io/force: enabled`, `argocd.argoproj.io/sync-options: Replace=true` or `Force=true`).",
    find,
};

/// A field that stays what it is: kinds, the way there, what it is where it is left out, and what the API server says.
struct Fixed {
    kinds: &'static [(&'static str, &'static str)],
    way: &'static [&'static str],
    default: Option<&'static str>,
    says: &'static str,
}

const IMMUTABLE: &str = "field is immutable";

const FIXED: &[Fixed] = &[
    Fixed {
        kinds: &[("apps", "Deployment"), ("apps", "DaemonSet"), ("apps", "ReplicaSet")],
        way: &["spec", "selector"],
        default: None,
        says: IMMUTABLE,
    },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "template"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "selector"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "completionMode"], default: Some("NonIndexed"), says: IMMUTABLE },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "podFailurePolicy"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "backoffLimitPerIndex"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("batch", "Job")], way: &["spec", "managedBy"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("", "PersistentVolume")], way: &["spec", "nodeAffinity"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("", "PersistentVolume")], way: &["spec", "volumeMode"], default: Some("Filesystem"), says: IMMUTABLE },
    Fixed {
        kinds: &[("storage.k8s.io", "StorageClass")],
        way: &["provisioner"],
        default: None,
        says: "updates to provisioner are forbidden.",
    },
    Fixed {
        kinds: &[("storage.k8s.io", "StorageClass")],
        way: &["parameters"],
        default: None,
        says: "updates to parameters are forbidden.",
    },
    Fixed {
        kinds: &[("storage.k8s.io", "StorageClass")],
        way: &["reclaimPolicy"],
        default: Some("Delete"),
        says: "updates to reclaimPolicy are forbidden.",
    },
    Fixed { kinds: &[("storage.k8s.io", "StorageClass")], way: &["volumeBindingMode"], default: Some("Immediate"), says: IMMUTABLE },
    Fixed { kinds: &[("storage.k8s.io", "VolumeAttributesClass")], way: &["driverName"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("storage.k8s.io", "VolumeAttributesClass")], way: &["parameters"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("storage.k8s.io", "CSIDriver")], way: &["spec", "attachRequired"], default: Some("true"), says: IMMUTABLE },
    Fixed { kinds: &[("storage.k8s.io", "CSIDriver")], way: &["spec", "volumeLifecycleModes"], default: None, says: IMMUTABLE },
    Fixed {
        kinds: &[("rbac.authorization.k8s.io", "RoleBinding"), ("rbac.authorization.k8s.io", "ClusterRoleBinding")],
        way: &["roleRef"],
        default: None,
        says: "cannot change roleRef",
    },
    Fixed { kinds: &[("", "Secret")], way: &["type"], default: Some("Opaque"), says: IMMUTABLE },
    Fixed { kinds: &[("scheduling.k8s.io", "PriorityClass")], way: &["value"], default: None, says: "may not be changed in an update." },
    Fixed {
        kinds: &[("scheduling.k8s.io", "PriorityClass")],
        way: &["preemptionPolicy"],
        default: Some("PreemptLowerPriority"),
        says: IMMUTABLE,
    },
    Fixed { kinds: &[("apiextensions.k8s.io", "CustomResourceDefinition")], way: &["spec", "scope"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("apiextensions.k8s.io", "CustomResourceDefinition")], way: &["spec", "group"], default: None, says: IMMUTABLE },
    Fixed {
        kinds: &[("apiextensions.k8s.io", "CustomResourceDefinition")],
        way: &["spec", "names", "kind"],
        default: None,
        says: IMMUTABLE,
    },
    Fixed {
        kinds: &[("apiextensions.k8s.io", "CustomResourceDefinition")],
        way: &["spec", "names", "plural"],
        default: None,
        says: IMMUTABLE,
    },
    Fixed { kinds: &[("networking.k8s.io", "IngressClass")], way: &["spec", "controller"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("node.k8s.io", "RuntimeClass")], way: &["handler"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("discovery.k8s.io", "EndpointSlice")], way: &["addressType"], default: None, says: IMMUTABLE },
    Fixed { kinds: &[("apps", "ControllerRevision")], way: &["data"], default: None, says: IMMUTABLE },
    Fixed {
        kinds: &[("resource.k8s.io", "ResourceClaim"), ("resource.k8s.io", "ResourceClaimTemplate")],
        way: &["spec"],
        default: None,
        says: IMMUTABLE,
    },
    Fixed { kinds: &[("networking.k8s.io", "ServiceCIDR")], way: &["spec", "cidrs"], default: None, says: IMMUTABLE },
];

/// What of the spec of a StatefulSet can be changed.
const STATEFUL_SET: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (change, before, after) in scene.updated().filter(|(_, _, after)| !is_replaced(after)) {
        let mut told: Vec<String> = Vec::new();
        for field in change.fields.iter().filter(|field| !same_by_default(after, field)) {
            let Some((way, says)) = refused(field, before, after) else { continue };
            // One finding for each field that cannot be changed, however much changes in it.
            if told.contains(&way) {
                continue;
            }
            let value = |node: &Option<Node>| node.as_ref().map(brief);
            let line = field.line();
            let finding = sink.about(after, format!("{way} of {} cannot be changed", article(after.kind())));
            finding.values(value(&field.old), value(&field.new)).note(format!("the API server says: {way}: {says}"));
            finding.help("delete the object first (its pods live on with `kubectl delete --cascade=orphan`), or give it another name");
            finding.path = Some(field.path.clone());
            if line > 0 {
                finding.place.line = line;
            }
            told.push(way);
        }
    }
}

fn article(kind: &str) -> String {
    let an = kind.starts_with(['A', 'E', 'I', 'O']);
    format!("{} {kind}", if an { "an" } else { "a" })
}

/// The field that cannot be changed, and what the API server says of it.
fn refused(field: &FieldChange, before: &Object, after: &Object) -> Option<(String, String)> {
    let kind = after.group_kind();
    if let Some(fixed) = FIXED.iter().find(|fixed| fixed.kinds.contains(&kind) && field.path.starts_with(fixed.way)) {
        return Some((fixed.way.join("."), fixed.says.to_owned()));
    }
    let second = || match field.path.0.get(1) {
        Some(Step::Key(key)) if field.path.starts_with(&["spec"]) => Some(key.as_str()),
        _ => None,
    };
    match kind {
        ("apps", "StatefulSet") => {
            let key = second().filter(|key| !STATEFUL_SET.contains(key))?;
            let says = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
                        'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            Some((format!("spec.{key}"), says.to_owned()))
        }
        ("", "Service") => service(field, before, after),
        ("", "PersistentVolumeClaim") => {
            let key = second().filter(|key| *key != "volumeAttributesClassName")?;
            if field.path.starts_with(&["spec", "resources"]) {
                return shrinks(field).then(|| {
                    ("spec.resources.requests.storage".to_owned(), "Forbidden: field can not be less than previous value".to_owned())
                });
            }
            let says =
                "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
            Some((format!("spec.{key}"), says.to_owned()))
        }
        ("", "PersistentVolume") => {
            const MUTABLE: &[&str] = &[
                "capacity",
                "accessModes",
                "persistentVolumeReclaimPolicy",
                "claimRef",
                "storageClassName",
                "mountOptions",
                "volumeAttributesClassName",
            ];
            let key = second().filter(|key| !MUTABLE.contains(key))?;
            Some((format!("spec.{key}"), "Forbidden: spec.persistentvolumesource is immutable after creation".to_owned()))
        }
        ("", "Pod") => {
            const MUTABLE: &[&str] = &["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"];
            let key = second().filter(|key| !MUTABLE.contains(key) && field.path.last_key() != Some("image"))?;
            let says = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, \
                        `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations) and `spec.terminationGracePeriodSeconds`";
            Some((format!("spec.{key}"), says.to_owned()))
        }
        ("", "ConfigMap" | "Secret") if is_true(&before.root, "immutable") => {
            let way = ["data", "binaryData", "stringData", "immutable"].into_iter().find(|key| field.path.starts_with(&[key]))?;
            Some((way.to_owned(), "Forbidden: field is immutable when `immutable` is set".to_owned()))
        }
        _ => None,
    }
}

/// The address of a Service: it can be given once, and not be taken from one without.
fn service(field: &FieldChange, before: &Object, after: &Object) -> Option<(String, String)> {
    let is_external = |object: &Object| object.at(&["spec", "type"]).and_then(Node::as_str) == Some("ExternalName");
    let text = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).unwrap_or_default().to_owned();
    if is_external(before) || is_external(after) {
        return None;
    }
    if field.path.is(&["spec", "clusterIP"]) && !text(&field.new).is_empty() {
        return Some(("spec.clusterIP".to_owned(), format!("Invalid value: [\"{}\"]: may not change once set", text(&field.new))));
    }
    if field.path.starts_with(&["spec", "loadBalancerClass"]) && !text(&field.old).is_empty() {
        return Some(("spec.loadBalancerClass".to_owned(), "Invalid value: may not change once set".to_owned()));
    }
    None
}

/// Whether a claim asks for less than before.
fn shrinks(field: &FieldChange) -> bool {
    let size = |node: &Option<Node>| node.as_ref().and_then(Node::as_str).and_then(bytes);
    let is_storage = field.path.is(&["spec", "resources", "requests", "storage"]);
    is_storage && size(&field.old).zip(size(&field.new)).is_some_and(|(old, new)| new < old)
}

/// A quantity as a number.
fn bytes(text: &str) -> Option<f64> {
    let at = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(at)?;
    let scale = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * scale)
}

/// Whether one side leaves out what the other says, and it is the same by default.
fn same_by_default(after: &Object, field: &FieldChange) -> bool {
    const MORE: &[(&str, &str, &[&str], &str)] = &[
        ("apps", "StatefulSet", &["spec", "podManagementPolicy"], "OrderedReady"),
        ("", "PersistentVolumeClaim", &["spec", "volumeMode"], "Filesystem"),
    ];
    let (group, kind) = after.group_kind();
    let default = FIXED
        .iter()
        .find(|fixed| fixed.kinds.contains(&(group, kind)) && field.path.is(fixed.way))
        .and_then(|fixed| fixed.default)
        .or_else(|| {
            let is_it =
                |(of_group, of_kind, way, _): &&(&str, &str, &[&str], &str)| (*of_group, *of_kind) == (group, kind) && field.path.is(way);
            MORE.iter().find(is_it).map(|(.., default)| *default)
        });
    let ((Some(default), None, Some(one)) | (Some(default), Some(one), None)) = (default, &field.old, &field.new) else { return false };
    one.as_str() == Some(default)
}

/// Whether an object is replaced, and not changed.
fn is_replaced(object: &Object) -> bool {
    let options = object.annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
    let is_forced = object.annotation("kustomize.toolkit.fluxcd.io/force").is_some_and(|force| force.eq_ignore_ascii_case("enabled"));
    let is_job = object.group_kind() == ("batch", "Job");
    let is_hook = ["helm.sh/hook", "argocd.argoproj.io/hook"].iter().any(|hook| object.annotation(hook).is_some());
    let is_gone = is_job && object.at(&["spec", "ttlSecondsAfterFinished"]).is_some();
    is_forced || options.contains("Replace=true") || options.contains("Force=true") || is_job && is_hook || is_gone
}
