//! Lists: their items are paired by the keys that the API has for them, by what looks like a key, or by where they are alike.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use ecow::EcoString;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use hydrate_yaml::node::{Data, Node};
use hydrate_yaml::resolve::Scalar;

use super::{ChangeKind, Walk};
use crate::mask;
use crate::path::Step;
use crate::schema::{ListKind, Schema};
use crate::value::{same, scalar};

/// Keys that tell items apart in lists of which nothing is known, where every item has them and no two have the same.
const NATURAL: &[&[&str]] = &[
    &["name"],
    &["kind", "namespace", "name"],
    &["kind", "name"],
    &["key"],
    &["id"],
    &["alert"],
    &["record"],
    &["host"],
    &["path"],
    &["ip"],
    &["mountPath"],
    &["title"],
    &["type"],
];

/// Lists of Kubernetes whose items have keys and whose order says something all the same: variables refer to those before them, and init containers run one
/// after another.
const ORDERED: &[&str] = &["env", "initContainers"];

/// Beyond so many pairs of items that may be alike, the first is compared with the first and so on.
const MANY_PAIRS: usize = 4_000_000;

/// The same for items that were replaced by others, which are compared one with another.
const MANY_SIMILAR: usize = 1_024;

type Label = Vec<(EcoString, EcoString)>;

impl Walk {
    pub(super) fn list(&mut self, schema: Schema<'_>, old: &[Node], new: &[Node]) {
        // Most lists stay as they are, and that is quickly seen.
        if old.len() == new.len() && old.iter().zip(new).all(|(one, other)| same(one, other)) {
            return;
        }
        let (kind, item) = schema.list();
        let is_ordered = |key: &str| ORDERED.contains(&key);
        match kind {
            ListKind::Keyed(keys) => {
                if let (Some(olds), Some(news)) = (labels(old, &keys, item), labels(new, &keys, item)) {
                    let ordered = matches!(item, Schema::Type(..)) && is_ordered(&self.key);
                    return self.keyed(item, (old, &olds), (new, &news), ordered);
                }
            }
            ListKind::Set => {
                if let (Some(olds), Some(news)) = (members(old), members(new)) {
                    return self.set((old, &olds), (new, &news));
                }
            }
            ListKind::Atomic => {}
        }
        if !old.is_empty() && !new.is_empty() {
            let natural = |keys: &&[&str]| Some((strict_labels(old, keys)?, strict_labels(new, keys)?));
            if let Some((olds, news)) = NATURAL.iter().find_map(natural) {
                return self.keyed(item, (old, &olds), (new, &news), true);
            }
        }
        self.aligned(item, old, new);
    }

    /// Items by their keys.
    fn keyed(&mut self, item: Schema<'_>, old: (&[Node], &[Label]), new: (&[Node], &[Label]), ordered: bool) {
        let news: BTreeMap<&Label, &Node> = new.1.iter().zip(new.0).collect();
        let olds: BTreeSet<&Label> = old.1.iter().collect();
        let key = std::mem::take(&mut self.key);
        for (label, before) in old.1.iter().zip(old.0) {
            self.at(Step::Item(label.clone()), |walk| match news.get(label) {
                Some(after) => walk.value(item, before, after),
                None => walk.emit(ChangeKind::Removed, Some(before), None),
            });
        }
        for (label, after) in new.1.iter().zip(new.0).filter(|(label, _)| !olds.contains(label)) {
            self.at(Step::Item(label.clone()), |walk| walk.emit(ChangeKind::Added, None, Some(after)));
        }
        self.key = key;
        let common = |all: &[Label], other: &dyn Fn(&Label) -> bool| all.iter().filter(|label| other(label)).cloned().collect::<Vec<_>>();
        if ordered {
            let before = common(old.1, &|label| news.contains_key(label));
            let after = common(new.1, &|label| olds.contains(label));
            if before != after {
                self.emit(ChangeKind::Reordered, Some(&names(&before)), Some(&names(&after)));
            }
        }
    }

