//! Arithmetic. Whole numbers are `int64` and wrap around as Go's do; the functions that end in `f` compute in
//! decimals.

use super::args::{self, Out, int, largest, too_large};
use super::cast::{to_float64, to_int64};
use super::decimal::Decimal;
use super::strconv::parse_int;
use super::text::strval;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, List, Value};

fn int64(number: i64) -> Out {
    Ok(Value::Int64(number))
}

fn float64(number: f64) -> Out {
    Ok(Value::Float64(number))
}

/// `int VALUE`: an `int`.
pub(crate) fn to_int(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Int(to_int64(args::any(args, 0))))
}

/// `int64 VALUE`.
pub(crate) fn to_int_64(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(to_int64(args::any(args, 0)))
}

/// `float64 VALUE`.
pub(crate) fn to_float_64(_: &mut Vm<'_>, args: &[Value]) -> Out {
    float64(to_float64(args::any(args, 0)))
}

/// `toDecimal VALUE`: the number whose octal digits the value prints.
pub(crate) fn to_decimal(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(parse_int(&strval(args::any(args, 0)), 8).unwrap_or(0))
}

/// `add1 VALUE`.
pub(crate) fn add1(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(to_int64(args::any(args, 0)).wrapping_add(1))
}

/// `add VALUE…`.
pub(crate) fn add(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(args.iter().fold(0, |sum, value| sum.wrapping_add(to_int64(value))))
}

/// `sub ONE OTHER`.
pub(crate) fn sub(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(to_int64(args::any(args, 0)).wrapping_sub(to_int64(args::any(args, 1))))
}

/// `mul VALUE…`.
pub(crate) fn mul(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(args.iter().fold(1, |product, value| product.wrapping_mul(to_int64(value))))
}

/// `div ONE OTHER`: towards zero.
pub(crate) fn div(_: &mut Vm<'_>, args: &[Value]) -> Out {
    divide(args, i64::wrapping_div)
}

/// `mod ONE OTHER`: with the sign of the first.
pub(crate) fn modulo(_: &mut Vm<'_>, args: &[Value]) -> Out {
    divide(args, i64::wrapping_rem)
}

fn divide(args: &[Value], operation: fn(i64, i64) -> i64) -> Out {
    match to_int64(args::any(args, 1)) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => int64(operation(to_int64(args::any(args, 0)), divisor)),
    }
}

/// `max VALUE…` and `biggest VALUE…`.
pub(crate) fn max(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(args.iter().map(to_int64).max().unwrap_or(0))
}

/// `min VALUE…`.
pub(crate) fn min(_: &mut Vm<'_>, args: &[Value]) -> Out {
    int64(args.iter().map(to_int64).min().unwrap_or(0))
}

/// `maxf VALUE…`.
pub(crate) fn maxf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    float64(extreme(args, f64::INFINITY, f64::max))
}

/// `minf VALUE…`.
pub(crate) fn minf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    float64(extreme(args, f64::NEG_INFINITY, f64::min))
}

/// Go's `math.Max` and `math.Min`: an infinity on its own side wins over NaN, NaN over all else.
fn extreme(args: &[Value], winner: f64, choose: fn(f64, f64) -> f64) -> f64 {
    let choice = |one: f64, other: f64| match () {
        () if one == winner || other == winner => winner,
        () if one.is_nan() || other.is_nan() => f64::NAN,
        () if one == 0.0 && other == 0.0 && one.is_sign_negative() != other.is_sign_negative() => 0.0_f64.copysign(winner),
        () => choose(one, other),
    };
    args.iter().map(to_float64).reduce(choice).unwrap_or(0.0)
}

/// `floor VALUE`.
pub(crate) fn floor(_: &mut Vm<'_>, args: &[Value]) -> Out {
    float64(to_float64(args::any(args, 0)).floor())
}

/// `ceil VALUE`.
pub(crate) fn ceil(_: &mut Vm<'_>, args: &[Value]) -> Out {
    float64(to_float64(args::any(args, 0)).ceil())
}

/// `round VALUE PLACES [FROM]`: up from a fraction of 0.5, or of `FROM`.
pub(crate) fn round(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let from = args.get(2).map_or(0.5, to_float64);
    let power = power_of_ten(int(args, 1));
    let digit = power * to_float64(args::any(args, 0));
    let fraction = if digit.is_infinite() { f64::NAN } else { digit - digit.trunc() };
    float64(if fraction >= from { digit.ceil() } else { digit.floor() } / power)
}

/// Go's `math.Pow(10, exponent)`, by repeated squaring and thus with its rounding.
fn power_of_ten(exponent: i64) -> f64 {
    let mut mantissa = 1.0_f64;
    let mut shift = 0_i64;
    let (mut square, mut power) = (10.0_f64 / 16.0, 4_i64);
    let mut left = exponent.unsigned_abs();
    while left != 0 {
        if power > 1 << 12 {
            shift += power;
            break;
        }
        if left & 1 == 1 {
            mantissa *= square;
            shift += power;
        }
        square *= square;
        power <<= 1;
        if square < 0.5 {
            square += square;
            power -= 1;
        }
        left >>= 1;
    }
    if exponent < 0 {
        mantissa = 1.0 / mantissa;
        shift = -shift;
    }
    load_exponent(mantissa, shift)
}

