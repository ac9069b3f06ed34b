//! Objects as the YAML that kustomize prints: sorted keys, no comments, types and numbers as they are after a detour through JSON.
//!
//! kustomize writes an object with go-yaml v3, reads that back, makes JSON of it, reads that with go-yaml v2 and writes the result
//! (`Resource.AsYAML`). This goes from the tree to the text in one pass.

use ecow::EcoString;

use super::errors::{Fail, KResult, fail};
use super::json::{self, Json};
use super::scalar::{self, Typed};
use super::tree;
use crate::gotmpl::encode::order;
use crate::yaml::emit::{Comments, Dialect, EmitError, Emitter, Properties, ScalarStyle, Version, must_quote, write_node};
use crate::yaml::node::{Data, Node};

const MAX_DEPTH: usize = 1_000;

/// An object as YAML, with a final line break.
pub fn to_yaml(node: &Node) -> KResult<String> {
    let mut out = Vec::new();
    append_yaml(node, &mut out)?;
    String::from_utf8(out).map_err(|error| Fail::new(error.to_string()))
}

/// Appends an object as YAML.
pub fn append_yaml(node: &Node, out: &mut Vec<u8>) -> KResult<()> {
    let mut writer = Writer { emitter: Emitter::new(Dialect::V2, std::mem::take(out)) };
    writer.emitter.begin_document("");
    let result = match &node.data {
        _ if tree::is_null(node) => writer.mapping(&[], Place::TOP),
        Data::Mapping(entries) => writer.mapping(entries, Place::TOP.inside(node)),
        Data::Sequence(items) => writer.sequence(items, Place::TOP.inside(node)),
        _ => fail("yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str into map[string]interface {}"),
    };
    writer.emitter.end_document("");
    *out = writer.emitter.finish();
    result
}

/// A node as kustomize's encoder writes it, in its own style and with its comments.
pub fn styled(node: &Node) -> KResult<String> {
    let mut out = Vec::new();
    write_node(node, Dialect::KUSTOMIZE, &mut out).map_err(explain)?;
    String::from_utf8(out).map_err(|error| Fail::new(error.to_string()))
}

/// The same for error messages.
pub fn quoted_text(node: &Node) -> String {
    styled(node).unwrap_or_else(|error| error.text().to_owned())
}

fn explain(error: EmitError) -> Fail {
    Fail::new(error.to_string())
}

struct Writer {
    emitter: Emitter<'static>,
}

/// Where a collection stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    top: bool,
    depth: usize,
    /// Whether go-yaml v3 would write it between brackets, where nothing at all becomes an empty string.
    flow: bool,
}

impl Place {
    const TOP: Self = Self { top: true, depth: 0, flow: false };

    fn inside(self, node: &Node) -> Self {
        Self { flow: self.flow || node.style.flow, ..self }
    }

    fn deeper(self) -> Self {
        Self { top: false, depth: self.depth + 1, ..self }
    }
}

impl Writer {
    fn node(&mut self, node: &Node, place: Place) -> KResult<()> {
        if place.depth > MAX_DEPTH {
            return fail("exceeded max depth");
        }
        match &node.data {
            Data::Mapping(entries) => self.mapping(entries, place.inside(node)),
            Data::Sequence(items) => self.sequence(items, place.inside(node)),
            Data::Alias(name) => fail(format!("unknown anchor '{name}' referenced")),
            Data::Scalar(_) => match scalar::typed_in(node, place.flow)? {
                Typed::Null if place.flow && tree::raw_text(node).is_empty() => self.string(""),
                Typed::Null => self.plain("null"),
                Typed::Bool(value) => self.plain(if value { "true" } else { "false" }),
                Typed::Int(text) => self.plain(&text),
                Typed::Float(value) => self.float(value),
                Typed::Str(text) => self.string(&text),
            },
        }
    }

    fn sequence(&mut self, items: &[Node], place: Place) -> KResult<()> {
        self.emitter.begin_sequence(items.is_empty(), false, &Properties::NONE, &Comments::NONE).map_err(explain)?;
        items.iter().try_for_each(|item| self.node(item, place.deeper()))?;
        self.emitter.end_sequence(&Comments::NONE);
        Ok(())
    }

    fn mapping(&mut self, entries: &[(Node, Node)], place: Place) -> KResult<()> {
        let keys = entries.iter().map(|(key, _)| json::check_key(key, place.top)).collect::<KResult<Vec<EcoString>>>()?;
        if let Some(key) = json::repeated(entries) {
            return Err(json::repeated_key(key));
        }
        let mut sorted: Vec<(&str, &Node)> = keys.iter().map(EcoString::as_str).zip(entries.iter().map(|(_, value)| value)).collect();
        order::sort(&mut sorted, Version::V2);
        self.emitter.begin_mapping(entries.is_empty(), false, &Properties::NONE, &Comments::NONE).map_err(explain)?;
        for (key, value) in sorted {
            self.string(key)?;
            self.node(value, place.deeper())?;
        }
        self.emitter.end_mapping(&Comments::NONE);
        Ok(())
    }

    fn plain(&mut self, text: &str) -> KResult<()> {
        self.scalar(text, ScalarStyle::Plain)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> KResult<()> {
        self.emitter.scalar(text, style, &Properties::NONE, &Comments::NONE).map_err(explain)
    }

    fn string(&mut self, text: &str) -> KResult<()> {
        let style = if memchr::memchr(b'\n', text.as_bytes()).is_some() {
            ScalarStyle::Literal
        } else if must_quote(text, Version::V2) {
            ScalarStyle::DoubleQuoted
        } else {
            ScalarStyle::Plain
        };
        self.scalar(text, style)
    }

    /// A float that is written without point and exponent in JSON comes back as an integer.
    fn float(&mut self, value: f64) -> KResult<()> {
        if !value.is_finite() {
            return fail(format!("json: unsupported value: {}", scalar::format_g(value)));
        }
        let text = scalar::json_number(value);
        if let Ok(integer) = text.parse::<i64>() {
            return self.plain(&integer.to_string());
        }
        if text.parse::<u64>().is_ok() {
            return self.plain(&text);
        }
        self.plain(&scalar::format_g(text.parse().unwrap_or(value)))
    }
}

/// JSON as YAML, for configuration that is handed on.
pub fn json_to_yaml(json: &Json) -> KResult<String> {
    to_yaml(&json.to_node())
}
