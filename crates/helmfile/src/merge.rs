//! Values merged as helmfile merges them.
//!
//! Follows `pkg/maputil/maputil.go` of 1.7 and 0.166, and `dario.cat/mergo` 1.0 with `WithOverride`.

use hydrate_gotmpl::{List, Map, Value};

use crate::{Version, record};

/// What becomes of two lists at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lists {
    /// The second one counts, but one with nulls in it is laid over the first element by element.
    Sparse,
    /// The second one is laid over the first element by element.
    ByElement,
}

/// helmfile's `MergeMaps`: maps are merged, of other things the second counts unless it is null.
pub(crate) fn merge_maps(first: &Map, second: &Map, lists: Lists, version: Version) -> Map {
    let out = Map::plain(first.entries().clone());
    for (key, value) in second.entries().iter() {
        let old = out.get(key.as_bytes());
        let merged = match (old, value) {
            (Some(_), Value::Nil) if version == Version::V1 => continue,
            (Some(Value::Map(old)), Value::Map(new)) => Value::Map(merge_maps(&old, new, lists, version)),
            (Some(Value::List(old)), Value::List(new)) if version == Version::V1 => Value::List(merge_lists(&old, new, lists, version)),
            (_, value) => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}

fn merge_lists(first: &List, second: &List, lists: Lists, version: Version) -> List {
    let is_sparse = second.items().iter().any(|item| matches!(item, Value::Nil));
    if lists == Lists::Sparse && !is_sparse {
        return second.clone();
    }
    let mut merged = first.items().clone();
    merged.resize(merged.len().max(second.len()), Value::Nil);
    for (slot, item) in merged.iter_mut().zip(second.items().iter()) {
        *slot = match (&*slot, item) {
            (old, Value::Nil) => old.clone(),
            (Value::Map(old), Value::Map(new)) => Value::Map(merge_maps(old, new, lists, version)),
            (_, item) => item.clone(),
        };
    }
    List::new(merged)
}

/// mergo's merge of two maps of anything, with `WithOverride`: maps are merged, of other things the second counts, nulls included.
pub(crate) fn override_values(first: &Map, second: &Map) -> Map {
    let out = Map::plain(first.entries().clone());
    for (key, value) in second.entries().iter() {
        let merged = match (out.get(key.as_bytes()), value) {
            (Some(Value::Map(old)), Value::Map(new)) if !old.is_empty() => Value::Map(override_values(&old, new)),
            (_, value) => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}

/// mergo's merge without an option: the second fills in what the first lacks, or has empty.
pub(crate) fn fill_values(first: &Map, second: &Map) -> Map {
    let out = Map::plain(first.entries().clone());
    for (key, value) in second.entries().iter() {
        let merged = match (out.get(key.as_bytes()), value) {
            (Some(Value::Map(old)), Value::Map(new)) if !old.is_empty() => Value::Map(fill_values(&old, new)),
            (Some(old), _) if !record::is_zero(&old) => continue,
            (Some(_), Value::Nil) => continue,
            (_, value) => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn map(text: &str) -> Map {
        yaml::decode_map(text.as_bytes(), Version::V1).unwrap()
    }

    fn text(map: &Map) -> String {
        String::from_utf8(hydrate_gotmpl::encode::to_json(&Value::Map(map.clone()), Version::V1.go()).unwrap()).unwrap()
    }

    #[test]
    fn lists_and_nulls() {
        for (first, second, lists, merged) in [
            ("a: [1, 2, 3]", "a: [9]", Lists::Sparse, r#"{"a":[9]}"#),
            ("a: [1, 2, 3]", "a: [null, 9]", Lists::Sparse, r#"{"a":[1,9,3]}"#),
            ("a: [{x: 1, y: 2}]", "a: [null, {z: 1}]", Lists::Sparse, r#"{"a":[{"x":1,"y":2},{"z":1}]}"#),
            ("a: [1, 2, 3]", "a: [9]", Lists::ByElement, r#"{"a":[9,2,3]}"#),
            ("a: [{x: 1, y: [1, 2]}]", "a: [{y: [7]}]", Lists::ByElement, r#"{"a":[{"x":1,"y":[7,2]}]}"#),
            ("a: [1]", "a: []", Lists::Sparse, r#"{"a":[]}"#),
            ("a: 1", "a: null\nb: null", Lists::Sparse, r#"{"a":1,"b":null}"#),
            ("a: {x: 1}", "a: {y: 2}", Lists::Sparse, r#"{"a":{"x":1,"y":2}}"#),
            ("a: {x: 1}", "a: 2", Lists::Sparse, r#"{"a":2}"#),
        ] {
            assert_eq!(text(&merge_maps(&map(first), &map(second), lists, Version::V1)), merged, "{first} + {second}");
        }
    }

    #[test]
    fn mergo() {
        assert_eq!(
            text(&override_values(&map("a: {x: 1}\nb: 1\nc: [1]"), &map("a: {y: false}\nb: null\nc: []"))),
            r#"{"a":{"x":1,"y":false},"b":null,"c":[]}"#
        );
        assert_eq!(
            text(&fill_values(&map("a: {x: 1}\nb: 0\nc: 1"), &map("a: {x: 2, y: 3}\nb: 5\nc: 6"))),
            r#"{"a":{"x":1,"y":3},"b":5,"c":1}"#
        );
    }
}
