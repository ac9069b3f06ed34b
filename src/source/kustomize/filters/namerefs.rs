//! References by name: where an object was renamed, those that refer to it follow.
//!
//! Follows `api/filters/nameref` and `api/internal/accumulator/namereferencetransformer.go` of kustomize 5.8.1. Names of objects do
//! not change while references are fixed, so who has, and had, which name is looked up in an index.

use std::collections::{BTreeMap, BTreeSet};

use super::super::config::NameReference;
use super::super::errors::{Fail, KResult, fail};
use super::super::fieldspec;
use super::super::ids::{Gvk, NOT_A_NAMESPACE, ResId};
use super::super::openapi::Schemas;
use super::super::paths;
use super::super::resmap::ResMap;
use super::super::resource::{Context, Resource};
use super::super::tree::{self, Kind};
use crate::yaml::node::{Data, Node};

/// Fixes the references in all objects.
pub fn apply(map: &mut ResMap, references: &[NameReference]) -> KResult<()> {
    let schemas = std::rc::Rc::clone(map.schemas());
    let fields = fields(references);
    let index = Index::new(map.list(), &schemas)?;
    let mut by_kind: BTreeMap<&Gvk, Vec<&Reference>> = BTreeMap::new();
    for (at, res) in map.list_mut().iter_mut().enumerate() {
        let Some(own) = index.entries.get(at) else { continue };
        let gvk = &own.original.gvk;
        let own_fields = by_kind.entry(gvk).or_insert_with(|| fields.iter().filter(|field| gvk.is_selected(&field.referrer)).collect());
        if own_fields.is_empty() {
            continue;
        }
        let referrer = Referrer::new(&index, at, res)?;
        own_fields.iter().try_for_each(|field| referrer.fix(&mut res.node, field))?;
    }
    Ok(())
}

/// A field of a kind that names an object of another.
struct Reference {
    target: Gvk,
    referrer: Gvk,
    path: String,
    parts: Vec<String>,
}

fn fields(references: &[NameReference]) -> Vec<Reference> {
    let of = |reference: &NameReference| {
        let target = reference.gvk.gvk();
        let field = |spec: &super::super::kustomization::FieldSpec| Reference {
            target: target.clone(),
            referrer: spec.gvk.gvk(),
            path: spec.path.to_string(),
            parts: paths::split(&spec.path, '/'),
        };
        reference.referrers.iter().map(field).collect::<Vec<_>>()
    };
    references.iter().flat_map(of).collect()
}

struct Entry {
    current: ResId,
    original: ResId,
    previous: Vec<ResId>,
    /// `metadata.namespace` as it is written.
    namespace: String,
    context: Context,
}

struct Index {
    entries: Vec<Entry>,
    by_previous_name: BTreeMap<String, Vec<usize>>,
    original_namespaces: BTreeMap<String, BTreeSet<usize>>,
}

impl Index {
    fn new(list: &[Resource], schemas: &Schemas) -> KResult<Self> {
        let mut index =
            Self { entries: Vec::with_capacity(list.len()), by_previous_name: BTreeMap::new(), original_namespaces: BTreeMap::new() };
        for (at, res) in list.iter().enumerate() {
            let previous = res.previous_ids(schemas)?;
            let current = res.cur_id(schemas);
            let original = previous.first().unwrap_or(&current).clone();
            let names: BTreeSet<&str> = previous.iter().map(|id| id.name.as_str()).collect();
            for name in names {
                index.by_previous_name.entry(name.to_owned()).or_default().push(at);
            }
            match index.original_namespaces.get_mut(original.effective_namespace()) {
                Some(known) => drop(known.insert(at)),
                None => drop(index.original_namespaces.insert(original.effective_namespace().to_owned(), BTreeSet::from([at]))),
            }
            let namespace = res.namespace().to_owned();
            index.entries.push(Entry { current, original, previous, namespace, context: res.context() });
        }
        Ok(index)
    }
}

struct Referrer<'i> {
    index: &'i Index,
    own: &'i Entry,
    /// Namespaces of service accounts that a role binding names.
    subjects: BTreeSet<String>,
    /// Group and kind of the role that a binding names.
    role: Option<Gvk>,
}

impl<'i> Referrer<'i> {
    fn new(index: &'i Index, at: usize, res: &Resource) -> KResult<Self> {
        let own = index.entries.get(at).ok_or_else(|| Fail::new("indexing problem"))?;
        Ok(Self { index, own, subjects: subject_namespaces(res, own)?, role: role(&res.node) })
    }

    fn fix(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let mut set = |node: &mut Node| self.set(node, field);
        let fixed = fieldspec::apply_path(node, &field.path, &field.parts, &mut set);
        fixed.map_err(|error| error.wrap(format!("updating name reference in '{}' field of '{}'", field.path, self.own.current)))
    }

    fn set(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        if tree::is_null(node) {
            return Ok(());
        }
        match &mut node.data {
            Data::Mapping(_) => self.set_mapping(node, field),
            Data::Sequence(items) => {
                for item in items.iter_mut().filter(|item| !tree::is_null(item)) {
                    match tree::kind(item) {
                        Kind::Scalar => self.set_scalar(item, field)?,
                        Kind::Mapping => self.set_mapping(item, field)?,
                        Kind::Sequence => return fail("a list is expected to be either a string or a map of string"),
                    }
                }
                Ok(())
            }
            _ => self.set_scalar(node, field),
        }
    }

