//! Tells the program which sources it was built from, so that nothing that another build has cached is taken for its own.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

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
    Ok(())
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
