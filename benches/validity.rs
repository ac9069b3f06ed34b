//! Every check over 5,000 objects: read, compared with their types, held to all rules, and their references followed.

use std::collections::BTreeMap;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;

use hydrate::check::objects::{Object, parse};
use hydrate::check::validity::{Against, Configured, Customs, NothingCommitted, Policies, Release, check};
use hydrate::check::{Declared, External, Written, references};
use hydrate_base::SourceFile;
use hydrate_source::{Document, Origin, Trust, documents};

/// A Deployment, a Service and a ConfigMap, `@` times.
const OBJECTS: &str = include_str!("validity.yaml");

/// What objects are held to beside CRDs: nothing that anybody has configured.
#[derive(Default)]
struct Held {
    configured: Configured,
    policies: Policies<'static>,
    declared: Declared,
}

impl Held {
    fn against<'h>(&'h self, customs: &'h Customs<'h>) -> Against<'h> {
        Against {
            release: Release::of(Some("1.33")),
            configured: &self.configured,
            customs,
            policies: &self.policies,
            declared: &self.declared,
            committed: &NothingCommitted,
            runs_hooks: true,
        }
    }
}

fn objects(c: &mut Criterion) {
    let origin = Origin { source: "file".to_owned(), file: None, line: 1 };
    let of_number = |number: usize| {
        let text = OBJECTS.replace('@', &number.to_string());
        documents(&SourceFile::new("objects.yaml", text.as_bytes()), &origin, Trust::Raw).unwrap()
    };
    let all: Vec<Document> = (0..1667).flat_map(of_number).take(5000).collect();
    let dirs = BTreeMap::new();
    let written = Written { shown: "manifests/dev".to_owned(), dirs: &dirs, clusters: "clusters/dev".to_owned(), handover: None };
    let (held, customs) = (Held::default(), Customs::default());
    let against = held.against(&customs);
    let mut group = c.benchmark_group("validity");
    group.sample_size(20).throughput(Throughput::Elements(5000));
    group.bench_function("5000 objects", |b| {
        b.iter(|| {
            let objects: Vec<Object<'_>> = all.par_iter().map(|document| parse("web", document).unwrap()).collect();
            let report = check(&objects, &against, &written);
            assert!(report.objects == 5000 && report.violations.is_empty());
        });
    });
    let judged = Configured::default();
    let followed = references::Configured {
        components: "components",
        environment: "environments/dev.yaml".to_owned(),
        rows: Vec::new(),
        judged: &judged,
        is_strict: false,
    };
    let external = ["Namespace/shop", "ServiceAccount/shop/web", "Secret/shop/web", "Service/shop/api", "ConfigMap/shop/web-1666"];
    let elsewhere =
        Declared { external: external.iter().filter_map(|entry| External::parse(entry, None)).collect(), ..Declared::default() };
    group.bench_function("5000 objects with references", |b| {
        b.iter(|| {
            let objects: Vec<Object<'_>> = all.par_iter().map(|document| parse("web", document).unwrap()).collect();
            let report = check(&objects, &against, &written);
            assert!(report.objects == 5000 && report.violations.is_empty());
            let report = references::check(&objects, &elsewhere, &written, &followed);
            assert!(report.objects == 5000);
            assert_eq!(report.findings.first().map(|finding| &*finding.message), None);
        });
    });
    group.finish();
}

/// A kind with seven rules at four levels.
const CRD: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: routes.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: routes, kind: Route}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: "!has(self.hosts) || self.hosts.all(h, h.matches('^[a-z0-9.-]+$'))"}
            - {rule: "self.rules.exists_one(r, r.name == 'rule-0')"}
            - {rule: "self.rules.all(a, self.rules.exists_one(b, a.name == b.name))", message: names are different}
            properties:
              hosts: {type: array, maxItems: 8, items: {type: string, maxLength: 253}}
              rules:
                type: array
                maxItems: 16
                items:
                  type: object
                  x-kubernetes-validations:
                  - {rule: "!has(self.timeout) || duration(self.timeout) > duration('0s')"}
                  - {rule: "self.backends.map(b, b.weight).sum() <= 100"}
                  properties:
                    name: {type: string, maxLength: 63}
                    timeout: {type: string, maxLength: 10}
                    backends:
                      type: array
                      maxItems: 16
                      items:
                        type: object
                        x-kubernetes-validations: [{rule: "self.port > 0 && self.port < 65536"}, {rule: "size(self.name) > 0"}]
                        properties: {name: {type: string, maxLength: 63}, port: {type: integer}, weight: {type: integer, default: 1}}
"#;

/// A custom resource of that kind with four rules and eight backends.
fn route(number: usize) -> String {
    let rule = |rule: usize| {
        format!(
            "  - name: rule-{rule}\n    timeout: 30s\n    backends: [{{name: web-{number}, port: 80}}, {{name: api-{number}, port: 8080, weight: 9}}]\n"
        )
    };
    let rules: String = (0..4).map(rule).collect();
    format!(
        "apiVersion: example.org/v1\nkind: Route\nmetadata: {{name: r{number}, namespace: shop}}\nspec:\n  hosts: [a.example.org]\n  rules:\n{rules}"
    )
}

/// 1,000 custom resources held to their schema, with the rules of their CRD and without: each of them evaluates 31 rules.
fn custom_resources(c: &mut Criterion) {
    let origin = Origin { source: "file".to_owned(), file: None, line: 1 };
    let read = |text: &str| documents(&SourceFile::new("objects.yaml", text.as_bytes()), &origin, Trust::Raw).unwrap();
    let without: String =
        CRD.lines().filter(|line| !line.contains("rule: ") && !line.ends_with("x-kubernetes-validations:")).collect::<Vec<_>>().join("\n");
    let all: Vec<Document> = (0..1000).flat_map(|number| read(&route(number))).collect();
    let dirs = BTreeMap::new();
    let written = Written { shown: "manifests/dev".to_owned(), dirs: &dirs, clusters: "clusters/dev".to_owned(), handover: None };
    let held = Held::default();
    let mut group = c.benchmark_group("custom resources");
    group.sample_size(20).throughput(Throughput::Elements(1000));
    for (name, crd) in [("with rules", CRD), ("without rules", &without)] {
        let crd = read(crd);
        group.bench_function(name, |b| {
            b.iter(|| {
                let crds: Vec<Object<'_>> = crd.iter().map(|document| parse("crds", document).unwrap()).collect();
                let customs = Customs::of(&crds);
                let against = held.against(&customs);
                let objects: Vec<Object<'_>> = all.par_iter().map(|document| parse("web", document).unwrap()).collect();
                let report = check(&objects, &against, &written);
                assert!(report.objects == 1000 && report.violations.is_empty(), "{:?}", report.violations.first());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, objects, custom_resources);
criterion_main!(benches);
