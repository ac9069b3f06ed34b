//! Replacements: values of fields copied into fields of other objects.
//!
//! Follows `api/filters/replacement` and `kyaml/yaml/match.go` of kustomize 5.8.1.

use ecow::EcoString;

use super::super::anchors;
use super::super::compose;
use super::super::decode::{Conf, Mode, record};
use super::super::errors::{Fail, KResult, fail};
use super::super::ids::ResId;
use super::super::json::Json;
use super::super::kustomization::{FieldOptions, Replacement, SourceSelector, TargetSelector};
use super::super::loader::Loader;
use super::super::paths;
use super::super::regex::Regex;
use super::super::resmap::ResMap;
use super::super::resource::Resource;
use super::super::selector::SelectorRegex;
use super::super::shared;
use super::super::transformer::{Step, Transformer};
use super::super::tree::{self, NodeKind};
use super::super::write;
use hydrate_base::suggest::nearest;
use hydrate_yaml::emit::{Dialect, write_document};
use hydrate_yaml::node::{Data, Document, Node};

const DEFAULT_PATH: &str = "metadata.name";

record! {
    /// `ReplacementTransformer`
    Plugin {
        "replacements" replacements: Vec<Replacement>,
    }
}

/// `ReplacementTransformer`, and `replacements`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "ReplacementTransformer",
    of_file: |file| {
        let plugin: Plugin = file.read()?;
        let all = load(file.loader, &plugin.replacements)?;
        Ok(Box::new(move |map| apply(map, &all)))
    },
    of_fields: Some(|fields| {
        let entries = fields.kustomization.replacements.take().unwrap_or_default();
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let all = load(fields.loader, &entries).map_err(|error| fields.spot(error, "replacements", None))?;
        Ok(vec![Step::new("replacements", None, move |map| apply(map, &all))])
    }),
};

/// Replacements, those in files read.
fn load(loader: &Loader<'_>, entries: &[Replacement]) -> KResult<Vec<Replacement>> {
    let mut all = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            all.push(entry.clone());
            continue;
        }
        if entry.source.is_some() || entry.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            return fail("cannot specify both path and inline replacement");
        }
        let file = loader.load(&entry.path)?;
        let Some(node) = anchors::first_document(&file.text)? else {
            return fail("unsupported replacement type encountered within replacement path: invalid");
        };
        let conf = Conf::new(&node, &file, Mode::Loose);
        match tree::kind(&node) {
            NodeKind::Sequence => all.extend(conf.value::<Vec<Replacement>>()?),
            NodeKind::Mapping => all.push(conf.record()?),
            NodeKind::Scalar => return fail("unsupported replacement type encountered within replacement path: string"),
        }
    }
    Ok(all)
}

/// Carries out replacements in order.
fn apply(map: &mut ResMap, replacements: &[Replacement]) -> KResult<()> {
    for replacement in replacements {
        let has_source = replacement.source.is_some() || replacement.source_value.is_some();
        let (true, Some(targets)) = (has_source, &replacement.targets) else {
            return fail("replacements must specify a source and at least one target");
        };
        let mut value = value(map, replacement)?;
        for target in targets {
            apply_target(map, target, &mut value)?;
        }
    }
    map.drop_empties();
    Ok(())
}

/// What is put into targets.
struct Source {
    value: Node,
    /// The object and the path of the field that it is the node of: what a target changes there is what the next one gets.
    place: Option<(usize, Vec<String>)>,
}

impl Source {
    fn of(value: Node) -> Self {
        Self { value, place: None }
    }

    fn is_in(&self, object: usize) -> bool {
        self.place.as_ref().is_some_and(|(at, _)| *at == object)
    }

    /// Takes the value as it is now.
    fn refresh(&mut self, map: &ResMap) {
        if let Some((at, _)) = &self.place
            && let Some(object) = map.list().get(*at)
        {
            self.read(&object.node);
        }
    }

    /// Takes the value as its object has it now.
    fn read(&mut self, object: &Node) {
        if let Some((_, path)) = &self.place
            && let Ok(Some(node)) = tree::lookup(object, path)
        {
            self.value.clone_from(node);
        }
    }
}

fn value(map: &mut ResMap, replacement: &Replacement) -> KResult<Source> {
    match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => fail("value and resource selectors are mutually exclusive"),
        (None, Some(text)) => Ok(Source::of(tree::bare(text.clone()))),
        (None, None) => fail("replacements must specify a source and at least one target"),
        (Some(source), None) => source_value(map, source),
    }
}

