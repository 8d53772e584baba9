//! Comparisons of a version with itself, to count how often they are called a regression.
//! `benches/false_blocks.rs` runs them all, the tests a part.

use super::test::{Readings, Series, Side};
use super::words::Unit;
use super::{Finding, Mode, decide};
use crate::stats::generator::Generator;

/// The chance of even one false alarm that a comparison may have.
pub const ALPHA: f64 = 0.05;

/// Metrics that are tested together.
const METRICS: usize = 3;

/// The chance that a run of a case fails to give a result.
const ERRORED: f64 = 0.02;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Cases on each side.
    pub cases: usize,
    /// The chance that one run passes and another of the same case does not.
    pub discordance: f64,
    /// Runs of each case on each side.
    pub trials: u32,
}

/// How many of `comparisons` of equal versions the gate on regressions blocks: at least one of
/// three metrics is significantly worse under Holm's rule, both with errored runs as failures and
/// with them left out.
pub fn false_blocks(cell: Cell, comparisons: u32, seed: u64) -> u32 {
    blocks(cell, comparisons, 0.0, seed)
}

/// The same where head fails what would have passed with the chance `harm`.
fn blocks(cell: Cell, comparisons: u32, harm: f64, seed: u64) -> u32 {
    let mut generator = Generator::new(seed);
    let mut compare = || {
        let mut metrics: [Vec<(Side, Side)>; METRICS] = Default::default();
        for _ in 0..cell.cases {
            add_case(&mut metrics, cell, harm, &mut generator);
        }
        let readings = metrics.map(|cases| {
            let series = Series {
                cases,
                unit: Unit::Share,
                lower: false,
                seed: generator.bits(),
            };
            series.readings()
        });
        let family: Vec<(&Readings, Mode)> = readings
            .iter()
            .map(|readings| (readings, Mode::Significant))
            .collect();
        let decided = decide(&family, ALPHA);
        decided.iter().any(|each| each.finding == Finding::Drop)
    };
    (0..comparisons).map(|_| u32::from(compare())).sum()
}

/// Runs one case on both sides. Some cases are a coin, the others always pass or always fail; an
/// errored run has no result in any metric.
fn add_case(
    metrics: &mut [Vec<(Side, Side)>; METRICS],
    cell: Cell,
    harm: f64,
    generator: &mut Generator,
) {
    let mut ran = || {
        (0..cell.trials)
            .filter(|_| generator.unit() >= ERRORED)
            .count()
    };
    let (base, head) = (ran(), ran());
    for metric in metrics {
        let chance = if generator.unit() < 2.0 * cell.discordance {
            0.5
        } else if generator.unit() < 0.8 {
            1.0
        } else {
            0.0
        };
        let mut side = |ran: usize, chance: f64| {
            let passed = (0..ran).filter(|_| generator.unit() < chance).count();
            let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            Side {
                sum: f64::from(count(passed)),
                graded: count(ran),
                runs: cell.trials,
            }
        };
        metric.push((side(base, chance), side(head, chance * (1.0 - harm))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELLS: [(usize, f64, u32); 8] = [
        (50, 0.02, 1),
        (50, 0.2, 1),
        (50, 0.4, 1),
        (200, 0.2, 1),
        (50, 0.02, 3),
        (50, 0.2, 3),
        (50, 0.4, 3),
        (200, 0.4, 3),
    ];

    fn cell((cases, discordance, trials): (usize, f64, u32)) -> Cell {
        Cell {
            cases,
            discordance,
            trials,
        }
    }

    /// The full table is that of `cargo bench --bench false_blocks`.
    #[test]
    fn equal_versions_are_blocked_in_at_most_alpha() {
        let mut all = 0;
        for (seed, each) in (1..).zip(CELLS) {
            let blocks = false_blocks(cell(each), 200, seed);
            // 10 are alpha; two standard errors are 6.
            assert!(blocks <= 16, "{each:?}: {blocks} of 200");
            all += blocks;
        }
        // A simulation in which nothing ever happens would show nothing.
        assert!(all > 0);
    }

    #[test]
    fn versions_that_lose_most_are_blocked() {
        for (seed, each) in (1..).zip(CELLS) {
            let blocks = blocks(cell(each), 40, 0.6, seed);
            assert!(blocks >= 32, "{each:?}: {blocks} of 40");
        }
    }

    #[test]
    fn simulations_repeat() {
        let each = cell((50, 0.4, 3));
        assert_eq!(blocks(each, 20, 0.1, 9), blocks(each, 20, 0.1, 9));
    }
}
