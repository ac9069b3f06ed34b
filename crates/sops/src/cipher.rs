//! One value encrypted: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use std::collections::BTreeMap;

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::{AesGcm, aes::Aes256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

use crate::Error;
use crate::tree::{Bytes, Value};

/// The cipher with the nonces of SOPS, which are longer than usual.
type Cipher = AesGcm<Aes256, U32>;

const NONCE: usize = 32;
const TAG: usize = 16;

/// The key of all values of a file.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(crate) fn new() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(key.as_mut()).map_err(|_| Error::Random)?;
        Ok(Self(key))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(self.as_bytes().into())
    }

    /// Decrypts a value, which has to have been encrypted for this place.
    pub(crate) fn open(&self, sealed: &str, place: &str) -> Option<Opened> {
        if sealed.is_empty() {
            return Some(Opened { kind: "str".to_owned(), bytes: Bytes::default() });
        }
        let Sealed { data, nonce, tag, kind } = Sealed::parse(sealed)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let tag: [u8; TAG] = tag.try_into().ok()?;
        let mut bytes = Zeroizing::new(data);
        self.cipher().decrypt_in_place_detached(&nonce.into(), place.as_bytes(), &mut bytes, &tag.into()).ok()?;
        Some(Opened { kind, bytes })
    }

    /// Encrypts what a value is for this place.
    pub(crate) fn seal(&self, kind: &str, bytes: &[u8], place: &str) -> Result<String, Error> {
        if bytes.is_empty() {
            return Ok(String::new());
        }
        let mut nonce = [0; NONCE];
        OsRng.try_fill_bytes(&mut nonce).map_err(|_| Error::Random)?;
        let mut data = bytes.to_vec();
        // Only texts of 64 GiB are too long.
        let tag = self.cipher().encrypt_in_place_detached(&nonce.into(), place.as_bytes(), &mut data).map_err(|_| Error::Random)?;
        let [data, nonce, tag] = [&data[..], &nonce[..], &tag[..]].map(|bytes| STANDARD.encode(bytes));
        Ok(format!("ENC[AES256_GCM,data:{data},iv:{nonce},tag:{tag},type:{kind}]"))
    }
}

/// A value before it is encrypted, or after it was decrypted.
pub(crate) struct Opened {
    /// SOPS' name for its type.
    pub(crate) kind: String,
    pub(crate) bytes: Bytes,
}

impl Opened {
    /// The value; `None` for types that SOPS does not have, and for what is not of its type.
    pub(crate) fn into_value(self) -> Option<Value> {
        let text = || std::str::from_utf8(&self.bytes).ok();
        Some(match self.kind.as_str() {
            "str" | "bytes" => Value::Text(self.bytes),
            "int" => Value::Int(text()?.parse().ok()?),
            "float" => Value::Float(parse_float(text()?)?),
            "bool" => Value::Bool(parse_bool(text()?)?),
            "time" => Value::Time(text()?.to_owned()),
            _ => return None,
        })
    }
}

fn parse_float(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        _ => text.parse().ok(),
    }
}

/// `strconv.ParseBool`
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// The bytes of a value that is no collection, for the MAC and for the cipher, with the name of its type.
pub(crate) fn bytes_of(value: &Value) -> Option<(&'static str, Bytes)> {
    let (kind, bytes) = match value {
        Value::Text(text) => ("str", text.clone()),
        Value::Int(value) => ("int", Zeroizing::new(value.to_string().into_bytes())),
        Value::Float(value) => ("float", Zeroizing::new(format_float(*value, Format::Fixed, None, Bits::Float64).into_bytes())),
        Value::Bool(value) => ("bool", Zeroizing::new(if *value { b"True".to_vec() } else { b"False".to_vec() })),
        Value::Time(text) => ("time", Zeroizing::new(text.clone().into_bytes())),
        Value::Null | Value::List(_) | Value::Map(_) => return None,
    };
    Some((kind, bytes))
}

/// The parts of an encrypted value.
struct Sealed {
    data: Vec<u8>,
    nonce: Vec<u8>,
    tag: Vec<u8>,
    kind: String,
}

