//! How templates are parsed and executed: the Go release, and what a missing key gives.

/// The Go release whose text/template and fmt are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum GoVersion {
    /// Go 1.23, with which Helm 3.17 is built.
    Go1_23,
    /// Go 1.27, with which Helm 4.3 is built.
    #[default]
    Go1_27,
}

impl GoVersion {
    /// Whether `range` counts integers (since 1.24).
    pub(crate) fn ranges_over_integers(self) -> bool {
        self >= Self::Go1_27
    }
}

/// What happens when a map is asked for a key that it does not have: Go's option `missingkey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingKey {
    /// `missingkey=default`: nothing, printed as `<no value>`.
    #[default]
    Default,
    /// `missingkey=zero`: the zero value of the map's element type.
    Zero,
    /// `missingkey=error`: an error.
    Error,
}

/// How a set is parsed and executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The Go release to follow.
    pub go: GoVersion,
    /// What a missing key gives.
    pub missing_key: MissingKey,
}
