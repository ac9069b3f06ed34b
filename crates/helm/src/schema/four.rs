//! Validation as santhosh-tekuri/jsonschema 6.0.3 does it, which Helm 4 uses: order of checks, texts, indentation.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value as Json;

use super::document::{Draft, Target, draft_of, resolve};
use super::text::quote;
use super::{Expressions, characters, equal, format, json_type, meta, number, same};
use hydrate_gotmpl::fmt::grouped;
use hydrate_gotmpl::{List, Map, Str, Value};

/// Validates values against the text of a schema; the error is what Helm 4 prints below the chart's name.
pub(super) fn validate(schema: &[u8], values: &Map) -> Result<(), String> {
    let root = super::document::read(schema)?;
    let draft = match root.get("$schema").and_then(Json::as_str) {
        None => Draft::Of2020,
        Some(url) => draft_of(url).ok_or_else(|| format!("failing loading {url:?}: only the drafts of json-schema.org are known"))?,
    };
    let checked = meta::check(&root, draft)?;
    let mut validator = Validator { root: &root, draft, expressions: Expressions::default() };
    validator.compile(&checked)?;
    let mut location = Vec::new();
    let scope = Scope { schema: &root, quiet: false, within: None, from: None };
    match validator.check(&scope, &Value::Map(values.clone()), &mut location, Open::default()) {
        Ok(_) => Ok(()),
        Err(problem) => {
            let mut text = String::new();
            let causes = if problem.group { problem.causes } else { vec![problem] };
            for cause in &causes {
                cause.show(&mut text, 1);
            }
            Ok(text.strip_prefix('\n').unwrap_or(&text)).and_then(|text| Err(format!("{text}\n")))
        }
    }
}

/// Something that is wrong, with what it consists of.
struct Problem {
    at: String,
    text: String,
    /// Several problems of one schema, which has no text of its own.
    group: bool,
    /// A problem behind a reference: left out where it has one cause only.
    reference: bool,
    causes: Vec<Problem>,
}

impl Problem {
    fn show(&self, out: &mut String, indent: usize) {
        let mut indent = indent;
        if !(self.reference && self.causes.len() == 1) {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", indent - 1));
            out.push_str(&format!("- at {}: {}", quote(&self.at), self.text));
            indent += 1;
        }
        for cause in &self.causes {
            cause.show(out, indent);
        }
    }
}

/// The properties and items that no keyword has looked at yet; `None` where nobody asks.
#[derive(Debug, Default, Clone)]
struct Open {
    properties: Option<BTreeSet<Str>>,
    items: Option<BTreeSet<usize>>,
}

impl Open {
    fn merge(&mut self, other: &Self) {
        if let Some(open) = &mut self.properties {
            open.retain(|name| other.properties.as_ref().is_some_and(|other| other.contains(name)));
        }
        if let Some(open) = &mut self.items {
            open.retain(|at| other.items.as_ref().is_some_and(|other| other.contains(at)));
        }
    }

    fn is_empty(&self) -> bool {
        self.properties.as_ref().is_none_or(BTreeSet::is_empty) && self.items.as_ref().is_none_or(BTreeSet::is_empty)
    }

    fn seen(&mut self, name: &Str) {
        if let Some(open) = &mut self.properties {
            open.remove(name);
        }
    }
}

/// A schema applied to a value, below the schemas that were applied to the same value before.
struct Scope<'s, 'a> {
    schema: &'a Json,
    /// Only whether it matches is asked.
    quiet: bool,
    within: Option<&'s Scope<'s, 'a>>,
    /// The schema that this one was come to from, and the keyword if it refers there.
    from: Option<(&'s Scope<'s, 'a>, &'static str)>,
}

struct Validator<'a> {
    root: &'a Json,
    draft: Draft,
    expressions: Expressions<'a>,
}

/// The state of one schema applied to one value.
struct Frame<'f, 'a> {
    scope: &'f Scope<'f, 'a>,
    open: Open,
    problems: Vec<Problem>,
}

/// The schemas that are still to be compiled, and places that turn out not to exist.
type Queue<'a> = VecDeque<Result<&'a Json, String>>;

/// The members of a keyword that is a map, by the order of their names.
fn members<'a>(entries: &'a serde_json::Map<String, Json>, key: &str) -> impl Iterator<Item = (&'a String, &'a Json)> {
    let mut all: Vec<_> = entries.get(key).and_then(Json::as_object).into_iter().flatten().collect();
    all.sort_by_key(|(name, _)| name.as_str());
    all.into_iter()
}

