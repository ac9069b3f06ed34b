//! What would differ from run to run: values that chance or the clock decide cannot be kept in Git.
//!
//! A chart may ask for chance and not use the answer (`default (randAlphaNum 9) .Values.password`). So a component that has asked is rendered once
//! more, with other answers. Where that gives the same, nothing depends on them; else it is looked for the one that something depends on.

use hydrate_base::world::Chance;
use hydrate_base::{Diagnostic, Result};
use hydrate_source::Document;

/// What a rendering with a chance gave, and how often it asked for it.
type Rendered = (Result<Vec<Document>, Vec<Box<Diagnostic>>>, u64);

/// The errors for a component whose documents, these, chance decides; `None` for all others.
pub(super) fn refuse(documents: &[Document], render: &dyn Fn(Chance) -> Rendered) -> Option<Vec<Box<Diagnostic>>> {
    let (other, _) = render(Chance::other_from(0));
    let changed = match &other {
        Ok(other) if other == documents => return None,
        Ok(other) => first_change(documents, other),
        // It may also decide whether there is an error at all.
        Err(_) => None,
    };
    let (same, asked) = render(Chance::other_from(u64::MAX));
    let same = same.unwrap_or_default();
    let about = |mut error: Box<Diagnostic>| {
        // It is no error of the chart's, and Helm would not say so.
        error.notes.retain(|note| !note.starts_with("Error: "));
        if let Some((document, line)) = &changed {
            error = error.note(format!("{}: {}", document.identity, line.trim())).note(format!("from {}", document.origin));
        }
        error
            .help("give the value in the values: as it is, every run would change what is in Git")
            .help("where that is meant: `random: true` in component.yaml")
    };
    let differs = |question| match render(Chance::other_from(question)).0 {
        Ok(other) => other != same,
        Err(_) => true,
    };
    let error = match render(Chance::catching(last(asked, &differs))).0 {
        Err(errors) => errors.into_iter().next(),
        Ok(_) => None,
    };
    let error = error.unwrap_or_else(|| Diagnostic::error("the output differs from run to run"));
    Some(vec![about(error)])
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

/// The first document that differs, with the key of its first line that differs; `None` where only the number of documents differs.
fn first_change<'d>(same: &'d [Document], other: &[Document]) -> Option<(&'d Document, &'d str)> {
    let (document, changed) = same.iter().zip(other).find(|(one, two)| one != two)?;
    let line = document.text.lines().zip(changed.text.lines()).find(|(one, two)| one != two).map_or("", |(line, _)| line);
    Some((document, key_of(line)))
}

/// The line without what it says: that may be a password, and is no real one.
fn key_of(line: &str) -> &str {
    line.split_once(": ").map_or("", |(key, _)| key)
}
