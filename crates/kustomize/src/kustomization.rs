//! The kustomization file: what can be in it, how it is read, and which old fields stand for which new ones.
//!
//! Follows `api/types/kustomization.go` of kustomize 5.8.1.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecow::EcoString;

use super::anchors::first_document;
use super::decode::{Conf, Mode, record};
use super::errors::{Fail, KResult, fail};
use super::ids::{Gvk, ResId};
use super::ranks::default_rank;
use hydrate_base::SourceFile;
use hydrate_yaml::node::Node;

/// Texts by name.
pub(crate) type Texts = BTreeMap<EcoString, EcoString>;

record! {
    /// Group, version and kind in a configuration.
    pub(crate) GvkFields {
        "group" group: EcoString,
        "version" version: EcoString,
        "kind" kind: EcoString,
    }
}

impl GvkFields {
    /// The order of configuration entries.
    pub(crate) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |fields: &Self| default_rank(&fields.kind);
        rank(self).cmp(&rank(other)).then_with(|| self.gvk().sort_text().cmp(&other.gvk().sort_text()))
    }

    /// As an identity's part.
    pub(crate) fn gvk(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }
}

record! {
    /// Which objects: every part is a regular expression for all of the object's part.
    pub(crate) Selector {
        "name" name: EcoString,
        "namespace" namespace: EcoString,
        "annotationSelector" annotations: EcoString,
        "labelSelector" labels: EcoString,
        ..gvk: GvkFields, "Group, version and kind."
    }
}

impl Selector {
    /// The parts that name an object.
    pub(crate) fn id(&self) -> ResId {
        ResId { gvk: self.gvk.gvk(), name: self.name.clone(), namespace: self.namespace.clone(), cluster_scoped: false }
    }
}

record! {
    /// Where a field is, in objects of which kind.
    pub(crate) FieldSpec {
        "path" path: EcoString,
        "create" create: bool,
        ..gvk: GvkFields, "The kinds that have it."
    }
}

record! {
    /// `metadata` of the kustomization, and of builtin plugins.
    pub(crate) ObjectMeta {
        "name" name: EcoString,
        "namespace" namespace: EcoString,
        "labels" labels: Texts,
        "annotations" annotations: Texts,
    }
}

record! {
    /// An entry of `labels`.
    pub(crate) Label {
        "pairs" pairs: Texts,
        "includeSelectors" include_selectors: bool,
        "includeTemplates" include_templates: bool,
        "fields" fields: Vec<FieldSpec>,
    }
}

record! {
    /// What a patch may do beyond its fields.
    pub(crate) PatchArgs {
        "allowNameChange" allow_name_change: bool,
        "allowKindChange" allow_kind_change: bool,
    }
}

record! {
    /// An entry of `patches` or `patchesJson6902`.
    pub(crate) Patch {
        "path" path: EcoString,
        "patch" patch: EcoString,
        "target" target: Option<Selector>,
        "options" options: Option<PatchArgs>,
    }
}

record! {
    /// An entry of `images`.
    pub(crate) Image {
        "name" name: EcoString,
        "newName" new_name: EcoString,
        "tagSuffix" tag_suffix: EcoString,
        "newTag" new_tag: EcoString,
        "digest" digest: EcoString,
    }
}

record! {
    /// How the text of a field is taken apart.
    pub(crate) FieldOptions {
        "delimiter" delimiter: EcoString,
        "index" index: i64,
        "encoding" encoding: EcoString,
        "create" create: bool,
    }
}

record! {
    /// Where a replacement's value is from.
    pub(crate) SourceSelector {
        "name" name: EcoString,
        "namespace" namespace: EcoString,
        "fieldPath" field_path: EcoString,
        "options" options: Option<FieldOptions>,
        ..gvk: GvkFields, "Group, version and kind."
    }
}

record! {
    /// Where a replacement's value goes.
    pub(crate) TargetSelector {
        "select" select: Option<Selector>,
        "reject" reject: Vec<Selector>,
        "fieldPaths" field_paths: Vec<EcoString>,
        "options" options: Option<FieldOptions>,
    }
}

record! {
    /// An entry of `replacements`.
    pub(crate) Replacement {
        "source" source: Option<SourceSelector>,
        "targets" targets: Option<Vec<TargetSelector>>,
        "sourceValue" source_value: Option<EcoString>,
        "path" path: EcoString,
    }
}

