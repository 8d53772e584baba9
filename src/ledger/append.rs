//! Appends entries: drops what is on record, chains the rest, and commits it in one step that
//! fails where somebody else was faster; then all of it is done again on top of theirs.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::entry::Time;
use super::recorded::Recorded;
use super::{Body, Draft, Entry, Ledger, LedgerError, Stored, place};
use crate::git::{CommitSha, Repo};
use crate::limits::{LEDGER_ENTRY, LEDGER_TRIES};
use crate::random;
use crate::units::Digest;

/// What the branch says of itself, beside the first entries.
const README: &str = include_str!("../../templates/ledger.md");

/// The most that is waited after no lost race; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Where the branch is kept: in the clone, or at GitHub.
pub(crate) trait Store {
    /// The branch's tip now; `None` where there is no branch yet. Asks anew at every call, and
    /// when it returns the clone has the commit with all that it holds.
    fn tip(&self) -> Result<Option<CommitSha>, LedgerError>;

    /// Makes one commit and moves the branch to it, if the branch is still where it is expected
    /// to be. Either all of it happens or nothing that a reader could see.
    fn commit(&self, addition: &Addition<'_>) -> Result<Committed, LedgerError>;
}

/// A commit to be made.
pub(crate) struct Addition<'a> {
    /// The tip that it goes on top of; `None` makes the branch.
    pub(crate) expected: Option<&'a CommitSha>,
    /// The files that it adds.
    pub(crate) files: &'a [(String, Vec<u8>)],
    /// One line.
    pub(crate) message: &'a str,
    /// When, by the clock that its entries were dated by.
    pub(crate) at: DateTime<Utc>,
}

/// What came of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The branch is now here.
    Done(CommitSha),
    /// The branch was somewhere else, or it is not known whether it moved: look again.
    Lost,
}

/// Signs entries.
pub(crate) trait Signer {
    /// The signature over the canonical bytes of an entry without one.
    fn sign(&self, bytes: &[u8]) -> Result<String, LedgerError>;
}

/// Appends to one ledger.
pub(crate) struct Writer<'a> {
    /// Where the branch is kept.
    pub(crate) store: &'a dyn Store,
    /// The clone that it is read from.
    pub(crate) repo: &'a Repo,
    /// Who signs, if anybody does.
    pub(crate) signer: Option<&'a dyn Signer>,
    /// The time of the append: it is long after a run began.
    pub(crate) clock: &'a dyn Fn() -> DateTime<Utc>,
    /// Waits after so many lost races: `pause` outside tests.
    pub(crate) pause: &'a dyn Fn(usize),
}

/// What is on record after an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The entry of each draft, in their order: the new one, or the one that was there.
    pub(crate) entries: Vec<Stored>,
    /// How many of them are new.
    pub(crate) added: usize,
    /// The newest entry of the ledger; `None` where nothing was ever appended.
    pub(crate) tip: Option<Tip>,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The newest entry's number.
    pub(crate) seq: u64,
    /// Its digest: with the number, what the whole ledger can be held to.
    pub(crate) digest: Digest,
    /// The branch's commit.
    pub(crate) commit: CommitSha,
}

