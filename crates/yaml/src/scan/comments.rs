//! Comments, collected beside the tokens as go-yaml v3 does, so that the parser can hang them on events.
//!
//! Which comment is a head, a line or a foot depends on line and column arithmetic that has no other definition than
//! `yaml_parser_scan_comments` of `scannerc.go`; this follows it step by step.

use super::{Mark, Scanner, TokenKind};

/// What a comment is to the token it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Head,
    Line,
    Foot,
}

/// Comment lines that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    /// Where the scan began in which it was found.
    scan: Mark,
    /// The token it belongs to is the first that does not start before this.
    pub(crate) token: Mark,
    start: Mark,
    end: Mark,
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// What the scanner keeps for comments.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Comments not yet taken by the parser.
    pub queue: std::collections::VecDeque<Comment>,
    /// Line breaks since the last character that is not blank.
    pub newlines: u32,
}

impl State {
    /// Where a block ends that closes now: before the foot comments that stand at its parent's indentation.
    pub(crate) fn end_of_block(&self, mut block: Mark, indent: i32) -> Mark {
        let mut stop = block.index;
        for comment in self.queue.iter().rev() {
            if comment.end.index < stop {
                break;
            }
            if i64::from(comment.start.column) == i64::from(indent) + 1 {
                block = comment.start;
            }
            stop = comment.scan.index;
        }
        block
    }
}

/// A scan over the lines of comments that stand together.
struct Scan {
    scan: Mark,
    token: Mark,
    start: Mark,
    text: String,
}

impl Scanner<'_> {
    /// A comment on the line of a `-` that opens a sequence is a header of what follows: `- # comment`.
    pub(super) fn lift_line_comment(&mut self) {
        let count = self.tokens.len();
        let none = self.comments.as_ref().is_none_or(|comments| comments.queue.is_empty());
        if none || count < 2 || self.is_break(0) {
            return;
        }
        let opens = matches!(self.tokens.get(count - 2), Some(token) if matches!(token.kind, TokenKind::BlockSequenceStart))
            && matches!(self.tokens.get(count - 1), Some(token) if matches!(token.kind, TokenKind::BlockEntry));
        let here = self.mark();
        let Some(comment) = self.comments.as_mut().and_then(|comments| comments.queue.back_mut()) else {
            return;
        };
        if opens && comment.role == Role::Line {
            comment.role = Role::Head;
            if comment.start.line + 1 == here.line {
                comment.token = here;
            }
        }
    }

    /// Takes a comment that stands on the line of the token just scanned.
    pub(super) fn scan_line_comment(&mut self, token: Mark) {
        if self.comments.as_ref().is_none_or(|comments| comments.newlines > 0) {
            return;
        }
        let blanks = (0..512).take_while(|&ahead| self.is_blank(ahead)).count();
        if self.at(blanks) != b'#' || blanks == 512 {
            return;
        }
        self.advance(blanks);
        let start = self.mark();
        let text = self.read_comment();
        self.keep(Comment { scan: Mark::default(), token, start, end: Mark::default(), role: Role::Line, text });
    }

    fn keep(&mut self, comment: Comment) {
        if let Some(comments) = &mut self.comments {
            comments.queue.push_back(comment);
        }
    }

    fn read_comment(&mut self) -> String {
        let from = self.pos;
        self.skip_to_line_end();
        self.slice(from, self.pos).to_owned()
    }

    /// Takes the comments from the position on, up to the next thing that is no comment.
    pub(super) fn scan_comments(&mut self, scan_mark: Mark) {
        let (token_is_value, token) = self.token_before_comment();
        let newlines = self.comments.as_ref().map_or(0, |comments| comments.newlines);
        let foot_line = self.foot_line(scan_mark, newlines);
        let mut scan = Scan { scan: scan_mark, token, start: Mark::default(), text: String::new() };
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = newlines <= 1;
        let mut here = self.mark();
        let mut peek = 0;
        while peek < 512 {
            here.column += 1;
            if self.is_blank(peek) {
                peek += 1;
                continue;
            }
            let c = self.at(peek);
            let close_flow = self.flow_level > 0 && (c == b']' || c == b'}');
            let dedented = i64::from(scan.start.column) - 1 < i64::from(next_indent);
            if close_flow || self.is_breakz(peek) {
                if close_flow || !recent_empty {
                    let adjacent = i64::from(scan.start.line) == foot_line && !token_is_value;
                    if close_flow || (first_empty && (adjacent || dedented)) {
                        if !scan.text.is_empty() {
                            if dedented {
                                scan.token = scan.start;
                            }
                            self.end_foot(&mut scan, peek, here);
                        }
                    } else if !scan.text.is_empty() && c != 0 {
                        scan.text.push('\n');
                    }
                }
                if !self.is_break(peek) {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                here.column = 0;
                here.line += 1;
                peek += 1;
                continue;
            }
            let shallow = i64::from(here.column) - 1 < i64::from(next_indent) && here.column != scan.start.column;
            if !scan.text.is_empty() && shallow {
                self.end_foot(&mut scan, peek, here);
            }
            if c != b'#' {
                break;
            }
            if scan.text.is_empty() {
                scan.start = Mark { index: self.index() + peek as u32, ..here };
            } else {
                scan.text.push('\n');
            }
            recent_empty = false;
            self.skip_lines(peek);
            let line = self.read_comment();
            scan.text.push_str(&line);
            // The line break that ends the comment is passed over.
            peek = 1;
            here.column = 0;
            here.line = self.line;
            next_indent = self.indent.max(0);
        }
        if !scan.text.is_empty() {
            let end = Mark { index: (self.index() + peek as u32).saturating_sub(1), ..here };
            let Scan { scan, start, text, .. } = scan;
            self.keep(Comment { scan, token: start, start, end, role: Role::Head, text });
        }
    }

    /// The token a foot comment here would belong to, and whether it is the `:` of a mapping.
    fn token_before_comment(&self) -> (bool, Mark) {
        let count = self.tokens.len();
        let last = self.tokens.back();
        let token = match last {
            Some(token) if matches!(token.kind, TokenKind::FlowEntry) && count > 1 => self.tokens.get(count - 2),
            _ => last,
        };
        token.map_or((false, Mark::default()), |token| (matches!(token.kind, TokenKind::Value), token.start))
    }

    /// The line on which a comment must start to be a foot of what stands before it.
    fn foot_line(&self, scan_mark: Mark, newlines: u32) -> i64 {
        if scan_mark.line == 0 {
            return -1;
        }
        let line = i64::from(self.line) - i64::from(newlines) + 1;
        line + i64::from(newlines == 0 && self.column() > 1)
    }

    /// Ends the comment collected so far as a foot.
    fn end_foot(&mut self, scan: &mut Scan, peek: usize, here: Mark) {
        let end = Mark { index: self.index() + peek as u32, ..here };
        let text = std::mem::take(&mut scan.text);
        self.keep(Comment { scan: scan.scan, token: scan.token, start: scan.start, end, role: Role::Foot, text });
        scan.scan = end;
        scan.token = end;
    }

    /// Moves over blanks and line breaks.
    fn skip_lines(&mut self, bytes: usize) {
        let to = self.pos + bytes;
        while self.pos < to {
            if !self.skip_break() {
                self.pos += 1;
            }
        }
    }
}
