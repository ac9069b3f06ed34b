//! The user interface: data to stdout, everything else to stderr, colour only where it is wanted.
//!
//! All text for people passes here, and here alone it is made fit to be shown ([`plain`]): names of files, messages of templates
//! and what servers say may hold anything. Data that is not for people (rendered manifests) passes as it is.

use std::io::{self, IoSlice, IsTerminal, Write};

use hydrate_base::limits::Watch;
use hydrate_base::{Diagnostic, Limits, Result, Severity, plain};

use super::args::{Color, GlobalArgs};
use super::progress::Progress;
use super::snippet;

/// The two streams of a run and how to use them.
#[derive(Debug)]
pub struct Ui {
    /// Whether stderr gets colour.
    color: bool,
    /// Whether stdout gets colour.
    color_data: bool,
    quiet: bool,
    verbose: u8,
    /// Whether the reader of stdout has gone away.
    closed: bool,
}

impl Ui {
    /// The interface before any option is known: colour on a terminal.
    pub fn plain() -> Self {
        let mut ui = Self { color: false, color_data: false, quiet: false, verbose: 0, closed: false };
        ui.set_color(Color::Auto);
        ui
    }

    /// Takes over the options of the command line.
    pub fn configure(&mut self, global: &GlobalArgs) {
        self.quiet = global.quiet;
        self.verbose = global.verbose;
        self.set_color(global.color);
    }

    fn set_color(&mut self, when: Color) {
        let wanted = |terminal: bool| match when {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        };
        self.color = wanted(io::stderr().is_terminal());
        self.color_data = wanted(io::stdout().is_terminal());
    }

    /// Writes data to stdout. A reader that has gone away (`| head`) is no error: the rest is dropped.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.pieces([bytes])
    }

    /// Writes text for people to stdout; on a terminal through the user's pager, as Git does: `HYDRATE_PAGER`, `GIT_PAGER`, `PAGER`, else `less`. What a repository says
    /// about pagers is not asked for.
    pub fn paged(&mut self, text: &str) -> Result<()> {
        let pager = pager(&|name| std::env::var(name).ok()).filter(|_| io::stdout().is_terminal() && !text.is_empty());
        match pager.map(|pager| through(&pager, text.as_bytes())) {
            Some(true) => Ok(()),
            _ => self.data(text.as_bytes()),
        }
    }

    /// Writes lines for people to stdout.
    pub fn lines<L: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = L>) -> Result<()> {
        let text: String = lines.into_iter().map(|line| format!("{}\n", plain::line(line.as_ref()))).collect();
        self.data(text.as_bytes())
    }

    /// Writes pieces of data to stdout as if they were one.
    pub fn pieces<'p>(&mut self, pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let pieces: Vec<IoSlice<'_>> = pieces.into_iter().map(IoSlice::new).collect();
        let mut stdout = io::stdout().lock();
        match write_pieces(&mut stdout, pieces).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => return Err(Diagnostic::error(format!("cannot write to stdout: {error}"))),
            Ok(()) => {}
        }
        Ok(())
    }

    /// A message to stderr, unless the run is quiet. Lines after the first are indented.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.stderr(&plain::paragraph(text.as_ref()));
        }
    }

    /// What was wrong with the command line, to stderr.
    pub fn usage(&self, text: &str) {
        self.stderr(&plain::text(text.trim_end()));
    }

    /// A message to stderr for runs with `-v`; `level` 2 for `-vv`.
    pub fn detail(&self, level: u8, text: impl AsRef<str>) {
        if self.verbose >= level {
            self.stderr(&plain::paragraph(text.as_ref()));
        }
    }

    /// Progress over an environment, on a terminal.
    pub fn progress(&self, env: &str) -> Progress {
        Progress::new(env, self.quiet)
    }

    /// Whether stdout gets colour.
    pub fn colored_data(&self) -> bool {
        self.color_data
    }

    /// Whether stderr gets colour.
    pub fn colored(&self) -> bool {
        self.color
    }

    /// Whether only failures are to be told.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Shows diagnostics with their source lines on stderr; warnings are left out of quiet runs, and remarks of runs without `-v`.
    pub fn report(&self, diagnostics: &[Box<Diagnostic>]) {
        for diagnostic in diagnostics {
            let is_shown = match diagnostic.severity {
                Severity::Error => true,
                Severity::Warning => !self.quiet,
                Severity::Note => self.verbose >= 1,
            };
            if is_shown {
                self.stderr(&snippet::render(diagnostic, self.color));
            }
        }
    }

    /// A watch over rendering. What goes beyond its limits and does not end by itself ends the process, with an error: rendering writes
    /// nothing, so there is nothing to put back.
    pub fn watch(&self, limits: Limits) -> Watch {
        let color = self.color;
        Watch::new(limits, move |error| {
            // There is nobody to tell when stderr itself is closed.
            let _ = writeln!(io::stderr().lock(), "{}", snippet::render(&error, color));
            std::process::exit(1)
        })
    }

    fn stderr(&self, text: &str) {
        // There is nobody to tell when stderr itself is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

fn write_pieces(out: &mut impl Write, mut pieces: Vec<IoSlice<'_>>) -> io::Result<()> {
    let mut rest = &mut *pieces;
    // Empty pieces at the front go first: a write of nothing would look like the end.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match out.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The pager that the user wants; `None` for none.
fn pager(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let named = ["HYDRATE_PAGER", "GIT_PAGER", "PAGER"].into_iter().find_map(variable);
    let pager = named.unwrap_or_else(|| "less".to_owned());
    (!matches!(pager.trim(), "" | "cat")).then_some(pager)
}

/// Whether a pager has taken a text. It is left at once where the text fits on the screen.
fn through(pager: &str, text: &[u8]) -> bool {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", pager]).stdin(std::process::Stdio::piped());
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        // Who has read enough closes the pager.
        let _ = input.write_all(text);
    }
    // The shell says so where there is no such program.
    child.wait().is_ok_and(|status| status.code() != Some(127))
}

fn set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_is_the_one_that_the_user_names() {
        let with = |pairs: &[(&str, &str)]| pager(&|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()));
        assert_eq!(with(&[]).as_deref(), Some("less"));
        assert_eq!(with(&[("PAGER", "more"), ("GIT_PAGER", "delta")]).as_deref(), Some("delta"));
        assert_eq!(with(&[("HYDRATE_PAGER", "cat"), ("PAGER", "more")]), None);
        assert_eq!(with(&[("PAGER", "")]), None);
        assert!(through("cat >/dev/null", b"x") && !through("no-such-pager-at-all 2>/dev/null", b"x"));
    }
}
