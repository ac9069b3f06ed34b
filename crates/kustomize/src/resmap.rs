//! The objects of a kustomization in their order, with the rules for adding, merging and finding them.
//!
//! Follows `api/resmap/reswrangler.go` of kustomize 5.8.1.

#[expect(clippy::disallowed_types, reason = "identities are only looked up")]
use std::collections::HashSet;
use std::collections::{BTreeMap, BTreeSet};
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
    /// The identities of `list`, those of `loose` left out; kept while objects are added, or changed one at a time.
    #[expect(clippy::disallowed_types, reason = "identities are only looked up")]
    keys: Option<HashSet<Key>>,
    /// The indices of what may have another identity by now.
    loose: BTreeSet<usize>,
    /// Where objects are by their names, once somebody has asked.
    names: Option<Names>,
}

/// Where objects are by the names that they have and had. What is found here may have had the name only here, so it is looked at again.
#[derive(Debug, Clone, Default)]
struct Names {
    /// The number of each object of the list: they only go up, so a number stays where others are removed.
    numbers: Vec<u32>,
    next: u32,
    by_name: BTreeMap<EcoString, BTreeSet<u32>>,
    /// Those whose history cannot be read: whoever looks for one has to hear of that.
    broken: BTreeSet<u32>,
    /// The indices of what may have other names by now.
    changed: Vec<usize>,
}

impl Names {
    fn of(list: &[Resource]) -> Self {
        let mut names = Self::default();
        list.iter().for_each(|res| names.push(res));
        names
    }

    fn push(&mut self, res: &Resource) {
        self.numbers.push(self.next);
        self.note(self.next, res);
        self.next += 1;
    }

    fn note(&mut self, number: u32, res: &Resource) {
        let Some(names) = res.names() else {
            self.broken.insert(number);
            return;
        };
        for name in names {
            match self.by_name.get_mut(name) {
                Some(numbers) => {
                    numbers.insert(number);
                }
                None => {
                    self.by_name.insert(name.into(), BTreeSet::from([number]));
                }
            }
        }
    }

    fn settle(&mut self, list: &[Resource]) {
        for at in std::mem::take(&mut self.changed) {
            if let (Some(number), Some(res)) = (self.numbers.get(at).copied(), list.get(at)) {
                self.note(number, res);
            }
        }
    }

