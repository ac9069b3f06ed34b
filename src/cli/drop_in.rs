//! The world of `hydrate helm` and `hydrate kustomize`: what is named on the command line is trusted, links found inside of it are not.

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use crate::base::bounds;
use crate::base::{Bounds, Diagnostic, DiskWorld, FileKind, Result, World};

use super::args::LimitArgs;
use super::session::is_ci;

/// hydrate's own options of a drop-in command.
#[derive(Debug, Args)]
pub struct WorldArgs {
    /// How much rendering may take.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Follow links that lead out of the Git work tree, or out of the directory named where there is none
    #[arg(long, help_heading = "hydrate", env = "HYDRATE_ALLOW_OUTSIDE", value_parser = clap::builder::FalseyValueParser::new())]
    pub allow_outside: bool,
    /// Environment variable that may be read where CI is set; elsewhere all may
    #[arg(long, value_name = "NAME", help_heading = "hydrate", env = "HYDRATE_TEMPLATE_ENV", value_delimiter = ',')]
    template_env: Vec<String>,
}

impl WorldArgs {
    /// The world for a chart or kustomization at a path as the command line names it.
    pub fn world(&self, path: &Path, reach: Reach) -> Result<DiskWorld> {
        let world = DiskWorld::new().limited(self.limits.limits());
        let world = if is_ci(&world) { world.seeing(Arc::new(self.template_env.iter().cloned().collect())) } else { world };
        let is_directory = world.kind(path).is_ok_and(|kind| kind == FileKind::Directory);
        if self.allow_outside || reach == Reach::Anywhere || !is_directory {
            return Ok(world);
        }
        let real = world.canonical(path).map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", path.display())))?;
        let bounds = match bounds::work_tree(&real) {
            Some(tree) => Bounds::below(tree.to_owned(), "the Git work tree", ADVICE),
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
