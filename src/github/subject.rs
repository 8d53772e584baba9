//! What a verdict is about on GitHub: a pull request, or a group of a merge queue.

use super::{Group, PullRequest, RepoName};
use crate::git::CommitSha;

/// What is judged, and where the verdict goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A pull request.
    Pull(PullRequest),
    /// A group of a merge queue.
    Group(Group),
}

impl Subject {
    /// The repository.
    pub(crate) const fn repo(&self) -> &RepoName {
        match self {
            Self::Pull(pull) => &pull.repo,
            Self::Group(group) => &group.repo,
        }
    }

    /// The branch that is to be changed.
    pub(crate) fn base_ref(&self) -> &str {
        match self {
            Self::Pull(pull) => &pull.base_ref,
            Self::Group(group) => &group.base_ref,
        }
    }

    /// What the change is compared with: the branch's tip, or the group before.
    pub(crate) const fn base(&self) -> &CommitSha {
        match self {
            Self::Pull(pull) => &pull.base,
            Self::Group(group) => &group.base,
        }
    }

    /// The name of the status: `gatecard: <base ref>`, or what the policy says.
    pub(crate) fn status_name(&self, named: Option<&str>) -> String {
        named.map_or_else(|| format!("gatecard: {}", self.base_ref()), str::to_owned)
    }

    /// The commit that the status goes to.
    pub(crate) const fn head(&self) -> &CommitSha {
        match self {
            Self::Pull(pull) => &pull.head,
            Self::Group(group) => &group.head,
        }
    }
}