    fn set_scalar(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let name = tree::raw_text(node);
        let same = |a: &Entry, b: &Entry| a.current.name == b.current.name;
        match self.select(name, field, None, same)? {
            Some(found) if found.current.name != name && !found.current.name.is_empty() => {
                tree::set_scalar(node, &found.current.name, tree::untagged())
            }
            _ => Ok(()),
        }
    }

    fn set_mapping(&self, node: &mut Node, field: &Reference) -> KResult<()> {
        let Some(name) = tree::get(node, "name")? else { return fail("path config error; no 'name' field in node") };
        let namespace = node.get("namespace").map(tree::raw_text);
        let same = |a: &Entry, b: &Entry| a.current.name == b.current.name && a.namespace == b.namespace;
        let Some(found) = self.select(tree::raw_text(name), field, namespace, same)? else { return Ok(()) };
        if found.current.name == tree::raw_text(name) && found.namespace.is_empty() {
            return Ok(());
        }
        tree::set_field(node, "name", tree::bare(found.current.name.clone()))?;
        if found.namespace.is_empty() { Ok(()) } else { tree::set_field(node, "namespace", tree::bare(found.namespace.clone())) }
    }

    /// The object that a name means, if any was called so.
    fn select(
        &self,
        name: &str,
        field: &Reference,
        namespace: Option<&str>,
        same: impl Fn(&Entry, &Entry) -> bool,
    ) -> KResult<Option<&'i Entry>> {
        let Some(called) = self.index.by_previous_name.get(name) else { return Ok(None) };
        let entries = called.iter().filter_map(|at| Some((*at, self.index.entries.get(*at)?)));
        let role = self.role.as_ref().filter(|_| field.path.ends_with("roleRef/name"));
        let mut found: Vec<&Entry> = entries
            .filter(|(at, entry)| self.may_refer_to(entry) && namespace.is_none_or(|namespace| self.is_in(*at, entry, namespace)))
            .map(|(_, entry)| entry)
            .filter(|entry| entry.previous.iter().any(|id| id.gvk.is_selected(&field.target)))
            .filter(|entry| role.is_none_or(|role| entry.previous.iter().any(|id| id.gvk.is_selected(role))))
            .filter(|entry| self.is_near(entry))
            .collect();
        if found.len() > 1 || found.is_empty() {
            found.retain(|entry| entry.context.goes_with(&self.own.context, true));
        }
        if found.len() > 1 {
            found.retain(|entry| entry.context.goes_with(&self.own.context, false));
        }
        match found.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|entry| same(first, entry)) => Ok(Some(first)),
            many => {
                let ids: Vec<_> = many.iter().map(|entry| entry.current.to_string()).collect();
                fail(format!("found multiple possible referrals: {}", ids.join(", ")))
            }
        }
    }

    fn may_refer_to(&self, entry: &Entry) -> bool {
        self.own.current.cluster_scoped
            || entry.current.cluster_scoped
            || entry.current.same_namespace(&self.own.current)
            || self.subjects.contains(&entry.namespace)
    }

    /// Whether an object was, or if none was, is in the namespace that a reference names.
    fn is_in(&self, at: usize, entry: &Entry, namespace: &str) -> bool {
        if namespace == NOT_A_NAMESPACE {
            return false;
        }
        let known = self.index.original_namespaces.get(namespace);
        let was_there =
            known.is_some_and(|known| known.iter().any(|at| self.index.entries.get(*at).is_some_and(|entry| self.may_refer_to(entry))));
        match known.filter(|_| was_there) {
            Some(known) => known.contains(&at),
            None => entry.current.effective_namespace() == namespace,
        }
    }

    fn is_near(&self, entry: &Entry) -> bool {
        self.own.current.cluster_scoped
            || entry.current.cluster_scoped
            || entry.current.gvk.kind == "ServiceAccount"
            || self.own.current.same_namespace(&entry.current)
    }
}

fn subject_namespaces(res: &Resource, own: &Entry) -> KResult<BTreeSet<String>> {
    let mut namespaces = BTreeSet::new();
    if res.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    for subject in res.node.get("subjects").and_then(Node::items).unwrap_or_default() {
        let Some(namespace) = subject.get("namespace") else { continue };
        if subject.get("kind").map(tree::raw_text) != Some("ServiceAccount") {
            continue;
        }
        match super::super::scalar::typed(namespace) {
            Ok(super::super::scalar::Typed::Str(namespace)) => drop(namespaces.insert(namespace.to_string())),
            _ => return fail(format!("Invalid Input: namespace is blank for resource {:?}\n", own.current.to_string())),
        }
    }
    Ok(namespaces)
}

fn role(node: &Node) -> Option<Gvk> {
    let role = node.get("roleRef")?;
    let (group, kind) = (role.get("apiGroup")?, role.get("kind")?);
    Some(Gvk { group: tree::raw_text(group).into(), version: "".into(), kind: tree::raw_text(kind).into() })
}
