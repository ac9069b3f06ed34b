//! Lines of what is no template of a chart: kustomizations, plain files, templates of other kinds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{SourceFile, World, place};
use hydrate_gotmpl::trace::ValuePath;
use hydrate_kustomize::explain::{NAMES, StepTaken};
use hydrate_source::{Document, Source, compose};
use hydrate_yaml::node::{Data, Node};

use super::layers::{Definition, parse_path};
use super::lines::Fields;
use super::stages::Stage;
use super::{Cause, Cursor, Explainer, Explanation, Maps, Place, is_object};

/// Goes back through the steps of a kustomization. `None` where one of them has made the line.
pub(super) fn through_steps<'t>(
    explainer: &'t Explainer<'_>,
    stage: &'t Stage,
    mut cursor: Cursor<'t>,
    maps: &Maps<'t>,
    explanation: &mut Explanation,
) -> Option<Cursor<'t>> {
    for step in stage.steps.iter().rev() {
        let Some(changed) = step.changed.iter().find(|changed| changed.after.kind == cursor.kind && changed.after.name == cursor.name)
        else {
            continue;
        };
        let Some(after) = cursor.back(&changed.after.text, maps) else { continue };
        let before = changed.before.as_ref().and_then(|before| {
            let line = maps.fields(after.text).same_in(after.line, &maps.fields(&before.text))?;
            Some(Cursor { kind: &before.kind, name: &before.name, text: &before.text, line })
        });
        // The same field with the same text, or the same line of a list whose items have moved.
        let same = before.filter(|before| before.text().trim() == after.text().trim());
        let moved = || {
            changed.before.as_ref().and_then(|before| {
                let found = after.back(&before.text, maps)?;
                (found.text().trim() == after.text().trim()).then_some(Cursor { kind: &before.kind, name: &before.name, ..found })
            })
        };
        if let Some(same) = same.or_else(moved) {
            cursor = same;
            continue;
        }
        let cause = cause(explainer, step, &after);
        explanation.kind = format!("kustomization: {}", cause.what);
        explanation.place = Some(cause.place);
        explanation.notes.extend(before.map(|before| format!("before, it was `{}`", before.text().trim())));
        return None;
    }
    Some(cursor)
}

/// What a step of a kustomization is called, and where it was asked for: in the patch itself, where the field stands there.
fn cause(explainer: &Explainer<'_>, step: &StepTaken, after: &Cursor<'_>) -> Cause {
    let what = match (step.field, step.entry) {
        (NAMES, _) => "names with the digest of their content, and what refers to them".to_owned(),
        (field, Some(entry)) => format!("{field}[{entry}]"),
        (field, None) => field.to_owned(),
    };
    let place = in_patch(explainer, step, after).unwrap_or_else(|| Place::of(&step.file, step.span.start, step.file.name.clone()));
    Cause { what, place }
}

/// The line of a patch that has the field of a line.
fn in_patch(explainer: &Explainer<'_>, step: &StepTaken, after: &Cursor<'_>) -> Option<Place> {
    let text = step.file.utf8().ok()?;
    let root = compose::stream(&step.file, 0, text).ok()?.into_iter().next()?;
    let entry = root.get(step.field)?.items()?.get(step.entry?)?;
    let path = match step.field {
        "patchesStrategicMerge" => entry.as_str().map(str::to_owned),
        _ => entry.get("path").and_then(Node::as_str).map(str::to_owned),
    };
    let inline = match step.field {
        "patchesStrategicMerge" => Some(entry),
        _ => entry.get("patch"),
    };
    let patch = match path.filter(|path| !path.contains('\n')) {
        Some(path) => {
            let directory = explainer.conditions.project.root.join(Path::new(&step.file.name));
            let path = crate::project::paths::normal(&directory.parent()?.join(path));
            let text = explainer.conditions.world().read(&path).ok()?;
            Patch { file: SourceFile::new(explainer.conditions.project.shown(&path), text), first: 0, indent: 0 }
        }
        None => {
            let inline = inline?;
            let block = place::line_range(&step.file.text, inline.line as usize + 1);
            let indent = step.file.text.get(block)?.iter().take_while(|byte| **byte == b' ').count();
            let text = inline.as_str()?.as_bytes().to_vec();
            Patch { file: SourceFile::new(step.file.name.clone(), text), first: inline.line as usize, indent }
        }
    };
    let line = patch.line_of(after)?;
    let source = patch.file.text.get(patch.file.line_range(line + 1))?;
    let source = String::from_utf8_lossy(source).trim_end().to_owned();
    let column = patch.indent + 1 + source.len() - source.trim_start().len();
    Some(Place { file: patch.file.name.clone(), line: patch.first + line + 1, column, source })
}

