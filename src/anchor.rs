//! Where a verdict is on record, or why it is not.

use crate::policy::Mode;
use crate::report::Report;
use crate::units::Digest;
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// Where a verdict is on record, or why it is not.
#[derive(Debug, Clone)]
pub(crate) struct OnRecord {
    /// The ledger's branch.
    pub(crate) branch: Untrusted,
    /// Whether the policy demands it.
    pub(crate) required: bool,
    /// The ledger's newest entry.
    pub(crate) entry: Result<Anchor, NotRecorded>,
}

/// The number and the digest of the newest entry: what the whole ledger can be held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The number.
    pub(crate) seq: u64,
    /// The digest.
    pub(crate) digest: Digest,
}

/// Why a verdict is not on record.
#[derive(Debug, Clone)]
pub(crate) struct NotRecorded {
    /// Why.
    pub(crate) why: Untrusted,
    /// What to do about it.
    pub(crate) next: Option<Untrusted>,
}

impl Anchor {
    /// As people read it: `1234 abcdef123456`.
    pub(crate) fn short(self) -> String {
        format!("{} {}", self.seq, self.digest.short())
    }

    /// As programs read it: the number, a colon, and all of the digest.
    pub(crate) fn whole(self) -> String {
        format!("{}:{}", self.seq, self.digest)
    }
}

impl Report {
    /// Takes what came of recording the verdict. One that had to be recorded and could not be is
    /// none.
    pub(crate) fn recorded(&mut self, on_record: OnRecord) {
        if let (true, Err(not)) = (on_record.required, &on_record.entry) {
            self.verdict = Verdict::Error;
            self.next = not.next.clone().unwrap_or_else(|| not.why.clone());
        }
        self.on_record = Some(on_record);
    }

    /// Whether the verdict had to be recorded and could not be.
    pub(crate) fn lacks_record(&self) -> bool {
        let on_record = self.on_record.as_ref();
        on_record.is_some_and(|on_record| on_record.required && on_record.entry.is_err())
    }

    /// The ledger's newest entry, where the verdict is on record.
    pub(crate) fn anchor(&self) -> Option<Anchor> {
        self.on_record.as_ref()?.entry.as_ref().ok().copied()
    }

    /// The verdict in one line, where it had to be recorded and could not be.
    pub(crate) fn unrecorded(&self) -> String {
        let would = match self.mode {
            Mode::Enforce => String::new(),
            Mode::Observe | Mode::Advise => format!("{}: would block, ", self.mode.id()),
        };
        let gates = self.gates();
        format!("{would}not recorded, as `ledger: required` demands · {gates}")
    }
}
