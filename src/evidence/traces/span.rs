//! One span reduced to what coverage needs, attribute by attribute.
//!
//! Names are those of OpenTelemetry's `GenAI` semantic conventions, the current ones and the
//! ones they replaced; a span may carry both, so they are merged and never switched on.

use std::borrow::Cow;

use super::fields::{Field, Mask};
use crate::units::Usd;

/// No call has more tokens than this.
const MAX_TOKENS: u64 = 1_000_000_000;

/// What kind of step a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Step {
    /// A call of a model that answers with text.
    LlmCall,
    /// A search for documents.
    Retrieval,
    /// The run of a tool.
    Tool,
    /// A step after the model.
    PostProcessing,
    /// Anything else.
    #[default]
    Other,
}

/// An attribute's value.
#[derive(Debug)]
pub(crate) enum Value<'v> {
    /// Text.
    Text(Cow<'v, str>),
    /// A whole number; OTLP JSON writes it as text.
    Int(i64),
    /// A number.
    Double(f64),
    /// Something else that is there.
    Some,
    /// Nothing.
    Empty,
}

impl Value<'_> {
    fn is_present(&self) -> bool {
        match self {
            Self::Text(text) => !text.trim().is_empty() && text != "[]" && text != "{}",
            Self::Empty => false,
            _ => true,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Self::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A number of tokens; more than any model takes is none.
    fn count(&self) -> Option<u64> {
        self.whole().filter(|count| *count <= MAX_TOKENS)
    }

    fn whole(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            Self::Double(number) => {
                let whole = number.fract() == 0.0 && (0.0..9e15).contains(number);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "the range is checked on the line before"
                )]
                whole.then_some(*number as u64)
            }
            _ => None,
        }
    }

    fn dollars(&self) -> Option<Usd> {
        match self {
            Self::Double(number) => Usd::from_dollars(*number),
            #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^53")]
            Self::Int(number) => Usd::from_dollars(*number as f64),
            Self::Text(text) => Usd::from_dollars(text.parse().ok()?),
            _ => None,
        }
    }
}

/// What a resource says of all its spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    /// `deployment.environment.name`.
    pub(crate) environment: Option<String>,
    /// `service.name`.
    pub(crate) service: Option<String>,
    /// `service.version`.
    pub(crate) release: Option<String>,
}

impl Resource {
    /// Takes one attribute.
    pub(crate) fn take(&mut self, key: &str, value: &Value<'_>) {
        match key {
            "deployment.environment.name" => self.environment = value.text(),
            "deployment.environment" => {
                self.environment = self.environment.take().or_else(|| value.text());
            }
            "service.name" => self.service = value.text(),
            "service.version" => self.release = value.text(),
            _ => {}
        }
    }
}

/// One span.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a span")]
pub(crate) struct Span {
    /// 16 bytes.
    pub(crate) trace: u128,
    /// 8 bytes; 0 where it has none.
    pub(crate) id: u64,
    /// Whether it has no parent.
    pub(crate) root: bool,
    /// Its kind of step; known once all attributes are read: see [`Span::finish`].
    pub(crate) step: Step,
    /// Nanoseconds since 1970.
    pub(crate) start: u64,
    /// Nanoseconds since 1970.
    pub(crate) end: u64,
    /// Status code 2, or an error type.
    pub(crate) failed: bool,
    /// The fields that it shows.
    pub(crate) present: Mask,
    /// `gen_ai.prompt.name`.
    pub(crate) prompt: Option<String>,
    /// `gen_ai.prompt.version`.
    pub(crate) version: Option<String>,
    /// The provider.
    pub(crate) provider: Option<String>,
    /// The model that was asked for.
    pub(crate) model: Option<String>,
    /// `http.route`.
    pub(crate) route: Option<String>,
    /// Tokens of the request.
    pub(crate) input_tokens: Option<u64>,
    /// Tokens of the answer.
    pub(crate) output_tokens: Option<u64>,
    /// Its recorded price.
    pub(crate) cost: Option<Usd>,
    /// Whether it belongs to a conversation.
    pub(crate) conversation: bool,
    /// Whether the model asked for a tool.
    pub(crate) asks_tool: bool,
    /// Whether its input or output is kept as a digest or length only.
    pub(crate) redacted: Mask,
    /// What decides the kind of step.
    pub(super) marks: Marks,
}

/// What decides the kind of step.
#[derive(Debug, Default)]
pub(super) struct Marks {
    operation: Option<String>,
    llm_system: bool,
    post_processing: bool,
    tool_named: bool,
}

impl Span {
    /// Takes the name.
    pub(crate) fn name(&mut self, name: &str) {
        let name = name.to_ascii_lowercase().replace(['-', ' '], "_");
        self.marks.post_processing = name.contains("post_process") || name.contains("postprocess");
    }

