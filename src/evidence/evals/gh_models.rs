//! GitHub Models' results (`gh models eval --json`).
//!
//! Shape: `name`, `description`, `model`, `testResults[].{testCase, modelResponse,
//! evaluationResults[].{evaluatorName, score, passed, details}}`, `summary`. The command stops at
//! the first model error, so that no row is one. The file says neither which evaluators ask a
//! model, nor when it was made, nor by which version of the tool.

use std::cell::Cell;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

use super::meta::Meta;
use super::row::{Asserted, Assertions, CaseResult, Grader, Row, Rows, Score, Text};
use super::stream::{Each, Keys, Parts};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;
use crate::prompt::canonical;
use crate::prompt::model::ModelRef;
use crate::units::Digest;

pub(crate) struct GhModels;

impl Format for GhModels {
    fn id(&self) -> &'static str {
        "gh_models"
    }

    fn about(&self) -> &'static str {
        "GitHub Models results (`gh models eval --json`)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        start.trim_start().starts_with('{')
            && has("\"testResults\"")
            && (has("\"evaluationResults\"") || has("\"passRate\""))
            && !has("\"evalId\"")
            && !has("\"resourceSpans\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut input = serde_json::Deserializer::from_reader(Parts::of(reader, &part));
        let mut file = Results::default();
        let seed = ResultsSeed {
            file: &mut file,
            part: &part,
            rows,
        };
        seed.deserialize(&mut input).map_err(ReadError::json)?;
        input.end().map_err(ReadError::json)?;
        if !file.whole {
            let expected = "results of `gh models eval --json` with `testResults`";
            return Err(ReadError::shape("no `testResults`", expected));
        }
        let shown = Shown {
            label: file.name.filter(|name| !name.is_empty()),
            model: file.model.as_deref().and_then(ModelRef::parse),
            ..Shown::default()
        };
        Ok(Run {
            arms: vec![(0, shown)],
            ..Run::default()
        })
    }
}

/// What is kept of the file.
#[derive(Default)]
struct Results {
    /// The results were there.
    whole: bool,
    name: Option<String>,
    model: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestResult {
    #[serde(default)]
    test_case: Map<String, Json>,
    model_response: Option<String>,
    evaluation_results: Option<Vec<Evaluation>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evaluation {
    evaluator_name: String,
    score: Option<f64>,
    passed: Option<bool>,
    details: Option<String>,
}

impl TestResult {
    fn reduce(mut self) -> Row {
        let evaluations = self.evaluation_results.unwrap_or_default();
        let failed = evaluations.iter().find(|each| each.passed == Some(false));
        let unknown = evaluations.iter().any(|each| each.passed.is_none());
        let result = match (failed, unknown || evaluations.is_empty()) {
            (Some(_), _) => CaseResult::Failed,
            (None, true) => CaseResult::Errored,
            (None, false) => CaseResult::Passed,
        };
        let reason = failed.map(|each| {
            let why = each.details.as_deref().unwrap_or("failed");
            format!("{}: {why}", each.evaluator_name)
        });
        let meta = Meta::among(&self.test_case);
        let (case, duty, trace_id) = (meta.id(), meta.duty(), meta.trace_id());
        self.test_case.remove("id");
        // The variables and what is expected of them stand side by side.
        let asserted = Assertions {
            expected: self.test_case.remove("expected").unwrap_or_default(),
            rules: evaluations
                .iter()
                .map(|each| json!(each.evaluator_name))
                .collect(),
            ..Assertions::default()
        };
        let input = canonical::json(&Json::Object(self.test_case));
        Row {
            case,
            asserted: (!evaluations.is_empty()).then(|| Asserted::of(&asserted)),
            scores: evaluations.into_iter().map(Evaluation::score).collect(),
            duty,
            trace_id,
            text: Text {
                output: self.model_response,
                reason,
                input: Some(input.clone()),
            },
            ..Row::of(Digest::of(input.as_bytes()), result)
        }
    }
}

impl Evaluation {
    fn score(self) -> Score {
        Score {
            metric: self.evaluator_name,
            by: Grader::Code,
            value: self.score.filter(|score| score.is_finite()),
            passed: self.passed,
        }
    }
}

struct ResultsSeed<'a> {
    file: &'a mut Results,
    part: &'a Cell<u64>,
    rows: &'a mut dyn Rows,
}

impl<'de> DeserializeSeed<'de> for ResultsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("results of `gh models eval --json`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { file, part, rows } = self;
        let mut keys = Keys::of(&["name", "model", "testResults"]);
        while let Some(key) = keys.next(&mut map)? {
            match key.as_str() {
                "name" => file.name = map.next_value()?,
                "model" => file.model = map.next_value()?,
                "testResults" => {
                    file.whole = true;
                    map.next_value_seed(Each::of("test results", part, |each: TestResult| {
                        rows.row(each.reduce()).map_err(|error| error.to_string())
                    }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&GhModels, &mut text.as_bytes())
    }

    #[test]
    fn the_documented_shape_comes_to_its_counts() {
        let text = include_str!("../../../tests/fixtures/evals/gh_models/results.json");
        assert!(GhModels.recognises(text.as_bytes()));
        let run = read(text).unwrap();
        assert_eq!(counts(&run.arms[0]), [2, 1, 0, 3, 0]);
        let shown = &run.arms[0].shown;
        assert_eq!(shown.label.as_deref(), Some("Refund answers"));
        let model = shown.model.as_ref().map(ToString::to_string);
        assert_eq!(model.as_deref(), Some("openai/gpt-4o-mini"));
        let names: Vec<&str> = run.arms[0]
            .metrics
            .iter()
            .map(|each| each.name.as_str())
            .collect();
        assert_eq!(names, ["mentions-days", "similarity"]);
        let ids: Vec<&str> = run.arms[0]
            .cases
            .iter()
            .map(|case| case.id.as_str())
            .collect();
        assert!(ids.contains(&"late"), "{ids:?}");
    }

    #[test]
    fn what_is_expected_is_no_input() {
        let one = |expected: &str| {
            let text = format!(
                r#"{{"testResults":[{{"testCase":{{"input":"i","expected":"{expected}"}},"modelResponse":"o","evaluationResults":[{{"evaluatorName":"e","score":1,"passed":true}}]}}],"summary":{{}}}}"#
            );
            read(&text).unwrap().arms[0].cases[0].clone()
        };
        let (a, b) = (one("x"), one("y"));
        assert_eq!(a.input, b.input);
        assert!(!a.is_alike(&b));
    }

    #[test]
    fn what_is_no_result_is_refused_by_what_was_found() {
        for (text, found) in [
            ("{}", "no `testResults`"),
            (r#"{"testResults":["#, "EOF"),
            (r#"{"testResults":[],"testResults":[]}"#, "duplicate"),
            (
                r#"{"testResults":[{"evaluationResults":[{}]}]}"#,
                "evaluatorName",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}
