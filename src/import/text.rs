//! Values that stand in a helmfile, cut out of its text: with their comments, and where they are templates, as templates.
//!
//! What is cut is a candidate: whoever takes it compares what it says with what the helmfile said.

use std::sync::Arc;

use hydrate_base::{SourceFile, place};
use hydrate_source::compose;
use hydrate_yaml::node::{Data as NodeData, Node, Style};

/// What the text of a helmfile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It may hold templates.
    Written,
    /// It is what templates gave; what looks like one is text.
    Executed,
}

/// The texts of the mappings in a helmfile's text that may be inline values of a release: those under its own name first, each as it is
/// written where it can be cut out, and then written anew with its comments.
pub(super) fn inline_values(text: &str, release: &str, stage: Stage) -> Vec<String> {
    let mut candidates = Vec::new();
    for part in parts(text) {
        let masked = if stage == Stage::Written { masked(&part) } else { part.clone() };
        let file = SourceFile::new("", masked.as_bytes());
        let Ok(roots) = compose::stream(&file, 0, &masked) else { continue };
        for root in roots {
            let mut found = Found { own: Vec::new(), others: Vec::new() };
            found.look(&root, release, false);
            candidates.extend(found.own.iter().chain(&found.others).flat_map(|node| cuts(&part, node)));
            // What is written anew is written from the text itself; with templates in it that is no YAML.
            if let Ok(whole) = compose::expand(root).and_then(|root| if masked == part { Ok(root) } else { Err(String::new()) }) {
                let mut found = Found { own: Vec::new(), others: Vec::new() };
                found.look(&whole, release, false);
                candidates.extend(found.own.iter().chain(&found.others).filter_map(|node| anew(node)));
            }
        }
    }
    candidates
}

/// The values of an environment as a helmfile's text has them: inline maps as texts, files by their paths as they are written; nothing
/// where there are none or they cannot be told.
pub(super) fn environment_values(part: &Arc<SourceFile>, environment: &str) -> Vec<EnvironmentEntry> {
    let text = String::from_utf8_lossy(&part.text).into_owned();
    let Ok(roots) = compose::stream(part, 0, &text) else { return Vec::new() };
    let lists = roots.iter().filter_map(|root| root.get("environments")?.get(environment)?.get("values")?.items());
    let entry = |item: &Node| match &item.data {
        NodeData::Mapping(_) => cuts(&text, item).into_iter().chain(anew(item)).next().map(EnvironmentEntry::Inline),
        _ => item.as_str().map(|path| EnvironmentEntry::File(path.to_owned())),
    };
    lists.flatten().filter_map(entry).collect()
}

/// An entry of `environments.ENV.values`.
pub(super) enum EnvironmentEntry {
    Inline(String),
    File(String),
}