/// A patch in a file of its own, or in the kustomization.
struct Patch {
    file: Arc<SourceFile>,
    /// How many lines stand before it in the file that users know.
    first: usize,
    /// How far it is indented there.
    indent: usize,
}

impl Patch {
    /// The line that a patch sets a field in: the field itself, or the operation on it.
    fn line_of(&self, after: &Cursor<'_>) -> Option<usize> {
        let text = std::str::from_utf8(&self.file.text).ok()?;
        let fields = Fields::of(after.text);
        for piece in hydrate_source::split(text) {
            if let Some(line) = fields.same_in(after.line, &Fields::of(piece.text)) {
                let before = text.as_bytes().get(..piece.start)?;
                return Some(memchr::memchr_iter(b'\n', before).count() + line);
            }
        }
        let root = compose::stream(&self.file, 0, text).ok()?.into_iter().next()?;
        let Data::Sequence(operations) = &root.data else { return None };
        let wanted = pointer(after.text, after.line)?;
        let is_it = |operation: &&Node| {
            let path = operation.get("path").and_then(Node::as_str).unwrap_or_default();
            let path = path.strip_suffix("/-").unwrap_or(path);
            !path.is_empty() && (wanted == path || wanted.starts_with(&format!("{path}/")))
        };
        let operation = operations.iter().rfind(is_it)?;
        let value = operation.get("value").filter(|value| value.line > 0).unwrap_or(operation);
        Some(value.line as usize - 1)
    }
}

/// The JSON pointer of the field in a line.
fn pointer(text: &str, line: usize) -> Option<String> {
    fn walk(node: &Node, line: u32, path: &str, found: &mut Option<String>) {
        match &node.data {
            Data::Mapping(entries) => entries.iter().for_each(|(key, value)| {
                let name = key.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1");
                let path = format!("{path}/{name}");
                if key.line == line {
                    *found = Some(path.clone());
                }
                walk(value, line, &path, found);
            }),
            Data::Sequence(items) => items.iter().enumerate().for_each(|(index, item)| {
                let path = format!("{path}/{index}");
                if item.line == line && found.is_none() {
                    *found = Some(path.clone());
                }
                walk(item, line, &path, found);
            }),
            _ => {}
        }
    }
    let documents = hydrate_yaml::compose(text.as_bytes()).ok()?;
    let mut found = None;
    walk(documents.first()?.root.as_ref()?, u32::try_from(line + 1).ok()?, "", &mut found);
    found
}

/// A line of a document that comes from a file as it is, from a template that is none of a chart, or from a generator.
pub(super) fn of_files(explainer: &Explainer<'_>, stage: &Stage, document: &Document, cursor: &Cursor<'_>, explanation: &mut Explanation) {
    if explanation.place.is_some() {
        return;
    }
    match &stage.source {
        Source::Jinja { path, shown, context } => of_jinja(explainer, (path, shown, context), document, cursor, explanation),
        Source::Helm(_) | Source::Helmfile(_) => of_chart_file(explainer, stage, document, cursor, explanation),
        Source::Kustomize(_) | Source::Raw { .. } => {
            let Some(name) = &document.origin.file else { return };
            let world = explainer.conditions.world();
            let Ok(text) = world.read(&explainer.conditions.project.root.join(name)) else {
                explanation.notes.push(format!("it comes from {name}"));
                return;
            };
            let file = SourceFile::new(name.clone(), text);
            match in_file(&file, cursor) {
                Some(line) => {
                    explanation.kind = "file".to_owned();
                    explanation.place = Some(Place::of(&file, file.line_range(line + 1).start, name.clone()));
                    indent_column(&mut explanation.place);
                }
                None => of_generator(&file, cursor, explanation),
            }
        }
    }
}

