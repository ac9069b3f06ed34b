//! The addresses that supply deals with: absolute URLs, taken apart just as far as needed.

use std::fmt;

/// An absolute URL with scheme and host, without user information.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    text: String,
    scheme: usize,
    authority: usize,
}

impl Url {
    /// Takes an absolute URL apart; `None` when it has no scheme, no host, a space or a control character. User
    /// information (`user:password@`) is left out: it must neither be shown nor locked. [`Url::login_of`] gives it.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let known = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !known || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let tail = tail.split('#').next().unwrap_or(tail);
        if !is_host(host) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let slash = if tail.starts_with('/') { "" } else { "/" };
        let text = format!("{scheme}://{}{slash}{tail}", host.to_ascii_lowercase());
        Some(Self { scheme: scheme.len(), authority: scheme.len() + 3 + host.len(), text })
    }

    /// The user information of an URL's text, percent-decoded.
    pub fn login_of(text: &str) -> Option<(String, String)> {
        let (_, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (info, _) = authority.rsplit_once('@')?;
        let (user, password) = info.split_once(':').unwrap_or((info, ""));
        Some((percent_decoded(user), percent_decoded(password)))
    }

    /// The whole, without user information and fragment.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `https`, in lower case.
    pub fn scheme(&self) -> &str {
        &self.text[..self.scheme]
    }

    /// `host` or `host:port`.
    pub fn authority(&self) -> &str {
        &self.text[self.scheme + 3..self.authority]
    }

    /// The host alone, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        }
    }

    /// The port, that of the scheme where none is written.
    pub fn port(&self) -> u16 {
        let written = self.authority().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        written.unwrap_or(if self.scheme() == "http" { 80 } else { 443 })
    }

    /// The path with its query, beginning with `/`.
    pub fn path(&self) -> &str {
        &self.text[self.authority..]
    }

    /// The part of the path after its last `/`, without the query.
    pub fn file_name(&self) -> &str {
        let path = self.path().split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or(path)
    }

    /// Whether scheme, host and port are the same.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.scheme() == other.scheme() && self.host() == other.host() && self.port() == other.port()
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host == "::1" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// A reference resolved against this URL, as RFC 3986 does (`..` included).
    pub fn join(&self, reference: &str) -> Option<Self> {
        if reference.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#'])) {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme()));
        }
        let base = format!("{}://{}", self.scheme(), self.authority());
        let (path, query) = reference.split_at(reference.find('?').unwrap_or(reference.len()));
        let own = self.path().split('?').next().unwrap_or("/");
        let merged = match path {
            "" => own.to_owned(),
            _ if path.starts_with('/') => path.to_owned(),
            _ => format!("{}/{path}", own.rsplit_once('/').map_or("", |(directory, _)| directory)),
        };
        Self::parse(&format!("{base}{}{query}", without_dots(&merged)))
    }

    /// A reference resolved as helm resolves an entry of an index: below the repository's URL as if it ended in `/`,
    /// with the repository's query kept (`repo.ResolveReferenceURL`, helm 3 and 4).
    pub fn join_below(&self, reference: &str) -> Option<Self> {
        if reference.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?', '#'])) {
            return Self::parse(reference);
        }
        let (path, query) = self.text.split_at(self.text.find('?').unwrap_or(self.text.len()));
        let joined = Self::parse(&format!("{}/", path.trim_end_matches('/')))?.join(reference)?;
        if query.is_empty() || joined.text.contains('?') { Some(joined) } else { Self::parse(&format!("{}{query}", joined.text)) }
    }
}

/// Whether this is `host`, `host:port` or `[address]:port`, and can be nothing else to whoever reads it.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            ("-", rest.strip_prefix(':').or(Some(rest).filter(|rest| !rest.is_empty())))
        }
        Some(_) => return false,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !host.is_empty() && host.bytes().all(is_plain) && port.is_none_or(is_port)
}

fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let last = path.rsplit('/').next().unwrap_or_default();
    for part in path.split('/').skip(1) {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let open = matches!(last, "." | "..") && !parts.is_empty();
    format!("/{}{}", parts.join("/"), if open { "/" } else { "" })
}

/// Text with `%41` turned back into `A`.
pub fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|digit| (*digit as char).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Text safe as the value of a query parameter.
pub fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_left_out() {
        let url = Url::parse("https://us%40er:p%3Aw@Charts.Example.org:8443/x?y=1#z").unwrap();
        assert_eq!(url.as_str(), "https://charts.example.org:8443/x?y=1");
        assert_eq!((url.host(), url.port(), url.path()), ("charts.example.org", 8443, "/x?y=1"));
        assert_eq!(Url::login_of("https://us%40er:p%3Aw@h/x"), Some(("us@er".into(), "p:w".into())));
    }

    #[test]
    fn refused_addresses() {
        for text in [
            "",
            "charts",
            "://x",
            "https://",
            "https:///x",
            "https://a b/",
            "https://:80/",
            "ht tp://x",
            "https://a:80:b/",
            "https://a%2eb/",
            "https://a:99999/",
            "https://a:/",
            "https://a:+1/",
            "https://b\\@a\\/",
            "https://ä.org/",
            "https://[::1/",
            "https://[x]/",
            "https://[::1]x/",
        ] {
            assert!(Url::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn references() {
        let base = Url::parse("https://h/a/b/index.yaml").unwrap();
        for (reference, want) in [
            ("c.tgz", "https://h/a/b/c.tgz"),
            ("/c.tgz", "https://h/c.tgz"),
            ("../c.tgz", "https://h/a/c.tgz"),
            ("../../../../c.tgz", "https://h/c.tgz"),
            ("https://other/c.tgz", "https://other/c.tgz"),
            ("//other/c.tgz", "https://other/c.tgz"),
            ("c.tgz?x=https://y", "https://h/a/b/c.tgz?x=https://y"),
        ] {
            assert_eq!(base.join(reference).unwrap().as_str(), want);
        }
        let repository = Url::parse("https://h/charts?token=x").unwrap();
        assert_eq!(repository.join_below("a/c.tgz").unwrap().as_str(), "https://h/charts/a/c.tgz?token=x");
    }
}
