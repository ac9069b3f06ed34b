//! Rendering in a confined process ([`crate::sandbox`]): what both sides say to each other, and both sides.
//!
//! The parent keeps what needs rights: Git, the network, the cache, hooks, signing, the tree. The child reads the project's files and renders
//! components, one after another by name. What it needs from outside (charts, bases) it asks for, and is given bytes that have the
//! digest of the lock. Its answer is what a stranger says: it is bounded, it names no files, and what it claims to have read is kept in the
//! cache only where it lies in the project.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::project::{Environment, Project};
use crate::sandbox::wire::{self, Told};
use crate::sandbox::{self, Heard, Policy, Process, Starting};
use hydrate_acquire::Artifact;
use hydrate_acquire::ArtifactRequest;
use hydrate_acquire::provenance::Keyring;
use hydrate_base::limits::{self, Watch};
use hydrate_base::world::{Asked, Record};
use hydrate_base::{Diagnostic, Limits, Result, World};

use super::Options;
use super::age_keys::UserKeys;
use super::decryption::{Decrypter, Decryption, Encrypted};
use super::provision::{Opened, Provision, Stock};
use super::rendering::{Made, STACK, make, pool};
use super::renders::{self, Kept};

/// The argument by which the program knows that it is the child.
pub const ARGUMENT: &str = "--render-confined";

/// What an answer may take beyond the limit of time, within which the child ends by itself.
const GRACE: Duration = Duration::from_secs(10);
/// The most questions about what comes from outside for one component.
const QUESTIONS: usize = 10_000;
/// Longer names are in no object.
const LONGEST_NAME: usize = 4096;

/// Asks for components to be rendered in a confined process, which all runs share that have a copy of this.
#[derive(Clone, Default)]
pub struct Sandbox {
    /// Whether the user has asked for it: then it fails where there can be no such process.
    pub is_explicit: bool,
    /// Variables that the process sees beyond those that templates may read.
    pub also_seen: &'static [&'static str],
    renderer: Arc<Mutex<Option<Arc<Renderer>>>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sandbox").field("is_explicit", &self.is_explicit).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Asked for by the user, or not.
    pub fn new(is_explicit: bool, also_seen: &'static [&'static str]) -> Self {
        Self { is_explicit, also_seen, ..Self::default() }
    }

    /// Who has components rendered: the one of the run before, unless its process has ended.
    pub(super) fn renderer(&self, project: &Project, options: &Options) -> Arc<Renderer> {
        let mut renderer = lock(&self.renderer);
        let running = renderer.take().filter(|renderer| !renderer.has_ended());
        Arc::clone(renderer.insert(running.unwrap_or_else(|| Arc::new(Renderer::new(self, project, options)))))
    }
}

/// What the kernel of this machine cannot do to confine a process that renders, a sentence each. A process is started to see, which reads and renders nothing.
pub fn unconfined() -> Vec<String> {
    let Limits { memory, time, steps, output } = Limits::default();
    let policy = Policy { read: Vec::new(), list: Vec::new(), address_space: memory };
    let (root, variables) = (PathBuf::from("/"), BTreeSet::new());
    let setup = Setup { root, variables, policy, memory, time, steps, output: output as u64, jobs: 1, compares: false };
    let (tell, told) = mpsc::channel();
    let hear = move |heard: Heard<'_>| {
        let missing = match heard {
            Heard::Message(message) => match wire::decode(message) {
                Ok(FromChild::Ready(missing)) => missing,
                _ => vec!["the process that renders does not answer as it should".to_owned()],
            },
            Heard::End(how) => vec![format!("the process that renders has ended before it could be confined: {how}")],
        };
        // Only the first word counts.
        let _ = tell.send(missing);
        false
    };
    let started = Process::start(ARGUMENT, Vec::new(), &setup, hear).and_then(Starting::wait);
    let cannot = |why: String| vec![format!("the process that renders cannot be started: {why}")];
    match started {
        Err(error) => cannot(error.to_string()),
        Ok(_process) => told.recv_timeout(GRACE).unwrap_or_else(|_| cannot("it does not answer".to_owned())),
    }
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
    compares: bool,
}

