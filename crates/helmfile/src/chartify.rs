//! Charts that helmfile makes of something else: a kustomization, plain manifests, or a chart with patches over what it renders.
//!
//! Follows `PrepareChartify` of `pkg/state/helmx.go` of helmfile 1.7, and the library chartify (`chartify.go`, `replace.go`,
//! `patch.go`, `kustomize.go`, `set_namespace.go`) that it uses. What that library does in a temporary directory is done in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Diagnostic, FileKind, Limits, MemoryWorld, Result, SourceFile, World};
use hydrate_chart::{Chart, Dependency, File, from_files};
use hydrate_gotmpl::{List, Map, Value};
use hydrate_helm::{DocumentKind, RenderOptions, Rendered, ValuesFile, template};
use hydrate_kustomize::{BuildOptions, build};
use hydrate_yaml::emit::{Dialect, write_documents};
use hydrate_yaml::node::{Data, Node};

use crate::charts::{self, ChartOrigin};
use crate::load::{Context, State};
use crate::merge::{Lists, merge_maps};
use crate::{data, paths, record, release_values, render, yaml};

/// Where things lie in the world of memory.
const ROOT: &str = "/chart";

/// What a chart is made of.
pub(crate) struct Chartify {
    base: Base,
    json_patches: Vec<Vec<u8>>,
    strategic_merge_patches: Vec<Vec<u8>>,
    transformers: Vec<Vec<u8>>,
    /// The namespace of objects that do not say theirs.
    namespace: Option<String>,
    /// Charts that are rendered with the chart, and the names that they have there.
    pub(crate) dependencies: Vec<AdHoc>,
    version: crate::Version,
}

/// Patches over what the chart of a release renders, as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patches {
    /// `jsonPatches`
    pub json: Vec<Vec<u8>>,
    /// `strategicMergePatches`
    pub strategic_merge: Vec<Vec<u8>>,
}

/// What a release has in the place of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// A directory that kustomize builds.
    Kustomization {
        /// The kustomization over it, in YAML: its only resource is the directory, beside which it stands.
        overlay: String,
    },
    /// A directory of manifests.
    Manifests {
        /// The namespace of objects that do not say theirs.
        namespace: Option<String>,
    },
}

impl Chartify {
    /// What stands in the place of a chart, if it is not one, and the patches over it; nothing where more than that is done.
    pub(crate) fn described(&self) -> Option<(Option<Directory>, Patches)> {
        let is_plain = self.transformers.is_empty() && self.dependencies.is_empty();
        let directory = match (&self.base, &self.namespace) {
            (Base::Chart, None) => None,
            (Base::Kustomization { overlay, .. }, None) => Some(Directory::Kustomization { overlay: overlay.clone() }),
            (Base::Manifests { .. }, namespace) => Some(Directory::Manifests { namespace: namespace.clone() }),
            (_, Some(_)) => return None,
        };
        let patches = Patches { json: self.json_patches.clone(), strategic_merge: self.strategic_merge_patches.clone() };
        is_plain.then_some((directory, patches))
    }
}

/// A chart that a release adds to its own.
pub(crate) struct AdHoc {
    pub(crate) origin: ChartOrigin,
    alias: String,
}

enum Base {
    /// The chart of the release.
    Chart,
    /// What kustomize builds of a directory, with what values files say to kustomize.
    Kustomization { path: PathBuf, overlay: String },
    /// Files of a directory, templates among them executed.
    Manifests { name: String, files: BTreeMap<String, Vec<u8>> },
}

/// What the chart of a release is made of, where it is not used as it is.
pub(crate) fn needed(context: &Context<'_>, state: &State, release: &Map, values: &[ValuesFile]) -> Result<Option<Chartify>> {
    let reader = Reader { context, state, release };
    let base = reader.base(values)?;
    let made = Chartify {
        json_patches: reader.texts("jsonPatches", values)?,
        strategic_merge_patches: reader.texts("strategicMergePatches", values)?,
        transformers: reader.texts("transformers", values)?,
        namespace: reader.namespace(&base),
        dependencies: reader.dependencies()?,
        version: context.version(),
        base,
    };
    let is_plain = matches!(made.base, Base::Chart) && !made.patches() && made.namespace.is_none() && made.dependencies.is_empty();
    Ok((!is_plain).then_some(made))
}

