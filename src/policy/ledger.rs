//! The policy's `ledger`: whether verdicts are recorded, and where.

use crate::yaml::{Errors, Node};

/// The branch where the policy names no other.
pub(crate) const BRANCH: &str = "gatecard/ledger";

/// Whether a verdict must be on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recording {
    /// A verdict that could not be recorded is none: the status is an error.
    Required,
    /// A verdict that could not be recorded says so.
    BestEffort,
    /// Nothing is recorded.
    Off,
}

impl Recording {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("required", Self::Required),
        ("best-effort", Self::BestEffort),
        ("off", Self::Off),
    ];
}

/// The policy's `ledger`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerRule {
    /// Whether a verdict must be on record.
    pub(crate) recording: Recording,
    /// The branch.
    pub(crate) branch: String,
}

impl LedgerRule {
    /// Reads `ledger`: one word, or `mode` and `branch`.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let mut rule = Self {
            recording: Recording::BestEffort,
            branch: String::from(BRANCH),
        };
        let Some(node) = node else {
            return rule;
        };
        if node.value().is_string() || node.value().is_boolean() {
            if let Some(recording) = node.one_of(Recording::WORDS, errors) {
                rule.recording = recording;
            }
            return rule;
        }
        let fields = node.fields(&["mode", "branch"], errors);
        if let Some(recording) = fields
            .get("mode")
            .and_then(|node| node.one_of(Recording::WORDS, errors))
        {
            rule.recording = recording;
        }
        if let Some(branch) = fields.get("branch").and_then(|node| {
            node.read("a branch name such as `gatecard/ledger`", errors, |value| {
                value
                    .as_str()
                    .filter(|name| is_branch(name))
                    .map(str::to_owned)
            })
        }) {
            rule.branch = branch;
        }
        rule
    }
}

/// A strict part of what Git allows: what needs no escape anywhere.
fn is_branch(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with(['.'])
            && part.rsplit_once('.').is_none_or(|(_, end)| end != "lock")
            && !part.contains("..")
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    name.len() <= 200 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_name_needs_no_escape() {
        for good in ["gatecard/ledger", "audit", "a.b/c-d_e"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "", "/a", "a/", "a//b", "-a", ".a", "a..b", "a.lock", "a b", "a:b", "a~1", "é",
        ] {
            assert!(!is_branch(bad), "{bad}");
        }
    }
}
