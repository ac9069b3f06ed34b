//! Generators, transformers and validators that have files of their own: kustomize's builtin plugins. Others would be programs, and
//! are refused.
//!
//! Follows `api/internal/plugins/loader` and `api/internal/builtins` of kustomize 5.8.1.

use std::rc::Rc;

use ecow::EcoString;

use super::decode::{Conf, Mode, Record, record};
use super::errors::{Fail, KResult, fail};
use super::filters::{annotations, hash, images, labels, names, namespace, patches, replacements, replicas, value_add};
use super::generators;
use super::helm::{self, HelmFlags, HelmInflator};
use super::kustomization::{
    FieldSpec, HelmChart, HelmGlobals, Image, ObjectMeta, Patch, PatchArgs, Replacement, Replica, SecretArgs, Selector, Texts,
};
use super::loader::Loader;
use super::resmap::ResMap;
use super::resource::Resource;
use super::write;
use hydrate_base::SourceFile;
use hydrate_yaml::node::Node;

record! {
    /// `AnnotationsTransformer`, `LabelTransformer`
    pub(crate) Entries {
        "annotations" annotations: Texts,
        "labels" labels: Texts,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

record! {
    /// `ConfigMapGenerator`, `SecretGenerator`
    pub(crate) Generator {
        "metadata" metadata: ObjectMeta,
        ..args: SecretArgs, "The entry of a kustomization file."
    }
}

record! {
    /// `HelmChartInflationGenerator`
    pub(crate) Helm {
        "chartHome" chart_home: EcoString,
        "configHome" config_home: EcoString,
        ..chart: HelmChart, "The entry of a kustomization file."
    }
}

record! {
    /// Name and, for service accounts of clusters, namespace; name and project for those of the cloud.
    pub(crate) Account {
        "name" name: EcoString,
        "namespace" namespace: EcoString,
        "projectId" project: EcoString,
    }
}

record! {
    /// `IAMPolicyGenerator`
    pub(crate) IamPolicy {
        "cloud" cloud: EcoString,
        "kubernetesService" kubernetes: Account,
        "serviceAccount" service: Account,
    }
}

record! {
    /// `ImageTagTransformer`
    pub(crate) ImageTag {
        "imageTag" image: Image,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

record! {
    /// `NamespaceTransformer`
    pub(crate) NamespacePlugin {
        "metadata" metadata: ObjectMeta,
        "fieldSpecs" specs: Vec<FieldSpec>,
        "unsetOnly" unset_only: bool,
        "setRoleBindingSubjects" subjects: EcoString,
    }
}

record! {
    /// `PatchTransformer`, `PatchJson6902Transformer`, `PatchStrategicMergeTransformer`
    pub(crate) Patches {
        "path" path: EcoString,
        "patch" patch: EcoString,
        "jsonOp" json: EcoString,
        "target" target: Option<Selector>,
        "options" options: Option<PatchArgs>,
        "paths" paths: Vec<EcoString>,
        "patches" patches: EcoString,
    }
}

record! {
    /// `PrefixTransformer`, `SuffixTransformer`
    pub(crate) Affix {
        "prefix" prefix: EcoString,
        "suffix" suffix: EcoString,
        "fieldSpecs" specs: Option<Vec<FieldSpec>>,
    }
}

record! {
    /// `ReplacementTransformer`
    pub(crate) ReplacementPlugin {
        "replacements" replacements: Vec<Replacement>,
    }
}

record! {
    /// `ReplicaCountTransformer`
    pub(crate) ReplicaPlugin {
        "replica" replica: Replica,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

record! {
    /// `ValueAddTransformer`
    pub(crate) ValueAdd {
        "value" value: EcoString,
        "targets" targets: Vec<value_add::Target>,
        "targetFilePath" target_file: EcoString,
    }
}

/// What plugins need beyond their configuration.
pub(crate) struct Context<'c, 'w> {
    /// Loads the files they name.
    pub loader: &'c Loader<'w>,
    /// Renders charts, if that is allowed.
    pub inflator: Option<&'c dyn HelmInflator>,
    /// What the command line says about Helm.
    pub flags: &'c HelmFlags,
}

/// The configuration of a plugin, ready to be decoded.
struct Config {
    file: std::sync::Arc<SourceFile>,
    node: Node,
}

impl Config {
    fn new(res: &Resource) -> KResult<Self> {
        let text = write::to_yaml(&res.node)?;
        let file = SourceFile::new(res.kind(), text.into_bytes());
        let node = super::read::first_document(&file.text)?.unwrap_or_else(|| Node::mapping(Vec::new()));
        Ok(Self { file, node })
    }

    fn read<T: Record>(&self) -> KResult<T> {
        Conf::new(&self.node, &self.file, Mode::Loose).record()
    }
}

fn check_builtin(res: &Resource, id: &super::ids::ResId) -> KResult<()> {
    let gvk = res.gvk();
    if gvk.group.is_empty() && gvk.version == "builtin" {
        return Ok(());
    }
    let error = Fail::new(format!("external plugins disabled; unable to load external plugin '{}'", id.gvk.kind));
    Err(error
        .help("hydrate runs kustomize's builtin plugins only: container and exec functions, Go plugins and Starlark are not supported"))
}

fn configured<T>(res: &Resource, map: &ResMap, configure: impl FnOnce(&Config) -> KResult<T>) -> KResult<T> {
    let id = res.org_id(map.schemas())?;
    check_builtin(res, &id)?;
    configure(&Config::new(res)?).map_err(|error| error.wrap(format!("plugin {id} fails configuration")))
}

/// Runs a generator.
pub(crate) fn generate(res: &Resource, map: &ResMap, context: &Context<'_, '_>) -> KResult<Vec<Resource>> {
    configured(res, map, |config| match res.kind() {
        "ConfigMapGenerator" => generators::config_map(context.loader, &generator(config)?.args).map(|res| vec![res]),
        "SecretGenerator" => generators::secret(context.loader, &generator(config)?).map(|res| vec![res]),
        "HelmChartInflationGenerator" => {
            let plugin: Helm = config.read()?;
            let globals = HelmGlobals { chart_home: plugin.chart_home, config_home: plugin.config_home };
            helm::generate(context.loader, &globals, &plugin.chart, context.flags, context.inflator)
        }
        "IAMPolicyGenerator" => iam_policy(&config.read()?),
        kind if is_transformer(kind) => fail(format!("plugin {} not a generator", res.gvk())),
        _ => fail(format!("unable to load builtin {}", res.gvk())),
    })
}

fn generator(config: &Config) -> KResult<SecretArgs> {
    let Generator { metadata, mut args } = config.read()?;
    if args.args.name.is_empty() {
        args.args.name = metadata.name;
    }
    if args.args.namespace.is_empty() {
        args.args.namespace = metadata.namespace;
    }
    // The old name of `envs` is not read here.
    args.args.env = EcoString::new();
    Ok(args)
}

fn iam_policy(policy: &IamPolicy) -> KResult<Vec<Resource>> {
    if policy.cloud != "gke" {
        return fail(format!("cloud provider {} not supported yet", policy.cloud));
    }
    let account = format!("{}@{}.iam.gserviceaccount.com", policy.service.name, policy.service.project);
    let annotations = Node::mapping(vec![(Node::string("iam.gke.io/gcp-service-account"), super::tree::bare(account))]);
    let mut meta =
        vec![(Node::string("annotations"), annotations), (Node::string("name"), super::tree::bare(policy.kubernetes.name.clone()))];
    if !policy.kubernetes.namespace.is_empty() {
        meta.push((Node::string("namespace"), super::tree::bare(policy.kubernetes.namespace.clone())));
    }
    Ok(vec![Resource::new(Node::mapping(vec![
        (Node::string("apiVersion"), Node::string("v1")),
        (Node::string("kind"), Node::string("ServiceAccount")),
        (Node::string("metadata"), Node::mapping(meta)),
    ]))])
}

fn is_transformer(kind: &str) -> bool {
    matches!(
        kind,
        "AnnotationsTransformer"
            | "HashTransformer"
            | "ImageTagTransformer"
            | "LabelTransformer"
            | "NamespaceTransformer"
            | "PatchJson6902Transformer"
            | "PatchStrategicMergeTransformer"
            | "PatchTransformer"
            | "PrefixSuffixTransformer"
            | "PrefixTransformer"
            | "SuffixTransformer"
            | "ReplacementTransformer"
            | "ReplicaCountTransformer"
            | "ValueAddTransformer"
    )
}

/// A configured transformer.
pub(crate) type Transform = Box<dyn Fn(&mut ResMap) -> KResult<()>>;

/// Configures a transformer.
pub(crate) fn transformer(res: &Resource, map: &ResMap, context: &Context<'_, '_>) -> KResult<Transform> {
    configured(res, map, |config| match res.kind() {
        "AnnotationsTransformer" => {
            let plugin: Entries = config.read()?;
            Ok(Box::new(move |map: &mut ResMap| annotations::apply(map, &plugin.annotations, &plugin.specs)) as Transform)
        }
        "LabelTransformer" => {
            let plugin: Entries = config.read()?;
            Ok(Box::new(move |map: &mut ResMap| labels::apply(map, &plugin.labels, &plugin.specs)))
        }
        "HashTransformer" => Ok(Box::new(hash::apply)),
        "ImageTagTransformer" => {
            let plugin: ImageTag = config.read()?;
            Ok(Box::new(move |map: &mut ResMap| images::apply(map, &plugin.image, &plugin.specs)))
        }
        "NamespaceTransformer" => namespace_plugin(config.read()?),
        "PatchTransformer" | "PatchJson6902Transformer" | "PatchStrategicMergeTransformer" => {
            patch_plugin(res.kind(), config.read()?, context.loader)
        }
        "PrefixTransformer" => affix(config.read()?, &[names::End::Start]),
        "SuffixTransformer" => affix(config.read()?, &[names::End::Finish]),
        "PrefixSuffixTransformer" => affix(config.read()?, &[names::End::Start, names::End::Finish]),
        "ReplacementTransformer" => {
            let plugin: ReplacementPlugin = config.read()?;
            let all = load_replacements(context.loader, &plugin.replacements)?;
            Ok(Box::new(move |map: &mut ResMap| replacements::apply(map, &all)))
        }
        "ReplicaCountTransformer" => {
            let plugin: ReplicaPlugin = config.read()?;
            Ok(Box::new(move |map: &mut ResMap| replicas::apply(map, &plugin.replica, &plugin.specs)))
        }
        "ValueAddTransformer" => value_add_plugin(config.read()?, context.loader),
        "ConfigMapGenerator" | "SecretGenerator" | "HelmChartInflationGenerator" | "IAMPolicyGenerator" => {
            fail(format!("plugin {} not a transformer", res.gvk()))
        }
        _ => fail(format!("unable to load builtin {}", res.gvk())),
    })
}

fn namespace_plugin(plugin: NamespacePlugin) -> KResult<Transform> {
    let subjects = namespace::Subjects::parse(&plugin.subjects)?;
    Ok(Box::new(move |map: &mut ResMap| {
        let name = plugin.metadata.namespace.clone();
        namespace::Namespace { namespace: name, specs: &plugin.specs, unset_only: plugin.unset_only, subjects }.apply(map)
    }))
}

fn patch_plugin(kind: &str, plugin: Patches, loader: &Loader<'_>) -> KResult<Transform> {
    match kind {
        "PatchTransformer" => {
            let patch = Patch { path: plugin.path, patch: plugin.patch, target: plugin.target, options: plugin.options };
            let loaded = patches::Loaded::entry(loader, &patch)?;
            Ok(Box::new(move |map: &mut ResMap| loaded.apply(map)))
        }
        "PatchJson6902Transformer" => {
            let patch = Patch { path: plugin.path, patch: plugin.json, target: plugin.target, options: None };
            let loaded = patches::load_json6902(loader, &patch)?;
            Ok(Box::new(move |map: &mut ResMap| loaded.apply(map)))
        }
        _ => {
            if plugin.paths.is_empty() && plugin.patches.is_empty() {
                return fail("empty file path and empty patch content");
            }
            let mut all = Vec::new();
            for path in &plugin.paths {
                all.extend(patches::load_strategic(loader, path)?);
            }
            all.extend(super::read::resources(plugin.patches.as_bytes())?);
            if all.is_empty() {
                return fail(format!("patch appears to be empty; files=[{}], Patch={}", plugin.paths.join(" "), plugin.patches));
            }
            Ok(Box::new(move |map: &mut ResMap| patches::apply_all_strategic(map, &all)))
        }
    }
}

fn affix(plugin: Affix, ends: &'static [names::End]) -> KResult<Transform> {
    let Some(specs) = plugin.specs else { return fail("fieldSpecs is not expected to be nil") };
    let text = move |end| if end == names::End::Start { plugin.prefix.clone() } else { plugin.suffix.clone() };
    Ok(Box::new(move |map: &mut ResMap| ends.iter().try_for_each(|end| names::apply(map, &text(*end), *end, &specs))))
}

fn value_add_plugin(plugin: ValueAdd, loader: &Loader<'_>) -> KResult<Transform> {
    let mut value = plugin.value.trim().to_owned();
    if value.is_empty() {
        value = loader.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    }
    let mut targets = plugin.targets;
    if !plugin.target_file.is_empty() {
        let file = loader.load(&plugin.target_file)?;
        if let Some(node) = super::read::first_document(&file.text)? {
            targets.extend(Conf::new(&node, &file, Mode::Loose).record::<ValueAdd>()?.targets);
        }
    }
    if targets.is_empty() {
        return fail("must specify at least one target");
    }
    for target in &targets {
        if target.field_path.is_empty() {
            return fail("fieldPath cannot be empty");
        }
        if target.position < 0 {
            return fail(format!("value of FilePathPosition ({}) cannot be negative", target.position));
        }
    }
    let targets = Rc::new(targets);
    Ok(Box::new(move |map: &mut ResMap| targets.iter().try_for_each(|target| value_add::apply(map, &value, target))))
}

/// Replacements, those in files read.
pub(crate) fn load_replacements(loader: &Loader<'_>, entries: &[Replacement]) -> KResult<Vec<Replacement>> {
    let mut all = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            all.push(entry.clone());
            continue;
        }
        if entry.source.is_some() || entry.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            return fail("cannot specify both path and inline replacement");
        }
        let file = loader.load(&entry.path)?;
        let Some(node) = super::read::first_document(&file.text)? else {
            return fail("unsupported replacement type encountered within replacement path: invalid");
        };
        let conf = Conf::new(&node, &file, Mode::Loose);
        match super::tree::kind(&node) {
            super::tree::NodeKind::Sequence => all.extend(conf.value::<Vec<Replacement>>()?),
            super::tree::NodeKind::Mapping => all.push(conf.record()?),
            super::tree::NodeKind::Scalar => return fail("unsupported replacement type encountered within replacement path: string"),
        }
    }
    Ok(all)
}
