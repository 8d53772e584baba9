//! What is measured of each case: whether it passes, or what a metric said of it.

use super::paired;
use super::test::{Series, Side};
use super::words::Unit;
use crate::evidence::binding::{BoundCase, BoundCases};
use crate::evidence::evals::{Graded, Metric};
use crate::units::Digest;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Measure<'m> {
    /// Whether the case passes.
    Pass,
    /// What a metric said.
    Metric {
        /// Which.
        metric: &'m Metric,
        /// Whether it passes is asked, not its number.
        pass: bool,
        /// Less of it is better.
        lower: bool,
    },
}

impl Measure<'_> {
    /// Measures the cases that both versions ran. A case that the metric graded on neither side is
    /// none of its; one that it graded on one side only has no result on the other.
    pub(crate) fn series(self, baseline: &BoundCases, candidate: &BoundCases) -> Series {
        let name = match self {
            Self::Pass => super::PASS.to_owned(),
            Self::Metric { metric, .. } => metric.words(),
        };
        let (mut cases, mut data) = (Vec::new(), name.into_bytes());
        let number = match self {
            Self::Metric {
                metric,
                pass: false,
                ..
            } => {
                let sides = paired(baseline, candidate).flat_map(|(_, base, head)| [base, head]);
                is_number(sides.filter_map(|bound| bound.graded(metric)))
            }
            Self::Pass | Self::Metric { .. } => false,
        };
        for (id, base, head) in paired(baseline, candidate) {
            let mut sides = (self.side(base, number), self.side(head, number));
            // An answer passes by what was said of it: where less was said than of the other, it
            // has no result.
            let same = |one: &Metric, other: &Metric| one.name == other.name;
            if matches!(self, Self::Pass) && base.silent_in(head, same) {
                sides.1.sum = 0.0;
                sides.1.graded = 0;
            }
            if sides.0.graded == 0 && sides.1.graded == 0 && !matches!(self, Self::Pass) {
                continue;
            }
            data.extend(Digest::of(id.as_bytes()).start().to_le_bytes());
            for side in [sides.0, sides.1] {
                data.extend(side.sum.to_le_bytes());
                data.extend(side.graded.to_le_bytes());
                data.extend(side.runs.to_le_bytes());
            }
            cases.push(sides);
        }
        Series {
            cases,
            unit: if number { Unit::Score } else { Unit::Share },
            lower: matches!(self, Self::Metric { lower: true, .. }),
            seed: Digest::of(&data).start(),
        }
    }

    fn side(self, bound: &BoundCase, number: bool) -> Side {
        let runs = bound.case.runs();
        let Self::Metric { metric, .. } = self else {
            let [passed, failed, _] = bound.case.trials();
            return Side {
                sum: f64::from(passed),
                graded: passed.saturating_add(failed),
                runs,
            };
        };
        let Some(graded) = bound.graded(metric) else {
            return Side {
                runs,
                ..Side::default()
            };
        };
        let (sum, graded) = if number {
            graded.numbers()
        } else {
            let all = graded.passed.saturating_add(graded.failed);
            (f64::from(graded.passed), all)
        };
        Side { sum, graded, runs }
    }
}

/// Whether a metric is to be measured by its numbers: at least as many trials have one as are
/// said to pass or fail. A few that say something else must not hide all others.
fn is_number<'g>(graded: impl Iterator<Item = &'g Graded>) -> bool {
    let [numbers, decided] = graded.fold([0_u64; 2], |[numbers, decided], each| {
        let (_, count) = each.numbers();
        let own = u64::from(each.passed) + u64::from(each.failed);
        [numbers + u64::from(count), decided + own]
    });
    numbers > 0 && numbers >= decided
}
