//! Which object on one side is which on the other: by identity, by API versions that moved to another group, by names that follow from content, and by likeness.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use hydrate_kubernetes::is_builtin_group;
use hydrate_source::Identity;

use crate::object::Found;

/// How the two sides of a pair belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// It is the same object.
    Same,
    /// It is the same object, in another API group that Kubernetes serves it from.
    Migrated,
    /// The name follows from the content: the old object goes and a new one comes, and what refers to it follows.
    Hashed,
    /// The old object goes and a new one comes that is much like it.
    Renamed,
}

impl Kinship {
    /// Whether both sides are one object of the cluster.
    pub fn is_one_object(self) -> bool {
        matches!(self, Self::Same | Self::Migrated)
    }
}

/// An object on both sides, by their numbers there; or on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pairing {
    pub(crate) before: Option<usize>,
    pub(crate) after: Option<usize>,
    pub(crate) kinship: Kinship,
}

/// Pairs the objects of two sides. In the order of the new side; what is gone comes last.
pub(crate) fn pair(before: &[&Found], after: &[&Found]) -> Vec<Pairing> {
    let mut sides = Sides { before, after, partner: vec![None; after.len()], taken: vec![false; before.len()] };
    sides.by_identity();
    sides.by_key(Kinship::Migrated, true, |identity| {
        is_builtin_group(identity.group()).then(|| (identity.kind.clone(), identity.namespace.clone(), identity.name.clone()))
    });
    sides.by_key(Kinship::Hashed, false, |identity| {
        let is_hashed = identity.group().is_empty() && matches!(identity.kind.as_str(), "ConfigMap" | "Secret");
        let stem = is_hashed.then(|| stem(&identity.name)).flatten()?;
        Some((identity.kind.clone(), identity.namespace.clone(), stem.to_owned()))
    });
    sides.by_likeness();
    sides.all()
}

struct Sides<'f> {
    before: &'f [&'f Found],
    after: &'f [&'f Found],
    partner: Vec<Option<(usize, Kinship)>>,
    taken: Vec<bool>,
}

impl Sides<'_> {
    fn take(&mut self, before: usize, after: usize, kinship: Kinship) {
        if let (Some(taken), Some(partner)) = (self.taken.get_mut(before), self.partner.get_mut(after))
            && !*taken
            && partner.is_none()
        {
            *taken = true;
            *partner = Some((before, kinship));
        }
    }

    fn free_before(&self) -> Vec<usize> {
        (0..self.before.len()).filter(|at| self.taken.get(*at) == Some(&false)).collect()
    }

    fn free_after(&self) -> Vec<usize> {
        (0..self.after.len()).filter(|at| self.partner.get(*at) == Some(&None)).collect()
    }

    /// The same object. Where several components have it, those of one component belong together.
    fn by_identity(&mut self) {
        let mut known: BTreeMap<(&str, &str, &str, &str), Vec<usize>> = BTreeMap::new();
        for (at, found) in self.before.iter().enumerate() {
            known.entry(key(&found.document.identity)).or_default().push(at);
        }
        for at_home in [true, false] {
            for at in self.free_after() {
                let Some(found) = self.after.get(at) else { continue };
                let Some(candidates) = known.get(&key(&found.document.identity)) else { continue };
                let is_free = |other: &&usize| {
                    self.taken.get(**other) == Some(&false)
                        && (!at_home || self.before.get(**other).is_some_and(|other| other.component == found.component))
                };
                if let Some(other) = candidates.iter().find(is_free).copied() {
                    self.take(other, at, Kinship::Same);
                }
            }
        }
    }

    /// Objects that are the only ones with a key on both sides; with `several`, also where there are more, in order.
    fn by_key<K: Ord>(&mut self, kinship: Kinship, several: bool, key: impl Fn(&Identity) -> Option<K>) {
        let mut known: BTreeMap<K, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for at in self.free_before() {
            if let Some(key) = self.before.get(at).and_then(|found| key(&found.document.identity)) {
                known.entry(key).or_default().0.push(at);
            }
        }
        for at in self.free_after() {
            if let Some(key) = self.after.get(at).and_then(|found| key(&found.document.identity)) {
                known.entry(key).or_default().1.push(at);
            }
        }
        for (olds, news) in known.into_values() {
            if several || olds.len() == 1 && news.len() == 1 {
                olds.into_iter().zip(news).for_each(|(old, new)| self.take(old, new, kinship));
            }
        }
    }

    /// Objects of a kind that have most of their lines in common.
    fn by_likeness(&mut self) {
        let mut kinds: BTreeMap<(&str, &str), (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        let (before, after) = (self.before, self.after);
        for at in self.free_before() {
            if let Some(found) = before.get(at) {
                kinds.entry(kind(found)).or_default().0.push(at);
            }
        }
        for at in self.free_after() {
            if let Some(found) = after.get(at) {
                kinds.entry(kind(found)).or_default().1.push(at);
            }
        }
        for (olds, news) in kinds.into_values().filter(|(olds, news)| !olds.is_empty() && !news.is_empty()) {
            let features = |found: Option<&&Found>| found.map(|found| features(found)).unwrap_or_default();
            let old_features: Vec<BTreeSet<u64>> = olds.iter().map(|at| features(before.get(*at))).collect();
            let new_features: Vec<BTreeSet<u64>> = news.iter().map(|at| features(after.get(*at))).collect();
            for (old, new) in alike(&old_features, &new_features) {
                if let (Some(old), Some(new)) = (olds.get(old), news.get(new)) {
                    self.take(*old, *new, Kinship::Renamed);
                }
            }
        }
    }

    fn all(self) -> Vec<Pairing> {
        let of_after = |(at, partner): (usize, &Option<(usize, Kinship)>)| Pairing {
            before: partner.map(|(before, _)| before),
            after: Some(at),
            kinship: partner.map_or(Kinship::Same, |(_, kinship)| kinship),
        };
        let gone = self.free_before().into_iter().map(|at| Pairing { before: Some(at), after: None, kinship: Kinship::Same });
        self.partner.iter().enumerate().map(of_after).chain(gone).collect()
    }
}

