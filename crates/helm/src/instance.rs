//! The charts of one release, joined as Helm joins them: which dependencies are enabled, under which names, with which
//! values.
//!
//! Helm holds charts by pointers and copies only the upper ones where an alias asks for it. What lies below is then shared by
//! several parents, and what is done to it for one of them is seen by all: the last one gives it its path, Helm 3 imports
//! values into it once. So the charts lie in an arena here, and ids stand for the pointers.

use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_chart::{Chart, Dependency, Level, decode_values};
use hydrate_gotmpl::Map;

/// Stands for a pointer to a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChartId(usize);

/// Stands for a pointer to the metadata of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MetadataId(usize);

/// Stands for a pointer to an entry of `dependencies` in Chart.yaml.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequirementId(usize);

/// All charts of a release.
pub(super) struct Charts {
    level: Level,
    charts: Vec<Node>,
    metadata: Vec<Metadata>,
    requirements: Vec<Requirement>,
}

#[derive(Clone)]
struct Node {
    chart: Arc<Chart>,
    metadata: MetadataId,
    /// The default values; imported ones are added to them.
    values: Map,
    parent: Option<ChartId>,
    dependencies: Vec<ChartId>,
}

/// What changes in the metadata of a chart.
#[derive(Clone)]
struct Metadata {
    /// The name in Chart.yaml, or the alias.
    name: Rc<str>,
    /// `dependencies` in Chart.yaml, from which the disabled ones are removed.
    requirements: Option<Vec<RequirementId>>,
}

/// An entry of `dependencies` in Chart.yaml.
#[derive(Clone)]
pub(super) struct Requirement {
    /// As it was written, but for its name, which an alias replaces, and for whether it is enabled.
    pub(super) dependency: Dependency,
    /// The paths from which and to which values were imported, once they were.
    pub(super) imported: Option<Vec<(String, String)>>,
}

impl Charts {
    /// A chart with everything still enabled. Fails where a values.yaml is broken.
    pub(super) fn new(chart: &Arc<Chart>, level: Level) -> Result<Self> {
        let mut charts = Self { level, charts: Vec::new(), metadata: Vec::new(), requirements: Vec::new() };
        charts.load(chart, None)?;
        Ok(charts)
    }

    /// The chart that is rendered.
    pub(super) const ROOT: ChartId = ChartId(0);

    fn load(&mut self, chart: &Arc<Chart>, parent: Option<ChartId>) -> Result<ChartId> {
        let values = match &chart.values {
            Some(text) => decode_values(text, self.level).map_err(|error| broken_values(chart, text, &error))?,
            None => Map::new(),
        };
        let requirements = chart.metadata.dependencies.as_ref().map(|dependencies| {
            let add = |dependency: &Dependency| self.add_requirement(Requirement { dependency: dependency.clone(), imported: None });
            dependencies.iter().map(add).collect()
        });
        let metadata = self.add_metadata(Metadata { name: chart.name().into(), requirements });
        let id = self.add(Node { chart: Arc::clone(chart), metadata, values, parent, dependencies: Vec::new() });
        for inner in &chart.dependencies {
            let inner = self.load(inner, Some(id)).map_err(|mut error| {
                let place = inner.location.rsplit('/').next().unwrap_or_default();
                error.message = format!("error unpacking subchart {place} in {}: {}", chart.name(), error.message);
                error
            })?;
            self.charts[id.0].dependencies.push(inner);
        }
        Ok(id)
    }

    fn add(&mut self, node: Node) -> ChartId {
        self.charts.push(node);
        ChartId(self.charts.len() - 1)
    }

    fn add_metadata(&mut self, metadata: Metadata) -> MetadataId {
        self.metadata.push(metadata);
        MetadataId(self.metadata.len() - 1)
    }

    fn add_requirement(&mut self, requirement: Requirement) -> RequirementId {
        self.requirements.push(requirement);
        RequirementId(self.requirements.len() - 1)
    }

