//! Strategic merge patches.
//!
//! Follows `kyaml/yaml/merge2` and `kyaml/yaml/walk` of kustomize 5.8.1, which merge in place: where a patch has an object `replace`
//! an item of a list, say, the old item wins in the end, because it is what the list still holds. Trees here are owned, so each of
//! those cases is spelled out.

use std::collections::BTreeSet;

use ecow::EcoString;

use super::super::errors::{KResult, fail};
use super::super::openapi::{Schema, Table};
use super::super::shared;
use super::super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node, Style, Tag};

/// Merges a patch into an object; `false` means that the patch deletes it.
pub(crate) fn merge(object: &mut Node, patch: Node, table: &Table) -> KResult<bool> {
    let before = object.clone();
    let dest = std::mem::replace(object, null());
    match (Walker { table }).walk(Pair::Both(dest, patch), None, 0)? {
        Walked { node: Some(node), from: From::Dest, .. } => {
            *object = node;
            shared::write_back(object);
        }
        // kustomize goes on with the object it has, even where the patch says to replace it.
        Walked { node: Some(_), .. } => *object = before,
        Walked { node: None, .. } => return Ok(false),
    }
    Ok(true)
}

const DIRECTIVE: &str = "$patch";
const MAX_DEPTH: usize = 1_000;

fn null() -> Node {
    Node::scalar(Tag::Null, "null")
}

/// What is merged: an old value, a patch's, both, or a patch's that has become the value already.
enum Pair {
    Dest(Node),
    Origin(Node),
    Both(Node, Node),
    Same(Node),
}

/// Where the result of a merge is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Dest,
    Origin,
}

/// The result of a merge; without a node the value is deleted.
struct Walked {
    node: Option<Node>,
    from: From,
    /// A `null` that stays.
    keep_null: bool,
    /// The old item of a list that a patch replaced.
    old: Option<Node>,
}

impl Walked {
    fn of(node: Node, from: From) -> Self {
        Self { node: Some(node), from, keep_null: false, old: None }
    }

