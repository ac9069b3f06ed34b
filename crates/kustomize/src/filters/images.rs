//! Names, tags and digests of images.
//!
//! Follows `api/filters/imagetag` and `api/internal/image` of kustomize 5.8.1.

use std::rc::Rc;

use super::super::config::{FieldList, spec};
use super::super::decode::record;
use super::super::errors::KResult;
use super::super::fieldspec::Fields;
use super::super::kustomization::{FieldSpec, Image};
use super::super::regex::Regex;
use super::super::resmap::ResMap;
use super::super::transformer::{Transform, Transformer};
use super::super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node};

record! {
    /// `ImageTagTransformer`
    Plugin {
        "imageTag" image: Image,
        "fieldSpecs" specs: Vec<FieldSpec>,
    }
}

/// `ImageTagTransformer`, and `images`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "ImageTagTransformer",
    of_file: |file| {
        let Plugin { image, specs } = file.read()?;
        with(image, Rc::new(specs))
    },
    of_fields: Some(|fields| {
        let (images, specs) = (fields.kustomization.images.take(), fields.config.fields(&FIELDS));
        fields.each("images", images, |image| with(image, Rc::clone(&specs)))
    }),
};

fn with(image: Image, specs: Rc<Vec<FieldSpec>>) -> KResult<Transform> {
    Ok(Box::new(move |map| apply(map, &image, &specs)))
}

/// Where objects name images.
pub(crate) const FIELDS: FieldList =
    FieldList { key: "images", title: "Images", builtin: || IMAGES.iter().map(|path| spec("", *path, true)).collect() };

const IMAGES: [&str; 6] = [
    "spec/containers[]/image",
    "spec/initContainers[]/image",
    "spec/volumes[]/image/reference",
    "spec/template/spec/containers[]/image",
    "spec/template/spec/initContainers[]/image",
    "spec/template/spec/volumes[]/image/reference",
];

/// Changes an image in every list called `containers` or `initContainers` and in the fields that the specifications name.
pub(crate) fn apply(map: &mut ResMap, image: &Image, specs: &[FieldSpec]) -> KResult<()> {
    let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
    // A name that is no expression matches nothing here; kustomize panics.
    let change = Change { image, pattern: Regex::new(&pattern)?, plain: is_plain(&image.name) };
    for res in map.list_mut() {
        if res.kind() != "CustomResourceDefinition" {
            change.walk(&mut res.node)?;
        }
    }
    let fields = Fields::new(specs);
    for res in map.list_mut() {
        if res.kind() != "CustomResourceDefinition" {
            fields.apply(&mut res.node, None, &mut |node| change.set(node))?;
        }
    }
    Ok(())
}

/// Whether a name has no character that means something in an expression: then what does not begin with it does not match.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'/' | b'-' | b'_' | b':'))
}

struct Change<'a> {
    image: &'a Image,
    pattern: Regex,
    plain: bool,
}

impl Change<'_> {
    fn walk(&self, node: &mut Node) -> KResult<()> {
        match &mut node.data {
            Data::Sequence(items) => items.iter_mut().try_for_each(|item| self.walk(item)),
            Data::Mapping(entries) => {
                for (key, value) in entries {
                    self.walk(value)?;
                    if matches!(key.as_str(), Some("containers" | "initContainers")) {
                        self.set_in_list(value)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn set_in_list(&self, list: &mut Node) -> KResult<()> {
        let Data::Sequence(items) = &mut list.data else { return Ok(()) };
        for item in items {
            if let Some(image) = tree::get_mut(item, "image")? {
                self.set(image)?;
            }
        }
        Ok(())
    }

    fn set(&self, node: &mut Node) -> KResult<()> {
        tree::expect(node, NodeKind::Scalar)?;
        let value = tree::raw_text(node);
        if (self.plain && !value.starts_with(self.image.name.as_str())) || !self.pattern.is_match(value) {
            return Ok(());
        }
        let new = self.changed(value);
        tree::set_scalar(node, &new, tree::untagged())
    }

    fn changed(&self, value: &str) -> String {
        let image = self.image;
        let (name, mut tag, mut digest) = split(value);
        let mut tag_text = String::new();
        match (image.new_tag.as_str(), image.digest.as_str(), image.tag_suffix.as_str()) {
            ("", "", "") => {}
            ("", "", suffix) => {
                tag_text = format!("{tag}{suffix}");
                tag = &tag_text;
                digest = "";
            }
            (new_tag, new_digest, _) => (tag, digest) = (new_tag, new_digest),
        }
        let mut new = if image.new_name.is_empty() { name.to_owned() } else { image.new_name.to_string() };
        for (separator, part) in [(':', tag), ('@', digest)] {
            if !part.is_empty() {
                new.push(separator);
                new.push_str(part);
            }
        }
        drop(tag_text);
        new
    }
}

/// An image as name, tag and digest. A colon in the registry's host is no tag's.
pub(crate) fn split(image: &str) -> (&str, &str, &str) {
    let skip = image.find('/').filter(|at| *at > 0).unwrap_or(0);
    let rest = image.get(skip..).unwrap_or_default();
    let at = |found: Option<usize>| found.map(|offset| offset + skip);
    let part = |from: usize, to: usize| image.get(from..to).unwrap_or_default();
    match (at(rest.find(':')), at(rest.find('@'))) {
        (None, None) => (image, "", ""),
        (colon, Some(digest)) if colon.is_none_or(|colon| digest < colon) => (part(0, digest), "", part(digest + 1, image.len())),
        (Some(colon), Some(digest)) => (part(0, colon), part(colon + 1, digest), part(digest + 1, image.len())),
        (Some(colon), None) => (part(0, colon), part(colon + 1, image.len()), ""),
        (None, Some(_)) => (image, "", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn parts() {
        assert_eq!(split("nginx"), ("nginx", "", ""));
        assert_eq!(split("host:5000/nginx"), ("host:5000/nginx", "", ""));
        assert_eq!(split("host:5000/nginx:1.2"), ("host:5000/nginx", "1.2", ""));
        assert_eq!(split("nginx@sha256:ab"), ("nginx", "", "sha256:ab"));
        assert_eq!(split("nginx:1@sha256:ab"), ("nginx", "1", "sha256:ab"));
    }
}
