//! Who applies which directory, read from the objects that hand the environment over: Flux' Kustomizations and Argo CD's Applications.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::mask::Mask;
use crate::object::{self, Found, Object};
use crate::value::{at, is_true, items, text};

use super::Scene;

/// What applies an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tool {
    /// Nothing that is known.
    #[default]
    None,
    Flux,
    ArgoCd,
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Flux => "Flux",
            Self::ArgoCd => "Argo CD",
        }
    }
}

/// A directory that is applied as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The name of the object that stands for it.
    pub(crate) name: String,
    pub(crate) prunes: bool,
    pub(crate) is_suspended: bool,
    /// The names of those that it waits for.
    needs: BTreeSet<String>,
    wave: i64,
}

/// The units of an environment, as they were and as they are.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    pub(crate) tool: Tool,
    before: BTreeMap<String, Unit>,
    after: BTreeMap<String, Unit>,
}

/// In which order two units are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The first is done before the second begins.
    First,
    /// The second is done before the first begins.
    Second,
    /// Either may be the first.
    Unknown,
}

impl Owners {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let mut owners = Self::default();
        let mask = Mask::default();
        for file in &scene.input.same {
            for object in appliers(&file.component, &file.path, &file.content, &mask) {
                owners.add(&object, true, true);
            }
        }
        for file in &scene.input.files {
            appliers(&file.component, &file.path, &file.before, &mask).iter().for_each(|object| owners.add(object, true, false));
            appliers(&file.component, &file.path, &file.after, &mask).iter().for_each(|object| owners.add(object, false, true));
        }
        owners
    }

    fn add(&mut self, object: &Object, before: bool, after: bool) {
        let Some((tool, dir, unit)) = unit(object) else { return };
        self.tool = tool;
        if before {
            self.before.insert(dir.clone(), unit.clone());
        }
        if after {
            self.after.insert(dir, unit);
        }
    }

    /// The unit of a directory as it is, else as it was.
    pub(crate) fn unit(&self, dir: &str) -> Option<&Unit> {
        self.after.get(dir).or_else(|| self.before.get(dir))
    }

    /// Whether a directory is still applied by a unit of its own.
    pub(crate) fn is_applied(&self, dir: &str) -> bool {
        self.after.contains_key(dir)
    }

    /// In which order two directories are applied.
    pub(crate) fn order(&self, one: &str, other: &str) -> Order {
        let (Some(first), Some(second)) = (self.after.get(one), self.after.get(other)) else { return Order::Unknown };
        match self.tool {
            Tool::Flux if self.needs(second, &first.name) => Order::First,
            Tool::Flux if self.needs(first, &second.name) => Order::Second,
            Tool::ArgoCd if first.wave < second.wave => Order::First,
            Tool::ArgoCd if first.wave > second.wave => Order::Second,
            _ => Order::Unknown,
        }
    }

    /// Whether a unit waits for another, also by way of others.
    fn needs(&self, unit: &Unit, wanted: &str) -> bool {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = unit.needs.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            if name == wanted {
                return true;
            }
            if seen.insert(name) {
                let next = self.after.values().filter(|unit| unit.name == name);
                open.extend(next.flat_map(|unit| unit.needs.iter().map(String::as_str)));
            }
        }
        false
    }
}

/// The objects of a file that apply directories.
fn appliers(component: &str, path: &str, content: &Arc<[u8]>, mask: &Mask) -> Vec<Object> {
    let names = |text: &[u8]| memchr::memmem::find(content, text).is_some();
    if !names(b"kustomize.toolkit.fluxcd.io") && !names(b"kind: Application") {
        return Vec::new();
    }
    let all = object::read(&component.into(), path, content).unwrap_or_default();
    let is_applier = |found: &&Found| is_applier(found.document.identity.group(), &found.document.identity.kind);
    all.iter().filter(is_applier).map(|found| Object::new(found, mask)).collect()
}

/// Whether objects of a kind apply others from a repository.
pub(super) fn is_applier(group: &str, kind: &str) -> bool {
    matches!((group, kind), ("kustomize.toolkit.fluxcd.io", "Kustomization") | ("argoproj.io", "Application"))
}

/// The last directory of the path that an object applies, and what it is told.
fn unit(object: &Object) -> Option<(Tool, String, Unit)> {
    let spec = object.root.get("spec")?;
    let name = object.identity.name.clone();
    let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().map(str::to_owned).filter(|name| !name.is_empty());
    if object.kind() == "Kustomization" {
        let needs = items(spec, "dependsOn").iter().filter_map(|need| text(need, "name")).map(str::to_owned).collect();
        let unit = Unit { name, prunes: is_true(spec, "prune"), is_suspended: is_true(spec, "suspend"), needs, wave: 0 };
        return Some((Tool::Flux, last(text(spec, "path")?)?, unit));
    }
    let automated = at(spec, &["syncPolicy", "automated"]);
    let wave = object.annotation("argocd.argoproj.io/sync-wave").and_then(|wave| wave.parse().ok()).unwrap_or_default();
    let prunes = automated.is_some_and(|automated| is_true(automated, "prune"));
    let dir = last(at(spec, &["source"]).and_then(|source| text(source, "path"))?)?;
    Some((Tool::ArgoCd, dir, Unit { name, prunes, is_suspended: false, needs: BTreeSet::new(), wave }))
}
