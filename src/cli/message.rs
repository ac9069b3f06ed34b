//! The messages of commits: a subject that names the components, what became of each file, and trailers that say what it was rendered from.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::UndefinedBehavior;
use serde_json::{Value as Json, json};

use crate::git::Snapshot;
use crate::git::commit::Fates;
use crate::pipeline::charts::{ChartVersions, chart_versions};
use crate::project::Project;
use crate::tree;
use hydrate_base::plain::counted;
use hydrate_base::{Change, Result};

/// What a message is about.
pub struct Message<'a> {
    /// The project as it is committed.
    pub project: &'a Project,
    /// The environment.
    pub env: &'a str,
    /// The directory of what hands it over, the second area of the changes.
    pub clusters: &'a str,
    /// What becomes of each file.
    pub changes: &'a Fates,
    /// What becomes of each source that is committed with them.
    pub sources: &'a BTreeMap<String, Change>,
    /// The commit that is rendered, where the sources are not in this one.
    pub from: Option<&'a str>,
    /// The commit that was rendered before, where there is one.
    pub before: Option<&'a str>,
}

/// A chart whose version has changed; `None`: it was, or is, not used.
struct ChartChange {
    component: String,
    chart: String,
    old: Option<String>,
    new: Option<String>,
}

/// How many steps a template may take.
const FUEL: u64 = 100_000;

impl Message<'_> {
    /// The text: as the project's template has it, else as hydrate does.
    ///
    /// # Errors
    /// A template that cannot be rendered, or that leaves nothing to say.
    pub fn text(&self) -> Result<String> {
        let charts = self.charts();
        let trailers = self.trailers(&charts);
        let (subject, body) = (self.subject(), self.body());
        let Some(template) = &self.project.settings.commit.message else {
            let trailers = if trailers.is_empty() { String::new() } else { format!("\n{trailers}") };
            return Ok(format!("{subject}\n{body}{trailers}"));
        };
        let mut environment = minijinja::Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let change = |((area, path), change): (&(usize, String), &Change)| {
            let (component, file) = self.component_of(*area, path);
            json!({"component": component, "file": file, "change": change.word()})
        };
        let changes: Vec<_> = self.changes.iter().filter(|((_, path), _)| !is_index(path)).map(change).collect();
        let sources: Vec<_> = self.sources.iter().map(|(path, change)| json!({"path": path, "change": change.word()})).collect();
        let of_chart = |one: &ChartChange| json!({"component": one.component, "chart": one.chart, "old": one.old, "new": one.new});
        let context = json!({
            "env": self.env,
            "subject": subject,
            "body": body,
            "changes": changes,
            "sources": sources,
            "components": self.components().into_keys().collect::<Vec<_>>(),
            "charts": charts.iter().map(of_chart).collect::<Vec<_>>(),
            "source": self.from,
            "trailers": trailers,
        });
        let wrong = |why: String| template.error("the message of the commit cannot be made", "").note(why).note("nothing was committed");
        let text = environment.render_str(&template.text, to_jinja(&context)).map_err(|error| {
            wrong(format!("{error:#}"))
                .help("templates of messages see env, subject, body, changes, sources, components, charts, source and trailers")
        })?;
        if text.trim().is_empty() {
            return Err(wrong("the template gives nothing".to_owned()));
        }
        // Where the template has no place for them, they stand where Git looks for them.
        if trailers.is_empty() || template.text.contains("trailers") {
            return Ok(format!("{}\n", text.trim_end()));
        }
        Ok(format!("{}\n\n{trailers}", text.trim_end()))
    }

    /// The component of a file, and its path there.
    fn component_of<'p>(&'p self, area: usize, path: &'p str) -> (&'p str, &'p str) {
        if area == 0 { path.split_once('/').unwrap_or(("", path)) } else { (self.clusters, path) }
    }

    /// What became of the files of each component.
    fn components(&self) -> BTreeMap<&str, Vec<(&str, Change)>> {
        let mut components: BTreeMap<&str, Vec<(&str, Change)>> = BTreeMap::new();
        for ((area, path), change) in self.changes {
            let (component, file) = self.component_of(*area, path);
            components.entry(component).or_default().push((file, *change));
        }
        components.remove("");
        components
    }

    fn subject(&self) -> String {
        let components = self.components();
        let about = match components.len() {
            0 if !self.sources.is_empty() => "sources".to_owned(),
            0 => "kustomization.yaml".to_owned(),
            1..=3 => components.keys().copied().collect::<Vec<_>>().join(", "),
            many => counted(many, "component"),
        };
        format!("hydrate {}: {about}", self.env)
    }

    fn body(&self) -> String {
        let mut text = String::new();
        for (component, files) in &self.components() {
            text.push_str(&format!("\n{component}:\n"));
            for wanted in Change::ALL {
                let listed = files.iter().filter(|(file, change)| *change == wanted && !is_index(file));
                listed.for_each(|(file, _)| text.push_str(&format!("  {} {file}\n", wanted.word())));
            }
        }
        if !self.sources.is_empty() {
            text.push_str("\nrendered from:\n");
            for wanted in Change::ALL {
                let listed = self.sources.iter().filter(|(_, change)| **change == wanted);
                listed.for_each(|(path, _)| text.push_str(&format!("  {} {path}\n", wanted.word())));
            }
        }
        text
    }

    /// `Hydrated-from: COMMIT`, and `Chart: COMPONENT/CHART OLD -> NEW` for each chart of another version.
    fn trailers(&self, charts: &[ChartChange]) -> String {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
        let charts =
            charts.iter().map(|one| format!("Chart: {}/{} {} -> {}\n", one.component, one.chart, version(&one.old), version(&one.new)));
        self.from.iter().map(|from| format!("Hydrated-from: {from}\n")).chain(charts).collect()
    }

    /// The charts of components that this commit is about whose versions are others than before.
    fn charts(&self) -> Vec<ChartChange> {
        let Some(before) = self.before else { return Vec::new() };
        let Ok(then) = Snapshot::of(&self.project.root, before, self.project.world()) else { return Vec::new() };
        let old = chart_versions(&then, self.project, self.env);
        let new = chart_versions(&self.project.world(), self.project, self.env);
        let about: BTreeSet<&str> = self.components().into_keys().collect();
        changed(&old, &new).into_iter().filter(|change| about.contains(change.component.as_str())).collect()
    }
}

