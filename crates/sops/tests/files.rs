//! Whole files: what the real `sops` has encrypted (`tests/conformance/sops.py record`), what somebody has tampered with, and generated trees.

use std::path::{Path, PathBuf};

use hydrate_sops::{
    Error, Format, Identities, Rule, Settings, decrypt, encrypt, has_same_plain_parts, is_encrypted, new_key, recipients, update,
};
use proptest::prelude::*;

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded")
}

/// The identity of the key that is there for tests alone.
fn throw_away() -> Identities {
    let mut identities = Identities::default();
    identities.add_keys(&std::fs::read_to_string(recorded().join("throw-away-key.txt")).unwrap(), false).unwrap();
    identities
}

fn cases() -> Vec<(String, Format, PathBuf)> {
    let mut cases = Vec::new();
    for directory in std::fs::read_dir(recorded()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let extension =
            ["yaml", "json", "env", "ini", "bin"].into_iter().find(|extension| directory.join(format!("plain.{extension}")).exists());
        let extension = extension.unwrap();
        cases.push((extension.to_owned(), Format::of_path(&format!("x.{extension}")), directory));
    }
    assert!(cases.len() >= 13, "{}", cases.len());
    cases
}

fn now() -> jiff::Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_sops_has_encrypted_is_decrypted_as_sops_does_it() {
    let identities = throw_away();
    for (extension, format, directory) in cases() {
        let read = |name: &str| std::fs::read(directory.join(format!("{name}.{extension}"))).unwrap();
        let decrypted = decrypt(&read("encrypted"), format, &identities).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        assert_eq!(String::from_utf8_lossy(&decrypted), String::from_utf8_lossy(&read("decrypted")), "{}", directory.display());
    }
}

#[test]
fn a_file_of_sops_is_not_touched_where_nothing_has_changed() {
    let identities = throw_away();
    for (extension, format, directory) in cases() {
        let read = |name: &str| std::fs::read(directory.join(format!("{name}.{extension}"))).unwrap();
        for name in ["plain", "decrypted"] {
            let updated = update(&read("encrypted"), &read(name), format, None, &identities, now()).unwrap();
            assert_eq!(String::from_utf8_lossy(&updated), String::from_utf8_lossy(&read("encrypted")), "{}", directory.display());
        }
    }
}

#[test]
fn what_is_encrypted_here_is_decrypted_here() {
    let identities = throw_away();
    let (key, recipient) = new_key();
    let mut own = Identities::default();
    own.add_keys(&key, false).unwrap();
    for (extension, format, directory) in cases() {
        let read = |name: &str| std::fs::read(directory.join(format!("{name}.{extension}"))).unwrap();
        let settings = Settings { recipients: vec![recipient.clone()], ..Settings::default() };
        let encrypted = encrypt(&read("plain"), format, &settings, now()).unwrap();
        assert!(is_encrypted(&encrypted, format) && !is_encrypted(&read("plain"), format));
        assert_eq!(recipients(&encrypted, format).unwrap(), [recipient.as_str()]);
        assert_eq!(String::from_utf8_lossy(&decrypt(&encrypted, format, &own).unwrap()), String::from_utf8_lossy(&read("decrypted")));
        let error = decrypt(&encrypted, format, &identities).unwrap_err();
        assert_eq!(error, Error::NoIdentity { identities: 1, recipients: vec![recipient.clone()] });
        assert!(matches!(encrypt(&encrypted, format, &settings, now()), Err(Error::Reserved(_))) || format == Format::Binary);
    }
}

const SECRET: &str =
    "kind: Secret\nmetadata:\n    name: db\ndata:\n    # the user\n    user: c2hvcA==\n    password: czNjcmV0\n    empty: \"\"\n";

