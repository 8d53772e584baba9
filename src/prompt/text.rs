//! Plain prompts: Markdown, text, Jinja, Handlebars, with optional YAML front matter.
//!
//! Front matter may name the model and its settings; everything else in it is metadata.

use serde_json::{Map, Value as Json};

use super::front_matter::{self, part_rest, take, take_map, take_text};
use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings, parameter};
use super::{Draft, File, Format, Message, Problem};
use crate::git::RepoPath;
use crate::reason::Code;

const SUFFIXES: &[&str] = &[
    ".markdown",
    ".handlebars",
    ".mustache",
    ".jinja2",
    ".jinja",
    ".njk",
    ".hbs",
    ".txt",
    ".md",
    ".j2",
];

/// Settings that front matter may name without a map around them.
const PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "response_schema",
    "json_schema",
    "tools",
];

pub(crate) struct Text;

impl Format for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> &'static str {
        "Markdown, text, Jinja and Handlebars files with optional YAML front matter"
    }

    fn suffix(&self, path: &RepoPath, _: Option<&[u8]>) -> Option<&'static str> {
        let name = path.name();
        SUFFIXES
            .iter()
            .find(|suffix| name.len() > suffix.len() && name.ends_with(**suffix))
            .copied()
    }

    fn parse(&self, file: &File<'_>, includes: &mut Includes<'_>) -> Result<Vec<Draft>, Problem> {
        let parted = front_matter::part_at_start(file)?;
        if parted.body.trim().is_empty() {
            return Err(Problem::new(Code::PromptEmpty, file.path, "no template"));
        }
        includes.partials(file.path, parted.body)?;
        let mut meta = parted.meta;
        let model = model(&mut meta);
        let settings = Settings::read(&settings(&mut meta));
        let used = model.is_some() || !settings.parameters.is_empty();
        let inputs = take(&mut meta, &["inputs", "input", "variables"]);
        let (metadata, rest) = part_rest(meta);
        Ok(vec![Draft {
            template: vec![Message::plain(parted.body.trim_start_matches('\n'))],
            inputs,
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
            aliases: parted
                .present
                .then(|| file.text.to_owned())
                .into_iter()
                .collect(),
            ..Draft::default()
        }])
    }
}

fn model(meta: &mut Map<String, Json>) -> Option<ModelRef> {
    let name = take_text(meta, "model")?;
    match take_text(meta, "provider") {
        Some(provider) => ModelRef::new(&provider, &name),
        None => ModelRef::parse(&name),
    }
}

/// Takes the settings of a model, in a map of their own or among the other keys.
pub(super) fn settings(meta: &mut Map<String, Json>) -> Map<String, Json> {
    let names = [
        "parameters",
        "config",
        "model_parameters",
        "modelParameters",
    ];
    let mut settings = take_map(meta, &names);
    let named: Vec<String> = meta
        .keys()
        .filter(|key| PARAMETERS.contains(&parameter(key).as_str()))
        .cloned()
        .collect();
    for key in named {
        if let Some(value) = meta.shift_remove(&key) {
            settings.insert(key, value);
        }
    }
    settings
}
