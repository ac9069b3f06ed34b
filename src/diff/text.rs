//! The unified diff, as `git diff` writes it and `git apply` reads it.

use similar::{ChangeTag, TextDiff};

use super::{FileDiff, sides};
use crate::base::Fate;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// All files, one after another.
pub fn write(diffs: &[FileDiff], color: bool) -> String {
    diffs.iter().map(|diff| one(diff, color)).collect()
}

/// One file with its header.
pub fn one(diff: &FileDiff, color: bool) -> String {
    let path = &diff.path;
    let (old, new) = match diff.fate {
        Fate::Created => ("/dev/null".to_owned(), format!("b/{path}")),
        Fate::Changed => (format!("a/{path}"), format!("b/{path}")),
        Fate::Deleted => (format!("a/{path}"), "/dev/null".to_owned()),
    };
    let mut lines = vec![(BOLD, format!("diff --git a/{path} b/{path}"))];
    lines.extend(match diff.fate {
        Fate::Created => Some((BOLD, "new file mode 100644".to_owned())),
        Fate::Changed => None,
        Fate::Deleted => Some((BOLD, "deleted file mode 100644".to_owned())),
    });
    lines.extend([(BOLD, format!("--- {old}")), (BOLD, format!("+++ {new}"))]);
    lines.extend(hunks(diff));
    lines.into_iter().map(|(style, line)| paint(style, &line, color)).collect()
}

/// The lines of the hunks with their styles.
pub(super) fn hunks(diff: &FileDiff) -> Vec<(&'static str, String)> {
    let (before, after) = sides(diff);
    let text = TextDiff::from_lines(&*before, &*after);
    let mut lines = Vec::new();
    for hunk in text.unified_diff().context_radius(3).iter_hunks() {
        lines.push((CYAN, hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (style, sign) = match change.tag() {
                ChangeTag::Equal => ("", ' '),
                ChangeTag::Delete => (RED, '-'),
                ChangeTag::Insert => (GREEN, '+'),
            };
            let value = change.value();
            lines.push((style, format!("{sign}{}", value.strip_suffix('\n').unwrap_or(value))));
            if !value.ends_with('\n') {
                lines.push(("", "\\ No newline at end of file".to_owned()));
            }
        }
    }
    lines
}

fn paint(style: &str, line: &str, color: bool) -> String {
    if color && !style.is_empty() { format!("{style}{line}{RESET}\n") } else { format!("{line}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::tests::sample;

    #[test]
    fn what_git_apply_reads() {
        let diffs = sample();
        assert_eq!(
            write(&diffs[..1], false),
            "diff --git a/manifests/k3d/loki/configmap-a.yaml b/manifests/k3d/loki/configmap-a.yaml\n\
             --- a/manifests/k3d/loki/configmap-a.yaml\n+++ b/manifests/k3d/loki/configmap-a.yaml\n\
             @@ -1,3 +1,3 @@\n a: 1\n-version: 1\n+version: 2\n b: 2\n"
        );
        assert!(
            write(&diffs[2..3], false)
                .contains("new file mode 100644\n--- /dev/null\n+++ b/manifests/k3d/loki/service-new.yaml\n@@ -0,0 +1 @@\n+x: 1\n")
        );
        assert!(write(&diffs[3..], true).contains("\x1b[31m-y: 1\x1b[0m\n"));
    }
}
