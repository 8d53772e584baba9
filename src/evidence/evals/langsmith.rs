//! LangSmith experiments: the rows of the SDK's `evaluate()` and its table (`to_pandas`).
//!
//! Row: `run.{inputs, outputs, error, start_time, end_time, session_name, total_cost,
//! extra.metadata}`, `example.{id, inputs, outputs, metadata, source_run_id}`,
//! `evaluation_results.results[].{key, score, comment, evaluator_info, extra}`. Table, as JSON
//! records or CSV: `inputs.K`, `outputs.K`, `reference.K`, `feedback.K`, `error`,
//! `execution_time` in seconds, `example_id`. An evaluator that broke has no score and
//! `extra.error`. The table says neither the experiment nor the model.

use std::cell::Cell;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use csv::ReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::graded::{Answer, Arms, Said, judge, said};
use super::meta::Meta;
use super::records::{self, Found};
use super::row::{Grader, Rows};
use super::stream::Parts;
use super::{Format, Run};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;

pub(crate) struct LangSmith;

/// What a file that is none should have been.
const EXPECTED: &str = "rows or the table of a LangSmith experiment";

impl Format for LangSmith {
    fn id(&self) -> &'static str {
        "langsmith"
    }

    fn about(&self) -> &'static str {
        "LangSmith experiments: rows of `evaluate()`, or its table as JSON or CSV"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        if start.trim_start().starts_with(['{', '[']) {
            let rows = has("\"evaluation_results\"") && has("\"reference_example_id\"");
            rows || (has("\"example_id\"") && has("\"execution_time\"") && has("\"feedback."))
        } else {
            let columns = start.lines().next().unwrap_or_default();
            let has = |name: &str| columns.split(',').any(|column| column.starts_with(name));
            has("example_id") && has("execution_time") && has("feedback.")
        }
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let start = reader.fill_buf().map_err(ReadError::io)?;
        let json = start.trim_ascii_start().first();
        let json = json.is_none_or(|first| b"{[".contains(first));
        let mut taking = Taking {
            arms: Arms::default(),
            made_at: None,
            rows,
        };
        if json {
            records::read(reader, &[], &mut |found| match found {
                Found::Item(_, Json::Object(row)) | Found::Line(row) => taking.take(row),
                Found::Item(..) | Found::Listed(_) => Err(String::from("a row that is no object")),
            })?;
        } else {
            taking.table(reader)?;
        }
        Ok(Run {
            made_at: taking.made_at,
            ..taking.arms.run()
        })
    }
}

struct Taking<'a> {
    arms: Arms,
    made_at: Option<DateTime<Utc>>,
    rows: &'a mut dyn Rows,
}

#[derive(Deserialize)]
struct ExperimentRow {
    run: Ran,
    example: Example,
    evaluation_results: Evaluations,
}

#[derive(Deserialize)]
struct Ran {
    #[serde(default)]
    outputs: Json,
    error: Option<String>,
    start_time: Option<DateTime<Utc>>,
    end_time: Option<DateTime<Utc>>,
    session_name: Option<String>,
    #[serde(default)]
    total_cost: Json,
    #[serde(default)]
    extra: Extra,
}

#[derive(Deserialize, Default)]
struct Extra {
    #[serde(default)]
    metadata: Json,
}

#[derive(Deserialize)]
struct Example {
    id: Option<String>,
    #[serde(default)]
    inputs: Json,
    #[serde(default)]
    outputs: Json,
    #[serde(default)]
    metadata: Json,
    source_run_id: Option<String>,
}

#[derive(Deserialize)]
struct Evaluations {
    results: Vec<Evaluation>,
}

#[derive(Deserialize)]
struct Evaluation {
    key: String,
    #[serde(default)]
    score: Json,
    comment: Option<String>,
    #[serde(default)]
    evaluator_info: Json,
    #[serde(default)]
    extra: Json,
}

