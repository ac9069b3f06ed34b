//! Validation as gojsonschema 1.2 does it, which Helm 3 uses: order of checks, texts, the best guess behind a failed choice.

mod pool;
mod reading;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::document::Draft;
use super::{Expressions, characters, format, json_type, number};
use hydrate_gotmpl::GoVersion;
use hydrate_gotmpl::decode::{self, Numbers};
use hydrate_gotmpl::encode::to_json;
use hydrate_gotmpl::{List, Map, Str, Value};
use pool::{Found, Pool};

/// Validates values against the text of a schema; the error is what Helm 3 prints below the chart's name.
pub(super) fn validate(schema: &[u8], values: &Map) -> Result<(), String> {
    let root = super::document::read(schema)?;
    let draft = match root.get("$schema") {
        _ if !root.is_object() && !root.is_boolean() => return Err("schema is invalid".to_owned()),
        None => Draft::Of2020,
        Some(Json::String(url)) => draft_of(url.split('#').next().unwrap_or_default()).unwrap_or(Draft::Of2020),
        Some(_) => return Err("$schema must be of type string".to_owned()),
    };
    let pool = Pool::new(&root);
    let mut expressions = Expressions::default();
    reading::read(&pool, draft, &mut expressions)?;
    let mut validator = Validator { pool, draft, expressions, depth: 0 };
    let mut outcome = Outcome::default();
    validator.check(&root, &Value::Map(values.clone()), "(root)", &mut outcome);
    if outcome.errors.is_empty() {
        return Ok(());
    }
    Err(outcome.errors.iter().map(|error| format!("- {error}\n")).collect())
}

/// The drafts that the library knows, by exactly these addresses; it takes any other for a mixture of them (here `Of2020`).
fn draft_of(url: &str) -> Option<Draft> {
    match url {
        "http://json-schema.org/draft-04/schema" => Some(Draft::Four),
        "http://json-schema.org/draft-06/schema" => Some(Draft::Six),
        "http://json-schema.org/draft-07/schema" => Some(Draft::Seven),
        _ => None,
    }
}

/// JSON as Go writes it after reading it: keys sorted, numbers as floats. The library compares and shows constants in this form.
fn marshalled(json: &Json) -> String {
    normal(json.to_string().as_bytes())
}

fn marshalled_value(value: &Value) -> String {
    to_json(value, GoVersion::Go1_23).map_or_else(|error| error, |text| normal(&text))
}

fn normal(text: &[u8]) -> String {
    let read = decode::from_json(text, decode::Target::Any, Numbers::Float64);
    let written = read.and_then(|value| to_json(&value, GoVersion::Go1_23));
    written.map_or_else(|error| error, |text| String::from_utf8_lossy(&text).into_owned())
}

/// What came of a schema; of several failed choices the one with the best score is shown.
#[derive(Default)]
struct Outcome {
    errors: Vec<String>,
    score: i64,
}

impl Outcome {
    fn fail(&mut self, path: &str, text: impl std::fmt::Display) {
        // The field of an error is its path without the root.
        let field = path.strip_prefix("(root).").unwrap_or(path);
        self.errors.push(format!("{field}: {text}"));
        self.score -= 2;
    }

    fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score += other.score;
    }

    fn valid(&self) -> bool {
        self.errors.is_empty()
    }
}

struct Validator<'a> {
    pool: Pool<'a>,
    draft: Draft,
    expressions: Expressions<'a>,
    depth: usize,
}

type Entries = serde_json::Map<String, Json>;

impl<'a> Validator<'a> {
    fn sub(&mut self, schema: &'a Json, value: &Value, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        self.check(schema, value, path, &mut outcome);
        outcome
    }

    fn check(&mut self, schema: &'a Json, value: &Value, path: &str, outcome: &mut Outcome) {
        if self.depth > super::DEPTH_LIMIT {
            outcome.fail(path, format!("schemas refer more than {} deep", super::DEPTH_LIMIT));
            return;
        }
        self.depth += 1;
        self.check_one(schema, value, path, outcome);
        self.depth -= 1;
    }

