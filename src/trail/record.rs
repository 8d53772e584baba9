//! Puts together what the entries say of one version. Pure.

use chrono::{DateTime, Utc};

use super::{Amended, Approver, Gates, Judged, Kept, Lost, Record, Saw, Shelf, Waived};
use crate::ledger::entry::{Approved, Merge, Merged, Review};
use crate::ledger::verdict::{Change, Outcome, Verdict};
use crate::ledger::{Body, Stored};
use crate::reason::Code;
use crate::timeline::Timeline;
use crate::units::Digest;

/// A version whose record is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The ids that its prompt ever had.
    pub(crate) ids: &'a [String],
    /// The version; none of a prompt that was removed.
    pub(crate) version: Option<Digest>,
    /// The merge by which the base branch got it.
    pub(crate) merge: Option<&'a Stored>,
    /// What was judged when: a later verdict on the same version is of another merge.
    pub(crate) judged: When,
}

/// Which verdicts on a version are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// All of them.
    Ever,
    /// Those until the branch had it, where no merge entry tells when that was.
    Until(DateTime<Utc>),
    /// One entry.
    Entry(u64),
}

impl Wanted<'_> {
    fn is_id(self, id: &String) -> bool {
        self.ids.contains(id)
    }

    fn is_about(self, prompt: Option<&String>, version: Option<Digest>) -> bool {
        prompt.is_some_and(|id| self.is_id(id)) && version == self.version
    }

    fn change(self, verdict: &Verdict) -> Option<&Change> {
        let mut changes = verdict.changes.iter();
        changes.find(|change| self.is_about(Some(&change.id), change.to))
    }

    /// Whether the merge says that no verdict let this version in: one on the same version let
    /// it in before, or somewhere else.
    fn is_unjudged(self) -> bool {
        let Some(merge) = self.merge.and_then(merge) else {
            return false;
        };
        let code = Some(Code::NoVerdict.id());
        let mut prompts = merge.prompts.iter();
        prompts
            .any(|each| self.is_about(Some(&each.id), each.to) && each.ungated.as_deref() == code)
    }

    fn relies_on(self, seq: u64) -> bool {
        let merge = self.merge.and_then(|stored| merge(stored));
        merge.is_some_and(|merge| merge.relies_on.contains(&seq))
    }

    /// Whether an entry says something of this very version.
    fn names(self, stored: &Stored) -> bool {
        let subject = |each: &Approved| self.is_about(each.prompt.as_ref(), Some(each.digest));
        match &stored.entry.body {
            Body::Verdict(verdict) => self.change(verdict).is_some(),
            Body::Approve(review) => review.subjects.iter().any(subject),
            Body::Waiver(waiver) => {
                self.relies_on(stored.entry.seq)
                    || self.is_about(waiver.prompt.as_ref(), waiver.version)
            }
            Body::Merge(merge) => {
                let named = |each: &Merged| self.is_about(Some(&each.id), each.to);
                merge.prompts.iter().any(named)
            }
            Body::HeadSeen(_) | Body::Dismiss(_) | Body::Stale(_) | Body::Amend(_) => false,
        }
    }
}

fn merge(stored: &Stored) -> Option<&Merge> {
    match &stored.entry.body {
        Body::Merge(merge) => Some(merge),
        _ => None,
    }
}

/// The merge whose push brought the commit at a position, and said something of the prompt.
pub(crate) fn covering<'s>(
    shelf: &'s Shelf,
    line: &Timeline,
    at: usize,
    ids: &[String],
) -> Option<(&'s Stored, &'s Merged)> {
    shelf.entries().rev().find_map(|stored| {
        let prompts = &merge(stored)?.prompts;
        let merged = prompts.iter().find(|each| ids.contains(&each.id))?;
        let about = &stored.entry.about;
        let last = line.position(&about.head)?;
        let covers = match line.position(&about.base) {
            Some(before) => before < at && at <= last,
            // What the push was onto lies before the beginning of this clone.
            None if line.is_cut() => at <= last,
            None => at == last,
        };
        covers.then_some((stored, merged))
    })
}

/// Puts together what is on record of a version. What only Git tells is left empty.
pub(crate) fn record(shelf: &Shelf, wanted: Wanted<'_>) -> Record {
    let judged = relied(shelf, wanted);
    let mut record = Record {
        version: wanted.version,
        amended: amended(shelf, wanted),
        merge: wanted.merge.map(|stored| stored.entry.seq),
        recorded: wanted.merge.map(|stored| stored.entry.at.to_string()),
        ..Record::default()
    };
    let Some((stored, verdict, change)) = judged else {
        return record;
    };
    record.approvals = approvers(shelf, wanted, verdict);
    record.waivers = waivers(shelf, wanted, stored);
    record.evidence = verdict.evidence.iter().map(kept).collect();
    record.verdict = Some(summary(stored, wanted, (verdict, change)));
    record
}

