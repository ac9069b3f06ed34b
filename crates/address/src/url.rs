//! The addresses that supply deals with: absolute URLs, read by the `url` crate and kept as they were written.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::{Host, ParseError, Position};

/// An absolute URL with scheme and host, without user information.
///
/// Its text is what stands in the lock and what is asked of a server, so path, query and a written port stay byte for
/// byte; scheme and host have their normal form. An address that the `url` crate, which follows the standard of
/// browsers, reads as another one than is written is refused: nobody is to see one host and to ask another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Url {
    text: String,
    /// Where the path begins in the text.
    path: usize,
    read: url::Url,
}

impl Url {
    /// Reads an absolute URL; `None` when it has no scheme, no host, a space or a control character, or can be read in
    /// two ways. User information (`user:password@`) is left out: it must neither be shown nor locked.
    /// [`Url::login_of`] gives it.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_plain(text) {
            return None;
        }
        let (authority, tail) = split_authority(text.split_once("://")?.1);
        let whole = url::Url::parse(text).ok()?;
        let host = host_of(&whole)?;
        let port = written_port(authority.rsplit('@').next()?)?;
        let tail = tail.split('#').next().unwrap_or(tail);
        let slash = if tail.starts_with('/') { "" } else { "/" };
        let origin = format!("{}://{host}{port}", whole.scheme());
        let text = format!("{origin}{slash}{tail}");
        let read = url::Url::parse(&text).ok()?;
        (host_of(&read)? == host && parts(&read) == parts(&whole)).then_some(Self { text, path: origin.len(), read })
    }

    /// An address for messages: what [`Url::parse`] makes of it, and where that is nothing, the text without whatever
    /// may be user information.
    pub fn shown(text: &str) -> String {
        match (Self::parse(text), text.split_once("://")) {
            (Some(url), _) => url.text,
            (None, Some((scheme, rest))) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or(rest)),
            (None, None) => text.to_owned(),
        }
    }

    /// The user information of an URL's text, percent-decoded.
    pub fn login_of(text: &str) -> Option<(String, String)> {
        let url = url::Url::parse(text).ok().filter(url::Url::has_authority)?;
        let (user, password) = (url.username(), url.password());
        (!user.is_empty() || password.is_some()).then(|| (percent_decoded(user), percent_decoded(password.unwrap_or_default())))
    }

    /// The whole, without user information and fragment.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `https`, in lower case.
    pub fn scheme(&self) -> &str {
        self.read.scheme()
    }

    /// `host` or `host:port`.
    pub fn authority(&self) -> &str {
        &self.text[self.scheme().len() + "://".len()..self.path]
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
        self.read.port_or_known_default().unwrap_or(443)
    }

    /// The path with its query as they are written, beginning with `/`.
    pub fn path(&self) -> &str {
        &self.text[self.path..]
    }

    /// The path as a server may read it: without the query, `.` and `..` resolved, however they are written.
    pub fn resolved_path(&self) -> &str {
        self.read.path()
    }

    /// The part of the path after its last `/`, without the query; empty where that is no name.
    pub fn file_name(&self) -> &str {
        let path = self.path().split('?').next().unwrap_or_default();
        path.rsplit('/').next().filter(|name| !matches!(*name, "." | "..")).unwrap_or_default()
    }

    /// Whether scheme, host and port are the same.
    pub fn same_origin(&self, other: &Self) -> bool {
        self.scheme() == other.scheme() && self.host() == other.host() && self.port() == other.port()
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        match host_of(&self.read) {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
            None => false,
        }
    }

    /// A reference resolved against this URL (`..` included). The origin stays as it is written, unless the reference
    /// names one of its own.
    pub fn join(&self, reference: &str) -> Option<Self> {
        if !is_plain(reference) {
            return None;
        }
        match url::Url::parse(reference) {
            Ok(_) => return Self::parse(reference),
            Err(ParseError::RelativeUrlWithoutBase) => {}
            Err(_) => return None,
        }
        if reference.starts_with("//") {
            return Self::parse(&format!("{}:{reference}", self.scheme()));
        }
        let joined = self.read.join(reference).ok()?;
        Self::parse(&format!("{}{}", &self.text[..self.path], &joined[Position::BeforePath..Position::AfterQuery]))
    }

    /// A reference resolved as helm resolves an entry of an index: below the repository's URL as if it ended in `/`,
    /// with the repository's query kept (`repo.ResolveReferenceURL`, helm 3 and 4); but another host is not told it.
    pub fn join_below(&self, reference: &str) -> Option<Self> {
        let (path, query) = self.text.split_at(self.text.find('?').unwrap_or(self.text.len()));
        let joined = Self::parse(&format!("{}/", path.trim_end_matches('/')))?.join(reference)?;
        let relative = url::Url::parse(reference) == Err(ParseError::RelativeUrlWithoutBase);
        if query.is_empty() || joined.read.query().is_some() || !relative || !joined.same_origin(self) {
            return Some(joined);
        }
        Self::parse(&format!("{}{query}", joined.text))
    }
}

