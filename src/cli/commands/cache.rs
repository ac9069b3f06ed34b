//! `hydrate cache`: what is in the cache, and less of it.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::format;
use crate::cli::{report, ui::Ui};
use hydrate_acquire::Cache;
use hydrate_base::DiskWorld;
use hydrate_base::plain::counted;

/// Arguments of `cache`.
#[derive(Debug, Args)]
pub struct CacheArgs {
    /// What to do with it
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Say where it is and how much is in it
    Info,
    /// Remove what was fetched
    Clean {
        /// Only what is older than so many days
        #[arg(long, value_name = "DAYS", default_value_t = 0)]
        older_than: u32,
    },
}

/// Shows or cleans the cache of the user, which all projects share.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &CacheArgs) -> Outcome {
    let format = format(global, "cache", &[Format::Text, Format::Json])?;
    let cache = Cache::of_user(&DiskWorld::new())?;
    let (text, data) = match args.what {
        What::Info => {
            let usage = cache.usage();
            let text = format!(
                "{}\n{}, {} bytes; {} bytes of other data\n",
                cache.root().display(),
                counted(usize::try_from(usage.blobs).unwrap_or(usize::MAX), "artifact"),
                usage.blob_bytes,
                usage.other_bytes
            );
            (text, json!({"path": cache.root(), "artifacts": usage.blobs, "bytes": usage.blob_bytes, "otherBytes": usage.other_bytes}))
        }
        What::Clean { older_than } => {
            let freed = cache.clean(Duration::from_secs(u64::from(older_than) * 86_400))?;
            (format!("{freed} bytes freed\n"), json!({"freed": freed}))
        }
    };
    match format {
        Format::Json => ui.data(&report::document("cache", data, &[]))?,
        _ => ui.lines(text.lines())?,
    }
    Ok(Exit::Success)
}
