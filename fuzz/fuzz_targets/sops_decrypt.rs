//! Any bytes as a file of SOPS that is decrypted, and compared with a plain text; the first byte chooses the format.

#![no_main]

use hydrate_sops::{Format, Identities, Settings, decrypt, encrypt, has_same_plain_parts, is_encrypted};
use libfuzzer_sys::fuzz_target;

/// The throw-away key of the tests.
const KEY: &str = include_str!("../../crates/sops/tests/recorded/throw-away-key.txt");

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let format = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary][usize::from(choice % 5)];
    let mut identities = Identities::default();
    identities.add_keys(KEY, false).expect("the key is whole");
    let _ = has_same_plain_parts(text, text, format, &Settings::default());
    let Ok(plain) = decrypt(text, format, &identities) else { return };
    assert!(is_encrypted(text, format));
    // What was decrypted can be encrypted again, and says the same then; comments may move, which only YAML and INI files have in places that differ.
    if matches!(format, Format::Yaml | Format::Ini) {
        return;
    }
    let recipient = KEY.lines().find_map(|line| line.split_once("public key: ")).expect("the key has its recipient").1;
    let settings = Settings { recipients: vec![recipient.to_owned()], ..Settings::default() };
    let now = "2026-11-28T12:00:00Z".parse().expect("a time");
    if let Ok(encrypted) = encrypt(&plain, format, &settings, now) {
        assert_eq!(decrypt(&encrypted, format, &identities).as_deref(), Ok(&plain[..]));
    }
});
