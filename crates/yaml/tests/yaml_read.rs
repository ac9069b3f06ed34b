//! Reading YAML, held against what Go's libraries answer.
//!
//! The fixtures in `tests/yaml/*.yaml` have their answers beside them in `*.json`, recorded from Go by
//! `tests/conformance/yaml-probe`. Three tests do more when the environment says where things are:
//!
//! - `HYDRATE_YAML_PROBE` (the built probe): `fuzz` compares random texts, `HYDRATE_FUZZ_TEXTS` of them; with
//!   `HYDRATE_RECORD=1` the fixtures' answers and those of the suite are recorded anew.
//! - `HYDRATE_YAML_SUITE` (a checkout of yaml-test-suite's data branch): `suite` compares all its inputs with the
//!   hashes of Go's answers in `tests/conformance/yaml-suite.tsv`.

mod yaml_read {
    pub(crate) mod answer;
    pub(crate) mod generate;
    pub(crate) mod probe;
}

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use yaml_read::answer::{MODES, answer};
use yaml_read::generate::Generator;
use yaml_read::probe::Probe;

fn fixtures() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml"))
        .expect("the fixtures are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

fn recording() -> bool {
    std::env::var_os("HYDRATE_RECORD").is_some()
}

#[test]
fn fixtures_read_as_in_go() {
    let probe = Probe::from_environment().filter(|_| recording());
    if let Some(mut probe) = probe {
        for path in fixtures() {
            let text = fs::read(&path).expect("the fixture can be read");
            let answers: BTreeMap<&str, _> = MODES.iter().map(|mode| (*mode, probe.ask(mode, &text))).collect();
            let json = serde_json::to_string_pretty(&answers).expect("answers are JSON") + "\n";
            fs::write(path.with_extension("json"), json).expect("the answer can be written");
        }
    }
    let mut wrong = Vec::new();
    let mut failing = 0;
    let files = fixtures();
    for path in &files {
        let text = fs::read(path).expect("the fixture can be read");
        let recorded = fs::read_to_string(path.with_extension("json")).expect("the answer is recorded");
        let recorded: BTreeMap<String, serde_json::Value> = serde_json::from_str(&recorded).expect("the answer is JSON");
        failing += usize::from(recorded.values().any(|answer| answer.get("error").is_some()));
        for mode in MODES {
            let ours = answer(mode, &text);
            if recorded.get(*mode) != Some(&ours) {
                wrong.push(format!("{} {mode}\n  go:   {}\n  ours: {ours}", path.display(), recorded[*mode]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(files.len() >= 150 && failing * 3 >= files.len(), "{} fixtures, {failing} of them fail", files.len());
}

#[test]
fn fuzz() {
    let Some(mut probe) = Probe::from_environment() else {
        return;
    };
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let texts = number("HYDRATE_FUZZ_TEXTS", 2_000);
    let corpus = fixtures().iter().map(|path| fs::read(path).expect("the fixture can be read")).collect();
    let mut generator = Generator::new(number("HYDRATE_FUZZ_SEED", 1), corpus);
    let mut wrong = Vec::new();
    for _ in 0..texts {
        let text = generator.text();
        for mode in MODES {
            let theirs = probe.ask(mode, &text);
            let ours = answer(mode, &text);
            // Times as parts of keys are the one thing whose text in errors is not followed.
            let odd = theirs["error"].as_str().is_some_and(|error| error.starts_with("panic: ") || error.contains("time.Date("));
            if theirs != ours && !odd {
                wrong.push(format!("---- {mode} {:?}\n  go:   {theirs}\n  ours: {ours}", String::from_utf8_lossy(&text)));
            }
        }
        if wrong.len() > 20 {
            break;
        }
    }
    assert!(wrong.is_empty(), "differences in {texts} texts:\n{}", wrong.join("\n"));
}

#[test]
fn suite() {
    let Some(folder) = std::env::var_os("HYDRATE_YAML_SUITE") else {
        return;
    };
    let hashes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/yaml-suite.tsv");
    let inputs = suite_inputs(Path::new(&folder));
    if let Some(mut probe) = Probe::from_environment().filter(|_| recording()) {
        let lines: Vec<String> = inputs.iter().map(|(name, text)| suite_line(name, |mode| probe.ask(mode, text))).collect();
        fs::write(&hashes, lines.concat()).expect("the hashes can be written");
    }
    let recorded = fs::read_to_string(&hashes).expect("the hashes are recorded");
    let recorded: BTreeMap<&str, &str> = recorded.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut wrong = Vec::new();
    for (name, text) in &inputs {
        let line = suite_line(name, |mode| answer(mode, text));
        if line.trim_end().split_once('\t').map(|(_, hashes)| hashes) != recorded.get(name.as_str()).copied() {
            wrong.push(name.as_str());
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ: {}", wrong.len(), inputs.len(), wrong.join(" "));
    assert_eq!(inputs.len(), recorded.len(), "all cases of the suite are there");
}

fn suite_line(name: &str, mut ask: impl FnMut(&str) -> serde_json::Value) -> String {
    let hashes: Vec<String> = MODES.iter().map(|mode| blake3::hash(ask(mode).to_string().as_bytes()).to_hex()[..16].to_owned()).collect();
    format!("{name}\t{}\n", hashes.join("\t"))
}

fn suite_inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut inputs = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in fs::read_dir(&here).expect("the suite can be read") {
            let path = entry.expect("the suite can be read").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "in.yaml") {
                let name = here.strip_prefix(folder).expect("it is below").display().to_string();
                inputs.push((name, fs::read(path).expect("the input can be read")));
            }
        }
    }
    inputs.sort();
    inputs.retain(|(name, _)| !name.starts_with("name/") && !name.starts_with("tags/"));
    inputs
}
