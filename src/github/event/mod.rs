//! The event file that the workflow runner leaves: what this run is about.
//!
//! Everything in it but the ids was written by whoever opened the pull request.

mod payload;

use std::path::Path;

use super::RepoName;
use chrono::{DateTime, Utc};

use crate::approval::observed::Account;
use crate::files::{self, FileError};
use crate::git::CommitSha;
use crate::limits::EVENT;
use crate::untrusted::shorten;
use payload::Payload;

/// The first line of a comment that asks to look at a pull request again.
const RECHECK: &str = "/gatecard recheck";

/// What started the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something happened to a pull request, a review of it included.
    Pull {
        /// The pull request.
        pull: PullRequest,
        /// When, by GitHub's clock: its head was its head then.
        at: Option<DateTime<Utc>>,
    },
    /// A pull request was closed.
    Closed {
        /// The repository that it wanted to change.
        repo: RepoName,
        /// Its number.
        number: u64,
        /// Whether it was merged.
        merged: bool,
        /// What it was merged as, where the event says so.
        landing: Option<Landing>,
    },
    /// A merge queue asks for the checks of a group.
    Queue(Group),
    /// A workflow that may have made evidence.
    Producer(Producer),
    /// A branch has another tip.
    Push {
        /// The repository.
        repo: RepoName,
        /// The branch.
        branch: String,
        /// The tip before; none where the branch is new.
        before: Option<CommitSha>,
        /// The new tip; none where the branch was deleted.
        head: Option<CommitSha>,
        /// The repository's default branch, where the event names it.
        default_branch: Option<String>,
    },
    /// A person started the workflow.
    Dispatch {
        /// The repository.
        repo: RepoName,
        /// The pull request that the inputs name.
        number: Option<u64>,
        /// The branch that the workflow was started on.
        branch: Option<String>,
    },
    /// A comment on a pull request asks to look at it again.
    Recheck {
        /// The repository.
        repo: RepoName,
        /// The pull request.
        number: u64,
        /// Who asks.
        by: Account,
    },
    /// A known kind of event that asks for nothing: what, in words for the log.
    Nothing(&'static str),
    /// Anything else, in words for the log. They hold text from outside.
    Other(String),
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
    /// The id of the repository that the commit comes from; none where it was deleted.
    pub(crate) head_repository: Option<u64>,
}

/// What a pull request was merged as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landing {
    /// The branch.
    pub(crate) base_ref: String,
    /// A tip that the branch had before.
    pub(crate) base: CommitSha,
    /// The commit that it got: the last one, where it got several.
    pub(crate) commit: CommitSha,
}

/// Several pull requests that a merge queue would merge together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The repository.
    pub(crate) repo: RepoName,
    /// The branch that they would go into.
    pub(crate) base_ref: String,
    /// What the group stands on.
    pub(crate) base: CommitSha,
    /// The commit that would become that branch's tip.
    pub(crate) head: CommitSha,
    /// The pull request that the group's branch is named after: its last member.
    pub(crate) last: Option<u64>,
}

/// A run of another workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Producer {
    /// The repository.
    pub(crate) repo: RepoName,
    /// The workflow's name.
    pub(crate) workflow: String,
    /// Whether the run has ended.
    pub(crate) done: bool,
    /// The commit that it ran for.
    pub(crate) head: CommitSha,
    /// The group of a merge queue that it ran for, where it ran for one.
    pub(crate) group: Option<Group>,
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
        let bytes = files::read_bounded(path, EVENT)?;
        Self::parse(&bytes, path.display().to_string(), name)
    }

    /// Reads the content of the event file at `path`.
    pub(crate) fn parse(
        bytes: &[u8],
        path: String,
        name: Option<&str>,
    ) -> Result<Self, EventError> {
        let value = serde_json::from_slice(bytes).map_err(|error| EventError::Json {
            path: path.clone(),
            message: error.to_string(),
        })?;
        let payload = Payload { path, value };
        match name.unwrap_or_else(|| guess(&payload)) {
            "pull_request" | "pull_request_target" if payload.str("action") == Some("closed") => {
                closed(&payload)
            }
            name if name.starts_with("pull_request") => pull(&payload),
            "merge_group" => queue(&payload),
            "workflow_run" => producer(&payload),
            "push" => push(&payload),
            "workflow_dispatch" => dispatch(&payload),
            "issue_comment" => comment(&payload),
            "schedule" => Ok(Self::Other(String::from("a schedule"))),
            "" => Ok(Self::Other(String::from("an event of no known kind"))),
            name => Ok(Self::Other(format!("the event `{}`", shorten(name, 40)))),
        }
    }
}

/// The name of the event that a payload belongs to, by the keys that only this kind has.
fn guess(payload: &Payload) -> &'static str {
    // A review comes with the pull request, so it is looked for first.
    let kinds = [
        ("review", "pull_request_review"),
        ("pull_request", "pull_request"),
        ("merge_group", "merge_group"),
        ("workflow_run", "workflow_run"),
        ("comment", "issue_comment"),
        ("schedule", "schedule"),
        ("after", "push"),
        ("workflow", "workflow_dispatch"),
    ];
    let known = kinds.iter().find(|(key, _)| payload.get(key).is_some());
    known.map_or("", |(_, name)| name)
}

