//! Errors of templates in the words of each Helm, and as diagnostics.

use super::host::{MARK_END, MARK_START};
use super::scope::Renderable;
use hydrate_base::{Diagnostic, Limits};
use hydrate_chart::Level;
use hydrate_gotmpl::ParseError;
use hydrate_gotmpl::{Cause, ExecError};

/// A template that does not parse.
pub(super) fn parsing(path: &str, error: &ParseError) -> Box<Diagnostic> {
    let parts: Vec<&str> = error.text.split(": ").collect();
    let text = match parts.as_slice() {
        [_, location, .., message] => format!("parse error at ({location}): {message}"),
        [_, message] => format!("parse error at ({message}): {message}"),
        _ => format!("parse error in ({path}): {}", error.text),
    };
    with_own_words(error.to_diagnostic(), &error.text, text)
}

/// A template that fails.
pub(super) fn execution(path: &str, error: &ExecError, template: &Renderable, level: Level, limits: Limits) -> Box<Diagnostic> {
    let raw = error.text();
    let own = own_words(path, &raw, error, level);
    let mut diagnostic = with_own_words(error.to_diagnostic(), &raw, own);
    diagnostic.message = diagnostic.message.replace(MARK_START, "").replace(MARK_END, "");
    match error.stack().last().map(|inner| &inner.cause) {
        Some(Cause::Limit(spent)) => return diagnostic.help(spent.help(limits)),
        Some(Cause::Nesting) => return diagnostic.help("does the template ever end?"),
        _ => {}
    }
    match nil_value(error) {
        Some(key) if !key.is_empty() => {
            diagnostic.help(format!("give `{key}` a value in {}/values.yaml or in a values file of yours", template.location))
        }
        _ => diagnostic,
    }
}

/// What Helm appends to everything that fails once there are values to render with.
pub(super) const USE_DEBUG: &str = "\n\nUse --debug flag to render out invalid YAML";

/// Helm's own text as a note, in place of Go's where that is in it.
fn with_own_words(mut diagnostic: Box<Diagnostic>, raw: &str, own: String) -> Box<Diagnostic> {
    diagnostic.notes.retain(|note| note != raw);
    diagnostic.note(format!("Error: {own}{USE_DEBUG}"))
}

/// The path below `.Values` that was nil.
fn nil_value(error: &ExecError) -> Option<String> {
    let stack = error.stack();
    let Cause::NilField { path, .. } = &stack.last()?.cause else { return None };
    let path = path.strip_prefix('$').unwrap_or(path);
    path.strip_prefix(".Values.").map(str::to_owned)
}

fn own_words(path: &str, raw: &str, error: &ExecError, level: Level) -> String {
    let mut parts = raw.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return format!("execution error in ({path}): {raw}");
    };
    if let Some(message) = marked(rest) {
        return format!("execution error at ({location}): {message}");
    }
    match level {
        Level::V3 => raw.to_owned(),
        Level::V4 => traced(error).unwrap_or_else(|| raw.to_owned()),
    }
}

/// The message of `fail` or `required`: from the first mark to the last.
fn marked(text: &str) -> Option<&str> {
    let start = text.find(MARK_START)? + MARK_START.len();
    let end = text.rfind(MARK_END)?;
    text.get(start..end)
}

/// Helm 4's form on several lines; `None` where one of the wrapped errors is not a template's.
fn traced(error: &ExecError) -> Option<String> {
    let mut places: Vec<Place> = Vec::new();
    for text in error.unwrap_chain() {
        let place = Place::parse(&text)?;
        if places.last() != Some(&place) {
            places.push(place);
        }
    }
    Some(places.iter().map(Place::show).collect::<String>().trim().to_owned())
}

/// What Helm 4 reads out of the text of a template's error.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    location: String,
    message: String,
    function: String,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self { message: text.to_owned(), ..Self::default() });
        }
        Self::executing(rest).or_else(|| {
            let (location, message) = rest.rsplit_once(": ")?;
            Some(Self { location: location.to_owned(), message: before_next(message).to_owned(), ..Self::default() })
        })
    }

    /// `NAME: executing "FUNCTION" at <NODE>: MESSAGE`
    fn executing(text: &str) -> Option<Self> {
        let (location, after) = text.split_once(": executing ")?;
        let (function, after) = after.strip_prefix('"')?.split_once('"')?;
        let (node, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Self {
            location: location.to_owned(),
            message: before_next(message).to_owned(),
            function: format!("executing \"{function}\" at <{node}>:"),
        })
    }

    fn show(&self) -> String {
        let mut out = String::new();
        for (part, after) in [(&self.location, "\n  "), (&self.function, "\n    "), (&self.message, "\n")] {
            if !part.is_empty() {
                out.push_str(part);
                out.push_str(after);
            }
        }
        out
    }
}

/// The message without the error that it wraps.
fn before_next(message: &str) -> &str {
    message.find(" template:").map_or(message, |at| message.get(..at).unwrap_or(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm_4_takes_errors_apart() {
        let text =
            "template: c/templates/a.yaml:1:3: executing \"c/templates/a.yaml\" at <include \"x\" .>: error calling include: template: y";
        let place = Place::parse(text).unwrap();
        assert_eq!(
            place.show(),
            "c/templates/a.yaml:1:3\n  executing \"c/templates/a.yaml\" at <include \"x\" .>:\n    error calling include:\n"
        );
        assert_eq!(Place::parse("something else"), None);
    }
}
