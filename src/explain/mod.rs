//! The `explain` room: where the lines of what was rendered come from, and what values do.
//!
//! Nothing of it is noted when components are rendered to be written. To explain a component it is rendered once more, with a witness that hears what the
//! engines do: which node of which template wrote what and read which values, what each step of a kustomization changed. Which values make a line is not
//! guessed from that: each that was read is changed in the very text that it comes from, and the template is executed again. A value that changes a line is
//! one that it is made of; one without which it is not there decides that it is.

mod edit;
mod effects;
mod jinja;
mod layers;
mod lines;
mod origins;
mod sources;
mod stages;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::pipeline::provision::Provision;
use crate::project::{Component, Environment, Project};
use hydrate_base::limits::Watch;
use hydrate_base::{Diagnostic, SourceFile, World};
use hydrate_gotmpl::trace::{Read, ScopeKind, ValuePath};
use hydrate_helm::explain::{Executed, Explained, Instead, Release, Wanted, explain};
use hydrate_source::{Data, Document, Source};

use effects::{Effects, Trial};
use layers::{Definition, Layers};
use lines::Fields;
use origins::{Spot, Written};
use stages::{Conditions, Stage, render_stages};

pub use layers::parse_path;
pub use lines::{fields_of, lines_of_field, same_lines};
pub use values::{KeyOrigin, Unused, ValuesOf};

/// A place in a file that users know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, relative to the project where it lies in it.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// The column, in characters from one.
    pub column: usize,
    /// What stands in that line.
    pub source: String,
}

impl Place {
    fn of(file: &SourceFile, offset: usize, name: String) -> Self {
        let (line, column) = file.line_column(offset);
        let text = file.text.get(file.line_range(line)).unwrap_or_default();
        Self { file: name, line, column, source: String::from_utf8_lossy(text).trim_end().to_owned() }
    }
}

/// What has to do with a line, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What it is: `include`, `if`, `patches[0]` …
    pub what: String,
    /// Where it is.
    pub place: Place,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The value in one line, cut where it is long.
    pub value: String,
    /// Where.
    pub place: Place,
}

/// A value that has to do with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueUse {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Whether the line is made of it; else it only decides whether the line is there.
    pub is_content: bool,
    /// The value in one line; nothing where it is not set.
    pub value: Option<String>,
    /// Where it comes from; nothing where it is not set.
    pub place: Option<Place>,
    /// Where it is given as well, which does not count.
    pub overridden: Vec<Given>,
}

/// What a line comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The line, from one.
    pub line: usize,
    /// What stands in it.
    pub text: String,
    /// The object that it is in.
    pub object: String,
    /// The field that it is in.
    pub field: String,
    /// What wrote it, in a few words: `template`, `file`, `kustomization` …; empty where that cannot be said.
    pub kind: String,
    /// Where that is.
    pub place: Option<Place>,
    /// What else of the line comes from elsewhere.
    pub also: Vec<Place>,
    /// Where what was included was asked for, innermost first.
    pub stack: Vec<Cause>,
    /// What stands around it: `if`, `with`, `range`, innermost first.
    pub around: Vec<Cause>,
    /// The values that it is made of, and those that decide whether it is there.
    pub values: Vec<ValueUse>,
    /// What is no value and was read for it: `.Release.Name`.
    pub builtins: Vec<String>,
    /// What else is to be said.
    pub notes: Vec<String>,
}

/// Explains a component.
pub struct Explainer<'a> {
    conditions: Conditions<'a>,
    environment: &'a Environment,
    component: &'a Component,
    stages: Vec<Stage>,
    releases: Vec<Vec<Traced>>,
}

/// A release, and what its templates did.
struct Traced {
    release: Release,
    explained: Explained,
    layers: Layers,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// The environment.
    pub environment: &'a Environment,
    /// The component.
    pub component: &'a Component,
    /// The API versions of the CRDs of the environment.
    pub apis: &'a [String],
    /// The environment variables that templates may read.
    pub variables: Arc<BTreeSet<String>>,
    /// Watches over the time and the memory that rendering takes.
    pub watch: Watch,
}

