//! The search for a chain of verdicts from what a branch had to what it got. Pure.

use std::collections::{BTreeMap, VecDeque};

/// One verdict's word on one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step<N> {
    /// What was before.
    pub(super) from: N,
    /// What was judged.
    pub(super) to: N,
    /// Whether the verdict let it pass.
    pub(super) passed: bool,
    /// The number of its entry.
    pub(super) entry: u64,
}

/// The shortest way from one to the other along steps that `fit`, as their positions in `steps`;
/// where several are as short, the one whose steps stand first. To stay where one is needs a
/// step, too.
pub(super) fn chain<N: Ord>(
    steps: &[Step<N>],
    (from, to): (&N, &N),
    fits: impl Fn(&Step<N>) -> bool,
) -> Option<Vec<usize>> {
    let mut reached: BTreeMap<&N, usize> = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        for (index, step) in steps.iter().enumerate() {
            if step.from == *at && fits(step) && !reached.contains_key(&step.to) {
                reached.insert(&step.to, index);
                next.push_back(&step.to);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = to;
    loop {
        let index = *reached.get(at)?;
        way.push(index);
        at = &steps.get(index)?.from;
        if at == from {
            way.reverse();
            return Some(way);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(of: &[(u8, u8, bool)]) -> Vec<Step<u8>> {
        let numbered = of.iter().zip(1..);
        numbered
            .map(|(&(from, to, passed), entry)| Step {
                from,
                to,
                passed,
                entry,
            })
            .collect()
    }

    #[test]
    fn a_chain_leads_from_what_was_to_what_is() {
        let one = [(1, 2, true)];
        let queue = [(2, 3, true), (1, 2, true)];
        let failed = [(1, 2, true), (2, 3, false)];
        let repaired = [(1, 2, false), (1, 2, true)];
        let shorter = [(1, 2, true), (2, 3, true), (1, 3, true)];
        let there_and_back = [(1, 2, true), (2, 1, true)];
        let beside = [(1, 2, true), (3, 4, true)];
        for (name, of, from, to, want) in [
            ("one verdict", &one[..], 1, 2, Some(vec![0])),
            ("a queue, in any order", &queue, 1, 3, Some(vec![1, 0])),
            ("a step that did not pass", &failed, 1, 3, None),
            ("another verdict passed", &repaired, 1, 2, Some(vec![1])),
            ("the shortest", &shorter, 1, 3, Some(vec![2])),
            ("a revert", &there_and_back, 1, 1, Some(vec![0, 1])),
            ("nothing moved", &one, 1, 1, None),
            ("a gap", &beside, 1, 4, None),
            ("backwards", &one, 2, 1, None),
            ("no verdict", &[], 1, 2, None),
        ] {
            let steps = steps(of);
            assert_eq!(
                chain(&steps, (&from, &to), |step| step.passed),
                want,
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_chain_is_one(of in prop::collection::vec((0u8..6, 0u8..6, any::<bool>()), 0..20), from in 0u8..6, to in 0u8..6) {
            let steps = steps(&of);
            if let Some(way) = chain(&steps, (&from, &to), |step| step.passed) {
                let mut at = from;
                for index in way {
                    prop_assert!(steps[index].passed && steps[index].from == at);
                    at = steps[index].to;
                }
                prop_assert_eq!(at, to);
            } else {
                let straight = |step: &Step<u8>| step.passed && step.from == from && step.to == to;
                prop_assert!(!steps.iter().any(straight));
            }
        }
    }
}
