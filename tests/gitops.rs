//! Applying in the order that the hand-over says: a namespace always precedes its content, a CRD its instances, and a component what needs it.
//!
//! What is checked is not one order but all that the files allow: for Flux everything that `dependsOn` leads to comes before, for Argo CD every lower
//! wave does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hydrate_base::SourceFile;
use hydrate_source::compose;
use hydrate_yaml::node::Node;
use proptest::prelude::*;

mod common;

use common::{copy, files_below};

/// Namespaces that every cluster has.
const THERE: &[&str] = &["", "default", "kube-system", "kube-public", "kube-node-lease"];

/// What a tool is told about one directory of the tree.
#[derive(Debug, Default)]
struct Told {
    name: String,
    depends_on: Vec<String>,
    wave: Option<i64>,
    server_side: bool,
    prune: bool,
}

fn parse(path: &Path) -> Node {
    let text = fs::read_to_string(path).unwrap();
    compose::document(&SourceFile::new(path.display().to_string(), text.as_bytes()), 0, &text).unwrap().unwrap()
}

fn at<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('/').try_fold(node, |node, key| node.get(key))
}

fn text<'a>(node: &'a Node, path: &str) -> &'a str {
    at(node, path).and_then(Node::as_str).unwrap_or_default()
}

fn yaml_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// The units of `clusters/<env>` by their directory in the project; the root's own directory is left out.
fn told(root: &Path, env: &str) -> BTreeMap<String, Told> {
    let mut units = BTreeMap::new();
    for file in yaml_files(&root.join("clusters").join(env)) {
        let object = parse(&file);
        let (path, unit) = match text(&object, "kind") {
            "Kustomization" => {
                let depends_on = at(&object, "spec/dependsOn").and_then(Node::items).unwrap_or_default();
                let depends_on = depends_on.iter().map(|item| text(item, "name").to_owned()).collect();
                let prune = text(&object, "spec/prune") == "true";
                (text(&object, "spec/path"), Told { depends_on, prune, server_side: true, ..Told::default() })
            }
            "Application" => {
                let annotations = at(&object, "metadata/annotations");
                let wave = annotations.and_then(|annotations| annotations.get("argocd.argoproj.io/sync-wave"));
                let options = at(&object, "spec/syncPolicy/syncOptions").and_then(Node::items).unwrap_or_default();
                let server_side = options.iter().any(|option| option.as_str() == Some("ServerSideApply=true"));
                let prune = text(&object, "spec/syncPolicy/automated/prune") == "true";
                let wave = wave.and_then(Node::as_str).map(|wave| wave.parse().unwrap());
                (text(&object, "spec/source/path"), Told { wave, server_side, prune, ..Told::default() })
            }
            _ => continue,
        };
        let path = path.trim_start_matches("./").to_owned();
        if path.starts_with("manifests/") {
            let unit = Told { name: text(&object, "metadata/name").to_owned(), ..unit };
            assert!(units.insert(path.clone(), unit).is_none(), "{path} is applied twice");
        }
    }
    units
}

/// The directories that have been applied when the turn of one comes.
fn applied_before(units: &BTreeMap<String, Told>, dir: &str) -> BTreeSet<String> {
    let unit = &units[dir];
    if let Some(wave) = unit.wave {
        return units.iter().filter(|(_, other)| other.wave.unwrap() < wave).map(|(dir, _)| dir.clone()).collect();
    }
    let mut before = BTreeSet::new();
    let mut open = unit.depends_on.clone();
    while let Some(name) = open.pop() {
        let (dir, unit) = units.iter().find(|(_, unit)| unit.name == name).unwrap_or_else(|| panic!("nothing is called {name}"));
        if before.insert(dir.clone()) {
            open.extend(unit.depends_on.iter().cloned());
        }
    }
    before
}

