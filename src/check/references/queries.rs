//! Queries of rules and dashboards: they parse, and the metrics that they name exist.

use crate::check::rule::Rule;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::check::finding::Finding;
use crate::check::objects::Object;
use crate::check::promql;
use crate::check::value::{items, scalar, text};
use hydrate_base::{Label, Severity, SourceFile, place};
use hydrate_yaml::node::Node;

use super::Checker;
use super::hosts::texts;

/// `query`
pub(super) const RULE: Rule = Rule {
    code: "query",
    severity: Severity::Warning,
    title: "Queries can be read, and ask for metrics that are there",
    text: "PromQL of PrometheusRules, rule files, and of Grafana's panels, variables and annotations. Metrics are judged where a component lists what it exposes in metrics.txt: those that begin like a listed one, or all with `metrics: all`. LogQL, queries that a variable breaks, and all queries where VictoriaMetrics runs are left alone.",
};

/// A query and where it stands.
struct Asked<'a> {
    object: &'a Object<'a>,
    /// The node that holds it, or the file that does.
    node: &'a Node,
    /// The bytes of the node's text at which it stands, where that is a file.
    part: Option<Range<usize>>,
    /// What asks it: ``rule `LokiDown` ``.
    place: String,
    query: String,
}

/// Rules first, because they record metrics that others ask for.
pub(super) fn check(checker: &mut Checker<'_>) {
    if speaks_otherwise(checker) {
        return;
    }
    let objects = checker.index.objects;
    let mut recorded: Vec<String> = Vec::new();
    let mut all: Vec<Asked<'_>> = Vec::new();
    for object in checker.index.of("monitoring.coreos.com", "PrometheusRule") {
        for rule in items(&object.root, &["spec", "groups"]).iter().flat_map(|group| items(group, &["rules"])) {
            recorded.extend(text(rule, "record").map(str::to_owned));
            let Some(node) = scalar(rule, "expr") else { continue };
            all.push(Asked { object, node, part: None, place: place_of(rule), query: node.as_str().unwrap_or_default().to_owned() });
        }
    }
    for (object, node) in texts(objects) {
        rule_file(object, node, &mut recorded, &mut all);
    }
    for board in boards(objects) {
        board.queries(&mut all);
    }
    all.iter().for_each(|asked| judge(checker, asked, &recorded));
}

/// VictoriaMetrics has a language of its own that looks the same and knows more.
fn speaks_otherwise(checker: &Checker<'_>) -> bool {
    let index = checker.index;
    index.objects.iter().any(|object| object.group() == "operator.victoriametrics.com")
        || index
            .pods()
            .iter()
            .flat_map(|pod| pod.containers())
            .any(|one| text(one, "image").is_some_and(|image| image.contains("victoriametrics/")))
}

fn place_of(rule: &Node) -> String {
    let name = text(rule, "alert").or_else(|| text(rule, "record")).unwrap_or("?");
    format!("rule `{name}`")
}

/// A file with groups of rules, as Prometheus reads it. Loki's rules look the same: they are told by their queries.
fn rule_file<'a>(object: &'a Object<'a>, node: &'a Node, recorded: &mut Vec<String>, all: &mut Vec<Asked<'a>>) {
    let Some(file) = node.as_str().filter(|text| text.contains("groups:") && text.contains("expr:")) else { return };
    let Ok(documents) = hydrate_yaml::compose(file.as_bytes()) else { return };
    for root in documents.iter().filter_map(|document| document.root.as_ref()) {
        for rule in items(root, &["groups"]).iter().flat_map(|group| items(group, &["rules"])) {
            let named = text(rule, "alert").or_else(|| text(rule, "record")).is_some();
            let Some(expr) = scalar(rule, "expr").filter(|_| named) else { continue };
            let query = expr.as_str().unwrap_or_default();
            if promql::is_logql(query) {
                continue;
            }
            recorded.extend(text(rule, "record").map(str::to_owned));
            all.push(Asked { object, node, part: Some(part_of(file, expr)), place: place_of(rule), query: query.to_owned() });
        }
    }
}

