//! The functions that the fixtures call: those of tests/conformance/gotmpl-probe/functions.go.

use std::rc::Rc;

use hydrate_gotmpl::TextFailure;
use hydrate_gotmpl::{Entries, Failure, Function, FunctionSet, Kind, List, Map, Object, Param, Rare, Str, Value, Vm, fmt};

type Out = Result<Value, Failure>;

/// Functions and methods of the fixtures.
pub(crate) fn set() -> FunctionSet {
    FunctionSet::new(&[FUNCTIONS]).with_methods("main.Table", TABLE_METHODS).with_methods("main.Files", FILES_METHODS)
}

/// JSON as Go decodes it into an `interface {}`.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => Value::Float64(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::str(&**text),
        serde_json::Value::Array(items) => Value::List(List::new(items.iter().map(from_json).collect())),
        serde_json::Value::Object(entries) => Value::Map(Map::from_entries(entries.iter().map(|(k, v)| (Str::from(&**k), from_json(v))))),
    }
}

struct Thing {
    name: Str,
    count: i64,
    next: Option<Rc<Thing>>,
    tags: Value,
    pointer: bool,
}

fn thing(args: &[Value], pointer: bool) -> Out {
    let count = int(&args[1]);
    let nil_tags = || Value::List(List::nil("[]string"));
    let next = Thing { name: Str::from("next"), count: 0, next: None, tags: nil_tags(), pointer: true };
    Ok(Value::object(Thing {
        name: text(&args[0]),
        count,
        next: (!pointer && count > 0).then(|| Rc::new(next)),
        tags: if pointer { nil_tags() } else { Value::List(List::strings([Str::from("a"), Str::from("b")])) },
        pointer,
    }))
}

impl Object for Thing {
    fn type_name(&self) -> &'static str {
        if self.pointer { "*main.Thing" } else { "main.Thing" }
    }

    fn kind(&self) -> Kind {
        if self.pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let next = match &self.next {
            Some(next) => Value::Rare(Rc::new(Rare::Object(Rc::clone(next) as Rc<dyn Object>))),
            None => Value::Rare(Rc::new(Rare::NilPointer("*main.Thing"))),
        };
        let tags = self.tags.clone();
        vec![
            ("Name", Value::Str(self.name.clone())),
            ("Count", Value::Int(self.count)),
            ("Next", next),
            ("Tags", tags),
            ("Any", Value::Nil),
        ]
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        let known = THING_METHODS.iter().find(|method| method.name == name)?;
        (self.pointer || name != "Pointed").then_some(known)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn this(args: &[Value]) -> &Thing {
    let Value::Rare(rare) = &args[0] else { panic!("no receiver") };
    let Rare::Object(object) = &**rare else { panic!("no object") };
    object.as_any().downcast_ref().expect("a thing")
}

const THING_METHODS: &[Function] = &[
    function("Hello", &[], |_, args| Ok(Value::str(format!("hello {}", this(args).name.to_str_lossy())))),
    variadic("Add", &[Param::Int, Param::Int], |_, args| Ok(Value::Int(this(args).count + args.iter().skip(1).map(int).sum::<i64>()))),
    function("Fail", &[Param::String], |_, args| Err(format!("thing: {}", text(&args[1]).to_str_lossy()).into())),
    function("Pointed", &[], |_, args| Ok(Value::str(format!("pointed {}", this(args).name.to_str_lossy())))),
];

const TABLE_METHODS: &[Function] = &[function("Size", &[], |_, args| match &args[0] {
    Value::Map(map) => Ok(Value::Int(map.len() as i64)),
    _ => Err("no table".into()),
})];

const FILES_METHODS: &[Function] = &[function("Get", &[Param::String], |_, args| match &args[0] {
    Value::Map(map) => {
        Ok(Value::str(map.get(text(&args[1]).as_bytes()).and_then(|file| file.as_bytes().map(<[u8]>::to_vec)).unwrap_or_default()))
    }
    _ => Err("no files".into()),
})];

struct Shout(Str);

impl Object for Shout {
    fn type_name(&self) -> &'static str {
        "main.Shout"
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Word").then(|| Value::Str(self.0.clone()))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Word", Value::Str(self.0.clone()))]
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        SHOUT_METHODS.iter().find(|method| method.name == name)
    }

    fn string(&self) -> Option<String> {
        Some(format!("{}!", self.0.to_str_lossy().to_uppercase()))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

const SHOUT_METHODS: &[Function] = &[function("String", &[], |_, args| Ok(Value::str(fmt::to_bytes(&args[0]))))];

const fn function(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

const fn variadic(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: true, run }
}

fn text(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        _ => panic!("the executor checks arguments"),
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(value) => *value,
        _ => panic!("the executor checks arguments"),
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Float64(value) => *value,
        _ => panic!("the executor checks arguments"),
    }
}

fn entries(args: &[Value]) -> Entries {
    args.chunks_exact(2).map(|pair| (Str::from(fmt::to_bytes(&pair[0])), pair[1].clone())).collect()
}

fn describe(_: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(Value::str(fmt::sprintf(b"%T %v", &[args[0].clone(), args[0].clone()])))
}

fn tpl(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let quoted = fmt::quote(text(&args[0]).as_bytes());
    match vm.execute_text(text(&args[0]).as_bytes(), &args[1]) {
        Ok(bytes) => Ok(Value::str(bytes)),
        Err(TextFailure::Parse(error)) => Err(format!("cannot parse {quoted}: {error}").into()),
        Err(TextFailure::Exec(error)) => Err(Failure::Exec(error).wrap(format!("cannot execute {quoted}: "))),
    }
}