    fn deleted() -> Self {
        Self { node: None, from: From::Dest, keep_null: false, old: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

struct Walker<'t> {
    table: &'t Table,
}

impl<'t> Walker<'t> {
    fn walk(&self, pair: Pair, schema: Option<Schema<'t>>, depth: usize) -> KResult<Walked> {
        if depth > MAX_DEPTH {
            return fail("exceeded max depth");
        }
        let schema = schema.or_else(|| self.schema_of(&pair));
        let (dest, origin) = match &pair {
            Pair::Dest(dest) => (Some(dest), None),
            Pair::Origin(origin) => (None, Some(origin)),
            Pair::Both(dest, origin) => (Some(dest), Some(origin)),
            Pair::Same(node) => (Some(node), Some(node)),
        };
        let present = |node: &&Node| !tree::is_null(node);
        let Some(first) = dest.filter(present).or(origin.filter(present)) else { return Ok(merge_nulls(pair)) };
        let wanted = tree::kind(first);
        for node in [dest, origin].into_iter().flatten() {
            tree::expect(node, wanted)?;
        }
        match wanted {
            NodeKind::Scalar => Ok(replace(pair)),
            NodeKind::Mapping => self.mapping(pair, schema, depth),
            NodeKind::Sequence if schema.is_some_and(|schema| schema.merges()) => self.list(pair, schema, depth),
            NodeKind::Sequence => Ok(replace(pair)),
        }
    }

    /// Objects inside of objects of unknown types may be of known ones.
    fn schema_of(&self, pair: &Pair) -> Option<Schema<'t>> {
        let of = |node: &Node| {
            let (version, kind) = (tree::text(node.get("apiVersion")?), tree::text(node.get("kind")?));
            if version.is_empty() || kind.is_empty() { None } else { self.table.of_kind(version, kind) }
        };
        match pair {
            Pair::Dest(node) | Pair::Origin(node) | Pair::Same(node) => of(node),
            Pair::Both(dest, origin) => of(dest).or_else(|| of(origin)),
        }
    }

    fn mapping(&self, pair: Pair, schema: Option<Schema<'t>>, depth: usize) -> KResult<Walked> {
        match pair {
            Pair::Both(dest, origin) if tree::is_null(&dest) => self.mapping(Pair::Origin(origin), schema, depth),
            Pair::Origin(mut origin) => match directive_of_mapping(&mut origin) {
                Ok(Directive::Delete) => Ok(Walked::deleted()),
                _ => Ok(Walked::of(self.same_fields(origin, schema, depth)?, From::Origin)),
            },
            Pair::Both(_, origin) if tree::is_null(&origin) => Ok(Walked::deleted()),
            Pair::Both(dest, mut origin) => match directive_of_mapping(&mut origin)? {
                Directive::Delete => Ok(Walked::deleted()),
                Directive::Replace => {
                    let mut walked = Walked::of(self.same_fields(origin, schema, depth)?, From::Origin);
                    walked.old = Some(dest);
                    Ok(walked)
                }
                Directive::Merge => Ok(Walked::of(self.fields(dest, Some(origin), schema, depth)?, From::Dest)),
            },
            Pair::Same(mut node) => match directive_of_mapping(&mut node)? {
                Directive::Delete => Ok(Walked::deleted()),
                _ => Ok(Walked::of(self.same_fields(node, schema, depth)?, From::Dest)),
            },
            Pair::Dest(dest) => Ok(Walked::of(self.fields(dest, None, schema, depth)?, From::Dest)),
        }
    }

    fn fields(&self, mut dest: Node, mut origin: Option<Node>, schema: Option<Schema<'t>>, depth: usize) -> KResult<Node> {
        let names: BTreeSet<EcoString> = names(&dest).chain(origin.iter().flat_map(names)).collect();
        for name in names {
            let old = dest.get_mut(&name).map(|value| std::mem::replace(value, null()));
            let new = origin.as_mut().and_then(|origin| origin.get_mut(&name)).map(|value| std::mem::replace(value, null()));
            let style = old.as_ref().map(|old| old.style);
            let group = old.as_ref().and_then(shared::group);
            let pair = match (old, new) {
                (Some(old), Some(new)) => Pair::Both(old, new),
                (Some(old), None) => Pair::Dest(old),
                (None, Some(new)) => Pair::Origin(new),
                (None, None) => continue,
            };
            let walked = self.walk(pair, schema.and_then(|schema| schema.field(&name)), depth + 1)?;
            let is_new = walked.from == From::Origin;
            set(&mut dest, &name, walked, style)?;
            if let (true, Some(group), Some(field)) = (is_new, group, dest.get_mut(&name)) {
                shared::join(field, group);
                shared::wrote(field);
            }
        }
        Ok(dest)
    }

    fn same_fields(&self, mut node: Node, schema: Option<Schema<'t>>, depth: usize) -> KResult<Node> {
        let names: BTreeSet<EcoString> = names(&node).collect();
        for name in names {
            let Some(value) = node.get_mut(&name).map(|value| std::mem::replace(value, null())) else { continue };
            let style = Some(value.style);
            let walked = self.walk(Pair::Same(value), schema.and_then(|schema| schema.field(&name)), depth + 1)?;
            set(&mut node, &name, walked, style)?;
        }
        Ok(node)
    }

    fn list(&self, pair: Pair, schema: Option<Schema<'t>>, depth: usize) -> KResult<Walked> {
        let (dest, origin, from) = match pair {
            Pair::Both(dest, origin) if tree::is_null(&dest) => (origin, Other::Same, From::Origin),
            Pair::Origin(origin) => (origin, Other::Same, From::Origin),
            Pair::Both(_, origin) if tree::is_null(&origin) => return Ok(Walked::deleted()),
            Pair::Both(dest, mut origin) => match directive_of_list(&mut origin)? {
                Directive::Delete => return Ok(Walked::deleted()),
                Directive::Replace => (origin, Other::Same, From::Origin),
                Directive::Merge => (dest, Other::List(origin), From::Dest),
            },
            Pair::Same(mut node) => match directive_of_list(&mut node)? {
                Directive::Delete => return Ok(Walked::deleted()),
                _ => (node, Other::Same, From::Dest),
            },
            Pair::Dest(dest) => (dest, Other::Nothing, From::Dest),
        };
        let keys = schema.map_or(&[] as &[EcoString], |schema| schema.keys());
        let node = self.items(dest, origin, keys, schema.and_then(|schema| schema.items()), depth)?;
        Ok(Walked::of(node, from))
    }

    fn items(&self, mut dest: Node, mut origin: Other, keys: &[EcoString], schema: Option<Schema<'t>>, depth: usize) -> KResult<Node> {
        let one = [EcoString::new()];
        let keys = if keys.is_empty() { &one[..] } else { keys };
        let mut values = Vec::new();
        if let Other::List(origin) = &origin {
            collect_values(origin, keys, &mut values);
        }
        collect_values(&dest, keys, &mut values);
        if values.is_empty() {
            return Ok(dest);
        }
        if keys.len() > 1 {
            merge_values(&mut values);
        }
        let mut added = Vec::new();
        let mut valid: (Vec<EcoString>, Vec<EcoString>) = Default::default();
        for own in &values {
            valid = valid_keys(&values, own, keys);
            let Some(pair) = take_pair(&mut dest, &mut origin, &valid.0, &valid.1) else {
                remove(&mut dest, &valid.0, &valid.1)?;
                continue;
            };
            let (pair, at) = pair;
            let walked = self.walk(pair, schema, depth + 1)?;
            let (Some(mut item), false) = (walked.node, false) else {
                put_back(&mut dest, at, walked.old);
                remove(&mut dest, &valid.0, &valid.1)?;
                continue;
            };
            if tree::is_empty_map(&item) {
                put_back(&mut dest, at, walked.old);
                remove(&mut dest, &valid.0, &valid.1)?;
                continue;
            }
            complete(&mut item, &valid.0, &valid.1)?;
            put_back(&mut dest, at, Some(walked.old.unwrap_or_else(|| item.clone())));
            set_element(&mut added, Some(item), &valid.0, &valid.1)?;
        }
        append_items(&mut added, &dest, &valid.0)?;
        if let Data::Sequence(items) = &mut dest.data {
            *items = added;
        }
        Ok(dest)
    }
}

/// The other list of a merge.
enum Other {
    Nothing,
    Same,
    List(Node),
}

fn names(node: &Node) -> impl Iterator<Item = EcoString> + '_ {
    node.entries().unwrap_or_default().iter().map(|(key, _)| tree::raw_text(key).into())
}

