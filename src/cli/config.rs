//! The user's own configuration, `hydrate/config.yaml` in their configuration directory: what no repository may decide.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use hydrate_base::world::is_missing;
use hydrate_base::{Diagnostic, DiskWorld, Result, SourceFile, World};

/// What the user has configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UserConfig {
    /// Environment variables that templates may read.
    #[serde(default)]
    pub template_env: Vec<String>,
}

impl UserConfig {
    /// Reads it; a file that is not there says nothing. One that lies in the project could come with a pull request: it is an error.
    pub fn read(world: &DiskWorld, project: &Path) -> Result<Self> {
        let Some(path) = path(world) else { return Ok(Self::default()) };
        if world.canonical(&path).is_ok_and(|real| real.starts_with(project)) {
            return Err(Diagnostic::error(format!("the configuration {} lies in the project", path.display()))
                .note("whoever changes the project could decide what only its user may")
                .help("keep it elsewhere: XDG_CONFIG_HOME names the directory that `hydrate/config.yaml` is looked up in"));
        }
        match world.read(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if is_missing(&error) => Ok(Self::default()),
            Err(error) => Err(Diagnostic::error(format!("cannot read {}: {error}", path.display()))),
        }
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let parsed: std::result::Result<Option<Self>, _> = serde_yaml::from_slice(text);
        parsed.map(Option::unwrap_or_default).map_err(|error| {
            let file = SourceFile::new(path.display().to_string(), text);
            let diagnostic = Diagnostic::error(format!("{} is no configuration: {error}", path.display()));
            let diagnostic = match error.location() {
                Some(place) => diagnostic.at(&file, file.line_range(place.line()), ""),
                None => diagnostic,
            };
            diagnostic.help("it knows `templateEnv: [NAME]`")
        })
    }
}

/// Where the file is; nowhere without a home.
pub fn path(world: &DiskWorld) -> Option<PathBuf> {
    let absolute = |name: &str| world.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let directory = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(directory.join("hydrate/config.yaml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_and_what_it_does_not_know() {
        let parse = |text: &str| UserConfig::parse(Path::new("/home/u/.config/hydrate/config.yaml"), text.as_bytes());
        assert_eq!(parse("templateEnv: [A, B]").unwrap().template_env, ["A", "B"]);
        assert_eq!(parse("# nothing\n").unwrap(), UserConfig::default());
        assert!(parse("a: 1\ntemplateenv: [A]\n").unwrap_err().to_string().contains("templateEnv"));
        assert!(parse("templateEnv: A").is_err() && parse("[").is_err());
    }
}