fn pull(payload: &Payload) -> Result<Event, EventError> {
    let (repo, head) = (payload.repo()?, payload.sha("pull_request.head.sha")?);
    let time = |key: &str| payload.str(key)?.parse().ok();
    // The pull request is updated a little later than the review is submitted.
    // An edited one may have been moved to this head.
    let submitted = payload.str("action") == Some("submitted");
    let reviewed = (submitted && payload.str("review.commit_id") == Some(head.as_str()))
        .then(|| time("review.submitted_at"))
        .flatten();
    Ok(Event::Pull {
        pull: PullRequest {
            repo,
            number: payload.number("pull_request.number")?,
            base_ref: payload.branch("pull_request.base.ref")?,
            base: payload.sha("pull_request.base.sha")?,
            head,
            head_repository: payload
                .get("pull_request.head.repo.id")
                .and_then(serde_json::Value::as_u64),
        },
        at: reviewed.or_else(|| time("pull_request.updated_at")),
    })
}

fn closed(payload: &Payload) -> Result<Event, EventError> {
    let merged = payload.is("pull_request.merged");
    // An open or abandoned one has a commit there as well: that of a test merge.
    let landing = || {
        Some(Landing {
            base_ref: payload.branch("pull_request.base.ref").ok()?,
            base: payload.sha("pull_request.base.sha").ok()?,
            commit: payload.sha("pull_request.merge_commit_sha").ok()?,
        })
    };
    Ok(Event::Closed {
        repo: payload.repo()?,
        number: payload.number("pull_request.number")?,
        merged,
        landing: if merged { landing() } else { None },
    })
}

fn queue(payload: &Payload) -> Result<Event, EventError> {
    if payload.str("action") == Some("destroyed") {
        return Ok(Event::Nothing("a merge group left the queue"));
    }
    let key = "merge_group.base_ref";
    let base_ref = payload.value(key, "`refs/heads/` and a branch", |_| {
        payload.branch_of_ref(key)
    })?;
    Ok(Event::Queue(Group {
        repo: payload.repo()?,
        base_ref,
        base: payload.sha("merge_group.base_sha")?,
        head: payload.sha("merge_group.head_sha")?,
        last: payload.str("merge_group.head_ref").and_then(last_member),
    }))
}

/// The number in `gh-readonly-queue/main/pr-12-<commit>`.
fn last_member(head_ref: &str) -> Option<u64> {
    let (_, name) = head_ref.rsplit_once("/pr-")?;
    let (number, _) = name.split_once('-')?;
    number.parse().ok()
}

fn producer(payload: &Payload) -> Result<Event, EventError> {
    // The run's own name may be empty, but the workflow may be absent.
    let name = match payload.get("workflow") {
        Some(_) => "workflow.name",
        None => "workflow_run.name",
    };
    let (repo, head) = (payload.repo()?, payload.sha("workflow_run.head_sha")?);
    let of_queue = payload.str("workflow_run.event") == Some("merge_group");
    let branch = payload.str("workflow_run.head_branch");
    Ok(Event::Producer(Producer {
        group: branch
            .filter(|_| of_queue)
            .and_then(|branch| group_of(branch, &repo, &head)),
        workflow: payload.text(name, "a name", |name| Some(name.to_owned()))?,
        done: payload.str("action") == Some("completed"),
        repo,
        head,
    }))
}

/// The group whose branch is `gh-readonly-queue/main/pr-12-<commit it stands on>`: only the
/// queue makes such branches.
fn group_of(branch: &str, repo: &RepoName, head: &CommitSha) -> Option<Group> {
    let (base_ref, name) = branch
        .strip_prefix("gh-readonly-queue/")?
        .rsplit_once("/pr-")?;
    let (number, base) = name.split_once('-')?;
    Some(Group {
        repo: repo.clone(),
        base_ref: base_ref.to_owned(),
        base: CommitSha::parse(base)?,
        head: head.clone(),
        last: number.parse().ok(),
    })
}

fn push(payload: &Payload) -> Result<Event, EventError> {
    let Some(branch) = payload.branch_of_ref("ref") else {
        return Ok(Event::Nothing("a push to no branch"));
    };
    let head = if payload.is("deleted") {
        None
    } else {
        Some(payload.sha("after")?)
    };
    // A branch that was not there before had a commit of zeros only.
    let before = payload.sha("before").ok();
    Ok(Event::Push {
        repo: payload.repo()?,
        branch,
        before: before.filter(|sha| sha.as_str().bytes().any(|byte| byte != b'0')),
        head,
        default_branch: payload.str("repository.default_branch").map(str::to_owned),
    })
}

fn dispatch(payload: &Payload) -> Result<Event, EventError> {
    // An input that was not given is an empty text.
    let given = ["inputs.pull-request", "inputs.pull_request", "inputs.pr"]
        .into_iter()
        .find(|key| payload.get(key).is_some_and(|value| value != ""));
    let number = given.map(|key| {
        payload.value(key, "the number of a pull request", |value| {
            let written = || value.as_str()?.trim().parse().ok();
            let number: Option<u64> = value.as_u64().or_else(written);
            number.filter(|number| *number > 0)
        })
    });
    Ok(Event::Dispatch {
        repo: payload.repo()?,
        number: number.transpose()?,
        branch: payload.branch_of_ref("ref"),
    })
}

fn comment(payload: &Payload) -> Result<Event, EventError> {
    let other = |words| Ok(Event::Nothing(words));
    if payload.get("issue.pull_request").is_none() {
        return other("a comment on an issue");
    }
    let first = payload
        .str("comment.body")
        .and_then(|body| body.lines().next());
    let asks = first.is_some_and(|line| line.trim_end() == RECHECK);
    if !asks || payload.str("action") != Some("created") {
        return other("a comment that asks for nothing");
    }
    let Some(by) = payload.account("comment.user") else {
        return other("a comment whose author was removed");
    };
    Ok(Event::Recheck {
        repo: payload.repo()?,
        number: payload.number("issue.number")?,
        by,
    })
}

#[cfg(test)]
mod tests;
