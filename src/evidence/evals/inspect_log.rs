//! Inspect's logs: `.json`, and `.eval`, which is read as the same text.
//!
//! Shape: `version` 2, `status`, `eval.{task, created, model, model_generate_config, scorers[],
//! revision, metadata, packages}`, `plan.steps[]`, `samples[].{id, epoch, input, target, output,
//! scores, error}`. A sample that broke has no score, and is left out of Inspect's own accuracy:
//! here it is an error. Trials are epochs of one id. A score is `C`orrect, `I`ncorrect,
//! `P`artial or `N`o answer, or a number, which passes nothing unless it is 1 or 0.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

use super::graded::{decided, decided_by};
use super::meta::Meta;
use super::row::{Asserted, Assertions, CaseResult, Grader, Row, Rows, Score, Text};
use super::stream::{Each, Keys, Parts};
use super::{Format, Revision, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;
use crate::prompt::canonical;
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;
use crate::units::{Digest, Usd};

pub(crate) struct InspectLog;

/// What a file that is none should have been.
const EXPECTED: &str = "an Inspect log of version 2";

impl Format for InspectLog {
    fn id(&self) -> &'static str {
        "inspect"
    }

    fn about(&self) -> &'static str {
        "Inspect logs, `.eval` and `.json`"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        start.trim_start().starts_with('{')
            && has("\"eval\"")
            && has("\"status\"")
            && has("\"task\"")
            && (has("\"run_id\"") || has("\"eval_id\""))
            && !has("\"evalId\"")
            && !has("\"resourceSpans\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut input = serde_json::Deserializer::from_reader(Parts::of(reader, &part));
        let mut file = Log::default();
        let seed = LogSeed {
            file: &mut file,
            part: &part,
            rows,
        };
        seed.deserialize(&mut input).map_err(ReadError::json)?;
        input.end().map_err(ReadError::json)?;
        file.into_run()
    }
}

/// What is kept of a log.
#[derive(Default)]
struct Log {
    version: Option<u64>,
    status: Option<String>,
    invalidated: Option<bool>,
    eval: Option<Spec>,
    plan: Plan,
    sampled: bool,
}

/// What was to be run.
#[derive(Deserialize)]
struct Spec {
    task: Option<String>,
    created: Option<String>,
    model: Option<String>,
    model_generate_config: Option<Map<String, Json>>,
    scorers: Option<Vec<Scorer>>,
    revision: Option<Commit>,
    #[serde(default)]
    metadata: Json,
    #[serde(default)]
    task_args: Json,
    #[serde(default)]
    packages: Json,
}

#[derive(Deserialize)]
struct Scorer {
    name: String,
    #[serde(default)]
    options: Json,
}

impl Scorer {
    /// Inspect's own scorers that ask a model.
    fn is_judge(&self) -> bool {
        self.name.contains("model_graded") || self.options.get("model").is_some()
    }

    fn grader(&self) -> Grader {
        if !self.is_judge() {
            return Grader::Code;
        }
        let model = self.options.get("model");
        let named = model.and_then(|model| model.as_str().or_else(|| model.get("model")?.as_str()));
        Grader::Judge(named.map(str::to_owned))
    }
}

#[derive(Deserialize)]
struct Commit {
    commit: Option<String>,
    dirty: Option<bool>,
}

#[derive(Deserialize, Default)]
struct Plan {
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    params: Json,
}

