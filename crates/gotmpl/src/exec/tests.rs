//! Tests of what needs no recorded answer: limits, sharing, provenance.

use super::*;
use crate::func::{Function, FunctionSet, Param};
use crate::options::Options;
use crate::value::{Map, Str};
use hydrate_base::MemoryWorld;

static FUNCTIONS: &[Function] = &[
    Function {
        name: "include",
        params: &[Param::String, Param::Any],
        variadic: false,
        run: |vm, args| {
            let Value::Str(name) = &args[0] else { return Err("no name".into()) };
            vm.execute_named(name.as_bytes(), &args[1]).map(Value::str)
        },
    },
    Function {
        name: "tpl",
        params: &[Param::String, Param::Any],
        variadic: false,
        run: |vm, args| {
            let Value::Str(text) = &args[0] else { return Err("no text".into()) };
            match vm.execute_text(text.as_bytes(), &args[1]) {
                Ok(bytes) => Ok(Value::str(bytes)),
                Err(TextFailure::Parse(error)) => Err(error.text.into()),
                Err(TextFailure::Exec(error)) => Err(Failure::Exec(error).wrap("in tpl: ")),
            }
        },
    },
];

fn set(texts: &[(&str, &str)]) -> TemplateSet {
    let mut set = TemplateSet::new("root", FunctionSet::new(&[FUNCTIONS]), Options::default());
    for (name, text) in texts {
        set.parse_text(name, text.as_bytes()).expect("parses");
    }
    set
}

fn run(set: &TemplateSet, name: &str, data: &Value, limits: Limits) -> Result<Output, Box<ExecError>> {
    execute(set, name.as_bytes(), data, Context { world: &MemoryWorld::new(), host: &(), limits })
}

fn render(text: &str, data: &Value) -> String {
    match run(&set(&[("t", text)]), "t", data, Limits::default()) {
        Ok(output) => String::from_utf8(output.bytes).expect("UTF-8"),
        Err(error) => error.text(),
    }
}

fn data() -> Value {
    let inner = Map::from_entries([(Str::from("c"), Value::Float64(1.5))]);
    Value::Map(Map::from_entries([(Str::from("a"), Value::Int(7)), (Str::from("b"), Value::Map(inner))]))
}

#[test]
fn simple_things_print() {
    assert_eq!(
        render("x{{ .a }}-{{ .b.c }}{{- /* c */ -}}  y {{ .z }} {{ printf \"%05.1f|%v\" .b.c .b }}", &data()),
        "x7-1.5y <no value> 001.5|map[c:1.5]"
    );
    assert_eq!(render("{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}", &data()), "a=7;b=map[c:1.5];");
}

#[test]
fn errors_read_like_go() {
    let text = "{{ define \"x\" }}\n {{ .a.b }}{{ end }}{{ include \"x\" . }}";
    let expected = "template: t:2:23: executing \"t\" at <include \"x\" .>: error calling include: template: t:2:6: executing \"x\" at <.a.b>: can't evaluate field b in type interface {}";
    assert_eq!(render(text, &data()), expected);
}

