//! The files that the policy's `datasets` and `judges` find: what evals are made of beside the
//! prompt. Each set has one digest, which a run can be stamped with.

use std::collections::BTreeMap;

use serde_json::json;

use crate::change::{ChangeSet, GovernedKind};
use crate::git::{CommitSha, GitError, Repo, RepoPath};
use crate::glob::Pattern;
use crate::policy::{Policy, scope};
use crate::prompt::canonical;
use crate::units::Digest;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Eval datasets.
    Datasets,
    /// Judge prompts.
    Judges,
}

impl Kind {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Datasets, Self::Judges];

    /// The key in the policy, and what stands after `gatecard:` in a stamp.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Datasets => "datasets",
            Self::Judges => "judges",
        }
    }

    fn patterns(self, policy: &Policy) -> &[Pattern] {
        match self {
            Self::Datasets => &policy.datasets,
            Self::Judges => &policy.judges,
        }
    }

    /// Whether the change touches one of the files.
    fn is_touched(self, changes: &ChangeSet) -> bool {
        let kind = match self {
            Self::Datasets => GovernedKind::Dataset,
            Self::Judges => GovernedKind::Judge,
        };
        changes.governed.iter().any(|file| file.kind == kind)
    }
}

/// The files of a set at a commit, each with the Git id of its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<RepoPath, String>);

impl Files {
    /// Finds them.
    pub(crate) fn at(
        repo: &Repo,
        commit: &CommitSha,
        (policy, kind): (&Policy, Kind),
    ) -> Result<Self, GitError> {
        let mut found = BTreeMap::new();
        for pattern in kind.patterns(policy) {
            for (path, entry) in repo.files(commit, &scope::root(pattern))? {
                if pattern.is_match(path.as_str()) {
                    found.insert(path, entry.id.to_string());
                }
            }
        }
        Ok(Self(found))
    }

    /// SHA-256 over the names and ids in canonical JSON; none where there is no file.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let named: BTreeMap<&str, &String> = self
            .0
            .iter()
            .map(|(path, id)| (path.as_str(), id))
            .collect();
        let text = canonical::json(&json!(named));
        (!named.is_empty()).then(|| Digest::of(text.as_bytes()))
    }
}

/// One set as the head has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    /// The digest of its files.
    pub(crate) digest: Option<Digest>,
    /// The pull request changes one of them.
    pub(crate) touched: bool,
}

/// Both sets as the head has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sets(BTreeMap<Kind, Set>);

impl Sets {
    /// Finds them.
    pub(crate) fn at_head(
        repo: &Repo,
        head: &CommitSha,
        policy: &Policy,
        changes: &ChangeSet,
    ) -> Result<Self, GitError> {
        let mut sets = BTreeMap::new();
        for kind in Kind::ALL {
            let set = Set {
                digest: Files::at(repo, head, (policy, kind))?.digest(),
                touched: kind.is_touched(changes),
            };
            sets.insert(kind, set);
        }
        Ok(Self(sets))
    }

    /// One of them.
    pub(crate) fn get(&self, kind: Kind) -> Set {
        self.0.get(&kind).cloned().unwrap_or_default()
    }
}
