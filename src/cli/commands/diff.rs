//! `hydrate diff`: what would a run change, and what of that must not be missed?

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::check::validity::Release;
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::deliver;
use crate::cli::on_branch::OnBranch;
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, options, provision, tell_details};
use crate::cli::{report, ui::Ui};
use crate::pipeline::{Options, Rendered};
use crate::project::Project;
use crate::tree::compare::{self, Differences, Revision};
use crate::tree::{Changes, Desired, write};
use crate::{git, pipeline};
use hydrate_base::{Diagnostic, DiskWorld};
use hydrate_review::dangers::{self, Place};
use hydrate_review::{FileDiff, Input, Review, Shown, formats, review, unified};
use hydrate_source::{Identity, Origin};

/// Arguments of `hydrate diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Components to compare [default: all of the environment]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Compare with a revision instead of the files on disk: HEAD, origin/main, a commit
    #[arg(long, value_name = "REV")]
    pub against: Option<String>,
    /// Compare with the commit that this branch and the revision have come from, as pull requests do
    #[arg(long, requires = "against")]
    pub merge_base: bool,
    /// Compare with what another environment renders
    #[arg(long, value_name = "ENV", conflicts_with_all = ["against", "merge_base"])]
    pub against_env: Option<String>,
    /// Exit with 2 where something differs
    #[arg(long)]
    pub exit_code: bool,
    /// Print the files line by line, as `git apply` reads them; nothing is hidden or left out then
    #[arg(long, visible_alias = "patch")]
    pub unified: bool,
    /// Show what changes with every release of a chart too: labels with versions, checksums
    #[arg(long)]
    pub show_noise: bool,
    /// Show new objects to their last line
    #[arg(long)]
    pub full: bool,
    /// Say what a danger is about: its code, or `all`
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
}

/// Renders in memory and prints what differs; writes nothing.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &DiffArgs) -> Outcome {
    if let Some(code) = &args.explain {
        return explain(ui, code);
    }
    let format = format(global, "diff", formats_of(args))?;
    let session = Session::open(global)?;
    let mut errors: Vec<Box<Diagnostic>> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for env in &session.environments {
        match of_environment(ui, global, args, &session, env) {
            Err(Failures(failed)) => errors.extend(failed),
            Ok(one) => found.push(one),
        }
    }
    found.extend(gone(&session, global, args)?);
    let differs = found.iter().any(|one| !one.differences.files.is_empty());
    if args.unified {
        print_unified(ui, format, &found, &errors)?;
    } else {
        let needs = found.iter().map(|found| (found.env.clone(), found.needs.clone())).collect();
        let mut reviews: Vec<Review> = found.into_iter().map(|found| reviewed(args, found)).collect();
        if matches!(format, Format::Sarif | Format::Github | Format::Gitlab) {
            // CI systems look for files from the top of the repository.
            let prefix = git::prefix_in_work_tree(&session.project.root);
            reviews.iter_mut().for_each(|review| review.place_below(&prefix));
        }
        print(ui, args, format, &reviews, &needs, &errors)?;
    }
    match errors.is_empty() {
        false => Err(Failures(errors)),
        true if args.exit_code && differs => Ok(Exit::Stale),
        true => Ok(Exit::Success),
    }
}

/// What differs in an environment, with what is known of where it came from.
struct Found {
    env: String,
    minor: u32,
    /// The release of Kubernetes that it had in the revision that it is compared with.
    minor_before: Option<u32>,
    differences: Differences,
    sources: BTreeMap<(String, Identity), Place>,
    /// The units of the environment, with those that each comes after.
    needs: formats::html::Needs,
}

fn formats_of(args: &DiffArgs) -> &'static [Format] {
    if args.unified {
        &[Format::Text, Format::Json]
    } else {
        &[Format::Text, Format::Markdown, Format::Json, Format::Html, Format::Sarif, Format::Github, Format::Gitlab]
    }
}

fn print(
    ui: &mut Ui,
    args: &DiffArgs,
    format: Format,
    reviews: &[Review],
    needs: &BTreeMap<String, formats::html::Needs>,
    errors: &[Box<Diagnostic>],
) -> Result<(), Failures> {
    let shown = Shown { noise: args.show_noise, full: args.full };
    match format {
        Format::Json => {
            let environments: Vec<Json> = reviews.iter().map(formats::json::write).collect();
            ui.data(&report::document_of(formats::json::VERSION, "diff", json!({"environments": environments}), errors))?;
        }
        Format::Markdown => ui.data(formats::markdown::write(reviews, shown).as_bytes())?,
        Format::Html => ui.data(formats::html::write(reviews, needs).as_bytes())?,
        Format::Sarif => ui.data(&formats::sarif::write(reviews))?,
        Format::Github => ui.data(formats::annotations::github(reviews).as_bytes())?,
        Format::Gitlab => ui.data(&formats::annotations::gitlab(reviews))?,
        _ => {
            let text: Vec<String> = reviews
                .iter()
                .map(|review| formats::text::write(review, shown, ui.colored_data()))
                .filter(|text| !text.is_empty())
                .collect();
            ui.paged(&text.join("\n"))?;
        }
    }
    Ok(())
}

