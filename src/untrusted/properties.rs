//! What each sink promises, for any text. Judged by others than the sinks: a parser of GitHub's
//! Markdown, and transcriptions of what the workflow runner reads.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};

use super::{
    annotation, commit_message, html, log_line, markdown_block, markdown_code, markdown_inline,
    step_output,
};

/// Where the inline sink's text stands in a report.
const PLACES: [&str; 7] = [
    "{}",
    "before {} after",
    "- {}",
    "> **Next:** {}",
    "**{}**: ~~{}~~ {}",
    "a | b\n--|--\n{} | {}",
    "<details><summary><b>Cases of {}</b> (1)</summary>\n\n- {}\n\n</details>",
];

/// One line of Markdown: the same structure as that of a plain word, and no link of GitHub's.
pub(crate) fn check_markdown_inline(text: &str) {
    let shown = markdown_inline(text);
    assert_plain(&shown);
    for place in PLACES {
        if shown.is_empty() {
            continue;
        }
        let found = Parsed::of(&place.replace("{}", &shown));
        let plain = Parsed::of(&place.replace("{}", "word"));
        assert_eq!(
            found.structure, plain.structure,
            "{text:?} in {place:?}: {shown:?}"
        );
        assert_unlinked(&found.text);
    }
}

/// A code span: one, whatever stands in it.
pub(crate) fn check_markdown_code(text: &str) {
    let shown = markdown_code(text);
    assert_plain(&shown);
    for place in ["{}", "before {} after", "- {}", "a | b\n--|--\n{} | {}"] {
        let found = Parsed::of(&place.replace("{}", &shown));
        let plain = Parsed::of(&place.replace("{}", "`word`"));
        assert_eq!(
            found.structure, plain.structure,
            "{text:?} in {place:?}: {shown:?}"
        );
    }
    assert_unmentioned(&shown);
}

/// A block of code: one, with at most a sentence below.
pub(crate) fn check_markdown_block(text: &str) {
    let shown = markdown_block(text);
    for line in shown.lines() {
        assert_plain(line);
    }
    let found = Parsed::of(&format!("before\n\n{shown}\nafter"));
    let (one, cut) = (
        [
            "document",
            "paragraph",
            "text",
            "code_block",
            "paragraph",
            "text",
        ],
        [
            "document",
            "paragraph",
            "text",
            "code_block",
            "paragraph",
            "text",
            "paragraph",
            "text",
        ],
    );
    assert!(
        found.structure == one || found.structure == cut,
        "{text:?}: {:?}",
        found.structure
    );
    assert_unmentioned(&shown);
}

/// HTML: nothing that starts a tag or ends an attribute.
pub(crate) fn check_html(text: &str) {
    let shown = html(text);
    for line in shown.split('\n') {
        assert_plain(line);
    }
    assert!(!shown.contains(['<', '>', '"', '\'', '`']), "{shown:?}");
    let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#96;"];
    let rest = entities
        .iter()
        .fold(shown.clone(), |rest, entity| rest.replace(entity, ""));
    assert!(!rest.contains('&'), "{shown:?}");
}

/// A line of a log: one line, without a command to a terminal or to the runner, also where it
/// is folded.
pub(crate) fn check_log_line(text: &str) {
    let shown = log_line(text);
    assert_plain(&shown);
    for (at, _) in shown.match_indices(char::is_whitespace).chain([(0, "")]) {
        let line = shown.get(at..).unwrap_or_default();
        assert!(!is_command(line), "{text:?}: {line:?}");
    }
    assert_eq!(log_line(&shown), shown, "{text:?}");
}

/// A plain text beside code.
pub(crate) fn check_annotation(text: &str) {
    let shown = annotation(text, 255);
    assert_plain(&shown);
    assert!(shown.len() <= 255, "{shown:?}");
}

/// A step's output: the runner reads the value back, and nothing else; or it is refused.
pub(crate) fn check_step_output(text: &str) {
    let Ok(shown) = step_output("name", text, DELIMITER) else {
        assert!(
            text.contains(['\0', '\r']) || text.contains(DELIMITER),
            "{text:?}"
        );
        return;
    };
    let read = outputs(&shown);
    let written = (String::from("name"), text.to_owned());
    assert_eq!(read, Some(vec![written]), "{text:?}");
}

/// A commit's message: one line of ASCII that notifies, links, closes and skips nothing.
pub(crate) fn check_commit_message(text: &str) {
    let shown = commit_message(text);
    assert_plain(&shown);
    assert!(shown.is_ascii(), "{shown:?}");
    assert!(
        !shown.contains(['@', '#', '[', ']', ':', '<', '>']),
        "{shown:?}"
    );
    assert_unlinked(&shown);
}

const DELIMITER: &str = "0123456789abcdef0123456789abcdef";

/// Whether the runner takes a line for a command: `::` at its start, whatever space is before
/// it, or `##[` anywhere.
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("::") || line.contains("##[")
}

/// Reads a file of outputs as the runner does: `name=value`, or `name<<delimiter` with lines up
/// to the delimiter. `None` where it would refuse the file.
fn outputs(file: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let text = file.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.strip_suffix('\n')?.split('\n');
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        match (line.find('='), line.find("<<")) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                let (name, value) = line.split_once('=')?;
                found.push((name.to_owned(), value.to_owned()));
            }
            (_, Some(_)) => {
                let (name, delimiter) = line.split_once("<<")?;
                let mut value = Vec::new();
                loop {
                    match lines.next()? {
                        line if line == delimiter => break,
                        line => value.push(line),
                    }
                }
                found.push((name.to_owned(), value.join("\n")));
            }
            _ => return None,
        }
    }
    Some(found)
}

