//! What every format shows of a review, in this order: the verdict, dangers, what many objects have in common, each component's objects, and in one line what
//! readers are mostly not interested in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use similar::{ChangeTag, TextDiff};

use hydrate_base::Change;
use hydrate_base::plain::counted;
use hydrate_yaml::emit::{self, write_node};
use hydrate_yaml::node::{Data, Node};

use crate::dangers::{Finding, Level};
use crate::difference::{ChangeKind, FieldChange};
use crate::groups::{Group, groups};
use crate::mask;
use crate::noise::Noise;
use crate::object::Object;
use crate::pairing::Kinship;
use crate::path::Step;
use crate::review::{ObjectChange, OtherFile, Review};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// Whether noise is shown as everything else is.
    pub noise: bool,
    /// Whether new objects are shown to their last line.
    pub full: bool,
}

/// What to make of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes.
    Nothing,
    /// Images and versions, and nothing dangerous.
    Routine,
    /// Something that has to be read.
    Review,
    /// Something that must not be missed.
    Dangerous,
}

impl Verdict {
    /// `no changes`, `routine`, `review`, `dangerous`
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing => "no changes",
            Self::Routine => "routine",
            Self::Review => "review",
            Self::Dangerous => "dangerous",
        }
    }
}

/// How many objects there are of what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// New ones.
    pub created: usize,
    /// Those with changes that have to be read.
    pub changed: usize,
    /// Those that are gone.
    pub deleted: usize,
    /// Those that have another name.
    pub renamed: usize,
    /// Those that are in another component.
    pub moved: usize,
    /// Those with nothing but noise.
    pub noise: usize,
}

impl Counts {
    /// `1 created, 2 changed`; `nothing to read` where there is but noise.
    pub fn words(&self) -> String {
        let all = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.deleted, "deleted"),
            (self.renamed, "renamed"),
            (self.moved, "moved"),
        ];
        let said: Vec<String> = all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if said.is_empty() { "nothing to read".to_owned() } else { said.join(", ") }
    }
}

/// How a line is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Where something is.
    Place,
    /// What was there.
    Old,
    /// What is there.
    New,
    /// A value and the one in its place, in one line.
    Both,
    /// What stays, and remarks.
    Context,
}

/// A line of a difference. What it holds is not fit to be shown yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) sign: Sign,
    pub(crate) text: String,
}

/// Objects that are told together, and what is told of them.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `created`, `changed`, `deleted`, `renamed`, `moved`
    pub(crate) word: &'static str,
    /// The numbers of the objects.
    pub(crate) objects: Vec<usize>,
    /// What else is to be known: the former name, the former component.
    pub(crate) remarks: Vec<String>,
    /// What differs.
    pub(crate) lines: Vec<Line>,
}

/// What is folded.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    /// Objects with nothing else.
    pub(crate) objects: usize,
    /// How many changes there are of each kind.
    pub(crate) kinds: BTreeMap<Noise, usize>,
    /// Workloads whose pods are made anew because of that alone.
    pub(crate) restarts: usize,
}

impl Folded {
    /// `298 objects change in nothing but labels and annotations with versions (12 of them restart their pods)`
    pub(crate) fn words(&self) -> Option<String> {
        if self.kinds.is_empty() {
            return None;
        }
        let kinds: Vec<&str> = self.kinds.keys().map(|noise| noise.words().1).collect();
        let restarts = match self.restarts {
            0 => String::new(),
            count => {
                format!("; {} for that", if count == 1 { "1 restarts its pods".to_owned() } else { format!("{count} restart their pods") })
            }
        };
        Some(match self.objects {
            0 => format!("not shown: {}", kinds.join(", ")),
            1 => format!("1 object changes in nothing but {}{restarts}", kinds.join(", ")),
            count => format!("{count} objects change in nothing but {}{restarts}", kinds.join(", ")),
        })
    }
}

/// Findings that say the same of several objects.
#[derive(Debug)]
pub(crate) struct Told<'r> {
    pub(crate) finding: &'r Finding,
    /// The others.
    pub(crate) more: Vec<&'r Finding>,
}

