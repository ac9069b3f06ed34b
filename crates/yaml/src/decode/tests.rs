use super::*;

/// Shows values as JSON, ints and floats told apart.
struct Show;

impl Build for Show {
    type Value = String;
    type Key = String;

    fn scalar(&mut self, scalar: Scalar<'_>) -> String {
        match scalar {
            Scalar::Null => "null".to_owned(),
            scalar => gofmt::go_syntax(&scalar),
        }
    }

    fn key(&mut self, text: &str) -> String {
        text.to_owned()
    }

    fn sequence(&mut self, items: Vec<String>) -> String {
        format!("[{}]", items.join(","))
    }

    fn mapping(&mut self, entries: Vec<(String, String)>) -> String {
        let map: std::collections::BTreeMap<_, _> = entries.into_iter().collect();
        let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
        format!("{{{}}}", entries.join(","))
    }
}

fn sigs(text: &str) -> Result<String, String> {
    decode(text.as_bytes(), Options::SIGS, &mut Show).map_err(|error| error.to_string())
}

fn v3(text: &str) -> Result<String, String> {
    decode(text.as_bytes(), Options::V3, &mut Show).map_err(|error| error.to_string())
}

#[test]
fn values() {
    for (text, value) in [
        ("", "null"),
        ("a: 1\nb: [x, 'y', \"z\\n\"]\n", r#"{"a":1,"b":["x","y","z\n"]}"#),
        ("- a\n- b: c\n  d: e\n-\n", r#"["a",{"b":"c","d":"e"},null]"#),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y"}"#),
        ("a: yes\n1: on\n1.5: x\n", r#"{"1":true,"1.5":"x","a":true}"#),
        ("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  b: 2\n", r#"{"a":{"b":1},"c":{"b":1},"d":{"b":2}}"#),
        ("x: é ü\nz: 2001-01-01\n", r#"{"x":"é ü","z":"2001-01-01"}"#),
        ("--- a\n--- b\n", r#""a""#),
    ] {
        assert_eq!(sigs(text).as_deref(), Ok(value), "{text}");
    }
}

#[test]
fn errors() {
    for (text, message) in [
        ("a: b: c\n", "yaml: mapping values are not allowed in this context"),
        ("x:\n  a: b: c\n", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: [1, 2\nb: 3\n", "yaml: line 1: did not find expected ',' or ']'"),
        ("a:\n  b: 1\n c: 2\n", "yaml: line 2: did not find expected key"),
        ("a: @x\n", "yaml: found character that cannot start any token"),
        ("a: \"x", "yaml: found unexpected end of stream"),
        ("a: *x\n", "yaml: unknown anchor 'x' referenced"),
        ("a: &x [*x]\n", "yaml: anchor 'x' value contains itself"),
        ("a: .nan\n", "json: unsupported value: NaN"),
        ("~: b\n", "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"b\""),
    ] {
        assert_eq!(sigs(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn duplicates() {
    let strict = |text: &str| decode(text.as_bytes(), Options::SIGS_STRICT, &mut Show).map_err(|error| error.to_string());
    assert_eq!(sigs("a: 1\na: 2\n").as_deref(), Ok(r#"{"a":2}"#));
    assert_eq!(strict("a: 1\na: 2\n"), Err("yaml: unmarshal errors:\n  line 2: key \"a\" already set in map".to_owned()));
    assert_eq!(v3("a: 1\na: 2\n"), Err("yaml: unmarshal errors:\n  line 2: mapping key \"a\" already defined at line 1".to_owned()));
}

#[test]
fn deep_nesting_is_an_error() {
    for text in ["[".repeat(20_000), "- ".repeat(20_000), "{a: ".repeat(20_000), "? ".repeat(20_000)] {
        let error = sigs(&text).expect_err("is too deep");
        assert!(error.contains("exceeded max depth"), "{error}");
    }
}
