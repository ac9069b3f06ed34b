//! Dangers as CI systems show them beside the changed lines: GitHub's workflow commands, GitLab's Code Quality report.

use serde_json::{Value as Json, json};

use hydrate_base::hash::sha256;
use hydrate_base::plain;

use crate::dangers::{Finding, Level, Place};
use crate::review::Review;

/// GitHub's workflow commands, a line each. Nothing in a finding can be a command of its own.
pub fn github(reviews: &[Review]) -> String {
    let mut text = String::new();
    for (env, finding) in findings(reviews) {
        let command = match finding.level {
            Level::Danger => "error",
            Level::Caution => "warning",
            Level::Note => "notice",
        };
        let place = place(finding);
        let (line, title) = (place.line.max(1).to_string(), format!("{} in {env}", finding.code));
        let mut properties = Vec::new();
        if !place.file.is_empty() {
            properties.extend([("file", place.file.as_str()), ("line", line.as_str())]);
        }
        properties.push(("title", title.as_str()));
        text.push_str(&workflow_command(command, &properties, &said(finding)));
    }
    text
}

/// A workflow command of GitHub's, with its line break: `::error file=a.yaml,line=1::it is wrong`. Neither properties nor message can become another one.
pub fn workflow_command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<String> = properties.iter().map(|(key, value)| format!("{key}={}", property(value))).collect();
    format!("::{name} {}::{}\n", properties.join(","), data(message))
}

/// GitLab's Code Quality report.
pub fn gitlab(reviews: &[Review]) -> Vec<u8> {
    let one = |(env, finding): (&str, &Finding)| {
        let place = place(finding);
        let file = if place.file.is_empty() { format!("environments/{env}.yaml") } else { place.file.clone() };
        json!({
            "description": format!("{env}: {}", said(finding)),
            "check_name": finding.code,
            "fingerprint": fingerprint(env, finding),
            "severity": match finding.level {
                Level::Danger => "critical",
                Level::Caution => "major",
                Level::Note => "info",
            },
            "location": {"path": file, "lines": {"begin": place.line.max(1)}},
        })
    };
    let all: Vec<Json> = findings(reviews).map(one).collect();
    let text = serde_json::to_string_pretty(&all).unwrap_or_default();
    (plain::json(text) + "\n").into_bytes()
}

fn findings(reviews: &[Review]) -> impl Iterator<Item = (&str, &Finding)> {
    reviews.iter().flat_map(|review| review.findings.iter().map(move |finding| (review.env.as_str(), finding)))
}

/// The line of the source, where it is known; else that of what was rendered.
fn place(finding: &Finding) -> &Place {
    finding.source.as_ref().unwrap_or(&finding.place)
}

fn said(finding: &Finding) -> String {
    let about = if finding.object.is_empty() { String::new() } else { format!("{}: ", finding.object) };
    let values = super::text::values(finding).map(|values| format!(" ({values})")).unwrap_or_default();
    let more: String = finding.notes.iter().chain(&finding.help).map(|note| format!("\n{note}")).collect();
    format!("{about}{}{values}{more}", finding.message)
}

/// What a finding is known by from run to run: not its line.
pub(super) fn fingerprint(env: &str, finding: &Finding) -> String {
    let path = finding.path.as_ref().map(ToString::to_string).unwrap_or_default();
    let new = finding.new.as_deref().unwrap_or_default();
    sha256([env, finding.code, &finding.component, &finding.object, &path, new].join("\0").as_bytes())
}

/// The message of a command.
fn data(text: &str) -> String {
    plain::text(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_command_of_its_own() {
        assert_eq!(data("a\n::error::b%0A"), "a%0A\\u{3a}:error::b%250A");
        assert_eq!(property("a,b:c\r\n"), "a%2Cb%3Ac\\r%0A");
    }
}