#[test]
fn tpl_sees_the_set_and_the_set_does_not_see_tpl() {
    let text = r#"{{ define "x" }}<{{ . }}>{{ end }}{{ tpl "{{ define \"y\" }}({{ . }}){{ end }}{{ include \"x\" . }}{{ include \"y\" . }}" 1 }}{{ include "y" 2 }}"#;
    let error = render(text, &data());
    assert!(error.ends_with(r#"error calling include: template: no template "y" associated with template "root""#), "{error}");
}

#[test]
fn endless_templates_end() {
    let limits = Limits { output: 1000, ..Limits::default() };
    let recursive =
        set(&[("t", r#"{{ define "x" }}{{ template "x" . }}{{ end }}{{ define "y" }}{{ include "y" . }}{{ end }}{{ template "x" . }}"#)]);
    let error = run(&recursive, "t", &Value::Nil, limits).expect_err("ends").text();
    assert!(error.ends_with("exceeded maximum template depth (100000)"), "{error}");
    let error = run(&recursive, "y", &Value::Nil, limits).expect_err("ends").text();
    assert!(error.ends_with("exceeded maximum template depth (100000)"), "{}", error.len());
    let long = set(&[("t", "{{ range 1000 }}some text{{ end }}")]);
    assert!(run(&long, "t", &Value::Nil, limits).expect_err("ends").text().ends_with("output exceeds 1000 bytes"));
    let long = set(&[("t", "{{ range 100000000 }}{{ end }}")]);
    let limits = Limits { steps: 1000, ..limits };
    assert!(run(&long, "t", &Value::Nil, limits).expect_err("ends").text().ends_with("execution exceeds 1000 steps"));
}

#[test]
fn output_knows_where_it_came_from() {
    let output = run(&set(&[("t", "ab{{ .a }}\ncd")]), "t", &data(), Limits::default()).expect("renders");
    assert_eq!(output.bytes, b"ab7\ncd");
    let offsets: Vec<usize> = (0..6).filter_map(|at| output.origin(at)).map(|origin| origin.offset).collect();
    assert_eq!(offsets, [0, 1, 5, 10, 11, 12]);
}

#[test]
fn a_set_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&set(&[]));
}

#[test]
fn what_go_1_23_does_otherwise() {
    let options = Options { go: crate::options::GoVersion::Go1_23, ..Options::default() };
    let answer = |text: &str| {
        let mut set = TemplateSet::new("root", FunctionSet::new(&[]), options);
        set.parse_text("t", text.as_bytes()).expect("parses");
        run(&set, "t", &data(), Limits::default()).expect_err("fails").innermost_message()
    };
    assert_eq!(answer("{{ range 3 }}{{ end }}"), "range can't iterate over 3");
    assert_eq!(answer("{{ eq 1 `a` }}"), "error calling eq: incompatible types for comparison");
    assert_eq!(answer("{{ lt 1 1.5 }}"), "error calling lt: incompatible types for comparison");
}

/// Traces `t` over a table of values; the reads come as texts.
fn traced(sources: &[(&str, &str)], values: &Map) -> (Trace, Vec<String>) {
    let scope = Map::from_entries([(Str::from("Values"), Value::Map(values.clone())), (Str::from("Name"), Value::str("n"))]);
    let mut registry = Registry::default();
    registry.add_values(&trace::ValuePath::default(), values);
    registry.add_scope(&scope);
    let context = Context { world: &MemoryWorld::new(), host: &(), limits: Limits::default() };
    let (output, trace) = execute_traced(&set(sources), b"t", &Value::Map(scope), context, &std::rc::Rc::new(registry)).expect("renders");
    assert_eq!(trace.executions[0].bytes, output.bytes);
    let shown = |read: &trace::Read| match read {
        trace::Read::Value(path) => format!("{path}"),
        trace::Read::Missing(path) => format!("-{path}"),
        trace::Read::Whole(path) => format!("{path}.*"),
        trace::Read::Builtin(name) => format!(".{name}"),
    };
    let reads = trace.reads.iter().map(shown).collect();
    (trace, reads)
}

fn values() -> Map {
    let map = |entries: Vec<(&str, Value)>| Map::from_entries(entries.into_iter().map(|(key, value)| (Str::from(key), value)));
    let list = Value::List(crate::value::List::new(vec![Value::str("x"), Value::Map(map(vec![("k", Value::Int(2))]))]));
    map(vec![
        ("a", Value::Map(map(vec![("b", Value::Int(1)), ("c.d", Value::Bool(true))]))),
        ("list", list),
        ("empty", Value::Map(map(Vec::new()))),
    ])
}

#[test]
fn a_trace_says_which_values_were_read_however_they_were_come_by() {
    for (template, expected) in [
        ("{{ .Values.a.b }}", &["a.b"][..]),
        ("{{ with .Values.a }}{{ .b }}{{ end }}", &["a.b"]),
        ("{{ $v := .Values }}{{ $a := $v.a }}{{ $a.b }}", &["a.b"]),
        ("{{ (index .Values \"a\" \"c.d\") }}", &["a.c\\.d"]),
        ("{{ if .Values.empty }}{{ end }}", &["empty"]),
        ("{{ .Values.none }}", &["-none"]),
        ("{{ .Values.a.none }}{{ $.Name }}", &["-a.none", ".Name"]),
        ("{{ range .Values.list }}{{ end }}", &["list[0]"]),
        ("{{ (index .Values.list 1).k }}", &["list[1].k"]),
        ("{{ .Values.a }}", &["a.*"]),
        ("{{ printf \"%v\" .Values.list }}", &["list.*"]),
        ("{{ include \"x\" .Values.a }}", &["a.b"]),
        ("{{ tpl \"{{ .Values.a.b }}\" . }}", &["a.b"]),
        ("{{ template \"x\" .Values.a }}", &["a.b"]),
    ] {
        let (_, reads) = traced(&[("x", "{{ .b }}"), ("t", template)], &values());
        assert_eq!(reads, expected, "{template}");
    }
}

#[test]
fn a_trace_says_who_wrote_what_and_what_stands_around_it() {
    let sources = [
        ("x", "one\n{{ .b }}\n"),
        ("t", "a{{ if true }}{{ with .Values.a }}{{ template \"x\" . }}{{ end }}{{ include \"x\" .Values.a }}{{ end }}"),
    ];
    let (trace, _) = traced(&sources, &values());
    let root = &trace.executions[0];
    let text = |number: usize| String::from_utf8_lossy(&root.bytes[root.range(number)]).into_owned();
    let pieces: Vec<(String, &str, bool)> =
        root.pieces.iter().enumerate().map(|(at, piece)| (text(at), piece.file.name.as_str(), piece.is_text)).collect();
    let expected = [("a", "t", true), ("one\n", "x", true), ("1", "x", false), ("\n", "x", true), ("one\n1\n", "t", false)];
    assert_eq!(pieces, expected.map(|(text, file, is_text)| (text.to_owned(), file, is_text)));
    let mut kinds = Vec::new();
    let mut scope = root.pieces[1].scope;
    while let Some(number) = scope {
        kinds.push(trace.scopes[number].kind);
        scope = trace.scopes[number].outer;
    }
    assert_eq!(kinds, [trace::ScopeKind::Template, trace::ScopeKind::With, trace::ScopeKind::If]);
    assert_eq!((trace.executions[1].parent, trace.executions[1].bytes.as_slice()), (Some(0), &b"one\n1\n"[..]));
    assert_eq!(root.pieces[4].executions, 1..2);
}
