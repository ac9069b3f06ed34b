//! Whether a schema is one: the parts of the metaschemas that schemas in the wild violate, with Helm 4's text.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::document::Draft;
use super::text::quote;
use hydrate_sprig::regex::GoRegex;

/// What the value of a keyword has to be.
#[derive(Clone, Copy)]
enum Wanted {
    Schema,
    SchemaOrSchemas,
    Schemas,
    SchemaMap,
    Dependencies,
    Text,
    Flag,
    Number,
    Positive,
    Count,
    Texts,
    Type,
    Array,
    Choices,
    Expression,
}

const KEYWORDS: [(&str, Wanted, Draft); 50] = [
    ("$anchor", Wanted::Text, Draft::Of2019),
    ("$comment", Wanted::Text, Draft::Seven),
    ("$defs", Wanted::SchemaMap, Draft::Of2019),
    ("$id", Wanted::Text, Draft::Six),
    ("$ref", Wanted::Text, Draft::Four),
    ("$schema", Wanted::Text, Draft::Four),
    ("additionalItems", Wanted::Schema, Draft::Four),
    ("additionalProperties", Wanted::Schema, Draft::Four),
    ("allOf", Wanted::Schemas, Draft::Four),
    ("anyOf", Wanted::Schemas, Draft::Four),
    ("contains", Wanted::Schema, Draft::Six),
    ("contentEncoding", Wanted::Text, Draft::Seven),
    ("contentMediaType", Wanted::Text, Draft::Seven),
    ("definitions", Wanted::SchemaMap, Draft::Four),
    ("dependencies", Wanted::Dependencies, Draft::Four),
    ("dependentRequired", Wanted::Dependencies, Draft::Of2019),
    ("dependentSchemas", Wanted::SchemaMap, Draft::Of2019),
    ("deprecated", Wanted::Flag, Draft::Of2019),
    ("description", Wanted::Text, Draft::Four),
    ("else", Wanted::Schema, Draft::Seven),
    ("enum", Wanted::Choices, Draft::Four),
    ("examples", Wanted::Array, Draft::Six),
    ("exclusiveMaximum", Wanted::Number, Draft::Six),
    ("exclusiveMinimum", Wanted::Number, Draft::Six),
    ("format", Wanted::Text, Draft::Four),
    ("if", Wanted::Schema, Draft::Seven),
    ("items", Wanted::SchemaOrSchemas, Draft::Four),
    ("maxItems", Wanted::Count, Draft::Four),
    ("maxLength", Wanted::Count, Draft::Four),
    ("maxProperties", Wanted::Count, Draft::Four),
    ("maximum", Wanted::Number, Draft::Four),
    ("minItems", Wanted::Count, Draft::Four),
    ("minLength", Wanted::Count, Draft::Four),
    ("minProperties", Wanted::Count, Draft::Four),
    ("minimum", Wanted::Number, Draft::Four),
    ("multipleOf", Wanted::Positive, Draft::Four),
    ("not", Wanted::Schema, Draft::Four),
    ("oneOf", Wanted::Schemas, Draft::Four),
    ("pattern", Wanted::Expression, Draft::Four),
    ("patternProperties", Wanted::SchemaMap, Draft::Four),
    ("prefixItems", Wanted::Schemas, Draft::Of2020),
    ("properties", Wanted::SchemaMap, Draft::Four),
    ("propertyNames", Wanted::Schema, Draft::Six),
    ("readOnly", Wanted::Flag, Draft::Seven),
    ("required", Wanted::Texts, Draft::Four),
    ("then", Wanted::Schema, Draft::Seven),
    ("title", Wanted::Text, Draft::Four),
    ("type", Wanted::Type, Draft::Four),
    ("unevaluatedProperties", Wanted::Schema, Draft::Of2019),
    ("uniqueItems", Wanted::Flag, Draft::Four),
];