/// A Secret, encrypted for a new key; with the identity for it.
fn secret() -> (String, Settings, Identities) {
    let (key, recipient) = new_key();
    let mut identities = Identities::default();
    identities.add_keys(&key, false).unwrap();
    let settings = Settings { recipients: vec![recipient], rule: Rule::of_secrets(), mac_only_encrypted: false };
    (text(encrypt(SECRET.as_bytes(), Format::Yaml, &settings, now()).unwrap()), settings, identities)
}

fn line<'t>(text: &'t str, key: &str) -> &'t str {
    text.lines().find(|line| line.trim_start().starts_with(key)).unwrap_or_else(|| panic!("no {key} in {text}"))
}

#[test]
fn only_what_the_rule_names_is_encrypted() {
    let (encrypted, ..) = secret();
    assert!(encrypted.starts_with("kind: Secret\nmetadata:\n    name: db\ndata:\n    #ENC[AES256_GCM,"), "{encrypted}");
    assert!(!encrypted.contains("c2hvcA==") && !encrypted.contains("the user") && encrypted.contains("    empty: \"\"\n"));
    assert!(encrypted.contains("    encrypted_regex: ^(data|stringData)$\n    lastmodified: \"2026-11-28T12:00:00Z\"\n    mac: ENC["));
    assert!(encrypted.ends_with(",type:str]\n    version: 3.13.2\n"));
}

