//! Selecting objects: regular expressions for identities, Kubernetes' expressions for labels and annotations.
//!
//! Follows `api/types/selector.go` of kustomize 5.8.1 and `k8s.io/apimachinery/pkg/labels`.

use ecow::EcoString;

use super::errors::{KResult, fail};
use super::ids::Gvk;
use super::kustomization::{Selector, Texts};
use super::regex::Regex;
use super::resource::Resource;

/// A selector with its expressions compiled.
#[derive(Debug)]
pub(crate) struct SelectorRegex {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    /// Label and annotation expressions; a wrong one is an error only when an object comes as far as being asked for it.
    labels: KResult<Requirements>,
    annotations: KResult<Requirements>,
    /// Whether it asks for labels or annotations.
    pub asks_for_labels: bool,
    /// Whether it names nothing that an identity has.
    pub names_nothing: bool,
}

fn whole(pattern: &str) -> KResult<Option<Regex>> {
    if pattern.is_empty() { Ok(None) } else { Regex::new(&format!("^(?:{pattern})$")).map(Some) }
}

fn fits(regex: Option<&Regex>, text: &str) -> bool {
    regex.is_none_or(|regex| regex.is_match(text))
}

impl SelectorRegex {
    /// Compiles a selector.
    pub(crate) fn new(selector: &Selector) -> KResult<Self> {
        Ok(Self {
            group: whole(&selector.gvk.group)?,
            version: whole(&selector.gvk.version)?,
            kind: whole(&selector.gvk.kind)?,
            name: whole(&selector.name)?,
            namespace: whole(&selector.namespace)?,
            labels: Requirements::parse(&selector.labels),
            annotations: Requirements::parse(&selector.annotations),
            asks_for_labels: !selector.labels.is_empty() || !selector.annotations.is_empty(),
            names_nothing: selector.id().is_empty(),
        })
    }

    /// Whether group, version and kind match.
    pub(crate) fn gvk_matches(&self, gvk: &Gvk) -> bool {
        fits(self.group.as_ref(), &gvk.group) && fits(self.version.as_ref(), &gvk.version) && fits(self.kind.as_ref(), &gvk.kind)
    }

    /// Whether a name matches.
    pub(crate) fn name_matches(&self, name: &str) -> bool {
        fits(self.name.as_ref(), name)
    }

    /// Whether a namespace matches.
    pub(crate) fn namespace_matches(&self, namespace: &str) -> bool {
        fits(self.namespace.as_ref(), namespace)
    }

    /// Whether its labels and annotations can be read at all.
    pub(crate) fn is_sound(&self) -> bool {
        self.labels.is_ok() && self.annotations.is_ok()
    }

    /// Whether the labels match.
    pub(crate) fn labels_match(&self, res: &Resource) -> KResult<bool> {
        let wanted = self.labels.as_ref().map_err(Clone::clone)?;
        Ok(wanted.0.is_empty() || wanted.matches(&res.labels()))
    }

    /// Whether the annotations match.
    pub(crate) fn annotations_match(&self, res: &Resource) -> KResult<bool> {
        let wanted = self.annotations.as_ref().map_err(Clone::clone)?;
        Ok(wanted.0.is_empty() || wanted.matches(&res.annotations()))
    }
}

/// Requirements of a label selector; all have to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: EcoString,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(Vec<EcoString>),
    NotIn(Vec<EcoString>),
    Greater(i64),
    Less(i64),
}

