//! Eval results: the family of formats, and the run that each of them becomes.
//!
//! A reader hands on one row at a time, so that a file of any size is read in little memory.
//! What people are shown of a few rows is read in a second pass, by the same reader.

#[cfg(test)]
mod bad_input;
mod braintrust;
mod deepeval;
mod fold;
mod gh_models;
mod graded;
mod inspect_log;
mod junit;
mod langfuse;
mod langsmith;
mod meta;
mod mlflow;
mod openai_evals;
mod own;
mod own_csv;
mod promptfoo;
mod promptfoo_jsonl;
mod promptfoo_row;
mod records;
mod row;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ReadError;
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;
use crate::units::Digest;
use fold::Folding;
use row::{Row, Rows, Score, TooMany};

pub(crate) use fold::{Case, Graded};
pub(crate) use row::{CaseResult, Duty, Grader, Text};

/// The formats; exactly one may recognise a file.
pub(crate) const FORMATS: &[&dyn Format] = &[
    &promptfoo::Promptfoo,
    &promptfoo_jsonl::PromptfooJsonl,
    &deepeval::DeepEval,
    &inspect_log::InspectLog,
    &gh_models::GhModels,
    &langsmith::LangSmith,
    &langfuse::Langfuse,
    &braintrust::Braintrust,
    &mlflow::Mlflow,
    &openai_evals::OpenAiEvals,
    &own::OwnRows,
    &own_csv::OwnCsv,
    &junit::Junit,
];

/// One eval tool's result format.
pub(crate) trait Format: Sync {
    /// The tool's name: its file, its fixtures' folder, its word in the output.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// Tells from the first 64 KiB of the unpacked content whether this is such a file.
    fn recognises(&self, start: &[u8]) -> bool;

    /// Reads a file as a stream: hands on each row, and returns what the file says of the run.
    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError>;
}

/// What a file says of a run beside its rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Run {
    /// The tool's own version.
    pub(crate) tool_version: Option<String>,
    /// When it ran.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// The commit whose files it ran.
    pub(crate) revision: Option<Revision>,
    /// The arms, each with the number that its rows have.
    pub(crate) arms: Vec<(usize, Shown)>,
    /// Every metric of an arm grades each of its cases: rows do not say which do.
    pub(crate) graded_alike: bool,
}

/// Reads a run, all but its texts.
pub(crate) fn read(format: &dyn Format, reader: &mut dyn BufRead) -> Result<EvalRun, ReadError> {
    let mut folding = Folding::default();
    let run = format.read(reader, &mut folding)?;
    Ok(folding.finish(run))
}

/// Reads the texts of some rows, by their numbers.
pub(crate) fn texts(
    format: &dyn Format,
    reader: &mut dyn BufRead,
    wanted: &BTreeSet<u32>,
) -> Result<BTreeMap<u32, Text>, ReadError> {
    let mut picking = Picking {
        wanted,
        next: 0,
        found: BTreeMap::new(),
    };
    format.read(reader, &mut picking)?;
    Ok(picking.found)
}

struct Picking<'a> {
    wanted: &'a BTreeSet<u32>,
    next: u32,
    found: BTreeMap<u32, Text>,
}

impl Rows for Picking<'_> {
    fn row(&mut self, row: Row) -> Result<(), TooMany> {
        if self.wanted.contains(&self.next) {
            self.found.insert(self.next, row.text);
        }
        self.next = self.next.checked_add(1).ok_or(TooMany::Rows)?;
        Ok(())
    }
}

/// One run of an eval tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EvalRun {
    /// The tool's own version.
    pub(crate) tool_version: Option<String>,
    /// When it ran.
    pub(crate) made_at: Option<DateTime<Utc>>,
    /// The commit whose files it ran.
    pub(crate) revision: Option<Revision>,
    /// One for each pair of prompt and model.
    pub(crate) arms: Vec<Arm>,
}

