//! The event file that the workflow runner leaves: which pull request this run is about.
//!
//! Everything in it but the ids was written by whoever opened the pull request.

use std::path::Path;

use serde_json::Value;

use super::RepoName;
use crate::files::{self, FileError};
use crate::git::CommitSha;
use crate::untrusted::{log_line, shorten};

/// GitHub cuts payloads at 25 MB.
const MAX_BYTES: u64 = 25 << 20;

/// What started the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something happened to a pull request, a review of it included.
    PullRequest(PullRequest),
    /// Anything else: a push, a schedule, a merge queue.
    Other,
}

/// A pull request as the event saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullRequest {
    /// The repository that it wants to change.
    pub(crate) repo: RepoName,
    /// Its number.
    pub(crate) number: u64,
    /// The branch that it wants to change.
    pub(crate) base_ref: String,
    /// That branch's tip.
    pub(crate) base: CommitSha,
    /// The pull request's own last commit, never the commit of a test merge.
    pub(crate) head: CommitSha,
}

/// Why an event file says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no JSON.
    #[error("{path}: {message}, expected the JSON of an event")]
    Json {
        /// The event file.
        path: String,
        /// What the parser says.
        message: String,
    },
    /// Something is not there.
    #[error("{path}: `{key}` is missing, expected {expected}")]
    Missing {
        /// The event file.
        path: String,
        /// Which key.
        key: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// Something is there, but is something else.
    #[error("{path}: `{key}` is `{found}`, expected {expected}")]
    Wrong {
        /// The event file.
        path: String,
        /// Which key.
        key: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
}

impl EventError {
    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::File(_) => "name the event's file with --event, or unset GITHUB_EVENT_PATH",
            Self::Json { .. } | Self::Missing { .. } | Self::Wrong { .. } => {
                "pass the payload as GitHub sends it, or name the commits with --base and --head"
            }
        }
    }
}

impl Event {
    /// Reads an event file. `name` is the event's name where it is known; without it the
    /// payload decides what it is.
    pub(crate) fn read(path: &Path, name: Option<&str>) -> Result<Self, EventError> {
        let bytes = files::read_bounded(path, MAX_BYTES)?;
        let path = path.display().to_string();
        let payload: Value = serde_json::from_slice(&bytes).map_err(|error| EventError::Json {
            path: path.clone(),
            message: error.to_string(),
        })?;
        let expected = name.is_some_and(|name| name.starts_with("pull_request"));
        if !expected && payload.get("pull_request").is_none() {
            return Ok(Self::Other);
        }
        let payload = Payload { path, payload };
        payload.pull_request().map(Self::PullRequest)
    }
}

/// A payload that knows where it came from. Only what is needed is looked at, so that new
/// fields and new kinds of event do no harm.
struct Payload {
    path: String,
    payload: Value,
}

impl Payload {
    fn pull_request(&self) -> Result<PullRequest, EventError> {
        let repo = "`owner/name`";
        let sha = "a full commit id";
        Ok(PullRequest {
            repo: self.text("repository.full_name", repo, RepoName::parse)?,
            number: self.value("pull_request.number", "a number", Value::as_u64)?,
            base_ref: self.text("pull_request.base.ref", "a branch", |branch| {
                (!branch.is_empty()).then(|| branch.to_owned())
            })?,
            base: self.text("pull_request.base.sha", sha, CommitSha::parse)?,
            head: self.text("pull_request.head.sha", sha, CommitSha::parse)?,
        })
    }

    fn text<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, EventError> {
        self.value(key, expected, |value| parse(value.as_str()?))
    }

    fn value<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, EventError> {
        let path = self.path.clone();
        let found = key
            .split('.')
            .try_fold(&self.payload, |value, part| value.get(part))
            .filter(|value| !value.is_null());
        let Some(found) = found else {
            return Err(EventError::Missing {
                path,
                key,
                expected,
            });
        };
        parse(found).ok_or_else(|| EventError::Wrong {
            path,
            key,
            found: shorten(&log_line(&found.to_string()), 80),
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENED: &str = include_str!("../../tests/fixtures/events/pull_request.opened.json");
    const DISMISSED: &str =
        include_str!("../../tests/fixtures/events/pull_request_review.dismissed.json");
    const PUSH: &str = include_str!("../../tests/fixtures/events/push.json");

    fn read(text: &str, name: Option<&str>) -> Result<Event, EventError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        files::write_atomic(&path, text.as_bytes()).unwrap();
        Event::read(&path, name)
    }

    #[test]
    fn a_pull_request_is_read_from_every_event_about_it() {
        for (text, name) in [
            (OPENED, Some("pull_request")),
            (OPENED, Some("pull_request_target")),
            (OPENED, None),
            (DISMISSED, Some("pull_request_review")),
        ] {
            let Event::PullRequest(pull) = read(text, name).unwrap() else {
                panic!("{name:?} is about a pull request");
            };
            assert_eq!(pull.repo.to_string(), "Codertocat/Hello-World");
            assert_eq!((pull.number, pull.base_ref.as_str()), (2, "master"));
            assert_eq!(pull.base.short(), "f95f852bd8fc");
            assert_eq!(pull.head.short(), "ec26c3e57ca3");
        }
    }

    #[test]
    fn other_events_are_about_no_pull_request() {
        assert_eq!(read(PUSH, Some("push")).unwrap(), Event::Other);
        assert_eq!(read("{}", None).unwrap(), Event::Other);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut payload: Value = serde_json::from_str(OPENED).unwrap();
        payload["pull_request"]["head"]["sha"] = Value::Null;
        let error = read(&payload.to_string(), None).unwrap_err().to_string();
        assert!(
            error.contains("event.json: `pull_request.head.sha` is missing"),
            "{error}"
        );
        let error = read("{}", Some("pull_request")).unwrap_err().to_string();
        assert!(error.contains("`repository.full_name`"), "{error}");
    }

    #[test]
    fn hostile_values_are_refused_and_shown_harmless() {
        for (key, value) in [
            ("number", Value::from(-1)),
            ("number", Value::from("2")),
            ("base", serde_json::json!({"ref": "", "sha": "x"})),
            ("head", serde_json::json!({"sha": "::error::\u{1b}[31m"})),
        ] {
            let mut payload: Value = serde_json::from_str(OPENED).unwrap();
            payload["pull_request"][key] = value;
            let error = read(&payload.to_string(), None).unwrap_err().to_string();
            assert!(
                error.contains("expected") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
        let error = read("{\"pull_request\":", None).unwrap_err().to_string();
        assert!(error.contains("expected the JSON of an event"), "{error}");
    }
}
