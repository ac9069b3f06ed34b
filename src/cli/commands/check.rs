//! `hydrate check`: is what is in manifests/ what would be rendered?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::check::Report;
use crate::check::validity::{self, Release};
use crate::check::{Rule, rule_of, rules};
use crate::cli::annotations::{self, Repository};
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::deliver;
use crate::cli::on_branch::OnBranch;
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, provision, rendered_to_compare, renders, tell_details};
use crate::cli::{gather, guards, report, sarif, ui::Ui};
use crate::git::{self, Checkout, sources};
use crate::pipeline::guard::Losses;
use crate::pipeline::subject::{HandingOver, Subject};
use crate::pipeline::{self, Rendered, references, validity as objects};
use crate::project::Project;
use crate::tree::disk::Place;
use crate::tree::{Changes, DirChanges, write};
use hydrate_base::plain::counted;
use hydrate_base::{Diagnostic, DiskWorld, Severity, SourceFile, suggest};

use super::render::ours;

/// How many places that may differ are listed of a component.
const SHOWN: usize = 12;

/// Arguments of `hydrate check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// Components to check [default: all of the environment]
    #[arg(value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// References and queries that lead nowhere are errors, not warnings; with COMPONENT also those of the component are followed
    #[arg(long)]
    pub references: bool,
    /// What is committed already, for checks that spare it: a commit, branch or tag, such as the branch that is merged into [default: HEAD]
    #[arg(long, value_name = "REV")]
    pub against: Option<String>,
    /// Check what is staged, as the next commit has it, not the work tree: for hooks
    #[arg(long)]
    pub staged: bool,
    /// Say what a check is about, by the code of its findings; `all` lists them
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,
}

/// Renders in memory, checks every object and compares; writes nothing. In sync: 0, stale: 2, cannot tell or wrong in itself: 1.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &CheckArgs) -> Outcome {
    if let Some(code) = &args.explain {
        return explain(ui, code);
    }
    let format = format(global, "check", &[Format::Text, Format::Json, Format::Sarif, Format::Github, Format::Gitlab])?;
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = Project::find(&DiskWorld::new(), &start)?;
    if git::commit::called_for(&root) {
        // A commit of hydrate's holds what was rendered; other environments are none of its business.
        ui.say("nothing to check: the commit is made by hydrate");
        return Ok(Exit::Success);
    }
    if args.staged && !sources::are_staged(&root)? {
        ui.say("nothing to check: nothing is staged");
        return Ok(Exit::Success);
    }
    // Where the work tree is what is staged, the cache knows it; else what is staged is checked out beside it.
    let staged = (args.staged && !is_as_staged(ui, global)).then(|| Checkout::of_index(&root)).transpose()?;
    let of_staged =
        staged.as_ref().map(|staged| GlobalArgs { directory: Some(staged.root().to_owned()), no_cache: true, ..global.clone() });
    let global = of_staged.as_ref().unwrap_or(global);
    let session = match Session::open(global) {
        Err(Failures(errors)) if is_of_ci(format) => {
            tell_ci(ui, format, &errors, &root)?;
            return Err(Failures(errors));
        }
        session => session?,
    };
    let mut of_files: Vec<Box<Diagnostic>> = Vec::new();
    let mut environments = Vec::new();
    let mut errors: Vec<Box<Diagnostic>> = Vec::new();
    let mut doubts: Vec<Box<Diagnostic>> = Vec::new();
    let mut stale = false;
    for env in &session.environments {
        let start = Instant::now();
        let place = pipeline::place(&session.project, env);
        let checked = match OnBranch::of(&session.project, env)? {
            Some(on) => on_branch(ui, global, &session, env, args, &on),
            None => changes(ui, global, &session, env, args).map(|checked| (checked, None)),
        };
        match checked {
            Ok((Checked { changes, objects, references, may_differ, certificates, slips, mut losses }, branch)) => {
                // What is staged for a branch of sources has no manifests beside it.
                let is_compared = !(args.staged && branch.is_some());
                stale |= is_compared && !changes.is_empty();
                if is_compared && is_of_ci(format) {
                    of_files.extend(stale_files(&place, &changes));
                }
                let mut json = report::changes_json(&place, &changes, start.elapsed());
                json["lost"] = losses.json();
                // What is wrong with the project is so in all of its environments.
                for slip in slips.into_iter().chain(losses.told.take()) {
                    let told = if is_error(&slip) { &mut errors } else { &mut doubts };
                    if !told.contains(&slip) {
                        told.push(slip);
                    }
                }
                if let Some(branch) = &branch {
                    json["branch"] = json!(branch.name);
                    json["source"] = json!(branch.source);
                }
                if format == Format::Text && is_compared {
                    match &branch {
                        Some(branch) => say_of_branch(ui, &place, &changes, branch)?,
                        None => say(ui, &place, &changes, args.staged)?,
                    }
                    say_may_differ(ui, env, &may_differ);
                }
                doubts.extend(certificates);
                json["mayDiffer"] = json!(may_differ);
                json["objects"] = objects_json(&objects);
                say_objects(ui, env, &objects);
                let told = objects.violations.into_iter().map(|violation| violation.diagnostic);
                let (wrong, doubtful): (Vec<_>, Vec<_>) = told.partition(|finding| is_error(finding));
                errors.extend(wrong);
                doubts.extend(doubtful);
                let report = references;
                if let Some(report) = report {
                    json["references"] = references_json(&report);
                    say_references(ui, env, &report);
                    let (wrong, doubtful) = report.findings.into_iter().partition(|finding| is_error(finding));
                    errors.extend::<Vec<_>>(wrong);
                    doubts.extend::<Vec<_>>(doubtful);
                }
                environments.push(json);
            }
            Err(Failures(failed)) => errors.extend(failed),
        }
    }
    ui.report(&doubts);
    if format == Format::Json {
        let told: Vec<_> = errors.iter().chain(&doubts).cloned().collect();
        ui.data(&report::document("check", json!({"stale": stale, "environments": environments}), &told))?;
    }
    if is_of_ci(format) {
        let told: Vec<_> = errors.iter().chain(&of_files).chain(&doubts).cloned().collect();
        tell_ci(ui, format, &told, &root)?;
    }
    match (errors.is_empty(), stale) {
        (false, _) => Err(Failures(errors)),
        (true, true) => Ok(Exit::Stale),
        (true, false) => Ok(Exit::Success),
    }
}

