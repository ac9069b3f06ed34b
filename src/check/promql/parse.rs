//! The grammar of PromQL: types and the names of metrics come out, no tree is kept.

use std::ops::Range;

use hydrate_sprig::regex::GoRegex;

use super::functions::{AGGREGATIONS, FUNCTIONS};
use super::lex::{Token, TokenKind};
use super::{Error, Query};
use hydrate_base::suggest;

/// How deep a query may nest.
const DEEPEST: usize = 250;

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Scalar,
    Vector,
    Matrix,
    Text,
    /// What a variable gives.
    Any,
}

impl Type {
    fn of(letter: char) -> Self {
        match letter {
            's' => Self::Scalar,
            'm' => Self::Matrix,
            't' => Self::Text,
            _ => Self::Vector,
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Scalar => "a scalar",
            Self::Vector => "an instant vector",
            Self::Matrix => "a range vector",
            Self::Text => "a string",
            Self::Any => "a variable",
        }
    }

    fn may_be(self, wanted: Self) -> bool {
        self == wanted || self == Self::Any
    }
}

/// An expression that was read.
#[derive(Debug, Clone)]
struct Expr {
    ty: Type,
    span: Range<usize>,
    /// Whether a range may follow.
    selector: bool,
    /// Whether `offset` and `@` may follow.
    movable: bool,
}

/// How an operator binds: the higher, the tighter.
fn precedence(operator: &str) -> Option<u8> {
    Some(match operator {
        "or" => 1,
        "and" | "unless" => 2,
        "==" | "!=" | "<=" | "<" | ">=" | ">" => 3,
        "+" | "-" => 4,
        "*" | "/" | "%" | "atan2" => 5,
        "^" => 6,
        _ => return None,
    })
}

fn is_comparison(operator: &str) -> bool {
    precedence(operator) == Some(3)
}

/// Words that stand between operands and cannot be the name of a metric.
const NO_METRICS: &[&str] = &["atan2", "bool", "group_left", "group_right", "ignoring", "on"];

/// Reads the tokens of one query.
pub(super) struct Parser<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    query: Query,
}

