//! The commands of README and docs run as printed.
//!
//! Every block of code says its language. One of `sh` is run line by line; one of `console` is a session, whose `$` lines are run and have to say what is
//! printed. A comment before a block says where it runs (`<!-- in: PLACE -->`, else where the block before it in the file has run), or why it does not
//! (`<!-- not run: REASON -->`). Each option of a `hydrate …` in a line of text has to be one.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use clap::error::ErrorKind;
use hydrate::cli::commands::Cli;

mod common;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and all files below docs, with their names.
fn pages() -> Vec<(String, String)> {
    let docs = common::files_below(&root().join("docs"))
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "md"));
    let readme = root().join("README.md");
    let all = std::iter::once((readme.clone(), fs::read(readme).unwrap())).chain(docs);
    all.map(|(path, text)| (path.strip_prefix(root()).unwrap().display().to_string(), String::from_utf8(text).unwrap())).collect()
}

/// A block of code, and the comment right above it.
struct Block<'t> {
    line: usize,
    language: &'t str,
    comment: Option<&'t str>,
    lines: Vec<&'t str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let (mut open, mut above) = (false, "");
    for (number, line) in text.lines().enumerate() {
        match (open, line.trim_start().strip_prefix("```")) {
            (false, Some(language)) => {
                let comment = above.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                blocks.push(Block { line: number + 1, language, comment, lines: Vec::new() });
                open = true;
            }
            (true, Some(_)) => open = false,
            (true, None) => blocks.last_mut().unwrap().lines.push(line),
            (false, None) => {}
        }
        above = line;
    }
    assert!(!open, "a block of code is not closed");
    blocks
}

/// Where commands run: a home of its own with the hydrate of this build, and a directory that `cd` moves on.
struct Place {
    directory: tempfile::TempDir,
    now: PathBuf,
}

impl Place {
    /// `empty`; `platform`, which is this repository's own, committed; `platform without manifests`.
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        for name in ["home", "bin", "work"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_hydrate"), path.join("bin/hydrate")).unwrap();
        fs::write(path.join("home/.gitconfig"), "[user]\n\tname = reader\n\temail = reader@example.org\n[init]\n\tdefaultBranch = main\n")
            .unwrap();
        let mut place = Self { directory, now: path.join("work") };
        let parts: &[&str] = match name {
            "empty" => return place,
            "platform" => &["components", "environments", "manifests", "clusters"],
            "platform without manifests" => &["components", "environments"],
            other => panic!("there is no place `{other}`"),
        };
        for part in parts {
            common::copy(&root().join(part), &place.now.join(part));
        }
        fs::copy(root().join("hydrate.yaml"), place.now.join("hydrate.yaml")).unwrap();
        let (text, works) = place.run("git init -q && git add -A && git commit -qm start");
        assert!(works, "{text}");
        place
    }

    /// What a command says, stderr among it, and whether it works.
    fn run(&mut self, command: &str) -> (String, bool) {
        let top = self.directory.path();
        let path = format!("{}:{}", top.join("bin").display(), std::env::var("PATH").unwrap());
        let script = format!("exec 2>&1\n{command}\nstatus=$?\npwd -P > '{}'\nexit $status", top.join("pwd").display());
        let mut shell = Command::new("bash");
        shell.args(["--norc", "-c", &script]).current_dir(&self.now).env_clear().env("PATH", path).env("HOME", top.join("home"));
        let done = shell.env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C.UTF-8").output().unwrap();
        self.now = PathBuf::from(fs::read_to_string(top.join("pwd")).unwrap().trim_end());
        (String::from_utf8(done.stdout).unwrap(), done.status.success())
    }
}

