//! Objects of Kubernetes' own kinds beside the types that their release has.

use std::collections::BTreeSet;

use hydrate_base::{Severity, suggest};
use hydrate_kubernetes::schemas::{Field, Shape, Type};
use hydrate_yaml::node::Node;

use super::grammar;
use super::reading::{Value, key, value};
use super::rule::{Rule, Sink};

/// `unknown-field`
pub(super) const UNKNOWN_FIELD: Rule = Rule {
    code: "unknown-field",
    severity: Severity::Error,
    title: "Objects have no fields that their kind does not know",
    text: "A field that the kind does not have is refused by server-side apply, which Flux uses, and by `kubectl apply`. Where it is dropped instead, \
           whatever it was to do does not happen.\n\nMostly it is misspelt, or stands one level too deep or not deep enough; or it came with a later \
           release of Kubernetes than the environment's, which the finding says.",
};

/// `wrong-type`
pub(super) const WRONG_TYPE: Rule = Rule {
    code: "wrong-type",
    severity: Severity::Error,
    title: "Values are of the type of their field",
    text: "A number where a string is wanted, a string where a list is wanted, a quantity, time or base64 text that is none: the API server cannot \
           read the object at all.\n\nOften a template writes a number or `true` without quotes into a field that holds strings, such as the value of an \
           environment variable, a label or an annotation: `{{ .Values.port | quote }}`. Unquoted `yes`, `no`, `on` and `off` are booleans for Kubernetes' \
           tools.",
};

/// `missing-field`
pub(super) const MISSING_FIELD: Rule = Rule {
    code: "missing-field",
    severity: Severity::Error,
    title: "Required fields are there",
    text: "The API server refuses an object without a field that its kind requires. A field that is null, or a required text that is empty, counts as \
           missing. Fields that the published schemas call required and that the API server does not miss are not asked for.",
};

/// `unknown-value`
pub(super) const UNKNOWN_VALUE: Rule = Rule {
    code: "unknown-value",
    severity: Severity::Error,
    title: "Fields with a fixed set of values have one of them",
    text: "Values such as `imagePullPolicy: Always` are told apart by case, and there are no others than those that the finding lists for the \
           environment's release of Kubernetes.",
};

/// `duplicate-item`
pub(super) const DUPLICATE_ITEM: Rule = Rule {
    code: "duplicate-item",
    severity: Severity::Warning,
    title: "Items of a list have different keys where the list is merged by them",
    text: "Server-side apply merges such lists item by item: environment variables by name, ports by number and protocol, conditions by type. With two \
           items of one key it fails: `duplicate entries for key`. Creating the object in another way works, which is why this is a warning; where the \
           API server refuses two items in any case, a rule of its own says so.",
};

/// Walks an object along its type.
pub(super) fn check<'a>(sink: &mut Sink<'a>, root: Type, node: &'a Node) {
    let Some(status) = node.get("status") else { return object(sink, root, node) };
    // The status that an object is created with is read and thrown away: it has to be readable, and nothing more.
    object(sink, root, node);
    let place = |node: &Node| (node.line, node.column);
    let is_complaint = |rule: &Rule| *rule == MISSING_FIELD || *rule == UNKNOWN_VALUE || *rule == DUPLICATE_ITEM;
    let end = node.entries().unwrap_or_default().iter().map(|(name, _)| place(name)).find(|next| *next > place(status));
    let inside = |node: &Node| place(node) >= place(status) && end.is_none_or(|end| place(node) < end);
    sink.found.retain(|found| !(is_complaint(found.rule) && inside(found.finding.node)));
}

/// The fields of an object.
pub(super) fn object<'a>(sink: &mut Sink<'a>, of: Type, node: &'a Node) {
    let entries = match value(node) {
        Value::Map(entries) => entries,
        Value::Null => &[],
        _ => return wrong(sink, node, "an object"),
    };
    for (name, node) in entries {
        let name_text = key(name);
        match of.field(sink.minor, name_text) {
            Some(field) => field_value(sink, field, node),
            None => unknown(sink, of, name),
        }
    }
    for field in of.fields(sink.minor).filter(|field| field.required) {
        let found = entries.iter().find(|(name, _)| key(name) == field.name).map(|(_, node)| node);
        if found.is_none_or(|node| is_missing(field, node)) {
            missing(sink, node, found, field.name);
        }
    }
}

