//! Checksums and hashes of passwords.

use super::super::args::{self, Out, bytes, lossy};
use super::COSTLY;
use super::random::decided;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hmac::Mac;
use hydrate_base::hash::hex;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, budget};
use sha2::Digest;

/// `sha1sum TEXT`.
pub(crate) fn sha1sum(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(vm.world().checksum(hex(&sha1::Sha1::digest(bytes(args, 0)))))
}

/// `sha256sum TEXT`.
pub(crate) fn sha256sum(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(vm.world().checksum(hex(&sha2::Sha256::digest(bytes(args, 0)))))
}

/// `sha512sum TEXT`.
pub(crate) fn sha512sum(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(vm.world().checksum(hex(&sha2::Sha512::digest(bytes(args, 0)))))
}

/// `adler32sum TEXT`: in decimal.
pub(crate) fn adler32sum(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let (mut low, mut high) = (1_u32, 0_u32);
    for chunk in bytes(args, 0).chunks(5000) {
        for byte in chunk {
            low += u32::from(*byte);
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    args::string(vm.world().checksum((high << 16 | low).to_string()))
}

/// `bcrypt TEXT`: of cost 10; a text longer than 72 bytes gives Go's error as its result.
pub(crate) fn bcrypt(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let password = bytes(args, 0);
    decided(vm, "bcrypt", &[], |hash| is_hash_of(hash, password), || args::string(bcrypted(vm, password)))
}

fn bcrypted(vm: &Vm<'_>, password: &[u8]) -> String {
    const TOO_LONG: &str = "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes";
    if password.len() > 72 {
        return TOO_LONG.to_owned();
    }
    let mut salt = [0; 16];
    vm.world().random(&mut salt);
    if !budget::spend_at_once(COSTLY) {
        return String::new();
    }
    match ::bcrypt::hash_with_salt(password, 10, salt) {
        Ok(parts) => parts.format_for_version(::bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

/// Whether it is a hash that `bcrypt` makes of a password. To find that out costs as much as to make one.
fn is_hash_of(hash: &[u8], password: &[u8]) -> bool {
    let Ok(hash) = std::str::from_utf8(hash) else { return false };
    hash.starts_with("$2a$10$") && budget::spend_at_once(COSTLY) && ::bcrypt::verify(password, hash).unwrap_or(false)
}

/// `htpasswd USER PASSWORD`.
pub(crate) fn htpasswd(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let user = bytes(args, 0);
    if user.contains(&b':') {
        return args::string([b"invalid username: ", user].concat());
    }
    let password = bytes(args, 1);
    let could_give = |line: &[u8]| {
        let hash = line.strip_prefix(user).and_then(|rest| rest.strip_prefix(b":"));
        hash.is_some_and(|hash| is_hash_of(hash, password))
    };
    let make = || args::string([user, b":", bcrypted(vm, password).as_bytes()].concat());
    decided(vm, "htpasswd", &[user], could_give, make)
}

/// The shapes of a derived password by its kind: one letter for a class of characters each.
const TEMPLATES: &[(&[u8], &[&str])] = &[
    (b"maximum", &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"]),
    (
        b"long",
        &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
    ),
    (b"medium", &["CvcnoCvc", "CvcCvcno"]),
    (b"short", &["Cvcn"]),
    (b"basic", &["aaanaaan", "aannaaan", "aaannaaa"]),
    (b"pin", &["nnnn"]),
];

fn class(letter: u8) -> &'static [u8] {
    match letter {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

type MasterKey = [u8; 64];

/// How many keys are remembered: more than a project has users.
const MASTER_KEYS: usize = 1024;

/// The key of a password and a salt, which costs a tenth of a second. It depends on the user only, whose passwords are derived for one site after the
/// other, and files of values are executed many times: so the keys of a process are remembered, and cost nothing when they are asked for again.
fn master_key(password: &[u8], salt: &[u8]) -> Result<MasterKey, Failure> {
    static KNOWN: Mutex<BTreeMap<(Vec<u8>, Vec<u8>), MasterKey>> = Mutex::new(BTreeMap::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let name = (password.to_vec(), salt.to_vec());
    if let Some(key) = known().get(&name) {
        return Ok(*key);
    }
    if !budget::spend_at_once(COSTLY) {
        return Err("passwords take too long to derive".into());
    }
    let mut key = [0; 64];
    let params = scrypt::Params::new(15, 8, 2, 64).map_err(|error| format!("derivePassword: {error}"))?;
    scrypt::scrypt(password, salt, &params, &mut key).map_err(|error| format!("derivePassword: {error}"))?;
    let mut known = known();
    if known.len() < MASTER_KEYS {
        known.insert(name, key);
    }
    Ok(key)
}

/// `derivePassword COUNTER KIND PASSWORD USER SITE`: the Master Password algorithm.
pub(crate) fn derive_password(_: &mut Vm<'_>, args: &[Value]) -> Out {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = bytes(args, 1);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return args::string(format!("cannot find password template {}", lossy(args, 1)));
    };
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let (user, site) = (bytes(args, 3), bytes(args, 4));
    let salt = [SEED, &length(user), user].concat();
    let key = master_key(bytes(args, 2), &salt)?;
    let Ok(mut hmac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key) else {
        return Err("derivePassword: the key has no length".into());
    };
    hmac.update(&[SEED, &length(site), site, &(args::int(args, 0) as u32).to_be_bytes()].concat());
    let seed = hmac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letter = |(element, seed): (u8, &u8)| class(element)[usize::from(*seed) % class(element).len()];
    args::string(template.bytes().zip(&seed[1..]).map(letter).collect::<Vec<u8>>())
}
