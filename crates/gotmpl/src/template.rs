//! One template with the functions that it may call.

use std::sync::Arc;

use hydrate_base::{SourceFile, World};

use super::exec::{Context, ExecError, execute};
use super::func::FunctionSet;
use super::options::Options;
use super::parse::ParseError;
use super::set::TemplateSet;
use super::value::Value;

/// A parsed template, for one text; several that call each other are a [`TemplateSet`].
#[derive(Debug, Clone)]
pub struct Template {
    set: TemplateSet,
}

impl Template {
    /// Parses a text.
    ///
    /// # Errors
    /// What Go's parser says about the text, with the place in it.
    pub fn parse(name: &str, text: &str, functions: FunctionSet, options: Options) -> Result<Self, Box<ParseError>> {
        Self::parse_file(&SourceFile::new(name, text.as_bytes()), functions, options)
    }

    /// Parses a file.
    ///
    /// # Errors
    /// As for a text.
    pub fn parse_file(file: &Arc<SourceFile>, functions: FunctionSet, options: Options) -> Result<Self, Box<ParseError>> {
        let mut set = TemplateSet::new(file.name.as_str(), functions, options);
        set.parse(file)?;
        Ok(Self { set })
    }

    /// Executes the template over `data`; functions ask `world` for the time and randomness, and its limits hold.
    ///
    /// # Errors
    /// What Go's executor says about the action that fails, with its place; a limit that is exceeded.
    pub fn render(&self, data: &Value, world: &dyn World) -> Result<Vec<u8>, Box<ExecError>> {
        let context = Context { world, host: &(), limits: world.limits().into() };
        Ok(execute(&self.set, self.set.name().as_bytes(), data, context)?.bytes)
    }
}
