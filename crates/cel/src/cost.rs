//! What calls cost, and what expressions can cost (cel-go's `checker/cost.go`, `interpreter/runtimecost.go`, and the API server's `library/cost.go`).

use std::collections::BTreeMap;

use crate::ast::{ACCU, Expr, Fold, Kind, op};
use crate::check::Notes;
use crate::ty::{Size, Type};
use crate::value::Value;

const TRAVERSAL: f64 = 0.1;
const REGEX: f64 = 0.25;
const LIST: u64 = 10;

fn up(number: f64) -> u64 {
    number.ceil() as u64
}

/// What a value counts for.
fn weight(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Ip(address)) => {
            if address.is_ipv4() {
                4
            } else {
                16
            }
        }
        Some(Value::Cidr(_, bits)) => u64::from(*bits).div_ceil(8),
        Some(value) => value.size().unwrap_or(1),
        None => 1,
    }
}

/// The cost of a call with these arguments and this result.
pub(crate) fn call_cost(function: &str, overload: &str, args: &[Value], result: Option<&Value>) -> u64 {
    let size = |at: usize| weight(args.get(at)) as f64;
    match overload {
        "list_sets_contains_list" | "list_sets_intersects_list" => return 1 + (size(0) * size(1)) as u64,
        "list_sets_equivalent_list" => return 1 + (size(0) * size(1) * 2.0) as u64,
        "list_slice" | "lists_range" | "list_reverse" => return allocation(1.0, weight(result) as f64),
        "list_flatten" => return allocation(1.0, size(0)),
        "list_flatten_int" => {
            let depth = match args.get(1) {
                Some(Value::Int(depth)) => *depth as f64,
                _ => 1.0,
            };
            return allocation(if depth < 0.0 { 1.0 } else { depth }, size(0));
        }
        "list_distinct" => return comparisons(args.first()),
        other if other.ends_with("_sort") && other.starts_with("list_") => return comparisons(args.first()),
        other if other.ends_with("_sortByAssociatedKeys") => return comparisons(args.get(1)),
        _ => {}
    }
    if let Some(cost) = kubernetes_cost(function, overload, args, result) {
        return cost;
    }
    match overload {
        "starts_with_string" | "ends_with_string" => up(size(1) * TRAVERSAL),
        "string_to_bytes" | "bytes_to_string" | "strings_quote" | "string_format" => up(size(0) * TRAVERSAL),
        "in_list" => weight(args.get(1)),
        _ if compares(overload) => up(optional_size(args, 0).min(optional_size(args, 1)) * TRAVERSAL),
        "add_string" | "add_bytes" => up((size(0) + size(1)) * TRAVERSAL),
        "matches" | "matches_string" => up((1.0 + size(0)) * TRAVERSAL) * up(size(1) * REGEX),
        "contains_string" => up(size(0) * TRAVERSAL) * up(size(1) * TRAVERSAL),
        _ => 1,
    }
}

fn optional_size(args: &[Value], at: usize) -> f64 {
    match args.get(at) {
        Some(Value::Optional(Some(value))) => optional_size(std::slice::from_ref(value), 0),
        other => weight(other) as f64,
    }
}

fn allocation(factor: f64, size: f64) -> u64 {
    ((size * factor) as u64).saturating_add(1 + LIST)
}

fn comparisons(list: Option<&Value>) -> u64 {
    let Some(Value::List(list)) = list else { return 1 };
    let length = list.items.len() as f64;
    let factor = if matches!(list.items.first(), Some(Value::String(_) | Value::Bytes(_))) { 2.0 + TRAVERSAL } else { 2.0 };
    allocation(factor, length * length)
}

