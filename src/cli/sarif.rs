//! Diagnostics in SARIF 2.1.0, which code scanning reads.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::check::rule_of;
use hydrate_base::secret::without_passwords;
use hydrate_base::{Diagnostic, Severity, plain};

/// One run of hydrate, with a result for each diagnostic. `prefix` leads from the top of the repository to the project.
pub fn document(diagnostics: &[Box<Diagnostic>], prefix: &str) -> Vec<u8> {
    let codes: BTreeSet<&str> = diagnostics.iter().filter_map(|diagnostic| diagnostic.code).collect();
    let rules: Vec<Json> = codes.iter().filter_map(|code| rule_of(code)).map(rule_json).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "hydrate", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": diagnostics.iter().map(|diagnostic| result(diagnostic, prefix)).collect::<Vec<_>>(),
        }],
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    (plain::json(text) + "\n").into_bytes()
}

fn rule_json(rule: &crate::check::validity::Rule) -> Json {
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(diagnostic: &Diagnostic, prefix: &str) -> Json {
    let told = std::iter::once(&diagnostic.message).chain(&diagnostic.notes).chain(&diagnostic.help);
    let text: Vec<_> = told.map(|text| without_passwords(text)).collect();
    let mut result = json!({"level": level(diagnostic.severity), "message": {"text": text.join("\n")}});
    if let Some(code) = diagnostic.code {
        result["ruleId"] = json!(code);
    }
    if let Some(label) = &diagnostic.primary {
        let (line, column) = label.file.line_column(label.span.start);
        result["locations"] = json!([{"physicalLocation": {
            "artifactLocation": {"uri": format!("{prefix}{}", label.file.name)},
            "region": {"startLine": line, "startColumn": column},
        }}]);
    }
    result
}
