//! The grammars of names, labels, quantities and the like: what Kubernetes takes (`k8s.io/apimachinery/pkg/util/validation`).
//!
//! Each says, for a text that is none of its kind, why.

use std::net::IpAddr;

/// What is wrong with a text; nothing where it is right.
pub(super) type Wrong = Option<String>;

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// A label of RFC 1123.
pub(super) fn dns_label(text: &str) -> Wrong {
    if text.len() > 63 {
        return Some(format!("it has {} characters, at most 63 are allowed", text.len()));
    }
    let ends = text.bytes().next().is_some_and(is_lower) && text.bytes().last().is_some_and(is_lower);
    let fits = ends && text.bytes().all(|byte| is_lower(byte) || byte == b'-');
    (!fits).then(|| "lower-case letters, digits and `-` are allowed, with a letter or digit at either end".to_owned())
}

/// A label of RFC 1035, which cannot begin with a digit.
pub(super) fn dns_1035_label(text: &str) -> Wrong {
    let begins = text.bytes().next().is_none_or(|byte| byte.is_ascii_lowercase());
    dns_label(text).or_else(|| (!begins).then(|| "it has to begin with a lower-case letter".to_owned()))
}

/// A name of RFC 1123 with dots.
pub(super) fn dns_subdomain(text: &str) -> Wrong {
    if text.len() > 253 {
        return Some(format!("it has {} characters, at most 253 are allowed", text.len()));
    }
    let part = |part: &str| {
        let ends = part.bytes().next().is_some_and(is_lower) && part.bytes().last().is_some_and(is_lower);
        ends && part.bytes().all(|byte| is_lower(byte) || byte == b'-')
    };
    let fits = text.split('.').all(part);
    (!fits).then(|| "lower-case letters, digits, `-` and `.` are allowed, with a letter or digit at either end of each part".to_owned())
}

/// `*.example.org`
pub(super) fn wildcard_subdomain(text: &str) -> Wrong {
    match text.strip_prefix("*.") {
        Some(rest) if text.len() <= 253 => dns_subdomain(rest),
        _ => Some("`*` stands for the whole first part".to_owned()),
    }
}

/// The part of a qualified name after its prefix, and what the value of a label may be.
fn word(text: &str) -> bool {
    let ends = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric());
    ends && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

const WORD: &str = "letters, digits, `-`, `_` and `.` are allowed, with a letter or digit at either end";

