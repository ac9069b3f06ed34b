//! Printing one value under a verb: Go's fmt/print.go, from `printArg` down.

use super::float::Bits;
use super::number::{Case, Flags};
use crate::budget;
use crate::stack;
use crate::text;
use crate::value::{Kind, Map, Object, Rare, Value};

/// The longest text one call prints: values that share their parts can be far larger printed than in memory.
const MAX_TEXT: usize = 1 << 28;

/// What Go would print here differs from run to run.
const ADDRESS: i128 = 0x00c0_0000_0000;

/// The state of one call of a printing function.
pub(super) struct Printer {
    pub out: Vec<u8>,
    pub flags: Flags,
    /// Whether printing was cut off because the value nests too deep or its text is too long.
    pub overflow: bool,
    /// Inside of a `%!d(…)`: methods are not called.
    erroring: bool,
    start: usize,
}

const V: u32 = b'v' as u32;

impl Printer {
    pub(super) fn new() -> Self {
        Self { out: Vec::new(), flags: Flags::default(), overflow: false, erroring: false, start: 0 }
    }

    pub(super) fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(super) fn sprint(&mut self, args: &[Value]) {
        let mut after_string = true;
        for arg in args {
            let is_string = arg.kind() == Kind::String;
            if !is_string && !after_string {
                self.out.push(b' ');
            }
            self.print_arg(arg, V);
            after_string = is_string;
        }
    }

    pub(super) fn sprintln(&mut self, args: &[Value]) {
        for (at, arg) in args.iter().enumerate() {
            self.put(if at > 0 { " " } else { "" });
            self.print_arg(arg, V);
        }
        self.out.push(b'\n');
    }

    /// A value as an action prints it: what a pointer points to.
    pub(super) fn print_dereferenced(&mut self, value: &Value) {
        self.start = self.out.len();
        match value {
            Value::Rare(rare) => match &**rare {
                Rare::Object(object) if object.addressed_string().is_some() => self.put(&object.addressed_string().unwrap_or_default()),
                Rare::Object(object) if object.kind() == Kind::Ptr && object.string().is_none() => self.fields(&**object, V, 0),
                _ => self.print_arg(value, V),
            },
            _ => self.print_arg(value, V),
        }
    }

    /// A value under a verb.
    pub(super) fn print_arg(&mut self, value: &Value, verb: u32) {
        if matches!(value, Value::Nil) {
            return match u8::try_from(verb) {
                Ok(b'T' | b'v') => self.flags.pad(&mut self.out, b"<nil>"),
                _ => self.bad_verb(value, verb),
            };
        }
        match u8::try_from(verb) {
            Ok(b'T') => self.flags.string(&mut self.out, value.type_name().as_bytes()),
            Ok(b'p') => self.pointer(value, verb),
            _ => {
                let plain = !matches!(value, Value::List(_) | Value::Map(_) | Value::Rare(_)) || value.as_bytes().is_some();
                if plain || !self.methods(value, verb) {
                    self.print(value, verb, 0);
                }
            }
        }
    }

    /// `%!d(string=x)`
    pub(super) fn bad_verb(&mut self, value: &Value, verb: u32) {
        self.erroring = true;
        self.put("%!");
        text::push_rune(&mut self.out, verb);
        self.put("(");
        if matches!(value, Value::Nil) {
            self.put("<nil>");
        } else {
            self.put(value.type_name());
            self.put("=");
            self.print_arg(value, V);
        }
        self.put(")");
        self.erroring = false;
    }

    /// Lets the `Error` or `String` method of a value speak; whether there is one for the verb.
    fn methods(&mut self, value: &Value, verb: u32) -> bool {
        let Value::Rare(rare) = value else { return verb == u32::from(b'w') && self.wrap_verb(value, verb) };
        if self.erroring {
            return false;
        }
        if verb == u32::from(b'w') {
            return self.wrap_verb(value, verb);
        }
        if let (true, Rare::Time(time)) = (self.flags.sharp_v, &**rare) {
            let source = super::verbs::time_source(time);
            self.flags.string(&mut self.out, source.as_bytes());
            return true;
        }
        if self.flags.sharp_v || !matches!(u8::try_from(verb), Ok(b'v' | b's' | b'x' | b'X' | b'q')) {
            return false;
        }
        let text = match &**rare {
            Rare::Error(text) => text.clone(),
            Rare::Time(time) => crate::time::string(time),
            Rare::Integer(name, _, value) => match crate::time::integer_string(name, *value) {
                Some(text) => text,
                None => return false,
            },
            Rare::Object(object) => match object.string() {
                Some(text) => text,
                None => return false,
            },
            _ => return false,
        };
        self.string(value, text.as_bytes(), verb);
        true
    }

    /// `%w` is for `Errorf` alone.
    fn wrap_verb(&mut self, value: &Value, verb: u32) -> bool {
        if !self.erroring {
            self.bad_verb(value, verb);
        }
        !self.erroring
    }

