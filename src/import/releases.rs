//! The releases of helmfiles over all environments, and what component.yaml can say of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Result, World};
use hydrate_gotmpl::Value;
use hydrate_helm::ValueOptions;
use hydrate_helmfile::{ChartOrigin, DescribedRelease, Directory, Patches, ValuesEntry};
use hydrate_source::{Data, Document};

use crate::project::Environment;
use crate::project::files::is_version;

/// A release in all environments that render it.
#[derive(Debug)]
pub(super) struct Release {
    pub name: String,
    /// The namespace, where the name alone would stand for several releases.
    pub namespace: Option<String>,
    /// The helmfile, as it is shown.
    pub file: String,
    pub seen: Vec<Seen>,
    /// The component that it becomes, or becomes part of.
    pub component: String,
    /// Why it stays in its helmfile; empty where it does not.
    pub stays: Vec<String>,
    /// What else there is to say of it.
    pub notes: Vec<String>,
}

impl Release {
    /// Whether it is patched, in any environment.
    pub(super) fn is_patched(&self) -> bool {
        self.seen.iter().any(|seen| seen.patches != Patches::default())
    }

    /// Whether a directory is in the place of its chart, in any environment; the namespace of its objects is that of the component.
    pub(super) fn has_manifests(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen.frame.directory, Some(Directory::Manifests { .. })))
    }

    /// Whether it is said in another way here than in its helmfile, so that only the proof tells whether that is the same.
    pub(super) fn is_said_otherwise(&self) -> bool {
        self.is_patched() || self.seen.iter().any(|seen| seen.frame.directory.is_some())
    }

    /// Its patches, where they are the same in all environments.
    pub(super) fn patches(&self) -> Option<&Patches> {
        let (first, rest) = self.seen.split_first()?;
        rest.iter().all(|seen| seen.patches == first.patches).then_some(&first.patches)
    }
}

/// A release as one environment has it.
#[derive(Debug)]
pub(super) struct Seen {
    pub env: String,
    pub frame: Frame,
    pub values: Vec<ValuesEntry>,
    /// The ids of what it needs.
    pub needs: Vec<String>,
    pub id: String,
    pub namespace: String,
    /// The helmfile.
    pub file: PathBuf,
    /// The helmfile that was named, which may be one that names this one.
    pub top: PathBuf,
    /// The texts of helmfiles as they were read for this environment.
    pub parts: Vec<Arc<hydrate_base::SourceFile>>,
    /// Patches over what it renders.
    pub patches: Patches,
    /// What it renders.
    pub documents: Vec<Document>,
}

/// What a `helm:` source says, without its values files.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub release: String,
    pub namespace: String,
    /// The chart from outside; a chart of the repository is the first of [`Seen::paths`].
    pub chart: Option<RemoteFrame>,
    pub kubernetes: Option<String>,
    pub api_versions: Vec<String>,
    pub sees_crds: bool,
    pub set: Vec<(String, Data)>,
    /// The directory or archive of a chart of the repository, or what is in its place; compared as a pattern.
    pub local: Option<PathBuf>,
    /// What is in the place of a chart.
    pub directory: Option<Directory>,
}

/// A chart from outside, as component.yaml names it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RemoteFrame {
    pub chart: String,
    pub repo: Option<String>,
    pub version: Option<String>,
    pub verify: bool,
}

impl RemoteFrame {
    fn at(address: String) -> Self {
        Self { chart: address, repo: None, version: None, verify: false }
    }
}