/// A review, as it is shown.
#[derive(Debug)]
pub(crate) struct View<'r> {
    pub(crate) review: &'r Review,
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    pub(crate) dangers: Vec<Told<'r>>,
    pub(crate) wide: Vec<Entry>,
    pub(crate) components: BTreeMap<&'r str, Vec<Entry>>,
    pub(crate) folded: Folded,
    pub(crate) others: Vec<&'r OtherFile>,
}

impl<'r> View<'r> {
    pub(crate) fn new(review: &'r Review, shown: Shown) -> Self {
        let objects = &review.objects;
        let is_wanted = |_: usize, field: &FieldChange| shown.noise || field.noise.is_none();
        let (mut wide, mut components): (Vec<Entry>, BTreeMap<&str, Vec<Entry>>) = (Vec::new(), BTreeMap::new());
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for group in groups(objects, is_wanted) {
            let is_wide = group.objects.len() > 1;
            let lines = group.fields.iter().flat_map(|field| lines(field, shown)).collect();
            let Some((first, object)) = group.objects.first().and_then(|at| Some((*at, objects.get(*at)?))) else { continue };
            if is_wide {
                wide.push(Entry { word: "changed", objects: group.objects, remarks: Vec::new(), lines });
            } else {
                told.insert(first);
                let entry = Entry { word: word(object), objects: vec![first], remarks: remarks(object), lines };
                components.entry(component(object)).or_default().push(entry);
            }
        }
        for (at, object) in objects.iter().enumerate().filter(|(at, _)| !told.contains(at)) {
            let remarks = remarks(object);
            let content = match (&object.before, &object.after) {
                (None, Some(new)) => content(new, shown),
                _ => Vec::new(),
            };
            if object.change() != Change::Changed || !remarks.is_empty() {
                let entry = Entry { word: word(object), objects: vec![at], remarks, lines: content };
                components.entry(component(object)).or_default().push(entry);
            }
        }
        components.values_mut().for_each(|entries| entries.sort_by_key(|entry| entry.objects.first().copied()));
        Self {
            verdict: verdict(review),
            counts: counts(objects),
            dangers: told_together(&review.findings),
            folded: if shown.noise { Folded::default() } else { folded(objects) },
            others: review.others.iter().filter(|file| shown.noise || !file.is_index).collect(),
            review,
            wide,
            components,
        }
    }

    /// Whether nothing at all is shown.
    pub(crate) fn is_empty(&self) -> bool {
        let review = self.review;
        review.objects.is_empty() && review.others.is_empty() && review.findings.is_empty() && review.rewritten.is_empty()
    }

    pub(crate) fn object(&self, at: usize) -> Option<&'r ObjectChange> {
        self.review.objects.get(at)
    }

    /// `Deployment shop/web`, `Deployment shop/web and 49 more`
    pub(crate) fn title(&self, entry: &Entry) -> String {
        let first = entry.objects.first().and_then(|at| self.object(*at)?.object()).map(Object::title).unwrap_or_default();
        match entry.objects.len() {
            0 | 1 => first,
            more => format!("{first} and {} more", more - 1),
        }
    }

    /// Findings of which each has to be told, and those that are only worth a look.
    pub(crate) fn by_weight(&self) -> (Vec<&Told<'r>>, Vec<&Told<'r>>) {
        self.dangers.iter().partition(|told| told.finding.level != Level::Note)
    }

    /// What is said in one line of files that say the same in another way, and of indexes that follow from the others.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self.folded.words().map(|words| format!("{words} (--show-noise shows them)")).into_iter().collect();
        match self.review.rewritten.as_slice() {
            [] => {}
            [one] => remarks.push(format!("{one} differs in nothing but comments and the way it is written")),
            [one, ..] => {
                let count = self.review.rewritten.len();
                remarks.push(format!(
                    "{count} files differ in nothing but comments and the way they are written: {one} and {} more",
                    count - 1
                ));
            }
        }
        let indexes = self.review.others.iter().filter(|file| file.is_index).count();
        if indexes > 0 && self.others.iter().all(|file| !file.is_index) && self.review.objects.is_empty() {
            remarks.push(format!("{} differ", counted(indexes, "list of files (kustomization.yaml)").replace(")s", ")")));
        }
        remarks
    }

    /// The titles of all objects of an entry.
    pub(crate) fn titles(&self, entry: &Entry) -> Vec<String> {
        entry.objects.iter().filter_map(|at| Some(self.object(*at)?.object()?.title())).collect()
    }

    /// `50 objects: 30 ConfigMaps, 20 Services`
    pub(crate) fn kinds(&self, entry: &Entry) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for object in entry.objects.iter().filter_map(|at| self.object(*at)?.object()) {
            *kinds.entry(object.kind()).or_default() += 1;
        }
        let mut kinds: Vec<(&str, usize)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        let more = kinds.len().saturating_sub(4);
        let mut said: Vec<String> = kinds.into_iter().take(4).map(|(kind, count)| format!("{count} {kind}")).collect();
        if more > 0 {
            said.push(format!("{} more", counted(more, "kind")));
        }
        format!("{}: {}", counted(entry.objects.len(), "object"), said.join(", "))
    }
}

