//! The values of a component with where each comes from, and those that no template reads.

use std::collections::{BTreeMap, BTreeSet};

use hydrate_base::suggest;
use hydrate_gotmpl::trace::{Read, Segment, ValuePath};
use hydrate_source::Data;
use hydrate_yaml::node::{Node, Tag};

use super::layers::Definition;
use super::{Explainer, Given, Place, Traced, short};

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrigin {
    /// Its path.
    pub path: ValuePath,
    /// The value, as JSON.
    pub value: String,
    /// Where it comes from; nothing where no file says the same.
    pub place: Option<Place>,
    /// Whether it is what a chart says by default.
    pub is_default: bool,
    /// Where it is given as well, which does not count.
    pub overridden: Vec<Given>,
}

/// A value that the user gives and no template has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Where it is given.
    pub place: Place,
    /// Whether the chart has such a value: by default, or in a template that was not executed or not that far.
    pub is_known: bool,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

/// The values of one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesOf {
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart.
    pub chart: String,
    /// The files that the user gives, the last one wins.
    pub files: Vec<String>,
    /// The values, sorted by path.
    pub keys: Vec<KeyOrigin>,
    /// Those that the user gives and that nothing has read.
    pub unused: Vec<Unused>,
}

impl Explainer<'_> {
    /// The values of each release of the component.
    pub fn values(&self) -> Vec<ValuesOf> {
        self.releases.iter().flatten().map(|traced| self.values_of(traced)).collect()
    }

    fn values_of(&self, traced: &Traced) -> ValuesOf {
        let key = |(path, value): &(ValuePath, String)| {
            let definitions = traced.layers.definitions(path);
            // The first that says the same as what the templates see.
            let at = definitions.iter().position(|definition| json_of(definition.node) == *value);
            let given =
                |definition: &Definition<'_>| Given { value: short(&json_of(definition.node)), place: self.definition(path, *definition) };
            KeyOrigin {
                path: path.clone(),
                value: value.clone(),
                place: at.and_then(|at| definitions.get(at)).map(|definition| self.definition(path, *definition)),
                is_default: at.and_then(|at| definitions.get(at)).is_some_and(|definition| definition.layer.is_of_chart()),
                overridden: at.map(|at| definitions.get(at + 1..).unwrap_or_default().iter().map(given).collect()).unwrap_or_default(),
            }
        };
        ValuesOf {
            release: traced.release.options.release.clone(),
            namespace: traced.release.options.namespace.clone(),
            chart: self.conditions.project.shown(std::path::Path::new(&traced.release.chart.location)),
            files: traced.release.options.values.files.iter().map(|file| file.name.clone()).collect(),
            keys: traced.explained.values.iter().filter(|(path, value)| !is_handed_down(path, value, traced)).map(key).collect(),
            unused: self.unused_of(traced),
        }
    }

    /// The keys that the user gives and that no template has read in any branch that was taken.
    fn unused_of(&self, traced: &Traced) -> Vec<Unused> {
        let (mut read, mut whole) = (BTreeSet::new(), BTreeSet::new());
        for template in &traced.explained.templates {
            for one in &template.trace.reads {
                match one {
                    Read::Value(path) | Read::Missing(path) => {
                        read.insert(path.clone());
                    }
                    Read::Whole(path) => {
                        whole.insert(path.clone());
                    }
                    Read::Builtin(_) => {}
                }
            }
        }
        let aliases = |path: &ValuePath| with_globals(path, traced);
        let is_read = |path: &ValuePath| {
            let above = |path: &ValuePath| (0..=path.0.len()).any(|length| whole.contains(&ValuePath(path.0[..length].to_vec())));
            let below = |path: &ValuePath| read.range(path..).next().is_some_and(|other| other.0.starts_with(&path.0));
            let within = |path: &ValuePath| {
                (0..path.0.len()).any(|length| {
                    let upper = ValuePath(path.0[..length].to_vec());
                    // A list or table that was gone through, or asked for by a key that is computed.
                    read.contains(&upper)
                })
            };
            aliases(path).iter().any(|path| above(path) || below(path) || within(path))
        };
        let switches = switches(traced);
        let known = Known::of(traced);
        let mut seen = BTreeSet::new();
        let given = traced.layers.given().into_iter().filter(|(_, definition)| !definition.layer.is_of_chart());
        let mut unused = Vec::new();
        for (path, definition) in given {
            // A null takes away what the chart has.
            let definitions = traced.layers.definitions(&path);
            let is_taken = definitions.len() > 1 && definitions.first().is_some_and(|first| first.node.tag == Tag::Null);
            if is_taken || is_read(&path) || switches.contains(&path) || !seen.insert(path.clone()) {
                continue;
            }
            let is_known = known.knows(&path);
            unused.push(Unused {
                path: path.to_string(),
                place: self.definition(&path, definition),
                is_known,
                suggestion: if is_known { None } else { known.suggestion(&path) },
            });
        }
        unused.sort_by(|a, b| a.place.cmp(&b.place));
        unused
    }
}

