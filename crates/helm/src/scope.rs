//! What templates see: `.Values`, `.Chart`, `.Release`, `.Capabilities`, `.Files`, `.Subcharts`, `.Template`.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::capabilities::{Capabilities, KubeVersion, helm_version};
use super::dependencies;
use super::files::Files;
use super::instance::{Instance, Requirement};
use super::values;
use hydrate_chart::{self as chart, File, Level, Maintainer, Metadata};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, Function, Param};
use hydrate_gotmpl::{Kind, List, Map, Object, Str, Value};

/// A template of a chart and what it is executed over.
pub(super) struct Renderable {
    /// The file.
    pub(super) file: File,
    /// Where its chart lies, for messages.
    pub(super) location: Rc<str>,
    /// Dot.
    pub(super) scope: Map,
    /// `.Template.BasePath`
    pub(super) base_path: Rc<str>,
}

/// What is common to a chart and all its dependencies.
pub(super) struct Release {
    pub(super) level: Level,
    pub(super) release: Value,
    pub(super) capabilities: Value,
}

/// `.Release`
pub(super) fn release(name: &str, namespace: &str, is_upgrade: bool) -> Value {
    Value::Map(Map::from_entries([
        (Str::from("Name"), Value::str(name)),
        (Str::from("Namespace"), Value::str(namespace)),
        (Str::from("IsUpgrade"), Value::Bool(is_upgrade)),
        (Str::from("IsInstall"), Value::Bool(!is_upgrade)),
        (Str::from("Revision"), Value::Int(1)),
        (Str::from("Service"), Value::str("Helm")),
    ]))
}

/// The templates of a chart and its dependencies by their path, each with its scope; of two with the same path the later
/// one counts.
pub(super) fn templates(chart: Instance<'_>, values: &Map, release: &Release) -> BTreeMap<String, Renderable> {
    let mut found = BTreeMap::new();
    gather(chart, values, release, &mut found);
    found
}

fn gather(chart: Instance<'_>, values: &Map, release: &Release, found: &mut BTreeMap<String, Renderable>) -> Map {
    let path = chart.full_path();
    let scope = Map::new();
    let subcharts = Map::new();
    for dependency in chart.dependencies() {
        let inner = dependencies::table(values, dependency.name()).unwrap_or_default();
        subcharts.insert(dependency.name(), Value::Map(gather(dependency, &inner, release, found)));
    }
    scope.insert("Chart", metadata(chart, release.level));
    scope.insert("Files", Value::object(Files::of(&chart.chart().files, release.level)));
    scope.insert("Release", release.release.clone());
    scope.insert("Capabilities", release.capabilities.clone());
    scope.insert("Values", Value::Map(values.seen_as(values::type_name(release.level))));
    scope.insert("Subcharts", Value::Map(subcharts));
    let base_path: Rc<str> = format!("{path}/templates").into();
    let location: Rc<str> = chart.chart().location.as_str().into();
    for file in &chart.chart().templates {
        if !is_template(chart.chart(), file) {
            continue;
        }
        let renderable =
            Renderable { file: file.clone(), location: Rc::clone(&location), scope: scope.clone(), base_path: Rc::clone(&base_path) };
        found.insert(joined(&path, &file.name), renderable);
    }
    scope
}

/// Whether a template counts: of a library chart only the partials do.
pub(super) fn is_template(chart: &chart::Chart, file: &File) -> bool {
    let name = file.name.rsplit('/').next().unwrap_or_default();
    name.starts_with('_') || !chart.is_library()
}

