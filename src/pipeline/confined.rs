//! Rendering in a confined process ([`crate::sandbox`]): what both sides say to each other, and both sides.
//!
//! The parent keeps what needs rights: Git, the network, the cache, hooks, signing, the tree. The child reads the project's files and renders
//! components, one after another by name. What it needs from outside (charts, bases) it asks for, and is given bytes that have the
//! digest of the lock. Its answer is what a stranger says: it is bounded, it names no files, and what it claims to have read is kept in the
//! cache only where it lies in the project.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::project::{Environment, Loaded, Project};
use crate::sandbox::wire::{self, Told};
use crate::sandbox::{self, Heard, Policy, Process};
use hydrate_acquire::Artifact;
use hydrate_acquire::ArtifactRequest;
use hydrate_acquire::provenance::Keyring;
use hydrate_base::limits::{self, Watch};
use hydrate_base::world::{Asked, Record};
use hydrate_base::{Diagnostic, Limits, Result, World};

use super::provision::{Opened, Provision, Stock};
use super::renders::{self, Kept};
use super::{Made, Options, STACK, make, pool};

/// The argument by which the program knows that it is the child.
pub const ARGUMENT: &str = "--render-confined";

/// What an answer may take beyond the limit of time, within which the child ends by itself.
const GRACE: Duration = Duration::from_secs(10);
/// The most questions about what comes from outside for one component.
const QUESTIONS: usize = 10_000;
/// Longer names are in no object.
const LONGEST_NAME: usize = 4096;

/// Asks for components to be rendered in a confined process.
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    /// Whether the user has asked for it: then it fails where there can be no such process.
    pub is_explicit: bool,
    /// Variables that the process sees beyond those that templates may read.
    pub also_seen: &'static [&'static str],
}

/// The first message to the child.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Setup {
    root: PathBuf,
    variables: BTreeSet<String>,
    policy: Policy,
    memory: u64,
    time: Duration,
    steps: u64,
    output: u64,
    jobs: usize,
}

/// A component to render.
#[derive(Debug, Serialize, Deserialize)]
struct Job {
    environment: String,
    component: String,
    apis: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
enum ToChild {
    Job(u32, Job),
    Given(u32, Result<Gift, Told>),
}

/// What the child has asked for.
#[derive(Debug, Serialize, Deserialize)]
enum Gift {
    Artifact(Artifact),
    Bytes(Vec<u8>),
    Keyring(String, Vec<u8>),
}

/// What the child asks for. Bytes are those of artifacts that were given to it, by their keys.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    Artifact(ArtifactRequest),
    Signed(ArtifactRequest),
    Bytes(String),
    Provenance(String),
    Keyring,
}

#[derive(Debug, Serialize, Deserialize)]
enum FromChild {
    /// It is confined, apart from what it says here.
    Ready(Vec<String>),
    Question(u32, Question),
    Done(u32, Done),
    /// It ends because a limit is reached.
    Stopped(Told),
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    result: Result<Finished, Vec<Told>>,
    /// The keys of what it used of what it was given, and whether a signature was verified.
    taken: Vec<(String, bool)>,
    failures: Vec<Told>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    kept: Kept,
    record: Record,
    warnings: Vec<Told>,
    /// What the child has seen of the component ([`renders::state`]).
    state: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parent's side: a process that is started when it is first needed.
pub struct Renderer {
    sandbox: Sandbox,
    project: Project,
    environment: Vec<(OsString, OsString)>,
    setup: Setup,
    running: OnceLock<Result<Running, String>>,
    next: AtomicU32,
}

struct Running {
    process: Process,
    shared: Arc<Shared>,
}

/// What the thread that hears the child shares with those who wait for answers.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    missing: OnceLock<Vec<String>>,
}

#[derive(Default)]
struct State {
    jobs: BTreeMap<u32, mpsc::SyncSender<FromChild>>,
    end: Option<Box<Diagnostic>>,
}

