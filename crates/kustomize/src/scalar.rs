//! What scalars are: for go-yaml v3, which reads objects, and for v2, which reads configuration.

use base64::Engine as _;
use ecow::EcoString;

use super::compose;
use super::errors::{KResult, fail};
use super::tree;
use hydrate_gotmpl::fmt::float::{Bits, Format, append_json, format_float};
use hydrate_yaml::emit::{PlainType, Version, must_quote, plain_type};
use hydrate_yaml::node::{Data, Node, ScalarStyle, Tag};

/// A scalar of a configuration file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer, in decimal.
    Int(EcoString),
    /// A floating-point number.
    Float(f64),
    /// A string: the node's text.
    Str,
}

/// A scalar of an object, as it comes out of being written and read again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Typed {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer, in decimal.
    Int(EcoString),
    /// A floating-point number.
    Float(f64),
    /// A string.
    Str(EcoString),
}

/// What a scalar of a configuration file is; collections are `Str`.
pub(crate) fn resolve_v2(node: &Node) -> Scalar {
    let Data::Scalar(text) = &node.data else { return Scalar::Str };
    if node.style.scalar != ScalarStyle::Plain || (node.style.tagged && node.tag == Tag::Str) {
        return Scalar::Str;
    }
    match plain_type(text, Version::V2) {
        PlainType::Null => Scalar::Null,
        PlainType::Bool => Scalar::Bool(truth(text)),
        PlainType::Int => Scalar::Int(decimal(text)),
        PlainType::Float => Scalar::Float(float(text)),
        PlainType::Timestamp | PlainType::Str => Scalar::Str,
    }
}

/// A key of a configuration file.
pub(crate) fn key_text(key: &Node) -> EcoString {
    match resolve_v2(key) {
        Scalar::Bool(true) => "true".into(),
        Scalar::Bool(false) => "false".into(),
        Scalar::Int(text) => text,
        Scalar::Float(value) => format_g(value),
        Scalar::Null | Scalar::Str => tree::raw_text(key).into(),
    }
}

/// What a scalar of an object is. Fails where its text contradicts its tag.
pub(crate) fn typed(node: &Node) -> KResult<Typed> {
    typed_in(node, false)
}

/// The same for one that, with `flow`, is written between brackets, where there are no block scalars.
pub(crate) fn typed_in(node: &Node, flow: bool) -> KResult<Typed> {
    let Data::Scalar(text) = &node.data else { return fail("json: unsupported type: map[interface {}]interface {}") };
    let again = if !flow && changes_when_written(text, node.style.scalar) { Some(read_back(node)?) } else { None };
    let text = again.as_ref().unwrap_or(text);
    let plain = node.style.scalar == ScalarStyle::Plain && !text.contains('\n');
    let found = match &node.tag {
        Tag::Str | Tag::Merge | Tag::Seq | Tag::Map => return Ok(Typed::Str(text.clone())),
        Tag::Binary => return binary(text),
        Tag::Other => return Ok(Typed::Str(text.clone())),
        Tag::Untagged if !plain => return Ok(Typed::Str(text.clone())),
        _ => plain_type(text, Version::V3),
    };
    let wanted = match &node.tag {
        Tag::Null => PlainType::Null,
        Tag::Bool => PlainType::Bool,
        Tag::Int => PlainType::Int,
        Tag::Float => PlainType::Float,
        Tag::Timestamp => PlainType::Timestamp,
        _ => found,
    };
    if found == wanted && !plain && !node.style.tagged {
        return Ok(Typed::Str(text.clone()));
    }
    match (wanted, found) {
        (PlainType::Float, PlainType::Int) => Ok(Typed::Float(decimal(text).parse().unwrap_or(f64::NAN))),
        (wanted, found) if wanted != found => {
            fail(format!("yaml: unmarshal errors:\n  line {}: cannot decode {} `{text}` as a {}", node.line, tag(found), tag(wanted)))
        }
        (PlainType::Null, _) => Ok(Typed::Null),
        (PlainType::Bool, _) => Ok(Typed::Bool(truth(text))),
        (PlainType::Int, _) => Ok(Typed::Int(decimal(text))),
        (PlainType::Float, _) => Ok(Typed::Float(float(text))),
        (PlainType::Timestamp, _) => Ok(Typed::Str(timestamp(text))),
        (PlainType::Str, _) => Ok(Typed::Str(text.clone())),
    }
}

