//! The world of `hydrate helm` and `hydrate kustomize`: what is named on the command line is trusted, links found inside of it are not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::base::{Boundary, Diagnostic, DiskWorld, Result, World};
use crate::git::Repository;

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
    /// The world for a chart or kustomization; `named` are other files that the command line names.
    pub fn world(&self, path: &Path, named: Vec<PathBuf>) -> Result<DiskWorld> {
        let world = DiskWorld::new().limited(self.limits.limits());
        let world = if is_ci(&world) { world.seeing(Arc::new(self.template_env.iter().cloned().collect())) } else { world };
        let is_directory = world.kind(path).is_ok_and(|kind| kind == crate::base::FileKind::Directory);
        if self.allow_outside || !is_directory {
            return Ok(world);
        }
        Ok(world.within(Arc::new(boundary(path)?.naming(named))))
    }
}

fn boundary(directory: &Path) -> Result<Boundary> {
    const ADVICE: &str = "copy it inside, or allow it with --allow-outside";
    let repository = Repository::discover(directory).ok().flatten();
    let boundary = match &repository {
        Some(repository) => {
            let roots = [repository.work_tree().to_owned(), directory.to_owned()];
            Boundary::links(&roots, repository.closed_directories(), "the Git work tree", ADVICE)
        }
        None => Boundary::links(&[directory.to_owned()], Vec::new(), "the directory", ADVICE),
    };
    boundary.map_err(|error| Diagnostic::error(format!("cannot read {}: {error}", directory.display())))
}
