//! What Helm reads of a manifest to sort it, without building the rest of the document.

use std::borrow::Cow;

use hydrate_chart::Level;
use hydrate_chart::{Shape, Struct, conform};
use hydrate_gotmpl::decode::{self, DecodeOptions, Numbers};
use hydrate_gotmpl::{Map, Value};
use hydrate_yaml::MAX_DEPTH;
use hydrate_yaml::{Dialect, Event, EventKind, Input, Parser, Scalar, resolve};

/// What Helm reads of a manifest to sort it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.annotations`
    pub annotations: Vec<(String, String)>,
}

/// Reads the head of a document as nearly all of them are written, straight from the parser's events.
///
/// `None` for everything that needs the decoder to say what it means, or what is wrong with it: text that does not parse,
/// anchors, tags, merged or repeated keys, keys in other letter case, values that are no text where text is wanted.
pub(super) fn skim(text: &[u8]) -> Option<Head> {
    let input = Input::new(text);
    let mut skimmer = Skimmer { events: Parser::new(&input, Dialect::V2) };
    match skimmer.root()? {
        EventKind::MappingStart { .. } => skimmer.head(),
        // Nothing but comments.
        EventKind::StreamEnd => Some(Head::default()),
        _ => None,
    }
}

/// A reader of events that gives up, with `None`, on whatever is unusual.
struct Skimmer<'a> {
    events: Parser<'a>,
}

impl<'a> Skimmer<'a> {
    /// The next event, unless it carries an anchor or a tag, or is an alias.
    fn next(&mut self) -> Option<EventKind<'a>> {
        let Event { kind, .. } = self.events.next()?.ok()?;
        match &kind {
            EventKind::Alias(_) => None,
            EventKind::Scalar { properties, .. }
            | EventKind::SequenceStart { properties, .. }
            | EventKind::MappingStart { properties, .. } => (properties.anchor.is_none() && properties.tag.is_none()).then_some(kind),
            _ => Some(kind),
        }
    }

    /// The first event that is not about streams and documents.
    fn root(&mut self) -> Option<EventKind<'a>> {
        loop {
            match self.next()? {
                EventKind::StreamStart | EventKind::DocumentStart { .. } => {}
                kind => return Some(kind),
            }
        }
    }

    fn head(mut self) -> Option<Head> {
        let (mut api_version, mut kind, mut metadata) = (None, None, None);
        while let Key::Text(key) = self.key()? {
            match &*key {
                "apiVersion" => once(&mut api_version, self.text()?)?,
                "kind" => once(&mut kind, self.text()?)?,
                "metadata" => once(&mut metadata, self.metadata()?)?,
                other => self.pass_field(other, &["apiVersion", "kind", "metadata"])?,
            }
        }
        // The rest of the document, which has to be there.
        matches!(self.next()?, EventKind::DocumentEnd { .. }).then_some(())?;
        let (name, annotations) = metadata.unwrap_or_default();
        Some(Head { api_version: api_version.unwrap_or_default(), kind: kind.unwrap_or_default(), name, annotations })
    }

    fn metadata(&mut self) -> Option<(String, Vec<(String, String)>)> {
        let (mut name, mut annotations) = (None, None);
        if !self.mapping()? {
            return Some(Default::default());
        }
        while let Key::Text(key) = self.key()? {
            match &*key {
                "name" => once(&mut name, self.text()?)?,
                "annotations" => once(&mut annotations, self.annotations()?)?,
                other => self.pass_field(other, &["name", "annotations"])?,
            }
        }
        Some((name.unwrap_or_default(), annotations.unwrap_or_default()))
    }

    fn annotations(&mut self) -> Option<Vec<(String, String)>> {
        let mut annotations = Vec::new();
        if !self.mapping()? {
            return Some(annotations);
        }
        while let Key::Text(key) = self.key()? {
            annotations.push((key.into_owned(), self.text()?));
        }
        annotations.sort();
        annotations.is_sorted_by(|a, b| a.0 < b.0).then_some(annotations)
    }

    /// Steps into a mapping; `false` for a null in its place.
    fn mapping(&mut self) -> Option<bool> {
        match self.next()? {
            EventKind::MappingStart { .. } => Some(true),
            EventKind::Scalar { value, implicit: true, .. } => (meaning(&value) == Scalar::Null).then_some(false),
            _ => None,
        }
    }

    /// The next key of a mapping, or its end.
    fn key(&mut self) -> Option<Key<'a>> {
        match self.next()? {
            EventKind::MappingEnd => Some(Key::End),
            EventKind::Scalar { value, implicit, .. } => (!implicit || is_text(&value) && value != "<<").then_some(Key::Text(value)),
            _ => None,
        }
    }

    /// A value that is a text.
    fn text(&mut self) -> Option<String> {
        match self.next()? {
            EventKind::Scalar { value, implicit, .. } if !implicit || is_text(&value) => Some(value.into_owned()),
            _ => None,
        }
    }

    /// Passes over the value of a key of a struct, unless the key is one of the struct's own in other letter case.
    fn pass_field(&mut self, key: &str, fields: &[&str]) -> Option<()> {
        if fields.iter().any(|field| field.eq_ignore_ascii_case(key)) {
            return None;
        }
        let first = self.next()?;
        self.pass(first)
    }

    /// Passes over a value.
    fn pass(&mut self, first: EventKind<'a>) -> Option<()> {
        // For each open collection whether it is a mapping, and whether a key comes next.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut kind = first;
        loop {
            let is_key = open.last().is_some_and(|(mapping, key)| *mapping && *key);
            match kind {
                EventKind::Scalar { value, implicit: true, .. } if !has_json(&value, is_key) => return None,
                EventKind::Scalar { .. } => {}
                EventKind::SequenceStart { .. } | EventKind::MappingStart { .. } if is_key => return None,
                EventKind::SequenceStart { .. } => open.push((false, false)),
                EventKind::MappingStart { .. } => open.push((true, false)),
                EventKind::SequenceEnd | EventKind::MappingEnd => drop(open.pop()?),
                _ => return None,
            }
            match open.last_mut() {
                None => return Some(()),
                Some((_, key)) => *key = !*key,
            }
            if open.len() > MAX_DEPTH / 2 {
                return None;
            }
            kind = self.next()?;
        }
    }
}

