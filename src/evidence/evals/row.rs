//! One result of an eval tool: what a reader hands on, as soon as it has read it.

use crate::limits::EVAL_ROWS;
use crate::units::{Digest, Usd};

/// What one row came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CaseResult {
    /// Every assertion held.
    Passed,
    /// An assertion failed.
    Failed,
    /// There was no answer to assert on: an outage, a timeout, a broken grader.
    Errored,
}

/// One result row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Which arm of the run: the reader numbers them.
    pub(crate) arm: usize,
    /// The case's declared id.
    pub(crate) case: Option<String>,
    /// Hash of the input.
    pub(crate) input: Digest,
    /// Hash of what is asserted; `None` where nothing is, so that the row proves nothing.
    pub(crate) assertions: Option<Digest>,
    /// What it came to.
    pub(crate) result: CaseResult,
    /// Price of the answer.
    pub(crate) cost: Option<Usd>,
    /// The production trace that the case was taken from.
    pub(crate) trace_id: Option<String>,
    /// What people are shown of it.
    pub(crate) text: Text,
}

/// The words of a row. Too much to keep of every one: the few that are shown are read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// The answer.
    pub(crate) output: Option<String>,
    /// The first assertion that failed, or the error.
    pub(crate) reason: Option<String>,
}

/// Whoever takes the rows of a file, in their order.
pub(crate) trait Rows {
    /// Takes the next row.
    fn row(&mut self, row: Row) -> Result<(), TooMany>;
}

/// A file has more rows than are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {EVAL_ROWS} results")]
pub(crate) struct TooMany;
