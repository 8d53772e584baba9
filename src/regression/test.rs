//! One metric of the same cases at base and head: how far it moved, and whether that is chance.

use std::sync::OnceLock;

use super::words::Unit;
use crate::stats::bootstrap::bca_mean;
use crate::stats::non_inferiority::{self, lower_bound, lower_bound_of_mean};
use crate::stats::permutation::sign_flip;
use crate::stats::power::{
    LEAST_DISCORDANCE, cases_needed, cases_needed_for_mean, visible_drop, visible_mean_drop,
};
use crate::stats::{self, Pairs};

/// How sure the intervals are that are shown.
const LEVEL: f64 = 0.95;

/// What the trials of a case came to on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Side {
    /// The sum of what was measured.
    pub(crate) sum: f64,
    /// The trials in which something was.
    pub(crate) graded: u32,
    /// All trials.
    pub(crate) runs: u32,
}

impl Side {
    /// The mean, where a trial without a result counts as `other`; `None` without trials.
    fn with(self, other: f64) -> Option<f64> {
        let lacking = f64::from(self.runs.saturating_sub(self.graded));
        let all = f64::from(self.runs.max(self.graded));
        (all > 0.0).then(|| (self.sum + lacking * other) / all)
    }

    /// The mean of the trials that came to a result.
    fn without(self) -> Option<f64> {
        (self.graded > 0).then(|| self.sum / f64::from(self.graded))
    }
}

/// A metric of the cases that both versions ran: base and head of each.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// The cases.
    pub(crate) cases: Vec<(Side, Side)>,
    /// What its numbers are.
    pub(crate) unit: Unit,
    /// Less of it is better.
    pub(crate) lower: bool,
    /// What its random draws start from.
    pub(crate) seed: u64,
}

impl Series {
    /// Tests it with errored trials as failures, and with them left out.
    pub(crate) fn readings(&self) -> Readings {
        let means = self.cases.iter().flat_map(|(base, head)| [base, head]);
        let means = means.filter_map(|side| side.without());
        let (least, most) = means.fold((0.0_f64, 1.0_f64), |(least, most), mean| {
            (least.min(mean), most.max(mean))
        });
        let worst = if self.lower { most } else { least };
        let one_trial = |side: &Side| side.runs.max(side.graded) <= 1;
        let single = self
            .cases
            .iter()
            .all(|(base, head)| one_trial(base) && one_trial(head));
        let test = |of: &dyn Fn(Side) -> Option<f64>| {
            let pairs = self.cases.iter();
            let values: Vec<(f64, f64)> = pairs
                .filter_map(|(base, head)| of(*base).zip(of(*head)))
                .collect();
            Test::of(&values, (self, most - least), single)
        };
        Readings {
            as_failures: test(&|side| side.with(worst)),
            left_out: test(&Side::without),
        }
    }
}

/// The two ways to count what ended in an error.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    /// Errored trials count as failures.
    pub(crate) as_failures: Test,
    /// Errored trials are left out.
    pub(crate) left_out: Test,
}

/// How a p-value is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Exact `McNemar`, with Tango's interval.
    McNemar,
    /// Sign-flip permutation of case means, with the `BCa` interval.
    SignFlip,
}

impl Kind {
    /// Its id, in JSON and on record.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::McNemar => "mcnemar-exact",
            Self::SignFlip => "sign-flip",
        }
    }
}

/// One paired test.
#[derive(Debug, Clone)]
pub(crate) struct Test {
    /// How it was made.
    pub(crate) kind: Kind,
    /// How many cases were compared.
    pub(crate) cases: u64,
    /// The pairs, where a case passes or does not; with several trials, what most of them say.
    pub(crate) pairs: Pairs,
    /// The means at base and head.
    pub(crate) means: (f64, f64),
    /// What the numbers are.
    pub(crate) unit: Unit,
    /// Two-sided.
    pub(crate) p: f64,
    /// What the random draws started from.
    pub(crate) seed: u64,
    /// How much better each case is at head, where they are not pairs alone.
    gains: Vec<f64>,
    /// Less of it is better.
    pub(crate) lower: bool,
    /// From the worst value to the best.
    range: f64,
    interval: OnceLock<(f64, f64)>,
}

