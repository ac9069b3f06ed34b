//! Certificates as Go's `x509.CreateCertificate` writes them.

use super::super::args::{Out, any, bytes, elements, int};
use super::super::encoding::decode64;
use super::der::{Element, Reader, bit_string, element, from_pem, integer, oid, sequence, tag, to_pem};
use super::keys::PrivateKey;
use super::random::decided_parts;
use hydrate_base::hash::hex;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::fmt::{quote, to_text};
use hydrate_gotmpl::time::{Civil, duration};
use hydrate_gotmpl::{Failure, Object, Rare, Value};
use sha2::Digest;
use std::net::IpAddr;

/// A certificate and its key, both PEM: what the functions here give and take.
struct Certificate {
    cert: String,
    key: String,
}

/// The Go type of certificates.
pub(crate) const TYPE: &str = "sprig.certificate";

impl Object for Certificate {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::str(self.cert.as_str())),
            "Key" => Some(Value::str(self.key.as_str())),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::str(self.cert.as_str())), ("Key", Value::str(self.key.as_str()))]
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn certificate(cert: String, key: String) -> Out {
    Ok(Value::object(Certificate { cert, key }))
}

/// What a certificate says of its owner.
struct Template {
    name: Vec<u8>,
    names: Vec<Vec<u8>>,
    addresses: Vec<IpAddr>,
    days: i64,
    authority: bool,
}

/// Who signs a certificate.
struct Issuer<'i> {
    /// The encoded name; `None` for the owner of the certificate itself.
    name: Option<&'i [u8]>,
    /// The identifier of the key, empty where there is none.
    key_id: &'i [u8],
    key: &'i PrivateKey,
}

fn template(args: &[Value], ips: &Value, names: &Value, days: usize) -> Result<Template, Failure> {
    let mut addresses = Vec::new();
    for ip in elements(ips).unwrap_or_default() {
        let Value::Str(text) = &ip else { return Err(format!("error parsing ip: {} is not a string", to_text(&ip)).into()) };
        let text = text.to_str_lossy();
        addresses.push(text.parse().map_err(|_| format!("error parsing ip: {text}"))?);
    }
    let mut all = Vec::new();
    for name in elements(names).unwrap_or_default() {
        let Value::Str(text) = &name else {
            return Err(format!("error processing alternate dns name: {} is not a string", to_text(&name)).into());
        };
        all.push(text.as_bytes().to_vec());
    }
    Ok(Template { name: bytes(args, 0).to_vec(), names: all, addresses, days: int(args, days), authority: false })
}

fn new_key(vm: &Vm<'_>) -> Result<PrivateKey, Failure> {
    PrivateKey::rsa(vm, 2048).map_err(|error| format!("error generating rsa key: {error}").into())
}

fn given_key(args: &[Value], at: usize) -> Result<PrivateKey, Failure> {
    PrivateKey::from_pem(bytes(args, at)).map_err(|error| format!("parsing private key: {error}").into())
}

/// Names, addresses and days, as they stand in the call.
fn described(args: &[Value], count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for argument in args.iter().take(count) {
        all.extend_from_slice(quote(to_text(argument).as_bytes()).as_bytes());
    }
    all
}

/// The certificate that the world keeps, else a new one.
///
/// Often nothing holds the key of an authority any longer, once it has signed. Its certificate is kept all the same; who asks for the key gets one that
/// no function takes for one.
fn decided(vm: &Vm<'_>, function: &'static str, inputs: &[&[u8]], make: impl Fn() -> Out) -> Out {
    let again = |answers: Vec<Option<Vec<u8>>>| {
        let [Some(cert), key] = &answers[..] else { return None };
        usable(vm, cert, key.as_deref()).map(|(cert, key)| Value::object(Certificate { cert, key }))
    };
    decided_parts(vm, function, inputs, again, make, |made| <[String; 2]>::from(pair(made)).map(String::into_bytes).into())
}

/// A certificate and its key, where they belong together.
fn usable(vm: &Vm<'_>, cert: &[u8], key: Option<&[u8]>) -> Option<(String, String)> {
    let (_, der) = from_pem(cert)?;
    let parsed = Parsed::read(&der).ok()?;
    let key = match key {
        None => lost_key(vm),
        Some(key) => {
            let is_its = PrivateKey::from_pem(key).ok()?.public().is_some_and(|(public, _)| public == parsed.public);
            is_its.then(|| String::from_utf8_lossy(key).into_owned())?
        }
    };
    Some((String::from_utf8_lossy(cert).into_owned(), key))
}

