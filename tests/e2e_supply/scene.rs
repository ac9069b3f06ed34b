//! A project on the disk, and the binary in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub(crate) struct Scene {
    pub home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Scene {
    /// A project with one environment.
    pub(crate) fn new() -> Self {
        let scene = Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() };
        scene.write("environments/dev.yaml", "{}\n");
        scene
    }

    /// With an environment variable in every run.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.home.path().join("project")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn hydrate(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.root()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.home.path()).env("HYDRATE_RETRIES", "0");
        self.variables.iter().for_each(|(name, value)| {
            command.env(name, value);
        });
        command.output().unwrap()
    }

    /// What a run says that must succeed.
    pub(crate) fn runs(&self, args: &[&str]) -> String {
        let output = self.hydrate(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        said
    }

    /// What a run says that must fail.
    pub(crate) fn fails(&self, args: &[&str]) -> String {
        let output = self.hydrate(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args:?} succeeded: {said}");
        said
    }

    pub(crate) fn forget_cache(&self) {
        let _ = std::fs::remove_dir_all(self.home.path().join(".cache"));
    }
}

/// The binary under test: `HYDRATE`, or the one of this build.
pub(crate) fn binary() -> String {
    std::env::var("HYDRATE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_hydrate").to_owned())
}

/// A server that ends with the test.
pub(crate) struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server and waits until its port answers; `None`, and the test is skipped, where the program is missing.
pub(crate) fn serve(program: &str, args: &[&str], port: u16, directory: &Path) -> Option<Running> {
    let child =
        Command::new(program).args(args).current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(child) = child else {
        crate::common::skip(&format!("{program} is not installed"));
        return None;
    };
    let mut running = Running(child);
    for _ in 0..250 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(running);
        }
        if running.0.try_wait().unwrap().is_some() {
            crate::common::skip(&format!("{program} does not run here"));
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{program} does not answer on port {port}");
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a tool of the set-up; false, with a notice, where it is missing.
pub(crate) fn tool(program: &str, args: &[&str], directory: &Path) -> bool {
    match Command::new(program).args(args).current_dir(directory).stdin(Stdio::null()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(_) => {
            crate::common::skip(&format!("{program} is not installed"));
            false
        }
    }
}
