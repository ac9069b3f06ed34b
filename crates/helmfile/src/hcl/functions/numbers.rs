//! Functions of numbers.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::super::number::Number;
use super::super::value::{Outcome, Type, Value};
use super::{int_at, number_at, value_at};

/// `range` makes this many numbers at the most.
const LONGEST_RANGE: usize = 1024;

pub(super) fn abs(arguments: &[Value]) -> Outcome {
    Ok(Value::Number(number_at(arguments, 0)?.absolute()))
}

pub(super) fn ceil(arguments: &[Value]) -> Outcome {
    Value::number(number_at(arguments, 0)?.ceil())
}

pub(super) fn floor(arguments: &[Value]) -> Outcome {
    Value::number(number_at(arguments, 0)?.floor())
}

pub(super) fn int(arguments: &[Value]) -> Outcome {
    let number = number_at(arguments, 0)?;
    if number.is_integer() { Ok(Value::Number(number.clone())) } else { Value::number(Number::big_integer(number.truncated())) }
}

pub(super) fn log(arguments: &[Value]) -> Outcome {
    let (number, base) = (number_at(arguments, 0)?.to_float(), number_at(arguments, 1)?.to_float());
    float(number.ln() / base.ln())
}

pub(super) fn pow(arguments: &[Value]) -> Outcome {
    float(number_at(arguments, 0)?.to_float().powf(number_at(arguments, 1)?.to_float()))
}

fn float(value: f64) -> Outcome {
    Number::float(value).map(Value::Number).ok_or_else(|| "the result is no finite number".to_owned())
}

pub(super) fn signum(arguments: &[Value]) -> Outcome {
    Ok(Value::Number(Number::integer(int_at(arguments, 0)?.signum())))
}

pub(super) fn max(arguments: &[Value]) -> Outcome {
    extreme(arguments, Ordering::Greater)
}

pub(super) fn min(arguments: &[Value]) -> Outcome {
    extreme(arguments, Ordering::Less)
}

fn extreme(arguments: &[Value], wanted: Ordering) -> Outcome {
    let mut best = number_at(arguments, 0).map_err(|_| "at least one number is required")?;
    for at in 1..arguments.len() {
        let number = number_at(arguments, at)?;
        if number.compare(best) == wanted {
            best = number;
        }
    }
    Ok(Value::Number(best.clone()))
}

/// Digits of base 37 and above: small letters, then capital ones.
pub(super) fn parseint(arguments: &[Value]) -> Outcome {
    let Value::String(text) = value_at(arguments, 0)? else {
        return Err(format!("the number is a text, not a {}", value_at(arguments, 0)?.type_of().name()));
    };
    let base = int_at(arguments, 1)?;
    let base = u32::try_from(base).ok().filter(|base| (2..=62).contains(base)).ok_or("the base is a whole number from 2 to 62")?;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let refused = || format!("{text:?} is no whole number of base {base}");
    if digits.is_empty() || digits.len() > 4096 {
        return Err(refused());
    }
    let mut value = BigInt::ZERO;
    for character in digits.chars() {
        let digit = digit(character, base).ok_or_else(refused)?;
        value = value * base + digit;
    }
    Value::number(Number::big_integer(if text.starts_with('-') { -value } else { value }))
}

fn digit(character: char, base: u32) -> Option<u32> {
    let digit = match character {
        '0'..='9' => u32::from(character) - u32::from('0'),
        'a'..='z' => u32::from(character) - u32::from('a') + 10,
        'A'..='Z' if base <= 36 => u32::from(character) - u32::from('A') + 10,
        'A'..='Z' => u32::from(character) - u32::from('A') + 36,
        _ => return None,
    };
    (digit < base).then_some(digit)
}

pub(super) fn range(arguments: &[Value]) -> Outcome {
    let zero = Number::integer(0);
    let one = |start: &Number, end: &Number| Number::integer(if end.compare(start) == Ordering::Less { -1 } else { 1 });
    let (start, end, step) = match arguments.len() {
        1 => (zero.clone(), number_at(arguments, 0)?.clone(), one(&zero, number_at(arguments, 0)?)),
        2 => {
            let (start, end) = (number_at(arguments, 0)?, number_at(arguments, 1)?);
            (start.clone(), end.clone(), one(start, end))
        }
        3 => (number_at(arguments, 0)?.clone(), number_at(arguments, 1)?.clone(), number_at(arguments, 2)?.clone()),
        _ => return Err("one, two or three arguments are required".to_owned()),
    };
    if step.is_zero() {
        return Err("the step is zero".to_owned());
    }
    let beyond = if step.is_negative() { Ordering::Greater } else { Ordering::Less };
    if end.compare(&start) == beyond {
        return Err("the step leads away from the end".to_owned());
    }
    let mut numbers = Vec::new();
    let mut current = start;
    while current.compare(&end) == beyond {
        if numbers.len() >= LONGEST_RANGE {
            return Err(format!("there would be more than {LONGEST_RANGE} numbers"));
        }
        let next = current.plus(&step).map_err(|_| "a number is too large or too small")?;
        numbers.push(Value::Number(std::mem::replace(&mut current, next)));
    }
    Value::list(Type::Number, numbers)
}