/// A text that is another one in each rendering, so that it is noticed where it is used.
fn lost_key(vm: &Vm<'_>) -> String {
    let mut bytes = [0; 16];
    vm.world().random(&mut bytes);
    format!("the key of this certificate is not kept ({})\n", hex(&bytes))
}

/// `genCA NAME DAYS`.
pub(crate) fn gen_ca(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    decided(vm, "genCA", &[&described(args, 2)], || authority(vm, args, &new_key(vm)?))
}

/// `genCAWithKey NAME DAYS KEY`.
pub(crate) fn gen_ca_with_key(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let key = given_key(args, 2)?;
    decided(vm, "genCAWithKey", &[&described(args, 2), bytes(args, 2)], || authority(vm, args, &key))
}

fn authority(vm: &Vm<'_>, args: &[Value], key: &PrivateKey) -> Out {
    let template = Template { authority: true, ..template(args, &Value::Nil, &Value::Nil, 1)? };
    issue(vm, &template, key, &Issuer { name: None, key_id: b"", key })
}

/// `genSelfSignedCert NAME IPS NAMES DAYS`.
pub(crate) fn gen_self_signed(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    decided(vm, "genSelfSignedCert", &[&described(args, 4)], || self_signed(vm, args, &new_key(vm)?))
}

/// `genSelfSignedCertWithKey NAME IPS NAMES DAYS KEY`.
pub(crate) fn gen_self_signed_with_key(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let key = given_key(args, 4)?;
    decided(vm, "genSelfSignedCertWithKey", &[&described(args, 4), bytes(args, 4)], || self_signed(vm, args, &key))
}

fn self_signed(vm: &Vm<'_>, args: &[Value], key: &PrivateKey) -> Out {
    let template = template(args, any(args, 1), any(args, 2), 3)?;
    issue(vm, &template, key, &Issuer { name: None, key_id: b"", key })
}

/// `genSignedCert NAME IPS NAMES DAYS CA`.
pub(crate) fn gen_signed(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let authority = pair(any(args, 4)).0;
    decided(vm, "genSignedCert", &[&described(args, 4), authority.as_bytes()], || signed(vm, args, &new_key(vm)?))
}

/// `genSignedCertWithKey NAME IPS NAMES DAYS CA KEY`.
pub(crate) fn gen_signed_with_key(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let key = given_key(args, 5)?;
    let authority = pair(any(args, 4)).0;
    let inputs: [&[u8]; 3] = [&described(args, 4), authority.as_bytes(), bytes(args, 5)];
    decided(vm, "genSignedCertWithKey", &inputs, || signed(vm, args, &key))
}

fn signed(vm: &Vm<'_>, args: &[Value], key: &PrivateKey) -> Out {
    let (cert, signer) = pair(any(args, 4));
    let (_, der) = from_pem(cert.as_bytes()).ok_or("unable to decode certificate")?;
    let parent = Parsed::read(&der).map_err(|error| format!("error parsing certificate: decodedSignerCert.Bytes: {error}"))?;
    let signer = PrivateKey::from_pem(signer.as_bytes()).map_err(|error| format!("error parsing private key: {error}"))?;
    let template = template(args, any(args, 1), any(args, 2), 3)?;
    if signer.public().is_some_and(|(public, _)| public != parent.public) {
        return Err("error creating certificate: x509: provided PrivateKey doesn't match parent's PublicKey".into());
    }
    issue(vm, &template, key, &Issuer { name: Some(parent.subject), key_id: parent.key_id, key: &signer })
}

/// The texts of a certificate value.
fn pair(value: &Value) -> (String, String) {
    if let Value::Rare(rare) = value
        && let Rare::Object(object) = &**rare
        && let Some(certificate) = object.as_any().downcast_ref::<Certificate>()
    {
        return (certificate.cert.clone(), certificate.key.clone());
    }
    (String::new(), String::new())
}

