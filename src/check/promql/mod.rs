//! PromQL: whether a query can be read, and which metrics it names.
//!
//! It follows the grammar of Prometheus 3 (`promql/parser/generated_parser.y`) and its checks of types, without
//! evaluating anything. Grafana's variables may stand where Grafana would put their text; what they make of a query
//! cannot be known, so whatever one touches is taken to be right.
//!
//! `promql-parser` was looked at: it reads a query as Prometheus does, with a generated parser (`lrpar` and its build scripts), and so refuses Grafana's
//! variables, which most queries of dashboards have; and its errors and names have no place in the query, which findings need.

mod functions;
mod lex;
mod parse;

use std::ops::Range;

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In one sentence.
    pub message: String,
    /// The bytes of the query.
    pub span: Range<usize>,
}

impl Error {
    fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        Self { message: message.into(), span }
    }
}

/// A query that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The metrics that it names, with their places; those that variables are part of are left out.
    pub metrics: Vec<(String, Range<usize>)>,
}

/// Reads a query.
pub fn parse(text: &str) -> Result<Query, Error> {
    let tokens = lex::tokens(text)?;
    parse::Parser::new(text, &tokens).query()
}

/// Whether a text that is no PromQL is LogQL: it pipes lines through filters, or calls what only Loki has.
pub fn is_logql(text: &str) -> bool {
    let mut plain = String::new();
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(open) if c == '\\' && open != '`' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None => plain.push(c),
        }
    }
    let words = plain.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    plain.contains('|') || words.into_iter().any(|word| functions::OF_LOGS.contains(&word))
}

