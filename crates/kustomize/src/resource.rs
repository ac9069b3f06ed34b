//! One object, with what kustomize remembers of it during a build: earlier names, generator behaviour, origin.
//!
//! The memory is kept in annotations, as in kustomize (`api/resource/resource.go`): patches see them, and their being there is
//! why a JSON patch may add an annotation to an object that has none.

use std::sync::Arc;

use ecow::EcoString;

use super::errors::{KResult, fail};
use super::ids::{Gvk, ResId, split_api_version};
use super::kustomization::Texts;
use super::openapi::Schemas;
use super::tree;
use super::write;
use hydrate_yaml::node::{Data, Node, ScalarStyle};

const PREVIOUS_KINDS: &str = "internal.config.kubernetes.io/previousKinds";
const PREVIOUS_NAMES: &str = "internal.config.kubernetes.io/previousNames";
const PREVIOUS_NAMESPACES: &str = "internal.config.kubernetes.io/previousNamespaces";
const PREFIXES: &str = "internal.config.kubernetes.io/prefixes";
const SUFFIXES: &str = "internal.config.kubernetes.io/suffixes";
const ALLOW_NAME_CHANGE: &str = "internal.config.kubernetes.io/allowNameChange";
const ALLOW_KIND_CHANGE: &str = "internal.config.kubernetes.io/allowKindChange";
const BEHAVIOR: &str = "internal.config.kubernetes.io/generatorBehavior";
const NEEDS_HASH: &str = "internal.config.kubernetes.io/needsHashSuffix";

/// Marks what a chart rendered.
pub(crate) const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

/// Where an object is from.
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";

/// What changed an object.
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

const ANNOTATIONS: &str = "annotations";

const ENABLED: &str = "enabled";

/// Annotations that never reach the output.
const INTERNAL: [&str; 18] = [
    PREVIOUS_KINDS,
    PREVIOUS_NAMES,
    PREFIXES,
    SUFFIXES,
    PREVIOUS_NAMESPACES,
    ALLOW_NAME_CHANGE,
    ALLOW_KIND_CHANGE,
    "internal.config.kubernetes.io/refBy",
    BEHAVIOR,
    NEEDS_HASH,
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    HELM_GENERATED,
];
const LEGACY_ID: &str = "config.k8s.io/id";

/// An object that the transformers change.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// The object; `null` once a patch has deleted it.
    pub node: Node,
    /// Variables that read this object.
    pub variables: Vec<EcoString>,
    /// The file it is from, as it is shown to the user.
    pub file: Option<Arc<str>>,
}

/// What happens when a generated object is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Nothing was said: as `Create`.
    Unspecified,
    /// It must not be there.
    Create,
    /// It is replaced.
    Replace,
    /// Its data is merged.
    Merge,
}

impl Behavior {
    /// Reads `behavior`; anything unknown is `Unspecified`.
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// The prefixes and suffixes that an object got, which tell objects of one name apart.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    prefixes: Option<EcoString>,
    suffixes: Option<EcoString>,
}

impl Context {
    /// Whether two objects got the same prefixes and suffixes, compared from the outermost inwards. With `allow_empty` an object
    /// without any goes with everything.
    pub(crate) fn goes_with(&self, other: &Self, allow_empty: bool) -> bool {
        let same = |a: &Option<EcoString>, b: &Option<EcoString>| match (a, b) {
            (Some(a), Some(b)) => a.rsplit(',').zip(b.rsplit(',')).all(|(a, b)| a == b),
            (a, b) => allow_empty || a.is_none() && b.is_none(),
        };
        same(&self.prefixes, &other.prefixes) && same(&self.suffixes, &other.suffixes)
    }
}

impl Resource {
    /// An object without a history.
    pub(crate) fn new(node: Node) -> Self {
        Self { node, variables: Vec::new(), file: None }
    }

