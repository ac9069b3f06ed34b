//! Directives and tags.

use super::{Mark, Scanned, Scanner, TokenKind, is_alpha};

/// Where a tag handle stands; in a directive it needs its closing `!`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Directive,
    Node,
}

impl<'a> Scanner<'a> {
    pub(super) fn fetch_directive(&mut self) -> Scanned {
        self.unroll_indent(-1, self.mark());
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        self.advance(1);
        let kind = match self.directive_name(start)? {
            "YAML" => self.version_directive(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return Err(self.error(start, "found unknown directive name")),
        };
        let end = self.mark();
        self.skip_blanks();
        if self.at(0) == b'#' {
            self.skip_to_line_end();
        }
        if !self.is_breakz(0) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        self.skip_break();
        self.push(kind, start, end);
        Ok(())
    }

    fn directive_name(&mut self, start: Mark) -> Scanned<&'a str> {
        let from = self.pos;
        while is_alpha(self.at(0)) {
            self.pos += 1;
        }
        if self.pos == from {
            return Err(self.error(start, "could not find expected directive name"));
        }
        if !self.is_blankz(0) {
            return Err(self.error(start, "found unexpected non-alphabetical character"));
        }
        Ok(self.slice(from, self.pos))
    }

    fn version_directive(&mut self, start: Mark) -> Scanned<TokenKind<'a>> {
        self.skip_blanks();
        let major = self.version_number(start)?;
        if self.at(0) != b'.' {
            return Err(self.error(start, "did not find expected digit or '.' character"));
        }
        self.advance(1);
        let minor = self.version_number(start)?;
        Ok(TokenKind::VersionDirective(major, minor))
    }

    fn version_number(&mut self, start: Mark) -> Scanned<u8> {
        let from = self.pos;
        let mut value = 0;
        while self.at(0).is_ascii_digit() {
            if self.pos - from == 2 {
                return Err(self.error(start, "found extremely long version number"));
            }
            value = value * 10 + (self.at(0) - b'0');
            self.advance(1);
        }
        if self.pos == from {
            return Err(self.error(start, "did not find expected version number"));
        }
        Ok(value)
    }

    fn tag_directive(&mut self, start: Mark) -> Scanned<TokenKind<'a>> {
        self.skip_blanks();
        let handle = self.tag_handle(Place::Directive, start)?.to_owned();
        if !self.is_blank(0) {
            return Err(self.error(start, "did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.tag_uri("", start)?;
        if !self.is_blankz(0) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective(Box::new((handle, prefix))))
    }

    pub(super) fn fetch_tag(&mut self) -> Scanned {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        let tag = if self.at(1) == b'<' { self.verbatim_tag(start)? } else { self.short_tag(start)? };
        if !self.is_blankz(0) {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        let end = self.mark();
        self.push(TokenKind::Tag(Box::new(tag)), start, end);
        Ok(())
    }

    fn verbatim_tag(&mut self, start: Mark) -> Scanned<(String, String)> {
        self.advance(2);
        let suffix = self.tag_uri("", start)?;
        if self.at(0) != b'>' {
            return Err(self.error(start, "did not find the expected '>'"));
        }
        self.advance(1);
        Ok((String::new(), suffix))
    }

    /// Reads `!suffix` or `!handle!suffix`.
    fn short_tag(&mut self, start: Mark) -> Scanned<(String, String)> {
        let handle = self.tag_handle(Place::Node, start)?;
        if handle.len() > 1 && handle.ends_with('!') {
            let suffix = self.tag_uri("", start)?;
            return Ok((handle.to_owned(), suffix));
        }
        let suffix = self.tag_uri(handle, start)?;
        Ok(if suffix.is_empty() { (suffix, "!".to_owned()) } else { ("!".to_owned(), suffix) })
    }

    fn tag_handle(&mut self, place: Place, start: Mark) -> Scanned<&'a str> {
        if self.at(0) != b'!' {
            return Err(self.error(start, "did not find expected '!'"));
        }
        let from = self.pos;
        self.advance(1);
        while is_alpha(self.at(0)) {
            self.pos += 1;
        }
        if self.at(0) == b'!' {
            self.advance(1);
        } else if place == Place::Directive && self.pos - from > 1 {
            return Err(self.error(start, "did not find expected '!'"));
        }
        Ok(self.slice(from, self.pos))
    }

    /// Reads the rest of a tag of which `head` was read already; its `!` does not belong to the result.
    fn tag_uri(&mut self, head: &str, start: Mark) -> Scanned<String> {
        let mut uri = head.get(1..).unwrap_or_default().to_owned();
        let from = self.pos;
        loop {
            match self.at(0) {
                b'%' => uri.push(self.uri_escape(start)?),
                c if is_uri(c) => {
                    uri.push(char::from(c));
                    self.advance(1);
                }
                _ => break,
            }
        }
        if head.is_empty() && self.pos == from {
            return Err(self.error(start, "did not find expected tag URI"));
        }
        Ok(uri)
    }

    /// Reads the `%xx` of one character.
    fn uri_escape(&mut self, start: Mark) -> Scanned<char> {
        let mut octets = [0; 4];
        let mut width = 1;
        let mut read = 0;
        while read < width {
            let digits = (char::from(self.at(1)).to_digit(16), char::from(self.at(2)).to_digit(16));
            let (b'%', (Some(high), Some(low))) = (self.at(0), digits) else {
                return Err(self.error(start, "did not find URI escaped octet"));
            };
            let octet = (high << 4 | low) as u8;
            if read == 0 {
                width = match octet {
                    0x00..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    0xf0..=0xf7 => 4,
                    _ => return Err(self.error(start, "found an incorrect leading UTF-8 octet")),
                };
            } else if octet & 0xc0 != 0x80 {
                return Err(self.error(start, "found an incorrect trailing UTF-8 octet"));
            }
            octets[read] = octet;
            read += 1;
            self.advance(3);
        }
        // go-yaml would keep overlong forms as they are; a tag with them is no text and means nothing to anyone.
        let text = octets.get(..width).and_then(|octets| std::str::from_utf8(octets).ok());
        Ok(text.and_then(|text| text.chars().next()).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn is_uri(c: u8) -> bool {
    is_alpha(c) || b";/?:@&=+$,.!~*'()[]".contains(&c)
}
