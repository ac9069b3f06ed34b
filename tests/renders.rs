//! The cache of rendered components: a run that finds something in it writes what a run without it would write.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

mod common;

use common::files_below;

/// The files of a project with every kind of source, and components that depend on each other's CRDs.
const FILES: &[(&str, &str)] = &[
    ("hydrate.yaml", "helm: v4\n"),
    ("environments/dev.yaml", "kubernetes: \"1.33\"\nvalues: {domain: local}\n"),
    ("components/chart/component.yaml", "namespace: a\nsources:\n- helm: {chart: ./chart, values: [values.yaml, \"${env}.yaml?\"]}\n"),
    ("components/chart/values.yaml", "size: 1\n"),
    ("components/chart/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
    ("components/chart/chart/values.yaml", "size: 0\ncolour: red\n"),
    ("components/chart/chart/files/a.txt", "one\n"),
    (
        "components/chart/chart/templates/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  size: {{ .Values.size | quote }}\n  colour: {{ .Values.colour }}\n  \
         files: {{ .Files.Glob \"files/*\" | toJson | quote }}\n  known: {{ .Capabilities.APIVersions.Has \"x.io/v1\" | quote }}\n",
    ),
    (
        "components/crds/raw/crd.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.x.io}\nspec:\n  group: x.io\n  names: {kind: A, plural: as}\n  scope: Namespaced\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n",
    ),
    ("components/crds/component.yaml", "namespace: b\n"),
    ("components/instance/raw/a.yaml", "apiVersion: x.io/v1\nkind: A\nmetadata:\n  name: a\n"),
    ("components/instance/component.yaml", "namespace: b\n"),
    ("components/jinja/templates/a.yaml.j2", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: j}\ndata: {domain: {{ values.domain }}}\n"),
    ("components/overlay/kustomization.yaml", "namePrefix: p-\nresources: [a.yaml]\nconfigMapGenerator: [{name: g, files: [f.txt]}]\n"),
    ("components/overlay/a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"),
    ("components/overlay/f.txt", "text\n"),
];

/// Changes one after the other; `None` removes the file.
const CHANGES: &[(&str, Option<&str>)] = &[
    ("components/chart/values.yaml", Some("size: 2\n")),
    ("components/chart/dev.yaml", Some("size: 3\n")),
    ("components/chart/dev.yaml", None),
    ("components/chart/chart/files/b.txt", Some("two\n")),
    ("components/chart/chart/files/a.txt", Some("other\n")),
    ("components/chart/chart/files/b.txt", None),
    ("components/chart/chart/.helmignore", Some("files/\n")),
    ("components/chart/chart/templates/b.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\n")),
    ("components/crds/raw/crd.yaml", None),
    ("components/crds/raw/none.yaml", Some("# nothing\n")),
    (
        "components/crds/raw/crd.yaml",
        Some(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: as.x.io}\nspec:\n  group: x.io\n  names: {kind: A, plural: as}\n  scope: Cluster\n  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]\n",
        ),
    ),
    ("environments/dev.yaml", Some("kubernetes: \"1.34\"\nvalues: {domain: example.org}\n")),
    ("components/overlay/f.txt", Some("another text\n")),
    ("components/overlay/a.yaml", Some("apiVersion: v1\nkind: Service\nmetadata: {name: t}\nspec: {ports: [{port: 80}]}\n")),
    ("components/instance/component.yaml", Some("namespace: c\nlayout: manifest\n")),
    ("hydrate.yaml", Some("helm: v3\n")),
    ("components/chart/values.yaml", Some("size: 1\n")),
    ("components/jinja/templates/b.yaml.j2", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: k}\n")),
    ("components/jinja/templates/a.yaml.j2", None),
    ("hydrate.yaml", Some("helm: v4\nlayout: manifest\n")),
];

struct Project {
    root: PathBuf,
    _directory: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let project = Self { root, _directory: directory };
        FILES.iter().for_each(|(path, text)| project.put(path, Some(text)));
        project
    }

    fn put(&self, path: &str, text: Option<&str>) {
        let path = self.root.join(path);
        match text {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            None => fs::remove_file(path).unwrap(),
        }
    }

    /// Runs hydrate and gives its exit code and what it printed.
    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command
            .args(args)
            .current_dir(&self.root)
            .env_clear()
            .env("HYDRATE_CACHE_DIR", self.root.join(".cache"))
            .env("HYDRATE_CACHE_KEY", "k".repeat(32));
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    }

    fn render(&self) {
        let (code, text) = self.run(&["-e", "dev"], &[]);
        assert_eq!(code, 0, "{text}");
    }

    /// Whether the tree is what a run with the cache would write.
    fn assert_in_sync(&self) {
        let (code, text) = self.run(&["check", "-e", "dev"], &[]);
        assert_eq!(code, 0, "{text}");
    }

    /// Whether the tree is what a run without the cache would write.
    fn assert_exact(&self, after: &str) {
        let (code, text) = self.run(&["diff", "-e", "dev", "--no-cache"], &[]);
        assert_eq!(code, 0, "after {after}: {text}");
        let (code, text) = self.run(&["check", "-e", "dev", "--no-cache"], &[]);
        assert_eq!(code, 0, "after {after}: {text}");
    }

    fn entries(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files_below(&self.root.join(".cache/renders"))
    }
}

