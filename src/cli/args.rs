//! The options that every command takes, and those that several share.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use hydrate_base::{Limits, limits};

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Environment to work on; repeat it for several, `all` for every one
    #[arg(short, long = "env", value_name = "ENV", global = true, env = "HYDRATE_ENV", value_delimiter = ',')]
    pub environments: Vec<String>,
    /// Run as if started in this directory
    #[arg(short = 'C', long, value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// How many components to render at once, at most 256 [default: one per processor]
    #[arg(short, long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// How much rendering may take.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Environment variable that templates may read (`env`, `requiredEnv`); repeat it for several
    #[arg(long, value_name = "NAME", global = true, env = "HYDRATE_TEMPLATE_ENV", value_delimiter = ',')]
    pub template_env: Vec<String>,
    /// Touch no network: what comes from outside must be in charts/ or in the cache
    #[arg(long, global = true, env = "HYDRATE_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,
    /// How long one download may take in all
    #[arg(long, value_name = "SECONDS", global = true, env = "HYDRATE_DOWNLOAD_TIMEOUT", value_parser = clap::value_parser!(u32).range(1..))]
    pub download_timeout: Option<u32>,
    /// Render in a process that can read the project and do nothing else; the default where CI is set
    #[arg(long, global = true, conflicts_with = "no_sandbox", env = "HYDRATE_SANDBOX", value_parser = clap::builder::FalseyValueParser::new())]
    pub sandbox: bool,
    /// Render in this process, with all rights of this user
    #[arg(long, global = true)]
    pub no_sandbox: bool,
    /// Refuse to change hydrate.lock; the default where CI is set
    #[arg(long, global = true)]
    pub locked: bool,
    /// Render everything anew, and keep nothing of it in the cache
    #[arg(long, global = true, env = "HYDRATE_NO_CACHE", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_cache: bool,
    /// Output format: text or json; diff also knows markdown, html, sarif, github and gitlab, check sarif, github and gitlab, graph mermaid and dot, affected matrix
    #[arg(long, value_name = "FORMAT", global = true, hide_possible_values = true)]
    pub format: Option<Format>,
    /// Say only what went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: how long each component took, whether it came from the cache, how rendering was confined
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub color: Color,
}

/// How much rendering may take, for every command that renders.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// How long rendering one component may take [default: 15s]
    #[arg(long, value_name = "DURATION", global = true, value_parser = limits::parse_time)]
    max_time: Option<Duration>,
    /// How much memory rendering may take [default: 4Gi]
    #[arg(long, value_name = "SIZE", global = true, value_parser = limits::parse_size)]
    max_memory: Option<u64>,
    /// How many steps the templates of one chart may take: nodes executed, and values that functions go through
    #[arg(long, value_name = "STEPS", global = true)]
    max_steps: Option<u64>,
    /// How many bytes the templates of one chart may write, and have functions make
    #[arg(long, value_name = "BYTES", global = true)]
    max_output: Option<usize>,
}

impl LimitArgs {
    /// The limits asked for; the usual ones where nothing was said.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            memory: self.max_memory.unwrap_or(usual.memory),
            time: self.max_time.unwrap_or(usual.time),
            steps: self.max_steps.unwrap_or(usual.steps),
            output: self.max_output.unwrap_or(usual.output),
        }
    }
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Output formats over all commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines; the schema is versioned (docs/commands.md).
    Json,
    /// For comments on pull requests.
    Markdown,
    /// Mermaid, for `graph`.
    Mermaid,
    /// Graphviz, for `graph`.
    Dot,
    /// A matrix of jobs in CI, for `affected`.
    Matrix,
    /// For code scanning, SARIF 2.1.0, for `check` and `diff`.
    Sarif,
    /// One page that needs nothing else, for `diff`.
    Html,
    /// Annotations of GitHub's workflows, for `check` and `diff`.
    Github,
    /// GitLab's Code Quality report, for `check` and `diff`.
    Gitlab,
}

/// Arguments of a drop-in command, passed on as they are.
#[derive(Debug, Args)]
pub struct DropInArgs {
    /// Arguments of the tool it replaces
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}
