//! Digests as text.

use sha2::{Digest, Sha256};

/// The SHA-256 of `bytes` in 64 lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a text, which may come from a file or a server, looks like what [`sha256`] gives.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_nothing() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn what_looks_like_a_digest() {
        let digest = sha256(b"x");
        assert!(is_sha256(&digest));
        for other in [
            "",
            &digest[1..],
            &format!("{digest}0"),
            &digest.to_uppercase(),
            &digest.replacen(|_| true, "g", 1),
            &digest.replacen("2d", "é", 1),
        ] {
            assert!(!is_sha256(other), "{other}");
        }
    }
}
