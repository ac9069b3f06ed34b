//! Values files that are Go templates (`values.yaml.gotmpl`), as helmfile executes them: a missing key is an error.

use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_chart::Level;
use hydrate_gotmpl::{Failure, Function, GoVersion, List, Map, MissingKey, Options, Param, Str, Template, Value, Vm};

use super::data::Data;
use hydrate_helm::{function_set, without_marks};

/// The text that a template gives over `data`.
pub fn render(world: &dyn World, file: &Arc<SourceFile>, data: &Data) -> Result<String> {
    let options = Options { go: GoVersion::default(), missing_key: MissingKey::Error };
    let functions = function_set(Level::V4).with(FUNCTIONS);
    let template = Template::parse_file(file, functions, options).map_err(|error| error.to_diagnostic())?;
    let text = template.render(&value(data), world).map_err(|error| unmarked(error.to_diagnostic()))?;
    String::from_utf8(text).map_err(|_| Diagnostic::error(format!("{} gives a text that is not UTF-8", file.name)))
}

/// `required` and `fail` mark their texts for Helm; here nobody takes the marks off but this.
fn unmarked(mut error: Box<Diagnostic>) -> Box<Diagnostic> {
    error.message = without_marks(&error.message);
    error.notes.iter_mut().for_each(|note| *note = without_marks(note));
    error
}

/// What helmfile has beyond sprig and Helm and what needs no process or network.
static FUNCTIONS: &[Function] = &[
    Function {
        name: "env",
        params: &[Param::String],
        variadic: false,
        run: |vm, args| Ok(Value::str(variable(vm.world(), args)?.unwrap_or_default())),
    },
    Function { name: "get", params: &[Param::String, Param::Any], variadic: true, run: get },
    Function { name: "getOrNil", params: &[Param::String, Param::Any], variadic: false, run: get_or_nil },
    refused("exec"),
    refused("envExec"),
    refused("readFile"),
    refused("readDir"),
    refused("readDirEntries"),
    refused("isFile"),
    refused("isDir"),
    refused("fetchSecretValue"),
    refused("expandSecretRefs"),
    Function {
        name: "requiredEnv",
        params: &[Param::String],
        variadic: false,
        run: |vm, args| {
            let found = variable(vm.world(), args)?.filter(|value| !value.is_empty());
            found.map(Value::str).ok_or_else(|| Failure::from(format!("required env var `{}` is not set", name(args))))
        },
    },
];

/// What helmfile has and what is not done here: values follow from the files of the project that component.yaml names.
const fn refused(name: &'static str) -> Function {
    Function { name, params: &[Param::Any], variadic: true, run: |_, _| Err(REFUSED.into()) }
}

const REFUSED: &str = "this function of helmfile is not supported: hydrate starts no programs, resolves no secrets, and reads only the files that component.yaml names";

/// `get "a.b" [default] object`: what stands at a path.
fn get(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (default, object) = match args {
        [_, object] => (None, object),
        [_, default, object] => (Some(default), object),
        _ => return Err(format!("get takes a path, a default that may be left out, and an object, not {} arguments", args.len()).into()),
    };
    match at_path(&name(args), object) {
        Ok(found) => Ok(found),
        Err(missing) => match default {
            Some(default) => Ok(default.clone()),
            None => Err(format!("no value exist for key \"{missing}\"").into()),
        },
    }
}

/// `getOrNil "a.b" object`: the same, and nothing where nothing stands there.
fn get_or_nil(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    Ok(args.get(1).and_then(|object| at_path(&name(args), object).ok()).unwrap_or(Value::Nil))
}

/// What stands at a path; the error is the key that is not there.
fn at_path(path: &str, object: &Value) -> Result<Value, String> {
    let mut found = object.clone();
    for key in path.split('.').filter(|_| !path.is_empty()) {
        found = match &found {
            Value::Map(map) => map.get(key.as_bytes()),
            _ => None,
        }
        .ok_or_else(|| key.to_owned())?;
    }
    Ok(found)
}

fn name(args: &[Value]) -> String {
    match args.first() {
        Some(Value::Str(name)) => name.to_str_lossy().into_owned(),
        _ => String::new(),
    }
}

/// A variable, if templates may see it: what is rendered is to be the same on every machine, so the one who renders says which.
fn variable(world: &dyn World, args: &[Value]) -> Result<Option<String>, Failure> {
    let name = name(args);
    if !world.shows_variable(&name) {
        return Err(Failure::from(format!(
            "templates may not read the environment variable `{name}`: allow it with `--template-env {name}`, or in `templateEnv` of your own config.yaml"
        )));
    }
    Ok(world.variable(&name))
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
        let world = MemoryWorld::new().with_variable("USER", "me");
        let values = Data::Map(BTreeMap::from([("domain".to_owned(), Data::Text("local".to_owned())), ("port".to_owned(), Data::Int(80))]));
        let data = Data::Map(BTreeMap::from([("Values".to_owned(), values)]));
        render(&world, &SourceFile::new("values.yaml.gotmpl", text.as_bytes()), &data).map_err(|error| error.to_string())
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
        assert!(error.contains("starts no programs"), "{error}");
    }

    #[test]
    fn a_missing_key_is_an_error_with_its_place() {
        let error = run("a: 1\nb: {{ .Values.missing }}\n").unwrap_err();
        assert!(error.starts_with("values.yaml.gotmpl:2:"), "{error}");
        assert!(run("{{ requiredEnv \"NOPE\" }}").unwrap_err().contains("required env var `NOPE` is not set"));
    }
}
