//! Private keys: making, reading, writing and signing with them.

use super::super::args::{self, Out, bytes, lossy};
use super::COSTLY;
use super::der::{self, Reader, bit_string, element, from_pem, integer, oid, sequence, tag, to_pem};
use super::dsa::DsaKey;
use super::primes::random_prime;
use super::random::{Source, decided};
use ed25519_dalek::Signer;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::budget;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BigUint, Pkcs1v15Sign, RsaPrivateKey};
use sha2::Digest;

/// 1.2.840.113549.1.1.1, rsaEncryption
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.11, sha256WithRSAEncryption
const RSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
/// 1.2.840.10045.2.1, ecPublicKey
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, prime256v1
const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
/// 1.2.840.10045.4.3.2, ecdsa-with-SHA256
const ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// 1.3.101.112, Ed25519
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
/// What stands before a SHA-256 digest in an RSA signature.
const SHA256_PREFIX: &[u8] =
    &[0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

const NULL: &[u8] = &[tag::NULL, 0];

/// A private key.
pub(super) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    Ecdsa(Box<p256::SecretKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Dsa(Box<DsaKey>),
}

impl PrivateKey {
    /// A new RSA key of 2048 bits or more, with the exponent that Go has.
    pub(super) fn rsa(vm: &Vm<'_>, bits: usize) -> Result<Self, String> {
        if !budget::spend_at_once(4 * COSTLY) {
            return Err("keys take too long to make".to_owned());
        }
        let mut source = Source(vm.world());
        let mut prime = || BigUint::from_bytes_be(&random_prime(&mut source, bits as u64 / 2).to_bytes_be());
        let exponent = BigUint::from(65_537_u32);
        loop {
            // That fails where the exponent divides one of the primes less one, or where they are the same.
            if let Ok(key) = RsaPrivateKey::from_primes(vec![prime(), prime()], exponent.clone()) {
                return Ok(Self::Rsa(Box::new(key)));
            }
        }
    }

    /// PEM in the form Go has for each kind of key.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(key) => to_pem("RSA PRIVATE KEY", &rsa_der(key)),
            Self::Ecdsa(key) => {
                let curve = element(0xA0, &oid(P256));
                let public = element(0xA1, &bit_string(&p256_point(key)));
                let der = sequence(&[&integer(&[1]), &element(tag::OCTET_STRING, &key.to_bytes()), &curve, &public]);
                to_pem("EC PRIVATE KEY", &der)
            }
            Self::Ed25519(key) => {
                let seed = element(tag::OCTET_STRING, &element(tag::OCTET_STRING, key.as_bytes()));
                to_pem("PRIVATE KEY", &sequence(&[&integer(&[0]), &sequence(&[&oid(ED25519)]), &seed]))
            }
            Self::Dsa(key) => to_pem("DSA PRIVATE KEY", &key.to_der()),
        }
    }

    /// Reads a key; the error is the text that sprig gives.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let (kind, content) = from_pem(text).ok_or("no PEM data in input")?;
        if kind == "PRIVATE KEY" {
            return from_pkcs8(&content).map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(algorithm) = kind.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {kind}"));
        };
        let key = match algorithm {
            "RSA" => from_pkcs1(&content),
            "EC" => from_sec1(&content),
            "DSA" => DsaKey::from_der(&content).map(|key| Self::Dsa(Box::new(key))).ok_or_else(malformed),
            _ => return Err(format!("invalid private key type {kind}")),
        };
        key.map_err(|error| format!("parsing {algorithm} private key from PEM: {error}"))
    }

    /// The SubjectPublicKeyInfo, and the bits of the key in it. DSA keys have none here: they cannot sign.
    pub(super) fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let (algorithm, bits) = match self {
            Self::Rsa(key) => {
                let bits = sequence(&[&integer(&key.n().to_bytes_be()), &integer(&key.e().to_bytes_be())]);
                (sequence(&[&oid(RSA), NULL]), bits)
            }
            Self::Ecdsa(key) => (sequence(&[&oid(EC), &oid(P256)]), p256_point(key)),
            Self::Ed25519(key) => (sequence(&[&oid(ED25519)]), key.verifying_key().as_bytes().to_vec()),
            Self::Dsa(_) => return None,
        };
        Some((sequence(&[&algorithm, &bit_string(&bits)]), bits))
    }

    /// The AlgorithmIdentifier of signatures with this key.
    pub(super) fn signature_algorithm(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => sequence(&[&oid(RSA_SHA256), NULL]),
            Self::Ecdsa(_) => sequence(&[&oid(ECDSA_SHA256)]),
            Self::Ed25519(_) | Self::Dsa(_) => sequence(&[&oid(ED25519)]),
        }
    }

    /// A signature of a text.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        match self {
            Self::Rsa(key) => {
                let scheme = Pkcs1v15Sign { hash_len: Some(32), prefix: SHA256_PREFIX.into() };
                key.sign(scheme, &sha2::Sha256::digest(text)).map_err(|error| format!("crypto/rsa: {error}"))
            }
            Self::Ecdsa(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::SigningKey::from(&**key).sign(text);
                Ok(signature.to_der().as_bytes().to_vec())
            }
            Self::Ed25519(key) => Ok(key.sign(text).to_bytes().to_vec()),
            Self::Dsa(_) => Err("x509: certificate private key does not implement crypto.Signer".into()),
        }
    }
}

