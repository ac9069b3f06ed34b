use crate::Format;

/// Why a file cannot be decrypted or encrypted. No part of a secret, and no key, is in any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file has no metadata of SOPS.
    #[error("it is not encrypted: no metadata of SOPS is in it")]
    NotEncrypted,
    /// The text that is to be encrypted holds SOPS' own key.
    #[error("it has the key `{0}`, where SOPS keeps what it knows of a file: it is encrypted already, or cannot be")]
    Reserved(String),
    /// The text is not of its format.
    #[error("it is no {format} that SOPS can read: {why}")]
    Unreadable {
        /// The format.
        format: Format,
        /// What is wrong, and on which line.
        why: String,
    },
    /// The metadata does not have what it must.
    #[error("its metadata of SOPS is not whole: {0}")]
    Metadata(String),
    /// The data key is split between groups of keys.
    #[error("its key is split between key groups (`key_groups`, `shamir_threshold`): only `sops` itself puts those together")]
    KeyGroups,
    /// No recipient is one of age.
    #[error("it is encrypted for {}, and for no recipient of age: only `sops` itself decrypts it", .0.join(", "))]
    OtherServices(Vec<&'static str>),
    /// No identity is that of a recipient.
    #[error("none of the identities of age at hand ({identities}) is that of a recipient ({})", .recipients.join(", "))]
    NoIdentity {
        /// How many identities there are.
        identities: usize,
        /// The public keys that the file is encrypted for.
        recipients: Vec<String>,
    },
    /// No identity is that of a recipient of a file of age, which does not name them.
    #[error("none of the identities of age at hand ({0}) is that of a recipient")]
    NoIdentityOfAge(usize),
    /// The file is none of age, or is not as it was encrypted.
    #[error("it cannot be decrypted with age: {0}")]
    Age(String),
    /// The data key that a recipient has is none.
    #[error("what {0} decrypts to is no data key: 32 bytes were expected")]
    DataKey(String),
    /// A value is not what was encrypted at its place.
    #[error("the value of {0} was changed or moved after it was encrypted")]
    Changed(String),
    /// A value that should be encrypted is not.
    #[error("the value of {0} is not encrypted, although the rules of the file say so")]
    Plain(String),
    /// The MAC is not that of the values.
    #[error("its values are not those that were encrypted: the MAC is another one")]
    Mac,
    /// A recipient that cannot be encrypted for.
    #[error("`{recipient}` is no recipient of age: {why}")]
    Recipient {
        /// The recipient as it was given.
        recipient: String,
        /// What is wrong with it.
        why: String,
    },
    /// An identity that cannot be used. Nothing of it is told.
    #[error("{0}")]
    Identity(String),
    /// Nobody to encrypt for.
    #[error("no recipient of age is given, so nobody could decrypt it")]
    NoRecipient,
    /// An expression of the rules that Go does not know.
    #[error("`{pattern}` is no regular expression: {why}")]
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A value that the format cannot hold.
    #[error("{format} cannot hold {what}")]
    Unfit {
        /// The format.
        format: Format,
        /// What it cannot hold, and where.
        what: String,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes")]
    Random,
}
