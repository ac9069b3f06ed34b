//! Dangers in SARIF 2.1.0, which code scanning reads.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use hydrate_base::plain;

use crate::dangers::{Finding, Level, Place, Rule, rule_of};
use crate::review::Review;

/// One run of hydrate, with a result for each danger of all environments. A result is at the line of the source that gave the object, where that is known, and else
/// at the line of what was rendered.
pub fn write(reviews: &[Review]) -> Vec<u8> {
    let findings = || reviews.iter().flat_map(|review| review.findings.iter().map(move |finding| (review, finding)));
    let codes: BTreeSet<&str> = findings().map(|(_, finding)| finding.code).collect();
    let rules: Vec<Json> = codes.iter().filter_map(|code| rule_of(code)).map(rule).collect();
    let results: Vec<Json> = findings().map(|(review, finding)| result(&review.env, finding, &codes)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "hydrate", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results,
        }],
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    (plain::json(text) + "\n").into_bytes()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Danger => "error",
        Level::Caution => "warning",
        Level::Note => "note",
    }
}

fn rule(rule: &Rule) -> Json {
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text},
        "help": {"text": rule.text, "markdown": rule.text},
        "defaultConfiguration": {"level": level(rule.level)},
    })
}

fn result(env: &str, finding: &Finding, codes: &BTreeSet<&str>) -> Json {
    let about = if finding.object.is_empty() { String::new() } else { format!("{}: ", finding.object) };
    let mut told = vec![format!("{env}: {about}{}", finding.message)];
    told.extend(super::text::values(finding));
    told.extend(finding.notes.iter().chain(&finding.help).cloned());
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": codes.iter().position(|code| *code == finding.code).unwrap_or_default(),
        "level": level(finding.level),
        "message": {"text": told.join("\n")},
        "partialFingerprints": {"hydrate/v1": super::annotations::fingerprint(env, finding)},
    });
    let rendered = Some(&finding.place).filter(|place| !place.file.is_empty());
    if let Some(place) = finding.source.as_ref().or(rendered) {
        result["locations"] = json!([{"physicalLocation": location(place)}]);
    }
    if let Some(place) = rendered.filter(|_| finding.source.is_some()) {
        result["relatedLocations"] = json!([{"physicalLocation": location(place), "message": {"text": "what was rendered"}}]);
    }
    result
}

fn location(place: &Place) -> Json {
    json!({"artifactLocation": {"uri": uri(&place.file)}, "region": {"startLine": place.line.max(1)}})
}

/// A path as a reference to a file: what has a meaning in an address is written as its number.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_no_addresses() {
        assert_eq!(super::uri("a b/c:d%.yaml"), "a%20b/c%3Ad%25.yaml");
    }
}
