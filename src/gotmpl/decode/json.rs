//! Go's `encoding/json`, reading: what it accepts, what it makes of it, and what it says about the rest.

use super::{Numbers, Target, Values, fit};
use crate::gotmpl::value::Value;
use crate::yaml::scan::MAX_DEPTH;
use crate::yaml::{Build, Scalar};

/// Reads one JSON text, as `json.Unmarshal` does into the target.
///
/// Bytes that are not UTF-8 become U+FFFD, one each. Fails with Go's words: `unexpected end of JSON input`,
/// `invalid character '}' looking for beginning of value`, `json: cannot unmarshal array into Go value of type …`.
pub fn from_json(text: &[u8], target: Target, numbers: Numbers) -> Result<Value, String> {
    fit(read_json(text, numbers, &mut Values::new(numbers))?, target)
}

/// The same into any builder's values; see [`from_json`].
pub fn read_json<B: Build>(text: &[u8], numbers: Numbers, build: &mut B) -> Result<B::Value, String> {
    let mut reader = Reader { bytes: text, pos: 0, depth: 0, numbers, problem: None, build };
    let value = reader.value()?;
    if let Some(byte) = reader.peek() {
        return Err(invalid(byte, "after top-level value"));
    }
    match reader.problem {
        Some(problem) => Err(problem),
        None => Ok(value),
    }
}

struct Reader<'a, B> {
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    numbers: Numbers,
    /// The first value that is fine as JSON but does not fit its type; what comes after it is still checked.
    problem: Option<String>,
    build: &'a mut B,
}

type Read<T> = Result<T, String>;

