//! The files that the values of a release come from, in the order in which they win.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::SourceFile;
use hydrate_gotmpl::trace::{Segment, ValuePath};
use hydrate_helm::RenderOptions;
use hydrate_helm::explain::{ChartValues, Explained, Instead, Release};
use hydrate_source::compose;
use hydrate_yaml::node::Node;

use super::edit;

/// What a layer is to the rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// An argument of `--set-json`.
    Json(usize),
    /// An argument of `--set`.
    Set(usize),
    /// An argument of `--set-string`.
    Text(usize),
    /// A values file.
    File(usize),
    /// The values.yaml of a chart.
    Chart,
}

/// One text that values come from.
#[derive(Debug)]
pub(super) struct Layer {
    kind: Kind,
    /// Where its root stands among the values of the rendered chart.
    prefix: ValuePath,
    /// The text, by the name that is shown.
    pub(super) file: Arc<SourceFile>,
    /// Where the chart lies, of a chart's.
    location: String,
    /// Its documents, the last first: that one wins.
    documents: Vec<Node>,
}

/// The layers of a release.
#[derive(Debug)]
pub(super) struct Layers(pub(super) Vec<Layer>);

/// A value in a layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition<'l> {
    pub(super) layer: &'l Layer,
    pub(super) node: &'l Node,
}

impl Layers {
    /// Those of a release; `shown` gives the names that files of charts have for users.
    pub(super) fn of(release: &Release, charts: &[ChartValues], shown: &dyn Fn(&str) -> String) -> Self {
        let values = &release.options.values;
        let mut layers = Vec::new();
        let texts = values.string.iter().enumerate().map(|(index, argument)| (Kind::Text(index), argument)).rev();
        let sets = values.set.iter().enumerate().map(|(index, argument)| (Kind::Set(index), argument)).rev();
        for (kind, argument) in texts.chain(sets) {
            // One value for one path; lists and several of them are not taken apart.
            if let Some((path, text)) = argument.split_once('=').filter(|(_, text)| !text.contains([',', '{', '\\']))
                && let Some(prefix) = parse_path(path)
            {
                let file = SourceFile::new(format!("set {path}"), text.as_bytes());
                layers.extend(Layer::new(kind, prefix, file, String::new()));
            }
        }
        for (index, argument) in values.json.iter().enumerate().rev() {
            if let Some((path, text)) = argument.split_once('=')
                && let Some(prefix) = parse_path(path)
            {
                let file = SourceFile::new(format!("set {path}"), text.as_bytes());
                layers.extend(Layer::new(Kind::Json(index), prefix, file, String::new()));
            }
        }
        for (index, file) in values.files.iter().enumerate().rev() {
            let file = SourceFile::new(file.name.clone(), Arc::clone(&file.text));
            layers.extend(Layer::new(Kind::File(index), ValuePath::default(), file, String::new()));
        }
        for chart in charts {
            let Some(text) = &chart.text else { continue };
            let file = SourceFile::new(shown(&format!("{}/values.yaml", chart.location)), Arc::clone(text));
            layers.extend(Layer::new(Kind::Chart, chart.prefix.clone(), file, chart.location.clone()));
        }
        Self(layers)
    }

    /// Where a value is given, in the order in which they win.
    pub(super) fn definitions(&self, path: &ValuePath) -> Vec<Definition<'_>> {
        let mut all: Vec<Definition<'_>> = Vec::new();
        for layer in &self.0 {
            for local in layer.local(path) {
                let node = layer.documents.iter().find_map(|document| node_at(document, &local));
                if let Some(node) = node.filter(|node| all.iter().all(|known| !std::ptr::eq(known.node, *node))) {
                    all.push(Definition { layer, node });
                }
            }
        }
        all
    }

    /// All paths that any of the layers gives a value, with where.
    pub(super) fn given(&self) -> Vec<(ValuePath, Definition<'_>)> {
        let mut all = Vec::new();
        for layer in &self.0 {
            for document in &layer.documents {
                add_leaves(layer, document, &layer.prefix, &mut all);
            }
        }
        all
    }
}

fn add_leaves<'l>(layer: &'l Layer, node: &'l Node, path: &ValuePath, all: &mut Vec<(ValuePath, Definition<'l>)>) {
    match (node.entries(), node.items()) {
        (Some(entries), _) if !entries.is_empty() => {
            entries.iter().for_each(|(key, value)| add_leaves(layer, value, &path.key(key.as_str().unwrap_or_default()), all));
        }
        (_, Some(items)) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, item)| add_leaves(layer, item, &path.index(index), all));
        }
        _ => all.push((path.clone(), Definition { layer, node })),
    }
}

