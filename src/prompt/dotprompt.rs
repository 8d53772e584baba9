//! Dotprompt files: `name.prompt`, YAML front matter and a Handlebars body.
//!
//! Keys as in the Dotprompt reference: `model`, `config`, `input`, `output`, `tools`. Partials
//! are followed; a front matter that is not YAML is an error, though the reference
//! implementation then silently takes the whole file for the template.

use serde_json::{Value as Json, json};

use super::front_matter::{self, take};
use super::github_models::object;
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
        let model = take(&mut meta, &["model"]);
        let model = model.as_str().and_then(ModelRef::parse);
        let settings = Settings::read(&object(take(&mut meta, &["config"])));
        let output = take(&mut meta, &["output"]);
        let (tools, definitions) = (take(&mut meta, &["tools"]), take(&mut meta, &["toolDefs"]));
        let used = model.is_some() || !settings.parameters.is_empty();
        Ok(vec![Draft {
            template: vec![Message::plain(parted.body)],
            inputs: take(&mut meta, &["input"]),
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
            metadata: meta.into_iter().collect(),
            aliases: vec![file.text.to_owned()],
            ..Draft::default()
        }])
    }
}
