//! No bytes make the readers panic.

use hydrate_gotmpl::decode::{DecodeOptions, Numbers, Target, from_json, from_yaml};
use hydrate_yaml::compose;
use proptest::prelude::*;

fn read(bytes: &[u8]) {
    let _ = from_yaml(bytes, DecodeOptions::ANY);
    let _ = from_yaml(bytes, DecodeOptions { strict: true, ..DecodeOptions::MAP });
    let _ = compose(bytes);
    let _ = from_json(bytes, Target::Any, Numbers::Int64);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn bytes_that_mean_something(text in "[-:?#&*!|>'\"%@`,\\[\\]{} \t\n\r\\\\a1.<~=+\u{85}\u{2028}\u{feff}é]{0,200}") {
        read(text.as_bytes());
    }

    #[test]
    fn what_is_read_twice_is_the_same(text in "[-:?#&*!|>'\" \n,\\[\\]{}ab1]{0,80}") {
        let once = compose(text.as_bytes());
        prop_assert_eq!(once, compose(text.as_bytes()));
    }
}
