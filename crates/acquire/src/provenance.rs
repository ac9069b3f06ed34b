//! Provenance: whether a packed chart is what somebody whom the user knows has signed.
//!
//! Follows `pkg/provenance` of helm 4.3 and the PGP library under it: the file beside an archive is a cleartext signed
//! message of the chart's metadata, a line `...`, and the SHA-256 of the archive under `files:`. The signature has to be
//! by a key of the keyring that is made for signing and neither expired nor revoked now, and the digest has to be the
//! archive's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgp::composed::{CleartextSignedMessage, PublicOrSecret, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{RevocationCode, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, Tag};
use serde::Deserialize;

use hydrate_base::{Diagnostic, World};

/// The most bytes of a provenance file.
pub(crate) const MAX_PROVENANCE: u64 = 1 << 20;

/// Where the keyring is: `HYDRATE_KEYRING`, the project's own (`keyring:` in hydrate.yaml), or that of GnuPG as helm
/// reads it.
pub(crate) fn keyring_path(world: &dyn World, project: Option<&Path>) -> PathBuf {
    let set = |name: &str| world.variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let gnupg = || set("GNUPGHOME").or_else(|| Some(set("HOME")?.join(".gnupg"))).unwrap_or_default().join("pubring.gpg");
    set("HYDRATE_KEYRING").or_else(|| project.map(Path::to_owned)).unwrap_or_else(gnupg)
}

/// Public keys whose owners are trusted to sign charts.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
    place: String,
}

impl Keyring {
    /// Reads the keyring at a path: the keys as `gpg --export` writes them, armored or not.
    pub fn read(world: &dyn World, path: &Path) -> Result<Self, Box<Diagnostic>> {
        let bytes = world.read(path).map_err(|error| unreadable(world, path, &error))?;
        Self::parse(path.display().to_string(), &bytes)
    }

    /// Reads keys. Those of kinds that are not known are passed over, as long as others remain.
    pub fn parse(place: String, bytes: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let mut keys = Vec::new();
        let mut wrong = None;
        for block in blocks(bytes) {
            match PublicOrSecret::from_reader_many(block) {
                Ok((found, _)) => found.for_each(|key| match key {
                    Ok(PublicOrSecret::Public(key)) => keys.push(key),
                    Ok(PublicOrSecret::Secret(key)) => keys.push(key.to_public_key()),
                    Err(error) => wrong = Some(error.to_string()),
                }),
                Err(error) => wrong = Some(error.to_string()),
            }
        }
        if !keys.is_empty() {
            return Ok(Self { keys, place });
        }
        let error = Diagnostic::error(format!("the keyring {place} holds no public key"));
        let error = wrong.into_iter().fold(error, |error, why| error.note(why));
        Err(error.help("`gpg --export KEY… > FILE` writes a keyring"))
    }
}

/// Several armored keys one after another are several blocks; anything else is one.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    let begin = b"-----BEGIN PGP";
    let starts: Vec<usize> = memchr::memmem::find_iter(bytes, begin).collect();
    if !bytes.trim_ascii_start().starts_with(b"-----") || starts.is_empty() {
        return vec![bytes];
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| bytes.get(*start..end)).collect()
}

fn unreadable(world: &dyn World, path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    let mut wrong = Diagnostic::error(format!("cannot read the keyring {}", path.display())).note(error.to_string());
    let keybox = path.with_extension("kbx");
    if world.kind(&keybox).is_ok() {
        wrong = wrong.note(format!("GnuPG keeps its keys in {}, a format of its own", keybox.display()));
    }
    wrong
        .help("`gpg --export KEY… > FILE` writes a keyring of the keys to trust")
        .help("name it in hydrate.yaml (`keyring: FILE`), or in HYDRATE_KEYRING")
}

/// An archive whose provenance is in question.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// What it is, in the user's words: `chart loki 6.1.0`.
    pub title: &'a str,
    /// The names under which it may have been signed, the usual one first.
    pub names: &'a [String],
    /// Its SHA-256.
    pub sha256: &'a str,
}

