//! The commands: what is typed, and which file runs it.
//!
//! A command is one file (its arguments, work and messages) and three lines here: its module, its variant of [`Command`], whose comment is
//! its help, and its arm of `run`. One line would take a macro around all three: its modules would be hidden from rustfmt, and its variants from who reads
//! what clap is told. The compiler says which of the three is missing.

pub mod affected;
pub mod cache;
pub mod check;
pub mod commit;
pub mod completion;
pub mod diff;
pub mod explain;
pub mod fetch;
pub mod git_diff;
pub mod graph;
pub mod helm;
pub mod helmfile;
pub mod hook;
pub mod import;
pub mod init;
pub mod kustomize;
pub mod list;
pub mod lock;
pub mod man;
pub mod new;
pub mod outdated;
pub mod push;
pub mod render;
pub mod schema;
pub mod self_check;
pub mod textconv;
pub mod values;
pub mod vendor;

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::args::{DropInArgs, GlobalArgs};
use crate::cli::outcome::{Failures, Outcome};
use crate::cli::ui::Ui;
use crate::cli::version;
use hydrate_base::suggest;

/// Renders components × environments into plain YAML under manifests/.
///
/// Without a command it renders: `hydrate -e k3d` writes manifests/k3d and says what changed.
#[derive(Debug, Parser)]
#[command(name = "hydrate", version = version::short(), long_version = version::long(), max_term_width = 100, subcommand_precedence_over_arg = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Options of a bare run.
    #[command(flatten)]
    pub render: render::RenderArgs,
    /// The command, where there is one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a run would change
    Diff(diff::DiffArgs),
    /// Show two versions of a file object by object: for GIT_EXTERNAL_DIFF, or two files
    GitDiff(git_diff::GitDiffArgs),
    /// Print a file in one order, for Git's `textconv`
    Textconv(textconv::TextconvArgs),
    /// Is manifests/ what would be rendered? 0 in sync, 2 stale, 1 error; writes nothing
    Check(check::CheckArgs),
    /// Commit exactly what hydrate wrote
    Commit(commit::CommitArgs),
    /// List components and the environments they belong to
    List,
    /// List the components of which environments a change since a revision touches
    Affected(affected::AffectedArgs),
    /// Say where a line of manifests/ comes from: template, values, patches; or where a value goes
    Explain(explain::ExplainArgs),
    /// Print the values a component is rendered with
    Values(values::ValuesArgs),
    /// Pin everything that comes from outside in hydrate.lock
    Lock(lock::LockArgs),
    /// Fetch what hydrate.lock names into the cache
    Fetch,
    /// Keep the archives that hydrate.lock names in the repository, under charts/
    Vendor,
    /// List newer versions of what hydrate.lock names
    Outdated,
    /// Push the manifests of an environment to a registry, for Flux and Argo CD
    Push(push::PushArgs),
    /// Look at or clean the cache
    Cache(cache::CacheArgs),
    /// Draw what is applied after what: components by their `needs`, namespaces and CRDs first
    Graph,
    /// Start a project that can be rendered at once
    Init(init::InitArgs),
    /// Begin a component or an environment
    New(new::NewArgs),
    /// Turn helmfiles into components, proven to render the same; without one, say how far this repository has come
    Import(import::ImportArgs),
    /// Install a Git hook that checks before every commit
    Hook(hook::HookArgs),
    /// Print the JSON Schema of a configuration file
    Schema(schema::SchemaArgs),
    /// Say what this machine lacks that hydrate can use, each with the command that mends it; 1 where something is missing
    SelfCheck(self_check::SelfCheckArgs),
    /// Render a Helm chart: the same bytes as `helm template`
    #[command(disable_help_flag = true)]
    Helm(DropInArgs),
    /// Template the releases of a helmfile: the same bytes as `helmfile template`
    #[command(disable_help_flag = true)]
    Helmfile(DropInArgs),
    /// Build a kustomization: the same bytes as `kustomize build`
    #[command(disable_help_flag = true)]
    Kustomize(DropInArgs),
    /// Print a completion script: in bash, zsh and fish it knows environments, components and options
    #[command(alias = "completions")]
    Completion(completion::CompletionArgs),
    /// Print the manual page
    Man,
}

