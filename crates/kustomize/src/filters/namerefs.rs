//! References by name: where an object was renamed, those that refer to it follow.
//!
//! Follows `api/filters/nameref` and `api/internal/accumulator/namereferencetransformer.go` of kustomize 5.8.1. Names of objects do
//! not change while references are fixed, so who has, and had, which name is looked up in an index.

use std::collections::{BTreeMap, BTreeSet};

use ecow::EcoString;

use super::super::config::{JOB_TEMPLATE, NameReference, TEMPLATE, gvk, in_pods, spec, specs};
use super::super::errors::{KResult, fail};
use super::super::fieldspec::{self, PathSegment};
use super::super::ids::{Gvk, NOT_A_NAMESPACE, ResId};
use super::super::kustomization::FieldSpec;
use super::super::openapi::Schemas;
use super::super::parallel;
use super::super::resmap::ResMap;
use super::super::resource::{Context, Resource};
use super::super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node};

/// Fixes the references in all objects.
pub(crate) fn apply(map: &mut ResMap, references: &[NameReference]) -> KResult<()> {
    let schemas = std::sync::Arc::clone(map.schemas());
    let fields = fields(references);
    let entries = parallel::try_map(map.list(), |res| Entry::of(res, &schemas))?;
    let index = Index::new(&entries);
    let mut by_kind: BTreeMap<&Gvk, Vec<&Reference>> = BTreeMap::new();
    for own in &entries {
        let gvk = &own.original().gvk;
        by_kind.entry(gvk).or_insert_with(|| fields.iter().filter(|field| gvk.is_selected(&field.referrer)).collect());
    }
    let mut pairs: Vec<_> = map.list_mut().iter_mut().zip(&entries).collect();
    parallel::change(&mut pairs, |(res, own)| {
        let own_fields = by_kind.get(&own.original().gvk).map(Vec::as_slice).unwrap_or_default();
        if own_fields.is_empty() {
            return Ok(());
        }
        let referrer = Referrer::new(&index, own, res)?;
        own_fields.iter().try_for_each(|field| referrer.fix(&mut res.node, field))
    })
}

/// A field of a kind that names an object of another.
struct Reference {
    target: Gvk,
    referrer: Gvk,
    path: String,
    parts: Vec<PathSegment>,
}

fn fields(references: &[NameReference]) -> Vec<Reference> {
    let of = |reference: &NameReference| {
        let target = reference.gvk.gvk();
        let field = |spec: &super::super::kustomization::FieldSpec| Reference {
            target: target.clone(),
            referrer: spec.gvk.gvk(),
            path: spec.path.to_string(),
            parts: fieldspec::parts(&spec.path),
        };
        reference.referrers.iter().map(field).collect::<Vec<_>>()
    };
    references.iter().flat_map(of).collect()
}

struct Entry {
    current: ResId,
    previous: Vec<ResId>,
    /// `metadata.namespace` as it is written.
    namespace: EcoString,
    context: Context,
}

impl Entry {
    fn of(res: &Resource, schemas: &Schemas) -> KResult<Self> {
        let (current, previous) = (res.cur_id(schemas), res.previous_ids(schemas)?);
        Ok(Self { namespace: current.namespace.clone(), current, previous, context: res.context() })
    }

    fn original(&self) -> &ResId {
        self.previous.first().unwrap_or(&self.current)
    }
}

struct Index<'e> {
    entries: &'e [Entry],
    /// Who was called what, sorted.
    previous_names: Vec<(&'e str, usize)>,
    /// Who was in which namespace, in order.
    original_namespaces: BTreeMap<&'e str, Vec<usize>>,
}

impl<'e> Index<'e> {
    fn new(entries: &'e [Entry]) -> Self {
        let names = |(at, entry): (usize, &'e Entry)| entry.previous.iter().map(move |id| (id.name.as_str(), at));
        let mut previous_names: Vec<_> = entries.iter().enumerate().flat_map(names).collect();
        previous_names.sort_unstable();
        previous_names.dedup();
        let mut original_namespaces: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            original_namespaces.entry(entry.original().effective_namespace()).or_default().push(at);
        }
        Self { entries, previous_names, original_namespaces }
    }

