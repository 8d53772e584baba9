//! MLflow evaluations: the table of `mlflow.genai.evaluate()` and `eval_results_table.json` of
//! `mlflow.models.evaluate()`; each as pandas writes it: split, as records, or as lines.
//!
//! The first has a row for each trace: `trace_id`, `state`, `request`, `response`, `tags`,
//! `trace_metadata`, `assessments[].{assessment_name, source.{source_type, source_id},
//! feedback.{value, error}, rationale, expectation.value, valid}`. MLflow's judges say `yes` and
//! `no`. The second has one for each case: the data's own columns, then
//! `METRIC/VERSION/score` and `METRIC/VERSION/justification`.

use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::graded::{Answer, Arms, Said, said, words};
use super::meta::Meta;
use super::records::{self, Found};
use super::row::{Grader, Row, Rows};
use super::{Format, Run};
use crate::evidence::ReadError;

pub(crate) struct Mlflow;

/// Columns of the second table that hold the answer.
const OUTPUTS: [&str; 4] = ["outputs", "predictions", "output", "prediction"];
/// Columns of the second table that hold what is expected.
const TARGETS: [&str; 4] = ["targets", "ground_truth", "target", "expected"];
/// Columns of the second table that MLflow adds.
const ADDED: [&str; 3] = ["latency", "token_count", "source_documents"];

impl Format for Mlflow {
    fn id(&self) -> &'static str {
        "mlflow"
    }

    fn about(&self) -> &'static str {
        "MLflow evaluation tables (`result_df` as JSON, `eval_results_table.json`)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        let traces = has("\"trace_id\"") && has("\"execution_duration\"") && has("\"assessments\"");
        let scores = has("/score\"") || has("\\/score\"");
        let table = has("\"columns\"") && has("\"data\"") && scores;
        start.trim_start().starts_with(['{', '[']) && (traces || table)
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut arms = Arms::default();
        let mut made_at: Option<DateTime<Utc>> = None;
        records::read(reader, &["data"], &mut |found| {
            let row = match found {
                Found::Item(before, Json::Array(cells)) => joined(before, cells)?,
                Found::Item(_, Json::Object(row)) | Found::Line(row) => row,
                Found::Listed(_) => return Ok(()),
                Found::Item(..) => return Err(String::from("a row that is no list")),
            };
            let row = if row.contains_key("assessments") {
                let mut row: Traced =
                    serde_json::from_value(Json::Object(row)).map_err(|error| error.to_string())?;
                let time = row.request_time.as_i64();
                made_at = made_at.max(time.and_then(DateTime::from_timestamp_millis));
                let label = row.label();
                let tags = std::mem::take(&mut row.tags);
                let meta = Meta::of(&tags);
                let arm = arms.number(label.as_deref(), meta)?;
                row.answer().row(arm, meta)
            } else {
                let arm = arms.number(None, Meta::of(&Json::Null))?;
                plain(row, arm)?
            };
            rows.row(row).map_err(|error| error.to_string())
        })?;
        Ok(Run {
            made_at,
            ..arms.run()
        })
    }
}

/// A row of a table that is split into columns and cells.
fn joined(table: &Map<String, Json>, cells: Vec<Json>) -> Result<Map<String, Json>, String> {
    let columns = table.get("columns").and_then(Json::as_array);
    let columns = columns.ok_or("`data` before `columns`")?;
    if columns.len() != cells.len() {
        return Err(format!(
            "a row of {} cells under {} columns",
            cells.len(),
            columns.len()
        ));
    }
    let mut row = Map::new();
    for (column, cell) in columns.iter().zip(cells) {
        let column = column.as_str().ok_or("a column without a name")?;
        if row.insert(column.to_owned(), cell).is_some() {
            return Err(format!("duplicate column `{column}`"));
        }
    }
    Ok(row)
}

/// A row of a trace with what was said of it.
#[derive(Deserialize)]
struct Traced {
    state: Option<String>,
    /// Milliseconds since 1970, as pandas writes a time.
    #[serde(default)]
    request_time: Json,
    #[serde(default)]
    request: Json,
    #[serde(default)]
    response: Json,
    #[serde(default)]
    tags: Json,
    assessments: Vec<Assessment>,
}

#[derive(Deserialize)]
struct Assessment {
    #[serde(rename = "assessment_name")]
    name: String,
    source: Option<Source>,
    feedback: Option<Feedback>,
    expectation: Option<Expectation>,
    rationale: Option<String>,
    valid: Option<bool>,
}

#[derive(Deserialize)]
struct Source {
    source_type: Option<String>,
    source_id: Option<String>,
}

#[derive(Deserialize)]
struct Feedback {
    #[serde(default)]
    value: Json,
    #[serde(default)]
    error: Json,
}

#[derive(Deserialize)]
struct Expectation {
    #[serde(default)]
    value: Json,
}

impl Traced {
    /// The prompt of MLflow's registry that the trace is linked to, where it is the only one.
    fn label(&self) -> Option<String> {
        let linked = self.tags.get("mlflow.linkedPrompts")?.as_str()?;
        let linked: Vec<Linked> = serde_json::from_str(linked).ok()?;
        match linked.as_slice() {
            [one] => Some(one.name.clone()),
            _ => None,
        }
    }

