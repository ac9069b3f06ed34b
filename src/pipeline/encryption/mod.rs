//! Secrets encrypted on the way out, with `secrets: sops`: as SOPS does it, for the recipients of the environment.
//!
//! A ciphertext differs each time that it is made, so what is in the tree has to stay where what it is made from is the same. With an identity at hand the
//! committed file is decrypted, and every value that is the same keeps its ciphertext. Without one `.encrypted` beside the file says what it was made
//! from: the digest of the object as it is rendered with a chance that is always the same ([`Chance::other_from`](hydrate_base::world::Chance::other_from)).
//! So nothing that only a key can read is in that digest, and whoever knows it can test no guesses with it: what can be computed from the repository
//! and the charts that it names can be computed by everybody. Where something was read that is in no repository (environment variables, files
//! that Git ignores), it is a digest of the other files that were read instead.
//!
//! What follows elsewhere from a value that chance has decided and only an encrypted Secret holds (a checksum of it in an annotation) is, without the key, taken
//! from the tree in the same way.
//!
//! Neither the cache nor the record has a plaintext: a cached component has Secrets without their values, and is used as long as the tree has them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hydrate_base::hash::sha256;
use hydrate_base::world::{Asked, Record};
use hydrate_base::{Diagnostic, DiskWorld, Result, World};
use hydrate_sops::{Error, Format, Rule, Settings, has_same_plain_parts, redact, update};
use hydrate_source::Document;
use hydrate_yaml::node::{Data, Node, Tag};
use serde::{Deserialize, Serialize};

use crate::git::Ignored;
use crate::project::{Component, Environment, Project, SecretPolicy};
use crate::sandbox::wire::Told;

mod elsewhere;
mod standing;

use elsewhere::{Plain, in_plain_text, says};
use standing::{Standing, files};

use super::age_keys::UserKeys;
use super::decryption::{Decrypter, Encrypted};
use super::fields::{Field, fields, object, shown};
use super::handover;
use super::renders::Kept;
use super::scope::Crds;

/// The name of the record.
pub(super) const RECORD: &str = ".encrypted";

const HEAD: &str = "# What is encrypted, and what follows from it: the digest of what it is made from, as far as that is in the repository, the digest of \
what is written, the object. Do not edit.\n";

/// What stands at the beginning of what is digested, so that it is a digest of nothing else.
const DOMAIN: &str = "hydrate: what an encrypted object is made from, 1\n";

/// A document that is encrypted, or follows from one that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Its number among the component's documents.
    pub at: usize,
    /// The digest of what it is made from.
    pub inputs: String,
    /// Whether it is a Secret, which is encrypted; else it follows from one.
    pub is_secret: bool,
    /// Whether something of it is decided by chance or by a secret, so that only a key tells what it has to be.
    pub is_open: bool,
    /// The fields of what follows that are so decided, as JSON pointers; none where they are not known.
    pub fields: Vec<String>,
}

/// How the Secrets of an environment are encrypted.
pub(super) struct Encryption {
    settings: Settings,
    keys: Arc<UserKeys>,
    /// The directory of the environment in the tree, and how it is shown.
    directory: PathBuf,
    shown: String,
    world: DiskWorld,
    environment: Environment,
    root: PathBuf,
    manifests: PathBuf,
    /// The variables that templates may read and that are set.
    is_set: Box<dyn Fn(&str) -> bool + Send + Sync>,
    ignored: Ignored,
    compares: bool,
}

