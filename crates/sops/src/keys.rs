//! Identities and recipients of age, and the data key encrypted for one.

use std::fmt;
use std::io::{Read, Write};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret;
use zeroize::Zeroizing;

use crate::Error;
use crate::cipher::DataKey;

/// No data key is longer than this, encrypted.
const LONGEST: u64 = 1024;

/// The private keys that files are decrypted with.
///
/// Where they come from is for the caller to know: see [`Identities::add_keys`]. They are never printed.
///
/// ```
/// let mut identities = hydrate_sops::Identities::default();
/// identities.add_keys("# created: today\nAGE-SECRET-KEY-1EXAMPLE\n", false).unwrap_err();
/// assert!(identities.is_empty());
/// assert_eq!(format!("{identities:?}"), "Identities(0)");
/// ```
#[derive(Default)]
pub struct Identities {
    all: Vec<Box<dyn age::Identity + Send + Sync>>,
    recipients: Vec<String>,
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.all.len())
    }
}

impl Identities {
    /// Adds the keys of a text as `age-keygen` writes it: one on a line, beside comments. In what the variable
    /// `SOPS_AGE_KEY` holds there may be `several_on_a_line`.
    ///
    /// # Errors
    /// For anything that is no key, and for keys that need another program or a passphrase; none is added then.
    pub fn add_keys(&mut self, text: &str, several_on_a_line: bool) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::Identity(what.to_owned()));
        if text.starts_with("age-encryption") || text.starts_with("-----BEGIN AGE") {
            return refuse("the keys are encrypted with a passphrase, which nobody can be asked for here: decrypt them first");
        }
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = if several_on_a_line { line.split_ascii_whitespace().collect() } else { vec![line] };
            for word in words {
                found.push(identity(word).map_err(|what| Error::Identity(format!("line {}: {what}", number + 1)))?);
            }
        }
        for identity in found {
            self.recipients.push(identity.to_public().to_string());
            self.all.push(Box::new(identity));
        }
        Ok(())
    }

    /// Adds a private key of SSH (Ed25519 or RSA) in PEM.
    ///
    /// # Errors
    /// For keys with a passphrase, on hardware, and of other types.
    pub fn add_ssh(&mut self, pem: &[u8]) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::Identity(what.to_owned()));
        match age::ssh::Identity::from_buffer(pem, None) {
            Ok(key @ age::ssh::Identity::Unencrypted(_)) => {
                self.recipients.extend(age::ssh::Recipient::try_from(key.clone()).ok().map(|recipient| recipient.to_string()));
                self.all.push(Box::new(key));
                Ok(())
            }
            Ok(age::ssh::Identity::Encrypted(_)) => refuse("the SSH key has a passphrase, which nobody can be asked for here"),
            Ok(age::ssh::Identity::Unsupported(_)) => refuse("the SSH key is of a type that age does not know: Ed25519 and RSA are"),
            Err(_) => refuse("it is no private key of SSH"),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a recipient is that of one of the identities.
    pub fn is_of(&self, recipient: &str) -> bool {
        let key = |recipient: &str| recipient.split_ascii_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
        self.recipients.iter().any(|own| key(own) == key(recipient))
    }

    /// Decrypts a file of age itself; `None` where no identity fits.
    pub(crate) fn open_file(&self, text: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let unreadable = |error: &dyn fmt::Display| Error::Age(error.to_string());
        let decryptor = age::Decryptor::new(ArmoredReader::new(text)).map_err(|error| unreadable(&error))?;
        let identities = self.all.iter().map(|identity| &**identity as &dyn age::Identity);
        let mut reader = match decryptor.decrypt(identities) {
            Ok(reader) => reader,
            Err(age::DecryptError::NoMatchingKeys) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
        Ok(Some(bytes))
    }

    /// Decrypts a data key; `None` where no identity fits.
    pub(crate) fn open(&self, recipient: &str, sealed: &str) -> Result<Option<DataKey>, Error> {
        let Ok(decryptor) = age::Decryptor::new(ArmoredReader::new(sealed.as_bytes())) else { return Ok(None) };
        let identities = self.all.iter().map(|identity| &**identity as &dyn age::Identity);
        let Ok(reader) = decryptor.decrypt(identities) else { return Ok(None) };
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        let wrong = || Error::DataKey(recipient.to_owned());
        reader.take(LONGEST).read_to_end(&mut bytes).map_err(|_| wrong())?;
        DataKey::from_bytes(&bytes).map(Some).ok_or_else(wrong)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

fn identity(word: &str) -> Result<age::x25519::Identity, &'static str> {
    if word.starts_with("AGE-PLUGIN-") {
        return Err("the key is held by a plugin of age, which is another program: it is not started");
    }
    if word.starts_with("AGE-SECRET-KEY-PQ-1") {
        return Err("the key is a hybrid one (post-quantum), which is not known here");
    }
    word.parse().map_err(|_| "it is no key of age (`AGE-SECRET-KEY-1…`)")
}

/// Whether a text is a recipient that files can be encrypted for.
///
/// # Errors
/// What is wrong with it.
///
/// ```
/// assert!(hydrate_sops::check_recipient("age1nobody").is_err());
/// ```
pub fn check_recipient(recipient: &str) -> Result<(), Error> {
    parse(recipient).map(drop)
}

fn parse(recipient: &str) -> Result<Box<dyn age::Recipient>, Error> {
    let refuse = |why: &str| Err(Error::Recipient { recipient: shortened(recipient), why: why.to_owned() });
    match recipient {
        _ if recipient.starts_with("AGE-SECRET-KEY") || recipient.contains("PRIVATE KEY") => {
            Err(Error::Recipient { recipient: "AGE-SECRET-KEY…".to_owned(), why: "it is a private key, not the public one".to_owned() })
        }
        _ if recipient.starts_with("age1pq1") => refuse("hybrid keys (post-quantum) are not known here"),
        _ if recipient.starts_with("age1")
            && recipient.matches('1').count() > 1
            && recipient.parse::<age::x25519::Recipient>().is_err() =>
        {
            refuse("a plugin of age would be needed, or it is misspelt")
        }
        _ if recipient.starts_with("age1") => match recipient.parse::<age::x25519::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(_) => refuse("it is misspelt: the checksum in it does not fit"),
        },
        _ if recipient.starts_with("ssh-") => match recipient.parse::<age::ssh::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(_) => refuse("the public key of SSH cannot be read: Ed25519 and RSA are known"),
        },
        _ => refuse("it begins neither with `age1` nor with `ssh-`"),
    }
}