/// Two values of which none is more than `null`: an old `null` that is written out stays, one that is merely nothing goes.
fn merge_nulls(pair: Pair) -> Walked {
    match pair {
        Pair::Dest(dest) if !tree::raw_text(&dest).is_empty() => Walked { keep_null: true, ..Walked::of(dest, From::Dest) },
        Pair::Dest(_) => Walked::deleted(),
        Pair::Origin(origin) | Pair::Both(_, origin) | Pair::Same(origin) => Walked::of(origin, From::Origin),
    }
}

/// The patch's value, if there is one.
fn replace(pair: Pair) -> Walked {
    match pair {
        Pair::Dest(node) | Pair::Same(node) => Walked::of(node, From::Dest),
        Pair::Both(dest, origin) => Walked { old: Some(dest), ..Walked::of(origin, From::Origin) },
        Pair::Origin(node) => Walked::of(node, From::Origin),
    }
}

/// Puts a merged value into its field: it takes over the old one's style.
fn set(dest: &mut Node, name: &str, walked: Walked, style: Option<Style>) -> KResult<()> {
    match walked.node {
        Some(node) if walked.keep_null => {
            if let Some(field) = dest.get_mut(name) {
                *field = node;
            }
            Ok(())
        }
        Some(mut node) if !tree::is_null(&node) => {
            let mut style = style;
            // What stays is set into its own field, which is the same node there: quotes that it needs are its style from now on.
            if walked.from == From::Dest {
                tree::protect(&mut node);
                style = style.map(|_| node.style);
            }
            if let (Some(style), Some(field)) = (style, dest.get_mut(name)) {
                field.style = style;
            }
            tree::set_field(dest, name, node)
        }
        _ => tree::clear(dest, name).map(drop),
    }
}

fn directive_of_mapping(patch: &mut Node) -> KResult<Directive> {
    let Data::Mapping(_) = &patch.data else { return fail("no implemented strategic merge patch strategy") };
    let Some(value) = patch.get(DIRECTIVE) else { return Ok(Directive::Merge) };
    let directive = parse_directive(tree::raw_text(value))?;
    tree::clear(patch, DIRECTIVE)?;
    Ok(directive)
}

