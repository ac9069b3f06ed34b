//! `hydrate push`: the manifests of an environment as an artifact in a registry, for Flux and Argo CD.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, provision, rendered_to_compare, supply_options};
use crate::cli::{report, ui::Ui};
use crate::git::sources::{self, Sources};
use crate::git::{self, Head, Lies};
use crate::pipeline::{self, Rendered};
use crate::project::{Artifacts, Project, is_tag};
use crate::tree::disk::Place;
use crate::tree::{Changes, write};
use hydrate_acquire::{Package, Pushed, Standing, Supply, repository_and_tag};
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, DiskWorld, Result, World};

use super::render::refuse_uncommitted;

/// Annotations of artifacts, as the image specification has them.
const SOURCE: &str = "org.opencontainers.image.source";
const REVISION: &str = "org.opencontainers.image.revision";
const CREATED: &str = "org.opencontainers.image.created";
/// The tag where nobody says one, as Flux has it.
const LATEST: &str = "latest";
/// How many paths an error names.
const SHOWN: usize = 12;

/// Arguments of `hydrate push`.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// Where to: `oci://HOST/PATH[:TAG]`, in which ${env} is the environment's name [default: `oci` of the environment's file]
    #[arg(value_name = "oci://HOST/PATH[:TAG]")]
    pub reference: Option<String>,
    /// Another tag that is to name it; repeat it for several
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Move tags also where they name something newer, or something that is not from this repository
    #[arg(long)]
    pub force: bool,
    /// Pack it, say its digest, and ask no registry
    #[arg(long)]
    pub dry_run: bool,
}

/// Packs what is committed of each environment, which has to be what it renders to, and pushes it.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &PushArgs) -> Outcome {
    let format = format(global, "push", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    let world = DiskWorld::new();
    let named = args.reference.as_deref().unwrap_or_default();
    if session.environments.len() > 1 && !named.is_empty() && !named.contains("${env}") {
        let error = Diagnostic::error(format!("{} environments cannot be pushed to one place", session.environments.len()));
        return Err(error.help("write ${env} in the address: 'oci://HOST/PATH-${env}'").into());
    }
    let head = Head::of(&session.project.root)?;
    let supply = Supply::new(&world, supply_options(&session.project, global));
    let mut told = Vec::new();
    let mut errors = Vec::new();
    for env in &session.environments {
        match push(ui, global, args, &session, env, &head, &supply, format) {
            Ok(json) => told.push(json),
            Err(Failures(failed)) => errors.extend(failed),
        }
    }
    if format == Format::Json {
        ui.data(&report::document("push", json!({"environments": told}), &errors))?;
    }
    if errors.is_empty() { Ok(Exit::Success) } else { Err(Failures(errors)) }
}

/// Where an environment is pushed to.
struct Target {
    repository: String,
    tags: Vec<String>,
}

#[allow(clippy::too_many_arguments, reason = "each of them is another thing")]
fn push(
    ui: &mut Ui,
    global: &GlobalArgs,
    args: &PushArgs,
    session: &Session,
    env: &str,
    head: &Head,
    supply: &Supply<'_>,
    format: Format,
) -> Result<Json, Failures> {
    let project = &session.project;
    let environment = project.environment(&project.world(), env)?;
    let target = target(args, env, environment.artifacts.as_ref())?;
    let place = pipeline::place(project, env);
    let rendered = committed_as_rendered(ui, global, session, &place)?;
    ui.report(&sources::unknown_to_clones(&project.root, &rendered.sources, &super::render::ours(&place)));
    let files = files(project, &place)?;
    let annotations = annotations(project, head, environment.artifacts.as_ref())?;
    let package = Package::of(&files, &annotations)
        .map_err(|error| Diagnostic::error(format!("cannot pack {}", place.shown(""))).note(error.to_string()))?;
    let digest = package.digest();
    let may_move = |tag: &str, standing: &Standing| may_move(&project.root, head, &target.repository, tag, standing, args.force);
    let pushed = match args.dry_run {
        true => Pushed { uploaded: Vec::new(), moved: Vec::new() },
        false => supply.push(&target.repository, &target.tags, &package, &may_move)?,
    };
    if format == Format::Text {
        let revision = annotations.get(REVISION).map_or("", String::as_str);
        let size = counted(package.layer.len(), "byte");
        ui.say(format!("{env}: {} of {revision}, {size}", counted(files.len(), "file")));
        ui.say(format!("{env}: {}", outcome(args, &target, &pushed)));
        ui.lines([format!("{}@{digest}", target.repository)])?;
    }
    Ok(json!({
        "environment": env,
        "repository": target.repository,
        "tags": target.tags,
        "moved": pushed.moved,
        "digest": digest,
        "uploaded": pushed.uploaded,
        "files": files.len(),
        "bytes": package.layer.len(),
        "revision": annotations.get(REVISION),
        "source": annotations.get(SOURCE),
        "created": annotations.get(CREATED),
    }))
}