impl Subject<'_> {
    fn error(&self, what: &str) -> Box<Diagnostic> {
        Diagnostic::error(format!("{} cannot be verified: {what}", self.title))
    }
}

/// Who has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name on the key.
    pub name: String,
    /// The fingerprint of the key, in capitals.
    pub fingerprint: String,
}

/// Verifies that `provenance` is a good signature, by a key of the ring, over this archive. `now` is in nanoseconds since
/// 1970.
pub fn verify(subject: Subject<'_>, provenance: &[u8], keyring: &Keyring, now: i128) -> Result<Signer, Box<Diagnostic>> {
    let message = message(provenance).map_err(|why| subject.error("its provenance file holds no signed message").note(why))?;
    let text = message.signed_text();
    let (signature, key) = signing_key(subject, &message, keyring)?;
    let signed_as_file = matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary));
    let good = if !signed_as_file { Err(format!("it is of type {:?}", signature.typ())) } else { key.verify(signature, text.as_bytes()) };
    if let Err(why) = good {
        return Err(subject
            .error("the signature of its provenance file is not good")
            .note(format!("key {}", key.shown()))
            .note(why)
            .help("the file was changed after it was signed; ask whoever publishes the chart"));
    }
    let seconds = i64::try_from(now.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    if let Err(why) = key.usable(signature, seconds) {
        return Err(subject.error(&why).note(format!("key {}", key.shown())).note(format!("keyring: {}", keyring.place)));
    }
    same_archive(subject, &text)?;
    Ok(Signer { name: key.name(), fingerprint: key.fingerprint() })
}

/// The signed message in a file, which may have other text around it.
fn message(provenance: &[u8]) -> Result<CleartextSignedMessage, String> {
    let text = std::str::from_utf8(provenance).map_err(|_| "it is not UTF-8".to_owned())?;
    let start = text.find("-----BEGIN PGP SIGNED MESSAGE-----").ok_or("it does not begin with -----BEGIN PGP SIGNED MESSAGE-----")?;
    let end = "-----END PGP SIGNATURE-----";
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(end).ok_or("it does not end with -----END PGP SIGNATURE-----")? + end.len();
    let whole = rest.get(..length).unwrap_or_default();
    CleartextSignedMessage::from_string(&format!("{whole}\n")).map(|(message, _)| message).map_err(|error| error.to_string())
}

/// The first signature whose key is in the ring, with that key.
fn signing_key<'m, 'k>(
    subject: Subject<'_>,
    message: &'m CleartextSignedMessage,
    keyring: &'k Keyring,
) -> Result<(&'m Signature, SigningKey<'k>), Box<Diagnostic>> {
    let known = message.signatures().iter().find_map(|signature| Some((signature, SigningKey::find(signature, &keyring.keys)?)));
    known.ok_or_else(|| {
        let ids: Vec<String> = message.signatures().iter().map(issuer).collect();
        subject
            .error("it is signed by a key that the keyring does not hold")
            .note(format!("signed by {}", if ids.is_empty() { "nobody".to_owned() } else { ids.join(", ") }))
            .note(format!("keyring: {} (keys in it: {})", keyring.place, keyring.keys.len()))
            .help("only when the owner of that key is trusted: `gpg --export KEY >> KEYRING`")
    })
}

fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().first().map(|fingerprint| format!("{fingerprint:X}"));
    fingerprint
        .or_else(|| signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase()))
        .unwrap_or_else(|| "an unnamed key".to_owned())
}

/// A key, or one of its subkeys, that a signature names.
struct SigningKey<'k> {
    key: &'k SignedPublicKey,
    sub: Option<&'k SignedPublicSubKey>,
}

impl<'k> SigningKey<'k> {
    fn find(signature: &Signature, keys: &'k [SignedPublicKey]) -> Option<Self> {
        keys.iter().find_map(|key| {
            if is_by(signature, &key.primary_key) {
                return Some(Self { key, sub: None });
            }
            let sub = key.public_subkeys.iter().find(|sub| is_by(signature, &sub.key))?;
            Some(Self { key, sub: Some(sub) })
        })
    }