record! {
    /// An entry of `replicas`.
    pub(crate) Replica {
        "name" name: EcoString,
        "count" count: i64,
    }
}

record! {
    /// The object a variable reads.
    pub(crate) VarTarget {
        "apiVersion" api_version: EcoString,
        "name" name: EcoString,
        "namespace" namespace: EcoString,
        ..gvk: GvkFields, "Group, version and kind."
    }
}

impl VarTarget {
    /// Group, version and kind; those of `apiVersion` count where it is there.
    pub(crate) fn full_gvk(&self) -> GvkFields {
        let mut gvk = self.gvk.clone();
        match self.api_version.split('/').collect::<Vec<_>>().as_slice() {
            [""] => {}
            [version] => gvk.version = (*version).into(),
            [group, version] => (gvk.group, gvk.version) = ((*group).into(), (*version).into()),
            _ => {}
        }
        gvk
    }

    /// The identity of the object.
    pub(crate) fn id(&self) -> ResId {
        ResId { gvk: self.full_gvk().gvk(), name: self.name.clone(), namespace: self.namespace.clone(), cluster_scoped: false }
    }
}

record! {
    /// The field a variable reads.
    pub(crate) FieldSelector {
        "fieldPath" field_path: EcoString,
    }
}

record! {
    /// An entry of `vars`.
    pub(crate) Var {
        "name" name: EcoString,
        "objref" object: VarTarget,
        "fieldref" field: FieldSelector,
    }
}

record! {
    /// The kinds that `legacy` sorts first and last.
    pub(crate) LegacySortOptions {
        "orderFirst" order_first: Vec<EcoString>,
        "orderLast" order_last: Vec<EcoString>,
    }
}

record! {
    /// `sortOptions`
    pub(crate) SortOptions {
        "order" order: EcoString,
        "legacySortOptions" legacy: Option<LegacySortOptions>,
    }
}

record! {
    /// Options of generated objects.
    pub(crate) GeneratorOptions {
        "labels" labels: Texts,
        "annotations" annotations: Texts,
        "disableNameSuffixHash" disable_hash: bool,
        "immutable" immutable: bool,
    }
}

record! {
    /// An entry of `configMapGenerator` or `secretGenerator`; only the latter has a type.
    pub(crate) GeneratorArgs {
        "namespace" namespace: EcoString,
        "name" name: EcoString,
        "behavior" behavior: EcoString,
        "literals" literals: Vec<EcoString>,
        "files" files: Vec<EcoString>,
        "envs" envs: Vec<EcoString>,
        "env" env: EcoString,
        "options" options: Option<GeneratorOptions>,
    }
}

record! {
    /// An entry of `secretGenerator`.
    pub(crate) SecretArgs {
        "type" kind: EcoString,
        ..args: GeneratorArgs, "What it shares with config maps."
    }
}

record! {
    /// `helmGlobals`
    pub(crate) HelmGlobals {
        "chartHome" chart_home: EcoString,
        "configHome" config_home: EcoString,
    }
}

record! {
    /// An entry of `helmCharts`.
    pub HelmChart {
        "name" name: EcoString,
        "version" version: EcoString,
        "repo" repo: EcoString,
        "releaseName" release_name: EcoString,
        "namespace" namespace: EcoString,
        "additionalValuesFiles" additional_values_files: Vec<EcoString>,
        "valuesFile" values_file: EcoString,
        "valuesInline" values_inline: Option<Node>,
        "valuesMerge" values_merge: EcoString,
        "includeCRDs" include_crds: bool,
        "skipHooks" skip_hooks: bool,
        "apiVersions" api_versions: Vec<EcoString>,
        "kubeVersion" kube_version: EcoString,
        "nameTemplate" name_template: EcoString,
        "skipTests" skip_tests: bool,
        "debug" debug: bool,
        "devel" devel: bool,
    }
}

