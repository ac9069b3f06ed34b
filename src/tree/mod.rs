//! The `tree` room: `manifests/<env>/`, and `clusters/<env>/` beside it: which files there are, which of them are ours, and how they get there.

mod beneath;
pub mod changes;
pub mod compare;
pub mod disk;
pub mod index;
mod journal;
pub mod layout;
pub mod namespaces;
pub mod owned;
pub mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use changes::{Changes, DirChanges};
pub use layout::lay_out;
pub use owned::Owned;

/// The directory of namespaces in the tree.
pub const NAMESPACES: &str = "00-namespaces";
/// The file in it that has the namespaces of all components with helmfiles, as a script around helmfile writes it.
pub const COMMON_NAMESPACES: &str = "namespaces.yaml";
/// The directory of CRDs in the tree of an environment that is handed over.
pub const CRDS: &str = "00-crds";
/// The file that lists what hydrate owns in a directory.
pub const INDEX: &str = ".hydrated";
/// The file that lists what Kubernetes tools should read in a directory.
pub const KUSTOMIZATION: &str = "kustomization.yaml";

/// The files of one directory by name.
pub type Files = BTreeMap<String, Arc<[u8]>>;

/// What an environment's directory is to hold.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The directories that were rendered, by name: their files without `.hydrated`. One without files goes.
    pub dirs: BTreeMap<String, Files>,
    /// Whether directories that are not among these go, if they are ours.
    pub complete: bool,
    /// Directories that stay as they are although they were not rendered (their components failed).
    pub spared: Vec<String>,
    /// The files of `clusters/<env>`; none: those that are ours go. `None`: they stay as they are.
    pub clusters: Option<Files>,
}
