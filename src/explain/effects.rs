//! What values do, found out by giving them others: which lines of a template's output they are part of, and which are only there because of them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use hydrate_base::World;
use hydrate_gotmpl::trace::{Read, Segment, ValuePath};
use hydrate_helm::explain::{Executed, Explained, Instead, Release, Wanted, explain};

use super::layers::{Definition, Layers, merged};
use super::lines::{Fate, fates};

/// What one value does to what a template writes.
#[derive(Debug)]
pub(super) struct Effect<'l> {
    pub(super) path: ValuePath,
    /// The value, as JSON; nothing where it is not set.
    pub(super) value: Option<String>,
    /// Where it comes from; nothing where it is not set.
    pub(super) from: Option<Definition<'l>>,
    /// Where it is given as well, which does not count.
    pub(super) overridden: Vec<Definition<'l>>,
    /// The lines that hold something made of it, counted from zero.
    pub(super) content: BTreeSet<usize>,
    /// The lines that are not there with another value.
    pub(super) presence: BTreeSet<usize>,
}

/// What the values do to what a template writes.
#[derive(Debug, Default)]
pub(super) struct Effects<'l> {
    pub(super) all: Vec<Effect<'l>>,
    /// Values that were read and that the chart takes no other for: what they do cannot be told by trying.
    pub(super) untried: BTreeSet<ValuePath>,
}

/// Finds out what values do.
pub(super) struct Trial<'a, 'w> {
    pub(super) release: &'a Release,
    pub(super) explained: &'a Explained,
    pub(super) layers: &'a Layers,
    /// A world in which everything but the values is as it is each time.
    pub(super) world: &'w (dyn Fn() -> Box<dyn World> + Sync),
}

/// In the place of values that are not set: something of each kind.
const SOMETHING: [&str; 4] = ["\"hydrate\"", "true", "{\"hydrate\":\"hydrate\"}", "[\"hydrate\"]"];