/// Components to render, each of which is a job. Their numbers go up by one from the first.
#[derive(Debug, Serialize, Deserialize)]
struct Jobs {
    first: u32,
    environment: String,
    apis: Vec<String>,
    components: Vec<String>,
    /// What of each is encrypted in the tree, decrypted; `None` where nothing is encrypted on the way out.
    opened: Vec<Option<BTreeMap<String, String>>>,
}

#[derive(Debug, Serialize, Deserialize)]
enum ToChild {
    Jobs(Jobs),
    Given(u32, Result<Gift, Told>),
}

/// What the child has asked for.
#[derive(Debug, Serialize, Deserialize)]
enum Gift {
    Artifact(Artifact),
    Bytes(Vec<u8>),
    Keyring(String, Vec<u8>),
    Decrypted(Decryption),
}

/// What the child asks for. Bytes are those of artifacts that were given to it, by their keys.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    Artifact(ArtifactRequest),
    Signed(ArtifactRequest),
    Bytes(String),
    Provenance(String),
    Keyring,
    /// A file of SOPS or age, in this format.
    Decrypt(String, Vec<u8>),
}

#[derive(Debug, Serialize, Deserialize)]
enum FromChild {
    /// It is confined, apart from what it says here.
    Ready(Vec<String>),
    Question(u32, Question),
    Done(u32, Box<Done>),
    /// It ends because a limit is reached.
    Stopped(Told),
}

#[derive(Debug, Serialize, Deserialize)]
struct Done {
    result: Result<Finished, Vec<Told>>,
    /// The keys of what it used of what it was given, and whether a signature was verified.
    taken: Vec<(String, bool)>,
    failures: Vec<Told>,
    /// How long it took, which is only shown.
    took: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    kept: Kept,
    record: Record,
    /// What the child has seen of the component ([`renders::state`]).
    state: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parent's side: a process that is started when it is first needed, or shortly before.
pub(super) struct Renderer {
    is_explicit: bool,
    project: Project,
    environment: Vec<(OsString, OsString)>,
    setup: Setup,
    keys: Arc<UserKeys>,
    shared: Arc<Shared>,
    starting: Mutex<Option<io::Result<Starting>>>,
    running: OnceLock<Result<Process, String>>,
    next: AtomicU32,
}

/// What the thread that hears the child shares with those who wait for answers.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    missing: OnceLock<Vec<String>>,
}

#[derive(Default)]
struct State {
    /// The jobs that are not done.
    jobs: BTreeMap<u32, Job>,
    end: Option<Box<Diagnostic>>,
}

