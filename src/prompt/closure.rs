//! From a file at a commit to prompts with everything that they include.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::includes::Includes;
use super::model::{ModelRef, ModelUse, Settings};
use super::variables::{self};
use super::version::{Content, SharedModels, Version};
use super::{Draft, File, IncludeRole, Included, Problem, Prompt, PromptId};
use super::{raw, text};
use crate::git::{CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::limits::PROMPT;
use crate::policy::scope::Rule;
use crate::reason::Code;
use crate::yaml;

/// A commit whose prompts are read.
#[derive(Clone, Copy)]
pub(crate) struct Revision<'r> {
    /// The repository.
    pub(crate) repo: &'r Repo,
    /// The commit.
    pub(crate) commit: &'r CommitSha,
}

impl Revision<'_> {
    /// Reads the prompts of one governed file with their closure.
    pub(crate) fn prompts(
        &self,
        path: &RepoPath,
        entry: Entry,
        rule: &Rule,
    ) -> Result<Vec<Prompt>, Problem> {
        if !super::may_be_prompt(path) {
            return Err(unknown(path));
        }
        self.of_text(path, &self.text(path, entry)?, rule)
    }

    /// Reads the prompts of a file's text.
    pub(crate) fn of_text(
        &self,
        path: &RepoPath,
        text: &str,
        rule: &Rule,
    ) -> Result<Vec<Prompt>, Problem> {
        let (format, suffix) =
            super::recognise(path, Some(text.as_bytes())).ok_or_else(|| unknown(path))?;
        let file = File { path, text };
        let mut includes = Includes::new(*self, path);
        let drafts = format.parse(&file, &mut includes)?;
        if drafts.is_empty() {
            return Err(Problem::new(
                Code::PromptEmpty,
                path,
                "no prompt in this file",
            ));
        }
        let shared = self.shared(rule)?;
        let mut prompts = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let id = match &rule.id {
                Some(id) => id.clone(),
                None => path
                    .as_str()
                    .strip_suffix(suffix)
                    .unwrap_or(path.as_str())
                    .to_owned(),
            };
            let id = match &draft.entry {
                Some(entry) => format!("{id}#{entry}"),
                None => id,
            };
            prompts.push(build(id, format.id(), draft, &includes, &shared));
        }
        let mut seen = BTreeSet::new();
        if let Some(twin) = prompts
            .iter()
            .find(|prompt| !seen.insert(prompt.id.clone()))
        {
            let found = format!(
                "two prompts of this file have the id `{}`",
                twin.id.as_str()
            );
            return Err(Problem::new(Code::PromptIdCollision, path, found));
        }
        Ok(prompts)
    }

    /// Reads a text file that is no link, no submodule and no LFS pointer.
    pub(super) fn text(&self, path: &RepoPath, entry: Entry) -> Result<String, Problem> {
        let problem = |code, found: &str| Problem::new(code, path, found);
        match entry.kind {
            Kind::File => {}
            Kind::Symlink => return Err(problem(Code::PromptSymlink, "a symbolic link")),
            Kind::Submodule => return Err(problem(Code::PromptSubmodule, "a submodule")),
            Kind::Folder => return Err(problem(Code::PromptUnreadable, "a folder")),
        }
        let bytes = self.repo.blob(entry.id, PROMPT).map_err(|error| {
            let code = match error {
                GitError::TooLarge { .. } => Code::PromptTooLarge,
                _ => Code::PromptUnreadable,
            };
            problem(code, &error.to_string())
        })?;
        decode(path, bytes)
    }

    fn shared(&self, rule: &Rule) -> Result<Shared, Problem> {
        let mut shared = Shared::default();
        for path in &rule.models {
            let value = self.config(path)?;
            let defaults = Defaults::read(&value);
            if defaults.model.is_none() {
                shared.other_models.insert(path.to_string(), value.clone());
            }
            shared.defaults.push(defaults);
            let parted = part_models(value);
            shared.models.insert(path.to_string(), parted);
            shared.add(path, IncludeRole::Models);
        }
        for path in &rule.retrieval {
            let value = self.config(path)?;
            shared.retrieval.insert(path.to_string(), value);
            shared.add(path, IncludeRole::Retrieval);
        }
        Ok(shared)
    }

    fn config(&self, path: &RepoPath) -> Result<Json, Problem> {
        let missing = || Problem::new(Code::IncludeMissing, path, "the file does not exist");
        let entry = self
            .repo
            .entry(self.commit, path)
            .map_err(|error| Problem::new(Code::PromptUnreadable, path, error.to_string()))?
            .ok_or_else(missing)?;
        let text = self.text(path, entry)?;
        yaml::to_json(&text).map_err(|error| {
            let line = error.place.map(|place| place.line);
            Problem::new(Code::PromptUnreadable, path, error.message).at(line)
        })
    }
}

fn unknown(path: &RepoPath) -> Problem {
    Problem::new(Code::PromptFormat, path, "no prompt format reads this file")
}

