//! `hydrate explain`: where does a line come from, and where does a value go?

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, options, provision};
use crate::cli::{report, ui::Ui};
use crate::explain::{self, Cause, Explainer, Explanation, Place, Request, ValueUse};
use crate::pipeline::{self, Rendered};
use crate::project::Project;
use hydrate_base::{Diagnostic, DiskWorld, plain, suggest};
use hydrate_source::Document;

/// Arguments of `hydrate explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A line of a file in manifests/ (FILE:42, FILE:40-45, FILE), or an object (KIND/NAME); with --value a component
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// A field of the object: spec.replicas, spec.containers.app.image
    #[arg(value_name = "FIELD")]
    pub field: Option<String>,
    /// List the lines that a value of the component reaches: image.tag
    #[arg(long, value_name = "PATH", conflicts_with = "field")]
    pub value: Option<String>,
}

/// What one explanation is about.
struct Target {
    environment: String,
    /// The component, where that is known before anything is rendered.
    component: Option<String>,
    what: What,
}

enum What {
    /// A file of the tree: the directory in the environment's, its name, and the lines that are asked for.
    File { directory: String, name: String, lines: Option<RangeInclusive<usize>> },
    /// An object.
    Object { kind: String, namespace: Option<String>, name: String },
    /// A value.
    Value(String),
}

/// Lines of a component that are explained, and the file that they are in.
struct Found {
    component: String,
    file: String,
    lines: Vec<Explanation>,
}

/// Explains lines, or lists those that a value reaches.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &ExplainArgs) -> Outcome {
    let format = format(global, "explain", &[Format::Text, Format::Json])?;
    let (session, target) = open(global, args)?;
    if session.sandbox.is_some() {
        return Err(Diagnostic::error("`hydrate explain` renders in this process, and rendering is to be confined here")
            .note("what is explained is rendered again and again with other values, which the confined process does not do")
            .help("run it where you trust what is rendered: without --sandbox, and with --no-sandbox where CI is set")
            .into());
    }
    let found = explain(ui, global, args, &session, &target)?;
    if let (Some(path), true) = (&args.value, found.is_empty()) {
        ui.say(format!("no line that {} writes in {} has to do with {path}", plain::line(&args.what), target.environment));
    }
    match format {
        Format::Json => {
            let line = |found: &Found, explanation: &Explanation| {
                let mut json = explanation_json(explanation);
                json["file"] = json!(found.file);
                json["component"] = json!(found.component);
                json
            };
            let lines: Vec<Json> = found.iter().flat_map(|found| found.lines.iter().map(move |one| line(found, one))).collect();
            ui.data(&report::document("explain", json!({"environment": target.environment, "lines": lines}), &[]))?;
        }
        _ => {
            let mut text = String::new();
            for (found, explanation) in found.iter().flat_map(|found| found.lines.iter().map(move |one| (found, one))) {
                if !text.is_empty() {
                    text.push('\n');
                }
                match args.value {
                    None => write_line(&mut text, &found.file, explanation),
                    Some(_) => write_reached(&mut text, &found.file, explanation),
                }
            }
            ui.data(text.as_bytes())?;
        }
    }
    Ok(Exit::Success)
}

/// The project, and what is asked for in it.
fn open(global: &GlobalArgs, args: &ExplainArgs) -> Result<(Session, Target), Failures> {
    let project = crate::cli::session::open_project(global)?;
    let of_file = if args.value.is_some() { None } else { file_of(global, &project, &args.what) };
    let mut global = global.clone();
    if let Some((environment, ..)) = &of_file {
        global.environments = vec![environment.clone()];
    }
    let session = Session::open(&global)?;
    let environment = session.only_environment()?.to_owned();
    let target = match (of_file, &args.value) {
        (Some((environment, directory, name, lines)), _) => {
            let is_shared = [crate::tree::NAMESPACES, crate::tree::CRDS].contains(&directory.as_str());
            let component = (!is_shared).then(|| directory.clone());
            Target { environment, component, what: What::File { directory, name, lines } }
        }
        (None, Some(path)) => Target { environment, component: Some(args.what.clone()), what: What::Value(path.clone()) },
        (None, None) => {
            let parts: Vec<&str> = args.what.split('/').collect();
            let is_path = args.what.starts_with(&format!("{}/", session.project.settings.manifests));
            let what = match parts.as_slice() {
                _ if is_path => return Err(no_target(&session.project, &args.what).into()),
                [kind, name] => What::Object { kind: (*kind).to_owned(), namespace: None, name: (*name).to_owned() },
                [kind, namespace, name] => {
                    What::Object { kind: (*kind).to_owned(), namespace: Some((*namespace).to_owned()), name: (*name).to_owned() }
                }
                _ => return Err(no_target(&session.project, &args.what).into()),
            };
            Target { environment, component: None, what }
        }
    };
    Ok((session, target))
}

