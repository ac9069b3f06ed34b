//! The `ValueAddTransformer` plugin: a text put into fields, or into a place in the file paths that they hold.
//!
//! Follows `api/filters/valueadd` and `kyaml/filesys/util.go` of kustomize 5.8.1.

use ecow::EcoString;

use super::super::anchors;
use super::super::decode::{Conf, Mode, record};
use super::super::errors::{KResult, fail};
use super::super::kustomization::Selector;
use super::super::paths;
use super::super::resmap::ResMap;
use super::super::shared;
use super::super::transformer::{PluginFile, Transform, Transformer};
use super::super::tree::{self, NodeKind};
use super::namespace::{Namespace, Subjects};

/// `ValueAddTransformer`
pub(crate) const TRANSFORMER: Transformer = Transformer { kind: "ValueAddTransformer", of_file, of_fields: None };

record! {
    /// `ValueAddTransformer`
    Plugin {
        "value" value: EcoString,
        "targets" targets: Vec<Target>,
        "targetFilePath" target_file: EcoString,
    }
}

record! {
    /// Where the value goes.
    Target {
        "selector" selector: Option<Selector>,
        "fieldPath" field_path: EcoString,
        "filePathPosition" position: i64,
    }
}

fn of_file(file: &PluginFile<'_, '_>) -> KResult<Transform> {
    let plugin: Plugin = file.read()?;
    let mut value = plugin.value.trim().to_owned();
    if value.is_empty() {
        value = file.loader.root().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    }
    let mut targets = plugin.targets;
    if !plugin.target_file.is_empty() {
        let file = file.loader.load(&plugin.target_file)?;
        if let Some(node) = anchors::first_document(&file.text)? {
            targets.extend(Conf::new(&node, &file, Mode::Loose).record::<Plugin>()?.targets);
        }
    }
    if targets.is_empty() {
        return fail("must specify at least one target");
    }
    for target in &targets {
        if target.field_path.is_empty() {
            return fail("fieldPath cannot be empty");
        }
        if target.position < 0 {
            return fail(format!("value of FilePathPosition ({}) cannot be negative", target.position));
        }
    }
    Ok(Box::new(move |map| targets.iter().try_for_each(|target| apply(map, &value, target))))
}

/// Puts the value into the field of all selected objects.
fn apply(map: &mut ResMap, value: &str, target: &Target) -> KResult<()> {
    let selected = match &target.selector {
        None => (0..map.list().len()).collect(),
        Some(selector) => map.select(selector)?,
    };
    let schemas = std::sync::Arc::clone(map.schemas());
    for at in selected {
        let Some(res) = map.one_mut(at) else { continue };
        if target.field_path == "metadata/namespace" {
            let namespace = Namespace { namespace: value.into(), specs: &[], unset_only: false, subjects: Subjects::Default };
            namespace.set(&mut res.node, &schemas)?;
            continue;
        }
        let Some(field) = tree::lookup_create(&mut res.node, &paths::split(&target.field_path, '/'), NodeKind::Scalar)? else { continue };
        tree::expect(field, NodeKind::Scalar)?;
        let new = match usize::try_from(target.position) {
            Ok(position) if position > 0 => insert_part(tree::raw_text(field), position - 1, value),
            _ => value.to_owned(),
        };
        tree::set_scalar(field, &new, tree::untagged())?;
        shared::write_back(&mut res.node);
    }
    Ok(())
}

fn insert_part(path: &str, position: usize, part: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::insert_part;

    #[test]
    fn parts_of_paths() {
        assert_eq!(insert_part("", 0, "X"), "X");
        assert_eq!(insert_part("/", 0, "X"), "/X");
        assert_eq!(insert_part("/a/b", 0, "X"), "/X/a/b");
        assert_eq!(insert_part("a/b", 1, "X"), "a/X/b");
        assert_eq!(insert_part("a/b", 99, "X"), "a/b/X");
    }
}
