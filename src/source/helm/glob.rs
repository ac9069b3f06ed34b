//! The glob language of `.Files.Glob`: that of `gobwas/glob` with `/` as the separator.
//!
//! `*` and `?` stay within a path element, `**` does not, `[ab]`, `[!ab]` and `[a-z]` match one character, `{a,b}` one of
//! several patterns, `\` quotes. Matching follows all possible positions at once, so no pattern can make it slow.

use std::collections::BTreeSet;

/// A compiled pattern.
#[derive(Debug, PartialEq, Eq)]
pub struct Glob(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Char(char),
    /// `?`
    Single,
    /// `*`
    Any,
    /// `**`
    Super,
    List {
        chars: Vec<char>,
        not: bool,
    },
    Range {
        low: char,
        high: char,
        not: bool,
    },
    AnyOf(Vec<Vec<Part>>),
}

impl Glob {
    /// Compiles a pattern; `None` where it is malformed.
    pub fn new(pattern: &str) -> Option<Self> {
        let mut parser = Parser { text: pattern.chars().collect(), at: 0, nesting: 0 };
        Some(Self(parser.sequence()?.0))
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        walk(&self.0, &name, BTreeSet::from([0])).contains(&name.len())
    }
}

/// Where in `name` one can be after `parts`, coming from one of the places `from`.
fn walk(parts: &[Part], name: &[char], from: BTreeSet<usize>) -> BTreeSet<usize> {
    parts.iter().fold(from, |places, part| match part {
        Part::Any => spread(&places, name, |c| c != '/'),
        Part::Super => spread(&places, name, |_| true),
        Part::AnyOf(choices) => choices.iter().flat_map(|choice| walk(choice, name, places.clone())).collect(),
        part => places.into_iter().filter(|&at| name.get(at).is_some_and(|&c| part.takes(c))).map(|at| at + 1).collect(),
    })
}

fn spread(places: &BTreeSet<usize>, name: &[char], through: impl Fn(char) -> bool) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    for &place in places {
        let mut at = place;
        while reached.insert(at) && name.get(at).is_some_and(|&c| through(c)) {
            at += 1;
        }
    }
    reached
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(wanted) => c == *wanted,
            Self::Single => c != '/',
            Self::List { chars, not } => chars.contains(&c) != *not,
            Self::Range { low, high, not } => (*low <= c && c <= *high) != *not,
            Self::Any | Self::Super | Self::AnyOf(_) => false,
        }
    }
}

/// Braces inside braces: deeper than this is refused as malformed.
const NESTING_LIMIT: usize = 50;

struct Parser {
    text: Vec<char>,
    at: usize,
    nesting: usize,
}

impl Parser {
    fn next(&mut self) -> Option<char> {
        let c = self.text.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// The parts up to the end, or within braces up to a comma or the closing one; and what ended them.
    fn sequence(&mut self) -> Option<(Vec<Part>, Option<char>)> {
        let mut parts = Vec::new();
        while let Some(c) = self.next() {
            match c {
                ',' | '}' if self.nesting > 0 => return Some((parts, Some(c))),
                '{' => parts.push(self.any_of()?),
                '[' => parts.push(self.class()?),
                '?' => parts.push(Part::Single),
                '*' if self.peek() == Some('*') => {
                    self.at += 1;
                    parts.push(Part::Super);
                }
                '*' => parts.push(Part::Any),
                '\\' => parts.extend(self.next().map(Part::Char)),
                c => parts.push(Part::Char(c)),
            }
        }
        Some((parts, None))
    }

    /// An unclosed brace ends with the pattern, as in the original.
    fn any_of(&mut self) -> Option<Part> {
        self.nesting += 1;
        if self.nesting > NESTING_LIMIT {
            return None;
        }
        let mut choices = Vec::new();
        loop {
            let (choice, end) = self.sequence()?;
            choices.push(choice);
            if end != Some(',') {
                break;
            }
        }
        self.nesting -= 1;
        Some(Part::AnyOf(choices))
    }

    fn class(&mut self) -> Option<Part> {
        let mut not = false;
        let mut first = self.next()?;
        if first == '!' {
            not = true;
            first = self.next()?;
        }
        if self.peek() == Some('-') {
            self.at += 1;
            let high = self.next()?;
            let closed = self.next()? == ']';
            return (closed && high >= first).then_some(Part::Range { low: first, high, not });
        }
        self.at -= 1;
        let mut chars = Vec::new();
        loop {
            match self.next()? {
                ']' => break,
                '\\' => chars.push(self.next()?),
                c => chars.push(c),
            }
        }
        (!chars.is_empty()).then_some(Part::List { chars, not })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).is_some_and(|glob| glob.matches(name))
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
    fn malformed_patterns() {
        for pattern in ["[", "[a", "[]", "[c-a]", "[a-"] {
            assert_eq!(Glob::new(pattern), None, "{pattern}");
        }
    }
}