impl Writer<'_> {
    /// Appends what is not on record yet, in one commit.
    pub(crate) fn append(&self, drafts: &[Draft]) -> Result<Appended, LedgerError> {
        let mut why = LedgerError::Contended;
        for lost in 0..LEDGER_TRIES {
            if lost > 0 {
                (self.pause)(lost);
            }
            match self.try_once(drafts) {
                Ok(Some(appended)) => return Ok(appended),
                Ok(None) => why = LedgerError::Contended,
                // Whoever holds the lock may be done soon.
                Err(locked @ LedgerError::Locked { .. }) => why = locked,
                Err(error) => return Err(error),
            }
        }
        Err(why)
    }

    /// One try; `None` where somebody else was faster.
    fn try_once(&self, drafts: &[Draft]) -> Result<Option<Appended>, LedgerError> {
        let base = self.store.tip()?;
        let ledger = base.clone().map(|tip| Ledger::at(self.repo, tip));
        let last = ledger.as_ref().map(end).transpose()?;
        let batch = self.chain(drafts, ledger.as_ref(), last.as_ref())?;
        let Some(newest) = batch.new.last() else {
            let tip = last.zip(base).map(|(last, commit)| tip(&last, commit));
            return Ok(Some(Appended {
                entries: batch.all,
                added: 0,
                tip,
            }));
        };
        // Whoever verifies could not tell it from one whose signature was taken away.
        if let (Some(last), None) = (&last, self.signer)
            && last.entry.signature.is_some()
        {
            let seq = last.entry.seq;
            return Err(LedgerError::Unsigned { seq });
        }
        let committed = self.store.commit(&Addition {
            expected: base.as_ref(),
            files: &batch.files,
            message: &message(&batch.new),
            at: batch.at,
        })?;
        Ok(match committed {
            Committed::Lost => None,
            Committed::Done(commit) => Some(Appended {
                tip: Some(tip(newest, commit)),
                added: batch.new.len(),
                entries: batch.all,
            }),
        })
    }

    /// Puts every draft that is not on record after the last entry.
    fn chain(
        &self,
        drafts: &[Draft],
        ledger: Option<&Ledger<'_>>,
        last: Option<&Stored>,
    ) -> Result<Batch, LedgerError> {
        let at = drafts.iter().filter_map(tells_about).map(Time::get);
        let mut batch = Batch {
            at: at.fold((self.clock)(), DateTime::max),
            all: Vec::new(),
            new: Vec::new(),
            files: Vec::new(),
        };
        if ledger.is_none() {
            let readme = (place::README.to_owned(), README.as_bytes().to_vec());
            batch.files.push(readme);
        }
        for draft in drafts {
            let recorded = Recorded {
                ledger,
                batch: &batch.new,
            };
            if let Some(found) = recorded.find(draft)? {
                batch.all.push(found);
                continue;
            }
            let before = batch.new.last().or(last);
            let before = before.map(|before| (before.entry.seq, before.digest));
            let (entry, bytes) = self.seal(draft.clone().after(before, batch.at))?;
            let stored = Stored {
                digest: Digest::of(&bytes),
                entry,
            };
            let path = place::path(stored.entry.seq, stored.entry.body.kind());
            batch.files.push((path, bytes));
            batch.all.push(stored.clone());
            batch.new.push(stored);
        }
        Ok(batch)
    }

    /// Signs an entry, and writes it as its file will hold it.
    fn seal(&self, mut entry: Entry) -> Result<(Entry, Vec<u8>), LedgerError> {
        let mut bytes = entry.bytes()?;
        if let Some(signer) = self.signer {
            entry.signature = Some(signer.sign(&bytes)?);
            bytes = entry.bytes()?;
        }
        let size = bytes.len() as u64;
        if size > LEDGER_ENTRY {
            return Err(LedgerError::TooLarge {
                kind: entry.body.kind(),
                size,
            });
        }
        Ok((entry, bytes))
    }
}

/// Waits after lost races: longer each time, and everybody for another time, so that those who
/// met once do not meet again.
pub(crate) fn pause(lost: usize) {
    let most = FIRST_PAUSE.saturating_mul(1 << lost.min(6));
    std::thread::sleep(random::within(most));
}

/// What one commit adds.
struct Batch {
    /// When.
    at: DateTime<Utc>,
    /// The entry of every draft.
    all: Vec<Stored>,
    /// Those that are new.
    new: Vec<Stored>,
    /// The files.
    files: Vec<(String, Vec<u8>)>,
}

/// The last entry. What cannot be read is not appended to: its digest would vouch for it.
fn end(ledger: &Ledger<'_>) -> Result<Stored, LedgerError> {
    ledger.last()?.ok_or_else(|| LedgerError::NoLedger {
        commit: ledger.tip().short().to_owned(),
    })
}

fn tip(last: &Stored, commit: CommitSha) -> Tip {
    Tip {
        seq: last.entry.seq,
        digest: last.digest,
        commit,
    }
}

/// The latest time that a draft tells about. An entry is never dated before it: clocks differ,
/// and one that is a second late must not look like one that was put back.
fn tells_about(draft: &Draft) -> Option<Time> {
    match &draft.body {
        Body::HeadSeen(seen) => Some(seen.seen),
        Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review) => review.submitted,
        Body::Verdict(verdict) => Some(verdict.judged),
        Body::Waiver(_) | Body::Merge(_) | Body::Amend(_) => None,
    }
}

fn message(new: &[Stored]) -> String {
    match new {
        [only] => format!(
            "Record entry {}: {}",
            only.entry.seq,
            only.entry.body.kind()
        ),
        [first, .., last] => {
            format!("Record entries {} to {}", first.entry.seq, last.entry.seq)
        }
        [] => String::from("Record nothing"),
    }
}
