//! Several tests that are judged together: whether each shows a drop.

use super::test::{Readings, Test};
use crate::stats::non_inferiority::is_non_inferior;
use crate::stats::{holm, holm_levels};

/// What a metric must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// It does not drop significantly.
    Significant,
    /// A drop of this margin or more is ruled out.
    NonInferior(f64),
}

/// What a test shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It is worse, and that is not chance.
    Drop,
    /// It does not drop, by what the mode needs.
    Clear,
    /// A drop of the margin is neither shown nor ruled out.
    Unsure,
    /// What it shows depends on trials that ended in an error.
    ErrorsDecide,
}

/// A test beside the others of its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decision {
    /// What it shows.
    pub(crate) finding: Finding,
    /// The level that Holm's rule held it to.
    pub(crate) alpha: f64,
}

/// Decides each test, so that the chance of calling even one of them a drop where there is none
/// stays at `alpha`. What blocks is a drop both ways, with errored trials as failures and with
/// them left out.
pub(crate) fn decide(tests: &[(&Readings, Mode)], alpha: f64) -> Vec<Decision> {
    let p_values = |of: fn(&Readings) -> &Test| -> Vec<f64> {
        tests.iter().map(|(readings, _)| of(readings).p).collect()
    };
    let as_failures = p_values(|readings| &readings.as_failures);
    let left_out = holm(&p_values(|readings| &readings.left_out), alpha);
    let significant = holm(&as_failures, alpha).into_iter().zip(left_out);
    let levels = holm_levels(&as_failures, alpha);
    let each = tests.iter().zip(significant).zip(levels);
    each.map(|(((readings, mode), (failures, out)), level)| {
        let with = finding(&readings.as_failures, failures, *mode, alpha);
        let without = finding(&readings.left_out, out, *mode, alpha);
        Decision {
            finding: if with == without {
                with
            } else {
                Finding::ErrorsDecide
            },
            alpha: level,
        }
    })
    .collect()
}

/// What one way to count shows. That a margin is kept is a claim that each metric must show by
/// itself, so it takes no correction.
fn finding(test: &Test, significant: bool, mode: Mode, alpha: f64) -> Finding {
    let drops = significant && test.is_worse();
    match mode {
        Mode::NonInferior(margin) if is_non_inferior(test.worst_gain(alpha), margin) => {
            Finding::Clear
        }
        _ if drops => Finding::Drop,
        Mode::NonInferior(_) => Finding::Unsure,
        Mode::Significant => Finding::Clear,
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::{Series, Side};
    use super::super::words::Unit;
    use super::*;

    /// Of 100 cases so many that are lost and won, and so many that errored at head.
    fn readings(lost: usize, won: usize, errored: usize) -> Readings {
        let side = |passed: bool| Side {
            sum: f64::from(u8::from(passed)),
            graded: 1,
            runs: 1,
        };
        let error = Side {
            runs: 1,
            ..Side::default()
        };
        let cases = [
            vec![(side(true), side(false)); lost],
            vec![(side(false), side(true)); won],
            vec![(side(true), error); errored],
            vec![(side(true), side(true)); 100 - lost - won - errored],
        ];
        let series = Series {
            cases: cases.concat(),
            unit: Unit::Share,
            lower: false,
            seed: 1,
        };
        series.readings()
    }

    /// Lost, won and errored of each test with its mode, and what they come to.
    type Row = (
        &'static str,
        Vec<((usize, usize, usize), Mode)>,
        Vec<Finding>,
    );

    fn hold(rows: Vec<Row>) {
        for (what, tests, want) in rows {
            let made: Vec<(Readings, Mode)> = tests
                .iter()
                .map(|((lost, won, errored), mode)| (readings(*lost, *won, *errored), *mode))
                .collect();
            let family: Vec<(&Readings, Mode)> = made
                .iter()
                .map(|(readings, mode)| (readings, *mode))
                .collect();
            let decided = decide(&family, 0.05);
            let found: Vec<Finding> = decided.iter().map(|each| each.finding).collect();
            assert_eq!(found, want, "{what}");
        }
    }

    #[test]
    fn a_drop_is_significant_beside_its_family_and_both_ways() {
        const ALONE: Mode = Mode::Significant;
        let (clear, drop) = (Finding::Clear, Finding::Drop);
        hold(vec![
            ("nothing", vec![], vec![]),
            ("5 lost", vec![((5, 0, 0), ALONE)], vec![clear]),
            ("6 lost", vec![((6, 0, 0), ALONE)], vec![drop]),
            ("6 won", vec![((0, 6, 0), ALONE)], vec![clear]),
            (
                "6 lost, one of two",
                vec![((6, 0, 0), ALONE), ((0, 0, 0), ALONE)],
                vec![clear, clear],
            ),
            (
                "6 and 7 lost",
                vec![((6, 0, 0), ALONE), ((7, 0, 0), ALONE)],
                vec![drop, drop],
            ),
            (
                "3 lost and 3 errored",
                vec![((3, 0, 3), ALONE)],
                vec![Finding::ErrorsDecide],
            ),
            ("6 lost and 3 errored", vec![((6, 0, 3), ALONE)], vec![drop]),
        ]);
    }

    #[test]
    fn a_margin_is_kept_exceeded_or_neither() {
        const FIVE: Mode = Mode::NonInferior(0.05);
        const TWENTY: Mode = Mode::NonInferior(0.2);
        hold(vec![
            ("kept", vec![((0, 0, 0), FIVE)], vec![Finding::Clear]),
            ("not shown", vec![((3, 0, 0), FIVE)], vec![Finding::Unsure]),
            ("exceeded", vec![((9, 0, 0), FIVE)], vec![Finding::Drop]),
            (
                "exceeded by errors",
                vec![((0, 0, 3), FIVE)],
                vec![Finding::ErrorsDecide],
            ),
            (
                "a drop within it",
                vec![((6, 0, 0), TWENTY)],
                vec![Finding::Clear],
            ),
        ]);
    }
}
