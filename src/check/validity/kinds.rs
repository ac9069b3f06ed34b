//! Which rules are for which kind.

use hydrate_yaml::node::Node;

use super::reading::{filled, present};
use super::rule::Sink;
use super::structure::MISSING_FIELD;
use super::{config, labels, names, pods, policies, rbac, services, storage, workloads};

/// What is said of every object, of whatever kind.
pub(super) fn metadata(sink: &mut Sink<'_>) {
    names::check(sink);
    if let Some(metadata) = sink.object.root.get("metadata") {
        labels::metadata(sink, metadata);
    }
}

/// What is said of objects of the kind, which the API server has been able to read.
pub(super) fn check(sink: &mut Sink<'_>) {
    let object = sink.object;
    let root = &object.root;
    match (object.group(), object.kind()) {
        ("", "ConfigMap") => return config::config_map(sink, root),
        ("", "Secret") => return config::secret(sink, root),
        ("", "PodTemplate") => return present(root, "template").into_iter().for_each(|template| pods::template(sink, template)),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => return rbac::role(sink, root),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => return rbac::binding(sink, root),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            return policies::webhooks(sink, root);
        }
        ("storage.k8s.io", "StorageClass") => return storage::storage_class(sink, root),
        ("scheduling.k8s.io", "PriorityClass") => return storage::priority_class(sink, root),
        _ => {}
    }
    let Some(spec) = present(root, "spec") else { return without_spec(sink) };
    match (object.group(), object.kind()) {
        ("", "Pod") => pods::check(sink, spec),
        ("", "ReplicationController") | ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => workloads::controller(sink, spec),
        ("apps", "StatefulSet") => {
            workloads::controller(sink, spec);
            workloads::claims(sink, spec);
        }
        ("batch", "Job") => workloads::job(sink, spec),
        ("batch", "CronJob") => workloads::cron_job(sink, spec),
        ("autoscaling", "HorizontalPodAutoscaler") => workloads::autoscaler(sink, spec),
        ("policy", "PodDisruptionBudget") => workloads::budget(sink, spec),
        ("", "Service") => services::service(sink, spec),
        ("networking.k8s.io", "Ingress") => services::ingress(sink, spec),
        ("networking.k8s.io", "IngressClass") if filled(spec, "controller").is_none() => missing(sink, spec, "controller"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => policies::admission(sink, spec),
        ("networking.k8s.io", "NetworkPolicy") => policies::network(sink, spec),
        ("", "PersistentVolumeClaim") => storage::claim(sink, spec),
        ("", "PersistentVolume") => storage::volume(sink, spec),
        _ => {}
    }
}

/// Kinds whose schema does not ask for a spec, and that the API server does not take without one.
fn without_spec(sink: &mut Sink<'_>) {
    let object = sink.object;
    let is_needed = matches!(
        (object.group(), object.kind()),
        ("", "Pod" | "Service" | "ReplicationController" | "PersistentVolume" | "PersistentVolumeClaim")
            | ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job" | "CronJob")
            | ("networking.k8s.io", "Ingress" | "IngressClass")
            | ("autoscaling", "HorizontalPodAutoscaler")
    );
    if is_needed {
        missing(sink, &object.root, "spec");
    }
}

fn missing<'a>(sink: &mut Sink<'a>, node: &'a Node, name: &str) {
    sink.report(&MISSING_FIELD, node, format!("`{name}` is required and missing"));
}
