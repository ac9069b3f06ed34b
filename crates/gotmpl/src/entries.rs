//! The entries of a Go map, sorted by the bytes of their keys.

use std::collections::{BTreeMap, btree_map};

use super::string::{Str, prefix};
use super::value::Value;

/// A map with more entries than this becomes a tree when one is put between the others.
const FEW: usize = 256;

/// Up to so many entries are looked through one by one.
const SHORT: usize = 12;

/// The entries of a map. Nearly all maps are small, are built once and read often, which a sorted list serves best; one that
/// grows large entry by entry becomes a tree, so that no order of insertion is slow.
#[derive(Clone)]
pub struct Entries(Repr);

#[derive(Clone)]
enum Repr {
    Few(Vec<(Str, Value)>),
    Many(BTreeMap<Str, Value>),
}

impl Default for Entries {
    fn default() -> Self {
        Self(Repr::Few(Vec::new()))
    }
}

impl Entries {
    /// The number of entries.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Few(list) => list.len(),
            Repr::Many(tree) => tree.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        match &self.0 {
            Repr::Few(list) if list.len() <= SHORT => {
                let first = prefix(key);
                list.iter().find(|(known, _)| known.prefix() == first && known.as_bytes() == key).map(|(_, value)| value)
            }
            Repr::Few(list) => list.get(place(list, key).ok()?).map(|(_, value)| value),
            Repr::Many(tree) => tree.get(key),
        }
    }

    /// Whether there is an entry of a key.
    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Sets an entry.
    pub fn insert(&mut self, key: Str, value: Value) {
        match &mut self.0 {
            Repr::Few(list) => match place(list, key.as_bytes()) {
                Ok(at) => {
                    if let Some((_, old)) = list.get_mut(at) {
                        *old = value;
                    }
                }
                Err(at) if at < list.len() && list.len() >= FEW => {
                    let mut tree: BTreeMap<_, _> = std::mem::take(list).into_iter().collect();
                    tree.insert(key, value);
                    self.0 = Repr::Many(tree);
                }
                Err(at) => list.insert(at, (key, value)),
            },
            Repr::Many(tree) => drop(tree.insert(key, value)),
        }
    }

    /// Removes an entry and gives its value.
    pub fn remove(&mut self, key: &[u8]) -> Option<Value> {
        match &mut self.0 {
            Repr::Few(list) => place(list, key).ok().map(|at| list.remove(at).1),
            Repr::Many(tree) => tree.remove(key),
        }
    }

    /// Keeps the entries for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Str, &Value) -> bool) {
        match &mut self.0 {
            Repr::Few(list) => list.retain(|(key, value)| keep(key, value)),
            Repr::Many(tree) => tree.retain(|key, value| keep(key, value)),
        }
    }

    /// The same keys with other values.
    #[must_use]
    pub fn map_values(&self, mut value: impl FnMut(&Value) -> Value) -> Self {
        Self(match &self.0 {
            Repr::Few(list) => Repr::Few(list.iter().map(|(key, old)| (key.clone(), value(old))).collect()),
            Repr::Many(tree) => Repr::Many(tree.iter().map(|(key, old)| (key.clone(), value(old))).collect()),
        })
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Repr::Few(list) => Iter::Few(list.iter()),
            Repr::Many(tree) => Iter::Many(tree.iter()),
        }
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &Str> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }
}

fn place(list: &[(Str, Value)], key: &[u8]) -> Result<usize, usize> {
    // Entries often come in the order of their keys.
    if list.last().is_none_or(|(last, _)| last.as_bytes() < key) {
        return Err(list.len());
    }
    let first = prefix(key);
    list.binary_search_by(|(known, _)| known.prefix().cmp(&first).then_with(|| known.as_bytes().cmp(key)))
}

/// Of entries with the same key the last one counts.
impl FromIterator<(Str, Value)> for Entries {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Self {
        let mut list: Vec<_> = entries.into_iter().collect();
        if !list.is_sorted_by(|(a, _), (b, _)| a < b) {
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
            list.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Self(Repr::Few(list))
    }
}

impl IntoIterator for Entries {
    type Item = (Str, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        match self.0 {
            Repr::Few(list) => IntoIter::Few(list.into_iter()),
            Repr::Many(tree) => IntoIter::Many(tree.into_iter()),
        }
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = (&'a Str, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Borrowed entries in the order of their keys.
pub enum Iter<'a> {
    /// Of a list.
    Few(std::slice::Iter<'a, (Str, Value)>),
    /// Of a tree.
    Many(btree_map::Iter<'a, Str, Value>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(list) => list.next().map(|(key, value)| (key, value)),
            Self::Many(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(list) => list.size_hint(),
            Self::Many(tree) => tree.size_hint(),
        }
    }
}

/// Owned entries in the order of their keys.
pub enum IntoIter {
    /// Of a list.
    Few(std::vec::IntoIter<(Str, Value)>),
    /// Of a tree.
    Many(btree_map::IntoIter<Str, Value>),
}

impl Iterator for IntoIter {
    type Item = (Str, Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(list) => list.next(),
            Self::Many(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(list) => list.size_hint(),
            Self::Many(tree) => tree.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &Entries) -> Vec<(String, i64)> {
        let number = |value: &Value| if let Value::Int(number) = value { *number } else { -1 };
        entries.iter().map(|(key, value)| (key.to_str_lossy().into_owned(), number(value))).collect()
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let entries: Entries =
            [("b", 1), ("a", 2), ("b", 3), ("b", 4)].map(|(key, number)| (key.into(), Value::Int(number))).into_iter().collect();
        assert_eq!(shown(&entries), [("a".to_owned(), 2), ("b".to_owned(), 4)]);
    }

    #[test]
    fn lists_and_trees_are_the_same_map() {
        let mut entries = Entries::default();
        let mut model = BTreeMap::new();
        for step in 0..4_000_i64 {
            let key = format!("k{}", (step * 7919) % 1013);
            if step % 3 == 2 {
                assert_eq!(entries.remove(key.as_bytes()).is_some(), model.remove(&key).is_some());
            } else {
                entries.insert(key.as_str().into(), Value::Int(step));
                model.insert(key, step);
            }
        }
        assert_eq!(entries.len(), model.len());
        assert_eq!(shown(&entries), model.clone().into_iter().collect::<Vec<_>>());
        assert!(model.keys().all(|key| entries.contains_key(key.as_bytes())) && !entries.contains_key(b"k"));
        entries.retain(|key, _| key.as_bytes() == b"k1");
        assert!(entries.len() <= 1);
    }
}
