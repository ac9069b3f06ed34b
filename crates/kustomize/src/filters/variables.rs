//! Variables: `$(NAME)` in the fields that may hold them.
//!
//! Follows `api/filters/refvar` and `api/internal/accumulator` of kustomize 5.8.1.

use std::collections::{BTreeMap, BTreeSet};

use ecow::EcoString;

use super::super::config::{FieldList, JOB_TEMPLATE, TEMPLATE, in_pods, specs};
use super::super::errors::{Fail, KResult, fail};
use super::super::fieldspec;
use super::super::kustomization::{FieldSpec, Var};
use super::super::paths;
use super::super::resmap::ResMap;
use super::super::scalar;
use super::super::shared;
use super::super::tree;
use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
use hydrate_yaml::node::{Data, Node, Style, Tag};

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(EcoString),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A mapping or sequence, which cannot be put into a text.
    Collection,
}

/// Puts the variables' values in their places; gives the names of those that were never used.
pub(crate) fn apply(map: &mut ResMap, variables: &BTreeMap<EcoString, Var>, specs: &[FieldSpec]) -> KResult<Vec<EcoString>> {
    let mut values = BTreeMap::new();
    for (name, variable) in variables {
        values.insert(name.clone(), value(map, variable)?);
    }
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let mut replacer = Replacer { values, used: BTreeSet::new() };
    for res in map.list_mut() {
        for spec in specs {
            fieldspec::apply(&mut res.node, spec, None, &mut |node| replacer.set(node))?;
        }
    }
    Ok(replacer.values.keys().filter(|name| !replacer.used.contains(*name)).cloned().collect())
}

fn value(map: &ResMap, variable: &Var) -> KResult<Value> {
    let Some(res) = map.list().iter().find(|res| res.variables.contains(&variable.name)) else {
        let error = Fail::new(format!("var '{}' cannot be mapped to a field in the set of known resources", variable_text(variable)));
        return Err(map.add_candidates(error, &variable.object.id()));
    };
    let path = &variable.field.field_path;
    let missing = || Fail::new(format!("field specified in var '{}' not found in corresponding resource", variable_text(variable)));
    let parts = indices(paths::split_smart(path, '.'));
    let node = tree::lookup(&res.node, &parts).ok().flatten().ok_or_else(missing)?;
    typed(node).ok_or_else(missing)
}

/// A variable as Go prints the struct.
pub(crate) fn variable_text(variable: &Var) -> String {
    let (object, gvk) = (&variable.object, &variable.object.gvk.gvk());
    format!("{{{} {{{} {gvk} {} {}}} {{{}}}}}", variable.name, object.api_version, object.name, object.namespace, variable.field.field_path)
}

/// `name[3]` as `name` and `3`.
fn indices(parts: Vec<String>) -> Vec<String> {
    let mut result = Vec::with_capacity(parts.len());
    for part in parts {
        let index = part.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
        match index {
            Some((name, index)) if !index.is_empty() && index.bytes().all(|c| c.is_ascii_digit()) => {
                if !name.is_empty() {
                    result.push(name.to_owned());
                }
                result.push(index.to_owned());
            }
            _ => result.push(part),
        }
    }
    result
}

fn typed(node: &Node) -> Option<Value> {
    let Data::Scalar(text) = &node.data else { return Some(Value::Collection) };
    match node.tag {
        Tag::Int => scalar::go_atoi(text).map(Value::Int),
        Tag::Float => text.parse().ok().map(Value::Float),
        Tag::Bool => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => Some(Value::Text(text.clone())),
    }
}

struct Replacer {
    values: BTreeMap<EcoString, Value>,
    used: BTreeSet<EcoString>,
}

impl Replacer {
    fn set(&mut self, node: &mut Node) -> KResult<()> {
        if tree::is_null(node) {
            return Ok(());
        }
        match &mut node.data {
            Data::Mapping(entries) => {
                for (key, value) in entries {
                    if !tree::is_string(key) {
                        return fail(format!("invalid map key: value='{}'", tree::raw_text(key)));
                    }
                    self.set_scalar(value);
                }
            }
            Data::Sequence(items) => {
                for item in items {
                    if !tree::is_string(item) {
                        return fail("invalid value type expect a string");
                    }
                    self.set_scalar(item);
                }
            }
            _ => self.set_scalar(node),
        }
        Ok(())
    }

