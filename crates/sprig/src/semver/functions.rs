//! The template functions, and what templates may ask of a version.

use super::super::args::{self, Out, any, lossy};
use super::{Constraint, Release, Version};
use hydrate_gotmpl::Param::{Named, String as Text};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::decode::{Numbers, Target, from_json_of, json_kind};
use hydrate_gotmpl::{Failure, Function, Kind, Object, Param, Rare, Value};
use std::cell::RefCell;

/// `semver TEXT`.
pub(crate) fn semver(_: &mut Vm<'_>, args: &[Value]) -> Out {
    version(&lossy(args, 0), Release::V3_5)
}

/// `semver TEXT`, with the texts of the older release.
pub(crate) fn semver_v3(_: &mut Vm<'_>, args: &[Value]) -> Out {
    version(&lossy(args, 0), Release::V3_3)
}

fn version(text: &str, release: Release) -> Out {
    let version = Version::parse(text, release)?;
    Ok(Value::object(Semver { version: RefCell::new(version), release, pointer: true }))
}

/// `semverCompare RANGE VERSION`.
pub(crate) fn semver_compare(_: &mut Vm<'_>, args: &[Value]) -> Out {
    compare(args, Release::V3_5)
}

/// `semverCompare RANGE VERSION`, with the rules of the older release.
pub(crate) fn semver_compare_v3(_: &mut Vm<'_>, args: &[Value]) -> Out {
    compare(args, Release::V3_3)
}

fn compare(args: &[Value], release: Release) -> Out {
    let constraint = Constraint::parse(&lossy(args, 0), release)?;
    let version = Version::parse(&lossy(args, 1), release)?;
    Ok(Value::Bool(constraint.check(&version)))
}

/// The Go type of what `semver` gives.
const TYPE: &str = "*semver.Version";

/// A version as a value: `*semver.Version`, or `semver.Version` as some of its methods give it.
struct Semver {
    /// `Scan` and its like change it in place.
    version: RefCell<Version>,
    release: Release,
    pointer: bool,
}

impl Object for Semver {
    fn type_name(&self) -> &'static str {
        if self.pointer { TYPE } else { "semver.Version" }
    }

    fn kind(&self) -> Kind {
        if self.pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        let all: &[&[Function]] = if self.pointer { &[METHODS, POINTER_METHODS] } else { &[METHODS] };
        all.iter().copied().flatten().find(|method| method.name == name)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let version = self.version.borrow();
        let number = |number: u64| args::integer("uint64", Kind::Uint64, i128::from(number));
        let text = |text: &str| Value::str(text);
        vec![
            ("major", number(version.major)),
            ("minor", number(version.minor)),
            ("patch", number(version.patch)),
            ("pre", text(&version.pre)),
            ("metadata", text(&version.metadata)),
            ("original", text(&version.original)),
        ]
    }

    fn string(&self) -> Option<String> {
        Some(self.version.borrow().to_string())
    }

    fn deep_copied(&self) -> Option<Value> {
        Some(Value::object(Self { version: RefCell::new(Version::zero("")), ..*self }))
    }

    fn encoded(&self) -> Value {
        Value::str(self.version.borrow().to_string())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

const fn method(name: &'static str, params: &'static [Param], run: fn(&mut Vm<'_>, &[Value]) -> Out) -> Function {
    Function { name, params, variadic: false, run }
}

static METHODS: &[Function] = &[
    method("IncMajor", &[], inc_major),
    method("IncMinor", &[], inc_minor),
    method("IncPatch", &[], inc_patch),
    method("MarshalJSON", &[], |_, args| {
        with(any(args, 0), |semver| Value::bytes(format!("\"{}\"", semver.version.borrow()).into_bytes()))
    }),
    method("MarshalText", &[], |_, args| with(any(args, 0), |semver| Value::bytes(semver.version.borrow().to_string().into_bytes()))),
    method("Major", &[], |_, args| number(args, |version| version.major)),
    method("Metadata", &[], |_, args| text(args, |version| version.metadata.clone())),
    method("Minor", &[], |_, args| number(args, |version| version.minor)),
    method("Patch", &[], |_, args| number(args, |version| version.patch)),
    method("Prerelease", &[], |_, args| text(args, |version| version.pre.clone())),
    method("SetMetadata", &[Text], set_metadata),
    method("SetPrerelease", &[Text], set_prerelease),
    method("String", &[], |_, args| text(args, Version::to_string)),
    method("Value", &[], |_, args| text(args, Version::to_string)),
];

static POINTER_METHODS: &[Function] = &[
    method("Compare", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Int(order as i64))),
    method("Equal", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_eq()))),
    method("GreaterThan", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_gt()))),
    method("GreaterThanEqual", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_ge()))),
    method("LessThan", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_lt()))),
    method("LessThanEqual", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_le()))),
    method("Original", &[], |_, args| text(args, |version| version.original.clone())),
    method("Scan", &[Param::Any], |_, args| {
        replace(
            args,
            match any(args, 1) {
                Value::Str(text) => text.as_bytes(),
                _ => b"",
            },
        )
    }),
    method("UnmarshalJSON", &[Param::Bytes], unmarshal_json),
    method("UnmarshalText", &[Param::Bytes], |_, args| replace(args, any(args, 1).as_bytes().unwrap_or_default())),
];