fn source_value(map: &mut ResMap, source: &SourceSelector) -> KResult<Source> {
    let at = select_source(map, source)?;
    let Some(object) = map.list().get(at) else { return fail(format!("nothing selected by {}", selector_text(source))) };
    let path = if source.field_path.is_empty() { DEFAULT_PATH } else { source.field_path.as_str() };
    let parts = paths::split_smart(path, '.');
    let found = tree::lookup(&object.node, &parts);
    let found = found.map_err(|error| error.wrap("error looking up replacement source"))?;
    let Some(node) = found.filter(|node| !tree::is_nil_or_empty(node)) else {
        return fail(format!("fieldPath `{path}` is missing for replacement source {}", source_id(source)));
    };
    let value = refine(source.options.as_ref(), node)?;
    let is_copy = source.options.as_ref().is_some_and(|options| !options.delimiter.is_empty());
    Ok(Source { value, place: (!is_copy).then_some((at, parts)) })
}

fn source_id(source: &SourceSelector) -> ResId {
    ResId { gvk: source.gvk.gvk(), name: source.name.clone(), namespace: source.namespace.clone(), cluster_scoped: false }
}

/// Everybody an object is and was; what lives outside of namespaces is not told apart here.
fn ids(res: &Resource, map: &ResMap) -> KResult<Vec<ResId>> {
    let mut ids = vec![res.cur_id(map.schemas())];
    ids.extend(res.previous_ids(map.schemas())?);
    for id in &mut ids {
        id.cluster_scoped = false;
    }
    Ok(ids)
}

fn select_source(map: &mut ResMap, source: &SourceSelector) -> KResult<usize> {
    let selector = source_id(source);
    let candidates = if selector.name.is_empty() { (0..map.list().len()).collect() } else { map.named(&selector.name) };
    let mut found = None;
    for at in candidates {
        let Some(res) = map.list().get(at) else { continue };
        if ids(res, map)?.iter().any(|id| id.is_selected_by(&selector)) && found.replace(at).is_some() {
            return fail(format!("multiple matches for selector {}", selector_text(source)));
        }
    }
    found.ok_or_else(|| map.add_candidates(Fail::new(format!("nothing selected by {}", selector_text(source))), &selector))
}

fn selector_text(source: &SourceSelector) -> String {
    let mut text = source_id(source).to_string();
    if !source.field_path.is_empty() {
        text = format!("{text}:{}", source.field_path);
    }
    match &source.options {
        Some(options) if !options.delimiter.is_empty() || options.create => {
            format!("{text}:{}({}), create={}", options.delimiter, options.index, options.create)
        }
        _ => text,
    }
}

fn refine(options: Option<&FieldOptions>, node: &Node) -> KResult<Node> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else { return Ok(node.clone()) };
    let Data::Scalar(_) = &node.data else { return fail("delimiter option can only be used with scalar nodes") };
    let text = tree::text(node);
    let part = usize::try_from(options.index).ok().and_then(|at| text.split(options.delimiter.as_str()).nth(at));
    let Some(part) = part else { return fail(format!("options.index {} is out of bounds for value {text}", options.index)) };
    Ok(Node { data: Data::Scalar(part.into()), ..node.clone() })
}

/// A target with its expressions compiled.
struct Target<'t> {
    select: SelectorRegex,
    reject: Vec<SelectorRegex>,
    options: Option<&'t FieldOptions>,
}

fn apply_target(map: &mut ResMap, selector: &TargetSelector, source: &mut Source) -> KResult<()> {
    let Some(select) = &selector.select else { return fail("target must specify resources to select") };
    let create = |error: Fail| error.wrap("error creating target selector");
    let target = Target {
        select: SelectorRegex::new(select).map_err(create)?,
        reject: selector.reject.iter().map(SelectorRegex::new).collect::<KResult<_>>().map_err(create)?,
        options: selector.options.as_ref(),
    };
    let default = [EcoString::from(DEFAULT_PATH)];
    let paths = if selector.field_paths.is_empty() { &default[..] } else { &selector.field_paths };
    // A selector that cannot be read is an error at the first object, whatever its name.
    let is_sound = target.select.is_sound() && target.reject.iter().all(SelectorRegex::is_sound);
    let candidates = if is_sound { map.candidates(select) } else { (0..map.list().len()).collect() };
    for at in candidates {
        let Some(res) = map.list().get(at) else { break };
        if !target.selects(res, map)? {
            continue;
        }
        let id = res.cur_id(map.schemas());
        for path in paths {
            source.refresh(map);
            let Some(res) = map.one_mut(at) else { break };
            let done = if source.is_in(at) {
                target.copy_within(&mut res.node, path, source)
            } else {
                target.copy(&mut res.node, path, &source.value)
            };
            done.map_err(|error| error.note(format!("in {id}")))?;
        }
    }
    Ok(())
}