/// Where a line of a document was before something was done.
#[derive(Debug, Clone, Copy)]
struct Cursor<'t> {
    kind: &'t str,
    name: &'t str,
    text: &'t str,
    line: usize,
}

impl<'t> Cursor<'t> {
    fn text(&self) -> &'t str {
        self.text.lines().nth(self.line).unwrap_or_default()
    }

    /// The same line of an earlier text of the same object; nothing where there is none.
    fn back(self, earlier: &'t str, maps: &Maps<'t>) -> Option<Self> {
        let line = if self.text == earlier { Some(self.line) } else { maps.lines(self.text, earlier).get(self.line).copied().flatten() };
        line.map(|line| Self { text: earlier, line, ..self })
    }
}

/// What was found out about texts, by where they lie: many lines of the same ones are asked for.
#[derive(Debug, Default)]
struct Maps<'t> {
    lines: RefCell<BTreeMap<(usize, usize), Rc<Vec<Option<usize>>>>>,
    fields: RefCell<BTreeMap<(usize, usize), Rc<Fields>>>,
    texts: PhantomData<&'t str>,
}

impl<'t> Maps<'t> {
    fn fields(&self, text: &'t str) -> Rc<Fields> {
        let key = (text.as_ptr().addr(), text.len());
        Rc::clone(self.fields.borrow_mut().entry(key).or_insert_with(|| Rc::new(Fields::of(text))))
    }

    /// For each line of a text, the line of an earlier one that it was.
    fn lines(&self, text: &'t str, earlier: &'t str) -> Rc<Vec<Option<usize>>> {
        let key = (text.as_ptr().addr(), earlier.as_ptr().addr());
        if let Some(known) = self.lines.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(lines::earlier((text, &self.fields(text)), (earlier, &self.fields(earlier))));
        self.lines.borrow_mut().insert(key, Rc::clone(&found));
        found
    }
}

/// A line of what a template wrote: the source, the release, the template, the line.
type OfTemplate = (usize, usize, usize, usize);

impl<'a> Explainer<'a> {
    /// Renders the component once more.
    ///
    /// # Errors
    /// What keeps it from being rendered.
    pub fn new(request: &Request<'a>, provision: &Provision<'_>) -> Result<Self, Vec<Box<Diagnostic>>> {
        let (explainer, wrong) = Self::with(request, provision, &|_| true)?;
        if wrong.is_empty() { Ok(explainer) } else { Err(wrong) }
    }

    /// The same for who asks for nothing but values: what the charts do with them may go wrong.
    ///
    /// # Errors
    /// What keeps the values from being known.
    pub fn of_values(request: &Request<'a>, provision: &Provision<'_>) -> Result<Self, Vec<Box<Diagnostic>>> {
        let (explainer, wrong) = Self::with(request, provision, &|_| false)?;
        let has_some = explainer.releases.iter().any(|releases| !releases.is_empty());
        if wrong.is_empty() || has_some { Ok(explainer) } else { Err(wrong) }
    }

