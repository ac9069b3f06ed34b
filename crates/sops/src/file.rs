//! Whole files.

use std::collections::BTreeSet;

use hydrate_gotmpl::time::check_rfc3339;
use jiff::Timestamp;

use crate::cipher::{Ciphertexts, DataKey, Opened, bytes_of, is_sealed};
use crate::keys::seal;
use crate::metadata::{Metadata, Recipient, SOPS};
use crate::tree::{Branch, Bytes, Comment, Value};
use crate::walk::{Mac, Place, Selector, Visit};
use crate::{Error, Format, Identities, Rule};

/// How a file is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The public keys of those who can decrypt it: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`.
    pub recipients: Vec<String>,
    /// Which values are encrypted.
    pub rule: Rule,
    /// Whether the MAC is over encrypted values alone, so that the others may be edited.
    pub mac_only_encrypted: bool,
}

/// The text of a file, decrypted, in the same format and written as SOPS writes it.
///
/// # Errors
/// Where no identity is that of a recipient, where anything in the file is not as it was encrypted, and for files that are not of SOPS.
pub fn decrypt(text: &[u8], format: Format, identities: &Identities) -> Result<Vec<u8>, Error> {
    let opened = open(text, format, identities)?;
    format.write(&opened.branches)
}

/// Encrypts a text. `now` is the time that is written into the file.
///
/// # Errors
/// For what is not of the format, or encrypted already, and for recipients that cannot be encrypted for.
pub fn encrypt(text: &[u8], format: Format, settings: &Settings, now: Timestamp) -> Result<Vec<u8>, Error> {
    let branches = plain(text, format)?;
    let metadata = Metadata::new(settings, format == Format::Binary && settings.rule == Rule::default());
    let key = DataKey::new()?;
    let age = settings.recipients.iter().map(|recipient| sealed(&key, recipient)).collect::<Result<_, _>>()?;
    write(branches, Metadata { age, ..metadata }, format, &key, &Ciphertexts::default(), now)
}

/// The encrypted file with another text: where a value is the same at the same place, its ciphertext is the one in `old`; where nothing is
/// another one, not a byte is. Without `settings` those of `old` stay. Whoever is no recipient any more cannot decrypt what is written,
/// so everything is encrypted anew then.
///
/// # Errors
/// As [`decrypt`] for `old`, and as [`encrypt`].
pub fn update(
    old: &[u8],
    text: &[u8],
    format: Format,
    settings: Option<&Settings>,
    identities: &Identities,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    let opened = open(old, format, identities)?;
    let branches = plain(text, format)?;
    let Opening { metadata: before, key, ciphertexts, branches: old_branches } = opened;
    let mut metadata = before.clone();
    if let Some(settings) = settings {
        if settings.rule != before.rule {
            metadata = Metadata { rule: settings.rule.clone(), is_implicit: false, ..metadata };
        }
        metadata.mac_only_encrypted = settings.mac_only_encrypted;
        let names = |age: &[Recipient]| age.iter().map(|age| age.recipient.clone()).collect::<Vec<_>>();
        let has_left = names(&before.age).iter().any(|name| !settings.recipients.contains(name)) || !before.services().is_empty();
        if has_left {
            return encrypt(text, format, settings, now);
        }
        // In another order they are the same.
        let is_new = |name: &&String| !before.age.iter().any(|age| age.recipient == **name);
        let new: Result<Vec<Recipient>, Error> = settings.recipients.iter().filter(is_new).map(|name| sealed(&key, name)).collect();
        metadata.age.extend(new?);
    }
    let has_same_settings =
        metadata.age == before.age && metadata.rule == before.rule && metadata.mac_only_encrypted == before.mac_only_encrypted;
    if has_same_settings && are_same(branches.clone(), old_branches, format)? {
        return Ok(old.to_vec());
    }
    write(branches, metadata, format, &key, &ciphertexts, now)
}

/// Whether a text has metadata of SOPS, of whatever recipients.
pub fn is_encrypted(text: &[u8], format: Format) -> bool {
    format.read_encrypted(text).is_ok()
}

/// The recipients of age of an encrypted file, which need no key to be read.
///
/// # Errors
/// Where there is no metadata of SOPS, or it cannot be read.
pub fn recipients(text: &[u8], format: Format) -> Result<Vec<String>, Error> {
    let (_, metadata) = format.read_encrypted(text)?;
    Ok(metadata.age.into_iter().map(|age| age.recipient).collect())
}