/// What differs from run to run: times and commits.
fn settled(text: &str) -> String {
    let is_commit = |word: &str| word.len() == 10 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = |line: &str| {
        let line =
            line.rsplit_once(" in ").filter(|(_, time)| time.ends_with(" ms") || time.ends_with(" s")).map_or(line, |(before, _)| before);
        let word = |word: &str| if is_commit(word.trim_end_matches(']')) { "COMMIT]".to_owned() } else { word.to_owned() };
        line.split(' ').map(word).collect::<Vec<_>>().join(" ")
    };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_block_says_what_it_is_and_commands_run_as_printed() {
    let (mut ran, mut skipped) = (0, 0);
    for (name, text) in pages() {
        let mut place: Option<Place> = None;
        for block in blocks(&text) {
            let here = format!("{name}:{}", block.line);
            assert!(
                !block.language.is_empty(),
                "{here}: of which language is this? `text` for what is none, `sh` for commands, `console` for a session"
            );
            if !["sh", "console"].contains(&block.language) {
                continue;
            }
            if let Some(reason) = block.comment.and_then(|comment| comment.strip_prefix("not run: ")) {
                assert!(reason.len() > 10, "{here}: why is it not run?");
                skipped += 1;
                continue;
            }
            if let Some(named) = block.comment.and_then(|comment| comment.strip_prefix("in: ")) {
                place = Some(Place::new(named));
            }
            let place = place.as_mut().unwrap_or_else(|| {
                panic!("{here}: where does it run? `<!-- in: PLACE -->` above says it, `<!-- not run: REASON -->` why not")
            });
            match block.language {
                "sh" => {
                    for line in block.lines.iter().filter(|line| !line.is_empty()) {
                        let (said, works) = place.run(line);
                        assert!(works, "{here}: {line}\n{said}");
                        ran += 1;
                    }
                }
                _ => ran += session(place, &block.lines, &here),
            }
        }
    }
    assert!(ran >= 15, "only {ran} commands were run");
    println!("{ran} commands run, {skipped} blocks not");
}

/// Runs the `$` lines of a session, and compares what they say with what is printed below them.
fn session(place: &mut Place, lines: &[&str], here: &str) -> usize {
    let mut ran = 0;
    let mut rest = lines;
    while let [command, behind @ ..] = rest {
        let command = command.strip_prefix("$ ").unwrap_or_else(|| panic!("{here}: a session begins with `$ `, not with {command}"));
        let end = behind.iter().position(|line| line.starts_with("$ ")).unwrap_or(behind.len());
        let (said, _) = place.run(command);
        assert_eq!(settled(&said), settled(&behind[..end].join("\n")), "{here}: {command}");
        ran += 1;
        rest = &behind[end..];
    }
    ran
}

#[test]
fn options_in_the_text_exist() {
    let mut looked = 0;
    for (name, text) in pages() {
        for (number, line) in text.lines().enumerate() {
            for code in line.split('`').skip(1).step_by(2).filter(|code| code.starts_with("hydrate ")) {
                // A table escapes what else would be a column; what stands in brackets may be left out.
                let code = code.replace("\\|", "|").replace(['[', ']', '…'], "");
                let words: Vec<&str> = code.split_whitespace().map(|word| word.split('|').next().unwrap_or(word)).collect();
                if words.get(1).is_some_and(|word| ["helm", "helmfile", "kustomize"].contains(word)) {
                    continue;
                }
                looked += 1;
                let Err(error) = Cli::try_parse_from(&words) else { continue };
                let is_wrong = matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand);
                assert!(!is_wrong, "{name}:{}: `{code}`: {error}", number + 1);
            }
        }
    }
    assert!(looked >= 50, "only {looked} were looked at");
}

#[test]
fn links_lead_somewhere() {
    for (name, text) in pages() {
        let directory = root().join(&name);
        let directory = directory.parent().unwrap();
        for (number, line) in text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                if path.contains("://") {
                    continue;
                }
                let file = if path.is_empty() { root().join(&name) } else { directory.join(path) };
                assert!(file.exists(), "{name}:{}: {target} is not there", number + 1);
                if !anchor.is_empty() && file.extension().is_some_and(|extension| extension == "md") {
                    let text = fs::read_to_string(&file).unwrap();
                    assert!(
                        text.lines().filter_map(heading).any(|heading| heading == anchor),
                        "{name}:{}: {target}: no such heading",
                        number + 1
                    );
                }
            }
        }
    }
}

/// The anchor of a heading, as forges make it.
fn heading(line: &str) -> Option<String> {
    let text = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let keep = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
        _ => None,
    };
    Some(text.chars().filter_map(keep).collect())
}
