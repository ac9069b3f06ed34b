//! Errors of a run as they are told: the same one of several environments once, with their names, and the engine's own sentence once.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::Diagnostic;

/// What Helm appends to whatever fails once there are values: an option of Helm's.
const USE_DEBUG: &str = "\n\nUse --debug flag to render out invalid YAML";

/// The component and the environment that a note names, as the pipeline writes it.
fn whose(note: &str) -> Option<(&str, &str)> {
    let (component, environment) = note.strip_prefix("component ")?.split_once(", environment ")?;
    let is_name = |name: &str| !name.is_empty() && !name.contains([' ', ',']);
    (is_name(component) && is_name(environment)).then_some((component, environment))
}

/// The errors to be told, in the order in which they came.
pub fn once(errors: &[Box<Diagnostic>]) -> Vec<Box<Diagnostic>> {
    let mut told: Vec<(Box<Diagnostic>, Option<usize>, Vec<String>)> = Vec::new();
    for error in errors {
        let mut error = error.clone();
        error.notes = error.notes.iter().filter_map(|note| own_words(note, &error.message)).collect();
        let at = error.notes.iter().position(|note| whose(note).is_some());
        let environment = at.and_then(|at| whose(&error.notes[at])).map(|(_, environment)| environment.to_owned());
        let same = |(other, place, _): &&mut (Box<Diagnostic>, Option<usize>, Vec<String>)| {
            at.is_some() && *place == at && without_environment(other, at) == without_environment(&error, at)
        };
        let known = told.iter_mut().find(|known| same(known));
        match (known, environment) {
            (Some((_, _, environments)), Some(environment)) => {
                if !environments.contains(&environment) {
                    environments.push(environment);
                }
            }
            (_, environment) => told.push((error, at, environment.into_iter().collect())),
        }
    }
    let name = |(mut error, at, environments): (Box<Diagnostic>, Option<usize>, Vec<String>)| {
        if let Some(note) = at.and_then(|at| error.notes.get_mut(at)).filter(|_| environments.len() > 1)
            && let Some((component, _)) = whose(note)
        {
            *note = format!("component {component}, environments {}", environments.join(", "));
        }
        error
    };
    told.into_iter().map(name).collect()
}

/// The error with nothing said of its environment.
fn without_environment(error: &Diagnostic, at: Option<usize>) -> Diagnostic {
    let mut error = error.clone();
    if let Some(note) = at.and_then(|at| error.notes.get_mut(at))
        && let Some((component, _)) = whose(note)
    {
        *note = component.to_owned();
    }
    error
}

/// Helm's own sentence, without its advice; nothing where the message is that sentence.
fn own_words(note: &str, message: &str) -> Option<String> {
    let Some(own) = note.strip_prefix("Error: ") else { return Some(note.to_owned()) };
    let own = own.strip_suffix(USE_DEBUG).unwrap_or(own).trim_end();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    (words(own) != words(message)).then(|| format!("Error: {own}"))
}

/// What became of an environment.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whether its tree was written.
    pub is_written: bool,
    /// The components that failed.
    pub failed: BTreeSet<String>,
}

impl Outcome {
    /// Of what failed in it.
    pub fn of(errors: &[Box<Diagnostic>], is_written: bool) -> Self {
        let component = |error: &Diagnostic| error.notes.iter().find_map(|note| whose(note)).map(|(component, _)| component.to_owned());
        Self { is_written, failed: errors.iter().filter_map(|error| component(error)).collect() }
    }

    fn words(&self) -> String {
        let failed: Vec<&str> = self.failed.iter().map(String::as_str).collect();
        match (self.is_written, failed.as_slice()) {
            (true, []) => "written".to_owned(),
            (true, failed) => format!("written, but for what failed and stays as it was: {}", failed.join(", ")),
            (false, []) => "nothing was written".to_owned(),
            (false, failed) => format!("nothing was written; failed: {}", failed.join(", ")),
        }
    }
}

/// The last lines of a run in which something failed: what was written and what was not. None where the one error has said it all.
pub fn closing(outcomes: &[(String, Outcome)]) -> Vec<String> {
    let failed: BTreeSet<&String> = outcomes.iter().flat_map(|(_, outcome)| &outcome.failed).collect();
    if failed.is_empty() || (failed.len() == 1 && outcomes.len() == 1) {
        return Vec::new();
    }
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (environment, outcome) in outcomes {
        let words = outcome.words();
        match places.get(&words).and_then(|at| lines.get_mut(*at)) {
            Some((environments, _)) => environments.push(environment),
            None => {
                places.insert(words.clone(), lines.len());
                lines.push((vec![environment], words));
            }
        }
    }
    lines.into_iter().map(|(environments, words)| format!("{}: {words}", environments.join(", "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str, notes: &[&str]) -> Box<Diagnostic> {
        notes.iter().fold(Diagnostic::error(message), |error, note| error.note(*note))
    }

    #[test]
    fn an_error_of_several_environments_is_told_once() {
        let all = [
            error("x", &["why", "component a, environment dev"]),
            error("x", &["component b, environment dev"]),
            error("x", &["why", "component a, environment prod"]),
            error("x", &["another why", "component a, environment prod"]),
            error("x", &["why", "component a, environment stage"]),
        ];
        let told: Vec<Vec<String>> = once(&all).into_iter().map(|error| error.notes).collect();
        let expected = [
            vec!["why", "component a, environments dev, prod, stage"],
            vec!["component b, environment dev"],
            vec!["another why", "component a, environment prod"],
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn helms_sentence_is_told_once() {
        let all = [error("YAML parse error on a: b", &["Error: YAML parse error on a: b\n\nUse --debug flag to render out invalid YAML"])];
        assert_eq!(once(&all)[0].notes, [""; 0]);
        let all = [error("b", &["Error: a:1:\n  b\n\nUse --debug flag to render out invalid YAML"])];
        assert_eq!(once(&all)[0].notes, ["Error: a:1:\n  b"]);
    }

    #[test]
    fn the_last_lines_say_what_was_written() {
        let outcome = |is_written, failed: &[&str]| Outcome { is_written, failed: failed.iter().map(|name| (*name).to_owned()).collect() };
        let of = |outcomes: Vec<(&str, Outcome)>| {
            closing(&outcomes.into_iter().map(|(name, outcome)| (name.to_owned(), outcome)).collect::<Vec<_>>())
        };
        assert_eq!(of(vec![("dev", outcome(false, &["a"]))]), [""; 0]);
        assert_eq!(
            of(vec![("dev", outcome(false, &["a"])), ("prod", outcome(false, &["a"])), ("stage", outcome(true, &[]))]),
            ["dev, prod: nothing was written; failed: a", "stage: written"]
        );
        assert_eq!(of(vec![("dev", outcome(true, &["a", "b"]))]), ["dev: written, but for what failed and stays as it was: a, b"]);
    }
}
