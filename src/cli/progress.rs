//! Progress on a terminal.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use hydrate_base::plain;

/// A line on stderr that says how many components are done; nothing where stderr is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Progress over an environment.
    pub fn new(env: &str, quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if shown {
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {pos} rendered {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(plain::line(env).into_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar }
    }

    /// One more component is done.
    pub fn done(&self, name: &str) {
        self.bar.inc(1);
        self.bar.set_message(plain::line(name).into_owned());
    }

    /// Takes the line away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