/// Whether the chart of a release is a directory that kustomize builds.
pub(crate) fn is_kustomization(context: &Context<'_>, state: &State, release: &Map) -> bool {
    let path = paths::join(&state.base, &record::text(release, "chart"));
    let has = |name: &str| context.world.kind(&path.join(name)).is_ok();
    !has("Chart.yaml") && has("kustomization.yaml")
}

struct Reader<'a> {
    context: &'a Context<'a>,
    state: &'a State,
    release: &'a Map,
}

impl Reader<'_> {
    fn base(&self, values: &[ValuesFile]) -> Result<Base> {
        let world = self.context.world;
        let path = paths::join(&self.state.base, &record::text(self.release, "chart"));
        let is_directory = world.kind(&path).ok() == Some(FileKind::Directory);
        if !is_directory || world.kind(&path.join("Chart.yaml")).is_ok() {
            return Ok(Base::Chart);
        }
        if is_kustomization(self.context, self.state, self.release) {
            return Ok(Base::Kustomization { overlay: self.overlay(&path, values)?, path });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut files = BTreeMap::new();
        self.manifests(&path, "", &mut files, 0)?;
        Ok(Base::Manifests { name, files })
    }

    /// The kustomization over the directory: prefixes, images and the namespace that values files name.
    fn overlay(&self, path: &Path, values: &[ValuesFile]) -> Result<String> {
        if !record::list(self.release, "set").is_empty() {
            return Err(
                Diagnostic::error("`set` cannot be used for a release whose chart is a kustomization").help("write it into a values file")
            );
        }
        let merged = Map::new();
        for file in values {
            let source = SourceFile::new(file.name.clone(), Arc::clone(&file.text));
            let read = yaml::decode_map(&file.text, self.context.version()).map_err(|error| yaml::place(&source, &error, "values file"))?;
            read.entries().iter().for_each(|(key, value)| merged.insert(key.clone(), value.clone()));
        }
        let resource = format!("../{}", path.file_name().unwrap_or_default().to_string_lossy());
        let out = Map::from_entries([("resources".into(), Value::List(List::new(vec![Value::str(resource)])))]);
        let images: Vec<Value> = record::maps(&merged, "images").into_iter().map(|image| Value::Map(self.image(&image))).collect();
        if !images.is_empty() {
            out.insert("images", Value::List(List::new(images)));
        }
        for key in ["namePrefix", "nameSuffix"] {
            if let Some(text) = record::some_text(&merged, key) {
                out.insert(key, Value::str(text));
            }
        }
        let namespace = record::some_text(self.release, "namespace").or_else(|| record::some_text(&merged, "namespace"));
        if let Some(namespace) = namespace {
            out.insert("namespace", Value::str(namespace));
        }
        if let Some(sort) = merged.get(b"sortOptions") {
            out.insert("sortOptions", sort);
        }
        let text = yaml::encode(&Value::Map(out), crate::Version::V1).map_err(Diagnostic::error)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn image(&self, image: &Map) -> Map {
        let text =
            |name: &str| image.get(name.as_bytes()).map(|value| hydrate_gotmpl::fmt::to_text(&value)).filter(|text| !text.is_empty());
        let fields = ["name", "newName", "newTag", "digest"].into_iter().filter_map(|name| Some((name.into(), Value::str(text(name)?))));
        Map::from_entries(fields)
    }

    /// The files below a directory; those that end in `.gotmpl` are executed and lose that.
    fn manifests(&self, directory: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>, depth: usize) -> Result<()> {
        const DEPTH: usize = 64;
        if depth > DEPTH {
            return Err(Diagnostic::error(format!("{} is more than {DEPTH} directories deep", paths::shown(directory, self.context.root))));
        }
        let shown = paths::shown(directory, self.context.root);
        let entries = self.context.world.entries(directory).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
        for (name, kind) in entries {
            let (path, inner) = (directory.join(&name), format!("{prefix}{name}"));
            match kind {
                Ok(FileKind::Directory) => self.manifests(&path, &format!("{inner}/"), into, depth + 1)?,
                _ => {
                    let file = render::read(self.context.world, &path, self.context.root)?;
                    match inner.strip_suffix(".gotmpl") {
                        Some(plain) => {
                            let rendered = self.context.renderer(directory).render(&file, &self.data(None)?)?;
                            into.insert(plain.to_owned(), rendered);
                        }
                        None => {
                            into.entry(inner).or_insert_with(|| file.text.to_vec());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// What templates of patches see: the values of the release over those of the helmfile.
    fn data(&self, values: Option<&[ValuesFile]>) -> Result<Value> {
        let version = self.context.version();
        let merged = match values {
            Some(files) if version == crate::Version::V1 => {
                let of_release = release_values::merged(self.context, files)?;
                merge_maps(&self.state.values, &of_release, Lists::Sparse, version)
            }
            _ => self.state.values.clone(),
        };
        Ok(data::of_release(&self.state.environment, &self.state.overrides(), self.release, &merged, version))
    }

    /// The texts of patches: files, which may be templates, and what is written in the helmfile.
    fn texts(&self, key: &str, values: &[ValuesFile]) -> Result<Vec<Vec<u8>>> {
        let mut texts = Vec::new();
        for item in record::list(self.release, key) {
            match &item {
                Value::Str(path) => {
                    let handler = record::some_text(self.release, "missingFileHandler")
                        .or_else(|| record::some_text(&self.state.fields, "missingFileHandler"));
                    let found = self.context.storage(&self.state.base).resolve(handler.as_deref(), "values", &path.to_str_lossy())?;
                    let Some(path) = found.and_then(|paths| paths.into_iter().next()) else { continue };
                    texts.push(self.context.executed(&path, || self.data(Some(values)))?.text.to_vec());
                }
                other => texts.push(yaml::encode(other, self.context.version()).map_err(Diagnostic::error)?),
            }
        }
        Ok(texts)
    }

    fn namespace(&self, base: &Base) -> Option<String> {
        let forced = record::some_text(self.release, "forceNamespace");
        match base {
            Base::Manifests { .. } => forced.or_else(|| record::some_text(self.release, "namespace")),
            _ => forced,
        }
    }

    fn dependencies(&self) -> Result<Vec<AdHoc>> {
        let mut all = Vec::new();
        for dependency in record::maps(self.release, "dependencies") {
            let (chart, version) = (record::text(&dependency, "chart"), record::text(&dependency, "version"));
            let origin = charts::locate(self.context, self.state, self.release, &chart, &version)?;
            all.push(AdHoc { origin, alias: record::text(&dependency, "alias") });
        }
        Ok(all)
    }
}

impl Chartify {
    fn patches(&self) -> bool {
        !(self.json_patches.is_empty() && self.strategic_merge_patches.is_empty() && self.transformers.is_empty())
    }

    /// Whether helmfile prints an empty line where it makes the chart.
    pub(crate) fn prints_a_line(&self) -> bool {
        matches!(self.base, Base::Kustomization { .. })
    }

    /// Whether the chart of the release is used.
    pub(crate) fn has_chart(&self) -> bool {
        matches!(self.base, Base::Chart)
    }

    /// The chart that is made; `chart` is that of the release, `added` those of its `dependencies`.
    pub(crate) fn make(
        &self,
        chart: Option<&Arc<Chart>>,
        added: &[Arc<Chart>],
        options: &RenderOptions,
        world: &dyn World,
    ) -> Result<Arc<Chart>> {
        let chart = match (&self.base, chart) {
            (Base::Chart, Some(chart)) => self.with_dependencies(chart, added)?,
            (Base::Chart, None) => return Err(Diagnostic::error("the release has no chart")),
            (Base::Kustomization { path, overlay }, _) => self.of_kustomization(path, overlay, options, world)?,
            (Base::Manifests { name, files }, _) => self.of_manifests(name, files, options)?,
        };
        if self.has_chart() && !self.patches() && self.namespace.is_none() {
            return Ok(chart);
        }
        let mut files = rendered_files(&self.first(&chart, options, world)?);
        if let Some(namespace) = &self.namespace {
            for (name, text) in &mut files {
                *text = with_namespace(name, text, namespace)?;
            }
        }
        if self.patches() && !files.is_empty() {
            files = self.patched(&files, world.limits())?;
        }
        again(&chart, files, options)
    }

    /// The first rendering, whose values begin with those of the chart.
    fn first(&self, chart: &Arc<Chart>, options: &RenderOptions, world: &dyn World) -> Result<Rendered> {
        let mut first = options.clone();
        if let Some(own) = &chart.values {
            first.values.files.insert(0, ValuesFile { name: "values.yaml".to_owned(), text: Arc::clone(own) });
        }
        template(chart, &first, world)
    }

    /// The chart with further charts that depend on nothing but their own switch.
    fn with_dependencies(&self, chart: &Arc<Chart>, added: &[Arc<Chart>]) -> Result<Arc<Chart>> {
        if added.is_empty() {
            return Ok(Arc::clone(chart));
        }
        let mut metadata = chart.metadata.clone();
        let mut dependencies = chart.dependencies.clone();
        for (added, adhoc) in added.iter().zip(&self.dependencies) {
            let switch = if adhoc.alias.is_empty() { added.name() } else { &adhoc.alias };
            metadata.dependencies.get_or_insert_default().push(Dependency {
                name: added.name().to_owned(),
                version: added.metadata.version.clone(),
                alias: adhoc.alias.clone(),
                condition: format!("{switch}.enabled"),
                ..Dependency::default()
            });
            dependencies.push(Arc::clone(added));
        }
        Ok(Arc::new(Chart {
            location: chart.location.clone(),
            metadata,
            values: chart.values.clone(),
            schema: chart.schema.clone(),
            templates: chart.templates.clone(),
            files: chart.files.clone(),
            dependencies,
            warnings: chart.warnings.clone(),
            parsed: hydrate_chart::Parsed::default(),
        }))
    }

    fn of_kustomization(&self, path: &Path, overlay: &str, options: &RenderOptions, world: &dyn World) -> Result<Arc<Chart>> {
        // A directory of its own beside the kustomization, which is never on the disk.
        let directory = path.with_file_name(".hydrate-helmfile");
        let over = Over { world, path: directory.join("kustomization.yaml"), text: overlay.as_bytes().into() };
        let build_options = BuildOptions { load_anything: true, shown_from: path.parent(), ..BuildOptions::default() };
        let built = build(&over, &directory, &build_options)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = BTreeMap::from([("templates/kustomized.yaml".to_owned(), built.text().into_bytes())]);
        plain_chart(&name, files, options)
    }

    fn of_manifests(&self, name: &str, files: &BTreeMap<String, Vec<u8>>, options: &RenderOptions) -> Result<Arc<Chart>> {
        let manifest = |name: &&String| name.ends_with("yaml") || name.ends_with("yml");
        let moved = files.iter().filter(|(name, _)| manifest(name)).map(|(name, text)| (format!("templates/{name}"), text.clone()));
        plain_chart(name, moved.collect(), options)
    }

    /// The files with the patches over them: objects in one file, CRDs in another.
    fn patched(&self, files: &BTreeMap<String, Vec<u8>>, limits: Limits) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut world = MemoryWorld::new().limited(limits);
        for (name, text) in files {
            world = world.with_file(format!("{ROOT}/{name}"), text);
        }
        let resources = files.keys().map(|name| Value::str(name.as_str())).collect();
        let kustomization = Map::from_entries([("resources".into(), Value::List(List::new(resources)))]);
        let mut patches = Vec::new();
        for (at, text) in self.json_patches.iter().enumerate() {
            let (patch, body) = self.json_patch(text, at)?;
            if let Some(body) = body {
                world = world.with_file(format!("{ROOT}/jsonpatches/patch.{at}.yaml"), body);
            }
            patches.push(patch);
        }
        for (at, text) in self.strategic_merge_patches.iter().enumerate() {
            let path = format!("strategicmergepatches/patch.{at}.yaml");
            world = world.with_file(format!("{ROOT}/{path}"), text);
            patches.push(Value::Map(Map::from_entries([("path".into(), Value::str(path))])));
        }
        if !patches.is_empty() {
            kustomization.insert("patches", Value::List(List::new(patches)));
        }
        let mut transformers = Vec::new();
        for (at, text) in self.transformers.iter().enumerate() {
            let path = format!("transformers/transformer.{at}.yaml");
            world = world.with_file(format!("{ROOT}/{path}"), text);
            transformers.push(Value::str(path));
        }
        if !transformers.is_empty() {
            kustomization.insert("transformers", Value::List(List::new(transformers)));
        }
        let text = yaml::encode(&Value::Map(kustomization), crate::Version::V1).map_err(Diagnostic::error)?;
        let world = world.with_file(format!("{ROOT}/kustomization.yaml"), text);
        let built = build(&world, Path::new(ROOT), &BuildOptions::default())
            .map_err(|error| error.note("while patches of the release were put over what its chart renders"))?;
        // The chartify of helmfile 0.166 makes a CRD of any place one of `crds/`, which is left out without --include-crds.
        let from_templates = self.version == crate::Version::V1 && files.keys().any(|name| name.starts_with("templates/crds/"));
        let (mut objects, mut crds) = (String::new(), String::new());
        for document in &built.documents {
            let into = if document.kind == "CustomResourceDefinition" { &mut crds } else { &mut objects };
            into.push_str(&document.text);
            into.push_str("---\n");
        }
        let crds_at = if from_templates { "templates/crds/patched_crds.yaml" } else { "crds/patched_crds.yaml" };
        let made = [("templates/patched_resources.yaml", objects), (crds_at, crds)];
        Ok(made.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text.into_bytes())).collect())
    }

    /// A patch in JSON Patch: its entry, and the text of the file that it names.
    fn json_patch(&self, text: &[u8], at: usize) -> Result<(Value, Option<Vec<u8>>)> {
        let file = SourceFile::new(format!("jsonPatches[{at}]"), text);
        let read = yaml::decode_map(text, self.version).map_err(|error| yaml::place(&file, &error, "patch"))?;
        let target = read.get(b"target").unwrap_or_else(|| Value::Map(Map::new()));
        let entry = Map::from_entries([("target".into(), target)]);
        if let Some(path) = record::some_text(&read, "path") {
            entry.insert("path", Value::str(path));
            return Ok((Value::Map(entry), None));
        }
        let operations = record::list(&read, "patch");
        if operations.is_empty() {
            return Err(Diagnostic::error(format!("either \"path\" or \"patch\" must be set in {}", file.name)));
        }
        let body = yaml::encode(&Value::List(List::new(operations)), crate::Version::V1).map_err(Diagnostic::error)?;
        entry.insert("path", Value::str(format!("jsonpatches/patch.{at}.yaml")));
        Ok((Value::Map(entry), Some(body)))
    }
}

/// A chart of files that are no templates any more.
fn plain_chart(name: &str, files: BTreeMap<String, Vec<u8>>, options: &RenderOptions) -> Result<Arc<Chart>> {
    let head = format!("name: {name:?}\nversion: 1.0.0\napiVersion: v2\n");
    chart_of(head.into_bytes(), files, name, options)
}

/// The chart with what it has rendered in the place of its templates, its CRDs and its dependencies.
fn again(chart: &Chart, files: BTreeMap<String, Vec<u8>>, options: &RenderOptions) -> Result<Arc<Chart>> {
    let metadata = &chart.metadata;
    let text = |text: &str| Value::str(text);
    let entries = [
        ("apiVersion", text(if metadata.api_version.is_empty() { "v1" } else { &metadata.api_version })),
        ("name", text(&metadata.name)),
        ("version", text(&metadata.version)),
        ("appVersion", text(&metadata.app_version)),
        ("kubeVersion", text(&metadata.kube_version)),
    ];
    let entries = entries.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key.into(), value));
    let head = yaml::encode(&Value::Map(Map::from_entries(entries)), crate::Version::V1).map_err(Diagnostic::error)?;
    let mut all = files;
    if let Some(values) = &chart.values {
        all.insert("values.yaml".to_owned(), values.to_vec());
    }
    if let Some(schema) = &chart.schema {
        all.insert("values.schema.json".to_owned(), schema.to_vec());
    }
    chart_of(head, all, chart.name(), options)
}

/// A chart whose templates write files as they are: what was rendered is not executed again.
fn chart_of(head: Vec<u8>, files: BTreeMap<String, Vec<u8>>, name: &str, options: &RenderOptions) -> Result<Arc<Chart>> {
    let mut all = vec![File { name: "Chart.yaml".to_owned(), data: head.into() }];
    for (path, text) in files {
        let Some(inner) = path
            .strip_prefix("templates/")
            .map(|inner| format!("templates/{inner}"))
            .or_else(|| path.strip_prefix("charts/").map(|inner| format!("templates/charts/{inner}")))
        else {
            all.push(File { name: path, data: text.into() });
            continue;
        };
        let stub = format!("{{{{ .Files.Get \"files/{path}\" }}}}");
        all.push(File { name: inner, data: stub.into_bytes().into() });
        all.push(File { name: format!("files/{path}"), data: text.into() });
    }
    from_files(all, name, options.level)
}

/// The files that `helm template --output-dir` writes, by their paths below the chart.
fn rendered_files(rendered: &Rendered) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let is_hook = |kind: &DocumentKind| matches!(kind, DocumentKind::Hook(_));
    let ordered = rendered
        .documents
        .iter()
        .filter(|document| !is_hook(&document.kind))
        .chain(rendered.documents.iter().filter(|document| is_hook(&document.kind)));
    for document in ordered {
        let inner = document.path.split_once('/').map_or(document.path.as_str(), |(_, inner)| inner);
        let file = files.entry(inner.to_owned()).or_default();
        file.extend_from_slice(format!("---\n# Source: {}\n", document.path).as_bytes());
        file.extend_from_slice(&document.text);
        file.push(b'\n');
    }
    files
}

/// The objects of a file with a namespace for those that do not say theirs.
fn with_namespace(name: &str, text: &[u8], namespace: &str) -> Result<Vec<u8>> {
    let mut documents = hydrate_yaml::compose(text).map_err(|error| Diagnostic::error(format!("parsing yaml from {name}: {error}")))?;
    for document in &mut documents {
        let Some(metadata) = document.root.as_mut().and_then(|root| root.get_mut("metadata")) else { continue };
        if let Data::Mapping(entries) = &mut metadata.data
            && entries.iter().all(|(key, _)| key.as_str() != Some("namespace"))
        {
            entries.push((Node::string("namespace"), Node::string(namespace)));
        }
    }
    let mut out = Vec::new();
    write_documents(&documents, Dialect::V3_WIDE, &mut out).map_err(|error| Diagnostic::error(error.to_string()))?;
    Ok(out)
}

/// A world with one more file.
struct Over<'w> {
    world: &'w dyn World,
    path: PathBuf,
    text: Arc<[u8]>,
}