/// Runs the command that was typed, or renders where there is none.
pub fn dispatch(ui: &mut Ui, cli: Cli) -> Outcome {
    match cli.command {
        None => render::run(ui, &cli.global, &cli.render).map_err(|failures| or_command(failures, &cli.render.components)),
        Some(command) => {
            cli.render.refuse_beside_a_command()?;
            run(ui, &cli.global, command)
        }
    }
}

/// A bare word that is no component may have been meant as a command.
fn or_command(mut failures: Failures, words: &[String]) -> Failures {
    let commands = Cli::command();
    let names: Vec<&str> = commands.get_subcommands().map(clap::Command::get_name).collect();
    for error in &mut failures.0 {
        let is_about = |word: &&String| error.message == format!("there is no component `{word}`") || error.message == "which environment?";
        let close = words.iter().find(is_about).and_then(|word| suggest::closest(word, names.iter().copied()));
        error.help.extend(close.map(|command| format!("or the command: `hydrate {command}`")));
    }
    failures
}

fn run(ui: &mut Ui, global: &GlobalArgs, command: Command) -> Outcome {
    match command {
        Command::Diff(args) => diff::run(ui, global, &args),
        Command::GitDiff(args) => git_diff::run(ui, global, &args),
        Command::Textconv(args) => textconv::run(ui, &args),
        Command::Check(args) => check::run(ui, global, &args),
        Command::Commit(args) => commit::run(ui, global, &args),
        Command::List => list::run(ui, global),
        Command::Values(args) => values::run(ui, global, &args),
        Command::Affected(args) => affected::run(ui, global, &args),
        Command::Explain(args) => explain::run(ui, global, &args),
        Command::Lock(args) => lock::run(ui, global, &args),
        Command::Fetch => fetch::run(ui, global),
        Command::Vendor => vendor::run(ui, global),
        Command::Outdated => outdated::run(ui, global),
        Command::Push(args) => push::run(ui, global, &args),
        Command::Cache(args) => cache::run(ui, global, &args),
        Command::Graph => graph::run(ui, global),
        Command::Init(args) => init::run(ui, global, &args),
        Command::New(args) => new::run(ui, global, &args),
        Command::Import(args) => import::run(ui, global, &args),
        Command::Hook(args) => hook::run(ui, global, &args),
        Command::Schema(args) => schema::run(ui, &args),
        Command::SelfCheck(args) => self_check::run(ui, global, &args),
        Command::Helm(rest) => helm::run(ui, &rest.args),
        Command::Helmfile(rest) => helmfile::run(ui, &rest.args),
        Command::Kustomize(rest) => kustomize::run(ui, &rest.args),
        Command::Completion(args) => completion::run(ui, Cli::command(), &args),
        Command::Man => man::run(ui, Cli::command()),
    }
}

/// All commands for completion, first the whole program, and then those that read their arguments themselves.
pub fn for_completion() -> (clap::Command, [clap::Command; 3]) {
    (Cli::command(), [helm::for_completion(), helmfile::for_completion(), kustomize::for_completion()])
}

/// A command that reads its arguments itself.
type DropIn = fn(&mut Ui, &[OsString]) -> Outcome;

/// `helm`, `helmfile` and `kustomize` keep the flags of the tools they replace, so they read their arguments themselves.
pub fn drop_in(args: &[OsString]) -> Option<(DropIn, &[OsString])> {
    let run: DropIn = match args.get(1)?.to_str()? {
        "helm" => helm::run,
        "helmfile" => helmfile::run,
        "kustomize" => kustomize::run,
        _ => return None,
    };
    Some((run, args.get(2..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_sound_also_those_for_completion() {
        let (program, drop_ins) = for_completion();
        program.debug_assert();
        drop_ins.into_iter().for_each(clap::Command::debug_assert);
    }
}
