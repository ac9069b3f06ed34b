//! URLs as Go's `net/url` takes them apart and puts them together.

mod address;
mod escape;
mod parse;

use super::args::{self, NIL_POINTER, Out, bytes, kind_name, map};
use escape::{UrlComponent, escape};
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::{Failure, Map, Str, Value};
use parse::{Rules, Url, Userinfo, parse};

/// `urlParse TEXT`: a dict of `scheme`, `host`, `hostname`, `path`, `query`, `opaque`, `fragment` and `userinfo`.
pub(crate) fn url_parse(_: &mut Vm<'_>, args: &[Value]) -> Out {
    parsed(args, Rules::Go127)
}

/// `urlParse TEXT` with the laxer rules that Helm 3's Go has for hosts.
pub(crate) fn url_parse_v3(_: &mut Vm<'_>, args: &[Value]) -> Out {
    parsed(args, Rules::Go123)
}

fn parsed(args: &[Value], rules: Rules) -> Out {
    let url = parse(bytes(args, 0), rules).map_err(|error| format!("unable to parse url: {error}"))?;
    let userinfo = url.user.as_ref().map(Userinfo::text).unwrap_or_default();
    let hostname = url.hostname().to_vec();
    let entries = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::Map(Map::from_entries(entries.map(|(key, text)| (Str::from(key), Value::str(text))))))
}

/// A text of a dict, empty where there is none.
fn entry(dict: &Map, key: &str) -> Result<Vec<u8>, Failure> {
    match dict.get(key.as_bytes()) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.as_bytes().to_vec()),
        Some(Value::Nil) => Err(NIL_POINTER.into()),
        Some(other) => {
            let kind = kind_name(other.kind());
            Err(format!("unable to parse {key} key, must be of type string, but {kind} found").into())
        }
    }
}

/// `urlJoin DICT`: the URL of the parts that `urlParse` gives.
pub(crate) fn url_join(_: &mut Vm<'_>, args: &[Value]) -> Out {
    let dict = map(args, 0);
    let url = Url {
        scheme: entry(&dict, "scheme")?,
        host: entry(&dict, "host")?,
        path: entry(&dict, "path")?,
        raw_path: Vec::new(),
        query: entry(&dict, "query")?,
        opaque: entry(&dict, "opaque")?,
        fragment: entry(&dict, "fragment")?,
        user: userinfo(&entry(&dict, "userinfo")?)?,
    };
    args::string(joined(&url))
}

fn userinfo(text: &[u8]) -> Result<Option<Userinfo>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    let whole = [b"proto://", text, b"@host"].concat();
    let url = parse(&whole, Rules::Go127).map_err(|error| format!("unable to parse userinfo in dict: {error}"))?;
    Ok(url.user)
}

fn joined(url: &Url) -> Vec<u8> {
    let mut out = Vec::new();
    if !url.scheme.is_empty() {
        out.extend_from_slice(&url.scheme);
        out.push(b':');
    }
    match url.opaque.is_empty() {
        true => push_hierarchy(&mut out, url),
        false => out.extend_from_slice(&url.opaque),
    }
    if !url.query.is_empty() {
        out.push(b'?');
        out.extend_from_slice(&url.query);
    }
    if !url.fragment.is_empty() {
        out.push(b'#');
        escape(&mut out, &url.fragment, UrlComponent::Fragment);
    }
    out
}

fn push_hierarchy(out: &mut Vec<u8>, url: &Url) {
    let authority = !url.host.is_empty() || url.user.is_some();
    if authority || !url.scheme.is_empty() && !url.path.is_empty() {
        out.extend_from_slice(b"//");
    }
    if let Some(user) = &url.user {
        out.extend(user.text());
        out.push(b'@');
    }
    escape(out, &url.host, UrlComponent::Host);
    if !url.host.is_empty() && url.path.first().is_some_and(|first| *first != b'/') {
        out.push(b'/');
    }
    let segment = url.path.split(|byte| *byte == b'/').next().unwrap_or_default();
    if out.is_empty() && segment.contains(&b':') {
        out.extend_from_slice(b"./");
    }
    match url.path.as_slice() {
        b"*" => out.push(b'*'),
        path => escape(out, path, UrlComponent::Path),
    }
}

/// What Go's `url.Parse` makes of a text, as far as JSON schemas ask for it.
pub struct Inspected {
    /// The scheme; empty for a reference.
    pub scheme: Vec<u8>,
    /// The host as it is written, with brackets and port.
    pub host: Vec<u8>,
    /// The host without these.
    pub hostname: Vec<u8>,
    /// The path without escapes.
    pub path: Vec<u8>,
    /// The segments of the path without escapes, where Go would write the path otherwise than the text does.
    pub odd_path: Vec<Vec<u8>>,
}

/// Takes a URL apart as Go 1.23 (`older`) or 1.27 does; the error is Go's text.
pub fn inspect(text: &[u8], older: bool) -> Result<Inspected, String> {
    let url = parse::parse(text, if older { Rules::Go123 } else { Rules::Go127 })?;
    let segments = url.raw_path.split(|byte| *byte == b'/');
    let odd_path = segments.map(|segment| escape::unescape(segment, escape::UrlComponent::Path)).collect::<Result<_, _>>()?;
    Ok(Inspected { hostname: url.hostname().to_vec(), scheme: url.scheme, host: url.host, path: url.path, odd_path })
}

/// Whether a text is an IP address as Go's `netip.ParseAddr` reads it; the error is Go's text.
pub fn check_address(text: &[u8]) -> Result<(), String> {
    address::parse(text)
}
