//! The graph of units: what is applied after what.
//!
//! Namespaces and CRDs are units of their own, before everything else: an object cannot be applied before its namespace or its kind is there, and
//! neither tool puts that in order across units by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{CRDS, Files, KUSTOMIZATION, NAMESPACES};

/// A component as the graph sees it.
#[derive(Debug, Clone, Default)]
pub struct UnitInput {
    /// Its name.
    pub name: String,
    /// The components that it needs, as its file says.
    pub needs: Vec<String>,
    /// The namespace of objects that do not say theirs.
    pub namespace: Option<String>,
}

/// What the directory of a unit holds, as far as its application depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Whether an object is too large for the annotation in which client-side apply remembers it.
    pub large: bool,
}

/// One directory of `manifests/<env>/`, applied as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// The directory's name: a component, or one of the two that come first.
    pub name: String,
    /// The units that it comes after, sorted; the two that come first are among them.
    pub needs: Vec<String>,
    /// How many units have to be applied one after another before it.
    pub wave: usize,
    /// The namespace of objects that do not say theirs.
    pub namespace: Option<String>,
    /// What its directory holds.
    pub facts: Facts,
}

impl Unit {
    /// Whether it is one of the two that come before all components.
    pub fn is_foundation(&self) -> bool {
        is_foundation(&self.name)
    }

    /// What has to be said where it is handed over.
    pub fn remarks(&self) -> &'static [&'static str] {
        if self.is_foundation() {
            &["Never pruned: with a namespace or a CRD goes everything that is in it. Delete those by hand."]
        } else {
            &[]
        }
    }

    /// The needs without those that another need has already: what a drawing has to show.
    pub fn drawn_needs(&self) -> Vec<&str> {
        let needs = || self.needs.iter().map(String::as_str);
        if needs().all(is_foundation) { needs().collect() } else { needs().filter(|need| !is_foundation(need)).collect() }
    }
}

fn is_foundation(name: &str) -> bool {
    name == NAMESPACES || name == CRDS
}

/// The units, each after what it needs. `parts` come in such an order (a need that stands later is left out); `facts` has the directories that have
/// something in them. What needs a component that renders nothing comes after that one's own needs.
pub fn units(parts: &[UnitInput], facts: &BTreeMap<String, Facts>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for name in [CRDS, NAMESPACES] {
        units.extend(facts.get(name).map(|facts| Unit { name: name.to_owned(), facts: *facts, ..Unit::default() }));
    }
    let foundations: BTreeSet<String> = units.iter().map(|unit| unit.name.clone()).collect();
    let mut waves: BTreeMap<String, usize> = BTreeMap::new();
    let mut stands_for: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for part in parts {
        let needs = part.needs.iter().filter_map(|need| stands_for.get(need.as_str()));
        let needs: BTreeSet<String> = needs.flatten().cloned().collect();
        let Some(facts) = facts.get(&part.name) else {
            stands_for.insert(&part.name, needs);
            continue;
        };
        let wave = needs.iter().filter_map(|need| waves.get(need)).max().map_or(1, |wave| wave + 1);
        waves.insert(part.name.clone(), wave);
        stands_for.insert(&part.name, BTreeSet::from([part.name.clone()]));
        units.push(Unit {
            name: part.name.clone(),
            needs: foundations.iter().cloned().chain(needs).collect(),
            wave,
            namespace: part.namespace.clone(),
            facts: *facts,
        });
    }
    units
}

/// What is in the files of a directory; `None` for no files.
pub fn facts(files: &Files) -> Option<Facts> {
    let objects = || files.iter().filter(|(name, _)| *name != KUSTOMIZATION).map(|(_, bytes)| bytes);
    (!files.is_empty()).then(|| Facts { large: objects().any(|bytes| is_large(bytes)) })
}

