//! The ledger in the clone: its own branch, which follows the one that was fetched.

use super::LedgerError;
use super::append::{Addition, Committed, Store};
use super::read::newest;
use crate::git::{CommitSha, GitError, Moved, Repo};

/// The branch of the clone.
pub(crate) struct Local<'r> {
    repo: &'r Repo,
    branch: String,
}

impl<'r> Local<'r> {
    /// The branch of this name, whether or not it is there.
    pub(crate) fn new(repo: &'r Repo, branch: &str) -> Self {
        Self {
            repo,
            branch: branch.to_owned(),
        }
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    fn move_to(&self, from: Option<&CommitSha>, to: &CommitSha) -> Result<Moved, LedgerError> {
        let name = self.reference();
        let moved = self.repo.move_reference(&name, from, to);
        moved.map_err(|error| self.unwritten(error))
    }

    fn unwritten(&self, source: GitError) -> LedgerError {
        LedgerError::Unwritten {
            folder: self.repo.common().display().to_string(),
            source,
        }
    }

    fn locked(&self) -> LedgerError {
        let reference = self.reference();
        let lock = self.repo.common().join(format!("{reference}.lock"));
        LedgerError::Locked {
            branch: self.branch.clone(),
            lock: lock.display().to_string(),
        }
    }
}

impl Store for Local<'_> {
    /// A branch that is behind the one that was fetched follows it first.
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError> {
        let here = self.repo.reference(&self.reference())?;
        let Some(newest) = newest(self.repo, &self.branch, here.clone())? else {
            return Ok(None);
        };
        if here.as_ref() == Some(&newest) {
            return Ok(here);
        }
        match self.move_to(here.as_ref(), &newest)? {
            // Where somebody else moved it meanwhile, the commit on top of this tip is lost, and
            // the next try looks again.
            Moved::Done | Moved::Elsewhere => Ok(Some(newest)),
            Moved::Locked => Err(self.locked()),
        }
    }

    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError> {
        let what = (addition.message, addition.at);
        let commit = self
            .repo
            .add_files(addition.expected, addition.files, what)
            .map_err(|error| self.unwritten(error))?;
        match self.move_to(addition.expected, &commit)? {
            Moved::Done => Ok(Committed::Done(commit)),
            Moved::Elsewhere => Ok(Committed::Lost),
            Moved::Locked => Err(self.locked()),
        }
    }
}
