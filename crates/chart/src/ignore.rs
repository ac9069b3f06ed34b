//! `.helmignore`: Helm's own rules (`pkg/ignore/rules.go`), which are not git's.

use super::pathmatch;

/// The rules of one chart directory.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    /// Match the file's name only: the pattern has no slash.
    base_only: bool,
    negated: bool,
    directories_only: bool,
}

impl Rules {
    /// Reads the text of a `.helmignore` and adds what Helm always ignores: dot files in templates/.
    ///
    /// Fails on `**` and on malformed patterns, with Helm's texts.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let mut rules = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            rules.add(line)?;
        }
        rules.add("templates/.?*")?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        pathmatch::matches(rule, "abc").map_err(|error| error.to_string())?;
        let (negated, rule) = rule.strip_prefix('!').map_or((false, rule), |rest| (true, rest));
        let (directories_only, rule) = rule.strip_suffix('/').map_or((false, rule), |rest| (true, rest));
        let (rooted, pattern) = rule.strip_prefix('/').map_or((false, rule), |rest| (true, rest));
        let base_only = !rooted && !pattern.contains('/');
        self.0.push(Rule { pattern: Pattern::new(pattern), base_only, negated, directories_only });
        Ok(())
    }

    /// Whether the file or directory at `path` (relative to the chart) is left out. The first rule that decides wins; a
    /// negated rule leaves out everything that it does *not* match.
    pub(super) fn ignores(&self, path: &str, directory: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        for rule in &self.0 {
            let matches = || rule.pattern.matches(if rule.base_only { name } else { path });
            let applies = !rule.directories_only || directory;
            if rule.negated {
                if !applies || !matches() {
                    return true;
                }
            } else if applies && matches() {
                return true;
            }
        }
        false
    }
}

/// A pattern in the form in which it is matched fastest: each is tried on each file.
#[derive(Debug)]
enum Pattern {
    /// Nothing special in it.
    Literal(String),
    /// A star, and nothing special after it.
    Suffix(String),
    /// Anything else.
    Other(String),
}

impl Pattern {
    fn new(pattern: &str) -> Self {
        let literal = |text: &str| !text.contains(['*', '?', '[', '\\']);
        match pattern.strip_prefix('*') {
            _ if literal(pattern) => Self::Literal(pattern.to_owned()),
            Some(suffix) if literal(suffix) => Self::Suffix(suffix.to_owned()),
            _ => Self::Other(pattern.to_owned()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => name == text,
            Self::Suffix(suffix) => name.strip_suffix(suffix.as_str()).is_some_and(|before| !before.contains('/')),
            Self::Other(pattern) => pathmatch::matches(pattern, name).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(rules: &str, path: &str, directory: bool) -> bool {
        Rules::parse(rules.as_bytes()).unwrap().ignores(path, directory)
    }

    #[test]
    fn patterns_without_a_slash_match_names_anywhere() {
        assert!(ignored("*.bak\n", "a/b/c.bak", false));
        assert!(!ignored("/*.bak\n", "a/c.bak", false));
        assert!(ignored("/*.bak\n", "c.bak", false));
        assert!(ignored("a/*.bak\n", "a/c.bak", false));
    }

    #[test]
    fn short_cuts_match_as_patterns_do() {
        for pattern in ["", "*", "a", "*a", "*.b", "*/b", "a/b", "*a*", "?", "[a]", "\\a", "*]"] {
            for name in ["", "a", "b", ".b", "a.b", "a/b", "a/.b", "ab/b", "aa", "x]", "/b"] {
                let expected = pathmatch::matches(pattern, name).unwrap_or(false);
                assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
            }
        }
    }

    #[test]
    fn a_trailing_slash_wants_a_directory() {
        assert!(ignored("ci/\n", "ci", true));
        assert!(!ignored("ci/\n", "ci", false));
    }

    #[test]
    fn a_negated_rule_leaves_out_what_it_does_not_match() {
        assert!(ignored("!keep\n", "other", false));
        assert!(!ignored("!keep\n", "keep", false));
    }

    #[test]
    fn dot_files_in_templates_are_always_left_out() {
        assert!(ignored("", "templates/.swp", false));
        assert!(!ignored("", "templates/deep/.swp", false));
    }

    #[test]
    fn refuses_double_stars_and_bad_patterns() {
        assert_eq!(Rules::parse(b"a/**/b\n").unwrap_err(), "double-star (**) syntax is not supported");
        assert_eq!(Rules::parse(b"[\n").unwrap_err(), "syntax error in pattern");
    }
}
