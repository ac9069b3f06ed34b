//! Charts and kustomizations of the platform as they once were (tests/platform/frozen), rendered as the real tools render them: tests/platform/recorded has
//! what helm 4.3, helm 3.17 and kustomize 5.8 print, written by tests/platform/record.py. The platform itself may change without any of those; `make
//! conformance` compares it as it is.

use std::path::Path;
use std::process::Command;

use similar::TextDiff;

#[test]
fn charts_and_kustomizations_render_as_recorded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/platform");
    let cases = std::fs::read_to_string(root.join("cases.tsv")).expect("cases.tsv is part of the repository");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines().filter(|line| !line.starts_with('#')) {
        let [name, arguments] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("two columns: {line}") };
        let done = Command::new(env!("CARGO_BIN_EXE_hydrate"))
            .args(arguments.split(' '))
            .current_dir(root.join("frozen"))
            .env("HYDRATE_HELM_COMPAT", if name.ends_with(".v3.yaml") { "v3" } else { "v4" })
            .output()
            .expect("the binary was built for this test");
        let recorded = std::fs::read_to_string(root.join("recorded").join(name)).expect("every case is recorded");
        let printed = String::from_utf8_lossy(&done.stdout);
        count += 1;
        if !done.status.success() || printed != recorded {
            let said = String::from_utf8_lossy(&done.stderr);
            let diff = TextDiff::from_lines(&*recorded, &*printed);
            wrong.push(format!("hydrate {arguments}\n{said}{}", diff.unified_diff().header(name, "hydrate")));
        }
    }
    assert_eq!(count, std::fs::read_dir(root.join("recorded")).expect("recorded answers").count(), "cases and recorded answers");
    assert!(wrong.is_empty(), "{} of {count} print something else than the real tool did:\n{}", wrong.len(), wrong.join("\n"));
}
