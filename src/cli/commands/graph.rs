//! `hydrate graph`: what is applied after what.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::{Session, format, options, provision, tell_details};
use crate::cli::{report, ui::Ui};
use crate::gitops::graph::Unit;
use crate::pipeline;
use crate::project::graph;
use crate::project::select::select;
use hydrate_base::{Diagnostic, DiskWorld, Severity, plain};

/// Draws the graph of one environment: components, and before them the namespaces and CRDs that they render, in an order in which everything comes
/// after what it needs. What cannot be rendered is drawn by its needs alone, with a warning.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "graph", &[Format::Text, Format::Mermaid, Format::Dot, Format::Json])?;
    let session = Session::open(global)?;
    let env = session.only_environment()?;
    let (world, outside) = (session.project.world(), DiskWorld::new());
    let environment = session.project.environment(&world, env)?;
    let all = session.project.components(&world)?;
    let selection = select(&world, &environment, &all, &[])?;
    let members = selection.members;
    let mut wrong: Vec<_> = selection.broken.into_values().flatten().collect();
    wrong.extend(members.values().flat_map(|component| graph::unknown_needs(component, all.keys().map(String::as_str))));
    wrong.extend(graph::cycles(&members));
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let provision = provision(&outside, &session.project, global, false)?;
    let rendered = pipeline::render(&session.project, env, &options(ui, global, &session, &[], true)?, &provision, &|_| {})?;
    tell_details(ui, &rendered);
    ui.report(&warnings(&rendered.failed));
    let units = pipeline::handover::drawn(&rendered);
    let drawn = match format {
        Format::Mermaid => mermaid(&units),
        Format::Dot => dot(&units),
        Format::Json => {
            let node = |unit: &Unit| json!({"component": unit.name, "needs": unit.needs, "wave": unit.wave});
            let nodes: Vec<_> = units.iter().map(node).collect();
            String::from_utf8_lossy(&report::document("graph", json!({"environment": env, "components": nodes}), &[])).into_owned()
        }
        _ => text(&units),
    };
    ui.data(drawn.as_bytes())?;
    Ok(Exit::Success)
}

/// What cannot be rendered is no reason not to draw what needs what.
fn warnings(failed: &BTreeMap<String, Vec<Box<Diagnostic>>>) -> Vec<Box<Diagnostic>> {
    let one = |(name, errors): (&String, &Vec<Box<Diagnostic>>)| {
        let warning = |error: Box<Diagnostic>| {
            let mut warning = error.note(format!("so the graph does not know which namespaces and CRDs {name} brings"));
            warning.severity = Severity::Warning;
            warning
        };
        errors.iter().cloned().map(warning).collect::<Vec<_>>()
    };
    failed.iter().flat_map(one).collect()
}

fn text(units: &[Unit]) -> String {
    let line = |unit: &Unit| match unit.drawn_needs().join(", ") {
        needs if needs.is_empty() => format!("{}\n", unit.name),
        needs => format!("{} ← {needs}\n", unit.name),
    };
    units.iter().map(line).collect()
}

/// The units by name, so that a drawing changes little when an order does.
fn by_name(units: &[Unit]) -> BTreeMap<&str, &Unit> {
    units.iter().map(|unit| (unit.name.as_str(), unit)).collect()
}

fn mermaid(units: &[Unit]) -> String {
    let units = by_name(units);
    let number: BTreeMap<&str, usize> = units.keys().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut text = "graph TD\n".to_owned();
    number.iter().for_each(|(name, index)| text.push_str(&format!("  c{index}[\"{}\"]\n", plain::line(name))));
    for (name, unit) in &units {
        let needs = unit.drawn_needs().into_iter().filter_map(|need| number.get(need));
        needs.for_each(|need| text.push_str(&format!("  c{need} --> c{}\n", number[name])));
    }
    text
}

fn dot(units: &[Unit]) -> String {
    let units = by_name(units);
    let mut text = "digraph needs {\n  rankdir=LR;\n".to_owned();
    units.keys().for_each(|name| text.push_str(&format!("  \"{name}\";\n")));
    for (name, unit) in &units {
        unit.drawn_needs().into_iter().for_each(|need| text.push_str(&format!("  \"{need}\" -> \"{name}\";\n")));
    }
    text + "}\n"
}
