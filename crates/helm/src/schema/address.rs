//! Addresses of schemas (`$id`, `$ref`): their parts, and what a relative one means beside another.

use super::document::percent_decoded;

/// The address of a document, and the fragment behind `#` with its escapes undone.
pub(super) fn split(address: &str) -> (&str, String) {
    let (url, fragment) = address.split_once('#').unwrap_or((address, ""));
    (url, percent_decoded(fragment))
}

/// What `reference` (without a fragment) means in a document at `base`, as RFC 3986 and Go's `URL.ResolveReference` say.
pub(super) fn join(base: &str, reference: &str) -> String {
    if scheme(reference).is_some() {
        return reference.to_owned();
    }
    if reference.is_empty() {
        return base.to_owned();
    }
    let start = scheme(base).map_or(0, |scheme| scheme.len() + 1);
    if reference.starts_with("//") {
        return format!("{}{reference}", &base[..start]);
    }
    if start > 0 && !base[start..].starts_with('/') {
        // A URN has no parts that something could be relative to.
        return base.to_owned();
    }
    let path_start = match base[start..].strip_prefix("//") {
        Some(authority) => base.len() - authority.len() + authority.find(['/', '?']).unwrap_or(authority.len()),
        None => start,
    };
    let (root, path) = base.split_at(path_start);
    let path = path.split('?').next().unwrap_or_default();
    let (wanted, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
    let full = match wanted {
        "" => path.to_owned(),
        wanted if wanted.starts_with('/') => wanted.to_owned(),
        wanted => format!("{}{wanted}", &path[..path.rfind('/').map_or(0, |slash| slash + 1)]),
    };
    format!("{root}{}{query}", without_dots(&full))
}

fn scheme(address: &str) -> Option<&str> {
    let (scheme, _) = address.split_once(':')?;
    let first = scheme.chars().next()?;
    (first.is_ascii_alphabetic() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))).then_some(scheme)
}

/// A path without `.` and `..`, from the root.
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." if last => out.push(""),
            "." => {}
            ".." => {
                out.pop();
                if last {
                    out.push("");
                }
            }
            segment => out.push(segment),
        }
    }
    format!("/{}", out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses() {
        for (base, reference, joined) in [
            ("file:///values.schema.json", "d.json", "file:///d.json"),
            ("https://e.org/a/b.json", "../c.json", "https://e.org/c.json"),
            ("https://e.org/a/b.json", "/c", "https://e.org/c"),
            ("https://e.org", "c", "https://e.org/c"),
            ("https://e.org/a?x", "?y", "https://e.org/a?y"),
            ("https://e.org/a", "//f.org/b", "https://f.org/b"),
            ("https://e.org/a", "urn:x:y", "urn:x:y"),
            ("urn:x:y", "z", "urn:x:y"),
            ("", "d.json", "/d.json"),
            ("https://e.org/a/", "./b/.", "https://e.org/a/b/"),
        ] {
            assert_eq!(join(base, reference), joined, "{reference} at {base}");
        }
        assert_eq!(split("a#/b%20c"), ("a", "/b c".to_owned()));
    }
}
