//! Makes a small repository: what the demo builds and nothing else writes.

use std::path::Path;

use git2::{Oid, Repository, Signature, Time};

use super::{CommitSha, GitError};

/// A repository that is being made.
pub(crate) struct NewRepo {
    inner: Repository,
}

impl NewRepo {
    /// Makes a bare repository in an empty folder.
    pub(crate) fn init(path: &Path) -> Result<Self, GitError> {
        Ok(Self {
            inner: Repository::init_bare(path)?,
        })
    }

    /// Goes on with one that was made before.
    #[cfg(test)]
    pub(crate) fn open(path: &Path) -> Result<Self, GitError> {
        Ok(Self {
            inner: Repository::open(path)?,
        })
    }

    /// Makes one whose objects are only in memory, without branches.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn in_memory() -> Result<Self, GitError> {
        let inner = Repository::from_odb(git2::Odb::new()?)?;
        inner.odb()?.add_new_mempack_backend(1)?;
        Ok(Self { inner })
    }

    /// Reads what was made.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_repo(self) -> super::Repo {
        super::Repo { inner: self.inner }
    }

    /// Commits files on top of `parent`, whose other files stay, and points `branch` at it.
    /// The time is given, so that the same files give the same commit.
    pub(crate) fn commit<'f>(
        &self,
        branch: &str,
        parent: Option<&CommitSha>,
        files: impl Iterator<Item = (String, &'f [u8])>,
        (message, seconds): (&str, i64),
    ) -> Result<CommitSha, GitError> {
        let sha = self.add(parent, files, (message, seconds))?;
        let oid = Oid::from_str(sha.as_str())?;
        let reference = format!("refs/heads/{branch}");
        self.inner.reference(&reference, oid, true, message)?;
        Ok(sha)
    }

    /// Adds a commit that no branch points at.
    pub(crate) fn add<'f>(
        &self,
        parent: Option<&CommitSha>,
        files: impl Iterator<Item = (String, &'f [u8])>,
        (message, seconds): (&str, i64),
    ) -> Result<CommitSha, GitError> {
        let parent = match parent {
            Some(sha) => {
                let oid = Oid::from_str(sha.as_str())?;
                Some(self.inner.find_commit(oid)?)
            }
            None => None,
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, bytes) in files {
            let blob = self.inner.blob(bytes)?;
            update.upsert(path, blob, git2::FileMode::Blob);
        }
        let below = if let Some(parent) = &parent {
            parent.tree()?
        } else {
            let empty = self.inner.treebuilder(None)?.write()?;
            self.inner.find_tree(empty)?
        };
        let tree = update.create_updated(&self.inner, &below)?;
        let tree = self.inner.find_tree(tree)?;
        let author = Signature::new(
            "gatecard demo",
            "demo@example.invalid",
            &Time::new(seconds, 0),
        )?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let oid = self
            .inner
            .commit(None, &author, &author, message, &tree, &parents)?;
        Ok(CommitSha(oid.to_string()))
    }
}
