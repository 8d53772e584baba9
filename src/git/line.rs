//! A branch's own line: its commits along first parents, and who signed each.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use git2::{ErrorCode, Oid};

use super::{CommitSha, GitError, Repo};

/// A commit on a branch's own line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnLine {
    /// The commit.
    pub(crate) sha: CommitSha,
    /// Its parents.
    pub(crate) parents: Vec<CommitSha>,
    /// When it was made, by its committer's clock.
    pub(crate) at: DateTime<Utc>,
}

/// A branch's own line, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its commits, newest first.
    pub(crate) commits: Vec<OnLine>,
    /// The clone lacks what comes before the last of them.
    pub(crate) cut_off: bool,
}

/// A commit's signature, and the bytes that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitSignature {
    /// The signature: `OpenPGP` or SSH, in ASCII.
    pub(crate) text: Vec<u8>,
    /// The commit without it.
    pub(crate) signed: Vec<u8>,
}

impl Repo {
    /// Walks from a commit along first parents until `last` says so, or to the first commit.
    pub(crate) fn line(
        &self,
        tip: &CommitSha,
        mut last: impl FnMut(&OnLine) -> bool,
    ) -> Result<Line, GitError> {
        let edge: BTreeSet<Oid> = self.edge()?;
        let mut line = Line {
            commits: Vec::new(),
            cut_off: false,
        };
        let mut next = Some(self.oid(tip)?);
        while let Some(oid) = next {
            let commit = match self.inner.find_commit(oid) {
                Ok(commit) => commit,
                Err(error) if error.code() == ErrorCode::NotFound => {
                    line.cut_off = true;
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            let parents = commit.parent_ids().map(|id| CommitSha(id.to_string()));
            let found = OnLine {
                sha: CommitSha(oid.to_string()),
                parents: parents.collect(),
                at: DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default(),
            };
            let enough = last(&found);
            line.commits.push(found);
            if enough {
                break;
            }
            if edge.contains(&oid) {
                line.cut_off = true;
                break;
            }
            next = commit.parent_ids().next();
        }
        Ok(line)
    }

    /// A commit's signature, where it has one.
    pub(crate) fn signature(
        &self,
        commit: &CommitSha,
    ) -> Result<Option<CommitSignature>, GitError> {
        match self.inner.extract_signature(&self.oid(commit)?, None) {
            Ok((text, signed)) => Ok(Some(CommitSignature {
                text: text.to_vec(),
                signed: signed.to_vec(),
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