/// A job that the child works on.
struct Job {
    /// Leads to those who attend to it.
    to: mpsc::Sender<(u32, FromChild)>,
    /// Whether it has asked for something that it has not been given yet.
    is_asking: bool,
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
                // A job asks one thing at a time, and is done once. Who has given up waiting hears nothing any more.
                let is_done = matches!(message, FromChild::Done(..));
                match state.jobs.get_mut(&id) {
                    Some(job) if !job.is_asking => {
                        job.is_asking = true;
                        let _ = job.to.send((id, message));
                    }
                    _ => {
                        drop(state);
                        return self.nonsense();
                    }
                }
                if is_done {
                    state.jobs.remove(&id);
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
    fn new(sandbox: &Sandbox, project: &Project, options: &Options) -> Self {
        let Limits { memory, time, steps, output } = options.watch.limits();
        let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let stacks = (jobs * 2 * STACK) as u64;
        let (mut read, list) = sandbox::reads(&project.extent);
        // The time zone.
        read.extend(["/etc/localtime", "/usr/share/zoneinfo"].map(PathBuf::from));
        let policy = Policy { read, list, address_space: memory.saturating_mul(2).saturating_add(stacks + (4 << 30)) };
        let seen = options.variables.iter().map(String::as_str).chain(sandbox.also_seen.iter().copied());
        let environment = seen.filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))).collect();
        let variables = options.variables.as_ref().clone();
        let setup = Setup {
            root: project.root.clone(),
            variables,
            policy,
            memory,
            time,
            steps,
            output: output as u64,
            jobs,
            compares: options.compares,
        };
        Self {
            is_explicit: sandbox.is_explicit,
            project: project.clone(),
            environment,
            setup,
            keys: Arc::clone(&options.keys),
            shared: Arc::default(),
            starting: Mutex::default(),
            running: OnceLock::new(),
            next: AtomicU32::new(0),
        }
    }

    fn has_ended(&self) -> bool {
        lock(&self.shared.state).end.is_some()
    }

    /// What is not confined of the process, a sentence each; `None` where none was needed.
    pub(super) fn missing(&self) -> Option<Vec<String>> {
        match self.running.get()? {
            Err(why) => Some(vec![why.clone()]),
            Ok(_) => self.shared.missing.get().cloned(),
        }
    }

    /// Begins to start the process, in the background: it is certain that it will be needed.
    pub(super) fn start(&self) {
        if self.running.get().is_none() {
            lock(&self.starting).get_or_insert_with(|| self.begin());
        }
    }

    fn begin(&self) -> io::Result<Starting> {
        let hearing = Arc::clone(&self.shared);
        Process::start(ARGUMENT, self.environment.clone(), &self.setup, move |heard| hearing.hear(heard))
    }

    fn running(&self) -> &Result<Process, String> {
        self.running.get_or_init(|| {
            let begun = lock(&self.starting).take().unwrap_or_else(|| self.begin());
            begun
                .and_then(Starting::wait)
                .map_err(|error| format!("the process that renders cannot be confined, for it cannot be started: {error}"))
        })
    }

    /// Whether components can be rendered in the process; where they cannot, and the user did not insist, they are rendered in this one.
    pub(super) fn is_usable(&self) -> bool {
        self.is_explicit || self.running().is_ok()
    }

    /// Renders components of an environment with these API versions known. `finish` is told what came of each, by its place in the list, from any
    /// thread.
    pub(super) fn render(
        &self,
        provision: &Provision<'_>,
        environment: &str,
        apis: &[String],
        wanted: &[Wanted<'_>],
        finish: &(dyn Fn(usize, Made) + Sync),
    ) {
        let first = self.next.fetch_add(u32::try_from(wanted.len()).unwrap_or(u32::MAX), Ordering::Relaxed);
        let (send, receive) = mpsc::channel();
        let attended: Vec<Attended<'_>> = wanted.iter().map(|wanted| Attended { wanted, progress: Mutex::default() }).collect();
        let components = wanted.iter().map(|wanted| wanted.component.to_owned()).collect();
        let opened = wanted.iter().map(|wanted| wanted.opened.clone()).collect();
        let jobs = Jobs { first, environment: environment.to_owned(), apis: apis.to_vec(), components, opened };
        let begun = self.post(jobs, &send);
        drop(send);
        if let Ok(process) = begun {
            let desk = Desk {
                renderer: self,
                process,
                provision,
                first,
                attended: &attended,
                inbox: Mutex::new(receive),
                answering: AtomicU32::new(0),
                finish,
            };
            std::thread::scope(|scope| {
                let others = 1..self.setup.jobs.min(wanted.len());
                // Without another thread it goes on with those there are.
                others.for_each(|_| drop(std::thread::Builder::new().spawn_scoped(scope, || desk.attend())));
                desk.attend();
            });
        }
        for (index, job) in attended.iter().enumerate().filter(|(_, job)| !lock(&job.progress).is_done) {
            let error = begun.as_ref().map_or_else(Clone::clone, |_| self.ended());
            let error = error.note(format!("while rendering component {}", job.wanted.component));
            finish(index, Made { result: Err(vec![error]), taken: Vec::new(), failures: Vec::new(), took: Duration::ZERO });
        }
    }

    /// Sends jobs to the process.
    fn post(&self, jobs: Jobs, to: &mpsc::Sender<(u32, FromChild)>) -> Result<&Process> {
        let process = self
            .running()
            .as_ref()
            .map_err(|why| Diagnostic::error(why.clone()).help("--no-sandbox renders in one process with all rights of this user"))?;
        {
            let mut state = lock(&self.shared.state);
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            let numbers = (jobs.first..).take(jobs.components.len());
            state.jobs.extend(numbers.map(|id| (id, Job { to: to.clone(), is_asking: false })));
        }
        process.send(&ToChild::Jobs(jobs)).map_err(|_| self.ended())?;
        Ok(process)
    }

    /// Why there is no answer.
    fn ended(&self) -> Box<Diagnostic> {
        lock(&self.shared.state).end.clone().unwrap_or_else(nonsense)
    }

    fn end(&self, process: &Process, why: Box<Diagnostic>) {
        lock(&self.shared.state).end.get_or_insert(why);
        process.kill();
    }

    /// What came of a job, as far as it is believed.
    fn made(&self, wanted: &Wanted<'_>, done: Done, mut given: Given) -> Made {
        let Done { result, taken, failures, took } = done;
        // Used is what was given, and verified what came with its provenance.
        let used = taken.into_iter().filter_map(|(key, verified)| {
            let (artifact, signed) = given.remove(&key)?;
            Some((artifact, signed && verified))
        });
        let result = result.map_err(|told| told.into_iter().map(Into::into).collect::<Vec<_>>());
        let in_it = |error: Box<Diagnostic>| vec![error.note(format!("while rendering component {}", wanted.component))];
        let result = result.and_then(|finished| self.believed(finished, wanted.state).map_err(in_it));
        Made { result, taken: used.collect(), failures: failures.into_iter().map(Into::into).collect(), took }
    }

    /// What can be used of an answer.
    fn believed(&self, finished: Finished, state: &str) -> Result<(Kept, Record)> {
        let Finished { kept, mut record, state: seen } = finished;
        if !kept.sealed.is_empty() || kept.is_redacted {
            return Err(nonsense());
        }
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
        Ok((kept, record))
    }
}

