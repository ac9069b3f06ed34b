//! Whether the API server would take what was rendered: what the check room needs to know of a project.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::check::objects::{Object, parse};
use crate::check::validity::{self, Against, Customs, Policies, Release, Report, Unevaluated};
use crate::gitops::Handover;
use crate::project::{Project, Spanned};
use crate::tree::{self, Files};
use hydrate_base::{Diagnostic, FileKind, Result, SourceFile, World};
use hydrate_kubernetes::is_builtin_group;
use hydrate_source::{Document, Origin, Trust, documents};

use super::committed::CommittedTree;
use super::rendering::pool;
use super::renders::{Renders, Verdicts};
use super::stability::KEPT;
use super::subject::Subject;
use super::{Rendered, place};

/// Checks every object of a rendered environment, or of the components of it that were rendered. Objects that were found to be sound are not looked at
/// again, where `renders` keeps that: their digest says that neither they nor anything that they are held to has changed.
pub fn check(
    world: &dyn World,
    project: &Project,
    rendered: &Rendered,
    subject: &Subject<'_>,
    renders: &Renders,
    against: Option<&str>,
) -> Result<Report, Vec<Box<Diagnostic>>> {
    let environment = &rendered.environment;
    let kept = |(name, files): (&'_ String, &'_ Files)| Some((name.clone(), String::from_utf8_lossy(files.get(KEPT)?).into_owned()));
    let kept: Vec<(String, String)> = rendered.desired.dirs.iter().filter_map(kept).collect();
    let committed = CommittedTree::of(project, &environment.name, against, renders, rendered.documents.keys());
    let committed = committed.keeping(kept.iter().map(|(name, text)| (&**name, &**text)));
    let place = place(project, &environment.name);
    let mut crds = named(world, project, environment.schemas.iter().chain(&project.settings.schemas), &CRDS)?;
    let mut guards = named(world, project, environment.policies.iter().chain(&project.settings.policies), &GUARDS)?;
    if !rendered.desired.complete {
        crds.extend(standing(&place, rendered, &CRDS));
        let standing_guards = standing(&place, rendered, &STANDING_GUARDS);
        let is_any = |all: &[Document]| all.iter().any(is_guard);
        // Namespaces and params may stand anywhere.
        let are_there =
            standing_guards.iter().chain(&guards).any(|(_, all)| is_any(all)) || rendered.documents.values().any(|all| is_any(all));
        guards.extend(if are_there { standing(&place, rendered, &STANDING) } else { standing_guards });
    }
    let (crds, guards) = (flat(&crds), flat(&guards));
    let release = Release::of(environment.kubernetes.as_ref().map(|version| version.text.as_str()));
    let checking = Checking { release, subject, committed: &committed, rendered, crds: &crds, guards: &guards };
    let kept = renders.verdicts(project, &environment.name, "objects");
    let report = pool(None).map_err(|error| vec![error])?.install(|| checking.check(kept.as_ref()))?;
    match committed.into_doubt() {
        Some(doubt) => Err(vec![doubt.note("what is committed is told apart from what is new")]),
        None => Ok(report),
    }
}

/// What all objects have in common.
struct Checking<'r> {
    release: Release,
    subject: &'r Subject<'r>,
    committed: &'r CommittedTree,
    rendered: &'r Rendered,
    /// CRDs that are not rendered now.
    crds: &'r [(&'r str, &'r Document)],
    /// Admission policies that are not rendered now, their bindings, and what they may have as params.
    guards: &'r [(&'r str, &'r Document)],
}

/// The digest of an object and of all that its verdict depends on.
type Key = [u8; 16];

