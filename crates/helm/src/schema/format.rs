//! `format` in Helm 4: the checks of santhosh-tekuri/jsonschema (`format.go`), with its words.

use hydrate_gotmpl::fmt::quote;
use hydrate_gotmpl::text;
use hydrate_gotmpl::time;
use hydrate_sprig::regex::GoRegex;
use hydrate_sprig::{check_address, inspect};

type Checked = Result<(), String>;

/// Why a text is not of a format; unknown formats accept everything.
pub(super) fn check(format: &str, text: &str) -> Checked {
    match format {
        "json-pointer" => json_pointer(text),
        "relative-json-pointer" => relative_json_pointer(text),
        "uuid" => uuid(text),
        "duration" => duration(text),
        "period" => period(text),
        "ipv4" => ipv4(text),
        "ipv6" => ipv6(text),
        "hostname" => hostname(text),
        "email" => email(text),
        "date" => date(text.as_bytes()),
        "time" => clock(text),
        "date-time" => date_time(text),
        "uri" | "iri" => uri(text),
        "uri-reference" | "iri-reference" => uri_reference(text),
        "uri-template" => uri_template(text),
        "semver" => semver(text),
        "regex" => GoRegex::new(text.as_bytes()).map(drop).map_err(|error| error.to_string()),
        _ => Ok(()),
    }
}

fn fail(text: &str) -> Checked {
    Err(text.to_owned())
}

/// Go's `%q` of a character.
fn character(c: char) -> String {
    let quoted = quote(c.to_string().as_bytes());
    match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => format!("'{}'", quoted.trim_matches('"')),
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    let Some(tokens) = text.strip_prefix('/') else { return fail("not starting with /") };
    for token in tokens.split('/') {
        let mut escape = false;
        for c in token.chars() {
            if escape && c != '0' && c != '1' {
                return fail("~ must be followed by 0 or 1");
            }
            escape = !escape && c == '~';
        }
        if escape {
            return fail("~ must be followed by 0 or 1");
        }
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Checked {
    let count = digits(text);
    if count == 0 {
        return fail("must start with non-negative integer");
    }
    if count > 1 && text.starts_with('0') {
        return fail("starts with zero");
    }
    match &text[count..] {
        "#" => Ok(()),
        rest => json_pointer(rest),
    }
}

fn uuid(text: &str) -> Checked {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if groups.len() != LENGTHS.len() {
        return fail("must have 5 elements");
    }
    for (number, (group, length)) in (1..).zip(groups.into_iter().zip(LENGTHS)) {
        if group.len() != length {
            return Err(format!("element {number} must be {length} characters long"));
        }
        if let Some(c) = group.chars().find(|c| !c.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", character(c)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Checked {
    let Some(rest) = text.strip_prefix('P') else { return fail("must start with P") };
    if rest.is_empty() {
        return fail("nothing after P");
    }
    if let Some(weeks) = rest.strip_suffix('W') {
        return match weeks {
            "" => fail("no number in week"),
            weeks if weeks.bytes().all(|digit| digit.is_ascii_digit()) => Ok(()),
            _ => fail("invalid week"),
        };
    }
    const UNITS: [&str; 2] = ["YMD", "HMS"];
    for (at, part) in rest.split('T').enumerate() {
        if at != 0 && part.is_empty() {
            return fail("no time elements");
        }
        let Some(all) = UNITS.get(at) else { return fail("more than one T") };
        units(part.as_bytes(), all.as_bytes())?;
    }
    Ok(())
}

fn units(mut text: &[u8], all: &[u8]) -> Checked {
    let mut units = all;
    while !text.is_empty() {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return fail("missing number");
        }
        let Some((unit, rest)) = text.get(count..).and_then(<[u8]>::split_first) else { return fail("missing unit") };
        let Some(at) = units.iter().position(|known| known == unit) else {
            let shown = character(char::from(*unit));
            return Err(if all.contains(unit) { format!("unit {shown} out of order") } else { format!("invalid unit {shown}") });
        };
        (units, text) = (units.get(at + 1..).unwrap_or_default(), rest);
    }
    Ok(())
}

fn period(text: &str) -> Checked {
    let Some((start, end)) = text.split_once('/') else { return fail("missing slash") };
    let within = |what: &str, checked: Checked| checked.map_err(|error| format!("invalid {what}: {error}"));
    if start.starts_with('P') {
        within("start duration", duration(start))?;
        return within("end date-time", date_time(end));
    }
    within("start date-time", date_time(start))?;
    if end.starts_with('P') { within("end duration", duration(end)) } else { within("end date-time", date_time(end)) }
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    if groups.len() != 4 {
        return fail("expected four decimals");
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return fail("leading zeros");
        }
        if !(0..=255).contains(&integer(group)?) {
            return fail("decimal must be between 0 and 255");
        }
    }
    Ok(())
}

/// `strconv.Atoi`
fn integer(text: &str) -> Result<i64, String> {
    let failed = |why: &str| format!("strconv.Atoi: parsing {}: {why}", quote(text.as_bytes()));
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(failed("invalid syntax"));
    }
    text.parse().map_err(|_| failed("value out of range"))
}

fn ipv6(text: &str) -> Checked {
    if !text.contains(':') {
        return fail("missing colon");
    }
    check_address(text.as_bytes())?;
    if text.contains('%') { fail("zone id is not a part of ipv6 address") } else { Ok(()) }
}

fn hostname(text: &str) -> Checked {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > 253 {
        return fail("more than 253 characters long");
    }
    for label in text.split('.') {
        if !(1..=63).contains(&label.len()) {
            return fail("label must be 1 to 63 characters long");
        }
        if label.starts_with('-') {
            return fail("label starts with hyphen");
        }
        if label.ends_with('-') {
            return fail("label ends with hyphen");
        }
        if let Some(c) = label.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {}", character(c)));
        }
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    if text.len() > 254 {
        return fail("more than 255 characters long");
    }
    let Some((local, domain)) = text.rsplit_once('@') else { return fail("missing @") };
    if local.len() > 64 {
        return fail("local part more than 64 characters long");
    }
    local_part(local)?;
    if let Some(address) = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) {
        return match address.strip_prefix("IPv6:") {
            Some(address) => ipv6(address).map_err(|error| format!("invalid ipv6 address: {error}")),
            None => ipv4(address).map_err(|error| format!("invalid ipv4 address: {error}")),
        };
    }
    hostname(domain).map_err(|error| format!("invalid domain: {error}"))
}