/// Whether Go has nothing in a field with this value.
fn is_missing(field: &Field, node: &Node) -> bool {
    match value(node) {
        Value::Null => true,
        Value::Text(text) => text.is_empty() && field.shape == Shape::Text,
        _ => false,
    }
}

fn missing<'a>(sink: &mut Sink<'a>, owner: &'a Node, found: Option<&'a Node>, name: &str) {
    let (node, says) = match found {
        Some(node) => (node, format!("`{name}` is required and has no value")),
        None => (owner, format!("`{name}` is required and missing")),
    };
    sink.report(&MISSING_FIELD, node, says);
}

fn unknown<'a>(sink: &mut Sink<'a>, of: Type, name: &'a Node) {
    let text = key(name);
    let close = suggest::closest(text, of.fields(sink.minor).map(|field| field.name));
    let kind = of.name().rsplit('.').next().unwrap_or_default();
    let minor = sink.minor;
    let finding = sink.report(&UNKNOWN_FIELD, name, format!("`{text}` is no field of {kind}"));
    finding.remark = close.map(|close| format!("did you mean `{close}`?")).unwrap_or_default();
    if let Some(later) = of.later(minor, text) {
        finding.notes.push(format!("Kubernetes 1.{later} has it, the environment's 1.{minor} does not"));
    }
}

fn field_value<'a>(sink: &mut Sink<'a>, field: &'static Field, node: &'a Node) {
    if !field.values.is_empty() {
        one_of(sink, field, node);
    }
    shaped(sink, &field.shape, node);
}

/// A value, or each item of a list, is one of those that there are.
fn one_of<'a>(sink: &mut Sink<'a>, field: &Field, node: &'a Node) {
    match value(node) {
        Value::List(items) => {
            for item in items {
                match value(item) {
                    // Go has the empty text for it.
                    Value::Null if !field.may_be_empty => {
                        sink.report(&UNKNOWN_VALUE, item, format!("an item of `{}` has no value", field.name));
                    }
                    _ => one_of(sink, field, item),
                }
            }
        }
        Value::Text(text) if !(field.values.contains(&text.as_ref()) || text.is_empty() && field.may_be_empty) => {
            let close = suggest::closest(&text, field.values.iter().copied());
            let all: Vec<String> = field.values.iter().map(|value| format!("`{value}`")).collect();
            let finding = sink.report(&UNKNOWN_VALUE, node, format!("`{}` cannot be `{text}`", field.name));
            finding.remark = close.map(|close| format!("did you mean `{close}`?")).unwrap_or_default();
            finding.notes.push(format!("it can be {}", all.join(", ")));
        }
        _ => {}
    }
}

/// A value in the shape of its field. Null is the same as none at all.
fn shaped<'a>(sink: &mut Sink<'a>, shape: &'static Shape, node: &'a Node) {
    let found = value(node);
    if found == Value::Null {
        return;
    }
    match shape {
        Shape::Any => {}
        Shape::Object(of) => object(sink, *of, node),
        Shape::BoolOr(_) if matches!(found, Value::Bool(_)) => {}
        Shape::BoolOr(of) => object(sink, *of, node),
        Shape::List(of, keys) => match found {
            Value::List(items) => list(sink, of, keys.as_deref(), items),
            _ => wrong(sink, node, "a list"),
        },
        Shape::Map(of) => match found {
            Value::Map(entries) => entries.iter().for_each(|(_, node)| shaped(sink, of, node)),
            _ => wrong(sink, node, "a mapping"),
        },
        scalar => {
            if let Some(wanted) = unfit(scalar, &found) {
                wrong(sink, node, &wanted);
            }
        }
    }
}

fn list<'a>(sink: &mut Sink<'a>, of: &'static Shape, keys: Option<&[&str]>, items: &'a [Node]) {
    for item in items {
        match of {
            // An item that is null is an object without any field.
            Shape::Object(of) => object(sink, *of, item),
            _ => shaped(sink, of, item),
        }
    }
    let Some(keys) = keys else { return };
    let mut seen: BTreeSet<Vec<&str>> = BTreeSet::new();
    for item in items {
        let found: Vec<&str> = match keys {
            [] => item.as_str().into_iter().collect(),
            keys => keys.iter().map(|key| key_of(item, key)).collect(),
        };
        if found.iter().all(|text| text.is_empty()) {
            continue;
        }
        if seen.contains(&found) {
            let what: Vec<String> = keys.iter().zip(&found).map(|(key, text)| format!("{key} `{text}`")).collect();
            let what = if keys.is_empty() { format!("`{}`", found.join("")) } else { what.join(" and ") };
            sink.report(&DUPLICATE_ITEM, key_node(item, keys), format!("two items of a list have {what}"));
        }
        seen.insert(found);
    }
}

