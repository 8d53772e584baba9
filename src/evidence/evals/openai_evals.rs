//! OpenAI evals: the log of the `evals` framework, and output items of the hosted API.
//!
//! Log, one event a line: `{spec: {completion_fns, eval_name, run_config.eval_spec.cls,
//! created_by, created_at}}`, `{final_report}`, `{sample_id, type, data}` with the types
//! `sampling` (`prompt`, `sampled`), `match` (`correct`, `expected`), `metrics` and `error`; others
//! are not read. The events of a sample stand near each other, but not together: samples run side
//! by side. A run that was stopped has no `final_report`. Hosted: `{object:
//! "eval.run.output_item", datasource_item, results[].{name, score, passed, sample}, sample.{model,
//! output, error}}`, as lines, a list, or a page with `data`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::BufRead;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::graded::{Answer, Arms, Said, decided, words};
use super::meta::Meta;
use super::records::{self, Found};
use super::row::{Grader, Rows, Score};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::prompt::canonical;
use crate::prompt::model::ModelRef;
use crate::units::Digest;

pub(crate) struct OpenAiEvals;

/// Samples whose events may be parted by those of others.
const WINDOW: usize = 4_096;
/// What is kept of a text while its sample is awaited, in bytes.
const KEPT: usize = 4_096;

impl Format for OpenAiEvals {
    fn id(&self) -> &'static str {
        "openai_evals"
    }

    fn about(&self) -> &'static str {
        "OpenAI evals: a log of the framework, output items of the API"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        let log = has("\"spec\"") && has("\"completion_fns\"") && has("\"eval_name\"");
        start.trim_start().starts_with(['{', '[']) && (log || has("\"eval.run.output_item\""))
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut reading = Reading {
            log: None,
            reported: false,
            items: Arms::default(),
            rows,
        };
        records::read(reader, &["data"], &mut |found| match found {
            Found::Line(line) => reading.line(line),
            Found::Item(_, item) => reading.item(item),
            Found::Listed(_) => Ok(()),
        })?;
        reading.run()
    }
}

struct Reading<'a> {
    log: Option<Log>,
    reported: bool,
    items: Arms,
    rows: &'a mut dyn Rows,
}

/// The log of a run, while it is read.
struct Log {
    spec: Spec,
    /// Samples whose events may not have ended, in the order in which they began.
    open: BTreeMap<String, Sample>,
    order: VecDeque<String>,
    /// Samples that were handed on.
    done: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Spec {
    completion_fns: Vec<String>,
    eval_name: Option<String>,
    #[serde(default)]
    run_config: Json,
    created_by: Option<String>,
    created_at: Option<String>,
}

impl Spec {
    /// The model that grades, where the eval is one that asks a model: the last one of the run.
    fn grader(&self) -> Grader {
        let class = self.run_config.pointer("/eval_spec/cls");
        let class = class.and_then(Json::as_str).unwrap_or_default();
        if class.contains("modelgraded") {
            Grader::Judge(self.completion_fns.last().cloned())
        } else {
            Grader::Code
        }
    }

    /// `--user gatecard:<prompt id>=<version>`: the one thing that a run can be told freely.
    fn stamps(&self) -> BTreeMap<String, Digest> {
        let said = self.created_by.as_deref().unwrap_or_default();
        let stamps = said.split_whitespace().filter_map(|stamp| {
            let (prompt, version) = stamp.strip_prefix("gatecard:")?.rsplit_once('=')?;
            Some((prompt.to_owned(), Digest::from_hex(version)?))
        });
        stamps.collect()
    }
}

#[derive(Deserialize)]
struct Event {
    sample_id: Option<String>,
    r#type: String,
    #[serde(default)]
    data: Json,
}

/// What is known of a sample.
#[derive(Default)]
struct Sample {
    /// Its digest, where it stands apart from the prompt under test, and its text.
    input: Option<(Option<Digest>, String)>,
    output: Option<String>,
    expected: Json,
    scores: Vec<Score>,
    error: Option<String>,
}

impl Reading<'_> {
    fn line(&mut self, mut line: Map<String, Json>) -> Result<(), String> {
        if line.get("object").is_some() {
            return self.item(Json::Object(line));
        }
        if let Some(spec) = line.remove("spec") {
            if self.log.is_some() {
                return Err(String::from("a second `spec`: two runs in one file"));
            }
            let spec = serde_json::from_value(spec).map_err(|error| error.to_string())?;
            self.log = Some(Log {
                spec,
                open: BTreeMap::new(),
                order: VecDeque::new(),
                done: BTreeSet::new(),
            });
            return Ok(());
        }
        if line.contains_key("final_report") {
            self.reported = true;
            return Ok(());
        }
        let event: Event =
            serde_json::from_value(Json::Object(line)).map_err(|error| error.to_string())?;
        let Some(log) = &mut self.log else {
            return Err(String::from("an event before `spec`"));
        };
        log.event(event, self.rows)
    }

