//! The flags of helmfile 1.7 and 0.166, and hydrate's own.
//!
//! Follows `cmd/*.go` of helmfile. A flag is one line.

use crate::cli::drop_in::OWN_FLAGS;
use crate::cli::pflag::{Flag, FlagKind, switch, value};

/// What all commands have.
const GLOBAL: &[Flag] = &[
    value("file", FlagKind::Text, "The helmfile, or a directory of helmfiles [HELMFILE_FILE_PATH]").short('f'),
    value("environment", FlagKind::Text, "The environment [HELMFILE_ENVIRONMENT, or default]").short('e'),
    value("selector", FlagKind::Texts, "Only releases with these labels: foo=bar,baz!=bat").short('l'),
    value("state-values-set", FlagKind::Texts, "Set state values: a.b=1,c=x"),
    value("state-values-set-string", FlagKind::Texts, "Set state values that are texts"),
    value("state-values-file", FlagKind::Texts, "State values from a file"),
    value("namespace", FlagKind::Text, "Namespace of all releases [HELMFILE_NAMESPACE]").short('n'),
    value("chart", FlagKind::Text, "Chart of all releases").short('c'),
    value("kube-context", FlagKind::Text, "Context of all releases [HELMFILE_KUBE_CONTEXT]"),
    switch("allow-no-matching-release", "No error where the selectors match no release"),
    switch("help", "").short('h'),
    // What changes nothing of what is rendered from charts on this disk.
    value("helm-binary", FlagKind::Text, "").short('b'),
    value("kustomize-binary", FlagKind::Text, "").short('k'),
    switch("skip-deps", ""),
    switch("skip-refresh", ""),
    switch("strip-args-values-on-exit-error", ""),
    switch("disable-force-update", ""),
    switch("enforce-plugin-verification", ""),
    switch("oci-plain-http", ""),
    value("repo-retries", FlagKind::Int, ""),
    switch("quiet", "").short('q'),
    value("kubeconfig", FlagKind::Text, ""),
    switch("debug", ""),
    switch("color", ""),
    switch("no-color", ""),
    value("log-level", FlagKind::Text, ""),
    switch("enable-live-output", ""),
    switch("interactive", "").short('i'),
    switch("sequential-helmfiles", ""),
];

/// What `template` has beyond that.
const TEMPLATE: &[Flag] = &[
    value("args", FlagKind::Text, "Flags for helm"),
    value("template-args", FlagKind::Text, "More flags for helm"),
    value("set", FlagKind::Texts, "Set values of all releases"),
    value("values", FlagKind::Texts, "Values files for all releases"),
    value("output-dir", FlagKind::Text, "Write files below this directory instead of stdout"),
    value("output-dir-template", FlagKind::Text, "Template for the directory of each release"),
    switch("include-crds", "Include the CRDs in crds/"),
    switch("skip-tests", "Leave out tests"),
    switch("no-hooks", "Leave out hooks"),
    switch("skip-needs", "Leave out what chosen releases need [default: true]"),
    switch("include-needs", "Also what chosen releases need"),
    switch("include-transitive-needs", "Also what that needs"),
    switch("enforce-needs-are-installed", "Fail where something needed has installed: false"),
    value("kube-version", FlagKind::Text, "Kubernetes version for .Capabilities.KubeVersion"),
    value("show-only", FlagKind::Texts, "Show only manifests of these templates"),
    switch("skip-schema-validation", "Do not validate values against values.schema.json"),
    // What would need a cluster or a program: refused.
    switch("validate", "Not supported: it asks a cluster"),
    value("post-renderer", FlagKind::Text, "Not supported: it runs a program"),
    value("post-renderer-args", FlagKind::Texts, "Not supported: it runs a program"),
    // What changes nothing.
    value("concurrency", FlagKind::Int, ""),
    switch("skip-cleanup", ""),
];

const LIST: &[Flag] = &[value("output", FlagKind::Text, "`json` prints JSON"), switch("keep-temp-dir", ""), switch("skip-charts", "")];

const BUILD: &[Flag] = &[switch("embed-values", "With the content of values files in place of their paths")];

const PRINT_ENV: &[Flag] = &[value("output", FlagKind::Text, "yaml or json [default: yaml]").short('o')];

const WRITE_VALUES: &[Flag] = &[
    value("set", FlagKind::Texts, ""),
    value("values", FlagKind::Texts, "Values files for all releases"),
    value("output-file-template", FlagKind::Text, "Template for the file of each release"),
    value("concurrency", FlagKind::Int, ""),
    switch("skip-cleanup", ""),
];

/// What helmfile 0.166 does not have.
pub(super) const NEW_IN_V1: &[&str] =
    &["no-hooks", "skip-schema-validation", "enforce-needs-are-installed", "skip-refresh", "template-args"];

/// hydrate's own.
const OWN: &[Flag] = &[
    value("compat", FlagKind::Text, "Whose bytes: v0 (helmfile 0.166 with helm 3.17) or v1 (1.7 with helm 4.3) [HYDRATE_HELMFILE_COMPAT]"),
    switch("resolve-secrets", "Decrypt `secrets` with your sops, and resolve ref+… (echo, file, sops; others with your vals)"),
    switch("allow-exec", "Let `exec` in templates start programs [HYDRATE_ALLOW_EXEC]; never where CI is set"),
];

/// The commands that render, with their flags and what they do.
pub(super) const COMMANDS: &[(&str, &[Flag], &str)] = &[
    ("template", TEMPLATE, "Print what the releases render to"),
    ("list", LIST, "List the releases"),
    ("build", BUILD, "Print the helmfiles as they were read"),
    ("show-dag", &[], "Print the releases in groups, by what they need"),
    ("print-env", PRINT_ENV, "Print the values of the environment"),
    ("write-values", WRITE_VALUES, "Write the values of each release to a file"),
];

/// The flags of a command.
pub(super) fn of(command: &str) -> Vec<Flag> {
    let own = COMMANDS.iter().find(|(name, _, _)| *name == command).map_or(&[] as &[Flag], |(_, flags, _)| *flags);
    GLOBAL.iter().chain(own).chain(OWN).chain(OWN_FLAGS).copied().collect()
}

/// All flags, to find the command among them.
pub(super) fn all() -> Vec<Flag> {
    let mut all: Vec<Flag> = GLOBAL.iter().chain(OWN).chain(OWN_FLAGS).copied().collect();
    for flag in COMMANDS.iter().flat_map(|(_, flags, _)| *flags) {
        if all.iter().all(|known| known.name != flag.name) {
            all.push(*flag);
        }
    }
    all
}
