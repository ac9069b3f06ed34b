//! What the functions do: one table, one small function for each.

pub(crate) mod conversions;
pub(crate) mod formats;
pub(crate) mod kubernetes;
pub(crate) mod lists;
pub(crate) mod net;
pub(crate) mod operators;
pub(crate) mod quantity;
pub(crate) mod semver;
pub(crate) mod strings;
pub(crate) mod times;
pub(crate) mod url;

use crate::value::Out;
use crate::value::Value;

/// A function; `None` where it is not for arguments of these types.
pub(crate) type Function = fn(&[Value]) -> Option<Out>;

/// The function of a name.
pub(crate) fn function(name: &str) -> Option<Function> {
    let tables = [operators::TABLE, conversions::TABLE, strings::TABLE, lists::TABLE, times::TABLE, kubernetes::TABLE];
    tables.iter().find_map(|table| table.iter().find(|(known, _)| *known == name)).map(|(_, function)| *function)
}
