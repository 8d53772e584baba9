//! What is told of reviews: those that approve what would be merged, and those on record that do
//! so no more.

use std::collections::{BTreeMap, BTreeSet};

use super::verdict::subject;
use crate::approval::observed::Observed;
use crate::approval::{Approvals, opinion_of};
use crate::ledger::entry::{Account, Approved, Review, Time};
use crate::ledger::{Body, Stored};
use crate::reason::Code;

/// What of the reviews is to be recorded, each with the pull request that it is on. `recorded` is
/// what the ledger holds of these pull requests.
pub(super) fn said(
    approvals: &Approvals,
    observed: Option<&Observed>,
    recorded: &[Stored],
) -> Vec<(u64, Body)> {
    let approving = approving(approvals);
    let mut said = Vec::new();
    // Where nothing is known of the reviews, none of them is known to be gone.
    if let Some(observed) = observed.filter(|_| approvals.unknown.is_none()) {
        for (place, review) in on_record(recorded) {
            if !approving.contains_key(&place)
                && let Some(code) = lost(approvals, observed, place)
            {
                let review = Review {
                    code: Some(code.id().to_owned()),
                    ..review.clone()
                };
                let body = if moved(code) {
                    Body::Stale(review)
                } else {
                    Body::Dismiss(review)
                };
                said.push((place.0, body));
            }
        }
    }
    let approving = approving.into_iter();
    said.extend(approving.map(|((pull, _), review)| (pull, Body::Approve(review))));
    said
}

/// A review: the pull request and its id.
type Place = (u64, u64);

/// The reviews that count now, each with all that it counts for.
fn approving(approvals: &Approvals) -> BTreeMap<Place, Review> {
    let mut found: BTreeMap<Place, Review> = BTreeMap::new();
    for decision in &approvals.decisions {
        let Some(digest) = decision.version else {
            continue;
        };
        let (prompt, files) = subject(&decision.subject);
        for counted in &decision.counted {
            let place = (counted.pull, counted.review);
            let review = found.entry(place).or_insert_with(|| Review {
                review: counted.review,
                reviewer: Account {
                    login: counted.reviewer.for_machines().to_owned(),
                    id: Some(counted.account),
                },
                commit: Some(counted.commit.clone()),
                submitted: Some(Time::of(counted.at)),
                subjects: Vec::new(),
                code: None,
            });
            review.subjects.push(Approved {
                prompt: prompt.clone(),
                files: files.clone(),
                digest,
                group: crate::ledger::name::bounded(&decision.group.name),
            });
        }
    }
    for review in found.values_mut() {
        review.subjects.sort();
        review.subjects.dedup();
    }
    found
}

/// The reviews whose newest entry says that they approve.
fn on_record(recorded: &[Stored]) -> BTreeMap<Place, &Review> {
    let mut found = BTreeMap::new();
    for stored in recorded {
        let Some(pull) = stored.entry.about.pull else {
            continue;
        };
        match &stored.entry.body {
            Body::Approve(review) => {
                found.insert((pull, review.review), review);
            }
            Body::Dismiss(review) | Body::Stale(review) => {
                found.remove(&(pull, review.review));
            }
            _ => {}
        }
    }
    found
}

/// Why a review that was an approval is none any more; `None` where that cannot be told.
fn lost(approvals: &Approvals, observed: &Observed, (pull, review): Place) -> Option<Code> {
    let discarded: BTreeSet<Code> = approvals
        .decisions
        .iter()
        .flat_map(|decision| &decision.discarded)
        .filter(|each| each.review == review)
        .map(|each| each.code)
        .collect();
    // Not to be in one of several groups says nothing of the others.
    let told = |code: &&Code| **code != Code::ApprovalNotAMember;
    if let Some(code) = discarded.iter().find(told).or(discarded.first()) {
        return (!untold(*code)).then_some(*code);
    }
    // It approves nothing that is asked for now. It is gone only if GitHub says so.
    let pull = observed.pulls.iter().find(|each| each.number == pull)?;
    opinion_of(pull, review)
}

/// Whether the content is what changed, and not the opinion.
const fn moved(code: Code) -> bool {
    matches!(
        code,
        Code::ApprovalStale
            | Code::ApprovalForcePushed
            | Code::ApprovalRetargeted
            | Code::ApprovalUnplaced
    )
}

/// Whether a code says only that something could not be read.
const fn untold(code: Code) -> bool {
    matches!(
        code,
        Code::TeamUnreadable | Code::WritersUnknown | Code::AuthorsUnknown
    )
}