/// The text of a prompt file: line ends as LF, no byte order mark, no LFS pointer.
pub(crate) fn decode(path: &RepoPath, bytes: Vec<u8>) -> Result<String, Problem> {
    let problem = |code, found: &str| Problem::new(code, path, found);
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Err(problem(Code::PromptLfsPointer, "a Git LFS pointer"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        problem(Code::PromptBinary, &format!("not UTF-8 from byte {at} on"))
    })?;
    if text.contains('\0') {
        return Err(problem(Code::PromptBinary, "a NUL byte"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    Ok(text.replace("\r\n", "\n"))
}

/// The shared config of a revision, as one rule of the policy names it.
#[derive(Default)]
struct Shared {
    models: BTreeMap<String, SharedModels>,
    defaults: Vec<Defaults>,
    other_models: BTreeMap<String, Json>,
    retrieval: BTreeMap<String, Json>,
    includes: BTreeSet<Included>,
}

impl Shared {
    fn add(&mut self, path: &RepoPath, role: IncludeRole) {
        let path = path.clone();
        self.includes.insert(Included { path, role });
    }
}

/// A shared model file of the documented shape: a model with its settings, which apply where
/// the prompt says nothing of its own. A file of another shape counts for the version alone.
#[derive(Default)]
struct Defaults {
    model: Option<ModelRef>,
    settings: Settings,
}

impl Defaults {
    fn read(value: &Json) -> Self {
        let Some(map) = value.as_object() else {
            return Self::default();
        };
        let word = |key: &str| map.get(key).and_then(Json::as_str);
        let model = match (word("provider"), word("model").or(word("id"))) {
            (Some(provider), Some(model)) if !model.contains([':', '/']) => {
                ModelRef::new(provider, model)
            }
            (_, Some(model)) => ModelRef::parse(model),
            _ => return Self::default(),
        };
        let settings = Settings::read(&text::settings(&mut map.clone()));
        Self { model, settings }
    }
}

const MODEL_KEYS: &[&str] = &[
    "model",
    "provider",
    "id",
    "deployment",
    "azure_deployment",
    "fallback",
];

/// Parts a shared model file by key, at any depth.
fn part_models(value: Json) -> SharedModels {
    match value {
        Json::Object(map) => {
            let (mut models, mut parameters) = (Map::new(), Map::new());
            for (key, value) in map {
                if MODEL_KEYS.contains(&key.as_str()) {
                    models.insert(key, value);
                } else {
                    let parted = part_models(value);
                    if !parted.models.is_null() {
                        models.insert(key.clone(), parted.models);
                    }
                    if !parted.parameters.is_null() {
                        parameters.insert(key, parted.parameters);
                    }
                }
            }
            let some = |map: Map<String, Json>| {
                if map.is_empty() {
                    Json::Null
                } else {
                    Json::Object(map)
                }
            };
            SharedModels {
                models: some(models),
                parameters: some(parameters),
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            let parted: Vec<SharedModels> = items.into_iter().map(part_models).collect();
            SharedModels {
                models: parted.iter().map(|each| each.models.clone()).collect(),
                parameters: parted.iter().map(|each| each.parameters.clone()).collect(),
            }
        }
        other => SharedModels {
            models: Json::Null,
            parameters: other,
        },
    }
}

fn build(
    id: String,
    format: &'static str,
    mut draft: Draft,
    includes: &Includes<'_>,
    shared: &Shared,
) -> Prompt {
    let mut used = BTreeSet::new();
    for message in &draft.template {
        used.extend(variables::used(&message.content));
    }
    for text in includes.partials.values() {
        used.extend(variables::used(text));
    }
    let version = Version::of(&Content {
        draft: &draft,
        partials: &includes.partials,
        variables: &used,
        shared_models: &shared.models,
        retrieval: &shared.retrieval,
    });
    let forms = raw::forms(&draft);
    lay_under(&mut draft, &shared.defaults);
    let mut closure = shared.includes.clone();
    closure.extend(includes.found.iter().map(|path| Included {
        path: path.clone(),
        role: IncludeRole::Partial,
    }));
    Prompt {
        id: PromptId::new(id),
        path: includes.root.clone(),
        format,
        draft,
        partials: includes.partials.clone(),
        variables: used,
        retrieval: shared.retrieval.clone(),
        other_models: shared.other_models.clone(),
        includes: closure,
        forms,
        version,
    }
}

/// Completes a draft with shared model settings, so that evidence is compared with what the
/// application really uses.
fn lay_under(draft: &mut Draft, defaults: &[Defaults]) {
    for each in defaults.iter().filter(|each| each.model.is_some()) {
        if draft.models.is_empty() {
            draft.models.push(ModelUse::default());
        }
        for own in &mut draft.models {
            if own.model.is_none() {
                own.model.clone_from(&each.model);
            }
            for (key, value) in &each.settings.parameters {
                own.parameters
                    .entry(key.clone())
                    .or_insert_with(|| value.clone());
            }
        }
        if draft.tools.is_null() {
            draft.tools.clone_from(&each.settings.tools);
        }
        if draft.schema.is_null() {
            draft.schema.clone_from(&each.settings.schema);
        }
    }
}