/// `buildCustomCert CERT KEY`: from base 64 of PEM, checked.
pub(crate) fn build_custom(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let cert = decode64(bytes(args, 0)).map_err(|_| "unable to decode base64 certificate")?;
    let key = decode64(bytes(args, 1)).map_err(|_| "unable to decode base64 private key")?;
    let (_, der) = from_pem(&cert).ok_or("unable to decode certificate")?;
    Parsed::read(&der).map_err(|error| format!("error parsing certificate: decodedCert.Bytes: {error}"))?;
    PrivateKey::from_pem(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    certificate(text(&cert), text(&key))
}

/// From when until when a certificate is valid, in nanoseconds since 1970; `None` for what is no certificate in PEM.
pub fn certificate_validity(pem: &[u8]) -> Option<[i128; 2]> {
    let (name, der) = from_pem(pem)?;
    if name != "CERTIFICATE" {
        return None;
    }
    let mut validity = Reader(Parsed::read(&der).ok()?.validity);
    Some([instant(&validity.next()?)?, instant(&validity.next()?)?])
}

/// The time that an element says.
fn instant(element: &Element<'_>) -> Option<i128> {
    let text = std::str::from_utf8(element.content).ok()?;
    let text = match (element.tag, text.get(..2)?) {
        (tag::UTC_TIME, year) if year < "50" => format!("20{text}"),
        (tag::UTC_TIME, _) => format!("19{text}"),
        (tag::GENERALIZED_TIME, _) => text.to_owned(),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

/// What of a signer's certificate goes into those it signs, and how long it is valid.
struct Parsed<'d> {
    validity: &'d [u8],
    subject: &'d [u8],
    public: &'d [u8],
    key_id: &'d [u8],
}

impl<'d> Parsed<'d> {
    fn read(der: &'d [u8]) -> Result<Self, &'static str> {
        Self::fields(der).ok_or("x509: malformed certificate")
    }

    fn fields(der: &'d [u8]) -> Option<Self> {
        let mut certificate = Reader(der).sequence()?;
        let mut reader = certificate.sequence()?;
        let mut serial = reader.next()?;
        if serial.tag == 0xA0 {
            serial = reader.next()?;
        }
        let _algorithm = (serial.tag == tag::INTEGER).then(|| reader.sequence())??;
        let _issuer = reader.sequence()?;
        let validity = reader.expect(tag::SEQUENCE)?.content;
        let subject = reader.expect(tag::SEQUENCE)?.whole;
        let public = reader.expect(tag::SEQUENCE)?.whole;
        let mut key_id: &[u8] = b"";
        while let Some(other) = reader.next() {
            if other.tag == 0xA3 {
                key_id = subject_key_id(other.content).unwrap_or_default();
            }
        }
        Some(Self { validity, subject, public, key_id })
    }
}

fn subject_key_id(extensions: &[u8]) -> Option<&[u8]> {
    let mut extensions = Reader(extensions).sequence()?;
    loop {
        let mut extension = extensions.sequence()?;
        if extension.expect(tag::OID)?.content != SUBJECT_KEY_ID {
            continue;
        }
        let mut value = extension.next()?;
        if value.tag == tag::BOOLEAN {
            value = extension.next()?;
        }
        return Reader(value.content).expect(tag::OCTET_STRING).map(|id| id.content);
    }
}

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1D, 0x0E];
const KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x0F];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1D, 0x23];
const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x25];
const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// A certificate for a key, signed by the issuer.
fn issue(vm: &Vm<'_>, template: &Template, key: &PrivateKey, issuer: &Issuer<'_>) -> Out {
    let der = build(vm, template, key, issuer).map_err(|error| format!("error creating certificate: {error}"))?;
    certificate(to_pem("CERTIFICATE", &der), key.to_pem())
}

fn build(vm: &Vm<'_>, template: &Template, key: &PrivateKey, issuer: &Issuer<'_>) -> Result<Vec<u8>, String> {
    const NOT_A_SIGNER: &str = "x509: certificate private key does not implement crypto.Signer";
    let mut serial = [0; 16];
    vm.world().random(&mut serial);
    let subject = subject(&template.name)?;
    let issuer_name = issuer.name.unwrap_or(&subject);
    let (public, bits) = key.public().ok_or(NOT_A_SIGNER)?;
    let algorithm = issuer.key.signature_algorithm();
    let extensions = extensions(template, &subject, &bits, if issuer_name == subject { b"" } else { issuer.key_id })?;
    let validity = validity(vm.world().now(), template.days)?;
    let version = element(0xA0, &integer(&[2]));
    let parts: [&[u8]; 8] = [&version, &integer(&serial), &algorithm, issuer_name, &validity, &subject, &public, &extensions];
    let body = sequence(&parts);
    let signature = issuer.key.sign(&body)?;
    Ok(sequence(&[&body, &algorithm, &bit_string(&signature)]))
}