/// `mantissa * 2^exponent`, in two steps so that a result below the normal numbers is rounded once.
fn load_exponent(mantissa: f64, exponent: i64) -> f64 {
    match exponent.clamp(-2200, 2200) as i32 {
        exponent if exponent > 1000 => mantissa * 2_f64.powi(1000) * 2_f64.powi(exponent - 1000),
        exponent if exponent < -1000 => mantissa * 2_f64.powi(-1000) * 2_f64.powi(exponent + 1000),
        exponent => mantissa * 2_f64.powi(exponent),
    }
}

fn decimals(first: f64, others: &[Value], operation: fn(&Decimal, &Decimal) -> Result<Decimal, Failure>) -> Out {
    let mut result = Decimal::from_float(first)?;
    for value in others {
        result = operation(&result, &Decimal::from_float(to_float64(value))?)?;
    }
    float64(result.to_float())
}

/// `add1f VALUE`.
pub(crate) fn add1f(_: &mut Vm<'_>, args: &[Value]) -> Out {
    decimals(to_float64(args::any(args, 0)), &[Value::Int(1)], |one, other| Ok(one.add(other)))
}

/// `addf VALUE…`.
pub(crate) fn addf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    decimals(0.0, args, |one, other| Ok(one.add(other)))
}

/// `subf VALUE…`.
pub(crate) fn subf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    decimals(to_float64(args::any(args, 0)), args::rest(args, 1), |one, other| Ok(one.sub(other)))
}

/// `mulf VALUE…`.
pub(crate) fn mulf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    decimals(to_float64(args::any(args, 0)), args::rest(args, 1), |one, other| Ok(one.mul(other)))
}

/// `divf VALUE…`: 16 digits after the point.
pub(crate) fn divf(_: &mut Vm<'_>, args: &[Value]) -> Out {
    decimals(to_float64(args::any(args, 0)), args::rest(args, 1), Decimal::div)
}

/// `randInt FROM BELOW`.
pub(crate) fn rand_int(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let (from, below) = (int(args, 0), int(args, 1));
    let width = below.wrapping_sub(from);
    if width <= 0 {
        return Err("invalid argument to Intn".into());
    }
    let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
    let could_give = |text: &[u8]| number(text).is_some_and(|number| (from..below).contains(&number));
    let make = || {
        let offset = super::crypto::random::below(vm.world(), width.unsigned_abs());
        args::string(from.wrapping_add_unsigned(offset).to_string())
    };
    let made = super::crypto::random::decided(vm, "randInt", &[&from.to_le_bytes(), &below.to_le_bytes()], could_give, make)?;
    Ok(Value::Int(if let Value::Str(text) = &made { number(text.as_bytes()).unwrap_or(from) } else { from }))
}

/// The numbers from `start` to before `stop`.
fn steps(start: i64, stop: i64, step: i64, what: &str) -> Result<Vec<i64>, Failure> {
    if stop < start && step >= 0 || stop >= start && step <= 0 {
        return Ok(Vec::new());
    }
    let count = (i128::from(stop) - i128::from(start)).unsigned_abs().div_ceil(i128::from(step).unsigned_abs());
    if count > (largest() / size_of::<Value>()) as u128 {
        return Err(too_large(what));
    }
    Ok((0..count as i64).map(|at| start.wrapping_add(at.wrapping_mul(step))).collect())
}

fn ints(numbers: Vec<i64>) -> Out {
    Ok(Value::List(List::typed("[]int", numbers.into_iter().map(Value::Int).collect())))
}

/// `until COUNT`: a `[]int` from 0 up or down to before the count.
pub(crate) fn until(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let stop = int(args, 0);
    ints(steps(0, stop, if stop < 0 { -1 } else { 1 }, "until")?)
}

/// `untilStep START STOP STEP`: a `[]int`.
pub(crate) fn until_step(_: &mut Vm<'_>, args: &[Value]) -> Out {
    ints(steps(int(args, 0), int(args, 1), int(args, 2), "untilStep")?)
}

/// `seq [START [STEP]] END`: the numbers as text, the end included.
pub(crate) fn seq(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (start, step, end) = match args.len() {
        1 => (1, None, int(args, 0)),
        2 => (int(args, 0), None, int(args, 1)),
        3 => (int(args, 0), Some(int(args, 1)), int(args, 2)),
        _ => return args::string(""),
    };
    let towards = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return args::string("");
    }
    let numbers = steps(start, end.wrapping_add(towards), step.unwrap_or(towards), "seq")?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    args::string(texts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::power_of_ten;

    #[test]
    fn powers_of_ten() {
        assert_eq!(power_of_ten(3), 1000.0);
        assert_eq!(power_of_ten(-2), 0.01);
        assert_eq!(power_of_ten(400), f64::INFINITY);
        assert_eq!(power_of_ten(-400), 0.0);
        assert_eq!(power_of_ten(i64::MIN), 0.0);
    }
}
