//! Downloads on a terminal: one line for each that is under way.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use hydrate_acquire::http::Progress;
use hydrate_base::plain;

/// Shows downloads on stderr, where that is a terminal.
#[derive(Debug, Default)]
pub struct Downloads {
    all: MultiProgress,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress for Downloads {
    fn received(&self, artifact: &str, bytes: u64, total: Option<u64>) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(artifact.to_owned()).or_insert_with(|| {
            let bar = self.all.add(total.map_or_else(ProgressBar::no_length, ProgressBar::new));
            let style = ProgressStyle::with_template("{msg}: {bytes} {bytes_per_sec}").unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.set_message(plain::line(artifact).into_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.inc(bytes);
    }

    fn ended(&self, artifact: &str) {
        if let Some(bar) = self.bars.lock().unwrap_or_else(PoisonError::into_inner).remove(artifact) {
            bar.finish_and_clear();
        }
    }
}
