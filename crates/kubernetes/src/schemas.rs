//! The types of Kubernetes' own kinds, release by release, and when API versions were deprecated and removed.
//!
//! The facts are three texts in `data/`, written by `generate_schemas.py` from what Kubernetes publishes:
//!
//! - `served.txt`: `Deployment apps/v1 apps.v1.Deployment N 30-37`, a kind with its type, whether its objects live in namespaces (`N`) or outside (`C`),
//!   and the releases 1.30 to 1.37 that serve it.
//! - `schemas.txt`: a type and its fields. `replicas:i` has a shape; `!` after it says that the field is required, `=A,B` lists the only values (`~A,B` where the empty text is wrong too),
//!   `{a,b}` the keys by which the items of a list are told apart (none for a set), and `@34-37` the releases that this is so in.
//! - `lifecycle.txt`: API version, kind, the releases in which it was deprecated and removed, and what replaces it.
//!
//! Shapes are `s` string, `i` and `l` integers of 32 and 64 bits, `b` boolean, `d` number, `q` quantity, `o` integer or string, `t` and `u` times, `y`
//! bytes in base64, `a` anything, `>T` an object of type `T`, `|T` that or a boolean, `*` a list and `%` a map of what follows.

use std::sync::{LazyLock, OnceLock};

const SCHEMAS: &str = include_str!("data/schemas.txt");
const SERVED: &str = include_str!("data/served.txt");
const LIFECYCLE: &str = include_str!("data/lifecycle.txt");

/// The oldest minor release whose types are known.
pub const FIRST: u32 = 30;
/// The newest.
pub const LAST: u32 = 37;

/// How the value of a field is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    Text,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A boolean.
    Bool,
    /// Any number.
    Number,
    /// A quantity: `500m`, `1Gi`, `2`.
    Quantity,
    /// An integer of 32 bits, or a string.
    IntOrString,
    /// A time of RFC 3339.
    Time,
    /// The same with microseconds.
    MicroTime,
    /// Bytes in base64.
    Bytes,
    /// Anything at all.
    Any,
    /// An object.
    Object(Type),
    /// A boolean or an object.
    BoolOr(Type),
    /// A list, with the keys by which its items are told apart, none for a set; `None` for a list whose items may be equal.
    List(Box<Shape>, Option<Vec<&'static str>>),
    /// A map by strings.
    Map(Box<Shape>),
}

/// A field of a type, in some releases.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// How its value is written.
    pub shape: Shape,
    /// Whether it has to be there.
    pub required: bool,
    /// The values that it can have; any where there are none.
    pub values: Vec<&'static str>,
    /// Whether the empty text is the same as none at all, and so none of the values that are wrong.
    pub may_be_empty: bool,
    releases: (u32, u32),
}

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type(usize);

#[derive(Debug)]
struct Line {
    name: &'static str,
    text: &'static str,
    fields: OnceLock<Vec<Field>>,
}

/// Fields are read when a type is asked for the first time.
static TYPES: LazyLock<Vec<Line>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (name, text) = line.split_once(' ').unwrap_or((line, ""));
        Line { name, text, fields: OnceLock::new() }
    };
    SCHEMAS.lines().map(line).collect()
});

