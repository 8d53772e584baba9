//! `--format markdown`: the scorecard comment, from `templates/comment.md.j2`.
//!
//! Logic stays here; the template has loops and conditions only. Every text is sent through
//! a Markdown sink before the template sees it. Where it grows too long for its place it loses
//! whole sections and rows, never half of one.

mod approvals;
mod fit;
mod rows;

pub(crate) use fit::Place;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value as Json, json};

use super::{Look, Output, RenderError};
use crate::policy::Mode;
use crate::regression::Comparison;
use crate::report::{ChangeReport, Report};
use crate::rules::Origin;
use crate::untrusted::{markdown_inline as inline, shorten};
use crate::verdict::Verdict;
use fit::{Room, Section};

const TEMPLATE: &str = include_str!("../../../templates/comment.md.j2");

pub(crate) struct Markdown;

impl Output for Markdown {
    fn id(&self) -> &'static str {
        "markdown"
    }

    fn about(&self) -> &'static str {
        "the scorecard comment, whole"
    }

    fn render(&self, report: &Report, _: Look) -> Result<String, RenderError> {
        markdown(report, Place::file())
    }
}

/// Renders the report, as full as its place allows.
pub(crate) fn markdown(report: &Report, place: Place<'_>) -> Result<String, RenderError> {
    let rows = [
        report.failing().len(),
        report.waived().len(),
        report.changes.len(),
        report.governed_files.len(),
        report.approvals.decisions.len(),
        report.approvals.requests.len(),
        report.evidence.len(),
    ];
    let rows = rows.into_iter().max().unwrap_or_default();
    let mut room = Room::ALL;
    loop {
        let text = render(report, room, place)?;
        match room.less(rows) {
            Some(less) if !place.takes(&text) => room = less,
            _ => return Ok(text),
        }
    }
}

fn render(report: &Report, room: Room, place: Place<'_>) -> Result<String, RenderError> {
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
    environment
        .add_template("comment.md.j2", TEMPLATE)
        .map_err(failed)?;
    let template = environment.get_template("comment.md.j2").map_err(failed)?;
    let text = template
        .render(Serde(values(report, room, place)))
        .map_err(failed)?;
    Ok(tidy(&text))
}

/// Everything that the template shows, made harmless.
fn values(report: &Report, room: Room, place: Place<'_>) -> Json {
    let blocking = report.blocking();
    json!({
            "icon": icon(report),
            "alert": alert(report),
            "headline": report.headline(),
            "gates": report.gates(),
            "first": blocking.first().map(|outcome| inline(&shorten(&outcome.ruling.found, 400))),
            "next": inline(&shorten(&report.next, 600)),
            "failing": rows::failing(report, room),
            "waived": rows::waived(report, room),
            "changes": rows::changes(report, room),
            "governed_files": rows::governed_files(report, room),
            "differences": room.shows(Section::Differences),
            "governed": report.governed,
            "scorecard": report.scored && room.shows(Section::Scorecard),
            "categories": rows::categories(report, room),
            "total": report.card.total.to_string(),
            "band": report.card.band.words(),
            "evals": room.shows(Section::Evals).then(|| rows::evals(report, room)),
            "cases": room.shows(Section::Cases),
            "rationale": (report.scored && room.shows(Section::Rationale))
                .then(|| rows::rationale(report, room)),
            "remedies": rows::remedies(report, room),
            "coverage": report
                .coverage
                .as_ref()
                .filter(|_| room.shows(Section::Coverage))
                .map(rows::coverage),
            "findings": room.shows(Section::Findings).then(|| rows::findings(report, room)),
            "approvals": room
                .shows(Section::Approvals)
                .then(|| approvals::section(report, room)),
            "policy": {
                "digest": report.policy.sha256.short(),
                "origin": origin(report),
            },
            "base": report.range.base.short(),
            "head": report.range.head.short(),
            "files": rows::files(report, room),
            "traces": report.coverage.is_some(),
            "again": again(report),
            "left_out": place.left_out(room, |section| has(report, section)),
    })
}

/// The command that repeats the verdict on a laptop, with the inputs that the reader has.
fn again(report: &Report) -> String {
    let (base, head) = (report.range.base.short(), report.range.head.short());
    let mut command = format!("gatecard check --base {base} --head {head}");
    if !report.evidence.is_empty() {
        command.push_str(" --evidence ...");
    }
    if !report.approvals.decisions.is_empty() {
        command.push_str(" --approvals approvals.json");
    }
    command
}

/// Whether a report has something to show in a section.
fn has(report: &Report, section: Section) -> bool {
    match section {
        Section::Coverage => report.coverage.is_some(),
        Section::Rationale | Section::Scorecard => report.scored,
        Section::Cases => {
            let worse = |(_, comparison): &(_, Comparison)| !comparison.newly_failing.is_empty();
            report.comparisons.iter().any(worse)
        }
        Section::Findings => !report.findings.is_empty() || !report.formatting.is_empty(),
        Section::Approvals => !report.approvals.is_empty(),
        Section::Evals => !report.comparisons.is_empty(),
        Section::Differences => {
            let told = |change: &ChangeReport| !change.differences.is_empty();
            report.changes.iter().any(told)
        }
    }
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
