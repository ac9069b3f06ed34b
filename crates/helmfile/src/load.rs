//! A helmfile with its parts, bases and environment values.
//!
//! Follows `pkg/app/desired_state_file_loader.go`, `pkg/app/two_pass_renderer.go`, `pkg/state/create.go` and
//! `pkg/policy/checker.go` of helmfile 1.7 and 0.166.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_gotmpl::{List, Map, Value};

use crate::data::{self, Overrides};
use crate::environment::{self, DEFAULT, Environment};
use crate::environment_values::{self, Strategy};
use crate::inherits::Inherited;
use crate::merge::override_values;
use crate::render::{self, Renderer, Settings};
use crate::schema::{self, Merge, STATE};
use crate::sources::{Remotes, is_remote};
use crate::storage::Storage;
use crate::{Version, paths, record};

/// What is said besides errors.
#[derive(Default)]
pub(crate) struct Messages {
    /// Warnings.
    pub warnings: RefCell<Vec<Box<Diagnostic>>>,
    /// The parts of helmfiles as they were read, with what templates gave.
    pub parts: RefCell<Vec<(PathBuf, Arc<SourceFile>)>>,
}

impl Messages {
    pub(crate) fn warn(&self, warning: Box<Diagnostic>) {
        self.warnings.borrow_mut().push(warning);
    }
}

/// What all helmfiles of a run have in common.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub world: &'a dyn World,
    pub remotes: &'a dyn Remotes,
    pub settings: &'a Settings,
    /// What shown paths are relative to.
    pub root: &'a Path,
    /// The environment that was chosen.
    pub environment: &'a str,
    /// What the command line puts in the place of what helmfiles say.
    pub overrides: &'a Overrides,
    pub messages: &'a Messages,
}

/// A helmfile, read.
#[derive(Clone)]
pub(crate) struct State {
    /// The struct, with what its bases and parts say.
    pub fields: Map,
    pub environment: Environment,
    /// What templates see as `.Values`.
    pub values: Map,
    pub file: PathBuf,
    /// What its paths are relative to.
    pub base: PathBuf,
    /// What releases are selected by.
    pub selectors: Vec<String>,
}

/// How a helmfile is loaded that another one names.
#[derive(Clone, Default)]
pub(crate) struct LoadOptions {
    pub selectors: Vec<String>,
    /// Values in the place of those of the environment: paths and maps.
    pub values: Vec<Value>,
    /// What those paths are relative to.
    pub callee: PathBuf,
    /// What `--state-values-set` says.
    pub set: Option<Map>,
    pub inherited: Inherited,
}

/// Why a helmfile is not used.
pub(crate) enum NotLoaded {
    /// It does not have the environment that was chosen.
    UndefinedEnvironment(Box<Diagnostic>),
    Error(Box<Diagnostic>),
}

impl From<Box<Diagnostic>> for NotLoaded {
    fn from(error: Box<Diagnostic>) -> Self {
        Self::Error(error)
    }
}

type Loaded<T> = std::result::Result<T, NotLoaded>;

impl<'a> Context<'a> {
    pub(crate) fn version(&self) -> Version {
        self.settings.version
    }