/// Whether a format is for CI systems, which read from it alone what is wrong.
fn is_of_ci(format: Format) -> bool {
    matches!(format, Format::Sarif | Format::Github | Format::Gitlab)
}

fn tell_ci(ui: &mut Ui, format: Format, told: &[Box<Diagnostic>], root: &Path) -> hydrate_base::Result<()> {
    let told = &gather::once(told);
    let components = Project::open(root.to_owned()).map_or_else(|_| "components".to_owned(), |project| project.settings.components);
    let repository = Repository { root: root.to_owned(), prefix: git::prefix_in_work_tree(root), components };
    match format {
        Format::Github => ui.data(annotations::github(told, &repository).as_bytes()),
        Format::Gitlab => ui.data(&annotations::gitlab(told, &repository, "hydrate.yaml")),
        _ => ui.data(&sarif::document(told, &repository.prefix)),
    }
}

/// What is stale, directory by directory, at the first of its files.
fn stale_files(place: &Place, changes: &Changes) -> Vec<Box<Diagnostic>> {
    let env = &place.env;
    let dirs = changes.dirs.iter().map(|(name, dir)| (place.shown(name), dir));
    let clusters = (place.clusters_shown("").trim_end_matches('/').to_owned(), &changes.clusters);
    let told = dirs.chain([clusters]).filter_map(|(shown, dir)| {
        let mut lines = Vec::new();
        list(&shown, dir, &mut lines);
        let first = dir.changed.iter().chain(&dir.deleted).chain(&dir.created).next().map_or(".hydrated", String::as_str);
        (!lines.is_empty()).then(|| stale_at(env, &shown, format!("{shown}/{first}"), &lines))
    });
    let index = changes.index_change().map(|change| {
        let file = place.shown("kustomization.yaml");
        stale_at(env, &file, file.clone(), &[format!("{}  {file}", change.word())])
    });
    told.chain(index).collect()
}

