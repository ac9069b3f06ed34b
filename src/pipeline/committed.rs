//! What is committed of an environment's objects: what breaks rules about secrets there is a warning, and what is new an error.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_source::{Document, Identity, Origin, Trust, documents};

use crate::check::objects::{Object, parse};
use crate::check::rule_of;
use crate::check::validity::{Committed, Rule, may_hold_secrets, secrets_in};
use crate::git::{self, Repository};
use crate::project::Project;
use crate::tree;

use super::encryption::is_encrypted;
use super::fields::{fields, object};
use super::renders::{Renders, Verdicts};
use super::stability::{KEPT, KeptFile, Line};

/// Places that break rules, by the object that has them.
type Places = BTreeMap<Name, BTreeSet<(&'static str, String)>>;

/// Group and kind, namespace, name.
type Name = (String, String, String);

/// What is committed in a directory.
#[derive(Debug, Default)]
struct Standing {
    /// Those of which something cannot be changed, or is kept.
    objects: BTreeMap<Name, Arc<Document>>,
    /// What chance has decided of them and is kept.
    kept: KeptFile,
}

/// The objects of an environment in a revision; without Git those of the tree, which are read when they are asked for.
#[derive(Debug)]
pub struct CommittedTree {
    root: PathBuf,
    revision: String,
    /// The environment's directory, from the project's root.
    dir: String,
    /// What is kept of components now.
    kept: BTreeMap<String, KeptFile>,
    /// What has been read, by directory.
    read: Mutex<BTreeMap<String, Standing>>,
    /// The places in it that break rules, by directory.
    places: Mutex<BTreeMap<String, Places>>,
    /// Where the places of a directory are kept from run to run; a directory of Git's is known by its id.
    kept_places: BTreeMap<String, Verdicts>,
    doubt: Mutex<Option<Box<Diagnostic>>>,
}

/// Places as they are kept from run to run.
#[derive(Serialize, Deserialize)]
struct KeptPlaces {
    /// The id of the directory.
    id: String,
    places: Vec<(Name, Vec<(String, String)>)>,
}

impl KeptPlaces {
    fn new(id: String, places: &Places) -> Self {
        let owned = |(code, path): &(&str, String)| ((*code).to_owned(), path.clone());
        Self { id, places: places.iter().map(|(name, all)| (name.clone(), all.iter().map(owned).collect())).collect() }
    }

    /// The places, if they are those of the directory of this id.
    fn of(self, id: &str) -> Option<Places> {
        let known = |(code, path): (String, String)| Some((rule_of(&code)?.code, path));
        let of_object = |(name, all): (Name, Vec<(String, String)>)| (name, all.into_iter().filter_map(known).collect());
        (self.id == id).then(|| self.places.into_iter().map(of_object).collect())
    }
}

impl CommittedTree {
    /// What a revision has of an environment, `HEAD` where none is named.
    pub fn of<'n>(
        project: &Project,
        env: &str,
        revision: Option<&str>,
        renders: &Renders,
        components: impl Iterator<Item = &'n String>,
    ) -> Self {
        let place = |name: &String| Some((name.clone(), renders.verdicts(project, env, &format!("what is committed of {name}"))?));
        Self {
            kept_places: components.filter_map(place).collect(),
            places: Mutex::default(),
            root: project.root.clone(),
            revision: revision.unwrap_or("HEAD").to_owned(),
            dir: format!("{}/{env}", project.settings.manifests),
            kept: BTreeMap::new(),
            read: Mutex::default(),
            doubt: Mutex::default(),
        }
    }

    /// Knows what is kept of each component now: the text of its `.kept`.
    #[must_use]
    pub fn keeping<'t>(mut self, kept: impl Iterator<Item = (&'t str, &'t str)>) -> Self {
        self.kept = kept.map(|(component, text)| (component.to_owned(), KeptFile::parse(text))).collect();
        self
    }

    /// The id of all that is committed of the environment, where Git has one.
    pub fn id(&self) -> Option<String> {
        git::directory_id(&self.root, &self.revision, &self.dir)
    }

    /// Whether the verdict on a document depends on what is committed.
    pub fn concerns(&self, component: &str, document: &Document) -> bool {
        let is_fixed = is_of_fixed_kind(document) && (document.identity.kind == "Job" || document.text.contains("immutable:"));
        is_fixed || self.kept.contains_key(component)
    }

    /// Why it could not be read, where that is so: everything counts as new then.
    pub fn into_doubt(self) -> Option<Box<Diagnostic>> {
        self.doubt.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory of an object's component.
    fn dir_of(&self, object: &Object<'_>) -> String {
        format!("{}/{}", self.dir, object.component)
    }

    /// Looks for something in what is committed in a directory, which is read once.
    fn in_dir<T: Default, F>(
        &self,
        known: &Mutex<BTreeMap<String, T>>,
        dir: &str,
        read: impl FnOnce() -> Result<T>,
        find: impl FnOnce(&T) -> Option<F>,
    ) -> Option<F> {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = known.entry(dir.to_owned()).or_insert_with(|| {
            read().unwrap_or_else(|error| {
                self.doubt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                T::default()
            })
        });
        find(standing)
    }

    /// The places in a directory that break rules, by way of what is kept for a component.
    fn places(&self, dir: &str, component: &str) -> Result<Places> {
        let kept = self.kept_places.get(component);
        let id = kept.and_then(|_| git::directory_id(&self.root, &self.revision, dir));
        let load = || postcard::from_bytes::<KeptPlaces>(&kept?.load()?).ok()?.of(id.as_deref()?);
        if let Some(places) = load() {
            return Ok(places);
        }
        let mut places = Places::new();
        for document in self.documents(&self.files(dir)?) {
            if may_hold_secrets(&document)
                && let Ok(object) = parse("", &document)
            {
                places.entry(name(&document)).or_default().extend(secrets_in(&object));
            }
        }
        if let (Some(kept), Some(id)) = (kept, id)
            && let Ok(bytes) = postcard::to_stdvec(&KeptPlaces::new(id, &places))
        {
            kept.keep(&bytes);
        }
        Ok(places)
    }

    /// The documents of files in YAML. What cannot be read there has nothing in it that could be compared.
    fn documents(&self, files: &BTreeMap<String, Vec<u8>>) -> Vec<Document> {
        let of_file = |(path, text): (&String, &Vec<u8>)| {
            let origin = Origin { source: path.clone(), file: None, line: 0 };
            documents(&SourceFile::new(path.clone(), text.as_slice()), &origin, Trust::Parsed).unwrap_or_default()
        };
        files.iter().filter(|(path, _)| path.ends_with(".yaml")).flat_map(of_file).collect()
    }

    fn standing(&self, dir: &str) -> Result<Standing> {
        let mut standing = Standing::default();
        let files = self.files(dir)?;
        if let Some(kept) = files.get(KEPT) {
            standing.kept = KeptFile::parse(&String::from_utf8_lossy(kept));
        }
        let kept: BTreeSet<&str> = standing.kept.lines.iter().map(|line| line.object.as_str()).collect();
        let mut found = BTreeMap::new();
        for document in self.documents(&files) {
            if is_of_fixed_kind(&document) || words(&document).iter().any(|word| kept.contains(&**word)) {
                found.insert(name(&document), Arc::new(document));
            }
        }
        standing.objects = found;
        Ok(standing)
    }

    /// The YAML files below a directory of the revision.
    fn files(&self, dir: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        Ok(match Repository::discover(&self.root)? {
            None => on_disk(&self.root.join(dir)),
            Some(_) if self.revision == "HEAD" && !git::has_commits(&self.root)? => BTreeMap::new(),
            Some(_) => git::files_at(&self.root, &self.revision, dir)?,
        })
    }
}

