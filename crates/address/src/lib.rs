//! The addresses of charts, files and Git repositories.

mod repository;
mod repospec;
mod url;

pub use repospec::{RepoSpec, of_lock, to_lock};
pub use url::{Url, percent_decoded, percent_encoded};

pub use repository::Repository;
