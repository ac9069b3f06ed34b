//! What can stand where the cursor is: environments, components, options and files. Shells ask by `hydrate --complete`, which no user types.
//!
//! Whatever is wrong is passed over in silence: there is nobody to tell in the middle of a prompt. No file of the project is read but hydrate.yaml
//! and, for `lock --update`, hydrate.lock; names are those that directories show.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter, complete};

use crate::pipeline::provision::read_lock;
use crate::project::{Project, valid_name};
use hydrate_base::plain::is_unsafe;
use hydrate_base::{DiskWorld, FileKind, World};

/// The argument by which a shell's script asks.
pub const ARGUMENT: &str = "--complete";

/// The scripts, by shell.
pub const SCRIPTS: &[(&str, &str)] = &[("bash", BASH), ("zsh", ZSH), ("fish", FISH)];

const BASH: &str = r#"# Completion of hydrate for bash: source <(hydrate completion bash)
_hydrate() {
    local candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        COMPREPLY+=("$candidate")
    done < <(command hydrate --complete bash "$COMP_LINE" "$COMP_POINT" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
    return 0
}
complete -o bashdefault -F _hydrate hydrate
"#;

const ZSH: &str = r#"#compdef hydrate
# Completion of hydrate for zsh: source <(hydrate completion zsh), below compinit; or this file as _hydrate in a directory of fpath.
_hydrate() {
    local value help
    local -a described plain open
    while IFS=$'\t' read -r value help; do
        if [[ $value == *[/=] ]]; then
            open+=("$value")
        elif [[ -n $help ]]; then
            described+=("${value//:/\\:}:$help")
        else
            plain+=("$value")
        fi
    done < <(command hydrate --complete zsh "$((CURRENT - 1))" "${(@Q)words}" 2>/dev/null)
    (( $#described )) && _describe -V hydrate described
    (( $#plain )) && compadd -- "${plain[@]}"
    (( $#open )) && compadd -S '' -- "${open[@]}"
    (( $#described + $#plain + $#open ))
}
if [[ ${funcstack[1]-} == _hydrate ]]; then
    _hydrate "$@"
else
    compdef _hydrate hydrate
fi
"#;

const FISH: &str = "# Completion of hydrate for fish, as ~/.config/fish/completions/hydrate.fish
complete --keep-order --command hydrate --no-files --arguments '(command hydrate --complete fish (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor) 2>/dev/null)'
";

/// The whole program, and those of its commands that read their arguments themselves.
type Programs = (Command, [Command; 3]);

/// What a shell's script is answered; `arguments` are those behind [`ARGUMENT`].
pub fn answer(programs: &Programs, arguments: &[OsString]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match texts.as_slice() {
        ["bash", line, point, breaks] => in_bash(programs, line, point.parse().unwrap_or(line.len()), breaks),
        ["zsh", index, words @ ..] => with_help(programs, words, index.parse().unwrap_or(usize::MAX)),
        ["fish", words @ ..] => with_help(programs, words, words.len().saturating_sub(1)),
        _ => String::new(),
    }
}

/// Lines of a candidate, a tab and what it means. These shells quote by themselves.
fn with_help(programs: &Programs, words: &[&str], index: usize) -> String {
    let Some(words) = words.get(..=index) else { return String::new() };
    let line = |(value, help): (String, String)| format!("{value}\t{help}\n");
    candidates(programs, words).into_iter().map(line).collect()
}

/// Lines of candidates alone, quoted, and without what bash takes for words before: it breaks them at `=` and `:` too.
fn in_bash(programs: &Programs, line: &str, point: usize, breaks: &str) -> String {
    let Some(line) = line.get(..point) else { return String::new() };
    let words = split(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some(current) = words.last() else { return String::new() };
    let broken = current.rfind(|c| "=:".contains(c) && breaks.contains(c)).map_or(0, |at| at + 1);
    let before = current[..broken].to_owned();
    let found = candidates(programs, &words);
    let rest = found.iter().filter_map(|(value, _)| value.strip_prefix(&before));
    rest.map(|rest| quoted(rest) + "\n").collect()
}

/// A command line up to the cursor as words, of which the last is being typed. Quotes and backslashes go.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(rest.next()),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.push(word.unwrap_or_default());
    words
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+^".contains(c);
    word.chars().fold(String::new(), |mut text, c| {
        if !is_plain(c) {
            text.push('\\');
        }
        text.push(c);
        text
    })
}

/// What the last of these words can become, with what it means. Nothing that a terminal would not show as it is.
fn candidates((program, drop_ins): &Programs, words: &[&str]) -> Vec<(String, String)> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let found = match drop_ins.iter().find(|tool| before.get(1).is_some_and(|word| *word == tool.get_name())) {
        Some(tool) => {
            let words: Vec<OsString> = words[1..].iter().map(OsString::from).collect();
            complete(&mut tool.clone(), words, before.len() - 1, Some(Path::new(".")))
        }
        None => {
            let directory = directory(before);
            let mut program = completing(program.clone(), &Arc::new(Place { start: directory.clone() }));
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            complete(&mut program, words, before.len(), Some(&directory))
        }
    };
    let found = found.unwrap_or_default();
    let is_option = current.starts_with('-');
    let text = |candidate: CompletionCandidate| {
        let value = candidate.get_value().to_string_lossy().into_owned();
        let help = candidate.get_help().map(|help| help.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default();
        // Options are only offered to whoever begins one: there are more of them than of anything else.
        ((is_option || !value.starts_with('-')) && !value.chars().any(|c| is_unsafe(c) || c == '\n')).then_some((value, help))
    };
    found.into_iter().filter_map(text).collect()
}

/// Where `-C` leads.
fn directory(words: &[&str]) -> PathBuf {
    let mut named = None;
    for (at, word) in words.iter().enumerate().skip(1) {
        let next = || words.get(at + 1).copied();
        named = match *word {
            "-C" | "--directory" => next(),
            word => word.strip_prefix("--directory=").or_else(|| word.strip_prefix("-C").filter(|rest| !rest.is_empty())),
        }
        .or(named);
    }
    PathBuf::from(named.unwrap_or("."))
}

/// The program with those of its arguments that the project knows the values of.
fn completing(program: Command, place: &Arc<Place>) -> Command {
    let program = program.mut_args(|argument| of_project(argument, place));
    program.mut_subcommands(|command| completing(command, place))
}

fn of_project(argument: Arg, place: &Arc<Place>) -> Arg {
    let place = Arc::clone(place);
    match argument.get_id().as_str() {
        "environments" | "against_env" | "from" | "to" => {
            let has_all = argument.get_id() == "environments";
            argument.add(ArgValueCandidates::new(move || named(place.environments().into_iter().chain(has_all.then(|| "all".to_owned())))))
        }
        "components" | "component" => argument.add(ArgValueCompleter::new(move |typed: &OsStr| place.components_like(typed))),
        // A file and a line of it, or with `--value` a component.
        "what" => argument.add(ArgValueCompleter::new(move |typed: &OsStr| {
            let files = PathCompleter::any().current_dir(place.start.clone()).complete(typed);
            files.into_iter().chain(place.components_like(typed)).collect()
        })),
        "update" => argument.add(ArgValueCandidates::new(move || named(place.locked()))),
        _ => argument,
    }
}

fn named(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Where the names are looked for.
struct Place {
    start: PathBuf,
}

impl Place {
    fn project(&self) -> Option<Project> {
        Project::open(Project::find(&DiskWorld::new(), &self.start).ok()?).ok()
    }

    fn environments(&self) -> Vec<String> {
        self.project().and_then(|project| project.environment_names(&project.world()).ok()).unwrap_or_default()
    }

    /// The components that begin as typed, also behind the `!` that leaves them out.
    fn components_like(&self, typed: &OsStr) -> Vec<CompletionCandidate> {
        let typed = typed.to_string_lossy();
        let (sign, begun) = typed.strip_prefix('!').map_or(("", &*typed), |rest| ("!", rest));
        let found = self.components().into_iter().filter(|name| name.starts_with(begun));
        named(found.map(|name| format!("{sign}{name}")))
    }

    fn components(&self) -> Vec<String> {
        let entries = |project: &Project| directories(&project.world(), &project.root.join(&project.settings.components));
        self.project().as_ref().map(entries).unwrap_or_default()
    }

    fn locked(&self) -> Vec<String> {
        let Some(lock) = self.project().and_then(|project| read_lock(&project.world(), &project.root).ok()) else { return Vec::new() };
        let mut names: Vec<String> = lock.artifacts().map(|artifact| artifact.name.clone()).collect();
        names.dedup();
        names
    }
}

fn directories(world: &dyn World, path: &Path) -> Vec<String> {
    let entries = world.entries(path).unwrap_or_default();
    let is_component = |(name, kind): &(String, std::io::Result<FileKind>)| matches!(kind, Ok(FileKind::Directory)) && valid_name(name);
    entries.into_iter().filter(is_component).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_as_a_shell_does_it() {
        let cases: &[(&str, &[&str])] = &[
            ("hydrate ", &["hydrate", ""]),
            ("hydrate -e k3", &["hydrate", "-e", "k3"]),
            (r#"hydrate "a b" 'c\'d\ e"#, &["hydrate", "a b", r"c\d e"]),
            ("hydrate ''", &["hydrate", ""]),
            ("hydrate 'a", &["hydrate", "a"]),
            ("", &[""]),
        ];
        for (line, expected) in cases {
            assert_eq!(split(line), *expected, "{line}");
        }
    }

    #[test]
    fn where_the_project_is() {
        assert_eq!(directory(&["hydrate", "-C", "a", "-e", "b"]), Path::new("a"));
        assert_eq!(directory(&["hydrate", "-Ca"]), Path::new("a"));
        assert_eq!(directory(&["hydrate", "--directory=a", "check"]), Path::new("a"));
        assert_eq!(directory(&["hydrate", "-C"]), Path::new("."));
    }

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("a b!c"), r"a\ b\!c");
        assert_eq!(quoted("--env=k3d,dev"), "--env=k3d,dev");
    }
}