    fn print(&mut self, value: &Value, verb: u32, depth: usize) {
        if self.overflow || stack::exhausted() || !budget::spend(1) {
            self.overflow = true;
            return;
        }
        if self.out.len() - self.start > budget::room(MAX_TEXT) {
            budget::overdraw();
            self.overflow = true;
            return;
        }
        if depth > 0 && self.methods(value, verb) {
            return;
        }
        match value {
            Value::Nil => self.put(if self.flags.sharp_v { "interface {}(nil)" } else { "<nil>" }),
            Value::Bool(boolean) => self.boolean(value, *boolean, verb),
            Value::Int(number) | Value::Int64(number) => self.integer(value, i128::from(*number), false, verb),
            Value::Float64(number) => self.float(value, *number, Bits::Float64, verb),
            Value::Str(text) => self.string(value, text.as_bytes(), verb),
            Value::List(list) => {
                if self.open(list.type_name(), list.is_nil(), b'[') {
                    return;
                }
                let boxed = list.has_interface_elements();
                for (at, item) in list.items().iter().enumerate() {
                    self.separate(at);
                    self.element(item, boxed, verb, depth);
                }
                self.close(b']');
            }
            Value::Map(map) => self.map(map, verb, depth),
            Value::Rare(rare) => self.rare(value, rare, verb, depth),
        }
    }

    /// An element of a container. One of interface type is looked through, which Go does a level further down.
    fn element(&mut self, value: &Value, boxed: bool, verb: u32, depth: usize) {
        self.print(value, verb, depth + 1 + usize::from(boxed));
    }

    fn map(&mut self, map: &Map, verb: u32, depth: usize) {
        if self.flags.sharp_v {
            if self.open(map.type_name(), map.is_nil(), b'{') {
                return;
            }
        } else {
            self.put("map[");
        }
        let boxed = map.has_interface_elements();
        for (at, (key, value)) in map.entries().iter().enumerate() {
            self.separate(at);
            self.string(&Value::Str(key.clone()), key.as_bytes(), verb);
            self.put(":");
            self.element(value, boxed, verb, depth);
        }
        self.close(b']');
    }

