//! The formats of files, and where each of them keeps the metadata.

mod dotenv;
mod flat;
mod ini;
mod json;
mod yaml;

use std::fmt;

use crate::Error;
use crate::metadata::{Metadata, SOPS};
use crate::tree::{Branch, Entry, Value};

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML, of one or more documents.
    Yaml,
    /// JSON.
    Json,
    /// Lines of `KEY=value`.
    Dotenv,
    /// Sections of `key = value`.
    Ini,
    /// Anything else, encrypted as a whole.
    Binary,
}

/// What begins the keys of the metadata in dotenv files.
const PREFIX: &str = "sops_";

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Dotenv => "dotenv file",
            Self::Ini => "INI file",
            Self::Binary => "binary file",
        })
    }
}

impl Format {
    /// The format that SOPS takes a file of this name for.
    ///
    /// ```
    /// assert_eq!(hydrate_sops::Format::of_path("a/b.env"), hydrate_sops::Format::Dotenv);
    /// assert_eq!(hydrate_sops::Format::of_path("a/b.pem"), hydrate_sops::Format::Binary);
    /// ```
    pub fn of_path(path: &str) -> Self {
        match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "env" => Self::Dotenv,
            "ini" => Self::Ini,
            _ => Self::Binary,
        }
    }

    /// The format that SOPS' `--input-type` calls so.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "dotenv" => Self::Dotenv,
            "ini" => Self::Ini,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    /// The documents of a plain text.
    pub(crate) fn read(self, text: &[u8]) -> Result<Vec<Branch>, Error> {
        let unreadable = |why: String| Error::Unreadable { format: self, why };
        match self {
            Self::Yaml => yaml::read(text).map_err(unreadable),
            Self::Json => Ok(vec![json::read(text).map_err(unreadable)?]),
            Self::Dotenv => Ok(vec![dotenv::read(text).map_err(unreadable)?]),
            Self::Ini => Ok(vec![ini::read(text).map_err(unreadable)?]),
            Self::Binary => Ok(vec![Branch(vec![Entry::Value("data".to_owned(), Value::text(text))])]),
        }
    }

    /// The text of documents.
    pub(crate) fn write(self, branches: &[Branch]) -> Result<Vec<u8>, Error> {
        let unfit = |what: String| Error::Unfit { format: self, what };
        let first = branches.first();
        match self {
            Self::Yaml => yaml::write(branches).map_err(unfit),
            Self::Json => json::write(first.unwrap_or(&Branch::default())).map_err(unfit),
            Self::Dotenv => dotenv::write(first.unwrap_or(&Branch::default())).map_err(unfit),
            Self::Ini => ini::write(first.unwrap_or(&Branch::default())).map_err(unfit),
            Self::Binary => match first.and_then(|branch| branch.get("data")) {
                Some(Value::Text(bytes)) => Ok(bytes.to_vec()),
                _ => Err(Error::Unreadable { format: self, why: "it has no text at `data`".to_owned() }),
            },
        }
    }

    /// The documents of an encrypted text, and its metadata.
    pub(crate) fn read_encrypted(self, text: &[u8]) -> Result<(Vec<Branch>, Metadata), Error> {
        let mut branches = if self == Self::Binary { Self::Json.read(text)? } else { self.read(text)? };
        let of_first = match self {
            Self::Dotenv => {
                let first = branches.first_mut().map(|branch| branch.take(|key| key.starts_with(PREFIX))).unwrap_or_default();
                let entry = |(key, value): (String, Value)| Entry::Value(key.replacen(PREFIX, "", 1), value);
                (!first.is_empty()).then(|| Branch(first.into_iter().map(entry).collect()))
            }
            _ => {
                let mut found = branches.iter_mut().map(|branch| branch.take(|key| key == SOPS)).collect::<Vec<_>>().into_iter();
                match found.next().unwrap_or_default().pop() {
                    None => None,
                    Some((_, Value::Map(metadata))) => Some(metadata),
                    Some(_) => return Err(Error::Metadata("`sops` is no map".to_owned())),
                }
            }
        };
        let metadata = of_first.ok_or(Error::NotEncrypted)?;
        let metadata = match self {
            Self::Dotenv => flat::unflatten(metadata, false)?,
            Self::Ini => flat::unflatten(metadata, true)?,
            _ => metadata,
        };
        Ok((branches, Metadata::parse(&metadata)?))
    }

    /// The text of encrypted documents with their metadata, which every one of them gets.
    pub(crate) fn write_encrypted(self, branches: &mut [Branch], metadata: &Metadata) -> Result<Vec<u8>, Error> {
        for branch in branches.iter_mut() {
            match self {
                Self::Dotenv => {
                    let flat = flat::flatten(&metadata.branch(), false).into_iter();
                    branch.0.extend(flat.map(|(key, value)| Entry::Value(format!("{PREFIX}{key}"), value)));
                }
                Self::Ini => {
                    let flat = flat::flatten(&metadata.branch(), true).into_iter().map(|(key, value)| Entry::Value(key, value));
                    branch.0.push(Entry::Value(SOPS.to_owned(), Value::Map(Branch(flat.collect()))));
                }
                _ => branch.0.push(Entry::Value(SOPS.to_owned(), Value::Map(metadata.branch()))),
            }
        }
        if self == Self::Binary { Self::Json.write(branches) } else { self.write(branches) }
    }
}
