//! Configuration as values: kustomization files, plugin configurations, field specifications, replacement files.
//!
//! kustomize reads them through `sigs.k8s.io/yaml`, that is YAML 1.1 to JSON to Go structs: field names in any case, `null` for
//! nothing, the last of repeated keys, and texts required to be texts, except where the target's type bends them (`Loose`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;

use super::errors::{Fail, KResult};
use super::scalar::{self, Scalar};
use hydrate_base::{SourceFile, place};
use hydrate_yaml::node::{Data, Node};

/// How strict a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `kustomization.yaml`: unknown fields are errors, numbers are no texts.
    Kustomization,
    /// Field specifications: unknown fields are errors, numbers become texts.
    Strict,
    /// Plugins and replacements: unknown fields are ignored, numbers become texts.
    Loose,
}

/// A value of a configuration file, with where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conf<'a> {
    /// The value.
    pub node: &'a Node,
    /// The file it is in.
    pub file: &'a Arc<SourceFile>,
    /// How strict it is read.
    pub mode: Mode,
    /// The Go type and fields that lead here, as error messages name them.
    path: &'a str,
}

/// What can be read from a configuration value.
pub(crate) trait Decode: Sized {
    /// Reads the value; `null` has been dealt with.
    fn decode(conf: Conf<'_>) -> KResult<Self>;
}

/// A mapping with known fields.
pub(crate) trait Record: Default {
    /// The Go type's name, for error messages.
    const NAME: &'static str;

    /// Sets the field of a name; `false` where there is none.
    fn set(&mut self, name: &str, value: Conf<'_>) -> KResult<bool>;
}

/// The bytes of a node in its file, as far as its position tells: the rest of a line from its first character.
pub(crate) fn span(file: &SourceFile, node: &Node) -> Range<usize> {
    let line = file.line_range(node.line.max(1) as usize);
    let end = line.start + file.text.get(line.clone()).unwrap_or_default().trim_ascii_end().len();
    let start = place::byte_at(&file.text, node.line, node.column);
    // A node behind the line's last character is the nothing behind a key: the line shows what is meant.
    (if start < line.end { start } else { line.start }).min(end)..end
}

/// Points an error at a field of a kustomization file, or at one entry of the list in it, unless a place further in is known.
/// The file is read again for that, which only those pay for who made a mistake.
pub(crate) fn spot(error: Fail, file: &Arc<SourceFile>, field: &str, entry: Option<usize>) -> Fail {
    error.at(file, place_of(file, field, entry))
}

/// Where a field of a kustomization is, or an entry of the list in it; empty where it is not there.
pub(crate) fn place_of(file: &Arc<SourceFile>, field: &str, entry: Option<usize>) -> std::ops::Range<usize> {
    let root = super::compose::first(&file.text).ok().flatten();
    let value = root.as_ref().and_then(|root| root.get(field));
    let node = entry.and_then(|at| value?.items()?.get(at)).or(value);
    node.map_or(0..0, |node| span(file, node))
}

impl<'a> Conf<'a> {
    /// The root of a file.
    pub(crate) fn new(node: &'a Node, file: &'a Arc<SourceFile>, mode: Mode) -> Self {
        Self { node, file, mode, path: "" }
    }

    /// An error at this value.
    pub(crate) fn fail(&self, text: impl Into<String>) -> Fail {
        Fail::new(text).at(self.file, span(self.file, self.node))
    }

    fn mismatch(&self, wanted: &str) -> Fail {
        let have = match &self.node.data {
            Data::Sequence(_) => "array",
            Data::Mapping(_) => "object",
            _ => match scalar::resolve_v2(self.node) {
                Scalar::Bool(_) => "bool",
                Scalar::Int(_) | Scalar::Float(_) => "number",
                Scalar::Null | Scalar::Str => "string",
            },
        };
        let (place, wanted) = match self.path {
            "" => ("value".to_owned(), wanted.to_owned()),
            path => (format!("struct field {path}"), wanted.to_owned()),
        };
        let prefix = if self.mode == Mode::Kustomization { "" } else { "error unmarshaling JSON: while decoding JSON: " };
        self.fail(format!("{prefix}json: cannot unmarshal {have} into Go {place} of type {wanted}"))
    }

    fn is_null(&self) -> bool {
        matches!(&self.node.data, Data::Scalar(_)) && matches!(scalar::resolve_v2(self.node), Scalar::Null)
    }

    fn entries(&self, wanted: &str) -> KResult<&'a [(Node, Node)]> {
        self.node.entries().ok_or_else(|| self.mismatch(wanted))
    }

    /// The entries in the order of their keys, the last one of each: between YAML and the struct there are Go's maps and JSON.
    fn last_entries(&self, wanted: &str) -> KResult<BTreeMap<EcoString, (&'a Node, &'a Node)>> {
        Ok(self.entries(wanted)?.iter().map(|(key, value)| (scalar::key_text(key), (key, value))).collect())
    }

