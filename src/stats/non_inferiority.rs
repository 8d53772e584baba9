//! Non-inferiority: whether a drop of a margin or more can be ruled out, and what asking that
//! costs.

use super::binomial::{below, mass, window};
use super::bootstrap::{bca_mean, mean};
use super::normal::{cumulative, quantile};
use super::pairs::Pairs;
use super::power::{LEAST_DISCORDANCE, POWER, least_cases};
use super::tango::{score, tango_at};

/// The lower bound of Tango's interval for the difference at the level 1 - 2 `alpha`: with a
/// chance of at most about `alpha` the true difference is below it. -1 without pairs.
pub(crate) fn lower_bound(pairs: Pairs, alpha: f64) -> f64 {
    tango_at(pairs, quantile(1.0 - alpha)).0
}

/// The same of a mean of case differences, by the `BCa` interval. `least` is the lowest that a case's
/// difference can be, such as -1 for scores from 0 to 1, and the bound without cases.
///
/// Cases that are all equal show no spread, which must not pass for certainty: up to a share
/// 1 - alpha^(1/n) of all cases could differ and still not be met among n with more than the chance
/// alpha; the bound is the mean if all of those came out lowest.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn lower_bound_of_mean(differences: &[f64], alpha: f64, least: f64, seed: u64) -> f64 {
    let Some((low, high)) = bca_mean(differences, 1.0 - 2.0 * alpha, seed) else {
        return least;
    };
    if low < high {
        return low;
    }
    let unmet = 1.0 - alpha.powf(1.0 / differences.len() as f64);
    let all = mean(differences);
    all + unmet * (least - all).min(0.0)
}

/// Whether a drop of `margin` or more is ruled out.
pub(crate) fn is_non_inferior(lower_bound: f64, margin: f64) -> bool {
    lower_bound > -margin
}