/// The annotation is the object as JSON and all annotations together may have 262,144 bytes. As JSON a text may grow (quotes and line breaks get a
/// backslash), so half of that already counts.
pub const LARGE: usize = 131_072;

/// Whether an object of a file is large.
pub fn is_large(bytes: &[u8]) -> bool {
    bytes.len() >= LARGE
        && match std::str::from_utf8(bytes) {
            Ok(text) => hydrate_source::split(text).iter().any(|piece| piece.text.len() >= LARGE),
            Err(_) => true,
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(name: &str, needs: &[&str]) -> UnitInput {
        UnitInput { name: name.to_owned(), needs: needs.iter().map(|need| (*need).to_owned()).collect(), namespace: None }
    }

    fn with(names: &[&str]) -> BTreeMap<String, Facts> {
        names.iter().map(|name| ((*name).to_owned(), Facts::default())).collect()
    }

    #[test]
    fn foundations_come_first_and_what_renders_nothing_is_passed_through() {
        let parts = [part("net", &[]), part("empty", &["net", "missing"]), part("app", &["empty"]), part("other", &[])];
        let found = units(&parts, &with(&[NAMESPACES, CRDS, "net", "app", "other"]));
        let shown: Vec<String> = found.iter().map(|unit| format!("{} {} {}", unit.wave, unit.name, unit.needs.join(","))).collect();
        assert_eq!(
            shown,
            [
                "0 00-crds ",
                "0 00-namespaces ",
                "1 net 00-crds,00-namespaces",
                "2 app 00-crds,00-namespaces,net",
                "1 other 00-crds,00-namespaces"
            ]
        );
        assert_eq!(found[3].drawn_needs(), ["net"]);
        assert_eq!(found[4].drawn_needs(), ["00-crds", "00-namespaces"]);
    }

    #[test]
    fn one_large_object_counts_and_many_small_ones_do_not() {
        let small = "a: 1\n---\n".repeat(LARGE / 4);
        assert!(!is_large(small.as_bytes()));
        assert!(is_large(format!("{small}a: {}\n", "x".repeat(LARGE)).as_bytes()));
    }

    proptest! {
        /// Needs only ever point back, so any numbers make a graph without cycles.
        #[test]
        fn everything_comes_after_what_it_needs(edges in prop::collection::vec((0usize..20, 0usize..20), 0..60), empty in prop::collection::btree_set(0usize..20, 0..8)) {
            let name = |index: usize| format!("c{index:02}");
            let needs = |index: usize| edges.iter().filter(move |(from, to)| *from == index && to < from).map(|(_, to)| *to);
            let parts: Vec<UnitInput> = (0..20).map(|index| UnitInput { name: name(index), needs: needs(index).map(name).collect(), namespace: None }).collect();
            let mut facts = with(&[NAMESPACES, CRDS]);
            facts.extend((0..20).filter(|index| !empty.contains(index)).map(|index| (name(index), Facts::default())));
            let found = units(&parts, &facts);
            let wave: BTreeMap<&str, usize> = found.iter().map(|unit| (unit.name.as_str(), unit.wave)).collect();
            // What a component reaches by its needs, whether those render something or not.
            for index in 0..20 {
                let mut open = vec![index];
                while let Some(at) = open.pop() {
                    for need in needs(at) {
                        if let (Some(before), Some(after)) = (wave.get(name(need).as_str()), wave.get(name(index).as_str())) {
                            prop_assert!(before < after, "{} is not before {}", name(need), name(index));
                        }
                        open.push(need);
                    }
                }
            }
            for (at, unit) in found.iter().enumerate() {
                for need in &unit.needs {
                    prop_assert!(found[..at].iter().any(|before| before.name == *need && before.wave < unit.wave), "{need} does not come before {}", unit.name);
                }
                prop_assert_eq!(unit.is_foundation(), unit.wave == 0);
                prop_assert_eq!(unit.needs.len() >= 2, !unit.is_foundation());
            }
        }
    }
}
