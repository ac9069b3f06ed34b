//! The release of helmfile that is followed.

use hydrate_chart::Level;
use hydrate_gotmpl::GoVersion;
use hydrate_yaml::Dialect;

/// The release of helmfile that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// 0.166, which executes templates in files without `.gotmpl` too, in two passes.
    V0,
    /// 1.7
    #[default]
    V1,
}

impl Version {
    /// Reads `v0` or `v1`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "v0" => Some(Self::V0),
            "v1" => Some(Self::V1),
            _ => None,
        }
    }

    /// The Helm that a helmfile of this release is run with.
    pub fn level(self) -> Level {
        match self {
            Self::V0 => Level::V3,
            Self::V1 => Level::V4,
        }
    }

    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::V0 => Dialect::V2,
            Self::V1 => Dialect::V3,
        }
    }

    pub(crate) fn go(self) -> GoVersion {
        match self {
            Self::V0 => GoVersion::Go1_23,
            Self::V1 => GoVersion::Go1_27,
        }
    }
}
