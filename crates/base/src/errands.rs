//! Work for a thread that would otherwise only wait.
//!
//! Rendering needs a stack of its own and so a thread of its own, and whoever started that thread waits for it. What does not
//! depend on the order of rendering (parsing, reading what was rendered) can be left to the one who waits, which
//! uses a second core without the price of starting another thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

type Job = Box<dyn FnOnce() + Send>;

/// Where work is left for the waiting thread; clones are the same place.
#[derive(Clone, Default)]
pub struct Errands(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; waits for one until the queue is closed.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            match state.jobs.pop_front() {
                Some(job) => return Some(job),
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Errands {
    /// A place where nothing was left yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves work for the waiting thread, and gives where its result can be had.
    pub fn leave<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Errand<T> {
        let (give, result) = mpsc::sync_channel(1);
        let job = move || {
            // Where nobody wants the result any more, it is dropped.
            let _ = give.send(work());
        };
        self.0.lock().jobs.push_back(Box::new(job));
        self.0.changed.notify_one();
        Errand { queue: Arc::clone(&self.0), result }
    }

    /// Does what is left here until [`Errands::close`] is called.
    pub fn serve(&self) {
        while let Some(job) = self.0.next() {
            job();
        }
    }

    /// Sends the waiting thread home; what was not begun is not done.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

/// Work that was left for the waiting thread.
pub struct Errand<T> {
    queue: Arc<Queue>,
    result: mpsc::Receiver<T>,
}

impl<T> Errand<T> {
    /// The result. Until it is there the caller takes a hand in what is left; `None` where the work panicked.
    pub fn wait(self) -> Option<T> {
        loop {
            match self.result.try_recv() {
                Ok(result) => return Some(result),
                Err(mpsc::TryRecvError::Disconnected) => return None,
                Err(mpsc::TryRecvError::Empty) => {}
            }
            let next = self.queue.lock().jobs.pop_front();
            match next {
                Some(job) => job(),
                None => return self.result.recv().ok(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_from_whoever_does_the_work() {
        let errands = Errands::new();
        let server = errands.clone();
        let waiting = std::thread::spawn(move || server.serve());
        let left: Vec<_> = (0..100).map(|number| errands.leave(move || number * 2)).collect();
        assert_eq!(left.into_iter().filter_map(Errand::wait).sum::<i32>(), 9900);
        errands.close();
        waiting.join().unwrap();
        // Without a server the one who waits does it all.
        assert_eq!(Errands::new().leave(|| 1).wait(), Some(1));
    }
}
