//! Patches of both kinds, as the entries of `patches`, `patchesStrategicMerge` and `patchesJson6902`.
//!
//! Follows `api/internal/builtins/Patch*Transformer.go` of kustomize 5.8.1.

use std::collections::BTreeSet;
use std::rc::Rc;

use ecow::EcoString;

use super::super::decode::record;
use super::super::errors::{Fail, FailKind, KResult, fail};
use super::super::kustomization::{Patch, PatchArgs, Selector};
use super::super::loader::Loader;
use super::super::read;
use super::super::resmap::ResMap;
use super::super::resource::Resource;
use super::super::transformer::{Fields, PluginFile, Step, Transform, Transformer};
use super::super::tree;
use super::json_patch;
use super::merge_patch;

record! {
    /// `PatchTransformer`
    PatchPlugin {
        "path" path: EcoString,
        "patch" patch: EcoString,
        "target" target: Option<Selector>,
        "options" options: Option<PatchArgs>,
    }
}

record! {
    /// `PatchJson6902Transformer`
    Json6902Plugin {
        "path" path: EcoString,
        "jsonOp" json: EcoString,
        "target" target: Option<Selector>,
    }
}

record! {
    /// `PatchStrategicMergeTransformer`
    StrategicMergePlugin {
        "paths" paths: Vec<EcoString>,
        "patches" patches: EcoString,
    }
}

/// `PatchTransformer`, and `patches`.
pub(crate) const PATCH: Transformer = Transformer {
    kind: "PatchTransformer",
    of_file: |file| {
        let PatchPlugin { path, patch, target, options } = file.read()?;
        let loaded = Loaded::entry(file.loader, &Patch { path, patch, target, options })?;
        Ok(Box::new(move |map| loaded.apply(map)))
    },
    of_fields: Some(patch_steps),
};

/// `PatchJson6902Transformer`, and `patchesJson6902`.
pub(crate) const JSON6902: Transformer = Transformer {
    kind: "PatchJson6902Transformer",
    of_file: |file| {
        let Json6902Plugin { path, json, target } = file.read()?;
        json6902(file.loader, &Patch { path, patch: json, target, options: None })
    },
    of_fields: Some(|fields| {
        let patches = fields.kustomization.patches_json6902.take();
        fields.each("patchesJson6902", patches, |patch| json6902(fields.loader, &patch))
    }),
};

/// `PatchStrategicMergeTransformer`, and `patchesStrategicMerge`.
pub(crate) const STRATEGIC_MERGE: Transformer =
    Transformer { kind: "PatchStrategicMergeTransformer", of_file: strategic_of_file, of_fields: Some(strategic_steps) };

fn patch_steps(fields: &mut Fields<'_, '_>) -> KResult<Vec<Step>> {
    let mut steps = Vec::new();
    for (at, patch) in fields.kustomization.patches.take().unwrap_or_default().into_iter().enumerate() {
        let loaded = Loaded::entry(fields.loader, &patch).map_err(|error| fields.spot(error, "patches", Some(at)))?;
        let unmatched = fields.unmatched.as_ref().map(Rc::clone);
        let run = move |map: &mut ResMap| {
            if let Some(warnings) = unmatched.as_ref().filter(|_| loaded.is_unmatched(map)) {
                warnings.borrow_mut().push(format!("the target of patches[{at}] matches nothing"));
            }
            loaded.apply(map)
        };
        steps.push(Step::new("patches", Some(at), run));
    }
    Ok(steps)
}

fn strategic_steps(fields: &mut Fields<'_, '_>) -> KResult<Vec<Step>> {
    let entries = fields.kustomization.patches_strategic_merge.take().unwrap_or_default();
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let loaded = load_strategic(fields.loader, entry);
        all.extend(loaded.map_err(|error| fields.spot(error, "patchesStrategicMerge", Some(at)))?);
    }
    Ok(vec![Step::new("patchesStrategicMerge", None, strategic(all, &entries, "")?)])
}

fn strategic_of_file(file: &PluginFile<'_, '_>) -> KResult<Transform> {
    let plugin: StrategicMergePlugin = file.read()?;
    if plugin.paths.is_empty() && plugin.patches.is_empty() {
        return fail("empty file path and empty patch content");
    }
    let mut all = Vec::new();
    for path in &plugin.paths {
        all.extend(load_strategic(file.loader, path)?);
    }
    all.extend(read::resources(plugin.patches.as_bytes())?);
    Ok(Box::new(strategic(all, &plugin.paths, &plugin.patches)?))
}