    /// The indices of what may have a name, in order.
    fn find(&self, name: &str) -> Vec<usize> {
        let numbers = self.by_name.get(name).into_iter().flatten().chain(&self.broken);
        let mut found: Vec<usize> = numbers.filter_map(|number| self.numbers.binary_search(number).ok()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl ResMap {
    /// No objects yet.
    pub(crate) fn new(schemas: Arc<Schemas>) -> Self {
        Self { list: Vec::new(), schemas, keys: None, loose: BTreeSet::new(), names: None }
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
        self.forget();
        &mut self.list
    }

    /// One object, of which anything may be changed.
    pub(crate) fn one_mut(&mut self, at: usize) -> Option<&mut Resource> {
        if at >= self.list.len() {
            return None;
        }
        if let Some(names) = &mut self.names {
            names.changed.push(at);
        }
        if let Some(keys) = self.keys.as_mut().filter(|_| !self.loose.contains(&at)) {
            let is_whole = keys.len() + self.loose.len() == self.list.len();
            let res = self.list.get_mut(at)?;
            if !is_whole || !keys.remove(&Key::of(res, &self.schemas)) {
                self.keys = None;
                self.loose.clear();
            } else {
                self.loose.insert(at);
            }
        }
        self.list.get_mut(at)
    }

    fn forget(&mut self) {
        (self.keys, self.names) = (None, None);
        self.loose.clear();
    }

    /// Brings the identities up to what changed; forgets them where two are the same.
    fn settle(&mut self) {
        let Some(keys) = &mut self.keys else { return };
        let changed = std::mem::take(&mut self.loose);
        let mut changed = changed.into_iter().filter_map(|at| self.list.get(at)).filter(|res| !res.is_gone());
        if !changed.all(|res| keys.insert(Key::of(res, &self.schemas))) {
            self.keys = None;
        }
    }

    /// The indices of what has, or had, a name, in order; and of what cannot say which names it had.
    pub(crate) fn named(&mut self, name: &str) -> Vec<usize> {
        let names = self.names.get_or_insert_with(|| Names::of(&self.list));
        names.settle(&self.list);
        names.find(name)
    }

    /// Fails if two objects have one identity, as adding all of them to a new map would; drops what is gone.
    pub(crate) fn check(&mut self) -> KResult<()> {
        self.drop_empties();
        self.settle();
        if self.keys.as_ref().is_none_or(|keys| keys.len() != self.list.len()) {
            let list = self.take();
            self.keys = Some(Default::default());
            self.append_all(list)?;
        }
        Ok(())
    }

    /// The objects, of which nothing may be changed that identifies them.
    pub(crate) fn same_list_mut(&mut self) -> &mut [Resource] {
        &mut self.list
    }

    /// Takes all objects out.
    pub(crate) fn take(&mut self) -> Vec<Resource> {
        self.forget();
        std::mem::take(&mut self.list)
    }

    /// Drops objects that patches deleted.
    pub(crate) fn drop_empties(&mut self) {
        let gone = self.list.iter().enumerate().filter(|(_, res)| res.is_gone());
        let gone: Vec<usize> = gone.map(|(at, _)| at).collect();
        if gone.is_empty() {
            return;
        }
        self.settle();
        if let Some(names) = &mut self.names {
            names.settle(&self.list);
            for at in gone.iter().rev() {
                names.numbers.remove(*at);
            }
        }
        self.list.retain(|res| !res.is_gone());
    }

    /// Adds an object; fails if its identity is there already.
    pub(crate) fn append(&mut self, res: Resource) -> KResult<()> {
        let key = Key::of(&res, &self.schemas);
        self.append_as(res, key)
    }

    fn append_as(&mut self, res: Resource, key: Key) -> KResult<()> {
        self.settle();
        let (schemas, list) = (&self.schemas, &self.list);
        let keys = self.keys.get_or_insert_with(|| parallel::map(list, |res| Key::of(res, schemas)).into_iter().collect());
        if !keys.insert(key) {
            return fail(format!("may not add resource with an already registered id: {}", res.cur_id(schemas)));
        }
        if let Some(names) = &mut self.names {
            names.push(&res);
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
            other.settle();
            self.names = None;
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
        match self.find_any(&id.name, |other| id.same(other))?.as_slice() {
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
        let named = self.named(&id.name);
        let is_same = |at: &usize| self.list.get(*at).is_some_and(|res| id.same(&res.cur_id(&self.schemas)));
        let same: Vec<usize> = named.into_iter().filter(is_same).collect();
        if same.len() > 1 {
            return fail(format!("in Replace: id matched {} resources", same.len()));
        }
        match same.first() {
            None => fail(format!("cannot find resource with id {id} to replace")),
            Some(found) if *found != at => fail("unexpected target index in replacement"),
            Some(_) => {
                if let Some(slot) = self.one_mut(at) {
                    *slot = res;
                }
                Ok(())
            }
        }
    }

    /// The indices of objects that have, or had, a name, and whose current identity, or an earlier one, matches.
    pub(crate) fn find_any(&mut self, name: &str, matches: impl Fn(&ResId) -> bool) -> KResult<Vec<usize>> {
        let mut found = Vec::new();
        for at in self.named(name) {
            if let Some(res) = self.list.get(at).filter(|res| !res.is_gone())
                && res.all_ids(&self.schemas)?.iter().any(&matches)
            {
                found.push(at);
            }
        }
        Ok(found)
    }

    /// The one object that has, or had, an identity: the target of a patch.
    pub(crate) fn find_target(&mut self, id: &ResId) -> KResult<usize> {
        let found = self.find_any(&id.name, |other| id.same(other))?;
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
    pub(crate) fn select(&mut self, selector: &Selector) -> KResult<Vec<usize>> {
        let regex = SelectorRegex::new(selector)?;
        let mut found = Vec::new();
        for at in self.candidates(selector) {
            let Some(res) = self.list.get(at) else { continue };
            // Names and labels tell most objects apart before it is made out who they are.
            let fits = |matches: KResult<bool>| matches.unwrap_or(true);
            let is_other = || regex.is_sound() && !(fits(regex.labels_match(res)) && fits(regex.annotations_match(res)));
            if res.names().is_some_and(|mut names| !names.any(|name| regex.name_matches(name)) || is_other()) {
                continue;
            }
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

    /// The indices of what may have a name that a selector names, in order: all, where that is an expression.
    pub(crate) fn candidates(&mut self, selector: &Selector) -> Vec<usize> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if selector.name.is_empty() || !selector.name.chars().all(is_plain) {
            return (0..self.list.len()).collect();
        }
        self.named(&selector.name)
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

#[cfg(test)]
mod tests {
    use super::ResMap;
    use crate::openapi::Schemas;
    use crate::resource::Resource;
    use crate::{read, tree};

    fn object(name: usize) -> Resource {
        let text = format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: n{name}}}}}");
        read::resources(text.as_bytes()).unwrap().remove(0)
    }

    fn has_name(res: &Resource, name: &str) -> bool {
        !res.is_gone() && res.names().is_none_or(|mut names| names.any(|known| known == name))
    }

    /// Whatever is done to the objects in whatever order: what is found by name is what a look at each object finds, and identities that are there
    /// twice are told.
    #[test]
    fn what_is_looked_up_is_what_is_there() {
        let schemas = Schemas::new();
        let mut seed = 7_u64;
        let mut random = move |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        let (mut twice, mut found) = (0, 0);
        for _ in 0..300 {
            let mut map = ResMap::from_list(&schemas, (0..6).map(object).collect()).unwrap();
            for _ in 0..30 {
                let at = random(map.list().len().max(1));
                match random(7) {
                    0 => drop(map.append(object(random(12)))),
                    1 => {
                        if let Some(res) = map.one_mut(at) {
                            tree::set_name(&mut res.node, &format!("n{}", random(12))).unwrap();
                        }
                    }
                    2 => {
                        if let Some(res) = map.one_mut(at) {
                            res.store_previous_id(&schemas);
                            tree::set_name(&mut res.node, &format!("n{}", random(12))).unwrap();
                        }
                    }
                    3 => {
                        if let Some(res) = map.one_mut(at) {
                            res.mark_deleted();
                        }
                        map.drop_empties();
                    }
                    4 => map.list_mut().truncate(8),
                    5 => {
                        let mut names: Vec<String> = map.list().iter().map(|res| res.name().to_owned()).collect();
                        names.sort();
                        let is_unique = names.windows(2).all(|pair| pair[0] != pair[1]);
                        let before = map.clone();
                        assert_eq!(map.check().is_ok(), is_unique, "{names:?}");
                        if !is_unique {
                            twice += 1;
                            map = before;
                        }
                    }
                    _ => {
                        let name = format!("n{}", random(12));
                        let looked_at = |at: &usize| map.list().get(*at).is_some_and(|res| has_name(res, &name));
                        let expected: Vec<usize> = (0..map.list().len()).filter(looked_at).collect();
                        let mut named = map.named(&name);
                        named.retain(|at| map.list().get(*at).is_some_and(|res| has_name(res, &name)));
                        assert_eq!(named, expected);
                        found += expected.len();
                    }
                }
            }
        }
        assert!(twice > 50 && found > 500, "{twice} {found}");
    }
}
