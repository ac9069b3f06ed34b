//! Building one kustomization: its resources, generators, components, transformers and validators, in kustomize's order.
//!
//! Follows `api/internal/target` and `api/internal/accumulator` of kustomize 5.8.1.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ecow::EcoString;

use super::config::{self, Config};
use super::crds;
use super::decode::spot;
use super::errors::{Fail, FailKind, KResult, fail};
use super::explain;
use super::filters::{TRANSFORMERS, annotations, hash, namerefs, patches, variables};
use super::generators;
use super::helm::{self, HelmFlags, HelmInflator};
use super::kustomization::{COMPONENT, FieldSpec, GvkFields, Kustomization, Texts, Var};
use super::loader::Loader;
use super::openapi::Schemas;
use super::origin::Origin;
use super::parallel;
use super::plugins;
use super::read;
use super::resmap::ResMap;
use super::resource::{ORIGIN, Resource};
use super::transformer::{Fields, Step, Warnings};
use hydrate_base::SourceFile;

/// Names of kustomization files.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
const VALIDATED_BY: &str = "validated-by";

/// What all kustomizations of a build share.
pub(crate) struct Build<'b> {
    /// What is known of types.
    pub schemas: Arc<Schemas>,
    /// kustomize's own tables, made once.
    pub builtin: Config,
    /// Renders charts, if that is allowed.
    pub inflator: Option<&'b dyn HelmInflator>,
    /// What the command line says about Helm.
    pub flags: HelmFlags,
    /// Warnings so far.
    pub warnings: Warnings,
    /// Whether patches that select nothing are told.
    pub tell_unmatched: bool,
}

/// Objects, and what is needed to finish them.
pub(crate) struct Accumulator {
    /// The objects.
    pub map: ResMap,
    config: Config,
    variables: BTreeMap<EcoString, Var>,
}

impl Accumulator {
    /// Nothing yet.
    pub(crate) fn new(schemas: &Arc<Schemas>) -> Self {
        Self { map: ResMap::new(Arc::clone(schemas)), config: Config::default(), variables: BTreeMap::new() }
    }

    fn merge(&mut self, other: Self) -> KResult<()> {
        self.map.append_map(other.map)?;
        self.config.merge(other.config)?;
        other.variables.into_values().try_for_each(|variable| self.add_variable(variable))
    }

    fn add_variable(&mut self, mut variable: Var) -> KResult<()> {
        if self.variables.contains_key(&variable.name) {
            return fail(format!("var '{}' already encountered", variable.name));
        }
        if variable.field.field_path.is_empty() {
            variable.field.field_path = "metadata.name".into();
        }
        variable.object.gvk = variable.object.full_gvk();
        self.variables.insert(variable.name.clone(), variable);
        Ok(())
    }

    fn merge_variables(&mut self, variables: &[Var]) -> KResult<()> {
        for variable in variables {
            let wanted = variable.object.id();
            let anywhere = wanted.namespace.is_empty();
            let found = self.map.find_any(&wanted.name, |id| if anywhere { wanted.same_object(id) } else { wanted.same(id) })?;
            match found.as_slice() {
                [] => {}
                [at] => {
                    if let Some(res) = self.map.one_mut(*at) {
                        res.variables.push(variable.name.clone());
                    }
                }
                many => {
                    let text = variables::variable_text(variable);
                    return fail(format!("found {} resId matches for var {text} (unable to disambiguate)", many.len()));
                }
            }
        }
        variables.iter().try_for_each(|variable| self.add_variable(variable.clone()))
    }
}

/// A kustomization that is being built.
pub(crate) struct Target<'t, 'w> {
    build: &'t Build<'t>,
    loader: Loader<'w>,
    /// What the file says.
    pub kustomization: Kustomization,
    file: Arc<SourceFile>,
    file_name: String,
    origin: Option<Origin>,
    /// The namespace of the kustomizations above, for charts.
    helm_namespace: EcoString,
}