impl Evaluation {
    fn said(self) -> Option<(Said, String)> {
        let comment = self.comment.unwrap_or_default();
        if self.extra.get("error") == Some(&Json::Bool(true)) {
            return Some((Said::Broke, format!("{} broke: {comment}", self.key)));
        }
        let by = judge(self.evaluator_info.get("model"));
        said(self.key, by, &self.score, comment)
    }
}

impl Taking<'_> {
    fn take(&mut self, row: Map<String, Json>) -> Result<(), String> {
        if !row.contains_key("run") && row.contains_key("example_id") {
            return self.line(row);
        }
        let row: ExperimentRow =
            serde_json::from_value(Json::Object(row)).map_err(|error| error.to_string())?;
        let told = Meta::of(&row.run.extra.metadata);
        let arm = self.arms.number(row.run.session_name.as_deref(), told)?;
        self.made_at = self.made_at.max(row.run.end_time);
        let took = row.run.end_time.zip(row.run.start_time);
        let took = took.and_then(|(end, start)| (end - start).num_microseconds());
        let cost = match &row.run.total_cost {
            Json::String(cost) => cost.parse().ok(),
            cost => cost.as_f64(),
        };
        let results = row.evaluation_results.results.into_iter();
        let answer = Answer {
            case: row.example.id,
            input: row.example.inputs,
            output: row.run.outputs,
            expected: row.example.outputs,
            error: row.run.error.as_deref().map(first_line),
            said: results.filter_map(Evaluation::said).collect(),
            cost,
            #[expect(clippy::cast_precision_loss, reason = "a time of this size is exact")]
            latency_ms: took.map(|micros| micros as f64 / 1_000.0),
            trace_id: row.example.source_run_id,
        };
        let row = answer.row(arm, Meta::of(&row.example.metadata));
        self.rows.row(row).map_err(|error| error.to_string())
    }

    /// A line of the table.
    fn line(&mut self, row: Map<String, Json>) -> Result<(), String> {
        let arm = self.arms.number(None, Meta::of(&Json::Null))?;
        let mut answer = Answer::default();
        let mut parts = [Map::new(), Map::new(), Map::new()];
        for (column, value) in row {
            let [input, output, expected] = &mut parts;
            match (column.split_once('.'), column.as_str()) {
                (Some(("inputs", key)), _) => drop(input.insert(key.to_owned(), value)),
                (Some(("outputs", key)), _) if !value.is_null() => {
                    output.insert(key.to_owned(), value);
                }
                (Some(("reference", key)), _) => drop(expected.insert(key.to_owned(), value)),
                (Some(("feedback", key)), _) => {
                    let words = String::new();
                    answer
                        .said
                        .extend(said(key.to_owned(), Grader::Code, &value, words));
                }
                (None, "error") => answer.error = value.as_str().map(first_line),
                (None, "example_id") => answer.case = value.as_str().map(str::to_owned),
                (None, "execution_time") => {
                    answer.latency_ms = value.as_f64().map(|seconds| seconds * 1_000.0);
                }
                _ => {}
            }
        }
        [answer.input, answer.output, answer.expected] = parts.map(Json::Object);
        let row = answer.row(arm, Meta::of(&Json::Null));
        self.rows.row(row).map_err(|error| error.to_string())
    }

    /// The table as CSV, which knows no types.
    fn table(&mut self, reader: &mut dyn BufRead) -> Result<(), ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut table = ReaderBuilder::new().from_reader(Parts::of(reader, &part));
        let wrong = |line: Option<u64>, found: String| ReadError {
            line: line.and_then(|line| usize::try_from(line).ok()),
            found,
            expected: EXPECTED.to_owned(),
        };
        let broken = |error: csv::Error| {
            let line = error.position().map(csv::Position::line);
            wrong(line, error.to_string())
        };
        let columns = table.headers().map_err(broken)?.clone();
        for record in table.records() {
            part.set(EVAL_PART);
            let record = record.map_err(broken)?;
            let line = record.position().map(csv::Position::line);
            let mut row = Map::new();
            for (column, cell) in columns.iter().zip(&record) {
                let twice = row.insert(column.to_owned(), typed(column, cell));
                if twice.is_some() {
                    return Err(wrong(Some(1), format!("duplicate column `{column}`")));
                }
            }
            self.take(row).map_err(|found| wrong(line, found))?;
        }
        Ok(())
    }
}

