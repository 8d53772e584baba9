//! HTML: the text of an element, or the value of an attribute in quotes.

use super::visible;

/// Escapes text so that neither a tag nor the end of an attribute survives.
#[cfg_attr(
    not(any(test, fuzzing)),
    expect(dead_code, reason = "no output is HTML yet")
)]
pub(crate) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for c in visible(line).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '`' => out.push_str("&#96;"),
                c => out.push(c),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(
            html("<a href=\"x\" title='y'>`&amp;\n\u{202e}"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&#96;&amp;amp;\n\\u{202e}"
        );
    }
}
