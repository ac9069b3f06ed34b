//! The child process, as seen by the one who starts it.

use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use serde::Serialize;

use super::wire;

/// The program that runs here, also where its file has been replaced or removed meanwhile.
const SELF: &str = "/proc/self/exe";

/// What comes from the child.
pub enum Heard<'a> {
    /// A message, not decoded yet; whether it makes sense.
    Message(&'a [u8]),
    /// It has ended, in this way.
    End(String),
}

/// A child process. It is killed when this is dropped.
pub struct Process {
    /// Leads to a thread that writes: a child that does not read keeps nobody waiting.
    input: mpsc::Sender<Vec<u8>>,
    child: Arc<Mutex<Child>>,
}

/// A child process that is being started.
pub struct Starting(mpsc::Receiver<io::Result<Process>>);

impl Starting {
    /// The process, once it has been started.
    pub fn wait(self) -> io::Result<Process> {
        self.0.recv().map_err(io::Error::other)?
    }
}

impl Process {
    /// Starts this program with one argument, no other environment than `variables`, and a first message. `heard` is told each message, from a
    /// thread of its own, and says whether to go on; the last thing it hears is the end.
    pub fn start<T: Serialize>(
        argument: &'static str,
        variables: Vec<(OsString, OsString)>,
        first: &T,
        heard: impl Fn(Heard<'_>) -> bool + Send + 'static,
    ) -> io::Result<Starting> {
        let (input, messages) = mpsc::channel();
        send(&input, first)?;
        let (give, started) = mpsc::sync_channel(1);
        // The child asks to be ended with the thread that started it, so that is one which lasts as long as it is needed.
        std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
            let mut command = Command::new(SELF);
            command.arg(argument).env_clear().envs(variables).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let spawned = command.spawn().and_then(|mut child| {
                let pipes = child.stdin.take().zip(child.stdout.take()).ok_or(io::ErrorKind::BrokenPipe)?;
                Ok((Arc::new(Mutex::new(child)), pipes))
            });
            match spawned {
                Err(error) => drop(give.send(Err(error))),
                Ok((child, (to, output))) => {
                    // A pipe of the usual size is only slower.
                    #[cfg(target_os = "linux")]
                    let _ = rustix::pipe::fcntl_setpipe_size(&output, 1 << 20);
                    std::thread::spawn(move || write(to, &messages));
                    drop(give.send(Ok(Self { input, child: Arc::clone(&child) })));
                    let mut output = BufReader::with_capacity(1 << 16, output);
                    // What cannot be read as a message is heard as one that makes no sense.
                    while let Some(message) = wire::read(&mut output).unwrap_or_else(|_| Some(Vec::new())) {
                        if !heard(Heard::Message(&message)) {
                            break;
                        }
                    }
                    heard(Heard::End(ended(&child)));
                }
            }
        })?;
        Ok(Starting(started))
    }

    /// Sends it a message.
    pub fn send<T: Serialize>(&self, message: &T) -> io::Result<()> {
        send(&self.input, message)
    }

    /// Ends it at once.
    pub fn kill(&self) {
        // One that has ended already is as good.
        let _ = lock(&self.child).kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = lock(&self.child).wait();
    }
}

fn send<T: Serialize>(to: &mpsc::Sender<Vec<u8>>, message: &T) -> io::Result<()> {
    to.send(wire::encode(message, 0)?).map_err(|_| io::ErrorKind::BrokenPipe.into())
}

/// Writes messages until there are no more, or nobody reads them.
fn write(mut to: ChildStdin, messages: &mpsc::Receiver<Vec<u8>>) {
    while let Ok(message) = messages.recv() {
        if to.write_all(&message).is_err() {
            return;
        }
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a child ended that says nothing more; it is given a moment to do so by itself.
fn ended(child: &Mutex<Child>) -> String {
    for _ in 0..50 {
        match lock(child).try_wait() {
            Ok(Some(status)) => return described(status),
            Ok(None) => std::thread::sleep(std::time::Duration::from_millis(2)),
            Err(error) => return error.to_string(),
        }
    }
    let mut child = lock(child);
    let _ = child.kill();
    child.wait().map_or_else(|error| error.to_string(), |_| "it said nothing more and was stopped".to_owned())
}

fn described(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        // The allocator gives up in this way.
        (Some(6), _) => "it was aborted, as a program is that gets no more memory".to_owned(),
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, code) => format!("it ended with code {}", code.unwrap_or_default()),
    }
}

/// Closes what the process has been given besides its three streams, by starting it once more without. Gives back when there is nothing
/// of that kind, or an error.
pub fn without_inherited_files() -> io::Result<()> {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return Ok(()) };
    // The three streams, and the directory that is being read.
    if open.count() <= 4 {
        return Ok(());
    }
    close_fds::set_fds_cloexec(3, &[]);
    use std::os::unix::process::CommandExt;
    Err(Command::new(SELF).args(std::env::args_os().skip(1)).exec())
}
