//! Go's `fmt` and `strconv`: values as text.

pub mod float;
mod number;
mod print;
mod verbs;

use super::value::Value;
use print::Printer;

/// The digits before the point of a number in groups of three, as the English of `golang.org/x/text` has them: `-1,234.5`.
pub fn grouped(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Go's `fmt.Sprint`: the values with `%v`, with a space between two of which neither is a string.
pub fn sprint(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.sprint(args);
    printer.out
}

/// Go's `fmt.Sprintln`: the values with `%v` and spaces between them, then a line break.
pub(crate) fn sprintln(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.sprintln(args);
    printer.out
}

/// Go's `fmt.Sprintf`.
pub fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.sprintf(format, args);
    printer.out
}

/// One value as `%v` prints it.
pub fn to_bytes(value: &Value) -> Vec<u8> {
    let mut printer = Printer::new();
    printer.print_arg(value, u32::from(b'v'));
    printer.out
}

/// One value as `%v` prints it, with U+FFFD for what is not UTF-8.
pub fn to_text(value: &Value) -> String {
    String::from_utf8_lossy(&to_bytes(value)).into_owned()
}

/// Go's `strconv.Quote`, which is `%q` of a string.
pub fn quote(bytes: &[u8]) -> String {
    super::text::quote(bytes, false)
}

/// Appends what an action prints: pointers are followed, nothing is `<no value>`. Whether the value could be printed:
/// it cannot when it nests without end, or its text does not.
pub(super) fn print_value(out: &mut Vec<u8>, value: &Value) -> bool {
    match value {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Str(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        _ => {
            let mut printer = Printer::new();
            std::mem::swap(&mut printer.out, out);
            printer.print_dereferenced(value);
            std::mem::swap(&mut printer.out, out);
            return !printer.overflow;
        }
    }
    true
}

/// [`sprint`] with pointers followed, as the escaping functions print their arguments.
pub(super) fn sprint_dereferenced(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new();
    let mut after_string = true;
    for value in args {
        let is_string = matches!(value, Value::Str(_));
        if !is_string && !after_string {
            printer.out.push(b' ');
        }
        printer.print_dereferenced(value);
        after_string = is_string;
    }
    printer.out
}
