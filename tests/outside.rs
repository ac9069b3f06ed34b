//! Nothing outside of the project is read: every place of a project, chart or kustomization that is a file, and every way of leading
//! such a file out.
//!
//! What must not be read holds a word that nothing else holds. It must be in no output, manifest or cache afterwards. That each
//! place would show the word is seen with an ordinary file first.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The word.
const WORD: &str = "kept-9f3a71";

/// No run may take longer, whatever it is led to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file that something reads.
struct Place {
    /// The files around it; `@` is the word.
    files: &'static [(&'static str, &'static str)],
    /// The file itself.
    path: &'static str,
    text: &'static str,
    /// Whether an ordinary file there brings the word into the output.
    shows: bool,
}

const fn place(path: &'static str, text: &'static str, files: &'static [(&'static str, &'static str)]) -> Place {
    Place { files, path, text, shows: true }
}

const fn silent(path: &'static str, text: &'static str, files: &'static [(&'static str, &'static str)]) -> Place {
    Place { files, path, text, shows: false }
}

const CM: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: @\n";
const ENV: (&str, &str) = ("environments/dev.yaml", "{}\n");
const CHART: (&str, &str) = ("components/a/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
const SHOWN: (&str, &str) = (
    "components/a/chart/templates/shown.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata:\n  v: {{ .Values.v | quote }}\n  f: {{ .Files.Get \"files/f.txt\" | quote }}\n",
);
const JINJA: (&str, &str) =
    ("components/a/templates/t.yaml.j2", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: j}\ndata: {v: \"{{ values.v }}\"}\n");

const PROJECT: &[Place] = &[
    place("hydrate.yaml", "@: 1\n", &[ENV]),
    place("environments/dev.yaml", "@: 1\n", &[]),
    place("hydrate.lock", "[@]\n", &[ENV]),
    place("components/a/component.yaml", "@: 1\n", &[ENV]),
    place("components/a/raw/x.yaml", CM, &[ENV]),
    place("components/a/raw/deep/x.yml", CM, &[ENV]),
    place("components/a/raw/y.json", "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"@\"}}", &[ENV]),
    place("components/a/templates/x.yaml.j2", CM, &[ENV]),
    place(
        "components/a/templates/_part.j2",
        "name: @",
        &[ENV, ("components/a/templates/x.yaml.j2", "apiVersion: v1\nkind: A\nmetadata: { {% include '_part.j2' %} }\n")],
    ),
    place("components/a/values.yaml", "v: @\n", &[ENV, JINJA]),
    place("components/a/dev/values.yaml", "v: @\n", &[ENV, CHART, SHOWN]),
    place("components/a/values.yaml.gotmpl", "v: @\n", &[ENV, CHART, SHOWN]),
    place("components/a/values.yaml.j2", "v: @\n", &[ENV, CHART, SHOWN]),
    place("components/a/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: \"@\"\n", &[ENV, SHOWN]),
    place("components/a/chart/values.yaml", "v: @\n", &[ENV, CHART, SHOWN]),
    place("components/a/chart/templates/x.yaml", CM, &[ENV, CHART]),
    place(
        "components/a/chart/templates/_h.tpl",
        "{{ define \"h\" }}@{{ end }}",
        &[ENV, CHART, ("components/a/chart/templates/x.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: {{ include \"h\" . }}}\n")],
    ),
    place("components/a/chart/files/f.txt", "@", &[ENV, CHART, SHOWN]),
    place("components/a/chart/crds/x.yaml", CM, &[ENV, CHART]),
    place(
        "components/a/chart/charts/sub/templates/x.yaml",
        CM,
        &[ENV, CHART, ("components/a/chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n")],
    ),
    place("components/a/chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: \"@\"\n", &[ENV, CHART]),
    silent("components/a/chart/values.schema.json", "{\"description\": \"@\"}", &[ENV, CHART, SHOWN]),
    silent("components/a/chart/.helmignore", "@\n", &[ENV, CHART, SHOWN]),
    place(
        "components/a/dep/templates/x.yaml",
        CM,
        &[
            ENV,
            ("components/a/dep/Chart.yaml", "apiVersion: v2\nname: dep\nversion: 1.0.0\n"),
            (
                "components/a/chart/Chart.yaml",
                "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: dep, version: 1.0.0, repository: \"file://../dep\"}]\n",
            ),
        ],
    ),
    place(
        "components/a/kustomization.yaml",
        "resources: [x.yaml]\nnamePrefix: @-\n",
        &[ENV, ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")],
    ),
    place("components/a/x.yaml", CM, &[ENV, ("components/a/kustomization.yaml", "resources: [x.yaml]\n")]),
    place(
        "components/a/base/x.yaml",
        CM,
        &[
            ENV,
            ("components/a/kustomization.yaml", "resources: [base]\n"),
            ("components/a/base/kustomization.yaml", "resources: [x.yaml]\n"),
        ],
    ),
    place(
        "components/a/base/kustomization.yaml",
        "configMapGenerator: [{name: g, literals: [\"v=@\"]}]\n",
        &[ENV, ("components/a/kustomization.yaml", "resources: [base]\n")],
    ),
    place(
        "components/a/part/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator: [{name: g, literals: [\"v=@\"]}]\n",
        &[ENV, ("components/a/kustomization.yaml", "components: [part]\n")],
    ),
    place("components/a/f.txt", "@", &[ENV, ("components/a/kustomization.yaml", "configMapGenerator: [{name: g, files: [f.txt]}]\n")]),
    place("components/a/e.env", "V=@\n", &[ENV, ("components/a/kustomization.yaml", "configMapGenerator: [{name: g, envs: [e.env]}]\n")]),
    place(
        "components/a/p.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: \"@\"}\n",
        &[
            ENV,
            ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/kustomization.yaml", "resources: [x.yaml]\npatches: [{path: p.yaml}]\n"),
        ],
    ),
    place(
        "components/a/q.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: \"@\"}\n",
        &[
            ENV,
            ("components/a/raw/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/component.yaml", "sources: [{raw: raw}]\npatches: [{path: q.yaml}]\n"),
        ],
    ),
    place(
        "components/a/t.yaml",
        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: t}\nprefix: @-\nfieldSpecs: [{path: metadata/name}]\n",
        &[
            ENV,
            ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/kustomization.yaml", "resources: [x.yaml]\ntransformers: [t.yaml]\n"),
        ],
    ),
    place(
        "components/a/conf.yaml",
        "@: [\n",
        &[
            ENV,
            ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/kustomization.yaml", "resources: [x.yaml]\nconfigurations: [conf.yaml]\n"),
        ],
    ),
    silent(
        "components/a/openapi.json",
        "{\"definitions\": {\"@\": {}}}",
        &[
            ENV,
            ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/kustomization.yaml", "resources: [x.yaml]\nopenapi: {path: openapi.json}\n"),
        ],
    ),
    silent(
        "components/a/crd.json",
        "{\"@\": {}}",
        &[
            ENV,
            ("components/a/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"),
            ("components/a/kustomization.yaml", "resources: [x.yaml]\ncrds: [crd.json]\n"),
        ],
    ),
    place(
        "components/a/hv.yaml",
        "v: @\n",
        &[
            ENV,
            ("components/a/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("components/a/charts/c/values.yaml", "{}\n"),
            (
                "components/a/charts/c/templates/x.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {v: {{ .Values.v | quote }}}\n",
            ),
            ("components/a/kustomization.yaml", "helmCharts: [{name: c, releaseName: r, valuesFile: hv.yaml}]\n"),
        ],
    ),
    place(
        "components/a/charts/c/templates/x.yaml",
        CM,
        &[
            ENV,
            ("components/a/charts/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("components/a/charts/c/values.yaml", "{}\n"),
            ("components/a/kustomization.yaml", "helmCharts: [{name: c, releaseName: r}]\n"),
        ],
    ),
];

const DROP_IN: &[Place] = &[
    place("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: \"@\"\n", &[("c/templates/x.yaml", "a: 1\n")]),
    place(
        "c/values.yaml",
        "v: @\n",
        &[("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("c/templates/x.yaml", "v: {{ .Values.v }}\n")],
    ),
    place(
        "c/templates/y.yaml",
        "v: @\n",
        &[("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("c/templates/x.yaml", "a: 1\n")],
    ),
    place(
        "c/files/f",
        "@",
        &[("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("c/templates/x.yaml", "v: {{ .Files.Get \"files/f\" }}\n")],
    ),
    place(
        "c/charts/s/templates/y.yaml",
        "v: @\n",
        &[
            ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("c/charts/s/Chart.yaml", "apiVersion: v2\nname: s\nversion: 1.0.0\n"),
        ],
    ),
    place("k/x.yaml", CM, &[("k/kustomization.yaml", "resources: [x.yaml]\n")]),
    place("k/b/x.yaml", CM, &[("k/kustomization.yaml", "resources: [b]\n"), ("k/b/kustomization.yaml", "resources: [x.yaml]\n")]),
    place("k/f", "@", &[("k/kustomization.yaml", "configMapGenerator: [{name: g, files: [f]}]\n")]),
    place("k/kustomization.yaml", "configMapGenerator: [{name: g, literals: [\"v=@\"]}]\n", &[("k/z.yaml", "")]),
];

/// How a path leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Relative,
    Absolute,
    Chain,
    UpAndDown,
    Directory,
    Environment,
    OtherProcess,
    Descriptor,
    Input,
    Pipe,
    Git,
    GitInCapitals,
    GitByDirectory,
    SeparateGit,
    Submodule,
}

const WAYS: &[Way] = &[
    Way::Relative,
    Way::Absolute,
    Way::Chain,
    Way::UpAndDown,
    Way::Directory,
    Way::Environment,
    Way::OtherProcess,
    Way::Descriptor,
    Way::Input,
    Way::Pipe,
    Way::Git,
    Way::GitInCapitals,
    Way::GitByDirectory,
    Way::SeparateGit,
    Way::Submodule,
];

struct Scene {
    home: tempfile::TempDir,
}

impl Scene {
    fn new(place: &Place, way: Way, git: bool) -> Self {
        let scene = Self { home: tempfile::tempdir().unwrap() };
        fs::create_dir_all(scene.root().join("components")).unwrap();
        fs::create_dir_all(scene.root().join("environments")).unwrap();
        for (path, text) in place.files {
            scene.put(&scene.root().join(path), text);
        }
        if git || matches!(way, Way::Git | Way::GitInCapitals | Way::GitByDirectory | Way::Submodule) {
            scene.repository(&scene.root().join(".git"), place);
        }
        scene.lead(place, way);
        scene
    }

    fn root(&self) -> PathBuf {
        self.home.path().canonicalize().unwrap().join("project")
    }

    fn put(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace('@', WORD)).unwrap();
    }

    /// A Git directory in which `config` and a file of any name would be useful.
    fn repository(&self, directory: &Path, place: &Place) {
        for name in ["objects", "refs/heads"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        self.put(&directory.join("HEAD"), "ref: refs/heads/main\n");
        self.put(&directory.join("config"), place.text);
        self.put(&directory.join("logs/HEAD"), place.text);
        self.put(&directory.join("payload"), place.text);
    }

    fn lead(&self, place: &Place, way: Way) {
        let at = self.root().join(place.path);
        let parent = at.parent().unwrap().to_owned();
        fs::create_dir_all(&parent).unwrap();
        let outside = self.home.path().canonicalize().unwrap().join("outside");
        let target = outside.join(at.file_name().unwrap());
        self.put(&target, place.text);
        let up = "../".repeat(parent.strip_prefix(self.root()).unwrap().components().count());
        let name = at.file_name().unwrap().to_string_lossy().into_owned();
        match way {
            Way::Plain => self.put(&at, place.text),
            Way::Relative => symlink(format!("{up}../outside/{name}"), &at).unwrap(),
            Way::Absolute => symlink(&target, &at).unwrap(),
            Way::Chain => {
                symlink(&target, self.root().join("last")).unwrap();
                symlink("last", self.root().join("first")).unwrap();
                symlink(format!("{up}first"), &at).unwrap();
            }
            Way::UpAndDown => symlink(format!("{up}../project/../outside/./{name}"), &at).unwrap(),
            Way::Directory => {
                // Everything beside it is there too.
                for entry in fs::read_dir(&parent).unwrap().flatten() {
                    fs::rename(entry.path(), outside.join(entry.file_name())).unwrap();
                }
                fs::remove_dir(&parent).unwrap();
                symlink(&outside, &parent).unwrap();
            }
            Way::Environment => symlink("/proc/self/environ", &at).unwrap(),
            Way::OtherProcess => symlink(format!("/proc/{}/environ", std::process::id()), &at).unwrap(),
            Way::Descriptor => symlink(format!("/proc/self/root{}", target.display()), &at).unwrap(),
            Way::Input => symlink("/dev/stdin", &at).unwrap(),
            Way::Pipe => assert!(Command::new("mkfifo").arg(&at).status().unwrap().success()),
            Way::Git => symlink(format!("{up}.git/payload"), &at).unwrap(),
            Way::GitInCapitals => {
                // As a file system that knows no capitals would show it.
                fs::rename(self.root().join(".git"), self.root().join(".GIT")).unwrap();
                symlink(format!("{up}.GIT/config"), &at).unwrap();
            }
            Way::GitByDirectory => {
                symlink(".git", self.root().join("meta")).unwrap();
                symlink(format!("{up}meta/payload"), &at).unwrap();
            }
            Way::SeparateGit => {
                self.repository(&self.root().join("meta"), place);
                self.put(&self.root().join(".git"), "gitdir: meta\n");
                symlink(format!("{up}meta/config"), &at).unwrap();
            }
            Way::Submodule => {
                self.repository(&self.root().join("sub/.git"), place);
                symlink(format!("{up}sub/.git/config"), &at).unwrap();
            }
        }
    }

    /// Runs hydrate, and gives all that it said.
    fn run(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command.args(args).current_dir(self.root()).env("HOME", self.home.path()).env("HYDRATE_CACHE_DIR", self.home.path().join("cache"));
        command.env("XDG_CONFIG_HOME", self.home.path()).env("WORD", WORD).env_remove("CI");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The input stays open: who reads to its end waits for ever.
        let mut input = child.stdin.take().unwrap();
        let _ = input.write_all(WORD.as_bytes());
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{args:?} does not end");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let output = child.wait_with_output().unwrap();
        drop(input);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(!text.contains("panicked"), "{text}");
        text
    }

    /// Where the word is in what was written.
    fn written(&self) -> Option<PathBuf> {
        let places = [self.root().join("manifests"), self.root().join("clusters"), self.home.path().join("cache")];
        let files = places.iter().flat_map(|place| walkdir::WalkDir::new(place).into_iter().flatten());
        let holds = |path: &Path| fs::read(path).is_ok_and(|text| memchr::memmem::find(&text, WORD.as_bytes()).is_some());
        files.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).find(|path| holds(path))
    }
}

/// Runs each case on whichever thread is free.
fn each<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(case)
                }
            });
        }
    });
}

