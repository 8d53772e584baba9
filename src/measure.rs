//! The numbers that gates measure and what they need of them: exact, written as texts, so that
//! whoever reads them later can compare them again.

use crate::units::{Percent, Share};

/// A number that a gate measured, and what it needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// What was measured.
    pub(crate) metric: Metric,
    /// The number.
    pub(crate) observed: String,
    /// The threshold.
    pub(crate) threshold: String,
    /// Of how many things it was measured.
    pub(crate) n: u64,
}

impl Measured {
    /// Puts a measurement together.
    pub(crate) fn new(
        metric: Metric,
        observed: &impl ToString,
        threshold: &impl ToString,
        n: u64,
    ) -> Self {
        Self {
            metric,
            observed: observed.to_string(),
            threshold: threshold.to_string(),
            n,
        }
    }

    /// A share of things: how many of them, and the least share in hundredths of a percent.
    pub(crate) fn share(share: Share, least: Percent) -> Self {
        Self::new(Metric::Share, &share.part, &least.hundredths(), share.whole)
    }

    /// Whether the number is what the gate needs; `None` where it cannot be told from these
    /// numbers alone.
    pub(crate) fn holds(&self) -> Option<bool> {
        let observed = self.observed.parse::<u64>();
        let threshold = self.threshold.parse::<u64>();
        let (observed, threshold) = (observed.ok()?, threshold.ok()?);
        match self.metric {
            Metric::Share => {
                let least = Percent::from_hundredths(u32::try_from(threshold).ok()?)?;
                let (part, whole) = (observed, self.n);
                Some(Share { part, whole }.reaches(least))
            }
            Metric::Cases | Metric::TracedCases => Some(observed >= threshold),
            Metric::HiddenCharacters => Some(observed <= threshold),
            Metric::PValue | Metric::Band => None,
        }
    }
}

/// What a gate measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Calls that are complete; the threshold is in hundredths of a percent of all.
    Share,
    /// Cases that came to a result.
    Cases,
    /// Cases whose trace is known, of those that name one.
    TracedCases,
    /// A p-value, six decimals, and the alpha that the policy names; of how many pairs.
    PValue,
    /// A band and the least one, by their keys; of how many categories.
    Band,
    /// Characters that nobody sees, and how many may be added; of one prompt.
    HiddenCharacters,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Share,
        Self::Cases,
        Self::TracedCases,
        Self::PValue,
        Self::Band,
        Self::HiddenCharacters,
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Cases => "cases",
            Self::TracedCases => "traced_cases",
            Self::PValue => "p",
            Self::Band => "band",
            Self::HiddenCharacters => "hidden_characters",
        }
    }

    /// The metric that a word names.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hold_up_to_their_threshold() {
        for (metric, observed, threshold, n, holds) in [
            (Metric::Share, "99", "9900", 100, Some(true)),
            (Metric::Share, "9899", "9900", 10_000, Some(false)),
            (Metric::Share, "0", "0", 0, Some(false)),
            (Metric::Share, "1", "10001", 1, None),
            (Metric::Cases, "50", "50", 52, Some(true)),
            (Metric::Cases, "49", "50", 52, Some(false)),
            (Metric::TracedCases, "1", "1", 3, Some(true)),
            (Metric::HiddenCharacters, "0", "0", 1, Some(true)),
            (Metric::HiddenCharacters, "1", "0", 1, Some(false)),
            (Metric::PValue, "0.012939", "0.05", 50, None),
            (Metric::Band, "pilot", "pilot", 7, None),
        ] {
            let measured = Measured::new(metric, &observed, &threshold, n);
            assert_eq!(measured.holds(), holds, "{measured:?}");
            assert_eq!(Metric::by_id(metric.id()), Some(metric));
        }
    }
}