/// Checks a schema and those in it; gives all that were looked at.
pub(super) fn check(schema: &Json, draft: Draft) -> Result<BTreeSet<*const Json>, String> {
    let mut checker = Checker { draft, location: Vec::new(), problems: Vec::new(), seen: BTreeSet::new() };
    checker.schema(schema);
    if checker.problems.is_empty() {
        return Ok(checker.seen);
    }
    let metaschema = match draft {
        Draft::Four => "http://json-schema.org/draft-04/schema",
        Draft::Six => "http://json-schema.org/draft-06/schema",
        Draft::Seven => "http://json-schema.org/draft-07/schema",
        Draft::Of2019 => "https://json-schema.org/draft/2019-09/schema",
        Draft::Of2020 => "https://json-schema.org/draft/2020-12/schema",
    };
    let head = "\"file:///values.schema.json#\" is not valid against metaschema: jsonschema validation failed with";
    let mut text = format!("{head} '{metaschema}#'");
    let indent = if draft >= Draft::Of2019 {
        text.push_str("\n- at '': 'allOf' failed");
        "  "
    } else {
        ""
    };
    for (location, problem) in checker.problems {
        // A problem that is a cause of the one before it is marked, and shown below it.
        let (deeper, problem) = problem.strip_prefix('\0').map_or(("", problem.as_str()), |problem| ("  ", problem));
        text.push_str(&format!("\n{indent}{deeper}- at {}: {problem}", quote(&location)));
    }
    Err(text)
}

struct Checker {
    draft: Draft,
    location: Vec<String>,
    problems: Vec<(String, String)>,
    seen: BTreeSet<*const Json>,
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

impl Checker {
    fn within(&mut self, token: &str, work: impl FnOnce(&mut Self)) {
        if self.location.len() < super::DEPTH_LIMIT {
            self.location.push(token.to_owned());
            work(self);
            self.location.pop();
        }
    }

    fn complain(&mut self, text: String) {
        let location = self.location.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect();
        self.problems.push((location, text));
    }

    fn schema(&mut self, schema: &Json) {
        self.seen.insert(std::ptr::from_ref(schema));
        match schema {
            Json::Object(entries) => {
                // Beside a reference, the older drafts ignore everything, but their metaschemas do not.
                for (name, wanted, since) in KEYWORDS {
                    if let Some(value) =
                        entries.get(name).filter(|_| self.draft >= since && (name != "additionalItems" || self.draft < Draft::Of2020))
                    {
                        self.within(name, |inner| inner.keyword(value, wanted));
                    }
                }
                if self.draft == Draft::Four {
                    self.exclusive(entries, "exclusiveMaximum", "maximum");
                    self.exclusive(entries, "exclusiveMinimum", "minimum");
                }
            }
            Json::Bool(_) if self.draft > Draft::Four => {}
            other if self.draft > Draft::Four => self.complain(format!("got {}, want boolean or object", kind(other))),
            Json::Bool(_) if matches!(self.location.last().map(String::as_str), Some("additionalProperties" | "additionalItems")) => {}
            other => self.complain(format!("got {}, want object", kind(other))),
        }
    }

    /// At first, what is exclusive was a flag beside the limit.
    fn exclusive(&mut self, entries: &serde_json::Map<String, Json>, flag: &str, limit: &str) {
        let Some(value) = entries.get(flag) else { return };
        self.within(flag, |inner| inner.keyword(value, Wanted::Flag));
        if !entries.contains_key(limit) {
            self.complain(format!("properties {} required, if {} exists", quote(limit), quote(flag)));
        }
    }

