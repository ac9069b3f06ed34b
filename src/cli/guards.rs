//! What is refused unless it is meant, for commands that write or check.

use crate::pipeline::Rendered;
use crate::project::Project;
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, Severity};

use super::ui::Ui;

/// The slips of a project, and where there are more than `guard` takes, that.
pub fn slips(project: &Project, rendered: &Rendered) -> Vec<Box<Diagnostic>> {
    let mut told = rendered.slips.clone();
    let limit = project.guard_of(&rendered.environment).slips;
    if let Some(limit) = limit.filter(|limit| told.len() > *limit) {
        let env = &rendered.environment.name;
        let taken = if limit == 0 { "none".to_owned() } else { format!("{limit}") };
        told.push(
            Diagnostic::error(format!("environment `{env}`: {}, and `guard` takes {taken}", counted(told.len(), "slip")))
                .help(format!("mend what is told above; if it is meant: hydrate -e {env} --yes")),
        );
    }
    told
}

/// Whether something has to be meant to be done.
pub fn are_refused(told: &[Box<Diagnostic>]) -> bool {
    told.iter().any(|one| one.severity == Severity::Error)
}

/// The same where it is meant.
pub fn meant(told: Vec<Box<Diagnostic>>) -> Vec<Box<Diagnostic>> {
    told.into_iter()
        .map(|mut one| {
            one.severity = Severity::Warning;
            one.help.retain(|help| !help.ends_with("--yes"));
            one
        })
        .collect()
}

/// The warnings of a run over several environments, each told once.
#[derive(Debug, Default)]
pub struct Warnings(Vec<Box<Diagnostic>>);

impl Warnings {
    /// Tells those that have not been told.
    pub fn tell(&mut self, ui: &Ui, warnings: &[Box<Diagnostic>]) {
        for warning in warnings {
            if !self.0.contains(warning) {
                ui.report(std::slice::from_ref(warning));
                self.0.push(warning.clone());
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Box<Diagnostic>] {
        &self.0
    }
}
