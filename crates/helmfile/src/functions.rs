//! The functions of helmfile's templates, on top of sprig's. The table is at the end.
//!
//! Follows `pkg/tmpl/context_funcs.go`, `context_tmpl.go` and `get_or_nil.go` of helmfile 1.7 and 0.166.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use hydrate_base::{FileKind, go_io_text, go_read_text};
use hydrate_gotmpl::decode::{Numbers, Target, from_json_of};
use hydrate_gotmpl::encode::to_json;
use hydrate_gotmpl::{Failure, Function, FunctionSet, List, Object, Param, Rare, Str, TextFailure, Value, Vm, fmt};

use crate::render::Settings;
use crate::{Version, yaml};

type Out = Result<Value, Failure>;

/// A template may include itself this often.
const RECURSION_LIMIT: usize = 1000;

/// What functions know of the template that calls them.
pub(crate) struct Host {
    /// What paths are relative to.
    pub base: PathBuf,
    pub settings: Settings,
    /// Whether this is the first of two passes, in which functions have no effects.
    pub is_first_pass: bool,
    /// How often each template is being included.
    pub included: RefCell<BTreeMap<Vec<u8>, usize>>,
}

/// The functions that templates of a release of helmfile may call.
pub(crate) fn function_set(version: Version) -> Arc<FunctionSet> {
    static V0: LazyLock<Arc<FunctionSet>> =
        LazyLock::new(|| Arc::new(make(&[hydrate_sprig::FUNCTIONS, hydrate_sprig::V3_FUNCTIONS, FUNCTIONS, FUNCTIONS_V0])));
    static V1: LazyLock<Arc<FunctionSet>> = LazyLock::new(|| Arc::new(make(&[hydrate_sprig::FUNCTIONS, FUNCTIONS])));
    Arc::clone(match version {
        Version::V0 => &V0,
        Version::V1 => &V1,
    })
}

fn make(tables: &[&'static [Function]]) -> FunctionSet {
    hydrate_sprig::METHODS.iter().fold(FunctionSet::new(tables), |set, (name, methods)| set.with_methods(name, methods))
}

fn host<'a>(vm: &Vm<'a>) -> Result<&'a Host, Failure> {
    vm.host_as::<Host>().ok_or_else(|| "this function is not available here".into())
}

fn text(args: &[Value], at: usize) -> String {
    match args.get(at) {
        Some(Value::Str(text)) => text.to_str_lossy().into_owned(),
        _ => String::new(),
    }
}

fn any(args: &[Value], at: usize) -> Value {
    args.get(at).cloned().unwrap_or_default()
}

// ---- environment variables

fn variable(vm: &Vm<'_>, name: &str) -> Result<Option<String>, Failure> {
    let world = vm.world();
    if !world.shows_variable(name) {
        return Err(Failure::from(format!(
            "templates may not read the environment variable `{name}`: allow it with `--template-env {name}`, or in `templateEnv` of your own config.yaml"
        )));
    }
    Ok(world.variable(name))
}

fn env(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(variable(vm, &text(args, 0))?.unwrap_or_default()))
}

fn required_env(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let name = text(args, 0);
    let found = variable(vm, &name)?.filter(|value| !value.is_empty());
    found.map(Value::str).ok_or_else(|| format!("required env var `{name}` is not set").into())
}

