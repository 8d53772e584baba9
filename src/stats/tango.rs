//! Tango's interval for the difference of paired rates.

use super::pairs::Pairs;
use super::solve::bisect;

/// Tango's score interval for the difference of paired rates, head less base, at 95 %
/// (Tango 1998, Statistics in Medicine 17:891). Without pairs it is the whole range.
pub(crate) fn tango(pairs: Pairs) -> (f64, f64) {
    /// The 0.975 quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    tango_at(pairs, Z)
}

/// The same with bounds `z` standard errors away.
pub(super) fn tango_at(pairs: Pairs, z: f64) -> (f64, f64) {
    if pairs.count() == 0 {
        return (-1.0, 1.0);
    }
    let estimate = pairs.difference();
    let lower = bisect(-1.0, estimate, |delta| score(pairs, delta) > z);
    let upper = bisect(estimate, 1.0, |delta| score(pairs, delta) > -z);
    (lower, upper)
}

/// Tango's statistic for the hypothesis that the difference is `delta`.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
pub(super) fn score(pairs: Pairs, delta: f64) -> f64 {
    let n = pairs.count() as f64;
    let (won, lost) = (pairs.won as f64, pairs.lost as f64);
    let a = 2.0 * n;
    let b = -won - lost + (2.0 * n - won + lost) * delta;
    let c = -lost * delta * (1.0 - delta);
    let q = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
    let variance = n * (2.0 * q + delta * (1.0 - delta));
    let distance = won - lost - n * delta;
    if variance <= 0.0 {
        return if distance == 0.0 {
            0.0
        } else {
            distance.signum() * f64::INFINITY
        };
    }
    distance / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance
    }

    #[test]
    fn tango_agrees_with_the_maximised_likelihood() {
        for (pairs, lower, upper) in TANGO {
            let pairs = Pairs {
                both: pairs[0],
                lost: pairs[1],
                won: pairs[2],
                neither: pairs[3],
            };
            let (low, high) = tango(pairs);
            assert!(
                near(low, lower, 5e-4) && near(high, upper, 5e-4),
                "{pairs:?}: {low} {high}"
            );
        }
    }

    /// Both passed, lost, won, neither; the bounds from maximising the likelihood with
    /// `scipy.optimize.minimize_scalar` and solving for the bound with `brentq`.
    const TANGO: [([u64; 4], f64, f64); 6] = [
        ([20, 2, 12, 16], 0.061_112, 0.344_709),
        ([43, 0, 1, 0], -0.059_393, 0.118_077),
        ([37, 17, 3, 3], -0.370_590, -0.096_484),
        ([44, 11, 2, 3], -0.273_691, -0.037_323),
        ([100, 10, 10, 80], -0.046_949, 0.046_949),
        ([26, 15, 7, 37], -0.205_343, 0.014_938),
    ];

    /// The lower bounds at 90 % from the same statistic, solved with `scipy.optimize.brentq`
    /// (scipy 1.17.1).
    #[test]
    fn tango_keeps_other_levels() {
        const Z_90: f64 = 1.644_853_626_951_472_2;
        for (both, lost, won, neither, lower) in [
            (20, 2, 12, 16, 0.085_474_382_456_836_28),
            (37, 17, 3, 3, -0.348_143_835_740_424),
            (100, 10, 10, 80, -0.038_665_851_772_173_48),
        ] {
            let pairs = Pairs {
                both,
                lost,
                won,
                neither,
            };
            let found = tango_at(pairs, Z_90).0;
            assert!(near(found, lower, 1e-9), "{pairs:?}: {found}");
        }
    }

    proptest! {
        #[test]
        fn intervals_hold_their_estimate_and_mirror(both in 0u64..200, lost in 0u64..60, won in 0u64..60, neither in 0u64..200) {
            let pairs = Pairs { both, lost, won, neither };
            let (low, high) = tango(pairs);
            let difference = pairs.difference();
            prop_assert!((-1.0..=1.0).contains(&low) && (-1.0..=1.0).contains(&high));
            prop_assert!(low <= difference + 1e-9 && difference <= high + 1e-9);
            let mirrored = tango(Pairs { lost: won, won: lost, ..pairs });
            prop_assert!(near(mirrored.0, -high, 1e-6) && near(mirrored.1, -low, 1e-6));
        }
    }
}
