//! Models and their parameters under one name each, whatever tool wrote them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};

/// Spellings of a provider that mean the same one.
const PROVIDERS: &[(&str, &str)] = &[
    ("azureopenai", "azure"),
    ("azure_openai", "azure"),
    ("azure-openai", "azure"),
    ("azure.ai.openai", "azure"),
    ("googleai", "google"),
    ("gemini", "google"),
    ("gcp.gemini", "google"),
    ("vertexai", "vertex"),
    ("gcp.vertex_ai", "vertex"),
    ("aws.bedrock", "bedrock"),
    ("mistralai", "mistral"),
];

/// The endpoint word of a promptfoo provider id: `openai:chat:gpt-4o-mini`.
const ENDPOINTS: &[&str] = &["chat", "completion", "responses", "messages"];

/// Parameter names that mean the same one, beside the rule that `camelCase` is `snake_case`.
const PARAMETERS: &[(&str, &str)] = &[
    ("max_output_tokens", "max_tokens"),
    ("max_completion_tokens", "max_tokens"),
    ("max_new_tokens", "max_tokens"),
    ("stop_sequences", "stop"),
    ("reasoning_level", "reasoning_effort"),
];

/// Keys of a provider's config that say how to reach it, not what it should do.
const TRANSPORT: &[&str] = &[
    "api_key",
    "api_key_envar",
    "api_base_url",
    "api_host",
    "api_version",
    "base_url",
    "organization",
    "headers",
    "timeout",
    "max_retries",
    "cost",
    "input_cost",
    "output_cost",
    "show_thinking",
];

/// A model and, where it is known, its provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModelRef {
    provider: String,
    name: String,
}

impl ModelRef {
    /// Reads `gpt-4o`, `openai/gpt-4o`, `openai:gpt-4o` or `openai:chat:gpt-4o`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((provider, rest)) = text.split_once(':')
            && !provider.contains('/')
        {
            let name = match rest.split_once(':') {
                Some((endpoint, name)) if ENDPOINTS.contains(&endpoint) => name,
                _ => rest,
            };
            return Self::new(provider, name);
        }
        match text.split_once('/') {
            Some((provider, name)) => Self::new(provider, name),
            None => Self::new("", text),
        }
    }

    /// Builds a reference from its two parts; the provider may be empty.
    pub(crate) fn new(provider: &str, name: &str) -> Option<Self> {
        let provider = provider.trim().to_ascii_lowercase();
        let provider = PROVIDERS
            .iter()
            .find(|(alias, _)| *alias == provider)
            .map_or(provider.as_str(), |(_, name)| name)
            .to_owned();
        let name = name.trim();
        // A gateway's own prefix repeats the provider: `openai/openai/gpt-4o`.
        let name = match name.split_once('/') {
            Some((first, rest)) if first.eq_ignore_ascii_case(&provider) => rest,
            _ => name,
        };
        (!name.is_empty()).then(|| Self {
            provider,
            name: name.to_owned(),
        })
    }

    /// Tells whether both may be the same model: an unknown provider fits any.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.name == other.name
            && (self.provider == other.provider
                || self.provider.is_empty()
                || other.provider.is_empty())
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.provider.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.provider, self.name)
        }
    }
}

/// A model with the parameters it is called with.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ModelUse {
    /// The model, where one is named.
    pub(crate) model: Option<ModelRef>,
    /// Parameters under their common names.
    pub(crate) parameters: BTreeMap<String, Json>,
}

/// Settings of a model as a config file writes them: parameters, tools and output schema
/// parted from each other and from how the provider is reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settings {
    /// Parameters under their common names.
    pub(crate) parameters: BTreeMap<String, Json>,
    /// Tools that the model may call.
    pub(crate) tools: Json,
    /// The schema of the output.
    pub(crate) schema: Json,
}

impl Settings {
    /// Reads a map of settings.
    pub(crate) fn read(config: &Map<String, Json>) -> Self {
        let mut settings = Self::default();
        for (key, value) in config {
            if value.is_null() {
                continue;
            }
            let key = parameter(key);
            match key.as_str() {
                "tools" | "functions" | "tool_defs" => settings.tools = value.clone(),
                "response_format" | "response_schema" | "json_schema" => {
                    settings.schema = value.clone();
                }
                key if TRANSPORT.contains(&key) => {}
                _ => {
                    settings.parameters.insert(key, value.clone());
                }
            }
        }
        settings
    }
}

/// The common name of a parameter.
pub(crate) fn parameter(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            if !snake.is_empty() {
                snake.push('_');
            }
            snake.push(c.to_ascii_lowercase());
        } else {
            snake.push(c);
        }
    }
    match PARAMETERS.iter().find(|(alias, _)| *alias == snake) {
        Some((_, common)) => (*common).to_owned(),
        None => snake,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_model_are_one_model() {
        let spellings = [
            "openai:chat:gpt-4o-mini",
            "openai/gpt-4o-mini",
            "openai:gpt-4o-mini",
            "OpenAI/gpt-4o-mini",
            "openai/openai/gpt-4o-mini",
        ];
        for spelling in spellings {
            let model = ModelRef::parse(spelling).unwrap();
            assert_eq!(model.to_string(), "openai/gpt-4o-mini", "{spelling}");
        }
    }

    #[test]
    fn an_unknown_provider_fits_any_and_a_snapshot_is_another_model() {
        let bare = ModelRef::parse("gpt-4o").unwrap();
        assert!(bare.same(&ModelRef::parse("azure/gpt-4o").unwrap()));
        let dated = ModelRef::parse("openai/gpt-4o-2024-08-06").unwrap();
        assert!(!bare.same(&dated));
        let google = ModelRef::parse("googleai/gemini-2.0-flash").unwrap();
        assert!(google.same(&ModelRef::parse("google:gemini-2.0-flash").unwrap()));
    }

    #[test]
    fn parameter_names_meet() {
        for name in [
            "maxTokens",
            "max_tokens",
            "maxOutputTokens",
            "maxCompletionTokens",
        ] {
            assert_eq!(parameter(name), "max_tokens");
        }
        assert_eq!(parameter("topP"), "top_p");
    }

    #[test]
    fn settings_part_from_transport() {
        let config = serde_json::json!({
            "apiKey": "[REDACTED]", "apiBaseUrl": "http://x", "temperature": 0.2,
            "maxTokens": 20, "tools": [1], "response_format": {"type": "json_object"},
        });
        let settings = Settings::read(config.as_object().unwrap());
        let names: Vec<_> = settings.parameters.keys().collect();
        assert_eq!(names, ["max_tokens", "temperature"]);
        assert_eq!(settings.tools, serde_json::json!([1]));
        assert!(settings.schema.is_object());
    }
}
