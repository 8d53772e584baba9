//! Agreement of two raters beyond chance: Cohen's kappa.

use std::collections::BTreeMap;

use super::normal::quantile;
use super::wilson::wilson;

/// How far two raters agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Agreement {
    /// Cohen's kappa: 1 is perfect, 0 is what chance gives.
    pub(crate) kappa: f64,
    /// The bounds of its interval.
    pub(crate) interval: (f64, f64),
    /// The share of cases with the same label.
    pub(crate) agreed: f64,
}

/// Cohen's kappa (Cohen 1960) of two raters' labels, case by case, of two categories or more, with
/// its interval at a confidence `level` by the large-sample variance of Fleiss, Cohen and
/// Everitt (1969), clipped to -1..=1.
///
/// None without cases, or where both raters only ever used one and the same category: chance
/// alone would agree always then, and kappa is not defined. Where agreement is
/// perfect (or there is none at all) that variance is 0 however few the cases; the
/// bounds are then those of Wilson's interval for the share that agrees, against the same chance.
pub(crate) fn kappa<T: Ord>(labels: &[(T, T)], level: f64) -> Option<Agreement> {
    let table = Table::of(labels);
    let (agreed, chance) = (table.agreed(), table.chance());
    if labels.is_empty() || chance > 1.0 - 1e-12 {
        return None;
    }
    let beyond_chance = |share: f64| (share - chance) / (1.0 - chance);
    let kappa = beyond_chance(agreed);
    let variance = table.variance(kappa, chance);
    let interval = if variance > 1e-12 {
        let reach = quantile(f64::midpoint(level, 1.0)) * (variance / table.cases).sqrt();
        (kappa - reach, kappa + reach)
    } else {
        let same = labels.iter().filter(|(a, b)| a == b).count();
        let (low, high) = wilson(same as u64, labels.len() as u64, level);
        (
            beyond_chance(low).min(kappa),
            beyond_chance(high).max(kappa),
        )
    };
    Some(Agreement {
        kappa,
        interval: (interval.0.max(-1.0), interval.1.min(1.0)),
        agreed,
    })
}

/// The shares of each pair of labels, and of each label by rater; only what occurs.
struct Table<'a, T> {
    cells: BTreeMap<(&'a T, &'a T), f64>,
    first: BTreeMap<&'a T, f64>,
    second: BTreeMap<&'a T, f64>,
    cases: f64,
}

