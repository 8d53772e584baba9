//! Whether the ledger holds: everything that a clone can tell, without network.
//!
//! `branch` and `chain` read the branch; every other file asks one question of what they read.
//! A clone cannot see everything: `anchors` says what it can, and what it cannot.

pub(crate) mod anchors;
mod branch;
mod chain;
mod complete;
mod content;
pub(crate) mod finding;
mod gated;
mod merged;
mod policies;
mod recomputed;
mod signatures;
#[cfg(test)]
mod tests;
mod times;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::signature::AllowedSigners;
use super::{Body, Entry};
use crate::git::{CommitSha, CommitSignature, GitError, OnLine, Repo, RepoPath};
use crate::units::Digest;
use crate::untrusted::Untrusted;
use anchors::{Anchor, Held, Remembered};
use branch::History;
use chain::Link;
use finding::{Code, Finding, Findings, Place, Weight};
use policies::Policies;

/// What is to be verified, and what is known beside the clone.
pub(crate) struct Asked<'a> {
    /// The clone.
    pub(crate) repo: &'a Repo,
    /// The tip of the ledger, where the clone has one.
    pub(crate) ledger: Option<CommitSha>,
    /// The base branch whose changes must be on record, where the clone has it.
    pub(crate) base: Option<Base>,
    /// The policy's path, where it is not one of the usual ones.
    pub(crate) policy: Option<RepoPath>,
    /// From when on; from the first entry's base on, where nothing is said.
    pub(crate) since: Option<Since>,
    /// Digests of entries that are known from elsewhere.
    pub(crate) anchors: Vec<Anchor>,
    /// Other ledgers that this clone remembers, which are not looked at.
    pub(crate) others: Vec<String>,
    /// What this clone remembers.
    pub(crate) remembered: Option<Remembered>,
    /// Whose keys may sign entries.
    pub(crate) signers: Option<AllowedSigners>,
    /// GitHub's keys.
    pub(crate) commit_keys: Option<&'a CommitKeys<'a>>,
    /// The time now.
    pub(crate) now: DateTime<Utc>,
}

/// Whether some keys made a commit's signature, or why nobody can tell.
pub(crate) type CommitKeys<'a> = dyn Fn(&CommitSignature) -> Result<bool, String> + 'a;

/// A base branch.
pub(crate) struct Base {
    /// Its name.
    pub(crate) name: String,
    /// Its tip.
    pub(crate) tip: CommitSha,
}

/// From when on changes must be on record.
pub(crate) enum Since {
    /// After a commit.
    Commit(CommitSha),
    /// From a time on.
    Time(DateTime<Utc>),
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Everything that can be told holds, and anchors cover it.
    Yes,
    /// Something does not hold.
    No,
    /// Nothing shows that it does not hold, and something that must be known is not.
    CannotTell,
}

impl Holds {
    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Yes => "holds",
            Self::No => "violated",
            Self::CannotTell => "cannot-tell",
        }
    }

    /// The exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::CannotTell => 2,
        }
    }
}

/// The newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    /// The branch's commit.
    pub(crate) commit: CommitSha,
    /// The entry's number.
    pub(crate) seq: u64,
    /// Its digest.
    pub(crate) digest: Digest,
}

/// The answer.
pub(crate) struct Answer {
    /// Whether it holds.
    pub(crate) holds: Holds,
    /// What was found, the heaviest first.
    pub(crate) findings: Vec<Finding>,
    /// The commit of the base branch after which every governed change must be on record.
    pub(crate) since: Option<OnLine>,
    /// The anchors, and what they cover.
    pub(crate) anchors: Vec<Held>,
    /// What could not have been seen.
    pub(crate) unseen: Vec<Untrusted>,
    /// How many entries there are.
    pub(crate) entries: usize,
    /// The newest.
    pub(crate) tip: Option<Tip>,
}

