//! The binary end to end: each file in tests/cli is a story of files written, commands run and what they say.
//!
//! A line `=== WHAT` begins a step, and the lines below it belong to it:
//!
//! - `file PATH`: write this text
//! - `link PATH TARGET`: make a symbolic link
//! - `sh COMMAND`: run this in the project's directory; it must succeed
//! - `run ARGUMENTS`: run hydrate (through a shell); the text is stdout, then stderr, then `[exit N]`
//! - `user ARGUMENTS`: the same as a user who is not the superuser
//! - `serve DIR`: a web server over a directory, known as `[server]` in files, arguments and texts; beside a file PATH,
//!   PATH.http may hold another status and headers to answer with
//! - `asked`: the text is what was asked of that server so far
//! - `show PATH`: the text is the file's content
//! - `tree DIR`: the text is the paths of all files below
//!
//! Times read `[time]`, the project's directory `[root]`, the one around it `[home]`, commit ids `[commit]`, and where
//! there is a server, SHA-256 digests `[sha256 1]` and so on. `HYDRATE_TEST_UPDATE=1 cargo test
//! --test cli` writes what is said into the files; read the difference before committing it. Each file is a test of its own:
//! `cargo test --test cli handover` runs those that have `handover` in their names.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "supply/server.rs"]
#[allow(dead_code, reason = "the tests of supply use all of it")]
mod server;

use server::{Asked, Reply, Server};

/// One test a story, and one more for it rendered in a confined process, which says and writes the same.
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut stories: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    stories.sort();
    assert!(stories.len() >= 40, "only {} stories", stories.len());
    let modes: &[bool] = if cfg!(target_os = "linux") && !is_updating() { &[false, true] } else { &[false] };
    let test = |path: &PathBuf, sandboxed: bool| {
        let path = path.clone();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let name = if sandboxed { format!("{name}::in_the_sandbox") } else { name };
        Trial::test(name, move || tell(&path, sandboxed).map_err(Failed::from))
    };
    // What a chart does with other values is only tried where it is not confined.
    let tries = |path: &PathBuf| {
        ["secrets-remedies.txt", "explain.txt", "explain-sources.txt", "values.txt"].iter().any(|name| path.ends_with(name))
    };
    let is_told = |path: &PathBuf, sandboxed: bool| !(sandboxed && tries(path));
    let told = |sandboxed: bool| stories.iter().filter(move |path| is_told(path, sandboxed)).map(move |path| test(path, sandboxed));
    let tests = modes.iter().flat_map(|sandboxed| told(*sandboxed)).collect();
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn is_updating() -> bool {
    std::env::var_os("HYDRATE_TEST_UPDATE").is_some()
}

struct Step {
    what: String,
    text: String,
}

