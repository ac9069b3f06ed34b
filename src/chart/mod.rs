//! The `chart` room: Helm charts as files: their supply, loading from directories and archives, Chart.yaml, dependencies.

pub mod acquire;
mod archive;
mod directory;
mod ignore;
mod load;
pub mod lockfile;
mod metadata;
mod model;
pub mod pathmatch;
pub mod shape;
pub mod values;

pub use archive::{load_archive, unpack};
pub use load::{from_files, load};
pub use metadata::sanitized;
pub use model::{Chart, Dependency, File, Given, Import, ImportPath, Level, Maintainer, Metadata, Parsed};