const COMMANDS: &[&[&str]] = &[&["-e", "dev"], &["check", "-e", "dev", "--references"]];
const OTHERS: &[&[&str]] = &[&["diff", "-e", "dev"], &["list"], &["values", "a", "-e", "dev"], &["lock"], &["graph", "-e", "dev"]];

fn project_case(place: &Place, way: Way) {
    let scene = Scene::new(place, way, false);
    // The rest reads the same files: one way for each is enough.
    let others = if matches!(way, Way::Absolute | Way::Input) { OTHERS } else { &[] };
    for args in COMMANDS.iter().chain(others) {
        let said = scene.run(args);
        assert!(!said.contains(WORD), "{} by way of {way:?}: {args:?}\n{said}", place.path);
    }
    let written = scene.written();
    assert!(written.is_none(), "{} by way of {way:?}: {}", place.path, written.unwrap().display());
}

/// Directory links of the root and of places whose directory holds nothing else say nothing.
fn applies(place: &Place, way: Way) -> bool {
    let parent = Path::new(place.path).parent().unwrap();
    way != Way::Directory || !parent.as_os_str().is_empty()
}

#[test]
fn an_ordinary_file_shows_the_word() {
    let shown: Vec<&Place> = PROJECT.iter().filter(|place| place.shows).collect();
    each(&shown, |place| {
        let scene = Scene::new(place, Way::Plain, false);
        let said = scene.run(&["-e", "dev"]);
        assert!(said.contains(WORD) || scene.written().is_some(), "{}\n{said}", place.path);
    });
}