/// The names of the environments in a helmfile that may hold templates.
pub(super) fn environments(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts(text) {
        let masked = masked(&part);
        let roots = compose::stream(&SourceFile::new("", masked.as_bytes()), 0, &masked).unwrap_or_default();
        let entries = roots.iter().filter_map(|root| root.get("environments")?.entries()).flatten();
        // What is nothing but a template has been covered up.
        let is_known = |name: &&str| name.bytes().any(|byte| byte != b'x');
        for name in entries.filter_map(|(name, _)| name.as_str()).filter(is_known) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The bases that a helmfile names.
pub(super) fn bases(text: &str) -> Vec<String> {
    let of_part = |part: String| {
        let masked = masked(&part);
        let roots = compose::stream(&SourceFile::new("", masked.as_bytes()), 0, &masked).unwrap_or_default();
        let names: Vec<String> = roots
            .iter()
            .filter_map(|root| root.get("bases")?.items())
            .flatten()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect();
        names
    };
    parts(text).into_iter().flat_map(of_part).collect()
}

/// The parts between lines of `---`.
fn parts(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    text.split("\n---\n").map(|part| format!("{part}\n")).collect()
}

/// The text with templates covered up, character for character in place: those that have lines of their own become comments, others letters.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}").map(|end| end + 2) else { break };
        let (before, whole) = (&rest[..start], &rest[start..start + length]);
        out.push_str(before);
        let after = &rest[start + length..];
        let is_alone =
            out.rsplit('\n').next().unwrap_or_default().trim().is_empty() && after.split('\n').next().unwrap_or_default().trim().is_empty();
        let cover = if is_alone { '#' } else { 'x' };
        out.extend(whole.chars().map(|character| if character == '\n' { '\n' } else { cover }));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Mappings that may be values: of the release that is looked for, and all others.
struct Found<'n> {
    own: Vec<&'n Node>,
    others: Vec<&'n Node>,
}

impl<'n> Found<'n> {
    fn look(&mut self, node: &'n Node, release: &str, is_own: bool) {
        match &node.data {
            NodeData::Mapping(entries) => {
                let is_own = is_own || node.get("name").and_then(Node::as_str) == Some(release);
                if node.extra.as_ref().is_some_and(|extra| !extra.anchor.is_empty()) {
                    self.others.push(node);
                }
                for (key, value) in entries {
                    let items = value.items().filter(|_| matches!(key.as_str(), Some("values" | "valuesTemplate")));
                    let maps = items.unwrap_or_default().iter().filter(|item| matches!(item.data, NodeData::Mapping(_)));
                    if is_own {
                        self.own.extend(maps)
                    } else {
                        self.others.extend(maps)
                    }
                    self.look(value, release, is_own);
                }
            }
            NodeData::Sequence(items) => items.iter().for_each(|item| self.look(item, release, is_own)),
            _ => {}
        }
    }
}

/// The text of a mapping, cut out of the text that it stands in.
fn cuts(text: &str, node: &Node) -> Vec<String> {
    let start = place::byte_at(text.as_bytes(), node.line, node.column);
    if node.style.flow {
        return flow(text.get(start..).unwrap_or_default())
            .filter(|cut| cut.contains("{{"))
            .map(|cut| format!("{cut}\n"))
            .into_iter()
            .collect();
    }
    // An anchor may stand before the first key, on a line of its own.
    let key = node.entries().and_then(|entries| entries.first()).map_or(node, |(key, _)| key);
    let column = (key.column as usize).saturating_sub(1);
    let lines: Vec<&str> = text.lines().collect();
    let first = (key.line as usize).saturating_sub(1);
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let belongs = |line: &&&str| {
        let bare = line.trim_start();
        bare.is_empty() || bare.starts_with("{{") || bare.starts_with('#') || indent(line) >= column
    };
    let length = 1 + lines.iter().skip(first + 1).take_while(belongs).count();
    let body: Vec<&str> = lines.iter().skip(first).take(length).copied().collect();
    // Comments further out, and templates, may belong to what follows.
    let is_loose = |line: &&&str| line.trim().is_empty() || line.trim_start().starts_with('#') && indent(line) < column;
    let ends = |line: &&&str| is_loose(line) || line.trim_start().starts_with("{{") && indent(line) < column;
    let tight = body.len() - body.iter().rev().take_while(ends).count();
    let loose = body.len() - body.iter().rev().take_while(is_loose).count();
    let head = head(&lines, first, column);
    let mut lengths = vec![tight, loose];
    lengths.dedup();
    lengths.into_iter().map(|length| shifted(&head, body.get(..length).unwrap_or_default(), column)).collect()
}

/// Comments above a list's item, up to what stands before it.
fn head<'t>(lines: &[&'t str], first: usize, column: usize) -> Vec<&'t str> {
    let is_item = lines.get(first).and_then(|line| line.get(..column)).is_some_and(|before| before.trim_end().ends_with('-'));
    let above = lines.get(..first).unwrap_or_default();
    // What stands further in than the dash may be the end of a text in the item before.
    let dash = lines.get(first).and_then(|line| line.find('-')).filter(|_| is_item).unwrap_or(usize::MAX);
    let is_comment = |line: &&&str| line.trim_start().starts_with('#') && line.len() - line.trim_start().len() <= dash;
    let count = above.iter().rev().take_while(is_comment).count();
    let comments = above.iter().skip(first - count).map(|line| line.trim());
    if is_item {
        return comments.collect();
    }
    // The item may begin on a line of its own: `-`, `- # remark`, `- &anchor`.
    let Some(rest) = above.get(..first - count).and_then(<[&str]>::last).and_then(|line| line.trim_start().strip_prefix('-')) else {
        return Vec::new();
    };
    let remark = rest.find('#').and_then(|at| rest.get(at..));
    remark.into_iter().chain(comments).collect()
}