/// What chart files give as they are: CRDs.
fn of_chart_file(explainer: &Explainer<'_>, stage: &Stage, document: &Document, cursor: &Cursor<'_>, explanation: &mut Explanation) {
    let Some(wanted) = &document.origin.file else { return };
    for release in &stage.releases {
        let mut charts = vec![(release.chart.name().to_owned(), &release.chart)];
        while let Some((path, chart)) = charts.pop() {
            for file in &chart.files {
                if format!("{path}/{}", file.name) == *wanted {
                    let shown = explainer.conditions.project.shown(&Path::new(&chart.location).join(&file.name));
                    let file = SourceFile::new(shown.clone(), Arc::clone(&file.data));
                    if let Some(line) = in_file(&file, cursor) {
                        explanation.kind = "file of a chart".to_owned();
                        explanation.place = Some(Place::of(&file, file.line_range(line + 1).start, shown));
                        indent_column(&mut explanation.place);
                        return;
                    }
                }
            }
            charts.extend(chart.dependencies.iter().map(|inner| (format!("{path}/charts/{}", inner.name()), inner)));
        }
    }
    explanation.notes.push(format!("it comes from {}", document.origin));
}

/// A line begins at what stands in it.
fn indent_column(place: &mut Option<Place>) {
    if let Some(place) = place {
        place.column = 1 + place.source.len() - place.source.trim_start().len();
    }
}

/// The line of a file that a line of an object in it is.
fn in_file(file: &SourceFile, cursor: &Cursor<'_>) -> Option<usize> {
    let text = std::str::from_utf8(&file.text).ok()?;
    let before = |at: usize| text.as_bytes().get(..at).map(|before| memchr::memchr_iter(b'\n', before).count());
    let wanted = cursor.text.trim();
    let mut found = memchr::memmem::find_iter(text.as_bytes(), wanted.as_bytes());
    if let (Some(at), None) = (found.next(), found.next()) {
        let blank = cursor.text.len() - cursor.text.trim_start().len();
        let skipped = cursor.text.get(..blank)?.matches('\n').count();
        return Some(before(at)? + cursor.line - skipped.min(cursor.line));
    }
    let fields = Fields::of(cursor.text);
    for piece in hydrate_source::split(text) {
        if is_object(piece.text, cursor.kind, cursor.name)
            && let Some(line) = fields.same_in(cursor.line, &Fields::of(piece.text))
        {
            let same = piece.text.lines().nth(line).map(bare) == Some(bare(cursor.text()));
            return same.then(|| before(piece.start).map(|lines| lines + line)).flatten();
        }
    }
    None
}

/// A line without what writing it anew may change.
fn bare(line: &str) -> String {
    line.split(" #").next().unwrap_or_default().chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect()
}

/// A generator of a kustomization that made the object.
fn of_generator(file: &Arc<SourceFile>, cursor: &Cursor<'_>, explanation: &mut Explanation) {
    explanation.kind = "kustomization".to_owned();
    let root = file.utf8().ok().and_then(|text| compose::stream(file, 0, text).ok()).and_then(|roots| roots.into_iter().next());
    let entry = root.as_ref().and_then(|root| {
        ["configMapGenerator", "secretGenerator"].into_iter().find_map(|field| {
            let entries = root.get(field)?.items()?;
            let entry = entries.iter().find(|entry| entry.get("name").and_then(Node::as_str) == Some(cursor.name))?;
            Some((field, entry))
        })
    });
    match entry {
        Some((field, entry)) => {
            explanation.kind = format!("kustomization: {field}");
            let offset = place::byte_at(&file.text, entry.line, entry.column);
            explanation.place = Some(Place::of(file, offset, file.name.clone()));
        }
        None => {
            explanation.notes.push(format!("it comes from {}; which line of it cannot be said", file.name));
            explanation.kind = String::new();
        }
    }
}

/// Marks around the number of a line: what no template has.
const MARKS: (char, char) = ('\u{f0000}', '\u{f0001}');

