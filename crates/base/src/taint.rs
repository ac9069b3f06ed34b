//! What depends on secrets: they are something else in another rendering, and what differs then is made of them.
//!
//! A password that a template encodes, cuts or joins with other texts leaves no trace that could be searched for. So nothing is searched for: who renders has
//! a [`DiskWorld`](crate::DiskWorld) take note of the secrets that engines come across, and renders again in one where they are other texts of the same form.

use std::collections::{BTreeMap, BTreeSet};

/// What secrets are in a rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disguise {
    /// Letters are `x` and digits `0`: nothing of a secret can be told, as messages need it.
    pub is_masked: bool,
    /// What they are changed to, so that what is made of them differs.
    pub altered: Alteration,
    /// Whether nothing is decrypted and no reference resolved: what can be known without a key.
    pub is_unresolved: bool,
}

/// Which secrets are changed: each letter and digit of theirs to the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Alteration {
    /// None.
    #[default]
    None,
    /// All of them.
    All,
    /// All of them, but for what stands before `://` in them: what they have to be called.
    AllButSchemes,
    /// The one of this name.
    Only(String),
}

impl Disguise {
    /// The same disguise over secrets that are changed.
    #[must_use]
    pub fn altered(&self, altered: Alteration) -> Self {
        Self { altered, ..self.clone() }
    }

    /// What a secret of this name is.
    pub fn of(&self, name: &str, value: &str) -> String {
        let value: String = if self.is_masked { value.chars().map(masked).collect() } else { value.to_owned() };
        match &self.altered {
            Alteration::None => value,
            Alteration::Only(only) if only != name => value,
            Alteration::All | Alteration::Only(_) => value.chars().map(next).collect(),
            Alteration::AllButSchemes => {
                let (scheme, rest) = value.find("://").map_or(("", &*value), |at| value.split_at(at));
                format!("{scheme}{}", rest.chars().map(next).collect::<String>())
            }
        }
    }
}

/// The next letter or digit; what is neither stays, as it may part what is one from what is another.
fn next(c: char) -> char {
    match c {
        'z' => 'a',
        'Z' => 'A',
        '9' => '0',
        'a'..='y' | 'A'..='Y' | '0'..='8' => char::from(c as u8 + 1),
        c if c.is_alphabetic() && c != '\u{fc}' => '\u{fc}',
        c if c.is_alphabetic() => '\u{f6}',
        c => c,
    }
}

fn masked(c: char) -> char {
    match c {
        c if c.is_alphabetic() => 'x',
        c if c.is_numeric() => '0',
        c => c,
    }
}

/// What was noted of secrets in a rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traces {
    /// The names of those that were come across.
    pub names: BTreeSet<String>,
    /// Whether any of them was not only a reference, but the secret itself.
    pub is_known: bool,
    /// The checksums that templates have made of texts, in their order. What is made of a secret by them says nothing of it.
    pub checksums: Vec<String>,
}

/// What a world does about secrets.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    pub(crate) traces: Traces,
    pub(crate) disguise: Disguise,
    /// The checksums to be given again, by their numbers.
    checksums: BTreeMap<usize, String>,
}

impl Secrets {
    pub(crate) fn disguised(disguise: Disguise, traces: &Traces) -> Self {
        let checksums = traces.checksums.iter().cloned().enumerate().collect();
        Self { disguise, checksums, traces: Traces::default() }
    }

    /// What a secret is, which is noted.
    pub(crate) fn meet(&mut self, name: &str, value: &str, is_known: bool) -> String {
        self.traces.names.insert(name.to_owned());
        self.traces.is_known |= is_known;
        self.disguise.of(name, value)
    }

    /// The checksum that is given, which is noted.
    pub(crate) fn checksum(&mut self, sum: String) -> String {
        let sum = self.checksums.get(&self.traces.checksums.len()).cloned().unwrap_or(sum);
        self.traces.checksums.push(sum.clone());
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_and_digit_is_another_one() {
        let text = "ref+sops://a.yaml#/Zz09/\u{fc}\u{e4}-_";
        let altered = |altered, text| Disguise { altered, ..Disguise::default() }.of("x", text);
        for (one, other) in text.chars().zip(altered(Alteration::All, text).chars()) {
            assert_eq!(one != other, one.is_alphanumeric(), "{one} {other}");
        }
        assert_eq!(altered(Alteration::Only("y".to_owned()), text), text);
        assert_eq!(altered(Alteration::AllButSchemes, "http://a1"), "http://b2");
        let masked = Disguise { is_masked: true, ..Disguise::default() };
        assert_eq!(masked.of("x", "Pa\u{df}-1 z"), "xxx-0 x");
        assert_eq!(masked.altered(Alteration::All).of("x", "Pa\u{df}-1 z"), "yyy-1 y");
    }

    #[test]
    fn checksums_are_given_again_by_their_numbers() {
        let mut first = Secrets::default();
        first.checksum("a".to_owned());
        first.meet("n", "v", false);
        let mut second = Secrets::disguised(Disguise::default().altered(Alteration::All), &first.traces);
        assert_eq!(second.checksum("b".to_owned()), "a");
        assert_eq!(second.checksum("c".to_owned()), "c");
        assert_eq!(second.meet("n", "v", true), "w");
        assert!(second.traces.is_known && !first.traces.is_known);
    }
}
