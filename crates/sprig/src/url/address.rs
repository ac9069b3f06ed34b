//! What Go's `netip.ParseAddr` says about addresses that are none.

use hydrate_gotmpl::fmt::quote;

/// Checks an address between brackets; the error is Go's whole text.
pub(super) fn check(name: &[u8]) -> Result<(), String> {
    let fail = |problem: Problem<'_>| format!("invalid host: {}", problem.text(name));
    match name.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => four(name).map_err(fail).and_then(|()| Err("invalid IP-literal".to_owned())),
        Some(b':') => six(name).map_err(fail),
        Some(_) => Err(fail(problem("missing IPv6 address"))),
        None => Err(fail(problem("unable to parse IP"))),
    }
}

/// Checks any address; the error is Go's whole text.
pub(super) fn parse(name: &[u8]) -> Result<(), String> {
    match name.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => four(name).map_err(|problem| problem.text(name)),
        _ => check(name).map_err(|error| error.trim_start_matches("invalid host: ").to_owned()),
    }
}

/// Why, and where in the text if Go says so.
struct Problem<'n> {
    message: &'static str,
    at: Option<&'n [u8]>,
}

impl Problem<'_> {
    fn text(&self, name: &[u8]) -> String {
        let at = self.at.map(|at| format!(" (at {})", quote(at))).unwrap_or_default();
        format!("ParseAddr({}): {}{at}", quote(name), self.message)
    }
}

fn problem<'n>(message: &'static str) -> Problem<'n> {
    Problem { message, at: None }
}

fn problem_at<'n>(message: &'static str, at: &'n [u8]) -> Problem<'n> {
    Problem { message, at: Some(at) }
}

/// `192.168.0.1`
fn four(text: &[u8]) -> Result<(), Problem<'_>> {
    let (mut value, mut digits, mut dots) = (0_u32, 0, 0);
    for (at, byte) in text.iter().enumerate() {
        let rest = &text[at..];
        match byte {
            b'0'..=b'9' if digits == 1 && value == 0 => return Err(problem("IPv4 field has octet with leading zero")),
            b'0'..=b'9' => {
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(problem("IPv4 field has value >255"));
                }
            }
            b'.' if at == 0 || rest.len() == 1 || text[at - 1] == b'.' => {
                return Err(problem_at("IPv4 field must have at least one digit", rest));
            }
            b'.' if dots == 3 => return Err(problem("IPv4 address too long")),
            b'.' => (value, digits, dots) = (0, 0, dots + 1),
            _ => return Err(problem_at("unexpected character", rest)),
        }
    }
    if dots < 3 { Err(problem("IPv4 address too short")) } else { Ok(()) }
}

/// `2001:db8::68`, `::ffff:1.2.3.4`, `fe80::1%en0`
fn six(text: &[u8]) -> Result<(), Problem<'_>> {
    let mut rest = text;
    if let Some(at) = text.iter().position(|byte| *byte == b'%') {
        rest = &text[..at];
        if at + 1 == text.len() {
            return Err(problem("zone must be a non-empty string"));
        }
    }
    let mut gap = false;
    if let Some(after) = rest.strip_prefix(b"::") {
        (gap, rest) = (true, after);
        if rest.is_empty() {
            return Ok(());
        }
    }
    let mut groups = 0;
    while groups < 8 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let after = &rest[digits..];
        match (digits, after) {
            (5.., _) => return Err(problem_at("each group must have 4 or less digits", rest)),
            (0, _) => return Err(problem_at("each colon-separated field must have at least one digit", rest)),
            (_, [b'.', ..]) => {
                embedded(rest, gap, groups)?;
                (groups, rest) = (groups + 2, b"");
                break;
            }
            _ => groups += 1,
        }
        rest = after;
        match rest {
            [] => break,
            [b':'] => return Err(problem_at("colon must be followed by more characters", rest)),
            [b':', b':', ..] if gap => return Err(problem_at("multiple :: in address", &rest[1..])),
            [b':', b':', end @ ..] => (gap, rest) = (true, end),
            [b':', next @ ..] => rest = next,
            _ => return Err(problem_at("unexpected character, want colon", rest)),
        }
        if rest.is_empty() {
            break;
        }
    }
    match (rest.is_empty(), groups < 8) {
        (false, _) => Err(problem_at("trailing garbage after address", rest)),
        (_, true) if !gap => Err(problem("address string too short")),
        (_, false) if gap => Err(problem("the :: must expand to at least one field of zeros")),
        _ => Ok(()),
    }
}

/// The IPv4 address at the end of one of IPv6.
fn embedded(rest: &[u8], gap: bool, groups: usize) -> Result<(), Problem<'_>> {
    if !gap && groups != 6 {
        return Err(problem_at("embedded IPv4 address must replace the final 2 fields of the address", rest));
    }
    if groups > 6 {
        return Err(problem_at("too many hex fields to fit an embedded IPv4 at the end of the address", rest));
    }
    four(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["::", "::1", "1:2:3:4:5:6:7:8", "fe80::1%en0", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1::"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("zz", "unable to parse IP"),
            ("%en0", "missing IPv6 address"),
            ("fe80::1%", "zone must be a non-empty string"),
            ("12345::", "each group must have 4 or less digits (at \"12345::\")"),
            ("::1]", "unexpected character, want colon (at \"]\")"),
            ("1::2::3", "multiple :: in address (at \":3\")"),
            ("1:", "colon must be followed by more characters (at \":\")"),
            (":1", "each colon-separated field must have at least one digit (at \":1\")"),
            ("1:2:3:4:5:6:7:8:9", "trailing garbage after address (at \"9\")"),
            ("1:2:3", "address string too short"),
            ("1:2:3:4::5:6:7:8", "the :: must expand to at least one field of zeros"),
            ("1:2.3.4.5", "embedded IPv4 address must replace the final 2 fields of the address (at \"2.3.4.5\")"),
            ("v1.x", "unexpected character (at \"v1.x\")"),
            ("::1.2.3", "IPv4 address too short"),
            ("::1.2.3.256", "IPv4 field has value >255"),
            ("::01.2.3.4", "IPv4 field has octet with leading zero"),
        ];
        for (name, reason) in cases {
            assert_eq!(check(name.as_bytes()), Err(format!("invalid host: ParseAddr(\"{name}\"): {reason}")));
        }
        assert_eq!(check(b"1.2.3.4"), Err("invalid IP-literal".to_owned()));
    }
}