/// What a parser of GitHub's Markdown makes of a document.
struct Parsed {
    /// The kinds of its nodes; text that stands together counts once.
    structure: Vec<&'static str>,
    /// Its text outside code, that of each node in a line.
    text: String,
}

impl Parsed {
    fn of(document: &str) -> Self {
        let mut options = Options::default();
        let extension = &mut options.extension;
        extension.autolink = true;
        extension.table = true;
        extension.strikethrough = true;
        extension.tasklist = true;
        extension.footnotes = true;
        extension.alerts = true;
        extension.math_dollars = true;
        extension.math_code = true;
        let arena = Arena::new();
        let mut parsed = Self {
            structure: Vec::new(),
            text: String::new(),
        };
        for node in parse_document(&arena, document, &options).descendants() {
            let data = node.data();
            let kind = data.value.xml_node_name();
            if let NodeValue::Text(text) = &data.value {
                parsed.text.push_str(text);
            } else {
                parsed.text.push('\n');
            }
            if kind != "text" || parsed.structure.last() != Some(&"text") {
                parsed.structure.push(kind);
            }
        }
        parsed
    }
}

/// No character that acts on a terminal, ends a line or moves text.
fn assert_plain(shown: &str) {
    let acts = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{061C}'
                    | '\u{200E}'..='\u{200F}'
                    | '\u{2028}'..='\u{202E}'
                    | '\u{2066}'..='\u{2069}'
                    | '\u{FEFF}'
            )
    };
    assert!(!shown.contains(acts), "{shown:?}");
}

/// Nothing that GitHub makes a mention, a reference or a link of, once the Markdown is text.
fn assert_unlinked(text: &str) {
    assert_unmentioned(text);
    let lower = text.to_lowercase();
    assert!(
        !lower.contains("://") && !lower.contains("www."),
        "{text:?}"
    );
    let numbered = |word: &str| {
        let mut rests = lower
            .match_indices(word)
            .map(|(at, _)| lower.get(at + word.len()..));
        rests.any(|rest| rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
    };
    assert!(!numbered("#") && !numbered("gh-"), "{text:?}");
    let commit = lower
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!commit, "{text:?}");
}

/// Nobody is notified: a mention is a sign with a name right behind it.
fn assert_unmentioned(text: &str) {
    let mut rests = text.split('@').skip(1);
    let live = rests.any(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
    assert!(!live, "{text:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What breaks out of one place or another, as building blocks.
    const PIECES: [&str; 60] = [
        "@ann",
        "@org/team",
        "#12",
        "GH-7",
        "gh-7",
        "acme/prompts#3",
        "deadbeef",
        "0123456789",
        "http://x.example",
        "https:",
        "//x",
        "www.x.example",
        "mailto:a@b.example",
        "a@b.example",
        "[a](b)",
        "![i](y)",
        "[^1]",
        "[x] ",
        "<img src=x>",
        "<!--",
        "-->",
        "</details>",
        "<script>",
        "&#64;ann",
        "&commat;ann",
        "&lt;",
        "|",
        "`",
        "``",
        "```",
        "~~~",
        "~",
        "*",
        "**",
        "_",
        "__",
        "$",
        "$$",
        "- ",
        "+ ",
        "1. ",
        "2) ",
        "# ",
        "> ",
        "===",
        "---",
        "\\",
        ":smile:",
        "::set-output name=a::b",
        "##[error]",
        "\n",
        "\r\n",
        "\u{1b}[31m",
        "\u{202e}",
        "\u{200b}",
        "\u{e0041}",
        " ",
        "    ",
        "\t",
        "\u{85}",
    ];

    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
            1 => any::<char>().prop_map(String::from),
            1 => ".{0,4}",
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_sink_keeps_its_promise(text in hostile()) {
            check_markdown_inline(&text);
            check_markdown_code(&text);
            check_markdown_block(&text);
            check_html(&text);
            check_log_line(&text);
            check_annotation(&text);
            check_step_output(&text);
            check_commit_message(&text);
        }
    }

    #[test]
    fn the_judges_see_what_is_live() {
        let raw = |text: &str| Parsed::of(text).structure;
        let plain = raw("word");
        for live in [
            "<img src=x>",
            "[a](b)",
            "www.x.example",
            "a@b.example",
            "**a**",
            "# a",
            "- a",
            "`a`",
            "$a$",
            "https://x.example",
        ] {
            assert_ne!(raw(live), plain, "{live}");
        }
        for live in ["@ann", "a #12", "GH-7", "deadbeef", "://", "WWW.x"] {
            assert!(
                std::panic::catch_unwind(|| assert_unlinked(live)).is_err(),
                "{live}"
            );
        }
        for command in ["::error::x", "\u{3000} ::error::x", "a ##[error]x"] {
            assert!(is_command(command), "{command}");
        }
        let two = outputs("a=1\nb<<d\n1\n2\nd\n").unwrap();
        let pairs = [("a", "1"), ("b", "1\n2")];
        assert_eq!(
            two,
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(outputs("b<<d\n1\n"), None);
    }
}
