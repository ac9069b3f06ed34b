//! Printing what was rendered, byte for byte as `helm template` prints it, and choosing from it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::split::{split, trim_end};
use super::{Document, DocumentKind, Rendered};
use hydrate_base::{Diagnostic, Result, go_io_text};
use hydrate_chart::{Level, matches_path};

/// The flags of `helm template` that only concern the output.
#[derive(Debug, Clone, Default)]
pub struct PrintOptions {
    /// `--no-hooks`
    pub no_hooks: bool,
    /// `--skip-tests`
    pub skip_tests: bool,
    /// `--show-only`
    pub show_only: Vec<String>,
}

impl PrintOptions {
    fn wants(&self, document: &Document) -> bool {
        match &document.kind {
            DocumentKind::Hook(hook) => !(self.no_hooks || self.skip_tests && hook.is_test()),
            _ => true,
        }
    }
}

/// What goes to stdout, piece by piece; most pieces are the documents themselves, so that megabytes are not copied.
#[derive(Debug)]
pub struct Printed<'r>(Vec<Cow<'r, [u8]>>);

impl Printed<'_> {
    /// The pieces in their order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// All pieces as one text.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// Takes white space off the end.
    fn trim_end(&mut self) {
        while let Some(last) = self.0.pop() {
            let kept = trim_end(&last).len();
            if kept > 0 {
                self.0.push(match last {
                    Cow::Borrowed(piece) => piece.get(..kept).unwrap_or_default().into(),
                    Cow::Owned(mut piece) => {
                        piece.truncate(kept);
                        piece.into()
                    }
                });
                return;
            }
        }
    }
}

impl<'r> Printed<'r> {
    fn document(&mut self, document: &'r Document) {
        self.0.push(head(&document.path).into());
        self.0.push((&*document.text).into());
        self.0.push(b"\n".into());
    }
}

/// The stdout of `helm template`.
pub fn print<'r>(rendered: &'r Rendered, options: &PrintOptions, level: Level) -> Result<Printed<'r>> {
    let mut out = Printed(Vec::with_capacity(3 * rendered.documents.len() + 1));
    for document in rendered.documents.iter().filter(|document| !matches!(document.kind, DocumentKind::Hook(_))) {
        out.document(document);
    }
    out.trim_end();
    out.0.push(b"\n".into());
    for document in &rendered.documents {
        if matches!(document.kind, DocumentKind::Hook(_)) && options.wants(document) {
            out.document(document);
        }
    }
    if options.show_only.is_empty() { Ok(out) } else { show_only(&out.to_bytes(), &options.show_only, level) }
}

/// What stands before a document.
fn head(path: &str) -> Vec<u8> {
    format!("---\n# Source: {path}\n").into_bytes()
}

/// Splits the printed text again, as Helm does, and keeps the documents whose `# Source:` matches.
fn show_only(printed: &[u8], wanted: &[String], level: Level) -> Result<Printed<'static>> {
    let documents: Vec<&[u8]> = split(printed, level).into_iter().filter_map(|range| printed.get(range)).collect();
    let mut out = Vec::new();
    for pattern in wanted {
        let mut found = false;
        for document in &documents {
            let Some(path) = source_path(document) else { continue };
            if matches_path(pattern, &path).unwrap_or(false) {
                out.extend_from_slice(b"---\n");
                out.extend_from_slice(document);
                out.push(b'\n');
                found = true;
            }
        }
        if !found {
            return Err(missing(pattern, &documents));
        }
    }
    Ok(Printed(vec![out.into()]))
}

fn missing(pattern: &str, documents: &[&[u8]]) -> Box<Diagnostic> {
    let mut paths: Vec<String> = documents.iter().filter_map(|document| source_path(document)).collect();
    paths.dedup();
    let error = Diagnostic::error(format!("could not find template {pattern} in chart"));
    if paths.is_empty() { error } else { error.help(format!("rendered were: {}", paths.join(", "))) }
}

/// What `# Source: [^/]+/(.+)` captures first.
fn source_path(document: &[u8]) -> Option<String> {
    const MARK: &[u8] = b"# Source: ";
    let mut rest = document;
    loop {
        let at = memchr::memmem::find(rest, MARK)?;
        rest = rest.get(at + MARK.len()..)?;
        let slash = memchr::memchr(b'/', rest)?;
        // The name before the slash may, to the letter of the expression, span lines.
        let path = rest.get(slash + 1..)?.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if slash > 0 && !path.is_empty() {
            return Some(String::from_utf8_lossy(path).into_owned());
        }
    }
}

/// `--output-dir`: writes a file for each template. Gives the lines that Helm prints about it, with the blank line that it prints for the
/// manifests which are not on stdout, and whether it went well: those of what was written before an error are printed too.
pub fn write_files(rendered: &Rendered, options: &PrintOptions, directory: &Path, release: Option<&str>) -> (Vec<u8>, Result<()>) {
    let mut said = Vec::new();
    let outcome = write_all(rendered, options, directory, release, &mut said);
    let outcome = outcome.and_then(|()| match options.show_only.first() {
        // What Helm looks through is what it would print, and that is empty.
        Some(pattern) => Err(missing(pattern, &[])),
        None => {
            said.push(b'\n');
            Ok(())
        }
    });
    (said, outcome)
}

fn write_all(rendered: &Rendered, options: &PrintOptions, directory: &Path, release: Option<&str>, said: &mut Vec<u8>) -> Result<()> {
    let below = release.map_or_else(|| directory.to_owned(), |release| directory.join(release));
    let mut written: Vec<PathBuf> = Vec::new();
    for document in rendered.documents.iter().filter(|document| options.wants(document)) {
        // CRDs go to the directory itself, whatever --release-name says.
        let base = if matches!(document.kind, DocumentKind::Crd) { directory } else { &below };
        let file = base.join(&document.path);
        // A hook is added to whatever file is there, even one of an earlier run.
        let append = if matches!(document.kind, DocumentKind::Hook(_)) { file.exists() } else { written.contains(&file) };
        write_file(&file, document, append)?;
        said.extend_from_slice(format!("wrote {}/{}\n", base.display(), document.path).as_bytes());
        written.push(file);
    }
    Ok(())
}

fn write_file(file: &Path, document: &Document, append: bool) -> Result<()> {
    use std::io::Write;
    let failed = |error: std::io::Error| Diagnostic::error(format!("open {}: {}", file.display(), go_io_text(&error)));
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let text = [&*head(&document.path), &*document.text, b"\n"].concat();
    let mut options = std::fs::OpenOptions::new();
    let options = if append { options.append(true) } else { options.write(true).create(true).truncate(true) };
    options.open(file).and_then(|mut open| open.write_all(&text)).map_err(failed)
}
