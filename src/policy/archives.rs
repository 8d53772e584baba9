//! What an archive with evidence may hold: the policy's `artifact_limits`.

use super::whole;
use crate::files::ArchiveLimits;
use crate::yaml::{Errors, Node};

/// Reads `artifact_limits`.
pub(super) fn limits(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> ArchiveLimits {
    let mut limits = ArchiveLimits::default();
    let Some(node) = node else {
        return limits;
    };
    let fields = node.fields(&["packed", "entries", "ratio"], errors);
    if let Some(size) = fields.get("packed").and_then(|node| size(node, errors)) {
        limits.packed = size;
    }
    let mut number = |key: &str| whole(fields.get(key)?, 1, errors);
    if let Some(entries) = number("entries") {
        limits.entries = entries;
    }
    if let Some(ratio) = number("ratio") {
        limits.ratio = ratio;
    }
    limits
}

/// Reads `64MiB`.
fn size(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<u64> {
    node.read("a size such as `64MiB`, at most `4GiB`", errors, |value| {
        let text = value.as_str()?;
        let (number, unit) = match text.strip_suffix("MiB") {
            Some(number) => (number, 1_u64 << 20),
            None => (text.strip_suffix("GiB")?, 1 << 30),
        };
        let bytes = number.trim_end().parse::<u64>().ok()?.checked_mul(unit)?;
        (1..=4 << 30).contains(&bytes).then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn a_limit_that_is_not_named_keeps_its_default_and_a_wrong_one_is_refused() {
        for (text, expected, wrong) in [
            ("{ packed: 1GiB, ratio: 7 }", Some((1 << 30, 2_000, 7)), 0),
            ("{ packed: 64 }", None, 1),
            ("{ packed: 5GiB }", None, 1),
            ("{ packed: 0MiB }", None, 1),
            ("{ entries: 0 }", None, 1),
            ("{ ratio: x }", None, 1),
        ] {
            let value = yaml::to_json(text).unwrap();
            let mut errors = Errors::new(text);
            let found = limits(Some(&Node::root(&value)), &mut errors);
            if let Some(expected) = expected {
                let found = (found.packed, found.entries, found.ratio);
                assert_eq!(found, expected, "{text}");
            }
            assert_eq!(errors.into_sorted().len(), wrong, "{text}");
        }
    }
}
