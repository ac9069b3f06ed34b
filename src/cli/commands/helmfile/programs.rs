//! Programs that templates start with `exec`, where the one who runs hydrate allows it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hydrate_helmfile::Programs;

/// Starts what is asked for.
pub(super) struct Started;

impl Programs for Started {
    fn run(
        &self,
        directory: &Path,
        variables: &BTreeMap<String, String>,
        command: &str,
        arguments: &[String],
        input: &str,
    ) -> Result<Vec<u8>, String> {
        let mut program = Command::new(command);
        program.args(arguments).envs(variables).current_dir(directory);
        output_of(program, command, input.as_bytes())
    }
}

/// What a program prints that has this on its stdin; `name` is what errors call it.
pub(super) fn output_of(mut program: Command, name: &str, input: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot run {name}: {error}");
    program.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() }).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().map_err(failed)?;
    let input = input.to_vec();
    // One that reads nothing must not keep the writer waiting, nor the reader.
    let writer = child.stdin.take().map(|mut to| std::thread::spawn(move || to.write_all(&input)));
    let output = child.wait_with_output().map_err(failed)?;
    if let Some(writer) = writer {
        // That it closed its stdin early is its own affair.
        let _ = writer.join();
    }
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{name} failed with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}
