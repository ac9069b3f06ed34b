//! Services named in texts: configuration files, arguments, environment variables.
//!
//! `name.namespace.svc` with anything before and `.cluster.local` behind is a Service for certain. `name.namespace` is
//! one where the namespace is known here and a port follows or a scheme (`http://`) comes before; a single name with a
//! scheme before it may be anything, so it is judged only where it is nearly a Service.

use crate::check::rule::Rule;
use std::ops::Range;

use crate::check::objects::Object;
use crate::check::value::{entries, items, text};
use hydrate_base::{Severity, suggest};
use hydrate_yaml::node::Node;

use super::services::{has_port, no_port};
use super::{Checker, Target};

/// `host-reference`
pub(super) const RULE: Rule = Rule {
    code: "host-reference",
    severity: Severity::Warning,
    title: "Services named in texts are there",
    text: "Files in ConfigMaps, `stringData` of Secrets, commands, arguments and environment variables: `name.namespace.svc`, `name.namespace:port`, `http://name:port`. A single name is judged only where it is nearly that of a Service.",
};

/// Words that end names of the internet: a namespace with such a name needs `.svc` to be recognised.
const DOMAINS: &[&str] = &["app", "cloud", "com", "dev", "internal", "io", "local", "localdomain", "net", "org"];

/// A host in a text that may be a Service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host<'t> {
    /// The Service's name.
    pub name: &'t str,
    /// The namespace, where it says one.
    pub namespace: Option<&'t str>,
    /// The port, by number or (in `_port._tcp.name…`) by name.
    pub port: Option<&'t str>,
    /// Whether `.svc` says for certain that it is a Service.
    pub certain: bool,
    /// The bytes of the text.
    pub span: Range<usize>,
}

/// Every text of every object.
pub(super) fn check(checker: &mut Checker<'_>) {
    let index = checker.index;
    for (object, node) in texts(index.objects) {
        let Some(text) = node.as_str() else { continue };
        hosts(text).into_iter().for_each(|host| follow(checker, object, node, &host));
    }
    for pod in index.pods() {
        for container in pod.containers() {
            let words = ["command", "args"].into_iter().flat_map(|key| items(container, &[key]));
            let values = items(container, &["env"]).iter().filter_map(|variable| variable.get("value"));
            for node in words.chain(values) {
                let Some(text) = node.as_str() else { continue };
                hosts(text).into_iter().for_each(|host| follow(checker, pod.owner, node, &host));
            }
        }
    }
}

/// The files in ConfigMaps and Secrets.
pub(super) fn texts<'a>(objects: &'a [Object<'a>]) -> impl Iterator<Item = (&'a Object<'a>, &'a Node)> {
    let files = |object: &'a Object<'a>| {
        let key = if object.kind() == "ConfigMap" { "data" } else { "stringData" };
        let is_one = object.group().is_empty() && matches!(object.kind(), "ConfigMap" | "Secret");
        let entries = if is_one { entries(&object.root, &[key]) } else { &[] };
        entries.iter().map(move |(_, node)| (object, node))
    };
    objects.iter().flat_map(files)
}

pub(super) fn follow<'a>(checker: &mut Checker<'a>, from: &'a Object<'a>, node: &'a Node, host: &Host<'_>) {
    let namespace = host.namespace.unwrap_or(from.namespace());
    let known_space = checker.index.is_namespace(namespace) && !DOMAINS.contains(&namespace);
    if !host.certain && !known_space {
        return;
    }
    let target = Target::core("Service", namespace, host.name);
    let service = checker.index.find("", "Service", namespace, host.name);
    if service.is_none() && host.namespace.is_none() && !is_nearly(checker, from, host.name) {
        return;
    }
    checker.count();
    match service {
        Some(service) => {
            if let Some(port) = host.port.filter(|port| !has_port(checker, service, port)) {
                checker.add(no_port(from, service, node, port).part(host.span.clone()));
            }
        }
        None if checker.elsewhere.has("Service", namespace, host.name) => {}
        None => {
            let finding = checker.missing(from, node, target).part(host.span.clone());
            checker.add(finding);
        }
    }
}

