//! The order of the output: `sortOptions`, and the order by kind that kustomize uses without it.
//!
//! Follows `api/internal/builtins/SortOrderTransformer.go` of kustomize 5.8.1.

use std::cmp::Ordering;

use ecow::EcoString;

use super::errors::{Fail, KResult, fail};
use super::ids::{Gvk, split_api_version};
use super::kustomization::SortOptions;
use super::ranks::{FIRST, LAST, rank};
use super::resmap::ResMap;
use super::resource::Resource;
use super::tree;

/// Sorts as the options of the kustomization say; without options, in the built-in order.
pub(crate) fn sort(map: &mut ResMap, options: Option<&SortOptions>) -> KResult<()> {
    let Some(options) = options else { return by_kind(map, &FIRST, &LAST) };
    match (options.order.as_str(), &options.legacy) {
        ("fifo", None) => unchanged(map),
        ("fifo", Some(_)) => fail("the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"),
        ("legacy", None) => by_kind(map, &FIRST, &LAST),
        ("legacy", Some(legacy)) => by_kind(map, &legacy.order_first, &legacy.order_last),
        _ => Err(Fail::new("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
}

/// Keeps the order; names may have become the same since the objects were last compared.
fn unchanged(map: &mut ResMap) -> KResult<()> {
    let list = map.take();
    map.append_all(list)
}

fn by_kind<T: AsRef<str>>(map: &mut ResMap, first: &[T], last: &[T]) -> KResult<()> {
    let mut kinds = Kinds { known: Vec::new(), first, last };
    let mut places: Vec<(Place, usize)> = map.list().iter().enumerate().map(|(at, res)| (Place::of(res, &mut kinds), at)).collect();
    places.sort_by(|(a, _), (b, _)| kinds.compare(a, b));
    let mut list: Vec<Option<Resource>> = map.take().into_iter().map(Some).collect();
    let sorted = places.into_iter().filter_map(|(_, at)| list.get_mut(at)?.take()).collect();
    map.append_all(sorted).map_err(|error| error.wrap("SortOrderTransformer: Failed to append to resources"))
}

/// What an object is sorted by.
struct Place {
    /// Its place among the known kinds.
    kind: usize,
    namespace: EcoString,
    name: EcoString,
}

impl Place {
    fn of<T: AsRef<str>>(res: &Resource, kinds: &mut Kinds<'_, T>) -> Self {
        let or = |text: EcoString, empty: &str| if text.is_empty() { empty.into() } else { text };
        Self {
            kind: kinds.of(res),
            namespace: or(tree::meta_shared(&res.node, "namespace"), "~X"),
            name: or(tree::meta_shared(&res.node, "name"), "~N"),
        }
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.namespace.bytes().chain([b'|']).chain(self.name.bytes())
    }

    /// Compares namespace and name as one text.
    fn compare(&self, other: &Self) -> Ordering {
        if self.namespace == other.namespace { self.name.cmp(&other.name) } else { self.bytes().cmp(other.bytes()) }
    }
}

/// The kinds of objects, of which there are few.
struct Kinds<'k, T> {
    known: Vec<KindOrder>,
    first: &'k [T],
    last: &'k [T],
}

/// What objects of a kind are sorted by.
struct KindOrder {
    gvk: Gvk,
    rank: i64,
    namespace: bool,
    core: bool,
    /// The text that kinds of one rank are sorted by, and the one that the text of an identity begins with.
    sort_text: String,
    id_text: String,
}

impl<T: AsRef<str>> Kinds<'_, T> {
    fn of(&mut self, res: &Resource) -> usize {
        let (group, version) = split_api_version(tree::top_text(&res.node, "apiVersion"));
        let kind = res.kind();
        // Objects of a kind mostly stand together.
        let same = |known: &KindOrder| known.gvk.kind == kind && known.gvk.version == version && known.gvk.group == group;
        if let Some(at) = self.known.iter().rposition(same) {
            return at;
        }
        let gvk = res.gvk();
        self.known.push(KindOrder {
            rank: rank(&gvk.kind, self.first, self.last),
            namespace: gvk.kind == "Namespace",
            core: gvk.group.is_empty(),
            sort_text: gvk.sort_text(),
            id_text: gvk.to_string(),
            gvk,
        });
        self.known.len() - 1
    }

    fn compare(&self, a: &Place, b: &Place) -> Ordering {
        match (self.known.get(a.kind), self.known.get(b.kind)) {
            (Some(of_a), Some(of_b)) if a.kind != b.kind => {
                // As one text, because one kind may begin like another.
                let text = |of: &KindOrder, place: &Place| of.id_text.bytes().chain([b'|']).chain(place.bytes()).collect::<Vec<u8>>();
                of_a.compare(of_b).then_with(|| text(of_a, a).cmp(&text(of_b, b)))
            }
            _ => a.compare(b),
        }
    }
}

impl KindOrder {
    fn compare(&self, other: &Self) -> Ordering {
        // Core namespaces go before those of other groups, against the order of their texts.
        let namespaces = self.namespace && other.namespace && (self.core || other.core);
        let texts = self.sort_text.cmp(&other.sort_text);
        self.rank.cmp(&other.rank).then(if namespaces { texts.reverse() } else { texts })
    }
}
