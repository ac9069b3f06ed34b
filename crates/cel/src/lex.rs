//! Tokens (cel-go's `parser/gen/CEL.g4`).

/// A token and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    Ident(String),
    Int(String),
    Uint(String),
    Double(String),
    String(String),
    Bytes(Vec<u8>),
    Sign(&'static str),
    End,
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The byte of the expression.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// The longest come first.
const SIGNS: &[&str] =
    &["==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}", "(", ")", ".", ",", "-", "!", "?", ":", "+", "*", "/", "%"];

pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut all = Vec::new();
    loop {
        lexer.skip_blank();
        let at = lexer.at;
        let kind = lexer.token()?;
        let is_end = kind == TokenKind::End;
        all.push(Token { kind, at });
        if is_end {
            return Ok(all);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c: char| !wanted(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<TokenKind, Fault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(TokenKind::End) };
        let second = rest.chars().nth(1);
        if first.is_ascii_digit() || first == '.' && second.is_some_and(|c| c.is_ascii_digit()) {
            return self.number();
        }
        if let Some(prefix) = quoted(rest) {
            return self.quoted(prefix);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Ok(TokenKind::Ident(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()));
        }
        match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => {
                self.at += sign.len();
                Ok(TokenKind::Sign(sign))
            }
            None => Err(Fault::new(self.at, format!("Syntax error: token recognition error at: '{first}'"))),
        }
    }

    fn number(&mut self) -> Result<TokenKind, Fault> {
        let start = self.at;
        if let Some(hex) = self.rest().strip_prefix("0x").filter(|hex| hex.starts_with(|c: char| c.is_ascii_hexdigit())) {
            self.at += 2;
            self.at += hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        } else {
            self.take_while(|c| c.is_ascii_digit());
            let mut is_double = false;
            let is_fraction = |rest: &str| rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if is_fraction(self.rest()) {
                is_double = true;
                self.at += 1;
                self.take_while(|c| c.is_ascii_digit());
            }
            let exponent = |rest: &str| {
                let rest = rest.strip_prefix(['e', 'E'])?;
                let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
                digits.starts_with(|c: char| c.is_ascii_digit()).then_some(1 + rest.len() - digits.len())
            };
            if let Some(length) = exponent(self.rest()) {
                is_double = true;
                self.at += length;
                self.take_while(|c| c.is_ascii_digit());
            }
            if is_double {
                return Ok(TokenKind::Double(self.text[start..self.at].to_owned()));
            }
        }
        let digits = self.text[start..self.at].to_owned();
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
            return Ok(TokenKind::Uint(digits));
        }
        Ok(TokenKind::Int(digits))
    }

    fn quoted(&mut self, prefix: Prefix) -> Result<TokenKind, Fault> {
        let start = self.at;
        self.at += prefix.length;
        let quote = &self.text[start + prefix.length - prefix.quotes..start + prefix.length];
        let is_long = prefix.quotes == 3;
        let mut bytes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            let unterminated = || Fault::new(start, "Syntax error: the string is not terminated");
            let first = rest.chars().next().ok_or_else(unterminated)?;
            if !is_long && matches!(first, '\n' | '\r') {
                return Err(unterminated());
            }
            if first == '\\' && !prefix.raw {
                self.escape(prefix.bytes, &mut bytes)?;
                continue;
            }
            self.at += first.len_utf8();
            // The ends of lines are those of Unix.
            match first {
                '\r' => {
                    if self.rest().starts_with('\n') {
                        self.at += 1;
                    }
                    bytes.push(b'\n');
                }
                other => bytes.extend(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        if prefix.bytes {
            return Ok(TokenKind::Bytes(bytes));
        }
        let text = String::from_utf8(bytes).map_err(|_| Fault::new(start, "Syntax error: the string is no text in UTF-8"))?;
        Ok(TokenKind::String(text))
    }

    fn escape(&mut self, is_bytes: bool, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = self.at;
        let wrong = || Fault::new(start, "Syntax error: unable to unescape string");
        let letter = self.rest().chars().nth(1).ok_or_else(wrong)?;
        self.at += 1 + letter.len_utf8();
        let plain = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '`' | '?' => letter as u8,
            _ => 0,
        };
        if plain != 0 {
            out.push(plain);
            return Ok(());
        }
        let (length, radix) = match letter {
            'x' | 'X' => (2, 16),
            'u' if !is_bytes => (4, 16),
            'U' if !is_bytes => (8, 16),
            '0'..='3' => {
                self.at -= 1;
                (3, 8)
            }
            _ => return Err(wrong()),
        };
        let digits = self.rest().get(..length).ok_or_else(wrong)?;
        if !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
            return Err(wrong());
        }
        let number = u32::from_str_radix(digits, radix).map_err(|_| wrong())?;
        self.at += length;
        if is_bytes {
            out.push(u8::try_from(number).map_err(|_| wrong())?);
        } else {
            let c = char::from_u32(number).ok_or_else(|| Fault::new(start, "Syntax error: invalid unicode code point"))?;
            out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Prefix {
    bytes: bool,
    raw: bool,
    quotes: usize,
    length: usize,
}

/// How a string begins, where one does.
fn quoted(rest: &str) -> Option<Prefix> {
    let after_b = rest.strip_prefix(['b', 'B']);
    let bytes = after_b.is_some();
    let after = after_b.unwrap_or(rest);
    let after_r = after.strip_prefix(['r', 'R']);
    let raw = after_r.is_some();
    let after = after_r.unwrap_or(after);
    let quotes = if after.starts_with("\"\"\"") || after.starts_with("'''") {
        3
    } else if after.starts_with(['"', '\'']) {
        1
    } else {
        return None;
    };
    Some(Prefix { bytes, raw, quotes, length: usize::from(bytes) + usize::from(raw) + quotes })
}
