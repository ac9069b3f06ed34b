//! What exists although nobody renders it: what every cluster has, what users declare, and what controllers make.

use std::collections::BTreeSet;

use super::declared::External;
use super::objects::{Index, Object};
use super::value::{at, items, text};
use hydrate_kubernetes::is_builtin_group;

/// The namespaces of every cluster. What else runs in them is not known here.
pub const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Objects that every cluster has: kind, namespace (`*` for any), name.
const EVERYWHERE: &[(&str, &str, &str)] = &[
    ("ClusterRole", "", "admin"),
    ("ClusterRole", "", "cluster-admin"),
    ("ClusterRole", "", "edit"),
    ("ClusterRole", "", "view"),
    ("ConfigMap", "*", "kube-root-ca.crt"),
    ("ConfigMap", "kube-system", "extension-apiserver-authentication"),
    ("PriorityClass", "", "system-cluster-critical"),
    ("PriorityClass", "", "system-node-critical"),
    ("Role", "kube-system", "extension-apiserver-authentication-reader"),
    ("Service", "default", "kubernetes"),
    ("Service", "kube-system", "kube-dns"),
    ("ServiceAccount", "*", "default"),
    ("AppProject", "*", "default"),
];

/// Classes that somebody else usually brings; they are judged where the environment renders some itself.
const CLASSES: &[(&str, &str)] = &[
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("networking.k8s.io", "IngressClass"),
    ("node.k8s.io", "RuntimeClass"),
    ("storage.k8s.io", "StorageClass"),
];

/// Storage classes that Kubernetes distributions and clouds come with.
const STORAGE_CLASSES: &[&str] = &[
    "default",
    "do-block-storage",
    "gp2",
    "gp3",
    "hcloud-volumes",
    "hostpath",
    "local-path",
    "longhorn",
    "managed",
    "managed-csi",
    "managed-premium",
    "premium-rwo",
    "standard",
    "standard-rwo",
];

/// Custom resources that make neither pods nor Services: group (`*` for all kinds of it) and kind.
const PASSIVE: &[(&str, &str)] = &[
    ("argoproj.io", "AppProject"),
    ("autoscaling.k8s.io", "*"),
    ("bitnami.com", "*"),
    ("cert-manager.io", "*"),
    ("cilium.io", "*"),
    ("external-secrets.io", "*"),
    ("gateway.networking.k8s.io", "*"),
    ("image.toolkit.fluxcd.io", "*"),
    ("keda.sh", "*"),
    ("kustomize.toolkit.fluxcd.io", "*"),
    ("kyverno.io", "*"),
    ("metallb.io", "*"),
    ("monitoring.coreos.com", "AlertmanagerConfig"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "Probe"),
    ("monitoring.coreos.com", "PrometheusRule"),
    ("monitoring.coreos.com", "ScrapeConfig"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.istio.io", "*"),
    ("notification.toolkit.fluxcd.io", "*"),
    ("secrets-store.csi.x-k8s.io", "*"),
    ("secrets.hashicorp.com", "*"),
    ("security.istio.io", "*"),
    ("snapshot.storage.k8s.io", "*"),
    ("source.toolkit.fluxcd.io", "*"),
    ("traefik.io", "*"),
    ("trust.cert-manager.io", "*"),
];

/// What kinds make: group, kind, the kind that is made, and the keys of its name (none: the object's own name).
const MAKERS: &[(&str, &str, &str, &[&str])] = &[
    ("bitnami.com", "SealedSecret", "Secret", &[]),
    ("bitnami.com", "SealedSecret", "Secret", &["spec", "template", "metadata", "name"]),
    ("cert-manager.io", "Certificate", "Secret", &["spec", "secretName"]),
    ("external-secrets.io", "ExternalSecret", "Secret", &[]),
    ("external-secrets.io", "ExternalSecret", "Secret", &["spec", "target", "name"]),
    ("onepassword.com", "OnePasswordItem", "Secret", &[]),
    ("secrets.hashicorp.com", "VaultDynamicSecret", "Secret", &["spec", "destination", "name"]),
    ("secrets.hashicorp.com", "VaultPKISecret", "Secret", &["spec", "destination", "name"]),
    ("secrets.hashicorp.com", "VaultStaticSecret", "Secret", &["spec", "destination", "name"]),
];

/// What kinds make under a name of its own: group, kind, the kind that is made, its name.
const FIXED: &[(&str, &str, &str, &str)] = &[
    ("monitoring.coreos.com", "Alertmanager", "Service", "alertmanager-operated"),
    ("monitoring.coreos.com", "Prometheus", "Service", "prometheus-operated"),
    ("monitoring.coreos.com", "ThanosRuler", "Service", "thanos-ruler-operated"),
];

/// What exists beyond the rendered objects.
#[derive(Debug)]
pub struct Elsewhere<'a> {
    external: &'a [External],
    /// Kind, namespace (`*` for all), name.
    made: BTreeSet<(&'a str, &'a str, String)>,
    /// Custom resources of kinds that may make anything.
    makers: Vec<&'a Object<'a>>,
    /// Classes of which the environment renders some.
    classes: BTreeSet<&'static str>,
}

