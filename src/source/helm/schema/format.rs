//! `format`: the checks of both libraries, where they agree in what they accept.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::sprig::regex::GoRegex;

/// Why a text is not of a format, in the words of Helm 4's library; unknown formats accept everything.
pub(super) fn check(format: &str, text: &str) -> Result<(), String> {
    let valid = match format {
        "ipv4" => return ipv4(text),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "hostname" => hostname(text),
        "email" => email(text),
        "date" => date(text),
        "time" => time(text, true),
        "date-time" => date_time(text),
        "uuid" => uuid(text),
        "uri" | "iri" => uri(text),
        "uri-reference" | "iri-reference" => !text.contains(['\\', ' ']) && !text.chars().any(char::is_control),
        "json-pointer" => text.is_empty() || text.starts_with('/'),
        "regex" => return GoRegex::new(text.as_bytes()).map(drop).map_err(|error| error.to_string()),
        "duration" => duration(text),
        _ => true,
    };
    if valid { Ok(()) } else { Err(format!("invalid {format}")) }
}

fn ipv4(text: &str) -> Result<(), String> {
    if text.split('.').count() != 4 {
        return Err("expected four decimals".to_owned());
    }
    text.parse::<Ipv4Addr>().map(drop).map_err(|_| "invalid ipv4".to_owned())
}

fn hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (1..=63).contains(&label.len()) && label.chars().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && local.len() <= 64
        && !local.contains([' ', '@', '(', ')', '<', '>'])
        && (domain.starts_with('[') || hostname(domain))
}

fn date(text: &str) -> bool {
    text.len() == 10 && jiff::civil::Date::strptime("%Y-%m-%d", text).is_ok()
}

fn time(text: &str, zoned: bool) -> bool {
    let clock = text.get(..8).unwrap_or_default();
    if jiff::civil::Time::strptime("%H:%M:%S", clock).is_err() {
        return false;
    }
    let rest = text.get(8..).unwrap_or_default();
    let zone = rest.strip_prefix('.').map_or(rest, |fraction| fraction.trim_start_matches(|c: char| c.is_ascii_digit()));
    if zone.is_empty() {
        return !zoned;
    }
    zone.eq_ignore_ascii_case("z")
        || zone.strip_prefix(['+', '-']).is_some_and(|offset| {
            offset.split_once(':').is_some_and(|(hours, minutes)| {
                let below = |text: &str, limit: u32| text.len() == 2 && text.parse::<u32>().is_ok_and(|number| number < limit);
                below(hours, 24) && below(minutes, 60)
            })
        })
}

fn date_time(text: &str) -> bool {
    let Some((day, clock)) = text.split_at_checked(10) else { return false };
    date(day) && clock.strip_prefix(['T', 't']).is_some_and(|clock| time(clock, true))
}

fn uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

fn uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !rest.contains(['\\', ' '])
        && !rest.chars().any(char::is_control)
}

fn duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (days, clock) = rest.split_once('T').map_or((rest, None), |(days, clock)| (days, Some(clock)));
    let units = |text: &str, order: &str| {
        let mut last = 0;
        let mut digits = 0;
        for c in text.chars() {
            match order.find(c) {
                _ if c.is_ascii_digit() => digits += 1,
                Some(at) if digits > 0 && at + 1 > last => (last, digits) = (at + 1, 0),
                _ => return false,
            }
        }
        digits == 0
    };
    units(days, "YMWD") && clock.is_none_or(|clock| !clock.is_empty() && units(clock, "HMS")) && !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (format, good, bad) in [
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "1.2.3.4"),
            ("hostname", "a.example.org", "a_b"),
            ("email", "a@b.org", "a.b.org"),
            ("date", "2026-02-28", "2026-02-30"),
            ("time", "12:00:00Z", "25:00:00Z"),
            ("date-time", "2026-02-28T12:00:00.5+01:00", "2026-02-28 12:00"),
            ("uri", "https://example.org/x", "/x"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "x"),
            ("duration", "P3DT4H", "P"),
            ("regex", "a+", "(?=x)"),
        ] {
            assert!(check(format, good).is_ok(), "{format} {good}");
            assert!(check(format, bad).is_err(), "{format} {bad}");
        }
        assert!(check("made-up", "x").is_ok());
    }
}
