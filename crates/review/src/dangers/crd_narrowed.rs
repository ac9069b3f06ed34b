//! `crd-narrowed`

use std::collections::BTreeSet;

use hydrate_yaml::node::Node;

use crate::object::Object;
use crate::path::{Path, Step};
use crate::review::is_crd;
use crate::value::{at, entries, is_true, items, text, texts};

use super::crd_deleted::defines;
use super::{Level, Rule, Scene, Sink};

pub(super) const RULE: Rule = Rule {
    code: "crd-narrowed",
    level: Level::Danger,
    title: "A CRD takes less than before",
    text: "A field that has become required, or has another type, makes the API server refuse objects that it took. A field that is gone is dropped from objects without a word when they are next \
           written, and what it said with it.\n\nA field that is required and has a default, or that is in an object that is itself new, refuses nothing.",
    find,
};

fn find(scene: &Scene<'_>, sink: &mut Sink<'_>) {
    for (_, before, after) in scene.updated().filter(|(_, _, after)| is_crd(after)) {
        let Some((_, kind)) = defines(after) else { continue };
        for (name, old, new) in versions(before, after) {
            let mut found = Vec::new();
            let item = Step::Item(vec![("name".into(), name.into())]);
            compare(old, new, &mut vec![Step::Key("spec".into()), Step::Key("versions".into()), item], "", &mut found);
            for (field, what, path, node) in found {
                let field = field.trim_start_matches('.');
                let finding = match &what {
                    What::Gone => sink
                        .about(after, format!("{kind} {name} has no field {field} any more"))
                        .note("objects that have it lose it when they are next written"),
                    What::Required => sink
                        .about(after, format!("{kind} {name} requires {field}"))
                        .note(format!("objects without it are refused: {field}: Required value")),
                    What::Type(old, new) => sink
                        .about(after, format!("{kind} {name} takes another type of value for {field}"))
                        .values(Some(old.clone()), Some(new.clone()))
                        .note("objects with the other type are refused"),
                };
                if matches!(what, What::Gone) {
                    finding.level(Level::Caution);
                }
                finding.at(path, after, Some(node));
            }
        }
    }
}

/// Schemas of versions that both have and serve.
fn versions<'o>(before: &'o Object, after: &'o Object) -> Vec<(&'o str, &'o Node, &'o Node)> {
    let all = |crd: &'o Object| crd.root.get("spec").map(|spec| items(spec, "versions")).unwrap_or_default();
    let schema = |version: &'o Node| at(version, &["schema", "openAPIV3Schema"]);
    let pair = |new: &'o Node| {
        let name = text(new, "name")?;
        let old = all(before).iter().find(|old| text(old, "name") == Some(name))?;
        Some((name, schema(old)?, schema(new)?))
    };
    all(after).iter().filter_map(pair).collect()
}

enum What {
    Gone,
    Required,
    Type(String, String),
}

fn compare<'n>(old: &'n Node, new: &'n Node, way: &mut Vec<Step>, field: &str, found: &mut Vec<(String, What, Path, &'n Node)>) {
    if let (Some(before), Some(after)) = (text(old, "type"), text(new, "type"))
        && before != after
        && !is_true(new, "x-kubernetes-int-or-string")
    {
        found.push((field.to_owned(), What::Type(before.to_owned(), after.to_owned()), Path(way.clone()), new));
        return;
    }
    let keeps = is_true(new, "x-kubernetes-preserve-unknown-fields") || new.get("additionalProperties").is_some();
    let news = entries(new, "properties");
    let new_of = |name: &str| news.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, schema)| schema);
    for (key, before) in entries(old, "properties") {
        let Some(name) = key.as_str() else { continue };
        let field = format!("{field}.{name}");
        way.push(Step::Key(name.into()));
        match new_of(name) {
            Some(after) => compare(before, after, way, &field, found),
            None if keeps => {}
            None => found.push((field, What::Gone, Path(way.clone()), new)),
        }
        way.pop();
    }
    let known: BTreeSet<&str> = texts(old, "required").collect();
    for name in texts(new, "required").filter(|name| !known.contains(name)) {
        let has_default = new_of(name).is_some_and(|schema| schema.get("default").is_some());
        if !has_default && text(old, "type") == Some("object") {
            let mut way = way.clone();
            way.push(Step::Key(name.into()));
            found.push((format!("{field}.{name}"), What::Required, Path(way), new));
        }
    }
    if let (Some(before), Some(after)) = (old.get("items"), new.get("items")) {
        compare(before, after, way, &format!("{field}[]"), found);
    }
    if let (Some(before), Some(after)) = (old.get("additionalProperties"), new.get("additionalProperties")) {
        compare(before, after, way, &format!("{field}.*"), found);
    }
}