fn no_target(project: &Project, what: &str) -> Box<Diagnostic> {
    let manifests = &project.settings.manifests;
    if what.starts_with(&format!("{manifests}/")) {
        return Diagnostic::error(format!("`{what}` holds nothing that a component renders"))
            .note("what lies beside the directories of components is written by hydrate itself: it lists them")
            .help(format!("name a file of a component: {manifests}/ENV/COMPONENT/FILE:LINE"));
    }
    Diagnostic::error(format!("`{what}` is neither a file below {manifests}/ nor an object")).help(format!(
        "name a line ({manifests}/ENV/COMPONENT/FILE:LINE), an object (-e ENV StatefulSet/loki spec.replicas), or a value (--value image.tag COMPONENT)"
    ))
}

/// Environment, directory, file and lines, if the word names a file of the tree.
fn file_of(global: &GlobalArgs, project: &Project, word: &str) -> Option<(String, String, String, Option<RangeInclusive<usize>>)> {
    let (path, lines) = match word.rsplit_once(':').and_then(|(path, lines)| Some((path, range(lines)?))) {
        Some((path, lines)) => (path, Some(lines)),
        None => (word, None),
    };
    let here = std::env::current_dir().ok()?.join(global.directory.clone().unwrap_or_default());
    let manifests = project.root.join(&project.settings.manifests);
    let candidates: [PathBuf; 2] = [here.join(path), project.root.join(path)];
    let normal = |path: &Path| crate::project::paths::normal(path);
    let inside = candidates.iter().find_map(|path| {
        let real =
            path.parent().and_then(|parent| std::fs::canonicalize(parent).ok()).zip(path.file_name()).map(|(dir, name)| dir.join(name));
        real.unwrap_or_else(|| normal(path)).strip_prefix(&manifests).map(Path::to_owned).ok()
    })?;
    let parts: Vec<&str> = inside.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    match parts.as_slice() {
        [environment, directory, name] => Some(((*environment).to_owned(), (*directory).to_owned(), (*name).to_owned(), lines)),
        _ => None,
    }
}

/// `42` or `40-45`.
fn range(text: &str) -> Option<RangeInclusive<usize>> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
    match text.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(text).map(|line| line..=line),
    }
}

fn explain(ui: &Ui, global: &GlobalArgs, args: &ExplainArgs, session: &Session, target: &Target) -> Result<Vec<Found>, Failures> {
    let project = &session.project;
    let outside = DiskWorld::new();
    let provision = provision(&outside, project, global, false)?;
    let only: Vec<String> = target.component.iter().cloned().collect();
    let options = pipeline::Options { compares: true, passes_secrets: true, ..options(ui, global, session, &only, false)? };
    let rendered = pipeline::render(project, &target.environment, &options, &provision, &|_| {})?;
    let work = Work { session, args, target, rendered: &rendered, options: &options, provision: &provision };
    work.find()
}

/// Everything that finding and explaining lines takes.
struct Work<'a> {
    session: &'a Session,
    args: &'a ExplainArgs,
    target: &'a Target,
    rendered: &'a Rendered,
    options: &'a pipeline::Options,
    provision: &'a pipeline::provision::Provision<'a>,
}

