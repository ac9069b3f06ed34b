//! How much memory and time rendering may take, over all engines.
//!
//! Templates, schemas, patches and aliases can ask for work and memory without end, in ways that no engine counts
//! completely. So each engine counts what it makes where it can say the place ([`Limits::steps`], [`Limits::output`]), and
//! a [`Watch`] holds all of them to a limit of time and one of memory. An engine that asks [`exceeded`] while it
//! works ends with an error that has a place. One that does not, because a library does the work, is ended
//! from outside a little later: rendering writes nothing, so the process can stop at any moment of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Diagnostic;

/// How often the watch looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// What an engine has to end by itself once its time is up.
const GRACE: Duration = Duration::from_secs(2);

/// [`exceeded`] looks at the clock once in so many calls.
const CALLS: u32 = 64;

/// What rendering one component, or one chart or kustomization of a drop-in command, may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory that the process may take while it renders.
    pub memory: u64,
    /// Time that rendering one of them may take.
    pub time: Duration,
    /// Nodes of templates executed, and values that functions go through, in one chart.
    pub steps: u64,
    /// Bytes written by the templates of a chart, those that functions make included.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, time: Duration::from_secs(15), steps: 500_000_000, output: 1 << 30 }
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// That of time.
    Time(Duration),
    /// That of memory, in bytes.
    Memory(u64),
}

impl fmt::Display for Exceeded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(out, "more than {}", seconds(*time)),
            Self::Memory(memory) => write!(out, "more than {} of memory", size(*memory)),
        }
    }
}

impl Exceeded {
    /// How to allow more: the option, with a value that is worth trying.
    pub fn help(self) -> String {
        let option = match self {
            Self::Time(time) => format!("--max-time {}", seconds(time * 4)),
            Self::Memory(memory) => format!("--max-memory {}", size(memory * 2)),
        };
        format!("does it ever end? If it does, allow more: {option}")
    }
}

fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}

fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "Gi"), (20, "Mi"), (10, "Ki")];
    let whole = UNITS.iter().find(|(shift, _)| bytes >= 1 << shift && bytes.is_multiple_of(1 << shift));
    whole.map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

/// Reads a size: bytes, or a number with `Ki`, `Mi`, `Gi` (powers of 1024, also as `KiB` …) or `k`, `M`, `G` (powers of 1000).
///
/// # Errors
/// What is expected, where it is no size or zero.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: Option<u64> = match unit.strip_suffix('B').unwrap_or(unit) {
        "" => Some(1),
        "k" | "K" => Some(1000),
        "M" => Some(1_000_000),
        "G" => Some(1_000_000_000),
        "Ki" => Some(1 << 10),
        "Mi" => Some(1 << 20),
        "Gi" => Some(1 << 30),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size such as 512Mi or 4Gi".to_owned())
}

/// Reads a duration: `15s`, `1m30s`, `500ms`.
///
/// # Errors
/// What is expected, where it is no duration or zero.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let time = text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    time.filter(|time| !time.is_zero() && *time <= LONGEST).ok_or_else(|| "expected a duration such as 15s or 2m".to_owned())
}

/// Beyond that a limit is none; clocks could not add it.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Watches over what is being rendered in this process; the default one watches over nothing.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Shared>>);

impl fmt::Debug for Watch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Watch").field(&self.0.as_ref().map(|shared| shared.limits)).finish()
    }
}

struct Shared {
    limits: Limits,
    memory: Option<Memory>,
    /// Told what went beyond a limit and did not end by itself; ends the process.
    stop: Box<dyn Fn(Box<Diagnostic>) + Send + Sync>,
    state: Mutex<State>,
    /// Whether the process has more memory than it may.
    is_over: AtomicBool,
}

#[derive(Default)]
struct State {
    next: u64,
    tasks: BTreeMap<u64, Running>,
    is_watched: bool,
}

