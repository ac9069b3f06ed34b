//! `secrets: sops`: what is written, what stays as it is with and without a key, and where no plaintext may be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hydrate_sops::{Format, Identities, new_key};

const TEMPLATE: &str = r#"{{- $password := randAlphaNum (int .Values.length) }}
apiVersion: v1
kind: Secret
metadata:
  name: db
data:
  # the user of {{ .Values.user }}
  user: {{ .Values.user | b64enc }}
  password: {{ $password | b64enc }}
---
apiVersion: v1
kind: Secret
metadata:
  name: fixed
stringData:
  token: "{{ .Values.user }}-token"
---
apiVersion: v1
kind: Secret
metadata:
  name: empty
stringData:
  token: ""
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: db
  annotations:
    checksum/secret: {{ $password | sha256sum }}
data:
  image: {{ .Values.image }}
"#;

struct Project {
    directory: tempfile::TempDir,
    key: String,
    recipient: String,
}

impl Project {
    fn new() -> Self {
        let (key, recipient) = new_key();
        let project = Self { directory: tempfile::tempdir().unwrap(), key: key.to_string(), recipient };
        project.write("hydrate.yaml", &format!("secrets: sops\nrandom: keep\nsops: {{age: [{}]}}\n", project.recipient));
        project.write("environments/prod.yaml", "kubernetes: \"1.33\"\n");
        project.write("components/db/component.yaml", "namespace: shop\nsources:\n- helm: {chart: chart}\n");
        project.write("components/db/chart/Chart.yaml", "apiVersion: v2\nname: db\nversion: 0.1.0\n");
        project.write("components/db/chart/values.yaml", "user: shopkeeper\nlength: 24\nimage: db:1\n");
        project.write("components/db/chart/templates/all.yaml", TEMPLATE);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("project").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "{from} is not in {text}");
        self.write(name, &text.replace(from, to));
    }

    fn hydrate(&self, arguments: &str, with_key: bool) -> Output {
        let home = self.directory.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command
            .args(arguments.split(' '))
            .current_dir(self.path(""))
            .env_clear()
            .env("HOME", &home)
            .env("HYDRATE_TEST_VARIABLE", "canary-of-env");
        if with_key {
            command.env("SOPS_AGE_KEY", &self.key);
        }
        command.output().unwrap()
    }

    /// Runs hydrate, which has to end with this code; what it says.
    fn run(&self, arguments: &str, with_key: bool, code: i32) -> String {
        let output = self.hydrate(arguments, with_key);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments} (key: {with_key}): {said}");
        said
    }

    fn decrypted(&self, name: &str) -> String {
        let mut identities = Identities::default();
        identities.add_keys(&self.key, false).unwrap();
        let text = self.read(&format!("manifests/prod/db/{name}"));
        String::from_utf8(hydrate_sops::decrypt(text.as_bytes(), Format::Yaml, &identities).unwrap()).unwrap()
    }

    /// All files below a directory, by their names.
    fn tree(&self, directory: &Path) -> Vec<(String, Vec<u8>)> {
        let files = walkdir::WalkDir::new(directory).sort_by_file_name().into_iter().map(Result::unwrap);
        let files = files.filter(|entry| entry.file_type().is_file());
        files.map(|entry| (entry.path().display().to_string(), fs::read(entry.path()).unwrap())).collect()
    }

    fn manifests(&self) -> Vec<(String, Vec<u8>)> {
        self.tree(&self.path("manifests"))
    }
}

fn line<'t>(text: &'t str, key: &str) -> &'t str {
    text.lines().find(|line| line.trim_start().starts_with(key)).unwrap_or_else(|| panic!("no {key} in {text}"))
}

#[test]
fn what_is_written_is_encrypted_and_stays_as_it_is() {
    let project = Project::new();
    project.run("-e prod", false, 0);
    let first = project.manifests();
    let secret = project.decrypted("secret-db.yaml");
    assert!(secret.contains("namespace: shop") && secret.contains("user: c2hvcGtlZXBlcg==") && secret.contains("# the user of shopkeeper"));
    assert_eq!(line(&project.decrypted("secret-fixed.yaml"), "token:"), "    token: shopkeeper-token");
    assert!(project.read("manifests/prod/db/secret-empty.yaml").ends_with("stringData:\n  token: \"\"\n"), "nothing of it is secret");
    for with_key in [false, true, false] {
        for arguments in
            ["-e prod", "check -e prod", "-e prod --no-cache", "check -e prod --no-cache", "check -e prod --sandbox --no-cache"]
        {
            project.run(arguments, with_key, 0);
        }
    }
    assert!(project.manifests() == first);
}

