//! What a transformer is: how it is made, of a file of its own or of the fields of a kustomization.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::anchors;
use super::config::Config;
use super::decode::{Conf, Mode, Record, spot};
use super::errors::{Fail, KResult};
use super::kustomization::Kustomization;
use super::loader::Loader;
use super::origin::Origin;
use super::resmap::ResMap;
use super::resource::Resource;
use super::write;
use hydrate_base::SourceFile;
use hydrate_yaml::node::Node;

/// A configured transformer: it changes all objects.
pub(crate) type Transform = Box<dyn Fn(&mut ResMap) -> KResult<()>>;

/// A transformer: its file in `filters/` has one of these, and a line in `filters::TRANSFORMERS` lists it.
pub(crate) struct Transformer {
    /// Its kind, as a plugin with a file of its own.
    pub kind: &'static str,
    /// Makes it of such a file.
    pub of_file: fn(&PluginFile<'_, '_>) -> KResult<Transform>,
    /// Makes what the fields of a kustomization ask for; `None` where there are no such fields.
    pub of_fields: Option<fn(&mut Fields<'_, '_>) -> KResult<Vec<Step>>>,
}

/// One thing to do to all objects, and where the kustomization file asks for it.
pub(crate) struct Step {
    /// Does it.
    pub run: Transform,
    /// The field.
    pub field: &'static str,
    /// The entry of the list in the field.
    pub entry: Option<usize>,
    /// What `buildMetadata` shows of it.
    pub origin: Option<Origin>,
}

impl Step {
    /// A step whose origin is not asked for.
    pub(crate) fn new(field: &'static str, entry: Option<usize>, run: impl Fn(&mut ResMap) -> KResult<()> + 'static) -> Self {
        Self { run: Box::new(run), field, entry, origin: None }
    }
}

/// Warnings so far.
pub(crate) type Warnings = Rc<RefCell<Vec<String>>>;

/// The fields of a kustomization, and what transformers need to be made of them.
pub(crate) struct Fields<'f, 'w> {
    /// The fields. What is made into steps is taken out.
    pub kustomization: &'f mut Kustomization,
    /// Which fields of objects are changed.
    pub config: &'f Config,
    /// Loads the files that fields name.
    pub loader: &'f Loader<'w>,
    /// The kustomization file, for errors.
    pub file: &'f Arc<SourceFile>,
    /// Where it is told that a patch selects nothing, if that is to be told.
    pub unmatched: Option<Warnings>,
}

impl Fields<'_, '_> {
    /// Points an error at a field, or at an entry of the list in it.
    pub(crate) fn spot(&self, error: Fail, field: &str, entry: Option<usize>) -> Fail {
        spot(error, self.file, field, entry)
    }

    /// A step for each entry of a list.
    pub(crate) fn each<T>(
        &self,
        field: &'static str,
        entries: Option<Vec<T>>,
        make: impl Fn(T) -> KResult<Transform>,
    ) -> KResult<Vec<Step>> {
        let step = |(at, entry)| {
            let run = make(entry).map_err(|error| self.spot(error, field, Some(at)))?;
            Ok(Step { run, field, entry: Some(at), origin: None })
        };
        entries.unwrap_or_default().into_iter().enumerate().map(step).collect()
    }
}

/// The configuration of a plugin, ready to be decoded.
pub(crate) struct PluginFile<'p, 'w> {
    /// Loads the files that it names.
    pub loader: &'p Loader<'w>,
    file: Arc<SourceFile>,
    node: Node,
}

impl<'p, 'w> PluginFile<'p, 'w> {
    /// The configuration in an object.
    pub(crate) fn new(res: &Resource, loader: &'p Loader<'w>) -> KResult<Self> {
        let text = write::to_yaml(&res.node)?;
        let file = SourceFile::new(res.kind(), text.into_bytes());
        let node = anchors::first_document(&file.text)?.unwrap_or_else(|| Node::mapping(Vec::new()));
        Ok(Self { loader, file, node })
    }

    /// Reads it.
    pub(crate) fn read<T: Record>(&self) -> KResult<T> {
        Conf::new(&self.node, &self.file, Mode::Loose).record()
    }
}
