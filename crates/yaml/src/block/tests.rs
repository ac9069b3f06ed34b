use proptest::prelude::*;

use super::read;
use crate::{Composer, Input};

/// What is read the short way is what is read the long way; gives whether it was read the short way.
fn agrees(text: &str) -> bool {
    let input = Input::new(text.as_bytes());
    let Some(short) = read(&input) else { return false };
    let long = Composer::new(&input).next().expect("a document").unwrap_or_else(|error| panic!("{error} in {text:?}"));
    assert_eq!(Some(short), long.root, "{text:?}");
    true
}

#[test]
fn usual_documents_are_read() {
    for text in [
        "a: 1\nb:\n  c: x y\n  d:\n  - 1\n  - e: f\n    g:\nh: []\n",
        "---\n- - a\n  - 'it''s'\n-\n  k: \"a\\tb\\u00e9\"\n-\n",
        "a: one\n  two\n\n  three\nb: 'x\n\n  y'\nc: \"x \\\n  y\\\n\n  z\"\n",
        "a: |\n  x\n\n   y\n  \nb: |-\n    x\nc: |+\n  x\n\n\nd: >\n  a\n  b\n\n  c\n   d\n  e\n",
        "a: [x, -1, \"b\", {k: v, l: [http://h/p]}]\nb: {}\n\"q\": ~\n'r s': \u{e9}\u{2019}\n",
        "a:\n    long text\n    on lines of its own\nb: x#y:z\n\n",
        "  a: b\n  c: d\n",
        "# one\n#two \na: b\n",
        "# above\n\na: b\n",
        "# above\n\n\n# one\na: b\n",
    ] {
        assert!(agrees(text), "{text:?}");
    }
}

#[test]
fn others_are_left_to_the_long_way() {
    for text in [
        "",
        "a",
        "# c\n- b\n",
        "---\n# c\na: b\n",
        "a:\n# c\n  b: c\n",
        "# c\n  \n\na: b\n",
        "a: b # c\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !!str 1\n",
        "<<: {a: b}\n",
        "a: b: c\n",
        "a: b\n- c\n",
        "a: b\n c: d\n",
        "a:\tb\n",
        "a: b\r\nc: d\n",
        "a: 'b\n---\nc'\n",
        "a: |2\n   b\n",
        "? a\n: b\n",
        "a: b\n...\n",
        "--- a: b\n",
        "\"a\\/b\": c\n",
        "a: \"\\/\"\n",
        "a: [b\n  c]\n",
        "\u{e9}: a\n",
    ] {
        assert!(!agrees(text), "{text:?}");
    }
}

proptest! {
    /// Pieces of documents in any order: whatever is read at all is read alike.
    #[test]
    fn both_ways_agree(pieces in prop::collection::vec(prop::sample::select(PIECES), 1..24)) {
        agrees(&pieces.concat());
    }
}

const PIECES: &[&str] = &[
    "a",
    "key",
    "1",
    "0x1F",
    "~",
    "true",
    "\u{e9}",
    ": ",
    ":",
    ":\n",
    "\n",
    "\n\n",
    "\n  ",
    "\n    ",
    " ",
    "  ",
    "- ",
    "-",
    "-\n",
    "\n- ",
    "\n  - ",
    "'",
    "''",
    "\"",
    "\\\"",
    "\\n",
    "\\\n",
    "\\x41",
    "|\n  ",
    ">\n  ",
    "|-\n  ",
    ">+\n    ",
    "|+\n",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "#",
    " #",
    "\t",
    "a: b\n",
    "- a: b\n",
    "  c: d\n",
    "    - x\n",
    "<<",
    "?",
    "&a ",
    "*a",
    "!t ",
    "---\n",
    "...\n",
    "%",
    "@",
];
