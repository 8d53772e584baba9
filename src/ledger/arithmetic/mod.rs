//! Computes again what a recorded verdict says of itself, from the numbers that it is made of.

mod approvals;
mod card;
mod comparisons;
mod grounds;
mod outcomes;

use super::About;
use super::verdict::Verdict;
use crate::rules::{Origin, Rules};

pub(crate) use comparisons::six;

/// Two numbers of a verdict that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contradiction {
    /// What contradicts itself: stable.
    pub(crate) what: What,
    /// Where, what it is, and what it should be.
    pub(crate) words: String,
}

/// What of a verdict can contradict itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A category's score is not what its points and its cap come to.
    Score,
    /// The categories or their weights are not the policy's, or the weights do not add up.
    Weight,
    /// The final score is not the weighted sum.
    Total,
    /// Whether a category passes is not what its score says.
    Passes,
    /// The band is not that of the score.
    Band,
    /// The verdict is not what the outcomes come to.
    Verdict,
    /// A gate's outcome is not what it measured, or it measured something else than is on record.
    Measured,
    /// A comparison is not what its pairs come to.
    Comparison,
    /// A gate on approvals is not what the approvals say.
    Approvals,
    /// Counts that do not add up.
    Count,
}

/// Everything that does not add up. What only the policy tells is looked at where it is there.
pub(crate) fn contradictions(
    about: &About,
    verdict: &Verdict,
    rules: Option<&Rules>,
) -> Vec<Contradiction> {
    let mut found = Found(Vec::new());
    let policy = rules.map(|rules| &rules.policy);
    card::check(verdict, policy, &mut found);
    // The first policy judges nothing: it was written by the change that it would judge.
    let bootstrap = about
        .policy
        .as_ref()
        .is_some_and(|policy| policy.origin == Origin::Bootstrap.id());
    outcomes::check(verdict, bootstrap, policy, &mut found);
    if !bootstrap {
        grounds::check(verdict, rules, &mut found);
    }
    comparisons::check(verdict, &mut found);
    approvals::check(verdict, bootstrap, &mut found);
    found.0
}

/// What was found so far.
struct Found(Vec<Contradiction>);

impl Found {
    /// Adds a contradiction unless something is as it must be.
    fn unless(&mut self, holds: bool, what: What, words: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Contradiction {
                what,
                words: words(),
            });
        }
    }

    /// Adds a contradiction unless what is on record is what it comes to.
    fn same<T: PartialEq + std::fmt::Display>(
        &mut self,
        what: What,
        name: &str,
        recorded: &T,
        computed: &T,
    ) {
        self.unless(recorded == computed, what, || {
            format!("{name} is {recorded} on record, and comes to {computed}")
        });
    }
}
