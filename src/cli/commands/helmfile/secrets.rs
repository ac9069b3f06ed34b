//! Secrets decrypted where `--resolve-secrets` asks for it: files of SOPS with the user's own keys of age, and by their programs else: `sops` has their
//! other keys, `vals` knows where the rest lies.
//!
//! What these programs say on their stderr is shown, what they print is not.

use std::path::Path;
use std::process::Command;

use super::programs::output_of;
use crate::pipeline::age_keys::UserKeys;
use hydrate_base::git::in_path;
use hydrate_helmfile::SecretResolver;
use hydrate_sops::{Error, Format};

/// Has the user's keys, and asks their programs.
pub(super) struct OfUser {
    /// Whether references may start any program (`ref+exec://`).
    may_start: bool,
    keys: UserKeys,
}

impl OfUser {
    pub(super) fn new(may_start: bool) -> Self {
        Self { may_start, keys: UserKeys::default() }
    }
}

impl SecretResolver for OfUser {
    fn resolve(&self, directory: &Path, reference: &str) -> Result<String, String> {
        if reference.contains("ref+exec://") && !self.may_start {
            return Err(format!("{reference} starts a program, which only `--allow-exec` allows"));
        }
        // `vals get` ends what it prints with a line break of its own.
        let printed = run("vals", &["get", reference], directory, b"")?;
        let text = String::from_utf8(printed).map_err(|_| format!("what `vals get {reference}` prints is not UTF-8"))?;
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    fn decrypt(&self, _: &str, format: &str, text: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let known = Format::of_name(format).ok_or_else(|| format!("SOPS has no format {format}"))?;
        let why = match hydrate_sops::decrypt(text, known, self.keys.identities()) {
            Ok(plain) => return Ok(Some(plain)),
            Err(why) if is_for_others(&why) => why,
            Err(why) => return Err(format!("it cannot be decrypted: {why}")),
        };
        if in_path("sops").is_none() {
            let problems: String = self.keys.problems().iter().map(|problem| format!("; {problem}")).collect();
            return Err(format!("{why}{problems}; `sops`, which may have other keys, is not in PATH"));
        }
        run("sops", &["--decrypt", "--input-type", format, "--output-type", format, "/dev/stdin"], Path::new("/"), text).map(Some)
    }
}

/// Whether `sops` may still have a key, or an opinion.
fn is_for_others(why: &Error) -> bool {
    matches!(why, Error::NoIdentity { .. } | Error::OtherServices(_) | Error::KeyGroups | Error::Metadata(_))
}

/// Runs a program with a text on its stdin; what it prints.
fn run(name: &str, arguments: &[&str], directory: &Path, input: &[u8]) -> Result<Vec<u8>, String> {
    let program = in_path(name).ok_or_else(|| format!("the program `{name}` is not in PATH: install it"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    output_of(command, name, input)
}
