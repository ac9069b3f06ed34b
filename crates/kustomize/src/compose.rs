//! Parses text into trees, with `hydrate-yaml`.

use super::errors::{Fail, KResult};
use hydrate_yaml::compose::Composer;
use hydrate_yaml::node::{Document, Node};
use hydrate_yaml::{Input, block};

/// The first document of a text; `None` if there is none or it is empty.
pub(crate) fn first(text: &[u8]) -> KResult<Option<Node>> {
    let input = Input::new(text);
    if let Some(root) = block::read(&input) {
        return Ok(Some(root));
    }
    match Composer::new(&input).next() {
        Some(Ok(document)) => Ok(document.root),
        Some(Err(error)) => Err(Fail::new(error.to_string())),
        None => Ok(None),
    }
}

/// The first document of a text with its comments.
pub(crate) fn document(text: &[u8]) -> KResult<Document> {
    let input = Input::new(text);
    match Composer::new(&input).next() {
        Some(Ok(document)) => Ok(document),
        Some(Err(error)) => Err(Fail::new(error.to_string())),
        None => Ok(Document { root: None, head: Default::default(), foot: Default::default() }),
    }
}