fn print_unified(ui: &mut Ui, format: Format, found: &[Found], errors: &[Box<Diagnostic>]) -> Result<(), Failures> {
    let colored = ui.colored_data();
    if format != Format::Json {
        let text: String = found.iter().map(|one| unified::write(&one.differences.files, colored)).collect();
        return Ok(ui.paged(&text)?);
    }
    let file = |diff: &FileDiff| json!({"component": diff.component, "file": diff.file, "path": diff.path, "change": diff.change.word(), "diff": unified::exact(diff)});
    let environment = |one: &Found| json!({"environment": one.env, "files": one.differences.files.iter().map(file).collect::<Vec<_>>()});
    let environments: Vec<Json> = found.iter().map(environment).collect();
    Ok(ui.data(&report::document("diff", json!({"environments": environments}), errors))?)
}

/// Compares object by object. What was found in an object is said to be from where that object is from.
fn reviewed(args: &DiffArgs, found: Found) -> Review {
    let Differences { files, same } = found.differences;
    let input = Input {
        env: found.env,
        minor: Some(found.minor),
        minor_before: found.minor_before,
        files,
        same,
        is_whole: args.components.is_empty(),
        is_comparison: args.against_env.is_some(),
    };
    let mut review = review(&input);
    review.place_sources(|component, identity| found.sources.get(&(component.to_owned(), identity.clone())).cloned());
    review
}

/// What differs in an environment: from its branch, where it has one of its own.
fn of_environment(ui: &Ui, global: &GlobalArgs, args: &DiffArgs, session: &Session, env: &str) -> Result<Found, Failures> {
    let on_branch = if args.against.is_none() && args.against_env.is_none() { OnBranch::of(&session.project, env)? } else { None };
    let Some(on) = on_branch else { return differences(ui, global, args, session, env) };
    let view = deliver::view_of_work_tree(ui, global, session, env, &on)?;
    let global = GlobalArgs { no_cache: true, ..global.clone() };
    differences(ui, &global, args, &view.session, env)
}

fn differences(ui: &Ui, global: &GlobalArgs, args: &DiffArgs, session: &Session, env: &str) -> Result<Found, Failures> {
    let project = &session.project;
    let world = DiskWorld::new();
    let provision = provision(&world, project, global, false)?;
    let options = Options { compares: true, ..options(ui, global, session, &args.components, false)? };
    let render = |env: &str| -> Result<Rendered, Failures> {
        let mut rendered = pipeline::render(project, env, &options, &provision, &|_| {})?;
        tell_details(ui, &rendered);
        let place = pipeline::place(project, env);
        let waiting = || ui.say(format!("waiting for another run to finish with {}", place.shown));
        // In a hook of hydrate's own commit, the run that holds the lock waits for this one.
        let is_called = git::commit::called_for(&project.root);
        let _lock = (!is_called).then(|| write::lock_for_reading(&place, waiting)).transpose()?;
        pipeline::merge_with_tree(&place, &mut rendered)?;
        Ok(rendered)
    };
    let rendered = render(env)?;
    let place = pipeline::place(project, env);
    let mut minor_before = None;
    let differences = match (&args.against_env, revision(project, args)?) {
        (Some(other), _) => compare::between(&place, &render(other)?.desired, &rendered.desired),
        (None, Some(revision)) => {
            minor_before = kubernetes_in(project, env, &revision);
            compare::against(&place, &revision_of(project, &place, &revision)?, &rendered.desired)?
        }
        (None, None) => compare::of_changes(&place, &on_disk(&place, &rendered.desired)?),
    };
    let kubernetes = rendered.environment.kubernetes.as_ref().map(|version| version.text.as_str());
    Ok(Found {
        env: env.to_owned(),
        minor: Release::of(kubernetes).minor,
        minor_before,
        differences,
        sources: sources(project, &rendered),
        needs: needs(&rendered),
    })
}

fn needs(rendered: &Rendered) -> formats::html::Needs {
    let units = pipeline::handover::drawn(rendered);
    units.iter().map(|unit| (unit.name.clone(), unit.drawn_needs().into_iter().map(str::to_owned).collect())).collect()
}

