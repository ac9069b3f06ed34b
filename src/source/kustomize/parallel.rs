//! Work on many objects that do not depend on one another, by all processors.

use rayon::prelude::*;

use super::errors::{Fail, KResult};

/// Below this many objects, calling the other processors costs more than they save.
const FROM: usize = 128;

/// How many objects are taken at a time.
const SHARE: usize = 64;

/// Changes all items; fails as the first of them that fails, and says which it is.
pub fn change_all<T: Send>(items: &mut [T], change: impl Fn(&mut T) -> KResult<()> + Sync) -> Result<(), (usize, Fail)> {
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
pub fn change<T: Send>(items: &mut [T], change: impl Fn(&mut T) -> KResult<()> + Sync) -> KResult<()> {
    change_all(items, change).map_err(|(_, error)| error)
}

/// Makes something of all items, in their order.
pub fn map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < FROM {
        return items.iter().map(of).collect();
    }
    items.par_iter().with_min_len(SHARE).map(of).collect()
}

/// Makes something of all items, in their order; fails as the first of them that fails.
pub fn try_map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> KResult<R> + Sync + Send) -> KResult<Vec<R>> {
    map(items, of).into_iter().collect()
}