fn key(identity: &Identity) -> (&str, &str, &str, &str) {
    (identity.group(), &identity.kind, &identity.namespace, &identity.name)
}

fn kind(found: &Found) -> (&str, &str) {
    (found.document.identity.group(), &found.document.identity.kind)
}

/// The name without the hash that kustomize has put behind it.
fn stem(name: &str) -> Option<&str> {
    let (stem, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == 10 && hash.bytes().all(|byte| b"2456789bcdfghkmt".contains(&byte));
    (is_hash && !stem.is_empty()).then_some(stem)
}

/// Features that more objects of a side have say little of which is which.
const COMMON: usize = 12;

/// How many candidates are looked at closely for an object.
const CLOSEST: usize = 4;

/// How many of hundred features two objects have to have in common.
const ALIKE: usize = 60;

/// More lines of an object are not looked at.
const LINES: usize = 2_000;

/// Digests of an object's lines, and of the words of its name.
fn features(found: &Found) -> BTreeSet<u64> {
    let hashed = |kind: u8, text: &str| {
        let mut hasher = DefaultHasher::new();
        (kind, text).hash(&mut hasher);
        hasher.finish()
    };
    let name = found.document.identity.name.as_str();
    // What all objects have says nothing.
    const COMMONPLACE: &[&str] =
        &["#", "apiVersion:", "kind:", "namespace:", "helm.sh/", "app.kubernetes.io/managed-by:", "app.kubernetes.io/version:"];
    let says_nothing = |line: &str| line.is_empty() || line.ends_with(':') || COMMONPLACE.iter().any(|start| line.starts_with(start));
    let lines = found.document.text.lines().take(LINES).map(str::trim).filter(|line| !says_nothing(line));
    lines.map(|line| hashed(0, line)).chain(name.split(['-', '.', ':']).map(|word| hashed(1, word))).collect()
}

/// Pairs of which each is the most alike that is left. What is compared is bounded: objects meet by features that few have.
fn alike(old: &[BTreeSet<u64>], new: &[BTreeSet<u64>]) -> Vec<(usize, usize)> {
    let mut having: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, features) in old.iter().enumerate() {
        for feature in features {
            let all = having.entry(*feature).or_default();
            if all.len() <= COMMON {
                all.push(at);
            }
        }
    }
    let mut scores: Vec<(usize, usize, usize)> = Vec::new();
    for (at, features) in new.iter().enumerate() {
        let mut met: BTreeMap<usize, usize> = BTreeMap::new();
        for candidates in features.iter().filter_map(|feature| having.get(feature)).filter(|all| all.len() <= COMMON) {
            candidates.iter().for_each(|candidate| *met.entry(*candidate).or_default() += 1);
        }
        let mut closest: Vec<(usize, usize)> = met.into_iter().map(|(candidate, count)| (count, candidate)).collect();
        closest.sort_by(|one, other| (other.0, one.1).cmp(&(one.0, other.1)));
        for (_, candidate) in closest.into_iter().take(CLOSEST) {
            let Some(other) = old.get(candidate) else { continue };
            let percent = features.intersection(other).count() * 200 / (features.len() + other.len()).max(1);
            if percent >= ALIKE {
                scores.push((percent, candidate, at));
            }
        }
    }
    scores.sort_by(|one, other| (other.0, one.1, one.2).cmp(&(one.0, other.1, other.2)));
    let (mut olds, mut news) = (BTreeSet::new(), BTreeSet::new());
    scores.retain(|(_, old, new)| !olds.contains(old) && !news.contains(new) && olds.insert(*old) && news.insert(*new));
    scores.into_iter().map(|(_, old, new)| (old, new)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_known_by_their_letters() {
        assert_eq!(stem("app-k5g4f8t9tb"), Some("app"));
        assert_eq!(stem("app-configuration"), None);
        assert_eq!(stem("app-k5g4f8t9t"), None);
        assert_eq!(stem("-k5g4f8t9tb"), None);
    }
}
