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
use crate::regression::{ALPHA, Kind, PASS};
use crate::stats::non_inferiority::lower_bound;
use crate::stats::power::visible_drop;
use crate::stats::{self, Pairs};

/// More cases than this were never read, and would take too long to compute again.
const MOST: u64 = 10_000_000;

/// Six decimals.
pub(crate) fn six(value: f64) -> String {
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
        let known_one = Known { comparison, pairs };
        numbers(known_one, found);
        if comparison.metric == PASS {
            sides(verdict, known_one, found);
        } else {
            same_cases(verdict, comparison, found);
        }
        known.push(known_one);
    }
    gate(verdict, &known, found);
    alone(verdict, &known, found);
}

/// A comparison on record with its pairs.
#[derive(Clone, Copy)]
struct Known<'v> {
    comparison: &'v Comparison,
    pairs: Pairs,
}

impl Known<'_> {
    /// Whether everything else follows from the pairs.
    fn is_exact(&self) -> bool {
        self.comparison.test == Kind::McNemar.id()
    }

    /// Whether an outcome is about it.
    fn is_of(&self, outcome: &Outcome, measured: &Measured) -> bool {
        let metric = measured.of.as_deref().unwrap_or(PASS);
        Some(&self.comparison.prompt) == outcome.prompt.as_ref() && self.comparison.metric == metric
    }

    /// The pairs, so that lost is worse.
    const fn turned(&self) -> Pairs {
        if self.comparison.lower {
            self.pairs.turned()
        } else {
            self.pairs
        }
    }

    /// How many cases were compared.
    fn cases(&self) -> u64 {
        self.comparison.cases.unwrap_or_else(|| self.pairs.count())
    }

    fn p(&self) -> f64 {
        if self.is_exact() {
            stats::mcnemar_exact(self.pairs.lost, self.pairs.won)
        } else {
            number(&self.comparison.p)
        }
    }

    fn is_worse(&self) -> bool {
        match (self.is_exact(), self.comparison.lower) {
            (true, _) => self.turned().lost > self.turned().won,
            (false, true) => number(&self.comparison.difference) > 0.0,
            (false, false) => number(&self.comparison.difference) < 0.0,
        }
    }

    /// Whether the margin is kept, where there is one; `None` as well where the two are so near
    /// that their decimals do not tell.
    fn keeps_margin(&self, alpha: f64) -> Option<bool> {
        let [margin, drop] = self.comparison.margin.as_ref()?;
        let (margin, recorded) = (number(margin), number(drop));
        let drop = if self.is_exact() {
            -lower_bound(self.turned(), alpha)
        } else {
            recorded
        };
        ((margin - drop).abs() > 1.5e-6).then_some(drop < margin)
    }
}

/// Reads a number; what is none compares as nothing.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
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

fn numbers(known: Known<'_>, found: &mut Found) {
    let Known { comparison, pairs } = known;
    let (low, high) = stats::tango(pairs);
    let [recorded_low, recorded_high] = &comparison.interval;
    let mut checks = Vec::new();
    if known.is_exact() {
        found.same(
            What::Count,
            &format!("{}: the number of cases compared", comparison.prompt),
            &known.cases(),
            &pairs.count(),
        );
        checks.extend([
            (
                "the difference",
                &comparison.difference,
                six(pairs.difference()),
            ),
            ("the lower bound", recorded_low, six(low)),
            ("the upper bound", recorded_high, six(high)),
            ("p", &comparison.p, six(known.p())),
        ]);
    } else {
        // What was drawn cannot be drawn again without the cases.
        let means = comparison.means.as_ref();
        let [base, head] = means.map_or([f64::NAN; 2], |[base, head]| [number(base), number(head)]);
        let difference = number(&comparison.difference);
        let holds = (head - base - difference).abs() < 2.5e-6
            && (0.0..=1.0).contains(&known.p())
            && number(recorded_low) <= number(recorded_high);
        found.unless(holds, What::Comparison, || {
            let (prompt, metric) = (&comparison.prompt, &comparison.metric);
            format!("{prompt}: means, difference, interval and p of {metric} do not fit together")
        });
    }
    for (name, recorded, computed) in checks {
        found.unless(near(recorded, &computed), What::Comparison, || {
            let prompt = &comparison.prompt;
            format!("{prompt}: {name} is {recorded} on record, and comes to {computed}")
        });
    }
}

/// Every case of a side is in a pair, changed, or alone.
fn sides(verdict: &Verdict, known: Known<'_>, found: &mut Found) {
    let Known { comparison, pairs } = known;
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

/// What is not compared is the same for all metrics of a prompt.
fn same_cases(verdict: &Verdict, comparison: &Comparison, found: &mut Found) {
    let counts = |of: &Comparison| [of.only_baseline, of.only_candidate, of.changed_cases];
    let mut own = verdict.comparisons.iter().filter(|own| own.metric == PASS);
    let own = own.find(|own| own.prompt == comparison.prompt);
    let same = own.is_some_and(|own| counts(own) == counts(comparison));
    found.unless(same, What::Count, || {
        let Comparison { prompt, metric, .. } = comparison;
        format!("{prompt}: other cases are left out for {metric}")
    });
}

/// What the gate on regressions said of one comparison.
type Said<'v> = (&'v Outcome, &'v Measured, Known<'v>);

