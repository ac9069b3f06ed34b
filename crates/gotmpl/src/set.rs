//! A set of named templates: what was parsed together and can call each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::func::FunctionSet;
use super::options::Options;
use super::parse::node::Tree;
use super::parse::{ParseError, Trees, parse};
use hydrate_base::SourceFile;

/// How many texts given to `tpl` are remembered parsed.
const REMEMBERED: usize = 4_096;

/// How many layers may lie on each other before they are made one.
const MAX_LAYERS: usize = 8;

/// Named templates with the functions they may call. `Send + Sync`; a clone costs three reference counts and may be
/// parsed into without being seen by the original, which is what `tpl` needs.
#[derive(Debug, Clone)]
pub struct TemplateSet {
    name: Arc<str>,
    layer: Arc<Layer>,
    functions: Arc<FunctionSet>,
    remembered: Arc<Mutex<BTreeMap<Box<[u8]>, Parsed>>>,
    options: Options,
}

/// The templates of one text, in no set yet: texts can be parsed in any order and on any thread.
#[derive(Debug)]
pub struct ParsedText(Trees);

impl ParsedText {
    /// Parses a text as the template named like the file, together with the templates it defines.
    ///
    /// # Errors
    /// Go's error for what does not parse.
    pub fn of(file: &Arc<SourceFile>, functions: &FunctionSet) -> Result<Self, Box<ParseError>> {
        parse(file, functions).map(Self)
    }
}

/// What one text gave: its own tree and all trees in it.
#[derive(Debug, Clone)]
struct Parsed {
    main: Arc<Tree>,
    trees: Arc<Trees>,
}

#[derive(Debug, Default)]
struct Layer {
    below: Option<Arc<Layer>>,
    height: usize,
    trees: Trees,
}

impl Layer {
    fn find(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        let mut layer = self;
        loop {
            match (layer.trees.get(name), &layer.below) {
                (Some(tree), _) => return Some(tree),
                (None, Some(below)) => layer = below,
                (None, None) => return None,
            }
        }
    }

    /// Go's `associate`: an empty tree does not replace an existing one.
    fn add(&mut self, name: &Arc<[u8]>, tree: &Arc<Tree>) {
        if !tree.is_empty() || self.find(name).is_none() {
            self.trees.insert(Arc::clone(name), Arc::clone(tree));
        }
    }

    fn flattened(&self) -> Self {
        let mut trees = self.below.as_ref().map(|below| below.flattened().trees).unwrap_or_default();
        trees.extend(self.trees.iter().map(|(name, tree)| (Arc::clone(name), Arc::clone(tree))));
        Self { below: None, height: 0, trees }
    }
}

impl TemplateSet {
    /// An empty set. `name` is the root template's in Go (`gotpl` in Helm); texts given to `tpl` get it too.
    pub fn new(name: impl Into<Arc<str>>, functions: impl Into<Arc<FunctionSet>>, options: Options) -> Self {
        let (layer, remembered) = (Arc::default(), Arc::default());
        Self { name: name.into(), layer, functions: functions.into(), remembered, options }
    }

    /// The set's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is parsed and executed.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The functions its templates may call.
    pub fn functions(&self) -> &FunctionSet {
        &self.functions
    }

    /// Parses a text as the template named like the file, together with the templates it defines. Later definitions
    /// replace earlier ones unless they are empty, as in Go.
    ///
    /// # Errors
    /// Go's error for what does not parse; the set is then as it was.
    pub fn parse(&mut self, file: &Arc<SourceFile>) -> Result<(), Box<ParseError>> {
        self.add(&parse(file, &self.functions)?);
        Ok(())
    }

    /// Takes the templates of a text that was parsed elsewhere, as [`TemplateSet::parse`] does after parsing.
    pub fn take(&mut self, parsed: &ParsedText) {
        self.add(&parsed.0);
    }

    /// Parses a text under a name; see [`TemplateSet::parse`].
    ///
    /// # Errors
    /// Go's error for what does not parse.
    pub fn parse_text(&mut self, name: &str, text: &[u8]) -> Result<(), Box<ParseError>> {
        self.parse(&SourceFile::new(name, text))
    }

    /// The template of a name.
    pub fn lookup(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        self.layer.find(name)
    }

    /// All templates, sorted by name.
    pub fn templates(&self) -> Vec<Arc<Tree>> {
        self.layer.flattened().trees.into_values().collect()
    }

    /// A copy of the set with one more text parsed into it under the set's own name, and that text's tree: what
    /// Helm's `tpl` does. Texts are remembered, so that the same one is parsed once.
    ///
    /// # Errors
    /// Go's error for what does not parse.
    pub fn with_text(&self, text: &[u8]) -> Result<(Self, Arc<Tree>), Box<ParseError>> {
        let parsed = self.parse_remembered(text)?;
        let mut set = self.clone();
        set.add(&parsed.trees);
        Ok((set, parsed.main))
    }

    fn parse_remembered(&self, text: &[u8]) -> Result<Parsed, Box<ParseError>> {
        let known = self.remembered.lock().ok().and_then(|known| known.get(text).cloned());
        if let Some(parsed) = known {
            return Ok(parsed);
        }
        let file = SourceFile::new(&*self.name, text);
        let trees = Arc::new(parse(&file, &self.functions)?);
        // The parser always adds the tree of the text itself, or keeps a definition of the same name in its place.
        let Some(main) = trees.get(self.name.as_bytes()).cloned() else { return Err(Box::new(ParseError::internal(&file))) };
        let parsed = Parsed { main, trees };
        if let Ok(mut known) = self.remembered.lock()
            && known.len() < REMEMBERED
        {
            known.insert(text.into(), parsed.clone());
        }
        Ok(parsed)
    }

    fn add(&mut self, trees: &Trees) {
        if Arc::get_mut(&mut self.layer).is_none() {
            let below = Arc::clone(&self.layer);
            let height = below.height + 1;
            self.layer =
                Arc::new(if height >= MAX_LAYERS { below.flattened() } else { Layer { below: Some(below), height, trees: Trees::new() } });
        }
        if let Some(layer) = Arc::get_mut(&mut self.layer) {
            for (name, tree) in trees {
                layer.add(name, tree);
            }
        }
    }
}
