/// Which values of a file are encrypted.
///
/// A suffix or an expression (Go's `regexp`) is tried at each key on the way to a value; an expression for comments at each
/// comment above it, or above a collection that it is in. By default, as in SOPS, all values are encrypted but those below a
/// key that ends with `_unencrypted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// All but those below a key with this end: `unencrypted_suffix`.
    UnencryptedSuffix(String),
    /// Those below a key with this end: `encrypted_suffix`.
    EncryptedSuffix(String),
    /// All but those below a key that fits: `unencrypted_regex`.
    UnencryptedRegex(String),
    /// Those below a key that fits: `encrypted_regex`.
    EncryptedRegex(String),
    /// All but those under a comment that fits: `unencrypted_comment_regex`.
    UnencryptedCommentRegex(String),
    /// Those under a comment that fits: `encrypted_comment_regex`.
    EncryptedCommentRegex(String),
}

impl Default for Rule {
    fn default() -> Self {
        Self::UnencryptedSuffix("_unencrypted".to_owned())
    }
}

impl Rule {
    /// The rules by their keys in the metadata.
    pub(crate) const KEYS: [(&'static str, fn(String) -> Self); 6] = [
        ("unencrypted_suffix", Self::UnencryptedSuffix),
        ("encrypted_suffix", Self::EncryptedSuffix),
        ("unencrypted_regex", Self::UnencryptedRegex),
        ("encrypted_regex", Self::EncryptedRegex),
        ("unencrypted_comment_regex", Self::UnencryptedCommentRegex),
        ("encrypted_comment_regex", Self::EncryptedCommentRegex),
    ];

    /// The rule that Flux advises for objects of Kubernetes: what is in a Secret is encrypted, and what it is called is not.
    pub fn of_secrets() -> Self {
        Self::EncryptedRegex("^(data|stringData)$".to_owned())
    }

    /// The key in the metadata, and the suffix or expression.
    pub(crate) fn written(&self) -> (&'static str, &str) {
        match self {
            Self::UnencryptedSuffix(text) => ("unencrypted_suffix", text),
            Self::EncryptedSuffix(text) => ("encrypted_suffix", text),
            Self::UnencryptedRegex(text) => ("unencrypted_regex", text),
            Self::EncryptedRegex(text) => ("encrypted_regex", text),
            Self::UnencryptedCommentRegex(text) => ("unencrypted_comment_regex", text),
            Self::EncryptedCommentRegex(text) => ("encrypted_comment_regex", text),
        }
    }

    /// The expression, where it has one.
    pub(crate) fn pattern(&self) -> Option<&String> {
        match self {
            Self::UnencryptedSuffix(_) | Self::EncryptedSuffix(_) => None,
            Self::UnencryptedRegex(text)
            | Self::EncryptedRegex(text)
            | Self::UnencryptedCommentRegex(text)
            | Self::EncryptedCommentRegex(text) => Some(text),
        }
    }
}
