//! How surely an eval run is tied to a version, and what the prompts of each risk tier need: the
//! policy's `binding`.

use super::scope::Risk;
use crate::yaml::{Errors, Node};

/// How surely an eval run is tied to a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// By a label that leads to the version.
    Label,
    /// By a commit whose files it ran unchanged, and at which the prompt has this version.
    Commit,
    /// By our digest, or by showing everything that changed.
    #[default]
    Exact,
}

impl Strength {
    /// The words of the policy and of the output.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("label", Self::Label),
        ("commit", Self::Commit),
        ("exact", Self::Exact),
    ];

    /// The word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Commit => "commit",
            Self::Exact => "exact",
        }
    }
}

/// The least strength that counts for a prompt of each risk tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sufficient {
    low: Strength,
    standard: Strength,
    high: Strength,
}

impl Sufficient {
    /// What a prompt of this tier needs.
    pub(crate) const fn least(self, risk: Risk) -> Strength {
        match risk {
            Risk::Low => self.low,
            Risk::Standard => self.standard,
            Risk::High => self.high,
        }
    }

    /// Reads `binding`.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let mut found = Self {
            low: Strength::Label,
            standard: Strength::Label,
            high: Strength::Exact,
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
                && let Some(word) = node.one_of(Strength::WORDS, errors)
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

    fn read(text: &str) -> (Sufficient, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let found = Sufficient::read(Some(&Node::root(&value)), &mut errors);
        let errors = errors.into_sorted();
        (found, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_tier_that_is_not_named_keeps_its_default() {
        for (text, want) in [
            ("{}", ["label", "label", "exact"]),
            ("{ standard: commit }", ["label", "commit", "exact"]),
            ("{ low: exact, high: label }", ["exact", "label", "label"]),
        ] {
            let (found, errors) = read(text);
            assert_eq!(errors, [""; 0], "{text}");
            let tiers = [Risk::Low, Risk::Standard, Risk::High];
            assert_eq!(tiers.map(|risk| found.least(risk).id()), want, "{text}");
        }
    }

    #[test]
    fn a_word_that_is_none_is_named_with_its_place() {
        let (_, errors) = read("{ high: exactly }");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("label, commit, exact"), "{errors:?}");
    }
}