/// Whether a value of a dependency is the one of `global` that all of them see.
fn is_handed_down(path: &ValuePath, value: &str, traced: &Traced) -> bool {
    let is_of_chart =
        |at: usize| traced.explained.charts.iter().any(|chart| !chart.prefix.0.is_empty() && chart.prefix.0[..] == path.0[..at]);
    let at = path.0.iter().position(|segment| *segment == Segment::Key("global".to_owned()));
    let Some(at) = at.filter(|at| *at > 0 && is_of_chart(*at)) else { return false };
    let global = &path.0[at..];
    // Of a dependency without globals of its own this is an empty table.
    global.len() == 1 && value == "{}" || traced.explained.values.iter().any(|(other, same)| other.0[..] == *global && same == value)
}

/// The paths under which charts see a value: what is below `global` is seen by all of them.
fn with_globals(path: &ValuePath, traced: &Traced) -> Vec<ValuePath> {
    let mut all = vec![path.clone()];
    if path.0.first() == Some(&Segment::Key("global".to_owned())) {
        let charts = traced.explained.charts.iter().filter(|chart| !chart.prefix.0.is_empty());
        all.extend(charts.map(|chart| ValuePath(chart.prefix.0.iter().chain(&path.0).cloned().collect())));
    }
    all
}

/// The values that switch dependencies on and off.
fn switches(traced: &Traced) -> BTreeSet<ValuePath> {
    let mut all = BTreeSet::new();
    let mut charts = vec![(ValuePath::default(), &traced.release.chart)];
    while let Some((prefix, chart)) = charts.pop() {
        for required in chart.metadata.dependencies.iter().flatten() {
            for condition in required.condition.split(',').map(str::trim).filter(|condition| !condition.is_empty()) {
                let keys = condition.split('.').map(|key| Segment::Key(key.to_owned()));
                all.insert(ValuePath(prefix.0.iter().cloned().chain(keys).collect()));
            }
            all.extend(required.tags.iter().flatten().map(|tag| ValuePath::default().key("tags").key(tag.as_str())));
            let name = if required.alias.is_empty() { &required.name } else { &required.alias };
            if let Some(inner) = chart.dependencies.iter().find(|inner| inner.name() == required.name) {
                charts.push((prefix.key(name.as_str()), inner));
            }
        }
    }
    all
}

/// What a chart knows of values: those that it has by default, and those that are named in a template.
struct Known {
    defaults: BTreeSet<ValuePath>,
    /// What follows `.Values` in templates, by the values of which chart that is.
    named: BTreeSet<ValuePath>,
}

