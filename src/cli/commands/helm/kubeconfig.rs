//! The namespace that a kubeconfig gives, for `helm template` without `--namespace`.
//!
//! Follows `EnvSettings.Namespace` of helm and `clientcmd` of client-go: the first file that says something counts, and whatever is wrong
//! with the files gives no namespace and no error. The clusters and users that contexts name need not be there, but the files
//! that those name do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use hydrate_base::World;
use hydrate_chart::{Level, decode_values};
use hydrate_gotmpl::{GoVersion, encode};

/// The fields of a cluster that name files.
const CLUSTER_FILES: &[&str] = &["certificate-authority"];

/// The fields of a user that name files.
const USER_FILES: &[&str] = &["client-certificate", "client-key"];

/// One file. Only what is needed here is looked at; what is of another type than clientcmd's makes the whole file unreadable.
#[derive(Debug, Default)]
struct Config {
    current: String,
    contexts: Fields,
    clusters: Fields,
    users: Fields,
}

/// The fields of what has a name.
type Fields = Vec<(String, Map<String, Value>)>;

impl Config {
    /// Reads YAML as Kubernetes does, where `name: y` is a boolean and no name.
    fn read(text: &[u8]) -> Option<Self> {
        let map = decode_values(text, Level::V3).ok()?;
        let json = encode::to_json(&hydrate_gotmpl::Value::Map(map), GoVersion::default()).ok()?;
        let json: Value = serde_json::from_slice(&json).ok()?;
        let config = json.as_object()?;
        Some(Self {
            current: text_of(config, "current-context")?,
            contexts: named(config, "contexts", "context", &["cluster", "user", "namespace"])?,
            clusters: named(config, "clusters", "cluster", &["server", CLUSTER_FILES[0]])?,
            users: named(config, "users", "user", USER_FILES)?,
        })
    }
}

/// A text, empty where it is missing or null; `None` where it is something else.
fn text_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    match map.get(key) {
        None | Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => None,
    }
}

/// A list of `{name: …, KEY: {…}}`, whose fields are texts.
fn named(config: &Map<String, Value>, list: &str, key: &str, texts: &[&str]) -> Option<Fields> {
    let items = match config.get(list) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return None,
    };
    let one = |item: &Value| {
        let item = item.as_object()?;
        let fields = match item.get(key) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(fields)) => fields.clone(),
            Some(_) => return None,
        };
        texts.iter().try_for_each(|field| text_of(&fields, field).map(drop))?;
        Some((text_of(item, "name")?, fields))
    };
    items.iter().map(one).collect()
}

/// The namespace of the context. `file` and `context` are `--kubeconfig` and `--kube-context`.
pub(super) fn namespace(world: &dyn World, file: Option<&str>, context: Option<&str>) -> Option<String> {
    let set = |name: &str| world.variable(name).filter(|text| !text.is_empty());
    let (mut current, mut contexts, mut clusters, mut users) = (String::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for path in files(world, file) {
        let text = match world.read(&path) {
            Ok(text) => text,
            // One that is named has to be there.
            Err(_) if file.is_some() => return None,
            Err(_) => continue,
        };
        let config = Config::read(&text)?;
        if current.is_empty() {
            current = config.current;
        }
        let beside = path.parent().unwrap_or(Path::new("")).to_owned();
        for (all, found) in [(&mut contexts, config.contexts), (&mut clusters, config.clusters), (&mut users, config.users)] {
            found.into_iter().for_each(|(name, fields)| {
                all.entry(name).or_insert_with(|| (beside.clone(), fields));
            });
        }
    }
    let given = context.map(str::to_owned).filter(|name| !name.is_empty()).or_else(|| set("HELM_KUBECONTEXT"));
    let (_, context) = contexts.get(&given.unwrap_or(current))?;
    for (all, key, fields) in [(&clusters, "cluster", CLUSTER_FILES), (&users, "user", USER_FILES)] {
        let Some((beside, found)) = all.get(&text_of(context, key)?) else { continue };
        for field in fields {
            let file = text_of(found, field)?;
            if !file.is_empty() && world.kind(&beside.join(file)).is_err() {
                return None;
            }
        }
    }
    text_of(context, "namespace").filter(|namespace| !namespace.is_empty())
}

fn files(world: &dyn World, file: Option<&str>) -> Vec<PathBuf> {
    let set = |name: &str| world.variable(name).filter(|text| !text.is_empty());
    match (file.filter(|file| !file.is_empty()), set("KUBECONFIG")) {
        (Some(file), _) => vec![PathBuf::from(file)],
        (None, Some(list)) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        (None, None) => set("HOME").map(|home| Path::new(&home).join(".kube/config")).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    fn config(current: &str, name: &str, namespace: &str) -> String {
        format!(
            "current-context: {current}\ncontexts:\n- name: {name}\n  context: {{cluster: k, user: u, namespace: {namespace}}}\n\
             clusters:\n- name: k\n  cluster: {{server: https://k}}\n"
        )
    }

    #[test]
    fn the_first_file_that_says_something_counts() {
        let world = MemoryWorld::new()
            .with_file("/a", config("x", "x", "one"))
            .with_file("/b", config("z", "z", "two"))
            .with_file("/h/.kube/config", config("h", "h", "home"))
            .with_variable("HOME", "/h");
        let with = |list: &str| {
            MemoryWorld::new()
                .with_file("/a", config("x", "x", "one"))
                .with_file("/b", config("z", "z", "two"))
                .with_variable("KUBECONFIG", list)
        };
        assert_eq!(namespace(&world, None, None).as_deref(), Some("home"));
        assert_eq!(namespace(&world, Some("/a"), None).as_deref(), Some("one"));
        assert_eq!(namespace(&with("/none:/a:/b"), None, None).as_deref(), Some("one"));
        assert_eq!(namespace(&with("/a:/b"), None, Some("z")).as_deref(), Some("two"));
        assert_eq!(namespace(&with("/a:/b"), None, Some("q")), None);
        assert_eq!(namespace(&world, Some("/none"), None), None);
    }

    #[test]
    fn clusters_need_not_be_there_but_their_files_do() {
        let of = |text: String| namespace(&MemoryWorld::new().with_file("/d/a", text).with_file("/d/ca", ""), Some("/d/a"), None);
        for other in ["server: ''", "", "certificate-authority: ca", "certificate-authority: /d/ca"] {
            assert_eq!(of(config("x", "x", "one").replace("server: https://k", other)).as_deref(), Some("one"), "{other}");
        }
        assert_eq!(of(config("x", "x", "one").replace("name: k", "name: other")).as_deref(), Some("one"));
        assert_eq!(of(config("x", "x", "one").replace("server: https://k", "certificate-authority: gone")), None);
        assert_eq!(of(config("x", "x", "one") + "users:\n- name: u\n  user: {client-key: gone}\n"), None);
    }

    #[test]
    fn what_is_no_kubeconfig_says_nothing() {
        for text in ["contexts: [".to_owned(), config("x", "x", "one") + "- name: y\n", config("x", "x", "5")] {
            assert_eq!(namespace(&MemoryWorld::new().with_file("/a", text), Some("/a"), None), None);
        }
    }
}