const FUNCTIONS: &[Function] = &[
    // Called without arguments, reflection gives a variadic function a slice that is empty and not nil.
    variadic("list", &[Param::Any], |_, args| Ok(Value::List(List::new(args.to_vec())))),
    variadic("dict", &[Param::Any], |_, args| Ok(Value::Map(Map::from_entries(entries(args))))),
    function("set", &[Param::Map, Param::String, Param::Any], |_, args| match &args[0] {
        Value::Map(map) if map.is_nil() => Err("assignment to entry in nil map".into()),
        Value::Map(map) => {
            map.insert(text(&args[1]), args[2].clone());
            Ok(args[0].clone())
        }
        _ => Err("no map".into()),
    }),
    variadic("strs", &[Param::String], |_, args| Ok(Value::List(List::strings(args.iter().map(text))))),
    variadic("smap", &[Param::String], |_, args| Ok(Value::Map(Map::typed("map[string]string", entries(args))))),
    function("table", &[Param::String, Param::Any], |_, args| Ok(Value::Map(Map::typed("main.Table", entries(args))))),
    function("files", &[Param::String, Param::String], |_, args| {
        let bytes = Value::bytes(text(&args[1]).as_bytes().to_vec());
        Ok(Value::Map(Map::named("main.Files", "[]uint8", entries(&[args[0].clone(), bytes]))))
    }),
    function("bytes", &[Param::String], |_, args| Ok(Value::bytes(text(&args[0]).as_bytes().to_vec()))),
    function("i64", &[Param::Int], |_, args| Ok(Value::Int64(int(&args[0])))),
    function("i32", &[Param::Int], |_, args| Ok(Value::integer("int32", Kind::Int32, i128::from(int(&args[0]) as i32)))),
    function("i8", &[Param::Int], |_, args| Ok(Value::integer("int8", Kind::Int8, i128::from(int(&args[0]) as i8)))),
    function("u8", &[Param::Int], |_, args| Ok(Value::byte(int(&args[0]) as u8))),
    function("u64", &[Param::Int], |_, args| Ok(Value::integer("uint64", Kind::Uint64, i128::from(int(&args[0]) as u64)))),
    function("f32", &[Param::Float64], |_, args| Ok(Value::Rare(Rc::new(Rare::Float32(float(&args[0]) as f32))))),
    function("dur", &[Param::Int], |_, args| Ok(Value::integer("time.Duration", Kind::Int64, i128::from(int(&args[0]))))),
    function("month", &[Param::Int], |_, args| Ok(Value::integer("time.Month", Kind::Int, i128::from(int(&args[0]))))),
    function("date", &[Param::Int], |_, args| {
        let time = jiff::Timestamp::from_second(int(&args[0])).map_err(|error| error.to_string())?;
        Ok(Value::Rare(Rc::new(Rare::Time(time.to_zoned(jiff::tz::TimeZone::UTC)))))
    }),
    function("err", &[Param::String], |_, args| Ok(Value::error(text(&args[0]).to_str_lossy()))),
    function("thing", &[Param::String, Param::Int], |_, args| thing(args, false)),
    function("pthing", &[Param::String, Param::Int], |_, args| thing(args, true)),
    function("shout", &[Param::String], |_, args| Ok(Value::object(Shout(text(&args[0]))))),
    function("nilmap", &[], |_, _| Ok(Value::Map(Map::nil("map[string]interface {}")))),
    function("nilslice", &[], |_, _| Ok(Value::List(List::nil("[]interface {}")))),
    function("nilthing", &[], |_, _| Ok(Value::Rare(Rc::new(Rare::NilPointer("*main.Thing"))))),
    function("nothing", &[], |_, _| Ok(Value::Nil)),
    function("fail", &[Param::String], |_, args| Err(text(&args[0]).to_str_lossy().into_owned().into())),
    function("boom", &[], |_, _| Err("boom".into())),
    function("kind", &[Param::Any], |_, args| Ok(Value::str(fmt::sprintf(b"%T", args)))),
    function("include", &[Param::String, Param::Any], |vm, args| vm.execute_named(text(&args[0]).as_bytes(), &args[1]).map(Value::str)),
    function("tpl", &[Param::String, Param::Any], tpl),
    function("wantString", &[Param::String], describe),
    function("wantInt", &[Param::Int], describe),
    function("wantInt64", &[Param::Int64], describe),
    function("wantInt32", &[Param::Int32], describe),
    function("wantUint8", &[Param::Uint8], describe),
    function("wantFloat", &[Param::Float64], describe),
    function("wantBool", &[Param::Bool], describe),
    function("wantMap", &[Param::Map], |vm, args| match &args[0] {
        // Go converts a named map type to the parameter's.
        Value::Map(map) if !map.is_nil() => describe(vm, &[Value::Map(Map::from_entries(map.entries().clone()))]),
        _ => describe(vm, args),
    }),
    function("wantList", &[Param::List], describe),
    function("wantStrings", &[Param::Strings], describe),
    function("wantBytes", &[Param::Bytes], describe),
    function("wantError", &[Param::Error], describe),
    function("wantTime", &[Param::Time], describe),
    function("wantDuration", &[Param::Duration], describe),
    function("wantThing", &[Param::Named("main.Thing")], |_, args| Ok(Value::Str(this(args).name.clone()))),
    function("wantPointer", &[Param::Named("*main.Thing")], |_, args| Ok(Value::str(args[0].is_nil().to_string()))),
    variadic("wantMany", &[Param::String, Param::Int], |_, args| {
        Ok(Value::str(fmt::sprint(&[args[0].clone(), Value::List(List::typed("[]int", args[1..].to_vec()))])))
    }),
];
