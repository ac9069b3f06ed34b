//! `Sprintf`: the format with its verbs, flags and argument numbers; and `time.Time` as Go source and as a struct.

use super::number::Flags;
use super::print::Printer;
use crate::text;
use crate::time;
use crate::value::{Kind, Rare, Value};

/// The largest width, precision or argument number that Go takes.
const TOO_LARGE: i64 = 1_000_000;

/// Where in a format and its arguments printing has come to.
struct Cursor<'f> {
    format: &'f [u8],
    at: usize,
    args: &'f [Value],
    arg: usize,
    /// Whether an argument number was used.
    reordered: bool,
    /// Whether the last item was an argument number.
    after_index: bool,
    good_index: bool,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Go's `parsenum`: digits at the cursor; a number too large swallows the rest of the format.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let sofar = number.unwrap_or(0);
            if sofar > TOO_LARGE as usize {
                self.at = self.format.len();
                return None;
            }
            number = Some(sofar * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// Go's `argNumber`: `[3]` at the cursor.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let (index, width, ok) = parse_index(rest);
        self.at += width;
        self.after_index = ok;
        match index.filter(|index| ok && *index < self.args.len()) {
            Some(index) => {
                self.arg = index;
                self.after_index = true;
            }
            None => self.good_index = false,
        }
    }

    /// Go's `intFromArg`: a width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        self.at += 1;
        let value = self.args.get(self.arg)?;
        self.arg += 1;
        let number = match value {
            Value::Int(number) | Value::Int64(number) => *number,
            Value::Rare(rare) => match &**rare {
                Rare::Integer(_, _, number) => i64::try_from(*number).ok()?,
                _ => return None,
            },
            _ => return None,
        };
        (-TOO_LARGE..=TOO_LARGE).contains(&number).then_some(number)
    }
}

/// Go's `parseArgNumber`: the index, how many bytes it took, and whether it is well-formed.
fn parse_index(format: &[u8]) -> (Option<usize>, usize, bool) {
    if format.len() < 3 {
        return (None, 1, false);
    }
    let Some(end) = format.iter().position(|byte| *byte == b']').filter(|end| *end > 0) else { return (None, 1, false) };
    let digits = format.get(1..end).unwrap_or_default();
    let valid = !digits.is_empty() && digits.len() < 8 && digits.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok()).filter(|_| valid);
    match number {
        Some(number) if number <= 10 * TOO_LARGE as usize + 9 => (number.checked_sub(1), end + 1, true),
        _ => (None, end + 1, false),
    }
}

impl Printer {
    pub(super) fn sprintf(&mut self, format: &[u8], args: &[Value]) {
        let mut cursor = Cursor { format, at: 0, args, arg: 0, reordered: false, after_index: false, good_index: true };
        while cursor.at < format.len() {
            let rest = format.get(cursor.at..).unwrap_or_default();
            let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            self.out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            cursor.at += plain + 1;
            if plain < rest.len() {
                self.verb(&mut cursor);
            }
        }
        self.extra(&cursor);
    }

    /// Arguments that no verb asked for.
    fn extra(&mut self, cursor: &Cursor<'_>) {
        let left = cursor.args.get(cursor.arg..).unwrap_or_default();
        if cursor.reordered || left.is_empty() {
            return;
        }
        self.flags = Flags::default();
        self.put("%!(EXTRA ");
        for (at, arg) in left.iter().enumerate() {
            self.put(if at > 0 { ", " } else { "" });
            if matches!(arg, Value::Nil) {
                self.put("<nil>");
            } else {
                self.put(arg.type_name());
                self.put("=");
                self.print_arg(arg, u32::from(b'v'));
            }
        }
        self.put(")");
    }

