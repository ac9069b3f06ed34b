//! Names and patterns that stand for nothing.

use crate::check::slips::UNKNOWN_NAME;
use crate::project::{Component, Spanned};
use hydrate_base::{Diagnostic, Severity, suggest};

use super::{Search, Slip};

/// Environments that a component or its sources name and that there are not.
pub(super) fn of_component(search: &Search<'_>, component: &Component) -> Vec<Slip> {
    let of_sources = component.sources.iter().flatten().flat_map(|spec| spec.environments.iter().flatten());
    let named = component.environments.iter().flatten().chain(of_sources);
    let told = named.filter_map(|name| unknown(name, "environment", search.environments));
    told.map(|told| Slip::of(component, &UNKNOWN_NAME, told)).collect()
}

/// Patterns of the environment that match no component. Names that are none are errors.
pub(super) fn of_environment(search: &Search<'_>) -> Vec<Slip> {
    let known: Vec<String> = search.all.keys().cloned().collect();
    let patterns = search.environment.components.iter().filter(|pattern| is_pattern(&pattern.text));
    patterns.filter_map(|pattern| unknown(pattern, "component", &known)).map(|told| Slip::of_project(&UNKNOWN_NAME, told)).collect()
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// What is to be said of a name or pattern that stands for none of those known. Patterns that leave something out may be meant for what is yet to come,
/// and so may the one for everything.
fn unknown(name: &Spanned, what: &str, known: &[String]) -> Option<Box<Diagnostic>> {
    let bare = name.text.trim_start_matches('!');
    let leaves_out = bare.len() < name.text.len();
    if is_pattern(bare) {
        let is_all = bare.chars().all(|letter| letter == '*');
        if is_all || leaves_out || known.iter().any(|known| suggest::matches(bare, known)) {
            return None;
        }
    } else if known.iter().any(|known| known == bare) {
        return None;
    }
    let (message, close) = if is_pattern(bare) {
        (format!("no {what} matches `{bare}`"), None)
    } else {
        (format!("there is no {what} `{bare}`"), suggest::closest(bare, known.iter().map(String::as_str)))
    };
    let mut told = name.error(message, close.map(|close| format!("did you mean `{close}`?")).unwrap_or_default());
    told.severity = Severity::Warning;
    Some(told.note(listed(what, known)))
}

/// `environments here: dev, prod`
pub(super) fn listed(what: &str, known: &[String]) -> String {
    match known {
        [] => format!("there is no {what} here"),
        known => format!("{what}s here: {}", known.join(", ")),
    }
}
