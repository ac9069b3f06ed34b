//! Parsing and executing a template of the kind charts are made of.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hydrate_base::{MemoryWorld, SourceFile};
use hydrate_gotmpl::{
    Context, Failure, Function, FunctionSet, Limits, List, Map, Options, Param, Str, TemplateSet, Value, Vm, execute, fmt,
};

fn text(value: &Value) -> Result<&Str, Failure> {
    match value {
        Value::Str(text) => Ok(text),
        _ => Err("not a string".into()),
    }
}

fn include(vm: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    vm.execute_named(text(&args[0])?.as_bytes(), &args[1]).map(Value::str)
}

fn default(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    Ok(if args[1].truth() { args[1].clone() } else { args[0].clone() })
}

fn indent(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    let Value::Int(width) = args[0] else { return Err("no width".into()) };
    let pad = format!("\n{}", " ".repeat(usize::try_from(width).unwrap_or(0)));
    let lines = text(&args[1])?.to_str_lossy().replace('\n', &pad);
    Ok(Value::str(format!("{pad}{lines}")))
}

fn quote(_: &mut Vm<'_>, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::str(fmt::quote(&fmt::to_bytes(&args[0]))))
}

static FUNCTIONS: &[Function] = &[
    Function { name: "include", params: &[Param::String, Param::Any], variadic: false, run: include },
    Function { name: "default", params: &[Param::Any, Param::Any], variadic: false, run: default },
    Function { name: "nindent", params: &[Param::Int, Param::String], variadic: false, run: indent },
    Function { name: "quote", params: &[Param::Any], variadic: false, run: quote },
];

const HELPERS: &str = r#"
{{- define "app.name" -}}{{ default .Chart.Name .Values.nameOverride }}{{- end }}
{{- define "app.fullname" -}}{{ printf "%s-%s" .Release.Name (include "app.name" .) }}{{- end }}
{{- define "app.labels" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- with .Values.extraLabels }}
{{- range $key, $value := . }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}
"#;

const DEPLOYMENT: &str = r#"
{{- range $i, $component := .Values.components }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.fullname" $ }}-{{ $component.name }}
  labels: {{- include "app.labels" $ | nindent 4 }}
spec:
  replicas: {{ $component.replicas | default 1 }}
  template:
    spec:
      {{- if and $component.enabled (not $component.hostNetwork) (gt (len $component.ports) 0) }}
      containers:
        - name: {{ $component.name }}
          image: "{{ $.Values.image.registry }}/{{ $.Values.image.repository }}:{{ $.Values.image.tag }}"
          ports:
            {{- range $component.ports }}
            - name: {{ .name }}
              containerPort: {{ .port }}
            {{- end }}
          env:
            {{- range $key, $value := $component.env }}
            - name: {{ $key }}
              value: {{ $value | quote }}
            {{- end }}
      {{- else }}
      containers: []
      {{- end }}
{{- end }}
"#;

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(Map::from_entries(entries.into_iter().map(|(key, value)| (Str::from(key), value))))
}

fn component(index: usize) -> Value {
    let port = |name: &str, port: f64| map([("name", Value::str(name)), ("port", Value::Float64(port))]);
    map([
        ("name", Value::str(format!("component-{index}"))),
        ("enabled", Value::Bool(true)),
        ("hostNetwork", Value::Bool(false)),
        ("ports", Value::List(List::new(vec![port("http", 8080.0), port("metrics", 9090.0), port("grpc", 9095.0)]))),
        ("env", map([("LOG_LEVEL", Value::str("info")), ("JAVA_OPTS", Value::str("-Xmx1g")), ("THREADS", Value::Float64(4.0))])),
    ])
}

fn data() -> Value {
    let image = map([("registry", Value::str("docker.io")), ("repository", Value::str("org/app")), ("tag", Value::str("1.2.3"))]);
    let values = map([
        ("image", image),
        ("extraLabels", map([("team", Value::str("platform")), ("tier", Value::str("backend"))])),
        ("components", Value::List(List::new((0..20).map(component).collect()))),
    ]);
    map([("Values", values), ("Chart", map([("Name", Value::str("app"))])), ("Release", map([("Name", Value::str("release"))]))])
}

fn benches(c: &mut Criterion) {
    let file = SourceFile::new("templates/deployment.yaml", DEPLOYMENT.as_bytes());
    let mut set = TemplateSet::new("gotpl", FunctionSet::new(&[FUNCTIONS]), Options::default());
    set.parse_text("templates/_helpers.tpl", HELPERS.as_bytes()).expect("parses");
    let mut group = c.benchmark_group("gotmpl");
    group.throughput(Throughput::Bytes(DEPLOYMENT.len() as u64));
    group.bench_function("parse", |b| b.iter(|| set.clone().parse(&file)));
    set.parse(&file).expect("parses");
    let (data, world) = (data(), MemoryWorld::new());
    let context = Context { world: &world, host: &(), limits: Limits::default() };
    let run = || execute(&set, b"templates/deployment.yaml", &data, context).expect("renders");
    group.throughput(Throughput::Bytes(run().bytes.len() as u64));
    group.bench_function("execute", |b| b.iter(run));
    // What is executed within another template is not recorded, so the difference is what provenance costs.
    group.bench_function("execute without provenance", |b| {
        b.iter(|| Vm::new(set.clone(), context).execute_named(b"templates/deployment.yaml", &data).expect("renders"));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
