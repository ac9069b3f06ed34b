//! The glob language of `.Files.Glob`: that of `gobwas/glob` 0.2.3 with `/` as the separator.
//!
//! `*` and `?` stay within a path element, `**` does not, `[ab]`, `[!ab]` and `[a-z]` match one character, `{a,b}` one of
//! several patterns, `\` quotes. The library makes matchers of a pattern and simplifies them, and some of these match other
//! names than the language says: lengths in bytes meet lengths in characters, `?***` wants two characters. So its steps are
//! followed one by one: [`syntax`] reads, [`compile`] simplifies, [`matcher`] matches.

mod compile;
mod matcher;
mod syntax;

use matcher::Matcher;

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Glob(Matcher);

impl Glob {
    /// Compiles a pattern; `None` where it is malformed.
    pub(crate) fn new(pattern: &[u8]) -> Option<Self> {
        Some(Self(compile::compile(&syntax::parse(pattern)?)?))
    }

    /// Whether the whole of `name` matches; the error is the text of Go's panic, which some patterns with empty braces cause.
    pub(crate) fn matches(&self, name: &[u8]) -> Result<bool, String> {
        self.0.matches(name)
    }
}

/// The character at the start of some bytes and its width; U+FFFD for a byte that is none, nothing at the end.
fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let (rune, width) = hydrate_gotmpl::text::decode(bytes);
    (width > 0).then(|| (char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER), width))
}

/// Where each character of some bytes begins, and the character.
fn characters(bytes: &[u8]) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (c, width) = decode(bytes.get(at..)?)?;
        at += width;
        Some((at - width, c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern.as_bytes()).is_some_and(|glob| glob.matches(name.as_bytes()) == Ok(true))
    }

    #[test]
    fn stars_and_separators() {
        assert!(matches("config/*", "config/a.txt"));
        assert!(!matches("config/*", "config/a/b.txt"));
        assert!(matches("config/**", "config/a/b.txt"));
        assert!(matches("**.yaml", "a/b/c.yaml"));
        assert!(matches("**/*.yaml", "a/c.yaml"));
        assert!(!matches("**/*.yaml", "c.yaml"));
        assert!(!matches("a?b", "a/b"));
        assert!(matches("*", ""));
    }

    #[test]
    fn classes_and_choices() {
        assert!(matches("{foo,bar}*.y{,a}ml", "bar1.yml"));
        assert!(matches("{foo,{x,y}}", "y"));
        assert!(matches("[!a-c]x", "dx"));
        assert!(!matches("[!a-c]x", "bx"));
        assert!(matches("[abc]", "b"));
        assert!(matches("a\\*b", "a*b"));
        assert!(matches("{a,b", "b"));
    }

    #[test]
    fn what_the_library_does_otherwise_than_its_language() {
        assert!(!matches("?.md", "ü.md"));
        assert!(matches("?", "ü"));
        assert!(!matches("?***", "u"));
        assert!(matches("?***", "us"));
        assert!(!matches("[!a-c]-", "ü-"));
    }

    #[test]
    fn malformed_patterns() {
        for pattern in ["[", "[a", "[]", "[c-a]", "[a-", "\u{FFFD}"] {
            assert!(Glob::new(pattern.as_bytes()).is_none(), "{pattern}");
        }
        assert!(Glob::new(b"a\xFF").is_none());
    }

    #[test]
    fn patterns_that_make_the_library_panic() {
        let answer = Glob::new(b"n{}").map(|glob| (glob.matches(b"n"), glob.matches(b"no")));
        assert_eq!(answer, Some((Err("runtime error: slice bounds out of range [:2] with length 1".to_owned()), Ok(false))));
    }

    #[test]
    fn patterns_that_could_take_forever() {
        let pattern = "*a".repeat(2_000);
        hydrate_gotmpl::budget::with(1_000_000, 1_000_000, || {
            let answer = Glob::new(pattern.as_bytes()).map(|glob| glob.matches("a".repeat(1_000).as_bytes()));
            assert_ne!(answer, Some(Ok(true)));
        });
    }
}
