//! The order in which arguments are evaluated: each after those that it refers to.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::suggest::closest;
use hydrate_base::{Diagnostic, Result, SourceFile};

use super::references::{Block, Reference, references};
use super::{Definitions, Document};

/// A definition of an argument: its file, and what it refers to.
struct Uses<'d> {
    file: &'d Arc<SourceFile>,
    references: Vec<Reference>,
}

/// The names in an order in which each can be evaluated.
pub(super) fn order(documents: &[Document], definitions: &Definitions<'_>, block: Block) -> Result<Vec<Rc<str>>> {
    let mut uses: BTreeMap<Rc<str>, Vec<Uses<'_>>> = BTreeMap::new();
    for (name, found) in definitions {
        for definition in found {
            let Some(document) = documents.get(definition.document).or(documents.first()) else { continue };
            let references = references(&document.file, &definition.attribute.value, block)?;
            check(&document.file, &references, definitions)?;
            uses.entry(Rc::clone(name)).or_default().push(Uses { file: &document.file, references });
        }
    }
    sorted(&uses)
}

/// Refuses references to what is not defined.
fn check(file: &Arc<SourceFile>, references: &[Reference], definitions: &Definitions<'_>) -> Result<()> {
    let Some(missing) = references.iter().find(|reference| !definitions.contains_key(&reference.name)) else { return Ok(()) };
    let diagnostic = Diagnostic::error(format!("{} is not defined", missing.name)).at(file, missing.span.clone(), "");
    Err(match closest(&missing.name, definitions.keys().map(AsRef::as_ref)) {
        Some(meant) => diagnostic.help(format!("did you mean {meant}?")),
        None => diagnostic,
    })
}

/// How far a name is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Entered,
    Done,
}

/// A walk in depth that keeps its own stack: chains of references may be long.
fn sorted(uses: &BTreeMap<Rc<str>, Vec<Uses<'_>>>) -> Result<Vec<Rc<str>>> {
    let mut states: BTreeMap<&str, State> = BTreeMap::new();
    let mut order = Vec::new();
    for start in uses.keys() {
        if states.contains_key(start.as_ref()) {
            continue;
        }
        states.insert(start, State::Entered);
        let mut path: Vec<(&Rc<str>, Vec<(&Arc<SourceFile>, &Reference)>)> = vec![(start, pending(uses, start))];
        while let Some((name, mut rest)) = path.pop() {
            let Some((file, reference)) = rest.pop() else {
                states.insert(name.as_ref(), State::Done);
                order.push(Rc::clone(name));
                continue;
            };
            path.push((name, rest));
            match states.get(reference.name.as_ref()) {
                Some(State::Done) => {}
                Some(State::Entered) => {
                    let names = path.iter().map(|(name, _)| name.as_ref()).skip_while(|name| *name != reference.name.as_ref());
                    let circle: Vec<&str> = names.chain([reference.name.as_ref()]).collect();
                    return Err(in_a_circle(file, reference, &circle));
                }
                None => {
                    states.insert(&reference.name, State::Entered);
                    path.push((&reference.name, pending(uses, &reference.name)));
                }
            }
        }
    }
    Ok(order)
}

/// What a name refers to, the last first.
fn pending<'u>(uses: &'u BTreeMap<Rc<str>, Vec<Uses<'_>>>, name: &str) -> Vec<(&'u Arc<SourceFile>, &'u Reference)> {
    let all = uses.get(name).into_iter().flatten();
    all.flat_map(|uses| uses.references.iter().map(move |reference| (uses.file, reference))).rev().collect()
}

fn in_a_circle(file: &Arc<SourceFile>, reference: &Reference, circle: &[&str]) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error("the references go around in a circle").at(file, reference.span.clone(), "");
    diagnostic.note(format!("the circle is {}", circle.join(" → ")))
}
