//! Dates, durations, and what templates may ask of them.

use super::args::{self, Out, any, bytes, int, integer, lossy};
use super::strconv::{NumberError, parse_int};
use hydrate_gotmpl::Param::{Bytes, Duration, Int, Named, Time};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::time::{Moment, duration, format, parse, zone};
use hydrate_gotmpl::{Failure, Function, Kind, Object, Param, Rare, Value};
use jiff::tz::TimeZone;

fn value(moment: &Moment) -> Value {
    Value::Rare(std::rc::Rc::new(Rare::Time(moment.to_zoned())))
}

fn duration_value(nanoseconds: i64) -> Value {
    integer("time.Duration", Kind::Int64, i128::from(nanoseconds))
}

/// The moment behind a `time.Time` argument; Go's zero time for anything else.
fn time(args: &[Value], at: usize) -> Moment {
    time_of(any(args, at)).unwrap_or_else(zero)
}

fn time_of(value: &Value) -> Option<Moment> {
    match value {
        Value::Rare(rare) => match &**rare {
            Rare::Time(time) => Some(Moment::from(time)),
            _ => None,
        },
        _ => None,
    }
}

/// The start of the year 1 in UTC.
fn zero() -> Moment {
    Moment { seconds: -62_135_596_800, nanoseconds: 0, zone: TimeZone::UTC }
}

/// The present, in the zone of the machine.
fn present(vm: &Vm<'_>) -> Moment {
    Moment::from_nanoseconds(vm.world().now(), zone::local(vm.world()))
}

/// A time, or seconds since 1970 as one of the given integer types; whatever else stands for the present.
fn date_of(vm: &Vm<'_>, value: &Value, int32: bool) -> Moment {
    let seconds = match value {
        Value::Int(seconds) | Value::Int64(seconds) => *seconds,
        Value::Rare(rare) => match &**rare {
            Rare::Time(time) => return Moment::from(time),
            Rare::Integer("int32", _, seconds) if int32 => *seconds as i64,
            _ => return present(vm),
        },
        _ => return present(vm),
    };
    Moment { seconds, nanoseconds: 0, zone: TimeZone::UTC }
}

fn shown(vm: &Vm<'_>, layout: &[u8], date: &Value, zone: &str) -> Out {
    let mut moment = date_of(vm, date, true);
    moment.zone = match zone {
        "Local" => zone::local(vm.world()),
        name => zone::load(name).unwrap_or(TimeZone::UTC),
    };
    args::string(format(&moment, layout))
}

/// `date LAYOUT DATE`: in the zone of the machine.
pub(crate) fn date(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    shown(vm, bytes(args, 0), any(args, 1), "Local")
}

/// `dateInZone LAYOUT DATE ZONE`: in UTC where there is no such zone.
pub(crate) fn date_in_zone(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    shown(vm, bytes(args, 0), any(args, 1), &lossy(args, 2))
}

/// `htmlDate DATE`.
pub(crate) fn html_date(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    shown(vm, b"2006-01-02", any(args, 0), "Local")
}

/// `htmlDateInZone DATE ZONE`.
pub(crate) fn html_date_in_zone(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    shown(vm, b"2006-01-02", any(args, 0), &lossy(args, 1))
}

/// `now`.
pub(crate) fn now(vm: &mut Vm<'_>, _: &[Value]) -> Out {
    Ok(value(&present(vm)))
}

fn plus(moment: &Moment, nanoseconds: i64) -> Moment {
    let sum = nanoseconds_of(moment) + i128::from(nanoseconds);
    Moment::from_nanoseconds(sum, moment.zone.clone())
}

fn nanoseconds_of(moment: &Moment) -> i128 {
    i128::from(moment.seconds) * i128::from(duration::SECOND) + i128::from(moment.nanoseconds)
}