impl<B: Build> Reader<'_, B> {
    fn value(&mut self) -> Read<B::Value> {
        let byte = self.next_token()?;
        match byte {
            b'{' => self.nested(byte, Self::object),
            b'[' => self.nested(byte, Self::array),
            b'"' => {
                let text = self.string()?;
                Ok(self.build.scalar(Scalar::Str(text.into())))
            }
            b't' => self.literal("true", Scalar::Bool(true)),
            b'f' => self.literal("false", Scalar::Bool(false)),
            b'n' => self.literal("null", Scalar::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(invalid(byte, "looking for beginning of value")),
        }
    }

    fn nested(&mut self, byte: u8, read: fn(&mut Self) -> Read<B::Value>) -> Read<B::Value> {
        if self.depth >= MAX_DEPTH {
            return Err(invalid(byte, "exceeded max depth"));
        }
        self.depth += 1;
        self.pos += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Read<B::Value> {
        let mut items = Vec::new();
        if self.next_token()? == b']' {
            self.pos += 1;
            return Ok(self.build.sequence(items));
        }
        loop {
            items.push(self.value()?);
            match self.next_token()? {
                b',' => self.pos += 1,
                b']' => {
                    self.pos += 1;
                    return Ok(self.build.sequence(items));
                }
                byte => return Err(invalid(byte, "after array element")),
            }
        }
    }

    fn object(&mut self) -> Read<B::Value> {
        let mut entries = Vec::new();
        if self.next_token()? == b'}' {
            self.pos += 1;
            return Ok(self.build.mapping(entries));
        }
        loop {
            let byte = self.next_token()?;
            if byte != b'"' {
                return Err(invalid(byte, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            let key = self.build.key(&key);
            let byte = self.next_token()?;
            if byte != b':' {
                return Err(invalid(byte, "after object key"));
            }
            self.pos += 1;
            entries.push((key, self.value()?));
            match self.next_token()? {
                b',' => self.pos += 1,
                b'}' => {
                    self.pos += 1;
                    return Ok(self.build.mapping(entries));
                }
                byte => return Err(invalid(byte, "after object key:value pair")),
            }
        }
    }

    fn literal(&mut self, text: &'static str, scalar: Scalar<'_>) -> Read<B::Value> {
        self.pos += 1;
        for wanted in text.bytes().skip(1) {
            let byte = self.byte();
            if byte != wanted {
                return Err(invalid(byte, &format!("in literal {text} (expecting '{}')", char::from(wanted))));
            }
            self.pos += 1;
        }
        Ok(self.build.scalar(scalar))
    }

    fn number(&mut self) -> Read<B::Value> {
        let from = self.pos;
        let mut integer = true;
        if self.byte() == b'-' {
            self.pos += 1;
        }
        match self.byte() {
            b'0' => self.pos += 1,
            b'1'..=b'9' => self.digits("")?,
            byte => return Err(invalid(byte, "in numeric literal")),
        }
        if self.byte() == b'.' {
            integer = false;
            self.pos += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let b'e' | b'E' = self.byte() {
            integer = false;
            self.pos += 1;
            if let b'+' | b'-' = self.byte() {
                self.pos += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = self.bytes.get(from..self.pos).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        let scalar = self.number_value(text, integer);
        Ok(self.build.scalar(scalar))
    }

    fn number_value(&mut self, text: &str, integer: bool) -> Scalar<'static> {
        if integer
            && self.numbers == Numbers::Int64
            && let Ok(value) = text.parse()
        {
            return Scalar::Int(value);
        }
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Scalar::Float(value),
            _ => {
                self.problem.get_or_insert_with(|| format!("json: cannot unmarshal number {text} into Go value of type float64"));
                Scalar::Null
            }
        }
    }

    /// Moves over digits, of which there must be one.
    fn digits(&mut self, context: &str) -> Read<()> {
        if !self.byte().is_ascii_digit() {
            return Err(invalid(self.byte(), context));
        }
        while self.byte().is_ascii_digit() {
            self.pos += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Read<String> {
        self.pos += 1;
        let mut text = String::new();
        loop {
            let rest = self.bytes.get(self.pos..).unwrap_or_default();
            let run = rest.iter().take_while(|&&byte| byte != b'"' && byte != b'\\' && byte >= 0x20).count();
            push_utf8(rest.get(..run).unwrap_or_default(), &mut text);
            self.pos += run;
            match rest.get(run) {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.pos += 1;
                    self.escape(&mut text)?;
                }
                Some(&byte) => return Err(invalid(byte, "in string literal")),
                None => return Err(END.to_owned()),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Read<()> {
        let c = match self.byte() {
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            byte @ (b'\\' | b'/' | b'"') => char::from(byte),
            b'u' => {
                let c = self.unicode_escape()?;
                text.push(c);
                return Ok(());
            }
            byte => return Err(invalid(byte, "in string escape code")),
        };
        self.pos += 1;
        text.push(c);
        Ok(())
    }

    /// Reads `u` and four digits, and the second half of a surrogate pair.
    fn unicode_escape(&mut self) -> Read<char> {
        let unit = self.hex4()?;
        if let Some(c) = char::from_u32(unit) {
            return Ok(c);
        }
        let second = self.bytes.get(self.pos..).unwrap_or_default();
        if unit < 0xdc00
            && second.starts_with(b"\\u")
            && let Some(low) = second.get(2..6).and_then(|digits| std::str::from_utf8(digits).ok())
            && let Ok(low @ 0xdc00..=0xdfff) = u32::from_str_radix(low, 16)
            && let Some(c) = char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
        {
            self.pos += 6;
            return Ok(c);
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Read<u32> {
        self.pos += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.byte();
            let Some(digit) = char::from(byte).to_digit(16) else {
                return Err(invalid(byte, "in \\u hexadecimal character escape"));
            };
            unit = unit << 4 | digit;
            self.pos += 1;
        }
        Ok(unit)
    }

    /// The byte at the position. Go puts a space behind the end to see whether something is unfinished.
    fn byte(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(b' ')
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.pos) {
            self.pos += 1;
        }
        self.bytes.get(self.pos).copied()
    }

    fn next_token(&mut self) -> Read<u8> {
        self.peek().ok_or_else(|| END.to_owned())
    }
}

const END: &str = "unexpected end of JSON input";

/// Appends bytes; each one that is not part of a character becomes U+FFFD.
fn push_utf8(mut bytes: &[u8], text: &mut String) {
    loop {
        match std::str::from_utf8(bytes) {
            Ok(valid) => return text.push_str(valid),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                text.push(char::REPLACEMENT_CHARACTER);
                bytes = rest.get(1..).unwrap_or_default();
            }
        }
    }
}

/// Go's message about a byte; bytes above 0x7f are shown as the Latin-1 characters they would be.
fn invalid(byte: u8, context: &str) -> String {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        b'\\' => "\\\\".to_owned(),
        0x07 => "\\a".to_owned(),
        0x08 => "\\b".to_owned(),
        0x0c => "\\f".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        0x0b => "\\v".to_owned(),
        0x00..=0x1f | 0x7f => format!("\\x{byte:02x}"),
        0x80..=0xa0 | 0xad => format!("\\u{byte:04x}"),
        byte => char::from(byte).to_string(),
    };
    format!("invalid character '{shown}' {context}")
}
