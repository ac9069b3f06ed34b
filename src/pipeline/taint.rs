//! What is made of secrets is not written, whatever a template makes of them.
//!
//! Secrets that engines come across (references that nothing has resolved, environment variables that hold secrets) are other texts in a second rendering, with
//! everything else as it was: what differs then is made of them. What is said of a component that knows a secret itself is said of a rendering in which all of
//! its letters are `x`, so no message and no name of an object can hold any of it.

use std::collections::BTreeMap;

use hydrate_base::decision::KeptDecision;
use hydrate_base::taint::{Alteration, Disguise, Traces};
use hydrate_base::{Diagnostic, DiskWorld};
use hydrate_source::Document;

use super::encryption::is_to_be_encrypted;
use super::fields::{Field, changed, object, shown};
use super::secrets::{holds_reference, named};
use super::stability::{Outcome, Rendering, Settled};

/// How many secrets are tried one by one, which costs a rendering each.
const MOST: usize = 50;

/// How many fields of an object are told.
const MOST_FIELDS: usize = 12;

/// How a component is rendered once more, with other secrets.
pub(super) struct Taint<'a, R> {
    /// A world that records, and in which nothing has been asked.
    pub(super) world: &'a dyn Fn() -> DiskWorld,
    /// Renders in a world.
    pub(super) render: &'a dyn Fn(&DiskWorld) -> Outcome<R>,
    /// What secrets are in the rendering that is looked at.
    pub(super) disguise: &'a Disguise,
    /// Whether references are written as they are, for something in the cluster to resolve.
    pub(super) writes_references: bool,
    /// Whether Secrets are encrypted on the way out: what is in them may be made of secrets.
    pub(super) encrypts: bool,
}

impl<R: Rendering> Taint<'_, R> {
    /// An error for each object that is made of secrets. `is_told`: where references stand as they are has been told already.
    pub(super) fn refuse(&self, settled: &Settled<R>, is_told: bool) -> Outcome<()> {
        if settled.traces.names.is_empty() {
            return Ok(());
        }
        let ours = settled.rendering.documents();
        let other = self.other(settled, Alteration::All).or_else(|_| self.other(settled, Alteration::AllButSchemes));
        let Ok(other) = other else { return Err(vec![undecided(&settled.traces)]) };
        let mut tainted = changed(ours, other.documents());
        for (document, fields) in &mut tainted {
            fields.retain(|field| !((self.writes_references || is_told) && holds_reference(&field.text)));
            fields.retain(|field| !(self.encrypts && is_to_be_encrypted(document, &field.path)));
        }
        tainted.retain(|(_, fields)| !fields.is_empty());
        if tainted.is_empty() {
            return Ok(());
        }
        let causes = self.causes(settled);
        let error = |(document, fields): &(&Document, Vec<Field>)| self.error(document, fields, &settled.traces, &causes);
        Err(tainted.iter().map(error).collect())
    }

    /// The rendering with other secrets; chance, the time and checksums are what they were.
    fn other(&self, settled: &Settled<R>, altered: Alteration) -> Outcome<R> {
        let decided = settled.decisions.iter().map(KeptDecision::whole).enumerate().collect();
        let world = (self.world)().keeping(decided, settled.time).disguising(self.disguise.altered(altered), &settled.traces);
        (self.render)(&world)
    }

    /// What each secret changes: fields by object.
    fn causes(&self, settled: &Settled<R>) -> BTreeMap<String, BTreeMap<String, Vec<Field>>> {
        let names = &settled.traces.names;
        let is_alone = names.len() == 1 || names.len() > MOST;
        let of_name = |name: &String| {
            let other = self.other(settled, Alteration::Only(name.clone())).ok()?;
            let changed = changed(settled.rendering.documents(), other.documents());
            Some((name.clone(), changed.into_iter().map(|(document, fields)| (object(&document.identity), fields)).collect()))
        };
        names.iter().filter(|_| !is_alone).filter_map(of_name).collect()
    }

    fn error(
        &self,
        document: &Document,
        fields: &[Field],
        traces: &Traces,
        causes: &BTreeMap<String, BTreeMap<String, Vec<Field>>>,
    ) -> Box<Diagnostic> {
        let object = object(&document.identity);
        let is_cause = |name: &&String| {
            let changed = causes.get(*name).and_then(|changed| changed.get(&object));
            causes.is_empty() || changed.is_some_and(|changed| changed.iter().any(|field| fields.contains(field)))
        };
        let mut names: Vec<&String> = traces.names.iter().filter(is_cause).collect();
        if names.is_empty() {
            // Only several of them together change it.
            names = traces.names.iter().collect();
        }
        let paths: Vec<String> = fields.iter().take(MOST_FIELDS).map(|field| shown(&field.path)).collect();
        let more = if fields.len() > MOST_FIELDS { format!(" and {} more", fields.len() - MOST_FIELDS) } else { String::new() };
        let verb = if fields.len() == 1 { "is" } else { "are" };
        let mut error = Diagnostic::error(format!("{}: {}{more} {verb} made of a secret", document.identity, paths.join(", ")));
        error.notes.extend(names.iter().map(|name| format!("of {}", named(name))));
        error = error.note(format!("it comes from {}", document.origin));
        with_help(error, traces.is_known)
    }
}

fn with_help(error: Box<Diagnostic>, is_known: bool) -> Box<Diagnostic> {
    let error = error.help(
        "have the secret made in the cluster (an ExternalSecret, a SealedSecret, a Secret that Flux decrypts with SOPS), and let the chart refer to it",
    );
    if is_known {
        return error;
    }
    error.help("`hydrate helmfile template --resolve-secrets` renders with the secrets themselves, for what is not committed")
}

/// With other secrets nothing is rendered at all, so nobody can say what is made of them.
fn undecided(traces: &Traces) -> Box<Diagnostic> {
    let mut error =
        Diagnostic::error("it depends on what a secret holds whether this can be rendered, so it cannot be told what is made of it");
    error.notes.extend(traces.names.iter().map(|name| format!("it is rendered with {}", named(name))));
    with_help(error, traces.is_known)
}

/// What is told where a rendering with a secret fails, and the same one without does not.
pub(super) fn withheld(traces: &Traces) -> Box<Diagnostic> {
    let mut error =
        Diagnostic::error("this cannot be rendered because of what a secret holds; why is not shown, as it may tell the secret");
    error.notes.extend(traces.names.iter().map(|name| format!("it is rendered with {}", named(name))));
    error.help("`hydrate helmfile template` with the same variables, on a machine of yours, shows it")
}
