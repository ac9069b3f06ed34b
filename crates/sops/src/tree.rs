//! A file of SOPS between its text and its ciphertexts: maps and lists in their order, with their comments.

use zeroize::Zeroizing;

/// The bytes of a text, cleared when they are let go of.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// One document. What it holds is secret, so it cannot be printed.
#[derive(Clone, PartialEq, Default)]
pub(crate) struct Branch(pub(crate) Vec<Entry>);

/// An entry of a map.
#[derive(Clone, PartialEq)]
pub(crate) enum Entry {
    /// A comment above the next entry, or behind its value.
    Comment(Comment),
    /// A key with its value.
    Value(String, Value),
}

/// An item of a list.
#[derive(Clone, PartialEq)]
pub(crate) enum Item {
    /// A comment above the next item, or behind it.
    Comment(Comment),
    /// A value.
    Value(Value),
}

/// A comment without what marks it.
#[derive(Clone)]
pub(crate) struct Comment {
    pub(crate) text: Bytes,
    /// Whether it stands behind a value.
    pub(crate) is_inline: bool,
}

impl PartialEq for Comment {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A value, as Go has it.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Mostly UTF-8.
    Text(Bytes),
    /// A time as `time.Time` is marshalled.
    Time(String),
    List(Vec<Item>),
    Map(Branch),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Time(a), Self::Time(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    pub(crate) fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    fn move_comments_above(&mut self) {
        match self {
            Self::Map(branch) => branch.move_comments_above(),
            Self::List(items) => items.iter_mut().for_each(|item| match item {
                Item::Comment(comment) => comment.is_inline = false,
                Item::Value(value) => value.move_comments_above(),
            }),
            _ => {}
        }
    }

    /// The text, where it is one in UTF-8.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

impl Branch {
    /// The entries that are no comments.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter_map(|entry| match entry {
            Entry::Value(key, value) => Some((key.as_str(), value)),
            Entry::Comment(_) => None,
        })
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.values().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// Puts what stands behind a value above it.
    pub(crate) fn move_comments_above(&mut self) {
        for entry in &mut self.0 {
            match entry {
                Entry::Comment(comment) => comment.is_inline = false,
                Entry::Value(_, value) => value.move_comments_above(),
            }
        }
    }

    /// Takes the values of the keys out that are wanted, in their order.
    pub(crate) fn take(&mut self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, Value)> {
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|entry| match entry {
            Entry::Value(key, _) => is_wanted(key),
            Entry::Comment(_) => false,
        });
        self.0 = left;
        let taken: Vec<Entry> = taken;
        let value = |entry: Entry| match entry {
            Entry::Value(key, value) => Some((key, value)),
            Entry::Comment(_) => None,
        };
        taken.into_iter().filter_map(value).collect()
    }
}
