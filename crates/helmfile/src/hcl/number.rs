//! Numbers as cty has them: `math/big`'s `Float`, binary with a precision of its own, 512 bits for what is written in a file.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

/// The precision of what is read from a text.
const WRITTEN: u32 = 512;
/// The precision of a Go integer.
const INTEGER: u32 = 64;
/// Numbers are refused beyond two to this power, either way; a `float64` ends long before.
const LARGEST_EXPONENT: i64 = 20_000;

/// A finite number: `mantissa × 2^exponent`, rounded to `precision` bits. The mantissa is odd, or the number is zero.
#[derive(Debug, Clone)]
pub(super) struct Number {
    mantissa: BigInt,
    exponent: i64,
    precision: u32,
    /// Zero has a sign as well.
    negative_zero: bool,
}

/// A number that is too large or too small to be worked with.
#[derive(Debug)]
pub(super) struct OutOfRange;

impl Number {
    /// A Go integer.
    pub(super) fn integer(value: i64) -> Self {
        Self::exact(BigInt::from(value), 0, INTEGER)
    }

    /// An integer of any size, with as many bits as it needs.
    pub(super) fn big_integer(value: BigInt) -> Result<Self, OutOfRange> {
        let precision = u32::try_from(value.bits()).map_err(|_| OutOfRange)?.max(INTEGER);
        Self::exact(value, 0, precision).in_range()
    }

