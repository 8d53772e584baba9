//! Which drafts are on record already, so that a run that is repeated adds nothing.
//!
//! A draft is compared with the newest entry of the same thing only: what was so, changed and
//! is so again is news.

use super::entry::{Review, Time, Waiver};
use super::{About, Body, Draft, Entry, Key, Ledger, LedgerError, Stored};

/// What is on record, and what the same batch will add to it.
pub(super) struct Recorded<'a> {
    /// The ledger; `None` before its first entry.
    pub(super) ledger: Option<&'a Ledger<'a>>,
    /// The entries that go on top of it, in order.
    pub(super) batch: &'a [Stored],
}

impl Recorded<'_> {
    /// The entry that says what a draft says, where there is one.
    pub(super) fn find(&self, draft: &Draft) -> Result<Option<Stored>, LedgerError> {
        let about = &draft.about;
        match &draft.body {
            // A head is seen once, however often it comes and goes.
            Body::HeadSeen(_) => self.newest(&Key::Head(about.head.clone()), |entry| {
                matches!(entry.body, Body::HeadSeen(_)) && entry.about.pull == about.pull
            }),
            // Of a review counts what was said last.
            Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review) => {
                let newest = self.newest(&Key::Review(review.review), is_review)?;
                Ok(newest.filter(|there| says_the_same(&there.entry.body, &draft.body, review)))
            }
            // Of a pull request's verdicts counts the last one. Who ran it, where, when and with
            // which gatecard does not change what it says. An amended one is still there: to run
            // again must not undo what a person took away.
            Body::Verdict(_) => {
                let key = about
                    .pull
                    .map_or_else(|| Key::Head(about.head.clone()), Key::Pull);
                let newest = self.newest(&key, |entry| {
                    matches!(entry.body, Body::Verdict(_))
                        && entry.about.pull == about.pull
                        && (about.pull.is_some() || entry.about.base_ref == about.base_ref)
                })?;
                let wanted = essence(about, &draft.body);
                Ok(newest.filter(|there| essence(&there.entry.about, &there.entry.body) == wanted))
            }
            // A waiver is of the policy: under another one it is let again.
            Body::Waiver(waiver) => {
                let newest = self.newest(&Key::of_waiver(waiver), is_waiver)?;
                Ok(newest.filter(|there| {
                    there.entry.about.policy == about.policy
                        && expires(&there.entry.body) == Some(&waiver.expires)
                }))
            }
            // A branch gets a commit once. The same commit on another branch is another merge,
            // and a merge that was recorded wrongly is recorded again once it is amended.
            Body::Merge(_) => {
                let newest = self.newest(&Key::Merge(about.head.clone()), |entry| {
                    entry.about.base_ref == about.base_ref
                })?;
                let Some(there) = newest else { return Ok(None) };
                let seq = there.entry.seq;
                let amended = self.newest(&Key::Amends(seq), |entry| entry.seq > seq)?;
                Ok(amended.is_none().then_some(there))
            }
            // The same correction for the same reason.
            Body::Amend(amend) => self.newest(
                &Key::Amends(amend.amends),
                |entry| matches!(&entry.body, Body::Amend(there) if there == amend),
            ),
        }
    }

    /// The newest entry of a key that fits.
    fn newest(
        &self,
        key: &Key,
        fits: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Stored>, LedgerError> {
        let here = |stored: &&Stored| key.finds(&stored.entry) && fits(&stored.entry);
        if let Some(found) = self.batch.iter().rev().find(here) {
            return Ok(Some(found.clone()));
        }
        match self.ledger {
            Some(ledger) => ledger.newest(key, fits),
            None => Ok(None),
        }
    }
}

fn is_review(entry: &Entry) -> bool {
    matches!(
        entry.body,
        Body::Approve(_) | Body::Dismiss(_) | Body::Stale(_)
    )
}

fn says_the_same(there: &Body, draft: &Body, review: &Review) -> bool {
    let (Body::Approve(one) | Body::Dismiss(one) | Body::Stale(one)) = there else {
        return false;
    };
    there.kind() == draft.kind() && one.subjects == review.subjects && one.code == review.code
}

fn is_waiver(entry: &Entry) -> bool {
    matches!(entry.body, Body::Waiver(_))
}

fn expires(body: &Body) -> Option<&String> {
    match body {
        Body::Waiver(Waiver { expires, .. }) => Some(expires),
        _ => None,
    }
}

/// What a verdict says, without who ran the check, where, when and with which gatecard.
fn essence(about: &About, body: &Body) -> (About, Body) {
    let about = About {
        actor: None,
        workflow: None,
        tool: String::new(),
        ..about.clone()
    };
    let mut body = body.clone();
    if let Body::Verdict(verdict) = &mut body {
        verdict.judged = Time::of(chrono::DateTime::UNIX_EPOCH);
    }
    (about, body)
}