impl Frame {
    /// What a release asks helm for, and what of it component.yaml cannot say.
    pub(super) fn of(
        world: &dyn World,
        environment: &Environment,
        described: &DescribedRelease,
        stays: &mut BTreeSet<String>,
    ) -> Result<Self> {
        stays.extend(described.beyond.iter().cloned());
        let Some(release) = &described.release else {
            return Ok(Self {
                release: described.name.clone(),
                namespace: described.namespace.clone(),
                chart: None,
                kubernetes: None,
                api_versions: Vec::new(),
                sees_crds: false,
                set: Vec::new(),
                local: None,
                directory: None,
            });
        };
        let options = &release.options;
        let (mut chart, mut local) = (None, None);
        match &release.chart {
            _ if described.directory.is_some() => local = described.directory.as_ref().map(|(path, _)| path.clone()),
            ChartOrigin::Local(path) => local = Some(path.clone()),
            ChartOrigin::Remote(remote) if remote.name.is_empty() => match hydrate_source::git_address(&remote.repository) {
                Some(address) => chart = Some(RemoteFrame::at(address)),
                None if remote.repository.starts_with("http") && remote.repository.ends_with(".tgz") => {
                    chart = Some(RemoteFrame::at(remote.repository.clone()));
                }
                None => {
                    stays.insert("a chart at an address of its own".to_owned());
                }
            },
            ChartOrigin::Remote(remote) => chart = Some(of_remote(remote)),
        }
        let said = environment.kubernetes.as_ref().map(|version| version.text.clone());
        let kubernetes = options.kube_version.clone().filter(|version| Some(version) != said.as_ref());
        if kubernetes.as_ref().is_some_and(|version| !is_version(version)) {
            stays.insert("its kubeVersion".to_owned());
        }
        let known = &environment.api_versions;
        let set = set(&options.values, options.level, world).unwrap_or_else(|why| {
            stays.insert(why);
            Vec::new()
        });
        Ok(Self {
            release: options.release.clone(),
            namespace: options.namespace.clone(),
            chart,
            kubernetes,
            api_versions: options.api_versions.iter().filter(|version| !known.contains(version)).cloned().collect(),
            sees_crds: environment.apis_from_crds,
            set,
            local,
            directory: described.directory.as_ref().map(|(_, directory)| directory.clone()),
        })
    }

    /// Whether both are the same but for where a chart of the repository lies.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let without = |frame: &Self| Self { local: frame.local.as_ref().map(|_| PathBuf::new()), ..frame.clone() };
        without(self) == without(other)
    }
}

fn of_remote(remote: &hydrate_helmfile::RemoteChart) -> RemoteFrame {
    let version = Some(remote.version.clone()).filter(|version| !version.is_empty());
    let repository = remote.repository.trim_end_matches('/');
    let (chart, repo) = if repository.starts_with("oci://") {
        (format!("{repository}/{}", remote.name), None)
    } else {
        (remote.name.clone(), Some(remote.repository.clone()))
    };
    RemoteFrame { chart, repo, version, verify: remote.verify }
}

/// `--set` and `--set-string` as the entries of `set`.
fn set(values: &ValueOptions, level: hydrate_chart::Level, world: &dyn World) -> std::result::Result<Vec<(String, Data)>, String> {
    let mut entries: Vec<(String, Data)> = Vec::new();
    let of_set = values.set.iter().map(|argument| (argument, false));
    for (argument, is_text) in of_set.chain(values.string.iter().map(|argument| (argument, true))) {
        let unsayable = || format!("`set` of {}", argument.split('=').next().unwrap_or_default());
        let (path, value) = assignment(argument).ok_or_else(unsayable)?;
        let alone = vec![format!("x={value}")];
        let options = if is_text {
            ValueOptions { string: alone, ..ValueOptions::default() }
        } else {
            ValueOptions { set: alone, ..ValueOptions::default() }
        };
        let map = options.merge(level, world).map_err(|_| unsayable())?;
        if map.entries().len() != 1 || entries.iter().any(|(known, _)| known == path) {
            return Err(unsayable());
        }
        let value = map.get(b"x").ok_or_else(unsayable)?;
        entries.push((path.to_owned(), data(&value).ok_or_else(unsayable)?));
    }
    Ok(entries)
}

/// `path=value`, at the first `=` that no backslash stands before.
fn assignment(argument: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    for (at, character) in argument.char_indices() {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            '=' if !is_escaped => return Some((argument.get(..at)?, argument.get(at + 1..)?)),
            _ => is_escaped = false,
        }
    }
    None
}

/// A value of the template engine as data; `None` for what is none.
pub(super) fn data(value: &Value) -> Option<Data> {
    Some(match value {
        Value::Nil => Data::Null,
        Value::Bool(value) => Data::Bool(*value),
        Value::Int(value) | Value::Int64(value) => Data::Int(*value),
        Value::Float64(value) => Data::Float(*value),
        Value::Str(text) => Data::Text(text.to_str_lossy().into_owned()),
        Value::List(list) => Data::List(list.items().iter().map(data).collect::<Option<_>>()?),
        Value::Map(map) => Data::Map(
            map.entries().iter().map(|(key, value)| Some((key.to_str_lossy().into_owned(), data(value)?))).collect::<Option<_>>()?,
        ),
        Value::Rare(_) => return None,
    })
}