/// A task that goes on.
struct Running {
    name: String,
    start: Instant,
    /// Whether it waits for something that is not rendering.
    is_paused: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// A watch with these limits. `stop` is given an error once a task has gone beyond one and did not end by itself. It is called
    /// from another thread, and it has to end the process. What is asked of the system is opened here, so a process that gives up its rights
    /// afterwards is watched all the same.
    pub fn new(limits: Limits, stop: impl Fn(Box<Diagnostic>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Shared {
            limits,
            memory: Memory::open(),
            stop: Box::new(stop),
            state: Mutex::default(),
            is_over: AtomicBool::new(false),
        })))
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.0.as_ref().map(|shared| shared.limits).unwrap_or_default()
    }

    /// Begins a task on this thread, `component loki of k3d`; it ends when what is given back is dropped.
    pub fn task(&self, what: impl FnOnce() -> String) -> Task {
        let Some(shared) = &self.0 else { return Task { watched: None, before: CURRENT.take() } };
        let start = Instant::now();
        let mut state = shared.lock();
        let number = state.next;
        state.next += 1;
        state.tasks.insert(number, Running { name: what(), start, is_paused: false });
        if !state.is_watched {
            let watched = Arc::clone(shared);
            // Without another thread the engines still look at the clock themselves.
            state.is_watched = std::thread::Builder::new().name("limits".to_owned()).spawn(move || look(&watched)).is_ok();
        }
        drop(state);
        let current = Current { shared: Arc::clone(shared), number, until: start + shared.limits.time };
        Task { watched: Some((Arc::clone(shared), number)), before: CURRENT.replace(Some(current)) }
    }
}

/// A task that is watched.
#[must_use = "it ends when it is dropped"]
pub struct Task {
    watched: Option<(Arc<Shared>, u64)>,
    before: Option<Current>,
}

impl Drop for Task {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
        if let Some((shared, number)) = &self.watched {
            shared.lock().tasks.remove(number);
        }
    }
}

/// Looks at the tasks until there are none. Between one task and the next it waits: a thread for each would cost more than looking.
fn look(shared: &Shared) {
    let mut over_since = None;
    let mut state = shared.lock();
    while !state.tasks.is_empty() {
        let now = Instant::now();
        let is_over = shared.memory.as_ref().and_then(Memory::used).is_some_and(|used| used > shared.limits.memory);
        shared.is_over.store(is_over, Ordering::Relaxed);
        over_since = if is_over { over_since.or(Some(now)) } else { None };
        // What takes memory in one go would take much more of it in the time that is given for ending by itself.
        if over_since.is_some_and(|since| now - since > 10 * INTERVAL) {
            let names: Vec<&str> = state.tasks.values().map(|task| task.name.as_str()).collect();
            let error = beyond(format!("rendering {} took", names.join(" and ")), Exceeded::Memory(shared.limits.memory));
            drop(state);
            return (shared.stop)(error);
        }
        let is_late = |task: &&Running| !task.is_paused && now.saturating_duration_since(task.start) > shared.limits.time + GRACE;
        if let Some(task) = state.tasks.values().find(is_late) {
            let error = beyond(format!("rendering {} took", task.name), Exceeded::Time(shared.limits.time));
            drop(state);
            return (shared.stop)(error);
        }
        drop(state);
        std::thread::sleep(INTERVAL);
        state = shared.lock();
    }
    state.is_watched = false;
}

/// The error for something that took more than it may.
pub fn beyond(took: String, exceeded: Exceeded) -> Box<Diagnostic> {
    Diagnostic::error(format!("{took} {exceeded}")).help(exceeded.help())
}

/// What Linux says of this process: `/proc/self/status`, in KiB. Elsewhere there is no such file, and memory is not limited.
struct Memory(File);

impl Memory {
    fn open() -> Option<Self> {
        File::open("/proc/self/status").ok().map(Self)
    }