    /// Group, version and kind.
    pub(crate) fn gvk(&self) -> Gvk {
        let (group, version) = split_api_version(tree::top_text(&self.node, "apiVersion"));
        Gvk { group: group.into(), version: version.into(), kind: tree::top_shared(&self.node, "kind") }
    }

    /// `kind`
    pub(crate) fn kind(&self) -> &str {
        tree::top_text(&self.node, "kind")
    }

    /// `metadata.name`
    pub(crate) fn name(&self) -> &str {
        tree::meta_text(&self.node, "name")
    }

    /// `metadata.namespace`
    pub(crate) fn namespace(&self) -> &str {
        tree::meta_text(&self.node, "namespace")
    }

    /// Whether it has been deleted, or never was anything.
    pub(crate) fn is_gone(&self) -> bool {
        tree::is_nil_or_empty(&self.node)
    }

    /// Who it is now.
    pub(crate) fn cur_id(&self, schemas: &Schemas) -> ResId {
        schemas.id(self.gvk(), tree::meta_shared(&self.node, "name"), tree::meta_shared(&self.node, "namespace"))
    }

    /// Who it was at first.
    pub(crate) fn org_id(&self, schemas: &Schemas) -> KResult<ResId> {
        Ok(self.previous_ids(schemas)?.into_iter().next().unwrap_or_else(|| self.cur_id(schemas)))
    }

    /// Everybody it was before, oldest first.
    pub(crate) fn previous_ids(&self, schemas: &Schemas) -> KResult<Vec<ResId>> {
        let Some(names) = self.annotation(PREVIOUS_NAMES) else { return Ok(Vec::new()) };
        let names: Vec<_> = names.split(',').collect();
        let namespaces: Vec<_> = self.annotation(PREVIOUS_NAMESPACES).unwrap_or_default().split(',').collect();
        let kinds: Vec<_> = self.annotation(PREVIOUS_KINDS).unwrap_or_default().split(',').collect();
        if names.len() != namespaces.len() || names.len() != kinds.len() {
            return fail("number of previous names, number of previous namespaces, number of previous kinds not equal");
        }
        let version = tree::top_text(&self.node, "apiVersion");
        let ids = names.into_iter().zip(namespaces).zip(kinds);
        Ok(ids.map(|((name, namespace), kind)| schemas.id(Gvk::new(version, kind), name, namespace)).collect())
    }