fn local_part(local: &str) -> Checked {
    if local.len() > 1 && local.starts_with('"') && local.ends_with('"') {
        let quoted = &local[1..local.len() - 1];
        return if quoted.contains(['\\', '"']) { fail("backslash and quote are not allowed within quoted local part") } else { Ok(()) };
    }
    if local.starts_with('.') {
        return fail("starts with dot");
    }
    if local.ends_with('.') {
        return fail("ends with dot");
    }
    if local.contains("..") {
        return fail("consecutive dots");
    }
    match local.chars().find(|c| !c.is_ascii_alphanumeric() && !".!#$%&'*+-/=?^_`{|}~".contains(*c)) {
        Some(c) => Err(format!("invalid character {}", character(c))),
        None => Ok(()),
    }
}

fn date(text: &[u8]) -> Checked {
    time::parse(b"2006-01-02", text, &jiff::tz::TimeZone::UTC).map(drop).map_err(|error| error.to_string())
}

/// `time`; its name is taken.
fn clock(text: &str) -> Checked {
    clock_of(text.as_bytes())
}

fn clock_of(text: &[u8]) -> Checked {
    if text.len() < 9 {
        return fail("less than 9 characters long");
    }
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') {
        return fail("missing colon in correct place");
    }
    let number = |from: usize, what: &str| {
        let text = text.get(from..from + 2).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        number(text, what)
    };
    let what = "hour/min/sec";
    let (hour, minute, second) = (number(0, what)?, number(3, what)?, number(6, what)?);
    if hour > 23 || minute > 59 || second > 60 {
        return fail("hour/min/sec out of range");
    }
    let mut rest = text.get(8..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return fail("no digits in second fraction");
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    let utc = hour * 60 + minute + offset(rest)?;
    let utc = if utc < 0 { utc + 24 * 60 } else { utc };
    if second >= 60 && (utc / 60 != 23 || utc % 60 != 59) {
        return fail("invalid leap second");
    }
    Ok(())
}

