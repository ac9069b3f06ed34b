//! The platform in this repository, rendered as the real tools render it: tests/platform/recorded.tsv holds the digests of what helm 4.3, helm 3.17
//! and kustomize 5.8 print for every chart and kustomization under components/ (tests/platform/record.py wrote them).

use std::path::Path;
use std::process::Command;

use hydrate_base::hash::sha256;

#[test]
fn charts_and_kustomizations_render_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(root.join("tests/platform/recorded.tsv")).expect("recorded.tsv is part of the repository");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let [level, arguments, digest] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        let level = if level == "-" { "v4" } else { level };
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .args(arguments.split(' '))
            .current_dir(root)
            .env("HYDRATE_HELM_COMPAT", level)
            .output()
            .expect("the binary was built for this test");
        cases += 1;
        if !done.status.success() || sha256(&done.stdout) != digest {
            wrong.push(format!("{level}: hydrate {arguments}\n{}", String::from_utf8_lossy(&done.stderr)));
        }
    }
    assert!(cases > 30, "only {cases} cases are recorded");
    assert!(wrong.is_empty(), "{} of {cases} print something else than the real tool did:\n{}", wrong.len(), wrong.join("\n"));
}