/// Whether variables take part in a query outside of its quoted texts.
pub fn has_variables(text: &str) -> bool {
    text.contains("[[")
        || lex::tokens(text).map_or(text.contains('$'), |tokens| tokens.iter().any(|token| token.kind == lex::TokenKind::Variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(text: &str) -> Vec<String> {
        parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.message)).metrics.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn queries_name_metrics() {
        for (text, wanted) in [
            ("up", "up"),
            ("sum by (job, le,) (rate(a_bucket{job=~\"x|y\", code!='5'}[5m] offset 1h)) / on (job) group_left () b > bool 1", "a_bucket b"),
            ("sum(rate(a[5m])) without(x)", "a"),
            ("histogram_quantile(0.9, sum by (le) (rate(job:a:rate5m[1h30m:1m])))", "job:a:rate5m"),
            ("-a ^ 2 * +b % 3 - 1e3 + 0x1F + .5 + Inf + NaN", "a b"),
            ("a and on () b or ignoring (x) c unless d", "a b c d"),
            ("absent({__name__=\"a\", x=\"y\"})", "a"),
            ("{\"a.b\", c=\"d\"}", "a.b"),
            ("a @ 1609746000 + b @ start() + c @ end() offset -5m", "a b c"),
            ("label_replace(a, \"x\", \"$1\", \"y\", \"(.*)\")", "a"),
            ("topk(5, a) by (x) # the largest", "a"),
            ("vector(1) + scalar(a) + time() - hour()", "a"),
            ("max_over_time(sum(a)[1h:])", "a"),
            ("count_values(\"v\", a)", "a"),
            ("1 > bool 2", ""),
            ("a[5m]", "a"),
            ("a[300]", "a"),
            ("\"text\"", ""),
            ("sum", "sum"),
            ("rate(a[$__rate_interval]) > $limit", "a"),
            ("topk($n, rate(node_${kind}_total{x=\"$x\"}[${i}m]))", ""),
            ("$agg by ($label) (a)", "a"),
            ("sum by (${by:csv}) (increase(a{$filter, x=\"y\"}[$__range]))", "a"),
            ("a{x=\"}\"} - b{y='\\''} + c{z=`\\`}", "a b c"),
        ] {
            assert_eq!(metrics(text).join(" "), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_query_is_told() {
        for (text, at, message) in [
            ("", 0, "no expression found in input"),
            ("sum(a", 5, "unclosed left parenthesis"),
            ("sum by (x (a)", 10, "unexpected `(` in grouping, expected `,` or `)`"),
            ("sum by x) (a)", 7, "unexpected `x` in grouping, expected `(`"),
            ("rat(a[5m])", 0, "unknown function `rat`"),
            ("rate(a)", 5, "expected a range vector in the call of `rate`, got an instant vector"),
            ("abs(a[5m])", 4, "expected an instant vector in the call of `abs`, got a range vector"),
            ("rate(a[5m], 1)", 0, "expected 1 argument in the call of `rate`, got 2"),
            ("clamp(a, 1)", 0, "expected 3 arguments in the call of `clamp`, got 2"),
            ("a[5x]", 2, "bad number or duration `5x`"),
            ("a[5m", 4, "unexpected end of input in a range, expected `]`"),
            ("sum(a)[5m]", 6, "ranges are only allowed for vector selectors"),
            ("a[5m][5m]", 5, "ranges are only allowed for vector selectors"),
            ("a[5m] + 1", 0, "binary expressions take scalars and instant vectors, not a range vector"),
            ("\"a\" + 1", 0, "binary expressions take scalars and instant vectors, not a string"),
            ("1 > 2", 2, "comparisons between scalars must use the `bool` modifier"),
            ("a + bool b", 4, "the `bool` modifier can only be used on comparisons"),
            ("1 and a", 2, "the set operator `and` is not allowed with a scalar"),
            ("a and on (x) group_left () b", 13, "no grouping is allowed for `and`"),
            ("a + on (x) 1", 4, "vector matching is only allowed between instant vectors"),
            ("{}", 0, "a vector selector must contain at least one non-empty matcher"),
            ("{x=\"\"}", 0, "a vector selector must contain at least one non-empty matcher"),
            ("a{x=y}", 4, "unexpected `y` in label matching, expected a quoted string"),
            ("a{x}", 3, "unexpected `}` in label matching, expected a comparison: `=`, `!=`, `=~` or `!~`"),
            ("a{x=~\"(\"}", 5, "the regular expression does not parse"),
            ("a{x=\"y\"", 7, "unexpected end of input in label matching, expected `,` or `}`"),
            ("a \"b\"", 2, "unexpected `\"b\"`"),
            ("a b", 2, "unexpected `b`"),
            ("a +", 3, "unexpected end of input"),
            ("sum(a) offset 5m", 7, "`offset` must follow a selector or a subquery"),
            ("topk(a)", 0, "expected 2 arguments in the aggregation `topk`, got 1"),
            ("topk(a, b)", 5, "expected a scalar in the aggregation `topk`, got an instant vector"),
            ("sum(1)", 4, "expected an instant vector in the aggregation `sum`, got a scalar"),
            ("\"a", 0, "unterminated quoted string"),
            ("a & b", 2, "unexpected character `&`"),
            ("rate(a[5m],)", 11, "trailing commas are not allowed in arguments"),
            ("on", 0, "unexpected `on`"),
            ("a)", 1, "unexpected `)`"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.message.as_str(), error.span.start), (message, at), "{text}");
        }
    }

    #[test]
    fn nothing_panics_or_overflows() {
        for text in [
            "(".repeat(100_000),
            "-".repeat(100_000),
            "a+".repeat(100_000),
            "a^".repeat(100_000),
            "a[1m:".repeat(9000),
            "$".repeat(9),
            "a{".to_owned(),
            "${".to_owned(),
        ] {
            let _ = parse(&text);
            let _ = is_logql(&text);
        }
        let long = format!("a{}", "+a".repeat(5000));
        assert_eq!(parse(&long).unwrap().metrics.len(), 5001);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_a_place(text in "[a-z0-9_:$(){}\\[\\]\"'`=!~<>+*/^%@,.# \n\\\\é-]{0,40}") {
            if let Err(error) = parse(&text) {
                proptest::prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{error:?}");
            }
            let _ = (is_logql(&text), has_variables(&text));
        }
    }

    #[test]
    fn questions_about_logs_are_recognised() {
        for text in ["sum(rate({a=\"b\"} |= \"x\" [5m]))", "{a=\"b\"} | json", "bytes_rate({a=\"b\"}[5m])"] {
            assert!(is_logql(text), "{text}");
        }
        for text in ["rate(a{b=~\"x|y\"}[5m])", "a or b", "sum(a{x='|'})"] {
            assert!(!is_logql(text), "{text}");
        }
        assert!(has_variables("a[$x]") && has_variables("a[[[x]]]") && !has_variables("a{x=\"$y\"}"));
    }
}
