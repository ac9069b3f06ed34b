//! Helm's own template functions, on top of sprig's (`pkg/engine/funcs.go`). The table is at the end.

use super::host::{Host, MARK_END, MARK_START};
use super::options::ClusterObject;
use super::values;
use std::sync::Arc;

use hydrate_chart::Level;
use hydrate_gotmpl::TextFailure;
use hydrate_gotmpl::decode::{self, DecodeOptions, Numbers, Partial, Target};
use hydrate_gotmpl::encode::{self, TomlError, TomlVersion};
use hydrate_gotmpl::{Failure, Function, Param};
use hydrate_gotmpl::{GoVersion, Vm, fmt};
use hydrate_gotmpl::{List, Map, Str, Value};

type Out = Result<Value, Failure>;

/// A template may include itself this often, as `recursionMaxNums` allows.
const RECURSION_LIMIT: usize = 1000;

fn text_of(args: &[Value], at: usize) -> Str {
    match args.get(at) {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::from(""),
    }
}

fn value_of(args: &[Value], at: usize) -> Value {
    args.get(at).cloned().unwrap_or_default()
}

/// `include "name" .`: what a named template writes.
fn include(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let name = text_of(args, 0);
    let host = vm.host_as::<Host>();
    if let Some(host) = host
        && host.enter(&name) > RECURSION_LIMIT + 1
    {
        host.leave();
        let name = name.to_str_lossy();
        return Err(format!("rendering template has a nested reference name: {name}: unable to execute template").into());
    }
    let written = vm.execute_named(name.as_bytes(), &value_of(args, 1));
    if let Some(host) = host {
        host.leave();
    }
    written.map(Value::Str)
}

/// `tpl "{{ text }}" .`: a text executed as a template; what it defines is visible within it only.
fn tpl(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = text_of(args, 0);
    if memchr::memmem::find(text.as_bytes(), b"{{").is_none() {
        // Nothing to execute, and nothing that could fail.
        return Ok(Value::Str(without_no_value(text)));
    }
    match vm.execute_text(text.as_bytes(), &value_of(args, 1)) {
        Ok(written) => Ok(Value::Str(without_no_value(written))),
        Err(TextFailure::Parse(error)) => Err(format!("cannot parse template {}: {}", fmt::quote(text.as_bytes()), error.text).into()),
        Err(TextFailure::Exec(error)) => {
            let prefix = format!("error during tpl function execution for {}: ", fmt::quote(text.as_bytes()));
            Err(Failure::Exec(error).wrap(prefix))
        }
    }
}

/// `strings.ReplaceAll(text, "<no value>", "")`
pub(super) fn without_no_value(text: Str) -> Str {
    match memchr::memmem::find(text.as_bytes(), NO_VALUE) {
        Some(_) => Str::from(strip_no_value(text.as_bytes())),
        None => text,
    }
}

/// What Go prints for a missing value.
pub(super) const NO_VALUE: &[u8] = b"<no value>";

fn strip_no_value(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, NO_VALUE) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + NO_VALUE.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// `required "message" value`: the value, unless it is nil or an empty text.
fn required(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let value = value_of(args, 1);
    let missing = match &value {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    if missing { fail(args) } else { Ok(value) }
}

/// `fail "message"`: an error with the message.
fn fail_function(_: &mut Vm<'_>, args: &[Value]) -> Out {
    fail(args)
}

fn fail(args: &[Value]) -> Out {
    Err(format!("{MARK_START}{}{MARK_END}", text_of(args, 0).to_str_lossy()).into())
}

/// `lookup "v1" "Secret" "namespace" "name"`: the object, or a list of those of a namespace, or of all, where the name is empty. Only what stands for
/// the cluster is found; nothing, where there is nothing of the kind.
///
/// Follows `pkg/engine/lookup_func.go` of Helm, whose answer without a cluster is an empty map.
fn lookup(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|at| text_of(args, at).to_str_lossy().into_owned());
    let host = vm.host_as::<Host>();
    let cluster = host.map(|host| Arc::clone(&host.cluster)).unwrap_or_default();
    let nothing = || {
        let place: Vec<&str> = [&*namespace, &*name].into_iter().filter(|part| !part.is_empty()).collect();
        let what = format!("{api_version} {kind} {}", place.join("/"));
        host.inspect(|host| host.note_unanswered(what.trim_end().to_owned()));
        Ok(Value::Map(Map::new()))
    };
    let of_kind = || cluster.iter().filter(|object| object.api_version == api_version && object.kind == kind);
    let decoded = |object: &ClusterObject| {
        let options = DecodeOptions { numbers: Numbers::Int64, ..DecodeOptions::MAP };
        decode::from_yaml(object.text.as_bytes(), options).map_err(Failure::from)
    };
    if !name.is_empty() {
        let is_it = |object: &&ClusterObject| object.name == name && (object.namespace.is_empty() || object.namespace == namespace);
        return of_kind().find(is_it).map_or_else(nothing, decoded);
    }
    if of_kind().next().is_none() {
        return nothing();
    }
    let items =
        of_kind().filter(|object| namespace.is_empty() || object.namespace == namespace).map(decoded).collect::<Result<Vec<_>, _>>()?;
    let entries = [
        ("apiVersion", Value::str(api_version.as_str())),
        ("items", Value::List(List::new(items))),
        ("kind", Value::str(format!("{kind}List"))),
        ("metadata", Value::Map(Map::new())),
    ];
    Ok(Value::Map(Map::from_entries(entries.map(|(key, value)| (Str::from(key), value)))))
}

