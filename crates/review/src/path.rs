//! Where in an object a value is.

use std::fmt;

use ecow::EcoString;
use serde_json::{Value as Json, json};

/// One step from a value into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A key of a mapping.
    Key(EcoString),
    /// The item of a list that has these values at these keys.
    Item(Vec<(EcoString, EcoString)>),
    /// The item of a list at a place, counted from 0: on the side that has it, the new one where both have.
    Index(usize),
    /// The item of a set.
    Member(EcoString),
    /// Into a text that is a document of its own: `json`, `yaml`, `toml`, `properties`.
    Inside(&'static str),
}

/// From an object to a value in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// Whether it leads through these keys of mappings at its beginning.
    pub fn starts_with(&self, keys: &[&str]) -> bool {
        self.0.len() >= keys.len() && self.0.iter().zip(keys).all(|(step, key)| matches!(step, Step::Key(found) if found == key))
    }

    /// Whether it is this: keys, and `*` for an item of a list.
    pub fn is(&self, pattern: &[&str]) -> bool {
        self.0.len() == pattern.len() && self.begins(pattern)
    }

    /// Whether it begins so: keys, and `*` for an item of a list.
    pub fn begins(&self, pattern: &[&str]) -> bool {
        let fits = |(step, wanted): (&Step, &&str)| match step {
            Step::Key(key) => key == wanted,
            Step::Inside(_) => false,
            _ => *wanted == "*",
        };
        self.0.len() >= pattern.len() && self.0.iter().zip(pattern).all(fits)
    }

    /// The last key.
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Key(key) => Some(key),
            _ => None,
        }
    }

    /// As an array: keys are texts, places are numbers, items are `{"key": {…}}`, members of sets `{"member": …}`, texts that are documents `{"inside": …}`.
    pub fn json(&self) -> Json {
        let step = |step: &Step| match step {
            Step::Key(key) => json!(key.as_str()),
            Step::Index(at) => json!(at),
            Step::Member(text) => json!({"member": text.as_str()}),
            Step::Inside(kind) => json!({"inside": kind}),
            Step::Item(keys) => {
                let keys: serde_json::Map<String, Json> =
                    keys.iter().map(|(key, value)| (key.to_string(), json!(value.as_str()))).collect();
                json!({"key": keys})
            }
        };
        self.0.iter().map(step).collect()
    }
}

/// `spec.containers[web].env[A].value`, `data[app.yaml] » server.port`
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_first = true;
        for step in &self.0 {
            match step {
                Step::Key(key) if is_bare(key) => {
                    let dot = if is_first { "" } else { "." };
                    write!(f, "{dot}{key}")?;
                }
                Step::Key(key) => write!(f, "[{key}]")?,
                Step::Index(at) => write!(f, "[{at}]")?,
                Step::Member(text) => write!(f, "[{text}]")?,
                Step::Item(keys) => {
                    let values: Vec<&str> = keys.iter().map(|(_, value)| value.as_str()).collect();
                    write!(f, "[{}]", values.join("/"))?;
                }
                Step::Inside(_) => f.write_str(" » ")?,
            }
            is_first = matches!(step, Step::Inside(_));
        }
        Ok(())
    }
}

/// Whether a key needs no brackets.
fn is_bare(key: &str) -> bool {
    !key.is_empty() && !key.contains(|c: char| matches!(c, '.' | '/' | '[' | ']' | ' ') || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_people_write_them() {
        let key = |text: &str| Step::Key(text.into());
        let port = Step::Item(vec![("port".into(), "80".into()), ("protocol".into(), "TCP".into())]);
        let path = Path(vec![key("data"), key("app.yaml"), Step::Inside("yaml"), key("server"), port, key("a"), Step::Index(2)]);
        assert_eq!(path.to_string(), "data[app.yaml] » server[80/TCP].a[2]");
        assert_eq!(
            path.json().to_string(),
            r#"["data","app.yaml",{"inside":"yaml"},"server",{"key":{"port":"80","protocol":"TCP"}},"a",2]"#
        );
        assert!(path.starts_with(&["data"]) && !path.begins(&["data", "app.yaml", "*"]));
        assert!(Path(path.0[3..].to_vec()).is(&["server", "*", "a", "*"]));
    }
}