fn outcome(args: &PushArgs, target: &Target, pushed: &Pushed) -> String {
    let Target { repository, tags } = target;
    let listed = |tags: &[String]| tags.iter().map(|tag| format!("{repository}:{tag}")).collect::<Vec<_>>().join(", ");
    match (args.dry_run, pushed.moved.is_empty()) {
        (true, _) => format!("nothing was pushed (--dry-run); it would be {}", listed(tags)),
        (false, true) => format!("nothing to push: it is {} already", listed(tags)),
        (false, false) => format!("pushed; it is {} now", listed(&pushed.moved)),
    }
}

/// The place on the command line, else the environment's own.
fn target(args: &PushArgs, env: &str, artifacts: Option<&Artifacts>) -> Result<Target> {
    let (repository, tag) = match (&args.reference, artifacts) {
        (Some(reference), _) => {
            let filled = reference.replace("${env}", env);
            let unusable = || {
                Diagnostic::error(format!("`{filled}` is no place in a registry"))
                    .help("write it as oci://HOST/PATH, with a tag where it is not to be latest: oci://HOST/PATH:TAG")
            };
            let (repository, tag) = repository_and_tag(&filled).ok_or_else(unusable)?;
            (repository, tag.or_else(|| artifacts.map(|artifacts| artifacts.tag.clone())))
        }
        (None, Some(artifacts)) => (artifacts.oci.url.clone(), Some(artifacts.tag.clone())),
        (None, None) => {
            return Err(Diagnostic::error(format!("nothing says where environment `{env}` is pushed to"))
                .help(format!("name it: hydrate push oci://HOST/PATH -e {env}"))
                .help("or write it into the environment's file: `oci: {url: oci://HOST/PATH}`"));
        }
    };
    let mut tags = vec![tag.unwrap_or_else(|| LATEST.to_owned())];
    for tag in &args.tags {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    match tags.iter().find(|tag| !is_tag(tag)) {
        Some(tag) => Err(Diagnostic::error(format!("`{tag}` is no tag")).help("a tag has letters, digits, `.`, `-` and `_`, at most 128")),
        None => Ok(Target { repository, tags }),
    }
}

/// An artifact is made from a commit, so that anybody can make it again: what is pushed has to be committed, and what its sources render to.
fn committed_as_rendered(ui: &Ui, global: &GlobalArgs, session: &Session, place: &Place) -> Result<Rendered, Failures> {
    let (world, project, env) = (DiskWorld::new(), &session.project, &place.env);
    let provision = provision(&world, project, global, false)?;
    let mut rendered = rendered_to_compare(ui, global, session, &provision, env, &[])?;
    let _lock = write::lock_for_committing(place, || ui.say(format!("waiting for another run to finish with {}", place.shown)))?;
    pipeline::merge_with_tree(place, &mut rendered)?;
    if !Changes::compute(place, &rendered.desired, true)?.is_empty() {
        return Err(Diagnostic::error(format!("{} is not what environment {env} renders to", place.shown("")))
            .note("nothing was pushed: an artifact holds what is committed and what its sources render to")
            .help(format!("hydrate -e {env} --commit"))
            .into());
    }
    refuse_uncommitted(project, &rendered.sources, env)?;
    let whole = [place.dir(), place.clusters_dir()].into();
    let uncommitted = sources::uncommitted(&project.root, &Sources { whole, ..Sources::default() }, &[])?;
    if uncommitted.is_empty() {
        return Ok(rendered);
    }
    let mut error = Diagnostic::error(format!("the manifests of environment {env} are not committed"));
    error.notes.extend(uncommitted.iter().take(SHOWN).map(|one| one.path.clone()));
    if uncommitted.len() > SHOWN {
        error = error.note(format!("and {} more", uncommitted.len() - SHOWN));
    }
    let error = error.note("nothing was pushed: an artifact holds what is committed, and says which commit that is");
    Err(error.help(format!("hydrate -e {env} --commit")).into())
}

/// What HEAD has of an environment, by paths from the project's root; what hydrate keeps there for itself stays out.
fn files(project: &Project, place: &Place) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for dir in [place.shown(""), place.clusters_shown("")] {
        let dir = dir.trim_end_matches('/');
        let committed = git::files_at(&project.root, "HEAD", dir)?;
        let applied = committed.into_iter().filter(|(path, _)| !path.split('/').any(|part| part.starts_with('.')));
        files.extend(applied.map(|(path, bytes)| (format!("{dir}/{path}"), bytes)));
    }
    if files.is_empty() {
        return Err(Diagnostic::error(format!("environment `{}` has nothing to push: {} is empty", place.env, place.shown(""))));
    }
    Ok(files)
}