    fn with(
        request: &Request<'a>,
        provision: &Provision<'_>,
        templates: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(Self, Vec<Box<Diagnostic>>), Vec<Box<Diagnostic>>> {
        let Request { project, environment, component, apis, .. } = *request;
        let conditions = Conditions { project, variables: Arc::clone(&request.variables), watch: request.watch.clone() };
        let whose = |error: Box<Diagnostic>| error.note(format!("component {}, environment {}", component.name, environment.name));
        let all_whose = |errors: Vec<Box<Diagnostic>>| errors.into_iter().map(whose).collect::<Vec<_>>();
        let (stages, wrong) = render_stages(&conditions, provision, environment, component, apis).map_err(all_whose)?;
        let mut wrong = all_whose(wrong);
        let shown = |path: &str| project.shown(std::path::Path::new(path));
        let trace = |release: &Release| -> Result<Traced, Box<Diagnostic>> {
            let wanted = Wanted { templates, traces: true };
            let explained = explain(&release.chart, &release.options, &conditions.world(), &Instead::default(), wanted)?;
            let layers = Layers::of(release, &explained.charts, &shown);
            Ok(Traced { release: release.clone(), explained, layers })
        };
        let mut releases = Vec::new();
        for stage in &stages {
            let mut traced = Vec::new();
            for release in &stage.releases {
                match trace(release) {
                    Ok(one) => traced.push(one),
                    Err(error) if wrong.is_empty() => wrong.push(whose(error)),
                    // It has been told already.
                    Err(_) => {}
                }
            }
            releases.push(traced);
        }
        Ok((Self { conditions, environment, component, stages, releases }, wrong))
    }

    /// What the templates of sources that are no charts see as `values`, with what the source is called.
    pub fn others(&self) -> Vec<(String, Data)> {
        let values = |stage: &Stage| match &stage.source {
            Source::Jinja { shown, context, .. } => {
                let values = context.get_attr("values").ok().and_then(|values| Data::from_jinja(&values).ok()).unwrap_or_default();
                Some((format!("jinja templates in {shown}"), values))
            }
            _ => None,
        };
        self.stages.iter().filter_map(values).collect()
    }

    /// Explains lines of a document, counted from zero.
    pub fn lines(&self, document: &Document, wanted: &[usize]) -> Vec<Explanation> {
        let (maps, mut effects) = (Maps::default(), BTreeMap::new());
        let line = |line: &usize| {
            let (mut explanation, found) = self.line(document, *line, &maps);
            if let Some(found) = found {
                self.of_template(found, &mut explanation, &mut effects, &|_| true);
            }
            explanation
        };
        wanted.iter().map(line).collect()
    }

    /// The lines of documents that a value reaches, or one below it: by the number of the document.
    pub fn reached(&self, documents: &[Document], path: &ValuePath) -> Vec<(usize, Explanation)> {
        let (maps, mut effects) = (Maps::default(), BTreeMap::new());
        let is_wanted = |other: &ValuePath| other.0.starts_with(&path.0);
        let mut all = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            for line in 0..document.text.lines().count() {
                let (mut explanation, found) = self.line(document, line, &maps);
                if let Some(found) = found {
                    self.of_template(found, &mut explanation, &mut effects, &is_wanted);
                }
                explanation.values.retain(|value| parse_path(&value.path).is_some_and(|other| is_wanted(&other)));
                if !explanation.values.is_empty() {
                    all.push((number, explanation));
                }
            }
        }
        all
    }

    /// Whether any of the releases has a value, or is asked for one that is not there.
    pub fn knows(&self, path: &ValuePath) -> bool {
        let is_other = |(_, values): &(String, Data)| jinja::paths_in(values).iter().any(|other| other.0.starts_with(&path.0));
        self.others().iter().any(is_other)
            || self.releases.iter().flatten().any(|traced| {
                let values = traced.explained.values.iter().any(|(other, _)| other.0.starts_with(&path.0));
                let is_read = |read: &Read| matches!(read, Read::Missing(other) if other.0.starts_with(&path.0));
                values || traced.explained.templates.iter().any(|template| template.trace.reads.iter().any(is_read))
            })
    }

    /// The paths of all values.
    pub fn paths(&self) -> BTreeSet<String> {
        let paths = self.releases.iter().flatten().flat_map(|traced| &traced.explained.values);
        paths.flat_map(|(path, _)| (1..=path.0.len()).map(|length| ValuePath(path.0[..length].to_vec()).to_string())).collect()
    }

