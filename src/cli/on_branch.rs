//! Environments that are committed to branches of their own: `commit: {branch: …}`.
//!
//! Such a branch is looked at as a commit of the sources with the environment's tree where it would be without branches, checked out beside the work tree. What
//! renders, compares and checks there is what does so everywhere; only where the result goes is decided here.

use std::collections::{BTreeMap, BTreeSet};

use crate::git::{Checkout, CommitFacts, Entries, EnvironmentBranch, FileChanges, Tip};
use crate::gitops::hydrator::{ATTRIBUTES, METADATA, Metadata, README, note, noted};
use crate::gitops::in_repository;
use crate::pipeline;
use crate::project::{BranchTemplate, Project};
use crate::tree::INDEX;
use crate::tree::disk::{self, Place, failed};
use hydrate_base::{Change, Diagnostic, Result};

use super::outcome::Failures;

/// The one file of Argo CD's Source Hydrator in a directory.
const MANIFEST: &str = "manifest.yaml";

/// The file by which Git learns what is generated.
const GIT_ATTRIBUTES: &str = ".gitattributes";

/// The branch of an environment of a project, and what is known of it.
#[derive(Debug)]
pub struct OnBranch {
    /// The branch.
    pub branch: EnvironmentBranch,
    /// Whether only one directory of it is ever proposed.
    is_of_path: bool,
    env: String,
}

/// The branch of an environment beside sources.
#[derive(Debug)]
pub struct View {
    /// The project there.
    pub project: Project,
    /// The commit that nobody sees.
    pub commit: String,
    _checkout: Checkout,
}

/// What a rendering in a view makes of the branch.
#[derive(Debug)]
pub struct BranchChanges {
    /// The files to write, by their paths from the top of the branch.
    pub files: FileChanges,
    /// What becomes of each file that is rendered: of the manifests (0) and of what hands them over (1).
    pub fates: BTreeMap<(usize, String), Change>,
}

impl OnBranch {
    /// The branch of an environment; `None` where environments are committed beside their sources.
    ///
    /// # Errors
    /// Where there is no repository.
    pub fn of(project: &Project, env: &str) -> Result<Option<Self>> {
        let Some(template) = &project.settings.commit.branch else { return Ok(None) };
        Self::new(project, template, env).map(Some)
    }

    fn new(project: &Project, template: &BranchTemplate, env: &str) -> Result<Self> {
        let branch = EnvironmentBranch::new(&project.root, template.name(env), template.path(env), template.proposed_for(env))?;
        Ok(Self { branch, is_of_path: template.is_of_path(env), env: env.to_owned() })
    }

    /// The commit that a tip was rendered from: as its note says it, else as it says it itself.
    pub fn rendered_from(&self, tip: &Tip) -> Result<Option<String>> {
        let by_note = self.branch.note(METADATA, &tip.commit)?.and_then(|text| noted(&text));
        if by_note.is_some() {
            return Ok(by_note);
        }
        let own = self.branch.file(&tip.commit, &in_repository(&self.branch.path, METADATA))?;
        Ok(own.and_then(|text| Metadata::parse(&text)).map(|metadata| metadata.dry_sha).filter(|sha| !sha.is_empty()))
    }

    /// What the branch is to be checked against: the commit that it says it was rendered from.
    ///
    /// # Errors
    /// A branch or a commit that is not in this clone, with the command that fetches it.
    pub fn source_of(&self, tip: &Tip) -> Result<String> {
        let Some(source) = self.rendered_from(tip)? else {
            return Err(Diagnostic::error(format!("the branch {} does not say what it was rendered from", self.branch.name))
                .note(format!("{} is not in it, or has no drySha", in_repository(&self.branch.path, METADATA)))
                .help(format!("render it again: hydrate -e {} --commit", self.env)));
        };
        if self.branch.has(&source) { Ok(source) } else { Err(self.branch.not_here(&source)) }
    }

    /// The branch beside sources of a commit, as a project of its own.
    pub fn view(&self, project: &Project, source: &str, tip: Option<&Tip>) -> Result<View, Failures> {
        let commit = self.view_commit(project, source, tip)?;
        let checkout = Checkout::of_commit(&project.root, &commit)?;
        Ok(View { project: Project::open(checkout.root().to_owned())?, commit, _checkout: checkout })
    }

    /// The commit that such a view is of.
    pub fn view_commit(&self, project: &Project, source: &str, tip: Option<&Tip>) -> Result<String> {
        let place = pipeline::place(project, &self.env);
        let entries = tip.map(|tip| self.entries(tip, &place)).transpose()?.unwrap_or_default();
        let [manifests, clusters] = entries;
        let prefix = |dir: &str| self.branch.prefix(&project.root, dir);
        self.branch.view(source, &BTreeMap::from([(prefix(&place.shown(""))?, manifests), (prefix(&place.clusters_shown(""))?, clusters)]))
    }

