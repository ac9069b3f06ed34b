//! Floating-point numbers as Go's `strconv.FormatFloat` writes them (Go 1.27, `strconv/ftoa.go`).
//!
//! The digits come from Rust's own exact and shortest conversions; what Go adds is where the point goes, when an
//! exponent is used, and how it is spelled.

use std::fmt::Write;

/// The verb of a conversion, as the byte that Go takes: `e`, `E`, `f`, `g`, `G`, `x`, `X` or `b`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `-d.dddde±dd`
    Exponent,
    /// The same with `E`.
    UpperExponent,
    /// `-ddd.dddd`
    Fixed,
    /// `e` for large exponents, `f` otherwise.
    General,
    /// `E` for large exponents, `f` otherwise.
    UpperGeneral,
    /// `-0x1.yyyyyyyyp±ddd`
    Hex,
    /// `-0X1.YYYYYYYYP±ddd`
    UpperHex,
    /// `-ddddp±ddd`: mantissa and binary exponent.
    Binary,
}

impl Format {
    /// The format of one of Go's verb bytes; `F` is `f`.
    pub fn of_verb(verb: u8) -> Option<Self> {
        Some(match verb {
            b'e' => Self::Exponent,
            b'E' => Self::UpperExponent,
            b'f' | b'F' => Self::Fixed,
            b'g' => Self::General,
            b'G' => Self::UpperGeneral,
            b'x' => Self::Hex,
            b'X' => Self::UpperHex,
            b'b' => Self::Binary,
            _ => return None,
        })
    }
}

/// The width of the number in bits: for `float32` the shortest text that reads back as the same `float32` is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Go's own")]
pub enum Bits {
    Float32,
    Float64,
}

/// Appends `value` to `out`; `precision` is `None` for the shortest text that reads back as the same number.
///
/// Infinities and NaN are `+Inf`, `-Inf` and `NaN`.
pub(crate) fn append_float(out: &mut String, value: f64, format: Format, precision: Option<usize>, bits: Bits) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    match format {
        Format::Hex | Format::UpperHex => append_hex(out, value, format == Format::UpperHex, precision, bits),
        Format::Binary => append_binary(out, value, bits),
        Format::Fixed => append_fixed(out, value, precision, bits),
        Format::Exponent => append_exponent(out, value, precision, bits, 'e'),
        Format::UpperExponent => append_exponent(out, value, precision, bits, 'E'),
        Format::General => append_general(out, value, precision, bits, 'e'),
        Format::UpperGeneral => append_general(out, value, precision, bits, 'E'),
    }
}

/// As `append_float`, into a text of its own: `strconv.FormatFloat(value, format, precision, bits)`.
pub fn format_float(value: f64, format: Format, precision: Option<usize>, bits: Bits) -> String {
    let mut out = String::new();
    append_float(&mut out, value, format, precision, bits);
    out
}

/// Appends what `encoding/json` writes for a finite number: no exponent between 1e-6 and 1e21, and `e-9` for `e-09`.
pub fn append_json(out: &mut String, value: f64, bits: Bits) {
    let size = value.abs();
    let small_or_large = match bits {
        Bits::Float64 => !(1e-6..1e21).contains(&size),
        Bits::Float32 => !(1e-6..1e21).contains(&(size as f32)),
    };
    if size == 0.0 || !small_or_large {
        return append_fixed(out, value, None, bits);
    }
    append_exponent(out, value, None, bits, 'e');
    if out.ends_with("e-09") || (out.len() >= 4 && out.get(out.len() - 4..out.len() - 1) == Some("e-0")) {
        let last = out.pop();
        out.pop();
        out.extend(last);
    }
}

/// Decimal digits without leading or trailing zeros and the place of the point: 0.`digits` × 10^`point`.
struct Decimal {
    negative: bool,
    digits: String,
    point: i32,
}

impl Decimal {
    /// The fewest digits that read back as the same number.
    ///
    /// Where two such texts are equally near, which needs all the digits that a number can have, Go takes the even one.
    fn shortest(value: f64, bits: Bits) -> Self {
        let (shortest, many) = match bits {
            Bits::Float64 => (Self::parse(&format!("{value:e}")), 16),
            Bits::Float32 => (Self::parse(&format!("{:e}", value as f32)), 8),
        };
        if shortest.digits.len() < many {
            return shortest;
        }
        let text = format!("{:.*e}", shortest.digits.len() - 1, value);
        let same = match bits {
            Bits::Float64 => text.parse() == Ok(value),
            Bits::Float32 => text.parse() == Ok(value as f32),
        };
        if same { Self::parse(&text) } else { shortest }
    }