impl Test {
    /// Tests the values of each case at base and head.
    fn of(values: &[(f64, f64)], (series, range): (&Series, f64), single: bool) -> Self {
        let certain = |value: f64| value == 0.0 || (value - 1.0).abs() < f64::EPSILON;
        let exact = single
            && values
                .iter()
                .all(|(base, head)| certain(*base) && certain(*head));
        let mut pairs = Pairs::default();
        if series.unit == Unit::Share || exact {
            // Of as many that passed as failed, most did not pass.
            let passes = |value: f64| value > 0.5 + 1e-9;
            for (base, head) in values {
                pairs.add(passes(*base), passes(*head));
            }
        }
        let sign = if series.lower { -1.0 } else { 1.0 };
        let gains = values.iter().filter(|_| !exact);
        let gains: Vec<f64> = gains.map(|(base, head)| sign * (head - base)).collect();
        let (kind, p) = if exact {
            (Kind::McNemar, stats::mcnemar_exact(pairs.lost, pairs.won))
        } else {
            (Kind::SignFlip, sign_flip(&gains, series.seed))
        };
        Self {
            kind,
            cases: values.len() as u64,
            pairs,
            means: (
                mean(values.iter().map(|(base, _)| *base)),
                mean(values.iter().map(|(_, head)| *head)),
            ),
            unit: if exact { Unit::Share } else { series.unit },
            p,
            seed: series.seed,
            gains,
            lower: series.lower,
            range,
            interval: OnceLock::new(),
        }
    }

    /// How much more or less it is at head: less is not always worse.
    pub(crate) fn difference(&self) -> f64 {
        match self.kind {
            Kind::McNemar => self.pairs.difference(),
            Kind::SignFlip => self.means.1 - self.means.0,
        }
    }

    /// Whether it is worse at head, by chance or not.
    pub(crate) fn is_worse(&self) -> bool {
        match (self.kind, self.lower) {
            (Kind::McNemar, false) => self.pairs.lost > self.pairs.won,
            (Kind::McNemar, true) => self.pairs.won > self.pairs.lost,
            (Kind::SignFlip, _) => self.gains.iter().sum::<f64>() < 0.0,
        }
    }

    /// The interval of the difference, 95 %: Tango's, or by the bootstrap.
    pub(crate) fn interval(&self) -> (f64, f64) {
        *self.interval.get_or_init(|| match self.kind {
            Kind::McNemar => stats::tango(self.pairs),
            Kind::SignFlip => {
                let whole = (-self.range, self.range);
                let (low, high) = bca_mean(&self.gains, LEVEL, self.seed).unwrap_or(whole);
                if self.lower {
                    (-high, -low)
                } else {
                    (low, high)
                }
            }
        })
    }

    /// The largest drop that cannot be ruled out at `alpha`, as a bound of how much better it is.
    pub(crate) fn worst_gain(&self, alpha: f64) -> f64 {
        match (self.kind, self.lower) {
            (Kind::McNemar, false) => lower_bound(self.pairs, alpha),
            (Kind::McNemar, true) => lower_bound(self.pairs.turned(), alpha),
            (Kind::SignFlip, _) => lower_bound_of_mean(&self.gains, alpha, -self.range, self.seed),
        }
    }

    /// The smallest drop that would have been found at `alpha` with 80 % probability; `None` where
    /// none would.
    pub(crate) fn visible(&self, alpha: f64) -> Option<f64> {
        if self.kind == Kind::McNemar {
            return visible_drop(self.cases, self.pairs.discordance(), alpha);
        }
        let spread = deviation(&self.gains);
        // Cases that are all equal show no spread: some of those that were not met would differ.
        visible_mean_drop(self.cases, spread, alpha).map_or_else(
            || Some(self.range * visible_drop(self.cases, LEAST_DISCORDANCE, alpha)?),
            |drop| Some(drop.min(self.range)),
        )
    }

    /// How many cases would see a drop of a tenth of its range at `alpha`.
    pub(crate) fn cases_to_see_a_tenth(&self, alpha: f64) -> Option<u64> {
        let pairs = || cases_needed(0.1, self.pairs.discordance(), alpha);
        match self.kind {
            Kind::McNemar => pairs(),
            Kind::SignFlip => {
                let spread = deviation(&self.gains);
                cases_needed_for_mean(self.tenth(), spread, alpha).or_else(pairs)
            }
        }
    }

    /// How many cases would let a change without effect show a margin at `alpha`.
    pub(crate) fn cases_to_keep(&self, margin: f64, alpha: f64) -> Option<u64> {
        match self.kind {
            Kind::McNemar => non_inferiority::cases_needed(margin, self.pairs.discordance(), alpha),
            Kind::SignFlip => {
                non_inferiority::cases_needed_for_mean(margin, deviation(&self.gains), alpha)
            }
        }
    }

