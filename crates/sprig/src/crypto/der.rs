//! DER, as far as keys and certificates need it, and PEM around it.

use base64::Engine;

/// The tags that occur.
pub(super) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0C;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// One element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..0x80 => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let skip = bytes.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | (bytes.len() - skip) as u8);
            out.extend_from_slice(&bytes[skip..]);
        }
    }
    out.extend_from_slice(content);
    out
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, &parts.concat())
}

/// A number that is not negative, from its bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[skip.min(bytes.len())..];
    match digits.first() {
        None => element(tag::INTEGER, &[0]),
        Some(0x80..) => element(tag::INTEGER, &[&[0], digits].concat()),
        Some(_) => element(tag::INTEGER, digits),
    }
}

/// Whole bytes as a bit string.
pub(super) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], bytes].concat())
}

pub(super) fn oid(encoded: &[u8]) -> Vec<u8> {
    element(tag::OID, encoded)
}

/// Reads elements one after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'d>(pub(super) &'d [u8]);

/// An element: its tag, its content, and all of its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    pub(super) whole: &'d [u8],
}

impl<'d> Reader<'d> {
    pub(super) fn next(&mut self) -> Option<Element<'d>> {
        let &[tag, first, ref rest @ ..] = self.0 else { return None };
        let (size, rest) = match first {
            0..0x80 => (usize::from(first), rest),
            _ => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F)).filter(|(digits, _)| digits.len() <= 4)?;
                (digits.iter().fold(0, |size, digit| size << 8 | usize::from(*digit)), rest)
            }
        };
        let (content, after) = rest.split_at_checked(size)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Element { tag, content, whole })
    }

    /// The next element, of a tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<Element<'d>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// What is in the next element, a sequence.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.expect(tag::SEQUENCE).map(|element| Self(element.content))
    }

    /// The bytes of the next element, a number.
    pub(super) fn integer(&mut self) -> Option<&'d [u8]> {
        self.expect(tag::INTEGER).map(|element| element.content)
    }
}

/// PEM as Go's `pem.Encode` writes it.
pub(super) fn to_pem(kind: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {kind}-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The first PEM block of a text: its kind and content.
pub(super) fn from_pem(text: &[u8]) -> Option<(String, Vec<u8>)> {
    const BEGIN: &str = "-----BEGIN ";
    let text = String::from_utf8_lossy(text);
    let mut rest = &*text;
    loop {
        let start = if rest.starts_with(BEGIN) { 0 } else { rest.find(&format!("\n{BEGIN}"))? + 1 };
        let after = &rest[start + BEGIN.len()..];
        if let Some(block) = pem_block(after) {
            return Some(block);
        }
        rest = after;
    }
}

fn pem_block(text: &str) -> Option<(String, Vec<u8>)> {
    let (line, mut body) = text.split_once('\n')?;
    let kind = line.trim_end_matches(['\r', ' ', '\t']).strip_suffix("-----")?;
    // Headers are lines with a colon, an empty line ends them.
    while let Some((line, after)) = body.split_once('\n')
        && line.contains(':')
    {
        body = after;
    }
    let end = format!("-----END {kind}-----");
    let size = if body.starts_with(&end) { 0 } else { body.find(&format!("\n{end}"))? };
    let digits: Vec<u8> = body[..size].bytes().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    Some((kind.to_owned(), super::super::encoding::decode64(&digits).ok()?))
}