/// A component to render.
pub(super) struct Wanted<'a> {
    /// Its name.
    pub(super) component: &'a str,
    /// What this side has seen of it ([`renders::state`]).
    pub(super) state: &'a str,
    /// What of it is encrypted in the tree, decrypted: the process has no keys.
    pub(super) opened: Option<BTreeMap<String, String>>,
}

/// What a job was given, by the keys of the artifacts, and whether with its provenance.
type Given = BTreeMap<String, (Artifact, bool)>;

/// A job as it is attended to.
struct Attended<'a> {
    wanted: &'a Wanted<'a>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    given: Given,
    questions: usize,
    is_done: bool,
}

/// Where jobs are attended to, by some threads: each takes what comes next, whichever job it is from.
struct Desk<'a> {
    renderer: &'a Renderer,
    process: &'a Process,
    provision: &'a Provision<'a>,
    first: u32,
    attended: &'a [Attended<'a>],
    inbox: Mutex<mpsc::Receiver<(u32, FromChild)>>,
    /// How many questions are being answered: meanwhile there may be nothing that the child could do.
    answering: AtomicU32,
    finish: &'a (dyn Fn(usize, Made) + Sync),
}

impl Desk<'_> {
    /// Attends to what comes until all jobs are done, or nothing comes any more.
    fn attend(&self) {
        let patience = self.renderer.setup.time.saturating_add(GRACE);
        loop {
            match self.next(patience) {
                Ok((id, message)) => {
                    let index = id.wrapping_sub(self.first) as usize;
                    let Some(job) = self.attended.get(index) else { continue };
                    match message {
                        FromChild::Done(_, done) => {
                            let given = {
                                let mut progress = lock(&job.progress);
                                progress.is_done = true;
                                std::mem::take(&mut progress.given)
                            };
                            (self.finish)(index, self.renderer.made(job.wanted, *done, given));
                        }
                        FromChild::Question(_, question) => {
                            self.answer(id, job, question);
                            self.answering.fetch_sub(1, Ordering::Relaxed);
                        }
                        FromChild::Ready(_) | FromChild::Stopped(_) => {}
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.answering.load(Ordering::Relaxed) == 0 {
                        let limit = limits::Exceeded::Time(self.renderer.setup.time);
                        self.renderer.end(self.process, limits::beyond("rendering took".to_owned(), limit));
                    }
                }
            }
        }
    }

    fn next(&self, patience: Duration) -> Result<(u32, FromChild), mpsc::RecvTimeoutError> {
        let inbox = lock(&self.inbox);
        let next = inbox.recv_timeout(patience);
        if matches!(next, Ok((_, FromChild::Question(..)))) {
            self.answering.fetch_add(1, Ordering::Relaxed);
        }
        next
    }

    fn answer(&self, id: u32, job: &Attended<'_>, question: Question) {
        let gift = {
            let mut progress = lock(&job.progress);
            progress.questions += 1;
            if progress.questions > QUESTIONS {
                return self.renderer.end(self.process, nonsense());
            }
            match question {
                // Only what is encrypted on the way out may come from what is decrypted on the way in.
                Question::Decrypt(..) if job.wanted.opened.is_none() => Err(Told::from(&*nonsense())),
                Question::Decrypt(format, text) => Ok(Gift::Decrypted(self.renderer.keys.decrypt(&format, &text))),
                question => answer(self.provision, &self.renderer.project.world(), question, &mut progress.given)
                    .map_err(|error| Told::from(&*error)),
            }
        };
        if let Some(job) = lock(&self.renderer.shared.state).jobs.get_mut(&id) {
            job.is_asking = false;
        }
        // Where it cannot be sent the child has ended, which is heard.
        let _ = self.process.send(&ToChild::Given(id, gift));
    }
}