    /// The files of a tip: those of the manifests, and those that hand them over. What describes the branch is in neither, and what another hydrator has
    /// rendered makes way for what is rendered here.
    fn entries(&self, tip: &Tip, place: &Place) -> Result<[Entries; 2]> {
        let all = self.branch.entries(&tip.commit)?;
        let clusters = format!("{}/", place.clusters_shown(""));
        let is_hydrated = |dir: &str| all.contains_key(&format!("{dir}/{METADATA}")) && !all.contains_key(&format!("{dir}/{INDEX}"));
        let [mut manifests, mut handing_over] = [Entries::new(), Entries::new()];
        for (path, entry) in &all {
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
            if matches!(name, METADATA | README) || path == GIT_ATTRIBUTES || (name == MANIFEST && is_hydrated(dir)) {
                continue;
            }
            match path.strip_prefix(&clusters) {
                Some(rest) => handing_over.insert(rest.to_owned(), entry.clone()),
                None => manifests.insert(path.clone(), entry.clone()),
            };
        }
        Ok([manifests, handing_over])
    }

    /// What the files that were rendered in a view make of the branch: nothing where they are as they were.
    pub fn changes(&self, view: &View, tip: Option<&Tip>, dry: &CommitFacts) -> Result<Option<BranchChanges>> {
        let place = pipeline::place(&view.project, &self.env);
        let old = tip.map(|tip| self.branch.entries(&tip.commit)).transpose()?.unwrap_or_default();
        let clusters_dir = place.clusters_shown("");
        let rendered = rendered_files(&place)?;
        let before = self.owned_before(&old, &clusters_dir)?;
        let mut fates = BTreeMap::new();
        let mut files = FileChanges::new();
        let mut changed_dirs = BTreeSet::new();
        let mut touch = |path: &str, change: Change, content: Option<Vec<u8>>| {
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            changed_dirs.insert(dir.to_owned());
            let key = match path.strip_prefix(&format!("{clusters_dir}/")) {
                Some(rest) => (1, rest.to_owned()),
                None => (0, path.to_owned()),
            };
            fates.insert(key, change);
            files.insert(path.to_owned(), content);
        };
        for (path, content) in &rendered {
            match old.get(path) {
                None => touch(path, Change::Created, Some(content.clone())),
                Some((_, id)) if *id != EnvironmentBranch::id_of(content, id) => touch(path, Change::Changed, Some(content.clone())),
                Some(_) => {}
            }
        }
        for path in before.iter().filter(|path| !rendered.contains_key(*path)) {
            touch(path, Change::Deleted, None);
        }
        if fates.is_empty() {
            return Ok(None);
        }
        let repository = self.branch.address()?;
        let of_directory = |command| Metadata::of_directory(dry, &repository, command);
        self.describe(&mut files, &changed_dirs, &rendered, &old, &of_directory);
        let mut all = FileChanges::new();
        for (path, content) in files {
            all.insert(in_repository(&self.branch.path, &path), content);
        }
        self.describe_top(&mut all, tip, Metadata::of(dry, &repository))?;
        Ok(Some(BranchChanges { files: all, fates }))
    }

    /// The paths of the branch that are ours, by `.hydrated`.
    fn owned_before(&self, old: &Entries, clusters_dir: &str) -> Result<Vec<String>> {
        let indexes: Vec<(&String, &str)> =
            old.iter().filter(|(path, _)| path.rsplit('/').next() == Some(INDEX)).map(|(path, (_, id))| (path, id.as_str())).collect();
        let ids: Vec<&str> = indexes.iter().map(|(_, id)| *id).collect();
        let texts: BTreeMap<String, Vec<u8>> = indexes.iter().map(|(path, _)| (*path).clone()).zip(self.branch.contents(&ids)?).collect();
        let mut owned = disk::owned_in(&texts);
        if let Some(index) = texts.get(&format!("{clusters_dir}/{INDEX}")) {
            let names = disk::owned_files_in(&BTreeMap::from([(INDEX.to_owned(), index.clone())]));
            owned.extend(names.into_iter().map(|name| format!("{clusters_dir}/{name}")));
        }
        owned.retain(|path| old.contains_key(path));
        Ok(owned)
    }

