//! Rendering in a confined process: what it cannot do, that it ends with an error when it is stopped or says nonsense, and that everything around it
//! goes on as without.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

#[path = "supply/server.rs"]
#[allow(dead_code, reason = "the tests of supply use all of it")]
mod server;

use server::{Reply, Server};

struct Project {
    root: PathBuf,
    directory: tempfile::TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("project");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { root, directory }
    }

    fn home(&self) -> &Path {
        self.directory.path()
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(&self.root).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.home()).env("GIT_CONFIG_NOSYSTEM", "1").env("HYDRATE_RETRIES", "0");
        command
    }

    fn hydrate(&self, args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
        let output = self.command(env!("CARGO_BIN_EXE_hydrate"), args).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), said(&output))
    }

    fn sh(&self, script: &str) -> String {
        let output = self.command("sh", &["-ec", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn small() -> Project {
    Project::new(&[
        ("hydrate.yaml", "helm: v4\n"),
        ("environments/dev.yaml", "values: {}\n"),
        ("components/a/raw/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
        (".git/config", "[core]\n"),
    ])
}

/// Only test builds have the renderer that tries to do something else.
#[test]
#[cfg(debug_assertions)]
fn a_renderer_that_somebody_got_hold_of_can_do_nothing() {
    let project = small();
    let inside = |name: &str| project.root.join(name).display().to_string();
    let home = project.home().join("secret").display().to_string();
    fs::write(&home, "secret").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = project.home().join("socket").display().to_string();
    let _unix = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for (mischief, error) in [
        (format!("read {home}"), "Permission denied"),
        ("read /etc/passwd".to_owned(), "Permission denied"),
        (format!("read {}", inside(".git/config")), "Permission denied"),
        ("list /".to_owned(), "Permission denied"),
        (format!("write {home}"), "Function not implemented"),
        (format!("write {}", inside("new")), "Function not implemented"),
        (format!("remove {}", inside("hydrate.yaml")), "Function not implemented"),
        (format!("link {}", inside("new")), "Function not implemented"),
        ("exec /bin/true".to_owned(), "Function not implemented"),
        (format!("connect {}", listener.local_addr().unwrap()), "Function not implemented"),
        ("udp".to_owned(), "Function not implemented"),
        (format!("unix {socket}"), "Function not implemented"),
        ("variable HYDRATE_CACHE_KEY".to_owned(), "not found"),
        ("variable GIT_CONFIG_NOSYSTEM".to_owned(), "not found"),
    ] {
        let variables = [("HYDRATE_TEST_MISCHIEF", mischief.as_str()), ("HYDRATE_CACHE_KEY", "0123456789abcdef0123456789abcdef")];
        let (code, text) = project.hydrate(&["check", "--sandbox", "--no-cache"], &variables);
        assert_eq!(code, Some(1), "{mischief}: {text}");
        assert!(text.contains(&format!("no mischief: {mischief}: ")) && text.contains(error), "{mischief}: {text}");
    }
    // What it may do shows that the others do not fail for another reason.
    let (_, text) = project.hydrate(&["check", "--sandbox"], &[("HYDRATE_TEST_MISCHIEF", &format!("read {}", inside("hydrate.yaml")))]);
    assert!(text.contains("mischief managed"), "{text}");
}

#[test]
#[cfg(debug_assertions)]
fn one_that_takes_all_memory_or_says_nonsense_fails_the_run() {
    let project = small();
    for (mischief, error) in [
        ("memory 107374182400", "--max-memory SIZE allows more"),
        // Less than the process can have, and more than it may.
        ("memory 268435456", "rendering component a of dev took more than 128Mi of memory"),
        ("nonsense", "sent an invalid answer; nothing of it was used"),
        ("huge", "sent an invalid answer; nothing of it was used"),
    ] {
        let (code, text) = project.hydrate(&["-e", "dev", "--sandbox", "--max-memory", "128Mi"], &[("HYDRATE_TEST_MISCHIEF", mischief)]);
        assert_eq!(code, Some(1), "{mischief}: {text}");
        assert!(text.contains(error) && text.contains("while rendering component a"), "{mischief}: {text}");
        assert!(!project.root.join("manifests").exists(), "{mischief}");
    }
}

#[test]
fn it_is_the_default_where_ci_is_set_and_said_with_v() {
    let project = small();
    let confined = |args: &[&str], ci: &str| {
        let (code, text) = project.hydrate(&[&["check", "-v", "--no-cache"], args].concat(), &[("CI", ci)]);
        assert_eq!(code, Some(2), "{text}");
        text.contains("rendered in confinement")
    };
    for (args, ci, is_confined) in
        [(&[][..], "true", true), (&[], "", false), (&[], "false", false), (&["--sandbox"], "", true), (&["--no-sandbox"], "true", false)]
    {
        assert_eq!(confined(args, ci), is_confined, "{args:?} CI={ci}");
    }
    let (code, text) = project.hydrate(&["check", "--sandbox", "--no-sandbox"], &[]);
    assert!(code == Some(1) && text.contains("cannot be used with '--no-sandbox'"), "{text}");
}

/// More components than are rendered at once, some of which are kept from before, some of which fail: each has its own answer.
#[test]
fn each_of_many_components_has_its_own_answer() {
    let project = small();
    let object = |name: &str, text: &str| {
        let path = project.root.join(format!("components/{name}/raw/a.yaml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let names: Vec<String> = (0..40).map(|number| format!("c{number:02}")).collect();
    names.iter().for_each(|name| object(name, &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")));
    let (code, text) = project.hydrate(&["-e", "dev", "--sandbox", "-j", "3"], &[]);
    assert_eq!(code, Some(0), "{text}");
    let written = |name: &String| fs::read_to_string(project.root.join(format!("manifests/dev/{name}/configmap-{name}.yaml"))).unwrap();
    assert!(names.iter().all(|name| written(name).contains(&format!("{{name: {name}}}"))));
    object("c07", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n");
    object("c31", "kind: [\n");
    let (code, text) = project.hydrate(&["check", "--sandbox", "-j", "3", "-v"], &[]);
    assert!(code == Some(1) && text.contains("component c31, environment dev") && !text.contains("component c07"), "{text}");
    fs::remove_dir_all(project.root.join("components/c31")).unwrap();
    object("c08", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: another}\n");
    let (code, text) = project.hydrate(&["check", "--sandbox", "-j", "3", "-v"], &[]);
    assert!(code == Some(2) && text.contains("c08 rendered in") && text.contains("c07 from the cache"), "{text}");
    // One process for several environments, of which one cannot be rendered.
    fs::write(project.root.join("environments/prod.yaml"), "values: {}\n").unwrap();
    fs::write(project.root.join("environments/test.yaml"), "values: [\n").unwrap();
    let (code, text) = project.hydrate(&["check", "-e", "all", "--sandbox", "--no-cache", "-v"], &[]);
    assert_eq!((code, text.matches("rendered in confinement").count()), (Some(1), 2), "{text}");
    assert!(
        text.contains("dev: c09 rendered in") && text.contains("prod: c09 rendered in") && text.contains("environments/test.yaml"),
        "{text}"
    );
}

/// A chart in one packed file, whose template is this.
fn packed(template: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, text) in [("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n"), ("app/templates/a.yaml", template)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A run of CI as a whole: a chart from a server, a cache that a second checkout shares, a signed commit, hooks, and a push.
#[test]
fn everything_around_goes_on() {
    let archive = packed("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n");
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        "/app-1.0.0.tgz" => Reply::ok(archive.clone()),
        _ => Reply::status(404),
    });
    let component = format!("sources: [{{helm: {{chart: \"{}\"}}}}]\n", server.url("/app-1.0.0.tgz"));
    let project = Project::new(&[
        ("hydrate.yaml", "helm: v4\n"),
        ("environments/dev.yaml", "values: {}\n"),
        ("components/app/component.yaml", &component),
        ("components/raw/raw/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
    ]);
    let signer = project.home().join("signer");
    fs::write(&signer, "#!/bin/sh\nfor last; do :; done\nprintf -- '-----BEGIN SSH SIGNATURE-----\\nAAAA\\n-----END SSH SIGNATURE-----\\n' > \"$last.sig\"\n").unwrap();
    fs::set_permissions(&signer, PermissionsExt::from_mode(0o755)).unwrap();
    // With the real program where there is one, else with one that stands in for it.
    project.sh(
        "git init -q -b main .; git init -q --bare ../origin.git; git remote add origin ../origin.git
         git config --global user.name Ann; git config --global user.email ann@example.org; git config --global push.default current
         git config --global gpg.format ssh; git config --global commit.gpgsign true
         if command -v ssh-keygen >/dev/null; then ssh-keygen -q -t ed25519 -N '' -f ../key; git config --global user.signingKey \"$PWD/../key.pub\"
         else git config --global gpg.ssh.program \"$PWD/../signer\"; git config --global user.signingKey 'key::ssh-ed25519 AAAA'; fi
         printf '#!/bin/sh\\necho pushed > \"$HOME/hook\"\\n' > .git/hooks/pre-push; chmod +x .git/hooks/pre-push",
    );
    let cache = project.home().join("cache").display().to_string();
    let variables = [("HYDRATE_CACHE_DIR", cache.as_str()), ("HYDRATE_CACHE_KEY", "0123456789abcdef0123456789abcdef")];
    let (code, text) = project.hydrate(&["lock"], &variables);
    assert_eq!(code, Some(0), "{text}");
    project.sh("rm -rf ../cache; git add .; git commit -qm start; git push -q origin main; rm ../hook");

    let ci = [&variables[..], &[("CI", "true")]].concat();
    let (code, text) = project.hydrate(&["-e", "dev", "--commit", "--push", "-v"], &ci);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("rendered in confinement") && text.contains("pushed"), "{text}");
    assert_eq!(fs::read_to_string(project.home().join("hook")).unwrap(), "pushed\n");
    assert!(project.sh("git cat-file commit HEAD").contains("SSH SIGNATURE"));
    assert_eq!(project.sh("git rev-parse HEAD"), project.sh("git --git-dir ../origin.git rev-parse main"));
    assert!(project.root.join("manifests/dev/app/configmap-app.yaml").exists());

    // The archive comes from the cache, and so does what was rendered, where the same is rendered again.
    let asked = server.asked().len();
    let (code, text) = project.hydrate(&["check", "-v", "--offline"], &ci);
    assert!(code == Some(0) && !text.contains("rendered in confinement"), "{text}");
    project.sh("git clone -q . ../second");
    let second = project.home().join("second").display().to_string();
    let (code, text) = project.hydrate(&["-C", &second, "check", "-v", "--offline"], &ci);
    assert!(code == Some(0) && text.contains("rendered in confinement"), "{text}");
    assert_eq!(server.asked().len(), asked);
}
