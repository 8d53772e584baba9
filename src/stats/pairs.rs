//! Pairs of pass/fail results of the same cases.

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

    /// The same where a pass is the worse.
    pub(crate) const fn turned(self) -> Self {
        Self {
            both: self.neither,
            lost: self.won,
            won: self.lost,
            neither: self.both,
        }
    }

    /// The share of pairs that came out differently.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn discordance(self) -> f64 {
        if self.count() == 0 {
            return 0.0;
        }
        (self.lost + self.won) as f64 / self.count() as f64
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
