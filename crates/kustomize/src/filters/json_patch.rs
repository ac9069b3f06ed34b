//! JSON patches (RFC 6902), with the special cases of `evanphx/json-patch` v4.13: negative indices, missing keys that may be
//! replaced, `null`s that cannot be walked through.

use ecow::EcoString;

use super::super::errors::{Fail, KResult, fail};
use super::super::json::Json;
use super::super::scalar::go_atoi;
use hydrate_yaml::node::Node;

/// Operations in order.
pub(crate) type Patch = Vec<Operation>;

/// One operation; its fields are looked at when it is carried out.
#[derive(Debug, Clone)]
pub(crate) struct Operation(Vec<(EcoString, Json)>);

/// Reads a patch: JSON if it begins with a bracket, YAML otherwise. Nothing at all gives no operations.
pub(crate) fn parse(text: &str) -> KResult<Patch> {
    if text.is_empty() {
        return fail("empty json patch operations");
    }
    let json = if text.starts_with('[') { Json::parse(text)? } else { Json::from_yaml(text)? };
    match json {
        Json::Null => Ok(Vec::new()),
        Json::Array(items) => items.into_iter().map(operation).collect(),
        _ => fail("json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
    }
}

fn operation(json: Json) -> KResult<Operation> {
    match json {
        Json::Object(fields) => Ok(Operation(fields)),
        Json::Null => Ok(Operation(Vec::new())),
        _ => fail("json: cannot unmarshal string into Go value of type jsonpatch.Operation"),
    }
}

/// Carries out a patch on an object.
pub(crate) fn apply(object: &mut Node, patch: &Patch) -> KResult<()> {
    let mut json = Json::from_node(object)?;
    for operation in patch {
        operation.apply(&mut json)?;
    }
    match json {
        Json::Object(_) => *object = json.to_node(),
        Json::Null => *object = Json::Object(Vec::new()).to_node(),
        _ => return fail("json: cannot unmarshal array into Go value of type map[string]interface {}"),
    }
    Ok(())
}

impl Operation {
    fn field(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> KResult<&str> {
        match self.field(name) {
            Some(Json::String(text)) => Ok(text),
            Some(Json::Null) | None => fail(format!("operation missing {name} field: missing value")),
            Some(_) => fail("json: cannot unmarshal value into Go value of type string"),
        }
    }

    fn value(&self) -> Json {
        // A missing value is written as `null`.
        self.field("value").cloned().unwrap_or(Json::Null)
    }

    fn apply(&self, doc: &mut Json) -> KResult<()> {
        let kind = match self.field("op") {
            Some(Json::String(kind)) => kind.as_str(),
            _ => "unknown",
        };
        match kind {
            "add" => self.add(doc),
            "remove" => self.remove(doc),
            "replace" => self.replace(doc),
            "move" => self.transfer(doc, true),
            "copy" => self.transfer(doc, false),
            "test" => self.test(doc),
            other => fail(format!("Unexpected kind: {other}")),
        }
    }

    fn add(&self, doc: &mut Json) -> KResult<()> {
        let path = self.text("path").map_err(|_| Fail::new("add operation failed to decode path: missing value"))?;
        let (parent, key) =
            find(doc, path).ok_or_else(|| missing(format!("add operation does not apply: doc is missing path: \"{path}\"")))?;
        insert(parent, &key, self.value()).map_err(|error| error.wrap(format!("error in add for path: '{path}'")))
    }

    fn remove(&self, doc: &mut Json) -> KResult<()> {
        let path = self.text("path").map_err(|_| Fail::new("remove operation failed to decode path: missing value"))?;
        let (parent, key) =
            find(doc, path).ok_or_else(|| missing(format!("remove operation does not apply: doc is missing path: \"{path}\"")))?;
        take(parent, &key).map(drop).map_err(|error| error.wrap(format!("error in remove for path: '{path}'")))
    }

    fn replace(&self, doc: &mut Json) -> KResult<()> {
        let path = self.text("path").map_err(|error| error.wrap("replace operation failed to decode path"))?;
        let (parent, key) =
            find(doc, path).ok_or_else(|| missing(format!("replace operation does not apply: doc is missing path: {path}")))?;
        let value = self.value();
        match parent {
            Json::Object(entries) => put(entries, &key, value),
            Json::Array(items) => {
                let slot = position(&key).and_then(|at| index(at, items.len())).ok().and_then(|at| items.get_mut(at));
                *slot.ok_or_else(|| missing(format!("replace operation does not apply: doc is missing key: {path}")))? = value;
            }
            _ => return Err(missing(format!("replace operation does not apply: doc is missing path: {path}"))),
        }
        Ok(())
    }

    fn transfer(&self, doc: &mut Json, moved: bool) -> KResult<()> {
        let name = if moved { "move" } else { "copy" };
        let from = self.text("from").map_err(|error| error.wrap(format!("{name} operation failed to decode from")))?;
        let (parent, key) =
            find(doc, from).ok_or_else(|| missing(format!("{name} operation does not apply: doc is missing from path: {from}")))?;
        let wrap = |error: Fail| error.wrap(format!("error in {name} for path: '{from}'"));
        let value = if moved { take(parent, &key).map_err(wrap)? } else { get(parent, &key).map_err(wrap)?.cloned().unwrap_or(Json::Null) };
        let path = self.text("path").map_err(|error| error.wrap(format!("{name} operation failed to decode path")))?;
        let (parent, key) =
            find(doc, path).ok_or_else(|| missing(format!("{name} operation does not apply: doc is missing destination path: {path}")))?;
        insert(parent, &key, value).map_err(|error| error.wrap(format!("error in {name} for path: '{path}'")))
    }

    fn test(&self, doc: &mut Json) -> KResult<()> {
        let path = self.text("path").map_err(|error| error.wrap("test operation failed to decode path"))?;
        let (parent, key) = find(doc, path).ok_or_else(|| missing(format!("test operation does not apply: is missing path: {path}")))?;
        let value = get(parent, &key).map_err(|error| error.wrap(format!("error in test for path: '{path}'")))?;
        let same = match value {
            None | Some(Json::Null) => matches!(self.field("value"), Some(Json::Null)),
            Some(value) => self.field("value").is_some_and(|wanted| equal(value, wanted)),
        };
        if same { Ok(()) } else { fail(format!("testing value {path} failed: test failed")) }
    }
}

fn missing(text: String) -> Fail {
    Fail::new(format!("{text}: missing value"))
}

/// Equality as the library has it: objects have the same keys, in any order.
fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len() && ours.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (a, b) => a == b,
    }
}