#[test]
fn nothing_leads_out_of_a_project() {
    let cases: Vec<(&Place, Way)> = PROJECT.iter().flat_map(|place| WAYS.iter().map(move |way| (place, *way))).collect();
    each(&cases, |(place, way)| {
        if applies(place, *way) {
            project_case(place, *way);
        }
    });
}

#[test]
fn nothing_leads_out_of_a_chart_or_kustomization() {
    let cases: Vec<(&Place, Way, bool)> =
        DROP_IN.iter().flat_map(|place| WAYS.iter().flat_map(move |way| [(place, *way, false), (place, *way, true)])).collect();
    each(&cases, |(place, way, git)| {
        let separate = matches!(way, Way::SeparateGit) && *git;
        if !applies(place, *way) || separate || place.path.matches('/').count() < 2 && *way == Way::Directory {
            return;
        }
        let scene = Scene::new(place, *way, *git);
        let said =
            if place.path.starts_with("c/") { scene.run(&["helm", "template", "c"]) } else { scene.run(&["kustomize", "build", "k"]) };
        assert!(!said.contains(WORD), "{} by way of {way:?}, git {git}\n{said}", place.path);
    });
}

#[test]
fn links_that_stay_inside_are_followed() {
    for (place, args) in DROP_IN.iter().map(|place| {
        let args: &[&str] = if place.path.starts_with("c/") { &["helm", "template", "c"] } else { &["kustomize", "build", "k"] };
        (place, args)
    }) {
        for absolute in [false, true] {
            let scene = Scene::new(place, Way::Plain, false);
            let at = scene.root().join(place.path);
            let beside = at.with_file_name("beside.txt");
            fs::rename(&at, &beside).unwrap();
            if absolute {
                symlink(&beside, &at).unwrap()
            } else {
                symlink("beside.txt", &at).unwrap()
            }
            let said = scene.run(args);
            assert!(said.contains(WORD), "{}\n{said}", place.path);
        }
    }
}