    /// The names that it had and has, oldest first: they tell most objects apart without their identities. `None` where what is remembered
    /// of it is broken, which [`Self::previous_ids`] tells.
    pub(crate) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        let previous = self.annotation(PREVIOUS_NAMES);
        let commas = |text: &str| text.matches(',').count();
        let goes_with = |names: &str, key| commas(self.annotation(key).unwrap_or_default()) == commas(names);
        let is_whole = previous.is_none_or(|names| goes_with(names, PREVIOUS_NAMESPACES) && goes_with(names, PREVIOUS_KINDS));
        is_whole.then(|| previous.into_iter().flat_map(|names| names.split(',')).chain([self.name()]))
    }

    /// Everybody it was and is, oldest first.
    pub(crate) fn all_ids(&self, schemas: &Schemas) -> KResult<Vec<ResId>> {
        let mut ids = self.previous_ids(schemas)?;
        ids.push(self.cur_id(schemas));
        Ok(ids)
    }

    /// Remembers who it is now.
    pub(crate) fn store_previous_id(&mut self, schemas: &Schemas) {
        let id = self.cur_id(schemas);
        let namespace = if id.effective_namespace() == id.namespace { id.namespace.clone() } else { id.effective_namespace().into() };
        let known = [(PREVIOUS_NAMES, &id.name), (PREVIOUS_NAMESPACES, &namespace), (PREVIOUS_KINDS, &id.gvk.kind)];
        if !self.begin_annotations(known) {
            known.into_iter().for_each(|(key, value)| self.append_csv(key, value));
        }
    }

    /// Makes the first annotations of an object at once; does nothing where there may be others.
    fn begin_annotations(&mut self, entries: [(&str, &EcoString); 3]) -> bool {
        let Some(Node { data: Data::Mapping(meta), .. }) = self.node.get_mut("metadata") else { return false };
        if meta.iter().any(|(key, _)| key.as_str() == Some(ANNOTATIONS)) || entries.iter().any(|(_, value)| value.is_empty()) {
            return false;
        }
        let entries = entries.map(|(key, value)| (Node::string(key), single_quoted(value.clone())));
        meta.push((tree::bare(ANNOTATIONS), Node::mapping(entries.into())));
        true
    }

    fn append_csv(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let joined = match self.annotation(key) {
            Some(before) => ecow::eco_format!("{before},{value}"),
            None => value.into(),
        };
        self.annotate(key, &joined);
    }

    /// An annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        tree::meta_entry(&self.node, "annotations", key)
    }

    /// All annotations.
    pub(crate) fn annotations(&self) -> Texts {
        tree::meta_map(&self.node, "annotations")
    }

    /// All labels.
    pub(crate) fn labels(&self) -> Texts {
        tree::meta_map(&self.node, "labels")
    }

    /// Replaces all annotations.
    pub(crate) fn set_annotations(&mut self, annotations: &Texts) -> KResult<()> {
        tree::set_meta_map(&mut self.node, "annotations", annotations)
    }

    /// Sets one annotation. Where `metadata` is not a mapping there is nothing to set it in.
    pub(crate) fn annotate(&mut self, key: &str, value: &str) {
        let text = single_quoted(value);
        // What has no entries is made anew, whatever it is.
        if let Some(meta) = self.node.get_mut("metadata")
            && meta.get("annotations").is_some_and(|node| tree::kind(node) == tree::NodeKind::Scalar)
        {
            let _ = tree::clear(meta, "annotations");
        }
        if self.node.get("metadata").is_some_and(|meta| tree::kind(meta) == tree::NodeKind::Scalar) {
            let _ = tree::clear(&mut self.node, "metadata");
        }
        if let Ok(Some(annotations)) = tree::lookup_create(&mut self.node, &["metadata", "annotations"], tree::NodeKind::Mapping) {
            tree::put(annotations, key, text);
        }
    }

    fn enable(&mut self, key: &str) {
        let mut annotations = self.annotations();
        annotations.insert(key.into(), ENABLED.into());
        let _ = self.set_annotations(&annotations);
    }

    fn is_enabled(&self, key: &str) -> bool {
        self.annotation(key) == Some(ENABLED)
    }

    /// Lets a patch change the name of what it patches.
    pub(crate) fn allow_name_change(&mut self) {
        self.enable(ALLOW_NAME_CHANGE);
    }

    /// Lets a patch change the kind of what it patches.
    pub(crate) fn allow_kind_change(&mut self) {
        self.enable(ALLOW_KIND_CHANGE);
    }

    /// Whether a patch may change the name of what it patches.
    pub(crate) fn name_change_allowed(&self) -> bool {
        self.is_enabled(ALLOW_NAME_CHANGE)
    }

    /// Whether a patch may change the kind of what it patches.
    pub(crate) fn kind_change_allowed(&self) -> bool {
        self.is_enabled(ALLOW_KIND_CHANGE)
    }

    /// Has a hash of the content added to the name at the end.
    pub(crate) fn enable_hash(&mut self) {
        self.enable(NEEDS_HASH);
    }

    /// Whether a hash of the content is to be added to the name.
    pub(crate) fn needs_hash(&self) -> bool {
        self.is_enabled(NEEDS_HASH)
    }

    /// What happens if it is already there.
    pub(crate) fn behavior(&self) -> Behavior {
        Behavior::parse(self.annotation(BEHAVIOR).unwrap_or_default())
    }

    /// Says what happens if it is already there.
    pub(crate) fn set_behavior(&mut self, behavior: Behavior) {
        let mut annotations = self.annotations();
        annotations.insert(BEHAVIOR.into(), behavior.name().into());
        let _ = self.set_annotations(&annotations);
    }

    /// Remembers a prefix.
    pub(crate) fn add_prefix(&mut self, prefix: &str) {
        self.append_csv(PREFIXES, prefix);
    }

    /// Remembers a suffix.
    pub(crate) fn add_suffix(&mut self, suffix: &str) {
        self.append_csv(SUFFIXES, suffix);
    }

    /// The prefixes and suffixes that it got.
    pub(crate) fn context(&self) -> Context {
        let get = |key: &str| self.annotation(key).map(EcoString::from);
        Context { prefixes: get(PREFIXES), suffixes: get(SUFFIXES) }
    }

    /// Takes metadata from the object that this one replaces or merges with.
    pub(crate) fn take_metadata(&mut self, old: &Resource) -> KResult<()> {
        let mut labels = old.labels();
        labels.extend(self.labels());
        tree::set_meta_map(&mut self.node, "labels", &labels)?;
        let mine = self.annotations();
        let theirs = old.annotations();
        let mut merged = theirs.clone();
        merged.extend(mine.clone());
        // What kustomize remembers of the old object stays; what it remembers of the new one goes.
        for key in INTERNAL.into_iter().chain([LEGACY_ID]) {
            match theirs.get(key) {
                Some(value) => drop(merged.insert(key.into(), value.clone())),
                None => drop(merged.remove(key)),
            }
        }
        if !mine.contains_key(NEEDS_HASH) {
            merged.remove(NEEDS_HASH);
        }
        self.set_annotations(&merged)?;
        tree::set_name(&mut self.node, old.name())?;
        tree::set_namespace(&mut self.node, old.namespace())?;
        self.variables.clone_from(&old.variables);
        self.file = old.file.clone().or_else(|| self.file.take());
        Ok(())
    }

    /// Adds the data of the object that this one merges with, where it has no entry of its own.
    pub(crate) fn merge_data(&mut self, old: &Resource) -> KResult<()> {
        for (field, binary) in [("data", false), ("binaryData", true)] {
            let mut data = tree::string_map(&old.node, field);
            data.extend(tree::string_map(&self.node, field));
            tree::clear(&mut self.node, field)?;
            for (key, value) in data {
                let field = if binary { "binaryData" } else { "data" };
                tree::set_at(&mut self.node, &[field], &key, tree::data_value(&value))?;
            }
        }
        Ok(())
    }

    /// Drops what kustomize remembered, the origin and the transformations as well unless they are wanted. What stays is made
    /// strings, and without anything the field goes.
    pub(crate) fn finish_annotations(&mut self, origin: bool, transformations: bool) -> KResult<()> {
        let stays = |key: &str| {
            !(INTERNAL.contains(&key) || key == LEGACY_ID || key == ORIGIN && !origin || key == TRANSFORMATIONS && !transformations)
        };
        if let Some(meta) = self.node.get_mut("metadata")
            && let Some(entries) = meta.get(ANNOTATIONS).and_then(Node::entries)
            && !entries.is_empty()
            && entries.iter().all(|(key, _)| !stays(tree::raw_text(key)))
        {
            return tree::clear(meta, ANNOTATIONS).map(drop);
        }
        let mut annotations = self.annotations();
        if !annotations.is_empty() {
            annotations.retain(|key, _| stays(key));
        } else if origin && transformations {
            return Ok(());
        }
        self.set_annotations(&annotations)
    }

    /// The object as YAML, for error messages.
    pub(crate) fn yaml(&self) -> String {
        write::to_yaml(&self.node).unwrap_or_else(|error| error.text().to_owned())
    }

    /// Empties the object; the next step drops it.
    pub(crate) fn mark_deleted(&mut self) {
        self.node = Node::scalar(hydrate_yaml::node::Tag::Null, "");
    }
}

fn single_quoted(text: impl Into<EcoString>) -> Node {
    let mut node = Node::string(text);
    node.style.scalar = ScalarStyle::SingleQuoted;
    node
}
