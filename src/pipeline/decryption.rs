//! What of a component's inputs is encrypted: decrypted with the keys of the user, wherever those are.
//!
//! With `secrets: sops` Secrets are encrypted on the way out, so what is encrypted on the way in may be in them. Where a key is missing, values stay the
//! references that stand for them, and what the tree has is taken as long as it was made from the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hydrate_base::hash::sha256;
use hydrate_helmfile::SecretResolver;
use hydrate_sops::{Error, Format, decrypt_age};
use serde::{Deserialize, Serialize};

use super::age_keys::UserKeys;

/// The format of files that are encrypted with age itself.
const AGE: &str = "age";

/// What came of decrypting a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Decryption {
    /// Its text.
    Text(Vec<u8>),
    /// None of the keys at hand fits, in a sentence.
    NoKey(String),
    /// It cannot be decrypted, in a sentence.
    Failed(String),
}

/// Decrypts with the keys of the user: those of this process, or of the one that has them.
pub(super) trait Decrypter: Send + Sync {
    /// Decrypts the text of a file in one of the formats of SOPS, or in that of age.
    fn decrypt(&self, format: &str, text: &[u8]) -> Decryption;
}

impl Decrypter for UserKeys {
    fn decrypt(&self, format: &str, text: &[u8]) -> Decryption {
        let decrypted = match (format, Format::of_name(format)) {
            (AGE, _) => decrypt_age(text, self.identities()),
            (_, Some(format)) => hydrate_sops::decrypt(text, format, self.identities()),
            (_, None) => return Decryption::Failed(format!("SOPS has no format {format}")),
        };
        match decrypted {
            Ok(text) => Decryption::Text(text),
            Err(why @ (Error::NoIdentity { .. } | Error::NoIdentityOfAge(_))) => {
                let problems: String = self.problems().iter().map(|problem| format!("; {problem}")).collect();
                Decryption::NoKey(format!("{why}{problems}"))
            }
            Err(why) => Decryption::Failed(why.to_string()),
        }
    }
}

/// What a component needs where Secrets are encrypted on the way out.
pub(super) struct Encrypted {
    /// What of it is encrypted in the tree and can be decrypted, by the names of the files.
    pub(super) opened: BTreeMap<String, String>,
    /// Decrypts what is encrypted of its inputs.
    pub(super) keys: Arc<dyn Decrypter>,
}

/// The encrypted inputs of one component, each of which is decrypted once.
pub(super) struct Inputs {
    keys: Arc<dyn Decrypter>,
    files: Mutex<BTreeMap<String, Option<Decryption>>>,
    undecrypted: Mutex<BTreeSet<String>>,
}

impl Inputs {
    pub(super) fn new(keys: Arc<dyn Decrypter>) -> Self {
        Self { keys, files: Mutex::default(), undecrypted: Mutex::default() }
    }

    /// The digests of the files that hold secrets, as they lie in the repository.
    pub(super) fn digests(&self) -> Vec<String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.keys().map(|name| name.split(' ').next_back().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Why files stayed encrypted for which there is no key, a sentence each.
    pub(super) fn undecrypted(&self) -> Vec<String> {
        self.undecrypted.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn decryption(&self, format: &str, text: &[u8]) -> Decryption {
        let name = format!("{format} {}", sha256(text));
        let known = self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned().flatten();
        known.unwrap_or_else(|| {
            let decryption = self.keys.decrypt(format, text);
            self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Some(decryption.clone()));
            decryption
        })
    }
}

impl SecretResolver for Inputs {
    fn resolve(&self, _: &Path, reference: &str) -> Result<String, String> {
        let scheme = reference.split_once("://").map_or(reference, |(scheme, _)| scheme);
        Err(format!(
            "`{scheme}://` is not resolved with `secrets: sops`: what is in the repository is (ref+sops, ref+file, ref+echo); \
             have the secret made in the cluster (an ExternalSecret), or write it into a file of SOPS"
        ))
    }

    fn decrypt(&self, name: &str, format: &str, text: &[u8]) -> Result<Option<Vec<u8>>, String> {
        match self.decryption(format, text) {
            Decryption::Text(text) => Ok(Some(text)),
            Decryption::NoKey(why) => {
                self.undecrypted.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{name} stays encrypted: {why}"));
                Ok(None)
            }
            Decryption::Failed(why) => Err(why),
        }
    }

    fn note(&self, text: &[u8]) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("file {}", sha256(text)), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(Mutex<usize>);

    impl Decrypter for Counting {
        fn decrypt(&self, format: &str, text: &[u8]) -> Decryption {
            *self.0.lock().unwrap() += 1;
            match text {
                b"none" => Decryption::NoKey("nobody".to_owned()),
                b"broken" => Decryption::Failed("broken".to_owned()),
                text => Decryption::Text([format.as_bytes(), text].concat()),
            }
        }
    }

    #[test]
    fn each_file_is_decrypted_once_and_noted() {
        let keys = Arc::new(Counting(Mutex::default()));
        let inputs = Inputs::new(keys.clone());
        for _ in 0..2 {
            assert_eq!(inputs.decrypt("s", "yaml", b"a").unwrap().unwrap(), b"yamla");
            assert_eq!(inputs.decrypt("s", "json", b"a").unwrap().unwrap(), b"jsona");
            assert_eq!(inputs.decrypt("s", "yaml", b"none").unwrap(), None);
            assert_eq!(inputs.decrypt("s", "yaml", b"broken").unwrap_err(), "broken");
            inputs.note(b"plain");
        }
        assert_eq!(*keys.0.lock().unwrap(), 4);
        assert_eq!(inputs.digests().len(), 4);
        assert_eq!(inputs.undecrypted(), ["s stays encrypted: nobody"]);
        assert!(inputs.resolve(Path::new("/"), "ref+vault://a#/b").unwrap_err().starts_with("`ref+vault://` is not resolved"));
    }
}
