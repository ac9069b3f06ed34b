//! The defaults that the API server has set before policies look at an object (`k8s.io/kubernetes/pkg/apis/*/v1/defaults.go`), for the kinds that policies are mostly about.

use std::collections::BTreeMap;

use hydrate_cel::schema::Data;

type Map = BTreeMap<String, Data>;

/// Why a value is not known.
const ASSIGNED: &str = "a value that the API server gives an object";

/// Kinds whose objects have a status from the beginning.
const HAVE_STATUS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "Ingress",
    "Job",
    "Namespace",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "PodDisruptionBudget",
    "ReplicaSet",
    "ReplicationController",
    "Service",
    "StatefulSet",
];

/// An object of Kubernetes' own, as policies see it.
pub(super) fn set(group: &str, kind: &str, minor: u32, object: &mut Data) {
    let Data::Map(root) = object else { return };
    if HAVE_STATUS.contains(&kind) {
        // Whatever the status is that an object is created with, it is thrown away.
        root.insert("status".to_owned(), Data::Map(Map::new()));
    }
    let name = at(root, "metadata").and_then(|metadata| match metadata.get("name") {
        Some(Data::Text(name)) => Some(name.clone()),
        _ => None,
    });
    match (group, kind) {
        ("", "Pod") => {
            if let Some(spec) = at(root, "spec") {
                text(spec, "restartPolicy", "Always");
                put(spec, "enableServiceLinks", || Data::Bool(true));
                pod(spec);
                text(spec, "serviceAccountName", "default");
                text(spec, "serviceAccount", "default");
            }
        }
        ("apps", "Deployment") => workload(root, |spec| {
            number(spec, "replicas", 1);
            number(spec, "revisionHistoryLimit", 10);
            number(spec, "progressDeadlineSeconds", 600);
            rolling(spec, "strategy", &[("maxSurge", Data::Text("25%".to_owned())), ("maxUnavailable", Data::Text("25%".to_owned()))]);
        }),
        ("apps", "StatefulSet") => workload(root, |spec| {
            number(spec, "replicas", 1);
            number(spec, "revisionHistoryLimit", 10);
            text(spec, "podManagementPolicy", "OrderedReady");
            let unavailable = (minor >= 35).then_some(("maxUnavailable", Data::Int(1)));
            let values: Vec<(&str, Data)> = std::iter::once(("partition", Data::Int(0))).chain(unavailable).collect();
            rolling(spec, "updateStrategy", &values);
        }),
        ("apps", "DaemonSet") => workload(root, |spec| {
            number(spec, "revisionHistoryLimit", 10);
            rolling(spec, "updateStrategy", &[("maxSurge", Data::Int(0)), ("maxUnavailable", Data::Int(1))]);
        }),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workload(root, |spec| number(spec, "replicas", 1)),
        ("batch", "Job") => job(root),
        ("batch", "CronJob") => {
            if let Some(spec) = at(root, "spec") {
                text(spec, "concurrencyPolicy", "Allow");
                put(spec, "suspend", || Data::Bool(false));
                number(spec, "successfulJobsHistoryLimit", 3);
                number(spec, "failedJobsHistoryLimit", 1);
                if let Some(template) = at(spec, "jobTemplate").and_then(|job| at(job, "spec")).and_then(|spec| at(spec, "template")) {
                    template_of(template);
                }
            }
        }
        ("", "Service") => {
            service(root);
            if let Some(status) = at(root, "status") {
                put(status, "loadBalancer", || Data::Map(Map::new()));
            }
        }
        ("", "Secret") => text(root, "type", "Opaque"),
        ("", "PersistentVolumeClaim") => {
            if let Some(spec) = at(root, "spec") {
                text(spec, "volumeMode", "Filesystem");
            }
        }
        ("", "Namespace") => {
            put(root, "spec", || Data::Map(Map::from([("finalizers".to_owned(), Data::List(vec![Data::Text("kubernetes".to_owned())]))])));
            if let (Some(metadata), Some(name)) = (at(root, "metadata"), name) {
                put(metadata, "labels", || Data::Map(Map::new()));
                if let Some(labels) = at(metadata, "labels") {
                    text(labels, "kubernetes.io/metadata.name", &name);
                }
            }
            if let Some(status) = at(root, "status") {
                text(status, "phase", "Active");
            }
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            if let Some(spec) = at(root, "spec") {
                number(spec, "minReplicas", 1);
            }
        }
        _ => {}
    }
}

/// What every object is given when it is created.
pub(super) fn metadata(object: &mut Data, namespace: &str) {
    let Data::Map(root) = object else { return };
    put(root, "metadata", || Data::Map(Map::new()));
    let Some(metadata) = at(root, "metadata") else { return };
    for name in ["uid", "creationTimestamp", "managedFields"] {
        put(metadata, name, || Data::Unknown(ASSIGNED.to_owned()));
    }
    if !namespace.is_empty() {
        text(metadata, "namespace", namespace);
    }
}

fn at<'d>(map: &'d mut Map, key: &str) -> Option<&'d mut Map> {
    match map.get_mut(key) {
        Some(Data::Map(inner)) => Some(inner),
        _ => None,
    }
}

