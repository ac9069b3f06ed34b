//! The fields that kustomize's transformers change unless told otherwise, as compact tables.
//!
//! The facts are those of `api/internal/konfig/builtinpluginconsts` of kustomize 5.8.1: version and kind of an object, and the path
//! in it. Kinds with a pod template share their paths, so those are written once.

use std::rc::Rc;

use super::config::{Config, NameReference};
use super::kustomization::{FieldSpec, GvkFields};

/// `Kind`, `Kind.group`, `Kind.group/version` or `Kind/version`; empty for every kind.
fn gvk(text: &str) -> GvkFields {
    let (rest, version) = text.split_once('/').unwrap_or((text, ""));
    let (kind, group) = rest.split_once('.').unwrap_or((rest, ""));
    GvkFields { group: group.into(), version: version.into(), kind: kind.into() }
}

fn spec(kind: &str, path: impl Into<ecow::EcoString>, create: bool) -> FieldSpec {
    FieldSpec { path: path.into(), create, gvk: gvk(kind) }
}

const APPS: &str = "apps";

/// Kinds, in kustomize's order, whose own labels, pod templates and the like get labels. `@` marks what is created.
const METADATA_LABELS: [(&str, &str); 10] = [
    ("", "metadata/labels"),
    ("ReplicationController/v1", "spec/template/metadata/labels"),
    ("Deployment", "spec/template/metadata/labels"),
    ("ReplicaSet", "spec/template/metadata/labels"),
    ("DaemonSet", "spec/template/metadata/labels"),
    ("StatefulSet.apps", "spec/template/metadata/labels"),
    ("StatefulSet.apps", "spec/volumeClaimTemplates[]/metadata/labels"),
    ("Job.batch", "spec/template/metadata/labels"),
    ("CronJob.batch", "spec/jobTemplate/metadata/labels"),
    ("CronJob.batch", "spec/jobTemplate/spec/template/metadata/labels"),
];

const CREATED_SELECTORS: [(&str, &str); 6] = [
    ("Service/v1", "spec/selector"),
    ("ReplicationController/v1", "spec/selector"),
    ("Deployment", "spec/selector/matchLabels"),
    ("ReplicaSet", "spec/selector/matchLabels"),
    ("DaemonSet", "spec/selector/matchLabels"),
    ("StatefulSet.apps", "spec/selector/matchLabels"),
];

const OTHER_SELECTORS: [(&str, &str); 6] = [
    ("Job.batch", "spec/selector/matchLabels"),
    ("CronJob.batch", "spec/jobTemplate/spec/selector/matchLabels"),
    ("PodDisruptionBudget.policy", "spec/selector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/podSelector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/ingress/from/podSelector/matchLabels"),
    ("NetworkPolicy.networking.k8s.io", "spec/egress/to/podSelector/matchLabels"),
];