fn annotations(project: &Project, head: &Head, artifacts: Option<&Artifacts>) -> Result<BTreeMap<String, String>> {
    let world = DiskWorld::new();
    let branch = branch_of_pipeline(&|name| world.variable(name));
    let source = match artifacts.and_then(|artifacts| artifacts.source.clone()) {
        Some(source) => Some(source),
        None => git::remote_address(&project.root)?,
    };
    let created = jiff::Timestamp::from_second(head.seconds).map(|time| time.to_string()).unwrap_or_default();
    let all = [(REVISION, Some(head.revision(branch.as_deref()))), (CREATED, Some(created)), (SOURCE, source)];
    Ok(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Pipelines often check out the commit and not its branch, which they say in variables.
fn branch_of_pipeline(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let is_branch = variable("GITHUB_REF_TYPE").is_some_and(|kind| kind == "branch");
    let of_github = variable("GITHUB_REF_NAME").filter(|_| is_branch);
    of_github.or_else(|| variable("CI_COMMIT_BRANCH")).filter(|name| !name.is_empty())
}

/// A tag goes forward: not from something newer, and not from what is somebody else's.
fn may_move(root: &Path, head: &Head, repository: &str, tag: &str, standing: &Standing, force: bool) -> Result<()> {
    if force {
        return Ok(());
    }
    let refused = |why: String| {
        Diagnostic::error(format!("{repository}:{tag} stays: {why}"))
            .note(format!("it is {}", standing.digest))
            .help("where it is to move all the same: --force")
    };
    let Some(revision) = standing.annotations.get(REVISION) else {
        return Err(refused("it names something that does not say which commit it is from".to_owned()));
    };
    let id = revision.rsplit(':').next().unwrap_or_default();
    let lies = git::lies(root, id)?;
    let is_newer = || {
        let created = standing.annotations.get(CREATED).and_then(|text| text.parse::<jiff::Timestamp>().ok());
        created.is_some_and(|created| created.as_second() > head.seconds)
    };
    match lies {
        Lies::Before => Ok(()),
        Lies::After => Err(refused(format!("it names {revision}, which comes after the commit that is checked out"))),
        Lies::Beside => Err(refused(format!("it names {revision}, which did not lead to the commit that is checked out"))),
        Lies::Elsewhere if is_newer() => {
            Err(refused(format!("it names {revision}, which is not in this clone, and is newer than the commit that is checked out")))
        }
        Lies::Elsewhere => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_say_the_branch() {
        let with = |pairs: &[(&str, &str)]| {
            branch_of_pipeline(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[("GITHUB_REF_TYPE", "branch"), ("GITHUB_REF_NAME", "main")]).as_deref(), Some("main"));
        assert_eq!(with(&[("GITHUB_REF_TYPE", "tag"), ("GITHUB_REF_NAME", "v1")]), None);
        assert_eq!(with(&[("CI_COMMIT_BRANCH", "trunk")]).as_deref(), Some("trunk"));
        assert_eq!(with(&[]), None);
    }
}
