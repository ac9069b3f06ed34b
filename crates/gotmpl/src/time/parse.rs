//! Reading a time that is written in a layout.

use super::civil::{MONTHS, WEEKDAYS, days_before, days_in, is_leap, seconds_of};
use super::layout::{Element, Shape, next};
use super::{Moment, zone};
use jiff::tz::TimeZone;

/// Why a text is no time in a layout; prints as Go's `parsing time "…": …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimeError(String);

impl std::fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseTimeError {}

/// Go's quoting of this package: what is not printable ASCII as `\x…`, byte by byte.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..0x80 => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Why an element could not be read.
enum Bad {
    Text,
    /// It is out of its range; what follows it in the value does not matter to the message.
    Range(&'static str),
}

type Read<'v, T> = Result<(T, &'v [u8]), Bad>;

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<u8>,
    day: Option<u16>,
    year_day: Option<u16>,
    hour: u8,
    minute: u8,
    second: u8,
    nanoseconds: u32,
    am: bool,
    pm: bool,
    utc: bool,
    offset: Option<i32>,
    zone_name: String,
}

/// Whether a text is a time as Go's `Time.UnmarshalJSON` takes it: stricter than the layout can say.
///
/// # Errors
/// Go's own text.
pub fn check_rfc3339(value: &[u8]) -> Result<(), String> {
    const LAYOUT: &[u8] = b"2006-01-02T15:04:05Z07:00";
    parse(LAYOUT, value, &TimeZone::UTC).map_err(|error| error.to_string())?;
    let instead = |found: &[u8], wanted: &str| {
        format!("parsing time {} as {}: cannot parse {} as {wanted:?}", quote(value), quote(LAYOUT), quote(found))
    };
    let at = |index: usize| value.get(index).copied().unwrap_or_default();
    if at(12) == b':' {
        return Err(instead(value.get(11..12).unwrap_or_default(), "15"));
    }
    if at(19) == b',' {
        return Err(instead(b",", "."));
    }
    let two = |from_end: usize| {
        let at = |from_end: usize| {
            value.len().checked_sub(from_end).and_then(|index| value.get(index)).map_or(0, |digit| digit.wrapping_sub(b'0'))
        };
        at(from_end).wrapping_mul(10).wrapping_add(at(from_end - 1))
    };
    let beyond = |what: &str| Err(format!("parsing time {}: timezone {what} out of range", quote(value)));
    match value.last() {
        Some(b'Z') | None => Ok(()),
        Some(_) if two(5) >= 24 => beyond("hour"),
        Some(_) if two(2) >= 60 => beyond("minute"),
        Some(_) => Ok(()),
    }
}

/// Reads a time; where neither an offset nor a zone is given it is in `local`, as `time.ParseInLocation` does.
///
/// # Errors
/// Go's own text.
pub fn parse(layout: &[u8], value: &[u8], local: &TimeZone) -> Result<Moment, ParseTimeError> {
    let (mut pattern, mut rest) = (layout, value);
    let mut fields = Fields::default();
    let cannot = |text: &[u8], element: &[u8]| {
        let (value, layout, text, element) = (quote(value), quote(layout), quote(text), quote(element));
        ParseTimeError(format!("parsing time {value} as {layout}: cannot parse {text} as {element}"))
    };
    let wrong = |what: &str| ParseTimeError(format!("parsing time {}: {what}", quote(value)));
    loop {
        let (prefix, found, after) = next(pattern);
        rest = skip(rest, prefix).map_err(|at| cannot(at, prefix))?;
        let Some((element, text)) = found else { break };
        pattern = after;
        rest = match fields.read(element, rest, pattern) {
            Ok(after) => after,
            Err(Bad::Text) => return Err(cannot(rest, text)),
            Err(Bad::Range(what)) => return Err(wrong(&format!("{what} out of range"))),
        };
    }
    if !rest.is_empty() {
        return Err(wrong(&format!("extra text: {}", quote(rest))));
    }
    fields.moment(local).map_err(wrong)
}