/// The verdict that the merge relied on; without one, the newest of this version before it,
/// unless the merge says that there is none.
fn relied<'s>(
    shelf: &'s Shelf,
    wanted: Wanted<'_>,
) -> Option<(&'s Stored, &'s Verdict, &'s Change)> {
    let verdicts = shelf.standing().rev().filter_map(|stored| {
        let Body::Verdict(verdict) = &stored.entry.body else {
            return None;
        };
        let seq = stored.entry.seq;
        let before = wanted.merge.is_none_or(|merge| seq < merge.entry.seq);
        let asked = match wanted.judged {
            When::Until(time) if wanted.merge.is_none() => stored.entry.at.get() <= time,
            When::Entry(only) => seq == only,
            When::Ever | When::Until(_) => true,
        };
        let change = wanted.change(verdict).filter(|_| before && asked);
        change.map(|change| (stored, &**verdict, change))
    });
    let verdicts: Vec<_> = verdicts.collect();
    let relied = verdicts
        .iter()
        .find(|(stored, ..)| wanted.relies_on(stored.entry.seq));
    let newest = verdicts.first().filter(|_| !wanted.is_unjudged());
    relied.or(newest).copied()
}

/// Whose reviews a verdict counted for this version. One whose approve entry was corrected
/// approved nothing.
fn approvers(shelf: &Shelf, wanted: Wanted<'_>, verdict: &Verdict) -> Vec<Approver> {
    let about = verdict
        .approvals
        .iter()
        .filter(|each| wanted.is_about(each.prompt.as_ref(), each.digest));
    let mut found: Vec<Approver> = about
        .flat_map(|each| each.counted.iter().map(move |review| (each, *review)))
        .filter_map(|(each, review)| {
            Some(Approver {
                group: each.group.clone(),
                ..approver(shelf, wanted, review)?
            })
        })
        .collect();
    found.sort_by_key(|each| {
        (
            each.group.clone(),
            each.login.is_none(),
            each.login.clone(),
            each.review,
        )
    });
    found
}

/// A review as its newest approve entry tells of it, one on this version before others; none
/// where all that were on this version were corrected.
fn approver(shelf: &Shelf, wanted: Wanted<'_>, id: u64) -> Option<Approver> {
    let approving = |stored: &&Stored| matches!(&stored.entry.body, Body::Approve(review) if review.review == id);
    let stands = |stored: &&Stored| shelf.amend(stored.entry.seq).is_none();
    let on_it: Vec<&Stored> = shelf
        .entries()
        .rev()
        .filter(approving)
        .filter(|stored| wanted.names(stored))
        .collect();
    let mut known = on_it.iter().copied().find(stands);
    if known.is_none() && !on_it.is_empty() {
        return None;
    }
    known = known.or_else(|| shelf.standing().rev().find(approving));
    let mut found = Approver {
        review: id,
        ..Approver::default()
    };
    if let Some((stored, review)) = known.and_then(|stored| Some((stored, reviewed(stored)?))) {
        found.login = Some(review.reviewer.login.clone());
        found.id = review.reviewer.id;
        found.entry = Some(stored.entry.seq);
        found.submitted = review.submitted.map(|time| time.to_string());
        found.recorded = Some(stored.entry.at.to_string());
        found.pull = stored.entry.about.pull;
        found.commit = review.commit.as_ref().map(ToString::to_string);
        found.lost = lost(shelf, stored.entry.seq, id);
    }
    Some(found)
}

fn reviewed(stored: &Stored) -> Option<&Review> {
    match &stored.entry.body {
        Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review) => Some(review),
        _ => None,
    }
}

/// The newest entry after an approval that says that the review is none any more.
fn lost(shelf: &Shelf, approved: u64, id: u64) -> Option<Lost> {
    let mut later = shelf
        .standing()
        .rev()
        .take_while(|stored| stored.entry.seq > approved);
    let newest = later.find(|stored| reviewed(stored).is_some_and(|review| review.review == id))?;
    let review = reviewed(newest)?;
    (!matches!(newest.entry.body, Body::Approve(_))).then(|| Lost {
        kind: newest.entry.body.kind(),
        code: review.code.clone(),
        entry: newest.entry.seq,
        recorded: newest.entry.at.to_string(),
    })
}

