//! Printing what was rendered, byte for byte as `helm template` prints it, and choosing from it.

use std::path::{Path, PathBuf};

use super::manifests::{split, trim};
use super::{Document, Part, Rendered};
use crate::base::{Diagnostic, Result, go_io_text};
use crate::chart::{Level, pathmatch};

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
        match &document.part {
            Part::Hook(hook) => !(self.no_hooks || self.skip_tests && hook.is_test()),
            _ => true,
        }
    }
}

/// The stdout of `helm template`.
pub fn print(rendered: &Rendered, options: &PrintOptions, level: Level) -> Result<Vec<u8>> {
    // Rendered CRDs are megabytes, so the text is put together in one piece of memory.
    let size: usize = rendered.documents.iter().map(|document| document.path.len() + document.text.len() + HEAD.len() + 2).sum();
    let mut out = Vec::with_capacity(size + 1);
    for document in rendered.documents.iter().filter(|document| !matches!(document.part, Part::Hook(_))) {
        write_document(&mut out, document);
    }
    // Every document begins with its separator, so only the end has white space to lose.
    out.truncate(trim(&out).len());
    out.push(b'\n');
    for document in &rendered.documents {
        if matches!(document.part, Part::Hook(_)) && options.wants(document) {
            write_document(&mut out, document);
        }
    }
    if options.show_only.is_empty() { Ok(out) } else { show_only(&out, &options.show_only, level) }
}

/// What stands before the path of a document's template.
const HEAD: &[u8] = b"---\n# Source: ";

fn write_document(out: &mut Vec<u8>, document: &Document) {
    out.extend_from_slice(HEAD);
    out.extend_from_slice(document.path.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&document.text);
    out.push(b'\n');
}

/// Splits the printed text again, as Helm does, and keeps the documents whose `# Source:` matches.
fn show_only(printed: &[u8], wanted: &[String], level: Level) -> Result<Vec<u8>> {
    let documents: Vec<&[u8]> = split(printed, level).into_iter().filter_map(|range| printed.get(range)).collect();
    let mut out = Vec::new();
    for pattern in wanted {
        let mut found = false;
        for document in &documents {
            let Some(path) = source_path(document) else { continue };
            if pathmatch::matches(pattern, &path).unwrap_or(false) {
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
    Ok(out)
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

/// `--output-dir`: writes a file for each template and gives the lines that Helm prints about it, with the blank line that
/// it prints for the manifests which are not on stdout.
pub fn write_files(rendered: &Rendered, options: &PrintOptions, directory: &Path, release: Option<&str>) -> Result<Vec<u8>> {
    let below = release.map_or_else(|| directory.to_owned(), |release| directory.join(release));
    let mut said = Vec::new();
    let mut written: Vec<PathBuf> = Vec::new();
    for document in rendered.documents.iter().filter(|document| options.wants(document)) {
        // CRDs go to the directory itself, whatever --release-name says.
        let base = if matches!(document.part, Part::Crd) { directory } else { &below };
        let file = base.join(&document.path);
        // A hook is added to whatever file is there, even one of an earlier run.
        let append = if matches!(document.part, Part::Hook(_)) { file.exists() } else { written.contains(&file) };
        write_file(&file, document, append)?;
        said.extend_from_slice(format!("wrote {}/{}\n", base.display(), document.path).as_bytes());
        written.push(file);
    }
    said.push(b'\n');
    Ok(said)
}

fn write_file(file: &Path, document: &Document, append: bool) -> Result<()> {
    use std::io::Write;
    let failed = |error: std::io::Error| Diagnostic::error(format!("open {}: {}", file.display(), go_io_text(&error)));
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut text = Vec::new();
    write_document(&mut text, document);
    let mut options = std::fs::OpenOptions::new();
    let options = if append { options.append(true) } else { options.write(true).create(true).truncate(true) };
    options.open(file).and_then(|mut open| open.write_all(&text)).map_err(failed)
}
