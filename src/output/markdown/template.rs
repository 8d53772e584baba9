//! Renders a template: strict about names, bounded in work and in size.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use crate::limits::{TEMPLATE_FUEL, TEMPLATE_OUTPUT};

/// Which template.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// The built-in one.
    BuiltIn,
    /// The text of one of the repository.
    Own(&'a str),
}

/// What a template does wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, counted from 1.
    pub(super) line: Option<usize>,
    /// What it is.
    pub(super) what: String,
}

const BUILT_IN: &str = include_str!("../../../templates/comment.md.j2");

/// Renders a template with what it is given.
pub(super) fn render(source: Source<'_>, values: &impl Serialize) -> Result<String, Fault> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.map_err(Fault::of)?);
    let (text, limit) = match source {
        Source::BuiltIn => (BUILT_IN, usize::MAX),
        Source::Own(text) => {
            environment.set_fuel(Some(TEMPLATE_FUEL));
            (text, TEMPLATE_OUTPUT)
        }
    };
    environment
        .add_template("template", text)
        .map_err(Fault::of)?;
    let template = environment.get_template("template").map_err(Fault::of)?;
    let mut page = Page {
        bytes: Vec::new(),
        limit,
    };
    template
        .render_captured_to(Serde(values), &mut page)
        .map_err(Fault::of)?;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    if text.trim().is_empty() {
        return Err(Fault {
            line: None,
            what: String::from("it prints nothing"),
        });
    }
    Ok(text)
}

impl Fault {
    /// A page that is too long for its place, however much is left out.
    pub(super) fn too_long(limit: usize) -> Self {
        Self {
            line: None,
            what: format!("it prints more than {limit} bytes, whatever is left out"),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    fn of(error: minijinja::Error) -> Self {
        let what = match (error.kind(), error.detail()) {
            (ErrorKind::OutOfFuel, _) => String::from("it does too much work"),
            (ErrorKind::WriteFailure, _) => format!("it prints more than {TEMPLATE_OUTPUT} bytes"),
            (kind, Some(detail)) => format!("{kind}: {detail}"),
            (kind, None) => kind.to_string(),
        };
        Self {
            line: error.line(),
            what,
        }
    }
}

/// What is printed, up to a limit.
struct Page {
    bytes: Vec<u8>,
    limit: usize,
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::Error::other("too much"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_template_does_wrong_is_told_with_its_line() {
        for (text, line, what) in [
            ("a\n{{ b", Some(2), "syntax error"),
            ("a\n\n{{ nope }}", Some(3), "undefined value"),
            ("{{ row.nope }}", Some(1), "undefined value"),
            ("{{ row | nope }}", Some(1), "unknown filter"),
            ("{# a comment #}\n", None, "it prints nothing"),
            ("{% include 'x' %}", Some(1), "syntax error"),
            (
                "\n{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
                Some(2),
                "too much work",
            ),
            (
                "{% for a in range(99999) %}{{ long }}{% endfor %}",
                None,
                "it prints more than 4194304 bytes",
            ),
        ] {
            let values = json!({ "row": { "a": 1 }, "long": "x".repeat(100) });
            let fault = render(Source::Own(text), &values).unwrap_err();
            assert!(fault.what.contains(what), "{text}: {fault:?}");
            assert_eq!(fault.line, line, "{text}: {fault:?}");
        }
        let text = render(Source::Own("{{ row.a }}"), &json!({ "row": { "a": 1 } }));
        assert_eq!(text.unwrap(), "1");
    }
}
