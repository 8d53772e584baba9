//! `DeepEval`'s test runs (`test_run_*.json` in `DEEPEVAL_RESULTS_FOLDER`, or
//! `.deepeval/.latest_test_run.json`, which wraps the same object in `testRunData`).
//!
//! Shape: `testCases[].{name, input, actualOutput, expectedOutput, success, metricsData[]}`,
//! `hyperparameters`, `prompts[]`. Keys without a value are left out, and the file does not say
//! when it was made, nor by which version of the tool. A metric that broke has an `error` and no
//! score, and makes its case unsuccessful: that is no failure of the answer.

use std::cell::Cell;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

use super::meta::Meta;
use super::row::{Asserted, Assertions, CaseResult, Grader, Row, Rows, Score, Text};
use super::stream::{Each, Keys, Parts};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;
use crate::prompt::canonical;
use crate::prompt::raw::RawPrompt;
use crate::units::{Digest, Usd};

pub(crate) struct DeepEval;

impl Format for DeepEval {
    fn id(&self) -> &'static str {
        "deepeval"
    }

    fn about(&self) -> &'static str {
        "DeepEval test runs (`DEEPEVAL_RESULTS_FOLDER`)"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        start.trim_start().starts_with('{')
            && has("\"testCases\"")
            && (has("\"metricsData\"") || has("\"metricsScores\""))
            && !has("\"evalId\"")
            && !has("\"resourceSpans\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut input = serde_json::Deserializer::from_reader(Parts::of(reader, &part));
        let mut file = TestRun::default();
        let seed = TestRunSeed {
            file: &mut file,
            part: &part,
            rows,
        };
        seed.deserialize(&mut input).map_err(ReadError::json)?;
        input.end().map_err(ReadError::json)?;
        if !file.whole {
            let expected = "a DeepEval test run with `testCases`";
            return Err(ReadError::shape("no `testCases`", expected));
        }
        Ok(Run {
            arms: vec![(0, file.shown())],
            ..Run::default()
        })
    }
}

/// What is kept of a test run.
#[derive(Default)]
struct TestRun {
    /// The cases were there.
    whole: bool,
    hyperparameters: Map<String, Json>,
    prompts: Vec<PromptEntry>,
}

#[derive(Deserialize)]
struct PromptEntry {
    alias: Option<String>,
    text_template: Option<String>,
}

