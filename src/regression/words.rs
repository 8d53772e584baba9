//! What a test says, in words.

use super::test::{Kind, Test};

/// What the numbers of a metric are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Shares of cases or trials that passed.
    Share,
    /// Numbers of the tool's own scale.
    Score,
}

impl Unit {
    /// A difference with its sign.
    pub(crate) fn signed(self, difference: f64) -> String {
        match self {
            Self::Share => points(difference),
            Self::Score => {
                let shown = format!("{difference:+.3}");
                match shown.as_str() {
                    "+0.000" | "-0.000" => String::from("0.000"),
                    _ => shown.replace('-', "\u{2212}"),
                }
            }
        }
    }

    /// A drop without a sign, rounded up: less than what is said would not be seen.
    pub(crate) fn drop(self, drop: f64) -> String {
        match self {
            Self::Share => format!("{:.1} points", (drop * 1_000.0 - 1e-9).ceil() / 10.0),
            Self::Score => format!("{:.3}", (drop * 1_000.0 - 1e-9).ceil() / 1_000.0),
        }
    }

    /// A value.
    pub(crate) fn value(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::Score => format!("{value:.3}"),
        }
    }
}

impl Test {
    /// The result in words.
    pub(crate) fn words(&self) -> String {
        let (low, high) = self.interval();
        let unit = match self.unit {
            Unit::Share => " pp",
            Unit::Score => "",
        };
        let moved = format!(
            "{}{unit} ({} to {})",
            self.unit.signed(self.difference()),
            self.unit.signed(low),
            self.unit.signed(high),
        );
        let (pairs, n, p) = (self.pairs, self.cases, p_value(self.p));
        let changed = format!("{} newly fail, {} newly pass, p {p}", pairs.lost, pairs.won);
        let (base, head) = self.passing();
        let means = [self.means.1, self.means.0].map(|mean| self.unit.value(mean));
        let [now, before] = means;
        match (self.kind, self.unit) {
            (Kind::McNemar, _) => {
                format!("{head} of {n} cases pass, {base} did before: {moved}, {changed}")
            }
            (Kind::SignFlip, Unit::Share) => format!(
                "{now} of the trials of {n} cases pass, {before} did before: {moved}, {changed}"
            ),
            (Kind::SignFlip, Unit::Score) => {
                format!("{now} on average of {n} cases, {before} before: {moved}, p {p}")
            }
        }
    }

    /// The smallest drop that would have been seen, in words.
    pub(crate) fn seen(&self, visible: Option<f64>) -> String {
        match visible {
            Some(drop) => format!("could see {} or more", self.unit.drop(drop)),
            None => String::from("could see no drop, however large"),
        }
    }

    /// How many pass at base and at head.
    pub(crate) const fn passing(&self) -> (u64, u64) {
        (
            self.pairs.both + self.pairs.lost,
            self.pairs.both + self.pairs.won,
        )
    }
}

/// A p-value with what it is compared by: never shown as 0, which it cannot be.
pub(crate) fn p_value(p: f64) -> String {
    if p < 0.000_1 {
        String::from("< 0.0001")
    } else {
        format!("= {p:.4}")
    }
}

/// A fraction in percentage points with its sign.
fn points(fraction: f64) -> String {
    let shown = format!("{:+.1}", fraction * 100.0);
    match shown.as_str() {
        "+0.0" | "-0.0" => String::from("0.0"),
        _ => shown.replace('-', "\u{2212}"),
    }
}
