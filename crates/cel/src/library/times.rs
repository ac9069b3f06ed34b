//! Parts of moments and durations.

use hydrate_gotmpl::time::Civil;

use crate::time::civil;
use crate::value::{Moment, Out, Value};

use super::Function;

pub(crate) const TABLE: &[(&str, Function)] = &[
    ("getFullYear", |args| part(args, |civil, _| civil.year)),
    ("getMonth", |args| part(args, |civil, _| i64::from(civil.month) - 1)),
    ("getDayOfYear", |args| part(args, |civil, _| i64::from(civil.year_day) - 1)),
    ("getDayOfMonth", |args| part(args, |civil, _| i64::from(civil.day) - 1)),
    ("getDate", |args| part(args, |civil, _| i64::from(civil.day))),
    ("getDayOfWeek", |args| part(args, |civil, _| i64::from(civil.weekday))),
    ("getHours", |args| length(args, 3_600_000_000_000).or_else(|| part(args, |civil, _| i64::from(civil.hour)))),
    ("getMinutes", |args| length(args, 60_000_000_000).or_else(|| part(args, |civil, _| i64::from(civil.minute)))),
    ("getSeconds", |args| length(args, 1_000_000_000).or_else(|| part(args, |civil, _| i64::from(civil.second)))),
    ("getMilliseconds", |args| length(args, 1_000_000).or_else(|| part(args, |_, moment| i64::from(moment.nanos / 1_000_000)))),
];

fn length(args: &[Value], unit: i64) -> Option<Out> {
    match args {
        [Value::Duration(nanos)] => Some(Ok(Value::Int(nanos / unit))),
        _ => None,
    }
}

fn part(args: &[Value], of: impl Fn(Civil, Moment) -> i64) -> Option<Out> {
    let (moment, zone) = match args {
        [Value::Timestamp(moment)] => (*moment, "UTC"),
        [Value::Timestamp(moment), Value::String(zone)] => (*moment, &**zone),
        _ => return None,
    };
    Some(civil(moment, zone).map(|civil| Value::Int(of(civil, moment))))
}
