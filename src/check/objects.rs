//! The rendered objects: each parsed once, found by name, their pod templates gathered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result};
use hydrate_source::{Document, compose};
use hydrate_yaml::node::Node;

use super::labels::{Labels, judged, pairs_match};
use super::value::{at, entries, items, text};

/// A rendered object.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    /// The component that it belongs to.
    pub component: &'a str,
    /// Its text and who it is.
    pub document: &'a Document,
    /// The text parsed; lines are counted from the document's own first.
    pub root: Arc<Node>,
}

impl<'a> Object<'a> {
    /// API group; empty for the core group.
    pub fn group(&self) -> &'a str {
        self.document.identity.group()
    }

    /// Kind.
    pub fn kind(&self) -> &'a str {
        &self.document.identity.kind
    }

    /// Namespace; empty where it has none or does not say.
    pub fn namespace(&self) -> &'a str {
        &self.document.identity.namespace
    }

    /// Name.
    pub fn name(&self) -> &'a str {
        &self.document.identity.name
    }

    /// `Deployment shop/web`
    pub fn title(&self) -> String {
        title(self.kind(), self.namespace(), self.name())
    }

    /// Its labels.
    pub fn labels(&self) -> Labels<'_> {
        Labels::of(at(&self.root, &["metadata", "labels"]))
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        at(&self.root, &["metadata", "annotations"]).and_then(|annotations| text(annotations, key))
    }
}

/// `Deployment shop/web`, `ClusterRole web`
pub fn title(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{kind} {name}") } else { format!("{kind} {namespace}/{name}") }
}

/// An object that refers to nothing, which therefore is not parsed: a CRD is large, and its webhook is all that it refers to.
pub fn unreferring<'a>(component: &'a str, document: &'a Document) -> Option<Object<'a>> {
    let is_it =
        document.identity.kind == "CustomResourceDefinition" && memchr::memmem::find(document.text.as_bytes(), b"clientConfig").is_none();
    is_it.then(|| Object { component, document, root: Arc::default() })
}

/// Parses one document of a component.
pub fn parse<'a>(component: &'a str, document: &'a Document) -> Result<Object<'a>> {
    let text = document.text.as_bytes();
    let unreadable = |said: String| {
        Diagnostic::error(format!("{} of component {component} is not valid YAML: {said}", document.identity))
            .note(format!("from {}", document.origin))
    };
    let parsed = hydrate_yaml::compose(text).map_err(|error| unreadable(error.to_string()))?;
    let root = parsed.into_iter().find_map(|document| document.root).unwrap_or_default();
    // Aliases are rare; where there can be none, nothing has to be looked for.
    let may_alias = memchr::memchr(b'&', text).is_some() && memchr::memchr(b'*', text).is_some();
    let root = if may_alias { compose::expand(root).map_err(unreadable)? } else { root };
    Ok(Object { component, document, root: Arc::new(root) })
}

/// A pod template and who makes pods of it.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'a> {
    /// The workload.
    pub owner: &'a Object<'a>,
    /// The pod's spec.
    pub spec: &'a Node,
    /// The pod's labels.
    pub labels: Labels<'a>,
}

impl<'a> Pod<'a> {
    /// The template of an object that makes pods; `None` for other kinds.
    fn of(owner: &'a Object<'a>) -> Option<Self> {
        let template = match (owner.group(), owner.kind()) {
            ("", "Pod") => Some(&*owner.root),
            ("", "PodTemplate") => owner.root.get("template"),
            ("" | "apps" | "batch", "ReplicationController" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job")
            | ("argoproj.io", "Rollout")
            | ("serving.knative.dev", "Service") => at(&owner.root, &["spec", "template"]),
            ("batch", "CronJob") => at(&owner.root, &["spec", "jobTemplate", "spec", "template"]),
            _ => None,
        }?;
        Some(Self { owner, spec: template.get("spec")?, labels: Labels::of(at(template, &["metadata", "labels"])) })
    }

    /// Its containers: ordinary, init and ephemeral ones.
    pub fn containers(&self) -> impl Iterator<Item = &'a Node> + use<'a> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |key| items(spec, &[key]))
    }

    /// (name, number) of each port that a container declares.
    pub fn ports(&self) -> impl Iterator<Item = (Option<&'a str>, &'a str)> + use<'a> {
        let ports = self.containers().flat_map(|container| items(container, &["ports"]));
        ports.filter_map(|port| Some((text(port, "name"), text(port, "containerPort")?)))
    }

    /// Whether a container declares this port, by name or number.
    pub fn has_port(&self, port: &str) -> bool {
        self.ports().any(|(name, number)| name == Some(port) || number == port)
    }

    /// The names of the volume claim templates of a StatefulSet.
    pub fn claim_templates(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let claims = items(&self.owner.root, &["spec", "volumeClaimTemplates"]);
        claims.iter().filter_map(|claim| claim.get("metadata").and_then(|metadata| text(metadata, "name")))
    }
}