/// A path in several environments as one text, with `${env}` where they differ in the name of the environment; `None` where they differ in
/// more.
pub(super) fn unified(paths: &[(&str, &Path)], dir: &Path) -> Option<String> {
    let texts: Vec<(&str, String)> = paths.iter().map(|(env, path)| (*env, super::unit::relative(dir, path))).collect();
    let (first_env, first) = texts.first()?;
    if texts.iter().any(|(_, text)| text.contains("${") || text.ends_with('?')) {
        return None;
    }
    if texts.len() > 1 && texts.iter().all(|(_, text)| text == first) {
        return Some(first.clone());
    }
    if texts.len() == 1 {
        // The name of a directory is what the convention has; elsewhere it may be a coincidence.
        let by_directory: Vec<&str> = first.split('/').map(|part| if part == *first_env { "${env}" } else { part }).collect();
        return Some(by_directory.join("/"));
    }
    let by = |pattern: fn(&str, &str) -> String| {
        let wanted = pattern(first, first_env);
        texts.iter().all(|(env, text)| pattern(text, env) == wanted).then_some(wanted)
    };
    by(with_words).or_else(|| by(|text, env| text.replace(env, "${env}")))
}

/// The text with `${env}` for the environment's name, where that is a word of its own.
fn with_words(text: &str, env: &str) -> String {
    let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let (mut out, mut at) = (String::new(), 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(env)).map(|found| at + found) {
        let end = found + env.len();
        let (before, after) = (text.get(..found).unwrap_or_default(), text.get(end..).unwrap_or_default());
        let is_word = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
        out.push_str(text.get(at..found).unwrap_or_default());
        out.push_str(if is_word { "${env}" } else { env });
        at = end;
    }
    out + text.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_several_environments_are_one() {
        let dir = Path::new("/p/components/web");
        let one = |paths: &[(&str, &str)]| {
            let paths: Vec<(&str, &Path)> = paths.iter().map(|(env, path)| (*env, Path::new(*path))).collect();
            unified(&paths, dir)
        };
        assert_eq!(one(&[("dev", "/p/v/dev.yaml"), ("prod", "/p/v/prod.yaml")]).unwrap(), "../../v/${env}.yaml");
        assert_eq!(one(&[("dev", "/p/v/all.yaml"), ("prod", "/p/v/all.yaml")]).unwrap(), "../../v/all.yaml");
        assert_eq!(one(&[("dev", "/p/components/web/dev/v.yaml")]).unwrap(), "${env}/v.yaml");
        assert_eq!(one(&[("dev", "/p/devices/dev.yaml")]).unwrap(), "../../devices/dev.yaml");
        assert_eq!(one(&[("a", "/p/values/a.yaml"), ("b", "/p/values/b.yaml")]).unwrap(), "../../values/${env}.yaml");
        assert_eq!(one(&[("eu", "/p/eu/neu-eu.yaml"), ("us", "/p/us/neu-us.yaml")]).unwrap(), "../../${env}/neu-${env}.yaml");
        assert_eq!(one(&[("dev", "/p/webdev.yaml"), ("prod", "/p/webprod.yaml")]).unwrap(), "../../web${env}.yaml");
        assert_eq!(one(&[("prod", "/p/v/prod.yaml"), ("prod-eu", "/p/v/prod-eu.yaml")]).unwrap(), "../../v/${env}.yaml");
        assert_eq!(one(&[("dev", "/p/a.yaml"), ("prod", "/p/b.yaml")]), None);
        assert_eq!(one(&[("dev", "/p/${x}.yaml")]), None);
    }

    #[test]
    fn arguments_of_set_become_entries() {
        let world = hydrate_base::MemoryWorld::new();
        let options = ValueOptions {
            set: vec!["a.b=1".into(), r"c\.d=true".into(), "e={x,2}".into(), "f=null".into(), "g=a\\,b".into()],
            string: vec!["h[0].i=1".into()],
            ..ValueOptions::default()
        };
        let found = set(&options, hydrate_chart::Level::V4, &world).unwrap();
        let shown: Vec<String> = found.iter().map(|(path, value)| format!("{path}: {}", value.to_json())).collect();
        assert_eq!(shown, ["a.b: 1", r"c\.d: true", r#"e: ["x",2]"#, "f: null", r#"g: "a,b""#, r#"h[0].i: "1""#]);
        let twice = ValueOptions { set: vec!["a=1".into(), "a=2".into()], ..ValueOptions::default() };
        assert_eq!(set(&twice, hydrate_chart::Level::V4, &world).unwrap_err(), "`set` of a");
    }
}
