//! promptfoo's config as prompts, and bare JSON chat arrays as promptfoo reads them.
//!
//! Each entry of `prompts:` is a prompt, called by its label, its file or its number; the
//! `providers:` are its models. `file://` references are followed.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::github_models::messages;
use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings};
use super::{Draft, File, Format, Message, Problem};
use crate::git::RepoPath;
use crate::reason::Code;
use crate::yaml;

/// Endings by which promptfoo takes a string for a path.
const FILES: &[&str] = &[
    ".txt", ".md", ".json", ".j2", ".yaml", ".yml", ".py", ".js", ".ts", ".mjs", ".cjs",
];

pub(crate) struct Promptfoo;

impl Format for Promptfoo {
    fn id(&self) -> &'static str {
        "promptfoo"
    }

    fn about(&self) -> &'static str {
        "promptfoo's config (`prompts:` and `providers:`), and JSON chat arrays"
    }

    fn suffix(&self, path: &RepoPath, start: Option<&[u8]>) -> Option<&'static str> {
        let name = path.name();
        let suffix = [".yaml", ".yml", ".json"]
            .into_iter()
            .find(|suffix| name.len() > suffix.len() && name.ends_with(suffix))?;
        let Some(start) = start else {
            return name.starts_with("promptfooconfig").then_some(suffix);
        };
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| {
            start.lines().any(|line| {
                let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
                let rest = rest.map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
                rest.is_some_and(|rest| rest.starts_with(':'))
            })
        };
        let fits = if is_json(path) {
            start.trim_start().starts_with('[') && start.contains("\"role\"")
        } else {
            has("prompts") && (has("providers") || has("targets"))
        };
        fits.then_some(suffix)
    }

    fn parse(&self, file: &File<'_>, includes: &mut Includes<'_>) -> Result<Vec<Draft>, Problem> {
        if is_json(file.path) {
            return Ok(vec![chat(file.text)]);
        }
        let unreadable =
            |line, found: String| Problem::new(Code::PromptUnreadable, file.path, found).at(line);
        let value = yaml::to_json(file.text)
            .map_err(|error| unreadable(error.place.map(|place| place.line), error.message))?;
        let Json::Object(config) = value else {
            return Err(unreadable(
                None,
                format!("{}, expected a mapping", yaml::describe(&value)),
            ));
        };
        let providers = config.get("providers").or_else(|| config.get("targets"));
        let mut model = Models::default();
        for provider in list(providers) {
            model.add(file.path, provider, includes)?;
        }
        for key in ["prefix", "suffix"] {
            let value = config
                .get("defaultTest")
                .and_then(|test| test.get("options")?.get(key));
            if let Some(value) = value {
                model
                    .rest
                    .insert(format!("defaultTest.{key}"), value.clone());
            }
        }
        let mut drafts = Vec::new();
        // A map names files and gives each its label.
        let named: Vec<Json> = match config.get("prompts") {
            Some(Json::Object(map)) => map
                .iter()
                .map(|(file, label)| json!({ "id": file, "label": label }))
                .collect(),
            other => list(other).into_iter().cloned().collect(),
        };
        for (number, entry) in named.iter().enumerate() {
            entry_drafts(file.path, number + 1, entry, includes, &mut drafts)?;
        }
        for draft in &mut drafts {
            draft.models.clone_from(&model.uses);
            draft.tools.clone_from(&model.tools);
            draft.schema.clone_from(&model.schema);
            draft.rest.clone_from(&model.rest);
            if let Some(text) = config.get("description") {
                draft
                    .metadata
                    .insert(String::from("description"), text.clone());
            }
        }
        Ok(drafts)
    }
}

fn is_json(path: &RepoPath) -> bool {
    ending(path.name()).eq_ignore_ascii_case("json")
}

fn list(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(Json::Null) | None => Vec::new(),
        Some(other) => vec![other],
    }
}

fn entry_drafts(
    path: &RepoPath,
    number: usize,
    entry: &Json,
    includes: &mut Includes<'_>,
    drafts: &mut Vec<Draft>,
) -> Result<(), Problem> {
    let field = |key: &str| entry.get(key).and_then(Json::as_str);
    let label = field("label");
    let raw = entry.as_str().or(field("raw")).or(field("id"));
    let Some(raw) = raw else {
        let found = format!(
            "prompts[{}] is {}, expected text or `id`",
            number - 1,
            yaml::describe(entry)
        );
        return Err(Problem::new(Code::PromptUnreadable, path, found));
    };
    let texts = match reference(raw) {
        Some(reference) => {
            let mut texts = Vec::new();
            for reference in includes.matching(path, reference)? {
                let (_, text) = includes.file(path, &reference)?;
                let name = reference.rsplit('/').next().unwrap_or(&reference);
                let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
                let parts = split(name, &text);
                let several = parts.len() > 1;
                texts.extend(parts.into_iter().enumerate().map(|(at, text)| {
                    let number = if several {
                        format!("-{}", at + 1)
                    } else {
                        String::new()
                    };
                    (format!("{stem}{number}"), text)
                }));
            }
            texts
        }
        None => vec![(number.to_string(), raw.to_owned())],
    };
    let several = texts.len() > 1;
    for (index, (name, text)) in texts.into_iter().enumerate() {
        if text.trim().is_empty() {
            let found = format!("prompts[{}] is empty", number - 1);
            return Err(Problem::new(Code::PromptEmpty, path, found));
        }
        let name = match label {
            Some(label) if several => format!("{label}-{}", index + 1),
            Some(label) => label.to_owned(),
            None => name,
        };
        let mut draft = chat(&text);
        draft.entry = Some(name.clone());
        draft
            .metadata
            .insert(String::from("name"), Json::from(name));
        drafts.push(draft);
    }
    Ok(())
}

