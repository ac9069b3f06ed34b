//! The objects of a kustomization in their order, with the rules for adding, merging and finding them.
//!
//! Follows `api/resmap/reswrangler.go` of kustomize 5.8.1.

#[expect(clippy::disallowed_types, reason = "identities are only looked up")]
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

use ecow::EcoString;

use super::errors::{Fail, KResult, fail};
use super::ids::{DEFAULT_NAMESPACE, NOT_A_NAMESPACE, ResId};
use super::kustomization::Selector;
use super::openapi::Schemas;
use super::parallel;
use super::resource::{Behavior, ORIGIN, Resource};
use super::selector::SelectorRegex;
use super::tree;
use hydrate_base::suggest::nearest;

/// What makes two identities the same one. It shares the texts of the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// The hash of all the rest, made where the key is made: that is done by many processors.
    hash: u64,
    api_version: EcoString,
    kind: EcoString,
    name: EcoString,
    /// None for what lives outside of namespaces.
    namespace: Option<EcoString>,
}

impl Key {
    /// The key of an object's identity.
    pub(crate) fn of(res: &Resource, schemas: &Schemas) -> Self {
        let (mut api_version, kind) = (tree::top_shared(&res.node, "apiVersion"), tree::top_shared(&res.node, "kind"));
        let namespace = match tree::meta_shared(&res.node, "namespace") {
            _ if schemas.is_cluster_scoped_kind(&api_version, &kind) => None,
            namespace if namespace == NOT_A_NAMESPACE => None,
            namespace if namespace.is_empty() => Some(DEFAULT_NAMESPACE.into()),
            namespace => Some(namespace),
        };
        // A slash without a group before it says nothing.
        if let Some(version) = api_version.strip_prefix('/').filter(|version| !version.contains('/')) {
            api_version = version.into();
        }
        static RANDOM: OnceLock<RandomState> = OnceLock::new();
        let name = tree::meta_shared(&res.node, "name");
        let hash = RANDOM.get_or_init(RandomState::new).hash_one((&api_version, &kind, &name, &namespace));
        Self { hash, api_version, kind, name, namespace }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Objects in order.
#[derive(Debug, Clone)]
pub(crate) struct ResMap {
    list: Vec<Resource>,
    schemas: Arc<Schemas>,
    /// The identities of `list`, kept while objects are only added.
    #[expect(clippy::disallowed_types, reason = "identities are only looked up")]
    keys: Option<HashSet<Key>>,
}

impl ResMap {
    /// No objects yet.
    pub(crate) fn new(schemas: Arc<Schemas>) -> Self {
        Self { list: Vec::new(), schemas, keys: None }
    }

    /// Objects as a map; fails if an identity repeats.
    pub(crate) fn from_list(schemas: &Arc<Schemas>, list: Vec<Resource>) -> KResult<Self> {
        let mut map = Self::new(Arc::clone(schemas));
        map.keys = Some(Default::default());
        map.append_all(list)?;
        Ok(map)
    }

    /// What is known of types.
    pub(crate) fn schemas(&self) -> &Arc<Schemas> {
        &self.schemas
    }

    /// The objects.
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// The objects, to change them.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.keys = None;
        &mut self.list
    }

    /// The objects, to change nothing of what makes their identities.
    pub(crate) fn same_list_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    /// Takes all objects out.
    pub(crate) fn take(&mut self) -> Vec<Resource> {
        self.keys = None;
        std::mem::take(&mut self.list)
    }

    /// Drops objects that patches deleted.
    pub(crate) fn drop_empties(&mut self) {
        self.list_mut().retain(|res| !res.is_gone());
    }

    /// Adds an object; fails if its identity is there already.
    pub(crate) fn append(&mut self, res: Resource) -> KResult<()> {
        let key = Key::of(&res, &self.schemas);
        self.append_as(res, key)
    }

    fn append_as(&mut self, res: Resource, key: Key) -> KResult<()> {
        let (schemas, list) = (&self.schemas, &self.list);
        let keys = self.keys.get_or_insert_with(|| parallel::map(list, |res| Key::of(res, schemas)).into_iter().collect());
        if !keys.insert(key) {
            return fail(format!("may not add resource with an already registered id: {}", res.cur_id(schemas)));
        }
        self.list.push(res);
        Ok(())
    }

    /// Adds objects; fails if an identity is there already.
    pub(crate) fn append_all(&mut self, list: Vec<Resource>) -> KResult<()> {
        let keys = parallel::map(&list, |res| Key::of(res, &self.schemas));
        self.list.reserve(list.len());
        list.into_iter().zip(keys).try_for_each(|(res, key)| self.append_as(res, key))
    }

    /// Adds the objects of another map; fails if an identity is there already.
    pub(crate) fn append_map(&mut self, mut other: Self) -> KResult<()> {
        if self.list.is_empty() && other.keys.is_some() {
            // They have been compared with one another.
            (self.list, self.keys) = (std::mem::take(&mut other.list), other.keys.take());
            return Ok(());
        }
        self.append_all(other.take())
    }

    /// Adds generated objects as their behaviours say.
    pub(crate) fn absorb_all(&mut self, list: Vec<Resource>) -> KResult<()> {
        list.into_iter().try_for_each(|res| self.absorb(res))
    }

    fn absorb(&mut self, mut res: Resource) -> KResult<()> {
        let id = res.cur_id(&self.schemas);
        let behavior = res.behavior();
        match self.find_any(|other| id.same(other))?.as_slice() {
            [] if matches!(behavior, Behavior::Merge | Behavior::Replace) => {
                let ids: Vec<_> = self.list.iter().map(|res| res.name().to_owned()).collect();
                let near = nearest(&id.name, ids.iter().map(String::as_str), 3);
                let error = Fail::new(format!("id {} does not exist; cannot merge or replace", go_id(&id)));
                Err(if near.is_empty() { error } else { error.help(format!("objects of similar names: {}", near.join(", "))) })
            }
            [] => self.append(res),
            [at] => {
                let old = self.list.get(*at).ok_or_else(|| Fail::new("indexing problem"))?;
                match behavior {
                    Behavior::Replace => res.take_metadata(old)?,
                    Behavior::Merge => {
                        let origin = old.annotation(ORIGIN).map(str::to_owned);
                        res.take_metadata(old)?;
                        res.merge_data(old)?;
                        if let Some(origin) = origin {
                            res.annotate(ORIGIN, &origin);
                        }
                    }
                    Behavior::Create | Behavior::Unspecified => {
                        return fail(format!(
                            "id {} exists; can not use behavior: '{}', behavior must be merge or replace",
                            go_id(&id),
                            behavior.name()
                        ));
                    }
                }
                self.replace(*at, res)
            }
            many => fail(format!("found multiple objects {many:?} that could accept merge of {id}")),
        }
    }

    fn replace(&mut self, at: usize, res: Resource) -> KResult<()> {
        let id = res.cur_id(&self.schemas);
        let same: Vec<_> = self.find_current(|other| id.same(other));
        if same.len() > 1 {
            return fail(format!("in Replace: id matched {} resources", same.len()));
        }
        match same.first() {
            None => fail(format!("cannot find resource with id {id} to replace")),
            Some(found) if *found != at => fail("unexpected target index in replacement"),
            Some(_) => {
                if let Some(slot) = self.list_mut().get_mut(at) {
                    *slot = res;
                }
                Ok(())
            }
        }
    }

    /// The indices of objects whose current identity matches.
    pub(crate) fn find_current(&self, matches: impl Fn(&ResId) -> bool) -> Vec<usize> {
        let found = self.list.iter().enumerate().filter(|(_, res)| matches(&res.cur_id(&self.schemas)));
        found.map(|(at, _)| at).collect()
    }

    /// The indices of objects whose current identity, or an earlier one, matches.
    pub(crate) fn find_any(&self, matches: impl Fn(&ResId) -> bool) -> KResult<Vec<usize>> {
        let mut found = Vec::new();
        for (at, res) in self.list.iter().enumerate() {
            if !res.is_gone() && res.all_ids(&self.schemas)?.iter().any(&matches) {
                found.push(at);
            }
        }
        Ok(found)
    }

    /// The one object that has, or had, an identity: the target of a patch.
    pub(crate) fn find_target(&self, id: &ResId) -> KResult<usize> {
        let found = self.find_any(|other| id.same(other))?;
        let problem = match found.as_slice() {
            [at] => return Ok(*at),
            [] => "no matches for",
            _ => "multiple matches for",
        };
        let error = Fail::new(format!("{problem} Id {id}; failed to find unique target for patch {id}"));
        Err(if found.is_empty() { self.add_candidates(error, id) } else { error })
    }

    /// Adds the identities nearest to one that was not found.
    pub(crate) fn add_candidates(&self, error: Fail, id: &ResId) -> Fail {
        let ids: Vec<_> = self.list.iter().map(|res| res.cur_id(&self.schemas)).collect();
        let same_kind = ids.iter().filter(|other| other.gvk.kind == id.gvk.kind);
        let mut near: Vec<String> = same_kind.filter(|other| other.name == id.name).map(ToString::to_string).collect();
        if near.is_empty() {
            let names = ids.iter().filter(|other| other.gvk.kind == id.gvk.kind).map(|other| other.name.as_str());
            let names = nearest(&id.name, names, 3);
            near = ids
                .iter()
                .filter(|other| other.gvk.kind == id.gvk.kind && names.contains(&other.name.as_str()))
                .map(ToString::to_string)
                .collect();
        }
        if near.is_empty() {
            near = ids.iter().filter(|other| other.name == id.name).map(ToString::to_string).collect();
        }
        if near.is_empty() {
            near = ids.iter().filter(|other| other.gvk.kind == id.gvk.kind).map(ToString::to_string).collect();
        }
        near.truncate(3);
        if near.is_empty() { error } else { error.help(format!("nearest objects: {}", near.join(", "))) }
    }

    /// The indices of the objects that a selector selects.
    pub(crate) fn select(&self, selector: &Selector) -> KResult<Vec<usize>> {
        let regex = SelectorRegex::new(selector)?;
        let mut found = Vec::new();
        for (at, res) in self.list.iter().enumerate() {
            let current = res.cur_id(&self.schemas);
            let original = res.org_id(&self.schemas)?;
            let fits = (regex.namespace_matches(original.effective_namespace()) || regex.namespace_matches(current.effective_namespace()))
                && (regex.name_matches(&original.name) || regex.name_matches(&current.name))
                && regex.gvk_matches(&current.gvk)
                && regex.labels_match(res)?
                && regex.annotations_match(res)?;
            if fits {
                found.push(at);
            }
        }
        Ok(found)
    }
}

/// An identity as Go prints the struct (`%#v`).
fn go_id(id: &ResId) -> String {
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group.as_str(),
        id.gvk.version.as_str(),
        id.gvk.kind.as_str(),
        id.cluster_scoped,
        id.name.as_str(),
        id.namespace.as_str()
    )
}
