//! What a comparison can see: the smallest drop that it would find with 80 % probability, and the
//! cases that a drop takes.

use super::binomial::{Below, mass, window};
use super::normal::quantile;
use super::solve::bisect;

/// The share of discordant cases that is assumed at least. Few cases that happen to agree do not
/// show that all would.
pub(crate) const LEAST_DISCORDANCE: f64 = 0.10;

/// How likely a drop is to be found for it to count as visible.
pub(crate) const POWER: f64 = 0.80;

/// More cases than this are not worth asking for.
const MOST_CASES: u64 = 1 << 24;

/// The smallest drop of the pass rate that the exact `McNemar` test at `alpha` finds with 80 %
/// probability among `n` cases, at the observed discordance or 10 %, whichever is more. None where
/// not even a drop of everything would be found: five cases cannot be significant at 0.05.
pub(crate) fn visible_drop(n: u64, discordance: f64, alpha: f64) -> Option<f64> {
    let discordance = discordance.max(LEAST_DISCORDANCE);
    let unseen = |drop: f64| mcnemar_power(n, discordance, drop, alpha) < POWER;
    (!unseen(1.0)).then(|| bisect(0.0, 1.0, unseen))
}

/// How many cases make a drop visible, under the same terms. None for no drop, or one so small
/// that more than 16 million cases would be needed.
pub(crate) fn cases_needed(drop: f64, discordance: f64, alpha: f64) -> Option<u64> {
    let discordance = discordance.max(LEAST_DISCORDANCE);
    least_cases(|n| drop > 0.0 && mcnemar_power(n, discordance, drop, alpha) >= POWER)
}

