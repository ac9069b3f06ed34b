//! Decrypts, encrypts and updates one file; `tests/conformance/sops.py` compares this with the real `sops`.
//!
//! usage: sops_file decrypt|encrypt|update FORMAT FILE [OLD] (keys in SOPS_AGE_KEY, recipients and rule as `--age=…`, `--encrypted-regex=…`)

use std::io::Write;
use std::process::ExitCode;

use hydrate_sops::{Format, Identities, Rule, Settings, decrypt, encrypt, update};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(text) => match std::io::stdout().write_all(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let (options, words): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|argument| argument.starts_with("--"));
    let [command, format, file, rest @ ..] = &words[..] else { return Err("a command, a format and a file are needed".into()) };
    let format = Format::of_name(format).ok_or("no such format")?;
    let mut identities = Identities::default();
    identities.add_keys(&std::env::var("SOPS_AGE_KEY").unwrap_or_default(), true)?;
    let text = std::fs::read(file)?;
    let now = "2026-11-28T12:00:00Z".parse()?;
    match (command.as_str(), rest) {
        ("decrypt", []) => Ok(decrypt(&text, format, &identities)?),
        ("encrypt", []) => Ok(encrypt(&text, format, &settings(&options)?, now)?),
        ("update", [old]) => Ok(update(&std::fs::read(old)?, &text, format, None, &identities, now)?),
        _ => Err("no such command".into()),
    }
}

fn settings(options: &[&String]) -> Result<Settings, String> {
    let mut settings = Settings::default();
    for option in options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.to_owned();
        match name {
            "--age" => settings.recipients = value.split(',').map(str::to_owned).collect(),
            "--encrypted-regex" => settings.rule = Rule::EncryptedRegex(value),
            "--unencrypted-regex" => settings.rule = Rule::UnencryptedRegex(value),
            "--encrypted-suffix" => settings.rule = Rule::EncryptedSuffix(value),
            "--unencrypted-suffix" => settings.rule = Rule::UnencryptedSuffix(value),
            "--encrypted-comment-regex" => settings.rule = Rule::EncryptedCommentRegex(value),
            "--unencrypted-comment-regex" => settings.rule = Rule::UnencryptedCommentRegex(value),
            "--mac-only-encrypted" => settings.mac_only_encrypted = true,
            other => return Err(format!("no such option: {other}")),
        }
    }
    Ok(settings)
}
