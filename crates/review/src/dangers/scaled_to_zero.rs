//! `scaled-to-zero`

use hydrate_yaml::resolve::Scalar;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::value::scalar;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "scaled-to-zero",
    level: Level::Danger,
    title: "A workload has no pods any more",
    text: "`replicas: 0` stops it: what it serves is gone although every object of it is there.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.pairs() {
        let (Some(0), old) = (replicas(after), replicas(before)) else { continue };
        if old == Some(0) {
            continue;
        }
        let path = Path(vec![Step::Key("spec".into()), Step::Key("replicas".into())]);
        let old = old.unwrap_or(1).to_string();
        sink.about(after, format!("the {} {} is scaled to zero", after.kind(), after.identity.name))
            .values(Some(old), Some("0".to_owned()))
            .at(path, after, after.at(&["spec", "replicas"]));
    }
}

fn replicas(object: &Object) -> Option<i64> {
    match scalar(object.at(&["spec", "replicas"])?) {
        Scalar::Int(value) => Some(value),
        _ => None,
    }
}
