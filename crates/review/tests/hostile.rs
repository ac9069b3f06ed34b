//! What a pull request can put into names, keys and values stays text in every format.

use hydrate_base::Change;
use hydrate_base::plain::is_unsafe;
use hydrate_review::{FileDiff, Input, Review, Shown, formats, review};

/// What would be obeyed by a terminal, a runner, a browser, or a forge that shows Markdown.
const ATTACKS: &[&str] = &[
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<!-- ",
    "--><svg onload=alert(1)>",
    "</pre></details></main>",
    "]]><b>",
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)",
    "::error file=x::boo",
    "::add-mask::x",
    "##[error]boo",
    "##vso[task.setvariable variable=a]b",
    "\u{1b}[2J\u{1b}]0;boo\u{7}",
    "\u{9b}31m",
    "\u{202e}txt.exe",
    "\u{e0041}",
    "\r\n::warning::boo",
    "a\n::set-output name=x::y",
    "```\n# boo\n```",
    "````",
    "~~~",
    "`code` **bold** _it_",
    "[x](https://evil.example.com)",
    "![x](https://evil.example.com/p.png)",
    "https://evil.example.com",
    "@team #1 GH-1",
    "| a | b |",
    "<details open>",
    "</details></summary>",
    "&lt;script&gt;",
    "%0A::error::boo",
    "\u{0}",
    "a\u{2028}b",
];

/// A text in YAML, which takes no control characters as they are.
fn quoted(text: &str) -> String {
    let escaped = |c: char| if c > '~' && c < '\u{e000}' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    serde_json::to_string(text).unwrap().chars().map(escaped).collect()
}

/// A change that has an attack in every place that is shown.
fn attacked(attack: &str) -> Review {
    let (text, key) = (quoted(attack), quoted(&format!("k{attack}")));
    let deployment = |image: &str, replicas: u8, more: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {text}\n  namespace: {text}\n  annotations: {{{key}: \"{replicas}\"}}\nspec:\n  replicas: {replicas}\n  template:\n    spec:\n      containers:\n      - name: {text}\n        image: {image}\n        args: [{text}, \"{replicas}\"]\n{more}"
        )
    };
    let image = |version: u8| quoted(&format!("r/a{attack}:{version}.0.0"));
    let before = format!(
        "{}---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {text}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: {text}, b: \"one\\n\", {key}: x, y.yaml: \"a: 1\\nb: 2\\n\"}}\n",
        deployment(&image(1), 3, "")
    );
    let after = format!(
        "{}---\napiVersion: {}\nkind: {text}\nmetadata: {{name: {text}}}\nspec: {{{key}: {text}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{a: b, b: {}, y.yaml: {}}}\n",
        deployment(&image(2), 0, "        securityContext: {privileged: true}\n"),
        quoted(&format!("example.org/{attack}")),
        quoted(&format!("one\n{attack}\n")),
        quoted(&format!("a: {text}\nb: 3\n"))
    );
    let file = |path: String, change, before: &str, after: &str| FileDiff {
        component: format!("c{attack}"),
        path: format!("manifests/dev/{path}"),
        file: path,
        change,
        before: before.as_bytes().into(),
        after: after.as_bytes().into(),
    };
    let files = vec![
        file(format!("c/{attack}.yaml"), Change::Changed, &before, &after),
        file(format!("c/{attack}.txt"), Change::Created, "", attack),
    ];
    let review = review(&Input { env: format!("e{attack}"), minor: Some(33), files, ..Input::default() });
    assert!(review.objects.len() >= 4 && review.findings.len() >= 4, "{attack}: {review:?}");
    review
}

const ALL: Shown = Shown { noise: true, full: true };

