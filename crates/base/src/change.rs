//! What happens to a file.

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// New.
    Created,
    /// Its content changes.
    Changed,
    /// Gone.
    Deleted,
}

impl Change {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Created, Self::Changed, Self::Deleted];

    /// `created`, `changed`, `deleted`
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
        }
    }
}
