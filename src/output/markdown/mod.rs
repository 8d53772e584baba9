//! `--format markdown`: the scorecard comment, from `templates/comment.md.j2`.
//!
//! Logic stays here; the template has loops and conditions only. Every text is sent through
//! a Markdown sink before the template sees it. A comment that grows too long loses whole
//! rows and sections, never half of one.

mod rows;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::json;

use super::{Look, Output, RenderError};
use crate::policy::Mode;
use crate::report::Report;
use crate::rules::Origin;
use crate::untrusted::{markdown_inline as inline, shorten};
use crate::verdict::Verdict;

const TEMPLATE: &str = include_str!("../../../templates/comment.md.j2");

/// What GitHub takes is 65,536 characters; this many bytes leave room for the marker.
const MAX_BYTES: usize = 60_000;

/// How much a comment shows; each step down drops rows and sections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    rows: usize,
    cases: usize,
    text: usize,
    rationale: bool,
}

impl Room {
    /// A name, which may be as long as a path can be.
    fn name(self, text: &str) -> String {
        inline(&shorten(text, self.text))
    }
}

const ROOMS: [Room; 4] = [
    Room {
        rows: 50,
        cases: 3,
        text: 600,
        rationale: true,
    },
    Room {
        rows: 50,
        cases: 1,
        text: 200,
        rationale: true,
    },
    Room {
        rows: 20,
        cases: 0,
        text: 120,
        rationale: false,
    },
    Room {
        rows: 5,
        cases: 0,
        text: 60,
        rationale: false,
    },
];

pub(crate) struct Markdown;

impl Output for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn about(&self) -> &'static str {
        "the scorecard comment"
    }

    fn render(&self, report: &Report, _: Look) -> Result<String, RenderError> {
        comment(report)
    }
}

/// Renders the comment, as full as its limit allows.
pub(crate) fn comment(report: &Report) -> Result<String, RenderError> {
    let mut text = String::new();
    for room in ROOMS {
        text = render(report, room)?;
        if text.len() <= MAX_BYTES {
            break;
        }
    }
    Ok(text)
}

fn render(report: &Report, room: Room) -> Result<String, RenderError> {
    let failed = |error: minijinja::Error| RenderError {
        output: "markdown",
        reason: format!("{error:#}"),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment.set_fuel(Some(2_000_000));
    environment
        .add_template("comment.md.j2", TEMPLATE)
        .map_err(failed)?;
    let template = environment.get_template("comment.md.j2").map_err(failed)?;
    let (green, judged) = report.gates();
    let blocking = report.blocking();
    let text = template
        .render(Serde(json!({
            "icon": icon(report),
            "alert": alert(report),
            "headline": report.headline(),
            "green": green,
            "judged": judged,
            "first": blocking.first().map(|outcome| inline(&shorten(&outcome.ruling.found, 400))),
            "next": inline(&shorten(&report.next, 600)),
            "failing": rows::failing(report, room),
            "changes": rows::changes(report, room),
            "governed": report.governed,
            "scored": report.scored,
            "categories": rows::categories(report, room),
            "total": report.card.total.to_string(),
            "band": report.card.band.words(),
            "evals": rows::evals(report, room),
            "rationale": rows::rationale(report, room),
            "remedies": rows::remedies(report, room),
            "coverage": report.coverage.as_ref().map(rows::coverage),
            "findings": rows::findings(report, room),
            "policy": {
                "digest": report.policy.sha256.short(),
                "origin": origin(report),
            },
            "base": report.range.base.short(),
            "head": report.range.head.short(),
            "files": rows::files(report, room),
        })))
        .map_err(failed)?;
    Ok(tidy(&text))
}

/// At most one empty line in a row, none at the ends.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines() {
        let blank = line.trim().is_empty();
        if !(blank && empty) {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        empty = blank;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn icon(report: &Report) -> &'static str {
    match (report.verdict, report.mode) {
        (Verdict::Pass, _) => "✅",
        (_, Mode::Advise | Mode::Observe) => "⚠️",
        (Verdict::Fail | Verdict::Error, Mode::Enforce) => "⛔",
    }
}

fn alert(report: &Report) -> &'static str {
    match (report.verdict, report.mode) {
        (Verdict::Pass, _) => "TIP",
        (_, Mode::Advise | Mode::Observe) => "WARNING",
        (Verdict::Fail | Verdict::Error, Mode::Enforce) => "CAUTION",
    }
}

fn origin(report: &Report) -> &'static str {
    match report.policy.origin {
        Origin::Base => "from the base branch",
        Origin::Bootstrap => "from the head: the first one, nothing enforced",
        Origin::Simulated => "simulated",
    }
}
