//! Changes the helmfiles under `tests/helmfile` of the repository at random: whatever is read, it is read or refused, and soon.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hydrate_base::MemoryWorld;
use hydrate_helmfile::{NoRemotes, Request, TemplateOptions, Version, build, list, print_env, show_dag, template};
use proptest::prelude::*;

/// Pieces that mean something in helmfiles.
const PIECES: &[&str] = &[
    "---\n",
    "- ",
    ": ",
    "\n",
    "  ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!str ",
    "|\n",
    ">-\n",
    "\"",
    "'",
    "#",
    "~",
    "null",
    "{{ ",
    " }}",
    "{{- ",
    "{{ end }}",
    "{{ range .Values }}",
    "{{ .Values.a }}",
    "{{ .Release.Name }}",
    "releases:\n",
    "helmfiles:\n",
    "bases:\n",
    "environments:\n",
    "values:\n",
    "templates:\n",
    "inherit:\n",
    "needs: [a]\n",
    "name: a\n",
    "chart: ./charts/show\n",
    "- helmfile.yaml\n",
    "set:\n",
    "labels: {a: b}\n",
    "\u{0}",
    "\u{feff}",
    "é",
    "1e999",
    "0x1",
    "{{ tpl \"{{ . }}\" . }}",
    "{{ include \"x\" . }}",
    "{{ readFile \"helmfile.yaml\" }}",
    "selectors: [a=b]\n",
    "installed: false\n",
    "condition: a.enabled\n",
    "\r\n",
];

/// The files of each fixture.
fn fixtures() -> Vec<Vec<(String, String)>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/helmfile");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).expect("fixtures").map(|entry| entry.expect("readable").path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let files = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("a text");
        let text = text.split("=== commands\n").next().unwrap_or_default().to_owned();
        let sections = text.split("=== ").filter_map(|section| section.split_once('\n'));
        sections.map(|(name, content)| (name.to_owned(), content.to_owned())).collect::<Vec<_>>()
    };
    paths.iter().map(files).filter(|files| files.iter().any(|(name, _)| name.starts_with("helmfile.yaml"))).collect()
}

fn run(files: &[(String, String)], version: Version) {
    let chart = MemoryWorld::new()
        .with_file("/repository/charts/show/Chart.yaml", "apiVersion: v2\nname: show\nversion: 0.1.0\n")
        .with_file("/repository/charts/show/templates/a.yaml", "a: {{ .Values.a }}\n");
    let world = files.iter().fold(chart, |world, (name, content)| world.with_file(format!("/repository/{name}"), content));
    let request = Request { version, directory: PathBuf::from("/repository"), ..Request::default() };
    let started = Instant::now();
    let _ = template(&world, &NoRemotes, &request, &TemplateOptions::default());
    let _ = build(&world, &NoRemotes, &request, true);
    let _ = list(&world, &NoRemotes, &request, false);
    let _ = show_dag(&world, &NoRemotes, &request);
    let _ = print_env(&world, &NoRemotes, &request, true);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?} for {files:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_change_to_a_helmfile_makes_it_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..12, prop::sample::select(PIECES)), 1..8),
        is_older in any::<bool>(),
    ) {
        let fixtures = fixtures();
        let mut files = which.get(&fixtures).clone();
        let count = files.len();
        for (file, at, length, piece) in changes {
            let (_, text) = &mut files[file.index(count)];
            let start = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
            text.replace_range(start..end, piece);
        }
        run(&files, if is_older { Version::V0 } else { Version::V1 });
    }
}
