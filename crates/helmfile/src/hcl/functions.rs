//! The functions that expressions can call: those of cty, of HCL's `tryfunc`, of go-cty-yaml and of go-cty-funcs, under the names that helmfile gives them.

mod collections;
mod encoding;
mod format;
mod network;
mod numbers;
mod regex;
mod sets;
mod texts;
mod time;

use std::rc::Rc;

use super::number::Number;
use super::value::{Outcome, Type, Value, convert};
use crate::Version;

/// What a parameter takes; other values are converted.
#[derive(Clone, Copy)]
enum Accept {
    Any,
    Text,
    Number,
    /// A list of texts.
    Texts,
    /// A list of any one type.
    List,
    /// A set of any one type.
    Set,
}

/// A parameter.
#[derive(Clone, Copy)]
struct Parameter {
    name: &'static str,
    accept: Accept,
    may_be_null: bool,
}

/// A function whose arguments are evaluated before.
pub(super) struct Signature {
    name: &'static str,
    parameters: &'static [Parameter],
    /// What further arguments have to be; none where there can be none.
    rest: Option<Parameter>,
    pub(super) body: fn(&[Value]) -> Outcome,
    /// The only release that has it in this form.
    only: Option<Version>,
}

/// A function whose arguments may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lazy {
    Try,
    Can,
}

/// A function.
pub(super) enum Found {
    Eager(&'static Signature),
    Lazy(Lazy),
}

const fn any(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Any, may_be_null: false }
}

const fn nullable(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Any, may_be_null: true }
}

const fn text(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Text, may_be_null: false }
}

const fn number(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Number, may_be_null: false }
}

const fn list(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::List, may_be_null: false }
}

const fn texts_list(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Texts, may_be_null: false }
}

const fn set(name: &'static str) -> Parameter {
    Parameter { name, accept: Accept::Set, may_be_null: false }
}

const fn fixed(name: &'static str, parameters: &'static [Parameter], body: fn(&[Value]) -> Outcome) -> Signature {
    Signature { name, parameters, rest: None, body, only: None }
}

const fn open(name: &'static str, parameters: &'static [Parameter], rest: Parameter, body: fn(&[Value]) -> Outcome) -> Signature {
    Signature { name, parameters, rest: Some(rest), body, only: None }
}

/// A function that only one release has, or has in this form.
const fn only(version: Version, signature: Signature) -> Signature {
    Signature { only: Some(version), ..signature }
}

/// All of them, by name.
static FUNCTIONS: &[Signature] = &[
    fixed("abs", &[number("num")], numbers::abs),
    fixed("ceil", &[number("num")], numbers::ceil),
    fixed("chomp", &[text("str")], texts::chomp),
    fixed("chunklist", &[list("list"), number("size")], collections::chunklist),
    only(Version::V1, fixed("cidrhost", &[text("prefix"), number("hostnum")], network::host)),
    only(Version::V1, fixed("cidrnetmask", &[text("prefix")], network::netmask)),
    only(Version::V1, fixed("cidrsubnet", &[text("prefix"), number("newbits"), number("netnum")], network::subnet)),
    only(Version::V1, open("cidrsubnets", &[text("prefix")], number("newbits"), network::subnets)),
    open("coalesce", &[], nullable("vals"), collections::coalesce),
    open("coalescelist", &[], nullable("vals"), collections::coalescelist),
    fixed("compact", &[texts_list("list")], collections::compact),
    open("concat", &[], any("seqs"), collections::concat),
    fixed("contains", &[any("list"), nullable("value")], collections::contains),
    fixed("csvdecode", &[text("str")], encoding::csvdecode),
    fixed("distinct", &[list("list")], collections::distinct),
    only(Version::V1, fixed("element", &[any("list"), number("index")], collections::element)),
    only(Version::V0, fixed("element", &[any("list"), number("index")], collections::element_from_the_start)),
    fixed("flatten", &[any("list")], collections::flatten),
    fixed("floor", &[number("num")], numbers::floor),
    open("format", &[text("format")], nullable("args"), format::format),
    fixed("formatdate", &[text("format"), text("time")], time::formatdate),
    open("formatlist", &[text("format")], nullable("args"), format::formatlist),
    fixed("indent", &[number("spaces"), text("str")], texts::indent),
    fixed("int", &[number("num")], numbers::int),
    open("join", &[text("separator")], texts_list("lists"), texts::join),
    fixed("jsondecode", &[text("str")], encoding::jsondecode),
    fixed("jsonencode", &[nullable("val")], encoding::jsonencode),
    fixed("keys", &[any("inputMap")], collections::keys),
    fixed("length", &[any("collection")], collections::length),
    fixed("log", &[number("num"), number("base")], numbers::log),
    fixed("lookup", &[any("inputMap"), text("key"), any("default")], collections::lookup),
    fixed("lower", &[text("str")], texts::lower),
    open("max", &[], number("numbers"), numbers::max),
    open("merge", &[], nullable("maps"), collections::merge),
    open("min", &[], number("numbers"), numbers::min),
    fixed("parseint", &[any("number"), number("base")], numbers::parseint),
    fixed("pow", &[number("num"), number("power")], numbers::pow),
    open("range", &[], number("params"), numbers::range),
    fixed("regex", &[text("pattern"), text("string")], regex::regex),
    fixed("regexall", &[text("pattern"), text("string")], regex::regexall),
    fixed("reverselist", &[any("list")], collections::reverselist),
    open("setintersection", &[set("first_set")], set("other_sets"), sets::intersection),
    open("setproduct", &[], any("sets"), sets::product),
    fixed("setsubtract", &[set("a"), set("b")], sets::subtract),
    open("setunion", &[set("first_set")], set("other_sets"), sets::union),
    fixed("signum", &[number("num")], numbers::signum),
    fixed("slice", &[any("list"), number("start_index"), number("end_index")], collections::slice),
    fixed("sort", &[texts_list("list")], collections::sort),
    fixed("split", &[text("separator"), text("str")], texts::split),
    fixed("strlen", &[text("str")], texts::strlen),
    fixed("strrev", &[text("str")], texts::strrev),
    fixed("substr", &[text("str"), number("offset"), number("length")], texts::substr),
    fixed("timeadd", &[text("timestamp"), text("duration")], time::timeadd),
    fixed("title", &[text("str")], texts::title),
    fixed("trim", &[text("str"), text("cutset")], texts::trim),
    fixed("trimprefix", &[text("str"), text("prefix")], texts::trimprefix),
    fixed("trimspace", &[text("str")], texts::trimspace),
    fixed("trimsuffix", &[text("str"), text("suffix")], texts::trimsuffix),
    fixed("upper", &[text("str")], texts::upper),
    fixed("values", &[any("mapping")], collections::values),
    fixed("yamldecode", &[text("src")], encoding::yamldecode),
    fixed("yamlencode", &[nullable("value")], encoding::yamlencode),
    fixed("zipmap", &[texts_list("keys"), any("values")], collections::zipmap),
];

