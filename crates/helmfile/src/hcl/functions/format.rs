//! `format` and `formatlist`: cty's own `printf`.

use num_bigint::BigInt;
use unicode_segmentation::UnicodeSegmentation;

use super::super::number::Number;
use super::super::value::{Outcome, Type, Value, convert};
use super::encoding::{write_json, write_json_text};
use super::text_at;
use super::texts::LONGEST;

/// Widths and precisions may be this large.
const WIDEST: usize = 100_000;

/// `%`, flags, width, precision, the number of an argument, and a letter.
#[derive(Default)]
struct Verb {
    zero: bool,
    sharp: bool,
    plus: bool,
    minus: bool,
    space: bool,
    width: Option<usize>,
    precision: Option<usize>,
    argument: usize,
    letter: char,
}

pub(super) fn format(arguments: &[Value]) -> Outcome {
    let text = formatted(text_at(arguments, 0)?, arguments.get(1..).unwrap_or_default())?;
    Ok(Value::string(&text))
}

/// Lists are gone through side by side; what is no list is the same each time.
pub(super) fn formatlist(arguments: &[Value]) -> Outcome {
    let format = text_at(arguments, 0)?;
    let arguments = arguments.get(1..).unwrap_or_default();
    let mut lengths = arguments.iter().filter_map(Value::items).map(<[Value]>::len);
    let length = lengths.next();
    if lengths.any(|other| Some(other) != length) {
        return Err("the lists have different lengths".to_owned());
    }
    let mut texts = Vec::new();
    for at in 0..length.unwrap_or(1) {
        let row =
            arguments.iter().map(|argument| argument.items().map_or(Some(argument), |items| items.get(at)).cloned().unwrap_or(Value::NULL));
        let text = formatted(format, &row.collect::<Vec<_>>()).map_err(|why| format!("for item {at}: {why}"))?;
        texts.push(Value::string(&text));
    }
    Value::strings(texts)
}

fn formatted(format: &str, arguments: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let (mut rest, mut next, mut highest) = (format, 1, 0);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            out.push('%');
            rest = behind;
            continue;
        }
        let verb;
        (verb, rest) = read_verb(rest, next)?;
        let value = arguments.get(verb.argument.wrapping_sub(1)).ok_or_else(|| format!("there is no argument {}", verb.argument))?;
        write_value(&verb, value, &mut out)?;
        highest = highest.max(verb.argument);
        next = verb.argument + 1;
        if out.len() > LONGEST {
            return Err(format!("the text would have more than {LONGEST} bytes"));
        }
    }
    out.push_str(rest);
    if highest < arguments.len() {
        return Err(match highest {
            0 => format!("{} arguments are given, and the format uses none", arguments.len()),
            highest => format!("{} arguments are given, and the format uses only the first {highest}", arguments.len()),
        });
    }
    Ok(out)
}

fn read_verb(mut rest: &str, next: usize) -> Result<(Verb, &str), String> {
    let mut verb = Verb { argument: next, ..Verb::default() };
    while let Some(flag) = rest.chars().next().filter(|flag| "0#-+ ".contains(*flag)) {
        match flag {
            '0' => verb.zero = true,
            '#' => verb.sharp = true,
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            _ => verb.space = true,
        }
        rest = &rest[1..];
    }
    if rest.starts_with(|first: char| first.is_ascii_digit()) {
        let width;
        (width, rest) = read_number(rest)?;
        verb.width = Some(width);
    }
    if let Some(behind) = rest.strip_prefix('.') {
        let precision;
        (precision, rest) = read_number(behind)?;
        verb.precision = Some(precision);
    }
    if let Some(behind) = rest.strip_prefix('[') {
        (verb.argument, rest) = read_number(behind)?;
        rest = rest.strip_prefix(']').filter(|_| verb.argument > 0).ok_or("the number of an argument is not well formed")?;
    }
    let letter = rest.chars().next().ok_or("the format ends within a verb")?;
    if !letter.is_ascii_alphabetic() {
        return Err(format!("{letter:?} cannot be in a verb"));
    }
    verb.letter = letter;
    Ok((verb, &rest[1..]))
}

