//! What helmfiles say of their releases, for whoever says the same in another way.

use std::path::PathBuf;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_gotmpl::encode::to_json;
use hydrate_gotmpl::{Map, Value};

use crate::chartify::{Directory, Patches};
use crate::load::Context;
use crate::plan::{self, Release, TemplateOptions};
use crate::visit::{self, Ready};
use crate::{charts, needs, paths, record, release_values, secrets};

/// A helmfile and its releases.
pub struct Described {
    /// The file.
    pub file: PathBuf,
    /// The values of its environment, as JSON.
    pub values: String,
    /// The environments that it has.
    pub environments: Vec<String>,
    /// Its text and that of its bases, part by part, as it was read: what templates gave, where there are any.
    pub parts: Vec<Arc<SourceFile>>,
    /// Its releases: first those that are rendered, in the order in which they are printed.
    pub releases: Vec<DescribedRelease>,
}

/// A release as its helmfile says it.
pub struct DescribedRelease {
    /// Its name.
    pub name: String,
    /// Its namespace; empty where it says none.
    pub namespace: String,
    /// What others name in their `needs`: `[CONTEXT/][NAMESPACE/]NAME`.
    pub id: String,
    /// The ids of those that it needs.
    pub needs: Vec<String>,
    /// What helm is asked for; nothing where the release is not installed or its condition is not met.
    pub release: Option<Release>,
    /// The entries of its `values`.
    pub values: Vec<ValuesEntry>,
    /// What it has in the place of a chart, and where that is.
    pub directory: Option<(PathBuf, Directory)>,
    /// Patches over what its chart renders.
    pub patches: Patches,
    /// What else it says that concerns what is rendered, and is neither chart nor values: the keys, with what they say where that is short.
    pub beyond: Vec<String>,
}

/// An entry of the `values` of a release.
#[derive(Debug, Clone)]
pub enum ValuesEntry {
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// What helm gets of it: executed, where it is a template.
        text: Arc<[u8]>,
    },
    /// A file that is not there, and need not be.
    Missing {
        /// Its path, or a pattern.
        path: PathBuf,
    },
    /// What is written in the helmfile itself.
    Inline {
        /// What helm gets.
        text: Arc<[u8]>,
    },
}

/// A helmfile that is ready, described.
pub(crate) fn of(context: &Context<'_>, ready: &Ready, options: &TemplateOptions) -> Result<Described> {
    let state = &ready.state;
    let planned = charts::with_locked_versions(context, state, visit::planned(ready, options.needs)?)?;
    let ids: Vec<String> = planned.iter().map(needs::id).collect();
    let shown = paths::shown(&state.file, context.root);
    let mut releases = Vec::new();
    for release in &planned {
        let name = record::text(release, "name");
        releases.push(rendered(context, ready, release, options).map_err(|error| error.note(format!("in release \"{name}\" of {shown}")))?);
    }
    releases.extend(ready.releases.iter().filter(|release| !ids.contains(&needs::id(release))).map(plain));
    let json = to_json(&Value::Map(state.values.clone()), context.version().go()).map_err(Diagnostic::error)?;
    let specs = record::map(&state.fields, "environments");
    Ok(Described {
        file: state.file.clone(),
        values: String::from_utf8_lossy(&json).into_owned(),
        environments: specs.entries().keys().map(|name| name.to_str_lossy().into_owned()).collect(),
        parts: context.messages.parts.borrow().iter().map(|(_, part)| Arc::clone(part)).collect(),
        releases,
    })
}

fn plain(release: &Map) -> DescribedRelease {
    DescribedRelease {
        name: record::text(release, "name"),
        namespace: record::text(release, "namespace"),
        id: needs::id(release),
        needs: record::texts(release, "needs"),
        release: None,
        values: Vec::new(),
        directory: None,
        patches: Patches::default(),
        beyond: Vec::new(),
    }
}

fn rendered(context: &Context<'_>, ready: &Ready, release: &Map, options: &TemplateOptions) -> Result<DescribedRelease> {
    let values = release_values::entries(context, &ready.state, release)?;
    let planned = plan::one(context, &ready.state, release, options)?;
    let made_of = planned.made_of.as_ref().and_then(|(made_of, _)| made_of.described());
    let mut beyond = beyond(release, &planned, &values);
    if made_of.is_some() {
        beyond.retain(|key| key != "jsonPatches" && key != "strategicMergePatches");
    }
    let (directory, patches) = made_of.unwrap_or_default();
    let path = paths::join(&ready.state.base, &record::text(release, "chart"));
    let directory = directory.map(|directory| (path, directory));
    Ok(DescribedRelease { release: Some(planned), values, directory, patches, beyond, ..plain(release) })
}

/// Keys of a release that ask for more than a chart with values.
fn beyond(release: &Map, planned: &Release, values: &[ValuesEntry]) -> Vec<String> {
    const KEYS: &[&str] =
        &["secrets", "env", "jsonPatches", "strategicMergePatches", "transformers", "dependencies", "forceNamespace", "chartify"];
    let is_there = |key: &&&str| release.get(key.as_bytes()).is_some_and(|value| !value.is_empty());
    let mut found: Vec<String> = KEYS.iter().filter(is_there).map(|key| (*key).to_owned()).collect();
    found.extend(hooks(release));
    let has_reference = |text: &[u8]| secrets::has_mark(text) && !secrets::references(&String::from_utf8_lossy(text)).is_empty();
    let is_secret = values.iter().any(|entry| match entry {
        ValuesEntry::File { text, .. } | ValuesEntry::Inline { text } => has_reference(text),
        ValuesEntry::Missing { .. } => false,
    });
    if is_secret || planned.options.values.set.iter().chain(&planned.options.values.string).any(|text| has_reference(text.as_bytes())) {
        found.push("references to secrets".to_owned());
    }
    let (options, own) = (&planned.options, values.iter().filter(|entry| !matches!(entry, ValuesEntry::Missing { .. })).count());
    let secrets = record::list(release, "secrets").len();
    let said = [
        (options.is_upgrade, "--is-upgrade"),
        (options.values.files.len() > own + secrets, "values files in `args`"),
        (!options.values.file.is_empty(), "`set` with `file`"),
        (!options.values.json.is_empty() || !options.values.literal.is_empty(), "--set-json or --set-literal"),
        (options.skip_schema_validation, "skipSchemaValidation"),
        (planned.print.no_hooks, "--no-hooks"),
        (!planned.print.show_only.is_empty(), "--show-only"),
    ];
    found.extend(said.iter().filter(|(is_said, _)| *is_said).map(|(_, what)| (*what).to_owned()));
    found
}

/// Programs that helmfile starts around the release.
fn hooks(release: &Map) -> Option<String> {
    let hooks = record::maps(release, "hooks");
    let events: Vec<String> = hooks.iter().flat_map(|hook| record::texts(hook, "events")).collect();
    (!hooks.is_empty()).then(|| if events.is_empty() { "hooks".to_owned() } else { format!("hooks ({})", events.join(", ")) })
}
