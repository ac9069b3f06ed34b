//! Validation as gojsonschema 1.2 does it, which Helm 3 uses: order of checks, texts, the best guess behind a failed choice.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::document::{Draft, Target, draft_of, resolve};
use super::{Expressions, characters, equal, format, json_type, number, same};
use hydrate_gotmpl::{List, Map, Str, Value};

/// Validates values against the text of a schema; the error is what Helm 3 prints below the chart's name.
pub(super) fn validate(schema: &[u8], values: &Map) -> Result<(), String> {
    let root = super::document::read(schema)?;
    let draft = root.get("$schema").and_then(Json::as_str).and_then(draft_of).filter(|draft| *draft <= Draft::Seven);
    let mut validator = Validator { root: &root, draft: draft.unwrap_or(Draft::Of2020), expressions: Expressions::default(), depth: 0 };
    validator.compile(&root, &mut BTreeSet::new())?;
    let mut outcome = Outcome::default();
    validator.check(&root, &Value::Map(values.clone()), "(root)", &mut outcome);
    if outcome.errors.is_empty() {
        return Ok(());
    }
    Err(outcome.errors.iter().map(|error| format!("- {error}\n")).collect())
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
    root: &'a Json,
    draft: Draft,
    expressions: Expressions<'a>,
    depth: usize,
}

type Entries = serde_json::Map<String, Json>;

