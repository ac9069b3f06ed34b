//! `checks:` of hydrate.yaml, environments and components: how bad it is to break a rule of `hydrate check`.

use crate::check::validity::{Level, Levels, RULES, rule};
use hydrate_base::{Diagnostic, Result, suggest};
use hydrate_yaml::node::Node;

use super::parse::Parsed;

/// Reads the levels; a code that no check has is an error.
pub(super) fn read(file: &Parsed, root: &Node) -> Result<Levels, Vec<Box<Diagnostic>>> {
    let mut levels = Levels::new();
    let mut wrong = Vec::new();
    for (code, level) in root.get("checks").and_then(Node::entries).unwrap_or_default() {
        let (Some(code), Some(level)) = (file.spanned(code), level.as_str().and_then(Level::parse)) else { continue };
        if rule(&code.text).is_some() {
            levels.insert(code.text, level);
            continue;
        }
        let close = suggest::closest(&code.text, RULES.iter().map(|rule| rule.code)).map(|close| format!("did you mean `{close}`?"));
        let error = code.error(format!("there is no check `{}`", code.text), close.unwrap_or_default());
        wrong.push(error.help("`hydrate check --explain all` lists them"));
    }
    if wrong.is_empty() { Ok(levels) } else { Err(wrong) }
}
