//! Where objects are from and what changed them, as `buildMetadata` has it written into annotations.
//!
//! Follows `api/resource/origin.go` of kustomize 5.8.1.

use ecow::EcoString;

use super::errors::KResult;
use super::loader;
use super::resource::{ORIGIN, Resource, TRANSFORMATIONS};
use super::tree;
use super::write;
use hydrate_address::RepoSpec;
use hydrate_yaml::node::Node;

/// A file or directory, or what generates or transforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    path: String,
    repo: EcoString,
    reference: EcoString,
    configured_in: String,
    /// API version, kind, name and namespace of a plugin's configuration.
    configured_by: Option<[EcoString; 4]>,
}

impl Origin {
    /// The origin of what a kustomization here names.
    pub(crate) fn append(&self, path: &str) -> Self {
        let mut origin = self.clone();
        let mut path = path.to_owned();
        if let Ok(spec) = RepoSpec::parse(&path) {
            origin.repo = spec.repository.address.into();
            origin.reference = spec.repository.reference.unwrap_or_default().into();
            path = if spec.path.is_empty() { "notCloned".to_owned() } else { spec.path };
            origin.path.clear();
        }
        origin.path = loader::clean(&std::path::Path::new(&origin.path).join(path)).display().to_string();
        origin
    }

    /// The origin of what a builtin plugin makes because a field of a kustomization file says so.
    pub(crate) fn builtin(&self, file: &str, plugin: &str) -> Self {
        let configured_in = loader::clean(&std::path::Path::new(&self.path).join(file)).display().to_string();
        let by = ["builtin".into(), plugin.into(), EcoString::new(), EcoString::new()];
        Self { path: String::new(), configured_in, configured_by: Some(by), ..self.clone() }
    }

    /// The origin of what a plugin makes that has a configuration of its own; `None` if that has no origin itself.
    pub(crate) fn plugin(config: &Resource) -> Option<Self> {
        let text = config.annotation(ORIGIN)?;
        let node = super::anchors::first_document(text.as_bytes()).ok().flatten()?;
        let field = |name: &str| EcoString::from(node.get(name).map_or("", tree::text));
        let version = tree::top_text(&config.node, "apiVersion").into();
        let by = [version, config.kind().into(), config.name().into(), config.namespace().into()];
        Some(Self {
            path: String::new(),
            repo: field("repo"),
            reference: field("ref"),
            configured_in: field("path").to_string(),
            configured_by: Some(by),
        })
    }

    fn node(&self) -> Node {
        let entry = |name: &str, text: &str| (!text.is_empty()).then(|| (Node::string(name), Node::string(text)));
        let mut entries: Vec<_> = [
            entry("path", &self.path),
            entry("repo", &self.repo),
            entry("ref", &self.reference),
            entry("configuredIn", &self.configured_in),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some([version, kind, name, namespace]) = &self.configured_by {
            let by = [entry("apiVersion", version), entry("kind", kind), entry("name", name), entry("namespace", namespace)];
            entries.push((Node::string("configuredBy"), Node::mapping(by.into_iter().flatten().collect())));
        }
        Node::mapping(entries)
    }

    /// As an annotation.
    pub(crate) fn text(&self) -> KResult<String> {
        write::styled(&self.node())
    }

    /// Gives generated objects their origin, unless they have one.
    pub(crate) fn mark_generated(&self, list: &mut [Resource]) -> KResult<()> {
        let text = self.text()?;
        for res in list.iter_mut().filter(|res| res.annotation(ORIGIN).is_none()) {
            set(res, ORIGIN, text.clone())?;
        }
        Ok(())
    }

    /// Notes that objects were transformed; those without an origin were made by the transformer.
    pub(crate) fn mark_transformed(&self, list: &mut [Resource]) -> KResult<()> {
        let own = self.text()?;
        let item = write::styled(&Node::sequence(vec![self.node()]))?;
        for res in list {
            if res.annotation(ORIGIN).is_none() {
                set(res, ORIGIN, own.clone())?;
            } else {
                let before = res.annotation(TRANSFORMATIONS).unwrap_or_default();
                let all = format!("{before}{item}");
                set(res, TRANSFORMATIONS, all)?;
            }
        }
        Ok(())
    }
}

fn set(res: &mut Resource, key: &str, value: String) -> KResult<()> {
    let mut annotations = res.annotations();
    annotations.insert(key.into(), value.into());
    res.set_annotations(&annotations)
}