    /// The objects that were called so.
    fn called(&self, name: &str) -> impl Iterator<Item = (usize, &'e Entry)> {
        let from = self.previous_names.partition_point(|(known, _)| *known < name);
        let rest = self.previous_names.get(from..).unwrap_or_default();
        let called = rest.partition_point(|(known, _)| *known == name);
        rest.iter().take(called).filter_map(|(_, at)| Some((*at, self.entries.get(*at)?)))
    }
}

struct Referrer<'i> {
    index: &'i Index<'i>,
    own: &'i Entry,
    /// Namespaces of service accounts that a role binding names.
    subjects: BTreeSet<String>,
    /// Group and kind of the role that a binding names.
    role: Option<Gvk>,
}

impl<'i> Referrer<'i> {
    fn new(index: &'i Index<'i>, own: &'i Entry, res: &Resource) -> KResult<Self> {
        Ok(Self { index, own, subjects: subject_namespaces(res, own)?, role: role(&res.node) })
    }

    fn fix(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let mut set = |node: &mut Node| self.set(node, field);
        let fixed = fieldspec::apply_path(node, &field.path, &field.parts, &mut set);
        fixed.map_err(|error| error.wrap(format!("updating name reference in '{}' field of '{}'", field.path, self.own.current)))
    }

    fn set(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        if tree::is_null(node) {
            return Ok(());
        }
        match &mut node.data {
            Data::Mapping(_) => self.set_mapping(node, field),
            Data::Sequence(items) => {
                for item in items.iter_mut().filter(|item| !tree::is_null(item)) {
                    match tree::kind(item) {
                        NodeKind::Scalar => self.set_scalar(item, field)?,
                        NodeKind::Mapping => self.set_mapping(item, field)?,
                        NodeKind::Sequence => return fail("a list is expected to be either a string or a map of string"),
                    }
                }
                Ok(())
            }
            _ => self.set_scalar(node, field),
        }
    }

    fn set_scalar(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let name = tree::raw_text(node);
        let same = |a: &Entry, b: &Entry| a.current.name == b.current.name;
        match self.select(name, field, None, same)? {
            Some(found) if found.current.name != name && !found.current.name.is_empty() => {
                tree::set_scalar(node, &found.current.name, tree::untagged())
            }
            _ => Ok(()),
        }
    }

    fn set_mapping(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let Some(name) = tree::get(node, "name")? else { return fail("path config error; no 'name' field in node") };
        let namespace = node.get("namespace").map(tree::raw_text);
        let same = |a: &Entry, b: &Entry| a.current.name == b.current.name && a.namespace == b.namespace;
        let Some(found) = self.select(tree::raw_text(name), field, namespace, same)? else { return Ok(()) };
        if found.current.name == tree::raw_text(name) && found.namespace.is_empty() {
            return Ok(());
        }
        tree::set_field(node, "name", tree::bare(found.current.name.clone()))?;
        if found.namespace.is_empty() { Ok(()) } else { tree::set_field(node, "namespace", tree::bare(found.namespace.clone())) }
    }