impl Requirements {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1,m<2`.
    pub(crate) fn parse(text: &str) -> KResult<Self> {
        let tokens = tokens(text);
        let mut parser = Parser { tokens: &tokens };
        match parser.requirements() {
            Ok(requirements) => Ok(Self(requirements)),
            Err(error) => fail(format!("unable to parse requirement: {error}")),
        }
    }

    fn matches(&self, labels: &Texts) -> bool {
        self.0.iter().all(|requirement| requirement.matches(labels.get(&requirement.key)))
    }
}

impl Requirement {
    fn matches(&self, value: Option<&EcoString>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(values) => value.is_some_and(|value| values.contains(value)),
            Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Test::Greater(limit) => number().is_some_and(|number| number > *limit),
            Test::Less(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

fn tokens(text: &str) -> Vec<&str> {
    let special = |c: char| "=!(),<>".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = if special(first) {
            ["==", "!="].iter().find(|operator| rest.starts_with(**operator)).map_or(1, |operator| operator.len())
        } else {
            rest.find(|c: char| special(c) || c.is_ascii_whitespace()).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

struct Parser<'a> {
    tokens: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> &'a str {
        match self.tokens.split_first() {
            Some((first, rest)) => {
                self.tokens = rest;
                first
            }
            None => "",
        }
    }

    fn peek(&self) -> &'a str {
        self.tokens.first().copied().unwrap_or("")
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut all = Vec::new();
        if self.tokens.is_empty() {
            return Ok(all);
        }
        loop {
            all.push(self.requirement()?);
            match self.next() {
                "" => return Ok(all),
                "," if is_word(self.peek()) || self.peek() == "!" => {}
                "," => return Err(format!("found '{}', expected: identifier after ','", self.peek())),
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let missing = self.peek() == "!";
        if missing {
            self.next();
        }
        let key = self.next();
        if !is_word(key) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        check_key(key)?;
        if missing {
            return Ok(Requirement { key: key.into(), test: Test::Missing });
        }
        let test = match self.peek() {
            "" | "," => Test::Exists,
            operator => {
                self.next();
                self.test(operator)?
            }
        };
        Ok(Requirement { key: key.into(), test })
    }

    fn test(&mut self, operator: &str) -> Result<Test, String> {
        match operator {
            "=" | "==" => self.exact_value().map(|value| Test::In(vec![value])),
            "!=" => self.exact_value().map(|value| Test::NotIn(vec![value])),
            "in" => self.values().map(Test::In),
            "notin" => self.values().map(Test::NotIn),
            ">" => self.number().map(Test::Greater),
            "<" => self.number().map(Test::Less),
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn exact_value(&mut self) -> Result<EcoString, String> {
        if matches!(self.peek(), "" | ",") {
            return Ok(EcoString::new());
        }
        let value = self.next();
        if !is_word(value) {
            return Err(format!("found '{value}', expected: identifier"));
        }
        check_value(value)?;
        Ok(value.into())
    }

    fn number(&mut self) -> Result<i64, String> {
        let value = self.exact_value()?;
        value.parse().map_err(|_| format!("values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"))
    }

    fn values(&mut self) -> Result<Vec<EcoString>, String> {
        if self.next() != "(" {
            return Err("expected: '('".to_owned());
        }
        let mut values = Vec::new();
        loop {
            match self.next() {
                ")" => {
                    values.push(EcoString::new());
                    break;
                }
                "," => values.push(EcoString::new()),
                word if is_word(word) => {
                    check_value(word)?;
                    values.push(word.into());
                    match self.next() {
                        ")" => break,
                        "," => {}
                        other => return Err(format!("found '{other}', expected: ',' or ')'")),
                    }
                }
                other => return Err(format!("found '{other}', expected: ',', ')' or identifier")),
            }
        }
        Ok(values)
    }
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.starts_with(|c| "=!(),<>".contains(c))
}

/// Letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit, at most 63.
fn is_name(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let ends =
        text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric()) && text.bytes().last().is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63 && ends && text.bytes().all(inner)
}

fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let domain = |text: &str| {
        let part = |part: &str| is_name(part) && !part.contains('_') && !part.bytes().any(|c| c.is_ascii_uppercase());
        !text.is_empty() && text.len() <= 253 && text.split('.').all(part)
    };
    if is_name(name) && prefix.is_none_or(domain) {
        Ok(())
    } else {
        Err(format!("key: Invalid value: {key:?}: name part must consist of alphanumeric characters, '-', '_' or '.'"))
    }
}

fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() || is_name(value) {
        Ok(())
    } else {
        Err(format!("values[0]: Invalid value: {value:?}: a valid label must be an empty string or consist of alphanumeric characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::Requirements;
    use crate::kustomization::Texts;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels: Texts = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Requirements::parse(selector).expect(selector).matches(&labels)
    }

    #[test]
    fn expressions() {
        assert!(matches("", &[]));
        assert!(matches("a=b", &[("a", "b")]));
        assert!(!matches("a=b,c", &[("a", "b")]));
        assert!(matches("a in (x, b),!c", &[("a", "b")]));
        assert!(matches("a notin (x)", &[]));
        assert!(matches("a != b", &[]));
        assert!(matches("n>1", &[("n", "2")]));
        assert!(matches("a=", &[("a", "")]));
    }

    #[test]
    fn refused() {
        for selector in ["a=b=c", "a in b", ",", "a,", "a b", "a in (x", "=", "a=b c"] {
            assert!(Requirements::parse(selector).is_err(), "{selector}");
        }
    }
}