/// Whether a single name that is no Service was meant to be one: it is the name of one elsewhere, or a slip away from
/// one in the same namespace.
fn is_nearly(checker: &Checker<'_>, from: &Object<'_>, name: &str) -> bool {
    let services = || checker.index.of("", "Service").iter();
    let exists_elsewhere = services().any(|service| service.name() == name);
    let here = services().filter(|service| service.namespace() == from.namespace()).map(|service| service.name());
    // Short names are close to everything.
    let is_slip = name.len() > 4 && suggest::closest(name, here).is_some();
    (exists_elsewhere || is_slip) && !checker.elsewhere.has("Service", from.namespace(), name)
}

/// The hosts in a text that may be Services; comment lines are left out.
pub(super) fn hosts(text: &str) -> Vec<Host<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let is_comment = line.trim_start().starts_with(['#', ';']) || line.trim_start().starts_with("//");
        // Only a colon or `.svc` makes a host of a word.
        let may_hold = memchr::memchr(b':', line.as_bytes()).is_some() || memchr::memmem::find(line.as_bytes(), b".svc").is_some();
        if may_hold && !is_comment {
            words(line, start, &mut found);
        }
        start += line.len();
    }
    found
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// The hosts among the words of a line, which begins at byte `base` of the text.
fn words<'t>(line: &'t str, base: usize, found: &mut Vec<Host<'t>>) {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(start) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| is_host_byte(*byte))).map(|skip| at + skip) {
        let end = bytes
            .get(start..)
            .and_then(|rest| rest.iter().position(|byte| !is_host_byte(*byte)))
            .map_or(bytes.len(), |length| start + length);
        at = end;
        found.extend(host(line, start..end, base));
    }
}

/// Characters of variables, templates and patterns: a word that one of them adjoins is a part of something else.
fn is_made(c: char) -> bool {
    matches!(c, '$' | '{' | '}' | '%' | '<' | '>' | '*' | '\\' | '|' | '^' | '?' | '(' | ')' | '[' | ']')
}

/// What may well stand before and behind a host all the same.
fn adjoins(before: &str, after: &str) -> bool {
    let opens = before.ends_with(|c| is_made(c) && !matches!(c, '(' | '['));
    let closes = after.starts_with(|c| is_made(c) && !matches!(c, '\\' | '>' | '?' | ')' | ']'));
    opens || closes
}

/// The host that a word is, if it may be a Service.
fn host(line: &str, word: Range<usize>, base: usize) -> Option<Host<'_>> {
    let (before, after) = (line.get(..word.start)?, line.get(word.end..)?);
    if adjoins(before, after) {
        return None;
    }
    let text = line.get(word.clone())?.trim_end_matches('.');
    let url = before.ends_with("://") || (before.ends_with('@') && before.contains("://"));
    // What comes before `@` is a user and a password.
    if url && after.split(['/', ' ', '"', '\'']).next().is_some_and(|rest| rest.contains('@')) {
        return None;
    }
    let port = port(after);
    let end = port.map_or(word.start + text.len(), |port| word.end + 1 + port.len());
    named(text, url, port, base + word.start..base + end)
}

/// The number behind a colon.
fn port(after: &str) -> Option<&str> {
    let rest = after.strip_prefix(':')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, behind) = rest.split_at_checked(digits)?;
    let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
    (!goes_on && number.parse::<u16>().is_ok()).then_some(number)
}

