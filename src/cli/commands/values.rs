//! `hydrate values COMPONENT`: the values its sources are rendered with, and where each comes from.

use std::sync::Arc;

use clap::Args;
use serde_json::{Value as Json, json};

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Failures, Outcome};
use crate::cli::session::{Session, format, options, provision, variables};
use crate::cli::{report, ui::Ui};
use crate::explain::{Explainer, KeyOrigin, Place, Request, Unused, ValuesOf};
use crate::pipeline::plan;
use crate::pipeline::provision::ForComponent;
use crate::project::parse;
use crate::project::select::{Selection, select};
use crate::project::sets::Sets;
use hydrate_acquire::Mounted;
use hydrate_base::taint::{Disguise, Traces};
use hydrate_base::{Diagnostic, DiskWorld, plain};
use hydrate_gotmpl::trace::Segment;
use hydrate_source::Data;
use hydrate_source::{Source, compose};
use hydrate_yaml::node::{Data as NodeData, Extra, Node};

/// Arguments of `hydrate values`.
#[derive(Debug, Args)]
pub struct ValuesArgs {
    /// The component
    #[arg(value_name = "COMPONENT")]
    pub component: String,
    /// Those that charts have by default as well
    #[arg(long)]
    pub all: bool,
    /// Instead, the keys of your files that no template read: typos are silent in Helm
    #[arg(long, conflicts_with = "all")]
    pub unused: bool,
}

/// Prints the values of each release and of jinja templates, merged, with where each comes from.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &ValuesArgs) -> Outcome {
    let format = format(global, "values", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    if session.sandbox.is_some() {
        return plainly(ui, global, args, &session, format);
    }
    let (releases, others) = collect(ui, global, args, &session)?;
    if format == Format::Json {
        let of_release = |values: &ValuesOf| release_json(values, args);
        let of_other = |(name, values): &(String, Data)| json!({"source": name, "files": [], "values": values.to_json()});
        let sources: Vec<Json> = releases.iter().map(of_release).chain(others.iter().map(of_other)).collect();
        ui.data(&report::document("values", json!({"component": args.component, "sources": sources}), &[]))?;
        return Ok(Exit::Success);
    }
    let text = if args.unused { unused_text(&releases) } else { values_text(&releases, &others, args.all)? };
    ui.data(text.as_bytes())?;
    if args.unused && text.is_empty() {
        ui.say(format!("{}: templates read every value that your files give", plain::line(&args.component)));
    }
    Ok(Exit::Success)
}

/// The values of each release, and those of other sources with what they are called.
type Collected = (Vec<ValuesOf>, Vec<(String, Data)>);

fn collect(ui: &Ui, global: &GlobalArgs, args: &ValuesArgs, session: &Session) -> Result<Collected, Failures> {
    let world = session.project.world();
    let environment = session.project.environment(&world, session.only_environment()?)?;
    let all = session.project.components(&world)?;
    let selection = selected(select(&world, &environment, &all, std::slice::from_ref(&args.component))?)?;
    let outside = DiskWorld::new();
    let provision = provision(&outside, &session.project, global, false)?;
    let options = options(ui, global, session, &selection.selected, false)?;
    let (mut releases, mut others) = (Vec::new(), Vec::new());
    for component in selection.selected.iter().filter_map(|name| selection.members.get(name)) {
        let request = Request {
            project: &session.project,
            environment: &environment,
            component,
            apis: &[],
            variables: Arc::clone(&options.variables),
            watch: options.watch.clone(),
        };
        let explainer = if args.unused { Explainer::new(&request, &provision)? } else { Explainer::of_values(&request, &provision)? };
        releases.extend(explainer.values());
        others.extend(explainer.others());
    }
    if releases.is_empty() && others.is_empty() { Err(nothing(&args.component).into()) } else { Ok((releases, others)) }
}

fn selected(selection: Selection<'_>) -> Result<Selection<'_>, Failures> {
    if selection.broken.is_empty() {
        return Ok(selection);
    }
    Err(selection.broken.into_values().flatten().collect::<Vec<_>>().into())
}

fn nothing(component: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("component `{component}` has no source that takes values"))
}

/// What a release is called.
fn title(values: &ValuesOf) -> String {
    format!("helm release {} of {}", values.release, values.chart)
}

fn place_json(place: &Place) -> Json {
    json!({"file": place.file, "line": place.line, "column": place.column})
}

