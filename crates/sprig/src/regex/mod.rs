//! Go's `regexp`: RE2 syntax, leftmost-first matches, bytes that are not UTF-8 read as U+FFFD of one byte.

mod class;
mod functions;
mod node;
mod parse;

pub(super) use functions::*;

use super::args;
use super::unicode::{decode, is_digit, is_letter, runes};
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::{Input, Span};
use std::borrow::Cow;

/// A compiled regular expression with the meaning Go gives it. Cheap to clone, shared between threads.
#[derive(Debug, Clone)]
pub struct GoRegex {
    regex: Regex,
    names: std::sync::Arc<[Option<Box<str>>]>,
}

/// Why a text is no regular expression; prints as Go's `error parsing regexp: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegexError {
    /// What is wrong, such as `missing closing )`.
    pub code: &'static str,
    /// The part of the expression that is wrong.
    pub part: String,
}

impl std::fmt::Display for RegexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.code, self.part)
    }
}

impl std::error::Error for RegexError {}

/// A compiled expression may take this much memory.
const LARGEST_PROGRAM: usize = 64 << 20;

/// One match: the whole at 0, then the groups; `None` for a group that took no part.
type Groups = Vec<Option<Span>>;

impl GoRegex {
    /// Compiles an expression, as `regexp.Compile` does.
    ///
    /// # Errors
    /// Go's own error for what Go refuses; `expression too large` also for what needs more than 64 MiB.
    pub fn new(pattern: &[u8]) -> Result<Self, RegexError> {
        let parsed = parse::parse(pattern)?;
        let config = Regex::config().nfa_size_limit(Some(LARGEST_PROGRAM)).dfa(false);
        let regex = Regex::builder().configure(config).build_from_hir(&parsed.node.to_hir());
        let too_large = |_: BuildError| RegexError { code: parse::TOO_LARGE, part: String::from_utf8_lossy(pattern).into_owned() };
        Ok(Self { regex: regex.map_err(too_large)?, names: parsed.names.into() })
    }

