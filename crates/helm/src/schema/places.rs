//! Where the values stand that a schema does not take: neither library says more of them than a path.

use std::ops::Range;
use std::sync::Arc;

use hydrate_base::{SourceFile, place};
use hydrate_chart::Chart;
use hydrate_yaml::node::Node;

use crate::options::ValueOptions;

/// So many places are shown; the text has all of them.
const MOST: usize = 8;

/// The places of values that the text of an error names, in the order of the text, with what it says of them.
pub(crate) fn of(error: &str, chart: &Chart, values: &ValueOptions) -> Vec<(Arc<SourceFile>, Range<usize>, String)> {
    let mut prefix: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for line in error.lines().skip(1) {
        if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(['-', ' '])) {
            prefix = if name == chart.name() { Vec::new() } else { vec![name.to_owned()] };
        } else if let Some((path, said)) = named(line) {
            found.extend(find(&prefix, &path, chart, values).map(|(file, span)| (file, span, said)));
        }
    }
    found.truncate(MOST);
    found
}

/// The path in a line of the text, and what is said of it: `- at '/a/b': …` (Helm 4), `- a.b: …` (Helm 3).
fn named(line: &str) -> Option<(Vec<String>, String)> {
    let rest = line.trim_start().strip_prefix("- ")?;
    if let Some(rest) = rest.strip_prefix("at '") {
        let (pointer, said) = rest.split_once("': ")?;
        let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
        return Some((parts.collect(), said.to_owned()));
    }
    let (path, said) = rest.split_once(": ")?;
    let parts = path.split('.').filter(|part| *part != "(root)").map(str::to_owned);
    Some((parts.collect(), said.to_owned()))
}

/// The last file that gives the value.
fn find(prefix: &[String], path: &[String], chart: &Chart, values: &ValueOptions) -> Option<(Arc<SourceFile>, Range<usize>)> {
    let whole: Vec<&str> = prefix.iter().chain(path).map(String::as_str).collect();
    let local: Vec<&str> = path.iter().map(String::as_str).collect();
    let given = values.files.iter().rev().map(|file| (file.name.clone(), &file.text, &whole));
    let of_chart = |chart: &Chart| Some((format!("{}/values.yaml", chart.location), chart.values.clone()?));
    let own = of_chart(chart);
    let inner =
        prefix.first().and_then(|name| chart.dependencies.iter().find(|inner| inner.name() == name)).and_then(|inner| of_chart(inner));
    let defaults =
        own.iter().map(|(name, text)| (name.clone(), text, &whole)).chain(inner.iter().map(|(name, text)| (name.clone(), text, &local)));
    given.chain(defaults).find_map(|(name, text, path)| {
        let documents = hydrate_yaml::compose(text).ok()?;
        let roots = documents.iter().rev().filter_map(|document| document.root.as_ref());
        let node = roots.filter_map(|root| walk(root, path)).next()?;
        let start = place::byte_at(text, node.line, node.column);
        let end = text.get(start..)?.iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| start + end);
        Some((SourceFile::new(name, Arc::clone(text)), start..end))
    })
}

fn walk<'n>(root: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, part| match node.items() {
        Some(items) => items.get(part.parse::<usize>().ok()?),
        None => node.get(part),
    })
}
