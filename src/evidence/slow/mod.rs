//! Slow evidence: small YAML files that people keep in the repository, read from the base tip.

pub(crate) mod data_policy;
pub(crate) mod drills;
pub(crate) mod reviews;

use chrono::NaiveDate;

use crate::git::{CommitSha, Kind, Repo, RepoPath};
use crate::limits::KEPT;
use crate::units::Digest;
use crate::yaml::{self, Errors, Fields, Node, YamlError};

/// A slow evidence file and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Kept<T> {
    /// Where it lies at the base tip.
    pub(crate) path: RepoPath,
    /// Of its content.
    pub(crate) sha256: Digest,
    /// What it says.
    pub(crate) content: T,
}

/// What came of looking for such a file.
#[derive(Debug, Clone)]
pub(crate) enum Found<T> {
    /// It is there and valid.
    Here(Kept<T>),
    /// There is none at this path.
    Missing(RepoPath),
    /// It is there and says nothing usable: every error with its place.
    Broken(RepoPath, Vec<YamlError>),
}

impl<T> Found<T> {
    /// The file, where it is valid.
    pub(crate) const fn here(&self) -> Option<&Kept<T>> {
        match self {
            Self::Here(kept) => Some(kept),
            Self::Missing(_) | Self::Broken(..) => None,
        }
    }
}

/// Finds a file at the base tip and reads it with `parse`.
fn load<T>(
    repo: &Repo,
    base: &CommitSha,
    path: &RepoPath,
    parse: impl FnOnce(&[u8]) -> Result<T, Vec<YamlError>>,
) -> Found<T> {
    let broken = |message: String| Found::Broken(path.clone(), vec![whole(message)]);
    let entry = match repo.entry(base, path) {
        Ok(Some(entry)) => entry,
        Ok(None) => return Found::Missing(path.clone()),
        Err(error) => return broken(error.to_string()),
    };
    if entry.kind != Kind::File {
        return broken(String::from(
            "found a link, a folder or a submodule, expected a file",
        ));
    }
    let bytes = match repo.blob(entry.id, KEPT) {
        Ok(bytes) => bytes,
        Err(error) => return broken(error.to_string()),
    };
    match parse(&bytes) {
        Ok(content) => Found::Here(Kept {
            path: path.clone(),
            sha256: Digest::of(&bytes),
            content,
        }),
        Err(errors) => Found::Broken(path.clone(), errors),
    }
}

/// An error of a whole file.
fn whole(message: String) -> YamlError {
    YamlError {
        place: None,
        message,
    }
}

/// Reads a file's content with `read`, which gets the fields of its top level.
fn parse<T>(
    bytes: &[u8],
    known: &[&str],
    read: impl FnOnce(&Fields<'_>, &mut Errors<'_>) -> Option<T>,
) -> Result<T, Vec<YamlError>> {
    let Ok(text) = str::from_utf8(bytes) else {
        let found = "found bytes that are not UTF-8, expected text";
        return Err(vec![whole(String::from(found))]);
    };
    let value = yaml::to_json(text).map_err(|error| vec![error])?;
    let mut errors = Errors::new(text);
    let fields = Node::root(&value).fields(known, &mut errors);
    if let Some(version) = fields.need("version", &mut errors) {
        version.read("`1`", &mut errors, |value| {
            (value.as_u64() == Some(1)).then_some(())
        });
    }
    let content = read(&fields, &mut errors);
    let errors = errors.into_sorted();
    match content {
        Some(content) if errors.is_empty() => Ok(content),
        _ => Err(errors),
    }
}

/// Reads a date.
fn date(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<NaiveDate> {
    node.read("a date such as `2026-11-01`", errors, |value| {
        value.as_str()?.parse().ok()
    })
}

/// Reads text.
fn text(fields: &Fields<'_>, key: &str, errors: &mut Errors<'_>) -> Option<String> {
    Some(fields.need(key, errors)?.text(errors)?.to_owned())
}