#[test]
fn every_change_is_seen() {
    let project = Project::new();
    project.render();
    project.assert_exact("the first run");
    for (path, text) in CHANGES {
        project.put(path, *text);
        project.render();
        project.assert_exact(&format!("{path} became {text:?}"));
        project.render();
        project.assert_exact(&format!("{path} became {text:?}, twice"));
    }
    for (path, text) in FILES {
        project.put(path, Some(text));
        project.render();
        project.assert_exact(&format!("{path} is as at first"));
    }
}

#[test]
fn what_does_not_change_is_not_rendered() {
    let project = Project::new();
    project.render();
    // A component that is rendered is written to the cache anew, by a rename.
    let inodes = || project.entries().into_keys().map(|path| fs::metadata(path).unwrap().ino()).collect::<Vec<_>>();
    let before = inodes();
    assert!(before.len() >= 5, "{} entries", before.len());
    project.render();
    assert_eq!(inodes(), before);
    project.put("components/overlay/f.txt", Some("another text\n"));
    project.render();
    let same = inodes().iter().filter(|inode| before.contains(inode)).count();
    assert_eq!(same, before.len() - 1);
}

#[test]
fn spoilt_entries_are_no_entries() {
    let project = Project::new();
    project.render();
    for (nth, (path, mut bytes)) in project.entries().into_iter().enumerate() {
        match nth % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes.clear(),
            _ => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
        }
        fs::write(path, bytes).unwrap();
    }
    project.render();
    project.assert_exact("spoiling the cache");
}

#[test]
fn without_a_place_for_the_cache_nothing_fails() {
    let project = Project::new();
    project.put(".cache", Some("not a directory"));
    project.render();
    project.assert_exact("a run without a cache");
}

#[test]
fn randomness_and_variables_are_not_kept() {
    let project = Project::new();
    let template = |text: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: r}}\ndata: {{r: {text}}}\n");
    let component = fs::read_to_string(project.root.join("components/chart/component.yaml")).unwrap_or_default();
    project.put("components/chart/component.yaml", Some(&format!("random: allow\n{component}")));
    project.put("components/chart/chart/templates/r.yaml", Some(&template("{{ randAlphaNum 20 }}")));
    let read = || fs::read_to_string(project.root.join("manifests/dev/chart/configmap-r.yaml")).unwrap();
    project.render();
    let first = read();
    project.render();
    assert_ne!(read(), first);
    project.put("components/chart/chart/templates/r.yaml", Some(&template("{{ now | date \"05.000000\" | quote }}")));
    project.render();
    let first = read();
    project.render();
    assert_ne!(read(), first);
}

/// A chart that makes a password where none is given, and one that looks at the clock: both ask, and the answers are not in what they give.
#[test]
fn randomness_that_decides_nothing_is_kept_and_the_clock_is_not() {
    let project = Project::new();
    let template = |text: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: r}}\ndata: {{r: {text}}}\n");
    let is_kept = |text: &str| {
        project.put("components/chart/chart/templates/r.yaml", Some(&template(text)));
        project.render();
        let (code, said) = project.run(&["check", "-v"], &[]);
        assert_eq!(code, 0, "{said}");
        said.contains("dev: chart from the cache")
    };
    assert!(is_kept("{{ \"given\" | default (randAlphaNum 20) }}"));
    assert!(!is_kept("{{ if now }}given too{{ end }}"));
    assert!(!is_kept("{{ \"x\" | default (randAlphaNum 20) }}{{ if now }}x{{ end }}"));
    assert!(is_kept("neither"));
}

#[test]
fn old_entries_are_forgotten() {
    let project = Project::new();
    for size in 0..20 {
        project.put("environments/dev.yaml", Some(&format!("values: {{domain: d{size}}}\n")));
        project.render();
    }
    for dir in fs::read_dir(project.root.join(".cache/renders")).unwrap() {
        let count = fs::read_dir(dir.unwrap().path()).unwrap().count();
        assert!(count <= 8, "{count} entries");
    }
}