fn component(object: &ObjectChange) -> &str {
    object.object().map(|object| &*object.component).unwrap_or_default()
}

fn word(object: &ObjectChange) -> &'static str {
    match object.kinship {
        Kinship::Renamed => "renamed",
        _ if object.is_moved() => "moved",
        _ => object.change().word(),
    }
}

fn remarks(object: &ObjectChange) -> Vec<String> {
    let Some((before, after)) = object.both() else { return Vec::new() };
    let mut remarks = Vec::new();
    if object.kinship == Kinship::Renamed {
        remarks.push(format!("was {}: that one goes, and this one is new", before.title()));
    }
    if object.is_moved() {
        remarks.push(format!("from component {} to {}", before.component, after.component));
    }
    remarks
}

fn counts(objects: &[ObjectChange]) -> Counts {
    let mut counts = Counts::default();
    for object in objects {
        let count = match (object.change(), object.kinship) {
            (Change::Created, _) => &mut counts.created,
            (Change::Deleted, _) => &mut counts.deleted,
            (Change::Changed, Kinship::Renamed) => &mut counts.renamed,
            _ if object.is_moved() => &mut counts.moved,
            _ if object.is_noise() => &mut counts.noise,
            _ => &mut counts.changed,
        };
        *count += 1;
    }
    counts
}

fn verdict(review: &Review) -> Verdict {
    if review.findings.iter().any(|finding| finding.level == Level::Danger) {
        return Verdict::Dangerous;
    }
    if review.objects.is_empty() && review.others.is_empty() && review.rewritten.is_empty() && review.findings.is_empty() {
        return Verdict::Nothing;
    }
    let is_version = |field: &FieldChange| field.noise.is_some() || field.path.last_key() == Some("image");
    let is_routine = |object: &ObjectChange| {
        object.both().is_some() && !object.is_moved() && object.kinship != Kinship::Renamed && object.fields.iter().all(is_version)
    };
    let is_calm = review.findings.iter().all(|finding| finding.level == Level::Note);
    let only_indexes = review.others.iter().all(|file| file.is_index);
    if is_calm && only_indexes && review.objects.iter().all(is_routine) { Verdict::Routine } else { Verdict::Review }
}

fn folded(objects: &[ObjectChange]) -> Folded {
    const TEMPLATES: &[&[&str]] = &[&["spec", "template"]];
    let mut folded = Folded::default();
    for object in objects.iter() {
        object.fields.iter().filter_map(|field| field.noise).for_each(|noise| *folded.kinds.entry(noise).or_default() += 1);
        if object.is_noise() {
            folded.objects += 1;
            let is_workload =
                object.object().is_some_and(|object| matches!(object.group_kind(), ("apps", "Deployment" | "StatefulSet" | "DaemonSet")));
            let restarts = object.fields.iter().any(|field| TEMPLATES.iter().any(|template| field.path.starts_with(template)));
            folded.restarts += usize::from(is_workload && restarts);
        }
    }
    folded
}