/// `getHostByName "example.org"`: nothing; the result would depend on the network.
fn get_host_by_name(_: &mut Vm<'_>, _: &[Value]) -> Out {
    Ok(Value::str(""))
}

/// `toYaml value`, without the last line break; nothing where the value cannot be encoded.
fn to_yaml(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(yaml_text(&value_of(args, 0)))
}

/// What `toYaml` gives.
pub(super) fn yaml_text(value: &Value) -> Value {
    Value::str(encode::to_yaml(value).map_or_else(|_| Vec::new(), without_line_break))
}

fn without_line_break(mut text: Vec<u8>) -> Vec<u8> {
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    text
}

/// `mustToYaml value`: the same, failing where the value cannot be encoded.
fn must_to_yaml(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = encode::to_yaml(&value_of(args, 0)).map_err(Failure::from)?;
    Ok(Value::str(without_line_break(text)))
}

/// `toYamlPretty value`: lists indented below their key.
fn to_yaml_pretty(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_yaml_pretty(&value_of(args, 0)).map_or_else(|_| Vec::new(), without_line_break)))
}

/// The Go that the level's Helm is built with.
fn go(vm: &Vm<'_>) -> GoVersion {
    vm.set().options().go
}

/// `toJson value`: nothing where the value cannot be encoded.
fn to_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_json(&value_of(args, 0), go(vm)).unwrap_or_default()))
}

/// `mustToJson value`
fn must_to_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_json(&value_of(args, 0), go(vm)).map_err(Failure::from)?))
}

/// `toPrettyJson value`: indented by two spaces.
fn to_pretty_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_pretty_json(&value_of(args, 0), go(vm)).unwrap_or_default()))
}

/// `mustToPrettyJson value`
fn must_to_pretty_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_pretty_json(&value_of(args, 0), go(vm)).map_err(Failure::from)?))
}

/// `toRawJson value`: `<`, `>` and `&` as they are.
fn to_raw_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(encode::to_raw_json(&value_of(args, 0), go(vm)).map_err(Failure::from)?))
}

fn toml_text(vm: &Vm<'_>, args: &[Value]) -> Result<Vec<u8>, TomlError> {
    let older = vm.host_as::<Host>().is_some_and(|host| host.level == Level::V3);
    encode::to_toml(&value_of(args, 0), if older { TomlVersion::V1_4 } else { TomlVersion::V1_6 })
}

/// `toToml value`; the error's text where the value cannot be encoded.
fn to_toml(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    match toml_text(vm, args) {
        Ok(text) => Ok(Value::str(text)),
        Err(TomlError::Encode(error)) => Ok(Value::str(error)),
        Err(error) => Err(error.to_string().into()),
    }
}

/// `mustToToml value`
fn must_to_toml(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(toml_text(vm, args).map_err(|error| error.to_string())?))
}

/// The map that a decoder made, or one with the error under `Error`.
fn table(decoded: Result<Value, String>) -> Value {
    decoded.unwrap_or_else(|error| Value::Map(Map::from_entries([(Str::from("Error"), Value::str(error))])))
}

/// The list that a decoder made, or one with the error in it.
fn list(decoded: Result<Value, String>) -> Value {
    decoded.unwrap_or_else(|error| Value::List(List::new(vec![Value::str(error)])))
}

const TABLE: Target = Target::Map("map[string]interface {}");
const LIST: Target = Target::List("[]interface {}");

fn json(vm: &Vm<'_>, args: &[Value], target: Target) -> Result<Partial, String> {
    decode::partly_from_json(go(vm), text_of(args, 0).as_bytes(), target, Numbers::Float64)
}

