//! Go's `string`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// The most bytes that are kept in place; together with the length and the tag they take three words.
const INLINE: usize = 22;

/// A Go `string`: bytes, usually UTF-8, cheap to clone. Short ones, which keys and constants are, are kept in place.
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    Inline(u8, [u8; INLINE]),
    Shared(Rc<[u8]>),
}

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The first eight bytes as a number that orders as they do, zeros after what is shorter. Strings with different ones
    /// compare as these do, without a look at the rest.
    #[inline]
    pub(super) fn prefix(&self) -> u64 {
        match &self.0 {
            Repr::Inline(_, [a, b, c, d, e, f, g, h, ..]) => u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            Repr::Shared(bytes) => prefix(bytes),
        }
    }

    /// The text, with U+FFFD for what is not UTF-8.
    pub fn to_str_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// The text, where it is UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// Whether there is no byte in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether others hold the same bytes.
    pub(super) fn is_shared(&self) -> bool {
        match &self.0 {
            Repr::Inline(..) => false,
            Repr::Shared(bytes) => Rc::strong_count(bytes) > 1,
        }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Inline(length, _) => usize::from(*length),
            Repr::Shared(bytes) => bytes.len(),
        }
    }
}

/// [`Str::prefix`] of a text that is none yet.
pub(super) fn prefix(text: &[u8]) -> u64 {
    if let Some(first) = text.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(text) {
        *place = *byte;
    }
    u64::from_be_bytes(first)
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        let mut inline = [0; INLINE];
        match (inline.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(bytes);
                Self(Repr::Inline(length, inline))
            }
            _ => Self(Repr::Shared(bytes.into())),
        }
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        text.as_bytes().into()
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str_lossy(), f)
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

/// Lets a `BTreeMap<Str, _>` be asked with bytes: `Ord`, `Eq` and `Hash` of `Str` are those of its bytes.
impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_short_strings_compare_by_their_bytes() {
        let (short, long) = (Str::from("a"), Str::from("a".repeat(30)));
        assert!(short < long && long == Str::from(vec![b'a'; 30]) && short != long);
        for length in [0, 21, 22, 23, 300] {
            assert_eq!(Str::from("x".repeat(length)).len(), length);
            assert_eq!(Str::from("x".repeat(length)).as_bytes(), "x".repeat(length).as_bytes());
        }
    }

    #[test]
    fn prefixes_order_as_strings_do() {
        let texts = ["", "\0", "a", "a\0", "ab", "abcdefgh", "abcdefghi", "abcdefgi", &"b".repeat(30), "\u{e9}"].map(Str::from);
        for (one, other) in texts.iter().flat_map(|one| texts.iter().map(move |other| (one, other))) {
            assert_eq!(one.prefix(), prefix(one.as_bytes()));
            assert_eq!(one.prefix().cmp(&other.prefix()).then_with(|| one.cmp(other)), one.cmp(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn values_are_three_words() {
        assert_eq!(std::mem::size_of::<Str>(), 24);
        assert_eq!(std::mem::size_of::<crate::Value>(), 24);
    }
}
