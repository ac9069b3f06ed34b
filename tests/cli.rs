//! The binary end to end: each file in tests/cli is a story of files written, commands run and what they say.
//!
//! A line `=== WHAT` begins a step, and the lines below it belong to it:
//!
//! - `file PATH`: write this text
//! - `link PATH TARGET`: make a symbolic link
//! - `sh COMMAND`: run this in the project's directory; it must succeed
//! - `run ARGUMENTS`: run hydrate (through a shell); the text is stdout, then stderr, then `[exit N]`
//! - `user ARGUMENTS`: the same as a user who is not the superuser
//! - `show PATH`: the text is the file's content
//! - `tree DIR`: the text is the paths of all files below
//!
//! Times read `[time]`, the project's directory `[root]`, commit ids `[commit]`. `HYDRATE_TEST_UPDATE=1 cargo test
//! --test cli` writes what is said into the files; read the difference before committing it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[test]
fn stories() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let only = std::env::var("HYDRATE_TEST_ONLY").unwrap_or_default();
    let mut stories: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    stories.retain(|path| path.extension().is_some_and(|extension| extension == "txt") && path.to_string_lossy().contains(&only));
    stories.sort();
    let failures: Vec<String> = stories.iter().filter_map(|path| tell(path).err()).collect();
    assert!(failures.is_empty(), "{} of {} stories went otherwise:\n{}", failures.len(), stories.len(), failures.join("\n"));
}

struct Step {
    what: String,
    text: String,
}

fn tell(path: &Path) -> Result<(), String> {
    let told = fs::read_to_string(path).unwrap();
    let (head, steps) = parse(&told);
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("project");
    fs::create_dir(&root).unwrap();
    let mut now = head;
    for step in steps {
        let text = act(&root, &step);
        now.push_str(&format!("=== {}\n{text}", step.what));
    }
    if now == told {
        return Ok(());
    }
    if std::env::var_os("HYDRATE_TEST_UPDATE").is_some() {
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

/// Carries out a step and gives the text that belongs under it.
fn act(root: &Path, step: &Step) -> String {
    let (verb, rest) = step.what.split_once(' ').unwrap_or((&step.what, ""));
    match verb {
        "file" => {
            let path = root.join(rest);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // A blank line before the next step is for the reader of the story.
            let text = step.text.strip_suffix("\n\n").map_or(step.text.clone(), |text| format!("{text}\n"));
            fs::write(path, text).unwrap();
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
        "run" | "user" => {
            let output =
                if verb == "run" { shell(root, &format!("{} {rest}", env!("CARGO_BIN_EXE_hydrate"))) } else { as_user(root, rest) };
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            let code = output.status.code().map_or("signal".to_owned(), |code| code.to_string());
            format!("{}[exit {code}]\n\n", redact(&text, root))
        }
        "show" => format!("{}\n", redact(&fs::read_to_string(root.join(rest)).unwrap_or_else(|error| format!("{error}\n")), root)),
        "tree" => format!("{}\n", tree(&root.join(rest))),
        other => panic!("unknown step {other}"),
    }
}

fn shell(root: &Path, command: &str) -> Output {
    let home = root.parent().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(root).env_clear();
    shell.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home).env("TMPDIR", home);
    shell.env("GIT_CONFIG_NOSYSTEM", "1").env("HYDRATE", env!("CARGO_BIN_EXE_hydrate")).env("LC_ALL", "C");
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

/// Takes out what differs from run to run.
fn redact(text: &str, root: &Path) -> String {
    let mut text = text.replace(&*root.to_string_lossy(), "[root]");
    text = digits(&text, |before, after| before.ends_with(" in ") && after.starts_with(" ms"), "[time]");
    text = digits(&text, |before, after| before.ends_with("\"milliseconds\": ") && after.starts_with(','), "[time]");
    commits(&text)
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
fn as_user(root: &Path, arguments: &str) -> Output {
    let binary = env!("CARGO_BIN_EXE_hydrate");
    if !is_superuser() {
        return shell(root, &format!("{binary} {arguments}"));
    }
    let open = "chmod 755 .. . && chown -R 65534:65534 .";
    let become_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    shell(root, &format!("cp {binary} ../hydrate && {open} && {become_nobody} ../hydrate {arguments}"))
}

fn is_superuser() -> bool {
    rustix::process::geteuid().is_root()
}