/// A line of a MiniJinja template: it is rendered once more with the number of each line at its end.
fn of_jinja(
    explainer: &Explainer<'_>,
    (path, shown, context): (&PathBuf, &String, &minijinja::Value),
    document: &Document,
    cursor: &Cursor<'_>,
    explanation: &mut Explanation,
) {
    let Some(name) = &document.origin.file else { return };
    let world = explainer.conditions.world();
    let found = hydrate_source::jinja::render_marked(&world, path, shown, context, MARKS).ok().and_then(|marked| {
        let of_file = |(number, _): &&(usize, String)| marked.files.get(*number).is_some_and(|file| file.name == *name);
        let (_, text) = marked.texts.iter().find(of_file)?;
        let pieces = hydrate_source::split(text);
        let piece = pieces.iter().find(|piece| without_marks(piece.text).0.trim() == cursor.text.trim())?;
        let (plain, spots) = without_marks(piece.text);
        let blank = plain.get(..plain.len() - plain.trim_start().len())?.matches('\n').count();
        let (file, line) = spots.get(blank + cursor.line).copied().flatten()?;
        Some((Arc::clone(marked.files.get(file)?), line))
    });
    match found {
        Some((file, line)) => {
            explanation.kind = "template".to_owned();
            explanation.place = Some(Place::of(&file, file.line_range(line).start, file.name.clone()));
            indent_column(&mut explanation.place);
            explanation.values = super::jinja::values_of(explainer, (path, shown, context), document, cursor);
        }
        None => explanation.notes.push(format!("it comes from {name}; which line of it cannot be said")),
    }
}

/// A text without marks, and what the marks in each of its lines say: the number of a template and of its line. The innermost template's stands last.
fn without_marks(text: &str) -> (String, Vec<Option<(usize, usize)>>) {
    let mut plain = String::new();
    let mut spots = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut spot = None;
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(MARKS.0) {
            plain.push_str(before);
            let Some((mark, after)) = after.split_once(MARKS.1) else { break };
            let read = mark.split_once(' ').and_then(|(file, line)| Some((file.parse().ok()?, line.parse().ok()?)));
            spot = spot.or(read);
            rest = after;
        }
        plain.push_str(rest);
        spots.push(spot);
    }
    (plain, spots)
}

/// Where a helmfile gives a value itself, under `values` or `set` of a release; nothing where it is a template that is no YAML before it is rendered.
pub(super) fn in_helmfile(explainer: &Explainer<'_>, path: &ValuePath, definition: Definition<'_>) -> Option<Place> {
    let name = definition.layer.file.name.as_str();
    let inline = name.strip_prefix("values[").and_then(|rest| rest.split_once("] of release "));
    let set = if definition.layer.is_set() { name.strip_prefix("set ") } else { None };
    let helmfile = explainer.stages.iter().find_map(|stage| match &stage.source {
        Source::Helmfile(helmfile) => Some(helmfile),
        _ => None,
    })?;
    let text = explainer.conditions.world().read(&helmfile.path).ok()?;
    let file = SourceFile::new(helmfile.shown.clone(), text);
    let roots = compose::stream(&file, 0, file.utf8().ok()?).ok()?;
    let releases: Vec<&Node> = roots.iter().filter_map(|root| root.get("releases")?.items()).flatten().collect();
    let mut nodes = match (inline, set) {
        (Some((index, release)), _) => {
            let is_it = |node: &&&Node| node.get("name").and_then(Node::as_str) == Some(release);
            let found = releases.iter().find(is_it)?.get("values")?.items()?.get(index.parse::<usize>().ok()?)?;
            vec![walk(found, path)?]
        }
        (None, Some(wanted)) => {
            let entries = releases.iter().filter_map(|release| release.get("set")?.items()).flatten();
            entries
                .filter(|entry| entry.get("name").and_then(Node::as_str) == Some(wanted))
                .filter_map(|entry| entry.get("value"))
                .collect()
        }
        (None, None) => return None,
    };
    // Of several releases that set the same nobody knows which.
    let node = nodes.pop().filter(|_| nodes.is_empty())?;
    Some(Place::of(&file, place::byte_at(&file.text, node.line, node.column), file.name.clone()))
}

