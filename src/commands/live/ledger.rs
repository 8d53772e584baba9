//! The ledger's branch at GitHub: followed with Git, written through the API.

use std::cell::Cell;
use std::time::Instant;

use super::supply;
use crate::commands::Context;
use crate::git::fetch::{BranchError, Remote};
use crate::git::{CommitSha, Repo};
use crate::github::commits::NewCommit;
use crate::github::session::{Phase, Session};
use crate::github::{GithubError, RepoName, Subject};
use crate::ledger::LedgerError;
use crate::ledger::append::{Addition, Committed, Store};
use crate::publish::Place;

/// The branch at GitHub, and the clone that it is read from.
pub(in crate::commands) struct Hosted<'a> {
    session: &'a Session,
    of: &'a RepoName,
    branch: &'a str,
    repo: &'a Repo,
    remote: Remote,
    phase: Phase,
    /// How often it was not known whether a commit was made.
    uncertain: Cell<usize>,
}

/// Gets the ledger as it is now, for all that reads it before there is a verdict. Without it the
/// verdict is the same, and only what was before is not shown.
pub(in crate::commands) fn follow(
    place: &Place<'_>,
    (repo, branch): (&Repo, &str),
    context: &mut Context<'_>,
) {
    let remote = supply::remote(place.subject, context);
    let at = (place.session, place.subject);
    let store = Hosted::of(at, (repo, branch), (remote, Phase::Reading));
    if let Err(error) = store.tip() {
        context.note(&format!("note: {error}"));
        if let Some(hint) = error.hint() {
            context.note(&format!("help: {hint}"));
        }
    }
}

impl<'a> Hosted<'a> {
    /// The branch as it is written to once all that there is to say is known.
    pub(in crate::commands) fn writable(
        (session, subject): (&'a Session, &'a Subject),
        (repo, branch): (&'a Repo, &'a str),
        context: &Context<'_>,
    ) -> Self {
        // What was fetched for the verdict takes no time from this.
        let end = Instant::now() + context.patience.recording;
        let remote = supply::until(end, subject, context.environment);
        let at = (session, subject);
        Self::of(at, (repo, branch), (remote, Phase::Recording))
    }

    fn of(
        (session, subject): (&'a Session, &'a Subject),
        (repo, branch): (&'a Repo, &'a str),
        (remote, phase): (Remote, Phase),
    ) -> Self {
        Self {
            session,
            of: subject.repo(),
            branch,
            repo,
            remote,
            phase,
            uncertain: Cell::new(0),
        }
    }
}

impl Store for Hosted<'_> {
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError> {
        let ask = self.session.client().tip(self.of, self.branch);
        let what = "find the tip of the branch";
        let now = self
            .session
            .run(self.phase, what, ask)
            .map_err(|error| of_github(&error))?;
        let followed = self.remote.follow(self.repo, self.branch, now.as_ref());
        followed.map_err(|error| of_branch(&error))?;
        Ok(now)
    }

    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError> {
        let client = self.session.client();
        let new = NewCommit {
            branch: self.branch,
            files: addition.files,
            message: addition.message,
        };
        let write = async {
            match addition.expected {
                Some(expected) => client.commit_on(self.of, expected, &new).await,
                None => client.first_commit(self.of, &new).await,
            }
        };
        let what = "commit to the branch";
        match self.session.run(self.phase, what, write) {
            Ok(Some(commit)) => Ok(Committed::Done(commit)),
            Ok(None) => Ok(Committed::Lost),
            // The next try looks first, and so finds what was made.
            Err(error) if error.is_uncertain() && self.is_patient() => Ok(Committed::Lost),
            Err(error) => Err(of_github(&error)),
        }
    }
}

impl Hosted<'_> {
    /// Whether to look once more after an answer that got lost.
    fn is_patient(&self) -> bool {
        self.uncertain.set(self.uncertain.get() + 1);
        self.uncertain.get() <= self.session.client().patience().pauses.len()
    }
}

fn of_github(error: &GithubError) -> LedgerError {
    LedgerError::Other {
        message: error.to_string(),
        hint: Some(error.hint()),
    }
}

fn of_branch(error: &BranchError) -> LedgerError {
    let hint = match error {
        BranchError::Git(error) => error.hint(),
        BranchError::Fetch(_) => Some(String::from(
            "check that the job reaches the server and that its token has `contents: read`",
        )),
        BranchError::Replaced { branch, seen, .. } => Some(format!(
            "find out who replaced it, and put it back with `git push --force origin {seen}:refs/heads/{branch}`; if it was meant, run `git update-ref -d refs/remotes/origin/{branch}`"
        )),
    };
    LedgerError::Other {
        message: error.to_string(),
        hint,
    }
}
