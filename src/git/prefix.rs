//! Commits by the first characters of their id.

use git2::ErrorCode;

use super::{CommitSha, GitError, Repo};

impl Repo {
    /// The one commit whose id starts with these hexadecimal characters; `None` where there is
    /// none, or more than one.
    pub(crate) fn starting(&self, prefix: &str) -> Result<Option<CommitSha>, GitError> {
        match self.inner.find_commit_by_prefix(prefix) {
            Ok(commit) => Ok(Some(CommitSha(commit.id().to_string()))),
            Err(error) => match error.code() {
                ErrorCode::NotFound | ErrorCode::Ambiguous | ErrorCode::InvalidSpec => Ok(None),
                _ => Err(error.into()),
            },
        }
    }
}
