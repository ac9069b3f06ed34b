//! What `helmDefaults.args` and `--args` pass on to `helm template`.
//!
//! Follows `pkg/argparser/args.go` of helmfile.

use hydrate_base::{Diagnostic, Result};

/// The flags of helm that can be passed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HelmFlags {
    pub include_crds: bool,
    pub skip_tests: bool,
    pub no_hooks: bool,
    pub is_upgrade: bool,
    pub skip_schema_validation: bool,
    pub namespace: Option<String>,
    pub kube_version: Option<String>,
    pub api_versions: Vec<String>,
    pub show_only: Vec<String>,
    pub values: Vec<String>,
    pub set: Vec<String>,
    pub set_string: Vec<String>,
    pub set_file: Vec<String>,
    pub set_json: Vec<String>,
    pub set_literal: Vec<String>,
}

/// The flags in some texts, which helmfile splits at spaces.
pub(crate) fn read(texts: &[String]) -> Result<HelmFlags> {
    let mut flags = HelmFlags::default();
    for (name, value) in collect(&texts.join(" ")) {
        put(&mut flags, &name, value.as_deref())?;
    }
    Ok(flags)
}

/// Flags with their values, those of the same name together, as helmfile collects them.
fn collect(text: &str) -> Vec<(String, Option<String>)> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for (at, word) in words.iter().enumerate().filter(|(_, word)| word.starts_with('-')) {
        let pair = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => {
                let next = words.get(at + 1).filter(|next| !next.starts_with('-'));
                ((*word).to_owned(), next.map(|next| (*next).to_owned()))
            }
        };
        let place = found.iter().rposition(|(name, _)| *name == pair.0).map_or(found.len(), |last| last + 1);
        found.insert(place, pair);
    }
    found
}

fn put(flags: &mut HelmFlags, name: &str, value: Option<&str>) -> Result<()> {
    let switch = || match value {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(Diagnostic::error(format!("invalid argument {other:?} for {name:?}, which helmfile passes on to helm"))),
    };
    let text = || {
        value
            .map(str::to_owned)
            .ok_or_else(|| Diagnostic::error(format!("flag needs an argument: {name}")).note("helmfile passes it on to helm"))
    };
    match name {
        "--include-crds" => flags.include_crds = switch()?,
        "--skip-tests" => flags.skip_tests = switch()?,
        "--no-hooks" => flags.no_hooks = switch()?,
        "--is-upgrade" => flags.is_upgrade = switch()?,
        "--skip-schema-validation" => flags.skip_schema_validation = switch()?,
        "--namespace" | "-n" => flags.namespace = Some(text()?),
        "--kube-version" => flags.kube_version = Some(text()?),
        "--api-versions" | "-a" => flags.api_versions.extend(text()?.split(',').map(str::to_owned)),
        "--show-only" | "-s" => flags.show_only.push(text()?),
        "--values" | "-f" => flags.values.push(text()?),
        "--set" => flags.set.push(text()?),
        "--set-string" => flags.set_string.push(text()?),
        "--set-file" => flags.set_file.push(text()?),
        "--set-json" => flags.set_json.push(text()?),
        "--set-literal" => flags.set_literal.push(text()?),
        _ if PASSED_OVER.contains(&name) => {}
        _ => {
            return Err(Diagnostic::error(format!("the argument {name} that is passed on to helm is not supported"))
                .note("it is in `helmDefaults.args`, `helmDefaults.templateArgs`, `--args` or `--template-args`")
                .help("hydrate renders and nothing else; leave it out, or write it where helmfile has a key for it"));
        }
    }
    Ok(())
}

/// What changes nothing of what is rendered.
const PASSED_OVER: &[&str] = &[
    "--atomic",
    "--create-namespace",
    "--debug",
    "--dependency-update",
    "--description",
    "--devel",
    "--disable-openapi-validation",
    "--force",
    "--hide-notes",
    "--insecure-skip-tls-verify",
    "--keyring",
    "--kube-context",
    "--kubeconfig",
    "--plain-http",
    "--render-subchart-notes",
    "--replace",
    "--repo",
    "--skip-crds",
    "--timeout",
    "--version",
    "--wait",
    "--wait-for-jobs",
    "--take-ownership",
    "--server-side",
    "--force-conflicts",
    "--rollback-on-failure",
    "--cleanup-on-fail",
    "--history-max",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_collected_as_helmfile_does() {
        let flags = read(&["--set a=1 --include-crds".to_owned(), "--set=b=2 -a x,y --skip-tests=false".to_owned()]).unwrap();
        assert_eq!(flags.set, ["a=1", "b=2"]);
        assert!(flags.include_crds && !flags.skip_tests);
        assert_eq!(flags.api_versions, ["x", "y"]);
    }

    #[test]
    fn what_cannot_be_passed_on_is_refused() {
        assert!(read(&["--post-renderer ./x".to_owned()]).unwrap_err().message.contains("--post-renderer"));
        assert!(read(&["--set".to_owned()]).unwrap_err().message.contains("needs an argument"));
    }
}
