//! Line endings: files that Git checks out with CRLF are what was written with LF.
//!
//! What decides are the attributes `text` and `eol` of .gitattributes files and core.autocrlf. Of any configuration nothing
//! else is looked at, and no filter runs: this is asked by commands that may be run over anybody's repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Repository;

/// Longer .gitattributes files are passed over, as Git does from 100 MB on.
const LONGEST: u64 = 4 << 20;

/// How Git treats line endings in the work tree that a directory lies in; found out when it is first asked.
#[derive(Debug)]
pub struct LineEndings {
    start: PathBuf,
    found: OnceLock<Option<Found>>,
}

#[derive(Debug)]
struct Found {
    work_tree: PathBuf,
    autocrlf: bool,
    /// Of the user or the machine: what .gitattributes files say counts more.
    outer: Arc<Attributes>,
    /// `info/attributes`: it counts more than any other file.
    inner: Arc<Attributes>,
    read: Mutex<BTreeMap<PathBuf, Arc<Attributes>>>,
}

impl LineEndings {
    /// Of the work tree that a directory lies in, where it lies in one.
    pub fn at(start: &Path) -> Self {
        Self { start: start.to_owned(), found: OnceLock::new() }
    }

    /// Whether a file has, but for line endings, this text, in a place where Git would take one for the other.
    pub fn same_text(&self, path: &Path, found: &[u8], text: &[u8]) -> bool {
        let has_crlf = |bytes: &[u8]| memchr::memmem::find(bytes, b"\r\n").is_some();
        (has_crlf(found) || has_crlf(text)) && with_lf(found) == with_lf(text) && self.normalises(path, found)
    }

    /// Whether a file has one of the contents that are looked for, as it is or with the other line endings that Git may have given it.
    pub fn is_one_of(&self, path: &Path, found: &[u8], is_looked_for: &dyn Fn(&[u8]) -> bool) -> bool {
        is_looked_for(found) || {
            let lf = with_lf(found);
            let crlf = || String::from_utf8_lossy(&lf).replace('\n', "\r\n").into_bytes();
            (is_looked_for(&lf) || is_looked_for(&crlf())) && self.normalises(path, found)
        }
    }

    /// The file as it is in a commit: with LF, where Git would make it so.
    pub fn committed(&self, path: &Path, found: Vec<u8>) -> Vec<u8> {
        let needed = memchr::memmem::find(&found, b"\r\n").is_some() && self.normalises(path, &found);
        if needed { with_lf(&found) } else { found }
    }

    /// Whether Git makes LF of the CRLF in this file when it is added.
    fn normalises(&self, path: &Path, bytes: &[u8]) -> bool {
        let found = self.found.get_or_init(|| Found::of(&self.start));
        let Some(found) = found else { return false };
        let is_text = || !bytes.contains(&0);
        match found.attributes(path) {
            Some(Text::No) => false,
            Some(Text::Yes) => true,
            Some(Text::Auto) => is_text(),
            None => found.autocrlf && is_text(),
        }
    }
}

fn with_lf(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, b"\r\n") {
        text.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
    }
    text.extend_from_slice(rest);
    text
}

impl Found {
    fn of(start: &Path) -> Option<Self> {
        let repository = Repository::discover(start).ok()??;
        let config = configuration(&repository)?;
        let text = |key: &str| config.get_string(key).ok();
        // `input` makes LF of CRLF as well; it only writes none.
        let autocrlf = config.get_bool("core.autocrlf").unwrap_or_else(|_| text("core.autocrlf").is_some_and(|value| value == "input"));
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let of_user = config.get_path("core.attributesFile").ok().or_else(|| {
            let config = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")))?;
            Some(config.join("git/attributes"))
        });
        let work_tree = repository.work_tree().to_owned();
        Some(Self {
            autocrlf,
            outer: Arc::new(of_user.map(|file| Attributes::read(&work_tree, &file)).unwrap_or_default()),
            inner: Arc::new(Attributes::read(&work_tree, &repository.common_dir().join("info/attributes"))),
            read: Mutex::default(),
            work_tree,
        })
    }

    fn attributes(&self, path: &Path) -> Option<Text> {
        let path = path.canonicalize().ok()?;
        let directories: Vec<&Path> = path.ancestors().skip(1).take_while(|directory| directory.starts_with(&self.work_tree)).collect();
        let mut state = State::default();
        let mut macros = Attributes::builtin();
        let mut apply = |attributes: &Attributes| {
            macros.extend(attributes.macros.clone());
            attributes.apply(&path, &macros, &mut state);
        };
        apply(&self.outer);
        directories.iter().rev().for_each(|directory| apply(&self.of_directory(directory)));
        apply(&self.inner);
        state.text()
    }

    fn of_directory(&self, directory: &Path) -> Arc<Attributes> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let attributes = read.entry(directory.to_owned());
        Arc::clone(attributes.or_insert_with(|| Arc::new(Attributes::read(directory, &directory.join(".gitattributes")))))
    }
}

/// The configuration of the machine, of the user and of the repository, later ones first.
fn configuration(repository: &Repository) -> Option<git2::Config> {
    let mut config = git2::Config::open_default().ok()?;
    let files = [
        (repository.common_dir().join("config"), git2::ConfigLevel::Local),
        (repository.git_dir().join("config.worktree"), git2::ConfigLevel::Worktree),
    ];
    for (file, level) in files.into_iter().filter(|(file, _)| file.is_file()) {
        config.add_file(&file, level, true).ok()?;
    }
    config.snapshot().ok()
}

/// What is known about line endings, as Git's attributes say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Yes,
    No,
    Auto,
}

