//! What `hydrate --version` says: the release, the commit that it was built from, and what it is compatible with.

use hydrate_kubernetes::schemas;

/// The release.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// The commit of the sources, with `+changes` where they were not those of the commit; empty where none was known.
const COMMIT: &str = env!("HYDRATE_COMMIT");

/// What is reproduced: the tool, and its releases with the words by which a project chooses between them.
pub const LEVELS: &[(&str, &[(&str, &str)])] =
    &[("helm", &[("4.3.1", "v4"), ("3.17.1", "v3")]), ("kustomize", &[("5.8.1", "")]), ("helmfile", &[("1.7.4", "v1"), ("0.166.0", "v0")])];

/// The commit that the program was built from, where that is known.
pub fn commit() -> Option<&'static str> {
    (!COMMIT.is_empty()).then_some(COMMIT)
}

/// The oldest and the newest release of Kubernetes whose schemas are known: `1.30`, `1.37`.
pub fn kubernetes() -> (String, String) {
    (format!("1.{}", schemas::FIRST), format!("1.{}", schemas::LAST))
}

/// One line: `0.1.0 (commit 0123456789)`
pub fn short() -> String {
    match commit() {
        Some(commit) => format!("{RELEASE} (commit {commit})"),
        // Builds of the same sources say the same, wherever they are made.
        None => format!("{RELEASE} (sources {})", env!("HYDRATE_SOURCES")),
    }
}

/// The same, and below it what the program is compatible with.
pub fn long() -> String {
    let mut text = short();
    for (tool, releases) in LEVELS {
        let releases: Vec<String> = releases
            .iter()
            .map(|(release, word)| if word.is_empty() { (*release).to_owned() } else { format!("{release} ({word})") })
            .collect();
        text.push_str(&format!("\n{tool:10}  {}", releases.join(", ")));
    }
    let (first, last) = kubernetes();
    text + &format!("\n{:10}  {first} to {last}", "kubernetes")
}
