//! Everything that a score or a gate rests on: read, bounded, hashed.

pub(crate) mod alone;
pub(crate) mod binding;
mod bound;
pub(crate) mod collect;
pub(crate) mod evals;
mod freshness;
mod home;
pub(crate) mod judged;
mod reading;
pub(crate) mod revisions;
pub(crate) mod saved;
pub(crate) mod sets;
mod shows;
pub(crate) mod slow;
pub(crate) mod supply;
#[cfg(test)]
mod tests;
pub(crate) mod testset;
pub(crate) mod texts;
pub(crate) mod told;
pub(crate) mod tools;
pub(crate) mod traces;
pub(crate) mod versions;

use std::io;

/// Why the content of an evidence file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadError {
    /// The line, counted from 1, where there is one.
    pub(crate) line: Option<usize>,
    /// What was found.
    pub(crate) found: String,
    /// What was expected.
    pub(crate) expected: String,
}

impl ReadError {
    /// The content has another shape than the format.
    pub(crate) fn shape(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            line: None,
            found: found.into(),
            expected: expected.into(),
        }
    }

    /// The file could not be read or unpacked.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "used as a function in map_err"
    )]
    pub(crate) fn io(error: io::Error) -> Self {
        Self::shape(error.to_string(), "a readable file")
    }

    /// The content is no JSON, ends early, or has other types than the format.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "used as a function in map_err"
    )]
    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self {
            line: Some(error.line()),
            found: error.to_string(),
            expected: String::from(if error.is_eof() {
                "a whole file: this one ends early"
            } else {
                "well-formed JSON of this format"
            }),
        }
    }
}
