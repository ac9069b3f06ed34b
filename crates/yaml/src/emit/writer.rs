//! The bytes, and where in the line they stand.

/// The output with libyaml's view of it: column, whether white space was last, whether only indentation was.
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    /// In characters.
    pub(super) column: usize,
    pub(super) whitespace: bool,
    pub(super) indention: bool,
    /// The indentation at which a foot comment has just been written; what follows there is set off by a blank line.
    pub(super) foot_indent: isize,
}

impl Writer {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, column: 0, whitespace: true, indention: true, foot_indent: -1 }
    }

    /// One ASCII character.
    #[inline]
    pub(super) fn put(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.column += 1;
    }

    /// Text without line breaks.
    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    /// Text that is known to be ASCII and without line breaks.
    #[inline]
    pub(super) fn ascii(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.column += text.len();
    }

    #[inline]
    pub(super) fn line_break(&mut self) {
        self.bytes.push(b'\n');
        self.column = 0;
        self.indention = true;
    }

    /// A line break of the text itself: `\n`, or another one, which is kept.
    pub(super) fn text_break(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.column = 0;
        self.indention = true;
    }

    /// Goes to the indentation, on a new line if need be.
    #[inline]
    pub(super) fn indent_to(&mut self, indent: isize) {
        let indent = indent.max(0);
        let target = indent.unsigned_abs();
        if !self.indention || self.column > target || (self.column == target && !self.whitespace) {
            self.line_break();
        }
        if self.foot_indent == indent {
            self.line_break();
        }
        self.spaces_to(target);
        self.whitespace = true;
        self.indention = true;
        self.foot_indent = -1;
    }

    /// Fills the line up to a column.
    #[inline]
    pub(super) fn spaces_to(&mut self, column: usize) {
        const SPACES: &[u8; 64] = &[b' '; 64];
        while self.column < column {
            let count = (column - self.column).min(SPACES.len());
            self.bytes.extend_from_slice(&SPACES[..count]);
            self.column += count;
        }
    }

    #[inline]
    pub(super) fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace {
            self.space_if_needed();
        }
        self.ascii(text);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    #[inline]
    pub(super) fn space_if_needed(&mut self) {
        if !self.whitespace {
            self.put(b' ');
        }
    }

    /// The name of an anchor, behind its sign.
    pub(super) fn word(&mut self, text: &str) {
        self.ascii(text);
        self.end_word();
    }

    pub(super) fn end_word(&mut self) {
        self.whitespace = false;
        self.indention = false;
    }

    pub(super) fn tag_handle(&mut self, handle: &str) {
        self.space_if_needed();
        self.word(handle);
    }

    /// The rest of a tag, percent-encoded where a URI needs it.
    pub(super) fn tag_content(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b";/?:@&=+$,_.~*'()[]-".contains(&byte) {
                self.put(byte);
            } else {
                self.put(b'%');
                self.put(HEX[usize::from(byte >> 4)]);
                self.put(HEX[usize::from(byte & 15)]);
            }
        }
        self.end_word();
    }
}