    /// The bytes of memory in use.
    fn used(&self) -> Option<u64> {
        let mut text = [0; 4096];
        let read = self.0.read_at(&mut text, 0).ok()?;
        let text = text.get(..read)?;
        let name = b"\nVmRSS:";
        let at = memchr::memmem::find(text, name)? + name.len();
        let line = text.get(at..)?.split(|byte| *byte == b'\n').next()?;
        let kibibytes: u64 = std::str::from_utf8(line).ok()?.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

/// The task of a thread.
#[derive(Clone)]
struct Current {
    shared: Arc<Shared>,
    number: u64,
    until: Instant,
}

impl Current {
    fn exceeded(&self) -> Option<Exceeded> {
        let limits = self.shared.limits;
        if self.shared.is_over.load(Ordering::Relaxed) {
            return Some(Exceeded::Memory(limits.memory));
        }
        (Instant::now() > self.until).then_some(Exceeded::Time(limits.time))
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    static LOOKED: Cell<u32> = const { Cell::new(0) };
}

/// What the task of this thread has exceeded, if anything. Cheap enough to be asked for each value: the clock is looked at once in
/// a number of calls.
#[inline]
pub fn exceeded() -> Option<Exceeded> {
    let looked = LOOKED.get().wrapping_add(1);
    LOOKED.set(looked);
    if looked.is_multiple_of(CALLS) { exceeded_now() } else { None }
}

/// The same, looking at once: before and after what takes long.
#[cold]
pub fn exceeded_now() -> Option<Exceeded> {
    CURRENT.with_borrow(|current| current.as_ref().and_then(Current::exceeded))
}

/// Does something that is not rendering and has limits of its own, such as a download: it does not count as the task's time.
pub fn paused<R>(work: impl FnOnce() -> R) -> R {
    let _paused = CURRENT.with_borrow(Clone::clone).map(Paused::new);
    work()
}

struct Paused {
    task: Current,
    since: Instant,
}

impl Paused {
    fn new(task: Current) -> Self {
        if let Some(running) = task.shared.lock().tasks.get_mut(&task.number) {
            running.is_paused = true;
        }
        Self { task, since: Instant::now() }
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        if let Some(running) = self.task.shared.lock().tasks.get_mut(&self.task.number) {
            running.start += waited;
            running.is_paused = false;
        }
        CURRENT.with_borrow_mut(|current| {
            if let Some(current) = current {
                current.until += waited;
            }
        });
    }
}

/// Makes the next question to [`exceeded`] look at once: what was just done took long.
pub fn look_soon() {
    LOOKED.set(CALLS - 1);
}

/// The task of this thread, for a thread that does a part of it.
pub fn current() -> TaskHandle {
    TaskHandle(CURRENT.with_borrow(Clone::clone))
}

/// A task, for being taken to another thread.
#[derive(Clone)]
pub struct TaskHandle(Option<Current>);

impl TaskHandle {
    /// Does some work of the task on this thread.
    pub fn run<R>(self, work: impl FnOnce() -> R) -> R {
        let _task = Task { watched: None, before: CURRENT.replace(self.0) };
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn watch(time: Duration, memory: u64) -> (Watch, mpsc::Receiver<String>) {
        let (send, stopped) = mpsc::channel();
        let stop = move |error: Box<Diagnostic>| drop(send.send(error.to_string()));
        (Watch::new(Limits { time, memory, ..Limits::default() }, stop), stopped)
    }

    #[test]
    fn sizes_and_durations() {
        let sizes = ["1", "10k", "5MB", "512Mi", "4GiB"].map(|text| parse_size(text).unwrap());
        assert_eq!(sizes, [1, 10_000, 5_000_000, 512 << 20, 4 << 30]);
        assert_eq!(sizes.map(size), ["1", "10000", "5000000", "512Mi", "4Gi"]);
        let no_sizes = ["", "0", "4g", "-1", "1.5Gi", "99999999999999999999", "99999999999999Gi"];
        assert!(no_sizes.iter().all(|text| parse_size(text).is_err()));
        assert_eq!(["15s", "2m", "1m30s", "500ms"].map(|text| parse_time(text).unwrap().as_millis()), [15_000, 120_000, 90_000, 500]);
        assert!(["", "0s", "-1s", "5", "x", "99999999h"].iter().all(|text| parse_time(text).is_err()));
    }

    #[test]
    fn a_task_sees_that_its_time_is_up_and_its_other_threads_do() {
        let (watch, _stopped) = watch(Duration::from_millis(1), u64::MAX);
        let task = watch.task(|| "component a".to_owned());
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(exceeded_now(), Some(Exceeded::Time(Duration::from_millis(1))));
        assert!((0..CALLS).any(|_| exceeded().is_some()));
        let part = current();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| (exceeded_now(), part.run(exceeded_now)));
            assert_eq!(other.join().unwrap(), (None, exceeded_now()));
        });
        drop(task);
        assert_eq!(exceeded_now(), None);
    }

    #[test]
    fn waiting_for_a_download_is_no_rendering() {
        let (watch, stopped) = watch(Duration::from_millis(200), u64::MAX);
        let task = watch.task(|| "component a".to_owned());
        paused(|| std::thread::sleep(Duration::from_millis(200) + GRACE + 10 * INTERVAL));
        assert_eq!((exceeded_now(), stopped.try_recv().ok()), (None, None));
        drop(task);
    }

    #[test]
    fn what_does_not_end_by_itself_is_stopped() {
        let (watch, stopped) = watch(Duration::from_millis(1), u64::MAX);
        let task = watch.task(|| "component a".to_owned());
        let said = stopped.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(said.contains("rendering component a took more than 1ms"), "{said}");
        drop(task);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_watched() {
        let (watch, stopped) = watch(Duration::from_secs(60), 1 << 20);
        let first = watch.task(|| "component a".to_owned());
        let second = watch.task(|| "component b".to_owned());
        let said = stopped.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(said.contains("rendering component a and component b took more than 1Mi of memory"), "{said}");
        assert_eq!(exceeded_now(), Some(Exceeded::Memory(1 << 20)));
        drop((second, first));
    }
}