impl Sealed {
    /// `^ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]`
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("ENC[AES256_GCM,data:")?;
        let (rest, kind) = rest[..rest.rfind(']')?].rsplit_once(",type:")?;
        let (rest, tag) = rest.rsplit_once(",tag:")?;
        let (data, nonce) = rest.rsplit_once(",iv:")?;
        let decode = |part: &str| STANDARD.decode(part).ok();
        Some(Self { data: decode(data)?, nonce: decode(nonce)?, tag: decode(tag)?, kind: kind.to_owned() })
    }
}

/// Whether a text has the form of an encrypted value.
pub(crate) fn is_sealed(text: &str) -> bool {
    Sealed::parse(text).is_some()
}

/// The ciphertexts of a file by place, type and plaintext, so that what has not changed keeps its own.
#[derive(Default)]
pub(crate) struct Ciphertexts(BTreeMap<(String, String), Vec<(Bytes, String)>>);

impl Ciphertexts {
    pub(crate) fn add(&mut self, place: &str, opened: &Opened, sealed: &str) {
        if !sealed.is_empty() {
            self.0.entry((place.to_owned(), opened.kind.clone())).or_default().push((opened.bytes.clone(), sealed.to_owned()));
        }
    }

    pub(crate) fn find(&self, place: &str, kind: &str, bytes: &Bytes) -> Option<&String> {
        let known = self.0.get(&(place.to_owned(), kind.to_owned()))?;
        known.iter().find(|(plain, _)| plain == bytes).map(|(_, sealed)| sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_decrypted_only_where_it_was_encrypted() {
        let key = DataKey::new().unwrap();
        let sealed = key.seal("str", b"s3cret", "data:password:").unwrap();
        assert!(is_sealed(&sealed) && !sealed.contains("s3cret"));
        let opened = key.open(&sealed, "data:password:").unwrap();
        assert_eq!((opened.kind.as_str(), opened.bytes.as_slice()), ("str", &b"s3cret"[..]));
        assert!(key.open(&sealed, "data:user:").is_none());
        assert!(DataKey::new().unwrap().open(&sealed, "data:password:").is_none());
        let at = sealed.find("data:").unwrap() + "data:".len();
        let mut changed = sealed.clone();
        changed.replace_range(at..=at, if &sealed[at..=at] == "A" { "B" } else { "A" });
        assert!(key.open(&changed, "data:password:").is_none());
    }

    #[test]
    fn what_is_no_encrypted_value_is_refused() {
        let key = DataKey::new().unwrap();
        let short = "ENC[AES256_GCM,data:AA==,iv:AAAA,tag:AAAA,type:str]";
        for text in
            ["x", "ENC[AES256_GCM,data:,iv:,tag:,type:]", "ENC[AES256_GCM,data:é]", "ENC[AES256_GCM,data:??,iv:A,tag:B,type:str]", short]
        {
            assert!(key.open(text, "a:").is_none(), "{text}");
        }
        assert_eq!(key.open("", "a:").unwrap().bytes.as_slice(), b"");
    }

    #[test]
    fn numbers_and_booleans_are_written_as_sops_writes_them() {
        let bytes = |value: Value| String::from_utf8(bytes_of(&value).unwrap().1.to_vec()).unwrap();
        assert_eq!(bytes(Value::Float(1.50)), "1.5");
        assert_eq!(bytes(Value::Float(1e21)), "1000000000000000000000");
        assert_eq!(bytes(Value::Bool(true)), "True");
        assert_eq!(bytes(Value::Int(-7)), "-7");
        let value = |kind: &str, text: &str| Opened { kind: kind.to_owned(), bytes: Zeroizing::new(text.into()) }.into_value();
        assert!(matches!(value("bool", "True"), Some(Value::Bool(true))));
        assert!(matches!(value("float", "+Inf"), Some(Value::Float(number)) if number.is_infinite()));
        assert!(value("bool", "yes").is_none() && value("int", "1.5").is_none() && value("comment", "x").is_none());
    }
}
