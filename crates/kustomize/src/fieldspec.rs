//! Applying a change to the fields that field specifications name.
//!
//! Follows `api/filters/{fieldspec,fsslice}` of kustomize 5.8.1.

use super::errors::{Fail, FailKind, KResult, fail};
use super::ids::{Gvk, ResId, split_api_version};
use super::kustomization::FieldSpec;
use super::paths;
use super::shared;
use super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node, Tag};

/// What to make where a field is missing or `null`.
#[derive(Debug, Clone)]
pub(crate) struct Create {
    /// The kind of node.
    pub kind: NodeKind,
    /// The tag that a `null` gets.
    pub tag: Tag,
}

impl Create {
    /// A mapping.
    pub(crate) fn mapping() -> Self {
        Self { kind: NodeKind::Mapping, tag: Tag::Map }
    }

    /// A scalar of a tag.
    pub(crate) fn scalar(tag: Tag) -> Self {
        Self { kind: NodeKind::Scalar, tag }
    }
}

/// Changes the field that is found.
pub(crate) type Setter<'s> = &'s mut dyn FnMut(&mut Node) -> KResult<()>;

/// A part of the path of a field.
#[derive(Debug)]
pub(crate) struct PathSegment {
    /// As it is written.
    text: String,
    /// Without the `[]` that makes it a list.
    name: String,
    is_list: bool,
    /// Whether the name is that of a field, as it stands.
    is_field: bool,
}

/// Takes a path apart.
pub(crate) fn parts(path: &str) -> Vec<PathSegment> {
    let part = |text: String| {
        let name = text.strip_suffix("[]").unwrap_or(&text).to_owned();
        PathSegment { is_list: name.len() != text.len(), is_field: tree::is_field(&name), name, text }
    };
    paths::split(path, '/').into_iter().map(part).collect()
}

/// A specification and its path.
pub(crate) type Field<'s> = (&'s FieldSpec, Vec<PathSegment>);

/// Field specifications made ready for many objects: paths taken apart once.
#[derive(Debug)]
pub(crate) struct Fields<'s>(Vec<Field<'s>>);

impl<'s> Fields<'s> {
    /// Takes the paths apart.
    pub(crate) fn new(specs: &'s [FieldSpec]) -> Self {
        Self(specs.iter().map(|spec| (spec, parts(&spec.path))).collect())
    }

    /// The specifications that are about an object, which does not change its kind meanwhile.
    pub(crate) fn about(&self, object: &Node) -> Vec<&Field<'s>> {
        let kind = tree::top_text(object, "kind");
        let (group, version) = split_api_version(tree::top_text(object, "apiVersion"));
        self.0.iter().filter(|(spec, _)| names(spec, kind, group, version)).collect()
    }

    /// Applies a change to the fields of all specifications.
    pub(crate) fn apply(&self, object: &mut Node, create: Option<&Create>, set: Setter<'_>) -> KResult<()> {
        self.about(object).into_iter().try_for_each(|field| apply_field(object, field, create, set))
    }
}

/// Applies a change to the fields of a specification that is known to be about the object.
pub(crate) fn apply_field(object: &mut Node, (spec, parts): &Field<'_>, create: Option<&Create>, set: Setter<'_>) -> KResult<()> {
    let walk = Walk { create: create.filter(|_| spec.create) };
    let done = walk.go(object, parts, set);
    shared::write_back(object);
    done.map_err(|error| explain(error, object, &spec.path))
}

/// Applies a change to the fields of one specification, if it is about this kind of object.
pub(crate) fn apply(object: &mut Node, spec: &FieldSpec, create: Option<&Create>, set: Setter<'_>) -> KResult<()> {
    if !is_about(object, spec) {
        return Ok(());
    }
    apply_field(object, &(spec, parts(&spec.path)), create, set)
}

/// Applies a change to the fields at a path that has been split already; nothing is created.
pub(crate) fn apply_path(object: &mut Node, path: &str, parts: &[PathSegment], set: Setter<'_>) -> KResult<()> {
    let done = Walk { create: None }.go(object, parts, set);
    shared::write_back(object);
    done.map_err(|error| explain(error, object, path))
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
    let (group, version) = split_api_version(tree::top_text(object, "apiVersion"));
    names(spec, tree::top_text(object, "kind"), group, version)
}

fn names(spec: &FieldSpec, kind: &str, group: &str, version: &str) -> bool {
    let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
    fits(&spec.gvk.kind, kind) && fits(&spec.gvk.group, group) && fits(&spec.gvk.version, version)
}

struct Walk<'c> {
    create: Option<&'c Create>,
}

impl Walk<'_> {
    fn go(&self, node: &mut Node, path: &[PathSegment], set: Setter<'_>) -> KResult<()> {
        let Some((first, rest)) = path.split_first() else {
            shared::refresh(node);
            return set(node);
        };
        if tree::is_null(node) {
            return Ok(());
        }
        match &mut node.data {
            Data::Mapping(_) => self.descend(node, first, rest, set),
            Data::Sequence(items) => {
                let visit = items.iter_mut().try_for_each(|item| self.go(item, path, set));
                visit.map_err(|error| {
                    let path: Vec<&str> = path.iter().map(|part| part.text.as_str()).collect();
                    error.wrap(format!("visit traversal on path: [{}]", path.join(" ")))
                })
            }
            Data::Scalar(_) | Data::Alias(_) => Err(Fail::of(FailKind::Other, "expected sequence or mapping node")),
        }
    }

    fn descend(&self, node: &mut Node, part: &PathSegment, rest: &[PathSegment], set: Setter<'_>) -> KResult<()> {
        let name = part.name.as_str();
        if name.is_empty() {
            return fail("cannot set or create an empty field name");
        }
        let (made, becomes) = match self.create {
            _ if part.is_list => (None, Some((NodeKind::Sequence, Tag::Seq))),
            None => (None, None),
            Some(create) if rest.is_empty() => (Some(create.kind), Some((create.kind, create.tag))),
            Some(_) => (Some(NodeKind::Mapping), Some((NodeKind::Mapping, Tag::Map))),
        };
        let found = match made {
            _ if part.is_field => tree::field_mut(node, name, made),
            Some(kind) => tree::lookup_create(node, &[name], kind),
            None => tree::lookup_mut(node, &[name]),
        };
        let Some(field) = found.map_err(|error| error.wrap(format!("fieldName: {name}")))? else { return Ok(()) };
        if let (true, Some((kind, tag))) = (tree::is_null(field), becomes) {
            match kind {
                NodeKind::Scalar => field.tag = tag,
                kind => *field = tree::empty(kind),
            }
        }
        self.go(field, rest, set)
    }
}
