//! The `project` room: hydrate.yaml, environments, components and values.

mod checks;
mod commit;
pub mod component;
pub mod environment;
pub mod external;
pub mod files;
pub mod first_files;
pub mod graph;
mod guard;
mod handover;
pub mod parse;
pub mod paths;
mod random;
mod references;
pub mod select;
pub mod sets;
pub mod shape;
pub mod slips;
mod sops;
pub mod values;
mod version_of;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::check::references::Row;
use crate::check::validity::Judgement;
use crate::gitops::Handover;
use hydrate_acquire::Mirrors;
use hydrate_base::bounds::is_dot_git;
use hydrate_base::work_tree::WorkTree;
use hydrate_base::{Bounds, Diagnostic, DiskWorld, FileKind, Result, World, is_refused, suggest};
use hydrate_chart::Level;
use hydrate_helmfile::Version as HelmfileVersion;

pub use commit::{BranchTemplate, CommitSettings, CommitSources};
pub use component::Component;
pub use environment::Environment;
pub use guard::{Guard, Limit};
pub use handover::{Artifacts, is_tag};
pub use parse::Spanned;
pub use random::{RandomPolicies, RandomPolicy};

/// How to let sources lie elsewhere in the repository.
const ALLOW_WORK_TREE: &str = "`root: worktree` in hydrate.yaml allows what lies in the same Git work tree";

/// How the objects of a component are laid out in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// One file per object.
    #[default]
    Objects,
    /// One `manifest.yaml`.
    Manifest,
}

/// What becomes of objects that are Helm hooks, by the name of the hook; `true` keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hooks(pub BTreeMap<String, bool>);

impl Hooks {
    /// The policies where nothing is said: tests are dropped. What is for deletions and rollbacks would be applied like everything else by
    /// whatever takes no notice of Helm's hooks; Argo CD does.
    pub fn of_handover(handover: &Handover) -> Self {
        let runs_hooks = matches!(handover, Handover::ArgoCd(_));
        let tests = ["test", "test-success", "test-failure"].map(|hook| (hook, false));
        let later = ["pre-delete", "post-delete", "pre-rollback", "post-rollback"].map(|hook| (hook, runs_hooks));
        Self(tests.into_iter().chain(later).map(|(hook, keep)| (hook.to_owned(), keep)).collect())
    }

    /// These policies with `over` taking precedence.
    #[must_use]
    pub fn merged(&self, over: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend(over.0.iter().map(|(hook, keep)| (hook.clone(), *keep)));
        Self(all)
    }

    fn read(file: &parse::Parsed, node: &hydrate_yaml::node::Node) -> Self {
        let entries = node.get("hooks").and_then(|hooks| hooks.entries()).unwrap_or_default();
        let entry = |(hook, policy): &(hydrate_yaml::node::Node, hydrate_yaml::node::Node)| {
            Some((file.spanned(hook)?.text, file.spanned(policy)?.text == "keep"))
        };
        Self(entries.iter().filter_map(entry).collect())
    }
}

/// What becomes of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretPolicy {
    /// They are not written.
    #[default]
    Refuse,
    /// References to them are written as they are, for something in the cluster to resolve.
    Placeholder,
    /// Secrets are encrypted as SOPS does it.
    Sops,
}

impl SecretPolicy {
    /// Reads what a file says.
    pub(super) fn read(file: &parse::Parsed, node: &hydrate_yaml::node::Node) -> Option<Self> {
        file.text(node, "secrets").map(|text| match text.text.as_str() {
            "placeholder" => Self::Placeholder,
            "sops" => Self::Sops,
            _ => Self::Refuse,
        })
    }
}

