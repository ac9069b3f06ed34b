//! Go's `encoding/json`, reading: what it accepts, what it makes of it, and what it says about the rest.
//!
//! Since Go 1.27 the package stands on its successor, which accepts the same and words some errors differently.

use super::{Numbers, Target, Values, fit};
use crate::options::GoVersion;
use crate::value::Value;
use hydrate_yaml::MAX_DEPTH;
use hydrate_yaml::lossy;
use hydrate_yaml::{Build, Scalar};

/// Reads one JSON text, as `json.Unmarshal` of Go 1.27 does into the target.
///
/// Bytes that are not UTF-8 become U+FFFD, one each. Fails with Go's words: `unexpected end of JSON input`,
/// `invalid character '}' looking for beginning of value`, `json: cannot unmarshal array into Go value of type …`.
pub fn from_json(text: &[u8], target: Target, numbers: Numbers) -> Result<Value, String> {
    from_json_of(GoVersion::default(), text, target, numbers)
}

/// The same with the words of the wanted version of Go.
pub fn from_json_of(go: GoVersion, text: &[u8], target: Target, numbers: Numbers) -> Result<Value, String> {
    let Partial { value, error } = partly_from_json(go, text, target, numbers)?;
    error.map_or(Ok(value), Err)
}

/// What Go has read, and the error that it gives all the same: numbers beyond `float64` do not keep it from reading on.
pub struct Partial {
    /// The value, with nil or zero for numbers beyond `float64`.
    pub value: Value,
    /// The error about the first of them.
    pub error: Option<String>,
}

/// The same as [`from_json_of`] with what could be read in spite of an error. Fails where there is nothing: the text is no JSON, or not of the
/// target.
pub fn partly_from_json(go: GoVersion, text: &[u8], target: Target, numbers: Numbers) -> Result<Partial, String> {
    let mut build = Values::new(numbers);
    let (value, problem) = read(go, text, numbers, &mut build)?;
    if problem.as_ref().is_some_and(|problem| problem.path.is_empty()) && target != Target::Any {
        // A number alone is of no other target.
        return fit(Value::Float64(0.0), target).map(|value| Partial { value, error: None });
    }
    Ok(Partial { value: fit(value, target)?, error: problem.map(|problem| problem.message(go)) })
}

/// The first JSON value of a text and the number of bytes up to its end, as `json.Decoder` reads it: what comes behind is not looked at.
/// Numbers that do not fit are errors.
pub fn first_from_json(go: GoVersion, text: &[u8], numbers: Numbers) -> Result<(Value, usize), String> {
    let mut build = Values::new(numbers);
    let mut reader = Reader { bytes: text, pos: 0, depth: 0, numbers, go, problem: None, build: &mut build };
    let value = reader.value()?;
    let end = reader.pos;
    match reader.problem {
        Some(problem) => Err(problem.message(go)),
        None => Ok((value, end)),
    }
}

/// The same into any builder's values; see [`from_json`].
pub fn read_json<B: Build>(go: GoVersion, text: &[u8], numbers: Numbers, build: &mut B) -> Result<B::Value, String> {
    match read(go, text, numbers, build)? {
        (_, Some(problem)) => Err(problem.message(go)),
        (value, None) => Ok(value),
    }
}

fn read<B: Build>(go: GoVersion, text: &[u8], numbers: Numbers, build: &mut B) -> Result<(B::Value, Option<Problem>), String> {
    let mut reader = Reader { bytes: text, pos: 0, depth: 0, numbers, go, problem: None, build };
    let value = reader.value()?;
    if reader.peek().is_some() {
        return Err(reader.invalid("after top-level value"));
    }
    Ok((value, reader.problem))
}

/// A number that is fine as JSON but does not fit its type.
struct Problem {
    number: String,
    /// The keys and indices that lead to it, innermost first.
    path: Vec<String>,
}

impl Problem {
    fn message(&self, go: GoVersion) -> String {
        let Self { number, path } = self;
        let place = match go {
            GoVersion::Go1_23 => None,
            GoVersion::Go1_27 => place(path.iter().rev()),
        };
        format!("json: cannot unmarshal number {number} into {} of type float64", place.as_deref().unwrap_or("Go value"))
    }
}

/// How the newer package names the place of a value: a JSON Pointer with points, and nothing more where its end looks like the
/// index of an array. `None` for the whole document, for which a single empty key is taken, too.
pub fn place<S: AsRef<str>>(steps: impl Iterator<Item = S>) -> Option<String> {
    let steps: Vec<String> = steps.map(|step| step.as_ref().replace('~', "~0").replace('/', "~1")).collect();
    let path = steps.join(".");
    let last = path.rsplit('.').next().unwrap_or_default();
    let what = if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { "Go struct field " };
    (!path.is_empty()).then(|| format!("{what}.{path}"))
}

struct Reader<'a, B> {
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    numbers: Numbers,
    go: GoVersion,
    /// The first number that does not fit; what comes after it is still checked.
    problem: Option<Problem>,
    build: &'a mut B,
}

type Read<T> = Result<T, String>;

