//! Holm's rule for several tests at once.

/// Holm's step-down rule (Holm 1979): which of several p-values are significant when the
/// chance of even one false alarm is to stay at `alpha`. In the order of the input.
pub(crate) fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let levels = holm_levels(p_values, alpha).into_iter();
    levels.zip(p_values).map(|(level, p)| *p <= level).collect()
}

/// The level that Holm's rule holds each p-value to: those that it does not come to any more, to
/// that of the one at which it stopped. A p-value is at most its level where [`holm`] calls it
/// significant.
pub(crate) fn holm_levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut levels = vec![alpha; p_values.len()];
    let mut stopped = None;
    for (at, p, left) in ascending(p_values) {
        let level = stopped.unwrap_or(alpha / left);
        if p > level {
            stopped = Some(level);
        }
        if let Some(slot) = levels.get_mut(at) {
            *slot = level;
        }
    }
    levels
}

/// The p-values as Holm's rule sees them: each times the tests that were left, at most 1 and
/// never below a smaller one's. One is at most alpha where [`holm`] calls it significant.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the judgement of evals will show it")
)]
pub(crate) fn holm_adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (at, p, left) in ascending(p_values) {
        largest = largest.max((p * left).min(1.0));
        if let Some(slot) = adjusted.get_mut(at) {
            *slot = largest;
        }
    }
    adjusted
}

/// The place and value of each p-value, smallest first, and how many tests were left with it.
#[expect(clippy::cast_precision_loss, reason = "the number of tests is small")]
fn ascending(p_values: &[f64]) -> Vec<(usize, f64, f64)> {
    let mut order: Vec<(usize, f64)> = p_values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let left = |rank: usize| (p_values.len() - rank) as f64;
    let ranked = order.into_iter().enumerate();
    ranked.map(|(rank, (at, p))| (at, p, left(rank))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holm_spends_alpha_once() {
        assert_eq!(holm(&[0.01, 0.04, 0.03], 0.05), [true, false, false]);
        assert_eq!(holm(&[0.01, 0.02, 0.03], 0.05), [true, true, true]);
        assert_eq!(holm(&[0.04], 0.05), [true]);
        assert_eq!(holm(&[], 0.05), [false; 0]);
    }

    /// `statsmodels.stats.multitest.multipletests(p, method="holm")`, statsmodels 0.15.0.
    #[test]
    fn adjusted_values_agree_with_statsmodels() {
        let table: [(&[f64], &[f64]); 5] = [
            (&[], &[]),
            (&[0.01, 0.04, 0.03], &[0.03, 0.06, 0.06]),
            (&[0.01, 0.02, 0.03], &[0.03, 0.04, 0.04]),
            (
                &[0.01, 0.02, 0.03, 0.04, 0.05],
                &[0.05, 0.08, 0.09, 0.09, 0.09],
            ),
            (&[0.5, 0.0001, 0.04, 0.04], &[0.5, 0.0004, 0.12, 0.12]),
        ];
        for (p_values, expected) in table {
            let found = holm_adjusted(p_values);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-12, "{p_values:?}: {found}");
            }
        }
    }

    #[test]
    fn what_is_not_reached_is_held_to_where_it_stopped() {
        for (p_values, levels) in [
            (&[][..], &[][..]),
            (&[0.2], &[0.05]),
            (&[0.01, 0.04, 0.03], &[0.05 / 3.0, 0.025, 0.025]),
            (&[0.01, 0.02, 0.03], &[0.05 / 3.0, 0.025, 0.05]),
            (&[0.9, 0.8], &[0.025, 0.025]),
        ] {
            assert_eq!(holm_levels(p_values, 0.05), levels, "{p_values:?}");
        }
    }

    proptest! {
        #[test]
        fn adjusted_and_decided_agree(p_values in proptest::collection::vec(0.0f64..0.2, 0..12)) {
            let adjusted = holm_adjusted(&p_values);
            for (adjusted, significant) in adjusted.iter().zip(holm(&p_values, 0.05)) {
                // At the limit itself, rounding of product and quotient may differ.
                prop_assume!((adjusted - 0.05).abs() > 1e-12);
                prop_assert_eq!(*adjusted <= 0.05, significant);
            }
        }
    }
}