/// Whether an encrypted file says the same as a text as far as that can be seen without a key: the same keys in the same order, the same values where
/// they are not encrypted, and an encrypted value wherever one has to be. The rule, the recipients and what the MAC is over have to be those of the settings.
///
/// # Errors
/// For what cannot be read.
pub fn has_same_plain_parts(encrypted: &[u8], text: &[u8], format: Format, settings: &Settings) -> Result<bool, Error> {
    let (mut encrypted, metadata) = format.read_encrypted(encrypted)?;
    let mut branches = plain(text, format)?;
    let selector = Selector::new(&metadata.rule)?;
    for (branch, fits) in encrypted.iter_mut().map(|branch| (branch, true)).chain(branches.iter_mut().map(|branch| (branch, false))) {
        selector.visit(branch, &mut Blank { has_to_be_sealed: fits })?;
    }
    let recipients: BTreeSet<&String> = metadata.age.iter().map(|age| &age.recipient).collect();
    let has_same_settings = metadata.rule == settings.rule
        && metadata.mac_only_encrypted == settings.mac_only_encrypted
        && metadata.services().is_empty()
        && recipients == settings.recipients.iter().collect();
    Ok(has_same_settings && are_same(encrypted, branches, format)?)
}

/// Whether documents are written alike, wherever their comments stand. What is not written is not compared: `2.0` is `2`.
fn are_same(mut ours: Vec<Branch>, mut theirs: Vec<Branch>, format: Format) -> Result<bool, Error> {
    ours.iter_mut().chain(&mut theirs).for_each(Branch::move_comments_above);
    Ok(format.write(&ours)? == format.write(&theirs)?)
}

/// A text with something else in the place of every value and comment that a rule encrypts: what may be kept where no secret may be.
/// [`has_same_plain_parts`] says of it what it says of the text.
///
/// # Errors
/// For what is not of the format.
pub fn redact(text: &[u8], format: Format, rule: &Rule) -> Result<Vec<u8>, Error> {
    let mut branches = plain(text, format)?;
    let selector = Selector::new(rule)?;
    branches.iter_mut().try_for_each(|branch| selector.visit(branch, &mut Redact))?;
    format.write(&branches)
}

/// What stands where a secret was.
const REDACTED: &str = "redacted";

struct Redact;

impl Visit for Redact {
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), Error> {
        if place.is_encrypted && !matches!(value, Value::Text(text) if text.is_empty()) {
            *value = Value::text(REDACTED);
        }
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Error> {
        if place.is_encrypted {
            comment.text = REDACTED.as_bytes().to_vec().into();
        }
        Ok(())
    }
}

/// Puts the same in the place of everything that is, or has to be, encrypted.
struct Blank {
    has_to_be_sealed: bool,
}

impl Visit for Blank {
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), Error> {
        let is_empty = matches!(value, Value::Text(text) if text.is_empty());
        if place.is_encrypted && !is_empty && (!self.has_to_be_sealed || value.as_str().is_some_and(is_sealed)) {
            *value = Value::Null;
        }
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Error> {
        if place.is_encrypted {
            comment.text = Default::default();
        }
        Ok(())
    }
}

/// A file decrypted.
struct Opening {
    branches: Vec<Branch>,
    metadata: Metadata,
    key: DataKey,
    ciphertexts: Ciphertexts,
}

fn open(text: &[u8], format: Format, identities: &Identities) -> Result<Opening, Error> {
    let (mut branches, metadata) = format.read_encrypted(text)?;
    let key = data_key(&metadata, identities)?;
    let selector = Selector::new(&metadata.rule)?;
    let mut opener = Opener { key: &key, mac: Mac::new(metadata.mac_only_encrypted), ciphertexts: Ciphertexts::default() };
    branches.iter_mut().try_for_each(|branch| selector.visit(branch, &mut opener))?;
    let Opener { mac, ciphertexts, .. } = opener;
    let written = key.open(&metadata.mac, &metadata.last_modified).ok_or(Error::Mac)?;
    if written.bytes.as_slice() != mac.text().as_bytes() || check_rfc3339(metadata.last_modified.as_bytes()).is_err() {
        return Err(Error::Mac);
    }
    Ok(Opening { branches, metadata, key, ciphertexts })
}

fn data_key(metadata: &Metadata, identities: &Identities) -> Result<DataKey, Error> {
    if metadata.age.is_empty() {
        return Err(Error::OtherServices(metadata.services()));
    }
    for age in &metadata.age {
        if let Some(key) = identities.open(&age.recipient, &age.sealed)? {
            return Ok(key);
        }
    }
    let recipients = metadata.age.iter().map(|age| age.recipient.clone()).collect();
    Err(Error::NoIdentity { identities: identities.len(), recipients })
}

