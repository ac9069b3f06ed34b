//! The formats that `format.NAME()` and `format.named` give, with Kubernetes' own words for what does not fit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hydrate_sprig::request_uri;

/// A format with a name.
#[derive(Debug)]
pub struct NamedFormat {
    /// What it is called in expressions.
    pub name: &'static str,
    /// The length that its regular expression is taken for.
    pub(crate) regex: u64,
    check: fn(&str) -> Vec<String>,
}

pub(crate) static ALL: [NamedFormat; 13] = [
    NamedFormat { name: "byte", regex: 84, check: |text| one(STANDARD.decode(text.replace(['\r', '\n'], "")).is_ok(), "invalid base64") },
    NamedFormat { name: "date", regex: 72, check: |text| one(is_date(text), "invalid date") },
    NamedFormat { name: "datetime", regex: 72, check: |text| one(is_datetime(text), "invalid datetime") },
    NamedFormat { name: "dns1035Label", regex: 30, check: |text| dns1035(text) },
    NamedFormat { name: "dns1035LabelPrefix", regex: 30, check: |text| dns1035(&prefix(text)) },
    NamedFormat { name: "dns1123Label", regex: 30, check: |text| dns1123_label(text) },
    NamedFormat { name: "dns1123LabelPrefix", regex: 30, check: |text| dns1123_label(&prefix(text)) },
    NamedFormat { name: "dns1123Subdomain", regex: 60, check: |text| subdomain(text) },
    NamedFormat { name: "dns1123SubdomainPrefix", regex: 60, check: |text| subdomain(&prefix(text)) },
    NamedFormat { name: "labelValue", regex: 40, check: label_value },
    NamedFormat { name: "qualifiedName", regex: 60, check: qualified_name },
    NamedFormat { name: "uri", regex: 1103, check: |text| request_uri(text).err().into_iter().collect() },
    NamedFormat { name: "uuid", regex: 72, check: |text| one(is_uuid(text), "does not match the UUID format") },
];

impl NamedFormat {
    pub(crate) fn of(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|format| format.name == name)
    }

    /// What does not fit.
    pub(crate) fn faults(&self, text: &str) -> Vec<String> {
        (self.check)(text)
    }
}

fn one(fits: bool, says: &str) -> Vec<String> {
    if fits { Vec::new() } else { vec![says.to_owned()] }
}

/// What a name begins with may end in a dash.
fn prefix(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => text.to_owned(),
    }
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether a text has these inside, and those at either end.
fn is_made_of(text: &str, first: impl Fn(u8) -> bool, inside: impl Fn(u8) -> bool, last: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(start), Some(end)) => first(*start) && last(*end) && bytes.iter().all(|byte| inside(*byte)),
        _ => false,
    }
}

fn is_label(text: &str) -> bool {
    is_made_of(text, is_lower, |byte| is_lower(byte) || byte == b'-', is_lower)
}

fn too_long(text: &str, most: usize) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} characters"))
}

fn dns1123_label(text: &str) -> Vec<String> {
    let mut faults: Vec<String> = too_long(text, 63).into_iter().collect();
    if !is_label(text) {
        if text.split('.').all(is_label) {
            faults.push("must not contain dots".to_owned());
        } else {
            faults.push(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric \
                 character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
                    .to_owned(),
            );
        }
    }
    faults
}

fn dns1035(text: &str) -> Vec<String> {
    let mut faults: Vec<String> = too_long(text, 63).into_iter().collect();
    if !is_made_of(text, |byte| byte.is_ascii_lowercase(), |byte| is_lower(byte) || byte == b'-', is_lower) {
        faults.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an \
             alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .to_owned(),
        );
    }
    faults
}

fn subdomain(text: &str) -> Vec<String> {
    let mut faults: Vec<String> = too_long(text, 253).into_iter().collect();
    if !text.split('.').all(is_label) {
        faults.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
             alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                .to_owned(),
        );
    }
    faults
}

fn is_name(text: &str) -> bool {
    is_made_of(
        text,
        |byte| byte.is_ascii_alphanumeric(),
        |byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte),
        |byte| byte.is_ascii_alphanumeric(),
    )
}

fn label_value(text: &str) -> Vec<String> {
    let mut faults: Vec<String> = too_long(text, 63).into_iter().collect();
    if !(text.is_empty() || is_name(text)) {
        faults.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
             alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    faults
}

const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
                         (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn qualified_name(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [domain, name] => {
            if domain.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                faults.extend(subdomain(domain).into_iter().map(|fault| format!("prefix part {fault}")));
            }
            name
        }
        _ => {
            let says = QUALIFIED.strip_prefix("name part ").unwrap_or_default();
            return vec![format!("a valid label key {says} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if let Some(fault) = too_long(name, 63) {
        faults.push(format!("name part {fault}"));
    }
    if !is_name(name) {
        faults.push(QUALIFIED.to_owned());
    }
    faults
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit) && groups.len() <= 5
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && crate::time::moment(&format!("{text}T00:00:00Z")).is_ok()
}

fn is_datetime(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['t', 'T']) else { return false };
    is_date(date) && time.get(..8).is_some_and(|clock| crate::time::moment(&format!("{date}T{clock}Z")).is_ok())
}
