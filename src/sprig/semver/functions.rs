//! The template functions, and what templates may ask of a version.

use super::super::args::{self, Out, any, lossy};
use super::{Constraint, Release, Version};
use crate::gotmpl::Param::{Named, String as Text};
use crate::gotmpl::exec::Vm;
use crate::gotmpl::{Failure, Function, Kind, Object, Param, Rare, Value};

/// `semver TEXT`.
pub fn semver(_: &mut Vm<'_>, args: &[Value]) -> Out {
    version(&lossy(args, 0), Release::V3_5)
}

/// `semver TEXT`, with the texts of the older release.
pub fn semver_v3(_: &mut Vm<'_>, args: &[Value]) -> Out {
    version(&lossy(args, 0), Release::V3_3)
}

fn version(text: &str, release: Release) -> Out {
    let version = Version::parse(text, release)?;
    Ok(Value::object(Semver { version, release, pointer: true }))
}

/// `semverCompare RANGE VERSION`.
pub fn semver_compare(_: &mut Vm<'_>, args: &[Value]) -> Out {
    compare(args, Release::V3_5)
}

/// `semverCompare RANGE VERSION`, with the rules of the older release.
pub fn semver_compare_v3(_: &mut Vm<'_>, args: &[Value]) -> Out {
    compare(args, Release::V3_3)
}

fn compare(args: &[Value], release: Release) -> Out {
    let constraint = Constraint::parse(&lossy(args, 0), release)?;
    let version = Version::parse(&lossy(args, 1), release)?;
    Ok(Value::Bool(constraint.check(&version)))
}

/// The Go type of what `semver` gives.
pub(in crate::sprig) const TYPE: &str = "*semver.Version";

/// A version of which nothing is set.
pub(in crate::sprig) fn zero() -> Value {
    Value::object(Semver { version: Version::zero(""), release: Release::V3_5, pointer: true })
}

/// A version as a value: `*semver.Version`, or `semver.Version` as some of its methods give it.
struct Semver {
    version: Version,
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

    fn string(&self) -> Option<String> {
        Some(self.version.to_string())
    }

    fn encoded(&self) -> Value {
        Value::str(self.version.to_string())
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
    method("Major", &[], |_, args| number(args, |version| version.major)),
    method("Metadata", &[], |_, args| text(args, |version| version.metadata.clone())),
    method("Minor", &[], |_, args| number(args, |version| version.minor)),
    method("Patch", &[], |_, args| number(args, |version| version.patch)),
    method("Prerelease", &[], |_, args| text(args, |version| version.pre.clone())),
    method("SetMetadata", &[Text], set_metadata),
    method("SetPrerelease", &[Text], set_prerelease),
    method("String", &[], |_, args| text(args, Version::to_string)),
];

static POINTER_METHODS: &[Function] = &[
    method("Compare", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Int(order as i64))),
    method("Equal", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_eq()))),
    method("GreaterThan", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_gt()))),
    method("GreaterThanEqual", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_ge()))),
    method("LessThan", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_lt()))),
    method("LessThanEqual", &[Named("*semver.Version")], |_, args| order(args, |order| Value::Bool(order.is_le()))),
    method("Original", &[], |_, args| text(args, |version| version.original.clone())),
];

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
    with(any(args, 0), |semver| args::integer("uint64", Kind::Uint64, i128::from(get(&semver.version))))
}

fn text(args: &[Value], get: fn(&Version) -> String) -> Out {
    with(any(args, 0), |semver| Value::str(get(&semver.version)))
}

fn order(args: &[Value], answer: fn(std::cmp::Ordering) -> Value) -> Out {
    let other = with(any(args, 1), |semver| semver.version.clone())?;
    with(any(args, 0), |semver| answer(semver.version.compare(&other)))
}

/// Another version made from the receiver; its original text is its own, with the `v` of the receiver's.
fn changed(args: &[Value], change: impl FnOnce(&mut Version) -> Result<(), String>) -> Out {
    let (mut version, release) = with(any(args, 0), |semver| (semver.version.clone(), semver.release))?;
    change(&mut version)?;
    let prefix = if version.original.starts_with('v') { "v" } else { "" };
    version.original = format!("{prefix}{version}");
    Ok(Value::object(Semver { version, release, pointer: false }))
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