impl Type {
    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        TYPES.binary_search_by(|line| line.name.cmp(name)).ok().map(Self)
    }

    /// Its name: `core.v1.Container`.
    pub fn name(self) -> &'static str {
        TYPES.get(self.0).map_or("", |line| line.name)
    }

    /// Its fields in all releases, sorted by name.
    fn all(self) -> &'static [Field] {
        let fields = |line: &'static Line| line.fields.get_or_init(|| line.text.split(' ').filter_map(field).collect()).as_slice();
        TYPES.get(self.0).map(fields).unwrap_or_default()
    }

    /// Its fields in a release, sorted by name.
    pub fn fields(self, minor: u32) -> impl Iterator<Item = &'static Field> {
        self.all().iter().filter(move |field| field.is_in(minor))
    }

    /// A field of this name in a release.
    pub fn field(self, minor: u32, name: &str) -> Option<&'static Field> {
        self.spans(name).iter().find(|field| field.is_in(minor))
    }

    /// The first release that has a field of this name, where a later one than `minor` does.
    pub fn later(self, minor: u32, name: &str) -> Option<u32> {
        self.spans(name).iter().map(|field| field.releases.0).find(|first| *first > minor)
    }

    fn spans(self, name: &str) -> &'static [Field] {
        let all = self.all();
        let from = all.partition_point(|field| field.name < name);
        let to = from + all.iter().skip(from).take_while(|field| field.name == name).count();
        all.get(from..to).unwrap_or_default()
    }
}

impl Field {
    fn is_in(&self, minor: u32) -> bool {
        (self.releases.0..=self.releases.1).contains(&minor)
    }
}

/// Reads `name:shape{keys}=values!@first-last`.
fn field(text: &'static str) -> Option<Field> {
    let (name, rest) = text.split_once(':')?;
    let (rest, releases) = match rest.rsplit_once('@') {
        Some((rest, span)) => (rest, releases(span)?),
        None => (rest, (FIRST, LAST)),
    };
    let required = rest.ends_with('!');
    let rest = rest.strip_suffix('!').unwrap_or(rest);
    let may_be_empty = !rest.contains('~');
    let (rest, values) = match rest.split_once(['=', '~']) {
        Some((rest, values)) => (rest, values.split(',').collect()),
        None => (rest, Vec::new()),
    };
    Some(Field { name, shape: shape(rest)?, required, values, may_be_empty, releases })
}

fn releases(span: &str) -> Option<(u32, u32)> {
    let (first, last) = span.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn shape(text: &'static str) -> Option<Shape> {
    let (first, rest) = text.split_at_checked(1)?;
    Some(match first {
        "s" => Shape::Text,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "b" => Shape::Bool,
        "d" => Shape::Number,
        "q" => Shape::Quantity,
        "o" => Shape::IntOrString,
        "t" => Shape::Time,
        "u" => Shape::MicroTime,
        "y" => Shape::Bytes,
        "a" => Shape::Any,
        ">" => Shape::Object(Type::named(rest)?),
        "|" => Shape::BoolOr(Type::named(rest)?),
        "%" => Shape::Map(Box::new(shape(rest)?)),
        "*" => {
            let (item, keys) = match rest.strip_suffix('}').and_then(|rest| rest.split_once('{')) {
                Some((item, keys)) => (item, Some(keys.split(',').filter(|key| !key.is_empty()).collect())),
                None => (rest, None),
            };
            Shape::List(Box::new(shape(item)?), keys)
        }
        _ => return None,
    })
}

/// A kind as a release serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// `apps/v1`
    pub api_version: &'static str,
    /// Its type.
    pub root: Type,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// The API versions in which a release serves kinds of this name, of whatever group.
pub fn served(kind: &str, minor: u32) -> impl Iterator<Item = Served> {
    static LINES: LazyLock<Vec<&'static str>> = LazyLock::new(|| SERVED.lines().collect());
    let from = LINES.partition_point(|line| line.split(' ').next().unwrap_or_default() < kind);
    let of_kind = LINES.iter().skip(from).map_while(move |line| line.strip_prefix(kind)?.strip_prefix(' '));
    of_kind.filter_map(move |rest| {
        let mut words = rest.split(' ');
        let (api_version, root, scope, span) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (first, last) = releases(span)?;
        (first..=last).contains(&minor).then_some(Served { api_version, root: Type::named(root)?, namespaced: scope == "N" })
    })
}

/// What became, or becomes, of an API version of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifecycle {
    /// The minor release that deprecated it.
    pub deprecated: u32,
    /// The first minor release that does not serve it; `None` where that is not decided.
    pub removed: Option<u32>,
    /// API version and kind that replace it.
    pub replacement: Option<(&'static str, &'static str)>,
}