    fn verify(&self, signature: &Signature, text: &[u8]) -> Result<(), String> {
        let checked = match self.sub {
            Some(sub) => signature.verify(&sub.key, text),
            None => signature.verify(&self.key.primary_key, text),
        };
        checked.map_err(|error| error.to_string())
    }

    /// Whether the key may have made the signature and still counts; `Err` says what is against it.
    fn usable(&self, signature: &Signature, now: i64) -> Result<(), String> {
        let Some(own) = own_signature(self.key) else {
            return Err("the key has no name that it has signed itself".to_owned());
        };
        let binding = self.sub.map(|sub| binding(self.key, sub).ok_or("the subkey does not belong to its key")).transpose()?;
        if !binding.unwrap_or(own.signature).key_flags().sign() {
            return Err("the key is not made for signing".to_owned());
        }
        let embedded = binding.and_then(Signature::embedded_signature);
        let all = [Some(signature), Some(own.signature), binding, embedded];
        if let Some(name) = all.into_iter().flatten().find_map(critical_notation) {
            return Err(format!("a signature has the critical notation {name}, which is not known"));
        }
        if own.revoked || self.key_is_revoked(now) || self.sub.is_some_and(|sub| subkey_is_revoked(self.key, sub, now)) {
            return Err("the key was revoked".to_owned());
        }
        let primary = expiry(self.key.primary_key.created_at().as_secs(), own.signature);
        let sub = self.sub.zip(binding).map(|(sub, binding)| expiry(sub.key.created_at().as_secs(), binding));
        for (begins, ends) in [Some(primary), sub].into_iter().flatten() {
            within("the key", begins, ends, now)?;
        }
        for one in all.into_iter().flatten() {
            let begins = one.created().map_or(0, |time| i64::from(time.as_secs()));
            within("the signature", begins, lasts(begins, one.signature_expiration_time()), now)?;
        }
        Ok(())
    }

    fn key_is_revoked(&self, now: i64) -> bool {
        let key = &self.key.primary_key;
        let good = |signature: &&Signature| signature.verify_key(key).is_ok();
        self.key.details.revocation_signatures.iter().filter(good).any(|signature| counts(signature, now))
    }

    fn name(&self) -> String {
        let own = own_signature(self.key).map(|own| own.name);
        own.unwrap_or_else(|| "a key without a name".to_owned())
    }

    fn fingerprint(&self) -> String {
        format!("{:X}", self.key.fingerprint())
    }

    fn shown(&self) -> String {
        format!("{} ({})", self.fingerprint(), self.name())
    }
}

fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    fingerprints.contains(&&key.fingerprint())
}

/// What a key says of itself.
struct Own<'k> {
    name: String,
    signature: &'k Signature,
    revoked: bool,
}

/// The newest of the signatures by which the key vouches for its primary name; keys of version 6 need no name for it.
fn own_signature(key: &SignedPublicKey) -> Option<Own<'_>> {
    let primary = &key.primary_key;
    let newest = |signature: &&Signature| signature.created().map_or(0, pgp::types::Timestamp::as_secs);
    let named = key.details.users.iter().filter_map(|user| {
        let good = |signature: &&Signature| signature.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        let (revocations, own): (Vec<&Signature>, Vec<&Signature>) =
            user.signatures.iter().filter(good).partition(|signature| signature.typ() == Some(SignatureType::CertRevocation));
        let name = String::from_utf8_lossy(user.id.id()).into_owned();
        Some(Own { name, signature: own.into_iter().max_by_key(newest)?, revoked: !revocations.is_empty() })
    });
    let best = named.max_by_key(|own| (!own.revoked, own.signature.is_primary(), newest(&own.signature)));
    let direct = || {
        let good = key.details.direct_signatures.iter().filter(|signature| signature.verify_key(primary).is_ok());
        let signature = good.max_by_key(newest)?;
        Some(Own { name: "a key without a name".to_owned(), signature, revoked: false })
    };
    best.or_else(direct)
}

