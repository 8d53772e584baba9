//! Rows in gatecard's own schema, `evals/1`: for every tool that has no reader. As JSON Lines
//! with a first line of its own, or as CSV. `docs/eval-rows.md` describes both.

use std::collections::BTreeMap;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::row::{Asserted, Assertions, CaseResult, Duty, Grader, Row, Rows, Score, Text};
use super::stream::{Lines, at_most, wrong_line};
use super::{Format, Revision, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_ARMS;
use crate::prompt::canonical;
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;
use crate::units::{Digest, Usd};

/// The schema that is read.
const SCHEMA: &str = "evals/1";

pub(crate) struct OwnRows;

impl Format for OwnRows {
    fn id(&self) -> &'static str {
        "rows"
    }

    fn about(&self) -> &'static str {
        "rows in gatecard's own schema, JSON Lines (`docs/eval-rows.md`)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let line = start.trim_ascii_start().split(|byte| *byte == b'\n').next();
        let head = line.and_then(|line| serde_json::from_slice::<Json>(line).ok());
        head.is_some_and(|head| head.get("gatecard").and_then(Json::as_str).is_some())
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut lines = Lines::of(reader);
        let head = match lines.next()? {
            Some((number, line)) => {
                serde_json::from_slice::<Head>(line).map_err(|error| wrong_line(number, &error))?
            }
            None => {
                return Err(ReadError::shape(
                    "an empty file",
                    "a first line with `gatecard`",
                ));
            }
        };
        if head.gatecard != SCHEMA {
            let found = format!("rows of schema `{}`", head.gatecard);
            return Err(ReadError::shape(
                found,
                format!("rows of schema `{SCHEMA}`"),
            ));
        }
        let mut taking = Taking::new(rows);
        while let Some((number, line)) = lines.next()? {
            let row: OwnRow =
                serde_json::from_slice(line).map_err(|error| wrong_line(number, &error))?;
            taking.take(row, number)?;
        }
        Ok(taking.run(head))
    }
}

/// The first line.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    gatecard: String,
    tool_version: Option<String>,
    made_at: Option<DateTime<Utc>>,
    commit: Option<String>,
    dirty: Option<bool>,
}

/// One result. A key that is not known is refused: it could be a known one misspelt.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OwnRow {
    pub(super) id: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) version: Option<Digest>,
    pub(super) template: Option<String>,
    pub(super) model: Option<String>,
    pub(super) parameters: Option<Map<String, Json>>,
    pub(super) input: Json,
    pub(super) output: Json,
    pub(super) expected: Json,
    pub(super) assertions: Json,
    pub(super) thresholds: Json,
    pub(super) judges: Json,
    pub(super) passed: Option<bool>,
    pub(super) error: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) human: Option<bool>,
    pub(super) scores: BTreeMap<String, OwnScore>,
    pub(super) cost_usd: Option<f64>,
    pub(super) latency_ms: Option<f64>,
    pub(super) trace_id: Option<String>,
    pub(super) must_pass: bool,
    pub(super) canary: bool,
}

/// A score: its number alone, or more of it.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a score is a number, or an object of `value`, `passed`, `human` and `judge`"
)]
pub(super) enum OwnScore {
    Number(f64),
    Whole(WholeScore),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WholeScore {
    pub(super) value: Option<f64>,
    pub(super) passed: Option<bool>,
    pub(super) human: Option<bool>,
    pub(super) judge: Option<String>,
}

/// Which arm a row is of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Arm(Option<String>, Option<Digest>, Option<String>, String);

/// Rows on their way.
pub(super) struct Taking<'a> {
    rows: &'a mut dyn Rows,
    arms: BTreeMap<Arm, (usize, Shown)>,
}

impl<'a> Taking<'a> {
    pub(super) const fn new(rows: &'a mut dyn Rows) -> Self {
        Self {
            rows,
            arms: BTreeMap::new(),
        }
    }

    /// Hands a row on.
    pub(super) fn take(&mut self, mut row: OwnRow, line: usize) -> Result<(), ReadError> {
        let wrong = |found: String, expected: &str| ReadError {
            line: Some(line),
            found,
            expected: expected.to_owned(),
        };
        if row.passed.is_none() && row.error.is_none() {
            let found = String::from("neither `passed` nor `error`");
            return Err(wrong(
                found,
                "whether the case passed, or why it could not be run",
            ));
        }
        let next = self.arms.len();
        let arm = self
            .arms
            .entry(row.arm())
            .or_insert_with(|| (next, row.shown()));
        let number = arm.0;
        at_most(self.arms.len(), EVAL_ARMS, "prompts and models")
            .map_err(|found| wrong(found, "a file that is split"))?;
        let row = Row {
            arm: number,
            ..row.reduce()
        };
        let taken = self.rows.row(row);
        taken.map_err(|error| wrong(error.to_string(), "a file that is split"))
    }

    pub(super) fn run(self, head: Head) -> Run {
        Run {
            tool_version: head.tool_version,
            made_at: head.made_at,
            revision: head.commit.map(|commit| Revision {
                commit,
                dirty: head.dirty,
            }),
            arms: self.arms.into_values().collect(),
            graded_alike: false,
        }
    }
}

impl OwnRow {
    fn arm(&self) -> Arm {
        let parameters = self.parameters.clone().map(Json::Object);
        let rest = canonical::json(&parameters.unwrap_or_default());
        let template = self.template.clone().unwrap_or_default();
        Arm(
            self.prompt.clone(),
            self.version,
            self.model.clone(),
            format!("{rest}\n{template}"),
        )
    }