fn kubernetes_cost(function: &str, overload: &str, args: &[Value], result: Option<&Value>) -> Option<u64> {
    let size = |at: usize| weight(args.get(at)) as f64;
    Some(match function {
        "check" => 350_000,
        "serviceAccount" | "path" | "group" | "resource" | "subresource" | "namespace" | "name" | "allowed" | "reason" | "error"
        | "errored" => 1,
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => args.first().map_or(0, traversal),
        "url" | "lowerAscii" | "upperAscii" | "substring" | "trim" => up(size(0) * TRAVERSAL),
        "replace" | "split" => up(size(0) * 2.0 * TRAVERSAL),
        "join" => up(weight(result) as f64 * 2.0 * TRAVERSAL),
        "find" | "findAll" => up((1.0 + size(0)) * TRAVERSAL) * up(size(1) * REGEX),
        "cidr" | "isIP" | "isCIDR" => up(size(0) * TRAVERSAL),
        "ip" if overload == "cidr_ip" => 1,
        "ip" => up(size(0) * TRAVERSAL),
        "ip.isCanonical" => up(size(0) * 2.0 * TRAVERSAL),
        "masked"
        | "prefixLength"
        | "family"
        | "isUnspecified"
        | "isLoopback"
        | "isLinkLocalMulticast"
        | "isLinkLocalUnicast"
        | "isGlobalUnicast" => 1,
        "containsIP" => {
            let parsed = if overload == "cidr_contains_ip_string" { up(size(1) * TRAVERSAL) } else { 0 };
            up(size(0) * 2.0 * TRAVERSAL) + parsed
        }
        "containsCIDR" => {
            let parsed = if overload == "cidr_contains_cidr_string" { up(size(1) * TRAVERSAL) } else { 0 };
            up(size(0) * 2.0 * TRAVERSAL) + up(size(0) * TRAVERSAL) + 1 + parsed
        }
        "quantity" | "isQuantity" | "semver" | "isSemver" => up(size(0) * TRAVERSAL),
        "validate" => match args.first() {
            Some(Value::Format(format)) => up((1.0 + size(1)) * TRAVERSAL) * up(format.regex as f64 * REGEX),
            _ => return None,
        },
        "format.named" | "sign" | "asInteger" | "isInteger" | "asApproximateFloat" | "isGreaterThan" | "isLessThan" | "compareTo"
        | "add" | "sub" | "major" | "minor" | "patch" | "getScheme" | "getHostname" | "getHost" | "getPort" | "getEscapedPath"
        | "getQuery" => 1,
        op::EQUAL => match args.first() {
            Some(Value::Quantity(_) | Value::Ip(_) | Value::Cidr(..) | Value::Format(_) | Value::Url(_) | Value::Semver(_)) => 1,
            _ => return None,
        },
        _ => return None,
    })
}

/// What it takes to go through all of a value.
fn traversal(value: &Value) -> u64 {
    match value {
        Value::String(text) => (text.len() as f64 * TRAVERSAL) as u64,
        Value::Bytes(bytes) => (bytes.len() as f64 * TRAVERSAL) as u64,
        Value::List(list) => list.items.iter().map(traversal).sum(),
        Value::Map(map) => map.entries.iter().map(|(key, value)| traversal(&key.value()) + traversal(value)).sum(),
        _ => 1,
    }
}

/// Between what something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// At the least.
    pub least: u64,
    /// At the most.
    pub most: u64,
}

impl Estimate {
    const UNKNOWN: Self = Self { least: 0, most: u64::MAX };

    const fn exactly(number: u64) -> Self {
        Self { least: number, most: number }
    }

    fn plus(self, other: Self) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }

    fn times(self, other: Self) -> Self {
        Self { least: self.least.saturating_mul(other.least), most: self.most.saturating_mul(other.most) }
    }

    fn scaled(self, factor: f64) -> Self {
        // A float that is too large becomes the largest number.
        let of = |number: u64| (number as f64 * factor).ceil() as u64;
        Self { least: of(self.least), most: of(self.most) }
    }

    fn union(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// What an expression costs, by the sizes of variables.
pub(crate) fn estimate(root: &Expr, notes: &Notes, sizes: &BTreeMap<String, Size>) -> Estimate {
    let mut coster = Coster { notes, sizes, paths: BTreeMap::new(), known: BTreeMap::new(), entries: BTreeMap::new(), locals: Vec::new() };
    coster.cost(root)
}

type Path = Vec<String>;

/// How large the keys and values of a list or map are that an expression makes.
#[derive(Debug, Clone, Copy)]
struct Entries {
    is_list: bool,
    key: Estimate,
    value: Estimate,
}

struct Local {
    name: String,
    path: Path,
    size: Option<Estimate>,
    entries: Option<Entries>,
}

struct Coster<'c> {
    notes: &'c Notes,
    sizes: &'c BTreeMap<String, Size>,
    paths: BTreeMap<usize, Path>,
    known: BTreeMap<usize, Estimate>,
    entries: BTreeMap<usize, Entries>,
    locals: Vec<Local>,
}

