use proptest::prelude::*;

use super::*;
use hydrate_yaml::node::Tag;

fn kinds(text: &str) -> (bool, String) {
    (certain(text).is_some(), set(text, "shop").unwrap())
}

#[test]
fn plain_documents_change_by_one_line_without_a_parse() {
    for (text, expected) in [
        ("kind: A\nmetadata:\n  name: a\n", "kind: A\nmetadata:\n  namespace: shop\n  name: a\n"),
        (
            "kind: A\nmetadata: # m\n    # c\n    name: a\nrules:\n- a: b\n- |\n  metadata:\n",
            "kind: A\nmetadata: # m\n    namespace: shop\n    # c\n    name: a\nrules:\n- a: b\n- |\n  metadata:\n",
        ),
        (
            "data:\n  x: |-\n    \"open\n    metadata:\n      namespace: p\nmetadata:\n  finalizers:\n  - a\n  name: \"a\" # \"\n",
            "data:\n  x: |-\n    \"open\n    metadata:\n      namespace: p\nmetadata:\n  namespace: shop\n  finalizers:\n  - a\n  name: \"a\" # \"\n",
        ),
    ] {
        assert_eq!(kinds(text), (true, expected.to_owned()));
    }
}

#[test]
fn anything_unusual_is_changed_and_read_again() {
    for (text, expected) in [
        ("metadata:\n  name: a\n  namespace:\n", "metadata:\n  name: a\n  namespace: shop\n"),
        ("metadata:\n  name: a\n  namespace: # none\nx: 1\n", "metadata:\n  name: a\n  namespace: shop # none\nx: 1\n"),
        ("metadata:\n  name: a\n  namespace: \"\"\n", "metadata:\n  name: a\n  namespace: shop\n"),
        ("metadata:\n  namespace: ~ # none\n  name: a\n", "metadata:\n  namespace: shop # none\n  name: a\n"),
        ("metadata: {name: a}\n", "metadata: {namespace: shop, name: a}\n"),
        ("metadata: {name: a, namespace: null}\n", "metadata: {name: a, namespace: shop}\n"),
        ("{metadata: {name: a}}\n", "{metadata: {namespace: shop, name: a}}\n"),
        ("\"metadata\":\n  name: a\n", "\"metadata\":\n  namespace: shop\n  name: a\n"),
        ("? metadata\n:\n  name: a\n", "? metadata\n:\n  namespace: shop\n  name: a\n"),
        ("metadata:\r\n  name: a\r\n", "metadata:\r\n  namespace: shop\r\n  name: a\r\n"),
        (
            "data: {x: \"\nmetadata:\n  name: b\"}\nmetadata:\n  name: a\n",
            "data: {x: \"\nmetadata:\n  name: b\"}\nmetadata:\n  namespace: shop\n  name: a\n",
        ),
        // What else refers to the anchored mapping stays as it was.
        ("metadata: &m\n  name: a\nspec: *m\n", "metadata:\n  name: a\n  namespace: shop\nspec:\n  name: a\n"),
        ("spec: &m\n  name: a\nmetadata: *m\n", "spec:\n  name: a\nmetadata:\n  name: a\n  namespace: shop\n"),
    ] {
        assert_eq!(kinds(text), (false, expected.to_owned()), "{text}");
    }
}

#[test]
fn what_has_two_meanings_is_refused() {
    for (text, expected) in [
        ("metadata:\n  name: a\nmetadata:\n  name: b\n", "it gives the key `metadata` 2 times"),
        ("metadata:\n  namespace:\n  name: a\n  \"namespace\": ''\n", "it gives the key `namespace` 2 times"),
        ("metadata: a\n", "its metadata is not a mapping"),
        ("kind: A\n", "it has no metadata"),
    ] {
        assert_eq!(set(text, "shop").unwrap_err(), expected);
    }
}

#[test]
fn a_namespace_stays_a_string() {
    for name in ["123", "1e3", "0x1f", "2001-01-01", "null", "y", "on", "a-1", "true"] {
        for text in ["metadata:\n  name: a\n", "metadata: {name: a}\n", "metadata:\n  name: a\n  namespace:\n"] {
            let found = read(&set(text, name).unwrap()).unwrap();
            let namespace = found.get("metadata").unwrap().get("namespace").unwrap();
            assert_eq!((namespace.tag, namespace.as_str()), (Tag::Str, Some(name)), "{text}");
        }
    }
}