/// Everything that references are looked up in.
#[derive(Debug)]
pub struct Index<'a> {
    /// The objects in order.
    pub objects: &'a [Object<'a>],
    by_name: BTreeMap<(&'a str, &'a str, &'a str, &'a str), &'a Object<'a>>,
    by_kind: BTreeMap<(&'a str, &'a str), Vec<&'a Object<'a>>>,
    pods: Vec<Pod<'a>>,
    pods_in: BTreeMap<&'a str, Vec<Pod<'a>>>,
    /// Pods by namespace and one of their labels.
    labelled: BTreeMap<(&'a str, &'a str, &'a str), Vec<Pod<'a>>>,
    namespaces: BTreeSet<&'a str>,
}

impl<'a> Index<'a> {
    /// An index of these objects.
    pub fn new(objects: &'a [Object<'a>]) -> Self {
        let mut index = Self {
            objects,
            by_name: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            pods: objects.iter().filter_map(Pod::of).collect(),
            pods_in: BTreeMap::new(),
            labelled: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        };
        for object in objects {
            index.by_name.entry((object.group(), object.kind(), object.namespace(), object.name())).or_insert(object);
            index.by_kind.entry((object.group(), object.kind())).or_default().push(object);
            let is_namespace = object.kind() == "Namespace" && object.group().is_empty();
            index.namespaces.insert(if is_namespace { object.name() } else { object.namespace() });
        }
        index.namespaces.remove("");
        for pod in &index.pods {
            let namespace = pod.owner.namespace();
            index.pods_in.entry(namespace).or_default().push(*pod);
            for (key, value) in pod.labels.written() {
                index.labelled.entry((namespace, key, value)).or_default().push(*pod);
            }
        }
        index
    }

    /// The object of this name. An object that does not say its namespace may be meant by any; and where none is asked
    /// for, one that says its own is meant too: charts give some to objects that have none.
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&'a Object<'a>> {
        let exact = |namespace: &str| self.by_name.get(&(group, kind, namespace, name)).copied();
        exact(namespace).or_else(|| {
            if !namespace.is_empty() {
                return exact("");
            }
            self.by_kind.get(&(group, kind))?.iter().find(|object| object.name() == name).copied()
        })
    }

    /// All objects of a kind, in order.
    pub fn of<'s>(&'s self, group: &'s str, kind: &'s str) -> &'s [&'a Object<'a>] {
        self.by_kind.get(&(group, kind)).map(Vec::as_slice).unwrap_or_default()
    }

    /// All pod templates.
    pub fn pods(&self) -> &[Pod<'a>] {
        &self.pods
    }

    /// The pod templates of a namespace.
    pub fn pods_in(&self, namespace: &str) -> &[Pod<'a>] {
        self.pods_in.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// The namespaces that are rendered or have something rendered into them.
    pub fn namespaces(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.namespaces.iter().copied()
    }

    /// Whether this is one of them.
    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// The labels of a namespace: its own name is always among them.
    pub fn namespace_labels(&self, name: &'a str) -> Labels<'a> {
        let written = self.find("", "Namespace", "", name).and_then(|object| at(&object.root, &["metadata", "labels"]));
        Labels { node: written, own: Some(("kubernetes.io/metadata.name", name)) }
    }

    /// The pods of a namespace with these labels.
    pub fn selected(&self, namespace: &str, fits: impl Fn(&Labels<'a>) -> bool) -> Vec<Pod<'a>> {
        self.pods_in(namespace).iter().filter(|pod| fits(&pod.labels)).copied().collect()
    }

    /// The pods of a namespace that plain pairs pick.
    pub fn picked(&self, namespace: &str, pairs: &[(Node, Node)]) -> Vec<Pod<'a>> {
        // Those with the rarest of the labels are looked at, not all.
        let mut candidates = self.pods_in(namespace);
        for (key, value) in judged(pairs) {
            let with = self.labelled.get(&(namespace, key, value)).map(Vec::as_slice).unwrap_or_default();
            candidates = if with.len() < candidates.len() { with } else { candidates };
        }
        candidates.iter().filter(|pod| pairs_match(pairs, &pod.labels)).copied().collect()
    }
}

/// The keys of a ConfigMap or Secret.
pub fn keys<'n>(object: &'n Object<'_>) -> impl Iterator<Item = &'n str> {
    let maps = ["data", "binaryData", "stringData"].into_iter();
    maps.flat_map(|map| entries(&object.root, &[map])).filter_map(|(key, _)| key.as_str())
}