/// The comparisons that the gate made, judged together or alone, each with what it said.
fn made<'v>(
    verdict: &'v Verdict,
    (known, by): (&[Known<'v>], Metric),
    found: &mut Found,
) -> Vec<Said<'v>> {
    let mut made = Vec::new();
    for outcome in &verdict.outcomes {
        let Some(measured) = measured(outcome, by) else {
            continue;
        };
        let Some(known) = known.iter().find(|known| known.is_of(outcome, measured)) else {
            found.unless(false, What::Measured, || {
                format!("{}: nothing is compared", name(outcome))
            });
            continue;
        };
        let same = near(&measured.observed, &known.comparison.p) && measured.n == known.cases();
        found.unless(same, What::Measured, || {
            format!(
                "{}: p and pairs are not those of the comparison",
                name(outcome)
            )
        });
        made.push((outcome, measured, *known));
    }
    made
}

/// What an outcome measured, where it measured this.
fn measured(outcome: &Outcome, by: Metric) -> Option<&Measured> {
    let measured = outcome.measured.as_ref()?;
    (measured.metric == by.id()).then_some(measured)
}

/// Tests that were judged alone: what only warns of a drop, and the one of whether the cases pass
/// where nothing was judged. A metric is only compared where something is said of it.
fn alone(verdict: &Verdict, known: &[Known<'_>], found: &mut Found) {
    for (outcome, measured, known) in made(verdict, (known, Metric::PAlone), found) {
        let level = number(&measured.threshold);
        visible(known, level, found);
        let holds = known.p() <= level && known.is_worse() && !outcome.blocks;
        found.unless(holds, What::Measured, || {
            format!("{}: {} warns", name(outcome), measured.observed)
        });
    }
    for known in known {
        let said = verdict.outcomes.iter().any(|outcome| {
            let metrics = [Metric::PValue, Metric::PAlone];
            let mut measured = metrics.into_iter().filter_map(|by| measured(outcome, by));
            measured.any(|measured| known.is_of(outcome, measured))
        });
        if said {
            continue;
        }
        let Comparison { prompt, metric, .. } = known.comparison;
        found.unless(metric == PASS, What::Comparison, || {
            format!("{prompt}: {metric} is compared, and nothing is said of it")
        });
        visible(*known, ALPHA, found);
    }
}

/// What the gate said of the comparisons that it made, all of them together.
fn gate(verdict: &Verdict, known: &[Known<'_>], found: &mut Found) {
    let made = made(verdict, (known, Metric::PValue), found);
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
    let p_values: Vec<f64> = made.iter().map(|(_, _, known)| known.p()).collect();
    let significant = stats::holm(&p_values, alpha);
    let levels = stats::holm_levels(&p_values, alpha);
    let each = made.iter().zip(significant).zip(levels);
    for (((outcome, measured, known), significant), level) in each {
        visible(*known, level, found);
        let drops = significant && known.is_worse();
        let kept = known.keeps_margin(alpha);
        let asked = known.comparison.margin.is_some();
        let holds = match Code::by_id(&outcome.code) {
            Some(Code::Regression) => drops && kept != Some(true),
            Some(Code::NoDropSeen | Code::TooWeak) => !drops && !asked,
            Some(Code::MarginKept) => asked && kept != Some(false),
            Some(Code::MarginNotShown) => asked && !drops && kept != Some(true),
            // With or without the errored cases, which are not on record one by one.
            Some(Code::ErrorsDecide) => true,
            _ => false,
        };
        let holds = holds && measured.threshold == first.threshold;
        found.unless(holds, What::Measured, || {
            format!(
                "{}: {} is `{}`",
                name(outcome),
                measured.observed,
                outcome.code
            )
        });
        let passes = outcome.outcome == "pass";
        let code = Code::by_id(&outcome.code);
        let green = matches!(code, Some(Code::NoDropSeen | Code::MarginKept));
        found.unless(passes == green, What::Measured, || {
            format!(
                "{}: `{}` is `{}`",
                name(outcome),
                outcome.code,
                outcome.outcome
            )
        });
    }
}

/// The level that a comparison was held to, and what it could see, where an entry says it.
fn visible(known: Known<'_>, level: f64, found: &mut Found) {
    let comparison = known.comparison;
    let Some(alpha) = &comparison.alpha else {
        return;
    };
    let prompt = &comparison.prompt;
    found.unless(near(alpha, &six(level)), What::Comparison, || {
        format!(
            "{prompt}: p was held to {alpha} on record, and is to be to {}",
            six(level)
        )
    });
    if !known.is_exact() {
        return;
    }
    let computed = visible_drop(known.cases(), known.pairs.discordance(), level).map(six);
    let same = match (&comparison.visible, &computed) {
        (Some(recorded), Some(computed)) => near(recorded, computed),
        (recorded, computed) => recorded.is_none() && computed.is_none(),
    };
    found.unless(same, What::Comparison, || {
        let [recorded, computed] =
            [&comparison.visible, &computed].map(|drop| drop.as_deref().unwrap_or("none"));
        format!(
            "{prompt}: the drop that could be seen is {recorded} on record, and comes to {computed}"
        )
    });
}
