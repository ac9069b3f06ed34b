//! What holds for any change: order says nothing where it means nothing, renames are found, and nothing that differs is left out.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use hydrate_base::Change;
use hydrate_review::{FileDiff, Input, Kinship, Review, formats, review};

fn file(path: &str, before: &str, after: &str) -> FileDiff {
    let change = match (before.is_empty(), after.is_empty()) {
        (true, _) => Change::Created,
        (_, true) => Change::Deleted,
        _ => Change::Changed,
    };
    FileDiff {
        component: "app".to_owned(),
        path: format!("manifests/dev/app/{path}"),
        file: path.to_owned(),
        change,
        before: before.as_bytes().into(),
        after: after.as_bytes().into(),
    }
}

fn of_texts(before: &str, after: &str) -> Review {
    review(&Input { env: "dev".to_owned(), minor: Some(33), files: vec![file("manifest.yaml", before, after)], ..Input::default() })
}

/// JSON is YAML.
fn stream(objects: &[Json]) -> String {
    objects.iter().map(|object| format!("{}\n", serde_json::to_string_pretty(object).unwrap())).collect::<Vec<_>>().join("---\n")
}

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        any::<bool>().prop_map(Json::from),
        (-3..4_i64).prop_map(Json::from),
        prop::sample::select(vec![
            "",
            "a",
            "b",
            "1",
            "true",
            "null",
            "a: b",
            "x\ny\n",
            "{\"a\": 1}",
            "{\"a\": 2}",
            "k: 1\nl: 2\n",
            "k: 2\nl: 2\n"
        ])
        .prop_map(Json::from),
        Just(Json::Null),
    ]
}

fn tree() -> impl Strategy<Value = Json> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "name", "key", "id", "d.e/f"]), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

