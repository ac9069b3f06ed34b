//! The graph of `needs`: cycles, and an order in which everything comes after what it needs.

use std::collections::BTreeMap;

use hydrate_base::{Diagnostic, suggest};

use super::Component;

/// Needs that name no component at all.
pub fn unknown_needs<'a>(component: &Component, known: impl Iterator<Item = &'a str> + Clone) -> Vec<Box<Diagnostic>> {
    let strangers = component.needs.iter().filter(|need| !known.clone().any(|name| name == need.text));
    let error = |need: &super::Spanned| {
        let close = suggest::closest(&need.text, known.clone());
        let remark = close.map(|name| format!("did you mean `{name}`?")).unwrap_or_default();
        need.error(format!("`{}` needs `{}`, which is not a component", component.name, need.text), remark)
    };
    strangers.map(error).collect()
}

/// The cycles among components, each reported once with every `needs` on the way.
pub fn cycles(components: &BTreeMap<String, &Component>) -> Vec<Box<Diagnostic>> {
    let mut walk = Walk { components, state: BTreeMap::new(), path: Vec::new(), found: Vec::new(), order: Vec::new() };
    components.keys().for_each(|name| walk.visit(name));
    walk.found.iter().map(|cycle| report(components, cycle)).collect()
}

/// The names in an order in which each comes after what it needs; alphabetical where that leaves a choice. Needs
/// that are not among the components do not count.
pub fn order(components: &BTreeMap<String, &Component>) -> Vec<String> {
    let mut walk = Walk { components, state: BTreeMap::new(), path: Vec::new(), found: Vec::new(), order: Vec::new() };
    components.keys().for_each(|name| walk.visit(name));
    walk.order.into_iter().map(str::to_owned).collect()
}

/// A depth-first walk that keeps its own stack: names on the path, and how many of their needs were followed.
struct Walk<'a> {
    components: &'a BTreeMap<String, &'a Component>,
    /// `false` while on the path, `true` when done.
    state: BTreeMap<&'a str, bool>,
    path: Vec<(&'a str, usize)>,
    found: Vec<Vec<String>>,
    order: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &'a str) {
        if !self.state.contains_key(name) {
            self.enter(name);
        }
        while let Some((name, followed)) = self.path.last_mut() {
            let need = self.components.get(*name).and_then(|component| component.needs.get(*followed));
            *followed += 1;
            match need.and_then(|need| self.components.get_key_value(&need.text)) {
                Some((need, _)) => match self.state.get(need.as_str()) {
                    None => self.enter(need),
                    Some(false) => self.cycle(need),
                    Some(true) => {}
                },
                None if need.is_some() => {}
                None => self.leave(),
            }
        }
    }

    fn enter(&mut self, name: &'a str) {
        self.state.insert(name, false);
        self.path.push((name, 0));
    }

    fn leave(&mut self) {
        if let Some((name, _)) = self.path.pop() {
            self.state.insert(name, true);
            self.order.push(name);
        }
    }

    fn cycle(&mut self, back_to: &str) {
        let members = self.path.iter().map(|(name, _)| (*name).to_owned());
        self.found.push(members.skip_while(|name| name != back_to).collect());
    }
}

fn report(components: &BTreeMap<String, &Component>, cycle: &[String]) -> Box<Diagnostic> {
    let round: Vec<&str> = cycle.iter().chain(cycle.first()).map(String::as_str).collect();
    let mut error = Diagnostic::error(format!("components need each other in a circle: {}", round.join(" → ")));
    for (name, next) in round.iter().zip(round.iter().skip(1)) {
        let need = components.get(*name).and_then(|component| component.needs.iter().find(|need| need.text == *next));
        if let Some(label) = need.and_then(|need| need.label.as_ref()) {
            let mut label = label.clone();
            label.text = format!("{name} needs {next}");
            if error.primary.is_none() { error.primary = Some(label) } else { error.secondary.push(label) }
        }
    }
    error.help("take one of these needs away: no order could satisfy them all")
}
