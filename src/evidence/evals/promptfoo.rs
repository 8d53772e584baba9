//! promptfoo's JSON output (`promptfoo eval -o results.json`), results version 3.
//!
//! Shape: `evalId`, `results.{version, timestamp, prompts[], results[]}`, `config`, `metadata`.
//! Read as a stream, one result row at a time. `promptId` is the hash of a label, so the raw
//! prompt is what counts; `error` also holds the text of a failed assertion, so
//! `failureReason` is what tells an error (2) from a failure (1).

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::BufRead;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::meta::Meta;
use super::promptfoo_row::{Arms, RawRow, path_in};
use super::row::Rows;
use super::stream::{Each, Keys, Parts, at_most};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::{EVAL_ARMS, EVAL_PART};
use crate::prompt::model::{ModelRef, Settings};
use crate::prompt::raw::RawPrompt;

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

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut file = Output::default();
        let part = Cell::new(EVAL_PART);
        let mut input = serde_json::Deserializer::from_reader(Parts::of(reader, &part));
        let mut reading = Reading {
            part: &part,
            rows,
            arms: BTreeMap::new(),
        };
        let seed = OutputSeed {
            file: &mut file,
            reading: &mut reading,
        };
        seed.deserialize(&mut input).map_err(ReadError::json)?;
        input.end().map_err(ReadError::json)?;
        file.into_run(reading.arms)
    }
}

/// What rows need to be handed on.
struct Reading<'a> {
    part: &'a Cell<u64>,
    rows: &'a mut dyn Rows,
    arms: Arms,
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

impl Output {
    fn into_run(self, mut arms: Arms) -> Result<Run, ReadError> {
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
        let stamps = Meta::of(&self.config.tags).stamps();
        add_empty(&mut arms, &results.prompts, &self.config.providers);
        let providers = self.config.providers.as_array().map_or(0, Vec::len);
        let prompts = self.config.prompts.as_array().map_or(0, Vec::len);
        let most = arms.len().max(providers).max(prompts);
        if most > EVAL_ARMS {
            let found = format!("{most} prompts and providers");
            return Err(ReadError::shape(found, format!("at most {EVAL_ARMS}")));
        }
        // Each text once, however many models ran it.
        let raw = |entry: &PromptEntry| entry.raw.as_deref().map(RawPrompt::of);
        let raws: Vec<Option<RawPrompt>> = results.prompts.iter().map(raw).collect();
        let arms = arms.into_iter().map(|((index, provider), number)| {
            let entry = results.prompts.get(index);
            let mut shown = shown(entry, provider.as_deref(), &self.config);
            shown.raw = raws.get(index).copied().flatten();
            shown.stamps.clone_from(&stamps);
            (number, shown)
        });
        let arms = arms.collect();
        Ok(Run {
            tool_version: self.metadata.promptfoo_version,
            made_at,
            arms,
            ..Run::default()
        })
    }
}

/// A prompt that ran on no test is a run without cases, not no run.
fn add_empty(arms: &mut Arms, prompts: &[PromptEntry], providers: &Json) {
    let ran: BTreeSet<usize> = arms.keys().map(|(index, _)| *index).collect();
    for (index, entry) in prompts.iter().enumerate() {
        if !ran.contains(&index) {
            let provider = entry.provider.as_deref();
            let provider = provider.map(|name| provider_id(providers, name));
            let next = arms.len();
            arms.entry((index, provider)).or_insert(next);
        }
    }
}

/// All that is shown but the text.
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
                // A text prompt's label goes on with its path and text.
                (Some(own), Some(label)) => label
                    .strip_prefix(own)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(": ")),
                _ => list.len() == 1,
            }
        };
        list.iter().find(named).and_then(path)
    });
    Shown {
        raw: None,
        file: file.or_else(|| path_in(label.as_deref()?)),
        label,
        model: provider.and_then(ModelRef::parse),
        settings: configured,
        stamps: BTreeMap::new(),
    }
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

/// The id of the provider that a prompt names by its label or its id.
fn provider_id(providers: &Json, name: &str) -> String {
    let labelled = providers.as_array().and_then(|list| {
        let fits = |item: &&Json| item.get("label").and_then(Json::as_str) == Some(name);
        list.iter().find(fits)?.get("id")?.as_str()
    });
    labelled.unwrap_or(name).to_owned()
}

struct OutputSeed<'a, 'r> {
    file: &'a mut Output,
    reading: &'a mut Reading<'r>,
}

