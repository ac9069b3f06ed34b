//! Values files that are Go templates (`values.yaml.gotmpl`), as helmfile executes them.

use std::path::Path;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_gotmpl::{List, Map, Str, Value};
use hydrate_helmfile::{SecretResolver, Version, values_text};

use super::data::Data;

/// The text that a template gives over `data`; without anybody for `secrets` references to them are refused. Paths in it are relative to `directory`, and shown from `root`.
pub fn render(
    world: &dyn World,
    secrets: Option<Arc<dyn SecretResolver>>,
    directory: &Path,
    root: &Path,
    version: Version,
    file: &Arc<SourceFile>,
    data: &Data,
) -> Result<String> {
    let text = values_text(world, secrets, directory, root, version, file, &value(data))?;
    String::from_utf8(text).map_err(|_| Diagnostic::error(format!("{} gives a text that is not UTF-8", file.name)))
}

/// Data as the template engine has it; numbers are what YAML made of them.
fn value(data: &Data) -> Value {
    match data {
        Data::Null => Value::Nil,
        Data::Bool(value) => Value::Bool(*value),
        Data::Int(value) => Value::Int(*value),
        Data::Float(value) => Value::Float64(*value),
        Data::Text(text) => Value::str(text.as_str()),
        Data::List(items) => Value::List(List::new(items.iter().map(value).collect())),
        Data::Map(map) => Value::Map(Map::from_entries(map.iter().map(|(key, item)| (Str::from(key.as_str()), value(item))))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;
    use std::collections::BTreeMap;

    fn run(text: &str) -> Result<String, String> {
        let world = MemoryWorld::new().with_variable("USER", "me").with_file("c/banner.txt", "hello");
        let values = Data::Map(BTreeMap::from([("domain".to_owned(), Data::Text("local".to_owned())), ("port".to_owned(), Data::Int(80))]));
        let data = Data::Map(BTreeMap::from([("Values".to_owned(), values)]));
        let file = SourceFile::new("values.yaml.gotmpl", text.as_bytes());
        render(&world, None, Path::new("c"), Path::new(""), Version::V1, &file, &data).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_seen_and_functions_are_there() {
        assert_eq!(run("a: {{ .Values.domain | upper }}:{{ .Values.port }} {{ env \"USER\" }}\n").unwrap(), "a: LOCAL:80 me\n");
    }

    #[test]
    fn paths_are_followed_as_helmfile_does() {
        assert_eq!(
            run("{{ .Values | get \"domain\" }} {{ .Values | get \"a.b\" 5 }} {{ getOrNil \"domain.x\" .Values }}").unwrap(),
            "local 5 <no value>"
        );
        assert!(run("\n{{ get \"a.b\" .Values }}").unwrap_err().contains("no value exist for key \"a\""));
        let error = run("{{ exec \"ls\" (list) }}").unwrap_err();
        assert!(error.contains("exec"), "{error}");
        assert!(run("{{ fetchSecretValue \"ref+vault://a#/b\" }}").unwrap_err().contains("secrets are not resolved here"));
    }

    #[test]
    fn files_beside_the_template_are_read() {
        assert_eq!(run("a: {{ readFile \"banner.txt\" }} {{ isFile \"banner.txt\" }} {{ isFile \"x\" }}").unwrap(), "a: hello true false");
        assert!(run("{{ readFile \"x\" }}").unwrap_err().contains("no such file"));
    }

    #[test]
    fn a_missing_key_is_an_error_with_its_place() {
        let error = run("a: 1\nb: {{ .Values.missing }}\n").unwrap_err();
        assert!(error.starts_with("values.yaml.gotmpl:2:"), "{error}");
        assert!(run("{{ requiredEnv \"NOPE\" }}").unwrap_err().contains("required env var `NOPE` is not set"));
    }
}
