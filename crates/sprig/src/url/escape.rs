//! Percent escapes.

use hydrate_gotmpl::fmt::quote;

/// The part of a URL, on which it depends what has to be escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlComponent {
    Path,
    Host,
    Zone,
    UserPassword,
    Fragment,
}

fn needs_escape(byte: u8, part: UrlComponent) -> bool {
    let allowed: &[u8] = match part {
        UrlComponent::Path => b"$&+,/:;=@",
        UrlComponent::Host | UrlComponent::Zone => b"!\"$&'()*+,:;<=>[]",
        UrlComponent::UserPassword => b"$&+,;=",
        UrlComponent::Fragment => b"!$&()*+,/:;=?@",
    };
    !byte.is_ascii_alphanumeric() && !b"-_.~".contains(&byte) && !allowed.contains(&byte)
}

/// Appends a text with what has to be escaped escaped.
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8], part: UrlComponent) {
    for &byte in text {
        match needs_escape(byte, part) {
            true => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            false => out.push(byte),
        }
    }
}

/// The text without its escapes, or Go's error.
pub(super) fn unescape(text: &[u8], part: UrlComponent) -> Result<Vec<u8>, String> {
    let hosts = matches!(part, UrlComponent::Host | UrlComponent::Zone);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            if hosts && byte.is_ascii() && needs_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quote(&[byte])));
            }
            out.push(byte);
            rest = after;
            continue;
        }
        let invalid = |text: &[u8]| Err(format!("invalid URL escape {}", quote(text)));
        let Some(value) = hex(after) else { return invalid(&rest[..rest.len().min(3)]) };
        let percent = value == b'%';
        if part == UrlComponent::Host && value < 0x80 && !percent
            || part == UrlComponent::Zone && !percent && value != b' ' && needs_escape(value, UrlComponent::Host)
        {
            return invalid(&rest[..3]);
        }
        out.push(value);
        rest = &rest[3..];
    }
    Ok(out)
}

fn hex(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}
