//! Hashes, random texts, keys and certificates.

mod hash;
pub(super) mod random;

pub(super) use hash::{adler32sum, bcrypt, derive_password, htpasswd, sha1sum, sha256sum, sha512sum};
pub(super) use random::{rand_alpha, rand_alpha_num, rand_ascii, rand_bytes, rand_numeric, uuid_v4};