impl<'a> Validator<'a> {
    /// Follows everything reachable, so that broken references and expressions are errors wherever they stand: one schema
    /// after the other, in the order in which they are met.
    fn compile(&mut self, checked: &BTreeSet<*const Json>) -> Result<(), String> {
        let mut queue = VecDeque::from([Ok(self.root)]);
        let mut seen = BTreeSet::new();
        while let Some(next) = queue.pop_front() {
            let schema = next?;
            if !seen.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            if !checked.contains(&std::ptr::from_ref(schema)) {
                meta::check(schema, self.draft)?;
            }
            if let Json::Object(entries) = schema {
                self.compile_one(entries, &mut queue)?;
            }
        }
        Ok(())
    }

    fn compile_one(&mut self, entries: &'a serde_json::Map<String, Json>, queue: &mut Queue<'a>) -> Result<(), String> {
        self.enqueue_reference(entries, "$ref", queue)?;
        if self.draft >= Draft::Of2019 || !entries.contains_key("$ref") {
            self.compile_basic(entries, queue)?;
        }
        let mut add = |key: &str| queue.extend(entries.get(key).map(Ok));
        if self.draft >= Draft::Six {
            add("contains");
            add("propertyNames");
        }
        if let Some(condition) = entries.get("if").filter(|_| self.draft >= Draft::Seven) {
            add("if");
            for branch in [true, false] {
                if *condition != Json::Bool(!branch) {
                    add(if branch { "then" } else { "else" });
                }
            }
        }
        if self.draft >= Draft::Of2019 {
            self.enqueue_reference(entries, "$recursiveRef", queue)?;
            queue.extend(members(entries, "dependentSchemas").map(|(_, schema)| Ok(schema)));
            queue.extend(["unevaluatedItems", "unevaluatedProperties"].iter().filter_map(|key| entries.get(*key)).map(Ok));
        }
        if self.draft >= Draft::Of2020 {
            self.enqueue_reference(entries, "$dynamicRef", queue)?;
            queue.extend(entries.get("prefixItems").and_then(Json::as_array).into_iter().flatten().map(Ok));
            queue.extend(entries.get("items").map(Ok));
        }
        Ok(())
    }

    /// The keywords that there are since draft 4.
    fn compile_basic(&mut self, entries: &'a serde_json::Map<String, Json>, queue: &mut Queue<'a>) -> Result<(), String> {
        let list = |key: &str| entries.get(key).and_then(Json::as_array).into_iter().flatten();
        let schema = |key: &str| entries.get(key).filter(|value| !value.is_boolean());
        queue.extend(["allOf", "anyOf", "oneOf"].into_iter().flat_map(list).map(Ok));
        queue.extend(entries.get("not").map(Ok));
        match entries.get("items").filter(|_| self.draft < Draft::Of2020) {
            Some(Json::Array(heads)) => queue.extend(heads.iter().chain(schema("additionalItems")).map(Ok)),
            Some(items) => queue.push_back(Ok(items)),
            None => {}
        }
        queue.extend(members(entries, "properties").map(|(_, schema)| Ok(schema)));
        for (pattern, schema) in members(entries, "patternProperties") {
            self.expressions.get(pattern)?;
            queue.push_back(Ok(schema));
        }
        queue.extend(schema("additionalProperties").map(Ok));
        queue.extend(members(entries, "dependencies").filter(|(_, inner)| !inner.is_array()).map(|(_, inner)| Ok(inner)));
        if let Some(pattern) = entries.get("pattern").and_then(Json::as_str) {
            self.expressions.get(pattern)?;
        }
        Ok(())
    }

    /// An anchor that is not there is an error at once, a place that is not there when its turn comes.
    fn enqueue_reference(&self, entries: &'a serde_json::Map<String, Json>, key: &str, queue: &mut Queue<'a>) -> Result<(), String> {
        let Some(reference) = entries.get(key).and_then(Json::as_str) else { return Ok(()) };
        match resolve(self.root, reference) {
            Target::Schema(target) => queue.push_back(Ok(target)),
            Target::Standard => {}
            Target::Missing(fragment) if fragment.starts_with('/') => {
                queue.push_back(Err(format!("json-pointer in {:?} not found", format!("file:///values.schema.json#{fragment}"))));
            }
            Target::Missing(anchor) => {
                let file = "file:///values.schema.json";
                return Err(format!("anchor in {:?} not found in schema {file:?}", format!("{file}#{anchor}")));
            }
            Target::Elsewhere(url) if url.starts_with("urn:") => {}
            Target::Elsewhere(url) => return Err(unreachable_text(&url)),
        }
        Ok(())
    }