    fn line<'t>(&'t self, document: &'t Document, line: usize, maps: &Maps<'t>) -> (Explanation, Option<OfTemplate>) {
        let text = document.text.lines().nth(line).unwrap_or_default().to_owned();
        let field = maps.fields(&document.text).path(line).map(lines::shown).unwrap_or_default();
        let object = document.identity.to_string();
        let mut explanation = Explanation { line: line + 1, text, object, field, ..Explanation::default() };
        let cursor = Cursor { kind: &document.identity.kind, name: &document.identity.name, text: &document.text, line };
        let found = self.follow(document, cursor, maps, &mut explanation);
        (explanation, found)
    }

    /// Goes back from a line of what is written to what made it. Gives the line of what a template wrote, where it is one.
    fn follow<'t>(
        &'t self,
        document: &'t Document,
        mut cursor: Cursor<'t>,
        maps: &Maps<'t>,
        explanation: &mut Explanation,
    ) -> Option<OfTemplate> {
        let last = self.stages.last()?;
        let Some((mut index, found)) = find(&last.after, &document.identity) else {
            explanation.notes.push("what makes this object gives another one each time; it cannot be followed".to_owned());
            return None;
        };
        let Some(earlier) = cursor.back(&found.text, maps) else {
            self.of_pipeline(explanation);
            return None;
        };
        cursor = earlier;
        for (number, stage) in self.stages.iter().enumerate().rev() {
            let document = stage.after.get(index)?;
            if !stage.is_over() {
                if index < stage.before.len() {
                    continue;
                }
                return self.of_source(number, document, cursor, maps, explanation);
            }
            cursor = sources::through_steps(self, stage, cursor, maps, explanation)?;
            let is_it = |document: &Document| document.identity.kind == cursor.kind && document.identity.name == cursor.name;
            let Some(found) = stage.before.iter().position(is_it) else {
                return self.of_source(number, document, cursor, maps, explanation);
            };
            cursor = cursor.back(&stage.before.get(found)?.text, maps)?;
            index = found;
        }
        None
    }

    /// A line that no source has given.
    fn of_pipeline(&self, explanation: &mut Explanation) {
        let namespace = self.component.namespace.as_ref().filter(|_| explanation.field == "metadata.namespace");
        if let Some(namespace) = namespace {
            explanation.kind = "namespace of the component".to_owned();
            explanation.place = namespace.label.as_ref().map(|label| Place::of(&label.file, label.span.start, label.file.name.clone()));
            explanation.notes.push("the object does not say its namespace, so that of the component was filled in".to_owned());
            return;
        }
        let place = |file: &Arc<SourceFile>| Place::of(file, 0, file.name.clone());
        if explanation.field.starts_with("metadata.annotations") {
            explanation.kind = "hand-over".to_owned();
            explanation.place = Some(place(&self.environment.file));
            explanation.notes.push("annotations of the hand-over are written by hydrate".to_owned());
        } else {
            explanation.notes.push("it was encrypted, or is what chance has decided before: it is not what is rendered now".to_owned());
        }
    }

    /// A line of a document that a source gave.
    fn of_source<'t>(
        &'t self,
        stage: usize,
        document: &Document,
        cursor: Cursor<'t>,
        maps: &Maps<'t>,
        explanation: &mut Explanation,
    ) -> Option<OfTemplate> {
        let cursor = match &self.stages.get(stage)?.source {
            Source::Kustomize(kustomization) if !kustomization.over => {
                sources::through_steps(self, self.stages.get(stage)?, cursor, maps, explanation)?
            }
            _ => cursor,
        };
        if let Some((release, template, line)) = self.find_in_releases(stage, document, cursor, maps) {
            return Some((stage, release, template, line));
        }
        sources::of_files(self, self.stages.get(stage)?, document, &cursor, explanation);
        None
    }

    /// The template that gave a line, and the line of what it wrote.
    fn find_in_releases<'t>(
        &'t self,
        stage: usize,
        document: &Document,
        cursor: Cursor<'t>,
        maps: &Maps<'t>,
    ) -> Option<(usize, usize, usize)> {
        let releases = self.releases.get(stage)?;
        let wanted = cursor.text.trim();
        let templates = || {
            let each = |(number, release): (usize, &'t Traced)| {
                release.explained.templates.iter().enumerate().map(move |(index, template)| (number, index, template))
            };
            releases.iter().enumerate().flat_map(each)
        };
        let is_named = |template: &Executed| document.origin.file.as_ref().is_none_or(|file| *file == template.path);
        for (number, index, template) in templates().filter(|(_, _, template)| is_named(template)) {
            if let Some(at) = memchr::memmem::find(&template.bytes, wanted.as_bytes())
                && (at == 0 || matches!(template.bytes.get(at - 1), Some(b'\n' | b' ')))
            {
                let before = template.bytes.get(..at).unwrap_or_default();
                let skipped = cursor.text.get(..cursor.text.len() - cursor.text.trim_start().len())?.matches('\n').count();
                return Some((number, index, (memchr::memchr_iter(b'\n', before).count() + cursor.line).checked_sub(skipped)?));
            }
        }
        // Its text was written anew: the same field of the same object.
        for (number, index, template) in templates() {
            let Ok(text) = std::str::from_utf8(&template.bytes) else { continue };
            for piece in hydrate_source::split(text) {
                if is_object(piece.text, cursor.kind, cursor.name)
                    && let Some(found) = cursor.back(piece.text, maps)
                {
                    let before = text.as_bytes().get(..piece.start).unwrap_or_default();
                    return Some((number, index, memchr::memchr_iter(b'\n', before).count() + found.line));
                }
            }
        }
        None
    }

    /// What a template and the values have to do with a line of its output.
    fn of_template<'s>(
        &'s self,
        (stage, number, template, line): OfTemplate,
        explanation: &mut Explanation,
        effects: &mut BTreeMap<(usize, usize, usize), Effects<'s>>,
        is_wanted: &(dyn Fn(&ValuePath) -> bool + Sync),
    ) {
        let Some(traced) = self.releases.get(stage).and_then(|releases| releases.get(number)) else { return };
        let Some(executed) = traced.explained.templates.get(template) else { return };
        let Some(range) = origins::split(&executed.bytes).get(line).cloned() else { return };
        self.written(traced, executed, range.clone(), explanation);
        let world = || -> Box<dyn World> { Box::new(self.conditions.world()) };
        let effects = effects.entry((stage, number, template)).or_insert_with(|| {
            let trial = Trial { release: &traced.release, explained: &traced.explained, layers: &traced.layers, world: &world };
            trial.effects(executed, is_wanted)
        });
        for effect in &effects.all {
            let is_content = effect.content.contains(&line);
            if is_content || effect.presence.contains(&line) {
                explanation.values.push(self.value_use(effect, is_content));
            }
        }
        explanation.values.sort_by_key(|value| !value.is_content);
        for read in origins::reads_of(&executed.trace, range) {
            match executed.trace.reads.get(read as usize) {
                Some(Read::Builtin(name)) => explanation.builtins.push(format!(".{name}")),
                Some(Read::Value(path)) if effects.untried.contains(path) => {
                    explanation.notes.push(format!("{path} is read for it; the chart takes no other value that could be tried"));
                }
                _ => {}
            }
        }
    }

    fn value_use(&self, effect: &effects::Effect<'_>, is_content: bool) -> ValueUse {
        let mut value = self.whole_value_use(effect, is_content);
        value.overridden.retain(|given| Some(&given.place) != value.place.as_ref());
        value
    }

    fn whole_value_use(&self, effect: &effects::Effect<'_>, is_content: bool) -> ValueUse {
        ValueUse {
            path: effect.path.to_string(),
            is_content,
            value: effect.value.as_deref().map(short),
            place: effect.from.map(|from| self.definition(&effect.path, from)),
            overridden: effect
                .overridden
                .iter()
                .map(|other| Given { value: short(&values::json_of(other.node)), place: self.definition(&effect.path, *other) })
                .collect(),
        }
    }

    /// Where a value is given; of what `set` says that is in the component's file.
    fn definition(&self, path: &ValuePath, definition: Definition<'_>) -> Place {
        if definition.layer.is_set()
            && let Some(place) = self.component.file.as_ref().and_then(|file| sources::set_place(file, path))
        {
            return place;
        }
        if let Some(place) = sources::in_helmfile(self, path, definition).or_else(|| sources::in_kustomization(self, path, definition)) {
            return place;
        }
        let file = &definition.layer.file;
        let offset = hydrate_base::place::byte_at(&file.text, definition.node.line, definition.node.column);
        let place = Place::of(file, offset, file.name.clone());
        sources::in_values_template(self, &place).unwrap_or(place)
    }

    fn written(&self, traced: &Traced, executed: &Executed, range: Range<usize>, explanation: &mut Explanation) {
        let mut all = origins::of_line(&executed.trace, range).into_iter();
        let Some(Written { spot, is_given, stack, around, .. }) = all.next() else { return };
        explanation.kind = "template".to_owned();
        explanation.place = Some(self.spot(traced, &spot));
        explanation.stack.extend(stack.iter().map(|spot| Cause { what: "included".to_owned(), place: self.spot(traced, spot) }));
        let word = |kind| match kind {
            ScopeKind::With => "with",
            ScopeKind::Range => "range",
            ScopeKind::If | ScopeKind::Template => "if",
        };
        let cause = |(kind, spot): &(ScopeKind, Spot)| Cause { what: word(*kind).to_owned(), place: self.spot(traced, spot) };
        explanation.around.extend(around.iter().map(cause));
        if is_given {
            explanation.notes.push("it stands in a text that is executed as a template there (`tpl`)".to_owned());
        }
        for other in all {
            let place = self.spot(traced, &other.spot);
            let known = |known: &Place| known.file == place.file && known.line == place.line;
            if !explanation.place.iter().chain(&explanation.also).any(known) {
                explanation.also.push(place);
            }
        }
    }

    fn spot(&self, traced: &Traced, spot: &Spot) -> Place {
        let place = traced.explained.places.get(&spot.file.name);
        let name = place.map(|(location, name)| self.conditions.project.shown(&std::path::Path::new(location).join(name)));
        Place::of(&spot.file, spot.offset, name.unwrap_or_else(|| spot.file.name.clone()))
    }
}

