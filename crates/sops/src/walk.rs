//! Which values of a document are encrypted, and the MAC over all of them: `sops.go` of SOPS 3.13.

use hydrate_sprig::regex::GoRegex;
use sha2::{Digest, Sha512};

use crate::cipher::bytes_of;
use crate::tree::{Branch, Comment, Entry, Item, Value};
use crate::{Error, Rule};

/// What the MAC begins with where it is only over encrypted values, so that it is never one over all: the SHA-256 of `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0xb, 0xb, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72,
    0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// The MAC over the values of a file.
pub(crate) struct Mac {
    hash: Sha512,
    only_encrypted: bool,
}

impl Mac {
    pub(crate) fn new(only_encrypted: bool) -> Self {
        let mut hash = Sha512::new();
        if only_encrypted {
            hash.update(ONLY_ENCRYPTED);
        }
        Self { hash, only_encrypted }
    }

    pub(crate) fn add(&mut self, value: &Value, is_encrypted: bool) {
        if let Some((_, bytes)) = bytes_of(value).filter(|_| is_encrypted || !self.only_encrypted) {
            self.hash.update(&*bytes);
        }
    }

    pub(crate) fn text(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

/// Where a value or comment stands.
pub(crate) struct Place<'p> {
    path: &'p [String],
    /// Whether it is one of those that are encrypted.
    pub(crate) is_encrypted: bool,
}

impl Place<'_> {
    /// What the ciphertext is bound to.
    pub(crate) fn additional(&self) -> String {
        format!("{}:", self.path.join(":"))
    }

    /// For people: `data.password`.
    pub(crate) fn shown(&self) -> String {
        self.path.join(".")
    }
}

/// What becomes of values and comments.
pub(crate) trait Visit {
    /// A value that is no collection, and not null.
    fn value(&mut self, value: &mut Value, place: &Place<'_>) -> Result<(), Error>;
    fn comment(&mut self, comment: &mut Comment, place: &Place<'_>) -> Result<(), Error>;
}

/// A rule, ready to be asked.
pub(crate) struct Selector {
    rule: Rule,
    regex: Option<GoRegex>,
}

impl Selector {
    pub(crate) fn new(rule: &Rule) -> Result<Self, Error> {
        let compile = |pattern: &String| {
            let failed = |error: hydrate_sprig::regex::RegexError| Error::Pattern { pattern: pattern.clone(), why: error.to_string() };
            GoRegex::new(pattern.as_bytes()).map_err(failed)
        };
        Ok(Self { rule: rule.clone(), regex: rule.pattern().map(compile).transpose()? })
    }

    pub(crate) fn visit(&self, branch: &mut Branch, visit: &mut dyn Visit) -> Result<(), Error> {
        Walk { selector: self, path: Vec::new(), comments: Vec::new() }.branch(branch, visit)
    }

    fn matches(&self, text: &[u8]) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// Whether what stands here is encrypted. The comments are those above it, of each collection around it.
    fn is_encrypted(&self, path: &[String], comments: &[Vec<Vec<u8>>], is_comment: bool) -> bool {
        let any = |fits: &dyn Fn(&String) -> bool| path.iter().any(fits);
        match &self.rule {
            Rule::UnencryptedSuffix(suffix) => !any(&|key| key.ends_with(suffix.as_str())),
            Rule::EncryptedSuffix(suffix) => any(&|key| key.ends_with(suffix.as_str())),
            Rule::UnencryptedRegex(_) => !any(&|key| self.matches(key.as_bytes())),
            Rule::EncryptedRegex(_) => any(&|key| self.matches(key.as_bytes())),
            Rule::UnencryptedCommentRegex(_) => !comments.iter().flatten().any(|comment| self.matches(comment)),
            Rule::EncryptedCommentRegex(_) => {
                // The comment that says so is not encrypted itself.
                let own = comments.last().filter(|_| is_comment).and_then(|last| last.len().checked_sub(1));
                let of_last = comments.len().saturating_sub(1);
                comments.iter().enumerate().any(|(level, comments)| {
                    let is_own = |at: usize| level == of_last && own == Some(at);
                    comments.iter().enumerate().any(|(at, comment)| !is_own(at) && self.matches(comment))
                })
            }
        }
    }
}

struct Walk<'s> {
    selector: &'s Selector,
    path: Vec<String>,
    /// The comments that are above what is looked at: a list for each collection that it lies in.
    comments: Vec<Vec<Vec<u8>>>,
}

impl Walk<'_> {
    fn branch(&mut self, branch: &mut Branch, visit: &mut dyn Visit) -> Result<(), Error> {
        self.comments.push(Vec::new());
        for entry in &mut branch.0 {
            match entry {
                Entry::Comment(comment) => self.comment(comment, visit)?,
                Entry::Value(key, value) => {
                    self.path.push(key.clone());
                    self.value(value, visit)?;
                    self.path.pop();
                    self.forget_comments();
                }
            }
        }
        self.comments.pop();
        Ok(())
    }

    fn list(&mut self, items: &mut [Item], visit: &mut dyn Visit) -> Result<(), Error> {
        self.comments.push(Vec::new());
        for item in items {
            match item {
                Item::Comment(comment) => self.comment(comment, visit)?,
                Item::Value(value) => {
                    self.value(value, visit)?;
                    self.forget_comments();
                }
            }
        }
        self.comments.pop();
        Ok(())
    }

    fn forget_comments(&mut self) {
        self.comments.last_mut().into_iter().for_each(Vec::clear);
    }

    fn comment(&mut self, comment: &mut Comment, visit: &mut dyn Visit) -> Result<(), Error> {
        self.comments.last_mut().into_iter().for_each(|comments| comments.push(comment.text.to_vec()));
        visit.comment(comment, &self.place(true))
    }

    fn value(&mut self, value: &mut Value, visit: &mut dyn Visit) -> Result<(), Error> {
        match value {
            Value::Null => Ok(()),
            Value::List(items) => self.list(items, visit),
            Value::Map(branch) => self.branch(branch, visit),
            value => visit.value(value, &self.place(false)),
        }
    }

    fn place(&self, is_comment: bool) -> Place<'_> {
        Place { path: &self.path, is_encrypted: self.selector.is_encrypted(&self.path, &self.comments, is_comment) }
    }
}
