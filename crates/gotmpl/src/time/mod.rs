//! Go's `time`: layouts, parsing, durations and zones.
//!
//! A [`Moment`] reaches as far as Go's 64 bits of seconds; a value of the engine is a `jiff::Zoned`, which ends with
//! the year 9999, and moments beyond are cut to that.

mod civil;
pub mod duration;
mod layout;
mod parse;
pub mod zone;

pub use civil::Civil;
pub use layout::format;
pub use parse::{ParseTimeError, check_rfc3339, parse};

use jiff::tz::TimeZone;

/// An instant and the zone it is shown in.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Whole seconds since 1970 in UTC.
    pub seconds: i64,
    /// Nanoseconds on top of them, less than a second.
    pub nanoseconds: u32,
    /// The zone.
    pub zone: TimeZone,
}

impl Moment {
    /// The moment some nanoseconds after 1970 in UTC.
    pub fn from_nanoseconds(nanoseconds: i128, zone: TimeZone) -> Self {
        const SECOND: i128 = 1_000_000_000;
        let seconds = nanoseconds.div_euclid(SECOND).clamp(i64::MIN.into(), i64::MAX.into());
        Self { seconds: seconds as i64, nanoseconds: nanoseconds.rem_euclid(SECOND) as u32, zone }
    }

    /// The value of the engine, cut to the years it can show.
    pub fn to_zoned(&self) -> jiff::Zoned {
        self.timestamp().to_zoned(self.zone.clone())
    }

    /// The instant, cut to the years it can show.
    fn timestamp(&self) -> jiff::Timestamp {
        let edge = if self.seconds < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        jiff::Timestamp::new(self.seconds, i32::try_from(self.nanoseconds).unwrap_or_default()).unwrap_or(edge)
    }

    /// The abbreviation of the zone at this moment, and its offset from UTC in seconds.
    pub fn offset(&self) -> (String, i32) {
        let info = self.zone.to_offset_info(self.timestamp());
        (info.abbreviation().to_owned(), info.offset().seconds())
    }

    /// The calendar date and time of day in the zone.
    pub fn civil(&self) -> Civil {
        Civil::new(i128::from(self.seconds) + i128::from(self.offset().1))
    }
}

impl From<&jiff::Zoned> for Moment {
    fn from(zoned: &jiff::Zoned) -> Self {
        Self::from_nanoseconds(zoned.timestamp().as_nanosecond(), zoned.time_zone().clone())
    }
}

/// What `time.Time.String` gives.
pub fn string(time: &jiff::Zoned) -> String {
    String::from_utf8_lossy(&format(&Moment::from(time), b"2006-01-02 15:04:05.999999999 -0700 MST")).into_owned()
}

/// What `String` gives for an integer of a type of this package; `None` for another type.
pub(crate) fn integer_string(type_name: &str, number: i128) -> Option<String> {
    let named = |names: &[&str], first: i128, kind: &str| {
        let name = usize::try_from(number - first).ok().and_then(|at| names.get(at));
        name.map_or_else(|| format!("%!{kind}({})", number as u64), |name| (*name).to_owned())
    };
    match type_name {
        "time.Duration" => Some(duration::string(number as i64)),
        "time.Month" => Some(named(&civil::MONTHS, 1, "Month")),
        "time.Weekday" => Some(named(&civil::WEEKDAYS, 0, "Weekday")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64, zone: &str) -> Moment {
        Moment { seconds, nanoseconds: 120_000_000, zone: zone::load(zone).unwrap() }
    }

    fn formatted(moment: &Moment, layout: &str) -> String {
        String::from_utf8(format(moment, layout.as_bytes())).unwrap()
    }

    #[test]
    fn layouts() {
        let berlin = moment(1_700_000_000, "Europe/Berlin");
        assert_eq!(
            formatted(&berlin, "Mon Jan _2 15:04:05.000 MST 2006 -07:00 pm 3 002"),
            "Tue Nov 14 23:13:20.120 CET 2023 +01:00 pm 11 318"
        );
        assert_eq!(formatted(&berlin, "January Monday 06 1 2 Z07 .999 ,00x Month"), "November Tuesday 23 11 14 +01 .12 ,12x Month");
        assert_eq!(formatted(&moment(99_999_999_999_999, "UTC"), "2006 MST"), "3170843 UTC");
        assert_eq!(formatted(&moment(-62_135_596_801, "UTC"), "2006-01-02"), "0000-12-31");
    }

    #[test]
    fn parsing() {
        let utc = TimeZone::UTC;
        let parsed =
            |layout: &str, text: &str| parse(layout.as_bytes(), text.as_bytes(), &utc).map(|found| (found.seconds, found.nanoseconds));
        assert_eq!(parsed("2006-01-02", "2020-02-29").unwrap(), (1_582_934_400, 0));
        assert_eq!(parsed("2006-01-02T15:04:05Z07:00", "2020-01-01T00:00:00.5+01:00").unwrap(), (1_577_833_200, 500_000_000));
        assert_eq!(parsed("2006-01-02", "2021-02-29").unwrap_err().to_string(), "parsing time \"2021-02-29\": day out of range");
        assert_eq!(
            parsed("2006-01-02", "x").unwrap_err().to_string(),
            "parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\""
        );
        assert_eq!(parsed("2006-01-02", "2020-01-01 ").unwrap_err().to_string(), "parsing time \"2020-01-01 \": extra text: \" \"");
    }

    #[test]
    fn names() {
        assert_eq!(integer_string("time.Month", 3).as_deref(), Some("March"));
        assert_eq!(integer_string("time.Month", 13).as_deref(), Some("%!Month(13)"));
        assert_eq!(integer_string("time.Weekday", 0).as_deref(), Some("Sunday"));
        assert_eq!(integer_string("time.Duration", 90_000_000_000).as_deref(), Some("1m30s"));
        assert_eq!(integer_string("uint8", 1), None);
    }
}