/// Selectors inside the pod templates of Deployments and StatefulSets.
const POD_SELECTORS: [&str; 5] = [
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: [(&str, &str); 9] = [
    ("", "metadata/annotations"),
    ("ReplicationController/v1", "spec/template/metadata/annotations"),
    ("Deployment", "spec/template/metadata/annotations"),
    ("ReplicaSet", "spec/template/metadata/annotations"),
    ("DaemonSet", "spec/template/metadata/annotations"),
    ("StatefulSet", "spec/template/metadata/annotations"),
    ("Job.batch", "spec/template/metadata/annotations"),
    ("CronJob.batch", "spec/jobTemplate/metadata/annotations"),
    ("CronJob.batch", "spec/jobTemplate/spec/template/metadata/annotations"),
];

const IMAGES: [&str; 6] = [
    "spec/containers[]/image",
    "spec/initContainers[]/image",
    "spec/volumes[]/image/reference",
    "spec/template/spec/containers[]/image",
    "spec/template/spec/initContainers[]/image",
    "spec/template/spec/volumes[]/image/reference",
];

/// Where the pod specification is in kinds that have one.
const POD: &str = "spec";
const TEMPLATE: &str = "spec/template/spec";
const JOB_TEMPLATE: &str = "spec/jobTemplate/spec/template/spec";

/// Kinds whose pods may name config maps and secrets.
const POD_KINDS: [(&str, &str); 8] = [
    ("Pod/v1", POD),
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
    ("Pod", POD),
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

/// What of a container may hold variables.
const VARIABLES_IN_POD: [&str; 8] = [
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
];

const VARIABLE_PODS: [(&str, &str); 7] = [
    ("CronJob", JOB_TEMPLATE),
    ("DaemonSet", TEMPLATE),
    ("Deployment", TEMPLATE),
    ("Job", TEMPLATE),
    ("Pod", POD),
    ("ReplicaSet", TEMPLATE),
    ("StatefulSet", TEMPLATE),
];

const OTHER_VARIABLES: [(&str, &str); 16] = [
    ("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    ("DaemonSet", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/metadata/annotations"),
    ("Ingress", "spec/rules/host"),
    ("Ingress", "spec/tls/hosts"),
    ("Ingress", "spec/tls/secretName"),
    ("Job", "spec/template/spec/volumes/nfs/server"),
    ("Pod", "spec/volumes/nfs/server"),
    ("ReplicaSet", "spec/template/spec/volumes/nfs/server"),
    ("Service", "spec/ports/port"),
    ("Service", "spec/ports/targetPort"),
    ("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
    ("PersistentVolume", "spec/nfs/server"),
    ("", "metadata/labels"),
    ("", "metadata/annotations"),
];

fn specs(table: &[(&str, &str)], create: bool) -> Vec<FieldSpec> {
    table.iter().map(|(kind, path)| spec(kind, *path, create)).collect()
}

fn in_pods(kinds: &[(&str, &str)], paths: &[&str]) -> Vec<FieldSpec> {
    kinds.iter().flat_map(|(kind, pod)| paths.iter().map(move |path| spec(kind, format!("{pod}/{path}"), false))).collect()
}

fn common_labels() -> Vec<FieldSpec> {
    let mut all = specs(&CREATED_SELECTORS, true);
    for kind in ["Deployment", "StatefulSet"] {
        all.extend(POD_SELECTORS.iter().map(|path| spec(&format!("{kind}.{APPS}"), format!("{TEMPLATE}/{path}"), false)));
    }
    all.extend(specs(&OTHER_SELECTORS, false));
    all.extend(specs(&METADATA_LABELS, true));
    all
}

fn namespaces() -> Vec<FieldSpec> {
    vec![
        spec("Namespace", "metadata/name", true),
        spec("APIService.apiregistration.k8s.io", "spec/service/namespace", true),
        spec("CustomResourceDefinition.apiextensions.k8s.io", "spec/conversion/webhook/clientConfig/service/namespace", false),
    ]
}

fn variables() -> Vec<FieldSpec> {
    let mut all = in_pods(&VARIABLE_PODS, &VARIABLES_IN_POD);
    all.extend(specs(&OTHER_VARIABLES, false));
    all
}

fn name_references() -> Vec<NameReference> {
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

/// All tables.
pub(crate) fn builtin() -> Config {
    let replicas = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"].map(|kind| spec(kind, "spec/replicas", true));
    Config {
        name_prefix: Rc::new(vec![spec("", "metadata/name", false)]),
        name_suffix: Rc::new(vec![spec("", "metadata/name", false)]),
        namespace: Rc::new(namespaces()),
        common_labels: Rc::new(common_labels()),
        labels: Rc::default(),
        template_labels: Rc::new(specs(&METADATA_LABELS, true)),
        common_annotations: Rc::new(specs(&ANNOTATIONS, true)),
        name_reference: Rc::new(name_references()),
        var_reference: Rc::new(variables()),
        images: Rc::new(IMAGES.iter().map(|path| spec("", *path, true)).collect()),
        replicas: Rc::new(replicas.to_vec()),
    }
}
