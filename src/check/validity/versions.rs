//! API versions: those that the release does not serve any more, those that it will not serve for long, and those that never were.

use hydrate_base::{Severity, suggest};
use hydrate_kubernetes::is_builtin_group;
use hydrate_kubernetes::schemas::{self, LAST, Served};

use super::rule::{Rule, Sink};

/// `removed-api`
pub(super) const REMOVED: Rule = Rule {
    code: "removed-api",
    severity: Severity::Error,
    title: "API versions are served by the environment's release of Kubernetes",
    text: "Kubernetes drops old API versions: an object in one of them is refused with `no matches for kind`. The finding names the release that dropped \
           it and what replaces it; fields may differ between the two.",
};

/// `deprecated-api`
pub(super) const DEPRECATED: Rule = Rule {
    code: "deprecated-api",
    severity: Severity::Warning,
    title: "API versions are not about to be dropped",
    text: "The environment's release still serves this API version and warns of it; the finding names the release that drops it and what replaces it. \
           Move before the clusters are upgraded.",
};

/// `unknown-kind`
pub(super) const UNKNOWN_KIND: Rule = Rule {
    code: "unknown-kind",
    severity: Severity::Error,
    title: "Kinds of Kubernetes' own groups exist",
    text: "The API version is one of Kubernetes itself, and its release has no such kind in it: the kind is misspelt, belongs to another group or \
           version, or came with a later release than the environment's. Alpha versions, which clusters serve only when asked to, are not judged.",
};

/// How the release serves the object; `None` for custom resources, and for what is reported here.
pub(super) fn check(sink: &mut Sink<'_>) -> Option<Served> {
    let object = sink.object;
    let (api_version, kind) = (object.document.identity.api_version.as_str(), object.kind());
    let found = schemas::served(kind, sink.minor).find(|served| served.api_version == api_version);
    let ends = schemas::lifecycle(api_version, kind);
    let node = object.root.get("apiVersion").unwrap_or(&object.root);
    let minor = sink.release.minor;
    let instead = ends.and_then(|ends| ends.replacement);
    let help = instead.map(|(version, other)| match other == kind {
        true => format!("use {version}"),
        false => format!("use {other} of {version}"),
    });
    if found.is_some() {
        if let Some(ends) = ends.filter(|ends| ends.deprecated <= minor) {
            let until = ends.removed.filter(|removed| *removed > minor).map(|removed| format!(", Kubernetes 1.{removed} drops it"));
            let says = format!("{api_version} {kind} is deprecated since Kubernetes 1.{}{}", ends.deprecated, until.unwrap_or_default());
            sink.report(&DEPRECATED, node, says).help.extend(help);
        }
        return found;
    }
    if !is_builtin_group(object.group()) {
        return None;
    }
    if let Some(removed) = ends.and_then(|ends| ends.removed).filter(|removed| *removed <= minor) {
        let says = format!("Kubernetes 1.{removed} dropped {api_version} {kind}, and the environment's is 1.{minor}");
        sink.report(&REMOVED, node, says).help.extend(help);
    } else if sink.release.is_known() && !api_version.contains("alpha") && !kind.ends_with("List") {
        unknown(sink);
    }
    None
}

/// A kind that the release does not have in this API version.
fn unknown(sink: &mut Sink<'_>) {
    let object = sink.object;
    let (api_version, kind, minor) = (object.document.identity.api_version.as_str(), object.kind(), sink.minor);
    let versions: Vec<&str> = schemas::served(kind, minor).map(|served| served.api_version).collect();
    let later = (minor + 1..=LAST).find(|minor| schemas::served(kind, *minor).any(|served| served.api_version == api_version));
    let name = if versions.is_empty() { "kind" } else { "apiVersion" };
    let node = object.root.get(name).unwrap_or(&object.root);
    let finding = sink.report(&UNKNOWN_KIND, node, format!("Kubernetes 1.{minor} has no {kind} in {api_version}"));
    if let Some(close) = suggest::closest(api_version, versions.iter().copied()) {
        finding.remark = format!("did you mean `{close}`?");
    } else if !versions.is_empty() {
        finding.help.push(format!("{kind} is in {}", versions.join(", ")));
    }
    if let Some(later) = later {
        finding.notes.push(format!("Kubernetes 1.{later} has it"));
    }
}
