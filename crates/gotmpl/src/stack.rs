//! How much of the thread's stack is left, so that hostile nesting becomes an error and never an overflow.
//!
//! Parser, executor and printer are recursive, as templates and values are. They ask `exhausted` before they go
//! down. A thread started by [`with_large_stack`] knows its size; on any other thread a budget is assumed that the
//! smallest default of the platforms covers.

use std::cell::Cell;

use hydrate_base::{JobQueue, limits};

/// What is assumed of a thread about which nothing is known, counted from the first question it asks.
const ASSUMED: usize = 1 << 20;

/// What is kept free for leaf functions that don't ask.
const RESERVE: usize = 192 << 10;

thread_local! {
    /// The lowest address that may be used; zero until it is known.
    static FLOOR: Cell<usize> = const { Cell::new(0) };
}

/// An address near the top of the current stack.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

/// Runs `work` on a thread of its own with `size` bytes of stack, and gives what it gave. The memory is only
/// reserved, so a generous size costs nothing until it is used. The calling thread does meanwhile what `work` leaves for it.
///
/// # Errors
/// When the thread cannot be started, or when `work` panicked.
pub fn with_large_stack<R: Send>(size: usize, work: impl FnOnce(&JobQueue) -> R + Send) -> std::io::Result<R> {
    let jobs = JobQueue::new();
    let task = limits::current();
    std::thread::scope(|scope| {
        let run = || {
            let _close = Closing(&jobs);
            FLOOR.set(here().saturating_sub(size).saturating_add(RESERVE));
            task.run(|| work(&jobs))
        };
        let thread = std::thread::Builder::new().stack_size(size).spawn_scoped(scope, run)?;
        jobs.run();
        thread.join().map_err(|_| std::io::Error::other("the rendering thread panicked"))
    })
}

/// Closes the queue when the work ends, also by a panic, so that the waiting thread returns.
struct Closing<'e>(&'e JobQueue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Whether the stack is used up but for the reserve.
#[inline]
pub(crate) fn exhausted() -> bool {
    let here = here();
    let floor = FLOOR.get();
    if floor != 0 {
        return here < floor;
    }
    FLOOR.set(here.saturating_sub(ASSUMED).max(1));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(depth: usize) -> usize {
        if exhausted() { depth } else { std::hint::black_box(descend(depth + 1)) }
    }

    #[test]
    fn recursion_ends_before_the_stack_does() {
        assert!(descend(0) > 100);
        assert!(with_large_stack(64 << 20, |_| descend(0)).expect("starts") > descend(0));
    }
}