/// The container that the last part of a path is in, and that part.
fn find<'d>(doc: &'d mut Json, path: &str) -> Option<(&'d mut Json, String)> {
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() < 2 {
        return None;
    }
    let key = decode(parts.pop()?);
    let mut here = doc;
    for part in parts.into_iter().skip(1) {
        let part = decode(part);
        here = match here {
            Json::Object(entries) => entries.iter_mut().find(|(name, _)| *name == part).map(|(_, value)| value)?,
            Json::Array(items) => {
                let at = position(&part).and_then(|at| index(at, items.len())).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
        if !matches!(here, Json::Object(_) | Json::Array(_)) {
            return None;
        }
    }
    Some((here, key))
}

fn decode(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn position(key: &str) -> KResult<i64> {
    go_atoi(key).ok_or_else(|| Fail::new(format!("strconv.Atoi: parsing {key:?}: invalid syntax")))
}

fn get<'d>(container: &'d Json, key: &str) -> KResult<Option<&'d Json>> {
    match container {
        Json::Array(items) => {
            let at = index(position(key)?, items.len())?;
            Ok(items.get(at))
        }
        container => Ok(container.get(key)),
    }
}

fn invalid_index(at: i64) -> Fail {
    Fail::new(format!("Unable to access invalid index: {at}: invalid index referenced"))
}

fn put(entries: &mut Vec<(EcoString, Json)>, key: &str, value: Json) {
    match entries.iter_mut().find(|(name, _)| name == key) {
        Some((_, old)) => *old = value,
        None => entries.push((key.into(), value)),
    }
}

/// An index from the front or, negative, from behind.
fn index(at: i64, len: usize) -> KResult<usize> {
    let from_front = if at < 0 { i64::try_from(len).unwrap_or(i64::MAX) + at } else { at };
    usize::try_from(from_front).ok().filter(|at| *at < len).ok_or_else(|| invalid_index(at))
}

fn insert(container: &mut Json, key: &str, value: Json) -> KResult<()> {
    match container {
        Json::Object(entries) => put(entries, key, value),
        Json::Array(items) if key == "-" => items.push(value),
        Json::Array(items) => {
            let at = position(key).map_err(|error| error.wrap(format!("value was not a proper array index: '{key}'")))?;
            let at = index(at, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => return fail("invalid state detected"),
    }
    Ok(())
}

fn take(container: &mut Json, key: &str) -> KResult<Json> {
    match container {
        Json::Object(entries) => {
            let at = entries.iter().position(|(name, _)| name == key);
            at.map(|at| entries.remove(at).1).ok_or_else(|| missing(format!("Unable to remove nonexistent key: {key}")))
        }
        Json::Array(items) => {
            let at = index(position(key)?, items.len())?;
            Ok(items.remove(at))
        }
        _ => fail("invalid state detected"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Json, parse};

    fn patched(doc: &str, patch: &str) -> Result<String, String> {
        let mut json = Json::parse(doc).expect("valid");
        for operation in &parse(patch).expect("valid") {
            operation.apply(&mut json).map_err(|error| error.text().to_owned())?;
        }
        Ok(json.to_text())
    }

    #[test]
    fn operations() {
        let doc = r#"{"a":{"b":[1,2]},"c":"x"}"#;
        assert_eq!(
            patched(doc, "[{op: add, path: /a/b/-, value: 3}]".replace('[', "- ").trim_end_matches(']')).expect("valid"),
            r#"{"a":{"b":[1,2,3]},"c":"x"}"#
        );
        assert_eq!(patched(doc, r#"[{"op":"remove","path":"/a/b/-1"}]"#).expect("valid"), r#"{"a":{"b":[1]},"c":"x"}"#);
        assert_eq!(patched(doc, r#"[{"op":"move","from":"/c","path":"/a/d~1e"}]"#).expect("valid"), r#"{"a":{"b":[1,2],"d/e":"x"}}"#);
        assert_eq!(patched(doc, r#"[{"op":"replace","path":"/n","value":null}]"#).expect("valid"), r#"{"a":{"b":[1,2]},"c":"x","n":null}"#);
    }

    #[test]
    fn refusals() {
        let doc = r#"{"a":{"b":[1,2]},"c":"x"}"#;
        for patch in [
            r#"[{"op":"remove","path":"/x"}]"#,
            r#"[{"op":"add","path":"/x/y","value":1}]"#,
            r#"[{"op":"add","path":"/a/b/3","value":1}]"#,
            r#"[{"op":"replace","path":"/a/b/2","value":1}]"#,
            r#"[{"op":"test","path":"/c","value":"y"}]"#,
            r#"[{"op":"add","path":"c","value":1}]"#,
            r#"[{"path":"/c"}]"#,
        ] {
            assert!(patched(doc, patch).is_err(), "{patch}");
        }
    }
}