impl Shared {
    /// Takes what the child says to whom it is for; false where it makes no sense.
    fn hear(&self, heard: Heard<'_>) -> bool {
        let message = match heard {
            Heard::End(how) => {
                let mut state = lock(&self.state);
                let said = || {
                    Diagnostic::error("the sandboxed process that renders ended early")
                        .note(how.clone())
                        .help("--max-memory SIZE allows more; --no-sandbox renders without confinement, which is for what you trust")
                };
                state.end.get_or_insert_with(said);
                state.jobs.clear();
                return false;
            }
            Heard::Message(bytes) => match wire::decode::<FromChild>(bytes) {
                Ok(message) => message,
                Err(_) => return self.nonsense(),
            },
        };
        let mut state = lock(&self.state);
        match message {
            FromChild::Ready(missing) => return self.missing.set(missing).is_ok(),
            FromChild::Stopped(told) => state.end = Some(told.into()),
            FromChild::Question(id, _) | FromChild::Done(id, _) => {
                let Some(waiting) = state.jobs.get(&id) else {
                    drop(state);
                    return self.nonsense();
                };
                // A job asks one thing at a time. Who has given up waiting hears nothing any more.
                if let Err(mpsc::TrySendError::Full(_)) = waiting.try_send(message) {
                    drop(state);
                    return self.nonsense();
                }
            }
        }
        true
    }

    fn nonsense(&self) -> bool {
        lock(&self.state).end = Some(nonsense());
        false
    }
}

fn nonsense() -> Box<Diagnostic> {
    Diagnostic::error("the sandboxed process that renders sent an invalid answer; nothing of it was used")
}

impl Renderer {
    /// For a run over a project.
    pub fn new(sandbox: &Sandbox, project: &Project, options: &Options) -> Self {
        let Limits { memory, time, steps, output } = options.watch.limits();
        let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let stacks = (jobs * 2 * STACK) as u64;
        let (mut read, list) = sandbox::reads(&project.extent);
        // The time zone, and how much memory the process has.
        read.extend(["/etc/localtime", "/usr/share/zoneinfo", "/proc/self/statm"].map(PathBuf::from));
        let policy = Policy { read, list, address_space: memory.saturating_mul(2).saturating_add(stacks + (4 << 30)) };
        let seen = options.variables.iter().map(String::as_str).chain(sandbox.also_seen.iter().copied());
        let environment = seen.filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))).collect();
        let variables = options.variables.as_ref().clone();
        let setup = Setup { root: project.root.clone(), variables, policy, memory, time, steps, output: output as u64, jobs };
        Self { sandbox: sandbox.clone(), project: project.clone(), environment, setup, running: OnceLock::new(), next: AtomicU32::new(0) }
    }

    /// What is not confined of the process, a sentence each; `None` where none was needed.
    pub fn missing(self) -> Option<Vec<String>> {
        match self.running.into_inner()? {
            Err(why) => Some(vec![why]),
            Ok(running) => running.shared.missing.get().cloned(),
        }
    }

    fn running(&self) -> &Result<Running, String> {
        self.running.get_or_init(|| {
            let shared = Arc::new(Shared::default());
            let hearing = Arc::clone(&shared);
            let start = || {
                let process = Process::start(ARGUMENT, self.environment.clone(), move |heard| hearing.hear(heard))?;
                process.send(&self.setup)?;
                io::Result::Ok(process)
            };
            let process =
                start().map_err(|error| format!("the process that renders cannot be confined, for it cannot be started: {error}"))?;
            Ok(Running { process, shared })
        })
    }

    /// Whether components can be rendered in the process; where they cannot, and the user did not insist, they are rendered in this one.
    pub fn is_usable(&self) -> bool {
        self.sandbox.is_explicit || self.running().is_ok()
    }

    /// Renders a component. `state` is what this side has seen of it ([`renders::state`]).
    pub(super) fn render(&self, provision: &Provision<'_>, environment: &str, component: &str, apis: &[String], state: &str) -> Made {
        let job = Job { environment: environment.to_owned(), component: component.to_owned(), apis: apis.to_vec() };
        let mut given = BTreeMap::new();
        let (result, used, failures) = match self.ask(provision, job, &mut given) {
            Err(error) => (Err(vec![error.note(format!("while rendering component {component}"))]), Vec::new(), Vec::new()),
            Ok(Done { result, taken, failures }) => {
                let failures = failures.into_iter().map(Into::into).collect();
                (result.map_err(|told| told.into_iter().map(Into::into).collect()), taken, failures)
            }
        };
        // Used is what was given, and verified what came with its provenance.
        let used = used.into_iter().filter_map(|(key, verified)| {
            let (artifact, signed) = given.remove(&key)?;
            Some((artifact, signed && verified))
        });
        let result = result.and_then(|finished| self.believed(finished, state).map_err(|error| vec![error]));
        Made { result, taken: used.collect(), failures }
    }

    /// What can be used of an answer.
    fn believed(&self, finished: Finished, state: &str) -> Result<(Kept, Record, Vec<Box<Diagnostic>>)> {
        let Finished { kept, mut record, warnings, state: seen } = finished;
        for document in &kept.documents {
            let identity = &document.identity;
            let names = [&identity.api_version, &identity.kind, &identity.namespace, &identity.name];
            if !document.text.ends_with('\n') || names.iter().any(|name| name.len() > LONGEST_NAME) || identity.kind.is_empty() {
                return Err(nonsense());
            }
        }
        let is_inside = |path: &Path| path.starts_with(&self.project.extent);
        let is_ours = |path: &Path| is_inside(path) && path.components().all(|part| part != std::path::Component::ParentDir);
        let is_possible = |asked: &Asked| match asked {
            Asked::Content(path) | Asked::Kind(path) | Asked::Names(path) | Asked::Entries(path) | Asked::Canonical(path) => is_ours(path),
            Asked::System(path) => path == Path::new("/etc/localtime") || path.starts_with("/usr/share/zoneinfo"),
            Asked::Variable(name) => name.len() <= LONGEST_NAME,
        };
        // What it has seen of the component's files is what this side has, or it is not kept under that.
        record.is_unrepeatable |= seen != state || !record.asked.keys().all(is_possible);
        Ok((kept, record, warnings.into_iter().map(Into::into).collect()))
    }

    fn ask(&self, provision: &Provision<'_>, job: Job, given: &mut BTreeMap<String, (Artifact, bool)>) -> Result<Done> {
        let Running { process, shared } = self
            .running()
            .as_ref()
            .map_err(|why| Diagnostic::error(why.clone()).help("--no-sandbox renders in one process with all rights of this user"))?;
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = mpsc::sync_channel(16);
        {
            let mut state = lock(&shared.state);
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            state.jobs.insert(id, send);
        }
        let ended = || lock(&shared.state).end.clone().unwrap_or_else(nonsense);
        process.send(&ToChild::Job(id, job)).map_err(|_| ended())?;
        for _ in 0..QUESTIONS {
            match receive.recv_timeout(self.setup.time.saturating_add(GRACE)) {
                Ok(FromChild::Done(_, done)) => {
                    lock(&shared.state).jobs.remove(&id);
                    return Ok(done);
                }
                Ok(FromChild::Question(_, question)) => {
                    let gift = answer(provision, &self.project.world(), question, given).map_err(|error| Told::from(&*error));
                    process.send(&ToChild::Given(id, gift)).map_err(|_| ended())?;
                }
                Ok(_) | Err(mpsc::RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    process.kill();
                    return Err(limits::beyond("rendering took".to_owned(), limits::Exceeded::Time(self.setup.time)));
                }
            }
        }
        process.kill();
        Err(nonsense())
    }
}

