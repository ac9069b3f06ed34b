//! Generators, transformers and validators that have files of their own: kustomize's builtin plugins. Others would be programs, and
//! are refused.
//!
//! Follows `api/internal/plugins/loader` and `api/internal/builtins` of kustomize 5.8.1.

use ecow::EcoString;

use super::decode::record;
use super::errors::{Fail, KResult, fail};
use super::filters::TRANSFORMERS;
use super::generators;
use super::helm::{self, HelmFlags, HelmInflator};
use super::kustomization::{HelmChart, HelmGlobals, ObjectMeta, SecretArgs};
use super::loader::Loader;
use super::resmap::ResMap;
use super::resource::Resource;
use super::transformer::{PluginFile, Transform, Transformer};
use hydrate_yaml::node::Node;

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

/// What plugins need beyond their configuration.
pub(crate) struct Context<'c, 'w> {
    /// Loads the files they name.
    pub loader: &'c Loader<'w>,
    /// Renders charts, if that is allowed.
    pub inflator: Option<&'c dyn HelmInflator>,
    /// What the command line says about Helm.
    pub flags: &'c HelmFlags,
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

/// Makes something of the configuration of a builtin plugin.
fn configured<T>(res: &Resource, map: &ResMap, loader: &Loader<'_>, make: impl FnOnce(&PluginFile<'_, '_>) -> KResult<T>) -> KResult<T> {
    let id = res.org_id(map.schemas())?;
    check_builtin(res, &id)?;
    make(&PluginFile::new(res, loader)?).map_err(|error| error.wrap(format!("plugin {id} fails configuration")))
}

type Generate = fn(&PluginFile<'_, '_>, &Context<'_, '_>) -> KResult<Vec<Resource>>;

/// The generators, by kind.
const GENERATORS: &[(&str, Generate)] = &[
    ("ConfigMapGenerator", |file, context| Ok(vec![generators::config_map(context.loader, &generator(file)?.args)?])),
    ("SecretGenerator", |file, context| Ok(vec![generators::secret(context.loader, &generator(file)?)?])),
    ("HelmChartInflationGenerator", inflate),
    ("IAMPolicyGenerator", |file, _| iam_policy(&file.read()?)),
];

fn generator_of(kind: &str) -> Option<Generate> {
    GENERATORS.iter().find(|(name, _)| *name == kind).map(|(_, generate)| *generate)
}

fn transformer_of(kind: &str) -> Option<&'static Transformer> {
    TRANSFORMERS.iter().find(|transformer| transformer.kind == kind)
}

/// Runs a generator.
pub(crate) fn generate(res: &Resource, map: &ResMap, context: &Context<'_, '_>) -> KResult<Vec<Resource>> {
    configured(res, map, context.loader, |file| match generator_of(res.kind()) {
        Some(generate) => generate(file, context),
        None if transformer_of(res.kind()).is_some() => fail(format!("plugin {} not a generator", res.gvk())),
        None => fail(format!("unable to load builtin {}", res.gvk())),
    })
}

/// Configures a transformer.
pub(crate) fn transformer(res: &Resource, map: &ResMap, context: &Context<'_, '_>) -> KResult<Transform> {
    configured(res, map, context.loader, |file| match transformer_of(res.kind()) {
        Some(transformer) => (transformer.of_file)(file),
        None if generator_of(res.kind()).is_some() => fail(format!("plugin {} not a transformer", res.gvk())),
        None => fail(format!("unable to load builtin {}", res.gvk())),
    })
}

fn inflate(file: &PluginFile<'_, '_>, context: &Context<'_, '_>) -> KResult<Vec<Resource>> {
    let plugin: Helm = file.read()?;
    let globals = HelmGlobals { chart_home: plugin.chart_home, config_home: plugin.config_home };
    helm::generate(context.loader, &globals, &plugin.chart, context.flags, context.inflator)
}

fn generator(file: &PluginFile<'_, '_>) -> KResult<SecretArgs> {
    let Generator { metadata, mut args } = file.read()?;
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
