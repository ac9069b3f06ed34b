//! How values are written: numbers, quoted texts, and `format`.

use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
use hydrate_gotmpl::fmt::grouped;

use crate::value::{EvalError, Key, Value};

/// `1.5`, never with an exponent.
pub(crate) fn decimal(number: f64) -> String {
    format_float(number, Format::Fixed, None, Bits::Float64)
}

/// `1.5` or `1e+30`
pub(crate) fn general(number: f64) -> String {
    format_float(number, Format::General, None, Bits::Float64)
}

/// `strings.quote`
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn failed(message: impl Into<String>) -> EvalError {
    EvalError::new(format!("error during formatting: {}", message.into()))
}

/// `TEXT.format(ARGS)`
pub(crate) fn formatted(text: &str, args: &[Value]) -> Result<String, EvalError> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (precision, after) = precision(rest)?;
        let Some(verb) = after.chars().next() else { return Err(EvalError::new("unexpected end of string")) };
        if verb == '%' && after.len() == rest.len() {
            out.push('%');
            rest = &after[1..];
            continue;
        }
        let Some(arg) = args.next() else { return Err(EvalError::new(format!("index {} out of range", text.matches('%').count() - 1))) };
        let arg = arg.clone().checked()?;
        match verb {
            's' => out.push_str(&shown(&arg, true)?),
            'd' => out.push_str(&whole(&arg)?),
            'f' => out.push_str(&fixed(&arg, precision.unwrap_or(6), false)?),
            'e' => out.push_str(&fixed(&arg, precision.unwrap_or(6), true)?),
            'b' => out.push_str(&binary(&arg)?),
            'x' | 'X' => out.push_str(&hex(&arg, verb == 'X')?),
            'o' => out.push_str(&octal(&arg)?),
            other => return Err(EvalError::new(format!("could not parse formatting clause: unrecognized formatting clause \"{other}\""))),
        }
        rest = &after[verb.len_utf8()..];
    }
    out.push_str(rest);
    Ok(out)
}

fn precision(rest: &str) -> Result<(Option<usize>, &str), EvalError> {
    let Some(digits) = rest.strip_prefix('.') else { return Ok((None, rest)) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).ok_or_else(|| EvalError::new("could not find end of precision specifier"))?;
    let number = digits[..end].parse().ok().filter(|number: &usize| *number <= 10_000);
    let wrong = || EvalError::new("error while parsing precision: error while converting precision to integer");
    Ok((Some(number.ok_or_else(wrong)?), &digits[end..]))
}

/// A value as `%s` shows it; texts in others are quoted.
fn shown(value: &Value, outermost: bool) -> Result<String, EvalError> {
    Ok(match value {
        Value::String(text) if outermost => text.to_string(),
        Value::String(text) => format!("\"{text}\""),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) if outermost || !number.is_finite() => shown_double(*number),
        Value::Double(number) => format_float(*number, Format::Fixed, Some(6), Bits::Float64),
        Value::Bytes(bytes) if outermost => String::from_utf8_lossy(bytes).into_owned(),
        Value::Bytes(bytes) => format!("b\"{}\"", String::from_utf8_lossy(bytes)),
        Value::Duration(nanos) if outermost => crate::time::duration_text(*nanos),
        Value::Duration(nanos) => format!("duration(\"{}\")", crate::time::duration_text(*nanos)),
        Value::Timestamp(moment) if outermost => crate::time::moment_text(*moment),
        Value::Timestamp(moment) => format!("timestamp(\"{}\")", crate::time::moment_text(*moment)),
        Value::Type(name) => name.to_string(),
        Value::List(list) => {
            let items: Result<Vec<String>, EvalError> = list.items.iter().map(|item| shown(item, false)).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let entry = |(key, value): (&Key, &Value)| Ok(format!("{}:{}", shown(&key.value(), false)?, shown(value, false)?));
            let mut entries = map.entries.iter().map(entry).collect::<Result<Vec<String>, EvalError>>()?;
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
        other => {
            return Err(failed(format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
                other.type_name()
            )));
        }
    })
}

fn shown_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    general(number)
}

fn whole(value: &Value) -> Result<String, EvalError> {
    match value {
        Value::Int(number) => Ok(number.to_string()),
        Value::Uint(number) => Ok(number.to_string()),
        other => Err(failed(format!("decimal clause can only be used on integers, was given {}", other.type_name()))),
    }
}

fn fixed(value: &Value, precision: usize, scientific: bool) -> Result<String, EvalError> {
    let what = if scientific { "scientific" } else { "fixed-point" };
    let number = match value {
        Value::Double(number) => *number,
        Value::String(text) if matches!(&**text, "NaN" | "Infinity" | "-Infinity") => {
            return Ok(match &**text {
                "NaN" => "NaN".to_owned(),
                "Infinity" => "∞".to_owned(),
                _ => "-∞".to_owned(),
            });
        }
        other => return Err(failed(format!("{what} clause can only be used on doubles, was given {}", other.type_name()))),
    };
    if number.is_nan() {
        return Ok("NaN".to_owned());
    }
    if number.is_infinite() {
        return Ok(if number > 0.0 { "∞" } else { "-∞" }.to_owned());
    }
    let format = if scientific { Format::Exponent } else { Format::Fixed };
    // The locale of the API server takes no notice of the precision of exponents.
    let precision = if scientific { 6 } else { precision };
    let plain = format_float(number, format, Some(precision), Bits::Float64);
    Ok(if scientific { exponent_of_ten(&plain) } else { grouped(&plain) })
}

/// `1.5e+03` as the API server's locale writes it: `1.500000×10⁰³`.
fn exponent_of_ten(plain: &str) -> String {
    let Some((number, exponent)) = plain.split_once('e') else { return plain.to_owned() };
    let raised: String = exponent
        .chars()
        .filter_map(|c| match c {
            '-' => Some('⁻'),
            '+' => None,
            digit => digit.to_digit(10).and_then(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize)),
        })
        .collect();
    format!("{number}×10{raised}")
}

fn binary(value: &Value) -> Result<String, EvalError> {
    match value {
        Value::Int(number) => Ok(signed(*number, |number| format!("{number:b}"))),
        Value::Uint(number) => Ok(format!("{number:b}")),
        Value::Bool(value) => Ok(u8::from(*value).to_string()),
        other => Err(failed(format!("only integers and bools can be formatted as binary, was given {}", other.type_name()))),
    }
}

fn signed(number: i64, show: impl Fn(u64) -> String) -> String {
    format!("{}{}", if number < 0 { "-" } else { "" }, show(number.unsigned_abs()))
}

fn hex(value: &Value, upper: bool) -> Result<String, EvalError> {
    let of_bytes = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = match value {
        Value::Int(number) => signed(*number, |number| format!("{number:x}")),
        Value::Uint(number) => format!("{number:x}"),
        Value::String(text) => of_bytes(text.as_bytes()),
        Value::Bytes(bytes) => of_bytes(bytes),
        other => {
            let says = "only integers, byte buffers, and strings can be formatted as hex, was given";
            return Err(failed(format!("{says} {}", other.type_name())));
        }
    };
    Ok(if upper { text.to_uppercase() } else { text })
}

fn octal(value: &Value) -> Result<String, EvalError> {
    match value {
        Value::Int(number) => Ok(signed(*number, |number| format!("{number:o}"))),
        Value::Uint(number) => Ok(format!("{number:o}")),
        other => Err(failed(format!("octal clause can only be used on integers, was given {}", other.type_name()))),
    }
}