#[test]
fn a_flag_allows_links_out_of_a_chart_and_quotes_nothing() {
    let scene = Scene::new(&DROP_IN[2], Way::Absolute, false);
    assert!(scene.run(&["helm", "template", "c"]).contains("--allow-outside"));
    assert!(scene.run(&["helm", "template", "c", "--allow-outside"]).contains(WORD));
    let broken = place("c/values.yaml", "v: [@\n", DROP_IN[1].files);
    let scene = Scene::new(&broken, Way::Absolute, false);
    let said = scene.run(&["helm", "template", "c", "--allow-outside"]);
    assert!(said.contains("rror") && !said.contains(WORD), "{said}");
    // A file that the command line names is read wherever it leads, and then not quoted.
    let scene = Scene::new(&place("c/unused", "", DROP_IN[1].files), Way::Plain, true);
    symlink("/proc/self/environ", scene.root().join("v.yaml")).unwrap();
    let said = scene.run(&["helm", "template", "c", "-f", "v.yaml"]);
    assert!(said.contains("rror") && !said.contains(WORD), "{said}");
}

#[test]
fn what_a_shell_passes_is_read() {
    let scene = Scene::new(&DROP_IN[1], Way::Plain, true);
    for line in ["-f <(echo 'v: passed')", "--set-file v=<(echo passed)", "-f /dev/stdin <<< 'v: passed'"] {
        let line = format!("{} helm template c {line}", env!("CARGO_BIN_EXE_hydrate"));
        let output = Command::new("bash").args(["-c", &line]).current_dir(scene.root()).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("v: passed"), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Paths as files write them.
const WRITTEN: &[(&[(&str, &str)], &str, &str)] = &[
    (&[ENV], "components/a/component.yaml", "sources: [{raw: \"%\"}]\n"),
    (&[ENV], "components/a/component.yaml", "sources: [{jinja: \"%\"}]\n"),
    (&[ENV], "components/a/component.yaml", "sources: [{helm: {chart: \"%\"}}]\n"),
    (&[ENV], "components/a/component.yaml", "sources: [{kustomize: \"%\"}]\n"),
    (&[ENV, CHART, SHOWN], "components/a/component.yaml", "sources: [{helm: {chart: chart, values: [\"%\"]}}]\n"),
    (&[ENV, JINJA], "components/a/component.yaml", "sources: [{jinja: {path: templates, values: [\"%\"]}}]\n"),
    (&[ENV], "components/a/kustomization.yaml", "resources: [\"%\"]\n"),
    (&[ENV], "components/a/kustomization.yaml", "components: [\"%\"]\n"),
    (&[ENV], "components/a/kustomization.yaml", "configMapGenerator: [{name: g, files: [\"k=%\"], envs: [\"%\"]}]\n"),
    (&[ENV], "components/a/kustomization.yaml", "openapi: {path: \"%\"}\nconfigurations: [\"%\"]\ncrds: [\"%\"]\n"),
    (&[ENV], "components/a/kustomization.yaml", "helmGlobals: {chartHome: \"%\"}\nhelmCharts: [{name: c, releaseName: r}]\n"),
    (&[ENV], "components/a/kustomization.yaml", "helmCharts: [{name: c, releaseName: r, valuesFile: \"%\"}]\n"),
    (
        &[ENV],
        "components/a/chart/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: c, version: 1.0.0, repository: \"file://%\"}]\n",
    ),
    (&[ENV], "components/a/component.yaml", "sources: [{helm: {chart: \"git+file://%\"}}]\n"),
    (&[ENV], "hydrate.yaml", "components: \"%\"\nenvironments: environments\n"),
    (&[ENV], "hydrate.yaml", "keyring: \"%\"\n"),
];

#[test]
fn no_path_that_a_file_writes_leads_out() {
    let mut cases = Vec::new();
    for written in WRITTEN {
        for way in
            ["../../../outside", "../../../outside/x.yaml", "/", "/x.yaml", "../../.git", "../../.git/x.yaml", "b/../../../.GIT/x.yaml"]
        {
            cases.push((written, way));
        }
    }
    each(&cases, |((files, path, text), way)| {
        let scene = Scene::new(&Place { files, path: "unused", text: "", shows: false }, Way::Plain, true);
        let home = scene.home.path().canonicalize().unwrap();
        for directory in [home.join("outside"), scene.root().join(".git"), scene.root().join(".GIT")] {
            scene.put(&directory.join("x.yaml"), CM);
            scene.put(&directory.join("x.yaml.j2"), CM);
            scene.put(&directory.join("Chart.yaml"), CHART.1);
            scene.put(&directory.join("templates/x.yaml"), CM);
            scene.put(&directory.join("c/Chart.yaml"), CHART.1);
            scene.put(&directory.join("c/templates/x.yaml"), CM);
            scene.put(&directory.join("kustomization.yaml"), "resources: [x.yaml]\n");
        }
        fs::create_dir_all(scene.root().join("components/a/b")).unwrap();
        let way = way.strip_prefix('/').map_or_else(|| (*way).to_owned(), |rest| format!("{}/outside/{rest}", home.display()));
        scene.put(&scene.root().join(path), &text.replace('%', &way));
        for args in COMMANDS.iter().chain(OTHERS) {
            let said = scene.run(args);
            assert!(!said.contains(WORD), "{path}: {way}: {args:?}\n{said}");
        }
        let found = scene.written();
        assert!(found.is_none(), "{path}: {way}: {}", found.unwrap().display());
    });
}

#[test]
fn a_repository_of_this_machine_is_taken_by_lock_alone() {
    for address in ["git+file://%/outside", "git+https://charts.example.test/outside"] {
        let scene = Scene::new(&place("hydrate.yaml", "helm: v4\n", &[ENV]), Way::Plain, false);
        let home = scene.home.path().canonicalize().unwrap().display().to_string();
        scene.put(&scene.root().join("hydrate.yaml"), &format!("mirrors: {{\"https://charts.example.test\": \"file://{home}\"}}\n"));
        let source = format!("sources: [{{helm: {{chart: \"{}//c?ref=main\"}}}}]\n", address.replace('%', &home));
        scene.put(&scene.root().join("components/a/component.yaml"), &source);
        scene.put(&scene.home.path().join("outside/c/Chart.yaml"), CHART.1);
        scene.put(&scene.home.path().join("outside/c/templates/x.yaml"), CM);
        for args in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-qm", "one"]] {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            let git = Command::new("git").arg("-C").arg(scene.home.path().join("outside")).args(identity).args(args).status().unwrap();
            assert!(git.success());
        }
        for args in COMMANDS {
            let said = scene.run(args);
            assert!(said.contains("hydrate.lock") && !said.contains(WORD), "{said}");
        }
        assert!(scene.written().is_none());
        scene.run(&["lock"]);
        scene.run(&["-e", "dev"]);
        assert!(scene.written().is_some());
    }
}

#[test]
fn templates_see_the_variables_that_the_caller_names() {
    let values = place("components/a/values.yaml.gotmpl", "v: {{ env \"WORD\" }}\n", &[ENV, CHART, SHOWN]);
    let scene = Scene::new(&values, Way::Plain, false);
    let said = scene.run(&["-e", "dev"]);
    assert!(said.contains("`WORD`") && said.contains("--template-env WORD") && !said.contains(WORD), "{said}");
    assert!(scene.written().is_none());
    scene.run(&["-e", "dev", "--template-env", "WORD"]);
    assert!(scene.written().is_some());
    // What was rendered with it is nothing for a run that does not name it.
    let said = scene.run(&["check", "-e", "dev"]);
    assert!(said.contains("--template-env WORD"), "{said}");
    // The user's own configuration names it too; one in the project does not.
    scene.put(&scene.home.path().join("hydrate/config.yaml"), "templateEnv: [WORD]\n");
    assert!(!scene.run(&["check", "-e", "dev"]).contains("--template-env"));
    fs::create_dir_all(scene.root().join("hydrate")).unwrap();
    fs::rename(scene.home.path().join("hydrate/config.yaml"), scene.root().join("hydrate/config.yaml")).unwrap();
    symlink(scene.root().join("hydrate/config.yaml"), scene.home.path().join("hydrate/config.yaml")).unwrap();
    let said = scene.run(&["check", "-e", "dev"]);
    assert!(said.contains("lies in the project"), "{said}");
}
