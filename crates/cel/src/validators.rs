//! What is looked at once all types are known: literals that nothing can be made of (cel-go's `cel/validator.go`).

use crate::ast::{Expr, Kind};
use crate::check::Notes;
use crate::lex::Fault;
use crate::ty::{Type, is_less_specific};
use crate::value::Value;

pub(crate) fn check(root: &Expr, positions: &[usize], notes: &Notes) -> Result<(), Vec<Fault>> {
    let mut validator = Validator { positions, notes, formats: 0, faults: Vec::new() };
    validator.node(root);
    if validator.faults.is_empty() { Ok(()) } else { Err(validator.faults) }
}

struct Validator<'v> {
    positions: &'v [usize],
    notes: &'v Notes,
    /// How many calls of `format` there are around.
    formats: usize,
    faults: Vec<Fault>,
}

impl Validator<'_> {
    fn fault(&mut self, of: &Expr, message: String) {
        self.faults.push(Fault { at: self.positions.get(of.id).copied().unwrap_or_default(), message });
    }

    fn ty(&self, of: &Expr) -> Type {
        self.notes.types.get(of.id).cloned().unwrap_or(Type::Dyn)
    }

    fn node(&mut self, of: &Expr) {
        match &of.kind {
            Kind::Call { function, target, args } => self.call(function, target.as_deref(), args),
            Kind::List { items, optional } => {
                let types: Vec<(&Expr, Type)> =
                    items.iter().enumerate().map(|(number, item)| (item, self.of_entry(item, optional.contains(&number)))).collect();
                self.alike(&types);
            }
            Kind::Map(entries) => {
                let keys: Vec<(&Expr, Type)> = entries.iter().map(|entry| (&entry.key, self.ty(&entry.key))).collect();
                let values: Vec<(&Expr, Type)> =
                    entries.iter().map(|entry| (&entry.value, self.of_entry(&entry.value, entry.optional))).collect();
                self.alike(&keys);
                self.alike(&values);
            }
            _ => {}
        }
        let is_format = matches!(&of.kind, Kind::Call { function, .. } if function == "format");
        self.formats += usize::from(is_format);
        for child in children(of) {
            self.node(child);
        }
        self.formats -= usize::from(is_format);
    }

    fn of_entry(&self, of: &Expr, optional: bool) -> Type {
        let ty = self.ty(of);
        if optional { ty.unwrapped().cloned().unwrap_or(Type::Dyn) } else { ty }
    }

    /// What stands in one literal is of one type.
    fn alike(&mut self, all: &[(&Expr, Type)]) {
        let Some((_, first)) = all.first().filter(|_| self.formats == 0) else { return };
        let same = |ty: &Type| is_less_specific(ty, first) && is_less_specific(first, ty);
        if let Some((of, other)) = all.iter().find(|(_, ty)| !same(ty)) {
            self.fault(of, format!("expected type '{first}' but found '{other}'"));
        }
    }

    fn call(&mut self, function: &str, target: Option<&Expr>, args: &[Expr]) {
        let literal = |at: usize| match args.get(at).map(|arg| (arg, &arg.kind)) {
            Some((arg, Kind::Literal(Value::String(text)))) => Some((arg, text)),
            _ => None,
        };
        match function {
            "duration" => {
                if let Some((arg, text)) = literal(0)
                    && crate::time::nanoseconds(text).is_err()
                {
                    self.fault(arg, "invalid duration argument".to_owned());
                }
            }
            "timestamp" => {
                if let Some((arg, text)) = literal(0)
                    && crate::time::moment(text).is_err()
                {
                    self.fault(arg, "invalid timestamp argument".to_owned());
                }
            }
            "matches" => {
                if let Some((arg, text)) = literal(usize::from(target.is_none()))
                    && hydrate_sprig::regex::GoRegex::new(text.as_bytes()).is_err()
                {
                    self.fault(arg, "invalid matches argument".to_owned());
                }
            }
            "format" => {
                if let (Some(Expr { kind: Kind::Literal(Value::String(text)), .. }), Some(arg)) = (target, args.first())
                    && let Kind::List { items, .. } = &arg.kind
                {
                    self.format(text, arg, items);
                }
            }
            _ => {}
        }
    }

    /// A format that is known, beside the arguments that it is given.
    fn format(&mut self, text: &str, list: &Expr, items: &[Expr]) {
        let mut next = 0;
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            rest = rest[at + 1..].trim_start_matches(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            let Some(verb) = rest.chars().next() else { return self.fault(list, "unexpected end of string".to_owned()) };
            rest = &rest[verb.len_utf8()..];
            if verb == '%' {
                continue;
            }
            let Some(item) = items.get(next) else { return self.fault(list, format!("index {next} out of range")) };
            next += 1;
            let ty = self.ty(item);
            let fits = match verb {
                's' => !matches!(ty, Type::Opaque(..) | Type::Library(_) | Type::Struct(_)),
                'd' | 'o' => matches!(ty, Type::Int | Type::Uint | Type::Dyn),
                'f' | 'e' => matches!(ty, Type::Double | Type::Dyn),
                'b' => matches!(ty, Type::Int | Type::Uint | Type::Bool | Type::Dyn),
                'x' | 'X' => matches!(ty, Type::Int | Type::Uint | Type::String | Type::Bytes | Type::Dyn),
                _ => return self.fault(list, format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\"")),
            };
            let is_text = matches!(&item.kind, Kind::Literal(Value::String(text)) if matches!(&**text, "NaN" | "Infinity" | "-Infinity"));
            if !(fits || is_text && matches!(verb, 'f' | 'e')) {
                self.fault(item, format!("error during formatting: `%{verb}` cannot show a value of the type {ty}"));
            }
        }
        if next < items.len() {
            self.fault(list, format!("too many arguments supplied to string.format (expected {next}, got {})", items.len()));
        }
    }
}

/// The nodes right below a node.
pub(crate) fn children(of: &Expr) -> Vec<&Expr> {
    match &of.kind {
        Kind::Literal(_) | Kind::Ident(_) => Vec::new(),
        Kind::Select { operand, .. } => vec![operand],
        Kind::Call { target, args, .. } => target.iter().map(|target| &**target).chain(args).collect(),
        Kind::List { items, .. } => items.iter().collect(),
        Kind::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
        Kind::Struct { fields, .. } => fields.iter().map(|(_, value)| value).collect(),
        Kind::Fold(fold) => vec![&fold.range, &fold.init, &fold.condition, &fold.step, &fold.result],
    }
}
