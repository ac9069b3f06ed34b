//! A value beside a structural schema.
//!
//! It is read as the API server reads it: null in place of a property that is not nullable is nothing, defaults are there before anything is
//! validated, and unknown fields are dropped. The validator of `values.schema.json` in `hydrate-helm` was looked at: it follows JSON Schema over Helm's
//! values in Helm's words, knows neither pruning nor defaults nor lists that are maps, and has no places in the text.

use std::collections::BTreeSet;

use hydrate_base::suggest;
use hydrate_yaml::node::Node;

use crate::check::validity::reading::{Value, int, key, value};
use crate::check::validity::rule::Sink;
use crate::check::validity::structure::{MISSING_FIELD, UNKNOWN_VALUE, WRONG_TYPE, wrong};
use crate::check::value::{at, entries, is_true, items, text};

use super::{Customs, PRUNED_FIELD, SCHEMA_VIOLATION, formats};

/// The whole object.
pub(super) fn check<'a>(sink: &mut Sink<'a>, customs: &Customs<'_>, schema: &Node, preserves: bool) {
    let walk = Walk { customs, preserves };
    let root = &sink.object.root;
    walk.value(sink, "", schema, At { base: schema, own: true, is_root: true }, root);
}

struct Walk<'c> {
    customs: &'c Customs<'c>,
    /// Whether fields that are not in the schema stay, everywhere.
    preserves: bool,
}

/// Where in a schema a value is.
#[derive(Clone, Copy)]
struct At<'s> {
    /// The structural schema of the value: what says defaults and nullable.
    base: &'s Node,
    /// Whether the schema is that one itself, and not one of its `anyOf` and the like.
    own: bool,
    /// Whether the value has a type and metadata: the object itself, or one inside of it.
    is_root: bool,
}

