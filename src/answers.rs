//! Two answers, word by word.

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use crate::untrusted::{log_line, markdown_inline};

/// Texts with more words than this are not compared: it would take too long to see anything.
const MOST: usize = 2_000;

/// What became of a stretch of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Both have it.
    Same,
    /// The first alone.
    Gone,
    /// The second alone.
    New,
}

/// Stretches of words that both have, or only one of them, in order.
pub(crate) fn between(before: &str, now: &str) -> Vec<(Told, String)> {
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

/// What was asked, for people: variables by their names, the shortest first, since the long ones
/// are documents that many cases share.
pub(crate) fn asked(input: &str) -> String {
    let Ok(Json::Object(variables)) = serde_json::from_str(input) else {
        return input.to_owned();
    };
    let mut told: Vec<String> = variables
        .into_iter()
        .map(|(name, value)| match value {
            Json::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        })
        .collect();
    told.sort_by_key(String::len);
    told.join(" · ")
}

/// Both side by side, each with what it alone has marked: for cells of a Markdown table.
pub(crate) fn side_by_side(before: &str, now: &str) -> (String, String) {
    let mut sides = (String::new(), String::new());
    for (told, text) in between(before, now) {
        let text = log_line(&text);
        if text.trim().is_empty() {
            sides.0.push(' ');
            sides.1.push(' ');
            continue;
        }
        // What is escaped loses the spaces around it.
        let lead = if text.starts_with(' ') { " " } else { "" };
        let tail = if text.ends_with(' ') { " " } else { "" };
        let safe = markdown_inline(&text);
        match told {
            Told::Same => {
                sides.0.push_str(&format!("{lead}{safe}{tail}"));
                sides.1.push_str(&format!("{lead}{safe}{tail}"));
            }
            Told::Gone => sides.0.push_str(&format!("{lead}<del>{safe}</del>{tail}")),
            Told::New => sides.1.push_str(&format!("{lead}<ins>{safe}</ins>{tail}")),
        }
    }
    (sides.0.trim().to_owned(), sides.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_shortest_first() {
        for (input, want) in [
            (
                r#"{"a":"a long document","q":"why?"}"#,
                "q: why? · a: a long document",
            ),
            (r#"{"n":1}"#, "n: 1"),
            ("How?", "How?"),
            ("[1]", "[1]"),
        ] {
            assert_eq!(asked(input), want);
        }
    }

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
        let sides = side_by_side("It takes 5 days.", "It takes | 7 days.");
        assert_eq!(sides.0, "It takes <del>5</del> days.");
        assert_eq!(sides.1, "It takes <ins>\\| 7</ins> days.");
        let long = "a ".repeat(MOST + 1);
        assert_eq!(between(&long, "b").len(), 2);
    }
}