impl<'t, 'w> Target<'t, 'w> {
    /// Reads the kustomization file in the loader's root.
    pub(crate) fn load(build: &'t Build<'t>, loader: Loader<'w>) -> KResult<Self> {
        let there: Vec<&str> = FILE_NAMES.into_iter().filter(|name| loader.has(name)).collect();
        let root = loader.root().display().to_string();
        let name = match there.as_slice() {
            [name] => *name,
            [] => {
                return fail(format!(
                    "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{root}'"
                ));
            }
            _ => return fail(format!("Found multiple kustomization files under: {root}\n")),
        };
        let file = loader.load(name)?;
        Self::of_file(build, loader, file, name)
    }

    /// A kustomization whose file has been read already.
    pub(crate) fn of_file(build: &'t Build<'t>, loader: Loader<'w>, file: Arc<SourceFile>, name: &str) -> KResult<Self> {
        let root = loader.root().display().to_string();
        let kustomization = Kustomization::read(&file, &root, &mut build.warnings.borrow_mut())?;
        Ok(Self { build, loader, kustomization, file, file_name: name.to_owned(), origin: None, helm_namespace: EcoString::new() })
    }

    /// Takes the `openapi` field into account.
    pub(crate) fn set_schema(&self, root: bool) -> KResult<()> {
        let options = self.kustomization.openapi.as_ref();
        let custom = options.and_then(|options| options.get("path")).map(|path| self.loader.load(path)).transpose();
        let set = custom.and_then(|custom| self.build.schemas.set(options, custom.as_ref().map(|file| &*file.text), root));
        set.map_err(|error| spot(error, &self.file, "openapi", None))
    }

    /// Builds the outermost kustomization: everything that is done once at the end as well.
    pub(crate) fn finish(&mut self, first: Vec<Resource>) -> KResult<Accumulator> {
        if self.kustomization.build_metadata.as_ref().is_some_and(|options| !options.is_empty()) {
            self.origin = Some(Origin::default());
        }
        let mut accumulator = Accumulator::new(&self.build.schemas);
        accumulator.map.append_all(first)?;
        let mut accumulator = self.accumulate(accumulator)?;
        let witness = self.loader.world().witness();
        let before = witness.map(|_| explain::objects(&accumulator.map));
        hash::apply(&mut accumulator.map)?;
        namerefs::apply(&mut accumulator.map, &accumulator.config.name_reference)?;
        let unused = variables::apply(&mut accumulator.map, &accumulator.variables, &accumulator.config.fields(&variables::FIELDS))?;
        if !unused.is_empty() {
            self.build.warnings.borrow_mut().push(format!("well-defined vars that were never replaced: {}", unused.join(",")));
        }
        if let Some((witness, before)) = witness.zip(before) {
            witness.note(explain::StepTaken::new(&self.file, explain::NAMES, None, before, &accumulator.map));
        }
        drop_local(&mut accumulator.map)?;
        Ok(accumulator)
    }

    fn accumulate(&mut self, accumulator: Accumulator) -> KResult<Accumulator> {
        let resources = self.kustomization.resources.take().unwrap_or_default();
        let accumulator =
            self.add_resources(accumulator, &resources).map_err(|error| self.here(error, &resources).wrap("accumulating resources"))?;
        let mut accumulator = self.add_config(accumulator)?;
        self.generate(&mut accumulator)?;
        let components = self.kustomization.components.take().unwrap_or_default();
        let mut accumulator =
            self.add_components(accumulator, &components).map_err(|error| self.here(error, &components).wrap("accumulating components"))?;
        self.transform(&mut accumulator).map_err(|error| error.at(&self.file, 0..0))?;
        self.validate(&mut accumulator)?;
        let variables = self.kustomization.vars.take().unwrap_or_default();
        accumulator.merge_variables(&variables).map_err(|error| spot(error.wrap("merging vars"), &self.file, "vars", None))?;
        Ok(accumulator)
    }

    /// Points at the entry of a list that an error mentions.
    fn here(&self, error: Fail, entries: &[EcoString]) -> Fail {
        let mentioned = entries.iter().find(|entry| error.text().contains(entry.as_str()));
        let at = mentioned.and_then(|entry| memchr::memmem::find(&self.file.text, entry.as_bytes()).map(|at| at..at + entry.len()));
        error.at(&self.file, at.unwrap_or(0..0))
    }

