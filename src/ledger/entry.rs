//! One entry: what every one says, and what its kind adds. Schema version 1.
//!
//! Adding an optional field keeps the version: a reader refuses a file that it would not write
//! byte by byte, so an older gatecard says that a newer one wrote it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::canonical;
use super::verdict::Verdict;
use crate::git::CommitSha;
use crate::units::Digest;

/// The version of the schema.
pub(crate) const SCHEMA: u64 = 1;

/// An entry as it stands on the branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The version of the schema: 1.
    pub(crate) v: u64,
    /// Its number, from 1 on without a gap.
    pub(crate) seq: u64,
    /// SHA-256 of the bytes of the entry before it; the first one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prev: Option<Digest>,
    /// When it was appended.
    pub(crate) at: Time,
    /// What it is about.
    #[serde(flatten)]
    pub(crate) about: About,
    /// What it says.
    #[serde(flatten)]
    pub(crate) body: Body,
    /// An SSH signature over the entry without this field, in namespace `gatecard-ledger`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
}

/// An entry that has no place in the chain yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// What it is about.
    pub(crate) about: About,
    /// What it says.
    pub(crate) body: Body,
}

impl Draft {
    /// Puts the entry after `last`, unsigned.
    pub(crate) fn after(self, last: Option<(u64, Digest)>, at: DateTime<Utc>) -> Entry {
        Entry {
            v: SCHEMA,
            seq: last.map_or(1, |(seq, _)| seq + 1),
            prev: last.map(|(_, digest)| digest),
            at: Time::of(at),
            about: self.about,
            body: self.body,
            signature: None,
        }
    }
}

impl Entry {
    /// Its canonical bytes: what its file holds and the next entry's `prev` is the digest of.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        canonical::bytes(self)
    }

    /// What a signature is over: its canonical bytes without one.
    pub(crate) fn signed_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut unsigned = self.clone();
        unsigned.signature = None;
        unsigned.bytes()
    }
}

/// A point in time in whole seconds: `2026-11-23T10:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(DateTime<Utc>);

impl Time {
    /// Cuts off what is less than a second.
    pub(crate) fn of(time: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time))
    }

    /// The point in time.
    pub(crate) const fn get(self) -> DateTime<Utc> {
        self.0
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(serde::de::Error::custom)?;
        Ok(Self::of(time.to_utc()))
    }
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// `owner/name` of the repository on GitHub; absent for a local ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    /// The pull request's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<u64>,
    /// The name of the base branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_ref: Option<String>,
    /// The base branch's tip that was judged against.
    pub(crate) base: CommitSha,
    /// The commit that was judged; of a merge, the base branch's tip after it.
    pub(crate) head: CommitSha,
    /// The policy in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<PolicyAt>,
    /// Whose action started the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<Account>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflow: Option<Workflow>,
    /// gatecard's own version.
    pub(crate) tool: String,
}

/// A policy and where its text can be found again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyAt {
    /// Its path.
    pub(crate) path: String,
    /// SHA-256 of its text.
    pub(crate) sha256: Digest,
    /// `base`, or `bootstrap` where the head brought the first one.
    pub(crate) origin: String,
}

/// An account on GitHub. Logins change hands, ids do not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Its login when the entry was written.
    pub(crate) login: String,
    /// Its id, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<u64>,
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Workflow {
    /// `owner/name/.github/workflows/file.yml@ref`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The commit that the workflow file is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<CommitSha>,
    /// The run's id.
    pub(crate) run: u64,
    /// Its attempt, from 1 on.
    pub(crate) attempt: u64,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Body {
    /// A head with its prompt versions, seen by the gate for the first time.
    HeadSeen(HeadSeen),
    /// A review that approves these contents for these groups.
    Approve(Review),
    /// A review that was recorded as an approval and is none any more: dismissed, or its
    /// reviewer's opinion changed.
    Dismiss(Review),
    /// A review that was recorded as an approval and is of other content than would be merged.
    Stale(Review),
    /// The result of a check.
    Verdict(Box<Verdict>),
    /// A gate that was let red by the policy.
    Waiver(Waiver),
    /// What the base branch got.
    Merge(Merge),
    /// The correction of an earlier entry, which then supports nothing any more.
    Amend(Amend),
}

impl Body {
    /// The kind's word: in the entry, in its file's name, in output.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::HeadSeen(_) => "head-seen",
            Self::Approve(_) => "approve",
            Self::Dismiss(_) => "dismiss",
            Self::Stale(_) => "stale",
            Self::Verdict(_) => "verdict",
            Self::Waiver(_) => "waiver",
            Self::Merge(_) => "merge",
            Self::Amend(_) => "amend",
        }
    }
}

/// A head and the versions that it has of the changed prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadSeen {
    /// When the event shows it to have been the head; else when the gate saw it.
    pub(crate) seen: Time,
    /// Every changed prompt that is there, by id.
    pub(crate) prompts: Vec<PromptAt>,
}

/// A prompt version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PromptAt {
    /// The prompt's id.
    pub(crate) id: String,
    /// Its file.
    pub(crate) path: String,
    /// Its version.
    pub(crate) version: Digest,
}

/// A review and the contents that it is about.
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Review {
    /// The review's id.
    pub(crate) review: u64,
    /// Who reviewed.
    pub(crate) reviewer: Account,
    /// The commit that was reviewed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<CommitSha>,
    /// When it was submitted, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) submitted: Option<Time>,
    /// What it is about, and for whom it counts (or counted).
    pub(crate) subjects: Vec<Approved>,
    /// Why it does not count any more: a reason code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
}

/// A content and a group that approved it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Approved {
    /// The prompt's id; absent for other governed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// The other governed files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// Of a prompt its version, of files the digest of their names and contents.
    pub(crate) digest: Digest,
    /// The group.
    pub(crate) group: String,
}

/// A gate that was let red.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiver {
    /// The gate.
    pub(crate) gate: String,
    /// The prompt, where the gate is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Digest>,
    /// Who let it, as the policy says.
    pub(crate) by: String,
    /// The last day.
    pub(crate) expires: String,
    /// SHA-256 of the reason, which stands in the policy.
    pub(crate) reason_sha256: Digest,
}

/// What the base branch got: one push, however many commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Merge {
    /// Every prompt that it changed.
    pub(crate) prompts: Vec<Merged>,
    /// Every other governed file that it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<MergedFile>,
    /// The numbers of the entries relied on: verdicts, approvals, waivers.
    pub(crate) relies_on: Vec<u64>,
}

/// A prompt that the base branch got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Merged {
    /// The prompt's id; of a removed one, the id it had.
    pub(crate) id: String,
    /// Its file; of a removed one, the file it had.
    pub(crate) path: String,
    /// The id it had before a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renamed_from: Option<String>,
    /// The version before; absent for a new prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Digest>,
    /// The version now; absent for a removed prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Digest>,
    /// The label that the file declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    /// Why it is an ungated change: a reason code. Absent where a verdict on record let it pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ungated: Option<String>,
}

/// A governed file that is no prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MergedFile {
    /// What it is: `policy`, `owners`, `dataset` ...
    pub(crate) kind: String,
    /// Where it lies.
    pub(crate) path: String,
    /// The id of its Git object; absent where it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<String>,
    /// Why it is an ungated change, as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ungated: Option<String>,
}

/// The correction of an earlier entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amend {
    /// The number of the entry that is wrong.
    pub(crate) amends: u64,
    /// Why, in the words of whoever corrects it.
    pub(crate) reason: String,
}
