//! `McNemar`'s exact test of paired pass/fail results.

/// The exact two-sided p-value of `McNemar`'s test: the chance of so uneven a split of the
/// discordant pairs if lost and won were equally likely (`McNemar` 1947; binomial, n = lost +
/// won, doubled smaller tail, at most 1). Without discordant pairs it is 1.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn mcnemar_exact(lost: u64, won: u64) -> f64 {
    let total = lost + won;
    let least = lost.min(won);
    if total == 0 {
        return 1.0;
    }
    // The largest term of the tail in logarithms, the others by their ratio to it.
    let log_choose: f64 = (1..=least)
        .map(|k| ((total - least + k) as f64).ln() - (k as f64).ln())
        .sum();
    let largest = (log_choose - total as f64 * std::f64::consts::LN_2).exp();
    let mut term = largest;
    let mut tail = largest;
    for k in (1..=least).rev() {
        term *= k as f64 / (total - k + 1) as f64;
        tail += term;
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    /// Values of `scipy.stats.binomtest(min, n, 0.5).pvalue`.
    #[test]
    fn mcnemar_agrees_with_the_binomial_test() {
        for (lost, won, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 0, 0.0625),
            (6, 0, 0.03125),
            (17, 3, 0.002_576_828_002_929_687_5),
            (11, 2, 0.022_460_937_5),
            (2, 12, 0.012_939_453_125),
            (500, 430, 0.023_608_839_292),
            (5, 5, 1.0),
        ] {
            let found = mcnemar_exact(lost, won);
            assert!(near(found, p, 1e-6), "{lost}/{won}: {found} is not {p}");
        }
    }

    proptest! {
        #[test]
        fn p_is_a_probability_and_symmetric(lost in 0u64..5_000, won in 0u64..5_000) {
            let p = mcnemar_exact(lost, won);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(near(p, mcnemar_exact(won, lost), 1e-12));
        }
    }
}
