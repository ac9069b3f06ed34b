//! Layouts: a time shown as the reference time, Mon Jan 2 15:04:05 MST 2006, is written in the layout.

use super::Moment;
use super::civil::{MONTHS, WEEKDAYS};

/// An element of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset: whether zero is `Z`, and its shape.
    Offset {
        iso: bool,
        shape: Shape,
    },
    /// `.000`: this many digits after this sign.
    Fraction {
        digits: usize,
        sign: u8,
    },
    /// `.999`: at most this many digits, none at all where they would be zeros.
    TrimmedFraction {
        digits: usize,
        sign: u8,
    },
}

/// The shape of an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// The elements that stand for themselves in full, longer ones before their beginnings.
const FIXED: &[(&[u8], Element)] = &[
    (b"January", Element::LongMonth),
    (b"Monday", Element::LongWeekDay),
    (b"MST", Element::ZoneName),
    (b"002", Element::ZeroYearDay),
    (b"01", Element::ZeroMonth),
    (b"02", Element::ZeroDay),
    (b"03", Element::ZeroHour12),
    (b"04", Element::ZeroMinute),
    (b"05", Element::ZeroSecond),
    (b"06", Element::Year),
    (b"15", Element::Hour),
    (b"1", Element::NumMonth),
    (b"2006", Element::LongYear),
    (b"2", Element::Day),
    (b"__2", Element::UnderYearDay),
    (b"_2", Element::UnderDay),
    (b"3", Element::Hour12),
    (b"4", Element::Minute),
    (b"5", Element::Second),
    (b"PM", Element::UpperPm),
    (b"pm", Element::LowerPm),
];

const SHAPES: &[(&[u8], Shape)] = &[
    (b"070000", Shape::Seconds),
    (b"07:00:00", Shape::ColonSeconds),
    (b"0700", Shape::Minutes),
    (b"07:00", Shape::ColonMinutes),
    (b"07", Shape::Hours),
];

/// The element that a text starts with, and its size.
fn element_at(text: &[u8]) -> Option<(Element, usize)> {
    let sign = *text.first()?;
    match sign {
        b'-' | b'Z' => {
            let found = SHAPES.iter().find(|(shape, _)| text[1..].starts_with(shape));
            return found.map(|(text, shape)| (Element::Offset { iso: sign == b'Z', shape: *shape }, text.len() + 1));
        }
        b'.' | b',' => return fraction(text, sign),
        // `_2006` is an underscore and a year.
        b'_' if text.starts_with(b"_2006") => return None,
        _ => {}
    }
    if let Some((text, element)) = FIXED.iter().find(|(fixed, _)| text.starts_with(fixed)) {
        return Some((*element, text.len()));
    }
    let short = |name: &[u8]| text.starts_with(name) && !text.get(3).is_some_and(u8::is_ascii_lowercase);
    match () {
        () if short(b"Jan") => Some((Element::Month, 3)),
        () if short(b"Mon") => Some((Element::WeekDay, 3)),
        () => None,
    }
}

/// Fractional seconds: a sign and a run of zeros or nines that no other digit follows.
fn fraction(text: &[u8], sign: u8) -> Option<(Element, usize)> {
    let digit = *text.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = text[1..].iter().take_while(|byte| **byte == digit).count();
    if text.get(digits + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let element = if digit == b'0' { Element::Fraction { digits, sign } } else { Element::TrimmedFraction { digits, sign } };
    Some((element, digits + 1))
}

/// The first element of a layout with its text, what stands before it and what follows it.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<(Element, &[u8])>, &[u8]) {
    for at in 0..layout.len() {
        if let Some((element, size)) = element_at(&layout[at..]) {
            return (&layout[..at], Some((element, &layout[at..at + size])), &layout[at + size..]);
        }
    }
    (layout, None, b"")
}

/// The moment written in a layout, as `Time.Format` does.
pub fn format(moment: &Moment, mut layout: &[u8]) -> Vec<u8> {
    let civil = moment.civil();
    let (name, offset) = moment.offset();
    let mut out = Vec::with_capacity(layout.len() + 10);
    while !layout.is_empty() {
        let (prefix, found, rest) = next(layout);
        out.extend_from_slice(prefix);
        layout = rest;
        match found {
            None => break,
            Some((Element::ZoneName, _)) => out.extend_from_slice(name.as_bytes()),
            Some((Element::Offset { iso, shape }, _)) => write_offset(&mut out, offset, iso, shape),
            Some((element, _)) => write(&mut out, element, &civil, moment.nanoseconds),
        }
    }
    out
}

fn write(out: &mut Vec<u8>, element: Element, civil: &super::Civil, nanoseconds: u32) {
    let month = MONTHS.get(usize::from(civil.month) - 1).copied().unwrap_or_default();
    let weekday = WEEKDAYS.get(usize::from(civil.weekday)).copied().unwrap_or_default();
    let hour12 = (civil.hour + 11) % 12 + 1;
    let text = match element {
        Element::LongMonth => month.to_owned(),
        Element::Month => month[..3].to_owned(),
        Element::NumMonth => civil.month.to_string(),
        Element::ZeroMonth => format!("{:02}", civil.month),
        Element::LongWeekDay => weekday.to_owned(),
        Element::WeekDay => weekday[..3].to_owned(),
        Element::Day => civil.day.to_string(),
        Element::UnderDay => format!("{:2}", civil.day),
        Element::ZeroDay => format!("{:02}", civil.day),
        Element::UnderYearDay => format!("{:3}", civil.year_day),
        Element::ZeroYearDay => format!("{:03}", civil.year_day),
        Element::Hour => format!("{:02}", civil.hour),
        Element::Hour12 => hour12.to_string(),
        Element::ZeroHour12 => format!("{hour12:02}"),
        Element::Minute => civil.minute.to_string(),
        Element::ZeroMinute => format!("{:02}", civil.minute),
        Element::Second => civil.second.to_string(),
        Element::ZeroSecond => format!("{:02}", civil.second),
        Element::LongYear if civil.year < 0 => format!("-{:04}", civil.year.unsigned_abs()),
        Element::LongYear => format!("{:04}", civil.year),
        Element::Year => format!("{:02}", civil.year.unsigned_abs() % 100),
        Element::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Element::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Element::Fraction { digits, sign } => fraction_text(nanoseconds, digits, sign, false),
        Element::TrimmedFraction { digits, sign } => fraction_text(nanoseconds, digits, sign, true),
        Element::ZoneName | Element::Offset { .. } => String::new(),
    };
    out.extend_from_slice(text.as_bytes());
}

fn fraction_text(nanoseconds: u32, digits: usize, sign: u8, trim: bool) -> String {
    let all = format!("{nanoseconds:09}");
    let mut kept = all.get(..digits.min(9)).unwrap_or_default();
    if trim {
        kept = kept.trim_end_matches('0');
        if kept.is_empty() {
            return String::new();
        }
    }
    format!("{}{kept}", char::from(sign))
}

fn write_offset(out: &mut Vec<u8>, offset: i32, iso: bool, shape: Shape) {
    if iso && offset == 0 {
        out.push(b'Z');
        return;
    }
    // Go takes the sign from the whole minutes.
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = match shape {
        Shape::Hours => format!("{sign}{hours:02}"),
        Shape::Minutes => format!("{sign}{hours:02}{minutes:02}"),
        Shape::ColonMinutes => format!("{sign}{hours:02}:{minutes:02}"),
        Shape::Seconds => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
        Shape::ColonSeconds => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    };
    out.extend_from_slice(text.as_bytes());
}
