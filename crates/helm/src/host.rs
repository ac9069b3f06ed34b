//! What Helm's functions share with those who run templates: the level, the inclusions under way, and how an error of theirs is told from others.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::options::ClusterObject;
use hydrate_chart::Level;
use hydrate_gotmpl::Str;

/// What surrounds the message of `fail` and `required` until the error leaves the executor.
pub(super) const MARK_START: &str = "HELM_ERR_START";
/// The other end.
pub(super) const MARK_END: &str = "HELM_ERR_END";

/// What Helm's functions remember during one execution of a chart.
pub(super) struct Host {
    /// Whose behaviour is reproduced.
    pub(super) level: Level,
    /// What `lookup` finds.
    pub(super) cluster: Arc<[ClusterObject]>,
    /// The named templates that are being included right now, the innermost last.
    included: RefCell<Vec<Str>>,
    /// What `lookup` was asked for and has not found.
    unanswered: RefCell<BTreeSet<String>>,
}

impl Host {
    /// Nothing is being included.
    pub(super) fn new(level: Level, cluster: Arc<[ClusterObject]>) -> Self {
        Self { level, cluster, included: RefCell::default(), unanswered: RefCell::default() }
    }

    /// Takes note of what `lookup` has not found.
    pub(super) fn note_unanswered(&self, what: String) {
        self.unanswered.borrow_mut().insert(what);
    }

    /// What `lookup` has not found, in alphabetical order.
    pub(super) fn into_unanswered(self) -> BTreeSet<String> {
        self.unanswered.into_inner()
    }

    /// Counts an inclusion that begins, and gives how many of this name are open now.
    pub(super) fn enter(&self, name: &Str) -> usize {
        let mut included = self.included.borrow_mut();
        included.push(name.clone());
        included.iter().filter(|open| *open == name).count()
    }

    /// Ends the inclusion that began last.
    pub(super) fn leave(&self) {
        self.included.borrow_mut().pop();
    }
}