/// Checks a project's tree and hand-over against each other; `needs` by component.
fn check(root: &Path, env: &str, needs: &BTreeMap<String, Vec<String>>) -> Result<(), String> {
    let units = told(root, env);
    let tree = root.join("manifests").join(env);
    let dirs: BTreeSet<String> = fs::read_dir(&tree)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("manifests/{env}/{}", entry.file_name().display()))
        .collect();
    if dirs != units.keys().cloned().collect() {
        return Err(format!("{dirs:?} are there and {:?} are applied", units.keys()));
    }
    let objects: BTreeMap<&String, Vec<Node>> = dirs
        .iter()
        .map(|dir| {
            (dir, yaml_files(&root.join(dir)).iter().filter(|path| !path.ends_with("kustomization.yaml")).map(|path| parse(path)).collect())
        })
        .collect();
    let mut namespaces = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    for (dir, object) in objects.iter().flat_map(|(dir, objects)| objects.iter().map(move |object| (*dir, object))) {
        match text(object, "kind") {
            "Namespace" => {
                namespaces.insert(text(object, "metadata/name"), dir);
            }
            "CustomResourceDefinition" => {
                kinds.insert((text(object, "spec/group"), text(object, "spec/names/kind")), dir);
            }
            _ => {}
        }
    }
    for (dir, objects) in &objects {
        let before = applied_before(&units, dir);
        if before.contains(*dir) {
            return Err(format!("{dir} waits for itself"));
        }
        for object in objects {
            let what = format!("{dir}: {} {}", text(object, "kind"), text(object, "metadata/name"));
            let namespace = text(object, "metadata/namespace");
            match namespaces.get(namespace) {
                Some(home) if !before.contains(*home) => return Err(format!("{what} comes before its namespace")),
                None if !THERE.contains(&namespace) => return Err(format!("{what}: nobody makes the namespace {namespace}")),
                _ => {}
            }
            let group = text(object, "apiVersion").split_once('/').map_or("", |(group, _)| group);
            if kinds.get(&(group, text(object, "kind"))).is_some_and(|home| !before.contains(*home)) {
                return Err(format!("{what} comes before its CRD"));
            }
            let is_crd = text(object, "kind") == "CustomResourceDefinition";
            if is_crd && !units[*dir].server_side {
                return Err(format!("{what} is not applied server-side"));
            }
            if (is_crd || text(object, "kind") == "Namespace") && units[*dir].prune {
                return Err(format!("{what} would be pruned, and everything in it"));
            }
        }
        let component = dir.rsplit('/').next().unwrap();
        for need in needs.get(component).into_iter().flatten().map(|need| format!("manifests/{env}/{need}")) {
            if dirs.contains(&need) && !before.contains(&need) {
                return Err(format!("{dir} comes before {need}, which it needs"));
            }
        }
    }
    Ok(())
}

fn needs_of(root: &Path) -> BTreeMap<String, Vec<String>> {
    let mut needs = BTreeMap::new();
    for entry in fs::read_dir(root.join("components")).unwrap().map(Result::unwrap) {
        let file = entry.path().join("component.yaml");
        if file.is_file() {
            let component = parse(&file);
            let listed = component.get("needs").and_then(Node::items).unwrap_or_default();
            needs.insert(entry.file_name().display().to_string(), listed.iter().filter_map(Node::as_str).map(str::to_owned).collect());
        }
    }
    needs
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn hydrate(root: &Path, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    command
        .args(arguments)
        .current_dir(root)
        .env_remove("HYDRATE_ENV")
        .env("HYDRATE_CACHE_DIR", root.join("../cache"))
        .env("HYDRATE_CACHE_KEY", "k".repeat(32))
        .output()
        .unwrap()
}

/// A namespace and a kind of its own for each number, and an object of the kind in the namespace.
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: n@\n";
const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things@.example.org\nspec:\n  group: example.org\n  names: {kind: Thing@, plural: things@}\n  scope: Namespaced\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n";
const INSTANCE: &str = "apiVersion: example.org/v1\nkind: Thing@\nmetadata:\n  name: x\n  namespace: n@\nspec:\n  text: ${variable}\n";

/// A project of components `c0`, `c1`, … with these needs. Each brings some of: a namespace, a CRD, an instance of the next one's kind in the next one's
/// namespace, an object without a namespace; one with nothing of it renders nothing.
fn project(root: &Path, needs: &[Vec<usize>], brings: &[u8]) {
    let block = "git: {url: \"https://git.example.org/x\"}\n";
    write(root, "environments/flux.yaml", &format!("handover: flux\n{block}"));
    write(root, "environments/argocd.yaml", &format!("handover: argocd\n{block}"));
    for (index, needs) in needs.iter().enumerate() {
        let names: Vec<String> = needs.iter().map(|need| format!("c{need}")).collect();
        write(
            root,
            &format!("components/c{index}/component.yaml"),
            &format!("needs: [{}]\nsources: [{{jinja: templates}}]\n", names.join(", ")),
        );
        let next = (index + 1) % brings.len();
        let mut all = vec!["# nothing\n".to_owned()];
        let mut add = |bit: u8, text: &str, number: usize| {
            if brings[index] & bit != 0 {
                all.push(text.replace('@', &number.to_string()));
            }
        };
        add(1, NAMESPACE, index);
        add(2, CRD, index);
        if brings[next] & 1 != 0 {
            add(4, INSTANCE, next);
        }
        add(8, "apiVersion: v1\nkind: Service\nmetadata:\n  name: s@\nspec:\n  ports: [{port: 80}]\n", index);
        write(root, &format!("components/c{index}/templates/all.yaml.j2"), &all.join("---\n"));
    }
}

#[test]
fn the_platform_of_this_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    check(root, "k3d", &needs_of(root)).unwrap();
    assert!(told(root, "k3d").len() > 15);
}

