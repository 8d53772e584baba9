//! Commit messages: GitHub notifies, links, closes and skips by what stands in one.

use super::visible;

/// One line of plain ASCII for a commit's message. What could be a mention, a reference, a
/// command to a workflow or a trailer loses the signs that make it one.
#[cfg_attr(
    not(any(test, fuzzing)),
    expect(dead_code, reason = "nothing is committed yet")
)]
pub(crate) fn commit_message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '.' if makes_an_address(&out) => out.push('_'),
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | ' '
            | '.'
            | ','
            | ';'
            | '('
            | ')'
            | '_'
            | '+'
            | '='
            | '/'
            | '-' => out.push(c),
            '[' | '{' => out.push('('),
            ']' | '}' => out.push(')'),
            _ => out.push('_'),
        }
        if names_a_commit(&out) {
            out.push('_');
        }
    }
    part(&out, "gh-").trim().to_owned()
}

/// `www.` alone makes a link, in any case.
fn makes_an_address(text: &str) -> bool {
    let end = text.len().checked_sub(3).and_then(|at| text.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Seven hexadecimal digits name a commit: no seven stand together.
fn names_a_commit(text: &str) -> bool {
    text.bytes().rev().take_while(u8::is_ascii_hexdigit).count() >= 6
}

/// Puts a line between a word and the number behind it.
fn part(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let start = out.len().checked_sub(word.len());
        let follows = start
            .and_then(|start| out.get(start..))
            .is_some_and(|end: &str| end.eq_ignore_ascii_case(word));
        if follows && c.is_ascii_digit() {
            out.push('_');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_commands_nobody() {
        for (text, want) in [
            ("record prompts/refund", "record prompts/refund"),
            ("fixes #12 @ann", "fixes _12 _ann"),
            ("closes GH-12", "closes GH-_12"),
            ("[skip ci]", "(skip ci)"),
            ("a\n\nCo-authored-by: x <x@y>", "a  Co-authored-by_ x _x_y_"),
            ("https://x.example", "https_//x.example"),
            ("0123456789", "012345_6789"),
            ("ä\u{202e}", "__u(202e)"),
        ] {
            assert_eq!(commit_message(text), want, "{text}");
        }
    }
}
