//! What a helmfile may say: the keys of each of its structs, in the order in which `helmfile build` prints them.
//!
//! Follows `pkg/state/state.go` and what it embeds, of helmfile 1.7 and 0.166. A key is one line of a table.

mod merge;
mod print;
mod read;
mod tables;

pub(crate) use merge::{Merge, merge};
pub(crate) use print::{Fields, printable};
pub(crate) use read::{read, read_known};
pub(crate) use tables::{HELM_DEFAULTS, RELEASE, STATE};

use std::collections::BTreeSet;

use hydrate_gotmpl::{Map, Value};

use crate::Version;

/// A struct of the helmfile.
pub(crate) struct Struct {
    /// Its Go type, as errors name it.
    pub go: &'static str,
    /// Its keys.
    pub fields: &'static [Field],
}

/// A key of a struct.
pub(crate) struct Field {
    /// The key.
    pub name: &'static str,
    /// What stands there.
    pub kind: FieldKind,
    /// Whether `helmfile build` prints it even where it is empty.
    pub always: bool,
    /// Whether it only concerns what is done to a cluster.
    pub applying: bool,
    first: Version,
    last: Version,
}

/// What stands at a key, by its Go type.
#[derive(Clone, Copy)]
pub(crate) enum FieldKind {
    /// `string`
    Text,
    /// `*string`
    OptionalText,
    /// `bool`
    Flag,
    /// `*bool`
    OptionalFlag,
    /// `int`
    Int,
    /// `*int`
    OptionalInt,
    /// `float32`
    Float,
    /// `*float32`
    OptionalFloat,
    /// `time.Duration`
    Duration,
    /// `[]string`
    Texts,
    /// `[]any`
    Values,
    /// `map[string]string`
    TextMap,
    /// A slice of structs.
    List(&'static Struct),
    /// A map of structs.
    Map(&'static Struct),
    /// A struct.
    Struct(&'static Struct),
    /// A pointer to a struct.
    OptionalStruct(&'static Struct),
    /// The templates of a release: a list, or one.
    Inherits,
    /// A list of texts, or one.
    DefaultInherit,
    /// Nested helmfiles: paths, or structs.
    Helmfiles,
    /// What is read and not used.
    Ignored,
}

const fn field(name: &'static str, kind: FieldKind) -> Field {
    Field { name, kind, always: false, applying: false, first: Version::V0, last: Version::V1 }
}

impl Field {
    /// Printed even where it is empty.
    const fn always(self) -> Self {
        Self { always: true, ..self }
    }

    /// Only concerns what is done to a cluster.
    const fn applying(self) -> Self {
        Self { applying: true, ..self }
    }

    const fn since_v1(self) -> Self {
        Self { first: Version::V1, ..self }
    }

    const fn until_v1(self) -> Self {
        Self { last: Version::V0, ..self }
    }

    /// Whether a release of helmfile knows the key.
    fn is_known(&self, version: Version) -> bool {
        self.first <= version && version <= self.last
    }
}

impl Struct {
    /// The keys of a struct and of those in it that only concern what is done to a cluster.
    pub(crate) fn applying(&self, map: &Map, into: &mut BTreeSet<String>) {
        for field in self.fields {
            match (map.get(field.name.as_bytes()), field.kind) {
                (None, _) => {}
                (Some(_), _) if field.applying => {
                    into.insert(field.name.to_owned());
                }
                (Some(Value::Map(inner)), FieldKind::Struct(of)) => of.applying(&inner, into),
                (Some(Value::List(list)), FieldKind::List(of)) => {
                    list.items()
                        .iter()
                        .filter_map(|item| if let Value::Map(map) = item { Some(map) } else { None })
                        .for_each(|map| of.applying(map, into));
                }
                _ => {}
            }
        }
    }

    fn field(&self, name: &str, version: Version) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name && field.is_known(version))
    }
}
