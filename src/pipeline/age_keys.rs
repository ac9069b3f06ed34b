//! The user's own keys of age, looked for where `sops` looks for them: `SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `sops/age/keys.txt` in the directory of
//! configurations, and SSH keys. Follows `age/keysource.go` of SOPS 3.13.
//!
//! No program is started for them (`SOPS_AGE_KEY_CMD`), and nobody is asked for a passphrase.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hydrate_base::world::is_missing;
use hydrate_base::{DiskWorld, World};
use hydrate_sops::Identities;

/// The keys of the user, looked for when they are first needed.
#[derive(Default)]
pub struct UserKeys(OnceLock<AgeKeys>);

impl fmt::Debug for UserKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKeys")
    }
}

impl UserKeys {
    /// The keys.
    pub fn identities(&self) -> &Identities {
        &self.found().identities
    }

    /// A sentence for each place whose keys cannot be used.
    pub fn problems(&self) -> &[String] {
        &self.found().problems
    }

    fn found(&self) -> &AgeKeys {
        self.0.get_or_init(|| AgeKeys::of_user(&DiskWorld::new()))
    }
}

/// The keys that were found, and why others cannot be used.
#[derive(Debug, Default)]
pub struct AgeKeys {
    /// The keys.
    pub identities: Identities,
    /// A sentence for each place whose keys cannot be used; no part of a key.
    pub problems: Vec<String>,
}

impl AgeKeys {
    /// Looks for them.
    pub fn of_user(world: &dyn World) -> Self {
        let mut keys = Self::default();
        keys.look_for_ssh(world);
        if let Some(text) = world.variable("SOPS_AGE_KEY") {
            keys.add("SOPS_AGE_KEY", |identities| identities.add_keys(&text, true));
        }
        if let Some(path) = world.variable("SOPS_AGE_KEY_FILE") {
            keys.read(world, Path::new(&path), true);
        }
        if world.variable("SOPS_AGE_KEY_CMD").is_some() {
            keys.problems.push("SOPS_AGE_KEY_CMD names a program, which only `sops` itself starts".to_owned());
        }
        if let Some(directory) = configurations(world) {
            keys.read(world, &directory.join("sops/age/keys.txt"), false);
        }
        keys
    }

    fn look_for_ssh(&mut self, world: &dyn World) {
        let add = |identities: &mut Identities, pem: &[u8]| identities.add_ssh(pem);
        if let Some(path) = world.variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE") {
            match world.read(Path::new(&path)) {
                Ok(pem) => self.add(&path, |identities| add(identities, &pem)),
                Err(error) => self.problems.push(format!("{path} cannot be read: {error}")),
            }
        }
        let Some(home) = world.variable("HOME").map(PathBuf::from) else { return };
        for name in [".ssh/id_ed25519", ".ssh/id_rsa"] {
            // A key for other things, which is mostly locked: not a word about it.
            let _ = world.read(&home.join(name)).map(|pem| add(&mut self.identities, &pem));
        }
    }

    fn read(&mut self, world: &dyn World, path: &Path, is_named: bool) {
        match world.read(path).map(|text| String::from_utf8(text.to_vec())) {
            Ok(Ok(text)) => self.add(&path.display().to_string(), |identities| identities.add_keys(&text, false)),
            Ok(Err(_)) => self.problems.push(format!("{} is not UTF-8", path.display())),
            Err(error) if is_missing(&error) && !is_named => {}
            Err(error) => self.problems.push(format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn add(&mut self, place: &str, add: impl FnOnce(&mut Identities) -> Result<(), hydrate_sops::Error>) {
        if let Err(error) = add(&mut self.identities) {
            self.problems.push(format!("{place}: {error}"));
        }
    }
}

/// Go's `os.UserConfigDir`, but that XDG_CONFIG_HOME counts on macOS too.
fn configurations(world: &dyn World) -> Option<PathBuf> {
    let set = |name: &str| world.variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
    let own = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    if cfg!(windows) { set("AppData") } else { set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(own))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;
    use hydrate_sops::new_key;

    #[test]
    fn keys_are_found_where_sops_finds_them() {
        let all: Vec<_> = (0..4).map(|_| new_key()).collect();
        let key = |number: usize| all[number].0.as_str();
        let world = MemoryWorld::new()
            .with_variable("HOME", "/h")
            .with_variable("SOPS_AGE_KEY", &format!("{} {}", key(0), key(1)))
            .with_variable("SOPS_AGE_KEY_FILE", "/k")
            .with_file("/k", format!("# public key: x\n{}\n", key(2)))
            .with_file("/h/.config/sops/age/keys.txt", key(3));
        let found = AgeKeys::of_user(&world);
        let expected = if cfg!(target_os = "linux") { 4 } else { 3 };
        assert_eq!(all.iter().filter(|(_, recipient)| found.identities.is_of(recipient)).count(), expected);
        assert!(found.problems.is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_told_without_a_word_of_it() {
        let world = MemoryWorld::new()
            .with_variable("SOPS_AGE_KEY", "AGE-SECRET-KEY-1canary")
            .with_variable("SOPS_AGE_KEY_FILE", "/none")
            .with_variable("SOPS_AGE_KEY_CMD", "pass canary")
            .with_variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "/ssh")
            .with_file("/ssh", "canary");
        let found = AgeKeys::of_user(&world);
        assert!(found.identities.is_empty());
        assert_eq!(found.problems.len(), 4, "{:?}", found.problems);
        assert_eq!(found.problems[0], "/ssh: it is no private key of SSH");
        assert!(found.problems[2].starts_with("/none cannot be read: "));
        assert!(!format!("{found:?}").contains("canary"));
    }
}
