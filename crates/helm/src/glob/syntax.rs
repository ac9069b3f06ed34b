//! Patterns to trees (`syntax/lexer`, `syntax/ast`).

use super::decode;

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Nothing,
    Pattern(Vec<Node>),
    List {
        chars: Vec<char>,
        not: bool,
    },
    Range {
        low: char,
        high: char,
        not: bool,
    },
    Text(String),
    /// `*`
    Any,
    /// `**`
    Super,
    /// `?`
    Single,
    AnyOf(Vec<Node>),
}

/// Braces inside braces: deeper than this is refused as malformed.
const NESTING_LIMIT: usize = 500;

/// Reads a pattern; `None` where it is malformed.
pub(super) fn parse(pattern: &[u8]) -> Option<Node> {
    let mut lexer = Lexer { bytes: pattern, at: 0, broken: false };
    // The patterns that are open: each but the first is the last choice of a pair of braces.
    let mut open: Vec<Vec<Node>> = vec![Vec::new()];
    let mut choices: Vec<Vec<Node>> = Vec::new();
    loop {
        let item = lexer.item(!choices.is_empty());
        if lexer.broken {
            return None;
        }
        match item? {
            Item::End => break,
            Item::Node(node) => open.last_mut()?.push(node),
            Item::Nothing => {}
            Item::Open if choices.len() == NESTING_LIMIT => return None,
            Item::Open => {
                choices.push(Vec::new());
                open.push(Vec::new());
            }
            Item::Comma => {
                let choice = std::mem::take(open.last_mut()?);
                choices.last_mut()?.push(Node::Pattern(choice));
            }
            Item::Close => close(&mut open, &mut choices)?,
        }
    }
    // Unclosed braces end with the pattern.
    while !choices.is_empty() {
        close(&mut open, &mut choices)?;
    }
    open.pop().map(Node::Pattern)
}

fn close(open: &mut Vec<Vec<Node>>, choices: &mut Vec<Vec<Node>>) -> Option<()> {
    let last = open.pop()?;
    let mut all = choices.pop()?;
    all.push(Node::Pattern(last));
    open.last_mut()?.push(Node::AnyOf(all));
    Some(())
}

enum Item {
    End,
    Node(Node),
    /// A text without characters, of which the original makes no token.
    Nothing,
    Open,
    Comma,
    Close,
}

struct Lexer<'p> {
    bytes: &'p [u8],
    at: usize,
    /// Whether something was no character.
    broken: bool,
}

/// The original's sign for the end, which is why a zero byte ends a pattern.
const END: char = '\0';

impl Lexer<'_> {
    /// The next character, which stays.
    fn peek(&mut self) -> (char, usize) {
        match decode(self.bytes.get(self.at..).unwrap_or_default()) {
            Some((char::REPLACEMENT_CHARACTER, _)) => {
                self.broken = true;
                (END, 0)
            }
            Some(found) => found,
            None => (END, 0),
        }
    }

    fn read(&mut self) -> char {
        let (c, width) = self.peek();
        self.at += width;
        c
    }

    /// The next item; `None` where the pattern is malformed.
    fn item(&mut self, in_braces: bool) -> Option<Item> {
        let (c, width) = self.peek();
        let simple = match c {
            END => Item::End,
            '{' => Item::Open,
            ',' if in_braces => Item::Comma,
            '}' if in_braces => Item::Close,
            '?' => Item::Node(Node::Single),
            '[' => {
                self.at += width;
                return self.class().map(Item::Node);
            }
            '*' => {
                self.at += width;
                let (next, width) = self.peek();
                if next != '*' {
                    return Some(Item::Node(Node::Any));
                }
                self.at += width;
                return Some(Item::Node(Node::Super));
            }
            _ => {
                let breakers: &[char] = if in_braces { &['?', '*', '[', '{', '}', ','] } else { &['?', '*', '[', '{'] };
                let text = self.text(breakers);
                return Some(if text.is_empty() { Item::Nothing } else { Item::Node(Node::Text(text)) });
            }
        };
        self.at += width;
        Some(simple)
    }

    fn text(&mut self, breakers: &[char]) -> String {
        let mut text = String::new();
        let mut escaped = false;
        loop {
            let (c, width) = self.peek();
            if !escaped && breakers.contains(&c) {
                return text;
            }
            self.at += width;
            match c {
                END => return text,
                '\\' if !escaped => escaped = true,
                c => {
                    escaped = false;
                    text.push(c);
                }
            }
        }
    }

    /// What stands between brackets: one range, or characters.
    fn class(&mut self) -> Option<Node> {
        let mut not = false;
        let mut first = self.read();
        if first == '!' {
            not = true;
            first = self.read();
        }
        if first == END {
            return None;
        }
        let start = self.at - first.len_utf8();
        let (next, width) = self.peek();
        if next == '-' {
            self.at += width;
            let high = self.read();
            let closed = self.read() == ']';
            return (closed && high != END && high >= first).then_some(Node::Range { low: first, high, not });
        }
        self.at = start;
        let chars: Vec<char> = self.text(&[']']).chars().collect();
        (self.read() == ']' && !chars.is_empty()).then_some(Node::List { chars, not })
    }
}
