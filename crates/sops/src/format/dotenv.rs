//! Lines of `KEY=value`: `stores/dotenv` of SOPS.

use crate::tree::{Branch, Comment, Entry, Value};

/// Reads lines; `\n` in a value stands for a line break.
pub(super) fn read(text: &[u8]) -> Result<Branch, String> {
    let mut entries = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix(b"#") {
            entries.push(Entry::Comment(Comment { text: comment.to_vec().into(), is_inline: false }));
            continue;
        }
        let at = line.iter().position(|byte| *byte == b'=').ok_or_else(|| format!("line {} has no `=`", number + 1))?;
        let key = std::str::from_utf8(&line[..at]).map_err(|_| format!("the key in line {} is not UTF-8", number + 1))?;
        entries.push(Entry::Value(key.to_owned(), Value::text(replaced(&line[at + 1..], b"\\n", b"\n"))));
    }
    Ok(Branch(entries))
}

/// Writes lines.
pub(super) fn write(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    for entry in &branch.0 {
        match entry {
            Entry::Comment(comment) => out.extend([b"#", comment.text.as_slice()].concat()),
            Entry::Value(key, value) => {
                let value = match value {
                    Value::Text(text) => replaced(text, b"\n", b"\\n"),
                    Value::Bool(value) => value.to_string().into_bytes(),
                    Value::Int(value) => value.to_string().into_bytes(),
                    _ => return Err(format!("the value of `{key}`: only texts have a place in its lines")),
                };
                out.extend([key.as_bytes(), b"=", &value].concat());
            }
        }
        out.push(b'\n');
    }
    Ok(out)
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(byte) = rest.first() {
        match rest.strip_prefix(from) {
            Some(after) => {
                out.extend_from_slice(to);
                rest = after;
            }
            None => {
                out.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    out
}