fn object(kind: &str, name: &str, spec: Json) -> Json {
    json!({"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// The scalars of a tree, each with the keys that lead to it; places in lists are left out.
fn leaves(tree: &Json, way: &str, all: &mut BTreeMap<String, i64>, sign: i64) {
    match tree {
        Json::Object(map) if map.is_empty() => *all.entry(format!("{way} {{}}")).or_default() += sign,
        Json::Array(items) if items.is_empty() => *all.entry(format!("{way} []")).or_default() += sign,
        Json::Object(map) => map.iter().for_each(|(key, value)| leaves(value, &format!("{way}/{key}"), all, sign)),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, way, all, sign)),
        scalar => *all.entry(format!("{way} {scalar}")).or_default() += sign,
    }
}

/// The keys of a path.
fn way(steps: &Json) -> String {
    steps.as_array().unwrap().iter().filter_map(Json::as_str).map(|key| format!("/{key}")).collect()
}

/// What the JSON says of an object: what comes less what goes, as scalars with their keys.
fn told(document: &Json, object: usize) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    for group in document["groups"].as_array().unwrap() {
        if group["objects"].as_array().unwrap().iter().any(|number| number == object) {
            for field in group["fields"].as_array().unwrap().iter().filter(|field| field["change"] != "reordered") {
                let way = way(&field["steps"]);
                if let Some(old) = field.get("old") {
                    leaves(old, &way, &mut all, -1);
                }
                if let Some(new) = field.get("new") {
                    leaves(new, &way, &mut all, 1);
                }
            }
        }
    }
    all.retain(|_, count| *count != 0);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A comparison of all scalars with the keys that lead to them finds exactly what the JSON says.
    #[test]
    fn nothing_that_differs_is_left_out(old in tree(), new in tree()) {
        let (before, after) = (object("Widget", "w", old.clone()), object("Widget", "w", new.clone()));
        let review = of_texts(&stream(std::slice::from_ref(&before)), &stream(std::slice::from_ref(&after)));
        let document = formats::json::write(&review);
        let mut wanted = BTreeMap::new();
        leaves(&before, "", &mut wanted, -1);
        leaves(&after, "", &mut wanted, 1);
        wanted.retain(|_, count| *count != 0);
        // What is emptied or filled is told with all that was in it.
        let strip = |all: BTreeMap<String, i64>| all.into_iter().filter(|(key, _)| !key.ends_with(" {}") && !key.ends_with(" []")).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(strip(told(&document, 0)), strip(wanted), "{}", serde_json::to_string_pretty(&document).unwrap());
        prop_assert_eq!(old == new, review.objects.is_empty());
    }

    /// The order of documents and of keys says nothing, nor in which file a document stands.
    #[test]
    fn order_says_nothing(trees in prop::collection::vec(tree(), 1..6), seed in any::<u64>()) {
        let objects: Vec<Json> = trees.into_iter().enumerate().map(|(number, tree)| object("Widget", &format!("w{number}"), tree)).collect();
        let mut other = objects.clone();
        other.sort_by_key(|object| hash(seed, object));
        let other: Vec<Json> = other.iter().map(reversed).collect();
        prop_assert!(of_texts(&stream(&objects), &stream(&other)).objects.is_empty());
        let mut files = vec![file("manifest.yaml", &stream(&objects), "")];
        files.extend(other.iter().enumerate().map(|(number, object)| file(&format!("{number}.yaml"), "", &stream(std::slice::from_ref(object)))));
        let review = review(&Input { files, ..Input::default() });
        prop_assert!(review.objects.is_empty(), "{:?}", review.objects);
    }

    /// Nor does that of items that the API tells apart by keys.
    #[test]
    fn the_order_of_keyed_items_says_nothing(
        ports in prop::collection::btree_set((1..5_u16, prop::sample::select(vec!["TCP", "UDP"])), 0..5),
        names in prop::collection::btree_set("[a-d]{1,2}", 1..5),
        seed in any::<u64>(),
    ) {
        let shuffled = |items: Vec<Json>| {
            let mut items = items;
            items.sort_by_key(|item| hash(seed, item));
            items
        };
        let port = |(port, protocol): &(u16, &str)| if *protocol == "TCP" && port % 2 == 0 {
            json!({"containerPort": port})
        } else {
            json!({"containerPort": port, "protocol": protocol})
        };
        let ports: Vec<Json> = ports.iter().map(port).collect();
        let containers: Vec<Json> = names.iter().map(|name| json!({"name": name, "image": format!("{name}:1")})).collect();
        let volumes: Vec<Json> = names.iter().map(|name| json!({"name": name, "emptyDir": {}})).collect();
        let deployment = |ports: Vec<Json>, mut containers: Vec<Json>, volumes: Vec<Json>, finalizers: Vec<Json>| {
            for container in &mut containers {
                container["ports"] = json!(ports);
                container["volumeMounts"] = names.iter().map(|name| json!({"name": name, "mountPath": format!("/{name}")})).collect();
            }
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "finalizers": finalizers}, "spec": {"template": {"spec": {"containers": containers, "volumes": volumes}}}})
        };
        let finalizers: Vec<Json> = names.iter().map(|name| json!(format!("example.org/{name}"))).collect();
        let before = deployment(ports.clone(), containers.clone(), volumes.clone(), finalizers.clone());
        let after = deployment(shuffled(ports), shuffled(containers), shuffled(volumes), shuffled(finalizers));
        let review = of_texts(&stream(&[before]), &stream(&[after]));
        prop_assert!(review.objects.is_empty(), "{}", formats::json::write(&review));
    }

    /// An object of some size that gets another name, and with it the names of others, is found again.
    #[test]
    fn renames_are_found(count in 1..30_usize, prefix in "[a-z]{3,8}", seed in any::<u64>()) {
        let of = |number: usize, name: String| {
            let data: serde_json::Map<String, Json> = (0..6).map(|line| (format!("key-{number}-{line}"), json!(format!("value {number} {line}")))).collect();
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
        };
        let before: Vec<Json> = (0..count).map(|number| of(number, format!("app-{number}"))).collect();
        let mut after: Vec<Json> = (0..count).map(|number| of(number, format!("{prefix}-x-{number}"))).collect();
        after.sort_by_key(|object| hash(seed, object));
        let review = of_texts(&stream(&before), &stream(&after));
        prop_assert_eq!(review.objects.len(), count);
        for object in &review.objects {
            let (old, new) = object.both().expect("paired");
            prop_assert_eq!(object.kinship, Kinship::Renamed);
            prop_assert_eq!(old.identity.name.rsplit('-').next(), new.identity.name.rsplit('-').next());
        }
    }
}

