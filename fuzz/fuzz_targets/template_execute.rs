//! A template and its values, rendered as a chart at one of the levels, with all functions there are.
//!
//! The input is a byte that chooses the level, the template, and after a line `===` the values.

#![no_main]

use hydrate_base::{Limits, MemoryWorld};
use hydrate_chart::{self as chart, File, Level};
use hydrate_helm::{self as helm, RenderOptions};
use libfuzzer_sys::fuzz_target;

/// Small enough for some hundred runs a second, whatever the template does.
fn limits() -> Limits {
    Limits { output: 1 << 22, steps: 50_000, ..Limits::default() }
}

const DIVIDER: &[u8] = b"\n===\n";

fuzz_target!(|data: &[u8]| {
    let Some((choice, text)) = data.split_first() else { return };
    let level = if choice % 2 == 0 { Level::V4 } else { Level::V3 };
    let (template, values) = match text.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        Some(at) => (&text[..at], &text[at + DIVIDER.len()..]),
        None => (text, &b"a: {b: [1, two, 3.5, null, true], c: text}\n"[..]),
    };
    let file = |name: &str, data: &[u8]| File { name: name.into(), data: data.into() };
    let files = vec![
        file("Chart.yaml", b"apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        file("values.yaml", values),
        file("files/a.txt", b"one\ntwo\n"),
        file("templates/a.yaml", template),
        file("templates/_b.tpl", b"{{define \"b\"}}{{.}}{{end}}{{define \"c\"}}x: {{include \"b\" .}}{{end}}"),
    ];
    let Ok(chart) = chart::from_files(files, "c", level) else { return };
    let options = RenderOptions { level, ..RenderOptions::default() };
    let _ = helm::template(&chart, &options, &MemoryWorld::new().limited(limits()));
});
