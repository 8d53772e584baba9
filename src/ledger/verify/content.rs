//! Content: entries point backwards, at what fits, and a verdict counts approvals on record.

use std::collections::BTreeMap;

use super::Seen;
use super::finding::{Code, Findings};
use crate::ledger::entry::{Approved, Merge, Review};
use crate::ledger::verdict::{Approval, Verdict};
use crate::ledger::{Body, Entry};

/// What the newest entry of a review says so far.
type Reviews<'a> = BTreeMap<u64, &'a Body>;

/// Looks at what entries say of each other.
pub(super) fn check(seen: &Seen<'_>, findings: &mut Findings) {
    let mut reviews = Reviews::new();
    for (seq, entry) in seen.entries() {
        match &entry.body {
            body @ (Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review)) => {
                reviews.insert(review.review, body);
            }
            Body::Verdict(verdict) => counted(seq, verdict, &reviews, findings),
            Body::Merge(merge) => relied(seen, (seq, entry), merge, findings),
            Body::Amend(amend) if amend.amends == 0 || amend.amends >= seq => {
                let words = format!("amends entry {}, expected one before it", amend.amends);
                findings.entry(Code::AmendWrong, seq, words);
            }
            Body::HeadSeen(_) | Body::Waiver(_) | Body::Amend(_) => {}
        }
    }
}

/// Every review that a verdict counts was an approval of that content for that group by then.
fn counted(seq: u64, verdict: &Verdict, reviews: &Reviews<'_>, findings: &mut Findings) {
    for approval in verdict
        .approvals
        .iter()
        .filter(|each| each.digest.is_some())
    {
        for review in &approval.counted {
            let name = || format!("review {review} for {}", approval.group);
            match reviews.get(review) {
                Some(Body::Approve(there)) if approves(there, approval) => {}
                Some(Body::Dismiss(_) | Body::Stale(_)) => {
                    let words = format!("counts {}, which was withdrawn", name());
                    findings.entry(Code::ApprovalWithdrawn, seq, words);
                }
                _ => {
                    let words = format!("counts {}, which is not on record for that", name());
                    findings.entry(Code::ApprovalUnrecorded, seq, words);
                }
            }
        }
    }
}

/// Whether a review is recorded as an approval of what a verdict counts it for.
pub(super) fn approves(review: &Review, approval: &Approval) -> bool {
    let same = |subject: &Approved| {
        subject.prompt == approval.prompt
            && subject.files == approval.files
            && Some(subject.digest) == approval.digest
            && subject.group == approval.group
    };
    review.subjects.iter().any(same)
}

fn relied(seen: &Seen<'_>, (seq, entry): (u64, &Entry), merge: &Merge, findings: &mut Findings) {
    for number in &merge.relies_on {
        let wrong = if *number >= seq {
            "which does not come before it"
        } else {
            match seen.entry(*number) {
                // What cannot be read was found as such.
                None if seen.links.contains_key(number) => continue,
                None => "which is not there",
                Some(there) if is_about(there, entry, merge) => continue,
                Some(_) => "which is about something else",
            }
        };
        let words = format!("relies on entry {number}, {wrong}");
        findings.entry(Code::ReliesOnWrong, seq, words);
    }
}

/// Whether an entry can support a merge: a verdict, an approval or a waiver that names something
/// that was merged.
fn is_about(there: &Entry, entry: &Entry, merge: &Merge) -> bool {
    let prompt = |id: &String| {
        let own = |each: &crate::ledger::entry::Merged| {
            each.id == *id || each.renamed_from.as_ref() == Some(id)
        };
        merge.prompts.iter().any(own)
    };
    let file = |path: &String| merge.files.iter().any(|each| each.path == *path);
    match &there.body {
        Body::Verdict(verdict) => {
            let changed = |each: &crate::ledger::verdict::Change| {
                prompt(&each.id) || each.renamed_from.as_ref().is_some_and(prompt)
            };
            let branch = there.about.base_ref.as_ref();
            branch.is_none_or(|branch| Some(branch) == entry.about.base_ref.as_ref())
                && (verdict.changes.iter().any(changed)
                    || verdict.files.iter().any(|each| file(&each.path)))
        }
        Body::Approve(review) => review.subjects.iter().any(|subject| {
            subject.prompt.as_ref().is_some_and(prompt) || subject.files.iter().any(file)
        }),
        Body::Waiver(waiver) => waiver.prompt.as_ref().is_none_or(prompt),
        Body::HeadSeen(_) | Body::Dismiss(_) | Body::Stale(_) | Body::Merge(_) | Body::Amend(_) => {
            false
        }
    }
}