fn unmarshal_json(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    let text = any(args, 1).as_bytes().unwrap_or_default();
    let go = vm.set().options().go;
    match from_json_of(go, text, Target::Any, Numbers::Float64) {
        Ok(Value::Str(version)) => replace(args, version.as_bytes()),
        Ok(Value::Nil) => replace(args, b""),
        Ok(other) => Ok(Value::error(format!("json: cannot unmarshal {} into Go value of type string", json_kind(&other)))),
        Err(error) => Ok(Value::error(error)),
    }
}

/// Reads another version into the receiver; the error is what the method gives back.
fn replace(args: &[Value], text: &[u8]) -> Out {
    with(any(args, 0), |semver| match Version::parse(&String::from_utf8_lossy(text), semver.release) {
        Ok(version) => {
            *semver.version.borrow_mut() = version;
            Value::no_error()
        }
        Err(error) => Value::error(error),
    })
}

/// Lets a function look at the version behind an argument; a nil pointer is Go's panic.
fn with<T>(value: &Value, look: impl FnOnce(&Semver) -> T) -> Result<T, Failure> {
    if let Value::Rare(rare) = value
        && let Rare::Object(object) = &**rare
        && let Some(semver) = object.as_any().downcast_ref::<Semver>()
    {
        return Ok(look(semver));
    }
    Err(args::NIL_POINTER.into())
}

fn number(args: &[Value], get: fn(&Version) -> u64) -> Out {
    with(any(args, 0), |semver| args::integer("uint64", Kind::Uint64, i128::from(get(&semver.version.borrow()))))
}

fn text(args: &[Value], get: fn(&Version) -> String) -> Out {
    with(any(args, 0), |semver| Value::str(get(&semver.version.borrow())))
}

fn order(args: &[Value], answer: fn(std::cmp::Ordering) -> Value) -> Out {
    let other = with(any(args, 1), |semver| semver.version.borrow().clone())?;
    with(any(args, 0), |semver| answer(semver.version.borrow().compare(&other)))
}

/// Another version made from the receiver; its original text is its own, with the `v` of the receiver's.
fn changed(args: &[Value], change: impl FnOnce(&mut Version) -> Result<(), String>) -> Out {
    let (mut version, release) = with(any(args, 0), |semver| (semver.version.borrow().clone(), semver.release))?;
    change(&mut version)?;
    let prefix = if version.original.starts_with('v') { "v" } else { "" };
    version.original = format!("{prefix}{version}");
    Ok(Value::object(Semver { version: RefCell::new(version), release, pointer: false }))
}

fn increment(number: &mut u64, what: &str) -> Result<(), String> {
    *number = number.checked_add(1).ok_or_else(|| format!("{what} version increment would overflow uint64"))?;
    Ok(())
}

fn inc_patch(_: &mut Vm<'_>, args: &[Value]) -> Out {
    changed(args, |version| {
        if version.pre.is_empty() {
            increment(&mut version.patch, "patch")?;
        }
        clear(version);
        Ok(())
    })
}

fn inc_minor(_: &mut Vm<'_>, args: &[Value]) -> Out {
    changed(args, |version| {
        clear(version);
        version.patch = 0;
        increment(&mut version.minor, "minor")
    })
}

fn inc_major(_: &mut Vm<'_>, args: &[Value]) -> Out {
    changed(args, |version| {
        clear(version);
        (version.minor, version.patch) = (0, 0);
        increment(&mut version.major, "major")
    })
}

fn clear(version: &mut Version) {
    version.pre.clear();
    version.metadata.clear();
}

/// Checks a pre-release or metadata by reading a version that has it.
fn suffix(args: &[Value], sign: &str) -> Result<String, Failure> {
    let release = with(any(args, 0), |semver| semver.release)?;
    let text = lossy(args, 1);
    if !text.is_empty() {
        Version::parse_strict(&format!("0.0.0{sign}{text}"), release)?;
    }
    Ok(text.into_owned())
}

fn set_prerelease(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let pre = suffix(args, "-")?;
    changed(args, |version| {
        version.pre = pre;
        Ok(())
    })
}

fn set_metadata(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let metadata = suffix(args, "+")?;
    changed(args, |version| {
        version.metadata = metadata;
        Ok(())
    })
}