fn release_json(values: &ValuesOf, args: &ValuesArgs) -> Json {
    let wanted = || values.keys.iter().filter(|key| args.all || !key.is_default);
    let mut merged = Data::map();
    wanted().for_each(|key| put(&mut merged, &key.path.0, read(&key.value)));
    let key = |key: &KeyOrigin| {
        let overridden = key.overridden.iter().map(|given| {
            let mut json = place_json(&given.place);
            json["value"] = json!(given.value);
            json
        });
        json!({
            "path": key.path.to_string(),
            "value": serde_json::from_str::<Json>(&key.value).unwrap_or_default(),
            "place": key.place.as_ref().map(place_json),
            "default": key.is_default,
            "overridden": overridden.collect::<Vec<_>>(),
        })
    };
    let mut json = json!({
        "source": title(values),
        "release": values.release,
        "namespace": values.namespace,
        "chart": values.chart,
        "files": values.files,
        "values": merged.to_json(),
        "keys": wanted().map(key).collect::<Vec<_>>(),
    });
    if args.unused {
        let unused = |unused: &Unused| json!({"path": unused.path, "place": place_json(&unused.place), "known": unused.is_known, "suggestion": unused.suggestion});
        json["unused"] = values.unused.iter().map(unused).collect();
    }
    json
}

/// What a value is that stands there as JSON.
fn read(json: &str) -> Data {
    let documents = hydrate_yaml::compose(json.as_bytes()).unwrap_or_default();
    documents.first().and_then(|document| document.root.as_ref()).map(Data::from_node).unwrap_or_default()
}

fn put(data: &mut Data, path: &[Segment], value: Data) {
    match path {
        [] => *data = value,
        [Segment::Key(key), rest @ ..] => {
            if let Data::Map(map) = data.or_map() {
                put(map.entry(key.clone()).or_default(), rest, value);
            }
        }
        [Segment::Index(index), rest @ ..] => {
            if *data == Data::Null {
                *data = Data::List(Vec::new());
            }
            if let Data::List(items) = data {
                if items.len() <= *index {
                    items.resize(*index + 1, Data::Null);
                }
                put(&mut items[*index], rest, value);
            }
        }
    }
}

/// The values as YAML, with where each comes from as a comment.
fn values_text(releases: &[ValuesOf], others: &[(String, Data)], all: bool) -> Result<String, Failures> {
    let mut text = String::new();
    for values in releases {
        text.push_str(if text.is_empty() { "" } else { "---\n" });
        text.push_str(&format!("# {}\n", plain::line(&title(values))));
        values.files.iter().for_each(|file| text.push_str(&format!("# from {}\n", plain::line(file))));
        let mut root = Node::mapping(Vec::new());
        for key in values.keys.iter().filter(|key| all || !key.is_default) {
            put_node(&mut root, &key.path.0, commented(key));
        }
        text.push_str(&compose::emit(&root)?);
    }
    for (name, data) in others {
        text.push_str(if text.is_empty() { "" } else { "---\n" });
        text.push_str(&format!("# {}\n", plain::line(name)));
        text.push_str(&compose::emit(&data.to_node())?);
    }
    Ok(text)
}

/// A value with its place as the comment of its line.
fn commented(key: &KeyOrigin) -> Node {
    let mut node = read(&key.value).to_node();
    let Some(place) = &key.place else { return node };
    let over = match key.overridden.as_slice() {
        [] => String::new(),
        [only] => format!(", over {}", plain::line(&only.value)),
        several => format!(", over {} others", several.len()),
    };
    let comment = format!("# {}:{}{over}", plain::line(&place.file), place.line);
    node.extra = Some(Box::new(Extra { line: comment.into(), ..Extra::default() }));
    node
}

fn put_node(node: &mut Node, path: &[Segment], value: Node) {
    match path {
        [] => *node = value,
        [Segment::Key(key), rest @ ..] => {
            if node.entries().is_none() {
                *node = Node::mapping(Vec::new());
            }
            if let NodeData::Mapping(entries) = &mut node.data {
                let at = entries.iter().position(|(known, _)| known.as_str() == Some(key)).unwrap_or_else(|| {
                    entries.push((Node::string(key.as_str()), Node::default()));
                    entries.len() - 1
                });
                put_node(&mut entries[at].1, rest, value);
            }
        }
        [Segment::Index(index), rest @ ..] => {
            if node.items().is_none() {
                *node = Node::sequence(Vec::new());
            }
            if let NodeData::Sequence(items) = &mut node.data {
                if items.len() <= *index {
                    items.resize(*index + 1, Node::default());
                }
                put_node(&mut items[*index], rest, value);
            }
        }
    }
}

