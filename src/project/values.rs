//! Values files: found, their templates rendered, and merged where it is ours to merge them.

use std::collections::BTreeMap;
use std::sync::Arc;

use hydrate_base::{Diagnostic, FileKind, Result, SourceFile, World};
use hydrate_helmfile::SecretResolver;
use hydrate_source::Data;
use hydrate_source::{compose, gotext, jinja};

use super::paths::{self, Found};
use super::{Component, Environment, Project, Spanned};

/// What templates of a component see: `env`, `values`, `component`.
#[derive(Debug, Clone)]
pub struct Context {
    /// `env`: name, Kubernetes version.
    pub env: Data,
    /// `values`: the environment's; for a jinja source with its values files merged over them.
    pub values: Data,
    /// `component`: name, namespace.
    pub component: Data,
    /// The release whose values are rendered, as helmfile describes it; nothing where there is none.
    pub release: Data,
}

impl Context {
    /// What templates of this component see in this environment.
    pub fn new(environment: &Environment, component: &Component) -> Self {
        let text = |text: &str| Data::Text(text.to_owned());
        let optional = |spanned: Option<&Spanned>| spanned.map_or(Data::Null, |spanned| text(&spanned.text));
        let map = |entries: [(&str, Data); 2]| Data::Map(entries.map(|(key, value)| (key.to_owned(), value)).into());
        Self {
            env: map([("name", text(&environment.name)), ("kubernetes", optional(environment.kubernetes.as_ref()))]),
            values: environment.values.clone(),
            component: map([("name", text(&component.name)), ("namespace", optional(component.namespace.as_ref()))]),
            release: Data::Null,
        }
    }

    /// The same for the values of a release: its name, namespace, chart and the chart's version.
    #[must_use]
    pub fn of_release(&self, name: &str, namespace: &str, chart: &str, version: &str) -> Self {
        let said = [("Name", name), ("Namespace", namespace), ("Chart", chart), ("ChartVersion", version), ("KubeContext", "")];
        let texts = said.map(|(key, text)| (key.to_owned(), Data::Text(text.to_owned())));
        let release = texts.into_iter().chain([("Labels".to_owned(), Data::map())]).collect();
        Self { release: Data::Map(release), ..self.clone() }
    }

    /// The same for Go templates, with helmfile's names beside ours.
    pub fn to_gotmpl(&self) -> Data {
        let map = |entries: Vec<(&str, Data)>| Data::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect());
        let of = |data: &Data, key: &str| match data {
            Data::Map(map) => map.get(key).cloned().unwrap_or_default(),
            _ => Data::Null,
        };
        let none = || Data::Text(String::new());
        let environment =
            vec![("Name", of(&self.env, "name")), ("KubeContext", none()), ("Values", self.values.clone()), ("Defaults", Data::map())];
        // What the command line or the head of a helmfile says for all releases: here the component says the namespace.
        let namespace = Some(of(&self.component, "namespace")).filter(|namespace| *namespace != Data::Null).unwrap_or_else(none);
        let mut all = vec![
            ("env", self.env.clone()),
            ("component", self.component.clone()),
            ("Values", self.values.clone()),
            ("StateValues", self.values.clone()),
            ("Environment", map(environment)),
            ("Namespace", namespace),
            ("KubeContext", none()),
            ("Chart", none()),
        ];
        if self.release != Data::Null {
            all.push(("Release", self.release.clone()));
        }
        map(all)
    }

    /// The same for MiniJinja.
    pub fn to_jinja(&self) -> minijinja::Value {
        let entries = [("env", &self.env), ("values", &self.values), ("component", &self.component)];
        entries.into_iter().map(|(name, data)| (name.to_owned(), data.to_jinja())).collect::<BTreeMap<_, _>>().into()
    }
}

/// Where the values files of a source are looked up, and what their templates see.
pub struct Reader<'a> {
    /// Reads the files.
    pub world: &'a dyn World,
    /// The project they lie in.
    pub project: &'a Project,
    /// The component that names them.
    pub component: &'a Component,
    /// The name of the environment.
    pub env: &'a str,
    /// What templates see.
    pub context: &'a Context,
    /// Who decrypts the files that are encrypted; without anybody they have references in place of secrets.
    pub secrets: Option<Arc<dyn SecretResolver>>,
}

impl Reader<'_> {
    /// The texts of values files in their order; optional ones that do not exist are left out, templates are rendered.
    /// Everything that is wrong is reported.
    pub fn read(&self, files: &[Spanned]) -> Result<Vec<Arc<SourceFile>>, Vec<Box<Diagnostic>>> {
        let mut texts = Vec::new();
        let mut wrong = Vec::new();
        for file in files {
            match self.read_one(file) {
                Ok(text) => texts.extend(text),
                Err(error) => wrong.push(error),
            }
        }
        if wrong.is_empty() { Ok(texts) } else { Err(wrong) }
    }

    /// The files merged over `base` as Helm merges values files.
    pub fn merge(&self, base: &Data, files: &[Spanned]) -> Result<Data, Vec<Box<Diagnostic>>> {
        let mut merged = base.clone();
        for file in self.read(files)? {
            let root = super::parse::parse(&file).map_err(|error| vec![error])?;
            if root.entries().is_none() {
                return Err(vec![Diagnostic::error(format!("{} must hold a mapping", file.name)).at(
                    &file,
                    super::shape::span(&file, &root),
                    "",
                )]);
            }
            merged.merge(Data::from_node(&root));
        }
        Ok(merged)
    }

    fn read_one(&self, file: &Spanned) -> Result<Option<Arc<SourceFile>>> {
        let Some(found) = paths::find(self.world, self.project, &self.component.dir, self.env, file, "values file")? else {
            return Ok(None);
        };
        if found.kind != FileKind::File {
            return Err(file.error(format!("the values file {} is not a file", found.shown), ""));
        }
        let text = self
            .world
            .read(&found.path)
            .map_err(|error| file.error(format!("cannot read the values file {}: {error}", found.shown), ""))?;
        let file = SourceFile::new(found.shown.clone(), text);
        // What SOPS has encrypted is not what charts are to see.
        let file = match hydrate_helmfile::decrypted_values(self.world, self.secrets.as_deref(), &file, self.project.settings.helmfile)? {
            Some(text) => SourceFile::new(found.shown.clone(), text),
            None => file,
        };
        self.render(&found, file).map(Some)
    }

    fn render(&self, found: &Found, file: Arc<SourceFile>) -> Result<Arc<SourceFile>> {
        match found.path.extension().and_then(|extension| extension.to_str()) {
            Some("j2") => {
                let text = jinja::render_text(&file, &self.context.to_jinja())?;
                rendered(&file, text)
            }
            Some("gotmpl") => {
                let (directory, version) = (&self.component.dir, self.project.settings.helmfile);
                let text = gotext::render(
                    self.world,
                    self.secrets.clone(),
                    directory,
                    &self.project.root,
                    version,
                    &file,
                    &self.context.to_gotmpl(),
                )?;
                rendered(&file, text)
            }
            _ => Ok(file),
        }
    }
}

/// A values template that does not give YAML is better told here than by the chart's engine.
fn rendered(file: &SourceFile, text: String) -> Result<Arc<SourceFile>> {
    let rendered = SourceFile::new(format!("{} (rendered)", file.name), text.into_bytes());
    compose::stream(&rendered, 0, &String::from_utf8_lossy(&rendered.text))?;
    Ok(rendered)
}
