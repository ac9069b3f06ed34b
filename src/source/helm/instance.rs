//! A chart within one release: which dependencies are enabled, under which names, with which values.

use std::rc::Rc;
use std::sync::Arc;

use crate::base::{Diagnostic, Result, SourceFile};
use crate::chart::{Chart, Dependency, Level, values};
use crate::gotmpl::value::Map;

/// A chart as one release uses it; the files stay shared with every other release.
#[derive(Clone)]
pub(super) struct Instance {
    /// The files.
    pub(super) chart: Arc<Chart>,
    /// The name in Chart.yaml, or the alias.
    pub(super) name: Rc<str>,
    /// The default values; imported ones are added to them.
    pub(super) values: Map,
    /// `dependencies` in Chart.yaml, from which the disabled ones are removed.
    pub(super) requirements: Option<Vec<Dependency>>,
    /// The charts in charts/, from which the disabled ones are removed.
    pub(super) dependencies: Vec<Instance>,
}

impl Instance {
    /// A chart with everything still enabled. Fails where a values.yaml is broken.
    pub(super) fn new(chart: &Arc<Chart>, level: Level) -> Result<Self> {
        let values = match &chart.values {
            Some(text) => values::decode_values(text, level).map_err(|error| broken_values(chart, text, &error))?,
            None => Map::new(),
        };
        Ok(Self {
            chart: Arc::clone(chart),
            name: chart.name().into(),
            values,
            requirements: chart.metadata.dependencies.clone(),
            dependencies: chart.dependencies.iter().map(|inner| Self::new(inner, level)).collect::<Result<_>>()?,
        })
    }

    /// The name in this release.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

fn broken_values(chart: &Chart, text: &Arc<[u8]>, error: &str) -> Box<Diagnostic> {
    let file = SourceFile::new(format!("{}/values.yaml", chart.location), Arc::clone(text));
    let diagnostic = Diagnostic::error(format!("cannot load values.yaml: {error}"));
    match crate::chart::shape::error_line(error) {
        Some(line) => {
            let span = file.line_range(line);
            diagnostic.at(&file, span, "")
        }
        None => diagnostic.note(format!("in {}", file.name)),
    }
}
