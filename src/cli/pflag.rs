//! Command lines as spf13/pflag reads them, which helm and kustomize are made with: the same spellings, the same errors.
//!
//! Follows `flag.go` and the `*_value` files of pflag v1.0. A program is a table of flags; see `commands/helm/flags.rs`.

use std::collections::BTreeMap;

/// A flag of a command.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// The name behind `--`.
    pub name: &'static str,
    /// The letter behind `-`, if it has one.
    pub short: Option<char>,
    /// What its values are.
    pub kind: FlagKind,
    /// The value that it has where none is written behind `=`; without one, the next argument is its value.
    pub bare: Option<&'static str>,
    /// What it does, for `--help`.
    pub help: &'static str,
}

/// What the values of a flag are.
#[derive(Debug, Clone, Copy)]
pub enum FlagKind {
    /// As `strconv.ParseBool` reads it.
    Bool,
    /// A text; the last one counts.
    Text,
    /// A text for each time that the flag is given (`stringArray`).
    Texts,
    /// Texts separated by commas, as one record of CSV (`stringSlice`).
    List,
    /// `key=value` pairs separated by commas (`stringToString`).
    Pairs,
    /// An integer.
    Int,
    /// A number of single precision.
    Float,
    /// A duration as Go writes it.
    Duration,
    /// A text that a function has to accept.
    Checked(fn(&str) -> Result<(), String>),
}

/// A command with these flags as clap has them, for completion; what its arguments and values are is not known, so they may be files. Flags that only other
/// uses have (without help) are left out.
pub fn as_command(name: &'static str, flags: &[Flag]) -> clap::Command {
    let mut known = std::collections::BTreeSet::from(["", "help"]);
    let told = flags.iter().filter(|flag| !flag.help.is_empty() && known.insert(flag.name));
    let argument = |flag: &Flag| {
        let argument = clap::Arg::new(flag.name).long(flag.name).help(flag.help).num_args(u8::from(flag.bare.is_none()) as usize);
        if flag.bare.is_some() { argument.action(clap::ArgAction::SetTrue) } else { argument.value_hint(clap::ValueHint::AnyPath) }
    };
    let arguments: Vec<clap::Arg> = told.map(argument).collect();
    let files = clap::Arg::new("the arguments").num_args(0..).value_hint(clap::ValueHint::AnyPath);
    clap::Command::new(name).args(arguments).arg(files).disable_help_flag(true)
}

/// A flag without a value behind it: a boolean.
pub const fn switch(name: &'static str, help: &'static str) -> Flag {
    Flag { name, short: None, kind: FlagKind::Bool, bare: Some("true"), help }
}

/// A flag with a value.
pub const fn value(name: &'static str, kind: FlagKind, help: &'static str) -> Flag {
    Flag { name, short: None, kind, bare: None, help }
}

impl Flag {
    /// The flag with a letter.
    pub const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// The flag with a value for where none is written.
    pub const fn bare(self, value: &'static str) -> Self {
        Self { bare: Some(value), ..self }
    }

    /// How errors name it.
    fn title(&self) -> String {
        self.short.map_or_else(|| format!("--{}", self.name), |letter| format!("-{letter}, --{}", self.name))
    }
}

/// What the flags do, a line each; those that say nothing are left out.
pub fn usage(flags: &[Flag]) -> String {
    let line = |flag: &Flag| {
        let short = flag.short.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        format!("  {short} --{:24} {}\n", flag.name, flag.help)
    };
    flags.iter().filter(|flag| !flag.help.is_empty()).map(line).collect()
}

/// A command line that was read.
#[derive(Debug, Default)]
pub struct Parsed {
    values: BTreeMap<&'static str, Vec<String>>,
    /// What is no flag, in order.
    pub arguments: Vec<String>,
    /// Whether help was asked for, with a flag that no table has.
    pub wants_help: bool,
}

impl Parsed {
    /// The last value of a flag, if it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// All values of a flag.
    pub fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.text(name).and_then(parse_bool).unwrap_or(false)
    }
}