/// Whether there is nothing in it that one reader leaves out or turns into something else and another does not: white
/// space, control characters, and a backslash where it may stand for a slash.
fn is_plain(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or(text);
    !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) && !path.contains('\\')
}

/// What stands between `://` and the path, and the path with all that follows.
fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

/// The host in its normal form, whatever the scheme; `None` for names that no server has.
fn host_of(url: &url::Url) -> Option<Host> {
    let host = match url.host()? {
        Host::Domain(name) => Host::parse(name).ok()?,
        address => address.to_owned(),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let sound = !matches!(&host, Host::Domain(name) if name.is_empty() || !name.bytes().all(is_plain));
    sound.then_some(host)
}

/// The port of `host:port` with its colon, as it is written; `None` where that is no host, or no port.
fn written_port(text: &str) -> Option<&str> {
    let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let port = text[end..].find(':').map_or("", |colon| &text[end + colon..]);
    (!text.is_empty() && !text.contains('%') && port != ":").then_some(port)
}

/// What must be the same in both readings beside the host.
fn parts(url: &url::Url) -> (&str, Option<u16>, &str, Option<&str>) {
    let path = if url.path().is_empty() { "/" } else { url.path() };
    (url.scheme(), url.port_or_known_default(), path, url.query())
}

/// Text with `%41` turned back into `A`.
pub fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Text safe as the value of a query parameter.
pub fn percent_encoded(text: &str) -> String {
    const SPARED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b':');
    utf8_percent_encode(text, SPARED).to_string()
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
            "https://[::1/",
            "https://[x]/",
            "https://[::1]x/",
            "https://[::1]:/",
            "https://[fe80::1%25eth0]/",
            // Read as `https://x/` by browsers.
            "https:x/",
            "https:/x/",
            "https:\\\\x/",
            "https://\\x/",
            "https:////x/y",
            "https://a/b\\c",
            "https://a\\@b/",
            "https://a@b\\c/",
            // Tabs and newlines are left out by browsers.
            "https://a\t.org/",
            "ht\ntps://a/",
            " https://a/",
            "https://a/\r\nHost: b",
            "https://a/\u{7f}",
            // Hosts that are one thing in writing and another when asked.
            "https://a%40b/",
            "https://a%2fb/",
            "https://a\u{ff0f}b/",
            "https://a\u{ff20}b/",
            "https://a\u{2100}/",
            "https://a\u{ff1a}80/",
            "https://xn--/",
            "https://xn--a/",
            "https://256.1.1.1/",
            "https://1.2.3.4.5/",
            "https://a'b/",
            "https://a$b/",
            "https://a,b/",
            "https://user:pass@/x",
            "https://@/x",
            "mailto:a@b",
            "file:///x",
            "oci://a%2fb/c",
        ] {
            assert!(Url::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_host_has_its_normal_form() {
        for (text, want, host, port) in [
            ("https://a:443/x", "https://a:443/x", "a", 443),
            ("https://a:0443/x", "https://a:0443/x", "a", 443),
            ("HTTP://A", "http://a/", "a", 80),
            ("OCI://Registry.Example.org:5000/Charts", "oci://registry.example.org:5000/Charts", "registry.example.org", 5000),
            ("https://ä.org/ö", "https://xn--4ca.org/ö", "xn--4ca.org", 443),
            ("oci://ä.org/x", "oci://xn--4ca.org/x", "xn--4ca.org", 443),
            ("https://ａ。org/", "https://a.org/", "a.org", 443),
            ("https://xn--4ca.org/", "https://xn--4ca.org/", "xn--4ca.org", 443),
            // A Cyrillic letter that looks like a Latin one.
            ("https://p\u{430}ypal.org/", "https://xn--pypal-4ve.org/", "xn--pypal-4ve.org", 443),
            ("https://soft\u{ad}hyphen.org/", "https://softhyphen.org/", "softhyphen.org", 443),
            ("https://127.1/", "https://127.0.0.1/", "127.0.0.1", 443),
            ("https://0x7f000001/", "https://127.0.0.1/", "127.0.0.1", 443),
            ("https://2130706433/", "https://127.0.0.1/", "127.0.0.1", 443),
            ("https://0177.0.0.1/", "https://127.0.0.1/", "127.0.0.1", 443),
            ("https://0x/y:z@/", "https://0.0.0.0/y:z@/", "0.0.0.0", 443),
            ("https://[0:0:0:0:0:0:0:1]:80/", "https://[::1]:80/", "::1", 80),
            ("https://[::FFFF:7f00:1]/", "https://[::ffff:7f00:1]/", "::ffff:7f00:1", 443),
            ("https://a.org./", "https://a.org./", "a.org.", 443),
            ("https://a_b/", "https://a_b/", "a_b", 443),
            ("https://a?x", "https://a/?x", "a", 443),
            ("https://a#x", "https://a/", "a", 443),
            ("https://a?x@b/", "https://a/?x@b/", "a", 443),
            ("https://a#@b/", "https://a/", "a", 443),
            ("https://a/@b", "https://a/@b", "a", 443),
            ("https://x@y@b/", "https://b/", "b", 443),
            ("https://a:80@b:81/", "https://b:81/", "b", 81),
            ("https://a:p%2fw@b/", "https://b/", "b", 443),
            ("https://a/{b}|c^d\"e'%zz?\\[]`", "https://a/{b}|c^d\"e'%zz?\\[]`", "a", 443),
            ("https://a/b/../c/%2E%2e/d", "https://a/b/../c/%2E%2e/d", "a", 443),
            ("https://a//b", "https://a//b", "a", 443),
        ] {
            let url = Url::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((url.as_str(), url.host(), url.port()), (want, host, port), "{text}");
        }
    }

    #[test]
    fn this_machine_is_known_in_every_writing() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9", "0x7f.1", "2130706433", "[::1]", "[0::1]", "[::ffff:127.0.0.1]"] {
            assert!(Url::parse(&format!("http://{host}:8080/")).unwrap().is_loopback(), "{host}");
        }
        for host in ["localhost.example.org", "128.0.0.1", "127.0.0.1.example.org", "[::2]", "[::ffff:8.8.8.8]", "0.0.0.0"] {
            assert!(!Url::parse(&format!("http://{host}:8080/")).unwrap().is_loopback(), "{host}");
        }
    }

    #[test]
    fn one_origin_in_two_writings() {
        let same = |a: &str, b: &str| Url::parse(a).unwrap().same_origin(&Url::parse(b).unwrap());
        assert!(same("https://a/x", "https://A:443/y"));
        assert!(same("https://[::1]/", "https://[0:0::1]:443/"));
        assert!(same("http://127.1/", "http://127.0.0.1:80/"));
        assert!(same("https://ä.org/", "https://XN--4ca.org/"));
        assert!(!same("https://a/", "http://a:443/"));
        assert!(!same("https://a/", "https://a:444/"));
        assert!(!same("https://a/", "https://a./"));
    }

    #[test]
    fn what_may_be_a_password_is_not_shown() {
        for (text, want) in [
            ("https://user:secret@h/x#y", "https://h/x"),
            ("https://user:secret@h:99999/x", "https://h:99999/x"),
            ("https://user:se/cret@h/x", "https://h/x"),
            ("https://user:se cret@h/x", "https://h/x"),
            ("https://user:se\\cret@h/x", "https://h/x"),
            ("https://secret@/x", "https:///x"),
            ("charts/x", "charts/x"),
            ("git@host:x", "git@host:x"),
        ] {
            assert_eq!(Url::shown(text), want);
        }
    }

    #[test]
    fn logins() {
        let login = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        for (text, want) in [
            ("https://u@h/", login("u", "")),
            ("https://:p@h/", login("", "p")),
            ("https://u:p:q@h/", login("u", "p:q")),
            ("https://u@v:p@h/", login("u@v", "p")),
            ("https://u:%zz%20+ä@h/", login("u", "%zz +ä")),
            ("https://h/u:p@x", None),
            ("https://@h/", None),
            ("u:p@h", None),
            ("mailto:u@h", None),
        ] {
            assert_eq!(Url::login_of(text), want, "{text}");
        }
    }

    #[test]
    fn a_name_is_no_way_up() {
        let name = |text: &str| Url::parse(text).unwrap().file_name().to_owned();
        assert_eq!(
            (name("https://h/a/b.tgz?c/d"), name("https://h/a/.."), name("https://h/a/.")),
            ("b.tgz".into(), String::new(), String::new())
        );
        assert_eq!(Url::parse("https://h/a/%2e%2E/b/../c?d").unwrap().resolved_path(), "/c");
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
            ("", "https://h/a/b/index.yaml"),
            ("?x", "https://h/a/b/index.yaml?x"),
            ("c.tgz#x", "https://h/a/b/c.tgz"),
            ("./c-1.0.0+a.tgz", "https://h/a/b/c-1.0.0+a.tgz"),
            ("..", "https://h/a/"),
            ("%2e%2e/%2E/c.tgz", "https://h/a/c.tgz"),
            ("a//../c.tgz", "https://h/a/b/a/c.tgz"),
            ("/@other/c.tgz", "https://h/@other/c.tgz"),
            ("@other/c.tgz", "https://h/a/b/@other/c.tgz"),
            ("a%2fb", "https://h/a/b/a%2fb"),
            ("HTTPS://Other/c.tgz", "https://other/c.tgz"),
            ("https://u:p@other/c.tgz", "https://other/c.tgz"),
        ] {
            assert_eq!(base.join(reference).unwrap().as_str(), want);
        }
        for reference in [
            "\\\\other/x",
            "/\\other/x",
            "\\/other/x",
            "..\\x",
            "///other/x",
            "https:x",
            "https:/x",
            "https:///x",
            "javascript:x",
            "h:1/x",
            "a b",
            "\t//other",
        ] {
            assert_eq!(base.join(reference), None, "{reference}");
        }
        let written = Url::parse("https://h:443/a/index.yaml").unwrap();
        assert_eq!(written.join("../c.tgz").unwrap().as_str(), "https://h:443/c.tgz");
        let registry = Url::parse("oci://h/a/b").unwrap();
        assert_eq!(registry.join("../c").unwrap().as_str(), "oci://h/c");
    }

    #[test]
    fn the_query_of_a_repository_stays_with_its_host() {
        let repository = Url::parse("https://h/charts?token=x").unwrap();
        for (reference, want) in [
            ("a/c.tgz", "https://h/charts/a/c.tgz?token=x"),
            ("/c.tgz", "https://h/c.tgz?token=x"),
            ("c.tgz?own", "https://h/charts/c.tgz?own"),
            ("//h:443/c.tgz", "https://h:443/c.tgz?token=x"),
            ("//other/c.tgz", "https://other/c.tgz"),
            ("https://h/c.tgz", "https://h/c.tgz"),
        ] {
            assert_eq!(repository.join_below(reference).unwrap().as_str(), want);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        /// Whatever is accepted is read as the same by who reads it next, and has no login in it.
        #[test]
        fn an_address_is_read_in_one_way(text in "(https?|oci|HTTP|file)(://|:|:/)[a0.1:/@\\\\?#\\[\\]%{ä\t-]{0,12}") {
            if let Some(url) = Url::parse(&text) {
                let again = url::Url::parse(url.as_str()).unwrap();
                proptest::prop_assert_eq!(again.host_str().map(|host| host.trim_matches(['[', ']'])), Some(url.host()));
                proptest::prop_assert_eq!(again.port_or_known_default().unwrap_or(443), url.port());
                proptest::prop_assert!(!url.authority().contains('@') && again.username().is_empty() && again.password().is_none());
                proptest::prop_assert_eq!(Url::parse(url.as_str()), Some(url.clone()));
                proptest::prop_assert!(url.path().starts_with('/'));
            }
        }

        /// A reference leads to another origin only where it names one.
        #[test]
        fn a_reference_stays_with_its_host(reference in "[a.1:/@\\\\?#%{ä-]{0,12}") {
            let base = Url::parse("https://host:443/a/b?token").unwrap();
            for url in [base.join(&reference), base.join_below(&reference)].into_iter().flatten() {
                proptest::prop_assert!(url.authority() == "host:443" || reference.starts_with("//"), "{}", url);
                proptest::prop_assert!(url.same_origin(&base) || !url.as_str().contains("token"), "{}", url);
            }
        }
    }
}
