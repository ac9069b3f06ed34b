//! Any bytes as a Go template, by the rules of both Go versions.

#![no_main]

use std::sync::{Arc, LazyLock};

use hydrate_gotmpl::{FunctionSet, GoVersion, MissingKey, Options, TemplateSet};
use hydrate_sprig as sprig;
use libfuzzer_sys::fuzz_target;

static FUNCTIONS: LazyLock<Arc<FunctionSet>> = LazyLock::new(|| Arc::new(FunctionSet::new(&[sprig::FUNCTIONS])));

fuzz_target!(|data: &[u8]| {
    for go in [GoVersion::Go1_23, GoVersion::Go1_27] {
        let options = Options { go, missing_key: MissingKey::Zero };
        let mut set = TemplateSet::new("fuzz", Arc::clone(&FUNCTIONS), options);
        if set.parse_text("one", data).is_ok() {
            // Again as what `tpl` would parse, beside its own definitions.
            let _ = set.with_text(data);
        }
    }
});
