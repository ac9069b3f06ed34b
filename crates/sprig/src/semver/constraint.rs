//! Ranges of versions: comparisons that must all hold, separated by spaces or commas, in alternatives separated by
//! `||`.

use super::Release;
use super::version::{Parts, Version, compare_pre};
use std::cmp::Ordering;

/// A range of versions.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Vec<Comparison>>,
    release: Release,
}

/// One comparison with a version of which parts may be wildcards.
#[derive(Debug, Clone)]
struct Comparison {
    operator: &'static str,
    version: Version,
    /// The version as it was written.
    written: String,
    minor_wild: bool,
    patch_wild: bool,
    /// Whether any part is a wildcard or missing.
    wild: bool,
}

/// The operators, longer ones before their beginnings.
const OPERATORS: [&str; 11] = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

impl Constraint {
    /// Reads a range, as `NewConstraint` does.
    ///
    /// # Errors
    /// The library's own text, such as `improper constraint: "a"`.
    pub fn parse(text: &str, release: Release) -> Result<Self, String> {
        /// Newer releases read no longer ranges than this, and no more alternatives.
        const LONGEST: usize = 512;
        const MOST: usize = 32;
        if release == Release::V3_5 && text.len() > LONGEST {
            return Err(format!("constraint string is too long (max {LONGEST} bytes)"));
        }
        let rewritten = rewrite_ranges(text);
        if release == Release::V3_5 && rewritten.split("||").count() > MOST {
            return Err(format!("too many constraint groups (max {MOST})"));
        }
        let group = |text| comparisons(text, release);
        Ok(Self { alternatives: rewritten.split("||").map(group).collect::<Result<_, _>>()?, release })
    }

    /// Whether a version is in the range.
    pub fn check(&self, version: &Version) -> bool {
        let all = |group: &Vec<Comparison>| group.iter().all(|one| self.holds(group, one, version).is_ok());
        self.alternatives.iter().any(all)
    }

    /// Whether a version is in the range, and if not, why, as `Validate` says it.
    ///
    /// # Errors
    /// A sentence for every comparison that does not hold.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut told = false;
        for group in &self.alternatives {
            let failed: Vec<_> = group.iter().filter_map(|one| self.reason(group, one, version)).collect();
            if failed.is_empty() {
                return Ok(());
            }
            for (prerelease, reason) in failed {
                if !prerelease || !told {
                    reasons.push(reason);
                }
                told |= prerelease;
            }
        }
        Err(reasons)
    }

    /// Why a comparison fails, and whether that is because a pre-release is not looked for.
    fn reason(&self, group: &[Comparison], one: &Comparison, version: &Version) -> Option<(bool, String)> {
        if !version.pre.is_empty() && !self.includes_pre(group, one) {
            return Some((true, self.prerelease(version)));
        }
        self.holds(group, one, version).err().map(|reason| (false, reason))
    }

    fn includes_pre(&self, group: &[Comparison], one: &Comparison) -> bool {
        match self.release {
            Release::V3_3 => !one.version.pre.is_empty(),
            Release::V3_5 => group.iter().any(|other| !other.version.pre.is_empty()),
        }
    }

    fn prerelease(&self, version: &Version) -> String {
        let shown = self.release.shown(&version.to_string());
        format!("{shown} is a prerelease version and the constraint is only looking for release versions")
    }

    fn holds(&self, group: &[Comparison], one: &Comparison, version: &Version) -> Result<(), String> {
        let always = self.release == Release::V3_3 && one.operator == "!=" && !one.wild;
        if !version.pre.is_empty() && !always && !self.includes_pre(group, one) {
            return Err(self.prerelease(version));
        }
        let (holds, relation, after) = one.test(version);
        if holds {
            return Ok(());
        }
        let shown = |text: &str| self.release.shown(text);
        Err(format!("{} {relation} {}{after}", shown(&version.to_string()), shown(&one.written)))
    }
}

/// Whether a comparison holds, and the words that say what is wrong where it does not.
type Test = (bool, &'static str, &'static str);