impl Layer {
    fn new(kind: Kind, prefix: ValuePath, file: Arc<SourceFile>, location: String) -> Option<Self> {
        let text = std::str::from_utf8(&file.text).ok()?;
        let roots = compose::stream(&file, 0, text).ok()?;
        let documents = roots.into_iter().rev().filter_map(|root| compose::expand(root).ok()).collect();
        Some(Self { kind, prefix, file, location, documents })
    }

    /// Whether it is what a chart says by default.
    pub(super) fn is_of_chart(&self) -> bool {
        self.kind == Kind::Chart
    }

    /// Whether the values of a file are what `set` of a component's file says.
    pub(super) fn is_set(&self) -> bool {
        matches!(self.kind, Kind::Json(_) | Kind::Set(_) | Kind::Text(_)) || self.file.name.ends_with(" (set)")
    }

    /// What a value is called in this layer. Those below `global` of a chart may come from `global` of any chart above.
    fn local(&self, path: &ValuePath) -> Vec<ValuePath> {
        let mut all = Vec::new();
        let below = |path: &ValuePath| path.0.strip_prefix(self.prefix.0.as_slice()).map(|rest| ValuePath(rest.to_vec()));
        all.extend(below(path));
        let is_global = |segment: &Segment| *segment == Segment::Key("global".to_owned());
        if let Some(at) = path.0.iter().position(is_global) {
            let global = ValuePath(path.0.get(at..).unwrap_or_default().to_vec());
            if self.kind == Kind::Chart {
                all.push(global);
            } else {
                all.extend(below(&global));
            }
        }
        all.dedup();
        all
    }

    /// What is rendered in the place of a release, with another text of this layer.
    pub(super) fn instead(&self, options: &RenderOptions, text: Vec<u8>) -> (RenderOptions, Instead) {
        let (mut options, mut instead) = (options.clone(), Instead::default());
        match self.kind {
            Kind::Json(index) => {
                if let Some(argument) = options.values.json.get_mut(index)
                    && let Some((path, _)) = argument.split_once('=')
                {
                    *argument = format!("{path}={}", String::from_utf8_lossy(&text));
                }
            }
            Kind::Set(index) | Kind::Text(index) => {
                let all = if matches!(self.kind, Kind::Set(_)) { &mut options.values.set } else { &mut options.values.string };
                if let Some(argument) = all.get_mut(index)
                    && let Some((path, _)) = argument.split_once('=')
                {
                    *argument = format!("{path}={}", String::from_utf8_lossy(&text));
                }
            }
            Kind::File(index) => {
                if let Some(file) = options.values.files.get_mut(index) {
                    file.text = text.into();
                }
            }
            Kind::Chart => instead.chart_values = Some((self.location.clone(), text.into())),
        }
        (options, instead)
    }
}

impl Definition<'_> {
    /// The texts of the layer with another value.
    pub(super) fn variants(&self) -> Vec<Vec<u8>> {
        edit::variants(&self.layer.file.text, self.node)
    }
}

fn node_at<'n>(root: &'n Node, path: &ValuePath) -> Option<&'n Node> {
    path.0.iter().try_fold(root, |node, segment| match segment {
        Segment::Key(key) => node.get(key),
        Segment::Index(index) => node.items()?.get(*index),
    })
}

/// Reads a path as `--set` writes it; nothing where it is none.
pub fn parse_path(text: &str) -> Option<ValuePath> {
    let mut segments = Vec::new();
    let mut key = String::new();
    let mut chars = text.chars();
    let mut is_key = true;
    while let Some(c) = chars.next() {
        match c {
            '\\' => key.push(chars.next()?),
            '.' | '[' => {
                if is_key {
                    segments.push(Segment::Key(std::mem::take(&mut key)));
                }
                is_key = c == '.';
                if c == '[' {
                    let digits: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    segments.push(Segment::Index(digits.parse().ok()?));
                }
            }
            c => key.push(c),
        }
    }
    if is_key {
        segments.push(Segment::Key(key));
    }
    segments.iter().all(|segment| *segment != Segment::Key(String::new())).then_some(ValuePath(segments))
}

/// The values that templates see, by their paths, as JSON.
pub(super) fn merged(explained: &Explained) -> BTreeMap<ValuePath, &str> {
    explained.values.iter().map(|(path, value)| (path.clone(), value.as_str())).collect()
}