    /// A `float64`; none for infinities and what is no number.
    pub(super) fn float(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let (field, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field as i64 - 1075) };
        let sign = if value.is_sign_negative() { Sign::Minus } else { Sign::Plus };
        let mut number = Self::exact(BigInt::from_biguint(sign, BigUint::from(mantissa)), exponent, 53);
        number.negative_zero = value == 0.0 && value.is_sign_negative();
        Some(number)
    }

    /// A decimal number as `big.ParseFloat` reads it in base 10; none for what is not one.
    pub(super) fn parse(text: &str) -> Option<Result<Self, OutOfRange>> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (digits, exponent) = match digits.find(['e', 'E']) {
            Some(at) => (&digits[..at], Some(&digits[at + 1..])),
            None => (digits, None),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let power = exponent.map_or(Some(0), exponent_of)?;
        if whole.len() + fraction.len() > 10_000 {
            return Some(Err(OutOfRange));
        }
        let mantissa = BigUint::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
        let power = power.saturating_sub(fraction.len() as i64);
        Some(Self::decimal(negative, mantissa, power))
    }

    fn decimal(negative: bool, mantissa: BigUint, power: i64) -> Result<Self, OutOfRange> {
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        if mantissa == BigUint::ZERO {
            return Ok(Self { mantissa: BigInt::ZERO, exponent: 0, precision: WRITTEN, negative_zero: negative });
        }
        if power.abs() > LARGEST_EXPONENT / 4 {
            return Err(OutOfRange);
        }
        let factor = BigUint::from(5u8).pow(power.unsigned_abs() as u32);
        let number = if power >= 0 {
            Self::rounded(BigInt::from_biguint(sign, mantissa * factor), power, WRITTEN)
        } else {
            let (quotient, exponent) = quotient(mantissa, factor, WRITTEN);
            Self::rounded(BigInt::from_biguint(sign, quotient), exponent + power, WRITTEN)
        };
        number.in_range()
    }

    fn exact(mantissa: BigInt, exponent: i64, precision: u32) -> Self {
        let zeros = mantissa.trailing_zeros().unwrap_or(0);
        let exponent = if mantissa.sign() == Sign::NoSign { 0 } else { exponent + zeros as i64 };
        Self { mantissa: mantissa >> zeros, exponent, precision, negative_zero: false }
    }

    /// To the nearest number of so many bits, to even ones from the middle.
    fn rounded(mantissa: BigInt, exponent: i64, precision: u32) -> Self {
        let excess = mantissa.bits().saturating_sub(u64::from(precision));
        if excess == 0 {
            return Self::exact(mantissa, exponent, precision);
        }
        let (sign, magnitude) = mantissa.into_parts();
        let mut kept = &magnitude >> excess;
        let rest = &magnitude - (&kept << excess);
        let half = BigUint::from(1u8) << (excess - 1);
        if rest > half || (rest == half && kept.bit(0)) {
            kept += 1u8;
        }
        Self::exact(BigInt::from_biguint(sign, kept), exponent + excess as i64, precision)
    }

    fn in_range(self) -> Result<Self, OutOfRange> {
        let top = self.exponent.saturating_add(self.mantissa.bits() as i64);
        if top.abs() > LARGEST_EXPONENT || self.exponent.abs() > LARGEST_EXPONENT { Err(OutOfRange) } else { Ok(self) }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.sign() == Sign::NoSign
    }

    pub(super) fn is_negative(&self) -> bool {
        self.mantissa.sign() == Sign::Minus
    }

    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// What is left without the digits behind the point.
    pub(super) fn truncated(&self) -> BigInt {
        if self.exponent >= 0 {
            return &self.mantissa << self.exponent;
        }
        let (sign, magnitude) = (self.mantissa.sign(), self.mantissa.magnitude());
        BigInt::from_biguint(sign, magnitude >> self.exponent.unsigned_abs())
    }

    /// The value as a Go `int`; none where it has a fraction or is too large.
    pub(super) fn to_int(&self) -> Option<i64> {
        if self.is_integer() { i64::try_from(self.truncated()).ok() } else { None }
    }

    /// The nearest `float64`; an infinity beyond the largest.
    pub(super) fn to_float(&self) -> f64 {
        if self.is_zero() {
            return if self.negative_zero { -0.0 } else { 0.0 };
        }
        self.text('e', None).parse().unwrap_or(f64::NAN)
    }

    pub(super) fn negated(&self) -> Self {
        let mut negated = self.clone();
        negated.mantissa = -negated.mantissa;
        negated.negative_zero = self.is_zero() && !self.negative_zero;
        negated
    }

    pub(super) fn absolute(&self) -> Self {
        if self.is_negative() || self.negative_zero { self.negated() } else { self.clone() }
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, OutOfRange> {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| &number.mantissa << (number.exponent - exponent);
        Self::rounded(at(self) + at(other), exponent, self.precision.max(other.precision)).in_range()
    }

    pub(super) fn minus(&self, other: &Self) -> Result<Self, OutOfRange> {
        self.plus(&other.negated())
    }

    /// The product keeps up to 512 bits where it needs more than its factors have.
    pub(super) fn times(&self, other: &Self) -> Result<Self, OutOfRange> {
        let mut product = Self::rounded(&self.mantissa * &other.mantissa, self.exponent + other.exponent, WRITTEN);
        let needed = u32::try_from(product.mantissa.bits()).unwrap_or(WRITTEN);
        product.precision = needed.max(self.precision).max(other.precision);
        product.in_range()
    }

    /// The quotient; `other` is not zero.
    pub(super) fn over(&self, other: &Self) -> Result<Self, OutOfRange> {
        let precision = self.precision.max(other.precision);
        let sign = if self.is_negative() == other.is_negative() { Sign::Plus } else { Sign::Minus };
        let (mantissa, exponent) = quotient(self.mantissa.magnitude().clone(), other.mantissa.magnitude().clone(), precision);
        let exponent = exponent + self.exponent - other.exponent;
        Self::rounded(BigInt::from_biguint(sign, mantissa), exponent, precision).in_range()
    }

    /// What is left of a division that rounds towards zero; the number itself for a division by zero.
    pub(super) fn modulo(&self, other: &Self) -> Result<Self, OutOfRange> {
        if other.is_zero() {
            return Ok(self.clone());
        }
        let times = Self::rounded(self.over(other)?.truncated(), 0, self.precision);
        let product = Self::rounded(&other.mantissa * &times.mantissa, other.exponent + times.exponent, self.precision);
        self.minus(&product)
    }

    pub(super) fn floor(&self) -> Result<Self, OutOfRange> {
        let whole = self.truncated();
        let whole = if !self.is_integer() && self.is_negative() { whole - 1 } else { whole };
        Self::exact(whole, 0, self.precision.max(INTEGER)).in_range()
    }

    pub(super) fn ceil(&self) -> Result<Self, OutOfRange> {
        let whole = self.truncated();
        let whole = if !self.is_integer() && !self.is_negative() { whole + 1 } else { whole };
        Self::exact(whole, 0, self.precision.max(INTEGER)).in_range()
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| &number.mantissa << (number.exponent - exponent);
        at(self).cmp(&at(other))
    }

    /// Equality of cty: of what would be written.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self.is_integer(), other.is_integer()) {
            (true, true) => self.compare(other) == Ordering::Equal,
            (false, false) => self.plain() == other.plain(),
            _ => false,
        }
    }

    /// The shortest decimal that reads as the same number, without an exponent.
    pub(super) fn plain(&self) -> String {
        self.text('f', None)
    }

    /// `big.Float.Text`: `f`, `e` or `g`, with digits behind the point (all in all for `g`) or as few as are needed.
    pub(super) fn text(&self, format: char, digits: Option<usize>) -> String {
        let sign = if self.is_negative() || self.negative_zero { "-" } else { "" };
        let shortest = digits.is_none();
        let mut decimal = if shortest { self.shortest() } else { self.digits() };
        match (format, digits) {
            ('f', Some(places)) => decimal.round(decimal.point.saturating_add(places as i64)),
            ('e', Some(places)) => decimal.round(places as i64 + 1),
            ('g', Some(places)) => decimal.round(places.max(1) as i64),
            _ => {}
        }
        let written = decimal.digits.len();
        let body = match format {
            'f' => decimal.fixed(digits.unwrap_or_else(|| usize::try_from(written as i64 - decimal.point).unwrap_or(0))),
            'e' => decimal.scientific(digits.unwrap_or(written.max(1) - 1)),
            _ => {
                let wanted = digits.map_or(written, |places| places.max(1));
                let most = if shortest { 6 } else { decimal.limit(wanted) };
                let exponent = if written == 0 { -1 } else { decimal.point - 1 };
                let exponent = if written == 0 { 0.min(exponent + 1) } else { exponent };
                if exponent < -4 || exponent >= most {
                    decimal.scientific(wanted.min(written.max(1)) - 1)
                } else {
                    decimal.fixed(usize::try_from(written as i64 - decimal.point).unwrap_or(0))
                }
            }
        };
        format!("{sign}{body}")
    }

    /// All decimal digits of the number.
    fn digits(&self) -> Decimal {
        Decimal::of(self.mantissa.magnitude(), self.exponent)
    }

    /// As few digits as tell the number from its neighbours of the same precision.
    fn shortest(&self) -> Decimal {
        if self.is_zero() {
            return Decimal { digits: Vec::new(), point: 0 };
        }
        let shift = (u64::from(self.precision) + 1).saturating_sub(self.mantissa.bits());
        let mantissa = self.mantissa.magnitude() << shift;
        let exponent = self.exponent - shift as i64;
        let lower = Decimal::of(&(&mantissa - 1u8), exponent);
        let upper = Decimal::of(&(&mantissa + 1u8), exponent);
        let inclusive = !mantissa.bit(1);
        let mut decimal = self.digits();
        decimal.shorten(&lower, &upper, inclusive);
        decimal
    }
}

