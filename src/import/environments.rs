//! The files of environments that there are none of yet, with the values that helmfiles have for them.

use hydrate_base::World;
use hydrate_source::Data;

use super::stage::{Before, Stage};
use super::text;
use crate::project::first_files;

/// The file of an environment that there is none of yet.
#[derive(Clone)]
pub(super) struct NewEnvironment {
    /// Its path in the project.
    pub path: String,
    pub text: String,
    /// The values in it.
    pub values: Data,
}

impl NewEnvironment {
    /// The file with the values that its helmfile has, and those that stand in it already.
    pub(super) fn of(stage: &Stage<'_>, path: String, env: &str, before: &Before, standing: Option<&Self>) -> Self {
        let head = first_files::environment(stage.request.kubernetes.as_deref());
        let own = without_references(says(before.values.as_bytes()).unwrap_or_default());
        let standing_values = standing.map_or_else(Data::map, |standing| standing.values.clone());
        if own == Data::map() || own == standing_values {
            let text = standing.map_or(head, |standing| standing.text.clone());
            return NewEnvironment { path, text, values: standing_values };
        }
        let values = if standing_values == Data::map() { Some(own) } else { joined(&standing_values, &own) };
        // Where two helmfiles have different values, the first ones stand; templates that see others are executed.
        let Some(values) = values else {
            return standing.cloned().unwrap_or(NewEnvironment { path, text: head, values: Data::map() });
        };
        let written = written_values(stage, env, before, &values).unwrap_or_else(|| {
            let text = hydrate_source::compose::emit(&values.to_node()).unwrap_or_default();
            indented(&text)
        });
        NewEnvironment { path, text: format!("{head}values:\n{written}"), values }
    }
}

/// Values without those that refer to secrets: templates that see them stay in their helmfile.
fn without_references(values: Data) -> Data {
    match values {
        Data::Map(entries) => {
            let is_plain = |value: &Data| !matches!(value, Data::Text(text) if !hydrate_helmfile::references(text).is_empty());
            Data::Map(
                entries.into_iter().filter(|(_, value)| is_plain(value)).map(|(key, value)| (key, without_references(value))).collect(),
            )
        }
        Data::List(items) => Data::List(items.into_iter().map(without_references).collect()),
        other => other,
    }
}

/// The values of an environment as the helmfile has them, with their comments, where their texts one after the other say the same.
fn written_values(stage: &Stage<'_>, env: &str, before: &Before, values: &Data) -> Option<String> {
    let (seen, _) = before.releases.first()?;
    let base = seen.top.parent()?;
    let mut text = String::new();
    for part in &before.parts {
        for entry in text::environment_values(part, env) {
            let piece = match entry {
                text::EnvironmentEntry::Inline(piece) => piece,
                text::EnvironmentEntry::File(path) if path.ends_with(".yaml") || path.ends_with(".yml") => {
                    String::from_utf8(stage.disk.read(&crate::project::paths::normal(&base.join(path))).ok()?.to_vec()).ok()?
                }
                text::EnvironmentEntry::File(_) => return None,
            };
            text.push_str(piece.trim_start_matches("---\n").trim_end());
            text.push('\n');
        }
    }
    let has_twice = || {
        let keys: Vec<&str> =
            text.lines().filter(|line| !line.starts_with([' ', '#', '-'])).filter_map(|line| line.split(':').next()).collect();
        keys.iter().enumerate().any(|(at, key)| keys.iter().take(at).any(|other| other == key))
    };
    (says(text.as_bytes()).as_ref() == Some(values) && !has_twice()).then(|| indented(&text))
}

/// What a YAML text says, as the files of environments are read; `None` for what is none.
fn says(text: &[u8]) -> Option<Data> {
    let file = hydrate_base::SourceFile::new("", text);
    let root = crate::project::parse::parse(&file).ok()?;
    Some(Data::from_node(&root))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

/// Both together, where neither says otherwise about what the other one says.
fn joined(one: &Data, other: &Data) -> Option<Data> {
    match (one, other) {
        (Data::Map(one), Data::Map(other)) => {
            let mut all = one.clone();
            for (key, value) in other {
                let value = match all.get(key) {
                    Some(there) => joined(there, value)?,
                    None => value.clone(),
                };
                all.insert(key.clone(), value);
            }
            Some(Data::Map(all))
        }
        _ => (one == other).then(|| one.clone()),
    }
}