/// The path in `file://path`, or in text that ends like one. A function behind a colon is cut.
fn reference(raw: &str) -> Option<&str> {
    let explicit = raw.strip_prefix("file://");
    let path = explicit.unwrap_or(raw);
    let path = reference_file(path);
    let like = !path.contains(['\n', '{']) && FILES.iter().any(|ending| path.ends_with(ending));
    (explicit.is_some() || like).then_some(path)
}

/// A text file may hold several prompts, parted by lines of `---`.
fn split(name: &str, text: &str) -> Vec<String> {
    match name.rsplit_once('.') {
        Some((_, "txt")) => {}
        _ => return vec![text.to_owned()],
    }
    text.split("\n---\n").map(str::to_owned).collect()
}

/// A JSON chat array gives messages; anything else, also JSON that only becomes JSON when it
/// is rendered, is one text.
fn chat(text: &str) -> Draft {
    let found = serde_json::from_str::<Json>(text).ok();
    match found.as_ref().and_then(messages) {
        Some(template) => Draft {
            template,
            aliases: vec![text.to_owned()],
            ..Draft::default()
        },
        None => Draft {
            template: vec![Message::plain(text)],
            ..Draft::default()
        },
    }
}

#[derive(Default)]
struct Models {
    uses: Vec<ModelUse>,
    tools: Json,
    schema: Json,
    rest: BTreeMap<String, Json>,
}

fn text_key(reference: &str) -> String {
    format!("provider {reference}")
}

fn ending(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// A path without the function behind its colon.
fn reference_file(path: &str) -> &str {
    match path.rsplit_once(':') {
        Some((file, function)) if !function.contains(['/', '.']) => file,
        _ => path,
    }
}

impl Models {
    fn add(
        &mut self,
        path: &RepoPath,
        provider: &Json,
        includes: &mut Includes<'_>,
    ) -> Result<(), Problem> {
        match provider {
            Json::String(text) => match text.strip_prefix("file://") {
                Some(reference) => {
                    let file = reference_file(reference);
                    let (_, text) = includes.file(path, file)?;
                    if !["yaml", "yml", "json"].contains(&ending(file)) {
                        // A program: what it does is its text.
                        self.rest.insert(text_key(reference), Json::from(text));
                        return Ok(());
                    }
                    let value = yaml::to_json(&text).map_err(|error| {
                        let found = format!("provider {reference}: {error}");
                        Problem::new(Code::PromptUnreadable, path, found)
                    })?;
                    for each in list(Some(&value)) {
                        match each {
                            Json::String(id) => self.push(id, &Map::new()),
                            other => self.add(path, other, includes)?,
                        }
                    }
                }
                None => self.push(text, &Map::new()),
            },
            Json::Object(map) => match map.get("id").and_then(Json::as_str) {
                Some(id) => {
                    let empty = Map::new();
                    let config = map.get("config").and_then(Json::as_object);
                    self.push(id, config.unwrap_or(&empty));
                }
                // `- openai:gpt-4o: { config: {...} }`
                None => {
                    for (id, inner) in map {
                        let empty = Map::new();
                        let config = inner.get("config").and_then(Json::as_object);
                        self.push(id, config.unwrap_or(&empty));
                    }
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, id: &str, config: &Map<String, Json>) {
        let settings = Settings::read(config);
        for (name, own, first) in [
            ("tools", settings.tools, &mut self.tools),
            ("schema", settings.schema, &mut self.schema),
        ] {
            if self.uses.is_empty() {
                *first = own;
            } else if own != *first {
                // Providers that differ: the first stands for the prompt, the others beside it.
                self.rest
                    .insert(format!("{name} of provider {}", self.uses.len() + 1), own);
            }
        }
        self.uses.push(ModelUse {
            model: ModelRef::parse(id),
            parameters: settings.parameters,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_prompts() {
        for (raw, want) in [
            ("file://prompts/a.txt", Some("prompts/a.txt")),
            ("file://gen.py:make", Some("gen.py")),
            ("prompts/a.json", Some("prompts/a.json")),
            ("Answer: {{q}} in notes.md", None),
            ("Say hi", None),
        ] {
            assert_eq!(reference(raw), want, "{raw}");
        }
    }

    #[test]
    fn chat_arrays_and_templated_json_are_told_apart() {
        assert_eq!(
            chat(r#"[{"role":"user","content":"{{q}}"}]"#)
                .template
                .len(),
            1
        );
        let templated = r#"[{% for m in ms %}{"role":"user"}{% endfor %}]"#;
        assert_eq!(chat(templated).template[0].role, "");
    }

    #[test]
    fn only_text_files_are_parted() {
        assert_eq!(split("a.txt", "one\n---\ntwo").len(), 2);
        assert_eq!(split("a.md", "one\n---\ntwo").len(), 1);
    }
}