/// The Service that a host name names, if it may be one.
fn named<'t>(text: &'t str, url: bool, number: Option<&'t str>, span: Range<usize>) -> Option<Host<'t>> {
    let labels: Vec<&str> = text.split('.').collect();
    let plain =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let is_name = |label: &str| plain(label) && !label.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(svc) = labels.iter().position(|label| *label == "svc").filter(|svc| *svc >= 2) {
        let (name, namespace, rest) = (labels.get(svc - 2)?, labels.get(svc - 1)?, labels.get(svc + 1..)?);
        let whole = matches!(rest, [] | ["cluster", "local"]) && plain(name) && plain(namespace);
        let port = labels.first().and_then(|label| label.strip_prefix('_')).filter(|_| svc > 3).or(number);
        return whole.then_some(Host { name, namespace: Some(namespace), port, certain: true, span });
    }
    match labels[..] {
        [name, namespace] if (url || number.is_some()) && is_name(name) && is_name(namespace) => {
            Some(Host { name, namespace: Some(namespace), port: number, certain: false, span })
        }
        [name] if url && is_name(name) && name != "localhost" => Some(Host { name, namespace: None, port: number, certain: false, span }),
        _ => None,
    }
}

/// The host of an address, which begins at byte `base` of the text it stands in.
pub(super) fn host_of(address: &str, base: usize) -> Option<Host<'_>> {
    let start = address.find("://").map_or(0, |at| at + 3);
    let rest = address.get(start..)?;
    let end = rest.bytes().position(|byte| !is_host_byte(byte)).unwrap_or(rest.len());
    host(address, start..start + end, base)
}

/// The text at a key of a mapping and its node, as the other files of this room need it for addresses.
pub(super) fn address<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    text(node, key).filter(|text| !text.contains(['$', '{']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |host: &Host<'_>| {
            let certain = if host.certain { "" } else { "?" };
            let shown = format!("{}.{}:{}{certain}", host.name, host.namespace.unwrap_or("-"), host.port.unwrap_or("-"));
            format!("{shown} {}", &text[host.span.clone()])
        };
        hosts(text).iter().map(show).collect()
    }

    #[test]
    fn services_are_found_in_texts() {
        for (text, wanted) in [
            ("url: http://loki.obs.svc:3100/api", "loki.obs:3100 loki.obs.svc:3100"),
            ("--x=dns+tempo-0.tempo.obs.svc.cluster.local.:4317", "tempo.obs:4317 tempo-0.tempo.obs.svc.cluster.local.:4317"),
            ("[web](http://web.shop.svc)", "web.shop:- web.shop.svc"),
            ("_http._tcp.web.shop.svc", "web.shop:http _http._tcp.web.shop.svc"),
            ("\"http://web.shop:80\"", "web.shop:80? web.shop:80"),
            ("web.shop:80,", "web.shop:80? web.shop:80"),
            ("http://web:80", "web.-:80? web:80"),
            ("a\nredis://u:p@db.shop/0", "db.shop:-? db.shop"),
            ("{\\\"url\\\":\\\"http://a.b.svc:1\\\"}", "a.b:1 a.b.svc:1"),
        ] {
            assert_eq!(shown(text), [wanted], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in "([a-z0-9.:/@_$*(){}\\\\ \né-]|[.]svc|://|[.]cluster[.]local){0,40}") {
            for host in hosts(&text) {
                proptest::prop_assert!(text.get(host.span.clone()).is_some_and(|shown| shown.contains(host.name)), "{host:?}");
            }
        }
    }

    #[test]
    fn what_is_no_service_is_left_alone() {
        for text in [
            "${NAME}.shop.svc",
            "$NAME.shop.svc:80",
            "*.shop.svc",
            ".svc,.cluster.local",
            "web.svc",
            "# http://web.shop.svc:80",
            "  // web.shop.svc",
            "a.b.svc.example.com",
            "web.shop.svc$(SUFFIX)",
            ".*\\.shop\\.svc",
            "http://localhost:80",
            "10.1:80",
            "image: a.b/c:1.2",
            "web.shop",
            "http://{{ .Name }}.shop.svc",
            "key:value",
            "Web.Shop.svc:80",
            "name.ns:1.5",
        ] {
            assert_eq!(shown(text), Vec::<String>::new(), "{text}");
        }
    }
}