/// Gives what a component needs from outside.
fn answer(
    provision: &Provision<'_>,
    world: &dyn World,
    question: Question,
    given: &mut BTreeMap<String, (Artifact, bool)>,
) -> Result<Gift> {
    let known =
        |key: &str, given: &BTreeMap<String, (Artifact, bool)>| given.get(key).map(|(artifact, _)| artifact.clone()).ok_or_else(nonsense);
    Ok(match question {
        Question::Artifact(want) => {
            let artifact = provision.artifact(&want)?;
            given.entry(artifact.key()).or_insert_with(|| (artifact.clone(), false));
            Gift::Artifact(artifact)
        }
        Question::Signed(want) => {
            let artifact = provision.signed(&want)?;
            given.insert(artifact.key(), (artifact.clone(), true));
            Gift::Artifact(artifact)
        }
        Question::Bytes(key) => Gift::Bytes(provision.bytes(&known(&key, given)?)?.to_vec()),
        Question::Provenance(key) => Gift::Bytes(provision.provenance(&known(&key, given)?)?.to_vec()),
        Question::Keyring => {
            let (place, bytes) = provision.supply().keyring_file(world)?;
            Gift::Keyring(place, bytes.to_vec())
        }
    })
}

/// The child: renders what it is asked for until nobody asks any more.
pub fn serve() -> ExitCode {
    match serve_until_the_end() {
        Ok(()) => ExitCode::SUCCESS,
        // There is nobody to tell: the one who asked has gone, or sent something else than a hydrate of this build does.
        Err(_) => ExitCode::FAILURE,
    }
}