    fn check(&mut self, scope: &Scope<'_, 'a>, value: &Value, location: &mut Vec<String>, open: Open) -> Result<Open, Problem> {
        let entries = match scope.schema {
            Json::Bool(true) => return Ok(open),
            Json::Bool(false) => return Err(problem(location, "false schema".to_owned())),
            Json::Object(entries) if entries.is_empty() => return Ok(open),
            Json::Object(entries) => entries,
            _ => return Ok(open),
        };
        if location.len() > super::DEPTH_LIMIT {
            return Err(problem(location, format!("values are nested more than {} deep", super::DEPTH_LIMIT)));
        }
        let mut outer = scope.within;
        while let Some(before) = outer {
            if std::ptr::eq(before.schema, scope.schema) {
                return Err(problem(location, self.cycle(scope, before)));
            }
            outer = before.within;
        }
        let ignores_siblings = self.draft < Draft::Of2019;
        let mut frame = Frame { scope, open, problems: Vec::new() };
        // Beside a reference the older drafts know nothing else, but the library still looks at `const`.
        if ignores_siblings && entries.contains_key("$ref") {
            self.constant(entries, value, location)?;
        } else {
            self.simple(entries, value, location)?;
        }
        if let Some(reference) = entries.get("$ref").and_then(Json::as_str) {
            let outcome = self.reference(&mut frame, ("$ref", reference), value, location);
            if ignores_siblings {
                return outcome.map(|()| frame.open);
            }
            frame.problems.extend(outcome.err());
        }
        match value {
            Value::Map(map) => self.object(&mut frame, entries, map, location),
            Value::List(list) => self.array(&mut frame, entries, list, location),
            Value::Str(text) => self.text(&mut frame, entries, text, location),
            Value::Nil | Value::Bool(_) => {}
            value => numeric(&mut frame, entries, value, location),
        }
        if frame.problems.is_empty() || !scope.quiet {
            self.later(&mut frame, entries, value, location);
        }
        match frame.problems.len() {
            0 => Ok(frame.open),
            1 => Err(frame.problems.remove(0)),
            _ => {
                let mut group = problem(location, "validation failed".to_owned());
                group.group = true;
                group.causes = frame.problems;
                Err(group)
            }
        }
    }

