//! Files that are encrypted with age itself, without SOPS.

use crate::{Error, Identities};

/// The bytes of a file that is encrypted with age itself.
///
/// # Errors
/// Where no identity is that of a recipient, and where the file is not as it was encrypted.
pub fn decrypt_age(text: &[u8], identities: &Identities) -> Result<Vec<u8>, Error> {
    identities.open_file(text)?.ok_or(Error::NoIdentityOfAge(identities.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use age::armor::{ArmoredWriter, Format};

    use super::*;
    use crate::new_key;

    fn encrypted(text: &[u8], recipient: &str, format: Format) -> Vec<u8> {
        let recipient: age::x25519::Recipient = recipient.parse().unwrap();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
        let mut bytes = Vec::new();
        let mut writer = encryptor.wrap_output(ArmoredWriter::wrap_output(&mut bytes, format).unwrap()).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().and_then(ArmoredWriter::finish).unwrap();
        bytes
    }

    #[test]
    fn files_of_age_are_decrypted_as_they_are_and_in_letters() {
        let ((key, recipient), (other, _)) = (new_key(), new_key());
        let (mut ours, mut theirs) = (Identities::default(), Identities::default());
        ours.add_keys(&key, false).unwrap();
        theirs.add_keys(&other, false).unwrap();
        for format in [Format::Binary, Format::AsciiArmor] {
            let file = encrypted(b"a: 1\n", &recipient, format);
            assert_eq!(decrypt_age(&file, &ours).unwrap(), b"a: 1\n");
            assert_eq!(decrypt_age(&file, &theirs), Err(Error::NoIdentityOfAge(1)));
            let mut changed = file.clone();
            let last = changed.len() - 40;
            changed[last] ^= 1;
            assert!(matches!(decrypt_age(&changed, &ours), Err(Error::Age(_))));
            assert!(matches!(decrypt_age(&file[..file.len() / 2], &ours), Err(Error::Age(_))));
        }
    }
}