    /// The start of a composite value; whether that was all, because it is nil.
    fn open(&mut self, type_name: &str, nil: bool, bracket: u8) -> bool {
        if !self.flags.sharp_v {
            self.out.push(bracket);
            return false;
        }
        self.put(type_name);
        self.put(if nil { "(nil)" } else { "{" });
        nil
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.put(if self.flags.sharp_v { ", " } else { " " });
        }
    }

    fn close(&mut self, bracket: u8) {
        self.out.push(if self.flags.sharp_v { b'}' } else { bracket });
    }

    fn rare(&mut self, value: &Value, rare: &Rare, verb: u32, depth: usize) {
        match rare {
            Rare::Integer(_, kind, number) => self.integer(value, *number, kind.is_unsigned(), verb),
            Rare::Float32(number) => self.float(value, f64::from(*number), Bits::Float32, verb),
            Rare::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Rare::NilPointer(_) => self.pointer(value, verb),
            Rare::Error(_) if depth > 0 => self.pointer(value, verb),
            Rare::Error(text) => {
                let text = Value::str(&**text);
                self.put("&");
                self.structure("errors.errorString", &[("s", text)], verb, depth + 1);
            }
            Rare::Time(time) => self.structure("time.Time", &super::verbs::time_fields(time), verb, depth),
            Rare::Object(object) => self.object(value, &**object, verb, depth),
        }
    }

    fn object(&mut self, value: &Value, object: &dyn Object, verb: u32, depth: usize) {
        if let Some((real, imaginary)) = value.as_complex() {
            return self.complex(value, real, imaginary, verb);
        }
        if let Some(inner) = object.inner() {
            return self.print(&inner.named(object.type_name()), verb, depth);
        }
        if object.kind() == Kind::Ptr {
            if depth > 0 {
                return self.pointer(value, verb);
            }
            self.put("&");
        }
        self.fields(object, verb, depth);
    }

    fn fields(&mut self, object: &dyn Object, verb: u32, depth: usize) {
        let name = object.type_name();
        self.structure(name.strip_prefix('*').unwrap_or(name), &object.fields(), verb, depth);
    }

    fn structure(&mut self, type_name: &str, fields: &[(&str, Value)], verb: u32, depth: usize) {
        if self.flags.sharp_v {
            self.put(type_name);
        }
        self.put("{");
        for (at, (name, value)) in fields.iter().enumerate() {
            self.separate(at);
            if self.flags.plus_v || self.flags.sharp_v {
                self.put(name);
                self.put(":");
            }
            self.print(value, verb, depth + 1);
        }
        self.put("}");
    }

    fn boolean(&mut self, value: &Value, boolean: bool, verb: u32) {
        match u8::try_from(verb) {
            Ok(b't' | b'v') => self.flags.pad(&mut self.out, if boolean { b"true" } else { b"false" }),
            _ => self.bad_verb(value, verb),
        }
    }

    fn hex_with_prefix(&mut self, number: i128, prefix: bool) {
        let mut flags = self.flags;
        flags.sharp = prefix;
        flags.integer(&mut self.out, number, 16, V, Case::Lower);
    }

    fn integer(&mut self, value: &Value, number: i128, unsigned: bool, verb: u32) {
        // Characters are made of the bits of the number.
        let bits = number as u64;
        let (flags, out) = (self.flags, &mut self.out);
        match u8::try_from(verb) {
            Ok(b'v') if flags.sharp_v && unsigned => self.hex_with_prefix(number, true),
            Ok(b'v' | b'd') => flags.integer(out, number, 10, verb, Case::Lower),
            Ok(b'b') => flags.integer(out, number, 2, verb, Case::Lower),
            Ok(b'o' | b'O') => flags.integer(out, number, 8, verb, Case::Lower),
            Ok(b'x') => flags.integer(out, number, 16, verb, Case::Lower),
            Ok(b'X') => flags.integer(out, number, 16, verb, Case::Upper),
            Ok(b'c') => flags.character(out, bits),
            Ok(b'q') => flags.quoted_character(out, bits),
            Ok(b'U') => flags.unicode(out, bits),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float(&mut self, value: &Value, number: f64, bits: Bits, verb: u32) {
        let (flags, out) = (self.flags, &mut self.out);
        match u8::try_from(verb) {
            Ok(b'v') => flags.float(out, number, bits, b'g', None),
            Ok(verb @ (b'b' | b'g' | b'G' | b'x' | b'X')) => flags.float(out, number, bits, verb, None),
            Ok(verb @ (b'f' | b'e' | b'E')) => flags.float(out, number, bits, verb, Some(6)),
            Ok(b'F') => flags.float(out, number, bits, b'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    fn complex(&mut self, value: &Value, real: f64, imaginary: f64, verb: u32) {
        if !matches!(u8::try_from(verb), Ok(b'v' | b'b' | b'g' | b'G' | b'x' | b'X' | b'f' | b'F' | b'e' | b'E')) {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.put("(");
        self.float(value, real, Bits::Float64, verb);
        self.flags.plus = true;
        self.float(value, imaginary, Bits::Float64, verb);
        self.put("i)");
        self.flags.plus = plus;
    }

    fn string(&mut self, value: &Value, bytes: &[u8], verb: u32) {
        let (flags, out) = (self.flags, &mut self.out);
        match u8::try_from(verb) {
            Ok(b'v') if flags.sharp_v => flags.quoted(out, bytes),
            Ok(b'v' | b's') => flags.string(out, bytes),
            Ok(b'x') => flags.hex_string(out, bytes, Case::Lower),
            Ok(b'X') => flags.hex_string(out, bytes, Case::Upper),
            Ok(b'q') => flags.quoted(out, bytes),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: u32, depth: usize) {
        let (flags, out) = (self.flags, &mut self.out);
        match u8::try_from(verb) {
            Ok(b's') => flags.string(out, bytes),
            Ok(b'x') => flags.hex_string(out, bytes, Case::Lower),
            Ok(b'X') => flags.hex_string(out, bytes, Case::Upper),
            Ok(b'q') => flags.quoted(out, bytes),
            known => {
                let name = if depth == 0 && matches!(known, Ok(b'v' | b'd')) { "[]byte" } else { "[]uint8" };
                self.open(name, false, b'[');
                for (at, byte) in bytes.iter().enumerate() {
                    self.separate(at);
                    match known {
                        Ok(b'v' | b'd') if self.flags.sharp_v => self.hex_with_prefix(i128::from(*byte), true),
                        Ok(b'v' | b'd') => self.flags.integer(&mut self.out, i128::from(*byte), 10, verb, Case::Lower),
                        _ => self.integer(&Value::byte(*byte), i128::from(*byte), true, verb),
                    }
                }
                self.close(b']');
            }
        }
    }

    fn pointer(&mut self, value: &Value, verb: u32) {
        let address = match value.kind() {
            Kind::Map | Kind::Ptr | Kind::Slice | Kind::Func if value.is_nil() => 0,
            Kind::Map | Kind::Ptr | Kind::Slice | Kind::Func => ADDRESS,
            _ => return self.bad_verb(value, verb),
        };
        match u8::try_from(verb) {
            Ok(b'v') if self.flags.sharp_v => {
                self.put("(");
                self.put(value.type_name());
                self.put(")(");
                if address == 0 {
                    self.put("nil");
                } else {
                    self.hex_with_prefix(address, true);
                }
                self.put(")");
            }
            Ok(b'v') if address == 0 => self.flags.pad(&mut self.out, b"<nil>"),
            Ok(b'v' | b'p') => self.hex_with_prefix(address, !self.flags.sharp),
            Ok(b'b' | b'o' | b'd' | b'x' | b'X') => self.integer(value, address, true, verb),
            _ => self.bad_verb(value, verb),
        }
    }
}
