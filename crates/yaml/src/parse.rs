//! Tokens to events, the way libyaml's parser does it in the form go-yaml gave it (`parserc.go` of v2 and v3).

use std::borrow::Cow;

use super::Dialect;
use super::input::Input;
use super::node::ScalarStyle;
use super::scan::{Error, Mark, Role, Scanner, Token, TokenKind};

/// A step through a stream of documents.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What happens.
    pub kind: EventKind<'a>,
    /// Where it starts: at its properties, where it has some.
    pub start: Mark,
    /// Where it ends; the bytes of a scalar lie between `start.offset` and `end.offset`.
    pub end: Mark,
    /// Comments that go-yaml v3 hangs on the event; only from a parser that was asked for them.
    pub comments: Option<Box<Comments>>,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// The first event.
    StreamStart,
    /// The last event.
    StreamEnd,
    /// Before the root of a document.
    DocumentStart {
        /// Whether there is no `---`.
        implicit: bool,
    },
    /// After the root of a document.
    DocumentEnd {
        /// Whether there is no `...`.
        implicit: bool,
    },
    /// `*name`
    Alias(&'a str),
    /// A scalar, or the nothing where one was left out.
    Scalar {
        /// The text after unescaping and folding.
        value: Cow<'a, str>,
        /// How it was written.
        style: ScalarStyle,
        /// Whether the text decides about the type: plain without a tag, or with the tag `!`.
        implicit: bool,
        /// Anchor and tag.
        properties: Properties<'a>,
    },
    /// Before the items of a sequence.
    SequenceStart {
        /// Whether it is written as `[a, b]`.
        flow: bool,
        /// Anchor and tag.
        properties: Properties<'a>,
    },
    /// After the items of a sequence.
    SequenceEnd,
    /// Before keys and values of a mapping, which alternate.
    MappingStart {
        /// Whether it is written as `{a: b}`.
        flow: bool,
        /// Anchor and tag.
        properties: Properties<'a>,
    },
    /// After the entries of a mapping.
    MappingEnd,
}

/// Anchor and tag of a node, which most nodes do not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties<'a> {
    /// The name after `&`.
    pub anchor: Option<&'a str>,
    /// The tag with its prefix resolved: `tag:yaml.org,2002:str`, `!local`.
    pub tag: Option<Box<str>>,
}

/// Comments with their `#`, lines joined by line feeds; empty where there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comments {
    /// The lines above.
    pub head: String,
    /// Behind, on the same line.
    pub line: String,
    /// The lines below.
    pub foot: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirstEntry,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingFirstKey,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequenceEntryMappingKey,
    FlowSequenceEntryMappingValue,
    FlowSequenceEntryMappingEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Where a node stands decides what may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Block,
    BlockOrIndentlessSequence,
    Flow,
}

/// The parser: an iterator over events that ends after `StreamEnd` or the first error.
#[derive(Debug)]
pub struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    tag_directives: Vec<(String, String)>,
    comments: Comments,
    stem: Option<String>,
    failed: bool,
}

type Parsed<T> = Result<T, Error>;

impl<'a> Iterator for Parser<'a> {
    type Item = Result<Event<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.state == State::End {
            return None;
        }
        let event = self.step();
        self.failed = event.is_err();
        Some(event)
    }
}

impl<'a> Parser<'a> {
    /// A parser; that of v3 keeps comments, because go-yaml reads past things in their company that it else refuses.
    pub fn new(input: &'a Input<'_>, dialect: Dialect) -> Self {
        Self::with_scanner(Scanner::new(input, dialect))
    }

    fn with_scanner(scanner: Scanner<'a>) -> Self {
        Self {
            scanner,
            state: State::StreamStart,
            states: Vec::with_capacity(16),
            marks: Vec::with_capacity(16),
            tag_directives: Vec::new(),
            comments: Comments::default(),
            stem: None,
            failed: false,
        }
    }