impl Comparison {
    fn test(&self, version: &Version) -> Test {
        match self.operator {
            "!=" => (self.differs(version), "is equal to", ""),
            ">" => (self.exceeds(version), "is less than or equal to", ""),
            "<" => (*version < self.version, "is greater than or equal to", ""),
            ">=" | "=>" => (*version >= self.version, "is less than", ""),
            "<=" | "=<" => (self.reaches(version), "is greater than", ""),
            "~" | "~>" => self.tilde(version),
            "^" => self.caret(version),
            _ if self.wild => self.tilde(version),
            _ => (*version == self.version, "is not equal to", ""),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        if !self.wild || version.major != self.version.major {
            return *version != self.version;
        }
        if self.minor_wild || version.minor != self.version.minor {
            return !self.minor_wild;
        }
        if self.patch_wild {
            let pre = !version.pre.is_empty() || !self.version.pre.is_empty();
            return pre && compare_pre(&version.pre, &self.version.pre) != Ordering::Equal;
        }
        version.patch != self.version.patch || *version != self.version
    }

    fn exceeds(&self, version: &Version) -> bool {
        if !self.wild || version.major != self.version.major {
            return if self.wild { version.major > self.version.major } else { *version > self.version };
        }
        match (self.minor_wild, self.patch_wild) {
            (true, _) => false,
            (false, true) => version.minor > self.version.minor,
            (false, false) => *version > self.version,
        }
    }

    fn reaches(&self, version: &Version) -> bool {
        if !self.wild {
            return *version <= self.version;
        }
        let same_major = version.major == self.version.major;
        version.major <= self.version.major && !(same_major && version.minor > self.version.minor && !self.minor_wild)
    }

    fn tilde(&self, version: &Version) -> Test {
        let base = &self.version;
        if *version < *base {
            return (false, "is less than", "");
        }
        let zero = (base.major, base.minor, base.patch) == (0, 0, 0) && !self.minor_wild && !self.patch_wild;
        if !zero && version.major != base.major {
            return (false, "does not have same major version as", "");
        }
        let minor = zero || version.minor == base.minor || self.minor_wild;
        (minor, "does not have same major and minor version as", "")
    }

    fn caret(&self, version: &Version) -> Test {
        const MINOR: &str = ". Expected minor versions to match when constraint major version is 0";
        const PATCH: &str = ". Expect version and constraint to equal when major and minor versions are 0";
        let base = &self.version;
        if *version < *base {
            return (false, "is less than", "");
        }
        if base.major > 0 || self.minor_wild {
            return (version.major == base.major, "does not have same major version as", "");
        }
        if version.major > 0 {
            return (false, "does not have same major version as", "");
        }
        if base.minor > 0 || self.patch_wild {
            return (version.minor == base.minor, "does not have same minor version as", MINOR);
        }
        if version.minor > 0 {
            return (false, "does not have same minor version as", "");
        }
        (version.patch == base.patch, "does not equal", PATCH)
    }
}

fn trim(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The white space of Go's `\s`.
fn is_space(rune: char) -> bool {
    matches!(rune, '\t' | '\n' | '\u{C}' | '\r' | ' ')
}

/// The comparisons of one alternative.
fn comparisons(text: &str, release: Release) -> Result<Vec<Comparison>, String> {
    let improper = || format!("improper constraint: {}", release.shown(text));
    let mut found = Vec::new();
    let mut rest = trim(text);
    loop {
        let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)).unwrap_or_default();
        rest = trim(&rest[operator.len()..]);
        let parts = Parts::prefix(rest).ok_or_else(improper)?;
        found.push(comparison(operator, &parts, release)?);
        let after = trim(parts.rest);
        if after.is_empty() {
            return Ok(found);
        }
        rest = match after.strip_prefix(',') {
            Some(after) => trim(after),
            None if after.len() < parts.rest.len() => after,
            None => return Err(improper()),
        };
    }
}

fn comparison(operator: &'static str, parts: &Parts<'_>, release: Release) -> Result<Comparison, String> {
    let [major, minor, patch] = parts.numbers;
    let wildcard = |number: &str| matches!(number, "" | "x" | "X" | "*");
    let pre = if parts.pre.is_empty() { String::new() } else { format!("-{}", parts.pre) };
    let major_wild = wildcard(major);
    let minor_wild = !major_wild && wildcard(minor);
    let patch_wild = !major_wild && !minor_wild && wildcard(patch);
    let version = match () {
        () if major_wild => format!("0.0.0{pre}"),
        () if minor_wild => format!("{major}.0.0{pre}"),
        () if patch_wild => format!("{major}.{minor}.0{pre}"),
        () => parts.whole.to_owned(),
    };
    let failed = |_| release.choose("constraint Parser Error", "constraint parser error").to_owned();
    let version = Version::parse(&version, release).map_err(failed)?;
    let wild = major_wild || minor_wild || patch_wild;
    Ok(Comparison { operator, version, written: parts.whole.to_owned(), minor_wild, patch_wild, wild })
}

/// `1.2 - 1.4` as two comparisons.
fn rewrite_ranges(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((from, to, after)) = range(rest) {
            out.push_str(&format!(">= {from}, <= {to} "));
            rest = after;
            continue;
        }
        // Where a range does not start at a run of white space, it does not start inside of it either.
        let space = rest.len() - trim(rest).len();
        let step = if space > 0 { space } else { rest.chars().next().map_or(1, char::len_utf8) };
        let (skipped, after) = rest.split_at_checked(step).unwrap_or((rest, ""));
        out.push_str(skipped);
        rest = after;
    }
    out
}

fn range(text: &str) -> Option<(&str, &str, &str)> {
    let from = Parts::prefix(trim(text))?;
    let hyphen = trim(from.rest);
    let after = hyphen.strip_prefix('-')?;
    let second = trim(after);
    if hyphen.len() == from.rest.len() || second.len() == after.len() {
        return None;
    }
    let to = Parts::prefix(second)?;
    Some((from.whole, to.whole, trim(to.rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(constraint: &str, version: &str, release: Release) -> bool {
        Constraint::parse(constraint, release).unwrap().check(&Version::parse(version, release).unwrap())
    }

    #[test]
    fn ranges() {
        for (constraint, version, inside) in [
            ("^1.2.3", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            (">=1.0 <2 || 3.x", "3.7.0", true),
            ("1.2 - 1.4", "1.4.0", true),
            ("1.2 - 1.4", "1.4.1", true),
            (">1.1", "1.1.5", false),
            ("*", "0.0.1", true),
            ("!=1.2.x", "1.2.3", false),
            (">=1.0.0", "1.1.0-rc1", false),
            (">=1.0.0-0", "1.1.0-rc1", true),
        ] {
            assert_eq!(check(constraint, version, Release::V3_5), inside, "{constraint} {version}");
        }
    }

    #[test]
    fn releases_differ_in_pre_releases_and_texts() {
        assert!(check(">=1.0.0-0 <2", "1.1.0-rc1", Release::V3_5));
        assert!(!check(">=1.0.0-0 <2", "1.1.0-rc1", Release::V3_3));
        assert_eq!(Constraint::parse("a", Release::V3_3).unwrap_err(), "improper constraint: a");
        assert_eq!(Constraint::parse("a", Release::V3_5).unwrap_err(), "improper constraint: \"a\"");
    }
}
