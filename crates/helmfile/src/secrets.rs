//! References to secrets: `ref+scheme://…` and `secretref+…`, as `vals` knows them, and encrypted files of SOPS.
//!
//! Where nothing resolves them, references stay as they are written, and a value of an encrypted file becomes the
//! reference that stands for it.
//!
//! Follows `pkg/expansion/expand_match.go` of helmfile/vals 0.46.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use hydrate_base::world::go_read_text;
use hydrate_base::{Diagnostic, Result as Checked, SourceFile, World};
use hydrate_gotmpl::{List, Map, Value, fmt};

use crate::{Version, yaml};

/// Resolves references to secrets that need more than this disk: a program, a network.
pub trait SecretResolver: Send + Sync {
    /// What a reference stands for, as it is written: `ref+vault://secret/data/db#/password`. Paths in it are relative to
    /// `directory`.
    ///
    /// # Errors
    /// Why it cannot be had; no part of a secret.
    fn resolve(&self, directory: &Path, reference: &str) -> Result<String, String>;

    /// The text of a file that SOPS has encrypted, in one of its formats (`yaml`, `json`, `dotenv`, `ini`, `binary`),
    /// decrypted and in the same format; that of a file of age itself for `age`. `None` where it is to stay encrypted: what is
    /// in it are references then, as without anybody who resolves them. `name` is what the file is called in messages.
    ///
    /// # Errors
    /// Why it cannot be decrypted; no part of a secret.
    fn decrypt(&self, name: &str, format: &str, text: &[u8]) -> Result<Option<Vec<u8>>, String>;

    /// Hears of the text of a file that a reference takes as it is (`ref+file://`).
    fn note(&self, _text: &[u8]) {}
}

/// What becomes of references to secrets.
#[derive(Clone, Default)]
pub(crate) struct Secrets(pub Option<Arc<dyn SecretResolver>>);

/// What marks a reference.
const MARK: &str = "ref+";

/// How deep a reference may stand in another one.
const MAX_NESTING: usize = 10;

impl Secrets {
    /// References whose paths are relative to a directory.
    pub(crate) fn at<'a>(&'a self, world: &'a dyn World, directory: &'a Path) -> References<'a> {
        References { resolver: self.0.as_deref(), world, directory }
    }
}

/// References in the values of one directory.
pub(crate) struct References<'a> {
    resolver: Option<&'a dyn SecretResolver>,
    world: &'a dyn World,
    directory: &'a Path,
}

impl References<'_> {
    /// A text with what the references in it stand for, where they are resolved.
    pub(crate) fn text(&self, text: &str) -> Result<String, String> {
        Ok(fmt::to_text(&self.value(&Value::str(text))?))
    }

    /// A value with what the references in it stand for. A text that is nothing but a reference takes the type of what
    /// that stands for.
    pub(crate) fn value(&self, value: &Value) -> Result<Value, String> {
        let Some(resolver) = self.resolver else { return Ok(unresolved(self.world, value)) };
        let lookup = |reference: &str| {
            let name = format!("{MARK}{reference}");
            let found = self.lookup(resolver, reference).map_err(|error| format!("expand {reference}: {error}"))?;
            Ok(found.map_or_else(|| Value::str(self.world.secret(&name, &name, false)), |found| known(self.world, &name, &found)))
        };
        expand(&lookup, value)
    }

    /// What a reference without its mark stands for; `None` where it stays as it is.
    fn lookup(&self, resolver: &dyn SecretResolver, reference: &str) -> Result<Option<Value>, String> {
        let (scheme, rest) = reference.split_once("://").unwrap_or((reference, ""));
        let (rest, fragment) = rest.split_once('#').map_or((rest, ""), |(rest, fragment)| (rest, fragment.trim_start_matches('/')));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        match (scheme, query) {
            ("echo", _) if fragment.is_empty() => Ok(Some(Value::str(path.trim_end_matches('/')))),
            ("file", "") => {
                let text = self.read(path)?;
                resolver.note(&text);
                part(&text, fragment).map(Some)
            }
            ("sops", "") => {
                let format = if fragment.is_empty() { sops_format(path) } else { "yaml" };
                resolver.decrypt(path, format, &self.read(path)?)?.map(|text| part(&text, fragment)).transpose()
            }
            _ => resolver.resolve(self.directory, &format!("{MARK}{reference}")).map(|text| Some(Value::str(text))),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = path.strip_suffix('/').unwrap_or(path);
        self.world.read(&self.directory.join(path)).map(|text| text.to_vec()).map_err(|error| go_read_text(path, &error))
    }
}