/// Where the child answers.
#[derive(Clone)]
struct Answers(Arc<Mutex<File>>);

impl Answers {
    fn send(&self, message: &FromChild) -> io::Result<()> {
        wire::write(&mut *lock(&self.0), message)
    }
}

/// Those who wait for what they have asked for, by the number of their job.
type Waiting = Arc<Mutex<BTreeMap<u32, mpsc::Sender<Result<Gift, Told>>>>>;

fn serve_until_the_end() -> io::Result<()> {
    sandbox::without_inherited_files()?;
    let answers = Answers(Arc::new(Mutex::new(File::from(io::stdout().as_fd().try_clone_to_owned()?))));
    let mut questions = BufReader::with_capacity(1 << 16, File::from(io::stdin().as_fd().try_clone_to_owned()?));
    let first = wire::read(&mut questions)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let setup: Setup = wire::decode(&first)?;
    answers.send(&FromChild::Ready(sandbox::confine(&setup.policy)))?;
    let workshop = Arc::new(Workshop::new(&setup, answers.clone()));
    let pool = pool(Some(setup.jobs)).map_err(io::Error::other)?;
    while let Some(message) = wire::read(&mut questions)? {
        match wire::decode(&message)? {
            ToChild::Job(id, job) => {
                let workshop = Arc::clone(&workshop);
                pool.spawn(move || {
                    // Where nobody hears it, the process is about to end.
                    let _ = workshop.answers.send(&FromChild::Done(id, workshop.work(id, &job)));
                });
            }
            ToChild::Given(id, gift) => {
                if let Some(waiting) = lock(&workshop.waiting).get(&id) {
                    let _ = waiting.send(gift);
                }
            }
        }
    }
    Ok(())
}

/// What the jobs of the child share.
struct Workshop {
    answers: Answers,
    waiting: Waiting,
    watch: Watch,
    variables: Arc<BTreeSet<String>>,
    project: Result<(Project, BTreeMap<String, Loaded>), Vec<Box<Diagnostic>>>,
    environments: Mutex<BTreeMap<String, Result<Environment, Vec<Box<Diagnostic>>>>>,
    opened: Opened,
}

impl Workshop {
    fn new(setup: &Setup, answers: Answers) -> Self {
        let limits = Limits {
            memory: setup.memory,
            time: setup.time,
            steps: setup.steps,
            output: usize::try_from(setup.output).unwrap_or(usize::MAX),
        };
        let stopped = answers.clone();
        let watch = Watch::new(limits, move |error| {
            // Whether or not it is heard, this is the end.
            let _ = stopped.send(&FromChild::Stopped(Told::from(&*error)));
            std::process::exit(1);
        });
        let variables = Arc::new(setup.variables.clone());
        let project = Project::open(setup.root.clone()).and_then(|project| {
            let components = project.components(&project.world()).map_err(|error| vec![error])?;
            Ok((project, components))
        });
        Self { answers, waiting: Waiting::default(), watch, variables, project, environments: Mutex::default(), opened: Opened::default() }
    }

    fn work(&self, id: u32, job: &Job) -> Done {
        let tell = |errors: Vec<Box<Diagnostic>>| errors.iter().map(|error| Told::from(&**error)).collect::<Vec<_>>();
        #[cfg(debug_assertions)]
        if let Some(error) = mischief::attempt(&self.answers) {
            return Done { result: Err(tell(vec![error])), taken: Vec::new(), failures: Vec::new() };
        }
        match self.made(id, job) {
            Err(errors) => Done { result: Err(tell(errors)), taken: Vec::new(), failures: Vec::new() },
            Ok((Made { result, taken, failures }, state)) => {
                let taken = taken.iter().map(|(artifact, verified)| (artifact.key(), *verified)).collect();
                let finished = |(kept, record, warnings)| Finished { kept, record, warnings: tell(warnings), state };
                Done { result: result.map(finished).map_err(tell), taken, failures: tell(failures) }
            }
        }
    }

