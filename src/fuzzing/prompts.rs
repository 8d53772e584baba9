//! Readers of prompt files and of what they include.

use super::{files, text as as_text};
use crate::git::write::NewRepo;
use crate::git::{CommitSha, Kind, Repo, RepoPath};
use crate::policy::scope::{Risk, Rule, Stage};
use crate::prompt::closure::{Revision, decode};
use crate::prompt::diff::{changed_words, differences};
use crate::prompt::version::Facet;
use crate::prompt::{Problem, Prompt};

/// What a prompt can include.
const BESIDE: &[(&str, &str)] = &[
    ("x", "{{q}} and {{> y}}"),
    ("_y.prompt", "---\na: 1\n---\ny"),
    ("a.txt", "Answer {{q}}"),
    ("chat.json", r#"[{"role":"user","content":"{{q}}"}]"#),
    ("cycle.md", "{{> cycle}}"),
];

fn rule(models: &[&str]) -> Rule {
    Rule {
        id: None,
        risk: Risk::Standard,
        stage: Stage::Production,
        models: models
            .iter()
            .filter_map(|path| RepoPath::parse(path))
            .collect(),
        retrieval: Vec::new(),
        exact: false,
    }
}

/// A repository in memory with one commit; none where Git refuses a name.
fn repository<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> Option<(Repo, CommitSha)> {
    let new = NewRepo::in_memory().ok()?;
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes()));
    let commit = new.add(None, files, ("files", 0)).ok()?;
    Some((new.into_repo(), commit))
}

/// Runs `body` in a repository that has [`BESIDE`].
fn beside(body: impl FnOnce(Revision<'_>)) {
    thread_local! {
        static MADE: Option<(Repo, CommitSha)> = repository(BESIDE.iter().copied());
    }
    MADE.with(|made| {
        let (repo, commit) = made
            .as_ref()
            .ok_or("no repository in memory")
            .unwrap_or_else(|what| {
                unreachable!("{what}");
            });
        body(Revision { repo, commit });
    });
}

type Read = Result<Vec<Prompt>, Problem>;

fn told(read: &Read) {
    match read {
        Ok(prompts) => assert!(!prompts.is_empty(), "neither prompts nor a problem"),
        Err(problem) => {
            assert!(!problem.found.is_empty(), "a problem without words");
            assert!(problem.line != Some(0), "lines are counted from 1");
        }
    }
}

/// Reads a file in the three spellings that Git and editors make of one text.
fn read(name: &str, data: &[u8]) {
    let Some(path) = RepoPath::parse(name) else {
        return;
    };
    let text = match decode(&path, data.to_vec()) {
        Ok(text) => text,
        Err(problem) => return told(&Err(problem)),
    };
    beside(|revision| {
        let read = revision.of_text(&path, &text, &rule(&[]));
        told(&read);
        if let Err(problem) = &read
            && problem.path == path
        {
            let lines = super::lines(&text) + 1;
            assert!(
                problem.line.is_none_or(|line| line <= lines),
                "{}",
                problem.place()
            );
        }
        for spelled in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            // A text that has these itself means something else by them.
            if text.contains('\r') || text.starts_with('\u{feff}') {
                break;
            }
            let again = decode(&path, spelled.into_bytes());
            let again = again.and_then(|text| revision.of_text(&path, &text, &rule(&[])));
            assert_eq!(
                versions(&read),
                versions(&again),
                "another spelling, another version"
            );
        }
        for prompt in read.iter().flatten() {
            assert_eq!(differences(prompt, prompt), [], "differs from itself");
        }
    });
}

fn versions(read: &Read) -> Option<Vec<String>> {
    let prompts = read.as_ref().ok()?;
    let version = |prompt: &Prompt| prompt.version.digest().to_string();
    Some(prompts.iter().map(version).collect())
}

pub(super) fn dotprompt(data: &[u8]) {
    read("a.prompt", data);
}

pub(super) fn prompty(data: &[u8]) {
    read("a.prompty", data);
}

pub(super) fn github_models(data: &[u8]) {
    read("a.prompt.yml", data);
}

pub(super) fn promptfoo_config(data: &[u8]) {
    read("promptfooconfig.yaml", data);
}

/// The first byte chooses the suffix.
pub(super) fn text(data: &[u8]) {
    match data.split_first() {
        Some((b'j', data)) => read("a.j2", data),
        Some((b'h', data)) => read("a.hbs", data),
        Some((_, data)) => read("a.md", data),
        None => {}
    }
}

/// The first file is the prompt; `models.yml` is its shared model file.
pub(super) fn closure(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    let files = files(text);
    let Some(path) = files.first().and_then(|(name, _)| RepoPath::parse(name)) else {
        return;
    };
    // Names that Git itself has not.
    if files
        .iter()
        .any(|(name, _)| RepoPath::parse(name).is_none_or(|path| path.as_str() != *name))
    {
        return;
    }
    let Some((repo, commit)) = repository(files.iter().copied()) else {
        return;
    };
    let Ok(Some(entry)) = repo.entry(&commit, &path) else {
        return;
    };
    let revision = Revision {
        repo: &repo,
        commit: &commit,
    };
    let shared = files.iter().any(|(name, _)| *name == "models.yml");
    let rule = rule(if shared { &["models.yml"] } else { &[] });
    let read = revision.prompts(&path, entry, &rule);
    told(&read);
    for prompt in read.iter().flatten() {
        assert!(
            prompt.includes.len() <= 202,
            "{} includes",
            prompt.includes.len()
        );
        for included in &prompt.includes {
            let there = repo.entry(&commit, &included.path);
            let file = matches!(there, Ok(Some(entry)) if entry.kind == Kind::File);
            assert!(file, "{} is included and is no file", included.path);
        }
    }
}

/// Two files: the prompt before and after.
pub(super) fn difference(data: &[u8]) {
    let Some(text) = as_text(data) else { return };
    let [(name, before), (_, after), ..] = *files(text) else {
        return;
    };
    let Some(path) = RepoPath::parse(name) else {
        return;
    };
    beside(|revision| {
        let read = |text: &str| revision.of_text(&path, text, &rule(&[])).ok();
        let (Some(before), Some(after)) = (read(before), read(after)) else {
            return;
        };
        for (before, after) in before.iter().zip(&after) {
            let found = differences(before, after);
            let same = before.version.digest() == after.version.digest();
            let metadata = before
                .differs(after)
                .iter()
                .all(|facet| *facet == Facet::Metadata);
            assert_eq!(same, metadata, "a version that is not its facets");
            assert!(
                !same || found.is_empty(),
                "one version that differs: {found:?}"
            );
            let words = changed_words(before, after);
            assert!(
                words.part <= words.whole,
                "{} of {}",
                words.part,
                words.whole
            );
        }
    });
}
