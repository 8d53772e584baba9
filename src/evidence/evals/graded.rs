//! Answers of tools that give scores and no verdict, and the arms that such answers are of.
//!
//! true and 1 pass, false and 0 fail; another number passes nothing by itself, since which share
//! is enough the file does not say. Evaluators are those of the whole run: an answer that broke
//! often has none, so that they are no part of what a single case asserts.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::meta::Meta;
use super::row::{Asserted, Assertions, CaseResult, Grader, Row, Score, Text};
use super::stream::at_most;
use super::{Run, Shown};
use crate::limits::EVAL_ARMS;
use crate::prompt::canonical;
use crate::prompt::model::ModelRef;
use crate::units::{Digest, Usd};

/// What a score comes to: its number, and whether it is enough, where that can be told.
pub(super) fn decided(value: &Json) -> (Option<f64>, Option<bool>) {
    match value {
        Json::Bool(passed) => (Some(f64::from(*passed)), Some(*passed)),
        Json::Number(number) => decided_by(number.as_f64()),
        _ => (None, None),
    }
}

/// The same of a number.
pub(super) fn decided_by(number: Option<f64>) -> (Option<f64>, Option<bool>) {
    let number = number.filter(|number| number.is_finite());
    let passed = number.and_then(|number| match number.total_cmp(&1.0) {
        Ordering::Equal => Some(true),
        _ => (number == 0.0).then_some(false),
    });
    (number, passed)
}

/// A text as it is, anything else as JSON; nothing of `null`.
pub(super) fn words(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(canonical::json(other)),
    }
}

/// What an evaluator said.
pub(super) enum Said {
    /// A number, or whether it is enough.
    Score(Score),
    /// It broke.
    Broke,
}

/// What an evaluator said with its words, where it is a score.
pub(super) fn said(
    metric: String,
    by: Grader,
    score: &Json,
    words: String,
) -> Option<(Said, String)> {
    let (value, passed) = decided(score);
    value?;
    let score = Score {
        metric,
        by,
        value,
        passed,
    };
    Some((Said::Score(score), words))
}

/// The judge that a model is; without one it is a rule.
pub(super) fn judge(model: Option<&Json>) -> Grader {
    let model = model.and_then(Json::as_str);
    model.map_or(Grader::Code, |model| Grader::Judge(Some(model.to_owned())))
}

/// An answer with what evaluators said of it.
#[derive(Default)]
pub(super) struct Answer {
    /// The case's id.
    pub(super) case: Option<String>,
    /// What was asked.
    pub(super) input: Json,
    /// What was answered.
    pub(super) output: Json,
    /// What should have been.
    pub(super) expected: Json,
    /// Why there is no answer.
    pub(super) error: Option<String>,
    /// What each evaluator said, with its words.
    pub(super) said: Vec<(Said, String)>,
    /// Price of the answer, in dollars.
    pub(super) cost: Option<f64>,
    /// How long the answer took, in milliseconds.
    pub(super) latency_ms: Option<f64>,
    /// The production trace that the case was taken from.
    pub(super) trace_id: Option<String>,
}

impl Answer {
    /// The row of an arm.
    pub(super) fn row(self, arm: usize, meta: Meta<'_>) -> Row {
        let mut decided = Vec::new();
        let mut broken = None;
        for (said, words) in &self.said {
            match said {
                Said::Score(score) if score.by == Grader::Human => {}
                Said::Score(score) => {
                    decided.extend(score.passed.map(|passed| (passed, &score.metric, words)));
                }
                Said::Broke => broken = broken.or(Some(words)),
            }
        }
        let failed = decided.iter().find(|(passed, ..)| !passed);
        let (result, reason) = match (&self.error, failed, broken) {
            (Some(error), ..) => (CaseResult::Errored, Some(error.clone())),
            (None, Some((_, metric, words)), _) => {
                let words = if words.is_empty() { "failed" } else { words };
                (CaseResult::Failed, Some(format!("{metric}: {words}")))
            }
            (None, None, Some(words)) => (CaseResult::Errored, Some(words.clone())),
            (None, None, None) => (CaseResult::Passed, None),
        };
        let asserts = !decided.is_empty() || result == CaseResult::Errored;
        let asserted = Assertions {
            expected: self.expected,
            ..Assertions::default()
        };
        let scores = self.said.into_iter().filter_map(|(said, _)| match said {
            Said::Score(score) => Some(score),
            Said::Broke => None,
        });
        Row {
            arm,
            case: meta.id().or(self.case),
            asserted: asserts.then(|| Asserted::of(&asserted)),
            scores: scores.collect(),
            duty: meta.duty(),
            cost: self.cost.and_then(Usd::from_dollars),
            latency_ms: self.latency_ms,
            trace_id: meta.trace_id().or(self.trace_id),
            text: Text {
                input: words(&self.input),
                output: words(&self.output),
                reason,
            },
            ..Row::of(Digest::of(canonical::json(&self.input).as_bytes()), result)
        }
    }
}

/// What parts one arm from another: label, model and stamps.
type Arm = (Option<String>, Option<ModelRef>, BTreeMap<String, Digest>);

/// The arms of a file whose rows say for themselves what they are of.
#[derive(Default)]
pub(super) struct Arms {
    known: BTreeMap<Arm, usize>,
}

impl Arms {
    /// The number of the arm with a label, and with the model and the stamps that people tell.
    pub(super) fn number(&mut self, label: Option<&str>, meta: Meta<'_>) -> Result<usize, String> {
        self.known(label, meta.model(), meta.stamps())
    }

    /// The same, where they stand elsewhere.
    pub(super) fn known(
        &mut self,
        label: Option<&str>,
        model: Option<ModelRef>,
        stamps: BTreeMap<String, Digest>,
    ) -> Result<usize, String> {
        let next = self.known.len();
        let key = (label.map(str::to_owned), model, stamps);
        let number = *self.known.entry(key).or_insert(next);
        at_most(self.known.len(), EVAL_ARMS, "prompts and models")?;
        Ok(number)
    }

    /// The run.
    pub(super) fn run(self) -> Run {
        let arms = self
            .known
            .into_iter()
            .map(|((label, model, stamps), number)| {
                let shown = Shown {
                    label,
                    model,
                    stamps,
                    ..Shown::default()
                };
                (number, shown)
            });
        Run {
            arms: arms.collect(),
            graded_alike: true,
            ..Run::default()
        }
    }
}