    fn step(&mut self) -> Parsed<Event<'a>> {
        match self.state {
            State::StreamStart => self.stream_start(),
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Context::Block),
            State::BlockSequenceFirstEntry => self.block_sequence_entry(true),
            State::BlockSequenceEntry => self.block_sequence_entry(false),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingFirstKey => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequenceEntryMappingKey => self.flow_sequence_entry_mapping_key(),
            State::FlowSequenceEntryMappingValue => self.flow_sequence_entry_mapping_value(),
            State::FlowSequenceEntryMappingEnd => self.flow_sequence_entry_mapping_end(),
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Err(self.error("unknown problem parsing YAML content", Mark::default())),
        }
    }

    // ---- tokens, comments, errors

    /// Looks at the next token and takes the comments before it.
    fn peek(&mut self) -> Parsed<&Token<'a>> {
        self.scanner.fetch_more()?;
        if self.scanner.comments.is_some() {
            self.unfold_comments();
        }
        match self.scanner.tokens.front() {
            Some(token) => Ok(token),
            None => Err(Error { message: "unknown problem parsing YAML content".to_owned(), mark: Mark::default() }),
        }
    }

    fn skip(&mut self) -> Option<Token<'a>> {
        self.scanner.skip_token()
    }

    fn unfold_comments(&mut self) {
        let (Some(token), Some(state)) = (self.scanner.tokens.front(), &mut self.scanner.comments) else {
            return;
        };
        while let Some(comment) = state.queue.front() {
            // A head never belongs to the end of a block, so it waits for the token after it.
            let waits = comment.role == Role::Head && matches!(token.kind, TokenKind::BlockEnd);
            if token.start.index < comment.token.index || waits {
                return;
            }
            let into = match comment.role {
                Role::Head => &mut self.comments.head,
                Role::Line => &mut self.comments.line,
                Role::Foot => &mut self.comments.foot,
            };
            if !into.is_empty() {
                into.push('\n');
            }
            into.push_str(&comment.text);
            state.queue.pop_front();
        }
    }

    /// The comments gathered so far, for the event they belong to.
    fn take_comments(&mut self) -> Option<Box<Comments>> {
        self.stem = None;
        let comments = &mut self.comments;
        if comments.head.is_empty() && comments.line.is_empty() && comments.foot.is_empty() {
            return None;
        }
        Some(Box::new(std::mem::take(comments)))
    }

    /// Under a `-` the comment above belongs to the collection as a whole, not to its first entry.
    fn split_stem(&mut self, length: usize) -> Parsed<()> {
        if length == 0 {
            return Ok(());
        }
        if matches!(self.peek()?.kind, TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart) {
            let head = std::mem::take(&mut self.comments.head);
            self.comments.head = head.get(length + 1..).unwrap_or_default().to_owned();
            self.stem = head.get(..length).map(str::to_owned);
        }
        Ok(())
    }

    fn take_stem(&mut self) -> Option<Box<Comments>> {
        self.stem.take().map(|head| Box::new(Comments { head, ..Comments::default() }))
    }

    fn error(&self, problem: &str, mark: Mark) -> Error {
        self.error_in(Mark::default(), problem, mark)
    }

    /// An error at a token; `context` is where the collection began that it does not fit into.
    fn error_in(&self, context: Mark, problem: &str, mark: Mark) -> Error {
        let lines = match self.scanner.dialect {
            Dialect::V2 => [mark.line, context.line],
            Dialect::V3 => [context.line, mark.line],
        };
        let message = match lines.into_iter().find(|&line| line != 0) {
            Some(line) => format!("line {line}: {problem}"),
            None => problem.to_owned(),
        };
        Error { message, mark }
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn event(&self, kind: EventKind<'a>, start: Mark, end: Mark) -> Event<'a> {
        Event { kind, start, end, comments: None }
    }

    /// Ends a collection at the next token, which it takes.
    fn end(&mut self, kind: EventKind<'a>, comments: bool) -> Event<'a> {
        self.pop_state();
        self.marks.pop();
        let (start, end) = self.skip().map_or_else(Default::default, |token| (token.start, token.end));
        let comments = if comments { self.take_comments() } else { None };
        Event { kind, start, end, comments }
    }

    fn empty_scalar(&self, mark: Mark) -> Event<'a> {
        let properties = Properties::default();
        let kind = EventKind::Scalar { value: Cow::Borrowed(""), style: ScalarStyle::Plain, implicit: true, properties };
        self.event(kind, mark, mark)
    }

    /// Opens a collection: the token is taken, and its place kept for error messages.
    fn open(&mut self) -> Parsed<()> {
        let start = self.peek()?.start;
        self.marks.push(start);
        self.skip();
        Ok(())
    }

    // ---- documents

    fn stream_start(&mut self) -> Parsed<Event<'a>> {
        let (start, end) = {
            let token = self.peek()?;
            (token.start, token.end)
        };
        self.state = State::ImplicitDocumentStart;
        self.skip();
        Ok(self.event(EventKind::StreamStart, start, end))
    }

    fn document_start(&mut self, implicit: bool) -> Parsed<Event<'a>> {
        if !implicit {
            while matches!(self.peek()?.kind, TokenKind::DocumentEnd) {
                self.skip();
            }
        }
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                self.skip();
                Ok(self.event(EventKind::StreamEnd, start, end))
            }
            TokenKind::VersionDirective(..) | TokenKind::TagDirective(_) | TokenKind::DocumentStart => self.explicit_document(start),
            _ if implicit => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                let comments = self.take_document_head();
                Ok(Event { kind: EventKind::DocumentStart { implicit: true }, start, end, comments })
            }
            _ => self.explicit_document(start),
        }
    }

    fn explicit_document(&mut self, start: Mark) -> Parsed<Event<'a>> {
        self.process_directives()?;
        let token = self.peek()?;
        let (kind_fits, here, end) = (matches!(token.kind, TokenKind::DocumentStart), token.start, token.end);
        if !kind_fits {
            return Err(self.error("did not find expected <document start>", here));
        }
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        self.skip();
        Ok(self.event(EventKind::DocumentStart { implicit: false }, start, end))
    }

    /// Of a comment above the first node, what stands above its last empty line belongs to the document.
    fn take_document_head(&mut self) -> Option<Box<Comments>> {
        let head = &self.comments.head;
        let (to, from) = match head.strip_suffix('\n') {
            Some(rest) if !rest.is_empty() => (rest.len(), head.len()),
            _ => head.rfind("\n\n").map(|at| (at, at + 2))?,
        };
        let document = head.get(..to)?.to_owned();
        self.comments.head = head.get(from..)?.to_owned();
        Some(Box::new(Comments { head: document, ..Comments::default() }))
    }

    fn document_content(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        match token.kind {
            TokenKind::VersionDirective(..)
            | TokenKind::TagDirective(_)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let mark = token.start;
                self.pop_state();
                Ok(self.empty_scalar(mark))
            }
            _ => self.node(Context::Block),
        }
    }

    fn document_end(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let start = token.start;
        let mut end = start;
        let implicit = !matches!(token.kind, TokenKind::DocumentEnd);
        if !implicit {
            end = token.end;
            self.skip();
        }
        self.tag_directives.clear();
        self.state = State::DocumentStart;
        let mut comments = self.take_comments();
        if let Some(comments) = &mut comments
            && comments.foot.is_empty()
        {
            comments.foot = std::mem::take(&mut comments.head);
        }
        Ok(Event { kind: EventKind::DocumentEnd { implicit }, start, end, comments })
    }

    fn process_directives(&mut self) -> Parsed<()> {
        let mut version_seen = false;
        loop {
            let token = self.peek()?;
            let mark = token.start;
            match &token.kind {
                TokenKind::VersionDirective(..) if version_seen => {
                    return Err(self.error("found duplicate %YAML directive", mark));
                }
                TokenKind::VersionDirective(1, 1) => version_seen = true,
                TokenKind::VersionDirective(..) => return Err(self.error("found incompatible YAML document", mark)),
                TokenKind::TagDirective(directive) => {
                    let directive = (**directive).clone();
                    if self.tag_directives.iter().any(|known| known.0 == directive.0) {
                        return Err(self.error("found duplicate %TAG directive", mark));
                    }
                    self.tag_directives.push(directive);
                }
                _ => break,
            }
            self.skip();
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|known| known.0 == handle) {
                self.tag_directives.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    // ---- nodes

    fn node(&mut self, context: Context) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let mut start = token.start;
        let mut end = token.start;
        if let TokenKind::Alias(name) = token.kind {
            let end = token.end;
            self.pop_state();
            let comments = self.take_comments();
            self.skip();
            return Ok(Event { kind: EventKind::Alias(name), start, end, comments });
        }
        let properties = match token.kind {
            TokenKind::Anchor(_) | TokenKind::Tag(_) => self.properties(&mut start, &mut end)?,
            _ => Properties::default(),
        };
        self.content(context, start, end, properties)
    }

    fn properties(&mut self, start: &mut Mark, end: &mut Mark) -> Parsed<Properties<'a>> {
        let mut properties = Properties::default();
        let mut tag = None;
        *start = self.peek()?.start;
        for _ in 0..2 {
            let token = self.peek()?;
            match &token.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(*name),
                TokenKind::Tag(parts) if tag.is_none() => tag = Some((parts.clone(), token.start)),
                _ => break,
            }
            *end = token.end;
            self.skip();
        }
        self.peek()?;
        if let Some((parts, mark)) = tag {
            properties.tag = self.resolve_tag(&parts.0, parts.1, *start, mark)?;
        }
        Ok(properties)
    }

    fn resolve_tag(&self, handle: &str, suffix: String, start: Mark, mark: Mark) -> Parsed<Option<Box<str>>> {
        if handle.is_empty() {
            return Ok(Some(suffix.into_boxed_str()).filter(|tag| !tag.is_empty()));
        }
        let directive = self.tag_directives.iter().find(|(known, _)| known == handle);
        match directive.map(|(_, prefix)| format!("{prefix}{suffix}")) {
            Some(tag) if !tag.is_empty() => Ok(Some(tag.into_boxed_str())),
            _ => Err(self.error_in(start, "found undefined tag handle", mark)),
        }
    }

    /// The node after its properties.
    fn content(&mut self, context: Context, start: Mark, mut end: Mark, properties: Properties<'a>) -> Parsed<Event<'a>> {
        let Some(token) = self.scanner.tokens.front() else {
            return Err(self.error("unknown problem parsing YAML content", start));
        };
        let here = token.start;
        let token_end = token.end;
        match token.kind {
            TokenKind::BlockEntry if context == Context::BlockOrIndentlessSequence => {
                self.state = State::IndentlessSequenceEntry;
                return Ok(self.event(EventKind::SequenceStart { flow: false, properties }, start, token_end));
            }
            TokenKind::Scalar(..) => return Ok(self.scalar(start, properties)),
            TokenKind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirstEntry;
                let comments = self.take_comments();
                return Ok(Event { kind: EventKind::SequenceStart { flow: true, properties }, start, end: token_end, comments });
            }
            TokenKind::FlowMappingStart => {
                self.state = State::FlowMappingFirstKey;
                let comments = self.take_comments();
                return Ok(Event { kind: EventKind::MappingStart { flow: true, properties }, start, end: token_end, comments });
            }
            TokenKind::BlockSequenceStart if context != Context::Flow => {
                self.state = State::BlockSequenceFirstEntry;
                let comments = self.take_stem();
                return Ok(Event { kind: EventKind::SequenceStart { flow: false, properties }, start, end: token_end, comments });
            }
            TokenKind::BlockMappingStart if context != Context::Flow => {
                self.state = State::BlockMappingFirstKey;
                let comments = self.take_stem();
                return Ok(Event { kind: EventKind::MappingStart { flow: false, properties }, start, end: token_end, comments });
            }
            _ => {}
        }
        if properties.anchor.is_some() || properties.tag.is_some() {
            self.pop_state();
            let implicit = properties.tag.is_none();
            if end.index < start.index {
                end = start;
            }
            let kind = EventKind::Scalar { value: Cow::Borrowed(""), style: ScalarStyle::Plain, implicit, properties };
            return Ok(self.event(kind, start, end));
        }
        Err(self.error_in(start, "did not find expected node content", here))
    }

    fn scalar(&mut self, start: Mark, properties: Properties<'a>) -> Event<'a> {
        self.pop_state();
        let comments = self.take_comments();
        let (value, style, end) = match self.skip() {
            Some(Token { kind: TokenKind::Scalar(value, style), end, .. }) => (value, style, end),
            _ => (Cow::Borrowed(""), ScalarStyle::Plain, start),
        };
        let implicit = match properties.tag.as_deref() {
            None => style == ScalarStyle::Plain,
            Some(tag) => tag == "!",
        };
        Event { kind: EventKind::Scalar { value, style, implicit, properties }, start, end, comments }
    }

    // ---- block collections

    fn block_sequence_entry(&mut self, first: bool) -> Parsed<Event<'a>> {
        if first {
            self.open()?;
        }
        let token = self.peek()?;
        let (here, mark) = (token.start, token.end);
        match token.kind {
            TokenKind::BlockEntry => {
                let head = self.comments.head.len();
                self.skip();
                self.split_stem(head)?;
                if matches!(self.peek()?.kind, TokenKind::BlockEntry | TokenKind::BlockEnd) {
                    self.state = State::BlockSequenceEntry;
                    return Ok(self.empty_scalar(mark));
                }
                self.states.push(State::BlockSequenceEntry);
                self.node(Context::Block)
            }
            TokenKind::BlockEnd => Ok(self.end(EventKind::SequenceEnd, false)),
            _ => {
                let context = self.marks.pop().unwrap_or_default();
                Err(self.error_in(context, "did not find expected '-' indicator", here))
            }
        }
    }

    fn indentless_sequence_entry(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let (start, mark) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(self.event(EventKind::SequenceEnd, start, start));
        }
        let head = self.comments.head.len();
        self.skip();
        self.split_stem(head)?;
        match self.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                self.state = State::IndentlessSequenceEntry;
                Ok(self.empty_scalar(mark))
            }
            _ => {
                self.states.push(State::IndentlessSequenceEntry);
                self.node(Context::Block)
            }
        }
    }

    fn block_mapping_key(&mut self, first: bool) -> Parsed<Event<'a>> {
        if first {
            self.open()?;
        }
        let token = self.peek()?;
        let (here, mark) = (token.start, token.end);
        match token.kind {
            TokenKind::Key => {
                self.skip();
                if self.block_value_follows()? {
                    self.states.push(State::BlockMappingValue);
                    return self.node(Context::BlockOrIndentlessSequence);
                }
                self.state = State::BlockMappingValue;
                Ok(self.empty_scalar(mark))
            }
            TokenKind::BlockEnd => Ok(self.end(EventKind::MappingEnd, true)),
            _ => {
                let context = self.marks.pop().unwrap_or_default();
                Err(self.error_in(context, "did not find expected key", here))
            }
        }
    }

    fn block_value_follows(&mut self) -> Parsed<bool> {
        Ok(!matches!(self.peek()?.kind, TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd))
    }

    fn block_mapping_value(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let (start, mark) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::Value) {
            self.state = State::BlockMappingKey;
            return Ok(self.empty_scalar(start));
        }
        self.skip();
        if self.block_value_follows()? {
            self.states.push(State::BlockMappingKey);
            return self.node(Context::BlockOrIndentlessSequence);
        }
        self.state = State::BlockMappingKey;
        Ok(self.empty_scalar(mark))
    }

    // ---- flow collections

    fn flow_sequence_entry(&mut self, first: bool) -> Parsed<Event<'a>> {
        if first {
            self.open()?;
        }
        if !first && !matches!(self.peek()?.kind, TokenKind::FlowSequenceEnd) {
            self.flow_entry("did not find expected ',' or ']'")?;
        }
        let token = self.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::FlowSequenceEnd => Ok(self.end(EventKind::SequenceEnd, true)),
            TokenKind::Key => {
                self.state = State::FlowSequenceEntryMappingKey;
                self.skip();
                Ok(self.event(EventKind::MappingStart { flow: true, properties: Properties::default() }, start, end))
            }
            _ => {
                self.states.push(State::FlowSequenceEntry);
                self.node(Context::Flow)
            }
        }
    }

    /// Takes the comma between two entries.
    fn flow_entry(&mut self, problem: &str) -> Parsed<()> {
        let token = self.peek()?;
        let here = token.start;
        if matches!(token.kind, TokenKind::FlowEntry) {
            self.skip();
            return Ok(());
        }
        let context = self.marks.pop().unwrap_or_default();
        Err(self.error_in(context, problem, here))
    }

    fn flow_sequence_entry_mapping_key(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let mark = token.end;
        if matches!(token.kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
            self.skip();
            self.state = State::FlowSequenceEntryMappingValue;
            return Ok(self.empty_scalar(mark));
        }
        self.states.push(State::FlowSequenceEntryMappingValue);
        self.node(Context::Flow)
    }

    fn flow_sequence_entry_mapping_value(&mut self) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let mark = token.start;
        if matches!(token.kind, TokenKind::Value) {
            self.skip();
            if !matches!(self.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                self.states.push(State::FlowSequenceEntryMappingEnd);
                return self.node(Context::Flow);
            }
        }
        self.state = State::FlowSequenceEntryMappingEnd;
        Ok(self.empty_scalar(mark))
    }

    fn flow_sequence_entry_mapping_end(&mut self) -> Parsed<Event<'a>> {
        let start = self.peek()?.start;
        self.state = State::FlowSequenceEntry;
        Ok(self.event(EventKind::MappingEnd, start, start))
    }

    fn flow_mapping_key(&mut self, first: bool) -> Parsed<Event<'a>> {
        if first {
            self.open()?;
        }
        if !first && !matches!(self.peek()?.kind, TokenKind::FlowMappingEnd) {
            self.flow_entry("did not find expected ',' or '}'")?;
        }
        match self.peek()?.kind {
            TokenKind::FlowMappingEnd => Ok(self.end(EventKind::MappingEnd, true)),
            TokenKind::Key => {
                self.skip();
                let token = self.peek()?;
                let mark = token.start;
                if matches!(token.kind, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return Ok(self.empty_scalar(mark));
                }
                self.states.push(State::FlowMappingValue);
                self.node(Context::Flow)
            }
            _ => {
                self.states.push(State::FlowMappingEmptyValue);
                self.node(Context::Flow)
            }
        }
    }

    fn flow_mapping_value(&mut self, empty: bool) -> Parsed<Event<'a>> {
        let token = self.peek()?;
        let mut mark = token.start;
        if !empty && matches!(token.kind, TokenKind::Value) {
            self.skip();
            let token = self.peek()?;
            mark = token.start;
            if !matches!(token.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(Context::Flow);
            }
        }
        self.state = State::FlowMappingKey;
        Ok(self.empty_scalar(mark))
    }
}