impl Target<'_> {
    fn selects(&self, res: &Resource, map: &ResMap) -> KResult<bool> {
        let ids = ids(res, map)?;
        if !(self.select.annotations_match(res)? && self.select.labels_match(res)?) {
            return Ok(false);
        }
        for reject in self.reject.iter().filter(|reject| reject.asks_for_labels) {
            if reject.annotations_match(res)? && reject.labels_match(res)? {
                return Ok(false);
            }
        }
        let is = |selector: &SelectorRegex, id: &ResId| {
            selector.gvk_matches(&id.gvk) && selector.name_matches(&id.name) && selector.namespace_matches(&id.namespace)
        };
        let rejected = self.reject.iter().any(|reject| !reject.names_nothing && ids.iter().any(|id| is(reject, id)));
        Ok(!rejected && ids.iter().any(|id| is(&self.select, id)))
    }

    fn copy(&self, object: &mut Node, path: &str, value: &Node) -> KResult<()> {
        let create = self.created(value);
        let parts = paths::split_smart(path, '.');
        if into_structured(object, &parts, value, create).is_ok() {
            return Ok(());
        }
        self.find(object, path, &parts, create)?;
        let done = visit(object, &parts, create, &mut |field| set(self.options, field, value)).map(drop);
        shared::write_back(object);
        done
    }

    /// The same where the value is from the object itself: fields that are made, and fields that are set before others, may be part
    /// of it.
    fn copy_within(&self, object: &mut Node, path: &str, source: &mut Source) -> KResult<()> {
        let create = self.created(&source.value);
        let parts = paths::split_smart(path, '.');
        if into_structured(object, &parts, &source.value, create).is_ok() {
            return Ok(());
        }
        let (made, found) = self.find(object, path, &parts, create)?;
        *object = made;
        for wanted in 0..found {
            source.read(object);
            let mut fields = 0..;
            let mut set = |field: &mut Node| if fields.next() == Some(wanted) { set(self.options, field, &source.value) } else { Ok(()) };
            visit(object, &parts, create, &mut set)?;
            shared::write_back(object);
        }
        Ok(())
    }

    /// The kind that missing fields are made of, if they may be made.
    fn created(&self, value: &Node) -> Option<NodeKind> {
        self.options.filter(|options| options.create).map(|_| tree::kind(value))
    }

    /// Makes the fields at a path in a copy of the object, and counts them: kustomize looks for all fields before it changes the first,
    /// so an error on the way changes nothing.
    fn find(&self, object: &Node, path: &str, parts: &[String], create: Option<NodeKind>) -> KResult<(Node, usize)> {
        let mut made = object.clone();
        let found = visit(&mut made, parts, create, &mut |_| Ok(())).map_err(|error| error.wrap(not_found(path, create.is_some())))?;
        if found > 0 {
            return Ok((made, found));
        }
        let near = near_fields(object, parts);
        let error = Fail::new(not_found(path, create.is_some()));
        Err(if near.is_empty() { error } else { error.help(format!("fields of similar names: {}", near.join(", "))) })
    }
}

fn not_found(path: &str, create: bool) -> String {
    let what = if create { "find or create" } else { "find" };
    format!("unable to {what} field {path:?} in replacement target")
}

/// Fields beside the first one of a path that does not exist, with similar names.
fn near_fields(object: &Node, parts: &[String]) -> Vec<String> {
    let mut here = object;
    for part in parts {
        match here.get(part) {
            Some(next) => here = next,
            None => {
                let names = here.entries().unwrap_or_default().iter().filter_map(|(key, _)| key.as_str());
                return nearest(part, names, 3).into_iter().map(str::to_owned).collect();
            }
        }
    }
    Vec::new()
}