/// The project file's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Compatibility level of Helm rendering.
    pub helm: Level,
    /// The release of helmfile that is followed.
    pub helmfile: HelmfileVersion,
    /// Layout where a component does not say.
    pub layout: Layout,
    /// What becomes of what chance decides.
    pub random: RandomPolicies,
    /// What becomes of secrets.
    pub secrets: SecretPolicy,
    /// Who Secrets are encrypted for, where the environment does not say.
    pub recipients: Vec<String>,
    /// The environment variables that hold secrets.
    pub secret_env: Arc<BTreeSet<String>>,
    /// Directory of the components, relative to the root.
    pub components: String,
    /// Directory of the environment files, relative to the root.
    pub environments: String,
    /// Directory written to, relative to the root.
    pub manifests: String,
    /// Directory of what hands the manifests over, relative to the root.
    pub clusters: String,
    /// What `--commit` does.
    pub commit: CommitSettings,
    /// What is refused unless it is meant.
    pub guard: Guard,
    /// What becomes of Helm hooks.
    pub hooks: Hooks,
    /// How bad it is to break rules of `check`.
    pub checks: Judgement,
    /// Files and directories with CRDs for validation alone.
    pub schemas: Vec<Spanned>,
    /// References of custom resources.
    pub references: Vec<Row>,
    /// Files and directories with admission policies that nothing here renders.
    pub policies: Vec<Spanned>,
    /// Other places to fetch from.
    pub mirrors: Mirrors,
    /// The keys that charts are verified with, relative to the root.
    pub keyring: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            helm: Level::default(),
            helmfile: HelmfileVersion::default(),
            layout: Layout::default(),
            random: RandomPolicies::default(),
            secrets: SecretPolicy::default(),
            recipients: Vec::new(),
            secret_env: Arc::default(),
            components: "components".to_owned(),
            environments: "environments".to_owned(),
            manifests: "manifests".to_owned(),
            clusters: "clusters".to_owned(),
            commit: CommitSettings::default(),
            guard: Guard::default(),
            hooks: Hooks::default(),
            checks: Judgement::default(),
            schemas: Vec::new(),
            references: Vec::new(),
            policies: Vec::new(),
            mirrors: Mirrors::default(),
            keyring: None,
        }
    }
}

/// A project: where it is and what its project file says.
#[derive(Debug, Clone)]
pub struct Project {
    /// The root directory, links resolved.
    pub root: PathBuf,
    /// The project file's settings.
    pub settings: Settings,
    /// How far what the project names may lead.
    bounds: Arc<Bounds>,
    /// The directory in which everything lies that may be read: the root, or the Git work tree around it.
    pub extent: PathBuf,
}

/// A component, or what is wrong with its file: what is not selected must not fail the run.
pub type Loaded = Result<Component, Vec<Box<Diagnostic>>>;

impl Project {
    /// What becomes of secrets in an environment.
    pub fn secrets_of(&self, environment: &Environment) -> SecretPolicy {
        environment.secrets.unwrap_or(self.settings.secrets)
    }

    /// What is refused in an environment unless it is meant.
    pub fn guard_of(&self, environment: &Environment) -> Guard {
        environment.guard.over(&self.settings.guard)
    }

    /// Who Secrets of an environment are encrypted for.
    pub fn recipients_of(&self, environment: &Environment) -> Vec<String> {
        if environment.recipients.is_empty() { self.settings.recipients.clone() } else { environment.recipients.clone() }
    }

    /// The project that `start` lies in: the nearest directory upwards with a hydrate.yaml, else the nearest with both
    /// components/ and environments/.
    pub fn find(world: &dyn World, start: &Path) -> Result<PathBuf> {
        let start = world.canonical(start).map_err(|error| Diagnostic::error(format!("cannot enter {}: {error}", start.display())))?;
        let is = |path: PathBuf, kind| world.kind(&path).is_ok_and(|found| found == kind);
        let named = |dir: &&Path| is(dir.join("hydrate.yaml"), FileKind::File);
        let shaped = |dir: &&Path| is(dir.join("components"), FileKind::Directory) && is(dir.join("environments"), FileKind::Directory);
        let found = start.ancestors().find(named).or_else(|| start.ancestors().find(shaped));
        found.map(Path::to_owned).ok_or_else(|| {
            let with_components = start.ancestors().find(|dir| is(dir.join("components"), FileKind::Directory));
            if let Some(dir) = with_components {
                return Diagnostic::error(format!("{} has components/, and is no hydrate project yet", dir.display()))
                    .note("a project is a directory with a hydrate.yaml, or with components/ and environments/")
                    .help("`hydrate init -e ENV` there writes hydrate.yaml and environments/ENV.yaml, and nothing else");
            }
            Diagnostic::error(format!("no hydrate project in {} or above it", start.display()))
                .note("a project is a directory with a hydrate.yaml, or with components/ and environments/")
                .help("run `hydrate init` to start one here, or `hydrate -C DIR …` to name one")
        })
    }