fn tell(path: &Path, sandboxed: bool) -> Result<(), String> {
    let told = fs::read_to_string(path).unwrap();
    let (head, steps) = parse(&told);
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("project");
    fs::create_dir(&root).unwrap();
    let mut now = head;
    let mut stage = Stage { root, server: None, digests: Vec::new(), sandboxed };
    for step in steps {
        let text = stage.act(&step);
        now.push_str(&format!("=== {}\n{text}", step.what));
    }
    if now == told {
        return Ok(());
    }
    if is_updating() {
        fs::write(path, now).unwrap();
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(&told, &now).unified_diff().header("expected", "found").to_string();
    Err(format!("{}:\n{diff}", path.display()))
}

fn parse(told: &str) -> (String, Vec<Step>) {
    let mut head = String::new();
    let mut steps: Vec<Step> = Vec::new();
    for line in told.split_inclusive('\n') {
        match (line.strip_prefix("=== "), steps.last_mut()) {
            (Some(what), _) => steps.push(Step { what: what.trim_end().to_owned(), text: String::new() }),
            (None, Some(step)) => step.text.push_str(line),
            (None, None) => head.push_str(line),
        }
    }
    (head, steps)
}

/// Where a story takes place.
struct Stage {
    root: PathBuf,
    server: Option<Server>,
    /// Whether components are rendered in a confined process.
    sandboxed: bool,
    /// The digests seen so far.
    digests: Vec<String>,
}

impl Stage {
    /// Carries out a step and gives the text that belongs under it.
    fn act(&mut self, step: &Step) -> String {
        let (verb, rest) = step.what.split_once(' ').unwrap_or((&step.what, ""));
        let (rest, root) = (&self.filled(rest), &self.root);
        match verb {
            "file" => {
                let path = root.join(rest);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                // A blank line before the next step is for the reader of the story.
                let text = step.text.strip_suffix("\n\n").map_or(step.text.clone(), |text| format!("{text}\n"));
                fs::write(path, self.filled(&text)).unwrap();
                step.text.clone()
            }
            "link" => {
                let (path, target) = rest.split_once(' ').unwrap();
                std::os::unix::fs::symlink(target, root.join(path)).unwrap();
                step.text.clone()
            }
            "sh" => {
                let output = shell(root, rest);
                assert!(output.status.success(), "{rest}: {}", String::from_utf8_lossy(&output.stderr));
                step.text.clone()
            }
            "serve" => {
                let directory = root.join(rest);
                fs::create_dir_all(&directory).unwrap();
                self.server = Some(Server::start(move |asked, _| reply(&directory, asked)));
                step.text.clone()
            }
            "run" | "user" => {
                let prefix = if self.sandboxed { "HYDRATE_SANDBOX=1 " } else { "" };
                let output = if verb == "run" {
                    shell(root, &format!("{prefix}{} {rest}", env!("CARGO_BIN_EXE_hydrate")))
                } else {
                    as_user(root, prefix, rest)
                };
                let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
                text.push_str(&String::from_utf8_lossy(&output.stderr));
                let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
                format!("{}[exit {code}]\n\n", self.redact(&text))
            }
            "asked" => {
                let asked = self.server.as_ref().map(Server::asked).unwrap_or_default();
                asked.iter().fold(String::new(), |text, one| text + &one.path + "\n") + "\n"
            }
            "show" => {
                let text = fs::read_to_string(root.join(rest)).unwrap_or_else(|error| format!("{error}\n"));
                format!("{}\n", self.redact(&text))
            }
            "tree" => format!("{}\n", tree(&root.join(rest))),
            other => panic!("unknown step {other}"),
        }
    }

    /// A text of the story with the address of its server.
    fn filled(&self, text: &str) -> String {
        match &self.server {
            None => text.to_owned(),
            Some(server) => text
                .replace("[server]", &server.url(""))
                .replace("[host]", &format!("127.0.0.1:{}", server.port))
                .replace("[port]", &server.port.to_string()),
        }
    }

    /// Takes out what differs from run to run.
    fn redact(&mut self, text: &str) -> String {
        let mut text = text.replace(&*self.root.to_string_lossy(), "[root]");
        text = text.replace(&*self.root.parent().unwrap().to_string_lossy(), "[home]");
        if let Some(server) = &self.server {
            text = text.replace(&server.url(""), "[server]").replace(&format!("127.0.0.1:{}", server.port), "[host]");
            text = text.replace(&format!("_{}", server.port), "_[port]");
        }
        text = digits(&text, |before, after| before.ends_with(" in ") && after.starts_with(" ms"), "[time]");
        // On a slow machine it is seconds, with two places.
        text = digits(&text, |before, after| before.ends_with(" in ") && after.starts_with('.'), "[seconds]");
        text = digits(&text, |before, after| before.ends_with(" in [seconds].") && after.starts_with(" s\n"), "");
        text = text.replace(" in [seconds]. s\n", " in [time] ms\n");
        text = digits(&text, |before, after| before.ends_with("\"milliseconds\": ") && after.starts_with(','), "[time]");
        text = digits(&text, |before, after| (before.is_empty() || before.ends_with([' ', '\n'])) && after.starts_with(" bytes"), "[n]");
        text = seconds(&text);
        if self.sandboxed {
            // How far the kernel can confine is not the story's.
            let tells = |line: &str| !line.starts_with("rendered in confinement") && !line.starts_with("rendered with less confinement");
            text = text.split_inclusive('\n').filter(|line| tells(line)).collect();
        }
        if self.server.is_some() {
            text = self.numbered(&text);
        }
        commits(&text)
    }

    /// Each digest by the number of its first appearance in the story: how well archives are packed differs.
    fn numbered(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
            let length = rest[start..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - start);
            let (before, word) = (&rest[..start], &rest[start..start + length]);
            out.push_str(before);
            if length == 64 {
                let known = self.digests.iter().position(|digest| digest == word).unwrap_or_else(|| {
                    self.digests.push(word.to_owned());
                    self.digests.len() - 1
                });
                let _ = write!(out, "[sha256 {}]", known + 1);
            } else {
                out.push_str(word);
            }
            rest = &rest[start + length..];
        }
        out + rest
    }
}

