use super::*;
use crate::gitops::Handover;
use crate::project::component::SourceKind;
use crate::project::{Project, files, parse};
use hydrate_base::DiskWorld;

/// A place of a configuration file: the text before and behind it, and what may stand there.
struct Place {
    before: String,
    behind: String,
    shape: &'static Shape,
}

/// Every place of a file of this shape that takes a scalar.
fn places(shape: &'static Shape, before: &str, behind: &str) -> Vec<Place> {
    let inner = |shape, open: &str, close: &str| places(shape, &format!("{before}{open}"), &format!("{close}{behind}"));
    match shape {
        Shape::List(item) => inner(item, "[", "]"),
        Shape::MapOf(value) => inner(value, "{key: ", "}"),
        Shape::Object(keys) => keys
            .iter()
            .flat_map(|key| {
                let others = keys.iter().filter(|other| other.required && other.name != key.name);
                let others: String = others
                    .map(|other| format!("{}: {}, ", other.name, if matches!(other.shape, Shape::List(_)) { "[x]" } else { "x" }))
                    .collect();
                inner(&key.shape, &format!("{{{others}{}: ", key.name), "}")
            })
            .collect(),
        Shape::OneOf(keys) => keys.iter().flat_map(|key| inner(&key.shape, &format!("{{{}: ", key.name), "}")).collect(),
        Shape::Either(short, long) => inner(short, "", "").into_iter().chain(inner(long, "", "")).collect(),
        scalar => vec![Place { before: before.to_owned(), behind: behind.to_owned(), shape: scalar }],
    }
}

fn all_places() -> Vec<(Place, &'static Shape)> {
    let roots = files::SCHEMAS.iter().map(|(.., shape)| *shape);
    roots.flat_map(|root| places(root, "", "").into_iter().map(move |place| (place, root))).collect()
}

/// Whether a file with this text at the place is taken; what is refused is told with the place.
fn takes(place: &Place, root: &Shape, text: &str) -> bool {
    let written = format!("# head\n{}{text}{}\n", place.before, place.behind);
    let file = SourceFile::new("file.yaml", written.as_bytes());
    let wrong = check(&file, &parse::parse(&file).unwrap(), root);
    for error in &wrong {
        let label = error.primary.as_ref().unwrap_or_else(|| panic!("no place in {error} for {written}"));
        let least = "# head\n".len() + place.before.len();
        assert!(label.span.start >= least && label.span.start <= least + text.len() + 1, "{error} for {written}");
    }
    wrong.is_empty()
}

#[test]
fn booleans_are_those_of_the_core_schema_everywhere() {
    let all = all_places();
    let booleans: Vec<_> = all.iter().filter(|(place, _)| matches!(place.shape, Shape::Bool)).collect();
    assert!(booleans.len() >= 12, "{}", booleans.len());
    for (place, root) in booleans {
        for word in ["true", "True", "TRUE", "false", "False", "FALSE"] {
            assert!(takes(place, root, word), "{}{word}", place.before);
        }
        let others = ["yes", "Yes", "no", "on", "off", "y", "n", "1", "0", "1.0", "tRUE", "t", "null", "~", "", "[true]", "{a: true}"];
        for other in others.into_iter().chain(["\"true\"", "'false'", "!!str true", "!!bool yes", "!x true", ".inf"]) {
            assert!(!takes(place, root, other), "{}{other}", place.before);
        }
    }
}

#[test]
fn choices_and_texts_are_nothing_else_anywhere() {
    for (place, root) in all_places() {
        let (good, bad): (Vec<&str>, Vec<&str>) = match place.shape {
            Shape::Choice(words) => (words.to_vec(), vec!["1", "true", "[x]", "{a: b}", "nonesuch", "\"\"", "!x keep"]),
            Shape::Text => (vec!["a", "\"1\"", "'true'", "''"], vec!["1", "1.5", "true", "0x1f", "[a]", "!x a", "2001-01-01"]),
            Shape::Like(pattern) if (pattern.is)("shop") => (
                vec!["shop", "\"123\"", "a-1"],
                vec!["123", "\"x: y\"", "Shop", "-a", "a-", "a.b", "a_b", "\"\"", "true", "[a]", "\"a\\n\""],
            ),
            Shape::Like(pattern) if (pattern.is)("720h") => {
                (vec!["720h", "1h30m", "90m"], vec!["720", "1 month", "-1h", "h", "\"\"", "[a]", "true"])
            }
            Shape::Like(_) => {
                (vec!["\"1.33\"", "v1.33.1", "1.33.1-k3s1", "1.33.1+k3s1"], vec!["1.33", "1", "latest", "\"1\"", "1.x", "\"\"", "[a]"])
            }
            _ => continue,
        };
        // The entries of some lists are checked further where they are read.
        good.iter().for_each(|text| assert!(takes(&place, root, text), "{}{text}", place.before));
        bad.iter().for_each(|text| assert!(!takes(&place, root, text), "{}{text}", place.before));
    }
}

#[test]
fn every_spelling_of_a_boolean_is_read_as_it_was_checked() {
    for (word, value) in [("true", true), ("True", true), ("TRUE", true), ("false", false), ("False", false), ("FALSE", false)] {
        let component = format!(
            "apiVersionsFromCRDs: {word}\nsources:\n- helm: {{chart: c, verify: {word}, crds: {word}, apiVersionsFromCRDs: {word}}}\n"
        );
        let flux =
            format!("apiVersionsFromCRDs: {word}\nhandover: flux\ngit: {{url: https://x/y}}\nflux: {{prune: {word}, wait: {word}}}\n");
        let argocd =
            format!("handover: argocd\ngit: {{url: https://x/y}}\nargocd: {{automated: {word}, prune: {word}, selfHeal: {word}}}\n");
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let files = [("components/a/component.yaml", component), ("environments/flux.yaml", flux), ("environments/argocd.yaml", argocd)];
        for (path, text) in files {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
        let (world, project) = (DiskWorld::new(), Project::open(root).unwrap());
        let component = project.components(&world).unwrap().remove("a").unwrap().unwrap();
        let SourceKind::Helm(helm) = &component.sources.as_ref().unwrap()[0].kind else { panic!("{component:?}") };
        assert_eq!((helm.verify, helm.crds), (value, value));
        assert_eq!((helm.capabilities.apis_from_crds, component.capabilities.apis_from_crds), (Some(value), Some(value)));
        let environment = project.environment(&world, "flux").unwrap();
        let Handover::Flux(flux) = &environment.handover else { panic!("{:?}", environment.handover) };
        assert_eq!((environment.apis_from_crds, flux.prune, flux.wait), (value, value, value));
        let environment = project.environment(&world, "argocd").unwrap();
        let Handover::ArgoCd(argocd) = &environment.handover else { panic!("{:?}", environment.handover) };
        assert_eq!((argocd.automated, argocd.prune, argocd.self_heal), (value, value, value));
    }
}
