//! `environments/<env>.yaml`

use std::sync::Arc;

use crate::check::External;
use crate::check::references::Row;
use crate::check::validity::Judgement;
use crate::gitops::Handover;
use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_source::Data;

use super::handover::Artifacts;
use super::parse::{self, Spanned};
use super::{Guard, Project, RandomPolicies, SecretPolicy, checks, external, files, handover, references, sops, version_of};

/// An environment: a kind of cluster that manifests are rendered for.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The name: the stem of its file and the directory under manifests/.
    pub name: String,
    /// Its file.
    pub file: Arc<SourceFile>,
    /// Kubernetes version, where the file says one.
    pub kubernetes: Option<Spanned>,
    /// API versions beyond the built-in ones.
    pub api_versions: Vec<String>,
    /// Whether charts see the API versions of the environment's CRDs.
    pub apis_from_crds: bool,
    /// Values that every component sees.
    pub values: Data,
    /// Which components belong to it: names, globs, `!` leaves out. Empty: all.
    pub components: Vec<Spanned>,
    /// What is refused unless it is meant, where it is not what the project says.
    pub guard: Guard,
    /// What becomes of what chance decides, where it is not what the project says.
    pub random: RandomPolicies,
    /// What becomes of secrets, where it is not what the project says.
    pub secrets: Option<SecretPolicy>,
    /// Who Secrets are encrypted for; nobody: as the project says.
    pub recipients: Vec<String>,
    /// What exists although nothing here renders it.
    pub external: Vec<External>,
    /// How bad it is to break rules of `check`, over what the project says.
    pub checks: Judgement,
    /// Files and directories with CRDs for validation alone, beside those of the project.
    pub schemas: Vec<Spanned>,
    /// References of custom resources, beside those of the project.
    pub references: Vec<Row>,
    /// Files and directories with admission policies that nothing here renders.
    pub policies: Vec<Spanned>,
    /// Whether every metric that a query names must be declared.
    pub all_metrics: bool,
    /// What applies the manifests, and what it has to be told.
    pub handover: Handover,
    /// Where artifacts are pushed to.
    pub artifacts: Option<Artifacts>,
    /// The directory of its own branch that the tree is in, where it has one; empty for the top of the branch.
    pub on_branch: Option<String>,
}

impl Environment {
    /// Reads an environment; `None` when it has no file.
    pub(super) fn read(world: &dyn World, project: &Project, name: &str) -> Result<Option<Self>, Vec<Box<Diagnostic>>> {
        let shown = format!("{}/{name}.yaml", project.settings.environments);
        let Some(file) = parse::read(world, &project.root.join(&shown), &shown, &files::ENVIRONMENT)? else { return Ok(None) };
        let root = &file.root;
        let kubernetes = version_of::read(world, project, &file, root)?;
        let secrets = SecretPolicy::read(&file, root);
        let branch = project.settings.commit.branch.as_ref();
        let (mut handover, artifacts) = handover::read(&file, name, branch.map(|branch| branch.active(name)).as_deref())?;
        if let (Handover::Flux(flux), SecretPolicy::Sops) = (&mut handover, secrets.unwrap_or(project.settings.secrets)) {
            flux.decryption.get_or_insert_with(|| "sops-age".to_owned());
        }
        let values = match file.data(root, "values") {
            Data::Null => Data::map(),
            values => values,
        };
        Ok(Some(Self {
            name: name.to_owned(),
            kubernetes,
            api_versions: file.texts(root, "apiVersions").unwrap_or_default().into_iter().map(|version| version.text).collect(),
            apis_from_crds: file.flag(root, "apiVersionsFromCRDs").unwrap_or(true),
            guard: Guard::read(root),
            random: RandomPolicies::read(&file, root, None)?,
            secrets,
            recipients: sops::recipients(&file, root)?,
            values,
            components: file.texts(root, "components").unwrap_or_default(),
            external: external::read(&file, root, None)?,
            checks: checks::read(&file, root, None)?,
            schemas: file.texts(root, "schemas").unwrap_or_default(),
            references: references::read(&file, root)?,
            policies: file.texts(root, "policies").unwrap_or_default(),
            all_metrics: file.text(root, "metrics").is_some_and(|text| text.text == "all"),
            handover,
            artifacts,
            on_branch: branch.map(|branch| branch.path(name)),
            file: file.file,
        }))
    }
}
