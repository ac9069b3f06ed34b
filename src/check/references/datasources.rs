//! Grafana's data sources: their addresses are Services that exist, and dashboards ask sources that exist.

use crate::check::finding::Finding;
use crate::check::objects::Object;
use crate::check::rule::Rule;
use crate::check::value::{items, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::hosts::{self, host_of, texts};
use super::queries::{Board, boards};
use super::{Checker, Target};

/// `datasource-reference`
pub(super) const RULE: Rule = Rule {
    code: "datasource-reference",
    severity: Severity::Warning,
    title: "Data sources lead to Services, and dashboards ask data sources that are there",
    text: "Grafana's data sources in files and values of ConfigMaps and Secrets; the `uid` that panels, variables and annotations of dashboards ask.",
};

/// Data sources that Grafana brings itself.
const OWN: &[&str] = &["-- Dashboard --", "-- Grafana --", "-- Mixed --", "__expr__", "grafana"];

/// Provisioning files, and the dashboards.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    let mut known: Vec<String> = Vec::new();
    let mut complete = true;
    for (object, node) in texts(index.objects) {
        let Some(sources) = node.as_str().filter(|text| text.contains("datasources:")).and_then(provisioned) else { continue };
        for source in items(&sources, &["datasources"]) {
            address(checker, object, node, source);
            known.extend(["uid", "name"].into_iter().filter_map(|key| text(source, key)).map(str::to_owned));
            // A source without a uid gets one that nobody here knows.
            complete &= text(source, "uid").is_some_and(|uid| !uid.contains('$'));
        }
    }
    if !known.is_empty() && complete {
        boards(index.objects).for_each(|board| asked(checker, &board, &known));
    }
}

/// The content of a file that provisions data sources.
fn provisioned(text: &str) -> Option<Node> {
    let root = hydrate_yaml::compose(text.as_bytes()).ok()?.into_iter().find_map(|document| document.root)?;
    let is_source = |source: &Node| source.get("type").is_some();
    items(&root, &["datasources"]).iter().any(is_source).then_some(root)
}

/// A source's address without a domain is a Service in Grafana's own namespace; the longer forms are checked with all
/// other texts.
fn address<'a>(checker: &mut Checker<'a>, object: &'a Object<'a>, node: &'a Node, source: &Node) {
    let file = node.as_str().unwrap_or_default();
    let Some(address) = hosts::address(source, "url") else { return };
    let Some(base) = file.find(address) else { return };
    let Some(host) = host_of(address, base).filter(|host| host.namespace.is_none()) else { return };
    let namespace = object.namespace();
    checker.count();
    if checker.index.find("", "Service", namespace, host.name).is_none() && !checker.elsewhere.has("Service", namespace, host.name) {
        let finding = checker.missing(object, node, Target::core("Service", namespace, host.name));
        let name = text(source, "name").unwrap_or("?");
        checker.add(finding.part(host.span).note(format!("the data source `{name}` is at {address}")));
    }
}

/// The panels of a dashboard ask sources that are provisioned.
fn asked<'a>(checker: &mut Checker<'a>, board: &Board<'a>, known: &[String]) {
    for (panel, uid) in board.sources() {
        if OWN.contains(&uid) || uid.contains(['$', '[']) {
            continue;
        }
        checker.count();
        if !known.iter().any(|one| one == uid) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let message =
                format!("panel `{panel}` of a dashboard in {} asks the data source `{uid}`, which does not exist", board.object.title());
            let mut finding = Finding::new(board.object, board.node, message).meant(suggest::closest(uid, names.iter().copied()));
            if let Some(at) = board.text().find(&format!("\"{uid}\"")) {
                finding = finding.part(at..at + uid.len() + 2);
            }
            checker.add(finding.note(format!("data sources: {}", super::pods::listed(&names))));
        }
    }
}
