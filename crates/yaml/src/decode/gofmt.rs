//! Values as Go's `fmt` and `strconv` print them, as far as error texts and keys show them.

use std::fmt::Write as _;

use super::{Build, Scalar};

/// Builds the text that `%#v` gives for what go-yaml decodes.
pub(super) struct GoSyntax {
    /// Whether maps with nothing but strings for keys are of a type of their own, as in v3.
    pub string_maps: bool,
    /// Whether the first of equal keys counts, as where a second one is an error.
    pub first_wins: bool,
}

impl Build for GoSyntax {
    type Value = String;
    type Key = String;
    const GO_SYNTAX: bool = true;

    fn scalar(&mut self, scalar: Scalar<'_>) -> String {
        // Inside maps and slices a nil is one of type `interface {}`.
        match scalar {
            Scalar::Null => "interface {}(nil)".to_owned(),
            scalar => go_syntax(&scalar),
        }
    }

    fn key(&mut self, text: &str) -> String {
        text.to_owned()
    }

    fn sequence(&mut self, items: Vec<String>) -> String {
        format!("[]interface {{}}{{{}}}", items.join(", "))
    }

    fn mapping(&mut self, mut entries: Vec<(String, String)>) -> String {
        let rank = |key: &str| key != "interface {}(nil)";
        entries.sort_by(|a, b| rank(&a.0).cmp(&rank(&b.0)).then_with(|| a.0.cmp(&b.0)));
        // The sort keeps the order of equal keys.
        if self.first_wins {
            entries.dedup_by(|a, b| a.0 == b.0);
        } else {
            entries.reverse();
            entries.dedup_by(|a, b| a.0 == b.0);
            entries.reverse();
        }
        let strings = self.string_maps && entries.iter().all(|(key, _)| key.starts_with('"'));
        let key = if strings { "string" } else { "interface {}" };
        let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        format!("map[{key}]interface {{}}{{{}}}", entries.join(", "))
    }
}

/// `%#v` of a scalar.
pub(super) fn go_syntax(scalar: &Scalar<'_>) -> String {
    match scalar {
        Scalar::Null | Scalar::Merge => "<nil>".to_owned(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Uint(value) => format!("{value:#x}"),
        Scalar::Float(value) => float64(*value),
        Scalar::Str(text) => quote(text),
        Scalar::Timestamp(text) => quote(text),
    }
}

/// `strconv.FormatFloat(value, 'g', -1, 64)`
pub(super) fn float64(value: f64) -> String {
    shortest(value, &format!("{value:e}"), || value.to_string())
}

/// A float as the key of a JSON object: `strconv.FormatFloat(value, 'g', -1, 32)`, infinities as YAML writes them.
pub(super) fn float_key(value: f64) -> String {
    let narrow = value as f32;
    match shortest(f64::from(narrow), &format!("{narrow:e}"), || narrow.to_string()) {
        text if text == "+Inf" => ".inf".to_owned(),
        text if text == "-Inf" => "-.inf".to_owned(),
        text if text == "NaN" => ".nan".to_owned(),
        text => text,
    }
}

/// Lays out Rust's shortest digits the way Go's `%g` does.
fn shortest(value: f64, scientific: &str, plain: impl FnOnce() -> String) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    plain()
}

/// `strconv.Quote`
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            c if (c as u32) < 0x20 || c == '\x7f' => {
                let _ = write!(quoted, "\\x{:02x}", c as u32);
            }
            c if is_print(c) => quoted.push(c),
            c if (c as u32) < 0x1_0000 => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(quoted, "\\U{:08x}", c as u32);
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Whether `strconv.IsPrint` holds, by Rust's table of what needs no escape.
fn is_print(c: char) -> bool {
    c == '\'' || (c.escape_debug().len() == 1 && !(c.is_whitespace() && c != ' '))
}
