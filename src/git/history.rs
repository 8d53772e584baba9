//! Walks over commits: all of a history, what one side has and another has not, what landed.

use std::collections::BTreeSet;

use git2::{Oid, Sort};

use super::{CommitSha, GitError, Repo};
use crate::files;
use crate::limits::GRAFTS;

/// A commit on a branch's own line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Landed {
    /// The commit.
    pub(crate) sha: CommitSha,
    /// Its parents.
    pub(crate) parents: Vec<CommitSha>,
    /// The first line of its message.
    pub(crate) subject: String,
}

impl Repo {
    /// Walks the history of a commit, newest first, until `visit` says stop or the clone's
    /// history ends.
    pub(crate) fn history(
        &self,
        from: &CommitSha,
        mut visit: impl FnMut(&CommitSha) -> Result<bool, GitError>,
    ) -> Result<(), GitError> {
        let mut walk = self.inner.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(self.oid(from)?)?;
        for oid in walk {
            // At the edge of a shallow clone the next parent is not there: history ends.
            let Ok(oid) = oid else { return Ok(()) };
            if !visit(&CommitSha(oid.to_string()))? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lists what landed on top of `base`: the commits from `head` back to it along first
    /// parents, newest first, at most `limit`.
    pub(crate) fn landed(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        limit: usize,
    ) -> Result<Vec<Landed>, GitError> {
        let (mut landed, mut next) = (Vec::new(), Some(head.clone()));
        while let Some(sha) = next.filter(|sha| sha != base && landed.len() < limit) {
            let missing = |_| GitError::Missing {
                what: format!("commit {}", sha.short()),
            };
            let commit = self.inner.find_commit(self.oid(&sha)?).map_err(missing)?;
            let parents: Vec<CommitSha> = commit
                .parent_ids()
                .map(|id| CommitSha(id.to_string()))
                .collect();
            let subject = commit.summary_bytes().unwrap_or_default();
            next = parents.first().cloned();
            landed.push(Landed {
                subject: String::from_utf8_lossy(subject).into_owned(),
                parents,
                sha,
            });
        }
        Ok(landed)
    }

    /// Lists the commits that `head` has and `base` has not, each with its parents. A history
    /// that this clone does not have whole is an error: whoever wrote the rest is not known.
    pub(crate) fn commits(
        &self,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Vec<(CommitSha, Vec<CommitSha>)>, GitError> {
        let missing = |_| GitError::Missing {
            what: format!("the history of commit {}", head.short()),
        };
        let mut walk = self.inner.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        walk.push(self.oid(head)?).map_err(missing)?;
        walk.hide(self.oid(base)?).map_err(missing)?;
        let edge = self.edge()?;
        let mut found = Vec::new();
        for oid in walk {
            let commit = self.inner.find_commit(oid.map_err(missing)?);
            let commit = commit.map_err(missing)?;
            // At the edge a commit looks like a first one.
            if edge.contains(&commit.id()) {
                return Err(GitError::Missing {
                    what: format!("the parents of commit {}", commit.id()),
                });
            }
            let parents = commit.parent_ids().map(|id| CommitSha(id.to_string()));
            found.push((CommitSha(commit.id().to_string()), parents.collect()));
        }
        Ok(found)
    }

    /// Whether the clone's history ends somewhere between these commits and their common
    /// ancestor.
    pub(super) fn is_cut_off(
        &self,
        ancestor: &CommitSha,
        commits: &[&CommitSha],
    ) -> Result<bool, GitError> {
        let edge = self.edge()?;
        if edge.is_empty() {
            return Ok(false);
        }
        let mut walk = self.inner.revwalk()?;
        for commit in commits {
            walk.push(self.oid(commit)?)?;
        }
        walk.hide(self.oid(ancestor)?)?;
        for oid in walk {
            // A walk that breaks off has met the edge as well.
            if oid.map_or(true, |oid| edge.contains(&oid)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the clone has the history of a commit down to its root.
    pub(super) fn is_whole(&self, commit: &CommitSha) -> Result<bool, GitError> {
        let edge = self.edge()?;
        if edge.is_empty() {
            return Ok(true);
        }
        let mut walk = self.inner.revwalk()?;
        walk.push(self.oid(commit)?)?;
        for oid in walk {
            if oid.map_or(true, |oid| edge.contains(&oid)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The commits of a shallow clone whose parents were not fetched.
    pub(super) fn edge(&self) -> Result<BTreeSet<Oid>, GitError> {
        if !self.is_shallow() {
            return Ok(BTreeSet::new());
        }
        let file = self.inner.commondir().join("shallow");
        let bytes = files::read_bounded(&file, GRAFTS).map_err(|error| GitError::Other {
            message: error.to_string(),
        })?;
        let format = self.inner.object_format();
        Ok(String::from_utf8_lossy(&bytes)
            .lines()
            .filter_map(|line| Oid::from_str_ext(line.trim(), format).ok())
            .collect())
    }
}