/// The duration from one moment to another, cut to what 64 bits hold.
fn between(from: &Moment, to: &Moment) -> i64 {
    (nanoseconds_of(to) - nanoseconds_of(from)).clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// `dateModify DURATION DATE`: the date itself for what is no duration.
pub(crate) fn date_modify(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(match duration::parse(bytes(args, 0)) {
        Ok(nanoseconds) => value(&plus(&time(args, 1), nanoseconds)),
        Err(_) => any(args, 1).clone(),
    })
}

/// `mustDateModify DURATION DATE`.
pub(crate) fn must_date_modify(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(value(&plus(&time(args, 1), duration::parse(bytes(args, 0))?)))
}

/// `ago DATE`: how long ago, in whole seconds.
pub(crate) fn ago(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let since = between(&date_of(vm, any(args, 0), false), &present(vm));
    args::string(duration::string(duration::round(since, duration::SECOND)))
}

/// `duration SECONDS`: as Go writes it; zero for what is neither a text nor an `int64`.
pub(crate) fn duration(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let seconds = match any(args, 0) {
        Value::Int64(seconds) => *seconds,
        Value::Str(text) => match parse_int(text.as_bytes(), 10) {
            Ok(seconds) | Err(NumberError::Range(seconds)) => seconds,
            Err(NumberError::Syntax) => 0,
        },
        _ => 0,
    };
    args::string(duration::string(seconds.wrapping_mul(duration::SECOND)))
}

/// `durationRound DURATION`: its largest unit only, such as `2h` or `3mo`.
pub(crate) fn duration_round(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    const UNITS: [(u64, &str); 6] = [(365 * 86_400, "y"), (30 * 86_400, "mo"), (86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let nanoseconds = match any(args, 0) {
        Value::Str(text) => duration::parse(text.as_bytes()).unwrap_or(0),
        Value::Int64(nanoseconds) => *nanoseconds,
        other => time_of(other).map_or(0, |date| between(&date, &present(vm))),
    };
    let size = nanoseconds.unsigned_abs();
    let unit = UNITS.iter().map(|(seconds, name)| (seconds * duration::SECOND.unsigned_abs(), name)).find(|(unit, _)| size > *unit);
    args::string(unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", size / unit)))
}

/// `toDate LAYOUT TEXT`: the start of the year 1 for what is no date.
pub(crate) fn to_date(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let local = zone::local(vm.world());
    Ok(value(&parse(bytes(args, 0), bytes(args, 1), &local).unwrap_or_else(|_| zero())))
}

/// `mustToDate LAYOUT TEXT`.
pub(crate) fn must_to_date(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let local = zone::local(vm.world());
    Ok(value(&parse(bytes(args, 0), bytes(args, 1), &local).map_err(|error| error.to_string())?))
}

/// `unixEpoch DATE`: in decimal.
pub(crate) fn unix_epoch(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(time(args, 0).seconds.to_string())
}

const fn method(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

fn number(number: impl Into<i64>) -> Out {
    Ok(Value::Int(number.into()))
}

/// The methods of `time.Time` that templates can call.
pub(super) static TIME: &[Function] = &[
    method("Add", &[Duration], |_, args| Ok(value(&plus(&time(args, 0), int(args, 1))))),
    method("AddDate", &[Int, Int, Int], add_date),
    method("AppendFormat", &[Bytes, Param::String], |_, args| {
        Ok(Value::bytes([bytes_of(args), &*format(&time(args, 0), bytes(args, 2))].concat()))
    }),
    method("Clock", &[], |_, _| Err(too_many("Clock", 3))),
    method("Date", &[], |_, _| Err(too_many("Date", 3))),
    method("GoString", &[], |_, args| args::string(hydrate_gotmpl::fmt::sprintf(b"%#v", args.get(..1).unwrap_or_default()))),
    method("GobEncode", &[], |_, args| binary(args, "Time.MarshalBinary: ", b"")),
    method("ISOWeek", &[], |_, _| Err(second_result("ISOWeek", "int"))),
    method("In", &[Named(LOCATION)], in_location),
    method("Location", &[], |_, args| Ok(Value::object(Location(time(args, 0).zone)))),
    method("MarshalBinary", &[], |_, args| binary(args, "Time.MarshalBinary: ", b"")),
    method("MarshalJSON", &[], marshal_json),
    method("MarshalText", &[], |_, args| Ok(Value::bytes(rfc3339(args, "MarshalText")?))),
    method("Zone", &[], |_, _| Err(second_result("Zone", "int"))),
    method("ZoneBounds", &[], |_, _| Err(second_result("ZoneBounds", "time.Time"))),
    method("After", &[Time], |_, args| Ok(Value::Bool(between(&time(args, 1), &time(args, 0)) > 0))),
    method("Before", &[Time], |_, args| Ok(Value::Bool(between(&time(args, 1), &time(args, 0)) < 0))),
    method("Compare", &[Time], |_, args| number(between(&time(args, 1), &time(args, 0)).signum())),
    method("Day", &[], |_, args| number(time(args, 0).civil().day)),
    method("Equal", &[Time], |_, args| Ok(Value::Bool(between(&time(args, 1), &time(args, 0)) == 0))),
    method("Format", &[Param::String], |_, args| args::string(format(&time(args, 0), bytes(args, 1)))),
    method("Hour", &[], |_, args| number(time(args, 0).civil().hour)),
    method("IsDST", &[], is_dst),
    method("IsZero", &[], |_, args| Ok(Value::Bool(between(&zero(), &time(args, 0)) == 0))),
    method("Local", &[], |vm, args| Ok(value(&Moment { zone: zone::local(vm.world()), ..time(args, 0) }))),
    method("Minute", &[], |_, args| number(time(args, 0).civil().minute)),
    method("Month", &[], |_, args| Ok(integer("time.Month", Kind::Int, i128::from(time(args, 0).civil().month)))),
    method("Nanosecond", &[], |_, args| number(time(args, 0).nanoseconds)),
    method("Round", &[Duration], |_, args| Ok(rounded(args, duration::round))),
    method("Second", &[], |_, args| number(time(args, 0).civil().second)),
    method("String", &[], |_, args| args::string(format(&time(args, 0), b"2006-01-02 15:04:05.999999999 -0700 MST"))),
    method("Sub", &[Time], |_, args| Ok(duration_value(between(&time(args, 1), &time(args, 0))))),
    method("Truncate", &[Duration], |_, args| Ok(rounded(args, duration::truncate))),
    method("UTC", &[], |_, args| Ok(value(&Moment { zone: TimeZone::UTC, ..time(args, 0) }))),
    method("Unix", &[], |_, args| Ok(Value::Int64(time(args, 0).seconds))),
    method("UnixMicro", &[], |_, args| Ok(Value::Int64((nanoseconds_of(&time(args, 0)).div_euclid(1_000)) as i64))),
    method("UnixMilli", &[], |_, args| Ok(Value::Int64((nanoseconds_of(&time(args, 0)).div_euclid(1_000_000)) as i64))),
    method("UnixNano", &[], |_, args| Ok(Value::Int64(nanoseconds_of(&time(args, 0)) as i64))),
    method("Weekday", &[], |_, args| Ok(integer("time.Weekday", Kind::Int, i128::from(time(args, 0).civil().weekday)))),
    method("Year", &[], |_, args| number(time(args, 0).civil().year)),
    method("YearDay", &[], |_, args| number(time(args, 0).civil().year_day)),
];

/// What Go 1.24 has on top.
pub(super) static NEWER_TIME: &[Function] = &[
    method("AppendBinary", &[Bytes], |_, args| binary(args, "Time.AppendBinary: ", bytes_of(args))),
    method("AppendText", &[Bytes], |_, args| Ok(Value::bytes([bytes_of(args), &*rfc3339(args, "AppendText")?].concat()))),
];

fn bytes_of(args: &[Value]) -> &[u8] {
    any(args, 1).as_bytes().unwrap_or_default()
}

/// Why Go calls no function with so many results.
fn too_many(name: &str, results: usize) -> Failure {
    Failure::Uncallable(format!("function {name} has {results} return values; should be 1 or 2"))
}

/// Why Go calls no function with such a second result.
fn second_result(name: &str, type_name: &str) -> Failure {
    Failure::Uncallable(format!("invalid function signature for {name}: second return value should be error; is {type_name}"))
}

fn rfc3339(args: &[Value], method: &str) -> Result<Vec<u8>, Failure> {
    let moment = time(args, 0);
    if !(0..=9999).contains(&moment.civil().year) {
        return Err(format!("Time.{method}: year outside of range [0,9999]").into());
    }
    Ok(format(&moment, b"2006-01-02T15:04:05.999999999Z07:00"))
}

fn marshal_json(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::bytes([b"\"", &*rfc3339(args, "MarshalJSON")?, b"\""].concat()))
}

/// `Time.MarshalBinary`: version, seconds since the year 1, nanoseconds, and minutes east of UTC.
fn binary(args: &[Value], prefix: &str, before: &[u8]) -> Out {
    let moment = time(args, 0);
    let offset = moment.offset().1;
    let (minutes, seconds) = if is_utc(&moment.zone) { (-1, 0) } else { (offset / 60, offset % 60) };
    let minutes = i16::try_from(minutes).ok().filter(|minutes| *minutes != -1 || is_utc(&moment.zone));
    let minutes = minutes.ok_or_else(|| Failure::from(format!("{prefix}unexpected zone offset")))?;
    let mut out = before.to_vec();
    out.push(if seconds == 0 { 1 } else { 2 });
    out.extend((moment.seconds - zero().seconds).to_be_bytes());
    out.extend(moment.nanoseconds.to_be_bytes());
    out.extend(minutes.to_be_bytes());
    if seconds != 0 {
        out.push(seconds as u8);
    }
    Ok(Value::bytes(out))
}

fn is_utc(zone: &TimeZone) -> bool {
    zone.iana_name() == Some("UTC") || *zone == TimeZone::UTC
}

const LOCATION: &str = "*time.Location";

/// A `*time.Location`.
struct Location(TimeZone);

impl Object for Location {
    fn type_name(&self) -> &'static str {
        LOCATION
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        (name == "String").then_some(&LOCATION_STRING)
    }

    fn string(&self) -> Option<String> {
        Some(zone::name(&self.0))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

static LOCATION_STRING: Function = method("String", &[], |_, args| args::string(super::text::strval(any(args, 0))));

/// `.In LOCATION`
fn in_location(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let zone = match any(args, 1) {
        Value::Rare(rare) => match &**rare {
            Rare::Object(object) => object.as_any().downcast_ref::<Location>().map(|location| location.0.clone()),
            _ => None,
        },
        _ => None,
    };
    let zone = zone.ok_or("time: missing Location in call to Time.In")?;
    Ok(value(&Moment { zone, ..time(args, 0) }))
}

/// The methods of `time.Duration`.
pub(super) static DURATION: &[Function] = &[
    method("Abs", &[], |_, args| Ok(duration_value(int(args, 0).saturating_abs()))),
    method("Hours", &[], |_, args| parts(args, 3_600 * duration::SECOND)),
    method("Microseconds", &[], |_, args| Ok(Value::Int64(int(args, 0) / 1_000))),
    method("Milliseconds", &[], |_, args| Ok(Value::Int64(int(args, 0) / 1_000_000))),
    method("Minutes", &[], |_, args| parts(args, 60 * duration::SECOND)),
    method("Nanoseconds", &[], |_, args| Ok(Value::Int64(int(args, 0)))),
    method("Round", &[Duration], |_, args| Ok(duration_value(duration::round(int(args, 0), int(args, 1))))),
    method("Seconds", &[], |_, args| parts(args, duration::SECOND)),
    method("String", &[], |_, args| args::string(duration::string(int(args, 0)))),
    method("Truncate", &[Duration], |_, args| Ok(duration_value(duration::truncate(int(args, 0), int(args, 1))))),
];

/// The methods of `time.Month` and `time.Weekday`.
pub(super) static NAMED: &[Function] = &[method("String", &[], |_, args| args::string(super::text::strval(any(args, 0))))];

/// Whole units and the fraction apart, as Go adds them for the sake of precision.
fn parts(args: &[Value], unit: i64) -> Out {
    let nanoseconds = int(args, 0);
    Ok(Value::Float64((nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64))
}

fn is_dst(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let zoned = time(args, 0).to_zoned();
    Ok(Value::Bool(zoned.time_zone().to_offset_info(zoned.timestamp()).dst().is_dst()))
}

/// Rounding counts from the start of the year 1.
fn rounded(args: &[Value], round: fn(i64, i64) -> i64) -> Value {
    let (moment, multiple) = (time(args, 0), int(args, 1));
    if multiple <= 0 {
        return any(args, 0).clone();
    }
    let rest = (nanoseconds_of(&moment) - nanoseconds_of(&zero())).rem_euclid(i128::from(multiple)) as i64;
    value(&plus(&moment, round(rest, multiple) - rest))
}

fn add_date(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let moment = time(args, 0);
    let zoned = moment.to_zoned();
    let months = int(args, 1).saturating_mul(12).saturating_add(int(args, 2)).clamp(-240_000, 240_000);
    let first = zoned.datetime().first_of_month().checked_add(jiff::Span::new().months(months));
    let days = int(args, 3).saturating_add(i64::from(zoned.day()) - 1).clamp(-7_300_000, 7_300_000);
    let moved = first.and_then(|first| first.checked_add(jiff::Span::new().days(days)));
    let shown = moved.and_then(|moved| moved.to_zoned(moment.zone.clone()));
    match shown {
        Ok(zoned) => Ok(value(&Moment::from(&zoned))),
        Err(_) => Err("AddDate: the result lies beyond the year 9999".into()),
    }
}
