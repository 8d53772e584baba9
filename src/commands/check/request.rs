//! From arguments, environment and event to what is asked for.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::cli::CheckArgs;
use crate::commands::{Context, policy_path};
use crate::environment::Environment;
use crate::error::Error;
use crate::evidence::collect::Wanted;
use crate::git::RepoPath;
use crate::github::{Event, PullRequest};
use crate::policy::{Mode, Role};

/// What is asked for, parsed.
pub(in crate::commands) struct Request {
    /// The repository.
    pub(in crate::commands) repo: PathBuf,
    /// The two revisions.
    pub(in crate::commands) revisions: (String, String),
    /// The policy's path inside the base tree.
    pub(in crate::commands) policy: Option<RepoPath>,
    /// A policy on disk.
    pub(in crate::commands) policy_file: Option<PathBuf>,
    /// Evidence beside the policy's sources.
    pub(in crate::commands) evidence: Vec<Wanted>,
    /// The mode that was asked for.
    pub(in crate::commands) mode: Option<Mode>,
    /// Whether a mode may only be tightened: something will be published.
    pub(in crate::commands) publishes: bool,
    /// Whether this is a workflow run.
    pub(in crate::commands) actions: bool,
    /// The time of the check.
    pub(in crate::commands) now: DateTime<Utc>,
}

/// Puts arguments, environment and event together.
pub(super) fn read(
    args: &CheckArgs,
    context: &Context<'_>,
    pull: Option<&PullRequest>,
) -> Result<Request, Error> {
    let environment = context.environment;
    let usage = |what, found: &str, expected: &str| Error::Usage {
        what,
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    let revisions = match (&args.base, &args.head, pull) {
        (Some(base), Some(head), _) => (base.clone(), head.clone()),
        (_, _, Some(pull)) => (pull.base.to_string(), pull.head.to_string()),
        _ => return Err(Error::NoRange),
    };
    let named = args.policy.as_deref().or(environment.policy.as_deref());
    let word = args.mode.as_deref().or(environment.mode.as_deref());
    let mode = word.map(|word| {
        let found = Mode::WORDS.iter().find(|(name, _)| *name == word);
        found
            .map(|(_, mode)| *mode)
            .ok_or_else(|| usage("--mode", word, "observe, advise or enforce"))
    });
    let now = args.now.as_deref().map(|text| {
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.with_timezone(&Utc))
            .map_err(|_| usage("--now", text, "a time such as `2026-11-23T12:00:00Z`"))
    });
    Ok(Request {
        repo: args.repo.clone(),
        revisions,
        policy: named.map(policy_path).transpose()?,
        policy_file: args.policy_file.clone(),
        evidence: args
            .evidence
            .iter()
            .chain(&environment.evidence)
            .map(|text| wanted(text))
            .collect(),
        mode: mode.transpose()?,
        publishes: pull.is_some() && environment.token.is_some(),
        actions: environment.actions,
        now: now.transpose()?.unwrap_or(context.now),
    })
}

/// `candidate=PATH`, `baseline=PATH` or `PATH`.
pub(in crate::commands) fn wanted(text: &str) -> Wanted {
    let role = text.split_once('=').and_then(|(word, path)| {
        let (_, role) = Role::WORDS.iter().find(|(name, _)| *name == word)?;
        Some((*role, path))
    });
    match role {
        Some((role, path)) => Wanted {
            path: PathBuf::from(path),
            role: Some(role),
        },
        None => Wanted {
            path: PathBuf::from(text),
            role: None,
        },
    }
}

/// Reads the event, where there is one.
pub(super) fn pull_request(
    args: &CheckArgs,
    environment: &Environment,
) -> Result<Option<PullRequest>, Error> {
    let Some(path) = args.event.as_deref().or(environment.event_path.as_deref()) else {
        return Ok(None);
    };
    // Explicit commits on a machine that happens to have an event of another kind are fine.
    match Event::read(path, environment.event_name.as_deref())? {
        Event::PullRequest(pull) => Ok(Some(pull)),
        Event::Other => Ok(None),
    }
}
