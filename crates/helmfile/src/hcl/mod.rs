//! Values in HCL, as helmfile's `pkg/hcllang` reads them: `values` and `locals` blocks, whose arguments refer to each other by `hv.` and `local.`.
//!
//! All arguments of all files are evaluated in the order that their references ask for. `local.` is a file's own; `hv.` is shared. What is defined several times
//! is merged in the order of the files (helmfile 1) or refused (helmfile 0). Numbers, texts and collections are those of cty, down to 512 bits of precision;
//! what goes out are Go's `map[string]interface {}` and `float64`.

mod budget;
mod evaluate;
mod functions;
mod graph;
mod lex;
mod number;
mod parse;
mod references;
mod syntax;
mod value;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hydrate_base::{Diagnostic, Result, SourceFile, World};
use hydrate_gotmpl::{Entries, List, Map, Str, Value as GoValue};

use crate::Version;

use budget::Budget;
use evaluate::{Evaluator, Scope};
use syntax::{Attribute, Block};
use value::Value;

/// A file that has been read.
struct Document {
    file: Arc<SourceFile>,
    values: Vec<Attribute>,
    locals: Vec<Attribute>,
}

/// An argument, and which file it is in.
#[derive(Clone, Copy)]
struct Definition<'d> {
    document: usize,
    attribute: &'d Attribute,
}

/// All definitions of each name, in the order of the files.
type Definitions<'d> = BTreeMap<Rc<str>, Vec<Definition<'d>>>;
/// The locals of a file.
type Locals = Rc<BTreeMap<Rc<str>, Value>>;

/// Evaluates the values of some files together.
///
/// # Errors
/// What is no HCL, what cannot be evaluated, references to what is not defined, and such as go around in a circle: each with its place.
pub(crate) fn load(files: &[Arc<SourceFile>], world: &dyn World, version: Version) -> Result<Map> {
    let budget = Budget::new(world.limits());
    let documents = files.iter().map(read).collect::<Result<Vec<_>>>()?;
    let evaluator = Evaluator::new(&budget, version);
    let locals = documents.iter().map(|document| locals(&evaluator, document)).collect::<Result<Vec<_>>>()?;
    let definitions = definitions(&documents, version)?;
    if definitions.is_empty() {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        return Err(Diagnostic::error(format!("{} has no values", names.join(", ")))
            .help("write them as arguments of a block: values { name = \"value\" }"));
    }
    let mut scope = Scope::default();
    for name in graph::order(&documents, &definitions, references::Block::Values)? {
        let Some(found) = definitions.get(&name) else { continue };
        let value = merged(&evaluator, &documents, &locals, found, &mut scope)?;
        scope.values.insert(name, value);
    }
    to_go(&scope.values)
}

/// Reads a file and takes its blocks apart.
fn read(file: &Arc<SourceFile>) -> Result<Document> {
    let body = parse::parse(file)?;
    if let Some(attribute) = body.attributes.first() {
        let diagnostic = Diagnostic::error(format!("the argument {} stands outside of a block", attribute.name));
        return Err(diagnostic.at(file, attribute.name_span.clone(), "").help("arguments belong into a values or a locals block"));
    }
    let mut document = Document { file: Arc::clone(file), values: Vec::new(), locals: Vec::new() };
    let mut first_locals = None;
    for block in body.blocks {
        check_block(file, &block)?;
        if block.kind == "values" {
            document.values.extend(block.body.attributes);
            continue;
        }
        if let Some(first) = first_locals.replace(block.span.clone()) {
            let diagnostic = Diagnostic::error("a file can have only one locals block");
            return Err(diagnostic.at(file, block.span, "the second one").also(file, first, "the first one"));
        }
        document.locals = block.body.attributes;
    }
    Ok(document)
}

fn check_block(file: &Arc<SourceFile>, block: &Block) -> Result<()> {
    if !matches!(block.kind.as_str(), "values" | "locals") {
        let diagnostic = Diagnostic::error(format!("blocks of the kind {} are not known", block.kind)).at(file, block.span.clone(), "");
        return Err(match hydrate_base::suggest::closest(&block.kind, ["values", "locals"]) {
            Some(meant) => diagnostic.help(format!("did you mean {meant}?")),
            None => diagnostic.help("there are values and locals"),
        });
    }
    if let Some(label) = &block.label {
        return Err(Diagnostic::error(format!("a {} block has no label", block.kind)).at(file, label.clone(), ""));
    }
    if let Some(inner) = block.body.blocks.first() {
        let diagnostic = Diagnostic::error(format!("a {} block holds no other blocks", block.kind)).at(file, inner.span.clone(), "");
        return Err(diagnostic.help(format!("an object is written with an equals sign: {} = {{ … }}", inner.kind)));
    }
    Ok(())
}

