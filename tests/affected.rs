//! `hydrate affected` never misses anybody: whatever is changed, whose output is another one is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Numbers that are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

const FILES: &[(&str, &str)] = &[
    ("hydrate.yaml", "helm: v4\n"),
    ("environments/a.yaml", "kubernetes: \"1.33.1\"\nvalues: {domain: a}\n"),
    ("environments/b.yaml", "kubernetes: \"1.33.1\"\nvalues: {domain: b}\n"),
    ("components/web/values.yaml", "replicas: 1\nname: one\n"),
    ("components/web/a/values.yaml", "replicas: 3\n"),
    ("components/web/chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("components/web/chart/values.yaml", "name: x\nport: 1\n"),
    ("components/web/chart/files/a.txt", "text\n"),
    (
        "components/web/chart/templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {r: {{ .Values.replicas | quote }}, n: {{ .Values.name }}, f: {{ .Files.Get \"files/a.txt\" | quote }}, has: {{ .Capabilities.APIVersions.Has \"example.org/v1\" | quote }}}\n",
    ),
    ("components/pages/values.yaml", "title: t\n"),
    (
        "components/pages/templates/page.yaml.j2",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pages}\ndata: {d: {{ values.domain }}, t: {{ values.title }}}\n",
    ),
    ("components/raw/component.yaml", "sources:\n  - raw: raw\n  - kustomize: over\n"),
    ("components/raw/raw/one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"),
    ("components/raw/raw/deep/two.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n"),
    ("components/raw/over/kustomization.yaml", "resources: [../../../shared]\nnamePrefix: p-\n"),
    ("shared/kustomization.yaml", "resources: [base.yaml]\nconfigMapGenerator: [{name: g, files: [text.txt]}]\n"),
    ("shared/base.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\n"),
    ("shared/text.txt", "text\n"),
    (
        "components/crds/raw/crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\nspec:\n  group: example.org\n  scope: Namespaced\n  names: {kind: Thing, plural: things}\n  versions:\n    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}\n",
    ),
];

/// Texts that files may have instead, or that may be new files.
const NEW: &[(&str, &str)] = &[
    ("hydrate.yaml", "helm: v3\n"),
    ("environments/a.yaml", "kubernetes: \"1.32.0\"\nvalues: {domain: a}\n"),
    ("environments/a.yaml", "kubernetes: \"1.33.1\"\nvalues: {domain: c}\ncomponents: [\"*\", \"!web\"]\n"),
    ("environments/c.yaml", "kubernetes: \"1.33.1\"\nvalues: {domain: c}\n"),
    ("components/web/values.yaml", "replicas: 2\n"),
    ("components/web/b/values.yaml", "replicas: 5\n"),
    ("components/web/chart/files/a.txt", "other\n"),
    ("components/web/chart/values.yaml", "name: y\nport: 2\n"),
    ("components/web/chart/templates/_helpers.tpl", "{{ define \"x\" }}{{ end }}\n"),
    ("components/web/chart/templates/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"),
    ("components/web/component.yaml", "namespace: shop\n"),
    ("components/web/component.yaml", "environments: [a]\n"),
    ("components/pages/values.yaml", "title: other\n"),
    ("components/pages/a/values.yaml", "title: of a\n"),
    ("components/pages/templates/_part.j2", "x\n"),
    ("components/raw/raw/one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n"),
    ("components/raw/raw/three.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n"),
    ("components/raw/raw/deep/er/four.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: four}\n"),
    ("shared/text.txt", "other\n"),
    ("shared/unused.txt", "nobody reads it\n"),
    ("shared/base.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base, labels: {a: b}}\n"),
    ("components/new/raw/n.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: n}\n"),
    ("notes.txt", "nobody reads it\n"),
    ("components/crds/raw/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n"),
];

fn write(root: &Path, path: &str, text: &str) {
    fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    fs::write(root.join(path), text).unwrap();
}