impl TestRun {
    /// All cases of a test run are of one arm. What several prompts show cannot be told apart.
    fn shown(&self) -> Shown {
        let prompt = match self.prompts.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        let meta = Meta::among(&self.hyperparameters);
        Shown {
            raw: prompt
                .and_then(|prompt| prompt.text_template.as_deref())
                .map(RawPrompt::of),
            label: prompt.and_then(|prompt| prompt.alias.clone()),
            model: meta.model(),
            stamps: meta.stamps(),
            ..Shown::default()
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TestCase {
    name: Option<String>,
    #[serde(default)]
    input: Json,
    #[serde(default)]
    actual_output: Json,
    #[serde(default)]
    expected_output: Json,
    #[serde(default)]
    context: Json,
    #[serde(default)]
    expected_tools: Json,
    token_cost: Option<f64>,
    /// Seconds.
    completion_time: Option<f64>,
    success: Option<bool>,
    #[serde(default)]
    metrics_data: Option<Vec<Metric>>,
    #[serde(default)]
    metadata: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    name: String,
    #[serde(default)]
    threshold: Json,
    #[serde(default)]
    strict_mode: Json,
    #[serde(default)]
    evaluation_model: Json,
    success: Option<bool>,
    score: Option<f64>,
    reason: Option<String>,
    error: Option<String>,
}

impl TestCase {
    fn reduce(self) -> Row {
        let metrics = self.metrics_data.unwrap_or_default();
        let failed = metrics
            .iter()
            .find(|metric| metric.error.is_none() && metric.success == Some(false));
        let broken = metrics.iter().find(|metric| metric.error.is_some());
        let result = match (self.success, failed, broken) {
            (Some(true), None, None) => CaseResult::Passed,
            (_, Some(_), _) | (Some(false), None, None) => CaseResult::Failed,
            (None, None, None) | (_, None, Some(_)) => CaseResult::Errored,
        };
        let reason = failed.or(broken).map(|metric| {
            let why = metric.error.as_ref().or(metric.reason.as_ref());
            format!("{}: {}", metric.name, why.map_or("failed", String::as_str))
        });
        let each = |of: &dyn Fn(&Metric) -> Json| metrics.iter().map(of).collect::<Json>();
        let asserted = Assertions {
            expected: json!([self.expected_output, self.expected_tools]),
            rules: each(&|metric| json!(metric.name)),
            thresholds: each(&|metric| json!([metric.threshold, metric.strict_mode])),
            judges: each(&|metric| json!(metric.judge())),
        };
        let asked = json!([self.input, self.context]);
        let meta = Meta::of(&self.metadata);
        // The tool numbers cases that were given no name.
        let numbered = |name: &str| {
            let number = name.strip_prefix("test_case_");
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let input = Digest::of(canonical::json(&asked).as_bytes());
        let text = |value: Json| match value {
            Json::Null => None,
            Json::String(text) => Some(text),
            other => Some(canonical::json(&other)),
        };
        Row {
            case: meta
                .id()
                .or_else(|| self.name.filter(|name| !numbered(name))),
            asserted: (!metrics.is_empty()).then(|| Asserted::of(&asserted)),
            scores: metrics.iter().map(Metric::score).collect(),
            duty: meta.duty(),
            cost: self.token_cost.and_then(Usd::from_dollars),
            latency_ms: self.completion_time.map(|seconds| seconds * 1_000.0),
            trace_id: meta.trace_id(),
            text: Text {
                input: text(self.input),
                output: text(self.actual_output),
                reason,
            },
            ..Row::of(input, result)
        }
    }
}

impl Metric {
    /// The model that judges, where one does.
    fn judge(&self) -> Option<&str> {
        let model = self.evaluation_model.as_str()?;
        (model != "deterministic").then_some(model)
    }

    fn score(&self) -> Score {
        Score {
            metric: self.name.clone(),
            by: match self.judge() {
                Some(model) => Grader::Judge(Some(model.to_owned())),
                None => Grader::Code,
            },
            value: self.score.filter(|score| score.is_finite()),
            passed: self.success.filter(|_| self.error.is_none()),
        }
    }
}

struct TestRunSeed<'a> {
    file: &'a mut TestRun,
    part: &'a Cell<u64>,
    rows: &'a mut dyn Rows,
}

impl<'de> DeserializeSeed<'de> for TestRunSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TestRunSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a DeepEval test run")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { file, part, rows } = self;
        let mut keys = Keys::of(&[
            "testRunData",
            "testCases",
            "conversationalTestCases",
            "hyperparameters",
            "prompts",
        ]);
        while let Some(key) = keys.next(&mut map)? {
            match key.as_str() {
                "testRunData" if !file.whole => map.next_value_seed(TestRunSeed {
                    file: &mut *file,
                    part,
                    rows: &mut *rows,
                })?,
                "testCases" if !file.whole => {
                    file.whole = true;
                    map.next_value_seed(Each::of("test cases", part, |case: TestCase| {
                        rows.row(case.reduce()).map_err(|error| error.to_string())
                    }))?;
                }
                "testRunData" | "testCases" => {
                    return Err(A::Error::custom("two test runs"));
                }
                "conversationalTestCases" => {
                    let found: Option<Vec<IgnoredAny>> = map.next_value()?;
                    if found.is_some_and(|found| !found.is_empty()) {
                        let words = "conversational test cases, which are not read";
                        return Err(A::Error::custom(words));
                    }
                }
                "hyperparameters" => {
                    file.hyperparameters = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                "prompts" => file.prompts = map.next_value::<Option<_>>()?.unwrap_or_default(),
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
    use std::fs::File;
    use std::io::BufReader;
    use std::path::Path;

    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn fixture(name: &str) -> EvalRun {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals/deepeval");
        let file = File::open(folder.join(name)).unwrap();
        evals::read(&DeepEval, &mut BufReader::new(file)).unwrap()
    }

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&DeepEval, &mut text.as_bytes())
    }

    #[test]
    fn real_results_come_to_their_counts() {
        // A metric that broke is an error, and no failure: 10 unsuccessful cases are 8 and 2.
        let run = fixture("v1.json");
        assert_eq!(counts(&run.arms[0]), V1);
        let shown = &run.arms[0].shown;
        assert_eq!(shown.label.as_deref(), Some("support-answer"));
        assert!(shown.raw.is_some());
        let model = shown.model.as_ref().map(ToString::to_string);
        assert_eq!(model.as_deref(), Some("gpt-4o-mini"));
        assert_eq!(run.made_at, None);
    }

    const V1: [u64; 5] = [50, 8, 2, 60, 0];

    #[test]
    fn the_wrapped_form_is_the_same() {
        let one = r#"{"testCases":[{"name":"a","input":"i","success":true,"metricsData":[{"name":"m","success":true}]}]}"#;
        let wrapped = format!(r#"{{"testRunData":{one}}}"#);
        assert_eq!(read(&wrapped), read(one));
        assert_eq!(counts(&read(one).unwrap().arms[0]), [1, 0, 0, 1, 0]);
    }

    #[test]
    fn what_is_no_test_run_is_refused_by_what_was_found() {
        for (text, found) in [
            ("{}", "no `testCases`"),
            (r#"{"testCases":["#, "EOF"),
            (r#"{"testCases":[NaN]}"#, "column"),
            (r#"{"testCases":[],"testCases":[]}"#, "duplicate"),
            (
                r#"{"testCases":[],"testRunData":{"testCases":[]}}"#,
                "two test runs",
            ),
            (
                r#"{"testCases":[],"conversationalTestCases":[{}]}"#,
                "conversational",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}
