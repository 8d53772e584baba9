//! The normal distribution.

use std::f64::consts::SQRT_2;

use super::solve::bisect;

/// The chance of a value up to `x`.
pub(super) fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The value that the share `p` stays below; infinite at 0 and 1.
pub(super) fn quantile(p: f64) -> f64 {
    if p <= 0.0 {
        f64::NEG_INFINITY
    } else if p > 0.5 {
        // The lower tail is where `cumulative` is exact.
        -quantile(1.0 - p)
    } else {
        bisect(-40.0, 0.0, |x| cumulative(x) < p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.norm.cdf` and `.ppf`, scipy 1.17.1.
    #[test]
    fn the_distribution_agrees_with_scipy() {
        for (x, p) in [
            (-8.0, 6.220_960_574_271_74e-16),
            (-1.96, 0.024_997_895_148_220_435),
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (3.0, 0.998_650_101_968_369_9),
        ] {
            assert!((cumulative(x) / p - 1.0).abs() < 1e-12, "{x}");
        }
        for (p, x) in [
            (1e-10, -6.361_340_902_404_056),
            (0.025, -1.959_963_984_540_054_5),
            (0.5, 0.0),
            (0.8, 0.841_621_233_572_914_3),
            (0.975, 1.959_963_984_540_054),
            (0.999, 3.090_232_306_167_813),
        ] {
            assert!((quantile(p) - x).abs() < 1e-9, "{p}");
        }
        assert!(quantile(0.0).is_infinite() && quantile(0.0) < 0.0);
        assert!(quantile(1.0).is_infinite() && quantile(1.0) > 0.0);
    }
}