/// Takes the name of a command out of a command line, as cobra finds it: it knows the flags of the program alone, so an unknown flag without `=` has
/// the next argument for its value.
pub fn take_command(flags: &[Flag], line: &mut Vec<String>) -> Option<String> {
    let is_bare = |is: &dyn Fn(&Flag) -> bool| flags.iter().any(|flag| is(flag) && flag.bare.is_some());
    let mut at = 0;
    loop {
        let argument = line.get(at)?;
        let has_value = match argument.strip_prefix('-') {
            None if !argument.is_empty() => return Some(line.remove(at)),
            Some("-") => return None,
            Some(rest) if !rest.contains('=') => match rest.strip_prefix('-') {
                Some(long) => !is_bare(&|flag| flag.name == long),
                None => rest.len() == 1 && !is_bare(&|flag| flag.short.is_some_and(|letter| rest == letter.to_string())),
            },
            _ => false,
        };
        if has_value && line.len() - at <= 2 {
            return None;
        }
        at += if has_value { 2 } else { 1 };
    }
}

/// Reads a command line; flags may stand before and behind arguments, until `--`.
///
/// # Errors
/// pflag's text.
pub fn parse(flags: &[Flag], line: impl IntoIterator<Item = String>) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut line = line.into_iter();
    while let Some(argument) = line.next() {
        match argument.strip_prefix("--") {
            Some("") => {
                parsed.arguments.extend(line.by_ref());
            }
            Some(long) => parsed.long(flags, long, &mut line)?,
            None => match argument.strip_prefix('-') {
                Some("") | None => parsed.arguments.push(argument),
                Some(letters) => parsed.letters(flags, letters, &mut line)?,
            },
        }
        if parsed.wants_help {
            break;
        }
    }
    Ok(parsed)
}

impl Parsed {
    fn long(&mut self, flags: &[Flag], long: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        if long.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: --{long}"));
        }
        let (name, written) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            if name == "help" {
                self.wants_help = true;
                return Ok(());
            }
            return Err(format!("unknown flag: --{name}"));
        };
        let value = match (written, flag.bare) {
            (Some(value), _) | (None, Some(value)) => value.to_owned(),
            (None, None) => rest.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
        };
        self.set(flag, &value)
    }

    fn letters(&mut self, flags: &[Flag], letters: &str, rest: &mut impl Iterator<Item = String>) -> Result<(), String> {
        let mut left = letters;
        while let Some(letter) = left.chars().next() {
            let behind = &left[letter.len_utf8()..];
            let Some(flag) = flags.iter().find(|flag| flag.short == Some(letter)) else {
                if letter == 'h' {
                    self.wants_help = true;
                    return Ok(());
                }
                return Err(format!("unknown shorthand flag: {letter:?} in -{left}"));
            };
            let written = behind.strip_prefix('=').filter(|value| !value.is_empty());
            match (written, flag.bare) {
                (Some(value), _) => return self.set(flag, value),
                (None, Some(value)) => {
                    self.set(flag, value)?;
                    left = behind;
                }
                (None, None) if !behind.is_empty() => return self.set(flag, behind),
                (None, None) => {
                    let value = rest.next().ok_or_else(|| format!("flag needs an argument: {letter:?} in -{left}"))?;
                    return self.set(flag, &value);
                }
            }
        }
        Ok(())
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), String> {
        let invalid = |why: String| format!("invalid argument {} for \"{}\" flag: {why}", go_quoted(value), flag.title());
        let values = read(flag.kind, value).map_err(invalid)?;
        let all = self.values.entry(flag.name).or_default();
        match flag.kind {
            FlagKind::Texts | FlagKind::List | FlagKind::Pairs => all.extend(values),
            _ => *all = values,
        }
        Ok(())
    }
}

/// The values that a text stands for.
fn read(kind: FlagKind, text: &str) -> Result<Vec<String>, String> {
    let one = || vec![text.to_owned()];
    match kind {
        FlagKind::Text | FlagKind::Texts => Ok(one()),
        FlagKind::Bool => {
            parse_bool(text).map(|_| one()).ok_or_else(|| format!("strconv.ParseBool: parsing {}: invalid syntax", go_quoted(text)))
        }
        FlagKind::List => record(text),
        FlagKind::Pairs => pairs(text),
        FlagKind::Int => int(text).map(|()| one()),
        FlagKind::Float => float(text).map(|()| one()),
        FlagKind::Duration => duration(text).map(|()| one()),
        FlagKind::Checked(check) => check(text).map(|()| one()),
    }
}

