//! Every expression of `answers.txt` beside what cel-go made of it: refused or not, its value or failure, its cost, and what its cost is estimated at.
//!
//! `tests/conformance/cel.py` writes the file, with the real thing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use hydrate_cel::schema::{Data, Schema, SchemaType};
use hydrate_cel::{Environment, EvalError, Features, Key, ListKind, Value};

#[test]
fn expressions_are_what_cel_go_makes_of_them() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers.txt")).unwrap();
    let json = |head: &str| -> serde_json::Value {
        let line = text.lines().find_map(|line| line.strip_prefix(head)).unwrap();
        serde_json::from_str(line).unwrap()
    };
    let schema = schema(&json("schema ")).as_resource();
    let object = schema.value(&data(&json("object ")));
    let (ty, size) = schema.declared("self").unwrap();
    let values = BTreeMap::from([("self".to_owned(), object.clone()), ("oldSelf".to_owned(), object)]);
    let environment = |minor: u32| {
        // The release before may have what is new.
        let base = Environment::new(Features::created(minor + 1));
        base.with("self", ty.clone(), Some(size.clone())).with("oldSelf", ty.clone(), None)
    };
    let (mut differing, mut all) = (String::new(), 0);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(mut expression) = line.strip_prefix("> ").map(str::to_owned) else { continue };
        while let Some(more) = lines.peek().and_then(|line| line.strip_prefix("| ")) {
            expression = format!("{expression}\n{more}");
            lines.next();
        }
        let wanted = lines.next().unwrap_or_default();
        let (minor, expression) = match expression.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((minor, rest)) if minor.parse::<u32>().is_ok_and(|minor| minor > 20) => (minor.parse().unwrap(), rest.to_owned()),
            _ => (37, expression),
        };
        all += 1;
        let found = answer(&environment(minor), &expression, &values);
        if !same(&found, wanted) {
            writeln!(differing, "> {expression}\n  cel-go:  {wanted}\n  hydrate: {found}").unwrap();
        }
    }
    assert!(all > 1500, "only {all} expressions");
    assert!(differing.is_empty(), "{} of {all} differ:\n{differing}", differing.matches("\n  cel-go:").count());
}

/// The words of refusals are not compared, nor those of failures beyond their kind.
fn same(found: &str, wanted: &str) -> bool {
    let refused = |text: &str| text.starts_with("refused: ");
    if refused(found) || refused(wanted) {
        return refused(found) == refused(wanted);
    }
    let failed = |text: &str| text.starts_with("failed: ");
    let cost = |text: &str| text.rsplit_once(" (cost ").map(|(_, cost)| cost.to_owned());
    let is_limit = |text: &str| text.contains("cost limit exceeded");
    if failed(found) && failed(wanted) {
        return is_limit(found) && is_limit(wanted) || cost(found) == cost(wanted);
    }
    found == wanted
}

fn answer(environment: &Environment, expression: &str, values: &BTreeMap<String, Value>) -> String {
    let program = match environment.compile(expression) {
        Ok(program) => program,
        Err(faults) => return format!("refused: {}", faults.first().map(|fault| fault.message.clone()).unwrap_or_default()),
    };
    let estimate = program.estimate(environment);
    let outcome = program.evaluate(values, 1_000_000);
    let cost = format!("(cost {}, estimated {} to {})", outcome.cost, estimate.least, estimate.most);
    match outcome.value {
        Ok(value) => format!("{} {cost}", show(&value)),
        Err(error @ (EvalError::Failed(_) | EvalError::CostLimit)) => format!("failed: {error} {cost}").replace('\n', " "),
        Err(error) => format!("unknown: {error}"),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => format!("{number}u"),
        Value::Double(number) => double(*number),
        Value::String(text) => quoted(text),
        Value::Bytes(bytes) => format!("b\"{}\"", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Value::Duration(nanos) => format!("duration({})", hydrate_gotmpl::time::duration::string(*nanos)),
        Value::Timestamp(moment) => {
            let zoned = hydrate_gotmpl::time::Moment { seconds: moment.seconds, nanoseconds: moment.nanos, zone: jiff::tz::TimeZone::UTC };
            let text = hydrate_gotmpl::time::format(&zoned, b"2006-01-02T15:04:05.999999999Z07:00");
            format!("timestamp({})", String::from_utf8_lossy(&text))
        }
        Value::List(list) => format!("[{}]", list.items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let mut entries: Vec<String> = map.entries.iter().map(|(key, value)| format!("{}: {}", show_key(key), show(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Type(name) => format!("type({name})"),
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(value)) => format!("optional.of({})", show(value)),
        Value::Ip(address) => format!("ip({address})"),
        Value::Cidr(address, bits) => format!("cidr({address}/{bits})"),
        Value::Format(format) => format!("format({})", format.name),
        other => format!("{other:?}"),
    }
}

fn show_key(key: &Key) -> String {
    match key {
        Key::Bool(value) => value.to_string(),
        Key::Int(number) => number.to_string(),
        Key::Uint(number) => format!("{number}u"),
        Key::String(text) => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn double(number: f64) -> String {
    use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
    let text = format_float(number, Format::General, None, Bits::Float64);
    if text.contains(['.', 'e', 'I', 'N']) { text } else { format!("{text}.0") }
}

fn data(of: &serde_json::Value) -> Data {
    match of {
        serde_json::Value::Null => Data::Null,
        serde_json::Value::Bool(value) => Data::Bool(*value),
        serde_json::Value::Number(number) => number.as_i64().map_or_else(|| Data::Double(number.as_f64().unwrap()), Data::Int),
        serde_json::Value::String(text) => Data::Text(text.clone()),
        serde_json::Value::Array(items) => Data::List(items.iter().map(data).collect()),
        serde_json::Value::Object(entries) => Data::Map(entries.iter().map(|(key, value)| (key.clone(), data(value))).collect()),
    }
}

fn schema(of: &serde_json::Value) -> Schema {
    let texts = |key: &str| of[key].as_array().into_iter().flatten().filter_map(|text| text.as_str()).map(str::to_owned).collect();
    let plain = Schema {
        kind: SchemaType::parse(of["type"].as_str().unwrap_or_default()),
        format: of["format"].as_str().unwrap_or_default().to_owned(),
        properties: of["properties"].as_object().map(|all| all.iter().map(|(name, of)| (name.clone(), schema(of))).collect()),
        additional: of["additionalProperties"].is_object().then(|| Box::new(schema(&of["additionalProperties"]))),
        items: of["items"].is_object().then(|| Box::new(schema(&of["items"]))),
        list: match of["x-kubernetes-list-type"].as_str() {
            Some("set") => ListKind::Set,
            Some("map") => ListKind::Map(texts("x-kubernetes-list-map-keys")),
            _ => ListKind::Atomic,
        },
        required: texts("required"),
        values: texts("enum"),
        nullable: of["nullable"] == true,
        max_length: of["maxLength"].as_u64(),
        max_items: of["maxItems"].as_u64(),
        max_properties: of["maxProperties"].as_u64(),
        int_or_string: of["x-kubernetes-int-or-string"] == true,
        preserves: of["x-kubernetes-preserve-unknown-fields"] == true,
        ..Schema::default()
    };
    if of["x-kubernetes-embedded-resource"] == true { plain.as_resource() } else { plain }
}
