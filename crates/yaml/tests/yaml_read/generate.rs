//! Random texts that look like YAML: pieces put together, and known texts with something changed.

/// A source of texts; equal seeds give equal texts.
pub(crate) struct Generator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

const PIECES: &[&str] = &[
    "a",
    "b",
    "key",
    "k1",
    "value",
    "x y",
    "é",
    "日本",
    ": ",
    ":",
    ":\n",
    ":  ",
    "- ",
    "-",
    "-\n",
    "? ",
    "?",
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n  ",
    "\n    ",
    "\n ",
    "\n\n",
    "\n# c",
    " # c",
    "# head\n",
    "#",
    "#x",
    "\t",
    " ",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ",",
    "'",
    "\"",
    "''",
    "\\n",
    "\\\n",
    "\\u00e9",
    "\\x41",
    "\\q",
    "'q r'",
    "\"d q\"",
    "\"a\\tb\"",
    "|",
    "|\n",
    "|-\n",
    "|+\n",
    ">\n",
    ">-\n",
    "|2\n",
    "|2-\n",
    ">+1\n",
    "&a ",
    "&b ",
    "*a",
    "*b",
    "*a ",
    "<<",
    "<<: *a\n",
    "<<: [*a, *b]\n",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!binary ",
    "!!null ",
    "!local ",
    "! ",
    "!<x> ",
    "!e!x ",
    "---",
    "--- ",
    "---\n",
    "\n---\n",
    "\n...\n",
    "...",
    "%YAML 1.1\n",
    "%YAML 1.2\n",
    "%TAG !e! tag:x,1:\n",
    "%x\n",
    "1",
    "0",
    "0644",
    "0x1F",
    "0b101",
    "0o17",
    "1_000",
    "1.5",
    ".5",
    "-.inf",
    ".nan",
    "1e3",
    "1e400",
    "-0",
    "08",
    "+1",
    "18446744073709551615",
    "9223372036854775808",
    "2001-01-01",
    "2001-12-14T21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "true",
    "yes",
    "off",
    "y",
    "N",
    "null",
    "~",
    "Null",
    "aGVsbG8=",
    "@",
    "`",
    "%",
    "\r\n",
    "\r",
    "\u{85}",
    "\u{2028}",
    "a: 1\n",
    "b: 2\n",
    "a: &a {b: 1}\n",
    "c: *a\n",
    "- a\n",
    "- b: c\n  d: e\n",
    "- - x\n",
    "a:\n  b:\n    c\n",
    "a: |\n  x\n   y\n\n  z\n",
    "k: >\n  x\n  y\n\n  z\n\n",
    "{a: b, c: d}",
    "[a, b]",
    "[a: b]",
    "{a, b: }",
    "? a\n: b\n",
    "\"a\n  b\"",
    "'a\n\n b'",
    "  # in\n",
    "\n# foot\n\n",
    "a: 1 # line\n",
    "- x # line\n",
    "a:   # line\n  b: 1\n",
];

impl Generator {
    /// A generator that also changes the texts of a corpus.
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, corpus }
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> Vec<u8> {
        if self.corpus.is_empty() || self.below(3) == 0 { self.pieces() } else { self.changed() }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % limit
    }

    fn piece(&mut self) -> &'static [u8] {
        PIECES[self.below(PIECES.len())].as_bytes()
    }

    fn pieces(&mut self) -> Vec<u8> {
        let count = 1 + self.below(14);
        (0..count).flat_map(|_| self.piece().to_vec()).collect()
    }

    fn changed(&mut self) -> Vec<u8> {
        let pick = self.below(self.corpus.len());
        let mut text = self.corpus[pick].clone();
        for _ in 0..1 + self.below(3) {
            let at = self.below(text.len() + 1);
            match self.below(5) {
                0 => drop(text.splice(at..at, self.piece().to_vec())),
                1 => {
                    let to = (at + 1 + self.below(4)).min(text.len());
                    text.drain(at.min(to)..to);
                }
                2 => {
                    let to = (at + 1).min(text.len());
                    drop(text.splice(at..to, self.piece().to_vec()));
                }
                3 => text.truncate(at),
                _ => {
                    let other = self.below(self.corpus.len());
                    let from = self.below(self.corpus[other].len() + 1);
                    text.truncate(at);
                    text.extend_from_slice(&self.corpus[other].clone()[from..]);
                }
            }
        }
        text
    }
}
