//! What is paired with what, and what of it is told.

use hydrate_base::Change;
use hydrate_review::{FileDiff, Input, Kinship, Noise, Review, SameFile, Shown, formats, review};

fn of(before: &str, after: &str, same: &[&str]) -> Review {
    let file = FileDiff {
        component: "app".to_owned(),
        path: "manifests/dev/app/manifest.yaml".to_owned(),
        file: "manifest.yaml".to_owned(),
        change: Change::Changed,
        before: before.as_bytes().into(),
        after: after.as_bytes().into(),
    };
    let same = same.iter().enumerate().map(|(number, text)| SameFile {
        component: "crds".to_owned(),
        path: format!("manifests/dev/crds/{number}.yaml"),
        content: text.as_bytes().into(),
    });
    review(&Input { env: "dev".to_owned(), minor: Some(33), files: vec![file], same: same.collect(), ..Input::default() })
}

/// The paths of all changes, with what happened; those inside of texts too, and noise in brackets.
fn told(review: &Review) -> Vec<String> {
    let fields = review.objects.iter().flat_map(|object| &object.fields);
    let all = fields.flat_map(|field| if field.inside.is_empty() { std::slice::from_ref(field) } else { &field.inside[..] });
    all.map(|field| {
        let said = format!("{} {}", field.kind.word(), field.path);
        if field.noise.is_some() { format!("({said})") } else { said }
    })
    .collect()
}

fn changes(before: &str, after: &str) -> Vec<String> {
    told(&of(before, after, &[]))
}

#[test]
fn an_api_that_moved_to_another_group_is_the_same_object() {
    let ingress = |version: &str, backend: &str| {
        format!(
            "apiVersion: {version}\nkind: Ingress\nmetadata: {{name: web, namespace: x}}\nspec:\n  rules:\n  - host: a.example.org\n    http: {{paths: [{{path: /, {backend}}}]}}\n"
        )
    };
    let old = ingress("extensions/v1beta1", "backend: {serviceName: web, servicePort: 80}");
    let new = ingress("networking.k8s.io/v1", "pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}");
    let review = of(&old, &new, &[]);
    assert_eq!(review.objects[0].kinship, Kinship::Migrated);
    assert!(told(&review).contains(&"changed apiVersion".to_owned()));
    assert!(
        told(&review).iter().any(|path| path.ends_with("spec.rules[a.example.org].http.paths[/].backend.serviceName")),
        "{:?}",
        told(&review)
    );
    // A kind of others in another group is another object.
    let review = of(&old.replace("extensions/v1beta1", "a.example.org/v1"), &new.replace("networking.k8s.io/v1", "b.example.org/v1"), &[]);
    assert_eq!(review.objects.len(), 2);
}

#[test]
fn names_that_follow_from_content_are_followed() {
    let app = |hash: &str, value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-{hash}}}\ndata: {{a: {value}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: app}}\nspec:\n  template:\n    spec:\n      volumes: [{{name: c, configMap: {{name: app-{hash}}}}}]\n"
        )
    };
    let review = of(&app("m2f7b4t8h6", "one"), &app("k5g4f8t9td", "two"), &[]);
    assert_eq!(review.objects[0].kinship, Kinship::Hashed);
    assert_eq!(told(&review), ["(changed metadata.name)", "changed data.a", "(changed spec.template.spec.volumes[c].configMap.name)"]);
    assert_eq!(review.objects[1].fields[0].noise, Some(Noise::HashedName));
    assert!(review.objects[1].is_noise());
}

#[test]
fn items_are_told_apart_by_the_keys_of_the_api() {
    let ports = |ports: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        ports: {ports}\n"
        )
    };
    assert_eq!(
        changes(
            &ports("[{containerPort: 53, protocol: UDP}, {containerPort: 53}]"),
            &ports("[{containerPort: 53, protocol: TCP, name: dns}, {containerPort: 53, protocol: UDP}]")
        ),
        ["added spec.template.spec.containers[web].ports[53/TCP].protocol", "added spec.template.spec.containers[web].ports[53/TCP].name"]
    );
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: routes.example.org}\nspec:\n  group: example.org\n  names: {kind: Route, plural: routes}\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            properties:\n              rules:\n                type: array\n                x-kubernetes-list-type: map\n                x-kubernetes-list-map-keys: [zone, port]\n                items: {type: object, properties: {port: {type: integer, default: 80}}}\n              tags: {type: array, x-kubernetes-list-type: set}\n";

#[test]
fn items_are_told_apart_by_the_keys_of_a_crd_that_stays() {
    let route = |rules: &str, tags: &str| {
        format!("apiVersion: example.org/v1\nkind: Route\nmetadata: {{name: r}}\nspec: {{rules: {rules}, tags: {tags}}}\n")
    };
    let old = route("[{zone: a, port: 80, w: 1}, {zone: b, port: 80, w: 1}]", "[x, y]");
    let new = route("[{zone: b, port: 80, w: 2}, {zone: a, w: 1, port: 80}]", "[z, x]");
    assert_eq!(told(&of(&old, &new, &[CRD])), ["changed spec.rules[b/80].w", "removed spec.tags[y]", "added spec.tags[z]"]);
    // Without the CRD the order may say something.
    assert!(told(&of(&old, &new, &[])).len() > 3);
}