impl Answer {
    /// Whether the tip may be remembered: the ledger is whole and says what happened, be it that
    /// something came in ungated, and nothing is unknown but what a first look cannot know.
    pub(crate) fn is_worth_remembering(&self, asked: &Asked<'_>) -> bool {
        is_intact(asked, &self.findings)
    }

    /// Whether nothing speaks against the ledger itself, only against what the branch got.
    pub(crate) fn is_of_the_branch_only(&self) -> bool {
        let violated = |each: &&Finding| each.code.weight() == Weight::Violated;
        let mut violated = self.findings.iter().filter(violated);
        self.holds == Holds::No && violated.all(|each| each.code.is_on_record())
    }
}

/// Whoever brings keys asks for signatures: what has none is then not made up for by having been
/// seen before.
fn is_intact(asked: &Asked<'_>, findings: &[Finding]) -> bool {
    let keys = asked.signers.is_some() || asked.commit_keys.is_some();
    findings.iter().all(|each| {
        let first = each.code == Code::AnchorAbsent && !keys;
        first || each.code.weight() == Weight::Note || each.code.is_on_record()
    })
}

/// What was read.
struct Seen<'a> {
    asked: &'a Asked<'a>,
    history: History,
    links: BTreeMap<u64, Link>,
    /// By entry, the commit of the history that added it.
    made: BTreeMap<u64, usize>,
    /// By amended entry, the first that amends it.
    amended: BTreeMap<u64, u64>,
    /// By review, the entries about it, in order.
    reviews: BTreeMap<u64, Vec<u64>>,
    /// By entry, the merges that rely on it, in order.
    relying: BTreeMap<u64, Vec<u64>>,
    /// By prompt or file, the verdicts that name it, in order.
    judged: BTreeMap<String, Vec<u64>>,
    policies: Policies<'a>,
}

impl Seen<'_> {
    /// Every entry that can be read, in order.
    fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        let links = self.links.iter();
        links.filter_map(|(seq, link)| Some((*seq, link.entry.as_ref()?)))
    }

    /// An entry.
    fn entry(&self, seq: u64) -> Option<&Entry> {
        self.links.get(&seq)?.entry.as_ref()
    }

    /// When the commit was made that added an entry.
    fn made_at(&self, seq: u64) -> Option<DateTime<Utc>> {
        let made = self.history.commits.get(*self.made.get(&seq)?)?;
        Some(made.commit.at)
    }
}

/// What may be done where the ledger is intact and nothing anchors it.
const REMEMBERS: &str = "Or verify once more: this clone remembers the tip from now on.";

/// Verifies a ledger.
pub(crate) fn verify(asked: &Asked<'_>) -> Result<Answer, GitError> {
    let mut findings = Findings::default();
    let Some(tip) = &asked.ledger else {
        return Ok(absent(asked, findings));
    };
    let history = branch::read(asked, tip, &mut findings)?;
    let links = chain::read(asked, tip, &mut findings)?;
    let Some((seq, last)) = links.last_key_value() else {
        return Ok(absent(asked, findings));
    };
    let newest = Tip {
        commit: tip.clone(),
        seq: *seq,
        digest: last.digest,
    };
    let seen = Seen {
        made: made(&history),
        amended: amended(&links),
        reviews: reviews(&links),
        relying: relying(&links),
        judged: judged(&links),
        policies: Policies::new(asked.repo, asked.policy.as_ref()),
        asked,
        history,
        links,
    };
    times::check(&seen, &mut findings);
    content::check(&seen, &mut findings);
    recomputed::check(&seen, &mut findings)?;
    let complete = complete::check(&seen, &mut findings)?;
    for (merge, range) in &complete.merges {
        merged::check(&seen, *merge, range, &mut findings)?;
        gated::check(&seen, (*merge, &complete.astray), &mut findings)?;
    }
    for other in &asked.others {
        let words = format!("this clone remembers the ledger {other}");
        findings.add(Code::LedgerMoved, Place::Whole, words);
    }
    let anchored = anchors::check(&seen, (&newest, complete.others), &mut findings)?;
    if is_intact(asked, &findings.0) {
        let open = findings
            .0
            .iter_mut()
            .filter(|each| each.code == Code::AnchorAbsent);
        open.for_each(|each| each.fix = Some(format!("{} {REMEMBERS}", each.code.fix()).into()));
    }
    Ok(Answer {
        holds: Holds::Yes,
        findings: Vec::new(),
        since: complete.since,
        anchors: anchored.held,
        unseen: anchored.unseen,
        entries: seen.links.len(),
        tip: Some(newest),
    }
    .with(findings))
}

