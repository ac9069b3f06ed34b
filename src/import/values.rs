//! The values of a release as files that a `helm:` source names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydrate_base::{Result, SourceFile, World};
use hydrate_gotmpl::Value;
use hydrate_helmfile::ValuesEntry;
use hydrate_source::{Data, compose, gotext};
use hydrate_yaml::node::Node;

use super::releases::{Seen, data, unified};
use super::stage::Files;
use super::text::{self, Stage};
use crate::project::values::Context;

/// Turns the values of releases into files of components.
pub(super) struct Writer<'a> {
    pub world: &'a dyn World,
    pub root: &'a Path,
    /// The helmfile that templates follow.
    pub version: hydrate_helmfile::Version,
    /// What templates see, by environment.
    pub contexts: &'a BTreeMap<String, Context>,
    /// What is written so far.
    pub files: Files,
    /// Environments in which a template is kept that sees their values.
    pub with_templates: std::collections::BTreeSet<String>,
    pub notes: Vec<String>,
}

/// The component that files are written for.
pub(super) struct Place<'a> {
    /// Its directory in the project.
    pub dir: &'a str,
    /// The name of the release.
    pub release: &'a str,
    /// What stands before `values` in the names of files; empty where the component has one release.
    pub prefix: &'a str,
    /// Whether the component is for one environment alone.
    pub has_one_environment: bool,
    /// Whether the helmfile is the same file for all environments.
    pub is_common: bool,
}

/// Entries of one position in several environments.
type Row<'s> = Vec<(&'s Seen, &'s ValuesEntry)>;

/// The entries of a release that count: patterns that match nothing are none.
pub(super) fn entries(seen: &Seen) -> Vec<&ValuesEntry> {
    // What is in the place of a chart takes no values; a kustomization over it has what they say.
    if seen.frame.directory.is_some() {
        return Vec::new();
    }
    let is_pattern = |path: &Path| path.to_string_lossy().contains(['*', '?', '[']);
    seen.values.iter().filter(|entry| !matches!(entry, ValuesEntry::Missing { path } if is_pattern(path))).collect()
}

/// Whether the values of several environments can be said by one list.
pub(super) fn are_alike(seen: &[&Seen], dir: &Path) -> bool {
    let rows: Vec<Vec<&ValuesEntry>> = seen.iter().map(|seen| entries(seen)).collect();
    let length = rows.first().map_or(0, Vec::len);
    let position = |at: usize| {
        let row: Row<'_> = seen.iter().copied().zip(rows.iter().filter_map(|row| row.get(at).copied())).collect();
        let inline = row.iter().filter(|(_, entry)| matches!(entry, ValuesEntry::Inline { .. })).count();
        let paths = paths(&row);
        let is_same = paths.windows(2).all(|pair| pair[0].1 == pair[1].1);
        inline == row.len() || inline == 0 && (is_same || unified(&paths, dir).is_some())
    };
    rows.iter().all(|row| row.len() == length) && (0..length).all(position)
}

fn paths<'s>(row: &Row<'s>) -> Vec<(&'s str, &'s Path)> {
    let path = |(seen, entry): &(&'s Seen, &'s ValuesEntry)| match entry {
        ValuesEntry::File { path, .. } | ValuesEntry::Missing { path } => Some((seen.env.as_str(), path.as_path())),
        ValuesEntry::Inline { .. } => None,
    };
    row.iter().filter_map(path).collect()
}

