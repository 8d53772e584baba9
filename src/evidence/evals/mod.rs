//! Eval results: the family of formats, and the run that each of them becomes.

mod promptfoo;

use std::collections::BTreeMap;
use std::io::BufRead;

use chrono::{DateTime, Utc};

use super::ReadError;
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;
use crate::units::{Digest, Usd};

/// The formats; exactly one may recognise a file.
pub(crate) const FORMATS: &[&dyn Format] = &[&promptfoo::Promptfoo];

/// One eval tool's result format.
pub(crate) trait Format: Sync {
    /// The tool's name: its file, its fixtures' folder, its word in the output.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// Tells from the first 64 KiB of the unpacked content whether this is such a file.
    fn recognises(&self, start: &[u8]) -> bool;

    /// Reads a file as a stream.
    fn read(&self, reader: &mut dyn BufRead) -> Result<EvalRun, ReadError>;
}

/// One run of an eval tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EvalRun {
    /// The tool's own version.
    pub(crate) tool_version: Option<String>,
    /// When it ran.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// One for each pair of prompt and model.
    pub(crate) arms: Vec<Arm>,
}

/// The cases of one prompt with one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Arm {
    /// What the file shows of the prompt that ran.
    pub(crate) shown: Shown,
    /// Cases with at least one assertion, in the order of their ids.
    pub(crate) cases: Vec<Case>,
    /// Cases that prove nothing, because nothing was asserted.
    pub(crate) without_assertions: u64,
}

/// What a result file shows of a prompt. What it does not show stays `None`: never guessed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shown {
    /// The raw prompt, before variables are put in.
    pub(crate) raw: Option<RawPrompt>,
    /// The prompt's label in the tool.
    pub(crate) label: Option<String>,
    /// The path or reference of the prompt file.
    pub(crate) file: Option<String>,
    /// The model.
    pub(crate) model: Option<ModelRef>,
    /// The model's settings.
    pub(crate) settings: Option<Settings>,
    /// Versions that the run was stamped with, by prompt id: our digests.
    pub(crate) stamps: BTreeMap<String, Digest>,
}

/// What one case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CaseResult {
    /// Every assertion held.
    Passed,
    /// An assertion failed.
    Failed,
    /// There was no answer to assert on: an outage, a timeout, a broken grader.
    Errored,
}

/// One case of an arm; repeated trials of it are folded into one by majority.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// Declared id, else a hash of the input variables; `#2` and so on for other assertions
    /// on the same input.
    pub(crate) id: String,
    /// What it came to.
    pub(crate) result: CaseResult,
    /// How often it was run.
    pub(crate) trials: u64,
    /// The first assertion that failed, or the error.
    pub(crate) reason: Option<String>,
    /// The start of the answer.
    pub(crate) output: Option<String>,
    /// Price of the answer.
    pub(crate) cost: Option<Usd>,
    /// The production trace that the case was taken from.
    pub(crate) trace_id: Option<String>,
    /// Of the input and of what is asserted: two runs are compared on equal ones only.
    pub(crate) content: Option<Digest>,
}

/// One result row before folding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    /// Declared id or hash of the input.
    pub(crate) case: String,
    /// Hash of what is asserted: tells trials of one case from two cases on one input.
    pub(crate) assertions: Digest,
    /// The row's own content; its id and trial count are set by folding.
    pub(crate) row: Case,
}

/// Folds trials into cases: rows with the same id and assertions are trials of one case, and
/// the majority decides (a tie does not pass). Rows with the same id and other assertions are
/// cases of their own, numbered in the order of their assertions' digest.
pub(crate) fn fold(trials: Vec<Trial>) -> Vec<Case> {
    let mut grouped: BTreeMap<String, BTreeMap<Digest, Vec<Case>>> = BTreeMap::new();
    for trial in trials {
        grouped
            .entry(trial.case)
            .or_default()
            .entry(trial.assertions)
            .or_default()
            .push(trial.row);
    }
    let mut cases = Vec::new();
    for (id, variants) in grouped {
        for (number, rows) in variants.into_values().enumerate() {
            let id = if number == 0 {
                id.clone()
            } else {
                format!("{id}#{}", number + 1)
            };
            cases.extend(majority(id, rows));
        }
    }
    cases
}

fn majority(id: String, rows: Vec<Case>) -> Option<Case> {
    let count = |result| rows.iter().filter(|row| row.result == result).count();
    let (passed, failed) = (count(CaseResult::Passed), count(CaseResult::Failed));
    let result = match (passed, failed) {
        (0, 0) => CaseResult::Errored,
        (passed, failed) if passed > failed => CaseResult::Passed,
        _ => CaseResult::Failed,
    };
    let trials = rows.len() as u64;
    let row = rows.into_iter().find(|row| row.result == result)?;
    Some(Case { id, trials, ..row })
}
