//! What GitHub says about who wrote and who reviewed a change: read live, or from a file that
//! `gatecard approvals --format json` saved, so that a laptop repeats the verdict.
//!
//! Nothing in here is a judgement, and nothing says more than the server told.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::git::CommitSha;

/// Everything that was observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observed {
    /// The pull requests: one, or the members of a merge queue's group.
    pub(crate) pulls: Vec<Pull>,
    /// Teams by `org/slug` in lower case.
    #[serde(default)]
    pub(crate) teams: BTreeMap<String, Team>,
    /// Whether an account, by its id, may write to the repository.
    #[serde(default)]
    pub(crate) writers: BTreeMap<u64, bool>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pull {
    /// Its number.
    pub(crate) number: u64,
    /// The branch that it wants to change.
    pub(crate) base_ref: String,
    /// Its last commit.
    pub(crate) head: CommitSha,
    /// Who opened it; nobody where the account was removed.
    pub(crate) author: Option<Account>,
    /// All reviews in the order of their submission.
    pub(crate) reviews: Vec<Review>,
    /// Who wrote commits of it, where that was asked.
    #[serde(default)]
    pub(crate) authorship: BTreeMap<CommitSha, Authorship>,
    /// What may have moved its reviews to other commits.
    pub(crate) moves: Moves,
}

/// An account: its id survives renaming.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// The id.
    pub(crate) id: u64,
    /// The name, for people.
    pub(crate) login: String,
    /// Whether it is no person.
    #[serde(default)]
    pub(crate) bot: bool,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    /// Its id.
    pub(crate) id: u64,
    /// Who wrote it; nobody where the account was removed.
    pub(crate) user: Option<Account>,
    /// What it says: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, `PENDING`, or
    /// a word that is not known yet.
    pub(crate) state: String,
    /// The commit that GitHub shows it on. GitHub moves it after a force-push, and forgets it.
    pub(crate) commit: Option<CommitSha>,
    /// When it was submitted.
    pub(crate) submitted_at: Option<DateTime<Utc>>,
    /// `OWNER`, `MEMBER`, `COLLABORATOR`, `CONTRIBUTOR`, ...
    #[serde(default)]
    pub(crate) association: String,
}

/// Who wrote a commit, as far as GitHub knows accounts for the addresses in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authorship {
    /// Author, co-authors and committer.
    pub(crate) people: BTreeSet<Account>,
    /// Addresses that no account is known for.
    #[serde(default)]
    pub(crate) unknown: u64,
}

/// What may have moved a pull request's reviews to other commits, as the server recorded it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moves {
    /// The timeline could be read.
    Timeline {
        /// The last force-push of the head.
        force_pushed: Option<DateTime<Utc>>,
        /// The last change of the base branch.
        retargeted: Option<DateTime<Utc>>,
    },
    /// It could not. A review that was made before gatecard's first status on its commit may
    /// then have been moved there.
    FirstSeen(BTreeMap<CommitSha, DateTime<Utc>>),
}

/// The members of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Team {
    /// The members' account ids.
    Members(BTreeSet<u64>),
    /// The token may not read them, or something else went wrong: why.
    Unreadable(String),
}

/// What the rules need to know beside the reviews: asked of GitHub only where it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Questions {
    /// Teams whose members decide, by `org/slug` in lower case.
    pub(crate) teams: BTreeSet<String>,
    /// Commits whose authors cannot approve.
    pub(crate) commits: BTreeSet<CommitSha>,
    /// Whether it matters which reviewers may write to the repository.
    pub(crate) writers: bool,
}
