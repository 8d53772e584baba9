//! The sign-flip permutation test of paired differences.

use super::generator::Generator;
use super::mcnemar::mcnemar_exact;

/// With this many differences that are not zero, or fewer, every way to flip them is counted.
const COUNTED: usize = 16;

/// Otherwise so many ways are drawn: the smallest p-value is one in ten thousand.
const DRAWN: usize = 9_999;

/// From this many differences of one size on, their flips are counted bit by bit; fewer go into
/// the tables of all others.
const WORTH_COUNTING: usize = 64;

/// How many differences share one table of their sums.
const TABLE: usize = 8;

/// The two-sided p-value of the hypothesis that each difference was as likely to come out with
/// the other sign (Fisher 1935, section 21): the share of sign flips whose sum is at least as far
/// from zero. The differences are finite numbers, one a case.
///
/// - No difference but zero: 1.
/// - All of one size: the sign test, exactly (for pass/fail with one trial this is `McNemar`'s).
/// - Up to 16 that are not zero: exactly, all flips.
/// - More: (b + 1) / (m + 1), with b the number of m = 9,999 drawn flips that are at least as far
///   out (Phipson and Smyth 2010). The chance that this is at most alpha is at most alpha, at
///   any m and n; no distribution is assumed. The order of the differences does not matter.
pub(crate) fn sign_flip(differences: &[f64], seed: u64) -> f64 {
    sign_flip_drawing(differences, DRAWN, seed)
}

/// The same with another number of draws.
pub(super) fn sign_flip_drawing(differences: &[f64], draws: usize, seed: u64) -> f64 {
    let mut sizes: Vec<f64> = differences.iter().map(|each| each.abs()).collect();
    sizes.retain(|size| *size > 0.0);
    sizes.sort_by(f64::total_cmp);
    let (Some(smallest), Some(largest)) = (sizes.first(), sizes.last()) else {
        return 1.0;
    };
    if same(*smallest, *largest) {
        let of_sign = |sign: f64| {
            differences
                .iter()
                .filter(|each| **each * sign > 0.0)
                .count()
        };
        return mcnemar_exact(of_sign(-1.0) as u64, of_sign(1.0) as u64);
    }
    let observed = differences.iter().sum::<f64>().abs();
    // Sums that differ by rounding are equal, and equal is as far out.
    let limit = observed - 1e-9 * sizes.iter().sum::<f64>();
    if sizes.len() <= COUNTED {
        let sums = all_sums(&sizes);
        return share(reaching(&sums, limit), sums.len());
    }
    let sums = drawn_sums(&sizes, draws, seed);
    share(reaching(&sums, limit) + 1, draws + 1)
}

/// Whether two sizes differ by no more than rounding: 2/3 - 1/3 and 1/3 - 0 are the same.
fn same(smaller: f64, larger: f64) -> bool {
    larger - smaller <= 1e-12 * larger
}

fn reaching(sums: &[f64], limit: f64) -> usize {
    sums.iter().filter(|sum| sum.abs() >= limit).count()
}

#[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// The sums under every way to sign these sizes.
fn all_sums(sizes: &[f64]) -> Vec<f64> {
    sizes.iter().fold(vec![0.0], |sums, size| {
        let signed = [*size, -*size];
        let both = sums.iter().flat_map(|sum| signed.map(|each| sum + each));
        both.collect()
    })
}

/// The sums under random signs. Sizes that many cases share need only the number of plus signs:
/// the set bits of as many random bits. The others go by eight: a random byte picks one of the
/// 256 sums of the eight. Both are the draw of one fair sign a case, only faster.
fn drawn_sums(sizes: &[f64], draws: usize, seed: u64) -> Vec<f64> {
    let mut generator = Generator::new(seed);
    let mut sums = vec![0.0; draws];
    let mut single = Vec::new();
    for group in sizes.chunk_by(|a, b| same(*a, *b)) {
        match group {
            [size, ..] if group.len() >= WORTH_COUNTING => {
                add_group(&mut sums, *size, group.len(), &mut generator);
            }
            _ => single.extend_from_slice(group),
        }
    }
    for sizes in single.chunks(TABLE) {
        add_table(&mut sums, sizes, &mut generator);
    }
    sums
}

/// Adds `count` differences of one size to each sum.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn add_group(sums: &mut [f64], size: f64, count: usize, generator: &mut Generator) {
    for sum in sums {
        let mut plus: u32 = (0..count / 64).map(|_| generator.bits().count_ones()).sum();
        let rest = count % 64;
        if rest > 0 {
            plus += (generator.bits() >> (64 - rest)).count_ones();
        }
        *sum += size * (2.0 * f64::from(plus) - count as f64);
    }
}

