//! The flags of `helm template`, as helm 3.17.1 and 4.3.1 have them, and hydrate's own.
//!
//! Follows `cmd/helm/{template,install,flags}.go` and `pkg/cli/environment.go` of both. A flag is one line.

use crate::cli::drop_in::{LEVEL, OWN_FLAGS};
use crate::cli::pflag::{Flag, FlagKind, switch, value};
use hydrate_chart::Level;

/// What both have.
const COMMON: &[Flag] = &[
    // Values.
    value("values", FlagKind::List, "Values files, `-` for stdin; several by repeating or with commas").short('f'),
    value("set", FlagKind::Texts, "Set values: a.b=1,c={x,y}"),
    value("set-string", FlagKind::Texts, "Set texts"),
    value("set-json", FlagKind::Texts, "Set values from JSON"),
    value("set-file", FlagKind::Texts, "Set texts from files, `-` for stdin"),
    value("set-literal", FlagKind::Texts, "Set a text as it is"),
    // The release.
    value("namespace", FlagKind::Text, "Namespace of the release [default: that of the kubeconfig's context, or default]").short('n'),
    value("name-template", FlagKind::Text, "Template for the release's name"),
    switch("generate-name", "Generate the release's name").short('g'),
    switch("is-upgrade", "Set .Release.IsUpgrade instead of .Release.IsInstall"),
    // What is rendered.
    switch("include-crds", "Include the CRDs in crds/"),
    switch("skip-crds", "Accepted: CRDs are included only with --include-crds"),
    switch("skip-tests", "Leave out tests"),
    switch("no-hooks", "Leave out hooks"),
    value("kube-version", FlagKind::Text, "Kubernetes version for .Capabilities.KubeVersion"),
    value("api-versions", FlagKind::List, "Further API versions for .Capabilities.APIVersions").short('a'),
    switch("skip-schema-validation", "Do not validate values against values.schema.json"),
    switch("dependency-update", "Take the dependencies that are vendored in charts/; what is missing is not fetched"),
    // What is printed.
    value("show-only", FlagKind::Texts, "Show only manifests of these templates").short('s'),
    value("output-dir", FlagKind::Text, "Write files into this directory instead of stdout"),
    switch("release-name", "Use the release's name in the path of --output-dir"),
    switch("debug", "Print what was rendered even where it is no YAML"),
    // Which context the namespace is from.
    value("kubeconfig", FlagKind::Text, "The kubeconfig whose context gives the namespace"),
    value("kube-context", FlagKind::Text, "The context that gives the namespace"),
    // What would need a cluster, a program or the network: refused.
    switch("validate", "Not supported: it asks a cluster"),
    value("post-renderer", FlagKind::Text, "Not supported: it runs a program"),
    value("post-renderer-args", FlagKind::Texts, "Not supported: it runs a program"),
    switch("enable-dns", "Not supported: the result would depend on the network"),
    switch("verify", "Not supported: fetch and verify the chart first"),
    value("repo", FlagKind::Text, "Not supported: fetch the chart first"),
    // What changes nothing of what is rendered from a chart on this disk.
    switch("create-namespace", ""),
    value("description", FlagKind::Text, ""),
    switch("devel", ""),
    switch("disable-openapi-validation", ""),
    switch("replace", ""),
    switch("take-ownership", ""),
    value("timeout", FlagKind::Duration, ""),
    switch("wait-for-jobs", ""),
    value("labels", FlagKind::Pairs, "").short('l'),
    value("version", FlagKind::Text, ""),
    value("keyring", FlagKind::Text, ""),
    value("username", FlagKind::Text, ""),
    value("password", FlagKind::Text, ""),
    value("cert-file", FlagKind::Text, ""),
    value("key-file", FlagKind::Text, ""),
    value("ca-file", FlagKind::Text, ""),
    switch("insecure-skip-tls-verify", ""),
    switch("plain-http", ""),
    switch("pass-credentials", ""),
    value("kube-token", FlagKind::Text, ""),
    value("kube-as-user", FlagKind::Text, ""),
    value("kube-as-group", FlagKind::Texts, ""),
    value("kube-apiserver", FlagKind::Text, ""),
    value("kube-ca-file", FlagKind::Text, ""),
    value("kube-tls-server-name", FlagKind::Text, ""),
    switch("kube-insecure-skip-tls-verify", ""),
    value("registry-config", FlagKind::Text, ""),
    value("repository-config", FlagKind::Text, ""),
    value("repository-cache", FlagKind::Text, ""),
    value("burst-limit", FlagKind::Int, ""),
    value("qps", FlagKind::Float, ""),
    switch("atomic", ""),
    switch("force", ""),
    switch("hide-notes", ""),
    switch("render-subchart-notes", ""),
    switch("help", "").short('h'),
    // Those of the logging library, which no help shows.
    switch("add-dir-header", ""),
    switch("alsologtostderr", ""),
    value("log-backtrace-at", FlagKind::Text, ""),
    value("log-dir", FlagKind::Text, ""),
    value("log-file", FlagKind::Text, ""),
    value("log-file-max-size", FlagKind::Int, ""),
    switch("logtostderr", ""),
    switch("one-output", ""),
    switch("skip-headers", ""),
    switch("skip-log-headers", ""),
    value("stderrthreshold", FlagKind::Text, ""),
    value("v", FlagKind::Int, "").short('v'),
    value("vmodule", FlagKind::Text, ""),
];

/// What helm 3.17.1 has beyond that.
const V3: &[Flag] = &[value("dry-run", FlagKind::Text, "").bare("client"), switch("wait", "")];

/// What helm 4.3.1 has beyond that.
const V4: &[Flag] = &[
    value("dry-run", FlagKind::Text, "").bare("unset"),
    switch("force-conflicts", ""),
    switch("force-replace", ""),
    switch("rollback-on-failure", ""),
    switch("server-side", ""),
    value("wait", FlagKind::Checked(wait_strategy), "").bare("watcher"),
    value("content-cache", FlagKind::Text, ""),
    value("color", FlagKind::Text, ""),
    value("colour", FlagKind::Text, ""),
];

/// Groups of flags of which helm 4.3.1 takes only one.
pub(super) const EXCLUSIVE: &[[&str; 2]] = &[["force-replace", "force-conflicts"], ["force", "force-conflicts"], ["validate", "dry-run"]];

/// All flags at a level.
pub(super) fn all(level: Level) -> Vec<Flag> {
    let own = match level {
        Level::V3 => V3,
        Level::V4 => V4,
    };
    [COMMON, own, OWN_FLAGS, &[LEVEL]].concat()
}

fn wait_strategy(text: &str) -> Result<(), String> {
    match text {
        "watcher" | "legacy" | "hookOnly" | "true" | "false" => Ok(()),
        _ => Err(format!("invalid wait input {}. Valid inputs are watcher, hookOnly, and legacy", crate::cli::pflag::go_quoted(text))),
    }
}