#[test]
fn whatever_is_tampered_with_is_refused() {
    let (encrypted, _, identities) = secret();
    let open = |text: &str| decrypt(text.as_bytes(), Format::Yaml, &identities);
    open(&encrypted).unwrap();
    let value = |key: &str| line(&encrypted, key).split_once(": ").unwrap().1.to_owned();
    let (user, password, mac) = (value("user:"), value("password:"), value("mac:"));
    // A value at another key, an own value in its place, a part of a value, a value made plain.
    assert_eq!(open(&encrypted.replace(&password, &user)), Err(Error::Changed("data.password".to_owned())));
    assert_eq!(open(&encrypted.replace("password:", "passwort:")), Err(Error::Changed("data.passwort".to_owned())));
    let (start, end) = password.split_at(password.find(",iv:").unwrap() + 6);
    let flipped = format!("{start}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    assert_eq!(open(&encrypted.replace(&password, &flipped)), Err(Error::Changed("data.password".to_owned())));
    assert_eq!(open(&encrypted.replace(&password, "cGxhaW4=")), Err(Error::Plain("data.password".to_owned())));
    // What is not encrypted, the order, what is left out, the MAC, the time that it is bound to.
    assert_eq!(open(&encrypted.replace("name: db", "name: other")), Err(Error::Mac));
    assert_eq!(open(&encrypted.replace(&format!("    user: {user}\n"), "")), Err(Error::Mac));
    let lines = [format!("    user: {user}\n"), format!("    password: {password}\n")];
    assert_eq!(open(&encrypted.replace(&lines.concat(), &[lines[1].as_str(), &lines[0]].concat())), Err(Error::Mac));
    assert_eq!(open(&encrypted.replace(&mac, &password)), Err(Error::Mac));
    assert_eq!(open(&encrypted.replace(&mac, "\"\"")), Err(Error::Mac));
    assert_eq!(open(&encrypted.replace("12:00:00Z", "12:00:01Z")), Err(Error::Mac));
    let other = secret().0;
    assert_eq!(open(&encrypted.replace(&mac, line(&other, "mac:").split_once(": ").unwrap().1)), Err(Error::Mac));
    // The rule, the recipients, the metadata altogether.
    assert!(open(&encrypted.replace("^(data|stringData)$", "^(data)$")).is_ok(), "it says the same of these keys");
    assert_eq!(open(&encrypted.replace("^(data|stringData)$", "^x$")), Err(Error::Mac));
    assert!(matches!(open(&encrypted.replace("^(data|stringData)$", "^(")), Err(Error::Pattern { .. })));
    assert!(matches!(open(&encrypted.replace("BEGIN AGE", "BEGIN EGA")), Err(Error::NoIdentity { .. })));
    assert!(matches!(open(&encrypted.replace("        - enc:", "        - nec:")), Err(Error::Metadata(_))));
    assert!(matches!(open(&encrypted.replace("    age:", "    pgp:")), Err(Error::OtherServices(_))));
    assert_eq!(open(SECRET), Err(Error::NotEncrypted));
}

#[test]
fn other_services_and_key_groups_are_refused_by_name() {
    let open =
        |metadata: &str| decrypt(format!("a: ENC[x]\nsops: {metadata}\n").as_bytes(), Format::Yaml, &throw_away()).unwrap_err().to_string();
    let age = "{recipient: age1x, enc: x}";
    assert_eq!(
        open("{pgp: [{fp: AB, enc: x}], kms: [{arn: x, enc: y}], lastmodified: x, mac: y}"),
        "it is encrypted for AWS KMS (`kms`), PGP (`pgp`), and for no recipient of age: only `sops` itself decrypts it"
    );
    let groups = format!("{{key_groups: [{{age: [{age}]}}, {{age: [{age}]}}], shamir_threshold: 2}}");
    assert_eq!(
        open(&groups),
        "its key is split between key groups (`key_groups`, `shamir_threshold`): only `sops` itself puts those together"
    );
    assert_eq!(
        open(&format!("{{key_groups: [{{age: [{age}]}}], lastmodified: x, mac: y}}")),
        "none of the identities of age at hand (1) is that of a recipient (age1x)"
    );
    assert_eq!(open("{mac: x}"), "its metadata of SOPS is not whole: it names nobody who could decrypt the file");
    assert_eq!(open("[]"), "its metadata of SOPS is not whole: `sops` is no map");
    assert_eq!(
        open("{age: [], encrypted_regex: x, encrypted_suffix: y}"),
        "its metadata of SOPS is not whole: it has more than one rule for what is encrypted"
    );
}

#[test]
fn what_does_not_change_keeps_its_ciphertext() {
    let (encrypted, settings, identities) = secret();
    let update = |text: &str, settings: &Settings| {
        let later = "2027-01-01T00:00:00Z".parse().unwrap();
        update(encrypted.as_bytes(), text.as_bytes(), Format::Yaml, Some(settings), &identities, later)
    };
    assert_eq!(text(update(SECRET, &settings).unwrap()), encrypted);
    assert_eq!(text(update(&SECRET.replace("    ", "  "), &settings).unwrap()), encrypted, "another indentation is no change");
    let changed = SECRET.replace("czNjcmV0", "YW5vdGhlcg==");
    let updated = text(update(&changed, &settings).unwrap());
    assert_eq!(text(decrypt(updated.as_bytes(), Format::Yaml, &identities).unwrap()), changed);
    for key in ["user:", "#ENC", "recipient:", "-----BEGIN"] {
        assert_eq!(line(&updated, key), line(&encrypted, key));
    }
    assert_ne!(line(&updated, "password:"), line(&encrypted, "password:"));
    assert!(updated.contains("lastmodified: \"2027-01-01T00:00:00Z\""));
    // One more recipient gets the same key; where one is taken away, all is encrypted anew.
    let (other_key, other) = new_key();
    let both = Settings { recipients: vec![settings.recipients[0].clone(), other.clone()], ..settings.clone() };
    let updated = text(update(SECRET, &both).unwrap());
    for key in ["user:", "password:", "mac:", "lastmodified:"] {
        assert_eq!(line(&updated, key), line(&encrypted, key));
    }
    let mut others = Identities::default();
    others.add_keys(&other_key, false).unwrap();
    assert_eq!(text(decrypt(updated.as_bytes(), Format::Yaml, &others).unwrap()), SECRET);
    let updated = text(update(SECRET, &Settings { recipients: vec![other], ..settings.clone() }).unwrap());
    assert_ne!(line(&updated, "user:"), line(&encrypted, "user:"));
    assert!(decrypt(updated.as_bytes(), Format::Yaml, &identities).is_err());
    // In another order they are the same.
    let turned = Settings { recipients: both.recipients.iter().rev().cloned().collect(), ..settings.clone() };
    let with_both = text(update(SECRET, &both).unwrap());
    let again = hydrate_sops::update(with_both.as_bytes(), SECRET.as_bytes(), Format::Yaml, Some(&turned), &identities, now()).unwrap();
    assert_eq!(text(again), with_both);
    assert!(has_same_plain_parts(with_both.as_bytes(), SECRET.as_bytes(), Format::Yaml, &turned).unwrap());
    // Without the key there is no update.
    let error = hydrate_sops::update(encrypted.as_bytes(), SECRET.as_bytes(), Format::Yaml, None, &others, now());
    assert!(matches!(error, Err(Error::NoIdentity { .. })));
}

#[test]
fn what_is_not_encrypted_can_be_compared_without_a_key() {
    let (encrypted, settings, _) = secret();
    let same =
        |text: &str, settings: &Settings| has_same_plain_parts(encrypted.as_bytes(), text.as_bytes(), Format::Yaml, settings).unwrap();
    assert!(same(SECRET, &settings));
    assert!(same(&SECRET.replace("czNjcmV0", "eA=="), &settings), "that a value is another one cannot be seen");
    for (from, to) in [("name: db", "name: x"), ("password:", "passwort:"), ("    user: c2hvcA==\n", ""), ("empty: \"\"", "empty: eA==")] {
        assert!(!same(&SECRET.replace(from, to), &settings), "{from}");
    }
    assert!(!same(SECRET, &Settings { recipients: vec![new_key().1], ..settings.clone() }));
    assert!(!same(SECRET, &Settings { rule: Rule::default(), ..settings.clone() }));
    let laid_bare = encrypted.replace(line(&encrypted, "password:"), "    password: czNjcmV0");
    assert!(!has_same_plain_parts(laid_bare.as_bytes(), SECRET.as_bytes(), Format::Yaml, &settings).unwrap());
}

#[test]
fn no_part_of_a_secret_is_in_an_error() {
    let identities = throw_away();
    for bad in [
        "a: [canary",
        "canary",
        "- canary",
        "a: 1\na: canary\n",
        "a: !!int canary",
        "a: *canary",
        "? {a: canary}\n: 1\n",
        "a: 99999999999999999999",
    ] {
        for format in [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary] {
            let settings = Settings { recipients: vec!["age1canary".to_owned()], ..Settings::default() };
            for error in [decrypt(bad.as_bytes(), format, &identities).err(), encrypt(bad.as_bytes(), format, &settings, now()).err()] {
                let said = error.map(|error| format!("{error} {error:?}").replace("age1canary", "")).unwrap_or_default();
                assert!(!said.contains("canary") && !said.contains("9999999"), "{format} {bad}: {said}");
            }
        }
    }
}

#[test]
fn keys_of_ssh_are_recipients_too() {
    let public = std::fs::read_to_string(recorded().join("throw-away-ssh.pub")).unwrap();
    let settings = Settings { recipients: vec![public.trim().to_owned()], ..Settings::default() };
    let encrypted = encrypt(b"a: x\n", Format::Yaml, &settings, now()).unwrap();
    let mut identities = Identities::default();
    assert!(identities.add_ssh(b"nothing").is_err());
    identities.add_ssh(&std::fs::read(recorded().join("throw-away-ssh")).unwrap()).unwrap();
    assert!(identities.is_of(&settings.recipients[0]) && !identities.is_empty());
    assert_eq!(decrypt(&encrypted, Format::Yaml, &identities).unwrap(), b"a: x\n");
    let locked = identities.add_ssh(&std::fs::read(recorded().join("throw-away-ssh-locked")).unwrap()).unwrap_err();
    assert_eq!(locked.to_string(), "the SSH key has a passphrase, which nobody can be asked for here");
}

/// Bytes changed, taken out and put in, by a generator that is always the same.
fn spoilt(text: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut spoilt = text.to_vec();
    for _ in 0..=next(4) {
        let at = next(spoilt.len());
        match if spoilt.is_empty() { 1 } else { next(4) } {
            0 => drop(spoilt.drain(at..(at + next(40)).min(spoilt.len()))),
            1 => drop(spoilt.splice(
                at..at,
                [&b"\n"[..], b": ", b"*a", b"&a ", b"- ", b"\xff", b"ENC[", b"__list_", b"__map_"][next(9)].iter().copied(),
            )),
            2 => spoilt.extend_from_slice(&text[..next(text.len())]),
            _ => spoilt[at] = u8::try_from(next(256)).unwrap(),
        }
    }
    spoilt
}

#[test]
fn nothing_that_is_spoilt_is_more_than_an_error() {
    let identities = throw_away();
    for (extension, format, directory) in cases() {
        let encrypted = std::fs::read(directory.join(format!("encrypted.{extension}"))).unwrap();
        let plain = std::fs::read(directory.join(format!("plain.{extension}"))).unwrap();
        for seed in 0..150 {
            for text in [spoilt(&encrypted, seed), spoilt(&plain, seed)] {
                let _ = decrypt(&text, format, &identities);
                let _ = recipients(&text, format);
                let _ = has_same_plain_parts(&encrypted, &text, format, &Settings::default());
                let _ = hydrate_sops::redact(&text, format, &Rule::default());
                let _ = update(&encrypted, &text, format, None, &identities, now());
            }
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof!["\\PC{0,12}", "[ -~\n\t]{0,20}", Just("ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]".to_owned())];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        (-1e15..1e15).prop_filter_map("SOPS makes a whole number of it", |value: f64| (value.fract() != 0.0).then(|| value.into())),
        text.prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof!["[a-c]", "data", "[ -~]{1,8}", "[a-z]{1,3}_unencrypted"];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_tree_comes_back(tree in proptest::collection::btree_map("[a-d]|data|[ -~]{1,6}", json(), 1..5), only_encrypted: bool, rule in 0..4_usize) {
        let tree = serde_json::Value::Object(tree.into_iter().filter(|(key, _)| key != "sops").collect());
        let plain = tree.to_string().into_bytes();
        let rules = [Rule::default(), Rule::of_secrets(), Rule::EncryptedSuffix("b".to_owned()), Rule::UnencryptedRegex("[ab]".to_owned())];
        let (key, recipient) = new_key();
        let mut identities = Identities::default();
        identities.add_keys(&key, false).unwrap();
        let settings = Settings { recipients: vec![recipient], rule: rules[rule].clone(), mac_only_encrypted: only_encrypted };
        let encrypted = encrypt(&plain, Format::Json, &settings, now()).unwrap();
        let decrypted = decrypt(&encrypted, Format::Json, &identities).unwrap();
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&decrypted).unwrap(), tree);
        prop_assert_eq!(&update(&encrypted, &plain, Format::Json, Some(&settings), &identities, now()).unwrap(), &encrypted);
        prop_assert!(has_same_plain_parts(&encrypted, &plain, Format::Json, &settings).unwrap());
        // YAML has all of JSON.
        let encrypted = encrypt(&plain, Format::Yaml, &settings, now()).unwrap();
        let decrypted = decrypt(&encrypted, Format::Yaml, &identities).unwrap();
        prop_assert_eq!(&update(&encrypted, &decrypted, Format::Yaml, None, &identities, now()).unwrap(), &encrypted);
        prop_assert_eq!(&update(&encrypted, &plain, Format::Yaml, None, &identities, now()).unwrap(), &encrypted);
    }
}