    /// Takes an event by its name.
    pub(crate) fn event(&mut self, name: &str) {
        match name {
            "exception" => self.present.set(Field::Errors, true),
            "gen_ai.content.prompt" | "gen_ai.user.message" | "gen_ai.system.message" => {
                self.present.set(Field::Input, true);
                self.present.set(Field::Payload, true);
            }
            "gen_ai.content.completion" | "gen_ai.choice" => {
                self.present.set(Field::Output, true);
            }
            _ => {}
        }
    }

    /// Takes the status.
    pub(crate) fn status(&mut self, failed: bool, message: &str) {
        self.failed |= failed;
        if failed && !message.trim().is_empty() {
            self.present.set(Field::Errors, true);
        }
    }

    /// Takes one attribute.
    #[expect(clippy::too_many_lines, reason = "one table of attribute names")]
    pub(crate) fn take(&mut self, key: &str, value: &Value<'_>) {
        let here = value.is_present();
        let mut shows = |field| {
            if here {
                self.present.set(field, true);
            }
        };
        match key {
            "gen_ai.operation.name" => self.marks.operation = value.text(),
            "llm.request.type" => {
                self.marks.operation = self.marks.operation.take().or_else(|| value.text());
            }
            "gen_ai.provider.name" => {
                shows(Field::Provider);
                self.provider = value.text();
            }
            "gen_ai.system" => {
                shows(Field::Provider);
                self.marks.llm_system = true;
                self.provider = self.provider.take().or_else(|| value.text());
            }
            "gen_ai.request.model" => {
                shows(Field::Model);
                self.model = value.text();
            }
            "gen_ai.response.model" => {
                shows(Field::Model);
                self.model = self.model.take().or_else(|| value.text());
            }
            "gen_ai.request.temperature" => shows(Field::Temperature),
            "gen_ai.request.max_tokens" => shows(Field::MaxTokens),
            "gen_ai.prompt.name" => {
                shows(Field::Template);
                self.prompt = value.text();
            }
            "gen_ai.prompt.version" => {
                shows(Field::PromptVersion);
                self.version = value.text();
            }
            "gen_ai.input.messages" => {
                shows(Field::Input);
                shows(Field::Payload);
            }
            "gen_ai.prompt" => shows(Field::Input),
            "gen_ai.completion" => shows(Field::Output),
            "gen_ai.output.messages" => {
                shows(Field::Output);
                if let Value::Text(text) = value {
                    self.asks_tool |= text.contains("\"tool_call\"");
                }
            }
            "gen_ai.response.finish_reasons" => {
                if let Value::Text(text) = value {
                    self.asks_tool |= text.contains("tool_call");
                }
            }
            "gen_ai.usage.input_tokens" => self.input_tokens = value.count(),
            "gen_ai.usage.output_tokens" => self.output_tokens = value.count(),
            "gen_ai.usage.prompt_tokens" => {
                self.input_tokens = self.input_tokens.or_else(|| value.count());
            }
            "gen_ai.usage.completion_tokens" => {
                self.output_tokens = self.output_tokens.or_else(|| value.count());
            }
            "gen_ai.usage.cost" | "gen_ai.usage.total_cost" | "llm.cost.total" => {
                self.cost = self.cost.or_else(|| value.dollars());
            }
            "gen_ai.conversation.id" => self.conversation |= here,
            "gen_ai.retrieval.documents" => {
                shows(Field::Documents);
                if let Value::Text(text) = value {
                    self.present.set(Field::DocumentScores, all_scored(text));
                }
            }
            "gen_ai.tool.name" => self.marks.tool_named = here,
            "gen_ai.tool.call.arguments" => shows(Field::ToolCalls),
            "gen_ai.tool.call.result" => shows(Field::ToolResults),
            "error.type" => {
                shows(Field::Errors);
                self.failed |= here;
            }
            "http.route" => self.route = value.text(),
            "gen_ai.input.digest" | "gen_ai.input.length" => {
                self.redacted.set(Field::Input, here);
            }
            "gen_ai.output.digest" | "gen_ai.output.length" => {
                self.redacted.set(Field::Output, here);
            }
            _ => self.take_family(key, here),
        }
    }

