//! From text to nodes, macros expanded on the way (cel-go's `parser/parser.go` and `parser/macro.go`).

use std::sync::Arc;

use crate::ast::{ACCU, Entry, Expr, Fold, Kind, op};
use crate::lex::{Fault, Token, TokenKind, tokens};
use crate::value::Value;
use crate::{Features, Library};

/// More than this many characters are not read.
const MOST_CHARACTERS: usize = 100_000;
/// Deeper than this nothing is nested.
const MOST_DEPTH: usize = 250;

const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "null",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// An expression that was read.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) root: Expr,
    /// Where each node begins.
    pub(crate) positions: Vec<usize>,
}

pub(crate) fn parse(text: &str, features: Features) -> Result<Parsed, Fault> {
    let characters = text.chars().count();
    if characters > MOST_CHARACTERS {
        let says = format!("expression code point size exceeds limit: size: {characters}, limit {MOST_CHARACTERS}");
        return Err(Fault::new(0, says));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, positions: Vec::new(), features };
    let root = parser.expr()?;
    match parser.peek() {
        TokenKind::End => Ok(Parsed { root, positions: parser.positions }),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    positions: Vec<usize>,
    features: Features,
}

type Out = Result<Expr, Fault>;

/// What becomes of the accumulator of a macro.
struct Accumulated {
    init: Expr,
    condition: Expr,
    step: Expr,
    result: Expr,
}

impl Parser {
    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), TokenKind::Sign(found) if *found == sign)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.next += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(Fault::new(self.at(), format!("Syntax error: {} where `{sign}` is expected", self.found())))
        }
    }

    fn found(&self) -> String {
        match self.peek() {
            TokenKind::Ident(text) | TokenKind::Int(text) | TokenKind::Uint(text) | TokenKind::Double(text) => format!("`{text}`"),
            TokenKind::String(_) | TokenKind::Bytes(_) => "a string".to_owned(),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::End => "the end".to_owned(),
        }
    }

    fn unexpected(&self) -> Fault {
        Fault::new(self.at(), format!("Syntax error: {} is not expected here", self.found()))
    }

    fn node(&mut self, at: usize, kind: Kind) -> Expr {
        self.positions.push(at);
        Expr { id: self.positions.len() - 1, kind }
    }

    fn call(&mut self, at: usize, function: &str, args: Vec<Expr>) -> Expr {
        self.node(at, Kind::Call { function: function.to_owned(), target: None, args })
    }

    fn ident(&mut self, at: usize, name: &str) -> Expr {
        self.node(at, Kind::Ident(name.to_owned()))
    }

    fn literal(&mut self, at: usize, value: Value) -> Expr {
        self.node(at, Kind::Literal(value))
    }

    /// The same once more, with numbers of its own.
    fn copy(&mut self, of: &Expr) -> Expr {
        let at = self.positions.get(of.id).copied().unwrap_or_default();
        let kind = match &of.kind {
            Kind::Select { operand, field, test } => {
                Kind::Select { operand: Box::new(self.copy(operand)), field: field.clone(), test: *test }
            }
            Kind::Call { function, target, args } => Kind::Call {
                function: function.clone(),
                target: target.as_ref().map(|target| Box::new(self.copy(target))),
                args: args.iter().map(|arg| self.copy(arg)).collect(),
            },
            Kind::List { items, optional } => {
                Kind::List { items: items.iter().map(|item| self.copy(item)).collect(), optional: optional.clone() }
            }
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|entry| Entry { key: self.copy(&entry.key), value: self.copy(&entry.value), optional: entry.optional })
                    .collect(),
            ),
            Kind::Struct { name, fields } => {
                Kind::Struct { name: name.clone(), fields: fields.iter().map(|(name, value)| (name.clone(), self.copy(value))).collect() }
            }
            Kind::Fold(fold) => Kind::Fold(Box::new(Fold {
                range: self.copy(&fold.range),
                var: fold.var.clone(),
                var2: fold.var2.clone(),
                accu: fold.accu.clone(),
                init: self.copy(&fold.init),
                condition: self.copy(&fold.condition),
                step: self.copy(&fold.step),
                result: self.copy(&fold.result),
            })),
            plain @ (Kind::Literal(_) | Kind::Ident(_)) => plain.clone(),
        };
        self.node(at, kind)
    }

    fn expr(&mut self) -> Out {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(Fault::new(self.at(), format!("expression recursion limit exceeded: {MOST_DEPTH}")));
        }
        let condition = self.or()?;
        let at = self.at();
        let result = if self.take("?") {
            let first = self.or()?;
            self.need(":")?;
            let second = self.expr()?;
            self.call(at, op::CONDITIONAL, vec![condition, first, second])
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn or(&mut self) -> Out {
        self.logic("||", op::OR, Self::and)
    }

    fn and(&mut self) -> Out {
        self.logic("&&", op::AND, Self::relation)
    }

    /// A chain of one operator, which may be long: it becomes a tree that is not deep.
    fn logic(&mut self, sign: &str, function: &str, term: impl Fn(&mut Self) -> Out) -> Out {
        let mut terms = vec![(self.at(), term(self)?)];
        while self.is(sign) {
            let at = self.at();
            self.next += 1;
            terms.push((at, term(self)?));
        }
        while terms.len() > 1 {
            let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
            let mut rest = terms.into_iter();
            while let Some((at, left)) = rest.next() {
                pairs.push(match rest.next() {
                    Some((between, right)) => (at, self.call(between, function, vec![left, right])),
                    None => (at, left),
                });
            }
            terms = pairs;
        }
        terms.pop().map(|(_, root)| root).ok_or_else(|| self.unexpected())
    }

    /// Chains of other operators are as deep as they are long.
    fn link(&self, links: &mut usize) -> Result<(), Fault> {
        *links += 1;
        if *links > MOST_DEPTH {
            return Err(Fault::new(self.at(), format!("expression recursion limit exceeded: {MOST_DEPTH}")));
        }
        Ok(())
    }

    fn relation(&mut self) -> Out {
        let mut left = self.sum()?;
        let mut links = 0;
        loop {
            let function = match self.peek() {
                TokenKind::Sign("<") => "_<_",
                TokenKind::Sign("<=") => "_<=_",
                TokenKind::Sign(">=") => "_>=_",
                TokenKind::Sign(">") => "_>_",
                TokenKind::Sign("==") => op::EQUAL,
                TokenKind::Sign("!=") => op::NOT_EQUAL,
                TokenKind::Ident(name) if name == "in" => op::IN,
                _ => return Ok(left),
            };
            let at = self.at();
            self.link(&mut links)?;
            self.next += 1;
            let right = self.sum()?;
            left = self.call(at, function, vec![left, right]);
        }
    }

    fn sum(&mut self) -> Out {
        let mut left = self.product()?;
        let mut links = 0;
        loop {
            let function = match self.peek() {
                TokenKind::Sign("+") => op::ADD,
                TokenKind::Sign("-") => "_-_",
                _ => return Ok(left),
            };
            let at = self.at();
            self.link(&mut links)?;
            self.next += 1;
            let right = self.product()?;
            left = self.call(at, function, vec![left, right]);
        }
    }

    fn product(&mut self) -> Out {
        let mut left = self.unary()?;
        let mut links = 0;
        loop {
            let function = match self.peek() {
                TokenKind::Sign("*") => "_*_",
                TokenKind::Sign("/") => "_/_",
                TokenKind::Sign("%") => "_%_",
                _ => return Ok(left),
            };
            let at = self.at();
            self.link(&mut links)?;
            self.next += 1;
            let right = self.unary()?;
            left = self.call(at, function, vec![left, right]);
        }
    }

    fn unary(&mut self) -> Out {
        let at = self.at();
        for (sign, function) in [("!", op::NOT), ("-", op::NEGATE)] {
            let signs = self.tokens[self.next..].iter().take_while(|token| token.kind == TokenKind::Sign(sign)).count();
            let is_number =
                matches!(self.tokens.get(self.next + signs).map(|token| &token.kind), Some(TokenKind::Int(_) | TokenKind::Double(_)));
            // One dash before a number belongs to it.
            if signs == 0 || sign == "-" && signs == 1 && is_number {
                continue;
            }
            self.next += signs;
            let of = self.member()?;
            return Ok(if signs % 2 == 0 { of } else { self.call(at, function, vec![of]) });
        }
        self.member()
    }

    fn member(&mut self) -> Out {
        let mut of = self.primary()?;
        let mut links = 0;
        loop {
            let at = self.at();
            if self.take(".") {
                let is_optional = self.take("?");
                let TokenKind::Ident(name) = self.peek().clone() else { return Err(self.unexpected()) };
                if ["in", "true", "false", "null"].contains(&name.as_str()) {
                    return Err(self.unexpected());
                }
                self.next += 1;
                if is_optional {
                    let field = self.literal(at, Value::text(&name));
                    of = self.call(at, op::OPT_SELECT, vec![of, field]);
                } else if self.take("(") {
                    let args = self.arguments(")")?;
                    of = self.member_call(at, of, name, args)?;
                } else {
                    of = self.node(at, Kind::Select { operand: Box::new(of), field: name, test: false });
                }
            } else if self.take("[") {
                let function = if self.take("?") { op::OPT_INDEX } else { op::INDEX };
                let index = self.expr()?;
                self.need("]")?;
                of = self.call(at, function, vec![of, index]);
            } else {
                return Ok(of);
            }
            self.link(&mut links)?;
        }
    }

    fn arguments(&mut self, end: &str) -> Result<Vec<Expr>, Fault> {
        let mut args = Vec::new();
        if self.take(end) {
            return Ok(args);
        }
        loop {
            args.push(self.expr()?);
            if !self.take(",") {
                self.need(end)?;
                return Ok(args);
            }
        }
    }

    fn primary(&mut self) -> Out {
        let at = self.at();
        let token = self.peek().clone();
        match token {
            TokenKind::Sign("(") => {
                self.next += 1;
                let inner = self.expr()?;
                self.need(")")?;
                Ok(inner)
            }
            TokenKind::Sign("[") => {
                self.next += 1;
                self.list(at)
            }
            TokenKind::Sign("{") => {
                self.next += 1;
                self.map(at)
            }
            TokenKind::Sign("-") => {
                self.next += 1;
                self.number(at, true)
            }
            TokenKind::Sign(".") => {
                self.next += 1;
                match self.peek().clone() {
                    TokenKind::Ident(name) => self.named(at, name, true),
                    _ => Err(self.unexpected()),
                }
            }
            TokenKind::Ident(name) => self.named(at, name, false),
            TokenKind::String(text) => {
                self.next += 1;
                Ok(self.literal(at, Value::String(text.into())))
            }
            TokenKind::Bytes(bytes) => {
                self.next += 1;
                Ok(self.literal(at, Value::Bytes(bytes.into())))
            }
            TokenKind::Int(_) | TokenKind::Uint(_) | TokenKind::Double(_) => self.number(at, false),
            TokenKind::Sign(_) | TokenKind::End => Err(self.unexpected()),
        }
    }

    fn number(&mut self, at: usize, negative: bool) -> Out {
        let token = self.peek().clone();
        self.next += 1;
        let sign = if negative { "-" } else { "" };
        let whole = |digits: &str| match digits.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(&format!("{sign}{hex}"), 16),
            None => format!("{sign}{digits}").parse::<i128>(),
        };
        let value = match &token {
            TokenKind::Int(digits) => {
                let number = whole(digits).ok().and_then(|number| i64::try_from(number).ok());
                Value::Int(number.ok_or_else(|| Fault::new(at, "invalid int literal"))?)
            }
            TokenKind::Uint(digits) => {
                let number = whole(digits).ok().and_then(|number| u64::try_from(number).ok());
                Value::Uint(number.ok_or_else(|| Fault::new(at, "invalid uint literal"))?)
            }
            TokenKind::Double(digits) => {
                let number = format!("{sign}{digits}").parse::<f64>().ok().filter(|number| number.is_finite());
                Value::Double(number.ok_or_else(|| Fault::new(at, "invalid double literal"))?)
            }
            _ => {
                self.next -= 1;
                return Err(self.unexpected());
            }
        };
        Ok(self.literal(at, value))
    }

    fn named(&mut self, at: usize, name: String, dotted: bool) -> Out {
        self.next += 1;
        match name.as_str() {
            "true" if !dotted => return Ok(self.literal(at, Value::Bool(true))),
            "false" if !dotted => return Ok(self.literal(at, Value::Bool(false))),
            "null" if !dotted => return Ok(self.literal(at, Value::Null)),
            _ => {}
        }
        if let Some(message) = self.message(at, &name)? {
            return Ok(message);
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Fault::new(at, format!("reserved identifier: {name}")));
        }
        let full = if dotted { format!(".{name}") } else { name };
        if self.take("(") {
            let args = self.arguments(")")?;
            return self.global_call(at, full, args);
        }
        Ok(self.node(at, Kind::Ident(full)))
    }

    /// `a.b.C{field: value}`
    fn message(&mut self, at: usize, first: &str) -> Result<Option<Expr>, Fault> {
        let mut ahead = self.next;
        let mut name = first.to_owned();
        let sign =
            |token: Option<&Token>, sign: &str| matches!(token.map(|token| &token.kind), Some(TokenKind::Sign(found)) if *found == sign);
        while sign(self.tokens.get(ahead), ".") {
            let Some(TokenKind::Ident(next)) = self.tokens.get(ahead + 1).map(|token| &token.kind) else { return Ok(None) };
            name = format!("{name}.{next}");
            ahead += 2;
        }
        if !sign(self.tokens.get(ahead), "{") {
            return Ok(None);
        }
        self.next = ahead + 1;
        let mut fields = Vec::new();
        while !self.take("}") {
            self.take("?");
            let TokenKind::Ident(field) = self.peek().clone() else { return Err(self.unexpected()) };
            self.next += 1;
            self.need(":")?;
            fields.push((field, self.expr()?));
            if !self.take(",") && !self.is("}") {
                return Err(self.unexpected());
            }
        }
        Ok(Some(self.node(at, Kind::Struct { name, fields })))
    }

    fn list(&mut self, at: usize) -> Out {
        let (mut items, mut optional) = (Vec::new(), Vec::new());
        while !self.take("]") {
            if self.take("?") {
                optional.push(items.len());
            }
            items.push(self.expr()?);
            if !self.take(",") {
                self.need("]")?;
                break;
            }
        }
        Ok(self.node(at, Kind::List { items, optional }))
    }

    fn map(&mut self, at: usize) -> Out {
        let mut entries = Vec::new();
        while !self.take("}") {
            let optional = self.take("?");
            let key = self.expr()?;
            self.need(":")?;
            let value = self.expr()?;
            entries.push(Entry { key, value, optional });
            if !self.take(",") {
                self.need("}")?;
                break;
            }
        }
        Ok(self.node(at, Kind::Map(entries)))
    }

    fn global_call(&mut self, at: usize, name: String, mut args: Vec<Expr>) -> Out {
        if name != "has" || args.len() != 1 {
            return Ok(self.node(at, Kind::Call { function: name, target: None, args }));
        }
        match args.pop().map(|arg| arg.kind) {
            Some(Kind::Select { operand, field, test: false }) => Ok(self.node(at, Kind::Select { operand, field, test: true })),
            _ => Err(Fault::new(at, "invalid argument to has() macro")),
        }
    }

    /// A call of a function of a value, or one of the macros that look like it.
    fn member_call(&mut self, at: usize, target: Expr, name: String, args: Vec<Expr>) -> Out {
        let two = self.features.has(Library::TwoVariables);
        match (name.as_str(), args.len()) {
            ("all" | "exists" | "exists_one", 2) => self.quantifier(at, &name, target, args),
            ("all" | "exists" | "exists_one" | "existsOne", 3) if two => self.quantifier(at, &name, target, args),
            ("map", 2 | 3) | ("filter", 2) => self.mapping(at, &name, target, args),
            ("transformList" | "transformMap", 3 | 4) | ("transformMapEntry", 3 | 4) if two => self.transform(at, &name, target, args),
            ("optMap" | "optFlatMap", 2) if self.features.has(Library::Optional) => self.opt_map(at, &name, target, args),
            ("sortBy", 2) if self.features.has(Library::Lists) => self.sort_by(at, target, args),
            _ => Ok(self.node(at, Kind::Call { function: name, target: Some(Box::new(target)), args })),
        }
    }

    /// The variables at the beginning of a macro's arguments.
    fn variables(&self, args: &[Expr], says: &str) -> Result<(String, Option<String>), Fault> {
        let mut names = Vec::new();
        for arg in args {
            let at = self.positions.get(arg.id).copied().unwrap_or_default();
            match &arg.kind {
                Kind::Ident(name) if name == "__result__" => {
                    return Err(Fault::new(at, "iteration variable overwrites accumulator variable"));
                }
                Kind::Ident(name) if names.contains(name) => return Err(Fault::new(at, format!("duplicate variable name: {name}"))),
                Kind::Ident(name) => names.push(name.clone()),
                _ => return Err(Fault::new(at, says)),
            }
        }
        let mut names = names.into_iter();
        Ok((names.next().unwrap_or_default(), names.next()))
    }

    fn fold(&mut self, at: usize, range: Expr, (var, var2): (String, Option<String>), accu: Accumulated) -> Expr {
        let Accumulated { init, condition, step, result } = accu;
        self.node(at, Kind::Fold(Box::new(Fold { range, var, var2, accu: ACCU.to_owned(), init, condition, step, result })))
    }

    fn quantifier(&mut self, at: usize, name: &str, target: Expr, mut args: Vec<Expr>) -> Out {
        let Some(predicate) = args.pop() else { return Err(self.unexpected()) };
        let vars = self.variables(&args, "argument must be a simple name")?;
        let accu = self.ident(at, ACCU);
        let (init, condition, step) = match name {
            "all" => {
                let condition = self.call(at, op::NOT_STRICTLY_FALSE, vec![accu]);
                let accu = self.ident(at, ACCU);
                (Value::Bool(true), condition, self.call(at, op::AND, vec![accu, predicate]))
            }
            "exists" => {
                let not = self.call(at, op::NOT, vec![accu]);
                let condition = self.call(at, op::NOT_STRICTLY_FALSE, vec![not]);
                let accu = self.ident(at, ACCU);
                (Value::Bool(false), condition, self.call(at, op::OR, vec![accu, predicate]))
            }
            _ => {
                let one = self.literal(at, Value::Int(1));
                let more = self.call(at, op::ADD, vec![accu, one]);
                let same = self.ident(at, ACCU);
                let condition = self.literal(at, Value::Bool(true));
                (Value::Int(0), condition, self.call(at, op::CONDITIONAL, vec![predicate, more, same]))
            }
        };
        let is_count = matches!(init, Value::Int(_));
        let init = self.literal(at, init);
        let mut result = self.ident(at, ACCU);
        if is_count {
            let one = self.literal(at, Value::Int(1));
            result = self.call(at, op::EQUAL, vec![result, one]);
        }
        Ok(self.fold(at, target, vars, Accumulated { init, condition, step, result }))
    }

    /// `map`, `filter`
    fn mapping(&mut self, at: usize, name: &str, target: Expr, mut args: Vec<Expr>) -> Out {
        let vars = self.variables(&args[..1], "argument is not an identifier")?;
        let Some(last) = args.pop() else { return Err(self.unexpected()) };
        let (filter, of) =
            if name == "filter" { (Some(last), self.ident(at, &vars.0)) } else { (if args.len() == 2 { args.pop() } else { None }, last) };
        self.gathered(at, target, vars, filter, of)
    }

    /// A list of what each step gives.
    fn gathered(&mut self, at: usize, target: Expr, vars: (String, Option<String>), filter: Option<Expr>, of: Expr) -> Out {
        let accu = self.ident(at, ACCU);
        let one = self.node(at, Kind::List { items: vec![of], optional: Vec::new() });
        let step = self.call(at, op::ADD, vec![accu, one]);
        let init = self.node(at, Kind::List { items: Vec::new(), optional: Vec::new() });
        self.stepped(at, target, vars, filter, init, step)
    }

    /// Steps, those that fit the filter.
    fn stepped(&mut self, at: usize, target: Expr, vars: (String, Option<String>), filter: Option<Expr>, init: Expr, step: Expr) -> Out {
        let step = match filter {
            Some(filter) => {
                let same = self.ident(at, ACCU);
                self.call(at, op::CONDITIONAL, vec![filter, step, same])
            }
            None => step,
        };
        let condition = self.literal(at, Value::Bool(true));
        let result = self.ident(at, ACCU);
        Ok(self.fold(at, target, vars, Accumulated { init, condition, step, result }))
    }

    fn transform(&mut self, at: usize, name: &str, target: Expr, mut args: Vec<Expr>) -> Out {
        let vars = self.variables(&args[..2], "argument must be a simple name")?;
        let Some(last) = args.pop() else { return Err(self.unexpected()) };
        let filter = if args.len() == 3 { args.pop() } else { None };
        if name == "transformList" {
            return self.gathered(at, target, vars, filter, last);
        }
        let accu = self.ident(at, ACCU);
        let step = if name == "transformMap" {
            let key = self.ident(at, &vars.0);
            self.call(at, op::MAP_INSERT, vec![accu, key, last])
        } else {
            self.call(at, op::MAP_INSERT, vec![accu, last])
        };
        let init = self.node(at, Kind::Map(Vec::new()));
        self.stepped(at, target, vars, filter, init, step)
    }

    /// A name for a value in an expression.
    fn bound(&mut self, at: usize, name: &str, value: Expr, result: Expr) -> Expr {
        let range = self.node(at, Kind::List { items: Vec::new(), optional: Vec::new() });
        let condition = self.literal(at, Value::Bool(false));
        let step = self.ident(at, name);
        let fold = Fold { range, var: "#unused".to_owned(), var2: None, accu: name.to_owned(), init: value, condition, step, result };
        self.node(at, Kind::Fold(Box::new(fold)))
    }

    fn opt_map(&mut self, at: usize, name: &str, target: Expr, mut args: Vec<Expr>) -> Out {
        let Some(of) = args.pop() else { return Err(self.unexpected()) };
        let says = format!("{name}() variable name must be a simple identifier");
        let (var, _) = self.variables(&args, &says)?;
        let again = self.copy(&target);
        let has = self.node(at, Kind::Call { function: "hasValue".to_owned(), target: Some(Box::new(target)), args: Vec::new() });
        let value = self.node(at, Kind::Call { function: "value".to_owned(), target: Some(Box::new(again)), args: Vec::new() });
        let mut some = self.bound(at, &var, value, of);
        if name == "optMap" {
            some = self.call(at, "optional.of", vec![some]);
        }
        let none = self.call(at, "optional.none", Vec::new());
        Ok(self.call(at, op::CONDITIONAL, vec![has, some, none]))
    }

    fn sort_by(&mut self, at: usize, target: Expr, args: Vec<Expr>) -> Out {
        const INPUT: &str = "@__sortBy_input__";
        if matches!(target.kind, Kind::Literal(_) | Kind::Map(_) | Kind::Struct { .. }) {
            let says = "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
            return Err(Fault::new(at, says));
        }
        let input = self.ident(at, INPUT);
        let keys = self.mapping(at, "map", input, args)?;
        let input = Box::new(self.ident(at, INPUT));
        let sorted = self.node(at, Kind::Call { function: op::SORT_BY.to_owned(), target: Some(input), args: vec![keys] });
        Ok(self.bound(at, INPUT, target, sorted))
    }
}

/// The name that a chain of fields spells, where it is one.
pub(crate) fn qualified(of: &Expr) -> Option<String> {
    match &of.kind {
        Kind::Ident(name) => Some(name.trim_start_matches('.').to_owned()),
        Kind::Select { operand, field, test: false } => Some(format!("{}.{field}", qualified(operand)?)),
        _ => None,
    }
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::String(Arc::from(text))
    }
}
