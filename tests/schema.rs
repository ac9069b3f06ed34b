//! docs/schema/ is what `hydrate schema` prints, and it accepts what it should.

use std::fs;
use std::path::Path;

use hydrate::project::files::{SCHEMAS, schema};

#[test]
fn kept_schemas_are_the_printed_ones() {
    for (name, ..) in SCHEMAS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.schema.json"));
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == schema(name).unwrap(), "{} is out of date: run `make schema`", path.display());
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
        let schema: serde_json::Value = serde_json::from_str(&schema(name).unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&to_json(&text)).unwrap();
        let wrong: Vec<String> = jsonschema::validator_for(&schema).unwrap().iter_errors(&file).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {}", path.display(), wrong.join("; "));
        assert!(text.starts_with("# yaml-language-server: $schema="), "{} does not name its schema", path.display());
    }
}

fn to_json(text: &str) -> String {
    let file = hydrate::base::SourceFile::new("test", text.as_bytes());
    let root = hydrate::project::parse::parse(&file).unwrap();
    hydrate::source::data::Data::from_node(&root).to_json().to_string()
}
