//! `--format markdown`: the scorecard comment, from `templates/comment.md.j2`.
//!
//! Logic stays here; the template has loops and conditions only. Every text is sent through
//! a Markdown sink before the template sees it, so that one of the repository cannot print what
//! was not made harmless. Where it grows too long for its place it loses
//! whole sections and rows, never half of one.

mod approvals;
mod fit;
mod rows;
mod shown;
mod template;
mod values;

pub(crate) use fit::Place;
#[cfg(test)]
pub(crate) use values::VALUES;

use super::{Look, Output, RenderError, trend};
use crate::policy::Mode;
use crate::regression::Comparison;
use crate::report::{ChangeReport, Report};
use crate::rules::Origin;
use crate::templates::replaced;
use crate::verdict::Verdict;
use fit::{Room, Section};
use template::{Fault, Source};
use values::{PolicyView, Values};

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

/// Renders the report, as full as its place allows: with the repository's template for that
/// place, where there is one that works.
pub(crate) fn markdown(report: &Report, place: Place<'_>) -> Result<String, RenderError> {
    if let Some(own) = place.template(&report.templates)
        && let Ok(text) = fitted(report, place, Source::Own(&own.text))
    {
        return Ok(text);
    }
    fitted(report, place, Source::BuiltIn).map_err(|fault| RenderError {
        output: "markdown",
        reason: fault.what,
    })
}

/// Says what the repository's templates do wrong with this report.
pub(crate) fn faults(report: &Report) -> Vec<String> {
    let places = [Place::comment(None), Place::summary()];
    let faults = places.into_iter().filter_map(|place| {
        let own = place.template(&report.templates)?;
        let fault = fitted(report, place, Source::Own(&own.text)).err()?;
        Some(replaced(&own.path, fault.line, &fault.what))
    });
    faults.collect()
}

fn fitted(report: &Report, place: Place<'_>, source: Source<'_>) -> Result<String, Fault> {
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
        let text = tidy(&template::render(source, &values(report, room, place))?);
        match (place.takes(&text), room.less(rows), source) {
            (true, ..) | (false, None, Source::BuiltIn) => return Ok(text),
            (false, Some(less), _) => room = less,
            (false, None, Source::Own(_)) => return Err(Fault::too_long(place.limit())),
        }
    }
}

/// Everything that the template shows, made harmless.
fn values(report: &Report, room: Room, place: Place<'_>) -> Values {
    let blocking = report.blocking();
    let first = blocking.first();
    Values {
        icon: icon(report),
        alert: alert(report),
        headline: report.headline(),
        gates: report.gates(),
        first: first.map(|outcome| outcome.ruling.found.shortened(400).inline()),
        next: report.next.shortened(600).inline(),
        failing: rows::failing(report, room),
        waived: rows::waived(report, room),
        changes: rows::changes(report, room),
        governed_files: rows::governed_files(report, room),
        differences: room.shows(Section::Differences),
        governed: report.governed,
        scorecard: report.scored && room.shows(Section::Scorecard),
        categories: rows::categories(report, room),
        total: report.card.total.to_string(),
        trend: trend::of_total(report),
        band: report.card.band.words(),
        evals: room
            .shows(Section::Evals)
            .then(|| rows::evals(report, room)),
        cases: room.shows(Section::Cases),
        rationale: (report.scored && room.shows(Section::Rationale))
            .then(|| rows::rationale(report, room)),
        remedies: rows::remedies(report, room),
        coverage: report
            .coverage
            .as_ref()
            .filter(|_| room.shows(Section::Coverage))
            .map(rows::coverage),
        findings: room
            .shows(Section::Findings)
            .then(|| rows::findings(report, room)),
        approvals: room
            .shows(Section::Approvals)
            .then(|| approvals::section(report, room))
            .flatten(),
        policy: PolicyView {
            digest: report.policy.sha256.short(),
            origin: origin(report),
        },
        base: report.range.base.short().to_owned(),
        head: report.range.head.short().to_owned(),
        files: rows::files(report, room),
        traces: report.coverage.is_some(),
        ledger: report.on_record.as_ref().map(rows::on_record),
        again: again(report),
        left_out: place.left_out(room, |section| has(report, section)),
    }
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