    /// Reads a record.
    pub(crate) fn record<T: Record>(&self) -> KResult<T> {
        let mut result = T::default();
        let name = if self.mode == Mode::Kustomization { T::NAME } else { "" };
        for (key_text, (key, value)) in self.last_entries(&format!("types.{}", T::NAME))? {
            let path = if self.path.is_empty() { format!("{name}.{key_text}") } else { format!("{}.{key_text}", self.path) };
            let value = Conf { node: value, path: path.trim_start_matches('.'), ..*self };
            if !result.set(&key_text, value)? && self.mode != Mode::Loose {
                let prefix = if self.mode == Mode::Kustomization { "" } else { "error unmarshaling JSON: while decoding JSON: " };
                return Err(Conf { node: key, ..*self }.fail(format!("{prefix}json: unknown field {key_text:?}")));
            }
        }
        Ok(result)
    }

    /// Reads a value; `null` gives the type's default.
    pub(crate) fn value<T: Decode + Default>(self) -> KResult<T> {
        if self.is_null() { Ok(T::default()) } else { T::decode(self) }
    }
}

impl Decode for EcoString {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        let Data::Scalar(text) = &conf.node.data else { return Err(conf.mismatch("string")) };
        match scalar::resolve_v2(conf.node) {
            Scalar::Str => Ok(text.clone()),
            _ if conf.mode == Mode::Kustomization => Err(conf.mismatch("string")),
            Scalar::Bool(value) => Ok(if value { "true".into() } else { "false".into() }),
            Scalar::Int(text) => Ok(text),
            Scalar::Float(value) => Ok(scalar::format_g(value)),
            Scalar::Null => Ok(Self::new()),
        }
    }
}

impl Decode for bool {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        match (&conf.node.data, scalar::resolve_v2(conf.node)) {
            (Data::Scalar(_), Scalar::Bool(value)) => Ok(value),
            _ => Err(conf.mismatch("bool")),
        }
    }
}

impl Decode for i64 {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        let number = match (&conf.node.data, scalar::resolve_v2(conf.node)) {
            (Data::Scalar(_), Scalar::Int(text)) => text.parse().ok(),
            // Through JSON, 2.0 is 2.
            (Data::Scalar(_), Scalar::Float(value)) => scalar::json_number(value).parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| conf.mismatch("int64"))
    }
}

impl<T: Decode + Default> Decode for Vec<T> {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        let items = conf.node.items().ok_or_else(|| conf.mismatch("[]string"))?;
        items.iter().map(|node| Conf { node, ..conf }.value()).collect()
    }
}

impl<T: Decode + Default> Decode for Option<T> {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        conf.value().map(Some)
    }
}

impl<T: Decode + Default> Decode for Box<T> {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        conf.value().map(Box::new)
    }
}

impl Decode for BTreeMap<EcoString, EcoString> {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        let entries = conf.last_entries("map[string]string")?;
        entries.into_iter().map(|(key, (_, node))| Ok((key, Conf { node, ..conf }.value()?))).collect()
    }
}

/// Any value, kept as it is.
impl Decode for Node {
    fn decode(conf: Conf<'_>) -> KResult<Self> {
        Ok(conf.node.clone())
    }
}

/// Declares a record: a struct, its fields with their names in files, and records whose fields appear as its own.
macro_rules! record {
    ($(#[$meta:meta])* $visibility:vis $name:ident { $($(#[$field_meta:meta])* $json:literal $field:ident: $type:ty,)* $(..$inline:ident: $inline_type:ty, $inline_doc:literal)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default)]
        $visibility struct $name {
            $($(#[$field_meta])* #[doc = concat!("`", $json, "`")] pub $field: $type,)*
            $(#[doc = $inline_doc] pub $inline: $inline_type,)?
        }

        impl $crate::decode::Record for $name {
            const NAME: &'static str = stringify!($name);

            fn set(&mut self, name: &str, value: $crate::decode::Conf<'_>) -> $crate::errors::KResult<bool> {
                $(if name.eq_ignore_ascii_case($json) {
                    if let Some(decoded) = value.optional()? {
                        self.$field = decoded;
                    }
                    return Ok(true);
                })*
                $(if $crate::decode::Record::set(&mut self.$inline, name, value)? { return Ok(true); })?
                let _ = value;
                Ok(false)
            }
        }

        impl $crate::decode::Decode for $name {
            fn decode(conf: $crate::decode::Conf<'_>) -> $crate::errors::KResult<Self> {
                conf.record()
            }
        }
    };
}

pub(super) use record;

impl Conf<'_> {
    /// Reads a value; `None` for `null`, which leaves what is there.
    pub(crate) fn optional<T: Decode>(self) -> KResult<Option<T>> {
        if self.is_null() { Ok(None) } else { T::decode(self).map(Some) }
    }
}
