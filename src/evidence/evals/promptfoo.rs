//! promptfoo's JSON output (`promptfoo eval -o results.json`), results version 3.
//!
//! Shape: `evalId`, `results.{version, timestamp, prompts[], results[]}`, `config`, `metadata`.
//! Read as a stream, one result row at a time. `promptId` is the hash of a label, so the raw
//! prompt is what counts; `error` also holds the text of a failed assertion, so
//! `failureReason` is what tells an error (2) from a failure (1).

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::{Arm, Case, CaseResult, EvalRun, Format, Shown, Trial, fold};
use crate::evidence::ReadError;
use crate::prompt::canonical;
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;
use crate::units::{Digest, Usd};
use crate::untrusted::shorten;

/// More rows than this are no eval run.
const MAX_ROWS: usize = 250_000;
/// How much of an answer is kept for the side-by-side view, in characters.
const EXCERPT: usize = 600;

pub(crate) struct Promptfoo;

impl Format for Promptfoo {
    fn id(&self) -> &'static str {
        "promptfoo"
    }

    fn about(&self) -> &'static str {
        "promptfoo JSON output, results version 3"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let mut parts = start.trim_start().splitn(2, '{');
        parts.next() == Some("")
            && start.contains("\"evalId\"")
            && start.contains("\"results\"")
            && !start.contains("\"resourceSpans\"")
    }

    fn read(&self, reader: &mut dyn BufRead) -> Result<EvalRun, ReadError> {
        let mut file = Output::default();
        let mut input = serde_json::Deserializer::from_reader(reader);
        OutputSeed(&mut file)
            .deserialize(&mut input)
            .map_err(ReadError::json)?;
        input.end().map_err(ReadError::json)?;
        file.into_run()
    }
}

/// The parts of the file that are kept.
#[derive(Default)]
struct Output {
    results: Option<Results>,
    config: Config,
    metadata: Metadata,
}

#[derive(Default)]
struct Results {
    version: Option<u64>,
    timestamp: Option<String>,
    prompts: Vec<PromptEntry>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct PromptEntry {
    raw: Option<String>,
    label: Option<String>,
    provider: Option<String>,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default)]
    prompts: Json,
    #[serde(default)]
    providers: Json,
    #[serde(default)]
    tags: Json,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    promptfoo_version: Option<String>,
    evaluation_created_at: Option<String>,
}

