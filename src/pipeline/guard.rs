//! What would vanish in silence: components that an environment loses, and trees whose environment has another name now.

use serde_json::{Value as Json, json};

use crate::check::slips::{LOST_COMPONENT, STRAY_DIRECTORY};
use crate::project::select::picks;
use crate::project::slips::{Slip, severity};
use crate::project::{self, Environment, Project};
use crate::tree::disk::{self, Place};
use crate::tree::{CRDS, Changes, DirChanges, INDEX, NAMESPACES};
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, Label, Result, Severity};

use super::{Rendered, place};

/// How many components are listed.
const SHOWN: usize = 8;

/// The components that an environment loses.
#[derive(Debug)]
pub struct Losses {
    /// Each with why it goes.
    pub lost: Vec<Lost>,
    /// What is to be said: an error where more is lost than may be.
    pub told: Option<Box<Diagnostic>>,
}

/// A component whose files all go.
#[derive(Debug)]
pub struct Lost {
    /// Its name.
    pub component: String,
    /// Why it goes.
    pub why: String,
    /// Where that is said.
    label: Option<Label>,
}

impl Losses {
    /// What an environment loses by these changes.
    pub fn of(project: &Project, rendered: &Rendered, place: &Place, changes: &Changes) -> Result<Self> {
        let environment = &rendered.environment;
        let is_shared = |name: &str| matches!(name, NAMESPACES | CRDS);
        let goes =
            |(name, dir): &(&String, &DirChanges)| !is_shared(name) && dir.files.is_empty() && (!dir.deleted.is_empty() || dir.reindexed);
        let lost: Vec<Lost> = changes.dirs.iter().filter(goes).map(|(name, _)| Lost::of(project, environment, name)).collect();
        if lost.is_empty() {
            return Ok(Self { lost, told: None });
        }
        let names = disk::names(&place.dir()).map_err(|error| disk::failed("read the directory", place.shown(""), &error))?;
        let standing = names.iter().filter(|name| !is_shared(name) && place.dir().join(name).join(INDEX).is_file()).count();
        let others_come = changes.dirs.iter().any(|(name, dir)| !is_shared(name) && !dir.files.is_empty());
        let all = All { count: standing.max(lost.len()), others_come };
        let told = told(project, environment, place, &lost, &all);
        Ok(Self { lost, told })
    }

    /// For machines: the components and why they go.
    pub fn json(&self) -> Json {
        self.lost.iter().map(|lost| json!({"component": lost.component, "why": lost.why})).collect()
    }
}

impl Lost {
    fn of(project: &Project, environment: &Environment, name: &str) -> Self {
        let (why, label) = why(project, environment, name);
        Self { component: name.to_owned(), why, label }
    }
}

/// Why an environment does not have a component any more, and where that is said.
fn why(project: &Project, environment: &Environment, name: &str) -> (String, Option<Label>) {
    let world = project.world();
    let env = &environment.name;
    let component = match project.component(&world, name) {
        None => return (format!("{}/{name} is not there any more", project.settings.components), None),
        Some(Err(_)) => return ("its files cannot be read".to_owned(), None),
        Some(Ok(component)) => component,
    };
    let picked = |patterns: &[project::Spanned], name: &str| picks(patterns.iter().map(|pattern| pattern.text.as_str()), name);
    if !picked(&environment.components, name) {
        let label = environment.components.first().and_then(|pattern| pattern.label.clone());
        return (format!("`components` of {} leave it out", environment.file.name), label);
    }
    if let Some(names) = component.environments.as_deref().filter(|names| !picked(names, env)) {
        return (format!("its `environments` leave {env} out"), names.first().and_then(|name| name.label.clone()));
    }
    if component.specs(&world, env).is_empty() {
        return (format!("it has nothing to render for {env}"), None);
    }
    ("nothing that it renders is left".to_owned(), None)
}

/// The components that an environment had.
struct All {
    count: usize,
    /// Whether it has others now.
    others_come: bool,
}