/// When an API version of a kind was deprecated; `None` where it was not.
pub fn lifecycle(api_version: &str, kind: &str) -> Option<Lifecycle> {
    LIFECYCLE.lines().find_map(|line| {
        let rest = line.strip_prefix(api_version)?.strip_prefix(' ')?.strip_prefix(kind)?.strip_prefix(' ')?;
        let mut words = rest.split(' ');
        let deprecated = words.next()?.parse().ok()?;
        let removed = words.next().and_then(|minor| minor.parse().ok());
        Some(Lifecycle { deprecated, removed, replacement: words.next().zip(words.next()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_wholly() {
        assert!(TYPES.is_sorted_by_key(|line| line.name) && TYPES.len() > 800);
        for (number, line) in TYPES.iter().enumerate() {
            let written = line.text.split(' ').filter(|text| !text.is_empty()).count();
            let fields = Type(number).all();
            assert_eq!(fields.len(), written, "{}", line.name);
            assert!(fields.is_sorted_by_key(|field| (field.name, field.releases)), "{}", line.name);
        }
        for line in SERVED.lines() {
            let kind = line.split(' ').next().unwrap_or_default();
            let (first, last) = releases(line.rsplit(' ').next().unwrap_or_default()).expect("releases");
            assert!(first >= FIRST && last <= LAST && served(kind, first).count() >= 1, "{line}");
        }
        for line in LIFECYCLE.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let found = lifecycle(words[0], words[1]).expect("read");
            assert!(found.removed.is_none_or(|removed| removed > found.deprecated), "{line}");
            assert!(words.len() <= 4 || found.replacement.is_some(), "{line}");
        }
    }

    #[test]
    fn fields_differ_between_releases() {
        let container = Type::named("core.v1.Container").expect("listed");
        assert_eq!(container.field(33, "restartPolicy").expect("there").values, ["Always"]);
        assert_eq!(container.field(34, "restartPolicy").expect("there").values.len(), 3);
        assert_eq!(container.field(33, "restartPolicyRules").map(|field| field.name), None);
        assert_eq!(container.later(33, "restartPolicyRules"), Some(34));
        let ports = container.field(30, "ports").expect("there");
        assert!(matches!(&ports.shape, Shape::List(_, Some(keys)) if keys == &["containerPort", "protocol"]));
        assert!(container.field(30, "name").expect("there").required);
        assert!(container.fields(30).all(|field| !field.name.is_empty()));
    }

    #[test]
    fn kinds_are_served_as_kubernetes_does() {
        let versions = |kind: &str, minor: u32| served(kind, minor).map(|one| one.api_version).collect::<Vec<_>>();
        assert_eq!(versions("Deployment", 30), ["apps/v1"]);
        assert_eq!(versions("Event", 30), ["events.k8s.io/v1", "v1"]);
        assert_eq!(versions("FlowSchema", 31), ["flowcontrol.apiserver.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1beta3"]);
        assert_eq!(versions("FlowSchema", 32), ["flowcontrol.apiserver.k8s.io/v1"]);
        assert!(versions("Deploy", 30).is_empty());
        assert!(served("Namespace", 30).all(|one| !one.namespaced));
    }

    #[test]
    fn lifecycles_name_the_replacement() {
        let found = lifecycle("policy/v1beta1", "PodDisruptionBudget").expect("deprecated");
        assert_eq!(found, Lifecycle { deprecated: 21, removed: Some(25), replacement: Some(("policy/v1", "PodDisruptionBudget")) });
        assert_eq!(lifecycle("apps/v1", "Deployment"), None);
        assert_eq!(lifecycle("v1", "Endpoints").map(|found| (found.deprecated, found.removed)), Some((33, None)));
    }
}
