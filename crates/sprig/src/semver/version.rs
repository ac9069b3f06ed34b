//! One version.

use super::Release;
use std::cmp::Ordering;
use std::fmt;

/// A semantic version; two are equal when they have the same precedence, whatever their metadata.
#[derive(Debug, Clone)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// The pre-release, without its hyphen; empty where there is none.
    pub pre: String,
    /// The build metadata, without its plus sign; empty where there is none.
    pub metadata: String,
    /// The text that was parsed.
    pub original: String,
}

impl Version {
    /// Reads a version of one to three numbers, with or without a `v`, as `NewVersion` does.
    ///
    /// # Errors
    /// The library's own text, such as `invalid semantic version`.
    pub fn parse(text: &str, release: Release) -> Result<Self, String> {
        too_long(text, release)?;
        let invalid = || release.choose("Invalid Semantic Version", "invalid semantic version").to_owned();
        let parts = Parts::split(text).filter(|parts| parts.numbers_only()).ok_or_else(invalid)?;
        let segment = |at: usize| match parts.numbers[at] {
            "" => Ok(0),
            number => number.parse::<u64>().map_err(|_| segment_error(number, release)),
        };
        let version = Self {
            major: segment(0)?,
            minor: segment(1)?,
            patch: segment(2)?,
            pre: parts.pre.to_owned(),
            metadata: parts.metadata.to_owned(),
            original: text.to_owned(),
        };
        version.check_pre(release)?;
        Ok(version)
    }

    /// Reads a version of exactly three numbers without a `v`, as `StrictNewVersion` does.
    ///
    /// # Errors
    /// The library's own text, such as `version segment starts with 0`.
    pub fn parse_strict(text: &str, release: Release) -> Result<Self, String> {
        let fail = |older, newer| Err(release.choose(older, newer).to_owned());
        if text.is_empty() {
            return fail("Version string empty", "version string empty");
        }
        too_long(text, release)?;
        let parts: Vec<&str> = text.splitn(3, '.').collect();
        let &[major, minor, patch] = parts.as_slice() else {
            return fail("Invalid Semantic Version", "invalid semantic version");
        };
        let (patch, metadata) = patch.split_once('+').map_or((patch, None), |(patch, metadata)| (patch, Some(metadata)));
        if !metadata.is_none_or(identifiers) {
            return fail("Invalid Metadata string", "invalid metadata string");
        }
        let (patch, pre) = patch.split_once('-').map_or((patch, None), |(patch, pre)| (patch, Some(pre)));
        if !pre.is_none_or(identifiers) {
            return fail("Invalid Prerelease string", "invalid prerelease string");
        }
        let mut version = Self { pre: pre.unwrap_or_default().into(), metadata: metadata.unwrap_or_default().into(), ..Self::zero(text) };
        version.check_pre(release)?;
        for number in [major, minor, patch] {
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return fail("Invalid characters in version", "invalid characters in version");
            }
            if number.len() > 1 && number.starts_with('0') {
                return fail("Version segment starts with 0", "version segment starts with 0");
            }
        }
        let number = |text: &str| text.parse().map_err(|_| parse_uint_error(text));
        (version.major, version.minor, version.patch) = (number(major)?, number(minor)?, number(patch)?);
        Ok(version)
    }

    pub(super) fn zero(original: &str) -> Self {
        Self { major: 0, minor: 0, patch: 0, pre: String::new(), metadata: String::new(), original: original.to_owned() }
    }

    fn check_pre(&self, release: Release) -> Result<(), String> {
        let numeric = |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        match self.pre.split('.').any(numeric) {
            true => Err(release.choose("Version segment starts with 0", "version segment starts with 0").to_owned()),
            false => Ok(()),
        }
    }

    /// The precedence of two versions, metadata aside.
    pub fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

/// Without a leading `v`, and with all three numbers.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

/// Newer releases read no longer versions than this.
fn too_long(text: &str, release: Release) -> Result<(), String> {
    const LONGEST: usize = 256;
    match release {
        Release::V3_5 if text.len() > LONGEST => Err(format!("version string is too long (max {LONGEST} bytes)")),
        _ => Ok(()),
    }
}

fn parse_uint_error(number: &str) -> String {
    format!("strconv.ParseUint: parsing \"{number}\": value out of range")
}

