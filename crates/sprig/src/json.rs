//! JSON, where Helm leaves sprig's functions in place.

use super::args::{self, Out, any, bytes};
use hydrate_gotmpl::Value;
use hydrate_gotmpl::Vm;
use hydrate_gotmpl::decode::{Numbers, Target, from_json_of};
use hydrate_gotmpl::encode::{to_pretty_json, to_raw_json};

/// `toPrettyJson VALUE`: indented; an empty text for what JSON cannot express.
pub(crate) fn pretty(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(to_pretty_json(any(args, 0), vm.set().options().go).unwrap_or_default())
}

/// `mustToPrettyJson VALUE`.
pub(crate) fn must_pretty(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(to_pretty_json(any(args, 0), vm.set().options().go)?)
}

/// `toRawJson VALUE` and `mustToRawJson VALUE`: without escapes for HTML.
pub(crate) fn raw(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    args::string(to_raw_json(any(args, 0), vm.set().options().go)?)
}

/// `mustFromJson TEXT`: of any type.
pub(crate) fn must_from(vm: &mut Vm<'_>, args: &[Value]) -> Out {
    Ok(from_json_of(vm.set().options().go, bytes(args, 0), Target::Any, Numbers::Float64)?)
}