/// The value behind a literal part of the layout, in which one space stands for any number of them.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let Some((&first, others)) = prefix.split_first() {
        if first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            prefix = trim_spaces(prefix);
            value = trim_spaces(value);
            continue;
        }
        match value.split_first() {
            Some((byte, after)) if *byte == first => (value, prefix) = (after, others),
            _ => return Err(value),
        }
    }
    Ok(value)
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

/// One or two digits, or exactly two.
fn number(value: &[u8], fixed: bool) -> Read<'_, u8> {
    match value {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => Ok(((tens - b'0') * 10 + ones - b'0', rest)),
        [ones @ b'0'..=b'9', rest @ ..] if !fixed => Ok((ones - b'0', rest)),
        _ => Err(Bad::Text),
    }
}

/// A number below a limit.
fn below<'v>(value: &'v [u8], fixed: bool, limit: u8, what: &'static str) -> Read<'v, u8> {
    let (number, rest) = number(value, fixed)?;
    if number < limit { Ok((number, rest)) } else { Err(Bad::Range(what)) }
}

/// The number of the name that the value starts with, upper and lower case alike.
fn name<'v>(value: &'v [u8], names: &[&str], size: usize) -> Read<'v, u8> {
    for (at, name) in (0_u8..).zip(names) {
        let name = name.as_bytes();
        let name = &name[..name.len().min(size)];
        if let Some((start, rest)) = value.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((at, rest));
        }
    }
    Err(Bad::Text)
}

/// Nanoseconds from a sign and digits.
fn nanoseconds(text: &[u8]) -> Result<u32, Bad> {
    let Some((b'.' | b',', digits)) = text.split_first() else { return Err(Bad::Text) };
    let digits = &digits[..digits.len().min(9)];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Text);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    Ok(number * 10_u32.pow(9 - digits.len() as u32))
}

fn has_fraction(value: &[u8]) -> bool {
    matches!(value, [b'.' | b',', b'0'..=b'9', ..])
}

