//! The duration functions of Helm 4 (`pkg/engine/funcs.go`): numbers are seconds, texts are Go durations or seconds.

use std::rc::Rc;

use hydrate_gotmpl::Failure;
use hydrate_gotmpl::time::duration;
use hydrate_gotmpl::{Kind, Rare, Value};
use hydrate_gotmpl::{Vm, fmt};

type Out = Result<Value, Failure>;

const SECOND: i128 = 1_000_000_000;

fn value(nanoseconds: i64) -> Value {
    Value::Rare(Rc::new(Rare::Integer("time.Duration", Kind::Int64, i128::from(nanoseconds))))
}

fn argument(args: &[Value], at: usize) -> Result<i64, String> {
    of(&args.get(at).cloned().unwrap_or_default())
}

/// `asDuration`
fn of(value: &Value) -> Result<i64, String> {
    match value {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Str(text) => of_text(&text.to_str_lossy()),
        Value::Int(seconds) | Value::Int64(seconds) => of_integer(i128::from(*seconds)),
        Value::Float64(seconds) => of_float(*seconds),
        Value::Rare(rare) => match &**rare {
            Rare::Integer("time.Duration", _, nanoseconds) => i64::try_from(*nanoseconds).map_err(|_| "invalid duration".to_owned()),
            Rare::Integer(_, _, seconds) => of_integer(*seconds),
            Rare::Float32(seconds) => of_float(f64::from(*seconds)),
            _ => Err(format!("unsupported duration type {}", value.type_name())),
        },
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

fn of_text(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("empty duration".to_owned());
    }
    if let Ok(nanoseconds) = duration::parse(trimmed.as_bytes()) {
        return Ok(nanoseconds);
    }
    // Go's floats have forms that Rust's do not, such as underscores in hexadecimal ones; durations have no use for them.
    match trimmed.parse::<f64>() {
        Ok(seconds) => of_float(seconds),
        Err(_) => Err(format!("could not parse duration {}", fmt::quote(text.as_bytes()))),
    }
}

fn of_integer(seconds: i128) -> Result<i64, String> {
    i64::try_from(seconds * SECOND).map_err(|_| format!("duration seconds overflow: {seconds}"))
}

fn of_float(seconds: f64) -> Result<i64, String> {
    let shown = || fmt::to_text(&Value::Float64(seconds));
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", shown()));
    }
    let nanoseconds = seconds * SECOND as f64;
    if nanoseconds.abs() > i64::MAX as f64 {
        return Err(format!("duration seconds overflow: {}", shown()));
    }
    Ok(nanoseconds as i64)
}

/// `mustToDuration "1h"`
pub(super) fn must_to_duration(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(value(argument(args, 0)?))
}

fn whole(args: &[Value], unit: i64) -> Out {
    Ok(Value::Int64(argument(args, 0).map_or(0, |nanoseconds| nanoseconds / unit)))
}

/// Go divides the whole units and the rest apart, for precision.
fn fraction(args: &[Value], unit: i64) -> f64 {
    argument(args, 0).map_or(0.0, |nanoseconds| (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64)
}

const HOUR: i64 = 3_600_000_000_000;

/// `durationNanoseconds "1s"`
pub(super) fn nanoseconds(_: &mut Vm<'_>, args: &[Value]) -> Out {
    whole(args, 1)
}

/// `durationMicroseconds "1s"`
pub(super) fn microseconds(_: &mut Vm<'_>, args: &[Value]) -> Out {
    whole(args, 1_000)
}

/// `durationMilliseconds "1s"`
pub(super) fn milliseconds(_: &mut Vm<'_>, args: &[Value]) -> Out {
    whole(args, 1_000_000)
}

/// `durationSeconds "1m"`
pub(super) fn seconds(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Float64(fraction(args, 1_000_000_000)))
}

/// `durationMinutes "1h"`
pub(super) fn minutes(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Float64(fraction(args, 60_000_000_000)))
}

/// `durationHours "90m"`
pub(super) fn hours(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Float64(fraction(args, HOUR)))
}

/// `durationDays "36h"`
pub(super) fn days(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Float64(fraction(args, HOUR) / 24.0))
}

/// `durationWeeks "336h"`
pub(super) fn weeks(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::Float64(fraction(args, HOUR) / 24.0 / 7.0))
}

/// `durationRoundTo "1h13m" "1h"`: to the nearest multiple, halves away from zero.
pub(super) fn round_to(_: &mut Vm<'_>, args: &[Value]) -> Out {
    to_multiple(args, duration::round)
}

/// `durationTruncateTo "1h13m" "1h"`: towards zero.
pub(super) fn truncate_to(_: &mut Vm<'_>, args: &[Value]) -> Out {
    to_multiple(args, duration::truncate)
}

fn to_multiple(args: &[Value], change: fn(i64, i64) -> i64) -> Out {
    let Ok(duration) = argument(args, 0) else { return Ok(value(0)) };
    Ok(value(argument(args, 1).map_or(duration, |multiple| change(duration, multiple))))
}