/// The share of changes without any effect that would be blocked, because `n` cases with
/// this discordance (at least 10 %) do not rule a drop of `margin` out: exactly, over all numbers of
/// lost and won.
pub(crate) fn blocked(n: u64, discordance: f64, margin: f64, alpha: f64) -> f64 {
    let discordance = discordance.clamp(LEAST_DISCORDANCE, 1.0);
    let z = quantile(1.0 - alpha);
    let (first, last) = window(n, discordance);
    let passed = |discordant: u64, won: u64| {
        let pairs = Pairs {
            both: n - discordant,
            lost: discordant - won,
            won,
            neither: 0,
        };
        n > 0 && score(pairs, -margin) > z
    };
    let share = |discordant: u64| {
        // The more won, the better: halve down to the fewest that pass.
        let (mut low, mut high) = (0, discordant + 1);
        while low < high {
            let middle = low.midpoint(high);
            if passed(discordant, middle.min(discordant)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        mass(discordant, n, discordance) * below(low, discordant, 0.5)
    };
    (first..=last).map(share).sum::<f64>().min(1.0)
}

/// The same of a mean whose case differences spread by `deviation`, by the normal approximation.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn blocked_by_mean(n: u64, deviation: f64, margin: f64, alpha: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    cumulative(quantile(1.0 - alpha) - margin * (n as f64).sqrt() / deviation)
}

/// How many cases let 80 % of the changes without effect through. None beyond 16 million.
pub(crate) fn cases_needed(margin: f64, discordance: f64, alpha: f64) -> Option<u64> {
    least_cases(|n| margin > 0.0 && blocked(n, discordance, margin, alpha) <= 1.0 - POWER)
}

/// The same for a mean whose case differences spread by `deviation`.
pub(crate) fn cases_needed_for_mean(margin: f64, deviation: f64, alpha: f64) -> Option<u64> {
    let enough = |n| blocked_by_mean(n, deviation, margin, alpha) <= 1.0 - POWER;
    least_cases(|n| margin > 0.0 && deviation > 0.0 && enough(n))
}

#[cfg(test)]
mod tests {
    use super::super::generator::Generator;
    use super::*;
    use proptest::prelude::*;

    /// Tango's statistic summed over the trinomial with `scipy.stats.binom`, scipy 1.17.1.
    #[test]
    fn blocked_shares_agree_with_scipy() {
        for (n, discordance, margin, alpha, expected) in [
            (50, 0.1, 0.05, 0.05, 0.758_675_882_525_246_5),
            (200, 0.1, 0.02, 0.05, 0.784_874_512_680_805_2),
            (200, 0.2, 0.05, 0.05, 0.531_427_412_173_267_9),
            (100, 0.1, 0.1, 0.025, 0.183_403_580_358_882_18),
            (100, 0.0, 0.1, 0.025, 0.183_403_580_358_882_18),
            (0, 0.1, 0.1, 0.05, 1.0),
        ] {
            let found = blocked(n, discordance, margin, alpha);
            assert!(
                (found - expected).abs() < 1e-9,
                "{n}, {discordance}, {margin}: {found}"
            );
        }
        assert_eq!(cases_needed(0.0, 0.1, 0.05), None);
        let cases = cases_needed(0.05, 0.1, 0.05).unwrap();
        assert!(
            blocked(cases, 0.1, 0.05, 0.05) <= 0.2 && blocked(cases - 1, 0.1, 0.05, 0.05) > 0.2
        );
    }

    #[test]
    fn the_bound_decides() {
        let pairs = |lost, won| Pairs {
            both: 200 - lost - won,
            lost,
            won,
            neither: 0,
        };
        for (pairs, margin, expected) in [
            // The bound of 10 lost, 10 won of 200 at 90 % is -0.0387.
            (pairs(10, 10), 0.04, true),
            (pairs(10, 10), 0.038, false),
            (pairs(30, 5), 0.05, false),
            (pairs(0, 0), 0.02, true),
            (Pairs::default(), 0.99, false),
        ] {
            assert_eq!(
                is_non_inferior(lower_bound(pairs, 0.05), margin),
                expected,
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn means_without_spread_are_not_certain() {
        for (differences, expected) in [
            (vec![], -1.0),
            // 1 - 0.05^(1/n): 0.95 for one case, 0.0295 for a hundred.
            (vec![0.0], -0.95),
            (vec![0.0; 100], -0.029_513_049_607_039_9),
            (vec![0.5; 1], 0.5 - 0.95 * 1.5),
            (vec![-1.0; 10], -1.0),
        ] {
            let found = lower_bound_of_mean(&differences, 0.05, -1.0, 3);
            assert!((found - expected).abs() < 1e-9, "{differences:?}: {found}");
        }
    }

    #[test]
    fn the_bound_of_a_mean_is_that_of_the_interval() {
        let differences = [0.1, -0.3, 0.25, 0.0, 0.4, -0.05, 0.6, 0.15];
        let found = lower_bound_of_mean(&differences, 0.05, -1.0, 3);
        assert_eq!(
            Some(found),
            bca_mean(&differences, 0.9, 3).map(|(low, _)| low)
        );
    }

    /// Harmless changes of 40 cases with differences of thirds: the formula's share is that of the
    /// decision.
    #[test]
    fn the_blocked_share_of_means_is_what_happens() {
        let mut generator = Generator::new(5);
        let mut blocked = 0_u32;
        for seed in 0..200 {
            let mut third =
                || f64::from(u8::try_from(generator.below(3)).unwrap()) / 3.0 - 1.0 / 3.0;
            let differences: Vec<f64> = (0..40).map(|_| third()).collect();
            let bound = lower_bound_of_mean(&differences, 0.05, -1.0, seed);
            blocked += u32::from(!is_non_inferior(bound, 0.08));
        }
        // The deviation of -1/3, 0, 1/3.
        let expected = 200.0 * blocked_by_mean(40, (2.0_f64 / 27.0).sqrt(), 0.08, 0.05);
        // Four standard errors.
        assert!(
            (f64::from(blocked) - expected).abs() < 28.0,
            "{blocked}, not {expected}"
        );
        assert!((blocked_by_mean(0, 0.1, 0.5, 0.05) - 1.0).abs() < 1e-12);
        assert!(blocked_by_mean(10, 0.0, 0.5, 0.05) < 1e-12);
    }

    proptest! {
        #[test]
        fn wider_margins_block_less(n in 1_u64..200, discordance in 0.0_f64..0.6, margin in 0.01_f64..0.5) {
            let share = blocked(n, discordance, margin, 0.05);
            prop_assert!((0.0..=1.0).contains(&share));
            prop_assert!(blocked(n, discordance, margin + 0.05, 0.05) <= share + 1e-9);
            prop_assert!(share <= blocked(n, discordance, margin, 0.01) + 1e-9);
        }

        /// The statistic at the margin and the bound tell the same.
        #[test]
        fn statistic_and_bound_agree(both in 0_u64..100, lost in 0_u64..30, won in 0_u64..30, margin in 0.01_f64..0.5) {
            let pairs = Pairs { both: both + 1, lost, won, neither: 0 };
            let bound = lower_bound(pairs, 0.05);
            prop_assume!((bound + margin).abs() > 1e-6);
            prop_assert_eq!(score(pairs, -margin) > quantile(0.95), is_non_inferior(bound, margin));
        }
    }
}
