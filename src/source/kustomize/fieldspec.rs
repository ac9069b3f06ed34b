//! Applying a change to the fields that field specifications name.
//!
//! Follows `api/filters/{fieldspec,fsslice}` of kustomize 5.8.1.

use super::errors::{Fail, FailKind, KResult, fail};
use super::ids::{Gvk, ResId, split_api_version};
use super::kustomization::FieldSpec;
use super::paths;
use super::tree::{self, Kind};
use crate::yaml::node::{Data, Node, Tag};

/// What to make where a field is missing or `null`.
#[derive(Debug, Clone)]
pub struct Create {
    /// The kind of node.
    pub kind: Kind,
    /// The tag that a `null` gets.
    pub tag: Tag,
}

impl Create {
    /// A mapping.
    pub fn mapping() -> Self {
        Self { kind: Kind::Mapping, tag: Tag::Map }
    }

    /// A scalar of a tag.
    pub fn scalar(tag: Tag) -> Self {
        Self { kind: Kind::Scalar, tag }
    }
}

/// Changes the field that is found.
pub type Setter<'s> = &'s mut dyn FnMut(&mut Node) -> KResult<()>;

/// Applies a change to the fields of all specifications.
pub fn apply_all(object: &mut Node, specs: &[FieldSpec], create: Option<&Create>, set: Setter<'_>) -> KResult<()> {
    specs.iter().try_for_each(|spec| apply(object, spec, create, set))
}

/// Applies a change to the fields of one specification, if it is about this kind of object.
pub fn apply(object: &mut Node, spec: &FieldSpec, create: Option<&Create>, set: Setter<'_>) -> KResult<()> {
    if !is_about(object, spec) {
        return Ok(());
    }
    let parts = paths::split(&spec.path, '/');
    let walk = Walk { create: create.filter(|_| spec.create) };
    walk.go(object, &parts, set).map_err(|error| explain(error, object, &spec.path))
}

/// Applies a change to the fields at a path that has been split already; nothing is created.
pub fn apply_path(object: &mut Node, path: &str, parts: &[String], set: Setter<'_>) -> KResult<()> {
    Walk { create: None }.go(object, parts, set).map_err(|error| explain(error, object, path))
}

fn explain(error: Fail, object: &Node, path: &str) -> Fail {
    let id = ResId {
        gvk: Gvk::new(tree::top_text(object, "apiVersion"), tree::top_text(object, "kind")),
        name: tree::meta_text(object, "name").into(),
        namespace: tree::meta_text(object, "namespace").into(),
        cluster_scoped: false,
    };
    error.wrap(format!("considering field '{path}' of object {id}"))
}

fn is_about(object: &Node, spec: &FieldSpec) -> bool {
    let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
    if !fits(&spec.gvk.kind, tree::top_text(object, "kind")) {
        return false;
    }
    let (group, version) = split_api_version(tree::top_text(object, "apiVersion"));
    fits(&spec.gvk.group, group) && fits(&spec.gvk.version, version)
}

struct Walk<'c> {
    create: Option<&'c Create>,
}

impl Walk<'_> {
    fn go(&self, node: &mut Node, path: &[String], set: Setter<'_>) -> KResult<()> {
        let Some((first, rest)) = path.split_first() else { return set(node) };
        if tree::is_null(node) {
            return Ok(());
        }
        match &mut node.data {
            Data::Mapping(_) => self.descend(node, first, rest, set),
            Data::Sequence(items) => {
                let visit = items.iter_mut().try_for_each(|item| self.go(item, path, set));
                visit.map_err(|error| error.wrap(format!("visit traversal on path: [{}]", path.join(" "))))
            }
            Data::Scalar(_) | Data::Alias(_) => Err(Fail::of(FailKind::Other, "expected sequence or mapping node")),
        }
    }

    fn descend(&self, node: &mut Node, part: &str, rest: &[String], set: Setter<'_>) -> KResult<()> {
        let (name, is_sequence) = match part.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (part, false),
        };
        if name.is_empty() {
            return fail("cannot set or create an empty field name");
        }
        let (made, becomes) = match self.create {
            _ if is_sequence => (None, Some((Kind::Sequence, Tag::Seq))),
            None => (None, None),
            Some(create) if rest.is_empty() => (Some(create.kind), Some((create.kind, create.tag.clone()))),
            Some(_) => (Some(Kind::Mapping), Some((Kind::Mapping, Tag::Map))),
        };
        let found = match made {
            Some(kind) => tree::lookup_create(node, &[name], kind),
            None => tree::lookup_mut(node, &[name]),
        };
        let Some(field) = found.map_err(|error| error.wrap(format!("fieldName: {name}")))? else { return Ok(()) };
        if let (true, Some((kind, tag))) = (tree::is_null(field), becomes) {
            match kind {
                Kind::Scalar => field.tag = tag,
                kind => *field = tree::empty(kind),
            }
        }
        self.go(field, rest, set)
    }
}
