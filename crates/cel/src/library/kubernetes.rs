//! Kubernetes' own types: URLs, quantities, addresses, versions, named formats; and optional values.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::value::{EvalError, Key, Out, Value};

use super::formats::NamedFormat;
use super::net;
use super::quantity::Quantity;
use super::semver::Semver;
use super::url::Url;
use super::{Function, formats};

pub(crate) const TABLE: &[(&str, Function)] = &[
    ("url", |args| {
        let wrong = |why| EvalError::new(format!("URL parse error during conversion from string: {why}"));
        text(args).map(|text| Url::parse(text).map(|url| Value::Url(Arc::new(url))).map_err(wrong))
    }),
    ("isURL", |args| text(args).map(|text| Ok(Value::Bool(Url::parse(text).is_ok())))),
    ("getScheme", |args| of_url(args, |url| url.parts().scheme.clone())),
    ("getHost", |args| of_url(args, |url| url.parts().host.clone())),
    ("getHostname", |args| of_url(args, |url| url.parts().hostname.clone())),
    ("getPort", |args| of_url(args, |url| url.port().to_owned())),
    ("getEscapedPath", |args| of_url(args, |url| url.parts().escaped_path.clone())),
    ("getQuery", query),
    ("quantity", |args| text(args).map(|text| Quantity::parse(text).map(quantity).map_err(EvalError::new))),
    ("isQuantity", |args| text(args).map(|text| Ok(Value::Bool(Quantity::parse(text).is_ok())))),
    ("sign", |args| of_quantity(args, |quantity| Ok(Value::Int(quantity.sign())))),
    ("isInteger", |args| of_quantity(args, |quantity| Ok(Value::Bool(quantity.integer().is_some())))),
    ("asInteger", |args| {
        let wrong = || EvalError::new("cannot convert value to integer");
        of_quantity(args, |quantity| quantity.integer().map(Value::Int).ok_or_else(wrong))
    }),
    ("asApproximateFloat", |args| of_quantity(args, |quantity| Ok(Value::Double(quantity.float())))),
    ("add", |args| sum(args, false)),
    ("sub", |args| sum(args, true)),
    ("isGreaterThan", |args| compare(args, |order| Value::Bool(order == Ordering::Greater))),
    ("isLessThan", |args| compare(args, |order| Value::Bool(order == Ordering::Less))),
    ("compareTo", |args| compare(args, |order| Value::Int(order as i64))),
    ("ip", |args| match args {
        [Value::Cidr(address, _)] => Some(Ok(Value::Ip(*address))),
        _ => text(args).map(|text| net::address(text).map(Value::Ip).map_err(EvalError::new)),
    }),
    ("isIP", |args| text(args).map(|text| Ok(Value::Bool(net::address(text).is_ok())))),
    ("ip.isCanonical", |args| {
        text(args).map(|text| net::address(text).map(|address| Value::Bool(address.to_string() == text)).map_err(EvalError::new))
    }),
    ("family", |args| of_ip(args, |address| Value::Int(if address.is_ipv4() { 4 } else { 6 }))),
    ("isUnspecified", |args| of_ip(args, |address| Value::Bool(address.is_unspecified()))),
    ("isLoopback", |args| of_ip(args, |address| Value::Bool(address.is_loopback()))),
    ("isLinkLocalMulticast", |args| of_ip(args, |address| Value::Bool(net::is_link_local_multicast(address)))),
    ("isLinkLocalUnicast", |args| of_ip(args, |address| Value::Bool(net::is_link_local_unicast(address)))),
    ("isGlobalUnicast", |args| of_ip(args, |address| Value::Bool(net::is_global_unicast(address)))),
    ("cidr", |args| {
        let wrong = |why| EvalError::new(format!("network address parse error during conversion from string: {why}"));
        text(args).map(|text| net::range(text).map(|(address, bits)| Value::Cidr(address, bits)).map_err(wrong))
    }),
    ("isCIDR", |args| text(args).map(|text| Ok(Value::Bool(net::range(text).is_ok())))),
    ("prefixLength", |args| of_cidr(args, |_, bits| Value::Int(i64::from(bits)))),
    ("masked", |args| of_cidr(args, |address, bits| Value::Cidr(net::masked(address, bits), bits))),
    ("containsIP", contains_ip),
    ("containsCIDR", contains_cidr),
    ("semver", |args| version(args).map(|read| read.map(|version| Value::Semver(Arc::new(version))).map_err(EvalError::new))),
    ("isSemver", |args| version(args).map(|read| Ok(Value::Bool(read.is_ok())))),
    ("major", |args| of_semver(args, 0)),
    ("minor", |args| of_semver(args, 1)),
    ("patch", |args| of_semver(args, 2)),
    ("format.named", |args| {
        text(args).map(|name| Ok(Value::Optional(NamedFormat::of(name).map(|format| Arc::new(Value::Format(format))))))
    }),
    ("validate", validate),
    ("optional.of", |args| args.first().cloned().map(|value| Ok(Value::Optional(Some(Arc::new(value)))))),
    ("optional.ofNonZeroValue", |args| args.first().cloned().map(|value| Ok(Value::Optional((!value.is_zero()).then(|| Arc::new(value)))))),
    ("optional.none", |_| Some(Ok(Value::Optional(None)))),
    ("value", |args| match args {
        [Value::Optional(Some(value))] => Some(Ok((**value).clone())),
        [Value::Optional(None)] => Some(Err(EvalError::new("optional.none() dereference"))),
        _ => None,
    }),
    ("hasValue", |args| match args {
        [Value::Optional(value)] => Some(Ok(Value::Bool(value.is_some()))),
        _ => None,
    }),
];

