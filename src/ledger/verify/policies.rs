//! The policy in force at a commit, each text read once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::git::{BlobId, CommitSha, GitError, Kind, Repo, RepoPath};
use crate::ledger::entry::PolicyAt;
use crate::ledger::name::bounded;
use crate::limits::POLICY;
use crate::policy::PATHS;
use crate::rules::{Origin, Rules};
use crate::units::Digest;

/// The policies of a repository.
pub(super) struct Policies<'a> {
    repo: &'a Repo,
    named: Option<&'a RepoPath>,
    known: RefCell<BTreeMap<(RepoPath, BlobId, bool), Found>>,
}

/// What is in force.
#[derive(Clone)]
pub(super) enum Found {
    /// These rules.
    Rules(Rc<Rules>),
    /// A policy with errors, which are not told here.
    Unusable(RepoPath),
    /// Nothing.
    None,
}

/// How a policy that an entry names compares with Git.
pub(super) enum Compared {
    /// It is the one.
    Same,
    /// It is not, and why.
    Differs(String),
    /// The clone lacks this commit.
    Lacks(CommitSha),
}

impl<'a> Policies<'a> {
    pub(super) const fn new(repo: &'a Repo, named: Option<&'a RepoPath>) -> Self {
        Self {
            repo,
            named,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// The rules of a change, as a check of it finds them: at base, else the first ones at head.
    pub(super) fn of(&self, base: &CommitSha, head: &CommitSha) -> Result<Found, GitError> {
        for (commit, origin) in [(base, Origin::Base), (head, Origin::Bootstrap)] {
            if origin == Origin::Bootstrap && self.named.is_some() {
                break;
            }
            if let Some(path) = self.path(commit)? {
                return self.read(commit, &path, origin);
            }
        }
        Ok(Found::None)
    }

    /// Where the policy of a commit lies.
    pub(super) fn path(&self, commit: &CommitSha) -> Result<Option<RepoPath>, GitError> {
        let usual = PATHS.iter().filter_map(|path| RepoPath::parse(path));
        let paths: Vec<RepoPath> = match self.named {
            Some(path) => vec![path.clone()],
            None => usual.collect(),
        };
        for path in paths {
            if self.repo.entry(commit, &path)?.is_some() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    fn read(&self, commit: &CommitSha, path: &RepoPath, origin: Origin) -> Result<Found, GitError> {
        let Some(entry) = self.repo.entry(commit, path)? else {
            return Ok(Found::None);
        };
        let key = (path.clone(), entry.id, origin == Origin::Base);
        if let Some(found) = self.known.borrow().get(&key) {
            return Ok(found.clone());
        }
        let text = match (entry.kind, self.repo.blob(entry.id, POLICY)) {
            (Kind::File, Ok(bytes)) => String::from_utf8(bytes).ok(),
            (Kind::File, Err(error @ GitError::Missing { .. })) => return Err(error),
            _ => None,
        };
        let rules = text.and_then(|text| Rules::read(&text, path, origin).ok());
        let found = match rules {
            Some(rules) => Found::Rules(Rc::new(rules)),
            None => Found::Unusable(path.clone()),
        };
        self.known.borrow_mut().insert(key, found.clone());
        Ok(found)
    }

    /// Compares what an entry says of the policy with what its base, or its head, has.
    pub(super) fn compare(
        &self,
        policy: &PolicyAt,
        (base, head): (&CommitSha, &CommitSha),
    ) -> Result<Compared, GitError> {
        let bootstrap = policy.origin == Origin::Bootstrap.id();
        if !bootstrap && policy.origin != Origin::Base.id() {
            let words = format!(
                "its origin is `{}`, expected base or bootstrap",
                policy.origin
            );
            return Ok(Compared::Differs(words));
        }
        if !self.repo.has(base) {
            return Ok(Compared::Lacks(base.clone()));
        }
        if bootstrap && let Some(path) = self.path(base)? {
            let words = format!("says that there was no policy, and its base has {path}");
            return Ok(Compared::Differs(words));
        }
        let commit = if bootstrap { head } else { base };
        if !self.repo.has(commit) {
            return Ok(Compared::Lacks(commit.clone()));
        }
        let path =
            RepoPath::parse(&policy.path).filter(|path| bounded(path.as_str()) == policy.path);
        let entry = match &path {
            Some(path) => self.repo.entry(commit, path)?,
            None => None,
        };
        let Some(entry) = entry else {
            let words = format!("commit {} has no file {}", commit.short(), policy.path);
            return Ok(Compared::Differs(words));
        };
        let found = Digest::of(&self.repo.blob(entry.id, POLICY)?);
        Ok(if found == policy.sha256 {
            Compared::Same
        } else {
            Compared::Differs(format!(
                "names {}, and {} at commit {} is {}",
                policy.sha256.short(),
                policy.path,
                commit.short(),
                found.short()
            ))
        })
    }
}
