//! One result of promptfoo, as its JSON and its JSON Lines have it.
//!
//! `error` also holds the text of a failed assertion, so `failureReason` is what tells an error
//! (2) from a failure (1). An answer from the cache took no time that means anything.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::Shown;
use super::meta::Meta;
use super::row::{Asserted, Assertions, CaseResult, Grader, Row, Score, Text};
use crate::prompt::canonical;
use crate::prompt::model::ModelRef;
use crate::units::{Digest, Usd};

/// A prompt's place and the provider that ran it, with the number of their arm.
pub(super) type Arms = BTreeMap<(usize, Option<String>), usize>;

/// Assertions that ask a model, by what their type starts with.
const JUDGES: [&str; 10] = [
    "llm-rubric",
    "agent-rubric",
    "search-rubric",
    "model-graded-",
    "g-eval",
    "factuality",
    "answer-relevance",
    "context-",
    "conversation-relevance",
    "select-best",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawRow {
    prompt_idx: Option<usize>,
    success: Option<bool>,
    failure_reason: Option<u64>,
    error: Option<Json>,
    cost: Option<f64>,
    latency_ms: Option<f64>,
    grading_result: Option<Grading>,
    #[serde(default)]
    test_case: TestCase,
    #[serde(default)]
    vars: Map<String, Json>,
    response: Option<Response>,
    provider: Option<Provider>,
    prompt: Option<RowPrompt>,
}

#[derive(Deserialize)]
struct RowPrompt {
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grading {
    reason: Option<String>,
    component_results: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Component {
    pass: Option<bool>,
    score: Option<f64>,
    assertion: Option<Assertion>,
}

#[derive(Deserialize)]
struct Assertion {
    r#type: Option<String>,
    metric: Option<String>,
    #[serde(default)]
    provider: Json,
}

#[derive(Deserialize, Default)]
struct TestCase {
    #[serde(default)]
    assert: Json,
    #[serde(default)]
    threshold: Json,
    #[serde(default)]
    options: Json,
    #[serde(default)]
    metadata: Json,
    vars: Option<Map<String, Json>>,
}

#[derive(Deserialize)]
struct Response {
    output: Option<Json>,
    cached: Option<bool>,
}

#[derive(Deserialize)]
struct Provider {
    id: Option<String>,
    label: Option<String>,
}

impl RawRow {
    /// What a row shows of its prompt, where nothing else does.
    pub(super) fn shown(&self) -> Shown {
        let label = self.prompt.as_ref().and_then(|prompt| prompt.label.clone());
        let provider = self.provider.as_ref();
        let provider = provider.and_then(|provider| provider.id.as_deref());
        Shown {
            file: label.as_deref().and_then(path_in),
            label,
            model: provider.and_then(ModelRef::parse),
            stamps: self.test_case.meta().stamps(),
            ..Shown::default()
        }
    }

    fn result(&self) -> CaseResult {
        match (self.failure_reason == Some(2), self.success) {
            (true, _) | (_, None) => CaseResult::Errored,
            (_, Some(true)) => CaseResult::Passed,
            (_, Some(false)) => CaseResult::Failed,
        }
    }

    /// The row as it is handed on.
    pub(super) fn reduce(self, arms: &mut Arms) -> Row {
        let result = self.result();
        let test = &self.test_case;
        let components = self
            .grading_result
            .as_ref()
            .and_then(|grading| grading.component_results.as_deref())
            .unwrap_or_default();
        let asks = |list: &Vec<Json>| !list.is_empty();
        let asserts = !components.is_empty()
            || (self.failure_reason == Some(2) && test.assert.as_array().is_some_and(asks));
        let cached = self.response.as_ref().and_then(|response| response.cached);
        let vars = Json::Object(test.vars.clone().unwrap_or(self.vars));
        let input = canonical::json(&vars);
        let provider = self
            .provider
            .and_then(|provider| provider.id.or(provider.label));
        let next = arms.len();
        let key = (self.prompt_idx.unwrap_or_default(), provider);
        let row = Row {
            arm: *arms.entry(key).or_insert(next),
            case: test.meta().id(),
            asserted: asserts.then(|| test.asserted()),
            scores: components
                .iter()
                .filter_map(|each| test.score(each))
                .collect(),
            duty: test.meta().duty(),
            cost: self.cost.and_then(Usd::from_dollars),
            latency_ms: self.latency_ms.filter(|_| cached != Some(true)),
            trace_id: test.meta().trace_id(),
            ..Row::of(Digest::of(input.as_bytes()), result)
        };
        let reason = self.grading_result.and_then(|grading| grading.reason);
        let reason = reason.or_else(|| self.error.map(text));
        Row {
            text: Text {
                input: Some(input),
                output: self.response.and_then(|response| response.output).map(text),
                reason: reason.filter(|_| result != CaseResult::Passed),
            },
            ..row
        }
    }
}

impl TestCase {
    fn meta(&self) -> Meta<'_> {
        Meta::of(&self.metadata)
    }

    /// The model that judges where an assertion does not name one.
    fn grader(&self) -> &Json {
        self.options.get("provider").unwrap_or(&Json::Null)
    }

    fn asserted(&self) -> Asserted {
        let list = self
            .assert
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let each = |keys: &[&str]| -> Json {
            let pick =
                |item: &Json| -> Json { keys.iter().map(|key| item.get(key).cloned()).collect() };
            list.iter().map(pick).collect()
        };
        let is_judge = |item: &&Json| {
            item.get("type")
                .and_then(Json::as_str)
                .is_some_and(asks_model)
        };
        let judges: Vec<Json> = list
            .iter()
            .filter(is_judge)
            .map(|item| {
                json!([
                    item.get("value"),
                    item.get("rubricPrompt"),
                    item.get("provider")
                ])
            })
            .collect();
        let own = [
            named(self.grader()).map(Json::from),
            self.options.get("rubricPrompt").cloned(),
        ];
        let judges = (!judges.is_empty()).then(|| json!([judges, own]));
        Asserted::of(&Assertions {
            expected: each(&["value"]),
            rules: each(&["type", "metric", "assert", "transform", "config"]),
            thresholds: json!([each(&["threshold", "weight"]), self.threshold]),
            judges: judges.unwrap_or_default(),
        })
    }

    fn score(&self, component: &Component) -> Option<Score> {
        let assertion = component.assertion.as_ref()?;
        let kind = assertion.r#type.as_deref().unwrap_or_default();
        let plain = kind.strip_prefix("not-").unwrap_or(kind);
        let by = if plain == "human" {
            Grader::Human
        } else if asks_model(plain) {
            let own = named(&assertion.provider);
            Grader::Judge(own.or_else(|| named(self.grader())))
        } else {
            Grader::Code
        };
        let named = assertion.metric.clone();
        let metric = match by {
            Grader::Human => named.unwrap_or_default(),
            Grader::Code | Grader::Judge(_) => named.or_else(|| Some(kind.to_owned()))?,
        };
        Some(Score {
            metric,
            by,
            value: component.score.filter(|score| score.is_finite()),
            passed: component.pass,
        })
    }
}

/// Without a label of its own, a prompt file's label is `path: its whole text`.
pub(super) fn path_in(label: &str) -> Option<String> {
    let (path, _) = label.split_once(": ")?;
    (!path.contains([' ', '\n']) && path.contains('.')).then(|| path.to_owned())
}

fn asks_model(kind: &str) -> bool {
    let kind = kind.strip_prefix("not-").unwrap_or(kind);
    JUDGES.iter().any(|judge| kind.starts_with(judge))
}

/// The id of a provider, or of the one that answers in text: where it is reached, and by which
/// key, judges nothing.
fn named(provider: &Json) -> Option<String> {
    let id = |value: &Json| value.as_str().map(str::to_owned);
    let of = |value: &Json| id(value).or_else(|| id(value.get("id")?));
    of(provider).or_else(|| of(provider.get("text")?))
}

fn text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => canonical::json(&other),
    }
}
