//! Braintrust evals: results with their summary, rows of an experiment, and summaries alone.
//!
//! `EvalResultWithSummary`: `summary.experiment_name`, `results[].{input, output, expected,
//! scores, metadata, error}`. Rows, as `experiment.fetch()` gives them and as the API's
//! `{events: []}` holds them, are spans: the same with `root_span_id`, `span_parents` and
//! `span_attributes.type`. One without a parent is the case; its steps bring the scores (`score`)
//! and the time of the answer (`task`), in any order. A scorer that broke gives no score, and is
//! named in `metadata.scorer_errors`. A summary (`bt eval --jsonl`) has means only, which prove
//! nothing of any case.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::graded::{Answer, Arms, Said, said, words};
use super::meta::Meta;
use super::records::{self, Found};
use super::row::{Grader, Rows};
use super::{Format, Run};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;
use crate::prompt::canonical;
use crate::prompt::model::ModelRef;
use crate::units::Digest;

pub(crate) struct Braintrust;

impl Format for Braintrust {
    fn id(&self) -> &'static str {
        "braintrust"
    }

    fn about(&self) -> &'static str {
        "Braintrust results, rows of an experiment, and summaries"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        let row = has("\"root_span_id\"") && has("\"span_attributes\"") && has("\"scores\"");
        let summary = (has("\"experiment_name\"") || has("\"experimentName\""))
            && (has("\"project_name\"") || has("\"projectName\""))
            && has("\"scores\"");
        start.trim_start().starts_with(['{', '['])
            && (row || summary)
            && !has("\"item_results\"")
            && !has("\"evaluation_results\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut arms = Arms::default();
        let mut spans = Spans::default();
        records::read(reader, &["results", "events", "data"], &mut |found| {
            let (before, row) = match found {
                Found::Item(before, Json::Object(row)) => (Some(before), row),
                Found::Line(row) => (None, row),
                Found::Listed(_) => return Ok(()),
                Found::Item(..) => return Err(String::from("a row that is no object")),
            };
            if let Some(name) = experiment(&row) {
                return arms.number(Some(name), Meta::of(&Json::Null)).map(drop);
            }
            let summary = before.and_then(|before| before.get("summary")?.as_object());
            let row: ResultRow =
                serde_json::from_value(Json::Object(row)).map_err(|error| error.to_string())?;
            if row.root_span_id.is_some() {
                return spans.take(row);
            }
            let arm = arms.number(summary.and_then(experiment), Meta::of(&row.metadata))?;
            let row = row.answer(&Map::new()).row(arm, Meta::of(&row.metadata));
            rows.row(row).map_err(|error| error.to_string())
        })?;
        let made_at = spans.made_at;
        spans.hand_on(&mut arms, rows)?;
        Ok(Run {
            made_at,
            ..arms.run()
        })
    }
}

/// The name of the experiment that a summary is of.
fn experiment(summary: &Map<String, Json>) -> Option<&str> {
    let name = |key: &str| summary.get(key).and_then(Json::as_str);
    name("experiment_name").or_else(|| name("experimentName"))
}

#[derive(Deserialize)]
struct ResultRow {
    #[serde(default)]
    input: Json,
    #[serde(default)]
    output: Json,
    #[serde(default)]
    expected: Json,
    scores: Option<Map<String, Json>>,
    #[serde(default)]
    metadata: Json,
    #[serde(default)]
    error: Json,
    root_span_id: Option<String>,
    created: Option<DateTime<Utc>>,
    #[serde(default)]
    span_parents: Json,
    is_root: Option<bool>,
    #[serde(default)]
    span_attributes: Json,
    #[serde(default)]
    metrics: Json,
}

/// Spans of the cases that are read, by their root.
#[derive(Default)]
struct Spans {
    traces: BTreeMap<String, Trace>,
    /// About how much is held, in bytes.
    held: u64,
    /// When the last one began.
    made_at: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct Trace {
    root: Option<ResultRow>,
    scores: Map<String, Json>,
    latency_ms: Option<f64>,
}

impl Spans {
    fn take(&mut self, mut span: ResultRow) -> Result<(), String> {
        let root = span.root_span_id.take().unwrap_or_default();
        self.made_at = self.made_at.max(span.created);
        let trace = self.traces.entry(root).or_default();
        let parents = span.span_parents.as_array();
        let step = span.is_root == Some(false) || parents.is_some_and(|list| !list.is_empty());
        if !step {
            for part in [&span.input, &span.output, &span.expected, &span.metadata] {
                self.held += canonical::json(part).len() as u64;
            }
            if self.held > EVAL_PART {
                return Err(format!(
                    "spans with more than {} MiB of text: the JSON of what `Eval()` returns is read \
                     row by row",
                    EVAL_PART >> 20
                ));
            }
            if trace.root.replace(span).is_some() {
                return Err(String::from("two roots of one trace"));
            }
            return Ok(());
        }
        let kind = span.span_attributes.get("type").and_then(Json::as_str);
        if kind == Some("task") {
            let time = |key: &str| span.metrics.get(key).and_then(Json::as_f64);
            let took = time("end").zip(time("start"));
            trace.latency_ms = took.map(|(end, start)| (end - start) * 1_000.0);
        }
        trace.scores.extend(span.scores.unwrap_or_default());
        Ok(())
    }

