//! Character classes: ranges, Perl's `\d`, POSIX' `[:alpha:]`, Unicode's `\p{Greek}`.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The class of one range.
pub(super) fn range(first: char, last: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(first, last)])
}

fn ranges(all: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(all.iter().map(|(first, last)| ClassUnicodeRange::new(*first, *last)))
}

/// A class with what differs from it in case only, or inverted, as asked for.
pub(super) fn adjusted(mut class: ClassUnicode, fold: bool, negate: bool) -> ClassUnicode {
    if fold {
        class.case_fold_simple();
    }
    if negate {
        class.negate();
    }
    class
}

/// The class of a letter after a backslash, in ASCII, and whether it is the complement.
pub(super) fn perl(letter: u8) -> Option<(ClassUnicode, bool)> {
    let class = match letter.to_ascii_lowercase() {
        b'd' => ranges(&[('0', '9')]),
        b's' => ranges(&[('\t', '\n'), ('\u{C}', '\r'), (' ', ' ')]),
        b'w' => ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    };
    Some((class, letter.is_ascii_uppercase()))
}

/// The class of a POSIX name without its brackets and colons, and whether it is the complement.
pub(super) fn posix(name: &[u8]) -> Option<(ClassUnicode, bool)> {
    let (name, negate) = match name.strip_prefix(b"^") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let class = match name {
        b"alnum" => ranges(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        b"alpha" => ranges(&[('A', 'Z'), ('a', 'z')]),
        b"ascii" => ranges(&[('\0', '\x7F')]),
        b"blank" => ranges(&[('\t', '\t'), (' ', ' ')]),
        b"cntrl" => ranges(&[('\0', '\x1F'), ('\x7F', '\x7F')]),
        b"digit" => ranges(&[('0', '9')]),
        b"graph" => ranges(&[('!', '~')]),
        b"lower" => ranges(&[('a', 'z')]),
        b"print" => ranges(&[(' ', '~')]),
        b"punct" => ranges(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        b"space" => ranges(&[('\t', '\r'), (' ', ' ')]),
        b"upper" => ranges(&[('A', 'Z')]),
        b"word" => ranges(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        b"xdigit" => ranges(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    };
    Some((class, negate))
}

/// Scripts whose own name is as short as the four-letter codes, which Go does not know.
const SHORT_SCRIPTS: &[&str] =
    &["ahom", "cham", "han", "kawi", "lao", "lisu", "miao", "modi", "mro", "newa", "nko", "thai", "toto", "vai", "yi"];

/// The class of a Unicode category or script.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect::<String>().to_ascii_lowercase();
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match plain.as_str() {
        "any" => return Some(range('\0', char::MAX)),
        "ascii" => return Some(range('\0', '\x7F')),
        "assigned" => return property("gc=cn").map(|class| adjusted(class, false, true)),
        _ => {}
    }
    let script = plain.len() > 4 || SHORT_SCRIPTS.contains(&plain.as_str());
    property(&format!("gc={plain}")).or_else(|| script.then(|| property(&format!("sc={plain}")))?)
}

fn property(name: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(&format!(r"\p{{{name}}}")).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}