    /// Whose behaviour is reproduced.
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// The chart behind a pointer.
    pub(super) fn get(&self, id: ChartId) -> Instance<'_> {
        Instance { charts: self, id }
    }

    /// The copy of a chart that stands for it in the list of its parent, under the alias where there is one
    /// (`getAliasDependency`).
    pub(super) fn copy(&mut self, id: ChartId, alias: &str) -> ChartId {
        let mut node = self.charts[id.0].clone();
        let mut metadata = self.metadata[node.metadata.0].clone();
        if self.level == Level::V4 {
            for requirement in metadata.requirements.iter_mut().flatten() {
                *requirement = self.add_requirement(self.requirements[requirement.0].clone());
            }
        }
        if !alias.is_empty() {
            metadata.name = alias.into();
        }
        node.metadata = self.add_metadata(metadata);
        let copy = self.add(node);
        if self.level == Level::V4 {
            // Those below are copied as well, but neither their metadata nor what lies below them.
            let below = self.charts[copy.0].dependencies.clone();
            let below = below.into_iter().map(|inner| self.add(self.charts[inner.0].clone())).collect();
            self.set_dependencies(copy, below);
        }
        copy
    }

    /// Gives a chart other dependencies, which then belong to it.
    pub(super) fn set_dependencies(&mut self, id: ChartId, dependencies: Vec<ChartId>) {
        for dependency in &dependencies {
            self.charts[dependency.0].parent = Some(id);
        }
        self.charts[id.0].dependencies = dependencies;
    }

    /// Gives a chart other default values.
    pub(super) fn set_values(&mut self, id: ChartId, values: Map) {
        self.charts[id.0].values = values;
    }

    /// Gives every chart that lies at a place other default values.
    pub(super) fn replace_values(&mut self, location: &str, values: &Map) {
        for node in self.charts.iter_mut().filter(|node| node.chart.location == location) {
            node.values = values.clone();
        }
    }

    /// Replaces `dependencies` in the metadata of a chart.
    pub(super) fn set_requirements(&mut self, id: ChartId, requirements: Option<Vec<RequirementId>>) {
        self.metadata[self.charts[id.0].metadata.0].requirements = requirements;
    }

    /// The entry of `dependencies` behind a pointer.
    pub(super) fn requirement(&self, id: RequirementId) -> &Requirement {
        &self.requirements[id.0]
    }

    /// The same, to change it.
    pub(super) fn requirement_mut(&mut self, id: RequirementId) -> &mut Requirement {
        &mut self.requirements[id.0]
    }
}

/// A chart of a release.
#[derive(Clone, Copy)]
pub(super) struct Instance<'c> {
    charts: &'c Charts,
    id: ChartId,
}

impl<'c> Instance<'c> {
    fn node(self) -> &'c Node {
        &self.charts.charts[self.id.0]
    }

    fn meta(self) -> &'c Metadata {
        &self.charts.metadata[self.node().metadata.0]
    }

    /// The files.
    pub(super) fn chart(self) -> &'c Arc<Chart> {
        &self.node().chart
    }

    /// The name in this release.
    pub(super) fn name(self) -> &'c str {
        &self.meta().name
    }

    /// The default values.
    pub(super) fn values(self) -> &'c Map {
        &self.node().values
    }

    /// The charts below it.
    pub(super) fn dependencies(self) -> impl Iterator<Item = Instance<'c>> + 'c {
        self.node().dependencies.iter().map(move |id| Instance { charts: self.charts, id: *id })
    }

    /// The same as pointers.
    pub(super) fn dependency_ids(self) -> &'c [ChartId] {
        &self.node().dependencies
    }

    /// What remains of `dependencies` in Chart.yaml, as pointers.
    pub(super) fn requirement_ids(self) -> Option<&'c [RequirementId]> {
        self.meta().requirements.as_deref()
    }

    /// What remains of `dependencies` in Chart.yaml.
    pub(super) fn requirements(self) -> Option<impl Iterator<Item = &'c Requirement> + 'c> {
        self.requirement_ids().map(|ids| ids.iter().map(|id| self.charts.requirement(*id)))
    }

    /// Whether no chart has it as its dependency.
    pub(super) fn is_root(self) -> bool {
        self.node().parent.is_none()
    }

    /// The path by which its files are known: `parent/charts/child`, through the parent that was given to it last.
    pub(super) fn full_path(self) -> String {
        match self.node().parent {
            Some(parent) => format!("{}/charts/{}", Instance { charts: self.charts, id: parent }.full_path(), self.name()),
            None => self.name().to_owned(),
        }
    }
}

fn broken_values(chart: &Chart, text: &Arc<[u8]>, error: &str) -> Box<Diagnostic> {
    let file = SourceFile::new(format!("{}/values.yaml", chart.location), Arc::clone(text));
    let diagnostic = Diagnostic::error(format!("cannot load values.yaml: {error}"));
    match hydrate_chart::error_line(error) {
        Some(line) => {
            let span = file.line_range(line);
            diagnostic.at(&file, span, "")
        }
        None => diagnostic.note(format!("in {}", file.name)),
    }
}