impl Committed for CommittedTree {
    fn breaks(&self, rule: &Rule, object: &Object<'_>, path: &str) -> bool {
        let name = name(object.document);
        let breaks = |dir: &str, component: &str| {
            let find = |places: &Places| Some(places.get(&name)?.contains(&(rule.code, path.to_owned())));
            self.in_dir(&self.places, dir, || self.places(dir, component), find)
        };
        // It may have been another component's.
        breaks(&self.dir_of(object), object.component).or_else(|| breaks(&self.dir, "")).unwrap_or_default()
    }

    fn object(&self, object: &Object<'_>) -> Option<Arc<Document>> {
        let name = name(object.document);
        let find = |dir: &str| self.in_dir(&self.read, dir, || self.standing(dir), |standing| standing.objects.get(&name).cloned());
        find(&self.dir_of(object)).or_else(|| find(&self.dir))
    }

    fn kept(&self, of: &Object<'_>) -> Vec<(String, String)> {
        let (Some(now), words) = (self.kept.get(of.component), words(of.document)) else { return Vec::new() };
        let lines = now.lines.iter().filter(|line| words.contains(&line.object));
        let own = self.dir_of(of);
        let texts = |standing: &Standing| {
            let committed = standing.objects.get(&name(of.document))?;
            let known = fields(&committed.text);
            let text = |line: &Line| {
                let is_same = standing.kept.lines.contains(line);
                known.iter().find(|field| is_same && field.path == line.path).map(|field| (line.path.clone(), field.text.clone()))
            };
            (!is_encrypted(&committed.text)).then(|| lines.clone().filter_map(text).collect())
        };
        self.in_dir(&self.read, &own, || self.standing(&own), texts).unwrap_or_default()
    }
}

/// Whether a document is of a kind of which some objects cannot be changed.
fn is_of_fixed_kind(document: &Document) -> bool {
    matches!((document.identity.group(), document.identity.kind.as_str()), ("", "ConfigMap" | "Secret") | ("batch", "Job"))
}

/// An object as `.kept` names it: it may have got its namespace later.
fn words(document: &Document) -> [String; 2] {
    let bare = Identity { namespace: String::new(), ..document.identity.clone() };
    [object(&document.identity), object(&bare)]
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
