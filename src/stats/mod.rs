//! Paired comparison of pass/fail results. Pure functions, tested against published values.

/// Pairs of one case at base and head, counted by how they came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pairs {
    /// Passed on both sides.
    pub(crate) both: u64,
    /// Passed at base, fails at head.
    pub(crate) lost: u64,
    /// Failed at base, passes at head.
    pub(crate) won: u64,
    /// Failed on both sides.
    pub(crate) neither: u64,
}

impl Pairs {
    /// How many pairs.
    pub(crate) const fn count(self) -> u64 {
        self.both + self.lost + self.won + self.neither
    }

    /// Adds one pair.
    pub(crate) const fn add(&mut self, base: bool, head: bool) {
        match (base, head) {
            (true, true) => self.both += 1,
            (true, false) => self.lost += 1,
            (false, true) => self.won += 1,
            (false, false) => self.neither += 1,
        }
    }

    /// The difference of the pass rates, head less base, between -1 and 1.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn difference(self) -> f64 {
        if self.count() == 0 {
            return 0.0;
        }
        (self.won as f64 - self.lost as f64) / self.count() as f64
    }
}

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

/// Tango's score interval for the difference of paired rates, head less base, at 95 %
/// (Tango 1998, Statistics in Medicine 17:891). Without pairs it is the whole range.
pub(crate) fn tango(pairs: Pairs) -> (f64, f64) {
    /// The 0.975 quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if pairs.count() == 0 {
        return (-1.0, 1.0);
    }
    let estimate = pairs.difference();
    let lower = bisect(-1.0, estimate, |delta| score(pairs, delta) > Z);
    let upper = bisect(estimate, 1.0, |delta| score(pairs, delta) > -Z);
    (lower, upper)
}

/// Tango's statistic for the hypothesis that the difference is `delta`.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
#[expect(clippy::many_single_char_names, reason = "the names of the formula")]
fn score(pairs: Pairs, delta: f64) -> f64 {
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

/// Finds where a condition that holds at `low` stops holding.
fn bisect(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Holm's step-down rule (Holm 1979): which of several p-values are significant when the
/// chance of even one false alarm is to stay at `alpha`. In the order of the input.
#[expect(clippy::cast_precision_loss, reason = "the number of tests is small")]
pub(crate) fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    let p = |at: usize| p_values.get(at).copied().unwrap_or(1.0);
    order.sort_by(|a, b| p(*a).total_cmp(&p(*b)));
    let mut significant = vec![false; p_values.len()];
    for (rank, at) in order.into_iter().enumerate() {
        let left = (p_values.len() - rank) as f64;
        if p(at) > alpha / left {
            break;
        }
        if let Some(slot) = significant.get_mut(at) {
            *slot = true;
        }
    }
    significant
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

    #[test]
    fn holm_spends_alpha_once() {
        assert_eq!(holm(&[0.01, 0.04, 0.03], 0.05), [true, false, false]);
        assert_eq!(holm(&[0.01, 0.02, 0.03], 0.05), [true, true, true]);
        assert_eq!(holm(&[0.04], 0.05), [true]);
        assert_eq!(holm(&[], 0.05), [false; 0]);
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

        #[test]
        fn p_is_a_probability_and_symmetric(lost in 0u64..5_000, won in 0u64..5_000) {
            let p = mcnemar_exact(lost, won);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(near(p, mcnemar_exact(won, lost), 1e-12));
        }
    }
}
