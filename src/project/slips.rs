//! What is easily mistaken and would pass in silence: names that mean nothing, files that nobody reads.

use std::collections::BTreeMap;
use std::path::Path;

use hydrate_base::{Diagnostic, FileKind, World, suggest};

use super::{Loaded, Project};

/// Warnings about the files of a project; `environments` are the names of those that it has.
pub fn find(world: &dyn World, project: &Project, all: &BTreeMap<String, Loaded>, environments: &[String]) -> Vec<Box<Diagnostic>> {
    let mut found = Vec::new();
    for component in all.values().flatten() {
        let of_sources = component.sources.iter().flatten().flat_map(|spec| spec.environments.iter().flatten());
        for name in component.environments.iter().flatten().chain(of_sources) {
            let bare = name.text.trim_start_matches('!');
            if !bare.contains(['*', '?']) && !environments.iter().any(|known| known == bare) {
                let close = suggest::closest(bare, environments.iter().map(String::as_str));
                let mut warning = name.error(
                    format!("there is no environment `{bare}`"),
                    close.map(|close| format!("did you mean `{close}`?")).unwrap_or_default(),
                );
                warning.severity = hydrate_base::Severity::Warning;
                found.push(warning.note(format!("environments here: {}", environments.join(", "))));
            }
        }
        if component.sources.is_none() {
            let dir = component.dir.join("templates");
            found.extend(plain_templates(world, &dir, &project.shown(&dir)));
        }
    }
    found
}

/// Files in templates/ that the convention does not take.
fn plain_templates(world: &dyn World, dir: &Path, shown: &str) -> Vec<Box<Diagnostic>> {
    let is_plain = |name: &&String| name.ends_with(".yaml") || name.ends_with(".yml");
    let warning = |name: &String| {
        Diagnostic::warning(format!("{shown}/{name} is not rendered: templates end in .j2"))
            .help(format!("rename it to {name}.j2, or move it to raw/, where plain YAML lies"))
    };
    world.list(dir).unwrap_or_default().iter().filter(is_plain).map(warning).collect()
}

/// A file whose name ends in .yml where only .yaml is read.
pub(super) fn misspelt(world: &dyn World, dir: &Path, stem: &str, shown: &str) -> Option<Box<Diagnostic>> {
    let is_file = |name: String| world.kind(&dir.join(name)).is_ok_and(|kind| kind == FileKind::File);
    let wrong = is_file(format!("{stem}.yml")) && !is_file(format!("{stem}.yaml"));
    wrong.then(|| Diagnostic::error(format!("{shown}{stem}.yml is not read")).help(format!("rename it to {stem}.yaml")))
}
