//! `component-gone`

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::Change;
use hydrate_base::plain::counted;

use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "component-gone",
    level: Level::Danger,
    title: "A component or a whole environment renders nothing any more",
    text: "All of its objects go. It may be meant; or its directory was renamed, its `environments` say something else now, or a condition around its templates does not hold any more.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    let input = scene.input;
    let staying: BTreeSet<&str> = input.same.iter().map(|file| file.component.as_str()).collect();
    let mut components: BTreeMap<&str, (bool, usize)> = BTreeMap::new();
    for file in input.files.iter().filter(|file| !is_of_environment(&file.component)) {
        let (stays, gone) = components.entry(&file.component).or_default();
        *stays |= file.change != Change::Deleted;
        *gone += usize::from(file.change == Change::Deleted);
    }
    let gone: Vec<&str> =
        components.iter().filter(|(name, (stays, _))| !stays && !staying.contains(*name)).map(|(name, _)| *name).collect();
    let is_all = input.is_whole
        && !gone.is_empty()
        && gone.len() == components.len()
        && input.same.iter().all(|file| is_of_environment(&file.component));
    if is_all {
        let count = scene.leaving().count();
        let message = format!("the environment {} renders nothing any more, and {} with it", input.env, go(count));
        let finding = sink.general("", message);
        finding.note(format!("its components were {}", gone.join(", ")));
        return;
    }
    for name in gone {
        let objects: Vec<String> = scene.leaving().filter(|object| &*object.component == name).map(crate::object::Object::title).collect();
        if objects.is_empty() {
            continue;
        }
        let message = format!("the component {name} renders nothing any more, and {} with it", go(objects.len()));
        sink.general(name, message).note(objects.join(", "));
    }
}

/// `1 object goes`, `2 objects go`
fn go(count: usize) -> String {
    format!("{} {}", counted(count, "object"), if count == 1 { "goes" } else { "go" })
}

/// Whether a directory is of the environment, or of nothing, and no component: its index, what hands it over, and the namespaces and CRDs of all components.
fn is_of_environment(component: &str) -> bool {
    component.is_empty() || component.contains('/') || matches!(component, "00-namespaces" | "00-crds")
}