    fn check_one(&mut self, schema: &'a Json, value: &Value, path: &str, outcome: &mut Outcome) {
        let entries = match schema {
            Json::Bool(false) => return outcome.fail(path, "False always fails validation"),
            Json::Object(entries) => entries,
            _ => return,
        };
        if let Some(reference) = self.pool.reference(entries) {
            if let Ok(Found::Schema(target)) = self.pool.get(&reference) {
                self.check(target, value, path, outcome);
            }
            return;
        }
        if !type_matches(entries, value, path, outcome) {
            return;
        }
        self.combined(entries, value, path, outcome);
        match value {
            Value::Nil => common(self.draft, entries, value, path, outcome),
            Value::List(list) => {
                self.array(entries, list, path, outcome);
                common(self.draft, entries, value, path, outcome);
            }
            Value::Map(map) => {
                self.object(entries, map, path, outcome);
                common(self.draft, entries, value, path, outcome);
                self.properties(entries, map, path, outcome);
            }
            value => {
                numeric(entries, value, path, outcome);
                common(self.draft, entries, value, path, outcome);
                if let Value::Str(text) = value {
                    self.text(entries, text, path, outcome);
                }
            }
        }
        outcome.score += 1;
    }

    /// Choices, negation, dependencies and conditions come before everything else.
    fn combined(&mut self, entries: &'a Entries, value: &Value, path: &str, outcome: &mut Outcome) {
        let list = |key: &str| entries.get(key).and_then(Json::as_array).filter(|list| !list.is_empty());
        if let Some(schemas) = list("anyOf") {
            let (matched, best) = self.choices(schemas, value, path, true);
            if matched == 0 {
                outcome.fail(path, "Must validate at least one schema (anyOf)");
                best.into_iter().for_each(|best| outcome.merge(best));
            }
        }
        if let Some(schemas) = list("oneOf") {
            let (matched, best) = self.choices(schemas, value, path, false);
            if matched != 1 {
                outcome.fail(path, "Must validate one and only one schema (oneOf)");
                best.into_iter().filter(|_| matched == 0).for_each(|best| outcome.merge(best));
            }
        }
        if let Some(schemas) = list("allOf") {
            let mut matched = 0;
            for schema in schemas {
                let inner = self.sub(schema, value, path);
                matched += usize::from(inner.valid());
                outcome.merge(inner);
            }
            if matched != schemas.len() {
                outcome.fail(path, "Must validate all the schemas (allOf)");
            }
        }
        if let Some(schema) = entries.get("not")
            && self.sub(schema, value, path).valid()
        {
            outcome.fail(path, "Must not validate the schema (not)");
        }
        if let (Value::Map(map), Some(Json::Object(dependencies))) = (value, entries.get("dependencies")) {
            for (name, dependency) in dependencies {
                if map.get(name.as_bytes()).is_some() {
                    self.dependency(dependency, map, path, outcome);
                }
            }
        }
        if self.draft >= Draft::Seven
            && let Some(schema) = entries.get("if")
        {
            let holds = self.sub(schema, value, path).valid();
            let (branch, text) = match holds {
                true => ("then", "Must validate \"then\" as \"if\" was valid"),
                false => ("else", "Must validate \"else\" as \"if\" was not valid"),
            };
            if let Some(schema) = entries.get(branch) {
                let inner = self.sub(schema, value, path);
                if !inner.valid() {
                    outcome.fail(path, text);
                    outcome.merge(inner);
                }
            }
        }
        outcome.score += 1;
    }

    /// How many match, and the best of those that fail.
    fn choices(&mut self, schemas: &'a [Json], value: &Value, path: &str, first_is_enough: bool) -> (usize, Option<Outcome>) {
        let mut matched = 0;
        let mut best: Option<Outcome> = None;
        for schema in schemas {
            let inner = self.sub(schema, value, path);
            if inner.valid() {
                matched += 1;
                if first_is_enough {
                    break;
                }
            } else if matched == 0 && best.as_ref().is_none_or(|best| inner.score > best.score) {
                best = Some(inner);
            }
        }
        (matched, best)
    }

    fn dependency(&mut self, dependency: &'a Json, map: &Map, path: &str, outcome: &mut Outcome) {
        match dependency {
            Json::Array(names) => {
                for name in names.iter().filter_map(Json::as_str).filter(|name| map.get(name.as_bytes()).is_none()) {
                    outcome.fail(path, format!("Has a dependency on {name}"));
                }
            }
            schema => self.check(schema, &Value::Map(map.clone()), path, outcome),
        }
    }