fn told(project: &Project, environment: &Environment, place: &Place, lost: &[Lost], all: &All) -> Option<Box<Diagnostic>> {
    let env = &environment.name;
    let limit = project.guard_of(environment).components();
    let levels = [&environment.checks, &project.settings.checks].map(|judgement| judgement.levels.get(LOST_COMPONENT.code).copied());
    let standing = all.count;
    let allowed = limit.of(standing, all.others_come);
    let is_beyond = lost.len() > allowed;
    let severity = if is_beyond { Severity::Error } else { severity(&LOST_COMPONENT, levels.into_iter().flatten().next())? };
    let message = match lost {
        [only] => format!("environment `{env}` loses its component {}, one of {standing}", only.component),
        all if all.len() == standing => format!("environment `{env}` loses all of its {standing} components"),
        all => format!("environment `{env}` loses {} of its {}", all.len(), counted(standing, "component")),
    };
    let mut told = Diagnostic::warning(message);
    told.severity = severity;
    told.code = Some(LOST_COMPONENT.code);
    if let Some(Label { file, span, .. }) = lost.first().and_then(|first| first.label.as_ref()) {
        told = told.at(file, span.clone(), "");
    }
    for one in lost.iter().take(SHOWN) {
        told = told.note(format!("{}: {}", one.component, one.why));
    }
    if lost.len() > SHOWN {
        told = told.note(format!("and {} more", lost.len() - SHOWN));
    }
    if is_beyond {
        let them = if lost.len() == 1 { "it" } else { "them" };
        let why = match allowed {
            0 => "none may go at once".to_owned(),
            allowed => format!("{allowed} of {standing} may go at once"),
        };
        let said =
            format!("what was rendered of {them} in {} would be deleted; by `guard: {{components: {limit}}}` {why}", place.shown(""));
        told = told.note(said);
    }
    Some(if severity == Severity::Error { told.help(format!("if that is meant: hydrate -e {env} --yes")) } else { told })
}

/// Directories that hydrate has written for an environment that is gone, or has another name now.
pub(super) fn of_no_environment(project: &Project, names: &[String]) -> Vec<Slip> {
    let (root, settings) = (&project.root, &project.settings);
    let (manifests, clusters) = (root.join(&settings.manifests), root.join(&settings.clusters));
    let found = |dir: &std::path::Path| disk::names(dir).unwrap_or_default();
    let is_gone = |name: &String| !names.contains(name) && project::valid_name(name);
    let mut gone: Vec<String> =
        found(&manifests).into_iter().filter(|name| is_gone(name) && holds_something(&manifests.join(name))).collect();
    let handed_over: Vec<String> =
        found(&clusters).into_iter().filter(|name| is_gone(name) && clusters.join(name).join(INDEX).is_file()).collect();
    gone.extend(handed_over.iter().cloned());
    gone.sort();
    gone.dedup();
    // An environment that has no tree yet may be one of them under its new name.
    let unwritten: Vec<&String> = names.iter().filter(|name| !holds_something(&place(project, name).dir())).collect();
    let told = |name: &String| {
        let rendered = holds_something(&manifests.join(name)).then(|| format!("{}/{name}", settings.manifests));
        let handed = handed_over.contains(name).then(|| format!("{}/{name}", settings.clusters));
        let paths: Vec<String> = rendered.into_iter().chain(handed).collect();
        let verb = if paths.len() == 1 { "was" } else { "were" };
        let paths_listed = paths.join(" and ");
        let told = Diagnostic::warning(format!("{paths_listed} {verb} rendered for an environment that is not there any more"));
        let told = match unwritten.as_slice() {
            [new] if gone.len() == 1 => {
                let moved: Vec<String> = paths.iter().map(|path| format!("git mv {path} {}", renamed(path, new))).collect();
                told.help(format!("if it is called `{new}` now: {}", moved.join(" && ")))
            }
            _ => told,
        };
        let them = if paths.len() == 1 { "it" } else { "them" };
        Slip::of_project(&STRAY_DIRECTORY, told.help(format!("delete {them}, or bring back {}/{name}.yaml", settings.environments)))
    };
    gone.iter().map(told).collect()
}

fn renamed(path: &str, name: &str) -> String {
    path.rsplit_once('/').map_or_else(|| name.to_owned(), |(dir, _)| format!("{dir}/{name}"))
}

/// Whether a directory of the tree holds components that hydrate has written.
fn holds_something(dir: &std::path::Path) -> bool {
    let names = disk::names(dir).unwrap_or_default();
    names.iter().any(|name| dir.join(name).join(INDEX).is_file())
}