impl Log {
    fn into_run(self) -> Result<Run, ReadError> {
        let Some(spec) = self.eval.filter(|_| self.version == Some(2)) else {
            let found = match self.version {
                Some(version) => format!("a log of version {version}"),
                None => String::from("no `version`"),
            };
            return Err(ReadError::shape(found, EXPECTED));
        };
        // What a run left out when it was stopped would have counted.
        if self.status.as_deref() != Some("success") || self.invalidated == Some(true) {
            let status = self.status.unwrap_or_default();
            let found = match self.invalidated {
                Some(true) => String::from("a log that was invalidated"),
                _ => format!("a run that ended as `{status}`"),
            };
            return Err(ReadError::shape(found, "the log of a run that ended well"));
        }
        if !self.sampled {
            let found = "a log without samples";
            return Err(ReadError::shape(
                found,
                "one that was written with its samples",
            ));
        }
        let time = |text: &str| {
            let time = DateTime::parse_from_rfc3339(text).ok()?;
            Some(time.with_timezone(&Utc))
        };
        let version = spec.packages.get("inspect_ai").and_then(Json::as_str);
        Ok(Run {
            tool_version: version.map(str::to_owned),
            made_at: spec.created.as_deref().and_then(time),
            revision: spec.revision.as_ref().and_then(|revision| {
                Some(Revision {
                    commit: revision.commit.clone()?,
                    dirty: revision.dirty,
                })
            }),
            arms: vec![(0, shown(&spec, &self.plan))],
            graded_alike: false,
        })
    }
}

fn shown(spec: &Spec, plan: &Plan) -> Shown {
    let mut templates = plan.steps.iter().filter_map(|step| {
        let template = step.params.get("template")?;
        template.as_str()
    });
    // Several texts are no one prompt.
    let raw = match (templates.next(), templates.next()) {
        (Some(only), None) => Some(RawPrompt::of(only)),
        _ => None,
    };
    let mut stamps = Meta::of(&spec.metadata).stamps();
    stamps.extend(Meta::of(&spec.task_args).stamps());
    Shown {
        raw,
        label: spec.task.clone(),
        file: None,
        model: spec.model.as_deref().and_then(ModelRef::parse),
        settings: spec.model_generate_config.as_ref().map(Settings::read),
        stamps,
    }
}

#[derive(Deserialize)]
struct Sample {
    #[serde(default)]
    id: Json,
    #[serde(default)]
    input: Json,
    #[serde(default)]
    target: Json,
    output: Option<Output>,
    scores: Option<BTreeMap<String, Given>>,
    #[serde(default)]
    metadata: Json,
    model_usage: Option<BTreeMap<String, Usage>>,
    working_time: Option<f64>,
    error: Option<Broken>,
}

#[derive(Deserialize)]
struct Output {
    completion: Option<String>,
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    value: Json,
    explanation: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    total_cost: Option<f64>,
}

#[derive(Deserialize)]
struct Broken {
    message: Option<String>,
}

/// What a score comes to: its number, and whether it is enough, where that can be told.
fn value(value: &Json) -> (Option<f64>, Option<bool>) {
    match value {
        Json::String(text) => match text.as_str() {
            "C" => (Some(1.0), Some(true)),
            "P" => (Some(0.5), Some(false)),
            "I" | "N" => (Some(0.0), Some(false)),
            other => decided_by(other.parse().ok()),
        },
        other => decided(other),
    }
}

impl Sample {
    fn reduce(self, spec: &Spec) -> Row {
        let scorers = spec.scorers.as_deref().unwrap_or_default();
        let scores = self.scores(scorers);
        let decided: Vec<bool> = scores.iter().filter_map(|score| score.passed).collect();
        let result = if self.error.is_some() || decided.is_empty() {
            CaseResult::Errored
        } else if decided.iter().all(|passed| *passed) {
            CaseResult::Passed
        } else {
            CaseResult::Failed
        };
        // A scorer that only gives shares asserts nothing: which share is enough nobody says.
        let asserts = !decided.is_empty() || self.error.is_some();
        let judges = scorers.iter().filter(|scorer| scorer.is_judge());
        let judges: Vec<Json> = judges
            .map(|each| json!([each.name, each.options]))
            .collect();
        let asserted = Assertions {
            expected: self.target.clone(),
            rules: scorers.iter().map(|each| json!(each.name)).collect(),
            thresholds: Json::Null,
            judges: if judges.is_empty() {
                Json::Null
            } else {
                judges.into()
            },
        };
        let meta = Meta::of(&self.metadata);
        let costs = self.model_usage.iter().flatten();
        let costs: Option<Vec<f64>> = costs.map(|(_, usage)| usage.total_cost).collect();
        let cost = costs.filter(|costs| !costs.is_empty());
        let input = match &self.input {
            Json::String(text) => text.clone(),
            other => canonical::json(other),
        };
        Row {
            case: match &self.id {
                Json::String(id) => Some(id.clone()),
                Json::Number(id) => Some(id.to_string()),
                _ => None,
            },
            asserted: asserts.then(|| Asserted::of(&asserted)),
            scores,
            duty: meta.duty(),
            cost: cost.and_then(|costs| Usd::from_dollars(costs.iter().sum())),
            latency_ms: self.working_time.map(|seconds| seconds * 1_000.0),
            trace_id: meta.trace_id(),
            text: Text {
                reason: self.reason(result),
                input: Some(input),
                output: self.output.and_then(|output| output.completion),
            },
            ..Row::of(Digest::of(canonical::json(&self.input).as_bytes()), result)
        }
    }