fn hash(seed: u64, value: &Json) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (seed, value.to_string()).hash(&mut hasher);
    hasher.finish()
}

/// The same with the keys of mappings the other way round.
fn reversed(value: &Json) -> Json {
    match value {
        Json::Object(map) => Json::Object(map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect()),
        Json::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

/// 300 objects with labels and two with substance: the two are shown, the rest is a line.
#[test]
fn what_a_release_of_a_chart_changes_is_a_line() {
    let object = |number: usize, version: &str, replicas: usize| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
               "metadata": {"name": format!("d{number}"), "labels": {"helm.sh/chart": format!("app-{version}"), "app.kubernetes.io/version": version}},
               "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"helm.sh/chart": format!("app-{version}")}}}}})
    };
    let before: Vec<Json> = (0..302).map(|number| object(number, "1.0.0", 1)).collect();
    let after: Vec<Json> = (0..302).map(|number| object(number, "1.1.0", if number % 200 == 7 { 2 } else { 1 })).collect();
    let review = [of_texts(&stream(&before), &stream(&after))];
    let text = formats::text::write(&review[0], Default::default(), false);
    assert!(text.contains("spec.replicas: 1 → 2") && text.contains("Deployment d7, Deployment d207"), "{text}");
    assert!(text.lines().count() < 15 && text.contains("300 objects change in nothing but"), "{text}");
    let markdown = formats::markdown::write(&review, Default::default());
    assert!(markdown.lines().count() < 50 && markdown.contains("300 objects"), "{markdown}");
    assert!(markdown.contains("spec.replicas: 1 → 2") && markdown.contains("`Deployment d7`, `Deployment d207`"), "{markdown}");
}

/// The same change to many is told once, and what else changes in some of them apart.
#[test]
fn the_same_change_is_told_once() {
    let object = |number: usize, team: &str, port: usize| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{number}"), "labels": {"team": team}}, "spec": {"ports": [{"port": port}]}});
    let before: Vec<Json> = (0..50).map(|number| object(number, "a", 80)).collect();
    let after: Vec<Json> = (0..50).map(|number| object(number, "b", if number == 3 { 81 } else { 80 })).collect();
    let review = of_texts(&stream(&before), &stream(&after));
    let document = formats::json::write(&review);
    assert_eq!(document["groups"].as_array().unwrap().len(), 2);
    assert_eq!(document["groups"][0]["objects"].as_array().unwrap().len(), 50);
    let text = formats::text::write(&review, Default::default(), false);
    assert_eq!(text.matches("metadata.labels.team: a → b").count(), 1, "{text}");
    assert!(text.contains("50 objects: 50 Service"), "{text}");
}

/// A comment holds 60 kB, with the name of everything that is dangerous.
#[test]
fn a_comment_about_thousands_of_objects_fits_and_names_every_danger() {
    let claim = |number: usize| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": format!("data-{number}"), "namespace": "x"}, "spec": {"resources": {"requests": {"storage": format!("{}Gi", number + 1)}}}});
    let map = |number: usize, value: usize| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number}")}, "data": {format!("k{number}"): format!("{value} {number}")}});
    let before: Vec<Json> = (0..5000).map(|number| if number < 900 { claim(number) } else { map(number, 1) }).collect();
    let after: Vec<Json> = (900..5000).map(|number| map(number, 2)).collect();
    let review = [of_texts(&stream(&before), &stream(&after))];
    let markdown = formats::markdown::write(&review, Default::default());
    assert!(markdown.len() < 60_000, "{}", markdown.len());
    for number in 0..900 {
        assert!(markdown.contains(&format!("x/data-{number}")), "{number}");
    }
}
