//! How much evaluating may take: nothing that a file says makes it run for ever, or fill the memory.

use std::cell::Cell;

use hydrate_base::Limits;

/// What some files of values may take at the most, whatever the limits of the run are.
const MOST_STEPS: u64 = 50_000_000;
/// So many parts of values may be made, each of which takes up to some 150 bytes.
const MOST_PARTS: u64 = 2_500_000;
/// A text counts as one part for so many bytes.
const BYTES_OF_A_PART: usize = 128;

/// What is left.
pub(super) struct Budget {
    steps: Cell<u64>,
    parts: Cell<u64>,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { steps: Cell::new(limits.steps.min(MOST_STEPS)), parts: Cell::new(MOST_PARTS) }
    }

    /// Takes some steps, about one for each node that is evaluated and each part of a value that is gone through; whether there were as many.
    pub(super) fn spend(&self, steps: u64) -> bool {
        take(&self.steps, steps)
    }

    /// Takes room for items and texts; whether there was as much.
    pub(super) fn grow(&self, items: usize, bytes: usize) -> bool {
        take(&self.parts, items as u64 + (bytes / BYTES_OF_A_PART) as u64)
    }
}

fn take(left: &Cell<u64>, amount: u64) -> bool {
    let before = left.get();
    left.set(before.saturating_sub(amount));
    before >= amount
}
