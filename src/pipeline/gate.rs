//! Nothing secret is written in plain text unless it is there already, or somebody has said why.

use std::collections::BTreeMap;

use hydrate_base::{Diagnostic, Severity};
use hydrate_source::{Document, Identity};

use crate::check::validity::{self, Against, Configured, Customs, Judgement, Policies, Release, Violation};
use crate::check::{Declared, Written, objects};
use crate::project::select::Selection;
use crate::project::{Environment, Project};
use crate::tree::{Files, lay_out};

use super::committed::CommittedTree;
use super::remedies::key;
use super::renders::Renders;

/// Finds the values that keep the charts of a component from rendering Secrets.
pub(super) type Remedies<'r> = dyn Fn(&str, &[Identity]) -> BTreeMap<String, Vec<String>> + 'r;

/// How many values are told of a Secret.
const SHOWN: usize = 3;

fn identity(violation: &Violation) -> Identity {
    let [api_version, kind, namespace, name] = violation.object.clone();
    Identity { api_version, kind, namespace, name }
}

/// What each component is not to write, as errors.
#[allow(clippy::too_many_arguments, reason = "each of them is another thing, and one function calls it")]
pub(super) fn refuse(
    project: &Project,
    environment: &Environment,
    selection: &Selection<'_>,
    rendered: &BTreeMap<String, Vec<Document>>,
    suspects: &BTreeMap<String, Vec<usize>>,
    one_file: impl Fn(&str) -> bool,
    renders: &Renders,
    remedies: &Remedies<'_>,
) -> BTreeMap<String, Vec<Box<Diagnostic>>> {
    let suspicious = suspects.iter().filter(|(_, found)| !found.is_empty()).map(|(name, _)| name);
    if suspicious.clone().next().is_none() {
        return BTreeMap::new();
    }
    let committed = CommittedTree::of(project, &environment.name, None, renders, suspicious);
    let of = |name: &String| selection.members.get(name).map(|component| &component.checks);
    let configured = configured(project, environment, rendered.keys().filter_map(|name| Some((name, of(name)?))));
    let mut refused = BTreeMap::new();
    for (name, documents) in rendered {
        let suspects = suspects.get(name).into_iter().flatten();
        let objects: Vec<_> = suspects
            .filter_map(|at| documents.get(*at))
            // What is no YAML is told by who has to read all of it.
            .filter_map(|document| objects::parse(name, document).ok())
            .collect();
        if objects.is_empty() {
            continue;
        }
        let check = |dirs: &BTreeMap<String, Files>| -> Vec<Violation> {
            let shown = format!("{}/{}", project.settings.manifests, environment.name);
            let written = Written { shown, dirs, clusters: String::new(), handover: None };
            let against = Against {
                release: Release::of(None),
                configured: &configured,
                customs: &Customs::of(&[]),
                policies: &Policies::default(),
                declared: &Declared::default(),
                committed: &committed,
                runs_hooks: true,
            };
            let mut found = validity::check_secrets(&objects, &against, &written);
            found.retain(|violation| violation.diagnostic.severity == Severity::Error);
            found
        };
        if check(&BTreeMap::new()).is_empty() {
            continue;
        }
        let all: Vec<&Document> = documents.iter().collect();
        let dirs = BTreeMap::from([(name.clone(), lay_out(&all, one_file(name)))]);
        let found = check(&dirs);
        let secrets: Vec<Identity> = found.iter().filter(|violation| violation.object[1] == "Secret").map(identity).collect();
        let remedies = if secrets.is_empty() { BTreeMap::new() } else { remedies(name, &secrets) };
        let told = |violation: Violation| {
            let values = remedies.get(&key(&identity(&violation))).map(Vec::as_slice).unwrap_or_default();
            let mut diagnostic = violation.diagnostic.note(format!("environment {}", environment.name));
            if let Some(help) = diagnostic.help.first_mut().filter(|_| !values.is_empty()) {
                let values: Vec<String> = values.iter().take(SHOWN).map(|value| format!("`{value}`")).collect();
                *help =
                    format!("with {} in its values the chart uses a Secret that is in the cluster, and renders none", values.join(" or "));
            }
            diagnostic
        };
        refused.insert(name.clone(), found.into_iter().map(told).collect::<Vec<_>>());
    }
    if let (Some(doubt), Some(first)) = (committed.into_doubt(), refused.values_mut().next()) {
        first.insert(0, doubt.note("what is committed is told, and no reason to fail; as it cannot be read, everything counts as new"));
    }
    refused
}

/// How rules are judged in an environment.
pub(super) fn configured<'j>(
    project: &Project,
    environment: &Environment,
    components: impl Iterator<Item = (&'j String, &'j Judgement)>,
) -> Configured {
    let components = components.map(|(name, judgement)| (name.clone(), judgement.clone())).collect();
    Configured { environment: environment.checks.over(&project.settings.checks), components }
}