/// The function of a name.
pub(super) fn find(name: &str, version: Version) -> Option<Found> {
    match name {
        "try" => Some(Found::Lazy(Lazy::Try)),
        "can" => Some(Found::Lazy(Lazy::Can)),
        name => FUNCTIONS.iter().find(|it| it.name == name && it.is_known_to(version)).map(Found::Eager),
    }
}

/// The function whose name is nearest to one that there is not.
pub(super) fn nearest(name: &str, version: Version) -> Option<&'static str> {
    let names = FUNCTIONS.iter().filter(|it| it.is_known_to(version)).map(|it| it.name).chain(["try", "can"]);
    hydrate_base::suggest::closest(name, names)
}

impl Signature {
    fn is_known_to(&self, version: Version) -> bool {
        self.only.is_none_or(|only| only == version)
    }

    /// Why so many arguments are too few or too many.
    pub(super) fn wrong_count(&self, count: usize) -> Option<String> {
        let wanted = self.parameters.len();
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        if count < wanted {
            let missing = names.get(count).copied().unwrap_or_default();
            return Some(format!("the argument {missing} is missing"));
        }
        (count > wanted && self.rest.is_none()).then(|| format!("it takes {wanted} ({}), and {count} are given", names.join(", ")))
    }

    fn parameter(&self, at: usize) -> Option<Parameter> {
        self.parameters.get(at).copied().or(self.rest)
    }

    pub(super) fn parameter_name(&self, at: usize) -> &'static str {
        self.parameter(at).map_or("", |parameter| parameter.name)
    }

    /// An argument as the function takes it.
    pub(super) fn fitted(&self, at: usize, value: &Value) -> Outcome {
        let Some(parameter) = self.parameter(at) else { return Ok(value.clone()) };
        if value.is_null() {
            return if parameter.may_be_null { Ok(value.clone()) } else { Err("it must not be null".to_owned()) };
        }
        let kind = match parameter.accept {
            Accept::Any => return Ok(value.clone()),
            Accept::Text => Type::String,
            Accept::Number => Type::Number,
            Accept::Texts => Type::list(Type::String),
            Accept::List => Type::list(Type::Dynamic),
            Accept::Set => Type::Set(Rc::new(Type::Dynamic)),
        };
        convert(value, &kind)
    }
}

/// An argument that is a text.
fn text_at(arguments: &[Value], at: usize) -> Result<&str, String> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err("a text is required".to_owned()),
    }
}

/// An argument that is a number.
fn number_at(arguments: &[Value], at: usize) -> Result<&Number, String> {
    match arguments.get(at) {
        Some(Value::Number(number)) => Ok(number),
        _ => Err("a number is required".to_owned()),
    }
}

/// An argument that is a whole number.
fn int_at(arguments: &[Value], at: usize) -> Result<i64, String> {
    number_at(arguments, at)?.to_int().ok_or_else(|| "a whole number is required".to_owned())
}

/// An argument, of which it is known that it is there.
fn value_at(arguments: &[Value], at: usize) -> Result<&Value, String> {
    arguments.get(at).ok_or_else(|| "an argument is missing".to_owned())
}
