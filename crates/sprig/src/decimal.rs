//! Decimal numbers of any precision as `shopspring/decimal` 1.4 computes with them.

use hydrate_gotmpl::Failure;
use num_bigint::{BigInt, Sign};

/// The digits after the point of a quotient.
const DIVISION_PRECISION: i64 = 16;

/// `digits * 10^exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: BigInt,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal that reads as this number; an error for what is not finite.
    pub(super) fn from_float(number: f64) -> Result<Self, Failure> {
        if !number.is_finite() {
            let name = if number.is_nan() { "NaN" } else { ["+Inf", "-Inf"][usize::from(number < 0.0)] };
            return Err(Failure::Message(format!("Cannot create a Decimal from {name}")));
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().unwrap_or_default();
        Ok(Self { digits, exponent: exponent.parse::<i64>().unwrap_or_default() - fraction.len() as i64 })
    }

    /// The nearest number.
    pub(super) fn to_float(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or_default()
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { digits: self.digits_at(exponent) + other.digits_at(exponent), exponent }
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self { digits: self.digits_at(exponent) - other.digits_at(exponent), exponent }
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        Self { digits: &self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    /// The quotient with 16 digits after the point, half away from zero.
    pub(super) fn div(&self, other: &Self) -> Result<Self, Failure> {
        if other.digits.sign() == Sign::NoSign {
            return Err("decimal division by 0".into());
        }
        let shift = self.exponent - other.exponent + DIVISION_PRECISION;
        let (upper, lower) = match shift < 0 {
            true => (self.digits.clone(), &other.digits * power(-shift)),
            false => (&self.digits * power(shift), other.digits.clone()),
        };
        let mut quotient = &upper / &lower;
        let remainder = &upper % &lower;
        if (remainder.magnitude() * 2_u8) >= *lower.magnitude() {
            quotient += if self.digits.sign() == other.digits.sign() { 1 } else { -1 };
        }
        Ok(Self { digits: quotient, exponent: -DIVISION_PRECISION })
    }

    fn digits_at(&self, exponent: i64) -> BigInt {
        &self.digits * power(self.exponent - exponent)
    }
}

fn power(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(number: f64) -> Decimal {
        Decimal::from_float(number).unwrap()
    }

    #[test]
    fn decimals_add_without_the_errors_of_floats() {
        assert_eq!(decimal(0.1).add(&decimal(0.2)).to_float(), 0.3);
        assert_eq!(decimal(1.0).div(&decimal(3.0)).unwrap().to_float(), 0.3333333333333333);
        assert_eq!(decimal(-2.0).div(&decimal(3.0)).unwrap().to_float(), -0.6666666666666667);
        assert_eq!(decimal(1e308).mul(&decimal(1e308)).to_float(), f64::INFINITY);
        assert!(decimal(1.0).div(&decimal(0.0)).is_err());
    }
}
