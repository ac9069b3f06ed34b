//! INI files, as `gopkg.in/ini.v1` 1.67 reads and writes them for `stores/ini` of SOPS.

use std::fmt::Write;

use crate::tree::{Branch, Comment, Entry, Value};

/// The section of keys that stand before all others.
const DEFAULT: &str = "DEFAULT";

/// What may stand between a key and its value.
const DELIMITERS: [char; 2] = ['=', ':'];

/// Reads sections. What is above a section or key, or behind it, is its comment.
pub(super) fn read(text: &[u8]) -> Result<Branch, String> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split_inclusive('\n').collect();
    Reader { lines, at: 0, comment: String::new() }.file()
}

/// A section while it is read: the keys in their order, with their values and comments.
struct Section {
    name: String,
    comment: String,
    keys: Vec<(String, String, String)>,
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    at: usize,
    comment: String,
}

impl<'t> Reader<'t> {
    fn file(mut self) -> Result<Branch, String> {
        let section = |name: &str, comment| Section { name: name.to_owned(), comment, keys: Vec::new() };
        let (mut sections, mut current) = (Vec::new(), section(DEFAULT, String::new()));
        while let Some(line) = self.next() {
            let line = line.trim_start();
            if line.is_empty() {
                continue;
            }
            if line.starts_with(['#', ';']) {
                self.comment.push_str(line);
            } else if let Some(rest) = line.strip_prefix('[') {
                let end = rest.rfind(']').ok_or_else(|| self.wrong("a section is not closed"))?;
                if rest[..end].is_empty() {
                    return Err(self.wrong("a section has no name"));
                }
                self.comment.push_str(comment_in(&rest[end + 1..]));
                let next = section(&rest[..end], self.take_comment());
                sections.push(std::mem::replace(&mut current, next));
            } else {
                let (name, rest) = key(line).map_err(|why| self.wrong(why))?;
                let value = self.value(rest)?;
                let comment = self.take_comment();
                match current.keys.iter_mut().find(|(other, ..)| *other == name) {
                    Some(found) => (found.1, found.2) = (value, comment),
                    None => current.keys.push((name, value, comment)),
                }
            }
        }
        sections.push(current);
        Ok(Branch(sections.into_iter().map(Section::into_entry).collect()))
    }

    fn next(&mut self) -> Option<&'t str> {
        let line = self.lines.get(self.at).copied();
        self.at += 1;
        line
    }

    fn wrong(&self, why: &str) -> String {
        format!("line {}: {why}", self.at)
    }

    fn take_comment(&mut self) -> String {
        std::mem::take(&mut self.comment).trim().to_owned()
    }

    fn value(&mut self, text: &'t str) -> Result<String, String> {
        let line = text.trim_start();
        if line.is_empty() {
            return Ok(String::new());
        }
        let quote = if line.len() > 3 && line.starts_with("\"\"\"") { Some("\"\"\"") } else { line.starts_with('`').then_some("`") };
        if let Some(quote) = quote {
            let rest = &line[quote.len()..];
            return match rest.rfind(quote) {
                Some(end) => Ok(rest[..end].to_owned()),
                None => self.lines_until(rest, quote),
            };
        }
        let line = line.trim();
        if let Some(begun) = line.strip_suffix('\\') {
            return Ok(self.continued(begun));
        }
        let mut value = line;
        if let Some(at) = line.find(['#', ';']) {
            self.comment.push_str(&line[at..]);
            value = line[..at].trim();
        }
        let is_quoted = |quote: char| value.len() >= 2 && value.starts_with(quote) && value[1..].find(quote) == Some(value.len() - 2);
        Ok(if is_quoted('\'') || is_quoted('"') { value[1..value.len() - 1].to_owned() } else { value.to_owned() })
    }

    /// A value of several lines.
    fn lines_until(&mut self, first: &str, quote: &str) -> Result<String, String> {
        let mut value = first.to_owned();
        while let Some(next) = self.next() {
            let Some(at) = next.rfind(quote) else {
                value.push_str(next);
                continue;
            };
            if next[at + quote.len()..].trim().ends_with('\\') {
                value.push_str(next);
                continue;
            }
            value.push_str(&next[..at]);
            self.comment.push_str(comment_in(&next[at..]).trim());
            return Ok(value);
        }
        Err(self.wrong("a value in quotes is not closed"))
    }

    /// A value whose lines end with a backslash.
    fn continued(&mut self, begun: &str) -> String {
        let mut value = begun.to_owned();
        while let Some(next) = self.next().map(str::trim).filter(|next| !next.is_empty()) {
            value.push_str(next);
            match value.strip_suffix('\\') {
                Some(rest) => value = rest.to_owned(),
                None => break,
            }
        }
        value
    }
}