/// All definitions of each value, in the order of the files.
fn definitions(documents: &[Document], version: Version) -> Result<Definitions<'_>> {
    let mut all = Definitions::new();
    for (document, content) in documents.iter().enumerate() {
        for attribute in &content.values {
            let known = all.entry(Rc::clone(&attribute.name)).or_default();
            if let Some(first) = known.first().filter(|_| version == Version::V0) {
                let diagnostic = Diagnostic::error(format!("the value {} is defined twice", attribute.name));
                let diagnostic = diagnostic.at(&content.file, attribute.name_span.clone(), "");
                let file = documents.get(first.document).map_or(&content.file, |document| &document.file);
                return Err(diagnostic
                    .also(file, first.attribute.name_span.clone(), "the first time")
                    .note("helmfile 0 does not merge values"));
            }
            known.push(Definition { document, attribute });
        }
    }
    Ok(all)
}

/// The locals of a file; none where it has none.
fn locals(evaluator: &Evaluator<'_>, document: &Document) -> Result<Option<Locals>> {
    let definition = |attribute| vec![Definition { document: 0, attribute }];
    let definitions: Definitions<'_> =
        document.locals.iter().map(|attribute| (Rc::clone(&attribute.name), definition(attribute))).collect();
    let mut scope = Scope::default();
    for name in graph::order(std::slice::from_ref(document), &definitions, references::Block::Locals)? {
        let Some(definition) = definitions.get(&name).and_then(|found| found.first()) else { continue };
        let value = evaluator.top(&document.file, &definition.attribute.value, &scope)?;
        Rc::make_mut(scope.locals.get_or_insert_default()).insert(name, value);
    }
    Ok(scope.locals)
}

/// The value of all definitions of one name, later ones merged over earlier ones.
fn merged(
    evaluator: &Evaluator<'_>,
    documents: &[Document],
    locals: &[Option<Locals>],
    definitions: &[Definition<'_>],
    scope: &mut Scope,
) -> Result<Value> {
    let mut merged = Value::NULL;
    for (at, definition) in definitions.iter().enumerate() {
        let Some(document) = documents.get(definition.document) else { continue };
        scope.locals = locals.get(definition.document).cloned().flatten();
        let value = evaluator.top(&document.file, &definition.attribute.value, scope)?;
        let place = |why: String| Diagnostic::error(why).at(&document.file, definition.attribute.value.span.clone(), "");
        merged = if at == 0 { value } else { merge(merged, value).map_err(place)? };
    }
    Ok(merged)
}

/// Objects and maps are merged by key; anything else replaces what was there, unless it is null.
fn merge(base: Value, over: Value) -> value::Outcome {
    match (&base, &over) {
        (_, Value::Null(_)) => Ok(base),
        (Value::Object(base), Value::Object(over)) => Value::object(merge_entries(&base.entries, &over.entries)?),
        (Value::Map(kind, base), Value::Map(_, over)) => Value::map(kind.clone(), merge_entries(&base.entries, &over.entries)?),
        _ => Ok(over),
    }
}

fn merge_entries(base: &BTreeMap<Rc<str>, Value>, over: &BTreeMap<Rc<str>, Value>) -> Result<BTreeMap<Rc<str>, Value>, String> {
    let mut entries = base.clone();
    for (key, value) in over {
        let merged = match entries.remove(key) {
            Some(below) => merge(below, value.clone())?,
            None => value.clone(),
        };
        entries.insert(Rc::clone(key), merged);
    }
    Ok(entries)
}

/// The values as Go has them once they went through JSON.
fn to_go(values: &BTreeMap<Rc<str>, Value>) -> Result<Map> {
    let whole = Value::object(values.clone()).map_err(Diagnostic::error)?;
    let entries = whole.entries().map(go_entries).transpose().map_err(Diagnostic::error)?;
    Ok(Map::plain(entries.unwrap_or_default()))
}

fn go_entries(entries: &BTreeMap<Rc<str>, Value>) -> Result<Entries, String> {
    entries.iter().map(|(key, value)| Ok((Str::from(key.as_ref()), go_value(value)?))).collect()
}

fn go_value(value: &Value) -> Result<GoValue, String> {
    if let Some(items) = value.items() {
        return Ok(GoValue::List(List::new(items.iter().map(go_value).collect::<Result<_, _>>()?)));
    }
    if let Some(entries) = value.entries() {
        return Ok(GoValue::Map(Map::plain(go_entries(entries)?)));
    }
    match value {
        Value::Bool(value) => Ok(GoValue::Bool(*value)),
        Value::String(text) => Ok(GoValue::str(text.as_ref())),
        Value::Number(number) => match number.to_float() {
            float if float.is_finite() => Ok(GoValue::Float64(float)),
            _ => Err(format!("the number {} is too large", number.text('e', Some(3)))),
        },
        _ => Ok(GoValue::Nil),
    }
}

#[cfg(test)]
mod tests;