#[test]
fn order_is_told_where_it_says_something() {
    let pod = |args: &str, env: &str, init: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  initContainers: {init}\n  containers: [{{name: web, args: {args}, env: {env}}}]\n"
        )
    };
    let (env, init) = ("[{name: A, value: a}, {name: B, value: $(A)}]", "[{name: one}, {name: two}]");
    let old = pod("[a, b, c]", env, init);
    assert_eq!(changes(&old, &pod("[b, a, c]", env, init)).len(), 2);
    assert_eq!(
        changes(&old, &pod("[a, b, c]", "[{name: B, value: $(A)}, {name: A, value: a}]", init)),
        ["reordered spec.containers[web].env"]
    );
    assert_eq!(changes(&old, &pod("[a, b, c]", env, "[{name: two}, {name: one}]")), ["reordered spec.initContainers"]);
}

#[test]
fn texts_that_are_documents_are_compared_inside() {
    let map = |name: &str, text: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  {name}: {}\n", serde_json::to_string(text).unwrap())
    };
    for (name, old, new, wanted) in [
        (
            "a.yaml",
            "server:\n  port: 80\n  hosts: [{name: a, x: 1}]\n",
            "# c\nserver: {hosts: [{name: a, x: 2}], port: 80}\n",
            "changed data[a.yaml] » server.hosts[a].x",
        ),
        (
            "a.json",
            "{\"panels\": [{\"id\": 1, \"t\": \"a\"}, {\"id\": 2}]}",
            "{\"panels\": [{\"id\": 1, \"t\": \"b\"}, {\"id\": 2}]}",
            "changed data[a.json] » panels[1].t",
        ),
        ("a.toml", "[server]\nport = 80\n", "[server]\nport = 81\n", "changed data[a.toml] » server.port"),
        ("a.properties", "# c\nserver.port=80\nb=1\n", "b = 1\nserver.port = 81\n", "changed data[a.properties] » [server.port]"),
        ("run.sh", "echo a: b\n", "echo a: c\n", "changed data[run.sh]"),
        ("a.yaml", "a: 1\nb: 2\n", "b: 2\na: 1\n", "(changed data[a.yaml])"),
    ] {
        assert_eq!(changes(&map(name, old), &map(name, new)), [wanted], "{name}");
    }
}

#[test]
fn ciphertexts_are_no_differences_to_read() {
    let secret = |mac: &str, data: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  password: ENC[AES256_GCM,data:{data},iv:aa,tag:bb,type:str]\nsops:\n  lastmodified: \"{mac}\"\n  mac: ENC[AES256_GCM,data:{mac},iv:aa,tag:bb,type:str]\n"
        )
    };
    let review = of(&secret("1", "AAAA"), &secret("2", "AAAA"), &[]);
    assert!(review.objects[0].is_noise());
    let review = of(&secret("1", "AAAA"), &secret("2", "BBBBBBBB"), &[]);
    let text = formats::text::write(&review, Shown::default(), false);
    assert!(text.contains("stringData.password: changed (encrypted)") && !text.contains("ENC[") && !text.contains("BBBB"), "{text}");
}

#[test]
fn what_moves_to_another_component_is_told_as_moved() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n";
    let file = |component: &str, before: &str, after: &str, change| FileDiff {
        component: component.to_owned(),
        path: format!("manifests/dev/{component}/configmap-a.yaml"),
        file: "configmap-a.yaml".to_owned(),
        change,
        before: before.as_bytes().into(),
        after: after.as_bytes().into(),
    };
    let files = vec![file("one", text, "", Change::Deleted), file("two", "", text, Change::Created)];
    let review = review(&Input { env: "dev".to_owned(), files, ..Input::default() });
    assert!(review.objects.len() == 1 && review.objects[0].is_moved() && review.objects[0].fields.is_empty());
    let text = formats::text::write(&review, Shown::default(), false);
    assert!(text.contains("> moved ConfigMap a") && text.contains("from component one to two"), "{text}");
}

#[test]
fn comments_and_the_way_of_writing_are_no_difference() {
    let review = of(
        "# a\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"b\"}\n",
        "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: a\ndata:\n  a: b # c\n",
        &[],
    );
    assert!(review.objects.is_empty() && review.rewritten.len() == 1);
    // A number is no text.
    assert_eq!(
        changes(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"1\"}\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n"
        ),
        ["changed data.a"]
    );
}

/// A file that cannot be read on one side hides nothing of the other.
#[test]
fn what_cannot_be_read_hides_nothing() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    for (before, after, change) in [("a: [\n", map, Change::Created), (map, "no object\n", Change::Deleted)] {
        let review = of(before, after, &[]);
        assert_eq!((review.objects.len(), review.objects[0].change(), review.others.len()), (1, change, 1));
        assert!(formats::text::write(&review, Shown::default(), false).contains("changed manifests/dev/app/manifest.yaml"));
    }
}
