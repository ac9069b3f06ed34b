//! What a nested helmfile takes over from the one that names it.
//!
//! Follows `pkg/state/inherited.go` of helmfile 1.7.

use hydrate_gotmpl::{List, Map, Str, Value};

use crate::environment::Environment;
use crate::record;
use crate::schema::{HELM_DEFAULTS, Merge, merge};

/// What `inherits` may name.
pub(crate) const KEYS: [&str; 7] =
    ["repositories", "helmDefaults", "commonLabels", "apiVersions", "kubeVersion", "templates", "environments"];

/// What is taken over.
#[derive(Clone, Default)]
pub(crate) struct Inherited {
    fields: Map,
    /// The environment whose values lie below those of the nested helmfile.
    pub environment: Option<Environment>,
}

impl Inherited {
    /// What the parent gives of what is asked for.
    pub(crate) fn of(parent: &Map, environment: &Environment, wanted: &[String]) -> Self {
        let wants = |key: &str| wanted.iter().any(|wanted| wanted == key);
        let fields = KEYS.iter().filter(|key| **key != "environments" && wants(key));
        let fields = fields.filter_map(|key| Some((Str::from(*key), record::deep(&parent.get(key.as_bytes())?))));
        Self { fields: Map::from_entries(fields.collect::<Vec<_>>()), environment: wants("environments").then(|| environment.deep_copy()) }
    }

    /// Fills in what the nested helmfile lacks.
    pub(crate) fn fill(&self, child: &Map) {
        for key in ["repositories", "apiVersions"] {
            let (parents, own) = (record::list(&self.fields, key), record::list(child, key));
            if !parents.is_empty() {
                let all: Vec<Value> = parents.into_iter().chain(own).collect();
                child.insert(key, Value::List(List::new(if key == "repositories" { last_by_name(all) } else { distinct(all) })));
            }
        }
        for key in ["commonLabels", "templates"] {
            if let Some(Value::Map(parents)) = self.fields.get(key.as_bytes()) {
                let own = record::map(child, key);
                let merged = record::shallow(&parents);
                own.entries().iter().for_each(|(name, value)| merged.insert(name.clone(), value.clone()));
                child.insert(key, Value::Map(merged));
            }
        }
        if let Some(Value::Map(parents)) = self.fields.get(b"helmDefaults") {
            let own = record::shallow(&record::map(child, "helmDefaults"));
            merge(&own, &parents, &HELM_DEFAULTS, Merge { overwrite: false, append: false });
            child.insert("helmDefaults", Value::Map(own));
        }
        if record::text(child, "kubeVersion").is_empty()
            && let Some(version) = record::some_text(&self.fields, "kubeVersion")
        {
            child.insert("kubeVersion", Value::str(version));
        }
    }
}

/// Of entries with the same name the last.
fn last_by_name(all: Vec<Value>) -> Vec<Value> {
    let name = |value: &Value| if let Value::Map(map) = value { record::text(map, "name") } else { String::new() };
    let names: Vec<String> = all.iter().map(name).collect();
    let is_last = |at: usize| names.iter().skip(at + 1).all(|other| Some(other) != names.get(at));
    all.iter().enumerate().filter(|(at, _)| is_last(*at)).map(|(_, value)| value.clone()).collect()
}

/// Of equal texts the first.
fn distinct(all: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::BTreeSet::new();
    all.into_iter().filter(|value| seen.insert(record::as_text(value))).collect()
}