/// Lines that a document may have before and behind its metadata, some of which look like it.
const AROUND: &[&str] = &[
    "spec: &a {x: 1}\n",
    "spec2: *a\n",
    "data:\n  a: |\n    metadata:\n      namespace: x\n    \"\n",
    "b: >-\n  'x\n\n  metadata:\n",
    "c: \"one\nmetadata:\n  name: no\"\n",
    "d: 'one\n\n  metadata: it''s\n  '\n",
    "e:\n- a: b\n  c: |2\n     d\n- - x\n  -\n    y: z\n",
    "f: [a,\nmetadata, {b: c}]\n",
    "# metadata:\n",
    "\n",
    "? g\n: h\n",
    "? [i, j]\n: k\n",
    "l: text that\n  goes on \" and on\n",
    "\"m\\x41\": 1\n",
    "n: !!str 5\n",
    "o: {\"metadata\": {name: x}}\n",
    "p: it's # \"fine\n",
    "q: |+\n  x\n\n\n",
    "r:\t1\n",
    "s: \u{e9}\u{2028}t\n",
    "t: &b\n  name: t\n  labels: {a: b}\n",
];

const METADATA: &[&str] = &[
    "metadata:\n  name: a\n",
    "metadata: # c\n\n  # d\n  name: a # e\n  labels:\n    namespace: x\n",
    "metadata:\n    labels: {\n  namespace: x}\n    name: a\n",
    "metadata:\n  name: a\n  namespace:\n",
    "metadata:\n  namespace: ''\n  name: a\n",
    "metadata:\n  name: a\n  namespace: !!null\n  labels: {}\n",
    "metadata: {name: a}\n",
    "metadata: {}\n",
    "metadata: { # c\n  name: a, \"namespace\": ~}\n",
    "metadata:\n  {name: a,\n  labels: {b: c}}\n",
    "\"metadata\":\n  'name': a\n",
    "'metadata' : {name: a, labels: {namespace: b}}\n",
    "? metadata\n: name: a\n",
    "? metadata\n:\n  ? name\n  : a\n",
    "metadata: &m\n  name: a\nother: *m\n",
    "metadata: &m {name: a}\nother: [*m]\n",
    "metadata: !!map\n  name: a\n",
    "metadata:\n  annotations:\n    a: \"x\n  namespace: y\"\n  finalizers:\n  - a\n  name: a\n",
    "metadata:\n  ownerReferences:\n  - name: b\n    namespace: c\n  name: >-\n    a\n",
    "metadata:\n  name: a\n  labels: &n\n    namespace: null\n  annotations: *n\n",
    "metadata:\n  <<: {name: a}\n  labels: {}\n",
    "metadata: {<<: {name: a, namespace: }}\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Whatever the document, what comes out parses to the same object with exactly the namespace set.
    #[test]
    fn the_same_object_with_exactly_the_namespace_set(
        before in prop::collection::vec(prop::sample::select(AROUND), 0..4),
        metadata in prop::sample::select(METADATA),
        after in prop::collection::vec(prop::sample::select(AROUND), 0..4),
        namespace in prop::sample::select(vec!["shop", "123", "no", "a-b", "0x1f"]),
        crlf in any::<bool>(),
        end in any::<bool>(),
    ) {
        let mut text = format!("{}{metadata}{}", before.concat(), after.concat());
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if !end {
            text = text.trim_end().to_owned();
        }
        // Aliases without their anchor and keys given twice are somebody else's error.
        let Ok(original) = read(&text).and_then(compose::resolve) else { return Ok(()) };
        let found = set(&text, namespace).map_err(|error| TestCaseError::fail(format!("{error}:\n{text}")))?;
        let found = read(&found).and_then(compose::resolve).map_err(|error| TestCaseError::fail(format!("{error}:\n{found}")))?;
        let values: Vec<_> = found.get("metadata").unwrap().entries().unwrap().iter().filter(|(key, _)| key.as_str() == Some("namespace")).collect();
        prop_assert_eq!(values.len(), 1);
        prop_assert_eq!((values[0].1.tag, values[0].1.as_str()), (Tag::Str, Some(namespace)));
        let mut wanted = original;
        assign(&mut wanted, namespace);
        prop_assert!(is_same(&found, &wanted), "{}", text);
    }
}