/// Whether go-yaml v3 may read something else, or nothing at all, out of the block scalar that it has written: it doubles line
/// breaks of folded ones, and cannot read a literal one whose first line begins with a tab.
fn changes_when_written(text: &str, style: ScalarStyle) -> bool {
    match style {
        ScalarStyle::Folded => true,
        ScalarStyle::Literal => text.trim_start_matches(['\n', ' ']).starts_with('\t'),
        _ => false,
    }
}

/// The text of a scalar after it has been written and read.
fn read_back(node: &Node) -> KResult<EcoString> {
    const KEY: &str = "k";
    let mapping = Node::mapping(vec![(Node::string(KEY), Node { extra: None, ..node.clone() }.with_tag(node.tag_text()))]);
    let read = super::compose::first(super::write::styled(&mapping)?.as_bytes())?;
    Ok(read.as_ref().and_then(|read| read.get(KEY)).map_or("", tree::raw_text).into())
}

fn tag(plain: PlainType) -> &'static str {
    match plain {
        PlainType::Null => "!!null",
        PlainType::Bool => "!!bool",
        PlainType::Int => "!!int",
        PlainType::Float => "!!float",
        PlainType::Timestamp => "!!timestamp",
        PlainType::Str => "!!str",
    }
}

fn binary(text: &str) -> KResult<Typed> {
    let compact: String = text.split_whitespace().collect();
    match base64::engine::general_purpose::STANDARD.decode(compact) {
        Ok(bytes) => Ok(Typed::Str(String::from_utf8_lossy(&bytes).into())),
        Err(_) => fail("yaml: !!binary value contains invalid base64 data"),
    }
}

fn truth(text: &str) -> bool {
    matches!(text.bytes().next(), Some(b't' | b'T' | b'y' | b'Y')) || text.eq_ignore_ascii_case("on")
}

/// An integer's text in decimal.
fn decimal(text: &str) -> EcoString {
    let plain_decimal = |text: &str| text == "0" || (text.bytes().all(|c| c.is_ascii_digit()) && !text.starts_with('0'));
    if plain_decimal(text.strip_prefix('-').unwrap_or(text)) && text != "-0" {
        return text.into();
    }
    let clean = text.replace('_', "");
    let (negative, digits) = match clean.as_bytes().first() {
        Some(b'-') => (true, clean.get(1..).unwrap_or_default()),
        Some(b'+') => (false, clean.get(1..).unwrap_or_default()),
        _ => (false, clean.as_str()),
    };
    let radix = |prefixes: [&str; 2], radix| {
        let digits = prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix))?;
        i128::from_str_radix(digits, radix).ok()
    };
    let value = radix(["0x", "0X"], 16)
        .or_else(|| radix(["0o", "0O"], 8))
        .or_else(|| radix(["0b", "0B"], 2))
        .or_else(|| digits.strip_prefix('0').filter(|rest| !rest.is_empty()).and_then(|rest| i128::from_str_radix(rest, 8).ok()))
        .or_else(|| digits.parse().ok());
    value.map_or_else(|| text.into(), |value| ecow::eco_format!("{}", if negative { -value } else { value }))
}

fn float(text: &str) -> f64 {
    let clean = text.replace('_', "");
    match clean.trim_start_matches('+') {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        other => other.parse().unwrap_or(f64::NAN),
    }
}