    /// Whether there is a match anywhere in the text.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(&*Haystack::new(text).text)
    }

    /// The first match.
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let haystack = Haystack::new(text);
        self.regex.find(&*haystack.text).map(|found| haystack.part(text, found.span()))
    }

    /// The first match and its groups; a group that took no part is `None`.
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Vec<Option<&'t [u8]>>> {
        let haystack = Haystack::new(text);
        let mut captures = self.regex.create_captures();
        let groups = self.groups_at(&haystack.text, 0, &mut captures)?;
        Some(groups.into_iter().map(|group| group.map(|span| haystack.part(text, span))).collect())
    }

    /// All matches and their groups, as `FindAllSubmatch` finds them.
    pub fn captures_all<'t>(&self, text: &'t [u8]) -> Vec<Vec<Option<&'t [u8]>>> {
        let haystack = Haystack::new(text);
        let mut captures = self.regex.create_captures();
        let of = |span: Span| {
            Some(
                self.groups_at(&haystack.text, span.start, &mut captures)?
                    .into_iter()
                    .map(|group| group.map(|span| haystack.part(text, span)))
                    .collect(),
            )
        };
        self.spans(&haystack.text, -1).into_iter().filter_map(of).collect()
    }

    /// The names of the groups, where they have one; the first stands for the whole match.
    pub fn group_names(&self) -> &[Option<Box<str>>] {
        &self.names
    }

    /// At most `limit` matches, all for a negative limit; none of them empty right after another.
    pub fn find_all<'t>(&self, text: &'t [u8], limit: i64) -> Vec<&'t [u8]> {
        let haystack = Haystack::new(text);
        self.spans(&haystack.text, limit).into_iter().map(|span| haystack.part(text, span)).collect()
    }

    fn spans(&self, text: &[u8], limit: i64) -> Vec<Span> {
        let limit = if limit < 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
        let mut found = Vec::new();
        let (mut at, mut last_end) = (0, None);
        while found.len() < limit && at <= text.len() {
            let Some(span) = self.regex.search(&Input::new(text).span(at..text.len())).map(|found| found.span()) else { break };
            let mut accept = true;
            if span.end == at {
                accept = Some(span.start) != last_end;
                at += decode(&text[at..]).1.max(1);
            } else {
                at = span.end;
            }
            last_end = Some(span.end);
            if accept {
                found.push(span);
            }
        }
        found
    }

    fn groups_at(&self, text: &[u8], at: usize, captures: &mut Captures) -> Option<Groups> {
        self.regex.search_captures(&Input::new(text).span(at..text.len()), captures);
        captures.is_match().then(|| (0..captures.group_len()).map(|group| captures.get_group(group)).collect())
    }

    /// The text with every match replaced by the template, in which `$1`, `${1}` and `${name}` stand for groups.
    pub fn replace_all(&self, text: &[u8], template: &[u8]) -> Vec<u8> {
        if !template.contains(&b'$') {
            return self.replace_all_literal(text, template);
        }
        self.replace_with(text, |out, haystack, groups| self.expand(out, template, haystack, groups))
    }

    /// The text with every match replaced by another text.
    pub fn replace_all_literal(&self, text: &[u8], replacement: &[u8]) -> Vec<u8> {
        self.replace_with(text, |out, _, _| out.extend_from_slice(replacement))
    }

    fn replace_with(&self, text: &[u8], mut write: impl FnMut(&mut Vec<u8>, &dyn Fn(Span) -> Vec<u8>, &Groups)) -> Vec<u8> {
        let haystack = Haystack::new(text);
        let part = |span: Span| haystack.part(text, span).to_vec();
        let mut captures = self.regex.create_captures();
        let mut out = Vec::with_capacity(text.len());
        let (mut last_end, mut at) = (0, 0);
        while at <= haystack.text.len() {
            let Some(groups) = self.groups_at(&haystack.text, at, &mut captures) else { break };
            let Some(Some(whole)) = groups.first().copied() else { break };
            out.extend_from_slice(haystack.part(text, Span { start: last_end, end: whole.start }));
            if whole.end > last_end || whole.start == 0 {
                write(&mut out, &part, &groups);
            }
            if out.len() > args::largest() {
                // The executor makes this an error.
                hydrate_gotmpl::budget::overdraw();
                break;
            }
            last_end = whole.end;
            let width = decode(&haystack.text[at..]).1;
            at = if at + width > whole.end { at + width } else { whole.end.max(at + usize::from(at + 1 > whole.end)) };
        }
        out.extend_from_slice(haystack.part(text, Span { start: last_end, end: haystack.text.len() }));
        out
    }

    fn expand(&self, out: &mut Vec<u8>, mut template: &[u8], part: &dyn Fn(Span) -> Vec<u8>, groups: &Groups) {
        while let Some(at) = memchr::memchr(b'$', template) {
            out.extend_from_slice(&template[..at]);
            template = &template[at + 1..];
            if let [b'$', rest @ ..] = template {
                out.push(b'$');
                template = rest;
                continue;
            }
            let Some((name, rest)) = reference(template) else {
                out.push(b'$');
                continue;
            };
            template = rest;
            if let Some(span) = self.group(name, groups) {
                out.extend_from_slice(&part(span));
            }
        }
        out.extend_from_slice(template);
    }

    /// A group by its number, or the first one of a name that took part.
    fn group(&self, name: &[u8], groups: &Groups) -> Option<Span> {
        let name = std::str::from_utf8(name).ok()?;
        let number = name.len() == 1 || !name.starts_with('0');
        if number && name.bytes().all(|byte| byte.is_ascii_digit()) && name.len() <= 9 {
            return groups.get(name.parse::<usize>().ok()?).copied().flatten();
        }
        let named = |at: &usize| self.names.get(*at).is_some_and(|known| known.as_deref() == Some(name));
        (0..groups.len()).filter(named).find_map(|at| groups[at])
    }

    /// The parts between the matches, at most `limit` of them, all for a negative limit; nothing for 0.
    pub fn split<'t>(&self, text: &'t [u8], limit: i64, pattern_is_empty: bool) -> Vec<&'t [u8]> {
        if limit == 0 {
            return Vec::new();
        }
        if !pattern_is_empty && text.is_empty() {
            return vec![text];
        }
        let haystack = Haystack::new(text);
        let mut parts = Vec::new();
        let (mut start, mut end) = (0, 0);
        for found in self.spans(&haystack.text, limit) {
            if limit > 0 && parts.len() as i64 >= limit - 1 {
                break;
            }
            end = found.start;
            if found.end != 0 {
                parts.push(haystack.part(text, Span { start, end }));
            }
            start = found.end;
        }
        if end != haystack.text.len() {
            parts.push(haystack.part(text, Span { start, end: haystack.text.len() }));
        }
        parts
    }
}