#[test]
fn nothing_steers_a_terminal_or_a_runner() {
    for attack in ATTACKS {
        let reviews = [attacked(attack)];
        let github = formats::annotations::github(&reviews);
        for line in github.lines() {
            assert!(line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "), "{line}");
            let properties = line.split("::").nth(1).unwrap();
            assert!(
                properties.split(',').all(|property| ["file=", "line=", "title="].iter().any(|name| property.contains(name))),
                "{properties}"
            );
        }
        for text in [formats::text::write(&reviews[0], ALL, false), formats::markdown::write(&reviews, ALL), github.replace("\n::", "\n")] {
            assert!(!text.contains(|c| is_unsafe(c) && c != '\n'), "{attack:?} in {text:?}");
            assert!(!text.lines().skip(1).any(|line| line.trim_start().starts_with("::") && !line.starts_with("::")), "{text}");
        }
        for text in [formats::text::write(&reviews[0], ALL, false), formats::markdown::write(&reviews, ALL)] {
            let is_command =
                |line: &str| line.trim_start().starts_with("::") && line.trim_start()[2..].starts_with(|c: char| c.is_ascii_alphabetic());
            assert!(!text.lines().any(is_command), "{attack:?} in {text}");
            assert!(!text.contains("##[error") && !text.contains("##vso["), "{attack:?} in {text}");
        }
        let colored = formats::text::write(&reviews[0], ALL, true);
        assert!(!colored.contains("\u{1b}[2J") && !colored.contains("\u{1b}]") && !colored.contains('\u{9b}'), "{colored:?}");
    }
}

#[test]
fn a_comment_has_no_markup_but_its_own() {
    for attack in ATTACKS {
        let text = formats::markdown::write(&[attacked(attack)], ALL);
        // Tags of HTML outside of code are its own.
        let mut fence: Option<String> = None;
        for line in text.lines() {
            let ticks: String = line.chars().take_while(|c| *c == '`').collect();
            match &fence {
                Some(open) if line == open => fence = None,
                Some(_) => continue,
                None if ticks.len() >= 3 && line.strip_prefix(ticks.as_str()) == Some("diff") => fence = Some(ticks),
                None => {
                    let bare = without_code(line);
                    let rest = ["<details>", "</details>", "<summary>", "</summary>", "<b>", "</b>", "<!-- -->"]
                        .iter()
                        .fold(bare, |text, tag| text.replace(tag, ""));
                    assert!(!rest.contains(['<', '>', '@', '[', ']', '!', '~']), "{attack:?}: {line}");
                    assert!(!rest.contains("javascript:") && !rest.contains("https:"), "{attack:?}: {line}");
                    assert!(!rest.starts_with("# ") && !rest.starts_with('`'), "{attack:?}: {line}");
                }
            }
        }
        assert!(fence.is_none(), "{attack:?}: {text}");
    }
}

/// A line without spans of code.
fn without_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        out.push_str(&rest[..at]);
        let ticks: String = rest[at..].chars().take_while(|c| *c == '`').collect();
        let inside = &rest[at + ticks.len()..];
        let mut from = 0;
        // The end is a run of as many backticks.
        let end = loop {
            let Some(next) = inside[from..].find('`') else { break None };
            let run = inside[from + next..].chars().take_while(|c| *c == '`').count();
            if run == ticks.len() {
                break Some(from + next);
            }
            from += next + run;
        };
        let end = end.unwrap_or_else(|| panic!("a span of code is open: {line}"));
        rest = &inside[end + ticks.len()..];
    }
    out + rest
}

#[test]
fn the_page_has_no_elements_but_its_own() {
    let plain = elements(&formats::html::write(&[attacked("x")], &Default::default()));
    for attack in ATTACKS {
        let needs =
            [(format!("e{attack}"), [(format!("c{attack}"), vec![attack.to_string()]), (attack.to_string(), vec![])].into())].into();
        let page = formats::html::write(&[attacked(attack)], &needs);
        assert!(!page.contains(|c| is_unsafe(c) && c != '\n'), "{attack:?}");
        let own = ["details", "svg", "g", "rect", "text", "path", "summary", "span", "pre", "p", "li", "code", "strong"];
        for (name, attributes) in elements(&page) {
            assert!(own.contains(&name.as_str()) || plain.iter().any(|(known, _)| *known == name), "{attack:?} made <{name}>");
            assert!(!attributes.to_ascii_lowercase().contains(" on"), "{attack:?} made <{name}{attributes}>");
        }
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(page.contains("default-src 'none'; style-src 'sha256-") && !page.contains("unsafe-inline"));
    }
}