    pub(crate) fn storage<'s>(&self, base: &'s Path) -> Storage<'s>
    where
        'a: 's,
    {
        Storage { world: self.world, remotes: self.remotes, base, root: self.root, messages: self.messages }
    }

    /// A file as it is used: one that ends in `.gotmpl` is executed with this data, in its own directory.
    pub(crate) fn executed(&self, path: &Path, data: impl FnOnce() -> Result<Value>) -> Result<Arc<SourceFile>> {
        let file = render::read(self.world, path, self.root)?;
        if path.extension().is_none_or(|extension| extension != "gotmpl") {
            return Ok(file);
        }
        let text = self.renderer(path.parent().unwrap_or(Path::new("/"))).render(&file, &data()?)?;
        Ok(SourceFile::new(file.name.clone(), text))
    }

    pub(crate) fn renderer<'s>(&self, base: &'s Path) -> Renderer<'s>
    where
        'a: 's,
    {
        Renderer { world: self.world, settings: self.settings, base, root: self.root }
    }

    /// Loads a helmfile.
    pub(crate) fn load(&self, file: &Path, options: &LoadOptions) -> Loaded<State> {
        let overrides = self.values_from_outside(options)?;
        let base = file.parent().unwrap_or(Path::new("/"));
        let mut state = self.load_file(options.inherited.environment.as_ref(), overrides.as_ref(), base, file, true, &mut Vec::new())?;
        options.inherited.fill(&state.fields);
        self.put_overrides(&mut state)?;
        state.selectors.clone_from(&options.selectors);
        Ok(state)
    }

    fn values_from_outside(&self, options: &LoadOptions) -> Result<Option<Environment>> {
        if options.values.is_empty() && options.set.is_none() {
            return Ok(None);
        }
        let mut overrides = Environment::new(self.environment);
        let mut entries = options.values.clone();
        if self.version() == Version::V0 {
            entries.extend(options.set.iter().map(|set| Value::Map(set.clone())));
        } else {
            overrides.overrides = options.set.clone().unwrap_or_default();
        }
        let base = options.callee.parent().unwrap_or(Path::new("/"));
        let none = Environment::new(self.environment);
        overrides.values = environment_values::load(self, base, Some("Error"), &entries, Some(&none), Strategy::Override)?;
        Ok(Some(overrides))
    }

    fn put_overrides(&self, state: &mut State) -> Result<()> {
        let given = [
            ("kubeContext", &self.overrides.kube_context, "--kube-context"),
            ("namespace", &self.overrides.namespace, "--namespace"),
            ("chart", &self.overrides.chart, "--chart"),
        ];
        for (key, value, flag) in given {
            if value.is_empty() {
                continue;
            }
            if record::some_text(&state.fields, key).is_some() {
                return Err(Diagnostic::error(format!("err: Cannot use option {flag} and set attribute {key}.")));
            }
            state.fields.insert(key, Value::str(value.as_str()));
            if key == "kubeContext" {
                let defaults = record::shallow(&record::map(&state.fields, "helmDefaults"));
                defaults.insert(key, Value::str(value.as_str()));
                state.fields.insert("helmDefaults", Value::Map(defaults));
            }
        }
        Ok(())
    }

    fn load_file(
        &self,
        inherited: Option<&Environment>,
        overrides: Option<&Environment>,
        base: &Path,
        path: &Path,
        has_bases: bool,
        loading: &mut Vec<PathBuf>,
    ) -> Loaded<State> {
        if loading.iter().any(|open| open == path) {
            let cycle: Vec<String> = loading.iter().chain([&path.to_owned()]).map(|path| paths::shown(path, self.root)).collect();
            return Err(Diagnostic::error(format!("helmfiles are the bases of each other: {}", cycle.join(" -> "))).into());
        }
        let file = render::read(self.world, path, self.root)?;
        loading.push(path.to_owned());
        let state = self.load_parts(inherited, overrides, base, &file, path, has_bases, loading);
        loading.pop();
        let state = state?;
        for nested in record::maps(&state.fields, "helmfiles") {
            if paths::join(base, &record::text(&nested, "path")) == path {
                return Err(Diagnostic::error(format!("{} names itself in its helmfiles", file.name)).into());
            }
        }
        Ok(state)
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is what a file is loaded with")]
    fn load_parts(
        &self,
        inherited: Option<&Environment>,
        overrides: Option<&Environment>,
        base: &Path,
        file: &Arc<SourceFile>,
        path: &Path,
        has_bases: bool,
        loading: &mut Vec<PathBuf>,
    ) -> Loaded<State> {
        let text = without_carriage_returns(&file.text);
        self.check_order(file, &text)?;
        let has_environment = inherited.is_some() || overrides.is_some();
        let mut environment = inherited.cloned();
        let mut whole: Option<State> = None;
        let is_template = path.extension().is_some_and(|extension| extension == "gotmpl");
        let renders = is_template
            || self.version() == Version::V0
            || self.world.shows_variable("HELMFILE_RENDER_YAML")
                && self.world.variable("HELMFILE_RENDER_YAML").is_some_and(|value| value == "true");
        for part in split_parts(&text) {
            let part = part_of(file, &text, part);
            let content = if renders { self.render_part(environment.as_ref(), overrides, base, &part)? } else { part };
            self.messages.parts.borrow_mut().push((path.to_owned(), Arc::clone(&content)));
            let merged = environment::merge(environment.as_ref(), overrides, self.version());
            let state = self.parse_and_load(&content, base, path, merged.as_ref(), has_bases, loading)?;
            let state = match whole.take() {
                None => state,
                Some(before) => self.joined(before, state),
            };
            environment = Some(state.environment.clone());
            let specs = record::map(&state.fields, "environments");
            let name = state.environment.name.clone();
            let is_missing = has_bases && !specs.is_empty() && name != DEFAULT && !specs.entries().contains_key(name.as_bytes());
            whole = Some(state);
            if is_missing {
                return Err(NotLoaded::UndefinedEnvironment(self.undefined(file, &name, &specs)));
            }
        }
        let state = whole.ok_or_else(|| Diagnostic::error(format!("{} is empty", file.name)))?;
        let specs = record::map(&state.fields, "environments");
        if specs.is_empty() && has_bases && !has_environment && state.environment.name != DEFAULT {
            return Err(NotLoaded::UndefinedEnvironment(self.undefined(file, &state.environment.name, &specs)));
        }
        self.check_strategies(file, &state)?;
        Ok(state)
    }

    fn undefined(&self, file: &Arc<SourceFile>, name: &str, specs: &Map) -> Box<Diagnostic> {
        let error = Diagnostic::error(format!("environment \"{name}\" is not defined in {}", file.name));
        let names: Vec<String> = specs.entries().keys().map(|name| name.to_str_lossy().into_owned()).collect();
        match names.is_empty() {
            true => error.help(format!("write `environments: {{{name}: {{}}}}` in a document of its own before the releases")),
            false => error.help(format!("it has {}", names.join(", "))),
        }
    }

    fn check_strategies(&self, file: &Arc<SourceFile>, state: &State) -> Result<()> {
        for release in record::maps(&state.fields, "releases") {
            let strategy = record::text(&release, "updateStrategy");
            if !matches!(strategy.as_str(), "" | "reinstallIfForbidden") {
                return Err(Diagnostic::error(format!("updateStrategy {strategy:?} is invalid in {}", file.name))
                    .help("it is reinstallIfForbidden, or left out"));
            }
        }
        Ok(())
    }

    /// The first part with the second over it: mergo's merge with `WithOverride`.
    fn joined(&self, before: State, state: State) -> State {
        schema::merge(&before.fields, &state.fields, &STATE, Merge { overwrite: true, append: false });
        let (old, new) = (&before.environment, &state.environment);
        let text = |old: &str, new: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
        let environment = Environment {
            name: text(&old.name, &new.name),
            kube_context: text(&old.kube_context, &new.kube_context),
            values: override_values(&old.values, &new.values),
            defaults: override_values(&old.defaults, &new.defaults),
            overrides: override_values(&old.overrides, &new.overrides),
        };
        State { environment, values: state.values, ..before }
    }

    fn render_part(
        &self,
        inherited: Option<&Environment>,
        overrides: Option<&Environment>,
        base: &Path,
        part: &Arc<SourceFile>,
    ) -> Result<Arc<SourceFile>> {
        let version = self.version();
        let none = Environment::new(self.environment);
        let inherited = match (inherited, overrides) {
            (None, None) => Some(&none),
            (inherited, _) => inherited,
        };
        let seen = match version {
            Version::V1 => environment::merge(inherited, overrides, version),
            Version::V0 => self.after_first_pass(inherited, overrides, base, part),
        };
        let seen = seen.unwrap_or(none.clone());
        let values = seen.merged_values(version);
        let data = data::of_environment(&seen, &self.overrides.namespace, &values, version);
        let rendered = self.renderer(base).render(part, &data)?;
        Ok(SourceFile::new(part.name.clone(), rendered))
    }

    /// What the first of two passes says of the environment; what fails in it is passed over.
    fn after_first_pass(
        &self,
        inherited: Option<&Environment>,
        overrides: Option<&Environment>,
        base: &Path,
        part: &Arc<SourceFile>,
    ) -> Option<Environment> {
        let version = self.version();
        let first = inherited.map(Environment::deep_copy);
        let seen = environment::merge(first.as_ref(), overrides, version).unwrap_or_default();
        let data = data::of_environment(&seen, &self.overrides.namespace, &Map::new(), version);
        let found = self.renderer(base).first_pass(part, &data).and_then(|text| {
            let text = String::from_utf8_lossy(&text).replace("<no value>", "");
            let file = SourceFile::new(part.name.clone(), text.into_bytes());
            let fields = self.parse(&file, true).ok().filter(|fields| record::list(fields, "bases").is_empty())?;
            let quiet = Messages::default();
            let context = Context { messages: &quiet, ..*self };
            context.environment_of(&fields, base, first.as_ref(), overrides, true).ok()
        });
        let merged = match &found {
            Some(found) => environment::merge(inherited, Some(found), version),
            None => environment::merge(inherited, first.as_ref(), version),
        };
        environment::merge(merged.as_ref(), overrides, version)
    }

    /// The struct that a text says, all of its YAML documents together.
    fn parse(&self, file: &Arc<SourceFile>, is_lenient: bool) -> Result<Map> {
        let version = self.version();
        let how = Merge { overwrite: version == Version::V1, append: true };
        let whole = Map::new();
        let documents = if is_lenient { schema::read_known(file, &STATE, version)? } else { schema::read(file, &STATE, version)? };
        for document in documents {
            schema::merge(&whole, &document, &STATE, how);
        }
        if version == Version::V0 {
            self.rename_deprecated(file, &whole)?;
        }
        Ok(whole)
    }

    /// `charts` and `context` of before 1.0.
    fn rename_deprecated(&self, file: &Arc<SourceFile>, fields: &Map) -> Result<()> {
        let charts = record::list(fields, "charts");
        if !charts.is_empty() {
            if !record::list(fields, "releases").is_empty() {
                return Err(Diagnostic::error(format!(
                    "failed to parse {}: you can't specify both `charts` and `releases` sections",
                    file.name
                )));
            }
            fields.insert("releases", Value::List(List::new(charts)));
            fields.remove(b"charts");
        }
        if let Some(context) = record::some_text(fields, "context") {
            let defaults = record::shallow(&record::map(fields, "helmDefaults"));
            if record::some_text(&defaults, "kubeContext").is_none() {
                defaults.insert("kubeContext", Value::str(context));
                fields.insert("helmDefaults", Value::Map(defaults));
            }
        }
        Ok(())
    }

    fn parse_and_load(
        &self,
        file: &Arc<SourceFile>,
        base: &Path,
        path: &Path,
        environment: Option<&Environment>,
        has_bases: bool,
        loading: &mut Vec<PathBuf>,
    ) -> Loaded<State> {
        let fields = self.parse(file, false)?;
        let bases = record::texts(&fields, "bases");
        if !has_bases && !bases.is_empty() {
            return Err(Diagnostic::error(format!(
                "{} is the base of another helmfile and has bases itself, which helmfile does not support",
                file.name
            ))
            .into());
        }
        let fields = if has_bases { self.with_bases(fields, &bases, environment, base, loading)? } else { fields };
        let environment = self.environment_of(&fields, base, environment, None, false)?;
        let values = environment.merged_values(self.version());
        let state = State { fields, environment, values, file: path.to_owned(), base: base.to_owned(), selectors: Vec::new() };
        let helmfiles = self.expanded_helmfiles(&state)?;
        state.fields.insert("helmfiles", Value::List(List::new(helmfiles)));
        Ok(state)
    }

    fn with_bases(
        &self,
        fields: Map,
        bases: &[String],
        environment: Option<&Environment>,
        base: &Path,
        loading: &mut Vec<PathBuf>,
    ) -> Loaded<Map> {
        let Some((first, rest)) = bases.split_first() else { return Ok(fields) };
        let whole = self.load_base(first, environment, base, loading)?;
        for next in rest {
            self.add_layer(&whole, &self.load_base(next, environment, base, loading)?);
        }
        self.add_layer(&whole, &fields);
        Ok(whole)
    }

    fn load_base(&self, name: &str, environment: Option<&Environment>, base: &Path, loading: &mut Vec<PathBuf>) -> Loaded<Map> {
        let path = if is_remote(name) { self.remotes.file(name)? } else { paths::join(base, name) };
        Ok(self.load_file(environment, None, base, &path, false, loading)?.fields)
    }

    /// Lays a helmfile over its base.
    fn add_layer(&self, whole: &Map, layer: &Map) {
        let version = self.version();
        let overwrite = version == Version::V1;
        if version == Version::V1 {
            let environments = joined_environments(&record::map(whole, "environments"), &record::map(layer, "environments"));
            let layer = record::shallow(layer);
            layer.remove(b"environments");
            schema::merge(whole, &layer, &STATE, Merge { overwrite, append: true });
            whole.insert("environments", Value::Map(environments));
        } else {
            schema::merge(whole, layer, &STATE, Merge { overwrite, append: true });
        }
    }

    /// The environment with its values.
    fn environment_of(
        &self,
        fields: &Map,
        base: &Path,
        context: Option<&Environment>,
        overrides: Option<&Environment>,
        must_exist: bool,
    ) -> Result<Environment> {
        let version = self.version();
        let specs = record::map(fields, "environments");
        let spec = specs.get(self.environment.as_bytes()).and_then(|spec| if let Value::Map(spec) = spec { Some(spec) } else { None });
        let mut own = Environment::new(self.environment);
        match &spec {
            Some(spec) => {
                let entries = record::list(spec, "values");
                let handler = record::some_text(spec, "missingFileHandler");
                let strategy = Strategy::parse(self.environment, &record::text(spec, "mergeStrategy"))?;
                let seen = match version {
                    Version::V0 => context.cloned(),
                    Version::V1 => environment::merge(context, overrides, version),
                };
                let secrets = environment_values::secrets(self, base, fields, spec)?;
                let entries: Vec<Value> = secrets.hcl.iter().cloned().chain(entries).collect();
                own.values = environment_values::load(self, base, handler.as_deref(), &entries, seen.as_ref(), strategy)?;
                own.values = override_values(&own.values, &secrets.values);
                own.kube_context = record::text(spec, "kubeContext");
            }
            None if must_exist && context.is_none() && overrides.is_none() && self.environment != DEFAULT => {
                return Err(Diagnostic::error(format!("environment \"{}\" is not defined", self.environment)));
            }
            None => {}
        }
        let mut merged = match context {
            None => own,
            Some(context) if version == Version::V0 => environment::over(context, &own, version),
            Some(context) => {
                let mut merged = environment::over(context, &own, version);
                merged.overrides.clone_from(&context.overrides);
                if !context.name.is_empty() {
                    merged.name.clone_from(&context.name);
                }
                if !context.kube_context.is_empty() {
                    merged.kube_context.clone_from(&context.kube_context);
                }
                merged
            }
        };
        if let Some(overrides) = overrides {
            let (name, kube_context) = (merged.name.clone(), merged.kube_context.clone());
            merged = environment::over(&merged, overrides, version);
            if version == Version::V1 {
                (merged.name, merged.kube_context) = (name, kube_context);
            }
        }
        let defaults = environment_values::load(self, base, None, &record::list(fields, "values"), context, Strategy::Override)?;
        merged.defaults = override_values(&merged.defaults, &defaults);
        Ok(merged)
    }

    /// The nested helmfiles, patterns replaced by what they match.
    fn expanded_helmfiles(&self, state: &State) -> Result<Vec<Value>> {
        let storage = self.storage(&state.base);
        let mut all = Vec::new();
        for nested in record::maps(&state.fields, "helmfiles") {
            let given = record::text(&nested, "path");
            if is_remote(&given) {
                all.push(Value::Map(nested));
                continue;
            }
            let found = paths::glob(self.world, &storage.normalized(&given))
                .map_err(|error| Diagnostic::error(format!("failed processing {given}: {error}")))?;
            if found.is_empty() {
                let handler = record::some_text(&state.fields, "missingFileHandler").unwrap_or_else(|| match self.version() {
                    Version::V0 => "Warn".to_owned(),
                    Version::V1 => "Error".to_owned(),
                });
                let file = paths::shown(&state.file, self.root);
                let text = format!("no matches for path: {given} of {file}");
                if handler == "Error" {
                    return Err(
                        Diagnostic::error(text).help("correct the path, or let `missingFileHandler` be Warn where it may be missing")
                    );
                }
                self.messages.warn(Diagnostic::warning(text));
            }
            for path in found {
                let copy = record::shallow(&nested);
                let shown = if given.starts_with('/') { path } else { paths::relative(&state.base, &path) };
                copy.insert("path", Value::str(shown.to_string_lossy().as_ref()));
                all.push(Value::Map(copy));
            }
        }
        Ok(all)
    }

    /// The order of keys that helmfile insists on.
    fn check_order(&self, file: &Arc<SourceFile>, text: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(text);
        let mut keys: Vec<&str> = Vec::new();
        for line in text.lines() {
            let line = line.trim_end();
            match line.split_once(':') {
                Some((key, _)) if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphabetic()) => keys.push(key),
                _ if line == "---" => keys.push("---"),
                _ => {}
            }
        }
        let is_strict = self.version() == Version::V1;
        let complain = |error: Box<Diagnostic>| {
            if is_strict {
                return Err(error);
            }
            self.messages.warn(Diagnostic::warning(error.message));
            Ok(())
        };
        if keys.iter().all(|key| *key == "---") {
            return complain(Diagnostic::error(format!("no top-level config keys are found in {}", file.name)));
        }
        let rank = |key: &&str| match *key {
            "bases" | "environments" => Some(0),
            "releases" => Some(1),
            _ => None,
        };
        let ordered: Vec<(&str, u8)> = keys.iter().filter_map(|key| Some((*key, rank(key)?))).collect();
        if let Some(((before, _), (after, _))) = ordered.iter().zip(ordered.iter().skip(1)).find(|((_, before), (_, after))| before > after)
        {
            return complain(Diagnostic::error(format!("top-level config key {after} must be defined before {before} in {}", file.name)));
        }
        let mut seen: Vec<&str> = Vec::new();
        for key in keys.iter().filter(|key| ["environments", "releases", "---"].contains(key)) {
            if *key == "---" || !seen.contains(key) {
                seen.push(key);
            }
        }
        if seen.iter().zip(seen.iter().skip(1)).any(|(before, after)| *before != "---" && *after != "---") {
            return complain(
                Diagnostic::error(format!("environments and releases cannot be defined within the same YAML part in {}", file.name))
                    .help("put `---` between them: what stands before it is seen by the templates behind it"),
            );
        }
        Ok(())
    }
}

