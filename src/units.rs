//! The small types that a verdict is made of: digests, shares, scores, money.
//!
//! Every one is valid by construction and exact: nothing that decides a verdict is a float.

use std::cmp::Ordering;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest: the identity of a prompt version, a policy or an evidence file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// Returns the digest of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal characters, in either case.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let text = text.strip_prefix("sha256:").unwrap_or(text);
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Returns the first 12 hexadecimal characters: what people and traces write.
    pub(crate) fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl Digest {
    /// Its first eight bytes as a number: enough to look things up by, not to tell them apart.
    pub(crate) fn start(&self) -> u64 {
        let start = self.0.first_chunk().copied();
        start.map_or(0, u64::from_be_bytes)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| D::Error::custom("expected a SHA-256 digest in hex"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A share that policy asks for, in hundredths of a percent: 9900 is 99 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Percent(u32);

impl Percent {
    /// Builds a percentage from hundredths of a percent; above 100 % there is none.
    pub(crate) const fn from_hundredths(value: u32) -> Option<Self> {
        if value <= 10_000 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// Hundredths of a percent, 0 to 10 000.
    pub(crate) const fn hundredths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(u64::from(self.0), 100, 2))?;
        f.write_str(" %")
    }
}

/// A measured share: `part` of `whole` things have a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    /// How many have it.
    pub(crate) part: u64,
    /// How many could have it.
    pub(crate) whole: u64,
}

impl Share {
    /// Tells whether the share reaches `needed`; a share of nothing reaches nothing.
    pub(crate) fn reaches(self, needed: Percent) -> bool {
        self.whole > 0
            && u128::from(self.part) * 10_000
                >= u128::from(self.whole) * u128::from(needed.hundredths())
    }

    /// Adds `weight` things to the whole, and to the part when they have the property.
    pub(crate) fn count(&mut self, has: bool, weight: u64) {
        self.whole += weight;
        if has {
            self.part += weight;
        }
    }

    /// The share as a fraction between 0 and 1 for statistics, never for a verdict.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn fraction(self) -> f64 {
        if self.whole == 0 {
            0.0
        } else {
            self.part as f64 / self.whole as f64
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.whole == 0 {
            return f.write_str("none");
        }
        let hundredths = u128::from(self.part) * 1_000 / u128::from(self.whole);
        let shown = u64::try_from(hundredths).unwrap_or(u64::MAX);
        write!(f, "{} %", decimal(shown, 10, 1))
    }
}

/// A score between 1 and 5, held in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score(u32);

impl Score {
    /// The lowest score: what missing evidence gives.
    pub(crate) const LOWEST: Self = Self(10_000);
    /// The score in the middle: the most that something half done can be.
    pub(crate) const MIDDLE: Self = Self(30_000);
    /// The highest score.
    pub(crate) const HIGHEST: Self = Self(50_000);

    /// Maps `earned` of `possible` points onto 1 to 5; no possible points score 1.
    pub(crate) fn from_points(earned: u64, possible: u64) -> Self {
        if possible == 0 {
            return Self::LOWEST;
        }
        let gained = u128::from(earned.min(possible)) * 40_000 / u128::from(possible);
        Self(10_000 + u32::try_from(gained).unwrap_or(40_000))
    }

    /// The score of some points, under the most that something lets it be.
    pub(crate) fn under(cap: Option<Self>, earned: u64, possible: u64) -> Self {
        let score = Self::from_points(earned, possible);
        cap.map_or(score, |cap| score.min(cap))
    }

    /// Builds a score from ten-thousandths, if it lies between 1 and 5.
    pub(crate) const fn from_ten_thousandths(value: u32) -> Option<Self> {
        if value >= Self::LOWEST.0 && value <= Self::HIGHEST.0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The score in ten-thousandths, 10 000 to 50 000.
    pub(crate) const fn ten_thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Score {
    /// Writes two decimals, cut and never rounded up over a threshold it does not reach.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0 / 100;
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// The weight of a category in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight(u32);

impl Weight {
    /// What all weights add up to: 100 %.
    pub(crate) const TOTAL: u32 = 10_000;

    /// Builds a weight from hundredths of a percent; above 100 % there is none.
    pub(crate) const fn from_hundredths(value: u32) -> Option<Self> {
        if value <= Self::TOTAL {
            Some(Self(value))
        } else {
            None
        }
    }

    /// Hundredths of a percent.
    pub(crate) const fn hundredths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(u64::from(self.0), 100, 2))
    }
}

/// A score times a weight, or a sum of such products: exact, in 10^-8 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Points(u64);

impl Points {
    /// Multiplies a score by its weight.
    pub(crate) fn of(score: Score, weight: Weight) -> Self {
        Self(u64::from(score.0) * u64::from(weight.0))
    }

    /// The number of 10^-8 points.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// Adds another product.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The sum in 10^-8 points.
    pub(crate) const fn hundred_millionths(self) -> u64 {
        self.0
    }

    /// Builds a sum from 10^-8 points.
    pub(crate) const fn from_hundred_millionths(value: u64) -> Self {
        Self(value)
    }

    /// The sum against an earlier one, as people read it: ` (+0.13)`; empty without one. What is
    /// shown is compared, so that the difference is that of the two shown numbers.
    pub(crate) fn against(self, before: Option<Self>) -> String {
        let Some(before) = before else {
            return String::new();
        };
        let (before, now) = (before.0 / 1_000_000, self.0 / 1_000_000);
        let sign = match now.cmp(&before) {
            Ordering::Less => '−',
            Ordering::Equal => '±',
            Ordering::Greater => '+',
        };
        let by = now.abs_diff(before);
        format!(" ({sign}{}.{:02})", by / 100, by % 100)
    }

    /// Tells whether the sum reaches a bound that is given as a score.
    pub(crate) fn reaches(self, bound: Score) -> bool {
        self.0 >= u64::from(bound.0) * u64::from(Weight::TOTAL)
    }
}

impl From<u64> for Points {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0 / 1_000_000;
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// An amount of money in billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Usd(u64);

impl Usd {
    /// Reads a dollar amount; negative, infinite and absurd amounts are none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked on the line before"
    )]
    pub(crate) fn from_dollars(dollars: f64) -> Option<Self> {
        (dollars.is_finite() && (0.0..1e9).contains(&dollars))
            .then(|| Self((dollars * 1e9).round() as u64))
    }

    /// Billionths of a dollar.
    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    /// Dollars.
    #[expect(clippy::cast_precision_loss, reason = "exact below 9 million dollars")]
    pub(crate) fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Builds an amount from billionths of a dollar.
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Adds another amount, staying at the largest one that can be held.
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1_000;
        if micros >= 1_000_000 {
            write!(f, "${}.{:02}", micros / 1_000_000, micros / 10_000 % 100)
        } else {
            write!(f, "${}.{:06}", micros / 1_000_000, micros % 1_000_000)
        }
    }
}