fn git(root: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=U", "-c", "user.email=u@example.org", "-c", "commit.gpgsign=false"]).args(arguments).current_dir(root);
    let done = git.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn hydrate(root: &Path, home: &Path, arguments: &[&str]) -> String {
    let mut hydrate = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    hydrate
        .args(arguments)
        .current_dir(root)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env_remove("CI")
        .env_remove("HYDRATE_ENV");
    String::from_utf8(hydrate.output().unwrap().stdout).unwrap()
}

/// All files below a directory.
fn files(root: &Path, below: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
        let path = below.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => files(root, &path, all),
            false => drop(all.insert(path, fs::read(entry.path()).unwrap())),
        }
    }
}

/// What each component of each environment renders to, in a copy of the project without its manifests.
fn rendered(project: &Path, home: &Path) -> BTreeMap<(String, String), BTreeMap<PathBuf, Vec<u8>>> {
    let copy = tempfile::tempdir().unwrap();
    let mut inputs = BTreeMap::new();
    files(project, Path::new(""), &mut inputs);
    for (path, bytes) in inputs.iter().filter(|(path, _)| !path.starts_with(".git") && !path.starts_with("manifests")) {
        fs::create_dir_all(copy.path().join(path).parent().unwrap()).unwrap();
        fs::write(copy.path().join(path), bytes).unwrap();
    }
    hydrate(copy.path(), home, &["-e", "all", "--keep-going", "--no-cache", "-q"]);
    let mut outputs = BTreeMap::new();
    files(copy.path(), Path::new("manifests"), &mut outputs);
    let mut found: BTreeMap<(String, String), BTreeMap<PathBuf, Vec<u8>>> = BTreeMap::new();
    for (path, bytes) in outputs {
        let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if let [_, environment, component, _] = parts.as_slice()
            && component != "00-namespaces"
        {
            found.entry((environment.clone(), component.clone())).or_default().insert(path, bytes);
        }
    }
    found
}

fn listed(project: &Path, home: &Path, more: &[&str]) -> BTreeSet<(String, String)> {
    let said = hydrate(project, home, &[&["affected", "--base", "HEAD", "--format", "json"], more].concat());
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let environments = said["environments"].as_array().unwrap().iter();
    let pairs = environments.flat_map(|environment| {
        let components = environment["components"].as_array().unwrap().iter();
        components.map(|component| (text(&environment["environment"]), text(&component["component"]))).collect::<Vec<_>>()
    });
    pairs.collect()
}

#[test]
fn whoever_renders_to_something_else_is_listed() {
    let (directory, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = directory.path();
    FILES.iter().for_each(|(path, text)| write(root, path, text));
    git(root, &["init", "-q"]);
    git(root, &["add", "-A"]);
    git(root, &["commit", "-qm", "base"]);
    // In the second half what was committed of manifests says what had CRDs.
    let before = rendered(root, home.path());
    let mut numbers = Numbers(15);
    let (mut some, mut spared) = (0, 0);
    for round in 0..36 {
        if round == 18 {
            hydrate(root, home.path(), &["-e", "all", "-q"]);
            git(root, &["add", "-A"]);
            git(root, &["commit", "-qm", "manifests"]);
        }
        let mut done = Vec::new();
        for _ in 0..1 + numbers.below(2) {
            if numbers.below(4) == 0 {
                let (path, _) = FILES[1 + numbers.below(FILES.len() - 1)];
                drop(fs::remove_file(root.join(path)));
                done.push(format!("- {path}"));
            } else {
                let (path, text) = NEW[numbers.below(NEW.len())];
                write(root, path, text);
                done.push(format!("+ {path}"));
            }
        }
        let after = rendered(root, home.path());
        let differing: BTreeSet<_> = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key)).cloned().collect();
        let cold = listed(root, home.path(), &["--no-cache"]);
        let missed: Vec<_> = differing.difference(&cold).collect();
        assert!(missed.is_empty(), "{done:?}: {missed:?} render to something else, listed are {cold:?}");
        assert_eq!(cold, listed(root, home.path(), &[]), "{done:?}: with a cache");
        some += usize::from(!differing.is_empty());
        spared += usize::from(cold.len() < before.len());
        git(root, &["checkout", "-q", "."]);
        git(root, &["clean", "-fdq"]);
    }
    assert!(some > 15 && spared > 15, "{some} changes with an effect, {spared} that do not touch all");
}
