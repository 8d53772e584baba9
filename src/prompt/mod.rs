//! Prompt files: the family of formats, and the prompt with its closure and version.
//!
//! A format turns one file into drafts; [`closure`] adds what the draft includes, the shared
//! model and retrieval config, and [`version`] gives the content its identity.

pub(crate) mod canonical;
pub(crate) mod closure;
pub(crate) mod diff;
pub(crate) mod front_matter;
pub(crate) mod includes;
pub(crate) mod model;
pub(crate) mod raw;
pub(crate) mod variables;
pub(crate) mod version;

mod dotprompt;
mod github_models;
mod promptfoo;
mod prompty;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

use crate::git::RepoPath;
use crate::reason::Code;
use crate::units::Digest;
use crate::untrusted::Untrusted;
use includes::Includes;
use model::ModelUse;
use version::{Facet, Version};

/// The formats, most specific first: the first that recognises a file reads it.
pub(crate) const FORMATS: &[&dyn Format] = &[
    &github_models::GithubModels,
    &dotprompt::Dotprompt,
    &prompty::Prompty,
    &promptfoo::Promptfoo,
    &text::Text,
];

/// One prompt file format.
pub(crate) trait Format: Sync {
    /// The format's name: its file, its fixtures' folder, its word in the output.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// The suffix of a path that this format reads, longest first; the rest of the path is
    /// the prompt's id. `start` is the beginning of the content, where it is known.
    fn suffix(&self, path: &RepoPath, start: Option<&[u8]>) -> Option<&'static str>;

    /// Reads a file. What it includes is asked from `includes`.
    fn parse(&self, file: &File<'_>, includes: &mut Includes<'_>) -> Result<Vec<Draft>, Problem>;
}

/// Returns the format that reads a file, and the suffix that is not part of its id.
pub(crate) fn recognise(
    path: &RepoPath,
    start: Option<&[u8]>,
) -> Option<(&'static dyn Format, &'static str)> {
    // `b.MD` is as much a prompt as `b.md`.
    let lower = RepoPath::parse(&path.as_str().to_ascii_lowercase())?;
    FORMATS
        .iter()
        .find_map(|format| Some((*format, format.suffix(&lower, start)?)))
}

/// Tells from its name alone whether some format may read a file: images and archives beside
/// prompts are never opened.
pub(crate) fn may_be_prompt(path: &RepoPath) -> bool {
    let content_decides = [".yaml", ".yml", ".json"];
    content_decides
        .iter()
        .any(|suffix| path.name().to_ascii_lowercase().ends_with(suffix))
        || recognise(path, None).is_some()
}

/// A prompt file's text: UTF-8, line ends as LF, no byte order mark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    /// Where it lies.
    pub(crate) path: &'a RepoPath,
    /// What it says.
    pub(crate) text: &'a str,
}

/// The name by which people and traces know a prompt.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PromptId(Untrusted);

impl PromptId {
    /// Wraps an id.
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self(Untrusted::from(id.into()))
    }

    /// The id as it came from file names, for what is not printed to people.
    pub(crate) fn as_str(&self) -> &str {
        self.0.for_machines()
    }

    /// The id for people.
    pub(crate) const fn shown(&self) -> &Untrusted {
        &self.0
    }
}

impl fmt::Debug for PromptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// One message of a template. A plain text prompt is one message without a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// `system`, `user`, `assistant`, `tool`; empty where the format has none.
    pub(crate) role: String,
    /// The text with its placeholders.
    pub(crate) content: String,
}

impl Message {
    /// A text without role.
    pub(crate) fn plain(content: impl Into<String>) -> Self {
        Self {
            role: String::new(),
            content: content.into(),
        }
    }
}

/// What a format read from a file, before closure and identity.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Draft {
    /// The entry's name where a file holds several prompts.
    pub(crate) entry: Option<String>,
    /// The messages, in order.
    pub(crate) template: Vec<Message>,
    /// Declared inputs: names, types, defaults.
    pub(crate) inputs: Json,
    /// Models with their parameters; empty where the file names none.
    pub(crate) models: Vec<ModelUse>,
    /// Tools that the model may call.
    pub(crate) tools: Json,
    /// The schema of the output.
    pub(crate) schema: Json,
    /// Name, description, authors: known, but not part of the version.
    pub(crate) metadata: BTreeMap<String, Json>,
    /// Everything else that the file says and that may reach the model: keys that the format
    /// does not know, and known ones of another shape. Part of the version, as parameters.
    pub(crate) rest: BTreeMap<String, Json>,
    /// Texts that stand for this prompt in other tools' files, beside its template: the whole
    /// file with its front matter.
    pub(crate) aliases: Vec<String>,
}

impl Draft {
    /// The version that the file declares, a label and never the identity.
    pub(crate) fn label(&self) -> Option<String> {
        match self.metadata.get("version")? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The name that the file declares.
    pub(crate) fn name(&self) -> Option<&str> {
        self.metadata.get("name")?.as_str()
    }
}

/// A file or config that a prompt's content comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Included {
    /// Where it lies.
    pub(crate) path: RepoPath,
    /// What its change changes.
    pub(crate) role: IncludeRole,
}

/// What an included file is to the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IncludeRole {
    /// Part of the text.
    Partial,
    /// Shared model settings.
    Models,
    /// Shared retrieval settings.
    Retrieval,
}

/// A prompt at one revision with everything that it includes.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    /// Its name.
    pub(crate) id: PromptId,
    /// The file it lives in.
    pub(crate) path: RepoPath,
    /// The format's id.
    pub(crate) format: &'static str,
    /// What the file says, shared model settings laid under it.
    pub(crate) draft: Draft,
    /// Partials by the name they are included under, with their text.
    pub(crate) partials: BTreeMap<String, String>,
    /// Variables that the text uses.
    pub(crate) variables: BTreeSet<String>,
    /// Shared retrieval settings by file.
    pub(crate) retrieval: BTreeMap<String, Json>,
    /// Shared model files whose shape says nothing of one model, by file.
    pub(crate) other_models: BTreeMap<String, Json>,
    /// Every other file of the closure.
    pub(crate) includes: BTreeSet<Included>,
    /// The forms in which other tools keep its text.
    pub(crate) forms: BTreeSet<Digest>,
    /// Its identity.
    pub(crate) version: Version,
}

impl Prompt {
    /// The facets in which another version of the same prompt differs.
    pub(crate) fn differs(&self, other: &Self) -> BTreeSet<Facet> {
        Facet::ALL
            .into_iter()
            .filter(|facet| self.version.facet(*facet) != other.version.facet(*facet))
            .collect()
    }

    /// The name by which a trace may call this prompt: its id or its declared name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.id.as_str() == name || self.draft.name() == Some(name)
    }
}

/// Why a prompt could not be read: what was found, what was expected, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The stable code.
    pub(crate) code: Code,
    /// The file, which may be an included one.
    pub(crate) path: RepoPath,
    /// The line, counted from 1.
    pub(crate) line: Option<usize>,
    /// What was found.
    pub(crate) found: String,
}

impl Problem {
    /// A problem of a whole file.
    pub(crate) fn new(code: Code, path: &RepoPath, found: impl Into<String>) -> Self {
        Self {
            code,
            path: path.clone(),
            line: None,
            found: found.into(),
        }
    }

    /// Adds the line.
    pub(crate) fn at(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// `path:line`, as editors open it.
    pub(crate) fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.to_string(),
        }
    }
}
