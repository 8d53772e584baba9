//! Wilson's interval for one rate.

use super::normal::quantile;

/// Wilson's score interval for a rate (Wilson 1927) at a confidence `level` such as 0.95. Without
/// cases it is the whole range.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn wilson(passed: u64, n: u64, level: f64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let z = quantile(f64::midpoint(level, 1.0));
    let cases = n as f64;
    let rate = passed.min(n) as f64 / cases;
    let pull = z * z / cases;
    let centre = (rate + pull / 2.0) / (1.0 + pull);
    let spread = rate * (1.0 - rate) / cases + pull / (4.0 * cases);
    let reach = z * spread.sqrt() / (1.0 + pull);
    // At the ends the formula gives the end itself, but for rounding.
    let low = if passed == 0 { 0.0 } else { centre - reach };
    let high = if passed >= n { 1.0 } else { centre + reach };
    (low.max(0.0), high.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 81 of 263 and 15 of 148 are the examples of Newcombe (1998, Statistics in Medicine 17:857,
    /// table I: 0.2553 to 0.3662, 0.0624 to 0.1605, as 0 of 20 and 1 of 29 are); all digits from
    /// `statsmodels.stats.proportion.proportion_confint(method="wilson")`, statsmodels 0.15.0.
    #[test]
    fn wilson_agrees_with_newcombe_and_statsmodels() {
        for (passed, n, level, low, high) in [
            (
                81,
                263,
                0.95,
                0.255_288_519_878_274_2,
                0.366_209_576_982_800_04,
            ),
            (
                15,
                148,
                0.95,
                0.062_386_399_530_736_28,
                0.160_487_241_723_308_03,
            ),
            (0, 20, 0.95, 0.0, 0.161_125_158_052_819_4),
            (
                1,
                29,
                0.95,
                0.006_113_214_292_762_667,
                0.171_755_218_793_202_93,
            ),
            (10, 10, 0.95, 0.722_467_200_137_110_6, 1.0),
            (1, 1, 0.95, 0.206_549_314_377_237_4, 1.0),
            (
                81,
                263,
                0.9,
                0.263_313_617_188_481_4,
                0.356_566_349_608_488_15,
            ),
            (0, 0, 0.95, 0.0, 1.0),
        ] {
            let found = wilson(passed, n, level);
            assert!(
                (found.0 - low).abs() < 1e-9 && (found.1 - high).abs() < 1e-9,
                "{passed} of {n}: {found:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn wilson_mirrors_grows_and_holds_the_rate(n in 1_u64..5_000, part in 0.0_f64..=1.0) {
            #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a count up to n")]
            let passed = (part * n as f64) as u64;
            #[expect(clippy::cast_precision_loss, reason = "small counts")]
            let rate = passed as f64 / n as f64;
            let (low, high) = wilson(passed, n, 0.95);
            prop_assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0);
            let mirrored = wilson(n - passed, n, 0.95);
            prop_assert!((mirrored.0 - (1.0 - high)).abs() < 1e-9 && (mirrored.1 - (1.0 - low)).abs() < 1e-9);
            let wider = wilson(passed, n, 0.99);
            prop_assert!(wider.0 <= low && high <= wider.1);
        }
    }
}
