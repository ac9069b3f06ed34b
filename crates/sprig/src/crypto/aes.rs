//! AES-256 in CBC mode, with the password's bytes as the key.

use super::super::args::{self, Out, bytes};
use super::super::encoding::decode64;
use super::random::decided;
use ::aes::Aes256;
use base64::Engine;
use cbc::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit, generic_array::GenericArray};
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;

const BLOCK: usize = 16;

/// The first 32 bytes of the password, zeros where it is shorter.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let used = password.len().min(32);
    key[..used].copy_from_slice(&password[..used]);
    key
}

/// `encryptAES PASSWORD TEXT`: base 64 of a random block and the encrypted text.
pub(crate) fn encrypt_aes(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 1);
    if text.is_empty() {
        return args::string("");
    }
    let password = key(bytes(args, 0));
    let could_give = |kept: &[u8]| decrypt(&password, kept).is_some_and(|plain| plain == text);
    decided(vm, "encryptAES", &[], could_give, || args::string(encrypted(vm, &password, text)))
}

/// The text that something decrypts to, where it is something that `encryptAES` makes.
fn decrypt(password: &[u8; 32], encrypted: &[u8]) -> Option<Vec<u8>> {
    let all = decode64(encrypted).ok()?;
    let (start, rest) = all.split_at_checked(BLOCK)?;
    if rest.is_empty() || !rest.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut out = decrypted(password, start, rest);
    let padding = usize::from(*out.last()?);
    let length = out.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
    out.truncate(length);
    Some(out)
}

/// Whole blocks decrypted, padding and all.
fn decrypted(password: &[u8; 32], start: &[u8], blocks: &[u8]) -> Vec<u8> {
    let mut cipher = cbc::Decryptor::<Aes256>::new(password.into(), GenericArray::from_slice(start));
    let mut out = blocks.to_vec();
    for block in out.chunks_exact_mut(BLOCK) {
        cipher.decrypt_block_mut(GenericArray::from_mut_slice(block));
    }
    out
}

fn encrypted(vm: &Vm<'_>, password: &[u8; 32], text: &[u8]) -> String {
    let padding = BLOCK - text.len() % BLOCK;
    let mut out = vec![0; BLOCK];
    vm.world().random(&mut out);
    let mut cipher = cbc::Encryptor::<Aes256>::new(password.into(), GenericArray::from_slice(&out));
    out.extend_from_slice(text);
    out.resize(out.len() + padding, padding as u8);
    for block in out[BLOCK..].chunks_exact_mut(BLOCK) {
        cipher.encrypt_block_mut(GenericArray::from_mut_slice(block));
    }
    base64::engine::general_purpose::STANDARD.encode(out)
}

/// `decryptAES PASSWORD TEXT`: what `encryptAES` was given; Go's panics for what it never gives.
pub(crate) fn decrypt_aes(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = bytes(args, 1);
    if text.is_empty() {
        return args::string("");
    }
    let all = decode64(text).map_err(|at| format!("illegal base64 data at input byte {at}"))?;
    let capacity = text.len() / 4 * 3;
    let Some((start, rest)) = all.split_at_checked(BLOCK) else {
        return Err(match capacity < BLOCK {
            true => format!("runtime error: slice bounds out of range [:16] with capacity {capacity}").into(),
            false => format!("runtime error: slice bounds out of range [16:{}]", all.len()).into(),
        });
    };
    if !rest.len().is_multiple_of(BLOCK) {
        return Err("crypto/cipher: input not full blocks".into());
    }
    let mut out = decrypted(&key(bytes(args, 0)), start, rest);
    let padding = i64::from(*out.last().ok_or("runtime error: index out of range [-1]")?);
    let end = out.len() as i64 - padding;
    let end = usize::try_from(end).map_err(|_| format!("runtime error: slice bounds out of range [:{end}]"))?;
    out.truncate(end);
    args::string(out)
}