fn stale_at(env: &str, what: &str, file: String, lines: &[String]) -> Box<Diagnostic> {
    let error = Diagnostic::error(format!("{what} is not what is rendered")).at(&SourceFile::new(file, *b""), 0..0, "");
    let error = lines.iter().take(SHOWN).fold(error, |error, line| error.note(line.as_str()));
    let more = lines.len().saturating_sub(SHOWN);
    let error = if more > 0 { error.note(format!("and {} more", counted(more, "file"))) } else { error };
    error.help(format!("run `hydrate -e {env}` and commit the result"))
}

/// Whether the work tree has everything as it is staged that a rendering of it is made from, and what hydrate writes. A work tree that cannot be rendered has
/// not.
fn is_as_staged(ui: &Ui, global: &GlobalArgs) -> bool {
    let Ok(session) = Session::open(global) else { return false };
    let (world, project) = (DiskWorld::new(), &session.project);
    let of_environment = |env: &String| -> Result<bool, Failures> {
        let provision = provision(&world, project, global, false)?;
        let rendered = rendered_to_compare(ui, global, &session, &provision, env, &[])?;
        Ok(sources::are_as_staged(&project.root, &rendered.sources, &ours(&pipeline::place(project, env)))?)
    };
    session.environments.iter().all(|env| of_environment(env).unwrap_or(false))
}

/// A branch that was checked, and the commit that it says it was rendered from.
struct Branch {
    name: String,
    source: String,
    /// Whether that is what the work tree has.
    is_current: bool,
}

/// Compares the branch of an environment with what the commit renders to that it was rendered from; what is wrong with objects is told of those that the work
/// tree, or what is staged, renders to.
fn on_branch(
    ui: &Ui,
    global: &GlobalArgs,
    session: &Session,
    env: &str,
    args: &CheckArgs,
    on: &OnBranch,
) -> Result<(Checked, Option<Branch>), Failures> {
    let global = &GlobalArgs { no_cache: true, ..global.clone() };
    if args.staged {
        let against = on.view_commit(&session.project, "HEAD", on.branch.tip()?.as_ref()).ok();
        let args = CheckArgs { against: args.against.clone().or(against), ..args.clone() };
        let branch = Branch { name: on.branch.name.clone(), source: String::new(), is_current: true };
        return Ok((changes(ui, global, session, env, &args)?, Some(branch)));
    }
    let tip = on.branch.known_tip()?;
    let source = on.source_of(&tip)?;
    let now = deliver::view_of_work_tree(ui, global, session, env, on)?;
    let is_current = now.is_clean && now.head == source;
    let branch = Branch { name: on.branch.name.clone(), source: source.clone(), is_current };
    let view = on.view(&session.project, &source, Some(&tip))?;
    let then = changes(ui, global, &Session::beside(global, view.project.clone(), env), env, args)?;
    if is_current {
        return Ok((then, Some(branch)));
    }
    let now = changes(ui, global, &now.session, env, args)?;
    Ok((Checked { changes: then.changes, ..now }, Some(branch)))
}

/// `dev: environments/dev is what 0123456789 renders to`
fn say_of_branch(ui: &mut Ui, place: &Place, changes: &Changes, branch: &Branch) -> hydrate_base::Result<()> {
    let (env, name) = (&place.env, &branch.name);
    let source = branch.source.get(..10).unwrap_or(&branch.source);
    if !changes.is_empty() {
        ui.lines(changed_lines(place, changes))?;
        ui.say(format!(
            "{env}: {name} is not what {source} renders to, which it says it is rendered from; run `hydrate -e {env} --commit`"
        ));
        return Ok(());
    }
    ui.say(format!("{env}: {name} is what {source} renders to"));
    if !branch.is_current {
        ui.say(format!("{env}: the work tree is at another commit; `hydrate diff -e {env}` shows what it would change"));
    }
    Ok(())
}

/// What is to be said of an environment.
struct Checked {
    /// What a run would change.
    changes: Changes,
    /// What is wrong with objects.
    objects: validity::Report,
    /// Where references lead, if that is asked.
    references: Option<Report>,
    /// What may differ and is not compared, by component.
    may_differ: BTreeMap<String, Vec<String>>,
    /// What is to be said of kept certificates.
    certificates: Vec<Box<Diagnostic>>,
    /// What is easily mistaken in the project's files.
    slips: Vec<Box<Diagnostic>>,
    /// The components that a run would delete.
    losses: Losses,
}