fn read_number(rest: &str) -> Result<(usize, &str), String> {
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let number = if end == 0 { 0 } else { rest[..end].parse().unwrap_or(usize::MAX) };
    if number > WIDEST { Err(format!("the number {} is too large", &rest[..end])) } else { Ok((number, &rest[end..])) }
}

fn write_value(verb: &Verb, value: &Value, out: &mut String) -> Result<(), String> {
    if value.is_null() && verb.letter != 'v' {
        return Err(format!("null cannot be written with %{}", verb.letter));
    }
    let unfit = |why: String| format!("a value does not fit %{}: {why}", verb.letter);
    match verb.letter {
        'v' => out.push_str(&padded(verb, &as_it_is(verb, value))),
        't' => match convert(value, &Type::Bool).map_err(unfit)? {
            Value::Bool(true) => out.push_str("true"),
            _ => out.push_str("false"),
        },
        'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' => match convert(value, &Type::Number).map_err(unfit)? {
            Value::Number(number) => out.push_str(&number_text(verb, &number)?),
            _ => return Err(unfit("a number is required".to_owned())),
        },
        's' | 'q' => match convert(value, &Type::String).map_err(unfit)? {
            Value::String(text) => out.push_str(&padded(verb, &text_of(verb, &text))),
            _ => return Err(unfit("a text is required".to_owned())),
        },
        letter => return Err(format!("there is no verb %{letter}")),
    }
    Ok(())
}

fn as_it_is(verb: &Verb, value: &Value) -> String {
    match value {
        Value::String(text) if !verb.sharp => text.to_string(),
        Value::Number(number) if !verb.sharp => number.text('g', None),
        value => {
            let mut out = String::new();
            write_json(value, &mut out);
            out
        }
    }
}

/// A precision of zero does not shorten a text.
fn text_of(verb: &Verb, text: &str) -> String {
    let text = match verb.precision {
        Some(most) if most > 0 => text.graphemes(true).take(most).collect(),
        _ => text.to_owned(),
    };
    if verb.letter == 's' {
        return text;
    }
    let mut quoted = String::new();
    write_json_text(&text, &mut quoted);
    quoted
}

fn padded(verb: &Verb, text: &str) -> String {
    let missing = verb.width.unwrap_or(0).saturating_sub(text.graphemes(true).count());
    let padding = if verb.zero { "0" } else { " " }.repeat(missing);
    if verb.minus { format!("{text}{padding}") } else { format!("{padding}{text}") }
}

/// A number as Go's `fmt` writes it.
fn number_text(verb: &Verb, number: &Number) -> Result<String, String> {
    let whole = || if number.is_integer() { Ok(number.truncated()) } else { Err(format!("%{} needs a whole number", verb.letter)) };
    let (negative, digits) = match verb.letter {
        'b' | 'd' | 'o' | 'x' | 'X' => {
            let whole = whole()?;
            (whole < BigInt::ZERO, integer_text(verb, &whole))
        }
        letter => {
            let precision = verb.precision.or(if letter.eq_ignore_ascii_case(&'g') { None } else { Some(6) });
            let text = number.text(letter.to_ascii_lowercase(), precision);
            let text = if letter.is_ascii_uppercase() { text.to_uppercase() } else { text };
            (text.starts_with('-'), text.trim_start_matches('-').to_owned())
        }
    };
    let sign = match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let missing = verb.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
    let is_integer = matches!(verb.letter, 'b' | 'd' | 'o' | 'x' | 'X');
    Ok(if verb.minus {
        format!("{sign}{digits}{}", " ".repeat(missing))
    } else if verb.zero && !(is_integer && verb.precision.is_some()) {
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        format!("{}{sign}{digits}", " ".repeat(missing))
    })
}

fn integer_text(verb: &Verb, whole: &BigInt) -> String {
    let (radix, prefix) = match verb.letter {
        'b' => (2, "0b"),
        'o' => (8, "0"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits = whole.magnitude().to_str_radix(radix);
    let digits = if verb.letter == 'X' { digits.to_uppercase() } else { digits };
    let zeros = verb.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = if verb.precision == Some(0) && digits == "0" { String::new() } else { digits };
    format!("{}{}{digits}", if verb.sharp { prefix } else { "" }, "0".repeat(zeros))
}