    /// What ends the matter at once: type, const, enum, format.
    fn simple(&mut self, entries: &'a serde_json::Map<String, Json>, value: &Value, location: &[String]) -> Result<(), Problem> {
        let found = json_type(value);
        if let Some(wanted) = entries.get("type") {
            let names: Vec<&str> = match wanted {
                Json::String(name) => vec![name.as_str()],
                Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
                _ => Vec::new(),
            };
            let integer = || names.contains(&"integer") && number::of_value(value).is_some_and(|number| number.is_integer());
            if !names.is_empty() && !names.contains(&found) && !integer() {
                const ORDER: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];
                let names: Vec<&str> = ORDER.into_iter().filter(|name| names.contains(name)).collect();
                return Err(problem(location, format!("got {found}, want {}", names.join(" or "))));
            }
        }
        self.constant(entries, value, location)?;
        if let Some(Json::Array(wanted)) = entries.get("enum")
            && !wanted.iter().any(|wanted| equal(value, wanted))
        {
            return Err(problem(location, enum_text(wanted)));
        }
        if self.draft < Draft::Of2019
            && let (Some(Json::String(name)), Value::Str(text)) = (entries.get("format"), value)
            && let Err(error) = format::check(name, &text.to_str_lossy())
        {
            return Err(problem(location, format!("{} is not valid {name}: {error}", quote(&text.to_str_lossy()))));
        }
        Ok(())
    }

    fn cycle(&self, scope: &Scope<'_, 'a>, before: &Scope<'_, 'a>) -> String {
        let target = format!("file:///values.schema.json#{}", self.place(scope.schema));
        format!("both {} and {} resolve to {target:?} causing reference cycle", self.way(scope), self.way(before))
    }

    /// The keywords that led to a schema.
    fn way(&self, mut scope: &Scope<'_, 'a>) -> String {
        let mut steps = Vec::new();
        while let Some((outer, keyword)) = scope.from {
            steps.push(match keyword {
                "" => self.place(scope.schema).get(self.place(outer.schema).len()..).unwrap_or_default().to_owned(),
                keyword => format!("/{keyword}"),
            });
            scope = outer;
        }
        steps.reverse();
        steps.concat()
    }

    /// Where a schema stands in the file, as the fragment of an address.
    fn place(&self, schema: &Json) -> String {
        let mut tokens = Vec::new();
        find(self.root, schema, &mut tokens);
        tokens.iter().map(|token| format!("/{}", path_escaped(&token.replace('~', "~0").replace('/', "~1")))).collect()
    }

    fn constant(&self, entries: &serde_json::Map<String, Json>, value: &Value, location: &[String]) -> Result<(), Problem> {
        if self.draft >= Draft::Six
            && let Some(wanted) = entries.get("const")
            && !equal(value, wanted)
        {
            let compound = wanted.is_array() || wanted.is_object();
            let text = if compound { "'const' failed".to_owned() } else { format!("value must be {}", display(wanted)) };
            return Err(problem(location, text));
        }
        Ok(())
    }

    fn reference(
        &mut self,
        frame: &mut Frame<'_, 'a>,
        (keyword, reference): (&'static str, &str),
        value: &Value,
        location: &mut Vec<String>,
    ) -> Result<(), Problem> {
        let Target::Schema(target) = resolve(self.root, reference) else { return Ok(()) };
        self.follow(frame, target, value, location, false, keyword).map_err(|cause| {
            let mut outer = problem(location, "validation failed".to_owned());
            outer.reference = true;
            outer.causes = if cause.group { cause.causes } else { vec![cause] };
            outer
        })
    }

    /// Another schema on the same value.
    fn apply(
        &mut self,
        frame: &mut Frame<'_, 'a>,
        schema: &'a Json,
        value: &Value,
        location: &mut Vec<String>,
        quiet: bool,
    ) -> Result<(), Problem> {
        self.follow(frame, schema, value, location, quiet, "")
    }

    /// The same, through a keyword that refers there.
    fn follow(
        &mut self,
        frame: &mut Frame<'_, 'a>,
        schema: &'a Json,
        value: &Value,
        location: &mut Vec<String>,
        quiet: bool,
        keyword: &'static str,
    ) -> Result<(), Problem> {
        let scope = Scope { schema, quiet: frame.scope.quiet || quiet, within: Some(frame.scope), from: Some((frame.scope, keyword)) };
        let open = self.open_for(schema, value, !frame.open.is_empty());
        let seen = self.check(&scope, value, location, open)?;
        frame.open.merge(&seen);
        Ok(())
    }

    /// A schema on a part of the value.
    fn descend(
        &mut self,
        outer: &Scope<'_, 'a>,
        schema: &'a Json,
        value: &Value,
        token: String,
        location: &mut Vec<String>,
        quiet: bool,
    ) -> Result<(), Problem> {
        location.push(token);
        let scope = Scope { schema, quiet, within: None, from: Some((outer, "")) };
        let open = self.open_for(schema, value, false);
        let outcome = self.check(&scope, value, location, open);
        location.pop();
        outcome.map(drop)
    }

    fn open_for(&self, schema: &Json, value: &Value, asked: bool) -> Open {
        let has = |key: &str| schema.get(key).is_some();
        let mut open = Open::default();
        match value {
            Value::Map(map) if !has("additionalProperties") && (asked || has("unevaluatedProperties")) => {
                open.properties = Some(map.entries().keys().cloned().collect());
            }
            Value::List(list) if (asked || has("unevaluatedItems")) && schema.get("items").is_none_or(Json::is_array) => {
                let first = schema.get("prefixItems").or_else(|| schema.get("items")).and_then(Json::as_array).map_or(0, Vec::len);
                open.items = Some((first..list.len()).collect());
            }
            _ => {}
        }
        open
    }

    fn object(&mut self, frame: &mut Frame<'_, 'a>, entries: &'a serde_json::Map<String, Json>, map: &Map, location: &mut Vec<String>) {
        let quiet = frame.scope.quiet;
        let size = map.len();
        bounds(frame, entries, location, "Properties", size);
        if let Some(Json::Array(required)) = entries.get("required") {
            missing(frame, required, map, location, required_text);
        }
        if quiet && !frame.problems.is_empty() {
            return;
        }
        for (name, dependency) in entries.get("dependencies").and_then(Json::as_object).into_iter().flatten() {
            if map.get(name.as_bytes()).is_some() {
                self.dependency(frame, name, dependency, map, location);
            }
        }
        self.properties(frame, entries, map, location);
        if self.draft == Draft::Four {
            return;
        }
        if let Some(schema) = entries.get("propertyNames") {
            for name in map.entries().keys() {
                let mut root = Vec::new();
                let scope = Scope { schema, quiet, within: None, from: Some((frame.scope, "")) };
                if let Err(cause) = self.check(&scope, &Value::Str(name.clone()), &mut root, Open::default()) {
                    let mut outer = problem(location, format!("invalid propertyName {}", quote(&name.to_str_lossy())));
                    outer.causes = if cause.group { cause.causes } else { vec![cause] };
                    frame.problems.push(outer);
                }
            }
        }
        if self.draft < Draft::Of2019 {
            return;
        }
        for key in ["dependentSchemas", "dependentRequired"] {
            for (name, dependency) in entries.get(key).and_then(Json::as_object).into_iter().flatten() {
                if map.get(name.as_bytes()).is_some() {
                    self.dependency(frame, name, dependency, map, location);
                }
            }
        }
    }

    fn dependency(&mut self, frame: &mut Frame<'_, 'a>, name: &str, dependency: &'a Json, map: &Map, location: &mut Vec<String>) {
        if let Json::Array(required) = dependency {
            missing(frame, required, map, location, |names| format!("properties {} required, if {} exists", joined(names), quote(name)));
        } else {
            let outcome = self.apply(frame, dependency, &Value::Map(map.clone()), location, false);
            frame.problems.extend(outcome.err());
        }
    }

    fn properties(&mut self, frame: &mut Frame<'_, 'a>, entries: &'a serde_json::Map<String, Json>, map: &Map, location: &mut Vec<String>) {
        let quiet = frame.scope.quiet;
        let mut additional = Vec::new();
        let members = map.entries().clone();
        for (name, value) in &members {
            if quiet && !frame.problems.is_empty() {
                return;
            }
            let text = name.to_str_lossy();
            let mut schemas: Vec<&'a Json> = entries.get("properties").and_then(|all| all.get(text.as_ref())).into_iter().collect();
            for (pattern, schema) in entries.get("patternProperties").and_then(Json::as_object).into_iter().flatten() {
                if self.expressions.get(pattern).is_ok_and(|expression| expression.is_match(name.as_bytes())) {
                    schemas.push(schema);
                }
            }
            if schemas.is_empty() {
                match entries.get("additionalProperties") {
                    None => continue,
                    Some(Json::Bool(false)) => additional.push(text.clone().into_owned()),
                    Some(schema) => schemas.push(schema),
                }
            }
            for schema in schemas {
                let outcome = self.descend(frame.scope, schema, value, text.clone().into_owned(), location, quiet);
                frame.problems.extend(outcome.err());
            }
            frame.open.seen(name);
        }
        if !additional.is_empty() {
            frame.problems.push(problem(location, format!("additional properties {} not allowed", joined(&additional))));
        }
    }

    fn array(&mut self, frame: &mut Frame<'_, 'a>, entries: &'a serde_json::Map<String, Json>, list: &List, location: &mut Vec<String>) {
        let quiet = frame.scope.quiet;
        let values = list.items().clone();
        bounds(frame, entries, location, "Items", values.len());
        if entries.get("uniqueItems") == Some(&Json::Bool(true))
            && let Some((first, second)) = duplicates(&values)
        {
            frame.problems.push(problem(location, format!("items at {first} and {second} are equal")));
        }
        let (heads, rest) = match (self.draft, entries.get("items")) {
            (Draft::Of2020, items) => (entries.get("prefixItems").and_then(Json::as_array), items),
            (_, Some(Json::Array(heads))) => (Some(heads), entries.get("additionalItems")),
            (_, items) => (None, items),
        };
        let heads = heads.map_or(&[][..], Vec::as_slice);
        for (at, (schema, value)) in heads.iter().zip(&values).enumerate() {
            let outcome = self.descend(frame.scope, schema, value, at.to_string(), location, quiet);
            frame.problems.extend(outcome.err());
        }
        let after = values.get(heads.len()..).unwrap_or_default();
        match rest {
            Some(Json::Bool(false)) if self.draft < Draft::Of2020 && !heads.is_empty() && !after.is_empty() => {
                frame.problems.push(problem(location, format!("last {} additionalItem(s) not allowed", after.len())));
            }
            Some(schema) => {
                // The positions count from the first value behind the heads, as in the original.
                for (at, value) in after.iter().enumerate() {
                    let outcome = self.descend(frame.scope, schema, value, at.to_string(), location, quiet);
                    frame.problems.extend(outcome.err());
                }
            }
            None => {}
        }
        if self.draft >= Draft::Six
            && let Some(schema) = entries.get("contains")
        {
            self.contains(frame, entries, schema, &values, location);
        }
    }

    fn contains(
        &mut self,
        frame: &mut Frame<'_, 'a>,
        entries: &'a serde_json::Map<String, Json>,
        schema: &'a Json,
        values: &[Value],
        location: &mut Vec<String>,
    ) {
        let mut causes = Vec::new();
        let mut matched = Vec::new();
        for (at, value) in values.iter().enumerate() {
            match self.descend(frame.scope, schema, value, at.to_string(), location, frame.scope.quiet) {
                Ok(()) => {
                    matched.push(at);
                    if let (Draft::Of2020, Some(open)) = (self.draft, &mut frame.open.items) {
                        open.remove(&at);
                    }
                }
                Err(cause) => causes.push(cause),
            }
        }
        let newer = self.draft >= Draft::Of2019;
        let limit = |key: &str| entries.get(key).filter(|_| newer).and_then(Json::as_u64).and_then(|limit| usize::try_from(limit).ok());
        let places = matched.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        let count = matched.len();
        match limit("minContains") {
            Some(wanted) if count < wanted => {
                let found = if count == 0 { "none matched".to_owned() } else { format!("matched {count} items at {places}") };
                let mut outer = problem(location, format!("min {wanted} items required to match contains schema, but {found}"));
                outer.causes = causes;
                frame.problems.push(outer);
            }
            None if count == 0 => {
                let mut outer = problem(location, "no items match contains schema".to_owned());
                outer.causes = causes;
                frame.problems.push(outer);
            }
            _ => {}
        }
        if let Some(wanted) = limit("maxContains")
            && count > wanted
        {
            let text = format!("max {wanted} items required to match contains schema, but matched {count} items at {places}");
            frame.problems.push(problem(location, text));
        }
    }

    fn text(&mut self, frame: &mut Frame<'_, 'a>, entries: &'a serde_json::Map<String, Json>, text: &Str, location: &[String]) {
        bounds(frame, entries, location, "Length", characters(text));
        if let Some(pattern) = entries.get("pattern").and_then(Json::as_str)
            && self.expressions.get(pattern).is_ok_and(|expression| !expression.is_match(text.as_bytes()))
        {
            frame.problems.push(problem(location, format!("{} does not match pattern {}", quote(&text.to_str_lossy()), quote(pattern))));
        }
    }

    /// What combines schemas: dynamic references, not, allOf, anyOf, oneOf, if, and what is left unevaluated.
    fn later(&mut self, frame: &mut Frame<'_, 'a>, entries: &'a serde_json::Map<String, Json>, value: &Value, location: &mut Vec<String>) {
        if self.draft >= Draft::Of2019 {
            for key in ["$recursiveRef", "$dynamicRef"] {
                if let Some(reference) = entries.get(key).and_then(Json::as_str) {
                    let outcome = self.reference(frame, (key, reference), value, location);
                    frame.problems.extend(outcome.err());
                }
            }
        }
        if let Some(schema) = entries.get("not")
            && self.apply(frame, schema, value, location, true).is_ok()
        {
            frame.problems.push(problem(location, "'not' failed".to_owned()));
        }
        if let Some(Json::Array(schemas)) = entries.get("allOf") {
            let causes: Vec<Problem> =
                schemas.iter().filter_map(|schema| self.apply(frame, schema, value, location, false).err()).collect();
            if !causes.is_empty() {
                frame.fail(location, "'allOf' failed".to_owned(), causes);
            }
        }
        if let Some(Json::Array(schemas)) = entries.get("anyOf") {
            self.any_of(frame, schemas, value, location);
        }
        if let Some(Json::Array(schemas)) = entries.get("oneOf") {
            self.one_of(frame, schemas, value, location);
        }
        if self.draft >= Draft::Seven
            && let Some(schema) = entries.get("if")
        {
            let branch = if self.apply(frame, schema, value, location, true).is_ok() { "then" } else { "else" };
            if let Some(schema) = entries.get(branch) {
                let outcome = self.apply(frame, schema, value, location, false);
                frame.problems.extend(outcome.err());
            }
        }
        if self.draft >= Draft::Of2019 {
            self.unevaluated(frame, entries, value, location);
        }
    }

    fn any_of(&mut self, frame: &mut Frame<'_, 'a>, schemas: &'a [Json], value: &Value, location: &mut Vec<String>) {
        let mut causes = Vec::new();
        let mut matched = false;
        for schema in schemas {
            match self.apply(frame, schema, value, location, false) {
                Ok(()) => {
                    matched = true;
                    if frame.open.is_empty() {
                        break;
                    }
                }
                Err(cause) => causes.push(cause),
            }
        }
        if !matched && !schemas.is_empty() {
            frame.fail(location, "'anyOf' failed".to_owned(), causes);
        }
    }

    fn one_of(&mut self, frame: &mut Frame<'_, 'a>, schemas: &'a [Json], value: &Value, location: &mut Vec<String>) {
        let mut causes = Vec::new();
        let mut first = None;
        for (at, schema) in schemas.iter().enumerate() {
            match (self.apply(frame, schema, value, location, first.is_some()), first) {
                (Ok(()), None) => first = Some(at),
                (Ok(()), Some(first)) => {
                    frame.fail(location, format!("'oneOf' failed, subschemas {first}, {at} matched"), Vec::new());
                    break;
                }
                (Err(cause), None) => causes.push(cause),
                (Err(_), Some(_)) => {}
            }
        }
        if first.is_none() && !schemas.is_empty() {
            frame.fail(location, "'oneOf' failed, none matched".to_owned(), causes);
        }
    }

    fn unevaluated(
        &mut self,
        frame: &mut Frame<'_, 'a>,
        entries: &'a serde_json::Map<String, Json>,
        value: &Value,
        location: &mut Vec<String>,
    ) {
        let quiet = frame.scope.quiet;
        if let (Value::Map(map), Some(schema)) = (value, entries.get("unevaluatedProperties")) {
            for name in frame.open.properties.take().unwrap_or_default() {
                if let Some(value) = map.get(name.as_bytes()) {
                    let outcome = self.descend(frame.scope, schema, &value, name.to_str_lossy().into_owned(), location, quiet);
                    frame.problems.extend(outcome.err());
                }
            }
        }
        if let (Value::List(list), Some(schema)) = (value, entries.get("unevaluatedItems")) {
            for at in frame.open.items.take().unwrap_or_default() {
                let item = list.items().get(at).cloned().unwrap_or_default();
                let outcome = self.descend(frame.scope, schema, &item, at.to_string(), location, quiet);
                frame.problems.extend(outcome.err());
            }
        }
    }
}