fn segment_error(number: &str, release: Release) -> String {
    let start = release.choose("Error", "error");
    format!("{start} parsing version segment: {}", parse_uint_error(number))
}

/// Whether a text is dot-separated identifiers, none empty.
fn identifiers(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(is_identifier))
}

fn is_identifier(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_alphanumeric()
}

pub(super) fn compare_pre(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = (ones.next(), others.next());
        if one.is_none() && other.is_none() {
            return Ordering::Equal;
        }
        let order = compare_part(one.unwrap_or_default(), other.unwrap_or_default());
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A missing part is the least, a number less than a word.
fn compare_part(one: &str, other: &str) -> Ordering {
    if one == other || one.is_empty() || other.is_empty() {
        return one.is_empty().cmp(&other.is_empty()).reverse();
    }
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match (number(one), number(other)) {
        (None, None) => one.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(one), Some(other)) => one.cmp(&other),
    }
}

/// A version, or in a range a pattern of one, taken apart.
pub(super) struct Parts<'t> {
    /// The numbers or wildcards; empty where there is none.
    pub(super) numbers: [&'t str; 3],
    pub(super) pre: &'t str,
    pub(super) metadata: &'t str,
    /// What was read, and what follows.
    pub(super) whole: &'t str,
    pub(super) rest: &'t str,
}

impl<'t> Parts<'t> {
    /// All of a text.
    fn split(text: &'t str) -> Option<Self> {
        Self::prefix(text).filter(|parts| parts.rest.is_empty())
    }

    fn numbers_only(&self) -> bool {
        self.numbers.iter().all(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The longest version that a text starts with.
    pub(super) fn prefix(text: &'t str) -> Option<Self> {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = [""; 3];
        numbers[0] = take(&mut rest, is_number)?;
        for number in &mut numbers[1..] {
            let Some(mut after) = rest.strip_prefix('.') else { break };
            let Some(found) = take(&mut after, is_number) else { break };
            (*number, rest) = (found, after);
        }
        let pre = dotted(&mut rest, '-');
        let metadata = dotted(&mut rest, '+');
        Some(Self { numbers, pre, metadata, whole: &text[..text.len() - rest.len()], rest })
    }
}

/// Digits and wildcards; the library's expression lets `|` pass too.
fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

fn take<'t>(rest: &mut &'t str, class: fn(u8) -> bool) -> Option<&'t str> {
    let end = rest.bytes().position(|byte| !class(byte)).unwrap_or(rest.len());
    let (taken, after) = rest.split_at_checked(end).filter(|(taken, _)| !taken.is_empty())?;
    *rest = after;
    Some(taken)
}

/// Identifiers with dots between them after a sign.
fn dotted<'t>(rest: &mut &'t str, sign: char) -> &'t str {
    let Some(start) = rest.strip_prefix(sign) else { return "" };
    let mut after = start;
    if take(&mut after, is_identifier).is_none() {
        return "";
    }
    while let Some(mut next) = after.strip_prefix('.') {
        if take(&mut next, is_identifier).is_none() {
            break;
        }
        after = next;
    }
    *rest = after;
    &start[..start.len() - after.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        Version::parse(text, Release::V3_5).map(|version| version.to_string())
    }

    #[test]
    fn versions_are_read_loosely() {
        assert_eq!(parse("v1").as_deref(), Ok("1.0.0"));
        assert_eq!(parse("01.2-rc.1+x").as_deref(), Ok("1.2.0-rc.1+x"));
        assert_eq!(parse("1.2.3.4"), Err("invalid semantic version".into()));
        assert_eq!(parse("1.x"), Err("invalid semantic version".into()));
        assert_eq!(parse("1.2.3-01"), Err("version segment starts with 0".into()));
        assert!(Version::parse_strict("1.2", Release::V3_5).is_err());
        assert!(Version::parse_strict("1.2.3-a", Release::V3_5).is_ok());
    }

    #[test]
    fn precedence() {
        let sorted = ["1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0", "1.0.1"];
        let versions: Vec<Version> = sorted.iter().map(|text| Version::parse(text, Release::V3_5).unwrap()).collect();
        assert!(versions.is_sorted_by(|one, other| one < other));
    }
}
