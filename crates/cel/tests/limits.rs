//! Expressions that are long or deep end in an answer.

use std::collections::BTreeMap;

use hydrate_cel::{Environment, Features, Value};

/// Without optimisation the deepest that is allowed takes more than the 2 MiB that threads of tests have.
fn value_of(expression: &str) -> Result<Value, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(8 << 20).spawn_scoped(scope, || evaluated(expression));
        thread.unwrap().join().unwrap()
    })
}

fn evaluated(expression: &str) -> Result<Value, String> {
    let environment = Environment::new(Features::stored(37));
    let program = environment.compile(expression).map_err(|faults| faults[0].message.clone())?;
    program.estimate(&environment);
    program.evaluate(&BTreeMap::new(), 1_000_000).value.map_err(|error| error.to_string())
}

#[test]
fn chains_of_logic_may_be_long() {
    let chain = vec!["true"; 10_000].join(" && ");
    assert!(matches!(value_of(&chain), Ok(Value::Bool(true))));
    assert!(matches!(value_of(&format!("{} || false", vec!["false"; 9_000].join("||"))), Ok(Value::Bool(false))));
}

#[test]
fn other_chains_and_depth_are_limited() {
    assert!(matches!(value_of(&vec!["1"; 200].join("+")), Ok(Value::Int(200))));
    assert!(matches!(value_of(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), Ok(Value::Int(1))));
    for expression in [
        vec!["1"; 300].join("+"),
        vec!["1"; 300].join("*"),
        vec!["1"; 300].join("<"),
        format!("{}1{}", "(".repeat(300), ")".repeat(300)),
        format!("{}1{}", "[".repeat(300), "]".repeat(300)),
        format!("a{}", ".b".repeat(300)),
        format!("a{}", "[0]".repeat(300)),
    ] {
        let refused = value_of(&expression).unwrap_err();
        assert!(refused.starts_with("expression recursion limit exceeded"), "{refused}");
    }
    assert!(value_of(&"a".repeat(100_001)).unwrap_err().starts_with("expression code point size exceeds limit"));
}
