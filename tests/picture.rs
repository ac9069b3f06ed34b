//! docs/picture.svg is what a terminal shows of real runs on the platform under components/: `make picture` draws it anew.
//!
//! Times differ from run to run, so no command that tells one is in it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

mod common;

/// What is typed. Lines without a `$` are not shown, and neither is what they say.
const TYPED: &[&str] = &[
    "$ sed -i 's/size: 2Gi/size: 10Gi/' components/loki/k3d/values.yaml",
    "$ hydrate diff -e k3d",
    "git checkout -q .",
    "$ hydrate explain manifests/k3d/loki/statefulset-loki.yaml:10",
    "$ sed -i 's/platform.fullname/platform.fullnam/' components/loki/chart/templates/statefulset.yaml",
    "$ hydrate check -e k3d -q",
];

/// As wide as the picture is, in characters.
const COLUMNS: usize = 132;
const CHARACTER: f32 = 7.8;
const LINE: f32 = 18.0;
const MARGIN: f32 = 20.0;
/// The bar with the three dots.
const BAR: f32 = 34.0;

#[test]
fn the_picture_is_what_a_terminal_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shown = svg(&screen(root));
    let path = root.join("docs/picture.svg");
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
        return fs::write(path, shown).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(shown.lines()).find(|(kept, shown)| kept != shown);
    assert!(kept == shown, "docs/picture.svg is out of date: run `make picture`, and look at it: {differs:#?}");
}

/// A piece of a line in one style: the numbers of the escape sequences in force.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    style: String,
    text: String,
}

fn screen(root: &Path) -> Vec<Vec<Piece>> {
    let directory = tempfile::tempdir().unwrap();
    let (home, project) = (directory.path().join("home"), directory.path().join("project"));
    fs::create_dir(&home).unwrap();
    for name in ["components", "environments", "manifests", "clusters"] {
        common::copy(&root.join(name), &project.join(name));
    }
    fs::copy(root.join("hydrate.yaml"), project.join("hydrate.yaml")).unwrap();
    let run = |line: &str| {
        // To a terminal hydrate writes in colour by itself.
        let line = line.replace("hydrate ", &format!("'{}' --color always ", env!("CARGO_BIN_EXE_hydrate")));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{line} 2>&1")]).current_dir(&project).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        for role in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{role}_NAME"), "a").env(format!("GIT_{role}_EMAIL"), "a@example.org");
        }
        String::from_utf8(shell.env("HOME", &home).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap().stdout).unwrap()
    };
    run("git init -q && git add -A && git commit -qm start");
    let mut lines = Vec::new();
    for typed in TYPED {
        let Some(command) = typed.strip_prefix("$ ") else {
            run(typed);
            continue;
        };
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![piece("prompt", "$ "), piece("typed", command)]);
        lines.extend(run(command).lines().flat_map(|line| wrapped(&pieces(line))));
    }
    lines
}

fn piece(style: &str, text: &str) -> Piece {
    Piece { style: style.to_owned(), text: text.to_owned() }
}

/// A line by its escape sequences: `ESC[1;31m` begins a style, `ESC[0m` ends all.
fn pieces(line: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let (mut style, mut rest) = (Vec::<&str>::new(), line);
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        all.push(piece(&style.join(" "), before));
        let (codes, behind) = after.split_once('m').unwrap();
        for code in codes.split(';') {
            if code == "0" { style.clear() } else { style.push(code) }
        }
        rest = behind;
    }
    all.push(piece(&style.join(" "), rest));
    all.retain(|piece| !piece.text.is_empty());
    all
}

/// Lines that fit, as a terminal breaks them.
fn wrapped(line: &[Piece]) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    let mut column = 0;
    for one in line {
        let mut text = one.text.as_str();
        while !text.is_empty() {
            if column == COLUMNS {
                lines.push(Vec::new());
                column = 0;
            }
            let end = text.char_indices().nth(COLUMNS - column).map_or(text.len(), |(at, _)| at);
            column += text[..end].chars().count();
            lines.last_mut().unwrap().push(piece(&one.style, &text[..end]));
            text = &text[end..];
        }
    }
    lines
}

fn svg(lines: &[Vec<Piece>]) -> String {
    let width = MARGIN * 2.0 + CHARACTER * COLUMNS as f32;
    let height = BAR + MARGIN + LINE * lines.len() as f32;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-label=\"Three runs of hydrate in a terminal: diff names a field that cannot be changed, explain says where a line comes from, check \
         points at a misspelt template\">\n"
    );
    out.push_str("<!-- Drawn by tests/picture.rs (make picture) from the runs that it shows. -->\n<style>\n");
    out.push_str("text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #c9d1d9; white-space: pre }\n");
    for (class, rule) in STYLES {
        let _ = writeln!(out, ".{class} {{ {rule} }}");
    }
    let _ = writeln!(out, "</style>\n<rect width=\"{width:.0}\" height=\"{height:.0}\" rx=\"8\" fill=\"#0d1117\"/>");
    for (number, colour) in ["#ff5f56", "#ffbd2e", "#27c93f"].iter().enumerate() {
        let _ = writeln!(out, "<circle cx=\"{:.0}\" cy=\"18\" r=\"6\" fill=\"{colour}\"/>", MARGIN + 20.0 * number as f32);
    }
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        let _ = write!(out, "<text y=\"{:.0}\">", BAR + LINE * (number as f32 + 0.8));
        let mut column = 0;
        for one in line {
            let class = class(&one.style);
            // Each piece stands where it belongs, however wide the font is that is there.
            let _ = write!(out, "<tspan x=\"{:.1}\"{class}>{}</tspan>", MARGIN + CHARACTER * column as f32, escaped(&one.text));
            column += one.text.chars().count();
        }
        out.push_str("</text>\n");
    }
    out + "</svg>\n"
}

/// How the styles look; colours of terminals by their numbers.
const STYLES: &[(&str, &str)] = &[
    ("prompt", "fill: #8b949e"),
    ("typed", "fill: #f0f6fc; font-weight: bold"),
    ("b", "font-weight: bold; fill: #f0f6fc"),
    ("red", "fill: #ff7b72"),
    ("green", "fill: #7ee787"),
    ("yellow", "fill: #e3b341"),
    ("blue", "fill: #79c0ff"),
    ("magenta", "fill: #d2a8ff"),
    ("cyan", "fill: #56d4dd"),
    ("dim", "fill: #8b949e"),
];

fn class(style: &str) -> String {
    let name = |code: &str| match code {
        "1" => "b",
        "2" | "90" => "dim",
        "31" | "91" => "red",
        "32" | "92" => "green",
        "33" | "93" => "yellow",
        "34" | "94" => "blue",
        "35" | "95" => "magenta",
        "36" | "96" => "cyan",
        "prompt" => "prompt",
        "typed" => "typed",
        other => panic!("a style that has no colour here: {other}"),
    };
    let mut names: Vec<&str> = style.split(' ').filter(|code| !code.is_empty()).map(name).collect();
    names.dedup();
    if names.is_empty() { String::new() } else { format!(" class=\"{}\"", names.join(" ")) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
