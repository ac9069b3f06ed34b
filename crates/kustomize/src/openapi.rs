//! What is known of Kubernetes' types: which lists are merged by which keys, and which kinds live outside of namespaces.
//!
//! The built-in knowledge is that of Kubernetes 1.21.2, which kustomize 5.8.1 carries, and of kustomize's own file. It is read when the first strategic
//! merge patch needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ecow::EcoString;

use super::anchors::first_document;
use super::errors::{KResult, fail};
use super::ids::{Gvk, ResId, split_api_version};
use super::json::Json;
use super::kustomization::Texts;
use hydrate_kubernetes::merge::{self, Shape, short_name};
use hydrate_kubernetes::{Release, Scope, scope};

/// The one version of the built-in schema.
const VERSION: &str = "v1.21.2";

/// What of kustomization files is merged: API version, kind, and the lists with their key.
const KUSTOMIZATION: (&str, &str, [&str; 2], &str) =
    ("kustomize.config.k8s.io/v1beta1", "Kustomization", ["configMapGenerator", "secretGenerator"], "name");

/// What is known in one build: the built-in schema or the one that a kustomization brings.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    state: Mutex<State>,
}

/// kustomize keeps one table for the whole process, and what is put into it later wins. When it reads the built-in schema decides
/// whether a custom one stands alone, over it or under it.
#[derive(Debug, Default)]
struct State {
    version: EcoString,
    custom: Option<Arc<Json>>,
    builtin: Builtin,
    /// Whether `table` is up to date.
    ready: bool,
    layers: Vec<Layer>,
    table: Option<Arc<Table>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Builtin {
    #[default]
    Unread,
    /// Somebody asked for the scope of a kind that only the schema could know.
    Wanted,
    Read,
}

#[derive(Debug)]
enum Layer {
    Builtin,
    Custom(Arc<Json>),
}

impl State {
    fn prepare(&mut self) -> Arc<Table> {
        if let Some(table) = self.table.as_ref().filter(|_| self.ready) {
            return Arc::clone(table);
        }
        self.ready = true;
        match &self.custom {
            Some(custom) => self.layers.push(Layer::Custom(Arc::clone(custom))),
            None => self.add_builtin(),
        }
        if self.builtin == Builtin::Wanted {
            self.add_builtin();
        }
        let table = match self.layers.as_slice() {
            [Layer::Builtin] => builtin(),
            layers => Arc::new(Table::of_layers(layers)),
        };
        self.table = Some(Arc::clone(&table));
        table
    }

    fn add_builtin(&mut self) {
        self.builtin = Builtin::Read;
        self.layers.push(Layer::Builtin);
    }
}

/// Types by name, and which kinds are of which type.
#[derive(Debug, Default)]
pub(crate) struct Table {
    types: Vec<Type>,
    /// The named types among them.
    names: BTreeMap<EcoString, usize>,
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
pub(crate) struct Field {
    shape: Shape,
    target: Option<usize>,
    merge: bool,
    keys: Vec<EcoString>,
}

/// The schema of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'t> {
    table: &'t Table,
    field: Option<&'t Field>,
    target: Option<usize>,
}

impl<'t> Schema<'t> {
    fn of_field(table: &'t Table, field: &'t Field) -> Self {
        Self { table, field: Some(field), target: if field.shape == Shape::Object { field.target } else { None } }
    }

    /// The schema of a field; `None` where nothing is known of it.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
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
    pub(crate) fn items(&self) -> Option<Self> {
        let field = self.field.filter(|field| field.shape == Shape::List)?;
        Some(Self { table: self.table, field: None, target: field.target })
    }

    /// Whether a list is merged.
    pub(crate) fn merges(&self) -> bool {
        self.field.is_some_and(|field| field.merge)
    }

    /// The fields by which the items of a merged list are told apart; none for a list of scalars.
    pub(crate) fn keys(&self) -> &'t [EcoString] {
        self.field.map_or(&[], |field| &field.keys)
    }
}

