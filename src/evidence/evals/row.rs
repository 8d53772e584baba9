//! One result of an eval tool: what a reader hands on, as soon as it has read it.

use serde_json::{Value as Json, json};

use crate::limits::{EVAL_METRICS, EVAL_ROWS, EVAL_SCORES};
use crate::prompt::canonical;
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
    /// What is asserted; `None` where nothing is, so that the row proves nothing.
    pub(crate) asserted: Option<Asserted>,
    /// What it came to.
    pub(crate) result: CaseResult,
    /// What each metric, assertion or person said of it.
    pub(crate) scores: Vec<Score>,
    /// What the file says is special about the case.
    pub(crate) duty: Option<Duty>,
    /// Price of the answer.
    pub(crate) cost: Option<Usd>,
    /// How long the answer took, in milliseconds.
    pub(crate) latency_ms: Option<f64>,
    /// The production trace that the case was taken from.
    pub(crate) trace_id: Option<String>,
    /// What people are shown of it.
    pub(crate) text: Text,
}

impl Row {
    /// A row of which nothing else is known.
    pub(crate) fn of(input: Digest, result: CaseResult) -> Self {
        Self {
            arm: 0,
            case: None,
            input,
            asserted: None,
            result,
            scores: Vec::new(),
            duty: None,
            cost: None,
            latency_ms: None,
            trace_id: None,
            text: Text::default(),
        }
    }
}

/// What a case asserts: as a whole, and by part, so that a change can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asserted {
    /// All of it: two cases are the same where this is.
    pub(crate) whole: Digest,
    /// Of the values that are expected.
    pub(crate) expected: u64,
    /// Of the kinds of assertion and their metrics.
    pub(crate) rules: u64,
    /// Of the thresholds and weights.
    pub(crate) thresholds: u64,
    /// Of the judges: their models and prompts.
    pub(crate) judges: u64,
}

impl Asserted {
    /// Hashes the parts, each as canonical JSON.
    pub(crate) fn of(parts: &Assertions) -> Self {
        let digest = |value: &Json| Digest::of(canonical::json(value).as_bytes());
        let all = [
            &parts.expected,
            &parts.rules,
            &parts.thresholds,
            &parts.judges,
        ]
        .map(digest);
        let [expected, rules, thresholds, judges] = all.map(|part| part.start());
        Self {
            whole: digest(&json!(all)),
            expected,
            rules,
            thresholds,
            judges,
        }
    }
}

impl Asserted {
    /// The same, graded by the evaluators of its whole run.
    pub(crate) fn graded_by(self, rules: &Json, judges: &Json) -> Self {
        let all = Self::of(&Assertions {
            rules: rules.clone(),
            judges: judges.clone(),
            ..Assertions::default()
        });
        Self {
            whole: Digest::of(format!("{} {}", self.whole, all.whole).as_bytes()),
            rules: all.rules,
            judges: all.judges,
            ..self
        }
    }
}

/// The parts of what a case asserts, as the file has them; `null` where it has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Assertions {
    /// The values that are expected.
    pub(crate) expected: Json,
    /// The kinds of assertion and their metrics.
    pub(crate) rules: Json,
    /// The thresholds and weights.
    pub(crate) thresholds: Json,
    /// The judges: their models and prompts.
    pub(crate) judges: Json,
}

/// What one metric, assertion or person said of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Score {
    /// The metric's name, as the tool has it.
    pub(crate) metric: String,
    /// Who says so.
    pub(crate) by: Grader,
    /// The number, more is better; finite.
    pub(crate) value: Option<f64>,
    /// Whether it was enough.
    pub(crate) passed: Option<bool>,
}

/// Who graded an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grader {
    /// A rule.
    Code,
    /// A model, where the file names it.
    Judge(Option<String>),
    /// A person.
    Human,
}

/// What is special about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Duty {
    /// One failure blocks.
    MustPass,
    /// It must fail: one that passes shows that the assertions catch nothing.
    Canary,
}

/// The words of a row. Too much to keep of every one: the few that are shown are read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// What was asked: the input variables, or the message.
    pub(crate) input: Option<String>,
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

/// A file has more of something than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooMany {
    /// Result rows.
    #[error("more than {EVAL_ROWS} results")]
    Rows,
    /// Metrics of one prompt.
    #[error("more than {EVAL_METRICS} metrics")]
    Metrics,
    /// Scores, of all rows together.
    #[error("more than {EVAL_SCORES} scores")]
    Scores,
    /// A score so large that sums of it are no longer exact.
    #[error("a score beyond 10^12")]
    Score,
}
