//! A custom resource as it is when rules see it: what no schema has is dropped, nulls that may not be are gone, defaults are there.

use std::collections::BTreeMap;

use hydrate_cel::schema::Data;
use hydrate_yaml::node::Node;

use crate::check::validity::reading::{Value, key, value};
use crate::check::value::{entries, is_true};

/// Why a value is not known.
pub(in crate::check::validity) const SUBSTITUTED: &str = "a value with variables that Flux substitutes (${…})";

/// Makes data of nodes.
#[derive(Clone, Copy)]
pub(in crate::check::validity) struct Reader {
    /// Whether fields that are not in the schema stay, everywhere.
    pub(in crate::check::validity) preserves: bool,
    /// Whether texts with variables are something else in the cluster.
    pub(in crate::check::validity) substitutes: bool,
}

impl Reader {
    /// A value as it is.
    pub(in crate::check::validity) fn plain(self, node: &Node) -> Data {
        match value(node) {
            _ if self.substitutes && crate::check::validity::has_variable(node) => Data::Unknown(SUBSTITUTED.to_owned()),
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(value),
            Value::Int(number) => Data::Int(number),
            Value::Number(number) => Data::Double(number),
            Value::Text(text) => Data::Text(text.into_owned()),
            Value::List(items) => Data::List(items.iter().map(|item| self.plain(item)).collect()),
            Value::Map(entries) => Data::Map(entries.iter().map(|(name, node)| (key(name).to_owned(), self.plain(node))).collect()),
            Value::Broken => Data::Unknown("a value that is none of JSON".to_owned()),
        }
    }

    /// A value beside its structural schema.
    pub(super) fn of(self, schema: &Node, node: &Node, is_resource: bool) -> Data {
        match value(node) {
            Value::List(items) => match schema.get("items") {
                Some(of) => Data::List(items.iter().map(|item| self.of(of, item, is_embedded(of))).collect()),
                None => self.plain(node),
            },
            Value::Map(found) => Data::Map(self.fields(schema, found, is_resource)),
            _ => self.plain(node),
        }
    }

    fn fields(self, schema: &Node, found: &[(Node, Node)], is_resource: bool) -> BTreeMap<String, Data> {
        let properties = entries(schema, &["properties"]);
        let rest = schema.get("additionalProperties");
        let keeps = self.preserves
            || is_true(schema, "x-kubernetes-preserve-unknown-fields")
            || rest.is_some_and(|rest| rest.as_str() == Some("true"));
        let mut all = BTreeMap::new();
        for (name, node) in found {
            let name = key(name);
            let of = properties.iter().find(|(known, _)| key(known) == name).map(|(_, of)| of);
            let of = of.or_else(|| rest.filter(|rest| rest.entries().is_some()));
            let is_null = value(node) == Value::Null;
            match of {
                _ if is_resource && matches!(name, "apiVersion" | "kind" | "metadata") => {
                    all.insert(name.to_owned(), self.plain(node));
                }
                // A null that may not be is nothing, and makes way for a default.
                Some(of) if is_null && !is_true(of, "nullable") => {}
                Some(of) => {
                    all.insert(name.to_owned(), self.of(of, node, is_embedded(of)));
                }
                None if keeps => {
                    all.insert(name.to_owned(), self.plain(node));
                }
                None => {}
            }
        }
        for (name, of) in properties {
            if let Some(default) = of.get("default")
                && !all.contains_key(key(name))
            {
                all.insert(key(name).to_owned(), Self { substitutes: false, ..self }.of(of, default, is_embedded(of)));
            }
        }
        all
    }
}

fn is_embedded(schema: &Node) -> bool {
    is_true(schema, "x-kubernetes-embedded-resource")
}