/// The format that SOPS takes a file for.
pub(crate) fn sops_format(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "yaml" | "yml" => "yaml",
        "json" => "json",
        "env" => "dotenv",
        "ini" => "ini",
        _ => "binary",
    }
}

/// A text, or the value in it that a reference names.
fn part(text: &[u8], fragment: &str) -> Result<Value, String> {
    if fragment.is_empty() { Ok(Value::str(text)) } else { value_at(text, fragment) }
}

/// The value behind keys in a map: `db/password`.
fn value_at(text: &[u8], keys: &str) -> Result<Value, String> {
    let mut value = Value::Map(yaml::decode_map(text, Version::V1)?);
    for key in keys.split('/') {
        let Value::Map(map) = &value else {
            return Err(format!("unexpected type of value for key at {key} in {keys}: expected a map, got {}", value.type_name()));
        };
        let Some(found) = map.get(key.as_bytes()) else { return Err(format!("no value found for key {keys}")) };
        value = found;
    }
    Ok(value)
}

/// A value whose references stay as they are, each of which the world gets to know.
fn unresolved(world: &dyn World, value: &Value) -> Value {
    match value {
        Value::Str(text) => match text.to_str().filter(|text| text.contains(MARK)) {
            Some(text) => Value::str(unresolved_text(world, text)),
            None => value.clone(),
        },
        Value::List(list) => Value::List(List::new(list.items().iter().map(|item| unresolved(world, item)).collect::<Vec<_>>())),
        Value::Map(map) => Value::Map(Map::from_entries(
            map.entries().iter().map(|(key, value)| (key.clone(), unresolved(world, value))).collect::<Vec<_>>(),
        )),
        other => other.clone(),
    }
}

/// The same for a text: in a rendering that looks for what depends on secrets, the references are other texts.
pub(crate) fn unresolved_text(world: &dyn World, text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(found) = find(rest) {
        let reference = &rest[found.whole.start..found.reference.end];
        out.push_str(&rest[..found.whole.start]);
        out.push_str(&world.secret(reference, reference, false));
        out.push_str(&rest[found.reference.end..found.whole.end]);
        rest = &rest[found.whole.end..];
    }
    out + rest
}

/// A secret that is known, in all its texts and numbers: the world gets to know its name.
fn known(world: &dyn World, name: &str, value: &Value) -> Value {
    match value {
        Value::Str(text) => text.to_str().map_or_else(|| value.clone(), |text| Value::str(world.secret(name, text, true))),
        Value::Int(number) => world.secret(name, &number.to_string(), true).parse().map_or_else(|_| value.clone(), Value::Int),
        Value::List(list) => Value::List(List::new(list.items().iter().map(|item| known(world, name, item)).collect::<Vec<_>>())),
        Value::Map(map) => Value::Map(Map::from_entries(
            map.entries().iter().map(|(key, value)| (key.clone(), known(world, name, value))).collect::<Vec<_>>(),
        )),
        other => {
            world.secret(name, &fmt::to_text(other), true);
            other.clone()
        }
    }
}

type Lookup<'a> = dyn Fn(&str) -> Result<Value, String> + 'a;

