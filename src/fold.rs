//! Folds prose at words, by how wide a terminal shows it.

use unicode_width::UnicodeWidthStr as _;

/// Keeps two words together; printed as a space.
pub(crate) const TIE: char = '\u{a0}';

/// Lines of at most `width` columns where words allow it: the first starts with `first`, later
/// ones are indented.
pub(crate) fn fold(first: &str, indent: usize, text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut bare = true;
    for word in text.split(' ') {
        if !bare && line.width() + 1 + word.width() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            bare = true;
        }
        if !bare {
            line.push(' ');
        }
        line.push_str(word);
        bare = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_at_words_by_display_width() {
        for (text, want) in [
            ("one two three", vec!["> one two", "  three"]),
            ("one two\u{a0}three", vec!["> one", "  two\u{a0}three"]),
            (
                "longer-than-a-line is",
                vec!["> longer-than-a-line", "  is"],
            ),
            ("日本 語", vec!["> 日本 語"]),
            ("日本語 語", vec!["> 日本語", "  語"]),
            ("", vec!["> "]),
        ] {
            assert_eq!(fold("> ", 2, text, 10), want, "{text}");
        }
    }
}