impl Frame<'_, '_> {
    fn fail(&mut self, location: &[String], text: String, causes: Vec<Problem>) {
        let mut outer = problem(location, text);
        outer.causes = causes;
        self.problems.push(outer);
    }
}

fn numeric(frame: &mut Frame<'_, '_>, entries: &serde_json::Map<String, Json>, value: &Value, location: &[String]) {
    use std::cmp::Ordering::{Greater, Less};
    let Some(found) = number::of_value(value) else { return };
    let limit = |key: &str| match entries.get(key) {
        Some(Json::Number(limit)) => Some(number::of_json(limit)),
        _ => None,
    };
    let exclusive = |key: &str| entries.get(key) == Some(&Json::Bool(true));
    let mut complain = |name: &str, wanted: &number::Number| {
        let text = format!("{name}: got {}, want {}", found.english(), wanted.english());
        frame.problems.push(problem(location, text));
    };
    // In draft 4 the exclusive bounds are flags beside the others.
    for (name, strict, wrong) in [("minimum", "exclusiveMinimum", Less), ("maximum", "exclusiveMaximum", Greater)] {
        match limit(name) {
            Some(wanted) if exclusive(strict) && found.compare(&wanted) != wrong.reverse() => complain(strict, &wanted),
            Some(wanted) if !exclusive(strict) && found.compare(&wanted) == wrong => complain(name, &wanted),
            _ => {}
        }
    }
    for (strict, wrong) in [("exclusiveMinimum", Less), ("exclusiveMaximum", Greater)] {
        match limit(strict) {
            Some(wanted) if found.compare(&wanted) != wrong.reverse() => complain(strict, &wanted),
            _ => {}
        }
    }
    match limit("multipleOf") {
        Some(wanted) if !found.is_multiple_of(&wanted) => complain("multipleOf", &wanted),
        _ => {}
    }
}