/// What comes next in a mapping.
enum Key<'a> {
    Text(Cow<'a, str>),
    End,
}

/// Sets what must not be set twice.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn meaning(plain: &str) -> Scalar<'_> {
    resolve::plain(plain, Dialect::V2)
}

/// Whether a plain scalar is a text.
fn is_text(plain: &str) -> bool {
    matches!(meaning(plain), Scalar::Str(_) | Scalar::Timestamp(_))
}

/// Whether a plain scalar has a form in JSON: infinities and NaN have none, and of keys nulls and the largest integers.
fn has_json(plain: &str, key: bool) -> bool {
    match plain.as_bytes().first() {
        Some(b'.' | b'+' | b'-') => !matches!(meaning(plain), Scalar::Float(value) if !value.is_finite()),
        None | Some(b'~' | b'n' | b'N' | b'0'..=b'9') if key => !matches!(meaning(plain), Scalar::Null | Scalar::Uint(_)),
        Some(b'<') if key => plain != "<<",
        _ => true,
    }
}

const TEXT_MAP: Shape = Shape::Map(&Shape::Text, "map[string]string");

static META: Struct = Struct {
    name: "",
    go_type: "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }",
    fields: &[("name", Shape::Text), ("annotations", TEXT_MAP)],
};

const HEAD_FIELDS: &[(&str, Shape)] = &[("apiVersion", Shape::Text), ("kind", Shape::Text), ("metadata", Shape::Struct(&META))];

static HEAD_3: Struct = Struct { name: "SimpleHead", go_type: "releaseutil.SimpleHead", fields: HEAD_FIELDS };
static HEAD_4: Struct = Struct { name: "SimpleHead", go_type: "util.SimpleHead", fields: HEAD_FIELDS };

/// Reads the head of any document; the error is Helm's text.
pub(super) fn decoded(text: &[u8], level: Level) -> Result<Head, String> {
    let value = decode::from_yaml(text, DecodeOptions { numbers: Numbers::Int64, ..DecodeOptions::ANY })?;
    let shape = match level {
        Level::V3 => &HEAD_3,
        Level::V4 => &HEAD_4,
    };
    let value =
        conform(value, Shape::Struct(shape), level).map_err(|error| format!("error unmarshaling JSON: while decoding JSON: {error}"))?;
    let Value::Map(map) = value else { return Ok(Head::default()) };
    let text = |map: &Map, key: &str| match map.get(key.as_bytes()) {
        Some(Value::Str(text)) => text.to_str_lossy().into_owned(),
        _ => String::new(),
    };
    let mut head = Head { api_version: text(&map, "apiVersion"), kind: text(&map, "kind"), ..Head::default() };
    if let Some(Value::Map(metadata)) = map.get(b"metadata") {
        head.name = text(&metadata, "name");
        if let Some(Value::Map(annotations)) = metadata.get(b"annotations") {
            let keys: Vec<_> = annotations.entries().keys().map(|key| key.to_str_lossy().into_owned()).collect();
            head.annotations = keys.into_iter().map(|key| (key.clone(), text(&annotations, &key))).collect();
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lines that, put together anyhow, make documents of all kinds, broken ones among them.
    const LINES: [&str; 40] = [
        "apiVersion: v1",
        "apiVersion: 1.5",
        "apiVersion: \"v1\"",
        "Kind: Pod",
        "kind: Service",
        "kind:",
        "metadata:",
        "metadata: ~",
        "metadata: text",
        "  name: a",
        "  name: 5",
        "  Name: b",
        "  namespace: c",
        "  labels: {a: b, ~: c}",
        "  annotations:",
        "  annotations: {a: \"1\", b: c}",
        "    helm.sh/hook: test",
        "    helm.sh/hook: pre-install",
        "    helm.sh/hook-weight: \"-5\"",
        "    a: true",
        "    a:",
        "spec:",
        "  list:",
        "  - a",
        "  - .inf",
        "  - - b",
        "  - c: |",
        "      text",
        "  ? complex",
        "  : value",
        "  <<: {a: b}",
        "  anchor: &a [x]",
        "  alias: *a",
        "  tagged: !!str 5",
        "  18446744073709551615: x",
        "  null: x",
        "  big: 18446744073709551615",
        "  flow: [a, {b: c}, \"d\"]",
        "# comment",
        "---",
    ];

    #[test]
    fn plain_manifests_are_skimmed() {
        let text = "# Source\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  annotations:\n    b: \"1\"\n    a: x\n  labels: {}\n\
                    spec:\n  replicas: 1\n  items:\n  - 0.5\n  - yes: no\n  text: |-\n    a\n";
        let head = skim(text.as_bytes()).unwrap();
        assert_eq!((head.api_version.as_str(), head.kind.as_str(), head.name.as_str()), ("apps/v1", "Deployment", "a"));
        assert_eq!(head.annotations, [("a".to_owned(), "x".to_owned()), ("b".to_owned(), "1".to_owned())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn what_is_skimmed_is_what_the_decoder_reads(lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..12)) {
            let text = lines.join("\n");
            if let Some(head) = skim(text.as_bytes()) {
                prop_assert_eq!(Ok(head), decoded(text.as_bytes(), Level::V4));
            }
        }
    }
}
