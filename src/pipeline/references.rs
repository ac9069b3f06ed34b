//! `check --references`: what the check room needs to know of a project.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::check::objects::{Object, unreferring};
use crate::check::references::Configured;
use crate::check::{self, Report};
use crate::project::Project;
use hydrate_base::{Diagnostic, Result};

use super::Rendered;
use super::rendering::pool;
use super::renders::{Renders, Verdicts};
use super::subject::Subject;

/// Follows every reference of a rendered environment, which has to be whole (what is not rendered cannot be found) and
/// settled: what hands it over is looked at too.
///
/// Where nothing leads nowhere, `renders` keeps that, and nothing is read again as long as everything is the same.
pub fn check(
    project: &Project,
    rendered: &Rendered,
    subject: &Subject<'_>,
    renders: &Renders,
    is_strict: bool,
) -> Result<Report, Vec<Box<Diagnostic>>> {
    let environment = &rendered.environment;
    let (settings, written) = (&project.settings, &subject.written);
    let rows = settings.references.iter().chain(&environment.references).cloned().collect();
    let (components, judged) = (settings.components.as_str(), &subject.judged);
    let configured = Configured { components, environment: environment.file.name.clone(), rows, judged, is_strict };
    let kept = renders.verdicts(project, &environment.name, "references");
    let key = kept.as_ref().map(|_| key(subject, &configured)).unwrap_or_default();
    if let Some(sound) = kept.as_ref().and_then(Verdicts::load).and_then(|bytes| postcard::from_bytes::<Sound>(&bytes).ok())
        && sound.key == key
    {
        let [objects, references, queries, metrics] = sound.counts;
        return Ok(Report::sound(objects, references, queries, metrics));
    }
    let pool = pool(None).map_err(|error| vec![error])?;
    let all = subject.documents.par_iter().enumerate();
    let objects = all.map(|(number, (name, document))| unreferring(name, document).map_or_else(|| subject.object(number), Ok));
    let objects: Result<Vec<Object<'_>>> = pool.install(|| objects.collect());
    let objects = objects.map_err(|error| vec![error])?;
    let report = pool.install(|| check::check(&objects, &subject.declared, written, &configured));
    if let Some(kept) = kept.filter(|_| report.findings.is_empty()) {
        let sound = Sound { key, counts: [report.objects, report.references, report.queries, report.metrics] };
        if let Ok(bytes) = postcard::to_stdvec(&sound) {
            kept.keep(&bytes);
        }
    }
    Ok(report)
}

/// References none of which leads nowhere.
#[derive(Serialize, Deserialize)]
struct Sound {
    /// The digest of all that this depends on.
    key: [u8; 32],
    /// Objects, references, queries, metrics.
    counts: [usize; 4],
}

fn key(subject: &Subject<'_>, configured: &Configured<'_>) -> [u8; 32] {
    let mut all = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        all.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    let written = &subject.written;
    add(format!("{:?} {configured:?} {} {}", subject.declared, written.shown, written.clusters).as_bytes());
    for ((name, _), digest) in subject.documents.iter().zip(subject.digests()) {
        add(name.as_bytes());
        add(digest.as_bytes());
    }
    *all.finalize().as_bytes()
}