/// `minX` and `maxX` of a size.
fn bounds(frame: &mut Frame<'_, '_>, entries: &serde_json::Map<String, Json>, location: &[String], what: &str, size: usize) {
    for (side, wrong) in [("min", std::cmp::Ordering::Less), ("max", std::cmp::Ordering::Greater)] {
        let name = format!("{side}{what}");
        let Some(Json::Number(limit)) = entries.get(&name) else { continue };
        let Some(limit) = limit.as_f64().filter(|limit| limit.fract() == 0.0) else { continue };
        if (size as f64).partial_cmp(&limit) == Some(wrong) {
            let (size, limit) = (grouped(&size.to_string()), grouped(&format!("{limit}")));
            frame.problems.push(problem(location, format!("{name}: got {size}, want {limit}")));
        }
    }
}

fn missing(frame: &mut Frame<'_, '_>, required: &[Json], map: &Map, location: &[String], text: impl Fn(&[String]) -> String) {
    let names = required.iter().filter_map(Json::as_str).filter(|name| map.get(name.as_bytes()).is_none());
    let names: Vec<String> = names.map(str::to_owned).collect();
    if !names.is_empty() {
        frame.problems.push(problem(location, text(&names)));
    }
}

fn required_text(names: &[String]) -> String {
    match names {
        [one] => format!("missing property {}", quote(one)),
        names => format!("missing properties {}", joined(names)),
    }
}

