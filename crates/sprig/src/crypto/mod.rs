//! Hashes, random texts, keys and certificates.

mod aes;
mod certs;
mod der;
mod dsa;
mod hash;
mod keys;
mod primes;
pub(super) mod random;

/// The steps that making a key or hashing a password counts for, since it takes as long as a million others.
const COSTLY: u64 = 1 << 20;

pub(super) use aes::{decrypt_aes, encrypt_aes};
pub use certs::certificate_validity;
pub(super) use certs::{
    TYPE as CERTIFICATE, build_custom, gen_ca, gen_ca_with_key, gen_self_signed, gen_self_signed_with_key, gen_signed, gen_signed_with_key,
};
pub(super) use hash::{adler32sum, bcrypt, derive_password, htpasswd, sha1sum, sha256sum, sha512sum};
pub(super) use keys::gen_private_key;
pub(super) use random::{rand_alpha, rand_alpha_num, rand_ascii, rand_bytes, rand_numeric, uuid_v4};