/// `strconv.ParseBool`
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// One record of CSV, as `encoding/csv` reads it: the first one that is not an empty line.
pub fn record(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let blank = text.len() - text.trim_start_matches(['\n', '\r']).len();
    let mut rest = &text[blank..];
    if rest.is_empty() {
        return Err("EOF".to_owned());
    }
    let mut fields = Vec::new();
    loop {
        let column = text.len() - rest.len() + 1;
        let Some(quoted) = rest.strip_prefix('"') else {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let field = rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]);
            if let Some(at) = field.find('"') {
                return Err(format!("parse error on line 1, column {}: bare \" in non-quoted-field", column + at));
            }
            fields.push(field.to_owned());
            match rest[end..].strip_prefix(',') {
                Some(behind) => rest = behind,
                None => return Ok(fields),
            }
            continue;
        };
        let (field, behind) = quoted_field(quoted).ok_or_else(|| {
            let line = 1 + text.matches('\n').count();
            let record = if line > 1 { "record on line 1; " } else { "" };
            let column = text.len() - text.rfind('\n').map_or(0, |end| end + 1) + 1;
            format!("{record}parse error on line {line}, column {column}: extraneous or missing \" in quoted-field")
        })?;
        fields.push(field);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() || behind.starts_with(['\n', '\r']) => return Ok(fields),
            None => {
                let column = text.len() - behind.len();
                return Err(format!("parse error on line 1, column {column}: extraneous or missing \" in quoted-field"));
            }
        }
    }
}

/// The content of a quoted field and what is behind it; `None` where it does not end.
fn quoted_field(mut rest: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(behind) => {
                field.push('"');
                rest = behind;
            }
            None => return Some((field, rest)),
        }
    }
}

fn pairs(text: &str) -> Result<Vec<String>, String> {
    let fields = match text.matches('=').count() {
        0 => return Err(format!("{text} must be formatted as key=value")),
        1 => vec![text.trim_matches('"').to_owned()],
        _ => record(text)?,
    };
    match fields.iter().find(|field| !field.contains('=')) {
        Some(field) => Err(format!("{field} must be formatted as key=value")),
        None => Ok(fields),
    }
}

/// `strconv.ParseInt` with base 0 and 64 bits.
fn int(text: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("strconv.ParseInt: parsing {}: {why}", go_quoted(text)));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let plain = digits.replace('_', "");
    let underscores_fit = !digits.ends_with('_') && !digits.contains("__") && (radix != 10 || !digits.starts_with('_'));
    let has_prefix = lower.len() != digits.len();
    if plain.is_empty()
        || !plain.chars().all(|digit| digit.is_digit(radix))
        || !underscores_fit
        || (digits.contains('_') && !has_prefix && radix == 10 && digits.starts_with('_'))
    {
        return wrong("invalid syntax");
    }
    let most = if text.starts_with('-') { 1_u128 << 63 } else { (1_u128 << 63) - 1 };
    match u128::from_str_radix(&plain, radix) {
        Ok(number) if number <= most => Ok(()),
        _ => wrong("value out of range"),
    }
}

fn float(text: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("strconv.ParseFloat: parsing {}: {why}", go_quoted(text)));
    let is_word = text.trim_start_matches(['+', '-']).chars().next().is_some_and(char::is_alphabetic);
    match text.parse::<f32>() {
        Ok(number) if number.is_infinite() && !is_word => wrong("value out of range"),
        Ok(_) => Ok(()),
        Err(_) => wrong("invalid syntax"),
    }
}

/// `time.ParseDuration`
fn duration(text: &str) -> Result<(), String> {
    let invalid = || format!("time: invalid duration {}", go_quoted(text));
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(());
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (digits, behind) = rest.split_at(number);
        if !digits.bytes().any(|byte| byte.is_ascii_digit()) || digits.matches('.').count() > 1 {
            return Err(invalid());
        }
        let unit = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        match unit {
            "" => return Err(format!("time: missing unit in duration {}", go_quoted(text))),
            "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h" => rest = behind,
            unit => return Err(format!("time: unknown unit {} in duration {}", go_quoted(unit), go_quoted(text))),
        }
    }
    Ok(())
}