/// An argument of a call.
struct Argument<'e> {
    of: &'e Expr,
    path: Path,
    ty: Type,
    size: Option<Estimate>,
}

impl<'e> Coster<'_> {
    fn ty(&self, of: &Expr) -> Type {
        self.notes.types.get(of.id).cloned().unwrap_or(Type::Dyn)
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    fn path(&self, of: &Expr) -> Path {
        if let Kind::Ident(name) = &of.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&of.id).cloned().unwrap_or_default()
    }

    fn cost(&mut self, of: &'e Expr) -> Estimate {
        match &of.kind {
            Kind::Literal(Value::Type(name)) => {
                self.paths.insert(of.id, vec![name.to_string()]);
                Estimate::exactly(1)
            }
            Kind::Literal(_) => Estimate::exactly(0),
            Kind::Ident(name) => {
                let path = self.local(name).map_or_else(|| vec![name.clone()], |local| local.path.clone());
                self.paths.insert(of.id, path);
                Estimate::exactly(1)
            }
            Kind::Select { operand, test: true, .. } => self.cost(operand),
            Kind::Select { operand, field, .. } => {
                let sum = self.cost(operand);
                let mut path = self.path(operand);
                path.push(field.clone());
                self.paths.insert(of.id, path);
                match self.ty(operand) {
                    Type::Map(_) | Type::Struct(_) => sum.plus(Estimate::exactly(1)),
                    _ => sum,
                }
            }
            Kind::Call { function, target, args } => self.call(of, function, target.as_deref(), args),
            Kind::List { items, .. } => {
                let mut sum = Estimate::exactly(LIST);
                let mut size = Estimate { least: if items.is_empty() { 0 } else { u64::MAX }, most: 0 };
                for item in items {
                    sum = sum.plus(self.cost(item));
                    size = size.union(self.size_or_unknown(item));
                }
                self.entries.insert(of.id, Entries { is_list: true, key: Estimate::exactly(1), value: size });
                sum
            }
            Kind::Map(all) => {
                let least = if all.is_empty() { 0 } else { u64::MAX };
                let (mut sum, mut key, mut value) = (Estimate::exactly(30), Estimate { least, most: 0 }, Estimate { least, most: 0 });
                for entry in all {
                    sum = sum.plus(self.cost(&entry.key)).plus(self.cost(&entry.value));
                    key = key.union(self.size_or_unknown(&entry.key));
                    value = value.union(self.size_or_unknown(&entry.value));
                }
                self.entries.insert(of.id, Entries { is_list: false, key, value });
                sum
            }
            Kind::Struct { fields, .. } => fields.iter().fold(Estimate::exactly(40), |sum, (_, value)| sum.plus(self.cost(value))),
            Kind::Fold(fold) if fold.is_bind() => self.bind(of, fold),
            Kind::Fold(fold) => self.fold(of, fold),
        }
    }

    fn push(&mut self, name: &str, path: Path, size: Option<Estimate>, entries: Option<Entries>) {
        self.locals.push(Local { name: name.to_owned(), path, size, entries });
    }

    fn push_value(&mut self, name: &str, value: &'e Expr) {
        let (path, size, entries) = (self.path(value), self.size(value), self.entries_of(value));
        self.push(name, path, size, entries);
    }

    fn bind(&mut self, of: &Expr, fold: &'e Fold) -> Estimate {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_value(&fold.accu, &fold.init);
        sum = sum.plus(self.cost(&fold.result));
        let (size, entries) = (self.size(&fold.result), self.entries_of(&fold.result));
        self.locals.pop();
        self.known.extend(size.map(|size| (of.id, size)));
        self.entries.extend(entries.map(|entries| (of.id, entries)));
        sum
    }