/// The same components handed over to Argo CD.
#[test]
fn the_platform_of_this_repository_for_argo_cd() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("project");
    copy(&source.join("components"), &root.join("components"));
    let environment = fs::read_to_string(source.join("environments/k3d.yaml")).unwrap();
    write(&root, "environments/k3d.yaml", &environment.replace("handover: flux", "handover: argocd"));
    let done = hydrate(&root, &["-q"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    check(&root, "k3d", &needs_of(&root)).unwrap();
    assert!(told(&root, "k3d").values().all(|unit| unit.wave.is_some()));
}

/// All files of the tree and of the hand-over.
fn written(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = ["manifests", "clusters"].iter().flat_map(|dir| files_below(&root.join(dir)));
    files.map(|(path, content)| (path.strip_prefix(root).unwrap().to_owned(), content)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_project_is_applied_in_order(edges in prop::collection::vec((0usize..7, 0usize..7), 0..20), brings in prop::collection::vec(0u8..16, 7)) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("project");
        // Needs point back, so there is no cycle.
        let needs: Vec<Vec<usize>> = (0..7).map(|index| {
            let set: BTreeSet<usize> = edges.iter().filter(|(from, to)| *from == index && to < from).map(|(_, to)| *to).collect();
            set.into_iter().collect()
        }).collect();
        project(&root, &needs, &brings);
        for env in ["flux", "argocd"] {
            let done = hydrate(&root, &["-q", "-e", env]);
            prop_assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            prop_assert_eq!(check(&root, env, &needs_of(&root)), Ok(()));
            for component in ["c0", "c6"] {
                // A run over one component, or a check of it, knows the whole graph.
                let done = hydrate(&root, &["check", "-q", "-e", env, component]);
                prop_assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
            }
        }
    }

    #[test]
    fn a_cycle_is_an_error_that_shows_it(length in 2usize..6, others in prop::collection::vec((0usize..6, 0usize..6), 0..6)) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("project");
        let mut needs: Vec<Vec<usize>> = (0..6).map(|index| if index < length { vec![(index + 1) % length] } else { Vec::new() }).collect();
        others.iter().filter(|(from, to)| to < from && *from >= length).for_each(|(from, to)| if !needs[*from].contains(to) { needs[*from].push(*to) });
        project(&root, &needs, &[8; 6]);
        for arguments in [["-e", "flux"].as_slice(), &["check", "-e", "argocd"], &["graph", "-e", "flux"]] {
            let done = hydrate(&root, arguments);
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            let circle: Vec<String> = (0..=length).map(|index| format!("c{}", index % length)).collect();
            prop_assert_eq!(done.status.code(), Some(1));
            prop_assert!(said.contains(&format!("components need each other in a circle: {}", circle.join(" → "))), "{said}");
            prop_assert!(said.contains("components/c1/component.yaml:1:9"), "{said}");
            prop_assert!(!root.join("manifests").exists() && !root.join("clusters").exists());
        }
    }

    /// Whatever it was handed over to before, and whatever was there: the files are those of a fresh start.
    #[test]
    fn the_way_there_leaves_no_traces(steps in prop::collection::vec((prop::sample::select(vec!["none", "flux", "argocd"]), prop::collection::vec(0u8..16, 4), any::<bool>()), 1..5)) {
        let directory = tempfile::tempdir().unwrap();
        let (root, fresh) = (directory.path().join("project"), directory.path().join("fresh"));
        for (tool, brings, chain) in &steps {
            let needs: Vec<Vec<usize>> = (0..4).map(|index| if *chain && index > 0 { vec![index - 1] } else { Vec::new() }).collect();
            for root in [&root, &fresh] {
                for dir in ["components", "environments"] {
                    let _ = fs::remove_dir_all(root.join(dir));
                }
                project(root, &needs, brings);
                fs::remove_dir_all(root.join("environments")).unwrap();
                write(root, "environments/dev.yaml", &format!("handover: {tool}\ngit: {{url: \"https://git.example.org/x\"}}\n"));
            }
            let done = hydrate(&root, &["-q", "--yes"]);
            prop_assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        prop_assert!(hydrate(&fresh, &["-q"]).status.success());
        prop_assert_eq!(written(&root), written(&fresh));
    }
}