#[test]
fn no_plaintext_lies_in_the_tree_the_cache_or_what_is_said() {
    let project = Project::new();
    let mut said = String::new();
    for (arguments, with_key) in
        [("-e prod", false), ("-e prod", true), ("check -e prod", true), ("-e prod -v", false), ("list -e prod", true)]
    {
        said.push_str(&project.run(arguments, with_key, 0));
    }
    project.replace("components/db/chart/values.yaml", "image: db:1", "image: db:2");
    said.push_str(&project.run("diff -e prod", true, 0));
    said.push_str(&project.run("-e prod", true, 0));
    let secret = project.decrypted("secret-db.yaml");
    let encoded = line(&secret, "password:").split_once(": ").unwrap().1.to_owned();
    let password = String::from_utf8(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &encoded).unwrap()).unwrap();
    assert_eq!(password.len(), 24);
    let cache = project.tree(&project.directory.path().join("home"));
    assert!(cache.iter().any(|(name, _)| name.contains("/renders/")), "the component is kept");
    for (name, bytes) in cache.iter().chain(&project.manifests()) {
        let text = String::from_utf8_lossy(bytes);
        for secret in [&password, &encoded, "shopkeeper-token", "c2hvcGtlZXBlcg==", "the user of", project.key.as_str()] {
            assert!(!text.contains(secret), "{secret} is in {name}");
        }
    }
    assert!(!said.contains(&password) && !said.contains(&encoded) && !said.contains("shopkeeper-token"), "{said}");
}

#[test]
fn only_what_changes_gets_another_ciphertext() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    let (before, plain) = (project.read("manifests/prod/db/secret-db.yaml"), project.decrypted("secret-db.yaml"));
    let config = project.read("manifests/prod/db/configmap-db.yaml");
    project.replace("components/db/chart/values.yaml", "user: shopkeeper", "user: another");
    // Without the key nobody can write what chance has decided, and a check says what is stale.
    let said = project.run("-e prod", false, 1);
    assert!(
        said.contains("Secret shop/db holds, or follows from, what only a key of age can read") && !said.contains("plain text"),
        "{said}"
    );
    let said = project.run("check -e prod", false, 2);
    assert!(said.contains("changed  prod/db/secret-db.yaml") && !said.contains("configmap"), "{said}");
    project.run("-e prod", true, 0);
    let (after, now) = (project.read("manifests/prod/db/secret-db.yaml"), project.decrypted("secret-db.yaml"));
    for key in ["password:", "recipient:", "-----BEGIN"] {
        assert_eq!(line(&before, key), line(&after, key));
    }
    assert_ne!(line(&before, "user:"), line(&after, "user:"));
    assert_eq!(line(&plain, "password:"), line(&now, "password:"), "it is kept");
    assert_eq!(project.read("manifests/prod/db/configmap-db.yaml"), config, "what follows from it is");
    project.run("check -e prod", false, 0);
}

#[test]
fn what_only_follows_from_a_secret_is_written_without_the_key() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    let before = project.read("manifests/prod/db/configmap-db.yaml");
    project.replace("components/db/chart/values.yaml", "image: db:1", "image: db:2");
    project.run("-e prod", false, 0);
    let after = project.read("manifests/prod/db/configmap-db.yaml");
    assert_eq!(before.replace("db:1", "db:2"), after);
    for with_key in [true, false] {
        project.run("check -e prod --no-cache", with_key, 0);
    }
    // What the checksum is made of has changed: that is no longer what the tree has.
    project.replace("components/db/chart/templates/all.yaml", "$password | sha256sum", "printf \"%s!\" $password | sha256sum");
    let said = project.run("check -e prod", false, 2);
    assert!(said.contains("changed  prod/db/configmap-db.yaml"), "{said}");
    assert!(project.run("-e prod", false, 1).contains("ConfigMap shop/db holds, or follows from"));
    project.run("-e prod", true, 0);
    project.run("check -e prod", false, 0);
}