    fn keyword(&mut self, value: &Json, wanted: Wanted) {
        match (wanted, value) {
            (Wanted::Schema, value) => self.schema(value),
            (Wanted::SchemaOrSchemas, Json::Array(items)) if self.draft < Draft::Of2020 => self.schemas(items),
            (Wanted::SchemaOrSchemas, value) => self.schema(value),
            (Wanted::Schemas, Json::Array(items)) => {
                if items.is_empty() {
                    self.complain("minItems: got 0, want 1".to_owned());
                }
                self.schemas(items);
            }
            (Wanted::SchemaMap, Json::Object(entries)) => {
                for (name, schema) in entries {
                    self.within(name, |inner| inner.schema(schema));
                }
            }
            (Wanted::Dependencies, Json::Object(entries)) => {
                for (name, dependency) in entries {
                    self.within(name, |inner| match dependency {
                        Json::Array(items) => inner.texts(items),
                        schema => inner.schema(schema),
                    });
                }
            }
            (Wanted::Texts, Json::Array(items)) => {
                if items.is_empty() && self.draft == Draft::Four {
                    self.complain("minItems: got 0, want 1".to_owned());
                }
                self.texts(items);
            }
            (Wanted::Choices, Json::Array(items)) if self.draft < Draft::Of2019 => {
                if items.is_empty() {
                    self.complain("minItems: got 0, want 1".to_owned());
                }
                self.distinct(items);
            }
            (Wanted::Choices | Wanted::Array, Json::Array(_)) => {}
            (Wanted::Type, value) => self.type_keyword(value),
            (Wanted::Expression, Json::String(pattern)) => {
                if let Err(error) = GoRegex::new(pattern.as_bytes()) {
                    self.complain(format!("{} is not valid regex: {error}", quote(pattern)));
                }
            }
            (Wanted::Count, Json::Number(number)) => {
                let number = super::number::of_json(number);
                if !number.is_integer() {
                    self.complain("got number, want integer".to_owned());
                } else if number.plain().starts_with('-') {
                    self.complain(format!("minimum: got {}, want 0", number.english()));
                }
            }
            (Wanted::Positive, Json::Number(number)) => {
                let number = super::number::of_json(number);
                if number.plain().starts_with('-') || number.plain() == "0" {
                    self.complain(format!("exclusiveMinimum: got {}, want 0", number.english()));
                }
            }
            (Wanted::Text, Json::String(_)) | (Wanted::Flag, Json::Bool(_)) | (Wanted::Number, Json::Number(_)) => {}
            (wanted, value) => self.complain(format!("got {}, want {}", kind(value), expected(wanted))),
        }
    }

    fn schemas(&mut self, items: &[Json]) {
        for (at, schema) in items.iter().enumerate() {
            self.within(&at.to_string(), |inner| inner.schema(schema));
        }
    }

    fn texts(&mut self, items: &[Json]) {
        for (at, item) in items.iter().enumerate() {
            if !item.is_string() {
                self.within(&at.to_string(), |inner| inner.complain(format!("got {}, want string", kind(item))));
            }
        }
        self.distinct(items);
    }

    fn distinct(&mut self, items: &[Json]) {
        for (at, item) in items.iter().enumerate() {
            if let Some(first) = items.iter().take(at).position(|before| super::same_json(before, item)) {
                self.complain(format!("items at {first} and {at} are equal"));
            }
        }
    }

    fn type_keyword(&mut self, value: &Json) {
        const KNOWN: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        let known = |value: &Json| value.as_str().is_some_and(|name| KNOWN.contains(&name));
        let valid = match value {
            Json::Array(items) => !items.is_empty() && items.iter().all(known),
            value => known(value),
        };
        if !valid {
            self.complain("'anyOf' failed".to_owned());
            if !value.is_array() {
                let names: Vec<String> = KNOWN.iter().map(|name| quote(name)).collect();
                self.complain(format!("\0value must be one of {}", names.join(", ")));
                self.complain(format!("\0got {}, want array", kind(value)));
            }
        }
    }
}

fn expected(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Schema | Wanted::SchemaOrSchemas => "boolean or object",
        Wanted::Schemas | Wanted::Texts | Wanted::Array | Wanted::Choices | Wanted::Type => "array",
        Wanted::SchemaMap | Wanted::Dependencies => "object",
        Wanted::Text | Wanted::Expression => "string",
        Wanted::Flag => "boolean",
        Wanted::Number | Wanted::Positive => "number",
        Wanted::Count => "integer",
    }
}