fn strategic(patches: Vec<Resource>, paths: &[EcoString], text: &str) -> KResult<impl Fn(&mut ResMap) -> KResult<()> + 'static> {
    if patches.is_empty() {
        return fail(format!("patch appears to be empty; files=[{}], Patch={text}", paths.join(" ")));
    }
    Ok(move |map: &mut ResMap| apply_all_strategic(map, &patches))
}

/// A patch as it has been loaded.
#[derive(Debug, Clone)]
struct Loaded {
    content: Content,
    target: Option<Selector>,
    /// What it is from, for error messages.
    source: String,
}

#[derive(Debug, Clone)]
enum Content {
    Strategic(Vec<Resource>),
    Json(json_patch::Patch),
}

impl Loaded {
    /// Loads an entry of `patches`.
    fn entry(loader: &Loader<'_>, patch: &Patch) -> KResult<Self> {
        let inline = patch.patch.trim();
        let (text, source) = match (inline, patch.path.as_str()) {
            ("", "") => return fail("must specify one of patch and path in a patch"),
            (inline, "") => (inline.to_owned(), format!("[patch: {inline:?}]")),
            ("", path) => {
                let file = loader.load(path).map_err(|error| error.wrap(format!("failed to get the patch file from path({path})")))?;
                (String::from_utf8_lossy(&file.text).into_owned(), format!("[path: {path:?}]"))
            }
            _ => return fail("patch and path can't be set at the same time"),
        };
        let content = Self::parse(&text, &source, patch.options.as_ref())?;
        Ok(Self { content, target: patch.target.clone(), source })
    }

    fn parse(text: &str, source: &str, options: Option<&PatchArgs>) -> KResult<Content> {
        match (read::resources(text.as_bytes()), json_patch::parse(text)) {
            (Ok(objects), Ok(operations)) if !objects.is_empty() && !operations.is_empty() => {
                fail(format!("illegally qualifies as both an SM and JSON patch: {source}"))
            }
            (Err(strategic), Err(json)) => Err(Fail::new(format!("unable to parse SM or JSON patch from {source}"))
                .note(format!("as a strategic merge patch: {}", strategic.text()))
                .note(format!("as a JSON patch: {}", json.text()))),
            (Ok(mut objects), _) => {
                for object in &mut objects {
                    if options.is_some_and(|options| options.allow_name_change) {
                        object.allow_name_change();
                    }
                    if options.is_some_and(|options| options.allow_kind_change) {
                        object.allow_kind_change();
                    }
                }
                Ok(Content::Strategic(objects))
            }
            (Err(_), Ok(operations)) => Ok(Content::Json(operations)),
        }
    }

    /// Whether it has a target, and that selects nothing.
    fn is_unmatched(&self, map: &mut ResMap) -> bool {
        self.target.as_ref().is_some_and(|target| map.select(target).is_ok_and(|selected| selected.is_empty()))
    }

    /// Patches what is targeted.
    fn apply(&self, map: &mut ResMap) -> KResult<()> {
        match &self.content {
            Content::Strategic(patches) => self.apply_strategic(map, patches),
            Content::Json(operations) if operations.is_empty() => Ok(()),
            Content::Json(operations) => {
                let Some(target) = &self.target else { return fail(format!("must specify a target for JSON patch {}", self.source)) };
                apply_json(map, target, operations, true)
            }
        }
    }

    fn apply_strategic(&self, map: &mut ResMap, patches: &[Resource]) -> KResult<()> {
        match (&self.target, patches) {
            (_, []) => Ok(()),
            (Some(target), [patch]) => {
                let selected = map.select(target).map_err(|error| error.wrap("unable to find patch target in `resources`"))?;
                apply_to(map, &selected, patch)
            }
            (Some(_), _) => fail(format!(
                "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                self.source
            )),
            (None, patches) => patches.iter().try_for_each(|patch| apply_by_id(map, patch)),
        }
    }
}

/// Patches the object that has the patch's own identity.
fn apply_by_id(map: &mut ResMap, patch: &Resource) -> KResult<()> {
    let id = patch.org_id(map.schemas())?;
    let at = map.find_target(&id).map_err(|error| error.wrap(format!("no resource matches strategic merge patch \"{id}\"")))?;
    let schemas = std::sync::Arc::clone(map.schemas());
    match map.one_mut(at) {
        Some(target) => merge(target, patch.clone(), &schemas),
        None => Ok(()),
    }
}

/// Loads an entry of `patchesStrategicMerge`: objects, or the path of a file with objects.
fn load_strategic(loader: &Loader<'_>, entry: &str) -> KResult<Vec<Resource>> {
    if let Ok(inline) = read::resources(entry.as_bytes()) {
        return Ok(inline);
    }
    let file = loader.load(entry)?;
    read::resources(&file.text).map_err(|error| in_file(error, entry).at(&file, 0..0))
}

