//! What values do to lines of MiniJinja templates: they are tried as those of charts are, but in what the templates see.

use std::path::Path;
use std::sync::Arc;

use hydrate_base::{SourceFile, World, place};
use hydrate_gotmpl::trace::{Segment, ValuePath};
use hydrate_source::{Data, Document, compose, jinja};
use hydrate_yaml::node::Node;

use super::edit::other_texts;
use super::lines::{Fate, fates};
use super::sources::walk;
use super::values::json_of;
use super::{Cursor, Explainer, Place, ValueUse, short};
use crate::project::component::{SourceKind, conventional_values};
use crate::project::paths;

/// So many values are tried; templates of a project see dozens.
const MOST: usize = 400;

/// The values that have to do with a line of a document.
pub(super) fn values_of(
    explainer: &Explainer<'_>,
    (path, shown, context): (&Path, &str, &minijinja::Value),
    document: &Document,
    cursor: &Cursor<'_>,
) -> Vec<ValueUse> {
    let Some(values) = context.get_attr("values").ok().and_then(|values| Data::from_jinja(&values).ok()) else { return Vec::new() };
    let mut leaves = Vec::new();
    add_leaves(&ValuePath::default(), &values, &mut leaves);
    let world = explainer.conditions.world();
    let before: Vec<&str> = cursor.text.lines().collect();
    let mut uses = Vec::new();
    for (leaf, value) in leaves.iter().take(MOST) {
        for other in others(value) {
            let mut altered = values.clone();
            put(&mut altered, &leaf.0, other);
            let context = minijinja::context! { values => altered.to_jinja(), ..context.clone() };
            let Ok(documents) = jinja::render(&world, path, shown, &context) else { continue };
            let after = documents.iter().find(|other| other.identity == document.identity).map_or("", |other| other.text.as_str());
            let after: Vec<&str> = after.lines().collect();
            match fates(&before, &after).get(cursor.line) {
                None | Some(Fate::Same) => continue,
                Some(fate) => uses.push(ValueUse {
                    path: leaf.to_string(),
                    is_content: *fate == Fate::Changed,
                    value: Some(short(&value.to_json().to_string())),
                    place: place_of(explainer, &world, leaf, value),
                    overridden: Vec::new(),
                }),
            }
            break;
        }
    }
    uses.sort_by_key(|value| !value.is_content);
    uses
}

/// The paths of all values.
pub(super) fn paths_in(values: &Data) -> Vec<ValuePath> {
    let mut leaves = Vec::new();
    add_leaves(&ValuePath::default(), values, &mut leaves);
    leaves.into_iter().map(|(path, _)| path).collect()
}

fn add_leaves(path: &ValuePath, data: &Data, all: &mut Vec<(ValuePath, Data)>) {
    match data {
        Data::Map(map) if !map.is_empty() => map.iter().for_each(|(key, value)| add_leaves(&path.key(key.as_str()), value, all)),
        Data::List(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| add_leaves(&path.index(index), item, all));
        }
        leaf => all.push((path.clone(), leaf.clone())),
    }
}

fn others(value: &Data) -> Vec<Data> {
    match value {
        Data::Bool(is_on) => vec![Data::Bool(!is_on)],
        Data::Int(number) => vec![Data::Int(number.wrapping_add(1))],
        Data::Float(number) => vec![Data::Float(number + 1.0)],
        Data::Text(text) => other_texts(text).into_iter().map(Data::Text).collect(),
        _ => vec![Data::Text("hydrate".to_owned()), Data::List(vec![Data::Text("hydrate".to_owned())])],
    }
}

fn put(data: &mut Data, path: &[Segment], value: Data) {
    match (path, data) {
        ([], data) => *data = value,
        ([Segment::Key(key), rest @ ..], Data::Map(map)) => {
            if let Some(inner) = map.get_mut(key) {
                put(inner, rest, value);
            }
        }
        ([Segment::Index(index), rest @ ..], Data::List(items)) => {
            if let Some(inner) = items.get_mut(*index) {
                put(inner, rest, value);
            }
        }
        _ => {}
    }
}

/// The last file that gives a value so: a values file of the source, or the environment's file. None where it is rendered from a template.
fn place_of(explainer: &Explainer<'_>, world: &dyn World, leaf: &ValuePath, value: &Data) -> Option<Place> {
    let (project, component, env) = (explainer.conditions.project, explainer.component, &explainer.environment.name);
    let specs = component.specs(world, env);
    let mut files: Vec<Arc<SourceFile>> = Vec::new();
    for spec in &specs {
        let SourceKind::Jinja { values, .. } = &spec.kind else { continue };
        for file in values.clone().unwrap_or_else(conventional_values) {
            let Ok(Some(found)) = paths::find(world, project, &component.dir, env, &file, "values file") else { continue };
            if let Ok(text) = world.read(&found.path) {
                files.push(SourceFile::new(found.shown, text));
            }
        }
    }
    let wanted = value.to_json().to_string();
    let is_it = |node: &&Node| json_of(node) == wanted;
    let at = |file: &Arc<SourceFile>, node: &Node| Place::of(file, place::byte_at(&file.text, node.line, node.column), file.name.clone());
    for file in files.iter().rev() {
        // What is a template says itself only after it was rendered.
        let root = file.utf8().ok().and_then(|text| compose::stream(file, 0, text).ok()?.into_iter().next())?;
        if let Some(node) = walk(&root, leaf) {
            return Some(node).filter(is_it).map(|node| at(file, node));
        }
    }
    let file = &explainer.environment.file;
    let root = compose::stream(file, 0, file.utf8().ok()?).ok()?.into_iter().next()?;
    walk(root.get("values")?, leaf).filter(is_it).map(|node| at(file, node))
}