    fn scores(&self, scorers: &[Scorer]) -> Vec<Score> {
        let mut found = Vec::new();
        for (name, given) in self.scores.iter().flatten() {
            let scorer = scorers.iter().find(|scorer| scorer.name == *name);
            let by = scorer.map_or(Grader::Code, Scorer::grader);
            let mut add = |metric: String, own: &Json| {
                let (number, passed) = value(own);
                if number.is_some() {
                    found.push(Score {
                        metric,
                        by: by.clone(),
                        value: number,
                        passed,
                    });
                }
            };
            match &given.value {
                Json::Object(parts) => {
                    for (part, own) in parts {
                        add(format!("{name}.{part}"), own);
                    }
                }
                own => add(name.clone(), own),
            }
        }
        found
    }

    /// The first scorer that was not satisfied, or the error.
    fn reason(&self, result: CaseResult) -> Option<String> {
        if result == CaseResult::Passed {
            return None;
        }
        if let Some(error) = &self.error {
            return error.message.clone();
        }
        let mut scores = self.scores.iter().flatten();
        let (name, given) = scores.find(|(_, given)| value(&given.value).1 == Some(false))?;
        let why = given.explanation.as_deref().unwrap_or("failed");
        Some(format!("{name}: {why}"))
    }
}

struct LogSeed<'a> {
    file: &'a mut Log,
    part: &'a Cell<u64>,
    rows: &'a mut dyn Rows,
}