fn expand(lookup: &Lookup<'_>, value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::Str(text) => match text.to_str() {
            Some(text) if text.contains(MARK) => expand_text(lookup, text)?,
            _ => value.clone(),
        },
        Value::List(list) => Value::List(List::new(list.items().iter().map(|item| expand(lookup, item)).collect::<Result<_, _>>()?)),
        Value::Map(map) => {
            let entries: Result<Vec<_>, String> =
                map.entries().iter().map(|(key, value)| Ok((key.clone(), expand(lookup, value)?))).collect();
            Value::Map(Map::from_entries(entries?))
        }
        other => other.clone(),
    })
}

fn expand_text(lookup: &Lookup<'_>, text: &str) -> Result<Value, String> {
    let text = expand_nested(lookup, text.to_owned())?;
    let (mut expanded, mut rest) = (String::new(), text.as_str());
    while let Some(found) = find(rest) {
        let value = lookup(&rest[found.reference.clone()])?;
        if expanded.is_empty() && found.whole == (0..text.len()) {
            return Ok(value);
        }
        expanded.push_str(&rest[..found.whole.start]);
        expanded.push_str(&fmt::to_text(&value));
        rest = &rest[found.whole.end..];
    }
    Ok(Value::str(expanded + rest))
}

/// Resolves references that stand in references, from the inside out: `ref+echo://ref+envsubst://$NAME/path`.
fn expand_nested(lookup: &Lookup<'_>, mut text: String) -> Result<String, String> {
    for _ in 0..MAX_NESTING {
        let marks: Vec<Range<usize>> = marks(&text).collect();
        let is_nested = |pair: &&[Range<usize>]| !text[pair[0].end..pair[1].start].contains([' ', '\n', '\r', '\t', '"', ',']);
        let inner = marks.windows(2).rev().filter(is_nested).find_map(|pair| Some((pair[1].start, find(&text[pair[1].start..])?)));
        let Some((start, found)) = inner else { return Ok(text) };
        let reference = &text[start..][found.reference.clone()];
        let value = lookup(reference)?;
        if matches!(value, Value::Nil | Value::List(_) | Value::Map(_)) {
            return Err(format!("nested ref {reference} resolved to {}; nested refs must resolve to scalar values", value.type_name()));
        }
        text = format!("{}{}{}", &text[..start + found.whole.start], fmt::to_text(&value), &text[start + found.whole.end..]);
    }
    Err(format!("maximum nesting depth ({MAX_NESTING}) exceeded"))
}

/// Where references are marked.
fn marks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices(MARK).map(|(at, _)| (if text[..at].ends_with("secret") { at - "secret".len() } else { at })..at + MARK.len())
}

/// A reference in a text.
struct Found {
    /// With its mark, and the `+` that may end it.
    whole: Range<usize>,
    /// Without them.
    reference: Range<usize>,
}

/// The first reference: `((secret)?ref)\+([^\+:]*:\/\/[^\+\n ]+[^\+\n ",])\+?`
fn find(text: &str) -> Option<Found> {
    marks(text).find_map(|mark| {
        let rest = &text[mark.end..];
        let scheme = rest.find(['+', ':']).filter(|at| rest[*at..].starts_with("://"))?;
        let path = &rest[scheme + 3..];
        let run = &path[..path.find(['+', '\n', ' ']).unwrap_or(path.len())];
        let run = run.trim_end_matches(['"', ',']);
        run.chars().nth(1)?;
        let end = mark.end + scheme + 3 + run.len();
        let closed = end + usize::from(text[end..].starts_with('+'));
        Some(Found { whole: mark.start..closed, reference: mark.end..end })
    })
}

/// The references to secrets in a text, as they are written.
///
/// What a value of a helmfile holds where nothing has resolved it: `ref+vault://secret/db#/password`.
pub fn references(text: &str) -> Vec<&str> {
    let (mut all, mut rest) = (Vec::new(), text);
    while let Some(found) = find(rest) {
        all.push(&rest[found.whole.start..found.reference.end]);
        rest = &rest[found.whole.end..];
    }
    all
}