/// The exponent of a decimal number: digits with a sign.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(i64::MAX / 2))
}

/// A quotient with two bits more than are wanted, the last of which tells whether anything is left.
fn quotient(dividend: BigUint, divisor: BigUint, precision: u32) -> (BigUint, i64) {
    let wanted = u64::from(precision) + 2;
    let shift = (wanted + divisor.bits()).saturating_sub(dividend.bits());
    let shifted = dividend << shift;
    let whole = &shifted / &divisor;
    let is_exact = &whole * &divisor == shifted;
    ((whole << 1u8) + u8::from(!is_exact), -(shift as i64) - 1)
}

/// Decimal digits without zeros at either end: `0.digits × 10^point`.
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    fn of(mantissa: &BigUint, exponent: i64) -> Self {
        let scaled = match u32::try_from(exponent) {
            Ok(exponent) => mantissa << exponent,
            Err(_) => mantissa * BigUint::from(5u8).pow(exponent.unsigned_abs() as u32),
        };
        let digits = scaled.to_str_radix(10).into_bytes();
        let mut decimal = Self { point: digits.len() as i64 + exponent.min(0), digits };
        decimal.trim();
        decimal
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
    }

    fn at(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(b'0')
    }

    /// Rounds to so many digits, from the middle to even ones.
    fn round(&mut self, count: i64) {
        let Ok(count) = usize::try_from(count) else {
            self.digits.clear();
            self.point = 0;
            return;
        };
        if count >= self.digits.len() {
            return;
        }
        let is_half = self.digits[count] == b'5' && count + 1 == self.digits.len();
        let up = if is_half { count > 0 && (self.digits[count - 1] - b'0') % 2 == 1 } else { self.digits[count] >= b'5' };
        if up { self.round_up(count) } else { self.round_down(count) }
    }

    fn round_down(&mut self, count: usize) {
        self.digits.truncate(count);
        self.trim();
    }

    fn round_up(&mut self, count: usize) {
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                self.digits.push(b'1');
                self.point += 1;
            }
        }
    }

    /// Go's `roundShortest`: drops digits while the number stays nearer than its neighbours.
    fn shorten(&mut self, lower: &Self, upper: &Self, inclusive: bool) {
        for index in 0..self.digits.len() {
            let (below, digit, above) = (lower.at(index), self.digits[index], upper.at(index));
            let may_go_down = below != digit || (inclusive && index + 1 == lower.digits.len());
            let may_go_up = digit != above && (inclusive || digit + 1 < above || index + 1 < upper.digits.len());
            match (may_go_down, may_go_up) {
                (true, true) => return self.round(index as i64 + 1),
                (true, false) => return self.round_down(index + 1),
                (false, true) => return self.round_up(index + 1),
                (false, false) => {}
            }
        }
    }

    /// How large the exponent of `%g` may become before it is written.
    fn limit(&self, wanted: usize) -> i64 {
        let written = self.digits.len();
        if wanted > written && written as i64 >= self.point { written as i64 } else { wanted as i64 }
    }

    fn fixed(&self, places: usize) -> String {
        let mut text = String::new();
        if self.point > 0 {
            text.extend((0..self.point as usize).map(|index| char::from(self.at(index))));
        } else {
            text.push('0');
        }
        if places > 0 {
            text.push('.');
            for place in 0..places {
                let index = self.point + place as i64;
                text.push(usize::try_from(index).map_or('0', |index| char::from(self.at(index))));
            }
        }
        text
    }

    fn scientific(&self, places: usize) -> String {
        let mut text = String::from(char::from(self.at(0)));
        if places > 0 {
            text.push('.');
            text.extend((1..=places).map(|index| char::from(self.at(index))));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{text}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number").expect("in range")
    }

    #[test]
    fn sums_of_decimals_are_written_as_decimals() {
        assert_eq!(number("0.1").plus(&number("0.2")).unwrap().plain(), "0.3");
        assert_eq!(number("1e6").plain(), "1000000");
        assert_eq!(number("123.4500").plain(), "123.45");
        assert_eq!(number("-0.0001").plain(), "-0.0001");
        assert_eq!(number("0").plain(), "0");
    }

    #[test]
    fn exponents_appear_where_go_writes_them() {
        assert_eq!(number("1000000").text('g', None), "1e+06");
        assert_eq!(number("123456").text('g', None), "123456");
        assert_eq!(number("0.00001").text('g', None), "1e-05");
        assert_eq!(number("3.14159").text('f', Some(2)), "3.14");
        assert_eq!(number("2.5").text('f', Some(0)), "2");
        assert_eq!(number("1234.5678").text('e', Some(3)), "1.235e+03");
        assert_eq!(number("1234.5678").text('g', Some(3)), "1.23e+03");
        assert_eq!(number("0").text('g', None), "0");
        assert_eq!(number("0").text('e', Some(2)), "0.00e+00");
    }

    #[test]
    fn a_third_has_512_bits() {
        let third = number("1").over(&number("3")).unwrap();
        assert!(third.plain().len() > 150, "{}", third.plain());
        assert_eq!(third.to_float().to_bits(), (1.0f64 / 3.0).to_bits());
        assert_eq!(Number::integer(10).over(&Number::integer(4)).unwrap().plain(), "2.5");
    }

    #[test]
    fn what_remains_has_the_sign_of_the_dividend() {
        assert_eq!(number("7").modulo(&number("3")).unwrap().plain(), "1");
        assert_eq!(number("-7").modulo(&number("3")).unwrap().plain(), "-1");
        assert_eq!(number("7").modulo(&number("0")).unwrap().plain(), "7");
    }

    #[test]
    fn what_no_float_can_hold_is_refused() {
        assert!(Number::parse("1e999999999").expect("a number").is_err());
        assert!(Number::parse("1.2.3").is_none());
        assert!(Number::parse("").is_none());
        assert_eq!(number("1e400").to_float(), f64::INFINITY);
    }
}