/// A cell: empty is nothing, and what is no text by its column is a number or a truth.
fn typed(column: &str, cell: &str) -> Json {
    let text = !column.starts_with("feedback.") && column != "execution_time";
    match cell {
        "" => Json::Null,
        "True" | "true" if !text => Json::Bool(true),
        "False" | "false" if !text => Json::Bool(false),
        cell if text => cell.into(),
        cell => cell.parse::<f64>().map_or(Json::Null, Json::from),
    }
}

/// A traceback follows.
fn first_line(error: &str) -> String {
    error.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        assert!(LangSmith.recognises(text.as_bytes()));
        evals::read(&LangSmith, &mut text.as_bytes())
    }

    const ROWS: &str = include_str!("../../../tests/fixtures/evals/langsmith/rows.jsonl");

    #[test]
    fn rows_and_both_tables_come_to_the_same_counts() {
        let table = include_str!("../../../tests/fixtures/evals/langsmith/table.jsonl");
        let csv = include_str!("../../../tests/fixtures/evals/langsmith/table.csv");
        let rows = read(ROWS).unwrap();
        assert_eq!(counts(&rows.arms[0]), [4, 1, 1, 6, 0]);
        for table in [table, csv] {
            let table = read(table).unwrap();
            assert_eq!(counts(&table.arms[0]), [4, 1, 1, 6, 0]);
            let cases = rows.arms[0].cases.iter().zip(&table.arms[0].cases);
            for (one, other) in cases {
                assert_eq!((&one.id, one.result()), (&other.id, other.result()));
                assert_eq!(one.input, other.input);
                assert_eq!(one.asserted.expected, other.asserted.expected);
            }
        }
    }

    #[test]
    fn rows_show_model_stamps_judges_and_production_traces() {
        let run = read(ROWS).unwrap();
        let shown = &run.arms[0].shown;
        let model = shown.model.as_ref().map(ToString::to_string);
        assert_eq!(model.as_deref(), Some("openai/gpt-4o"));
        assert_eq!(shown.stamps.len(), 1);
        assert!(shown.label.is_some() && run.made_at.is_some());
        let words: Vec<String> = run.arms[0]
            .metrics
            .iter()
            .map(evals::Metric::words)
            .collect();
        assert_eq!(words, ["mentions-days", "tone (judge gpt-4o-mini)"]);
        let traced = run.arms[0]
            .cases
            .iter()
            .filter_map(|case| case.trace_id.as_ref());
        assert_eq!(traced.count(), 3);
    }

    #[test]
    fn an_evaluator_that_is_left_out_changes_every_case() {
        let whole = read(ROWS).unwrap();
        let less = ROWS.replace(
            "\"key\": \"tone\", \"score\": 0",
            "\"key\": \"tone\", \"score\": null, \"x\": 0",
        );
        let less = read(&less).unwrap();
        let both = whole.arms[0].cases.iter().zip(&less.arms[0].cases);
        for (case, other) in both {
            assert_eq!((&case.id, case.result()), (&other.id, other.result()));
            assert!(!case.is_alike(other), "{}", case.id);
            assert_ne!(case.asserted.rules, other.asserted.rules);
            assert_ne!(case.asserted.judges, other.asserted.judges);
            assert_eq!(case.asserted.expected, other.asserted.expected);
        }
    }

    #[test]
    fn a_list_of_rows_is_the_same_as_lines() {
        let list = format!("[{}]", ROWS.trim_end().replace('\n', ","));
        assert_eq!(read(&list).unwrap(), read(ROWS).unwrap());
    }
}
