//! What is to be recorded: from arguments, or from the event of a push or of a merge.

use crate::cli::RecordArgs;
use crate::commands::{Context, live};
use crate::error::Error;
use crate::git::{CommitSha, Repo};
use crate::github::event::{Event, Landing};
use crate::github::{Group, RepoName, Subject};
use crate::untrusted::log_line;

/// What a branch got.
pub(super) struct Asked {
    /// The repository on GitHub; none for a local ledger.
    pub(super) of: Option<RepoName>,
    /// The branch.
    pub(super) branch: String,
    /// Its tip before; none where it is new.
    pub(super) before: Option<CommitSha>,
    /// Its tip now.
    pub(super) after: CommitSha,
    /// How it is known.
    pub(super) by: By,
}

/// How it is known what a branch got.
pub(super) enum By {
    /// Somebody said so.
    Hand,
    /// A push, with the repository's default branch where the event names it.
    Push(Option<String>),
    /// A merged pull request. Its base is a tip that the branch had at some time before.
    Merge(u64),
}

impl Asked {
    /// Finds it; otherwise why there is nothing, in words.
    pub(super) fn find(
        args: &RecordArgs,
        repo: &Repo,
        context: &Context<'_>,
    ) -> Result<Result<Self, String>, Error> {
        if let (Some(from), Some(to)) = (&args.from, &args.to) {
            let branch = args.branch.clone().or_else(|| repo.default_branch());
            let (before, after) = (repo.resolve(from)?, repo.resolve(to)?);
            if before != after && repo.contains(&before, &after)? {
                return Err(Error::Usage {
                    what: "--from",
                    found: format!("{}, which comes after {}", log_line(from), log_line(to)),
                    expected: String::from("the commit before, and with --to the one after"),
                });
            }
            return Ok(Ok(Self {
                of: None,
                branch: branch.ok_or_else(unnamed)?,
                before: Some(before),
                after,
                by: By::Hand,
            }));
        }
        let event = live::event(args.event.as_deref(), context.environment)?;
        Self::of_event(event.ok_or(Error::NoPush)?)
    }

    fn of_event(event: Event) -> Result<Result<Self, String>, Error> {
        Ok(match event {
            Event::Push {
                repo,
                branch,
                before,
                head: Some(after),
                default_branch,
            } => Ok(Self {
                of: Some(repo),
                branch,
                before,
                after,
                by: By::Push(default_branch),
            }),
            Event::Push { head: None, .. } => Err(String::from("the branch was deleted")),
            Event::Closed {
                repo,
                number,
                landing: Some(landing),
                ..
            } => {
                let Landing {
                    base_ref,
                    base,
                    commit,
                } = landing;
                Ok(Self {
                    of: Some(repo),
                    branch: base_ref,
                    before: Some(base),
                    after: commit,
                    by: By::Merge(number),
                })
            }
            Event::Closed {
                number,
                merged: false,
                ..
            } => Err(format!("pull request #{number} was closed without a merge")),
            _ => return Err(Error::NoPush),
        })
    }

    /// The same as something on GitHub that commits can be fetched of and a ledger be written for.
    pub(super) fn subject(&self) -> Option<Subject> {
        Some(Subject::Group(Group {
            repo: self.of.clone()?,
            base_ref: self.branch.clone(),
            base: self.before.clone().unwrap_or_else(|| self.after.clone()),
            head: self.after.clone(),
            last: None,
        }))
    }
}

fn unnamed() -> Error {
    Error::Usage {
        what: "--branch",
        found: String::from("none, and no default branch"),
        expected: String::from("the name of the branch that got this"),
    }
}