/// What the decoder made of a JSON text, with the error under `Error`, if there is one.
fn json_table(decoded: Partial) -> Value {
    if let (Value::Map(map), Some(error)) = (&decoded.value, decoded.error) {
        map.insert("Error", Value::str(error));
    }
    decoded.value
}

/// `fromYaml "text"`: a map; with the error under `Error` where it is none.
fn from_yaml(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(table(decode::from_yaml(text_of(args, 0).as_bytes(), DecodeOptions::MAP)))
}

/// `fromYamlArray "text"`: a list; with the error in it where it is none.
fn from_yaml_array(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(list(decode::from_yaml(text_of(args, 0).as_bytes(), DecodeOptions::LIST)))
}

/// `fromJson "text"`
fn from_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(table(json(vm, args, TABLE).map(json_table)))
}

/// `fromJsonArray "text"`
fn from_json_array(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(list(json(vm, args, LIST).and_then(|decoded| decoded.error.map_or(Ok(decoded.value), Err))))
}

/// `mustFromJson "text"`: any value; fails where the text is no JSON.
fn must_from_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(decode::from_json_of(go(vm), text_of(args, 0).as_bytes(), Target::Any, Numbers::Float64)?)
}

/// `fromToml "text"`
fn from_toml(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(table(super::toml::decode(text_of(args, 0).as_bytes())))
}

const fn row(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

const ANY: &[Param] = &[Param::Any];
const TEXT: &[Param] = &[Param::String];
const TEXT_ANY: &[Param] = &[Param::String, Param::Any];

/// What both levels have.
pub(super) static FUNCTIONS: &[Function] = &[
    row("fail", TEXT, fail_function),
    row("fromJson", TEXT, from_json),
    row("fromJsonArray", TEXT, from_json_array),
    row("fromToml", TEXT, from_toml),
    row("fromYaml", TEXT, from_yaml),
    row("fromYamlArray", TEXT, from_yaml_array),
    row("getHostByName", TEXT, get_host_by_name),
    row("include", TEXT_ANY, include),
    row("lookup", &[Param::String, Param::String, Param::String, Param::String], lookup),
    row("mustFromJson", TEXT, must_from_json),
    row("mustToJson", ANY, must_to_json),
    row("mustToPrettyJson", ANY, must_to_pretty_json),
    row("mustToRawJson", ANY, to_raw_json),
    row("required", TEXT_ANY, required),
    row("toJson", ANY, to_json),
    row("toPrettyJson", ANY, to_pretty_json),
    row("toRawJson", ANY, to_raw_json),
    row("toToml", ANY, to_toml),
    row("toYaml", ANY, to_yaml),
    row("toYamlPretty", ANY, to_yaml_pretty),
    row("tpl", TEXT_ANY, tpl),
];

/// What Helm 4 has on top.
pub(super) static FUNCTIONS_4: &[Function] = &[
    row("durationDays", ANY, super::durations::days),
    row("durationHours", ANY, super::durations::hours),
    row("durationMicroseconds", ANY, super::durations::microseconds),
    row("durationMilliseconds", ANY, super::durations::milliseconds),
    row("durationMinutes", ANY, super::durations::minutes),
    row("durationNanoseconds", ANY, super::durations::nanoseconds),
    row("durationRoundTo", &[Param::Any, Param::Any], super::durations::round_to),
    row("durationSeconds", ANY, super::durations::seconds),
    row("durationTruncateTo", &[Param::Any, Param::Any], super::durations::truncate_to),
    row("durationWeeks", ANY, super::durations::weeks),
    row("mustToDuration", ANY, super::durations::must_to_duration),
    row("mustToToml", ANY, must_to_toml),
    row("mustToYaml", ANY, must_to_yaml),
];

/// The functions that charts may call at a level: sprig's and Helm's own.
pub(crate) fn function_set(level: Level) -> hydrate_gotmpl::FunctionSet {
    let tables: [&'static [Function]; 3] = match level {
        Level::V3 => [hydrate_sprig::FUNCTIONS, hydrate_sprig::V3_FUNCTIONS, FUNCTIONS],
        Level::V4 => [hydrate_sprig::FUNCTIONS, FUNCTIONS, FUNCTIONS_4],
    };
    let set = hydrate_gotmpl::FunctionSet::new(&tables).with_methods(values::type_name(level), values::METHODS);
    let set = if level == Level::V4 { set.with_methods("time.Time", hydrate_sprig::NEWER_TIME_METHODS) } else { set };
    hydrate_sprig::METHODS.iter().fold(set, |set, (name, methods)| set.with_methods(name, methods))
}