    /// `count` significant digits (at least one), rounded to nearest, ties to even.
    fn rounded(value: f64, count: usize) -> Self {
        Self::parse(&format!("{:.*e}", count.max(1) - 1, value))
    }

    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        digits.truncate(digits.trim_end_matches('0').len());
        let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
        Self { negative, digits, point }
    }

    fn write_exponent(&self, out: &mut String, precision: usize, letter: char) {
        if self.negative {
            out.push('-');
        }
        let (first, rest) = self.digits.split_at_checked(1).unwrap_or(("0", ""));
        out.push_str(first);
        if precision > 0 {
            out.push('.');
            let shown = rest.len().min(precision);
            out.push_str(&rest[..shown]);
            out.extend(std::iter::repeat_n('0', precision - shown));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let _ = write!(out, "{letter}{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    }

    fn write_fixed(&self, out: &mut String, precision: usize) {
        if self.negative {
            out.push('-');
        }
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            out.push('0');
        }
        let known = whole.min(self.digits.len());
        out.push_str(&self.digits[..known]);
        out.extend(std::iter::repeat_n('0', whole - known));
        if precision > 0 {
            out.push('.');
            let zeros = usize::try_from(-self.point).unwrap_or(0).min(precision);
            out.extend(std::iter::repeat_n('0', zeros));
            let rest = &self.digits[known..];
            let shown = rest.len().min(precision - zeros);
            out.push_str(&rest[..shown]);
            out.extend(std::iter::repeat_n('0', precision - zeros - shown));
        }
    }

    /// Digits after the point in a fixed notation that shows all digits.
    fn fraction_len(&self) -> usize {
        usize::try_from(self.digits.len() as i64 - i64::from(self.point)).unwrap_or(0)
    }
}

fn append_fixed(out: &mut String, value: f64, precision: Option<usize>, bits: Bits) {
    match precision {
        None => {
            let decimal = Decimal::shortest(value, bits);
            decimal.write_fixed(out, decimal.fraction_len());
        }
        Some(precision) => write!(out, "{value:.precision$}").unwrap_or_default(),
    }
}

fn append_exponent(out: &mut String, value: f64, precision: Option<usize>, bits: Bits, letter: char) {
    match precision {
        None => {
            let decimal = Decimal::shortest(value, bits);
            decimal.write_exponent(out, decimal.digits.len().saturating_sub(1), letter);
        }
        Some(precision) => Decimal::rounded(value, precision.saturating_add(1)).write_exponent(out, precision, letter),
    }
}

fn append_general(out: &mut String, value: f64, precision: Option<usize>, bits: Bits, letter: char) {
    let (decimal, limit) = match precision {
        None => (Decimal::shortest(value, bits), 6),
        Some(precision) => {
            let precision = precision.max(1);
            let decimal = Decimal::rounded(value, precision);
            let count = decimal.digits.len();
            let limit = if precision > count && count as i64 >= i64::from(decimal.point) { count } else { precision };
            (decimal, limit)
        }
    };
    let exponent = i64::from(decimal.point) - 1;
    if exponent < -4 || exponent >= limit as i64 {
        decimal.write_exponent(out, decimal.digits.len().saturating_sub(1), letter);
    } else {
        decimal.write_fixed(out, decimal.fraction_len());
    }
}

/// Mantissa with its hidden bit and exponent of the lowest bit.
fn parts(value: f64, bits: Bits) -> (bool, u64, i32) {
    let (negative, fraction, exponent, width, bias) = match bits {
        Bits::Float64 => {
            let raw = value.to_bits();
            (raw >> 63 == 1, raw & ((1 << 52) - 1), (raw >> 52 & 0x7ff) as i32, 52, -1023)
        }
        Bits::Float32 => {
            let raw = (value as f32).to_bits();
            (raw >> 31 == 1, u64::from(raw & ((1 << 23) - 1)), (raw >> 23 & 0xff) as i32, 23, -127)
        }
    };
    if exponent == 0 { (negative, fraction, 1 + bias - width) } else { (negative, fraction | 1 << width, exponent + bias - width) }
}

fn append_binary(out: &mut String, value: f64, bits: Bits) {
    let (negative, mantissa, exponent) = parts(value, bits);
    let _ = write!(out, "{}{mantissa}p{exponent:+}", if negative { "-" } else { "" });
}

fn append_hex(out: &mut String, value: f64, upper: bool, precision: Option<usize>, bits: Bits) {
    let (negative, mut mantissa, lowest) = parts(value, bits);
    let width = if bits == Bits::Float64 { 52 } else { 23 };
    let mut exponent = if mantissa == 0 { 0 } else { lowest + width };
    // The one goes to bit 60, so that fifteen hexadecimal digits stand behind the point.
    mantissa <<= 60 - width;
    while mantissa != 0 && mantissa & (1 << 60) == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        mantissa = round_hex(mantissa, digits);
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut text = String::new();
    let _ = write!(text, "0x{}", mantissa >> 60 & 1);
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let shown = precision.unwrap_or_else(|| fraction.trim_end_matches('0').len());
    if shown > 0 {
        text.push('.');
        text.extend(fraction.chars().chain(std::iter::repeat('0')).take(shown));
    }
    let _ = write!(text, "p{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs());
    if negative {
        out.push('-');
    }
    out.push_str(&if upper { text.to_uppercase() } else { text });
}

/// Rounds a mantissa with its point below bit 60 to so many hexadecimal digits, ties to even.
fn round_hex(mantissa: u64, digits: usize) -> u64 {
    let shift = digits * 4;
    let extra = (mantissa << shift) & ((1 << 60) - 1);
    let kept = mantissa >> (60 - shift);
    let half = 1 << 59;
    let up = u64::from((extra | (kept & 1)) > half);
    (kept + up) << (60 - shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortest(value: f64, format: Format) -> String {
        format_float(value, format, None, Bits::Float64)
    }

    #[test]
    fn general_changes_over_at_six_digits() {
        assert_eq!(shortest(1e6, Format::General), "1e+06");
        assert_eq!(shortest(123456.0, Format::General), "123456");
        assert_eq!(shortest(1234567.5, Format::General), "1.2345675e+06");
        assert_eq!(shortest(0.0001, Format::General), "0.0001");
        assert_eq!(shortest(0.00001, Format::General), "1e-05");
        assert_eq!(shortest(-0.0, Format::General), "-0");
        assert_eq!(shortest(1e-320, Format::UpperGeneral), "1E-320");
    }

    #[test]
    fn precision_rounds_to_even() {
        let text = |value, format, precision| format_float(value, format, Some(precision), Bits::Float64);
        assert_eq!(text(2.5, Format::Fixed, 0), "2");
        assert_eq!(text(0.5, Format::Fixed, 0), "0");
        assert_eq!(text(100.0, Format::General, 3), "100");
        assert_eq!(text(100000.0, Format::General, 3), "1e+05");
        assert_eq!(text(0.0, Format::Exponent, 3), "0.000e+00");
        assert_eq!(text(1234.5678, Format::Exponent, 2), "1.23e+03");
        assert_eq!(text(1.0, Format::General, 0), "1");
    }

    #[test]
    fn hex_and_binary() {
        assert_eq!(shortest(1.0, Format::Hex), "0x1p+00");
        assert_eq!(shortest(-0.1, Format::Hex), "-0x1.999999999999ap-04");
        assert_eq!(shortest(1.0, Format::Binary), "4503599627370496p-52");
        assert_eq!(format_float(1.999, Format::UpperHex, Some(1), Bits::Float64), "0X1.0P+01");
        assert_eq!(format_float(5.0, Format::Hex, Some(3), Bits::Float32), "0x1.400p+02");
    }

    #[test]
    fn json_numbers() {
        let text = |value| {
            let mut out = String::new();
            append_json(&mut out, value, Bits::Float64);
            out
        };
        assert_eq!(text(1e6), "1000000");
        assert_eq!(text(1e21), "1e+21");
        assert_eq!(text(1e-7), "1e-7");
        assert_eq!(text(1.5e-12), "1.5e-12");
        assert_eq!(text(-0.0), "-0");
        assert_eq!(text(1e-6), "0.000001");
    }
}
