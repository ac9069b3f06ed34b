//! The Go probe, as a process that is asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::answer::normal;

/// A running probe.
pub(crate) struct Probe {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Probe {
    /// Starts the probe that the environment names.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = std::env::var_os("HYDRATE_YAML_PROBE")?;
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the probe starts");
        let requests = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Some(Self { child, requests, answers })
    }

    /// Go's answer.
    pub(crate) fn ask(&mut self, mode: &str, text: &[u8]) -> serde_json::Value {
        let mut request = format!("{mode} {}\n", text.len()).into_bytes();
        request.extend_from_slice(text);
        self.requests.write_all(&request).expect("the probe listens");
        self.requests.flush().expect("the probe listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the probe answers");
        normal(serde_json::from_str(&line).expect("the answer is JSON"))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