impl<'de> DeserializeSeed<'de> for OutputSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OutputSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("promptfoo's output object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = Keys::of(&["results", "config", "metadata"]);
        while let Some(key) = keys.next(&mut map)? {
            match key.as_str() {
                "results" => {
                    self.file.results = Some(map.next_value_seed(ResultsSeed(&mut *self.reading))?);
                }
                "config" => self.file.config = map.next_value()?,
                "metadata" => self.file.metadata = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct ResultsSeed<'a, 'r>(&'a mut Reading<'r>);

impl<'de> DeserializeSeed<'de> for ResultsSeed<'_, '_> {
    type Value = Results;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Results, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResultsSeed<'_, '_> {
    type Value = Results;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`results` with `version`, `prompts` and `results`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
        let mut results = Results::default();
        let mut keys = Keys::of(&["version", "timestamp", "prompts", "results"]);
        while let Some(key) = keys.next(&mut map)? {
            match key.as_str() {
                "version" => results.version = map.next_value()?,
                "timestamp" => results.timestamp = map.next_value()?,
                "prompts" => {
                    let prompts = &mut results.prompts;
                    map.next_value_seed(Each::of("prompts", self.0.part, |prompt| {
                        prompts.push(prompt);
                        at_most(prompts.len(), EVAL_ARMS, "prompts")
                    }))?;
                }
                "results" => {
                    let Reading { part, rows, arms } = &mut *self.0;
                    map.next_value_seed(Each::of("results", part, |row: RawRow| {
                        rows.row(row.reduce(arms))
                            .map_err(|error| error.to_string())?;
                        at_most(arms.len(), EVAL_ARMS, "prompts and providers")
                    }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(results)
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
    use crate::units::Digest;

    fn fixture(name: &str) -> EvalRun {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals/promptfoo");
        let file = File::open(folder.join(name)).unwrap();
        evals::read(&Promptfoo, &mut BufReader::new(file)).unwrap()
    }

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&Promptfoo, &mut text.as_bytes())
    }

    #[test]
    fn real_results_come_to_their_counts() {
        for (name, arms) in [
            ("both.json", vec![[2, 1, 2, 5, 1], [1, 2, 2, 5, 1]]),
            ("baseline.json", vec![[2, 2, 1, 5, 1]]),
            ("candidate.json", vec![[1, 3, 1, 5, 1]]),
            (
                "multi-repeat3.json",
                vec![
                    [1, 0, 0, 3, 0],
                    [1, 0, 0, 3, 0],
                    [0, 1, 0, 3, 0],
                    [0, 1, 0, 3, 0],
                    [0, 1, 0, 3, 0],
                    [0, 1, 0, 3, 0],
                ],
            ),
        ] {
            let run = fixture(name);
            let found: Vec<_> = run.arms.iter().map(counts).collect();
            assert_eq!(found, arms, "{name}");
            assert_eq!(run.tool_version.as_deref(), Some("0.121.20"), "{name}");
            assert!(run.made_at.is_some(), "{name}");
        }
    }

    #[test]
    fn an_arm_shows_its_prompt_model_settings_and_stamps() {
        let run = fixture("baseline.json");
        let shown = &run.arms[0].shown;
        assert_eq!(shown.label.as_deref(), Some("support"));
        let file = "/srv/app/run/promptfoo/project/prompts/support.v1.json";
        assert_eq!(shown.file.as_deref(), Some(file));
        let model = shown.model.as_ref().map(ToString::to_string);
        assert_eq!(model.as_deref(), Some("openai/gpt-4o-mini"));
        let settings = shown.settings.as_ref().unwrap();
        let parameters: Vec<_> = settings.parameters.keys().map(String::as_str).collect();
        assert_eq!(parameters, ["max_tokens", "temperature"]);
        let stamp = Digest::from_hex(&"a".repeat(64)).unwrap();
        let stamps = BTreeMap::from([(String::from("prompts/support.v1"), stamp)]);
        assert_eq!(shown.stamps, stamps, "a stamp that is no digest is none");
    }

    #[test]
    fn each_model_of_a_run_shows_its_own_settings() {
        let run = fixture("multi-repeat3.json");
        let tools: Vec<_> = run
            .arms
            .iter()
            .map(|arm| {
                let model = arm.shown.model.as_ref().map(ToString::to_string);
                let tools = &arm.shown.settings.as_ref().unwrap().tools;
                (model.unwrap_or_default(), !tools.is_null())
            })
            .collect();
        let want = [
            ("openai/gpt-4o-mini", false),
            ("openai/gpt-4o-mini", false),
            ("openai/gpt-4o", true),
            ("openai/gpt-4o", true),
            ("echo", false),
            ("echo", false),
        ];
        assert_eq!(tools, want.map(|(model, tools)| (model.to_owned(), tools)));
    }

    #[test]
    fn a_prompt_is_looked_up_by_its_whole_label() {
        let config = Config {
            prompts: serde_json::json!([
                { "id": "file://prompts/a.md", "label": "support" },
                { "id": "file://prompts/b.md", "label": "support-v2" },
            ]),
            ..Config::default()
        };
        for (label, file) in [
            ("support", Some("prompts/a.md")),
            ("support-v2", Some("prompts/b.md")),
            ("support-v2: prompts/b.md: Text", Some("prompts/b.md")),
            ("support-v3", None),
        ] {
            let entry = PromptEntry {
                raw: None,
                label: Some(label.to_owned()),
                provider: None,
            };
            let shown = shown(Some(&entry), None, &config);
            assert_eq!(shown.file.as_deref(), file, "{label}");
        }
    }

    #[test]
    fn what_is_no_result_file_is_refused_by_what_was_found() {
        for (text, found) in [
            ("{}", "no `results`"),
            (r#"{"results":{"results":[]}}"#, "without a version"),
            (r#"{"results":{"version":2,"results":[]}}"#, "of version 2"),
            (r#"{"results":{"version":3},"results":{}}"#, "duplicate"),
            (
                r#"{"results":{"version":3,"results":[],"results":[]}}"#,
                "duplicate",
            ),
            (r#"{"results":{"version":3,"results":[NaN]}}"#, "column"),
            (r#"{"results":{"version":3,"results":["#, "EOF"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }

    #[test]
    fn a_nesting_of_any_depth_is_skipped_without_recursion() {
        let deep = "[".repeat(2_000_000) + &"]".repeat(2_000_000);
        let text = format!(r#"{{"x":{deep},"results":{{"version":3,"results":[]}}}}"#);
        assert_eq!(read(&text).unwrap().arms, []);
        let text =
            format!(r#"{{"results":{{"version":3,"results":[{{"vars":{{"a":{deep}}}}}]}}}}"#);
        let error = read(&text).unwrap_err();
        assert!(error.found.contains("recursion limit"), "{}", error.found);
    }
}