/// A timestamp as Go's `time.Time` is in JSON.
fn timestamp(text: &str) -> EcoString {
    let Some((date, rest)) = text.find(['T', 't', ' ']).and_then(|at| text.split_at_checked(at)) else {
        return ecow::eco_format!("{}T00:00:00Z", padded(text, '-'));
    };
    let rest = rest.get(1..).unwrap_or_default().trim();
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at_checked(zone_at).unwrap_or((rest, ""));
    let (clock, fraction) = clock.trim().split_once('.').unwrap_or((clock.trim(), ""));
    let fraction = fraction.trim_end_matches('0');
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    let zone = if matches!(zone, "" | "Z" | "z" | "+00:00" | "-00:00") { "Z" } else { zone };
    ecow::eco_format!("{}T{}{fraction}{zone}", padded(date, '-'), padded(clock, ':'))
}

fn padded(text: &str, separator: char) -> String {
    text.split(separator).map(|part| format!("{part:0>2}")).collect::<Vec<_>>().join(&separator.to_string())
}

/// Whether a text of one line, read as YAML 1.1, is anything but a string: a number, but also a mapping, or nothing but a comment.
pub(crate) fn is_non_string_v2(text: &str) -> bool {
    let is_word = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'/');
    if text.is_empty() || text.contains('\n') {
        return false;
    }
    if text.as_bytes()[0].is_ascii_alphanumeric() && text.bytes().all(is_word) {
        return !matches!(plain_type(text, Version::V2), PlainType::Str | PlainType::Timestamp);
    }
    match compose::first(text.as_bytes()) {
        Err(_) => false,
        Ok(None) => true,
        Ok(Some(node)) => match &node.data {
            Data::Scalar(text) if node.style.tagged => {
                let found = plain_type(text, Version::V2);
                match node.tag {
                    Tag::Null => found == PlainType::Null,
                    Tag::Bool => found == PlainType::Bool,
                    Tag::Int => found == PlainType::Int,
                    Tag::Float => matches!(found, PlainType::Int | PlainType::Float),
                    _ => false,
                }
            }
            Data::Scalar(_) => resolve_v2(&node) != Scalar::Str,
            _ => can_be_decoded(&node),
        },
    }
}

/// Whether Go's YAML library makes a value of a collection: keys are scalars, and what is merged is a mapping.
fn can_be_decoded(node: &Node) -> bool {
    match &node.data {
        Data::Mapping(entries) => entries.iter().all(|(key, value)| {
            let is_merge = key.tag == Tag::Merge || matches!(&key.data, Data::Scalar(text) if text == "<<" && !key.style.tagged);
            matches!(key.data, Data::Scalar(_)) && (!is_merge || !matches!(value.data, Data::Scalar(_))) && can_be_decoded(value)
        }),
        Data::Sequence(items) => items.iter().all(can_be_decoded),
        _ => true,
    }
}

/// Whether go-yaml v3 writes a string in quotes because plain it would be something else.
pub(crate) fn needs_quotes_v3(text: &str) -> bool {
    must_quote(text, Version::V3)
}

/// Go's `strconv.Atoi`.
pub(crate) fn go_atoi(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// A number as `strconv.FormatFloat(value, 'g', -1, 64)` writes it.
pub(crate) fn format_g(value: f64) -> EcoString {
    format_float(value, Format::General, None, Bits::Float64).into()
}

/// A number as `encoding/json` writes it.
pub(crate) fn json_number(value: f64) -> EcoString {
    let mut text = String::new();
    append_json(&mut text, value, Bits::Float64);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::is_non_string_v2;

    #[test]
    fn texts_of_one_line_that_are_no_strings() {
        let others = [
            "1",
            "1 ",
            "true",
            "no",
            "~",
            "- a",
            "&b",
            "a: b",
            "#x",
            "? x",
            "-",
            "---",
            "::",
            "!!int 3",
            "[a]",
            "{a: b}",
            "x: #y",
            "<<: {a: b}",
        ];
        let strings = [
            "",
            "a",
            "a b",
            "x #y",
            "*a",
            "[a",
            "@x",
            "!x",
            "a,b",
            "<<",
            "=",
            "2024-01-01",
            "!!str 1",
            "!!int x",
            "<<: x",
            "? [a]",
            "'1'",
            "http://x:80",
        ];
        assert_eq!(others.map(is_non_string_v2), [true; 18]);
        assert_eq!(strings.map(is_non_string_v2), [false; 18]);
    }
}
