//! The bootstrap interval of the mean of paired differences.

use super::generator::Generator;
use super::normal::{cumulative, quantile};

/// So many resamples are drawn.
const RESAMPLES: usize = 9_999;

/// And so many where there are more cases than [`MANY`]: the distribution of the mean is so
/// smooth there that its quantiles are as exact with fewer.
const FEWER_RESAMPLES: usize = 1_999;
const MANY: usize = 10_000;

/// The bias-corrected and accelerated interval of the mean (`BCa`: Efron 1987; Efron and Tibshirani
/// 1993, chapter 14) at a confidence `level` such as 0.95. The differences are finite, one a case;
/// cases are resampled whole, so trials within a case need not be independent. Their order
/// does not matter.
///
/// Without cases there is none. One case, or cases that are all equal, show no spread: the
/// interval is the point itself and says nothing of how sure it is. It is too narrow below some
/// 20 cases, as every bootstrap is.
pub(crate) fn bca_mean(differences: &[f64], level: f64, seed: u64) -> Option<(f64, f64)> {
    let mut values = differences.to_vec();
    values.sort_by(f64::total_cmp);
    let (least, most) = (*values.first()?, *values.last()?);
    let scale = most.abs().max(least.abs());
    let mean = mean(&values);
    if most - least <= 1e-12 * scale {
        return Some((mean, mean));
    }
    let means = resampled_means(&values, seed);
    let shift = quantile(share_below(&means, mean, 1e-12 * scale));
    let skew = acceleration(&values, mean);
    let bound = |tail: f64| {
        let z = shift + quantile(tail);
        let stretch = 1.0 - skew * z;
        let place = if stretch > 0.0 {
            cumulative(shift + z / stretch)
        } else {
            f64::from(u8::from(z > 0.0))
        };
        at_share(&means, place)
    };
    let tail = (1.0 - level) / 2.0;
    Some((bound(tail)?, bound(1.0 - tail)?))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The means of resamples with replacement, smallest first.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn resampled_means(values: &[f64], seed: u64) -> Vec<f64> {
    let mut generator = Generator::new(seed);
    let n = values.len() as u64;
    let resamples = if values.len() > MANY {
        FEWER_RESAMPLES
    } else {
        RESAMPLES
    };
    let mut draw = || {
        let at = usize::try_from(generator.below(n)).unwrap_or(usize::MAX);
        values.get(at).copied().unwrap_or_default()
    };
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..n).map(|_| draw()).sum::<f64>() / n as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    means
}

/// The share of the means below the observed one, those equal to it by half; never 0 or 1, where
/// the correction would be infinite.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn share_below(means: &[f64], observed: f64, tolerance: f64) -> f64 {
    let below = means.partition_point(|mean| *mean < observed - tolerance);
    let up_to = means.partition_point(|mean| *mean <= observed + tolerance);
    let count = means.len() as f64;
    let share = (below + up_to) as f64 / (2.0 * count);
    share.clamp(0.5 / count, 1.0 - 0.5 / count)
}

/// The acceleration by the jackknife, which for a mean is a sixth of the skewness over the root
/// of n: leaving a case out moves the mean in proportion to its distance from it. At most 1/6.
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let power =
        |exponent: i32| -> f64 { values.iter().map(|each| (each - mean).powi(exponent)).sum() };
    power(3) / (6.0 * power(2).powf(1.5))
}

/// The value at a share of sorted values, between two of them in proportion (type 7 of Hyndman
/// and Fan 1996).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place within the values"
)]
fn at_share(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)?) as f64;
    let low = *sorted.get(place.floor() as usize)?;
    let high = *sorted.get(place.ceil() as usize)?;
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DARWIN: [f64; 15] = [
        49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0,
    ];
    const SHORT: [f64; 8] = [0.1, -0.3, 0.25, 0.0, 0.4, -0.05, 0.6, 0.15];
    const GRADED: [f64; 25] = [
        -0.228, -0.172, 0.03, 0.19, -0.181, -0.198, -0.163, -0.229, -0.05, -0.237, -0.16, 0.42,
        -0.197, 0.007, -0.147, 0.157, -0.068, 0.047, -0.192, -0.214, -0.25, -0.017, -0.071, -0.007,
        -0.119,
    ];

    /// `scipy.stats.bootstrap(method="BCa", n_resamples=400000)`, scipy 1.17.1. A bound of 9,999
    /// resamples varies by about a thirtieth of the standard error; the tolerance is a tenth of
    /// the interval's half.
    #[test]
    fn intervals_agree_with_scipy() {
        let trials = [vec![0.0; 30], vec![-1.0; 8], vec![1.0; 2]].concat();
        let table: [(&[f64], f64, f64, f64); 7] = [
            (&DARWIN, 0.95, -1.666_667, 36.333_333),
            (&DARWIN, 0.9, 2.4, 34.066_667),
            (&trials, 0.95, -0.3, 0.0),
            (&trials, 0.9, -0.275, -0.025),
            (&SHORT, 0.95, -0.025, 0.331_25),
            (&GRADED, 0.95, -0.132_36, -0.004_44),
            (&GRADED, 0.9, -0.125_4, -0.018_44),
        ];
        for (differences, level, low, high) in table {
            let found = bca_mean(differences, level, 1).unwrap();
            let tolerance = 0.05 * (high - low);
            assert!(
                (found.0 - low).abs() < tolerance && (found.1 - high).abs() < tolerance,
                "{found:?} is not {low} to {high}"
            );
        }
    }

    /// The jackknife as Efron and Tibshirani define it (equation 14.15), case by case.
    #[test]
    fn the_acceleration_is_that_of_the_jackknife() {
        for values in [&DARWIN[..], &SHORT, &GRADED] {
            let without = |at: usize| {
                let rest: Vec<f64> = [&values[..at], &values[at + 1..]].concat();
                mean(&rest)
            };
            let left_out: Vec<f64> = (0..values.len()).map(without).collect();
            let centre = mean(&left_out);
            let power = |exponent: i32| -> f64 {
                left_out
                    .iter()
                    .map(|each| (centre - each).powi(exponent))
                    .sum()
            };
            let expected = power(3) / (6.0 * power(2).powf(1.5));
            assert!((acceleration(values, mean(values)) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn without_spread_the_interval_is_the_point() {
        for (differences, expected) in [
            (vec![], None),
            (vec![0.25], Some((0.25, 0.25))),
            (vec![0.0; 40], Some((0.0, 0.0))),
            (vec![-0.5; 3], Some((-0.5, -0.5))),
        ] {
            assert_eq!(bca_mean(&differences, 0.95, 7), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn intervals_stay_within_the_values_and_ignore_order(
            differences in proptest::collection::vec(-1.0_f64..1.0, 1..25),
            seed: u64,
        ) {
            let (low, high) = bca_mean(&differences, 0.95, seed).unwrap();
            let least = differences.iter().copied().fold(f64::INFINITY, f64::min);
            let most = differences.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(least - 1e-9 <= low && low <= high && high <= most + 1e-9);
            let reversed: Vec<f64> = differences.iter().rev().copied().collect();
            prop_assert_eq!(bca_mean(&reversed, 0.95, seed), Some((low, high)));
        }
    }
}
