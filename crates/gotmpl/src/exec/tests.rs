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
