//! Certificates that are kept.

use hydrate_base::{Diagnostic, DiskWorld, World};
use serde::{Deserialize, Serialize};

/// A certificate that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Certificate {
    /// The object and the field, in words.
    pub place: String,
    /// From when until when it is valid, in nanoseconds since 1970.
    pub validity: [i128; 2],
    /// When it is to be made anew, if ever.
    pub renewal: Option<i128>,
}

impl Certificate {
    /// A warning where it has ended, or is to be made anew by the next run that writes.
    pub(in crate::pipeline) fn doubt(&self, env: &str) -> Option<Box<Diagnostic>> {
        let now = DiskWorld::new().now();
        let end = jiff::Timestamp::from_nanosecond(self.validity[1]).map(|end| end.to_string()).unwrap_or_default();
        let told = |what: &str| Diagnostic::warning(format!("{} is a certificate that {what}", self.place));
        match self.renewal {
            Some(renewal) if now >= renewal => {
                Some(told(&format!("is to be made anew: it ends at {end}")).help(format!("run `hydrate -e {env}` and commit the result")))
            }
            None if now >= self.validity[1] => Some(
                told(&format!("has ended at {end}"))
                    .help("`random: {default: keep, renewBefore: 720h}` has such certificates made anew in time")
                    .help("or delete the object's file, and run hydrate with `random: keep`"),
            ),
            _ => None,
        }
    }
}
