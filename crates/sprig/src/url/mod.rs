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

/// A URL of a request, as Go's `url.ParseRequestURI` takes it: absolute, or a path from the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestUri {
    /// `https`
    pub scheme: String,
    /// The host with its port.
    pub host: String,
    /// The host without port and brackets.
    pub hostname: String,
    /// The path as Go writes it.
    pub escaped_path: String,
    /// What stands behind the question mark.
    pub query: String,
}

/// Takes the URL of a request apart, and then, with its fragment, as a URL; the error is Go's text of whichever failed.
pub fn request_uri(text: &str) -> Result<RequestUri, String> {
    let wrap = |error: String| format!("parse {}: {error}", hydrate_gotmpl::fmt::quote(text.as_bytes()));
    if text.is_empty() {
        return Err(wrap("empty url".to_owned()));
    }
    // A request has no fragments: there, a number sign is a part of the path.
    let without = text.replace('#', "%23");
    let url = parse::parse(without.as_bytes(), Rules::Go127).map_err(|error| error.replace("%23", "#"))?;
    let is_rooted = text.starts_with('/') || text == "*";
    if url.scheme.is_empty() && !is_rooted {
        return Err(wrap("invalid URI for request".to_owned()));
    }
    let url = parse::parse(text.as_bytes(), Rules::Go127)?;
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut path = Vec::new();
    let is_encoded = |raw: &[u8]| raw.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]%/".contains(byte));
    match (url.raw_path.as_slice(), url.path.as_slice()) {
        (raw, _) if !raw.is_empty() && is_encoded(raw) => path.extend_from_slice(raw),
        (_, b"*") => path.push(b'*'),
        (_, plain) => escape(&mut path, plain, UrlComponent::Path),
    }
    let (hostname, host) = (string(url.hostname()), string(&url.host));
    Ok(RequestUri { scheme: string(&url.scheme), host, hostname, escaped_path: string(&path), query: string(&url.query) })
}

/// The pairs of a query, as Go's `Query` reads them: those that are not escaped well are left out.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let read = |text: &str| {
        let spaced = text.replace('+', " ");
        let bytes = spaced.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            rest = after;
            match (first, hex(0), hex(1)) {
                (b'%', Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    rest = after.get(2..).unwrap_or_default();
                }
                (b'%', ..) => return None,
                _ => out.push(*first),
            }
        }
        Some(String::from_utf8_lossy(&out).into_owned())
    };
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        Some((read(key)?, read(value)?))
    };
    query.split('&').filter(|part| !part.is_empty() && !part.contains(';')).filter_map(pair).collect()
}

/// Whether a text is an IP address as Go's `netip.ParseAddr` reads it; the error is Go's text.
pub fn check_address(text: &[u8]) -> Result<(), String> {
    address::parse(text)
}
