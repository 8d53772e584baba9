//! Adds commits to a branch of the clone that others write to as well.

use chrono::{DateTime, Utc};
use git2::{ErrorCode, Oid, Signature, Time};

use super::write::add;
use super::{CommitSha, GitError, Repo};

/// Who makes the commits: never the name and address in the configuration of whoever runs it.
const NAME: &str = "gatecard";
const ADDRESS: &str = "gatecard@users.noreply.invalid";

/// Whether a branch was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    /// It was where it was expected to be, and is now at the new commit.
    Done,
    /// It was somewhere else.
    Elsewhere,
    /// Another process is moving it, or one was killed while it did.
    Locked,
}

impl Repo {
    /// Adds a commit with files on top of `parent`. Nothing points at it yet.
    pub(crate) fn add_files(
        &self,
        parent: Option<&CommitSha>,
        files: &[(String, Vec<u8>)],
        (message, at): (&str, DateTime<Utc>),
    ) -> Result<CommitSha, GitError> {
        let parent = match parent {
            Some(sha) => Some(self.inner.find_commit(self.oid(sha)?)?),
            None => None,
        };
        let author = Signature::new(NAME, ADDRESS, &Time::new(at.timestamp(), 0))?;
        let files = files
            .iter()
            .map(|(path, bytes)| (path.clone(), bytes.as_slice()));
        let oid = add(&self.inner, parent.as_ref(), files, (&author, message))?;
        Ok(CommitSha(oid.to_string()))
    }

    /// Moves a reference, by its whole name, if it is where it is expected to be: `None` where
    /// it is not to exist yet. The comparison is made under Git's own lock.
    pub(crate) fn move_reference(
        &self,
        name: &str,
        from: Option<&CommitSha>,
        to: &CommitSha,
    ) -> Result<Moved, GitError> {
        let to = self.oid(to)?;
        let from = match from {
            Some(from) => self.oid(from)?,
            // No object has this id: it stands for a reference that is not there.
            None => Oid::from_str_ext(
                &"0".repeat(to.as_bytes().len() * 2),
                self.inner.object_format(),
            )?,
        };
        let moved = self
            .inner
            .reference_matching(name, to, true, from, "gatecard: append");
        match moved {
            Ok(_) => Ok(Moved::Done),
            Err(error) => match error.code() {
                ErrorCode::Modified | ErrorCode::NotFound => Ok(Moved::Elsewhere),
                ErrorCode::Locked => Ok(Moved::Locked),
                _ => Err(error.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::write::NewRepo;

    const BRANCH: &str = "refs/heads/gatecard/ledger";

    #[test]
    fn a_reference_moves_only_from_where_it_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        NewRepo::init(folder.path()).unwrap();
        let repo = Repo::open(folder.path()).unwrap();
        let commit = |parent: Option<&CommitSha>, text: &str| {
            let files = [(String::from("a/b"), text.as_bytes().to_vec())];
            repo.add_files(parent, &files, (text, DateTime::UNIX_EPOCH))
                .unwrap()
        };
        let (one, other) = (commit(None, "one"), commit(None, "other"));
        let two = commit(Some(&one), "two");
        for (from, to, want) in [
            (Some(&one), &two, Moved::Elsewhere),
            (None, &one, Moved::Done),
            (None, &other, Moved::Elsewhere),
            (Some(&other), &two, Moved::Elsewhere),
            (Some(&one), &two, Moved::Done),
        ] {
            let there = repo.reference(BRANCH).unwrap();
            let moved = repo.move_reference(BRANCH, from, to).unwrap();
            assert_eq!(moved, want, "from {from:?} at {there:?}");
            let now = repo.reference(BRANCH).unwrap();
            let expected = if want == Moved::Done {
                Some(to.clone())
            } else {
                there
            };
            assert_eq!(now, expected);
        }
        let lock = folder.path().join("refs/heads/gatecard/ledger.lock");
        std::fs::write(lock, "").unwrap();
        let moved = repo.move_reference(BRANCH, Some(&two), &other).unwrap();
        assert_eq!(moved, Moved::Locked);
    }

    #[test]
    fn a_branch_contains_what_it_was() {
        let repo = NewRepo::in_memory().unwrap().into_repo();
        let add = |parent: Option<&CommitSha>, text: &str| {
            repo.add_files(parent, &[], (text, DateTime::UNIX_EPOCH))
                .unwrap()
        };
        let one = add(None, "one");
        let (two, fork) = (add(Some(&one), "two"), add(Some(&one), "fork"));
        for (tip, other, want) in [
            (&one, &one, true),
            (&two, &one, true),
            (&one, &two, false),
            (&two, &fork, false),
        ] {
            assert_eq!(repo.contains(tip, other).unwrap(), want);
        }
    }
}
