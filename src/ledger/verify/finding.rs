//! What can be found: every code, how much it weighs, what it means and what to do.

use serde::{Serialize, Serializer};

use crate::git::CommitSha;
use crate::untrusted::Untrusted;

/// What a finding does to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The record does not hold.
    Violated,
    /// Something that must be known is not.
    Unknown,
    /// Worth knowing.
    Note,
}

impl Weight {
    /// The weight's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::Unknown => "unknown",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($name:ident $weight:ident $id:literal $about:literal $fix:literal)*) => {
        /// The code of a finding. Codes are stable: none is renamed or reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every code, in the order of the docs.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is printed.
            pub(crate) const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it does to the answer.
            pub(crate) const fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)* }
            }

            /// What it means.
            pub(crate) const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }

            /// What to do.
            pub(crate) const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)* }
            }
        }
    };
}

codes! {
    LedgerAbsent Unknown "ledger-absent"
        "The clone has no ledger branch, or it holds no entry."
        "Fetch it: git fetch origin gatecard/ledger:refs/remotes/origin/gatecard/ledger."
    LedgerShallow Unknown "ledger-shallow"
        "The history of the ledger branch is cut off in this clone, so that nothing shows that files were only added."
        "Run `git fetch --unshallow`."
    LedgerMoved Unknown "ledger-moved"
        "This clone remembers a ledger on another branch than the one that the policy names now, and what is there is not looked at."
        "Verify it with --ledger, then say with --since from where on the new one is to hold."
    BranchMerged Violated "branch-merged"
        "A commit of the ledger branch has several parents. gatecard appends in one line, so another history was merged in."
        "Compare the parents with an older clone, and find out who pushed the commit."
    EntryEdited Violated "entry-edited"
        "A commit of the ledger branch changes a file that was there."
        "Look at the commit; the entry as it was stands in its parent."
    EntryRemoved Violated "entry-removed"
        "A commit of the ledger branch removes a file."
        "Look at the commit; the entry stands in its parent."
    FileForeign Violated "file-foreign"
        "A commit of the ledger branch adds a file that is no entry."
        "Look at the commit: gatecard adds entries, and README.md beside the first."
    EntryNoFile Violated "entry-no-file"
        "A symbolic link or a submodule lies where an entry should."
        "Look at the commit: gatecard never adds one."
    EntryOutOfTurn Violated "entry-out-of-turn"
        "A commit of the ledger branch adds an entry whose number is not the next one."
        "Look at the commit and those before it: entries were removed or put between."
    NumberMissing Violated "number-missing"
        "Entries are missing: their numbers lead from 1 to the last one without a gap."
        "Look for the files in the history of the branch and in older clones."
    NumberTwice Violated "number-twice"
        "Two entries have the same number."
        "Look at the commits that added them."
    EntryTooLarge Violated "entry-too-large"
        "An entry is larger than any that gatecard writes."
        "Look at the commit that added it."
    EntryUnreadable Violated "entry-unreadable"
        "A file where an entry should be cannot be read as one."
        "Look at the commit that added it."
    EntryForm Violated "entry-form"
        "An entry is not written as gatecard writes it (RFC 8785), so something else wrote it."
        "Look at the commit that added it."
    EntryMisnamed Violated "entry-misnamed"
        "An entry's number or kind is not that of its file's name."
        "Look at the commit that added it."
    EntryNewer Unknown "entry-newer"
        "An entry has a kind, a field or a schema version that this gatecard does not know."
        "Verify with a newer gatecard."
    ChainBroken Violated "chain-broken"
        "An entry does not name the digest of the one before it: one of the two was changed."
        "Compare both with an older clone."
    TimeBackwards Violated "time-backwards"
        "An entry is dated more than ten minutes before the one that it comes after."
        "Find out who wrote it: the date was set by hand, or a clock was wrong."
    BackDated Violated "back-dated"
        "An entry is dated more than ten minutes before the commit that added it."
        "Find out who wrote it: the date was set by hand, or a clock was wrong."
    ForwardDated Violated "forward-dated"
        "An entry is dated more than ten minutes after the commit that added it, or after now."
        "Find out who wrote it: the commit's or the entry's date was set by hand, or a clock was wrong."
    DatedBeforeCause Violated "dated-before-cause"
        "An entry is dated before the review or the check that it tells about."
        "Find out who wrote it: the date was set by hand."
    ApprovalUnrecorded Violated "approval-unrecorded"
        "A verdict counts a review that no entry before it has as an approval of that content for that group."
        "Look at the review on GitHub, and amend the verdict if it is wrong."
    ApprovalWithdrawn Violated "approval-withdrawn"
        "A verdict counts a review, or a merge relies on one, that was dismissed or stale by then."
        "Look at the review on GitHub, and amend the entry if it is wrong."
    ReliesOnWrong Violated "relies-on-wrong"
        "A merge relies on an entry that is not there, comes after it, or is about something else."
        "Look at both entries, and amend the merge if it is wrong."
    AmendWrong Violated "amend-wrong"
        "A correction names no entry before it."
        "Find out who wrote it: `gatecard record` refuses that."
    PolicyMismatch Violated "policy-mismatch"
        "The policy that an entry names is not the one that its base commit has."
        "Compare with `git show BASE:PATH | sha256sum`."
    PolicyOther Violated "policy-other"
        "A merge relies on a verdict under another policy file than the one in force at its base."
        "Pass --policy if that file is the policy; else find out which workflow named it."
    PolicyMissing Unknown "policy-missing"
        "A merge relies on a verdict whose base commit is not in this clone, so its policy cannot be looked at."
        "Run `git fetch --unshallow`, or fetch the commit."
    PolicyUnseen Note "policy-unseen"
        "The commit with an entry's policy is not in this clone. No merge relies on it for that."
        "Nothing to do; fetching the pull request's head would show it."
    PromptMismatch Violated "prompt-mismatch"
        "An entry gives a prompt another version than the file in Git has."
        "Compare with `gatecard prompts --revision COMMIT`."
    HeadUnseen Note "head-unseen"
        "The head of a pull request is not in this clone, so its versions were not computed again. Those that were merged were."
        "Nothing to do; fetching refs/pull/*/head would show it, where GitHub still has it."
    MergeMismatch Violated "merge-mismatch"
        "A merge entry says of a prompt or file something else than its two commits show."
        "Compare with `gatecard check --base BASE --head HEAD`, and amend the merge if it is wrong."
    Contradiction Violated "contradiction"
        "The numbers of a verdict contradict each other."
        "Repeat the check, and amend the verdict."
    GroupMissing Violated "group-missing"
        "A merge relies on a verdict that does not ask a group whose approval the policy needs for the prompt."
        "Find out what wrote the verdict: `gatecard check` asks every group of the risk tier."
    ObjectsMissing Unknown "objects-missing"
        "The clone lacks commits or files that must be looked at."
        "Run `git fetch --unshallow`; clone without a filter."
    BaseAbsent Unknown "base-absent"
        "The clone does not have the base branch, so nobody can tell whether its changes are on record."
        "Fetch the branch, or name it with --branch."
    BaseShallow Unknown "base-shallow"
        "The history of the base branch is cut off in this clone before the time that was asked for."
        "Run `git fetch --unshallow`, or ask for less with --since."
    PolicyUnusable Unknown "policy-unusable"
        "A policy on the base branch has errors, so nobody can tell what was governed then."
        "See the errors with `gatecard prompts --revision COMMIT`; ask for a later time with --since."
    MergeNotOnBase Violated "merge-not-on-base"
        "A merge entry is about commits that the base branch does not have: they were never there, or its history was rewritten."
        "Compare the branch with an older clone; amend the merge if it is wrong."
    UnrecordedChange Violated "unrecorded-change"
        "The base branch got a governed change that no merge entry is about."
        "Record it: gatecard record --from A --to B; or ask for a later time with --since."
    UndoneChange Unknown "undone-change"
        "Neighbouring commits of the base branch change something governed and undo it, and no merge entry is about them. If they came with one push, nobody ever had the change; else it was in force for a while."
        "See the server's log of pushes: `gatecard record --from A --to B` over all of them if they came with one push, else one by one."
    UngatedChange Violated "ungated-change"
        "A merge entry says that a change was not let pass by a verdict on record, or what supported it was amended."
        "Review the change; ask for a later time with --since once it is settled."
    Adopted Note "adopted"
        "A merge entry is about the push that brought the first policy. Nothing was governed before it, so no gate could be asked."
        "Nothing to do."
    UnsupportedMerge Violated "unsupported-merge"
        "A merge entry says that a change was gated, and the verdicts that it relies on do not show that."
        "Look at the verdicts; amend the merge and record it again."
    NotEnforced Note "not-enforced"
        "A change was merged although its verdict did not pass. The verdict is on record, and the policy did not ask to block."
        "Nothing to do; `mode: enforce` blocks."
    AnchorMismatch Violated "anchor-mismatch"
        "An entry has not the digest that an anchor has for it: the ledger was rewritten."
        "Compare with the clone or the run that the anchor comes from."
    AnchorMissing Violated "anchor-missing"
        "The ledger ends before an entry that an anchor shows to have been there."
        "Fetch the branch; if that does not help, entries were removed: look for them in older clones."
    LedgerRewritten Violated "ledger-rewritten"
        "The commit that this clone remembers is no longer part of the ledger branch, though the entries are the same."
        "Find out who pushed the branch by force."
    AnchorAbsent Unknown "anchor-absent"
        "No anchor covers some entries, so that they could have been replaced."
        "Pass --anchor SEQ:DIGEST from a commit status, --allowed-signers or --github-keys."
    SignatureMissing Violated "signature-missing"
        "An entry is not signed though one before it is."
        "Find out who wrote it: the signature was taken away, or a writer has no key."
    SignatureBad Violated "signature-bad"
        "An entry's signature is not one of its content."
        "Find out who wrote it: the entry was changed after it was signed."
    SignatureNamespace Violated "signature-namespace"
        "An entry's signature was made for another purpose than the ledger."
        "Find out who wrote it: it was taken from elsewhere, or the signer is not allowed this namespace."
    SignatureUnknownKey Violated "signature-unknown-key"
        "An entry is signed with a key that the list of allowed signers does not have."
        "Find out whose key it is, and add it to the list only then."
    SignatureOutOfTime Violated "signature-out-of-time"
        "An entry is signed with a key that was not valid at its date."
        "Find out who still has the key."
    SignatureUnchecked Note "signature-unchecked"
        "Entries are signed, and nothing says whose keys may sign."
        "Pass --allowed-signers FILE."
    CommitSignatureBad Violated "commit-signature-bad"
        "The signature of a commit of the ledger branch is not one that the given keys made."
        "Fetch GitHub's keys anew from https://github.com/web-flow.gpg; else find out who made the commit."
    CommitSignatureUnchecked Note "commit-signature-unchecked"
        "Commits of the ledger branch are signed, and their signatures were not checked."
        "Pass --github-keys FILE with https://github.com/web-flow.gpg, and install gpgv."
}