fn changes(ui: &Ui, global: &GlobalArgs, session: &Session, env: &str, args: &CheckArgs) -> Result<Checked, Failures> {
    let world = DiskWorld::new();
    let provision = provision(&world, &session.project, global, false)?;
    let render = |components: &[String]| rendered_to_compare(ui, global, session, &provision, env, components);
    let mut rendered = render(&args.components)?;
    tell_details(ui, &rendered);
    let place = pipeline::place(&session.project, env);
    let _lock = write::lock_for_reading(&place, || ui.say(format!("waiting for another run to finish with {}", place.shown)))?;
    pipeline::merge_with_tree(&place, &mut rendered)?;
    let (world, project, renders) = (session.project.world(), &session.project, renders(global));
    let handing_over = HandingOver::of(project, &rendered)?;
    let subject = Subject::of(&world, project, &rendered, &handing_over)?;
    let follow = |rendered: &Rendered, subject: &Subject<'_>| references::check(project, rendered, subject, &renders, args.references);
    let report = match (args.references, args.components.is_empty()) {
        // References lead everywhere, and only some components are rendered.
        (false, false) => None,
        (_, true) => Some(follow(&rendered, &subject)?),
        // References lead to other components too, so all of them are rendered; only what was asked for is told.
        (true, false) => {
            let mut whole = render(&[])?;
            pipeline::merge_with_tree(&place, &mut whole)?;
            let handing_over = HandingOver::of(project, &whole)?;
            let mut report = follow(&whole, &Subject::of(&world, project, &whole, &handing_over)?)?;
            report.keep(|component| rendered.documents.contains_key(component));
            Some(report)
        }
    };
    let objects = objects::check(&world, project, &rendered, &subject, &renders, args.against.as_deref())?;
    let changes = Changes::compute(&place, &rendered.desired, true)?;
    Ok(Checked {
        losses: Losses::of(project, &rendered, &place, &changes)?,
        slips: guards::slips(project, &rendered),
        changes,
        objects,
        references: report,
        may_differ: rendered.may_differ,
        certificates: rendered.certificates,
    })
}

/// What a check is about, or which there are.
fn explain(ui: &mut Ui, code: &str) -> Outcome {
    if code == "all" {
        let all = rules();
        let width = all.iter().map(|rule| rule.code.len()).max().unwrap_or_default();
        ui.lines(all.iter().map(|rule| format!("{:width$}  {:7}  {}", rule.code, level(rule), rule.title)))?;
        return Ok(Exit::Success);
    }
    let Some(rule) = rule_of(code) else {
        let error = Diagnostic::error(format!("there is no check `{code}`"));
        return Err(match suggest::closest(code, rules().iter().map(|rule| rule.code)) {
            Some(close) => error.help(format!("did you mean `{close}`?")),
            None => error.help("`hydrate check --explain all` lists them"),
        }
        .into());
    };
    ui.lines([format!("{} ({}): {}", rule.code, level(rule), rule.title), String::new()])?;
    ui.lines(rule.text.lines())?;
    Ok(Exit::Success)
}

fn level(rule: &Rule) -> &'static str {
    if rule.severity == Severity::Error { "error" } else { "warning" }
}

fn objects_json(report: &validity::Report) -> Json {
    let violation = |violation: &validity::Violation| {
        let [api_version, kind, namespace, name] = &violation.object;
        let mut told = report::diagnostic_json(&violation.diagnostic);
        told["component"] = json!(violation.component);
        told["object"] = json!({"apiVersion": api_version, "kind": kind, "namespace": namespace, "name": name});
        told["path"] = json!(violation.path);
        told
    };
    json!({
        "checked": report.objects,
        "kubernetes": format!("1.{}", report.release.known),
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "unevaluated": report.unevaluated,
        "violations": report.violations.iter().map(violation).collect::<Vec<_>>(),
    })
}

