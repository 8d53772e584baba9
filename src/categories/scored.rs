//! What a category saw: its checks with their points, and the score they come to.

use crate::units::Score;
use crate::untrusted::Untrusted;

/// One check of a category and the points it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What is asked.
    pub(crate) about: String,
    /// What was found.
    pub(crate) found: Untrusted,
    /// Points that it gave.
    pub(crate) earned: u64,
    /// Points that it can give.
    pub(crate) possible: u64,
}

/// What a category saw and gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scored {
    /// The checks that applied.
    pub(crate) checks: Vec<Check>,
    /// The highest score that the checks allow, where something caps it, and why.
    pub(crate) cap: Option<(Score, &'static str)>,
    /// Whether the policy's condition holds, where it is no score.
    pub(crate) condition: Option<bool>,
    /// The evidence: files with digests, counts.
    pub(crate) evidence: Vec<String>,
    /// What would raise it.
    pub(crate) remedy: Option<String>,
}

impl Scored {
    /// Adds a check; `share` of its `points` are earned.
    pub(crate) fn check(
        &mut self,
        about: &str,
        found: impl Into<Untrusted>,
        share: (u64, u64),
        points: u64,
    ) {
        let (part, whole) = share;
        let earned = if whole == 0 {
            0
        } else {
            u128::from(points) * u128::from(part) / u128::from(whole)
        };
        self.checks.push(Check {
            about: about.to_owned(),
            found: found.into(),
            earned: u64::try_from(earned).unwrap_or(points).min(points),
            possible: points,
        });
    }

    /// Adds a check that is met or not.
    pub(crate) fn flag(
        &mut self,
        about: &str,
        found: impl Into<Untrusted>,
        met: bool,
        points: u64,
    ) {
        self.check(about, found, (u64::from(met), 1), points);
    }

    /// What would raise the check that loses most points: `remedies` stand in the order of the
    /// rubric, `{}` in one is what the check found.
    pub(crate) fn weakest(&self, rubric: &[(&str, u64)], remedies: &[&str]) -> Option<String> {
        let check = self
            .checks
            .iter()
            .filter(|check| check.earned < check.possible)
            .max_by_key(|check| check.possible - check.earned)?;
        let at = rubric.iter().position(|(about, _)| *about == check.about)?;
        Some(remedies.get(at)?.replace("{}", check.found.for_machines()))
    }

    /// 1 to 5 by the points earned, under the cap.
    pub(crate) fn score(&self) -> Score {
        let earned = self.checks.iter().map(|check| check.earned).sum();
        let possible = self.checks.iter().map(|check| check.possible).sum();
        Score::under(self.cap.map(|(cap, _)| cap), earned, possible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_that_of_the_check_that_loses_most() {
        let rubric = [("cases", 300), ("pairs", 200)];
        let remedies = ["run more: {} so far", "run both: {} are paired"];
        for (cases, pairs, remedy) in [
            ((50, 50), (50, 50), None),
            ((50, 50), (20, 50), Some("run both: 20 of 50 are paired")),
            ((10, 50), (0, 50), Some("run more: 10 of 50 so far")),
        ] {
            let mut scored = Scored::default();
            for ((about, points), (part, whole)) in rubric.iter().zip([cases, pairs]) {
                let found = format!("{part} of {whole}");
                scored.check(about, found, (part, whole), *points);
            }
            assert_eq!(scored.weakest(&rubric, &remedies).as_deref(), remedy);
        }
    }
}