impl Encryption {
    /// The encryption of an environment; none unless it is asked for.
    pub(super) fn of(project: &Project, environment: &Environment, options: &super::Options) -> Result<Option<Self>> {
        if project.secrets_of(environment) != SecretPolicy::Sops {
            return Ok(None);
        }
        let recipients = project.recipients_of(environment);
        if recipients.is_empty() {
            return Err(Diagnostic::error(format!("environment {} has nobody to encrypt Secrets for", environment.name))
                .note("`secrets: sops` encrypts them for the recipients in `sops: {age: […]}`")
                .help(format!(
                    "write `sops: {{age: [age1…]}}` into {}/{}.yaml or hydrate.yaml: the public keys of the cluster and of whoever may read them",
                    project.settings.environments, environment.name
                )));
        }
        let manifests = project.root.join(&project.settings.manifests);
        let seen = project.world().seeing(Arc::clone(&options.variables));
        Ok(Some(Self {
            settings: Settings { recipients, rule: Rule::of_secrets(), mac_only_encrypted: false },
            keys: Arc::clone(&options.keys),
            directory: manifests.join(&environment.name),
            shown: format!("{}/{}", project.settings.manifests, environment.name),
            world: project.world(),
            environment: environment.clone(),
            root: project.root.clone(),
            manifests,
            is_set: Box::new(move |name| seen.variable(name).is_some()),
            ignored: Ignored::at(&project.root),
            compares: options.compares,
        }))
    }

    /// What a component is rendered with.
    pub(super) fn of_component(&self, component: &str) -> Encrypted {
        Encrypted { opened: self.opened(component), keys: Arc::clone(&self.keys) as Arc<dyn Decrypter> }
    }

    /// The files of a component in the tree that are encrypted and can be decrypted here, by their names.
    pub(super) fn opened(&self, component: &str) -> BTreeMap<String, String> {
        let mut opened = BTreeMap::new();
        if self.keys.identities().is_empty() {
            return opened;
        }
        for (name, text) in self.encrypted(component) {
            let plain = hydrate_sops::decrypt(text.as_bytes(), Format::Yaml, self.keys.identities()).ok();
            opened.extend(plain.and_then(|plain| Some((name, String::from_utf8(plain).ok()?))));
        }
        opened
    }