    fn array(&mut self, entries: &'a Entries, list: &List, path: &str, outcome: &mut Outcome) {
        let values = list.items().clone();
        match entries.get("items") {
            Some(Json::Array(schemas)) if !schemas.is_empty() => {
                for (at, (schema, value)) in schemas.iter().zip(&values).enumerate() {
                    let inner = self.sub(schema, value, &format!("{path}.{at}"));
                    outcome.merge(inner);
                }
                match entries.get("additionalItems") {
                    Some(Json::Bool(false)) if values.len() > schemas.len() => outcome.fail(path, "No additional items allowed on array"),
                    Some(schema) => {
                        for (at, value) in values.iter().enumerate().skip(schemas.len()) {
                            let inner = self.sub(schema, value, &format!("{path}.{at}"));
                            outcome.merge(inner);
                        }
                    }
                    None => {}
                }
            }
            Some(schema) if !schema.is_array() => {
                for (at, value) in values.iter().enumerate() {
                    let inner = self.sub(schema, value, &format!("{path}.{at}"));
                    outcome.merge(inner);
                }
            }
            _ => {}
        }
        bound(
            entries,
            "minItems",
            |limit| values.len() as f64 >= limit,
            |limit| outcome.fail(path, format!("Array must have at least {limit} items")),
        );
        bound(
            entries,
            "maxItems",
            |limit| values.len() as f64 <= limit,
            |limit| outcome.fail(path, format!("Array must have at most {limit} items")),
        );
        if entries.get("uniqueItems") == Some(&Json::Bool(true)) {
            let mut before = BTreeMap::new();
            for (second, value) in values.iter().enumerate() {
                if let Some(first) = before.insert(marshalled_value(value), second) {
                    outcome.fail(path, format!("array items[{first},{second}] must be unique"));
                }
            }
        }
        if let Some(schema) = entries.get("contains").filter(|_| self.draft >= Draft::Six) {
            let mut best: Option<Outcome> = None;
            for (at, value) in values.iter().enumerate() {
                let inner = self.sub(schema, value, &format!("{path}.{at}"));
                if inner.valid() {
                    outcome.score += 1;
                    return;
                }
                if best.as_ref().is_none_or(|best| inner.score > best.score) {
                    best = Some(inner);
                }
            }
            outcome.fail(path, "At least one of the items must match");
            best.into_iter().for_each(|best| outcome.merge(best));
        }
        outcome.score += 1;
    }

    fn object(&mut self, entries: &'a Entries, map: &Map, path: &str, outcome: &mut Outcome) {
        let size = map.len() as f64;
        bound(
            entries,
            "minProperties",
            |limit| size >= limit,
            |limit| outcome.fail(path, format!("Must have at least {limit} properties")),
        );
        bound(entries, "maxProperties", |limit| size <= limit, |limit| outcome.fail(path, format!("Must have at most {limit} properties")));
        for name in entries.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if map.get(name.as_bytes()).is_some() {
                outcome.score += 1;
            } else {
                outcome.fail(path, format!("{name} is required"));
            }
        }
        let members = map.entries().clone();
        for (name, value) in &members {
            let text = name.to_str_lossy();
            let below = format!("{path}.{text}");
            let mut found = entries.get("properties").is_some_and(|properties| properties.get(text.as_ref()).is_some());
            let mut by_pattern = false;
            for (pattern, schema) in entries.get("patternProperties").and_then(Json::as_object).into_iter().flatten() {
                if self.expressions.get(pattern).is_ok_and(|expression| expression.is_match(name.as_bytes())) {
                    let inner = self.sub(schema, value, &below);
                    outcome.merge(inner);
                    by_pattern = true;
                }
            }
            outcome.score += i64::from(by_pattern);
            found |= by_pattern;
            match entries.get("additionalProperties").filter(|_| !found) {
                Some(Json::Bool(false)) => outcome.fail(path, format!("Additional property {text} is not allowed")),
                Some(schema) => {
                    let inner = self.sub(schema, value, &below);
                    outcome.merge(inner);
                }
                None => {}
            }
        }
        if let Some(schema) = entries.get("propertyNames").filter(|_| self.draft >= Draft::Six) {
            for name in members.keys() {
                let inner = self.sub(schema, &Value::Str(name.clone()), path);
                if !inner.valid() {
                    outcome.fail(path, format!("Property name of \"{}\" does not match", name.to_str_lossy()));
                    outcome.merge(inner);
                }
            }
        }
        outcome.score += 1;
    }

    fn properties(&mut self, entries: &'a Entries, map: &Map, path: &str, outcome: &mut Outcome) {
        let Some(Json::Object(properties)) = entries.get("properties") else { return };
        let mut names: Vec<&'a String> = properties.keys().collect();
        names.sort();
        for name in names {
            if let (Some(value), Some(schema)) = (map.get(name.as_bytes()), properties.get(name)) {
                self.check(schema, &value, &format!("{path}.{name}"), outcome);
            }
        }
    }

    fn text(&mut self, entries: &'a Entries, text: &Str, path: &str, outcome: &mut Outcome) {
        let size = characters(text) as f64;
        let complain = |outcome: &mut Outcome, side: &str, limit: String| {
            outcome.fail(path, format!("String length must be {side} than or equal to {limit}"));
        };
        bound(entries, "minLength", |limit| size >= limit, |limit| complain(outcome, "greater", limit));
        bound(entries, "maxLength", |limit| size <= limit, |limit| complain(outcome, "less", limit));
        if let Some(pattern) = entries.get("pattern").and_then(Json::as_str)
            && self.expressions.get(pattern).is_ok_and(|expression| !expression.is_match(text.as_bytes()))
        {
            outcome.fail(path, format!("Does not match pattern '{pattern}'"));
        }
        outcome.score += 1;
    }
}