impl<'a> Trial<'a, '_> {
    /// What values do to what a template writes; those that are not `wanted` are not tried.
    pub(super) fn effects(&self, template: &Executed, wanted: &(dyn Fn(&ValuePath) -> bool + Sync)) -> Effects<'a> {
        let mut candidates = self.candidates(template);
        candidates.retain(|path, _| wanted(path));
        if candidates.is_empty() {
            return Effects::default();
        }
        let alone = self.render(&self.release.options, &Instead::default(), &template.path, true);
        // What other templates have changed of the values is missing where they are not executed.
        let is_alone = alone.as_deref() == Some(template.bytes.as_slice());
        let tried: Vec<(ValuePath, Option<Effect<'a>>)> =
            candidates.into_par_iter().map(|(path, is_set)| (path.clone(), self.try_one(template, path, is_set, is_alone))).collect();
        let mut effects = Effects::default();
        for (path, effect) in tried {
            match effect {
                Some(effect) if !(effect.content.is_empty() && effect.presence.is_empty()) => effects.all.push(effect),
                Some(_) => {}
                None => {
                    effects.untried.insert(path);
                }
            }
        }
        effects
    }

    /// The values that may have to do with a template: those that were read while it was executed, and what switches its chart on; and whether they are set.
    fn candidates(&self, template: &Executed) -> BTreeMap<ValuePath, bool> {
        let mut all = BTreeMap::new();
        let values = merged(self.explained);
        let mut add_below = |path: &ValuePath| {
            for (leaf, _) in values.range::<ValuePath, _>(path..).take_while(|(leaf, _)| leaf.0.starts_with(&path.0)) {
                all.insert(leaf.clone(), true);
            }
        };
        for read in &template.trace.reads {
            match read {
                Read::Whole(path) | Read::Value(path) => add_below(path),
                Read::Missing(_) | Read::Builtin(_) => {}
            }
        }
        self.switches(template).iter().for_each(&mut add_below);
        for read in &template.trace.reads {
            if let Read::Missing(path) = read {
                all.entry(path.clone()).or_insert(false);
            }
        }
        all
    }

    /// The conditions of the charts that a template is in.
    fn switches(&self, template: &Executed) -> Vec<ValuePath> {
        let mut all = Vec::new();
        let mut chart = &self.release.chart;
        let mut prefix = ValuePath::default();
        for name in template.path.split("/charts/").skip(1).filter_map(|rest| rest.split('/').next()) {
            let required = chart.metadata.dependencies.iter().flatten().find(|required| required.alias == name || required.name == name);
            for condition in required.iter().flat_map(|required| required.condition.split(',')).filter(|condition| !condition.is_empty()) {
                let keys = condition.trim().split('.').map(|key| Segment::Key(key.to_owned()));
                all.push(ValuePath(prefix.0.iter().cloned().chain(keys).collect()));
            }
            let tags = required.iter().flat_map(|required| required.tags.iter().flatten());
            all.extend(tags.map(|tag| ValuePath::default().key("tags").key(tag.as_str())));
            let own = required.map_or(name, |required| required.name.as_str());
            let Some(inner) = chart.dependencies.iter().find(|inner| inner.name() == own) else { break };
            chart = inner;
            prefix = prefix.key(name);
        }
        all
    }

    /// `None` where no other value could be rendered.
    fn try_one(&self, template: &Executed, path: ValuePath, is_set: bool, is_alone: bool) -> Option<Effect<'a>> {
        let definitions = self.layers.definitions(&path);
        let value = merged(self.explained).get(&path).map(|value| (*value).to_owned());
        let mut effect = Effect { path, value, from: None, overridden: Vec::new(), content: BTreeSet::new(), presence: BTreeSet::new() };
        let mut could_be_tried = false;
        // A key that is set to nothing has a place all the same.
        let has_place = definitions.iter().any(|definition| !definition.variants().is_empty());
        if !has_place {
            effect.value = effect.value.filter(|_| is_set);
            for something in SOMETHING {
                let mut options = self.release.options.clone();
                options.values.json.push(format!("{}={something}", effect.path));
                let Some(other) = self.render(&options, &Instead::default(), &template.path, is_alone) else { continue };
                could_be_tried = true;
                if other != template.bytes {
                    note(&mut effect, &template.bytes, &other);
                    break;
                }
            }
            return could_be_tried.then_some(effect);
        }
        for (index, definition) in definitions.iter().enumerate() {
            for text in definition.variants() {
                let (options, instead) = definition.layer.instead(&self.release.options, text);
                let Some(other) = self.render(&options, &instead, &template.path, is_alone) else { continue };
                could_be_tried = true;
                if other == template.bytes {
                    continue;
                }
                note(&mut effect, &template.bytes, &other);
                if !effect.content.is_empty() {
                    break;
                }
            }
            if !(effect.content.is_empty() && effect.presence.is_empty()) {
                effect.from = Some(*definition);
                effect.overridden = definitions.get(index + 1..).unwrap_or_default().to_vec();
                break;
            }
        }
        could_be_tried.then_some(effect)
    }

    /// What a template writes; nothing where it cannot be rendered.
    fn render(&self, options: &hydrate_helm::RenderOptions, instead: &Instead, path: &str, is_alone: bool) -> Option<Vec<u8>> {
        let is_it = |other: &str| !is_alone || other == path;
        let wanted = Wanted { templates: &is_it, traces: false };
        let world = (self.world)();
        let explained = explain(&self.release.chart, options, &*world, instead, wanted).ok()?;
        // Of a chart that is switched off nothing is executed.
        Some(explained.templates.into_iter().find(|other| other.path == path).map_or_else(Vec::new, |executed| executed.bytes))
    }
}

fn note(effect: &mut Effect<'_>, before: &[u8], after: &[u8]) {
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    for (line, fate) in fates(&before, &after).into_iter().enumerate() {
        match fate {
            Fate::Same => {}
            Fate::Changed => {
                effect.content.insert(line);
            }
            Fate::Gone => {
                effect.presence.insert(line);
            }
        }
    }
    effect.presence.retain(|line| !effect.content.contains(line));
}
