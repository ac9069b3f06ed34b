//! Which values make a chart use a Secret that is in the cluster instead of rendering one: found by trying, so what is said is true.

use std::collections::BTreeMap;

use hydrate_base::World;
use hydrate_chart::{Chart, decode_values};
use hydrate_gotmpl::{Map, Value};
use hydrate_source::{Data, Document, HelmRelease, Identity, RemoteSource, Source, load_chart, render as render_source};

use super::plan::Job;

/// How many values of a chart are tried, which costs a rendering each.
const MOST: usize = 40;

/// What is given for the name of a Secret.
const NAME: &str = "a-secret-of-yours";

/// A value that may make a chart render no Secret: its path as `--set` has it, and what it is set to.
struct Candidate {
    path: String,
    value: Data,
}

/// For each of these objects the values that each keep the charts of a component from rendering it, as they are set.
pub(super) fn of_secrets(world: &dyn World, outside: &dyn RemoteSource, job: &Job, secrets: &[Identity]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for release in job.sources.iter().filter_map(|source| if let Source::Helm(release) = source { Some(release) } else { None }) {
        let Ok(chart) = load_chart(&release.chart, release.level, world, outside) else { continue };
        let Some(usual) = rendered(world, outside, release, None) else { continue };
        let own: Vec<&Identity> = secrets.iter().filter(|secret| has(&usual, secret)).collect();
        if own.is_empty() {
            continue;
        }
        let mut candidates = Vec::new();
        collect(&chart, release, "", &mut candidates);
        for candidate in candidates.into_iter().take(MOST) {
            let Some(other) = rendered(world, outside, release, Some(&candidate)) else { continue };
            for secret in own.iter().filter(|secret| !has(&other, secret)) {
                let shown = match &candidate.value {
                    Data::Bool(value) => format!("{}: {value}", candidate.path),
                    _ => format!("{}: NAME", candidate.path),
                };
                found.entry(key(secret)).or_default().push(shown);
            }
        }
    }
    found
}

/// An object as it is found again: charts do not always say their namespace.
pub(super) fn key(identity: &Identity) -> String {
    format!("{}/{}", identity.kind, identity.name)
}

fn has(documents: &[Document], secret: &Identity) -> bool {
    documents.iter().any(|document| key(&document.identity) == key(secret))
}

/// What a release renders, with a value changed; nothing where it renders nothing then.
fn rendered(world: &dyn World, outside: &dyn RemoteSource, release: &HelmRelease, with: Option<&Candidate>) -> Option<Vec<Document>> {
    let mut release = release.clone();
    release.set.extend(with.map(|candidate| (candidate.path.clone(), candidate.value.clone())));
    let (mut documents, mut warnings) = (Vec::new(), Vec::new());
    render_source(world, outside, &Source::Helm(Box::new(release)), &mut documents, &mut warnings).ok()?;
    Some(documents)
}

/// The values of a chart and of its dependencies that are called like ones for existing Secrets.
fn collect(chart: &Chart, release: &HelmRelease, prefix: &str, candidates: &mut Vec<Candidate>) {
    if let Some(Ok(values)) = chart.values.as_deref().map(|text| decode_values(text, release.level)) {
        walk(&values, prefix, candidates);
    }
    for dependency in chart.metadata.dependencies.iter().flatten() {
        let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if let Some(below) = chart.dependencies.iter().find(|below| below.name() == dependency.name) {
            collect(below, release, &join(prefix, name), candidates);
        }
    }
}

fn walk(values: &Map, prefix: &str, candidates: &mut Vec<Candidate>) {
    for (key, value) in values.entries().iter() {
        let key = key.to_str_lossy();
        let path = join(prefix, &key);
        let (lower, whole) = (key.to_ascii_lowercase(), path.to_ascii_lowercase());
        let names_secret = lower.contains("secret") && (lower.contains("existing") || lower.ends_with("name") || lower.ends_with("ref"));
        let makes_secret = matches!(lower.as_str(), "create" | "createsecret") && whole.contains("secret");
        match value {
            Value::Map(map) => walk(map, &path, candidates),
            Value::Nil if names_secret => candidates.push(Candidate { path, value: Data::Text(NAME.to_owned()) }),
            Value::Str(text) if names_secret && text.is_empty() => candidates.push(Candidate { path, value: Data::Text(NAME.to_owned()) }),
            Value::Bool(true) if makes_secret => candidates.push(Candidate { path, value: Data::Bool(false) }),
            _ => {}
        }
    }
}

/// A path as `--set` reads it.
fn join(prefix: &str, key: &str) -> String {
    let key = key.replace('.', "\\.");
    if prefix.is_empty() { key } else { format!("{prefix}.{key}") }
}