/// Go's `path.Join`.
pub(super) fn joined(path: &str, name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// `.Chart`: a struct in Helm 3, a map in Helm 4.
fn metadata(chart: Instance<'_>, level: Level) -> Value {
    let (fields, root) = (fields(chart), chart.is_root());
    match level {
        Level::V3 => Value::object(Chart { fields, root }),
        Level::V4 => {
            let map = Map::from_entries(fields.into_iter().map(|(name, value)| (Str::from(name), plain(value))));
            map.insert("IsRoot", Value::Bool(root));
            Value::Map(map)
        }
    }
}

/// The struct fields of the metadata in their order.
fn fields(chart: Instance<'_>) -> Vec<(&'static str, Value)> {
    let metadata: &Metadata = &chart.chart().metadata;
    let texts = |texts: &[String], given: bool| match given {
        true => Value::List(List::strings(texts.iter().map(|text| Str::from(text.as_str())))),
        false => Value::List(List::nil("[]string")),
    };
    let given = metadata.given;
    vec![
        ("Name", Value::str(chart.name())),
        ("Home", Value::str(metadata.home.as_str())),
        ("Sources", texts(&metadata.sources, given.sources)),
        ("Version", Value::str(metadata.version.as_str())),
        ("Description", Value::str(metadata.description.as_str())),
        ("Keywords", texts(&metadata.keywords, given.keywords)),
        ("Maintainers", records("[]*chart.Maintainer", given.maintainers.then(|| metadata.maintainers.iter().map(maintainer)))),
        ("Icon", Value::str(metadata.icon.as_str())),
        ("APIVersion", Value::str(metadata.api_version.as_str())),
        ("Condition", Value::str(metadata.condition.as_str())),
        ("Tags", Value::str(metadata.tags.as_str())),
        ("AppVersion", Value::str(metadata.app_version.as_str())),
        ("Deprecated", Value::Bool(metadata.deprecated)),
        ("Annotations", annotations(metadata)),
        ("KubeVersion", Value::str(metadata.kube_version.as_str())),
        ("Dependencies", records("[]*chart.Dependency", chart.requirements().map(|requirements| requirements.map(dependency)))),
        ("Type", Value::str(metadata.kind.as_str())),
    ]
}

fn annotations(metadata: &Metadata) -> Value {
    const TYPE: &str = "map[string]string";
    Value::Map(match &metadata.annotations {
        None => Map::nil(TYPE),
        Some(entries) => {
            Map::typed(TYPE, entries.iter().map(|(key, value)| (Str::from(key.as_str()), Value::str(value.as_str()))).collect())
        }
    })
}

fn records(type_name: &'static str, records: Option<impl Iterator<Item = Record>>) -> Value {
    Value::List(match records {
        None => List::nil(type_name),
        Some(records) => List::typed(type_name, records.map(Value::object).collect()),
    })
}

/// A value of a struct as Helm 4 turns it into one of a map: every slice a `[]interface {}`, every struct a map.
fn plain(value: Value) -> Value {
    let Value::List(list) = value else { return value };
    let convert = |item: &Value| match item {
        Value::Rare(rare) => match &**rare {
            hydrate_gotmpl::Rare::Object(object) => {
                let fields = object.fields().into_iter().map(|(name, value)| (Str::from(name), plain(value)));
                Value::Map(Map::from_entries(fields))
            }
            _ => item.clone(),
        },
        other => other.clone(),
    };
    Value::List(List::new(list.items().iter().map(convert).collect()))
}

/// `chart.Maintainer` or `chart.Dependency`.
struct Record {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    /// The names in JSON, in the order of the fields; those that are written even when empty are marked.
    json: &'static [(&'static str, bool)],
}

fn maintainer(maintainer: &Maintainer) -> Record {
    let fields = vec![
        ("Name", Value::str(maintainer.name.as_str())),
        ("Email", Value::str(maintainer.email.as_str())),
        ("URL", Value::str(maintainer.url.as_str())),
    ];
    Record { type_name: "*chart.Maintainer", fields, json: &[("name", false), ("email", false), ("url", false)] }
}

fn dependency(requirement: &Requirement) -> Record {
    let dependency = &requirement.dependency;
    let texts = |texts: &Option<Vec<String>>| match texts {
        None => Value::List(List::nil("[]string")),
        Some(texts) => Value::List(List::strings(texts.iter().map(|text| Str::from(text.as_str())))),
    };
    let fields = vec![
        ("Name", Value::str(dependency.name.as_str())),
        ("Version", Value::str(dependency.version.as_str())),
        ("Repository", Value::str(dependency.repository.as_str())),
        ("Condition", Value::str(dependency.condition.as_str())),
        ("Tags", texts(&dependency.tags)),
        ("Enabled", Value::Bool(dependency.enabled)),
        ("ImportValues", imports(requirement)),
        ("Alias", Value::str(dependency.alias.as_str())),
    ];
    const JSON: &[(&str, bool)] = &[
        ("name", true),
        ("version", false),
        ("repository", true),
        ("condition", false),
        ("tags", false),
        ("enabled", false),
        ("import-values", false),
        ("alias", false),
    ];
    Record { type_name: "*chart.Dependency", fields, json: JSON }
}

