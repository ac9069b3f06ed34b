//! Chart.yaml, requirements.yaml and the lock files: decoding and validation (`pkg/chart/v2/metadata.go`).

use super::model::{Dependency, File, Given, Import, Level, Maintainer, Metadata};
use super::shape::{Shape, Struct, conform};
use super::values::decode_yaml;
use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_gotmpl::{List, Map, Value};
use hydrate_sprig::semver::Version;

const TEXTS: Shape = Shape::List(&Shape::Text, "[]string");

static MAINTAINER: Struct = Struct {
    name: "Maintainer",
    go_type: "chart.Maintainer",
    fields: &[("name", Shape::Text), ("email", Shape::Text), ("url", Shape::Text)],
};

static DEPENDENCY: Struct = Struct {
    name: "Dependency",
    go_type: "chart.Dependency",
    fields: &[
        ("name", Shape::Text),
        ("version", Shape::Text),
        ("repository", Shape::Text),
        ("condition", Shape::Text),
        ("tags", TEXTS),
        ("enabled", Shape::Bool),
        ("import-values", Shape::List(&Shape::Any, "[]interface {}")),
        ("alias", Shape::Text),
    ],
};

const DEPENDENCIES: Shape = Shape::List(&Shape::Struct(&DEPENDENCY), "[]*chart.Dependency");

static METADATA: Struct = Struct {
    name: "Metadata",
    go_type: "chart.Metadata",
    fields: &[
        ("name", Shape::Text),
        ("home", Shape::Text),
        ("sources", TEXTS),
        ("version", Shape::Text),
        ("description", Shape::Text),
        ("keywords", TEXTS),
        ("maintainers", Shape::List(&Shape::Struct(&MAINTAINER), "[]*chart.Maintainer")),
        ("icon", Shape::Text),
        ("apiVersion", Shape::Text),
        ("condition", Shape::Text),
        ("tags", Shape::Text),
        ("appVersion", Shape::Text),
        ("deprecated", Shape::Bool),
        ("annotations", Shape::Map(&Shape::Text, "map[string]string")),
        ("kubeVersion", Shape::Text),
        ("dependencies", DEPENDENCIES),
        ("type", Shape::Text),
    ],
};

static LOCK: Struct = Struct {
    name: "Lock",
    go_type: "chart.Lock",
    fields: &[("generated", Shape::Time), ("digest", Shape::Text), ("dependencies", DEPENDENCIES)],
};

static BASE: Struct = Struct { name: "chartBase", go_type: "loader.chartBase", fields: &[("apiVersion", Shape::Text)] };

/// The metadata of a chart and what is to be said about it.
pub(super) struct Read {
    pub(super) metadata: Metadata,
    pub(super) warnings: Vec<String>,
}

/// The `apiVersion` of a Chart.yaml, which Helm 4 reads before it reads anything else.
pub(super) fn api_version(text: &[u8]) -> Result<String> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let base = decode("Chart.yaml", text, &BASE, Level::V4)?;
    Ok(text_of(&base, "apiVersion"))
}

/// Reads the metadata among the files of a chart, and checks what Helm checks.
pub(super) fn read(files: &[File], level: Level) -> Result<Read> {
    let mut found = Map::new();
    let mut exists = false;
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        found = decode(&file.name, &file.data, &METADATA, level)?;
        exists = true;
    }
    if exists && text_of(&found, "apiVersion").is_empty() {
        found.insert("apiVersion", Value::str("v1"));
    }
    let mut warnings = Vec::new();
    for file in files {
        match file.name.as_str() {
            "Chart.lock" => drop(decode(&file.name, &file.data, &LOCK, level)?),
            "requirements.yaml" => {
                exists = true;
                warn_old(&found, &mut warnings, "Dependencies are handled in Chart.yaml", "dependencies to Chart.yaml");
                overlay(&found, &decode(&file.name, &file.data, &METADATA, level)?);
            }
            "requirements.lock" => {
                exists = true;
                decode(&file.name, &file.data, &LOCK, level)?;
                warn_old(&found, &mut warnings, "Dependency locking is handled in Chart.lock", "to Chart.lock");
            }
            _ => {}
        }
    }
    if !exists {
        return Err(Diagnostic::error("Chart.yaml file is missing"));
    }
    let mut metadata = from_map(&found);
    validate(&mut metadata, level).map_err(|text| Diagnostic::error(format!("validation: {text}")))?;
    Ok(Read { metadata, warnings })
}

