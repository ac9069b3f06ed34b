//! Points at which tests kill the process.

/// In builds for development, kills the process before the change whose number HYDRATE_TEST_KILL_BEFORE gives, or stops it there until it is
/// told to go on (HYDRATE_TEST_STOP_BEFORE): tests go through all of them.
pub fn kill_point() {
    #[cfg(debug_assertions)]
    {
        use rustix::process::Signal;
        use std::sync::atomic::{AtomicU32, Ordering};
        static CHANGES: AtomicU32 = AtomicU32::new(0);
        let number = CHANGES.fetch_add(1, Ordering::Relaxed) + 1;
        for (variable, signal) in [("HYDRATE_TEST_KILL_BEFORE", Signal::KILL), ("HYDRATE_TEST_STOP_BEFORE", Signal::STOP)] {
            if std::env::var(variable).is_ok_and(|wanted| wanted.parse() == Ok(number)) {
                let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
            }
        }
    }
}