/// The name after a `$` and what follows it; `None` where the `$` stands for itself.
fn reference(template: &[u8]) -> Option<(&[u8], &[u8])> {
    let braced = template.first() == Some(&b'{');
    let body = &template[usize::from(braced)..];
    let word = |rune: char| rune == '_' || is_letter(rune) || is_digit(rune);
    let end = runes(body).find(|(_, rune, _)| !word(*rune)).map_or(body.len(), |(at, _, _)| at);
    let (name, rest) = body.split_at(end);
    match (name.is_empty(), braced) {
        (true, _) => None,
        (false, false) => Some((name, rest)),
        (false, true) => Some((name, rest.strip_prefix(b"}")?)),
    }
}

/// A text as the matcher sees it: with U+FFFD for each byte that is not UTF-8, and the way back to the offsets.
struct Haystack<'t> {
    text: Cow<'t, [u8]>,
    /// Of each replaced byte the offset in the matcher's text.
    replaced: Vec<usize>,
}

impl<'t> Haystack<'t> {
    fn new(text: &'t [u8]) -> Self {
        if std::str::from_utf8(text).is_ok() {
            return Self { text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut repaired = Vec::with_capacity(text.len() + 16);
        let mut replaced = Vec::new();
        for (at, rune, size) in runes(text) {
            if rune == super::unicode::RUNE_ERROR && size == 1 {
                replaced.push(repaired.len());
                repaired.extend_from_slice("\u{FFFD}".as_bytes());
            } else {
                repaired.extend_from_slice(&text[at..at + size]);
            }
        }
        Self { text: Cow::Owned(repaired), replaced }
    }

    fn part<'a>(&self, original: &'a [u8], span: Span) -> &'a [u8] {
        let back = |offset: usize| offset - 2 * self.replaced.partition_point(|at| *at < offset);
        original.get(back(span.start)..back(span.end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(pattern: &str) -> GoRegex {
        GoRegex::new(pattern.as_bytes()).unwrap()
    }

    fn replaced(pattern: &str, text: &str, template: &str) -> String {
        String::from_utf8(regex(pattern).replace_all(text.as_bytes(), template.as_bytes())).unwrap()
    }

    #[test]
    fn empty_matches_are_not_doubled() {
        assert_eq!(replaced("a*", "baaac", "x"), "xbxcx");
        assert_eq!(replaced("", "héy", "-"), "-h-é-y-");
        assert_eq!(regex("a*").find_all(b"baaac", -1), [&b""[..], b"aaa", b""]);
        assert_eq!(regex("b*").split(b"abc", -1, false), [b"a", b"c"]);
    }

    #[test]
    fn templates_name_groups() {
        assert_eq!(replaced("(?P<first>a)(b)?", "ab a", "[${first}|$2|$2x|$$|$|$first1]"), "[a|b||$|$|] [a|||$|$|]");
    }

    #[test]
    fn a_byte_that_is_not_utf_8_is_one_rune() {
        assert_eq!(regex("^.{3}$").find(b"a\xffb"), Some(&b"a\xffb"[..]));
        assert_eq!(regex("b.").find_all(b"\xfe\xffb\xfeb\xff", -1), [b"b\xfe", b"b\xff"]);
    }

    #[test]
    fn perl_classes_are_ascii() {
        assert!(!regex(r"^\d$").is_match("٣".as_bytes()));
        assert!(regex(r"^\W$").is_match("é".as_bytes()));
        assert!(regex(r"(?i)^k$").is_match("\u{212A}".as_bytes()));
        assert!(regex(r"^\p{Greek}+$").is_match("αβγ".as_bytes()));
    }

    #[test]
    fn errors_are_gos() {
        let error = |pattern: &str| GoRegex::new(pattern.as_bytes()).unwrap_err().to_string();
        assert_eq!(error("("), "error parsing regexp: missing closing ): `(`");
        assert_eq!(error("a**"), "error parsing regexp: invalid nested repetition operator: `**`");
        assert_eq!(error("*a"), "error parsing regexp: missing argument to repetition operator: `*`");
        assert_eq!(error("a{1001}"), "error parsing regexp: invalid repeat count: `{1001}`");
        assert_eq!(error("(a{100}){100}"), "error parsing regexp: invalid repeat count: `{100}`");
        assert_eq!(error("[a"), "error parsing regexp: missing closing ]: `[a`");
        assert_eq!(error("[b-a]"), "error parsing regexp: invalid character class range: `b-a`");
        assert_eq!(error(r"\8"), r"error parsing regexp: invalid escape sequence: `\8`");
        assert_eq!(error(r"\pX"), r"error parsing regexp: invalid character class range: `\pX`");
        assert_eq!(error("(?=a)"), "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
        assert_eq!(error("a)"), "error parsing regexp: unexpected ): `a)`");
        assert_eq!(error(r"a\"), "error parsing regexp: trailing backslash at end of expression: ``");
    }
}