    fn fold(&mut self, of: &Expr, fold: &'e Fold) -> Estimate {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_value(&fold.accu, &fold.init);
        let depth = self.locals.len();
        let entries = self.entries_of(&fold.range);
        let is_list = entries.map_or_else(|| matches!(self.ty(&fold.range), Type::List(_)), |entries| entries.is_list);
        let (key, value) = (entries.map(|entries| entries.key), entries.map(|entries| entries.value));
        let path = self.path(&fold.range);
        let below = |step: &str| path.iter().cloned().chain([step.to_owned()]).collect::<Path>();
        match &fold.var2 {
            Some(second) => {
                self.push(&fold.var, below(if is_list { "@indices" } else { "@keys" }), key, None);
                self.push(second, below(if is_list { "@items" } else { "@values" }), value, None);
            }
            None => self.push(&fold.var, below(if is_list { "@items" } else { "@keys" }), if is_list { value } else { key }, None),
        }
        let condition = self.cost(&fold.condition);
        let step = self.cost(&fold.step);
        self.locals.truncate(depth);
        sum = sum.plus(self.cost(&fold.result));
        self.locals.pop();
        let count = self.size_or_unknown(&fold.range);
        match &fold.init.kind {
            Kind::Literal(_) => {
                let size = self.size(&fold.init);
                self.known.extend(size.map(|size| (of.id, size)));
            }
            Kind::List { .. } | Kind::Map(_) => {
                self.known.insert(of.id, count);
                let entries = self.entries_of(&fold.step);
                self.entries.extend(entries.map(|entries| (of.id, entries)));
            }
            _ => {}
        }
        sum.plus(count.times(step.plus(condition)))
    }

    fn size_or_unknown(&mut self, of: &Expr) -> Estimate {
        self.size(of).unwrap_or(Estimate::UNKNOWN)
    }

