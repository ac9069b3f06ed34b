//! Secrets decrypted by the programs of the user, where `--resolve-secrets` asks for it: `sops` has their keys, `vals` knows
//! where the rest lies.
//!
//! What these programs say on their stderr is shown, what they print is not.

use std::path::Path;
use std::process::Command;

use super::programs::output_of;
use hydrate_base::git::in_path;
use hydrate_helmfile::SecretResolver;

/// Asks the user's programs.
pub(super) struct OfUser {
    /// Whether references may start any program (`ref+exec://`).
    pub may_start: bool,
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

    fn decrypt(&self, format: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        run("sops", &["--decrypt", "--input-type", format, "--output-type", format, "/dev/stdin"], Path::new("/"), text)
    }
}

/// Runs a program with a text on its stdin; what it prints.
fn run(name: &str, arguments: &[&str], directory: &Path, input: &[u8]) -> Result<Vec<u8>, String> {
    let program = in_path(name).ok_or_else(|| format!("the program `{name}` is not in PATH: install it"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    output_of(command, name, input)
}