#[test]
fn a_secret_without_chance_is_written_by_anybody() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    project.replace("components/db/chart/templates/all.yaml", "-token\"", "-other\"");
    let db = project.read("manifests/prod/db/secret-db.yaml");
    project.run("-e prod", false, 0);
    assert_eq!(line(&project.decrypted("secret-fixed.yaml"), "token:"), "    token: shopkeeper-other");
    assert_eq!(project.read("manifests/prod/db/secret-db.yaml"), db);
    for with_key in [true, false] {
        project.run("check -e prod --no-cache", with_key, 0);
    }
}

#[test]
fn whoever_is_taken_away_cannot_read_what_is_written() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    let before = project.read("manifests/prod/db/secret-db.yaml");
    let (other_key, other) = new_key();
    project.replace("hydrate.yaml", &project.recipient, &format!("{}, {other}", project.recipient));
    project.run("check -e prod", false, 2);
    project.run("-e prod", true, 0);
    let both = project.read("manifests/prod/db/secret-db.yaml");
    assert_eq!(line(&before, "password:"), line(&both, "password:"));
    assert_eq!(hydrate_sops::recipients(both.as_bytes(), Format::Yaml).unwrap(), [project.recipient.clone(), other.clone()]);
    project.replace("hydrate.yaml", &format!("{}, ", project.recipient), "");
    let plain = project.decrypted("secret-db.yaml");
    project.run("-e prod", true, 0);
    let alone = project.read("manifests/prod/db/secret-db.yaml");
    assert_ne!(line(&before, "password:"), line(&alone, "password:"));
    let mut identities = Identities::default();
    identities.add_keys(&project.key, false).unwrap();
    assert!(hydrate_sops::decrypt(alone.as_bytes(), Format::Yaml, &identities).is_err());
    let mut identities = Identities::default();
    identities.add_keys(&other_key, false).unwrap();
    assert_eq!(hydrate_sops::decrypt(alone.as_bytes(), Format::Yaml, &identities).unwrap(), plain.as_bytes());
}

#[test]
fn a_file_that_somebody_has_changed_is_noticed() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    let file = "manifests/prod/db/secret-db.yaml";
    let whole = project.read(file);
    let password = line(&whole, "password:").to_owned();
    let at = password.find("data:").unwrap() + 5;
    let other = format!("{}{}{}", &password[..at], if password[at..].starts_with('A') { 'B' } else { 'A' }, &password[at + 1..]);
    project.write(file, &whole.replace(&password, &other));
    for with_key in [true, false] {
        project.run("check -e prod", with_key, 2);
        project.run("check -e prod --no-cache", with_key, 2);
    }
    let said = project.run("-e prod", true, 1);
    assert!(said.contains("secret-db.yaml: the value of data.password was changed or moved after it was encrypted"), "{said}");
    // Plain text in its place is not taken for what is to be there either.
    project.write(file, &whole.replace(&password, "    password: cGxhaW4="));
    project.run("check -e prod", false, 2);
    project.write(file, &whole);
    project.run("check -e prod", false, 0);
}