    fn run(mut self) -> Result<Run, ReadError> {
        let Some(mut log) = self.log.take() else {
            return Ok(self.items.run());
        };
        if !self.reported {
            let found = "a log without `final_report`";
            return Err(ReadError::shape(found, "the log of a run that ended well"));
        }
        while log
            .hand_on(self.rows)
            .map_err(|found| ReadError::shape(found, "a file that is split"))?
        {}
        let spec = log.spec;
        let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
        let made_at = spec.created_at.as_deref().and_then(time);
        Ok(Run {
            made_at: made_at.map(|time| DateTime::<Utc>::from_naive_utc_and_offset(time, Utc)),
            arms: vec![(
                0,
                Shown {
                    model: spec
                        .completion_fns
                        .first()
                        .and_then(|name| ModelRef::parse(name)),
                    stamps: spec.stamps(),
                    label: spec.eval_name,
                    ..Shown::default()
                },
            )],
            graded_alike: true,
            ..Run::default()
        })
    }

    /// An output item of the API.
    fn item(&mut self, item: Json) -> Result<(), String> {
        let item: Item = serde_json::from_value(item).map_err(|error| error.to_string())?;
        if item.object != "eval.run.output_item" {
            return Err(format!("an object of kind `{}`", item.object));
        }
        let model = item.sample.get("model");
        let arm = self
            .items
            .number(None, Meta::of(&json!({ "model": model })))?;
        let graders = item.results.into_iter().map(Grade::said);
        let error = item.sample.get("error").filter(|error| !error.is_null());
        let error = error.map(|error| {
            let message = error.get("message").and_then(Json::as_str);
            message.unwrap_or("the model gave no answer").to_owned()
        });
        let answer = Answer {
            output: item
                .sample
                .pointer("/output/0/content")
                .cloned()
                .unwrap_or_default(),
            // Items say `pass`, `fail` or `error`.
            error: error.or_else(|| (item.status == "error").then(|| item.status.clone())),
            said: graders.collect(),
            input: item.asked,
            ..Answer::default()
        };
        let told = answer.input.clone();
        let row = answer.row(arm, Meta::of(&told));
        self.rows.row(row).map_err(|error| error.to_string())
    }
}

