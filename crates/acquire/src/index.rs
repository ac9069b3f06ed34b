//! index.yaml of a chart repository, read as a stream for the few charts that are wanted.
//!
//! Public indexes reach 50 MB. What helm and chart servers write is block-style YAML with one key a chart below
//! `entries:`; from that, the lines of the wanted charts are cut out as they pass and only they are parsed. An index in
//! another style (JSON, flow mappings) is read whole, up to a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

/// The most that is read of an index.
pub(crate) const MAX_INDEX: u64 = 256 << 20;

/// The indexes that were read in this run, on the disk: of the many megabytes of one, another chart may be asked for later.
#[derive(Debug, Default)]
pub(crate) struct Copies(Mutex<BTreeMap<String, Arc<Mutex<Option<File>>>>>);

impl Copies {
    /// The entries of some charts in the index of a repository. It is downloaded by whoever asks first, who is given the
    /// way to read it as it arrives (again from its beginning, where the connection is cut); the others wait for that.
    pub(crate) fn read<E, A>(
        &self,
        repository: &str,
        wanted: &BTreeSet<String>,
        download: impl FnOnce(&mut dyn FnMut(&mut dyn Read) -> io::Result<Found>) -> Result<Result<Found, A>, E>,
    ) -> Result<Result<Found, A>, E> {
        let slot = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(repository.to_owned()).or_default());
        let mut copy = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let again = copy.as_mut().and_then(|file| file.rewind().and_then(|()| read(file, wanted)).ok());
        if let Some(found) = again {
            return Ok(Ok(found));
        }
        let mut whole = None;
        let found = download(&mut |reader| {
            let mut tee = Tee { reader, copy: tempfile::tempfile().ok() };
            let found = read(&mut tee, wanted)?;
            io::copy(&mut (&mut tee).take(MAX_INDEX), &mut io::sink())?;
            whole = tee.copy;
            Ok(found)
        })?;
        *copy = whole;
        Ok(found)
    }
}

/// Copies what passes by, as long as the disk takes it: without a copy, the next chart downloads the index again.
struct Tee<'a> {
    reader: &'a mut dyn Read,
    copy: Option<File>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let passed = buffer.get(..count).unwrap_or_default();
        if self.copy.as_mut().is_some_and(|copy| copy.write_all(passed).is_err()) {
            self.copy = None;
        }
        Ok(count)
    }
}

/// One version of a chart in an index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ChartVersion {
    /// The chart's version.
    pub version: String,
    /// Addresses of the archive, absolute or relative to the repository; the later ones are mirrors.
    #[serde(default)]
    pub urls: Vec<String>,
    /// SHA-256 of the archive, where the index has it.
    #[serde(default)]
    pub digest: String,
    /// Whether the chart is deprecated.
    #[serde(default)]
    pub deprecated: bool,
    /// The version of what the chart installs.
    #[serde(default, rename = "appVersion")]
    pub app_version: Option<serde_yaml::Value>,
}

/// What was found: versions by chart, in the order of the index, and all chart names that passed by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The wanted charts that are there.
    pub charts: BTreeMap<String, Vec<ChartVersion>>,
    /// The names of all charts, for "did you mean".
    pub names: BTreeSet<String>,
}

/// Reads an index for the charts named in `wanted`. Memory is bounded by the longest of their entries.
pub(crate) fn read(reader: &mut dyn Read, wanted: &BTreeSet<String>) -> io::Result<Found> {
    let mut lines = Lines { reader: BufReader::with_capacity(1 << 16, reader.take(MAX_INDEX)), line: Vec::new() };
    let mut head = Vec::new();
    while lines.next()? {
        let line = lines.text();
        if line.starts_with(b"entries:") {
            return match trimmed(&line[8..]) {
                b"" => entries(&mut lines, wanted),
                _ => whole(head, &mut lines, wanted),
            };
        }
        let flow = matches!(line.first(), Some(b'{' | b'[' | b'"' | b'\''));
        head.extend_from_slice(line);
        if flow {
            return whole(head, &mut lines, wanted);
        }
    }
    Err(invalid("it has no `entries:`; is this the address of a chart repository?"))
}

struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> io::Result<bool> {
        self.line.clear();
        Ok(self.reader.read_until(b'\n', &mut self.line)? > 0)
    }

    fn text(&self) -> &[u8] {
        &self.line
    }
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.into())
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    if line.starts_with(b"#") { b"" } else { line }
}

/// The block below `entries:`: keys at one indentation, and what belongs to each of them.
fn entries<R: Read>(lines: &mut Lines<R>, wanted: &BTreeSet<String>) -> io::Result<Found> {
    let mut found = Found::default();
    let mut indent = None;
    let mut current: Option<(String, Vec<u8>)> = None;
    while lines.next()? {
        let line = lines.text();
        let depth = line.iter().take_while(|byte| **byte == b' ').count();
        if trimmed(line).is_empty() {
            continue;
        }
        let level = *indent.get_or_insert(depth);
        let item = line[depth..].starts_with(b"- ") || line[depth..].trim_ascii_end() == b"-";
        if depth > level || (depth == level && item) {
            if let Some((_, text)) = &mut current {
                text.extend_from_slice(line);
            }
            continue;
        }
        finish(&mut found, current.take())?;
        if depth < level || depth == 0 {
            break;
        }
        let (name, rest) = key(&line[depth..]).ok_or_else(|| invalid(format!("this line is no chart: {}", shown(line))))?;
        if wanted.contains(&name) {
            current = Some((name.clone(), rest));
        }
        found.names.insert(name);
    }
    finish(&mut found, current)?;
    Ok(found)
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim().chars().take(60).collect()
}

