//! Why the ledger could not be read or written.

use crate::git::GitError;
use crate::limits::{LEDGER_ENTRY, LEDGER_TRIES};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// Git could not read or write it.
    #[error("the ledger: {0}")]
    Git(#[from] GitError),
    /// A file on the branch is no entry.
    #[error("the ledger: `{path}` at commit {commit}: {found}, expected {expected}")]
    Entry {
        /// The file.
        path: String,
        /// The branch's tip, shortened.
        commit: String,
        /// What is wrong.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An entry could not be written as JSON.
    #[error("the ledger: an entry could not be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The branch is something else.
    #[error("the ledger: the branch at commit {commit} holds no entry, expected the ledger")]
    NoLedger {
        /// The branch's tip, shortened.
        commit: String,
    },
    /// An entry that nobody could read again.
    #[error(
        "the ledger: the {kind} entry would have {size} bytes, more than the {LEDGER_ENTRY} that are read of one"
    )]
    TooLarge {
        /// The entry's kind.
        kind: &'static str,
        /// Its size.
        size: u64,
    },
    /// The ledger is signed, and this run has no key.
    #[error("the ledger: entry {seq} is signed, and there is no key to sign the next one with")]
    Unsigned {
        /// The newest entry's number.
        seq: u64,
    },
    /// The repository could not be written to.
    #[error("the ledger: cannot write to {folder}: {source}")]
    Unwritten {
        /// The folder of the repository's own files.
        folder: String,
        /// What Git said.
        source: GitError,
    },
    /// Another process holds the branch.
    #[error("the ledger: the branch {branch} is locked: found {lock}")]
    Locked {
        /// The branch.
        branch: String,
        /// Git's lock file.
        lock: String,
    },
    /// Others were faster every time.
    #[error("the ledger: other runs were faster {LEDGER_TRIES} times")]
    Contended,
    /// The branch of the clone and the one that was fetched went apart.
    #[error(
        "the ledger: {local} is at {ours}, {fetched} at {theirs}, and neither contains the other"
    )]
    Diverged {
        /// The branch of the clone.
        local: String,
        /// Its commit, shortened.
        ours: String,
        /// The branch that was fetched.
        fetched: String,
        /// Its commit, shortened.
        theirs: String,
    },
    /// A store or a signer failed for a reason of its own.
    #[error("the ledger: {message}")]
    Other {
        /// What happened.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl LedgerError {
    /// What to do about it, as one imperative sentence.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Git(error) => return error.hint(),
            Self::Entry { .. } => String::from(
                "update gatecard if a newer one wrote it; else see with `gatecard verify` what happened to the branch",
            ),
            Self::Json(_) => return None,
            Self::NoLedger { .. } => {
                String::from("name another branch in the policy: `ledger: { branch: ... }`")
            }
            Self::TooLarge { .. } => String::from("change fewer prompts at once"),
            Self::Unsigned { .. } => String::from(
                "set GATECARD_SIGNING_KEY; an entry without a signature after signed ones is what `gatecard verify` calls tampering",
            ),
            Self::Unwritten { .. } => {
                String::from("let the user that runs gatecard write to the repository")
            }
            Self::Locked { lock, .. } => {
                format!("wait for other runs to end; if there is none, remove {lock}")
            }
            Self::Contended => String::from("run it again"),
            Self::Diverged { local, fetched, .. } => format!(
                "see with `git log {fetched}..{local}` what only this clone recorded; keep a copy with `git branch {local}-kept {local}`, run `git update-ref refs/heads/{local} refs/remotes/{fetched}`, and record again"
            ),
            Self::Other { hint, .. } => return hint.clone(),
        })
    }
}
