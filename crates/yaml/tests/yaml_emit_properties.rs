//! What holds for everything that is written: it reads back as the same value, and nothing panics.

use hydrate_gotmpl::decode::{DecodeOptions, from_yaml};
use hydrate_gotmpl::encode::{self, TomlVersion};
use hydrate_gotmpl::{List, Map, Str, Value};
use hydrate_yaml::emit::{Dialect, write_document};
use hydrate_yaml::node::{Data, Document, Extra, Node, ScalarStyle, Style, Tag};
use proptest::prelude::*;

/// Texts that YAML finds interesting.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,8}",
        "[ -~]{0,12}",
        "[ \n\t:#a'\"-]{0,10}",
        "[0-9_.:eExXob+TZ -]{0,10}",
        "(word |a  b |x: y |\n){0,20}",
        "\\PC{0,10}",
        proptest::sample::select(vec![
            "yes",
            "~",
            "null",
            "<<",
            "=",
            "---",
            "...",
            "2001-12-14",
            ".inf",
            "0o7",
            "1:20",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "😀"
        ])
        .prop_map(str::to_owned),
    ]
}

/// Plain data, of which a value is made where it is used, for values live on one thread.
#[derive(Debug, Clone)]
enum Plain {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

impl Plain {
    fn value(&self) -> Value {
        match self {
            Self::Nil => Value::Nil,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Float64(*value),
            Self::Text(text) => Value::str(text.as_str()),
            Self::List(items) => Value::List(List::new(items.iter().map(Self::value).collect())),
            Self::Map(entries) => {
                Value::Map(Map::from_entries(entries.iter().map(|(key, value)| (Str::from(key.as_str()), value.value()))))
            }
        }
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let number =
        any::<f64>().prop_filter("JSON has no NaN, and YAML's integers no negative zero", |value| value.is_finite() && *value != 0.0);
    let leaf = prop_oneof![
        Just(Plain::Nil),
        any::<bool>().prop_map(Plain::Bool),
        number.prop_map(Plain::Number),
        any::<i32>().prop_map(|value| Plain::Number(f64::from(value))),
        texts().prop_map(Plain::Text),
        texts().prop_map(Plain::Text),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Plain::List),
            proptest::collection::vec((texts(), inner), 0..5).prop_map(Plain::Map),
        ]
    })
}

fn nodes() -> impl Strategy<Value = Node> {
    let extra = || ("[a-zA-Z ]{0,3}", "(# [a-z]{0,4}\n?){0,3}", "(# ?[a-z]{0,4})?", "(# [a-z]{0,4}\n?){0,3}");
    let styled = move |node: BoxedStrategy<Node>| {
        (node, extra(), 0..5u8, any::<bool>(), 0..8u8).prop_map(|(mut node, (anchor, head, line, foot), scalar, flow, tagged)| {
            let styles =
                [ScalarStyle::Plain, ScalarStyle::SingleQuoted, ScalarStyle::DoubleQuoted, ScalarStyle::Literal, ScalarStyle::Folded];
            node.style = Style { scalar: styles[usize::from(scalar)], flow, tagged: tagged == 0 };
            let tag = if node.tag == Tag::Other { "!x y" } else { "" };
            node.extra =
                Some(Box::new(Extra { anchor: anchor.into(), head: head.into(), line: line.into(), foot: foot.into(), tag: tag.into() }));
            node
        })
    };
    let tags = proptest::sample::select(vec![Tag::Str, Tag::Str, Tag::Int, Tag::Null, Tag::Other, Tag::Untagged]);
    let scalar = (texts(), tags).prop_map(|(text, tag)| Node::scalar(tag, text));
    let alias = "[a-z]{0,2}".prop_map(|name: String| Node { data: Data::Alias(name.into()), ..Node::string("") });
    styled(prop_oneof![9 => scalar, 1 => alias].boxed()).prop_recursive(4, 30, 4, move |inner| {
        let collection = prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Node::sequence),
            proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(Node::mapping),
        ];
        styled(collection.boxed())
    })
}

fn json(value: &Value) -> String {
    String::from_utf8(encode::to_json(value, hydrate_gotmpl::GoVersion::Go1_27).expect("finite and no cycle")).expect("JSON is UTF-8")
}

/// Not so U+0085, which JSON passes on raw and YAML folds, and the key `<<`, which go-yaml writes without quotes.
fn survives(plain: &Plain) -> bool {
    let fits = |text: &str| !text.contains('\u{85}');
    match plain {
        Plain::Text(text) => fits(text),
        Plain::List(items) => items.iter().all(survives),
        Plain::Map(entries) => entries.iter().all(|(key, value)| fits(key) && key != "<<" && survives(value)),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn yaml_reads_back_as_the_same_value(plain in plain().prop_filter("does not survive in Go", survives)) {
        let value = plain.value();
        if let Ok(text) = encode::to_yaml(&value) {
            let read = from_yaml(&text, DecodeOptions::ANY);
            prop_assert_eq!(read.map(|read| json(&read)), Ok(json(&value)), "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn nothing_panics_on_values(plain in plain()) {
        let value = plain.value();
        let _ = encode::to_yaml_pretty(&value);
        let _ = encode::to_pretty_json(&value, hydrate_gotmpl::GoVersion::Go1_27);
        let _ = encode::to_raw_json(&value, hydrate_gotmpl::GoVersion::Go1_27);
        let _ = encode::to_toml(&value, TomlVersion::V1_4);
        let _ = encode::to_toml(&value, TomlVersion::V1_6);
    }

    #[test]
    fn nothing_panics_on_trees(root in nodes()) {
        let document = Document { root: Some(root), head: "# head".into(), foot: "# foot".into() };
        for dialect in [Dialect::V2, Dialect::V3, Dialect::V3_WIDE, Dialect::KUSTOMIZE] {
            let mut out = b"before".to_vec();
            let result = write_document(&document, dialect, &mut out);
            prop_assert!(out.starts_with(b"before"));
            prop_assert!(result.is_ok() || out.len() == 6);
        }
    }
}