fn subject(name: &[u8]) -> Result<Vec<u8>, String> {
    if name.is_empty() {
        return Ok(sequence(&[]));
    }
    let printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte);
    let tag = match std::str::from_utf8(name) {
        Err(_) => return Err("asn1: string not valid UTF-8".into()),
        Ok(_) if name.iter().all(printable) => tag::PRINTABLE_STRING,
        Ok(_) => tag::UTF8_STRING,
    };
    let attribute = sequence(&[&oid(COMMON_NAME), &element(tag, name)]);
    Ok(sequence(&[&element(tag::SET, &attribute)]))
}

/// From now on for a number of days.
fn validity(now: i128, days: i64) -> Result<Vec<u8>, String> {
    let length = days.wrapping_mul(24 * 3_600 * duration::SECOND);
    let second = i128::from(duration::SECOND);
    let times = [now, now + i128::from(length)].map(|time| timestamp(&Civil::new(time.div_euclid(second))));
    let [from, until] = times;
    Ok(sequence(&[&from?, &until?]))
}

fn timestamp(time: &Civil) -> Result<Vec<u8>, String> {
    let rest = format!("{:02}{:02}{:02}{:02}{:02}Z", time.month, time.day, time.hour, time.minute, time.second);
    match time.year {
        1950..2050 => Ok(element(tag::UTC_TIME, format!("{:02}{rest}", time.year % 100).as_bytes())),
        0..10_000 => Ok(element(tag::GENERALIZED_TIME, format!("{:04}{rest}", time.year).as_bytes())),
        _ => Err("asn1: structure error: cannot represent time as GeneralizedTime".into()),
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[tag::BOOLEAN, 1, 0xFF] } else { &[] };
    sequence(&[&oid(id), flag, &element(tag::OCTET_STRING, value)])
}

fn extensions(template: &Template, subject: &[u8], bits: &[u8], signer: &[u8]) -> Result<Vec<u8>, String> {
    // Digital signature and key encipherment; certificate signing for an authority.
    let usage: &[u8] = if template.authority { &[2, 0xA4] } else { &[5, 0xA0] };
    let constraints: &[u8] = if template.authority { &[tag::BOOLEAN, 1, 0xFF] } else { &[] };
    let mut all = vec![
        extension(KEY_USAGE, true, &element(tag::BIT_STRING, usage)),
        extension(EXT_KEY_USAGE, false, &sequence(&[&oid(SERVER_AUTH), &oid(CLIENT_AUTH)])),
        extension(BASIC_CONSTRAINTS, true, &element(tag::SEQUENCE, constraints)),
    ];
    if template.authority {
        let digest = sha2::Sha256::digest(bits);
        all.push(extension(SUBJECT_KEY_ID, false, &element(tag::OCTET_STRING, &digest[..20])));
    }
    if !signer.is_empty() {
        all.push(extension(AUTHORITY_KEY_ID, false, &sequence(&[&element(0x80, signer)])));
    }
    if !template.names.is_empty() || !template.addresses.is_empty() {
        let empty = subject.len() == 2;
        all.push(extension(SUBJECT_ALT_NAME, empty, &alt_names(template)?));
    }
    Ok(element(0xA3, &element(tag::SEQUENCE, &all.concat())))
}

fn alt_names(template: &Template) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    for name in &template.names {
        if !name.is_ascii() {
            return Err(format!("x509: {} cannot be encoded as an IA5String", quote(name)));
        }
        all.extend(element(0x82, name));
    }
    for address in &template.addresses {
        match address.to_canonical() {
            IpAddr::V4(address) => all.extend(element(0x87, &address.octets())),
            IpAddr::V6(address) => all.extend(element(0x87, &address.octets())),
        }
    }
    Ok(element(tag::SEQUENCE, &all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let second = i128::from(duration::SECOND);
        for time in [0, 1_796_000_000, 2_524_607_999, 2_524_608_000, 200_000_000_000] {
            let bytes = timestamp(&Civil::new(time)).unwrap();
            assert_eq!(instant(&Reader(&bytes).next().unwrap()), Some(time * second));
        }
        assert_eq!(instant(&Reader(&element(tag::UTC_TIME, b"991399")).next().unwrap()), None);
        assert_eq!(certificate_validity(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), None);
        assert_eq!(certificate_validity(b"x"), None);
    }
}
