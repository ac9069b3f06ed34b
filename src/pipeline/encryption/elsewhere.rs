//! What Secrets are encrypted for, in plain text in other places.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hydrate_source::Document;

use super::{Sealed, decided, is_to_be_encrypted};
use crate::pipeline::fields::{Field, fields};

/// Shorter values stand elsewhere by accident.
const CERTAIN: usize = 12;

/// What stands in plain text although a Secret is encrypted for it.
pub(super) struct Plain {
    /// The number of the Secret, and of the document that says it.
    pub(super) of: usize,
    pub(super) at: usize,
    /// The field of the Secret.
    pub(super) path: String,
    pub(super) value: String,
}

/// Where documents say in plain text what chance has decided of Secrets.
pub(super) fn in_plain_text(documents: &[Document], sealed: &[Sealed], references: &BTreeMap<usize, String>) -> Vec<Plain> {
    let mut found = Vec::new();
    for secret in sealed.iter().filter(|sealed| sealed.is_secret) {
        let (Some(document), Some(reference)) = (documents.get(secret.at), references.get(&secret.at)) else { continue };
        let paths: Vec<String> = decided(&document.text, reference).into_iter().map(|field| field.path).collect();
        for field in
            fields(&document.text).into_iter().filter(|field| paths.contains(&field.path) && is_to_be_encrypted(document, &field.path))
        {
            let value = if field.path.starts_with("/data/") {
                BASE64.decode(field.text.trim()).ok().and_then(|plain| String::from_utf8(plain).ok()).unwrap_or_default()
            } else {
                field.text
            };
            let value = value.trim_end().to_owned();
            // A certificate is for everybody to read.
            if value.len() < CERTAIN || value.contains("-----BEGIN CERTIFICATE") {
                continue;
            }
            let says_it = |(at, other): &(usize, &Document)| {
                let is_secret = sealed.iter().any(|sealed| sealed.is_secret && sealed.at == *at);
                let is_open = |field: &Field| !(is_secret && is_to_be_encrypted(other, &field.path));
                says(&other.text, &value) && fields(&other.text).iter().any(|field| is_open(field) && says(&field.text, &value))
            };
            let all = documents.iter().enumerate().filter(says_it);
            found.extend(all.map(|(at, _)| Plain { of: secret.at, at, path: field.path.clone(), value: value.clone() }));
        }
    }
    found
}

/// Whether a text has a value in it, as it is or in base 64.
pub(super) fn says(text: &str, value: &str) -> bool {
    text.contains(value) || text.contains(&BASE64.encode(value))
}