/// `name` or `prefix/name`.
pub(super) fn qualified_name(text: &str) -> Wrong {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    match prefix {
        Some("") => return Some("there is nothing before the `/`".to_owned()),
        Some(prefix) if dns_subdomain(prefix).is_some() => {
            return dns_subdomain(prefix).map(|why| format!("what is before the `/` is no domain: {why}"));
        }
        _ if name.contains('/') => return Some("there is more than one `/`".to_owned()),
        _ if name.is_empty() => return Some("its name is empty".to_owned()),
        _ if name.len() > 63 => return Some(format!("its name has {} characters, at most 63 are allowed", name.len())),
        _ => {}
    }
    (!word(name)).then(|| WORD.to_owned())
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Wrong {
    if text.len() > 63 {
        return Some(format!("it has {} characters, at most 63 are allowed", text.len()));
    }
    (!text.is_empty() && !word(text)).then(|| WORD.to_owned())
}

/// The name of a port of a container.
pub(super) fn port_name(text: &str) -> Wrong {
    let bytes = text.as_bytes();
    let why = if text.len() > 15 {
        return Some(format!("it has {} characters, at most 15 are allowed", text.len()));
    } else if !bytes.iter().all(|byte| is_lower(*byte) || *byte == b'-') {
        "lower-case letters, digits and `-` are allowed"
    } else if !bytes.iter().any(u8::is_ascii_lowercase) {
        "at least one letter is needed"
    } else if text.contains("--") {
        "`--` is not allowed"
    } else if text.starts_with('-') || text.ends_with('-') {
        "it may not begin or end with `-`"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// The number of a port.
pub(super) fn port_number(number: i64) -> Wrong {
    (!(1..=65535).contains(&number)).then(|| "ports are between 1 and 65535".to_owned())
}

/// A key of a ConfigMap or Secret.
pub(super) fn config_key(text: &str) -> Wrong {
    let why = if text.len() > 253 {
        return Some(format!("it has {} characters, at most 253 are allowed", text.len()));
    } else if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        "letters, digits, `-`, `_` and `.` are allowed"
    } else if text == "." || text.starts_with("..") {
        "it may be neither `.` nor begin with `..`"
    } else {
        return None;
    };
    Some(why.to_owned())
}

/// What can be one part of a path, such as the names of roles.
pub(super) fn path_segment(text: &str) -> Wrong {
    let why = match text {
        "." | ".." => "it may be neither `.` nor `..`",
        _ if text.contains(['/', '%']) => "it may have neither `/` nor `%` in it",
        _ => return None,
    };
    Some(why.to_owned())
}

/// An address of IPv4 or IPv6. Zeros before the parts of one of IPv4 are passed over, as the API server did for long.
fn address(text: &str) -> Option<IpAddr> {
    let plain = || -> Option<IpAddr> {
        let parts: Vec<&str> = text.split('.').map(|part| part.trim_start_matches('0')).collect();
        let parts: Vec<&str> = parts.into_iter().map(|part| if part.is_empty() { "0" } else { part }).collect();
        (text.contains('.') && !text.contains(':') && !text.contains("..") && !text.ends_with('.')).then(|| parts.join(".").parse().ok())?
    };
    text.parse().ok().or_else(plain)
}

/// Whether a text is an address.
pub(super) fn ip(text: &str) -> Wrong {
    address(text).is_none().then(|| "write an address as 10.1.2.3 or fd00::1".to_owned())
}

/// A range of addresses with the length of its prefix.
pub(super) fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (network, length) = text.split_once('/')?;
    let address = address(network)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length: u8 = length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok())??;
    (length <= most).then_some((address, length))
}

/// `25%`, as a number.
pub(super) fn percent(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%')?;
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse().ok()).flatten()
}

/// A quantity, in billionths; `Err` where it is none, `Ok(None)` where it is one beyond what is computed here.
pub(super) fn quantity(text: &str) -> Result<Option<i128>, ()> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(unsigned);
    let (number, rest) = unsigned.split_at_checked(whole).ok_or(())?;
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(digits(rest)).ok_or(())?,
        None => ("", rest),
    };
    if number.is_empty() && fraction.is_empty() {
        return Err(());
    }
    let (base, exponent) = hydrate_cel::quantity_suffix(suffix).ok_or(())?;
    Ok(billionths(number, fraction, base.into(), exponent).map(|value| if text.starts_with('-') { -value } else { value }))
}

fn billionths(number: &str, fraction: &str, base: i128, exponent: i64) -> Option<i128> {
    let mantissa: i128 = format!("0{number}{fraction}").parse().ok()?;
    let tens = 9 - i64::try_from(fraction.len()).ok()? + if base == 10 { exponent } else { 0 };
    let twos = if base == 2 { u32::try_from(exponent).ok()? } else { 0 };
    let value = mantissa.checked_mul(1i128.checked_shl(twos)?)?;
    let power = 10i128.checked_pow(u32::try_from(tens.unsigned_abs()).ok()?)?;
    match tens {
        0.. => value.checked_mul(power),
        // What is below a billionth is rounded up; where that would happen nothing is compared.
        _ => (value % power == 0).then(|| value / power),
    }
}

/// A time of RFC 3339.
pub(super) fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |at: usize, len: usize| -> Option<u32> {
        let digits = text.get(at..at + len).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse().ok()
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let parts = [number(0, 4), number(5, 2), number(8, 2), number(11, 2), number(14, 2), number(17, 2)];
    let [Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = parts else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let in_range = (1..=12).contains(&month) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let rest = text.get(19..).unwrap_or_default();
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    let zone = match rest.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) && (h1 - b'0') * 10 + (h2 - b'0') < 24 && *m1 < b'6'
        }
        _ => false,
    };
    in_range && zone && marks.iter().all(|(at, mark)| bytes.get(*at) == Some(mark))
}