impl World for Over<'_> {
    fn read(&self, path: &Path) -> std::io::Result<Arc<[u8]>> {
        if path == self.path { Ok(Arc::clone(&self.text)) } else { self.world.read(path) }
    }

    fn kind(&self, path: &Path) -> std::io::Result<FileKind> {
        match path {
            path if path == self.path => Ok(FileKind::File),
            path if Some(path) == self.path.parent() => Ok(FileKind::Directory),
            path if path.parent() == self.path.parent() => Err(std::io::ErrorKind::NotFound.into()),
            path => self.world.kind(path),
        }
    }

    fn list(&self, path: &Path) -> std::io::Result<Vec<String>> {
        if Some(path) == self.path.parent() {
            return Ok(self.path.file_name().map(|name| name.to_string_lossy().into_owned()).into_iter().collect());
        }
        self.world.list(path)
    }

    fn canonical(&self, path: &Path) -> std::io::Result<PathBuf> {
        if path == self.path || Some(path) == self.path.parent() { Ok(path.to_owned()) } else { self.world.canonical(path) }
    }

    fn admit(&self, directory: &Path) {
        self.world.admit(directory);
    }

    fn now(&self) -> i128 {
        self.world.now()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.world.random(buffer);
    }

    fn is_caught(&self) -> bool {
        self.world.is_caught()
    }

    fn decide(&self, function: &'static str, inputs: String) -> Option<Vec<Option<Vec<u8>>>> {
        self.world.decide(function, inputs)
    }

    fn avoided(&self) -> Vec<Vec<u8>> {
        self.world.avoided()
    }

    fn decided(&self, answers: &[&[u8]]) {
        self.world.decided(answers);
    }

    fn secret(&self, name: &str, value: &str, is_known: bool) -> String {
        self.world.secret(name, value, is_known)
    }

    fn checksum(&self, sum: String) -> String {
        self.world.checksum(sum)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }

    fn shows_variable(&self, name: &str) -> bool {
        self.world.shows_variable(name)
    }

    fn limits(&self) -> Limits {
        self.world.limits()
    }

    fn witness(&self) -> Option<&hydrate_base::Witness> {
        self.world.witness()
    }
}