/// One result, reduced to what a case needs.
struct Row {
    prompt: usize,
    provider: Option<String>,
    trial: Option<Trial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRow {
    prompt_idx: Option<usize>,
    success: Option<bool>,
    failure_reason: Option<u64>,
    error: Option<Json>,
    cost: Option<f64>,
    grading_result: Option<Grading>,
    #[serde(default)]
    test_case: TestCase,
    #[serde(default)]
    vars: Map<String, Json>,
    response: Option<Response>,
    provider: Option<Provider>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grading {
    reason: Option<String>,
    component_results: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
struct TestCase {
    #[serde(default)]
    assert: Json,
    #[serde(default)]
    metadata: Json,
    vars: Option<Map<String, Json>>,
}

#[derive(Deserialize)]
struct Response {
    output: Option<Json>,
}

#[derive(Deserialize)]
struct Provider {
    id: Option<String>,
    label: Option<String>,
}

impl RawRow {
    fn reduce(self) -> Row {
        let provider = self
            .provider
            .and_then(|provider| provider.id.or(provider.label));
        let errored = self.failure_reason == Some(2);
        let asserted = self
            .grading_result
            .as_ref()
            .and_then(|grading| grading.component_results.as_ref())
            .is_some_and(|list| !list.is_empty())
            || (errored
                && self
                    .test_case
                    .assert
                    .as_array()
                    .is_some_and(|list| !list.is_empty()));
        let vars = self.test_case.vars.unwrap_or(self.vars);
        let meta = |key: &str| match self.test_case.metadata.get(key)? {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let hash = Digest::of(canonical::json(&Json::Object(vars)).as_bytes());
        let result = match (errored, self.success) {
            (true, _) | (_, None) => CaseResult::Errored,
            (_, Some(true)) => CaseResult::Passed,
            (_, Some(false)) => CaseResult::Failed,
        };
        let error = self.error.map(text);
        let reason = (result != CaseResult::Passed)
            .then(|| {
                self.grading_result
                    .and_then(|grading| grading.reason)
                    .or(error)
            })
            .flatten();
        let row = Case {
            id: String::new(),
            result,
            trials: 1,
            reason: reason.map(|reason| shorten(&reason, EXCERPT)),
            output: self
                .response
                .and_then(|response| response.output)
                .map(|output| shorten(&text(output), EXCERPT)),
            cost: self.cost.and_then(Usd::from_dollars),
            trace_id: meta("trace_id").or_else(|| meta("traceId")),
        };
        Row {
            prompt: self.prompt_idx.unwrap_or_default(),
            provider,
            trial: asserted.then(|| Trial {
                case: meta("id").unwrap_or_else(|| hash.short()),
                assertions: Digest::of(canonical::json(&self.test_case.assert).as_bytes()),
                row,
            }),
        }
    }
}

fn text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => canonical::json(&other),
    }
}

impl Output {
    fn into_run(self) -> Result<EvalRun, ReadError> {
        let Some(results) = self.results else {
            return Err(ReadError::shape(
                "no `results`",
                "promptfoo results of version 3",
            ));
        };
        if results.version != Some(3) {
            let found = match results.version {
                Some(version) => format!("results of version {version}"),
                None => String::from("results without a version"),
            };
            return Err(ReadError::shape(found, "promptfoo results of version 3"));
        }
        let time = |text: &str| {
            DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|time| time.with_timezone(&Utc))
        };
        let made_at = self
            .metadata
            .evaluation_created_at
            .as_deref()
            .or(results.timestamp.as_deref())
            .and_then(time);
        let stamps = stamps(&self.config.tags);
        let mut trials: BTreeMap<(usize, Option<String>), (Vec<Trial>, u64)> = BTreeMap::new();
        for row in results.rows {
            let (found, bare) = trials.entry((row.prompt, row.provider)).or_default();
            match row.trial {
                Some(trial) => found.push(trial),
                None => *bare += 1,
            }
        }
        let arms = trials
            .into_iter()
            .map(|((index, provider), (trials, without_assertions))| {
                let entry = results.prompts.get(index);
                let mut shown = shown(entry, provider.as_deref(), &self.config);
                shown.stamps.clone_from(&stamps);
                Arm {
                    shown,
                    cases: fold(trials),
                    without_assertions,
                }
            })
            .collect();
        Ok(EvalRun {
            tool_version: self.metadata.promptfoo_version,
            made_at,
            arms,
        })
    }
}

fn shown(entry: Option<&PromptEntry>, provider: Option<&str>, config: &Config) -> Shown {
    let label = entry.and_then(|entry| entry.label.clone());
    let provider_name = entry.and_then(|entry| entry.provider.as_deref());
    let configured = configured(&config.providers, provider, provider_name);
    let file = config.prompts.as_array().and_then(|list| {
        let path = |item: &Json| {
            let id = item.as_str().or_else(|| item.get("id")?.as_str())?;
            id.starts_with("file:")
                .then(|| id.trim_start_matches("file://").to_owned())
        };
        let named = |item: &&Json| {
            let own = item.get("label").and_then(Json::as_str);
            match (own, label.as_deref()) {
                (Some(own), Some(label)) => label.starts_with(own),
                _ => list.len() == 1,
            }
        };
        list.iter().find(named).and_then(path)
    });
    Shown {
        raw: entry
            .and_then(|entry| entry.raw.as_deref())
            .map(RawPrompt::of),
        file: file.or_else(|| path_in(label.as_deref()?)),
        label,
        model: provider.and_then(ModelRef::parse),
        settings: configured,
        stamps: BTreeMap::new(),
    }
}

/// Without a label of its own, a prompt file's label is `path: its whole text`.
fn path_in(label: &str) -> Option<String> {
    let (path, _) = label.split_once(": ")?;
    (!path.contains([' ', '\n']) && path.contains('.')).then(|| path.to_owned())
}

/// The settings of the provider that ran: shown only where the file holds them.
fn configured(providers: &Json, id: Option<&str>, label: Option<&str>) -> Option<Settings> {
    let empty = Map::new();
    let list = providers.as_array()?;
    let fits = |item: &&Json| {
        let name = |key: &str| item.get(key).and_then(Json::as_str);
        let own = item.as_str().or(name("id"));
        own.is_some()
            && (own == id || own == label || (name("label").is_some() && name("label") == label))
    };
    let mut fitting = list.iter().filter(fits);
    let found = fitting.next()?;
    // Two providers with the same id and no label: which one ran cannot be told.
    if fitting.next().is_some() && found.get("label").and_then(Json::as_str) != label {
        return None;
    }
    let config = match found {
        Json::String(_) => &empty,
        other => other.get("config").map_or(Some(&empty), Json::as_object)?,
    };
    Some(Settings::read(config))
}

/// `tags: { "gatecard:<prompt id>": <version> }`.
fn stamps(tags: &Json) -> BTreeMap<String, Digest> {
    let Some(tags) = tags.as_object() else {
        return BTreeMap::new();
    };
    tags.iter()
        .filter_map(|(key, value)| {
            let prompt = key.strip_prefix("gatecard:")?;
            Some((prompt.to_owned(), Digest::from_hex(value.as_str()?)?))
        })
        .collect()
}

struct OutputSeed<'a>(&'a mut Output);

impl<'de> DeserializeSeed<'de> for OutputSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OutputSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("promptfoo's output object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "results" => self.0.results = Some(map.next_value_seed(ResultsSeed)?),
                "config" => self.0.config = map.next_value()?,
                "metadata" => self.0.metadata = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct ResultsSeed;

impl<'de> DeserializeSeed<'de> for ResultsSeed {
    type Value = Results;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Results, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed {
    type Value = Results;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`results` with `version`, `prompts` and `results`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
        let mut results = Results::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "version" => results.version = map.next_value()?,
                "timestamp" => results.timestamp = map.next_value()?,
                "prompts" => results.prompts = map.next_value()?,
                "results" => results.rows = map.next_value_seed(RowsSeed)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(results)
    }
}

struct RowsSeed;

impl<'de> DeserializeSeed<'de> for RowsSeed {
    type Value = Vec<Row>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Vec<Row>, D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed {
    type Value = Vec<Row>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element::<RawRow>()? {
            rows.push(row.reduce());
            if rows.len() > MAX_ROWS {
                return Err(serde::de::Error::custom(format!(
                    "more than {MAX_ROWS} results"
                )));
            }
        }
        Ok(rows)
    }
}