fn told_together(findings: &[Finding]) -> Vec<Told<'_>> {
    let mut all: Vec<Told<'_>> = Vec::new();
    let mut known: BTreeMap<(&str, &str, &[String], &Option<String>, &Option<String>), usize> = BTreeMap::new();
    for finding in findings {
        let key = (finding.code, finding.message.as_str(), finding.notes.as_slice(), &finding.old, &finding.new);
        match known.get(&key).and_then(|at| all.get_mut(*at)) {
            Some(told) => told.more.push(finding),
            None => {
                known.insert(key, all.len());
                all.push(Told { finding, more: Vec::new() });
            }
        }
    }
    all.sort_by_key(|told| told.finding.level);
    all
}

// ---- lines

/// More lines of a new object are shown only where everything is asked for.
const NEW_LINES: usize = 40;

/// Longer values are cut in the middle of a line.
const LONGEST: usize = 140;

/// What a new object holds.
fn content(object: &Object, shown: Shown) -> Vec<Line> {
    let all = yaml_lines(&object.root);
    let most = if shown.full || all.len() <= NEW_LINES + 5 { all.len() } else { NEW_LINES };
    let more = all.len() - most;
    let mut lines: Vec<Line> = all.into_iter().take(most).map(|text| Line { sign: Sign::New, text }).collect();
    if more > 0 {
        lines.push(Line { sign: Sign::Context, text: format!("… {} more", counted(more, "line")) });
    }
    lines
}

/// How a change of a field is told.
pub(crate) fn lines(field: &FieldChange, shown: Shown) -> Vec<Line> {
    let line = |sign, text: String| Line { sign, text };
    let path = field.path.to_string();
    if let Some(word) = field.hidden() {
        let sign = match field.kind {
            ChangeKind::Added => Sign::New,
            ChangeKind::Removed => Sign::Old,
            _ => Sign::Both,
        };
        return vec![line(sign, format!("{path}: {} ({word})", field.kind.word()))];
    }
    let inner = field.inside.iter().filter(|inner| shown.noise || inner.noise.is_none());
    if !field.inside.is_empty() {
        return inner.flat_map(|inner| lines(inner, shown)).collect();
    }
    match (&field.old, &field.new) {
        (Some(old), Some(new)) if field.kind == ChangeKind::Reordered => {
            let names = |node: &Node| node.items().unwrap_or_default().iter().filter_map(Node::as_str).collect::<Vec<_>>().join(", ");
            vec![
                line(Sign::Place, format!("{path}: in another order")),
                line(Sign::Old, format!("  {}", names(old))),
                line(Sign::New, format!("  {}", names(new))),
            ]
        }
        (Some(old), Some(new)) => changed(&path, field, old, new),
        (None, Some(new)) => one_sided(&path, field, new, Sign::New),
        (Some(old), None) => one_sided(&path, field, old, Sign::Old),
        (None, None) => Vec::new(),
    }
}

fn changed(path: &str, field: &FieldChange, old: &Node, new: &Node) -> Vec<Line> {
    let (Some(before), Some(after)) = (short(old), short(new)) else { return blocks(path, old, new) };
    let remark = if field.noise == Some(Noise::Formatting) { " (written differently)" } else { "" };
    let (before, after) = around_difference(&before, &after);
    vec![Line { sign: Sign::Both, text: format!("{path}: {before} → {after}{remark}") }]
}

/// Values of several lines: texts are compared line by line.
fn blocks(path: &str, old: &Node, new: &Node) -> Vec<Line> {
    let mut lines = vec![Line { sign: Sign::Place, text: format!("{path}:") }];
    if let (Some(before), Some(after)) = (old.as_str(), new.as_str()) {
        let text = TextDiff::from_lines(before, after);
        for (number, hunk) in text.unified_diff().context_radius(2).iter_hunks().enumerate() {
            if number > 0 {
                lines.push(Line { sign: Sign::Context, text: "  …".to_owned() });
            }
            for change in hunk.iter_changes() {
                let sign = match change.tag() {
                    ChangeTag::Equal => Sign::Context,
                    ChangeTag::Delete => Sign::Old,
                    ChangeTag::Insert => Sign::New,
                };
                let value = change.value();
                let end = if value.ends_with('\n') { "" } else { " (no line break at the end)" };
                lines.push(Line { sign, text: format!("  {}{end}", value.strip_suffix('\n').unwrap_or(value)) });
            }
        }
        return lines;
    }
    let side = |node: &Node, sign| yaml_lines(node).into_iter().map(move |text| Line { sign, text: format!("  {text}") });
    lines.extend(side(old, Sign::Old));
    lines.extend(side(new, Sign::New));
    lines
}