/// The waivers that the merge relied on, or that were written with the verdict.
fn waivers(shelf: &Shelf, wanted: Wanted<'_>, verdict: &Stored) -> Vec<Waived> {
    let mut found = Vec::new();
    for stored in shelf.standing() {
        let Body::Waiver(waiver) = &stored.entry.body else {
            continue;
        };
        let whole = waiver.prompt.is_none();
        let about = &stored.entry.about;
        let same = about.head == verdict.entry.about.head && about.pull == verdict.entry.about.pull;
        let here = whole || wanted.is_about(waiver.prompt.as_ref(), waiver.version);
        if here && (same || wanted.relies_on(stored.entry.seq)) {
            found.push(Waived {
                gate: waiver.gate.clone(),
                by: waiver.by.clone(),
                expires: waiver.expires.clone(),
                entry: stored.entry.seq,
            });
        }
    }
    found
}

fn kept(evidence: &crate::ledger::verdict::Evidence) -> Kept {
    Kept {
        name: evidence.name.clone(),
        sha256: evidence.sha256,
        used_as: evidence.used_as.clone(),
        provenance: evidence.provenance.clone(),
        in_git: None,
        unseen: false,
    }
}

fn summary(stored: &Stored, wanted: Wanted<'_>, (verdict, change): (&Verdict, &Change)) -> Judged {
    let (whole, hundredths) = (
        verdict.points / 100_000_000,
        verdict.points / 1_000_000 % 100,
    );
    let score = format!("{whole}.{hundredths:02}");
    let about = &stored.entry.about;
    Judged {
        entry: stored.entry.seq,
        sha256: stored.digest,
        pull: about.pull,
        head: about.head.to_string(),
        judged: verdict.judged.to_string(),
        verdict: verdict.verdict.clone(),
        mode: verdict.mode.clone(),
        score: verdict.scored.then_some(score),
        band: verdict.scored.then(|| verdict.band.clone()),
        gates: gates(wanted, verdict),
        saw: saw(wanted, verdict, change),
    }
}

/// What of a verdict is about the prompt, or about the change as a whole.
fn saw(wanted: Wanted<'_>, verdict: &Verdict, change: &Change) -> Saw {
    let compared = verdict.comparisons.iter();
    let compared = compared.filter(|each| wanted.is_id(&each.prompt));
    Saw {
        change: change.change.clone(),
        risk: change.risk.clone(),
        from: change.from,
        facets: change.facets.clone(),
        triggers: change.triggers.clone(),
        evals: change.evals.clone(),
        comparisons: compared.cloned().collect(),
        coverage: verdict.coverage.clone(),
        categories: verdict.categories.clone(),
        outcomes: outcomes(wanted, verdict).cloned().collect(),
    }
}

fn outcomes<'v>(wanted: Wanted<'_>, verdict: &'v Verdict) -> impl Iterator<Item = &'v Outcome> {
    let ours = move |each: &&Outcome| each.prompt.as_ref().is_none_or(|id| wanted.is_id(id));
    verdict.outcomes.iter().filter(ours)
}

/// A gate is as its worst outcome among those of this prompt and of the change as a whole.
fn gates(wanted: Wanted<'_>, verdict: &Verdict) -> Gates {
    let mut worst: Vec<(&str, u8)> = Vec::new();
    for outcome in outcomes(wanted, verdict) {
        let green = matches!(
            outcome.outcome.as_str(),
            "pass" | "not applicable" | "waived"
        );
        let rank = if green {
            0
        } else {
            1 + u8::from(outcome.blocks)
        };
        match worst.iter_mut().find(|(gate, _)| *gate == outcome.gate) {
            Some((_, known)) => *known = rank.max(*known),
            None => worst.push((&outcome.gate, rank)),
        }
    }
    let of = |rank: u8| -> Vec<String> {
        let fits = worst.iter().filter(|(_, known)| *known == rank);
        fits.map(|(gate, _)| (*gate).to_owned()).collect()
    };
    Gates {
        green: of(0),
        warning: of(1),
        blocking: of(2),
    }
}

fn amended(shelf: &Shelf, wanted: Wanted<'_>) -> Vec<Amended> {
    let named = |stored: &&Stored| wanted.names(stored);
    shelf
        .entries()
        .filter(named)
        .filter_map(|stored| {
            let by = shelf.amend(stored.entry.seq)?;
            let Body::Amend(amend) = &by.entry.body else {
                return None;
            };
            Some(Amended {
                entry: stored.entry.seq,
                kind: stored.entry.body.kind(),
                by: by.entry.seq,
                reason: amend.reason.clone(),
            })
        })
        .collect()
}
