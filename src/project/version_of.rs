//! The Kubernetes version that stands in a file of somebody else: `kubernetes: {file: ../eks/env.hcl, key: cluster_version}`.

use hydrate_base::{Diagnostic, SourceFile, World, is_refused};
use hydrate_yaml::node::Node;

use super::parse::{Parsed, Spanned};
use super::{Project, files};

/// Reads the version of an environment, as it is written there or in the file that is named.
pub(super) fn read(world: &dyn World, project: &Project, file: &Parsed, root: &Node) -> Result<Option<Spanned>, Vec<Box<Diagnostic>>> {
    let Some(from) = root.get("kubernetes").filter(|node| node.entries().is_some()) else { return Ok(file.text(root, "kubernetes")) };
    let Some((path, key)) = file.text(from, "file").zip(file.text(from, "key")) else { return Ok(None) };
    find(world, project, &path, &key).map(Some).map_err(|error| vec![error])
}

fn find(world: &dyn World, project: &Project, path: &Spanned, key: &Spanned) -> Result<Spanned, Box<Diagnostic>> {
    let shown = format!("{}/{}", project.settings.environments, path.text);
    let text = world.read(&project.root.join(&shown)).map_err(|error| {
        let diagnostic = path.error(format!("cannot read {shown}: {error}"), "");
        if is_refused(&error) {
            diagnostic.help("`root: worktree` in hydrate.yaml allows what lies in the same Git work tree")
        } else {
            diagnostic
        }
    })?;
    let other = SourceFile::new(shown.as_str(), text);
    let lines = other.utf8()?;
    let found = lines.lines().enumerate().find_map(|(at, line)| Some((at + 1, value(line, &key.text)?)));
    let Some((line, version)) = found else {
        return Err(key.error(format!("{shown} has no line `{} = …` or `{}: …`", key.text, key.text), ""));
    };
    if !files::is_version(version) {
        let error = Diagnostic::error(format!("`{version}` is not a Kubernetes version")).at(&other, other.line_range(line), "");
        return Err(error.note("an environment takes it from there").help("write it as \"1.33.1\""));
    }
    Ok(Spanned { text: version.to_owned(), label: key.label.clone() })
}

/// What a line says for a key: `key = "value"`, `key: value # remark`.
fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let rest = line.trim_start().trim_start_matches(['"', '\'']).strip_prefix(key)?;
    let rest = rest.trim_start_matches(['"', '\'']).trim_start().strip_prefix(['=', ':'])?.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = rest.strip_prefix(quote) {
            return inner.split(quote).next();
        }
    }
    let plain = rest.split(['#', ',', ' ', '\t']).next().unwrap_or_default();
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn lines() {
        for (line, want) in [
            ("  cluster_version = \"1.33\" # eks", Some("1.33")),
            ("cluster_version: 1.33.1", Some("1.33.1")),
            ("  \"cluster_version\": \"1.32\",", Some("1.32")),
            ("cluster_version=1.31 # now", Some("1.31")),
            ("cluster_version_old = \"1.2\"", None),
            ("# cluster_version = \"1.2\"", None),
            ("cluster_version =", None),
        ] {
            assert_eq!(value(line, "cluster_version"), want, "{line}");
        }
    }
}
