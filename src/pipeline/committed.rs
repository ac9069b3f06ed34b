//! What is committed of an environment's objects: what breaks rules about secrets there is a warning, and what is new an error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_source::{Document, Origin, Trust, documents};

use crate::check::objects::{Object, parse};
use crate::check::validity::{Committed, Rule, may_hold_secrets, secrets_in};
use crate::git::{self, Repository};
use crate::project::Project;
use crate::tree;

/// Places that break rules, by the object that has them.
type Places = BTreeMap<Name, BTreeSet<(&'static str, String)>>;

/// Group and kind, namespace, name.
type Name = (String, String, String);

/// What is committed in a directory.
#[derive(Debug, Default)]
struct Standing {
    places: Places,
    /// Those that cannot be changed once they are there.
    objects: BTreeMap<Name, Arc<Document>>,
}

/// The objects of an environment in a revision; without Git those of the tree, which are read when they are asked for.
#[derive(Debug)]
pub struct CommittedTree {
    root: PathBuf,
    revision: String,
    /// The environment's directory, from the project's root.
    dir: String,
    /// What has been read, by directory.
    read: Mutex<BTreeMap<String, Standing>>,
    doubt: Mutex<Option<Box<Diagnostic>>>,
}

impl CommittedTree {
    /// What a revision has of an environment, `HEAD` where none is named.
    pub fn of(project: &Project, env: &str, revision: Option<&str>) -> Self {
        Self {
            root: project.root.clone(),
            revision: revision.unwrap_or("HEAD").to_owned(),
            dir: format!("{}/{env}", project.settings.manifests),
            read: Mutex::default(),
            doubt: Mutex::default(),
        }
    }

    /// Why it could not be read, where that is so: everything counts as new then.
    pub fn into_doubt(self) -> Option<Box<Diagnostic>> {
        self.doubt.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for an object in the directory of its component, and then in all of the environment: it may have been another component's.
    fn find<T>(&self, object: &Object<'_>, find: impl Fn(&Standing) -> Option<T>) -> Option<T> {
        let own = format!("{}/{}", self.dir, object.component);
        self.in_dir(&own, &find).or_else(|| self.in_dir(&self.dir, &find))
    }

    fn in_dir<T>(&self, dir: &str, find: impl Fn(&Standing) -> Option<T>) -> Option<T> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = read.entry(dir.to_owned()).or_insert_with(|| {
            self.standing(dir).unwrap_or_else(|error| {
                self.doubt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                Standing::default()
            })
        });
        find(standing)
    }

    fn standing(&self, dir: &str) -> Result<Standing> {
        let mut standing = Standing::default();
        for (path, text) in self.files(dir)? {
            let origin = Origin { source: path.clone(), file: None, line: 0 };
            // What cannot be read there has nothing in it that could be compared.
            let Ok(all) = documents(&SourceFile::new(path, text), &origin, Trust::Parsed) else { continue };
            for document in all {
                if may_hold_secrets(&document)
                    && let Ok(object) = parse("", &document)
                {
                    standing.places.entry(name(&document)).or_default().extend(secrets_in(&object));
                }
                if is_of_fixed_kind(&document) {
                    standing.objects.insert(name(&document), Arc::new(document));
                }
            }
        }
        Ok(standing)
    }

    /// The YAML files below a directory of the revision.
    fn files(&self, dir: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = match Repository::discover(&self.root)? {
            None => on_disk(&self.root.join(dir)),
            Some(_) if self.revision == "HEAD" && !git::has_commits(&self.root)? => BTreeMap::new(),
            Some(_) => git::files_at(&self.root, &self.revision, dir)?,
        };
        files.retain(|path, _| path.ends_with(".yaml"));
        Ok(files)
    }
}

impl Committed for CommittedTree {
    fn breaks(&self, rule: &Rule, object: &Object<'_>, path: &str) -> bool {
        let name = name(object.document);
        let breaks = |standing: &Standing| Some(standing.places.get(&name)?.contains(&(rule.code, path.to_owned())));
        self.find(object, breaks).unwrap_or_default()
    }

    fn object(&self, object: &Object<'_>) -> Option<Arc<Document>> {
        let name = name(object.document);
        self.find(object, |standing| standing.objects.get(&name).cloned())
    }
}

/// Whether a document is of a kind of which some objects cannot be changed.
fn is_of_fixed_kind(document: &Document) -> bool {
    matches!((document.identity.group(), document.identity.kind.as_str()), ("", "ConfigMap" | "Secret") | ("batch", "Job"))
}

fn name(document: &Document) -> Name {
    let identity = &document.identity;
    (format!("{} {}", identity.group(), identity.kind), identity.namespace.clone(), identity.name.clone())
}

/// The files of a directory, and of those in it: components have none below theirs.
fn on_disk(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = |dir: &Path| tree::disk::names(dir).unwrap_or_default();
    let below = names(dir).into_iter().flat_map(|name| names(&dir.join(&name)).into_iter().map(move |file| format!("{name}/{file}")));
    let all: Vec<String> = names(dir).into_iter().chain(below).collect();
    all.into_iter().filter_map(|path| Some((path.clone(), tree::disk::file(&dir.join(&path)).ok()??))).collect()
}