impl Work<'_> {
    fn find(&self) -> Result<Vec<Found>, Failures> {
        match &self.target.what {
            What::File { directory, name, lines } => self.of_file(directory, name, lines.clone()),
            What::Object { kind, namespace, name } => self.of_object(kind, namespace.as_deref(), name),
            What::Value(path) => self.of_value(path),
        }
    }

    /// Has the explainer of a component do something.
    fn with<T>(&self, component: &str, act: impl FnOnce(&Explainer<'_>) -> Result<T, Failures>) -> Result<T, Failures> {
        let project = &self.session.project;
        let loaded = project.component(&project.world(), component);
        let component = loaded.ok_or_else(|| Diagnostic::error(format!("there is no component `{component}`")))??;
        let request = Request {
            project,
            environment: &self.rendered.environment,
            component: &component,
            apis: &self.rendered.crds.api_versions,
            variables: std::sync::Arc::clone(&self.options.variables),
            watch: self.options.watch.clone(),
        };
        act(&Explainer::new(&request, self.provision)?)
    }

    fn of_value(&self, path: &str) -> Result<Vec<Found>, Failures> {
        let component = self.args.what.as_str();
        let parsed = explain::parse_path(path).ok_or_else(|| {
            Diagnostic::error(format!("`{path}` is not the path of a value")).help("write it as --set takes it: image.tag, hosts[0].name")
        })?;
        let Some(documents) = self.rendered.documents.get(component) else {
            return Err(Diagnostic::error(format!("component `{component}` gives nothing in {}", self.target.environment)).into());
        };
        self.with(component, |explainer| {
            if !explainer.knows(&parsed) {
                let mut error = Diagnostic::error(format!("component `{component}` has no value `{path}`, and no template asks for one"));
                let paths = explainer.paths();
                if let Some(close) = suggest::closest(path, paths.iter().map(String::as_str)) {
                    error = error.help(format!("did you mean `{close}`?"));
                }
                return Err(error.help(format!("`hydrate values {component}` lists them")).into());
            }
            let mut found: Vec<Found> = Vec::new();
            for (number, mut explanation) in explainer.reached(documents, &parsed) {
                let (file, first) = self.file_of(component, &documents[number]);
                explanation.line += first;
                match found.last_mut().filter(|last| last.file == file) {
                    Some(last) => last.lines.push(explanation),
                    None => found.push(Found { component: component.to_owned(), file, lines: vec![explanation] }),
                }
            }
            Ok(found)
        })
    }

    /// The file of the tree that a document is in, and how many lines stand before it there.
    fn file_of(&self, component: &str, document: &Document) -> (String, usize) {
        let dirs = [component, crate::tree::NAMESPACES, crate::tree::CRDS];
        for dir in dirs {
            for (name, text) in self.rendered.desired.dirs.get(dir).into_iter().flatten() {
                if let Some(first) = position(text, &document.text) {
                    return (self.shown(dir, name), first);
                }
            }
        }
        (document.identity.to_string(), 0)
    }

    fn shown(&self, directory: &str, name: &str) -> String {
        format!("{}/{}/{directory}/{name}", self.session.project.settings.manifests, self.target.environment)
    }

    fn of_object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Result<Vec<Found>, Failures> {
        let is_it = |document: &&Document| {
            let identity = &document.identity;
            identity.kind.eq_ignore_ascii_case(kind) && identity.name == name && namespace.is_none_or(|wanted| identity.namespace == wanted)
        };
        let all =
            self.rendered.documents.iter().flat_map(|(component, documents)| documents.iter().map(move |document| (component, document)));
        let mut found = Vec::new();
        for (component, document) in all.clone().filter(|(_, document)| is_it(document)) {
            let lines: Vec<usize> = match &self.args.field {
                None => (0..document.text.lines().count()).collect(),
                Some(field) => explain::lines_of_field(&document.text, field),
            };
            if let (true, Some(field)) = (lines.is_empty(), &self.args.field) {
                let fields = explain::fields_of(&document.text);
                let mut error = Diagnostic::error(format!("{} has no field `{field}`", document.identity));
                if let Some(close) = suggest::closest(field, fields.iter().map(String::as_str)) {
                    error = error.help(format!("did you mean `{close}`?"));
                }
                return Err(error.into());
            }
            let (file, first) = self.file_of(component, document);
            let mut lines = self.with(component, |explainer| Ok(explainer.lines(document, &lines)))?;
            lines.iter_mut().for_each(|explanation| explanation.line += first);
            found.push(Found { component: component.clone(), file, lines });
        }
        if found.is_empty() {
            let names: Vec<String> = all.map(|(_, document)| format!("{}/{}", document.identity.kind, document.identity.name)).collect();
            let mut error = Diagnostic::error(format!("nothing in {} renders {kind}/{name}", self.target.environment));
            if let Some(close) = suggest::closest(&format!("{kind}/{name}"), names.iter().map(String::as_str)) {
                error = error.help(format!("did you mean `{close}`?"));
            }
            return Err(error.into());
        }
        Ok(found)
    }

    fn of_file(&self, directory: &str, name: &str, lines: Option<RangeInclusive<usize>>) -> Result<Vec<Found>, Failures> {
        let shown = self.shown(directory, name);
        let files = self.rendered.desired.dirs.get(directory);
        let Some(text) = files.and_then(|files| files.get(name)) else {
            let mut error = Diagnostic::error(format!("{shown} is not rendered"));
            if let Some(close) = suggest::closest(name, files.into_iter().flatten().map(|(name, _)| name.as_str())) {
                error = error.help(format!("did you mean `{}`?", self.shown(directory, close)));
            }
            return Err(error.into());
        };
        let text = String::from_utf8_lossy(text);
        let count = text.lines().count();
        let standing = std::fs::read(self.session.project.root.join(&shown)).ok();
        let standing = standing.map(|standing| String::from_utf8_lossy(&standing).into_owned());
        let is_stale = standing.as_ref().is_some_and(|standing| *standing != *text);
        let wanted: Vec<usize> = match lines {
            None => (1..=count).collect(),
            Some(range) => {
                let of_standing = standing.as_ref().map_or(count, |standing| standing.lines().count());
                if *range.end() > of_standing {
                    return Err(Diagnostic::error(format!("{shown} has {of_standing} lines")).into());
                }
                range.collect()
            }
        };
        let map = standing.as_ref().filter(|_| is_stale).map(|standing| explain::same_lines(standing, &text));
        let mut explanations = Vec::new();
        for line in wanted {
            let now = match &map {
                None => Some(line - 1),
                Some(map) => map.get(line - 1).copied().flatten(),
            };
            let Some(now) = now else {
                return Err(Diagnostic::error(format!("line {line} of {shown} is not what is rendered now"))
                    .help(format!("`hydrate diff -e {}` shows what has changed", self.target.environment))
                    .into());
            };
            explanations.push((line, now));
        }
        let mut found: Vec<Found> = Vec::new();
        let documents = self.rendered.documents.iter().flat_map(|(component, documents)| documents.iter().map(move |one| (component, one)));
        let mut left = explanations;
        for (component, document) in documents {
            let Some(first) = position(text.as_bytes(), &document.text) else { continue };
            let length = document.text.trim_end().lines().count();
            let (own, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, now)| (first..first + length).contains(now));
            left = others;
            if own.is_empty() {
                continue;
            }
            let lines: Vec<usize> = own.iter().map(|(_, now)| now - first).collect();
            let mut lines = self.with(component, |explainer| Ok(explainer.lines(document, &lines)))?;
            lines.iter_mut().zip(&own).for_each(|(explanation, (line, _))| explanation.line = *line);
            found.push(Found { component: component.clone(), file: shown.clone(), lines });
        }
        if !left.is_empty() {
            let text_of = |now: usize| text.lines().nth(now).unwrap_or_default().to_owned();
            let note = "hydrate writes it around the objects".to_owned();
            let line = |(line, now): &(usize, usize)| Explanation {
                line: *line,
                text: text_of(*now),
                kind: "hydrate".to_owned(),
                notes: vec![note.clone()],
                ..Explanation::default()
            };
            let lines = left.iter().map(line).collect();
            found.push(Found { component: directory.to_owned(), file: shown, lines });
        }
        // In the order of the file, whichever objects they are in.
        let lines = found.into_iter().flat_map(|Found { component, file, lines }| {
            lines.into_iter().map(move |line| Found { component: component.clone(), file: file.clone(), lines: vec![line] })
        });
        let mut found: Vec<Found> = lines.collect();
        found.sort_by_key(|found| found.lines.first().map(|line| line.line));
        Ok(found)
    }
}

