//! What the three trace gates share: a share of calls against a threshold.

use super::{Facts, Ruling, State, unreadable};
use crate::evidence::collect::Use;
use crate::evidence::judged::{Calls, Judged};
use crate::evidence::traces::fields::{FIELDS, Mask};
use crate::measure::Measured;
use crate::policy::scope::Stage;
use crate::policy::{self};
use crate::reason::Code;
use crate::units::{Percent, Share};
use crate::yaml::{Errors, Node};

/// Reads a threshold, or takes the method's.
pub(super) fn threshold(node: Option<&Node<'_>>, default: u32, errors: &mut Errors<'_>) -> Percent {
    node.and_then(|node| policy::percent(node, errors))
        .or(Percent::from_hundredths(default))
        .unwrap_or_else(|| threshold(None, 0, errors))
}

/// What a trace gate asks of each call.
pub(super) struct Asked {
    /// The share of calls that must be complete.
    pub(super) threshold: Percent,
    /// The fields that make a call complete.
    pub(super) fields: Mask,
    /// Whether the version must be known to this repository.
    pub(super) resolved: bool,
    /// What that is, for people.
    pub(super) what: &'static str,
}

/// Judges every changed prompt.
pub(super) fn judge(asked: &Asked, facts: &Facts<'_>) -> Vec<Ruling> {
    facts
        .judged
        .iter()
        .map(|judged| one(asked, facts, judged))
        .collect()
}

fn one(asked: &Asked, facts: &Facts<'_>, judged: &Judged<'_>) -> Ruling {
    let prompt = Some(&judged.change.id);
    let needed = format!("at least {} of calls {}", asked.threshold, asked.what);
    let ruling = |state, code, found: String| Ruling::of(prompt, state, code, found, &*needed);
    if let Some(ruling) = unreadable(facts, Use::Traces, prompt, &needed) {
        return ruling;
    }
    let calls = match usable(facts, judged) {
        Ok(calls) => calls,
        Err((state, code, found)) => return ruling(state, code, found),
    };
    let share = calls.complete(asked.fields, asked.resolved);
    let measured = Measured::share(share, asked.threshold);
    if share.reaches(asked.threshold) {
        return ruling(State::Pass, Code::Met, found(share, calls)).measured(measured);
    }
    let found = format!("{}; {}", found(share, calls), missing(asked, calls));
    if asked.resolved && facts.versions.history_missing {
        return ruling(State::Error, Code::HistoryMissing, found).measured(measured);
    }
    ruling(State::Fail, Code::TraceShare, found)
        .fix(fix(asked, facts, calls))
        .measured(measured)
}

/// The calls of a prompt, or why they cannot be judged.
fn usable<'j>(
    facts: &Facts<'_>,
    judged: &'j Judged<'_>,
) -> Result<&'j Calls, (State, Code, String)> {
    let Some(calls) = &judged.calls else {
        return Err(if judged.change.stage == Stage::PreProduction {
            let found = String::from("not in production, and no traces");
            (State::NotApplicable, Code::PreProduction, found)
        } else if let Some(refused) = judged.refused_traces {
            let found = refused.words("traces");
            (State::Missing, Code::EvidenceInadmissible, found)
        } else {
            (
                State::Missing,
                Code::TracesMissing,
                String::from("no traces"),
            )
        });
    };
    if let Some(coverage) = &facts.evidence.coverage
        && coverage.unreadable * 100 > coverage.records
    {
        let (unreadable, records) = (coverage.unreadable, coverage.records);
        let found = format!("{unreadable} of {records} trace records cannot be read");
        return Err((State::Error, Code::TracesUnreadable, found));
    }
    if facts.traces_expired {
        let found = String::from("the newest call is too old");
        return Err((State::Stale, Code::EvidenceExpired, found));
    }
    let (count, least) = (calls.count(), facts.policy.min_traces);
    if count < least {
        let spans = facts
            .evidence
            .coverage
            .as_ref()
            .map_or(0, |each| each.spans);
        let mut found = format!("{count} LLM calls, fewer than the {least} that can be judged");
        if count == 0 && spans > 0 {
            found = format!("no LLM call with GenAI attributes among {spans} spans");
        }
        return Err((State::Inconclusive, Code::TooFewTraces, found));
    }
    Ok(calls)
}

fn found(share: Share, calls: &Calls) -> String {
    let whose = if calls.repository_wide {
        " of all prompts"
    } else {
        ""
    };
    format!("{share} ({} of {} calls{whose})", share.part, share.whole)
}

/// The fields of a gate with their shares, the rarest first, where some calls lack them.
fn lacking(asked: &Asked, calls: &Calls) -> Vec<(&'static str, &'static str, Share)> {
    let mut found: Vec<_> = FIELDS
        .iter()
        .filter(|about| asked.fields.has(about.field))
        .map(|about| (about.id, about.read_from, calls.field(about.field)))
        .filter(|(_, _, share)| share.part < share.whole)
        .collect();
    found.sort_by(|(_, _, a), (_, _, b)| a.fraction().total_cmp(&b.fraction()));
    found
}

fn missing(asked: &Asked, calls: &Calls) -> String {
    let mut parts: Vec<String> = lacking(asked, calls)
        .into_iter()
        .take(4)
        .map(|(id, _, share)| format!("{id} {share}"))
        .collect();
    let resolved = calls.resolved();
    if asked.resolved && resolved.part < resolved.whole {
        parts.push(format!("version known here {resolved}"));
    }
    if parts.is_empty() {
        return String::from("no single field is missing, but calls lack different ones");
    }
    format!("recorded: {}", parts.join(", "))
}

fn fix(asked: &Asked, facts: &Facts<'_>, calls: &Calls) -> String {
    let resolved = calls.resolved();
    let rarest = lacking(asked, calls).into_iter().next();
    if let Some((_, read_from, share)) = rarest
        && (!asked.resolved || share.fraction() <= resolved.fraction())
    {
        return format!("record {read_from} on the calls that lack it");
    }
    let named: Vec<String> = facts
        .versions
        .unresolved
        .keys()
        .take(3)
        .map(|(prompt, version)| match prompt {
            Some(prompt) => format!("`{prompt}` at `{version}`"),
            None => format!("`{version}`"),
        })
        .collect();
    format!(
        "stamp the version that `gatecard prompts` prints; unknown here: {}",
        named.join(", ")
    )
}
