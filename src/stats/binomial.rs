//! The binomial distribution, for counts up to millions.

/// The chance of exactly `k` of `n` where each has the chance `p`.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn mass(k: u64, n: u64, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    if p <= 0.0 || p >= 1.0 {
        let certain = if p <= 0.0 { 0 } else { n };
        return if k == certain { 1.0 } else { 0.0 };
    }
    let log_factorial = |m: u64| libm::lgamma(m as f64 + 1.0);
    let choose = log_factorial(n) - log_factorial(k) - log_factorial(n - k);
    (choose + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// The counts that matter: outside them lies less than 1e-15.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are far below 2^53, and both bounds are clipped to 0..=n"
)]
pub(super) fn window(n: u64, p: f64) -> (u64, u64) {
    let mean = n as f64 * p;
    let reach = 10.0 * (mean * (1.0 - p)).max(0.0).sqrt() + 20.0;
    let low = (mean - reach).max(0.0) as u64;
    (low, ((mean + reach) as u64).min(n))
}

/// The chance of fewer than `k` of `n`.
pub(super) fn below(k: u64, n: u64, p: f64) -> f64 {
    let (low, high) = window(n, p);
    if k > high {
        return 1.0;
    }
    (low..k).map(|k| mass(k, n, p)).sum::<f64>().min(1.0)
}

/// The chance of fewer than `limit` of `trials`, kept while both grow one by one, so that a whole
/// row of such chances costs one term each.
pub(super) struct Below {
    trials: u64,
    limit: u64,
    p: f64,
    chance: f64,
}

impl Below {
    /// Starts with a number of trials and a limit.
    pub(super) fn new(limit: u64, trials: u64, p: f64) -> Self {
        Self {
            trials,
            limit,
            p,
            chance: below(limit, trials, p),
        }
    }

    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    pub(super) const fn chance(&self) -> f64 {
        self.chance
    }

    /// The chance with a limit that is higher by one.
    pub(super) fn next_chance(&self) -> f64 {
        self.chance + mass(self.limit, self.trials, self.p)
    }

    /// Raises the limit by one.
    pub(super) fn raise(&mut self) {
        self.chance = self.next_chance();
        self.limit += 1;
    }

    /// One more trial: whoever stood at the last count below the limit and hits has left.
    pub(super) fn try_once_more(&mut self) {
        if let Some(last) = self.limit.checked_sub(1) {
            self.chance -= self.p * mass(last, self.trials, self.p);
            self.chance = self.chance.max(0.0);
        }
        self.trials += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.binom.pmf`, scipy 1.17.1.
    #[test]
    fn masses_agree_with_scipy() {
        for (k, n, p, expected) in [
            (3, 10, 0.3, 0.266_827_931_999_999_8),
            (100, 1_000, 0.1, 0.042_016_790_861_085_43),
            (25_000, 250_000, 0.1, 0.002_659_606_238_803_050_4),
            (0, 50, 0.02, 0.364_169_680_087_117_03),
            (0, 5, 0.0, 1.0),
            (5, 5, 1.0, 1.0),
            (4, 5, 1.0, 0.0),
            (6, 5, 0.5, 0.0),
            (0, 0, 0.5, 1.0),
        ] {
            let found = mass(k, n, p);
            assert!(
                (found - expected).abs() <= 1e-8 * expected,
                "{k} of {n}: {found}"
            );
        }
    }

    #[test]
    fn a_growing_tail_is_the_tail() {
        for p in [0.0, 0.03, 0.5, 0.8, 1.0] {
            let mut tail = Below::new(0, 10, p);
            for step in 0..60_u64 {
                tail.try_once_more();
                if step % 3 == 0 {
                    tail.raise();
                }
                let expected: f64 = (0..tail.limit).map(|k| mass(k, tail.trials, p)).sum();
                assert!((tail.chance() - expected).abs() < 1e-12, "{p}, {step}");
            }
        }
        assert!((below(301, 300, 0.5) - 1.0).abs() < 1e-12);
        let half = below(125_000, 250_000, 0.5) + mass(125_000, 250_000, 0.5) / 2.0;
        assert!((half - 0.5).abs() < 1e-8, "{half}");
    }
}
