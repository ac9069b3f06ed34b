//! What a run says about changes: lines for people, JSON for machines (docs/commands.md has the schema).

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::tree::disk::Place;
use crate::tree::{Changes, DirChanges, KUSTOMIZATION};
use hydrate_base::secret::without_passwords;
use hydrate_base::{Diagnostic, Severity, plain};

/// The version of the JSON that commands print; it grows when a reader of the older one would stumble.
pub const VERSION: u32 = 1;

/// One line a changed directory, indented: `  loki  2 created, 1 changed`.
pub fn change_lines(place: &Place, changes: &Changes) -> Vec<String> {
    let clusters = place.clusters_shown("");
    let all = changes.dirs.iter().chain([(&clusters, &changes.clusters)]);
    let mut changed: Vec<(&str, String)> = all.filter(|(_, dir)| touches(dir)).map(|(name, dir)| (name.as_str(), counts(dir))).collect();
    changed.extend(changes.index_change().map(|change| (KUSTOMIZATION, change.word().to_owned())));
    let width = changed.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    changed.iter().map(|(name, counts)| format!("  {name:width$}  {counts}")).collect()
}

fn touches(dir: &DirChanges) -> bool {
    !dir.is_empty()
}

/// `2 created, 1 changed, 3 deleted`
pub fn counts(dir: &DirChanges) -> String {
    let parts = [(dir.created.len(), "created"), (dir.changed.len(), "changed"), (dir.deleted.len(), "deleted")];
    let said: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if said.is_empty() { "only .hydrated changed".to_owned() } else { said.join(", ") }
}

/// `k3d: 2 created, 1 changed, 0 deleted, 40 unchanged in 12 ms`
pub fn summary(env: &str, changes: &Changes, took: Duration) -> String {
    let [created, changed, deleted, unchanged] = changes.counts();
    format!("{env}: {created} created, {changed} changed, {deleted} deleted, {unchanged} unchanged in {}", duration(took))
}

/// `12 ms`, `1.25 s`
pub fn duration(took: Duration) -> String {
    let milliseconds = took.as_millis();
    if milliseconds < 1000 { format!("{milliseconds} ms") } else { format!("{:.2} s", took.as_secs_f64()) }
}

/// The changes of an environment.
pub fn changes_json(place: &Place, changes: &Changes, took: Duration) -> Json {
    let [created, changed, deleted, unchanged] = changes.counts();
    let mut said = json!({
        "environment": place.env,
        "created": created,
        "changed": changed,
        "deleted": deleted,
        "unchanged": unchanged,
        "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "components": changes.dirs.iter().map(|(name, dir)| directory_json("component", name, dir)).collect::<Vec<_>>(),
    });
    if let Some(change) = changes.index_change() {
        said["index"] = json!(change.word());
    }
    if !changes.clusters.files.is_empty() || !changes.clusters.is_empty() {
        said["handover"] = directory_json("directory", &place.clusters_shown(""), &changes.clusters);
    }
    said
}

fn directory_json(key: &str, name: &str, dir: &DirChanges) -> Json {
    json!({
        key: name,
        "created": dir.created,
        "changed": dir.changed,
        "deleted": dir.deleted,
        "edited": dir.edited,
        "unchanged": dir.unchanged,
    })
}

/// Columns as wide as they must be; `-` for nothing.
pub fn table(head: [&str; 4], rows: Vec<[String; 4]>) -> Vec<String> {
    let mut all = vec![head.map(str::to_owned)];
    all.extend(rows.into_iter().map(|row| row.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell })));
    let width = |column: usize| all.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    let line = |[a, b, c, d]: &[String; 4]| format!("{a:w0$}  {b:w1$}  {c:w2$}  {d}", w0 = widths[0], w1 = widths[1], w2 = widths[2]);
    all.iter().map(line).collect()
}

fn hidden(texts: &[String]) -> Vec<std::borrow::Cow<'_, str>> {
    texts.iter().map(|text| without_passwords(text)).collect()
}

/// A diagnostic.
pub fn diagnostic_json(diagnostic: &Diagnostic) -> Json {
    let place = diagnostic.primary.as_ref().map(|label| (label, label.file.line_column(label.span.start)));
    json!({
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        "code": diagnostic.code,
        "message": without_passwords(&diagnostic.message),
        "file": place.as_ref().map(|(label, _)| &label.file.name),
        "line": place.as_ref().map(|(_, (line, _))| line),
        "column": place.as_ref().map(|(_, (_, column))| column),
        "stack": diagnostic.frames.iter().map(|frame| &frame.what).collect::<Vec<_>>(),
        "notes": hidden(&diagnostic.notes),
        "help": hidden(&diagnostic.help),
    })
}

/// The document that a command prints: its own fields around version, command and errors.
pub fn document(command: &str, fields: Json, errors: &[Box<Diagnostic>]) -> Vec<u8> {
    document_of(VERSION, command, fields, errors)
}

/// The same in a version of its own.
pub fn document_of(version: u32, command: &str, fields: Json, errors: &[Box<Diagnostic>]) -> Vec<u8> {
    let mut document = json!({"version": version, "command": command});
    if let (Json::Object(document), Json::Object(fields)) = (&mut document, fields) {
        document.extend(fields);
        document.insert("errors".to_owned(), errors.iter().map(|error| diagnostic_json(error)).collect());
    }
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    (plain::json(text) + "\n").into_bytes()
}
