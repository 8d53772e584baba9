//! What the ledger is told: from a finished check, or from what a branch got, to its entries.

mod about;
mod chain;
mod merges;
mod reviews;

#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::approval::observed::Observed;
use crate::environment::Environment;
use crate::git::CommitSha;
use crate::github::Subject;
use crate::ledger::entry::{HeadSeen, PromptAt, Time, Waiver};
use crate::ledger::name::{bounded, word};
use crate::ledger::{Body, Draft, Key, Ledger, LedgerError};
use crate::report::Report;
use crate::rules::Origin;
use crate::units::Digest;

pub(crate) use about::{about, policy_at};
pub(crate) use merges::{Got, Resolved, everything};

/// A finished check, and what is known of it beside the report.
#[derive(Clone, Copy)]
pub(crate) struct Finished<'a> {
    /// The report.
    pub(crate) report: &'a Report,
    /// What was judged on GitHub; none on a laptop.
    pub(crate) subject: Option<&'a Subject>,
    /// What was observed of the reviews, where that was asked.
    pub(crate) observed: Option<&'a Observed>,
    /// When the event shows a commit to be the head of its pull request.
    pub(crate) seen: Option<&'a (CommitSha, DateTime<Utc>)>,
    /// The time that was judged at.
    pub(crate) judged_at: DateTime<Utc>,
    /// Who and what runs the check.
    pub(crate) environment: &'a Environment,
}

/// What a finished check tells the ledger, in the order in which it is to be written: all of it
/// in one commit. Nothing where nothing governed changed, and nothing of a simulated policy.
pub(crate) fn of(
    finished: &Finished<'_>,
    ledger: Option<&Ledger<'_>>,
) -> Result<Vec<Draft>, LedgerError> {
    let report = finished.report;
    if !report.governed || report.policy.origin == Origin::Simulated {
        return Ok(Vec::new());
    }
    let about = about::of_check(finished);
    let mut recorded = Vec::new();
    if let Some(ledger) = ledger {
        let pulls = finished.observed.iter().flat_map(|each| &each.pulls);
        let pulls: BTreeSet<u64> = pulls.map(|pull| pull.number).collect();
        for pull in pulls {
            recorded.extend(ledger.about(&Key::Pull(pull))?);
        }
    }
    let draft = |body| Draft {
        about: about.clone(),
        body,
    };
    let mut drafts = vec![draft(Body::HeadSeen(head_seen(finished)))];
    let said = reviews::said(&report.approvals, finished.observed, &recorded);
    drafts.extend(said.into_iter().map(|(pull, body)| {
        let mut draft = draft(body);
        draft.about.pull = Some(pull);
        draft
    }));
    drafts.extend(waivers(report).map(|waiver| draft(Body::Waiver(waiver))));
    let verdict = verdict::of(report, finished.judged_at);
    drafts.push(draft(Body::Verdict(Box::new(verdict))));
    Ok(drafts)
}

fn head_seen(finished: &Finished<'_>) -> HeadSeen {
    let report = finished.report;
    let shown = finished
        .seen
        .filter(|(head, _)| *head == report.range.head)
        .map(|(_, at)| *at);
    let prompts = report.changes.iter().filter_map(|change| {
        Some(PromptAt {
            id: bounded(change.id.for_machines()),
            path: bounded(change.path.for_machines()),
            version: change.after?,
        })
    });
    HeadSeen {
        seen: Time::of(shown.unwrap_or(finished.judged_at)),
        prompts: prompts.collect(),
    }
}

fn waivers(report: &Report) -> impl Iterator<Item = Waiver> {
    report.outcomes.iter().filter_map(|outcome| {
        let waiver = outcome.waiver.as_ref()?;
        let prompt = outcome.prompt();
        let changed = prompt.and_then(|id| {
            let of = |change: &&crate::report::ChangeReport| change.id == *id.shown();
            report.changes.iter().find(of)
        });
        Some(Waiver {
            gate: outcome.gate.to_owned(),
            prompt: prompt.map(|id| bounded(id.as_str())),
            version: changed.and_then(|change| change.after),
            by: word(waiver.by.for_machines()),
            expires: waiver.expires.to_string(),
            reason_sha256: Digest::of(waiver.reason.for_machines().as_bytes()),
        })
    })
}
