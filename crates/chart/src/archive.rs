//! Packed charts: a gzipped tar archive, read with Helm's checks (`pkg/chart/loader/archive`) and hydrate's own: links and
//! devices are refused, and nothing inflates beyond the limits.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::directory::{CHART_LIMIT, FILE_LIMIT};
use super::load::from_files;
use super::model::{Chart, File, Level};
use hydrate_base::{Diagnostic, Result};

/// Loads a chart from the bytes of a `.tgz`; `name` is its path, for messages.
pub fn load_archive(bytes: &[u8], name: &Path, level: Level) -> Result<Arc<Chart>> {
    ensure_gzip(bytes, name)?;
    let files = unpack(bytes, level).map_err(|error| match level {
        Level::V4 if !error.header => {
            Diagnostic::error("unable to load chart archive").note(error.text).note(format!("in {}", name.display()))
        }
        _ if error.header => {
            Diagnostic::error(format!("file '{}' does not appear to be a valid chart file (details: {})", name.display(), error.text))
        }
        _ => Diagnostic::error(error.text).note(format!("in {}", name.display())),
    })?;
    if level == Level::V4 && !files.iter().any(|file| file.name == "Chart.yaml") {
        return Err(Diagnostic::error("unable to detect chart version, no Chart.yaml found"));
    }
    from_files(files, &name.display().to_string(), level)
}

/// Why an archive could not be read, with Helm's text.
#[derive(Debug)]
pub struct Broken {
    /// The text.
    pub text: String,
    /// Whether it is not even a gzip stream.
    pub header: bool,
}

impl From<&str> for Broken {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), header: false }
    }
}

impl From<String> for Broken {
    fn from(text: String) -> Self {
        Self { text, header: false }
    }
}

/// The files in a packed chart, named relative to the one directory at its top.
pub fn unpack(bytes: &[u8], level: Level) -> Result<Vec<File>, Broken> {
    if !bytes.starts_with(b"\x1f\x8b\x08") {
        return Err(Broken { text: "gzip: invalid header".to_owned(), header: true });
    }
    // The limit on the whole stream holds for headers and padding too: a bomb may consist of nothing else.
    let stream = flate2::read::MultiGzDecoder::new(bytes).take(2 * CHART_LIMIT as u64);
    let mut archive = tar::Archive::new(stream);
    let mut files = Vec::new();
    let mut remaining = CHART_LIMIT;
    for entry in archive.entries().map_err(|error| broken(&error))? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || name.ends_with('/') || kind.is_pax_global_extensions() {
            continue;
        }
        if !(kind.is_file() || kind == tar::EntryType::Continuous) {
            return Err(format!("chart contains {name:?}, which is not a regular file").into());
        }
        let inner = inner_name(&name)?;
        let data = read_entry(&mut entry, &name, remaining, level)?;
        remaining -= data.len();
        files.push(File { name: inner, data });
    }
    if files.is_empty() {
        return Err("no files in chart archive".into());
    }
    Ok(files)
}

fn broken(error: &io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
        _ => error.to_string().into(),
    }
}

fn read_entry(entry: &mut impl Read, name: &str, remaining: usize, level: Level) -> Result<Arc<[u8]>, Broken> {
    let limit = if level == Level::V4 { remaining.min(FILE_LIMIT) } else { remaining };
    let mut data = Vec::new();
    entry.take(limit as u64 + 1).read_to_end(&mut data).map_err(|error| broken(&error))?;
    if data.len() > remaining {
        return Err(format!("decompressed chart is larger than the maximum size {CHART_LIMIT}").into());
    }
    if data.len() > limit {
        return Err(format!("decompressed chart file {name:?} is larger than the maximum file size {FILE_LIMIT}").into());
    }
    Ok(data.strip_prefix(b"\xEF\xBB\xBF").map_or_else(|| data.as_slice().into(), Arc::from))
}

