//! What an approval is bound to: the content of a subject at a commit, as one digest.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Change, ChangeSet};
use crate::git::{BlobId, CommitSha, GitError, Repo, RepoPath};
use crate::limits::PROMPT;
use crate::policy::Policy;
use crate::policy::scope::Governance;
use crate::prompt::includes::may_include;
use crate::units::Digest;

/// What is approved.
#[derive(Clone)]
pub(super) enum Target<'a> {
    /// A prompt with everything that it includes.
    Prompt(&'a Change),
    /// Other governed files.
    Files(Vec<RepoPath>),
}

/// A subject whose digest is asked at many commits.
pub(super) struct Closure<'a> {
    repo: &'a Repo,
    policy: &'a Policy,
    target: Target<'a>,
    /// Digests by what they were computed from.
    known: BTreeMap<Vec<Option<BlobId>>, Option<Digest>>,
}

impl<'a> Closure<'a> {
    pub(super) fn new(repo: &'a Repo, policy: &'a Policy, target: Target<'a>) -> Self {
        Self {
            repo,
            policy,
            target,
            known: BTreeMap::new(),
        }
    }

    /// The digest at a commit: of a prompt its version, `None` where it is not there or cannot
    /// be read; of files the digest of their names and contents.
    pub(super) fn at(&mut self, commit: &CommitSha) -> Result<Option<Digest>, GitError> {
        let change = match &self.target {
            Target::Files(paths) => return files(self.repo, commit, paths),
            Target::Prompt(change) => *change,
        };
        let source = self.source(change, commit)?;
        if let Some(digest) = self.known.get(&source) {
            return Ok(*digest);
        }
        let digest = ChangeSet::version_at(self.repo, self.policy, change, commit)?;
        self.known.insert(source, digest);
        Ok(digest)
    }

    /// What a prompt's version can depend on: its file and the shared config. A file that may
    /// include others can depend on any file, so the whole tree stands for those.
    fn source(&self, change: &Change, commit: &CommitSha) -> Result<Vec<Option<BlobId>>, GitError> {
        let mut paths = BTreeSet::new();
        let mut source = Vec::new();
        let mut includes = false;
        for prompt in [&change.base, &change.head].into_iter().flatten() {
            paths.insert(&prompt.path);
            if let Governance::Governed(rule) = self.policy.scope.of(&prompt.path) {
                paths.extend(rule.models.iter().chain(&rule.retrieval));
            }
        }
        for path in paths {
            let id = self.repo.entry(commit, path)?.map(|entry| entry.id);
            // What cannot be read here is told where it is read as a prompt.
            includes |= id
                .and_then(|id| self.repo.blob(id, PROMPT).ok())
                .is_some_and(|bytes| may_include(&bytes));
            source.push(id);
        }
        if includes {
            source.push(self.repo.folder_id(commit, &RepoPath::root())?);
        }
        Ok(source)
    }

    /// Which of these commits changed the content. A merge did not where it took over the only
    /// change that there was, so that updating a branch changes nothing; where it chose between
    /// two, or made something new, it did.
    pub(super) fn changed_by(
        &mut self,
        commits: &[(CommitSha, Vec<CommitSha>)],
    ) -> Result<BTreeSet<CommitSha>, GitError> {
        let mut found = BTreeSet::new();
        for (commit, parents) in commits {
            let own = self.at(commit)?;
            let changed = match parents.as_slice() {
                // A root commit made everything that it has.
                [] => own.is_some(),
                [parent] => self.at(parent)? != own,
                [one, other] => {
                    let (a, b) = (self.at(one)?, self.at(other)?);
                    let other = if a == own { b } else { a };
                    (a != own && b != own) || (other != own && !self.is_of_base(other, parents)?)
                }
                many => {
                    let mut differs = false;
                    for parent in many {
                        differs |= self.at(parent)? != own;
                    }
                    differs
                }
            };
            if changed {
                found.insert(commit.clone());
            }
        }
        Ok(found)
    }

    /// Whether a parent of a merge has the content from which both parents came: then only the
    /// other one changed it.
    fn is_of_base(
        &mut self,
        content: Option<Digest>,
        parents: &[CommitSha],
    ) -> Result<bool, GitError> {
        let [one, other] = parents else {
            return Ok(false);
        };
        match self.repo.merge_base(one, other) {
            Ok(base) => Ok(self.at(&base)? == content),
            // What cannot be told may have been a choice.
            Err(_) => Ok(false),
        }
    }
}

/// Of the sorted paths, each with the id of its content. A name that is not UTF-8 cannot be
/// looked up, so nothing shows that such a file stayed the same.
fn files(repo: &Repo, commit: &CommitSha, paths: &[RepoPath]) -> Result<Option<Digest>, GitError> {
    let mut bytes = Vec::new();
    for path in paths {
        if path.as_str().contains('\u{FFFD}') {
            return Ok(None);
        }
        // A path has no NUL, and an id is as long as every other.
        bytes.extend_from_slice(path.as_str().as_bytes());
        bytes.push(0);
        match repo.entry(commit, path)? {
            Some(entry) => {
                // A link to the same bytes is something else.
                bytes.push(1 + entry.kind as u8);
                bytes.extend_from_slice(entry.id.as_bytes());
            }
            None => bytes.push(0),
        }
    }
    Ok(Some(Digest::of(&bytes)))
}