impl Writer<'_> {
    /// The list of values files for releases that are alike.
    pub(super) fn list(&mut self, seen: &[&Seen], place: &Place<'_>) -> Result<Vec<String>> {
        let rows: Vec<Vec<&ValuesEntry>> = seen.iter().map(|seen| entries(seen)).collect();
        let length = rows.first().map_or(0, Vec::len);
        let mut list = Vec::new();
        for at in 0..length {
            let row: Row<'_> = seen.iter().copied().zip(rows.iter().filter_map(|row| row.get(at).copied())).collect();
            let is_inline = row.iter().any(|(_, entry)| matches!(entry, ValuesEntry::Inline { .. }));
            list.push(if is_inline { self.inline(&row, place)? } else { self.file(&row, place)? });
        }
        Ok(list)
    }

    /// A file, which stays where it is; a template that gives something else here is replaced by what it gives.
    fn file(&mut self, row: &Row<'_>, place: &Place<'_>) -> Result<String> {
        let paths = paths(row);
        let dir = self.root.join(place.dir);
        let shown = paths.first().map(|(_, path)| super::unit::relative(&dir, path)).unwrap_or_default();
        let path = unified(&paths, &dir);
        let is_named = path.is_some();
        let path = path.unwrap_or(shown);
        let is_optional = row.iter().any(|(_, entry)| matches!(entry, ValuesEntry::Missing { .. }));
        let named = if is_optional { format!("{path}?") } else { path.clone() };
        let ending = Path::new(&path).extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_owned();
        if is_named && ending != "gotmpl" && ending != "j2" {
            return Ok(named);
        }
        let mut why = (!is_named).then(|| "component.yaml cannot have a name with `${` or `?` at its end".to_owned());
        for (seen, entry) in row {
            let ValuesEntry::File { path, text } = entry else { continue };
            if !is_named {
                break;
            }
            // What hydrate takes for a template is none for helmfile.
            let given = if ending == "j2" {
                Err("it ends in .j2, which is a template here".to_owned())
            } else {
                self.executed(seen, place.dir, path)
            };
            match given {
                Ok(given) if means(given.as_bytes()).is_some() && means(given.as_bytes()) == means(text) => {}
                Ok(_) => why = Some("it gives other values here than in helmfile".to_owned()),
                Err(error) => why = Some(error),
            }
        }
        let lacks = why.as_ref().is_some_and(|why| why.starts_with("map has no entry"));
        let why = why.map(|why| if lacks { format!("{why}, which `values` of the environment's file lack") } else { why });
        let Some(why) = why else {
            self.with_templates.extend(row.iter().map(|(seen, _)| seen.env.clone()));
            return Ok(named);
        };
        let name = paths.first().and_then(|(_, path)| path.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let name = name.strip_suffix(&format!(".{ending}")).unwrap_or(&name);
        let name = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name);
        let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        let name: String = name.chars().filter(|character| is_plain(*character)).collect();
        let texts = row.iter().map(|(seen, entry)| {
            let text: Arc<[u8]> = match entry {
                ValuesEntry::File { text, .. } | ValuesEntry::Inline { text } => Arc::clone(text),
                ValuesEntry::Missing { .. } => Arc::from(&b"{}\n"[..]),
            };
            (seen.env.clone(), text)
        });
        let written = self.put(place, &name, ".yaml", texts.collect(), false);
        let what = if ending == "gotmpl" { "is executed, and what it gives is written" } else { "is copied" };
        self.notes.push(format!("{path} {what} to {written}: {why}"));
        Ok(written)
    }

    /// What a template of values gives for a release of an environment.
    fn executed(&self, seen: &Seen, dir: &str, path: &Path) -> std::result::Result<String, String> {
        let text = self.world.read(path).map_err(|error| error.to_string())?;
        self.given(seen, dir, &String::from_utf8_lossy(&text))
    }

    fn given(&self, seen: &Seen, dir: &str, text: &str) -> std::result::Result<String, String> {
        let context = self.contexts.get(&seen.env).ok_or("its environment is not known")?;
        let (chart, version) = match &seen.frame.chart {
            Some(remote) => (remote.chart.as_str(), remote.version.as_deref().unwrap_or_default()),
            None => ("", ""),
        };
        let data = context.of_release(&seen.frame.release, &seen.frame.namespace, chart, version).to_gotmpl();
        let file = SourceFile::new("values", text.as_bytes());
        gotext::render(self.world, None, &self.root.join(dir), self.root, self.version, &file, &data).map_err(|error| error.message)
    }

    /// Values that stand in the helmfile: cut out, as templates where they are some.
    fn inline(&mut self, row: &Row<'_>, place: &Place<'_>) -> Result<String> {
        let text = |entry: &ValuesEntry| match entry {
            ValuesEntry::Inline { text } => Arc::clone(text),
            _ => Arc::from(&b"{}\n"[..]),
        };
        let mut templates: Vec<Vec<String>> = Vec::new();
        let mut plain: Vec<Vec<String>> = Vec::new();
        for (seen, entry) in row {
            let wanted = means(&text(entry));
            let written = self.world.read(&seen.file).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
            let gives =
                |cut: &String| cut.contains("{{") && self.given(seen, place.dir, cut).is_ok_and(|given| means(given.as_bytes()) == wanted);
            let of_file = text::inline_values(&written, place.release, Stage::Written);
            templates.push(of_file.iter().filter(|cut| gives(cut)).cloned().collect());
            let of_part =
                |part: &Arc<SourceFile>| text::inline_values(&String::from_utf8_lossy(&part.text), place.release, Stage::Executed);
            let cuts = of_file.into_iter().chain(seen.parts.iter().flat_map(of_part));
            plain.push(cuts.filter(|cut| means(cut.as_bytes()) == wanted).collect());
        }
        // What is cut out of the file itself is the same for all environments, also where their releases differ in something else.
        let is_whole =
            place.is_common && matches!(row.as_slice(), [(seen, _)] if self.is_written(seen, place, templates.first(), plain.first()));
        let stem = format!("{}values", place.prefix);
        let envs: Vec<String> = row.iter().map(|(seen, _)| seen.env.clone()).collect();
        if let Some(shared) = in_all(&templates) {
            self.with_templates.extend(envs.iter().cloned());
            let texts = envs.into_iter().map(|env| (env, Arc::from(shared.as_bytes()))).collect();
            return Ok(self.put(place, &stem, ".yaml.gotmpl", texts, is_whole));
        }
        if let Some(shared) = in_all(&plain) {
            let texts = envs.into_iter().map(|env| (env, Arc::from(shared.as_bytes()))).collect();
            return Ok(self.put(place, &stem, ".yaml", texts, is_whole));
        }
        let (cuts, ending) = if templates.iter().all(|cuts| !cuts.is_empty()) {
            self.with_templates.extend(envs.iter().cloned());
            (templates, ".yaml.gotmpl")
        } else {
            (plain, ".yaml")
        };
        if cuts.iter().any(Vec::is_empty) {
            self.notes.push(
                "its inline values are written anew, without their comments: cut out of the helmfile they do not say the same".to_owned(),
            );
        }
        let texts = row.iter().zip(&cuts).map(|((seen, entry), cuts)| {
            let text = cuts.first().map_or_else(|| text(entry), |cut| Arc::from(cut.as_bytes()));
            (seen.env.clone(), text)
        });
        Ok(self.put(place, &stem, ending, texts.collect(), false))
    }

    /// Whether the text that is taken for a release is one that stands in its helmfile.
    fn is_written(&self, seen: &Seen, place: &Place<'_>, templates: Option<&Vec<String>>, plain: Option<&Vec<String>>) -> bool {
        let written = self.world.read(&seen.file).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
        let chosen = templates.and_then(|cuts| cuts.first()).or_else(|| plain.and_then(|cuts| cuts.first()));
        chosen.is_some_and(|cut| text::inline_values(&written, place.release, Stage::Written).contains(cut))
    }

    /// Takes texts into the files of a component, one for all environments where they are the same. Gives the path as component.yaml has it.
    /// `is_whole` says that a text of one environment is for all of them.
    fn put(&mut self, place: &Place<'_>, stem: &str, ending: &str, texts: Vec<(String, Arc<[u8]>)>, is_whole: bool) -> String {
        let is_shared = texts.windows(2).all(|pair| pair[0].1 == pair[1].1) && (texts.len() > 1 || place.has_one_environment);
        let dir = place.dir;
        for number in 1.. {
            let numbered = if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") };
            let name = format!("{numbered}{ending}");
            let paths: Vec<(String, &Arc<[u8]>)> = if is_shared {
                texts.iter().map(|(_, text)| (format!("{dir}/{name}"), text)).collect()
            } else {
                texts.iter().map(|(env, text)| (format!("{dir}/{env}/{name}"), text)).collect()
            };
            let whole = format!("{dir}/{name}");
            if let [(_, text)] = texts.as_slice()
                && is_whole
                && self.is_free(&whole, text)
            {
                self.files.insert(whole, Arc::clone(text));
                return name;
            }
            if paths.iter().all(|(path, text)| self.is_free(path, text)) {
                self.files.extend(paths.into_iter().map(|(path, text)| (path, Arc::clone(text))));
                return if is_shared { name } else { format!("${{env}}/{name}") };
            }
        }
        String::new()
    }

    /// Whether a file is not there, or says this already.
    fn is_free(&self, path: &str, text: &Arc<[u8]>) -> bool {
        let on_disk = self.world.read(&self.root.join(path)).ok();
        self.files.get(path).or(on_disk.as_ref()).is_none_or(|there| there == text)
    }
}

