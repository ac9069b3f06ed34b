//! `hydrate affected --base REV`: which components of which environments does a change touch?

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::affected::{Comparison, Fate, OfEnvironment};
use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, environments_asked, format, options, provision};
use crate::cli::{report, ui::Ui};
use crate::git;
use hydrate_base::{Diagnostic, DiskWorld, plain};

/// Arguments of `hydrate affected`.
#[derive(Debug, Args)]
pub struct AffectedArgs {
    /// The revision to compare with: origin/main, HEAD~1, a commit
    #[arg(long, value_name = "REV")]
    pub base: String,
    /// Compare with the commit that HEAD and REV have come from: what this branch has changed
    #[arg(long)]
    pub merge_base: bool,
}

/// How many reasons are told of a component; the others are in the JSON.
const MOST: usize = 3;

/// Lists who is affected. What cannot be rendered counts as affected, and is told with exit code 1.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &AffectedArgs) -> Outcome {
    let format = format(global, "affected", &[Format::Text, Format::Json, Format::Matrix])?;
    let session = Session::open_whole(global)?;
    let project = &session.project;
    let base = if args.merge_base { git::merge_base(&project.root, &args.base)? } else { args.base.clone() };
    let comparison = Comparison::with(project, &base)?;
    let known = comparison.environments()?;
    let asked = environments_asked(global);
    if let Some(stranger) = asked.iter().find(|name| !known.contains(*name)) {
        return Err(project.environment(&project.world(), stranger).err().unwrap_or_else(|| vec![none(stranger)]).into());
    }
    let outside = DiskWorld::new();
    let provision = provision(&outside, project, global, false)?;
    let options = options(ui, global, &session, &[], true)?;
    let wanted = known.iter().filter(|name| asked.is_empty() || asked.contains(name));
    let mut found: BTreeMap<String, OfEnvironment> = BTreeMap::new();
    for env in wanted {
        found.insert(env.clone(), comparison.of(env, &options, &provision));
    }
    let errors: Vec<Box<Diagnostic>> = found.values_mut().flat_map(|found| std::mem::take(&mut found.errors)).collect();
    match format {
        Format::Json => ui.data(&report::document("affected", as_json(args, &found), &errors))?,
        Format::Matrix => ui.data(format!("{}\n", matrix(&found)).as_bytes())?,
        _ => ui.data(text(&found).as_bytes())?,
    }
    if errors.is_empty() { Ok(Exit::Success) } else { Err(Failures(errors)) }
}

fn none(name: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("there is no environment `{name}`"))
}

fn text(found: &BTreeMap<String, OfEnvironment>) -> String {
    let rows = found.iter().flat_map(|(env, found)| found.components.iter().map(move |(name, affected)| (env, name, affected)));
    let rows: Vec<_> = rows.collect();
    let widths = |of: &dyn Fn(&(&String, &String, _)) -> usize| rows.iter().map(of).max().unwrap_or_default();
    let (first, second) = (widths(&|row| row.0.len()), widths(&|row| row.1.len()));
    let mut text = String::new();
    for (env, name, affected) in &rows {
        let mut because: Vec<String> = affected.because.iter().take(MOST).map(|reason| plain::line(reason).into_owned()).collect();
        if affected.because.len() > MOST {
            because.push(format!("{} more", affected.because.len() - MOST));
        }
        let word = affected.fate.word();
        let line = format!("{env:first$}  {name:second$}  {word:7}  {}", because.join(", "));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn as_json(args: &AffectedArgs, found: &BTreeMap<String, OfEnvironment>) -> Json {
    let component = |(name, affected): (&String, &crate::affected::Affected)| json!({"component": name, "change": affected.fate.word(), "because": affected.because});
    let environment = |(env, found): (&String, &OfEnvironment)| {
        json!({
            "environment": env,
            "removed": found.is_removed,
            "components": found.components.iter().map(component).collect::<Vec<_>>(),
        })
    };
    json!({"base": args.base, "environments": found.iter().map(environment).collect::<Vec<_>>()})
}

/// A job for each component that there is something to do for, in one line: `${{ fromJSON(…) }}` in a `strategy.matrix` of GitHub takes it.
fn matrix(found: &BTreeMap<String, OfEnvironment>) -> Json {
    let jobs = found.iter().flat_map(|(env, found)| {
        let there = found.components.iter().filter(|(_, affected)| affected.fate != Fate::Removed);
        there.map(move |(name, _)| json!({"environment": env, "component": name}))
    });
    json!({"include": jobs.collect::<Vec<_>>()})
}