    /// Items that are themselves, in whatever order.
    fn set(&mut self, old: (&[Node], &[EcoString]), new: (&[Node], &[EcoString])) {
        let olds: BTreeSet<&EcoString> = old.1.iter().collect();
        let news: BTreeSet<&EcoString> = new.1.iter().collect();
        for (member, node) in old.1.iter().zip(old.0).filter(|(member, _)| !news.contains(member)) {
            self.at(Step::Member(member.clone()), |walk| walk.emit(ChangeKind::Removed, Some(node), None));
        }
        for (member, node) in new.1.iter().zip(new.0).filter(|(member, _)| !olds.contains(member)) {
            self.at(Step::Member(member.clone()), |walk| walk.emit(ChangeKind::Added, None, Some(node)));
        }
    }

    /// Items by where they are alike: what stays in order is the same item, and what stands in the place of others is compared with them.
    fn aligned(&mut self, item: Schema<'_>, old: &[Node], new: &[Node]) {
        let olds: Vec<u64> = old.iter().map(digest).collect();
        let news: Vec<u64> = new.iter().map(digest).collect();
        let start = olds.iter().zip(&news).take_while(|(one, other)| one == other).count();
        let most = olds.len().min(news.len()) - start;
        let end = olds.iter().rev().zip(news.iter().rev()).take(most).take_while(|(one, other)| one == other).count();
        let (from, to) = (start..olds.len() - end, start..news.len() - end);
        let (olds, news) = (olds.get(from.clone()).unwrap_or_default(), news.get(to.clone()).unwrap_or_default());
        if olds.len().saturating_mul(news.len()) > MANY_PAIRS {
            return self.replaced(item, (old, from), (new, to));
        }
        for op in capture_diff_slices(Algorithm::Myers, olds, news) {
            if !matches!(op, DiffOp::Equal { .. }) {
                let shift = |range: std::ops::Range<usize>, by: usize| range.start + by..range.end + by;
                self.replaced(item, (old, shift(op.old_range(), from.start)), (new, shift(op.new_range(), to.start)));
            }
        }
    }

    /// Some items in the place of others.
    fn replaced(&mut self, item: Schema<'_>, old: (&[Node], std::ops::Range<usize>), new: (&[Node], std::ops::Range<usize>)) {
        let (olds, news) = (old.0.get(old.1.clone()).unwrap_or_default(), new.0.get(new.1.clone()).unwrap_or_default());
        let partners = partners(olds, news);
        let key = std::mem::take(&mut self.key);
        let taken: BTreeSet<usize> = partners.iter().flatten().copied().collect();
        for (number, (before, partner)) in olds.iter().zip(&partners).enumerate() {
            match partner.and_then(|at| Some((at, news.get(at)?))) {
                Some((at, after)) => self.at(Step::Index(new.1.start + at), |walk| walk.value(item, before, after)),
                None => self.at(Step::Index(old.1.start + number), |walk| walk.emit(ChangeKind::Removed, Some(before), None)),
            }
        }
        for (number, after) in news.iter().enumerate().filter(|(number, _)| !taken.contains(number)) {
            self.at(Step::Index(new.1.start + number), |walk| walk.emit(ChangeKind::Added, None, Some(after)));
        }
        self.key = key;
    }
}

/// For each old item the new one that it is compared with: those that are most alike, in order where there are many.
fn partners(old: &[Node], new: &[Node]) -> Vec<Option<usize>> {
    let in_order = || (0..old.len()).map(|at| Some(at).filter(|at| *at < new.len())).collect();
    let are_collections = old.iter().chain(new).all(|node| node.as_str().is_none());
    if old.len() == new.len() && (old.len() == 1 || !are_collections) || old.len() * new.len() > MANY_SIMILAR {
        return in_order();
    }
    if !are_collections {
        return vec![None; old.len()];
    }
    let all = |nodes: &[Node]| nodes.iter().map(leaves).collect::<Vec<_>>();
    let (olds, news) = (all(old), all(new));
    let mut scores: Vec<(usize, usize, usize)> = Vec::new();
    for (at, one) in olds.iter().enumerate() {
        for (other_at, other) in news.iter().enumerate() {
            let common = one.intersection(other).count();
            let percent = common * 200 / (one.len() + other.len()).max(1);
            if percent >= 30 {
                scores.push((percent, at, other_at));
            }
        }
    }
    scores.sort_by(|one, other| (other.0, one.1, one.2).cmp(&(one.0, other.1, other.2)));
    let mut partners = vec![None; old.len()];
    let mut taken = BTreeSet::new();
    for (_, at, other) in scores {
        if let Some(partner) = partners.get_mut(at).filter(|partner| partner.is_none())
            && taken.insert(other)
        {
            *partner = Some(other);
        }
    }
    partners
}