    /// Finds what is to be encrypted of a component, and what follows from it. `record` says what was asked for it.
    pub(super) fn mark(&self, component: &Component, kept: &mut Kept, record: &Record) -> Result<(), Vec<Box<Diagnostic>>> {
        let mut wrong = Vec::new();
        let mut secrets = Vec::new();
        for (at, document) in kept.documents.iter().enumerate().filter(|(_, document)| is_secret(document)) {
            match has_something_to_encrypt(document) {
                Ok(true) => secrets.push(at),
                Ok(false) => {}
                Err(error) => wrong.push(error),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let known = std::mem::take(&mut kept.references);
        let has_references = known.is_some();
        let references: BTreeMap<usize, String> = known.unwrap_or_default().into_iter().collect();
        if secrets.is_empty() && (references.is_empty() || !kept.knows_secrets) {
            return Ok(());
        }
        // The text that the tools print has all of it in plain text.
        kept.verbatim = None;
        let files = (self.has_read_more(record) || !has_references).then(|| self.digest_of_files(record));
        let secret_inputs: String = kept.secret_inputs.iter().map(|digest| format!("\nsecrets {digest}")).collect();
        let sealed = |at: usize, is_secret: bool| {
            let document = &kept.documents[at];
            let reference = references.get(&at);
            let decided = reference.filter(|_| !is_secret).map(|reference| decided(&document.text, reference)).unwrap_or_default();
            let what = match &files {
                Some(files) => format!("files {files} {}", object(&document.identity)),
                None if decided.is_empty() => reference.unwrap_or(&document.text).clone(),
                None => decided.iter().map(|field| format!("{}\n{}\n", field.path, field.text)).collect(),
            };
            let what = if reference.is_some() { format!("{what}{secret_inputs}") } else { what };
            let fields = decided.into_iter().map(|field| field.path).collect();
            let is_open = reference.is_some() || !has_references;
            Sealed { at, inputs: sha256(format!("{DOMAIN}{what}").as_bytes()), is_secret, is_open, fields }
        };
        let are_open = kept.knows_secrets || secrets.iter().any(|at| references.contains_key(at));
        let following = references.keys().filter(|at| are_open && !secrets.contains(at) && **at < kept.documents.len());
        let mut all: Vec<Sealed> = secrets.iter().map(|at| sealed(*at, true)).collect();
        all.extend(following.map(|at| sealed(*at, false)));
        kept.warnings.extend(
            self.plain_elsewhere(&component.name, &kept.documents, &all, &references)?.iter().map(|warning| Told::from(&**warning)),
        );
        kept.sealed = all;
        kept.is_verified = self.has_key() && !kept.is_unsettled && self.is_as_rendered(component, kept);
        Ok(())
    }

    /// Whether the encrypted Secrets of the tree hold what was rendered.
    fn is_as_rendered(&self, component: &Component, kept: &Kept) -> bool {
        let standing = self.standing(&component.name);
        let holds = |sealed: &Sealed| {
            let document = self.filled(component, kept.documents.get(sealed.at)?)?;
            let old = standing.find(&document)?.text.as_bytes();
            let text = document.text.as_bytes();
            let new = update(old, text, Format::Yaml, Some(&self.settings), self.keys.identities(), now(&self.world)).ok()?;
            (new == old).then_some(())
        };
        kept.sealed.iter().filter(|sealed| sealed.is_secret).all(|sealed| holds(sealed).is_some())
    }

    /// A Secret as it goes out, but that it is not encrypted.
    fn filled(&self, component: &Component, document: &Document) -> Option<Document> {
        let mut document = [document.clone()];
        if let Some(namespace) = &component.namespace {
            Crds::default().fill(&mut document[0], &namespace.text).ok()?;
        }
        let is_annotated = handover::annotate(&self.environment, &mut document).is_empty();
        let [document] = document;
        is_annotated.then_some(document)
    }

    /// Whether a key at hand is that of a recipient.
    fn has_key(&self) -> bool {
        self.settings.recipients.iter().any(|recipient| self.keys.identities().is_of(recipient))
    }

    /// The files of a component in the tree that are encrypted.
    fn encrypted(&self, component: &str) -> Vec<(String, String)> {
        let mut files = files(&self.world, &self.directory.join(component));
        files.retain(|(_, text)| is_encrypted(text));
        files
    }

    /// Has a component in the cache used only as long as what the tree has of its Secrets is the same.
    pub(super) fn ask_for(&self, component: &str, kept: &Kept, record: &mut Record) {
        if kept.sealed.is_empty() {
            return;
        }
        let directory = self.directory.join(component);
        let names = self.encrypted(component).into_iter().map(|(name, _)| name).chain([RECORD.to_owned()]);
        for asked in names.map(|name| Asked::Content(directory.join(name))) {
            let answer = self.world.answer(&asked);
            record.asked.insert(asked, answer);
        }
    }

    /// A warning for each object that says in plain text what chance has decided and a Secret is encrypted for.
    ///
    /// # Errors
    /// Where that was decrypted, and the tree does not say it yet: nobody but who has the key could have put it there.
    fn plain_elsewhere(
        &self,
        component: &str,
        documents: &[Document],
        sealed: &[Sealed],
        references: &BTreeMap<usize, String>,
    ) -> Result<Vec<Box<Diagnostic>>, Vec<Box<Diagnostic>>> {
        let (mut warnings, mut wrong) = (Vec::new(), Vec::new());
        let found = in_plain_text(documents, sealed, references);
        if found.is_empty() {
            return Ok(warnings);
        }
        let opened: String = self.opened(component).into_values().collect();
        let standing = self.standing(component);
        for Plain { of, at, path, value } in found {
            let document = &documents[at];
            let was_kept = opened.contains(&value) || opened.contains(&BASE64.encode(&value));
            let is_there = standing.find(document).is_some_and(|standing| says(&standing.text, &value));
            let secret = format!("what {} is encrypted for: {}", documents[of].identity, shown(&path));
            let told = if was_kept && !is_there {
                Diagnostic::error(format!("{} would hold in plain text {secret}", document.identity))
            } else {
                Diagnostic::warning(format!("{} holds in plain text {secret}", document.identity))
            };
            let told = told.note(format!("it comes from {}", document.origin)).help(
                "let the chart refer to the Secret there as well, or give it one that is there already (`existingSecret` and the like)",
            );
            if was_kept && !is_there { wrong.push(told) } else { warnings.push(told) }
        }
        if wrong.is_empty() { Ok(warnings) } else { Err(wrong) }
    }

    /// Whether anything was read that is in no repository: variables of the environment, files that Git ignores.
    fn has_read_more(&self, record: &Record) -> bool {
        record.asked.keys().any(|asked| match asked {
            Asked::Variable(name) => (self.is_set)(name),
            Asked::Content(path) => !path.starts_with(&self.manifests) && self.ignored.has(path),
            _ => false,
        })
    }

    /// A digest of the files of the repository that were read, the tree itself aside.
    fn digest_of_files(&self, record: &Record) -> String {
        let mut text = String::new();
        for (asked, answer) in &record.asked {
            if let Asked::Content(path) = asked
                && !path.starts_with(&self.manifests)
                && !self.ignored.has(path)
                && let Ok(path) = path.strip_prefix(&self.root)
            {
                text.push_str(&format!("{} {}\n", hydrate_base::hash::hex(answer), path.display()));
            }
        }
        sha256(text.as_bytes())
    }

    /// A component as it may lie in the cache: without what is encrypted.
    pub(super) fn without_secrets(&self, kept: &Kept) -> Option<Kept> {
        let mut kept = kept.clone();
        for sealed in kept.sealed.iter().filter(|sealed| sealed.is_secret) {
            let document = kept.documents.get_mut(sealed.at)?;
            let text = redact(document.text.as_bytes(), Format::Yaml, &self.settings.rule).ok()?;
            document.text = String::from_utf8(text).ok()?;
        }
        kept.is_redacted = !kept.sealed.is_empty();
        Some(kept)
    }

    /// Finds in the tree all that a component from the cache is without; false where it cannot be used, because the tree does not have it.
    pub(super) fn complete(&self, component: &Component, kept: &mut Kept) -> bool {
        if !kept.is_redacted {
            return true;
        }
        // What nobody has decrypted yet is, once somebody can.
        if !kept.is_verified && self.has_key() {
            return false;
        }
        let standing = self.standing(&component.name);
        let text = |sealed: &Sealed| {
            let document = self.filled(component, kept.documents.get(sealed.at)?)?;
            Some((sealed.at, self.standing_text(&standing, sealed, &document)?))
        };
        let missing = kept.sealed.iter().filter(|sealed| sealed.is_secret || (kept.is_unsettled && sealed.is_open));
        let found: Option<BTreeMap<usize, String>> = missing.map(text).collect();
        kept.standing = found.unwrap_or_default();
        kept.sealed.iter().all(|sealed| !sealed.is_secret || kept.standing.contains_key(&sealed.at))
    }

    /// Encrypts what is to be encrypted of a component; gives the record.
    pub(super) fn encrypt(
        &self,
        component: &str,
        kept: &Marked,
        documents: &mut [Document],
    ) -> Result<Option<String>, Vec<Box<Diagnostic>>> {
        if kept.sealed.is_empty() {
            return Ok(None);
        }
        let standing = if kept.is_redacted { Standing::default() } else { self.standing(component) };
        let (mut wrong, mut lines) = (Vec::new(), Vec::new());
        for sealed in &kept.sealed {
            let Some(document) = documents.get_mut(sealed.at) else { continue };
            match self.outgoing(&standing, sealed, kept, document, component) {
                Ok(text) => document.text = text,
                Err(error) => wrong.push(error),
            }
            lines.push(format!("{}  {}  {}\n", sealed.inputs, sha256(document.text.as_bytes()), object(&document.identity)));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        lines.sort_by(|a, b| a.split("  ").last().cmp(&b.split("  ").last()));
        Ok(Some(format!("{HEAD}{}", lines.concat())))
    }

    /// The text that a document is written with.
    fn outgoing(&self, standing: &Standing, sealed: &Sealed, kept: &Marked, document: &Document, component: &str) -> Result<String> {
        let found = kept.standing.get(&sealed.at).cloned().or_else(|| self.standing_text(standing, sealed, document));
        if (kept.is_unsettled && sealed.is_open) || (sealed.is_secret && kept.is_redacted) {
            // Its values are not those that it has to have: either the tree has them, or nobody here does.
            match found {
                Some(found) => return Ok(found),
                None if self.compares && !kept.is_redacted => {}
                None => return Err(self.needs_key(standing, kept, document, component)),
            }
        }
        if !sealed.is_secret {
            return Ok(document.text.clone());
        }
        let failed = |error: Error| cannot(document, &error.to_string());
        let now = now(&self.world);
        let text = document.text.as_bytes();
        if let Some(old) = standing.find(document) {
            match update(old.text.as_bytes(), text, Format::Yaml, Some(&self.settings), self.keys.identities(), now) {
                Ok(text) => return String::from_utf8(text).map_err(|_| cannot(document, "it would not be UTF-8")),
                // What nobody can read here is encrypted anew, where it is made from something else now.
                Err(_) => {
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
            }
        }
        let text = hydrate_sops::encrypt(text, Format::Yaml, &self.settings, now).map_err(failed)?;
        String::from_utf8(text).map_err(|_| cannot(document, "it would not be UTF-8"))
    }

    /// What a document is to be by what the tree has, where that is made from the same and as it was written.
    fn standing_text(&self, standing: &Standing, sealed: &Sealed, document: &Document) -> Option<String> {
        let found = standing.find(document)?;
        let (inputs, written) = standing.record.get(&object(&found.identity))?;
        if *inputs != sealed.inputs || *written != sha256(found.text.as_bytes()) {
            return None;
        }
        if !sealed.is_secret && !sealed.fields.is_empty() {
            return with_fields_of(&document.text, &found.text, &sealed.fields);
        }
        let says_the_same = || has_same_plain_parts(found.text.as_bytes(), document.text.as_bytes(), Format::Yaml, &self.settings);
        (!sealed.is_secret || says_the_same() == Ok(true)).then(|| found.text.clone())
    }

    fn standing(&self, component: &str) -> Standing {
        Standing::read(&self.world, &self.directory.join(component))
    }

    fn needs_key(&self, standing: &Standing, kept: &Marked, document: &Document, component: &str) -> Box<Diagnostic> {
        let identity = &document.identity;
        let mut error = Diagnostic::error(format!("{identity} holds, or follows from, what only a key of age can read"))
            .note(match standing.find(document) {
                Some(_) if !kept.undecrypted.is_empty() => "it is made from what is encrypted in the repository, and that is not what it was",
                None if !kept.undecrypted.is_empty() => "it is new, and made from what is encrypted in the repository",
                Some(_) => "chance has decided it, it is kept in an encrypted Secret, and what it is made from is not what it was",
                None => "it is new, and its component keeps what chance has decided in encrypted Secrets: only the key tells whether it has to hold any of that",
            })
            .note(format!("it comes from {}", document.origin));
        error.notes.extend(kept.undecrypted.iter().cloned());
        for (file, secret) in standing.documents.iter().filter(|(_, secret)| is_encrypted(&secret.text)) {
            let why = hydrate_sops::decrypt(secret.text.as_bytes(), Format::Yaml, self.keys.identities()).err();
            let why = why.map_or_else(|| "it can be decrypted".to_owned(), |why| why.to_string());
            error = error.note(format!("{}/{component}/{file}: {why}", self.shown));
        }
        for problem in self.keys.problems() {
            error = error.note(problem.clone());
        }
        let error = error.help("run hydrate where a key is: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE or ~/.config/sops/age/keys.txt, as for `sops`");
        if !kept.undecrypted.is_empty() {
            return error;
        }
        error.help("or delete the files of the Secrets, and have new values made with `random: keep`")
    }
}

/// What is known of a component's documents that are encrypted.
#[derive(Debug, Clone, Default)]
pub(super) struct Marked {
    pub(super) sealed: Vec<Sealed>,
    pub(super) is_unsettled: bool,
    pub(super) is_redacted: bool,
    pub(super) standing: BTreeMap<usize, String>,
    /// Why inputs stayed encrypted, a sentence each.
    pub(super) undecrypted: Vec<String>,
}

/// The fields of a reference that say something else than a document; none where they are not the same fields.
fn decided(text: &str, reference: &str) -> Vec<Field> {
    let (ours, theirs) = (fields(text), fields(reference));
    let has_same_fields = ours.iter().map(|field| &field.path).eq(theirs.iter().map(|field| &field.path));
    let both = ours.iter().zip(&theirs).filter(|(ours, theirs)| has_same_fields && ours.text != theirs.text);
    both.map(|(_, theirs)| theirs.clone()).collect()
}

/// A text with some of its fields as they are in another one; `None` where that cannot be written.
fn with_fields_of(text: &str, other: &str, paths: &[String]) -> Option<String> {
    let (ours, theirs) = (fields(text), fields(other));
    let mut wanted = ours.clone();
    let mut replaced = text.to_owned();
    for field in wanted.iter_mut().filter(|field| paths.contains(&field.path)) {
        let theirs = theirs.iter().find(|theirs| theirs.path == field.path)?;
        let before = std::mem::replace(&mut field.text, theirs.text.clone());
        if !before.is_empty() {
            replaced = replaced.replace(&before, &theirs.text);
        }
    }
    if wanted == theirs {
        return Some(other.to_owned());
    }
    (fields(&replaced) == wanted).then_some(replaced)
}

/// Whether a text has metadata of SOPS, at a glance and then certainly.
pub(super) fn is_encrypted(text: &str) -> bool {
    text.contains("\nsops:") && hydrate_sops::is_encrypted(text.as_bytes(), Format::Yaml)
}

fn is_secret(document: &Document) -> bool {
    document.identity.kind == "Secret" && document.identity.group().is_empty() && !is_encrypted(&document.text)
}

/// Whether the field of a document, by its JSON pointer, is one of those that are encrypted.
pub(super) fn is_to_be_encrypted(document: &Document, path: &str) -> bool {
    is_secret(document) && (path.starts_with("/data/") || path.starts_with("/stringData/"))
}

fn cannot(document: &Document, why: &str) -> Box<Diagnostic> {
    Diagnostic::error(format!("{} cannot be encrypted: {why}", document.identity)).note(format!("it comes from {}", document.origin))
}

/// Whether a Secret has a value that is not empty. What the API server would refuse is refused here: nobody sees it afterwards.
fn has_something_to_encrypt(document: &Document) -> Result<bool> {
    let root = hydrate_yaml::compose(document.text.as_bytes()).ok().and_then(|all| all.into_iter().next()?.root);
    let Some(root) = root else { return Ok(false) };
    let mut has_values = false;
    for (map, is_encoded) in [("data", true), ("stringData", false)] {
        let Some(node) = root.get(map).filter(|node| !is_null(node)) else { continue };
        let entries = node.entries().ok_or_else(|| cannot(document, &format!("its `{map}` is no map")))?;
        for (key, value) in entries {
            let key = key.as_str().unwrap_or_default();
            if key == "<<" || matches!(value.data, Data::Alias(_)) {
                return Err(cannot(document, &format!("its `{map}` has an alias or a merge, which SOPS does not know")));
            }
            if is_null(value) {
                continue;
            }
            let text = value.as_str().filter(|_| value.tag == Tag::Str);
            let text = text.ok_or_else(|| cannot(document, &format!("{map}.{key} is no text")))?;
            let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            if is_encoded && BASE64.decode(packed).is_err() {
                return Err(cannot(document, &format!("{map}.{key} is no base 64"))
                    .help("what is not encoded belongs into `stringData`; in a template, `b64enc` encodes"));
            }
            has_values |= !text.is_empty();
        }
    }
    Ok(has_values)
}

fn is_null(node: &Node) -> bool {
    node.tag == Tag::Null
}

fn now(world: &dyn World) -> jiff::Timestamp {
    jiff::Timestamp::from_nanosecond(world.now()).unwrap_or_default()
}
