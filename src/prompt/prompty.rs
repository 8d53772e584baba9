//! Prompty files: `name.prompty`, YAML front matter and a body with role lines.
//!
//! Both generations are read: `model.api`, `configuration` and `parameters` (v1), and `model`
//! as text or with `id`, `provider` and `options` (v2). `${file:...}` is followed; `${env:...}`
//! never is.

use serde_json::{Map, Value as Json};

use super::front_matter::{self, part_rest, take};
use super::github_models::object;
use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings};
use super::{Draft, File, Format, Message, Problem};
use crate::git::RepoPath;
use crate::reason::Code;

const ROLES: &[&str] = &[
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

pub(crate) struct Prompty;

impl Format for Prompty {
    fn id(&self) -> &'static str {
        "prompty"
    }

    fn about(&self) -> &'static str {
        "Prompty `.prompty` (Microsoft), v1 and v2"
    }

    fn suffix(&self, path: &RepoPath, _: Option<&[u8]>) -> Option<&'static str> {
        let name = path.name();
        (name.len() > 8 && name.ends_with(".prompty")).then_some(".prompty")
    }

    fn parse(&self, file: &File<'_>, includes: &mut Includes<'_>) -> Result<Vec<Draft>, Problem> {
        let mut parted = front_matter::part(file)?;
        if parted.body.trim().is_empty() {
            return Err(Problem::new(Code::PromptEmpty, file.path, "no template"));
        }
        for value in parted.meta.values_mut() {
            resolve(file.path, value, includes)?;
        }
        includes.partials(file.path, parted.body)?;
        let mut meta = parted.meta;
        let (models, own, left) = model(take(&mut meta, &["model"]));
        let tools = take(&mut meta, &["tools"]);
        let schema = take(&mut meta, &["outputs", "outputSchema"]);
        let inputs = take(&mut meta, &["inputs", "inputSchema"]);
        let (metadata, mut rest) = part_rest(labelled(meta));
        // How the body is read is told by the text itself.
        rest.remove("template");
        if !left.is_null() {
            rest.insert(String::from("model"), left);
        }
        Ok(vec![Draft {
            template: messages(parted.body),
            inputs,
            models,
            tools: if tools.is_null() { own.tools } else { tools },
            schema: if schema.is_null() { own.schema } else { schema },
            metadata,
            rest,
            aliases: vec![file.text.to_owned()],
            ..Draft::default()
        }])
    }
}

/// v2 keeps the version under `metadata`.
fn labelled(mut meta: Map<String, Json>) -> Map<String, Json> {
    let version = meta
        .get("metadata")
        .and_then(|inner| inner.get("version"))
        .cloned();
    if let (Some(version), false) = (version, meta.contains_key("version")) {
        meta.insert(String::from("version"), version);
    }
    meta
}

/// Reads a model; what is left of it stays part of the version.
fn model(value: Json) -> (Vec<ModelUse>, Settings, Json) {
    let mut map = match value {
        Json::String(text) => {
            let model = ModelRef::parse(&text);
            let used = ModelUse {
                model,
                ..ModelUse::default()
            };
            return (vec![used], Settings::default(), Json::Null);
        }
        Json::Object(map) => map,
        other => return (Vec::new(), Settings::default(), other),
    };
    let configuration = object(take(&mut map, &["configuration", "connection"]));
    let text = |map: &Map<String, Json>, keys: &[&str]| {
        keys.iter()
            .find_map(|key| Some(map.get(*key)?.as_str()?.to_owned()))
    };
    let name = text(&map, &["id"]).or_else(|| {
        text(
            &configuration,
            &["name", "azure_deployment", "deployment", "model"],
        )
    });
    let provider = text(&map, &["provider"]).or_else(|| text(&configuration, &["type"]));
    let settings = Settings::read(&object(take(&mut map, &["parameters", "options"])));
    let model = match (name, provider) {
        (Some(name), Some(provider)) => ModelRef::new(&provider, &name),
        (Some(name), None) => ModelRef::parse(&name),
        (None, _) => None,
    };
    let mut parameters = settings.parameters.clone();
    for key in ["api", "apiType"] {
        if let Some(api) = map.get(key) {
            parameters.insert(String::from("api"), api.clone());
        }
    }
    let used = model.is_some() || !parameters.is_empty();
    let models = used.then_some(ModelUse { model, parameters });
    for key in ["id", "provider", "api", "apiType"] {
        map.shift_remove(key);
    }
    let left = if map.is_empty() {
        Json::Null
    } else {
        Json::Object(map)
    };
    (models.into_iter().collect(), settings, left)
}

