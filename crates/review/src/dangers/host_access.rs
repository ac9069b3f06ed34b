//! `host-access`

use crate::object::Object;
use crate::value::is_true;

use super::exposure::{self, Exposure};
use super::pods::Pod;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "host-access",
    level: Level::Danger,
    title: "A pod gets the network, the processes or the memory of its node",
    text: "`hostNetwork` (no network policy holds any more, and what listens on localhost of the node can be reached), `hostPID` (the processes of all pods), `hostIPC`, and `hostPort`. New workloads that have it are a caution.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    exposure::compare(scene, sink, exposed);
}

fn exposed(object: &Object) -> Vec<Exposure> {
    const NAMESPACES: [(&str, &str); 3] = [("hostNetwork", "the network"), ("hostPID", "the processes"), ("hostIPC", "the shared memory")];
    let Some(pod) = Pod::of(object) else { return Vec::new() };
    let of_pod = NAMESPACES.iter().filter(|(key, _)| is_true(pod.spec, key)).map(|(key, what)| Exposure {
        key: (*key).to_owned(),
        says: format!("its pods get {what} of the node ({key})"),
        path: pod.path(&[key]),
    });
    let of_container = |container: super::pods::Container<'_>| {
        let ports = crate::value::items(container.node, "ports").iter();
        let on_host: Vec<i64> = ports.filter_map(|port| crate::value::int(port, "hostPort")).filter(|port| *port > 0).collect();
        let exposure = |port: i64| Exposure {
            key: format!("hostPort {port}"),
            says: format!("the port {port} of every node leads to the container {}", container.name),
            path: container.path(&["ports"]),
        };
        on_host.into_iter().map(exposure).collect::<Vec<_>>()
    };
    of_pod.chain(pod.containers().flat_map(of_container)).collect()
}