/// The elements that a browser would make: names, and what stands behind them in the tag.
fn elements(page: &str) -> Vec<(String, String)> {
    let start = page.find("<body>").unwrap();
    let end = page.rfind("<script>").unwrap();
    let tag = |part: &str| {
        let name: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
        let rest = part[name.len()..].split('>').next().unwrap_or_default().to_owned();
        (!name.is_empty()).then_some((name, rest))
    };
    page[start..end].split('<').skip(1).filter_map(tag).collect()
}

#[test]
fn documents_for_machines_are_whole() {
    for attack in ATTACKS {
        let reviews = [attacked(attack)];
        let sarif: serde_json::Value = serde_json::from_slice(&formats::sarif::write(&reviews)).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        assert_eq!(results.len(), reviews[0].findings.len());
        for result in results {
            for location in result["locations"].as_array().into_iter().flatten() {
                let uri = location["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
                assert!(uri.starts_with("manifests/dev/c/") && uri.is_ascii() && !uri.contains([':', ' ', '<', '"']), "{uri}");
            }
        }
        let gitlab: serde_json::Value = serde_json::from_slice(&formats::annotations::gitlab(&reviews)).unwrap();
        assert_eq!(gitlab.as_array().unwrap().len(), reviews[0].findings.len());
        for bytes in [formats::sarif::write(&reviews), formats::annotations::gitlab(&reviews)] {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains(|c| is_unsafe(c) && c != '\n'), "{attack:?}");
        }
    }
}

/// No value of a Secret is in any format, nor its length.
#[test]
fn secrets_are_in_no_format() {
    let secret = |value: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{{\"data\": \"{value}\"}}'\ndata:\n  a: {value}\nstringData:\n  b: {value}plain\n{more}"
        )
    };
    let files = |before: String, after: String, change| FileDiff {
        component: "c".to_owned(),
        path: "manifests/dev/c/s.yaml".to_owned(),
        file: "s.yaml".to_owned(),
        change,
        before: before.into_bytes().into(),
        after: after.into_bytes().into(),
    };
    let of = |value: &str| {
        vec![
            review(&Input {
                files: vec![files(secret("b2xkb2xk", ""), secret(value, "  c: more\n"), Change::Changed)],
                ..Input::default()
            }),
            review(&Input { files: vec![files(String::new(), secret(value, ""), Change::Created)], ..Input::default() }),
            review(&Input { files: vec![files(secret(value, ""), String::new(), Change::Deleted)], ..Input::default() }),
        ]
    };
    let all = |value: &str| {
        let reviews = of(value);
        let mut said: Vec<String> = reviews.iter().map(|review| formats::text::write(review, ALL, false)).collect();
        said.extend(reviews.iter().map(|review| formats::json::write(review).to_string()));
        said.push(formats::markdown::write(&reviews, ALL));
        said.push(formats::html::write(&reviews, &Default::default()));
        said.push(String::from_utf8(formats::sarif::write(&reviews)).unwrap());
        said.push(format!("{reviews:?}"));
        said
    };
    let said = all("c2VjcmV0");
    for text in &said {
        assert!(!text.contains("c2VjcmV0") && !text.contains("b2xkb2xk") && !text.contains("plain") && !text.contains("more\n"), "{text}");
    }
    assert!(said[0].contains("data.a: changed (hidden)") && said[0].contains("stringData.c: added (hidden)"), "{}", said[0]);
    // Another value of another length is told in the same words.
    assert_eq!(said, all("YW5vdGhlciBhbmQgbG9uZ2Vy"));
}
