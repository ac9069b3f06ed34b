//! The comparison of two states of 5,000 objects, 13 MB each: where three in a hundred differ, where a label of all differs, and where nothing is as it was.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use hydrate_base::Change;
use hydrate_review::{FileDiff, Input, review};

/// A Deployment and a ConfigMap with 2.6 kB each, on average.
fn object(number: usize, version: &str, replicas: usize) -> String {
    let labels = format!(
        "    app.kubernetes.io/name: app-{number}\n    app.kubernetes.io/instance: app-{number}\n    app.kubernetes.io/version: \"{version}\"\n    helm.sh/chart: app-{version}\n"
    );
    if number.is_multiple_of(2) {
        let data: String = (0..50).map(|line| format!("    setting-{line}: value of the setting {line} of {number}\n")).collect();
        return format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-{number}\n  namespace: shop\n  labels:\n{labels}data:\n  config.yaml: |\n    replicas: {replicas}\n{data}"
        );
    }
    let env: String = (0..22)
        .map(|variable| {
            format!("        - name: VARIABLE_{variable}\n          value: \"value {variable} of the container in app-{number}\"\n")
        })
        .collect();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{number}\n  namespace: shop\n  labels:\n{labels}spec:\n  replicas: {replicas}\n  selector:\n    matchLabels:\n      app: app-{number}\n  template:\n    metadata:\n      labels:\n        app: app-{number}\n    spec:\n      serviceAccountName: app-{number}\n      containers:\n      - name: app\n        image: registry.example.org/app:{version}\n        ports:\n        - name: http\n          containerPort: 8080\n        env:\n{env}        resources:\n          requests:\n            cpu: 100m\n            memory: 128Mi\n          limits:\n            memory: 256Mi\n        readinessProbe:\n          httpGet:\n            path: /ready\n            port: http\n          periodSeconds: 10\n        volumeMounts:\n        - name: config\n          mountPath: /etc/app\n      volumes:\n      - name: config\n        configMap:\n          name: app-{number}\n"
    )
}

fn state(version: &str, replicas: &dyn Fn(usize) -> usize) -> Vec<String> {
    (0..5000).map(|number| object(number, version, replicas(number))).collect()
}

/// As one file of a component, or as a file for each object.
fn input(before: &[String], after: &[String], one_file: bool) -> Input {
    let file = |name: String, before: &str, after: &str| FileDiff {
        component: "app".to_owned(),
        path: format!("manifests/dev/app/{name}"),
        file: name,
        change: Change::Changed,
        before: before.as_bytes().into(),
        after: after.as_bytes().into(),
    };
    let files = if one_file {
        vec![file("manifest.yaml".to_owned(), &before.join("---\n"), &after.join("---\n"))]
    } else {
        let differing = before.iter().zip(after).enumerate().filter(|(_, (old, new))| old != new);
        differing.map(|(number, (old, new))| file(format!("{number}.yaml"), old, new)).collect()
    };
    Input { env: "dev".to_owned(), files, ..Input::default() }
}

fn benches(c: &mut Criterion) {
    let before = state("1.0.0", &|_| 2);
    let few = state("1.0.0", &|number| if number.is_multiple_of(33) { 3 } else { 2 });
    let labels = state("1.0.1", &|_| 2);
    let all = state("1.0.1", &|number| number % 7 + 3);
    let size = before.iter().map(String::len).sum::<usize>();
    let mut group = c.benchmark_group(format!("diff of 5000 objects, {:.1} MB", size as f64 / 1e6));
    group.sample_size(20).throughput(Throughput::Elements(5000));
    for (name, after, one_file, expected) in [
        ("3 % differ, files", &few, false, 152),
        ("3 % differ, one file", &few, true, 152),
        ("labels differ, files", &labels, false, 5000),
        ("all differ, files", &all, false, 5000),
        ("all differ, one file", &all, true, 5000),
    ] {
        let input = input(&before, after, one_file);
        group.bench_function(name, |b| {
            b.iter(|| {
                let review = review(&input);
                assert_eq!(review.objects.len(), expected);
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