impl<'a> Elsewhere<'a> {
    /// What exists beside these objects, with what is declared.
    pub fn new(index: &Index<'a>, external: &'a [External]) -> Self {
        let mut elsewhere = Self { external, made: BTreeSet::new(), makers: Vec::new(), classes: BTreeSet::new() };
        elsewhere.classes.extend(CLASSES.iter().filter(|(group, kind)| !index.of(group, kind).is_empty()).map(|(_, kind)| *kind));
        for object in index.objects {
            if is_builtin_group(object.group()) {
                elsewhere.add_copies(object);
            } else {
                elsewhere.add_made(object);
            }
            if object.kind() == "Ingress" || object.kind() == "Gateway" {
                elsewhere.add_certificates(object);
            }
        }
        index
            .pods()
            .iter()
            .for_each(|pod| pod.containers().for_each(|container| elsewhere.add_asked_for(pod.owner.namespace(), container)));
        elsewhere
    }

    /// Whether an object exists, or may exist, although it is not rendered.
    pub fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let everywhere =
            |(known, space, title): &(&str, &str, &str)| *known == kind && (*space == "*" || *space == namespace) && *title == name;
        EVERYWHERE.iter().any(everywhere)
            || self.is_system(kind, namespace, name)
            || self.made.contains(&(kind, namespace, name.to_owned()))
            || self.made.contains(&(kind, "*", name.to_owned()))
            || self.is_class(kind, name)
            || self.external.iter().any(|external| external.covers(kind, namespace, name))
            || self.may_be_made(kind, namespace, name)
    }

    /// Whether there is a storage class of this name, as far as anybody says.
    pub fn has_storage_class(&self, name: &str) -> bool {
        STORAGE_CLASSES.contains(&name) || self.external.iter().any(|external| external.covers("StorageClass", "", name))
    }

    /// Whether pods may run in a namespace that are not rendered here: then a selector that picks none may be right.
    pub fn hides_pods(&self, namespace: &str) -> bool {
        NAMESPACES.contains(&namespace)
            || self.external.iter().any(|external| external.covers("Pod", namespace, "*"))
            || self.makers.iter().any(|maker| maker.namespace() == namespace || maker.namespace().is_empty())
    }

    /// Parts of the control plane: roles and accounts that begin with `system:`, and the accounts of controllers.
    fn is_system(&self, kind: &str, namespace: &str, name: &str) -> bool {
        match kind {
            "ClusterRole" | "Role" => name.starts_with("system:"),
            "ServiceAccount" => namespace == "kube-system",
            "Namespace" => NAMESPACES.contains(&name),
            _ => false,
        }
    }

    fn is_class(&self, kind: &str, name: &str) -> bool {
        let is_class = CLASSES.iter().any(|(_, known)| *known == kind);
        is_class && (!self.classes.contains(kind) || (kind == "StorageClass" && STORAGE_CLASSES.contains(&name)))
    }

    /// An operator gives what it makes for a resource names that begin with the resource's own.
    fn may_be_made(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let made =
            matches!(kind, "ConfigMap" | "Secret" | "Service" | "ServiceAccount" | "PersistentVolumeClaim" | "Deployment" | "StatefulSet");
        let from = |maker: &&Object<'_>| {
            let rest = name.strip_prefix(maker.name()).or_else(|| name.strip_suffix(maker.name()));
            maker.namespace() == namespace && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest.ends_with('-'))
        };
        made && self.makers.iter().any(from)
    }

    fn add_made(&mut self, object: &'a Object<'a>) {
        let (group, kind) = (object.group(), object.kind());
        let mut known = false;
        for (_, _, made, keys) in MAKERS.iter().filter(|(its_group, its_kind, ..)| *its_group == group && *its_kind == kind) {
            known = true;
            let name = if keys.is_empty() { Some(object.name()) } else { at(&object.root, keys).and_then(|node| node.as_str()) };
            self.made.extend(name.map(|name| (*made, object.namespace(), name.to_owned())));
        }
        for (_, _, made, name) in FIXED.iter().filter(|(its_group, its_kind, ..)| *its_group == group && *its_kind == kind) {
            self.made.insert((made, object.namespace(), (*name).to_owned()));
        }
        match (group, kind) {
            ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => {
                let names = items(&object.root, &["spec", "secretObjects"]).iter().filter_map(|one| text(one, "secretName"));
                self.made.extend(names.map(|name| ("Secret", object.namespace(), name.to_owned())));
            }
            ("isindir.github.com", "SopsSecret") => {
                let names = items(&object.root, &["spec", "secretTemplates"]).iter().filter_map(|one| text(one, "name"));
                self.made.extend(names.map(|name| ("Secret", object.namespace(), name.to_owned())));
                known = true;
            }
            ("trust.cert-manager.io", "Bundle") => {
                self.made.insert(("ConfigMap", "*", object.name().to_owned()));
                self.made.insert(("Secret", "*", object.name().to_owned()));
            }
            ("gateway.networking.k8s.io", "Gateway") => {
                self.made.insert(("Service", object.namespace(), format!("cilium-gateway-{}", object.name())));
                self.made.extend(
                    at(&object.root, &["spec", "gatewayClassName"])
                        .and_then(|class| class.as_str())
                        .map(|class| ("Service", object.namespace(), format!("{}-{class}", object.name()))),
                );
            }
            ("external-secrets.io", "ClusterExternalSecret") => {
                let spec = at(&object.root, &["spec"]);
                let name = spec.and_then(|spec| at(spec, &["externalSecretSpec", "target"])).and_then(|target| text(target, "name"));
                let name = name.or_else(|| spec.and_then(|spec| text(spec, "externalSecretName"))).unwrap_or(object.name());
                self.made.insert(("Secret", "*", name.to_owned()));
            }
            _ => {}
        }
        let passive = PASSIVE.iter().any(|(its_group, its_kind)| *its_group == group && (*its_kind == "*" || *its_kind == kind));
        if !known && !passive {
            self.makers.push(object);
        }
    }

    /// Secrets and ConfigMaps that a controller copies into other namespaces.
    fn add_copies(&mut self, object: &'a Object<'a>) {
        let copied = |key: &str| {
            key.starts_with("reflector.v1.k8s.emberstack.com/reflection-") || key.starts_with("replicator.v1.mittwald.de/replicat")
        };
        if matches!(object.kind(), "Secret" | "ConfigMap")
            && at(&object.root, &["metadata", "annotations"])
                .and_then(|annotations| annotations.entries())
                .is_some_and(|entries| entries.iter().any(|(key, _)| key.as_str().is_some_and(copied)))
        {
            self.made.insert((object.kind(), "*", object.name().to_owned()));
        }
    }

    /// The Secrets that cert-manager makes for an Ingress or a Gateway with its annotations.
    fn add_certificates(&mut self, object: &'a Object<'a>) {
        let annotations = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer", "kubernetes.io/tls-acme"];
        if !annotations.iter().any(|key| object.annotation(key).is_some()) {
            return;
        }
        let of_ingress = items(&object.root, &["spec", "tls"]).iter().filter_map(|tls| text(tls, "secretName"));
        let listeners = items(&object.root, &["spec", "listeners"]);
        let of_gateway = listeners.iter().flat_map(|one| items(one, &["tls", "certificateRefs"])).filter_map(|one| text(one, "name"));
        self.made.extend(of_ingress.chain(of_gateway).map(|name| ("Secret", object.namespace(), name.to_owned())));
    }

    /// A container that is told the name of a Secret by `--secret-name` makes it: so the usual makers of certificates
    /// for webhooks.
    fn add_asked_for(&mut self, namespace: &'a str, container: &'a hydrate_yaml::node::Node) {
        let mut arguments =
            ["command", "args"].into_iter().flat_map(|key| items(container, &[key])).filter_map(|node| node.as_str()).peekable();
        while let Some(argument) = arguments.next() {
            let Some(rest) = argument.trim_start_matches('-').strip_prefix("secret-name") else { continue };
            let name = rest.strip_prefix('=').or_else(|| arguments.peek().copied()).unwrap_or_default();
            self.made.insert(("Secret", namespace, name.to_owned()));
        }
    }
}