fn unused_text(releases: &[ValuesOf]) -> String {
    let mut text = String::new();
    for unused in releases.iter().flat_map(|values| &values.unused) {
        let why = match (unused.is_known, &unused.suggestion) {
            (true, _) => "the chart has it, and does not read it with these values".to_owned(),
            (false, Some(meant)) => format!("the chart does not know it; did you mean {meant}?"),
            (false, None) => "the chart does not know it".to_owned(),
        };
        let Place { file, line, column, .. } = &unused.place;
        text.push_str(&format!("{}:{line}:{column}: {}: {}\n", plain::line(file), plain::line(&unused.path), plain::line(&why)));
    }
    text
}

/// Where rendering is confined nothing of a chart is read for this: the values that the user gives, merged.
fn plainly(ui: &mut Ui, global: &GlobalArgs, args: &ValuesArgs, session: &Session, format: Format) -> Outcome {
    if args.unused || args.all {
        return Err(Diagnostic::error("`hydrate values` reads charts in this process, and rendering is to be confined here")
            .help("run it where you trust the charts: without --sandbox, and with --no-sandbox where CI is set")
            .into());
    }
    let world = session.project.world().seeing(variables(global, &session.project)?);
    let world = world.disguising(Disguise { is_masked: true, ..Disguise::default() }, &Traces::default());
    let outside = DiskWorld::new();
    let environment = session.project.environment(&world, session.only_environment()?)?;
    let all = session.project.components(&world)?;
    let selection = selected(select(&world, &environment, &all, std::slice::from_ref(&args.component))?)?;
    let provision = provision(&outside, &session.project, global, false)?;
    let mounted = Mounted::new(&world);
    let outside = ForComponent::new(&provision, provision.opened(), &mounted);
    let mut printed = Vec::new();
    for component in selection.selected.iter().filter_map(|name| selection.members.get(name)) {
        for source in plan::plan(&mounted, &outside, &session.project, &environment, component, &[])?.sources {
            printed.extend(values(&source)?);
        }
    }
    if printed.is_empty() {
        return Err(nothing(&args.component).into());
    }
    if format == Format::Json {
        let sources: Vec<_> =
            printed.iter().map(|(name, files, data)| json!({"source": name, "files": files, "values": data.to_json()})).collect();
        ui.data(&report::document("values", json!({"component": args.component, "sources": sources}), &[]))?;
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for (index, (name, files, data)) in printed.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "---\n" });
        text.push_str(&format!("# {}\n", plain::line(name)));
        files.iter().for_each(|file| text.push_str(&format!("# from {}\n", plain::line(file))));
        text.push_str(&compose::emit(&data.to_node())?);
    }
    ui.data(text.as_bytes())?;
    Ok(Exit::Success)
}

/// What a source is called, the files its values come from, and the values.
fn values(source: &Source) -> hydrate_base::Result<Option<(String, Vec<String>, Data)>> {
    match source {
        Source::Helm(release) => {
            let mut merged = Data::map();
            for file in &release.values {
                merged.merge(Data::from_node(&parse::parse(file)?));
            }
            Sets { plain: Data::Null, paths: release.set.clone() }.apply(&mut merged);
            let files = release.values.iter().map(|file| file.name.clone()).collect();
            Ok(Some((format!("helm release {} of {}", release.release, release.shown), files, merged)))
        }
        Source::Jinja { shown, context, .. } => {
            let values = context.get_attr("values").ok().and_then(|values| Data::from_jinja(&values).ok()).unwrap_or_default();
            Ok(Some((format!("jinja templates in {shown}"), Vec::new(), values)))
        }
        Source::Helmfile(helmfile) => {
            let name = format!(
                "helmfile {0}: `hydrate helmfile -f {0} -e {1} write-values` writes those of its releases",
                helmfile.shown, helmfile.environment
            );
            Ok(Some((name, Vec::new(), Data::map())))
        }
        Source::Kustomize(_) | Source::Raw { .. } => Ok(None),
    }
}