fn number(text: &str, what: &str) -> Result<i64, String> {
    match integer(text) {
        Err(_) => Err(format!("invalid {what}")),
        Ok(number) if number < 0 => Err(format!("non-positive {what}")),
        Ok(number) => Ok(number),
    }
}

/// The minutes that lead from a time with this offset to UTC.
fn offset(text: &[u8]) -> Result<i64, String> {
    if text == b"z" || text == b"Z" {
        return Ok(0);
    }
    if text.len() != 6 {
        return Err("offset must be 6 characters long".to_owned());
    }
    let sign = match text.first() {
        Some(b'+') => -1,
        Some(b'-') => 1,
        _ => return Err("offset must begin with plus/minus".to_owned()),
    };
    if text.get(3) != Some(&b':') {
        return Err("missing colon in offset in correct place".to_owned());
    }
    let part = |from: usize| {
        let text = text.get(from..from + 2).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        number(text, "hour/min in offset")
    };
    let (hours, minutes) = (part(1)?, part(4)?);
    if hours > 23 || minutes > 59 {
        return Err("hour/min in offset out of range".to_owned());
    }
    Ok(sign * (hours * 60 + minutes))
}

fn date_time(text: &str) -> Checked {
    let bytes = text.as_bytes();
    if bytes.len() < 20 {
        return fail("less than 20 characters long");
    }
    if !matches!(bytes.get(10), Some(b't' | b'T')) {
        return fail("11th character must be t or T");
    }
    date(bytes.get(..10).unwrap_or_default()).map_err(|error| format!("invalid date element: {error}"))?;
    clock_of(bytes.get(11..).unwrap_or_default()).map_err(|error| format!("invalid time element: {error}"))
}

fn url(text: &str) -> Result<hydrate_sprig::Inspected, String> {
    let url = inspect(text.as_bytes(), false)?;
    if url.hostname.contains(&b':') {
        if !url.host.contains(&b'[') || !url.host.contains(&b']') {
            return Err("ipv6 address not enclosed in brackets".to_owned());
        }
        ipv6(&String::from_utf8_lossy(&url.hostname)).map_err(|error| format!("invalid ipv6 address: {error}"))?;
    }
    Ok(url)
}

fn uri(text: &str) -> Checked {
    if url(text)?.scheme.is_empty() { fail("relative url") } else { Ok(()) }
}

fn uri_reference(text: &str) -> Checked {
    if text.contains('\\') {
        return fail("contains \\");
    }
    url(text).map(drop)
}

fn uri_template(text: &str) -> Checked {
    for segment in url(text)?.odd_path {
        let mut open = false;
        for brace in segment.into_iter().filter(|byte| matches!(byte, b'{' | b'}')) {
            if open == (brace == b'{') {
                return fail("nested curly braces");
            }
            open = !open;
        }
        if open {
            return fail("no matching closing brace");
        }
    }
    Ok(())
}

fn semver(text: &str) -> Checked {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    if let Some(build) = build {
        if build.is_empty() {
            return fail("build is empty");
        }
        identifiers(build, "build", |_| Ok(()))?;
    }
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    if let Some(pre) = pre {
        identifiers(pre, "pre-release", |part| {
            let numeric = part.bytes().all(|digit| digit.is_ascii_digit());
            if numeric && part.len() > 1 && part.starts_with('0') {
                fail("pre-release numeric identifier starts with zero")
            } else {
                Ok(())
            }
        })?;
    }
    let numbers: Vec<&str> = core.split('.').collect();
    if numbers.len() != 3 {
        return fail("versionCore must have 3 numbers separated by dot");
    }
    for (number, name) in numbers.into_iter().zip(["major", "minor", "patch"]) {
        if number.is_empty() {
            return Err(format!("{name} is empty"));
        }
        if number.len() > 1 && number.starts_with('0') {
            return Err(format!("{name} starts with zero"));
        }
        if !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(format!("{name} contains non-digit"));
        }
    }
    Ok(())
}

fn identifiers(text: &str, what: &str, check: impl Fn(&str) -> Checked) -> Checked {
    for part in text.split('.') {
        if part.is_empty() {
            return Err(format!("{what} identifier is empty"));
        }
        if let Some(c) = part.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return Err(format!("invalid character {} in {what} identifier", character(c)));
        }
        check(part)?;
    }
    Ok(())
}