/// Where a kustomization gives a value of a chart: in `valuesInline`, or in the file that it names.
pub(super) fn in_kustomization(explainer: &Explainer<'_>, path: &ValuePath, definition: Definition<'_>) -> Option<Place> {
    definition.layer.file.name.strip_prefix("values ")?.parse::<usize>().ok()?;
    let world = explainer.conditions.world();
    for stage in &explainer.stages {
        let Source::Kustomize(kustomization) = &stage.source else { continue };
        let Ok(text) = world.read(&kustomization.path.join("kustomization.yaml")) else { continue };
        let file = SourceFile::new(format!("{}/kustomization.yaml", kustomization.shown), text);
        let Ok(roots) = compose::stream(&file, 0, file.utf8().ok()?) else { continue };
        let charts: Vec<&Node> = roots.iter().filter_map(|root| root.get("helmCharts")?.items()).flatten().collect();
        let [chart] = charts.as_slice() else { continue };
        if let Some(node) = chart.get("valuesInline").and_then(|inline| walk(inline, path)) {
            return Some(Place::of(&file, place::byte_at(&file.text, node.line, node.column), file.name.clone()));
        }
        let own = chart.get("valuesFile").and_then(Node::as_str).map(str::to_owned);
        let name = chart.get("name").and_then(Node::as_str).unwrap_or_default();
        let below = own.unwrap_or_else(|| format!("charts/{name}/values.yaml"));
        let text = world.read(&kustomization.path.join(&below)).ok()?;
        let values = SourceFile::new(format!("{}/{below}", kustomization.shown), text);
        let roots = compose::stream(&values, 0, values.utf8().ok()?).ok()?;
        let node = roots.iter().find_map(|root| walk(root, path))?;
        return Some(Place::of(&values, place::byte_at(&values.text, node.line, node.column), values.name.clone()));
    }
    None
}

pub(super) fn walk<'n>(root: &'n Node, path: &ValuePath) -> Option<&'n Node> {
    path.0.iter().try_fold(root, |node, segment| match segment {
        hydrate_gotmpl::trace::Segment::Key(key) => node.get(key),
        hydrate_gotmpl::trace::Segment::Index(index) => node.items()?.get(*index),
    })
}

/// Where the template of a values file has the line that was rendered to this one: the only line like it, or the only one with its key.
pub(super) fn in_values_template(explainer: &Explainer<'_>, rendered: &Place) -> Option<Place> {
    let name = rendered.file.strip_suffix(" (rendered)")?;
    let text = explainer.conditions.world().read(&explainer.conditions.project.root.join(name)).ok()?;
    let file = SourceFile::new(name, text);
    let lines: Vec<&str> = std::str::from_utf8(&file.text).ok()?.lines().collect();
    let only = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = lines.iter().enumerate().filter(|(_, line)| is_it(line)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    let key = rendered.source.split_once(':').map(|(key, _)| format!("{key}:")).filter(|key| !key.contains('{'));
    let at =
        only(&|line| line.trim_end() == rendered.source).or_else(|| only(&|line| key.as_ref().is_some_and(|key| line.starts_with(key))))?;
    Some(Place { column: rendered.column, ..Place::of(&file, file.line_range(at + 1).start, name.to_owned()) })
}

/// Where `set` of a component's file gives a value.
pub(super) fn set_place(file: &Arc<SourceFile>, wanted: &ValuePath) -> Option<Place> {
    let root = compose::stream(file, 0, file.utf8().ok()?).ok()?.into_iter().next()?;
    let sets = root.get("sources")?.items()?.iter().filter_map(|source| source.get("helm")?.get("set")?.entries());
    for (key, value) in sets.flatten() {
        let Some(path) = key.as_str().and_then(parse_path) else { continue };
        let Some(rest) = wanted.0.strip_prefix(path.0.as_slice()) else { continue };
        let node = rest.iter().try_fold(value, |node, segment| match segment {
            hydrate_gotmpl::trace::Segment::Key(key) => node.get(key),
            hydrate_gotmpl::trace::Segment::Index(index) => node.items()?.get(*index),
        });
        let Some(node) = node else { continue };
        return Some(Place::of(file, place::byte_at(&file.text, node.line, node.column), file.name.clone()));
    }
    None
}