    /// The object that a name means, if any was called so.
    fn select(
        &self,
        name: &str,
        field: &Reference,
        namespace: Option<&str>,
        same: impl Fn(&Entry, &Entry) -> bool,
    ) -> KResult<Option<&'i Entry>> {
        let role = self.role.as_ref().filter(|_| field.path.ends_with("roleRef/name"));
        let called = self.index.called(name);
        let mut found: Vec<&Entry> = called
            .filter(|(at, entry)| self.may_refer_to(entry) && namespace.is_none_or(|namespace| self.is_in(*at, entry, namespace)))
            .map(|(_, entry)| entry)
            .filter(|entry| entry.previous.iter().any(|id| id.gvk.is_selected(&field.target)))
            .filter(|entry| role.is_none_or(|role| entry.previous.iter().any(|id| id.gvk.is_selected(role))))
            .filter(|entry| self.is_near(entry))
            .collect();
        if found.len() > 1 || found.is_empty() {
            found.retain(|entry| entry.context.goes_with(&self.own.context, true));
        }
        if found.len() > 1 {
            found.retain(|entry| entry.context.goes_with(&self.own.context, false));
        }
        match found.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|entry| same(first, entry)) => Ok(Some(first)),
            many => {
                let ids: Vec<_> = many.iter().map(|entry| entry.current.to_string()).collect();
                fail(format!("found multiple possible referrals: {}", ids.join(", ")))
            }
        }
    }

    fn may_refer_to(&self, entry: &Entry) -> bool {
        self.own.current.cluster_scoped
            || entry.current.cluster_scoped
            || entry.current.same_namespace(&self.own.current)
            || self.subjects.contains(entry.namespace.as_str())
    }

    /// Whether an object was, or if none was, is in the namespace that a reference names.
    fn is_in(&self, at: usize, entry: &Entry, namespace: &str) -> bool {
        if namespace == NOT_A_NAMESPACE {
            return false;
        }
        let known = self.index.original_namespaces.get(namespace);
        let was_there =
            known.is_some_and(|known| known.iter().any(|at| self.index.entries.get(*at).is_some_and(|entry| self.may_refer_to(entry))));
        match known.filter(|_| was_there) {
            Some(known) => known.binary_search(&at).is_ok(),
            None => entry.current.effective_namespace() == namespace,
        }
    }

    fn is_near(&self, entry: &Entry) -> bool {
        self.own.current.cluster_scoped
            || entry.current.cluster_scoped
            || entry.current.gvk.kind == "ServiceAccount"
            || self.own.current.same_namespace(&entry.current)
    }
}

fn subject_namespaces(res: &Resource, own: &Entry) -> KResult<BTreeSet<String>> {
    let mut namespaces = BTreeSet::new();
    if res.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    for subject in res.node.get("subjects").and_then(Node::items).unwrap_or_default() {
        let Some(namespace) = subject.get("namespace") else { continue };
        if subject.get("kind").map(tree::raw_text) != Some("ServiceAccount") {
            continue;
        }
        match super::super::scalar::typed(namespace) {
            Ok(super::super::scalar::Typed::Str(namespace)) => drop(namespaces.insert(namespace.to_string())),
            _ => return fail(format!("Invalid Input: namespace is blank for resource {:?}\n", own.current.to_string())),
        }
    }
    Ok(namespaces)
}

fn role(node: &Node) -> Option<Gvk> {
    let role = node.get("roleRef")?;
    let (group, kind) = (role.get("apiGroup")?, role.get("kind")?);
    Some(Gvk { group: tree::raw_text(group).into(), version: "".into(), kind: tree::raw_text(kind).into() })
}

