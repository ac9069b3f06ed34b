//! Semantic versions and ranges of them as `github.com/Masterminds/semver` reads them.
//!
//! Helm 3.17 carries release 3.3.0 and Helm 4.3 release 3.5.0. They differ in the texts of errors, and in whether a
//! range takes a pre-release: the older one looks at each comparison, the newer one at all that stand together.

mod constraint;
mod functions;
mod version;

pub(super) use functions::{semver, semver_compare, semver_compare_v3, semver_v3};

pub use constraint::Constraint;
pub use version::Version;

/// Which release of the library is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 3.3.0, of Helm 3.17.
    V3_3,
    /// 3.5.0, of Helm 4.3.
    V3_5,
}

impl Release {
    /// One of two texts.
    fn choose(self, older: &'static str, newer: &'static str) -> &'static str {
        match self {
            Self::V3_3 => older,
            Self::V3_5 => newer,
        }
    }

    /// A value inside of an error text, which only the newer release quotes.
    fn shown(self, text: &str) -> String {
        match self {
            Self::V3_3 => text.to_owned(),
            Self::V3_5 => hydrate_gotmpl::fmt::quote(text.as_bytes()),
        }
    }
}
