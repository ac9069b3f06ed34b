use super::*;
use crate::options::GoVersion;

fn shown(value: Result<Value, String>) -> Result<String, String> {
    fn show(value: &Value) -> String {
        match value {
            Value::Nil => "nil".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) | Value::Int64(value) => format!("int {value}"),
            Value::Float64(value) => value.to_string(),
            Value::Str(text) => format!("{text:?}"),
            Value::List(list) => format!("{:?}", list.items().iter().map(show).collect::<Vec<_>>()).replace('\\', "").replace("\"\"", "\""),
            Value::Map(map) => map.entries().iter().map(|(key, value)| format!("{}={};", key.to_str_lossy(), show(value))).collect(),
            Value::Rare(_) => "rare".to_owned(),
        }
    }
    value.map(|value| show(&value))
}

#[test]
fn yaml_goes_through_json() {
    let map = |text: &str| shown(from_yaml(text.as_bytes(), DecodeOptions::MAP));
    assert_eq!(map("a: 1\nb: yes\n3: c\n").as_deref(), Ok("3=\"c\";a=1;b=true;"));
    assert_eq!(map("").as_deref(), Ok(""));
    assert_eq!(map("# nothing\n").as_deref(), Ok(""));
    assert_eq!(
        map("- a"),
        Err("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}"
            .into())
    );
    assert_eq!(map("a: b: c"), Err("error converting YAML to JSON: yaml: mapping values are not allowed in this context".into()));
    let integers = DecodeOptions { numbers: Numbers::Int64, ..DecodeOptions::MAP };
    assert_eq!(shown(from_yaml(b"a: 1\nb: 1.5", integers)).as_deref(), Ok("a=int 1;b=1.5;"));
}

#[test]
fn json_values() {
    let any = |text: &[u8]| shown(from_json(text, Target::Any, Numbers::Float64));
    assert_eq!(any(br#" {"a": [1, -2.5e1, true, null], "a2": "\u00e9\ud83d\ude00\ud800x"} "#).as_deref(), {
        Ok("a=[\"1\", \"-25\", \"true\", \"nil\"];a2=\"é😀\u{fffd}x\";")
    });
    assert_eq!(any(b"\"a\xffb\xe2\x82\"").as_deref(), Ok("\"a\u{fffd}b\u{fffd}\u{fffd}\""));
}

#[test]
fn json_errors() {
    for (text, message) in [
        ("", "unexpected end of JSON input"),
        ("[1", "unexpected end of JSON input"),
        ("tru", "invalid character ' ' in literal true (expecting 'e')"),
        ("{a", "invalid character 'a' looking for beginning of object key string"),
        ("{\"a\" 1", "invalid character '1' after object key"),
        ("{\"a\":1 x", "invalid character 'x' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("1 2", "invalid character '2' after top-level value"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1e", "invalid character ' ' in exponent of numeric literal"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        ("\"\\u12g\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ("\"\n\"", "invalid character '\\n' in string literal"),
        ("'a'", "invalid character '\\'' looking for beginning of value"),
        ("1e999", "json: cannot unmarshal number 1e999 into Go value of type float64"),
    ] {
        let read = from_json_of(GoVersion::Go1_23, text.as_bytes(), Target::Any, Numbers::Float64);
        assert_eq!(shown(read), Err(message.to_owned()), "{text}");
    }
    let list = from_json(b"{}", Target::List("[]interface {}"), Numbers::Float64);
    assert_eq!(shown(list), Err("json: cannot unmarshal object into Go value of type []interface {}".to_owned()));
}

#[test]
fn json_errors_since_go_1_27() {
    for (text, message) in [
        ("-", "unexpected end of JSON input"),
        ("tru", "unexpected end of JSON input"),
        ("é", "invalid character 'é' looking for beginning of value"),
        ("1.x", "invalid character 'x' in numeric literal"),
        ("\"\\q\"", "invalid escape sequence `\\q` in string"),
        ("\"\\u1\"}  ", "invalid escape sequence \"\\\\u1\\\"} \" in string"),
        ("\"\\u12\"}", "invalid escape sequence `\\u12\"}` in string"),
        ("\"\\u12", "unexpected end of JSON input"),
        ("\"\n\"", "invalid character '\\n' in string"),
        ("{\"a\":{\"b\":1e999}}", "json: cannot unmarshal number 1e999 into Go struct field .a.b of type float64"),
        ("[{\"a\":[1,1e999]}]", "json: cannot unmarshal number 1e999 into .0.a.1 of type float64"),
    ] {
        assert_eq!(shown(from_json(text.as_bytes(), Target::Any, Numbers::Float64)), Err(message.to_owned()), "{text}");
    }
}
