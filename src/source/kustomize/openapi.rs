//! What is known of Kubernetes' types: which lists are merged by which keys, and which kinds live outside of namespaces.
//!
//! The built-in knowledge is that of Kubernetes 1.21.2, which kustomize 5.8.1 carries. It is kept as two small texts (`data/`):
//! `kinds.txt` says which type a kind is, `types.txt` lists, for every type from which a merged list can be reached, the fields that
//! lead there: `field>Type` for an object, `field%Type` for a map of objects, `field*Type` for a list that is replaced and
//! `field*Type!key,key` for one that is merged. They are read when the first strategic merge patch needs them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use ecow::EcoString;

use super::errors::{KResult, fail};
use super::ids::Gvk;
use super::json::Json;
use super::kustomization::Texts;

const KINDS: &str = include_str!("data/kinds.txt");
const TYPES: &str = include_str!("data/types.txt");

/// The one version of the built-in schema.
const VERSION: &str = "v1.21.2";

/// Kinds outside of namespaces, by `apiVersion`.
const CLUSTER_SCOPED: [(&str, &[&str]); 21] = [
    ("admissionregistration.k8s.io/v1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    ("admissionregistration.k8s.io/v1beta1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    ("apiextensions.k8s.io/v1", &["CustomResourceDefinition"]),
    ("apiextensions.k8s.io/v1beta1", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io/v1", &["APIService"]),
    ("apiregistration.k8s.io/v1beta1", &["APIService"]),
    ("certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("certificates.k8s.io/v1beta1", &["CertificateSigningRequest"]),
    ("flowcontrol.apiserver.k8s.io/v1beta1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1", &["IngressClass"]),
    ("networking.k8s.io/v1beta1", &["IngressClass"]),
    ("node.k8s.io/v1", &["RuntimeClass"]),
    ("node.k8s.io/v1beta1", &["RuntimeClass"]),
    ("policy/v1beta1", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding"]),
    ("rbac.authorization.k8s.io/v1beta1", &["ClusterRole", "ClusterRoleBinding"]),
    ("scheduling.k8s.io/v1", &["PriorityClass"]),
    ("scheduling.k8s.io/v1beta1", &["PriorityClass"]),
    ("storage.k8s.io/v1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("storage.k8s.io/v1beta1", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]),
    ("v1", &["ComponentStatus", "Namespace", "Node", "NodeProxyOptions", "PersistentVolume"]),
];

/// What is known in one build: the built-in schema or the one that a kustomization brings.
#[derive(Debug, Default)]
pub struct Schemas {
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    version: EcoString,
    custom: Option<Arc<Table>>,
    /// The custom schema came after kinds had been looked up, so the built-in one counts as well.
    mixed: bool,
    looked_up: bool,
}

/// Types by name, and which kinds are of which type.
#[derive(Debug, Default)]
pub struct Table {
    types: Vec<Type>,
    kinds: BTreeMap<(EcoString, EcoString), usize>,
    namespaced: BTreeMap<(EcoString, EcoString), bool>,
}

#[derive(Debug, Default)]
struct Type {
    fields: Vec<(EcoString, Field)>,
    /// The schema of fields that are not listed.
    others: Option<Box<Field>>,
    /// Fields that are not listed exist all the same and lead to no merged list.
    open: bool,
}

/// The schema of a field.
#[derive(Debug, Clone, Default)]
pub struct Field {
    shape: Shape,
    target: Option<usize>,
    merge: bool,
    keys: Vec<EcoString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shape {
    #[default]
    Object,
    List,
    Map,
}

/// The schema of a value.
#[derive(Debug, Clone, Copy)]
pub struct Schema<'t> {
    table: &'t Table,
    field: Option<&'t Field>,
    target: Option<usize>,
}

impl<'t> Schema<'t> {
    fn of_field(table: &'t Table, field: &'t Field) -> Self {
        Self { table, field: Some(field), target: if field.shape == Shape::Object { field.target } else { None } }
    }

    /// The schema of a field; `None` where nothing is known of it.
    pub fn field(&self, name: &str) -> Option<Self> {
        if let Some(field) = self.field.filter(|field| field.shape == Shape::Map) {
            return Some(Self { table: self.table, field: None, target: field.target });
        }
        let kind = self.table.types.get(self.target?)?;
        match kind.fields.iter().find(|(key, _)| key == name) {
            Some((_, field)) => Some(Self::of_field(self.table, field)),
            None if kind.open => Some(Self { table: self.table, field: None, target: None }),
            None => kind.others.as_deref().map(|field| Self::of_field(self.table, field)),
        }
    }

    /// The schema of the items of a list.
    pub fn items(&self) -> Option<Self> {
        let field = self.field.filter(|field| field.shape == Shape::List)?;
        Some(Self { table: self.table, field: None, target: field.target })
    }

    /// Whether a list is merged.
    pub fn merges(&self) -> bool {
        self.field.is_some_and(|field| field.merge)
    }

    /// The fields by which the items of a merged list are told apart; none for a list of scalars.
    pub fn keys(&self) -> &'t [EcoString] {
        self.field.map_or(&[], |field| &field.keys)
    }
}

impl Schemas {
    /// Only what is built in.
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Takes the `openapi` field of a kustomization. The root's counts; one of a base only if there is none yet.
    pub fn set(&self, options: Option<&Texts>, custom: Option<&[u8]>, root: bool) -> KResult<()> {
        let mut state = self.state.borrow_mut();
        if !root && (!state.version.is_empty() || state.custom.is_some()) {
            return Ok(());
        }
        let version = options.and_then(|options| options.get("version"));
        if let Some(text) = custom {
            if version.is_some() {
                return fail("builtin version and custom schema provided, cannot use both");
            }
            state.version = "custom".into();
            state.mixed = state.looked_up;
            state.custom = Some(Arc::new(Table::read(text)?));
            return Ok(());
        }
        state.version = version.cloned().unwrap_or_default();
        if !matches!(state.version.as_str(), "" | VERSION) {
            return fail("the specified OpenAPI version is not built in");
        }
        if !state.version.is_empty() {
            state.custom = None;
        }
        Ok(())
    }

    /// Whether a kind is known to live outside of namespaces.
    pub fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        let version = gvk.api_version();
        if let Some((_, kinds)) = CLUSTER_SCOPED.iter().find(|(known, _)| *known == version)
            && kinds.contains(&gvk.kind.as_str())
        {
            return true;
        }
        let mut state = self.state.borrow_mut();
        state.looked_up = true;
        match &state.custom {
            Some(custom) => custom.namespaced.get(&(version, gvk.kind.clone())) == Some(&false),
            None => false,
        }
    }

    /// The tables to look types up in, in order.
    pub fn tables(&self) -> Tables {
        let state = self.state.borrow();
        match &state.custom {
            Some(custom) if state.mixed => Tables(vec![Arc::clone(custom), builtin()]),
            Some(custom) => Tables(vec![Arc::clone(custom)]),
            None => Tables(vec![builtin()]),
        }
    }
}

/// The tables in force.
#[derive(Debug)]
pub struct Tables(Vec<Arc<Table>>);

impl Tables {
    /// The schema of a kind.
    pub fn of_kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let key = (EcoString::from(api_version), EcoString::from(kind));
        self.0.iter().find_map(|table| {
            let target = table.kinds.get(&key)?;
            Some(Schema { table, field: None, target: Some(*target) })
        })
    }
}

fn builtin() -> Arc<Table> {
    static BUILTIN: OnceLock<Arc<Table>> = OnceLock::new();
    Arc::clone(BUILTIN.get_or_init(|| Arc::new(Table::builtin())))
}

impl Table {
    fn builtin() -> Self {
        let names: BTreeMap<&str, usize> = TYPES.lines().filter_map(|line| line.split(' ').next()).zip(0..).collect();
        let kinds = KINDS.lines().filter_map(|line| {
            let mut parts = line.split(' ');
            let key = (parts.next()?.into(), parts.next()?.into());
            Some((key, *names.get(parts.next()?)?))
        });
        let types = TYPES.lines().map(|line| Type {
            fields: line.split(' ').skip(1).filter_map(|field| parse_field(field, &names)).collect(),
            others: None,
            open: true,
        });
        Self { kinds: kinds.collect(), types: types.collect(), namespaced: BTreeMap::new() }
    }

    /// Reads an OpenAPI document (`swagger: "2.0"`), in JSON or YAML.
    fn read(text: &[u8]) -> KResult<Self> {
        let Some(node) = super::read::first_document(text)? else { return Ok(Self::default()) };
        let json = Json::from_node(&node)?;
        let mut table = Self::default();
        let Some(Json::Object(definitions)) = json.get("definitions") else { return Ok(table) };
        let names: BTreeMap<&str, usize> = definitions.iter().map(|(name, _)| name.as_str()).zip(0..).collect();
        table.types.resize_with(definitions.len(), Type::default);
        for (at, (_, definition)) in definitions.iter().enumerate() {
            let read = table.read_type(definition, &names, 0);
            if let Some(slot) = table.types.get_mut(at) {
                *slot = read;
            }
            for key in kinds_of(definition.get("x-kubernetes-group-version-kind")) {
                table.kinds.insert(key, at);
            }
        }
        table.read_paths(json.get("paths"));
        Ok(table)
    }

    fn read_paths(&mut self, paths: Option<&Json>) {
        let Some(Json::Object(paths)) = paths else { return };
        for (path, item) in paths {
            let kind = item.get("get").and_then(|get| get.get("x-kubernetes-group-version-kind"));
            let Some(key) = kind.and_then(kind_of) else { continue };
            let namespaced = path.contains("namespaces/{namespace}");
            let entry = self.namespaced.entry(key).or_insert(namespaced);
            *entry |= namespaced;
        }
    }

    fn read_type(&mut self, json: &Json, names: &BTreeMap<&str, usize>, depth: usize) -> Type {
        let fields = match json.get("properties") {
            Some(Json::Object(properties)) => {
                properties.iter().map(|(name, field)| (name.clone(), self.read_field(field, names, depth))).collect()
            }
            _ => Vec::new(),
        };
        let others = json.get("additionalProperties").filter(|schema| matches!(schema, Json::Object(_)));
        Type { fields, others: others.map(|schema| Box::new(self.read_field(schema, names, depth))), open: false }
    }

    fn read_field(&mut self, json: &Json, names: &BTreeMap<&str, usize>, depth: usize) -> Field {
        if let Some(Json::String(reference)) = json.get("$ref") {
            let target = reference.strip_prefix("#/definitions/").and_then(|name| names.get(name)).copied();
            return Field { target, ..Field::default() };
        }
        // Inline schemas become types without a name; deeper ones than anybody writes are not followed.
        if depth > 64 {
            return Field::default();
        }
        let is_list = json.get("type") == Some(&Json::String("array".into()));
        let inner = if is_list { json.get("items").map(|items| self.read_field(items, names, depth + 1)) } else { None };
        let target = match inner {
            Some(items) => items.target,
            None => {
                let kind = self.read_type(json, names, depth + 1);
                self.types.push(kind);
                Some(self.types.len() - 1)
            }
        };
        let text = |name: &str| match json.get(name) {
            Some(Json::String(text)) => Some(text.clone()),
            _ => None,
        };
        let merge = text("x-kubernetes-patch-strategy").is_some_and(|strategy| strategy.split(',').any(|part| part == "merge"));
        let keys = match json.get("x-kubernetes-list-map-keys") {
            Some(Json::Array(keys)) => {
                keys.iter().filter_map(|key| if let Json::String(key) = key { Some(key.clone()) } else { None }).collect()
            }
            _ => text("x-kubernetes-patch-merge-key").into_iter().collect(),
        };
        Field { shape: if is_list { Shape::List } else { Shape::Object }, target, merge, keys }
    }
}

fn kinds_of(json: Option<&Json>) -> Vec<(EcoString, EcoString)> {
    match json {
        Some(Json::Array(kinds)) => kinds.iter().filter_map(kind_of).collect(),
        _ => Vec::new(),
    }
}

fn kind_of(json: &Json) -> Option<(EcoString, EcoString)> {
    let text = |name: &str| match json.get(name) {
        Some(Json::String(text)) => Some(text.clone()),
        _ => None,
    };
    let (version, kind) = (text("version")?, text("kind")?);
    let group = text("group").unwrap_or_default();
    Some((Gvk { group, version, kind: kind.clone() }.api_version(), kind))
}

fn parse_field(text: &str, names: &BTreeMap<&str, usize>) -> Option<(EcoString, Field)> {
    let at = text.find(['>', '%', '*'])?;
    let (name, rest) = text.split_at_checked(at)?;
    let (shape, rest) = match rest.split_at_checked(1)? {
        (">", rest) => (Shape::Object, rest),
        ("%", rest) => (Shape::Map, rest),
        (_, rest) => (Shape::List, rest),
    };
    let (target, keys) = match rest.split_once('!') {
        Some((target, keys)) => (target, Some(keys)),
        None => (rest, None),
    };
    let split = |keys: &str| keys.split(',').filter(|key| !key.is_empty()).map(EcoString::from).collect();
    let field = Field { shape, target: names.get(target).copied(), merge: keys.is_some(), keys: keys.map(split).unwrap_or_default() };
    Some((name.into(), field))
}

#[cfg(test)]
mod tests {
    use super::Schemas;

    #[test]
    fn merged_lists_are_found() {
        let schemas = Schemas::new();
        let tables = schemas.tables();
        let spec = tables.of_kind("apps/v1", "Deployment").and_then(|kind| kind.field("spec")?.field("template")?.field("spec"));
        let containers = spec.and_then(|spec| spec.field("containers")).expect("known");
        assert!(containers.merges());
        assert_eq!(containers.keys(), ["name"]);
        let ports = containers.items().and_then(|item| item.field("ports")).expect("known");
        assert_eq!(ports.keys(), ["containerPort", "protocol"]);
        assert!(!containers.items().and_then(|item| item.field("args")).expect("known").merges());
        assert!(tables.of_kind("example.com/v1", "Deployment").is_none());
    }
}
