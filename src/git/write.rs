//! Makes commits, and the small repository that the demo builds.

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
        let inner = Repository::init_bare(path)?;
        // Whatever this machine calls a first branch, the one that is made here is `main`.
        inner.set_head("refs/heads/main")?;
        Ok(Self { inner })
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

    /// Reads what was made in memory: its folder is a place where nothing can be kept.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn into_repo(self) -> super::Repo {
        super::Repo {
            inner: self.inner,
            common: std::path::PathBuf::from("/dev/null"),
        }
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
        let author = Signature::new(
            "gatecard demo",
            "demo@example.invalid",
            &Time::new(seconds, 0),
        )?;
        let oid = add(&self.inner, parent.as_ref(), files, (&author, message))?;
        Ok(CommitSha(oid.to_string()))
    }
}

/// Adds a commit with files on top of `parent`, whose other files stay. No branch points at it.
pub(super) fn add<'f>(
    repo: &Repository,
    parent: Option<&git2::Commit<'_>>,
    files: impl Iterator<Item = (String, &'f [u8])>,
    (author, message): (&Signature<'_>, &str),
) -> Result<Oid, git2::Error> {
    let mut update = git2::build::TreeUpdateBuilder::new();
    for (path, bytes) in files {
        let blob = repo.blob(bytes)?;
        update.upsert(path, blob, git2::FileMode::Blob);
    }
    let below = if let Some(parent) = parent {
        parent.tree()?
    } else {
        repo.find_tree(repo.treebuilder(None)?.write()?)?
    };
    let tree = repo.find_tree(update.create_updated(repo, &below)?)?;
    let parents: Vec<&git2::Commit<'_>> = parent.into_iter().collect();
    repo.commit(None, author, author, message, &tree, &parents)
}

/// A file of a commit of any shape; nothing where it is removed.
#[cfg(test)]
pub(crate) type Forged<'f> = (&'f str, Option<(&'f [u8], super::Kind)>);

#[cfg(test)]
impl super::Repo {
    /// Adds a commit of any shape: with any parents, with files of any kind added, replaced or
    /// removed on top of the first parent's.
    pub(crate) fn forge(
        &self,
        parents: &[&CommitSha],
        files: &[Forged<'_>],
        seconds: i64,
    ) -> CommitSha {
        let parents: Vec<git2::Commit<'_>> = parents
            .iter()
            .map(|sha| self.inner.find_commit(self.oid(sha).unwrap()).unwrap())
            .collect();
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, file) in files {
            match file {
                None => drop(update.remove(*path)),
                Some((bytes, kind)) => {
                    let (id, mode) = match kind {
                        super::Kind::Symlink => {
                            (self.inner.blob(bytes).unwrap(), git2::FileMode::Link)
                        }
                        super::Kind::Submodule => (parents[0].id(), git2::FileMode::Commit),
                        _ => (self.inner.blob(bytes).unwrap(), git2::FileMode::Blob),
                    };
                    update.upsert(*path, id, mode);
                }
            }
        }
        let below = if let Some(parent) = parents.first() {
            parent.tree().unwrap()
        } else {
            let empty = self.inner.treebuilder(None).unwrap().write().unwrap();
            self.inner.find_tree(empty).unwrap()
        };
        let tree = update.create_updated(&self.inner, &below).unwrap();
        let tree = self.inner.find_tree(tree).unwrap();
        let who = Signature::new("a", "a@example.invalid", &Time::new(seconds, 0)).unwrap();
        let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
        let oid = self
            .inner
            .commit(None, &who, &who, "change", &tree, &parents)
            .unwrap();
        CommitSha(oid.to_string())
    }
}