impl Schemas {
    /// Only what is built in.
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the `openapi` field of a kustomization. The root's counts; one of a base only if there is none yet.
    pub(crate) fn set(&self, options: Option<&Texts>, custom: Option<&[u8]>, root: bool) -> KResult<()> {
        let mut state = self.state();
        if !root && (!state.version.is_empty() || state.custom.is_some()) {
            return Ok(());
        }
        let version = options.and_then(|options| options.get("version"));
        if let Some(text) = custom {
            if version.is_some() {
                return fail("builtin version and custom schema provided, cannot use both");
            }
            state.version = "custom".into();
            state.custom = Some(Arc::new(read_schema(text)?));
            state.ready = false;
            return Ok(());
        }
        state.version = version.cloned().unwrap_or_default();
        match state.version.as_str() {
            "" => {}
            VERSION => {
                state.custom = None;
                state.ready = false;
            }
            _ => return fail("the specified OpenAPI version is not built in"),
        }
        Ok(())
    }

    /// Whether a kind is known to live outside of namespaces.
    pub(crate) fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        known_scope(&gvk.group, &gvk.version, &gvk.kind).unwrap_or_else(|| self.reads_cluster_scope(gvk))
    }

    /// The same for texts of an object.
    pub(crate) fn is_cluster_scoped_kind(&self, api_version: &str, kind: &str) -> bool {
        let (group, version) = split_api_version(api_version);
        known_scope(group, version, kind).unwrap_or_else(|| self.reads_cluster_scope(&Gvk::new(api_version, kind)))
    }

    /// An identity, with the scope that is known of its kind.
    pub(crate) fn id(&self, gvk: Gvk, name: impl Into<EcoString>, namespace: impl Into<EcoString>) -> ResId {
        let cluster_scoped = self.is_cluster_scoped(&gvk);
        ResId { gvk, name: name.into(), namespace: namespace.into(), cluster_scoped }
    }

    fn reads_cluster_scope(&self, gvk: &Gvk) -> bool {
        let mut state = self.state();
        if !state.ready && state.custom.is_some() {
            state.prepare();
        } else if !state.ready && state.builtin == Builtin::Unread {
            state.builtin = Builtin::Wanted;
        }
        let Some(table) = state.table.as_ref().filter(|table| !table.namespaced.is_empty()) else { return false };
        table.namespaced.get(&(gvk.api_version(), gvk.kind.clone())) == Some(&false)
    }

    /// The types that are known now.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.state().prepare()
    }
}

fn known_scope(group: &str, version: &str, kind: &str) -> Option<bool> {
    scope(Release::V1_21, group, version, kind).map(|scope| scope == Scope::Cluster)
}

fn builtin() -> Arc<Table> {
    static BUILTIN: OnceLock<Arc<Table>> = OnceLock::new();
    Arc::clone(BUILTIN.get_or_init(|| Arc::new(Table::of_layers(&[Layer::Builtin]))))
}

