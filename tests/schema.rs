//! docs/schema/ is what `hydrate schema` prints, and it accepts what it should.

use std::fs;
use std::path::Path;
use std::process::Command;

use hydrate::project::files::{SCHEMAS, schema};
use hydrate::project::first_files::catalog;

#[test]
fn kept_schemas_are_the_printed_ones() {
    for (name, ..) in SCHEMAS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.schema.json"));
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == schema(name).unwrap(), "{} is out of date: run `make schema`", path.display());
    }
}

#[test]
fn the_catalog_names_each_schema_where_it_is_published() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/catalog.json");
    assert!(fs::read_to_string(&path).unwrap_or_default() == catalog(), "{} is out of date: run `make schema`", path.display());
    let read: serde_json::Value = serde_json::from_str(&catalog()).unwrap();
    let addresses: Vec<&str> = read["schemas"].as_array().unwrap().iter().map(|entry| entry["url"].as_str().unwrap()).collect();
    assert_eq!(addresses.len(), SCHEMAS.len());
    for (address, (name, ..)) in addresses.iter().zip(SCHEMAS) {
        let expected = format!("/raw/v{}/docs/schema/{name}.schema.json", env!("CARGO_PKG_VERSION"));
        assert!(address.starts_with("https://") && address.ends_with(&expected), "{address}");
    }
}

#[test]
fn the_projects_own_files_satisfy_their_schemas() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![("hydrate", root.join("hydrate.yaml"))];
    for (name, dir, file) in [("environment", "environments", None), ("component", "components", Some("component.yaml"))] {
        for entry in fs::read_dir(root.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            let path = file.map_or(path.clone(), |file| path.join(file));
            if path.is_file() && path.extension().is_some_and(|extension| extension == "yaml") {
                files.push((name, path));
            }
        }
    }
    for (name, path) in files {
        let wrong = violations(name, &path);
        assert!(wrong.is_empty(), "{}: {wrong}", path.display());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema="), "{} does not name its schema", path.display());
    }
}

#[test]
fn a_stranger_does_not_satisfy_them() {
    let directory = tempfile::tempdir().unwrap();
    for (name, ..) in SCHEMAS {
        let path = directory.path().join(name);
        fs::write(&path, "strange: 1\n").unwrap();
        assert!(violations(name, &path).contains("strange"), "{name}: {}", violations(name, &path));
    }
}

/// What is wrong with a file by a schema: what a chart with that schema says of the file as its values.
fn violations(schema_name: &str, values: &Path) -> String {
    let chart = tempfile::tempdir().unwrap();
    fs::write(chart.path().join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(chart.path().join("values.schema.json"), schema(schema_name).unwrap()).unwrap();
    let mut hydrate = Command::new(env!("CARGO_BIN_EXE_hydrate"));
    let done = hydrate.args(["helm", "template", "r"]).arg(chart.path()).arg("-f").arg(values).output().unwrap();
    if done.status.success() { String::new() } else { String::from_utf8(done.stderr).unwrap() }
}