/// `name:` or `"name":`, with what stands behind it on the line.
fn key(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = std::str::from_utf8(line).ok()?;
    let (name, rest) = match text.chars().next()? {
        quote @ ('"' | '\'') => text[1..].split_once(quote).and_then(|(name, rest)| Some((name, rest.strip_prefix(':')?)))?,
        _ => text.split_once(':')?,
    };
    Some((name.trim().to_owned(), rest.as_bytes().to_vec()))
}

fn finish(found: &mut Found, current: Option<(String, Vec<u8>)>) -> io::Result<()> {
    let Some((name, text)) = current else { return Ok(()) };
    let versions: Option<Vec<serde_yaml::Value>> =
        serde_yaml::from_slice(&text).map_err(|error| invalid(format!("the entry of {name} is broken: {error}")))?;
    found.charts.insert(name, versions.unwrap_or_default().into_iter().filter_map(version).collect());
    Ok(())
}

/// An entry that lacks a version is passed over, as helm does.
fn version(value: serde_yaml::Value) -> Option<ChartVersion> {
    serde_yaml::from_value(value).ok()
}

/// An index in a style that cannot be cut line by line.
fn whole<R: Read>(mut text: Vec<u8>, lines: &mut Lines<R>, wanted: &BTreeSet<String>) -> io::Result<Found> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        entries: BTreeMap<String, Option<Vec<serde_yaml::Value>>>,
    }
    if !text.ends_with(lines.text()) {
        text.extend_from_slice(lines.text());
    }
    lines.reader.read_to_end(&mut text)?;
    let index: Index = match text.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(&text).map_err(|error| invalid(format!("it is not JSON: {error}")))?,
        _ => serde_yaml::from_slice(&text).map_err(|error| invalid(format!("it is not an index: {error}")))?,
    };
    let mut found = Found { names: index.entries.keys().cloned().collect(), ..Found::default() };
    for (name, versions) in index.entries.into_iter().filter(|(name, _)| wanted.contains(name)) {
        found.charts.insert(name, versions.unwrap_or_default().into_iter().filter_map(version).collect());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for(text: &str, name: &str) -> io::Result<Found> {
        read(&mut text.as_bytes(), &BTreeSet::from([name.to_owned()]))
    }

    const INDEX: &str = "apiVersion: v1\nentries:\n  alpha:\n  - version: 1.0.0\n    urls:\n    - alpha-1.0.0.tgz\n  beta:\n  \
        - apiVersion: v2\n    appVersion: 2\n    description: 'has a line\n\n      gamma: in it'\n    digest: abc\n    urls:\n    \
        - https://x/beta-2.0.0.tgz\n    - https://y/beta-2.0.0.tgz\n    version: 2.0.0\n  - version: 1.9.0\n    urls: []\n  \
        \"delta\": []\ngenerated: \"2026-01-01\"\n";

    #[test]
    fn only_the_wanted_chart_is_parsed() {
        let found = read_for(INDEX, "beta").unwrap();
        let beta = &found.charts["beta"];
        assert_eq!(beta.iter().map(|entry| entry.version.as_str()).collect::<Vec<_>>(), ["2.0.0", "1.9.0"]);
        assert_eq!(beta[0].urls.len(), 2);
        assert_eq!(beta[0].digest, "abc");
        assert_eq!(found.names.iter().map(String::as_str).collect::<Vec<_>>(), ["alpha", "beta", "delta"]);
    }

    #[test]
    fn indented_lists_and_json_are_the_same() {
        let indented =
            INDEX.replace("\n  - ", "\n    - ").replace("\n    urls", "\n      urls").replace("\n    version", "\n      version");
        assert_eq!(read_for(&indented, "alpha").unwrap().charts["alpha"][0].version, "1.0.0");
        let json = r#"{"apiVersion":"v1","entries":{"alpha":[{"version":"1.0.0","urls":["alpha-1.0.0.tgz"]}]}}"#;
        assert_eq!(read_for(json, "alpha").unwrap().charts, read_for(INDEX, "alpha").unwrap().charts);
        let flow = "apiVersion: v1\nentries: {alpha: [{version: 1.0.0, urls: [alpha-1.0.0.tgz]}]}\n";
        assert_eq!(read_for(flow, "alpha").unwrap().charts, read_for(INDEX, "alpha").unwrap().charts);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, want) in [
            ("<html>\n</html>\n", "no `entries:`"),
            ("", "no `entries:`"),
            ("entries:\n  a:\n  - version: [\n  b: []\n", "the entry of a is broken"),
            ("{\"entries\": [", "not JSON"),
        ] {
            let error = read_for(text, "a").unwrap_err().to_string();
            assert!(error.contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn a_version_that_is_no_string_is_passed_over() {
        let found = read_for("entries:\n  a:\n  - version: 1.0.0\n  - urls: []\n", "a").unwrap();
        assert_eq!(found.charts["a"].len(), 1);
    }
}