    /// A tenth of what it can move by: what a high-risk prompt must be able to see.
    pub(crate) fn tenth(&self) -> f64 {
        self.range / 10.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    match values.len() {
        0 => 0.0,
        count => values.sum::<f64>() / count as f64,
    }
}

/// The standard deviation of a sample.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values.iter().copied());
    let largest = values
        .iter()
        .fold(0.0_f64, |most, each| most.max(each.abs()));
    let squares: f64 = values.iter().map(|each| (each - mean).powi(2)).sum();
    let deviation = (squares / (values.len() - 1) as f64).sqrt();
    // Differences that are equal but for rounding do not spread.
    if deviation <= 1e-12 * largest {
        return 0.0;
    }
    deviation
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A side of one trial that came to a number.
    fn one(value: f64) -> Side {
        Side {
            sum: value,
            graded: 1,
            runs: 1,
        }
    }

    const ERRORED: Side = Side {
        sum: 0.0,
        graded: 0,
        runs: 1,
    };

    /// A side of three trials.
    fn three(passed: u32, graded: u32) -> Side {
        Side {
            sum: f64::from(passed),
            graded,
            runs: 3,
        }
    }

    fn series(cases: Vec<(Side, Side)>, unit: Unit) -> Series {
        Series {
            cases,
            unit,
            lower: false,
            seed: 7,
        }
    }

    fn near(found: f64, want: f64) -> bool {
        (found - want).abs() < 1e-9
    }

    #[test]
    fn one_trial_that_passes_or_not_is_the_exact_test_whatever_the_tool_calls_it() {
        let cases = || {
            let lost = [(one(1.0), one(0.0)); 6];
            [lost.to_vec(), vec![(one(1.0), one(1.0)); 54]].concat()
        };
        for unit in [Unit::Share, Unit::Score] {
            let test = series(cases(), unit).readings().as_failures;
            assert_eq!(test.kind, Kind::McNemar);
            assert!(
                near(test.p, 0.03125) && near(test.difference(), -0.1),
                "{test:?}"
            );
            assert_eq!(test.interval(), stats::tango(test.pairs));
            assert!(test.is_worse());
        }
        let lower = Series {
            lower: true,
            ..series(cases(), Unit::Share)
        };
        let test = lower.readings().as_failures;
        assert!(!test.is_worse() && near(test.p, 0.03125));
        assert!(test.worst_gain(0.05) > -0.02, "{}", test.worst_gain(0.05));
    }

    #[test]
    fn what_shows_nothing_is_defined() {
        let none = series(Vec::new(), Unit::Share).readings().as_failures;
        assert_eq!((none.kind, none.cases, none.p), (Kind::McNemar, 0, 1.0));
        assert_eq!(none.interval(), (-1.0, 1.0));
        assert_eq!((none.visible(0.05), none.worst_gain(0.05)), (None, -1.0));
        assert!(!none.is_worse() && near(none.difference(), 0.0));
    }

    #[test]
    fn no_spread_is_no_certainty() {
        for (what, cases, unit, p, difference, worse) in [
            (
                "all tied",
                vec![(three(3, 3), three(3, 3)); 60],
                Unit::Share,
                1.0,
                0.0,
                false,
            ),
            (
                "all tied scores",
                vec![(one(0.4), one(0.4)); 60],
                Unit::Score,
                1.0,
                0.0,
                false,
            ),
            (
                "one case",
                vec![(three(3, 3), three(0, 3))],
                Unit::Share,
                1.0,
                -1.0,
                true,
            ),
            (
                "all worse by as much",
                vec![(three(3, 3), three(2, 3)); 10],
                Unit::Share,
                2.0 / 1024.0,
                -1.0 / 3.0,
                true,
            ),
        ] {
            let cases_of = cases.len() as u64;
            let test = series(cases, unit).readings().as_failures;
            assert_eq!(
                (test.kind, test.cases),
                (Kind::SignFlip, cases_of),
                "{what}"
            );
            assert!(near(test.p, p), "{what}: {}", test.p);
            assert!(
                near(test.difference(), difference),
                "{what}: {}",
                test.difference()
            );
            assert_eq!(test.is_worse(), worse, "{what}");
            // No spread: the interval is a point, which says nothing of how sure it is ...
            let (low, high) = test.interval();
            assert!(near(low, difference) && near(high, difference), "{what}");
            // ... so that neither a margin nor what can be seen may rest on it.
            assert!(
                test.worst_gain(0.05) < difference || near(difference, -1.0),
                "{what}"
            );
            assert_eq!(
                test.visible(0.05),
                visible_drop(cases_of, 0.1, 0.05),
                "{what}"
            );
        }
    }