fn directive_of_list(patch: &mut Node) -> KResult<Directive> {
    let found = patch.items().unwrap_or_default().iter().find(|item| item.get(DIRECTIVE).is_some());
    let Some(item) = found.filter(|item| item.entries().is_some_and(|entries| entries.len() == 1)) else { return Ok(Directive::Merge) };
    let text: EcoString = item.get(DIRECTIVE).map_or("", tree::raw_text).into();
    let directive = parse_directive(&text)?;
    remove(patch, &[DIRECTIVE.into()], &[text])?;
    Ok(directive)
}

fn parse_directive(text: &str) -> KResult<Directive> {
    match text {
        "delete" => Ok(Directive::Delete),
        "replace" => Ok(Directive::Replace),
        "merge" => Ok(Directive::Merge),
        other => fail(format!("unknown patch strategy '{other}'")),
    }
}

/// Adds the values that tell the items of a list apart, each combination once.
fn collect_values(list: &Node, keys: &[EcoString], values: &mut Vec<Vec<EcoString>>) {
    let primitive = matches!(keys, [key] if key.is_empty());
    for item in list.items().unwrap_or_default() {
        let value = |key: &EcoString| -> EcoString {
            if primitive {
                return tree::raw_text(item).into();
            }
            item.get(key).filter(|value| !tree::is_nil_or_empty(value)).map_or("", tree::raw_text).into()
        };
        let own: Vec<EcoString> = keys.iter().map(value).collect();
        if !values.contains(&own) {
            values.push(own);
        }
    }
}

/// Combinations that agree where both say something become one.
fn merge_values(values: &mut [Vec<EcoString>]) {
    for i in 0..values.len() {
        for j in 0..values.len() {
            let merged = match (values.get(i), values.get(j)) {
                (Some(a), Some(b)) => matching(a, b),
                _ => None,
            };
            if let Some(merged) = merged {
                if let Some(slot) = values.get_mut(i) {
                    slot.clone_from(&merged);
                }
                if let Some(slot) = values.get_mut(j) {
                    *slot = merged;
                }
            }
        }
    }
}

fn matching(a: &[EcoString], b: &[EcoString]) -> Option<Vec<EcoString>> {
    if a.len() != b.len() {
        return None;
    }
    let mut common = false;
    let mut merged = Vec::with_capacity(a.len());
    for (x, y) in a.iter().zip(b) {
        if x == y {
            common = true;
        } else if !x.is_empty() && !y.is_empty() {
            return None;
        }
        merged.push(if x.is_empty() { y.clone() } else { x.clone() });
    }
    common.then_some(merged)
}

/// The keys that any item has a value for, with the values of one item; all keys where no item has any.
fn valid_keys(all: &[Vec<EcoString>], own: &[EcoString], keys: &[EcoString]) -> (Vec<EcoString>, Vec<EcoString>) {
    let used = |at: usize| all.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty()));
    if !(0..keys.len()).any(used) {
        return (keys.to_vec(), own.to_vec());
    }
    let kept: Vec<usize> = (0..keys.len()).filter(|at| used(*at)).collect();
    let pick = |list: &[EcoString]| kept.iter().filter_map(|at| list.get(*at).cloned()).collect();
    (pick(keys), pick(own))
}

/// The first item with the given values of the given keys.
fn find(list: &Node, keys: &[EcoString], values: &[EcoString]) -> Option<usize> {
    let items = list.items()?;
    // Keys without a value here are not looked at, unless none has one.
    let (keys, values) = valid_keys(&[values.to_vec()], values, keys);
    if keys.first().is_none_or(|key| key.is_empty()) {
        return items.iter().position(|item| values.first().is_some_and(|value| tree::raw_text(item) == value));
    }
    let has = |item: &Node, key: &EcoString, value: &EcoString| item.get(key).is_some_and(|field| tree::raw_text(field) == value);
    items.iter().position(|item| keys.iter().zip(&values).all(|(key, value)| has(item, key, value)))
}

