//! Any bytes as a packed chart, which is rendered if it can be loaded.
//!
//! The first byte chooses: the rest is the archive itself, or the tar file that is to be packed into one.

#![no_main]

use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use hydrate_base::{Limits, MemoryWorld};
use hydrate_chart::{self as chart, Level};
use hydrate_helm::{self as helm, RenderOptions};
use libfuzzer_sys::fuzz_target;

fn limits() -> Limits {
    Limits { output: 1 << 22, steps: 50_000, ..Limits::default() }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let packed = if choice & 2 == 0 { packed(rest) } else { rest.to_vec() };
    let level = if choice & 1 == 0 { Level::V4 } else { Level::V3 };
    let Ok(chart) = chart::load_archive(&packed, Path::new("c.tgz"), level) else { return };
    let options = RenderOptions { level, include_crds: true, ..RenderOptions::default() };
    let _ = helm::template(&chart, &options, &MemoryWorld::new().limited(limits()));
});

fn packed(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(tar).and_then(|()| encoder.finish()).expect("memory can be written to")
}
