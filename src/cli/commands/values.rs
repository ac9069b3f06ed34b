//! `hydrate values COMPONENT`: the values its sources are rendered with.

use clap::Args;
use serde_json::json;

use crate::cli::args::{Format, GlobalArgs};
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::session::{Session, format, provision, variables};
use crate::cli::{report, ui::Ui};
use crate::pipeline::plan;
use crate::pipeline::provision::ForComponent;
use crate::project::parse;
use crate::project::select::select;
use crate::project::sets::Sets;
use hydrate_acquire::Mounted;
use hydrate_base::taint::{Disguise, Traces};
use hydrate_base::{Diagnostic, DiskWorld, plain};
use hydrate_source::Data;
use hydrate_source::{Source, compose};

/// Arguments of `hydrate values`.
#[derive(Debug, Args)]
pub struct ValuesArgs {
    /// The component
    #[arg(value_name = "COMPONENT")]
    pub component: String,
}

/// Prints, for each helm and jinja source, its values files merged: what the user gives, the chart's own defaults aside.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &ValuesArgs) -> Outcome {
    let format = format(global, "values", &[Format::Text, Format::Json])?;
    let session = Session::open(global)?;
    let world = session.project.world().seeing(variables(global, &session.project)?);
    let world = world.disguising(Disguise { is_masked: true, ..Disguise::default() }, &Traces::default());
    let outside = DiskWorld::new();
    let environment = session.project.environment(&world, session.only_environment()?)?;
    let all = session.project.components(&world)?;
    let selection = select(&world, &environment, &all, std::slice::from_ref(&args.component))?;
    if !selection.broken.is_empty() {
        return Err(selection.broken.into_values().flatten().collect::<Vec<_>>().into());
    }
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
        return Err(Diagnostic::error(format!("component `{}` has no source that takes values", args.component)).into());
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
