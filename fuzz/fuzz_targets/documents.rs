//! A text as a stream of documents: split at its markers, told who each is, and put into a namespace. What the quick ways through
//! the text answer is what the parser says.

#![no_main]

use hydrate_base::SourceFile;
use hydrate_source::{Origin, Trust, documents, namespace, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(streams) = hydrate_yaml::compose(data) {
        let full = split(text).iter().filter_map(|piece| hydrate_yaml::compose(piece.text.as_bytes()).ok()).flatten().count();
        assert!(full >= streams.iter().filter(|document| document.root.is_some()).count(), "a document is lost");
    }
    let file = SourceFile::new("input", text.as_bytes());
    let origin = Origin { source: "input".into(), file: None, line: 0 };
    for document in documents(&file, &origin, Trust::Raw).unwrap_or_default() {
        let _ = namespace::set(&document.text, "team");
    }
});