/// Decodes a further document into the same struct, as Go does: what it names is replaced, but its maps are put into the maps that
/// are there, and so are the structs in its lists, one by one.
fn overlay(found: &Map, further: &Map) {
    for (key, value) in further.entries().iter() {
        let value = match (found.get(key.as_bytes()), value) {
            (Some(Value::Map(there)), Value::Map(further)) => {
                overlay(&there, further);
                continue;
            }
            (Some(Value::List(there)), Value::List(further)) => Value::List(overlaid(&there, further)),
            (_, value) => value.clone(),
        };
        found.insert(key.clone(), value);
    }
}

fn overlaid(there: &List, further: &List) -> List {
    let there = there.items();
    let item = |(index, item): (usize, &Value)| match (there.get(index), item) {
        (Some(Value::Map(there)), Value::Map(item)) => {
            overlay(there, item);
            Value::Map(there.clone())
        }
        (_, item) => item.clone(),
    };
    List::new(further.items().iter().enumerate().map(item).collect())
}

fn warn_old(found: &Map, warnings: &mut Vec<String>, what: &str, migrate: &str) {
    if text_of(found, "apiVersion") != "v1" {
        warnings.push(format!("Warning: {what} since apiVersion \"v2\". We recommend migrating {migrate}."));
    }
}

fn decode(name: &str, text: &[u8], shape: &'static Struct, level: Level) -> Result<Map> {
    let broken = |error: String| {
        let whole = Diagnostic::error(format!("cannot load {name}: {error}"));
        super::shape::error_line(&error).map_or(whole.clone(), |line| {
            let file = SourceFile::new(name, text);
            let span = file.line_range(line);
            whole.at(&file, span, "")
        })
    };
    let value = decode_yaml(text).map_err(broken)?;
    let value = conform(value, Shape::Struct(shape), level)
        .map_err(|error| broken(format!("error unmarshaling JSON: while decoding JSON: {error}")))?;
    Ok(match value {
        Value::Map(map) => map,
        _ => Map::new(),
    })
}

fn from_map(map: &Map) -> Metadata {
    let text = |key: &str| text_of(map, key);
    Metadata {
        name: text("name"),
        home: text("home"),
        sources: texts_of(map, "sources").unwrap_or_default(),
        version: text("version"),
        description: text("description"),
        keywords: texts_of(map, "keywords").unwrap_or_default(),
        maintainers: items_of(map, "maintainers", maintainer).unwrap_or_default(),
        icon: text("icon"),
        api_version: text("apiVersion"),
        condition: text("condition"),
        tags: text("tags"),
        app_version: text("appVersion"),
        deprecated: matches!(map.get(b"deprecated"), Some(Value::Bool(true))),
        annotations: annotations(map),
        kube_version: text("kubeVersion"),
        dependencies: items_of(map, "dependencies", dependency),
        kind: text("type"),
        given: Given {
            sources: map.get(b"sources").is_some(),
            keywords: map.get(b"keywords").is_some(),
            maintainers: map.get(b"maintainers").is_some(),
        },
    }
}

fn text_of(map: &Map, key: &str) -> String {
    map.get(key.as_bytes()).map(|value| text(&value)).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_str_lossy().into_owned(),
        _ => String::new(),
    }
}

fn texts_of(map: &Map, key: &str) -> Option<Vec<String>> {
    items_of(map, key, text)
}

fn items_of<T>(map: &Map, key: &str, item: impl Fn(&Value) -> T) -> Option<Vec<T>> {
    match map.get(key.as_bytes()) {
        Some(Value::List(list)) => Some(List::items(&list).iter().map(item).collect()),
        _ => None,
    }
}