#[test]
fn the_record_says_nothing_of_what_is_not_in_the_repository() {
    // The digests of a Secret with a value of an environment variable are the same whatever that value is.
    let record = |value: &str| {
        let project = Project::new();
        project.write("hydrate.yaml", "secrets: sops\nsops: {age: [age1kegpkr5l66hhcvhujc2wks6hhqveu7gnazcs24dqn5eeyz4afszszxj6ay]}\n");
        project.write("components/db/component.yaml", "sources:\n- helm: {chart: chart, values: [values.yaml.gotmpl]}\n");
        project.write("components/db/values.yaml.gotmpl", "token: {{ requiredEnv \"TOKEN\" | quote }}\n");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  token: {{ .Values.token | quote }}\n";
        project.write("components/db/chart/templates/all.yaml", secret);
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command.args(["-e", "prod", "--template-env", "TOKEN"]).current_dir(project.path("")).env_clear();
        let output = command.env("HOME", project.directory.path()).env("TOKEN", value).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let record = project.read("manifests/prod/db/.encrypted");
        let line = line(&record, |line: &&str| line.ends_with("Secret/db"));
        line.split("  ").next().unwrap().to_owned()
    };
    fn line<'t>(text: &'t str, is: impl Fn(&&'t str) -> bool) -> &'t str {
        text.lines().find(is).unwrap()
    }
    assert_eq!(record("one"), record("another"));
}

#[test]
fn the_record_says_nothing_of_files_that_git_ignores() {
    let record = |value: &str| {
        let project = Project::new();
        git2::Repository::init(project.path("")).unwrap();
        project.write(".gitignore", "own.yaml\n");
        project.write("hydrate.yaml", "secrets: sops\nsops: {age: [age1kegpkr5l66hhcvhujc2wks6hhqveu7gnazcs24dqn5eeyz4afszszxj6ay]}\n");
        project.write("components/db/component.yaml", "sources:\n- helm: {chart: chart, values: [own.yaml]}\n");
        project.write("components/db/own.yaml", &format!("user: {value}\n"));
        project.replace("components/db/chart/templates/all.yaml", "randAlphaNum (int .Values.length)", "\"fixed\"");
        project.run("-e prod", false, 0);
        let written = project.read("manifests/prod/db/.encrypted");
        project.run("check -e prod", false, 0);
        // What does not stand in the repository is taken as it is in the tree.
        project.write("components/db/own.yaml", "user: somebody\n");
        project.run("check -e prod", false, 0);
        written.lines().map(|line| line.split("  ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(record("one"), record("another"));
}

#[test]
fn a_secret_variable_may_stand_in_an_encrypted_secret_alone() {
    let project = Project::new();
    project.write("hydrate.yaml", &format!("{}secretEnv: [TOKEN]\n", project.read("hydrate.yaml")));
    project.write("components/db/component.yaml", "sources:\n- helm: {chart: chart, values: [values.yaml.gotmpl]}\n");
    project.write("components/db/values.yaml.gotmpl", "token: {{ requiredEnv \"TOKEN\" | quote }}\n");
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  token: {{ .Values.token | quote }}\n";
    project.write("components/db/chart/templates/all.yaml", secret);
    let run = |code: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydrate"));
        command.args(["-e", "prod", "--template-env", "TOKEN"]).current_dir(project.path("")).env_clear().env("SOPS_AGE_KEY", &project.key);
        let output = command.env("HOME", project.directory.path().join("home")).env("TOKEN", "canary-in-variable").output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        for (name, bytes) in project.manifests().iter().chain(&project.tree(&project.directory.path().join("home"))) {
            assert!(!String::from_utf8_lossy(bytes).contains("canary-in"), "{name}");
        }
        assert!(!said.contains("canary-in"), "{said}");
        said
    };
    fs::create_dir_all(project.directory.path().join("home")).unwrap();
    run(0);
    assert!(project.decrypted("secret-db.yaml").contains("token: canary-in-variable"));
    run(0);
    project.write(
        "components/db/chart/templates/all.yaml",
        &secret.replace("  name: db\n", "  name: db\n  annotations: {a: {{ .Values.token | quote }}}\n"),
    );
    assert!(run(1).contains("metadata.annotations.a is made of a secret"));
}

#[test]
fn what_stands_elsewhere_in_plain_text_is_told() {
    let project = Project::new();
    project.replace("components/db/chart/templates/all.yaml", "image: {{ .Values.image }}", "settings: \"a={{ $password }};\"");
    for with_key in [true, true, false] {
        let said = project.run("-e prod", with_key, 0);
        assert!(said.contains("ConfigMap db holds in plain text what Secret db is encrypted for: data.password"), "{said}");
    }
}

#[test]
fn a_ciphertext_is_never_taken_for_what_is_kept() {
    let project = Project::new();
    project.replace(
        "components/db/chart/templates/all.yaml",
        "data:\n  # the user",
        "stringData:\n  plain: {{ $password }}\ndata:\n  # the user",
    );
    project.run("-e prod", true, 0);
    let before = project.manifests();
    for with_key in [false, true] {
        project.run("check -e prod --no-cache", with_key, 0);
        project.run("-e prod --no-cache", with_key, 0);
    }
    assert!(project.manifests() == before);
    // Nor where Secrets are no longer encrypted: then there is nothing that could be kept.
    project.write("hydrate.yaml", "random: keep\nchecks: {plaintext-secret: \"off\"}\n");
    project.run("-e prod", true, 0);
    let written = project.read("manifests/prod/db/secret-db.yaml");
    assert!(!written.contains("ENC[") && line(&written, "plain:").len() == "  plain: ".len() + 24, "{written}");
    assert!(!project.path("manifests/prod/db/.encrypted").exists());
}

#[test]
fn values_that_may_differ_are_taken_as_they_stand() {
    let project = Project::new();
    project.replace("hydrate.yaml", "random: keep", "random: allow");
    project.run("-e prod", true, 0);
    for with_key in [true, false] {
        project.run("check -e prod", with_key, 0);
        project.run("check -e prod --no-cache", with_key, 0);
    }
    let before = project.decrypted("secret-db.yaml");
    project.run("-e prod", true, 0);
    assert_ne!(line(&before, "password:"), line(&project.decrypted("secret-db.yaml"), "password:"));
}

#[test]
fn plaintext_that_is_there_already_is_encrypted_and_kept() {
    let project = Project::new();
    let sops = project.read("hydrate.yaml");
    project.write("hydrate.yaml", "random: keep\nchecks: {plaintext-secret: \"off\"}\n");
    project.run("-e prod", false, 0);
    let plain = project.read("manifests/prod/db/secret-db.yaml");
    // Without `random` what is kept stays, and nothing new is made.
    project.write("hydrate.yaml", &sops.replace("random: keep\n", ""));
    project.run("-e prod", false, 0);
    assert_eq!(line(&plain, "password:").trim(), line(&project.decrypted("secret-db.yaml"), "password:").trim());
    for with_key in [true, false] {
        project.run("check -e prod --no-cache", with_key, 0);
    }
}

#[test]
fn what_was_decrypted_is_not_written_in_plain_text_anywhere_new() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    // Whoever cannot read the Secret changes the chart, and has somebody render who can.
    for leak in ["leak: {{ $password }}", "leak: {{ printf \"x%s\" $password | quote }}", "leak: {{ $password | b64enc }}"] {
        project.replace(
            "components/db/chart/templates/all.yaml",
            "  image: {{ .Values.image }}",
            &format!("  image: {{{{ .Values.image }}}}\n  {leak}"),
        );
        let said = project.run("-e prod", true, 1);
        assert!(said.contains("ConfigMap db would hold in plain text what Secret db is encrypted for: data.password"), "{said}");
        project.replace("components/db/chart/templates/all.yaml", &format!("\n  {leak}"), "");
    }
    project.run("check -e prod", true, 0);
}

#[test]
fn a_secret_that_somebody_has_encrypted_anew_is_noticed_with_the_key() {
    let project = Project::new();
    project.run("-e prod", true, 0);
    project.run("check -e prod", true, 0);
    project.run("check -e prod", true, 0);
    // Anybody can encrypt for the recipients, and write what the record says of it.
    let settings = hydrate_sops::Settings {
        recipients: vec![project.recipient.clone()],
        rule: hydrate_sops::Rule::of_secrets(),
        ..hydrate_sops::Settings::default()
    };
    let file = "manifests/prod/db/secret-fixed.yaml";
    let before = project.read(file);
    let forged = project.decrypted("secret-fixed.yaml").replace("shopkeeper-token", "forged");
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    let forged = String::from_utf8(hydrate_sops::encrypt(forged.as_bytes(), Format::Yaml, &settings, now).unwrap()).unwrap();
    let record = "manifests/prod/db/.encrypted";
    let digest = |text: &str| hydrate_base::hash::sha256(text.as_bytes());
    project.replace(record, &digest(&before), &digest(&forged));
    project.write(file, &forged);
    let said = project.run("check -e prod", true, 2);
    assert!(said.contains("changed  prod/db/secret-fixed.yaml"), "{said}");
    project.run("-e prod", true, 0);
    assert_eq!(line(&project.decrypted("secret-fixed.yaml"), "token:"), "    token: shopkeeper-token");
}

#[test]
fn a_manifest_has_its_secrets_beside_it() {
    let project = Project::new();
    project.write("hydrate.yaml", &format!("{}layout: manifest\n", project.read("hydrate.yaml")));
    project.run("-e prod", true, 0);
    let kustomization = project.read("manifests/prod/db/kustomization.yaml");
    assert!(kustomization.ends_with("resources:\n- manifest.yaml\n- secret-db.yaml\n- secret-fixed.yaml\n"), "{kustomization}");
    assert!(!project.read("manifests/prod/db/manifest.yaml").contains("ENC["));
    project.decrypted("secret-db.yaml");
    for with_key in [true, false] {
        project.run("check -e prod --no-cache", with_key, 0);
    }
}
