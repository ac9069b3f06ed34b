//! References to secrets: `ref+scheme://…` and `secretref+…`, as `vals` knows them.

use std::sync::Arc;

use hydrate_gotmpl::{List, Map, Value};

/// Resolves references to secrets.
pub trait SecretResolver: Send + Sync {
    /// What a reference stands for.
    ///
    /// # Errors
    /// Why it cannot be had; no part of a secret.
    fn resolve(&self, reference: &str) -> Result<String, String>;

    /// The text of an encrypted file, decrypted.
    ///
    /// # Errors
    /// Why it cannot be decrypted; no part of a secret.
    fn decrypt(&self, path: &std::path::Path, text: &[u8]) -> Result<Vec<u8>, String>;
}

/// What becomes of references to secrets.
#[derive(Clone, Default)]
pub(crate) struct Secrets(pub Option<Arc<dyn SecretResolver>>);

/// What references begin with.
const PREFIXES: [&str; 2] = ["secretref+", "ref+"];

impl Secrets {
    /// A text; where it is a reference and references are resolved, what it stands for.
    pub(crate) fn text(&self, text: &str) -> Result<String, String> {
        let Some(resolver) = &self.0 else { return Ok(text.to_owned()) };
        if !PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Ok(text.to_owned());
        }
        resolver.resolve(text)
    }

    /// A value with what the references in it stand for.
    pub(crate) fn value(&self, value: &Value) -> Result<Value, String> {
        if self.0.is_none() {
            return Ok(value.clone());
        }
        Ok(match value {
            Value::Str(text) => match text.to_str() {
                Some(text) => Value::str(self.text(text)?),
                None => value.clone(),
            },
            Value::List(list) => Value::List(List::new(list.items().iter().map(|item| self.value(item)).collect::<Result<_, _>>()?)),
            Value::Map(map) => {
                let entries: Result<Vec<_>, String> =
                    map.entries().iter().map(|(key, value)| Ok((key.clone(), self.value(value)?))).collect();
                Value::Map(Map::from_entries(entries?))
            }
            other => other.clone(),
        })
    }
}

/// Whether a text holds a reference.
pub(crate) fn has_reference(text: &[u8]) -> bool {
    text.windows(4).any(|window| window == b"ref+")
}
