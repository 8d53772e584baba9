//! The gates: outcomes to the verdict, and measured numbers to outcomes.

use super::{Found, What};
use crate::gates::{KINDS, Section};
use crate::ledger::verdict::{Measured, Outcome, Verdict};
use crate::measure::{self, Metric};
use crate::policy::{Band, Policy};
use crate::verdict::{State, Verdict as Word};

pub(super) fn check(
    verdict: &Verdict,
    bootstrap: bool,
    policy: Option<&Policy>,
    found: &mut Found,
) {
    let mut blocking = Vec::new();
    for outcome in &verdict.outcomes {
        let name = name(outcome);
        let Some(state) = State::by_id(&outcome.outcome) else {
            found.unless(false, What::Verdict, || {
                format!("{name}: `{}` is no outcome", outcome.outcome)
            });
            continue;
        };
        found.unless(!(outcome.blocks && state.is_green()), What::Verdict, || {
            format!("{name}: {} stands in the way", outcome.outcome)
        });
        let hard = KINDS
            .iter()
            .any(|kind| kind.id() == outcome.gate && kind.section() == Section::Hard);
        found.unless(
            !hard || outcome.blocks || state.is_green() || bootstrap,
            What::Verdict,
            || format!("{name}: {} does not stand in the way", outcome.outcome),
        );
        if outcome.blocks {
            blocking.push(state);
        }
        if let Some(recorded) = &outcome.measured {
            let Some(metric) = Metric::by_id(&recorded.metric) else {
                found.unless(false, What::Measured, || {
                    format!("{name}: nothing measures `{}`", recorded.metric)
                });
                continue;
            };
            measured(verdict, (outcome, state), (recorded, metric), policy, found);
        }
    }
    let computed = if bootstrap {
        Word::Pass
    } else {
        Word::of(blocking)
    };
    let recorded = verdict.verdict.as_str();
    found.same(What::Verdict, "the verdict", &recorded, &computed.id());
}

/// A gate, and the prompt that it is about.
pub(super) fn name(outcome: &Outcome) -> String {
    match &outcome.prompt {
        Some(prompt) => format!("{} of {prompt}", outcome.gate),
        None => outcome.gate.clone(),
    }
}

fn measured(
    verdict: &Verdict,
    (outcome, state): (&Outcome, State),
    (recorded, metric): (&Measured, Metric),
    policy: Option<&Policy>,
    found: &mut Found,
) {
    let name = name(outcome);
    let passes = state == State::Pass;
    match metric {
        Metric::Band => return band(verdict, recorded, passes, policy, found),
        // Decided with all comparisons together.
        Metric::PValue | Metric::PAlone => return,
        Metric::Share => {
            let calls = verdict.coverage.as_ref().map_or(0, |each| each.calls);
            found.unless(recorded.n <= calls, What::Count, || {
                format!("{name}: measured of {} calls, of {calls}", recorded.n)
            });
        }
        Metric::Cases => cases(verdict, outcome, recorded, found),
        Metric::TracedCases
        | Metric::HiddenCharacters
        | Metric::FailedCases
        | Metric::PassedCanaries
        | Metric::CostPerSuccess
        | Metric::LatencyP50
        | Metric::LatencyP95
        | Metric::Kappa => {}
    }
    let again = measure::Measured::new(metric, &recorded.observed, &recorded.threshold, recorded.n);
    let holds = again.holds();
    found.unless(holds == Some(passes), What::Measured, || {
        format!(
            "{name}: {} of {}, needed {}, is `{}`",
            recorded.observed, recorded.n, recorded.threshold, outcome.outcome
        )
    });
    let within = recorded
        .observed
        .parse()
        .is_ok_and(|part: u64| part <= recorded.n);
    let counted = !matches!(
        metric,
        Metric::HiddenCharacters
            | Metric::CostPerSuccess
            | Metric::LatencyP50
            | Metric::LatencyP95
            | Metric::Kappa
    );
    found.unless(within || !counted, What::Count, || {
        format!("{name}: {} of {}", recorded.observed, recorded.n)
    });
}

/// The cases that a gate counted are those of the candidate that came to a result.
fn cases(verdict: &Verdict, outcome: &Outcome, recorded: &Measured, found: &mut Found) {
    let change = verdict
        .changes
        .iter()
        .find(|change| Some(&change.id) == outcome.prompt.as_ref());
    let sides = change.into_iter().flat_map(|change| &change.evals);
    let mut candidates = sides.filter(|evals| evals.side == "candidate");
    let same = candidates.next().is_some_and(|evals| {
        let results = evals.cases.saturating_sub(evals.errored);
        recorded.observed == results.to_string() && recorded.n == evals.cases
    });
    found.unless(same, What::Measured, || {
        let (observed, n) = (&recorded.observed, recorded.n);
        format!(
            "{}: {observed} of {n} are not the cases on record",
            name(outcome)
        )
    });
}

fn band(
    verdict: &Verdict,
    recorded: &Measured,
    passes: bool,
    policy: Option<&Policy>,
    found: &mut Found,
) {
    let read = |word: &str| {
        let known = Band::WORDS.iter().find(|(name, _)| *name == word);
        known.map(|(_, band)| *band)
    };
    let (observed, least) = (read(&recorded.observed), read(&recorded.threshold));
    let holds = observed
        .zip(least)
        .map(|(observed, least)| observed >= least);
    let named = policy.is_none_or(|policy| least == Some(policy.minimum_band));
    let same = recorded.observed == verdict.band && recorded.n == verdict.categories.len() as u64;
    found.unless(
        holds == Some(passes) && named && same,
        What::Measured,
        || {
            format!(
                "minimum_band: {} of {} categories, needed {}, is {}",
                recorded.observed,
                recorded.n,
                recorded.threshold,
                if passes { "a pass" } else { "no pass" },
            )
        },
    );
}
