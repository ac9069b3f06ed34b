//! YAML with its comments: `stores/yaml` of SOPS, over go-yaml v3.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hydrate_gotmpl::fmt::float::{Bits, Format, format_float};
use hydrate_yaml::emit::{self, plain_type, write_documents};
use hydrate_yaml::node::{Data, Document, Node, ScalarStyle, Tag};
use hydrate_yaml::resolve::{Scalar, tagged};
use hydrate_yaml::{Dialect, compose};
use jiff::tz::TimeZone;

use crate::tree::{Branch, Comment, Entry, Item, Value};

/// More values than this come from aliases of aliases alone.
const MOST_VALUES: usize = 1_000_000;

/// A line of base 64, as go-yaml breaks it.
const LINE: usize = 70;

/// Reads all documents.
pub(super) fn read(text: &[u8]) -> Result<Vec<Branch>, String> {
    let documents = compose(text).map_err(|error| told(&error.to_string()))?;
    let mut reader = Reader::default();
    documents.iter().map(|document| reader.document(document)).collect()
}

/// What is wrong, without what would be a part of a value: `*x` is an alias only where nobody quotes it.
fn told(error: &str) -> String {
    if error.contains("anchor") { "an alias stands for nothing, or for what it is in".to_owned() } else { error.to_owned() }
}

#[derive(Default)]
struct Reader<'d> {
    anchors: BTreeMap<&'d str, &'d Node>,
    /// The anchors of the nodes that are being read: an alias of one of them would never end.
    open: BTreeSet<&'d str>,
    values: usize,
}

impl<'d> Reader<'d> {
    fn document(&mut self, document: &'d Document) -> Result<Branch, String> {
        let mut entries = Vec::new();
        add(&document.head, false, Entry::Comment, &mut entries);
        if let Some(root) = &document.root {
            self.root(root, &mut entries)?;
        }
        add(&document.foot, false, Entry::Comment, &mut entries);
        Ok(Branch(entries))
    }

    fn root(&mut self, root: &'d Node, entries: &mut Vec<Entry>) -> Result<(), String> {
        match &root.data {
            Data::Mapping(_) => self.mapping(root, false, entries),
            Data::Scalar(text) if root.tag == Tag::Null || text.is_empty() => {
                let comments = Comments::of(root);
                [comments.head, comments.line, comments.foot].iter().for_each(|text| add(text, false, Entry::Comment, entries));
                Ok(())
            }
            Data::Sequence(_) => Err(format!("the document in line {} is a list; SOPS encrypts maps", root.line)),
            _ => Err(format!("the document in line {} is a value; SOPS encrypts maps", root.line)),
        }
    }

    fn mapping(&mut self, node: &'d Node, has_comments: bool, entries: &mut Vec<Entry>) -> Result<(), String> {
        let own = Comments::of(node);
        if !has_comments {
            add(own.head, false, Entry::Comment, entries);
            add(own.line, false, Entry::Comment, entries);
        }
        let mut keys = BTreeSet::new();
        for (key, value) in node.entries().unwrap_or_default() {
            let name = self.key(key)?;
            if !keys.insert(name) {
                return Err(format!("the key in line {} is there twice", key.line));
            }
            let (of_key, of_value) = (Comments::of(key), Comments::of(value));
            add(of_key.head, false, Entry::Comment, entries);
            add(of_key.line, false, Entry::Comment, entries);
            let is_leaf = matches!(value.data, Data::Scalar(_) | Data::Alias(_));
            if is_leaf {
                add(of_value.head, false, Entry::Comment, entries);
                add(of_value.line, true, Entry::Comment, entries);
            }
            entries.push(Entry::Value(name.to_owned(), self.value(value, is_leaf)?));
            if is_leaf {
                add(of_value.foot, false, Entry::Comment, entries);
            }
            add(of_key.foot, false, Entry::Comment, entries);
        }
        if !has_comments {
            add(own.foot, false, Entry::Comment, entries);
        }
        Ok(())
    }

    fn key(&mut self, key: &'d Node) -> Result<&'d str, String> {
        self.note(key);
        match &key.data {
            Data::Scalar(text) if matches!(key.tag, Tag::Str | Tag::Merge) => Ok(text),
            _ => Err(format!("the key in line {} is no text: SOPS knows none but texts", key.line)),
        }
    }

    fn value(&mut self, node: &'d Node, has_comments: bool) -> Result<Value, String> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("it has more than {MOST_VALUES} values"));
        }
        let anchor = self.note(node);
        let is_new = self.open.insert(anchor) || anchor.is_empty();
        if !is_new {
            return Err(format!("the alias in line {} is inside of what it stands for", node.line));
        }
        let value = self.value_of(node, has_comments);
        self.open.remove(anchor);
        value
    }