impl Section {
    fn into_entry(self) -> Entry {
        let comment = |text: &str| Entry::Comment(Comment { text: unmarked(text).as_bytes().to_vec().into(), is_inline: false });
        let mut entries = Vec::new();
        entries.extend((!self.comment.is_empty()).then(|| comment(&self.comment)));
        for (key, value, text) in self.keys {
            entries.push(Entry::Value(key, Value::text(value)));
            entries.extend((!text.is_empty()).then(|| comment(&text)));
        }
        Entry::Value(self.name, Value::Map(Branch(entries)))
    }
}

fn comment_in(text: &str) -> &str {
    text.find(['#', ';']).map_or("", |at| &text[at..])
}

/// A comment without what marks its first line.
fn unmarked(text: &str) -> &str {
    if text.starts_with(';') { text.trim_start_matches([';', ' ']) } else { text.trim_start_matches(['#', ' ']) }
}

/// The key of a line, and what follows the delimiter.
fn key(line: &str) -> Result<(String, &str), &'static str> {
    let quote = if line.len() > 6 && line.starts_with("\"\"\"") {
        "\"\"\""
    } else if line.starts_with('"') {
        "\""
    } else if line.starts_with('`') {
        "`"
    } else {
        ""
    };
    let rest = &line[quote.len()..];
    let (name, rest) = if quote.is_empty() { ("", rest) } else { rest.split_once(quote).ok_or("a key in quotes is not closed")? };
    let at = rest.find(DELIMITERS).ok_or("it has no `=`")?;
    let name = if quote.is_empty() { &rest[..at] } else { name };
    if name.is_empty() {
        return Err("a key has no name");
    }
    if name.trim() == "-" {
        return Err("keys that are counted (`-`) are not known here");
    }
    Ok((name.trim().to_owned(), &rest[at + 1..]))
}

/// Writes sections, the equals signs of each below each other.
pub(super) fn write(branch: &Branch) -> Result<Vec<u8>, String> {
    let sections: Vec<(&str, &Value)> = branch.values().collect();
    let mut out = String::new();
    for (at, (name, section)) in sections.iter().enumerate() {
        let Value::Map(section) = section else { return Err(format!("the value of `{name}` outside of a section")) };
        write_section(name, section, at == 0, &mut out)?;
        let is_skipped = at == 0 && name.to_uppercase() == DEFAULT && section.values().next().is_none();
        if at + 1 < sections.len() && !is_skipped {
            out.push('\n');
        }
    }
    Ok(out.into_bytes())
}

fn write_section(name: &str, section: &Branch, is_first: bool, out: &mut String) -> Result<(), String> {
    let mut entries = section.0.iter().peekable();
    if let Some(Entry::Comment(comment)) = entries.peek() {
        write_comment(comment, out)?;
        entries.next();
    }
    if !is_first || name.to_uppercase() != DEFAULT {
        let _ = writeln!(out, "[{name}]");
    }
    let mut keys: Vec<(String, String, Option<&Comment>)> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Comment(comment) => keys.last_mut().into_iter().for_each(|(.., place)| *place = Some(comment)),
            Entry::Value(key, value) => keys.push((quoted_key(key), quoted_value(key, value)?, None)),
        }
    }
    let width = keys.iter().map(|(key, ..)| key.len()).max().unwrap_or_default();
    for (key, value, comment) in keys {
        comment.into_iter().try_for_each(|comment| write_comment(comment, out))?;
        let _ = writeln!(out, "{key}{} = {value}", " ".repeat(width - key.len()));
    }
    Ok(())
}

fn write_comment(comment: &Comment, out: &mut String) -> Result<(), String> {
    let text = std::str::from_utf8(&comment.text).map_err(|_| "a comment that is not UTF-8".to_owned())?;
    for line in text.split('\n').filter(|_| !text.is_empty()) {
        let _ = match line.strip_prefix(['#', ';']) {
            Some(rest) => writeln!(out, "{} {}", &line[..1], rest.trim()),
            None => writeln!(out, "; {line}"),
        };
    }
    Ok(())
}

fn quoted_key(key: &str) -> String {
    if key.contains('"') || key.contains(DELIMITERS) {
        format!("`{key}`")
    } else if key.contains('`') {
        format!("\"\"\"{key}\"\"\"")
    } else {
        key.to_owned()
    }
}

fn quoted_value(key: &str, value: &Value) -> Result<String, String> {
    let text = match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        value => value.as_str().ok_or_else(|| format!("the value of `{key}`: only texts have a place in its lines"))?.to_owned(),
    };
    Ok(if text.contains(['\n', '`']) {
        format!("\"\"\"{text}\"\"\"")
    } else if text.contains(['#', ';']) {
        format!("`{text}`")
    } else if text.trim().len() != text.len() {
        format!("\"{text}\"")
    } else {
        text
    })
}