impl Checking<'_> {
    /// Checks what has not been found to be sound before.
    fn check(&self, kept: Option<&Verdicts>) -> Result<Report, Vec<Box<Diagnostic>>> {
        let all = &self.subject.documents;
        let mut sound: BTreeMap<Key, Unevaluated> =
            kept.and_then(Verdicts::load).and_then(|bytes| postcard::from_bytes(&bytes).ok()).unwrap_or_default();
        let guards = self.guards(all)?;
        let keys = if kept.is_some() { self.keys(&guards) } else { Vec::new() };
        let is_known = |number: usize| keys.get(number).is_some_and(|key| sound.contains_key(key));
        let (known, open): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|number| is_known(*number));
        let objects: Result<Vec<Object<'_>>> = open.par_iter().map(|number| self.subject.object(*number)).collect();
        let objects = objects.map_err(|error| vec![error])?;
        // CRDs are large: they are read where there is somebody to hold to them.
        let is_needed = objects.iter().any(|object| !is_builtin_group(object.group()));
        let crds = all.iter().chain(self.crds).filter(|(_, document)| is_needed && is_crd(document)).copied();
        let crds = parse_all(&crds.collect::<Vec<_>>())?;
        let customs = Customs::of(&crds);
        // Nobody is held to policies where nothing is looked at.
        let guards = if objects.is_empty() { Vec::new() } else { parse_all(&guards)? };
        let policies = Policies::of(&guards.iter().collect::<Vec<_>>(), self.release);
        let against = Against {
            release: self.release,
            configured: &self.subject.judged,
            customs: &customs,
            policies: &policies,
            declared: &self.subject.declared,
            committed: self.committed,
            runs_hooks: self.runs_hooks(),
        };
        let mut report = validity::check(&objects, &against, &self.subject.written);
        report.objects = all.len();
        known.iter().filter_map(|number| sound.get(keys.get(*number)?)).for_each(|unevaluated| report.count_unevaluated(unevaluated));
        if let Some(kept) = kept {
            self.keep(kept, &mut sound, &keys, &open, &report);
        }
        Ok(report)
    }

    /// Whether who applies the objects runs hooks of Helm as hooks.
    fn runs_hooks(&self) -> bool {
        matches!(self.rendered.environment.handover, Handover::ArgoCd(_))
    }

    /// Keeps which objects are sound, where that is not what is kept.
    fn keep(&self, kept: &Verdicts, sound: &mut BTreeMap<Key, Unevaluated>, keys: &[Key], open: &[usize], report: &Report) {
        let mut new = false;
        for (number, verdict) in open.iter().zip(&report.verdicts) {
            if let (Some(key), Some(unevaluated)) = (keys.get(*number).filter(|key| **key != Key::default()), verdict) {
                sound.insert(*key, unevaluated.clone());
                new = true;
            }
        }
        if self.rendered.desired.complete {
            let here: BTreeSet<&Key> = keys.iter().collect();
            let before = sound.len();
            sound.retain(|key, _| here.contains(key));
            new |= sound.len() != before;
        }
        if new && let Ok(bytes) = postcard::to_stdvec(&*sound) {
            kept.keep(&bytes);
        }
    }

    /// Everything that admission policies are made of; nothing where there are none.
    fn guards<'d>(&'d self, all: &[(&'d str, &'d Document)]) -> Result<Vec<(&'d str, &'d Document)>, Vec<Box<Diagnostic>>> {
        let everything = || all.iter().chain(self.guards).copied();
        let policies: Vec<(&str, &Document)> = everything().filter(|(_, document)| is_guard(document)).collect();
        if policies.is_empty() {
            return Ok(Vec::new());
        }
        let parsed = parse_all(&policies)?;
        let kinds: BTreeSet<(&str, &str)> = parsed.iter().filter_map(validity::param_kind).collect();
        let is_part = |document: &Document| {
            let identity = &document.identity;
            let is_namespace = identity.kind == "Namespace" && identity.group().is_empty();
            is_guard(document) || is_namespace || kinds.contains(&(identity.api_version.as_str(), identity.kind.as_str()))
        };
        Ok(everything().filter(|(_, document)| is_part(document)).collect())
    }

    /// A key for each document.
    fn keys(&self, guards: &[(&str, &Document)]) -> Vec<Key> {
        let Subject { judged, declared, documents: all, .. } = self.subject;
        let mut base = blake3::Hasher::new();
        let common = (self.release, self.runs_hooks(), &judged.environment, &declared.external);
        base.update(format!("{common:?}").as_bytes());
        for (_, document) in guards {
            base.update(blake3::hash(document.text.as_bytes()).as_bytes());
        }
        let of_component = |name: &str| {
            let mut hasher = base.clone();
            hasher.update(format!("{:?}", judged.components.get(name)).as_bytes());
            hasher
        };
        let names: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
        let bases: BTreeMap<&str, blake3::Hasher> = names.into_iter().map(|name| (name, of_component(name))).collect();
        let mut crds = blake3::Hasher::new();
        for (_, document) in all.iter().chain(self.crds).filter(|(_, document)| is_crd(document)) {
            crds.update(blake3::hash(document.text.as_bytes()).as_bytes());
        }
        let crds = crds.finalize();
        let committed = self.committed.id();
        let key = |((name, document), digest): (&(&str, &Document), &blake3::Hash)| {
            let mut hasher = bases.get(name).unwrap_or(&base).clone();
            if !is_builtin_group(document.identity.group()) {
                hasher.update(crds.as_bytes());
            }
            if self.committed.concerns(name, document) {
                match &committed {
                    Some(id) => hasher.update(id.as_bytes()),
                    // What stands in the tree may be another thing the next time.
                    None => return Key::default(),
                };
            }
            hasher.update(digest.as_bytes());
            let mut key = Key::default();
            hasher.finalize_xof().fill(&mut key);
            key
        };
        all.par_iter().zip(self.subject.digests()).map(key).collect()
    }
}

