//! The sinks for text from outside: prompts, results, names, paths.
//!
//! Every string of a report counts as hostile; each renderer sends it through the sink that
//! makes it harmless for that one place.

/// Tells whether `c` moves or hides text: bidi controls, zero-width and tag characters.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}'
            | '\u{061C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Makes one line that no terminal and no workflow runner acts on.
///
/// Control and hidden characters are shown as escapes. `::` at the start of a line and `##[`
/// anywhere start a workflow command on GitHub's runner. A line may be folded at any space
/// later on, so `::` is broken at the start of every word, with a visible backslash.
pub(crate) fn log_line(text: &str) -> String {
    let visible = visible(text).replace("##[", "##\\[");
    let mut out = String::with_capacity(visible.len());
    for (at, word) in visible.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if word.trim_start().starts_with("::") {
            out.push('\\');
        }
        out.push_str(word);
    }
    out
}

/// Escapes text for a line of Markdown or a table cell: no tag, link, image, mention,
/// reference, emphasis or cell border survives.
pub(crate) fn markdown_inline(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 16);
    // A mark at the start would make a list item or a heading of the line.
    if text.starts_with(['-', '+', '=']) {
        out.push('\\');
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width space parts the sign from the name, so that nobody is notified;
            // an entity or a code span would still mention in e-mail replies.
            '@' => out.push_str("@\u{200B}"),
            '#' => out.push_str("\\#\u{200B}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // An address becomes a link, and a word between colons an emoji, only where the
            // colon touches what follows.
            ':' if chars.peek().is_some_and(|next| !next.is_whitespace()) => {
                out.push_str("&#58;");
            }
            _ => out.push(c),
        }
    }
    break_www(&out)
}

/// A code span: for ids, paths and values. Cannot be closed from inside.
pub(crate) fn markdown_code(text: &str) -> String {
    let text = visible(text)
        .replace('|', "\u{2502}")
        .replace('@', "@\u{200B}")
        .replace("##[", "##\u{200B}[");
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    if text.is_empty() {
        String::from("` `")
    } else if longest > 0 || text.starts_with(' ') || text.ends_with(' ') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// Shows hidden and control characters as `\u{...}`, and line ends as spaces.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || is_hidden(c) => {
                out.extend(c.escape_unicode());
            }
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

/// `www.` alone makes a link on GitHub.
fn break_www(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find("www.") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        out.push('\u{200B}');
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_sink_breaks_workflow_commands() {
        for (input, want) in [
            ("::set-output name=a::b", "\\::set-output name=a::b"),
            ("  ::error::x", "  \\::error::x"),
            ("folded here ::error::x", "folded here \\::error::x"),
            ("a::b", "a::b"),
            ("a ##[command]x", "a ##\\[command]x"),
            ("a\n::error::x", "a \\::error::x"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b", "a\\u{202e}b"),
        ] {
            assert_eq!(log_line(input), want);
        }
    }

    #[test]
    fn markdown_keeps_no_live_markup() {
        let hostile = "<img src=x> | **b** @org/team #12 [a](http://x) www.x.org ![i](y) `c`";
        let out = markdown_inline(hostile);
        for live in [
            "<img", " | ", "**b", "@org", "#12", "[a](", "http://", "www.x",
        ] {
            assert!(!out.contains(live), "{live} in {out}");
        }
    }

    #[test]
    fn a_code_span_cannot_be_closed_from_inside() {
        assert_eq!(markdown_code("a`b``c"), "``` a`b``c ```");
        assert_eq!(markdown_code("plain"), "`plain`");
        assert!(!markdown_code("a|b").contains('|'));
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
