//! Dotprompt files: `name.prompt`, YAML front matter and a Handlebars body.
//!
//! Keys as in the Dotprompt reference: `model`, `config`, `input`, `output`, `tools`. Partials
//! are followed; a front matter that is not YAML is an error, though the reference
//! implementation then silently takes the whole file for the template.

use serde_json::{Value as Json, json};

use super::front_matter::{self, part_rest, take, take_map, take_text};
use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings};
use super::{Draft, File, Format, Message, Problem};
use crate::git::RepoPath;
use crate::reason::Code;

pub(crate) struct Dotprompt;

impl Format for Dotprompt {
    fn id(&self) -> &'static str {
        "dotprompt"
    }

    fn about(&self) -> &'static str {
        "Dotprompt `.prompt` (Firebase Genkit)"
    }

    fn suffix(&self, path: &RepoPath, _: Option<&[u8]>) -> Option<&'static str> {
        let name = path.name();
        (name.len() > 7 && name.ends_with(".prompt")).then_some(".prompt")
    }

    fn parse(&self, file: &File<'_>, includes: &mut Includes<'_>) -> Result<Vec<Draft>, Problem> {
        let parted = front_matter::part(file)?;
        if parted.body.trim().is_empty() {
            return Err(Problem::new(Code::PromptEmpty, file.path, "no template"));
        }
        includes.partials(file.path, parted.body)?;
        let mut meta = parted.meta;
        let model = take_text(&mut meta, "model").and_then(|name| ModelRef::parse(&name));
        let settings = Settings::read(&take_map(&mut meta, &["config"]));
        let output = take(&mut meta, &["output"]);
        let (tools, definitions) = (take(&mut meta, &["tools"]), take(&mut meta, &["toolDefs"]));
        let used = model.is_some() || !settings.parameters.is_empty();
        let inputs = take(&mut meta, &["input"]);
        let (metadata, rest) = part_rest(meta);
        Ok(vec![Draft {
            template: vec![Message::plain(parted.body)],
            inputs,
            models: used
                .then_some(ModelUse {
                    model,
                    parameters: settings.parameters,
                })
                .into_iter()
                .collect(),
            tools: match (&tools, &definitions) {
                (_, Json::Null) => tools,
                _ => json!({ "tools": tools, "definitions": definitions }),
            },
            schema: if output.is_null() {
                settings.schema
            } else {
                output
            },
            metadata,
            rest,
            aliases: vec![file.text.to_owned()],
            ..Draft::default()
        }])
    }
}