/// The size of a sign and the digits after it.
fn fraction_size(value: &[u8]) -> usize {
    1 + value[1..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn four_digits(value: &[u8]) -> Read<'_, i64> {
    let (digits, rest) = value.split_at_checked(4).ok_or(Bad::Text)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Text);
    }
    Ok((digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')), rest))
}

impl Fields {
    /// Reads one element; `layout` is what follows it there.
    fn read<'v>(&mut self, element: Element, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Bad> {
        let spaced = if matches!(element, Element::UnderDay) { value.strip_prefix(b" ").unwrap_or(value) } else { value };
        let rest;
        match element {
            Element::Year => {
                let (year, after) = number(value, true)?;
                self.year = i64::from(year) + if year >= 69 { 1900 } else { 2000 };
                rest = after;
            }
            Element::LongYear => (self.year, rest) = four_digits(value)?,
            Element::Month | Element::LongMonth => {
                let (month, after) = name(value, &MONTHS, if element == Element::Month { 3 } else { 9 })?;
                (self.month, rest) = (Some(month + 1), after);
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, after) = below(value, element == Element::ZeroMonth, 13, "month")?;
                if month == 0 {
                    return Err(Bad::Range("month"));
                }
                (self.month, rest) = (Some(month), after);
            }
            Element::WeekDay => (_, rest) = name(value, &WEEKDAYS, 3)?,
            Element::LongWeekDay => (_, rest) = name(value, &WEEKDAYS, 9)?,
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let (day, after) = number(spaced, element == Element::ZeroDay)?;
                (self.day, rest) = (Some(u16::from(day)), after);
            }
            Element::UnderYearDay | Element::ZeroYearDay => rest = self.read_year_day(element, value)?,
            Element::Hour => (self.hour, rest) = below(value, false, 24, "hour")?,
            Element::Hour12 | Element::ZeroHour12 => (self.hour, rest) = below(value, element == Element::ZeroHour12, 13, "hour")?,
            Element::Minute | Element::ZeroMinute => (self.minute, rest) = below(value, element == Element::ZeroMinute, 60, "minute")?,
            Element::Second | Element::ZeroSecond => rest = self.read_second(element, value, layout)?,
            Element::UpperPm => rest = self.read_half(value, b"AM", b"PM")?,
            Element::LowerPm => rest = self.read_half(value, b"am", b"pm")?,
            Element::Offset { iso, shape } => rest = self.read_offset(value, iso, shape)?,
            Element::ZoneName => rest = self.read_zone(value)?,
            Element::Fraction { digits, .. } => {
                let (text, after) = value.split_at_checked(digits + 1).ok_or(Bad::Text)?;
                if !text[1..].iter().all(u8::is_ascii_digit) {
                    return Err(Bad::Text);
                }
                (self.nanoseconds, rest) = (nanoseconds(text)?, after);
            }
            Element::TrimmedFraction { .. } if !has_fraction(value) => rest = value,
            Element::TrimmedFraction { .. } => rest = self.read_fraction(value)?,
        }
        Ok(rest)
    }

    fn read_fraction<'v>(&mut self, value: &'v [u8]) -> Result<&'v [u8], Bad> {
        let (text, after) = value.split_at(fraction_size(value));
        self.nanoseconds = nanoseconds(text)?;
        Ok(after)
    }

    fn read_year_day<'v>(&mut self, element: Element, value: &'v [u8]) -> Result<&'v [u8], Bad> {
        let mut value = value;
        for _ in 0..2 {
            if element == Element::UnderYearDay {
                value = value.strip_prefix(b" ").unwrap_or(value);
            }
        }
        let size = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if size == 0 || element == Element::ZeroYearDay && size != 3 {
            return Err(Bad::Text);
        }
        let (digits, rest) = value.split_at(size);
        self.year_day = Some(digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')));
        Ok(rest)
    }

    /// Seconds, and a fraction of them even where the layout has none.
    fn read_second<'v>(&mut self, element: Element, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Bad> {
        let (second, rest) = below(value, element == Element::ZeroSecond, 60, "second")?;
        self.second = second;
        let expected = matches!(next(layout).1, Some((Element::Fraction { .. } | Element::TrimmedFraction { .. }, _)));
        if has_fraction(rest) && !expected { self.read_fraction(rest) } else { Ok(rest) }
    }

    fn read_half<'v>(&mut self, value: &'v [u8], am: &[u8], pm: &[u8]) -> Result<&'v [u8], Bad> {
        let (half, rest) = value.split_at_checked(2).ok_or(Bad::Text)?;
        if half != am && half != pm {
            return Err(Bad::Text);
        }
        self.am |= half == am;
        self.pm |= half == pm;
        Ok(rest)
    }

    fn read_offset<'v>(&mut self, value: &'v [u8], iso: bool, shape: Shape) -> Result<&'v [u8], Bad> {
        if iso && let Some(rest) = value.strip_prefix(b"Z") {
            self.utc = true;
            return Ok(rest);
        }
        let pattern: &[u8] = match shape {
            Shape::Hours => b"+hh",
            Shape::Minutes => b"+hhmm",
            Shape::ColonMinutes => b"+hh:mm",
            Shape::Seconds => b"+hhmmss",
            Shape::ColonSeconds => b"+hh:mm:ss",
        };
        let (text, rest) = value.split_at_checked(pattern.len()).ok_or(Bad::Text)?;
        if pattern.iter().zip(text).any(|(wanted, byte)| *wanted == b':' && *byte != b':') {
            return Err(Bad::Text);
        }
        let part = |letter: u8| match pattern.iter().position(|byte| *byte == letter) {
            Some(at) => number(&text[at..at + 2], true).map(|(number, _)| i32::from(number)),
            None => Ok(0),
        };
        let hours = part(b'h');
        let minutes = hours.as_ref().map_or(Ok(0), |_| part(b'm'));
        let seconds = minutes.as_ref().map_or(Ok(0), |_| part(b's'));
        // The ranges are checked before the syntax, and an hour of 24 and a minute of 60 pass.
        let too_much = |part: &Result<i32, Bad>, limit| part.as_ref().is_ok_and(|part| *part > limit);
        for (part, limit, what) in
            [(&seconds, 60, "time zone offset second"), (&minutes, 60, "time zone offset minute"), (&hours, 24, "time zone offset hour")]
        {
            if too_much(part, limit) {
                return Err(Bad::Range(what));
            }
        }
        let offset = (hours? * 60 + minutes?) * 60 + seconds?;
        self.offset = Some(match text.first() {
            Some(b'+') => offset,
            Some(b'-') => -offset,
            _ => return Err(Bad::Text),
        });
        Ok(rest)
    }

    fn read_zone<'v>(&mut self, value: &'v [u8]) -> Result<&'v [u8], Bad> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let (name, rest) = value.split_at_checked(zone_name_size(value).ok_or(Bad::Text)?).ok_or(Bad::Text)?;
        self.zone_name = String::from_utf8_lossy(name).into_owned();
        Ok(rest)
    }

    /// The moment, or what is out of range.
    fn moment(mut self, local: &TimeZone) -> Result<Moment, &'static str> {
        if self.pm && self.hour < 12 {
            self.hour += 12;
        } else if self.am && self.hour == 12 {
            self.hour = 0;
        }
        let (month, day) = self.date()?;
        let clock = (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second);
        let seconds = seconds_of(self.year, month, day) + clock;
        let moment = |seconds, zone| Ok(Moment { seconds, nanoseconds: self.nanoseconds, zone });
        if self.utc {
            return moment(seconds, TimeZone::UTC);
        }
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            let seconds = seconds - i64::from(offset);
            let here = Moment { seconds, nanoseconds: 0, zone: local.clone() }.offset();
            let same = here.1 == offset && (self.zone_name.is_empty() || here.0 == self.zone_name);
            return moment(seconds, if same { local.clone() } else { zone::fixed(&self.zone_name, offset) });
        }
        if !self.zone_name.is_empty() {
            if let Some(offset) = zone::offset_of(local, &self.zone_name, seconds) {
                return moment(seconds - i64::from(offset), local.clone());
            }
            let hours = self.zone_name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0);
            return moment(seconds, zone::fixed(&self.zone_name, hours * 3600));
        }
        moment(in_zone(seconds, local), local.clone())
    }

    fn date(&self) -> Result<(u8, u16), &'static str> {
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(year_day) => self.date_of_year_day(year_day)?,
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        Ok((month, day))
    }

    fn date_of_year_day(&self, year_day: u16) -> Result<(u8, u16), &'static str> {
        if year_day < 1 || year_day > 365 + u16::from(is_leap(self.year)) {
            return Err("day-of-year out of range");
        }
        let month = (1..=12).rev().find(|month| days_before(*month, self.year) < year_day).unwrap_or(1);
        let day = year_day - days_before(month, self.year);
        match () {
            () if self.month.is_some_and(|given| given != month) => Err("day-of-year does not match month"),
            () if self.day.is_some_and(|given| given != day) => Err("day-of-year does not match day"),
            () => Ok((month, day)),
        }
    }
}

/// The instant at which clocks in a zone show the given seconds, guessed twice as Go's `time.Date` does.
fn in_zone(seconds: i64, zone: &TimeZone) -> i64 {
    let offset = |seconds| i64::from(Moment { seconds, nanoseconds: 0, zone: zone.clone() }.offset().1);
    let first = offset(seconds);
    if first == 0 {
        return seconds;
    }
    let second = offset(seconds - first);
    let guess = seconds - second;
    if offset(guess) == second { guess } else { seconds - first }
}

/// The size of the abbreviation of a zone: three to five capitals, `GMT+3`, `+03`, or the few others there are.
fn zone_name_size(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_size(rest));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_offset_size(value)).filter(|size| *size > 0);
    }
    match value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        5 if value[4] == b'T' => Some(5),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The size of a sign and an hour of at most 23.
fn signed_offset_size(value: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = value.split_first() else { return 0 };
    let size = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = std::str::from_utf8(&digits[..size]).ok().and_then(|digits| digits.parse::<u64>().ok());
    if hours.is_some_and(|hours| hours <= 23) { size + 1 } else { 0 }
}