/// A file, with the status and headers of the file beside it.
fn reply(directory: &Path, asked: &Asked) -> Reply {
    let path = directory.join(asked.path.trim_start_matches('/'));
    let body = fs::read(&path);
    let mut reply = Reply::status(if body.is_ok() { 200 } else { 404 });
    let beside = fs::read_to_string(format!("{}.http", path.display())).unwrap_or_default();
    for line in beside.lines().filter(|line| !line.is_empty()) {
        match line.split_once(": ") {
            Some((name, value)) => reply = reply.with(name, value),
            None => reply.status = line.parse().unwrap(),
        }
    }
    reply.body = body.unwrap_or_default().into();
    reply
}

/// `fetched, 0.1 s` reads `fetched, [time]`.
fn seconds(text: &str) -> String {
    text.split_inclusive('\n').fold(String::new(), |mut out, line| {
        match line.split_once(" fetched, ") {
            Some((before, _)) => {
                let _ = writeln!(out, "{before} fetched, [time]");
            }
            None => out.push_str(line),
        }
        out
    })
}

fn shell(root: &Path, command: &str) -> Output {
    let home = root.parent().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(root).env_clear();
    shell.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home).env("TMPDIR", home);
    shell.env("GIT_CONFIG_NOSYSTEM", "1").env("HYDRATE", env!("CARGO_BIN_EXE_hydrate")).env("LC_ALL", "C");
    shell.env("HYDRATE_RETRIES", "0").env("FIXTURES", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/supply/provenance"));
    shell.output().unwrap()
}

fn tree(dir: &Path) -> String {
    let mut paths = Vec::new();
    list(dir, dir, &mut paths);
    paths.sort();
    paths.iter().fold(String::new(), |mut text, path| {
        let _ = writeln!(text, "{path}");
        text
    })
}

fn list(dir: &Path, base: &Path, paths: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            list(&path, base, paths);
        } else {
            paths.push(path.strip_prefix(base).unwrap().display().to_string());
        }
    }
}

/// Replaces runs of digits that stand between what `fits` says.
fn digits(text: &str, fits: impl Fn(&str, &str) -> bool, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        out.push_str(if fits(&out, &rest[end..]) { by } else { &rest[start..end] });
        rest = &rest[end..];
    }
    out + rest
}

/// `[main 0123456789]` reads `[main [commit]]`, and so do ids of 40 digits.
fn commits(text: &str) -> String {
    let word = |word: &str| {
        let core = word.trim_end_matches([']', '"', ',']);
        let hex = core.trim_start_matches('"');
        let is_id = matches!(hex.len(), 10 | 40) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id { word.replace(hex, "[commit]") } else { word.to_owned() }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The superuser may read everything, so it becomes somebody else for this, who gets a copy of the binary.
fn as_user(root: &Path, prefix: &str, arguments: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_hydrate");
    if !is_superuser() {
        return shell(root, &format!("{prefix}{binary} {arguments}"));
    }
    let open = "chmod 755 .. . && chown -R 65534:65534 .";
    let become_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    shell(root, &format!("cp {binary} ../hydrate && {open} && {prefix}{become_nobody} ../hydrate {arguments}"))
}

fn is_superuser() -> bool {
    rustix::process::geteuid().is_root()
}
