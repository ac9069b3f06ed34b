//! The unified diff, as `git diff` writes it and `git apply` reads it.
//!
//! Names are written in quotes where they hold what would end the line or steer a terminal, as Git does. Such characters in the lines of
//! files are escaped (`\u{202e}`): the diff is for reading, also of changes that nobody has read yet. The JSON form has them as they are.

use similar::{ChangeTag, TextDiff};

use hydrate_base::{Change, plain};

use crate::review::FileDiff;

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
    let hunks = hunks(diff).into_iter().map(|(style, line)| (style, shown(line)));
    header(diff).into_iter().chain(hunks).map(|(style, line)| paint(style, &line, color)).collect()
}

/// One file as it is, for programs.
pub fn exact(diff: &FileDiff) -> String {
    header(diff).into_iter().chain(hunks(diff)).map(|(_, line)| line + "\n").collect()
}

fn header(diff: &FileDiff) -> Vec<(&'static str, String)> {
    let (before, after) = (quoted(&format!("a/{}", diff.path)), quoted(&format!("b/{}", diff.path)));
    let mut lines = vec![format!("diff --git {before} {after}")];
    let nothing = || "/dev/null".to_owned();
    let (mode, old, new) = match diff.change {
        Change::Created => (Some("new file mode 100644"), nothing(), after),
        Change::Changed => (None, before, after),
        Change::Deleted => (Some("deleted file mode 100644"), before, nothing()),
    };
    lines.extend(mode.map(str::to_owned));
    lines.extend([format!("--- {old}"), format!("+++ {new}")]);
    lines.into_iter().map(|line| (BOLD, line)).collect()
}

/// A path as Git writes it: in quotes, with the escapes of C, where anything in it is unusual.
fn quoted(path: &str) -> String {
    if !path.contains(|c| plain::is_unsafe(c) || matches!(c, '"' | '\\')) {
        return path.to_owned();
    }
    let mut out = "\"".to_owned();
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if plain::is_unsafe(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\{byte:03o}"))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A line of a file; the carriage return of a line break says nothing to a terminal there.
fn shown(line: String) -> String {
    let (text, end) = line.strip_suffix('\r').map_or((line.as_str(), ""), |text| (text, "\r"));
    let shown = plain::text(text);
    if matches!(shown, std::borrow::Cow::Borrowed(_)) { line } else { format!("{shown}{end}") }
}

/// The lines of the hunks with their styles.
fn hunks(diff: &FileDiff) -> Vec<(&'static str, String)> {
    let (before, after) = (String::from_utf8_lossy(&diff.before), String::from_utf8_lossy(&diff.after));
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

    fn sample() -> Vec<FileDiff> {
        let diff = |file: &str, change, before: &str, after: &str| FileDiff {
            component: "loki".to_owned(),
            path: format!("manifests/k3d/loki/{file}"),
            file: file.to_owned(),
            change,
            before: before.as_bytes().into(),
            after: after.as_bytes().into(),
        };
        vec![
            diff("configmap-a.yaml", Change::Changed, "a: 1\nversion: 1\nb: 2\n", "a: 1\nversion: 2\nb: 2\n"),
            diff("configmap-b.yaml", Change::Changed, "c: 1\nversion: 1\n", "c: 1\nversion: 2\n"),
            diff("service-new.yaml", Change::Created, "", "x: 1\n"),
            diff("service-old.yaml", Change::Deleted, "y: 1\n", ""),
        ]
    }

    #[test]
    fn nothing_in_a_file_or_its_name_steers_a_terminal() {
        let diff = FileDiff {
            path: "m/a\n+++ b/x\x1b\"".to_owned(),
            before: b"a: \x1b[31m\r\nb: 1\n"[..].into(),
            after: "a: \u{202e}x\r\nb: 1\n".as_bytes().into(),
            ..sample().swap_remove(0)
        };
        let name = r#"m/a\n+++ b/x\033\""#;
        let header = format!("diff --git \"a/{name}\" \"b/{name}\"\n--- \"a/{name}\"\n+++ \"b/{name}\"\n@@ -1,2 +1,2 @@\n");
        assert_eq!(one(&diff, false), format!("{header}-a: \\u{{1b}}[31m\r\n+a: \\u{{202e}}x\r\n b: 1\n"));
        assert_eq!(exact(&diff), format!("{header}-a: \x1b[31m\r\n+a: \u{202e}x\r\n b: 1\n"));
    }

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