fn is_crd(document: &Document) -> bool {
    document.identity.kind == "CustomResourceDefinition" && document.identity.group() == "apiextensions.k8s.io"
}

/// Whether a document is an admission policy or the binding of one.
fn is_guard(document: &Document) -> bool {
    validity::is_policy(document.identity.group(), &document.identity.kind)
}

fn parse_all<'a>(all: &[(&'a str, &'a Document)]) -> Result<Vec<Object<'a>>, Vec<Box<Diagnostic>>> {
    let objects: Result<Vec<Object<'a>>> = all.par_iter().map(|(name, document)| parse(name, document)).collect();
    objects.map_err(|error| vec![error])
}

/// Documents that objects are held to and that are not rendered.
struct Wanted {
    /// The key of the configuration that names files with them.
    key: &'static str,
    /// What they are called.
    what: &'static str,
    /// Whether a document is one.
    is_it: fn(&Document) -> bool,
    /// How the files of the tree begin that may hold one.
    begins: &'static [&'static str],
}

const CRDS: Wanted = Wanted { key: "schemas", what: "CRD", is_it: is_crd, begins: &["customresourcedefinition-", "manifest.yaml"] };
/// Params may be of any kind, so all that lies beside policies is taken.
const GUARDS: Wanted = Wanted { key: "policies", what: "ValidatingAdmissionPolicy or binding", is_it: |_| true, begins: &[] };
const STANDING_GUARDS: Wanted = Wanted { is_it: is_guard, begins: &["validatingadmissionpolicy", "manifest.yaml"], ..GUARDS };
const STANDING: Wanted = Wanted { begins: &[""], ..GUARDS };

type Found = Vec<(String, Vec<Document>)>;

fn flat(files: &Found) -> Vec<(&str, &Document)> {
    files.iter().flat_map(|(name, all)| all.iter().map(move |document| (name.as_str(), document))).collect()
}

/// The documents of the files and directories that the configuration names, with what they are called.
fn named<'s>(
    world: &dyn World,
    project: &Project,
    paths: impl Iterator<Item = &'s Spanned>,
    wanted: &Wanted,
) -> Result<Found, Vec<Box<Diagnostic>>> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for path in paths {
        match of_path(world, project, &project.root.join(&path.text), wanted) {
            Ok(all) if all.iter().any(|(_, documents)| documents.iter().any(|one| is_crd(one) || is_guard(one))) => found.extend(all),
            Ok(_) => wrong.push(path.error(format!("no {} is in {}", wanted.what, path.text), "")),
            Err(error) if path.label.is_some() && error.primary.is_none() => wrong
                .push(path.error(error.message.clone(), "").help(format!("paths of `{}` are those from the project's root", wanted.key))),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

fn of_path(world: &dyn World, project: &Project, path: &Path, wanted: &Wanted) -> Result<Found> {
    let failed = |error: std::io::Error| Diagnostic::error(format!("cannot read {}: {error}", project.shown(path)));
    let files: Vec<PathBuf> = match world.kind(path).map_err(failed)? {
        FileKind::Directory => {
            let is_yaml = |name: &&String| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
            let names = world.list(path).map_err(failed)?;
            names.iter().filter(is_yaml).map(|name| path.join(name)).collect()
        }
        _ => vec![path.to_owned()],
    };
    let read = |file: &PathBuf| Ok((project.shown(file), documents_of(&project.shown(file), world.read(file).map_err(failed)?, wanted)?));
    files.iter().map(read).collect()
}

/// The documents in the tree of components that are not rendered now, so that a partial run knows what a whole one does.
fn standing(place: &tree::disk::Place, rendered: &Rendered, wanted: &Wanted) -> Found {
    let mut found = Vec::new();
    let dirs = tree::disk::names(&place.dir()).unwrap_or_default();
    for dir in dirs.iter().filter(|name| !rendered.documents.contains_key(*name)) {
        let is_candidate = |file: &&String| wanted.begins.iter().any(|begin| file.starts_with(begin));
        for file in tree::disk::names(&place.dir().join(dir)).unwrap_or_default().iter().filter(is_candidate) {
            let Ok(Some(text)) = tree::disk::file(&place.dir().join(dir).join(file)) else { continue };
            let shown = place.shown(&format!("{dir}/{file}"));
            // What cannot be read there is told by who writes it anew.
            found.extend(documents_of(&shown, text.into(), wanted).ok().map(|all| (shown, all)));
        }
    }
    found
}

fn documents_of(shown: &str, text: std::sync::Arc<[u8]>, wanted: &Wanted) -> Result<Vec<Document>> {
    let origin = Origin { source: shown.to_owned(), file: None, line: 0 };
    let mut all = documents(&SourceFile::new(shown, text), &origin, Trust::Raw)?;
    all.retain(wanted.is_it);
    Ok(all)
}