impl Known {
    fn of(traced: &Traced) -> Self {
        let mut defaults = BTreeSet::new();
        for (path, definition) in traced.layers.given() {
            if definition.layer.is_of_chart() {
                defaults.extend((1..=path.0.len()).map(|length| ValuePath(path.0[..length].to_vec())));
            }
        }
        // What was asked for is known by its whole path, however a template came by it.
        let reads = traced.explained.templates.iter().flat_map(|template| &template.trace.reads);
        let mut named: BTreeSet<ValuePath> = reads
            .filter_map(|read| match read {
                Read::Value(path) | Read::Missing(path) => Some(path.clone()),
                Read::Whole(_) | Read::Builtin(_) => None,
            })
            .collect();
        let mut charts = vec![(ValuePath::default(), &traced.release.chart)];
        while let Some((prefix, chart)) = charts.pop() {
            for template in &chart.templates {
                for path in names_in(&template.data) {
                    named.insert(ValuePath(prefix.0.iter().chain(&path.0).cloned().collect()));
                    if path.0.first() == Some(&Segment::Key("global".to_owned())) {
                        named.insert(path);
                    }
                }
            }
            for inner in &chart.dependencies {
                let required = chart.metadata.dependencies.iter().flatten().filter(|required| required.name == inner.name());
                let mut names: Vec<&str> =
                    required.map(|required| if required.alias.is_empty() { &*required.name } else { &*required.alias }).collect();
                if names.is_empty() {
                    names.push(inner.name());
                }
                charts.extend(names.into_iter().map(|name| (prefix.key(name), inner)));
            }
        }
        Self { defaults, named }
    }

    /// Whether a value is one of the chart's, or is below one that templates name.
    fn knows(&self, path: &ValuePath) -> bool {
        let global = path.0.iter().position(|segment| *segment == Segment::Key("global".to_owned()));
        let local = global.map(|at| ValuePath(path.0[at..].to_vec()));
        let is_named = |path: &ValuePath| {
            let below = self.named.range(path..).next().is_some_and(|other| other.0.starts_with(&path.0));
            // What is below a table is known only where the table itself is handed on, not its keys.
            let above = (1..path.0.len()).any(|length| {
                let upper = ValuePath(path.0[..length].to_vec());
                let has_keys = self.named.range(&upper..).any(|other| other.0.len() > length && other.0.starts_with(&upper.0));
                self.named.contains(&upper)
                    && !has_keys
                    && !self.defaults.iter().any(|other| other.0.len() > length && other.0.starts_with(&upper.0))
            });
            below || above
        };
        let ends_with_named = local.as_ref().is_some_and(|local| self.named.iter().any(|other| other.0.ends_with(&local.0)));
        self.defaults.contains(path) || is_named(path) || ends_with_named
    }

    /// The value that is known and most like this one.
    fn suggestion(&self, path: &ValuePath) -> Option<String> {
        let all: BTreeMap<String, &ValuePath> = self.defaults.iter().chain(&self.named).map(|path| (path.to_string(), path)).collect();
        // A typo in a table is one of its keys with the rest as it is.
        for length in 1..=path.0.len() {
            let (upper, rest) = (&path.0[..length - 1], &path.0[length..]);
            if length > 1
                && !self.defaults.contains(&ValuePath(upper.to_vec()))
                && !self.named.iter().any(|other| other.0.starts_with(upper))
            {
                break;
            }
            let Some(Segment::Key(key)) = path.0.get(length - 1) else { continue };
            let siblings: BTreeSet<&str> = all
                .values()
                .filter(|other| other.0.starts_with(upper))
                .filter_map(|other| match other.0.get(length - 1) {
                    Some(Segment::Key(sibling)) => Some(sibling.as_str()),
                    _ => None,
                })
                .collect();
            if siblings.contains(key.as_str()) {
                continue;
            }
            let close = suggest::closest(key, siblings.iter().copied())?;
            let meant = upper.iter().cloned().chain([Segment::Key(close.to_owned())]).chain(rest.iter().cloned()).collect();
            return Some(ValuePath(meant).to_string());
        }
        None
    }
}

/// The paths below `.Values` that a template names.
fn names_in(text: &[u8]) -> Vec<ValuePath> {
    let mut all = Vec::new();
    for at in memchr::memmem::find_iter(text, b".Values.") {
        let rest = text.get(at + b".Values.".len()..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count();
        let name = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned();
        let keys: Vec<Segment> = name.split('.').filter(|key| !key.is_empty()).map(|key| Segment::Key(key.to_owned())).collect();
        if !keys.is_empty() {
            all.push(ValuePath(keys));
        }
    }
    all
}

/// A node as JSON in one line.
pub(super) fn json_of(node: &Node) -> String {
    Data::from_node(node).to_json().to_string()
}
