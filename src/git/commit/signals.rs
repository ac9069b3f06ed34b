//! Signals that end the program, put off while something is half done.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

struct State {
    /// Whether a signal ends the program at once.
    at_once: Arc<AtomicBool>,
    /// The signal that came meanwhile.
    pending: Arc<AtomicUsize>,
}

/// Handlers cannot be taken back, so they are put in place once, and do what would have happened without them except when told not to.
static STATE: LazyLock<State> = LazyLock::new(|| {
    let state = State { at_once: Arc::new(AtomicBool::new(true)), pending: Arc::new(AtomicUsize::new(0)) };
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // Without a handler the signal does what it always does.
        let _ = flag::register_conditional_default(signal, Arc::clone(&state.at_once));
        let _ = flag::register_usize(signal, Arc::clone(&state.pending), signal.unsigned_abs() as usize);
    }
    state
});

/// From its making to its drop, a signal to end the program waits.
pub(super) struct Deferred;

impl Deferred {
    pub(super) fn begin() -> Self {
        STATE.at_once.store(false, Ordering::SeqCst);
        Self
    }

    /// Whether one is waiting: then there is nothing more to wait for.
    pub(super) fn is_waiting(&self) -> bool {
        STATE.pending.load(Ordering::SeqCst) != 0
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        STATE.at_once.store(true, Ordering::SeqCst);
        let signal = STATE.pending.swap(0, Ordering::SeqCst);
        if let Some(signal) = i32::try_from(signal).ok().filter(|signal| *signal != 0) {
            // It ends the program, unless that signal is ignored.
            let _ = low_level::emulate_default_handler(signal);
        }
    }
}
