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
    /// Which metric of the evals, where it is about one.
    pub(crate) of: Option<String>,
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
            of: None,
        }
    }

    /// Says which metric of the evals it is about.
    pub(crate) fn of_metric(mut self, label: String) -> Self {
        self.of = Some(label);
        self
    }

    /// A share of things: how many of them, and the least share in hundredths of a percent.
    pub(crate) fn share(share: Share, least: Percent) -> Self {
        Self::new(Metric::Share, &share.part, &least.hundredths(), share.whole)
    }

    /// Whether the number is what the gate needs; `None` where it cannot be told from these
    /// numbers alone.
    pub(crate) fn holds(&self) -> Option<bool> {
        if self.metric == Metric::Kappa {
            let [observed, floor] =
                [&self.observed, &self.threshold].map(|text| text.parse::<f64>());
            return Some(observed.ok()? >= floor.ok()?);
        }
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
            Metric::HiddenCharacters
            | Metric::FailedCases
            | Metric::PassedCanaries
            | Metric::CostPerSuccess
            | Metric::LatencyP50
            | Metric::LatencyP95 => Some(observed <= threshold),
            Metric::PValue | Metric::PAlone | Metric::Band | Metric::Kappa => None,
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
    /// A p-value of a test that is judged alone and only shown, likewise.
    PAlone,
    /// A band and the least one, by their keys; of how many categories.
    Band,
    /// Characters that nobody sees, and how many may be added; of one prompt.
    HiddenCharacters,
    /// Cases that must pass and do not; of how many.
    FailedCases,
    /// Cases that must fail and do not; of how many.
    PassedCanaries,
    /// Billionths of a dollar for each case that passes, and how many it may be; of how many cases.
    CostPerSuccess,
    /// Milliseconds that half of the cases stay within, and how many they may take.
    LatencyP50,
    /// Milliseconds that 95 % of the cases stay within, and how many they may take.
    LatencyP95,
    /// Cohen's kappa of a judge and people, six decimals, and its floor; of how many labels.
    Kappa,
}

impl Metric {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Share,
        Self::Cases,
        Self::TracedCases,
        Self::PValue,
        Self::PAlone,
        Self::Band,
        Self::HiddenCharacters,
        Self::FailedCases,
        Self::PassedCanaries,
        Self::CostPerSuccess,
        Self::LatencyP50,
        Self::LatencyP95,
        Self::Kappa,
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Cases => "cases",
            Self::TracedCases => "traced_cases",
            Self::PValue => "p",
            Self::PAlone => "p_alone",
            Self::Band => "band",
            Self::HiddenCharacters => "hidden_characters",
            Self::FailedCases => "failed_cases",
            Self::PassedCanaries => "passed_canaries",
            Self::CostPerSuccess => "cost_per_success",
            Self::LatencyP50 => "latency_p50",
            Self::LatencyP95 => "latency_p95",
            Self::Kappa => "kappa",
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
            (Metric::FailedCases, "0", "0", 3, Some(true)),
            (Metric::PassedCanaries, "1", "0", 3, Some(false)),
            (
                Metric::CostPerSuccess,
                "2000001",
                "2000000",
                50,
                Some(false),
            ),
            (Metric::LatencyP50, "800", "800", 50, Some(true)),
            (Metric::LatencyP95, "4001", "4000", 50, Some(false)),
            (Metric::Kappa, "0.600000", "0.6", 40, Some(true)),
            (Metric::Kappa, "-0.100000", "0.6", 40, Some(false)),
            (Metric::PValue, "0.012939", "0.05", 50, None),
            (Metric::Band, "pilot", "pilot", 7, None),
        ] {
            let measured = Measured::new(metric, &observed, &threshold, n);
            assert_eq!(measured.holds(), holds, "{measured:?}");
            assert_eq!(Metric::by_id(metric.id()), Some(metric));
        }
    }
}