fn enum_text(wanted: &[Json]) -> String {
    if wanted.iter().any(|wanted| wanted.is_array() || wanted.is_object()) {
        return "'enum' failed".to_owned();
    }
    match wanted {
        [one] => format!("value must be {}", display(one)),
        all => format!("value must be one of {}", all.iter().map(display).collect::<Vec<_>>().join(", ")),
    }
}

fn duplicates(values: &[Value]) -> Option<(usize, usize)> {
    values.iter().enumerate().find_map(|(second, value)| {
        let first = values.iter().take(second).position(|before| same(value, before))?;
        Some((first, second))
    })
}

/// The way to a value within another one.
fn find(within: &Json, wanted: &Json, tokens: &mut Vec<String>) -> bool {
    if std::ptr::eq(within, wanted) {
        return true;
    }
    let inner: Vec<(String, &Json)> = match within {
        Json::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Json::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => return false,
    };
    inner.into_iter().any(|(token, value)| {
        tokens.push(token);
        let found = find(value, wanted, tokens);
        if !found {
            tokens.pop();
        }
        found
    })
}

/// `url.PathEscape`
fn path_escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+=:@".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn problem(location: &[String], text: String) -> Problem {
    let escaped = |token: &String| format!("/{}", token.replace('~', "~0").replace('/', "~1"));
    Problem { at: location.iter().map(escaped).collect(), text, group: false, reference: false, causes: Vec::new() }
}

fn display(value: &Json) -> String {
    match value {
        Json::String(text) => quote(text),
        Json::Null => "<nil>".to_owned(),
        Json::Array(_) | Json::Object(_) => "value".to_owned(),
        other => other.to_string(),
    }
}

fn joined(names: &[String]) -> String {
    names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ")
}

/// No schema is fetched while rendering: the result would depend on the network.
pub(super) fn unreachable_text(url: &str) -> String {
    match url.strip_prefix("file://") {
        Some(path) => format!("failing loading {url:?}: open {path}: no such file or directory"),
        None => format!("failing loading {url:?}: HTTP request failed for {url}: schemas are not fetched while rendering"),
    }
}