/// Puts the text of a `${file:...}` in place of the reference, at any depth.
fn resolve(from: &RepoPath, value: &mut Json, includes: &mut Includes<'_>) -> Result<(), Problem> {
    match value {
        Json::String(text) => {
            let inner = text
                .trim()
                .strip_prefix("${file:")
                .and_then(|rest| rest.strip_suffix('}'));
            if let Some(reference) = inner.map(str::trim).map(str::to_owned) {
                let (_, content) = includes.file(from, &reference)?;
                *value = serde_json::from_str(&content).unwrap_or(Json::String(content));
            }
            Ok(())
        }
        Json::Array(items) => items
            .iter_mut()
            .try_for_each(|item| resolve(from, item, includes)),
        Json::Object(map) => map
            .values_mut()
            .try_for_each(|item| resolve(from, item, includes)),
        _ => Ok(()),
    }
}

/// Parts a body at lines that hold a role and a colon, as the Prompty chat parser does.
fn messages(body: &str) -> Vec<Message> {
    let mut found: Vec<Message> = Vec::new();
    for line in body.split_inclusive('\n') {
        let word = line.trim().trim_start_matches('#').trim();
        let role = word
            .strip_suffix(':')
            .map(|role| role.split('[').next().unwrap_or(role).to_ascii_lowercase())
            .filter(|role| ROLES.contains(&role.as_str()));
        match (role, found.last_mut()) {
            (Some(role), _) => found.push(Message {
                role,
                content: String::new(),
            }),
            (None, Some(message)) => message.content.push_str(line),
            (None, None) => found.push(Message::plain(line)),
        }
    }
    found.retain(|message| !(message.role.is_empty() && message.content.trim().is_empty()));
    for message in &mut found {
        message.content = message.content.trim().to_owned();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_lines_part_the_body() {
        let found = messages("\nsystem:\nBe brief: yes.\n\n# User:\n{{q}}\n");
        let shown: Vec<_> = found
            .iter()
            .map(|m| (m.role.as_str(), m.content.as_str()))
            .collect();
        assert_eq!(shown, [("system", "Be brief: yes."), ("user", "{{q}}")]);
        assert_eq!(messages("just text").len(), 1);
    }

    #[test]
    fn both_generations_name_a_model() {
        let v1 = serde_json::json!({"api": "chat", "configuration": {"type": "azure_openai", "azure_deployment": "gpt-4o"}, "parameters": {"max_tokens": 10}});
        let v2 = serde_json::json!({"id": "gpt-4o", "provider": "openai", "options": {"temperature": 0}});
        let name = |value| model(value).0[0].model.as_ref().map(ToString::to_string);
        assert_eq!(name(v1).as_deref(), Some("azure/gpt-4o"));
        assert_eq!(name(v2).as_deref(), Some("openai/gpt-4o"));
        assert_eq!(name(Json::from("gpt-4")).as_deref(), Some("gpt-4"));
        // A connection's kind says how to sign in, not who answers.
        let keyed = serde_json::json!({"id": "gpt-4", "connection": {"kind": "key"}});
        assert_eq!(name(keyed).as_deref(), Some("gpt-4"));
    }
}
