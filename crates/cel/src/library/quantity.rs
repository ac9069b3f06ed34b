//! Quantities (`k8s.io/apimachinery/pkg/api/resource`): exact, in units of 10⁻⁹.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// A quantity such as `1.5Gi`.
#[derive(Debug, Clone)]
pub struct Quantity {
    amount: Amount,
}

/// How Kubernetes keeps it: what fits in 64 bits can be taken for a whole number, what does not cannot.
#[derive(Debug, Clone)]
enum Amount {
    /// A number with this many zeros behind it.
    Small(i64, i32),
    /// In units of 10⁻⁹.
    Large(BigInt),
}

const WRONG: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";
/// Powers of ten beyond this are not calculated with.
const LARGEST_EXPONENT: i32 = 1000;

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// Kubernetes' own text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(WRONG.to_owned());
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (whole, rest) = unsigned.split_at(digits(unsigned));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        let unit = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        if !unit.strip_prefix(['-', '+']).unwrap_or(unit).bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WRONG.to_owned());
        }
        let (base, exponent) = quantity_suffix(suffix).ok_or(SUFFIX)?;
        let exponent = i32::try_from(exponent).map_err(|_| SUFFIX)?;
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        Ok(Self { amount: amount(negative, whole, fraction, base, exponent).ok_or(WRONG)? })
    }

    /// A whole number.
    pub fn of(number: i64) -> Self {
        Self { amount: Amount::Small(number, 0) }
    }

    fn nanos(&self) -> BigInt {
        match &self.amount {
            Amount::Small(number, scale) => BigInt::from(*number) * power(10, scale + 9),
            Amount::Large(nanos) => nanos.clone(),
        }
    }

    /// Which of two is greater.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.nanos().cmp(&other.nanos())
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i64 {
        match self.nanos().sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// The whole number that it is kept as.
    pub fn integer(&self) -> Option<i64> {
        match &self.amount {
            Amount::Small(number, scale @ 0..) => scaled(*number, *scale),
            _ => None,
        }
    }

    /// About what it is.
    pub fn float(&self) -> f64 {
        match &self.amount {
            Amount::Small(number, 0) => *number as f64,
            Amount::Small(number, scale) => *number as f64 * 10_f64.powi(*scale),
            Amount::Large(nanos) => {
                let billion = BigInt::from(1_000_000_000);
                let is_whole = (nanos % &billion).sign() == Sign::NoSign;
                let text = if is_whole { (nanos / billion).to_string() } else { format!("{nanos}e-9") };
                text.parse().unwrap_or(f64::INFINITY)
            }
        }
    }

    /// The sum of two, or their difference.
    pub fn plus(&self, other: &Self, negated: bool) -> Self {
        if let (Amount::Small(a, scale), Amount::Small(b, other_scale)) = (&self.amount, &other.amount)
            && let Some(b) = if negated { b.checked_neg() } else { Some(*b) }
            && let Some(sum) = small_sum((*a, *scale), (b, *other_scale))
        {
            return Self { amount: Amount::Small(sum.0, sum.1) };
        }
        let (a, b) = (self.nanos(), other.nanos());
        Self { amount: Amount::Large(if negated { a - b } else { a + b }) }
    }
}

fn small_sum(a: (i64, i32), b: (i64, i32)) -> Option<(i64, i32)> {
    match (a, b) {
        (a, (0, _)) => Some(a),
        ((0, _), b) => Some(b),
        _ => {
            let least = a.1.min(b.1);
            Some((scaled(a.0, a.1 - least)?.checked_add(scaled(b.0, b.1 - least)?)?, least))
        }
    }
}

fn scaled(number: i64, scale: i32) -> Option<i64> {
    let factor = 10_i64.checked_pow(u32::try_from(scale).ok()?);
    if number == 0 { Some(0) } else { number.checked_mul(factor?) }
}

fn power(base: u32, exponent: i32) -> BigInt {
    BigInt::from(base).pow(u32::try_from(exponent).unwrap_or_default())
}

/// What a quantity is multiplied with by its suffix (`Ki`, `m`, `e3`), as a power: its base, 10 or 2, and its exponent. `None` where it is no suffix.
pub fn quantity_suffix(suffix: &str) -> Option<(u32, i64)> {
    Some(match suffix {
        "" => (10, 0),
        "n" => (10, -9),
        "u" => (10, -6),
        "m" => (10, -3),
        "k" => (10, 3),
        "M" => (10, 6),
        "G" => (10, 9),
        "T" => (10, 12),
        "P" => (10, 15),
        "E" => (10, 18),
        "Ki" => (2, 10),
        "Mi" => (2, 20),
        "Gi" => (2, 30),
        "Ti" => (2, 40),
        "Pi" => (2, 50),
        "Ei" => (2, 60),
        other => (10, other.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

fn amount(negative: bool, whole: &str, fraction: &str, base: u32, exponent: i32) -> Option<Amount> {
    let sign = |number: i64| if negative { -number } else { number };
    let (digits, decimals) = (i32::try_from(whole.len() + fraction.len()).ok()?, i32::try_from(fraction.len()).ok()?);
    let (factor, scale, precision) = match base {
        10 => (Some(1), exponent, 18 - digits),
        _ if fraction.is_empty() => {
            (1_i64.checked_shl(exponent.unsigned_abs()), 0, 15 - i32::try_from(whole.len()).ok()? - exponent * 3 / 10 - 1)
        }
        _ => (None, 0, -1),
    };
    if precision >= 0
        && scale - decimals >= -9
        && let Ok(number) = format!("{whole}{fraction}").parse::<i64>()
        && let Some(number) = factor.and_then(|factor| number.checked_mul(factor))
    {
        return Some(Amount::Small(sign(number), scale - decimals));
    }
    let number: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let scale = exponent.checked_mul(i32::from(base == 10))?.checked_sub(decimals)?;
    if scale.abs() > LARGEST_EXPONENT {
        return None;
    }
    let number = if base == 2 { number * power(2, exponent) } else { number };
    // What is less than 10⁻⁹ is rounded away from zero.
    let mut nanos = if scale + 9 >= 0 {
        number * power(10, scale + 9)
    } else {
        let divisor = power(10, -(scale + 9));
        (number + &divisor - 1) / divisor
    };
    if base == 2 {
        let most = BigInt::from(i64::MAX) * power(10, 9);
        nanos = nanos.min(most);
    }
    Some(Amount::Large(if negative { -nanos } else { nanos }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact() {
        let order = |a: &str, b: &str| Quantity::parse(a).unwrap().compare(&Quantity::parse(b).unwrap());
        assert_eq!(order("1Ki", "1024"), Ordering::Equal);
        assert_eq!(order("100m", "0.1"), Ordering::Equal);
        assert_eq!(order("1.5Gi", "1536Mi"), Ordering::Equal);
        assert_eq!(order("1e3", "1k"), Ordering::Equal);
        assert_eq!(order("9999999999999999999999", "1E"), Ordering::Greater);
        for wrong in ["", "a", "1x", "1.2.3", "1 Gi", "1e"] {
            assert!(Quantity::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Quantity::parse("50k").unwrap().integer(), Some(50_000));
        assert_eq!(Quantity::parse("1.0").unwrap().integer(), None);
    }
}
