//! Checksums and hashes of passwords.

use super::super::args::{self, Out, bytes, lossy};
use super::COSTLY;
use hmac::Mac;
use hydrate_base::hash::hex;
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::budget;
use sha2::Digest;

/// `sha1sum TEXT`.
pub(crate) fn sha1sum(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(hex(&sha1::Sha1::digest(bytes(args, 0))))
}

/// `sha256sum TEXT`.
pub(crate) fn sha256sum(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(hex(&sha2::Sha256::digest(bytes(args, 0))))
}

/// `sha512sum TEXT`.
pub(crate) fn sha512sum(_: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(hex(&sha2::Sha512::digest(bytes(args, 0))))
}

/// `adler32sum TEXT`: in decimal.
pub(crate) fn adler32sum(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (mut low, mut high) = (1_u32, 0_u32);
    for chunk in bytes(args, 0).chunks(5000) {
        for byte in chunk {
            low += u32::from(*byte);
            high += low;
        }
        low %= 65521;
        high %= 65521;
    }
    args::string((high << 16 | low).to_string())
}

/// `bcrypt TEXT`: of cost 10; a text longer than 72 bytes gives Go's error as its result.
pub(crate) fn bcrypt(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(bcrypted(vm, bytes(args, 0)))
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

/// `htpasswd USER PASSWORD`.
pub(crate) fn htpasswd(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let user = bytes(args, 0);
    if user.contains(&b':') {
        return args::string([b"invalid username: ", user].concat());
    }
    args::string([user, b":", bcrypted(vm, bytes(args, 1)).as_bytes()].concat())
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

/// `derivePassword COUNTER KIND PASSWORD USER SITE`: the Master Password algorithm.
pub(crate) fn derive_password(_: &mut Vm<'_>, args: &[Value]) -> Out {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let kind = bytes(args, 1);
    let Some((_, templates)) = TEMPLATES.iter().find(|(name, _)| *name == kind) else {
        return args::string(format!("cannot find password template {}", lossy(args, 1)));
    };
    if !budget::spend_at_once(COSTLY) {
        return Err("passwords take too long to derive".into());
    }
    let length = |text: &[u8]| (text.len() as u32).to_be_bytes();
    let (user, site) = (bytes(args, 3), bytes(args, 4));
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    let derived = scrypt::Params::new(15, 8, 2, 64).map(|params| scrypt::scrypt(bytes(args, 2), &salt, &params, &mut key));
    let Ok(mut hmac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key) else {
        return Err(format!("derivePassword: {derived:?}").into());
    };
    hmac.update(&[SEED, &length(site), site, &(args::int(args, 0) as u32).to_be_bytes()].concat());
    let seed = hmac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letter = |(element, seed): (u8, &u8)| class(element)[usize::from(*seed) % class(element).len()];
    args::string(template.bytes().zip(&seed[1..]).map(letter).collect::<Vec<u8>>())
}