/// Lines of a mapping at the left edge, with comments above it.
fn shifted(head: &[&str], body: &[&str], column: usize) -> String {
    let mut out: String = head.iter().map(|line| format!("{line}\n")).collect();
    for (at, line) in body.iter().enumerate() {
        let spaces = if at == 0 { column } else { line.len() - line.trim_start_matches(' ').len() };
        out.push_str(line.get(spaces.min(column)..).unwrap_or_default().trim_end_matches('\r'));
        out.push('\n');
    }
    out
}

/// The text of a mapping in braces, which a text begins with.
fn flow(text: &str) -> Option<&str> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return text.get(..=at);
                }
            }
            _ => {}
        }
    }
    None
}

/// A mapping written anew in block style: its order and comments stay.
fn anew(node: &Node) -> Option<String> {
    let mut node = compose::resolve(node.clone()).ok()?;
    open(&mut node);
    compose::emit(&node).ok()
}

fn open(node: &mut Node) {
    if let Some(extra) = &mut node.extra {
        extra.anchor = Default::default();
    }
    let is_empty = node.items().is_some_and(<[Node]>::is_empty) || node.entries().is_some_and(<[(Node, Node)]>::is_empty);
    node.style = Style { flow: node.style.flow && is_empty, ..node.style };
    match &mut node.data {
        NodeData::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| open(value)),
        NodeData::Sequence(items) => items.iter_mut().for_each(open),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "environments: {prod: {}, dev: {}}\n---\nreleases:\n- name: other\n  values:\n  - z: 1\n- name: web\n  values:\n  - a.yaml\n  # how many\n  - replicas: 3 # three\n    # where\n    host:\n      name: {{ .Values.host }}\n\n    text: |\n      x\n\n        y\n  - {size: {{ .Values.size | quote }}, b: \"}\"}\n{{- if .Values.more }}\n- name: more\n{{- end }}\n";

    #[test]
    fn values_are_cut_with_their_comments() {
        let found = inline_values(TEXT, "web", Stage::Written);
        assert_eq!(found[0], "# how many\nreplicas: 3 # three\n# where\nhost:\n  name: {{ .Values.host }}\n\ntext: |\n  x\n\n    y\n");
        assert_eq!(found[1], "{size: {{ .Values.size | quote }}, b: \"}\"}\n");
        assert!(found.iter().any(|cut| cut == "z: 1\n"));
    }

    #[test]
    fn plain_values_in_braces_are_written_in_lines() {
        let found = inline_values("releases:\n- name: web\n  values: [{b: {c: [1, 2], d: {}}, a: x}] # why\n", "web", Stage::Executed);
        assert_eq!(found[0], "b:\n  c:\n  - 1\n  - 2\n  d: {}\na: x\n");
    }

    #[test]
    fn aliases_and_templates_of_lists_are_found() {
        let text = "x: &common\n  # all\n  a: 1\nlist:\n- values:\n  - &other # one\n    # two\n    c: '{{d}}'\nreleases:\n- name: web\n  values:\n  - *common\n  - <<: *common\n    b: 2\n";
        let found = inline_values(text, "web", Stage::Executed);
        assert!(found.contains(&"a: 1\n".to_owned()), "{found:?}");
        assert!(found.contains(&"# one\n# two\nc: '{{d}}'\n".to_owned()), "{found:?}");
        assert!(found.iter().any(|cut| cut.contains("b: 2") && cut.contains("a: 1") && !cut.contains('*')), "{found:?}");
    }

    #[test]
    fn environments_and_bases_are_found_behind_templates() {
        assert_eq!(environments(TEXT), ["prod", "dev"]);
        assert_eq!(
            environments("{{ $x := 1 }}\nenvironments:\n  a:\n    values: [{{ $x }}.yaml]\n  'B b': {}\n  {{ $y }}: {}\n"),
            ["a", "B b"]
        );
        assert_eq!(bases("bases:\n- env.yaml\n---\nbases: [x/{{ .y }}.yaml]\n"), ["env.yaml", "x/xxxxxxxx.yaml"]);
    }

    #[test]
    fn values_of_an_environment() {
        let part = SourceFile::new("h", "environments:\n  prod:\n    values:\n    - # first\n      a: 1\n    - e.yaml\n".as_bytes());
        let found = environment_values(&part, "prod");
        assert!(matches!(&found[..], [EnvironmentEntry::Inline(a), EnvironmentEntry::File(b)] if a == "# first\na: 1\n" && b == "e.yaml"));
        assert!(environment_values(&part, "dev").is_empty());
    }

    /// Lines of a mapping with remarks, a level of it indented by some spaces.
    fn lines(depth: u32) -> BoxedStrategy<Vec<String>> {
        let scalar = prop_oneof![
            Just("1"),
            Just("\"# no remark\""),
            Just("'a: b'"),
            Just("[1, {x: y}]"),
            Just("{}"),
            Just("~"),
            Just("{{ .Values.x }}")
        ];
        let leaf =
            (scalar, any::<bool>()).prop_map(|(value, has_remark)| vec![format!(" {value}{}", if has_remark { " # remark" } else { "" })]);
        let block = Just(vec![" |".to_owned(), "  text".to_owned(), String::new(), "   # text".to_owned()]);
        let value = if depth == 0 {
            prop_oneof![leaf, block].boxed()
        } else {
            let nested = (lines(depth - 1), 1usize..4).prop_map(|(inner, indent)| {
                let inner = inner.into_iter().map(move |line| if line.is_empty() { line } else { format!("{}{line}", " ".repeat(indent)) });
                std::iter::once(String::new()).chain(inner).collect::<Vec<_>>()
            });
            prop_oneof![leaf, block, nested].boxed()
        };
        let above = prop_oneof![Just(Vec::new()), Just(vec!["# above".to_owned()]), Just(vec![String::new()])];
        proptest::collection::vec((above, value), 1..4)
            .prop_map(|entries| {
                let entry = |(at, (above, value)): (usize, (Vec<String>, Vec<String>))| {
                    let mut value = value.into_iter();
                    let first = format!("k{at}:{}", value.next().unwrap_or_default());
                    let above = if at == 0 { Vec::new() } else { above };
                    above.into_iter().chain([first]).chain(value).collect::<Vec<_>>()
                };
                entries.into_iter().enumerate().flat_map(entry).collect()
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn what_is_cut_is_what_was_put_there(values in lines(2), others in lines(1), dash in 0usize..4, gap in 1usize..4) {
            let item = |lines: &[String]| -> String {
                let pad = |at: usize| if at == 0 { format!("{}-{}", " ".repeat(2 + dash), " ".repeat(gap)) } else { " ".repeat(3 + dash + gap) };
                lines.iter().enumerate().map(|(at, line)| if line.is_empty() { "\n".to_owned() } else { format!("{}{line}\n", pad(at)) }).collect()
            };
            let text = format!(
                "releases:\n- name: a\n  values:\n{}- name: web\n  values:\n{}{}  set: []\n- name: z\n",
                item(&others), item(&others), item(&values)
            );
            let mut wanted = values.join("\n").trim_end().to_owned();
            wanted.push('\n');
            let found = inline_values(&text, "web", Stage::Written);
            prop_assert!(found.iter().any(|cut| cut.trim_end() == wanted.trim_end()), "{wanted:?} is not in {found:?}");
        }
    }
}
