//! What gojsonschema checks while it reads a schema (`schema.go`), in its order. Maps, which Go goes over in any order, are gone through sorted.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::{DEPTH_LIMIT, number};
use super::pool::{Found, Pool};
use super::{Draft, Entries, Expressions, marshalled};

/// Reads a whole schema file; the error is why it is none.
pub(super) fn read<'a>(pool: &Pool<'a>, draft: Draft, expressions: &mut Expressions<'a>) -> Result<(), String> {
    let mut reader = Reader { pool, draft, expressions, seen: BTreeSet::new(), depth: 0 };
    reader.schema(pool.root())
}

struct Reader<'p, 'a> {
    pool: &'p Pool<'a>,
    draft: Draft,
    expressions: &'p mut Expressions<'a>,
    /// The references that were followed.
    seen: BTreeSet<(String, String)>,
    depth: usize,
}

type Read = Result<(), String>;

fn wrong_type(expected: &str, given: &str) -> Read {
    Err(format!("Invalid type. Expected: {expected}, given: {given}"))
}

fn is_schema(value: &Json) -> bool {
    value.is_object() || value.is_boolean()
}

/// The entries of a map by the order of their keys.
fn sorted(entries: &Entries) -> Vec<(&String, &Json)> {
    let mut all: Vec<_> = entries.iter().collect();
    all.sort_by_key(|(key, _)| key.as_str());
    all
}

impl<'a> Reader<'_, 'a> {
    fn schema(&mut self, schema: &'a Json) -> Read {
        if self.depth > DEPTH_LIMIT {
            return Err(format!("schemas refer more than {DEPTH_LIMIT} deep"));
        }
        self.depth += 1;
        let read = match schema {
            Json::Bool(_) if self.draft >= Draft::Six => Ok(()),
            Json::Object(entries) => self.object(entries),
            _ => Err("Expected: valid schema, given: Invalid JSON".to_owned()),
        };
        self.depth -= 1;
        read
    }

    fn object(&mut self, entries: &'a Entries) -> Read {
        let id = match self.draft {
            Draft::Four => "id",
            // No draft is named: either is understood.
            Draft::Of2020 if entries.contains_key("id") => "id",
            _ => "$id",
        };
        text(entries, id)?;
        self.definitions(entries)?;
        text(entries, "title")?;
        text(entries, "description")?;
        text(entries, "$ref")?;
        if let Some(reference) = self.pool.reference(entries)
            && self.seen.insert(reference.clone())
        {
            return match self.pool.get(&reference)? {
                Found::Standard => Ok(()),
                Found::Schema(target) if is_schema(target) => self.schema(target),
                Found::Schema(_) => Err("valid schema must be of type object".to_owned()),
            };
        }
        types(entries)?;
        self.members(entries)?;
        self.items(entries)?;
        self.numbers(entries)?;
        sizes(entries, "minLength", "maxLength", true)?;
        match entries.get("pattern") {
            None => {}
            Some(Json::String(pattern)) => {
                self.expressions.get(pattern).map_err(|_| "pattern must be a valid regex".to_owned())?;
            }
            Some(_) => return Err("pattern must be of a string".to_owned()),
        }
        if entries.get("format").is_some_and(|value| !value.is_string()) {
            return Err("format must be of type string".to_owned());
        }
        sizes(entries, "minProperties", "maxProperties", true)?;
        required(entries)?;
        sizes(entries, "minItems", "maxItems", false)?;
        if entries.get("uniqueItems").is_some_and(|value| !value.is_boolean()) {
            return Err("uniqueItems must be of a boolean".to_owned());
        }
        if let Some(inner) = entries.get("contains").filter(|_| self.draft >= Draft::Six) {
            self.schema(inner)?;
        }
        choices(entries)?;
        self.combined(entries)
    }

    fn definitions(&mut self, entries: &'a Entries) -> Read {
        match entries.get("definitions") {
            None => Ok(()),
            Some(Json::Object(definitions)) => {
                for (_, inner) in sorted(definitions) {
                    if !is_schema(inner) {
                        return wrong_type("array of schemas", "definitions");
                    }
                    self.schema(inner)?;
                }
                Ok(())
            }
            Some(Json::Bool(_)) => {
                Err("unable to validate schema: interface conversion: interface {} is bool, not map[string]interface {}".to_owned())
            }
            Some(_) => wrong_type("array of schemas", "definitions"),
        }
    }

    /// The schemas of members of objects.
    fn members(&mut self, entries: &'a Entries) -> Read {
        match entries.get("properties") {
            None => {}
            Some(Json::Object(properties)) => sorted(properties).into_iter().try_for_each(|(_, inner)| self.schema(inner))?,
            Some(_) => return Err("properties must be of type object".to_owned()),
        }
        self.additional(entries, "additionalProperties")?;
        match entries.get("patternProperties") {
            None => {}
            Some(Json::Object(patterns)) => {
                for (pattern, inner) in sorted(patterns) {
                    self.expressions.get(pattern).map_err(|_| format!("Invalid regex pattern '{pattern}'"))?;
                    self.schema(inner)?;
                }
            }
            Some(_) => return wrong_type("valid schema", "patternProperties"),
        }
        match entries.get("propertyNames").filter(|_| self.draft >= Draft::Six) {
            None => {}
            Some(inner) if is_schema(inner) => self.schema(inner)?,
            // The library names another key here.
            Some(_) => return wrong_type("valid schema", "patternProperties"),
        }
        match entries.get("dependencies") {
            None => Ok(()),
            Some(Json::Object(dependencies)) => sorted(dependencies).into_iter().try_for_each(|(_, inner)| self.dependency(inner)),
            Some(_) => Err("dependencies must be of type object".to_owned()),
        }
    }

    fn dependency(&mut self, dependency: &'a Json) -> Read {
        match dependency {
            Json::Array(names) if names.iter().all(Json::is_string) => Ok(()),
            inner if is_schema(inner) => self.schema(inner),
            _ => Err("dependency must be of type schema or array of strings".to_owned()),
        }
    }

    fn additional(&mut self, entries: &'a Entries, key: &str) -> Read {
        match entries.get(key) {
            None | Some(Json::Bool(_)) => Ok(()),
            Some(inner @ Json::Object(_)) => self.schema(inner),
            Some(_) => wrong_type("boolean/valid schema", key),
        }
    }

    fn items(&mut self, entries: &'a Entries) -> Read {
        let schemas = match entries.get("items") {
            None => &[],
            Some(Json::Array(schemas)) => schemas.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        for inner in schemas {
            if !is_schema(inner) {
                return wrong_type("valid schema/array of schemas", "items");
            }
            self.schema(inner)?;
        }
        self.additional(entries, "additionalItems")
    }

    fn numbers(&self, entries: &Entries) -> Read {
        match entries.get("multipleOf") {
            None => {}
            Some(Json::Number(wanted)) => {
                let wanted = number::of_json(wanted).plain();
                if wanted == "0" || wanted.starts_with('-') {
                    return Err("multipleOf must be strictly greater than 0".to_owned());
                }
            }
            Some(_) => return wrong_type("number", "multipleOf"),
        }
        for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
            if entries.get(limit).is_some_and(|value| !value.is_number()) {
                return Err(format!("{limit} must be of a number"));
            }
            self.exclusive(entries, exclusive, limit)?;
        }
        Ok(())
    }

    /// Limits that are exclusive: a flag in draft 4, a number since draft 6, and either where no draft is named.
    fn exclusive(&self, entries: &Entries, key: &str, limit: &str) -> Read {
        let Some(value) = entries.get(key) else { return Ok(()) };
        match (self.draft, value) {
            (Draft::Four | Draft::Of2020, Json::Bool(_)) if !entries.contains_key(limit) => {
                Err(format!("{key} cannot be used without {limit}"))
            }
            (Draft::Four | Draft::Of2020, Json::Bool(_)) => Ok(()),
            (Draft::Four, _) => wrong_type("boolean", key),
            (_, Json::Number(_)) => Ok(()),
            (Draft::Of2020, _) => wrong_type("boolean/number", key),
            _ => wrong_type("number", key),
        }
    }

    /// Choices, negation and conditions.
    fn combined(&mut self, entries: &'a Entries) -> Read {
        // The library gives `allOf` the name of `anyOf` in its error.
        for (key, named) in [("oneOf", "oneOf"), ("anyOf", "anyOf"), ("allOf", "anyOf")] {
            match entries.get(key) {
                None => {}
                Some(Json::Array(schemas)) => schemas.iter().try_for_each(|inner| self.schema(inner))?,
                Some(_) => return Err(format!("{named} must be of an array")),
            }
        }
        let conditions: &[&str] = if self.draft >= Draft::Seven { &["not", "if", "then", "else"] } else { &["not"] };
        for key in conditions {
            match entries.get(*key) {
                None => {}
                Some(inner) if is_schema(inner) => self.schema(inner)?,
                Some(_) => return Err(format!("{key} must be of an object")),
            }
        }
        Ok(())
    }
}

