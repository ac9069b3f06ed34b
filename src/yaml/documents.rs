//! Splitting a stream into documents by its text, the way Helm and kustomize do before they parse.

use std::borrow::Cow;

/// Splits rendered manifests as Helm 3 does (`releaseutil.SplitManifests`): documents without the space around them;
/// a document of nothing but comments counts.
///
/// A separator right after another is no separator, because the first took the line break with it.
pub fn split_helm3(text: &str) -> Vec<&str> {
    let text = text.trim();
    let mut documents = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while let Some(at) = next_separator(text, search) {
        if at > 0 && at == from {
            // Its line break belongs to the separator before it.
            search = at + 3;
            continue;
        }
        let before = text.get(from..at).unwrap_or_default();
        documents.push(before.trim_end_matches(is_regexp_space));
        let after = text.get(at + 3..).unwrap_or_default();
        from = text.len() - after.trim_start_matches(is_regexp_space).len();
        search = from;
    }
    documents.push(text.get(from..).unwrap_or_default());
    documents.retain(|document| !document.is_empty());
    documents.into_iter().map(str::trim).collect()
}

/// Splits rendered manifests as Helm 4 does: every `---` at the start of a line separates, and documents keep the
/// line breaks at their end.
pub fn split_helm4(text: &str) -> Vec<&str> {
    let text = text.trim_start();
    let mut documents = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while let Some(at) = next_separator(text, search) {
        documents.push(text.get(from..at).unwrap_or_default());
        let after = text.get(at + 3..).unwrap_or_default();
        from = text.len() - after.trim_start_matches([' ', '\t']).len();
        search = from;
    }
    documents.push(text.get(from..).unwrap_or_default());
    documents.retain(|document| !document.trim().is_empty());
    documents.into_iter().map(str::trim_start).collect()
}

/// Splits a file as kyaml's `ByteReader` does, after [`unix_lines`]: at lines that start with `---`.
///
/// Fails where such a line says more than a comment: `invalid document separator: ---foo`.
pub fn split_kyaml(text: &str) -> Result<Vec<&str>, String> {
    let mut documents = Vec::new();
    if text.is_empty() {
        return Ok(documents);
    }
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = text.get(search..).and_then(|rest| rest.find("\n---")) {
        let start = search + found;
        let Some(width) = text.get(start + 1..).and_then(|rest| rest.find('\n')) else {
            break;
        };
        let line = text.get(start + 1..start + 1 + width).unwrap_or_default();
        let says = line.get(3..).unwrap_or_default().trim();
        if !says.is_empty() && !says.starts_with('#') {
            return Err(format!("invalid document separator: {}", line.trim()));
        }
        documents.push(text.get(from..=start).unwrap_or_default());
        from = start + 1 + width + 1;
        search = from;
    }
    documents.push(text.get(from..).unwrap_or_default());
    Ok(documents)
}

/// The text with line feeds in place of CR LF.
pub fn unix_lines(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

/// The next `---` at the start of a line.
fn next_separator(text: &str, mut from: usize) -> Option<usize> {
    while let Some(found) = memchr::memmem::find(text.as_bytes().get(from..)?, b"---") {
        let at = from + found;
        if at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n') {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// `\s` of Go's regular expressions.
fn is_regexp_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helm3() {
        assert_eq!(split_helm3("---\na: 1\n---\nb: 2\n"), ["a: 1", "b: 2"]);
        assert_eq!(split_helm3("a: 1\n--- # x\nb: |\n  ---\n"), ["a: 1", "# x\nb: |\n  ---"]);
        assert_eq!(split_helm3("---\n---\na: 1\n"), ["---\na: 1"]);
        assert_eq!(split_helm3("a: 1\n---b: 2\n\n\n---\n\n# only\n"), ["a: 1", "b: 2", "# only"]);
        assert!(split_helm3(" \n").is_empty());
    }

    #[test]
    fn helm4() {
        assert_eq!(split_helm4("---\na: 1\n\n---\n---\nb: 2\n"), ["a: 1\n\n", "b: 2\n"]);
        assert_eq!(split_helm4("a: 1\n---b: 2"), ["a: 1\n", "b: 2"]);
        assert!(split_helm4("---\n \n---\n").is_empty());
    }

    #[test]
    fn kyaml() {
        assert_eq!(split_kyaml("a: 1\n---\nb: 2\n"), Ok(vec!["a: 1\n", "b: 2\n"]));
        assert_eq!(split_kyaml("---\na: 1\n--- # c\nb"), Ok(vec!["---\na: 1\n", "b"]));
        assert_eq!(split_kyaml("a\n---\n---\nb\n"), Ok(vec!["a\n", "---\nb\n"]));
        assert_eq!(split_kyaml("a\n---x\nb\n"), Err("invalid document separator: ---x".to_owned()));
        assert_eq!(split_kyaml("a\n---"), Ok(vec!["a\n---"]));
    }
}
