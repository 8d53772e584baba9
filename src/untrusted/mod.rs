//! Text from outside: prompts, results, names, paths, and the sinks that it is printed through.
//!
//! [`Untrusted`] cannot be printed by itself. Each place that text is printed to has one sink,
//! which makes it harmless there.

mod commit;
mod csv;
mod hidden;
mod html;
mod log;
mod markdown;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod step_output;

#[cfg(any(test, fuzzing))]
pub(crate) use commit::commit_message;
pub(crate) use csv::csv_cell;
pub(crate) use hidden::{crowds, hidden, name as hidden_name};
#[cfg(any(test, fuzzing))]
pub(crate) use html::html;
pub(crate) use log::log_line;
#[cfg(any(test, fuzzing))]
pub(crate) use markdown::markdown_block;
pub(crate) use markdown::{markdown_code, markdown_inline};
pub(crate) use step_output::step_output;

/// A text from outside. It has no `Display`, so that nothing prints it but through a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Untrusted(String);

impl Untrusted {
    /// For one line of Markdown or a table cell.
    pub(crate) fn inline(&self) -> String {
        markdown_inline(&self.0)
    }

    /// For a code span in Markdown.
    pub(crate) fn code(&self) -> String {
        markdown_code(&self.0)
    }

    /// For one line of a terminal or a log.
    pub(crate) fn log(&self) -> String {
        log_line(&self.0)
    }

    /// For a plain text of at most `limit` bytes that GitHub shows beside code.
    pub(crate) fn annotation(&self, limit: usize) -> String {
        annotation(&self.0, limit)
    }

    /// The text as it came, for what is not printed to people: JSON, digests, comparisons, and
    /// other texts from outside that it becomes a part of.
    pub(crate) fn for_machines(&self) -> &str {
        &self.0
    }

    /// Cut after `limit` characters.
    pub(crate) fn shortened(&self, limit: usize) -> Self {
        Self(shorten(&self.0, limit))
    }

    /// Followed by more text.
    pub(crate) fn and(&self, more: &str) -> Self {
        Self(format!("{}{more}", self.0))
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&String> for Untrusted {
    fn from(text: &String) -> Self {
        Self(text.clone())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Shows hidden and control characters as `\u{...}`, and line ends as spaces.
pub(crate) fn visible(text: &str) -> String {
    let mut hides = hidden::unprinted(text).map(|(at, _)| at).peekable();
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_hidden = hides.next_if_eq(&at).is_some();
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_hidden => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// A plain text that GitHub shows beside code: no control or hidden character, and at most
/// `limit` bytes, since its limits count one way or another.
pub(crate) fn annotation(text: &str, limit: usize) -> String {
    const END: &str = "…";
    let text = visible(text);
    if text.len() <= limit {
        return text;
    }
    let end = limit.saturating_sub(END.len());
    let at = text.floor_char_boundary(end);
    format!("{}{END}", text.get(..at).unwrap_or_default())
}

/// Cuts text after `limit` characters and says so.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => {
            let head = text.get(..at).unwrap_or(text);
            format!("{head}…")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_shown() {
        assert_eq!(visible("a\u{202e}b\n\u{1b}[0m"), "a\\u{202e}b \\u{1b}[0m");
        for ordinary in ["⚠️ 👩‍💻", "می\u{200C}خواهم"] {
            assert_eq!(visible(ordinary), ordinary);
        }
    }

    #[test]
    fn an_annotation_is_plain_and_counted_in_bytes() {
        assert_eq!(annotation("a\u{202e}b\nc", 255), "a\\u{202e}b c");
        assert_eq!(annotation("😀😀", 8), "😀😀");
        for limit in 8..=10 {
            assert_eq!(annotation("😀😀😀", limit), "😀…", "{limit}");
        }
        assert_eq!(annotation("😀😀😀😀", 11), "😀😀…");
    }

    #[test]
    fn shortening_respects_characters() {
        assert_eq!(shorten("äöü", 2), "äö…");
        assert_eq!(shorten("äöü", 3), "äöü");
    }
}