/// `k3d: 219 objects fit Kubernetes 1.33`
fn say_objects(ui: &Ui, env: &str, report: &validity::Report) {
    let Release { minor, known } = report.release;
    let unknown = if minor == known { String::new() } else { format!(" (1.{minor} is not known to this hydrate)") };
    for (what, count) in &report.unevaluated {
        ui.detail(1, format!("{env}: not evaluated ({count}): {what}"));
    }
    let looked = counted(report.objects, "object");
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    if errors + warnings == 0 {
        let fit = if report.objects == 1 { "fits" } else { "fit" };
        return ui.say(format!("{env}: {looked} {fit} Kubernetes 1.{known}{unknown}"));
    }
    let counts = [(errors, "error"), (warnings, "warning")].into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, noun)| counted(count, noun)).collect();
    ui.say(format!("{env}: {looked} checked for Kubernetes 1.{known}{unknown}: {}", counts.join(", ")));
}

fn references_json(report: &Report) -> Json {
    json!({
        "objects": report.objects,
        "references": report.references,
        "queries": report.queries,
        "metrics": report.metrics,
        "dangling": dangling(report),
        "doubtful": report.findings.len() - dangling(report),
    })
}

fn is_error(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error
}

/// How many references lead nowhere for certain.
fn dangling(report: &Report) -> usize {
    report.findings.iter().filter(|finding| is_error(finding)).count()
}

fn say_references(ui: &Ui, env: &str, report: &Report) {
    let Report { objects, references, queries, metrics, .. } = report;
    let found = [(*references, "reference"), (*objects, "object"), (*queries, "query"), (*metrics, "metric name")];
    let [references, objects, queries, metrics] = found.map(|(count, noun)| counted(count, noun));
    let looked = format!("{references} in {objects}, {queries}, {metrics}");
    if report.references + report.queries == 0 {
        return;
    }
    let errors = dangling(report);
    let counts = [(errors, "error"), (report.findings.len() - errors, "warning")].into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, noun)| counted(count, noun)).collect();
    let said = if counts.is_empty() { "all found".to_owned() } else { counts.join(", ") };
    ui.say(format!("{env}: {looked}: {said}"));
}

fn say(ui: &mut Ui, place: &Place, changes: &Changes, is_staged: bool) -> hydrate_base::Result<()> {
    let env = &place.env;
    if changes.is_empty() {
        ui.say(format!("{env}: in sync"));
        return Ok(());
    }
    let mut lines = changed_lines(place, changes);
    if is_staged {
        // Told in hooks too, which are quiet.
        let manifests = place.shown("");
        lines.push(format!("{env}: stale; run: hydrate -e {env} && git add {}", manifests.trim_end_matches('/')));
        return ui.lines(lines);
    }
    ui.lines(lines)?;
    ui.say(format!("{env}: stale; run `hydrate -e {env}` and commit the result"));
    Ok(())
}

/// The files that a run would change.
fn changed_lines(place: &Place, changes: &Changes) -> Vec<String> {
    let env = &place.env;
    let mut lines = Vec::new();
    for (name, dir) in &changes.dirs {
        list(&format!("{env}/{name}"), dir, &mut lines);
    }
    if let Some(change) = changes.index_change() {
        lines.push(format!("{}  {env}/kustomization.yaml", change.word()));
    }
    list(&place.clusters_shown(""), &changes.clusters, &mut lines);
    lines
}

/// `dev: not compared, as it may differ: a: ConfigMap/build data.id`
fn say_may_differ(ui: &Ui, env: &str, places: &BTreeMap<String, Vec<String>>) {
    for (component, places) in places {
        let shown = places.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if places.len() > SHOWN { format!(" and {} more", places.len() - SHOWN) } else { String::new() };
        ui.say(format!("{env}: not compared, as it may differ: {component}: {shown}{more}"));
    }
}

/// The files of one directory that would change.
fn list(shown: &str, dir: &DirChanges, lines: &mut Vec<String>) {
    let groups = [("created", &dir.created), ("changed", &dir.changed), ("deleted", &dir.deleted)];
    for (what, files) in groups {
        for file in files {
            let edited = if dir.edited.contains(file) { " (edited by hand)" } else { "" };
            lines.push(format!("{what}  {shown}/{file}{edited}"));
        }
    }
    if dir.reindexed && dir.created.is_empty() && dir.changed.is_empty() && dir.deleted.is_empty() {
        lines.push(format!("changed  {shown}/.hydrated"));
    }
}
