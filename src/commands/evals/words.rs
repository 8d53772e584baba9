//! Two answers, word by word.

use similar::{ChangeTag, TextDiff};

/// Texts with more words than this are not compared: it would take too long to see anything.
const MOST: usize = 2_000;

/// What became of a stretch of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Both have it.
    Same,
    /// The first alone.
    Gone,
    /// The second alone.
    New,
}

/// Stretches of words that both have, or only one of them, in order.
pub(super) fn between(before: &str, now: &str) -> Vec<(Told, String)> {
    let long = |text: &str| text.split_whitespace().nth(MOST).is_some();
    if long(before) || long(now) {
        return vec![(Told::Gone, before.to_owned()), (Told::New, now.to_owned())];
    }
    let diff = TextDiff::from_words(before, now);
    let mut found: Vec<(Told, String)> = Vec::new();
    for change in diff.iter_all_changes() {
        let told = match change.tag() {
            ChangeTag::Equal => Told::Same,
            ChangeTag::Delete => Told::Gone,
            ChangeTag::Insert => Told::New,
        };
        match found.last_mut() {
            Some((last, text)) if *last == told => text.push_str(change.value()),
            _ => found.push((told, change.value().to_owned())),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_have_stands_once() {
        use Told::{Gone, New, Same};
        for (before, now, want) in [
            ("a b", "a b", vec![(Same, "a b")]),
            (
                "a b c",
                "a x c",
                vec![(Same, "a "), (Gone, "b"), (New, "x"), (Same, " c")],
            ),
            ("", "a", vec![(New, "a")]),
            ("", "", vec![]),
        ] {
            let found = between(before, now);
            let found: Vec<(Told, &str)> = found
                .iter()
                .map(|(told, text)| (*told, text.as_str()))
                .collect();
            assert_eq!(found, want, "{before} {now}");
        }
        let long = "a ".repeat(MOST + 1);
        assert_eq!(between(&long, "b").len(), 2);
    }
}
