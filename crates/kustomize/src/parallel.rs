//! Work on many objects that do not depend on one another, by all processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::errors::{Fail, KResult};

/// Below this many objects, calling the other processors costs more than they save.
const FROM: usize = 128;

/// How many objects are taken at a time.
const SHARE: usize = 64;

/// Changes all items; fails as the first of them that fails, and says which it is.
pub(crate) fn change_all<T: Send>(items: &mut [T], change: impl Fn(&mut T) -> KResult<()> + Sync) -> Result<(), (usize, Fail)> {
    let in_order = |from: usize, items: &mut [T]| {
        let failed = items.iter_mut().enumerate().find_map(|(at, item)| Some((from + at, change(item).err()?)));
        failed.map_or(Ok(()), Err)
    };
    if items.len() < FROM {
        return in_order(0, items);
    }
    let shares = items.par_chunks_mut(SHARE).enumerate();
    let done: Vec<_> = shares.map(|(share, items)| in_order(share * SHARE, items)).collect();
    done.into_iter().collect()
}

/// The same for those who need not know which item it is.
pub(crate) fn change<T: Send>(items: &mut [T], change: impl Fn(&mut T) -> KResult<()> + Sync) -> KResult<()> {
    change_all(items, change).map_err(|(_, error)| error)
}

/// Makes something of all items, in their order.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < FROM {
        return items.iter().map(of).collect();
    }
    items.par_iter().with_min_len(SHARE).map(of).collect()
}

/// Makes something of all items, in their order; fails as the first of them that fails.
pub(crate) fn try_map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> KResult<R> + Sync + Send) -> KResult<Vec<R>> {
    map(items, of).into_iter().collect()
}

/// How much is done at a time: about so many bytes of text.
const SHARE_WEIGHT: usize = 64 * 1024;

/// Makes something of shares of the items, in the order of the items. The heaviest shares are begun first, so that nobody waits in the
/// end for one that was begun late. `weight` says about how many bytes of text an item is.
pub(crate) fn by_shares<T: Sync, R: Send>(items: &[T], weight: impl Fn(&T) -> usize, of: impl Fn(&[T], usize) -> R + Sync) -> Vec<R> {
    let shares = shares(items, weight);
    if shares.len() < 2 {
        return shares.into_iter().map(|(items, weight)| of(items, weight)).collect();
    }
    let mut heaviest_first: Vec<_> = shares.iter().enumerate().collect();
    heaviest_first.sort_by_key(|(_, (_, weight))| std::cmp::Reverse(*weight));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(shares.len())));
    let work = || {
        while let Some((at, (items, weight))) = heaviest_first.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = of(items, *weight);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((*at, result));
        }
    };
    rayon::scope(|scope| (0..rayon::current_num_threads()).for_each(|_| scope.spawn(|_| work())));
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Items that stand together, of the weight of a share.
fn shares<T>(items: &[T], weight: impl Fn(&T) -> usize) -> Vec<(&[T], usize)> {
    let mut shares = Vec::new();
    let (mut from, mut sum) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        sum += weight(item);
        if sum >= SHARE_WEIGHT || at + 1 == items.len() {
            shares.push((items.get(from..=at).unwrap_or_default(), sum));
            (from, sum) = (at + 1, 0);
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::{by_shares, change_all};
    use crate::errors::fail;

    #[test]
    fn shares_keep_the_order() {
        let items: Vec<usize> = (0..1000).map(|at| at * 7919 % 30_000).collect();
        let shares = by_shares(&items, |weight| *weight, |items, _| items.to_vec());
        assert!(shares.len() > 1);
        assert_eq!(shares.concat(), items);
        assert!(by_shares(&[], |_: &usize| 1, |_, _| ()).is_empty());
    }

    #[test]
    fn the_first_that_fails_counts() {
        let mut items: Vec<usize> = (0..1000).collect();
        let (at, error) = change_all(&mut items, |item| if *item >= 300 { fail(item.to_string()) } else { Ok(()) }).unwrap_err();
        assert_eq!((at, error.text()), (300, "300"));
    }
}
