//! Taking a URL apart.

use super::escape::{UrlComponent, escape, unescape};
use hydrate_gotmpl::fmt::quote;

/// Whose rules for hosts hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Any text in brackets, and any number of colons.
    Go123,
    /// An IPv6 address in brackets, and one colon for `http` and `https`.
    Go127,
}

/// The parts of a URL, unescaped but for query and opaque part.
#[derive(Debug, Default)]
pub(super) struct Url {
    pub(super) scheme: Vec<u8>,
    pub(super) opaque: Vec<u8>,
    pub(super) user: Option<Userinfo>,
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
    /// The path as it was written, where that is not how Go would write it.
    pub(super) raw_path: Vec<u8>,
    pub(super) query: Vec<u8>,
    pub(super) fragment: Vec<u8>,
}

/// User and password.
#[derive(Debug)]
pub(super) struct Userinfo {
    user: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl Userinfo {
    /// `user:password`, escaped.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        escape(&mut out, &self.user, UrlComponent::UserPassword);
        if let Some(password) = &self.password {
            out.push(b':');
            escape(&mut out, password, UrlComponent::UserPassword);
        }
        out
    }
}

impl Url {
    /// The host without port and brackets.
    pub(super) fn hostname(&self) -> &[u8] {
        let colon = memchr::memrchr(b':', &self.host).filter(|at| is_optional_port(&self.host[*at..]));
        let host = &self.host[..colon.unwrap_or(self.host.len())];
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }
}

/// What stands before and after the first of a byte.
fn cut(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(byte, text) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// The parts of a URL, or Go's error `parse "…": …`.
pub(super) fn parse(text: &[u8], rules: Rules) -> Result<Url, String> {
    let (whole, fragment) = cut(text, b'#');
    let wrap = |text: &[u8], error: String| format!("parse {}: {error}", quote(text));
    let mut url = parse_whole(whole, rules).map_err(|error| wrap(whole, error))?;
    url.fragment = unescape(fragment.unwrap_or_default(), UrlComponent::Fragment).map_err(|error| wrap(text, error))?;
    Ok(url)
}

fn parse_whole(text: &[u8], rules: Rules) -> Result<Url, String> {
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
        return Err("net/url: invalid control character in URL".into());
    }
    if text == b"*" {
        return Ok(Url { path: text.to_vec(), ..Url::default() });
    }
    let (scheme, rest) = scheme(text)?;
    let (rest, query) = cut(rest, b'?');
    let mut url = Url { scheme: scheme.to_ascii_lowercase(), query: query.unwrap_or_default().to_vec(), ..Url::default() };
    if !rest.starts_with(b"/") {
        if !scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".into());
        }
    }
    let mut path = rest;
    if let Some(authority) = rest.strip_prefix(b"//").filter(|_| !scheme.is_empty() || !rest.starts_with(b"///")) {
        let size = cut(authority, b'/').0.len();
        (url.user, url.host) = parse_authority(&url.scheme, &authority[..size], rules)?;
        path = &authority[size..];
    }
    url.path = unescape(path, UrlComponent::Path)?;
    let mut usual = Vec::new();
    escape(&mut usual, &url.path, UrlComponent::Path);
    if usual != path {
        url.raw_path = path.to_vec();
    }
    Ok(url)
}

/// The scheme, empty where there is none, and what follows it.
fn scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Ok((&text[..at], &text[at + 1..])),
            b':' => return Err("missing protocol scheme".into()),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn parse_authority(scheme: &[u8], authority: &[u8], rules: Rules) -> Result<(Option<Userinfo>, Vec<u8>), String> {
    let Some(at) = memchr::memrchr(b'@', authority) else { return Ok((None, parse_host(scheme, authority, rules)?)) };
    let host = parse_host(scheme, &authority[at + 1..], rules)?;
    let userinfo = &authority[..at];
    if !userinfo.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
        return Err("net/url: invalid userinfo".into());
    }
    let (user, password) = cut(userinfo, b':');
    let user = unescape(user, UrlComponent::UserPassword)?;
    let password = password.map(|password| unescape(password, UrlComponent::UserPassword)).transpose()?;
    Ok((Some(Userinfo { user, password }), host))
}

fn is_optional_port(text: &[u8]) -> bool {
    text.split_first().is_none_or(|(first, digits)| *first == b':' && digits.iter().all(u8::is_ascii_digit))
}

fn check_port(text: &[u8]) -> Result<(), String> {
    if is_optional_port(text) { Ok(()) } else { Err(format!("invalid port {} after host", quote(text))) }
}

fn parse_host(scheme: &[u8], host: &[u8], rules: Rules) -> Result<Vec<u8>, String> {
    let bracket = memchr::memrchr(b'[', host);
    if rules == Rules::Go127 && bracket.is_some_and(|at| at > 0) {
        return Err("invalid IP-literal".into());
    }
    if host.first() == Some(&b'[') {
        return parse_literal(host, rules);
    }
    let strict = rules == Rules::Go127 && (scheme == b"http" || scheme == b"https");
    let colon = if strict { memchr::memchr(b':', host) } else { memchr::memrchr(b':', host) };
    check_port(colon.map_or(b"".as_slice(), |at| &host[at..]))?;
    unescape(host, UrlComponent::Host)
}

/// A host in brackets, and a port behind it.
fn parse_literal(host: &[u8], rules: Rules) -> Result<Vec<u8>, String> {
    let close = memchr::memrchr(b']', host).ok_or("missing ']' in host")?;
    let (literal, port) = (&host[1..close], &host[close + 1..]);
    check_port(port)?;
    let zone = memchr::memmem::find(literal, b"%25").unwrap_or(literal.len());
    let mut name = unescape(&literal[..zone], UrlComponent::Host)?;
    name.extend(unescape(&literal[zone..], UrlComponent::Zone)?);
    if rules == Rules::Go127 {
        super::address::check(&name)?;
    }
    Ok([b"[", name.as_slice(), b"]", port].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<[String; 5], String> {
        let url = parse(text.as_bytes(), Rules::Go127)?;
        let hostname = url.hostname().to_vec();
        let all = [url.scheme, url.host, hostname, url.path, url.query];
        Ok(all.map(|part| String::from_utf8(part).unwrap()))
    }

    #[test]
    fn urls_are_taken_apart() {
        assert_eq!(parts("HTTP://u:p@h.example:80/a%20b?q=1#f").unwrap(), ["http", "h.example:80", "h.example", "/a b", "q=1"]);
        assert_eq!(parts("http://[::1]:8080/").unwrap()[2], "::1");
        assert_eq!(parts("mailto:a@b").unwrap()[3], "");
    }

    #[test]
    fn errors_are_gos() {
        assert_eq!(parts("http://h:x/").unwrap_err(), "parse \"http://h:x/\": invalid port \":x\" after host");
        assert_eq!(parts("a:b%zz/").map(|_| ()), Ok(()));
        assert_eq!(parts("/%zz").unwrap_err(), "parse \"/%zz\": invalid URL escape \"%zz\"");
        assert_eq!(parts(":a").unwrap_err(), "parse \":a\": missing protocol scheme");
        assert_eq!(parts("1:a").unwrap_err(), "parse \"1:a\": first path segment in URL cannot contain colon");
    }
}