    /// Opens the project at `root`, which has its links resolved.
    pub fn open(root: PathBuf) -> Result<Self, Vec<Box<Diagnostic>>> {
        let own = Arc::new(Bounds::below(root.clone(), "the project", ALLOW_WORK_TREE));
        let world = DiskWorld::new().within(Arc::clone(&own));
        if let Some(error) = slips::misspelt(&world, &root, "hydrate", "") {
            return Err(vec![error]);
        }
        let file = parse::read(&world, &root.join("hydrate.yaml"), "hydrate.yaml", &files::PROJECT)?;
        let settings = file.as_ref().map_or_else(|| Ok(Settings::default()), read_settings)?;
        let whole = file.as_ref().is_some_and(|file| file.text(&file.root, "root").is_some_and(|text| text.text == "worktree"));
        if !whole {
            return Ok(Self { extent: root.clone(), root, settings, bounds: own });
        }
        let (extent, what, advice) = match WorkTree::around(&root) {
            Some(tree) => (tree.top.to_owned(), "the Git work tree", "bring it into the work tree"),
            None => (root.clone(), "the project", "`root: worktree` is set, but the project lies in no Git work tree"),
        };
        let bounds = Arc::new(Bounds::below(root.clone(), what, advice).also(extent.clone()));
        Ok(Self { root, settings, bounds, extent })
    }

    /// The disk as this project may read it. Templates see no environment variable until the caller says which.
    pub fn world(&self) -> DiskWorld {
        DiskWorld::new().within(Arc::clone(&self.bounds)).seeing(Arc::default()).keeping_secret(Arc::clone(&self.settings.secret_env))
    }

    /// The same, recording what is asked.
    pub fn recording_world(&self) -> DiskWorld {
        DiskWorld::recording().within(Arc::clone(&self.bounds)).seeing(Arc::default()).keeping_secret(Arc::clone(&self.settings.secret_env))
    }

    /// The names of all environments, sorted: the stems of environments/*.yaml.
    pub fn environment_names(&self, world: &dyn World) -> Result<Vec<String>> {
        let names = self.names_in(world, &self.settings.environments)?;
        let dir = self.root.join(&self.settings.environments);
        let misspelt = |stem| slips::misspelt(world, &dir, stem, &format!("{}/", self.settings.environments));
        if let Some(error) = names.iter().filter_map(|name| name.strip_suffix(".yml")).find_map(misspelt) {
            return Err(error);
        }
        Ok(names.iter().filter_map(|name| name.strip_suffix(".yaml")).filter(|name| valid_name(name)).map(str::to_owned).collect())
    }

    /// An environment by name.
    pub fn environment(&self, world: &dyn World, name: &str) -> Result<Environment, Vec<Box<Diagnostic>>> {
        if valid_name(name)
            && let Some(environment) = Environment::read(world, self, name)?
        {
            return Ok(environment);
        }
        let known = self.environment_names(world).map_err(|error| vec![error])?;
        let mut error = Diagnostic::error(format!("there is no environment `{name}`"));
        if let Some(close) = suggest::closest(name, known.iter().map(String::as_str)) {
            error = error.help(format!("did you mean `{close}`?"));
        }
        let dir = &self.settings.environments;
        Err(vec![if known.is_empty() {
            error.help(format!("`hydrate init -e {name}` writes {dir}/{name}.yaml, or create it yourself"))
        } else {
            error.note(format!("environments here: {}", known.join(", ")))
        }])
    }

    /// All components by name.
    pub fn components(&self, world: &dyn World) -> Result<BTreeMap<String, Loaded>> {
        let names = self.names_in(world, &self.settings.components)?;
        Ok(names.into_iter().filter_map(|name| self.component(world, &name).map(|loaded| (name, loaded))).collect())
    }

    /// A component by name, where there is a directory of that name.
    pub fn component(&self, world: &dyn World, name: &str) -> Option<Loaded> {
        if name.starts_with('.') {
            return None;
        }
        let dir = self.root.join(&self.settings.components).join(name);
        match world.kind(&dir) {
            Ok(FileKind::Directory) => Some(Component::read(world, self, name)),
            Err(error) if is_refused(&error) => {
                let shown = self.shown(&dir);
                Some(Err(vec![Diagnostic::error(format!("cannot read the component {shown}: {error}"))]))
            }
            _ => None,
        }
    }

    /// The path of something in the project as users write it: relative to the root, with slashes.
    pub fn shown(&self, path: &Path) -> String {
        let mut up = String::new();
        let within = |above: &Path| above.starts_with(&self.extent);
        for above in self.root.ancestors().take_while(|above| within(above)) {
            if let Ok(relative) = path.strip_prefix(above) {
                return up + &relative.to_string_lossy().replace('\\', "/");
            }
            up += "../";
        }
        path.to_string_lossy().replace('\\', "/")
    }