    fn set_scalar(&mut self, node: &mut Node) {
        shared::refresh(node);
        if !tree::is_string(node) {
            return;
        }
        let (text, tag) = match self.replaced(tree::raw_text(node)) {
            Value::Text(text) => (text, Tag::Str),
            Value::Int(value) => (ecow::eco_format!("{value}"), Tag::Int),
            Value::Bool(value) => (ecow::eco_format!("{value}"), Tag::Bool),
            Value::Float(value) => (format_float(value, Format::Fixed, None, Bits::Float64).into(), Tag::Float),
            Value::Collection => return,
        };
        node.data = Data::Scalar(text);
        node.tag = tag;
        node.style = Style::default();
        shared::wrote(node);
    }

    /// A text with its references replaced; one that is a single reference takes over the variable's type.
    fn replaced(&mut self, input: &str) -> Value {
        let mut out = String::with_capacity(input.len());
        let mut rest = input;
        while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            let after = after.get(1..).unwrap_or_default();
            rest = match (after.chars().next(), after.find(')')) {
                (Some('$'), _) => {
                    out.push('$');
                    after.get(1..).unwrap_or_default()
                }
                (Some('('), Some(end)) => {
                    let name = after.get(1..end).unwrap_or_default();
                    let value = self.lookup(name);
                    if input.len() == name.len() + 3 {
                        return value;
                    }
                    out.push_str(&print(&value));
                    after.get(end + 1..).unwrap_or_default()
                }
                (Some('('), None) => {
                    out.push_str("$(");
                    after.get(1..).unwrap_or_default()
                }
                (Some(c), _) => {
                    out.push('$');
                    out.push(c);
                    after.get(c.len_utf8()..).unwrap_or_default()
                }
                (None, _) => after,
            };
        }
        out.push_str(rest);
        Value::Text(out.into())
    }

    fn lookup(&mut self, name: &str) -> Value {
        match self.values.get(name) {
            Some(Value::Collection) | None => Value::Text(ecow::eco_format!("$({name})")),
            Some(value) => {
                self.used.insert(name.into());
                value.clone()
            }
        }
    }
}

/// A value inside of a text (`%v`).
fn print(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Float(value) => {
            let text = scalar::format_g(*value);
            // `%v` uses an exponent only from 21 digits on.
            if text.contains('e') && (1e-4..1e21).contains(&value.abs()) {
                format_float(*value, Format::Fixed, None, Bits::Float64)
            } else {
                text.to_string()
            }
        }
        Value::Collection => String::new(),
    }
}

/// What may hold variables.
pub(crate) const FIELDS: FieldList = FieldList { key: "varReference", title: "VarReference", builtin: fields };

/// What of a container may hold variables.
const VARIABLES_IN_POD: [&str; 8] = [
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
];

const VARIABLE_PODS: [(&str, &str); 7] = [
    ("CronJob", JOB_TEMPLATE),
    ("DaemonSet", TEMPLATE),
    ("Deployment", TEMPLATE),
    ("Job", TEMPLATE),
    ("Pod", "spec"),
    ("ReplicaSet", TEMPLATE),
    ("StatefulSet", TEMPLATE),
];

const OTHER_VARIABLES: [(&str, &str); 16] = [
    ("CronJob", "spec/jobTemplate/spec/template/volumes/nfs/server"),
    ("DaemonSet", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/spec/volumes/nfs/server"),
    ("Deployment", "spec/template/metadata/annotations"),
    ("Ingress", "spec/rules/host"),
    ("Ingress", "spec/tls/hosts"),
    ("Ingress", "spec/tls/secretName"),
    ("Job", "spec/template/spec/volumes/nfs/server"),
    ("Pod", "spec/volumes/nfs/server"),
    ("ReplicaSet", "spec/template/spec/volumes/nfs/server"),
    ("Service", "spec/ports/port"),
    ("Service", "spec/ports/targetPort"),
    ("StatefulSet", "spec/volumeClaimTemplates/spec/nfs/server"),
    ("PersistentVolume", "spec/nfs/server"),
    ("", "metadata/labels"),
    ("", "metadata/annotations"),
];

fn fields() -> Vec<FieldSpec> {
    let mut all = in_pods(&VARIABLE_PODS, &VARIABLES_IN_POD);
    all.extend(specs(&OTHER_VARIABLES, false));
    all
}

#[cfg(test)]
mod tests {
    use super::{Replacer, Value};

    #[test]
    fn references() {
        let values = [("A".into(), Value::Text("x".into())), ("N".into(), Value::Int(3)), ("M".into(), Value::Collection)];
        let mut replacer = Replacer { values: values.into_iter().collect(), used: Default::default() };
        let mut text = |input: &str| match replacer.replaced(input) {
            Value::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(text("$(A)"), "x");
        assert_eq!(text("$(N)"), "Int(3)");
        assert_eq!(text("a$(N)b$(A)"), "a3bx");
        assert_eq!(text("$$(A) $(B) $(M) $x $( $"), "$(A) $(B) $(M) $x $( $");
    }
}
