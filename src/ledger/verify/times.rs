//! Times: no entry is dated long before the one before it, long off the commit that added it,
//! or before what it tells about.

use chrono::{DateTime, TimeDelta, Utc};

use super::Seen;
use super::finding::{Code, Findings};
use crate::ledger::Body;
use crate::ledger::entry::Time;

/// What clocks may differ by.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// Looks at every entry's date.
pub(super) fn check(seen: &Seen<'_>, findings: &mut Findings) {
    let mut before: Option<Time> = None;
    for (seq, entry) in seen.entries() {
        let at = entry.at.get();
        if let Some(last) = before
            && at + SKEW < last.get()
        {
            let words = format!("dated {}, the entry before it {last}", entry.at);
            findings.entry(Code::TimeBackwards, seq, words);
        }
        before = Some(entry.at);
        if at > seen.asked.now + SKEW {
            let words = format!("dated {}, which is yet to come", entry.at);
            findings.entry(Code::ForwardDated, seq, words);
        }
        if let Some(told) = tells_about(&entry.body)
            && entry.at < told
        {
            let words = format!("dated {}, and tells about {told}", entry.at);
            findings.entry(Code::DatedBeforeCause, seq, words);
        }
        if let Some(made) = seen.made_at(seq) {
            off(seq, entry.at, made, findings);
        }
    }
}

fn off(seq: u64, at: Time, made: DateTime<Utc>, findings: &mut Findings) {
    let code = if at.get() + SKEW < made {
        Code::BackDated
    } else if at.get() > made + SKEW {
        Code::ForwardDated
    } else {
        return;
    };
    let words = format!("dated {at}, and added by a commit of {}", Time::of(made));
    findings.entry(code, seq, words);
}

fn tells_about(body: &Body) -> Option<Time> {
    match body {
        Body::HeadSeen(seen) => Some(seen.seen),
        Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review) => review.submitted,
        Body::Verdict(verdict) => Some(verdict.judged),
        Body::Waiver(_) | Body::Merge(_) | Body::Amend(_) => None,
    }
}