    /// The metadata and the README of directories in which something has changed; both go with a directory.
    fn describe(
        &self,
        files: &mut FileChanges,
        changed: &BTreeSet<String>,
        rendered: &BTreeMap<String, Vec<u8>>,
        old: &Entries,
        metadata: &dyn Fn(String) -> Metadata,
    ) {
        for dir in changed.iter().filter(|dir| !dir.is_empty()) {
            let is_there = rendered.keys().any(|path| path.rsplit_once('/').is_some_and(|(above, _)| above == dir));
            let component = if dir.contains('/') { String::new() } else { format!(" {dir}") };
            let metadata = metadata(format!("hydrate -e {}{component}", self.env));
            for (name, text) in [(METADATA, metadata.text()), (README, metadata.readme())] {
                let path = format!("{dir}/{name}");
                if is_there {
                    files.insert(path, Some(text.into_bytes()));
                } else if old.contains_key(&path) {
                    files.insert(path, None);
                }
            }
            let foreign = format!("{dir}/{MANIFEST}");
            // What Argo CD has rendered into the directory before would be applied as well.
            if is_there
                && old.contains_key(&foreign)
                && !rendered.contains_key(&foreign)
                && !files.contains_key(&foreign)
                && !old.contains_key(&format!("{dir}/{INDEX}"))
            {
                files.insert(foreign, None);
            }
        }
    }

    /// What the top of the branch, and the directory of the project in it, say of the commit.
    fn describe_top(&self, files: &mut FileChanges, tip: Option<&Tip>, metadata: Metadata) -> Result<()> {
        if !self.is_of_path {
            files.insert(METADATA.to_owned(), Some(metadata.text().into_bytes()));
        }
        if !self.branch.path.is_empty() {
            let metadata = Metadata { commands: vec![format!("hydrate -e {}", self.env)], ..metadata };
            files.insert(format!("{}/{METADATA}", self.branch.path), Some(metadata.text().into_bytes()));
            files.insert(format!("{}/{README}", self.branch.path), Some(metadata.readme().into_bytes()));
        }
        let standing = tip.map(|tip| self.branch.file(&tip.commit, GIT_ATTRIBUTES)).transpose()?.flatten();
        if let Some(text) = attributes(standing.as_deref()) {
            files.insert(GIT_ATTRIBUTES.to_owned(), Some(text.into_bytes()));
        }
        Ok(())
    }

    /// Says on a commit of the branch what it was rendered from.
    pub fn annotate(&self, commit: &str, dry_sha: &str) -> Result<()> {
        self.branch.annotate(METADATA, commit, &note(dry_sha))
    }

    /// Pushes what was said of commits.
    pub fn push_notes(&self) -> Result<()> {
        self.branch.remote.as_ref().map_or(Ok(()), |remote| remote.push_notes(METADATA))
    }

    /// Fetches the branch, the one that it is proposed for, and what is said of their commits.
    pub fn fetch(&self) -> Result<()> {
        let Some(remote) = &self.branch.remote else { return Ok(()) };
        let branches: Vec<&str> = [Some(self.branch.name.as_str()), self.branch.proposed_for.as_deref()].into_iter().flatten().collect();
        remote.fetch(&branches, None)?;
        remote.fetch_notes(METADATA)
    }
}

/// What was rendered: content by its path in the directory of the branch.
fn rendered_files(place: &Place) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut add = |dir: &std::path::Path, shown: &str, names: Vec<String>, below: &str| {
        for name in names {
            let content = disk::file(&dir.join(&name)).map_err(|error| failed("read", format!("{shown}/{name}"), &error))?;
            files.extend(content.map(|content| (in_repository(below, &name), content.to_vec())));
        }
        Ok::<(), Box<Diagnostic>>(())
    };
    let (manifests, clusters) = (place.shown(""), place.clusters_shown(""));
    let owned = disk::owned_paths(&place.dir()).map_err(|error| failed("read", &manifests, &error))?;
    add(&place.dir(), &manifests, owned, "")?;
    let owned = disk::owned_files(&place.clusters_dir()).map_err(|error| failed("read", &clusters, &error))?;
    add(&place.clusters_dir(), &clusters, owned, &clusters)?;
    Ok(files)
}

/// `.gitattributes` with the lines that it lacks; `None` where it has them.
fn attributes(standing: Option<&[u8]>) -> Option<String> {
    let text = String::from_utf8_lossy(standing.unwrap_or_default()).into_owned();
    let missing: Vec<&str> = ATTRIBUTES.into_iter().filter(|line| !text.lines().any(|known| known.trim() == *line)).collect();
    if missing.is_empty() {
        return None;
    }
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    Some(format!("{text}{newline}{}\n", missing.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_others_stay() {
        let both = ATTRIBUTES.join("\n");
        assert_eq!(attributes(None), Some(format!("{both}\n")));
        assert_eq!(attributes(Some(both.as_bytes())), None);
        assert_eq!(attributes(Some(b"*.png binary")), Some(format!("*.png binary\n{both}\n")));
    }
}