    fn value_of(&mut self, node: &'d Node, has_comments: bool) -> Result<Value, String> {
        match &node.data {
            Data::Scalar(text) => scalar(node, text),
            Data::Alias(name) => {
                let target = self.anchors.get(name.as_str()).copied();
                self.value(target.ok_or_else(|| format!("the alias in line {} stands for nothing", node.line))?, false)
            }
            Data::Mapping(_) => {
                let mut entries = Vec::new();
                self.mapping(node, has_comments, &mut entries)?;
                Ok(Value::Map(Branch(entries)))
            }
            Data::Sequence(items) => {
                let (own, mut list) = (Comments::of(node), Vec::new());
                if !has_comments {
                    add(own.head, false, Item::Comment, &mut list);
                    add(own.line, false, Item::Comment, &mut list);
                }
                for item in items {
                    let comments = Comments::of(item);
                    add(comments.head, false, Item::Comment, &mut list);
                    add(comments.line, true, Item::Comment, &mut list);
                    list.push(Item::Value(self.value(item, true)?));
                    add(comments.foot, false, Item::Comment, &mut list);
                }
                if !has_comments {
                    add(own.foot, false, Item::Comment, &mut list);
                }
                Ok(Value::List(list))
            }
        }
    }

    /// Remembers what an anchor stands for.
    fn note(&mut self, node: &'d Node) -> &'d str {
        let anchor = node.extra.as_deref().map_or("", |extra| extra.anchor.as_str());
        if !anchor.is_empty() {
            self.anchors.insert(anchor, node);
        }
        anchor
    }
}

/// The comments of a node.
#[derive(Default)]
struct Comments<'n> {
    head: &'n str,
    line: &'n str,
    foot: &'n str,
}

impl<'n> Comments<'n> {
    fn of(node: &'n Node) -> Self {
        node.extra.as_deref().map_or_else(Self::default, |extra| Self { head: &extra.head, line: &extra.line, foot: &extra.foot })
    }
}

/// Adds each line of a comment without its `#`.
fn add<T>(comments: &str, is_inline: bool, make: fn(Comment) -> T, list: &mut Vec<T>) {
    for line in comments.split('\n').filter(|line| !line.is_empty()) {
        let text = line.strip_prefix('#').unwrap_or(line);
        list.push(make(Comment { text: text.as_bytes().to_vec().into(), is_inline }));
    }
}

fn scalar(node: &Node, text: &str) -> Result<Value, String> {
    let wrong = |why: String| format!("the value in line {}: {why}", node.line);
    if node.tag == Tag::Binary {
        let packed: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        let bytes = STANDARD.decode(packed).map_err(|_| wrong("it is no base 64".to_owned()))?;
        return Ok(Value::text(bytes));
    }
    // What is said of the text would quote it.
    let found = tagged(node.tag_text(), text, Dialect::V3).map_err(|_| wrong(format!("it is no {}", node.tag_text())))?;
    Ok(match found {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Uint(_) => return Err(wrong("SOPS knows no whole numbers beyond 9223372036854775807".to_owned())),
        Scalar::Float(value) => Value::Float(value),
        Scalar::Str(text) => Value::text(text.as_bytes()),
        Scalar::Timestamp(text) => time(text).map_or_else(|| Value::text(text), Value::Time),
        Scalar::Merge => Value::text("<<"),
    })
}

/// A date or a time, as go-yaml reads it and `time.Time` is marshalled.
fn time(text: &str) -> Option<String> {
    const LAYOUTS: [&str; 4] =
        ["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"];
    let parse = |layout: &&str| hydrate_gotmpl::time::parse(layout.as_bytes(), text.as_bytes(), &TimeZone::UTC).ok();
    let moment = LAYOUTS.iter().find_map(parse)?;
    String::from_utf8(hydrate_gotmpl::time::format(&moment, b"2006-01-02T15:04:05.999999999Z07:00")).ok()
}