/// Kinds whose pods may name config maps and secrets.
const POD_KINDS: [(&str, &str); 8] = [
    ("Pod/v1", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", TEMPLATE),
    ("ReplicaSet", TEMPLATE),
    ("DaemonSet", TEMPLATE),
    ("StatefulSet", TEMPLATE),
    ("Job", TEMPLATE),
    ("CronJob", JOB_TEMPLATE),
];

/// Kinds whose pods may name service accounts, claims and priority classes.
const WORKLOADS: [(&str, &str); 7] = [
    ("Pod", "spec"),
    ("StatefulSet", TEMPLATE),
    ("Deployment", TEMPLATE),
    ("ReplicationController", TEMPLATE),
    ("CronJob", JOB_TEMPLATE),
    ("Job", TEMPLATE),
    ("DaemonSet", TEMPLATE),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

const CONFIG_MAP_ELSEWHERE: [(&str, &str); 4] = [
    ("Node", "spec/configSource/configMap"),
    ("Role", "rules/resourceNames"),
    ("ClusterRole", "rules/resourceNames"),
    ("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap"),
];

const SECRET_ELSEWHERE: [(&str, &str); 13] = [
    ("Ingress", "spec/tls/secretName"),
    ("Ingress", "metadata/annotations/ingress.kubernetes.io\\/auth-secret"),
    ("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret"),
    ("Ingress", "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret"),
    ("ServiceAccount", "imagePullSecrets/name"),
    ("StorageClass", "parameters/secretName"),
    ("StorageClass", "parameters/adminSecretName"),
    ("StorageClass", "parameters/userSecretName"),
    ("StorageClass", "parameters/secretRef"),
    ("Role", "rules/resourceNames"),
    ("ClusterRole", "rules/resourceNames"),
    ("Service.serving.knative.dev/v1", "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
    ("PersistentVolume", "spec/azureFile/secretName"),
];

const SERVICE_REFERRERS: [(&str, &str); 8] = [
    ("StatefulSet.apps", "spec/serviceName"),
    ("Ingress", "spec/rules/http/paths/backend/serviceName"),
    ("Ingress", "spec/backend/serviceName"),
    ("Ingress", "spec/rules/http/paths/backend/service/name"),
    ("Ingress", "spec/defaultBackend/service/name"),
    ("APIService.apiregistration.k8s.io", "spec/service/name"),
    ("ValidatingWebhookConfiguration.admissionregistration.k8s.io", "webhooks/clientConfig/service"),
    ("MutatingWebhookConfiguration.admissionregistration.k8s.io", "webhooks/clientConfig/service"),
];

const STORAGE_CLASS_REFERRERS: [(&str, &str); 3] = [
    ("PersistentVolume", "spec/storageClassName"),
    ("PersistentVolumeClaim", "spec/storageClassName"),
    ("StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
];

const ROLE_BINDING: &str = "RoleBinding.rbac.authorization.k8s.io";
const CLUSTER_ROLE_BINDING: &str = "ClusterRoleBinding.rbac.authorization.k8s.io";

/// The kinds that others refer to by name, and the fields that do: those of `api/internal/konfig/builtinpluginconsts`.
pub(crate) fn builtin() -> Vec<NameReference> {
    let entry = |kind: &str, referrers: Vec<FieldSpec>| NameReference { referrers, gvk: gvk(kind) };
    let with = |mut first: Vec<FieldSpec>, rest: Vec<FieldSpec>| {
        first.extend(rest);
        first
    };
    let scaled = || vec![spec("HorizontalPodAutoscaler", "spec/scaleTargetRef/name", false)];
    let bindings = vec![spec(ROLE_BINDING, "subjects", false), spec(CLUSTER_ROLE_BINDING, "subjects", false)];
    let mut ingress_class = entry("IngressClass", vec![spec("Ingress", "spec/ingressClassName", false)]);
    ingress_class.gvk.group = "networking.k8s.io/v1".into();
    ingress_class.gvk.version = "v1".into();
    vec![
        entry("Deployment", scaled()),
        entry("ReplicationController", scaled()),
        entry("ReplicaSet", scaled()),
        entry("StatefulSet", scaled()),
        entry("ConfigMap/v1", with(in_pods(&POD_KINDS, &CONFIG_MAP_IN_POD), specs(&CONFIG_MAP_ELSEWHERE, false))),
        entry("Secret/v1", with(in_pods(&POD_KINDS, &SECRET_IN_POD), specs(&SECRET_ELSEWHERE, false))),
        entry("Service/v1", specs(&SERVICE_REFERRERS, false)),
        entry("Role.rbac.authorization.k8s.io", vec![spec(ROLE_BINDING, "roleRef/name", false)]),
        entry(
            "ClusterRole.rbac.authorization.k8s.io",
            vec![spec(ROLE_BINDING, "roleRef/name", false), spec(CLUSTER_ROLE_BINDING, "roleRef/name", false)],
        ),
        entry("ServiceAccount/v1", with(bindings, in_pods(&WORKLOADS, &["serviceAccountName"]))),
        entry("PersistentVolumeClaim/v1", in_pods(&WORKLOADS, &["volumes/persistentVolumeClaim/claimName"])),
        entry(
            "PersistentVolume/v1",
            vec![spec("PersistentVolumeClaim", "spec/volumeName", false), spec("ClusterRole", "rules/resourceNames", false)],
        ),
        entry("StorageClass.storage.k8s.io/v1", specs(&STORAGE_CLASS_REFERRERS, false)),
        entry("PriorityClass.scheduling.k8s.io/v1", in_pods(&WORKLOADS, &["priorityClassName"])),
        ingress_class,
        entry(
            "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
            vec![spec("ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io", "spec/policyName", false)],
        ),
    ]
}