/// `%q`
pub fn go_quoted(text: &str) -> String {
    hydrate_gotmpl::fmt::quote(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        switch("debug", "").short('d'),
        value("values", FlagKind::List, "").short('f'),
        value("set", FlagKind::Texts, ""),
        value("name", FlagKind::Text, "").short('n'),
        value("wait", FlagKind::Text, "").bare("watcher"),
        value("count", FlagKind::Int, ""),
        value("timeout", FlagKind::Duration, ""),
        value("labels", FlagKind::Pairs, "").short('l'),
    ];

    fn read(line: &[&str]) -> Result<Parsed, String> {
        parse(FLAGS, line.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn spellings() {
        let parsed = read(&["a", "-df", "x,\"y,z\"", "--values=w", "-n=q", "b", "--wait", "c", "--set", "-x", "--", "--debug"]).unwrap();
        assert_eq!(parsed.arguments, ["a", "b", "c", "--debug"]);
        assert_eq!(parsed.texts("values"), ["x", "y,z", "w"]);
        assert_eq!((parsed.text("name"), parsed.text("wait"), parsed.is_on("debug")), (Some("q"), Some("watcher"), true));
        assert_eq!(parsed.texts("set"), ["-x"]);
        for (text, on) in [("--debug=0", false), ("--debug=T", true), ("-d=False", false), ("-d", true)] {
            assert_eq!(read(&[text]).unwrap().is_on("debug"), on, "{text}");
        }
        assert_eq!(read(&["-nx", "-n", "-y"]).unwrap().text("name"), Some("-y"));
        assert_eq!(read(&["-"]).unwrap().arguments, ["-"]);
        assert!(read(&["--help", "--nope"]).unwrap().wants_help && read(&["-h"]).unwrap().wants_help);
        assert_eq!(read(&["-l", "a=b,c=d"]).unwrap().texts("labels"), ["a=b", "c=d"]);
    }

    #[test]
    fn commands_are_found_as_cobra_finds_them() {
        let flags = [switch("trace", "").short('t')];
        for (line, command, rest) in [
            (&["build", "x"][..], Some("build"), &["x"][..]),
            (&["--trace", "build", "x"], Some("build"), &["--trace", "x"]),
            (&["-t", "--out=1", "build"], Some("build"), &["-t", "--out=1"]),
            (&["--out", "build", "x"], Some("x"), &["--out", "build"]),
            (&["-o", "build", "x"], Some("x"), &["-o", "build"]),
            (&["-", "build"], Some("build"), &["-"]),
            (&["--out", "build"], None, &["--out", "build"]),
            (&["--", "build"], None, &["--", "build"]),
            (&[], None, &[]),
        ] {
            let mut left: Vec<String> = line.iter().map(|argument| (*argument).to_owned()).collect();
            assert_eq!(
                (take_command(&flags, &mut left).as_deref(), &left[..]),
                (command, &rest.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn errors() {
        for (line, error) in [
            (&["--nope"][..], "unknown flag: --nope"),
            (&["-dx"], "unknown shorthand flag: 'x' in -x"),
            (&["--name"], "flag needs an argument: --name"),
            (&["-dn"], "flag needs an argument: 'n' in -n"),
            (&["---x"], "bad flag syntax: ---x"),
            (&["--=x"], "bad flag syntax: --=x"),
            (&["--debug=yes"], "invalid argument \"yes\" for \"-d, --debug\" flag: strconv.ParseBool: parsing \"yes\": invalid syntax"),
            (&["--count", "1.5"], "invalid argument \"1.5\" for \"--count\" flag: strconv.ParseInt: parsing \"1.5\": invalid syntax"),
            (
                &["--count", "99999999999999999999"],
                "invalid argument \"99999999999999999999\" for \"--count\" flag: strconv.ParseInt: parsing \"99999999999999999999\": value out of range",
            ),
            (&["--timeout", "5"], "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\""),
            (&["--timeout", "x"], "invalid argument \"x\" for \"--timeout\" flag: time: invalid duration \"x\""),
            (&["--labels", "a"], "invalid argument \"a\" for \"-l, --labels\" flag: a must be formatted as key=value"),
        ] {
            assert_eq!(read(line).unwrap_err(), error);
        }
        assert!(read(&["--count", "0x1F"]).is_ok() && read(&["--count", "0b2"]).is_err());
        assert!(read(&["-f", "a\"b"]).is_err() && read(&["-f", "\"a"]).is_err() && read(&["-f", "\"a\"b"]).is_err());
    }
}
