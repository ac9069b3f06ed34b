//! Where in a text something stands that chance has decided, and what stands at the same place in another one.
//!
//! A password is written as it is, in base 64, inside of a larger text in base 64, over several indented lines, or with JSON's escapes. Other things that
//! a template makes of one, such as a checksum, cannot be undone: they follow from what is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A place in the text of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// How often the field is decoded from base 64 before it is looked at.
    decoded: usize,
    form: Form,
    before: String,
    after: String,
}

/// How the answer of a function is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// In letters of the other case, as names are written. They are read as they are: the function could have given them, and gives the same then.
    Lower,
    Upper,
    Base64,
    /// With JSON's escapes for line breaks.
    Escaped,
    /// Each line but the first after so many spaces.
    Indented(usize),
}

/// How many texts are looked at that stand in each other in base 64, the field among them.
const DECODED: usize = 3;

/// Shorter texts are found by accident inside of longer ones.
const CERTAIN: usize = 8;

impl Spot {
    /// Where the answer stands in a text, if it does.
    pub(super) fn find(text: &str, answer: &[u8]) -> Option<Self> {
        let answer = std::str::from_utf8(answer).ok()?.trim_end_matches('\n');
        if answer.is_empty() {
            return None;
        }
        let views: Vec<String> = std::iter::successors(Some(text.to_owned()), |view| decode(view)).take(DECODED).collect();
        // What begins like the answer in base 64 may be the base 64 of something longer.
        [find_written, find_encoded].iter().find_map(|find| {
            views.iter().enumerate().find_map(|(decoded, view)| {
                let (form, at, length) = find(view, answer)?;
                let (before, rest) = view.split_at(at);
                Some(Self { decoded, form, before: before.to_owned(), after: rest[length..].to_owned() })
            })
        })
    }

    /// What stands at this place of another text: where everything around it is the same, else where its line is.
    pub(super) fn read(&self, text: &str) -> Option<Vec<u8>> {
        let mut view = text.to_owned();
        for _ in 0..self.decoded {
            view = decode(&view)?;
        }
        let whole = view.strip_prefix(self.before.as_str()).and_then(|rest| rest.strip_suffix(self.after.as_str()));
        let written = match whole {
            Some(written) => written,
            None => self.by_line(&view)?,
        };
        let plain = match self.form {
            Form::Plain | Form::Lower | Form::Upper => written.to_owned(),
            Form::Base64 => decode(written)?,
            Form::Escaped => written.replace("\\n", "\n"),
            Form::Indented(spaces) => written.replace(&format!("\n{}", " ".repeat(spaces)), "\n"),
        };
        Some(plain.trim_end_matches('\n').as_bytes().to_vec())
    }