impl Log {
    fn event(&mut self, event: Event, rows: &mut dyn Rows) -> Result<(), String> {
        let read = ["sampling", "match", "metrics", "error"].contains(&event.r#type.as_str());
        let Some(id) = event.sample_id.filter(|_| read) else {
            return Ok(());
        };
        if self.done.contains(&id) {
            return Err(format!(
                "events of sample `{id}` with those of {WINDOW} others between them"
            ));
        }
        if !self.open.contains_key(&id) {
            self.order.push_back(id.clone());
        }
        let by = self.spec.grader();
        self.open
            .entry(id)
            .or_default()
            .event(&event.r#type, &event.data, &by);
        if self.open.len() > WINDOW {
            self.hand_on(rows)?;
        }
        Ok(())
    }

    /// Hands on the sample that began first, if there is one.
    fn hand_on(&mut self, rows: &mut dyn Rows) -> Result<bool, String> {
        let Some(id) = self.order.pop_front() else {
            return Ok(false);
        };
        let sample = self.open.remove(&id).unwrap_or_default();
        let said = sample.scores.into_iter();
        let said: Vec<_> = said
            .map(|score| (Said::Score(score), String::new()))
            .collect();
        let none = said
            .is_empty()
            .then(|| String::from("no result is on record"));
        let (input, text) = sample.input.unzip();
        let answer = Answer {
            case: Some(id.clone()),
            input: text.map_or(Json::Null, Json::from),
            output: sample.output.map_or(Json::Null, Json::from),
            expected: sample.expected,
            error: sample.error.or(none),
            said,
            ..Answer::default()
        };
        let mut row = answer.row(0, Meta::of(&Json::Null));
        // The text may have been cut, or be that of the prompt: its id stands for the sample.
        row.input = input.flatten().unwrap_or_else(|| Digest::of(id.as_bytes()));
        rows.row(row).map_err(|error| error.to_string())?;
        self.done.insert(id);
        Ok(true)
    }
}

impl Sample {
    fn event(&mut self, kind: &str, data: &Json, by: &Grader) {
        match kind {
            // The first asks the model under test; those after it may ask a judge.
            "sampling" if self.input.is_none() => {
                let prompt = data.get("prompt").unwrap_or(&Json::Null);
                let shown = asked(prompt).or_else(|| words(prompt)).unwrap_or_default();
                let digest = asked(prompt).map(|asked| Digest::of(asked.as_bytes()));
                self.input = Some((digest, cut(shown)));
                self.output = data.pointer("/sampled/0").and_then(words).map(cut);
            }
            "match" => {
                let passed = data.get("correct").and_then(Json::as_bool);
                self.expected = data.get("expected").cloned().unwrap_or_default();
                self.scores.extend(passed.map(|passed| Score {
                    metric: String::from("match"),
                    by: Grader::Code,
                    value: Some(f64::from(passed)),
                    passed: Some(passed),
                }));
            }
            "metrics" => {
                for (metric, value) in data.as_object().into_iter().flatten() {
                    let (value, passed) = decided(value);
                    if value.is_some() {
                        self.scores.push(Score {
                            metric: metric.clone(),
                            by: by.clone(),
                            value,
                            passed,
                        });
                    }
                }
            }
            "error" => {
                let why = data.get("message").and_then(Json::as_str);
                self.error = Some(cut(why.unwrap_or("an error").to_owned()));
            }
            _ => {}
        }
    }
}

/// What was asked apart from the prompt under test: the other messages, where a system message
/// stands before them. A prompt is on record as it was rendered.
fn asked(prompt: &Json) -> Option<String> {
    let messages = prompt.as_array()?;
    let is_system = |message: &&Json| {
        let role = message.get("role").and_then(Json::as_str);
        matches!(role, Some("system" | "developer"))
    };
    messages.iter().find(is_system)?;
    let others: Vec<&Json> = messages
        .iter()
        .filter(|message| !is_system(message))
        .collect();
    match others.as_slice() {
        [] => None,
        [one] => words(one.get("content")?),
        all => Some(canonical::json(&json!(all))),
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(KEPT));
    text
}

#[derive(Deserialize)]
struct Item {
    object: String,
    #[serde(default)]
    status: String,
    #[serde(rename = "datasource_item")]
    asked: Json,
    results: Vec<Grade>,
    #[serde(default)]
    sample: Json,
}

#[derive(Deserialize)]
struct Grade {
    name: String,
    score: Option<f64>,
    passed: Option<bool>,
    #[serde(default)]
    sample: Json,
}

impl Grade {
    /// A grader that asked a model shows what it asked.
    fn said(self) -> (Said, String) {
        let by = if self.sample.is_null() {
            Grader::Code
        } else {
            let model = self.sample.get("model").and_then(Json::as_str);
            Grader::Judge(model.map(str::to_owned))
        };
        let score = Score {
            metric: self.name,
            by,
            value: self.score.filter(|score| score.is_finite()),
            passed: self.passed,
        };
        (Said::Score(score), String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        assert!(OpenAiEvals.recognises(text.as_bytes()));
        evals::read(&OpenAiEvals, &mut text.as_bytes())
    }

    const LOG: &str = include_str!("../../../tests/fixtures/evals/openai_evals/match.jsonl");

    #[test]
    fn real_logs_come_to_their_counts() {
        let fuzzy = include_str!("../../../tests/fixtures/evals/openai_evals/fuzzy.jsonl");
        for (text, metrics) in [
            (LOG, vec!["match"]),
            (fuzzy, vec!["match", "accuracy", "f1_score"]),
        ] {
            let run = read(text).unwrap();
            let [arm] = run.arms.as_slice() else {
                panic!("one arm")
            };
            assert_eq!(counts(arm), [4, 2, 0, 6, 0]);
            let names: Vec<&str> = arm.metrics.iter().map(|each| each.name.as_str()).collect();
            assert_eq!(names, metrics);
            assert_eq!(arm.shown.label.as_deref(), Some("refunds.dev.v0"));
            assert_eq!(arm.shown.stamps.len(), 1);
            assert!(arm.shown.model.is_some() && run.made_at.is_some());
        }
    }

    #[test]
    fn a_sample_that_no_result_tells_of_is_an_error() {
        let lines = LOG.lines().filter(|line| {
            !(line.contains("\"type\": \"match\"") && line.contains("refunds.dev.3"))
        });
        let lines: Vec<&str> = lines.collect();
        let run = read(&lines.join("\n")).unwrap();
        let errored = counts(&run.arms[0])[2];
        assert_eq!(errored, 1);
    }

    #[test]
    fn output_items_say_what_each_grader_said() {
        let item = |passed: bool, error: &str| {
            format!(
                r#"{{"object":"eval.run.output_item","status":"pass","datasource_item":{{"id":"{passed}{}","q":"?"}},"results":[{{"name":"g","score":0.5,"passed":{passed}}},{{"name":"j","score":1.0,"passed":true,"sample":{{"model":"gpt-4o-mini"}}}}],"sample":{{"model":"gpt-4o","error":{error},"output":[{{"role":"assistant","content":"a"}}]}}}}"#,
                error.len()
            )
        };
        let items = [
            item(true, "null"),
            item(false, "null"),
            item(true, r#"{"message":"429"}"#),
        ];
        let lines = read(&items.join("\n")).unwrap();
        assert_eq!(counts(&lines.arms[0]), [1, 1, 1, 3, 0]);
        let page = format!(r#"{{"object":"list","data":[{}]}}"#, items.join(","));
        assert_eq!(read(&page).unwrap(), lines);
        let words: Vec<String> = lines.arms[0]
            .metrics
            .iter()
            .map(evals::Metric::words)
            .collect();
        assert_eq!(words, ["g", "j (judge gpt-4o-mini)"]);
    }

    #[test]
    fn another_system_prompt_asks_the_same() {
        let other = LOG.replace("Answer with the days.", "Be brief.");
        assert_ne!(other, LOG);
        let (one, other) = (read(LOG).unwrap(), read(&other).unwrap());
        for (one, other) in one.arms[0].cases.iter().zip(&other.arms[0].cases) {
            assert!(one.is_alike(other), "{}", one.id);
        }
        let rendered = |text: &str| LOG.replace("\"role\": \"system\"", text);
        let (one, other) = (rendered("\"role\": \"user\""), rendered("\"role\": \"x\""));
        assert_eq!(
            read(&one).unwrap().arms[0].cases,
            read(&other).unwrap().arms[0].cases
        );
        let question = read(&LOG.replace("order 3", "parcel 3")).unwrap();
        let cases = read(LOG).unwrap().arms.remove(0).cases;
        let changed = cases.iter().zip(&question.arms[0].cases);
        assert_eq!(
            changed.filter(|(one, other)| !one.is_alike(other)).count(),
            1
        );
    }

    #[test]
    fn a_run_that_did_not_end_is_refused() {
        let lines: Vec<&str> = LOG
            .lines()
            .filter(|line| !line.contains("final_report"))
            .collect();
        let error = read(&lines.join("\n")).unwrap_err();
        assert!(error.found.contains("final_report"), "{}", error.found);
        let twice = format!("{LOG}{LOG}");
        let error = read(&twice).unwrap_err();
        assert!(error.found.contains("two runs"), "{}", error.found);
    }
}
