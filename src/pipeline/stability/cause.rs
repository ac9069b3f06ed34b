//! The functions that let chance decide something of a rendering, and what they decide.

use std::collections::BTreeMap;

use hydrate_base::Diagnostic;
use hydrate_base::decision::KeptDecision;
use hydrate_base::world::Chance;
use hydrate_source::Document;

use super::spot::Spot;
use super::{Attempt, Decided, Rendering, Stability, TRIES};
use crate::pipeline::fields::shown;
use crate::project::RandomPolicy;

/// How many functions are looked for in the templates, which costs a rendering each.
const MOST: usize = 50;

/// How many fields of an object are told.
const MOST_FIELDS: usize = 12;

/// Objects with the fields of theirs that chance decides.
type Fields<'a> = Vec<(&'a Document, Vec<String>)>;

/// An error for each function with what it decides of objects that `concerns` by what is said of them; what only follows from such values is told with the
/// first.
pub(super) fn errors<R: Rendering>(
    stability: &Stability<'_, R>,
    attempt: &Attempt<R>,
    concerns: &dyn Fn(Option<RandomPolicy>) -> bool,
) -> Vec<Box<Diagnostic>> {
    if let Err(errors) = &attempt.other {
        // Chance decides whether there is an error at all.
        return with_help(vec![told(by_trial(stability, attempt), &Vec::new())].into_iter().chain(errors.first().cloned()).collect());
    }
    let mut by_decision: BTreeMap<usize, Fields<'_>> = BTreeMap::new();
    let mut following: Fields<'_> = Vec::new();
    let is_concerned = |(document, _): &(&Document, Vec<_>)| concerns(stability.policy_of(document));
    for (document, fields) in attempt.changed().into_iter().filter(is_concerned) {
        for field in fields {
            let holds = |number: &usize| attempt.decisions[*number].answers.iter().any(|answer| Spot::find(&field.text, answer).is_some());
            let deciding: Vec<usize> = (0..attempt.decisions.len()).filter(|number| !attempt.is_kept(*number)).filter(holds).collect();
            deciding.iter().for_each(|number| add(by_decision.entry(*number).or_default(), document, &field.path));
            if deciding.is_empty() {
                add(&mut following, document, &field.path);
            }
        }
    }
    let mut errors: Vec<Box<Diagnostic>> = Vec::new();
    for (number, fields) in &by_decision {
        let error = if errors.len() < MOST { caught(stability, attempt, *number) } else { None };
        let function = attempt.decisions[*number].function;
        let error = error.unwrap_or_else(|| Diagnostic::error(format!("error calling {function}: its result differs from run to run")));
        // A template that is included several times asks several times at one place.
        match errors.iter_mut().find(|other| other.message == error.message && other.primary == error.primary) {
            Some(other) => {
                let new: Vec<String> = notes(fields).filter(|note| !other.notes.contains(note)).collect();
                other.notes.extend(new);
            }
            None => errors.push(told(error, fields)),
        }
    }
    match errors.first_mut() {
        None => errors.push(told(by_trial(stability, attempt), &following)),
        Some(first) => {
            let told = following
                .iter()
                .map(|(document, paths)| format!("what follows from such values: {}: {}", document.identity, listed(paths)));
            first.notes.extend(told);
        }
    }
    with_help(errors)
}

fn add<'a>(fields: &mut Fields<'a>, document: &'a Document, path: &str) {
    let path = shown(path);
    match fields.iter_mut().find(|(other, _)| other.identity == document.identity) {
        Some((_, paths)) if !paths.contains(&path) => paths.push(path),
        Some(_) => {}
        None => fields.push((document, vec![path])),
    }
}

/// The error with the objects and fields that it is about. It is no error of the chart's, and Helm would not say so.
fn told(mut error: Box<Diagnostic>, fields: &Fields<'_>) -> Box<Diagnostic> {
    error.notes.retain(|note| !note.starts_with("Error: "));
    error.notes.extend(notes(fields));
    error
}

fn notes(fields: &Fields<'_>) -> impl Iterator<Item = String> {
    fields.iter().flat_map(|(document, paths)| [format!("{}: {}", document.identity, listed(paths)), format!("from {}", document.origin)])
}

fn listed(paths: &[String]) -> String {
    let shown = paths.iter().take(MOST_FIELDS).map(String::as_str).collect::<Vec<_>>().join(", ");
    if paths.len() > MOST_FIELDS { format!("{shown} and {} more", paths.len() - MOST_FIELDS) } else { shown }
}

fn with_help(mut errors: Vec<Box<Diagnostic>>) -> Vec<Box<Diagnostic>> {
    if let Some(last) = errors.last_mut() {
        last.help.push(
            "give the value, or the name of a Secret that is there, in the values: as it is, every run would change what is in Git"
                .to_owned(),
        );
        last.help
            .push("`random: keep` writes it once and keeps it from then on; `random: allow` writes another one with every run".to_owned());
    }
    errors
}

/// The error of the function that made a decision, at its place.
fn caught<R: Rendering>(stability: &Stability<'_, R>, attempt: &Attempt<R>, number: usize) -> Option<Box<Diagnostic>> {
    let decided: Decided = attempt.decisions.iter().map(KeptDecision::whole).enumerate().collect();
    let world = (stability.world)().keeping(decided, attempt.time).catching(number);
    (stability.render)(&world).err()?.into_iter().next()
}

/// The error of the last function that the result depends on, by trying. For what stands nowhere in the result as the function gave it.
fn by_trial<R: Rendering>(stability: &Stability<'_, R>, attempt: &Attempt<R>) -> Box<Diagnostic> {
    let world = || (stability.world)().keeping(attempt.decided.clone(), None);
    let same = world().with_chance(Chance::other_from(u64::MAX));
    let rendering = (stability.render)(&same);
    let asked = same.chances();
    let differs_in = |question, variant| {
        let other = (stability.render)(&world().with_chance(Chance::other_from(question).variant(variant)));
        match (&rendering, &other) {
            (Ok(one), Ok(other)) => one.documents() != other.documents(),
            (Err(_), Err(_)) => false,
            _ => true,
        }
    };
    let differs = |question| (0..TRIES).any(|variant| differs_in(question, variant));
    let question = last(asked, &differs);
    let error = (stability.render)(&world().with_chance(Chance::catching(question))).err().and_then(|errors| errors.into_iter().next());
    error.unwrap_or_else(|| Diagnostic::error("the output differs from run to run"))
}

/// The last question that the result depends on, of so many.
fn last(asked: u64, differs: &dyn Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, asked.max(1));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if differs(middle) { low = middle } else { high = middle }
    }
    low
}
