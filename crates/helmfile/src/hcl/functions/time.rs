//! Times of RFC 3339.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span};

use super::super::value::{Outcome, Value};
use super::text_at;

/// A time in a zone: as its clocks show it, and how far they are from UTC.
struct Moment {
    clock: DateTime,
    offset_minutes: i32,
}

/// `YYYY-MM-DDTHH:MM:SS`, perhaps a fraction, and `Z` or an offset.
fn parse(text: &str) -> Result<Moment, String> {
    let refused = || format!("{text:?} is no time of RFC 3339, such as 2026-01-31T12:00:00Z");
    let digits = |from: usize, to: usize| -> Option<i16> {
        let part = text.get(from..to)?;
        if part.bytes().all(|byte| byte.is_ascii_digit()) { part.parse().ok() } else { None }
    };
    let sign = |at: usize, wanted: u8| text.as_bytes().get(at) == Some(&wanted);
    if ![(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')].into_iter().all(|(at, wanted)| sign(at, wanted)) {
        return Err(refused());
    }
    let part = |from, to| digits(from, to).ok_or_else(refused);
    let date = Date::new(part(0, 4)?, part(5, 7)? as i8, part(8, 10)? as i8).map_err(|_| refused())?;
    let (hour, minute, second) = (part(11, 13)? as i8, part(14, 16)? as i8, part(17, 19)? as i8);
    let time = Time::new(hour, minute, second, 0).map_err(|_| refused())?;
    let mut rest = text.get(19..).unwrap_or_default();
    let mut nanoseconds = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|it: char| !it.is_ascii_digit()).unwrap_or(fraction.len());
        if end == 0 {
            return Err(refused());
        }
        nanoseconds = format!("{:0<9.9}", &fraction[..end]).parse().map_err(|_| refused())?;
        rest = &fraction[end..];
    }
    let clock = date.to_datetime(time).checked_add(Span::new().nanoseconds(nanoseconds)).map_err(|_| refused())?;
    Ok(Moment { clock, offset_minutes: offset(rest).ok_or_else(refused)? })
}

/// `Z` or an offset such as `+01:00`, in minutes.
fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.as_bytes() {
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return None,
    };
    let two = |from: usize, most: i32| {
        let part = text.get(from..from + 2).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse::<i32>().ok().filter(|number| *number < most)
    };
    Some(sign * (two(1, 24)? * 60 + two(4, 60)?))
}

impl Moment {
    /// The offset, with a colon or without.
    fn offset(&self, colon: &str) -> String {
        let sign = if self.offset_minutes < 0 { '-' } else { '+' };
        let minutes = self.offset_minutes.abs();
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    fn zulu(&self) -> String {
        if self.offset_minutes == 0 { "Z".to_owned() } else { self.offset(":") }
    }
}

pub(super) fn timeadd(arguments: &[Value]) -> Outcome {
    let moment = parse(text_at(arguments, 0)?)?;
    let duration = duration(text_at(arguments, 1)?)?;
    let clock = moment.clock.checked_add(duration).map_err(|_| "the sum is too far away")?;
    let text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}",
        clock.year(),
        clock.month(),
        clock.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        moment.zulu()
    );
    Ok(Value::string(&text))
}

/// Go's `time.ParseDuration`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let refused = || format!("{text:?} is no duration, such as 1h30m");
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return Err(refused());
    }
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return Err(refused());
        }
        let unit_end = behind.find(|it: char| it.is_ascii_digit() || it == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit_end);
        let unit = unit_nanoseconds(unit).ok_or_else(refused)?;
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| refused())? };
        let fraction = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse::<f64>().map_err(|_| refused())? };
        let part = whole.checked_mul(unit).ok_or_else(refused)? + (fraction * unit as f64) as i128;
        total = total.checked_add(part).filter(|total| *total <= i128::from(i64::MAX)).ok_or_else(refused)?;
        rest = behind;
    }
    let nanoseconds = i64::try_from(total).map_err(|_| refused())?;
    Ok(SignedDuration::from_nanos(if negative { -nanoseconds } else { nanoseconds }))
}

fn unit_nanoseconds(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) fn formatdate(arguments: &[Value]) -> Outcome {
    let (format, moment) = (text_at(arguments, 0)?, parse(text_at(arguments, 1)?)?);
    let mut out = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = literal(rest, &mut out)?;
        } else if first.is_ascii_alphabetic() {
            let end = rest.find(|it| it != first).unwrap_or(rest.len());
            field(&rest[..end], first, &moment, &mut out)?;
            rest = &rest[end..];
        } else {
            let end = rest.find(|it: char| it == '\'' || it.is_ascii_alphabetic()).unwrap_or(rest.len());
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    Ok(Value::string(&out))
}

/// A text in single quotes, in which two of them stand for one; what follows it.
fn literal<'t>(rest: &'t str, out: &mut String) -> Result<&'t str, String> {
    let mut behind = &rest[1..];
    if let Some(behind) = behind.strip_prefix('\'') {
        out.push('\'');
        return Ok(behind);
    }
    loop {
        let end = behind.find('\'').ok_or("a literal in single quotes is not closed")?;
        out.push_str(&behind[..end]);
        behind = &behind[end + 1..];
        match behind.strip_prefix('\'') {
            Some(next) => {
                out.push('\'');
                behind = next;
            }
            None => return Ok(behind),
        }
    }
}

fn field(verb: &str, letter: char, moment: &Moment, out: &mut String) -> Result<(), String> {
    let clock = moment.clock;
    let name = |names: &[&'static str], at: i8| names.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or_default();
    let month = name(&MONTHS, clock.month() - 1);
    let day = name(&DAYS, clock.weekday().to_sunday_zero_offset());
    let plain = |number: i8| (number, verb.len());
    let numeric = match (letter, verb.len()) {
        ('M', 1 | 2) => Some(plain(clock.month())),
        ('D', 1 | 2) => Some(plain(clock.day())),
        ('h', 1 | 2) => Some(plain(clock.hour())),
        ('H', 1 | 2) => Some(plain(if clock.hour() % 12 == 0 { 12 } else { clock.hour() % 12 })),
        ('m', 1 | 2) => Some(plain(clock.minute())),
        ('s', 1 | 2) => Some(plain(clock.second())),
        _ => None,
    };
    if let Some((number, width)) = numeric {
        let _ = write!(out, "{number:0width$}");
        return Ok(());
    }
    let half = if clock.hour() < 12 { "am" } else { "pm" };
    match (letter, verb.len()) {
        ('Y', 2) => {
            let _ = write!(out, "{:02}", clock.year() % 100);
        }
        ('Y', 4) => {
            let _ = write!(out, "{:04}", clock.year());
        }
        ('M', 3) => out.push_str(&month[..3]),
        ('M', 4) => out.push_str(month),
        ('E', 3) => out.push_str(&day[..3]),
        ('E', 4) => out.push_str(day),
        ('A', 2) => out.push_str(&half.to_uppercase()),
        ('a', 2) => out.push_str(half),
        ('Z', 1) => out.push_str(&moment.zulu()),
        ('Z', 3) if moment.offset_minutes == 0 => out.push_str("UTC"),
        ('Z', 3 | 4) => out.push_str(&moment.offset("")),
        ('Z', 5) => out.push_str(&moment.offset(":")),
        _ => return Err(format!("{verb:?} is no part of a date's format")),
    }
    Ok(())
}
