//! Who could have written evidence, and what the prompts of each risk tier need: the policy's
//! `provenance`.

use super::scope::Risk;
use crate::yaml::{Errors, Node};

/// How far an evidence file can be trusted: who could have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Provenance {
    /// Committed in the pull request, uploaded or made by hand.
    AuthorSupplied,
    /// Made by a workflow that the pull request could edit.
    PrWorkflow,
    /// Made by a workflow of the base branch.
    Ci,
    /// Signed for by a workflow of the base branch.
    Attested,
}

impl Provenance {
    /// The words of the policy and of the output.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("author-supplied", Self::AuthorSupplied),
        ("ci(pr-workflow)", Self::PrWorkflow),
        ("ci", Self::Ci),
        ("attested", Self::Attested),
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::AuthorSupplied => "author-supplied",
            Self::PrWorkflow => "ci(pr-workflow)",
            Self::Ci => "ci",
            Self::Attested => "attested",
        }
    }
}

/// The least provenance that counts for a prompt of each risk tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admissible {
    low: Provenance,
    standard: Provenance,
    high: Provenance,
}

impl Admissible {
    /// What a prompt of this tier needs.
    pub(crate) const fn least(self, risk: Risk) -> Provenance {
        match risk {
            Risk::Low => self.low,
            Risk::Standard => self.standard,
            Risk::High => self.high,
        }
    }

    /// Reads `provenance`.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let mut found = Self {
            low: Provenance::AuthorSupplied,
            standard: Provenance::AuthorSupplied,
            high: Provenance::Ci,
        };
        let Some(node) = node else {
            return found;
        };
        let fields = node.fields(&["low", "standard", "high"], errors);
        for (key, least) in [
            ("low", &mut found.low),
            ("standard", &mut found.standard),
            ("high", &mut found.high),
        ] {
            if let Some(node) = fields.get(key)
                && let Some(word) = node.one_of(Provenance::WORDS, errors)
            {
                *least = word;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_tier_that_is_not_named_keeps_its_default() {
        let text = "{ standard: ci(pr-workflow) }";
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let admissible = Admissible::read(Some(&Node::root(&value)), &mut errors);
        assert_eq!(errors.into_sorted(), []);
        assert_eq!(
            [Risk::Low, Risk::Standard, Risk::High].map(|risk| admissible.least(risk)),
            [
                Provenance::AuthorSupplied,
                Provenance::PrWorkflow,
                Provenance::Ci
            ]
        );
    }
}