/// The text of a key of an item, with the default that those of ports have.
fn key_of<'a>(item: &'a Node, key: &str) -> &'a str {
    let text = item.get(key).and_then(Node::as_str).unwrap_or_default();
    if text.is_empty() && key == "protocol" { "TCP" } else { text }
}

fn key_node<'a>(item: &'a Node, keys: &[&str]) -> &'a Node {
    keys.iter().find_map(|key| item.get(key)).unwrap_or(item)
}

/// What is wanted instead of a value that does not fit.
fn unfit(shape: &Shape, found: &Value<'_>) -> Option<String> {
    let whole = |low: i64, high: i64, what: &str| match found {
        Value::Int(number) if (low..=high).contains(number) => None,
        _ => Some(what.to_owned()),
    };
    match shape {
        Shape::Text => (!matches!(found, Value::Text(_))).then(|| "a string".to_owned()),
        Shape::Bool => (!matches!(found, Value::Bool(_))).then(|| "a boolean".to_owned()),
        Shape::Int32 => whole(i64::from(i32::MIN), i64::from(i32::MAX), "a whole number of 32 bits"),
        Shape::Int64 => whole(i64::MIN, i64::MAX, "a whole number of 64 bits"),
        Shape::Number => (!matches!(found, Value::Int(_) | Value::Number(_))).then(|| "a number".to_owned()),
        Shape::IntOrString => match found {
            Value::Text(_) => None,
            _ => whole(i64::from(i32::MIN), i64::from(i32::MAX), "a whole number or a string"),
        },
        Shape::Quantity => match found {
            Value::Int(_) | Value::Number(_) => None,
            Value::Text(text) if grammar::quantity(text.trim()).is_ok() => None,
            _ => Some("a quantity, such as `500m`, `2` or `1Gi`".to_owned()),
        },
        Shape::MicroTime => match found {
            Value::Text(text) if grammar::is_micro_time(text) => None,
            _ => Some("a time with microseconds, such as `2026-01-31T12:00:00.000000Z`".to_owned()),
        },
        Shape::Time => match found {
            Value::Text(text) if grammar::is_time(text) => None,
            _ => Some("a time, such as `2026-01-31T12:00:00Z`".to_owned()),
        },
        Shape::Bytes => match found {
            Value::Text(text) if grammar::base64(text).is_some() => None,
            // Go reads bytes from a list of numbers too.
            Value::List(_) => None,
            _ => Some("a text in base64".to_owned()),
        },
        Shape::Any | Shape::Object(_) | Shape::BoolOr(_) | Shape::List(..) | Shape::Map(_) => None,
    }
}

/// Says what a value is and what it should be.
pub(super) fn wrong<'a>(sink: &mut Sink<'a>, node: &'a Node, wanted: &str) {
    let found = value(node);
    let name = name_of(&sink.object.root, node).map(|name| format!("`{name}`")).unwrap_or_else(|| "this".to_owned());
    let (is, quotes) = match &found {
        // Texts may be secrets, and in a Secret anything may.
        _ if sink.object.kind() == "Secret" => (found.what().to_owned(), false),
        Value::Text(_) => (found.what().to_owned(), false),
        Value::Int(_) | Value::Number(_) | Value::Bool(_) => {
            (format!("{} (`{}`)", found.what(), node.as_str().unwrap_or_default()), wanted == "a string")
        }
        _ => (found.what().to_owned(), false),
    };
    let finding = sink.report(&WRONG_TYPE, node, format!("{name} has to be {wanted}, and is {is}"));
    if quotes {
        finding.help.push(format!("write it in quotes: \"{}\"", node.as_str().unwrap_or_default()));
    }
}

/// The key that a value stands behind, or that of the list it is in.
fn name_of<'n>(root: &'n Node, wanted: &Node) -> Option<&'n str> {
    let into = |node: &'n Node| if std::ptr::eq(node, wanted) { Some(None) } else { name_of(node, wanted).map(Some) };
    if let Some(entries) = root.entries() {
        return entries.iter().find_map(|(name, node)| into(node).map(|deep| deep.unwrap_or_else(|| key(name))));
    }
    // An item of a list is called by the key of the list, which the caller knows.
    root.items()?.iter().find_map(|item| match into(item)? {
        Some(deep) => Some(deep),
        None => Some("item"),
    })
}
