//! Numbers from text as Go's `strconv` reads them.

/// Why a number could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    /// Not a number.
    Syntax,
    /// Outside of the type's range; Go gives the nearest number along with it.
    Range(i64),
}

/// `strconv.ParseInt(text, base, 64)`; base 0 reads the prefix and allows underscores.
pub(super) fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let number = parse_uint(digits, base)?;
    let limit = 1_u128 << 63;
    match (negative, number) {
        (false, number) if number >= limit => Err(NumberError::Range(i64::MAX)),
        (true, number) if number > limit => Err(NumberError::Range(i64::MIN)),
        (false, number) => i64::try_from(number).map_err(|_| NumberError::Range(i64::MAX)),
        (true, number) => Ok((number as i64).wrapping_neg()),
    }
}

/// `strconv.ParseUint` without the limit of 64 bits: whatever is larger is `u64::MAX + 1` or more.
pub(super) fn parse_uint(text: &[u8], base: u32) -> Result<u128, NumberError> {
    let (radix, digits) = if base == 0 { prefix(text) } else { (base, text) };
    if digits.is_empty() || (base == 0 && text.contains(&b'_') && !underscores_ok(text)) {
        return Err(NumberError::Syntax);
    }
    let mut number = 0_u128;
    for &digit in digits {
        if digit == b'_' && base == 0 {
            continue;
        }
        let digit = char::from(digit).to_digit(36).filter(|digit| *digit < radix).ok_or(NumberError::Syntax)?;
        number = (number * u128::from(radix) + u128::from(digit)).min(1 << 70);
    }
    Ok(number)
}

fn prefix(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', b'o' | b'O', digits @ ..] if !digits.is_empty() => (8, digits),
        [b'0', b'b' | b'B', digits @ ..] if !digits.is_empty() => (2, digits),
        [b'0', digits @ ..] if !digits.is_empty() => (8, digits),
        digits => (10, digits),
    }
}

/// Underscores may separate digits and follow a base prefix, nothing else.
fn underscores_ok(text: &[u8]) -> bool {
    let mut text = text;
    if let [b'-' | b'+', unsigned @ ..] = text {
        text = unsigned;
    }
    let mut before = b'^';
    let mut hex = false;
    if let [b'0', letter, digits @ ..] = text
        && matches!(letter.to_ascii_lowercase(), b'b' | b'o' | b'x')
    {
        before = b'0';
        hex = letter.eq_ignore_ascii_case(&b'x');
        text = digits;
    }
    for byte in text {
        let kind = match byte {
            b'0'..=b'9' => b'0',
            b'a'..=b'f' | b'A'..=b'F' if hex => b'0',
            b'_' if before == b'0' => b'_',
            b'_' => return false,
            _ if before == b'_' => return false,
            _ => b'!',
        };
        before = kind;
    }
    before != b'_'
}

/// `strconv.ParseFloat(text, 64)`; `None` for a syntax error and for what is too large.
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let special = match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => Some(f64::INFINITY),
        "nan" if unsigned.len() == text.len() => Some(f64::NAN),
        _ => None,
    };
    if let Some(special) = special {
        return Some(if negative { -special } else { special });
    }
    if text.contains('_') && !underscores_ok(text.as_bytes()) {
        return None;
    }
    let digits: String = unsigned.chars().filter(|digit| *digit != '_').collect();
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => hex_float(hex)?,
        None => decimal_float(&digits)?,
    };
    number.is_finite().then_some(if negative { -number } else { number })
}

fn decimal_float(digits: &str) -> Option<f64> {
    let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    let starts = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if plain && starts { digits.parse().ok() } else { None }
}

/// The number after `0x`: hexadecimal digits with an optional point and an obligatory binary exponent.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !exponent.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 = exponent.parse::<i64>().ok()?.clamp(-100_000, 100_000);
    let mut bits = 0_u64;
    let mut sticky = false;
    for (at, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = u64::from(char::from(digit).to_digit(16)?);
        if bits >> 58 == 0 {
            bits = bits << 4 | digit;
        } else {
            sticky |= digit != 0;
            exponent += 4;
        }
        if at >= whole.len() {
            exponent -= 4;
        }
    }
    Some(scale(bits | u64::from(sticky), exponent))
}

/// `bits * 2^exponent`, rounded once, to even.
fn scale(bits: u64, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let shift = i64::from(bits.leading_zeros());
    let top = 63 - shift + exponent;
    if top > 1023 {
        return f64::INFINITY;
    }
    let keep = if top < -1022 { 53 - (-1022 - top) } else { 53 };
    if keep < 0 {
        return 0.0;
    }
    let normal = u128::from(bits << shift) << 53;
    let drop = u32::try_from(117 - keep).unwrap_or(117);
    let half = 1_u128 << (drop - 1);
    let mut kept = normal >> drop;
    let remainder = normal & ((half << 1) - 1);
    if remainder > half || remainder == half && kept & 1 == 1 {
        kept += 1;
    }
    let power = top - keep + 1;
    let mut number = kept as f64;
    let mut left = power;
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        number *= 2_f64.powi(i32::try_from(step).unwrap_or_default());
        left -= step;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(parse_int(b"0x1F", 0), Ok(31));
        assert_eq!(parse_int(b"-010", 0), Ok(-8));
        assert_eq!(parse_int(b"1_000", 0), Ok(1000));
        assert_eq!(parse_int(b"1__0", 0), Err(NumberError::Syntax));
        assert_eq!(parse_int(b"08", 0), Err(NumberError::Syntax));
        assert_eq!(parse_int(b"-9223372036854775808", 10), Ok(i64::MIN));
        assert_eq!(parse_int(b"9223372036854775808", 10), Err(NumberError::Range(i64::MAX)));
    }

    #[test]
    fn floats() {
        assert_eq!(parse_float(b"1_0.5e1"), Some(105.0));
        assert_eq!(parse_float(b"0x1.8p1"), Some(3.0));
        assert_eq!(parse_float(b"0x1p-1074"), Some(5e-324));
        assert_eq!(parse_float(b"1e999"), None);
        assert_eq!(parse_float(b"+Inf"), Some(f64::INFINITY));
        assert_eq!(parse_float(b"."), None);
        assert_eq!(parse_float(b"infinit"), None);
    }
}
