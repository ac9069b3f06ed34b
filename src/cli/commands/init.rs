//! `hydrate init`: a project that can be rendered at once.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::args::GlobalArgs;
use crate::cli::outcome::{Exit, Outcome};
use crate::cli::ui::Ui;
use crate::project::valid_name;
use hydrate_base::{Diagnostic, Result};

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
        let path = path.replace("ENV", env);
        let what = if write(&root, &path, text)? { "created" } else { "kept" };
        ui.say(format!("{what} {path}"));
    }
    ui.say("");
    ui.say(format!("now run: hydrate -e {env}"));
    Ok(Exit::Success)
}

/// Writes a file that is not there yet, through no link; whether it did.
fn write(root: &Path, path: &str, text: &str) -> Result<bool> {
    let cannot = |error: std::io::Error| Diagnostic::error(format!("cannot write {path}: {error}"));
    let above = Path::new(path).ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
    for above in above {
        if fs::symlink_metadata(root.join(above)).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Diagnostic::error(format!("{} is a symbolic link", above.display())).help("replace it by a directory"));
        }
    }
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap_or(root)).map_err(cannot)?;
    match fs::OpenOptions::new().write(true).create_new(true).open(&file) {
        Ok(mut new) => std::io::Write::write_all(&mut new, text.as_bytes()).map(|()| true).map_err(cannot),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(cannot(error)),
    }
}