/// `format.NAME()`
pub(crate) fn named_format(function: &str) -> Option<Value> {
    let name = function.strip_prefix("format.")?;
    formats::ALL.iter().find(|format| format.name == name).map(Value::Format)
}

fn text(args: &[Value]) -> Option<&str> {
    match args {
        [Value::String(text)] => Some(text),
        _ => None,
    }
}

fn quantity(of: Quantity) -> Value {
    Value::Quantity(Arc::new(of))
}

fn of_url(args: &[Value], part: impl Fn(&Url) -> String) -> Option<Out> {
    match args {
        [Value::Url(url)] => Some(Ok(Value::String(part(url).into()))),
        _ => None,
    }
}

fn query(args: &[Value]) -> Option<Out> {
    let [Value::Url(url)] = args else { return None };
    let list = |values: Vec<String>| Value::list(values.into_iter().map(|value| Value::String(value.into())).collect());
    let entries: BTreeMap<Key, Value> = url.query().into_iter().map(|(key, values)| (Key::String(key.into()), list(values))).collect();
    Some(Ok(Value::map(entries)))
}

fn of_quantity(args: &[Value], of: impl Fn(&Quantity) -> Out) -> Option<Out> {
    match args {
        [Value::Quantity(quantity)] => Some(of(quantity)),
        _ => None,
    }
}

fn sum(args: &[Value], negated: bool) -> Option<Out> {
    let [Value::Quantity(a), b] = args else { return None };
    let sum = match b {
        Value::Quantity(b) => a.plus(b, negated),
        Value::Int(number) => a.plus(&Quantity::of(*number), negated),
        _ => return None,
    };
    Some(Ok(quantity(sum)))
}

fn compare(args: &[Value], of: impl Fn(Ordering) -> Value) -> Option<Out> {
    let order = match args {
        [Value::Quantity(a), Value::Quantity(b)] => a.compare(b),
        [Value::Semver(a), Value::Semver(b)] => a.compare(b),
        _ => return None,
    };
    Some(Ok(of(order)))
}

fn of_ip(args: &[Value], of: impl Fn(&IpAddr) -> Value) -> Option<Out> {
    match args {
        [Value::Ip(address)] => Some(Ok(of(address))),
        _ => None,
    }
}

fn of_cidr(args: &[Value], of: impl Fn(IpAddr, u8) -> Value) -> Option<Out> {
    match args {
        [Value::Cidr(address, bits)] => Some(Ok(of(*address, *bits))),
        _ => None,
    }
}

fn contains_ip(args: &[Value]) -> Option<Out> {
    let (range, address) = match args {
        [Value::Cidr(address, bits), Value::Ip(wanted)] => ((*address, *bits), Ok(*wanted)),
        [Value::Cidr(address, bits), Value::String(text)] => ((*address, *bits), net::address(text)),
        _ => return None,
    };
    Some(match address {
        Ok(address) => Ok(Value::Bool(net::holds(range, address))),
        Err(why) => Err(EvalError::new(why)),
    })
}

fn contains_cidr(args: &[Value]) -> Option<Out> {
    let (range, other) = match args {
        [Value::Cidr(address, bits), Value::Cidr(other, most)] => ((*address, *bits), Ok((*other, *most))),
        [Value::Cidr(address, bits), Value::String(text)] => ((*address, *bits), net::range(text)),
        _ => return None,
    };
    Some(match other {
        Ok((other, bits)) => Ok(Value::Bool(range.1 <= bits && net::holds(range, other))),
        Err(why) => Err(EvalError::new(format!("network address parse error during conversion from string: {why}"))),
    })
}

fn version(args: &[Value]) -> Option<Result<Semver, String>> {
    match args {
        [Value::String(text)] => Some(Semver::parse(text, false)),
        [Value::String(text), Value::Bool(lenient)] => Some(Semver::parse(text, *lenient)),
        _ => None,
    }
}

fn of_semver(args: &[Value], part: usize) -> Option<Out> {
    match args {
        [Value::Semver(version)] => Some(Ok(Value::Int(version.numbers[part] as i64))),
        _ => None,
    }
}

fn validate(args: &[Value]) -> Option<Out> {
    let [Value::Format(format), Value::String(text)] = args else { return None };
    let faults: Vec<Value> = format.faults(text).into_iter().map(|fault| Value::String(fault.into())).collect();
    Some(Ok(Value::Optional((!faults.is_empty()).then(|| Arc::new(Value::list(faults))))))
}
