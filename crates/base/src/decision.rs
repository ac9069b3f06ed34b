//! What functions let chance decide, and how that is decided the same way again.
//!
//! A password that a template makes is another one in each rendering. Who renders can have a [`DiskWorld`](crate::DiskWorld) take note of what such
//! functions gave, and give it again when the same function asks at the same place.

use std::collections::BTreeMap;

use blake3::Hasher;

use crate::hash::hex;

/// What a function let chance decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The name of the function: `randAlphaNum`, `genCA` …
    pub function: &'static str,
    /// The digest of what it was given ([`inputs`]).
    pub inputs: String,
    /// What it gave, a text for each part of it: a certificate has two. Empty where it gave an error.
    pub answers: Vec<Vec<u8>>,
}

/// What a function is to give again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDecision {
    /// The name of the function.
    pub function: String,
    /// The digest of what it was given then; empty where that is not known, and it is given again whatever the function is given now.
    pub inputs: String,
    /// What it gave, as far as that is known.
    pub answers: Vec<Option<Vec<u8>>>,
}

impl KeptDecision {
    /// A decision that is to be made again, with none of its answers known yet.
    pub fn unanswered(decision: &Decision) -> Self {
        Self { function: decision.function.to_owned(), inputs: decision.inputs.clone(), answers: vec![None; decision.answers.len()] }
    }

    /// A decision that is to be made again just as it was.
    pub fn whole(decision: &Decision) -> Self {
        Self { answers: decision.answers.iter().cloned().map(Some).collect(), ..Self::unanswered(decision) }
    }

    /// Whether it may be given again for what the function is given now.
    pub fn fits(&self, inputs: &str) -> bool {
        self.inputs.is_empty() || self.inputs == inputs
    }
}

/// The digest of a function's name and of what it is given, in hexadecimal digits. Passwords do not belong to it: who reads it could try them all.
pub fn inputs(function: &str, parts: &[&[u8]]) -> String {
    let mut digest = Hasher::new();
    for part in std::iter::once(&function.as_bytes()).chain(parts) {
        digest.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hex(&digest.finalize().as_bytes()[..16])
}

/// The decisions of a rendering.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    /// Those made, in their order.
    made: Vec<Decision>,
    /// Those that are to be made again, by their numbers.
    kept: BTreeMap<usize, KeptDecision>,
    /// The time that it is, where that is kept.
    time: Option<i128>,
    /// The time that it was when it was first asked for.
    first_asked: Option<i128>,
    /// The decision whose function is to be told.
    caught_at: Option<usize>,
    /// Decisions that are to be made otherwise, by their numbers.
    avoided: Vec<Decision>,
    /// Whether a function is deciding right now.
    is_open: bool,
}

impl Decisions {
    pub(crate) fn keeping(kept: BTreeMap<usize, KeptDecision>, time: Option<i128>) -> Self {
        Self { kept, time, ..Self::default() }
    }

    pub(crate) fn catching(self, number: usize) -> Self {
        Self { caught_at: Some(number), ..self }
    }

    pub(crate) fn avoiding(self, avoided: Vec<Decision>) -> Self {
        Self { avoided, ..self }
    }

    /// What the decision that was begun last is not to give.
    pub(crate) fn avoided(&self) -> &[Vec<u8>] {
        let last = self.made.last().and_then(|begun| Some((begun, self.avoided.get(self.made.len() - 1)?)));
        last.filter(|(begun, other)| begun.function == other.function).map_or(&[], |(_, other)| &other.answers)
    }

    /// Begins a decision; also says whether it is the one to be told.
    pub(crate) fn begin(&mut self, function: &'static str, inputs: String) -> (Option<Vec<Option<Vec<u8>>>>, bool) {
        let number = self.made.len();
        let kept = self.kept.get(&number).filter(|kept| kept.function == function && kept.fits(&inputs));
        let answers = kept.map(|kept| kept.answers.clone());
        self.made.push(Decision { function, inputs, answers: Vec::new() });
        self.is_open = true;
        (answers, self.caught_at == Some(number))
    }

    pub(crate) fn end(&mut self, answers: &[&[u8]]) {
        self.is_open = false;
        if let Some(decision) = self.made.last_mut() {
            decision.answers = answers.iter().map(|answer| answer.to_vec()).collect();
        }
    }

    /// Whether a function is deciding right now: the time is then part of what it decides.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The time that it is to be: the one that is kept.
    pub(crate) fn kept_time(&self) -> Option<i128> {
        self.time
    }

    /// Takes note of a time that was given; what it was at first.
    pub(crate) fn note_time(&mut self, time: i128) -> i128 {
        *self.first_asked.get_or_insert(time)
    }

    pub(crate) fn made(&self) -> Vec<Decision> {
        self.made.clone()
    }

    pub(crate) fn time_asked(&self) -> Option<i128> {
        self.time.or(self.first_asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_given_where_function_and_inputs_are_the_same() {
        let digest = inputs("randAlpha", &[b"4"]);
        let kept = KeptDecision { function: "randAlpha".to_owned(), inputs: digest.clone(), answers: vec![Some(b"abcd".to_vec())] };
        let mut decisions = Decisions::keeping(BTreeMap::from([(1, kept.clone()), (2, kept)]), None).catching(2);
        assert_eq!(decisions.begin("randAlpha", digest.clone()), (None, false));
        assert_eq!(decisions.begin("randAlpha", digest.clone()), (Some(vec![Some(b"abcd".to_vec())]), false));
        decisions.end(&[b"abcd"]);
        assert_eq!(decisions.begin("randAlpha", inputs("randAlpha", &[b"5"])), (None, true));
        assert_eq!(decisions.made()[1].answers, [b"abcd".to_vec()]);
        let mut others = Decisions::default().avoiding(decisions.made());
        others.begin("randAlpha", digest.clone());
        assert!(others.avoided().is_empty());
        others.begin("randAlpha", digest.clone());
        assert_eq!(others.avoided(), [b"abcd".to_vec()]);
        others.begin("uuidv4", digest);
        assert!(others.avoided().is_empty());
        assert_ne!(inputs("f", &[b"ab", b"c"]), inputs("f", &[b"a", b"bc"]));
    }
}