/// The smallest number of cases that is enough, by doubling and halving; what is enough stays so
/// but for the small steps of an exact test.
pub(super) fn least_cases(enough: impl Fn(u64) -> bool) -> Option<u64> {
    let mut high = 1;
    while !enough(high) {
        high *= 2;
        if high > MOST_CASES {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// The unconditional power of the exact `McNemar` test: the chance that `n` cases come out
/// significantly worse, where a case is discordant with the chance `discordance` (at least
/// `drop`), lost in excess of won by `drop`. The sum over all numbers of discordant
/// cases of the chance of that number times the chance of a significant split of it
/// (Duffy 1984, Biometrics 40:1005, as exact unconditional power).
pub(crate) fn mcnemar_power(n: u64, discordance: f64, drop: f64, alpha: f64) -> f64 {
    let discordance = discordance.max(drop).clamp(0.0, 1.0);
    if discordance <= 0.0 {
        return 0.0;
    }
    let won = (discordance - drop) / (2.0 * discordance);
    let (first, last) = window(n, discordance);
    // Significant: fewer won than the limit. It rises by at most one a discordant case.
    let mut null = critical(first, alpha);
    let mut worse = Below::new(null.limit(), first, won);
    let mut power = 0.0;
    for discordant in first..=last {
        if discordant > first {
            null.try_once_more();
            worse.try_once_more();
        }
        while is_critical(&null, alpha) {
            null.raise();
            worse.raise();
        }
        power += mass(discordant, n, discordance) * worse.chance();
    }
    power.min(1.0)
}

/// Whether so few, counted with the next one, are still significant.
fn is_critical(null: &Below, alpha: f64) -> bool {
    2.0 * null.next_chance() <= alpha
}

/// The number below which the rarer outcome of `discordant` fair coins is significant at `alpha`,
/// two-sided.
fn critical(discordant: u64, alpha: f64) -> Below {
    let (start, _) = window(discordant, 0.5);
    let mut null = Below::new(start, discordant, 0.5);
    while is_critical(&null, alpha) {
        null.raise();
    }
    null
}

/// The smallest drop of a mean that the sign-flip test at `alpha` finds with 80 % probability among
/// `n` cases whose differences spread by `deviation` (their standard deviation). By the normal
/// approximation with Guenther's correction (1981, The Statistician 30:243); the simulation in
/// the tests holds it to the test. None without spread, which tells nothing, or with so few
/// cases that nothing would be significant.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn visible_mean_drop(n: u64, deviation: f64, alpha: f64) -> Option<f64> {
    let z = quantile(1.0 - alpha / 2.0);
    let cases = n as f64 - z * z / 2.0;
    let reachable = 0.5_f64.powf(n as f64 - 1.0) <= alpha;
    (deviation > 0.0 && cases > 0.0 && reachable)
        .then(|| deviation * (z + quantile(POWER)) / cases.sqrt())
}

/// How many cases make a drop of a mean visible, under the same terms.
pub(crate) fn cases_needed_for_mean(drop: f64, deviation: f64, alpha: f64) -> Option<u64> {
    least_cases(|n| visible_mean_drop(n, deviation, alpha).is_some_and(|seen| seen <= drop))
}

#[cfg(test)]
mod tests {
    use super::super::generator::Generator;
    use super::super::mcnemar::mcnemar_exact;
    use super::super::permutation::sign_flip_drawing;
    use super::*;
    use proptest::prelude::*;

    /// Summed term by term from `scipy.stats.binom`, scipy 1.17.1.
    #[test]
    fn power_agrees_with_the_sum_of_scipy() {
        for (n, discordance, drop, alpha, expected) in [
            (50, 0.2, 0.2, 0.05, 0.951_972_780_629_267_2),
            (200, 0.1, 0.05, 0.05, 0.543_291_943_944_292_9),
            (200, 0.2, 0.1, 0.05, 0.875_300_448_139_272_2),
            (100, 0.4, 0.3, 0.05 / 3.0, 0.996_973_170_717_669_9),
            (30, 0.1, 0.3, 0.05, 0.923_405_247_992_449_2),
            (1_000, 0.02, 0.01, 0.05, 0.542_376_795_380_396_6),
            (0, 0.1, 0.1, 0.05, 0.0),
            (100, 0.0, 0.0, 0.05, 0.0),
        ] {
            let found = mcnemar_power(n, discordance, drop, alpha);
            assert!(
                (found - expected).abs() < 1e-9,
                "{n}, {discordance}, {drop}: {found}"
            );
        }
    }

    /// The same sum, solved with `scipy.optimize.brentq`.
    #[test]
    fn visible_drops_agree_with_scipy() {
        for (n, discordance, alpha, expected) in [
            (50, 0.0, 0.05, Some(0.153_522_427_575_135_18)),
            (50, 0.1, 0.05, Some(0.153_522_427_575_135_18)),
            (100, 0.2, 0.05, Some(0.127_724_971_529_860_6)),
            (200, 0.1, 0.05, Some(0.064_026_941_913_091_54)),
            (200, 0.2, 0.05 / 3.0, Some(0.103_528_488_872_488_2)),
            (500, 0.4, 0.05, Some(0.080_781_629_295_992_3)),
            (0, 0.1, 0.05, None),
            (5, 0.1, 0.05, None),
        ] {
            let found = visible_drop(n, discordance, alpha);
            let near = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-8,
                (found, expected) => found == expected,
            };
            assert!(near, "{n}, {discordance}: {found:?}");
        }
        assert!(visible_drop(6, 0.1, 0.05).is_some_and(|drop| drop > 0.9));
    }

    #[test]
    fn needed_cases_agree_with_scipy() {
        for (drop, discordance, expected) in [
            (0.1, 0.1, Some(78)),
            (0.05, 0.1, Some(337)),
            (0.1, 0.2, Some(168)),
            (0.2, 0.2, Some(39)),
            (0.0, 0.2, None),
            (-0.1, 0.2, None),
            (1e-6, 0.2, None),
        ] {
            assert_eq!(
                cases_needed(drop, discordance, 0.05),
                expected,
                "{drop}, {discordance}"
            );
        }
    }

    #[test]
    fn the_limit_is_that_of_the_test() {
        for alpha in [0.05, 0.05 / 3.0, 0.001, 0.2] {
            for discordant in 0..400 {
                let limit = critical(discordant, alpha).limit();
                let significant = |won: u64| mcnemar_exact(discordant - won, won) <= alpha;
                assert!(
                    limit == 0 || significant(limit - 1),
                    "{discordant} at {alpha}"
                );
                assert!(!significant(limit), "{discordant} at {alpha}");
            }
        }
    }

    /// Within 1 % of `statsmodels.stats.power.TTestPower().solve_power(nobs=n, power=0.8)` times
    /// the deviation, 0.5; statsmodels 0.15.0.
    #[test]
    fn drops_of_means_agree_with_the_paired_t_test() {
        for (n, expected) in [
            (20, 0.330_220_827_216),
            (50, 0.202_091_499_868_9),
            (200, 0.099_532_329_734_7),
        ] {
            let found = visible_mean_drop(n, 0.5, 0.05).unwrap();
            assert!((found / expected - 1.0).abs() < 0.01, "{n}: {found}");
            assert_eq!(cases_needed_for_mean(found + 1e-9, 0.5, 0.05), Some(n));
        }
        for (n, deviation) in [(0, 0.5), (1, 0.5), (5, 0.5), (100, 0.0)] {
            assert_eq!(visible_mean_drop(n, deviation, 0.05), None);
        }
        assert_eq!(cases_needed_for_mean(0.0, 0.5, 0.05), None);
        assert_eq!(cases_needed_for_mean(0.1, 0.0, 0.05), None);
    }

    /// Differences of three-trial means, skewed by the drop that is said to be visible.
    #[test]
    fn the_sign_flip_test_sees_what_is_called_visible() {
        const CASES: u32 = 60;
        let mut generator = Generator::new(17);
        let mut seen = 0_u32;
        for seed in 0..400 {
            // Each of the thirds from -1 to 1 as likely: deviation 2/3.
            let drop = visible_mean_drop(u64::from(CASES), 2.0 / 3.0, 0.05).unwrap();
            let mut third = || f64::from(u8::try_from(generator.below(7)).unwrap()) / 3.0 - 1.0;
            let differences: Vec<f64> = (0..CASES).map(|_| third() - drop).collect();
            seen += u32::from(sign_flip_drawing(&differences, 199, seed) <= 0.05);
        }
        // 320 are expected; four standard errors are 32.
        assert!((288..=352).contains(&seen), "{seen} of 400");
    }

    /// Even a quarter of a million cases are summed, not approximated.
    #[test]
    fn large_samples_are_exact_as_well() {
        let power = mcnemar_power(250_000, 0.1, 0.001_8, 0.05);
        let normal = 0.001_8 * (250_000.0_f64 / 0.1).sqrt() - 1.96;
        assert!(
            (power - super::super::normal::cumulative(normal)).abs() < 5e-3,
            "{power}"
        );
    }

    proptest! {
        #[test]
        fn power_grows_with_drop_and_alpha(n in 1_u64..400, discordance in 0.0_f64..0.6, drop in 0.0_f64..0.9) {
            let power = mcnemar_power(n, discordance, drop, 0.05);
            prop_assert!((0.0..=1.0).contains(&power));
            prop_assert!(power <= mcnemar_power(n, discordance, drop + 0.05, 0.05) + 1e-9);
            prop_assert!(mcnemar_power(n, discordance, drop, 0.01) <= power + 1e-9);
            // Without a drop, worse is found in at most half of alpha.
            prop_assert!(mcnemar_power(n, discordance, 0.0, 0.05) <= 0.025 + 1e-9);
        }
    }
}