    fn names_in(&self, world: &dyn World, dir: &str) -> Result<Vec<String>> {
        world.list(&self.root.join(dir)).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(Vec::new()),
            _ => Err(Diagnostic::error(format!("cannot read the directory {dir}: {error}"))),
        })
    }
}

/// Whether a name can be a directory of the tree: lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
pub fn valid_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let first = name.as_bytes().first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    first && name.len() <= 63 && name.bytes().all(allowed) && !name.contains("..") && !name.ends_with('.')
}

fn read_settings(file: &parse::Parsed) -> Result<Settings, Vec<Box<Diagnostic>>> {
    let root = &file.root;
    let defaults = Settings::default();
    let mut wrong = Vec::new();
    let mut directory = |key: &str, default: String| match file.text(root, key) {
        None => default,
        Some(text) if text.text.split('/').any(|name| is_dot_git(name.as_ref())) => {
            wrong.push(text.error(format!("`{key}` must not be a directory of Git's own"), "Git keeps its configuration and hooks there"));
            default
        }
        Some(text) if inside(&text.text) => text.text.trim_end_matches('/').to_owned(),
        Some(text) => {
            let error = text.error(format!("`{key}` must be a directory inside the project"), "leads out of the project");
            wrong.push(error.help(format!("write a relative path without `..`, such as `{key}: {default}`")));
            default
        }
    };
    let settings = Settings {
        helm: file.text(root, "helm").and_then(|text| Level::parse(&text.text)).unwrap_or_default(),
        helmfile: file.text(root, "helmfile").and_then(|text| HelmfileVersion::parse(&text.text)).unwrap_or_default(),
        layout: read_layout(file, root).unwrap_or_default(),
        random: RandomPolicies::read(file, root, None).unwrap_or_default(),
        secrets: SecretPolicy::read(file, root).unwrap_or_default(),
        recipients: sops::recipients(file, root).unwrap_or_default(),
        secret_env: Arc::new(file.texts(root, "secretEnv").unwrap_or_default().into_iter().map(|name| name.text).collect()),
        components: directory("components", defaults.components),
        environments: directory("environments", defaults.environments),
        manifests: directory("manifests", defaults.manifests),
        clusters: directory("clusters", defaults.clusters),
        commit: CommitSettings::read(file, root).unwrap_or_else(|errors| {
            wrong.extend(errors);
            CommitSettings::default()
        }),
        guard: Guard::read(root),
        hooks: Hooks::read(file, root),
        checks: checks::read(file, root, None).unwrap_or_else(|errors| {
            wrong.extend(errors);
            Judgement::default()
        }),
        schemas: file.texts(root, "schemas").unwrap_or_default(),
        references: references::read(file, root).unwrap_or_else(|errors| {
            wrong.extend(errors);
            Vec::new()
        }),
        policies: file.texts(root, "policies").unwrap_or_default(),
        mirrors: read_mirrors(file, root),
        keyring: file.text(root, "keyring").map(|text| text.text),
    };
    wrong.extend(sops::recipients(file, root).err().unwrap_or_default());
    wrong.extend(RandomPolicies::read(file, root, None).err().unwrap_or_default());
    if let Some(text) = file.text(root, "keyring").filter(|text| !inside(&text.text)) {
        let error = text.error("`keyring` must be a file inside the project", "leads out of the project");
        wrong.push(error.help("write a relative path without `..`; HYDRATE_KEYRING names a file elsewhere"));
    }
    let within = |dir: &str, other: &str| dir == other || dir.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
    if within(&settings.clusters, &settings.manifests) || within(&settings.manifests, &settings.clusters) {
        let place = file.text(root, "clusters").or_else(|| file.text(root, "manifests"));
        wrong.extend(place.map(|text| {
            text.error("`clusters` and `manifests` cannot be the same directory, nor one inside the other", "")
                .help("one holds what is applied, the other what says so to Flux or Argo CD")
        }));
    }
    if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
}

fn read_mirrors(file: &parse::Parsed, root: &hydrate_yaml::node::Node) -> Mirrors {
    let entries = root.get("mirrors").and_then(|mirrors| mirrors.entries()).unwrap_or_default();
    Mirrors::new(entries.iter().filter_map(|(from, to)| Some((file.spanned(from)?.text, file.spanned(to)?.text))))
}

/// Whether a relative path of plain names stays inside.
fn inside(path: &str) -> bool {
    let mut parts = Path::new(path).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn read_layout(file: &parse::Parsed, node: &hydrate_yaml::node::Node) -> Option<Layout> {
    file.text(node, "layout").map(|text| if text.text == "manifest" { Layout::Manifest } else { Layout::Objects })
}
