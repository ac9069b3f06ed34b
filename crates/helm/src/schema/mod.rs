//! values.schema.json: validation with the texts of each Helm, which stands on a different library at each level
//! (gojsonschema in Helm 3, santhosh-tekuri/jsonschema in Helm 4).
//!
//! The crates `jsonschema` and `boon` were looked at. They agree with a values file or they do not, but what they say of it is not what the two
//! libraries say: Helm prints every mistake in its library's words, order and indentation, and each of the libraries has formats, drafts and
//! expressions (Go's) of its own. Two validators over one reading of schemas are less than two translations would be.
//!
//! Schemas are walked as JSON, without compiling them first: a schema is used once per run. Where Go goes over a map in
//! random order, keys are sorted here.

mod address;
mod document;
mod format;
mod four;
mod meta;
mod number;
pub(super) mod places;
mod text;
mod three;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::instance::Instance;
use hydrate_chart::Level;
use hydrate_gotmpl::{Map, Value};
use hydrate_sprig::regex::GoRegex;

/// How deep schemas may refer and values may nest.
const DEPTH_LIMIT: usize = 400;

/// Validates the values of a chart and of its dependencies; the error is Helm's text about all of them.
pub(super) fn validate(chart: Instance<'_>, values: &Map, level: Level) -> Result<(), String> {
    let mut text = String::new();
    collect(chart, values, level, &mut text);
    if text.is_empty() {
        return Ok(());
    }
    Err(format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}"))
}

fn collect(chart: Instance<'_>, values: &Map, level: Level, text: &mut String) {
    if let Some(schema) = &chart.chart().schema {
        let outcome = match level {
            Level::V3 => three::validate(schema, values),
            Level::V4 => four::validate(schema, values),
        };
        if let Err(error) = outcome {
            text.push_str(&format!("{}:\n{error}", chart.name()));
        }
    }
    for dependency in chart.dependencies() {
        match values.get(dependency.name().as_bytes()) {
            None | Some(Value::Nil) => {}
            Some(Value::Map(inner)) => collect(dependency, &inner, level, text),
            Some(other) => {
                let name = dependency.name();
                text.push_str(&format!("{name}:\ninvalid type for values: expected object (map), got {}\n", other.type_name()));
            }
        }
    }
}

/// The expressions of a schema, each compiled once.
#[derive(Default)]
struct Expressions<'a>(BTreeMap<&'a str, Rc<GoRegex>>);

impl<'a> Expressions<'a> {
    /// The expression of a pattern; the error is the one of Helm 4's library.
    fn get(&mut self, pattern: &'a str) -> Result<Rc<GoRegex>, String> {
        if let Some(known) = self.0.get(pattern) {
            return Ok(Rc::clone(known));
        }
        let compiled = GoRegex::new(pattern.as_bytes()).map_err(|error| format!("invalid regex {pattern:?}: {error}"))?;
        Ok(Rc::clone(self.0.entry(pattern).or_insert(Rc::new(compiled))))
    }
}

/// The JSON types of values.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "null",
        Value::Bool(_) => "boolean",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    }
}

/// Whether a value equals a JSON constant, numbers by their value.
fn equal(value: &Value, json: &serde_json::Value) -> bool {
    match (value, json) {
        (Value::Nil, serde_json::Value::Null) => true,
        (Value::Bool(a), serde_json::Value::Bool(b)) => a == b,
        (Value::Str(a), serde_json::Value::String(b)) => a.as_bytes() == b.as_bytes(),
        (Value::List(a), serde_json::Value::Array(b)) => a.len() == b.len() && a.items().iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Map(a), serde_json::Value::Object(b)) => {
            a.len() == b.len() && b.iter().all(|(key, b)| a.get(key.as_bytes()).is_some_and(|a| equal(&a, b)))
        }
        (value, serde_json::Value::Number(b)) => {
            number::of_value(value).is_some_and(|a| a.compare(&number::of_json(b)) == std::cmp::Ordering::Equal)
        }
        _ => false,
    }
}

/// Whether two constants are equal, numbers by their value.
fn same_json(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => number::of_json(a).compare(&number::of_json(b)) == std::cmp::Ordering::Equal,
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Json::Object(a), Json::Object(b)) => a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b))),
        (a, b) => a == b,
    }
}

/// Whether two values are equal, as `uniqueItems` asks.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.items().iter().zip(b.items().iter()).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.entries().iter().all(|(key, a)| b.get(key.as_bytes()).is_some_and(|b| same(a, &b)))
        }
        (a, b) => match (number::of_value(a), number::of_value(b)) {
            (Some(a), Some(b)) => a.compare(&b) == std::cmp::Ordering::Equal,
            _ => false,
        },
    }
}