/// How many lines of a file stand before a document in it.
fn position(file: &[u8], document: &str) -> Option<usize> {
    let at = memchr::memmem::find_iter(file, document.trim_end().as_bytes()).find(|at| *at == 0 || file.get(at - 1) == Some(&b'\n'))?;
    Some(memchr::memchr_iter(b'\n', file.get(..at)?).count())
}

fn place_json(place: &Place) -> Json {
    json!({"file": place.file, "line": place.line, "column": place.column, "source": place.source})
}

fn cause_json(cause: &Cause) -> Json {
    let mut json = place_json(&cause.place);
    json["what"] = json!(cause.what);
    json
}

fn value_json(value: &ValueUse) -> Json {
    let overridden = value.overridden.iter().map(|given| {
        let mut json = place_json(&given.place);
        json["value"] = json!(given.value);
        json
    });
    json!({
        "path": value.path,
        "effect": if value.is_content { "content" } else { "presence" },
        "value": value.value,
        "place": value.place.as_ref().map(place_json),
        "overridden": overridden.collect::<Vec<_>>(),
    })
}

fn explanation_json(explanation: &Explanation) -> Json {
    json!({
        "line": explanation.line,
        "text": explanation.text,
        "object": explanation.object,
        "field": explanation.field,
        "kind": explanation.kind,
        "place": explanation.place.as_ref().map(place_json),
        "also": explanation.also.iter().map(place_json).collect::<Vec<_>>(),
        "stack": explanation.stack.iter().map(cause_json).collect::<Vec<_>>(),
        "around": explanation.around.iter().map(cause_json).collect::<Vec<_>>(),
        "values": explanation.values.iter().map(value_json).collect::<Vec<_>>(),
        "builtins": explanation.builtins,
        "notes": explanation.notes,
    })
}