impl<'a> Validator<'a> {
    /// What the library checks while it reads a schema.
    fn compile(&mut self, schema: &'a Json, seen: &mut BTreeSet<*const Json>) -> Result<(), String> {
        if seen.len() > 100_000 || !seen.insert(std::ptr::from_ref(schema)) {
            return Ok(());
        }
        let entries = match schema {
            Json::Object(entries) => entries,
            Json::Bool(_) if self.draft > Draft::Four => return Ok(()),
            _ => return Err("Expected: valid schema, given: Invalid JSON".to_owned()),
        };
        for definitions in ["definitions"] {
            for inner in entries.get(definitions).and_then(Json::as_object).into_iter().flat_map(Entries::values) {
                self.compile(inner, seen)?;
            }
        }
        if let Some(reference) = entries.get("$ref") {
            let Json::String(reference) = reference else { return Err("Invalid type. Expected: string, given: $ref".to_owned()) };
            return match self.target(reference) {
                Target::Schema(target) => self.compile(target, seen),
                Target::Standard => Ok(()),
                Target::Missing(key) => Err(format!("Object has no key '{key}'")),
                Target::Elsewhere(url) => Err(match url.strip_prefix("file://") {
                    Some(path) => format!("open {path}: no such file or directory"),
                    None => format!("Get {url:?}: schemas are not fetched while rendering"),
                }),
            };
        }
        self.keywords(entries)?;
        let single = ["additionalProperties", "additionalItems", "not", "contains", "propertyNames", "if", "then", "else"];
        for inner in single.iter().filter_map(|key| entries.get(*key)).filter(|inner| !inner.is_boolean()) {
            self.compile(inner, seen)?;
        }
        for key in ["properties", "patternProperties", "dependencies"] {
            for inner in entries.get(key).and_then(Json::as_object).into_iter().flat_map(Entries::values) {
                if !(key == "dependencies" && inner.is_array()) {
                    self.compile(inner, seen)?;
                }
            }
        }
        for key in ["items", "oneOf", "anyOf", "allOf"] {
            match entries.get(key) {
                Some(Json::Array(items)) => items.iter().try_for_each(|inner| self.compile(inner, seen))?,
                Some(inner) if key == "items" && !inner.is_boolean() => self.compile(inner, seen)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What a reference leads to. A fragment that is neither a pointer nor an anchor is passed over.
    fn target(&self, reference: &str) -> Target<'a> {
        match (resolve(self.root, reference), reference.split_once('#')) {
            (Target::Missing(_), Some(("", fragment))) if !fragment.starts_with('/') => Target::Schema(self.root),
            (target, _) => target,
        }
    }

    /// Limits that are exclusive: a flag in draft 4, a number since draft 6, and either where no draft is named.
    fn exclusive(&self, entries: &Entries, key: &str, limit: &str) -> Result<(), String> {
        let Some(value) = entries.get(key) else { return Ok(()) };
        let wrong = |wanted: &str| Err(format!("Invalid type. Expected: {wanted}, given: {key}"));
        match (self.draft, value) {
            (Draft::Four | Draft::Of2020, Json::Bool(_)) if !entries.contains_key(limit) => {
                Err(format!("{key} cannot be used without {limit}"))
            }
            (Draft::Four | Draft::Of2020, Json::Bool(_)) => Ok(()),
            (Draft::Four, _) => wrong("boolean"),
            (_, Json::Number(_)) => Ok(()),
            (Draft::Of2020, _) => wrong("boolean/number"),
            _ => wrong("number"),
        }
    }

    fn keywords(&mut self, entries: &'a Entries) -> Result<(), String> {
        for key in ["title", "description"] {
            if entries.get(key).is_some_and(|value| !value.is_string()) {
                return Err(format!("Invalid type. Expected: string, given: {key}"));
            }
        }
        let known = ["array", "boolean", "integer", "number", "null", "object", "string"];
        let types = match entries.get("type") {
            Some(Json::Array(types)) => types.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for name in types {
            let Json::String(name) = name else { return Err("Invalid type. Expected: string/array of strings, given: type".to_owned()) };
            if !known.contains(&name.as_str()) {
                return Err(format!(
                    "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{}]",
                    known.join(" ")
                ));
            }
        }
        for pattern in entries.get("patternProperties").and_then(Json::as_object).into_iter().flat_map(Entries::keys) {
            self.expressions.get(pattern).map_err(|_| format!("Invalid regex pattern '{pattern}'"))?;
        }
        match entries.get("pattern") {
            Some(Json::String(pattern)) => drop(self.expressions.get(pattern).map_err(|_| "pattern must be a valid regex".to_owned())?),
            Some(_) => return Err("Invalid type. Expected: string, given: pattern".to_owned()),
            None => {}
        }
        for key in ["required", "enum", "oneOf", "anyOf", "allOf"] {
            if entries.get(key).is_some_and(|value| !value.is_array()) {
                return Err(format!("{key} must be of an array"));
            }
        }
        if entries.get("properties").is_some_and(|value| !value.is_object()) {
            return Err("properties must be of type object".to_owned());
        }
        for key in ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] {
            let integer = |value: &Json| matches!(value, Json::Number(number) if number::of_json(number).is_integer());
            if entries.get(key).is_some_and(|value| !integer(value)) {
                return Err(format!("{key} must be of an integer"));
            }
        }
        for key in ["minimum", "maximum", "multipleOf"] {
            if entries.get(key).is_some_and(|value| !value.is_number()) {
                return Err(format!("{key} must be of a number"));
            }
        }
        if matches!(entries.get("multipleOf"), Some(Json::Number(number)) if number.as_f64().is_some_and(|number| number <= 0.0)) {
            return Err("multipleOf must be strictly greater than 0".to_owned());
        }
        self.exclusive(entries, "exclusiveMinimum", "minimum")?;
        self.exclusive(entries, "exclusiveMaximum", "maximum")?;
        if entries.get("format").is_some_and(|value| !value.is_string()) {
            return Err("format must be of type string".to_owned());
        }
        let choices = entries.get("enum").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        if choices.iter().enumerate().any(|(at, choice)| choices[..at].contains(choice)) {
            return Err("enum items must be unique".to_owned());
        }
        Ok(())
    }

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
        if let Some(reference) = entries.get("$ref").and_then(Json::as_str) {
            if let Target::Schema(target) = self.target(reference) {
                self.check(target, value, path, outcome);
            }
            return;
        }
        if !type_matches(entries, value, path, outcome) {
            return;
        }
        self.combined(entries, value, path, outcome);
        match value {
            Value::Nil => common(entries, value, path, outcome),
            Value::List(list) => {
                self.array(entries, list, path, outcome);
                common(entries, value, path, outcome);
            }
            Value::Map(map) => {
                self.object(entries, map, path, outcome);
                common(entries, value, path, outcome);
                self.properties(entries, map, path, outcome);
            }
            value => {
                numeric(entries, value, path, outcome);
                common(entries, value, path, outcome);
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
            for (second, value) in values.iter().enumerate() {
                if let Some(first) = values.iter().take(second).rposition(|before| same(before, value)) {
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
fn common(entries: &Entries, value: &Value, path: &str, outcome: &mut Outcome) {
    let field = path.strip_prefix("(root).").unwrap_or(path);
    if let Some(wanted) = entries.get("const")
        && !equal(value, wanted)
    {
        outcome.fail(path, format!("{field} does not match: {wanted}"));
    }
    if let Some(Json::Array(wanted)) = entries.get("enum")
        && !wanted.is_empty()
        && !wanted.iter().any(|wanted| equal(value, wanted))
    {
        let all: Vec<String> = wanted.iter().map(Json::to_string).collect();
        outcome.fail(path, format!("{field} must be one of the following: {}", all.join(", ")));
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