/// Whether a text holds what marks a reference.
pub(crate) fn has_mark(text: &[u8]) -> bool {
    text.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

/// The text of a file that may be encrypted, decrypted; where nothing decrypts it, with references in place of what is encrypted.
pub(crate) fn decrypted(world: &dyn World, resolver: Option<&dyn SecretResolver>, file: &SourceFile, version: Version) -> Checked<Vec<u8>> {
    let Some(resolver) = resolver else { return placeholders(world, file, version) };
    let format = sops_format(&file.name);
    let encrypted = yaml::decode_map(&file.text, version).ok().filter(|_| matches!(format, "yaml" | "json"));
    if encrypted.as_ref().is_some_and(|values| values.get(b"sops").is_none()) {
        return Ok(file.text.to_vec());
    }
    let failed = |error| Diagnostic::error(format!("{} cannot be decrypted: {error}", file.name));
    let Some(text) = resolver.decrypt(&file.name, format, &file.text).map_err(failed)? else { return placeholders(world, file, version) };
    known_text(world, file, encrypted, text, version).map_err(failed)
}

/// A decrypted text, of whose values the world gets to know those that were encrypted; all of them, where it cannot be told.
fn known_text(world: &dyn World, file: &SourceFile, encrypted: Option<Map>, text: Vec<u8>, version: Version) -> Result<Vec<u8>, String> {
    let (Some(encrypted), Ok(values)) = (encrypted, yaml::decode_map(&text, version)) else {
        let known = String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        return Ok(world.secret(&file.name, &known, true).into_bytes());
    };
    let met = met(world, &Value::Map(encrypted), &Value::Map(values.clone()), &file.name, &mut Vec::new());
    // What is not disguised stays as the program has written it.
    let (met, plain) = (yaml::encode(&met, version)?, yaml::encode(&Value::Map(values), version)?);
    Ok(if met == plain { text } else { met })
}

/// The values of a decrypted file, of which the world gets to know those that were encrypted.
fn met(world: &dyn World, encrypted: &Value, value: &Value, path: &str, keys: &mut Vec<String>) -> Value {
    match (encrypted, value) {
        (Value::List(encrypted), Value::List(list)) => {
            let (encrypted, items) = (encrypted.items(), list.items());
            let all = encrypted.iter().zip(items.iter()).enumerate().map(|(at, (encrypted, item))| {
                keys.push(at.to_string());
                let met = met(world, encrypted, item, path, keys);
                keys.pop();
                met
            });
            Value::List(List::new(all.collect::<Vec<_>>()))
        }
        (Value::Map(encrypted), Value::Map(map)) => {
            let entries = map.entries();
            let all = entries.iter().map(|(key, value)| {
                keys.push(key.to_str_lossy().into_owned());
                let met =
                    encrypted.get(key.as_bytes()).map_or_else(|| value.clone(), |encrypted| met(world, &encrypted, value, path, keys));
                keys.pop();
                (key.clone(), met)
            });
            Value::Map(Map::from_entries(all.collect::<Vec<_>>()))
        }
        (Value::Str(text), value) if is_encrypted(&text.to_str_lossy()) => known(world, &reference(path, keys), value),
        _ => value.clone(),
    }
}

fn is_encrypted(text: &str) -> bool {
    text.starts_with("ENC[")
}

/// The reference that stands for a value of an encrypted file.
fn reference(path: &str, keys: &[String]) -> String {
    format!("ref+sops://{path}#/{}", keys.join("/"))
}

/// The values of an encrypted file that nothing decrypts: for each encrypted one the reference that stands for it. A file
/// that is not encrypted is given back.
///
/// # Errors
/// A text that is no map in YAML.
pub(crate) fn placeholders(world: &dyn World, file: &SourceFile, version: Version) -> Checked<Vec<u8>> {
    let undecided = || {
        Diagnostic::error(format!("{} is encrypted, and nothing is known of its values", file.name))
            .note("a file of SOPS in YAML or JSON is a map with `sops` beside its values")
            .help("write the secrets in YAML, or leave the file out of the environment that is rendered")
    };
    let values = yaml::decode_map(&file.text, version).map_err(|_| undecided())?;
    if values.remove(b"sops").is_none() {
        return Ok(file.text.to_vec());
    }
    let standing_for = |value: &Value, keys: &[String]| match value {
        Value::Str(text) if is_encrypted(&text.to_str_lossy()) => {
            let reference = reference(&file.name, keys);
            Value::str(world.secret(&reference, &reference, false))
        }
        other => other.clone(),
    };
    let values = mapped(&Value::Map(values), &mut Vec::new(), &standing_for);
    yaml::encode(&values, version).map_err(Diagnostic::error)
}

/// The values of a file that SOPS or age has encrypted, decrypted; with references in place of what is encrypted where nothing decrypts it. `None` for any
/// other file. The references have the file's name in them.
///
/// # Errors
/// A file that cannot be decrypted, and one that is encrypted whole, of which nothing can be told, where nothing decrypts it.
pub fn decrypted_values(
    world: &dyn World,
    resolver: Option<&dyn SecretResolver>,
    file: &SourceFile,
    version: Version,
) -> Checked<Option<Vec<u8>>> {
    if is_age(&file.text) {
        return of_age(world, resolver, file, version).map(Some);
    }
    let is_candidate = file.text.windows(4).any(|window| window == b"sops") && file.text.windows(4).any(|window| window == b"ENC[");
    let is_encrypted = || yaml::decode_map(&file.text, version).is_ok_and(|values| values.get(b"sops").is_some());
    if is_candidate && is_encrypted() { decrypted(world, resolver, file, version).map(Some) } else { Ok(None) }
}

fn is_age(text: &[u8]) -> bool {
    const HEADS: [&[u8]; 2] = [b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----"];
    HEADS.iter().any(|head| text.starts_with(head))
}

/// The values of a file that age has encrypted whole: all of them are secrets.
fn of_age(world: &dyn World, resolver: Option<&dyn SecretResolver>, file: &SourceFile, version: Version) -> Checked<Vec<u8>> {
    let unknown = || {
        Diagnostic::error(format!("{} is encrypted with age, and nothing is known of its values", file.name))
            .help("encrypt the values with SOPS, which leaves their keys readable")
    };
    let Some(resolver) = resolver else { return Err(unknown()) };
    let failed = |error| Diagnostic::error(format!("{} cannot be decrypted: {error}", file.name));
    let Some(text) = resolver.decrypt(&file.name, "age", &file.text).map_err(failed)? else {
        return Err(
            unknown().help("or run hydrate where a key is: SOPS_AGE_KEY, SOPS_AGE_KEY_FILE or ~/.config/sops/age/keys.txt, as for `sops`")
        );
    };
    // What is wrong with it is not told: it may tell a secret.
    let values = yaml::decode_map(&text, version).map_err(|_| failed("what is in it is no map in YAML".to_owned()))?;
    let met = |value: &Value, keys: &[String]| known(world, &format!("{}#/{}", file.name, keys.join("/")), value);
    yaml::encode(&mapped(&Value::Map(values), &mut Vec::new(), &met), version).map_err(failed)
}

/// A value with what is given for each of its scalars and the keys that lead to it.
fn mapped(value: &Value, keys: &mut Vec<String>, each: &dyn Fn(&Value, &[String]) -> Value) -> Value {
    let mut below = |key: String, value: &Value| {
        keys.push(key);
        let value = mapped(value, keys, each);
        keys.pop();
        value
    };
    match value {
        Value::List(list) => {
            Value::List(List::new(list.items().iter().enumerate().map(|(at, item)| below(at.to_string(), item)).collect::<Vec<_>>()))
        }
        Value::Map(map) => Value::Map(Map::from_entries(
            map.entries().iter().map(|(key, value)| (key.clone(), below(key.to_str_lossy().into_owned(), value))).collect::<Vec<_>>(),
        )),
        scalar => each(scalar, keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;

    struct Others;

    impl SecretResolver for Others {
        fn resolve(&self, _: &Path, reference: &str) -> Result<String, String> {
            Err(format!("no program for {reference}"))
        }

        fn decrypt(&self, _: &str, format: &str, text: &[u8]) -> Result<Option<Vec<u8>>, String> {
            Ok(Some([format.as_bytes(), b"_secret: ", text].concat()))
        }
    }

    fn value(text: &str) -> Result<Value, String> {
        let world = MemoryWorld::new().with_file("/p/s.yaml", "{a: {b: 12, c: x}}");
        Secrets(Some(Arc::new(Others))).at(&world, Path::new("/p")).value(&Value::str(text))
    }

    fn expanded(text: &str) -> Result<String, String> {
        value(text).map(|value| fmt::to_text(&value))
    }

    #[test]
    fn references_are_found_where_vals_finds_them() {
        assert_eq!(references("ref+echo://abc"), ["ref+echo://abc"]);
        assert_eq!(references("a secretref+vault://x/y#/z, ref+a://bc+d"), ["secretref+vault://x/y#/z", "ref+a://bc"]);
        assert_eq!(references("{\"a\":\"ref+echo://abc\",\"b\":1}"), ["ref+echo://abc\",\"b\":1}"]);
        assert_eq!(references("\"ref+echo://abc\","), ["ref+echo://abc"]);
        for text in ["ref+", "ref+echo:/x", "ref+echo://", "ref+echo://a", "ref+a+b://cd", "xref +a://bc", "preference"] {
            assert!(references(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn references_are_resolved_as_vals_resolves_them() {
        assert_eq!(expanded("ref+echo://abc/").unwrap(), "abc");
        assert_eq!(expanded("u:ref+echo://abc+@host").unwrap(), "u:abc@host");
        assert_eq!(expanded("secretref+echo://abc ref+echo://de").unwrap(), "abc de");
        assert_eq!(expanded("ref+echo://ref+echo://bc/d").unwrap(), "bc/d");
        assert_eq!(expanded("nothing").unwrap(), "nothing");
        assert_eq!(expanded("ref+vault://abc").unwrap_err(), "expand vault://abc: no program for ref+vault://abc");
        assert!(matches!(value("ref+file://s.yaml#/a/b").unwrap(), Value::Int(12)));
        assert!(matches!(value("ref+file://s.yaml#/a/b ").unwrap(), Value::Str(_)));
        assert_eq!(expanded("ref+file://s.yaml").unwrap(), "{a: {b: 12, c: x}}");
        assert_eq!(expanded("ref+sops://s.yaml#/yaml_secret/a/c").unwrap(), "x");
        assert_eq!(expanded("ref+file://s.yaml#/a/d").unwrap_err(), "expand file://s.yaml#/a/d: no value found for key a/d");
        assert_eq!(expanded("ref+file://no.yaml").unwrap_err(), "expand file://no.yaml: open no.yaml: no such file or directory");
    }

    #[test]
    fn encrypted_values_become_references() {
        let world = MemoryWorld::new();
        let text = "a: ENC[AES256_GCM,data:x]\nb:\n  c:\n  - ENC[AES256_GCM]\n  d_plain: 1\nsops:\n  version: 3\n";
        let file = SourceFile::new("c/s.yaml".to_owned(), text.as_bytes().to_vec());
        let text = String::from_utf8(placeholders(&world, &file, Version::V1).unwrap()).unwrap();
        assert_eq!(text, "a: ref+sops://c/s.yaml#/a\nb:\n  c:\n    - ref+sops://c/s.yaml#/b/c/0\n  d_plain: 1\n");
        let plain = SourceFile::new("s.yaml".to_owned(), b"a: 1 # one\n".to_vec());
        assert_eq!(placeholders(&world, &plain, Version::V1).unwrap(), b"a: 1 # one\n");
        assert!(placeholders(&world, &SourceFile::new("s".to_owned(), b"\x01\x02".to_vec()), Version::V1).is_err());
    }
}