impl Answer {
    /// The clone lacks something without which nothing can be told.
    pub(crate) fn lacking(error: &GitError) -> Self {
        let mut findings = Findings::default();
        findings.add(Code::ObjectsMissing, Place::Whole, error.to_string());
        Self::nothing("everything: the clone lacks objects").with(findings)
    }

    fn nothing(unseen: &str) -> Self {
        Self {
            holds: Holds::CannotTell,
            findings: Vec::new(),
            since: None,
            anchors: Vec::new(),
            unseen: vec![unseen.into()],
            entries: 0,
            tip: None,
        }
    }

    fn with(mut self, findings: Findings) -> Self {
        self.findings = findings.sorted();
        let heaviest = self.findings.iter().map(|each| each.code.weight()).min();
        self.holds = match heaviest {
            Some(Weight::Violated) => Holds::No,
            Some(Weight::Unknown) => Holds::CannotTell,
            Some(Weight::Note) | None => Holds::Yes,
        };
        self
    }
}

/// No ledger: what anchors show to have been there is gone, and else nobody can tell.
fn absent(asked: &Asked<'_>, mut findings: Findings) -> Answer {
    let words = "found no entry";
    if asked.anchors.is_empty() && asked.remembered.is_none() {
        findings.add(Code::LedgerAbsent, Place::Whole, words);
    } else {
        findings.add(Code::AnchorMissing, Place::Whole, words);
    }
    Answer::nothing("everything: there is no ledger to look at").with(findings)
}

fn made(history: &History) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    for (at, made) in history.commits.iter().enumerate() {
        for seq in &made.added {
            found.entry(*seq).or_insert(at);
        }
    }
    found
}

fn amended(links: &BTreeMap<u64, Link>) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for (seq, link) in links {
        if let Some(Body::Amend(amend)) = link.entry.as_ref().map(|entry| &entry.body)
            && amend.amends < *seq
        {
            found.entry(amend.amends).or_insert(*seq);
        }
    }
    found
}

fn reviews(links: &BTreeMap<u64, Link>) -> BTreeMap<u64, Vec<u64>> {
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (seq, link) in links {
        if let Some(Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review)) =
            link.entry.as_ref().map(|entry| &entry.body)
        {
            found.entry(review.review).or_default().push(*seq);
        }
    }
    found
}

fn relying(links: &BTreeMap<u64, Link>) -> BTreeMap<u64, Vec<u64>> {
    let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (seq, link) in links {
        if let Some(Body::Merge(merge)) = link.entry.as_ref().map(|entry| &entry.body) {
            for number in &merge.relies_on {
                found.entry(*number).or_default().push(*seq);
            }
        }
    }
    found
}

fn judged(links: &BTreeMap<u64, Link>) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (seq, link) in links {
        if let Some(Body::Verdict(verdict)) = link.entry.as_ref().map(|entry| &entry.body) {
            let changes = verdict.changes.iter();
            let names = changes.flat_map(|each| [Some(&each.id), each.renamed_from.as_ref()]);
            let files = verdict.files.iter().map(|each| &each.path);
            for name in names.flatten().chain(files) {
                found.entry(name.clone()).or_default().push(*seq);
            }
        }
    }
    found
}
