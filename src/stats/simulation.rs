//! Comparisons of a version with itself, to count how often they are called a regression.
//! `benches/false_blocks.rs` runs them all, the tests a part.

use super::generator::Generator;
use super::holm::holm;
use super::mcnemar::mcnemar_exact;
use super::permutation::sign_flip_drawing;

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
    /// Random sign flips a test.
    pub draws: usize,
}

/// How many of `comparisons` of equal versions block: at least one of three metrics is significantly
/// worse under Holm's rule, both with errored runs as failures and with them left out.
pub fn false_blocks(cell: Cell, comparisons: u32, seed: u64) -> u32 {
    blocks(cell, comparisons, 0.0, seed)
}

/// The same where head fails what would have passed with the chance `harm`.
fn blocks(cell: Cell, comparisons: u32, harm: f64, seed: u64) -> u32 {
    let mut generator = Generator::new(seed);
    let mut compare = || {
        let mut metrics: [Metric; METRICS] = Default::default();
        for _ in 0..cell.cases {
            add_case(&mut metrics, cell, harm, &mut generator);
        }
        let seed = generator.bits();
        let as_failures = worse(
            cell,
            &metrics.each_ref().map(|metric| &*metric.as_failures),
            seed,
        );
        let left_out = worse(
            cell,
            &metrics.each_ref().map(|metric| &*metric.left_out),
            seed,
        );
        as_failures
            .iter()
            .zip(left_out)
            .any(|(one, other)| *one && other)
    };
    (0..comparisons).map(|_| u32::from(compare())).sum()
}

/// The differences of one metric, head less base, a case each.
#[derive(Default)]
struct Metric {
    as_failures: Vec<f64>,
    left_out: Vec<f64>,
}

/// Runs one case on both sides. Some cases are a coin, the others always pass or always fail; an
/// errored run has no result in any metric.
fn add_case(metrics: &mut [Metric], cell: Cell, harm: f64, generator: &mut Generator) {
    let mut run = |_| generator.unit() >= ERRORED;
    let base: Vec<bool> = (0..cell.trials).map(&mut run).collect();
    let head: Vec<bool> = (0..cell.trials).map(&mut run).collect();
    for metric in metrics {
        let chance = if generator.unit() < 2.0 * cell.discordance {
            0.5
        } else if generator.unit() < 0.8 {
            1.0
        } else {
            0.0
        };
        let base = Outcome::of(&base, chance, generator);
        let head = Outcome::of(&head, chance * (1.0 - harm), generator);
        metric.as_failures.push(head.as_failures - base.as_failures);
        if let (Some(base), Some(head)) = (base.left_out, head.left_out) {
            metric.left_out.push(head - base);
        }
    }
}

/// The share of a case's runs that passed.
struct Outcome {
    as_failures: f64,
    /// None where all runs errored.
    left_out: Option<f64>,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "a few trials")]
    fn of(ran: &[bool], chance: f64, generator: &mut Generator) -> Self {
        let valid = ran.iter().filter(|ran| **ran).count();
        let passed = (0..valid).filter(|_| generator.unit() < chance).count() as f64;
        Self {
            as_failures: passed / ran.len() as f64,
            left_out: (valid > 0).then(|| passed / valid as f64),
        }
    }
}

/// Which metrics are significantly worse.
fn worse(cell: Cell, metrics: &[&[f64]; METRICS], seed: u64) -> Vec<bool> {
    let p_value = |differences: &[f64]| {
        if cell.trials > 1 {
            return sign_flip_drawing(differences, cell.draws, seed);
        }
        let lost = differences.iter().filter(|each| **each < 0.0).count();
        let won = differences.iter().filter(|each| **each > 0.0).count();
        mcnemar_exact(lost as u64, won as u64)
    };
    let p_values = metrics.map(p_value);
    let significant = holm(&p_values, ALPHA).into_iter().zip(metrics);
    significant
        .map(|(significant, differences)| significant && differences.iter().sum::<f64>() < 0.0)
        .collect()
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
            draws: 499,
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