    fn shown(&self) -> Shown {
        let stamp = self.prompt.clone().zip(self.version);
        Shown {
            raw: self.template.as_deref().map(RawPrompt::of),
            label: self.prompt.clone(),
            file: None,
            model: self.model.as_deref().and_then(ModelRef::parse),
            settings: self.parameters.as_ref().map(Settings::read),
            stamps: stamp.into_iter().collect(),
        }
    }

    fn reduce(&mut self) -> Row {
        let result = match (self.error.is_some(), self.passed) {
            (true, _) | (false, None) => CaseResult::Errored,
            (false, Some(true)) => CaseResult::Passed,
            (false, Some(false)) => CaseResult::Failed,
        };
        let asserted = Assertions {
            expected: std::mem::take(&mut self.expected),
            rules: std::mem::take(&mut self.assertions),
            thresholds: std::mem::take(&mut self.thresholds),
            judges: std::mem::take(&mut self.judges),
        };
        let canary = self.canary.then_some(Duty::Canary);
        let input = canonical::json(&self.input);
        let text = |value: &Json| match value {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(canonical::json(other)),
        };
        Row {
            case: self.id.take().filter(|id| !id.is_empty()),
            asserted: Some(Asserted::of(&asserted)),
            scores: self.scores(),
            duty: canary.or_else(|| self.must_pass.then_some(Duty::MustPass)),
            cost: self.cost_usd.and_then(Usd::from_dollars),
            latency_ms: self.latency_ms.filter(|latency| latency.is_finite()),
            trace_id: self.trace_id.take().filter(|id| !id.is_empty()),
            text: Text {
                input: text(&self.input),
                output: text(&self.output),
                reason: self.error.take().or_else(|| self.reason.take()),
            },
            ..Row::of(Digest::of(input.as_bytes()), result)
        }
    }

    fn scores(&mut self) -> Vec<Score> {
        let mut found = Vec::new();
        for (metric, score) in std::mem::take(&mut self.scores) {
            let score = match score {
                OwnScore::Number(value) => WholeScore {
                    value: Some(value),
                    ..WholeScore::default()
                },
                OwnScore::Whole(score) => score,
            };
            if let Some(passed) = score.human {
                found.push(by_person(metric.clone(), passed));
            }
            let judge = score
                .judge
                .map(|model| Some(model).filter(|model| !model.is_empty()));
            found.push(Score {
                metric,
                by: judge.map_or(Grader::Code, Grader::Judge),
                value: score.value.filter(|value| value.is_finite()),
                passed: score.passed,
            });
        }
        found.extend(self.human.map(|passed| by_person(String::new(), passed)));
        found
    }
}

const fn by_person(metric: String, passed: bool) -> Score {
    Score {
        metric,
        by: Grader::Human,
        value: None,
        passed: Some(passed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    const HEAD: &str = r#"{"gatecard":"evals/1","made_at":"2026-11-23T10:00:00Z","commit":"abc1234","dirty":false}"#;

    fn read(rows: &[&str]) -> Result<EvalRun, ReadError> {
        let text = format!("{HEAD}\n{}\n", rows.join("\n"));
        assert!(OwnRows.recognises(text.as_bytes()));
        evals::read(&OwnRows, &mut text.as_bytes())
    }

    #[test]
    fn rows_come_to_cases_with_all_that_they_say() {
        let run = read(&[
            r#"{"id":"a","prompt":"p","model":"openai/gpt-4o","input":{"q":"x"},"passed":true,"scores":{"tone":0.5,"safe":{"passed":true,"judge":"openai/gpt-4o-mini","human":false}},"cost_usd":0.5,"latency_ms":20,"must_pass":true}"#,
            r#"{"id":"b","prompt":"p","model":"openai/gpt-4o","input":"y","passed":false,"reason":"too short"}"#,
            r#"{"id":"c","prompt":"p","model":"openai/gpt-4o","input":"z","error":"timeout"}"#,
            r#"{"id":"a","prompt":"other","input":"y","passed":true}"#,
        ])
        .unwrap();
        assert_eq!(run.arms.len(), 2);
        let arm = run
            .arms
            .iter()
            .find(|arm| arm.shown.label.as_deref() == Some("p"))
            .unwrap();
        assert_eq!(counts(arm), [1, 1, 1, 3, 0]);
        assert_eq!(arm.cases[0].duty, Some(Duty::MustPass));
        assert_eq!(arm.cases[0].latency_ms(), Some(20.0));
        assert_eq!(arm.metrics.len(), 2);
        let agreement: Vec<u64> = arm.agreement.values().map(|each| each.judge).collect();
        assert_eq!(agreement, [1], "the judge alone let it pass");
        assert_eq!(run.revision.unwrap().dirty, Some(false));
    }

    #[test]
    fn what_is_no_row_is_refused_at_its_line() {
        for (row, found) in [
            (r#"{"id":"a","input":"x"}"#, "neither `passed` nor `error`"),
            (r#"{"id":"a","pased":true}"#, "unknown field `pased`"),
            (
                r#"{"id":"a","passed":true,"passed":false}"#,
                "duplicate field",
            ),
            (r#"{"passed":true,"version":"abc"}"#, "SHA-256"),
            (r#"{"passed":true"#, "EOF"),
            ("[true]", "invalid"),
        ] {
            let error = read(&[row]).unwrap_err();
            assert_eq!(error.line, Some(2), "{row}");
            assert!(error.found.contains(found), "{row}: {}", error.found);
        }
        let other = HEAD.replace("evals/1", "evals/2");
        let error = evals::read(&OwnRows, &mut other.as_bytes()).unwrap_err();
        assert!(error.found.contains("evals/2"), "{}", error.found);
    }
}
