//! What a chart is once its files are read: shareable between threads, the same for every release.

use std::sync::{Arc, Mutex};

use hydrate_gotmpl::TemplateSet;
use hydrate_gotmpl::Value;
use hydrate_sprig::semver::Release;

/// Whose behaviour is reproduced where the versions of Helm differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Helm 3.17.
    V3,
    /// Helm 4.3.
    #[default]
    V4,
}

impl Level {
    /// `v3` or `v4`, as configuration and command line write it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "v3" => Some(Self::V3),
            "v4" => Some(Self::V4),
            _ => None,
        }
    }

    /// The release of the semantic version library that this Helm carries.
    pub fn semver(self) -> Release {
        match self {
            Self::V3 => Release::V3_3,
            Self::V4 => Release::V3_5,
        }
    }

    /// The name that `parse` reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::V3 => "v3",
            Self::V4 => "v4",
        }
    }
}

/// A file of a chart: its path inside the chart with `/` between the parts, and its bytes without a byte order mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path inside the chart.
    pub name: String,
    /// The content.
    pub data: Arc<[u8]>,
}

/// A chart with its vendored dependencies, as it lies on the disk: nothing is enabled, renamed or merged yet.
#[derive(Debug)]
pub struct Chart {
    /// Where it was read from, for messages: a directory, an archive, or a place inside an archive.
    pub location: String,
    /// Chart.yaml (and requirements.yaml).
    pub metadata: Metadata,
    /// The bytes of values.yaml.
    pub values: Option<Arc<[u8]>>,
    /// The bytes of values.schema.json.
    pub schema: Option<Arc<[u8]>>,
    /// What lies in templates/, in the order of reading.
    pub templates: Vec<File>,
    /// Everything else, in the order of reading: what `.Files` shows, and crds/.
    pub files: Vec<File>,
    /// The charts in charts/, sorted by the name of their directory or archive.
    pub dependencies: Vec<Arc<Chart>>,
    /// Remarks made while loading, as Helm prints them to stderr.
    pub warnings: Vec<String>,
    /// The templates as they were parsed last.
    pub parsed: Parsed,
}

/// Parsed templates kept beside the files that they were parsed from. Aliases and disabled dependencies change the names
/// of templates, and with the names what was parsed.
#[derive(Debug, Default)]
pub struct Parsed(Mutex<Vec<(Level, Vec<String>, TemplateSet)>>);

/// More variants than this of one chart are parsed anew.
const KEPT: usize = 8;

impl Parsed {
    /// What was parsed for this level from templates of these names, in this order.
    pub fn find(&self, level: Level, names: &[&str]) -> Option<TemplateSet> {
        let kept = self.0.lock().ok()?;
        kept.iter().find(|(known, paths, _)| *known == level && paths.iter().eq(names.iter())).map(|(_, _, set)| set.clone())
    }

    /// Whether nothing is kept yet.
    pub fn is_empty(&self) -> bool {
        self.0.lock().is_ok_and(|kept| kept.is_empty())
    }

    /// Keeps what was parsed.
    pub fn keep(&self, level: Level, names: &[&str], set: &TemplateSet) {
        if let Ok(mut kept) = self.0.lock()
            && kept.len() < KEPT
        {
            kept.push((level, names.iter().map(|name| (*name).to_owned()).collect(), set.clone()));
        }
    }
}

impl Chart {
    /// The name in Chart.yaml.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it only offers named templates to other charts.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}

/// Chart.yaml. The names are those of the file; texts are as Helm keeps them after validation.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, documented by Helm")]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: Option<Vec<(String, String)>>,
    pub kube_version: String,
    pub dependencies: Option<Vec<Dependency>>,
    /// `type` in the file: empty, `application` or `library`.
    pub kind: String,
    /// Whether `sources`, `keywords` and `maintainers` were given at all: a nil slice differs from an empty one.
    pub given: Given,
}

/// Which of the optional lists of Chart.yaml were given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, documented by Helm")]
pub struct Given {
    pub sources: bool,
    pub keywords: bool,
    pub maintainers: bool,
}

/// An entry of `maintainers`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, documented by Helm")]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// An entry of `dependencies`.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of Chart.yaml, documented by Helm")]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Option<Vec<String>>,
    pub enabled: bool,
    pub import_values: Vec<Import>,
    pub alias: String,
}

/// An entry of `import-values`.
#[derive(Debug, Clone, PartialEq)]
pub enum Import {
    /// A name below `exports` of the child.
    Export(String),
    /// A table of the child and where it goes in the parent.
    Table {
        /// The path in the child.
        child: ImportPath,
        /// The path in the parent.
        parent: ImportPath,
    },
    /// Anything else, which Helm passes over.
    Other,
}

impl Import {
    /// What Helm makes of an entry: a text, a table, or nothing it uses.
    pub(super) fn from_value(value: &Value) -> Self {
        match value {
            Value::Str(name) => Self::Export(name.to_str_lossy().into_owned()),
            Value::Map(table) => {
                let path = |key: &str| ImportPath::from_value(&table.get(key.as_bytes()).unwrap_or_default());
                Self::Table { child: path("child"), parent: path("parent") }
            }
            _ => Self::Other,
        }
    }
}

/// A path in an entry of `import-values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPath {
    /// The text, or that of the value that stands in its place.
    pub text: String,
    /// The Go type of what stands there, `string` where it is as it should be.
    pub go_type: &'static str,
}

impl ImportPath {
    fn from_value(value: &Value) -> Self {
        Self { text: hydrate_gotmpl::fmt::to_text(value), go_type: value.type_name() }
    }
}