/// The bytes of the file at which a query begins: its first line, where it has several.
fn part_of(file: &str, expr: &Node) -> Range<usize> {
    let query = expr.as_str().unwrap_or_default();
    let first = query.lines().next().unwrap_or_default();
    let line = place::byte_at(file.as_bytes(), expr.line, 1);
    match file.get(line..).and_then(|rest| rest.find(first)).filter(|_| !first.is_empty()) {
        Some(at) => line + at..line + at + first.len(),
        None => line..line,
    }
}

/// Reads a query and looks its metrics up.
fn judge<'a>(checker: &mut Checker<'a>, asked: &Asked<'a>, recorded: &[String]) {
    checker.report.queries += 1;
    let query = match promql::parse(&asked.query) {
        Ok(query) => query,
        // What variables make of a query is not known, and logs are asked in another language.
        Err(_) if promql::has_variables(&asked.query) || promql::is_logql(&asked.query) => return,
        Err(error) => {
            let message = format!("{} in {} is no PromQL: {}", asked.place, asked.object.title(), error.message);
            checker.add(finding(asked, message, error.span, ""));
            return;
        }
    };
    if checker.declared.metrics.is_empty() {
        return;
    }
    for (name, span) in query.metrics {
        checker.report.metrics += 1;
        if checker.declared.metrics.has(&name) || recorded.contains(&name) {
            continue;
        }
        let close = checker.declared.metrics.closest(&name).map(|close| format!("did you mean `{close}`?")).unwrap_or_default();
        let message = format!("{} in {} asks for the metric `{name}`, which no component exposes", asked.place, asked.object.title());
        let advice = format!("list it in {}/COMPONENT/metrics.txt of the component that exposes it", checker.configured.components);
        checker.add(finding(asked, message, span, &close).help(advice));
    }
}

fn finding<'a>(asked: &Asked<'a>, message: String, span: Range<usize>, remark: &str) -> Finding<'a> {
    let mut finding = Finding::new(asked.object, asked.node, message);
    finding.part = asked.part.clone();
    let file = SourceFile::new(format!("the query of {}", asked.place), asked.query.as_bytes());
    let end = span.end.max(span.start + 1).min(asked.query.len().max(span.start));
    finding.inner = Some(Label { file: Arc::clone(&file), span: span.start..end, text: remark.to_owned() });
    finding
}

/// A Grafana dashboard in a ConfigMap.
pub(super) struct Board<'a> {
    /// The ConfigMap.
    pub object: &'a Object<'a>,
    /// The entry that holds it.
    pub node: &'a Node,
    content: Content,
}

/// The parts of a dashboard that ask anything.
#[derive(Debug, Deserialize)]
struct Content {
    #[serde(default)]
    panels: Vec<Panel>,
    #[serde(default)]
    rows: Vec<Row>,
    #[serde(default)]
    templating: Lists,
    #[serde(default)]
    annotations: Lists,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    panels: Vec<Panel>,
}

#[derive(Debug, Default, Deserialize)]
struct Lists {
    #[serde(default)]
    list: Vec<Json>,
}

#[derive(Debug, Deserialize)]
struct Panel {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    datasource: Json,
    #[serde(default)]
    targets: Vec<Question>,
    #[serde(default)]
    panels: Vec<Panel>,
}

#[derive(Debug, Deserialize)]
struct Question {
    #[serde(default)]
    datasource: Json,
    #[serde(default)]
    expr: Option<Json>,
}