/// Decrypts values, adds them to the MAC, and remembers their ciphertexts.
struct Opener<'k> {
    key: &'k DataKey,
    mac: Mac,
    ciphertexts: Ciphertexts,
}

impl Opener<'_> {
    fn open(&mut self, sealed: &str, place: &str) -> Option<Opened> {
        let opened = self.key.open(sealed, place)?;
        self.ciphertexts.add(place, &opened, sealed);
        Some(opened)
    }
}

impl Visit for Opener<'_> {
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), Error> {
        if place.is_encrypted {
            let sealed = value.as_str().filter(|text| text.is_empty() || text.starts_with("ENC["));
            let sealed = sealed.ok_or_else(|| Error::Plain(place.shown()))?.to_owned();
            let opened = self.open(&sealed, &place.additional()).ok_or_else(|| Error::Changed(place.shown()))?;
            // An encrypted comment that stands where a value does is no value: `sops` writes them so in lists, and cannot read them.
            *value = opened.into_value().ok_or(Error::Mac)?;
        }
        self.mac.add(value, place.is_encrypted);
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Error> {
        // Older versions of SOPS left comments as they are, and the MAC is not over them.
        let text = std::str::from_utf8(&comment.text).ok().filter(|_| place.is_encrypted).map(str::to_owned);
        if let Some(opened) = text.and_then(|text| self.open(&text, &place.additional())) {
            // As SOPS does it: a comment behind a value moves above it.
            *comment = Comment { text: opened.bytes, is_inline: false };
        }
        Ok(())
    }
}

fn plain(text: &[u8], format: Format) -> Result<Vec<Branch>, Error> {
    let branches = format.read(text)?;
    let is_reserved = |key: &str| if format == Format::Dotenv { key.starts_with("sops_") } else { key == SOPS };
    let reserved = branches.iter().flat_map(Branch::values).map(|(key, _)| key).find(|key| is_reserved(key));
    match reserved {
        Some(key) if format != Format::Binary => Err(Error::Reserved(key.to_owned())),
        _ => Ok(branches),
    }
}

fn sealed(key: &DataKey, recipient: &str) -> Result<Recipient, Error> {
    Ok(Recipient { recipient: recipient.to_owned(), sealed: seal(key, recipient)? })
}

/// Encrypts documents and writes them. The metadata has the MAC of `old` in it, where there is one.
fn write(
    mut branches: Vec<Branch>,
    mut metadata: Metadata,
    format: Format,
    key: &DataKey,
    old: &Ciphertexts,
    now: Timestamp,
) -> Result<Vec<u8>, Error> {
    if metadata.age.is_empty() {
        return Err(Error::NoRecipient);
    }
    let selector = Selector::new(&metadata.rule)?;
    let mut sealer = Sealer { key, mac: Mac::new(metadata.mac_only_encrypted), old };
    branches.iter_mut().try_for_each(|branch| selector.visit(branch, &mut sealer))?;
    let mac = sealer.mac.text();
    let standing = key.open(&metadata.mac, &metadata.last_modified).filter(|_| !metadata.mac.is_empty());
    if standing.is_none_or(|standing| standing.bytes.as_slice() != mac.as_bytes()) {
        metadata.last_modified = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        metadata.mac = key.seal("str", mac.as_bytes(), &metadata.last_modified)?;
    }
    format.write_encrypted(&mut branches, &metadata)
}

/// Encrypts values, and adds them to the MAC.
struct Sealer<'k> {
    key: &'k DataKey,
    mac: Mac,
    old: &'k Ciphertexts,
}

impl Sealer<'_> {
    fn seal(&self, kind: &str, bytes: &Bytes, place: &str) -> Result<String, Error> {
        match self.old.find(place, kind, bytes) {
            Some(sealed) => Ok(sealed.clone()),
            None => self.key.seal(kind, bytes, place),
        }
    }
}

impl Visit for Sealer<'_> {
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), Error> {
        self.mac.add(value, place.is_encrypted);
        if let Some((kind, bytes)) = bytes_of(value).filter(|_| place.is_encrypted) {
            *value = Value::text(self.seal(kind, &bytes, &place.additional())?);
        }
        Ok(())
    }

    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Error> {
        if place.is_encrypted {
            comment.text = self.seal("comment", &comment.text, &place.additional())?.into_bytes().into();
        }
        Ok(())
    }
}
