//! URLs, as Go reads those of requests.

use std::collections::BTreeMap;

use hydrate_sprig::{RequestUri, query_pairs, request_uri};

/// A URL.
#[derive(Debug, Clone)]
pub struct Url {
    text: String,
    parts: RequestUri,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), parts: request_uri(text)? })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn parts(&self) -> &RequestUri {
        &self.parts
    }

    pub(crate) fn port(&self) -> &str {
        let host = &self.parts.host;
        let after = host.rfind(']').map_or(host.as_str(), |end| &host[end..]);
        after.rsplit_once(':').map_or("", |(_, port)| port)
    }

    pub(crate) fn query(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in query_pairs(&self.parts.query) {
            all.entry(key).or_default().push(value);
        }
        all
    }
}
