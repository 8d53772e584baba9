//! Terminals and logs, where a workflow runner may read along.

use super::visible;

/// Makes one line that no terminal and no workflow runner acts on.
///
/// Control and hidden characters are shown as escapes. `::` at the start of a line and `##[`
/// anywhere start a workflow command on GitHub's runner. A line may be folded at any space
/// later on, so `::` is broken at the start of every word, with a visible backslash.
pub(crate) fn log_line(text: &str) -> String {
    let visible = visible(text).replace("##[", "##\\[");
    let mut out = String::with_capacity(visible.len());
    let mut starts = true;
    for (at, c) in visible.char_indices() {
        if starts && c == ':' && visible.get(at..).is_some_and(|rest| rest.starts_with("::")) {
            out.push('\\');
        }
        // The runner trims every kind of space.
        starts = c.is_whitespace();
        out.push(c);
    }
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
            ("\u{3000}::error::x", "\u{3000}\\::error::x"),
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
    fn a_line_that_was_made_safe_stays_as_it_is() {
        for input in ["::error::x", "a ##[command]x", "\u{1b}[31m \u{200b}"] {
            let once = log_line(input);
            assert_eq!(log_line(&once), once);
        }
    }
}
