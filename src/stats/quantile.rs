//! Quantiles of cost and latency.

/// The value that `percent` of the values do not exceed, by nearest rank (type 1 of Hyndman and
/// Fan 1996): always one of the values, the smallest with at least so many up to it. None
/// without values. The values are finite.
pub(crate) fn nearest_rank(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent.min(100)).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `numpy.percentile(values, percent, method="inverted_cdf")`, numpy 2.4.6; the first five are
    /// the worked example of nearest rank for 15, 20, 35, 40, 50.
    #[test]
    fn quantiles_are_of_nearest_rank() {
        let five = [35.0, 20.0, 15.0, 50.0, 40.0];
        let twenty: Vec<f64> = (1..=20).map(f64::from).collect();
        let table: [(&[f64], usize, Option<f64>); 12] = [
            (&five, 5, Some(15.0)),
            (&five, 30, Some(20.0)),
            (&five, 40, Some(20.0)),
            (&five, 50, Some(35.0)),
            (&five, 100, Some(50.0)),
            (&five, 0, Some(15.0)),
            (&twenty, 50, Some(10.0)),
            (&twenty, 95, Some(19.0)),
            (&twenty, 96, Some(20.0)),
            (&[3.0], 95, Some(3.0)),
            (&[3.0], 250, Some(3.0)),
            (&[], 50, None),
        ];
        for (values, percent, expected) in table {
            assert_eq!(
                nearest_rank(values, percent),
                expected,
                "{values:?} {percent}"
            );
        }
    }

    proptest! {
        #[test]
        fn quantiles_are_values_and_grow(values in proptest::collection::vec(0.0_f64..1e6, 1..60), percent in 0_usize..100) {
            let found = nearest_rank(&values, percent).unwrap();
            prop_assert!(values.contains(&found));
            prop_assert!(found <= nearest_rank(&values, percent + 1).unwrap());
            let up_to = values.iter().filter(|value| **value <= found).count();
            prop_assert!(up_to * 100 >= percent * values.len());
        }
    }
}
