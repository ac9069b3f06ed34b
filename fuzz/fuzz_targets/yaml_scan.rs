//! Any bytes as YAML and JSON, in every way that hydrate reads them; what could be read is written again, and what is read the
//! short way is what the long way gives.

#![no_main]

use hydrate_gotmpl::GoVersion;
use hydrate_gotmpl::decode::{Numbers, Target, Values, from_json_of};
use hydrate_gotmpl::encode;
use hydrate_yaml::{self as yaml, Composer, Dialect, Input, Options, Parser, block};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    events(data);
    short_way(data);
    for options in [Options::SIGS, Options::SIGS_STRICT, Options::V3] {
        let _ = yaml::decode_all(data, options, &mut Values::new(Numbers::Int64));
    }
    if let Ok(value) = yaml::decode(data, Options::SIGS, &mut Values::new(Numbers::Float64)) {
        let _ = encode::to_yaml(&value);
        let _ = encode::to_yaml_pretty(&value);
        let _ = encode::to_pretty_json(&value, GoVersion::Go1_27);
    }
    if let Ok(nodes) = yaml::compose(data) {
        let _ = yaml::emit::write_documents(&nodes, yaml::emit::Dialect::KUSTOMIZE, &mut Vec::new());
    }
    for go in [GoVersion::Go1_23, GoVersion::Go1_27] {
        let _ = from_json_of(go, data, Target::Any, Numbers::Int64);
    }
});

/// The parser alone; its events end, however wrong the text is.
fn events(data: &[u8]) {
    for dialect in [Dialect::V2, Dialect::V3] {
        let input = Input::new(data);
        Parser::new(&input, dialect).for_each(drop);
    }
}

fn short_way(data: &[u8]) {
    let input = Input::new(data);
    if let Some(short) = block::read(&input) {
        let long = Composer::new(&input).next().expect("a document").expect("no error");
        assert_eq!(Some(short), long.root);
    }
}