/// `format` in Helm 3: the checks of xeipuu/gojsonschema (`format_checkers.go`). Numbers are of no format that is known.
pub(super) mod three {
    use super::{GoRegex, inspect, text, time};

    /// The formats that there are.
    const KNOWN: [&str; 17] = [
        "date",
        "date-time",
        "email",
        "hostname",
        "idn-email",
        "ipv4",
        "ipv6",
        "iri",
        "iri-reference",
        "json-pointer",
        "regex",
        "relative-json-pointer",
        "time",
        "uri",
        "uri-reference",
        "uri-template",
        "uuid",
    ];

    /// Whether a number is of a format.
    pub(in super::super) fn number(format: &str) -> bool {
        !KNOWN.contains(&format)
    }

    /// Whether a text is of a format; unknown formats accept everything.
    pub(in super::super) fn check(format: &str, text: &str) -> bool {
        let like = |pattern: &str| GoRegex::new(pattern.as_bytes()).is_ok_and(|regex| regex.is_match(text.as_bytes()));
        let in_layout = |layouts: &[&str]| {
            layouts.iter().any(|layout| time::parse(layout.as_bytes(), text.as_bytes(), &jiff::tz::TimeZone::UTC).is_ok())
        };
        match format {
            "date" => in_layout(&["2006-01-02"]),
            "time" => in_layout(&["15:04:05Z07:00", "15:04:05"]),
            "date-time" => in_layout(&["15:04:05", "15:04:05Z07:00", "2006-01-02", "2006-01-02T15:04:05Z07:00"]),
            "hostname" => {
                const LABEL: &str = "([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])";
                text.len() < 256 && like(&format!("^{LABEL}(\\.{LABEL})*$"))
            }
            "email" | "idn-email" => mailbox(text),
            "ipv4" => text.contains('.') && is_address(text),
            "ipv6" => text.contains(':') && is_address(text),
            "uri" | "iri" => inspect(text.as_bytes(), true).is_ok_and(|url| !url.scheme.is_empty()) && !text.contains('\\'),
            "uri-reference" | "iri-reference" => inspect(text.as_bytes(), true).is_ok() && !text.contains('\\'),
            "uri-template" => {
                let braces = GoRegex::new(b"^([^{]*({[^}]*})?)*$");
                !text.contains('\\')
                    && inspect(text.as_bytes(), true).is_ok_and(|url| braces.is_ok_and(|braces| braces.is_match(&url.path)))
            }
            "uuid" => like("^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$"),
            "regex" => GoRegex::new(text.as_bytes()).is_ok(),
            "json-pointer" => like("^(?:/(?:[^~/]|~0|~1)*)*$"),
            "relative-json-pointer" => like("^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$"),
            _ => true,
        }
    }

    /// Go's `net.ParseIP`, which knows no zones.
    fn is_address(text: &str) -> bool {
        !text.contains('%') && super::check_address(text.as_bytes()).is_ok()
    }

    /// Go's `mail.ParseAddress`: an address alone, or in angle brackets behind a name; comments may follow.
    fn mailbox(text: &str) -> bool {
        let mut reader = Mail { rest: text };
        reader.skip_space();
        let plain = Mail { rest: reader.rest };
        let mut alone = plain;
        if alone.address() && alone.ends() {
            return true;
        }
        // A display name is any number of words before the bracket.
        while reader.word() {
            reader.skip_space();
            while reader.rest.starts_with('.') {
                reader.rest = &reader.rest[1..];
                reader.skip_space();
            }
        }
        let Some(rest) = reader.rest.strip_prefix('<') else { return false };
        reader.rest = rest;
        if !reader.address() {
            return false;
        }
        let Some(rest) = reader.rest.strip_prefix('>') else { return false };
        reader.rest = rest;
        reader.ends()
    }

