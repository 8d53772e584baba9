//! Langfuse experiments: the result of the SDK's `run_experiment()` as JSON.
//!
//! Shape: `name`, `run_name`, `metadata`, `item_results[].{item, output, evaluations[].{name,
//! value, comment, metadata, data_type}, trace_id}`. An item is what was given, or one of a
//! dataset: `{id, input, expected_output, metadata, source_trace_id}`. The SDK leaves an item
//! whose task broke out of its results, and says nothing of time or cost. `metadata` is not the
//! SDK's own: whoever writes the file adds it.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::graded::{Answer, Said, judge, said};
use super::meta::Meta;
use super::records::{self, Found};
use super::row::{Row, Rows};
use super::stream::at_most;
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_ARMS;

pub(crate) struct Langfuse;

impl Format for Langfuse {
    fn id(&self) -> &'static str {
        "langfuse"
    }

    fn about(&self) -> &'static str {
        "Langfuse experiments (the result of `run_experiment()` as JSON)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        start.trim_start().starts_with('{') && start.contains("\"item_results\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut arms: Vec<(usize, Shown)> = Vec::new();
        records::read(reader, &["item_results"], &mut |found| match found {
            Found::Item(_, item) => {
                let item: ItemResult =
                    serde_json::from_value(item).map_err(|error| error.to_string())?;
                let row = item.row(arms.len());
                rows.row(row).map_err(|error| error.to_string())
            }
            Found::Listed(rest) => {
                arms.push((arms.len(), shown(&rest)));
                at_most(arms.len(), EVAL_ARMS, "experiments")
            }
            Found::Line(_) => Err(String::from("an experiment without `item_results`")),
        })?;
        Ok(Run {
            arms,
            graded_alike: true,
            ..Run::default()
        })
    }
}

fn shown(experiment: &Map<String, Json>) -> Shown {
    let meta = Meta::of(experiment.get("metadata").unwrap_or(&Json::Null));
    let name = experiment.get("name").and_then(Json::as_str);
    Shown {
        label: name.map(str::to_owned),
        model: meta.model(),
        stamps: meta.stamps(),
        ..Shown::default()
    }
}

#[derive(Deserialize)]
struct ItemResult {
    item: Item,
    #[serde(default)]
    output: Json,
    evaluations: Vec<Evaluation>,
}

#[derive(Deserialize)]
struct Item {
    id: Option<String>,
    #[serde(default)]
    input: Json,
    #[serde(default, alias = "expectedOutput")]
    expected_output: Json,
    #[serde(default)]
    metadata: Json,
    #[serde(alias = "sourceTraceId")]
    source_trace_id: Option<String>,
}

#[derive(Deserialize)]
struct Evaluation {
    name: String,
    #[serde(default)]
    value: Json,
    comment: Option<String>,
    #[serde(default)]
    metadata: Json,
}

impl ItemResult {
    fn row(self, arm: usize) -> Row {
        let said = self.evaluations.into_iter().filter_map(Evaluation::said);
        let answer = Answer {
            case: self.item.id,
            input: self.item.input,
            output: self.output,
            expected: self.item.expected_output,
            said: said.collect(),
            trace_id: self.item.source_trace_id,
            ..Answer::default()
        };
        answer.row(arm, Meta::of(&self.item.metadata))
    }
}

impl Evaluation {
    /// A category is no score.
    fn said(self) -> Option<(Said, String)> {
        let by = judge(self.metadata.get("model"));
        let words = self.comment.unwrap_or_default();
        said(self.name, by, &self.value, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        assert!(Langfuse.recognises(text.as_bytes()));
        evals::read(&Langfuse, &mut text.as_bytes())
    }

    #[test]
    fn a_real_experiment_comes_to_its_counts() {
        let text = include_str!("../../../tests/fixtures/evals/langfuse/results.json");
        let run = read(text).unwrap();
        let [arm] = run.arms.as_slice() else {
            panic!("one experiment")
        };
        assert_eq!(counts(arm), [4, 1, 0, 5, 0], "one broke and is not told");
        assert_eq!(arm.shown.label.as_deref(), Some("refunds"));
        assert_eq!(arm.shown.stamps.len(), 1);
        let model = arm.shown.model.as_ref().map(ToString::to_string);
        assert_eq!(model.as_deref(), Some("openai/gpt-4o"));
        let words: Vec<String> = arm.metrics.iter().map(evals::Metric::words).collect();
        assert_eq!(words, ["mentions-days", "tone (judge gpt-4o-mini)"]);
        assert_eq!(arm.cases[0].id, "order-0");
        let traced = arm.cases.iter().filter_map(|case| case.trace_id.as_ref());
        assert_eq!(traced.count(), 3, "of production, not of the experiment");
    }

    #[test]
    fn an_item_of_a_dataset_tells_its_id_and_its_trace() {
        let run = read(
            r#"{"name":"n","item_results":[{"item":{"id":"a","input":"i","expectedOutput":"e","sourceTraceId":"t"},"output":"o","evaluations":[{"name":"m","value":1.0}]}]}"#,
        )
        .unwrap();
        let case = &run.arms[0].cases[0];
        assert_eq!(
            (case.id.as_str(), case.trace_id.as_deref()),
            ("a", Some("t"))
        );
    }
}
