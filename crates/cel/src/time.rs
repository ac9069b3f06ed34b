//! Moments and durations as cel-go has them.

use hydrate_gotmpl::time::{Civil, Moment as Zoned, duration, format, parse, zone};
use jiff::tz::{Offset, TimeZone};

use crate::value::{EvalError, Moment};

const FIRST: i64 = -62_135_596_800;
const LAST: i64 = 253_402_300_799;

/// Reads a moment by RFC 3339.
pub(crate) fn moment(text: &str) -> Result<Moment, EvalError> {
    let parsed = parse(b"2006-01-02T15:04:05Z07:00", text.as_bytes(), &TimeZone::UTC).map_err(|error| EvalError::new(error.to_string()))?;
    let offset = parsed.offset().1;
    Ok(Moment { offset, ..within(parsed.seconds, parsed.nanoseconds)? })
}

/// A moment that a timestamp can be.
pub(crate) fn within(seconds: i64, nanos: u32) -> Result<Moment, EvalError> {
    if (FIRST..=LAST).contains(&seconds) { Ok(Moment { seconds, nanos, offset: 0 }) } else { Err(EvalError::new("timestamp overflow")) }
}

/// Reads a duration of Go.
pub(crate) fn nanoseconds(text: &str) -> Result<i64, EvalError> {
    duration::parse(text.as_bytes()).map_err(EvalError::new)
}

/// `1.5s`
pub(crate) fn duration_text(nanos: i64) -> String {
    format!("{}s", crate::text::decimal(nanos as f64 / 1e9))
}

/// RFC 3339, with as many digits as there are.
pub(crate) fn moment_text(moment: Moment) -> String {
    let zone = Offset::from_seconds(moment.offset).map_or(TimeZone::UTC, TimeZone::fixed);
    let zoned = Zoned { seconds: moment.seconds, nanoseconds: moment.nanos, zone };
    String::from_utf8_lossy(&format(&zoned, b"2006-01-02T15:04:05.999999999Z07:00")).into_owned()
}

/// Date and time in a zone: a name, or an offset such as `-07:00`.
pub(crate) fn civil(moment: Moment, zone_name: &str) -> Result<Civil, EvalError> {
    if let Some((hours, minutes)) = zone_name.split_once(':') {
        let number =
            |text: &str| text.parse::<i64>().map_err(|_| EvalError::new(format!("strconv.Atoi: parsing {text:?}: invalid syntax")));
        let (hours_number, minutes) = (number(hours)?, number(minutes)?);
        let offset = hours_number * 60 + if hours.starts_with('-') { -minutes } else { minutes };
        return Ok(Civil::new(i128::from(moment.seconds) + i128::from(offset) * 60));
    }
    let unknown = || EvalError::new(format!("unknown time zone {zone_name}"));
    let zone = match zone_name {
        "" | "UTC" => TimeZone::UTC,
        "Local" => return Err(EvalError::Unknown("the time zone of the API server".into())),
        name => zone::load(name).ok_or_else(unknown)?,
    };
    Ok(Zoned { seconds: moment.seconds, nanoseconds: moment.nanos, zone }.civil())
}

/// A moment so many nanoseconds later.
pub(crate) fn later(moment: Moment, nanos: i64) -> Result<Moment, EvalError> {
    let sum = i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos) + i128::from(nanos);
    let later = within(sum.div_euclid(1_000_000_000) as i64, sum.rem_euclid(1_000_000_000) as u32)?;
    Ok(Moment { offset: moment.offset, ..later })
}

/// The nanoseconds from the second moment to the first.
pub(crate) fn between(a: Moment, b: Moment) -> Result<i64, EvalError> {
    let of = |moment: Moment| i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos);
    i64::try_from(of(a) - of(b)).map_err(|_| EvalError::new("integer overflow"))
}