    #[derive(Clone, Copy)]
    struct Mail<'t> {
        rest: &'t str,
    }

    impl Mail<'_> {
        fn skip_space(&mut self) {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
        }

        fn is_atext(c: char) -> bool {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
        }

        fn atom(&mut self, dots: bool) -> bool {
            let end = self.rest.find(|c: char| !(Self::is_atext(c) || dots && c == '.')).unwrap_or(self.rest.len());
            let (atom, rest) = self.rest.split_at(end);
            if atom.is_empty() || dots && (atom.starts_with('.') || atom.ends_with('.') || atom.contains("..")) {
                return false;
            }
            self.rest = rest;
            true
        }

        fn quoted(&mut self) -> bool {
            let Some(inner) = self.rest.strip_prefix('"') else { return false };
            let mut escaped = false;
            for (at, c) in inner.char_indices() {
                match c {
                    _ if escaped => {
                        if !(c == ' ' || c == '\t' || text::is_print(u32::from(c))) {
                            return false;
                        }
                        escaped = false;
                    }
                    '\\' => escaped = true,
                    '"' => {
                        self.rest = &inner[at + 1..];
                        return true;
                    }
                    ' ' | '\t' => {}
                    c if text::is_print(u32::from(c)) => {}
                    _ => return false,
                }
            }
            false
        }

        fn word(&mut self) -> bool {
            if self.rest.starts_with('"') { self.quoted() } else { self.atom(false) }
        }

        /// `local@domain`
        fn address(&mut self) -> bool {
            self.skip_space();
            let local = if self.rest.starts_with('"') { self.quoted() } else { self.atom(true) };
            if !local {
                return false;
            }
            let Some(domain) = self.rest.strip_prefix('@') else { return false };
            self.rest = domain;
            self.skip_space();
            if let Some(inner) = self.rest.strip_prefix('[') {
                let Some((address, rest)) = inner.split_once(']') else { return false };
                let address = address.strip_prefix("IPv6:").unwrap_or(address);
                self.rest = rest;
                return is_address(address);
            }
            self.atom(true)
        }

        /// Whether nothing follows but space and comments.
        fn ends(&mut self) -> bool {
            loop {
                self.skip_space();
                if !self.rest.starts_with('(') {
                    return self.rest.is_empty();
                }
                let mut depth = 0;
                let mut escaped = false;
                let end = self.rest.char_indices().find(|(_, c)| {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                let Some((end, _)) = end else { return false };
                self.rest = &self.rest[end + 1..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_of_both() {
        for (format, good, bad) in [
            ("ipv4", "10.0.0.1", "10.0.0"),
            ("ipv6", "::1", "1.2.3.4"),
            ("hostname", "a.example.org", "a_b"),
            ("email", "a@b.org", "a.b.org"),
            ("date", "2026-02-28", "2026-02-30"),
            ("time", "12:00:00Z", "25:00:00Z"),
            ("date-time", "2026-02-28T12:00:00.5+01:00", "2026-02-28 12:00"),
            ("uri", "https://example.org/x", "/x"),
            ("uri-template", "/a/{b}", "/a/{b"),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", "x"),
            ("regex", "a+", "(?=x)"),
            ("json-pointer", "/a~1b", "/a~2"),
            ("relative-json-pointer", "1/a", "/a"),
        ] {
            assert_eq!(check(format, good), Ok(()), "{format} {good}");
            assert!(check(format, bad).is_err(), "{format} {bad}");
            assert!(three::check(format, good), "{format} {good}");
            assert!(!three::check(format, bad), "{format} {bad}");
        }
        assert!(check("made-up", "x").is_ok() && three::check("made-up", "x") && three::number("made-up"));
    }

    #[test]
    fn formats_of_one() {
        for (format, good, bad, why) in [
            ("duration", "P3DT4H", "P4H", "invalid unit 'H'"),
            ("period", "P1D/2026-02-28T12:00:00Z", "P1D", "missing slash"),
            ("semver", "1.2.3-a+b", "1.2", "versionCore must have 3 numbers separated by dot"),
            ("time", "23:59:60Z", "22:59:60Z", "invalid leap second"),
        ] {
            assert_eq!(check(format, good), Ok(()), "{format} {good}");
            assert_eq!(check(format, bad), Err(why.to_owned()), "{format} {bad}");
        }
        assert!(three::check("idn-email", "Jo Doe <jo@exämple.org> (home)") && !three::check("idn-email", "jo"));
        assert!(three::check("date-time", "12:00:00") && !three::number("email"));
    }
}
