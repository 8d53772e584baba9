//! Branches by their names.

use git2::ErrorCode;

use super::{CommitSha, GitError, Repo};

impl Repo {
    /// The commit that a reference points at, by its whole name; `None` where there is none.
    pub(crate) fn reference(&self, name: &str) -> Result<Option<CommitSha>, GitError> {
        match self.inner.find_reference(name) {
            Ok(found) => {
                let commit = found.peel_to_commit()?;
                Ok(Some(CommitSha(commit.id().to_string())))
            }
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a commit's history has another one in it, or is the same.
    pub(crate) fn contains(&self, tip: &CommitSha, other: &CommitSha) -> Result<bool, GitError> {
        let (tip, other) = (self.oid(tip)?, self.oid(other)?);
        Ok(tip == other || self.inner.graph_descendant_of(tip, other)?)
    }
}
