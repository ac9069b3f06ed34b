//! `.Files`: the files of a chart that are neither templates nor values (`pkg/engine/files.go`).

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;

use super::glob::Glob;
use hydrate_chart::{File, Level};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, Function, Param};
use hydrate_gotmpl::{Kind, List, Map, Object, Rare, Str, Value};

/// A group of files; their bytes stay where the chart has them until a template asks for them.
pub(super) struct Files {
    files: Rc<BTreeMap<String, Arc<[u8]>>>,
    level: Level,
}

impl Files {
    /// All files of a chart.
    pub(super) fn of(files: &[File], level: Level) -> Self {
        let files = files.iter().map(|file| (file.name.clone(), Arc::clone(&file.data))).collect();
        Self { files: Rc::new(files), level }
    }

    fn group(&self, pattern: &[u8]) -> Result<Self, String> {
        let glob = Glob::new(pattern);
        let mut files = BTreeMap::new();
        for (name, data) in self.files.iter() {
            if glob.as_ref().map_or(Ok(true), |glob| glob.matches(name.as_bytes()))? {
                files.insert(name.clone(), Arc::clone(data));
            }
        }
        Ok(Self { files: Rc::new(files), level: self.level })
    }

    /// The files by the last part of their path; of two with the same name the last one counts.
    fn by_base_name(&self, text: impl Fn(&[u8]) -> Value) -> Value {
        let entries = self.files.iter().map(|(name, data)| (Str::from(name.rsplit('/').next().unwrap_or_default()), text(data)));
        Value::Map(Map::typed("map[string]string", entries.collect()))
    }
}

/// What `show` gives for the receiver of a method, where it is a `T`.
pub(super) fn object_of<T: 'static, R>(receiver: &Value, show: impl FnOnce(&T) -> R) -> Option<R> {
    let Value::Rare(rare) = receiver else { return None };
    let Rare::Object(object) = &**rare else { return None };
    object.as_any().downcast_ref::<T>().map(show)
}

static METHODS: [Function; 6] = [
    Function { name: "AsConfig", params: &[], variadic: false, run: as_config },
    Function { name: "AsSecrets", params: &[], variadic: false, run: as_secrets },
    Function { name: "Get", params: &[Param::String], variadic: false, run: get },
    Function { name: "GetBytes", params: &[Param::String], variadic: false, run: get_bytes },
    Function { name: "Glob", params: &[Param::String], variadic: false, run: glob },
    Function { name: "Lines", params: &[Param::String], variadic: false, run: lines },
];

const NO_FILES: &str = "the receiver is no group of files";

fn on_files(args: &[Value], run: impl FnOnce(&Files, &str) -> Value) -> Result<Value, Failure> {
    let name = match args.get(1) {
        Some(Value::Str(name)) => name.to_str_lossy().into_owned(),
        _ => String::new(),
    };
    let outcome = args.first().and_then(|receiver| object_of::<Files, _>(receiver, |files| run(files, &name)));
    outcome.ok_or_else(|| Failure::from(NO_FILES))
}

/// `Get "a.txt"`: the text of a file, empty where there is none.
fn get(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    on_files(args, |files, name| Value::str(files.files.get(name).map_or(&[][..], |data| data)))
}

/// `GetBytes "a.bin"`: the same as bytes.
fn get_bytes(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    on_files(args, |files, name| bytes(files.files.get(name).map_or(&[][..], |data| data)))
}

/// `Glob "config/*"`: the group of files that match; a malformed pattern matches all.
fn glob(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let pattern = match args.get(1) {
        Some(Value::Str(pattern)) => pattern.as_bytes(),
        _ => b"",
    };
    let group = args.first().and_then(|receiver| object_of::<Files, _>(receiver, |files| files.group(pattern)));
    Ok(Value::object(group.ok_or(NO_FILES)??))
}

/// `Lines "a.txt"`: the lines of a file; Helm 3 fails on an empty file.
fn lines(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let lines = on_files(args, |files, name| match files.files.get(name) {
        Some(data) if data.is_empty() && files.level == Level::V3 => Value::Nil,
        None => Value::List(List::strings([])),
        Some(data) if data.is_empty() => Value::List(List::strings([])),
        Some(data) => {
            let data = data.strip_suffix(b"\n").unwrap_or(data);
            Value::List(List::strings(data.split(|&byte| byte == b'\n').map(Str::from)))
        }
    })?;
    match lines {
        Value::Nil => Err("runtime error: index out of range [-1]".into()),
        lines => Ok(lines),
    }
}

/// `AsConfig`: the group as the YAML of a ConfigMap's data.
fn as_config(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    on_files(args, |files, _| super::functions::yaml_text(&files.by_base_name(|data| Value::str(data))))
}

/// `AsSecrets`: the same in base64.
fn as_secrets(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let encoded = |data: &[u8]| Value::str(base64::engine::general_purpose::STANDARD.encode(data));
    on_files(args, |files, _| super::functions::yaml_text(&files.by_base_name(encoded)))
}

fn bytes(data: &[u8]) -> Value {
    Value::Rare(Rc::new(Rare::Bytes(data.to_vec())))
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn inner(&self) -> Option<Value> {
        let entries = self.files.iter().map(|(name, data)| (Str::from(name.as_str()), bytes(data))).collect();
        Some(Value::Map(Map::typed("map[string][]uint8", entries)))
    }

    fn encoded(&self) -> Value {
        self.inner().unwrap_or_default()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