    fn made(&self, id: u32, job: &Job) -> Result<(Made, String), Vec<Box<Diagnostic>>> {
        let (project, components) = self.project.as_ref().map_err(Clone::clone)?;
        let environment = {
            let mut known = lock(&self.environments);
            known.entry(job.environment.clone()).or_insert_with(|| project.environment(&project.world(), &job.environment)).clone()?
        };
        let gone = || vec![Diagnostic::error(format!("component {} is not there any more", job.component)).help("run hydrate again")];
        let component = components.get(&job.component).ok_or_else(gone)?.as_ref().map_err(Clone::clone)?;
        let (send, gifts) = mpsc::channel();
        lock(&self.waiting).insert(id, send);
        let stock = Asking { id, answers: &self.answers, gifts: Mutex::new(gifts) };
        let made = make(&stock, &self.opened, &self.watch, Arc::clone(&self.variables), project, &environment, component, &job.apis);
        lock(&self.waiting).remove(&id);
        Ok((made, renders::state(project, &environment, component, &job.apis)))
    }
}

/// The lock and what it names, by asking the parent.
struct Asking<'a> {
    id: u32,
    answers: &'a Answers,
    gifts: Mutex<mpsc::Receiver<Result<Gift, Told>>>,
}

impl Asking<'_> {
    fn ask(&self, question: Question) -> Result<Gift> {
        // One question after the other: threads of one job share it.
        let gifts = lock(&self.gifts);
        let lost = || Diagnostic::error("the process that fetches charts and bases for the sandbox is gone");
        self.answers.send(&FromChild::Question(self.id, question)).map_err(|_| lost())?;
        limits::paused(|| gifts.recv()).map_err(|_| lost())?.map_err(Into::into)
    }

    fn artifact_of(&self, question: Question) -> Result<Artifact> {
        match self.ask(question)? {
            Gift::Artifact(artifact) => Ok(artifact),
            _ => Err(nonsense()),
        }
    }

    fn bytes_of(&self, question: Question) -> Result<Arc<[u8]>> {
        match self.ask(question)? {
            Gift::Bytes(bytes) => Ok(bytes.into()),
            _ => Err(nonsense()),
        }
    }
}

impl Stock for Asking<'_> {
    fn artifact(&self, want: &ArtifactRequest) -> Result<Artifact> {
        self.artifact_of(Question::Artifact(want.clone()))
    }

    fn signed(&self, want: &ArtifactRequest) -> Result<Artifact> {
        self.artifact_of(Question::Signed(want.clone()))
    }

    fn bytes(&self, artifact: &Artifact) -> Result<Arc<[u8]>> {
        self.bytes_of(Question::Bytes(artifact.key()))
    }

    fn provenance(&self, artifact: &Artifact) -> Result<Arc<[u8]>> {
        self.bytes_of(Question::Provenance(artifact.key()))
    }

    fn keyring(&self, _world: &dyn World) -> Result<Keyring> {
        match self.ask(Question::Keyring)? {
            Gift::Keyring(place, bytes) => Keyring::parse(place, &bytes),
            _ => Err(nonsense()),
        }
    }
}

/// For the tests, and in builds for them alone: a renderer that somebody else has got hold of.
#[cfg(debug_assertions)]
mod mischief {
    use std::io::Write;
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;

    use super::{Answers, Diagnostic, lock};

    /// Says what is to be tried: `read PATH`, `exec PATH` …
    pub(super) const VARIABLE: &str = "HYDRATE_TEST_MISCHIEF";

    /// Tries it, and tells what came of it.
    pub(super) fn attempt(answers: &Answers) -> Option<Box<Diagnostic>> {
        let text = std::env::var(VARIABLE).ok()?;
        let (what, of) = text.split_once(' ').unwrap_or((&text, ""));
        let result = match what {
            "read" => std::fs::read(of).map(drop),
            "list" => std::fs::read_dir(of).map(drop),
            "write" => std::fs::write(of, "x"),
            "remove" => std::fs::remove_file(of),
            "link" => std::os::unix::fs::symlink("/", of),
            "exec" => std::process::Command::new(of).status().map(drop),
            "connect" => TcpStream::connect(of).map(drop),
            "udp" => UdpSocket::bind("127.0.0.1:0").map(drop),
            "unix" => UnixStream::connect(of).map(drop),
            "memory" => {
                let bytes = vec![1_u8; of.parse().ok()?];
                std::hint::black_box(&bytes);
                Ok(())
            }
            "nonsense" => lock(&answers.0).write_all(&[1, 0, 0, 0, 77]),
            "huge" => lock(&answers.0).write_all(&[255; 64]),
            "variable" => std::env::var(of).map(drop).map_err(std::io::Error::other),
            _ => return None,
        };
        Some(match result {
            Ok(()) => Diagnostic::error(format!("mischief managed: {text}")),
            Err(error) => Diagnostic::error(format!("no mischief: {text}: {error}")),
        })
    }
}
