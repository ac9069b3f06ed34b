//! How much work and memory the templates of a chart may still take.
//!
//! Templates can run without end and can build values without end, in a function as well as in the executor: a list that
//! holds itself twice, sixty times over, is small until it is printed or compared. So the executor and whatever walks
//! values ask here before each step. The budget belongs to the thread that renders, because those walks are far from
//! the executor; outside of [`with`] there is none, and nothing is refused.
//!
//! Who notices that it is used up stops and returns anything: the executor asks [`spent`] after each call and makes
//! it an error.

use std::cell::Cell;

use hydrate_base::limits::{self, Exceeded, Limits};

/// What stands for no budget at all: more than can be used up.
const UNLIMITED: u64 = u64::MAX;

/// The most that a budget can be.
const LARGEST: u64 = UNLIMITED >> 1;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(UNLIMITED) };
    static BYTES: Cell<u64> = const { Cell::new(UNLIMITED) };
}

/// Puts the budgets of before back, also when there was a panic.
struct Restore(u64, u64);

impl Drop for Restore {
    fn drop(&mut self) {
        STEPS.set(self.0);
        BYTES.set(self.1);
    }
}

/// Does some work under a budget of its own: `steps` of about a node or a value each, and `bytes` made or written.
pub fn with<R>(steps: u64, bytes: usize, work: impl FnOnce() -> R) -> R {
    let bytes = u64::try_from(bytes).unwrap_or(LARGEST).min(LARGEST);
    let _restore = Restore(STEPS.replace(steps.min(LARGEST)), BYTES.replace(bytes));
    work()
}

/// Whether there is a budget on this thread.
pub(crate) fn is_limited() -> bool {
    STEPS.get() <= LARGEST
}

/// Takes some steps; whether there were as many.
#[inline]
pub fn spend(steps: u64) -> bool {
    take(&STEPS, steps)
}

/// Takes some bytes; whether there were as many.
#[inline]
pub fn grow(bytes: usize) -> bool {
    take(&BYTES, bytes as u64)
}

#[inline]
fn take(left: &'static std::thread::LocalKey<Cell<u64>>, amount: u64) -> bool {
    let before = left.get();
    let after = before.saturating_sub(amount);
    if before <= LARGEST {
        left.set(after);
    }
    before >= amount
}

/// How large one value or text may become, `most` at the most.
pub fn room(most: usize) -> usize {
    usize::try_from(BYTES.get()).unwrap_or(usize::MAX).min(most)
}

/// Ends the budget of bytes where something would become larger than there is room.
pub fn overdraw() {
    if BYTES.get() <= LARGEST {
        BYTES.set(0);
    }
}

/// What of the budget is used up, if anything is.
#[inline]
pub fn spent() -> Option<Spent> {
    if STEPS.get() == 0 {
        return Some(Spent::Steps);
    }
    if BYTES.get() == 0 {
        return Some(Spent::Bytes);
    }
    limits::exceeded().map(Spent::Beyond)
}

/// Takes the steps of a function that takes long for a single call, such as one that makes a key; whether there were as many, and
/// still time.
pub fn spend_at_once(steps: u64) -> bool {
    let has_time = limits::exceeded_now().is_none();
    limits::look_soon();
    spend(steps) && has_time
}

/// A budget that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// That of the steps.
    Steps,
    /// That of the bytes.
    Bytes,
    /// A limit of the whole task: time, or memory.
    Beyond(Exceeded),
}

impl Spent {
    /// How to allow more: the option, with a value that is worth trying.
    pub fn help(self, limits: Limits) -> String {
        let option = match self {
            Self::Steps => format!("--max-steps {}", limits.steps.saturating_mul(10)),
            Self::Bytes => format!("--max-output {}", limits.output.saturating_mul(4)),
            Self::Beyond(exceeded) => return exceeded.help(),
        };
        format!("does it ever end? If it does, allow more: {option}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_stays_spent() {
        with(3, 10, || {
            assert!(spend(3) && spent() == Some(Spent::Steps) && !spend(1));
            with(1, 1, || assert!(spend(1) && grow(1) && !grow(1) && spent() == Some(Spent::Steps)));
            assert!(grow(4) && room(100) == 6 && room(5) == 5);
            overdraw();
            assert!(!grow(1));
        });
        assert!(!is_limited() && spend(u64::MAX) && grow(usize::MAX) && spent().is_none());
    }
}