/// What was given for a recipient may be anything.
fn shortened(recipient: &str) -> String {
    const SHOWN: usize = 80;
    let text: String = recipient.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.len() < recipient.len() { text + "…" } else { text }
}

/// Encrypts a data key for a recipient, in armour.
pub(crate) fn seal(key: &DataKey, recipient: &str) -> Result<String, Error> {
    let parsed = parse(recipient)?;
    let armoured = || -> Option<Vec<u8>> {
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&*parsed)).ok()?;
        let writer = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).ok()?;
        let mut writer = encryptor.wrap_output(writer).ok()?;
        writer.write_all(key.as_bytes()).ok()?;
        writer.finish().and_then(ArmoredWriter::finish).ok()
    };
    let text = armoured().and_then(|text| String::from_utf8(text).ok());
    text.ok_or_else(|| Error::Recipient { recipient: shortened(recipient), why: "nothing can be encrypted for it".to_owned() })
}

/// A new key pair: the private key, and the recipient that belongs to it. For tests and tools.
///
/// ```
/// let (key, recipient) = hydrate_sops::new_key();
/// assert!(recipient.starts_with("age1") && key.starts_with("AGE-SECRET-KEY-1"));
/// ```
pub fn new_key() -> (Zeroizing<String>, String) {
    let identity = age::x25519::Identity::generate();
    (Zeroizing::new(identity.to_string().expose_secret().to_owned()), identity.to_public().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_key_is_for_its_recipients() {
        let (key, recipient) = new_key();
        let data = DataKey::new().unwrap();
        let sealed = seal(&data, &recipient).unwrap();
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && sealed.ends_with("-----END AGE ENCRYPTED FILE-----\n"));
        let mut identities = Identities::default();
        assert!(identities.open(&recipient, &sealed).unwrap().is_none());
        let (other, of_other) = new_key();
        identities.add_keys(&format!("# a comment\n\n{}\n", *other), false).unwrap();
        assert!(identities.open(&recipient, &sealed).unwrap().is_none());
        assert!(identities.is_of(&of_other) && !identities.is_of(&recipient));
        identities.add_keys(&format!("{} {}", *other, *key), true).unwrap();
        assert_eq!(identities.open(&recipient, &sealed).unwrap().unwrap().as_bytes(), data.as_bytes());
    }

    #[test]
    fn nothing_of_a_key_is_told() {
        let (key, _) = new_key();
        let mut identities = Identities::default();
        let broken = key.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-2");
        let error = identities.add_keys(&format!("\n{broken}"), false).unwrap_err();
        assert_eq!(error.to_string(), "line 2: it is no key of age (`AGE-SECRET-KEY-1…`)");
        identities.add_keys(&key, false).unwrap();
        assert_eq!(format!("{identities:?}"), "Identities(1)");
        let error = check_recipient(&key).unwrap_err();
        assert_eq!(error.to_string(), "`AGE-SECRET-KEY…` is no recipient of age: it is a private key, not the public one");
        for text in ["age-encryption.org/v1\n", "-----BEGIN AGE ENCRYPTED FILE-----", "AGE-PLUGIN-YUBIKEY-1AAA", "AGE-SECRET-KEY-PQ-1AAA"] {
            assert!(identities.add_keys(text, false).is_err());
        }
    }

    #[test]
    fn recipients_are_checked() {
        let (_, recipient) = new_key();
        check_recipient(&recipient).unwrap();
        for wrong in ["", "age1", "age1pq1xyz", "age1yubikey1qq", "ssh-dss AAAA", "user@example.org", &recipient[..20]] {
            assert!(check_recipient(wrong).is_err(), "{wrong}");
        }
    }
}