/// Takes the items of both lists that have the given values; `None` where there are none. Also says where the old one was.
fn take_pair(dest: &mut Node, origin: &mut Other, keys: &[EcoString], values: &[EcoString]) -> Option<(Pair, Option<usize>)> {
    let at = find(dest, keys, values);
    let old = at.and_then(|at| match &mut dest.data {
        Data::Sequence(items) => items.get_mut(at).cloned(),
        _ => None,
    });
    let new = match origin {
        Other::List(list) => find(list, keys, values).and_then(|at| list.items()?.get(at).cloned()),
        Other::Same | Other::Nothing => None,
    };
    let pair = match (old, new, origin) {
        (Some(node), _, Other::Same) => Pair::Same(node),
        (Some(old), Some(new), _) => Pair::Both(old, new),
        (Some(old), None, _) => Pair::Dest(old),
        (None, Some(new), _) => Pair::Origin(new),
        (None, None, _) => return None,
    };
    Some((pair, at))
}

fn put_back(dest: &mut Node, at: Option<usize>, item: Option<Node>) {
    if let (Data::Sequence(items), Some(at), Some(item)) = (&mut dest.data, at, item)
        && let Some(slot) = items.get_mut(at)
    {
        *slot = item;
    }
}

/// Gives an item the keys it was found by.
fn complete(item: &mut Node, keys: &[EcoString], values: &[EcoString]) -> KResult<()> {
    for (key, value) in keys.iter().zip(values) {
        if value.is_empty() || item.get(key).is_some() {
            continue;
        }
        if key.is_empty() {
            tree::set_scalar(item, value, tree::untagged())?;
        } else {
            tree::set_field(item, key, tree::bare(value.clone()))?;
        }
    }
    Ok(())
}

fn remove(list: &mut Node, keys: &[EcoString], values: &[EcoString]) -> KResult<()> {
    match &mut list.data {
        Data::Sequence(items) => set_element(items, None, keys, values),
        _ => Ok(()),
    }
}

/// Replaces the items with the given values, or adds one where there is none; without an element, removes them. Items that are
/// nothing go as well (`ElementSetter`).
fn set_element(items: &mut Vec<Node>, element: Option<Node>, keys: &[EcoString], values: &[EcoString]) -> KResult<()> {
    let by_field = keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|value| !value.is_empty());
    let mut kept = Vec::with_capacity(items.len() + 1);
    let mut found = false;
    for item in std::mem::take(items) {
        if tree::is_empty_map(&item) {
            continue;
        }
        if tree::kind(&item) != NodeKind::Mapping && by_field {
            kept.push(item);
            continue;
        }
        if matches_element(&item, keys, values)? {
            found = true;
            kept.extend(element.clone());
        } else if !values.is_empty() {
            kept.push(item);
        }
    }
    if let Some(element) = element.filter(|element| !found && !tree::is_null(element)) {
        kept.push(element);
    }
    *items = kept;
    Ok(())
}

fn matches_element(item: &Node, keys: &[EcoString], values: &[EcoString]) -> KResult<bool> {
    let mut last = false;
    for (at, key) in keys.iter().enumerate() {
        if let Some(value) = values.get(at) {
            last = if key.is_empty() {
                tree::expect(item, NodeKind::Scalar)?;
                tree::text(item) == value
            } else {
                tree::get(item, key)?.is_some_and(|field| value.is_empty() || tree::raw_text(field) == value)
            };
        }
        if !last {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds the items of a list, each in place of those with the same values. An item without a value for a key is added for each such
/// key, and, where it has none at all, instead of everything else: that is what kustomize makes of it.
fn append_items(added: &mut Vec<Node>, list: &Node, keys: &[EcoString]) -> KResult<()> {
    for item in list.items().unwrap_or_default() {
        if keys.first().is_none_or(|key| key.is_empty()) {
            set_element(added, Some(item.clone()), &[EcoString::new()], &[tree::raw_text(item).into()])?;
            continue;
        }
        let mut values = Vec::new();
        for key in keys {
            match tree::get(item, key)? {
                Some(value) => values.push(EcoString::from(tree::raw_text(value))),
                None => added.push(item.clone()),
            }
        }
        if keys.len() > 1 {
            set_element(added, None, keys, &values)?;
        }
        set_element(added, Some(item.clone()), keys, &values)?;
    }
    Ok(())
}