/// The revision to compare with.
fn revision(project: &Project, args: &DiffArgs) -> Result<Option<String>, Failures> {
    let Some(revision) = &args.against else { return Ok(None) };
    Ok(Some(if args.merge_base { git::merge_base(&project.root, revision)? } else { revision.clone() }))
}

/// The release of Kubernetes that an environment's file says in a revision.
fn kubernetes_in(project: &Project, env: &str, revision: &str) -> Option<u32> {
    let files = git::files_at(&project.root, revision, &project.settings.environments).ok()?;
    let text = files.get(&format!("{env}.yaml"))?;
    let root = hydrate_yaml::compose(text).ok()?.into_iter().find_map(|document| document.root)?;
    Some(Release::of(Some(root.get("kubernetes")?.as_str()?)).minor)
}

/// Environments that the revision has manifests of, and that the project does not have any more: all of them goes.
fn gone(session: &Session, global: &GlobalArgs, args: &DiffArgs) -> Result<Vec<Found>, Failures> {
    let is_about_all = global.environments.iter().any(|env| env == "all") || session.environments.len() > 1;
    let project = &session.project;
    let Some(revision) = revision(project, args)?.filter(|_| is_about_all && args.components.is_empty()) else { return Ok(Vec::new()) };
    let known = project.environment_names(&project.world())?;
    let mut files: BTreeMap<String, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for (path, content) in git::files_at(&project.root, &revision, &project.settings.manifests)? {
        if let Some((env, rest)) = path.split_once('/').filter(|(env, _)| !known.iter().any(|name| name == env)) {
            files.entry(env.to_owned()).or_default().insert(rest.to_owned(), content);
        }
    }
    // Only what hydrate has written is an environment.
    files.retain(|_, files| files.keys().any(|path| path.ends_with(".hydrated")));
    let found = |(env, manifests): (String, BTreeMap<String, Vec<u8>>)| {
        let place = pipeline::place(project, &env);
        let nothing = Desired { complete: true, ..Desired::default() };
        let differences = compare::against(&place, &Revision { manifests, ..Revision::default() }, &nothing)?;
        Ok(Found { env, minor: Release::of(None).minor, minor_before: None, differences, sources: BTreeMap::new(), needs: BTreeMap::new() })
    };
    files.into_iter().map(found).collect()
}

fn on_disk(place: &crate::tree::disk::Place, desired: &Desired) -> Result<Changes, Failures> {
    Ok(Changes::compute(place, desired, true)?)
}

fn revision_of(project: &Project, place: &crate::tree::disk::Place, revision: &str) -> Result<Revision, Failures> {
    let files_below = |dir: &str| git::files_at(&project.root, revision, dir);
    Ok(Revision { manifests: files_below(&place.shown(""))?, clusters: files_below(&place.clusters_shown(""))? })
}

/// Where objects are from, for those that a file of the project gave.
fn sources(project: &Project, rendered: &Rendered) -> BTreeMap<(String, Identity), Place> {
    let all = rendered.documents.iter().flat_map(|(component, all)| all.iter().map(move |document| (component, document)));
    let of_document = |(component, document): (&String, &hydrate_source::Document)| {
        let place = source(&document.origin).filter(|place| project.root.join(&place.file).is_file())?;
        Some(((component.clone(), document.identity.clone()), place))
    };
    all.filter_map(of_document).collect()
}

/// The file of the project that gave a document: a template of a chart is shown below the chart's name.
fn source(origin: &Origin) -> Option<Place> {
    let file = origin.file.as_deref()?;
    let file = match origin.source.strip_prefix("helm chart ") {
        Some(chart) => format!("{chart}/{}", file.split_once('/')?.1),
        None => file.to_owned(),
    };
    Some(Place { file, line: u32::try_from(origin.line).unwrap_or_default() })
}

fn explain(ui: &mut Ui, code: &str) -> Outcome {
    let told = |rule: &dangers::Rule| {
        [format!("{} ({})", rule.code, rule.level.word()), format!("  {}", rule.title), String::new(), rule.text.to_owned(), String::new()]
    };
    if code == "all" {
        ui.lines(dangers::RULES.iter().map(|rule| format!("{} ({}): {}", rule.code, rule.level.word(), rule.title)))?;
        return Ok(Exit::Success);
    }
    let Some(rule) = dangers::rule_of(code) else {
        let close = hydrate_base::suggest::closest(code, dangers::RULES.iter().map(|rule| rule.code));
        let error = Diagnostic::error(format!("there is no danger `{code}`"));
        return Err(match close {
            Some(close) => error.help(format!("did you mean `{close}`?")),
            None => error.help("`hydrate diff --explain all` lists them"),
        }
        .into());
    };
    ui.data(told(rule).join("\n").trim_end().as_bytes())?;
    ui.data(b"\n")?;
    Ok(Exit::Success)
}