fn set(options: Option<&FieldOptions>, field: &mut Node, value: &Node) -> KResult<()> {
    shared::refresh(field);
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else {
        put(field, value);
        return Ok(());
    };
    let Data::Scalar(text) = &mut field.data else { return fail("delimiter option can only be used with scalar nodes") };
    *text = spliced(text, tree::text(value), &options.delimiter, options.index).into();
    shared::wrote(field);
    Ok(())
}

/// A scalar keeps its type and style and takes the text; anything else is replaced.
fn put(field: &mut Node, value: &Node) {
    match &mut field.data {
        Data::Scalar(text) => {
            *text = tree::raw_text(value).into();
            shared::wrote(field);
        }
        _ => {
            *field = value.clone();
            shared::leave(field);
        }
    }
}

fn spliced(old: &str, new: &str, delimiter: &str, index: i64) -> String {
    let mut parts: Vec<&str> = old.split(delimiter).collect();
    match usize::try_from(index) {
        Err(_) => parts.insert(0, new),
        Ok(at) => match parts.get_mut(at) {
            Some(part) => *part = new,
            None => parts.push(new),
        },
    }
    parts.join(delimiter)
}

/// How often a list is searched again after an item was added to it.
const MAX_DEPTH: usize = 200;

type Visit<'v> = &'v mut dyn FnMut(&mut Node) -> KResult<()>;

/// Calls `found` for every field that a path leads to; says how many there were (`PathMatcher`).
fn visit(node: &mut Node, path: &[String], create: Option<NodeKind>, found: Visit<'_>) -> KResult<usize> {
    walk(node, path, create, found, 0)
}

fn walk(node: &mut Node, path: &[String], create: Option<NodeKind>, found: Visit<'_>, depth: usize) -> KResult<usize> {
    let Some((part, rest)) = path.split_first() else {
        found(node)?;
        return Ok(1);
    };
    if depth > MAX_DEPTH {
        return fail("exceeded max depth");
    }
    let index = super::super::scalar::go_atoi(part).filter(|index| *index >= 0);
    if create.is_some() && tree::is_null(node) && part != "*" && index.is_none_or(|index| index == 0) {
        // kustomize makes the fields below the null, where nothing is ever written: they count as found, and are lost.
        found(&mut node.clone())?;
        return Ok(1);
    }
    if let Some(index) = index {
        return walk_index(node, usize::try_from(index).unwrap_or(usize::MAX), rest, create, found, depth);
    }
    if tree::is_list_index(part) {
        return walk_matching(node, part, rest, create, found, depth);
    }
    if part == "*" {
        tree::expect(node, NodeKind::Sequence)?;
        let Data::Sequence(items) = &mut node.data else { return Ok(0) };
        return items.iter_mut().try_fold(0, |count, item| Ok(count + walk(item, rest, create, found, depth + 1)?));
    }
    walk_field(node, part, rest, create, found, depth)
}

fn next_kind(rest: &[String], create: NodeKind) -> NodeKind {
    tree::kind_before(rest.first().map(String::as_str), create)
}

fn walk_field(node: &mut Node, name: &str, rest: &[String], create: Option<NodeKind>, found: Visit<'_>, depth: usize) -> KResult<usize> {
    tree::expect(node, NodeKind::Mapping)?;
    if node.get(name).is_none() {
        let Some(create) = create else { return Ok(0) };
        tree::set_field(node, name, tree::empty(next_kind(rest, create)))?;
    }
    let Some(field) = node.get_mut(name) else { return Ok(0) };
    match &field.data {
        // What is found inside of a text is found in a copy of it: it counts, but changes nothing.
        Data::Scalar(text) if !rest.is_empty() => {
            let mut inside = parse(text)?;
            walk(&mut inside, rest, create, found, depth + 1)
        }
        _ => walk(field, rest, create, found, depth + 1),
    }
}

fn walk_index(node: &mut Node, at: usize, rest: &[String], create: Option<NodeKind>, found: Visit<'_>, depth: usize) -> KResult<usize> {
    tree::expect(node, NodeKind::Sequence)?;
    let Data::Sequence(items) = &mut node.data else { return fail(format!("index {at} specified but only 0 elements found")) };
    if let Some(create) = create.filter(|_| items.len() == at) {
        items.push(tree::empty(next_kind(rest, create)));
    }
    let len = items.len();
    match items.get_mut(at) {
        Some(item) => walk(item, rest, create, found, depth + 1),
        None => fail(format!("index {at} specified but only {len} elements found")),
    }
}

