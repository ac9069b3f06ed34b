//! The formats of strings in CRDs (`k8s.io/kube-openapi/pkg/validation/strfmt`), as far as it is certain what they take.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::check::validity::grammar;

/// Whether a text is of a format; `None` for formats that are not evaluated here.
pub(super) fn fits(format: &str, text: &str) -> Option<bool> {
    Some(match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => grammar::cidr(text).is_some(),
        "uuid" => is_uuid(text, None),
        "uuid3" => is_uuid(text, Some(b'3')),
        "uuid4" => is_uuid(text, Some(b'4')),
        "uuid5" => is_uuid(text, Some(b'5')),
        "date" => is_date(text),
        "date-time" | "datetime" => is_date_time(text),
        "duration" => is_duration(text),
        "byte" => grammar::base64(text).is_some(),
        // Anything fits.
        "password" | "int32" | "int64" | "uint32" | "uint64" | "float" | "double" | "float32" | "float64" | "int-or-string"
        | "quantity" => true,
        // No format of CRDs: the API server takes no notice of it.
        _ if !KNOWN.contains(&format) => true,
        _ => return None,
    })
}

/// Formats that the API server evaluates and this does not.
const KNOWN: &[&str] =
    &["bsonobjectid", "uri", "email", "hostname", "mac", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor"];

fn is_uuid(text: &str, version: Option<u8>) -> bool {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let fits = digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit);
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    // Dashes may be left out one by one.
    let shaped = groups.iter().sum::<usize>() == 32 && groups.len() <= 5;
    let variant = |byte: &u8| matches!(byte.to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b');
    let versioned =
        version.is_none_or(|version| digits.get(12) == Some(&version) && (version == b'3' || digits.get(16).is_some_and(variant)));
    fits && shaped && versioned
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && grammar::is_time(&format!("{text}T00:00:00Z"))
}

/// Only what comes before the zone is looked at, as the API server does.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['t', 'T']) else { return false };
    let clock = time.get(..8).unwrap_or_default();
    is_date(date) && grammar::is_time(&format!("{date}T{clock}Z"))
}

/// A duration of Go, or numbers with words such as `3 days`.
fn is_duration(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return true;
    }
    let has_digit = unsigned.bytes().any(|byte| byte.is_ascii_digit());
    let has_unit = unsigned.chars().any(|c| "nuµmshdw".contains(c.to_ascii_lowercase()));
    has_digit && has_unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_their_format() {
        for (format, good, bad) in [
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "fd00::1", "10.0.0.1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
            ("uuid4", "123e4567-e89b-42d3-a456-426614174000", "123e4567-e89b-12d3-a456-426614174000"),
            ("date", "2026-02-28", "2026-02-30"),
            ("date-time", "2026-02-28T10:00:00Z", "2026-02-28"),
            ("duration", "1h30m", "soon"),
            ("duration", "3 days", "30"),
            ("byte", "YQ==", "YQ"),
        ] {
            assert_eq!((fits(format, good), fits(format, bad)), (Some(true), Some(false)), "{format}");
        }
        assert_eq!(fits("hostname", "a"), None);
        assert_eq!(fits("made-up", "a"), Some(true));
    }
}