/// The number of characters of a string.
fn characters(text: &hydrate_gotmpl::Str) -> usize {
    text.to_str_lossy().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_gotmpl::decode::{Numbers, Target, from_json};

    /// What each level says about values: nothing, or its error in one line.
    fn said(schema: &str, values: &str) -> [String; 2] {
        let values = from_json(values.as_bytes(), Target::Any, Numbers::Float64).unwrap();
        let Value::Map(values) = values else { panic!("values are a map") };
        let both = [three::validate(schema.as_bytes(), &values), four::validate(schema.as_bytes(), &values)];
        both.map(|answer| answer.err().unwrap_or_default().trim().replace('\n', " |"))
    }

    #[test]
    fn each_library_knows_the_drafts_in_its_own_way() {
        let four = "http://json-schema.org/draft-04/schema#";
        for (schema, values, three, in_four) in [
            // `const` came with draft 6, a number in `exclusiveMinimum` too.
            (format!(r#"{{"$schema":"{four}","properties":{{"a":{{"const":1}}}}}}"#), r#"{"a":2}"#, "", ""),
            (
                r#"{"$schema":"http://json-schema.org/draft-06/schema#","properties":{"a":{"const":{"y":1,"b":"<"}}}}"#.to_owned(),
                r#"{"a":2}"#,
                r#"- a: a does not match: {"b":"\u003c","y":1}"#,
                "- at '/a': 'const' failed",
            ),
            (
                format!(r#"{{"$schema":"{four}","properties":{{"a":{{"exclusiveMinimum":1}}}}}}"#),
                "{}",
                "Invalid type. Expected: boolean, given: exclusiveMinimum",
                "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with \
                 'http://json-schema.org/draft-04/schema#' |- at '/properties/a/exclusiveMinimum': got number, want boolean \
                 |- at '/properties/a': properties 'minimum' required, if 'exclusiveMinimum' exists",
            ),
            // Helm 3 knows draft 7 by this address alone, and takes flags and numbers under any other.
            (
                r#"{"$schema":"https://json-schema.org/draft-07/schema","minimum":1,"exclusiveMinimum":2,"properties":{"a":{"minimum":1}}}"#
                    .to_owned(),
                r#"{"a":1}"#,
                "",
                "",
            ),
            // Beside a reference, Helm 4 still looks at `const`.
            (
                r##"{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"d":{}},"properties":{"a":{"$ref":"#/definitions/d","const":1}}}"##
                    .to_owned(),
                r#"{"a":2}"#,
                "",
                "- at '/a': value must be 1",
            ),
        ] {
            assert_eq!(said(&schema, values), [three, in_four], "{schema}");
        }
    }

    #[test]
    fn a_schema_that_is_none_is_refused_with_the_words_of_helm_3() {
        for (schema, error) in [
            (r#"{"minLength":3,"maxLength":2}"#, "minLength cannot be greater than maxLength"),
            (r#"{"minItems":3,"maxItems":2}"#, ""),
            (r#"{"minLength":1.0}"#, "minLength must be of an integer"),
            (r#"{"minLength":-1}"#, "minLength must be greater than or equal to 0"),
            (r#"{"required":["a","a"]}"#, "required items must be unique"),
            (r#"{"enum":[1,1.0]}"#, "enum items must be unique"),
            (r#"{"uniqueItems":"yes"}"#, "uniqueItems must be of a boolean"),
            (r#"{"pattern":5}"#, "pattern must be of a string"),
            (r#"{"allOf":{}}"#, "anyOf must be of an array"),
            (r#"{"not":5}"#, "not must be of an object"),
            (r#"{"items":5}"#, "Invalid type. Expected: valid schema/array of schemas, given: items"),
            (r#"{"additionalProperties":"no"}"#, "Invalid type. Expected: boolean/valid schema, given: additionalProperties"),
            (r#"{"type":["string","string"]}"#, "string type is duplicated"),
            (r#"{"definitions":{"a":5}}"#, "Invalid type. Expected: array of schemas, given: definitions"),
            (r#"{"dependencies":{"a":[1]}}"#, "dependency must be of type schema or array of strings"),
            (r##"{"properties":{"a":{"$ref":"#/allOf/1"}},"allOf":[{}]}"##, "Out of bound array[0,1] index '1'"),
            (r##"{"properties":{"a":{"$ref":"#/title"}},"title":"t"}"##, "valid schema must be of type object"),
            (r#"{"$ref":"other.json"}"#, "Reference /other.json must be canonical"),
            // What only stands in `$defs` is no schema to it, and what is no pointer leads to the file.
            (r#"{"$defs":{"a":{"type":"text"}}}"#, ""),
            (r##"{"properties":{"a":{"$ref":"#anchor"}}}"##, ""),
        ] {
            assert_eq!(said(schema, "{}")[0], error, "{schema}");
        }
    }

    #[test]
    fn references_that_lead_nowhere_or_in_circles_in_helm_4() {
        let head = "\"file:///values.schema.json#";
        for (schema, error) in [
            (r##"{"properties":{"a":{"$ref":"#x"}}}"##, format!("anchor in {head}x\" not found in schema \"file:///values.schema.json\"")),
            (r##"{"properties":{"a":{"$ref":"#/$defs/d"}}}"##, format!("json-pointer in {head}/$defs/d\" not found")),
            (
                r##"{"properties":{"a":{"$ref":"#/properties/a"}}}"##,
                format!("- at '/a': both /properties/a/$ref and /properties/a resolve to {head}/properties/a\" causing reference cycle"),
            ),
            // Keywords that the draft does not have are not looked at.
            (r#"{"properties":{"b":{"additionalItems":[]}}}"#, String::new()),
            (r#"{"properties":{"a":{"propertyNames":{"not":{}}}}}"#, "- at '/a': invalid propertyName 'b' |  - at '': 'not' failed".into()),
        ] {
            assert_eq!(said(schema, r#"{"a":{"b":1}}"#)[1], error, "{schema}");
        }
    }
}