/// The path of an entry below the archive's top directory, refused where it leaves it.
fn inner_name(name: &str) -> Result<String, Broken> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (top, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err("chart illegally contains absolute paths".into());
    }
    let clean = clean(&rest);
    if clean == "." {
        return Err(format!("chart illegally contains content outside the base directory: {name:?}").into());
    }
    if clean.starts_with("..") {
        return Err("chart illegally references parent directory".into());
    }
    if matches!(clean.as_bytes(), [drive, b':', b'/', ..] if drive.is_ascii_alphabetic()) {
        return Err("chart contains illegally named files".into());
    }
    if top == "Chart.yaml" {
        return Err("chart yaml not in base directory".into());
    }
    Ok(clean)
}

/// Go's `path.Clean` of a relative path.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

fn ensure_gzip(bytes: &[u8], name: &Path) -> Result<()> {
    if bytes.starts_with(b"\x1f\x8b\x08") {
        return Ok(());
    }
    let shown = name.display();
    let text = shown.to_string();
    if text.ends_with(".yml") || text.ends_with(".yaml") {
        return Err(Diagnostic::error(format!("file '{shown}' seems to be a YAML file, but expected a gzipped archive")));
    }
    let content = content_type(bytes.get(..512).unwrap_or(bytes));
    Err(Diagnostic::error(format!("file '{shown}' does not appear to be a gzipped archive; got '{content}'")))
}

/// The part of Go's `http.DetectContentType` that a mistaken argument is likely to meet.
fn content_type(start: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"%PDF-", "application/pdf"),
        (b"\xEF\xBB\xBF", "text/plain; charset=utf-8"),
        (b"\xFE\xFF", "text/plain; charset=utf-16be"),
        (b"\xFF\xFE", "text/plain; charset=utf-16le"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x89PNG\x0D\x0A\x1A\x0A", "image/png"),
        (b"\xFF\xD8\xFF", "image/jpeg"),
        (b"\x1F\x8B\x08", "application/x-gzip"),
    ];
    if let Some((_, known)) = KNOWN.iter().find(|(magic, _)| start.starts_with(magic)) {
        return known;
    }
    // Go looks at a buffer of 512 bytes whose unread rest is zero, and zero is a binary byte.
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F);
    if start.len() < 512 || start.iter().any(binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, data) in entries {
            let mut header = tar::Header::new_ustar();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn refused(name: &str) -> String {
        unpack(&packed(&[(name, b"x")]), Level::V4).unwrap_err().text
    }

    #[test]
    fn names_lose_their_top_directory() {
        let files = unpack(&packed(&[("c/Chart.yaml", b"\xEF\xBB\xBFname: c"), ("c\\templates\\a.yaml", b"")]), Level::V4).unwrap();
        assert_eq!(files[0], File { name: "Chart.yaml".into(), data: (*b"name: c").into() });
        assert_eq!(files[1].name, "templates/a.yaml");
    }

    #[test]
    fn hostile_names_are_refused() {
        assert_eq!(refused("c/../../etc/passwd"), "chart illegally references parent directory");
        assert_eq!(refused("c//etc/passwd"), "chart illegally contains absolute paths");
        assert_eq!(refused("Chart.yaml"), "chart illegally contains content outside the base directory: \"Chart.yaml\"");
        assert_eq!(refused("c/c:/x"), "chart contains illegally named files");
    }

    #[test]
    fn links_are_refused() {
        let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "c/values.yaml", "/etc/passwd").unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(unpack(&bytes, Level::V4).unwrap_err().text, "chart contains \"c/values.yaml\", which is not a regular file");
    }

    #[test]
    fn a_bomb_is_refused() {
        let big = vec![b'a'; FILE_LIMIT + 1];
        let text = unpack(&packed(&[("c/values.yaml", &big)]), Level::V4).unwrap_err().text;
        assert_eq!(text, format!("decompressed chart file \"c/values.yaml\" is larger than the maximum file size {FILE_LIMIT}"));
    }
}