    fn add_config(&self, mut accumulator: Accumulator) -> KResult<Accumulator> {
        let mut own = self.build.builtin.clone();
        let mut read = Config::default();
        for (at, path) in self.kustomization.configurations.iter().flatten().enumerate() {
            let file = self.loader.load(path).map_err(|error| spot(error, &self.file, "configurations", Some(at)))?;
            read.merge(Config::read(&file).map_err(|error| config::in_file(error, &file))?)?;
        }
        own.merge(read)?;
        accumulator.config.merge(own).map_err(|error| error.wrap("merging config"))?;
        let crds = self.kustomization.crds.as_deref().unwrap_or_default();
        let from_crds = crds::load(&self.loader, crds)
            .map_err(|error| spot(error.wrap(format!("loading CRDs [{}]", crds.join(" "))), &self.file, "crds", None))?;
        accumulator.config.merge(from_crds).map_err(|error| error.wrap("merging CRDs"))?;
        Ok(accumulator)
    }

    // ---- resources and components

    fn add_resources(&mut self, mut accumulator: Accumulator, paths: &[EcoString]) -> KResult<Accumulator> {
        for path in paths {
            let as_file = match self.add_file(&mut accumulator, path) {
                Ok(()) => continue,
                Err(error) if error.kind() == FailKind::Remote => return Err(error),
                Err(error) => error,
            };
            let loader = match self.loader.base(path) {
                Ok(loader) => loader,
                Err(_) if as_file.kind() == FailKind::MalformedYaml => return Err(as_file),
                Err(error) => return Err(error.wrap(format!("accumulation err='{}'", as_file.text()))),
            };
            let added = self.add_directory(accumulator, loader, path, false);
            accumulator = added.map_err(|error| error.wrap(format!("accumulation err='{}'", as_file.text())))?;
        }
        Ok(accumulator)
    }

    fn add_file(&self, accumulator: &mut Accumulator, path: &str) -> KResult<()> {
        let wrap = |error: Fail| error.wrap(format!("accumulating resources from '{path}'"));
        let file = self.loader.load(path).map_err(wrap)?;
        let list = read::resources(&file.text).map_err(|error| wrap(patches::in_file(error, path)))?;
        let mut map = ResMap::from_list(&self.build.schemas, list).map_err(wrap)?;
        if let Some(origin) = &self.origin {
            let text = origin.append(path).text()?;
            let entries = Texts::from([(ORIGIN.into(), text.into())]);
            let spec = FieldSpec { path: "metadata/annotations".into(), create: true, gvk: GvkFields::default() };
            annotations::apply(&mut map, &entries, &[spec])?;
        }
        let shown: Arc<str> = Arc::from(file.name.as_str());
        map.same_list_mut().iter_mut().for_each(|res| res.file = Some(Arc::clone(&shown)));
        accumulator.map.append_map(map).map_err(|error| error.wrap(format!("merging resources from '{path}'")))
    }

    fn add_components(&mut self, mut accumulator: Accumulator, paths: &[EcoString]) -> KResult<Accumulator> {
        for path in paths {
            let loader = self.loader.base(path).map_err(|error| error.reword(|text| format!("loader.New {text:?}")))?;
            let added = self.add_directory(accumulator, loader, path, true);
            accumulator = added.map_err(|error| error.reword(|text| format!("accumulateDirectory: {text:?}")))?;
        }
        Ok(accumulator)
    }

    fn add_directory(&mut self, mut accumulator: Accumulator, loader: Loader<'w>, path: &str, component: bool) -> KResult<Accumulator> {
        let root = loader.root().display().to_string();
        let mut base = Target::load(self.build, loader).map_err(|error| error.wrap(format!("couldn't make target for path '{root}'")))?;
        base.kustomization.build_metadata.clone_from(&self.kustomization.build_metadata);
        base.origin = self.origin.as_ref().map(|origin| origin.append(path));
        base.helm_namespace = match self.kustomization.namespace.as_str() {
            "" => self.helm_namespace.clone(),
            namespace => namespace.into(),
        };
        base.set_schema(false)?;
        match (component, base.kustomization.kind == COMPONENT) {
            (true, false) => {
                return fail(format!("expected kind '{COMPONENT}' for path '{root}' but got '{}'", base.kustomization.kind));
            }
            (false, true) => return fail(format!("expected kind != '{COMPONENT}' for path '{root}'")),
            _ => {}
        }
        let recursed = |error: Fail| error.wrap(format!("recursed accumulation of path '{root}'"));
        let merged = |error: Fail| error.wrap(format!("recursed merging from path '{root}'"));
        let start = Accumulator::new(&self.build.schemas);
        if component {
            // A component works on what its kustomization has so far.
            let mut result = start;
            result.merge(base.accumulate(accumulator).map_err(recursed)?).map_err(merged)?;
            return Ok(result);
        }
        accumulator.merge(base.accumulate(start).map_err(recursed)?).map_err(merged)?;
        Ok(accumulator)
    }