fn at(place: &Place) -> String {
    format!("{}:{}:{}", plain::line(&place.file), place.line, place.column)
}

/// How many values that decide whether a line is there are named; the others are in the JSON.
const MOST: usize = 12;

fn write_line(text: &mut String, file: &str, explanation: &Explanation) {
    let Explanation { line, object, field, .. } = explanation;
    let about = [object.as_str(), field.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    text.push_str(&format!("{}:{line}  {}\n", plain::line(file), plain::line(&about)));
    text.push_str(&format!("    {}\n", plain::line(explanation.text.trim_end())));
    let mut said = |what: &str, rest: &str| text.push_str(&format!("  {what:<12} {rest}\n"));
    let source = |place: &Place| plain::line(place.source.trim()).into_owned();
    match &explanation.place {
        Some(place) => said("written by", &format!("{}  {}", at(place), source(place))),
        None if explanation.notes.is_empty() => said("written by", "what wrote it cannot be said"),
        None => {}
    }
    if explanation.place.is_some() && explanation.kind != "template" {
        said("", &plain::line(&explanation.kind));
    }
    explanation.also.iter().for_each(|place| said("and by", &format!("{}  {}", at(place), source(place))));
    explanation.stack.iter().for_each(|cause| said(&cause.what, &format!("{}  {}", at(&cause.place), source(&cause.place))));
    explanation.around.iter().for_each(|cause| said("within", &format!("{}  {}", at(&cause.place), source(&cause.place))));
    let mut presence = 0;
    for value in &explanation.values {
        presence += usize::from(!value.is_content);
        if presence > MOST {
            continue;
        }
        let shown = value.value.as_deref().map_or_else(|| "(not set anywhere)".to_owned(), |shown| format!("= {}", plain::line(shown)));
        let place = value.place.as_ref().map(|place| format!("  {}", at(place))).unwrap_or_default();
        said(if value.is_content { "made of" } else { "there by" }, &format!("{} {shown}{place}", plain::line(&value.path)));
        value.overridden.iter().for_each(|given| said("", &format!("over {}  {}", plain::line(&given.value), at(&given.place))));
    }
    if presence > MOST {
        said("", &format!("and by {} more values (--format json has them all)", presence - MOST));
    }
    if !explanation.builtins.is_empty() {
        said("reads", &plain::line(&explanation.builtins.join(", ")));
    }
    explanation.notes.iter().for_each(|note| said("note", &plain::line(note)));
}

fn write_reached(text: &mut String, file: &str, explanation: &Explanation) {
    if text.ends_with("\n\n") {
        text.pop();
    }
    let is_content = explanation.values.iter().any(|value| value.is_content);
    let how = if is_content { "made of it" } else { "there by it" };
    text.push_str(&format!("{}:{}: {}  ({how})\n", plain::line(file), explanation.line, plain::line(explanation.text.trim())));
}