    /// One verb; its percent sign is past.
    fn verb(&mut self, cursor: &mut Cursor<'_>) {
        cursor.good_index = true;
        self.flags = Flags::default();
        while let Some(flag) = cursor.peek() {
            match flag {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            cursor.at += 1;
        }
        // A lower-case verb right after the flags is done at once: an argument number from before does not count then.
        if let (Some(verb @ b'a'..=b'z'), Some(arg)) = (cursor.peek(), cursor.args.get(cursor.arg)) {
            cursor.at += 1;
            cursor.arg += 1;
            return self.print_verb(arg, u32::from(verb));
        }
        cursor.index();
        self.width(cursor);
        self.precision(cursor);
        if !cursor.after_index {
            cursor.index();
        }
        let (verb, size) = text::decode(cursor.format.get(cursor.at..).unwrap_or_default());
        if size == 0 {
            return self.put("%!(NOVERB)");
        }
        cursor.at += size;
        self.finish(cursor, verb);
    }

    fn finish(&mut self, cursor: &mut Cursor<'_>, verb: u32) {
        if verb == u32::from(b'%') {
            return self.out.push(b'%');
        }
        if !cursor.good_index {
            return self.complain(verb, "(BADINDEX)");
        }
        match cursor.args.get(cursor.arg) {
            None => self.complain(verb, "(MISSING)"),
            Some(arg) => {
                cursor.arg += 1;
                self.print_verb(arg, verb);
            }
        }
    }

    fn complain(&mut self, verb: u32, what: &str) {
        self.put("%!");
        text::push_rune(&mut self.out, verb);
        self.put(what);
    }

    fn print_verb(&mut self, arg: &Value, verb: u32) {
        if verb == u32::from(b'v') || verb == u32::from(b'w') {
            self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
            self.flags.plus_v = std::mem::take(&mut self.flags.plus);
        }
        self.print_arg(arg, verb);
    }

    fn width(&mut self, cursor: &mut Cursor<'_>) {
        if cursor.peek() != Some(b'*') {
            self.flags.width = cursor.number();
            if cursor.after_index && self.flags.width.is_some() {
                cursor.good_index = false;
            }
            return;
        }
        match cursor.star() {
            Some(width) => {
                if width < 0 {
                    self.flags.minus = true;
                    self.flags.zero = false;
                }
                self.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
            None => self.put("%!(BADWIDTH)"),
        }
        cursor.after_index = false;
    }

    fn precision(&mut self, cursor: &mut Cursor<'_>) {
        // Go looks at one byte more than the point itself.
        if cursor.peek() != Some(b'.') || cursor.at + 1 >= cursor.format.len() {
            return;
        }
        cursor.at += 1;
        if cursor.after_index {
            cursor.good_index = false;
        }
        cursor.index();
        if cursor.peek() != Some(b'*') {
            self.flags.precision = Some(cursor.number().unwrap_or(0));
            return;
        }
        self.flags.precision = cursor.star().and_then(|precision| usize::try_from(precision).ok());
        if self.flags.precision.is_none() {
            self.put("%!(BADPREC)");
        }
        cursor.after_index = false;
    }
}

/// Go's `time.Time.GoString`, which `%#v` prints.
pub(super) fn time_source(moment: &jiff::Zoned) -> String {
    let date = moment.datetime();
    let month = time::integer_string("time.Month", i128::from(date.month())).unwrap_or_default();
    let zone = match moment.time_zone().iana_name() {
        Some("UTC") => "time.UTC".to_owned(),
        Some("Local") => "time.Local".to_owned(),
        Some(name) => format!("time.Location({})", text::quote(name.as_bytes(), false)),
        None if moment.offset().seconds() == 0 => "time.UTC".to_owned(),
        None => "time.Location(\"\")".to_owned(),
    };
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {zone})",
        date.year(),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        date.subsec_nanosecond()
    )
}

/// The unexported fields of a `time.Time` in UTC without a monotonic clock, for verbs its methods don't serve.
pub(super) fn time_fields(time: &jiff::Zoned) -> [(&'static str, Value); 3] {
    const FROM_YEAR_ONE: i64 = 62_135_596_800;
    let nanoseconds = i128::from(time.datetime().subsec_nanosecond());
    let seconds = time.timestamp().as_nanosecond().div_euclid(1_000_000_000);
    let wall = Value::integer("uint64", Kind::Uint64, nanoseconds);
    let ext = Value::Int64(i64::try_from(seconds).unwrap_or(0).saturating_add(FROM_YEAR_ONE));
    [("wall", wall), ("ext", ext), ("loc", Value::Rare(std::rc::Rc::new(Rare::NilPointer("*time.Location"))))]
}
