//! Baseline against candidate: pairs to p-value, interval and difference, and all p-values
//! together to what the gate on regressions said.
//!
//! Logarithms differ in their last digit from one machine to another, so that fractions are
//! compared up to the last of their six decimals.

use super::outcomes::name;
use super::{Found, What};
use crate::ledger::verdict::{Comparison, Measured, Outcome, Verdict};
use crate::measure::Metric;
use crate::reason::Code;
use crate::stats::{self, Pairs};

/// More cases than this were never read, and would take too long to compute again.
const MOST: u64 = 10_000_000;

/// What pairs come to, as entries hold it.
pub(crate) struct Compared {
    /// Candidate less baseline.
    pub(crate) difference: String,
    /// Its 95 % interval.
    pub(crate) interval: [String; 2],
    /// Two-sided p.
    pub(crate) p: String,
}

/// Computes the test of some pairs.
pub(crate) fn compared(pairs: Pairs) -> Compared {
    let (low, high) = stats::tango(pairs);
    Compared {
        difference: six(pairs.difference()),
        interval: [six(low), six(high)],
        p: six(stats::mcnemar_exact(pairs.lost, pairs.won)),
    }
}

/// Six decimals.
fn six(value: f64) -> String {
    format!("{value:.6}")
}

/// Whether two fractions are the same up to the last decimal.
fn near(recorded: &str, computed: &str) -> bool {
    let shape = |text: &str| {
        let (_, decimals) = text.split_once('.')?;
        (decimals.len() == 6).then(|| text.parse::<f64>().ok())?
    };
    let both = shape(recorded).zip(shape(computed));
    both.is_some_and(|(recorded, computed)| (recorded - computed).abs() < 1.5e-6)
}

pub(super) fn check(verdict: &Verdict, found: &mut Found) {
    let mut known = Vec::new();
    for comparison in &verdict.comparisons {
        let Some(pairs) = pairs(comparison) else {
            found.unless(false, What::Count, || {
                format!("{}: more than {MOST} pairs", comparison.prompt)
            });
            continue;
        };
        numbers(comparison, pairs, found);
        sides(verdict, comparison, pairs, found);
        known.push((comparison, pairs));
    }
    gate(verdict, &known, found);
}

fn pairs(comparison: &Comparison) -> Option<Pairs> {
    let Comparison {
        both,
        lost,
        won,
        neither,
        ..
    } = *comparison;
    let sizes = [both, lost, won, neither];
    sizes.iter().all(|size| *size <= MOST).then_some(Pairs {
        both,
        lost,
        won,
        neither,
    })
}

fn numbers(comparison: &Comparison, pairs: Pairs, found: &mut Found) {
    let computed = compared(pairs);
    let [low, high] = &comparison.interval;
    let [computed_low, computed_high] = &computed.interval;
    for (name, recorded, computed) in [
        (
            "the difference",
            &comparison.difference,
            &computed.difference,
        ),
        ("the lower bound", low, computed_low),
        ("the upper bound", high, computed_high),
        ("p", &comparison.p, &computed.p),
    ] {
        found.unless(near(recorded, computed), What::Comparison, || {
            let prompt = &comparison.prompt;
            format!("{prompt}: {name} is {recorded} on record, and comes to {computed}")
        });
    }
}

/// Every case of a side is in a pair, changed, or alone.
fn sides(verdict: &Verdict, comparison: &Comparison, pairs: Pairs, found: &mut Found) {
    let changes = verdict.changes.iter();
    let evals = changes
        .filter(|change| change.id == comparison.prompt)
        .flat_map(|change| &change.evals);
    let shared = pairs.count().saturating_add(comparison.changed_cases);
    let mut seen = 0;
    for evals in evals {
        let alone = match evals.side.as_str() {
            "baseline" => comparison.only_baseline,
            _ => comparison.only_candidate,
        };
        seen += 1;
        let name = format!("{}: the number of {} cases", comparison.prompt, evals.side);
        let computed = shared.saturating_add(alone);
        found.same(What::Count, &name, &evals.cases, &computed);
    }
    found.unless(seen == 2, What::Count, || {
        format!("{}: a comparison without two sides", comparison.prompt)
    });
}

/// What the gate on regressions said of one comparison.
type Said<'v> = (&'v Outcome, &'v Measured, Pairs);

/// The comparisons that the gate made, each with what it said.
fn made<'v>(
    verdict: &'v Verdict,
    known: &[(&Comparison, Pairs)],
    found: &mut Found,
) -> Vec<Said<'v>> {
    let mut made = Vec::new();
    for (outcome, measured) in verdict.outcomes.iter().filter_map(by_p) {
        let of = |(comparison, _): &&(&Comparison, Pairs)| {
            Some(&comparison.prompt) == outcome.prompt.as_ref()
        };
        let Some((comparison, pairs)) = known.iter().find(of) else {
            found.unless(false, What::Measured, || {
                format!("{}: nothing is compared", name(outcome))
            });
            continue;
        };
        let same = near(&measured.observed, &comparison.p) && measured.n == pairs.count();
        found.unless(same, What::Measured, || {
            format!(
                "{}: p and pairs are not those of the comparison",
                name(outcome)
            )
        });
        made.push((outcome, measured, *pairs));
    }
    made
}

/// What the gate said of the comparisons that it made, all of them together.
fn gate(verdict: &Verdict, known: &[(&Comparison, Pairs)], found: &mut Found) {
    let made = made(verdict, known, found);
    let Some((_, first, _)) = made.first() else {
        return;
    };
    let alpha = first.threshold.parse::<f64>().ok();
    let Some(alpha) = alpha.filter(|alpha| *alpha > 0.0 && *alpha <= 0.5) else {
        found.unless(false, What::Measured, || {
            format!("max_regression: an alpha of `{}`", first.threshold)
        });
        return;
    };
    let p_values: Vec<f64> = made
        .iter()
        .map(|(_, _, pairs)| stats::mcnemar_exact(pairs.lost, pairs.won))
        .collect();
    let significant = stats::holm(&p_values, alpha);
    for ((outcome, measured, pairs), significant) in made.iter().zip(significant) {
        let drops = significant && pairs.lost > pairs.won;
        let said = match Code::by_id(&outcome.code) {
            Some(Code::Regression) => Some(true),
            Some(Code::NoDropSeen) => Some(false),
            // With or without the errored cases, which are not on record one by one.
            Some(Code::ErrorsDecide) => None,
            _ => Some(!drops),
        };
        let holds = said.is_none_or(|said| said == drops) && measured.threshold == first.threshold;
        found.unless(holds, What::Measured, || {
            format!(
                "{}: {} is `{}`",
                name(outcome),
                measured.observed,
                outcome.code
            )
        });
        let passes = outcome.outcome == "pass";
        found.unless(passes == (said == Some(false)), What::Measured, || {
            format!(
                "{}: `{}` is `{}`",
                name(outcome),
                outcome.code,
                outcome.outcome
            )
        });
    }
}

fn by_p(outcome: &Outcome) -> Option<(&Outcome, &Measured)> {
    let measured = outcome.measured.as_ref()?;
    (measured.metric == Metric::PValue.id()).then_some((outcome, measured))
}