impl<B: Build> Reader<'_, B> {
    fn value(&mut self) -> Read<B::Value> {
        let byte = self.next_token()?;
        match byte {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => {
                let text = self.string()?;
                Ok(self.build.scalar(Scalar::Str(text.into())))
            }
            b't' => self.literal("true", Scalar::Bool(true)),
            b'f' => self.literal("false", Scalar::Bool(false)),
            b'n' => self.literal("null", Scalar::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.invalid("looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<B::Value>) -> Read<B::Value> {
        if self.depth >= MAX_DEPTH {
            return Err(self.invalid("exceeded max depth"));
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
            let fine = self.problem.is_none();
            items.push(self.value()?);
            if fine {
                self.extend_path(|| (items.len() - 1).to_string());
            }
            match self.next_token()? {
                b',' => self.pos += 1,
                b']' => {
                    self.pos += 1;
                    return Ok(self.build.sequence(items));
                }
                _ => return Err(self.invalid("after array element")),
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
            if self.next_token()? != b'"' {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            let name = self.string()?;
            let key = self.build.key(&name);
            if self.next_token()? != b':' {
                return Err(self.invalid("after object key"));
            }
            self.pos += 1;
            let fine = self.problem.is_none();
            entries.push((key, self.value()?));
            if fine {
                self.extend_path(|| name);
            }
            match self.next_token()? {
                b',' => self.pos += 1,
                b'}' => {
                    self.pos += 1;
                    return Ok(self.build.mapping(entries));
                }
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
    }

    /// Notes on the way out of a value where the number in it stands that does not fit.
    fn extend_path(&mut self, step: impl FnOnce() -> String) {
        if let Some(problem) = &mut self.problem {
            problem.path.push(step());
        }
    }

    fn literal(&mut self, text: &'static str, scalar: Scalar<'_>) -> Read<B::Value> {
        self.pos += 1;
        for wanted in text.bytes().skip(1) {
            if self.byte() != wanted {
                return Err(self.invalid(&format!("in literal {text} (expecting '{}')", char::from(wanted))));
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
            _ => return Err(self.invalid("in numeric literal")),
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
                self.problem.get_or_insert_with(|| Problem { number: text.to_owned(), path: Vec::new() });
                if self.go < GoVersion::Go1_27 { Scalar::Null } else { Scalar::Float(0.0) }
            }
        }
    }

    /// Moves over digits, of which there must be one.
    fn digits(&mut self, context: &str) -> Read<()> {
        if !self.byte().is_ascii_digit() {
            let context = if self.go < GoVersion::Go1_27 { context } else { "in numeric literal" };
            return Err(self.invalid(context));
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
            text.push_str(&lossy(rest.get(..run).unwrap_or_default()));
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
                Some(_) if self.go < GoVersion::Go1_27 => return Err(self.invalid("in string literal")),
                Some(_) => return Err(self.invalid("in string")),
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
            _ if self.go < GoVersion::Go1_27 => return Err(self.invalid("in string escape code")),
            _ => return Err(self.invalid_escape(2)),
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
        let start = self.pos;
        self.pos += 1;
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.byte()).to_digit(16) else {
                if self.go < GoVersion::Go1_27 {
                    return Err(self.invalid("in \\u hexadecimal character escape"));
                }
                self.pos = start;
                return Err(self.invalid_escape(6));
            };
            unit = unit << 4 | digit;
            self.pos += 1;
        }
        Ok(unit)
    }

    /// Go's message about the byte or character at the position.
    fn invalid(&self, context: &str) -> String {
        if self.go < GoVersion::Go1_27 {
            return format!("invalid character {} {context}", quote_byte(self.byte()));
        }
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        match first_char(rest) {
            Some(c) => format!("invalid character {} {context}", quote_char(c)),
            None if rest.is_empty() => END.to_owned(),
            None => format!("invalid character '\\x{:x}' {context}", self.byte()),
        }
    }

    /// Go 1.27's message about an escape of `width` bytes, whose second one is at the position.
    fn invalid_escape(&self, width: usize) -> String {
        let rest = self.bytes.get(self.pos.saturating_sub(1)..).unwrap_or_default();
        let escape = rest.get(..width).unwrap_or(rest);
        let digits = escape.get(2..).unwrap_or_default();
        let cut_off = rest.len() < width && escape.get(1).is_none_or(|&byte| byte == b'u') && digits.iter().all(u8::is_ascii_hexdigit);
        if cut_off {
            return END.to_owned();
        }
        let shown = String::from_utf8_lossy(escape);
        let fits = |c: char| c != '`' && c != char::REPLACEMENT_CHARACTER && !c.is_whitespace() && crate::text::is_print(u32::from(c));
        let plain = std::str::from_utf8(escape).is_ok_and(|text| text.chars().all(fits));
        if plain {
            return format!("invalid escape sequence `{shown}` in string");
        }
        let quoted: String = match std::str::from_utf8(escape) {
            Ok(text) => text.chars().map(escape_char).collect(),
            Err(_) => {
                escape.iter().map(|&byte| if byte < 0x80 { escape_char(char::from(byte)) } else { format!("\\x{byte:02x}") }).collect()
            }
        };
        format!("invalid escape sequence \"{}\" in string", quoted.replace('"', "\\\""))
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

/// The first character, where the bytes start with one.
fn first_char(bytes: &[u8]) -> Option<char> {
    let start = bytes.get(..4).unwrap_or(bytes);
    match std::str::from_utf8(start) {
        Ok(text) => text.chars().next(),
        Err(error) => std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?.chars().next(),
    }
}

/// `strconv.QuoteRune`
fn quote_char(c: char) -> String {
    match c {
        '\'' => "'\\''".to_owned(),
        c => format!("'{}'", escape_char(c)),
    }
}

/// A byte as the older package shows it: as the Latin-1 character it would be.
fn quote_byte(byte: u8) -> String {
    quote_char(char::from(byte))
}

/// What Go writes for a character between quotes, which themselves are the caller's affair.
fn escape_char(c: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\x0b' => "\\v".to_owned(),
        '\0'..='\x1f' | '\x7f' => format!("\\x{:02x}", c as u32),
        c if c.is_control() || (c.is_whitespace() && c != ' ') || matches!(c, '\u{ad}' | '\u{feff}') => format!("\\u{:04x}", c as u32),
        c => c.to_string(),
    }
}