/// The newest good signature that binds a subkey to its key, where the subkey has also signed the key.
fn binding<'k>(key: &SignedPublicKey, sub: &'k SignedPublicSubKey) -> Option<&'k Signature> {
    let primary = &key.primary_key;
    let good = |signature: &&Signature| {
        let bound = signature.typ() == Some(SignatureType::SubkeyBinding) && signature.verify_subkey_binding(primary, &sub.key).is_ok();
        let back = |back: &Signature| back.verify_primary_key_binding(&sub.key, primary).is_ok();
        bound && (!signature.key_flags().sign() || signature.embedded_signature().is_some_and(back))
    };
    sub.signatures.iter().filter(good).max_by_key(|signature| signature.created().map_or(0, pgp::types::Timestamp::as_secs))
}

fn subkey_is_revoked(key: &SignedPublicKey, sub: &SignedPublicSubKey, now: i64) -> bool {
    let is_revocation = |signature: &&Signature| {
        signature.typ() == Some(SignatureType::SubkeyRevocation) && signature.verify_subkey_binding(&key.primary_key, &sub.key).is_ok()
    };
    sub.signatures.iter().filter(is_revocation).any(|signature| counts(signature, now))
}

/// A revocation for a compromised key counts always, another as long as it has not expired itself.
fn counts(revocation: &Signature, now: i64) -> bool {
    let compromised = revocation.revocation_reason_code() == Some(&RevocationCode::KeyCompromised);
    let begins = revocation.created().map_or(0, |time| i64::from(time.as_secs()));
    compromised || within("", begins, lasts(begins, revocation.signature_expiration_time()), now).is_ok()
}

fn expiry(created: u32, own: &Signature) -> (i64, Option<i64>) {
    let begins = i64::from(created);
    (begins, lasts(begins, own.key_expiration_time()))
}

/// When something of this duration ends; none is for ever, and so is zero.
fn lasts(begins: i64, duration: Option<pgp::types::Duration>) -> Option<i64> {
    let seconds = std::time::Duration::from(duration?).as_secs();
    (seconds != 0).then(|| begins.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX)))
}

fn within(what: &str, begins: i64, ends: Option<i64>, now: i64) -> Result<(), String> {
    if begins > now {
        return Err(format!("{what} was made in the future ({})", date(begins)));
    }
    match ends.filter(|ends| *ends < now) {
        Some(ends) => Err(format!("{what} has expired ({})", date(ends))),
        None => Ok(()),
    }
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

fn critical_notation(signature: &Signature) -> Option<String> {
    let packets = &signature.config()?.hashed_subpackets;
    packets.iter().filter(|packet| packet.is_critical).find_map(|packet| match &packet.data {
        SubpacketData::Notation(notation) => Some(String::from_utf8_lossy(&notation.name).into_owned()),
        _ => None,
    })
}

/// Whether what was signed is this archive.
fn same_archive(subject: Subject<'_>, text: &str) -> Result<(), Box<Diagnostic>> {
    let files = files(text).map_err(|why| subject.error("what is signed cannot be read").note(why))?;
    let Some((name, signed)) = subject.names.iter().find_map(|name| files.get_key_value(name)) else {
        let usual = subject.names.first().map_or("", String::as_str);
        let signed: Vec<&str> = files.keys().map(String::as_str).collect();
        return Err(subject.error(&format!("what is signed names no file {usual}")).note(format!("it names: {}", signed.join(", "))));
    };
    if *signed == format!("sha256:{}", subject.sha256) {
        return Ok(());
    }
    Err(subject
        .error("it is not the archive that was signed")
        .note(format!("expected {signed} ({name}, as signed)"))
        .note(format!("found    sha256:{}", subject.sha256))
        .help("ask whoever publishes the chart which of the two is theirs"))
}

fn files(text: &str) -> Result<BTreeMap<String, String>, String> {
    #[derive(Deserialize)]
    struct Sums {
        #[serde(default)]
        files: BTreeMap<String, String>,
    }
    let plain = text.replace("\r\n", "\n");
    let sums = plain.split("\n...\n").nth(1).ok_or("a line `...` has to stand between the metadata and `files:`")?;
    serde_yaml::from_str::<Sums>(sums).map(|sums| sums.files).map_err(|error| error.to_string())
}
