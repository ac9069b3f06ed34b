//! Tells the program which sources it was built from, so that nothing that another build has cached is taken for its own; and the commit, where one is known.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says the commit where there is no repository: in an archive of the sources, a container, a derivation of Nix.
const GIVEN: &str = "HYDRATE_COMMIT";

fn main() -> io::Result<()> {
    let mut hasher = DefaultHasher::new();
    for root in roots()? {
        println!("cargo:rerun-if-changed={}", root.display());
        for path in files(&root)? {
            path.hash(&mut hasher);
            fs::read(&path)?.hash(&mut hasher);
        }
    }
    println!("cargo:rustc-env=HYDRATE_SOURCES={:016x}", hasher.finish());
    println!("cargo:rerun-if-env-changed={GIVEN}");
    let given = env::var(GIVEN).ok().filter(|given| !given.is_empty());
    // A build for development does not ask: it would be made anew for each commit.
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| if is_release { commit(Path::new(".")) } else { None });
    println!("cargo:rustc-env=HYDRATE_COMMIT={}", commit.unwrap_or_default());
    Ok(())
}

/// The commit that a repository's work tree is of, with `+changes` where the sources are not those of the commit. Nothing where there is no `git`, or where
/// the directory is not the top of a work tree: an archive that was unpacked in another repository is none of its commits.
pub(crate) fn commit(directory: &Path) -> Option<String> {
    let ask = |arguments: &[&str]| {
        let done = Command::new("git").arg("--no-optional-locks").arg("-C").arg(directory).args(arguments).output().ok()?;
        let text = String::from_utf8(done.stdout).ok()?;
        done.status.success().then(|| text.trim_end().to_owned())
    };
    let top = ask(&["rev-parse", "--show-toplevel"])?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(directory).ok()? {
        return None;
    }
    // HEAD, and the reference that it names, move with each commit.
    for moving in ["HEAD", "packed-refs", &ask(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default()] {
        let path = ask(&["rev-parse", "--git-path", moving]).map(|path| directory.join(path));
        if let Some(path) = path.filter(|path| path.is_file()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    let head = ask(&["rev-parse", "--verify", "HEAD"])?;
    let changed = ask(&["status", "--porcelain", "--", "Cargo.toml", "Cargo.lock", "build.rs", "src", "crates"])?;
    Some(if changed.is_empty() { head } else { format!("{head}+changes") })
}

/// What the program is made of; the tests of the crates are not.
fn roots() -> io::Result<Vec<PathBuf>> {
    let mut crates = fs::read_dir("crates")?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    crates.sort();
    let of_crates = crates.iter().flat_map(|path| [path.join("Cargo.toml"), path.join("src")]);
    Ok(["Cargo.toml", "Cargo.lock", "src"].into_iter().map(PathBuf::from).chain(of_crates).collect())
}

/// The files at or below a path, sorted.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut all = Vec::new();
    for entry in entries {
        all.extend(files(&entry)?);
    }
    Ok(all)
}