/// What templates see of a text, a list or a mapping; there is nothing else in a message.
fn to_jinja(value: &Json) -> minijinja::Value {
    match value {
        Json::String(text) => minijinja::Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(to_jinja).collect(),
        Json::Object(entries) => minijinja::Value::from_pairs(entries.iter().map(|(key, value)| (key.as_str(), to_jinja(value)))),
        _ => minijinja::Value::from(()),
    }
}

fn is_index(path: &str) -> bool {
    path.rsplit('/').next() == Some(tree::INDEX)
}

fn changed(old: &ChartVersions, new: &ChartVersions) -> Vec<ChartChange> {
    let keys: BTreeSet<&(String, String)> = old.keys().chain(new.keys()).collect();
    let of_key = |key: &(String, String)| {
        let (old, new) = (old.get(key).cloned(), new.get(key).cloned());
        (old != new).then(|| ChartChange { component: key.0.clone(), chart: key.1.clone(), old, new })
    };
    keys.into_iter().filter_map(of_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(env: &str, clusters: &str, changes: &Fates, sources: &BTreeMap<String, Change>) -> String {
        let home = tempfile::tempdir().unwrap();
        let project = Project::open(home.path().canonicalize().unwrap()).unwrap();
        Message { project: &project, env, clusters, changes, sources, from: None, before: None }.text().unwrap()
    }

    #[test]
    fn the_message_lists_what_became_of_each_file() {
        let change = |area: usize, path: &str, change| ((area, path.to_owned()), change);
        let mut changes = BTreeMap::from([
            change(0, "kustomization.yaml", Change::Changed),
            change(0, "loki/.hydrated", Change::Changed),
            change(0, "loki/a.yaml", Change::Deleted),
            change(0, "loki/b.yaml", Change::Created),
        ]);
        let of_loki = "loki:\n  created b.yaml\n  deleted a.yaml\n";
        let none = BTreeMap::new();
        assert_eq!(message("k3d", "clusters/k3d", &changes, &none), format!("hydrate k3d: loki\n\n{of_loki}"));
        changes.extend([change(1, ".hydrated", Change::Changed), change(1, "kustomization-loki.yaml", Change::Changed)]);
        let with_clusters = format!("hydrate k3d: clusters/k3d, loki\n\nclusters/k3d:\n  changed kustomization-loki.yaml\n\n{of_loki}");
        assert_eq!(message("k3d", "clusters/k3d", &changes, &none), with_clusters);
        let sources = BTreeMap::from([("b.yaml".to_owned(), Change::Changed), ("a.yaml".to_owned(), Change::Created)]);
        let with_sources = "hydrate k3d: sources\n\nrendered from:\n  created a.yaml\n  changed b.yaml\n";
        assert_eq!(message("k3d", "clusters/k3d", &Fates::new(), &sources), with_sources);
    }
}