type Parsed<T> = Result<T, Error>;

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        Self { text, tokens, at: 0, depth: 0, query: Query::default() }
    }

    /// The whole of a query.
    pub(super) fn query(mut self) -> Parsed<Query> {
        if self.kind() == TokenKind::End {
            return Err(Error::new("no expression found in input", 0..self.text.len()));
        }
        self.binary(1)?;
        match self.kind() {
            TokenKind::End => Ok(self.query),
            _ => Err(self.unexpected("", "")),
        }
    }

    fn kind(&self) -> TokenKind {
        self.tokens.get(self.at).map_or(TokenKind::End, |token| token.kind)
    }

    fn span(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.text.len()..self.text.len(), |token| token.span.clone())
    }

    /// The token's text.
    fn word(&self) -> &'t str {
        self.text.get(self.span()).unwrap_or_default()
    }

    fn lower(&self) -> String {
        self.word().to_ascii_lowercase()
    }

    fn next(&mut self) -> Range<usize> {
        let span = self.span();
        self.at += 1;
        span
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.kind(), TokenKind::Mark(own) if own == mark)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn is_word(&self, word: &str) -> bool {
        self.kind() == TokenKind::Word && self.word().eq_ignore_ascii_case(word)
    }

    fn unexpected(&self, context: &str, expected: &str) -> Error {
        let found = if self.kind() == TokenKind::End { "end of input".to_owned() } else { format!("`{}`", self.word()) };
        Error::new(format!("unexpected {found}{context}{expected}"), self.span())
    }

    fn expect(&mut self, mark: &str, context: &str, expected: &str) -> Parsed<Range<usize>> {
        if self.is(mark) { Ok(self.next()) } else { Err(self.unexpected(context, expected)) }
    }

    /// Operators of at least this precedence between operands.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.kind() {
                TokenKind::Mark(mark) => mark.to_owned(),
                TokenKind::Word => self.lower(),
                _ => return Ok(left),
            };
            let Some(precedence) = precedence(&operator).filter(|precedence| *precedence >= least) else { return Ok(left) };
            let place = self.next();
            let modifiers = self.modifiers(&operator)?;
            let least = if operator == "^" { precedence } else { precedence + 1 };
            let right = self.nested(|parser| parser.binary(least))?;
            left = combine(&operator, place, &modifiers, &left, &right)?;
        }
    }

    /// Runs one level deeper.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::new(format!("the query nests deeper than {DEEPEST} levels"), self.span()));
        }
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// `bool`, `on (…)`, `ignoring (…)`, `group_left (…)`, `group_right (…)`
    fn modifiers(&mut self, operator: &str) -> Parsed<Modifiers> {
        let mut modifiers = Modifiers::default();
        if self.is_word("bool") {
            let place = self.next();
            if !is_comparison(operator) {
                return Err(Error::new("the `bool` modifier can only be used on comparisons", place));
            }
            modifiers.bool = true;
        }
        if self.is_word("on") || self.is_word("ignoring") {
            modifiers.place = self.next();
            self.grouping()?;
            modifiers.matching = true;
            if self.is_word("group_left") || self.is_word("group_right") {
                let place = self.next();
                if precedence(operator).is_some_and(|precedence| precedence < 3) {
                    return Err(Error::new(format!("no grouping is allowed for `{operator}`"), place));
                }
                if self.is("(") {
                    self.grouping()?;
                }
            }
        }
        Ok(modifiers)
    }

    /// `(label, label)`
    fn grouping(&mut self) -> Parsed<()> {
        const CONTEXT: &str = " in grouping";
        self.expect("(", CONTEXT, ", expected `(`")?;
        loop {
            match self.kind() {
                TokenKind::Mark(")") => break,
                TokenKind::Word | TokenKind::Variable | TokenKind::String => drop(self.next()),
                _ => return Err(self.unexpected(CONTEXT, ", expected a label")),
            }
            if !self.take(",") {
                break;
            }
        }
        self.expect(")", CONTEXT, ", expected `,` or `)`").map(drop)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if !(self.is("-") || self.is("+")) {
            return self.postfix();
        }
        let sign = self.next();
        let operand = self.nested(|parser| parser.binary(6))?;
        if matches!(operand.ty, Type::Matrix | Type::Text) {
            return Err(Error::new(format!("a sign takes scalars and instant vectors, not {}", operand.ty.shown()), sign));
        }
        Ok(Expr { ty: operand.ty, span: sign.start..operand.span.end, selector: false, movable: false })
    }

    /// An expression with ranges, `offset` and `@` behind it.
    fn postfix(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        loop {
            if self.is("[") {
                expr = self.range(&expr)?;
            } else if self.is_word("offset") {
                let place = self.next();
                self.movable(&expr, place, "offset")?;
                if !self.take("-") {
                    self.take("+");
                }
                self.duration(" in an offset", ", expected a duration")?;
                expr.selector = false;
            } else if self.is("@") {
                let place = self.next();
                self.movable(&expr, place, "@")?;
                self.instant()?;
                expr.selector = false;
            } else {
                return Ok(expr);
            }
            expr.span.end = self.tokens.get(self.at.saturating_sub(1)).map_or(expr.span.end, |token| token.span.end);
        }
    }

    fn movable(&self, expr: &Expr, place: Range<usize>, what: &str) -> Parsed<()> {
        if expr.movable || expr.ty == Type::Any {
            return Ok(());
        }
        Err(Error::new(format!("`{what}` must follow a selector or a subquery"), place))
    }

    /// `[5m]` behind a selector, `[5m:1m]` behind anything that gives an instant vector.
    fn range(&mut self, expr: &Expr) -> Parsed<Expr> {
        const CONTEXT: &str = " in a range";
        let place = self.next();
        self.duration(CONTEXT, ", expected a duration")?;
        let subquery = self.take(":");
        if subquery && !self.is("]") {
            self.duration(CONTEXT, ", expected a duration or `]`")?;
        }
        self.expect("]", CONTEXT, ", expected `]`")?;
        if subquery && !matches!(expr.ty, Type::Vector | Type::Any) {
            return Err(Error::new(format!("subqueries are only allowed on instant vectors, not on {}", expr.ty.shown()), place));
        }
        if !subquery && !expr.selector && expr.ty != Type::Any {
            return Err(Error::new("ranges are only allowed for vector selectors", place));
        }
        Ok(Expr { ty: Type::Matrix, span: expr.span.clone(), selector: false, movable: true })
    }

    fn duration(&mut self, context: &str, expected: &str) -> Parsed<()> {
        match self.kind() {
            TokenKind::Duration | TokenKind::Number | TokenKind::Variable => {
                self.next();
                Ok(())
            }
            _ => Err(self.unexpected(context, expected)),
        }
    }

    /// What follows `@`: a time, `start()`, `end()`.
    fn instant(&mut self) -> Parsed<()> {
        if self.is_word("start") || self.is_word("end") {
            self.next();
            self.expect("(", " behind `@`", ", expected `(`")?;
            return self.expect(")", " behind `@`", ", expected `)`").map(drop);
        }
        if !self.take("-") {
            self.take("+");
        }
        match self.kind() {
            TokenKind::Number | TokenKind::Variable => {
                self.next();
                Ok(())
            }
            _ => Err(self.unexpected(" behind `@`", ", expected a time")),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let plain = |ty, span| Ok(Expr { ty, span, selector: false, movable: false });
        match self.kind() {
            // A duration stands for its seconds.
            TokenKind::Number | TokenKind::Duration => plain(Type::Scalar, self.next()),
            TokenKind::String => plain(Type::Text, self.next()),
            TokenKind::Variable => self.variable(),
            TokenKind::Word => self.named(),
            TokenKind::Mark("{") => self.selector(None),
            TokenKind::Mark("(") => {
                let open = self.next();
                let inner = self.nested(|parser| parser.binary(1))?;
                if self.kind() == TokenKind::End {
                    return Err(self.unclosed());
                }
                let close = self.expect(")", "", "")?;
                plain(inner.ty, open.start..close.end)
            }
            _ => Err(self.unexpected("", "")),
        }
    }

    fn unclosed(&self) -> Error {
        Error::new("unclosed left parenthesis", self.span())
    }

    /// A word that a variable is part of: a selector, a function, an aggregation, or anything.
    fn variable(&mut self) -> Parsed<Expr> {
        let span = self.next();
        if self.is_word("by") || self.is_word("without") {
            self.next();
            self.grouping()?;
        }
        if self.is("(") {
            self.arguments()?;
            if self.is_word("by") || self.is_word("without") {
                self.next();
                self.grouping()?;
            }
        } else if self.is("{") {
            self.matchers()?;
        }
        Ok(Expr { ty: Type::Any, span, selector: true, movable: true })
    }

    /// A number by name, a function, an aggregation, or the name of a metric.
    fn named(&mut self) -> Parsed<Expr> {
        let name = self.lower();
        let follows = |kind: &dyn Fn(&Token) -> bool| self.tokens.get(self.at + 1).is_some_and(kind);
        let open = follows(&|token| token.kind == TokenKind::Mark("("));
        let grouping = |token: &Token| {
            let word = self.text.get(token.span.clone()).unwrap_or_default();
            token.kind == TokenKind::Word && (word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without"))
        };
        match AGGREGATIONS.iter().find(|(known, _)| *known == name) {
            Some((known, parameter)) if open || follows(&grouping) => return self.aggregation(known, *parameter),
            _ => {}
        }
        if open {
            return self.call();
        }
        if NO_METRICS.contains(&name.as_str()) {
            return Err(self.unexpected("", ""));
        }
        if name == "inf" || name == "nan" {
            return Ok(Expr { ty: Type::Scalar, span: self.next(), selector: false, movable: false });
        }
        let span = self.next();
        self.selector(Some(span))
    }

    fn call(&mut self) -> Parsed<Expr> {
        let place = self.next();
        let name = self.text.get(place.clone()).unwrap_or_default();
        let Some((_, parameters, gives)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let close = suggest::closest(name, FUNCTIONS.iter().map(|(known, ..)| *known));
            let meant = close.filter(|close| close.len() > 4).map(|close| format!(", did you mean `{close}`?")).unwrap_or_default();
            return Err(Error::new(format!("unknown function `{name}`{meant}"), place));
        };
        let (arguments, end) = self.arguments()?;
        fits(name, parameters, &arguments, &place)?;
        Ok(Expr { ty: Type::of(*gives), span: place.start..end, selector: false, movable: false })
    }

    /// `(a, b)`: the expressions, and where the parenthesis ends.
    fn arguments(&mut self) -> Parsed<(Vec<Expr>, usize)> {
        self.next();
        let mut arguments = Vec::new();
        while !self.is(")") {
            arguments.push(self.nested(|parser| parser.binary(1))?);
            if !self.take(",") {
                break;
            }
            if self.is(")") {
                return Err(Error::new("trailing commas are not allowed in arguments", self.span()));
            }
        }
        if self.kind() == TokenKind::End {
            return Err(self.unclosed());
        }
        self.expect(")", "", ", expected `,` or `)`").map(|close| (arguments, close.end))
    }

    fn aggregation(&mut self, name: &str, parameter: Option<char>) -> Parsed<Expr> {
        let place = self.next();
        let mut grouped = false;
        if !self.is("(") {
            self.next();
            self.grouping()?;
            grouped = true;
        }
        if !self.is("(") {
            return Err(self.unexpected(" in an aggregation", ", expected `(`"));
        }
        let (arguments, mut end) = self.arguments()?;
        if !grouped && (self.is_word("by") || self.is_word("without")) {
            self.next();
            self.grouping()?;
            end = self.tokens.get(self.at.saturating_sub(1)).map_or(end, |token| token.span.end);
        }
        let wanted: Vec<Type> = parameter.map(Type::of).into_iter().chain([Type::Vector]).collect();
        if arguments.len() != wanted.len() {
            let message = format!("expected {} in the aggregation `{name}`, got {}", plural(wanted.len()), arguments.len());
            return Err(Error::new(message, place));
        }
        for (argument, wanted) in arguments.iter().zip(wanted) {
            if !argument.ty.may_be(wanted) {
                let message = format!("expected {} in the aggregation `{name}`, got {}", wanted.shown(), argument.ty.shown());
                return Err(Error::new(message, argument.span.clone()));
            }
        }
        Ok(Expr { ty: Type::Vector, span: place.start..end, selector: false, movable: false })
    }

    /// `name{label="value"}` or either half of it.
    fn selector(&mut self, name: Option<Range<usize>>) -> Parsed<Expr> {
        let start = name.as_ref().map_or(self.span().start, |name| name.start);
        let named = name.is_some();
        if let Some(name) = name.clone() {
            self.metric(name);
        }
        let mut end = name.map_or(start, |name| name.end);
        if self.is("{") {
            let place = self.span();
            let matches_something = self.matchers()?;
            end = self.tokens.get(self.at.saturating_sub(1)).map_or(end, |token| token.span.end);
            if !named && !matches_something {
                return Err(Error::new("a vector selector must contain at least one non-empty matcher", place));
            }
        }
        Ok(Expr { ty: Type::Vector, span: start..end, selector: true, movable: true })
    }

    fn metric(&mut self, span: Range<usize>) {
        let name = self.text.get(span.clone()).unwrap_or_default();
        self.query.metrics.push((name.to_owned(), span));
    }

    /// `{a="b", c=~"d"}`: whether one of them leaves out series without the label.
    fn matchers(&mut self) -> Parsed<bool> {
        const CONTEXT: &str = " in label matching";
        self.next();
        let mut matches_something = false;
        while !self.is("}") {
            match self.kind() {
                // A variable stands for a matcher, or for the label of one.
                TokenKind::Variable => {
                    self.next();
                    matches_something = true;
                    if self.is("=") || self.is("!=") || self.is("=~") || self.is("!~") {
                        self.next();
                        self.value(CONTEXT)?;
                    }
                }
                TokenKind::Word | TokenKind::String => matches_something |= self.matcher(CONTEXT)?,
                _ => return Err(self.unexpected(CONTEXT, ", expected a label or `}`")),
            }
            if !self.take(",") {
                break;
            }
        }
        self.expect("}", CONTEXT, ", expected `,` or `}`").map(|_| matches_something)
    }

    fn matcher(&mut self, context: &str) -> Parsed<bool> {
        let quoted = self.kind() == TokenKind::String;
        let label = self.next();
        let name = unquoted(self.text.get(label.clone()).unwrap_or_default());
        let operator = match self.kind() {
            TokenKind::Mark(mark @ ("=" | "!=" | "=~" | "!~")) => mark,
            // A quoted name alone is the metric's.
            _ if quoted => {
                self.query.metrics.push((name.to_owned(), label));
                return Ok(true);
            }
            _ => return Err(self.unexpected(context, ", expected a comparison: `=`, `!=`, `=~` or `!~`")),
        };
        self.next();
        let place = self.value(context)?;
        let value = unquoted(self.text.get(place.clone()).unwrap_or_default());
        if operator == "=" && name == "__name__" && !value.contains(['$', '\\']) {
            self.query.metrics.push((value.to_owned(), place.clone()));
        }
        Ok(match operator {
            "=" => !value.is_empty(),
            "!=" => value.is_empty(),
            "=~" => !regular(value, place)?,
            _ => regular(value, place)?,
        })
    }

    fn value(&mut self, context: &str) -> Parsed<Range<usize>> {
        match self.kind() {
            TokenKind::String | TokenKind::Variable => Ok(self.next()),
            _ => Err(self.unexpected(context, ", expected a quoted string")),
        }
    }
}

/// What stands between an operator and its right operand.
#[derive(Debug, Default)]
struct Modifiers {
    bool: bool,
    matching: bool,
    place: Range<usize>,
}

/// The type that an operator gives, or why it does not take its operands.
fn combine(operator: &str, place: Range<usize>, modifiers: &Modifiers, left: &Expr, right: &Expr) -> Parsed<Expr> {
    for operand in [left, right] {
        if matches!(operand.ty, Type::Matrix | Type::Text) {
            let message = format!("binary expressions take scalars and instant vectors, not {}", operand.ty.shown());
            return Err(Error::new(message, operand.span.clone()));
        }
    }
    let both = (left.ty, right.ty);
    let any_scalar = matches!(both, (Type::Scalar, _) | (_, Type::Scalar));
    if is_comparison(operator) && both == (Type::Scalar, Type::Scalar) && !modifiers.bool {
        return Err(Error::new("comparisons between scalars must use the `bool` modifier", place));
    }
    if precedence(operator).is_some_and(|precedence| precedence < 3) && any_scalar {
        return Err(Error::new(format!("the set operator `{operator}` is not allowed with a scalar"), place));
    }
    if modifiers.matching && any_scalar {
        return Err(Error::new("vector matching is only allowed between instant vectors", modifiers.place.clone()));
    }
    let ty = match both {
        (Type::Vector, _) | (_, Type::Vector) => Type::Vector,
        (Type::Any, _) | (_, Type::Any) => Type::Any,
        _ => Type::Scalar,
    };
    Ok(Expr { ty, span: left.span.start..right.span.end, selector: false, movable: false })
}

/// Whether the arguments of a call are those that the function takes.
fn fits(name: &str, parameters: &str, arguments: &[Expr], place: &Range<usize>) -> Parsed<()> {
    let letters: Vec<char> = parameters.chars().filter(|c| c.is_ascii_alphabetic()).collect();
    let most = if parameters.ends_with('*') { usize::MAX } else { letters.len() };
    let least = if parameters.ends_with(['?', '*']) { letters.len() - 1 } else { letters.len() };
    if arguments.len() < least || arguments.len() > most {
        let wanted = match most {
            _ if most == least => plural(least),
            usize::MAX => format!("at least {}", plural(least)),
            _ => format!("{least} to {}", plural(most)),
        };
        return Err(Error::new(format!("expected {wanted} in the call of `{name}`, got {}", arguments.len()), place.clone()));
    }
    for (number, argument) in arguments.iter().enumerate() {
        let wanted = letters.get(number).or(letters.last()).copied().map_or(Type::Any, Type::of);
        if !argument.ty.may_be(wanted) {
            let message = format!("expected {} in the call of `{name}`, got {}", wanted.shown(), argument.ty.shown());
            return Err(Error::new(message, argument.span.clone()));
        }
    }
    Ok(())
}

fn plural(count: usize) -> String {
    if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") }
}

/// The text between quotes, escapes left as they are.
fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).filter(|_| text.starts_with(['"', '\'', '`'])).unwrap_or(text)
}

/// Whether a regular expression matches the empty text; one that does not parse is an error.
fn regular(pattern: &str, place: Range<usize>) -> Parsed<bool> {
    // Compiling takes longer than everything else here, and most patterns are names.
    let tricky = |c: char| matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '\\' | '^' | '?' | '*' | '+' | '$');
    match pattern {
        ".*" | "" => return Ok(true),
        ".+" => return Ok(false),
        _ if !pattern.contains(tricky) => return Ok(pattern.split('|').any(str::is_empty)),
        // A variable may stand for any part of it.
        _ if pattern.contains('$') => return Ok(false),
        _ => {}
    }
    let unescaped = pattern.replace("\\\\", "\\").replace("\\\"", "\"");
    match GoRegex::new(format!("^(?:{unescaped})$").as_bytes()) {
        Ok(regex) => Ok(regex.is_match(b"")),
        Err(_) => Err(Error::new("the regular expression does not parse", place)),
    }
}