/// The first text that is among those of every environment.
fn in_all(candidates: &[Vec<String>]) -> Option<String> {
    let (first, rest) = candidates.split_first()?;
    first.iter().find(|text| rest.iter().all(|others| others.contains(text))).cloned()
}

/// What a YAML text means to Helm and Kubernetes; `None` for what they do not read as a mapping.
pub(super) fn means(text: &[u8]) -> Option<Data> {
    let map = hydrate_chart::decode_values(text, hydrate_chart::Level::V4).ok()?;
    data(&Value::Map(map))
}

impl Writer<'_> {
    /// The kustomization of releases that have one in the place of a chart: the directory itself, or a file over it.
    pub(super) fn kustomization(&mut self, seen: &[&Seen], overlay: &str, place: &Place<'_>) -> Result<String> {
        let dir = self.root.join(place.dir);
        let cannot = || hydrate_base::Diagnostic::error(format!("the kustomization of {} cannot be written", place.release));
        let Some(path) = chart(seen, &dir) else { return Err(cannot()) };
        let mut root = crate::project::parse::parse(&SourceFile::new("kustomization", overlay.as_bytes()))?;
        if root.entries().is_some_and(|entries| entries.len() == 1) {
            return Ok(path);
        }
        let Some(target) = seen.first().and_then(|seen| seen.frame.local.as_deref()) else { return Err(cannot()) };
        for number in 1.. {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let name = format!("{}kustomization{suffix}", place.prefix);
            let resource = super::unit::relative(&dir.join(&name), target);
            *root.get_mut("resources").ok_or_else(cannot)? = Node::sequence(vec![Node::string(resource)]);
            let head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
            let text: Arc<[u8]> = format!("{head}{}", compose::emit(&root)?).into_bytes().into();
            let file = format!("{}/{name}/kustomization.yaml", place.dir);
            if self.is_free(&file, &text) {
                self.files.insert(file, text);
                return Ok(name);
            }
        }
        Err(cannot())
    }
}

/// The path of a chart of the repository, as component.yaml has it.
pub(super) fn chart(seen: &[&Seen], dir: &Path) -> Option<String> {
    let paths: Vec<(&str, &Path)> = seen.iter().filter_map(|seen| Some((seen.env.as_str(), seen.frame.local.as_deref()?))).collect();
    let path = unified(&paths, dir)?;
    Some(if path.starts_with('.') || path.starts_with('$') { path } else { format!("./{path}") })
}

/// The helmfile of releases that stay, as component.yaml has it.
pub(super) fn helmfile(seen: &[&Seen], dir: &Path) -> Option<String> {
    let paths: Vec<(&str, PathBuf)> = seen.iter().map(|seen| (seen.env.as_str(), seen.top.clone())).collect();
    unified(&paths.iter().map(|(env, path)| (*env, path.as_path())).collect::<Vec<_>>(), dir)
}