    /// Attributes whose names carry a key or an index.
    fn take_family(&mut self, key: &str, here: bool) {
        if !here {
            return;
        }
        let indexed = |prefix: &str, suffix: &str| {
            key.strip_prefix(prefix)
                .and_then(|rest| rest.strip_suffix(suffix))
                .is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
        };
        if key.starts_with("gen_ai.prompt.variable.") {
            self.present.set(Field::Variables, true);
        } else if indexed("gen_ai.prompt.", ".content") {
            self.present.set(Field::Input, true);
        } else if indexed("gen_ai.prompt.", ".role") {
            self.present.set(Field::Payload, true);
        } else if indexed("gen_ai.completion.", ".content") {
            self.present.set(Field::Output, true);
        } else if (key.starts_with("gen_ai.request.") && !key.starts_with("gen_ai.request.stream"))
            || key.starts_with("gen_ai.openai.request.")
        {
            self.present.set(Field::Parameters, true);
        }
    }

    /// Tells whether coverage reads an attribute: the others need not be parsed.
    pub(crate) fn wants(key: &str) -> bool {
        [
            "gen_ai.",
            "llm.",
            "error.type",
            "http.route",
            "deployment.",
            "service.",
        ]
        .iter()
        .any(|prefix| key.starts_with(prefix))
    }

    /// Decides what the span is, once every attribute was taken.
    pub(crate) fn finish(&mut self) {
        self.step = match self.marks.operation.as_deref() {
            Some("chat" | "text_completion" | "generate_content" | "completion") => Step::LlmCall,
            Some("retrieval") => Step::Retrieval,
            Some("execute_tool") => Step::Tool,
            Some("post_processing") => Step::PostProcessing,
            None if self.marks.llm_system && self.model.is_some() => Step::LlmCall,
            None if self.marks.post_processing => Step::PostProcessing,
            Some(_) | None => Step::Other,
        };
        let timed = self.start > 0 && self.end >= self.start;
        self.present.set(Field::Latency, timed);
        let counted = self.input_tokens.is_some() && self.output_tokens.is_some();
        self.present.set(Field::Tokens, counted);
        self.present.set(Field::Cost, self.cost.is_some());
        if self.step == Step::Tool && !self.marks.tool_named {
            self.present.set(Field::ToolCalls, false);
        }
        if self.failed && self.step == Step::Tool && self.present.has(Field::Errors) {
            self.present.set(Field::ToolResults, true);
        }
    }
}

/// Reads a trace id: 32 hexadecimal digits, not all of them 0.
pub(crate) fn trace_id(text: &str) -> Option<u128> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok()?;
    (digits && id != 0).then_some(id)
}

/// Tells whether every document of a JSON list has a score.
fn all_scored(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Document {
        score: Option<f64>,
    }
    serde_json::from_str::<Vec<Document>>(text)
        .is_ok_and(|documents| documents.iter().all(|document| document.score.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(attributes: &[(&str, Value<'_>)]) -> Span {
        let mut span = Span {
            start: 1,
            end: 2,
            ..Span::default()
        };
        for (key, value) in attributes {
            span.take(key, value);
        }
        span.finish();
        span
    }

    fn text(text: &str) -> Value<'_> {
        Value::Text(Cow::Borrowed(text))
    }

    #[test]
    fn generations_of_the_conventions_give_the_same_facts() {
        let new = span(&[
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.provider.name", text("openai")),
            ("gen_ai.request.model", text("gpt-4o")),
            ("gen_ai.usage.input_tokens", Value::Int(3)),
            ("gen_ai.usage.output_tokens", Value::Int(4)),
        ]);
        let old = span(&[
            ("gen_ai.system", text("openai")),
            ("gen_ai.request.model", text("gpt-4o")),
            ("gen_ai.usage.prompt_tokens", text("3")),
            ("gen_ai.usage.completion_tokens", Value::Double(4.0)),
        ]);
        for span in [new, old] {
            assert_eq!(span.step, Step::LlmCall);
            assert_eq!(span.provider.as_deref(), Some("openai"));
            assert!(span.present.has(Field::Tokens));
        }
    }

    #[test]
    fn empty_values_show_nothing() {
        let span = span(&[
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.input.messages", text("[]")),
            ("gen_ai.prompt.version", text(" ")),
            ("gen_ai.usage.input_tokens", Value::Int(-1)),
        ]);
        assert!(!span.present.has(Field::Input));
        assert_eq!(span.version, None);
        assert_eq!(span.input_tokens, None);
    }

    #[test]
    fn a_prompt_index_is_not_a_prompt_name() {
        let span = span(&[
            ("gen_ai.prompt.0.content", text("hi")),
            ("gen_ai.prompt.x.content", text("hi")),
        ]);
        assert!(span.present.has(Field::Input));
        assert!(!span.present.has(Field::Template));
    }

    #[test]
    fn documents_without_scores_are_told() {
        assert!(all_scored(r#"[{"id":"a","score":0.5}]"#));
        assert!(!all_scored(r#"[{"id":"a"},{"score":1}]"#));
        assert!(!all_scored("not json"));
    }
}