    fn answer(self) -> Answer {
        let mut expected = Map::new();
        let mut said = Vec::new();
        for assessment in self.assessments {
            // One that was overridden.
            if assessment.valid == Some(false) {
                continue;
            }
            if let Some(expectation) = assessment.expectation {
                expected.insert(assessment.name, expectation.value);
            } else if let Some(feedback) = assessment.feedback {
                let name = assessment.name;
                let words = assessment.rationale.unwrap_or_default();
                said.extend(feedback.said(name, assessment.source, words));
            }
        }
        let error = (self.state.as_deref() == Some("ERROR"))
            .then(|| String::from("the trace ended in an error"));
        Answer {
            input: self.request,
            output: self.response,
            expected: Json::Object(expected),
            error,
            said,
            ..Answer::default()
        }
    }
}

#[derive(Deserialize)]
struct Linked {
    name: String,
}

impl Feedback {
    fn said(self, metric: String, source: Option<Source>, words: String) -> Option<(Said, String)> {
        if !self.error.is_null() {
            let why = self.error.get("error_message").and_then(Json::as_str);
            let why = why.unwrap_or_default();
            return Some((Said::Broke, format!("{metric} broke: {why}")));
        }
        let kind = source
            .as_ref()
            .and_then(|source| source.source_type.as_deref());
        let by = match kind {
            Some("LLM_JUDGE" | "AI_JUDGE") => {
                Grader::Judge(source.and_then(|source| source.source_id))
            }
            Some("HUMAN") => Grader::Human,
            _ => Grader::Code,
        };
        let value = match self.value.as_str() {
            Some("yes") => Json::Bool(true),
            Some("no") => Json::Bool(false),
            _ => self.value,
        };
        said(metric, by, &value, words)
    }
}

/// A row of the second table.
fn plain(mut row: Map<String, Json>, arm: usize) -> Result<Row, String> {
    let mut scores = Vec::new();
    let columns: Vec<String> = row
        .keys()
        .filter(|column| column.contains('/'))
        .cloned()
        .collect();
    for column in &columns {
        if let Some(metric) = column.strip_suffix("/score")
            && let Some(score) = row.remove(column)
        {
            let why = row.remove(&format!("{metric}/justification"));
            let name = metric.rsplit_once('/').map_or(metric, |(name, _)| name);
            scores.push((name.to_owned(), score, why.and_then(|why| words(&why))));
        }
    }
    if scores.is_empty() {
        return Err(String::from("a row without a score"));
    }
    row.retain(|column, _| !column.contains('/'));
    let mut first = |names: [&str; 4]| names.into_iter().find_map(|name| row.remove(name));
    let (output, expected) = (first(OUTPUTS), first(TARGETS));
    let seconds = row.get("latency").and_then(Json::as_f64);
    row.retain(|column, _| !ADDED.contains(&column.as_str()));
    let said = scores.into_iter().map(|(metric, score, why)| {
        let broke = || (Said::Broke, format!("{metric}: no score"));
        let why = why.unwrap_or_default();
        said(metric.clone(), Grader::Code, &score, why).unwrap_or_else(broke)
    });
    let told = Json::Object(row.clone());
    for key in ["id", "trace_id", "traceId", "canary", "must_pass"] {
        row.remove(key);
    }
    let answer = Answer {
        input: Json::Object(row),
        output: output.unwrap_or_default(),
        expected: expected.unwrap_or_default(),
        said: said.collect(),
        latency_ms: seconds.map(|seconds| seconds * 1_000.0),
        ..Answer::default()
    };
    Ok(answer.row(arm, Meta::of(&told)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        assert!(Mlflow.recognises(text.as_bytes()));
        evals::read(&Mlflow, &mut text.as_bytes())
    }

    #[test]
    fn a_table_of_traces_is_the_same_split_and_as_lines() {
        let lines = read(include_str!(
            "../../../tests/fixtures/evals/mlflow/table.jsonl"
        ))
        .unwrap();
        let split = read(include_str!(
            "../../../tests/fixtures/evals/mlflow/table.json"
        ))
        .unwrap();
        assert_eq!(lines, split);
        let [arm] = lines.arms.as_slice() else {
            panic!("one arm")
        };
        assert_eq!(counts(arm), [4, 1, 1, 6, 0]);
        assert_eq!(arm.shown.stamps.len(), 1);
        assert!(lines.made_at.is_some());
        let words: Vec<String> = arm.metrics.iter().map(evals::Metric::words).collect();
        assert_eq!(
            words,
            ["mentions", "tone (judge openai:/gpt-4o-mini)", "clear"]
        );
    }

    #[test]
    fn the_older_table_knows_its_columns_by_their_names() {
        let text = include_str!("../../../tests/fixtures/evals/mlflow/eval_results_table.json");
        let run = read(text).unwrap();
        assert_eq!(counts(&run.arms[0]), [4, 2, 0, 6, 0]);
        assert_eq!(run.arms[0].metrics[0].name, "mentions");
    }

    #[test]
    fn what_is_no_table_is_refused_by_what_was_found() {
        for (text, found) in [
            (
                r#"{"data":[[1]],"columns":["a/v1/score"]}"#,
                "before `columns`",
            ),
            (
                r#"{"columns":["a/v1/score"],"data":[[1,2]]}"#,
                "2 cells under 1",
            ),
            (
                r#"{"columns":["a/v1/score","a/v1/score"],"data":[[1,2]]}"#,
                "duplicate",
            ),
            (r#"{"columns":["a/v1/score","b"],"data":[7]}"#, "no list"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}