/// The attributes that count; `crlf` is the older name of `text`, and counts where nothing is said about that.
#[derive(Debug, Default)]
struct State {
    text: Option<Text>,
    crlf: Option<Text>,
    eol: bool,
}

impl State {
    /// `eol` makes a text of what nothing else was said about.
    fn text(&self) -> Option<Text> {
        self.text.or(self.crlf).or(self.eol.then_some(Text::Yes))
    }

    fn set(&mut self, attribute: &str, macros: &BTreeMap<String, Vec<String>>, depth: u32) {
        let (name, value) = match attribute.split_once('=') {
            Some((name, "auto")) => (name, Some(Text::Auto)),
            Some((name, "input")) => (name, Some(Text::Yes)),
            Some((name, _)) => (name, None),
            None => match (attribute.strip_prefix('-'), attribute.strip_prefix('!')) {
                (Some(name), _) => (name, Some(Text::No)),
                (_, Some(name)) => (name, None),
                _ => (attribute, Some(Text::Yes)),
            },
        };
        match name {
            "text" => self.text = value,
            "crlf" => self.crlf = value,
            "eol" => self.eol = matches!(attribute, "eol=lf" | "eol=crlf"),
            _ => {
                for attribute in macros.get(attribute).filter(|_| depth < 8).into_iter().flatten() {
                    self.set(attribute, macros, depth + 1);
                }
            }
        }
    }
}

/// One file of attributes.
#[derive(Debug, Default)]
struct Attributes {
    rules: Vec<(Gitignore, Vec<String>)>,
    macros: BTreeMap<String, Vec<String>>,
}

impl Attributes {
    fn builtin() -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([("binary".to_owned(), vec!["-text".to_owned()])])
    }

    /// The rules of a file about what is below a directory; none where it is no ordinary file.
    fn read(below: &Path, file: &Path) -> Self {
        let plain = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LONGEST);
        let text = fs::read(file).ok().filter(|_| plain).unwrap_or_default();
        let mut attributes = Self::default();
        for line in String::from_utf8_lossy(&text).lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (pattern, rest) = match line.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                Some(quoted) => quoted,
                None => line.split_once([' ', '\t']).unwrap_or((line, "")),
            };
            let named: Vec<String> = rest.split_ascii_whitespace().map(str::to_owned).collect();
            if let Some(name) = pattern.strip_prefix("[attr]") {
                attributes.macros.insert(name.to_owned(), named);
            } else if !pattern.starts_with('!') && !pattern.ends_with('/') {
                let mut builder = GitignoreBuilder::new(below);
                if builder.add_line(None, pattern).is_ok()
                    && let Ok(matcher) = builder.build()
                {
                    attributes.rules.push((matcher, named));
                }
            }
        }
        attributes
    }

    fn apply(&self, path: &Path, macros: &BTreeMap<String, Vec<String>>, state: &mut State) {
        for (matcher, attributes) in &self.rules {
            if matcher.matched(path, false).is_ignore() {
                attributes.iter().for_each(|attribute| state.set(attribute, macros, 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn git(root: &Path, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn line() -> impl Strategy<Value = String> {
        let pattern =
            prop::sample::select(vec!["*", "*.yaml", "a.yaml", "/a.yaml", "sub/*", "sub/**", "**/b.yaml", "/sub/", "?.yaml", "\"b.yaml\""]);
        let attribute = prop::sample::select(vec![
            "text",
            "-text",
            "!text",
            "text=auto",
            "eol=lf",
            "eol=crlf",
            "-eol",
            "binary",
            "crlf",
            "-crlf",
            "crlf=input",
            "mine",
            "diff",
        ]);
        (pattern, prop::collection::vec(attribute, 0..3)).prop_map(|(pattern, attributes)| format!("{pattern} {}\n", attributes.join(" ")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Git is asked what it makes of a file with CRLF.
        #[test]
        fn attributes_are_read_as_git_reads_them(
            top in prop::collection::vec(line(), 0..4),
            below in prop::collection::vec(line(), 0..3),
            info in prop::collection::vec(line(), 0..2),
            autocrlf in prop::sample::select(vec!["true", "input", "false"]),
        ) {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().canonicalize().unwrap();
            git(&root, &["init", "-q"]);
            git(&root, &["config", "core.autocrlf", autocrlf]);
            git(&root, &["config", "core.safecrlf", "false"]);
            fs::create_dir(root.join("sub")).unwrap();
            fs::write(root.join(".gitattributes"), format!("[attr]mine text eol=crlf\n{}", top.concat())).unwrap();
            fs::write(root.join("sub/.gitattributes"), below.concat()).unwrap();
            fs::create_dir_all(root.join(".git/info")).unwrap();
            fs::write(root.join(".git/info/attributes"), info.concat()).unwrap();
            let endings = LineEndings::at(&root.join("sub"));
            for file in ["a.yaml", "b.yaml", "sub/a.yaml", "sub/c.txt"] {
                let text = b"a: 1\r\nb: 2\r\n";
                fs::write(root.join(file), text).unwrap();
                git(&root, &["add", file]);
                let normalised = git(&root, &["show", &format!(":{file}")]) == "a: 1\nb: 2\n";
                prop_assert_eq!(endings.same_text(&root.join(file), text, b"a: 1\nb: 2\n"), normalised, "{}", file);
            }
        }
    }

    #[test]
    fn without_a_repository_a_line_ending_is_a_difference() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("a.yaml");
        fs::write(&file, "a\r\n").unwrap();
        fs::write(home.path().join(".gitattributes"), "* text\n").unwrap();
        assert!(!LineEndings::at(home.path()).same_text(&file, b"a\r\n", b"a\n"));
        assert_eq!(LineEndings::at(home.path()).committed(&file, b"a\r\n".to_vec()), b"a\r\n");
    }
}