impl Walk<'_> {
    fn value<'a>(&self, sink: &mut Sink<'a>, name: &str, schema: &Node, at: At<'_>, node: &'a Node) {
        let found = value(node);
        let wanted = text(schema, "type").unwrap_or_default();
        if found == Value::Null && (is_true(at.base, "nullable") || wanted.is_empty()) || found == Value::Broken {
            return;
        }
        if let Some(wanted) = unfit(schema, wanted, &found) {
            return wrong(sink, node, wanted);
        }
        one_of(sink, name, schema, node);
        match &found {
            Value::Text(text) => self.text(sink, name, schema, text, node),
            Value::Int(_) | Value::Number(_) => number(sink, name, schema, &found, node),
            Value::List(all) => self.list(sink, name, schema, at, all, node),
            Value::Map(all) => self.map(sink, name, schema, at, all, node),
            _ => {}
        }
        self.logic(sink, name, schema, at, node);
    }

    fn text<'a>(&self, sink: &mut Sink<'a>, name: &str, schema: &Node, found: &str, node: &'a Node) {
        let length = || i64::try_from(found.chars().count()).unwrap_or(i64::MAX);
        bound(sink, node, int(schema, "minLength").filter(|least| length() < *least), |least| {
            format!("`{name}` has to have at least {least} characters")
        });
        bound(sink, node, int(schema, "maxLength").filter(|most| length() > *most), |most| {
            format!("`{name}` can have at most {most} characters, and has {}", length())
        });
        if let Some(pattern) = text(schema, "pattern")
            && self.customs.pattern(pattern).is_some_and(|regex| !regex.is_match(found.as_bytes()))
        {
            sink.report(&SCHEMA_VIOLATION, node, format!("`{name}` does not match the pattern `{pattern}`"));
        }
        let Some(format) = text(schema, "format") else { return };
        match formats::fits(format, found) {
            Some(true) => {}
            Some(false) => {
                sink.report(&SCHEMA_VIOLATION, node, format!("`{name}` has to be of the format `{format}`"));
            }
            None => *sink.unevaluated.entry(format!("texts of the format {format}")).or_default() += 1,
        }
    }

    fn list<'a>(&self, sink: &mut Sink<'a>, name: &str, schema: &Node, at: At<'_>, all: &'a [Node], node: &'a Node) {
        let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
        bound(sink, node, int(schema, "minItems").filter(|least| length < *least), |least| {
            format!("`{name}` has to have at least {least} items")
        });
        bound(sink, node, int(schema, "maxItems").filter(|most| length > *most), |most| {
            format!("`{name}` can have at most {most} items, and has {length}")
        });
        if let Some(of) = schema.get("items") {
            let base = at.base.get("items").unwrap_or(of);
            all.iter().for_each(|item| self.value(sink, name, of, At { base, own: at.own, is_root: false }, item));
        }
        match text(schema, "x-kubernetes-list-type").filter(|_| at.own) {
            Some("set") => repeated(sink, name, all, |item| item.as_str().map(|text| vec![text.to_owned()])),
            Some("map") => {
                let keys: Vec<&str> = items(schema, &["x-kubernetes-list-map-keys"]).iter().filter_map(Node::as_str).collect();
                let default = |key: &str| default_of(schema.get("items"), key).and_then(Node::as_str);
                let of_item = |item: &Node| {
                    item.entries()?;
                    Some(
                        keys.iter()
                            .map(|key| item.get(key).and_then(Node::as_str).or_else(|| default(key)).unwrap_or_default().to_owned())
                            .collect(),
                    )
                };
                repeated(sink, name, all, of_item);
            }
            _ => {}
        }
    }

    fn map<'a>(&self, sink: &mut Sink<'a>, name: &str, schema: &Node, at: At<'_>, all: &'a [(Node, Node)], node: &'a Node) {
        let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
        bound(sink, node, int(schema, "minProperties").filter(|least| length < *least), |least| {
            format!("`{name}` has to have at least {least} entries")
        });
        bound(sink, node, int(schema, "maxProperties").filter(|most| length > *most), |most| {
            format!("`{name}` can have at most {most} entries")
        });
        let is_embedded = at.is_root || at.own && is_true(schema, "x-kubernetes-embedded-resource");
        let rest = schema.get("additionalProperties");
        let keeps = self.preserves
            || is_true(schema, "x-kubernetes-preserve-unknown-fields")
            || rest.is_some_and(|rest| rest.entries().is_some() || rest.as_str() == Some("true"));
        for (name_node, found) in all {
            let property = key(name_node);
            // Metadata is looked at elsewhere, and every object has its type.
            if is_embedded && matches!(property, "apiVersion" | "kind" | "metadata") {
                continue;
            }
            let of = entries(schema, &["properties"]).iter().find(|(name, _)| key(name) == property).map(|(_, of)| of);
            let of = of.or_else(|| rest.filter(|rest| rest.entries().is_some()));
            match of {
                Some(of) => {
                    let base = base_of(at.base, property).unwrap_or(of);
                    if value(found) != Value::Null {
                        self.value(sink, property, of, At { base, own: at.own, is_root: false }, found);
                    }
                }
                None if at.own && !keeps => pruned(sink, schema, name, name_node),
                None => {}
            }
        }
        for wanted in items(schema, &["required"]).iter().filter_map(Node::as_str) {
            let found = all.iter().find(|(name, _)| key(name) == wanted).map(|(_, node)| node);
            let base = base_of(at.base, wanted);
            let is_there = match found.map(value) {
                Some(Value::Null) => base.is_some_and(|base| is_true(base, "nullable") || base.get("default").is_some()),
                Some(_) => true,
                None => base.is_some_and(|base| base.get("default").is_some()),
            };
            if !(is_there || at.is_root && matches!(wanted, "apiVersion" | "kind" | "metadata")) {
                sink.report(&MISSING_FIELD, found.unwrap_or(node), format!("`{wanted}` is required and missing"));
            }
        }
        if is_embedded && !at.is_root {
            for wanted in ["apiVersion", "kind"].iter().filter(|wanted| node.get(wanted).is_none()) {
                sink.report(&MISSING_FIELD, node, format!("`{wanted}` is required and missing: `{name}` holds an object"));
            }
        }
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`
    fn logic<'a>(&self, sink: &mut Sink<'a>, name: &str, schema: &Node, at: At<'_>, node: &'a Node) {
        let inner = At { own: false, ..at };
        for one in items(schema, &["allOf"]) {
            self.value(sink, name, one, inner, node);
        }
        let fits = |sink: &Sink<'a>, one: &Node| {
            let mut trial =
                Sink { object: sink.object, release: sink.release, minor: sink.minor, found: Vec::new(), unevaluated: Default::default() };
            self.value(&mut trial, name, one, inner, node);
            trial.found.is_empty()
        };
        let any = items(schema, &["anyOf"]);
        if !any.is_empty() && !any.iter().any(|one| fits(sink, one)) {
            sink.report(&SCHEMA_VIOLATION, node, format!("{} fits none of the schemas of `anyOf`", shown(name))).notes.extend(needs(any));
        }
        let one = items(schema, &["oneOf"]);
        if !one.is_empty() {
            let fitting = one.iter().filter(|one| fits(sink, one)).count();
            if fitting != 1 {
                let says = format!("{} has to fit exactly one of the schemas of `oneOf`, and fits {fitting}", shown(name));
                sink.report(&SCHEMA_VIOLATION, node, says).notes.extend(needs(one));
            }
        }
        if let Some(not) = schema.get("not")
            && fits(sink, not)
        {
            sink.report(&SCHEMA_VIOLATION, node, format!("{} fits the schema of `not`", shown(name)))
                .notes
                .extend(needs(std::slice::from_ref(not)));
        }
    }
}

fn shown(name: &str) -> String {
    if name.is_empty() { "the object".to_owned() } else { format!("`{name}`") }
}

/// The fields that alternatives ask for, where that is what they do.
fn needs(all: &[Node]) -> Option<String> {
    let required = |one: &Node| {
        let names: Vec<&str> = items(one, &["required"]).iter().filter_map(Node::as_str).collect();
        (!names.is_empty()).then(|| format!("`{}`", names.join("` and `")))
    };
    let named: Option<Vec<String>> = all.iter().map(required).collect();
    named.map(|named| format!("the fields in question are {}", named.join(", or ")))
}

/// The structural schema of a property.
fn base_of<'s>(base: &'s Node, property: &str) -> Option<&'s Node> {
    let own = entries(base, &["properties"]).iter().find(|(name, _)| key(name) == property).map(|(_, of)| of);
    own.or_else(|| base.get("additionalProperties").filter(|rest| rest.entries().is_some()))
}

fn default_of<'s>(schema: Option<&'s Node>, property: &str) -> Option<&'s Node> {
    at(schema?, &["properties", property, "default"])
}

/// What a value has to be instead.
fn unfit(schema: &Node, wanted: &str, found: &Value<'_>) -> Option<&'static str> {
    if is_true(schema, "x-kubernetes-int-or-string") {
        return (!matches!(found, Value::Int(_) | Value::Text(_))).then_some("a whole number or a string");
    }
    let whole = match found {
        Value::Int(_) => true,
        Value::Number(number) => number.fract() == 0.0,
        _ => false,
    };
    let is_text = matches!(found, Value::Text(_));
    match wanted {
        // With a format, texts are let through to it.
        "object" if !matches!(found, Value::Map(_)) => Some("an object"),
        "array" if !matches!(found, Value::List(_)) => Some("a list"),
        "string" if !is_text => Some("a string"),
        "integer" if !whole => Some("a whole number"),
        "number" if !matches!(found, Value::Int(_) | Value::Number(_)) => Some("a number"),
        "boolean" if !matches!(found, Value::Bool(_)) => Some("a boolean"),
        _ => None,
    }
}

fn one_of<'a>(sink: &mut Sink<'a>, name: &str, schema: &Node, node: &'a Node) {
    let allowed = items(schema, &["enum"]);
    let found = value(node);
    // Lists and mappings are not compared.
    if allowed.is_empty() || matches!(found, Value::List(_) | Value::Map(_)) || allowed.iter().any(|one| value(one) == found) {
        return;
    }
    let texts: Vec<&str> = allowed.iter().filter_map(Node::as_str).collect();
    let written = node.as_str().unwrap_or_default();
    let finding = sink.report(&UNKNOWN_VALUE, node, format!("`{name}` cannot be `{written}`"));
    finding.notes.push(format!("it can be `{}`", texts.join("`, `")));
    finding.remark = suggest::closest(written, texts).map(|close| format!("did you mean `{close}`?")).unwrap_or_default();
}

fn number<'a>(sink: &mut Sink<'a>, name: &str, schema: &Node, found: &Value<'_>, node: &'a Node) {
    let as_number = |value: &Value<'_>| match value {
        Value::Int(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    let Some(number) = as_number(found) else { return };
    let limit = |key: &str| schema.get(key).and_then(|node| as_number(&value(node)));
    if let Some(least) = limit("minimum") {
        let excluded = is_true(schema, "exclusiveMinimum");
        let bad = number < least || excluded && number <= least;
        let than = if excluded { "greater than" } else { "at least" };
        bound(sink, node, bad.then_some(least), |least| format!("`{name}` has to be {than} {least}"));
    }
    if let Some(most) = limit("maximum") {
        let excluded = is_true(schema, "exclusiveMaximum");
        let bad = number > most || excluded && number >= most;
        let than = if excluded { "less than" } else { "at most" };
        bound(sink, node, bad.then_some(most), |most| format!("`{name}` has to be {than} {most}"));
    }
    if let (Value::Int(number), Some(factor)) = (found, int(schema, "multipleOf").filter(|factor| *factor != 0)) {
        bound(sink, node, (number % factor != 0).then_some(factor), |factor| format!("`{name}` has to be a multiple of {factor}"));
    }
    let is_small = text(schema, "format") == Some("int32") && text(schema, "type") == Some("integer");
    if is_small && !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number) {
        sink.report(&WRONG_TYPE, node, format!("`{name}` has to be a whole number of 32 bits"));
    }
}

fn bound<'a, N>(sink: &mut Sink<'a>, node: &'a Node, broken: Option<N>, says: impl Fn(N) -> String) {
    if let Some(bound) = broken {
        sink.report(&SCHEMA_VIOLATION, node, says(bound));
    }
}

/// Items that are the same by what tells them apart.
fn repeated<'a>(sink: &mut Sink<'a>, name: &str, all: &'a [Node], told_by: impl Fn(&'a Node) -> Option<Vec<String>>) {
    let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
    for item in all {
        let Some(found) = told_by(item) else { continue };
        if seen.contains(&found) {
            sink.report(&SCHEMA_VIOLATION, item, format!("two items of `{name}` are `{}`", found.join("`, `")));
        }
        seen.insert(found);
    }
}

fn pruned<'a>(sink: &mut Sink<'a>, schema: &Node, owner: &str, name: &'a Node) {
    let known = entries(schema, &["properties"]).iter().map(|(name, _)| key(name));
    let close = suggest::closest(key(name), known).map(|close| format!("did you mean `{close}`?"));
    let place = if owner.is_empty() { "the object".to_owned() } else { format!("`{owner}`") };
    let finding =
        sink.report(&PRUNED_FIELD, name, format!("the API server drops `{}`, which the schema of {place} does not have", key(name)));
    finding.remark = close.unwrap_or_default();
}