/// Digests of the values in a tree, each with its key.
fn leaves(node: &Node) -> BTreeSet<u64> {
    fn collect(node: &Node, way: u64, all: &mut BTreeSet<u64>) {
        match &node.data {
            Data::Mapping(entries) => entries.iter().for_each(|(key, value)| collect(value, mixed(way, digest(key)), all)),
            Data::Sequence(items) => items.iter().for_each(|item| collect(item, way, all)),
            _ => {
                all.insert(mixed(way, digest(node)));
            }
        }
    }
    let mut all = BTreeSet::new();
    collect(node, 0, &mut all);
    all
}

/// A digest of what a tree says, whatever the order of keys in mappings.
pub(crate) fn digest(node: &Node) -> u64 {
    match &node.data {
        Data::Mapping(entries) => {
            let all = entries.iter().map(|(key, value)| mixed(digest(key), digest(value)));
            mixed(1, all.fold(0, u64::wrapping_add))
        }
        Data::Sequence(items) => items.iter().fold(2, |all, item| mixed(all, digest(item))),
        Data::Alias(name) => hashed(name.as_str()),
        Data::Scalar(text) => match scalar(node) {
            _ if mask::word(node).is_some() => hashed(("hidden", text.as_str())),
            // A number for each type: `false`, `0` and null are not the same.
            Scalar::Null => hashed(0_u8),
            Scalar::Bool(value) => hashed((1_u8, value)),
            Scalar::Int(value) => hashed((2_u8, value)),
            Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => hashed((2_u8, value as i64)),
            Scalar::Str(text) => hashed((3_u8, text.as_ref())),
            Scalar::Timestamp(text) => hashed((3_u8, text)),
            Scalar::Uint(_) | Scalar::Float(_) | Scalar::Merge => hashed((4_u8, text.as_str())),
        },
    }
}

/// The standard library's hash with its fixed keys: the same in every run.
fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn mixed(one: u64, other: u64) -> u64 {
    hashed((one, other))
}

/// What items are called by their keys, with defaults for those that are left out; `None` where that does not tell them apart.
fn labels(items: &[Node], keys: &[&str], item: Schema<'_>) -> Option<Vec<Label>> {
    let value = |node: &Node, key: &str| node.get(key).and_then(Node::as_str).or_else(|| item.default(key)).map(EcoString::from);
    let label = |node: &Node| {
        node.entries()?;
        let label: Label = keys.iter().map(|key| ((*key).into(), value(node, key).unwrap_or_default())).collect();
        label.iter().any(|(_, value)| !value.is_empty()).then_some(label)
    };
    distinct(items.iter().map(label).collect::<Option<_>>()?)
}

/// The same where every key has to be there.
fn strict_labels(items: &[Node], keys: &[&str]) -> Option<Vec<Label>> {
    let part = |node: &Node, key: &str| Some((key.into(), EcoString::from(node.get(key)?.as_str()?)));
    let label = |node: &Node| keys.iter().map(|key| part(node, key)).collect::<Option<Label>>();
    distinct(items.iter().map(label).collect::<Option<_>>()?)
}

/// The members of a set of scalars.
fn members(items: &[Node]) -> Option<Vec<EcoString>> {
    let member = |node: &Node| node.as_str().filter(|_| mask::word(node).is_none()).map(EcoString::from);
    distinct(items.iter().map(member).collect::<Option<_>>()?)
}

fn distinct<T: Ord>(all: Vec<T>) -> Option<Vec<T>> {
    let count = all.iter().collect::<BTreeSet<_>>().len();
    (count == all.len()).then_some(all)
}

/// What items are called, as a list.
fn names(labels: &[Label]) -> Node {
    let name = |label: &Label| label.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("/");
    Node::sequence(labels.iter().map(|label| Node::string(name(label))).collect())
}
