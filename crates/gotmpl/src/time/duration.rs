//! Durations: nanoseconds in 64 bits.

use std::fmt::Write as _;

/// One second.
pub const SECOND: i64 = 1_000_000_000;

const UNITS: &[(&[u8], u64)] = &[
    (b"ns", 1),
    (b"us", 1_000),
    ("µs".as_bytes(), 1_000),
    ("μs".as_bytes(), 1_000),
    (b"ms", 1_000_000),
    (b"s", 1_000_000_000),
    (b"m", 60_000_000_000),
    (b"h", 3_600_000_000_000),
];

const LIMIT: u64 = 1 << 63;

/// A duration such as `1h15m30.918273645s`, as `time.ParseDuration` reads it.
///
/// # Errors
/// Go's text, such as `time: invalid duration "1x"`.
pub fn parse(text: &[u8]) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", super::parse::quote(text));
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, after) = integer(rest).ok_or_else(invalid)?;
        let (fraction, scale, after_fraction) = fraction(after);
        let digits = rest.len() - after.len() > 0 || after.len() > after_fraction.len() + 1;
        if !digits {
            return Err(invalid());
        }
        let size = after_fraction.iter().position(|byte| matches!(byte, b'.' | b'0'..=b'9')).unwrap_or(after_fraction.len());
        let (name, after_unit) = after_fraction.split_at(size);
        rest = after_unit;
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", super::parse::quote(text)));
        }
        let Some((_, unit)) = UNITS.iter().find(|(known, _)| *known == name) else {
            let (name, text) = (super::parse::quote(name), super::parse::quote(text));
            return Err(format!("time: unknown unit {name} in duration {text}"));
        };
        let part = (fraction as f64 * (*unit as f64 / scale)) as u64;
        let value = whole.checked_mul(*unit).and_then(|value| value.checked_add(part)).filter(|value| *value <= LIMIT);
        total = value.and_then(|value| total.checked_add(value)).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
    }
    match negative {
        true => Ok((total as i64).wrapping_neg()),
        false => i64::try_from(total).map_err(|_| invalid()),
    }
}

/// The digits at the start, and what follows; `None` where they are too many.
fn integer(text: &[u8]) -> Option<(u64, &[u8])> {
    if !matches!(text.first(), Some(b'.' | b'0'..=b'9')) {
        return None;
    }
    let size = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut number = 0_u64;
    for digit in &text[..size] {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|number| *number <= LIMIT)?;
    }
    Some((number, &text[size..]))
}

/// The digits after a point, the power of ten they are to be divided by, and what follows.
fn fraction(text: &[u8]) -> (u64, f64, &[u8]) {
    let Some(digits) = text.strip_prefix(b".") else { return (0, 1.0, text) };
    let size = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in &digits[..size] {
        if number > (LIMIT - 1) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    (number, scale, &digits[size..])
}

/// What `Duration.String` gives: `1m30s`, `1.5ms`, `0s`.
pub fn string(duration: i64) -> String {
    let size = duration.unsigned_abs();
    let mut out = String::new();
    if duration < 0 {
        out.push('-');
    }
    match size {
        0 => out.push_str("0s"),
        1..1_000 => push(&mut out, size, 1, "ns"),
        1_000..1_000_000 => push(&mut out, size, 1_000, "µs"),
        1_000_000..1_000_000_000 => push(&mut out, size, 1_000_000, "ms"),
        _ => {
            let second = SECOND.unsigned_abs();
            let (hours, minutes) = (size / second / 3600, size / second / 60 % 60);
            if hours > 0 {
                let _ = write!(out, "{hours}h");
            }
            if hours > 0 || minutes > 0 {
                let _ = write!(out, "{minutes}m");
            }
            push(&mut out, size % (60 * second), second, "s");
        }
    }
    out
}

fn push(out: &mut String, number: u64, unit: u64, name: &str) {
    let _ = write!(out, "{}", number / unit);
    if !number.is_multiple_of(unit) {
        let digits = unit.ilog10() as usize;
        let fraction = format!(".{:0digits$}", number % unit);
        out.push_str(fraction.trim_end_matches('0'));
    }
    out.push_str(name);
}

/// `Duration.Round`: to the nearest multiple, halves away from zero.
pub fn round(duration: i64, multiple: i64) -> i64 {
    if multiple <= 0 {
        return duration;
    }
    let rest = i128::from(duration % multiple);
    let (whole, multiple) = (i128::from(duration) - rest, i128::from(multiple));
    let away = if rest.abs() * 2 < multiple { 0 } else { multiple * i128::from(duration.signum()) };
    (whole + away).clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// `Duration.Truncate`: towards zero, to a multiple.
pub fn truncate(duration: i64, multiple: i64) -> i64 {
    if multiple <= 0 { duration } else { duration - duration % multiple }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        assert_eq!(parse(b"1h15m30.918273645s"), Ok(4_530_918_273_645));
        assert_eq!(parse(b"-1.5h"), Ok(-5_400_000_000_000));
        assert_eq!(parse("1µs".as_bytes()), Ok(1_000));
        assert_eq!(parse(b".5s"), Ok(500_000_000));
        assert_eq!(parse(b"9223372036854775807ns"), Ok(i64::MAX));
        assert_eq!(parse(b"1"), Err("time: missing unit in duration \"1\"".into()));
        assert_eq!(parse(b"1x"), Err("time: unknown unit \"x\" in duration \"1x\"".into()));
        assert_eq!(parse(b".s"), Err("time: invalid duration \".s\"".into()));
        assert_eq!(parse(b""), Err("time: invalid duration \"\"".into()));
    }

    #[test]
    fn durations_are_written() {
        let texts = [0, 1, 1_100, 2_200_000, 3_300_000_000, 245_001_000_000, i64::MIN].map(string);
        assert_eq!(texts, ["0s", "1ns", "1.1µs", "2.2ms", "3.3s", "4m5.001s", "-2562047h47m16.854775808s"]);
        assert_eq!(round(1_500_000_000, SECOND), 2_000_000_000);
        assert_eq!(round(-1_400_000_000, SECOND), -1_000_000_000);
        assert_eq!(truncate(1_999, 1_000), 1_000);
    }
}
