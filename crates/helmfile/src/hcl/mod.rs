//! Values in HCL.

use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_gotmpl::Map;

/// The values of some files together.
pub(crate) fn load(files: &[Arc<SourceFile>], _world: &dyn World) -> Result<Map> {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    Err(Diagnostic::error(format!("values in HCL are not supported: {}", names.join(", "))).help("write them in YAML"))
}
