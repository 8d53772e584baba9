//! Markdown as GitHub renders it: within a line, as a code span, as a block of code.

use super::visible;

/// Parts two characters without being seen.
const BREAK: char = '\u{200B}';
/// The most bytes of a block.
const MAX_BLOCK: usize = 4 << 10;

/// Escapes text for a line of Markdown or a table cell: no tag, link, image, mention,
/// reference, emphasis or cell border survives.
pub(crate) fn markdown_inline(text: &str) -> String {
    let text = visible(text);
    let text = text.trim();
    let mut out = String::with_capacity(text.len() + 16);
    // A mark or a number at the start would make a list item or a heading of the line.
    if text.starts_with(['-', '+', '=']) {
        out.push('\\');
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = digits > 0 && {
        let mut rest = text.get(digits..).unwrap_or_default().chars();
        rest.next().is_some_and(|c| matches!(c, '.' | ')')) && rest.next().is_none_or(|c| c == ' ')
    };
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A zero-width space parts the sign from the name, so that nobody is notified;
            // an entity or a code span would still mention in e-mail replies.
            '@' => out.extend(['@', BREAK]),
            '#' => out.extend(['\\', '#', BREAK]),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            '.' | ')' if number && at == digits => out.extend(['\\', c]),
            ':' if next == Some('/') => {
                out.push_str("&#58;");
                out.push(BREAK);
            }
            // A word between colons becomes an emoji, and some schemes have no slashes.
            ':' if next.is_some_and(|next| !next.is_whitespace()) => out.push_str("&#58;"),
            _ => out.push(c),
        }
        if ends_reference(&out, next) {
            out.push(BREAK);
        }
    }
    out
}

/// Tells whether GitHub may make a link of what stands at the end of `text` once `next`
/// follows: `www.`, `GH-1`, and seven hexadecimal digits, which name a commit.
fn ends_reference(text: &str, next: Option<char>) -> bool {
    let ends = |word: &str| {
        let start = text.len().checked_sub(word.len());
        start
            .and_then(|start| text.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    let hex = |c: char| c.is_ascii_hexdigit();
    match next {
        Some('.') => ends("www"),
        Some(next) if next.is_ascii_digit() && ends("gh-") => true,
        Some(next) if hex(next) => text.chars().rev().take_while(|c| hex(*c)).count() >= 6,
        _ => false,
    }
}

/// Backticks in a row that are left as they are.
const LONGEST_RUN: usize = 60;

/// A code span: for ids, paths and values. Cannot be closed from inside.
pub(crate) fn markdown_code(text: &str) -> String {
    let text = visible(text)
        .replace('|', "\u{2502}")
        .replace('@', "@\u{200B}")
        .replace("##[", "##\u{200B}[");
    let text = short_runs(&text);
    let longest = longest_run(&text);
    let fence = "`".repeat(longest + 1);
    if text.trim().is_empty() {
        String::from("` `")
    } else if longest > 0 || text.starts_with(' ') || text.ends_with(' ') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A block of code of several lines, at most 4 KiB of it: what is longer says so below.
#[cfg_attr(
    not(any(test, fuzzing)),
    expect(dead_code, reason = "no report shows a text of several lines yet")
)]
pub(crate) fn markdown_block(text: &str) -> String {
    let shown = text
        .get(..text.floor_char_boundary(MAX_BLOCK))
        .unwrap_or(text);
    let lines: Vec<String> = shown
        .lines()
        .map(|line| visible(line).replace('@', "@\u{200B}"))
        .collect();
    let shortened = if shown.len() < text.len() {
        "\nshortened\n"
    } else {
        ""
    };
    let body = short_runs(&lines.join("\n").replace("##[", "##\u{200B}["));
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    format!("{fence}text\n{body}\n{fence}\n{shortened}")
}

/// Parts long runs of backticks: GitHub knows no code span of more than 80 (`MAXBACKTICKS` of
/// cmark), and takes a fence of more than 255 for one of 255.
fn short_runs(text: &str) -> String {
    let whole = "`".repeat(LONGEST_RUN);
    let parted = format!("{whole}\u{200B}");
    text.replace(&whole, &parted)
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn no_run_of_backticks_is_longer_than_github_knows() {
        for length in [1, 59, 60, 61, 79, 80, 255, 300, 1_000] {
            let text = format!("a{}b", "`".repeat(length));
            let span = markdown_code(&text);
            crate::untrusted::properties::check_markdown_code(&text);
            let block = markdown_block(&text);
            crate::untrusted::properties::check_markdown_block(&text);
            let longest = longest_run(&span).max(longest_run(&block));
            assert!(longest <= LONGEST_RUN + 1, "{length}: {longest}");
        }
    }

    #[test]
    fn what_github_would_link_is_parted() {
        for (text, want) in [
            ("GH-12", "GH-\u{200B}12"),
            ("gh-x", "gh-x"),
            ("abc123", "abc123"),
            ("abc1234", "abc123\u{200B}4"),
            ("0123456789abcdef", "012345\u{200B}6789ab\u{200B}cdef"),
            ("1. a", "1\\. a"),
            ("12) a", "12\\) a"),
            ("1.5", "1.5"),
            ("a 1. b", "a 1. b"),
            ("  a ", "a"),
        ] {
            assert_eq!(markdown_inline(text), want, "{text}");
        }
    }

    #[test]
    fn a_code_span_cannot_be_closed_from_inside() {
        assert_eq!(markdown_code("a`b``c"), "``` a`b``c ```");
        assert_eq!(markdown_code("plain"), "`plain`");
        assert!(!markdown_code("a|b").contains('|'));
    }

    #[test]
    fn a_block_cannot_be_closed_from_inside_and_says_where_it_was_cut() {
        assert_eq!(markdown_block("a\n```\nb"), "````text\na\n```\nb\n````\n");
        let long = markdown_block(&"ä".repeat(MAX_BLOCK));
        assert!(long.len() < MAX_BLOCK + 100 && long.ends_with("\n```\n\nshortened\n"));
    }
}