/// Adds the file to an error of reading it, as kustomize does.
pub(crate) fn in_file(error: Fail, path: &str) -> Fail {
    if error.kind() == FailKind::MalformedYaml { error.reword(|text| format!("{text} in File: {path}")) } else { error }
}

/// Patches, one after the other, the objects that have the patches' own identities; fails if identities collide afterwards.
fn apply_all_strategic(map: &mut ResMap, patches: &[Resource]) -> KResult<()> {
    for patch in patches {
        let at = map.find_target(&patch.org_id(map.schemas())?)?;
        apply_to(map, &[at], patch)?;
    }
    Ok(())
}

/// Patches selected objects, and whatever has the identity of one, with a patch that takes over their group and version.
fn apply_to(map: &mut ResMap, selected: &[usize], patch: &Resource) -> KResult<()> {
    let schemas = std::sync::Arc::clone(map.schemas());
    let id = |res: &Resource| {
        let id = res.cur_id(&schemas);
        (id.gvk, id.name, id.namespace)
    };
    let wanted: BTreeSet<_> = selected.iter().filter_map(|at| map.list().get(*at)).map(id).collect();
    let names: BTreeSet<_> = wanted.iter().map(|(_, name, _)| name).collect();
    let named: BTreeSet<usize> = names.into_iter().flat_map(|name| map.named(name)).collect();
    for at in named {
        if !map.list().get(at).is_some_and(|res| wanted.contains(&id(res))) {
            continue;
        }
        let Some(res) = map.one_mut(at) else { continue };
        let mut copy = patch.clone();
        copy.take_metadata(patch)?;
        let version = res.gvk().api_version();
        tree::set_field(&mut copy.node, "kind", tree::bare(patch.kind()))?;
        tree::set_field(&mut copy.node, "apiVersion", tree::bare(version))?;
        merge(res, copy, &schemas)?;
    }
    map.check()
}

fn merge(res: &mut Resource, patch: Resource, schemas: &super::super::openapi::Schemas) -> KResult<()> {
    let (name, namespace, kind) = (res.name().to_owned(), res.namespace().to_owned(), res.kind().to_owned());
    let (rename, change_kind) = (patch.name_change_allowed(), patch.kind_change_allowed());
    if rename || change_kind {
        res.store_previous_id(schemas);
    }
    let table = schemas.table();
    if !merge_patch::merge(&mut res.node, patch.node, &table)? || res.is_gone() {
        res.mark_deleted();
        return Ok(());
    }
    if !change_kind {
        tree::set_field(&mut res.node, "kind", tree::bare(kind))?;
    }
    if !rename {
        tree::set_name(&mut res.node, &name)?;
    }
    tree::set_namespace(&mut res.node, &namespace)
}

/// Carries out JSON patches on the objects that a selector selects. What kustomize remembers of them stays.
fn apply_json(map: &mut ResMap, target: &Selector, operations: &json_patch::Patch, remember: bool) -> KResult<()> {
    let schemas = std::sync::Arc::clone(map.schemas());
    for at in map.select(target)? {
        let Some(res) = map.one_mut(at) else { continue };
        if remember {
            res.store_previous_id(&schemas);
        }
        let mut kept = res.annotations();
        kept.retain(|key, _| {
            key.starts_with("internal.config.kubernetes.io/")
                || matches!(key.as_str(), "config.kubernetes.io/path" | "config.kubernetes.io/index" | "config.k8s.io/id")
        });
        let id = res.cur_id(&schemas);
        json_patch::apply(&mut res.node, operations).map_err(|error| error.note(format!("while patching {id}")))?;
        let mut annotations = res.annotations();
        annotations.extend(kept);
        res.set_annotations(&annotations)?;
    }
    Ok(())
}

/// Loads an entry of `patchesJson6902`.
fn json6902(loader: &Loader<'_>, patch: &Patch) -> KResult<Transform> {
    let Some(target) = patch.target.clone() else { return fail("must specify a target for a JSON patch") };
    if target.name.is_empty() {
        return fail("must specify the target name");
    }
    let text = match (patch.path.as_str(), patch.patch.as_str()) {
        ("", "") => return fail("empty file path and empty jsonOp"),
        (path, "") => String::from_utf8_lossy(&loader.load(path)?.text).into_owned(),
        ("", text) => text.to_owned(),
        _ => return fail("must specify a file path or jsonOp, not both"),
    };
    if text.is_empty() {
        return fail(format!("patch file '{}' empty seems to be empty", patch.path));
    }
    let operations = json_patch::parse(&text)?;
    if operations.is_empty() {
        return fail(format!("patch appears to be empty; file={}, JsonOp={text}", patch.path));
    }
    Ok(Box::new(move |map| apply_json(map, &target, &operations, false)))
}