    /// What stands between the beginning and the end of the line, or lines, where the same stands around it; nothing where there are several.
    fn by_line<'v>(&self, view: &'v str) -> Option<&'v str> {
        let start = self.before.rsplit('\n').next().filter(|start| !start.trim().is_empty())?;
        let end = self.after.split('\n').next().unwrap_or_default();
        let line_starts = std::iter::once(0).chain(view.match_indices('\n').map(|(at, _)| at + 1));
        let mut found = line_starts.filter_map(|at| {
            let rest = view[at..].strip_prefix(start)?;
            let length = match self.form {
                Form::Indented(_) => rest.find("-----END").and_then(|at| rest[at..].find('\n').map(|end| at + end)).unwrap_or(rest.len()),
                _ => rest.find('\n').unwrap_or(rest.len()),
            };
            rest[..length].strip_suffix(end)
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Where an answer stands inside of a text in base 64: the form, the first byte, the number of bytes.
fn find_encoded(view: &str, answer: &str) -> Option<(Form, usize, usize)> {
    let is_of_it = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    [STANDARD.encode(answer), STANDARD.encode(format!("{answer}\n"))].iter().find_map(|encoded| {
        let bytes = view.as_bytes();
        let mut places = view.match_indices(encoded.as_str()).map(|(at, _)| at);
        let at = places.find(|at| {
            let is_begun = at.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(is_of_it);
            !is_begun && bytes.get(at + encoded.len()).is_none_or(|byte| !is_of_it(byte) && *byte != b'=')
        })?;
        Some((Form::Base64, at, encoded.len()))
    })
}

/// Where an answer stands in a text, as it is or over several lines.
fn find_written(view: &str, answer: &str) -> Option<(Form, usize, usize)> {
    if let Some(at) = certain_place(view, answer) {
        return Some((Form::Plain, at, answer.len()));
    }
    if !answer.contains('\n') {
        let cased = [(Form::Lower, answer.to_ascii_lowercase()), (Form::Upper, answer.to_ascii_uppercase())];
        return cased.into_iter().find_map(|(form, cased)| Some((form, certain_place(view, &cased)?, cased.len())));
    }
    let escaped = answer.replace('\n', "\\n");
    if let Some(at) = view.find(&escaped) {
        return Some((Form::Escaped, at, escaped.len()));
    }
    let first = answer.split('\n').next()?;
    view.match_indices(first).find_map(|(at, _)| {
        let next = view[at + first.len()..].strip_prefix('\n')?;
        let spaces = next.len() - next.trim_start_matches(' ').len();
        let indented = answer.replace('\n', &format!("\n{}", " ".repeat(spaces)));
        (spaces > 0 && view[at..].starts_with(&indented)).then_some((Form::Indented(spaces), at, indented.len()))
    })
}

/// Where a text stands that does not stand there by accident: one of some length, or by itself.
fn certain_place(view: &str, text: &str) -> Option<usize> {
    let is_certain = |at: usize| {
        let is_apart = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let bytes = view.as_bytes();
        text.len() >= CERTAIN || (is_apart(at.checked_sub(1).and_then(|at| bytes.get(at))) && is_apart(bytes.get(at + text.len())))
    };
    view.match_indices(text).map(|(at, _)| at).find(|at| is_certain(*at))
}

fn decode(text: &str) -> Option<String> {
    let compact: String = text.split_ascii_whitespace().collect();
    (!compact.is_empty()).then(|| STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN X-----\nabc\ndef\n-----END X-----\n";

    /// What is written for an answer in one text is read for the answer in the other.
    fn assert_read(write: impl Fn(&str) -> String, one: &str, other: &str) {
        let spot = Spot::find(&write(one), one.as_bytes()).unwrap_or_else(|| panic!("not found in {}", write(one)));
        assert_eq!(spot.read(&write(other)).as_deref(), Some(other.trim_end_matches('\n').as_bytes()), "{}", write(other));
    }

    #[test]
    fn every_form_is_found_and_read() {
        let other = PEM.replace("abc", "xyz");
        let encode = |text: &str| STANDARD.encode(text);
        for (one, two) in [("s3cr3tpassw0rd", "an0therpassw0r"), (PEM, other.as_str())] {
            assert_read(str::to_owned, one, two);
            assert_read(encode, one, two);
            assert_read(|text| encode(&encode(text)), one, two);
            assert_read(|text| encode(&format!("user: admin\npassword: {text}")), one, two);
            assert_read(|text| format!("{{\"auths\":{{\"a\":\"{}\"}}}}", encode(text)), one, two);
        }
        assert_read(|text| format!("tls:\n  ca: |\n    {}\n  x: y\n", text.trim_end().replace('\n', "\n    ")), PEM, &other);
        assert_read(|text| format!("app-{}-x", text.to_lowercase()), "aBcDe1", "zyx1w2");
        assert_read(|text| format!("{{\"ca\":\"{}\"}}", text.replace('\n', "\\n")), PEM, &other);
    }

    #[test]
    fn the_line_is_enough_where_the_rest_has_changed() {
        let spot = Spot::find("a: 1\npassword: onetwothree;\nb: 2\n", b"onetwothree").unwrap();
        assert_eq!(spot.read("a: 5\nc: 3\npassword: another;\n").as_deref(), Some(&b"another"[..]));
        assert_eq!(spot.read("password: one;\npassword: two;\n"), None);
        assert_eq!(spot.read("nothing\n"), None);
    }

    #[test]
    fn answers_of_other_lengths_are_read() {
        for length in 20..26 {
            let (one, two) = (format!("{}\n", "x1".repeat(length)), format!("{}\n", "y2".repeat(length + 1)));
            assert_read(|text| STANDARD.encode(text), &one[1..], &two);
            assert_read(|text| format!("key={};", STANDARD.encode(text)), &one, &two[1..]);
        }
    }

    #[test]
    fn short_answers_stand_by_themselves() {
        assert_eq!(Spot::find("x1234y", b"123"), None);
        assert!(Spot::find("port: 123", b"123").is_some());
        assert_eq!(Spot::find("anything", b""), None);
    }
}
