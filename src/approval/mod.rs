//! Who approved which closure: what GitHub says about a pull request's reviews, and the rules
//! that decide which approvals count.
//!
//! An approval is bound to content, never to a commit: it counts while the closure that its
//! reviewer saw is the closure that would be merged.

mod closure;
pub(crate) mod codeowners;
pub(crate) mod file;
mod group;
pub(crate) mod observed;
mod owners;
mod plan;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::git::{CommitSha, RepoPath};
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::units::Digest;
use crate::untrusted::Untrusted;
pub(crate) use group::Group;
use observed::Observed;
pub(crate) use plan::Plan;
pub(crate) use rules::opinion_of;

/// What is known of the reviews.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// What GitHub said.
    Observed(Observed),
    /// Nothing, and why.
    Unknown(String),
}

/// Every subject with every group that must approve it, and who did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Approvals {
    /// One for each subject and group.
    pub(crate) decisions: Vec<Decision>,
    /// Reviewers who request changes: they block every subject.
    pub(crate) requests: Vec<ChangeRequest>,
    /// Why nobody can tell, where nothing is known of the reviews.
    pub(crate) unknown: Option<Untrusted>,
    /// What readers should know beside the decisions.
    pub(crate) notes: Vec<Untrusted>,
}

impl Approvals {
    /// Whether there is nothing to show: nobody must approve, and nobody requests changes.
    pub(crate) const fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.requests.is_empty()
    }

    /// Leaves out who need not be asked, since the test set of the prompt asks for no less.
    pub(crate) fn without_test_sets(&mut self, keeps: impl Fn(&PromptId) -> bool) {
        self.decisions.retain(|each| match each.purpose {
            Purpose::Content => true,
            Purpose::TestSet => each.subject.prompt().is_none_or(&keeps),
        });
    }
}

/// What is approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A prompt with its closure.
    Prompt(PromptId),
    /// Other governed files.
    Files(Vec<RepoPath>),
}

impl Subject {
    /// The subject in one word, as reports name it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Prompt(id) => id.as_str(),
            Self::Files(_) => "governed files",
        }
    }

    /// The subject for people: files by their paths, the first three.
    pub(crate) fn words(&self) -> Untrusted {
        match self {
            Self::Prompt(id) => id.shown().clone(),
            Self::Files(paths) => {
                let shown: Vec<&str> = paths.iter().take(3).map(RepoPath::as_str).collect();
                match paths.len() - shown.len() {
                    0 => shown.join(", ").into(),
                    more => format!("{} and {more} more", shown.join(", ")).into(),
                }
            }
        }
    }

    /// The prompt, where it is one.
    pub(crate) const fn prompt(&self) -> Option<&PromptId> {
        match self {
            Self::Prompt(id) => Some(id),
            Self::Files(_) => None,
        }
    }
}

/// Why a group must approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// What would be merged.
    Content,
    /// A test set that asks for less: of a prompt, whether it does is known once the evidence is
    /// read; or a dataset or judge prompt.
    TestSet,
}

/// Whether one group approved one subject.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// What must be approved.
    pub(crate) subject: Subject,
    /// Its digest: of a prompt, the version.
    pub(crate) version: Option<Digest>,
    /// Why.
    pub(crate) purpose: Purpose,
    /// The commit that it is judged at.
    pub(crate) head: CommitSha,
    /// Who must approve.
    pub(crate) group: Group,
    /// Approvals that count.
    pub(crate) counted: Vec<Counted>,
    /// Approvals that do not, and why.
    pub(crate) discarded: Vec<Discarded>,
    /// Teams of the group that could not be read, and why.
    pub(crate) unreadable: Vec<(String, String)>,
}

impl Decision {
    /// What must be approved, for people.
    pub(crate) fn words(&self) -> Untrusted {
        let words = self.subject.words();
        match (self.purpose, &self.subject) {
            (Purpose::TestSet, Subject::Prompt(_)) => words.and(" (its test set)"),
            _ => words,
        }
    }

    /// The version of a prompt. The digest of other files stands nowhere else, so that people
    /// cannot find it.
    pub(crate) fn prompt_version(&self) -> Option<Digest> {
        self.version.filter(|_| self.subject.prompt().is_some())
    }
}

/// An approval that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The reviewer's login.
    pub(crate) reviewer: Untrusted,
    /// The reviewer's account id.
    pub(crate) account: u64,
    /// The pull request.
    pub(crate) pull: u64,
    /// The review.
    pub(crate) review: u64,
    /// The commit that was reviewed.
    pub(crate) commit: CommitSha,
    /// When.
    pub(crate) at: DateTime<Utc>,
}

/// An approval that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discarded {
    /// The reviewer's login.
    pub(crate) reviewer: Untrusted,
    /// The review.
    pub(crate) review: u64,
    /// Why: stable.
    pub(crate) code: Code,
    /// Why, in words.
    pub(crate) why: Untrusted,
}

/// A reviewer who requests changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeRequest {
    /// The reviewer's login.
    pub(crate) reviewer: Untrusted,
    /// The pull request.
    pub(crate) pull: u64,
    /// The review.
    pub(crate) review: u64,
}

/// The commits that must be in the clone to judge what was observed: those that approvals
/// name, and the heads of the pull requests.
pub(crate) fn commits(observed: &Observed) -> BTreeSet<CommitSha> {
    let mut found = BTreeSet::new();
    for pull in &observed.pulls {
        found.insert(pull.head.clone());
        found.extend(rules::approved(pull).into_iter().cloned());
    }
    found
}