/// The object in a list: the same, or the one that has no namespace yet.
fn find<'d>(documents: &'d [Document], identity: &hydrate_source::Identity) -> Option<(usize, &'d Document)> {
    let same = |document: &Document| {
        let other = &document.identity;
        other.kind == identity.kind && other.name == identity.name && other.group() == identity.group()
    };
    let with = |document: &Document| same(document) && document.identity.namespace == identity.namespace;
    let without = |document: &Document| same(document) && document.identity.namespace.is_empty();
    let at = documents.iter().position(with).or_else(|| documents.iter().position(without))?;
    Some((at, documents.get(at)?))
}

/// Whether a text is the object of a kind and name.
fn is_object(text: &str, kind: &str, name: &str) -> bool {
    let Ok(documents) = hydrate_yaml::compose(text.as_bytes()) else { return false };
    let Some(root) = documents.first().and_then(|document| document.root.as_ref()) else { return false };
    let own = root.get("metadata").and_then(|metadata| metadata.get("name")).and_then(|name| name.as_str());
    root.get("kind").and_then(|kind| kind.as_str()) == Some(kind) && own == Some(name)
}

/// A value in one line, cut where it is long.
fn short(value: &str) -> String {
    const LONGEST: usize = 100;
    if value.chars().count() <= LONGEST { value.to_owned() } else { value.chars().take(LONGEST).chain("…".chars()).collect() }
}