fn list<'d>(map: &'d mut Map, key: &str) -> impl Iterator<Item = &'d mut Map> {
    let items = match map.get_mut(key) {
        Some(Data::List(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    items.iter_mut().filter_map(|item| match item {
        Data::Map(map) => Some(map),
        _ => None,
    })
}

fn put(map: &mut Map, key: &str, value: impl FnOnce() -> Data) {
    if matches!(map.get(key), None | Some(Data::Null)) {
        map.insert(key.to_owned(), value());
    }
}

fn text(map: &mut Map, key: &str, value: &str) {
    put(map, key, || Data::Text(value.to_owned()));
}

fn number(map: &mut Map, key: &str, value: i64) {
    put(map, key, || Data::Int(value));
}

fn workload(root: &mut Map, own: impl Fn(&mut Map)) {
    let Some(spec) = at(root, "spec") else { return };
    own(spec);
    if let Some(template) = at(spec, "template") {
        if let Some(spec) = at(template, "spec") {
            text(spec, "restartPolicy", "Always");
        }
        template_of(template);
    }
}

fn template_of(template: &mut Map) {
    if let Some(spec) = at(template, "spec") {
        pod(spec);
    }
}

/// A strategy that is rolling unless it says otherwise.
fn rolling(spec: &mut Map, key: &str, values: &[(&str, Data)]) {
    put(spec, key, || Data::Map(Map::new()));
    let Some(strategy) = at(spec, key) else { return };
    text(strategy, "type", "RollingUpdate");
    if strategy.get("type") != Some(&Data::Text("RollingUpdate".to_owned())) {
        return;
    }
    put(strategy, "rollingUpdate", || Data::Map(Map::new()));
    if let Some(update) = at(strategy, "rollingUpdate") {
        for (key, value) in values {
            put(update, key, || value.clone());
        }
    }
}

fn job(root: &mut Map) {
    let Some(spec) = at(root, "spec") else { return };
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        number(spec, "completions", 1);
    }
    number(spec, "parallelism", 1);
    number(spec, "backoffLimit", 6);
    text(spec, "completionMode", "NonIndexed");
    put(spec, "suspend", || Data::Bool(false));
    text(spec, "podReplacementPolicy", "TerminatingOrFailed");
    if let Some(template) = at(spec, "template") {
        template_of(template);
    }
}

fn service(root: &mut Map) {
    let Some(spec) = at(root, "spec") else { return };
    text(spec, "type", "ClusterIP");
    text(spec, "sessionAffinity", "None");
    let is_external = spec.get("type") == Some(&Data::Text("ExternalName".to_owned()));
    if !is_external {
        text(spec, "internalTrafficPolicy", "Cluster");
        for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            put(spec, name, || Data::Unknown(ASSIGNED.to_owned()));
        }
    }
    if matches!(spec.get("type"), Some(Data::Text(kind)) if kind == "NodePort" || kind == "LoadBalancer") {
        text(spec, "externalTrafficPolicy", "Cluster");
    }
    for port in list(spec, "ports") {
        text(port, "protocol", "TCP");
        let own = port.get("port").cloned();
        put(port, "targetPort", || own.unwrap_or(Data::Null));
    }
}

fn pod(spec: &mut Map) {
    text(spec, "dnsPolicy", "ClusterFirst");
    text(spec, "schedulerName", "default-scheduler");
    number(spec, "terminationGracePeriodSeconds", 30);
    put(spec, "securityContext", || Data::Map(Map::new()));
    // The older name of the account is always the same.
    if let Some(account) = spec.get("serviceAccountName").or(spec.get("serviceAccount")).cloned() {
        put(spec, "serviceAccountName", || account.clone());
        put(spec, "serviceAccount", || account);
    }
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        for one in list(spec, key) {
            container(one);
        }
    }
    for volume in list(spec, "volumes") {
        if volume.len() == 1 {
            put(volume, "emptyDir", || Data::Map(Map::new()));
        }
        for key in ["secret", "configMap", "projected", "downwardAPI"] {
            if let Some(source) = at(volume, key) {
                number(source, "defaultMode", 420);
            }
        }
        if let Some(source) = at(volume, "hostPath") {
            text(source, "type", "");
        }
    }
}

fn container(container: &mut Map) {
    text(container, "terminationMessagePath", "/dev/termination-log");
    text(container, "terminationMessagePolicy", "File");
    put(container, "resources", || Data::Map(Map::new()));
    if let Some(Data::Text(image)) = container.get("image").cloned() {
        let name = image.rsplit('/').next().unwrap_or_default();
        let latest = !name.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest");
        text(container, "imagePullPolicy", if latest { "Always" } else { "IfNotPresent" });
    }
    if let Some(resources) = at(container, "resources")
        && let Some(Data::Map(limits)) = resources.get("limits").cloned()
    {
        put(resources, "requests", || Data::Map(Map::new()));
        if let Some(requests) = at(resources, "requests") {
            limits.into_iter().for_each(|(name, limit)| put(requests, &name, || limit));
        }
    }
    for port in list(container, "ports") {
        text(port, "protocol", "TCP");
    }
    for variable in list(container, "env") {
        if let Some(field) = at(variable, "valueFrom").and_then(|from| at(from, "fieldRef")) {
            text(field, "apiVersion", "v1");
        }
    }
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = at(container, key) else { continue };
        for (name, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
            number(probe, name, value);
        }
        if let Some(get) = at(probe, "httpGet") {
            text(get, "path", "/");
            text(get, "scheme", "HTTP");
        }
    }
}
