//! From a file at a commit to prompts with everything that they include.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::model::{ModelRef, ModelUse, Settings};
use super::variables::{self, Reference};
use super::version::{Content, SharedModels, Version};
use super::{Draft, File, IncludeRole, Included, MAX_PROMPT, Problem, Prompt, PromptId, canonical};
use super::{raw, text};
use crate::git::{CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::policy::scope::Rule;
use crate::reason::Code;
use crate::yaml;

const MAX_INCLUDES: usize = 200;
const MAX_DEPTH: usize = 32;
const MAX_BYTES: u64 = 4 << 20;

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
        let unknown = || Problem::new(Code::PromptFormat, path, "no prompt format reads this file");
        if !super::may_be_prompt(path) {
            return Err(unknown());
        }
        let text = self.text(path, entry)?;
        let (format, suffix) = super::recognise(path, Some(text.as_bytes())).ok_or_else(unknown)?;
        let file = File { path, text: &text };
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
    fn text(&self, path: &RepoPath, entry: Entry) -> Result<String, Problem> {
        let problem = |code, found: &str| Problem::new(code, path, found);
        match entry.kind {
            Kind::File => {}
            Kind::Symlink => return Err(problem(Code::PromptSymlink, "a symbolic link")),
            Kind::Submodule => return Err(problem(Code::PromptSubmodule, "a submodule")),
            Kind::Folder => return Err(problem(Code::PromptUnreadable, "a folder")),
        }
        let bytes = self.repo.blob(entry.id, MAX_PROMPT).map_err(|error| {
            let code = match error {
                GitError::TooLarge { .. } => Code::PromptTooLarge,
                _ => Code::PromptUnreadable,
            };
            problem(code, &error.to_string())
        })?;
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

/// Tells whether a file may include others, from its bytes alone: what lets most prompts be
/// passed over when a file changed that some prompt might include.
pub(crate) fn may_include(bytes: &[u8]) -> bool {
    let starts =
        |at: usize, marker: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(marker));
    let partial = |at: usize| {
        let mut tail = bytes.iter().skip(at + 2);
        starts(at, b"{{") && tail.find(|byte| !b"{~# \t\n\r".contains(byte)) == Some(&b'>')
    };
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'{' => starts(at, b"{%") || partial(at),
        b'f' => starts(at, b"file:"),
        _ => false,
    })
}

/// Reads what a prompt includes, within bounds, and remembers it.
pub(crate) struct Includes<'r> {
    revision: Revision<'r>,
    root: RepoPath,
    stack: Vec<RepoPath>,
    found: BTreeSet<RepoPath>,
    partials: BTreeMap<String, String>,
    bytes: u64,
}

impl<'r> Includes<'r> {
    fn new(revision: Revision<'r>, root: &RepoPath) -> Self {
        Self {
            revision,
            root: root.clone(),
            stack: vec![root.clone()],
            found: BTreeSet::new(),
            partials: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Reads a file that `from` names relative to its own folder.
    pub(crate) fn file(
        &mut self,
        from: &RepoPath,
        reference: &str,
    ) -> Result<(RepoPath, String), Problem> {
        let path = from.folder().join(reference).ok_or_else(|| {
            let found = format!("`{reference}` lies outside the repository");
            Problem::new(Code::IncludeEscape, from, found)
        })?;
        if let Some(text) = self.read(from, &path)? {
            Ok((path, text))
        } else {
            let found = format!("includes `{path}`, which does not exist");
            Err(Problem::new(Code::IncludeMissing, from, found))
        }
    }

    /// Adds the partials and templates that a text includes, and theirs.
    pub(crate) fn partials(&mut self, from: &RepoPath, text: &str) -> Result<(), Problem> {
        for reference in variables::references(text) {
            let (name, optional) = match reference {
                Reference::Partial(name) => (name, false),
                Reference::Template { path, optional } => (path, optional),
                Reference::Dynamic(inner) => {
                    let found = format!("`{inner}` includes a file whose name is an expression");
                    return Err(Problem::new(Code::IncludeMissing, from, found));
                }
            };
            self.partial(from, name, optional)?;
        }
        Ok(())
    }

    fn partial(&mut self, from: &RepoPath, name: &str, optional: bool) -> Result<(), Problem> {
        let mut escaped = true;
        for candidate in candidates(from, name) {
            let Some(path) = candidate else { continue };
            escaped = false;
            let Some(text) = self.read(from, &path)? else {
                continue;
            };
            self.stack.push(path.clone());
            self.partials(&path, &text)?;
            self.stack.pop();
            self.partials
                .insert(name.to_owned(), canonical::text(&text));
            return Ok(());
        }
        if optional {
            return Ok(());
        }
        let (code, found) = if escaped {
            (
                Code::IncludeEscape,
                format!("`{name}` lies outside the repository"),
            )
        } else {
            (
                Code::IncludeMissing,
                format!("includes `{name}`, which does not exist"),
            )
        };
        Err(Problem::new(code, from, found))
    }

    fn read(&mut self, from: &RepoPath, path: &RepoPath) -> Result<Option<String>, Problem> {
        let problem = |code, found: String| Problem::new(code, from, found);
        let Revision { repo, commit } = self.revision;
        let entry = repo
            .entry(commit, path)
            .map_err(|error| problem(Code::PromptUnreadable, error.to_string()))?;
        let Some(entry) = entry.filter(|entry| entry.kind != Kind::Folder) else {
            return Ok(None);
        };
        if self.stack.contains(path) {
            let chain: Vec<_> = self.stack.iter().map(RepoPath::as_str).collect();
            let found = format!("includes lead back: {} → {path}", chain.join(" → "));
            return Err(problem(Code::IncludeCycle, found));
        }
        let text = self.revision.text(path, entry)?;
        self.bytes += text.len() as u64;
        self.found.insert(path.clone());
        if self.found.len() > MAX_INCLUDES || self.stack.len() > MAX_DEPTH || self.bytes > MAX_BYTES
        {
            let found = format!(
                "{} files, {} levels, {} bytes",
                self.found.len(),
                self.stack.len(),
                self.bytes
            );
            return Err(problem(Code::IncludeLimit, found));
        }
        Ok(Some(text))
    }
}

/// Where a partial may lie: beside the file that includes it or in a folder above, under the
/// names that Dotprompt and Jinja loaders look for. `None` is a path outside the repository.
fn candidates(from: &RepoPath, name: &str) -> Vec<Option<RepoPath>> {
    let mut found = Vec::new();
    let mut folder = from.folder();
    let (stem_folder, stem) = name.rsplit_once('/').unwrap_or(("", name));
    loop {
        found.push(folder.join(name));
        for pattern in [
            "_{}.prompt",
            "partials/_{}.prompt",
            "partials/{}.prompt",
            "{}.prompt",
        ] {
            let file = pattern.replace("{}", stem);
            let below = folder.join(stem_folder);
            found.push(below.and_then(|below| below.join(&file)));
        }
        if folder.as_str().is_empty() {
            return found;
        }
        folder = folder.folder();
    }
}