    // ---- generators

    fn generate(&mut self, accumulator: &mut Accumulator) -> KResult<()> {
        for (name, list) in self.builtin_generators()? {
            let origin = self.origin.as_ref().map(|origin| origin.builtin(&self.file_name, name));
            self.absorb(accumulator, list, origin, name)?;
        }
        let generators = self.kustomization.generators.take().unwrap_or_default();
        if generators.is_empty() {
            return Ok(());
        }
        let configs = self.configs(&generators).map_err(|error| error.wrap("loading generator plugins"))?;
        for config in configs.list() {
            let generated = plugins::generate(config, &configs, &self.context());
            let list = generated.map_err(|error| error.wrap("loading generator plugins: failed to load generator"))?;
            self.absorb(accumulator, list, Origin::plugin(config), config.kind())?;
        }
        Ok(())
    }

    fn context(&self) -> plugins::Context<'_, 'w> {
        plugins::Context { loader: &self.loader, inflator: self.build.inflator, flags: &self.build.flags }
    }

    fn absorb(&self, accumulator: &mut Accumulator, mut list: Vec<Resource>, origin: Option<Origin>, name: &str) -> KResult<()> {
        if let Some(origin) = origin {
            origin.mark_generated(&mut list)?;
        }
        let shown: Arc<str> = Arc::from(self.file.name.as_str());
        list.iter_mut().for_each(|res| res.file = Some(Arc::clone(&shown)));
        let absorbed = ResMap::from_list(&self.build.schemas, list).and_then(|mut map| accumulator.map.absorb_all(map.take()));
        absorbed.map_err(|error| error.wrap(format!("merging from generator {name}")).at(&self.file, 0..0))
    }

    fn builtin_generators(&self) -> KResult<Vec<(&'static str, Vec<Resource>)>> {
        let k = &self.kustomization;
        let mut generated = Vec::new();
        for (at, args) in k.config_map_generator.iter().flatten().enumerate() {
            let mut args = args.clone();
            args.options = generators::merge_options(args.options, k.generator_options.as_ref());
            let res =
                generators::config_map(&self.loader, &args).map_err(|error| spot(error, &self.file, "configMapGenerator", Some(at)))?;
            generated.push(("ConfigMapGenerator", vec![res]));
        }
        for (at, secret) in k.secret_generator.iter().flatten().enumerate() {
            let mut secret = secret.clone();
            secret.args.options = generators::merge_options(secret.args.options, k.generator_options.as_ref());
            let res = generators::secret(&self.loader, &secret).map_err(|error| spot(error, &self.file, "secretGenerator", Some(at)))?;
            generated.push(("SecretGenerator", vec![res]));
        }
        for (at, chart) in k.helm_charts.iter().flatten().enumerate() {
            let mut chart = chart.clone();
            if chart.namespace.is_empty() {
                chart.namespace = if k.namespace.is_empty() { self.helm_namespace.clone() } else { k.namespace.clone() };
            }
            let globals = k.helm_globals.clone().unwrap_or_default();
            let list = helm::generate(&self.loader, &globals, &chart, &self.build.flags, self.build.inflator);
            let wrap = |error: Fail| error.wrap("trouble configuring builtin HelmChartInflationGenerator with config");
            let place = |error: Fail| spot(error, &self.file, "helmCharts", Some(at));
            generated.push(("HelmChartInflationGenerator", list.map_err(wrap).map_err(place)?));
        }
        Ok(generated)
    }