/// The same with exactly six digits behind the second.
pub(super) fn is_micro_time(text: &str) -> bool {
    let digits = text.get(20..).map(|rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    is_time(text) && text.get(19..20) == Some(".") && digits == Some(6)
}

/// Bytes in base64, with padding; line breaks do not count.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    GeneralPurpose::new(&base64::alphabet::STANDARD, config).decode(packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for good in ["a", "a-b", "0a", "a1"] {
            assert_eq!(dns_label(good), None, "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)] {
            assert!(dns_label(bad).is_some(), "{bad}");
        }
        assert!(dns_1035_label("0a").is_some() && dns_1035_label("a0").is_none());
        assert!(dns_subdomain("a.b-c.d").is_none() && dns_subdomain("a..b").is_some() && dns_subdomain("a.-b").is_some());
        assert!(wildcard_subdomain("*.a").is_none() && wildcard_subdomain("*a").is_some() && wildcard_subdomain("a.*.b").is_some());
        for good in ["a", "a.b/C_d", "A-b.c"] {
            assert_eq!(qualified_name(good), None, "{good}");
        }
        for bad in ["", "/a", "a/", "A.b/c", "a/b/c", "-a", "a b"] {
            assert!(qualified_name(bad).is_some(), "{bad}");
        }
        assert!(label_value("").is_none() && label_value("v1.2_3").is_none() && label_value("a:b").is_some());
        assert!(
            port_name("http-2").is_none() && ["80", "a--b", "Http", "-a", "operator-metrics"].iter().all(|bad| port_name(bad).is_some())
        );
        assert!(config_key("a_B.c-1").is_none() && [".", "..a", "", "a/b"].iter().all(|bad| config_key(bad).is_some()));
        assert!(path_segment("system:a").is_none() && ["..", "a/b", "a%"].iter().all(|bad| path_segment(bad).is_some()));
        assert!(ip("fd00::1").is_none() && ip("10.0.0").is_some());
        assert!(cidr("10.0.0.0/8").is_some() && ["10.0.0.0", "10.0.0.0/33", "a/8", "10.0.0.0/+8"].iter().all(|bad| cidr(bad).is_none()));
    }

    #[test]
    fn quantities_are_computed() {
        let whole = 1_000_000_000;
        for (text, value) in
            [("1", whole), ("500m", whole / 2), ("1Ki", 1024 * whole), ("1.5Gi", 3 << 29), ("1e3", 1000 * whole), (".5", whole / 2)]
        {
            let value = if text == "1.5Gi" { value * whole } else { value };
            assert_eq!(quantity(text), Ok(Some(value)), "{text}");
        }
        assert_eq!(quantity("-1n"), Ok(Some(-1)));
        assert_eq!(quantity("0.1n"), Ok(None));
        assert_eq!(quantity("1E"), Ok(Some(10i128.pow(27))));
        for bad in ["", "Mi", "1 Gi", "1GB", "1gi", "1K", "a", "1e", "--1", "1.2.3", "true"] {
            assert_eq!(quantity(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn times_and_bytes_are_read() {
        for good in ["2026-11-28T17:00:00Z", "2024-02-29T00:00:00.123+02:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in ["2026-11-28", "2023-02-29T00:00:00Z", "2026-11-28 17:00:00Z", "2026-11-28T17:00:00", "2026-13-01T00:00:00Z", ""] {
            assert!(!is_time(bad), "{bad}");
        }
        assert_eq!(base64("YQ==\n").as_deref(), Some(&b"a"[..]));
        assert_eq!(base64("YQ"), None);
        assert_eq!(percent("25%"), Some(25));
        assert!(["25", "%", "-1%", "1.5%"].iter().all(|bad| percent(bad).is_none()));
    }
}