fn text(entries: &Entries, key: &str) -> Read {
    if entries.get(key).is_some_and(|value| !value.is_string()) { wrong_type("string", key) } else { Ok(()) }
}

fn types(entries: &Entries) -> Read {
    const KNOWN: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];
    let types = match entries.get("type") {
        None => return Ok(()),
        Some(Json::Array(types)) => types.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut before = Vec::new();
    for name in types {
        let Json::String(name) = name else { return wrong_type("string/array of strings", "type") };
        if !KNOWN.contains(&name.as_str()) {
            let known = KNOWN.join(" ");
            return Err(format!("has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{known}]"));
        }
        if before.contains(&name) {
            return Err(format!("{name} type is duplicated"));
        }
        before.push(name);
    }
    Ok(())
}

/// Two limits of a size: integers without a fraction that are not negative, and in order where that is looked at.
fn sizes(entries: &Entries, least: &str, most: &str, ordered: bool) -> Read {
    let mut limits = [None, None];
    for (key, limit) in [least, most].into_iter().zip(&mut limits) {
        let Some(value) = entries.get(key) else { continue };
        let Some(value) = value.as_i64() else { return Err(format!("{key} must be of an integer")) };
        if value < 0 {
            return Err(format!("{key} must be greater than or equal to 0"));
        }
        *limit = Some(value);
    }
    match limits {
        [Some(low), Some(high)] if ordered && low > high => Err(format!("{least} cannot be greater than {most}")),
        _ => Ok(()),
    }
}

fn required(entries: &Entries) -> Read {
    let names = match entries.get("required") {
        None => return Ok(()),
        Some(Json::Array(names)) => names,
        Some(_) => return Err("required must be of an array".to_owned()),
    };
    let mut before = BTreeSet::new();
    for name in names {
        let Json::String(name) = name else { return Err("required items must be string".to_owned()) };
        if !before.insert(name) {
            return Err("required items must be unique".to_owned());
        }
    }
    Ok(())
}

fn choices(entries: &Entries) -> Read {
    let choices = match entries.get("enum") {
        None => return Ok(()),
        Some(Json::Array(choices)) => choices,
        Some(_) => return Err("enum must be of an array".to_owned()),
    };
    let mut before = BTreeSet::new();
    for choice in choices {
        if !before.insert(marshalled(choice)) {
            return Err("enum items must be unique".to_owned());
        }
    }
    Ok(())
}