    /// The configurations of plugins: objects in place, or paths of files and directories with them.
    fn configs(&mut self, entries: &[EcoString]) -> KResult<ResMap> {
        let mut accumulator = Accumulator::new(&self.build.schemas);
        let mut paths = Vec::new();
        for entry in entries {
            let inline = read::resources(entry.as_bytes()).and_then(|list| ResMap::from_list(&self.build.schemas, list));
            match inline {
                Err(_) => paths.push(entry.clone()),
                Ok(mut map) => {
                    if let Some(origin) = &self.origin {
                        let text = origin.append(&self.file_name).text()?;
                        map.list_mut().iter_mut().for_each(|res| res.annotate(ORIGIN, &text));
                    }
                    accumulator.map.append_all(map.take())?;
                }
            }
        }
        Ok(self.add_resources(accumulator, &paths)?.map)
    }

    // ---- transformers

    fn transform(&mut self, accumulator: &mut Accumulator) -> KResult<()> {
        let mut steps = self.builtin_transformers(&accumulator.config)?;
        let transformers = self.kustomization.transformers.take().unwrap_or_default();
        steps.extend(self.external_transformers(&transformers, "transformers")?);
        let witness = self.loader.world().witness();
        for Step { run, origin, field, entry } in steps {
            let before = witness.map(|_| explain::objects(&accumulator.map));
            run(&mut accumulator.map).map_err(|error| spot(error, &self.file, field, entry))?;
            if let Some((witness, before)) = witness.zip(before) {
                witness.note(explain::StepTaken::new(&self.file, field, entry, before, &accumulator.map));
            }
            if let Some(origin) = origin {
                origin.mark_transformed(accumulator.map.same_list_mut())?;
            }
            accumulator.map.drop_empties();
        }
        Ok(())
    }

    fn external_transformers(&mut self, entries: &[EcoString], field: &'static str) -> KResult<Vec<Step>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let configs = self.configs(entries).map_err(|error| spot(error, &self.file, field, None))?;
        let context = self.context();
        let step = |config: &Resource| {
            let run = plugins::transformer(config, &configs, &context).map_err(|error| spot(error, &self.file, field, None))?;
            Ok(Step { run, origin: Origin::plugin(config), field, entry: None })
        };
        configs.list().iter().map(step).collect()
    }

    /// What the fields of the kustomization ask for.
    fn builtin_transformers(&mut self, config: &Config) -> KResult<Vec<Step>> {
        let unmatched = self.build.tell_unmatched.then(|| Rc::clone(&self.build.warnings));
        let (kustomization, loader, file) = (&mut self.kustomization, &self.loader, &self.file);
        let mut fields = Fields { kustomization, config, loader, file, unmatched };
        let mut steps = Vec::new();
        for transformer in TRANSFORMERS {
            let Some(of_fields) = transformer.of_fields else { continue };
            let origin = self.origin.as_ref().map(|origin| origin.builtin(&self.file_name, transformer.kind));
            steps.extend(of_fields(&mut fields)?.into_iter().map(|step| Step { origin: origin.clone(), ..step }));
        }
        Ok(steps)
    }

    fn validate(&mut self, accumulator: &mut Accumulator) -> KResult<()> {
        let validators = self.kustomization.validators.take().unwrap_or_default();
        for Step { run, .. } in self.external_transformers(&validators, "validators")? {
            let mut before = accumulator.map.clone();
            run(&mut accumulator.map).map_err(|error| spot(error, &self.file, "validators", None))?;
            let mut after = accumulator.map.clone();
            for res in after.list_mut() {
                let mut labels = res.labels();
                if labels.remove(VALIDATED_BY).is_some() {
                    super::tree::set_meta_map(&mut res.node, "labels", &labels)?;
                }
            }
            let same =
                before.list().len() == after.list().len() && before.list_mut().iter().zip(after.list()).all(|(a, b)| a.yaml() == b.yaml());
            if !same {
                return fail("validator shouldn't modify the resource map");
            }
        }
        Ok(())
    }
}

/// Drops objects that are configuration for tools only.
fn drop_local(map: &mut ResMap) -> KResult<()> {
    parallel::try_map(map.list(), |res| if res.is_gone() { Ok(()) } else { read::check_metadata(&res.node) })?;
    map.list_mut().retain(|res| !res.is_gone() && res.annotation(LOCAL_CONFIG).is_none_or(|value| value == "false"));
    Ok(())
}
