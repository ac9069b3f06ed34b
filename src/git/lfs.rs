//! Files that Git LFS keeps: in a revision stands a pointer, with the SHA-256 of the content.

use std::collections::BTreeMap;

use hydrate_base::hash::sha256;

use super::Repository;

/// The first line of every pointer.
const HEAD: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
/// Longer texts are no pointers.
const LONGEST: usize = 1024;

/// Puts contents in the place of pointers, as far as they are on this machine. Nothing is fetched, and no filter runs.
pub(super) fn smudge(repository: &Repository, files: &mut BTreeMap<String, Vec<u8>>) {
    for bytes in files.values_mut() {
        if let Some(content) = digest(bytes).and_then(|digest| kept(repository, &digest)) {
            *bytes = content;
        }
    }
}

/// The digest that a pointer names.
fn digest(bytes: &[u8]) -> Option<String> {
    if bytes.len() > LONGEST || !bytes.starts_with(HEAD) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let digest = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    (digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| digest.to_owned())
}

fn kept(repository: &Repository, digest: &str) -> Option<Vec<u8>> {
    let path = repository.common_dir().join("lfs/objects").join(&digest[..2]).join(&digest[2..4]).join(digest);
    let is_file = std::fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
    std::fs::read(path).ok().filter(|bytes| is_file && sha256(bytes) == digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pointers_have_a_digest() {
        let oid = "a".repeat(64);
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3\n");
        assert_eq!(digest(pointer.as_bytes()), Some(oid.clone()));
        assert_eq!(digest(pointer.replace("sha256:a", "sha256:/").as_bytes()), None);
        assert_eq!(digest(pointer.replace(&oid, "aa").as_bytes()), None);
        assert_eq!(digest(format!("# {pointer}").as_bytes()), None);
        assert_eq!(digest(format!("{pointer}{}", "x\n".repeat(600)).as_bytes()), None);
    }
}