/// Every dashboard: JSON in a ConfigMap that has panels.
pub(super) fn boards<'a>(objects: &'a [Object<'a>]) -> impl Iterator<Item = Board<'a>> {
    texts(objects).filter_map(|(object, node)| {
        let file = node.as_str().filter(|text| text.trim_start().starts_with('{') && text.contains("\"panels\""))?;
        let content = serde_json::from_str(file).ok()?;
        Some(Board { object, node, content })
    })
}

impl<'a> Board<'a> {
    /// The file.
    pub(super) fn text(&self) -> &'a str {
        self.node.as_str().unwrap_or_default()
    }

    fn panels(&self) -> Vec<&Panel> {
        let top = self.content.panels.iter().chain(self.content.rows.iter().flat_map(|row| &row.panels));
        let mut all = Vec::new();
        for panel in top {
            all.push(panel);
            all.extend(&panel.panels);
        }
        all
    }

    /// (panel, uid of the data source that it asks) where it says one.
    pub(super) fn sources(&self) -> Vec<(&str, &str)> {
        let mut all = Vec::new();
        for panel in self.panels() {
            let title = panel.title.as_deref().unwrap_or("?");
            let own = std::iter::once(&panel.datasource).chain(panel.targets.iter().map(|target| &target.datasource));
            all.extend(own.filter_map(|source| Some((title, source.get("uid")?.as_str()?))));
        }
        all.dedup();
        all
    }

    fn queries(&self, all: &mut Vec<Asked<'a>>) {
        for panel in self.panels() {
            let title = panel.title.as_deref().filter(|title| !title.is_empty()).unwrap_or("?");
            for target in &panel.targets {
                let source = if target.datasource.is_null() { &panel.datasource } else { &target.datasource };
                let Some(query) = target.expr.as_ref().and_then(Json::as_str).filter(|query| !query.trim().is_empty()) else { continue };
                if self.is_prometheus(source) {
                    self.push(format!("panel `{title}`"), query, query, all);
                }
            }
        }
        for variable in &self.content.templating.list {
            let name = variable.get("name").and_then(Json::as_str).unwrap_or("?");
            let query = variable.get("query").and_then(|query| query.as_str().or_else(|| query.get("query")?.as_str()));
            let is_query = variable.get("type").and_then(Json::as_str) == Some("query");
            if let Some(query) = query.filter(|_| is_query && variable.get("datasource").is_some_and(|source| self.is_prometheus(source))) {
                let Some(asked) = of_variable(query) else { continue };
                self.push(format!("variable `{name}`"), query, asked, all);
            }
        }
        for annotation in &self.content.annotations.list {
            let name = annotation.get("name").and_then(Json::as_str).unwrap_or("?");
            let query = annotation.get("expr").and_then(Json::as_str).filter(|query| !query.trim().is_empty());
            if let Some(query) = query.filter(|_| annotation.get("datasource").is_some_and(|source| self.is_prometheus(source))) {
                self.push(format!("annotation `{name}`"), query, query, all);
            }
        }
    }

    /// `written` is how it stands in the file, `query` the part of it that is PromQL.
    fn push(&self, place: String, written: &str, query: &str, all: &mut Vec<Asked<'a>>) {
        let escaped = serde_json::to_string(written).unwrap_or_default();
        let part = self.text().find(&escaped).map(|at| at..at + escaped.len());
        all.push(Asked { object: self.object, node: self.node, part, place, query: query.to_owned() });
    }

    /// Whether a data source is a Prometheus: it says so itself, or it is a variable over such.
    fn is_prometheus(&self, source: &Json) -> bool {
        if let Some(kind) = source.get("type").and_then(Json::as_str) {
            return kind == "prometheus";
        }
        let Some(name) = source.as_str().and_then(|name| name.strip_prefix('$')) else { return false };
        let name = name.trim_start_matches('{').trim_end_matches('}');
        let is = |variable: &Json, key: &str, value: &str| variable.get(key).and_then(Json::as_str) == Some(value);
        self.content
            .templating
            .list
            .iter()
            .any(|variable| is(variable, "name", name) && is(variable, "type", "datasource") && is(variable, "query", "prometheus"))
    }
}

/// The PromQL in the query of a variable: `label_values(metric, label)`, `query_result(query)`, or all of it.
fn of_variable(query: &str) -> Option<&str> {
    let query = query.trim();
    let inner = |name: &str| query.strip_prefix(name)?.trim_start().strip_prefix('(')?.trim_end().strip_suffix(')');
    if let Some(inner) = inner("label_values") {
        return inner.rsplit_once(',').map(|(metric, _)| metric.trim());
    }
    if let Some(inner) = inner("query_result") {
        return Some(inner.trim());
    }
    let other = ["label_names", "metrics"].iter().any(|name| inner(name).is_some());
    (!other).then_some(query)
}
