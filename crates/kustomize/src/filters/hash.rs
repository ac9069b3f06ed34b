//! A hash of the content at the end of generated objects' names.
//!
//! Follows `api/hasher/hasher.go` of kustomize 5.8.1.

use sha2::{Digest, Sha256};

use super::super::errors::{KResult, fail};
use super::super::json::Json;
use super::super::resmap::ResMap;
use super::super::transformer::Transformer;
use super::super::tree;
use hydrate_yaml::node::{Data, Node};

/// `HashTransformer`. Without one, hashes are added at the very end.
pub(crate) const TRANSFORMER: Transformer = Transformer { kind: "HashTransformer", of_file: |_| Ok(Box::new(apply)), of_fields: None };

/// Adds the hash to the names of the objects that ask for it.
pub(crate) fn apply(map: &mut ResMap) -> KResult<()> {
    if !map.list().iter().any(super::super::resource::Resource::needs_hash) {
        return Ok(());
    }
    let schemas = std::sync::Arc::clone(map.schemas());
    for res in map.list_mut() {
        if res.needs_hash() {
            let name = format!("{}-{}", res.name(), hash(&res.node)?);
            res.store_previous_id(&schemas);
            tree::set_name(&mut res.node, &name)?;
        }
    }
    Ok(())
}

/// The hash of a config map or secret: of its data, its kind and, for secrets, its type. The name does not take part: kustomize
/// looks for it under a key that does not exist.
pub(crate) fn hash(node: &Node) -> KResult<String> {
    let kind = tree::top_text(node, "kind");
    let (texts, maps): (&[&str], &[&str]) = match kind {
        "ConfigMap" => (&["data"], &["binaryData"]),
        "Secret" => (&["data", "type"], &["stringData"]),
        _ => return fail(format!("cannot hash an object of kind {kind:?}: only config maps and secrets are hashed")),
    };
    let mut fields = vec![("kind".into(), Json::String(kind.into())), ("name".into(), Json::String("".into()))];
    for name in texts {
        fields.push(((*name).into(), value(node, name)?));
    }
    for name in maps {
        if let json @ Json::Object(_) = value(node, name)? {
            fields.push(((*name).into(), json));
        }
    }
    let digest = Sha256::digest(Json::Object(fields).to_text().as_bytes());
    Ok(digest.iter().take(5).flat_map(|byte| [byte >> 4, byte & 15]).map(letter).collect())
}

fn value(node: &Node, name: &str) -> KResult<Json> {
    match node.get(name) {
        None => Ok(Json::String("".into())),
        Some(Node { data: Data::Scalar(text), .. }) => Ok(Json::String(text.clone())),
        // What is no object is lost on the way, and `null` remains.
        Some(field) => Ok(match Json::from_node(field)? {
            json @ Json::Object(_) => json,
            _ => Json::Null,
        }),
    }
}

/// Hexadecimal digits, without those that could make up words.
fn letter(digit: u8) -> char {
    match digit {
        0 => 'g',
        1 => 'h',
        3 => 'k',
        10 => 'm',
        14 => 't',
        digit => char::from_digit(u32::from(digit), 16).unwrap_or('g'),
    }
}