/// Writes `value / scale` with at most `places` decimals and no trailing zeros.
fn decimal(value: u64, scale: u64, places: usize) -> String {
    let whole = value / scale;
    let rest = format!("{:0places$}", value % scale);
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{rest}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_scores_sum_to_five() {
        let weights = [2_000, 1_500, 2_000, 1_500, 1_000, 1_000, 1_000];
        let sum = weights.iter().fold(Points::default(), |sum, weight| {
            let weight = Weight::from_hundredths(*weight).unwrap();
            sum.plus(Points::of(Score::HIGHEST, weight))
        });
        assert_eq!(sum.to_string(), "5.00");
        assert!(sum.reaches(Score::HIGHEST));
    }

    #[test]
    fn a_score_below_the_bound_is_never_shown_as_reaching_it() {
        let score = Score::from_ten_thousandths(42_999).unwrap();
        let weight = Weight::from_hundredths(10_000).unwrap();
        let points = Points::of(score, weight);
        assert!(!points.reaches(Score::from_ten_thousandths(43_000).unwrap()));
        assert_eq!(points.to_string(), "4.29");
    }

    #[test]
    fn a_share_of_nothing_reaches_nothing() {
        let zero = Percent::from_hundredths(0).unwrap();
        assert!(!Share::default().reaches(zero));
        assert!(Share { part: 0, whole: 1 }.reaches(zero));
    }

    #[test]
    fn shares_compare_exactly_at_the_threshold() {
        let needed = Percent::from_hundredths(9_900).unwrap();
        assert!(
            Share {
                part: 99,
                whole: 100
            }
            .reaches(needed)
        );
        assert!(
            !Share {
                part: 9_899,
                whole: 10_000
            }
            .reaches(needed)
        );
    }

    #[test]
    fn digests_round_trip_through_hex() {
        let digest = Digest::of(b"gatecard");
        assert_eq!(Digest::from_hex(&digest.to_string()), Some(digest));
        assert_eq!(digest.short().len(), 12);
        assert_eq!(Digest::from_hex("xyz"), None);
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
    }

    #[test]
    fn money_that_is_no_money_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, -0.01, 1e10] {
            assert_eq!(Usd::from_dollars(bad), None, "{bad}");
        }
        assert_eq!(Usd::from_dollars(0.00135).unwrap().to_string(), "$0.001350");
        assert_eq!(Usd::from_dollars(12.5).unwrap().to_string(), "$12.50");
    }

    #[test]
    fn a_change_is_that_of_the_shown_numbers() {
        let points = Points::from_hundred_millionths;
        for (before, now, expected) in [
            (421_900_000, 434_000_000, " (+0.13)"),
            (434_000_000, 421_900_000, " (−0.13)"),
            (421_000_000, 421_900_000, " (±0.00)"),
        ] {
            assert_eq!(points(now).against(Some(points(before))), expected);
        }
        assert_eq!(points(421_000_000).against(None), "");
    }
}
