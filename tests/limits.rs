//! What takes time or memory without end is stopped with an error that says what it was and how to allow more, whatever
//! engine does it, and nothing is written.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A build without optimisation is slow, and many tests run at once.
const PATIENCE: Duration = Duration::from_secs(60);

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn project(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().expect("a scratch directory");
    for (name, text) in [("environments/dev.yaml", "{}\n")].iter().chain(files) {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    directory
}

fn hydrate(directory: &Path, arguments: &[&str]) -> Output {
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_hydrate"))
        .args(arguments)
        .current_dir(directory)
        .env("HYDRATE_CACHE_DIR", directory.join(".cache"))
        .env_remove("CI")
        .output()
        .expect("hydrate runs");
    let took = start.elapsed();
    assert!(took < PATIENCE, "{arguments:?} took {took:?}");
    output
}

/// Runs what is to be stopped, and gives what was said about it.
fn stopped(directory: &TempDir, arguments: &[&str]) -> String {
    let output = hydrate(directory.path(), arguments);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty() && !directory.path().join("manifests").exists(), "{said}");
    said
}

fn jinja(template: &str) -> TempDir {
    let component = ("components/a/component.yaml", "sources: [{jinja: templates}]\n");
    project(&[component, ("components/a/templates/a.yaml.j2", &format!("{template}\n{CONFIG_MAP}"))])
}

fn chart(template: &str) -> TempDir {
    project(&[
        ("components/a/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("components/a/chart/templates/a.yaml", template),
    ])
}

#[test]
fn a_text_that_doubles_takes_no_more_memory_than_it_may() {
    let text = "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(64) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}# {{ ns.s }}";
    let said = stopped(&jinja(text), &["-e", "dev", "--max-memory", "400Mi", "--max-time", "1m"]);
    assert!(said.contains("rendering component a of dev took more than 400Mi of memory"), "{said}");
    assert!(said.contains("--max-memory 800Mi"), "{said}");
}

#[test]
fn filters_that_take_long_are_stopped() {
    let text = "{% set l = range(99999)|list %}{% for a in range(99999) %}{% set x = l|sort|join(',')|sha256 %}{% endfor %}";
    for command in [&["-e", "dev"][..], &["check", "-e", "dev"], &["diff", "-e", "dev"]] {
        let said = stopped(&jinja(text), &[command, &["--max-time", "200ms"]].concat());
        assert!(said.contains("rendering component a of dev took more than 200ms"), "{said}");
        assert!(said.contains("--max-time 800ms"), "{said}");
    }
}

#[test]
fn a_template_that_makes_keys_for_ever_ends_at_its_place() {
    let text = "{{ range until 100000 }}{{ $key := genPrivateKey \"ecdsa\" }}{{ end }}";
    let said = stopped(&chart(text), &["-e", "dev", "--max-time", "300ms"]);
    assert!(said.contains("templates/a.yaml:1:") && said.contains("execution takes more than 300ms"), "{said}");
    assert!(said.contains("--max-time 1200ms"), "{said}");
}

#[test]
fn steps_and_bytes_are_limited_in_a_project_as_in_helm_template() {
    let said = stopped(&chart("{{ range until 100000 }}x{{ end }}"), &["-e", "dev", "--max-steps", "1000"]);
    assert!(said.contains("execution exceeds 1000 steps") && said.contains("--max-steps 10000"), "{said}");
    let said = stopped(&chart("{{ range until 100000 }}x{{ end }}"), &["-e", "dev", "--max-output", "1000"]);
    assert!(said.contains("output exceeds 1000 bytes") && said.contains("--max-output 4000"), "{said}");
}

#[test]
fn a_patch_that_copies_what_it_patches_into_itself_is_stopped() {
    let patch: String = (0..64).map(|at| format!("- {{op: copy, from: /data, path: /data/copy{at}}}\n")).collect();
    let directory = project(&[
        ("a/kustomization.yaml", "resources: [a.yaml]\npatches: [{path: patch.yaml, target: {kind: ConfigMap}}]\n"),
        ("a/a.yaml", &format!("{CONFIG_MAP}data: {{a: b}}\n")),
        ("a/patch.yaml", &patch),
    ]);
    let said = stopped(&directory, &["kustomize", "build", "a", "--max-memory", "400Mi", "--max-time", "1m"]);
    assert!(said.contains("copy") || said.contains("rendering the kustomization took more than 400Mi of memory"), "{said}");
}

#[test]
fn kustomizations_that_nest_deeper_than_the_stack_are_refused() {
    let chain = |depth: usize| {
        let text = |at: usize| {
            if at < depth { format!("resources: [../x{}]\nnamePrefix: a\n", at + 1) } else { "resources: [a.yaml]\n".to_owned() }
        };
        let files: Vec<(String, String)> = (0..=depth).map(|at| (format!("x{at}/kustomization.yaml"), text(at))).collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let resource = (format!("x{depth}/a.yaml"), CONFIG_MAP);
        files.push((&resource.0, resource.1));
        project(&files)
    };
    let said = stopped(&chain(2000), &["kustomize", "build", "x0"]);
    assert!(said.contains("kustomizations nest deeper than 200 directories"), "{said}");
    let output = hydrate(chain(190).path(), &["kustomize", "build", "x0"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn limits_that_are_none_are_refused() {
    for limit in ["--max-memory=0", "--max-memory=lots", "--max-time=0s", "--max-time=5", "--max-steps=-1", "--max-output=x"] {
        let output = hydrate(chart("x: 1").path(), &["-e", "dev", limit]);
        assert_eq!(output.status.code(), Some(1), "{limit}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(limit.split('=').next().unwrap_or(limit)), "{limit}");
    }
}

#[test]
fn what_ends_is_not_stopped() {
    let directory = jinja("{% for a in range(200) %}# {{ a }}\n{% endfor %}");
    let output = hydrate(directory.path(), &["-e", "dev", "--max-memory", "2Gi", "--max-time", "1m"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(directory.path().join("manifests/dev/a").exists());
}

/// Work in proportion to what there is takes a second or two of each of these; as much as its square would take minutes.
#[test]
fn many_objects_and_many_keys_take_time_in_proportion() {
    let config_map =
        |at: usize, name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: n{at}}}\n---\n");
    let documents: String = (0..50_000).map(|at| config_map(at, &format!("c{at}"))).collect();
    let same_name: String = (0..30_000).map(|at| config_map(at, "same")).collect();
    let literals: Vec<String> = (0..100_000).map(|at| format!("k{at}=v")).collect();
    let generator = format!("configMapGenerator:\n- {{name: a, literals: [{}]}}\n", literals.join(","));
    for (file, text) in [("raw/a.yaml", &documents), ("raw/a.yaml", &same_name), ("kustomization.yaml", &generator)] {
        let directory = project(&[(&format!("components/a/{file}"), text.as_str())]);
        let output = hydrate(directory.path(), &["check", "-e", "dev", "--max-time", "50s"]);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
