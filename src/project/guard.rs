//! `guard:` of hydrate.yaml and environments: what is refused unless it is meant.

use hydrate_yaml::node::Node;

use super::shape::{count, share};

/// The share of its components that an environment may lose where nobody says otherwise, in percent.
const USUAL: usize = 25;

/// What is refused without `--yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guard {
    /// How many components an environment may lose at once; `None`: a quarter.
    pub components: Option<Limit>,
    /// How many slips a run takes; `None`: any number.
    pub slips: Option<usize>,
}

/// How many of something may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// So many.
    Count(usize),
    /// So many in a hundred.
    Share(usize),
}

impl Limit {
    /// How many of `all` that is. A part is rounded up; it is all of them only where others come in their place.
    pub fn of(self, all: usize, others_come: bool) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Share(100..) => all,
            Self::Share(share) => (all * share).div_ceil(100).min(all.saturating_sub(usize::from(!others_come))),
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => write!(f, "{share}%"),
        }
    }
}

impl Guard {
    /// Reads what a file says; its shape has been checked.
    pub(super) fn read(root: &Node) -> Self {
        let guard = root.get("guard");
        let limit = |node: &Node| count(node).map(Limit::Count).or_else(|| share(node).map(Limit::Share));
        Self {
            components: guard.and_then(|guard| guard.get("components")).and_then(limit),
            slips: guard.and_then(|guard| guard.get("slips")).and_then(count),
        }
    }

    /// What this says, and where it says nothing what the one above it says.
    #[must_use]
    pub fn over(self, above: &Self) -> Self {
        Self { components: self.components.or(above.components), slips: self.slips.or(above.slips) }
    }

    /// How many components an environment may lose.
    pub fn components(&self) -> Limit {
        self.components.unwrap_or(Limit::Share(USUAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_all_only_where_others_come() {
        let quarter = |others_come| (0..=9).map(|all| Limit::Share(25).of(all, others_come)).collect::<Vec<usize>>();
        assert_eq!(quarter(false), [0, 0, 1, 1, 1, 2, 2, 2, 2, 3]);
        assert_eq!(quarter(true), [0, 1, 1, 1, 1, 2, 2, 2, 2, 3]);
        let of_nine = [Limit::Share(0), Limit::Share(99), Limit::Share(100), Limit::Count(2)].map(|limit| limit.of(9, false));
        assert_eq!(of_nine, [0, 8, 9, 2]);
    }
}