/// Environments of a base with those of what stands on it: their values one after the other.
fn joined_environments(base: &Map, layer: &Map) -> Map {
    let whole = record::shallow(base);
    for (name, spec) in layer.entries().iter() {
        let (Some(Value::Map(old)), Value::Map(new)) = (whole.get(name.as_bytes()), spec) else {
            whole.insert(name.clone(), spec.clone());
            continue;
        };
        let merged = record::shallow(&old);
        new.entries().iter().for_each(|(key, value)| {
            if !value.is_empty() || key.as_bytes().starts_with(b"missing") {
                merged.insert(key.clone(), value.clone());
            }
        });
        let is_fallback = record::text(&merged, "mergeStrategy") == "fallback";
        let (first, second) = if is_fallback { (new, &old) } else { (&old, new) };
        let values: Vec<Value> = record::list(first, "values").into_iter().chain(record::list(second, "values")).collect();
        let secrets: Vec<Value> = record::list(&old, "secrets").into_iter().chain(record::list(new, "secrets")).collect();
        merged.insert("values", Value::List(List::new(values)));
        merged.insert("secrets", Value::List(List::new(secrets)));
        whole.insert(name.clone(), Value::Map(merged));
    }
    whole
}

fn without_carriage_returns(text: &Arc<[u8]>) -> Arc<[u8]> {
    if !text.windows(2).any(|pair| pair == b"\r\n") {
        return Arc::clone(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out.into()
}

/// The parts between lines of `---`, each by its bytes.
fn split_parts(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    const MARK: &[u8] = b"\n---\n";
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    while at + MARK.len() <= text.len() {
        if text.get(at..at + MARK.len()) == Some(MARK) {
            parts.push(start..at);
            at += MARK.len();
            start = at;
        } else {
            at += 1;
        }
    }
    parts.push(start..text.len());
    parts
}

/// A part as a text of its own, with as many line breaks before it as there are in the file: errors then name the right line.
fn part_of(file: &Arc<SourceFile>, text: &[u8], part: std::ops::Range<usize>) -> Arc<SourceFile> {
    if part.start == 0 {
        return SourceFile::new(file.name.clone(), text.get(part).unwrap_or_default());
    }
    let lines = text.get(..part.start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
    let mut padded = vec![b'\n'; lines];
    padded.extend_from_slice(text.get(part).unwrap_or_default());
    SourceFile::new(file.name.clone(), padded)
}
