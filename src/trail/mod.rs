//! What is on record of a prompt version: who approved it, on what evidence, by what verdict.
//!
//! [`Shelf`] holds the entries that were looked up, [`record()`] puts them together for one
//! version, and [`text`] and [`csv`] print the result.

pub(crate) mod csv;
mod record;
mod saw;
mod shelf;
pub(crate) mod text;

use serde::Serialize;

use crate::ledger::verdict::{Category, Comparison, Coverage, Evals, Outcome};
use crate::units::Digest;

pub(crate) use record::{Wanted, When, covering, record};
pub(crate) use shelf::Shelf;

/// A version of a prompt with everything that is on record of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Record {
    /// The prompt's id.
    pub(crate) prompt: String,
    /// The id it had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renamed_from: Option<String>,
    /// Its file.
    pub(crate) path: String,
    /// The version; absent where the prompt was removed, or cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Digest>,
    /// The label that its file declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    /// Why it cannot be read: a reason code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// What the base branch made of it.
    pub(crate) standing: Standing,
    /// The commit that brought it to the base branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) landed: Option<Landed>,
    /// The number of the merge entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) merge: Option<u64>,
    /// When the merge entry was appended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recorded: Option<String>,
    /// Why it is an ungated change: a reason code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ungated: Option<String>,
    /// The verdict that was relied on; of a version that was not merged, the newest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<Judged>,
    /// Who approved it, as that verdict counted.
    pub(crate) approvals: Vec<Approver>,
    /// The evidence that was judged.
    pub(crate) evidence: Vec<Kept>,
    /// The gates that were let red.
    pub(crate) waivers: Vec<Waived>,
    /// The entries about it that were corrected, and support nothing any more.
    pub(crate) amended: Vec<Amended>,
}

/// What the base branch made of a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// The branch got it, and a merge entry says so.
    Merged,
    /// The branch has it, and no merge entry says how it got there.
    #[default]
    Unrecorded,
    /// A commit in the middle of a push: the branch itself never stood there.
    Between,
    /// It was judged, and the branch never got it.
    Judged,
    /// No entry tells whether or when the branch got it, and the clone does not go back that far.
    Unseen,
}

impl Standing {
    /// Its word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Unrecorded => "unrecorded",
            Self::Between => "between",
            Self::Judged => "judged",
            Self::Unseen => "unseen",
        }
    }
}

/// A commit on the base branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Landed {
    /// The commit.
    pub(crate) commit: String,
    /// When: by its committer's clock, held to what its neighbours and the ledger say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<String>,
    /// Its author's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
}

/// A verdict on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
pub(crate) struct Judged {
    /// The entry's number.
    pub(crate) entry: u64,
    /// Of the entry's bytes.
    pub(crate) sha256: Digest,
    /// The pull request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// The commit that was judged.
    pub(crate) head: String,
    /// When.
    pub(crate) judged: String,
    /// `pass`, `fail` or `error`.
    pub(crate) verdict: String,
    /// `observe`, `advise` or `enforce`.
    pub(crate) mode: String,
    /// The final score, two decimals; absent where there was nothing to score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<String>,
    /// The band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) band: Option<String>,
    /// The gates that say something of this prompt, or of the change as a whole.
    pub(crate) gates: Gates,
    /// What people saw.
    #[serde(flatten)]
    pub(crate) saw: Saw,
}

/// What a verdict showed of a version, as its entry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Saw {
    /// `added`, `modified`, `renamed` or `removed`.
    pub(crate) change: String,
    /// The prompt's risk tier.
    pub(crate) risk: String,
    /// The version that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Digest>,
    /// What of it changed.
    pub(crate) facets: Vec<String>,
    /// Why the full card was needed.
    pub(crate) triggers: Vec<String>,
    /// The cases of both sides.
    pub(crate) evals: Vec<Evals>,
    /// Baseline against candidate.
    pub(crate) comparisons: Vec<Comparison>,
    /// What the traces showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Coverage>,
    /// The seven categories.
    pub(crate) categories: Vec<Category>,
    /// What each gate said of this prompt, or of the change as a whole.
    pub(crate) outcomes: Vec<Outcome>,
}

/// How the gates came out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Gates {
    /// Those that were green.
    pub(crate) green: Vec<String>,
    /// Those that were red and stood in the way.
    pub(crate) blocking: Vec<String>,
    /// Those that were red and warned.
    pub(crate) warning: Vec<String>,
}

impl Gates {
    /// How many there were.
    pub(crate) const fn total(&self) -> usize {
        self.green.len() + self.blocking.len() + self.warning.len()
    }

    /// Those that were red.
    pub(crate) fn red(&self) -> Vec<&str> {
        let red = self.blocking.iter().chain(&self.warning);
        red.map(String::as_str).collect()
    }
}

/// Somebody who approved, for a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Approver {
    /// The group.
    pub(crate) group: String,
    /// Their login when they approved; absent where no entry tells of the review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<String>,
    /// Their account's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
    /// The review's id.
    pub(crate) review: u64,
    /// The number of the approve entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<u64>,
    /// When the review was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) submitted: Option<String>,
    /// When it was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recorded: Option<String>,
    /// The pull request that was reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// The commit that was reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// What took the approval back later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lost: Option<Lost>,
}

/// An entry that says that a review is no approval any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Lost {
    /// `dismiss` or `stale`.
    pub(crate) kind: &'static str,
    /// Why: a reason code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The entry's number.
    pub(crate) entry: u64,
    /// When it was recorded.
    pub(crate) recorded: String,
}

/// An evidence file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Kept {
    /// The last part of its name.
    pub(crate) name: String,
    /// Its digest; absent where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Digest>,
    /// What it was used as.
    pub(crate) used_as: String,
    /// How it came here.
    pub(crate) provenance: String,
    /// Where in the repository a file with this digest lies: `commit:path`. Absent where there
    /// is none: the digest is known, the file is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) in_git: Option<String>,
    /// The clone lacks a part of the repository, so that the file may be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unseen: bool,
}

/// A gate that was let red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Waived {
    /// The gate.
    pub(crate) gate: String,
    /// Who let it, as the policy says.
    pub(crate) by: String,
    /// The last day.
    pub(crate) expires: String,
    /// The entry's number.
    pub(crate) entry: u64,
}

/// An entry that was corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Amended {
    /// Its number.
    pub(crate) entry: u64,
    /// Its kind.
    pub(crate) kind: &'static str,
    /// The number of the entry that corrects it.
    pub(crate) by: u64,
    /// Why, in the words of whoever corrected it.
    pub(crate) reason: String,
}