record! {
    /// An entry of the old `helmChartInflationGenerator`.
    pub(crate) HelmChartArgs {
        "chartName" chart_name: EcoString,
        "chartVersion" chart_version: EcoString,
        "chartRepoUrl" chart_repo_url: EcoString,
        "chartHome" chart_home: EcoString,
        "chartRepoName" chart_repo_name: EcoString,
        "helmBin" helm_bin: EcoString,
        "helmHome" helm_home: EcoString,
        "values" values: EcoString,
        "valuesLocal" values_local: Option<Node>,
        "valuesMerge" values_merge: EcoString,
        "releaseName" release_name: EcoString,
        "releaseNamespace" release_namespace: EcoString,
        "extraArgs" extra_args: Vec<EcoString>,
    }
}

record! {
    /// All of a kustomization file. A list that is there and empty differs from one that is not there.
    pub(crate) Kustomization {
        "kind" kind: EcoString,
        "apiVersion" api_version: EcoString,
        "metadata" metadata: Option<ObjectMeta>,
        "openapi" openapi: Option<Texts>,
        "namePrefix" name_prefix: EcoString,
        "nameSuffix" name_suffix: EcoString,
        "namespace" namespace: EcoString,
        "commonLabels" common_labels: Option<Texts>,
        "labels" labels: Option<Vec<Label>>,
        "commonAnnotations" common_annotations: Option<Texts>,
        "patchesStrategicMerge" patches_strategic_merge: Option<Vec<EcoString>>,
        "patchesJson6902" patches_json6902: Option<Vec<Patch>>,
        "patches" patches: Option<Vec<Patch>>,
        "images" images: Option<Vec<Image>>,
        "imageTags" image_tags: Option<Vec<Image>>,
        "replacements" replacements: Option<Vec<Replacement>>,
        "replicas" replicas: Option<Vec<Replica>>,
        "vars" vars: Option<Vec<Var>>,
        "sortOptions" sort_options: Option<SortOptions>,
        "resources" resources: Option<Vec<EcoString>>,
        "components" components: Option<Vec<EcoString>>,
        "crds" crds: Option<Vec<EcoString>>,
        "bases" bases: Option<Vec<EcoString>>,
        "configMapGenerator" config_map_generator: Option<Vec<GeneratorArgs>>,
        "secretGenerator" secret_generator: Option<Vec<SecretArgs>>,
        "helmGlobals" helm_globals: Option<HelmGlobals>,
        "helmCharts" helm_charts: Option<Vec<HelmChart>>,
        "helmChartInflationGenerator" helm_chart_inflation_generator: Option<Vec<HelmChartArgs>>,
        "generatorOptions" generator_options: Option<GeneratorOptions>,
        "configurations" configurations: Option<Vec<EcoString>>,
        "generators" generators: Option<Vec<EcoString>>,
        "transformers" transformers: Option<Vec<EcoString>>,
        "validators" validators: Option<Vec<EcoString>>,
        "buildMetadata" build_metadata: Option<Vec<EcoString>>,
    }
}

/// The kind of a component.
pub(crate) const COMPONENT: &str = "Component";

const KUSTOMIZATION: &str = "Kustomization";

const FIX: &str = "Run 'kustomize edit fix' to update your Kustomization automatically.";

impl Kustomization {
    /// Reads the first document of a file; warnings about old fields are added to `warnings`. `root` is its directory, for errors.
    pub(crate) fn read(file: &Arc<SourceFile>, root: &str, warnings: &mut Vec<String>) -> KResult<Self> {
        let invalid = |error: Fail| error.wrap("invalid Kustomization");
        let node = first_document(&file.text).map_err(|error| error.at(file, 0..0)).map_err(invalid)?;
        let mut read = match &node {
            None => Self::default(),
            Some(node) => Conf::new(node, file, Mode::Kustomization).value::<Self>().map_err(invalid)?,
        };
        warnings.extend(read.old_fields());
        read.fix();
        if read.is_empty() {
            return Err(Fail::new("kustomization.yaml is empty").at(file, 0..0));
        }
        read.check_kind(root).map_err(|error| error.at(file, 0..0))?;
        Ok(read)
    }