fn walk_matching(node: &mut Node, part: &str, rest: &[String], create: Option<NodeKind>, found: Visit<'_>, depth: usize) -> KResult<usize> {
    let (name, value) = tree::split_index(part)?;
    tree::expect(node, NodeKind::Sequence)?;
    let Data::Sequence(items) = &mut node.data else { return Ok(0) };
    let mut count = walk_items(items, name, value, rest, create, found, depth)?;
    if count == 0 && create.is_some() {
        items.push(tree::item_with(name, value));
        count = walk_items(items, name, value, rest, create, found, depth)?;
        if count == 0 {
            return fail(format!("failed to create element for {part:?}"));
        }
    }
    Ok(count)
}

fn walk_items(
    items: &mut [Node],
    name: &str,
    value: &str,
    rest: &[String],
    create: Option<NodeKind>,
    found: Visit<'_>,
    depth: usize,
) -> KResult<usize> {
    let mut regex = None;
    let mut count = 0;
    for item in items {
        let regex = match &mut regex {
            Some(regex) => regex,
            slot => slot.insert(Regex::new(value)?),
        };
        let key = if name.is_empty() { Some(&*item) } else { item.get(name) };
        let Some(key) = key else { continue };
        if !regex.is_match(write::styled(key)?.trim()) {
            continue;
        }
        if name.is_empty() {
            found(item)?;
            count += 1;
        } else {
            count += walk(item, rest, create, found, depth + 1)?;
        }
    }
    Ok(count)
}

/// The text of a scalar as YAML.
fn parse(text: &str) -> KResult<Node> {
    match compose::first(text.as_bytes())? {
        Some(mut node) => {
            super::super::anchors::remove_anchors(&mut node)?;
            Ok(node)
        }
        None => fail("wrong node kind: expected MappingNode but got : node contents:\n"),
    }
}

/// Replaces inside of a text that is YAML or JSON itself; fails where the path does not lead into one.
fn into_structured(object: &mut Node, parts: &[String], value: &Node, create: Option<NodeKind>) -> KResult<()> {
    let scalar = |len: usize| {
        let found = tree::lookup(object, parts.get(..len)?).ok().flatten();
        found.filter(|node| tree::kind(node) == NodeKind::Scalar).map(|node| (len, node.as_str().unwrap_or_default().to_owned()))
    };
    let found =
        (1..parts.len()).find_map(|len| scalar(len).and_then(|(len, text)| Some((len, compose::document(text.as_bytes()).ok()?, text))));
    let Some((len, mut document, text)) = found else { return fail("no structured data found in path") };
    let (head, rest) = parts.split_at_checked(len).unwrap_or((parts, &[]));
    let Some(root) = &mut document.root else { return fail("no structured data found in path") };
    let count = visit(root, rest, create, &mut |field| {
        put(field, value);
        Ok(())
    })?;
    if count == 0 {
        return fail("unable to find field in structured data");
    }
    let new = serialized(&document, &text)?;
    if let Some(scalar) = tree::lookup_mut(object, head)?
        && let Data::Scalar(slot) = &mut scalar.data
    {
        *slot = new.into();
        shared::wrote(scalar);
    }
    shared::write_back(object);
    Ok(())
}

fn serialized(document: &Document, original: &str) -> KResult<String> {
    let mut out = Vec::new();
    write_document(document, Dialect::KUSTOMIZE, &mut out).map_err(|error| Fail::new(error.to_string()))?;
    let text = String::from_utf8(out).map_err(|error| Fail::new(error.to_string()))?;
    if !original.trim_start().starts_with(['{', '[']) {
        return Ok(text.trim().to_owned());
    }
    let node = parse(&text)?;
    let json = Json::from_node(&node)?;
    Ok(if original.contains('\n') && original.contains("  ") { json.to_pretty_text() } else { json.to_text() })
}

#[cfg(test)]
mod tests {
    use super::spliced;

    #[test]
    fn parts_of_texts() {
        assert_eq!(spliced("a:b", "x", ":", -1), "x:a:b");
        assert_eq!(spliced("a:b", "x", ":", 1), "a:x");
        assert_eq!(spliced("a:b", "x", ":", 7), "a:b:x");
    }
}