fn one_sided(path: &str, field: &FieldChange, node: &Node, sign: Sign) -> Vec<Line> {
    let is_member = matches!(field.path.0.last(), Some(Step::Member(_)));
    match short(node) {
        _ if is_member => vec![Line { sign, text: path.to_owned() }],
        Some(text) => vec![Line { sign, text: format!("{path}: {}", cut(&text)) }],
        None => {
            let mut lines = vec![Line { sign, text: format!("{path}:") }];
            lines.extend(yaml_lines(node).into_iter().map(|text| Line { sign, text: format!("  {text}") }));
            lines
        }
    }
}

/// A value that stands in a line: scalars without line breaks, and what is empty.
fn short(node: &Node) -> Option<String> {
    if let Some(word) = mask::word(node) {
        return Some(format!("({word})"));
    }
    match &node.data {
        Data::Scalar(text) if text.contains('\n') => None,
        Data::Scalar(text) if text.is_empty() => Some("\"\"".to_owned()),
        Data::Scalar(text) => Some(quoted(node, text)),
        Data::Sequence(items) if items.is_empty() => Some("[]".to_owned()),
        Data::Mapping(entries) if entries.is_empty() => Some("{}".to_owned()),
        Data::Alias(name) => Some(format!("*{name}")),
        _ => None,
    }
}

/// A value in one line, cut where it is long.
pub(crate) fn brief(node: &Node) -> String {
    match short(node) {
        Some(text) => cut(&text),
        None => cut(&mask_json(node)),
    }
}

fn mask_json(node: &Node) -> String {
    crate::value::json(&mask::shown(node)).to_string()
}

/// A text that would read as something else stands in quotes.
fn quoted(node: &Node, text: &str) -> String {
    let is_text = matches!(crate::value::scalar(node), hydrate_yaml::resolve::Scalar::Str(_));
    let looks_different = !matches!(
        hydrate_yaml::resolve::plain(text, hydrate_yaml::Dialect::V2),
        hydrate_yaml::resolve::Scalar::Str(_) | hydrate_yaml::resolve::Scalar::Timestamp(_)
    );
    if is_text && (looks_different || text.trim() != text) { format!("\"{text}\"") } else { text.to_owned() }
}

/// The lines of a tree as YAML, with words in the place of what is hidden.
pub(crate) fn yaml_lines(node: &Node) -> Vec<String> {
    let mut text = Vec::new();
    match write_node(&mask::shown(node), emit::Dialect::KUSTOMIZE, &mut text) {
        Ok(()) => String::from_utf8_lossy(&text).lines().map(|line| cut_line(line).into_owned()).collect(),
        Err(error) => vec![format!("({error})")],
    }
}

fn cut_line(line: &str) -> Cow<'_, str> {
    const LINE: usize = 400;
    match line.char_indices().nth(LINE) {
        Some((at, _)) => {
            Cow::Owned(format!("{}… {} more", line.get(..at).unwrap_or_default(), counted(line.chars().count() - LINE, "character")))
        }
        None => Cow::Borrowed(line),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}… ({})", text.get(..at).unwrap_or_default(), counted(text.chars().count(), "character")),
        None => text.to_owned(),
    }
}

/// Two values, of which what is long is cut around where they differ.
fn around_difference(old: &str, new: &str) -> (String, String) {
    if old.chars().count() <= LONGEST && new.chars().count() <= LONGEST {
        return (old.to_owned(), new.to_owned());
    }
    let common = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let from = common.saturating_sub(20);
    let part = |text: &str| {
        let shown: String = text.chars().skip(from).take(LONGEST).collect();
        let (start, end) = (if from > 0 { "…" } else { "" }, if text.chars().count() > from + LONGEST { "…" } else { "" });
        format!("{start}{shown}{end}")
    };
    (part(old), part(new))
}

impl Group<'_> {
    /// Whether it is about more than one object.
    pub fn is_wide(&self) -> bool {
        self.objects.len() > 1
    }
}