    fn old_fields(&self) -> Vec<String> {
        let warning = |there: bool, old: &str, new: &str, before: &str| {
            there.then(|| format!("# Warning: '{old}' is deprecated. Please use '{new}' instead. {before}{FIX}"))
        };
        [
            warning(self.bases.is_some(), "bases", "resources", ""),
            warning(self.common_labels.is_some(), "commonLabels", "labels", ""),
            warning(self.image_tags.is_some(), "imageTags", "images", ""),
            warning(self.patches_json6902.is_some(), "patchesJson6902", "patches", ""),
            warning(self.patches_strategic_merge.is_some(), "patchesStrategicMerge", "patches", ""),
            warning(self.vars.is_some(), "vars", "replacements", "[EXPERIMENTAL] "),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Fills in kind and version and moves what old fields hold to the new ones.
    fn fix(&mut self) {
        if self.kind.is_empty() {
            self.kind = KUSTOMIZATION.into();
        }
        if self.api_version.is_empty() {
            self.api_version = self.wanted_version().into();
        }
        append(&mut self.resources, self.bases.take());
        append(&mut self.images, self.image_tags.take());
        let secrets = self.secret_generator.iter_mut().flatten().map(|secret| &mut secret.args);
        for args in self.config_map_generator.iter_mut().flatten().chain(secrets) {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
        self.fix_helm();
    }

    fn fix_helm(&mut self) {
        let Some(old) = self.helm_chart_inflation_generator.take() else { return };
        let last =
            |field: fn(&HelmChartArgs) -> &EcoString| old.iter().map(field).rfind(|text| !text.is_empty()).cloned().unwrap_or_default();
        let globals = HelmGlobals { chart_home: last(|chart| &chart.chart_home), config_home: last(|chart| &chart.helm_home) };
        if self.helm_globals.is_none() && !(globals.chart_home.is_empty() && globals.config_home.is_empty()) {
            self.helm_globals = Some(globals);
        }
        let charts = old.into_iter().map(|old| HelmChart {
            name: old.chart_name,
            version: old.chart_version,
            repo: old.chart_repo_url,
            values_file: old.values,
            values_inline: old.values_local,
            values_merge: old.values_merge,
            release_name: old.release_name,
            ..HelmChart::default()
        });
        append(&mut self.helm_charts, Some(charts.collect()));
    }

    fn wanted_version(&self) -> &'static str {
        if self.kind == COMPONENT { "kustomize.config.k8s.io/v1alpha1" } else { "kustomize.config.k8s.io/v1beta1" }
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.name_prefix, &self.name_suffix, &self.namespace];
        let there = [
            self.metadata.is_some(),
            self.openapi.is_some(),
            self.common_labels.is_some(),
            self.labels.is_some(),
            self.common_annotations.is_some(),
            self.patches_strategic_merge.is_some(),
            self.patches_json6902.is_some(),
            self.patches.is_some(),
            self.images.is_some(),
            self.replacements.is_some(),
            self.replicas.is_some(),
            self.vars.is_some(),
            self.sort_options.is_some(),
            self.resources.is_some(),
            self.components.is_some(),
            self.crds.is_some(),
            self.config_map_generator.is_some(),
            self.secret_generator.is_some(),
            self.helm_globals.is_some(),
            self.helm_charts.is_some(),
            self.generator_options.is_some(),
            self.configurations.is_some(),
            self.generators.is_some(),
            self.transformers.is_some(),
            self.validators.is_some(),
            self.build_metadata.is_some(),
        ];
        texts.iter().all(|text| text.is_empty()) && !there.contains(&true)
    }

    fn check_kind(&self, root: &str) -> KResult<()> {
        let mut errors = Vec::new();
        if self.kind != KUSTOMIZATION && self.kind != COMPONENT {
            errors.push(format!("kind should be {KUSTOMIZATION} or {COMPONENT}"));
        }
        let wanted = self.wanted_version();
        if self.api_version != wanted {
            errors.push(format!("apiVersion for {} should be {wanted}", self.kind));
        }
        if errors.is_empty() { Ok(()) } else { fail(format!("Failed to read kustomization file under {root}:\n{}", errors.join("\n"))) }
    }

    /// Whether `buildMetadata` asks for something.
    pub(crate) fn wants(&self, option: &str) -> bool {
        self.build_metadata.iter().flatten().any(|wanted| wanted == option)
    }
}

/// Go's `append`: nothing appended to nothing stays nothing.
fn append<T>(list: &mut Option<Vec<T>>, more: Option<Vec<T>>) {
    match (list, more) {
        (Some(list), Some(more)) => list.extend(more),
        (list @ None, Some(more)) if !more.is_empty() => *list = Some(more),
        _ => {}
    }
}
