//! One template with the functions that it may call.

use hydrate_base::{Result, World};

use super::exec::{Context, execute};
use super::func::FunctionSet;
use super::options::Options;
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
    pub fn parse(name: &str, text: &str, functions: FunctionSet, options: Options) -> Result<Self> {
        let mut set = TemplateSet::new(name, functions, options);
        set.parse_text(name, text.as_bytes()).map_err(|error| error.to_diagnostic())?;
        Ok(Self { set })
    }

    /// Executes the template over `data`; functions ask `world` for the time and randomness, and its limits hold.
    ///
    /// # Errors
    /// What Go's executor says about the action that fails, with its place; a limit that is exceeded.
    pub fn render(&self, data: &Value, world: &dyn World) -> Result<Vec<u8>> {
        let context = Context { world, host: &(), limits: world.limits().into() };
        let output = execute(&self.set, self.set.name().as_bytes(), data, context).map_err(|error| error.to_diagnostic())?;
        Ok(output.bytes)
    }
}
