//! `+`, `==`, `&&` and the others.

use std::cmp::Ordering;

use super::super::number::Number;
use super::super::value::{Outcome, Type, Value, convert};

/// Which operand an error is about.
pub(super) enum Side {
    Left,
    Right,
    Both,
}

/// Why an operator cannot be applied.
pub(super) struct Unfit {
    pub(super) side: Side,
    pub(super) why: String,
}

pub(super) fn unary(operator: &str, operand: &Value) -> Outcome {
    if operator == "!" {
        return boolean(operand).map(|value| Value::Bool(!value));
    }
    number(operand).map(|value| Value::Number(value.negated()))
}

/// Whether the operands that are known can be operands of `&&` and `||`.
pub(super) fn fit(operator: &str, operands: [Option<&Value>; 2]) -> bool {
    matches!(operator, "&&" | "||") && operands.into_iter().flatten().all(|operand| convert(operand, &Type::Bool).is_ok())
}

/// `false && …` and `true || …` are known, whatever the other side is.
pub(super) fn decided_by(operator: &str, side: &Value) -> Option<Value> {
    match (operator, boolean(side)) {
        ("&&", Ok(false)) => Some(Value::Bool(false)),
        ("||", Ok(true)) => Some(Value::Bool(true)),
        _ => None,
    }
}

pub(super) fn binary(operator: &str, left: &Value, right: &Value) -> Result<Value, Unfit> {
    let sides = |one: Result<_, String>, other: Result<_, String>| {
        let one = one.map_err(|why| Unfit { side: Side::Left, why })?;
        Ok((one, other.map_err(|why| Unfit { side: Side::Right, why })?))
    };
    match operator {
        "==" => return Ok(Value::Bool(left.equals(right))),
        "!=" => return Ok(Value::Bool(!left.equals(right))),
        "&&" | "||" => {
            let one = boolean(left).map_err(|why| Unfit { side: Side::Left, why })?;
            let other = boolean(right).map_err(|why| Unfit { side: Side::Right, why })?;
            return Ok(Value::Bool(if operator == "&&" { one && other } else { one || other }));
        }
        _ => {}
    }
    let (left, right) = sides(number(left), number(right))?;
    arithmetic(operator, &left, &right).map_err(|why| Unfit { side: Side::Both, why })
}

fn arithmetic(operator: &str, left: &Number, right: &Number) -> Outcome {
    let order = || left.compare(right);
    match operator {
        "+" => Value::number(left.plus(right)),
        "-" => Value::number(left.minus(right)),
        "*" => Value::number(left.times(right)),
        "/" if right.is_zero() => Err("a number cannot be divided by zero".to_owned()),
        "/" => Value::number(left.over(right)),
        "%" => Value::number(left.modulo(right)),
        "<" => Ok(Value::Bool(order() == Ordering::Less)),
        "<=" => Ok(Value::Bool(order() != Ordering::Greater)),
        ">" => Ok(Value::Bool(order() == Ordering::Greater)),
        _ => Ok(Value::Bool(order() != Ordering::Less)),
    }
}

fn number(value: &Value) -> Result<Number, String> {
    match convert(value, &Type::Number)? {
        Value::Number(number) => Ok(number),
        _ => Err("it is null".to_owned()),
    }
}

fn boolean(value: &Value) -> Result<bool, String> {
    match convert(value, &Type::Bool)? {
        Value::Bool(value) => Ok(value),
        _ => Err("it is null".to_owned()),
    }
}