impl<'a, T: Ord> Table<'a, T> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn of(labels: &'a [(T, T)]) -> Self {
        let mut table = Self {
            cells: BTreeMap::new(),
            first: BTreeMap::new(),
            second: BTreeMap::new(),
            cases: labels.len() as f64,
        };
        let each = 1.0 / table.cases;
        for (a, b) in labels {
            *table.cells.entry((a, b)).or_default() += each;
            *table.first.entry(a).or_default() += each;
            *table.second.entry(b).or_default() += each;
        }
        table
    }

    /// The share with the same label.
    fn agreed(&self) -> f64 {
        let same = self.cells.iter().filter(|((a, b), _)| a == b);
        same.map(|(_, share)| share).sum()
    }

    fn share(of: &BTreeMap<&'a T, f64>, label: &T) -> f64 {
        of.get(label).copied().unwrap_or_default()
    }

    /// The share that would be the same by chance.
    fn chance(&self) -> f64 {
        let both = |(label, share): (&&T, &f64)| share * Self::share(&self.second, label);
        self.first.iter().map(both).sum()
    }

    /// The variance of kappa times the number of cases (Fleiss, Cohen and Everitt 1969, equation
    /// 13, over squares).
    fn variance(&self, kappa: f64, chance: f64) -> f64 {
        let apart = 1.0 - kappa;
        let spread: f64 = self
            .cells
            .iter()
            .map(|((a, b), share)| {
                // Each label as often as the *other* rater gives it.
                let often = Self::share(&self.second, a) + Self::share(&self.first, b);
                let term = if a == b { 1.0 } else { 0.0 } - often * apart;
                share * term * term
            })
            .sum();
        let centre = kappa - chance * apart;
        ((spread - centre * centre) / ((1.0 - chance) * (1.0 - chance))).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(table: &[&[usize]]) -> Vec<(usize, usize)> {
        let mut labels = Vec::new();
        for (a, row) in table.iter().enumerate() {
            for (b, count) in row.iter().enumerate() {
                labels.extend(std::iter::repeat_n((a, b), *count));
            }
        }
        labels
    }

    /// `statsmodels.stats.inter_rater.cohens_kappa` (`kappa`, `kappa_low`, `kappa_upp`), statsmodels
    /// 0.15.0. The first two are the usual examples of equal agreement and unequal kappa
    /// (0.1304 and 0.2593), the third the usual one of 50 proposals (0.4).
    #[test]
    fn kappa_agrees_with_statsmodels() {
        let table: [(&[&[usize]], f64, f64, f64); 5] = [
            (
                &[&[45, 15], &[25, 15]],
                0.130_434_782_608_7,
                -0.062_938_277_792_6,
                0.323_807_843_01,
            ),
            (
                &[&[25, 35], &[5, 35]],
                0.259_259_259_259_3,
                0.108_028_963_983_4,
                0.410_489_554_535_1,
            ),
            (
                &[&[20, 5], &[10, 15]],
                0.4,
                0.151_092_290_476_7,
                0.648_907_709_523_3,
            ),
            (
                &[&[44, 5, 1], &[7, 20, 3], &[9, 5, 6]],
                0.491_525_423_728_8,
                0.350_158_201_217_5,
                0.632_892_646_240_1,
            ),
            // 10 of 12 agree, and kappa is still below 0.
            (
                &[&[9, 1], &[1, 0]],
                -0.1,
                -0.237_895_689_426_6,
                0.037_895_689_426_6,
            ),
        ];
        for (counts, kappa_value, low, high) in table {
            let found = kappa(&labels(counts), 0.95).unwrap();
            assert!((found.kappa - kappa_value).abs() < 1e-9, "{found:?}");
            assert!((found.interval.0 - low).abs() < 1e-9, "{found:?}");
            assert!((found.interval.1 - high).abs() < 1e-9, "{found:?}");
        }
    }

    #[test]
    fn degenerate_tables_are_defined() {
        // No cases; one category only: not defined.
        assert_eq!(kappa::<bool>(&[], 0.95), None);
        assert_eq!(kappa(&labels(&[&[12]]), 0.95), None);
        // One rater uses one category: chance, with no information on more.
        let one_sided = kappa(&labels(&[&[10, 2]]), 0.95).unwrap();
        assert!(one_sided.kappa.abs() < 1e-12 && (one_sided.agreed - 10.0 / 12.0).abs() < 1e-12);
        assert!(
            one_sided.interval.0 < -0.1 && one_sided.interval.1 > 0.1,
            "{one_sided:?}"
        );
        // Perfect agreement is 1, and less sure the fewer the cases: Wilson's lower bound for 20
        // of 20 is 0.838875, against a chance of 0.5.
        let perfect = kappa(&labels(&[&[10, 0], &[0, 10]]), 0.95).unwrap();
        assert!((perfect.kappa - 1.0).abs() < 1e-12);
        assert!((perfect.interval.0 - (2.0 * 0.838_874_841_947_180_6 - 1.0)).abs() < 1e-9);
        assert!((perfect.interval.1 - 1.0).abs() < 1e-12);
        let opposed = kappa(&labels(&[&[0, 10], &[10, 0]]), 0.95).unwrap();
        assert!((opposed.kappa + 1.0).abs() < 1e-12 && opposed.interval.1 > -0.9);
    }

    proptest! {
        #[test]
        fn kappa_is_bounded_and_neither_rater_is_first(labels in proptest::collection::vec((0_u8..4, 0_u8..4), 1..80)) {
            let swapped: Vec<(u8, u8)> = labels.iter().map(|(a, b)| (*b, *a)).collect();
            match (kappa(&labels, 0.95), kappa(&swapped, 0.95)) {
                (Some(one), Some(other)) => {
                    prop_assert!((-1.0..=1.0 + 1e-12).contains(&one.kappa));
                    prop_assert!(-1.0 <= one.interval.0 && one.interval.0 <= one.kappa + 1e-9);
                    prop_assert!(one.kappa <= one.interval.1 + 1e-9 && one.interval.1 <= 1.0);
                    prop_assert!((one.kappa - other.kappa).abs() < 1e-9);
                    prop_assert!((one.interval.0 - other.interval.0).abs() < 1e-6);
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
