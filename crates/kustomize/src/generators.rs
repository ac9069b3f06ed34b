//! Config maps and secrets made of literals, files and env files.
//!
//! Follows `api/internal/generators` and `api/kv` of kustomize 5.8.1.

use std::collections::BTreeMap;

use base64::Engine as _;
use ecow::EcoString;

use super::errors::{Fail, KResult, fail};
use super::kustomization::{GeneratorArgs, GeneratorOptions, SecretArgs};
use super::loader::Loader;
use super::resource::{Behavior, Resource};
use super::tree;
use hydrate_yaml::node::{Node, Tag};

/// The longest line of an env file: Go's scanner gives up silently at the first that is longer.
const MAX_LINE: usize = 64 * 1024;

/// Makes a config map.
pub(crate) fn config_map(loader: &Loader<'_>, args: &GeneratorArgs) -> KResult<Resource> {
    let mut node = base("ConfigMap", args)?;
    let mut fields: Vec<(&str, Vec<(String, Node)>)> = Vec::new();
    for (key, value) in data(loader, args)? {
        let (field, value) = match String::from_utf8(value) {
            Ok(text) => ("data", tree::data_value(&text)),
            Err(bytes) => ("binaryData", tree::data_value(&base64_lines(bytes.as_bytes()))),
        };
        match fields.iter_mut().find(|(known, _)| *known == field) {
            Some((_, entries)) => entries.push((key, value)),
            None => fields.push((field, vec![(key, value)])),
        }
    }
    for (field, entries) in fields {
        tree::add_all_at(&mut node, &[field], entries)?;
    }
    finish(node, args)
}

/// Makes a secret.
pub(crate) fn secret(loader: &Loader<'_>, secret: &SecretArgs) -> KResult<Resource> {
    let args = &secret.args;
    let mut node = base("Secret", args)?;
    tree::put(&mut node, "type", Node::string(if secret.kind.is_empty() { "Opaque".into() } else { secret.kind.clone() }));
    let entries = data(loader, args)?.into_iter();
    let entries = entries.map(|(key, value)| (tree::bare(key), tree::data_value(&base64_lines(&value))));
    tree::put(&mut node, "data", Node::mapping(entries.collect()));
    finish(node, args)
}

