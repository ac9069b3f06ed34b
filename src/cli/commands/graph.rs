//! `hydrate graph`: what needs what.

use std::collections::BTreeMap;

use serde_json::json;

use crate::base::DiskWorld;
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::session::{Session, format};
use crate::cli::{Exit, Outcome, report, ui::Ui};
use crate::project::select::select;
use crate::project::{Component, graph};

/// Draws the graph of one environment: in an order in which everything comes after what it needs.
pub fn run(ui: &mut Ui, global: &GlobalArgs) -> Outcome {
    let format = format(global, "graph", &[Format::Text, Format::Mermaid, Format::Dot, Format::Json])?;
    let session = Session::open(global)?;
    let world = DiskWorld::new();
    let environment = session.project.environment(&world, session.only_environment()?)?;
    let all = session.project.components(&world)?;
    let selection = select(&world, &environment, &all, &[])?;
    let members = selection.members;
    let mut wrong: Vec<_> = selection.broken.into_values().flatten().collect();
    wrong.extend(members.values().flat_map(|component| graph::unknown_needs(component, all.keys().map(String::as_str))));
    wrong.extend(graph::cycles(&members));
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let drawn = match format {
        Format::Mermaid => mermaid(&members),
        Format::Dot => dot(&members),
        Format::Json => {
            let nodes: Vec<_> =
                graph::order(&members).iter().map(|name| json!({"component": name, "needs": needs(&members, name)})).collect();
            String::from_utf8_lossy(&report::document("graph", json!({"environment": environment.name, "components": nodes}), &[]))
                .into_owned()
        }
        _ => text(&members),
    };
    ui.data(drawn.as_bytes())?;
    Ok(Exit::Success)
}

/// The needs of a component within the environment, sorted.
fn needs<'a>(members: &BTreeMap<String, &'a Component>, name: &str) -> Vec<&'a str> {
    let component = members.get(name);
    let mut needs: Vec<&str> =
        component.map(|component| component.needs.iter().map(|need| need.text.as_str()).collect()).unwrap_or_default();
    needs.retain(|need| members.contains_key(*need));
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn edges<'a>(members: &BTreeMap<String, &'a Component>) -> Vec<(String, &'a str)> {
    members.keys().flat_map(|name| needs(members, name).into_iter().map(|need| (name.clone(), need))).collect()
}

fn text(members: &BTreeMap<String, &Component>) -> String {
    let line = |name: &String| match needs(members, name).join(", ") {
        needs if needs.is_empty() => format!("{name}\n"),
        needs => format!("{name} ← {needs}\n"),
    };
    graph::order(members).iter().map(line).collect()
}

fn mermaid(members: &BTreeMap<String, &Component>) -> String {
    let number: BTreeMap<&str, usize> = members.keys().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
    let nodes = members.keys().map(|name| format!("  c{}[\"{name}\"]\n", number[name.as_str()]));
    let edges = edges(members).into_iter().map(|(name, need)| format!("  c{} --> c{}\n", number[need], number[name.as_str()]));
    std::iter::once("graph TD\n".to_owned()).chain(nodes).chain(edges).collect()
}

fn dot(members: &BTreeMap<String, &Component>) -> String {
    let nodes = members.keys().map(|name| format!("  \"{name}\";\n"));
    let edges = edges(members).into_iter().map(|(name, need)| format!("  \"{need}\" -> \"{name}\";\n"));
    let begin = "digraph needs {\n  rankdir=LR;\n".to_owned();
    std::iter::once(begin).chain(nodes).chain(edges).chain(["}\n".to_owned()]).collect()
}