/// Adds up to eight differences to each sum.
fn add_table(sums: &mut [f64], sizes: &[f64], generator: &mut Generator) {
    let mut table = [0.0; 1 << TABLE];
    // Fewer than eight sizes fill the start of the table; copies of it make up the rest.
    let filled = all_sums(sizes);
    for (slot, sum) in table.iter_mut().zip(filled.iter().cycle()) {
        *slot = *sum;
    }
    for eight in sums.chunks_mut(8) {
        for (sum, byte) in eight.iter_mut().zip(generator.bits().to_le_bytes()) {
            *sum += table.get(usize::from(byte)).copied().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Darwin's cross- and self-fertilised maize (Fisher 1935, The Design of Experiments,
    /// section 21: 1,726 of 32,768 flips); the others with `scipy.stats.permutation_test(...,
    /// permutation_type="samples", n_resamples=inf)`, scipy 1.17.1.
    #[test]
    fn few_differences_are_counted_out() {
        let darwin = [
            49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0,
            -48.0,
        ];
        let third = 1.0 / 3.0;
        let thirds = [
            third,
            -2.0 * third,
            third,
            1.0,
            1.0 - 2.0 * third,
            2.0 * third,
            third,
        ];
        let table: [(&[f64], f64); 10] = [
            (&darwin, 1_726.0 / 32_768.0),
            (&[1.0, 1.0, 1.0, -1.0, 0.5], 0.375),
            (&[0.2, -0.1, 0.3, 0.4, -0.5, 0.1], 0.718_75),
            (&thirds, 0.203_125),
            // Degenerate: nothing, ties only, one case, one size.
            (&[], 1.0),
            (&[0.0, -0.0, 0.0], 1.0),
            (&[0.3], 1.0),
            (&[0.3, 0.2], 0.5),
            (&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0], 0.0625),
            (&[0.1 + 0.2, 0.3, 0.3, 0.3, 0.3, 0.3], 0.031_25),
        ];
        for (differences, p) in table {
            let found = sign_flip(differences, 1);
            assert!((found - p).abs() < 1e-12, "{differences:?}: {found}");
        }
    }

    /// The exact values by convolution of the sizes with numpy 2.4.6. The tolerance is four
    /// standard errors of 9,999 draws.
    #[test]
    fn many_differences_are_drawn_close_to_the_exact_value() {
        let repeat = |value: f64, count: usize| vec![value; count];
        let few = [
            repeat(1.0, 12),
            repeat(-1.0, 8),
            repeat(2.0, 9),
            repeat(-2.0, 4),
            repeat(3.0, 2),
            repeat(-3.0, 2),
        ];
        let many = [
            repeat(1.0, 150),
            repeat(-1.0, 120),
            repeat(2.0, 90),
            repeat(-2.0, 75),
        ];
        let distinct: Vec<f64> = (1..=20).chain(-29..=-21).map(f64::from).collect();
        let distinct: Vec<f64> = distinct;
        for (differences, p) in [
            (few.concat(), 0.212_946_926_709_264_52),
            (many.concat(), 0.052_936_487_546_609_49),
            (distinct, 0.881_510_023_027_6),
        ] {
            let found = sign_flip(&differences, 11);
            let tolerance = 4.0 * (p * (1.0 - p) / 9_999.0_f64).sqrt();
            assert!((found - p).abs() < tolerance, "{found} is not {p}");
        }
    }

    #[test]
    fn the_smallest_p_value_is_one_draw() {
        let differences: Vec<f64> = (1..400).map(f64::from).collect();
        assert!((sign_flip_drawing(&differences, 999, 5) - 0.001).abs() < 1e-12);
    }

    /// Under the hypothesis p is at most alpha in at most alpha of the samples.
    #[test]
    fn drawn_p_values_keep_alpha() {
        let mut generator = Generator::new(3);
        let mut rejected = 0_u32;
        for seed in 0..1_000 {
            let mut sign = || if generator.unit() < 0.5 { -1.0 } else { 1.0 };
            let differences: Vec<f64> = (1..=20)
                .map(|size| f64::from(size * size) * sign())
                .collect();
            rejected += u32::from(sign_flip_drawing(&differences, 199, seed) <= 0.05);
        }
        // 50 are expected; three standard errors are 21.
        assert!((29..=71).contains(&rejected), "{rejected}");
    }

    proptest! {
        #[test]
        fn p_depends_on_neither_order_nor_sides_nor_scale(
            differences in proptest::collection::vec(-3_i8..=3, 0..40),
            seed: u64,
        ) {
            let differences: Vec<f64> = differences.into_iter().map(f64::from).collect();
            let p = sign_flip_drawing(&differences, 199, seed);
            prop_assert!(p > 0.0 && p <= 1.0);
            let changed = |change: &dyn Fn(f64) -> f64| -> Vec<f64> {
                differences.iter().rev().map(|each| change(*each)).collect()
            };
            for change in [changed(&|each| each), changed(&|each| -each), changed(&|each| each / 3.0)] {
                prop_assert!((sign_flip_drawing(&change, 199, seed) - p).abs() < 1e-12);
            }
        }

        #[test]
        fn one_trial_gives_mcnemar(lost in 0_usize..200, won in 0_usize..200, tied in 0_usize..50) {
            let differences = [vec![-1.0; lost], vec![1.0; won], vec![0.0; tied]].concat();
            let p = sign_flip(&differences, 0);
            prop_assert!((p - mcnemar_exact(lost as u64, won as u64)).abs() < 1e-12);
        }
    }
}