/// The cases of one prompt with one model.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Arm {
    /// What the file shows of the prompt that ran.
    pub(crate) shown: Shown,
    /// Cases with at least one assertion, in the order of their ids.
    pub(crate) cases: Vec<Arc<Case>>,
    /// The metrics that graded them, by the number that each case has.
    pub(crate) metrics: Vec<Metric>,
    /// How judges agree with people.
    pub(crate) agreement: BTreeMap<Metric, Agreement>,
    /// Cases that prove nothing, because nothing was asserted.
    pub(crate) without_assertions: u64,
}

/// The commit whose files a run ran, as its file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    /// The commit, possibly short.
    pub(crate) commit: String,
    /// Whether files differed from it; `None` where that is not told.
    pub(crate) dirty: Option<bool>,
}

/// A metric, with who graded by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    /// Its name, as the tool has it.
    pub(crate) name: String,
    /// A rule or a judge.
    pub(crate) by: Grader,
}

impl Metric {
    /// Its name, with the judge.
    pub(crate) fn words(&self) -> String {
        match &self.by {
            Grader::Judge(Some(model)) => format!("{} (judge {model})", self.name),
            Grader::Judge(None) => format!("{} (a judge)", self.name),
            Grader::Code | Grader::Human => self.name.clone(),
        }
    }

    fn of(score: &Score) -> Self {
        Self {
            name: score.metric.clone(),
            by: score.by.clone(),
        }
    }
}

/// How often a judge and people said which of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Both: enough.
    pub(crate) both: u64,
    /// The judge alone: enough.
    pub(crate) judge: u64,
    /// The person alone: enough.
    pub(crate) person: u64,
    /// Both: not enough.
    pub(crate) neither: u64,
}

impl Agreement {
    /// Both together.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            both: self.both + other.both,
            judge: self.judge + other.judge,
            person: self.person + other.person,
            neither: self.neither + other.neither,
        }
    }

    const fn add(&mut self, judge: bool, person: bool) {
        *match (judge, person) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.judge,
            (false, true) => &mut self.person,
            (false, false) => &mut self.neither,
        } += 1;
    }
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An arm whose cases assert what is given: expected values, rules, thresholds, judges; and
    /// ask for their own name.
    pub(in crate::evidence) fn arm_of(cases: &[(&str, [&str; 4], Option<Duty>)]) -> Arm {
        let mut folding = Folding::default();
        for (name, [expected, rules, thresholds, judges], duty) in cases {
            let parts = row::Assertions {
                expected: (*expected).into(),
                rules: (*rules).into(),
                thresholds: (*thresholds).into(),
                judges: (*judges).into(),
            };
            let row = Row {
                case: Some((*name).to_owned()),
                asserted: Some(row::Asserted::of(&parts)),
                duty: *duty,
                ..Row::of(Digest::of(name.as_bytes()), CaseResult::Passed)
            };
            folding.row(row).unwrap();
        }
        let run = Run {
            arms: vec![(0, Shown::default())],
            ..Run::default()
        };
        folding.finish(run).arms.remove(0)
    }

    /// An arm with these cases, which all assert the same.
    pub(in crate::evidence) fn arm(cases: &[&str]) -> Arm {
        let same = |name| (name, ["e", "r", "t", "j"], None);
        arm_of(&cases.iter().copied().map(same).collect::<Vec<_>>())
    }

    /// Passed, failed, errored, trials, without assertions.
    pub(in crate::evidence) fn counts(arm: &Arm) -> [u64; 5] {
        let of = |result| {
            arm.cases
                .iter()
                .filter(|case| case.result() == result)
                .count() as u64
        };
        [
            of(CaseResult::Passed),
            of(CaseResult::Failed),
            of(CaseResult::Errored),
            arm.cases.iter().map(|case| u64::from(case.runs())).sum(),
            arm.without_assertions,
        ]
    }
}