fn bound(entries: &Entries, key: &str, holds: impl Fn(f64) -> bool, complain: impl FnOnce(String)) {
    if let Some(limit) = entries.get(key).and_then(Json::as_f64)
        && !holds(limit)
    {
        complain(format!("{limit}"));
    }
}

fn type_matches(entries: &Entries, value: &Value, path: &str, outcome: &mut Outcome) -> bool {
    let names: Vec<&str> = match entries.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => return true,
    };
    let integer = number::of_value(value).is_some_and(|number| number.is_integer());
    let given = if integer { "integer" } else { json_type(value) };
    if names.is_empty() || names.contains(&given) || (integer && names.contains(&"number")) {
        return true;
    }
    let expected = match names.as_slice() {
        [one] => (*one).to_owned(),
        all => format!("[{}]", all.join(",")),
    };
    outcome.fail(path, format!("Invalid type. Expected: {expected}, given: {given}"));
    false
}

/// `const`, `enum` and `format`.
fn common(draft: Draft, entries: &Entries, value: &Value, path: &str, outcome: &mut Outcome) {
    let field = path.strip_prefix("(root).").unwrap_or(path);
    let constant = entries.get("const").filter(|_| draft >= Draft::Six);
    let choices = entries.get("enum").and_then(Json::as_array).filter(|choices| !choices.is_empty());
    if constant.is_some() || choices.is_some() {
        let found = marshalled_value(value);
        if let Some(wanted) = constant.map(marshalled).filter(|wanted| *wanted != found) {
            outcome.fail(path, format!("{field} does not match: {wanted}"));
        }
        let wanted: Vec<String> = choices.into_iter().flatten().map(marshalled).collect();
        if choices.is_some() && !wanted.contains(&found) {
            outcome.fail(path, format!("{field} must be one of the following: {}", wanted.join(", ")));
        }
    }
    if let (Some(Json::String(name)), Value::Str(text)) = (entries.get("format"), value)
        && !format::three::check(name, &text.to_str_lossy())
    {
        outcome.fail(path, format!("Does not match format '{name}'"));
    }
    outcome.score += 1;
}

fn numeric(entries: &Entries, value: &Value, path: &str, outcome: &mut Outcome) {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let Some(found) = number::of_value(value) else { return };
    let limit = |key: &str| match entries.get(key) {
        Some(Json::Number(limit)) => Some(number::of_json(limit)),
        _ => None,
    };
    match limit("multipleOf") {
        Some(wanted) if !found.is_multiple_of(&wanted) => outcome.fail(path, format!("Must be a multiple of {}", wanted.plain())),
        _ => {}
    }
    for (name, strict, wrong, word) in [("maximum", "exclusiveMaximum", Greater, "less"), ("minimum", "exclusiveMinimum", Less, "greater")]
    {
        let flagged = entries.get(strict) == Some(&Json::Bool(true));
        match limit(name) {
            Some(wanted) if flagged && matches!(found.compare(&wanted), order if order == wrong || order == Equal) => {
                outcome.fail(path, format!("Must be {word} than {}", wanted.plain()));
            }
            Some(wanted) if !flagged && found.compare(&wanted) == wrong => {
                outcome.fail(path, format!("Must be {word} than or equal to {}", wanted.plain()));
            }
            _ => {}
        }
        match limit(strict) {
            Some(wanted) if matches!(found.compare(&wanted), order if order == wrong || order == Equal) => {
                outcome.fail(path, format!("Must be {word} than {}", wanted.plain()));
            }
            _ => {}
        }
    }
    if let Some(Json::String(name)) = entries.get("format")
        && !format::three::number(name)
    {
        outcome.fail(path, format!("Does not match format '{name}'"));
    }
    outcome.score += 1;
}