fn p256_point(key: &p256::SecretKey) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToEncodedPoint;
    key.public_key().to_encoded_point(false).as_bytes().to_vec()
}

fn rsa_der(key: &RsaPrivateKey) -> Vec<u8> {
    let one = BigUint::from(1_u8);
    let [p, q] = [0, 1].map(|at| key.primes().get(at).cloned().unwrap_or_default());
    let inverse = key.crt_coefficient().unwrap_or_default();
    let numbers = [key.n(), key.e(), key.d(), &p, &q, &(key.d() % (&p - &one)), &(key.d() % (&q - &one)), &inverse];
    let encoded: Vec<Vec<u8>> = numbers.iter().map(|number| integer(&number.to_bytes_be())).collect();
    element(tag::SEQUENCE, &[integer(&[0]), encoded.concat()].concat())
}

fn malformed() -> String {
    "asn1: structure error: malformed private key".into()
}

fn from_pkcs1(content: &[u8]) -> Result<PrivateKey, String> {
    let numbers = || {
        let mut reader = Reader(content).sequence()?;
        reader.integer()?;
        let mut next = || reader.integer().map(BigUint::from_bytes_be);
        Some([next()?, next()?, next()?, next()?, next()?])
    };
    let [n, e, d, p, q] = numbers().ok_or_else(malformed)?;
    let key = RsaPrivateKey::from_components(n, e, d, vec![p, q]).map_err(|error| error.to_string())?;
    Ok(PrivateKey::Rsa(Box::new(key)))
}

fn from_sec1(content: &[u8]) -> Result<PrivateKey, String> {
    let scalar = || {
        let mut reader = Reader(content).sequence()?;
        reader.integer()?;
        Some((reader.expect(tag::OCTET_STRING)?.content, reader))
    };
    let (scalar, mut rest) = scalar().ok_or_else(malformed)?;
    if let Some(curve) = rest.expect(0xA0)
        && curve.content != oid(P256)
    {
        return Err("x509: only the curve P-256 is supported".into());
    }
    p256_key(scalar)
}

fn p256_key(scalar: &[u8]) -> Result<PrivateKey, String> {
    let key = p256::SecretKey::from_slice(scalar).map_err(|_| "x509: invalid elliptic curve private key value")?;
    Ok(PrivateKey::Ecdsa(Box::new(key)))
}

fn from_pkcs8(content: &[u8]) -> Result<PrivateKey, String> {
    let parts = || {
        let mut reader = Reader(content).sequence()?;
        reader.integer()?;
        let algorithm = reader.sequence()?;
        Some((algorithm, reader.expect(tag::OCTET_STRING)?.content))
    };
    let (mut algorithm, key) = parts().ok_or_else(malformed)?;
    match algorithm.expect(tag::OID).map(|oid| oid.content) {
        Some(RSA) => from_pkcs1(key),
        Some(EC) => from_sec1(key),
        Some(ED25519) => {
            let seed = Reader(key).expect(tag::OCTET_STRING).and_then(|seed| seed.content.try_into().ok());
            let seed: [u8; 32] = seed.ok_or("x509: invalid Ed25519 private key")?;
            Ok(PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed))))
        }
        _ => Err("x509: PKCS#8 wrapping contained private key with unknown algorithm".into()),
    }
}

/// `genPrivateKey KIND`: PEM of a new key: `rsa` of 4096 bits (also for an empty kind), `dsa`, `ecdsa` or `ed25519`.
pub(crate) fn gen_private_key(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let kind = bytes(args, 0);
    if !matches!(kind, b"" | b"rsa" | b"dsa" | b"ecdsa" | b"ed25519") {
        return args::string(format!("Unknown type {}", lossy(args, 0)));
    }
    let make = || {
        let mut source = Source(vm.world());
        let key = match kind {
            b"dsa" => Ok(PrivateKey::Dsa(Box::new(DsaKey::generate(&mut source)))),
            b"ecdsa" => Ok(PrivateKey::Ecdsa(Box::new(p256::SecretKey::random(&mut source)))),
            b"ed25519" => Ok(PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::generate(&mut source)))),
            _ => PrivateKey::rsa(vm, 4096),
        };
        args::string(key.map_or_else(|error| format!("failed to generate private key: {error}"), |key| key.to_pem()))
    };
    decided(vm, "genPrivateKey", &[kind], |pem| PrivateKey::from_pem(pem).is_ok(), make)
}

/// The numbers of a DSA key share this form with those of an RSA key.
pub(super) fn numbers(content: &[u8], count: usize) -> Option<Vec<Vec<u8>>> {
    let mut reader = Reader(content).sequence()?;
    (0..count).map(|_| reader.integer().map(<[u8]>::to_vec)).collect()
}

pub(super) fn sequence_of(numbers: &[Vec<u8>]) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = numbers.iter().map(|number| der::integer(number)).collect();
    element(tag::SEQUENCE, &encoded.concat())
}