impl Table {
    /// The schema of a kind.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let target = self.kinds.get(&(EcoString::from(api_version), EcoString::from(kind)))?;
        Some(Schema { table: self, field: None, target: Some(*target) })
    }

    fn of_layers(layers: &[Layer]) -> Self {
        let mut table = Self::default();
        // All names first: types of any layer may refer to those of any other.
        for layer in layers {
            match layer {
                Layer::Builtin => drop(table.places(builtin_names())),
                Layer::Custom(json) => drop(table.places(custom_names(json))),
            }
        }
        for layer in layers {
            match layer {
                Layer::Builtin => table.add_builtin(),
                Layer::Custom(json) => table.add_custom(json),
            }
        }
        table
    }

    /// The places of types by their names; a name that is there already keeps its place, so that who refers to it finds the new type.
    fn places<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Vec<usize> {
        names
            .map(|name| match self.names.get(name) {
                Some(at) => *at,
                None => {
                    self.types.push(Type::default());
                    self.names.insert(name.into(), self.types.len() - 1);
                    self.types.len() - 1
                }
            })
            .collect()
    }

    fn put(&mut self, at: usize, kind: Type) {
        if let Some(slot) = self.types.get_mut(at) {
            *slot = kind;
        }
    }

    fn add_builtin(&mut self) {
        let places = self.places(builtin_names());
        for ((_, fields), at) in merge::types().zip(places) {
            let fields = fields.map(|field| (field.name.into(), self.builtin_field(&field))).collect();
            self.put(at, Type { fields, others: None, open: true });
        }
        for (version, kind, name) in merge::kinds() {
            if let Some(at) = self.names.get(name) {
                self.kinds.insert((version.into(), kind.into()), *at);
            }
        }
        let (version, kind, lists, key) = KUSTOMIZATION;
        let field = Field { shape: Shape::List, target: None, merge: true, keys: vec![key.into()] };
        self.types.push(Type { fields: lists.map(|list| (list.into(), field.clone())).into(), others: None, open: true });
        self.kinds.insert((version.into(), kind.into()), self.types.len() - 1);
    }

    fn builtin_field(&self, field: &merge::Field<'_>) -> Field {
        let keys = field.keys.iter().flatten().map(|key| EcoString::from(*key)).collect();
        Field { shape: field.shape, target: self.names.get(field.target).copied(), merge: field.keys.is_some(), keys }
    }

    fn add_custom(&mut self, json: &Json) {
        if let Some(Json::Object(definitions)) = json.get("definitions") {
            let places = self.places(custom_names(json));
            for ((_, definition), at) in definitions.iter().zip(places) {
                let kind = self.read_type(definition, 0);
                self.put(at, kind);
                for key in kinds_of(definition.get("x-kubernetes-group-version-kind")) {
                    self.kinds.insert(key, at);
                }
            }
        }
        self.read_paths(json.get("paths"));
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

    fn read_type(&mut self, json: &Json, depth: usize) -> Type {
        let fields = match json.get("properties") {
            Some(Json::Object(properties)) => {
                properties.iter().map(|(name, field)| (name.clone(), self.read_field(field, depth))).collect()
            }
            _ => Vec::new(),
        };
        let others = json.get("additionalProperties").filter(|schema| matches!(schema, Json::Object(_)));
        Type { fields, others: others.map(|schema| Box::new(self.read_field(schema, depth))), open: false }
    }

    fn read_field(&mut self, json: &Json, depth: usize) -> Field {
        if let Some(Json::String(reference)) = json.get("$ref") {
            let target = reference.strip_prefix("#/definitions/").and_then(|name| self.names.get(short_name(name))).copied();
            return Field { target, ..Field::default() };
        }
        // Inline schemas become types without a name; deeper ones than anybody writes are not followed.
        if depth > 64 {
            return Field::default();
        }
        let is_list = json.get("type") == Some(&Json::String("array".into()));
        let inner = if is_list { json.get("items").map(|items| self.read_field(items, depth + 1)) } else { None };
        let target = match inner {
            Some(items) => items.target,
            None => {
                let kind = self.read_type(json, depth + 1);
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

fn builtin_names() -> impl Iterator<Item = &'static str> {
    merge::types().map(|(name, _)| name)
}

fn custom_names(schema: &Json) -> impl Iterator<Item = &str> {
    let definitions = match schema.get("definitions") {
        Some(Json::Object(definitions)) => definitions.as_slice(),
        _ => &[],
    };
    definitions.iter().map(|(name, _)| short_name(name))
}

/// Reads an OpenAPI document (`swagger: "2.0"`), in JSON or YAML.
fn read_schema(text: &[u8]) -> KResult<Json> {
    match first_document(text)? {
        Some(node) => Json::from_node(&node),
        None => Ok(Json::Null),
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

#[cfg(test)]
mod tests {
    use super::Schemas;

    #[test]
    fn merged_lists_are_found() {
        let schemas = Schemas::new();
        let tables = schemas.table();
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