/// Gives what a component needs from outside.
fn answer(provision: &Provision<'_>, world: &dyn World, question: Question, given: &mut Given) -> Result<Gift> {
    let known = |key: &str, given: &Given| given.get(key).map(|(artifact, _)| artifact.clone()).ok_or_else(nonsense);
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
        Question::Decrypt(..) => return Err(nonsense()),
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
        let texts = match message {
            FromChild::Done(_, done) => {
                done.result.iter().flat_map(|finished| &finished.kept.documents).map(|document| document.text.len() + 256).sum()
            }
            _ => 0,
        };
        let bytes = wire::encode(message, texts)?;
        lock(&self.0).write_all(&bytes)
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
    let watch = watch(&setup, answers.clone());
    answers.send(&FromChild::Ready(sandbox::confine(&setup.policy)))?;
    let workshop = Arc::new(Workshop::new(&setup, answers, watch));
    let pool = pool(Some(setup.jobs)).map_err(io::Error::other)?;
    while let Some(message) = wire::read(&mut questions)? {
        match wire::decode(&message)? {
            ToChild::Jobs(jobs) => {
                let jobs = Arc::new(jobs);
                for (index, id) in (0..jobs.components.len()).zip(jobs.first..) {
                    let (workshop, jobs) = (Arc::clone(&workshop), Arc::clone(&jobs));
                    pool.spawn_fifo(move || {
                        let opened = jobs.opened.get(index).and_then(Option::as_ref);
                        let done = workshop.work(id, &jobs, &jobs.components[index], opened);
                        // Where nobody hears it, the process is about to end.
                        let _ = workshop.answers.send(&FromChild::Done(id, Box::new(done)));
                    });
                }
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

/// Watches over the child: made before it gives up what the watch needs.
fn watch(setup: &Setup, answers: Answers) -> Watch {
    let limits =
        Limits { memory: setup.memory, time: setup.time, steps: setup.steps, output: usize::try_from(setup.output).unwrap_or(usize::MAX) };
    Watch::new(limits, move |error| {
        // Whether or not it is heard, this is the end.
        let _ = answers.send(&FromChild::Stopped(Told::from(&*error)));
        std::process::exit(1);
    })
}

/// What the jobs of the child share.
struct Workshop {
    answers: Answers,
    waiting: Waiting,
    watch: Watch,
    variables: Arc<BTreeSet<String>>,
    compares: bool,
    project: Result<Project, Vec<Box<Diagnostic>>>,
    environments: Mutex<BTreeMap<String, Result<Environment, Vec<Box<Diagnostic>>>>>,
    opened: Opened,
}

impl Workshop {
    fn new(setup: &Setup, answers: Answers, watch: Watch) -> Self {
        Self {
            answers,
            waiting: Waiting::default(),
            watch,
            variables: Arc::new(setup.variables.clone()),
            compares: setup.compares,
            project: Project::open(setup.root.clone()),
            environments: Mutex::default(),
            opened: Opened::default(),
        }
    }

    fn work(&self, id: u32, jobs: &Jobs, component: &str, opened: Option<&BTreeMap<String, String>>) -> Done {
        let tell = |errors: Vec<Box<Diagnostic>>| errors.iter().map(|error| Told::from(&**error)).collect::<Vec<_>>();
        #[cfg(debug_assertions)]
        if let Some(error) = {
            let _task = self.watch.task(|| format!("component {component} of {}", jobs.environment));
            mischief::attempt(&self.answers)
        } {
            return Done { result: Err(tell(vec![error])), taken: Vec::new(), failures: Vec::new(), took: Duration::ZERO };
        }
        match self.made(id, jobs, component, opened) {
            Err(errors) => Done { result: Err(tell(errors)), taken: Vec::new(), failures: Vec::new(), took: Duration::ZERO },
            Ok((Made { result, taken, failures, took }, state)) => {
                let taken = taken.iter().map(|(artifact, verified)| (artifact.key(), *verified)).collect();
                let finished = |(kept, record)| Finished { kept, record, state };
                Done { result: result.map(finished).map_err(tell), taken, failures: tell(failures), took }
            }
        }
    }

    fn made(
        &self,
        id: u32,
        jobs: &Jobs,
        component: &str,
        opened: Option<&BTreeMap<String, String>>,
    ) -> Result<(Made, String), Vec<Box<Diagnostic>>> {
        let project = self.project.as_ref().map_err(Clone::clone)?;
        let world = project.world();
        let environment = {
            let mut known = lock(&self.environments);
            known.entry(jobs.environment.clone()).or_insert_with(|| project.environment(&world, &jobs.environment)).clone()?
        };
        let gone = || vec![Diagnostic::error(format!("component {component} is not there any more")).help("run hydrate again")];
        let component = project.component(&world, component).ok_or_else(gone)??;
        let (send, gifts) = mpsc::channel();
        lock(&self.waiting).insert(id, send);
        let line = Arc::new(Line { id, answers: self.answers.clone(), gifts: Mutex::new(gifts) });
        let stock = Asking(Arc::clone(&line));
        let encrypted = opened.map(|opened| Encrypted { opened: opened.clone(), keys: line });
        let made = make(
            &stock,
            &self.opened,
            &self.watch,
            Arc::clone(&self.variables),
            self.compares,
            project,
            &environment,
            &component,
            &jobs.apis,
            encrypted.as_ref(),
        );
        lock(&self.waiting).remove(&id);
        Ok((made, renders::state(project, &environment, &component, &jobs.apis)))
    }
}

/// The way of a job's questions to the parent, and of its answers.
struct Line {
    id: u32,
    answers: Answers,
    gifts: Mutex<mpsc::Receiver<Result<Gift, Told>>>,
}

impl Line {
    fn ask(&self, question: Question) -> Result<Gift> {
        // One question after the other: threads of one job share it.
        let gifts = lock(&self.gifts);
        let lost = || Diagnostic::error("the process that fetches charts and bases for the sandbox is gone");
        self.answers.send(&FromChild::Question(self.id, question)).map_err(|_| lost())?;
        limits::paused(|| gifts.recv()).map_err(|_| lost())?.map_err(Into::into)
    }
}

impl Decrypter for Line {
    fn decrypt(&self, format: &str, text: &[u8]) -> Decryption {
        match self.ask(Question::Decrypt(format.to_owned(), text.to_vec())) {
            Ok(Gift::Decrypted(decryption)) => decryption,
            Ok(_) => Decryption::Failed(nonsense().message),
            Err(error) => Decryption::Failed(error.message),
        }
    }
}

/// The lock and what it names, by asking the parent.
struct Asking(Arc<Line>);

impl Asking {
    fn artifact_of(&self, question: Question) -> Result<Artifact> {
        match self.0.ask(question)? {
            Gift::Artifact(artifact) => Ok(artifact),
            _ => Err(nonsense()),
        }
    }

    fn bytes_of(&self, question: Question) -> Result<Arc<[u8]>> {
        match self.0.ask(question)? {
            Gift::Bytes(bytes) => Ok(bytes.into()),
            _ => Err(nonsense()),
        }
    }
}

impl Stock for Asking {
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
        match self.0.ask(Question::Keyring)? {
            Gift::Keyring(place, bytes) => Keyring::parse(place, &bytes),
            _ => Err(nonsense()),
        }
    }
}

/// For the tests, and in builds for them alone: a renderer that somebody else has got hold of.
#[cfg(debug_assertions)]
mod mischief {
    use std::io::Write as _;
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

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
                std::thread::sleep(Duration::from_secs(2));
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