impl<'de> DeserializeSeed<'de> for LogSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LogSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an Inspect log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { file, part, rows } = self;
        let mut keys = Keys::of(&[
            "version",
            "status",
            "invalidated",
            "eval",
            "plan",
            "samples",
        ]);
        while let Some(key) = keys.next(&mut map)? {
            match key.as_str() {
                "version" => file.version = map.next_value()?,
                "status" => file.status = map.next_value()?,
                "invalidated" => file.invalidated = map.next_value()?,
                "eval" => file.eval = map.next_value()?,
                "plan" => file.plan = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "samples" => {
                    let Some(spec) = &file.eval else {
                        return Err(A::Error::custom("`samples` before `eval`"));
                    };
                    file.sampled = true;
                    map.next_value_seed(Each::of("samples", part, |sample: Sample| {
                        let row = sample.reduce(spec);
                        rows.row(row).map_err(|error| error.to_string())
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
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};
    use crate::files::{self, ArchiveLimits};

    fn path(name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals/inspect");
        folder.join(name)
    }

    fn fixture(name: &str) -> EvalRun {
        let artifacts = files::open(&path(name), &ArchiveLimits::default()).unwrap();
        let [log] = artifacts.as_slice() else {
            panic!("one log, not {} files", artifacts.len())
        };
        assert!(InspectLog.recognises(&log.peek().unwrap()));
        let (run, stamp) = log.read(|reader| evals::read(&InspectLog, reader)).unwrap();
        assert_eq!(stamp.sha256, files::digest(&path(name)).unwrap());
        run.unwrap()
    }

    #[test]
    fn real_logs_come_to_their_counts() {
        for (name, want) in [
            ("v1.eval", [53, 5, 2, 60, 0]),
            ("v1.json", [53, 5, 2, 60, 0]),
            ("v2.eval", [44, 14, 2, 60, 0]),
        ] {
            let run = fixture(name);
            assert_eq!(counts(&run.arms[0]), want, "{name}");
            let shown = &run.arms[0].shown;
            assert_eq!(shown.label.as_deref(), Some("support"));
            assert!(shown.raw.is_some(), "{name}");
            assert_eq!(run.tool_version.as_deref(), Some("0.3.285"));
            assert!(run.made_at.is_some());
            let names: Vec<&str> = run.arms[0]
                .metrics
                .iter()
                .map(|each| each.name.as_str())
                .collect();
            assert_eq!(names, ["brevity", "includes"]);
        }
    }

    /// A log with one sample.
    fn log(eval: &str, sample: &str) -> String {
        format!(
            r#"{{"version":2,"status":"success","eval":{{"task":"t","run_id":"r",{eval}"model":"openai/gpt-4o"}},"samples":[{sample}]}}"#
        )
    }

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&InspectLog, &mut text.as_bytes())
    }

    #[test]
    fn epochs_are_trials_and_numbers_pass_nothing_by_themselves() {
        let sample =
            |scores: &str| format!(r#"{{"id":1,"input":"i","target":"x","scores":{scores}}}"#);
        for (samples, want) in [
            (vec![r#"{"a":{"value":"C"}}"#], [1, 0, 0, 1, 0]),
            (vec![r#"{"a":{"value":"P"}}"#], [0, 1, 0, 1, 0]),
            (
                vec![r#"{"a":{"value":1}}"#, r#"{"a":{"value":0}}"#],
                [0, 1, 0, 2, 0],
            ),
            (vec![r#"{"a":{"value":0.7}}"#], [0, 0, 0, 0, 1]),
            (
                vec![r#"{"a":{"value":0.7},"b":{"value":true}}"#],
                [1, 0, 0, 1, 0],
            ),
            (
                vec![r#"{"a":{"value":{"x":"C","y":"I"}}}"#],
                [0, 1, 0, 1, 0],
            ),
        ] {
            let samples: Vec<String> = samples.into_iter().map(sample).collect();
            let run = read(&log("", &samples.join(","))).unwrap();
            assert_eq!(counts(&run.arms[0]), want, "{samples:?}");
        }
    }

    #[test]
    fn a_log_shows_its_commit_its_judges_and_its_stamps() {
        let digest = Digest::of(b"v");
        let eval = format!(
            r#""revision":{{"type":"git","commit":"abc1234","dirty":true}},
               "scorers":[{{"name":"model_graded_qa","options":{{"model":"openai/gpt-4o-mini"}}}}],
               "metadata":{{"gatecard:prompts/a":"{digest}"}},"#
        );
        let sample = r#"{"id":1,"input":"i","scores":{"model_graded_qa":{"value":"C"}}}"#;
        let run = read(&log(&eval, sample)).unwrap();
        let want = Revision {
            commit: String::from("abc1234"),
            dirty: Some(true),
        };
        assert_eq!(run.revision, Some(want));
        let judge = Grader::Judge(Some(String::from("openai/gpt-4o-mini")));
        assert_eq!(run.arms[0].metrics[0].by, judge);
        assert_eq!(run.arms[0].shown.stamps["prompts/a"], digest);
    }

    #[test]
    fn what_is_no_whole_log_is_refused_by_what_was_found() {
        let whole = log("", "");
        for (text, found) in [
            (String::from("{}"), "no `version`"),
            (whole.replace("\"version\":2", "\"version\":1"), "version 1"),
            (
                whole.replace("success", "cancelled"),
                "ended as `cancelled`",
            ),
            (
                whole.replace("success\"", "success\",\"invalidated\":true"),
                "invalidated",
            ),
            (whole.replace("samples", "others"), "without samples"),
            (
                String::from(r#"{"version":2,"samples":[]}"#),
                "before `eval`",
            ),
            (
                whole.replace("\"samples\":[]", "\"samples\":[],\"samples\":[]"),
                "duplicate",
            ),
            (whole.replace("]}", ""), "EOF"),
            (log("", "NaN"), "column"),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}