fn annotations(map: &Map) -> Option<Vec<(String, String)>> {
    let Some(Value::Map(entries)) = map.get(b"annotations") else { return None };
    let entries = entries.entries();
    Some(entries.iter().map(|(key, value)| (key.to_str_lossy().into_owned(), text(value))).collect())
}

/// A null entry is kept as one without a name, which `validate` refuses.
fn maintainer(value: &Value) -> Maintainer {
    let Value::Map(map) = value else { return Maintainer { name: "\0".to_owned(), ..Maintainer::default() } };
    Maintainer { name: text_of(map, "name"), email: text_of(map, "email"), url: text_of(map, "url") }
}

fn dependency(value: &Value) -> Dependency {
    let Value::Map(map) = value else { return Dependency { name: "\0".to_owned(), ..Dependency::default() } };
    let text = |key: &str| text_of(map, key);
    Dependency {
        name: text("name"),
        version: text("version"),
        repository: text("repository"),
        condition: text("condition"),
        tags: texts_of(map, "tags"),
        enabled: matches!(map.get(b"enabled"), Some(Value::Bool(true))),
        import_values: items_of(map, "import-values", Import::from_value).unwrap_or_default(),
        alias: text("alias"),
    }
}

fn validate(metadata: &mut Metadata, level: Level) -> Result<(), String> {
    for text in [
        &mut metadata.name,
        &mut metadata.description,
        &mut metadata.home,
        &mut metadata.icon,
        &mut metadata.condition,
        &mut metadata.tags,
        &mut metadata.app_version,
        &mut metadata.kube_version,
    ] {
        *text = sanitized(text);
    }
    for text in metadata.sources.iter_mut().chain(&mut metadata.keywords) {
        *text = sanitized(text);
    }
    validate_identity(metadata, level)?;
    for maintainer in &mut metadata.maintainers {
        if maintainer.name == "\0" {
            return Err("maintainers must not contain empty or null nodes".to_owned());
        }
        for text in [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url] {
            *text = sanitized(text);
        }
    }
    validate_dependencies(metadata.dependencies.as_deref_mut().unwrap_or_default())
}

fn validate_identity(metadata: &Metadata, level: Level) -> Result<(), String> {
    let name = &metadata.name;
    if metadata.api_version.is_empty() {
        return Err("chart.metadata.apiVersion is required".to_owned());
    }
    if name.is_empty() {
        return Err("chart.metadata.name is required".to_owned());
    }
    if level == Level::V4 && (name == "." || name == "..") {
        return Err(format!("chart.metadata.name {name:?} is not allowed"));
    }
    if name.contains('/') && name != "/" {
        return Err(format!("chart.metadata.name {name:?} is invalid"));
    }
    if metadata.version.is_empty() {
        return Err("chart.metadata.version is required".to_owned());
    }
    if Version::parse(&metadata.version, level.semver()).is_err() {
        return Err(format!("chart.metadata.version {:?} is invalid", metadata.version));
    }
    if !matches!(metadata.kind.as_str(), "" | "application" | "library") {
        return Err("chart.metadata.type must be application or library".to_owned());
    }
    Ok(())
}

fn validate_dependencies(dependencies: &mut [Dependency]) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for dependency in dependencies {
        if dependency.name == "\0" {
            return Err("dependencies must not contain empty or null nodes".to_owned());
        }
        let Dependency { name, version, repository, condition, tags, .. } = dependency;
        for text in [name, version, repository, condition].into_iter().chain(tags.iter_mut().flatten()) {
            *text = sanitized(text);
        }
        let in_alias = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !dependency.alias.chars().all(in_alias) {
            return Err(format!("dependency {:?} has disallowed characters in the alias", dependency.name));
        }
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if !seen.insert(key.clone()) {
            return Err(format!("more than one dependency with name or alias {key:?}"));
        }
    }
    Ok(())
}

/// A text with every white space turned into a space and everything unprintable dropped.
pub(crate) fn sanitized(text: &str) -> String {
    let keep = |c: char| {
        if c.is_whitespace() {
            return Some(' ');
        }
        hydrate_gotmpl::text::is_print(u32::from(c)).then_some(c)
    };
    text.chars().filter_map(keep).collect()
}
