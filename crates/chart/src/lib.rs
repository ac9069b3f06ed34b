//! The `chart` room: Helm charts as files: their supply, loading from directories and archives, Chart.yaml, dependencies.

mod archive;
mod directory;
mod ignore;
mod load;
mod metadata;
mod model;
mod pathmatch;
mod shape;
mod values;

pub use shape::{Shape, Struct, conform, error_line};
pub use values::{decode_values, merge_maps};

pub use archive::{load_archive, unpack};
pub use load::{from_files, load};
pub use metadata::sanitized;
pub use model::{Chart, Dependency, File, Given, Import, ImportPath, Level, Maintainer, Metadata, Parsed};
pub use pathmatch::matches as matches_path;
