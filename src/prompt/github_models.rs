//! GitHub Models prompt files: `name.prompt.yml`.
//!
//! Keys as in GitHub's documentation of prompt files in a repository: `messages`, `model`,
//! `modelParameters`, `responseFormat`, `jsonSchema`; everything else is metadata.

use serde_json::{Map, Value as Json};

use super::front_matter::{part_rest, take, take_map, take_text};
use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings};
use super::{Draft, File, Format, Message, Problem, canonical};
use crate::git::RepoPath;
use crate::reason::Code;
use crate::yaml;

pub(crate) struct GithubModels;

impl Format for GithubModels {
    fn id(&self) -> &'static str {
        "github_models"
    }

    fn about(&self) -> &'static str {
        "GitHub Models `.prompt.yml` and `.prompt.yaml`"
    }

    fn suffix(&self, path: &RepoPath, _: Option<&[u8]>) -> Option<&'static str> {
        [".prompt.yml", ".prompt.yaml", "_prompt.yml", "_prompt.yaml"]
            .into_iter()
            .find(|suffix| path.name().len() > suffix.len() && path.name().ends_with(suffix))
    }

    fn parse(&self, file: &File<'_>, _: &mut Includes<'_>) -> Result<Vec<Draft>, Problem> {
        let value = yaml::to_json(file.text).map_err(|error| {
            let several = error.message.contains("more than one document");
            let code = if several {
                Code::PromptEntries
            } else {
                Code::PromptUnreadable
            };
            Problem::new(code, file.path, error.message).at(error.place.map(|place| place.line))
        })?;
        let Json::Object(mut map) = value else {
            let found = format!(
                "{}, expected a mapping with `messages`",
                yaml::describe(&value)
            );
            let code = if value.is_null() {
                Code::PromptEmpty
            } else {
                Code::PromptUnreadable
            };
            return Err(Problem::new(code, file.path, found));
        };
        let template = messages(&take(&mut map, &["messages"])).ok_or_else(|| {
            Problem::new(
                Code::PromptEmpty,
                file.path,
                "no `messages` with `role` and `content`",
            )
        })?;
        let model = take_text(&mut map, "model").and_then(|name| ModelRef::parse(&name));
        let mut config = take_map(&mut map, &["modelParameters"]);
        for key in ["responseFormat", "jsonSchema", "tools"] {
            if let Some(value) = map.shift_remove(key) {
                config.insert(key.to_owned(), parsed(value));
            }
        }
        let settings = Settings::read(&config);
        let used = model.is_some() || !settings.parameters.is_empty();
        let (metadata, rest) = part_rest(map);
        Ok(vec![Draft {
            template,
            models: used
                .then_some(ModelUse {
                    model,
                    parameters: settings.parameters,
                })
                .into_iter()
                .collect(),
            tools: settings.tools,
            schema: settings.schema,
            metadata,
            rest,
            ..Draft::default()
        }])
    }
}

/// Reads a list of `role` and `content`; content of several parts is kept as JSON.
pub(super) fn messages(value: &Json) -> Option<Vec<Message>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    list.iter()
        .map(|message| {
            let role = message.get("role")?.as_str()?.to_owned();
            let more = message.as_object()?.len() > 2;
            let content = match message.get("content")? {
                // Tool calls, names and the like reach the model with the text.
                _ if more => canonical::json(message),
                Json::String(text) => text.clone(),
                other => canonical::json(other),
            };
            Some(Message { role, content })
        })
        .collect()
}

/// A map, or an empty one.
pub(super) fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// A schema may be written as JSON text inside YAML.
fn parsed(value: Json) -> Json {
    match value.as_str().map(serde_json::from_str) {
        Some(Ok(inner @ (Json::Object(_) | Json::Array(_)))) => inner,
        _ => value,
    }
}
