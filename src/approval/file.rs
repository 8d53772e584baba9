//! The file form of what was observed: what `gatecard approvals --format json` saves and
//! `--approvals FILE` reads again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::observed::{Observed, Pull, Team};
use crate::files::{self, FileError};
use crate::limits::APPROVALS;

/// The schema of the file.
pub(crate) const SCHEMA: &str = "gatecard/approvals/v1";

/// Why saved approvals cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It says something else.
    #[error("{path}: {found}, expected {SCHEMA}")]
    Shape {
        /// Which file.
        path: String,
        /// What was found, with its line and column.
        found: String,
    },
}

/// What was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// `owner/name` of the repository.
    pub(crate) repo: String,
    /// What GitHub said.
    pub(crate) observed: Observed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    /// Looked at before.
    #[serde(rename = "schema")]
    _schema: IgnoredAny,
    repo: String,
    pulls: Vec<Pull>,
    #[serde(default)]
    teams: BTreeMap<String, Team>,
    #[serde(default)]
    writers: BTreeMap<u64, bool>,
    /// What the rules made of it when it was saved; they are asked again.
    #[serde(default, rename = "judged")]
    _judged: IgnoredAny,
    /// The same.
    #[serde(default, rename = "change_requests")]
    _requests: IgnoredAny,
}

/// Reads saved approvals.
pub(crate) fn read(path: &Path) -> Result<Saved, SavedError> {
    let bytes = files::read_bounded(path, APPROVALS)?;
    parse(&bytes).map_err(|found| SavedError::Shape {
        path: path.display().to_string(),
        found,
    })
}

/// Reads the content of such a file.
pub(crate) fn parse(bytes: &[u8]) -> Result<Saved, String> {
    /// What is looked at first: a file of another kind is named as such.
    #[derive(Deserialize)]
    struct Head {
        schema: Option<String>,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match head.schema.as_deref() {
        Some(SCHEMA) => {}
        Some(other) => {
            let other = crate::untrusted::shorten(other, 60);
            return Err(format!("the schema `{other}`"));
        }
        None => return Err(String::from("no key `schema`")),
    }
    let form: Form = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(Saved {
        repo: form.repo,
        observed: Observed {
            pulls: form.pulls,
            teams: form
                .teams
                .into_iter()
                .map(|(name, team)| (name.to_ascii_lowercase(), team))
                .collect(),
            writers: form.writers,
        },
    })
}

/// Writes what was observed, with what the rules make of it now.
pub(crate) fn write(
    saved: &Saved,
    judged: &serde_json::Value,
    requests: &serde_json::Value,
) -> String {
    let observed = &saved.observed;
    let text = format!(
        "{:#}\n",
        serde_json::json!({
            "schema": SCHEMA,
            "repo": saved.repo,
            "pulls": observed.pulls,
            "teams": observed.teams,
            "writers": observed.writers,
            "judged": judged,
            "change_requests": requests,
        })
    );
    // On GitHub's runner `##[` starts a command anywhere in a line.
    text.replace("##[", "##\\u005b")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> String {
        let pull = serde_json::json!({
            "number": 7, "base_ref": "main", "head": "a".repeat(40),
            "author": {"id": 1, "login": "ann"},
            "reviews": [{"id": 9, "user": {"id": 2, "login": "bob"}, "state": "APPROVED",
                "commit": "b".repeat(40), "submitted_at": "2026-11-21T10:00:00Z"}],
            "authorship": {"a".repeat(40): {"people": [{"id": 1, "login": "ann"}]}},
            "moves": {"timeline": {"force_pushed": null, "retargeted": null}},
        });
        serde_json::json!({
            "schema": SCHEMA, "repo": "acme/app", "pulls": [pull],
            "teams": {"Acme/LLM": {"members": [2]}, "acme/x": {"unreadable": "403"}},
            "writers": {"2": true},
        })
        .to_string()
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let saved = parse(sample().as_bytes()).unwrap();
        assert_eq!(saved.repo, "acme/app");
        assert!(saved.observed.writers[&2]);
        assert!(saved.observed.teams.contains_key("acme/llm"));
        let hostile = serde_json::json!([{"subject": "a ##[b"}]);
        let again = write(&saved, &hostile, &hostile);
        assert!(!again.contains("##["));
        assert_eq!(parse(again.as_bytes()).unwrap(), saved);
    }

    #[test]
    fn another_shape_is_an_error_that_names_its_place() {
        let sample = sample();
        for (from, to, want) in [
            (
                SCHEMA,
                "gatecard/approvals/v2",
                "the schema `gatecard/approvals/v2`",
            ),
            ("\"schema\"", "\"scheme\"", "no key `schema`"),
            ("\"repo\"", "\"rebo\"", "unknown field `rebo`"),
            ("\"state\"", "\"stat\"", "unknown field `stat`"),
            ("\"moves\"", "\"move\"", "unknown field `move`"),
            (
                &"b".repeat(40),
                "bbbb",
                "expected a full commit id at line 1",
            ),
            ("2026-11-21T10", "2026-13-21T10", "out of range"),
            ("{\"2\":true}", "{\"x\":true}", "invalid"),
            ("}}", "", "EOF"),
        ] {
            let text = match to {
                "" => sample.get(..40).unwrap().to_owned(),
                _ => sample.replacen(from, to, 1),
            };
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(want), "{want}: {error}");
        }
    }
}