    fn entries_of(&self, of: &Expr) -> Option<Entries> {
        if let Some(entries) = self.entries.get(&of.id) {
            return Some(*entries);
        }
        match &of.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.entries),
            _ => None,
        }
    }

    fn size(&mut self, of: &Expr) -> Option<Estimate> {
        if let Some(size) = self.known.get(&of.id) {
            return Some(*size);
        }
        match &of.kind {
            Kind::Literal(Value::Type(_)) => {}
            Kind::Literal(value) => return Some(Estimate::exactly(value.size().unwrap_or(1))),
            Kind::List { items, .. } => return Some(Estimate::exactly(items.len() as u64)),
            Kind::Map(entries) => return Some(Estimate::exactly(entries.len() as u64)),
            _ => {}
        }
        if let Some(size) = self.declared(&self.path(of)) {
            self.known.insert(of.id, size);
            return Some(size);
        }
        if self.ty(of).is_scalar() {
            return Some(Estimate::exactly(1));
        }
        match &of.kind {
            Kind::Ident(name) => self.local(name).and_then(|local| local.size),
            _ => None,
        }
    }

    /// How large what lies at a path can be.
    fn declared(&self, path: &[String]) -> Option<Estimate> {
        let (root, rest) = path.split_first()?;
        // The API server takes every path for one of the only variable that it has sizes of.
        let mut size = self.sizes.get(root).or_else(|| self.sizes.get("self"))?;
        for step in rest {
            size = match step.as_str() {
                "@items" | "@values" => size.items.as_deref()?,
                "@keys" => size.keys.as_deref()?,
                field => size.fields.get(field)?,
            };
        }
        Some(Estimate { least: 0, most: size.most })
    }

    fn argument(&mut self, of: &'e Expr) -> Argument<'e> {
        let mut path = self.path(of);
        if path.first().is_some_and(|root| root == ACCU || root == "__result__") {
            path.clear();
        }
        Argument { of, path, ty: self.ty(of), size: self.size(of) }
    }

    fn call(&mut self, of: &'e Expr, function: &str, target: Option<&'e Expr>, args: &'e [Expr]) -> Estimate {
        if let ("dyn", [arg]) = (function, args) {
            let cost = self.cost(arg).plus(Estimate::exactly(1));
            let (size, entries) = (self.size(arg), self.entries_of(arg));
            self.known.extend(size.map(|size| (of.id, size)));
            self.entries.extend(entries.map(|entries| (of.id, entries)));
            return cost;
        }
        let costs: Vec<Estimate> = args.iter().map(|arg| self.cost(arg)).collect();
        let arguments: Vec<Argument<'e>> = args.iter().map(|arg| self.argument(arg)).collect();
        let overloads = self.notes.overloads.get(of.id).cloned().unwrap_or_default();
        if overloads.is_empty() {
            return Estimate::exactly(0);
        }
        let mut sum = Estimate::exactly(0);
        let receiver = target.map(|target| {
            sum = self.cost(target);
            self.argument(target)
        });
        let mut most = Estimate { least: u64::MAX, most: 0 };
        let mut size: Option<Estimate> = None;
        for overload in overloads {
            let (cost, result) = self.overload(of, function, overload, receiver.as_ref(), &arguments, &costs);
            most = most.union(cost);
            size = match (size, result) {
                (Some(size), Some(result)) => Some(size.union(result)),
                (size, result) => size.or(result),
            };
            let step = match overload {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(step), Some(first)) = (step, args.first()) {
                size = self.entries_of(first).map(|entries| entries.value);
                let mut path = self.path(first);
                path.push(step.to_owned());
                self.paths.insert(of.id, path);
            }
            if size.is_none() {
                size = self.size(of);
            }
        }
        self.known.extend(size.map(|size| (of.id, size)));
        sum.plus(most)
    }

    /// What a call of one overload costs, and how large its result is.
    fn overload(
        &mut self,
        of: &Expr,
        function: &str,
        overload: &str,
        target: Option<&Argument<'_>>,
        args: &[Argument<'_>],
        costs: &[Estimate],
    ) -> (Estimate, Option<Estimate>) {
        let sum = costs.iter().fold(Estimate::exactly(0), |sum, cost| sum.plus(*cost));
        if let Some((cost, size)) = self.estimated_list(overload, target, args) {
            return (cost.plus(sum), size);
        }
        if let Some((cost, size)) = self.estimated(function, overload, target, args) {
            return (cost.plus(sum), size);
        }
        let size = |at: usize| args.get(at).and_then(|arg| arg.size).unwrap_or(Estimate::UNKNOWN);
        let one = Estimate::exactly(1);
        let receiver = target.map(|target| target.size.unwrap_or(Estimate::UNKNOWN));
        match (overload, receiver, args.len()) {
            ("string_format", Some(text), _) => (text.scaled(TRAVERSAL).plus(sum), None),
            ("string_to_bytes", _, 1) => {
                let text = size(0);
                (text.scaled(TRAVERSAL).plus(sum), Some(Estimate { least: text.least, most: text.most.wrapping_mul(4) }))
            }
            ("bytes_to_string", _, 1) => {
                let bytes = size(0);
                (bytes.scaled(TRAVERSAL).plus(sum), Some(Estimate { least: bytes.least / 4, most: bytes.most }))
            }
            ("strings_quote", _, 1) => {
                let text = size(0);
                let quoted = Estimate { least: text.least.wrapping_add(2), most: text.most.wrapping_mul(2).wrapping_add(2) };
                (text.scaled(TRAVERSAL).plus(sum), Some(quoted))
            }
            ("starts_with_string" | "ends_with_string", _, 1) => (size(0).scaled(TRAVERSAL).plus(sum), None),
            ("in_list", _, 2) => (size(1).scaled(1.0).plus(sum), None),
            ("matches_string", Some(text), 1) => (text.plus(one).scaled(TRAVERSAL).times(size(0).scaled(REGEX)).plus(sum), None),
            ("matches", None, 2) => (size(0).plus(one).scaled(TRAVERSAL).times(size(1).scaled(REGEX)).plus(sum), None),
            ("contains_string", Some(text), 1) => (text.scaled(TRAVERSAL).times(size(0).scaled(TRAVERSAL)).plus(sum), None),
            ("logical_or" | "logical_and", ..) => (Estimate { least: costs[0].least, most: sum.most }, None),
            ("conditional", ..) => {
                let entries = match (self.entries_of(args[1].of), self.entries_of(args[2].of)) {
                    (Some(a), Some(b)) => Some(united(a, b)),
                    _ => None,
                };
                self.entries.extend(entries.map(|entries| (of.id, entries)));
                (costs[0].plus(costs[1].union(costs[2])), Some(size(1).union(size(2))))
            }
            ("add_string" | "add_bytes" | "add_list", _, 2) => {
                let result = size(0).plus(size(1));
                if let (Some(a), Some(b)) = (self.entries_of(args[0].of), self.entries_of(args[1].of)) {
                    self.entries.insert(of.id, united(a, b));
                }
                let cost = if overload == "add_list" { one } else { result.scaled(TRAVERSAL) };
                (cost.plus(sum), Some(result))
            }
            _ if compares(overload) => {
                let most = size(0).most.min(size(1).most);
                (Estimate { least: most.min(1), most }.scaled(TRAVERSAL).plus(sum), None)
            }
            _ => (one.plus(sum), None),
        }
    }

    /// The size of an argument as the API server sees it.
    fn sized(&self, of: &Argument<'_>) -> Estimate {
        of.size.or_else(|| self.declared(&of.path)).unwrap_or(Estimate::UNKNOWN)
    }

    /// cel-go's functions of lists and sets.
    fn estimated_list(&self, overload: &str, target: Option<&Argument<'_>>, args: &[Argument<'_>]) -> Option<(Estimate, Option<Estimate>)> {
        let number = |of: Option<&Argument<'_>>, otherwise: u64| match of.map(|of| &of.of.kind) {
            Some(Kind::Literal(Value::Int(number))) => u64::try_from(*number).unwrap_or(0),
            _ => otherwise,
        };
        let target_size = || target.map_or(Estimate::UNKNOWN, |target| self.sized(target));
        let allocating = |factor: f64, size: Estimate| Some((size.scaled(factor).plus(Estimate::exactly(1 + LIST)), Some(size)));
        match overload {
            "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list" => {
                let factor = if overload == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
                let product = self.sized(args.first()?).times(self.sized(args.get(1)?));
                Some((product.scaled(factor).plus(Estimate::exactly(1)), None))
            }
            "list_slice" => {
                let start = number(args.first(), 0);
                let end = number(args.get(1), target_size().most);
                allocating(1.0, Estimate::exactly(end.wrapping_sub(start)))
            }
            "lists_range" => allocating(1.0, Estimate::exactly(number(args.first(), u64::MAX))),
            "list_reverse" => allocating(1.0, target_size()),
            "list_flatten" => allocating(1.0, target_size()),
            "list_flatten_int" => allocating(number(args.first(), u64::MAX) as f64, target_size()),
            "list_distinct" => allocating(2.0, target_size().times(target_size())),
            other if other.ends_with("_sort") || other.ends_with("_sortByAssociatedKeys") => {
                let size = if other.ends_with("_sort") { target_size() } else { self.sized(args.first()?) };
                let is_text = other.starts_with("list_string_") || other.starts_with("list_bytes_");
                allocating(if is_text { 2.0 + TRAVERSAL } else { 2.0 }, size.times(size))
            }
            _ => None,
        }
    }

    /// What the API server says of its functions.
    fn estimated(
        &self,
        function: &str,
        overload: &str,
        target: Option<&Argument<'_>>,
        args: &[Argument<'_>],
    ) -> Option<(Estimate, Option<Estimate>)> {
        let one = Estimate::exactly(1);
        let arg = |at: usize| args.get(at).map(|arg| self.sized(arg));
        let receiver = target.map(|target| self.sized(target));
        Some(match function {
            "check" => (Estimate::exactly(350_000), None),
            "serviceAccount" | "path" | "group" | "resource" | "subresource" | "namespace" | "name" | "allowed" | "reason" | "error"
            | "errored" => (one, None),
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => {
                let (target, size) = (target?, receiver?);
                let item = match &target.ty {
                    Type::List(item) => Some((**item).clone()),
                    Type::Map(of) => Some(of.0.clone()),
                    _ => None,
                };
                match item {
                    Some(item) => {
                        let mut each = one;
                        if matches!(item, Type::String | Type::Bytes) {
                            let path: Path = if target.path.is_empty() {
                                Vec::new()
                            } else {
                                target.path.iter().cloned().chain(["@items".to_owned()]).collect()
                            };
                            each = each.plus(self.declared(&path).unwrap_or(Estimate::UNKNOWN).scaled(TRAVERSAL));
                        }
                        (size.times(each), None)
                    }
                    None if function == "includes" => (size.times(one), None),
                    None => (size.scaled(TRAVERSAL), None),
                }
            }
            "url" => {
                let size = arg(0)?;
                (size.scaled(TRAVERSAL), Some(size))
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = receiver?;
                (size.scaled(TRAVERSAL), Some(size))
            }
            "replace" => {
                let size = receiver?;
                (size.scaled(2.0 * TRAVERSAL), Some(replaced(size, arg(0)?, arg(1)?)))
            }
            "split" => {
                let size = receiver?;
                let limit = args.get(1).and_then(|arg| match &arg.of.kind {
                    Kind::Literal(Value::Int(number)) => Some(*number as u64),
                    _ => None,
                });
                (size.scaled(2.0 * TRAVERSAL), Some(Estimate { least: 0, most: limit.unwrap_or(size.most) }))
            }
            "join" => {
                let (target, count) = (target?, receiver?);
                let mut size = Estimate::exactly(0);
                if matches!(target.ty, Type::List(_) | Type::Map(_)) {
                    let path: Path = if target.path.is_empty() {
                        Vec::new()
                    } else {
                        target.path.iter().cloned().chain(["@items".to_owned()]).collect()
                    };
                    size = count.times(self.declared(&path).unwrap_or(Estimate::UNKNOWN));
                }
                if let Some(separator) = arg(0) {
                    let gaps = Estimate { least: count.least.saturating_sub(1), most: count.most.saturating_sub(1) };
                    size = size.plus(separator.times(gaps));
                }
                (size.scaled(TRAVERSAL), Some(size))
            }
            "find" | "findAll" => {
                let size = receiver?;
                let cost = size.plus(one).scaled(TRAVERSAL).times(arg(0)?.scaled(REGEX));
                (cost, Some(Estimate { least: 0, most: size.most }))
            }
            "ip" if overload == "cidr_ip" => (one, None),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => (arg(0)?.scaled(TRAVERSAL), None),
            "ip.isCanonical" => (arg(0)?.scaled(2.0 * TRAVERSAL), None),
            "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast" => (one, None),
            "containsIP" | "containsCIDR" => {
                let bytes = Estimate { least: 4, most: 16 };
                let mut cost = bytes.plus(bytes).scaled(TRAVERSAL);
                if function == "containsCIDR" {
                    cost = cost.plus(bytes.scaled(TRAVERSAL)).plus(one);
                }
                if overload.ends_with("_string") {
                    cost = cost.plus(arg(0)?.scaled(TRAVERSAL));
                }
                (cost, None)
            }
            "validate" => (arg(0)?.scaled(TRAVERSAL).scaled(MOST_FORMAT_REGEX * REGEX), None),
            "format.named" | "sign" | "asInteger" | "isInteger" | "asApproximateFloat" | "isGreaterThan" | "isLessThan" | "compareTo"
            | "add" | "sub" | "major" | "minor" | "patch" | "getScheme" | "getHostname" | "getHost" | "getPort" | "getEscapedPath"
            | "getQuery" => (one, None),
            op::EQUAL => {
                let (a, b) = (args.first()?, args.get(1)?);
                if a.ty != b.ty {
                    return None;
                }
                match &a.ty {
                    Type::Opaque("net.IP" | "net.CIDR", _) => (one, None),
                    Type::Library("kubernetes.NamedFormat") => (Estimate { least: 1, most: 64 }.scaled(TRAVERSAL), None),
                    Type::Library("kubernetes.URL") => {
                        let most = b.size.map_or(1, |size| size.most);
                        (Estimate { least: 1, most }.scaled(TRAVERSAL), None)
                    }
                    Type::Library(_) => (one, None),
                    _ => return None,
                }
            }
            _ => return None,
        })
    }
}

/// The length that the regular expressions of named formats are taken for.
const MOST_FORMAT_REGEX: f64 = 128.0;

fn united(a: Entries, b: Entries) -> Entries {
    Entries { is_list: a.is_list, key: a.key.union(b.key), value: a.value.union(b.value) }
}

/// How long a text is in which parts are replaced.
fn replaced(size: Estimate, old: Estimate, new: Estimate) -> Estimate {
    let (mut count, mut kept) = (Estimate::exactly(0), Estimate::exactly(0));
    let divided = |number: u64, by: u64| (number as f64 / by as f64).ceil() as u64;
    if old.least == 0 {
        count.most = size.most.saturating_add(1);
        kept.most = size.most;
    } else if new.most <= old.least {
        kept.most = size.most;
    } else {
        count.most = divided(size.most, old.least);
    }
    if old.most == 0 {
        count.least = size.least.saturating_add(1);
        kept.least = size.least;
    } else if old.most <= new.least {
        kept.least = size.least;
    } else {
        count.least = divided(size.least, old.most);
    }
    count.times(new).plus(kept)
}

/// Whether an overload compares two values, which takes as long as the shorter of them.
fn compares(overload: &str) -> bool {
    matches!(
        overload,
        "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals"
    )
}