/// Somebody who can write to the cache, but has not the key: entries with other content, under a digest of it, and entries moved to the
/// place of others.
#[test]
fn what_others_put_into_the_cache_is_not_believed() {
    let project = Project::new();
    project.render();
    for (path, entry) in project.entries() {
        let text = String::from_utf8_lossy(&entry).replace("red", "bad");
        if text.contains("bad") {
            let mut changed = entry.clone();
            let at = entry.windows(3).position(|word| word == b"red").unwrap();
            changed[at..at + 3].copy_from_slice(b"bad");
            let digest = *blake3::hash(&changed[32..]).as_bytes();
            changed[..32].copy_from_slice(&digest);
            fs::write(path, changed).unwrap();
        }
    }
    project.assert_in_sync();
    let before = project.entries();
    project.put("environments/dev.yaml", Some("kubernetes: \"1.33\"\nvalues: {domain: example.org}\n"));
    project.render();
    for (new, _) in project.entries().iter().filter(|(path, _)| !before.contains_key(*path)) {
        let old = before.keys().find(|old| old.parent() == new.parent()).unwrap();
        fs::copy(old, new).unwrap();
    }
    project.assert_in_sync();
    project.assert_exact("entries were moved");
}

#[test]
fn without_a_lasting_key_nothing_is_kept_and_with_another_nothing_is_found() {
    let project = Project::new();
    let (code, text) = project.run(&["-e", "dev"], &[("HYDRATE_CACHE_KEY", "")]);
    assert_eq!((code, project.entries().len()), (0, 0), "{text}");
    project.render();
    let before = project.entries();
    let (code, text) = project.run(&["check", "-e", "dev"], &[("HYDRATE_CACHE_KEY", &"z".repeat(32))]);
    assert_eq!(code, 0, "{text}");
    // What checking gave is new.
    assert!(project.entries().iter().all(|(path, entry)| before.get(path).is_none_or(|before| before[..32] != entry[..32])));
    let (code, text) = project.run(&["-e", "dev"], &[("HYDRATE_CACHE_KEY", "short")]);
    assert!(code == 0 && text.contains("too short") && text.contains("everything is rendered anew"), "{text}");
}

/// What was found to be sound is not looked at again, and what is said is the same as without a cache: after changes of the objects, of what they are held
/// to, and of how bad it is.
#[test]
fn what_is_said_of_objects_does_not_depend_on_the_cache() {
    let project = Project::new();
    let schema = |kind: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: as.x.io}}\nspec:\n  group: x.io\n  names: {{kind: A, plural: as}}\n  scope: Namespaced\n  \
             versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, properties: {{size: {{type: {kind}}}}}}}}}}}]\n"
        )
    };
    let instance = |size: &str| format!("apiVersion: x.io/v1\nkind: A\nmetadata:\n  name: a\nsize: {size}\n");
    let changes = [
        ("components/crds/raw/crd.yaml", schema("integer")),
        ("components/instance/raw/a.yaml", instance("1")),
        ("components/instance/raw/a.yaml", instance("one")),
        ("components/crds/raw/crd.yaml", schema("string")),
        (
            "components/overlay/a.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, unknown: 1}]}\n".to_owned(),
        ),
        ("components/overlay/component.yaml", "checks: {unknown-field: warning}\n".to_owned()),
        ("hydrate.yaml", "checks: {unknown-field: off}\n".to_owned()),
        ("components/overlay/component.yaml", "namespace: a\n".to_owned()),
        ("hydrate.yaml", "helm: v4\n".to_owned()),
        ("components/instance/raw/a.yaml", instance("2")),
    ];
    let said = |args: &[&str]| {
        let (code, text) = project.run(&[&["check", "-e", "dev", "--format", "json", "-q"], args].concat(), &[]);
        (code, text.lines().filter(|line| !line.contains("\"milliseconds\"")).collect::<Vec<_>>().join("\n"))
    };
    let mut different = std::collections::BTreeSet::new();
    for (path, text) in &changes {
        project.put(path, Some(text));
        project.render();
        let exact = said(&["--no-cache"]);
        assert_eq!(said(&[]), exact, "{path}");
        assert_eq!(said(&[]), exact, "{path}, again");
        for (path, mut bytes) in project.entries() {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            fs::write(path, bytes).unwrap();
        }
        assert_eq!(said(&[]), exact, "{path}, with a spoilt cache");
        different.insert(exact);
    }
    assert!(different.len() >= 6, "only {} different answers", different.len());
}

#[test]
fn warnings_are_said_again_by_runs_that_render_nothing() {
    let project = Project::new();
    project.put("components/chart/chart/Chart.yaml", Some("apiVersion: v2\nname: c\nversion: 1.0.0\ndeprecated: true\n"));
    let (code, first) = project.run(&["-e", "dev"], &[]);
    assert_eq!(code, 0, "{first}");
    let warning = "warning: WARNING: This chart is deprecated\n |\n = note: component chart, environment dev\n";
    assert!(first.contains(warning), "{first}");
    let (code, second) = project.run(&["-e", "dev", "-v"], &[]);
    assert_eq!(code, 0, "{second}");
    assert!(second.contains("dev: chart from the cache") && second.contains(warning), "{second}");
}
