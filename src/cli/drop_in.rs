//! The world of `hydrate helm` and `hydrate kustomize`: what is named on the command line is trusted, links found inside of it are not.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use hydrate_base::limits::{parse_size, parse_time};
use hydrate_base::work_tree::WorkTree;
use hydrate_base::{Bounds, Diagnostic, DiskWorld, FileKind, Limits, Result, World};
use hydrate_chart::Level;

use super::pflag::{Flag, FlagKind, Parsed, switch, value};
use super::session::is_ci;

/// hydrate's own options of a drop-in command.
#[derive(Debug)]
pub struct WorldArgs {
    /// How much rendering may take.
    pub limits: Limits,
    /// Whether links are followed that lead out of the Git work tree, or out of the directory named where there is none.
    pub allow_outside: bool,
    /// Environment variables that may be read where CI is set; elsewhere all may.
    template_env: Vec<String>,
}

/// The same options as flags.
pub const OWN_FLAGS: &[Flag] = &[
    value("max-time", FlagKind::Checked(|text| parse_time(text).map(drop)), "How long rendering may take [default: 15s]"),
    value("max-memory", FlagKind::Checked(|text| parse_size(text).map(drop)), "How much memory rendering may take [default: 4Gi]"),
    value("max-steps", FlagKind::Checked(number), "How many steps the templates of the chart may take"),
    value("max-output", FlagKind::Checked(number), "How many bytes the templates of the chart may write, and have functions make"),
    switch("allow-outside", "Follow links that lead out of the Git work tree, or out of the directory named [HYDRATE_ALLOW_OUTSIDE]"),
    value("template-env", FlagKind::List, "Environment variables that may be read where CI is set [HYDRATE_TEMPLATE_ENV]"),
];

/// The flag for whose charts are reproduced.
pub const LEVEL: Flag = value(
    "compat",
    FlagKind::Checked(|text| Level::parse(text).map(drop).ok_or_else(|| "known are v3 and v4".to_owned())),
    "Whose output to reproduce: v3 (helm 3.17) or v4 (helm 4.3) [HYDRATE_HELM_COMPAT; default: v4]",
);

/// The level that a command line gives, or else the environment.
pub fn level(given: Option<&str>) -> Result<Level> {
    let from_variable = std::env::var("HYDRATE_HELM_COMPAT").ok().filter(|text| !text.is_empty());
    match given.or(from_variable.as_deref()) {
        None => Ok(Level::default()),
        Some(text) => Level::parse(text)
            .ok_or_else(|| Diagnostic::error(format!("there is no compatibility level {text:?}")).help("known are v3 and v4")),
    }
}

/// The arguments of a drop-in command as texts.
pub fn texts(args: &[OsString]) -> Result<Vec<String>> {
    let text = |argument: &OsString| {
        argument.clone().into_string().map_err(|argument| Diagnostic::error(format!("{} is not UTF-8", argument.display())))
    };
    args.iter().map(text).collect()
}

fn number(text: &str) -> std::result::Result<(), String> {
    text.parse::<u64>().map(drop).map_err(|_| "expected a number".to_owned())
}

impl WorldArgs {
    /// From a command line that was read with [`OWN_FLAGS`].
    pub fn of(parsed: &Parsed) -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let from_variable = set("HYDRATE_TEMPLATE_ENV").map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
        let given = parsed.texts("template-env");
        let usual = Limits::default();
        let limits = Limits {
            time: parsed.text("max-time").and_then(|text| parse_time(text).ok()).unwrap_or(usual.time),
            memory: parsed.text("max-memory").and_then(|text| parse_size(text).ok()).unwrap_or(usual.memory),
            steps: parsed.text("max-steps").and_then(|text| text.parse().ok()).unwrap_or(usual.steps),
            output: parsed.text("max-output").and_then(|text| text.parse().ok()).unwrap_or(usual.output),
        };
        Self {
            limits,
            allow_outside: parsed.is_on("allow-outside")
                || set("HYDRATE_ALLOW_OUTSIDE")
                    .is_some_and(|text| !matches!(text.to_lowercase().as_str(), "0" | "f" | "false" | "n" | "no" | "off")),
            template_env: if given.is_empty() { from_variable.unwrap_or_default() } else { given.to_vec() },
        }
    }

    /// The world for a chart or kustomization at a path as the command line names it.
    pub fn world(&self, path: &Path, reach: Reach) -> Result<DiskWorld> {
        let world = DiskWorld::new().limited(self.limits);
        let world = if is_ci(&world) { world.seeing(Arc::new(self.template_env.iter().cloned().collect())) } else { world };
        let is_directory = world.kind(path).is_ok_and(|kind| kind == FileKind::Directory);
        if self.allow_outside || reach == Reach::Anywhere || !is_directory {
            return Ok(world);
        }
        let real = world.canonical(path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
        let bounds = match WorkTree::around(&real) {
            Some(tree) => Bounds::below(tree.top.to_owned(), "the Git work tree", ADVICE),
            None if reach == Reach::Paths => Bounds::below(real.clone(), "the directory that was named", ADVICE).admitting(),
            None => Bounds::below(real.clone(), "the directory that was named", ADVICE),
        };
        Ok(world.within(Arc::new(bounds.with_name(path.to_owned(), real))))
    }

    /// An error as it may be shown: it quotes lines only where all that was read lies where its names say.
    pub fn quoted(&self, world: &DiskWorld, reach: Reach, error: Box<Diagnostic>) -> Box<Diagnostic> {
        let everywhere = self.allow_outside || reach == Reach::Anywhere;
        if everywhere || world.has_strayed() { error.without_lines() } else { error }
    }
}

/// How far what lies in a directory may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// As far as the Git work tree; where there is none, no further than the directory.
    Inside,
    /// The same, and where there is no Git work tree, to directories that it names by paths without links.
    Paths,
    /// Anywhere.
    Anywhere,
}

const ADVICE: &str = "`--allow-outside` allows it";
