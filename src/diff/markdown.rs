//! Markdown for a comment on a pull request: a summary, then a foldable diff per component. Files whose changed lines
//! are word for word the same are shown once; only the view collapses, never the files. Names are text and nothing else in it: they
//! can neither end what they stand in nor call for anybody's attention.

use std::collections::BTreeMap;

use super::{FileDiff, text};
use hydrate_base::Change;
use hydrate_base::plain::{self, counted};

/// What a comment can hold on the common forges, with room to spare; what is longer is cut with a remark.
const LONGEST: usize = 60_000;

/// The comment for one environment.
pub fn write(diffs: &[FileDiff], env: &str) -> String {
    if diffs.is_empty() {
        return format!("### {}: no changes\n", html(env));
    }
    let count = |change| diffs.iter().filter(|diff| diff.change == change).count();
    let mut text = format!(
        "### {}: {} created, {} changed, {} deleted\n",
        html(env),
        count(Change::Created),
        count(Change::Changed),
        count(Change::Deleted)
    );
    for (component, files) in by_component(diffs) {
        let section = section(component, &files);
        if text.len() + section.len() > LONGEST {
            text.push_str(&format!(
                "\n<details><summary><b>{}</b></summary>\n\nToo long to show here: {} files.\n</details>\n",
                html(component),
                files.len()
            ));
        } else {
            text.push_str(&section);
        }
    }
    text
}

fn by_component(diffs: &[FileDiff]) -> BTreeMap<&str, Vec<&FileDiff>> {
    let mut components: BTreeMap<&str, Vec<&FileDiff>> = BTreeMap::new();
    diffs.iter().for_each(|diff| components.entry(&diff.component).or_default().push(diff));
    components
}

fn section(component: &str, files: &[&FileDiff]) -> String {
    let mut text = format!("\n<details><summary><b>{}</b> ({})</summary>\n\n", html(component), counted(files.len(), "file"));
    for group in alike(files) {
        let Some((first, rest)) = group.split_first() else { continue };
        let unified = text::one(first, false);
        let fence = fence(&unified);
        text.push_str(&format!("{fence}diff\n{unified}{fence}\n"));
        if !rest.is_empty() {
            let names: Vec<String> = rest.iter().map(|diff| code(&diff.file)).collect();
            text.push_str(&format!("The same lines change in {} more: {}\n\n", rest.len(), names.join(", ")));
        }
    }
    text.push_str("</details>\n");
    text
}

/// Groups of files with the same changed lines, in the order of their first file. Whole files that come or go are
/// never grouped.
fn alike<'a>(files: &[&'a FileDiff]) -> Vec<Vec<&'a FileDiff>> {
    let mut groups: Vec<(Option<String>, Vec<&FileDiff>)> = Vec::new();
    for diff in files {
        let signature = (diff.change == Change::Changed).then(|| signature(diff));
        match groups.iter_mut().find(|(other, _)| signature.is_some() && *other == signature) {
            Some((_, group)) => group.push(diff),
            None => groups.push((signature, vec![diff])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn signature(diff: &FileDiff) -> String {
    let changed = |line: &String| line.starts_with(['+', '-']);
    text::hunks(diff).into_iter().map(|(_, line)| line).filter(changed).map(|line| format!("{}\n", line.replace("  ", ""))).collect()
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A name outside of code: each character that Markdown or HTML could read is written as its number.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in plain::line(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '.' | '/') {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A name as a span of code, between more backticks than it has in a row.
fn code(text: &str) -> String {
    let text = plain::line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::tests::sample;

    #[test]
    fn names_cannot_leave_their_place() {
        let mut diffs = sample();
        for diff in &mut diffs {
            diff.component = "</summary>\n# done @team [x](y)".to_owned();
            diff.file = format!("`{}\n```\n", diff.file);
            diff.path = format!("m/{}", diff.file);
        }
        let text = write(&diffs, "a_b\n# x");
        assert!(text.starts_with("### a&#95;b&#92;n&#35; x: "), "{text}");
        assert!(text.contains("<b>&#60;/summary&#62;&#92;n&#35; done &#64;team &#91;x&#93;&#40;y&#41;</b>"), "{text}");
        assert!(text.contains("more: ```` `configmap-b.yaml\\n```\\n ````\n"), "{text}");
        assert!(text.lines().all(|line| line != "```" && !line.starts_with("# ")), "{text}");
    }

    #[test]
    fn the_same_change_is_shown_once() {
        let text = write(&sample(), "k3d");
        assert!(
            text.starts_with("### k3d: 1 created, 2 changed, 1 deleted\n\n<details><summary><b>loki</b> (4 files)</summary>\n"),
            "{text}"
        );
        assert!(text.contains("The same lines change in 1 more: `configmap-b.yaml`\n"), "{text}");
        assert_eq!(text.matches("+version: 2").count(), 1);
        assert_eq!(write(&[], "k3d"), "### k3d: no changes\n");
    }
}
