//! A helmfile, read, executed as a template, and made into releases. The first byte says which release of helmfile is followed, and whether the file is a
//! template by its name.

#![no_main]

use std::path::PathBuf;

use hydrate_base::{Limits, MemoryWorld};
use hydrate_helmfile::{NoRemotes, Request, TemplateOptions, Version, build, list, show_dag, template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let version = if first % 2 == 0 { Version::V1 } else { Version::V0 };
    let name = if first & 2 == 0 { "helmfile.yaml.gotmpl" } else { "helmfile.yaml" };
    let limits = Limits { steps: 200_000, output: 4 << 20, ..Limits::default() };
    let world = MemoryWorld::new()
        .limited(limits)
        .with_file(PathBuf::from("/p").join(name), text)
        .with_file("/p/values.yaml", "a: {b: 1}\n")
        .with_file("/p/base.yaml", "helmDefaults: {wait: true}\n")
        .with_file("/p/chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n")
        .with_file("/p/chart/templates/a.yaml", "{{ toYaml .Values }}");
    let request = Request { version, directory: "/p".into(), ..Request::default() };
    let _ = build(&world, &NoRemotes, &request, first & 4 != 0);
    let _ = list(&world, &NoRemotes, &request, first & 4 != 0);
    let _ = show_dag(&world, &NoRemotes, &request);
    let _ = template(&world, &NoRemotes, &request, &TemplateOptions::default());
});