    /// Hands on each case with its scores. Where the task broke, the root has no metadata: it is
    /// of the arm of the others if they are of one, and ids are only used if all have one.
    fn hand_on(self, arms: &mut Arms, rows: &mut dyn Rows) -> Result<(), ReadError> {
        let traces = || self.traces.values();
        let roots = || traces().filter_map(|trace| Some((trace.root.as_ref()?, trace)));
        let all: BTreeSet<_> = roots()
            .filter_map(|(root, _)| told(&root.metadata))
            .collect();
        let named = roots().all(|(root, _)| Meta::of(&root.metadata).id().is_some());
        let one = match Vec::from_iter(&all).as_slice() {
            [one] => (*one).clone(),
            _ => Told::default(),
        };
        let wrong = |found| ReadError::shape(found, "a file that is split");
        for (root, trace) in roots() {
            let (model, stamps) = told(&root.metadata).unwrap_or_else(|| one.clone());
            let arm = arms.known(None, model, stamps).map_err(wrong)?;
            let answer = Answer {
                latency_ms: trace.latency_ms,
                ..root.answer(&trace.scores)
            };
            let mut row = answer.row(arm, Meta::of(&root.metadata));
            row.case = row.case.filter(|_| named);
            rows.row(row).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(())
    }
}

/// The model and the stamps that people tell.
type Told = (Option<ModelRef>, BTreeMap<String, Digest>);

/// Those, where there are any.
fn told(metadata: &Json) -> Option<Told> {
    let meta = Meta::of(metadata);
    let told = (meta.model(), meta.stamps());
    (told != Told::default()).then_some(told)
}

impl ResultRow {
    /// The answer, with scores that stand elsewhere.
    fn answer(&self, more: &Map<String, Json>) -> Answer {
        let scores = self.scores.iter().flatten().chain(more);
        // No score is how a scorer says that it does not apply.
        let said = scores
            .filter_map(|(metric, score)| said(metric.clone(), Grader::Code, score, String::new()));
        let errors = self.metadata.get("scorer_errors").and_then(Json::as_object);
        let broke = errors.into_iter().flat_map(Map::keys);
        let broke = broke.map(|metric| (Said::Broke, format!("{metric} broke")));
        Answer {
            input: self.input.clone(),
            output: self.output.clone(),
            expected: self.expected.clone(),
            error: words(&self.error),
            said: said.chain(broke).collect(),
            ..Answer::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        assert!(Braintrust.recognises(text.as_bytes()), "{text}");
        evals::read(&Braintrust, &mut text.as_bytes())
    }

    const RESULTS: &str = include_str!("../../../tests/fixtures/evals/braintrust/results.json");
    const ROWS: &str = include_str!("../../../tests/fixtures/evals/braintrust/rows.jsonl");

    #[test]
    fn results_and_rows_of_one_eval_come_to_the_same_cases() {
        let (results, rows) = (read(RESULTS).unwrap(), read(ROWS).unwrap());
        assert_eq!(counts(&results.arms[0]), [4, 1, 1, 6, 0]);
        assert_eq!(counts(&rows.arms[0]), [4, 1, 1, 6, 0]);
        assert_eq!(results.arms[0].shown.label.as_deref(), Some("refunds"));
        assert_eq!(rows.arms.len(), 1, "one that broke is of the same arm");
        assert_eq!(rows.arms[0].shown.label, None);
        for run in [&results, &rows] {
            assert_eq!(run.arms[0].shown.stamps.len(), 1);
            assert!(run.arms[0].shown.model.is_some());
        }
        assert!(rows.made_at.is_some() && results.made_at.is_none());
        // The root of the one that broke does not say its id.
        let ids = |run: &EvalRun| -> BTreeSet<String> {
            run.arms[0]
                .cases
                .iter()
                .map(|case| case.id.clone())
                .collect()
        };
        assert!(ids(&results).iter().all(|id| id.starts_with("order-")));
        assert!(ids(&rows).iter().all(|id| !id.starts_with("order-")));
        for one in &results.arms[0].cases {
            let mut same = rows.arms[0]
                .cases
                .iter()
                .filter(|other| one.is_alike(other));
            assert_eq!(same.next().map(|other| other.result()), Some(one.result()));
        }
        assert!(
            rows.arms[0]
                .cases
                .iter()
                .all(|case| case.latency_ms().is_some())
        );
    }

    #[test]
    fn events_of_the_api_are_rows() {
        let list = ROWS.trim_end().replace('\n', ",");
        let events = format!(r#"{{"events":[{list}],"cursor":null}}"#);
        assert_eq!(read(&events).unwrap(), read(ROWS).unwrap());
    }

    #[test]
    fn a_scorer_that_broke_is_no_failure_and_none_at_all_is_no_score() {
        for (scores, errors, want) in [
            (r#"{"a":1}"#, "{}", [1, 0, 0, 1, 0]),
            (r#"{"a":1,"b":null}"#, "{}", [1, 0, 0, 1, 0]),
            (r#"{"a":1}"#, r#"{"b":"trace"}"#, [0, 0, 1, 1, 0]),
            (r#"{"a":0}"#, r#"{"b":"trace"}"#, [0, 1, 0, 1, 0]),
            (r#"{"a":0.5}"#, "{}", [0, 0, 0, 0, 1]),
        ] {
            let text = format!(
                r#"{{"summary":{{"project_name":"p","experiment_name":"e"}},"results":[{{"input":1,"scores":{scores},"metadata":{{"scorer_errors":{errors}}}}}]}}"#
            );
            assert_eq!(counts(&read(&text).unwrap().arms[0]), want, "{text}");
        }
    }

    #[test]
    fn a_summary_alone_has_no_cases() {
        let line = r#"{"project_name":"p","experiment_name":"e","scores":{"m":{"score":1.0}}}"#;
        let run = read(line).unwrap();
        assert_eq!(counts(&run.arms[0]), [0; 5]);
        assert_eq!(run.arms[0].shown.label.as_deref(), Some("e"));
    }
}
