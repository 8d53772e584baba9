//! From arguments, environment and event to what is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use tempfile::TempDir;

use super::publication::{Ending, Published};
use crate::approval::{Known, file};
use crate::cli::{ChangeArgs, CheckArgs};
use crate::commands::{Context, live, policy_path};
use crate::environment::Environment;
use crate::error::Error;
use crate::evidence::collect::Wanted;
use crate::evidence::supply::Supplies;
use crate::git::RepoPath;
use crate::github::Subject;
use crate::github::session::Session;
use crate::policy::{Mode, Role};
use crate::prompt::PromptId;
use crate::publish::Standing;

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
    /// What came of the policy's sources that are on GitHub.
    pub(in crate::commands) supplies: Supplies,
    /// Where they lie until they are judged.
    pub(in crate::commands) folder: Option<TempDir>,
    /// Where such sources were saved before.
    pub(in crate::commands) fetched: Option<PathBuf>,
    /// What is known of the reviews.
    pub(in crate::commands) approvals: Known,
    /// What readers should know of the request itself.
    pub(in crate::commands) findings: Vec<String>,
    /// Prompts whose version no pull request of a merge queue's group has by itself: who made it.
    pub(in crate::commands) together: BTreeMap<PromptId, String>,
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
    subject: Option<&Subject>,
) -> Result<Request, Error> {
    let environment = context.environment;
    let usage = |what, found: &str, expected: &str| Error::Usage {
        what,
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    let publishes = subject.is_some() && environment.token.is_some();
    let (approvals, mut findings) = reviews(args.approvals.as_deref(), publishes)?;
    let fetched = args.fetched.clone().filter(|_| !publishes);
    if fetched != args.fetched {
        findings.push(String::from(
            "`--fetched` was given and ignored: what is published rests on the evidence itself, and a workflow cannot replace it",
        ));
    }
    let now = args.now.as_deref().map(|text| {
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.with_timezone(&Utc))
            .map_err(|_| usage("--now", text, "a time such as `2026-11-23T12:00:00Z`"))
    });
    Ok(Request {
        repo: args.change.repo.clone(),
        revisions: revisions(&args.change, subject)?,
        policy: named_policy(args, environment)?,
        policy_file: args.policy_file.clone(),
        evidence: args
            .evidence
            .iter()
            .chain(&environment.evidence)
            .map(|text| wanted(text))
            .collect(),
        supplies: Supplies::default(),
        folder: None,
        fetched,
        approvals,
        findings,
        together: BTreeMap::new(),
        mode: asked_mode(args, environment)?,
        publishes,
        actions: environment.actions,
        now: now.transpose()?.unwrap_or(context.now),
    })
}

/// The policy that arguments or environment name.
pub(super) fn named_policy(
    args: &CheckArgs,
    environment: &Environment,
) -> Result<Option<RepoPath>, Error> {
    let named = args.change.policy.as_deref();
    named
        .or(environment.policy.as_deref())
        .map(policy_path)
        .transpose()
}

/// The mode that arguments or environment ask for.
pub(super) fn asked_mode(
    args: &CheckArgs,
    environment: &Environment,
) -> Result<Option<Mode>, Error> {
    let Some(word) = args.mode.as_deref().or(environment.mode.as_deref()) else {
        return Ok(None);
    };
    let found = Mode::WORDS.iter().find(|(name, _)| *name == word);
    let mode = found.map(|(_, mode)| *mode).ok_or_else(|| Error::Usage {
        what: "--mode",
        found: word.to_owned(),
        expected: String::from("observe, advise or enforce"),
    })?;
    Ok(Some(mode))
}

/// The two revisions, from arguments or from the event.
pub(in crate::commands) fn revisions(
    change: &ChangeArgs,
    subject: Option<&Subject>,
) -> Result<(String, String), Error> {
    match (&change.base, &change.head, subject) {
        (Some(base), Some(head), _) => Ok((base.clone(), head.clone())),
        (_, _, Some(subject)) => Ok((subject.base().to_string(), subject.head().to_string())),
        _ => Err(Error::NoRange),
    }
}

/// Saved reviews, unless something is published: whoever can edit the workflow could have
/// written the file.
fn reviews(saved: Option<&Path>, publishes: bool) -> Result<(Known, Vec<String>), Error> {
    let unknown = |why: &str| Known::Unknown(why.to_owned());
    Ok(match saved {
        Some(_) if publishes => (
            unknown("the reviews of the pull request were not read"),
            vec![String::from(
                "`--approvals` was given and ignored: what is published rests on the reviews themselves, and a workflow cannot replace them",
            )],
        ),
        Some(path) => (Known::Observed(file::read(path)?.observed), Vec::new()),
        None => (unknown("no reviews were given"), Vec::new()),
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

/// Connects to GitHub, where there is an event to tell about. Nothing is published of a
/// simulated policy.
pub(super) fn session(
    args: &CheckArgs,
    event: bool,
    context: &mut Context<'_>,
) -> Result<Option<Session>, Error> {
    if !event || context.environment.token.is_none() {
        return Ok(None);
    }
    if args.policy_file.is_some() {
        context.note("note: a simulated policy is never published");
        return Ok(None);
    }
    live::session(context)
}

/// What the job's own result says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobResult {
    /// Whether the status could be written: the status blocks.
    Status,
    /// The verdict: the job blocks.
    Verdict,
}

/// Reads `--job-result`.
pub(super) fn job_result(args: &CheckArgs, environment: &Environment) -> Result<JobResult, Error> {
    let word = args
        .job_result
        .as_deref()
        .or(environment.job_result.as_deref());
    match word {
        None | Some("status") => Ok(JobResult::Status),
        Some("verdict") => Ok(JobResult::Verdict),
        Some(found) => Err(Error::Usage {
            what: "--job-result",
            found: found.to_owned(),
            expected: String::from("status or verdict"),
        }),
    }
}

impl JobResult {
    /// The exit code of a finished check. Where the status could not be written, the job is
    /// all that can block.
    pub(super) const fn code(self, ending: &Ending, published: Published) -> u8 {
        match (self, published) {
            (Self::Status, Published::Status | Published::Blind | Published::Left)
                if ending.named =>
            {
                0
            }
            (_, Published::Blind | Published::Lost) if ending.code == 0 => 4,
            _ => ending.code,
        }
    }

    /// The exit code of a check that was not made: nothing is known of the commit.
    pub(super) const fn outdated(self, standing: &Standing) -> u8 {
        match (self, standing) {
            (Self::Status, _) | (_, Standing::Over(_)) => 0,
            (Self::Verdict, _) => 1,
        }
    }
}
