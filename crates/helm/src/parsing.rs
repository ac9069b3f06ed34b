//! Parsing the templates of a chart, on two threads where there is enough for two.
//!
//! It begins while the values are still being merged: the waiting thread parses everything under the names that templates
//! have when no dependency is disabled or renamed, which they mostly are not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{errors, functions, scope};
use hydrate_base::{JobQueue, PendingJob, Result, SourceFile};
use hydrate_chart::{Chart, Level};
use hydrate_gotmpl::{FunctionSet, GoVersion, MissingKey, Options, ParseError, ParsedText, TemplateSet};

/// So many bytes of templates are parsed in one go; what is less than two of these is not worth sharing.
const BATCH: usize = 32 << 10;

/// Templates that are parsed by other threads in batches.
pub(super) struct Parsing<'e> {
    jobs: &'e JobQueue,
    functions: Arc<FunctionSet>,
    batches: Vec<Batch>,
}

struct Batch {
    files: Vec<Arc<SourceFile>>,
    /// Cleared where nobody needs these texts after all.
    wanted: Arc<AtomicBool>,
    job: PendingJob<Vec<Outcome>>,
}

/// What became of a text; nothing where it was not parsed.
type Outcome = Option<std::result::Result<ParsedText, Box<ParseError>>>;

impl<'e> Parsing<'e> {
    /// Leaves the templates of a chart and its dependencies to the thread that waits.
    pub(super) fn begin(chart: &Chart, level: Level, jobs: &'e JobQueue) -> Self {
        let functions = Arc::new(functions::function_set(level));
        let mut parsing = Self { jobs, functions, batches: Vec::new() };
        if chart.parsed.is_empty() && template_size(chart) >= 2 * BATCH {
            parsing.leave_chart(chart, chart.name());
        }
        parsing
    }

    fn leave_chart(&mut self, chart: &Chart, path: &str) {
        let templates = chart.templates.iter().filter(|file| scope::is_template(chart, file));
        let files = templates.map(|file| SourceFile::new(scope::joined(path, &file.name), Arc::clone(&file.data))).collect();
        self.leave(files);
        for dependency in &chart.dependencies {
            self.leave_chart(dependency, &format!("{path}/charts/{}", dependency.name()));
        }
    }

    fn leave(&mut self, mut files: Vec<Arc<SourceFile>>) {
        while !files.is_empty() {
            let mut size = 0;
            let full = |file: &Arc<SourceFile>| {
                size += file.text.len();
                size >= BATCH
            };
            let count = files.iter().position(full).map_or(files.len(), |last| last + 1);
            let rest = files.split_off(count);
            self.leave_batch(std::mem::replace(&mut files, rest));
        }
    }

    fn leave_batch(&mut self, files: Vec<Arc<SourceFile>>) {
        let wanted = Arc::new(AtomicBool::new(true));
        let (texts, functions, asked) = (files.clone(), Arc::clone(&self.functions), Arc::clone(&wanted));
        let job = self.jobs.submit(move || {
            let parse = |file| asked.load(Ordering::Relaxed).then(|| ParsedText::of(file, &functions));
            texts.iter().map(parse).collect()
        });
        self.batches.push(Batch { files, wanted, job });
    }

    /// The set of the templates that are needed, in the order in which later definitions replace earlier ones.
    pub(super) fn finish(mut self, files: &[Arc<SourceFile>], level: Level) -> Result<TemplateSet> {
        let mut outcomes = self.outcomes(files);
        let go = match level {
            Level::V3 => GoVersion::Go1_23,
            Level::V4 => GoVersion::Go1_27,
        };
        let options = Options { go, missing_key: MissingKey::Zero };
        let mut set = TemplateSet::new("gotpl", self.functions, options);
        for file in files {
            match outcomes.remove(file.name.as_str()).flatten() {
                Some(Ok(parsed)) => set.take(&parsed),
                // The other thread's stack may be too small for what this one can parse; if not, the error is the same.
                _ => set.parse(file).map_err(|error| errors::parsing(&file.name, &error))?,
            }
        }
        Ok(set)
    }

    /// What the batches gave, by the names of the files that are needed.
    fn outcomes<'f>(&mut self, files: &'f [Arc<SourceFile>]) -> BTreeMap<&'f str, Outcome> {
        let needed: BTreeMap<&str, &Arc<SourceFile>> = files.iter().map(|file| (file.name.as_str(), file)).collect();
        let fits = |file: &Arc<SourceFile>| {
            let found = needed.get(file.name.as_str()).filter(|needed| Arc::ptr_eq(&needed.text, &file.text));
            found.map(|needed| needed.name.as_str())
        };
        self.batches.retain(|batch| {
            let wanted = batch.files.iter().any(|file| fits(file).is_some());
            batch.wanted.store(wanted, Ordering::Relaxed);
            wanted
        });
        let begun: BTreeSet<&str> = self.batches.iter().flat_map(|batch| &batch.files).filter_map(fits).collect();
        let others: Vec<_> = files.iter().filter(|file| !begun.contains(file.name.as_str())).cloned().collect();
        if others.iter().map(|file| file.text.len()).sum::<usize>() >= 2 * BATCH {
            self.leave(others);
        }
        let mut outcomes = BTreeMap::new();
        for batch in self.batches.drain(..) {
            let parsed = batch.job.wait().unwrap_or_default();
            outcomes.extend(batch.files.iter().zip(parsed).filter_map(|(file, outcome)| Some((fits(file)?, outcome))));
        }
        outcomes
    }
}

fn template_size(chart: &Chart) -> usize {
    let own: usize = chart.templates.iter().map(|file| file.data.len()).sum();
    own + chart.dependencies.iter().map(|inner| template_size(inner)).sum::<usize>()
}
