//! `checks:` and `exceptions:` of hydrate.yaml, environments and components: how bad it is to break a rule of `hydrate check`, and where it is another matter.

use crate::check::validity::{Exception, Judgement, Level};
use crate::check::{External, rule_of, rules};
use hydrate_base::{Diagnostic, Result, suggest};
use hydrate_yaml::node::Node;

use super::parse::{Parsed, Spanned};

/// Reads both; a code that no check has is an error. `home` is the namespace that the short form `Kind/name` means too.
pub(super) fn read(file: &Parsed, root: &Node, home: Option<&str>) -> Result<Judgement, Vec<Box<Diagnostic>>> {
    let mut judgement = Judgement::default();
    let mut wrong = Vec::new();
    for (code, level) in root.get("checks").and_then(Node::entries).unwrap_or_default() {
        let (Some(code), Some(level)) = (file.spanned(code), level.as_str().and_then(Level::parse)) else { continue };
        match known(&code) {
            Ok(()) => drop(judgement.levels.insert(code.text, level)),
            Err(error) => wrong.push(error),
        }
    }
    for node in root.get("exceptions").and_then(Node::items).unwrap_or_default() {
        match exception(file, node, home) {
            Ok(exception) => judgement.exceptions.push(exception),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(judgement) } else { Err(wrong) }
}

fn known(code: &Spanned) -> Result<()> {
    if rule_of(&code.text).is_some() {
        return Ok(());
    }
    let close = suggest::closest(&code.text, rules().iter().map(|rule| rule.code)).map(|close| format!("did you mean `{close}`?"));
    let error = code.error(format!("there is no check `{}`", code.text), close.unwrap_or_default());
    Err(error.help("`hydrate check --explain all` lists them"))
}

fn exception(file: &Parsed, node: &Node, home: Option<&str>) -> Result<Exception> {
    let text = |key| file.text(node, key).unwrap_or_else(|| Spanned::convention(""));
    let (code, reason) = (text("check"), text("reason"));
    known(&code)?;
    if reason.text.trim().is_empty() {
        return Err(reason.error("an exception needs a reason", "").help("say what whoever comes after wants to know"));
    }
    let object = |entry: &Spanned| {
        External::parse(&entry.text, home).ok_or_else(|| {
            entry
                .error(format!("`objects` cannot be `{}`", entry.text), "")
                .help("write Kind/namespace/name, or Kind/name for what has no namespace; `*` stands for any characters")
        })
    };
    let objects = file.texts(node, "objects").unwrap_or_default().iter().map(object).collect::<Result<_>>()?;
    let paths = file.texts(node, "paths").unwrap_or_default().into_iter().map(|path| path.text).collect();
    let level = file.text(node, "level").and_then(|level| Level::parse(&level.text)).unwrap_or(Level::Off);
    Ok(Exception { code: code.text, objects, paths, level })
}