/// Options of one generator, completed by those for all.
pub(crate) fn merge_options(local: Option<GeneratorOptions>, global: Option<&GeneratorOptions>) -> Option<GeneratorOptions> {
    let Some(global) = global else { return local };
    let mut merged = local.unwrap_or_default();
    for (mine, theirs) in [(&mut merged.labels, &global.labels), (&mut merged.annotations, &global.annotations)] {
        for (key, value) in theirs {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    merged.disable_hash |= global.disable_hash;
    merged.immutable |= global.immutable;
    Some(merged)
}

fn base(kind: &str, args: &GeneratorArgs) -> KResult<Node> {
    if args.name.is_empty() {
        return fail("a configmap must have a name");
    }
    let mut meta = vec![(Node::string("name"), Node::string(args.name.clone()))];
    if !args.namespace.is_empty() {
        meta.push((Node::string("namespace"), Node::string(args.namespace.clone())));
    }
    Ok(Node::mapping(vec![
        (Node::string("apiVersion"), Node::string("v1")),
        (Node::string("kind"), Node::string(kind)),
        (Node::string("metadata"), Node::mapping(meta)),
    ]))
}

fn finish(mut node: Node, args: &GeneratorArgs) -> KResult<Resource> {
    if let Some(options) = &args.options {
        for (field, entries) in [("labels", &options.labels), ("annotations", &options.annotations)] {
            for (key, value) in entries {
                tree::set_at(&mut node, &["metadata", field], key, Node::string(value.clone()))?;
            }
        }
        if options.immutable {
            tree::put(&mut node, "immutable", Node::scalar(Tag::Bool, "true"));
        }
    }
    let mut res = Resource::new(node);
    if !args.options.as_ref().is_some_and(|options| options.disable_hash) {
        res.enable_hash();
    }
    res.set_behavior(Behavior::parse(&args.behavior));
    Ok(res)
}

/// Base64 in lines of 70 characters; on one line without a line break where it fits.
fn base64_lines(bytes: &[u8]) -> String {
    const WIDTH: usize = 70;
    let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
    if encoded.len() < WIDTH {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / WIDTH + 1);
    for (at, c) in encoded.char_indices() {
        if at > 0 && at % WIDTH == 0 {
            lines.push('\n');
        }
        lines.push(c);
    }
    lines.push('\n');
    lines
}

fn data(loader: &Loader<'_>, args: &GeneratorArgs) -> KResult<BTreeMap<String, Vec<u8>>> {
    let list = |texts: &[EcoString]| format!("[{}]", texts.join(" "));
    let mut pairs = Vec::new();
    for path in &args.envs {
        let lines = loader.load(path).and_then(|file| env_file(&file.text));
        pairs.extend(lines.map_err(|error| error.wrap(format!("env source files: {}", list(&args.envs))))?);
    }
    for source in &args.literals {
        pairs.push(literal(source).map_err(|error| error.wrap(format!("literal sources {}", list(&args.literals))))?);
    }
    for source in &args.files {
        let pair = file_source(source).and_then(|(key, path)| Ok((key, loader.load(path)?.text.to_vec())));
        pairs.push(pair.map_err(|error| error.wrap(format!("file sources: {}", list(&args.files))))?);
    }
    unique(pairs, &args.name)
}

fn unique(pairs: Vec<(String, Vec<u8>)>, name: &str) -> KResult<BTreeMap<String, Vec<u8>>> {
    let mut data = BTreeMap::new();
    for (key, value) in pairs {
        if data.contains_key(&key) {
            return fail(format!("configmap {name} illegally repeats the key `{key}`"));
        }
        data.insert(key, value);
    }
    Ok(data)
}

fn env_file(content: &[u8]) -> KResult<Vec<(String, Vec<u8>)>> {
    let mut pairs = Vec::new();
    for (number, line) in content.split(|c| *c == b'\n').enumerate() {
        if line.len() >= MAX_LINE {
            break;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line)
            .map_err(|_| Fail::new(format!("line {number} has invalid utf8 bytes : {}", String::from_utf8_lossy(line))))?;
        let text = if number == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}

fn literal(source: &str) -> KResult<(String, Vec<u8>)> {
    match source.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), unquoted(value).as_bytes().to_vec())),
        _ => fail(format!("invalid literal source {source}, expected key=value")),
    }
}

/// Without the quotes around it, if the same ones stand at both ends.
fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn file_source(source: &str) -> KResult<(String, &str)> {
    match source.matches('=').count() {
        0 => Ok((base_name(source).to_owned(), source)),
        1 => match source.split_once('=') {
            Some(("", path)) => fail(format!("missing key name for file path {path:?} in source {source:?}")),
            Some((key, "")) => fail(format!("missing file path for key name {key:?} in source {source:?}")),
            Some((key, path)) => Ok((key.to_owned(), path)),
            None => Ok((base_name(source).to_owned(), source)),
        },
        _ => fail(format!("source {source:?} key name or file path contains '='")),
    }
}

fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        _ if path.is_empty() => ".",
        Some("") | None => "/",
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{base64_lines, env_file, file_source, literal};

    #[test]
    fn sources() {
        assert_eq!(literal("a='b=c'").expect("valid"), ("a".to_owned(), b"b=c".to_vec()));
        assert_eq!(literal("a=\"b'").expect("valid").1, b"\"b'");
        assert!(literal("=b").is_err() && literal("a").is_err());
        assert_eq!(file_source("dir/app.conf").expect("valid"), ("app.conf".to_owned(), "dir/app.conf"));
        assert_eq!(file_source("k=dir/app.conf").expect("valid"), ("k".to_owned(), "dir/app.conf"));
        assert!(file_source("=x").is_err() && file_source("x=").is_err() && file_source("a=b=c").is_err());
    }

    #[test]
    fn env_files() {
        let pairs = env_file("\u{feff}A=1\r\n# no\n\n  B = 2 \nC\n".as_bytes()).expect("valid");
        let texts: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), String::from_utf8_lossy(value).into_owned())).collect();
        assert_eq!(texts, [("A", "1".to_owned()), ("B ", " 2 ".to_owned()), ("C", String::new())]);
        assert!(env_file(b"A=\xff").is_err());
    }

    #[test]
    fn base64_is_wrapped_at_70() {
        assert_eq!(base64_lines(&[0; 51]).len(), 68);
        assert_eq!(base64_lines(&[0; 52]).len(), 74);
        assert!(base64_lines(&[0; 200]).ends_with("\n"));
    }
}
