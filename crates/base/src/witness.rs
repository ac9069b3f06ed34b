//! What engines tell of their work to who wants to explain what they gave.

use std::any::Any;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Takes note of what engines did. A world has one only where something is to be explained ([`crate::World::witness`]).
#[derive(Default)]
pub struct Witness(Mutex<Vec<Box<dyn Any + Send>>>);

impl Witness {
    /// Takes note of a thing.
    pub fn note<T: Any + Send>(&self, what: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(what));
    }

    /// The things of a type that were noted since the last time, in their order.
    pub fn take<T: Any>(&self) -> Vec<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut taken, mut others) = (Vec::new(), Vec::new());
        for noted in all.drain(..) {
            match noted.downcast::<T>() {
                Ok(one) => taken.push(*one),
                Err(other) => others.push(other),
            }
        }
        *all = others;
        taken
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Witness")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_taken_by_their_type_and_once() {
        let witness = Witness::default();
        witness.note(1_u8);
        witness.note("a".to_owned());
        witness.note(2_u8);
        assert_eq!(witness.take::<u8>(), [1, 2]);
        assert_eq!(witness.take::<u8>(), [0_u8; 0]);
        assert_eq!(witness.take::<String>(), ["a"]);
    }
}
