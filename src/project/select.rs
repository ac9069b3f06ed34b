//! Which components a run is about.

use std::collections::BTreeMap;

use hydrate_base::{Diagnostic, World, suggest};

use super::{Component, Environment, Loaded, Spanned};

/// The components of an environment and those of them that a run is about.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Every component of the environment that can be read.
    pub members: BTreeMap<String, &'a Component>,
    /// The names the run is about, sorted.
    pub selected: Vec<String>,
    /// Those the run is about whose files are broken, with what is wrong.
    pub broken: BTreeMap<String, Vec<Box<Diagnostic>>>,
    /// Whether that is every member, so that what is no longer there may be pruned.
    pub complete: bool,
    /// Whether the files of all components that the environment picks can be read, also of those that the run is not about.
    pub is_whole: bool,
}

/// Selects among all components by the environment and by what was asked for on the command line; no patterns: all.
/// Files of components that are not selected may be broken; those of selected ones are reported.
pub fn select<'a>(
    world: &dyn World,
    environment: &Environment,
    all: &'a BTreeMap<String, Loaded>,
    asked: &[String],
) -> Result<Selection<'a>, Vec<Box<Diagnostic>>> {
    let mut wrong = unknown_in_environment(environment, all);
    let wanted: Vec<&String> = all.keys().filter(|name| picks(environment.components.iter().map(text), name)).collect();
    let is_whole = wanted.iter().all(|name| all.get(*name).is_some_and(Result::is_ok));
    let asked_for = |name: &str| picks(asked.iter().map(String::as_str), name);
    let mut members = BTreeMap::new();
    let mut selected = Vec::new();
    let mut broken = BTreeMap::new();
    for name in wanted {
        match all.get(name) {
            Some(Ok(component)) if belongs(world, component, environment) => {
                members.insert(name.clone(), component);
                if asked_for(name) {
                    selected.push(name.clone());
                }
            }
            Some(Err(errors)) if asked_for(name) => {
                broken.insert(name.clone(), errors.clone());
            }
            _ => {}
        }
    }
    wrong.extend(asked.iter().filter_map(|pattern| nothing_matched(pattern, environment, all, &members)));
    let complete = asked.is_empty();
    if wrong.is_empty() { Ok(Selection { members, selected, broken, complete, is_whole }) } else { Err(wrong) }
}

fn text(spanned: &Spanned) -> &str {
    &spanned.text
}

/// Whether a list of names, globs and `!name` picks a name: the last pattern that matches decides, and a list that
/// is empty or begins by leaving something out starts from everything.
pub fn picks<'a>(patterns: impl Iterator<Item = &'a str>, name: &str) -> bool {
    let mut patterns = patterns.peekable();
    let mut picked = patterns.peek().is_none_or(|first| first.starts_with('!'));
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(left_out) if suggest::matches(left_out, name) => picked = false,
            None if suggest::matches(pattern, name) => picked = true,
            _ => {}
        }
    }
    picked
}

/// A component belongs to an environment that it names, when it has something to render for it.
fn belongs(world: &dyn World, component: &Component, environment: &Environment) -> bool {
    let named = component.environments.as_ref().is_none_or(|names| picks(names.iter().map(text), &environment.name));
    named && !component.specs(world, &environment.name).is_empty()
}

fn is_name(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '!'])
}

fn unknown_in_environment(environment: &Environment, all: &BTreeMap<String, Loaded>) -> Vec<Box<Diagnostic>> {
    let plain = |pattern: &&Spanned| is_name(pattern.text.trim_start_matches('!'));
    let strangers = environment.components.iter().filter(plain).filter(|name| !all.contains_key(name.text.trim_start_matches('!')));
    let error = |name: &Spanned| {
        let close = suggest::closest(&name.text, all.keys().map(String::as_str));
        name.error(
            format!("there is no component `{}`", name.text),
            close.map(|close| format!("did you mean `{close}`?")).unwrap_or_default(),
        )
    };
    strangers.map(error).collect()
}

/// The error for a pattern of the command line that stands for nothing.
fn nothing_matched(
    pattern: &str,
    environment: &Environment,
    all: &BTreeMap<String, Loaded>,
    members: &BTreeMap<String, &Component>,
) -> Option<Box<Diagnostic>> {
    let bare = pattern.trim_start_matches('!');
    if members.keys().any(|name| suggest::matches(bare, name)) || all.get(bare).is_some_and(Result::is_err) {
        return None;
    }
    let env = &environment.name;
    if !is_name(bare) {
        return Some(Diagnostic::error(format!("no component of environment `{env}` matches `{bare}`")));
    }
    if all.contains_key(bare) {
        return Some(Diagnostic::error(format!("component `{bare}` does not belong to environment `{env}`")).note(
            "it belongs when the environment's `components` pick it, its own `environments` allow it, and it has something to render there",
        ));
    }
    let error = Diagnostic::error(format!("there is no component `{bare}`"));
    Some(match suggest::closest(bare, all.keys().map(String::as_str)) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error.help("`hydrate list` shows the components"),
    })
}

#[cfg(test)]
mod tests {
    use super::picks;

    fn pick(patterns: &[&str], name: &str) -> bool {
        picks(patterns.iter().copied(), name)
    }

    #[test]
    fn patterns_pick_and_leave_out() {
        assert!(pick(&[], "loki"));
        assert!(pick(&["*", "!tempo"], "loki"));
        assert!(!pick(&["*", "!tempo"], "tempo"));
        assert!(pick(&["!tempo"], "loki"));
        assert!(!pick(&["graf*"], "loki"));
        assert!(pick(&["!*", "loki"], "loki"));
    }
}
