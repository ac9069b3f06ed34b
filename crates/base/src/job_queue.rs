//! A queue of jobs that a waiting thread works through.
//!
//! Rendering needs a large stack and therefore a thread of its own, and the thread that started it only waits. Work whose order does
//! not matter (parsing templates, reading rendered files) is submitted here and done by the waiting thread, which uses a second
//! core without the cost of starting another thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

type Job = Box<dyn FnOnce() + Send>;

/// A queue of jobs; clones share the queue.
#[derive(Clone, Default)]
pub struct JobQueue(Arc<Queue>);

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

impl JobQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job, and returns a handle to its result.
    pub fn submit<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> PendingJob<T> {
        let (give, result) = mpsc::sync_channel(1);
        let job = move || {
            // The result is dropped where nobody waits for it.
            let _ = give.send(work());
        };
        self.0.lock().jobs.push_back(Box::new(job));
        self.0.changed.notify_one();
        PendingJob { queue: Arc::clone(&self.0), result }
    }

    /// Runs jobs on this thread until [`JobQueue::close`] is called.
    pub fn run(&self) {
        while let Some(job) = self.0.next() {
            job();
        }
    }

    /// Ends [`JobQueue::run`]; jobs that were not started are dropped.
    pub fn close(&self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

/// A job that was submitted.
pub struct PendingJob<T> {
    queue: Arc<Queue>,
    result: mpsc::Receiver<T>,
}

impl<T> PendingJob<T> {
    /// The result of the job. While it is not there, this thread runs other jobs of the queue. `None` where the job panicked.
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
    fn results_arrive_whichever_thread_runs_the_job() {
        let jobs = JobQueue::new();
        let server = jobs.clone();
        let waiting = std::thread::spawn(move || server.run());
        let left: Vec<_> = (0..100).map(|number| jobs.submit(move || number * 2)).collect();
        assert_eq!(left.into_iter().filter_map(PendingJob::wait).sum::<i32>(), 9900);
        jobs.close();
        waiting.join().unwrap();
        // Without another thread the waiting one runs the job.
        assert_eq!(JobQueue::new().submit(|| 1).wait(), Some(1));
    }
}
