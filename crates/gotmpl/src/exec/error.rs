//! Errors while executing: Go's text, the chain of wrapped errors, the stack of templates, and why.

use std::ops::Range;
use std::sync::Arc;

use crate::budget::Spent;
use crate::func::Failure;
use hydrate_base::{Diagnostic, Label, SourceFile};

/// How much of the errors that it wraps an error in a chain shows; whoever takes the chain apart needs no more, and
/// all of it would be the square of what thousands of templates in each other have to say.
const CHAINED: usize = 4;

/// Of a long stack of templates only so many at either end are shown.
const FRAMES: usize = 5;

/// What went wrong, as far as a diagnostic can make use of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A field was asked of nothing: `path` is what was nil (`.Values.image`), `field` what was asked of it.
    NilField {
        /// The nodes up to the one that was nil, as the template wrote them.
        path: String,
        /// The name that could not be looked up.
        field: String,
    },
    /// A map does not have the key, and `missingkey=error` is set.
    MissingKey(String),
    /// A template that is not defined.
    UndefinedTemplate(String),
    /// A function failed.
    Function(String),
    /// A limit was reached that can be set higher.
    Limit(Spent),
    /// Templates or values nest too deep.
    Nesting,
    /// Something else; the message says what.
    Other,
}

/// An error while executing a template.
#[derive(Debug)]
pub struct ExecError {
    /// The template that was executing.
    pub template: Arc<[u8]>,
    /// The text in which the error is, and the bytes of the node at which it occurred.
    pub place: Option<(Arc<SourceFile>, Range<usize>)>,
    /// The node as Go prints it.
    pub node: String,
    /// What went wrong here; where a function failed, this ends with `error calling NAME: `.
    pub message: String,
    /// Why, in a form that can be built on.
    pub cause: Cause,
    /// What stands before the message: `template: file:line:col: executing "name" at <node>: `.
    pub(super) prefix: String,
    /// What may have been meant.
    pub help: Option<String>,
    /// The error of the function that was called, which Go wraps.
    pub(super) wrapped: Option<Box<Failure>>,
}

impl ExecError {
    /// Go's whole text: `template: file:line:col: executing "name" at <.x>: …`.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.append_text(&mut out);
        out
    }

    pub(crate) fn append_text(&self, out: &mut String) {
        self.append_start(out, usize::MAX);
    }

    /// Appends the text without that of errors which are wrapped more often than `levels` times.
    pub(crate) fn append_start(&self, out: &mut String, levels: usize) {
        out.push_str(&self.prefix);
        out.push_str(&self.message);
        if let Some(failure) = self.wrapped.as_ref().filter(|_| levels > 0) {
            failure.append_start(out, levels - 1);
        }
    }

    /// The failure of the called function that this error wraps.
    pub fn wrapped(&self) -> Option<&Failure> {
        self.wrapped.as_deref()
    }

    /// The texts that Go's `errors.Unwrap` gives one after the other, starting with this error's own: each error of
    /// the executor counts twice, because `ExecError` wraps a formatted error of the same text.
    pub fn unwrap_chain(&self) -> Vec<String> {
        let start = || {
            let mut text = String::new();
            self.append_start(&mut text, CHAINED);
            text
        };
        let mut chain = vec![start(), start()];
        let mut next = self.wrapped();
        while let Some(failure) = next {
            let mut text = String::new();
            failure.append_start(&mut text, CHAINED);
            chain.push(text);
            next = match failure {
                Failure::Message(_) | Failure::Uncallable(_) => None,
                Failure::Wrapped { cause, .. } => Some(cause),
                Failure::Exec(error) => {
                    let mut text = String::new();
                    error.append_start(&mut text, CHAINED);
                    chain.push(text);
                    error.wrapped()
                }
            };
        }
        chain
    }

    /// The errors of the executor in this chain, outermost first.
    pub fn stack(&self) -> Vec<&ExecError> {
        let mut stack = vec![self];
        let mut next = self.wrapped().and_then(Failure::exec_error);
        while let Some(error) = next {
            stack.push(error);
            next = error.wrapped().and_then(Failure::exec_error);
        }
        stack
    }

    /// The text of the innermost error alone, without places and templates.
    pub(crate) fn innermost_message(&self) -> String {
        let mut out = String::new();
        let stack = self.stack();
        let Some(last) = stack.last() else { return out };
        out.push_str(&last.message);
        if let Some(failure) = last.wrapped() {
            failure.append_text(&mut out);
        }
        out
    }

    /// The error with its place, the templates it passed through, and Go's own text as a note.
    pub fn to_diagnostic(&self) -> Box<Diagnostic> {
        let stack = self.stack();
        let Some((inner, outer)) = stack.split_last() else { return Diagnostic::error(self.text()) };
        let mut diagnostic = Diagnostic::error(self.innermost_message());
        if let Some((file, span)) = &inner.place {
            diagnostic = diagnostic.at(file, span.clone(), inner.remark());
        }
        // What has no place of its own is where it was asked for.
        let asked_for = outer.last().filter(|_| inner.place.is_none()).and_then(|outer| outer.place.as_ref());
        if let Some((file, span)) = asked_for {
            diagnostic = diagnostic.at(file, span.clone(), inner.remark());
        }
        let outer = if asked_for.is_some() { outer.get(..outer.len() - 1).unwrap_or_default() } else { outer };
        let left_out = outer.len().saturating_sub(2 * FRAMES);
        for (at, error) in outer.iter().rev().enumerate() {
            if left_out > 0 && (FRAMES..FRAMES + left_out).contains(&at) {
                if at == FRAMES {
                    diagnostic = diagnostic.frame(format!("{left_out} more, left out here"), None);
                }
                continue;
            }
            let label = error.place.as_ref().map(|(file, span)| Label { file: Arc::clone(file), span: span.clone(), text: String::new() });
            diagnostic = diagnostic.frame(error.node.clone(), label);
        }
        if let Cause::NilField { path, .. } = &inner.cause
            && !path.is_empty()
        {
            diagnostic = diagnostic.note(format!("{path} is nil: nothing gives it a value"));
        }
        let diagnostic = diagnostic.note(self.text());
        match &inner.help {
            Some(help) => diagnostic.help(help.as_str()),
            None => diagnostic,
        }
    }

    fn remark(&self) -> String {
        match &self.cause {
            Cause::NilField { path, field } if !path.is_empty() => format!("{path} is nil, so it has no {field}"),
            Cause::MissingKey(key) => format!("no entry for {key}"),
            Cause::UndefinedTemplate(_) => "not defined in this chart or its subcharts".to_owned(),
            _ => String::new(),
        }
    }
}

impl std::fmt::Display for ExecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for ExecError {}