    #[test]
    fn errored_trials_are_failures_or_left_out() {
        let passed = |count| vec![(one(1.0), one(1.0)); count];
        for (what, cases, failures, out) in [
            (
                "an errored case",
                [passed(9), vec![(one(1.0), ERRORED)]].concat(),
                (10, -0.1),
                (9, 0.0),
            ),
            (
                "on both sides",
                vec![(ERRORED, ERRORED); 3],
                (3, 0.0),
                (0, 0.0),
            ),
            (
                "a trial of three",
                vec![(three(3, 3), three(2, 2)); 2],
                (2, -1.0 / 3.0),
                (2, 0.0),
            ),
            (
                "no trials at all",
                vec![(one(1.0), Side::default())],
                (0, 0.0),
                (0, 0.0),
            ),
        ] {
            let readings = series(cases, Unit::Share).readings();
            let told = [readings.as_failures, readings.left_out];
            for (test, (cases, difference)) in told.iter().zip([failures, out]) {
                assert_eq!(test.cases, cases, "{what}");
                assert!(
                    near(test.difference(), difference),
                    "{what}: {}",
                    test.difference()
                );
            }
        }
    }

    #[test]
    fn a_failure_is_the_worst_score_that_there_was_or_could_be() {
        for (lower, scores, want) in [
            (false, [0.8, 0.6], 0.0),
            (false, [0.8, -2.0], -2.0),
            (true, [0.8, 0.6], 1.0),
            (true, [0.8, 5.0], 5.0),
        ] {
            let series = Series {
                lower,
                ..series(
                    vec![(one(scores[0]), one(scores[1])), (one(0.8), ERRORED)],
                    Unit::Score,
                )
            };
            let readings = series.readings();
            let head = f64::midpoint(scores[1], want);
            assert!(near(readings.as_failures.means.1, head), "{scores:?}");
            assert_eq!(readings.left_out.cases, 1);
            let range = scores[1].max(1.0) - scores[1].min(0.0);
            assert!(near(readings.as_failures.tenth(), range / 10.0));
        }
    }

    #[test]
    fn less_is_better_where_it_is() {
        let rises: Vec<_> = (0..12)
            .map(|at| (one(0.1), one(0.2 + f64::from(at) / 100.0)))
            .collect();
        for (lower, worse) in [(false, false), (true, true)] {
            let test = Series {
                lower,
                ..series(rises.clone(), Unit::Score)
            };
            let test = test.readings().as_failures;
            assert_eq!(test.is_worse(), worse);
            let (low, high) = test.interval();
            assert!(0.1 < low && low < test.difference() && test.difference() < high);
            assert_eq!(test.worst_gain(0.05) > 0.0, !worse);
        }
    }

    #[test]
    fn words_say_what_was_compared_and_what_could_be_seen() {
        let exact = series(
            [vec![(one(1.0), one(0.0))], vec![(one(1.0), one(1.0)); 99]].concat(),
            Unit::Share,
        );
        let trials = series(
            [
                vec![(three(3, 3), three(1, 3))],
                vec![(three(3, 3), three(3, 3)); 9],
            ]
            .concat(),
            Unit::Share,
        );
        let scores = series(
            [vec![(one(0.9), one(0.4))], vec![(one(0.9), one(0.9)); 9]].concat(),
            Unit::Score,
        );
        for (series, want) in [
            (
                exact,
                "99 of 100 cases pass, 100 did before: \u{2212}1.0 pp (\u{2212}5.4 to +2.7), 1 newly fail, 0 newly pass, p = 1.0000; could see 8.9 points or more",
            ),
            (
                trials,
                "93.3 % of the trials of 10 cases pass, 100.0 % did before: \u{2212}6.7 pp",
            ),
            (
                scores,
                "0.850 on average of 10 cases, 0.900 before: \u{2212}0.050",
            ),
        ] {
            let test = series.readings().as_failures;
            let words = format!("{}; {}", test.words(), test.seen(test.visible(0.05)));
            assert!(words.starts_with(want), "{words}");
        }
        let none = series(Vec::new(), Unit::Share).readings().as_failures;
        assert_eq!(
            none.seen(none.visible(0.05)),
            "could see no drop, however large"
        );
    }
}
