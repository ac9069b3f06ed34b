//! Values of an environment in HCL, alone and over others.

#![no_main]

use hydrate_base::{Limits, MemoryWorld};
use hydrate_helmfile::{NoRemotes, Request, Version, print_env};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let version = if first % 2 == 0 { Version::V1 } else { Version::V0 };
    let limits = Limits { steps: 200_000, output: 4 << 20, ..Limits::default() };
    let files = if first & 2 == 0 { "[values.hcl]" } else { "[first.hcl, values.hcl]" };
    let world = MemoryWorld::new()
        .limited(limits)
        .with_file("/p/helmfile.yaml", format!("environments: {{default: {{values: {files}}}}}\n"))
        .with_file("/p/first.hcl", "values {\n  a = 1\n  b = hv.a\n}\nlocals {\n  c = [1, 2]\n}\n")
        .with_file("/p/values.hcl", text);
    let request = Request { version, directory: "/p".into(), ..Request::default() };
    let _ = print_env(&world, &NoRemotes, &request, first & 4 != 0);
});
