//! What templates see.
//!
//! Follows `pkg/state/types.go` of helmfile.

use std::any::Any;

use hydrate_gotmpl::{Kind, Map, Object, Value};

use crate::Version;
use crate::environment::Environment;
use crate::merge::{Lists, merge_maps};
use crate::record;

/// A Go struct with its fields.
struct Struct {
    go: &'static str,
    kind: Kind,
    fields: Vec<(&'static str, Value)>,
}

impl Object for Struct {
    fn type_name(&self) -> &'static str {
        self.go
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn structure(go: &'static str, kind: Kind, fields: Vec<(&'static str, Value)>) -> Value {
    Value::object(Struct { go, kind, fields })
}

fn environment(environment: &Environment, version: Version) -> Value {
    let mut fields = vec![
        ("Name", Value::str(environment.name.as_str())),
        ("KubeContext", Value::str(environment.kube_context.as_str())),
        ("Values", Value::Map(environment.values.clone())),
        ("Defaults", Value::Map(environment.defaults.clone())),
    ];
    if version == Version::V1 {
        fields.push(("CLIOverrides", Value::Map(environment.overrides.clone())));
    }
    structure("environment.Environment", Kind::Struct, fields)
}

/// What the templates of helmfiles and of values files of environments see.
pub(crate) fn of_environment(of: &Environment, namespace: &str, values: &Map, version: Version) -> Value {
    let mut seen = of.clone();
    if version == Version::V1 {
        seen.values = merge_maps(&of.values, &of.overrides, Lists::ByElement, version);
    }
    let fields = vec![
        ("Environment", environment(&seen, version)),
        ("Namespace", Value::str(namespace)),
        ("Values", Value::Map(values.clone())),
        ("StateValues", Value::Map(values.clone())),
    ];
    structure("*state.EnvironmentTemplateData", Kind::Ptr, fields)
}

/// What the command line or the helmfile puts in the place of what releases say.
#[derive(Clone, Default)]
pub(crate) struct Overrides {
    pub kube_context: String,
    pub namespace: String,
    pub chart: String,
}

/// What the templates of a release and of its values files see.
pub(crate) fn of_release(of: &Environment, overrides: &Overrides, release: &Map, values: &Map, version: Version) -> Value {
    let text = |name: &str| Value::str(record::text(release, name));
    let mut fields = vec![
        ("Name", text("name")),
        ("Namespace", text("namespace")),
        ("Labels", release.get(b"labels").unwrap_or_else(|| Value::Map(Map::nil("map[string]string")))),
        ("Chart", text("chart")),
    ];
    if version == Version::V1 {
        fields.push(("ChartVersion", text("version")));
    }
    fields.push(("KubeContext", text("kubeContext")));
    let fields = vec![
        ("Environment", environment(of, version)),
        ("Release", structure("state.releaseTemplateDataRelease", Kind::Struct, fields)),
        ("Values", Value::Map(values.clone())),
        ("StateValues", Value::Map(values.clone())),
        ("KubeContext", Value::str(overrides.kube_context.as_str())),
        ("Namespace", Value::str(overrides.namespace.as_str())),
        ("Chart", Value::str(overrides.chart.as_str())),
    ];
    structure("state.releaseTemplateData", Kind::Struct, fields)
}
