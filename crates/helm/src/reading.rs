//! Splitting rendered files and reading their heads, while other templates are still being executed.

use std::ops::Range;
use std::sync::Arc;

use super::engine::RenderedFile;
use super::head::{self, Head};
use super::split::{split, trim};
use hydrate_base::{Diagnostic, JobQueue, PendingJob, Result};
use hydrate_chart::Level;

/// So many rendered bytes are worth leaving to another thread.
const BATCH: usize = 32 << 10;

/// A rendered file and the documents in it.
#[derive(Debug)]
pub(super) struct ReadFile {
    /// The template's path.
    pub(super) path: String,
    /// What it wrote.
    pub(super) file: Arc<RenderedFile>,
    /// Where its documents are, with the heads of those that are plain enough to be skimmed.
    pub(super) documents: Vec<(Range<usize>, Option<Head>)>,
}

/// Rendered files that are read by other threads in batches.
pub(super) struct RenderedReader<'e> {
    jobs: &'e JobQueue,
    level: Level,
    batch: Vec<(String, RenderedFile)>,
    /// The bytes in the batch.
    size: usize,
    left: Vec<PendingJob<Vec<ReadFile>>>,
}

impl<'e> RenderedReader<'e> {
    pub(super) fn new(jobs: &'e JobQueue, level: Level) -> Self {
        Self { jobs, level, batch: Vec::new(), size: 0, left: Vec::new() }
    }

    /// Takes a rendered file.
    pub(super) fn add(&mut self, path: &str, file: RenderedFile) {
        self.size += file.bytes().len();
        self.batch.push((path.to_owned(), file));
        if self.size >= BATCH {
            let (batch, level) = (std::mem::take(&mut self.batch), self.level);
            self.left.push(self.jobs.submit(move || read_all(batch, level)));
            self.size = 0;
        }
    }

    /// All files, sorted by path.
    pub(super) fn finish(self) -> Result<Vec<ReadFile>> {
        let mut files = read_all(self.batch, self.level);
        for job in self.left {
            files.extend(job.wait().ok_or_else(|| Diagnostic::error("reading what was rendered failed: the thread panicked"))?);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

fn read_all(batch: Vec<(String, RenderedFile)>, level: Level) -> Vec<ReadFile> {
    batch.into_iter().map(|(path, file)| read(path, file, level)).collect()
}

fn read(path: String, file: RenderedFile, level: Level) -> ReadFile {
    let content = file.bytes();
    let ranges = if trim(content).is_empty() { Vec::new() } else { split(content, level) };
    let head = |range: Range<usize>| (range.clone(), content.get(range).and_then(head::skim));
    let documents = ranges.into_iter().map(head).collect();
    ReadFile { path, file: Arc::new(file), documents }
}

/// The line at which a text turns out to be no YAML, and what is wrong there; nothing where it is YAML.
pub(super) fn yaml_error(text: &[u8]) -> Option<(usize, String)> {
    let error = hydrate_yaml::compose(text).err()?;
    let at = text.get(..error.mark.offset as usize).unwrap_or(text);
    // At the end of the text there is nothing to be seen.
    let at = if text.get(at.len()..).unwrap_or_default().trim_ascii().is_empty() { at.trim_ascii_end() } else { at };
    let line = memchr::memchr_iter(b'\n', at).count() + 1;
    let said = error.message.strip_prefix("line ").and_then(|rest| rest.split_once(": ")).map_or(error.message.as_str(), |(_, said)| said);
    Some((line, said.to_owned()))
}
