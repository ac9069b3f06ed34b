//! `hydrate init`: a project that hydrates at once.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::base::{Diagnostic, Result};
use crate::cli::args::GlobalArgs;
use crate::cli::{Exit, Outcome, ui::Ui};
use crate::project::valid_name;

/// Arguments of `hydrate init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where to start the project [default: here]
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The files of a new project; `ENV` stands for the environment's name.
const FILES: &[(&str, &str)] = &[
    (
        "hydrate.yaml",
        "# Every key has a default; `hydrate schema hydrate` shows them all.\n\
         helm: v4 # whose bytes Helm charts render to: v4 (helm 4.3) or v3 (helm 3.17)\n",
    ),
    (
        "environments/ENV.yaml",
        "kubernetes: \"1.33\"\n\
         values: # visible to the templates of every component\n  domain: local\n\
         components: [\"*\"]\n",
    ),
    (
        "components/hello/component.yaml",
        "namespace: hello\n\
         sources:\n  - jinja: templates\n",
    ),
    ("components/hello/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: hello\n"),
    ("components/hello/values.yaml", "greeting: Hello\n"),
    (
        "components/hello/templates/configmap.yaml.j2",
        "apiVersion: v1\n\
         kind: ConfigMap\n\
         metadata:\n  name: hello\n\
         data:\n  greeting: \"{{ values.greeting }} from {{ env.name }}.{{ values.domain }}\"\n",
    ),
];

/// Writes the files that are not there yet and says what comes next.
pub fn run(ui: &mut Ui, global: &GlobalArgs, args: &InitArgs) -> Outcome {
    let start = global.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let root = args.dir.as_ref().map_or(start.clone(), |dir| start.join(dir));
    let env = match global.environments.as_slice() {
        [] => "dev",
        [one] if valid_name(one) && one != "all" => one,
        _ => return Err(Diagnostic::error("`hydrate init` starts with one environment").help("name it: -e dev").into()),
    };
    if root.join("components").exists() || root.join("hydrate.yaml").exists() {
        return Err(Diagnostic::error(format!("there is a project in {} already", root.display()))
            .help("run `hydrate list` to see it")
            .into());
    }
    for (path, text) in FILES {
        write(&root.join(path.replace("ENV", env)), text)?;
        ui.say(format!("created {}", path.replace("ENV", env)));
    }
    ui.say("");
    ui.say(format!("now run: hydrate -e {env}"));
    Ok(Exit::Success)
}

fn write(path: &std::path::Path, text: &str) -> Result<()> {
    let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot write {}: {error}", path.display()));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    fs::write(path, text).map_err(cannot)
}