/// Processing leaves every import as a pair.
fn imports(requirement: &Requirement) -> Value {
    let pair = |(child, parent): &(String, String)| {
        let entries = [(Str::from("child"), Value::str(child.as_str())), (Str::from("parent"), Value::str(parent.as_str()))];
        Value::Map(Map::typed("map[string]string", entries.into_iter().collect()))
    };
    let pairs = requirement.imported.as_deref().unwrap_or_default();
    Value::List(if pairs.is_empty() { List::nil("[]interface {}") } else { List::new(pairs.iter().map(pair).collect()) })
}

/// What was wrong would have been found when the chart was loaded.
static VALIDATE: Function = Function { name: "Validate", params: &[], variadic: false, run: |_, _| Ok(Value::no_error()) };

impl Object for Record {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        (name == "Validate").then_some(&VALIDATE)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn yaml_names(&self) -> &'static [(&'static str, bool)] {
        // Of the structs of charts, dependencies alone have names for YAML.
        if self.type_name == "*chart.Dependency" { self.json } else { &[] }
    }

    fn encoded(&self) -> Value {
        let entries = self.fields.iter().zip(self.json);
        let kept = entries.filter(|((_, value), (_, always))| *always || !value.is_empty());
        Value::Map(Map::from_entries(kept.map(|((_, value), (name, _))| (Str::from(*name), value.clone()))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Chart` of Helm 3: the metadata embedded in a struct with `IsRoot`.
struct Chart {
    fields: Vec<(&'static str, Value)>,
    root: bool,
}

/// The JSON names of the metadata, in the order of its fields.
const METADATA_JSON: [&str; 17] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];

impl Object for Chart {
    fn type_name(&self) -> &'static str {
        "struct { chart.Metadata; IsRoot bool }"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "IsRoot" => Some(Value::Bool(self.root)),
            "Metadata" => Some(Value::object(Embedded(self.fields.clone()))),
            name => self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()),
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Metadata", Value::object(Embedded(self.fields.clone()))), ("IsRoot", Value::Bool(self.root))]
    }

    fn embedded(&self) -> &'static [&'static str] {
        &["Metadata"]
    }

    fn encoded(&self) -> Value {
        let Value::Map(map) = Embedded(self.fields.clone()).encoded() else { return Value::Nil };
        map.insert("IsRoot", Value::Bool(self.root));
        Value::Map(map)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `chart.Metadata`
struct Embedded(Vec<(&'static str, Value)>);

impl Object for Embedded {
    fn type_name(&self) -> &'static str {
        "chart.Metadata"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.0.clone()
    }

    fn encoded(&self) -> Value {
        let entries = self.0.iter().zip(METADATA_JSON).filter(|((_, value), _)| !value.is_empty());
        Value::Map(Map::from_entries(entries.map(|((_, value), name)| (Str::from(name), value.clone()))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities`
pub(super) fn capabilities(capabilities: &Capabilities, level: Level) -> Value {
    Value::object(Cluster {
        version: capabilities.kube_version.clone(),
        api_versions: Value::object(VersionSet {
            list: List::strings(capabilities.api_versions.iter().map(|version| Str::from(version.as_str()))),
            level,
        }),
        level,
    })
}

#[derive(Clone)]
struct Cluster {
    version: KubeVersion,
    api_versions: Value,
    level: Level,
}

static CLUSTER_METHODS: [Function; 1] = [Function { name: "Copy", params: &[], variadic: false, run: copy }];

fn copy(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let copy = args.first().and_then(|receiver| super::files::object_of::<Cluster, _>(receiver, |cluster| Value::object(cluster.clone())));
    copy.ok_or_else(|| Failure::from("the receiver is no cluster"))
}

impl Object for Cluster {
    fn type_name(&self) -> &'static str {
        match self.level {
            Level::V3 => "*chartutil.Capabilities",
            Level::V4 => "*common.Capabilities",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => Some(Value::object(Version { version: self.version.clone(), level: self.level, addressable: true })),
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(Value::object(BuildInfo(self.level))),
            _ => None,
        }
    }

    fn deep_copied(&self) -> Option<Value> {
        let version = KubeVersion { normalized: String::new(), ..self.version.clone() };
        Some(Value::object(Self { version, ..self.clone() }))
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        CLUSTER_METHODS.iter().find(|method| method.name == name)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        ["KubeVersion", "APIVersions", "HelmVersion"].into_iter().filter_map(|name| Some((name, self.field(name)?))).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities.KubeVersion`
struct Version {
    version: KubeVersion,
    level: Level,
    /// Whether it was reached through a pointer: its methods are those of the pointer.
    addressable: bool,
}

static VERSION_METHODS: [Function; 2] = [
    Function { name: "GitVersion", params: &[], variadic: false, run: git_version },
    Function { name: "String", params: &[], variadic: false, run: version_string },
];

fn git_version(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    with_version(args, |version| Value::str(version.version.as_str()))
}

fn version_string(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    with_version(args, |version| Value::str(normalized(version)))
}

/// What `String` gives; a deep copy has no normalized version.
fn normalized(version: &KubeVersion) -> &str {
    if version.normalized.is_empty() { &version.version } else { &version.normalized }
}

fn with_version(args: &[Value], show: impl Fn(&KubeVersion) -> Value) -> Result<Value, Failure> {
    let version = args.first().and_then(|receiver| super::files::object_of::<Version, _>(receiver, |version| show(&version.version)));
    version.ok_or_else(|| Failure::from("the receiver is no version"))
}

impl Object for Version {
    fn type_name(&self) -> &'static str {
        match self.level {
            Level::V3 => "chartutil.KubeVersion",
            Level::V4 => "common.KubeVersion",
        }
    }

    fn field(&self, name: &str) -> Option<Value> {
        let text = match name {
            "Version" => &self.version.version,
            "Major" => &self.version.major,
            "Minor" => &self.version.minor,
            _ => return None,
        };
        Some(Value::str(text.as_str()))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields: Vec<_> = ["Version", "Major", "Minor"].into_iter().filter_map(|name| Some((name, self.field(name)?))).collect();
        if self.level == Level::V4 {
            // Not exported, but printed.
            fields.insert(1, ("normalizedVersion", Value::str(self.version.normalized.as_str())));
        }
        fields
    }

    fn encoded(&self) -> Value {
        let exported = self.fields().into_iter().filter(|(name, _)| *name != "normalizedVersion");
        Value::Map(Map::from_entries(exported.map(|(name, value)| (Str::from(name), value))))
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        VERSION_METHODS.iter().find(|method| self.addressable && method.name == name)
    }

    fn addressed_string(&self) -> Option<String> {
        self.addressable.then(|| normalized(&self.version).to_owned())
    }

    fn deep_copied(&self) -> Option<Value> {
        let version = KubeVersion { normalized: String::new(), ..self.version.clone() };
        Some(Value::object(Self { version, level: self.level, addressable: self.addressable }))
    }

    fn copied(&self) -> Option<Value> {
        self.addressable.then(|| Value::object(Self { version: self.version.clone(), level: self.level, addressable: false }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities.APIVersions`
struct VersionSet {
    list: List,
    level: Level,
}

static SET_METHODS: [Function; 1] = [Function { name: "Has", params: &[Param::String], variadic: false, run: has }];

fn has(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let [receiver, Value::Str(wanted)] = args else { return Err("Has wants a version".into()) };
    let found = super::files::object_of::<VersionSet, _>(receiver, |set| {
        set.list.items().iter().any(|version| matches!(version, Value::Str(version) if version == wanted))
    });
    Ok(Value::Bool(found.unwrap_or(false)))
}

impl Object for VersionSet {
    fn type_name(&self) -> &'static str {
        match self.level {
            Level::V3 => "chartutil.VersionSet",
            Level::V4 => "common.VersionSet",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        SET_METHODS.iter().find(|method| method.name == name)
    }

    fn inner(&self) -> Option<Value> {
        Some(Value::List(self.list.clone()))
    }

    fn encoded(&self) -> Value {
        Value::List(self.list.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities.HelmVersion`
struct BuildInfo(Level);

impl Object for BuildInfo {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let info = helm_version(self.0);
        let mut fields = vec![
            ("Version", Value::str(info.version)),
            ("GitCommit", Value::str(info.git_commit)),
            ("GitTreeState", Value::str("clean")),
            ("GoVersion", Value::str(info.go_version)),
        ];
        fields.extend(info.kube_client_version.map(|version| ("KubeClientVersion", Value::str(version))));
        fields
    }

    fn encoded(&self) -> Value {
        let names = ["version", "git_commit", "git_tree_state", "go_version", "kube_client_version"];
        let entries = names.into_iter().zip(self.fields()).map(|(name, (_, value))| (Str::from(name), value));
        Value::Map(Map::from_entries(entries))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