/// `$NAME` and `${NAME}`, as `os.ExpandEnv` replaces them.
fn expand_env(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = text(args, 0);
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_str(before);
        let (name, width) = match behind.strip_prefix('{') {
            Some(inner) => match inner.find('}') {
                Some(end) => (inner.get(..end).unwrap_or_default(), end + 2),
                None => ("", 1),
            },
            None => {
                let is_special = |character: char| "*#$@!?-0123456789".contains(character);
                let end = match behind.chars().next() {
                    Some(first) if is_special(first) => 1,
                    _ => behind.find(|character: char| character != '_' && !character.is_ascii_alphanumeric()).unwrap_or(behind.len()),
                };
                (behind.get(..end).unwrap_or_default(), end)
            }
        };
        if width == 0 {
            out.push('$');
        }
        if !name.is_empty() {
            out.push_str(&variable(vm, name)?.unwrap_or_default());
        }
        rest = behind.get(width..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(Value::str(out))
}

// ---- programs

/// `exec "command" (list "arg") ["input"]`
fn exec(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    run(vm, &BTreeMap::new(), &text(args, 0), &any(args, 1), args.get(2).map(|_| text(args, 2)))
}

/// `envExec (dict "NAME" "value") "command" (list "arg") ["input"]`
fn env_exec(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let mut variables = BTreeMap::new();
    if let Some(Value::Map(map)) = args.first() {
        for (name, value) in map.entries().iter() {
            let Value::Str(value) = value else {
                return Err(format!("unexpected type of env {:?} at index {}", value.type_name(), name.to_str_lossy()).into());
            };
            variables.insert(name.to_str_lossy().into_owned(), value.to_str_lossy().into_owned());
        }
    }
    run(vm, &variables, &text(args, 1), &any(args, 2), args.get(3).map(|_| text(args, 3)))
}

fn run(vm: &mut Vm<'_>, variables: &BTreeMap<String, String>, command: &str, arguments: &Value, input: Option<String>) -> Out {
    let host = host(vm)?;
    if host.is_first_pass {
        return Ok(Value::str(""));
    }
    host.settings.refuse_insecure()?;
    let mut texts = Vec::new();
    if let Value::List(list) = arguments {
        for (at, argument) in list.items().iter().enumerate() {
            let Value::Str(argument) = argument else {
                return Err(format!("unexpected type of arg {:?} at index {at}", argument.type_name()).into());
            };
            texts.push(argument.to_str_lossy().into_owned());
        }
    }
    let Some(programs) = &host.settings.programs else {
        return Err(Failure::from(format!(
            "this starts the program `{command}`, and a repository may start none; `hydrate helmfile --allow-exec` starts it for you"
        )));
    };
    let written = programs.run(&host.base, variables, command, &texts, input.as_deref().unwrap_or_default())?;
    Ok(Value::str(written))
}

// ---- files

fn path_of(host: &Host, name: &str) -> PathBuf {
    crate::paths::join(&host.base, name)
}

fn kind(vm: &Vm<'_>, args: &[Value], wanted: impl Fn(FileKind) -> bool) -> Out {
    let path = path_of(host(vm)?, &text(args, 0));
    match vm.world().kind(&path) {
        Ok(kind) => Ok(Value::Bool(wanted(kind))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Value::Bool(false)),
        Err(error) => Err(format!("stat {}: {}", path.display(), go_io_text(&error)).into()),
    }
}

fn is_file(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    kind(vm, args, |kind| kind != FileKind::Directory)
}

fn is_dir(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    kind(vm, args, |kind| kind == FileKind::Directory)
}

fn read_file(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let host = host(vm)?;
    if host.is_first_pass {
        return Ok(Value::str(""));
    }
    host.settings.refuse_insecure()?;
    let name = text(args, 0);
    let bytes = vm.world().read(&path_of(host, &name)).map_err(|error| go_read_text(&name, &error))?;
    Ok(Value::str(&*bytes))
}

fn entries(vm: &Vm<'_>, name: &str, function: &str) -> Result<Vec<(String, FileKind)>, Failure> {
    let host = host(vm)?;
    if host.is_first_pass {
        return Ok(Vec::new());
    }
    host.settings.refuse_insecure()?;
    let path = path_of(host, name);
    let found =
        vm.world().entries(&path).map_err(|error| format!("{function} {:?}: open {}: {}", path, path.display(), go_io_text(&error)))?;
    Ok(found.into_iter().map(|(name, kind)| (name, kind.unwrap_or(FileKind::Other))).collect())
}

fn files_in(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let name = text(args, 0);
    let files = entries(vm, &name, "ReadDir")?.into_iter().filter(|(_, kind)| *kind != FileKind::Directory);
    let paths: Vec<Str> = files.map(|(file, _)| Str::from(crate::paths::joined(&name, &file))).collect();
    Ok(Value::List(if paths.is_empty() { List::nil("[]string") } else { List::strings(paths) }))
}

fn entries_in(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let found = entries(vm, &text(args, 0), "ReadDirEntries")?;
    Ok(Value::List(List::typed("[]fs.DirEntry", found.into_iter().map(|(name, kind)| Value::object(DirEntry { name, kind })).collect())))
}

/// `fs.DirEntry`
struct DirEntry {
    name: String,
    kind: FileKind,
}

impl Object for DirEntry {
    fn type_name(&self) -> &'static str {
        "*os.unixDirent"
    }

    fn kind(&self) -> hydrate_gotmpl::Kind {
        hydrate_gotmpl::Kind::Ptr
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        DIR_ENTRY.iter().find(|method| method.name == name)
    }

    fn string(&self) -> Option<String> {
        Some(if self.kind == FileKind::Directory { format!("d {}/", self.name) } else { format!("- {}", self.name) })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

static DIR_ENTRY: &[Function] = &[
    row("Name", &[], |_, args| Ok(entry(args).map_or(Value::Nil, |entry| Value::str(entry.name.as_str())))),
    row("IsDir", &[], |_, args| Ok(Value::Bool(entry(args).is_some_and(|entry| entry.kind == FileKind::Directory)))),
];

fn entry(args: &[Value]) -> Option<&DirEntry> {
    match args.first()? {
        Value::Rare(rare) => match &**rare {
            Rare::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        },
        _ => None,
    }
}

// ---- YAML and JSON

fn version(vm: &Vm<'_>) -> Result<Version, Failure> {
    Ok(host(vm)?.settings.version)
}

fn to_yaml(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(yaml::encode(&any(args, 0), version(vm)?)?))
}

fn from_yaml(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let (given, version) = (text(args, 0), version(vm)?);
    let decoded = match version {
        Version::V0 => yaml::decode_map(given.as_bytes(), version).map(Value::Map),
        Version::V1 => yaml::decode(given.as_bytes(), version),
    };
    decoded.and_then(|value| yaml::cast_keys(&value)).map_err(|error| format!("{error}, offending yaml: {given}").into())
}

fn json(vm: &Vm<'_>, args: &[Value]) -> Result<Value, String> {
    from_json_of(vm.set().options().go, text(args, 0).as_bytes(), Target::Any, Numbers::Float64)
}

// ---- values at paths

/// `get "a.b" [default] object`
fn get(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let (default, object) = match args {
        [_, object] => (None, object),
        [_, default, object] => (Some(default), object),
        _ => {
            let count = args.len().saturating_sub(1);
            return Err(format!(
                "unexpected number of args passed to the template function get(path, [def, ]obj): expected 1 or 2, got {count}"
            )
            .into());
        }
    };
    match at_path(&text(args, 0), object) {
        Ok(found) => Ok(found),
        Err(Missing { is_odd: false, .. }) if default.is_some() => Ok(default.cloned().unwrap_or_default()),
        Err(missing) => Err(missing.text.into()),
    }
}

/// `getOrNil "a.b" object`: the same, and nothing where nothing stands there.
fn get_or_nil(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(at_path(&text(args, 0), &any(args, 1)).unwrap_or_default())
}

/// What does not stand at a path.
struct Missing {
    text: String,
    /// Whether there is something that has no keys, for which no default stands in.
    is_odd: bool,
}

fn at_path(path: &str, object: &Value) -> Result<Value, Missing> {
    let mut found = object.clone();
    for key in path.split('.').filter(|_| !path.is_empty()) {
        let missing = |text: String| Missing { text, is_odd: false };
        found = match &found {
            Value::Map(map) => {
                map.get(key.as_bytes()).ok_or_else(|| missing(format!("no value exist for key \"{key}\" in {}", fmt::to_text(&found))))?
            }
            Value::Rare(rare) => match &**rare {
                Rare::Object(object) => {
                    object.field(key).ok_or_else(|| missing(format!("no field named \"{key}\" exist in {}", object.type_name())))?
                }
                _ => return Err(odd(&found, key)),
            },
            other => return Err(odd(other, key)),
        };
        // `get` goes on only where something is left of the path.
    }
    Ok(found)
}

fn odd(value: &Value, key: &str) -> Missing {
    let text = format!("unexpected type({}) of value for key \"{key}\": it must be either map[string]any or any struct", value.type_name());
    Missing { text, is_odd: true }
}

/// `setValueAtPath "a.b" value values`
fn set_value_at_path(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let path = text(args, 0);
    let fail = |key: &str, why: &str| Err(Failure::from(format!("failed to set value at path \"{path}\": value for key \"{key}\" {why}")));
    let mut keys: Vec<&str> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut current = any(args, 2);
    for key in keys {
        let Value::Map(map) = &current else { return fail(key, "was not a map") };
        current = match map.get(key.as_bytes()) {
            None => return fail(key, "does not exist"),
            Some(inner @ Value::Map(_)) => inner,
            Some(_) => return fail(key, "was not a map"),
        };
    }
    let Value::Map(map) = &current else { return fail(last, "was not a map") };
    map.insert(last, any(args, 1));
    Ok(any(args, 2))
}

// ---- templates

fn include(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let Some(Value::Str(name)) = args.first() else { return Ok(Value::Nil) };
    let host = host(vm)?;
    let count = {
        let mut included = host.included.borrow_mut();
        let count = included.entry(name.as_bytes().to_vec()).or_default();
        *count += 1;
        *count
    };
    let written = if count > RECURSION_LIMIT + 1 {
        Err(format!("rendering template has a nested reference name: {}: unable to execute template", name.to_str_lossy()).into())
    } else {
        vm.execute_named(name.as_bytes(), &any(args, 1))
    };
    if let Some(count) = host.included.borrow_mut().get_mut(name.as_bytes()) {
        *count -= 1;
    }
    written.map(Value::Str)
}

fn tpl(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let Some(Value::Str(given)) = args.first() else { return Ok(Value::Nil) };
    match vm.execute_text(given.as_bytes(), &any(args, 1)) {
        Ok(written) => Ok(Value::Str(written)),
        Err(TextFailure::Parse(error)) => Err(error.text.into()),
        Err(TextFailure::Exec(error)) => Err(Failure::Exec(error)),
    }
}

fn required(_: &mut Vm<'_>, args: &[Value]) -> Out {
    match any(args, 1) {
        Value::Nil => Err(text(args, 0).into()),
        Value::Str(value) if value.is_empty() => Err(text(args, 0).into()),
        value => Ok(value),
    }
}

// ---- secrets

fn fetch_secret_value(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let host = host(vm)?;
    host.settings.secrets.at(vm.world(), &host.base).text(&text(args, 0)).map(Value::str).map_err(Failure::from)
}

fn expand_secret_refs(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let host = host(vm)?;
    host.settings.secrets.at(vm.world(), &host.base).value(&any(args, 0)).map_err(Failure::from)
}

fn get_host_by_name(_: &mut Vm<'_>, _: &[Value]) -> Out {
    Err("getHostByName is not supported: the result would depend on the network".into())
}

const fn row(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

const fn many(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: true, run }
}

const TEXT: &[Param] = &[Param::String];
const ANY: &[Param] = &[Param::Any];
const TEXT_ANY: &[Param] = &[Param::String, Param::Any];

static FUNCTIONS: &[Function] = &[
    row("env", TEXT, env),
    many("envExec", &[Param::Map, Param::String, Param::List, Param::String], env_exec),
    many("exec", &[Param::String, Param::List, Param::String], exec),
    row("expandSecretRefs", &[Param::Map], expand_secret_refs),
    row("expandenv", TEXT, expand_env),
    row("fail", TEXT, |_, args| Err(text(args, 0).into())),
    row("fetchSecretValue", TEXT, fetch_secret_value),
    row("fromJson", TEXT, |vm, args| Ok(json(vm, args).unwrap_or_default())),
    row("fromYaml", TEXT, from_yaml),
    many("get", TEXT_ANY, get),
    row("getHostByName", TEXT, get_host_by_name),
    row("getOrNil", TEXT_ANY, get_or_nil),
    row("include", TEXT_ANY, include),
    row("isDir", TEXT, is_dir),
    row("isFile", TEXT, is_file),
    row("mustToJson", ANY, |vm, args| Ok(Value::str(to_json(&any(args, 0), vm.set().options().go)?))),
    row("readDir", TEXT, files_in),
    row("readDirEntries", TEXT, entries_in),
    row("readFile", TEXT, read_file),
    row("required", TEXT_ANY, required),
    row("requiredEnv", TEXT, required_env),
    row("setValueAtPath", &[Param::String, Param::Any, Param::Map], set_value_at_path),
    row("sprigGet", &[Param::Map, Param::String], |_, args| {
        let Some(Value::Map(map)) = args.first() else { return Ok(Value::str("")) };
        Ok(map.get(text(args, 1).as_bytes()).unwrap_or_else(|| Value::str("")))
    }),
    row("toJson", ANY, |vm, args| Ok(Value::str(to_json(&any(args, 0), vm.set().options().go).unwrap_or_default()))),
    row("toYaml", ANY, to_yaml),
    row("tpl", TEXT_ANY, tpl),
];

/// Where 0.166 has another function of the name.
static FUNCTIONS_V0: &[Function] = &[row("isDir", TEXT, |_, _| Err("helmfile has isDir since 1.0".into()))];