/// Writes all documents, indented by four spaces.
pub(super) fn write(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let document = |branch: &Branch| Document { root: Some(mapping(branch, false)), head: Default::default(), foot: Default::default() };
    let documents: Vec<Document> = branches.iter().map(document).collect();
    let mut out = Vec::new();
    write_documents(&documents, emit::Dialect::V3, &mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

/// Comments that wait for the node that they belong to.
#[derive(Default)]
struct Waiting {
    above: Vec<String>,
    behind: Vec<String>,
}

impl Waiting {
    fn add(&mut self, comment: &Comment) {
        let text = String::from_utf8_lossy(&comment.text).into_owned();
        if comment.is_inline { self.behind.push(text) } else { self.above.push(text) }
    }

    fn take(lines: &mut Vec<String>) -> Option<String> {
        let text = (!lines.is_empty()).then(|| format!("#{}", lines.join("\n#")));
        lines.clear();
        text
    }

    fn put_above(&mut self, node: &mut Node) {
        if let Some(text) = Self::take(&mut self.above) {
            let head = &mut node.extra.get_or_insert_default().head;
            *head = if head.is_empty() { text.into() } else { format!("{text}\n{head}").into() };
        }
    }

    fn put_behind(&mut self, node: &mut Node) {
        if let Some(text) = Self::take(&mut self.behind) {
            node.extra.get_or_insert_default().line = text.into();
        }
    }

    /// What is left belongs below the last node.
    fn put_below(mut self, node: &mut Node) {
        self.above.append(&mut self.behind);
        if let Some(text) = Self::take(&mut self.above) {
            node.extra.get_or_insert_default().foot = text.into();
        }
    }
}

fn mapping(branch: &Branch, is_in_list: bool) -> Node {
    let mut waiting = Waiting::default();
    let mut entries: Vec<(Node, Node)> = Vec::new();
    let mut mapping = Node::mapping(Vec::new());
    for entry in &branch.0 {
        match entry {
            Entry::Comment(comment) => waiting.add(comment),
            Entry::Value(key, value) => {
                if entries.is_empty() {
                    waiting.put_above(&mut mapping);
                }
                let (mut key, mut value) = (text(key.as_bytes(), is_in_list), node(value, is_in_list));
                waiting.put_above(&mut key);
                waiting.put_behind(&mut value);
                entries.push((key, value));
            }
        }
    }
    match entries.last_mut() {
        Some((key, _)) => waiting.put_below(key),
        None => {
            waiting.above.append(&mut waiting.behind);
            waiting.put_above(&mut mapping);
        }
    }
    mapping.data = Data::Mapping(entries);
    mapping
}

fn sequence(list: &[Item]) -> Node {
    let mut waiting = Waiting::default();
    let mut items: Vec<Node> = Vec::new();
    let mut sequence = Node::sequence(Vec::new());
    for item in list {
        match item {
            Item::Comment(comment) => waiting.add(comment),
            Item::Value(value) => {
                if items.is_empty() {
                    waiting.put_above(&mut sequence);
                }
                let mut item = node(value, true);
                waiting.put_above(&mut item);
                waiting.put_behind(&mut item);
                items.push(item);
            }
        }
    }
    match items.last_mut() {
        Some(item) => waiting.put_below(item),
        None => {
            waiting.above.append(&mut waiting.behind);
            waiting.put_above(&mut sequence);
        }
    }
    sequence.data = Data::Sequence(items);
    sequence
}

/// A value as go-yaml encodes it.
fn node(value: &Value, is_in_list: bool) -> Node {
    match value {
        Value::Map(branch) => mapping(branch, is_in_list),
        Value::List(items) => sequence(items),
        Value::Null => Node::default(),
        Value::Bool(value) => plain(value.to_string()),
        Value::Int(value) => plain(value.to_string()),
        Value::Float(value) => plain(match format_float(*value, Format::General, None, Bits::Float64).as_str() {
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            "NaN" => ".nan".to_owned(),
            finite => finite.to_owned(),
        }),
        Value::Time(value) => plain(value.clone()),
        Value::Text(bytes) => text(bytes, is_in_list),
    }
}

/// A text that is not to be a string, with the tag that it has by itself.
fn plain(text: String) -> Node {
    Node::scalar(plain_type(&text, emit::Version::V3).into(), text)
}

fn text(bytes: &[u8], is_in_list: bool) -> Node {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let mut node = Node::scalar(Tag::Binary, base64(bytes));
        // Several lines are written as such, as every plain text with line breaks.
        node.style.tagged = true;
        return node;
    };
    if text == "<<" {
        return Node::scalar(Tag::Merge, text);
    }
    let mut node = Node::string(text);
    // go-yaml has a form for these that cannot be read: those with a tab anywhere, the others inside of lists.
    let is_unreadable = text.starts_with('\t') || (is_in_list && text.starts_with([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']));
    node.style.scalar = if is_unreadable && text.contains('\n') {
        ScalarStyle::DoubleQuoted
    } else if text.contains('\n') {
        ScalarStyle::Literal
    } else if emit::must_quote(text, emit::Version::V3) {
        ScalarStyle::DoubleQuoted
    } else {
        ScalarStyle::Plain
    };
    node
}

/// Base 64, in lines where it is longer than one.
fn base64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines.push('\n');
    lines
}