impl Code {
    /// Whether it is what the ledger itself tells: the record is intact, and says that something
    /// came in which no gate let in.
    pub(crate) const fn is_on_record(self) -> bool {
        matches!(self, Self::UngatedChange | Self::UndoneChange)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// An entry.
    Entry(u64),
    /// A commit: of the ledger or of the base branch.
    Commit(CommitSha),
    /// All of it.
    Whole,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What.
    pub(crate) code: Code,
    /// Where.
    pub(crate) place: Place,
    /// In words: what was found, and what was expected.
    pub(crate) words: Untrusted,
    /// What to do, where there is something more exact to say than the code's.
    pub(crate) fix: Option<Untrusted>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// Adds one.
    pub(super) fn add(&mut self, code: Code, place: Place, words: impl Into<Untrusted>) {
        self.0.push(Finding {
            code,
            place,
            words: words.into(),
            fix: None,
        });
    }

    /// Adds one about an entry.
    pub(super) fn entry(&mut self, code: Code, seq: u64, words: impl Into<Untrusted>) {
        self.add(code, Place::Entry(seq), words);
    }

    /// Adds one about a commit.
    pub(super) fn commit(&mut self, code: Code, commit: &CommitSha, words: impl Into<Untrusted>) {
        self.add(code, Place::Commit(commit.clone()), words);
    }

    /// By weight, then place; each once.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by(|a, b| {
            let key = |each: &Finding| (each.code.weight(), each.place.clone(), each.code);
            key(a).cmp(&key(b)).then_with(|| a.words.cmp(&b.words))
        });
        self.0.dedup();
        self.0
    }
}
