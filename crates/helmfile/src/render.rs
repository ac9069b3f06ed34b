//! Texts executed as templates, with the partials (`_*.tpl`) beside them.
//!
//! Follows `pkg/tmpl/context_tmpl.go` and `file_renderer.go` of helmfile.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World, go_read_text};
use hydrate_chart::Level;
use hydrate_gotmpl::{Context, MissingKey, Options, TemplateSet, Value, execute, execute_partly};

use crate::functions::{Host, function_set};
use crate::secrets::Secrets;
use crate::{Version, paths};

/// Starts programs for `exec`.
pub trait Programs: Send + Sync {
    /// What a program writes to stdout.
    ///
    /// # Errors
    /// Why it could not be started, or how it failed.
    fn run(
        &self,
        directory: &Path,
        variables: &BTreeMap<String, String>,
        command: &str,
        arguments: &[String],
        input: &str,
    ) -> std::result::Result<Vec<u8>, String>;
}

/// What all templates of a run have in common.
#[derive(Clone)]
pub(crate) struct Settings {
    pub version: Version,
    pub level: Level,
    pub programs: Option<Arc<dyn Programs>>,
    pub secrets: Secrets,
    /// Whether `HELMFILE_DISABLE_INSECURE_FEATURES` or its kin is set.
    pub refuses_insecure: bool,
}

impl Settings {
    pub(crate) fn refuse_insecure(&self) -> std::result::Result<(), String> {
        const TEXT: &str = "HELMFILE_DISABLE_INSECURE_FEATURES or HELMFILE_DISABLE_INSECURE_TEMPLATE_FUNCTIONS is active, insecure function calls are disabled";
        if self.refuses_insecure { Err(TEXT.to_owned()) } else { Ok(()) }
    }
}

/// Executes templates whose paths are relative to a directory.
#[derive(Clone, Copy)]
pub(crate) struct Renderer<'a> {
    pub world: &'a dyn World,
    pub settings: &'a Settings,
    /// What paths are relative to.
    pub base: &'a Path,
    /// What shown paths are relative to.
    pub root: &'a Path,
}

impl Renderer<'_> {
    /// What a text gives over some data.
    pub(crate) fn render(&self, file: &Arc<SourceFile>, data: &Value) -> Result<Vec<u8>> {
        if !is_template(&file.text) {
            return Ok(file.text.to_vec());
        }
        let set = self.parse(file, MissingKey::Error)?;
        let host = self.host(false);
        let context = Context { world: self.world, host: &host, limits: self.world.limits().into() };
        let output = execute(&set, file.name.as_bytes(), data, context).map_err(|error| error.to_diagnostic())?;
        Ok(output.bytes)
    }

    /// The first of two passes: what a text gives until its first error, where keys are missing without one.
    pub(crate) fn first_pass(&self, file: &Arc<SourceFile>, data: &Value) -> Option<Vec<u8>> {
        let set = self.parse(file, MissingKey::Zero).ok()?;
        let host = self.host(true);
        let context = Context { world: self.world, host: &host, limits: self.world.limits().into() };
        Some(execute_partly(&set, file.name.as_bytes(), data, context).0)
    }

    /// What a short text gives, which is named for errors.
    pub(crate) fn text(&self, name: &str, text: &str, data: &Value) -> Result<String> {
        let rendered = self.render(&SourceFile::new(name, text.as_bytes()), data)?;
        String::from_utf8(rendered).map_err(|_| Diagnostic::error(format!("{name} gives a text that is not UTF-8")))
    }

    fn host(&self, is_first_pass: bool) -> Host {
        Host { base: self.base.to_owned(), settings: self.settings.clone(), is_first_pass, included: RefCell::default() }
    }

    fn parse(&self, file: &Arc<SourceFile>, missing_key: MissingKey) -> Result<TemplateSet> {
        let version = self.settings.version;
        let options = Options { go: version.go(), missing_key };
        let mut set = TemplateSet::new(file.name.as_str(), function_set(version), options);
        for partial in self.partials()? {
            set.parse(&partial).map_err(|error| error.to_diagnostic())?;
        }
        set.parse(file).map_err(|error| error.to_diagnostic())?;
        Ok(set)
    }

    fn partials(&self) -> Result<Vec<Arc<SourceFile>>> {
        let found = paths::glob(self.world, &self.base.join("_*.tpl")).map_err(Diagnostic::error)?;
        found.iter().map(|path| read(self.world, path, self.root)).collect()
    }
}

/// Whether there is anything to execute.
fn is_template(text: &[u8]) -> bool {
    text.windows(2).any(|pair| pair == b"{{")
}

/// A file with the name that it is shown with.
pub(crate) fn read(world: &dyn World, path: &Path, root: &Path) -> Result<Arc<SourceFile>> {
    let shown = paths::shown(path, root);
    let bytes = world.read(path).map_err(|error| {
        let diagnostic = Diagnostic::error(go_read_text(&shown, &error));
        if hydrate_base::is_refused(&error) { diagnostic.help("`--allow-outside` allows it") } else { diagnostic }
    })?;
    Ok(SourceFile::new(shown, bytes))
}
